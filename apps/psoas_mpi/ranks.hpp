// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The executor of many machines: ranks of MPI. Rank 0 hands out ranges of cases and alone writes; the others compute.
#pragma once

#include <string>

#include "psoas/sweep/engine.hpp"

namespace psoas::app {

/// Number of ranks of the job.
int ranks();

/// On rank 0: the executor that sends ranges to the other ranks, which must be in serve_ranks(). `all_done`: whether they
/// have returned from it; they have not where the sweep was stopped.
Executor on_ranks(bool& all_done);

/// On the other ranks: waits for rank 0 and computes what it sends of the sweep in this file, until it says that nothing
/// is left. `mixed`: go on where this rank's machine is of another type than rank 0's.
void serve_ranks(const std::string& path, bool mixed);

/// On rank 0: tells ranks in serve_ranks() that there is nothing to do, where on_ranks() was not reached.
void dismiss_ranks();

}  // namespace psoas::app
