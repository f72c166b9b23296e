// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/spline.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "psoas/core/units.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

using test::error_of;

std::vector<double> uneven_times(std::size_t n, double step) {
  std::vector<double> t;
  for (std::size_t i = 0; i < n; ++i)
    t.push_back(3.0 + step * (static_cast<double>(i) + 0.35 * std::sin(5.0 * static_cast<double>(i))));
  return t;
}

std::vector<double> even_times(std::size_t n, double step) {
  std::vector<double> t;
  for (std::size_t i = 0; i < n; ++i) t.push_back(step * static_cast<double>(i));
  return t;
}

std::vector<double> values_at(const std::vector<double>& t, auto&& f) {
  std::vector<double> y;
  for (const double at : t) y.push_back(f(at));
  return y;
}

double wave(double t) { return std::sin(4.0 * t) + 0.3 * std::cos(11.0 * t); }
double wave_slope(double t) { return 4.0 * std::cos(4.0 * t) - 3.3 * std::sin(11.0 * t); }
double wave_curvature(double t) { return -16.0 * std::sin(4.0 * t) - 36.3 * std::cos(11.0 * t); }

TEST(QuinticSpline, PassesThroughTheSamplesWithFourContinuousDerivatives) {
  const auto t = uneven_times(40, 0.05);
  const QuinticSpline f(t, values_at(t, wave));
  EXPECT_EQ(f.lambda(), 0.0);
  EXPECT_EQ(f.rms_residual(), 0.0);
  EXPECT_EQ(f.first_time(), t.front());
  EXPECT_EQ(f.last_time(), t.back());

  // Derivatives of f'' from each side of a knot by differences, exact for the cubic that it is on each side.
  const auto third_and_fourth = [&](double knot, double h) {
    const auto a = [&](double s) { return f.jet(knot + s * h).curvature; };
    const double a0 = a(1e-7), a1 = a(0.3), a2 = a(0.6), a3 = a(0.9);
    const double third = (-11.0 * a0 + 18.0 * a1 - 9.0 * a2 + 2.0 * a3) / (6.0 * 0.3 * h);
    const double fourth = (2.0 * a0 - 5.0 * a1 + 4.0 * a2 - a3) / (0.09 * h * h);
    return std::pair(third, fourth);
  };
  for (std::size_t i = 1; i + 1 < t.size(); ++i) {
    EXPECT_NEAR(f(t[i]), wave(t[i]), 1e-15);
    const auto left = f.jet(std::nextafter(t[i], 0.0)), right = f.jet(t[i]);
    EXPECT_NEAR(left.value, right.value, 1e-13);
    EXPECT_NEAR(left.slope, right.slope, 1e-12);
    EXPECT_NEAR(left.curvature, right.curvature, 1e-10);
    const auto [third_left, fourth_left] = third_and_fourth(t[i], t[i - 1] - t[i]);
    const auto [third_right, fourth_right] = third_and_fourth(t[i], t[i + 1] - t[i]);
    EXPECT_NEAR(third_left, third_right, 1e-3) << i;   // of about 400
    EXPECT_NEAR(fourth_left, fourth_right, 0.2) << i;  // of about 4000
  }
  const auto [third, fourth] = third_and_fourth(t[0], t[1] - t[0]);
  EXPECT_NEAR(third, 0.0, 1e-3);
  EXPECT_NEAR(fourth, 0.0, 0.2);
}

TEST(QuinticSpline, ErrorFallsWithTheSixthPowerOfTheStep) {
  // Away from the natural ends.
  const auto worst = [](std::size_t n) {
    const auto t = even_times(n + 1, 4.0 / static_cast<double>(n));
    const QuinticSpline f(t, values_at(t, wave));
    double error = 0.0, slope = 0.0, curvature = 0.0;
    for (double at = 1.5; at < 2.5; at += 0.0037) {
      error = std::max(error, std::abs(f.jet(at).value - wave(at)));
      slope = std::max(slope, std::abs(f.jet(at).slope - wave_slope(at)));
      curvature = std::max(curvature, std::abs(f.jet(at).curvature - wave_curvature(at)));
    }
    return std::array{error, slope, curvature};
  };
  const auto coarse = worst(80), fine = worst(160);
  EXPECT_GT(coarse[0] / fine[0], 50.0);  // 2^6 = 64
  EXPECT_GT(coarse[1] / fine[1], 25.0);  // 2^5
  EXPECT_GT(coarse[2] / fine[2], 13.0);  // 2^4
  EXPECT_LT(fine[2], 1e-3);
}

