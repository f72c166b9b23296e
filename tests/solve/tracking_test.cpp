// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Computed muscle control: arms and bodies on soles that follow motions by muscles, against what the motions ask.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "psoas/solve/tracking.hpp"
#include "solve/models.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A pendulum between two muscles that can hold it out level.
ModelSpec arm(const std::string& tendon, double strength = 900.0) {
  ModelSpec spec = pendulum();
  for (const double side : {-1.0, 1.0}) {
    MuscleSpec& muscle = add_muscle(spec, side < 0.0 ? "back" : "front", tendon,
                                    {{"ground", Vec3(0.1 + 0.06 * side, 1.3, 0.0)},
                                     {"ground", Vec3(0.1 + 0.07 * side, 1.02, 0.0)},
                                     {"bob", Vec3(0.04 * side, -0.12, 0.0)}});
    muscle.max_isometric_force = strength;
    muscle.optimal_fibre_length = 0.12;
    muscle.tendon_slack_length = 0.3;
    muscle.pennation = 0.1;
  }
  return spec;
}

std::vector<QuinticSpline> splines(const std::vector<std::function<double(double)>>& of, double duration) {
  std::vector<QuinticSpline> out;
  std::vector<double> time;
  for (double t = 0.0; t < duration + 0.3; t += 0.01) time.push_back(t);
  for (const auto& f : of) {
    std::vector<double> value;
    for (const double t : time) value.push_back(f(t));
    out.emplace_back(time, value);
  }
  return out;
}

struct Followed {
  double rms = 0.0, greatest = 0.0, greatest_reserve = 0.0, greatest_moment = 0.0;
  SimulationReport report;
};

/// Follows one coordinate for a while.
Followed follow(const Model& model, const std::function<double(double)>& wanted, double duration,
                SimulationOptions options = {}, TrackingOptions tracking = {}) {
  options.duration = duration;
  MotionTracker controller(model, options, tracking, TrackedMotion(model, splines({wanted}, duration)));
  const State start = controller.start(0.0);
  options.sampled = controller.sampled();
  Followed out;
  int rows = 0;
  out.report = simulate(model, start, options, [&](const State& now, const ForwardDynamics& dynamics) {
    const double error = now.q()[0] - wanted(now.time);
    out.rms += error * error;
    out.greatest = std::max(out.greatest, std::abs(error));
    out.greatest_reserve = std::max(out.greatest_reserve, std::abs(dynamics.sampled_force()[0]));
    double moment = 0.0;
    for (int m = 0; m < model.muscles(); ++m)
      moment += moment_arm(model, dynamics.work(), m, 0) * dynamics.work().tendon_force[at(m)];
    out.greatest_moment = std::max(out.greatest_moment, std::abs(moment));
    ++rows;
  });
  out.rms = std::sqrt(out.rms / rows);
  return out;
}

TEST(Tracking, AnArmFollowsASineByItsMuscles) {
  const auto sine = [](double t) { return 0.5 * std::sin(2.0 * pi * 0.8 * t) + 0.1; };
  for (const char* tendon : {"rigid", "compliant"}) {
    const Followed out = follow(Model(arm(tendon)), sine, 2.5);
    // what it needs is found where it will be a lead later; where it is now would leave 0.1 degrees
    EXPECT_LT(out.rms, degrees(0.03)) << tendon;
    EXPECT_LT(out.greatest_reserve, 0.01 * out.greatest_moment) << tendon;
    EXPECT_LT(out.report.audit.relative(), 1e-4);
  }
}

TEST(Tracking, WhatMusclesCannotDoIsNotDone) {
  // held out, by muscles that can and by such that are far too weak; reserves are dear
  const auto level = [](double) { return 0.5; };
  TrackingOptions dear;
  dear.redundancy.reserve = 0.05;
  const Followed strong = follow(Model(arm("compliant")), level, 0.6, {}, dear),
                 weak = follow(Model(arm("compliant", 60.0)), level, 0.6, {}, dear);
  EXPECT_LT(strong.greatest, degrees(1.0));
  EXPECT_GT(weak.greatest, degrees(20.0));
  // the arm gives way; no motor holds it up
  EXPECT_LT(weak.greatest_reserve, 0.25 * strong.greatest_moment);
}

