// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/analysis.hpp"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <Eigen/LU>
#include <array>
#include <boost/random/sobol.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/core/sampling.hpp"

namespace psoas {
namespace {

using Numbers = std::vector<double>;
using Function = std::function<double(const Numbers&)>;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// What a call throws, "" for nothing.
template <class Call>
std::string thrown(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::input);
    return error.what();
  }
  return "";
}

void expect_same_bytes(const std::vector<Estimate>& a, const std::vector<Estimate>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(Estimate)), 0);
}

bool holds(const Estimate& estimate, double value) { return estimate.low <= value && value <= estimate.high; }

// Points of the unit cube, one after another.
using Points = std::function<Numbers()>;
Points from_boost(std::size_t dimensions) {
  return [engine = boost::random::sobol(dimensions), dimensions]() mutable {
    Numbers x(dimensions);
    for (double& value : x) value = static_cast<double>(engine()) * 0x1.0p-64;
    return x;
  };
}
Points at_random(std::size_t dimensions, std::uint64_t seed) {
  return [random = Uniform(seed), dimensions]() mutable {
    Numbers x(dimensions);
    for (double& value : x) value = random();
    return x;
  };
}
double standard_normal(Uniform& random) {  // Box & Muller 1958
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random()));
  return radius * std::cos(2.0 * std::numbers::pi * random());
}

// Outputs of a Saltelli design; `points` have 2 d dimensions, those of A and then of B.
Numbers saltelli(const Function& f, std::size_t d, std::size_t samples, Points points) {
  Numbers y;
  for (std::size_t k = 0; k < samples; ++k) {
    const Numbers ab = points();
    const auto middle = ab.begin() + static_cast<std::ptrdiff_t>(d);
    const Numbers a(ab.begin(), middle), b(middle, ab.end());
    y.push_back(f(a));
    y.push_back(f(b));
    for (std::size_t i = 0; i < d; ++i) {
      Numbers mixed = a;
      mixed[i] = b[i];
      y.push_back(f(mixed));
    }
  }
  return y;
}

// Ishigami & Homma (1990), a = 7, b = 0.1, of points in the unit cube, with its analytic indices.
struct Ishigami {
  static constexpr double a = 7.0, b = 0.1;
  double operator()(const Numbers& u) const {
    const auto x = [&](std::size_t i) { return std::numbers::pi * (2.0 * u[i] - 1.0); };
    return std::sin(x(0)) + a * std::pow(std::sin(x(1)), 2) + b * std::pow(x(2), 4) * std::sin(x(0));
  }
  static double pi4() { return std::pow(std::numbers::pi, 4); }
  static double variance() { return a * a / 8 + b * pi4() / 5 + b * b * pi4() * pi4() / 18 + 0.5; }
  static Numbers first() { return {0.5 * std::pow(1 + b * pi4() / 5, 2) / variance(), a * a / 8 / variance(), 0.0}; }
  static Numbers total() {
    const double v13 = b * b * pi4() * pi4() * 8 / 225 / variance();
    return {first()[0] + v13, first()[1], v13};
  }
};

// Sobol's g-function (Saltelli & Sobol 1995).
struct GFunction {
  Numbers a{0, 1, 4.5, 9, 99, 99, 99, 99};
  double operator()(const Numbers& u) const {
    double y = 1.0;
    for (std::size_t i = 0; i < a.size(); ++i) y *= (std::abs(4.0 * u[i] - 2.0) + a[i]) / (1.0 + a[i]);
    return y;
  }
  double part(std::size_t i) const { return 1.0 / (3.0 * (1.0 + a[i]) * (1.0 + a[i])); }
  double variance() const {
    double product = 1.0;
    for (std::size_t i = 0; i < a.size(); ++i) product *= 1.0 + part(i);
    return product - 1.0;
  }
  double first(std::size_t i) const { return part(i) / variance(); }
  double total(std::size_t i) const { return part(i) * (variance() + 1.0) / (1.0 + part(i)) / variance(); }
};

TEST(SobolIndicesTest, of_the_ishigami_function_hold_the_analytic_ones) {
  const SobolIndices found = sobol_indices(saltelli(Ishigami(), 3, 4096, from_boost(6)), 3);
  EXPECT_EQ(found.samples, 4096u);
  EXPECT_EQ(found.dropped, 0u);
  EXPECT_NEAR(found.mean, 3.5, 0.01);
  EXPECT_NEAR(found.variance, Ishigami::variance(), 0.01 * Ishigami::variance());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(holds(found.first[i], Ishigami::first()[i])) << i << " " << found.first[i].value;
    EXPECT_TRUE(holds(found.total[i], Ishigami::total()[i])) << i << " " << found.total[i].value;
    // points of this evenness are well inside bands that are meant for random ones, and bands are no barn doors
    EXPECT_NEAR(found.first[i].value, Ishigami::first()[i], 0.01);
    EXPECT_NEAR(found.total[i].value, Ishigami::total()[i], 0.01);
    EXPECT_LT(found.first[i].high - found.first[i].low, 0.1);
    EXPECT_LT(found.total[i].high - found.total[i].low, 0.1);
  }
}

TEST(SobolIndicesTest, of_the_g_function_hold_the_analytic_ones) {
  const GFunction g;
  const SobolIndices found = sobol_indices(saltelli(g, 8, 4096, from_boost(16)), 8);
  EXPECT_NEAR(found.mean, 1.0, 0.01);
  EXPECT_NEAR(found.variance, g.variance(), 0.02 * g.variance());
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(holds(found.first[i], g.first(i))) << i << " " << found.first[i].value << " " << g.first(i);
    EXPECT_TRUE(holds(found.total[i], g.total(i))) << i << " " << found.total[i].value << " " << g.total(i);
    EXPECT_NEAR(found.first[i].value, g.first(i), 0.01);
    EXPECT_NEAR(found.total[i].value, g.total(i), 0.01);
    EXPECT_LT(found.first[i].high - found.first[i].low, 0.1);
  }
}

