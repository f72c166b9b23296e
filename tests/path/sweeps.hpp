// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Paths over two surfaces, one end of which turns: their lengths must not jump but where that is flagged.
//   Sweeps seen;   ASSERT_NO_FATAL_FAILURE(sweep(random, 150, 1e-3, two_surfaces, seen));
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "psoas/path/path.hpp"
#include "support/random.hpp"

namespace psoas::test {

struct Sweeps {
  long poses = 0, flagged = 0, two = 0;  ///< of the poses: flagged, touching both surfaces
  double flagged_share() const { return static_cast<double>(flagged) / static_cast<double>(poses); }
};

/// So many paths between a point of ground and one of a body that turns by 2e-3 rad a step, over surfaces that `wraps()`
/// gives; `jump` [m] is several times what the longest arm moves in a step.
template <class Numbers, class Wraps>
void sweep(Numbers& random, int paths, double jump, Wraps&& wraps, Sweeps& seen) {
  for (int k = 0; k < paths; ++k) {
    const auto end = [&](double y) { return Vec3(random.uniform(-0.1, 0.1), y, random.uniform(-0.1, 0.1)); };
    Path path;
    path.points = {{0, end(0.15)}, {1, end(-0.15)}};
    path.wraps = wraps();
    path.finish();
    const Vec3 axis = random.vector(1).normalized();
    std::vector<Spatial> wrench(path.bodies.size());
    PathValue<double> before;
    for (double angle = -1.0; angle < 1.0; angle += 2e-3) {
      const std::vector<Pose> X{Pose(), {rotation_about(axis, angle), {0, -0.02, 0}}};
      const PathValue<double> now = evaluate_path<double>(path, X, {}, wrench);
      ++seen.poses;
      seen.flagged += now.inside;
      seen.two += now.touching == 2;
      if (angle > -1.0 && !now.inside && !before.inside) {
        ASSERT_LT(std::abs(now.length - before.length), jump) << "path " << k << " at " << angle;
      }
      before = now;
    }
  }
}

/// Two cylinders beside each other, overlapping, or overlapping crosswise, each on ground or on the body.
template <class Numbers>
std::vector<PathWrap> two_cylinders(Numbers& random) {
  std::vector<PathWrap> wraps;
  for (int i = 0; i < 2; ++i) {
    PathWrap wrap;
    wrap.body = random.below(2);
    const double y = wrap.body == 0 ? random.uniform(0.0, 0.08) : random.uniform(-0.08, 0.0);
    const Vec3 tilt(random.uniform(-0.6, 0.6), random.uniform(-0.6, 0.6), random.uniform(-3.0, 3.0));
    wrap.X_BS = {rotation_xyz(tilt), {random.uniform(-0.05, 0.05), y, random.uniform(-0.05, 0.05)}};
    wrap.shape = Cylinder{random.uniform(0.01, 0.04)};
    wrap.last = 1;
    wraps.push_back(wrap);
  }
  return wraps;
}

}  // namespace psoas::test
