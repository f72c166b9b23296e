// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "psoas/core/sampling.hpp"
#include "psoas/sweep/sampler.hpp"

namespace psoas {
namespace {

using Law = std::function<double(double)>;

double normal_law(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// A law between two bounds.
Law cut(const Law& law, double low, double high) {
  return [=](double x) { return (law(x) - law(low)) / (law(high) - law(low)); };
}

struct Continuous {
  const char* name;
  Values values;
  Law law;  // written down here from its definition
};

/// Every continuous distribution, whole and cut off, beside its law in closed form.
std::vector<Continuous> continuous() {
  const Law normal = [](double x) { return normal_law((x - 75.0) / 12.0); };
  const Law lognormal = [](double x) { return normal_law(std::log(x / 2.0) / std::log(1.5)); };
  // mean 3 and sd 1 of the value: variance of the logarithm ln(1 + 1/9), its mean ln 3 less half of that
  const Law moments = [](double x) {
    const double v = std::log(10.0 / 9.0);
    return normal_law((std::log(x) - std::log(3.0) + 0.5 * v) / std::sqrt(v));
  };
  const Law triangle = [](double x) {
    return x < 3.0 ? (x - 1.0) * (x - 1.0) / (5.0 * 2.0) : 1.0 - (6.0 - x) * (6.0 - x) / (5.0 * 3.0);
  };
  const Law beta = [](double x) {  // shapes 2 and 3 between -1 and 3
    const double t = (x + 1.0) / 4.0;
    return t * t * (6.0 - 8.0 * t + 3.0 * t * t);
  };
  return {
      {"uniform", UniformDistribution{0.8, 1.0}, [](double x) { return (x - 0.8) / 0.2; }},
      {"normal", NormalDistribution{75, 12, {}, {}}, normal},
      {"normal, low", NormalDistribution{75, 12, 60.0, {}}, cut(normal, 60, 1e9)},
      {"normal, high", NormalDistribution{75, 12, {}, 80.0}, cut(normal, -1e9, 80)},
      {"normal, both", NormalDistribution{75, 12, 70.0, 95.0}, cut(normal, 70, 95)},
      {"lognormal", LognormalDistribution{{}, {}, 2.0, 1.5, {}, {}}, lognormal},
      {"lognormal, both", LognormalDistribution{{}, {}, 2.0, 1.5, 1.0, 3.0}, cut(lognormal, 1, 3)},
      {"lognormal by mean", LognormalDistribution{3.0, 1.0, {}, {}, {}, {}}, moments},
      {"triangular", TriangularDistribution{1, 3, 6, {}, {}}, triangle},
      {"triangular, both", TriangularDistribution{1, 3, 6, 2.0, 5.0}, cut(triangle, 2, 5)},
      {"beta", BetaDistribution{2, 3, -1, 3, {}, {}}, beta},
      {"beta, both", BetaDistribution{2, 3, -1, 3, 0.0, 2.0}, cut(beta, 0, 2)},
  };
}

double cumulative(const Values& values, double x) {
  return std::visit(
      [x](const auto& kind) {
        if constexpr (requires { kind.cumulative(x); }) return kind.cumulative(x);
        return std::nan("");
      },
      values);
}

std::string fault(const Values& values) {
  return std::visit(
      [](const auto& kind) -> std::string {
        if constexpr (requires { kind.fault(); }) return kind.fault();
        return "";
      },
      values);
}

TEST(Distributions, QuantilesRiseAndUndoTheLaw) {
  for (const Continuous& one : continuous()) {
    SCOPED_TRACE(one.name);
    ASSERT_EQ(fault(one.values), "");
    double before = -inf;
    for (int i = 1; i < 2000; ++i) {
      const double p = i / 2000.0, x = quantile(one.values, p);
      ASSERT_GT(x, before);
      before = x;
      ASSERT_NEAR(one.law(x), p, 2e-14);
      ASSERT_NEAR(cumulative(one.values, x), p, 2e-14);
    }
  }
}

TEST(Distributions, ReachTheirBoundsAndNoFurther) {
  for (const Continuous& one : continuous()) {
    SCOPED_TRACE(one.name);
    const double first = quantile(one.values, 0.0), last = quantile(one.values, 1.0);
    EXPECT_LE(first, quantile(one.values, 1e-18));
    EXPECT_GE(last, quantile(one.values, 1.0 - 1e-16));
    if (std::isfinite(first)) EXPECT_EQ(cumulative(one.values, first), 0.0);
    if (std::isfinite(last)) EXPECT_EQ(cumulative(one.values, last), 1.0);
  }
  EXPECT_EQ(quantile(NormalDistribution{75, 12, {}, {}}, 0.0), -inf);
  EXPECT_EQ(quantile(NormalDistribution{75, 12, {}, {}}, 1.0), inf);
  EXPECT_EQ(quantile(LognormalDistribution{{}, {}, 2.0, 1.5, {}, {}}, 0.0), 0.0);
  EXPECT_EQ(quantile(NormalDistribution{75, 12, 45.0, 90.0}, 0.0), 45.0);
  EXPECT_EQ(quantile(NormalDistribution{75, 12, 45.0, 90.0}, 1.0), 90.0);
  EXPECT_EQ(quantile(BetaDistribution{2, 3, -1, 3, 0.1, {}}, 0.0), 0.1);
}

// Cut off five standard deviations above the mean, what is left is nearly exponential: its digits are in the tail.
TEST(Distributions, KeepTheirDigitsInTheUpperTail) {
  const NormalDistribution tail{0, 1, 8.0, 9.0};
  ASSERT_EQ(tail.fault(), "expected low and high to leave some of the distribution, found that they cut all of it off");
  const NormalDistribution near{0, 1, 5.0, 7.0};
  ASSERT_EQ(near.fault(), "");
  const auto above = [](double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); };
  for (const double p : {1e-6, 0.1, 0.5, 0.9, 1.0 - 1e-6}) {
    const double x = near.quantile(p), expected = above(5.0) - p * (above(5.0) - above(7.0));
    EXPECT_NEAR(above(x) / expected, 1.0, 1e-9) << p;
    EXPECT_NEAR(near.cumulative(x), p, 1e-12);
  }
}

/// Largest distance between the law and the share of sorted values below (Kolmogorov).
double distance(std::vector<double> x, const Law& law) {
  std::sort(x.begin(), x.end());
  const double n = static_cast<double>(x.size());
  double most = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i)
    most = std::max({most, (static_cast<double>(i) + 1.0) / n - law(x[i]), law(x[i]) - static_cast<double>(i) / n});
  return most;
}

std::vector<double> drawn(const Values& values, const Sampler& sampler) {
  const Design design(sampler, {levels_of(values)});
  std::vector<double> x;
  for (std::uint64_t k = 0; k < design.count(); ++k) {
    double p = 0.0;
    design.point(k, {&p, 1});
    x.push_back(quantile(values, p));
  }
  return x;
}

// At 5 % a sample of n is refused above 1.358 / sqrt(n) (Kolmogorov's limit law); seeds are fixed.
TEST(Distributions, PassKolmogorovSmirnovAtFixedSeeds) {
  constexpr int n = 4000;
  const double limit = 1.358 / std::sqrt(static_cast<double>(n));
  int refused = 0, tests = 0;
  for (const Continuous& one : continuous()) {
    SCOPED_TRACE(one.name);
    for (int i = 0; i < 5; ++i) {
      const double d = distance(drawn(one.values, RandomSampler{n, ++tests}), one.law);
      EXPECT_LT(d, 1.95 / std::sqrt(static_cast<double>(n)));  // at 0.1 %
      refused += d > limit;
    }
    // strata: the share below any value is right to one part in n; of Sobol's points 1 to n the last one is in the part
    // of another, since the zeroth is left out
    EXPECT_LE(distance(drawn(one.values, LatinHypercubeSampler{n, 1, 0}), one.law), 1.0 / n + 1e-12);
    EXPECT_LE(distance(drawn(one.values, SobolSampler{4096, 0, 7, false}), one.law), 2.0 / 4096 + 1e-12);
  }
  ASSERT_EQ(tests, 60);
  EXPECT_LE(refused, 9) << "3 of 60 are to be expected at 5 %; more than 9 are seen less than once in a thousand times";
}

TEST(Distributions, KolmogorovSmirnovSeesAnotherLaw) {
  const auto x = drawn(NormalDistribution{75, 12, {}, {}}, RandomSampler{4000, 1});
  EXPECT_GT(distance(x, [](double v) { return normal_law((v - 75.0) / 13.0); }), 1.358 / std::sqrt(4000.0));
}

TEST(Distributions, DiscreteFollowsItsWeights) {
  const DiscreteDistribution d{{1, 2, 5}, {1, 0, 3}, {}, {}};
  ASSERT_EQ(d.fault(), "");
  EXPECT_EQ(d.quantile(0.0), 1.0);
  EXPECT_EQ(d.quantile(0.2499), 1.0);
  EXPECT_EQ(d.quantile(0.2501), 5.0);
  EXPECT_EQ(d.quantile(1.0), 5.0);
  EXPECT_DOUBLE_EQ(d.cumulative(1.0), 0.25);
  EXPECT_DOUBLE_EQ(d.cumulative(4.9), 0.25);
  EXPECT_DOUBLE_EQ(d.cumulative(5.0), 1.0);
  const DiscreteDistribution cut_off{{1, 2, 5}, {}, 1.5, {}};
  EXPECT_EQ(cut_off.quantile(0.0), 2.0);
  EXPECT_EQ(cut_off.quantile(0.49), 2.0);
  EXPECT_EQ(cut_off.quantile(0.51), 5.0);
  EXPECT_NE((DiscreteDistribution{{1, 2}, {}, 3.0, {}}.fault()), "");
  EXPECT_NE((DiscreteDistribution{{2, 1}, {}, {}, {}}.fault()), "");
  EXPECT_NE((DiscreteDistribution{{1, 2}, {1}, {}, {}}.fault()), "");
  EXPECT_NE((DiscreteDistribution{{1, 2}, {0, 0}, {}, {}}.fault()), "");
}

TEST(Distributions, EmpiricalGivesMeasuredValuesOnly) {
  EmpiricalDistribution d;
  d.high = 10.0;
  d.take({3, 1, 2, 11, 2});
  EXPECT_EQ(d.values, (std::vector<double>{1, 2, 2, 3}));
  EXPECT_EQ(d.quantile(0.0), 1.0);
  EXPECT_EQ(d.quantile(0.26), 2.0);
  EXPECT_EQ(d.quantile(0.74), 2.0);
  EXPECT_EQ(d.quantile(0.76), 3.0);
  EXPECT_EQ(d.quantile(1.0), 3.0);
  EXPECT_EQ(d.cumulative(2.0), 0.75);
  EXPECT_EQ(d.cumulative(0.5), 0.0);
}

template <class K>
std::vector<double> levels(const K& kind) {
  EXPECT_EQ(kind.fault(), "");
  std::vector<double> x;
  for (std::size_t i = 0; i < kind.size(); ++i) {
    x.push_back(kind.level(i));
    EXPECT_EQ(kind.quantile((static_cast<double>(i) + 0.5) / static_cast<double>(kind.size())), x.back());
  }
  return x;
}

TEST(Levels, AreWhatTheySay) {
  EXPECT_EQ(levels(ListValues{{3, 1, 2}}), (std::vector<double>{3, 1, 2}));
  EXPECT_EQ(levels(GridValues{0, 1, 5, "linear"}), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(levels(GridValues{2, 2, 1, "linear"}), (std::vector<double>{2}));
  const std::vector<double> logs = levels(GridValues{0.01, 100, 5, "log"}), powers{0.01, 0.1, 1, 10, 100};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(logs[i] / powers[i], 1.0, 1e-14);
  EXPECT_EQ(levels(RangeValues{0, 1, 0.25, {}, "linear"}), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(levels(RangeValues{0, 1, 0.4, {}, "linear"}), (std::vector<double>{0, 0.4, 0.8}));
  EXPECT_EQ(levels(RangeValues{1, 0, -0.5, {}, "linear"}), (std::vector<double>{1, 0.5, 0}));
  EXPECT_EQ(levels(RangeValues{1, 8, 2.0, {}, "log"}), (std::vector<double>{1, 2, 4, 8}));
  EXPECT_EQ(levels(RangeValues{0, 1, {}, 3, "linear"}), (std::vector<double>{0, 0.5, 1}));
  // 0.8 to 1 by 0.02 has eleven values though 0.2 / 0.02 is a little below 10 in binary
  EXPECT_EQ(levels(RangeValues{0.8, 1.0, 0.02, {}, "linear"}).size(), 11u);
  EXPECT_EQ(levels(RangeValues{0.8, 1.0, 0.02, {}, "linear"}).back(), 1.0);
  // no value is beyond the last, however its sum rounds
  EXPECT_LE(levels(RangeValues{0, 0.7, 0.1, {}, "linear"}).back(), 0.7);
}

TEST(Levels, SayWhatTheyCannotBe) {
  EXPECT_NE(ListValues{}.fault(), "");
  EXPECT_NE((ListValues{{1.0, std::nan("")}}.fault()), "");
  EXPECT_NE((GridValues{0, 1, 0, "linear"}.fault()), "");
  EXPECT_NE((GridValues{0, 1, 3, "log"}.fault()), "");
  EXPECT_NE((GridValues{1, 1, 3, "linear"}.fault()), "");
  EXPECT_NE((RangeValues{0, 1, {}, {}, "linear"}.fault()), "");
  EXPECT_NE((RangeValues{0, 1, 0.1, 3, "linear"}.fault()), "");
  EXPECT_NE((RangeValues{0, 1, -0.1, {}, "linear"}.fault()), "");
  EXPECT_NE((RangeValues{0, 1, 0.0, {}, "linear"}.fault()), "");
  EXPECT_NE((RangeValues{0, 1, 1e-12, {}, "linear"}.fault()), "");
  EXPECT_NE((RangeValues{1, 8, 1.0, {}, "log"}.fault()), "");
  EXPECT_NE((RangeValues{1, 8, 0.5, {}, "log"}.fault()), "");
}

TEST(Distributions, SayWhatTheyCannotBe) {
  EXPECT_NE((UniformDistribution{1, 1}.fault()), "");
  EXPECT_NE((UniformDistribution{2, 1}.fault()), "");
  EXPECT_NE((UniformDistribution{-1.7e308, 1.7e308}.fault()), "");
  EXPECT_NE((NormalDistribution{0, 0, {}, {}}.fault()), "");
  EXPECT_NE((NormalDistribution{0, -1, {}, {}}.fault()), "");
  EXPECT_NE((NormalDistribution{0, std::nan(""), {}, {}}.fault()), "");
  EXPECT_NE((NormalDistribution{0, 1, 2.0, 1.0}.fault()), "");
  EXPECT_NE((NormalDistribution{0, 1, 100.0, {}}.fault()), "");
  EXPECT_NE((LognormalDistribution{1.0, {}, 1.0, {}, {}, {}}.fault()), "");
  EXPECT_NE((LognormalDistribution{1.0, 1.0, 1.0, 1.5, {}, {}}.fault()), "");
  EXPECT_NE((LognormalDistribution{{}, {}, 1.0, 1.0, {}, {}}.fault()), "");
  EXPECT_NE((LognormalDistribution{-1.0, 1.0, {}, {}, {}, {}}.fault()), "");
  EXPECT_NE((LognormalDistribution{{}, {}, 1.0, 1.5, {}, -1.0}.fault()), "");
  EXPECT_NE((TriangularDistribution{0, 2, 1, {}, {}}.fault()), "");
  EXPECT_NE((TriangularDistribution{0, 0, 0, {}, {}}.fault()), "");
  EXPECT_NE((TriangularDistribution{0, 1, 2, 3.0, {}}.fault()), "");
  EXPECT_NE((BetaDistribution{0, 1, 0, 1, {}, {}}.fault()), "");
  EXPECT_NE((BetaDistribution{1, 1, 1, 0, {}, {}}.fault()), "");
  EXPECT_NE((BetaDistribution{1, 1, 0, 1, 2.0, {}}.fault()), "");
}

}  // namespace
}  // namespace psoas
