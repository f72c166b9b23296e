// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Published measurements against what the shipped models and examples give.
//   for (const ValidationRow& row : validate("."))   // the folder that holds models/ and examples/
//     if (row.decides && !row.inside) std::puts(row.note.c_str());
// Nothing is tuned here: a miss is a row with `inside` false and a note that says why, as far as it is known.
#pragma once

#include <string>
#include <vector>

namespace psoas {

/// One number that others published, and ours.
struct ValidationRow {
  std::string name;      ///< experiment and case, e.g. "hip_passive/knee_90/hip_30"; unique
  std::string quantity;  ///< what the number is
  std::string unit;
  std::string source;  ///< citation, and in brackets how sure the published figure is
  double computed = 0.0;
  double low = 0.0, high = 0.0;  ///< accepted range, bounds included; infinite where there is none
  bool inside = false;           ///< low <= computed <= high
  std::string note;
  /// False where the published figure is quoted from memory or is no measurement to be met: printed, and nothing follows.
  bool decides = true;
};

/// Names of all experiments, in the order of their rows.
std::vector<std::string> experiment_names();

/// Computes rows, in a fixed order: those of the experiment of that name, else of each whose name contains the filter
/// (empty: all). With a '/' in it what stands before selects experiments, the rest is a part of a row's name:
/// "hip_passive/knee_45". Experiments that
/// it leaves out cost nothing. `root_folder` holds models/ and examples/; a folder that holds full_body.json itself is
/// understood too. Throws Error(io) for files that cannot be read and what models and studies throw.
std::vector<ValidationRow> validate(const std::string& root_folder, const std::string& filter = "");

/// The page docs/validation.md.
std::string validation_markdown(const std::vector<ValidationRow>& rows);

}  // namespace psoas
