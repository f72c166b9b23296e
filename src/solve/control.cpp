// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/control.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "psoas/core/error.hpp"

namespace psoas {

Signal::Signal(std::vector<double> time, std::vector<double> value, Shape shape)
    : time_(std::move(time)), value_(std::move(value)), shape_(shape) {
  const auto finite = [](double x) { return std::isfinite(x); };
  if (time_.empty() || time_.size() != value_.size() || !std::all_of(time_.begin(), time_.end(), finite) ||
      !std::all_of(value_.begin(), value_.end(), finite) ||
      std::adjacent_find(time_.begin(), time_.end(), std::greater_equal<>()) != time_.end())
    throw Error(Kind::input, "signal", "expected increasing instants and as many finite values");
  if (shape_ == Shape::spline) {
    spline_.emplace_back(time_, value_, Exact{}, "signal");
    corners_ = {time_.front(), time_.back()};
  } else {
    corners_ = time_;
  }
}

int Signal::piece(double t) const {
  return static_cast<int>(std::upper_bound(corners_.begin(), corners_.end(), t) - corners_.begin());
}

Jet2<double> Signal::jet(double t, int piece) const {
  const std::size_t next = static_cast<std::size_t>(piece);
  if (next == 0) return {value_.front(), 0.0, 0.0};
  if (next == corners_.size()) return {value_.back(), 0.0, 0.0};
  if (shape_ == Shape::spline) return spline_.front().jet(t);
  const std::size_t i = next - 1;
  if (shape_ == Shape::steps) return {value_[i], 0.0, 0.0};
  const double slope = (value_[i + 1] - value_[i]) / (time_[i + 1] - time_[i]);
  return {value_[i] + slope * (t - time_[i]), slope, 0.0};
}

}  // namespace psoas
