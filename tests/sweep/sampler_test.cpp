// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/random/sobol.hpp>
#include <cmath>
#include <set>
#include <vector>

#include "psoas/core/sampling.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

using test::error_of;
using Points = std::vector<std::vector<double>>;

Points all(const Design& design) {
  Points points;
  for (std::uint64_t k = 0; k < design.count(); ++k) {
    points.emplace_back(design.dimensions());
    design.point(k, points.back());
  }
  return points;
}

std::vector<std::size_t> continuous(std::size_t dimensions) { return std::vector<std::size_t>(dimensions, 0); }

/// Whether each of n equal parts of dimension d has one point.
bool is_stratified(const Points& points, std::size_t d) {
  std::vector<int> counts(points.size(), 0);
  for (const auto& p : points) {
    const double part = std::floor(p[d] * static_cast<double>(points.size()));
    if (!(part >= 0.0 && part < static_cast<double>(points.size()))) return false;
    ++counts[static_cast<std::size_t>(part)];
  }
  return std::all_of(counts.begin(), counts.end(), [](int n) { return n == 1; });
}

double nearest(const Points& points) {
  double least = inf;
  for (std::size_t a = 0; a < points.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) {
      double square = 0.0;
      for (std::size_t d = 0; d < points[a].size(); ++d) square += std::pow(points[a][d] - points[b][d], 2);
      least = std::min(least, square);
    }
  return std::sqrt(least);
}

TEST(Grid, HasEveryCombinationTheLastFactorFastest) {
  const Design design(GridSampler{}, {2, 3});
  ASSERT_EQ(design.count(), 6u);
  const Points points = all(design);
  for (std::size_t i = 0, k = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 3; ++j, ++k) {
      EXPECT_EQ(static_cast<std::size_t>(points[k][0] * 2.0), i);
      EXPECT_EQ(static_cast<std::size_t>(points[k][1] * 3.0), j);
    }
}

TEST(Zip, TakesLevelsSideBySide) {
  const Points points = all(Design(ZipSampler{}, {4, 4}));
  ASSERT_EQ(points.size(), 4u);
  for (std::size_t k = 0; k < 4; ++k)
    for (const double p : points[k]) EXPECT_EQ(static_cast<std::size_t>(p * 4.0), k);
}

TEST(Random, IsEvenAndIndependent) {
  const Design design(RandomSampler{20000, 3}, continuous(3));
  const Points points = all(design);
  std::vector<int> cells(1000, 0);
  for (const auto& p : points) {
    std::size_t cell = 0;
    for (const double x : p) {
      ASSERT_GT(x, 0.0);
      ASSERT_LT(x, 1.0);
      cell = cell * 10 + static_cast<std::size_t>(x * 10.0);
    }
    ++cells[cell];
  }
  // chi-square of 1000 cells with 20 each: 999 degrees of freedom, standard deviation sqrt(1998); four of them
  double chi = 0.0;
  for (const int n : cells) chi += (n - 20.0) * (n - 20.0) / 20.0;
  EXPECT_NEAR(chi, 999.0, 4.0 * std::sqrt(1998.0));
  EXPECT_NE(points, all(Design(RandomSampler{20000, 4}, continuous(3))));
}

// More samples or more factors leave the earlier ones where they are.
TEST(Random, GrowsWithoutMoving) {
  const Points small = all(Design(RandomSampler{50, 3}, continuous(2)));
  const Points large = all(Design(RandomSampler{80, 3}, continuous(4)));
  for (std::size_t k = 0; k < 50; ++k)
    for (std::size_t d = 0; d < 2; ++d) EXPECT_EQ(small[k][d], large[k][d]);
}

