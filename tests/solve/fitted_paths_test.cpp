// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Forward and inverse dynamics with fitted paths against the same with exact ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/fit_paths.hpp"
#include "psoas/solve/forward.hpp"
#include "psoas/solve/inverse.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

const ModelSpec& leg() {
  static const ModelSpec spec = [] {
    ModelSpec out = read_model(PSOAS_SOURCE_DIR "/models/full_body.json");
    const std::vector<std::string> kept = {"vasmed_r", "bflh_r", "gaslat_r", "sart_r", "soleus_r", "LTpT_T11_r"};
    out.muscles.erase_if([&](const std::string& name, const MuscleSpec&) {
      return std::find(kept.begin(), kept.end(), name) == kept.end();
    });
    out.groups = {};
    out.domain = {};  // of muscles that went
    return out;
  }();
  return spec;
}

const ModelSpec& fitted_leg() {
  static const ModelSpec spec = fit_paths(leg());
  return spec;
}

TEST(FittedPathsInMotion, a_leg_swings_as_with_exact_paths) {
  std::vector<State> ends;
  for (const ModelSpec& spec : {leg(), fitted_leg()}) {
    const Model model(spec);
    SimulationOptions options;
    options.duration = 0.2;
    options.step = 0.05;
    options.tolerance = 1e-5;
    options.locked.assign(at(model.coordinates()), 1);
    for (const char* c : {"hip_flexion_r", "knee_angle_r"}) options.locked[at(model.coordinate(c))] = 0;
    options.excitation = {0.3, 0.4, 0.1, 0.2, 0.1, 0.05};
    State state = model.default_state();
    model.set(state, "hip_flexion_r", degrees(20));
    model.set(state, "knee_angle_r", degrees(80));
    simulate(model, state, options, [&](const State& now, const ForwardDynamics&) {
      if (now.time == 0.0) ends.push_back(now);
      ends.back() = now;
    });
  }
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_NEAR(ends[0].time, 0.2, 1e-12);
  EXPECT_NE(ends[0].vector, ends[1].vector) << "other paths";
  const Model fitted(fitted_leg());
  double moved = 0.0;
  for (std::size_t c = 0; c < ends[0].q().size(); ++c) {
    // forces differ by a thousandth where arms of 40 mm and tendon stretches of 10 mm do by 0.02 mm
    EXPECT_NEAR(ends[0].q()[c], ends[1].q()[c], 2e-3) << c << " at " << ends[0].q()[c];
    const std::array<double, 2>& range = fitted.spec().coordinates.find(fitted.data().coordinate_names[c])->range;
    EXPECT_TRUE(ends[0].q()[c] >= range[0] && ends[0].q()[c] <= range[1]) << "beyond it functions only go on smoothly";
    moved = std::max(moved, std::abs(ends[0].u()[c]));
  }
  EXPECT_GT(moved, 0.5) << "a motion that could differ";
}

TEST(FittedPathsInMotion, loads_and_activations_are_close_to_exact_ones) {
  std::vector<std::vector<double>> activations, loads;
  for (const ModelSpec& spec : {leg(), fitted_leg()}) {
    const Model model(spec);
    InverseSolver solver(model, {});
    State state = model.default_state();
    model.set(state, "knee_angle_r", degrees(30));
    model.set(state, "lumbar_extension", degrees(-10));
    const std::vector<double> none(at(model.coordinates()), 0.0);
    solver.net(state.q(), none, none);
    solver.solve_with(std::vector<double>(3 * model.data().contacts.size(), 0.0));
    activations.emplace_back(solver.activation().begin(), solver.activation().end());
    loads.push_back({solver.level(0).compression, solver.level(0).anterior_shear, solver.hip_force(0).norm()});
  }
  for (std::size_t m = 0; m < activations[0].size(); ++m) EXPECT_NEAR(activations[0][m], activations[1][m], 5e-3) << m;
  for (std::size_t k = 0; k < loads[0].size(); ++k)
    EXPECT_NEAR(loads[0][k], loads[1][k], 5e-3 * loads[0][k] + 1.0) << k;
}

}  // namespace
}  // namespace psoas::test