TEST(SobolIndicesTest, bands_hold_the_analytic_index_as_often_as_they_say) {
  constexpr int designs = 400;
  std::array<int, 6> inside{};
  for (int design = 0; design < designs; ++design) {
    const Numbers y = saltelli(Ishigami(), 3, 256, at_random(6, 1000 + static_cast<std::uint64_t>(design)));
    const SobolIndices found = sobol_indices(y, 3, {400, 0.95, 1});
    for (std::size_t i = 0; i < 3; ++i) {
      inside[i] += holds(found.first[i], Ishigami::first()[i]);
      inside[3 + i] += holds(found.total[i], Ishigami::total()[i]);
    }
  }
  // 95 % less four standard errors of 400 designs, and less than all of them
  for (const int count : inside) {
    EXPECT_GT(count, designs * (0.95 - 4 * 0.0109)) << ::testing::PrintToString(inside);
    EXPECT_LT(count, designs * 0.99) << ::testing::PrintToString(inside);
  }
}

TEST(SobolIndicesTest, know_neither_the_unit_nor_the_zero_of_the_output) {
  Numbers y = saltelli(Ishigami(), 3, 512, from_boost(6));
  const SobolIndices as_is = sobol_indices(y, 3);
  for (double& value : y) value = 1e6 - 1e-3 * value;
  const SobolIndices moved = sobol_indices(y, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(moved.first[i].value, as_is.first[i].value, 1e-6);  // of 1e6 / 1e-3 a double keeps 1e-7
    EXPECT_NEAR(moved.total[i].value, as_is.total[i].value, 1e-6);
    EXPECT_NEAR(moved.first[i].low, as_is.first[i].low, 1e-6);
    EXPECT_NEAR(moved.total[i].high, as_is.total[i].high, 1e-6);
  }
}

TEST(SobolIndicesTest, of_a_factor_that_does_nothing_are_exactly_zero) {
  const auto f = [](const Numbers& u) { return std::exp(u[0]) + u[2]; };
  const SobolIndices found = sobol_indices(saltelli(f, 3, 128, from_boost(6)), 3);
  EXPECT_EQ(found.first[1].value, 0.0);
  EXPECT_EQ(found.total[1].value, 0.0);
  EXPECT_EQ(found.total[1].high, 0.0);
  EXPECT_GT(found.total[0].low, 0.5);
}

TEST(SobolIndicesTest, leave_out_whole_groups_with_a_failed_case) {
  Numbers y = saltelli(Ishigami(), 3, 100, from_boost(6)), rest;
  y[7 * 5 + 3] = nan;
  y[50 * 5] = std::numeric_limits<double>::infinity();
  y[99 * 5 + 1] = nan;
  for (std::size_t k = 0; k < 100; ++k)
    if (k != 7 && k != 50 && k != 99) rest.insert(rest.end(), &y[k * 5], &y[k * 5] + 5);
  const SobolIndices found = sobol_indices(y, 3), expected = sobol_indices(rest, 3);
  EXPECT_EQ(found.samples, 97u);
  EXPECT_EQ(found.dropped, 3u);
  expect_same_bytes(found.first, expected.first);
  expect_same_bytes(found.total, expected.total);
}

TEST(SobolIndicesTest, are_undefined_without_variance) {
  for (const double noise : {0.0, 1e-13}) {
    Numbers y(5 * 20, 0.1);
    for (std::size_t k = 0; k < y.size(); k += 3) y[k] += 0.1 * noise;
    const SobolIndices found = sobol_indices(y, 3);
    EXPECT_NEAR(found.mean, 0.1, 1e-14);
    EXPECT_NEAR(found.variance, 0.0, 1e-27);
    for (const Estimate& index : found.first) EXPECT_TRUE(std::isnan(index.value) && std::isnan(index.low));
    for (const Estimate& index : found.total) EXPECT_TRUE(std::isnan(index.value) && std::isnan(index.high));
  }
  const SobolIndices none = sobol_indices(Numbers(10, nan), 3);
  EXPECT_EQ(none.samples, 0u);
  EXPECT_EQ(none.dropped, 2u);
  EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.first[0].value) && std::isnan(none.total[2].low));
  EXPECT_TRUE(sobol_indices({}, 2).first.size() == 2u);
}

TEST(SobolIndicesTest, of_no_factor_are_none) {
  const SobolIndices found = sobol_indices(Numbers{1, 2, 3, 4}, 0);
  EXPECT_EQ(found.samples, 2u);
  EXPECT_DOUBLE_EQ(found.mean, 2.5);
  EXPECT_DOUBLE_EQ(found.variance, 1.25);
  EXPECT_TRUE(found.first.empty() && found.total.empty());
}

TEST(SobolIndicesTest, are_the_same_bytes_for_the_same_seed) {
  const Numbers y = saltelli(GFunction(), 8, 64, from_boost(16));
  const SobolIndices one = sobol_indices(y, 8, {500, 0.9, 3}), two = sobol_indices(y, 8, {500, 0.9, 3});
  expect_same_bytes(one.first, two.first);
  expect_same_bytes(one.total, two.total);
  const SobolIndices other = sobol_indices(y, 8, {500, 0.9, 4});
  EXPECT_EQ(other.first[0].value, one.first[0].value);
  EXPECT_NE(other.first[0].low, one.first[0].low);
  const SobolIndices wider = sobol_indices(y, 8, {500, 0.99, 3});
  EXPECT_LT(wider.first[0].low, one.first[0].low);
  EXPECT_TRUE(std::isnan(sobol_indices(y, 8, {0, 0.9, 3}).total[0].low));
}

