// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/unit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "support/greatest.hpp"
#include "support/random.hpp"

namespace psoas {
namespace {

using test::MersenneTwister;

MuscleParameters random_unit(MersenneTwister& random) {
  MuscleParameters unit;
  unit.max_isometric_force = std::pow(10.0, random.uniform(1.0, 4.0));
  unit.optimal_fibre_length = random.uniform(0.02, 0.5);
  unit.tendon_slack_length = unit.optimal_fibre_length * std::pow(10.0, random.uniform(-1.3, 1.0));
  unit.pennation = random.uniform(0.0, 0.6);
  unit.tendon_strain = random.uniform(0.02, 0.12);
  unit.passive_strain = random.uniform(0.3, 1.2);
  unit.passive_shape = random.uniform(2.0, 6.0);
  unit.passive_scale = random.uniform(0.0, 3.0);
  const bool undamped = random.uniform(0.0, 1.0) < 0.3;
  unit.damping = undamped ? 0.0 : random.uniform(0.001, 0.3);
  const double kind = random.uniform(0.0, 3.0);
  if (kind > 1.0) unit.curve = Thelen{};
  if (kind > 2.0) unit.curve = Millard{};
  return unit;
}

MuscleParameters psoas_like() {
  MuscleParameters unit;
  unit.max_isometric_force = 1400.0;
  unit.optimal_fibre_length = 0.117;
  unit.tendon_slack_length = 0.10;
  unit.pennation = 0.19;
  return unit;
}

// Fibre force along the tendon minus tendon force.
double imbalance(const MuscleParameters& unit, double length, const FibreState& fibre, double activation) {
  const MuscleForces forces = fibre_forces(unit, fibre, activation);
  return activation * forces.active + forces.passive + forces.damping - tendon_force(unit, length, fibre.fibre_length);
}

FibreState state_of(const MuscleParameters& unit, const Equilibrium& found) {
  const double h = unit.height(), l = found.fibre_length;
  return {l, found.fibre_velocity, std::sqrt(l * l - h * h) / l, found.outside_domain, found.converged};
}

// --- rigid tendon ----------------------------------------------------------------------------------------------------

TEST(RigidTendon, KeepsTheHeightAndMovesWithThePath) {
  MuscleParameters unit = psoas_like();
  unit.rigid_tendon = true;
  for (double length = 0.16; length < 0.28; length += 0.003) {
    const FibreState fibre = rigid_tendon_fibre(unit, length, 0.7);
    EXPECT_NEAR(fibre.fibre_length * fibre.cos_pennation, length - unit.tendon_slack_length, 1e-15);
    const double sine = std::sqrt(1.0 - fibre.cos_pennation * fibre.cos_pennation);
    EXPECT_NEAR(fibre.fibre_length * sine, unit.optimal_fibre_length * std::sin(unit.pennation), 1e-14);
    const double d = 1e-6, longer = rigid_tendon_fibre(unit, length + d, 0.0).fibre_length,
                 shorter = rigid_tendon_fibre(unit, length - d, 0.0).fibre_length;
    EXPECT_NEAR(fibre.fibre_velocity, 0.7 * (longer - shorter) / (2.0 * d), 1e-8);
    EXPECT_FALSE(fibre.outside_domain) << length;
  }
}

TEST(RigidTendon, SlackUnitIsDefinedContinuousAndFlagged) {
  for (const double pennation : {0.0, 0.3}) {
    MuscleParameters unit = psoas_like();
    unit.pennation = pennation;
    unit.rigid_tendon = true;
    FibreState before = rigid_tendon_fibre(unit, -1.0, 1.0);
    MuscleForces force_before = fibre_forces(unit, before);
    for (double length = -1.0; length < 0.3; length += 1e-5) {
      const FibreState fibre = rigid_tendon_fibre(unit, length, 1.0);
      const MuscleForces forces = fibre_forces(unit, fibre);
      ASSERT_TRUE(std::isfinite(forces.active) && std::isfinite(forces.passive) && std::isfinite(forces.damping));
      ASSERT_GE(forces.active, 0.0);
      ASSERT_GE(forces.passive, 0.0);
      // steps of 10 micrometres: bounds are the steepest slope times the step
      ASSERT_NEAR(fibre.fibre_length, before.fibre_length, 1.1e-5);
      ASSERT_NEAR(fibre.fibre_velocity, before.fibre_velocity, 6e-3);
      ASSERT_NEAR(forces.active, force_before.active, 2.0);
      ASSERT_NEAR(forces.passive, force_before.passive, 2.0);
      if (length < unit.tendon_slack_length) {
        ASSERT_TRUE(fibre.outside_domain);
        ASSERT_EQ(fibre.fibre_velocity, 0.0);
        ASSERT_LT(forces.active, 0.01 * unit.max_isometric_force);
      }
      before = fibre;
      force_before = forces;
    }
  }
}

TEST(RigidTendon, FlagsFibresBeyondTheCurves) {
  MuscleParameters unit = psoas_like();
  unit.pennation = 0.0;
  const double l0 = unit.optimal_fibre_length, lTs = unit.tendon_slack_length;
  EXPECT_TRUE(rigid_tendon_fibre(unit, lTs + 0.19 * l0, 0).outside_domain);
  EXPECT_FALSE(rigid_tendon_fibre(unit, lTs + 0.21 * l0, 0).outside_domain);
  EXPECT_FALSE(rigid_tendon_fibre(unit, lTs + 1.79 * l0, 0).outside_domain);
  EXPECT_TRUE(rigid_tendon_fibre(unit, lTs + 1.81 * l0, 0).outside_domain);
}

TEST(RigidTendon, NoTendonIsRigid) {
  MuscleParameters unit = psoas_like();
  unit.tendon_slack_length = 0.0;
  const Equilibrium found = static_equilibrium(unit, 0.12, 0.5);
  EXPECT_TRUE(found.converged);
  EXPECT_NEAR(found.fibre_length, std::hypot(0.12, unit.height()), 1e-15);
  EXPECT_EQ(found.residual, 0.0);
}

// --- forces ----------------------------------------------------------------------------------------------------------

TEST(FibreForces, ClosedFormAtOptimalLength) {
  const MuscleParameters unit = psoas_like();
  const MuscleForces forces = fibre_forces(unit, {unit.optimal_fibre_length, 0.0, std::cos(unit.pennation)});
  EXPECT_NEAR(forces.active, 1400.0 * std::cos(0.19), 1e-9);
  EXPECT_NEAR(forces.passive, 0.018228823820 * 1400.0 * std::cos(0.19), 1e-7);
  EXPECT_EQ(forces.damping, 0.0);
}

TEST(FibreForces, NothingPushes) {
  const MuscleParameters unit = psoas_like();
  // faster than vmax: no active force, the damper alone resists
  const MuscleForces fast = fibre_forces(unit, {unit.optimal_fibre_length, -1.2 * unit.max_speed(), 1.0});
  EXPECT_EQ(fast.active, 0.0);
  EXPECT_NEAR(fast.damping, -0.12 * unit.max_isometric_force, 1e-9);
  // shorter than where the passive law is 0
  EXPECT_EQ(fibre_forces(unit, {0.06 * unit.optimal_fibre_length, 0.0, 1.0}).passive, 0.0);
  // a slack tendon
  EXPECT_EQ(tendon_force(unit, 0.2, 0.12), 0.0);
}

// --- equilibrium -----------------------------------------------------------------------------------------------------

TEST(Equilibrium, GridOfLengthsAndActivations) {
  const MuscleParameters unit = psoas_like();
  for (double length = 0.14; length < 0.30; length += 0.002)
    for (double activation = 0.0; activation <= 1.0; activation += 0.05) {
      SCOPED_TRACE("length " + std::to_string(length) + " activation " + std::to_string(activation));
      const Equilibrium found = static_equilibrium(unit, length, activation);
      ASSERT_TRUE(found.converged);
      ASSERT_FALSE(found.outside_domain);
      ASSERT_LE(found.iterations, 20);
      ASSERT_NEAR(imbalance(unit, length, state_of(unit, found), activation), 0.0, 1e-10 * unit.max_isometric_force);
      ASSERT_NEAR(found.tendon_force, tendon_force(unit, length, found.fibre_length), 1e-9);
    }
}

TEST(Equilibrium, ManyRandomUnits) {
  MersenneTwister random(20240611);
  int inside = 0, most = 0;
  for (int i = 0; i < 20000; ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const MuscleParameters unit = random_unit(random);
    const double l0 = unit.optimal_fibre_length;
    const double length = unit.tendon_slack_length * random.uniform(0.9, 1.1) + random.uniform(-0.5, 2.2) * l0;
    const double activation = random.uniform(0.0, 1.0);
    const double speed = i % 2 ? 0.0 : random.uniform(-1.5, 1.5) * unit.max_speed();
    const Equilibrium found = equilibrium(unit, length, speed, activation);
    ASSERT_TRUE(std::isfinite(found.fibre_length) && std::isfinite(found.tendon_force) &&
                std::isfinite(found.residual));
    ASSERT_TRUE(found.converged);
    ASSERT_GE(found.tendon_force, 0.0);
    ASSERT_GT(found.fibre_length, 0.0);
    most = std::max(most, found.iterations);
    if (found.outside_domain) continue;
    ++inside;
    // of F0, or of the force itself where a stretched unit carries many times F0
    const double scale = std::max(unit.max_isometric_force, found.tendon_force);
    ASSERT_LE(std::abs(found.residual), 1e-10 * scale);
    ASSERT_LE(std::abs(imbalance(unit, length, state_of(unit, found), activation)), 1e-10 * scale);
  }
  EXPECT_GT(inside, 8000);
  EXPECT_LT(most, 40);
}

TEST(Equilibrium, SlackUnitIsFlaggedAndItsForceContinuous) {
  const MuscleParameters unit = psoas_like();
  for (const double speed : {0.0, -0.3, 0.3})
    for (const double activation : {0.01, 0.5}) {
      double before = equilibrium(unit, 0.0, speed, activation).tendon_force;
      EXPECT_EQ(before, 0.0);
      for (double length = 0.0; length < 0.2; length += 1e-5) {
        const Equilibrium found = equilibrium(unit, length, speed, activation);
        ASSERT_TRUE(found.converged) << length;
        // the slope of the tendon at slack length is 10^5 N/m, the step 10 micrometres
        ASSERT_NEAR(found.tendon_force, before, 1.5) << length;
        if (length < unit.tendon_slack_length) {
          ASSERT_TRUE(found.outside_domain);
        }
        before = found.tendon_force;
      }
    }
}

TEST(Equilibrium, StiffTendonTendsToTheRigidOne) {
  MersenneTwister random(5);
  for (int i = 0; i < 200; ++i) {
    MuscleParameters unit = random_unit(random);
    unit.tendon_slack_length = unit.optimal_fibre_length;
    const double length = unit.tendon_slack_length + random.uniform(0.5, 1.4) * unit.optimal_fibre_length;
    const double speed = random.uniform(-0.3, 0.3) * unit.max_speed(), activation = random.uniform(0.2, 1.0);
    MuscleParameters rigid = unit;
    rigid.rigid_tendon = true;
    const double expected = equilibrium(rigid, length, speed, activation).tendon_force;
    unit.tendon_strain = 1e-6;
    const double found = equilibrium(unit, length, speed, activation).tendon_force;
    EXPECT_NEAR(found, std::max(expected, 0.0), 2e-4 * (unit.max_isometric_force + expected)) << i;
  }
}

TEST(Equilibrium, SearchFromAGuessFindsTheSame) {
  const MuscleParameters unit = psoas_like();
  for (double guess : {-1.0, 0.0, 0.05, 0.1, 0.14, 5.0}) {
    const Equilibrium cold = equilibrium(unit, 0.22, 0.1, 0.4), warm = equilibrium(unit, 0.22, 0.1, 0.4, guess);
    EXPECT_TRUE(warm.converged);
    EXPECT_NEAR(warm.fibre_length, cold.fibre_length, 1e-13);
  }
}

// --- velocity of the damped unit -------------------------------------------------------------------------------------

TEST(CompliantFibre, VelocityBalancesForcesOfRandomUnits) {
  MersenneTwister random(77);
  int checked = 0;
  for (int i = 0; i < 20000; ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const MuscleParameters unit = random_unit(random);
    const double l = random.uniform(0.2, 1.8) * unit.optimal_fibre_length, h = unit.height();
    const double along = std::sqrt(std::max(l * l - h * h, 0.0));
    const double length = along + unit.tendon_slack_length * (1.0 + random.uniform(-0.5, 1.3) * unit.tendon_strain);
    const double activation = i % 10 == 0 ? 0.0 : random.uniform(0.0, 1.0);
    const FibreState fibre = compliant_fibre(unit, length, l, activation);
    ASSERT_TRUE(std::isfinite(fibre.fibre_velocity));
    ASSERT_TRUE(fibre.converged);
    if (along < unit.least_along()) continue;
    if (fibre.outside_domain && unit.damping == 0.0) continue;  // velocity is held at an end there
    const double tendon = tendon_force(unit, length, fibre.fibre_length);
    const double scale = unit.max_isometric_force + tendon + fibre_forces(unit, fibre).passive;
    ASSERT_NEAR(imbalance(unit, length, fibre, activation), 0.0, 1e-11 * scale);
    ++checked;
  }
  EXPECT_GT(checked, 14000);
}

TEST(CompliantFibre, RestsAtTheStaticEquilibrium) {
  const MuscleParameters unit = psoas_like();
  for (double activation : {0.05, 0.5, 1.0})
    for (double length = 0.16; length < 0.26; length += 0.01) {
      const Equilibrium rest = static_equilibrium(unit, length, activation);
      EXPECT_NEAR(compliant_fibre(unit, length, rest.fibre_length, activation).fibre_velocity, 0.0, 1e-10);
    }
}

TEST(CompliantFibre, IntegratesToTheStaticEquilibrium) {
  const MuscleParameters unit = psoas_like();
  const double length = 0.21, activation = 0.3, rest = static_equilibrium(unit, length, activation).fibre_length;
  for (double start : {0.8 * rest, 1.04 * rest}) {
    double l = start;
    const double dt = 2e-5;
    const auto rate = [&](double x) { return compliant_fibre(unit, length, x, activation).fibre_velocity; };
    for (int i = 0; i < 50000; ++i) {  // 1 s of Heun's method
      const double k = rate(l);
      l += 0.5 * dt * (k + rate(l + dt * k));
    }
    EXPECT_NEAR(l, rest, 1e-9) << "from " << start;
  }
}

TEST(CompliantFibre, AStopKeepsFibresFromVanishing) {
  for (const double damping : {0.1, 0.0}) {
    MuscleParameters unit = psoas_like();
    unit.damping = damping;
    double l = 0.5 * unit.optimal_fibre_length;
    for (int i = 0; i < 200000; ++i) l += 1e-4 * compliant_fibre(unit, 0.05, l, 0.5).fibre_velocity;
    EXPECT_GT(l, 0.0);
    EXPECT_TRUE(compliant_fibre(unit, 0.05, l, 0.5).outside_domain);
    for (const double below : {0.02, 0.0, -1.0}) {
      const FibreState fibre = compliant_fibre(unit, 0.05, below * unit.optimal_fibre_length, 0.5);
      EXPECT_TRUE(std::isfinite(fibre.fibre_velocity));
      EXPECT_GT(fibre.fibre_velocity, 0.0) << below;
    }
  }
}

TEST(CompliantFibre, WithoutDampingAndActivationItIsHeldAndFlagged) {
  MuscleParameters unit = psoas_like();
  unit.damping = 0.0;
  const FibreState pulled = compliant_fibre(unit, 0.24, 0.10, 0.0), slack = compliant_fibre(unit, 0.15, 0.12, 0.0);
  EXPECT_TRUE(pulled.outside_domain);
  EXPECT_NEAR(pulled.fibre_velocity, 10.0 * unit.max_speed(), 1e-12);
  EXPECT_TRUE(slack.outside_domain);
  EXPECT_NEAR(slack.fibre_velocity, -unit.max_speed(), 1e-12);
}

// --- all quantities --------------------------------------------------------------------------------------------------

TEST(Quantities, AgreeWithTheParts) {
  for (const bool rigid : {true, false}) {
    MuscleParameters unit = psoas_like();
    unit.rigid_tendon = rigid;
    const double length = 0.23, activation = 0.4;
    const Equilibrium found = equilibrium(unit, length, 0.2, activation);
    const MuscleQuantities all = muscle_quantities(unit, length, state_of(unit, found), activation);
    EXPECT_NEAR(all.tendon_force, found.tendon_force, 1e-9);
    EXPECT_NEAR(all.active_force + all.passive_force + all.damping_force, all.tendon_force, 1e-8);
    EXPECT_NEAR(all.fibre_length * std::cos(all.pennation) + all.tendon_length, length, 1e-14);
    EXPECT_NEAR(all.fibre_length * std::sin(all.pennation), all.height, 1e-13);
    EXPECT_EQ(all.height, unit.height());
    EXPECT_NEAR(all.sarcomere_length, 2.7e-6 * (1.0 + all.fibre_strain), 1e-18);
    EXPECT_EQ(all.norm_fibre_length, all.fibre_length / unit.optimal_fibre_length);
    EXPECT_EQ(all.norm_velocity, all.fibre_velocity / unit.max_speed());
    EXPECT_NEAR(all.active_power, -all.active_force * 0.2, 1e-9);  // the tendon's length is constant
    if (rigid) {
      EXPECT_EQ(all.tendon_strain, 0.0);
    }
  }
}

// --- another program -------------------------------------------------------------------------------------------------

TEST(OpenSim, SingleMusclesAgree) {
  std::ifstream file(PSOAS_SOURCE_DIR "/tests/golden/opensim46_de_groote_fregly.json");
  ASSERT_TRUE(file);
  const auto golden = nlohmann::json::parse(file);
  const auto& columns = golden["columns"];
  int rigid = 0, compliant = 0;
  test::Greatest lengths("De Groote-Fregly against OpenSim 4.6, fibre length over l0"),
      forces("De Groote-Fregly against OpenSim 4.6, tendon force over F0");
  for (const auto& row : golden["rows"]) {
    SCOPED_TRACE("row " + std::to_string(rigid + compliant));
    const auto number = [&](const char* name) {
      const auto column = std::find(columns.begin(), columns.end(), name) - columns.begin();
      return row.at(static_cast<std::size_t>(column)).template get<double>();
    };
    MuscleParameters unit;
    unit.max_isometric_force = number("max_isometric_force");
    unit.optimal_fibre_length = number("optimal_fibre_length");
    unit.tendon_slack_length = number("tendon_slack_length");
    unit.pennation = number("pennation_at_optimal");
    unit.rigid_tendon = number("rigid_tendon") != 0.0;
    unit.damping = 0.0;
    (unit.rigid_tendon ? rigid : compliant) += 1;

    const double length = number("length"), activation = number("activation");
    const Equilibrium found = equilibrium(unit, length, number("speed"), activation);
    EXPECT_TRUE(found.converged);
    EXPECT_FALSE(found.outside_domain);
    const MuscleQuantities all = muscle_quantities(unit, length, state_of(unit, found), activation);
    // OpenSim's own search ends at 1e-10 of the normalised tendon force; its figures have 12 digits.
    EXPECT_NEAR(all.tendon_force, number("tendon_force"), 1e-9 * unit.max_isometric_force);
    EXPECT_NEAR(all.fibre_length, number("fibre_length"), 1e-9 * all.fibre_length);
    EXPECT_NEAR(all.pennation, number("pennation"), 1e-9);
    lengths.see((all.fibre_length - number("fibre_length")) / unit.optimal_fibre_length);
    forces.see((all.tendon_force - number("tendon_force")) / unit.max_isometric_force);
    EXPECT_NEAR(all.fibre_velocity, number("fibre_velocity"), 1e-7 * unit.max_speed());
    const DeGrooteFregly curve;
    EXPECT_NEAR(curve.active_force_length(all.norm_fibre_length), number("active_multiplier"), 1e-8);
    EXPECT_NEAR(curve.force_velocity(all.norm_velocity, activation), number("velocity_multiplier"), 1e-7);
    EXPECT_NEAR(curve.passive_force_length(all.norm_fibre_length, 0.6, 4.0), number("passive_multiplier"), 1e-8);
  }
  EXPECT_EQ(rigid, 30);
  EXPECT_EQ(compliant, 90);
}

}  // namespace
}  // namespace psoas
