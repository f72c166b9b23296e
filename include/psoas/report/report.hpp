// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A Result for reading: the text that a person sees first, and its curves as SVG.
//   std::cout << summary_text(result, false);   write_file_atomically("curve.svg", svg(result, result.plots.front()));
#pragma once

#include <string>

#include "psoas/study/result.hpp"

namespace psoas {

/// Heading, summary table, credibility, notes and warnings. `cost` is put behind the heading ("41 ms"); `colour` adds
/// terminal colours. A result that breaks a credibility threshold says so in its second line.
std::string summary_text(const Result& result, bool colour = false, const std::string& cost = "");

/// A line chart of one series, one line a variant. Angles in rad are drawn in degrees. The text depends on the result
/// alone. Throws Error(input) when no block has the series.
std::string svg(const Result& result, const Plot& plot);

}  // namespace psoas
