// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The least weekly minutes of a plan that reach a range of hip extension.
//   PlanOptimum found = optimise_plan(study, question, courses, {"r"});   found.plan, found.sentence
#pragma once

#include <string>
#include <vector>

#include "study/adaptation.hpp"

namespace psoas {

/// The plan that was found.
struct PlanOptimum {
  PlanSpec plan;
  double minutes = 0.0;  ///< a week, of the last phase
  double reached = 0.0;  ///< what was to be reached [deg]
  int evaluations = 0;
  bool feasible = false;
  std::string sentence;
};

/// Holds and days of stretches, days of strengthening and sessions of manual therapy of the plan's last phase, as few
/// minutes as reach OptimiseSpec::at_least on the first of `sides` (NLopt's COBYLA: no derivatives, no random numbers, ends
/// by tolerance or evaluations, never by time). Throws Error(input) for a plan that there is not or that has nothing to find.
PlanOptimum optimise_plan(const Study& study, const AdaptationStudy& question, const Courses& courses,
                          const std::vector<std::string>& sides);

}  // namespace psoas
