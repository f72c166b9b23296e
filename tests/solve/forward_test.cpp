// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Forward integration against closed forms, conservation of energy, the work of muscles, and static equilibrium.
#include "psoas/solve/forward.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "psoas/muscle/activation.hpp"
#include "skeleton/mechanics.hpp"
#include "solve/models.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

double energy(const Model& model, const State& state, Workspace& work) {
  evaluate(model, state.q(), state.u(), work, Depth::velocity);
  return motion_energy(model.tree(), work.tree) + weight_energy(model.tree(), work.tree, model.spec().gravity);
}

State last_state(const Model& model, const State& start, const SimulationOptions& options) {
  State last = start;
  simulate(model, start, options, [&](const State& now, const ForwardDynamics&) { last = now; });
  return last;
}

// ---- without muscles

TEST(Simulate, pendulum_has_its_closed_form) {
  const Model model(pendulum());
  State state = model.default_state();
  const double amplitude = 2.0;
  model.set(state, "angle", amplitude);
  const double period =
      4.0 * std::sqrt(pendulum_length / standard_gravity) * std::comp_ellint_1(std::sin(amplitude / 2));
  SimulationOptions options;
  options.duration = period;
  options.step = period / 4.0;
  options.tolerance = 1e-11;
  std::vector<double> angles, speeds, times;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics&) {
    angles.push_back(now.q()[0]);
    speeds.push_back(now.u()[0]);
    times.push_back(now.time);
  });
  ASSERT_EQ(angles.size(), 5u);
  const double fastest = 2.0 * std::sqrt(standard_gravity / pendulum_length) * std::sin(amplitude / 2);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(times[i], static_cast<double>(i) * period / 4.0, 1e-12);
    EXPECT_NEAR(angles[i], std::vector<double>({amplitude, 0.0, -amplitude, 0.0, amplitude})[i], 1e-8) << i;
    EXPECT_NEAR(speeds[i], std::vector<double>({0.0, -fastest, 0.0, fastest, 0.0})[i], 1e-8) << i;
  }
}

TEST(Simulate, energy_is_kept) {
  for (const ModelSpec& spec : {pendulum(), chain()}) {
    const Model model(spec);
    State state = model.default_state();
    for (std::size_t c = 0; c < state.q().size(); ++c)
      state.q()[c] = 1.0 + 0.4 * static_cast<double>(c), state.u()[c] = -0.5;
    Workspace work(model);
    const double before = energy(model, state, work);
    double swing = 0.0, drift = 0.0;
    SimulationOptions options;
    options.duration = 3.0;
    options.tolerance = 1e-10;
    simulate(model, state, options, [&](const State& now, const ForwardDynamics&) {
      drift = std::max(drift, std::abs(energy(model, now, work) - before));
      swing = std::max(swing, motion_energy(model.tree(), work.tree));
    });
    EXPECT_GT(swing, 1.0);
    EXPECT_LE(drift, 1e-7 * swing);
  }
}

TEST(Simulate, passive_springs_store_energy) {
  // A torsion pendulum without gravity: harmonic with the frequency sqrt(k / I), here about a ball of three rotations
  // of which only the first is free.
  ModelSpec spec;
  spec.gravity.setZero();
  add_body(spec, "wheel", 1.0, Vec3::Zero(), {0.1, 0.1, 0.2, 0.0, 0.0, 0.0});
  JointSpec& joint = spec.joints["hub"];
  joint.parent = "ground";
  joint.child = "wheel";
  Custom custom;
  for (const auto& [name, direction] :
       {std::pair{"turn", Vec3(0, 0, 1)}, std::pair{"tip", Vec3(1, 0, 0)}, std::pair{"roll", Vec3(0, 1, 0)}}) {
    spec.coordinates[name];
    AxisSpec axis;
    axis.axis = direction;
    axis.coordinate = name;
    custom.rotations.push_back(axis);
  }
  joint.motion = custom;
  Bushing bushing;
  bushing.joint = "hub";
  bushing.stiffness = {5.0, 1.0, 1.0};
  bushing.neutral = {0.3, 0.0, 0.0};
  spec.passive["spring"] = bushing;
  const Model model(spec);
  State state = model.default_state();
  model.set(state, "turn", 1.3);
  SimulationOptions options;
  options.duration = 2.0;
  options.tolerance = 1e-11;
  options.locked = {0, 1, 1};
  const double frequency = std::sqrt(5.0 / 0.2);
  simulate(model, state, options, [&](const State& now, const ForwardDynamics&) {
    EXPECT_NEAR(now.q()[0], 0.3 + std::cos(frequency * now.time), 1e-8);
  });
}

