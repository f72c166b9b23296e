// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Points that fill a box evenly, the same on every call.
//   std::vector<double> x(3);   for (std::size_t k = 0; k < 100; ++k) scatter(k, x);   // x in [0, 1)^3
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace psoas {

/// The k-th point of an additive recurrence in the unit cube: frac(1/2 + k / phi^j), j = 1 … n, with phi the positive
/// root of x^(n+1) = x + 1 (Roberts 2018, the golden ratio in n dimensions). Its first points are spread well in any
/// number of dimensions, and more points leave the earlier ones where they are.
inline void scatter(std::size_t k, std::span<double> out) {
  double phi = 2.0;  // the iteration contracts by at least 1 / (n + 1)
  for (int i = 0; i < 64; ++i) phi = std::pow(1.0 + phi, 1.0 / (static_cast<double>(out.size()) + 1.0));
  double step = 1.0;
  for (double& x : out) {
    step /= phi;
    const double place = 0.5 + static_cast<double>(k) * step;
    x = place - std::floor(place);
  }
}

}  // namespace psoas
