// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Contact, bushings, limits and ligaments in whole models: closed forms, balances of power and energy, and Simbody.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "psoas/model/file.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "psoas/solve/forward.hpp"
#include "psoas/solve/inverse.hpp"
#include "skeleton/mechanics.hpp"
#include "support/allocations.hpp"

namespace psoas::test {
namespace {

constexpr double g = standard_gravity;

/// A ball of radius 0.1 m and mass 2 kg that moves in the plane and spins about z, and a floor of normal +y.
ModelSpec ball(const std::string& sphere, const std::string& plane = "", const std::string& gravity = "-9.80665") {
  return parse_model("ball", R"({
  "format": "psoas-model/1",
  "gravity": [0, )" + gravity + R"(, 0],
  "bodies": {"ball": {"mass": 2, "inertia": [0.008, 0.008, 0.008, 0, 0, 0]}},
  "coordinates": {"x": {"motion": "translation"}, "y": {"motion": "translation", "value": 0.1}, "spin": {}},
  "joints": {"free": {"parent": "ground", "child": "ball", "motion": {"custom": {
    "translations": [{"axis": [1, 0, 0], "coordinate": "x"}, {"axis": [0, 1, 0], "coordinate": "y"}],
    "rotations": [{"axis": [0, 0, 1], "coordinate": "spin"}]}}}},
  "planes": {"floor": {)" + plane +
                                 R"(}},
  "spheres": {"ball": {"body": "ball", "location": [0, 0, 0], "radius": 0.1, )" +
                                 sphere + "}}}");
}

constexpr double mass = 2.0, radius = 0.1, inertia = 0.008;

/// Indentation at which Hertz's force carries the ball.
double resting_depth(double stiffness) {
  return std::pow(mass * g / (4.0 / 3.0 * stiffness * std::sqrt(radius)), 2.0 / 3.0);
}

double energy(const Model& model, const ForwardDynamics& dynamics) {
  const Workspace& work = dynamics.work();
  return kinetic_energy(model.tree(), work.tree) + potential_energy(model.tree(), work.tree, model.spec().gravity) +
         work.passive.potential + work.contact.potential;
}

double dissipation(const ForwardDynamics& dynamics) {
  return dynamics.work().contact.dissipation + dynamics.work().passive.dissipation;
}

// ---- contact

TEST(Contact, a_bounce_has_the_restitution_of_hunt_and_crossley) {
  // Without weight m v dv = -k d^(3/2) (1 + a v) dd, a = 3/2 c, v into the plane. On the way in
  // int v / (1 + a v) dv from 0 to the first speed is the work of the spring, and on the way out the same to the last.
  const double c = 0.4, a = 1.5 * c;
  const Model model(
      ball(R"("stiffness": 1e5, "dissipation": 0.4, "static_friction": 0, "dynamic_friction": 0)", "", "0"));
  for (const double first : {0.1, 1.0, 4.0}) {
    const double work = first / a - std::log1p(a * first) / (a * a);
    double last = 0.0, above = 1.0 / a;  // the left side grows from 0 without bound
    for (int i = 0; i < 100; ++i) {
      const double middle = 0.5 * (last + above);
      (-middle / a - std::log1p(-a * middle) / (a * a) < work ? last : above) = middle;
    }
    State state = model.default_state();
    state.u()[1] = -first;
    SimulationOptions options;
    options.duration = 0.2 / std::pow(first, 0.2);
    options.step = options.duration / 4000.0;
    options.tolerance = 1e-11;
    double leaving = 0.0, lost = 0.0, deepest = 0.0, drift = 0.0;
    std::vector<double> losses;
    simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
      leaving = now.u()[1];
      deepest = std::max(deepest, radius - now.q()[1]);
      losses.push_back(dissipation(dynamics));
      EXPECT_GE(losses.back(), 0.0);
      EXPECT_GE(dynamics.work().contact.sphere_force[0].y(), 0.0);
      if (losses.size() % 2 == 1 && losses.size() > 1) {  // Simpson's rule
        const std::size_t i = losses.size() - 1;
        lost += options.step / 3.0 * (losses[i - 2] + 4.0 * losses[i - 1] + losses[i]);
        drift = std::max(drift, std::abs(energy(model, dynamics) + lost - 0.5 * mass * first * first));
      }
    });
    EXPECT_GT(deepest, 1e-3);
    EXPECT_NEAR(leaving, last, 1e-6 * first) << first;
    EXPECT_LT(drift, 1e-5 * mass * first * first) << first;
    // a slow bounce loses the share c v of its speed, to second order
    if (first == 0.1) {
      EXPECT_NEAR(1.0 - leaving / first, c * first, c * first * c * first);
    }
  }
}

TEST(Contact, a_ball_at_rest_is_as_deep_as_hertz_says) {
  const double stiffness = 3e4;
  const Model model(ball(R"("stiffness": 3e4, "dissipation": 5)"));
  State state = model.default_state();
  SimulationOptions options;
  options.duration = options.step = 30.0;
  State end = state;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics&) { end = now; });
  EXPECT_NEAR(radius - end.q()[1], resting_depth(stiffness), 1e-7);
  EXPECT_GT(resting_depth(stiffness), 1e-3);
}

