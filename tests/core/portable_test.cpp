// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/portable.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace psoas {
namespace {

/// Distance in units of the exact value's last place.
double ulps(double value, long double exact) {
  const double unit = std::ldexp(1.0, std::ilogb(static_cast<double>(exact)) - 52);
  return static_cast<double>(std::abs(static_cast<long double>(value) - exact) / static_cast<long double>(unit));
}

// The oracle is the C library's 80-bit arithmetic, which has 11 more bits.
constexpr int samples = 300'000;

TEST(Portable, ExpIsExactToALastPlace) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> wide(-708.0, 709.0), near(-3.0, 3.0), tiny(-1e-6, 1e-6);
  for (int i = 0; i < samples; ++i) {
    const double x = i % 3 == 0 ? wide(random) : i % 3 == 1 ? near(random) : tiny(random);
    ASSERT_LE(ulps(portable::exp(x), std::exp(static_cast<long double>(x))), 1.01) << x;
  }
  EXPECT_EQ(portable::exp(0.0), 1.0);
  EXPECT_EQ(portable::exp(-1e9), portable::exp(-708.0));
  EXPECT_EQ(portable::exp(1e9), portable::exp(709.0));
  EXPECT_TRUE(std::isfinite(portable::exp(709.0)));
}

TEST(Portable, LogIsExactToALastPlace) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> power(-700.0, 700.0), near(0.3, 3.0), one(-1e-9, 1e-9);
  for (int i = 0; i < samples; ++i) {
    const double x = i % 3 == 0 ? std::exp(power(random)) : i % 3 == 1 ? near(random) : 1.0 + one(random);
    const long double exact = std::log(static_cast<long double>(x));
    if (exact == 0.0L) continue;
    ASSERT_LE(ulps(portable::log(x), exact), 0.9) << x;
  }
  EXPECT_EQ(portable::log(1.0), 0.0);
  EXPECT_NEAR(portable::log(std::numeric_limits<double>::min()), -708.3964185322641, 1e-12);
  EXPECT_NEAR(portable::log(std::numeric_limits<double>::max()), 709.782712893384, 1e-12);
}

TEST(Portable, AsinhAndTanh) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> wide(-50.0, 50.0), small(-0.01, 0.01);
  for (int i = 0; i < samples; ++i) {
    const double x = i % 2 == 0 ? wide(random) : small(random);
    const double a = std::asinh(x);
    ASSERT_NEAR(portable::asinh(x), a, 3e-16 * std::max(1.0, std::abs(a))) << x;
    ASSERT_NEAR(portable::tanh(x), std::tanh(x), 3e-16) << x;
    ASSERT_EQ(portable::asinh(-x), -portable::asinh(x));
    ASSERT_EQ(portable::tanh(-x), -portable::tanh(x));
  }
  EXPECT_EQ(portable::tanh(1e300), 1.0);
  EXPECT_EQ(portable::asinh(0.0), 0.0);
}

TEST(Portable, NanStaysNanAndTheEndsAreDefined) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double x : {nan, -nan}) {
    EXPECT_TRUE(std::isnan(portable::exp(x)));
    EXPECT_TRUE(std::isnan(portable::log(x)));
    EXPECT_TRUE(std::isnan(portable::asinh(x)));
    EXPECT_TRUE(std::isnan(portable::tanh(x)));
  }
  EXPECT_EQ(portable::exp(inf), portable::exp(709.0));
  EXPECT_EQ(portable::exp(-inf), portable::exp(-708.0));
  EXPECT_EQ(portable::log(inf), inf);
  for (const double x : {0.0, -0.0, -1.0, -inf, 1e-320}) EXPECT_TRUE(std::isnan(portable::log(x))) << x;
}

}  // namespace
}  // namespace psoas
