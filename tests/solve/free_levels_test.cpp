// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Free lumbar levels in the inverse problem and in time.
#include "psoas/model/free_levels.hpp"

#include <gtest/gtest.h>

#include "psoas/solve/forward.hpp"
#include "psoas/solve/inverse.hpp"
#include "support/free_levels.hpp"
#include "support/random_tree.hpp"

namespace psoas::test {
namespace {

/// A state of the freed model at which the levels share out what the rhythm's coordinates say.
State shared_out(const State& from) {
  State state = freed().default_state();
  for (int c = 0; c < freed().coordinates(); ++c) {
    const std::string& name = freed().data().coordinate_names[at(c)];
    const Coupling& coupling = rhythm().data().couplings[at(rhythm().tree_coordinate(name))];
    state.q()[at(c)] = coupling.function.jet(from.q()[at(coupling.source)]).value;
    state.u()[at(c)] = coupling.function.jet(from.q()[at(coupling.source)]).slope * from.u()[at(coupling.source)];
  }
  return state;
}

TEST(FreeLevels, HaveTheEquationsThatTheInverseProblemAsksOfLevels) {
  // Where the levels move together, the rhythm's model with equilibrium at each level and the freed model are one problem.
  State state = rhythm().default_state();
  rhythm().set(state, "lumbar_extension", -0.3);
  rhythm().set(state, "lumbar_bending", 0.05);
  rhythm().set(state, "hip_flexion_r", 0.3);
  rhythm().set(state, "hip_flexion_l", 0.2);
  const State free_state = shared_out(state);
  InverseSolver one(rhythm(), {}), other(freed(), {});
  ASSERT_EQ(one.equations().size(), other.equations().size());
  one.net(state.q(), state.u(), state.u());
  other.net(free_state.q(), free_state.u(), free_state.u());
  one.solve({.feet = 1.0, .seat = 1.0});
  other.solve({.feet = 1.0, .seat = 1.0});
  ASSERT_TRUE(one.converged() && other.converged());
  for (int m = 0; m < rhythm().muscles(); ++m)
    EXPECT_NEAR(one.activation()[at(m)], other.activation()[at(m)], 1e-6) << rhythm().data().muscle_names[at(m)];
  for (std::size_t k = 0; k < rhythm().data().levels.size(); ++k) {
    EXPECT_NEAR(one.level(static_cast<int>(k)).compression, other.level(static_cast<int>(k)).compression, 1e-3);
    EXPECT_NEAR(one.level(static_cast<int>(k)).anterior_shear, other.level(static_cast<int>(k)).anterior_shear, 1e-3);
    EXPECT_LT((one.level_imbalance(static_cast<int>(k)) - other.level_imbalance(static_cast<int>(k))).norm(), 1e-4);
  }
  // reserves by name, for the equations stand in another order
  for (std::size_t r = 0; r < one.equations().size(); ++r) {
    const auto same = std::find_if(other.equations().begin(), other.equations().end(),
                                   [&](const Equation& e) { return e.name == one.equations()[r].name; });
    ASSERT_NE(same, other.equations().end()) << one.equations()[r].name;
    EXPECT_NEAR(one.reserve()[r], other.reserve()[static_cast<std::size_t>(same - other.equations().begin())], 1e-4)
        << one.equations()[r].name;
  }
}

TEST(FreeLevels, StayWhereTheirDiscsHoldACouple) {
  // A couple M between thorax and pelvis acts on every level alike, so level k is at rest at M / k. Discs as stiff as
  // the inverse of their level's share of the rhythm then bend as the rhythm says.
  ModelSpec spec = rhythm().spec();
  spec.gravity = {0, 0, 0};
  spec.muscles = {};
  spec.groups = {};
  spec.domain = {};
  const auto share = [&](const std::string& joint) {
    return std::get<Linear>(spec.coordinates.find(joint + "_extension")->coupled_to->function).slope;
  };
  for (auto& [name, element] : spec.passive)
    if (Bushing* disc = std::get_if<Bushing>(&element)) {
      disc->stiffness[0] = 20.0 / share(disc->joint);
      disc->damping = {1, 1, 1};
    }
  const Model model(free_levels(spec));
  SimulationOptions options;
  options.locked.assign(at(model.coordinates()), 1);
  for (const Level& level : model.data().levels) {
    const int c = model.data().couplings[at(level.coordinates[0])].source;
    options.locked[at(c)] = 0;
    options.forces.push_back({c, Signal({0.0, 1.0}, {5.0, 5.0}, Signal::Shape::linear)});
  }
  options.duration = 0.3;
  options.step = 0.1;
  State rest = model.default_state();
  double sum = 0.0;
  for (const Level& level : model.data().levels) {
    double& angle = rest.q()[at(model.data().couplings[at(level.coordinates[0])].source)];
    angle = 5.0 / 20.0 * share(level.name);
    sum += angle;
  }
  EXPECT_NEAR(sum, 0.25, 1e-9) << "shares add up to the whole";
  State last = rest;
  simulate(model, rest, options, [&](const State& now, const ForwardDynamics&) { last = now; });
  for (std::size_t c = 0; c < rest.q().size(); ++c) EXPECT_NEAR(last.q()[c], rest.q()[c], 1e-10);
  // from elsewhere it moves, and energy is kept account of
  const SimulationReport report =
      simulate(model, model.default_state(), options, [&](const State& now, const ForwardDynamics&) { last = now; });
  EXPECT_GT(last.q()[at(model.coordinate("L5_S1_extension"))], 1e-3);
  EXPECT_LT(report.audit.relative(), 1e-4);
}

}  // namespace
}  // namespace psoas::test
