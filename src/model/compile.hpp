// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// From a ModelSpec to a ModelData, with every problem at its JSON pointer.
#pragma once

#include <memory>

#include "psoas/model/model.hpp"

namespace psoas {

/// A point of a path inside a surface.
struct PointInside {
  std::size_t point = 0;  ///< place in the path
  double depth = 0.0;     ///< from the nearest place on the surface [m]
};

/// Points of a path that a wrap is about and that lie inside its surface in every pose: fixed in the surface's body.
std::vector<PointInside> points_inside(const std::vector<PointSpec>& points, const WrapSpec& wrap,
                                       const SurfaceSpec& surface);

/// Null when there are problems.
std::shared_ptr<const ModelData> compile(const ModelSpec& spec, std::vector<Problem>& problems);

}  // namespace psoas