TEST(Contact, a_block_slides_with_mu_g) {
  ModelSpec spec = ball(R"("stiffness": 1e5, "dissipation": 1, "static_friction": 0.5, "dynamic_friction": 0.5,
                           "transition_speed": 0.01)");
  const Model model(spec);
  State state = model.default_state();
  state.q()[1] = radius - resting_depth(1e5);
  state.u()[0] = 1.0;
  SimulationOptions options;
  options.locked = {0, 0, 1};  // a block: it does not roll
  options.duration = 0.3;
  options.tolerance = 1e-10;
  double lost = 0.0, before = 0.0;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
    const double speed = 1.0 - 0.5 * g * now.time;
    if (speed > 0.02) {
      EXPECT_NEAR(now.u()[0], speed, 1e-8) << now.time;
      EXPECT_NEAR(now.q()[0], now.time - 0.25 * g * now.time * now.time, 1e-8) << now.time;
      EXPECT_NEAR(dissipation(dynamics), 0.5 * mass * g * speed, 1e-6);
    }
    if (now.time == 0.0) before = energy(model, dynamics);
    lost = before - energy(model, dynamics);
  });
  EXPECT_NEAR(lost, 0.5 * mass, 1e-3);  // it came to rest: all its speed went into friction
}

TEST(Contact, a_thrown_ball_ends_rolling) {
  // Whatever the friction, it acts at the contact: m v r + I w about it is kept, and at the end v = w r (a uniform ball,
  // r = R: 5/7 of the speed).
  const Model model(ball(R"("stiffness": 1e5, "dissipation": 1, "static_friction": 0.4, "dynamic_friction": 0.3)"));
  State state = model.default_state();
  const double depth = resting_depth(1e5), r = radius - 0.5 * depth;
  state.q()[1] = radius - depth;
  state.u()[0] = 2.0;
  SimulationOptions options;
  options.duration = options.step = 3.0;
  options.tolerance = 1e-10;
  State end = state;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics&) { end = now; });
  EXPECT_NEAR(end.u()[0], 2.0 * mass * r * r / (mass * r * r + inertia), 1e-6);
  EXPECT_NEAR(-end.u()[2] * r, end.u()[0], 1e-6);
  EXPECT_NEAR(end.u()[0], 2.0 * 5.0 / 7.0, depth / radius);
}