TEST(Tracking, ErrorsGoAsTheirLawSays) {
  // Set off by 0.1 rad from a motion at rest, the error is (1 + omega t) e^(-omega t) of that: a small one, within what
  // muscles can do, seen after a third of a second.
  const Model model(arm("compliant"));
  const double omega = 10.0, off = 0.05, duration = 0.5;
  SimulationOptions options;
  options.duration = duration;
  TrackingOptions tracking;
  tracking.frequency = omega;
  MotionTracker controller(model, options, tracking,
                           TrackedMotion(model, splines({[](double) { return 0.3; }}, duration)));
  State start = controller.start(0.0);
  start.q()[0] += off;
  Workspace work(model);
  evaluate(model, start, work, Depth::velocity);
  for (int m = 0; m < model.muscles(); ++m)
    start.fibre_length()[at(m)] =
        static_equilibrium(model.data().units[at(m)], work.length[at(m)], start.activation()[at(m)]).fibre_length;
  options.sampled = controller.sampled();
  double worst = 0.0;
  simulate(model, start, options, [&](const State& now, const ForwardDynamics&) {
    const double law = off * (1.0 + omega * now.time) * std::exp(-omega * now.time);
    worst = std::max(worst, std::abs(now.q()[0] - 0.3 - law));
  });
  EXPECT_LT(worst, 0.15 * off);  // muscles come one interval late
}

TEST(Tracking, InstantsTakeNothingFromTheHeap) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const Model model(arm("compliant"));
  SimulationOptions options;
  options.duration = 0.3;
  MotionTracker controller(model, options, {}, TrackedMotion(model, splines({[](double t) { return 0.3 * t; }}, 0.3)));
  const State start = controller.start(0.0);
  std::vector<std::size_t> taken;
  options.sampled =
      SampledControl{0.01, [&](const ForwardDynamics& now, std::span<double> excitation, std::span<double> force) {
                       const std::size_t before = heap_allocations();
                       controller.act(now, excitation, force);
                       taken.push_back(heap_allocations() - before);
                     }};
  simulate(model, start, options, [](const State&, const ForwardDynamics&) {});
  ASSERT_EQ(taken.size(), 30u);
  for (std::size_t i = 1; i < taken.size(); ++i) EXPECT_EQ(taken[i], 0u) << "instant " << i;
}

/// A block on four soles that moves freely, and an arm on it between two muscles.
ModelSpec block_with_arm() {
  ModelSpec spec;
  add_body(spec, "block", 20.0, {0.0, 0.05, 0.0}, {0.3, 0.3, 0.3, 0, 0, 0});
  JointSpec& root = spec.joints["block"];
  root.parent = "ground";
  root.child = "block";
  Free free;
  free.tx = "x", free.ty = "y", free.tz = "z", free.rx = "roll", free.ry = "yaw", free.rz = "pitch";
  free.rotation = "angles";
  root.motion = free;
  for (const char* name : {"x", "y", "z"}) spec.coordinates[name].motion = "translation";
  for (const char* name : {"roll", "yaw", "pitch"}) spec.coordinates[name];
  add_body(spec, "arm", 1.0, {0.0, -0.3, 0.0}, {0.01, 0.01, 0.01, 0, 0, 0});
  add_pin(spec, "block", "arm", {0.0, 0.6, 0.0}, "swing");
  for (const double side : {-1.0, 1.0})
    add_muscle(spec, side < 0.0 ? "back" : "front", "rigid",
               {{"block", Vec3(0.06 * side, 0.9, 0.0)},
                {"block", Vec3(0.05 * side, 0.62, 0.0)},
                {"arm", Vec3(0.03 * side, -0.1, 0.0)}})
        .tendon_slack_length = 0.25;
  PlaneSpec floor;
  spec.planes["floor"] = floor;
  int k = 0;
  for (const double x : {-0.2, 0.2})
    for (const double z : {-0.2, 0.2}) {
      SphereSpec sphere;
      sphere.body = "block";
      sphere.location = {x, 0.03, z};
      sphere.radius = 0.03;
      sphere.stiffness = 1e6;
      sphere.planes = {"floor"};
      spec.spheres["sole_" + std::to_string(k++)] = sphere;
    }
  return spec;
}

