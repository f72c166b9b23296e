// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The stiff integrator against a published reference solution, a closed form, and its own order.
#include "solve/stiff.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace psoas {
namespace {

/// Robertson's reactions (1966), rate constants 0.04, 3e7, 1e4.
const StiffSystem robertson = {3, nullptr,
                               [](void*, double, const double* x, double* f) {
                                 f[0] = -0.04 * x[0] + 1e4 * x[1] * x[2];
                                 f[2] = 3e7 * x[1] * x[1];
                                 f[1] = -f[0] - f[2];
                               },
                               [](void*, double, const double* x, double* J, double* dfdt) {
                                 const std::array<double, 9> rows = {
                                     -0.04,       1e4 * x[2], 1e4 * x[1], 0.04, -1e4 * x[2] - 6e7 * x[1],
                                     -1e4 * x[1], 0.0,        6e7 * x[1], 0.0};
                                 std::copy(rows.begin(), rows.end(), J);
                                 dfdt[0] = dfdt[1] = dfdt[2] = 0.0;
                               }};

TEST(Stiff, RobertsonsReactions) {
  // Reference at t = 40: Hairer & Wanner 1996 / the CVODE example, y = (0.7158, 9.185e-6, 0.2842).
  std::vector<double> x = {1.0, 0.0, 0.0};
  const std::vector<double> times = {0.0, 0.4, 4.0, 40.0};
  int steps = 0;
  double t = 0.0;
  ASSERT_EQ(integrate_stiff(
                robertson, x.data(), times.data(), 4, {1e-9, 1e-6, 1e9}, [](void*, int, const double*) {}, &steps, &t),
            StiffEnd::done);
  EXPECT_NEAR(x[0], 0.71583, 1e-5);
  EXPECT_NEAR(x[1], 9.1855e-6, 1e-9);
  EXPECT_NEAR(x[2], 0.28416, 1e-5);
  EXPECT_NEAR(x[0] + x[1] + x[2], 1.0, 1e-12);
  EXPECT_LT(steps, 2000);  // an explicit method would need about a million
}

/// A fast decay onto a slow curve that moves with time: x' = -10 (x - cos t) - sin t, whose solution from 1 is cos t.
const StiffSystem curve = {
    1, nullptr, [](void*, double t, const double* x, double* f) { f[0] = -10.0 * (x[0] - std::cos(t)) - std::sin(t); },
    [](void*, double t, const double*, double* J, double* dfdt) {
      J[0] = -10.0;
      dfdt[0] = -10.0 * std::sin(t) - std::cos(t);
    }};

TEST(Stiff, FollowsATimeDependentCurveAtFourthOrder) {
  std::vector<double> times;
  for (int i = 0; i <= 50; ++i) times.push_back(0.1 * i);
  std::vector<double> errors, counts;
  for (const double tolerance : {1e-5, 1e-7, 1e-9}) {
    struct Context {
      double worst;
      const double* times;
    } context{0.0, times.data()};
    StiffSystem system = curve;
    system.context = &context;
    double x = 1.0, t = 0.0;
    int steps = 0;
    const auto observe = [](void* c, int i, const double* now) {
      auto* of = static_cast<Context*>(c);
      of->worst = std::max(of->worst, std::abs(now[0] - std::cos(of->times[i])));
    };
    ASSERT_EQ(integrate_stiff(system, &x, times.data(), 51, {tolerance, 1e-3, 1e9}, observe, &steps, &t),
              StiffEnd::done);
    EXPECT_LT(context.worst, 20.0 * tolerance);
    errors.push_back(context.worst);
    counts.push_back(steps);
  }
  // error over number of steps: a first-order method would have a slope of 1
  const double slope = std::log(errors[0] / errors[2]) / std::log(counts[2] / counts[0]);
  RecordProperty("order", std::to_string(slope));
  EXPECT_GT(slope, 2.5) << counts[0] << " " << counts[2];
}

TEST(Stiff, SaysWhereItFails) {
  StiffSystem system = curve;
  system.rates = [](void*, double t, const double*, double* f) { f[0] = t < 1.0 ? 1.0 : std::nan(""); };
  system.jacobian = [](void*, double, const double*, double* J, double* dfdt) { J[0] = dfdt[0] = 0.0; };
  double x = 0.0, t = 0.0;
  int steps = 0;
  const std::array<double, 2> times = {0.0, 5.0};
  EXPECT_NE(integrate_stiff(
                system, &x, times.data(), 2, {}, [](void*, int, const double*) {}, &steps, &t),
            StiffEnd::done);
  EXPECT_LE(t, 1.5);
}

}  // namespace
}  // namespace psoas
