// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The motion that a simulation follows in place of a recording that no feet could carry, and what had to change.
#pragma once

#include "psoas/solve/reference.hpp"
#include "study/controls.hpp"

namespace psoas {

/// A study's reference, made once for all of its variants.
class ConsistentMotion {
 public:
  /// From the study's recording, by its first variant, whose simulation starts as `state` and `simulation` say. Throws
  /// Error(input) with the place of a name or time that cannot be.
  ConsistentMotion(const Study& study, const SimulationStudy& question, const Model& model, const State& state,
                   const SimulationOptions& simulation);

  /// What is followed: a spline an independent coordinate.
  const std::vector<QuinticSpline>& coordinates() const { return found_.coordinates; }
  /// What the motion asks of a model.
  std::vector<Edit> edits() const { return as_edits(found_, options_, model_); }

  /// Series over the block's rows, scalars, tables and credibility.
  void tell(Block& block) const;
  /// Whether a series is told here only.
  static bool is_own(const std::string& series) { return series.rfind("reference/", 0) == 0; }
  /// The lines of the summary for as many variants.
  std::vector<SummaryLine> summary(std::size_t variants) const;

 private:
  double rms_angle() const;

  Model model_;
  ReferenceOptions options_;
  std::vector<char> still_;
  std::vector<QuinticSpline> recording_;
  Reference found_;
};

}  // namespace psoas
