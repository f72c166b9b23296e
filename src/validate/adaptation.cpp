// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Stretches and weeks: what was measured in stretched, immobilised, trained and long-sitting people and animals.
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "psoas/solve/course.hpp"
#include "psoas/study/study.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

/// A week in one position.
WeekExposure held(double norm_length, double activation) { return {{{168.0, norm_length, activation}}, 0, 0, 0}; }

/// The states at some days.
std::vector<AdaptationState> states_at(const AdaptationLaw& law, const AdaptationState& start,
                                       const std::vector<CoursePhase>& phases, const std::vector<double>& days) {
  std::vector<AdaptationState> out;
  run_course(law, start, phases, {}, days, 1e-10, [&](double, const AdaptationState& now) { out.push_back(now); });
  return out;
}

void inside_a_stretch(Rows& rows) {
  const std::string peixoto = "Peixoto et al. 2015, Muscle Nerve 51:761: 25 %, hamstrings",
                    magnusson = "Magnusson et al. 1995, Scand J Med Sci Sports 5:342: no significant loss after 45 s",
                    ryan = "Ryan et al. 2012, Scand J Med Sci Sports 22:179: 84 % in the first 15 to 20 s, calf",
                    mizuno = "Mizuno et al. 2013, Int J Sports Med 34:484: stiffness restored within 10 min, calf";
  const Relaxation relaxation;
  const Creep creep = creep_of(relaxation);
  const auto lost = [&](double t) { return 100.0 * (1.0 - relaxation.at(t)); };
  // where passive torque is exponential in the angle, angle goes with the logarithm of the elastic response
  const auto crept = [&](double t) { return 100.0 * std::log(creep.at(t)) / std::log(creep.at(30.0)); };
  rows.add("adaptation/relaxation/30_s", "passive force lost in 30 s", "%", lost(30.0), 20.0, 30.0, peixoto,
           Certainty::read, "the shares were chosen for it");
  rows.add("adaptation/relaxation/45_s", "passive force lost in 45 s", "%", lost(45.0), 17.0, 23.0,
           "Magnusson, Aagaard & Nielsen 2000, Med Sci Sports Exerc 32:1160: 20 ± 3 %, hamstrings", Certainty::read,
           "less than others lose in 30 s");
  rows.add("adaptation/relaxation/45_of_90_s", "lost by 45 s, of what is lost in 90 s", "%",
           100.0 * lost(45.0) / lost(90.0), 90.0, 100.0, magnusson, Certainty::read);
  rows.add("adaptation/creep/15_s", "creep by 15 s, of that in 30 s", "%", crept(15.0), 0.0, 84.0, ryan,
           Certainty::read);
  rows.add("adaptation/creep/20_s", "creep by 20 s, of that in 30 s", "%", crept(20.0), 84.0, 100.0, ryan,
           Certainty::read);
  const StretchEffect minutes = stretch(relaxation, {60.0, 5, 30.0, false});
  rows.add("adaptation/recovery/10_min", "passive force missing 10 min after five stretches of a minute", "%",
           100.0 * minutes.loss_after(600.0), 0.0, 2.0, mizuno, Certainty::read,
           "accepted: what a measurement of torque would not find");
  rows.add("adaptation/recovery/1_h", "passive force missing 1 h after five stretches of 90 s", "%",
           100.0 * stretch(relaxation, {90.0, 5, 30.0, false}).loss_after(3600.0), 1.0, 30.0,
           "Magnusson et al. 1995, Scand J Med Sci Sports 5:342: part persists 1 h", Certainty::read,
           "accepted: enough to be found");
}

