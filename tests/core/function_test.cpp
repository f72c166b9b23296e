// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/function.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "psoas/core/spline.hpp"

namespace psoas {
namespace {

double uneven(std::size_t i) { return 0.5 * static_cast<double>(i) + 0.2 * std::sin(3.0 * static_cast<double>(i)); }

Spline spline_of(std::size_t n, double (*f)(double)) {
  Spline s;
  for (std::size_t i = 0; i < n; ++i) s.x.push_back(uneven(i)), s.y.push_back(f(s.x.back()));
  return s;
}

double cubic(double x) { return 1.0 - 2.0 * x + 0.5 * x * x + 0.3 * x * x * x; }

TEST(PiecewisePolynomial, StartsAsZero) {
  const PiecewisePolynomial f;
  EXPECT_EQ(f.jet(3.0).value, 0.0);
  EXPECT_EQ(PiecewisePolynomial::identity().jet(-4.0).value, -4.0);
  EXPECT_EQ(PiecewisePolynomial::identity().jet(-4.0).slope, 1.0);
}

TEST(PiecewisePolynomial, FindsThePieceForAnyNumberOfPieces) {
  for (std::size_t n = 1; n <= 40; ++n) {
    std::vector<double> knots;
    std::vector<std::vector<double>> pieces;
    for (std::size_t i = 0; i < n; ++i)
      knots.push_back(static_cast<double>(i)), pieces.push_back({static_cast<double>(i), 0.25});
    const PiecewisePolynomial f(knots, pieces, static_cast<double>(n));
    for (std::size_t i = 0; i < n; ++i) {
      const double at = static_cast<double>(i);
      EXPECT_EQ(f.jet(at).value, at) << n;
      EXPECT_EQ(f.jet(at + 0.5).value, at + 0.125) << n;
    }
    EXPECT_EQ(f.jet(static_cast<double>(n)).value, static_cast<double>(n) - 0.75);
  }
}

TEST(PiecewisePolynomial, NotANumberStaysNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(compile(Linear{}).jet(nan).value));
  EXPECT_TRUE(std::isnan(compile(spline_of(7, cubic)).jet(nan).value));
}

TEST(PiecewisePolynomial, AnAntiderivativeHasTheFunctionAsItsSlope) {
  const PiecewisePolynomial cubic({0.0}, {{1.0, -2.0, 0.5, 3.0}}), line = PiecewisePolynomial::identity();
  EXPECT_DOUBLE_EQ(cubic.antiderivative(0.0).jet(2.0).value, 2.0 - 4.0 + 0.5 * 8.0 / 3.0 + 12.0);
  EXPECT_DOUBLE_EQ(line.antiderivative(1.0).jet(3.0).value, 4.0);
  const PiecewisePolynomial spline = compile(Function{Spline{{-1.0, 0.0, 0.5, 2.0}, {3.0, -1.0, 0.2, 0.7}}}),
                            sum = spline.antiderivative(0.3);
  EXPECT_NEAR(sum.jet(0.3).value, 0.0, 1e-13);
  for (double x = -9.5; x < 11.0; x += 0.25) {  // through all pieces and the tangents beyond
    EXPECT_NEAR(sum.jet(x).slope, spline.jet(x).value, 1e-11) << x;
    EXPECT_NEAR(sum.jet(x).curvature, spline.jet(x).slope, 1e-11) << x;
    const double before = sum.jet(x - 1e-9).value, after = sum.jet(x + 1e-9).value;
    EXPECT_NEAR(after - before, 2e-9 * spline.jet(x).value, 1e-12) << x;  // and no step between them
  }
}

TEST(Function, KindsHaveTheirClosedForm) {
  const double x = 0.7;
  EXPECT_EQ(compile(Constant{4.0}).jet(x).value, 4.0);
  EXPECT_DOUBLE_EQ(compile(Linear{.slope = 2.0, .offset = 1.0}).jet(x).value, 2.4);
  const auto [f, d, dd] = compile(Polynomial{{1.0, -2.0, 0.5, 0.3}}).jet(x);
  EXPECT_NEAR(f, cubic(x), 2e-16);
  EXPECT_DOUBLE_EQ(d, -2.0 + x + 0.9 * x * x);
  EXPECT_DOUBLE_EQ(dd, 1.0 + 1.8 * x);
}

TEST(Spline, PassesThroughItsPointsWithTwoContinuousDerivatives) {
  const Spline s = spline_of(9, [](double x) { return std::sin(2.0 * x); });
  const PiecewisePolynomial f = compile(s);
  for (std::size_t i = 0; i < s.x.size(); ++i) EXPECT_NEAR(f.jet(s.x[i]).value, s.y[i], 1e-14);
  for (std::size_t i = 1; i + 1 < s.x.size(); ++i) {
    const auto left = f.jet(std::nextafter(s.x[i], -10.0)), right = f.jet(s.x[i]);
    EXPECT_NEAR(left.slope, right.slope, 1e-13);
    EXPECT_NEAR(left.curvature, right.curvature, 1e-12);
  }
}

TEST(Spline, FourPointsAndMoreReproduceACubic) {
  for (std::size_t n = 4; n <= 9; ++n) {
    const Spline s = spline_of(n, cubic);
    const PiecewisePolynomial f = compile(s);
    for (double x = s.x.front(); x <= s.x.back(); x += 0.05) EXPECT_NEAR(f.jet(x).value, cubic(x), 1e-12) << n;
  }
}

TEST(Spline, EndsHaveTheThirdDerivativeOfTheFourPointsThere) {
  const Spline s = spline_of(8, [](double x) { return std::exp(-x) + std::sin(3.0 * x); });
  const PiecewisePolynomial f = compile(s);
  const auto third_difference = [&](std::size_t i) {  // 6 times the divided difference, by Lagrange's sum
    double sum = 0.0;
    for (std::size_t k = i; k < i + 4; ++k) {
      double product = 1.0;
      for (std::size_t l = i; l < i + 4; ++l) product *= l == k ? 1.0 : s.x[k] - s.x[l];
      sum += s.y[k] / product;
    }
    return 6.0 * sum;
  };
  const auto third_derivative = [&](double a, double b) { return (f.jet(b).curvature - f.jet(a).curvature) / (b - a); };
  EXPECT_NEAR(third_derivative(s.x[0], 0.5 * (s.x[0] + s.x[1])), third_difference(0), 1e-10);
  EXPECT_NEAR(third_derivative(0.5 * (s.x[6] + s.x[7]), s.x[7]), third_difference(4), 1e-10);
}

TEST(Spline, ThreePointsGiveTheirParabolaTwoTheirLine) {
  const auto parabola = [](double x) { return 2.0 - x + 0.7 * x * x; };
  const PiecewisePolynomial three = compile(spline_of(3, parabola));
  for (double x = 0.0; x <= uneven(2); x += 0.05) EXPECT_NEAR(three.jet(x).value, parabola(x), 1e-14);
  const PiecewisePolynomial two = compile(Spline{{1.0, 3.0}, {5.0, 6.0}});
  EXPECT_DOUBLE_EQ(two.jet(2.0).value, 5.5);
  EXPECT_DOUBLE_EQ(two.jet(-9.0).value, 0.0);
  EXPECT_DOUBLE_EQ(two.jet(5.0).slope, 0.5);
}

TEST(Spline, GoesOnStraightBeyondItsEnds) {
  const Spline s = spline_of(6, cubic);
  const PiecewisePolynomial f = compile(s);
  for (const double end : {s.x.front(), s.x.back()}) {
    const auto at = f.jet(end);
    const double outward = end == s.x.front() ? -0.6 : 0.6;
    const auto beyond = f.jet(end + outward);
    EXPECT_NEAR(beyond.value, at.value + at.slope * outward, 1e-13);
    EXPECT_NEAR(beyond.slope, at.slope, 1e-13);
    EXPECT_EQ(beyond.curvature, 0.0);
    EXPECT_NEAR(at.slope, -2.0 + end + 0.9 * end * end, 1e-11);
  }
}

TEST(Spline, DualNumbersAgreeWithJets) {
  const Spline s = spline_of(8, [](double x) { return std::sin(2.0 * x); });
  const PiecewisePolynomial f = compile(s);
  for (double x = s.x.front() - 0.5; x < s.x.back() + 0.5; x += 0.083) {
    const Jet2<double> plain = f.jet(x);
    const Jet2<Dual<4>> dual = f.jet(Dual<4>(x, 3));
    EXPECT_EQ(dual.value.a, plain.value);
    EXPECT_NEAR(dual.value.v[3], plain.slope, 1e-13);
    EXPECT_NEAR(dual.slope.v[3], plain.curvature, 1e-12);
  }
}

TEST(Spline, FaultNamesWhatIsWrong) {
  EXPECT_EQ((Spline{{0, 1, 2}, {0, 1, 2}}.fault()), "");
  EXPECT_EQ((Spline{{0, 1, 2}, {0, 1}}.fault()), "expected as many x as y, found 3 and 2");
  EXPECT_EQ((Spline{{0}, {0}}.fault()), "expected at least 2 points, found 1");
  EXPECT_EQ((Spline{{0, 1, 1}, {0, 1, 2}}.fault()), "expected x to increase, found 1 after 1");
  EXPECT_EQ((Spline{{0, 1e-300, 1}, {0, 1, 2}}.fault()),
            "expected x to increase by at least 1e-09, found 1e-300 after 0");
  EXPECT_EQ((Spline{{0, 2, 1.5}, {0, 1, 2}}.fault()), "expected x to increase, found 1.5 after 2");
  EXPECT_EQ((Spline{{0, inf}, {0, 1}}.fault()), "expected finite numbers, found inf at point 1");
  EXPECT_EQ((Spline{{0, 1}, {required, 1}}.fault()), "expected finite numbers, found nan at point 0");
  EXPECT_NE(Polynomial{}.fault(), "");
}

TEST(NaturalSpline, LinesBetweenPointsAndBeyond) {
  const PiecewisePolynomial f = compile(NaturalSpline{"linear", {0, 1, 3}, {1, 2, 0}});
  EXPECT_DOUBLE_EQ(f.jet(0.25).value, 1.25);
  EXPECT_DOUBLE_EQ(f.jet(2.5).value, 0.5);
  EXPECT_DOUBLE_EQ(f.jet(2.5).slope, -1.0);
  EXPECT_DOUBLE_EQ(f.jet(5.0).value, -2.0);
  EXPECT_DOUBLE_EQ(f.jet(-2.0).value, -1.0);
  EXPECT_DOUBLE_EQ(compile(NaturalSpline{"linear", {1, 3}, {2, 6}}).jet(-1.0).value, -2.0);
}

// Second derivatives M of the natural cubic at unit steps: M_{i-1} + 4 M_i + M_{i+1} = 6 (y_{i-1} - 2 y_i + y_{i+1}).
TEST(NaturalSpline, CubicSolvedByHand) {
  const PiecewisePolynomial f = compile(NaturalSpline{"cubic", {0, 1, 2, 3}, {0, 1, 0, 1}});
  EXPECT_NEAR(f.jet(1.0).curvature, -4.0, 1e-14);
  EXPECT_NEAR(f.jet(2.0).curvature, 4.0, 1e-14);
  EXPECT_NEAR(f.jet(0.0).curvature, 0.0, 1e-14);
  EXPECT_NEAR(f.jet(3.0).curvature, 0.0, 1e-14);
  EXPECT_NEAR(f.jet(0.0).slope, 1.0 + 4.0 / 6.0, 1e-14);
  EXPECT_NEAR(f.jet(0.5).value, 0.5 + 4.0 / 16.0, 1e-14);  // half way: the mean less (M_0 + M_1) / 16
}

TEST(NaturalSpline, PassesThroughItsPointsAsSmoothAsItsDegreeSays) {
  for (const char* degree : {"cubic", "quintic"}) {
    const Spline s = spline_of(9, [](double x) { return std::sin(2.0 * x); });
    const NaturalSpline natural{degree, s.x, s.y};
    EXPECT_EQ(natural.fault(), "");
    const PiecewisePolynomial f = compile(natural);
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      const auto left = f.jet(std::nextafter(s.x[i], -10.0)), right = f.jet(s.x[i]);
      EXPECT_NEAR(right.value, s.y[i], 1e-14);
      EXPECT_NEAR(left.value, right.value, 1e-13);
      EXPECT_NEAR(left.slope, right.slope, 1e-12);
      EXPECT_NEAR(left.curvature, right.curvature, 1e-11);
    }
  }
}