TEST(Contact, energy_is_kept_over_an_edge) {
  // Without friction and damping a ball slides off the end of a seat: it falls, and gets back what the seat held.
  const Model model(ball(R"("stiffness": 2e4, "dissipation": 0, "static_friction": 0, "dynamic_friction": 0)",
                         R"("edge": {"toward": [1, 0.3, 0], "distance": 0.05, "width": 0.04})"));
  State state = model.default_state();
  const double depth = resting_depth(2e4);
  state.q()[1] = radius - depth;
  state.u()[0] = 0.5;
  SimulationOptions options;
  options.duration = 0.4;
  options.tolerance = 1e-11;
  double before = 0.0, held = 0.0;
  State end = state;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
    if (now.time == 0.0) before = energy(model, dynamics), held = dynamics.work().contact.potential;
    EXPECT_NEAR(energy(model, dynamics), before, 1e-8);
    if (now.q()[0] < 0.05) {
      EXPECT_NEAR(now.q()[1], radius - depth, 1e-6);
    }
    end = now;
  });
  EXPECT_GT(held, 0.01);
  EXPECT_LT(end.q()[1], -0.1);        // it fell
  EXPECT_GT(end.u()[0], 0.5 + 1e-3);  // the edge pushed it on
}

TEST(Contact, a_plane_without_end_never_pulls_at_a_distance) {
  const Model model(ball(R"("stiffness": 1e5)"));
  State state = model.default_state();
  state.q()[1] = radius + 1e-9;
  Workspace work(model);
  evaluate(model, state, work, Depth::force);
  EXPECT_EQ(work.contact.sphere_force[0], Vec3::Zero());
  EXPECT_EQ(work.contact.potential, 0.0);
  for (Eigen::Index i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(centre_of_pressure(model, work, 0)[i]));
}

TEST(Contact, the_centre_of_pressure_is_where_the_load_is) {
  // A plate on four springy feet on a slope, held by nothing: what the feet push has no moment in the plane about it.
  ModelSpec spec = parse_model("plate", R"({
  "format": "psoas-model/1",
  "bodies": {"plate": {"mass": 5, "inertia": [0.1, 0.2, 0.1, 0, 0, 0]}, "tray": {"mass": 1, "inertia": [0.1, 0.1, 0.1, 0, 0, 0]}},
  "coordinates": {"tilt": {}, "lift": {"motion": "translation"}, "x": {"motion": "translation"}, "a": {}, "b": {}},
  "joints": {
    "tray": {"parent": "ground", "child": "tray", "motion": {"custom": {
      "translations": [{"axis": [0, 1, 0], "coordinate": "lift"}], "rotations": [{"axis": [0, 0, 1], "coordinate": "tilt"}]}}},
    "plate": {"parent": "ground", "child": "plate", "motion": {"custom": {
      "translations": [{"axis": [1, 0, 0], "coordinate": "x"}],
      "rotations": [{"axis": [1, 0, 0], "coordinate": "a"}, {"axis": [0, 0, 1], "coordinate": "b"}]}}}},
  "planes": {"tray": {"body": "tray", "normal": [0.1, 2, 0.2], "height": -0.06}},
  "spheres": {
    "front_r": {"body": "plate", "location": [0.1, -0.05, 0.1], "radius": 0.03, "stiffness": 1e5},
    "front_l": {"body": "plate", "location": [0.1, -0.05, -0.1], "radius": 0.03, "stiffness": 1e5},
    "back_r": {"body": "plate", "location": [-0.1, -0.05, 0.1], "radius": 0.03, "stiffness": 1e5},
    "back_l": {"body": "plate", "location": [-0.1, -0.05, -0.1], "radius": 0.03, "stiffness": 1e5}}})");
  for (auto& [name, sphere] : spec.spheres) sphere.static_friction = sphere.dynamic_friction = 0.0;
  const Model model(spec);
  Workspace work(model);
  State state = model.default_state();
  const std::vector<double> pose{0.03, 0.002, 0.01, -0.02, 0.04}, speed{0.3, -0.2, 0.5, 0.4, -0.6};
  std::copy(pose.begin(), pose.end(), state.q().begin());
  std::copy(speed.begin(), speed.end(), state.u().begin());
  evaluate(model, state, work, Depth::force);
  const ContactPlane& plane = model.data().planes[0];
  const Pose& X = work.tree.X_GB[static_cast<std::size_t>(plane.body)];
  const Vec3 normal = X.R * plane.normal, place = centre_of_pressure(model, work, 0);
  // a mean of the feet's places on the plane, weighted by their normal forces
  Vec3 mean = Vec3::Zero(), total = Vec3::Zero();
  double normal_force = 0.0;
  for (std::size_t s = 0; s < 4; ++s) {
    const Vec3 force = work.contact.sphere_force[s];
    const Vec3 centre =
        work.tree.X_GB[static_cast<std::size_t>(model.body("plate"))] * model.data().spheres[s].location;
    const Vec3 foot = centre - normal.dot(centre - X * plane.point) * normal;
    EXPECT_GT(normal.dot(force), 1.0) << s;
    mean += normal.dot(force) * foot;
    normal_force += normal.dot(force);
    total += force;
  }
  mean /= normal_force;
  for (Eigen::Index i = 0; i < 3; ++i) {
    EXPECT_NEAR(place[i], mean[i], 1e-12);
    EXPECT_NEAR(work.contact.plane_wrench[0][3 + i], total[i], 1e-11);
  }
  // plate and tray push each other alike
  const Spatial both = work.contact.external[1] + work.contact.external[2];
  EXPECT_LT(both.norm(), 1e-12 * total.norm());
}

