// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Simulations with signals, reflexes, prescribed coordinates and events, by both integrators, against closed forms; their
// derivatives against differences; their energy audit.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "psoas/muscle/activation.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "psoas/solve/forward.hpp"
#include "psoas/solve/inverse.hpp"
#include "solve/models.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Three rods, the last coupled to the middle one, with a compliant and a rigid muscle and passive elements.
ModelSpec jointed() {
  ModelSpec spec = chain();
  CouplerSpec& coupler = spec.coordinates["third"].coupled_to.emplace();
  coupler.coordinate = "second";
  coupler.function = Polynomial{{0.1, 0.5, -0.2, 0.05}};
  add_muscle(spec, "long", "compliant", {{"ground", {-0.1, 0.1, 0.02}}, {"lower", {-0.03, -0.05, 0.0}}})
      .tendon_slack_length = 0.75;
  add_muscle(spec, "short", "rigid", {{"upper", {0.05, -0.1, 0.0}}, {"middle", {0.04, -0.2, 0.01}}})
      .tendon_slack_length = 0.35;
  ExponentialTorque stop;
  stop.coordinate = "first";
  stop.torque = 2.0;
  stop.rate = 3.0;
  stop.reference = 0.5;
  spec.passive["stop"] = stop;
  return spec;
}

State some_state(const Model& model) {
  State state = model.default_state();
  for (std::size_t c = 0; c < state.q().size(); ++c) {
    state.q()[c] += 0.3 * std::sin(1.0 + static_cast<double>(c));
    state.u()[c] = 0.7 * std::cos(2.0 * static_cast<double>(c));
  }
  settle(model, state, 0.3);
  for (double& l : state.fibre_length()) l *= 1.01;  // moving
  return state;
}

// ---- derivatives

/// Greatest difference of a Jacobian from central differences, over the greatest entry of its row.
double jacobian_error(const Model& model, const State& state, SimulationOptions options, double t) {
  ForwardDynamics dynamics(model, std::move(options));
  dynamics.enter(t);
  const std::size_t n = at(dynamics.size());
  std::vector<double> x(n, 0.0), by_state(n * n), by_time(n), ahead(n), behind(n);
  std::copy(state.vector.begin(), state.vector.end(), x.begin());
  dynamics.jacobian(t, x, by_state, by_time);
  std::vector<double> size(n, 0.0), error(n, 0.0);
  for (std::size_t j = 0; j < n; ++j) {
    const double h = 1e-6;
    std::vector<double> moved = x;
    moved[j] = x[j] + h;
    dynamics.rates(t, moved, ahead);
    moved[j] = x[j] - h;
    dynamics.rates(t, moved, behind);
    for (std::size_t i = 0; i < n; ++i) {
      const double rough = (ahead[i] - behind[i]) / (2.0 * h), exact = by_state[i * n + j];
      size[i] = std::max(size[i], std::abs(rough));
      error[i] = std::max(error[i], std::abs(rough - exact));
    }
  }
  double worst = 0.0;
  for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, error[i] / std::max(1.0, size[i]));
  return worst;
}

TEST(SimulationJacobian, is_that_of_the_right_side) {
  for (const ModelSpec& spec : {muscled_pendulum("compliant"), muscled_pendulum("rigid"), jointed()}) {
    const Model model(spec);
    EXPECT_LT(jacobian_error(model, some_state(model), {}, 0.0), 2e-6) << spec.muscles.begin()->first;
  }
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  EXPECT_LT(jacobian_error(model, some_state(model), {}, 0.0), 2e-6);
}

TEST(SimulationJacobian, knows_of_controls_and_of_coordinates_that_do_not_move_freely) {
  const Model model(jointed());
  SimulationOptions options;
  options.forces.push_back({1, Signal({0.0, 1.0}, {2.0, -3.0}, Signal::Shape::linear)});
  options.prescribed.push_back({0, Signal({0.0, 0.3, 0.6, 1.0}, {0.2, 0.5, 0.1, 0.3}, Signal::Shape::spline)});
  options.open_loop.push_back({Signal({0.0, 1.0}, {0.1, 0.9}, Signal::Shape::linear), {0, 1}});
  EXPECT_LT(jacobian_error(model, some_state(model), options, 0.4), 2e-6);
  options.prescribed.clear();
  options.locked = {0, 1};
  EXPECT_LT(jacobian_error(model, some_state(model), options, 0.4), 2e-6);
}

// ---- both integrators

const auto nothing = [](const State&, const ForwardDynamics&) {};

State last_state(const Model& model, const State& start, const SimulationOptions& options) {
  State last = start;
  simulate(model, start, options, [&](const State& now, const ForwardDynamics&) { last = now; });
  return last;
}

