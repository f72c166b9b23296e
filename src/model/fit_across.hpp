// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Fits the length that strings over parallel cylinders have when seen along them.
#pragma once

#include <array>
#include <vector>

#include "psoas/path/path.hpp"
#include "psoas/path/stretch.hpp"

namespace psoas {

/// Whether a path is a stretch as of path/stretch.hpp: between two points fixed in bodies, over nothing or over cylinders
/// of one direction in one body.
bool is_stretch(const Path& path);

/// Where the i-th of Chebyshev's points (roots of the polynomial of that degree) is in a range.
double chebyshev_point(const std::array<double, 2>& range, std::size_t i, std::size_t points);

/// A stretch in one posture, in the frame of the function.
struct AcrossSample {
  struct Arm {
    Vec3 near, far;      ///< velocities of the ends per unit speed of an independent coordinate [m/rad, 1]
    double slope = 0.0;  ///< of the exact length [m/rad, 1]
  };
  Vec3 near, far;       ///< ends [m]
  double length = 0.0;  ///< of the exact string [m]
  std::vector<Arm> arms;
};

struct AcrossFit {
  PlanarFunction function;
  double length_error = inf, slope_error = inf;  ///< the greatest on the samples
};

/// The cheapest function found whose errors on the samples are within both limits, or the best.
/// path     a stretch over cylinders; `around` is the place of the wrap in whose frame the function is
/// reversed the near end is the path's last point
/// far_moves  false: the far end is in one place in all samples
AcrossFit fit_across(const Path& path, std::size_t around, bool reversed, bool far_moves,
                     const std::vector<AcrossSample>& samples, double length_limit, double slope_limit);

}  // namespace psoas