// ---- all kinds at once

/// Two bodies on springs of every kind that press a moving tray and the ground.
ModelSpec everything() {
  return parse_model("everything", R"({
  "format": "psoas-model/1",
  "bodies": {"thigh": {"mass": 8, "mass_center": [0, -0.2, 0], "inertia": [0.1, 0.02, 0.1, 0.001, 0, 0]},
             "shank": {"mass": 3, "mass_center": [0, -0.15, 0], "inertia": [0.05, 0.01, 0.05, 0, 0, 0]}},
  "coordinates": {"a": {}, "b": {}, "c": {}, "knee": {}, "slide": {"motion": "translation"},
                  "twist": {"coupled_to": {"coordinate": "knee", "function": {"polynomial": [0.1, 0.3, 0.2]}}}},
  "joints": {
    "hip": {"parent": "ground", "child": "thigh", "parent_frame": {"translation": [0, 1, 0]}, "motion": {"custom": {
      "rotations": [{"axis": [0, 0, 1], "coordinate": "a"}, {"axis": [1, 0, 0], "coordinate": "b"}, {"axis": [0, 1, 0], "coordinate": "c"}]}}},
    "knee": {"parent": "thigh", "child": "shank", "parent_frame": {"translation": [0, -0.4, 0]}, "motion": {"custom": {
      "translations": [{"axis": [0, 1, 0], "coordinate": "slide"}],
      "rotations": [{"axis": [0, 0, 1], "coordinate": "knee"}, {"axis": [0, 1, 0], "coordinate": "twist"}]}}}},
  "surfaces": {"condyle": {"body": "thigh", "translation": [0.01, -0.38, 0], "shape": {"cylinder": {"radius": 0.03}}}},
  "passive": {
    "capsule": {"exponential": {"coordinate": "a", "torque": 5, "rate": 4, "reference": -0.2}},
    "hip": {"bushing": {"joint": "hip", "stiffness": [20, 10, 5], "neutral": [0.1, 0, -0.1], "damping": [1, 2, 3],
      "moments": [{"polynomial": [0, 3, 0, 100]}, {"natural_spline": {"x": [-0.2, 0, 0.1, 0.3], "y": [-9, 0, 2, 30]}}, {"linear": {"slope": 7}}]}},
    "knee_stop": {"limit": {"coordinate": "knee", "lower": -0.2, "upper": 0.1, "lower_stiffness": 200, "upper_stiffness": 300, "damping": 5, "transition": 0.3}},
    "slide_stop": {"limit": {"coordinate": "slide", "lower": 0, "upper": 0, "lower_stiffness": 2e4, "upper_stiffness": 1e4, "damping": 50, "transition": 0.01}},
    "band": {"ligament": {"path": [{"body": "thigh", "location": [0.03, -0.1, 0.01]},
        {"body": "shank", "location": [0.02, -0.1, 0], "moving": [{"axis": [1, 0, 0], "coordinate": "knee", "function": {"linear": {"slope": 0.02}}}]}],
      "wraps": [{"surface": "condyle", "side": "+x"}], "slack_length": 0.38, "stiffness": 3000, "damping": 40}},
    "strap": {"ligament": {"path": [{"body": "ground", "location": [0.1, 0.3, 0.2]}, {"body": "shank", "location": [0, -0.3, 0]}],
      "slack_length": 0.35, "stiffness": 500}},
    "disc": {"frame_bushing": {"first": "thigh", "second": "shank",
      "first_frame": {"translation": [0, -0.4, 0], "orientation": [0.1, 0.2, 0]}, "second_frame": {"orientation": [0, -0.1, 0.3]},
      "rotation_stiffness": [30, 20, 10], "translation_stiffness": [1000, 2000, 500],
      "rotation_damping": [1, 2, 3], "translation_damping": [10, 20, 5],
      "matrix": [10, 0, 0, 0, 0, 50,   0, 10, 0, 0, 0, 0,   0, 0, 10, 20, 0, 0,   0, 0, 20, 1000, 0, 0,   0, 0, 0, 0, 1000, 0,   50, 0, 0, 0, 0, 1000],
      "moments": [{"polynomial": [0, 0, 0, 40]}, {"constant": {"value": 0}}, {"polynomial": [1, 2, 3]}]}}
  },
  "planes": {"ground": {"normal": [0.1, 1, 0], "height": 0.15, "edge": {"toward": [0, 0, 1], "distance": -0.05, "width": 0.3}},
             "board": {"body": "thigh", "normal": [0, -1, 0.1], "height": 0.45}},
  "spheres": {
    "heel": {"body": "shank", "location": [-0.05, -0.4, 0.02], "radius": 0.2, "stiffness": 2e4, "static_friction": 0.9, "dynamic_friction": 0.6, "viscous_friction": 0.1, "planes": ["ground"]},
    "toe": {"body": "shank", "location": [0.15, -0.4, 0.02], "radius": 0.2, "stiffness": 1e4},
    "plug": {"body": "shank", "location": [0, 0, 0], "radius": 0.1, "stiffness": 1e4, "planes": ["board"]}}})");
}