double difference(const State& a, const State& b) {
  double greatest = 0.0;
  for (std::size_t i = 0; i < a.vector.size(); ++i) greatest = std::max(greatest, std::abs(a.vector[i] - b.vector[i]));
  return greatest;
}

TEST(SimulationIntegrators, the_error_goes_with_the_tolerance) {
  // The estimated error of a second is held at the tolerance, so that of the solution, which is one order better, goes with
  // its power (p + 1) / p: 5/4 for dopri5, 4/3 for rosenbrock4 and ark4.
  const Model model(muscled_pendulum("compliant"));
  State state = model.default_state();
  model.set(state, "angle", 1.0);
  settle(model, state, 0.2);
  SimulationOptions options;
  options.duration = options.step = 0.6;
  options.excitation = {0.5};
  options.tolerance = 1e-12;
  options.integrator = Integrator::dopri5;
  const State exact = last_state(model, state, options);
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
    options.integrator = integrator;
    std::vector<double> errors;
    for (const double tolerance : {1e-4, 1e-6, 1e-8}) {
      options.tolerance = tolerance;
      errors.push_back(difference(last_state(model, state, options), exact));
      EXPECT_LT(errors.back(), 20.0 * tolerance) << tolerance;
    }
    const double slope = std::log(errors.front() / errors.back()) / std::log(1e4);
    EXPECT_GT(slope, 1.0);
    EXPECT_LT(slope, 1.6);
  }
}

TEST(SimulationIntegrators, agree_on_coupled_bodies_with_muscles) {
  const Model model(jointed());
  SimulationOptions options;
  options.duration = options.step = 0.4;
  options.tolerance = 1e-10;
  options.excitation = {0.4, 0.1};
  options.integrator = Integrator::dopri5;
  const State a = last_state(model, some_state(model), options);
  options.integrator = Integrator::rosenbrock4;
  EXPECT_LT(difference(last_state(model, some_state(model), options), a), 1e-8);
  options.integrator = Integrator::ark4;
  options.tolerance = 1e-9;
  EXPECT_LT(difference(last_state(model, some_state(model), options), a), 1e-8);
}

TEST(SimulationIntegrators, a_stiff_tendon_calls_for_the_implicit_one) {
  // A tendon so short that fibres come to balance within 20 microseconds; seen from the body it is nearly rigid.
  ModelSpec spec = muscled_pendulum("compliant");
  MuscleSpec& muscle = *spec.muscles.find("side");
  muscle.optimal_fibre_length = 0.4;
  muscle.tendon_slack_length = 5e-3;
  const Model model(spec);
  State state = model.default_state();
  model.set(state, "angle", 0.4);
  settle(model, state, 0.2);
  SimulationOptions options;
  options.duration = 0.5;
  options.step = 0.05;
  options.tolerance = 1e-6;
  options.excitation = {0.5};
  const SimulationReport stiff = simulate(model, state, options, nothing);
  EXPECT_EQ(stiff.integrator, Integrator::rosenbrock4);
  const State a = last_state(model, state, options);
  options.integrator = Integrator::dopri5;
  const SimulationReport explicit_one = simulate(model, state, options, nothing);
  EXPECT_EQ(explicit_one.integrator, Integrator::dopri5);
  EXPECT_GT(explicit_one.steps, 10 * stiff.steps);
  EXPECT_LT(difference(last_state(model, state, options), a), 1e-5);
  // ordinary tendons do not
  const Model ordinary(muscled_pendulum("compliant"));
  options.integrator = Integrator::automatic;
  EXPECT_EQ(simulate(ordinary, ordinary.default_state(), options, nothing).integrator, Integrator::dopri5);
}

TEST(SimulationIntegrators, many_states_are_refused_to_the_implicit_one) {
  ModelSpec spec = pendulum();
  for (int m = 0; m < 50; ++m)
    add_muscle(spec, "m" + std::to_string(m), "compliant", {{"ground", {-0.3, 0.95, 0.0}}, {"bob", {-0.02, -0.15, 0}}});
  const Model model(spec);
  SimulationOptions options;
  options.integrator = Integrator::rosenbrock4;
  const std::string text = error_of([&] { simulate(model, model.default_state(), options, nothing); });
  EXPECT_EQ(text, "integrator: expected ark4 or dopri5 for a model of more than 100 states, found rosenbrock4 for 102");
}

