// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Tables as text: OpenSim's .sto and .mot, and .csv.
//   Table table = read_table("walk.mot");   write_file_atomically("walk.csv", write_csv(table));
#pragma once

#include <string>
#include <string_view>

#include "psoas/core/table.hpp"

namespace psoas {

/// Reads .sto, .mot (header down to `endheader`, column names, rows separated by tabs or spaces) or .csv (column names,
/// rows separated by commas, `#` comments, one of which may say `# inDegrees=yes`); else content decides.
/// `nan` and, in .csv, an empty cell are kept as nan. Throws Error(Kind::io) for what `read_file` refuses, and
/// Error(Kind::input) with all problems as "file:line: expected …, found …": rows of unequal length, text for a number,
/// duplicate or empty names, times that do not increase, counts in the header that do not hold, binary data, no rows.
Table read_table(const std::string& path);

/// The same from text in memory; `path` decides the format by its ending and names the place of problems.
Table parse_table(std::string_view text, const std::string& path);

/// A text without line ends as a cell of .csv: between quotation marks where it would be read as something else.
std::string csv_cell(const std::string& text);

/// The table as .csv: time first where there is one, shortest numbers that read back the same, nan as "nan".
/// Throws Error(Kind::input) for names with line ends and columns of unequal length.
std::string write_csv(const Table& table);

/// The table as .sto. Throws as `write_csv`, also for a table without time and for names with tabs.
std::string write_sto(const Table& table);

}  // namespace psoas
