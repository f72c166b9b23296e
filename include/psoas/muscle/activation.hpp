// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Activation dynamics: how activation follows excitation.
//   double da_dt = activation_rate(unit, e, a);   ExcitationSearch found = excitation_for(unit, a, da_dt);
#pragma once

#include <cmath>
#include <utility>

#include "psoas/core/roots.hpp"
#include "psoas/muscle/unit.hpp"

namespace psoas {

/// Steepness of the passage between rising and falling. With 10 the time constants mean what they say; De Groote et al.
/// 2016 print 0.1, with which both act at once.
inline constexpr double default_activation_steepness = 10.0;

/// Rate of activation [1/s] at excitation e and activation a, both in [0, 1]: Thelen 2003's time constants joined
/// smoothly (De Groote et al. 2016):
///     da/dt = ((0.5 + f) / (ta z) + (0.5 - f) z / td) (e - a),   f = 0.5 tanh(b (e - a)),   z = 0.5 + 1.5 a
/// with ta, td activation_time and deactivation_time, b the steepness.
template <class S>
S activation_rate(const MuscleParameters& unit, const S& excitation, const S& activation,
                  double steepness = default_activation_steepness) {
  using std::tanh;
  const S gap = excitation - activation, f = 0.5 * tanh(steepness * gap), z = 0.5 + 1.5 * activation;
  return ((0.5 + f) / (unit.activation_time * z) + (0.5 - f) * z / unit.deactivation_time) * gap;
}

/// The excitation of a wanted rate of activation. `saturated`: no excitation between 0 and 1 is strong or weak enough,
/// and the nearer of these is given.
struct ExcitationSearch {
  double excitation = 0.0;  ///< [-]
  bool saturated = false, converged = true;
};

/// The excitation in [0, 1] at which activation changes at `rate` [1/s], by a bracketed search: for a rate > 0 between
/// the activation and 1, for a rate < 0 between 0 and the activation. With the default constants the rate grows with
/// excitation, so there is one answer.
inline ExcitationSearch excitation_for(const MuscleParameters& unit, double activation, double rate,
                                       double steepness = default_activation_steepness) {
  const double end = rate > 0.0 ? 1.0 : 0.0;
  const double at_end = activation_rate(unit, end, activation, steepness);
  if (rate == 0.0) return {activation};
  if (rate > 0.0 ? at_end <= rate : at_end >= rate) return {end, at_end != rate};
  const auto excess = [&](double e) {
    const Dual<1> y = activation_rate(unit, Dual<1>(e, 0), Dual<1>(activation), steepness);
    return std::pair(y.a - rate, y.v[0]);
  };
  const Root root = newton_root(excess, activation, end);
  return {root.x, false, root.converged};
}

}  // namespace psoas