TEST(SimulationIntegrators, take_nothing_from_the_heap_a_step) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const Model model(muscled_pendulum("compliant"));
  State state = model.default_state();
  model.set(state, "angle", 0.6);
  settle(model, state, 0.1);
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
    SimulationOptions options;
    options.integrator = integrator;
    options.reflexes.push_back({0, 0.03, 0.5, 0.9, 0.1, 0.0});
    options.events = range_events(model, {});
    std::vector<std::size_t> taken, steps;
    for (const double duration : {1.0, 4.0}) {
      options.duration = duration;
      options.step = duration / 20.0;
      const std::size_t before = heap_allocations();
      steps.push_back(static_cast<std::size_t>(simulate(model, state, options, nothing).steps));
      taken.push_back(heap_allocations() - before);
    }
    EXPECT_GT(steps[1], 2 * steps[0]);
    // Boost's rosenbrock4 makes one matrix of its own at each attempt of a step, of which some are rejected
    if (integrator != Integrator::rosenbrock4)
      EXPECT_EQ(taken[1], taken[0]);
    else
      EXPECT_LT(taken[1] - taken[0], (steps[1] - steps[0]) * 5 / 4);
  }
}

TEST(SimulationIntegrators, equal_input_gives_equal_bytes) {
  const Model model(jointed());
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
    SimulationOptions options;
    options.integrator = integrator;
    options.duration = 0.3;
    options.reflexes.push_back({0, 0.02, 1.0, 0.8, 0.1, 0.0});
    EXPECT_EQ(last_state(model, some_state(model), options).vector,
              last_state(model, some_state(model), options).vector);
  }
}

// ---- signals

/// A wheel without weight that torques turn.
ModelSpec wheel() {
  ModelSpec spec;
  spec.gravity.setZero();
  add_body(spec, "wheel", 1.0, Vec3::Zero(), {0.1, 0.1, 0.2, 0.0, 0.0, 0.0});
  add_pin(spec, "ground", "wheel", Vec3::Zero(), "turn");
  return spec;
}

TEST(SimulationSignals, corners_are_met) {
  // A torque of 3 N m one way, then the other, moves the wheel by parabolas, which any method follows exactly unless it
  // steps across the corner: loose tolerances do not matter.
  const Model model(wheel());
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
    SimulationOptions options;
    options.integrator = integrator;
    options.tolerance = 1e-2;
    options.step = 0.9;
    options.duration = 0.9;
    options.forces.push_back({0, Signal({0.0, 0.31, 0.62}, {3.0, -3.0, 0.0}, Signal::Shape::steps)});
    State last = model.default_state();
    EnergyAudit audit;
    const SimulationReport report =
        simulate(model, model.default_state(), options, [&](const State& now, const ForwardDynamics& dynamics) {
          last = now;
          audit = dynamics.audit();
        });
    EXPECT_NEAR(last.q()[0], 3.0 / 0.2 * 0.31 * 0.31, 1e-12);
    EXPECT_NEAR(last.u()[0], 0.0, 1e-12);
    EXPECT_NEAR(audit.control_work, 0.0, 1e-11);
    EXPECT_LT(report.audit.relative(), 1e-11);
  }
  // and ramps by cubics
  SimulationOptions options;
  options.tolerance = 1e-2;
  options.step = options.duration = 1.0;
  options.forces.push_back({0, Signal({0.0, 0.37, 0.74}, {0.0, 2.0, 0.0}, Signal::Shape::linear)});
  EXPECT_NEAR(last_state(model, model.default_state(), options).u()[0], 2.0 * 0.37 / 0.2, 1e-12);
}

TEST(SimulationSignals, switches_that_differ_by_rounding_both_happen) {
  // 1 N m to 0.3 s and 1 N m to the next number after it: afterwards nothing turns the wheel, in any order of the two.
  const Model model(wheel());
  for (const auto& [first, second] :
       {std::pair{0.3, std::nextafter(0.3, 1.0)}, std::pair{std::nextafter(0.3, 1.0), 0.3}}) {
    SimulationOptions options;
    options.duration = options.step = 1.0;
    for (const double end : {first, second})
      options.forces.push_back({0, Signal({0.0, end}, {1.0, 0.0}, Signal::Shape::steps)});
    EXPECT_NEAR(last_state(model, model.default_state(), options).u()[0], 2.0 * 0.3 / 0.2, 1e-9);
  }
}

TEST(SimulationSignals, more_rows_than_can_be_are_refused) {
  const Model model(wheel());
  SimulationOptions options;
  options.duration = 1e5;
  options.step = 1e-6;
  EXPECT_NE(error_of([&] { simulate(model, model.default_state(), options, nothing); }).find("step: expected at most"),
            std::string::npos);
}

