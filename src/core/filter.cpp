// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/filter.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "psoas/core/error.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/units.hpp"

namespace psoas {
namespace {

/// y_k = b0 x_k + b1 x_{k-1} + b2 x_{k-2} - a1 y_{k-1} - a2 y_{k-2}
struct SecondOrder {
  double b0, b1, b2, a1, a2;

  /// One pass over `signal` in place, begun as if its first value had lasted for ever.
  template <class Iterator>
  void pass(Iterator first, Iterator last) const {
    double x1 = *first, x2 = x1, y1 = x1, y2 = x1;
    for (; first != last; ++first) {
      const double x = *first, y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
      x2 = x1, x1 = x, y2 = y1, y1 = y;
      *first = y;
    }
  }
};

/// Butterworth low-pass of which two passes give -3.01 dB at `fraction` of the sampling rate.
SecondOrder butterworth_of_two_passes(double fraction) {
  const double w = std::tan(pi * fraction) / std::sqrt(std::sqrt(std::sqrt(2.0) - 1.0));
  const double scale = 1.0 / (1.0 + std::sqrt(2.0) * w + w * w);
  const double b = w * w * scale;
  return {b, 2.0 * b, b, 2.0 * (w * w - 1.0) * scale, (1.0 - std::sqrt(2.0) * w + w * w) * scale};
}

}  // namespace

std::vector<double> lowpass(const std::vector<double>& samples, double rate, double cutoff, std::string_view where) {
  const std::string place(where);
  if (!(rate > 0.0) || !std::isfinite(rate))
    throw Error(Kind::input, place, "expected a sampling rate > 0 Hz, found " + shortest_text(rate));
  if (!(cutoff > 0.0) || !(cutoff < 0.5 * rate))
    throw Error(Kind::input, place,
                "expected a cutoff above 0 and below half the sampling rate, " + shortest_text(0.5 * rate) +
                    " Hz, found " + shortest_text(cutoff) + " Hz");
  const std::size_t n = samples.size();
  if (n < 6) throw Error(Kind::input, place, "expected at least 6 samples, found " + std::to_string(n));
  for (std::size_t i = 0; i < n; ++i)
    if (!std::isfinite(samples[i]))
      throw Error(Kind::input, place,
                  "expected finite samples, found " + shortest_text(samples[i]) + " at sample " + std::to_string(i));

  // The line through the ends passes unchanged; what is left starts and ends at zero, so that point reflection about
  // the ends is a change of sign.
  const double first = samples.front(), slope = (samples.back() - first) / static_cast<double>(n - 1);
  const auto line = [&](std::size_t i) { return first + slope * static_cast<double>(i); };
  const auto rest = [&](std::size_t i) { return i == 0 || i == n - 1 ? 0.0 : samples[i] - line(i); };

  // Three periods of the cutoff: what the start of a pass leaves behind has decayed to 1e-6 there.
  const auto pad = static_cast<std::size_t>(std::min(std::ceil(3.0 * rate / cutoff), static_cast<double>(n - 1)));
  std::vector<double> work(n + 2 * pad);
  for (std::size_t k = 1; k <= pad; ++k) work[pad - k] = -rest(k), work[pad + n - 1 + k] = -rest(n - 1 - k);
  for (std::size_t i = 0; i < n; ++i) work[pad + i] = rest(i);

  const SecondOrder filter = butterworth_of_two_passes(cutoff / rate);
  filter.pass(work.begin(), work.end());
  filter.pass(work.rbegin(), work.rend());

  std::vector<double> smooth(n);
  for (std::size_t i = 0; i < n; ++i) smooth[i] = work[pad + i] + line(i);
  return smooth;
}

double sampling_rate(const std::vector<double>& times, std::string_view where) {
  const std::string place(where);
  const std::size_t n = times.size();
  if (n < 2) throw Error(Kind::input, place, "expected at least 2 times, found " + std::to_string(n));
  const double step = (times.back() - times.front()) / static_cast<double>(n - 1);
  if (!(step > 0.0) || !std::isfinite(step))
    throw Error(
        Kind::input, place,
        "expected increasing times, found " + shortest_text(times.front()) + " to " + shortest_text(times.back()));
  for (std::size_t i = 0; i < n; ++i) {
    const double even = times.front() + step * static_cast<double>(i);
    if (!(std::abs(times[i] - even) <= 0.1 * step))
      throw Error(Kind::input, place,
                  "expected equally spaced times (resample the table first), found " + shortest_text(times[i]) +
                      " s at sample " + std::to_string(i) + " where steps of " + shortest_text(step) + " s give " +
                      shortest_text(even) + " s");
  }
  return 1.0 / step;
}

}  // namespace psoas
