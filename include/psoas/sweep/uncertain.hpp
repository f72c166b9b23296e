// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A study some numbers of which are known as distributions only, answered with bands.
//   Result result = run_uncertain(study, {}, 2);   result.blocks.begin()->second.tables.find("uncertainty")
#pragma once

#include "psoas/study/study.hpp"
#include "psoas/sweep/spec.hpp"

namespace psoas {

/// The sweep that a study's `uncertain` means, or what is wrong with it: Error(input) with its place in the study.
SweepSpec uncertain_sweep(const Study& study);

/// Answers a study as run() does and, where it has `uncertain`, again for a Latin hypercube of those numbers, on so many
/// threads. Each block then has a table `uncertainty` of all its scalars (mean, standard deviation, 5th, 50th and 95th
/// percentile over the samples that could be computed), each series has `band_5/<name>` and `band_95/<name>` beside it,
/// instant by instant (where what varies does not move the axis), and summary and notes tell the main ones. The answer itself is that of the numbers as they stand.
/// The same bytes for any number of threads. Throws what run() throws; Error(input) for what is wrong in `uncertain`, and
/// Error(numeric) where fewer than two samples could be computed.
Result run_uncertain(const Study& study, const RunOptions& options, int threads);

}  // namespace psoas
