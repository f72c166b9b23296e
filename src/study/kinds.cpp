// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/kinds.hpp"

#include <cmath>

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

std::vector<double> AngleGrid::angles_deg() const {
  std::vector<double> out;
  const int count = 1 + static_cast<int>(std::floor((to_deg - from_deg) / step_deg + 1e-9));
  for (int i = 0; i < count; ++i) out.push_back(from_deg + step_deg * i);
  return out;
}

std::string ImpingementStudy::fault() const {
  for (std::size_t i = 0; i < pelvic_tilt_deg.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (pelvic_tilt_deg[i] == pelvic_tilt_deg[k])
        return "expected each of \"pelvic_tilt_deg\" once, found " + shortest_text(pelvic_tilt_deg[i]) + " again";
  return "";
}

}  // namespace psoas