TEST(SobolIndicesTest, refuse_what_is_no_design) {
  const Numbers y(11, 1.0);
  EXPECT_NE(thrown([&] { sobol_indices(y, 3); }).find("expected groups of 5 cases, found 11"), std::string::npos);
  EXPECT_NE(thrown([&] { sobol_indices(y, -1); }).find("factors"), std::string::npos);
  const Numbers good(10, 1.0);
  for (const double confidence : {0.0, 1.0, nan})
    EXPECT_NE(thrown([&] { sobol_indices(good, 3, {10, confidence, 0}); }).find("confidence"), std::string::npos);
  EXPECT_NE(thrown([&] { sobol_indices(good, 3, {-1, 0.9, 0}); }).find("resamples"), std::string::npos);
}

// --- Morris ----------------------------------------------------------------------------------------------------------

struct Design {
  MatX points;
  Numbers y;
};
// Trajectories through lists of points.
Design along(const Function& f, const std::vector<Numbers>& points) {
  Design design;
  design.points.resize(static_cast<Eigen::Index>(points.size()), static_cast<Eigen::Index>(points[0].size()));
  for (std::size_t k = 0; k < points.size(); ++k) {
    for (std::size_t i = 0; i < points[k].size(); ++i)
      design.points(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(i)) = points[k][i];
    design.y.push_back(f(points[k]));
  }
  return design;
}
// Random trajectories of which each point is anywhere in the unit cube.
Design trajectories(const Function& f, std::size_t d, int count, std::uint64_t seed) {
  Uniform random(seed);
  std::vector<Numbers> points;
  for (int r = 0; r < count; ++r) {
    Numbers x(d);
    for (double& value : x) value = random();
    points.push_back(x);
    std::vector<std::size_t> left(d);
    for (std::size_t i = 0; i < d; ++i) left[i] = i;
    while (!left.empty()) {
      const auto at = static_cast<std::ptrdiff_t>(random() * static_cast<double>(left.size()));
      x[left[static_cast<std::size_t>(at)]] = random();
      left.erase(left.begin() + at);
      points.push_back(x);
    }
  }
  return along(f, points);
}

TEST(MorrisEffectsTest, of_a_linear_function_are_its_slopes) {
  const Numbers slope{3.0, -2.0, 0.0, 0.5};
  const auto f = [&](const Numbers& x) { return 7 + slope[0] * x[0] + slope[1] * x[1] + slope[3] * x[3]; };
  const Design design = trajectories(f, 4, 20, 1);
  const MorrisEffects found = morris_effects(design.points, design.y);
  EXPECT_EQ(found.trajectories, 20u);
  // a step of 1e-3 leaves 1e-12 of an output of 10
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(found.mu[i].value, slope[i], 1e-12);
    EXPECT_NEAR(found.mu_star[i].value, std::abs(slope[i]), 1e-12);
    EXPECT_NEAR(found.sigma[i].value, 0.0, 1e-12);
    EXPECT_NEAR(found.mu[i].low, slope[i], 1e-12);
    EXPECT_NEAR(found.mu[i].high, slope[i], 1e-12);
  }
  EXPECT_EQ(found.mu[2].value, 0.0);
}

TEST(MorrisEffectsTest, of_a_product_spread_as_the_other_factor_does) {
  // every trajectory of four levels with steps of 2/3: the effect of one factor is the other, on levels 0, 1/3, 2/3, 1
  // equally often, with variance 5/36
  std::vector<Numbers> points;
  for (const double x : {0.0, 1.0 / 3, 2.0 / 3, 1.0})
    for (const double y : {0.0, 1.0 / 3, 2.0 / 3, 1.0})
      for (const bool x_first : {false, true}) {
        const double to_x = x < 0.5 ? x + 2.0 / 3 : x - 2.0 / 3, to_y = y < 0.5 ? y + 2.0 / 3 : y - 2.0 / 3;
        points.push_back({x, y});
        points.push_back(x_first ? Numbers{to_x, y} : Numbers{x, to_y});
        points.push_back({to_x, to_y});
      }
  const Design design = along([](const Numbers& x) { return x[0] * x[1]; }, points);
  const MorrisEffects found = morris_effects(design.points, design.y);
  EXPECT_EQ(found.trajectories, 32u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(found.mu[i].value, 0.5, 1e-14);
    EXPECT_NEAR(found.mu_star[i].value, 0.5, 1e-14);
    EXPECT_NEAR(found.sigma[i].value, std::sqrt(32.0 / 31 * 5 / 36), 1e-14);
    EXPECT_TRUE(holds(found.sigma[i], found.sigma[i].value));
    EXPECT_LT(found.sigma[i].low, found.sigma[i].high);
  }
}

TEST(MorrisEffectsTest, that_cancel_show_in_mu_star) {
  // (x - 1/2)^2 from 0 to 2/3 falls by 1/3 for 1, from 1/3 to 1 it rises as much
  const Design design =
      along([](const Numbers& x) { return (x[0] - 0.5) * (x[0] - 0.5); }, {{0.0}, {2.0 / 3}, {1.0 / 3}, {1.0}});
  const MorrisEffects found = morris_effects(design.points, design.y);
  EXPECT_NEAR(found.mu[0].value, 0.0, 1e-15);
  EXPECT_NEAR(found.mu_star[0].value, 1.0 / 3, 1e-15);
  EXPECT_NEAR(found.sigma[0].value, std::sqrt(2.0) / 3, 1e-15);
}

