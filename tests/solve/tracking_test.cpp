// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Computed muscle control: arms and bodies on soles that follow motions by muscles, against what the motions ask.
#include <gtest/gtest.h>

#include <cmath>
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
    std::printf("%s rms %g greatest %g reserve %g moment %g steps %d audit %g\n", tendon, out.rms, out.greatest,
                out.greatest_reserve, out.greatest_moment, out.report.steps, out.report.audit.relative());
    EXPECT_LT(out.rms, degrees(0.5)) << tendon;
    EXPECT_LT(out.greatest_reserve, 0.05 * out.greatest_moment) << tendon;
    EXPECT_LT(out.report.audit.relative(), 1e-4);
  }
}

}  // namespace
}  // namespace psoas::test