TEST(QuinticSpline, ParabolasAreExactForAnySmoothing) {
  const auto parabola = [](double t) { return 2.0 - 3.0 * t + 5.0 * t * t; };
  for (const std::size_t n : {3u, 4u, 5u, 6u, 30u})
    for (const Smoothing& smoothing :
         {Smoothing(Exact{}), Smoothing(Cutoff{2.0}), Smoothing(Tolerance{0.1}), Smoothing(Roughness{1e-6})}) {
      const auto t = uneven_times(n, 0.05);
      const QuinticSpline f(t, values_at(t, parabola), smoothing);
      for (double at = t.front() - 0.1; at < t.back() + 0.1; at += 0.013) {
        EXPECT_NEAR(f.jet(at).value, parabola(at), 1e-10) << n;
        EXPECT_NEAR(f.jet(at).curvature, 10.0, 2e-7) << n;
      }
    }
}

TEST(QuinticSpline, BeyondTheEndsTheParabolaGoesOn) {
  const auto t = even_times(30, 0.05);
  const QuinticSpline f(t, values_at(t, wave));
  for (const double end : {t.front(), t.back()}) {
    const auto at = f.jet(end);
    const double step = end == t.front() ? -0.02 : 0.02;
    EXPECT_DOUBLE_EQ(f.jet(end + step).curvature, at.curvature);
    EXPECT_NEAR(f.jet(end + step).value, at.value + at.slope * step + 0.5 * at.curvature * step * step, 1e-15);
    EXPECT_NEAR(f.jet(std::nextafter(end, 2 * end + step)).curvature, at.curvature, 1e-9);
  }
}

TEST(QuinticSpline, DualNumbersAgreeWithJets) {
  const auto t = uneven_times(12, 0.1);
  const QuinticSpline f(t, values_at(t, wave));
  for (double at = t.front() - 0.2; at < t.back() + 0.2; at += 0.031) {
    const auto plain = f.jet(at);
    const auto dual = f.jet(Dual<4>(at, 1));
    EXPECT_EQ(dual.value.a, plain.value);
    EXPECT_NEAR(dual.value.v[1], plain.slope, 1e-12);
    EXPECT_NEAR(dual.slope.v[1], plain.curvature, 1e-11);
  }
}

/// Gain of the fitted values for a sine in the middle of a recording.
double gain(double frequency, double rate, Smoothing smoothing) {
  const std::size_t n = 4001;
  const auto t = even_times(n, 1.0 / rate);
  const double w = 2.0 * pi * frequency;
  const QuinticSpline f(t, values_at(t, [&](double at) { return std::cos(w * (at - t[2000])); }), smoothing);
  double in_phase = 0.0, power = 0.0;
  for (std::size_t i = 1000; i < 3000; ++i) {
    const double c = std::cos(w * (t[i] - t[2000]));
    in_phase += f(t[i]) * c;
    power += c * c;
  }
  return in_phase / power;
}

TEST(QuinticSpline, GainAtTheCutoffIsMinusThreeDecibels) {
  for (const auto& [cutoff, rate] :
       {std::pair(6.0, 100.0), std::pair(2.0, 100.0), std::pair(20.0, 100.0), std::pair(45.0, 100.0)})
    EXPECT_NEAR(20.0 * std::log10(gain(cutoff, rate, Cutoff{cutoff})), -3.0103, 1e-4) << cutoff;
}

TEST(QuinticSpline, GainIsThatOfADoubleButterworthOfThirdOrder) {
  const double lambda = (std::sqrt(2.0) - 1.0) * std::pow(2.0 * pi * 4.0, -6);
  for (const double f : {1.0, 3.0, 4.0, 6.0})
    EXPECT_NEAR(gain(f, 100.0, Roughness{lambda}), 1.0 / (1.0 + lambda * std::pow(2.0 * pi * f, 6)), 1e-3) << f;
  // The exact gain of the cut-off tends to the same roughness.
  const auto t = even_times(50, 0.002);
  const QuinticSpline f(t, values_at(t, wave), Cutoff{4.0});
  EXPECT_NEAR(f.lambda() / lambda, 1.0, 1e-3);
}

TEST(QuinticSpline, StrongSmoothingIsWellConditioned) {
  // A long recording with the lowest cut-off allowed keeps a slow motion and its derivatives.
  const auto t = even_times(20000, 0.001);
  const auto slow = [](double at) { return std::sin(0.5 * at); };
  const auto y = values_at(t, [&](double at) { return slow(at) + 0.01 * std::sin(700.0 * at); });
  const QuinticSpline f(t, y, Cutoff{1.01});
  for (double at = 3.0; at < 17.0; at += 0.37) {
    EXPECT_NEAR(f.jet(at).value, slow(at), 2e-5);
    EXPECT_NEAR(f.jet(at).slope, 0.5 * std::cos(0.5 * at), 2e-5);
    EXPECT_NEAR(f.jet(at).curvature, -0.25 * slow(at), 2e-4);
  }
}