TEST(MorrisEffectsTest, bands_hold_the_true_mean_as_often_as_they_say) {
  // of x y with points anywhere, an effect is the other factor: mean 1/2, deviation 1/sqrt(12)
  constexpr int designs = 400;
  int mean = 0, deviation = 0;
  for (int k = 0; k < designs; ++k) {
    const Design design = trajectories([](const Numbers& x) { return x[0] * x[1]; }, 2, 60, 50 + k);
    const MorrisEffects found = morris_effects(design.points, design.y, {400, 0.95, 2});
    mean += holds(found.mu[0], 0.5);
    deviation += holds(found.sigma[1], std::sqrt(1.0 / 12));
  }
  EXPECT_GT(mean, designs * (0.95 - 4 * 0.0109));
  EXPECT_LT(mean, designs * 0.99);
  EXPECT_GT(deviation, designs * (0.95 - 4 * 0.0109));
  EXPECT_LT(deviation, designs * 0.99);
}

TEST(MorrisEffectsTest, leave_out_whole_trajectories_with_a_failed_case) {
  Design design = trajectories(Ishigami(), 3, 10, 4);
  design.y[4 * 3 + 2] = nan;
  const MorrisEffects found = morris_effects(design.points, design.y);
  EXPECT_EQ(found.trajectories, 9u);
  EXPECT_EQ(found.dropped, 1u);
  MatX points(36, 3);
  points << design.points.topRows(12), design.points.bottomRows(24);
  Numbers y = design.y;
  y.erase(y.begin() + 12, y.begin() + 16);
  const MorrisEffects expected = morris_effects(points, y);
  expect_same_bytes(found.mu, expected.mu);
  expect_same_bytes(found.mu_star, expected.mu_star);
  expect_same_bytes(found.sigma, expected.sigma);
  EXPECT_NE(morris_effects(points, y, {1000, 0.95, 9}).mu[0].low, expected.mu[0].low);
}

TEST(MorrisEffectsTest, at_the_edges) {
  const Design one = trajectories(Ishigami(), 3, 1, 4);
  const MorrisEffects single = morris_effects(one.points, one.y);
  EXPECT_EQ(single.mu[1].low, single.mu[1].value);
  EXPECT_TRUE(std::isnan(single.sigma[1].value) && std::isnan(single.sigma[1].high));

  const Design flat = trajectories([](const Numbers&) { return 0.1; }, 3, 5, 4);
  const MorrisEffects constant = morris_effects(flat.points, flat.y);
  EXPECT_EQ(constant.mu_star[2].value, 0.0);
  EXPECT_EQ(constant.sigma[2].value, 0.0);

  const MorrisEffects none = morris_effects(one.points, Numbers(4, nan));
  EXPECT_EQ(none.dropped, 1u);
  EXPECT_TRUE(std::isnan(none.mu[0].value) && std::isnan(none.sigma[0].low));
  EXPECT_TRUE(morris_effects(MatX(3, 0), Numbers(3, 1.0)).mu.empty());
}

TEST(MorrisEffectsTest, refuse_what_is_no_trajectory) {
  Design design = trajectories(Ishigami(), 3, 2, 4);
  const auto message = [&] { return thrown([&] { morris_effects(design.points, design.y); }); };
  EXPECT_EQ(message(), "");
  const MatX good = design.points;
  design.points.row(6) = design.points.row(5);
  EXPECT_NE(message().find("case 6: expected a step of one factor, found none"), std::string::npos) << message();
  design.points = good;
  design.points.row(2).setConstant(0.123);
  EXPECT_NE(message().find("case 2"), std::string::npos) << message();
  design.points = good;
  design.points.row(3) = design.points.row(1);  // back again
  EXPECT_NE(message().find("case 3: expected a step of one factor that has not"), std::string::npos) << message();
  design.points = good.topRows(7);
  EXPECT_NE(message().find("one output for each of 7 cases, found 8"), std::string::npos) << message();
  design.y.pop_back();
  EXPECT_NE(message().find("trajectories of 4 cases, found 7"), std::string::npos) << message();
}

// --- correlations ----------------------------------------------------------------------------------------------------

MatX one_factor(const Numbers& x) { return Eigen::Map<const VecX>(x.data(), static_cast<Eigen::Index>(x.size())); }

TEST(AssociationsTest, agree_with_examples_worked_by_hand) {
  // scores of three subjects with means 36, 33 and 78, of all 52: 5 16^2 + 4 19^2 + 6 26^2 = 6780 of 9640
  const Numbers subject{1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3};
  const Numbers score{45, 70, 29, 15, 21, 40, 20, 30, 42, 65, 95, 80, 70, 85, 73};
  const Association of = associations(one_factor(subject), score, 3)[0];
  EXPECT_NEAR(of.correlation_ratio, 6780.0 / 9640, 1e-15);
  EXPECT_EQ(of.bins, 3);
  EXPECT_NEAR(of.by_chance, 2.0 / 14, 1e-15);
  EXPECT_NEAR(associations(one_factor(subject), score, 10)[0].correlation_ratio, 6780.0 / 9640, 1e-15);

  // squares of differences of ranks sum to 194: 1 - 6 194 / (10 99)
  const Numbers x{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}, y{7, 27, 2, 50, 28, 29, 20, 12, 6, 17};
  const Estimate rank = associations(one_factor(x), y)[0].rank_correlation;
  EXPECT_NEAR(rank.value, 1.0 - 6.0 * 194 / 990, 1e-15);
  const double error = std::sqrt((1 + 0.5 * rank.value * rank.value) / 7);
  EXPECT_NEAR(rank.low, std::tanh(std::atanh(rank.value) - 1.959963984540054 * error), 1e-14);
  EXPECT_NEAR(rank.high, std::tanh(std::atanh(rank.value) + 1.959963984540054 * error), 1e-14);

  // ties have their mean rank: (-1.5, 0, 0, 1.5) . (-1.5, .5, -.5, 1.5)
  const Numbers tied{1, 2, 2, 3}, up{1, 3, 2, 4};
  EXPECT_NEAR(associations(one_factor(tied), up)[0].rank_correlation.value, 4.5 / std::sqrt(4.5 * 5), 1e-15);
}

