// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// How a muscle group changes over days to months with what its owner does: serial sarcomeres, passive stiffness, strength,
// tone, tolerance of stretch. Each state goes towards a target that the week's exposure sets, in a time of its own; targets
// lie inside the states' ranges, so that no exposure drives a state out of them. docs/adaptation.md has the equations,
// where each number is from, and how sure it is.
//   AdaptationLaw law{parameters, unit, habitual_week};
//   AdaptationState rate;   law.rates(law.start(), week, rate);   law.steady_state(week);
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "psoas/muscle/unit.hpp"
#include "psoas/muscle/viscoelastic.hpp"

namespace psoas {

/// The states of one muscle group.
enum AdaptationIndex : std::size_t {
  serial_sarcomeres,  ///< s: sarcomeres in series over those of the habitual life [-]
  passive_stiffness,  ///< factor on passive force at the same strain of sarcomeres [-]
  training,           ///< gain of strength by training, over 1 [-]
  atrophy,            ///< loss of strength by disuse, over 1 [-]
  tone,               ///< least activation at rest [-]
  stretch_tolerance,  ///< factor on the passive moment that is borne in a stretch [-]
  relief,             ///< what is left of the last manual therapy, 1 right after it [-]
  adaptation_states
};
using AdaptationState = std::array<double, adaptation_states>;

/// Numbers of the laws. Times in days. Fields of the study kind `adaptation` have the same names, with source and range.
struct AdaptationParameters {
  double sarcomere_time = 16.0, sarcomere_gain = 1.0;             ///< [d], [-]
  double least_sarcomeres = 0.80, most_sarcomeres = 1.15;         ///< range of s [-]
  double rest_weight = 0.02;                                      ///< an hour at no tension counts [-]
  double stiffness_time = 21.0, stretch_softening = 0.20;         ///< [d], greatest share lost [-]
  double session_threshold = 120.0, softening_half_load = 600.0;  ///< [s] a session, [s] a week
  double slack_stiffening = 0.0;                                  ///< a unit of lost mean length [-]
  double least_stiffness = 0.6, most_stiffness = 2.0;             ///< range [-]
  double training_time = 56.0, detraining_time = 140.0;           ///< [d]
  double training_gain = 0.53, training_half_volume = 4.0,
         most_training = 1.0;                         ///< [-], [sets a week at full load], [-]
  double atrophy_time = 27.0, recovery_time = 10.0;   ///< [d]
  double disuse_loss = 0.37, maintaining_use = 0.11;  ///< [-], share of habitual use [-]
  double tone_time = 14.0, resting_tone = 0.01;       ///< [d], [-]
  double tolerance_time = 28.0, tolerance_gain = 1.0, tolerance_half_load = 300.0;  ///< [d], [-], [s] a week
  double most_tolerance = 2.5;                                                      ///< [-]
  double relief_time = 0.03, relief_of_tone = 0.5, relief_of_tolerance = 0.15;      ///< [d], [-], [-]
};

/// A part of the week that a group spends in one way.
struct LengthExposure {
  double hours = 0.0;        ///< a week
  double norm_length = 1.0;  ///< fibre length over l0 that the fibres would have with s = 1 [-]
  double activation = 0.0;   ///< mean [-]
};

/// What a group meets in a week.
struct WeekExposure {
  std::vector<LengthExposure> lengths;  ///< 168 hours in all
  double stretch_load = 0.0;            ///< integral of force over all holds, per force borne [s a week]
  double stretch_load_above = 0.0;      ///< the same of what goes beyond `session_threshold` in each session [s a week]
  double training_volume = 0.0;         ///< sets a week times load over the greatest [-]
};

/// The laws of one group of a person.
class AdaptationLaw {
 public:
  /// `unit`: whose passive curve stands for the group's. `habitual`: the week to which the group is adapted: with it
  /// nothing changes. Throws Error(input) for parameters outside what their ranges allow, and for a week of no hours.
  AdaptationLaw(const AdaptationParameters& parameters, const MuscleParameters& unit, const WeekExposure& habitual);

  const AdaptationParameters& parameters() const { return parameters_; }
  /// States of the habitual life.
  AdaptationState start() const;
  /// Greatest and least value of each state.
  AdaptationState low() const;
  AdaptationState high() const;

  /// Mean fibre length over optimal fibre length at s = 1, each hour weighted by its tension (rest_weight + activation +
  /// passive force over F0 at the length that `sarcomeres` gives).
  double mean_length(const WeekExposure& week, double sarcomeres) const;
  /// What each state goes towards, inside its range; the target of serial_sarcomeres depends on itself.
  AdaptationState targets(const AdaptationState& now, const WeekExposure& week) const;
  /// Rates [1/d]: (target - state) / time.
  AdaptationState rates(const AdaptationState& now, const WeekExposure& week) const;
  /// Where all rates vanish.
  AdaptationState steady_state(const WeekExposure& week) const;
  /// The state right after a session of manual therapy.
  AdaptationState after_session(AdaptationState now) const;

  /// Factor on greatest isometric force: (1 + training) (1 - atrophy).
  static double strength(const AdaptationState& now);
  /// Least activation and factor on the moment borne, with what is left of manual therapy.
  double felt_tone(const AdaptationState& now) const;
  double felt_tolerance(const AdaptationState& now) const;

 private:
  double weight(const LengthExposure& part, double sarcomeres) const;
  double use(const WeekExposure& week) const;

  AdaptationParameters parameters_;
  MuscleParameters unit_;
  double habitual_length_ = 1.0, habitual_plain_ = 1.0, habitual_use_ = 0.0;
};

/// A unit as its group's state has made it: serial_sarcomere_loss(), stiffer_passive(), raised_tone() with a greatest force
/// times strength. Passive force does not follow strength: it goes with `passive_stiffness` alone.
MuscleParameters adapted(const MuscleParameters& unit, const AdaptationLaw& law, const AdaptationState& now);

}  // namespace psoas
