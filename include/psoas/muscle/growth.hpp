// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// An exponential that goes on along its tangent, for the laws of passive tissue.
//   Jet2<double> g = growth(rate * strain, greatest_growth + shape);   double area = growth_integral(z, cut);
#pragma once

#include <cmath>

#include "psoas/core/dual.hpp"
#include "psoas/core/function.hpp"
#include "psoas/core/portable.hpp"

namespace psoas {

/// ln(100): laws of passive tissue end their exponential where the force is 100 F0, so that nothing overflows.
inline constexpr double greatest_growth = 4.605170185988092;

/// exp(z) up to z = cut, then its tangent there.
template <class S>
Jet2<S> growth(const S& z, double cut) {
  using portable::exp;
  if (value_of(z) > cut) {
    const double e = portable::exp(cut);
    return {e * (z - cut + 1.0), S(e), S(0.0)};
  }
  const S e = exp(z);
  return {e, e, e};
}

/// The integral of growth() from minus infinity to z.
template <class S>
S growth_integral(const S& z, double cut) {
  using portable::exp;
  if (!(value_of(z) > cut)) return exp(z);
  const S beyond = z - cut;
  return portable::exp(cut) * (1.0 + beyond + 0.5 * beyond * beyond);
}

}  // namespace psoas
