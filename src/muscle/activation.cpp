// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/activation.hpp"

#include <limits>

#include "psoas/core/portable.hpp"

namespace psoas {

double thelen_activation(const MuscleParameters& unit, double excitation, double activation, double duration) {
  const double e = excitation, c = 0.5 + 1.5 * e;
  if (!(e - activation >= std::numeric_limits<double>::min())) {
    const double r =
        (activation - e) / (0.5 + 1.5 * activation) * portable::exp(-c * duration / unit.deactivation_time);
    return (e + 0.5 * r) / (1.0 - 1.5 * r);
  }
  // y = ln(e - a) solves y - 1.5 exp(y) / c = its value at the start - t / (ta c): concave, with a slope above 0.25
  const double gap = e - activation, ratio = 1.5 / c;
  const double latest = portable::log(gap) - duration / (unit.activation_time * c);
  const auto excess = [&](double y) {
    const double u = portable::exp(y);
    return std::pair(y - latest - ratio * (u - gap), 1.0 - ratio * u);
  };
  return e - portable::exp(newton_root(excess, latest - ratio * gap, latest, {}, latest).x);
}

}  // namespace psoas
