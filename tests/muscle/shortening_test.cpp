// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/shortening.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "support/errors.hpp"

namespace psoas {
namespace {

MuscleParameters rigid_psoas() {
  MuscleParameters unit;
  unit.max_isometric_force = 1400.0;
  unit.optimal_fibre_length = 0.117;
  unit.tendon_slack_length = 0.10;
  unit.pennation = 0.19;
  unit.rigid_tendon = true;
  return unit;
}

MuscleForces forces_at(const MuscleParameters& unit, double length, double speed = 0.0) {
  return fibre_forces(unit, rigid_tendon_fibre(unit, length, speed));
}

TEST(Shortening, NothingLostChangesNothing) {
  const MuscleParameters unit = rigid_psoas();
  const MuscleParameters same =
      raised_tone(stiffer_passive(tendon_shortening(serial_sarcomere_loss(unit, 1.0), 0.0), 1.0, 1.0), 0.0);
  for (double length = 0.15; length < 0.3; length += 0.01) {
    EXPECT_EQ(forces_at(same, length).active, forces_at(unit, length).active);
    EXPECT_EQ(forces_at(same, length).passive, forces_at(unit, length).passive);
  }
  EXPECT_EQ(same.minimum_activation, unit.minimum_activation);
}

TEST(Shortening, SerialLossKeepsForceAndScalesTheFibres) {
  const MuscleParameters unit = rigid_psoas(), tight = serial_sarcomere_loss(unit, 0.85);
  EXPECT_NEAR(tight.optimal_fibre_length, 0.85 * unit.optimal_fibre_length, 1e-16);
  EXPECT_EQ(tight.max_isometric_force, unit.max_isometric_force);
  EXPECT_EQ(tight.tendon_slack_length, unit.tendon_slack_length);
  EXPECT_EQ(tight.pennation, unit.pennation);
  EXPECT_EQ(tight.max_contraction_velocity, unit.max_contraction_velocity);
  EXPECT_NEAR(tight.height(), 0.85 * unit.height(), 1e-16);
  EXPECT_NEAR(tight.max_speed(), 0.85 * unit.max_speed(), 1e-15);
  // Scaled length and speed give the same forces.
  const MuscleForces a = forces_at(unit, 0.10 + 0.13, 0.1), b = forces_at(tight, 0.10 + 0.85 * 0.13, 0.085);
  EXPECT_NEAR(b.active, a.active, 1e-9);
  EXPECT_NEAR(b.passive, a.passive, 1e-9);
  EXPECT_NEAR(b.damping, a.damping, 1e-9);
  // On the same path the fibres are stretched more.
  for (double length = 0.2; length < 0.3; length += 0.01)
    EXPECT_GT(forces_at(tight, length).passive, forces_at(unit, length).passive);
}

TEST(Shortening, LossesCompose) {
  const MuscleParameters once = serial_sarcomere_loss(rigid_psoas(), 0.9 * 0.95);
  const MuscleParameters twice = serial_sarcomere_loss(serial_sarcomere_loss(rigid_psoas(), 0.9), 0.95);
  EXPECT_NEAR(once.optimal_fibre_length, twice.optimal_fibre_length, 1e-16);
}

TEST(Shortening, ShorterTendonMovesTheCurveAlongThePath) {
  const MuscleParameters unit = rigid_psoas(), tight = tendon_shortening(unit, 0.012);
  for (double length = 0.15; length < 0.3; length += 0.01) {
    const MuscleForces a = forces_at(unit, length, 0.1), b = forces_at(tight, length - 0.012, 0.1);
    EXPECT_NEAR(b.active, a.active, 1e-9);
    EXPECT_NEAR(b.passive, a.passive, 1e-9);
  }
  EXPECT_TRUE(tendon_shortening(unit, unit.tendon_slack_length).has_rigid_tendon());
}

TEST(Shortening, StifferPassiveLeavesActiveForceAlone) {
  const MuscleParameters unit = rigid_psoas(), tight = stiffer_passive(unit, 0.8, 1.5);
  const MuscleParameters more = stiffer_passive(unit, 1.0, 1.5);
  EXPECT_NEAR(tight.passive_strain, 0.48, 1e-16);
  for (double length = 0.2; length < 0.3; length += 0.01) {
    const MuscleForces before = forces_at(unit, length, -0.1), after = forces_at(tight, length, -0.1);
    EXPECT_EQ(after.active, before.active);
    EXPECT_EQ(after.damping, before.damping);
    EXPECT_NEAR(forces_at(more, length, -0.1).passive, 1.5 * before.passive, 1e-10);
  }
  // 1.5 F0 at the scaled strain
  const FibreState fibre{1.48 * unit.optimal_fibre_length, 0.0, 1.0};
  EXPECT_NEAR(fibre_forces(tight, fibre).passive, 1.5 * 1400.0, 1e-9);
}

TEST(Shortening, ToneIsAFloorOfActivation) {
  const MuscleParameters unit = rigid_psoas();
  EXPECT_EQ(raised_tone(unit, 0.1).minimum_activation, 0.1);
  EXPECT_EQ(raised_tone(raised_tone(unit, 0.1), 0.05).minimum_activation, 0.1);
  EXPECT_EQ(forces_at(raised_tone(unit, 0.1), 0.25).passive, forces_at(unit, 0.25).passive);
}

TEST(Shortening, RefusesWhatCannotBe) {
  const MuscleParameters unit = rigid_psoas();
  using Place = std::pair<std::string, std::string>;
  const auto loss = [&](double s) { return test::place_of([&] { serial_sarcomere_loss(unit, s); }); };
  EXPECT_EQ(loss(0.0), (Place{"input", "serial_sarcomere_loss"}));
  EXPECT_EQ(loss(std::nan("")), (Place{"input", "serial_sarcomere_loss"}));
  EXPECT_EQ(test::place_of([&] { tendon_shortening(unit, 0.11); }), (Place{"input", "tendon_shortening"}));
  EXPECT_EQ(test::place_of([&] { stiffer_passive(unit, 0.0, 1.0); }), (Place{"input", "stiffer_passive"}));
  EXPECT_EQ(test::place_of([&] { stiffer_passive(unit, 1.0, -1.0); }), (Place{"input", "stiffer_passive"}));
  EXPECT_EQ(test::place_of([&] { raised_tone(unit, 1.1); }), (Place{"input", "raised_tone"}));
}

}  // namespace
}  // namespace psoas