TEST(LatinHypercube, HasOnePointInEachPartOfEachFactor) {
  for (const int n : {1, 2, 3, 7, 64, 1000, 4097})
    for (const int seed : {0, 1, 99}) {
      const Points points = all(Design(LatinHypercubeSampler{n, seed, 0}, continuous(5)));
      for (std::size_t d = 0; d < 5; ++d) EXPECT_TRUE(is_stratified(points, d)) << n << " " << seed << " " << d;
    }
  const Points tried = all(Design(LatinHypercubeSampler{40, 5, 20}, continuous(3)));
  for (std::size_t d = 0; d < 3; ++d) EXPECT_TRUE(is_stratified(tried, d));
}

TEST(LatinHypercube, FactorsAreUncorrelatedOverSeeds) {
  // of n points the correlation has standard deviation 1 / sqrt(n - 1); its mean over 100 seeds a tenth of that
  constexpr int n = 100, seeds = 100;
  double sum = 0.0, squares = 0.0;
  for (int seed = 0; seed < seeds; ++seed) {
    double product = 0.0;
    for (const auto& p : all(Design(LatinHypercubeSampler{n, seed, 0}, continuous(2))))
      product += (p[0] - 0.5) * (p[1] - 0.5);
    const double r = product / n * 12.0;
    sum += r, squares += r * r;
  }
  EXPECT_NEAR(sum / seeds, 0.0, 4.0 / std::sqrt((n - 1.0) * seeds));
  EXPECT_NEAR(std::sqrt(squares / seeds) * std::sqrt(n - 1.0), 1.0, 0.3);
}

TEST(LatinHypercube, MaximinKeepsPointsApart) {
  const Points first = all(Design(LatinHypercubeSampler{30, 5, 0}, continuous(2)));
  const Points one = all(Design(LatinHypercubeSampler{30, 5, 1}, continuous(2)));
  const Points best = all(Design(LatinHypercubeSampler{30, 5, 200}, continuous(2)));
  EXPECT_EQ(first, one);
  EXPECT_GT(nearest(best), 1.5 * nearest(first));
  EXPECT_NE(error_of([] { Design(LatinHypercubeSampler{6000, 5, 2}, {0}); }).find("5000"), std::string::npos);
}

TEST(Sobol, PlainPointsAreThoseOfBoost) {
  for (const std::size_t dimensions : {1, 2, 13, 100}) {
    boost::random::sobol engine(dimensions);
    const Points points = all(Design(SobolSampler{1025, 0, {}, false}, continuous(dimensions)));
    ASSERT_EQ(points.size(), 1025u);
    for (const auto& point : points)
      for (const double p : point) ASSERT_EQ(p, std::ldexp(static_cast<double>(engine()), -64));
  }
}

TEST(Sobol, SkipsToAnyPoint) {
  constexpr int skip = 123456789;
  boost::random::sobol engine(4);
  engine.seed(skip);
  for (const auto& point : all(Design(SobolSampler{100, skip, {}, false}, continuous(4))))
    for (const double p : point) ASSERT_EQ(p, std::ldexp(static_cast<double>(engine()), -64));
}

TEST(Sobol, ScramblingKeepsTheStrataAndFollowsTheSeed) {
  // With the zeroth point left out the sequence's points 1 to 2^m have one in each part; scrambled as well.
  const Points plain = all(Design(SobolSampler{256, 0, {}, false}, continuous(6)));
  const Points one = all(Design(SobolSampler{255, 0, 1, false}, continuous(6)));
  const Points other = all(Design(SobolSampler{255, 0, 2, false}, continuous(6)));
  EXPECT_NE(one, other);
  EXPECT_EQ(one, all(Design(SobolSampler{255, 0, 1, false}, continuous(6))));
  for (std::size_t d = 0; d < 6; ++d) {
    std::set<int> parts, plain_parts;
    for (const auto& p : one) parts.insert(static_cast<int>(p[d] * 256.0));
    for (std::size_t k = 0; k < 255; ++k) plain_parts.insert(static_cast<int>(plain[k][d] * 256.0));
    EXPECT_EQ(parts.size(), 255u) << "255 points of a net of 256 are in different parts";
    EXPECT_EQ(plain_parts.size(), 255u);
  }
  // and so do the boxes of 2-dimensional nets: 16 x 16 of the first two dimensions
  std::set<int> boxes;
  for (const auto& p : one) boxes.insert(static_cast<int>(p[0] * 16.0) * 16 + static_cast<int>(p[1] * 16.0));
  EXPECT_EQ(boxes.size(), 255u);
}

