// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The answer to a study: named numbers, curves and tables with units, what makes them credible, and where they came from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "psoas/core/kind.hpp"
#include "psoas/model/edit.hpp"

namespace psoas {

/// A number with its unit.
struct Scalar {
  double value = 0.0;
  std::string unit;
};

/// A curve over the block's axis.
struct Series {
  std::string unit;
  std::vector<double> values;
};

/// A named column of a result table.
struct ResultColumn {
  std::string name, unit;
};

/// Rows of numbers with labels.
struct ResultTable {
  std::string description;
  std::vector<ResultColumn> columns;
  std::vector<std::string> labels;        ///< one a row
  std::vector<std::vector<double>> rows;  ///< as wide as `columns`
};

/// A threshold that a result is held against.
struct Credibility {
  std::string name, unit, source, note;
  double value = 0.0, limit = 0.0;
  std::optional<bool> ok;  ///< absent: not applicable, the note says why
};

/// The answers of one variant (or of a study without variants).
struct Block {
  std::string axis = "time", axis_unit = "s";
  std::vector<double> axis_values;
  Named<Scalar> scalars;
  Named<Series> series;
  Named<ResultTable> tables;
  std::vector<Credibility> credibility;
  std::vector<std::string> warnings;
  int unconverged = 0;  ///< instants at which no answer was found to its tolerance; `warnings` say so in words
};

/// A block's scalar of this name: one of its `scalars`, or a series reduced: "peak", "min", "peak_abs", "mean", "final" and
/// over time "impulse" (trapezoidal rule) and "time_of_peak" before the name of a series. What is no number enters none.
std::optional<Scalar> find_scalar(const Block& block, std::string_view name);
/// All names that find_scalar() knows.
std::vector<std::string> scalar_names(const Block& block);

/// A line of the table that a person reads first. Values stand one a column; empty: the line is a heading.
struct SummaryLine {
  std::string label, unit, note;
  std::vector<double> values;
  int decimals = 1;
};

/// Curves to be drawn, and what they are called: a series of every variant, or, where `series` names a table of the first
/// variant, that table's columns over its first one.
struct Plot {
  std::string file, title, y_label, series;
};

/// The whole answer of a study.
struct Result {
  std::string study;    ///< kind
  std::string heading;  ///< one line: what was computed
  std::vector<SummaryLine> summary;
  std::vector<std::string> columns;  ///< headings of the summary's values; empty: the variants
  std::vector<std::string> notes;    ///< sentences that belong under the summary
  std::vector<Plot> plots;
  Named<Block> blocks;      ///< by variant; one called "" without variants
  std::vector<Edit> edits;  ///< what the study itself changed in its model after its own edits, such as a reference
  std::string provenance;   ///< JSON text: program version, resolved study, model, input tables

  bool credible() const {
    for (const auto& [name, block] : blocks)
      for (const Credibility& line : block.credibility)
        if (line.ok && !*line.ok) return false;
    return true;
  }
};

/// What stands before the names of a variant's columns: nothing for the first, "<variant>:" for the others.
std::string column_prefix(const Result& result, const std::string& variant);

}  // namespace psoas
