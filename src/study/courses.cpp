// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/adaptation.hpp"

namespace psoas {
namespace {

constexpr double days_a_week = 7.0;
constexpr double resting_activation = 0.01;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

double end_of(const PlanSpec& plan) {
  double weeks = 0.0;
  for (const auto& [name, phase] : plan.phases) weeks += phase.weeks;
  return days_a_week * weeks;
}

Courses::Courses(const Study& study, const AdaptationStudy& question, StudyMemory& memory)
    : study_(study),
      question_(question),
      memory_(memory),
      unedited_(memory.inside().models.compile(study.unedited)),
      base_(memory.inside().models.compile(study.model)) {
  for (std::size_t g = 0; g < question.groups.size(); ++g) {
    muscles_.push_back(select_muscles(study.model, "group:" + question.groups[g]));
    if (muscles_.back().empty()) {
      std::vector<std::string> known;
      for (const auto& [name, patterns] : study.model.groups) known.push_back(name);
      throw Error(Kind::input, study.place("/groups/" + std::to_string(g)),
                  "expected a group of the model, found \"" + question.groups[g] + "\"" +
                      did_you_mean(question.groups[g], known));
    }
  }
  for (const auto& [name, posture] : question.postures) {
    const std::string pointer = "/postures/" + name;
    for (const auto& [group, activation] : posture.activation) group_index(group, pointer + "/activation/" + group);
    lengths_.push_back(lengths_at(posture.hip_flexion_deg, posture.posture, pointer + "/posture"));
  }
  for (std::size_t g = 0; g < question.groups.size(); ++g) {
    // the strongest muscle's curve stands for the group's
    const MuscleParameters* strongest = nullptr;
    for (const int m : base_.select("group:" + question.groups[g])) {
      const MuscleParameters& unit = base_.data().units[at(m)];
      if (!strongest || unit.max_isometric_force > strongest->max_isometric_force) strongest = &unit;
    }
    AdaptationParameters numbers = question.law;
    const GroupStart* given = question.start.find(question.groups[g]);
    if (given && given->resting_tone) numbers.resting_tone = *given->resting_tone;
    try {
      laws_.emplace_back(numbers, *strongest, week_of(question.habitual, 1.0, "/habitual", g));
    } catch (const Error& error) {
      if (error.where() != "adaptation") throw;
      throw Error(Kind::input, study.place("/law"), error.text());
    }
    start_.push_back(laws_.back().start());
  }
  for (const auto& [name, given] : question.start) {
    const std::size_t g = group_index(name, "/start/" + name);
    AdaptationState& state = start_[g];
    state[serial_sarcomeres] = given.serial_sarcomeres;
    state[passive_stiffness] = given.passive_stiffness;
    state[training] = given.training;
    state[atrophy] = given.atrophy;
    state[stretch_tolerance] = given.stretch_tolerance;
    if (given.tone) state[tone] = *given.tone;
    const AdaptationState low = laws_[g].low(), high = laws_[g].high();
    for (std::size_t i = 0; i < adaptation_states; ++i)
      if (!(state[i] >= low[i] && state[i] <= high[i]))
        throw Error(Kind::input, study.place("/start/" + name),
                    "expected states inside the ranges of \"law\", found " + shortest_text(state[i]) + ", not from " +
                        shortest_text(low[i]) + " to " + shortest_text(high[i]));
  }
}

std::size_t Courses::group_index(const std::string& name, const std::string& pointer) const {
  const auto found = std::find(question_.groups.begin(), question_.groups.end(), name);
  if (found == question_.groups.end())
    throw Error(Kind::input, study_.place(pointer),
                "expected one of the study's groups (" + join(question_.groups, ", ") + "), found \"" + name + "\"" +
                    did_you_mean(name, question_.groups));
  return static_cast<std::size_t>(found - question_.groups.begin());
}

std::vector<double> Courses::lengths_at(double hip_flexion_deg, const Named<double>& posture,
                                        const std::string& pointer) const {
  State state = base_.default_state();
  set_coordinates(study_, base_, posture, pointer, state);
  const auto& names = base_.data().coordinate_names;
  for (const char* hip : {"hip_flexion_r", "hip_flexion_l"})
    if (const auto found = std::find(names.begin(), names.end(), hip); found != names.end())
      state.q()[static_cast<std::size_t>(found - names.begin())] = degrees(hip_flexion_deg);
  Workspace work(base_);
  evaluate(base_, state, work, Depth::velocity);
  std::vector<double> out;
  for (const std::string& group : question_.groups) {
    double sum = 0.0, force = 0.0;
    for (const int m : base_.select("group:" + group)) {
      const MuscleParameters& unit = base_.data().units[at(m)];
      sum += unit.max_isometric_force * rigid_tendon_fibre(unit, work.length[at(m)], 0.0).fibre_length /
             unit.optimal_fibre_length;
      force += unit.max_isometric_force;
    }
    out.push_back(sum / force);
  }
  return out;
}

WeekExposure Courses::week_of(const Named<DaySpec>& week, double adherence, const std::string& pointer,
                              std::size_t group) const {
  WeekExposure out;
  for (const auto& [name, posture] : question_.postures) {
    const double* activation = posture.activation.find(question_.groups[group]);
    out.lengths.push_back({0.0, lengths_[out.lengths.size()][group], activation ? *activation : resting_activation});
  }
  std::vector<std::string> known;
  for (const auto& [name, posture] : question_.postures) known.push_back(name);
  const auto add = [&](const std::string& posture, double hours, const std::string& place) {
    const int i = question_.postures.index(posture);
    if (i < 0)
      throw Error(Kind::input, study_.place(place),
                  "expected one of the study's postures, found \"" + posture + "\"" + did_you_mean(posture, known));
    out.lengths[at(i)].hours += hours;
  };
  for (const auto& [day_name, day] : week)
    for (const auto& [name, activity] : day.activities) {
      const std::string place = pointer + "/" + day_name + "/activities/" + name;
      const double hours = day.days * activity.duration();
      double in_breaks = 0.0;
      if (activity.breaks) {
        const double on = activity.breaks->every_minutes, off = activity.breaks->minutes;
        in_breaks = adherence * hours * off / (on + off);
        add(activity.breaks->posture, in_breaks, place + "/breaks/posture");
      }
      add(activity.posture, hours - in_breaks, place + "/posture");
    }
  return out;
}

StretchEffect Courses::effect(const StretchSpec& one) const {
  return stretch(question_.relaxation,
                 {one.hold, static_cast<int>(std::lround(one.repetitions)), one.rest, one.constant == "torque"});
}

WeekExposure Courses::exposure(const PhaseSpec& phase, const std::string& pointer, std::size_t group) const {
  WeekExposure out = phase.week.empty() ? week_of(question_.habitual, 1.0, "/habitual", group)
                                        : week_of(phase.week, phase.adherence, pointer + "/week", group);
  double stretched_hours = 0.0;
  const std::size_t daily = out.lengths.size();
  for (const auto& [name, one] : phase.stretches) {
    if (group_index(one.group, pointer + "/stretches/" + name + "/group") != group) continue;
    const double sessions = phase.adherence * one.sessions_per_day * one.days_per_week;
    const double load = one.intensity * effect(one).load;
    out.stretch_load += sessions * load;
    out.stretch_load_above += sessions * std::max(0.0, load - question_.law.session_threshold);
    const double hours = sessions * std::round(one.repetitions) * one.hold / 3600.0;
    out.lengths.push_back({hours, lengths_at(one.hip_flexion_deg, {}, pointer)[group], resting_activation});
    stretched_hours += hours;
  }
  for (std::size_t i = 0; i < daily; ++i)
    out.lengths[i].hours *= std::max(0.0, 1.0 - stretched_hours / (24.0 * days_a_week));
  for (const auto& [name, one] : phase.strengthening)
    if (group_index(one.group, pointer + "/strengthening/" + name + "/group") == group)
      out.training_volume += phase.adherence * one.volume_per_week();
  return out;
}

PlanCourse Courses::follow(const PlanSpec& plan, const std::string& pointer, const std::vector<double>& days) const {
  PlanCourse out;
  out.states.assign(days.size(), std::vector<AdaptationState>(laws_.size()));
  for (std::size_t g = 0; g < laws_.size(); ++g) {
    std::vector<CoursePhase> phases;
    std::vector<double> sessions;
    double begin = 0.0;
    for (const auto& [name, phase] : plan.phases) {
      const std::string here = pointer + "/phases/" + name;
      phases.push_back({begin + days_a_week * phase.weeks, exposure(phase, here, g)});
      for (const auto& [therapy, one] : phase.manual_therapy) {
        const double a_week = phase.adherence * one.sessions_per_week;
        if (group_index(one.group, here + "/manual_therapy/" + therapy + "/group") != g || !(a_week > 0.0)) continue;
        const double apart = days_a_week / a_week;
        for (int k = 0; begin + (k + 0.5) * apart < phases.back().end; ++k)
          sessions.push_back(begin + (k + 0.5) * apart);
      }
      begin = phases.back().end;
    }
    std::sort(sessions.begin(), sessions.end());
    sessions.erase(std::unique(sessions.begin(), sessions.end()), sessions.end());
    // the sum of weeks may differ from days by a rounding
    phases.back().end = std::max(phases.back().end, days.back());
    std::size_t row = 0;
    out.steps += run_course(laws_[g], start_[g], phases, sessions, days, question_.tolerance,
                            [&](double, const AdaptationState& now) { out.states[row++][g] = now; });
  }
  return out;
}

std::vector<Edit> Courses::edits(const std::vector<AdaptationState>& states) const {
  std::vector<Edit> out;
  for (std::size_t g = 0; g < states.size(); ++g) {
    const AdaptationState& now = states[g];
    const double strength = AdaptationLaw::strength(now), floor = laws_[g].felt_tone(now);
    Edit edit;
    edit.name = "adapted_" + question_.groups[g];
    edit.muscles = {"group:" + question_.groups[g]};
    edit.scale["optimal_fibre_length"] = now[serial_sarcomeres];
    edit.scale["max_isometric_force"] = strength;
    edit.scale["passive_scale"] = now[passive_stiffness] / strength;
    out.push_back(edit);
    // raised tone is a floor: muscles whose least activation is above it keep theirs
    Edit raised;
    raised.name = "tone_of_" + question_.groups[g];
    for (const std::string& muscle : muscles_[g])
      if (study_.model.muscles.find(muscle)->minimum_activation < floor) raised.muscles.push_back(muscle);
    raised.set["minimum_activation"] = Value{{floor}, {}};
    if (!raised.muscles.empty()) out.push_back(raised);
  }
  return out;
}

Model Courses::model(const std::vector<AdaptationState>& states) const {
  ModelSpec spec = study_.model;
  std::vector<Problem> problems;
  apply(edits(states), "/plans", spec, problems);
  if (!problems.empty())
    throw Error(Kind::input, study_.place("/plans"),
                "expected states that the model's muscles can have: " + problems.front().text);
  return memory_.inside().models.compile(spec);
}

HipMeasure Courses::measure(const std::vector<AdaptationState>& states, const std::string& side) const {
  const Model now = model(states);
  const auto found = std::find(question_.groups.begin(), question_.groups.end(), "iliopsoas");
  const auto g = static_cast<std::size_t>(found - question_.groups.begin());
  const double borne = g < laws_.size() ? laws_[g].felt_tolerance(states[g]) : 1.0;
  HipMeasure out;
  out.extension_at_5 = -to_degrees(angle_of_passive_moment(unedited_, now, side, 5.0, memory_));
  out.extension_at_borne = -to_degrees(angle_of_hip_moment(unedited_, now, side, question_.borne_moment * borne));
  out.delta_theta = delta_theta_deg(unedited_, now, side, memory_);
  out.moment = resting_moment_at(now, now, side, degrees(-question_.measured_extension_deg));
  return out;
}

}  // namespace psoas
