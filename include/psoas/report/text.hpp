// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Text for a terminal: columns that line up whatever letters they hold.
//   std::string text = aligned({{"mass", "kg", "75.3"}, {"Δθ", "deg", "13.0"}}, "llr");
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace psoas {

/// Columns that a UTF-8 text takes on a terminal: its code points, colour codes left out.
std::size_t text_width(std::string_view text);

/// The text with spaces behind it (or before it) up to a width.
std::string padded(std::string_view text, std::size_t width, bool right = false);

/// Rows of cells under each other, two spaces apart, a line each. `alignment` has a letter a column: l or r; columns
/// beyond it stand left. A row of one cell is a heading and widens no column.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::string_view alignment);

/// The text in lines of at most 118 columns behind an indent, the second line on two spaces further in.
std::string wrapped(const std::string& text, const std::string& indent);

/// A variant's, coordinate's or level's name for reading: "shortened_0_95" -> "shortened 0.95", "L5_S1" -> "L5–S1".
std::string readable_name(std::string_view name);

/// An output's name for reading: "muscle_force/group:iliopsoas_r" -> "Muscle force: iliopsoas right".
std::string readable_output(std::string_view name);

/// A sentence for reading: levels as "L5–S1" and units as "N·m"; names of outputs and coordinates stay as they are typed.
std::string readable_text(std::string_view text);

/// A count with commas between thousands: "1,250,000".
std::string with_separators(std::uint64_t count);

/// A unit for reading: "N m" -> "N·m", "m/s^2" -> "m/s²".
std::string readable_unit(std::string_view unit);

}  // namespace psoas