TEST(SimulationIntegrators, cross_a_jump_of_a_path) {
  // A muscle at full force loses a point off its line as the wheel passes 0.4 rad: the force jumps, no integrator knows.
  // The wheel's energy is the muscle's work on both sides.
  ModelSpec spec = wheel();
  MuscleSpec& muscle = add_muscle(
      spec, "puller", "rigid", {{"ground", {-0.3, 0.3, 0.0}}, {"wheel", {0.0, 0.12, 0.0}}, {"wheel", {0.0, 0.1, 0.0}}});
  muscle.path[1].location = Vec3(0.03, 0.12, 0.0);
  muscle.path[1].only_when = ConditionSpec{"turn", {-1.0, 0.4}};
  const Model model(spec);
  State state = model.default_state();
  settle(model, state, 0.5);
  double greatest_turn = 0.0;
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
    SimulationOptions options;
    options.integrator = integrator;
    options.excitation = {0.5};
    options.duration = 1.0;
    const SimulationReport report = simulate(model, state, options, [&](const State& now, const ForwardDynamics&) {
      greatest_turn = std::max(greatest_turn, now.q()[0]);
    });
    EXPECT_GT(greatest_turn, 0.45) << "passes the point";
    EXPECT_LT(report.audit.relative(), 1e-6);
    EXPECT_LT(report.steps, 20000);
  }
}

TEST(SimulationSignals, a_torque_against_weight_does_the_work_of_the_swing) {
  const Model model(pendulum());
  SimulationOptions options;
  options.duration = 1.5;
  options.tolerance = 1e-7;
  options.forces.push_back({0, Signal({0.0}, {6.0}, Signal::Shape::steps)});
  simulate(model, model.default_state(), options, [&](const State& now, const ForwardDynamics& dynamics) {
    // energy: 1/2 m l^2 u^2 + m g l (1 - cos q) = torque q
    const double energy = 0.5 * pendulum_mass * std::pow(pendulum_length * now.u()[0], 2) +
                          pendulum_mass * standard_gravity * pendulum_length * (1.0 - std::cos(now.q()[0]));
    EXPECT_NEAR(energy, 6.0 * now.q()[0], 2e-6);
    EXPECT_NEAR(dynamics.audit().control_work, 6.0 * now.q()[0], 2e-6);
  });
}

TEST(SimulationSignals, excitation_follows_its_table) {
  // Thelen's activation under steps of excitation has a closed form.
  ModelSpec spec = muscled_pendulum("compliant");
  spec.muscles.find("side")->activation_dynamics = "thelen";
  const Model model(spec);
  State state = model.default_state();
  settle(model, state, 0.05);
  SimulationOptions options;
  options.duration = 0.3;
  options.tolerance = 1e-8;
  options.open_loop.push_back({Signal({0.0, 0.1, 0.2}, {0.05, 0.9, 0.2}, Signal::Shape::steps), {0}});
  const MuscleParameters& unit = model.data().units[0];
  const double peak = thelen_activation(unit, 0.9, 0.05, 0.1);
  const State last = last_state(model, state, options);
  EXPECT_NEAR(last.activation()[0], thelen_activation(unit, 0.2, peak, 0.1), 1e-7);
}

TEST(SimulationSignals, wrong_ones_are_refused) {
  EXPECT_EQ(place_of([] { Signal({0.0, 0.0}, {1.0, 2.0}, Signal::Shape::linear); }).first, "input");
  EXPECT_EQ(place_of([] { Signal({0.0, 1.0}, {1.0}, Signal::Shape::linear); }).first, "input");
  EXPECT_EQ(place_of([] { Signal({0.0, 1.0}, {1.0, 2.0}, Signal::Shape::spline); }).first, "input");
}

// ---- prescribed coordinates

TEST(SimulationPrescribed, a_coordinate_follows_and_its_drive_is_what_inverse_dynamics_finds) {
  const Model model(jointed());
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
    SimulationOptions options;
    options.integrator = integrator;
    options.duration = 0.6;
    options.tolerance = 1e-8;
    const Signal swing({0.0, 0.2, 0.4, 0.6}, {0.1, 0.5, -0.2, 0.4}, Signal::Shape::spline);
    options.prescribed.push_back({0, swing});
    InverseSolver inverse(model, {});
    Workspace work(model);
    const SimulationReport report =
        simulate(model, some_state(model), options, [&](const State& now, const ForwardDynamics& dynamics) {
          const Jet2<double> jet = swing.jet(now.time, 1);  // its middle piece, at the end too
          EXPECT_EQ(now.q()[0], jet.value);
          EXPECT_EQ(now.u()[0], jet.slope);
          EXPECT_EQ(dynamics.udot()[0], jet.curvature);
          inverse.net(now.q(), now.u(), dynamics.udot());
          inverse.loads_with({}, dynamics.work().tendon_force);
          evaluate(model, now, work, Depth::force);
          std::vector<double> given(at(model.coordinates()));
          project(model, work, work.passive_torque, given);
          for (int m = 0; m < model.muscles(); ++m)
            for (int c = 0; c < model.coordinates(); ++c)
              given[at(c)] += moment_arm(model, work, m, c) * work.tendon_force[at(m)];
          EXPECT_NEAR(inverse.joint_moment(0), given[0] + dynamics.prescribed_force()[0], 1e-9);
          EXPECT_NEAR(inverse.joint_moment(1), given[1], 1e-9);
        });
    EXPECT_GT(std::abs(report.audit.external_work), 1e-3);
    EXPECT_LT(std::abs(report.audit.imbalance()), 1e-6);
  }
}

