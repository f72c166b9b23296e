// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a simulation that follows a motion tells of it: errors, reserves, and what contacts could not supply.
#pragma once

#include "psoas/solve/tracking.hpp"
#include "study/answer.hpp"

namespace psoas {

/// Rows of one variant, and the controller's own instants, which rows may lie between.
class TrackingRecord {
 public:
  TrackingRecord(const Model& model, const MotionTracker& tracker);

  /// The controller, with an eye on what it does at each instant; refers to this.
  SampledControl watched(SampledControl control);
  /// A row; `loads` knows the joint moments there.
  void see(const State& now, const ForwardDynamics& dynamics, const InverseSolver& loads);
  /// Series, scalars, a table by coordinate, and credibility.
  void tell(Block& block) const;
  /// Whether a series is told here only, and too many to be in the summary.
  static bool is_own(const std::string& series);
  /// The lines of the summary, a value a variant.
  static std::vector<SummaryLine> summary(const Result& result);

 private:
  const Model& model_;
  const MotionTracker& tracker_;
  std::vector<int> followed_, driven_;
  std::vector<std::vector<double>> error_, reserve_, moment_, drive_;  // per followed coordinate; per driven one
  std::vector<double> shortfall_;
  // over the controller's instants
  int instants_ = 0;
  std::vector<double> reserve_squares_, greatest_reserve_;  // per followed coordinate
  double greatest_shortfall_ = 0.0, residual_ = 0.0;
};

}  // namespace psoas
