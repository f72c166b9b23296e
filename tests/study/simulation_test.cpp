// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The passive swing: what a released thigh must do, with and without shortening.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

const Example& swing() {
  static const Example example =
      run_example("passive_swing", {"coordinate/*", "speed/*", "acceleration/*",
                                    "muscle_moment/hip_flexion_r/group:iliopsoas_r", "muscle_force/group:iliopsoas_r",
                                    "joint_moment/hip_flexion_r", "compression/L5_S1", "anterior_shear/L5_S1"});
  return example;
}

/// Turning points of a curve: indices where its slope changes sign.
std::vector<std::size_t> turning_points(const std::vector<double>& x) {
  std::vector<std::size_t> out;
  for (std::size_t i = 1; i + 1 < x.size(); ++i)
    if ((x[i] - x[i - 1]) * (x[i + 1] - x[i]) < 0.0) out.push_back(i);
  return out;
}

TEST(PassiveSwing, starts_where_it_is_released_and_only_the_thigh_moves) {
  for (std::size_t v = 0; v < 3; ++v) {
    const Block& block = swing().block(v);
    EXPECT_EQ(block.axis_values.size(), 201u);
    EXPECT_EQ(series(block, "coordinate/hip_flexion_r").front(), degrees(60));
    EXPECT_EQ(series(block, "speed/hip_flexion_r").front(), 0.0);
    for (const auto& [name, one] : block.series) {
      if (name.rfind("coordinate/", 0) != 0 || name == "coordinate/hip_flexion_r") continue;
      for (const double value : one.values) EXPECT_EQ(value, one.values.front()) << name;
    }
  }
}

TEST(PassiveSwing, loses_amplitude) {
  for (std::size_t v = 0; v < 3; ++v) {
    const std::vector<double>& angle = series(swing().block(v), "coordinate/hip_flexion_r");
    const std::vector<std::size_t> turns = turning_points(angle);
    ASSERT_GE(turns.size(), 2u);
    EXPECT_LT(angle[turns[0]], 0.0);
    // it comes back short of where it was released, as nothing but damped fibres is at work
    EXPECT_LT(angle[turns[1]], degrees(60));
    EXPECT_GT(angle[turns[1]], degrees(20));
    for (const double value : angle) EXPECT_LE(value, degrees(60));
  }
}

TEST(PassiveSwing, a_shortened_muscle_stops_extension_sooner) {
  const auto least = [](std::size_t v) {
    const std::vector<double>& angle = series(swing().block(v), "coordinate/hip_flexion_r");
    return *std::min_element(angle.begin(), angle.end());
  };
  EXPECT_GT(least(1), least(0) + degrees(0.5));
  EXPECT_GT(least(2), least(1) + degrees(2.0));
  const auto greatest = [](std::size_t v) { return scalar(swing().block(v), "peak muscle_force/group:iliopsoas_r"); };
  EXPECT_GT(greatest(1), greatest(0));
  EXPECT_GT(greatest(2), greatest(1));
  // ... and the spine bears it
  for (const char* load : {"peak compression/L5_S1", "peak anterior_shear/L5_S1"}) {
    EXPECT_GT(scalar(swing().block(1), load), scalar(swing().block(0), load));
    EXPECT_GT(scalar(swing().block(2), load), scalar(swing().block(1), load));
  }
}

TEST(PassiveSwing, moments_at_the_hip_are_those_of_its_motion) {
  // The moment that inverse dynamics finds for the accelerations is that of the muscles and the capsule.
  const Example& example = swing();
  for (std::size_t v = 0; v < 3; ++v) {
    const Model model = example.model(v);
    const Block& block = example.block(v);
    for (std::size_t i = 0; i < block.axis_values.size(); i += 10) {
      double given = series(block, "muscle_moment/hip_flexion_r/group:iliopsoas_r")[i];
      for (const PassiveTorque& torque : model.data().passive)
        if (model.data().tree_coordinate_names[at(torque.coordinate)] == "hip_flexion_r")
          given += torque.at(series(block, "coordinate/hip_flexion_r")[i], 0.0).force;
      EXPECT_NEAR(series(block, "joint_moment/hip_flexion_r")[i], given, 1e-9 * std::max(1.0, std::abs(given)));
    }
  }
}