TEST(AssociationsTest, equal_values_share_a_bin) {
  // 8 ranks on 2 bins by halves, but five equal values begin in the first
  const Numbers x{1, 2, 3, 4, 4, 4, 4, 4}, y{0, 0, 0, 0, 8, 8, 8, 8};
  const Association all_in_one = associations(one_factor(x), y, 2)[0];
  EXPECT_EQ(all_in_one.bins, 1);
  EXPECT_EQ(all_in_one.correlation_ratio, 0.0);
  // as many bins as values: 0, 0, 0 and a mean of 6.4 of five, of all 4
  EXPECT_NEAR(associations(one_factor(x), y, 4)[0].correlation_ratio, (3 * 16 + 5 * 2.4 * 2.4) / (8 * 16), 1e-15);
}

TEST(AssociationsTest, correlation_ratios_are_first_order_indices) {
  MatX x(1 << 16, 3);
  Numbers y;
  Points next = from_boost(3);
  for (Eigen::Index k = 0; k < x.rows(); ++k) {
    const Numbers u = next();
    for (Eigen::Index i = 0; i < 3; ++i) x(k, i) = u[static_cast<std::size_t>(i)];
    y.push_back(Ishigami()(u));
  }
  // bins blur the mean square of the slope of E(y | u) by 1/(12 bins^2)
  const double slope_0 = 2 * std::numbers::pi * (1 + Ishigami::b * Ishigami::pi4() / 5);
  const double slope_1 = 2 * std::numbers::pi * Ishigami::a;
  const Numbers blurred{slope_0 * slope_0 / 2, slope_1 * slope_1 / 2, 0.0};
  const std::vector<Association> found = associations(x, y);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found[i].bins, 40);
    EXPECT_NEAR(found[i].correlation_ratio, Ishigami::first()[i] - blurred[i] / (12 * 40 * 40) / Ishigami::variance(),
                2e-4)
        << i;
  }
  // the output rises and falls alike with the second and third factor
  EXPECT_GT(found[0].rank_correlation.low, 0.3);
  EXPECT_NEAR(found[1].rank_correlation.value, 0.0, 0.01);
  EXPECT_NEAR(found[2].rank_correlation.value, 0.0, 0.01);
}

TEST(AssociationsTest, chance_is_as_large_as_stated) {
  double sum = 0.0, squares = 0.0;
  constexpr int repeats = 400;
  double by_chance = 0.0;
  Uniform random(11);
  for (int k = 0; k < repeats; ++k) {
    Numbers x(200), y(200);
    for (double& value : x) value = random();
    for (double& value : y) value = standard_normal(random);
    const Association of = associations(one_factor(x), y, 8)[0];
    sum += of.correlation_ratio;
    squares += of.correlation_ratio * of.correlation_ratio;
    by_chance = of.by_chance;
  }
  const double mean = sum / repeats, error = std::sqrt((squares / repeats - mean * mean) / repeats);
  EXPECT_NEAR(by_chance, 7.0 / 199, 1e-15);
  EXPECT_NEAR(mean, by_chance, 3 * error);
  EXPECT_LT(error, 0.1 * by_chance);
}

TEST(AssociationsTest, bands_of_rank_correlations_hold_the_true_one_as_often_as_they_say) {
  // of normal variables with correlation 0.6 it is 6/pi asin(0.3) (Kruskal 1958)
  const double truth = 6 / std::numbers::pi * std::asin(0.3);
  constexpr int repeats = 2000;
  int inside = 0;
  Uniform random(5);
  for (int k = 0; k < repeats; ++k) {
    Numbers x(50), y(50);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = standard_normal(random);
      y[i] = 0.6 * x[i] + 0.8 * standard_normal(random);
    }
    inside += holds(associations(one_factor(x), y)[0].rank_correlation, truth);
  }
  EXPECT_NEAR(inside, 0.95 * repeats, 4 * std::sqrt(repeats * 0.95 * 0.05));
}

TEST(AssociationsTest, at_the_edges) {
  MatX x(6, 2);
  x << 1, 5, 2, 5, 3, 5, nan, 5, 5, 5, 6, 5;
  const Numbers y{1, 2, 4, 3, nan, 8};
  const std::vector<Association> found = associations(x, y);
  EXPECT_EQ(found[0].rank_correlation.value, 1.0);  // of the four cases that are whole
  EXPECT_EQ(found[0].rank_correlation.low, 1.0);
  EXPECT_NEAR(found[0].by_chance, 1.0 / 3, 1e-15);
  EXPECT_EQ(found[1].bins, 1);
  EXPECT_EQ(found[1].correlation_ratio, 0.0);
  EXPECT_EQ(found[1].by_chance, 0.0);
  EXPECT_TRUE(std::isnan(found[1].rank_correlation.value));

  const Association flat = associations(one_factor({1, 2, 3, 4}), Numbers{0.1, 0.1, 0.1 + 1e-16, 0.1})[0];
  EXPECT_TRUE(std::isnan(flat.correlation_ratio) && std::isnan(flat.rank_correlation.value));
  const Association few = associations(one_factor({1, 2, 3}), Numbers{1, 3, 2})[0];
  EXPECT_NEAR(few.rank_correlation.value, 0.5, 1e-15);
  EXPECT_TRUE(std::isnan(few.rank_correlation.low));
  const Association none = associations(one_factor({1, 2}), Numbers{nan, nan})[0];
  EXPECT_TRUE(std::isnan(none.correlation_ratio) && std::isnan(none.by_chance));
  EXPECT_TRUE(associations(MatX(2, 0), Numbers{1, 2}).empty());

  EXPECT_NE(thrown([&] { associations(x, Numbers(5)); }).find("each of 6 cases, found 5"), std::string::npos);
  EXPECT_NE(thrown([&] { associations(x, y, 1); }).find("bins"), std::string::npos);
  EXPECT_NE(thrown([&] { associations(x, y, 0, 1.5); }).find("confidence"), std::string::npos);
}