TEST(Forces, take_from_motion_what_they_store_and_lose) {
  // Power of all generalised forces = -d(potential)/dt - dissipation, exactly, in random states: derivatives along the
  // motion by dual numbers through the same code, which also has to give the same forces.
  const Model model(everything());
  const auto n = static_cast<std::size_t>(model.coordinates()),
             tree = static_cast<std::size_t>(model.tree().coordinates());
  Random random(11);
  Workspace work(model);
  State state = model.default_state();
  TreeWork<D4> dual_tree(model.tree());
  PassiveWork<D4> passive(model);
  ContactWork<D4> contact(model);
  int touching = 0, taut = 0, beyond = 0;
  for (int trial = 0; trial < 200; ++trial) {
    for (std::size_t c = 0; c < n; ++c) {
      state.q()[c] = c == 4 ? random.uniform(-0.05, 0.05) : random.uniform(-0.5, 0.5);
      state.u()[c] = random.uniform(-2.0, 2.0);
    }
    evaluate(model, state, work, Depth::force);
    std::vector<D4> q(tree), u(tree), torque(tree);
    for (std::size_t t = 0; t < tree; ++t) {
      q[t] = D4(work.q[t]);
      q[t].v[0] = work.u[t];
      u[t] = D4(work.u[t]);
    }
    positions<D4>(model.tree(), q, dual_tree);
    velocities<D4>(model.tree(), u, dual_tree);
    passive_forces<D4>(model, q, u, dual_tree, torque, passive);
    contact_forces<D4>(model, dual_tree, contact);
    double power_of_passive = 0.0, power_of_contact = 0.0;
    for (std::size_t t = 0; t < tree; ++t) {
      power_of_passive += work.passive_torque[t] * work.u[t];
      EXPECT_NEAR(torque[t].a, work.passive_torque[t], 1e-10 * std::max(1.0, std::abs(work.passive_torque[t])));
    }
    for (std::size_t b = 0; b < work.contact.external.size(); ++b)
      power_of_contact += power<double>(work.contact.external[b], work.tree.velocity[b]);
    EXPECT_NEAR(power_of_passive, -passive.potential.v[0] - work.passive.dissipation,
                1e-10 * std::max(1.0, std::abs(power_of_passive)))
        << trial;
    EXPECT_NEAR(power_of_contact, -contact.potential.v[0] - work.contact.dissipation,
                1e-10 * std::max(1.0, std::abs(power_of_contact)))
        << trial;
    EXPECT_GE(work.passive.dissipation, 0.0);
    EXPECT_GE(work.contact.dissipation, 0.0);
    EXPECT_NEAR(contact.potential.a, work.contact.potential, 1e-12 * std::max(1.0, work.contact.potential));
    touching += work.contact.potential > 0.0;
    taut += work.passive.ligament_tension[0] > 0.0 && work.passive.ligament_tension[1] > 0.0;
    beyond += std::abs(work.contact.external[0].tail<3>().z()) > 0.0;
  }
  EXPECT_GT(touching, 100);
  EXPECT_GT(taut, 20);
  EXPECT_GT(beyond, 50);
}

