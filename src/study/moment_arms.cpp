// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/moment_arms.hpp"

#include "psoas/core/error.hpp"
#include "study/scanned.hpp"

namespace psoas {

std::vector<MomentArmCurve> moment_arm_curves(const Model& model, std::span<const int> muscles, int coordinate,
                                              std::span<const double> q, int steps, PostureWatch* watch) {
  if (steps < 1) throw Error(Kind::input, "steps", "expected at least one, found " + std::to_string(steps));
  const auto at = [](int index) { return static_cast<std::size_t>(index); };
  std::vector<MomentArmCurve> out;
  std::vector<int> moved;
  for (const int m : muscles)
    if (coordinates_of(model, m).contains(coordinate)) {
      moved.push_back(m);
      out.push_back({m, coordinate, {}, {}, {}, {}});
    }
  if (moved.empty()) return out;
  const auto [low, high] = scanned_range(model, coordinate);
  const std::vector<double> still(q.size(), 0.0);
  std::vector<double> here(q.begin(), q.end());
  Workspace work(model);
  for (int i = 0; i <= steps; ++i) {
    here[at(coordinate)] = low + (high - low) * i / steps;
    evaluate(model, here, still, work, moved);
    for (MomentArmCurve& curve : out) {
      curve.value.push_back(here[at(coordinate)]);
      curve.length.push_back(work.length[at(curve.muscle)]);
      curve.arm.push_back(moment_arm(model, work, curve.muscle, coordinate));
      curve.flag.push_back(path_flag(model, here, work, curve.muscle));
    }
    if (watch) watch->see(here, work, moved);
  }
  return out;
}

}  // namespace psoas
