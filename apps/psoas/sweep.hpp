// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the programs that compute sweeps share: `psoas sweep` on threads, `psoas-mpi sweep` on ranks.
#pragma once

#include <string>

#include "program.hpp"
#include "psoas/sweep/engine.hpp"

namespace psoas::app {

/// A command line, understood.
struct SweepCommand {
  std::string file;
  int threads = 1;
  bool json_out = false, dry_run = false;
  SweepOptions options;
};

/// A command line as it was given.
struct SweepArguments {
  SweepArguments(Parser& parser, bool threads);
  /// Throws Error(input) for what cannot be understood.
  SweepCommand command() const;

  std::string sweep, file, threads_text, shard, failures;
  bool resume = false, dry_run = false, mixed = false, json_out = false;
};

/// Computes a sweep, or shows what it would do, and tells how it went. Gives the exit code.
int perform_sweep(const std::string& path, SweepCommand command, const Executor& executor);

}  // namespace psoas::app