TEST(SimulationPrescribed, goes_on_where_it_ends_a_rounding_too_soon) {
  const Model model(pendulum());
  const auto end = [&](double first, double last) {
    SimulationOptions options;
    options.duration = 1.0;
    options.prescribed.push_back({0, Signal({first, 0.3, 0.7, last}, {0.0, 0.5, 0.2, 0.9}, Signal::Shape::spline)});
    State now = model.default_state();
    const SimulationReport report =
        simulate(model, model.default_state(), options, [&](const State& s, const ForwardDynamics&) { now = s; });
    EXPECT_LT(report.audit.relative(), 1e-5);
    return now.u()[0];
  };
  EXPECT_GT(std::abs(end(0.0, 1.0)), 1.0);
  EXPECT_NEAR(end(0.0, 1.0 - 5e-10), end(0.0, 1.0), 1e-6);
  EXPECT_NEAR(end(5e-10, 1.0), end(0.0, 1.0), 1e-6);
}

TEST(SimulationPrescribed, one_that_ends_too_soon_is_refused) {
  const Model model(pendulum());
  SimulationOptions options;
  options.duration = 2.0;
  options.prescribed.push_back({0, Signal({0.0, 0.5, 1.0}, {0.1, 0.2, 0.1}, Signal::Shape::spline)});
  EXPECT_EQ(error_of([&] { simulate(model, model.default_state(), options, nothing); }),
            "angle: expected a prescribed coordinate that is given from 0 to 2 s, found 0 to 1 s");
}

// ---- events

ModelSpec falling() {
  ModelSpec spec;
  add_body(spec, "ball", 2.0, Vec3::Zero());
  JointSpec& joint = spec.joints["fall"];
  joint.parent = "ground";
  joint.child = "ball";
  Slide slide;
  slide.coordinate = "height";
  slide.axis = {0.0, 1.0, 0.0};
  joint.motion = slide;
  spec.coordinates["height"].motion = "translation";
  return spec;
}

TEST(SimulationEvents, are_found_where_they_are) {
  // Thrown up, a body passes a height twice, here inside one step of the observer, and meets the ground.
  const Model model(falling());
  State state = model.default_state();
  const double h0 = 1.2, v = 3.0, mark = 1.6, g = standard_gravity;
  state.q()[0] = h0;
  state.u()[0] = v;
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4})
    for (const bool restart : {false, true}) {
      SimulationOptions options;
      options.integrator = integrator;
      options.duration = options.step = 1.1;
      options.tolerance = 1e-9;
      options.events.push_back({"above the mark", [&](const State& now) { return now.q()[0] - mark; }, restart});
      options.events.push_back({"in the ground", [](const State& now) { return -now.q()[0]; }, restart});
      const SimulationReport report = simulate(model, state, options, nothing);
      const double root = std::sqrt(v * v - 2.0 * g * (mark - h0));
      ASSERT_EQ(report.events.size(), 3u);
      EXPECT_NEAR(report.events[0].time, (v - root) / g, 1e-9);
      EXPECT_NEAR(report.events[1].time, (v + root) / g, 1e-9);
      EXPECT_NEAR(report.events[2].time, (v + std::sqrt(v * v + 2.0 * g * h0)) / g, 1e-9);
      EXPECT_TRUE(report.events[0].begins);
      EXPECT_FALSE(report.events[1].begins);
      EXPECT_EQ(report.events[2].event, 1);
    }
}

