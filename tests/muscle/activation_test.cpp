// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/activation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace psoas {
namespace {

TEST(Activation, TimeConstantsMeanWhatTheySay) {
  // Far from equality the smooth form is Thelen's: 1 / (ta z) rising, z / td falling.
  const MuscleParameters unit;
  const double rise = 0.9 / (0.015 * (0.5 + 1.5 * 0.1)), fall = 0.9 * (0.5 + 1.5 * 0.9) / 0.060;
  EXPECT_NEAR(activation_rate(unit, 1.0, 0.1), rise, 1e-6 * rise);
  EXPECT_NEAR(activation_rate(unit, 0.0, 0.9), -fall, 1e-5 * fall);
}

TEST(Activation, RestsWhereExcitationIsActivation) {
  const MuscleParameters unit;
  for (int i = 0; i <= 20; ++i) {
    const double a = i / 20.0;
    EXPECT_EQ(activation_rate(unit, a, a), 0.0);
    EXPECT_GT(activation_rate(unit, a + 0.01, a), 0.0);
    EXPECT_LT(activation_rate(unit, a - 0.01, a), 0.0);
  }
}

TEST(Activation, StaysBetweenZeroAndOneAndSettles) {
  const MuscleParameters unit;
  double a = 0.01;
  const auto run = [&](double e) {  // 1 s
    for (int i = 0; i < 10000; ++i) {
      a += 1e-4 * activation_rate(unit, e, a);
      ASSERT_GE(a, 0.0);
      ASSERT_LE(a, 1.0);
    }
  };
  run(1.0);
  EXPECT_NEAR(a, 1.0, 1e-6);
  run(0.0);
  EXPECT_LT(a, 1e-3);
}

TEST(Activation, DualIsTheCentralDifference) {
  const MuscleParameters unit;
  for (double b : {0.1, 10.0})
    for (double e = 0.05; e < 1.0; e += 0.1)
      for (double a = 0.05; a < 1.0; a += 0.13) {
        const double h = 1e-5;
        const Dual<4> y = activation_rate(unit, Dual<4>(e, 0), Dual<4>(a, 1), b);
        EXPECT_EQ(y.a, activation_rate(unit, e, a, b));
        const double de = (activation_rate(unit, e + h, a, b) - activation_rate(unit, e - h, a, b)) / (2 * h);
        const double da = (activation_rate(unit, e, a + h, b) - activation_rate(unit, e, a - h, b)) / (2 * h);
        EXPECT_NEAR(y.v[0], de, 1e-6 * (1.0 + std::abs(de)));
        EXPECT_NEAR(y.v[1], da, 1e-6 * (1.0 + std::abs(da)));
      }
}

TEST(Activation, GrowsWithExcitation) {
  const MuscleParameters unit;
  for (double b : {0.1, 10.0})
    for (double a = 0.0; a <= 1.0; a += 0.01)
      for (double e = 0.0; e < 0.995; e += 0.01)
        ASSERT_LT(activation_rate(unit, e, a, b), activation_rate(unit, e + 0.01, a, b)) << "e " << e << " a " << a;
}

TEST(ExcitationSearch, InvertsTheRate) {
  const MuscleParameters unit;
  for (double b : {0.1, 10.0})
    for (double a = 0.01; a < 1.0; a += 0.07)
      for (int i = 0; i <= 20; ++i) {
        const double e = i / 20.0, rate = activation_rate(unit, e, a, b);
        const ExcitationSearch found = excitation_for(unit, a, rate, b);
        EXPECT_TRUE(found.converged);
        EXPECT_FALSE(found.saturated) << "e " << e << " a " << a;
        EXPECT_NEAR(found.excitation, e, 1e-12) << "a " << a;
      }
}

TEST(ExcitationSearch, SaysWhenItIsSaturated) {
  const MuscleParameters unit;
  const ExcitationSearch high = excitation_for(unit, 0.5, 1e4), low = excitation_for(unit, 0.5, -1e4);
  EXPECT_TRUE(high.saturated && low.saturated);
  EXPECT_EQ(high.excitation, 1.0);
  EXPECT_EQ(low.excitation, 0.0);
  EXPECT_EQ(excitation_for(unit, 0.3, 0.0).excitation, 0.3);
  EXPECT_TRUE(excitation_for(unit, 1.0, 0.1).saturated);
  EXPECT_TRUE(excitation_for(unit, 0.0, -0.1).saturated);
}

MuscleParameters thelen_unit() {
  MuscleParameters unit;
  unit.activation_dynamics = ActivationDynamics::thelen;
  return unit;
}

TEST(Activation, ThelensRatesHaveTheirTimeConstants) {
  const MuscleParameters unit = thelen_unit();
  EXPECT_DOUBLE_EQ(activation_rate(unit, 1.0, 0.1), 0.9 / (0.015 * 0.65));
  EXPECT_DOUBLE_EQ(activation_rate(unit, 0.0, 0.9), -0.9 * 1.85 / 0.060);
  EXPECT_EQ(activation_rate(unit, 0.4, 0.4), 0.0);
}

TEST(Activation, ExactSolutionIsWhereSmallStepsLead) {
  const MuscleParameters unit = thelen_unit();
  for (const double e : {0.0, 0.2, 0.7, 1.0})
    for (const double start : {0.0, 0.01, 0.35, 0.7, 1.0}) {
      double a = start;
      const double step = 1e-5;
      for (int i = 1; i <= 12000; ++i) {  // classical Runge and Kutta
        const double k1 = activation_rate(unit, e, a), k2 = activation_rate(unit, e, a + 0.5 * step * k1),
                     k3 = activation_rate(unit, e, a + 0.5 * step * k2), k4 = activation_rate(unit, e, a + step * k3);
        a += step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
        if (i % 1000 == 0) {
          EXPECT_NEAR(thelen_activation(unit, e, start, i * step), a, 1e-12) << "from " << start << " to " << e;
        }
      }
    }
}

TEST(Activation, ExactSolutionComposesAndStaysBetweenItsEnds) {
  const MuscleParameters unit = thelen_unit();
  for (const double e : {0.0, 0.3, 1.0})
    for (const double start : {0.0, 0.2, 0.3, 0.9, 1.0}) {
      EXPECT_NEAR(thelen_activation(unit, e, start, 0.0), start, 1e-15);
      EXPECT_NEAR(thelen_activation(unit, e, start, 1e6), e, 1e-15);
      const double half = thelen_activation(unit, e, start, 0.02), whole = thelen_activation(unit, e, start, 0.05);
      EXPECT_NEAR(thelen_activation(unit, e, half, 0.03), whole, 1e-14);
      EXPECT_GE(whole, std::min(e, start) - 1e-15);
      EXPECT_LE(whole, std::max(e, start) + 1e-15);
    }
}

TEST(Activation, ExcitationOfARateWithThelensDynamics) {
  const MuscleParameters unit = thelen_unit();
  for (const double e : {0.0, 0.2, 0.55, 1.0}) {
    const ExcitationSearch found = excitation_for(unit, 0.4, activation_rate(unit, e, 0.4));
    EXPECT_TRUE(found.converged);
    EXPECT_NEAR(found.excitation, e, 1e-12);
  }
}

}  // namespace
}  // namespace psoas
