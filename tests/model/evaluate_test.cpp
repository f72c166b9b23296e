// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws of the pipeline: moment arms are slopes of lengths, powers agree, nothing depends on history or allocates.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <numeric>
#include <thread>

#include "model/tiny.hpp"
#include "psoas/core/units.hpp"
#include "support/allocations.hpp"
#include "support/random_tree.hpp"

namespace psoas {
namespace {

using test::at;
using test::Random;

const Model& full_body() {
  static const Model model = Model::load(std::string(PSOAS_SOURCE_DIR) + "/models/full_body.json");
  return model;
}
const Model& tiny() {
  static const Model model(test::tiny_model());
  return model;
}

/// A pose inside the ranges of a model's coordinates, and speeds.
State random_state(const Model& model, Random& random, double share = 0.9) {
  State state = model.default_state();
  for (int c = 0; c < model.coordinates(); ++c) {
    const auto range = model.spec().coordinates.find(model.data().coordinate_names[at(c)])->range;
    const double low = std::max(range[0], -1.0), high = std::min(range[1], 1.6), middle = 0.5 * (low + high);
    state.q()[at(c)] = middle + share * random.uniform(low - middle, high - middle);
    state.u()[at(c)] = random.uniform(-2, 2);
  }
  for (int m = 0; m < model.muscles(); ++m) state.activation()[at(m)] = random.uniform(0.02, 1);
  return state;
}

/// Everything that evaluate() leaves behind.
std::vector<double> results(const Workspace& work) {
  std::vector<double> all;
  for (const auto* list : {&work.q, &work.u, &work.length, &work.speed, &work.fibre.fibre_length,
                           &work.fibre.fibre_velocity, &work.force.active, &work.force.passive, &work.force.damping,
                           &work.tendon_force, &work.arm, &work.passive_torque})
    all.insert(all.end(), list->begin(), list->end());
  for (const char flag : work.inside) all.push_back(flag);
  for (const char flag : work.fibre.outside_domain) all.push_back(flag);
  return all;
}

// ---- moment arms ----

/// Largest difference between arms and central differences of lengths over poses, where no point lies in a surface.
void check_arms(const Model& model, int poses, std::uint64_t seed) {
  Random random(seed);
  Workspace work(model), near(model);
  int compared = 0, skipped = 0;
  for (int pose = 0; pose < poses; ++pose) {
    State state = random_state(model, random);
    evaluate(model, state, work, Depth::velocity);
    std::vector<double> speed(at(model.muscles()), 0.0);
    for (int c = 0; c < model.coordinates(); ++c) {
      const double q = state.q()[at(c)], h = 2e-6;
      std::vector<double> up, down;
      std::vector<char> inside = work.inside;
      const auto lengths_at = [&](double value) {
        state.q()[at(c)] = value;
        evaluate(model, state, near, Depth::position);
        for (std::size_t m = 0; m < inside.size(); ++m) inside[m] = inside[m] || near.inside[m];
        return near.length;
      };
      up = lengths_at(q + h);
      down = lengths_at(q - h);
      state.q()[at(c)] = q;
      for (int m = 0; m < model.muscles(); ++m) {
        const double arm = moment_arm(model, work, m, c);
        speed[at(m)] -= arm * state.u()[at(c)];
        if (inside[at(m)]) {
          ++skipped;
          continue;
        }
        ++compared;
        EXPECT_NEAR(arm, -(up[at(m)] - down[at(m)]) / (2 * h), 2e-7)
            << model.data().muscle_names[at(m)] << " " << model.data().coordinate_names[at(c)] << " pose " << pose;
      }
    }
    for (int m = 0; m < model.muscles(); ++m)
      EXPECT_NEAR(work.speed[at(m)], speed[at(m)], 1e-12) << model.data().muscle_names[at(m)];
  }
  EXPECT_LT(skipped, compared / 20) << "few entries may be skipped";
}

TEST(MomentArm, IsTheSlopeOfTheLengthTiny) { check_arms(tiny(), 20, 1); }
TEST(MomentArm, IsTheSlopeOfTheLengthFullBody) { check_arms(full_body(), 6, 2); }
TEST(MomentArm, IsTheSlopeOfTheLengthIliopsoas) {
  check_arms(Model::load(std::string(PSOAS_SOURCE_DIR) + "/models/iliopsoas.json"), 6, 3);
}

TEST(MomentArm, IsTheSlopeOfTheLengthWhereAPointMoves) {
  // with a coordinate that moves one of the bodies, with one that moves none, and with a coupled one
  ModelSpec spec = test::tiny_model();
  std::vector<PointSpec>& path = spec.muscles.find("hamstrings_r")->path;
  path[1].moving = {{{1, 1, 0}, "knee_angle_r", Polynomial{{0.0, 0.02, 0.01}}}, {{0, 0, 1}, {}, Constant{0.003}}};
  path[2].moving = {{{0, 1, 0}, "hip_flexion_r", Linear{0.01, 0.0}}, {{0, 0, 1}, "knee_slide_r", Linear{2.0, 0.0}}};
  spec.muscles.find("psoas_l")->path[1].moving = {{{0, 1, 0}, "knee_angle_r", Linear{0.05, 0.0}}};
  const Model model(spec);
  check_arms(model, 20, 4);
  Workspace work(model);
  evaluate(model, model.default_state(), work, Depth::position);
  EXPECT_GT(std::abs(moment_arm(model, work, model.muscle("psoas_l"), model.coordinate("knee_angle_r"))), 0.01)
      << "the psoas does not cross the knee: its point moves with it";
}

TEST(MomentArm, GoesThroughCouplers) {
  // the knee drives the patella: arms of the quadriceps over the knee are those over both of the tree's coordinates
  const Model& model = full_body();
  Workspace work(model);
  State state = model.default_state();
  model.set(state, "knee_angle_r", 1.0);
  evaluate(model, state, work, Depth::position);
  const int knee = model.coordinate("knee_angle_r"), vastus = model.muscle("vasint_r");
  double of_patella = 0.0;
  for (int i = model.data().arm_start[at(vastus)]; i < model.data().arm_start[at(vastus) + 1]; ++i)
    if (model.data().tree_coordinate_names[at(model.data().arm_slots[at(i)].coordinate)] == "knee_angle_r_beta")
      of_patella += work.arm[at(i)];
  EXPECT_GT(std::abs(of_patella), 0.004) << "the patella's share";
  EXPECT_LT(moment_arm(model, work, vastus, knee), -0.03) << "extends";
  EXPECT_GT(moment_arm(model, work, vastus, knee), -0.06);
}

// ---- power ----

TEST(Project, KeepsPower) {
  for (const Model* model : {&tiny(), &full_body()}) {
    Random random(5);
    Workspace work(*model);
    const State state = random_state(*model, random);
    evaluate(*model, state, work, Depth::velocity);
    const VecX tree_force = random.vector(model->tree().coordinates(), 10.0);
    std::vector<double> force(at(model->coordinates()));
    project(*model, work, test::view(tree_force), force);
    double of_tree = 0.0, of_independent = 0.0;
    for (std::size_t t = 0; t < work.u.size(); ++t) of_tree += tree_force[static_cast<Eigen::Index>(t)] * work.u[t];
    for (std::size_t c = 0; c < force.size(); ++c) of_independent += force[c] * state.u()[c];
    EXPECT_NEAR(of_tree, of_independent, 1e-10);
  }
}

TEST(Couple, SpeedsAndAccelerationsAreDerivatives) {
  const Model& model = full_body();
  Random random(6);
  const State state = random_state(model, random, 0.8);
  const std::size_t n = at(model.coordinates());
  const VecX udot = random.vector(model.coordinates(), 5.0);
  Workspace work(model), before(model), after(model);
  couple(model, state.q(), state.u(), work);
  std::vector<double> acceleration(work.q.size());
  couple_accelerations(model, state.u(), test::view(udot), work, acceleration);
  // a short way along the motion
  const double h = 1e-5;
  const auto move = [&](double t, Workspace& out) {
    std::vector<double> q(n), u(n);
    for (std::size_t c = 0; c < n; ++c) {
      const double a = udot[static_cast<Eigen::Index>(c)];
      q[c] = state.q()[c] + t * state.u()[c] + 0.5 * t * t * a;
      u[c] = state.u()[c] + t * a;
    }
    couple(model, q, u, out);
  };
  move(-h, before);
  move(h, after);
  for (std::size_t t = 0; t < work.q.size(); ++t) {
    EXPECT_NEAR(work.u[t], (after.q[t] - before.q[t]) / (2 * h), 1e-7) << model.data().tree_coordinate_names[t];
    EXPECT_NEAR(acceleration[t], (after.u[t] - before.u[t]) / (2 * h), 1e-5) << model.data().tree_coordinate_names[t];
  }
}

TEST(Wrenches, OfAMuscleAddUpToNothing) {
  const Model& model = full_body();
  Random random(7);
  Workspace work(model);
  evaluate(model, random_state(model, random), work, Depth::position);
  for (int m = 0; m < model.muscles(); ++m) {
    Spatial sum = Spatial::Zero();
    for (int i = model.data().wrench_start[at(m)]; i < model.data().wrench_start[at(m) + 1]; ++i)
      sum += work.wrench[at(i)];
    EXPECT_LT(sum.norm(), 1e-12) << model.data().muscle_names[at(m)];
  }
}

// ---- states ----

TEST(DefaultState, IsTheFilesAndInEquilibrium) {
  for (const Model* model : {&tiny(), &full_body()}) {
    const State state = model->default_state();
    EXPECT_EQ(state.vector.size(), at(2 * model->coordinates() + 2 * model->muscles()));
    Workspace work(*model);
    evaluate(*model, state, work, Depth::force);
    for (int c = 0; c < model->coordinates(); ++c) {
      EXPECT_EQ(state.q()[at(c)], model->spec().coordinates.find(model->data().coordinate_names[at(c)])->value);
      EXPECT_EQ(state.u()[at(c)], 0.0);
    }
    for (int m = 0; m < model->muscles(); ++m) {
      const MuscleParameters& unit = model->data().units[at(m)];
      EXPECT_EQ(state.activation()[at(m)], unit.minimum_activation);
      EXPECT_FALSE(work.fibre.outside_domain[at(m)]) << model->data().muscle_names[at(m)];
      EXPECT_NEAR(work.fibre.fibre_velocity[at(m)] / unit.max_speed(), 0.0, 1e-8) << model->data().muscle_names[at(m)];
      EXPECT_NEAR(
          work.tendon_force[at(m)],
          unit.minimum_activation * work.force.active[at(m)] + work.force.passive[at(m)] + work.force.damping[at(m)],
          1e-7 * unit.max_isometric_force)
          << model->data().muscle_names[at(m)];
    }
  }
}

TEST(States, SegmentsAndNames) {
  State state = tiny().default_state();
  tiny().set(state, "knee_angle_r", -0.5);
  EXPECT_EQ(state.q()[1], -0.5);
  EXPECT_EQ(tiny().get(state, "knee_angle_r"), -0.5);
  EXPECT_THROW(tiny().set(state, "knee", 0), Error);
  state.u()[0] = 2.0;
  state.activation()[0] = 3.0;
  state.fibre_length()[2] = 4.0;
  EXPECT_EQ(state.vector[2], 2.0);
  EXPECT_EQ(state.vector[4], 3.0);
  EXPECT_EQ(state.vector[9], 4.0);
  const State copy = state;
  EXPECT_EQ(copy.vector, state.vector);
}

// ---- torques ----

TEST(Torque, PassiveElements) {
  Workspace work(tiny());
  State state = tiny().default_state();
  tiny().set(state, "hip_flexion_r", 0.3);
  evaluate(tiny(), state, work, Depth::force);
  EXPECT_NEAR(work.passive_torque[0], 5.0 * std::exp(4.0 * (-0.2 - 0.3)), 1e-14);
  EXPECT_EQ(work.passive_torque[1], 0.0);
}

TEST(Torque, CapacityIsTheSumOverMusclesThatHelp) {
  const Model& model = full_body();
  Workspace work(model);
  State state = model.default_state();
  model.set(state, "hip_flexion_r", degrees(30));
  const int hip = model.coordinate("hip_flexion_r");
  const double torque = torque_capacity(model, state, "hip_flexion_r", work);
  evaluate(model, state, work, Depth::velocity);
  rigid_tendon_forces(model, work);
  double sum = 0.0, against = 0.0;
  for (int m = 0; m < model.muscles(); ++m) {
    const double arm = moment_arm(model, work, m, hip), least = model.data().units[at(m)].minimum_activation;
    sum += arm * ((arm > 0 ? 1.0 : least) * work.force.active[at(m)] + work.force.passive[at(m)]);
    against += arm * ((arm < 0 ? 1.0 : least) * work.force.active[at(m)] + work.force.passive[at(m)]);
  }
  EXPECT_NEAR(torque, sum, 1e-9);
  EXPECT_NEAR(torque_capacity(model, work, hip, -1), against, 1e-9);
  EXPECT_GT(torque, 100.0);
  EXPECT_LT(torque, 400.0);
  EXPECT_LT(against, -100.0);
  const Model weaker = model.with(scale("group:iliopsoas", "max_isometric_force", 0.5));
  Workspace other(weaker);
  EXPECT_LT(torque_capacity(weaker, state, "hip_flexion_r", other), torque - 20.0);
}

// ---- purity ----

TEST(Evaluate, AllocatesNothing) {
  for (const Model* model : {&tiny(), &full_body()}) {
    Random random(9);
    Workspace work(*model);
    const State state = random_state(*model, random);
    std::vector<double> force(at(model->coordinates())), tree_force(work.q.size(), 1.0);
    const std::size_t before = test::heap_allocations();
    evaluate(*model, state, work, Depth::force);
    rigid_tendon_forces(*model, work);
    project(*model, work, tree_force, force);
    couple_accelerations(*model, state.u(), state.u(), work, tree_force);
    torque_capacity(*model, work, 0);
    EXPECT_EQ(test::heap_allocations() - before, 0u);
  }
}

TEST(EvaluateDisplaced, IsEvaluateWhereNothingIsCoupled) {
  const Model& model = full_body();
  const ModelData& data = model.data();
  Random random(5);
  State state = random_state(model, random, 0.3);
  std::fill(state.u().begin(), state.u().end(), 0.0);
  Workspace there(model), displaced(model);
  std::vector<double> displacement(at(model.tree().coordinates()), 0.0);
  evaluate(model, state, there, Depth::velocity);
  evaluate_displaced(model, state.q(), displacement, displaced);
  EXPECT_EQ(results(displaced), results(there));
  const std::vector<double> slope = there.slope, neutral = there.q, length = there.length;

  const int hip = model.coordinate("hip_flexion_r"), own = data.tree_coordinate[at(hip)];
  ASSERT_GE(own, 0);
  displacement[at(own)] = 0.1;
  evaluate_displaced(model, state.q(), displacement, displaced);
  const double flexion = state.q()[at(hip)];
  state.q()[at(hip)] += 0.1;
  evaluate(model, state, there, Depth::velocity);
  EXPECT_EQ(results(displaced), results(there));
  state.q()[at(hip)] = flexion;

  // a level alone, which in the model follows the trunk with all others
  displacement[at(own)] = 0.0;
  const int level = data.levels[1].coordinates[0];
  displacement[at(level)] = 0.05;
  evaluate_displaced(model, state.q(), displacement, displaced);
  EXPECT_EQ(displaced.slope, slope);
  for (std::size_t t = 0; t < neutral.size(); ++t)
    EXPECT_EQ(displaced.q[t], neutral[t] + (static_cast<int>(t) == level ? 0.05 : 0.0)) << t;
  const auto m = at(model.muscle("psoas_L2_TP_r"));
  EXPECT_GT(std::abs(displaced.length[m] - length[m]), 1e-5);
}

TEST(Evaluate, HasNoMemory) {
  const Model& model = full_body();
  Random random(10);
  std::vector<State> states;
  for (int i = 0; i < 200; ++i) states.push_back(random_state(model, random));
  std::vector<std::vector<double>> first(states.size()), second(states.size());
  // one thread in order; then two threads from both ends, each with a used workspace
  {
    Workspace work(model);
    for (std::size_t i = 0; i < states.size(); ++i) {
      evaluate(model, states[i], work, Depth::force);
      first[i] = results(work);
    }
  }
  std::vector<std::size_t> order(states.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[at(random.integer(static_cast<int>(i) + 1))]);
  const auto half = [&](std::size_t start) {
    Workspace work(model);
    for (std::size_t i = start; i < order.size(); i += 2) {
      evaluate(model, states[order[i]], work, Depth::force);
      second[order[i]] = results(work);
    }
  };
  std::thread other(half, 1);
  half(0);
  other.join();
  for (std::size_t i = 0; i < states.size(); ++i) EXPECT_EQ(test::contents(first[i]), test::contents(second[i])) << i;
}

TEST(Evaluate, CopiesOfAModelShareIt) {
  const Model copy = full_body();
  EXPECT_EQ(&copy.data(), &full_body().data());
}

}  // namespace
}  // namespace psoas
