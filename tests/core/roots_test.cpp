// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/roots.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace psoas {
namespace {

struct SlopedValue {
  double value, slope;
};

TEST(Roots, NewtonFindsASquareRootInAFewSteps) {
  const auto f = [](double x) { return std::pair(x * x - 2.0, 2.0 * x); };
  for (const auto& [low, high] : {std::pair(0.0, 2.0), std::pair(2.0, 0.0), std::pair(1.0, 1e6)}) {
    const Root r = newton_root(f, low, high);
    EXPECT_TRUE(r.converged);
    EXPECT_NEAR(r.x, std::sqrt(2.0), 5e-16);
    EXPECT_LE(r.iterations, high > 2.0 ? 40 : 12);
  }
}

TEST(Roots, AGoodStartSavesSteps) {
  const auto f = [](double x) { return SlopedValue{std::cos(x) - x, -std::sin(x) - 1.0}; };
  const Root near = newton_root(f, 0.0, 1.5, {}, 0.739), outside = newton_root(f, 0.0, 1.5, {}, 9.0);
  EXPECT_TRUE(near.converged && outside.converged);
  EXPECT_NEAR(near.x, outside.x, 2e-16);
  EXPECT_LE(near.iterations, 5);
}

TEST(Roots, SlopesThatMisleadDoNotLeaveTheBracket) {
  // Newton alone diverges for atan from 2 and cycles for the cube root; a wrong slope is no harm either.
  const auto flat = [](double x) { return std::pair(std::atan(x - 0.1), 1.0 / (1.0 + (x - 0.1) * (x - 0.1))); };
  const auto steep = [](double x) {
    return std::pair(std::cbrt(x - 0.1), 1.0 / (3.0 * std::pow(std::cbrt(x - 0.1), 2)));
  };
  const auto wrong = [](double x) { return std::pair(x - 0.1, -7.0); };
  const auto nothing = [](double x) { return std::pair(x - 0.1, std::nan("")); };
  EXPECT_NEAR(newton_root(flat, -9.0, 50.0).x, 0.1, 1e-15);
  EXPECT_NEAR(newton_root(steep, -9.0, 50.0).x, 0.1, 1e-14);
  EXPECT_NEAR(newton_root(wrong, -9.0, 50.0).x, 0.1, 1e-15);
  EXPECT_NEAR(newton_root(nothing, -9.0, 50.0).x, 0.1, 1e-15);
  EXPECT_TRUE(newton_root(steep, -9.0, 50.0).converged && newton_root(wrong, -9.0, 50.0).converged);
}

TEST(Roots, ZeroIsFoundAsWell) {
  EXPECT_TRUE(newton_root([](double x) { return std::pair(x * x * x + x, 3 * x * x + 1); }, -1.0, 3.0).converged);
  const Root r = bisection_root([](double x) { return std::sinh(x); }, -1.0, 3.0);
  EXPECT_TRUE(r.converged);
  EXPECT_NEAR(r.x, 0.0, 1e-17);
}

TEST(Roots, BisectionHalvesDownToTheAskedWidth) {
  int calls = 0;
  const auto f = [&](double x) { return ++calls, std::exp(x) - 3.0; };
  const Root r = bisection_root(f, 0.0, 4.0, {.x = 1e-6});
  EXPECT_TRUE(r.converged);
  EXPECT_NEAR(r.x, std::log(3.0), 1e-6);
  EXPECT_EQ(calls, r.iterations + 2);
  EXPECT_EQ(r.iterations, 22);  // 4 / 2^22 < 1e-6
  EXPECT_TRUE(bisection_root(f, 0.0, 4.0, {.value = 0.01}).converged);
}

TEST(Roots, EndsAndFailuresAreTold) {
  const auto line = [](double x) { return std::pair(x - 1.0, 1.0); };
  EXPECT_TRUE(newton_root(line, 1.0, 2.0).converged);
  EXPECT_EQ(newton_root(line, 1.0, 2.0).x, 1.0);
  EXPECT_EQ(newton_root(line, 0.0, 1.0).iterations, 0);
  const Root none = newton_root(line, 2.0, 3.0);
  EXPECT_FALSE(none.converged);
  EXPECT_EQ(none.x, 2.0);
  EXPECT_EQ(none.value, 1.0);
  const auto hole = [](double x) { return std::abs(x) < 0.5 ? std::nan("") : x; };
  EXPECT_FALSE(bisection_root(hole, -1.0, 1.0).converged);
  EXPECT_FALSE(bisection_root([](double) { return std::nan(""); }, -1.0, 1.0).converged);
  EXPECT_FALSE(bisection_root([](double x) { return x; }, -1.0, std::numeric_limits<double>::infinity()).converged);
  EXPECT_FALSE(bisection_root([](double x) { return x - 0.1; }, -1.0, 1.0, {.iterations = 5}).converged);
}

TEST(Roots, AJumpIsFoundAsAPlace) {
  const Root r = bisection_root([](double x) { return x < 0.3 ? -1.0 : 1.0; }, 0.0, 1.0);
  EXPECT_TRUE(r.converged);
  EXPECT_NEAR(r.x, 0.3, 1e-15);
}

}  // namespace
}  // namespace psoas
