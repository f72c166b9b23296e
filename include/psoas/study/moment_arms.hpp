// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Lengths and moment arms of muscles over the range of a coordinate.
//   for (const MomentArmCurve& curve : moment_arm_curves(model, model.select("group:psoas_r"), c)) curve.arm.front();
#pragma once

#include <span>
#include <string>
#include <vector>

#include "psoas/model/model.hpp"
#include "psoas/study/posture_watch.hpp"

namespace psoas {

/// One muscle over one independent coordinate, from the least to the greatest value.
struct MomentArmCurve {
  int muscle = 0, coordinate = 0;
  std::vector<double> value;   ///< of the coordinate [rad, m]
  std::vector<double> length;  ///< of the path [m]
  std::vector<double> arm;     ///< -dl/dc, couplers respected [m, or 1 for a translation]
  std::vector<PathFlag> flag;  ///< whether the path is to be trusted there
};

/// Curves of those of the muscles whose paths cross what the coordinate moves, `steps` + 1 places each, other
/// coordinates at q (size model.coordinates()). A range of more than half a turn or 1 m to either side of the default is
/// cut there. A watch sees each place, once for all muscles. Throws Error(input) for fewer than one step.
std::vector<MomentArmCurve> moment_arm_curves(const Model& model, std::span<const int> muscles, int coordinate,
                                              std::span<const double> q, int steps = 30, PostureWatch* watch = nullptr);

}  // namespace psoas
