// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a scan of a muscle's path goes over.
#pragma once

#include <algorithm>
#include <array>
#include <set>

#include "psoas/core/units.hpp"
#include "psoas/model/model.hpp"

namespace psoas {

/// The range of an independent coordinate, cut half a turn or 1 m to either side of its default value.
inline std::array<double, 2> scanned_range(const Model& model, int coordinate) {
  const ModelData& data = model.data();
  const auto c = static_cast<std::size_t>(coordinate);
  const CoordinateSpec& item = *data.spec.coordinates.find(data.coordinate_names[c]);
  const double most = data.is_rotation[c] ? pi : 1.0;
  return {std::max(item.range[0], item.value - most), std::min(item.range[1], item.value + most)};
}

/// The independent coordinates on which a muscle's path depends.
inline std::set<int> coordinates_of(const Model& model, int muscle) {
  const ModelData& data = model.data();
  const auto m = static_cast<std::size_t>(muscle);
  const auto source = [&](int t) { return data.couplings[static_cast<std::size_t>(t)].source; };
  std::set<int> out;
  for (int i = data.arm_start[m]; i < data.arm_start[m + 1]; ++i)
    out.insert(source(data.arm_slots[static_cast<std::size_t>(i)].coordinate));
  for (const PathPoint& point : data.paths[m].points)
    if (point.coordinate >= 0) out.insert(source(point.coordinate));
  return out;
}

}  // namespace psoas
