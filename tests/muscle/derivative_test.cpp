// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Energies, stiffnesses and the derivatives that implicit methods ask for, against differences and balances, for every
// curve set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "psoas/muscle/unit.hpp"
#include "support/kinds.hpp"

namespace psoas::test {
namespace {

template <class C>
class UnitDerivatives : public ::testing::Test {
 protected:
  MuscleParameters unit() {
    MuscleParameters out;
    out.max_isometric_force = 800.0;
    out.optimal_fibre_length = 0.11;
    out.tendon_slack_length = 0.13;
    out.pennation = 0.25;
    out.curve = compile(C{});
    return out;
  }
  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  /// A path length at which the tendon is taut by a norm strain, with fibres of a norm length.
  static double path(const MuscleParameters& unit, double norm_fibre, double tendon_strain) {
    const double l = norm_fibre * unit.optimal_fibre_length, h = unit.height();
    return std::sqrt(l * l - h * h) + unit.tendon_slack_length * (1.0 + tendon_strain);
  }
  std::mt19937_64 random_{7};
};
TYPED_TEST_SUITE(UnitDerivatives, Kinds<Curve>::types, Kinds<Curve>::Name);

TYPED_TEST(UnitDerivatives, energies_are_the_work_of_their_forces) {
  MuscleParameters unit = this->unit();
  unit.passive_scale = 1.3;
  for (int i = 0; i < 200; ++i) {
    const double l = unit.optimal_fibre_length * this->uniform(0.7, 1.5), h = 1e-6 * unit.optimal_fibre_length;
    FibreState fibre;
    fibre.fibre_length = l;
    fibre.cos_pennation = 1.0;
    const double slope = (passive_energy(unit, l + h) - passive_energy(unit, l - h)) / (2.0 * h);
    EXPECT_NEAR(slope, fibre_forces(unit, fibre).passive, 1e-5 * unit.max_isometric_force) << l;
    const double length = this->path(unit, 1.0, this->uniform(-0.02, 0.08)), d = 1e-7;
    const double l0 = unit.optimal_fibre_length;
    EXPECT_NEAR((tendon_energy(unit, length + d, l0) - tendon_energy(unit, length - d, l0)) / (2.0 * d),
                tendon_force(unit, length, l0), 1e-5 * unit.max_isometric_force)
        << length;
  }
  unit.rigid_tendon = true;
  EXPECT_EQ(tendon_energy(unit, 0.3, unit.optimal_fibre_length), 0.0);
}

TYPED_TEST(UnitDerivatives, stiffnesses_are_slopes_of_forces) {
  const MuscleParameters unit = this->unit();
  const double h = unit.height();
  for (int i = 0; i < 300; ++i) {
    const double a = this->uniform(0.02, 1.0), v = this->uniform(-0.6, 0.6) * unit.max_speed();
    const double norm = this->uniform(0.6, 1.5), strain = this->uniform(0.005, 0.06);
    const double length = this->path(unit, norm, strain);
    const auto along_force = [&](double s) {
      FibreState fibre;
      fibre.fibre_length = std::hypot(s, h);
      fibre.cos_pennation = s / fibre.fibre_length;
      fibre.fibre_velocity = v;
      const MuscleForces forces = fibre_forces(unit, fibre, a);
      return a * forces.active + forces.passive + forces.damping;
    };
    FibreState fibre;
    fibre.fibre_length = norm * unit.optimal_fibre_length;
    const double s = std::sqrt(fibre.fibre_length * fibre.fibre_length - h * h), d = 1e-7;
    fibre.cos_pennation = s / fibre.fibre_length;
    fibre.fibre_velocity = v;
    const MuscleStiffness found = stiffness(unit, length, fibre, a);
    const double scale = unit.max_isometric_force / unit.optimal_fibre_length;
    EXPECT_NEAR(found.fibre_along, (along_force(s + d) - along_force(s - d)) / (2.0 * d), 2e-5 * scale) << norm;
    EXPECT_NEAR(
        found.tendon,
        (tendon_force(unit, length + d, fibre.fibre_length) - tendon_force(unit, length - d, fibre.fibre_length)) /
            (2.0 * d),
        1e-4 * scale);
    EXPECT_NEAR(1.0 / found.muscle_tendon, 1.0 / found.fibre_along + 1.0 / found.tendon,
                1e-9 * std::abs(1.0 / found.muscle_tendon));
  }
  MuscleParameters rigid = unit;
  rigid.rigid_tendon = true;
  const FibreState fibre = rigid_tendon_fibre(rigid, this->path(rigid, 1.1, 0.0), 0.0);
  const MuscleStiffness found = stiffness(rigid, this->path(rigid, 1.1, 0.0), fibre, 0.5);
  EXPECT_EQ(found.muscle_tendon, found.fibre_along);
  EXPECT_TRUE(std::isinf(found.tendon));
}

TYPED_TEST(UnitDerivatives, slopes_of_the_fibre_velocity) {
  const MuscleParameters unit = this->unit();
  int compared = 0;
  for (int i = 0; i < 400; ++i) {
    const double a = this->uniform(0.05, 0.95), norm = this->uniform(0.65, 1.4), strain = this->uniform(0.005, 0.05);
    const double l = norm * unit.optimal_fibre_length, L = this->path(unit, norm, strain);
    const FibreState fibre = compliant_fibre(unit, L, l, a);
    // near a plateau or corner of a law a difference is none
    const double v = fibre.fibre_velocity / unit.max_speed();
    if (fibre.outside_domain || std::abs(v) < 1e-3 || std::abs(v) > 0.9) continue;
    const FibreVelocitySlopes found = fibre_velocity_slopes(unit, L, l, a);
    const double d = 1e-7;
    const auto velocity = [&](double dL, double dl, double da) {
      return compliant_fibre(unit, L + dL, l + dl, a + da).fibre_velocity;
    };
    const auto near = [&](double exact, double rough, const char* what) {
      EXPECT_NEAR(exact, rough, 2e-4 * std::max(1.0, std::abs(exact))) << what << " at l " << norm << " v " << v;
    };
    near(found.by_fibre_length, (velocity(0, d, 0) - velocity(0, -d, 0)) / (2 * d), "fibre length");
    near(found.by_length, (velocity(d, 0, 0) - velocity(-d, 0, 0)) / (2 * d), "length");
    near(found.by_activation, (velocity(0, 0, d) - velocity(0, 0, -d)) / (2 * d), "activation");
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

TYPED_TEST(UnitDerivatives, slopes_of_the_fibre_velocity_at_the_stop_and_where_it_is_held) {
  struct Place {
    double damping, norm_length, strain, activation;
  };
  MuscleParameters unit = this->unit();
  const double least = std::hypot(unit.least_along(), unit.height()) / unit.optimal_fibre_length;
  for (const Place& at : {Place{0.1, 0.97 * least, 0.02, 0.5}, Place{0.1, 0.9 * least, -0.1, 0.0},
                          Place{0.0, 0.98, -0.02, 0.6}, Place{0.0, 0.98, 0.06, 1e-4}, Place{0.0, 0.98, 0.02, 0.5}}) {
    unit.damping = at.damping;
    const double l = at.norm_length * unit.optimal_fibre_length, a = at.activation, d = 1e-7;
    const double L = this->path(unit, std::max(at.norm_length, least), at.strain);
    const auto velocity = [&](double dL, double dl, double da) {
      return compliant_fibre(unit, L + dL, l + dl, a + da).fibre_velocity;
    };
    const FibreVelocitySlopes found = fibre_velocity_slopes(unit, L, l, a);
    const auto near = [&](double exact, double rough, const char* what) {
      EXPECT_NEAR(exact, rough, 1e-3 * std::max(1.0, std::abs(exact)))
          << what << " damping " << at.damping << " length " << at.norm_length << " strain " << at.strain;
    };
    near(found.by_fibre_length, (velocity(0, d, 0) - velocity(0, -d, 0)) / (2 * d), "fibre length");
    near(found.by_length, (velocity(d, 0, 0) - velocity(-d, 0, 0)) / (2 * d), "length");
    if (a > 0.0) near(found.by_activation, (velocity(0, 0, d) - velocity(0, 0, -d)) / (2 * d), "activation");
  }
}

TYPED_TEST(UnitDerivatives, tendon_force_as_the_state_is_the_same_muscle) {
  // Where the fibre-length form says how fibres and so the tendon's force move, the residual of the other form is 0.
  const MuscleParameters unit = this->unit();
  const double h = unit.height();
  int compared = 0;
  for (int i = 0; i < 400; ++i) {
    const double a = this->uniform(0.05, 1.0), norm = this->uniform(0.65, 1.4), strain = this->uniform(0.01, 0.05);
    const double l = norm * unit.optimal_fibre_length, L = this->path(unit, norm, strain),
                 dL = this->uniform(-0.3, 0.3);
    const FibreState fibre = compliant_fibre(unit, L, l, a);
    const double v = fibre.fibre_velocity / unit.max_speed();
    if (fibre.outside_domain || v < -0.9 || v > 1.2) continue;
    // faster than its greatest velocity a fibre does not push, which the residual does not cut off
    if (!(compile(TypeParam{}).force_velocity(v, a) > 0.0)) continue;
    const double along = std::sqrt(l * l - h * h), dtendon = dL - fibre.fibre_velocity * l / along;
    const double force = tendon_force(unit, L, l) / unit.max_isometric_force;
    const double rate = stiffness(unit, L, fibre, a).tendon * dtendon / unit.max_isometric_force;
    const TendonForceResidual found = tendon_force_residual(unit, force, rate, a, L, dL);
    EXPECT_NEAR(found.value, 0.0, 1e-9) << norm << " " << v;
    EXPECT_NEAR(found.fibre_length, l, 1e-10);
    EXPECT_NEAR(found.fibre_velocity, fibre.fibre_velocity, 1e-7);
    if (std::abs(v) < 1e-3) continue;
    const double d = 1e-7;
    const auto value = [&](double df, double dr, double da, double dl, double ds) {
      return tendon_force_residual(unit, force + df, rate + dr, a + da, L + dl, dL + ds).value;
    };
    const auto near = [&](double exact, double rough, const char* what) {
      EXPECT_NEAR(exact, rough, 1e-4 * std::max(1.0, std::abs(exact))) << what << " at l " << norm << " v " << v;
    };
    near(found.by_force, (value(d, 0, 0, 0, 0) - value(-d, 0, 0, 0, 0)) / (2 * d), "force");
    near(found.by_force_rate, (value(0, d, 0, 0, 0) - value(0, -d, 0, 0, 0)) / (2 * d), "force rate");
    near(found.by_activation, (value(0, 0, d, 0, 0) - value(0, 0, -d, 0, 0)) / (2 * d), "activation");
    near(found.by_length, (value(0, 0, 0, d, 0) - value(0, 0, 0, -d, 0)) / (2 * d), "length");
    near(found.by_speed, (value(0, 0, 0, 0, d) - value(0, 0, 0, 0, -d)) / (2 * d), "speed");
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace psoas::test