TEST(NaturalSpline, QuinticHasAParabolaBeyondItsEnds) {
  const auto parabola = [](double x) { return 1.0 - 0.4 * x + 0.7 * x * x; };
  const Spline s = spline_of(8, parabola);
  const PiecewisePolynomial f = compile(NaturalSpline{"quintic", s.x, s.y});
  for (double x = s.x.front() - 3.5; x <= s.x.back() + 3.5; x += 0.1) {
    EXPECT_NEAR(f.jet(x).value, parabola(x), 1e-11) << x;
    EXPECT_NEAR(f.jet(x).curvature, 1.4, 1e-10) << x;
  }
  const Spline wave = spline_of(8, [](double x) { return std::sin(2.0 * x); });
  const PiecewisePolynomial g = compile(NaturalSpline{"quintic", wave.x, wave.y});
  const QuinticSpline same(wave.x, wave.y);
  for (double x = wave.x.front() - 1.0; x <= wave.x.back() + 1.0; x += 0.07) {
    EXPECT_NEAR(g.jet(x).value, same.jet(x).value, 1e-12) << x;
    EXPECT_NEAR(g.jet(x).slope, same.jet(x).slope, 1e-11) << x;
    EXPECT_NEAR(g.jet(x).curvature, same.jet(x).curvature, 1e-10) << x;
  }
}

