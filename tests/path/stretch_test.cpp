// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Lengths of stretches from the places of their ends: against textbook functions and distances, their forces against
// differences, and two continuous derivatives across knots and the ends of ranges.
#include "psoas/path/stretch.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "support/random.hpp"

namespace psoas::test {
namespace {

/// B-splines by the recursion of de Boor (1972): function k of an order on knots.
double de_boor(const std::vector<double>& t, std::size_t k, std::size_t order, double x) {
  if (order == 1) return x >= t[k] && x < t[k + 1] ? 1.0 : 0.0;
  return (x - t[k]) / (t[k + order - 1] - t[k]) * de_boor(t, k, order - 1, x) +
         (t[k + order] - x) / (t[k + order] - t[k + 1]) * de_boor(t, k + 1, order - 1, x);
}

/// Knots with the three beyond either end.
std::vector<double> extended(const std::vector<double>& knots) {
  std::vector<double> out;
  const double first = knots[1] - knots[0], last = knots[knots.size() - 1] - knots[knots.size() - 2];
  for (int i = -3; i < 0; ++i) out.push_back(knots.front() + i * first);
  out.insert(out.end(), knots.begin(), knots.end());
  for (int i = 1; i <= 3; ++i) out.push_back(knots.back() + i * last);
  return out;
}

const std::vector<double> angles{-1.2, -0.5, -0.3, -0.25, 0.4, 1.1}, radii{0.03, 0.035, 0.05};

PlanarFunction some_function(int degree) {
  MersenneTwister random(3);
  PlanarFunction f;
  f.near_angle = angles;
  f.near_radius = radii;
  f.degree = degree;
  if (degree > 0) f.far_angle = {1.5, 2.0}, f.far_radius = {0.1, 0.15};
  for (std::size_t i = 0; i < f.size(); ++i) f.coefficients.push_back(0.1 + random.uniform(-0.02, 0.02));
  return f;
}

double value_of_function(const PlanarFunction& f, double angle, double radius, double far_angle, double far_radius) {
  const std::vector<double> a = extended(f.near_angle), r = extended(f.near_radius);
  const auto chebyshev = [](const std::array<double, 2>& range, int k, double x) {
    return std::cos(k * std::acos(2.0 * (x - range[0]) / (range[1] - range[0]) - 1.0));
  };
  double sum = 0.0;
  std::size_t entry = 0;
  for (std::size_t i = 0; i < f.near_angle.size() + 2; ++i)
    for (std::size_t j = 0; j < f.near_radius.size() + 2; ++j)
      for (int total = 0; total <= f.degree; ++total)
        for (int k = total; k >= 0; --k)
          sum +=
              f.coefficients[entry++] * de_boor(a, i, 4, angle) * de_boor(r, j, 4, radius) *
              (f.degree == 0 ? 1.0
                             : chebyshev(f.far_angle, k, far_angle) * chebyshev(f.far_radius, total - k, far_radius));
  return sum;
}

/// Straight, over cylinders of one body, from a point of that body, and another one with the same near end.
std::vector<Stretch> some_stretches() {
  const Pose X_BS{rotation_xyz({0.3, -0.2, 0.5}), {0.01, -0.02, 0.03}};
  return {{{1, {0.02, 0.03, -0.01}}, {2, {0.0, -0.05, 0.02}}, -1, 1, Pose{}},
          {{2, {0.004, 0.003, 0.01}}, {3, {0.001, 0.002, -0.02}}, 0, 1, X_BS},
          {{2, {0.004, 0.003, 0.01}}, {3, {0.003, 0.001, -0.017}}, 0, 1, X_BS},
          {{2, {0.004, 0.003, 0.01}}, {1, X_BS * Vec3(-0.1, 0.05, 0.02)}, 1, 1, X_BS}};
}

Stretches some() { return Stretches(some_stretches(), {some_function(3), some_function(0)}); }

/// Poses of three bodies by which near and far ends are about where the functions have them.
std::vector<Pose> poses(MersenneTwister& random) {
  const auto tilted = [&] {
    return rotation_xyz({random.uniform(-3, 3), random.uniform(-1, 1), random.uniform(-3, 3)});
  };
  std::vector<Pose> X_GB(4);
  X_GB[1] = {tilted(), {random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1)}};
  const Pose X_GS = X_GB[1] * some_stretches()[1].X_BS;
  const auto put = [&](int body, const Vec3& location, double angle, double radius) {
    Pose& X = X_GB[static_cast<std::size_t>(body)];
    X.R = tilted();
    X.p = X_GS * Vec3(radius * std::cos(angle), radius * std::sin(angle), random.uniform(-0.05, 0.05)) - X.R * location;
  };
  put(2, some_stretches()[1].near.location, random.uniform(-1.1, 1.0), random.uniform(0.031, 0.049));
  put(3, some_stretches()[1].far.location, random.uniform(1.6, 1.9), random.uniform(0.11, 0.14));
  return X_GB;
}

TEST(Stretches, splines_on_knots_are_de_boor_s) {
  const std::vector<double> t = extended(angles);
  for (double x = -1.2; x < 1.1; x += 0.013) {
    const SplineValues<double> values = spline_values<double>(angles, x);
    double sum = 0.0, slope = 0.0;
    for (int k = 0; k < 4; ++k) {
      const auto i = static_cast<std::size_t>(k);
      EXPECT_NEAR(values.value[i], de_boor(t, static_cast<std::size_t>(values.first) + i, 4, x), 1e-14) << x;
      sum += values.value[i];
      slope += values.slope[i];
    }
    EXPECT_NEAR(sum, 1.0, 1e-14);
    EXPECT_NEAR(slope, 0.0, 1e-12);
  }
}

TEST(Stretches, splines_on_even_knots_are_those_of_intervals) {
  std::vector<double> even;
  for (int k = 0; k <= 5; ++k) even.push_back(0.2 + 0.1 * k);
  for (double x = -0.1; x < 1.0; x += 0.017) {
    const SplineValues<double> a = spline_values<double>(even, x), b = spline_values<double>(0.2, 0.7, 5, x);
    EXPECT_EQ(a.first, b.first) << x;
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(a.value[k], b.value[k], 1e-12) << x;
      EXPECT_NEAR(a.slope[k], b.slope[k], 1e-11) << x;
    }
  }
}

