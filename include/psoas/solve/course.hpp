// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The course of a muscle group's states over weeks and months, integrated with Boost.Odeint.
//   run_course(law, law.start(), {{84.0, week}}, {}, days, 1e-9, [&](double day, const AdaptationState& now) { … });
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "psoas/muscle/adaptation.hpp"

namespace psoas {

/// A time in which all weeks are alike.
struct CoursePhase {
  double end = 0.0;  ///< [d]; it begins where the one before ends, the first at day 0
  WeekExposure week;
};

/// Integrates the states of `law` from day 0 with error control and dense output (Dormand-Prince), and calls `observe` at
/// each of the increasing `days`, which begin at 0 and end not after the last phase. Ends of phases and `sessions` of
/// manual therapy (increasing days) are never stepped over; at a session's own day it is the state before it that is
/// observed. `tolerance`: absolute and relative error a step. Returns the number of steps. The same bytes on every call.
/// Throws Error(input) for days, sessions or phases out of order, and for a start outside the law's ranges.
int run_course(const AdaptationLaw& law, const AdaptationState& start, std::span<const CoursePhase> phases,
               std::span<const double> sessions, std::span<const double> days, double tolerance,
               const std::function<void(double day, const AdaptationState& now)>& observe);

}  // namespace psoas
