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
#include <string>
#include <vector>

#include "psoas/core/kind.hpp"
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

/// Numbers of the laws. The help of a field says in what species it was found, by whom, and within which range; an
/// "assumption" was found nowhere. docs/adaptation.md says more of each.
struct AdaptationParameters {
  double sarcomere_time = 16.0, sarcomere_gain = 1.0, least_sarcomeres = 0.80, most_sarcomeres = 1.15;
  double rest_weight = 0.02;
  double stiffness_time = 21.0, stretch_softening = 0.20, session_threshold = 120.0, softening_half_load = 600.0;
  double slack_stiffening = 0.0, least_stiffness = 0.6, most_stiffness = 2.0;
  double training_time = 56.0, detraining_time = 140.0, training_gain = 0.53, training_half_volume = 4.0,
         most_training = 1.0;
  double atrophy_time = 27.0, recovery_time = 10.0, disuse_loss = 0.37, maintaining_use = 0.11;
  double tone_time = 14.0, resting_tone = 0.01;
  double tolerance_time = 28.0, tolerance_gain = 1.0, tolerance_half_load = 300.0, most_tolerance = 2.5;
  double relief_time = 0.03, relief_of_tone = 0.5, relief_of_tolerance = 0.15;

  static void each(auto& self, auto&& see) {
    see("sarcomere_time", self.sarcomere_time,
        Info{"d", "time of serial sarcomeres: man, unloaded thigh, 10 to 40 (de Boer 2007); cat, cast, 8 (Tabary 1972)",
             1e-3, 1e4});
    see("sarcomere_gain", self.sarcomere_gain,
        Info{"1", "share of a lasting change of length that they make up for: cat 1 (Tabary 1972); man 0.2 to 1", 0,
             10});
    see("least_sarcomeres", self.least_sarcomeres,
        Info{"1", "range: cat 0.6 (Tabary 1972), man 0.85 or above (Csapo 2010)", 0.3, 1});
    see("most_sarcomeres", self.most_sarcomeres, Info{"1", "range: cat 1.2, cast long (Tabary 1972)", 1, 2});
    see("rest_weight", self.rest_weight,
        Info{"1", "tension over greatest that an hour without tension counts as: assumption, 0.005 to 0.1", 1e-6, 1e3});
    see("stiffness_time", self.stiffness_time,
        Info{"d", "time of passive stiffness: man, 14 to 35 (Marshall 2011, Nakamura 2021)", 1e-3, 1e4});
    see("stretch_softening", self.stretch_softening,
        Info{"1", "share of stiffness that much stretching takes: man, 0 (Ylinen 2009) to 0.31 (Marshall 2011)", 0,
             0.9});
    see("session_threshold", self.session_threshold,
        Info{"s", "load of a session below which stiffness stays: man, 120 to 180 (Takeuchi 2021)", 0, 1e5});
    see("softening_half_load", self.softening_half_load,
        Info{"s", "weekly load beyond it with half of the effect: assumption, 300 to 3600", 1e-3, 1e6});
    see("slack_stiffening", self.slack_stiffening,
        Info{"1", "stiffness gained over mean length lost: mouse, cast, above 0 (Williams 1988); man not measured", 0,
             100});
    see("least_stiffness", self.least_stiffness, Info{"1", "range", 0.01, 1});
    see("most_stiffness", self.most_stiffness, Info{"1", "range", 1, 100});
    see("training_time", self.training_time,
        Info{"d", "time of gains of strength: man, 35 to 84 (assumption)", 1e-3, 1e4});
    see("detraining_time", self.detraining_time,
        Info{"d", "time of their loss: man, 90 to 240 (Encarnacao 2022)", 1e-3, 1e4});
    see("training_gain", self.training_gain,
        Info{"1", "greatest gain of strength: man, set by +17 % in 6 weeks (Thorborg 2016), 0.25 to 0.8", 0, 10});
    see("training_half_volume", self.training_half_volume,
        Info{"sets", "weekly sets times load with half of the gain: assumption, 2 to 8", 1e-3, 1e4});
    see("most_training", self.most_training, Info{"1", "range", 0, 10});
    see("atrophy_time", self.atrophy_time,
        Info{"d", "time of loss without use: man, 20 to 40 (de Boer 2007)", 1e-3, 1e4});
    see("recovery_time", self.recovery_time,
        Info{"d", "time of recovery: man 4 (White 1984), rat 28 days in all (Witzmann 1982)", 1e-3, 1e4});
    see("disuse_loss", self.disuse_loss,
        Info{"1", "strength lost in the end without use: man, 0.25 to 0.45 (de Boer 2007)", 0, 0.9});
    see("maintaining_use", self.maintaining_use,
        Info{"1", "share of habitual use that keeps strength: man, 1/9 to 1/3 (Bickel 2011)", 1e-3, 1});
    see("tone_time", self.tone_time, Info{"d", "time in which tone goes to rest: assumption", 1e-3, 1e4});
    see("resting_tone", self.resting_tone, Info{"1", "least activation at rest that it goes to", 0, 0.5});
    see("tolerance_time", self.tolerance_time,
        Info{"d", "time of tolerance: man, 18 (Willy 2001) to 50 (Konrad 2025)", 1e-3, 1e4});
    see("tolerance_gain", self.tolerance_gain,
        Info{"1", "greatest gain of the moment borne: man, 0.3 to 1.5 (Peixoto 2015: 0.82 in 10 weeks)", 0, 10});
    see("tolerance_half_load", self.tolerance_half_load,
        Info{"s", "weekly load with half of the gain: man, 120 to 600 (Ingram 2024: no more beyond 600)", 1e-3, 1e6});
    see("most_tolerance", self.most_tolerance, Info{"1", "range", 1, 10});
    see("relief_time", self.relief_time,
        Info{"d", "time in which manual therapy fades: man, 0.02 to 1 (Nicholls 2011: half in 30 min)", 1e-4, 100});
    see("relief_of_tone", self.relief_of_tone,
        Info{"1", "share of tone that it takes at once: assumption, 0 to 1", 0, 0.999});
    see("relief_of_tolerance", self.relief_of_tolerance,
        Info{"1", "gain of the moment borne at once: assumption, 0 to 0.3", 0, 10});
  }
  std::string fault() const;
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
