// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Roots of functions of one variable inside a bracket. Nothing here throws.
//   Root r = newton_root([](double x) { return std::pair(x * x - 2, 2 * x); }, 0, 2);   if (r.converged) use(r.x);
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace psoas {

/// When a search ends: |f| <= value, or the bracket is narrower than `x` or than 4 roundings (of x, or of a thousandth
/// of the first bracket for a root near zero).
struct RootOptions {
  double x = 0.0;        ///< width of the bracket, in the unit of x
  double value = 0.0;    ///< in the unit of f
  int iterations = 100;  ///< calls of f after the two ends
};

/// What a search found. Not converged: no change of sign between the ends, nan on the way, or out of iterations; x is
/// then the best place seen.
struct Root {
  double x = 0.0, value = 0.0;
  bool converged = false;
  int iterations = 0;
};

/// Root of f between `low` and `high`, where f changes its sign, by Newton's step where it stays inside the bracket
/// and shrinks fast enough, else by halving. `f(x)` returns value and slope as a pair or a struct of two members.
/// The search starts at `start` where that lies inside, else in the middle.
template <class F>
Root newton_root(F&& f, double low, double high, const RootOptions& options = {},
                 double start = std::numeric_limits<double>::quiet_NaN()) {
  // Ends first: they show where f is negative, and a zero there is the answer.
  const auto [f_low, slope_low] = f(low);
  const auto [f_high, slope_high] = f(high);
  (void)slope_low, (void)slope_high;
  Root best = std::abs(f_high) < std::abs(f_low) ? Root{high, f_high} : Root{low, f_low};
  best.converged = std::abs(best.value) <= options.value;
  const bool crosses = (f_low < 0.0 && f_high > 0.0) || (f_low > 0.0 && f_high < 0.0);
  if (best.converged || !crosses || !std::isfinite(high - low)) return best;

  double negative = f_low < 0.0 ? low : high, positive = f_low < 0.0 ? high : low;
  const bool usable = start > std::min(low, high) && start < std::max(low, high);
  double x = usable ? start : 0.5 * (low + high);
  const double span = std::abs(high - low);
  double before = span;  // the step before the last one: Newton must halve it, or we halve
  double last = span;

  while (best.iterations < options.iterations) {
    const auto [y, slope] = f(x);
    ++best.iterations;
    if (std::isnan(y)) return best;
    if (std::abs(y) <= std::abs(best.value)) best.x = x, best.value = y;
    (y < 0.0 ? negative : positive) = x;

    const double width = std::abs(positive - negative);
    const double rounding = 4.0 * std::numeric_limits<double>::epsilon() * std::max(std::abs(x), 1e-3 * span);
    if (std::abs(y) <= options.value || width <= options.x || width <= rounding) {
      best.converged = true;
      return best;
    }

    const double step = -y / slope, target = x + step;
    const bool inside = target > std::min(negative, positive) && target < std::max(negative, positive);
    if (inside && 2.0 * std::abs(step) <= before) {
      before = last, last = std::abs(step);
      // A step that rounds away or is below the asked width: the root is within it of x; look just beyond it, so that
      // the bracket closes.
      const double least = std::max(0.5 * options.x, 0.5 * rounding);
      x = std::abs(step) < least ? x + std::copysign(least, step) : target;
      if (x <= std::min(negative, positive) || x >= std::max(negative, positive)) x = 0.5 * (negative + positive);
    } else {
      before = last, last = 0.5 * width;
      x = 0.5 * (negative + positive);
    }
  }
  return best;
}

/// The same by halving alone; `f(x)` returns the value.
template <class F>
Root bisection_root(F&& f, double low, double high, const RootOptions& options = {}) {
  const auto value_alone = [&](double x) { return std::pair<double, double>(f(x), 0.0); };
  return newton_root(value_alone, low, high, options);  // a slope of zero never gives a step inside the bracket
}

}  // namespace psoas