TEST(Stretches, two_derivatives_of_splines_are_continuous_across_knots_and_ends) {
  for (const double knot : angles)
    for (std::size_t function = 0; function < angles.size() + 2; ++function) {
      const auto jet = [&](double x) {
        const SplineValues<Dual<4>> values = spline_values<Dual<4>>(angles, Dual<4>(x, 0));
        const auto k = function - static_cast<std::size_t>(values.first);
        return k < 4 ? std::array<double, 3>{values.value[k].a, values.slope[k].a, values.slope[k].v[0]}
                     : std::array<double, 3>{};
      };
      const std::array<double, 3> below = jet(knot - 1e-9), above = jet(knot + 1e-9);
      EXPECT_NEAR(below[0], above[0], 1e-7) << knot;
      EXPECT_NEAR(below[1], above[1], 1e-5) << knot;
      EXPECT_NEAR(below[2], above[2], 1e-3) << knot << " of bends up to 400";
    }
}

TEST(Stretches, are_distances_and_planar_functions) {
  const std::vector<Stretch> stretches = some_stretches();
  const Stretches all = some();
  StretchWork<double> work(all);
  MersenneTwister random(5);
  for (int i = 0; i < 100; ++i) {
    const std::vector<Pose> X_GB = poses(random);
    all.evaluate<double>(X_GB, work);
    for (std::size_t s = 0; s < stretches.size(); ++s) {
      const Stretch& stretch = stretches[s];
      const Vec3 p = X_GB[static_cast<std::size_t>(stretch.near.body)] * stretch.near.location,
                 q = X_GB[static_cast<std::size_t>(stretch.far.body)] * stretch.far.location;
      double expected = (q - p).norm();
      if (stretch.function >= 0) {
        const Pose X_SG = (X_GB[1] * stretch.X_BS).inverse();
        const Vec3 a = X_SG * p, b = X_SG * q;
        const double across =
            value_of_function(some_function(stretch.function == 0 ? 3 : 0), std::atan2(a.y(), a.x()),
                              std::hypot(a.x(), a.y()), std::atan2(b.y(), b.x()), std::hypot(b.x(), b.y()));
        expected = std::hypot(across, b.z() - a.z());
      }
      EXPECT_NEAR(work.length[s], expected, 1e-13) << s;
      EXPECT_FALSE(work.outside[s]) << s;
    }
  }
}