// Owen: the mean over scramblings is the integral, and its error falls faster than that of random points.
TEST(Sobol, ScrambledMeansScatterLessThanRandomOnes) {
  const auto f = [](const std::vector<double>& p) { return p[0] * p[1] * p[1] + std::exp(p[2]); };
  const double exact = 1.0 / 6.0 + std::exp(1.0) - 1.0;
  double mean = 0.0, scrambled = 0.0, random = 0.0;
  constexpr int seeds = 50;
  for (int seed = 0; seed < seeds; ++seed) {
    double a = 0.0, b = 0.0;
    for (const auto& p : all(Design(SobolSampler{256, 0, seed, false}, continuous(3)))) a += f(p) / 256.0;
    for (const auto& p : all(Design(RandomSampler{256, seed}, continuous(3)))) b += f(p) / 256.0;
    mean += a / seeds;
    scrambled += (a - exact) * (a - exact) / seeds, random += (b - exact) * (b - exact) / seeds;
  }
  EXPECT_LT(std::abs(mean - exact), 4.0 * std::sqrt(scrambled / seeds) + 1.0 / 256.0 / 256.0);
  EXPECT_LT(scrambled, random / 50.0);
}

TEST(Sobol, IndicesAreTheDesignOfSaltelli) {
  for (const std::optional<int> seed : {std::optional<int>{}, std::optional<int>{3}}) {
    constexpr std::size_t n = 3;
    const Design design(SobolSampler{16, 5, seed, true}, continuous(n));
    ASSERT_EQ(design.count(), 16u * (n + 2));
    const Points rows = all(design), both = all(Design(SobolSampler{16, 5, seed, false}, continuous(2 * n)));
    for (std::size_t i = 0; i < 16; ++i)
      for (std::size_t d = 0; d < n; ++d) {
        EXPECT_EQ(rows[i * (n + 2)][d], both[i][d]);
        EXPECT_EQ(rows[i * (n + 2) + 1][d], both[i][n + d]);
        for (std::size_t j = 0; j < n; ++j)
          EXPECT_EQ(rows[i * (n + 2) + 2 + j][d], d == j ? both[i][n + d] : both[i][d]);
      }
  }
}

TEST(Morris, ChangesOneFactorAStepByHalfTheLevels) {
  for (const int levels : {2, 4, 8}) {
    constexpr std::size_t n = 5;
    const Design design(MorrisSampler{200, levels, 11}, continuous(n));
    ASSERT_EQ(design.count(), 200u * (n + 1));
    const Points points = all(design);
    const double step = levels / (2.0 * (levels - 1.0));
    std::vector<int> up(n, 0), first(n, 0);
    for (std::size_t t = 0; t < 200; ++t) {
      std::set<std::size_t> changed;
      for (std::size_t s = 1; s <= n; ++s) {
        const auto &a = points[t * (n + 1) + s - 1], &b = points[t * (n + 1) + s];
        int differ = 0;
        for (std::size_t d = 0; d < n; ++d) {
          const double level = b[d] * (levels - 1.0);
          EXPECT_NEAR(level, std::round(level), 1e-12);
          EXPECT_TRUE(b[d] >= 0.0 && b[d] <= 1.0);
          if (a[d] == b[d]) continue;
          ++differ;
          EXPECT_NEAR(std::abs(a[d] - b[d]), step, 1e-12);
          EXPECT_TRUE(changed.insert(d).second);
          up[d] += b[d] > a[d];
          if (s == 1) ++first[d];
        }
        EXPECT_EQ(differ, 1);
      }
      EXPECT_EQ(changed.size(), n);
    }
    for (std::size_t d = 0; d < n; ++d) {
      EXPECT_NEAR(up[d], 100, 4.0 * std::sqrt(50.0));          // up as often as down
      EXPECT_NEAR(first[d], 40, 4.0 * std::sqrt(200 * 0.16));  // each factor first as often
    }
  }
}

