// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Millard and Thelen units against OpenSim 4.6. Where the two differ, and who is right, stands beside each check.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "psoas/muscle/unit.hpp"
#include "support/greatest.hpp"

namespace psoas {
namespace {

using nlohmann::json;

json golden(const std::string& name) {
  std::ifstream file(PSOAS_SOURCE_DIR "/tests/golden/" + name);
  EXPECT_TRUE(file) << name;
  return json::parse(file);
}

using Number = std::function<double(const char*)>;

/// Calls `look(unit, number)` with each row of a file of single muscles; `number` gives a column.
template <class Look>
void each_row(const std::string& name, Look look) {
  const json file = golden(name);
  const auto columns = file["columns"].get<std::vector<std::string>>();
  int row = 0;
  for (const json& values : file["rows"]) {
    SCOPED_TRACE("row " + std::to_string(row++));
    const Number number = [&](const char* column) {
      const auto at = std::find(columns.begin(), columns.end(), column) - columns.begin();
      return values.at(static_cast<std::size_t>(at)).get<double>();
    };
    MuscleParameters unit;
    unit.max_isometric_force = number("max_isometric_force");
    unit.optimal_fibre_length = number("optimal_fibre_length");
    unit.tendon_slack_length = number("tendon_slack_length");
    unit.pennation = number("pennation_at_optimal");
    unit.rigid_tendon = number("rigid_tendon") != 0.0;
    look(unit, number);
  }
}

TEST(OpenSim, MillardMuscles) {
  int rigid = 0, compliant = 0, pushing = 0;
  test::Greatest lengths("Millard against OpenSim 4.6, fibre length over l0"),
      forces_error("Millard against OpenSim 4.6, tendon force over F0");
  each_row("opensim46_millard.json", [&](MuscleParameters unit, const Number& number) {
    unit.curve = Millard{};
    unit.passive_strain = 0.7;
    (unit.rigid_tendon ? rigid : compliant) += 1;
    const double length = number("length"), activation = number("activation"), F0 = unit.max_isometric_force;
    // OpenSim's initial equilibrium of a compliant muscle is a static one.
    const double speed = unit.rigid_tendon ? number("speed") : 0.0;
    const Equilibrium found = equilibrium(unit, length, speed, activation);
    EXPECT_TRUE(found.converged);
    EXPECT_FALSE(found.outside_domain);
    const double norm_length = found.fibre_length / unit.optimal_fibre_length;
    const double norm_velocity = found.fibre_velocity / unit.max_speed();
    // OpenSim ends its search at 1e-8 F0; its figures have 12 digits.
    EXPECT_NEAR(found.fibre_length, number("fibre_length"), 1e-7 * unit.optimal_fibre_length);
    EXPECT_NEAR(found.fibre_velocity, number("fibre_velocity"), 1e-8 * unit.max_speed());
    const MillardLaws curve;
    EXPECT_NEAR(curve.active_force_length(norm_length), number("active_multiplier"), 1e-7);
    EXPECT_NEAR(curve.force_velocity(norm_velocity, activation), number("velocity_multiplier"), 1e-7);
    EXPECT_NEAR(curve.passive_force_length(norm_length, 0.7, 4.0), number("passive_multiplier"), 1e-7);
    EXPECT_NEAR(found.tendon_force, number("tendon_force"), 2e-8 * F0);
    lengths.see((found.fibre_length - number("fibre_length")) / unit.optimal_fibre_length);
    forces_error.see((found.tendon_force - number("tendon_force")) / F0);
    // At fast shortening the damper pushes more than the weak fibre pulls, and both take 0.
    const MuscleForces forces = fibre_forces(unit, rigid_tendon_fibre(unit, length, speed), activation);
    pushing += unit.rigid_tendon && activation * forces.active + forces.passive + forces.damping < 0.0;
  });
  EXPECT_EQ(rigid, 30);
  EXPECT_EQ(compliant, 90);
  EXPECT_EQ(pushing, 2);
}

TEST(OpenSim, ThelenMuscles) {
  int rows = 0;
  test::Greatest lengths("Thelen against OpenSim 4.6, fibre length over l0"),
      forces_error("Thelen against OpenSim 4.6, tendon force over F0");
  each_row("opensim46_thelen.json", [&](MuscleParameters unit, const Number& number) {
    ++rows;
    unit.curve = Thelen{};
    unit.passive_strain = 0.6, unit.passive_shape = 5.0, unit.tendon_strain = 0.04, unit.damping = 0.0;
    const double length = number("length"), activation = number("activation"), F0 = unit.max_isometric_force;
    const double l0 = unit.optimal_fibre_length;
    // OpenSim shares the path's speed between fibres and tendon by their stiffnesses, where equilibrium() gives all of
    // it to the fibres. Both are conventions for a start. With OpenSim's fibre speed the two must agree.
    const double cosine = std::cos(number("pennation"));
    const Equilibrium found = equilibrium(unit, length, number("fibre_velocity") / cosine, activation);
    EXPECT_TRUE(found.converged);
    EXPECT_NEAR(found.fibre_length, number("fibre_length"), 2e-8 * l0);
    lengths.see((found.fibre_length - number("fibre_length")) / l0);
    forces_error.see((found.tendon_force - number("tendon_force")) / F0);
    EXPECT_NEAR(found.tendon_force, number("tendon_force"), 2e-8 * F0);
    // The laws one by one, at OpenSim's fibre length.
    const Thelen curve;
    const double norm_length = number("fibre_length") / l0;
    const double norm_velocity = number("fibre_velocity") / unit.max_speed();
    EXPECT_NEAR(curve.active_force_length(norm_length), number("active_multiplier"), 1e-10);
    EXPECT_NEAR(curve.passive_force_length(norm_length, 0.6, 5.0), number("passive_multiplier"), 1e-10);
    EXPECT_NEAR(curve.force_velocity(norm_velocity, activation), number("velocity_multiplier"), 1e-8);
    EXPECT_NEAR(tendon_force(unit, length, number("fibre_length")), number("tendon_force"), 1e-9 * F0);
    const FibreState fibre = compliant_fibre(unit, length, number("fibre_length"), activation);
    EXPECT_NEAR(fibre.fibre_velocity, number("fibre_velocity"), 1e-8 * unit.max_speed());
  });
  EXPECT_EQ(rows, 90);
}

TEST(OpenSim, EightyMusclesInSixtyStates) {
  Millard controls;
  controls.shortest_length = 0.25, controls.transition_length = 0.77, controls.longest_length = 1.9;
  controls.shallow_slope = 0.75;
  int all = 0, near_length = 0, near_force = 0, slack = 0;
  test::Greatest lengths("80 muscles against OpenSim 4.6, fibre length over l0 where not slack"),
      forces_error("80 muscles against OpenSim 4.6, tendon force over F0");
  const json file = golden("opensim46_lai_uhlrich_muscles.json");
  for (const auto& [name, muscle] : file["muscles"].items()) {
    const auto parameters = muscle["parameters"].get<std::vector<double>>();
    const auto states = muscle["states"].get<std::vector<double>>();
    MuscleParameters unit;
    unit.max_isometric_force = parameters.at(0);
    unit.optimal_fibre_length = parameters.at(1);
    unit.tendon_slack_length = parameters.at(2);
    unit.pennation = parameters.at(3);
    unit.passive_strain = 0.7;
    unit.damping = 0.01;
    unit.curve = controls;
    for (std::size_t i = 0; i + 3 < states.size(); i += 4) {
      SCOPED_TRACE(name + ", state " + std::to_string(i / 4));
      const Equilibrium found = static_equilibrium(unit, states[i], states[i + 1]);
      const double l0 = unit.optimal_fibre_length, F0 = unit.max_isometric_force;
      ASSERT_TRUE(found.converged);
      ++all;
      near_length += std::abs(found.fibre_length - states[i + 2]) <= 1e-4 * l0;
      near_force += std::abs(found.tendon_force - states[i + 3]) <= 1e-3 * F0;
      EXPECT_NEAR(found.tendon_force, states[i + 3], 1e-5 * F0);
      forces_error.see((found.tendon_force - states[i + 3]) / F0);
      if (std::abs(found.fibre_length - states[i + 2]) <= 1e-6 * l0) {
        lengths.see((found.fibre_length - states[i + 2]) / l0);
        continue;
      }
      // Slack: no force in either program. OpenSim holds the fibre at its shortest active length, or where pennation is
      // 84 degrees, and the tendon hangs; here it shortens on, until the tendon is at slack length or the fibre reaches
      // a twentieth of l0 along it. No force tells which is right.
      ++slack;
      EXPECT_TRUE(found.outside_domain);
      EXPECT_LE(found.tendon_force, 1e-6 * F0);
      EXPECT_LE(states[i + 3], 1e-6 * F0);
      EXPECT_LE(found.fibre_length, 0.26 * l0);
      EXPECT_LE(states[i + 2], 0.26 * l0);
    }
  }
  EXPECT_EQ(all, 80 * 60);
  EXPECT_GE(near_length, 95 * all / 100);
  EXPECT_EQ(near_force, all);
  EXPECT_EQ(slack, 103);
}

}  // namespace
}  // namespace psoas
