// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A table of numbers with named columns and, mostly, a time for each row: what recordings, states and results are.
//   const std::vector<double>& angle = table.column("hip_flexion_r");   table.require_finite("hip_flexion_r");
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace psoas {

/// Named columns of equal length. `column[i]` of `columns` is called `names[i]`; time [s] is kept apart from them.
struct Table {
  std::string name;                          ///< title in the file, or the file's name without folder and ending
  std::vector<std::string> names;            ///< column names in the order of the file, without time
  std::vector<std::vector<double>> columns;  ///< one vector a name, all of length rows()
  std::optional<std::vector<double>> time;   ///< [s], strictly increasing; absent: rows are not instants
  bool in_degrees = false;                   ///< rotational columns are in degrees, not radians
  std::string source;                        ///< the file it came from, for messages; empty: made in memory
  std::vector<std::size_t> lines;            ///< line in that file of each row, counted from 1; may be empty

  std::size_t rows() const;

  /// The place of a column in the order, or -1.
  int index(std::string_view column_name) const;
  /// The column of this name, or null.
  const std::vector<double>* find(std::string_view column_name) const;
  /// The column of this name. Throws Error(Kind::input) that lists the names there are.
  const std::vector<double>& column(std::string_view column_name) const;
  /// Adds a column at the end. Throws Error(Kind::input) when the name is taken or the length differs.
  void add(const std::string& column_name, std::vector<double> values);

  /// Where a row stands, for messages: "walk.mot:17", or "walk row 3" for a table made in memory.
  std::string place(std::size_t row) const;
  /// Throws Error(Kind::input) at the first cell of the column that is nan or infinite.
  void require_finite(std::string_view column_name) const;
  /// The time [s] of each row. Throws Error(Kind::input) when the table has none.
  const std::vector<double>& times() const;
};

/// Turns the columns for which `rotational(name)` holds from degrees into radians where the table is in degrees;
/// afterwards the table is in radians.
void convert_to_radians(Table& table, const std::function<bool(std::string_view)>& rotational);

/// How values between rows are found.
enum class Between {
  linear,  ///< straight from row to row
  spline   ///< natural quintic spline through all rows, four continuous derivatives
};

/// The table at other times [s], which must be increasing and inside the recorded time (to 1e-9 of its length).
/// Throws Error(Kind::input) when they are not, when the table has no time or fewer than 2 rows (spline: 3), and for
/// nan in any column.
Table resampled(const Table& table, const std::vector<double>& times, Between between = Between::spline);

/// Equally spaced times [s] from `first` on, `rate` a second [Hz], as many as fit up to `last` (kept to 1e-9 steps).
/// Throws Error(Kind::input) unless first <= last, rate > 0, all finite, and fewer than 1e8 times.
std::vector<double> uniform_times(double first, double last, double rate);

/// The shortest text that reads back to the same double; "nan", "inf" and "-inf" for what is no number.
std::string shortest_text(double value);

}  // namespace psoas
