// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Computes the cases of a sweep, on threads of this machine or wherever an executor sends them, into a file.
//   const SweepPlan plan(read_sweep("examples/sweep/tightness_grid.json"));
//   SweepReport report = run_sweep(plan, "results/tightness_grid.db", {.resume = true}, on_threads(2));
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "psoas/sweep/spec.hpp"
#include "psoas/sweep/store.hpp"

namespace psoas {

/// What is asked of a case: a scalar of a result. "peak compression/L5_S1" is that of the first variant,
/// "tight:peak compression/L5_S1" of the variant `tight`, "change tight:peak compression/L5_S1" the difference of it from
/// the first variant's.
struct RecordedScalar {
  std::string name, unit;       ///< of the column
  std::string variant, scalar;  ///< where it stands in a result
  bool change = false;
};

/// A sweep that is ready to be computed: its cases, and what is recorded of each. Const and shared by threads.
class SweepPlan {
 public:
  /// Runs one or two cases to see what their results have and how long a case takes. A sweep whose `record` is empty
  /// records everything: all scalars and series of the study's own outputs. Throws Error(input) with the pointer of a
  /// name of `record` or `series` that results have not, and what the first case throws where none can be run.
  explicit SweepPlan(SweepSpec sweep);

  const SweepSpec& sweep() const { return sweep_; }
  const Cases& cases() const { return cases_; }
  const std::vector<RecordedScalar>& scalars() const { return scalars_; }
  const std::vector<Quantity>& series() const { return series_; }
  /// Whether a case's series are kept.
  bool keeps_series(std::uint64_t k) const;
  /// Seconds that a case took, that of the first one left out where there are more.
  double seconds_a_case() const { return seconds_; }
  /// The study with its numbers still open; copied by each thread.
  const VariedStudy& study() const { return study_; }
  /// Names of outputs that a case's study computes; empty: the study's own.
  const std::vector<std::string>& outputs() const { return outputs_; }
  /// Whether the lost hip extension is recorded.
  bool asks_delta_theta() const { return delta_theta_; }

  /// What the file of a shard says about the sweep; provenance is the caller's.
  StoreHeader header(const Shard& shard) const;

 private:
  bool asks_everything() const { return sweep_.record.empty(); }
  void take_outputs(const Study& study);
  std::string named_by(const Error& error) const;
  void take_names(const Result& result);

  SweepSpec sweep_;
  Cases cases_;
  VariedStudy study_;
  std::vector<std::string> outputs_, output_pointers_;
  std::vector<RecordedScalar> scalars_;
  std::vector<Quantity> series_;
  double seconds_ = 0.0;
  bool delta_theta_ = false;
};

/// Computes single cases. One a thread: what varied numbers do not change is kept from case to case, and no number
/// depends on which cases came before.
class CaseRunner {
 public:
  /// The plan must outlive it.
  explicit CaseRunner(const SweepPlan& plan);
  CaseRunner(CaseRunner&&) noexcept;
  ~CaseRunner();

  /// Case k < cases. What goes wrong in it is in the row. Nothing where `stop` became true on the way.
  std::optional<CaseRow> operator()(std::uint64_t k, const std::atomic<bool>& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What an executor works with. Used by one thread.
class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  /// Cases that were not handed out yet, worth about so many seconds of one thread's work; none: all are, or the sweep
  /// is to stop.
  virtual std::optional<CaseRange> next(double seconds) = 0;
  /// Takes finished cases. Throws what Store throws.
  virtual void finished(const std::vector<CaseRow>& rows) = 0;
  /// To be called ten times a second or more: makes safe what was finished. False: stop as soon as may be.
  virtual bool go_on() = 0;
};

/// Computes what the dispatcher hands out, and returns when nothing is left or go_on() is false.
using Executor = std::function<void(const SweepPlan& plan, Dispatcher& dispatcher)>;

/// As many threads as processors that this program may use.
int default_threads();

/// Threads of this program. Throws Error(input) for less than one.
Executor on_threads(int threads);

/// How far a sweep is, for a bar.
struct SweepProgress {
  std::uint64_t cases = 0;     ///< of this file
  std::uint64_t finished = 0;  ///< in the file, those of earlier sessions included
  std::uint64_t failed = 0;    ///< failed or not converged
  double rate = 0.0;           ///< cases a second of this session
};

/// How a sweep is computed.
struct SweepOptions {
  bool resume = false;  ///< go on with the file, or begin it; else it must not be there
  Shard shard{};
  std::uint64_t most_failures = UINT64_MAX;  ///< failed or not converged cases after which the sweep stops
  bool mixed = false;                        ///< accept another CPU type or C library than the file's
  std::string provenance;                    ///< JSON text of this session, for the file
  std::function<void(const SweepProgress&)> progress;
  std::function<bool()> interrupted;  ///< asked often; true: commit and return
};

/// How a sweep ended.
struct SweepReport {
  enum class End { complete, interrupted, too_many_failures };
  End end = End::complete;
  StoreStatus status;      ///< of the file
  std::uint64_t here = 0;  ///< cases of this session
  double seconds = 0.0;    ///< of this session
};

/// Computes the cases that the file lacks. What was finished is committed each second, and when an error is thrown.
/// Throws what Store throws.
SweepReport run_sweep(const SweepPlan& plan, const std::string& path, const SweepOptions& options,
                      const Executor& executor);

/// CPU type and C library: the last bits of numbers may differ between two of them.
std::string machine_name();

}  // namespace psoas