TEST(Forces, energy_is_accounted_for_in_motion) {
  const Model model(everything());
  State state = model.default_state();
  for (std::size_t c = 0; c < state.q().size(); ++c)
    state.q()[c] = c == 4 ? 0.01 : 0.2, state.u()[c] = c == 4 ? 0.0 : -1.0;
  SimulationOptions options;
  options.duration = 0.5;
  options.step = 2.5e-4;
  options.tolerance = 1e-9;
  std::vector<double> losses, energies;
  simulate(model, state, options, [&](const State&, const ForwardDynamics& dynamics) {
    losses.push_back(dissipation(dynamics));
    energies.push_back(energy(model, dynamics));
  });
  double lost = 0.0, drift = 0.0;
  for (std::size_t i = 0; i + 2 < losses.size(); i += 2) {
    lost += options.step / 3.0 * (losses[i] + 4.0 * losses[i + 1] + losses[i + 2]);
    drift = std::max(drift, std::abs(energies[i + 2] + lost - energies[0]));
  }
  EXPECT_GT(lost, 1.0);
  EXPECT_LT(drift, 1e-4 * lost);
}

TEST(Forces, allocate_nothing) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const Model model(everything());
  ForwardDynamics dynamics(model, {});
  const State state = model.default_state();
  std::vector<double> rates(state.vector.size());
  dynamics.rates(0.0, state.vector, rates);
  const std::size_t before = heap_allocations();
  dynamics.rates(0.0, state.vector, rates);
  EXPECT_EQ(heap_allocations() - before, 0u);
}