// Wrenches are minus the slopes of length over rigid motions of each body; the cylinders' body balances both ends.
TEST(Stretches, wrenches_are_differences) {
  const std::vector<Stretch> stretches = some_stretches();
  const Stretches all = some();
  StretchWork<double> work(all), above = work, below = work;
  StretchWork<Dual<4>> dual(all);
  MersenneTwister random(6);
  constexpr double h = 3e-7;
  for (int i = 0; i < 30; ++i) {
    const std::vector<Pose> X_GB = poses(random);
    all.evaluate<double>(X_GB, work);
    for (std::size_t body = 1; body < 4; ++body)
      for (int axis = 0; axis < 6; ++axis) {
        const auto moved = [&]<class S>(const S& step) {
          std::vector<PoseT<S>> X;
          for (const Pose& pose : X_GB) X.push_back(pose.cast<S>());
          PoseT<S> motion;
          if (axis < 3)
            motion.R = rotation_about<S>(Vec3::Unit(axis), step);
          else
            motion.p[axis - 3] = step;
          X[body] = motion * X[body];
          return X;
        };
        all.evaluate<double>(moved(h), above);
        all.evaluate<double>(moved(-h), below);
        all.evaluate<Dual<4>>(moved(Dual<4>(0.0, 0)), dual);
        for (std::size_t s = 0; s < stretches.size(); ++s) {
          double force = 0.0;
          const double near = work.near[s][axis], far = work.far[s][axis];
          if (static_cast<std::size_t>(stretches[s].near.body) == body) force += near;
          if (static_cast<std::size_t>(stretches[s].far.body) == body) force += far;
          if (static_cast<std::size_t>(stretches[s].body) == body) force -= near + far;
          EXPECT_NEAR((above.length[s] - below.length[s]) / (2 * h), -force, 2e-7) << s << " " << body << " " << axis;
          EXPECT_NEAR(dual.length[s].v[0], -force, 1e-11) << s;
          EXPECT_NEAR((above.near[s][0] - below.near[s][0]) / (2 * h), dual.near[s][0].v[0], 1e-3) << "a knot between";
        }
      }
  }
}

TEST(Stretches, flag_ends_beyond_the_ranges) {
  const Stretches all = some();
  StretchWork<double> work(all);
  MersenneTwister random(7);
  std::vector<Pose> X_GB = poses(random);
  X_GB[3].p += (X_GB[1] * some_stretches()[1].X_BS).R * Vec3(-0.2, 0.2, 0.0);
  all.evaluate<double>(X_GB, work);
  EXPECT_EQ(work.outside, (std::vector<char>{0, 1, 1, 0}));
  X_GB = poses(random);
  X_GB[2].p += (X_GB[1] * some_stretches()[1].X_BS).R * Vec3(0.2, 0.0, 0.0);
  all.evaluate<double>(X_GB, work);
  EXPECT_EQ(work.outside, (std::vector<char>{0, 1, 1, 1}));
}

TEST(Stretches, on_the_axis_all_are_numbers) {
  const Stretches all = some();
  StretchWork<double> work(all);
  MersenneTwister random(8);
  std::vector<Pose> X_GB = poses(random);
  X_GB[1] = Pose{};
  X_GB[2] = {Mat3::Identity(), some_stretches()[1].X_BS.p - some_stretches()[1].near.location};
  all.evaluate<double>(X_GB, work);
  for (std::size_t s = 0; s < work.length.size(); ++s) {
    EXPECT_TRUE(std::isfinite(work.length[s]));
    EXPECT_TRUE(work.near[s].allFinite() && work.far[s].allFinite());
  }
}

TEST(Stretches, allocate_nothing) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const Stretches all = some();
  StretchWork<double> work(all);
  StretchWork<Dual<4>> dual(all);
  MersenneTwister random(9);
  const std::vector<Pose> X_GB = poses(random);
  std::vector<PoseT<Dual<4>>> X;
  for (const Pose& pose : X_GB) X.push_back(pose.cast<Dual<4>>());
  const std::size_t before = heap_allocations();
  all.evaluate<double>(X_GB, work);
  all.evaluate<Dual<4>>(X, dual);
  EXPECT_EQ(heap_allocations(), before);
}

TEST(Stretches, refuse_what_is_no_function) {
  const auto refused = [](const std::function<void(PlanarFunction&)>& change) {
    PlanarFunction f = some_function(2);
    change(f);
    return error_of([&] { Stretches(some_stretches(), {f, some_function(0)}); });
  };
  EXPECT_EQ(refused([](PlanarFunction& f) { f.coefficients.pop_back(); }),
            "fitted stretch: expected as many coefficients as there are functions");
  EXPECT_EQ(refused([](PlanarFunction& f) { f.near_angle[1] = f.near_angle[2]; }),
            "fitted stretch: expected knots that ascend");
  EXPECT_EQ(refused([](PlanarFunction& f) { f.near_radius.resize(1); }), "fitted stretch: expected 2 to 257 knots");
  EXPECT_EQ(refused([](PlanarFunction& f) {
              f.far_angle = {1.0, 1.0};
            }),
            "fitted stretch: expected ranges of some length");
  EXPECT_EQ(refused([](PlanarFunction& f) { f.degree = 13; }), "fitted stretch: expected a degree from 0 to 12");
  EXPECT_EQ(error_of([&] { Stretches(some_stretches(), {some_function(2)}); }),
            "fitted stretch: expected a function that there is");
}

}  // namespace
}  // namespace psoas::test
