// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The additive Runge-Kutta method: its order whatever is taken as the stiff part, and its stability where that is exact.
#include "solve/additive_stepper.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace psoas::test {
namespace {

using Vector = std::vector<double>;

/// A pendulum that drags a fast follower behind it: q'' = -sin q - 0.2 q', x' = -rate (x - sin q). Its stiff part is `share`
/// of what x feels, of itself and of q.
struct Follower {
  double rate, share;
  double coupling = 0.0;

  void operator()(const Vector& y, Vector& out, double) const {
    out[0] = y[1];
    out[1] = -std::sin(y[0]) - 0.2 * y[1];
    out[2] = -rate * (y[2] - std::sin(y[0]));
  }
  void linearise(double, const Vector& y) { coupling = share * rate * std::cos(y[0]); }
  void relax(double step, Vector& d) const { d[2] = (d[2] + step * coupling * d[0]) / (1.0 + step * share * rate); }
};

Vector end_of(Follower system, int steps, double duration) {
  AdditiveStepper stepper;
  Vector y{1.0, 0.5, std::sin(1.0)}, next(3), first(3), last(3), error(3);
  const double h = duration / steps;
  system(y, first, 0.0);
  for (int i = 0; i < steps; ++i) {
    stepper.do_step<Follower&>(system, y, first, i * h, next, last, h, error);
    y = next;
    first = last;
  }
  return y;
}

double distance(const Vector& a, const Vector& b) {
  double greatest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) greatest = std::max(greatest, std::abs(a[i] - b[i]));
  return greatest;
}

TEST(AdditiveStepper, has_order_four_whatever_the_stiff_part) {
  for (const double share : {0.0, 0.4, 1.0, 1.7}) {
    const Vector exact = end_of({3.0, share}, 4096, 2.0);
    EXPECT_LT(distance(exact, end_of({3.0, 1.0 - share}, 4096, 2.0)), 1e-12) << "not the same problem";
    const double coarse = distance(end_of({3.0, share}, 32, 2.0), exact),
                 fine = distance(end_of({3.0, share}, 64, 2.0), exact);
    EXPECT_NEAR(std::log2(coarse / fine), 4.0, 0.35) << share << ": " << coarse << ", " << fine;
  }
}

TEST(AdditiveStepper, its_estimate_has_order_three) {
  for (const double share : {0.0, 1.0}) {
    Vector sizes;
    for (const double h : {0.04, 0.02}) {
      Follower system{3.0, share};
      AdditiveStepper stepper;
      Vector y{1.0, 0.5, 0.2}, next(3), first(3), last(3), error(3);
      system(y, first, 0.0);
      stepper.do_step<Follower&>(system, y, first, 0.0, next, last, h, error);
      sizes.push_back(distance(error, {0.0, 0.0, 0.0}));
    }
    EXPECT_NEAR(std::log2(sizes[0] / sizes[1]), 4.0, 0.3) << share;
  }
}

TEST(AdditiveStepper, follows_what_is_stiff_with_steps_of_the_motion) {
  // rate times step is 3000: without its stiff part any step is lost
  const Vector exact = end_of({1e5, 1.0}, 4096, 2.0);
  EXPECT_NEAR(exact[2], std::sin(exact[0]), 2e-5);
  EXPECT_LT(distance(end_of({1e5, 1.0}, 64, 2.0), exact), 2e-5);
  EXPECT_FALSE(distance(end_of({1e5, 0.0}, 64, 2.0), exact) < 1e10);
}

}  // namespace
}  // namespace psoas::test