void over_weeks(Rows& rows) {
  AdaptationParameters cat;
  cat.sarcomere_time = 8.0, cat.least_sarcomeres = 0.5, cat.most_sarcomeres = 1.4;
  const AdaptationLaw soleus(cat, MuscleParameters{}, held(1.0, 0.05));
  const std::vector<AdaptationState> cast =
      states_at(soleus, soleus.start(), {{28.0, held(0.6, 0.05)}, {56.0, held(1.0, 0.05)}}, {0.0, 28.0, 56.0});
  const std::string tabary = "Tabary et al. 1972, J Physiol 224:231, cat soleus: ";
  rows.add("adaptation/cast/short", "serial sarcomeres lost in a short cast, 4 weeks", "%",
           100.0 * (1.0 - cast[1][serial_sarcomeres]), 36.0, 44.0, tabary + "40 %", Certainty::read,
           "the length in the cast, 0.6, is put in; that sarcomeres follow it in the time is the law");
  rows.add("adaptation/cast/back", "still lost 4 weeks after the cast", "%", 100.0 * (1.0 - cast[2][serial_sarcomeres]),
           -5.0, 5.0, tabary + "normal within 4 weeks", Certainty::read);

  const AdaptationParameters man;
  const AdaptationLaw thigh(man, MuscleParameters{}, held(1.0, 0.05));
  const std::string boer = "de Boer et al. 2007, J Physiol 583:1079, man, limb unloaded: ";
  const std::vector<AdaptationState> hanging =
      states_at(thigh, thigh.start(), {{23.0, held(1.0, 0.0)}}, {0.0, 14.0, 23.0});
  rows.add("adaptation/disuse/14_d", "strength lost without use, 14 d", "%", 100.0 * hanging[1][atrophy], 12.0, 18.0,
           boer + "14.8 %", Certainty::read, "both numbers of the law were fitted to these two");
  rows.add("adaptation/disuse/23_d", "strength lost without use, 23 d", "%", 100.0 * hanging[2][atrophy], 18.0, 24.0,
           boer + "21.0 %", Certainty::read);

  StrengtheningSpec band;
  band.load = 0.7, band.sets = 3.0, band.repetitions = 12.0, band.days_per_week = 3.0;
  WeekExposure trained = held(1.0, 0.05);
  trained.training_volume = band.volume_per_week();
  const std::vector<AdaptationState> gain = states_at(thigh, thigh.start(), {{56.0, trained}}, {0.0, 42.0, 56.0});
  rows.add("adaptation/training/6_weeks", "strength gained in 6 weeks of hip-flexor training", "%",
           100.0 * gain[1][training], 12.0, 22.0, "Thorborg et al. 2016, KSSTA 24:2346: 17 %", Certainty::read,
           "the greatest gain was set by it");
  rows.add("adaptation/training/8_weeks", "strength gained in 8 weeks", "%", 100.0 * gain[2][training], 7.0, 17.0,
           "Deane et al. 2005: 12 %", Certainty::memory);

  // six weeks of two stretches of 30 s on five days, then none for four
  WeekExposure stretched = held(1.0, 0.05);
  stretched.stretch_load = 5.0 * stretch(Relaxation{}, {30.0, 2, 30.0, false}).load;
  const std::vector<AdaptationState> tolerance =
      states_at(thigh, thigh.start(), {{42.0, stretched}, {70.0, held(1.0, 0.05)}}, {0.0, 42.0, 70.0});
  rows.add(
      "adaptation/tolerance/4_weeks_without", "tolerance left 4 weeks after stretching, of what was gained", "%",
      100.0 * (tolerance[2][stretch_tolerance] - 1.0) / (tolerance[1][stretch_tolerance] - 1.0), 22.0, 59.0,
      "Willy et al. 2001, JOSPT 31:138: 2 of 9 deg of range; Konrad et al. 2025, Sports Med Open: effect 0.55 of 0.93 "
      "after 2 to 6 weeks",
      Certainty::read, "the time was chosen between the two");
}

void long_sitting(const Root& root, Rows& rows) {
  Study study = read_study(root.example("adaptation"), {});
  auto& question = std::get<AdaptationStudy>(study.question);
  question.plans = {};
  question.studies = {};
  study.asked.clear();
  for (const auto& [plan, sitting, walking] : {std::tuple{"long", 8.5, 1.0}, std::tuple{"short", 3.0, 2.5}}) {
    PhaseSpec& phase = question.plans[plan].phases["all"];
    phase.weeks = 104.0;
    question.step_weeks = 104.0;
    Named<ActivitySpec>& activities = phase.week["day"].activities;
    for (const auto& [posture, hours] :
         {std::pair{"lying", 8.0}, std::pair{"sitting", sitting}, std::pair{"walking", walking},
          std::pair{"standing", 16.0 - sitting - walking}}) {
      activities[posture].posture = posture;
      activities[posture].hours = hours;
    }
  }
  const std::string source =
      "Boukabache et al. 2021, Musculoskelet Sci Pract 51:102282: 6.1 deg less passive hip extension with more than 7 "
      "h "
      "of sitting and little activity than with less than 4 h and much; accepted: 3 to 9";
  for (const double gain : {1.0, 0.5, 0.3}) {
    question.law.sarcomere_gain = gain;
    const Result result = run(study);
    const auto difference = [&](const std::string& name) {
      return find_scalar(*result.blocks.find("long"), name)->value -
             find_scalar(*result.blocks.find("short"), name)->value;
    };
    const std::string name = "adaptation/sitting/gain_" + shortest_text(gain);
    const std::string note = gain == 1.0 ? "the default, as in cats" : "sarcomere_gain " + shortest_text(gain);
    rows.add(name + "/delta_theta", "extension lost at 5 N·m, iliopsoas alone", "deg",
             difference("final delta_theta_deg/r"), 3.0, 9.0, source, Certainty::read, note)
        .decides = gain == 1.0;
    rows.add(name + "/borne", "extension lost at 15 N·m, with the capsule", "deg",
             -difference("final extension_at_borne_moment_deg/r"), 3.0, 9.0, source, Certainty::read, note)
        .decides = gain == 1.0;
  }
}

}  // namespace

void adaptation(const Root& root, Rows& rows) {
  inside_a_stretch(rows);
  over_weeks(rows);
  long_sitting(root, rows);
}

}  // namespace psoas