TEST(Simulate, halving_the_tolerance_reduces_the_error) {
  const Model model(chain());
  State state = model.default_state();
  for (std::size_t c = 0; c < 3; ++c) state.q()[c] = 1.2;
  SimulationOptions options;
  options.duration = 1.5;
  options.step = 0.5;
  options.tolerance = 1e-13;
  const State exact = last_state(model, state, options);
  // halved many times over: one halving may leave the sequence of steps almost as it was
  double before = inf, first = 0.0, last = 0.0;
  for (int halvings = 10; halvings <= 34; halvings += 6) {
    options.tolerance = std::ldexp(1.0, -halvings);
    const State now = last_state(model, state, options);
    last = 0.0;
    for (std::size_t i = 0; i < 6; ++i) last = std::max(last, std::abs(now.vector[i] - exact.vector[i]));
    EXPECT_LT(last, before) << "2^-" << halvings;
    before = last;
    if (halvings == 10) first = last;
  }
  EXPECT_LT(last, 1e-4 * first);
}

TEST(Simulate, locked_coordinates_stay) {
  const Model model(chain());
  State state = model.default_state();
  for (std::size_t c = 0; c < 3; ++c) state.q()[c] = 0.3 + static_cast<double>(c);
  state.u()[1] = 2.0;  // a locked coordinate has no speed, whatever the state says
  SimulationOptions options;
  options.duration = 0.5;
  options.locked = {0, 1, 0};
  simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
    EXPECT_EQ(now.q()[1], 1.3);
    EXPECT_EQ(now.u()[1], 0.0);
    EXPECT_EQ(dynamics.udot()[1], 0.0);
  });
  const State end = last_state(model, state, options);
  EXPECT_GT(std::abs(end.q()[0] - 0.3), 0.05);

  // a chain whose other joints are locked is a compound pendulum
  options.locked = {0, 1, 1};
  ForwardDynamics dynamics(model, options);
  std::vector<double> rates(state.vector.size());
  dynamics.rates(0.0, state.vector, rates);
  const TreeWork<double>& work = dynamics.work().tree;
  double inertia = 0.0, moment = 0.0;
  for (std::size_t b = 1; b < 4; ++b) {
    const Vec3 c = work.mass_center[b];
    const Mat3 I = work.X_GB[b].R * model.tree().bodies[b].inertia * work.X_GB[b].R.transpose();
    inertia += I(2, 2) + model.tree().bodies[b].mass * (c.x() * c.x() + c.y() * c.y());
    moment -= model.tree().bodies[b].mass * standard_gravity * c.x();
  }
  EXPECT_NEAR(dynamics.udot()[0], moment / inertia, 1e-10);
}

TEST(Simulate, equal_input_gives_equal_bits) {
  const Model model(muscled_pendulum("compliant"));
  State state = model.default_state();
  model.set(state, "angle", 0.5);
  settle(model, state, 0.2);
  SimulationOptions options;
  options.duration = 0.3;
  options.excitation = {0.2};
  EXPECT_EQ(last_state(model, state, options).vector, last_state(model, state, options).vector);
}

TEST(Simulate, a_step_that_cannot_be_made_is_an_error_with_its_time) {
  // Nothing resists the coordinate: no acceleration is right.
  ModelSpec spec = pendulum();
  spec.bodies.find("bob")->mass = 0.0;
  const Model model(spec);
  const std::string text =
      error_of([&] { simulate(model, model.default_state(), {}, [](const State&, const ForwardDynamics&) {}); });
  EXPECT_EQ(text, "t = 0 s: angle: expected mass or inertia that resists this coordinate, found none");

  // A wall so stiff that no step into it is small enough.
  ModelSpec wild = pendulum();
  ExponentialTorque torque;
  torque.coordinate = "angle";
  torque.torque = -10.0;
  torque.rate = -300.0;
  wild.passive["wall"] = torque;
  const Model wall(wild);
  State state = wall.default_state();
  wall.set(state, "angle", 2.0);
  const auto [kind, place] = place_of([&] { simulate(wall, state, {}, [](const State&, const ForwardDynamics&) {}); });
  EXPECT_EQ(kind, "numeric");
  EXPECT_EQ(place.rfind("t = ", 0), 0u) << place;
}

// ---- with muscles