TEST(QuinticSpline, ToleranceIsTheRmsDistance) {
  const auto t = uneven_times(200, 0.01);
  const auto y = values_at(t, [](double at) { return wave(at) + 0.01 * std::sin(1e4 * at * at); });
  for (const double rms : {1e-9, 1e-4, 5e-3, 0.1}) {
    const QuinticSpline f(t, y, Tolerance{rms});
    double squares = 0.0;
    for (std::size_t i = 0; i < t.size(); ++i) squares += std::pow(f(t[i]) - y[i], 2);
    EXPECT_NEAR(std::sqrt(squares / 200.0) / rms, 1.0, 1e-5);
    EXPECT_NEAR(f.rms_residual() / rms, 1.0, 1e-6);
    EXPECT_NEAR(QuinticSpline(t, y, Roughness{f.lambda()}).rms_residual() / rms, 1.0, 1e-6);
  }
  EXPECT_EQ(QuinticSpline(t, y, Tolerance{0.0}).rms_residual(), 0.0);
  // More than the distance of the best parabola: nearly that parabola.
  const QuinticSpline flat(t, y, Tolerance{100.0});
  EXPECT_NEAR(flat.jet(3.2).curvature, flat.jet(4.7).curvature, 5e-3);
}

TEST(QuinticSpline, SmoothingIsTheMinimumOfItsFunctional) {
  // Of all curves through given values the natural spline is the least rough; so move the fitted values one by one,
  // interpolate them, and J must grow.
  const auto t = uneven_times(12, 0.1);
  const auto y = values_at(t, [](double at) { return wave(at) + 0.1 * std::sin(300.0 * at); });
  const double lambda = 1e-8, h = (t.back() - t.front()) / 11.0;
  const QuinticSpline best(t, y, Roughness{lambda});
  const auto cost = [&](const QuinticSpline& f) {
    double sum = 0.0, rough = 0.0;
    for (std::size_t i = 0; i < t.size(); ++i) sum += h * std::pow(f(t[i]) - y[i], 2);
    for (std::size_t i = 0; i + 1 < t.size(); ++i) {
      // f''' is a quadratic on a piece: from the cubic f'' by differences; its square by Simpson's rule on 40 parts.
      const double d = t[i + 1] - t[i];
      const auto third = [&](double s) {
        const double at = t[i] + s * d, e = 1e-3 * d;
        return (f.jet(at + e).curvature - f.jet(at - e).curvature) / (2.0 * e);
      };
      for (int k = 0; k < 40; ++k) {
        const double a = 0.002 + 0.996 * k / 40.0, b = a + 0.996 / 40.0;
        rough += d * (b - a) / 6.0 *
                 (std::pow(third(a), 2) + 4.0 * std::pow(third(0.5 * (a + b)), 2) + std::pow(third(b), 2));
      }
    }
    return sum + lambda * rough;
  };
  const double least = cost(best);
  for (std::size_t i = 0; i < t.size(); ++i)
    for (const double change : {-0.01, 0.01}) {
      auto moved = values_at(t, [&](double at) { return best(at); });
      moved[i] += change;
      EXPECT_GT(cost(QuinticSpline(t, moved)), least) << i;
    }
}

TEST(QuinticSpline, RefusesWhatItCannotUse) {
  const auto t = even_times(10, 0.01);
  const auto y = values_at(t, wave);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(error_of([&] {
              QuinticSpline({0, 1}, {0, 1}, Exact{}, "hip");
            }),
            "hip: expected at least 3 samples, found 2");
  EXPECT_EQ(error_of([&] {
              QuinticSpline({0, 1, 2}, {0, 1});
            }),
            "spline: expected as many values as times, found 2 and 3");
  EXPECT_EQ(error_of([&] {
              QuinticSpline({0, 1, 1}, {0, 1, 2});
            }),
            "spline: expected a time later than 1 s at sample 2, found 1");
  EXPECT_EQ(error_of([&] {
              QuinticSpline({0, 1, 2}, {0, nan, 2});
            }),
            "spline: expected a finite value at sample 1, found nan");
  EXPECT_EQ(error_of([&] {
              QuinticSpline({0, 1, nan}, {0, 1, 2});
            }),
            "spline: expected a finite time at sample 2, found nan");
  EXPECT_NE(error_of([&] { QuinticSpline(t, y, Cutoff{50.0}); }).find("expected a cutoff above 0.1"),
            std::string::npos);
  EXPECT_NE(error_of([&] { QuinticSpline(t, y, Cutoff{0.0}); }).find("found 0"), std::string::npos);
  EXPECT_NE(error_of([&] { QuinticSpline(t, y, Tolerance{-1.0}); }).find("found -1"), std::string::npos);
  EXPECT_NE(error_of([&] { QuinticSpline(t, y, Roughness{nan}); }).find("found nan"), std::string::npos);
}

}  // namespace
}  // namespace psoas