// --- spread ----------------------------------------------------------------------------------------------------------

TEST(PercentileTest, agrees_with_values_by_hand) {
  const Numbers five{50, 15, nan, 40, 20, 35};
  EXPECT_DOUBLE_EQ(percentile(five, 5), 16);
  EXPECT_DOUBLE_EQ(percentile(five, 30), 23);
  EXPECT_DOUBLE_EQ(percentile(five, 40), 29);
  EXPECT_EQ(percentile(five, 0), 15);
  EXPECT_EQ(percentile(five, 50), 35);
  EXPECT_EQ(percentile(five, 100), 50);
  EXPECT_DOUBLE_EQ(percentile(Numbers{4, 3, 2, 1}, 25), 1.75);
  EXPECT_EQ(percentile(Numbers{7}, 97.5), 7);
  EXPECT_TRUE(std::isnan(percentile(Numbers{nan}, 50)));
  for (const double percent : {-1e-9, 100.5, nan})
    EXPECT_NE(thrown([&] { percentile(five, percent); }).find("from 0 to 100"), std::string::npos);
}

TEST(OutputSummaryTest, agrees_with_values_by_hand) {
  const OutputSummary of = summarise(Numbers{5, nan, 1, 3, 2, 4}, Numbers{50, 25});
  EXPECT_EQ(of.cases, 5u);
  EXPECT_EQ(of.failed, 1u);
  EXPECT_DOUBLE_EQ(of.mean.value, 3);
  EXPECT_DOUBLE_EQ(of.standard_deviation, std::sqrt(2.5));
  // Student's t of 4 degrees of freedom, 97.5 %: 2.776 in any table
  EXPECT_NEAR(of.mean.low, 3 - 2.7764451051977987 * std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(of.mean.high, 3 + 2.7764451051977987 * std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(of.band_low, 1.1, 1e-14);
  EXPECT_NEAR(of.band_high, 4.9, 1e-14);
  EXPECT_EQ(of.lowest, 1);
  EXPECT_EQ(of.highest, 5);
  ASSERT_EQ(of.percentiles.size(), 2u);
  EXPECT_EQ(of.percentiles[0], 3);
  EXPECT_EQ(of.percentiles[1], 2);
}

TEST(OutputSummaryTest, at_the_edges) {
  const OutputSummary one = summarise(Numbers{0.1});
  EXPECT_EQ(one.mean.value, 0.1);
  EXPECT_TRUE(std::isnan(one.mean.low) && std::isnan(one.standard_deviation));
  EXPECT_EQ(one.band_low, 0.1);
  const OutputSummary flat = summarise(Numbers(1000, 0.1));
  EXPECT_EQ(flat.mean.value, 0.1);
  EXPECT_EQ(flat.standard_deviation, 0.0);
  EXPECT_EQ(flat.mean.high, 0.1);
  const OutputSummary none = summarise(Numbers{nan, nan}, Numbers{50});
  EXPECT_EQ(none.failed, 2u);
  EXPECT_TRUE(std::isnan(none.mean.value) && std::isnan(none.band_high) && std::isnan(none.percentiles[0]));
  EXPECT_NE(thrown([] { summarise({}, Numbers{101}); }).find("percentile"), std::string::npos);
  EXPECT_NE(thrown([] { summarise({}, {}, 0.0); }).find("confidence"), std::string::npos);
}

TEST(WorstCasesTest, are_the_largest_magnitudes_and_equals_in_order) {
  const Numbers y{1, -5, nan, 5, 3, -3, std::numeric_limits<double>::infinity()};
  EXPECT_EQ(worst_cases(y, 4), (std::vector<std::size_t>{1, 3, 4, 5}));
  EXPECT_EQ(worst_cases(y, 100), (std::vector<std::size_t>{1, 3, 4, 5, 0}));
  EXPECT_TRUE(worst_cases(y, 0).empty());
  EXPECT_TRUE(worst_cases({}, 3).empty());
}

// --- response surface ------------------------------------------------------------------------------------------------

// Factors as of a muscle: a length of centimetres, a force, an angle.
MatX muscle_factors(Eigen::Index cases) {
  MatX x(cases, 3);
  Points next = from_boost(3);
  for (Eigen::Index k = 0; k < cases; ++k) {
    const Numbers u = next();
    x.row(k) << 0.08 + 0.04 * u[0], 1000 + 800 * u[1], -0.2 + u[2];
  }
  return x;
}
double quadratic(const Numbers& x) {
  const double l = x[0] - 0.1, f = x[1] / 1000, a = x[2];
  return 2200 + 5e3 * l - 300 * f + 80 * a + 2e5 * l * l + 40 * f * f - 15 * a * a + 900 * l * f - 700 * l * a +
         6 * f * a;
}
Numbers quadratic_of(const MatX& x) {
  Numbers y;
  for (Eigen::Index k = 0; k < x.rows(); ++k) y.push_back(quadratic({x(k, 0), x(k, 1), x(k, 2)}));
  return y;
}

TEST(ResponseSurfaceTest, recovers_a_quadratic_from_few_cases_and_from_many) {
  for (const Eigen::Index cases : {20, 40, 3000}) {
    const MatX x = muscle_factors(cases);
    const ResponseSurface found = response_surface(x, quadratic_of(x), 10, 1);
    EXPECT_EQ(found.cases, static_cast<std::size_t>(cases));
    ASSERT_EQ(found.terms.size(), 10u);
    EXPECT_NEAR(found.r_squared, 1.0, 1e-12);
    EXPECT_NEAR(found.validated_r_squared, 1.0, 1e-12);
    EXPECT_LT(found.residual_rms, 1e-12 * 2200);
    EXPECT_LT(found.validated_rms, 1e-12 * 2200);
    // also far from the cases
    for (const Numbers& at : {Numbers{0.1, 1300, 0.3}, Numbers{0.07, 2000, -0.6}, Numbers{0.0, 0.0, 0.0}})
      EXPECT_NEAR(found(at), quadratic(at), 1e-12 * 2200);
    // by derivatives: a coefficient of z_i z_j is that of x_i x_j by both scales
    for (const ResponseSurface::Term& term : found.terms) {
      if (term.first == 0 && term.second == 0)
        EXPECT_NEAR(term.coefficient, 2e5 * found.scale[0] * found.scale[0], 1e-9);
      if (term.first == 0 && term.second == 2)
        EXPECT_NEAR(term.coefficient, -700 * found.scale[0] * found.scale[2], 1e-9);
      if (term.first == 2 && term.second == -1)
        EXPECT_NEAR(
            term.coefficient,
            found.scale[2] * (80 - 30 * found.centre[2] - 700 * (found.centre[0] - 0.1) + 6 * found.centre[1] / 1000),
            1e-9);
    }
  }
}

// Columns of the ten terms, in standard factors.
MatX terms_of(const ResponseSurface& surface, const MatX& x) {
  MatX columns(x.rows(), static_cast<Eigen::Index>(surface.terms.size()));
  const auto z = [&](Eigen::Index k, int i) {
    const auto at = static_cast<std::size_t>(i);
    return i < 0 ? 1.0 : (x(k, i) - surface.centre[at]) / surface.scale[at];
  };
  for (Eigen::Index k = 0; k < x.rows(); ++k)
    for (std::size_t t = 0; t < surface.terms.size(); ++t)
      columns(k, static_cast<Eigen::Index>(t)) = z(k, surface.terms[t].first) * z(k, surface.terms[t].second);
  return columns;
}

TEST(ResponseSurfaceTest, error_of_folds_of_one_case_is_what_the_hat_matrix_says) {
  // leaving out a case leaves e / (1 - h) there (Allen 1974)
  const MatX x = muscle_factors(60);
  Numbers y = quadratic_of(x);
  Uniform random(3);
  for (double& value : y) value += 50 * standard_normal(random);
  const ResponseSurface found = response_surface(x, y, 60);
  const MatX design = terms_of(found, x);
  const MatX hat = design * (design.transpose() * design).inverse() * design.transpose();
  const VecX output = Eigen::Map<const VecX>(y.data(), 60);
  const VecX residual = output - hat * output;
  double sum = 0.0;
  for (Eigen::Index k = 0; k < 60; ++k) sum += std::pow(residual[k] / (1 - hat(k, k)), 2);
  EXPECT_NEAR(found.validated_rms, std::sqrt(sum / 60), 1e-9);
  EXPECT_NEAR(found.residual_rms, residual.norm() / std::sqrt(60.0), 1e-9);
  const VecX apart = output.array() - output.mean();
  EXPECT_NEAR(found.r_squared, 1 - residual.squaredNorm() / apart.squaredNorm(), 1e-12);
  EXPECT_NEAR(found.validated_r_squared, 1 - sum / apart.squaredNorm(), 1e-12);
}

TEST(ResponseSurfaceTest, cross_validated_error_of_noise_is_the_noise) {
  constexpr double noise = 50.0;
  const MatX many = muscle_factors(4000);
  Numbers y = quadratic_of(many);
  Uniform random(8);
  for (double& value : y) value += noise * standard_normal(random);
  // a root mean square of n numbers is off by 1/sqrt(2 n) of itself: 1.1 %
  EXPECT_NEAR(response_surface(many, y).validated_rms, noise, 3 * noise / std::sqrt(8000.0));

  // of few cases the residual is less than the noise, by the share that 10 terms took, and a new case is off by more
  const MatX few = muscle_factors(40);
  double residual = 0.0, validated = 0.0;
  constexpr int repeats = 400;
  for (int k = 0; k < repeats; ++k) {
    Numbers z = quadratic_of(few);
    for (double& value : z) value += noise * standard_normal(random);
    const ResponseSurface found = response_surface(few, z, 10, static_cast<std::uint64_t>(k));
    residual += found.residual_rms * found.residual_rms / repeats;
    validated += found.validated_rms * found.validated_rms / repeats;
  }
  const double error = std::sqrt(2.0 / 30 / repeats);  // of a chi-square of 30 degrees of freedom
  EXPECT_NEAR(residual, noise * noise * 0.75, 4 * error * noise * noise);
  EXPECT_GT(validated, noise * noise * (1 + 10.0 / 36));  // the least that 36 cases with 10 terms allow
  EXPECT_LT(validated, noise * noise * 1.8);
}

TEST(ResponseSurfaceTest, cross_validation_sees_through_a_fit_of_noise) {
  const MatX x = muscle_factors(30);
  Numbers y;
  Uniform random(2);
  for (int k = 0; k < 30; ++k) y.push_back(standard_normal(random));
  const ResponseSurface found = response_surface(x, y);
  EXPECT_GT(found.r_squared, 0.1);
  EXPECT_LT(found.validated_r_squared, 0.0);
}

TEST(ResponseSurfaceTest, leaves_out_failed_cases) {
  MatX x = muscle_factors(50);
  Numbers y = quadratic_of(x);
  const ResponseSurface rest = response_surface(x.bottomRows(48), std::span(y).subspan(2));
  y[0] = nan;
  x(1, 2) = nan;
  const ResponseSurface found = response_surface(x, y);
  EXPECT_EQ(found.cases, 48u);
  EXPECT_EQ(found.dropped, 2u);
  for (std::size_t t = 0; t < 10; ++t) EXPECT_EQ(found.terms[t].coefficient, rest.terms[t].coefficient);
  EXPECT_EQ(found.validated_rms, rest.validated_rms);
}

TEST(ResponseSurfaceTest, gives_a_factor_only_terms_that_its_values_tell_apart) {
  MatX x = muscle_factors(60);
  const double two[] = {0.6, 1.0};
  for (Eigen::Index k = 0; k < 60; ++k) {
    x(k, 1) = two[k % 2];
    x(k, 2) = 7.0;
  }
  const auto f = [](double a, double b) { return 3 * a - 2 * b + 40 * a * b + 100 * a * a; };
  Numbers y;
  for (Eigen::Index k = 0; k < 60; ++k) y.push_back(f(x(k, 0), x(k, 1)));
  const ResponseSurface found = response_surface(x, y);
  ASSERT_EQ(found.terms.size(), 5u);  // 1, a, b, a^2, a b
  for (const ResponseSurface::Term& term : found.terms) {
    EXPECT_NE(term.first, 2);
    EXPECT_FALSE(term.first == 1 && term.second == 1);
  }
  EXPECT_NEAR(found(Numbers{0.09, 0.6, 7.0}), f(0.09, 0.6), 1e-12);
  EXPECT_EQ(found.scale[2], 1.0);
}

TEST(ResponseSurfaceTest, at_the_edges) {
  const MatX x = muscle_factors(10);
  const ResponseSurface tight = response_surface(x, quadratic_of(x));
  EXPECT_NEAR(tight.r_squared, 1.0, 1e-12);
  EXPECT_TRUE(std::isnan(tight.validated_rms) && std::isnan(tight.validated_r_squared));

  // one case alone shows the third value of a factor, so no fit without it has the square
  Numbers level(20), output;
  for (std::size_t k = 0; k < 20; ++k) level[k] = k == 13 ? 2.0 : static_cast<double>(k % 2);
  for (const double value : level) output.push_back(value * value);
  const ResponseSurface alone = response_surface(one_factor(level), output);
  EXPECT_NEAR(alone.r_squared, 1.0, 1e-12);
  EXPECT_TRUE(std::isnan(alone.validated_rms) && std::isnan(alone.validated_r_squared));

  const MatX more = muscle_factors(20);
  const ResponseSurface flat = response_surface(more, Numbers(20, 0.1));
  EXPECT_TRUE(std::isnan(flat.r_squared) && std::isnan(flat.validated_r_squared));
  EXPECT_NEAR(flat.validated_rms, 0.0, 1e-15);
  EXPECT_NEAR(flat(Numbers{0.1, 1200, 0}), 0.1, 1e-15);

  const ResponseSurface mean = response_surface(MatX(4, 0), Numbers{1, 2, 3, 6}, 4);  // no factor: the mean
  ASSERT_EQ(mean.terms.size(), 1u);
  EXPECT_DOUBLE_EQ(mean({}), 3.0);
  EXPECT_NEAR(mean.r_squared, 0.0, 1e-15);
  EXPECT_NEAR(mean.validated_rms, std::sqrt(14.0 / 4) * 4 / 3, 1e-14);  // each case from the mean of the others
}

TEST(ResponseSurfaceTest, is_the_same_bytes_for_the_same_seed) {
  const MatX x = muscle_factors(200);
  Numbers y = quadratic_of(x);
  Uniform random(8);
  for (double& value : y) value += standard_normal(random);
  const ResponseSurface one = response_surface(x, y, 7, 5), two = response_surface(x, y, 7, 5);
  for (std::size_t t = 0; t < one.terms.size(); ++t)
    EXPECT_EQ(std::memcmp(&one.terms[t].coefficient, &two.terms[t].coefficient, sizeof(double)), 0);
  EXPECT_EQ(std::memcmp(&one.validated_rms, &two.validated_rms, sizeof(double)), 0);
  EXPECT_NE(response_surface(x, y, 7, 6).validated_rms, one.validated_rms);
}

TEST(ResponseSurfaceTest, refuses_what_does_not_determine_it) {
  MatX x = muscle_factors(9);
  EXPECT_NE(
      thrown([&] { response_surface(x, quadratic_of(x)); }).find("the 10 terms of a quadratic in 3 factors, found 9"),
      std::string::npos);
  EXPECT_NE(thrown([&] { response_surface(x, Numbers(8)); }).find("each of 9 cases"), std::string::npos);
  x = muscle_factors(100);
  EXPECT_NE(thrown([&] { response_surface(x, Numbers(100, nan)); }).find("found 0"), std::string::npos);
  EXPECT_NE(thrown([&] { response_surface(x, quadratic_of(x), 1); }).find("folds"), std::string::npos);
  x.col(2) = 3 * x.col(0).array() + 1;  // zipped
  EXPECT_NE(thrown([&] { response_surface(x, quadratic_of(x)); }).find("10 terms only 6 can be told apart"),
            std::string::npos);
  x = muscle_factors(20);
  const ResponseSurface found = response_surface(x, quadratic_of(x));
  EXPECT_NE(thrown([&] { found(Numbers{1, 2}); }).find("expected 3 factors, found 2"), std::string::npos);
}

}  // namespace
}  // namespace psoas
