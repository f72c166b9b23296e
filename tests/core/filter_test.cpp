// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/filter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "psoas/core/units.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

using test::error_of;

std::vector<double> sampled(std::size_t n, double rate, auto&& f) {
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(f(static_cast<double>(i) / rate));
  return values;
}

/// Gain and phase lead [rad] of a sine of this frequency, from whole periods in the middle of a long recording.
std::pair<double, double> response(double frequency, double rate, double cutoff) {
  const std::size_t n = 20000, from = 8000, to = 12000;  // 4000 samples hold whole periods of multiples of rate / 4000
  const double w = 2.0 * pi * frequency;
  const auto y = lowpass(sampled(n, rate, [&](double t) { return std::sin(w * t); }), rate, cutoff);
  double in_phase = 0.0, quadrature = 0.0;
  for (std::size_t i = from; i < to; ++i) {
    in_phase += y[i] * std::sin(w * static_cast<double>(i) / rate);
    quadrature += y[i] * std::cos(w * static_cast<double>(i) / rate);
  }
  return {std::hypot(in_phase, quadrature) / 2000.0, std::atan2(quadrature, in_phase)};
}

TEST(Lowpass, GainAtTheCutoffIsMinusThreeDecibelsAndPhaseZero) {
  for (const auto& [cutoff, rate] : {std::pair(6.0, 100.0), std::pair(6.0, 60.0), std::pair(2.0, 100.0),
                                     std::pair(20.0, 100.0), std::pair(45.0, 100.0), std::pair(10.0, 2000.0)}) {
    const auto [gain, phase] = response(cutoff, rate, cutoff);
    EXPECT_NEAR(20.0 * std::log10(gain), -3.0103, 1e-4) << cutoff << " Hz of " << rate;
    EXPECT_NEAR(phase, 0.0, 1e-9) << cutoff << " Hz of " << rate;
  }
}

TEST(Lowpass, GainFollowsTheFormula) {
  for (const double frequency : {0.5, 3.0, 5.0, 9.0, 12.0, 30.0}) {
    const double ratio = std::tan(pi * frequency / 100.0) / std::tan(pi * 6.0 / 100.0);
    const double expected = 1.0 / (1.0 + (std::sqrt(2.0) - 1.0) * std::pow(ratio, 4));
    EXPECT_NEAR(response(frequency, 100.0, 6.0).first, expected, 1e-9) << frequency;
  }
}

TEST(Lowpass, ConstantsAndLinesPassUnchangedToTheEnds) {
  for (const std::size_t n : {6u, 7u, 50u, 400u}) {
    const auto line = sampled(n, 100.0, [](double t) { return 3.0 - 7.0 * t; });
    const auto constant = sampled(n, 100.0, [](double) { return 0.1; });
    const auto straight = lowpass(line, 100.0, 6.0);
    EXPECT_EQ(lowpass(constant, 100.0, 6.0), constant);
    for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(straight[i], line[i], 1e-13);
  }
}

TEST(Lowpass, AnImpulseSpreadsSymmetrically) {
  std::vector<double> impulse(401, 0.0);
  impulse[200] = 1.0;
  const auto y = lowpass(impulse, 100.0, 6.0);
  double sum = 0.0;
  for (std::size_t i = 0; i < 401; ++i) {
    EXPECT_NEAR(y[i], y[400 - i], 1e-15);
    sum += y[i];
  }
  EXPECT_NEAR(sum, 1.0, 1e-9);
}

TEST(Lowpass, ReversedInTimeIsTheSame) {
  const auto x = sampled(150, 100.0, [](double t) { return std::sin(9.0 * t) + 0.1 * std::sin(150.0 * t) + t * t; });
  const std::vector<double> backward(x.rbegin(), x.rend());
  const auto y = lowpass(x, 100.0, 6.0), z = lowpass(backward, 100.0, 6.0);
  for (std::size_t i = 0; i < 150; ++i) EXPECT_NEAR(y[i], z[149 - i], 1e-6);
}

TEST(Lowpass, EndsOfASmoothMotionStayNearIt) {
  // A parabola is bent by point reflection at its ends, where the second derivative jumps; its sag over the cutoff's
  // time scale 1 / (2 pi 6 Hz) is 9.8 / 2 (0.0265)^2 = 3.4e-3.
  const auto x = sampled(200, 100.0, [](double t) { return 4.9 * t * t; });
  const auto y = lowpass(x, 100.0, 6.0);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_NEAR(y[i], x[i], 3.5e-3);
  // The ends themselves are fixed by point reflection, and a fifth of a second inside nothing is left of it.
  EXPECT_NEAR(y.front(), x.front(), 1e-4);
  for (std::size_t i = 20; i < 180; ++i) EXPECT_NEAR(y[i], x[i], 2e-4);
}

TEST(Lowpass, RefusesWhatItCannotFilter) {
  const std::vector<double> x(50, 1.0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(error_of([&] { lowpass(x, 100.0, 50.0, "hip"); }),
            "hip: expected a cutoff above 0 and below half the sampling rate, 50 Hz, found 50 Hz");
  EXPECT_NE(error_of([&] { lowpass(x, 100.0, 0.0); }).find("found 0 Hz"), std::string::npos);
  EXPECT_NE(error_of([&] { lowpass(x, 100.0, -1.0); }).find("found -1 Hz"), std::string::npos);
  EXPECT_NE(error_of([&] { lowpass(x, 100.0, nan); }).find("found nan Hz"), std::string::npos);
  EXPECT_NE(error_of([&] { lowpass(x, nan, 6.0); }).find("sampling rate > 0"), std::string::npos);
  EXPECT_NE(error_of([&] { lowpass(x, 0.0, 6.0); }).find("sampling rate > 0"), std::string::npos);
  EXPECT_EQ(error_of([&] { lowpass({1, 2, 3, 4, 5}, 100.0, 6.0); }), "lowpass: expected at least 6 samples, found 5");
  auto hole = x;
  hole[7] = nan;
  EXPECT_EQ(error_of([&] { lowpass(hole, 100.0, 6.0, "hip"); }), "hip: expected finite samples, found nan at sample 7");
  EXPECT_EQ(test::place_of([&] { lowpass(hole, 100.0, 6.0, "hip"); }),
            std::pair(std::string("input"), std::string("hip")));
}

TEST(SamplingRate, ToleratesRoundedTimesAndRefusesGaps) {
  EXPECT_NEAR(sampling_rate({0.0, 0.008, 0.017, 0.025, 0.033, 0.042}), 120.0, 1.0);
  EXPECT_DOUBLE_EQ(sampling_rate({1.0, 1.5, 2.0}), 2.0);
  EXPECT_EQ(
      error_of([] {
        sampling_rate({0.0, 0.1, 0.3}, "walk.mot");
      }),
      "walk.mot: expected equally spaced times (resample the table first), found 0.1 s at sample 1 where steps of "
      "0.15 s give 0.15 s");
  EXPECT_NE(error_of([] { sampling_rate({0.0}); }), "no error");
  EXPECT_NE(error_of([] { sampling_rate({1.0, 0.0}); }), "no error");
}

}  // namespace
}  // namespace psoas
