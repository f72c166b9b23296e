// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/metabolic.hpp"

#include <algorithm>
#include <cassert>
#include <numbers>

#include "psoas/core/portable.hpp"

namespace psoas {
namespace {

// Products with the velocity are taken from 0.0, so that nothing is reported as -0.
constexpr double quarter_pi = 0.25 * std::numbers::pi;

bool is_share(double x) { return x >= 0.0 && x <= 1.0; }

[[maybe_unused]] bool usable(const MuscleParameters& unit, const MetabolicParameters& metabolic) {
  return unit.max_isometric_force > 0.0 && unit.optimal_fibre_length > 0.0 && unit.max_contraction_velocity > 0.0 &&
         is_share(metabolic.slow_twitch_ratio) && metabolic.specific_tension > 0.0 && metabolic.density > 0.0 &&
         metabolic.mass >= 0.0;
}

[[maybe_unused]] bool usable(const MetabolicState& state) {
  return is_share(state.excitation) && is_share(state.activation) && state.norm_fibre_length >= 0.0 &&
         std::isfinite(state.fibre_velocity) && state.active_force >= 0.0 && state.isometric_force >= 0.0 &&
         state.passive_force >= 0.0 && state.activation_decay >= 0.0;
}

// Lifts the heat to the greater of its minimum [W] and, if the total may not be negative, what work takes.
MetabolicRate with_minimum(MetabolicRate rate, double minimum, bool non_negative_total) {
  if (non_negative_total) minimum = std::max(minimum, -rate.work);
  rate.added = std::max(minimum - rate.heat(), 0.0);
  rate.total = rate.heat() + rate.work;
  if (non_negative_total) rate.total = std::max(rate.total, 0.0);  // rounding
  return rate;
}

}  // namespace

double muscle_mass(const MuscleParameters& unit, const MetabolicParameters& metabolic) {
  assert(usable(unit, metabolic));
  if (metabolic.mass > 0.0) return metabolic.mass;
  return unit.max_isometric_force / metabolic.specific_tension * metabolic.density * unit.optimal_fibre_length;
}

MetabolicState metabolic_state(const MuscleParameters& unit, const FibreState& fibre, double excitation,
                               double activation) {
  FibreState straight = fibre;  // forces along the fibres
  straight.cos_pennation = straight.transmission = 1.0;
  FibreState still = straight;
  still.fibre_velocity = 0.0;
  const MuscleForces forces = fibre_forces(unit, straight, activation);

  MetabolicState state;
  state.excitation = excitation;
  state.activation = activation;
  state.norm_fibre_length = fibre.fibre_length / unit.optimal_fibre_length;
  state.fibre_velocity = fibre.fibre_velocity;
  state.active_force = activation * forces.active;
  state.isometric_force = fibre_forces(unit, still).active;
  state.passive_force = forces.passive;
  return state;
}

double recruited_slow_ratio(double ratio, double excitation) {
  assert(is_share(ratio) && is_share(excitation));
  if (!(ratio > 0.0)) return 0.0;
  // (1 - cos x) / sin x = tan(x / 2) leaves no quotient of noughts at x = 0.
  return ratio / (ratio + (1.0 - ratio) * std::tan(quarter_pi * excitation));
}

MetabolicRate umberger2010(const MuscleParameters& unit, const MetabolicParameters& metabolic,
                           const MetabolicState& state, const Umberger2010Options& options) {
  assert(usable(unit, metabolic) && usable(state));
  assert(options.aerobic_factor > 0.0 && !std::isnan(options.minimum_heat));
  const double mass = muscle_mass(unit, metabolic), scale = mass * options.aerobic_factor;
  const double slow = options.orderly_recruitment ? recruited_slow_ratio(metabolic.slow_twitch_ratio, state.excitation)
                                                  : metabolic.slow_twitch_ratio;
  const double fast = 1.0 - slow;
  const double A = state.excitation > state.activation ? state.excitation : 0.5 * (state.excitation + state.activation);
  const double g = state.norm_fibre_length > 1.0 ? state.isometric_force / unit.max_isometric_force : 1.0;
  const double v = state.fibre_velocity / unit.optimal_fibre_length;
  const double slow_coefficient = 100.0 / (unit.max_contraction_velocity / 2.5);  // [J/kg], as v is in 1/s
  const double fast_coefficient = 153.0 / unit.max_contraction_velocity;

  MetabolicRate rate;
  const double share = A >= std::numeric_limits<double>::min() ? portable::exp(0.6 * portable::log(A)) : 0.0;
  const double isometric = scale * share * (128.0 * fast + 25.0);
  rate.activation = 0.4 * isometric;
  rate.maintenance = 0.6 * isometric * g;
  if (v <= 0.0) {
    const double speed = std::abs(v);
    const double per_kg = slow * std::min(speed * slow_coefficient, 100.0) + fast * speed * fast_coefficient;
    rate.shortening = scale * A * A * g * per_kg;
  } else {
    rate.shortening = scale * A * g * (options.negative_work ? 4.0 : 0.3) * slow_coefficient * v;
  }
  if (v <= 0.0 || options.negative_work) rate.work = 0.0 - state.active_force * state.fibre_velocity;
  return with_minimum(rate, options.minimum_heat * mass, options.non_negative_total);
}

double maintenance_length_factor(double norm_fibre_length) {
  if (norm_fibre_length <= 1.0) return std::max(norm_fibre_length, 0.5);
  return std::max(3.0 - 2.0 * norm_fibre_length, 0.0);
}

double bhargava_activation_decay(double stimulation_time, double excitation) {
  assert(stimulation_time >= 0.0 && is_share(excitation));
  return 0.06 + portable::exp(-stimulation_time * excitation / 0.045);
}

MetabolicRate bhargava2004(const MuscleParameters& unit, const MetabolicParameters& metabolic,
                           const MetabolicState& state, const Bhargava2004Options& options) {
  assert(usable(unit, metabolic) && usable(state));
  assert(!std::isnan(options.minimum_heat));
  const double mass = muscle_mass(unit, metabolic), V = state.fibre_velocity;
  const double half_pi_e = 2.0 * quarter_pi * state.excitation;
  const double slow = metabolic.slow_twitch_ratio * std::sin(half_pi_e);
  const double fast = (1.0 - metabolic.slow_twitch_ratio) * (1.0 - std::cos(half_pi_e));
  const double force = options.total_force ? state.active_force + state.passive_force : state.active_force;

  MetabolicRate rate;
  rate.activation =
      mass * state.activation_decay * (metabolic.slow_activation_heat * slow + metabolic.fast_activation_heat * fast);
  rate.maintenance = mass * maintenance_length_factor(state.norm_fibre_length) *
                     (metabolic.slow_maintenance_heat * slow + metabolic.fast_maintenance_heat * fast);
  if (options.force_dependent_shortening) {
    const double isometric = state.activation * state.isometric_force;
    rate.shortening = 0.0 - (V <= 0.0 ? 0.16 * isometric + 0.18 * force : 0.157 * force) * V;
  } else if (V <= 0.0) {
    rate.shortening = 0.0 - 0.25 * force * V;
  }
  if (V <= 0.0 || options.negative_work) rate.work = 0.0 - state.active_force * V;
  return with_minimum(rate, options.minimum_heat * mass, options.non_negative_total);
}

}  // namespace psoas