TEST(SimulationEvents, a_sphere_touches_and_leaves_a_plane) {
  // A ball falls on stiff ground: it touches after sqrt(2 gap / g), stays for the time of Hertz's impact
  // (2.94 d / v with d the greatest indentation at speed v; weight is next to nothing), and comes off as it came.
  ModelSpec spec = falling();
  spec.planes["ground"];
  SphereSpec& sphere = spec.spheres["skin"];
  sphere.body = "ball";
  sphere.location = Vec3::Zero();
  sphere.radius = 0.1;
  sphere.stiffness = 1e8;
  sphere.dissipation = 0.0;
  const Model model(spec);
  State state = model.default_state();
  state.q()[0] = 0.6;
  const double fall = std::sqrt(2.0 * 0.5 / standard_gravity), speed = standard_gravity * fall;
  const double stiffness = 4.0 / 3.0 * sphere.stiffness * std::sqrt(sphere.radius);
  const double deepest = std::pow(1.25 * 2.0 * speed * speed / stiffness, 0.4), stay = 2.9432 * deepest / speed;
  for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
    SimulationOptions options;
    options.integrator = integrator;
    options.duration = 0.6;
    options.tolerance = 1e-8;
    options.events = contact_events(model);
    const SimulationReport report = simulate(model, state, options, nothing);
    ASSERT_EQ(report.events.size(), 2u);
    EXPECT_NEAR(report.events[0].time, fall, 1e-9);
    EXPECT_NEAR(report.events[1].time - report.events[0].time, stay, 2e-3 * stay);
    EXPECT_LT(std::abs(report.audit.imbalance()), 1e-6);
  }
}

TEST(SimulationEvents, a_plane_is_in_contact_while_any_sphere_is) {
  // Two spheres, one 0.2 mm lower: the ground is touched when the lower one is, and left when it leaves.
  ModelSpec spec = falling();
  spec.planes["ground"];
  for (const char* name : {"upper", "lower"}) {
    SphereSpec& sphere = spec.spheres[name];
    sphere.body = "ball";
    sphere.location = Vec3(0, name[0] == 'l' ? -2e-4 : 0.0, 0);
    sphere.radius = 0.1;
    sphere.stiffness = 1e7;
    sphere.dissipation = 0.1;
  }
  const Model model(spec);
  State state = model.default_state();
  state.q()[0] = 0.3;
  SimulationOptions options;
  options.duration = 0.35;
  options.tolerance = 1e-9;
  options.events = contact_events(model);
  ASSERT_EQ(options.events.size(), 3u);
  EXPECT_EQ(options.events[2].name, "ground in contact");
  const SimulationReport report = simulate(model, state, options, nothing);
  std::vector<std::vector<double>> times(3);
  for (const EventTime& one : report.events) {
    EXPECT_EQ(one.begins, times[at(one.event)].size() % 2 == 0);
    times[at(one.event)].push_back(one.time);
  }
  for (const std::vector<double>& of_one : times) ASSERT_EQ(of_one.size(), 2u);
  EXPECT_LT(times[1][0], times[0][0] - 1e-5);
  EXPECT_GT(times[1][1], times[0][1] + 1e-5);
  EXPECT_NEAR(times[2][0], times[1][0], 1e-9);
  EXPECT_NEAR(times[2][1], times[1][1], 1e-9);
}

TEST(SimulationJacobian, knows_of_contact_and_of_what_is_lost) {
  ModelSpec spec = jointed();
  spec.planes["ground"].height = -0.9;
  for (const char* body : {"middle", "lower"}) {
    SphereSpec& sphere = spec.spheres[body];
    sphere.body = body;
    sphere.location = {0.02, -0.3, 0.0};
    sphere.radius = 0.3;
    sphere.stiffness = 1e4;
  }
  const Model model(spec);
  Workspace work(model);
  evaluate(model, some_state(model), work, Depth::force);
  EXPECT_GT(work.contact.dissipation + work.contact.potential, 0.1) << "a contact that acts";
  EXPECT_LT(jacobian_error(model, some_state(model), {}, 0.0), 2e-6);
}

TEST(SimulationEvents, coordinates_tell_when_they_pass_their_range) {
  ModelSpec spec = wheel();
  spec.coordinates.find("turn")->range = {-0.5, 1.0};
  const Model model(spec);
  SimulationOptions options;
  options.duration = 1.0;
  options.forces.push_back({0, Signal({0.0}, {3.0}, Signal::Shape::steps)});
  options.events = range_events(model, {});
  ASSERT_EQ(options.events.size(), 2u);
  const SimulationReport report = simulate(model, model.default_state(), options, nothing);
  ASSERT_EQ(report.events.size(), 1u);
  EXPECT_EQ(options.events[at(report.events[0].event)].name, "turn above its range");
  EXPECT_NEAR(report.events[0].time, std::sqrt(2.0 * 0.2 / 3.0), 1e-9);
  EXPECT_TRUE(range_events(model, {1}).empty()) << "a locked coordinate passes nothing";
}

TEST(SimulationEvents, a_restart_changes_nothing_but_steps) {
  const Model model(jointed());
  SimulationOptions options;
  options.duration = options.step = 0.5;
  options.tolerance = 1e-10;
  const State plain = last_state(model, some_state(model), options);
  for (const double angle : {0.0, 0.2, 0.3})
    options.events.push_back({"", [angle](const State& now) { return now.q()[0] - angle; }, true});
  const SimulationReport report = simulate(model, some_state(model), options, nothing);
  EXPECT_GE(report.events.size(), 2u);
  EXPECT_LT(difference(last_state(model, some_state(model), options), plain), 1e-8);
}