// The least bending through three points: f'' is a tent, zero at both ends; f' runs on past them.
TEST(NaturalSpline, ThreePoints) {
  const PiecewisePolynomial cubic = compile(NaturalSpline{"cubic", {-1, 0, 1}, {0, 1, 0}});
  EXPECT_NEAR(cubic.jet(0.0).curvature, -3.0, 1e-14);  // 4 M = 6 (0 - 2 + 0)
  EXPECT_NEAR(cubic.jet(0.5).curvature, -1.5, 1e-14);
  EXPECT_NEAR(cubic.jet(1.0).slope, -1.5, 1e-14);
  EXPECT_NEAR(cubic.jet(3.0).value, -3.0, 1e-13);
  const PiecewisePolynomial quintic = compile(NaturalSpline{"quintic", {-1, 0, 1}, {0, 1, 0}});  // their parabola
  for (const double x : {-2.0, -0.3, 0.6, 1.5}) EXPECT_NEAR(quintic.jet(x).value, 1.0 - x * x, 1e-13);
}

TEST(NaturalSpline, TooFewPointsAreRefused) {
  EXPECT_EQ((NaturalSpline{"quintic", {0, 1}, {0, 0}}).fault(), "expected at least 3 points, found 2");
  EXPECT_EQ((NaturalSpline{"cubic", {0, 1}, {0, 0}}).fault(), "expected at least 3 points, found 2");
  EXPECT_EQ((NaturalSpline{"linear", {0}, {0}}).fault(), "expected at least 2 points, found 1");
  EXPECT_NE((NaturalSpline{"linear", {0, 0}, {0, 1}}).fault(), "");
}

