// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/adaptation.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "psoas/core/error.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/core/table.hpp"
#include "psoas/muscle/shortening.hpp"

namespace psoas {
namespace {

/// Half of the greatest effect at `half`, all of it at infinity.
double saturating(double dose, double half) { return dose > 0.0 ? dose / (dose + half) : 0.0; }

double hours_of(const WeekExposure& week) {
  double hours = 0.0;
  for (const LengthExposure& part : week.lengths) hours += part.hours;
  return hours;
}

/// Mean length, each hour counting the same.
double plain_mean(const WeekExposure& week) {
  double sum = 0.0;
  for (const LengthExposure& part : week.lengths) sum += part.hours * part.norm_length;
  return sum / hours_of(week);
}

}  // namespace

std::string AdaptationParameters::fault() const {
  std::string wrong;
  each(*this, [&](const char* name, double value, const Info& info) {
    if (!(value >= info.low && value <= info.high) && wrong.empty())
      wrong = std::string("expected ") + name + " from " + shortest_text(info.low) + " to " + shortest_text(info.high) +
              ", found " + shortest_text(value);
  });
  return wrong;
}

AdaptationLaw::AdaptationLaw(const AdaptationParameters& parameters, const MuscleParameters& unit,
                             const WeekExposure& habitual)
    : parameters_(parameters), unit_(unit) {
  std::string fault = parameters.fault();
  if (fault.empty() && !(hours_of(habitual) > 0.0)) fault = "expected a habitual week of some hours, found none";
  if (!fault.empty()) throw Error(Kind::input, "adaptation", fault);
  habitual_length_ = mean_length(habitual, 1.0);
  habitual_plain_ = plain_mean(habitual);
  habitual_use_ = use(habitual);
}

AdaptationState AdaptationLaw::start() const {
  AdaptationState out{};
  out[serial_sarcomeres] = out[passive_stiffness] = out[stretch_tolerance] = 1.0;
  out[tone] = parameters_.resting_tone;
  return out;
}

AdaptationState AdaptationLaw::low() const {
  AdaptationState out{};
  out[serial_sarcomeres] = parameters_.least_sarcomeres;
  out[passive_stiffness] = parameters_.least_stiffness;
  out[stretch_tolerance] = 1.0;
  return out;
}

AdaptationState AdaptationLaw::high() const {
  AdaptationState out{};
  out[serial_sarcomeres] = parameters_.most_sarcomeres;
  out[passive_stiffness] = parameters_.most_stiffness;
  out[training] = parameters_.most_training;
  out[atrophy] = parameters_.disuse_loss;
  out[tone] = 1.0;
  out[stretch_tolerance] = parameters_.most_tolerance;
  out[relief] = 1.0;
  return out;
}

double AdaptationLaw::weight(const LengthExposure& part, double sarcomeres) const {
  FibreState fibre;
  fibre.fibre_length = part.norm_length / sarcomeres * unit_.optimal_fibre_length;
  return parameters_.rest_weight + part.activation + fibre_forces(unit_, fibre).passive / unit_.max_isometric_force;
}

double AdaptationLaw::use(const WeekExposure& week) const {
  double sum = 0.0;
  for (const LengthExposure& part : week.lengths) sum += part.hours * part.activation;
  return sum;
}

double AdaptationLaw::mean_length(const WeekExposure& week, double sarcomeres) const {
  double sum = 0.0, weights = 0.0;
  for (const LengthExposure& part : week.lengths) {
    const double w = part.hours * weight(part, sarcomeres);
    sum += w * part.norm_length;
    weights += w;
  }
  return weights > 0.0 ? sum / weights : habitual_length_;
}

AdaptationState AdaptationLaw::targets(const AdaptationState& now, const WeekExposure& week) const {
  const AdaptationParameters& p = parameters_;
  AdaptationState to = start();
  to[serial_sarcomeres] = 1.0 + p.sarcomere_gain * (mean_length(week, now[serial_sarcomeres]) / habitual_length_ - 1.0);
  const double lost_length = hours_of(week) > 0.0 ? std::max(0.0, 1.0 - plain_mean(week) / habitual_plain_) : 0.0;
  to[passive_stiffness] = 1.0 + p.slack_stiffening * lost_length -
                          p.stretch_softening * saturating(week.stretch_load_above, p.softening_half_load);
  to[training] = p.training_gain * saturating(week.training_volume, p.training_half_volume);
  const double used = habitual_use_ > 0.0 ? use(week) / habitual_use_ : 1.0;
  to[atrophy] = p.disuse_loss * std::clamp(1.0 - used / p.maintaining_use, 0.0, 1.0);
  to[stretch_tolerance] = 1.0 + p.tolerance_gain * saturating(week.stretch_load, p.tolerance_half_load);
  const AdaptationState least = low(), most = high();
  for (std::size_t i = 0; i < adaptation_states; ++i) to[i] = std::clamp(to[i], least[i], most[i]);
  return to;
}

AdaptationState AdaptationLaw::rates(const AdaptationState& now, const WeekExposure& week) const {
  const AdaptationParameters& p = parameters_;
  const AdaptationState to = targets(now, week);
  AdaptationState out;
  for (std::size_t i = 0; i < adaptation_states; ++i) out[i] = to[i] - now[i];
  out[serial_sarcomeres] /= p.sarcomere_time;
  out[passive_stiffness] /= p.stiffness_time;
  out[training] /= out[training] > 0.0 ? p.training_time : p.detraining_time;
  out[atrophy] /= out[atrophy] > 0.0 ? p.atrophy_time : p.recovery_time;
  out[tone] /= p.tone_time;
  out[stretch_tolerance] /= p.tolerance_time;
  out[relief] /= p.relief_time;
  return out;
}

AdaptationState AdaptationLaw::steady_state(const WeekExposure& week) const {
  AdaptationState now = start();
  // longer fibres are under less tension, so that long postures count for less: the target falls as s grows
  const auto excess = [&](double s) {
    now[serial_sarcomeres] = s;
    return targets(now, week)[serial_sarcomeres] - s;
  };
  const double s =
      bisection_root(excess, parameters_.least_sarcomeres, parameters_.most_sarcomeres, {.value = 1e-15}).x;
  now[serial_sarcomeres] = s;
  return targets(now, week);
}

AdaptationState AdaptationLaw::after_session(AdaptationState now) const {
  now[relief] = 1.0;
  return now;
}

double AdaptationLaw::strength(const AdaptationState& now) { return (1.0 + now[training]) * (1.0 - now[atrophy]); }

double AdaptationLaw::felt_tone(const AdaptationState& now) const {
  return now[tone] * (1.0 - parameters_.relief_of_tone * now[relief]);
}

double AdaptationLaw::felt_tolerance(const AdaptationState& now) const {
  return now[stretch_tolerance] * (1.0 + parameters_.relief_of_tolerance * now[relief]);
}

MuscleParameters adapted(const MuscleParameters& unit, const AdaptationLaw& law, const AdaptationState& now) {
  const double strength = AdaptationLaw::strength(now);
  MuscleParameters out = serial_sarcomere_loss(unit, now[serial_sarcomeres]);
  out.max_isometric_force *= strength;
  return raised_tone(stiffer_passive(out, 1.0, now[passive_stiffness] / strength), law.felt_tone(now));
}

}  // namespace psoas