TEST(PassiveSwing, speeds_are_the_rates_of_coordinates) {
  const Block& block = swing().block(0);
  const std::vector<double>&q = series(block, "coordinate/hip_flexion_r"), &u = series(block, "speed/hip_flexion_r"),
        &a = series(block, "acceleration/hip_flexion_r");
  const double h = 0.01;
  for (std::size_t i = 2; i + 2 < q.size(); ++i) {
    EXPECT_NEAR((8.0 * (q[i + 1] - q[i - 1]) - (q[i + 2] - q[i - 2])) / (12.0 * h), u[i], 2e-4);
    EXPECT_NEAR((8.0 * (u[i + 1] - u[i - 1]) - (u[i + 2] - u[i - 2])) / (12.0 * h), a[i], 2e-2);
  }
}

TEST(PassiveSwing, equal_input_gives_equal_bytes_and_a_result_can_be_run_again) {
  const std::vector<std::pair<std::string, std::string>> set = {{"/duration", "0.2"}};
  const std::string text = result_text(run(read_study(example_path("passive_swing"), set)));
  EXPECT_EQ(result_text(run(read_study(example_path("passive_swing"), set))), text);
  TempFolder folder;
  const nlohmann::json before = nlohmann::json::parse(text),
                       again = nlohmann::json::parse(result_text(run(read_study(folder.write("result.json", text)))));
  for (const char* key : {"variants", "summary", "notes", "heading"}) EXPECT_EQ(again[key], before[key]) << key;
}

TEST(PassiveSwing, wrong_names_are_refused_with_their_place) {
  const std::string text = error_of([] {
    run(read_study(example_path("passive_swing"), {{"/locked/0", "pelvis_tlt"}}));
  });
  EXPECT_NE(text.find("/locked/0"), std::string::npos) << text;
  EXPECT_NE(text.find("did you mean"), std::string::npos) << text;
}

// A body that flies and turns over, as a user writes it: its rotation vector is renewed beyond half a turn.
TEST(FreeBody, keeps_energy_and_turns_over_in_a_study) {
  TempFolder folder;
  folder.write("top.json", R"({"format": "psoas-model/1", "gravity": [0, 0, 0],
    "bodies": {"top": {"mass": 2, "inertia": [0.02, 0.03, 0.045, 0, 0, 0]}},
    "coordinates": {"tx": {"motion": "translation"}, "ty": {"motion": "translation"}, "tz": {"motion": "translation"},
                    "rx": {}, "ry": {}, "rz": {}},
    "joints": {"root": {"parent": "ground", "child": "top",
      "motion": {"free": {"tx": "tx", "ty": "ty", "tz": "tz", "rx": "rx", "ry": "ry", "rz": "rz"}}}}})");
  const Result result = run(read_study(folder.write("study.json", R"({"format": "psoas-study/1", "study": "simulation",
    "model": "top.json", "duration": 10, "step": 0.02, "tolerance": 1e-11,
    "speeds": {"tx": 0.3, "rx": 0.02, "ry": 5, "rz": 0.01}, "outputs": ["coordinate/*", "speed/*"]})")));
  const Block& block = result.blocks.begin()->second;
  const double energy = 0.5 * (2 * 0.3 * 0.3 + 0.03 * 25 + 0.02 * 0.02 * 0.02 + 0.045 * 0.01 * 0.01);
  EXPECT_NEAR(scalar(block, "change_of_kinetic_energy"), 0.0, 1e-9 * energy);
  EXPECT_NEAR(scalar(block, "final coordinate/tx"), 3.0, 1e-9);
  const std::vector<double>&x = series(block, "coordinate/rx"), &y = series(block, "coordinate/ry"),
        &z = series(block, "coordinate/rz");
  int charts = 0;
  for (std::size_t i = 1; i < x.size(); ++i) {
    EXPECT_LT(std::hypot(x[i], y[i], z[i]), 3.5);
    charts += x[i] * x[i - 1] + y[i] * y[i - 1] + z[i] * z[i - 1] < -1.0;
  }
  EXPECT_GE(charts, 5);
}

}  // namespace
}  // namespace psoas::test