// A motion recorded over another floor, or none: the body starts where its soles carry it, and stands.
TEST(Tracking, StartsOnItsSoles) {
  const Model model(block_with_arm());
  const int y = model.coordinate("y"), swing = model.coordinate("swing");
  for (const double off : {-0.03, 0.0, 0.09}) {
    std::vector<std::function<double(double)>> motion(at(model.coordinates()), [](double) { return 0.0; });
    motion[at(y)] = [off](double) { return off; };
    motion[at(swing)] = [](double) { return 0.2; };
    SimulationOptions options;
    options.duration = 0.3;
    MotionTracker controller(model, options, {}, TrackedMotion(model, splines(motion, 0.3)));
    const State start = controller.start(0.0);
    EXPECT_LE(controller.unsettled(), 1e-5) << "the search for a pose came to its end";
    Workspace work(model);
    evaluate(model, start, work, Depth::force);
    double carried = 0.0;
    for (const Vec3& force : work.contact.sphere_force) carried += force.y();
    EXPECT_NEAR(carried, model.data().mass * standard_gravity, 0.05 * model.data().mass * standard_gravity) << off;
    EXPECT_NEAR(controller.motion().jet(y, 0.0).value, start.q()[at(y)], 1e-3) << "the motion comes along";
    options.sampled = controller.sampled();
    double fallen = 0.0, turned = 0.0;
    simulate(model, start, options, [&](const State& now, const ForwardDynamics&) {
      fallen = std::max(fallen, std::abs(now.q()[at(y)] - start.q()[at(y)]));
      turned = std::max(turned, std::abs(now.q()[at(swing)] - 0.2));
    });
    EXPECT_LT(fallen, 1e-3) << off;
    EXPECT_LT(turned, degrees(1.0)) << off;
  }
}

TEST(Tracking, RefusesOptionsOutOfRange) {
  const Model model(arm("rigid"));
  const auto make = [&](double interval, double frequency, double horizon) {
    TrackingOptions options;
    options.interval = interval;
    options.frequency = frequency;
    options.horizon = horizon;
    return error_of(
        [&] { MotionTracker(model, {}, options, TrackedMotion(model, splines({[](double) { return 0.0; }}, 1.0))); });
  };
  EXPECT_EQ(make(0.01, 15.0, 0.03), "no error");
  EXPECT_NE(make(0.5, 1.0, 0.5).find("expected an interval from 0.001 to 0.1 s"), std::string::npos);
  EXPECT_NE(make(0.01, 150.0, 0.03).find("expected a frequency"), std::string::npos);
  EXPECT_NE(make(0.01, 15.0, 0.001).find("expected a horizon"), std::string::npos);
  EXPECT_NE(make(0.03, 15.0, 0.03).find("expected a lead"), std::string::npos);
  EXPECT_NE(error_of([&] { TrackedMotion(model, {}); }).find("expected 1 coordinates, found 0"), std::string::npos);
}

// ---- feedback at instants

TEST(SampledControl, AHeldForceIsExactBetweenInstants) {
  // A wheel braked by a moment that follows its speed as it was at the last instant: u(k+1) = u(k) (1 - c T / I).
  ModelSpec spec;
  add_body(spec, "wheel", 2.0, Vec3::Zero(), {0.5, 0.5, 0.5, 0.0, 0.0, 0.0});
  add_pin(spec, "ground", "wheel", Vec3::Zero(), "turn");
  const Model model(spec);
  State state = model.default_state();
  state.u()[0] = 3.0;
  SimulationOptions options;
  options.duration = 1.0;
  options.step = 0.1;
  options.tolerance = 1e-4;
  const double brake = 0.8, interval = 0.1;
  options.sampled = SampledControl{interval, [&](const ForwardDynamics& now, std::span<double>,
                                                 std::span<double> force) { force[0] = -brake * now.state().u()[0]; }};
  double expected = 3.0;
  const SimulationReport report = simulate(model, state, options, [&](const State& now, const ForwardDynamics&) {
    EXPECT_NEAR(now.u()[0], expected, 1e-12) << now.time;
    expected *= 1.0 - brake * interval / 0.5;
  });
  EXPECT_NEAR(report.audit.control_work, report.audit.kinetic_change, 1e-11);
}

}  // namespace
}  // namespace psoas::test
