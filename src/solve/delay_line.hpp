// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What some quantities were a while ago: of each integration step the polynomials through five instants inside it, which
// are as exact as the integrator's own interpolation, so that what is read later does not depend on where steps ended.
//   DelayLine line(channels, 0.03);   line.start(t, values);   line.add(t, t + h, nodes);   line.at(t - 0.03, channel, true);
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace psoas {

class DelayLine {
 public:
  static constexpr std::size_t nodes = 5;
  /// Where the instants lie in a step, 0 to 1: Chebyshev points with both ends.
  static constexpr std::array<double, nodes> place = {0.0, 0.14644660940672624, 0.5, 0.85355339059327376, 1.0};

  /// Keeps what is no older than `longest` [s] at least.
  DelayLine(std::size_t channels, double longest)
      : channels_(channels), longest_(longest), steps_(256), values_(256 * nodes * channels), first_(channels) {}

  /// Forgets everything: the channels were constant before t.
  void start(double t, const std::vector<double>& values) {
    first_ = values;
    start_ = t;
    begin_ = size_ = 0;
  }

  /// A step from t0 to t1 with the channels' values at its nodes, node by node.
  void add(double t0, double t1, const std::vector<double>& values) {
    while (size_ > 0 && step(0).to < t0 - longest_) begin_ = (begin_ + 1) % steps_.size(), --size_;
    if (size_ == steps_.size()) grow();
    const std::size_t slot = (begin_ + size_++) % steps_.size();
    steps_[slot] = {t0, t1};
    std::copy(values.begin(), values.end(), values_.begin() + static_cast<std::ptrdiff_t>(slot * nodes * channels_));
  }

  double start() const { return start_; }

  /// Value of a channel at t; `begun`: by the first step's law also where rounding puts t before the start. At the start a
  /// channel may jump.
  double at(double t, std::size_t channel, bool begun) const {
    if (size_ == 0 || !begun) return first_[channel];
    std::size_t low = 0, high = size_ - 1;  // the step that holds t, or the last
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (t <= step(middle).to)
        high = middle;
      else
        low = middle + 1;
    }
    const Step& found = step(low);
    const double* value = values_.data() + ((begin_ + low) % steps_.size()) * nodes * channels_ + channel;
    const double s = (t - found.from) / (found.to - found.from);
    // barycentric interpolation (Berrut & Trefethen 2004)
    double sum = 0.0, weights = 0.0;
    for (std::size_t k = 0; k < nodes; ++k) {
      const double gap = s - place[k];
      if (gap == 0.0) return value[k * channels_];
      const double weight = (k % 2 == 0 ? 1.0 : -1.0) * (k == 0 || k + 1 == nodes ? 0.5 : 1.0) / gap;
      sum += weight * value[k * channels_];
      weights += weight;
    }
    return sum / weights;
  }

 private:
  struct Step {
    double from = 0.0, to = 0.0;
  };
  const Step& step(std::size_t i) const { return steps_[(begin_ + i) % steps_.size()]; }

  void grow() {
    std::rotate(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(begin_), steps_.end());
    std::rotate(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(begin_ * nodes * channels_),
                values_.end());
    begin_ = 0;
    steps_.resize(2 * steps_.size());
    values_.resize(2 * values_.size());
  }

  std::size_t channels_;
  double longest_, start_ = 0.0;
  std::vector<Step> steps_;     // a ring
  std::vector<double> values_;  // of each step: node by node
  std::vector<double> first_;
  std::size_t begin_ = 0, size_ = 0;
};

}  // namespace psoas
