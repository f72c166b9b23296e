// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/sampling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace psoas {
namespace {

TEST(Scatter, in_one_dimension_goes_by_the_golden_ratio) {
  const double golden = 0.5 * (1.0 + std::sqrt(5.0));
  double x = 0.0;
  for (std::size_t k = 0; k < 100; ++k) {
    scatter(k, {&x, 1});
    const double expected = 0.5 + static_cast<double>(k) / golden;
    EXPECT_NEAR(x, expected - std::floor(expected), 1e-13);
  }
}

TEST(Scatter, fills_every_part_of_a_box_evenly) {
  // of 4096 points each of 4^n boxes gets its share; a random set is off by several times the root of the share
  for (const std::size_t n : {2u, 3u}) {
    std::vector<int> count(static_cast<std::size_t>(std::pow(4, n)), 0);
    std::vector<double> x(n);
    constexpr int points = 4096;
    for (std::size_t k = 0; k < points; ++k) {
      scatter(k, x);
      std::size_t box = 0;
      for (const double value : x) {
        ASSERT_GE(value, 0.0);
        ASSERT_LT(value, 1.0);
        box = 4 * box + static_cast<std::size_t>(4.0 * value);
      }
      ++count[box];
    }
    const double share = points / static_cast<double>(count.size());
    for (const int found : count) EXPECT_NEAR(found, share, std::sqrt(share)) << n;
  }
}

}  // namespace
}  // namespace psoas