// ---- stretch reflex

TEST(SimulationReflex, feels_the_stretch_of_a_delay_ago) {
  // A muscle with a rigid tendon is pulled along a line, so its fibres' length is known at all times.
  ModelSpec spec = falling();
  MuscleSpec& muscle = add_muscle(spec, "pulled", "rigid", {{"ground", {0.0, 2.0, 0.0}}, {"ball", {0.0, 0.0, 0.0}}});
  muscle.pennation = 0.0;
  const Model model(spec);
  const MuscleParameters& unit = model.data().units[0];
  // first taut beyond the threshold, then shorter, then stretched fast
  const Signal height({0.0, 0.1, 0.2, 0.3, 0.4, 0.5}, {1.58, 1.56, 1.60, 1.63, 1.57, 1.55}, Signal::Shape::spline);
  const StretchReflex reflex{0, 0.045, 0.8, 0.98, 0.02, 0.1};
  for (const double step : {0.01, 0.0037}) {
    SimulationOptions options;
    options.duration = 0.5;
    options.step = step;
    options.excitation = {0.05};
    options.prescribed.push_back({0, height});
    options.reflexes.push_back(reflex);
    double least = 1.0, greatest = 0.0;
    simulate(model, model.default_state(), options, [&](const State& now, const ForwardDynamics& dynamics) {
      const double then = now.time - reflex.delay;
      const Jet2<double> jet = height.jet(std::max(then, 0.0));
      const double length = (2.0 - jet.value - unit.tendon_slack_length) / unit.optimal_fibre_length,
                   speed = then <= 0.0 ? 0.0 : -jet.slope / unit.optimal_fibre_length;
      const double expected = 0.05 + reflex.length_gain * std::max(0.0, length - reflex.length_threshold) +
                              reflex.velocity_gain * std::max(0.0, speed - reflex.velocity_threshold);
      EXPECT_NEAR(dynamics.excitation()[0], expected, 1e-9) << now.time;
      least = std::min(least, expected);
      greatest = std::max(greatest, expected);
    });
    EXPECT_EQ(least, 0.05);
    EXPECT_GT(greatest, 0.15);
    EXPECT_LT(greatest, 1.0);
  }
}

TEST(SimulationReflex, makes_no_corners_at_rest) {
  // A muscle that is held feels a velocity of 0, the threshold itself: nothing happens, in few steps.
  const Model model(muscled_pendulum("rigid"));
  SimulationOptions options;
  options.locked = {1};
  options.duration = 1.0;
  options.reflexes.push_back({0, 0.03, 0.0, 1.0, 0.2, 0.0});
  EXPECT_LT(simulate(model, model.default_state(), options, nothing).steps, 500);
}

TEST(SimulationReflex, does_not_depend_on_steps) {
  // A loop of stretch and reflex: solutions with other steps are the same within their tolerance.
  ModelSpec spec = muscled_pendulum("compliant");
  spec.muscles.find("side")->max_isometric_force = 200.0;
  const Model model(spec);
  State state = model.default_state();
  model.set(state, "angle", 0.3);
  settle(model, state, 0.1);
  SimulationOptions options;
  options.duration = 1.0;
  options.excitation = {0.1};
  options.reflexes.push_back({0, 0.03, 2.0, 1.0, 0.2, 0.0});
  options.tolerance = 1e-11;
  const State exact = last_state(model, state, options);
  SimulationOptions silent = options;
  silent.reflexes.clear();
  EXPECT_GT(difference(last_state(model, state, silent), exact), 1e-2) << "a reflex that matters";
  double before = inf;
  for (const double tolerance : {1e-5, 1e-7, 1e-9}) {
    options.tolerance = tolerance;
    const double error = difference(last_state(model, state, options), exact);
    EXPECT_LT(error, 100.0 * tolerance);
    EXPECT_LT(error, before);
    before = error;
  }
  options.integrator = Integrator::rosenbrock4;
  EXPECT_LT(difference(last_state(model, state, options), exact), 1e-7);
}

// ---- energy

TEST(SimulationEnergy, what_is_no_number_is_no_proof) {
  EnergyAudit audit;
  audit.greatest_kinetic = 1.0;
  audit.greatest_imbalance = inf;
  EXPECT_EQ(audit.relative(), inf);
  EXPECT_EQ(EnergyAudit().relative(), 0.0);
}