TEST(Forces, are_those_of_simbody) {
  const Model model(parse_model("pair", R"({
  "format": "psoas-model/1",
  "bodies": {"first": {"mass": 1.5, "inertia": [1, 1, 1, 0, 0, 0]}, "second": {"mass": 1.5, "inertia": [1, 1, 1, 0, 0, 0]}},
  "coordinates": {"q0": {"motion": "translation"}, "q1": {"motion": "translation"}, "q2": {"motion": "translation"}, "q3": {}, "q4": {}, "q5": {},
                  "q6": {"motion": "translation"}, "q7": {"motion": "translation"}, "q8": {"motion": "translation"}, "q9": {}, "q10": {}, "q11": {}},
  "joints": {
    "first": {"parent": "ground", "child": "first", "motion": {"custom": {
      "translations": [{"axis": [1, 0, 0], "coordinate": "q0"}, {"axis": [0, 1, 0], "coordinate": "q1"}, {"axis": [0, 0, 1], "coordinate": "q2"}],
      "rotations": [{"axis": [1, 0, 0], "coordinate": "q3"}, {"axis": [0, 1, 0], "coordinate": "q4"}, {"axis": [0, 0, 1], "coordinate": "q5"}]}}},
    "second": {"parent": "ground", "child": "second", "motion": {"custom": {
      "translations": [{"axis": [1, 0, 0], "coordinate": "q6"}, {"axis": [0, 1, 0], "coordinate": "q7"}, {"axis": [0, 0, 1], "coordinate": "q8"}],
      "rotations": [{"axis": [1, 0, 0], "coordinate": "q9"}, {"axis": [0, 1, 0], "coordinate": "q10"}, {"axis": [0, 0, 1], "coordinate": "q11"}]}}}},
  "passive": {"bushing": {"frame_bushing": {"first": "first", "second": "second",
    "first_frame": {"translation": [0.1, -0.2, 0.05], "orientation": [0.3, -0.2, 0.1]},
    "second_frame": {"translation": [-0.05, 0.02, 0.1], "orientation": [-0.1, 0.4, 0.2]},
    "rotation_stiffness": [20, 30, 40], "translation_stiffness": [500, 700, 900],
    "rotation_damping": [1, 2, 3], "translation_damping": [10, 20, 30]}}},
  "planes": {"floor": {"height": -0.1}},
  "spheres": {"sphere": {"body": "second", "location": [0.02, 0.01, -0.03], "radius": 0.1, "stiffness": 35355.33905932738, "dissipation": 1.3,
    "static_friction": 0, "dynamic_friction": 0}}})"));  // Simbody's two sides of 1e5 each are one of 1e5 / 2^(3/2)
  std::ifstream file(PSOAS_SOURCE_DIR "/tests/golden/forces/simbody_forces.csv");
  std::string line;
  std::getline(file, line);
  Workspace work(model);
  State state = model.default_state();
  int rows = 0, touching = 0;
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::vector<double> x;
    for (std::string cell; std::getline(cells, cell, ',');) x.push_back(std::stod(cell));
    ASSERT_EQ(x.size(), 39u);
    std::copy(x.begin(), x.begin() + 12, state.q().begin());
    std::copy(x.begin() + 12, x.begin() + 24, state.u().begin());
    evaluate(model, state, work, Depth::force);
    const Vec3 origin = work.tree.X_GB[2].p;
    const auto about_origin = [&](const Spatial& wrench) {
      Spatial moved = wrench;
      const Vec3 force = wrench.tail<3>();
      moved.head<3>() -= origin.cross(force);
      return moved;
    };
    const Spatial bushing = about_origin(work.passive.bushing_wrench[0]),
                  contact = about_origin(work.contact.external[2]);
    const auto near = [](double wanted) { return 1e-12 * std::max(100.0, std::abs(wanted)); };
    for (Eigen::Index k = 0; k < 6; ++k) {
      const double of_bushing = x[static_cast<std::size_t>(24 + k)], of_contact = x[static_cast<std::size_t>(30 + k)];
      EXPECT_NEAR(bushing[k], of_bushing, near(of_bushing)) << rows;
      EXPECT_NEAR(contact[k], of_contact, near(of_contact)) << rows;
    }
    EXPECT_NEAR(work.passive.potential, x[36], near(x[36]));
    EXPECT_NEAR(work.passive.dissipation, x[37], near(x[37]));
    EXPECT_NEAR(work.contact.potential, x[38], near(x[38]));
    touching += x[38] > 0.0;
    ++rows;
  }
  EXPECT_EQ(rows, 40);
  EXPECT_GT(touching, 20);
}

// ---- from outside

