// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/activation.hpp"

#include <boost/math/special_functions/lambert_w.hpp>

namespace psoas {

double thelen_activation(const MuscleParameters& unit, double excitation, double activation, double duration) {
  const double e = excitation, c = 0.5 + 1.5 * e;
  if (!(e > activation)) {
    const double r = (activation - e) / (0.5 + 1.5 * activation) * std::exp(-c * duration / unit.deactivation_time);
    return (e + 0.5 * r) / (1.0 - 1.5 * r);
  }
  // w = -1.5 (e - a) / c lies in (-1, 0), the range of the principal branch
  const double w = -1.5 * (e - activation) / c;
  const double decayed = w * std::exp(w - duration / (unit.activation_time * c));
  return e + c / 1.5 * boost::math::lambert_w0(decayed);
}

}  // namespace psoas