TEST(Simulate, muscles_do_the_work_that_energy_gains) {
  for (const char* tendon : {"compliant", "rigid"}) {
    const Model model(muscled_pendulum(tendon));
    State state = model.default_state();
    model.set(state, "angle", 0.6);
    settle(model, state, 0.1);
    SimulationOptions options;
    options.duration = 1.0;
    options.step = 1e-3;
    options.tolerance = 1e-10;
    options.excitation = {0.6};
    std::vector<double> power, energies;
    Workspace work(model);
    simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
      power.push_back(-dynamics.work().tendon_force[0] * dynamics.work().speed[0]);
      energies.push_back(energy(model, now, work));
    });
    ASSERT_EQ(power.size(), 1001u);
    double done = 0.0, turnover = 0.0;  // Simpson's rule
    for (std::size_t i = 0; i + 2 < power.size(); i += 2) {
      done += 1e-3 / 3.0 * (power[i] + 4.0 * power[i + 1] + power[i + 2]);
      turnover += 1e-3 / 3.0 * (std::abs(power[i]) + 4.0 * std::abs(power[i + 1]) + std::abs(power[i + 2]));
    }
    EXPECT_GT(turnover, 0.5) << tendon;
    EXPECT_NEAR(energies.back() - energies.front(), done, 1e-6 * turnover) << tendon;
  }
}

TEST(Simulate, a_muscle_holds_its_load_at_rest) {
  // Released at its equilibrium under constant excitation a damped muscle brings the pendulum to rest, where the muscle's
  // moment is that of the weight.
  const Model model(muscled_pendulum("compliant"));
  State state = model.default_state();
  model.set(state, "angle", -0.2);
  settle(model, state, 0.3);
  SimulationOptions options;
  options.duration = 60.0;
  options.step = 60.0;
  options.excitation = {0.3};
  options.tolerance = 1e-7;
  double muscle = 0.0, weight = 0.0;
  State end = state;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
    muscle = moment_arm(model, dynamics.work(), 0, 0) * dynamics.work().tendon_force[0];
    weight = -pendulum_mass * standard_gravity * pendulum_length * std::sin(now.q()[0]);
    end = now;
  });
  EXPECT_LT(std::abs(end.u()[0]), 0.02);
  EXPECT_GT(std::abs(weight), 0.3);
  EXPECT_NEAR(muscle + weight, 0.0, 0.05);
  EXPECT_NEAR(end.activation()[0], 0.3, 1e-6);
}

TEST(ForwardDynamics, allocates_nothing) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  SimulationOptions options;
  options.locked.assign(at(model.coordinates()), 0);
  options.locked[0] = 1;
  ForwardDynamics dynamics(model, options);
  const State state = model.default_state();
  std::vector<double> rates(state.vector.size());
  const std::size_t before = heap_allocations();
  dynamics.rates(0.0, state.vector, rates);
  dynamics.rates(0.0, state.vector, rates);
  EXPECT_EQ(heap_allocations() - before, 0u);
  for (const double rate : rates) EXPECT_TRUE(std::isfinite(rate));
}

TEST(ForwardDynamics, is_the_inverse_of_inverse_dynamics) {
  // The accelerations of the coupled skeleton, given back, need just the moments of muscles and passive tissue.
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  State state = model.default_state();
  model.set(state, "hip_flexion_r", 0.7);
  model.set(state, "lumbar_extension", -0.3);
  for (std::size_t c = 0; c < state.u().size(); ++c) state.u()[c] = 0.5 * std::sin(1.0 + static_cast<double>(c));
  settle(model, state, 0.3);
  ForwardDynamics dynamics(model, {});
  std::vector<double> rates(state.vector.size());
  dynamics.rates(0.0, state.vector, rates);
  Workspace work(model);
  const std::size_t tree = at(model.tree().coordinates());
  std::vector<double> a(tree), tau(tree), needed(at(model.coordinates())), passive(needed.size());
  evaluate(model, state, work, Depth::force);
  couple_accelerations(model, state.u(), dynamics.udot(), work, a);
  inverse_dynamics<double>(model.tree(), a, model.spec().gravity, {}, work.tree, tau);
  project(model, work, tau, needed);
  project(model, work, work.passive_torque, passive);
  for (int c = 0; c < model.coordinates(); ++c) {
    double given = passive[at(c)];
    for (int m = 0; m < model.muscles(); ++m) given += moment_arm(model, work, m, c) * work.tendon_force[at(m)];
    EXPECT_NEAR(given, needed[at(c)], 1e-9 * std::max(1.0, std::abs(given))) << model.data().coordinate_names[at(c)];
  }
}

