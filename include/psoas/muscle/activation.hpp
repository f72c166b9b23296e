// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Activation dynamics: how activation follows excitation.
//   double da_dt = activation_rate(unit, e, a);   ExcitationSearch found = excitation_for(unit, a, da_dt);
#pragma once

#include <utility>

#include "psoas/core/portable.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/muscle/unit.hpp"

namespace psoas {

/// Steepness of the passage between rising and falling. With 10 the time constants mean what they say; De Groote et al.
/// 2016 print 0.1, with which both act at once.
inline constexpr double default_activation_steepness = 10.0;

/// Rate of activation [1/s] at excitation e and activation a, both in [0, 1], with z = 0.5 + 1.5 a and ta, td the unit's
/// activation_time and deactivation_time. By the unit's activation_dynamics
///     thelen            (e - a) / (ta z) while it rises, (e - a) z / td while it falls (Thelen 2003, eqs. 1 and 2)
///     de_groote_fregly  ((0.5 + f) / (ta z) + (0.5 - f) z / td) (e - a),   f = 0.5 tanh(b (e - a)),
/// the same joined smoothly (De Groote et al. 2016, eqs. 1 and 2), with b the steepness, which Thelen's has not.
template <class S>
S activation_rate(const MuscleParameters& unit, const S& excitation, const S& activation,
                  double steepness = default_activation_steepness) {
  using portable::tanh;
  const S gap = excitation - activation, z = 0.5 + 1.5 * activation;
  if (unit.activation_dynamics == ActivationDynamics::thelen)
    return value_of(gap) > 0.0 ? S(gap / (unit.activation_time * z)) : S(gap * z / unit.deactivation_time);
  const S f = 0.5 * tanh(steepness * gap);
  return ((0.5 + f) / (unit.activation_time * z) + (0.5 - f) * z / unit.deactivation_time) * gap;
}

/// Activation after `duration` [s] >= 0 under a constant excitation, both in [0, 1], exactly: for Thelen's dynamics
/// whatever the unit's own are; the smooth form has no closed solution. With c = 0.5 + 1.5 e, z and the times as above,
///     falling   (a - e) / z decays as exp(-c t / td),
///     rising    (e - a) exp(-1.5 (e - a) / c) decays as exp(-t / (ta c)), solved for a by Newton's method.
/// A piecewise constant excitation is followed piece by piece.
double thelen_activation(const MuscleParameters& unit, double excitation, double activation, double duration);

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
