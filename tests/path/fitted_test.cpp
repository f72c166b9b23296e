// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Fitted lengths against sums of textbook functions, their slopes against differences, and two continuous derivatives
// across knots and the ends of ranges.
#include "psoas/path/fitted.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "support/random.hpp"

namespace psoas::test {
namespace {

const std::vector<std::array<double, 2>> ranges = {{-0.5, 2.0}, {0.0, 1.5}, {-1.0, 1.0},
                                                   {-0.3, 0.4}, {0.2, 0.9}, {-2.0, 0.0}};

FittedTerm random_term(MersenneTwister& random, std::vector<int> coordinates, std::vector<int> intervals, int degree) {
  FittedTerm term{std::move(coordinates), std::move(intervals), degree, {}};
  const std::size_t size =
      FittedTerm::size(term.intervals, term.coordinates.size() - term.intervals.size(), term.degree);
  for (std::size_t i = 0; i < size; ++i) term.coefficients.push_back(random.uniform(-0.1, 0.1));
  return term;
}

/// Paths of every shape: constant, polynomials, splines, both, and two terms in common coordinates.
std::vector<std::vector<FittedTerm>> some_paths() {
  MersenneTwister random(3);
  return {{random_term(random, {}, {}, 0)},
          {random_term(random, {1}, {}, 5)},
          {random_term(random, {0, 2, 5}, {}, 4)},
          {random_term(random, {3}, {7}, 0)},
          {random_term(random, {2, 0}, {3, 5}, 0)},
          {random_term(random, {0, 1, 2}, {4, 1, 6}, 0)},
          {random_term(random, {4, 1}, {2}, 3)},
          {random_term(random, {5, 0, 3}, {2, 9}, 2), random_term(random, {3, 0}, {}, 3)},
          {random_term(random, {0, 1, 2, 3, 4, 5}, {3, 2, 4}, 2)},
          {random_term(random, {5, 4, 3, 2, 1, 0}, {}, 3)},
          // as many of one layout as are summed side by side, and more; of several degrees
          {random_term(random, {0, 1, 2, 3, 4, 5}, {3, 2, 4}, 1)},
          {random_term(random, {0, 2, 5}, {}, 2), random_term(random, {0, 2, 5}, {}, 5)},
          {random_term(random, {0, 2, 5}, {}, 0)},
          {random_term(random, {0, 2, 5}, {}, 3)},
          {random_term(random, {0, 2, 5}, {}, 3)},
          {random_term(random, {0, 2, 5}, {}, 1)},
          {random_term(random, {0, 1, 2}, {4, 1, 6}, 0)},
          {random_term(random, {5, 0, 3}, {2, 9}, 3)},
          {random_term(random, {5, 0, 3}, {2, 9}, 2)},
          {random_term(random, {5, 0, 3}, {2, 9}, 0)}};
}

/// B-splines by the recursion of de Boor (1972), function k of order 4 on knots ... -h, 0, h ...
double de_boor(int k, int order, double u) {
  if (order == 1) return u >= k && u < k + 1 ? 1.0 : 0.0;
  return (u - k) / (order - 1) * de_boor(k, order - 1, u) +
         (k + order - u) / (order - 1) * de_boor(k + 1, order - 1, u);
}

double value_of_term(const FittedTerm& term, const std::vector<double>& q) {
  const std::size_t splines = term.intervals.size(), polynomials = term.coordinates.size() - splines;
  std::size_t nodes = 1, entry = 0;
  for (const int n : term.intervals) nodes *= static_cast<std::size_t>(n + 3);
  double sum = 0.0;
  for (std::size_t node = 0; node < nodes; ++node) {
    double product = 1.0;
    std::size_t rest = node;
    for (std::size_t k = splines; k-- > 0;) {
      const auto count = static_cast<std::size_t>(term.intervals[k] + 3);
      const std::array<double, 2>& range = ranges[static_cast<std::size_t>(term.coordinates[k])];
      const double u =
          (q[static_cast<std::size_t>(term.coordinates[k])] - range[0]) / (range[1] - range[0]) * term.intervals[k];
      product *= de_boor(static_cast<int>(rest % count) - 3, 4, u);
      rest /= count;
    }
    for (const Powers& power : powers_of(polynomials, term.degree)) {
      double function = product;
      for (std::size_t k = 0; k < polynomials; ++k) {
        const auto c = static_cast<std::size_t>(term.coordinates[splines + k]);
        const double t = 2.0 * (q[c] - ranges[c][0]) / (ranges[c][1] - ranges[c][0]) - 1.0;
        function *= std::cos(power[k] * std::acos(t));
      }
      sum += term.coefficients[entry++] * function;
    }
  }
  return sum;
}

std::vector<double> posture(MersenneTwister& random, double beyond = 0.0) {
  std::vector<double> q;
  for (const auto& range : ranges) {
    const double margin = beyond * (range[1] - range[0]);
    q.push_back(random.uniform(range[0] - margin, range[1] + margin));
  }
  return q;
}

TEST(FittedPaths, are_sums_of_splines_and_polynomials) {
  const auto paths = some_paths();
  const FittedPaths fitted(paths, ranges);
  FittedWork<double> work(fitted);
  MersenneTwister random(5);
  for (int i = 0; i < 100; ++i) {
    const std::vector<double> q = posture(random);
    fitted.evaluate<double>(q, work);
    for (std::size_t p = 0; p < paths.size(); ++p) {
      double sum = 0.0;
      for (const FittedTerm& term : paths[p]) sum += value_of_term(term, q);
      EXPECT_NEAR(work.length[p], sum, 1e-13) << p;
      EXPECT_FALSE(work.outside[p]);
    }
  }
}

// In and beyond the ranges: slopes are differences of length, and second derivatives differences of slopes.
TEST(FittedPaths, slopes_are_differences) {
  const FittedPaths fitted(some_paths(), ranges);
  FittedWork<double> work(fitted), above = work, below = work;
  FittedWork<Dual<4>> dual(fitted);
  MersenneTwister random(6);
  constexpr double h = 1e-5;
  for (int i = 0; i < 200; ++i) {
    const std::vector<double> q = posture(random, 0.2);
    fitted.evaluate<double>(q, work);
    for (std::size_t c = 0; c < q.size(); ++c) {
      std::vector<double> up = q, down = q;
      up[c] += h;
      down[c] -= h;
      fitted.evaluate<double>(up, above);
      fitted.evaluate<double>(down, below);
      std::vector<Dual<4>> seeded(q.begin(), q.end());
      seeded[c] = Dual<4>(q[c], 0);
      fitted.evaluate<Dual<4>>(seeded, dual);
      for (int p = 0; p < fitted.paths(); ++p) {
        const auto at = static_cast<std::size_t>(p);
        const int own = fitted.slope_of(p, static_cast<int>(c));
        const double slope = own < 0 ? 0.0 : work.slope[static_cast<std::size_t>(own)];
        // truncation h^2 f''' / 6 with f''' up to 1e3
        EXPECT_NEAR((above.length[at] - below.length[at]) / (2 * h), slope, 1e-7) << p << " " << c;
        EXPECT_NEAR(dual.length[at].v[0], slope, 1e-12);
        for (int s = fitted.first_slope(p); s < fitted.first_slope(p + 1); ++s) {
          const auto k = static_cast<std::size_t>(s);
          EXPECT_EQ(dual.slope[k].a, work.slope[k]);
          EXPECT_NEAR((above.slope[k] - below.slope[k]) / (2 * h), dual.slope[k].v[0], 2e-3) << "a knot between";
        }
      }
    }
  }
}

TEST(FittedPaths, two_derivatives_are_continuous_across_knots_and_ends) {
  const auto paths = some_paths();
  const FittedPaths fitted(paths, ranges);
  FittedWork<Dual<4>> below(fitted), above(fitted);
  MersenneTwister random(7);
  int seen = 0;
  for (std::size_t p = 0; p < paths.size(); ++p)
    for (const FittedTerm& term : paths[p])
      for (std::size_t k = 0; k < term.coordinates.size(); ++k) {
        const auto c = static_cast<std::size_t>(term.coordinates[k]);
        const int intervals = k < term.intervals.size() ? term.intervals[k] : 1;
        for (int knot = 0; knot <= intervals; ++knot) {
          const std::vector<double> q = posture(random, 0.1);
          std::vector<Dual<4>> x(q.begin(), q.end());
          const double place = ranges[c][0] + (ranges[c][1] - ranges[c][0]) * knot / intervals;
          x[c] = Dual<4>(place - 1e-9, 0);
          fitted.evaluate<Dual<4>>(x, below);
          x[c] = Dual<4>(place + 1e-9, 0);
          fitted.evaluate<Dual<4>>(x, above);
          EXPECT_NEAR(below.length[p].a, above.length[p].a, 1e-8);
          for (int s = fitted.first_slope(static_cast<int>(p)); s < fitted.first_slope(static_cast<int>(p) + 1); ++s) {
            const auto i = static_cast<std::size_t>(s);
            EXPECT_NEAR(below.slope[i].a, above.slope[i].a, 1e-7);
            EXPECT_NEAR(below.slope[i].v[0], above.slope[i].v[0], 1e-5) << p << " " << c << " " << knot;
            seen += std::abs(above.slope[i].v[0]) > 1e-3;
          }
        }
      }
  EXPECT_GT(seen, 100) << "bends that could have jumped";
}

TEST(FittedPaths, flag_postures_beyond_the_range) {
  const FittedPaths fitted(some_paths(), ranges);
  FittedWork<double> work(fitted);
  std::vector<double> q;
  for (const auto& range : ranges) q.push_back(0.5 * (range[0] + range[1]));
  q[3] = 0.41;
  fitted.evaluate<double>(q, work);
  const std::vector<char> expected = {0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  EXPECT_EQ(work.outside, expected);
}

TEST(FittedPaths, what_is_not_a_number_stays_one_and_harms_nothing) {
  const FittedPaths fitted(some_paths(), ranges);
  FittedWork<double> work(fitted);
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL})
    for (std::size_t c = 0; c < ranges.size(); ++c) {
      std::vector<double> q(ranges.size(), 0.3);
      q[c] = bad;
      fitted.evaluate<double>(q, work);
      int without = 0;
      for (int p = 0; p < fitted.paths(); ++p) {
        const bool finite = std::isfinite(work.length[static_cast<std::size_t>(p)]);
        EXPECT_TRUE(finite || fitted.slope_of(p, static_cast<int>(c)) >= 0) << bad << " in " << c << ", path " << p;
        without += !finite;
      }
      EXPECT_GT(without, 2) << bad << " in coordinate " << c;
    }
}

TEST(FittedPaths, allocate_nothing) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const FittedPaths fitted(some_paths(), ranges);
  FittedWork<double> work(fitted);
  FittedWork<Dual<4>> dual(fitted);
  MersenneTwister random(8);
  const std::vector<double> q = posture(random, 0.3);
  const std::vector<Dual<4>> x(q.begin(), q.end());
  const std::size_t before = heap_allocations();
  fitted.evaluate<double>(q, work);
  fitted.evaluate<Dual<4>>(x, dual);
  EXPECT_EQ(heap_allocations(), before);
}

TEST(FittedPaths, refuse_what_is_no_term) {
  const auto refused = [](FittedTerm term) { return error_of([&] { FittedPaths({{std::move(term)}}, ranges); }); };
  EXPECT_EQ(refused({{1}, {}, 2, {0.1, 0.2}}), "fitted path: expected as many coefficients as there are functions");
  EXPECT_EQ(refused({{6}, {}, 0, {0.1}}), "fitted path: expected coordinates with a range of some length");
  EXPECT_EQ(refused({{0, 1, 2, 3}, {1, 1, 1, 1}, 0, {0.1}}),
            "fitted path: expected at most three coordinates with splines and six with polynomials");
  EXPECT_EQ(refused({{0}, {0}, 0, {0.1}}), "fitted path: expected 1 to 64 intervals");
  EXPECT_EQ(refused({{0}, {}, 13, {}}), "fitted path: expected a degree from 0 to 12");
}

}  // namespace
}  // namespace psoas::test