TEST(Design, APointIsTheSameInAnyOrder) {
  const std::vector<Sampler> samplers{
      RandomSampler{300, 1},           LatinHypercubeSampler{300, 1, 0}, LatinHypercubeSampler{300, 1, 5},
      SobolSampler{300, 7, {}, false}, SobolSampler{60, 0, 9, true},     MorrisSampler{75, 4, 2}};
  for (const Sampler& sampler : samplers) {
    const Design design(sampler, continuous(3)), again(sampler, continuous(3));
    const Points points = all(design);
    ASSERT_EQ(points.size(), 300u);
    for (std::uint64_t i = 0; i < 300; ++i) {
      const std::uint64_t k = shuffled(i, 300, 42);
      std::vector<double> p(3);
      again.point(k, p);
      EXPECT_EQ(p, points[k]);
    }
  }
}

TEST(Design, RefusesWhatItCannotMake) {
  const auto said = [](const Sampler& sampler, std::vector<std::size_t> levels) {
    return error_of([&] { Design(sampler, levels); });
  };
  EXPECT_EQ(said(GridSampler{}, {10000, 10000, 10000}), "sampler: expected at most 1000000000 cases, found more");
  EXPECT_EQ(said(GridSampler{}, std::vector<std::size_t>(500, 10)),
            "sampler: expected at most 1000000000 cases, found more");
  EXPECT_EQ(said(GridSampler{}, {3, 0}),
            "sampler: expected a list, grid or range for each factor of a full grid, found a distribution");
  EXPECT_EQ(said(ZipSampler{}, {3, 4}), "sampler: expected as many levels of each factor, found 3 and 4");
  EXPECT_EQ(said(SobolSampler{900000000, 0, {}, true}, continuous(3)),
            "sampler: expected at most 1000000000 cases, found more");
  EXPECT_EQ(said(SobolSampler{4, 0, {}, false}, continuous(3668)),
            "sampler: expected at most 3667 factors, found 3668");
  EXPECT_EQ(said(MorrisSampler{3, 5, 0}, {0}), "sampler: expected an even number of levels");
  EXPECT_EQ(said(RandomSampler{0, 0}, {0}), "sampler: expected at least one case");
  EXPECT_EQ(said(RandomSampler{1, 0}, {}), "sampler: expected at least one factor that the sampler varies");
}

TEST(Shuffled, IsAnOrderOfAllNumbers) {
  for (const std::uint64_t n : {1u, 2u, 3u, 4u, 5u, 16u, 17u, 1000u, 65537u}) {
    std::vector<bool> seen(n, false);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t k = shuffled(i, n, 7);
      ASSERT_LT(k, n);
      ASSERT_FALSE(seen[k]);
      seen[k] = true;
    }
  }
  // all 24 orders of four are as frequent: chi-square of 23 degrees of freedom
  std::vector<int> counts(256, 0);
  for (std::uint64_t key = 0; key < 4800; ++key) {
    std::size_t word = 0;
    for (std::uint64_t i = 0; i < 4; ++i) word = word * 4 + shuffled(i, 4, random_bits(1, key));
    ++counts[word];
  }
  double chi = 0.0;
  int orders = 0;
  for (const int n : counts)
    if (n > 0) chi += (n - 200.0) * (n - 200.0) / 200.0, ++orders;
  EXPECT_EQ(orders, 24);
  EXPECT_LT(chi, 49.7);  // exceeded once in a thousand
}

}  // namespace
}  // namespace psoas