// A body on a ball joint, thrown over many turns, without weight: rotation vectors change their chart, and what is
// conserved does not notice; with one component meant by a spring the vector is left alone and the spring's energy kept.
TEST(SimulationEnergy, a_free_top_keeps_its_momentum_over_many_turns) {
  ModelSpec spec;
  spec.gravity.setZero();
  add_body(spec, "top", 1.0, Vec3::Zero(), {0.1, 0.2, 0.25, 0.01, -0.02, 0.015});
  JointSpec& joint = spec.joints["top"];
  joint.parent = "ground";
  joint.child = "top";
  Ball ball;
  ball.x = "x", ball.y = "y", ball.z = "z";
  joint.motion = ball;
  for (const char* name : {"x", "y", "z"}) spec.coordinates[name];
  const Model model(spec);
  ASSERT_EQ(model.data().charts.size(), 1u);
  State state = model.default_state();
  state.u()[0] = 0.3, state.u()[1] = 6.0, state.u()[2] = 0.2;
  SimulationOptions options;
  options.duration = 10.0;
  options.tolerance = 1e-10;
  Vec3 first = Vec3::Zero();
  Vec3 before = Vec3::Zero();
  int charts = 0;
  const SimulationReport report =
      simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
        const TreeWork<double>& tree = dynamics.work().tree;
        const Vec3 about = momentum<double>(model.tree(), tree).head<3>();
        if (now.time == 0.0) first = about;
        EXPECT_LT((about - first).norm(), 1e-8 * first.norm());
        const Vec3 r(now.q()[0], now.q()[1], now.q()[2]);
        EXPECT_LT(r.norm(), 3.5);
        charts += r.norm() > 2.0 && r.dot(before) < 0.0;
        before = r;
      });
  EXPECT_GT(charts, 5);
  EXPECT_LT(report.audit.relative(), 1e-8);

  CoordinateLimit limit;
  limit.coordinate = "y";
  limit.lower = -4.0;
  limit.upper = 4.0;
  limit.lower_stiffness = limit.upper_stiffness = 30.0;
  limit.transition = 0.1;
  spec.passive["stop"] = limit;
  const Model stopped(spec);
  EXPECT_TRUE(stopped.data().charts.empty());
  options.duration = 2.0;
  EXPECT_LT(simulate(stopped, state, options, nothing).audit.relative(), 1e-8);
}

TEST(SimulationEnergy, audit_closes_and_falls_with_the_tolerance) {
  for (const ModelSpec& spec : {muscled_pendulum("compliant"), muscled_pendulum("rigid"), jointed()})
    for (const Integrator integrator : {Integrator::dopri5, Integrator::rosenbrock4, Integrator::ark4}) {
      const Model model(spec);
      SimulationOptions options;
      options.integrator = integrator;
      options.duration = 0.5;
      for (int m = 0; m < model.muscles(); ++m) options.excitation.push_back(0.4);
      const SimulationReport normal = simulate(model, some_state(model), options, nothing);
      EXPECT_GT(normal.audit.turnover, 0.1);
      EXPECT_LT(normal.audit.relative(), 1e-5);
      options.tolerance = 1e-4;
      const double loose = simulate(model, some_state(model), options, nothing).audit.relative();
      options.tolerance = 1e-9;
      const double tight = simulate(model, some_state(model), options, nothing).audit.relative();
      EXPECT_LT(normal.audit.relative(), loose);
      EXPECT_LT(tight, 0.5 * normal.audit.relative());
    }
}

TEST(SimulationEnergy, inverse_dynamics_of_the_motion_returns_the_muscles_moment) {
  // the motion alone, sampled as a camera does
  const Model model(muscled_pendulum("compliant"));
  State state = model.default_state();
  model.set(state, "angle", 0.8);
  settle(model, state, 0.1);
  SimulationOptions options;
  options.duration = 1.5;
  options.step = 0.005;
  options.excitation = {0.5};
  std::vector<double> time, angle, moment;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
    time.push_back(now.time);
    angle.push_back(now.q()[0]);
    moment.push_back(moment_arm(model, dynamics.work(), 0, 0) * dynamics.work().tendon_force[0]);
  });
  const QuinticSpline motion(time, angle);
  InverseSolver inverse(model, {});
  double error = 0.0, size = 0.0;
  for (std::size_t i = 0; i < time.size(); ++i) {
    const Jet2<double> jet = motion.jet(time[i]);
    inverse.net({&jet.value, 1}, {&jet.slope, 1}, {&jet.curvature, 1});
    inverse.loads_with({}, std::vector<double>{0.0});
    if (i < 5 || i + 5 >= time.size()) continue;  // a spline's ends are straight
    error += std::pow(inverse.joint_moment(0) - moment[i], 2);
    size += moment[i] * moment[i];
  }
  EXPECT_LT(std::sqrt(error / size), 0.01);
}

}  // namespace
}  // namespace psoas::test