TEST(Forces, external_loads_push_where_they_are_applied) {
  const Model model(ball(R"("stiffness": 1e5)", R"("height": -9)", "0"));
  const std::vector<double> time{0.0, 0.5, 1.0, 1.5, 2.0}, zero(5, 0.0), growing{0.0, 1.5, 3.0, 4.5, 6.0};
  const auto constant = [&](double value) { return QuinticSpline(time, std::vector<double>(5, value)); };
  ExternalLoad load;
  load.body = model.body("ball");
  const auto last_state = [&](double duration) {
    State last = model.default_state();
    SimulationOptions options;
    options.duration = options.step = duration;
    options.tolerance = 1e-11;
    options.loads = {load};
    simulate(model, last, options, [&](const State& now, const ForwardDynamics&) { last = now; });
    return last;
  };
  // a force 3 t along x on the line y = 0.1, through the centre: x = t^3 / 4 and no spin
  load.wrench = {
      QuinticSpline(time, zero),    QuinticSpline(time, zero), QuinticSpline(time, {0.0, -0.15, -0.3, -0.45, -0.6}),
      QuinticSpline(time, growing), QuinticSpline(time, zero), QuinticSpline(time, zero)};
  State end = last_state(2.0);
  EXPECT_NEAR(end.q()[0], 2.0, 1e-9);
  EXPECT_NEAR(end.q()[2], 0.0, 1e-9);

  // 0.4 N along y of the ball at 0.05 m along its x: it turns ever faster, a couple of 0.02 N m
  load.frame = load.body;
  load.wrench = {constant(0), constant(0), constant(0.4 * 0.05), constant(0), constant(0.4), constant(0)};
  end = last_state(1.0);
  EXPECT_NEAR(end.q()[2], 0.5 * 0.02 / inertia, 1e-9);

  // the same force along ground's y at that point of the ball: I a'' = 0.02 cos a, from rest; by its energy
  load.frame = 0;
  load.wrench = {constant(0), constant(0), constant(0), constant(0), constant(0.4), constant(0)};
  load.point = {constant(0.05), constant(0), constant(0)};
  load.point_frame = load.body;
  end = last_state(1.0);
  EXPECT_GT(end.q()[2], 0.5);
  EXPECT_NEAR(0.5 * inertia * end.u()[2] * end.u()[2], 0.02 * std::sin(end.q()[2]), 1e-9);
  EXPECT_NEAR(end.q()[1], 0.1 + 0.5 * 0.4 / mass, 1e-9);
}

// ---- loads of joints

TEST(Forces, a_ligament_relieves_the_joint_that_it_spans) {
  // A thigh hangs at rest from the hip and from a strap along the vertical through it: the hip carries the rest.
  ModelSpec spec = parse_model("hanging", R"({
  "format": "psoas-model/1",
  "bodies": {"thigh": {"mass": 8, "mass_center": [0, -0.2, 0], "inertia": [0.1, 0.02, 0.1, 0, 0, 0]}},
  "coordinates": {"hip": {}},
  "joints": {"hip": {"parent": "ground", "child": "thigh", "parent_frame": {"translation": [0, 1, 0]}, "motion": {"pin": {"coordinate": "hip"}}}},
  "hips": {"r": "hip"},
  "passive": {"strap": {"ligament": {"path": [{"body": "ground", "location": [0, 1.1, 0]}, {"body": "thigh", "location": [0, -0.1, 0]}],
    "slack_length": 0.19, "stiffness": 1000}}}})");
  const Model model(spec);
  InverseSolver solver(model, {});
  const std::vector<double> zero{0.0};
  solver.net(zero, zero, zero);
  solver.loads_with({}, {});
  const double strain = 0.2 / 0.19 - 1.0, tension = 0.5 * 1000.0 * strain * strain / 0.06;
  EXPECT_NEAR(solver.work().passive.ligament_tension[0], tension, 1e-10);
  EXPECT_GT(tension, 20.0);
  EXPECT_NEAR(solver.hip_force(0).y(), 8.0 * g - tension, 1e-10);
}

}  // namespace
}  // namespace psoas::test