// ---- one muscle along a track

MuscleParameters some_unit() {
  MuscleParameters unit;
  unit.max_isometric_force = 800.0;
  unit.optimal_fibre_length = 0.1;
  unit.tendon_slack_length = 0.15;
  unit.pennation = 0.15;
  return unit;
}

struct Track {
  std::vector<double> time, length, activation;
};

/// From one path length and activation to others within half a second, then held.
Track ramp_and_hold(double hold) {
  Track track;
  for (double t = 0.0; t <= 0.5 + hold + 1e-9; t += 0.01) {
    const double x = std::min(t / 0.5, 1.0), smooth = x * x * x * (10.0 + x * (-15.0 + 6.0 * x));
    track.time.push_back(t);
    track.length.push_back(0.235 + 0.03 * smooth);
    track.activation.push_back(0.1 + 0.5 * smooth);
  }
  return track;
}

TEST(IntegrateMuscle, ends_in_static_equilibrium) {
  const MuscleParameters unit = some_unit();
  const Track track = ramp_and_hold(1.0);
  std::vector<double> activation(track.time.size()), force(track.time.size());
  EXPECT_GT(integrate_muscle(unit, {track.time, track.length, track.activation}, 1e-8, activation, force), 10);
  EXPECT_NEAR(activation.back(), 0.6, 1e-5);
  const double expected = static_equilibrium(unit, track.length.back(), 0.6).tendon_force;
  EXPECT_GT(expected, 100.0);
  EXPECT_NEAR(force.back(), expected, 1e-4 * expected);
  // and starts in it
  EXPECT_NEAR(force.front(), static_equilibrium(unit, track.length.front(), 0.1).tendon_force, 1e-6 * expected);
}

TEST(IntegrateMuscle, follows_an_activation_that_excitation_can_reproduce) {
  const MuscleParameters unit = some_unit();
  const Track track = ramp_and_hold(0.2);
  std::vector<double> activation(track.time.size()), force(track.time.size());
  integrate_muscle(unit, {track.time, track.length, track.activation}, 1e-9, activation, force);
  for (std::size_t i = 0; i < activation.size(); ++i)
    EXPECT_NEAR(activation[i], track.activation[i], 1e-5) << track.time[i];

  // a jump is beyond any excitation: activation follows as fast as full excitation can make it, and arrives
  Track jump = track;
  for (std::size_t i = 0; i < jump.time.size(); ++i) jump.activation[i] = jump.time[i] < 0.295 ? 0.05 : 0.9;
  integrate_muscle(unit, {jump.time, jump.length, jump.activation}, 1e-8, activation, force);
  EXPECT_NEAR(activation.back(), 0.9, 1e-3);
  for (std::size_t i = 1; i < activation.size(); ++i) {
    EXPECT_LE((activation[i] - activation[i - 1]) / 0.01, activation_rate(unit, 1.0, 0.0) + 1e-9);
    EXPECT_GE(activation[i], 0.0);
    EXPECT_LE(activation[i], 1.0);
  }
}

TEST(IntegrateMuscle, converges_with_the_tolerance) {
  const MuscleParameters unit = some_unit();
  const Track track = ramp_and_hold(0.0);
  std::vector<double> activation(track.time.size()), exact(activation), force(activation);
  integrate_muscle(unit, {track.time, track.length, track.activation}, 1e-12, activation, exact);
  double before = inf;
  for (const double tolerance : {1e-3, 1e-5, 1e-7, 1e-9}) {
    integrate_muscle(unit, {track.time, track.length, track.activation}, tolerance, activation, force);
    double error = 0.0;
    for (std::size_t i = 0; i < force.size(); ++i) error = std::max(error, std::abs(force[i] - exact[i]));
    EXPECT_LT(error, before) << tolerance;
    before = error;
  }
  EXPECT_LT(before, 1e-4);
}

TEST(IntegrateMuscle, a_rigid_tendon_has_the_algebraic_force) {
  MuscleParameters unit = some_unit();
  unit.rigid_tendon = true;
  Track track = ramp_and_hold(0.3);
  std::vector<double> activation(track.time.size()), force(activation);
  integrate_muscle(unit, {track.time, track.length, track.activation}, 1e-9, activation, force);
  const MuscleForces still = fibre_forces(unit, rigid_tendon_fibre(unit, track.length.back(), 0.0));
  EXPECT_NEAR(force.back(), 0.6 * still.active + still.passive, 1e-3);
}

}  // namespace
}  // namespace psoas::test
