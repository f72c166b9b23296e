// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The analysis of a sweep for reading.
//   std::cout << analysis_text(analyse(Store::open("results/subjects.db")));
#pragma once

#include <string>

#include "psoas/sweep/analyse.hpp"

namespace psoas {

/// How each scalar spreads, then of each which factors matter, what a quadratic in place of the model is worth, and the
/// worst cases; at most 120 columns, but for long names of scalars. Factors stand in order of importance. `colour` adds
/// terminal colours.
std::string analysis_text(const SweepAnalysis& analysis, bool colour = false);

}  // namespace psoas
