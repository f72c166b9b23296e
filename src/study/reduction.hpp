// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a series comes to, gathered value by value.
//   Reduction all;   for (…) all.add(time[i], y[i], i > 0);   block.scalars["peak " + name] = {all.peak, unit};
#pragma once

#include <cmath>
#include <string>

#include "psoas/core/table.hpp"

namespace psoas {

/// What is no number enters nothing; without any number all are nan.
class Reduction {
 public:
  double peak = std::nan(""), min = peak, peak_abs = peak, time_of_peak = peak;  ///< the first of equals

  /// Takes the value y at x. `joined`: the impulse counts what lies between the value before and this one.
  void add(double x, double y, bool joined) {
    if (joined && !std::isnan(before_) && !std::isnan(y)) impulse_ += 0.5 * (before_ + y) * (x - x_);
    before_ = y, x_ = x;
    if (std::isnan(y)) return;
    if (!(y <= peak)) peak = y, time_of_peak = x;
    if (!(y >= min)) min = y;
    if (!(std::abs(y) <= std::abs(peak_abs))) peak_abs = y;
    sum_ += y;
    ++count_;
  }

  double mean() const { return count_ > 0 ? sum_ / count_ : std::nan(""); }
  double final() const { return before_; }
  int count() const { return count_; }
  /// By the trapezoidal rule.
  double impulse() const { return count_ > 0 ? impulse_ : std::nan(""); }

 private:
  double before_ = std::nan(""), x_ = 0.0, sum_ = 0.0, impulse_ = 0.0;
  int count_ = 0;
};

/// Unit of the impulse of a quantity.
inline std::string impulse_unit(const std::string& unit) {
  if (unit.starts_with('W')) return "J" + unit.substr(1);
  return unit == "1" ? "s" : unit + " s";
}

/// Whether an output's impulse adds up over repetitions of a motion.
inline bool is_exposure(const std::string& output) { return output.starts_with("negative_power"); }

/// What a study says that multiplies an exposure.
inline std::string exposure_note(double repetitions) {
  return "Exposure: " + shortest_text(repetitions) +
         " repetitions, all alike, their negative work added up: no fatigue, no recovery between them, no adaptation.";
}

}  // namespace psoas
