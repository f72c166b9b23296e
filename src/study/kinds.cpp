// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/kinds.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/sampling.hpp"
#include "psoas/core/table.hpp"

namespace psoas {
namespace {

constexpr const char* no_muscles = "missing \"muscles\" (names, globs or groups)";

/// What is wrong with the instants of a curve.
std::string instants_fault(const std::vector<double>& time, std::size_t values, std::size_t least) {
  if (time.size() != values || time.size() < least)
    return "expected as many values as instants, and at least " + std::to_string(least);
  for (std::size_t i = 1; i < time.size(); ++i)
    if (!(time[i] - time[i - 1] >= 1e-6)) return "expected instants that increase by at least 1e-6 s";
  return "";
}

}  // namespace

std::string SplineController::fault() const {
  return muscles.empty() ? no_muscles : instants_fault(time, value.size(), 3);
}

std::string BangBangController::fault() const {
  if (muscles.empty()) return no_muscles;
  if (!(low <= high)) return "expected \"low\" not above \"high\"";
  return instants_fault(switch_times, switch_times.size(), 1);
}

std::string StretchReflexController::fault() const {
  if (muscles.empty()) return no_muscles;
  return length_gain > 0.0 || velocity_gain > 0.0 ? "" : "expected a \"length_gain\" or \"velocity_gain\" above 0";
}

std::string PrescribedSpec::fault() const {
  if (table)
    return time.empty() && value.empty() ? "" : "expected either \"table\" or \"time\" and \"value\", found both";
  if (time.empty() && value.empty()) return "expected \"time\" and \"value\", or \"table\"";
  if (column || lowpass_hz) return "expected \"column\" and \"lowpass_hz\" beside \"table\" only";
  return instants_fault(time, value.size(), 3);
}

std::vector<double> AngleGrid::angles_deg() const { return in_steps(from_deg, to_deg, step_deg); }

std::string ImpingementStudy::fault() const {
  for (std::size_t i = 0; i < pelvic_tilt_deg.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (pelvic_tilt_deg[i] == pelvic_tilt_deg[k])
        return "expected each of \"pelvic_tilt_deg\" once, found " + shortest_text(pelvic_tilt_deg[i]) + " again";
  return "";
}

std::string ActivitySpec::fault() const {
  if (hours) return from_hours || to_hours ? "expected either \"hours\" or \"from_hours\" and \"to_hours\"" : "";
  if (!from_hours || !to_hours) return "missing \"hours\" (or \"from_hours\" and \"to_hours\")";
  return *from_hours < *to_hours ? "" : "expected \"from_hours\" below \"to_hours\"; a night is two activities";
}

std::string DaySpec::fault() const {
  double sum = 0.0;
  std::vector<std::pair<double, const std::pair<std::string, ActivitySpec>*>> placed;
  for (const auto& item : activities) {
    sum += item.second.duration();
    if (!item.second.hours) placed.emplace_back(*item.second.from_hours, &item);
  }
  std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < placed.size(); ++i)
    if (placed[i].first < *placed[i - 1].second->second.to_hours)
      return "expected activities one after another, found \"" + placed[i].second->first + "\" beginning at " +
             shortest_text(placed[i].first) + " h before \"" + placed[i - 1].second->first + "\" ends at " +
             shortest_text(*placed[i - 1].second->second.to_hours) + " h";
  if (std::abs(sum - 24.0) > 1e-6)
    return "expected activities that fill 24 hours, found " + shortest_text(sum) + " hours";
  return "";
}

double StretchSpec::minutes_per_week() const {
  const double times = std::round(repetitions);
  return (times * hold + (times - 1.0) * rest) / 60.0 * sessions_per_day * days_per_week;
}

double StrengtheningSpec::volume_per_week() const {
  const double to_failure = 30.0 * (1.0 / load - 1.0) + 1.0;
  return sets * days_per_week * load * std::min(1.0, repetitions / to_failure);
}

double StrengtheningSpec::minutes_per_week() const {
  // a repetition of 4 s, and 90 s of rest a set
  return sets * (4.0 * repetitions + 90.0) / 60.0 * days_per_week;
}

namespace {

std::string week_fault(const Named<DaySpec>& week) {
  int days = 0;
  for (const auto& [name, day] : week) days += day.days;
  return days == 7 ? "" : "expected days that make a week of 7, found " + std::to_string(days);
}

}  // namespace

std::string PhaseSpec::fault() const { return week.empty() ? "" : week_fault(week); }

double PhaseSpec::minutes_per_week() const {
  double sum = 0.0;
  for (const auto& [name, one] : stretches) sum += one.minutes_per_week();
  for (const auto& [name, one] : strengthening) sum += one.minutes_per_week();
  for (const auto& [name, one] : manual_therapy) sum += one.minutes * one.sessions_per_week;
  return adherence * sum;
}

std::string MeasuredTightness::fault() const {
  const bool curve = !hip_flexion_deg.empty() || !passive_moment.empty();
  if (curve == (value || !output.empty()))
    return "expected either \"output\" with \"value\" or \"hip_flexion_deg\" with \"passive_moment\"";
  if (curve) {
    if (normal) return "expected \"normal\" beside \"value\" only";
    return hip_flexion_deg.size() == passive_moment.size() && hip_flexion_deg.size() > 1
               ? ""
               : "expected as many passive moments as angles, and at least two";
  }
  if (output.empty()) return "missing \"output\" (what was measured)";
  if (!value) return "missing \"value\" (what was found)";
  return knee_flexion_deg ? "expected \"knee_flexion_deg\" beside \"hip_flexion_deg\" only" : "";
}

namespace {

/// What is wrong with the studies that a study asks.
std::string asked_fault(const Named<AskedStudy>& studies) {
  int place = 0;
  for (const auto& [name, asked] : studies) {
    if (name.empty() || name.find_first_of(": \t/") != std::string::npos)
      return "expected names of \"studies\" without spaces, colons and slashes, found \"" + name + "\"";
    const int of = studies.index(asked.posture_of);
    if (!asked.posture_of.empty() && (of < 0 || of >= place))
      return "expected \"posture_of\" of \"" + name + "\" to name an earlier one of \"studies\", found \"" +
             asked.posture_of + "\"";
    ++place;
  }
  return "";
}

bool has_twins(const auto& list) {
  for (auto one = list.begin(); one != list.end(); ++one)
    if (std::find(list.begin(), one, *one) != one) return true;
  return false;
}

/// What the values of an axis are, and from where to where.
struct AxisRange {
  const char* what;
  double low, high;
};

AxisRange range_of(const TightnessStudy& study) {
  if (study.axis == "delta_theta_deg") return {"degrees", 0.0, 60.0};
  const std::string& mechanism = study.mechanisms.front();
  if (study.axis == "s" || mechanism == "serial_sarcomere_loss") return {"factors", 0.3, 2.0};
  if (mechanism == "tendon_shortening") return {"metres", -0.1, 0.1};
  if (mechanism == "stiffer_passive_tissue") return {"factors", 0.05, 20.0};
  return {"activations", 0.001, 1.0};
}

}  // namespace

std::string TightnessStudy::fault() const {
  if (mechanisms.empty() || sides.empty() || values.empty())
    return "expected at least one each of \"mechanisms\", \"sides\" and \"values\"";
  if (has_twins(mechanisms) || has_twins(sides) || has_twins(values))
    return "expected each of \"mechanisms\", \"sides\" and \"values\" once";
  if (axis == "value" && mechanisms.size() > 1)
    return "expected one mechanism where \"axis\" is \"value\", found " + std::to_string(mechanisms.size());
  const AxisRange range = range_of(*this);
  for (const double value : values)
    if (!(value >= range.low && value <= range.high))
      return std::string("expected \"values\" that are ") + range.what + " from " + shortest_text(range.low) + " to " +
             shortest_text(range.high) + ", found " + shortest_text(value);
  if (!(from_deg <= to_deg)) return "expected \"from_deg\" not above \"to_deg\"";
  if (!pelvic_tilt_of.empty() && !studies.find(pelvic_tilt_of))
    return "expected \"pelvic_tilt_of\" to name one of \"studies\", found \"" + pelvic_tilt_of + "\"";
  return asked_fault(studies);
}

std::string AdaptationStudy::fault() const {
  if (groups.empty()) return "expected \"groups\" with at least one group";
  if (postures.empty()) return "missing \"postures\" (positions of daily life by name)";
  if (plans.empty()) return "missing \"plans\" (what is compared, by name)";
  if (habitual.empty()) return "missing \"habitual\" (days of the week to which the muscles are adapted, by name)";
  if (const std::string wrong = week_fault(habitual); !wrong.empty()) return "\"habitual\": " + wrong;
  if (!weeks.empty() && studies.empty()) return "expected \"weeks\" beside \"studies\" only";
  for (std::size_t i = 1; i < weeks.size(); ++i)
    if (!(weeks[i] > weeks[i - 1])) return "expected increasing \"weeks\"";
  return asked_fault(studies);
}

}  // namespace psoas