TEST(Sine, IsTheSineForFourTurnsAndTwoDerivatives) {
  for (const Sine& wave : {Sine{0.3, 1.0, 0.0, 0.0}, Sine{-1.2, 2.5, 0.7, 0.1}, Sine{0.5, -0.4, 1.9, -2.0}}) {
    const PiecewisePolynomial f = compile(wave);
    const double end = 8.0 * std::acos(-1.0) / std::abs(wave.frequency);
    for (int i = -500; i <= 500; ++i) {
      const double x = 0.002 * i * end, angle = wave.frequency * x + wave.phase;
      const auto [value, slope, curvature] = f.jet(x);
      EXPECT_NEAR(value, wave.offset + wave.amplitude * std::sin(angle), 2e-15 * (1.0 + std::abs(angle)));
      EXPECT_NEAR(slope, wave.amplitude * wave.frequency * std::cos(angle), 1e-14 * (1.0 + std::abs(angle)));
      EXPECT_NEAR(curvature, -wave.amplitude * wave.frequency * wave.frequency * std::sin(angle),
                  1e-13 * (1.0 + std::abs(angle)));
    }
  }
  EXPECT_DOUBLE_EQ(compile(Sine{2.0, 0.0, 0.5, 1.0}).jet(7.0).value, 1.0 + 2.0 * std::sin(0.5));
}

}  // namespace
}  // namespace psoas
