// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws of contact, limits, ligaments and bushings: published values, derivatives of their energies, and what no passive
// law may do.
#include "psoas/skeleton/force.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "psoas/core/dual.hpp"
#include "support/random_tree.hpp"

namespace psoas::test {
namespace {

using D = Dual<4>;

/// Steps of x over [low, high], ends included.
std::vector<double> steps(double low, double high, int count) {
  std::vector<double> out;
  for (int i = 0; i <= count; ++i) out.push_back(low + (high - low) * i / count);
  return out;
}

// ---- limits

const LimitLaw knee{-0.1, 2.0, 300.0, 500.0, 4.0, 0.2};

TEST(LimitLaw, is_a_spring_well_beyond_the_range_and_nothing_inside) {
  for (const double q : {-0.1, 0.0, 1.0, 2.0}) {
    EXPECT_EQ(knee.at(q, 3.0).force, 0.0);
    EXPECT_EQ(knee.at(q, 3.0).potential, 0.0);
    EXPECT_EQ(knee.at(q, 3.0).dissipation, 0.0);
  }
  // full stiffness and damping from the end of the transition on
  EXPECT_NEAR(knee.at(2.3, 0.0).force, -500.0 * 0.3, 1e-12);
  EXPECT_NEAR(knee.at(2.3, 2.0).force, -500.0 * 0.3 - 8.0, 1e-12);
  EXPECT_NEAR(knee.at(-0.5, 2.0).force, 300.0 * 0.4 - 8.0, 1e-12);
  EXPECT_NEAR(knee.at(2.3, 2.0).dissipation, 16.0, 1e-12);
  // half of both in the middle of it
  EXPECT_NEAR(knee.at(2.1, 2.0).force, -0.5 * (500.0 * 0.1 + 8.0), 1e-12);
}

TEST(LimitLaw, force_is_the_slope_of_its_energy) {
  for (const double q : steps(-0.6, 2.6, 320)) {
    const ForceValue<D> at = knee.at(D(q, 0), D(0.0));
    EXPECT_NEAR(-at.potential.v[0], at.force.a, 1e-11 * std::max(1.0, std::abs(at.force.a))) << q;
  }
}

// ---- ligaments

TEST(LigamentLaw, is_a_parabola_then_a_line) {
  // Blankevoort & Huiskes 1991: f = k e^2 / (4 el) for 0 <= e <= 2 el, k (e - el) beyond; here el = 0.03
  const LigamentLaw law{0.05, 4000.0, 0.06, 0.0};
  const auto tension = [&](double e) { return law.at(0.05 * (1.0 + e), 0.0).force; };
  EXPECT_EQ(tension(-0.1), 0.0);
  EXPECT_EQ(law.at(0.05, 1.0).force, 0.0);
  EXPECT_NEAR(tension(0.03), 4000.0 * 0.0009 / 0.12, 1e-9);
  EXPECT_NEAR(tension(0.06), 4000.0 * 0.03, 1e-9);
  EXPECT_NEAR(tension(0.1), 4000.0 * 0.07, 1e-9);
}

TEST(LigamentLaw, tension_is_the_slope_of_its_energy_and_damping_only_takes) {
  const LigamentLaw law{0.05, 4000.0, 0.06, 30.0};
  for (const double length : steps(0.045, 0.06, 150)) {
    const ForceValue<D> at = law.at(D(length, 0), D(0.0));
    EXPECT_NEAR(at.potential.v[0], at.force.a, 1e-9) << length;
    for (const double speed : {-0.3, -0.01, 0.01, 0.3}) {
      const ForceValue<double> now = law.at(length, speed);
      EXPECT_GE(now.force, 0.0);
      EXPECT_NEAR(now.dissipation, (now.force - at.force.a) * speed, 1e-12);
      EXPECT_GE(now.dissipation, 0.0);
    }
  }
  EXPECT_NEAR(law.at(0.055, 0.1).force - law.at(0.055, 0.0).force, 30.0 * 2.0, 1e-9);
}

// ---- contact

const ContactLaw rubber{2e5, 0.8, 0.9, 0.6, 0.1, 0.02};

TEST(ContactLaw, elastic_force_is_that_of_hertz) {
  // Johnson (1985), Contact Mechanics, eq. 4.23: F = 4/3 E* sqrt(R) d^(3/2)
  EXPECT_NEAR(rubber.elastic(0.04, 0.0025).force, 4.0 / 3.0 * 2e5 * 0.2 * 1.25e-4, 1e-10);
  EXPECT_EQ(rubber.elastic(0.04, -0.001).force, 0.0);
  for (const double d : steps(1e-6, 0.02, 100)) {
    const ForceValue<D> at = rubber.elastic(0.04, D(d, 0));
    EXPECT_NEAR(at.potential.v[0], at.force.a, 1e-12 * at.force.a);
  }
  // no jump of the force nor of its slope at touch-down
  EXPECT_LT(rubber.elastic(0.04, D(1e-12, 0)).force.v[0], 0.1);
}

TEST(ContactLaw, damping_never_pulls_and_has_no_kink) {
  double last = rubber.damping_factor(-3.0), last_slope = 0.0;
  EXPECT_EQ(last, 0.0);
  for (const double rate : steps(-3.0, 3.0, 60000)) {
    const D factor = rubber.damping_factor(D(rate, 0));
    EXPECT_GE(factor.a, 0.0);
    EXPECT_GE((factor.a - 1.0) * rate, 0.0);  // it takes energy both ways
    EXPECT_NEAR(factor.a, last, 2e-4);
    EXPECT_NEAR(factor.v[0], last_slope, 1e-3);
    last = factor.a, last_slope = factor.v[0];
    if (rate > -0.74) {
      EXPECT_DOUBLE_EQ(factor.a, 1.0 + 1.5 * 0.8 * rate);
    }
  }
}

TEST(ContactLaw, friction_rises_to_its_static_and_falls_to_its_dynamic_coefficient) {
  const auto coefficient = [&](double v) { return v * rubber.friction_over_speed(v * v); };
  EXPECT_NEAR(coefficient(0.02), 0.9 + 0.1 * 0.02, 1e-12);
  EXPECT_NEAR(coefficient(20.0), 0.6 + 0.1 * 20.0, 1e-5);
  double greatest = 0.0;
  for (const double v : steps(0.0, 0.3, 3000)) greatest = std::max(greatest, coefficient(v) - 0.1 * v);
  EXPECT_LE(greatest, 0.9 + 1e-12);
  // at rest: proportional to speed, and the slope is continuous through the transition
  EXPECT_NEAR(rubber.friction_over_speed(0.0), 1.5 * 0.6 / 0.02 + 0.1, 1e-9);
  for (const double v : {0.02 - 1e-7, 0.02 + 1e-7}) {
    const D speed(v, 0), mu = speed * rubber.friction_over_speed<D>(speed * speed);
    EXPECT_NEAR(mu.v[0], 0.1, 1e-3) << v;
  }
  EXPECT_TRUE(std::isfinite(rubber.friction_over_speed<D>(D(0.0, 0)).v[0]));
}

// ---- bushings

TEST(BushingState, rates_are_derivatives_of_positions) {
  Random random(3);
  for (int trial = 0; trial < 20; ++trial) {
    Pose X[2];
    Spatial V[2];
    PoseT<D> moved[2];
    SpatialT<D> none[2];
    for (int i = 0; i < 2; ++i) {
      const auto vector = [&](double size) {
        return Vec3(random.uniform(-size, size), random.uniform(-size, size), random.uniform(-size, size));
      };
      X[i] = {rotation_xyz(vector(0.6)), vector(0.3)};
      V[i] << vector(1.0), vector(1.0);
      // the pose a moment later: R + [w] R dt, p + (v + w x p) dt
      const Vec3 w = V[i].head<3>(), v = V[i].tail<3>() + w.cross(X[i].p);
      for (Eigen::Index c = 0; c < 3; ++c) {
        const Vec3 column = X[i].R.col(c), turned = w.cross(column);
        for (Eigen::Index r = 0; r < 3; ++r)
          moved[i].R(r, c) = D(column[r]).chain(column[r], 0.0), moved[i].R(r, c).v[0] = turned[r];
        moved[i].p[c] = D(X[i].p[c]);
        moved[i].p[c].v[0] = v[c];
      }
      none[i] = SpatialT<D>::Zero();
    }
    const BushingState<double> state = bushing_state<double>(X[0], X[1], V[0], V[1]);
    const BushingState<D> later = bushing_state<D>(moved[0], moved[1], none[0], none[1]);
    Spatial generalised;
    for (Eigen::Index k = 0; k < 6; ++k) {
      EXPECT_NEAR(later.q[k].v[0], state.u[k], 1e-12) << k;
      generalised[k] = random.uniform(-5.0, 5.0);
    }
    // the wrench works as the generalised forces do
    const Spatial wrench = bushing_wrench<double>(state, generalised);
    const Vec3 turning = X[0].R.transpose() * (V[1].head<3>() - V[0].head<3>());
    const double work = wrench.head<3>().dot(turning) + wrench.tail<3>().dot(state.u.tail<3>());
    EXPECT_NEAR(work, generalised.dot(state.u), 1e-12);
  }
}

}  // namespace
}  // namespace psoas::test
