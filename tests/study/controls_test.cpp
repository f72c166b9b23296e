// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Simulation studies with controllers and prescribed coordinates, as users write them.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "psoas/core/units.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

using nlohmann::json;

/// A study of the leg with one hip flexor.
json leg_study() {
  json study;
  study["format"] = "psoas-study/1";
  study["study"] = "simulation";
  study["model"] = PSOAS_SOURCE_DIR "/examples/passive_swing/pendulum.json";
  study["duration"] = 0.6;
  study["step"] = 0.02;
  study["initial"]["hip_flexion_r"] = 0.3;
  study["outputs"] = {"coordinate/hip_flexion_r", "activation/iliopsoas_r", "muscle_force/iliopsoas_r"};
  return study;
}

class SimulationControls : public ::testing::Test {
 protected:
  Result answer_of(const json& study) { return run(read_study(folder_.write("study.json", study.dump(1)))); }
  TempFolder folder_;
};

const Block& only(const Result& result) { return result.blocks.begin()->second; }

TEST_F(SimulationControls, a_table_by_group_is_the_bang_bang_that_it_spells) {
  json bang = leg_study(), table = leg_study();
  bang["controllers"]["burst"]["bang_bang"] = {
      {"muscles", {"iliopsoas_r"}}, {"switch_times", {0.1, 0.25}}, {"low", 0.05}, {"high", 0.9}};
  folder_.write("burst.csv", "time,group:iliopsoas_r\n0,0.05\n0.1,0.9\n0.25,0.05\n");
  table["controllers"]["recorded"]["table"] = {{"file", "burst.csv"}, {"shape", "steps"}};
  const Result a = answer_of(bang), b = answer_of(table);
  for (const char* name : {"coordinate/hip_flexion_r", "activation/iliopsoas_r", "excitation/iliopsoas_r"})
    EXPECT_EQ(series(only(a), name), series(only(b), name)) << name;
  EXPECT_GT(scalar(only(a), "peak activation/iliopsoas_r"), 0.8);
  EXPECT_EQ(scalar(only(a), "peak excitation/iliopsoas_r"), 0.9);
  EXPECT_EQ(series(only(a), "activation/iliopsoas_r").front(), 0.05) << "it starts at rest under its first excitation";
  // a result answers again, table and all
  const std::string text = result_text(b);
  EXPECT_EQ(json::parse(result_text(run(read_study(folder_.write("result.json", text)))))["scalars"],
            json::parse(text)["scalars"]);
}

TEST_F(SimulationControls, extends_replaces_a_controller_by_one_of_another_kind) {
  json base = leg_study();
  base["controllers"]["drive"]["bang_bang"] = {{"muscles", {"*"}}, {"switch_times", {0.1}}};
  folder_.write("base.json", base.dump(1));
  json over;
  over["extends"] = "base.json";
  over["controllers"]["drive"]["spline"] = {{"muscles", {"*"}}, {"time", {0, 0.3, 0.6}}, {"value", {0, 1, 0}}};
  const Result result = answer_of(over);
  const std::vector<double>& excitation = series(only(result), "excitation/iliopsoas_r");
  EXPECT_NEAR(excitation[15], 1.0, 1e-12);
  EXPECT_GT(excitation[5], 0.1);
}

TEST_F(SimulationControls, a_coordinate_follows_a_table_in_degrees_and_its_drive_is_told) {
  json study = leg_study();
  study.erase("initial");
  std::string text = "swing\nnRows=7\nnColumns=2\ninDegrees=yes\nendheader\ntime\thip_flexion_r\n";
  for (int i = 0; i <= 6; ++i)
    text += std::to_string(0.1 * i) + "\t" + std::to_string(20.0 * std::sin(5.0 * 0.1 * i)) + "\n";
  folder_.write("swing.mot", text);
  study["prescribed"]["hip_flexion_r"]["table"] = "swing.mot";
  const Result result = answer_of(study);
  const std::vector<double>& angle = series(only(result), "coordinate/hip_flexion_r");
  for (std::size_t i = 0; i < angle.size(); i += 5)
    EXPECT_NEAR(angle[i], degrees(20.0 * std::sin(5.0 * 0.02 * static_cast<double>(i))), 1e-6) << i;
  EXPECT_GT(std::abs(scalar(only(result), "peak prescribed_force/hip_flexion_r")), 1.0);
  EXPECT_NE(scalar(only(result), "work_from_outside"), 0.0);
  ASSERT_EQ(only(result).credibility.size(), 1u);
  EXPECT_TRUE(*only(result).credibility[0].ok);
}

TEST_F(SimulationControls, a_hand_lifts_the_leg_and_its_work_is_told) {
  json study = leg_study();
  study["initial"]["hip_flexion_r"] = 0.0;
  study["controllers"]["hand"]["coordinate_force"] = {{"coordinate", "hip_flexion_r"},
                                                      {"force", {{"time", {0.0}}, {"value", {30.0}}}}};
  const Result result = answer_of(study);
  const Block& block = only(result);
  EXPECT_NEAR(scalar(block, "work_of_coordinate_forces"), 30.0 * scalar(block, "final coordinate/hip_flexion_r"), 1e-5);
}

TEST_F(SimulationControls, ranges_that_are_passed_are_events) {
  json study = leg_study();
  study["duration"] = 1.2;
  study["initial"]["hip_flexion_r"] = 1.2;
  const Result result = answer_of(study);
  const ResultTable& events = table(only(result), "events");
  ASSERT_GE(events.rows.size(), 1u);
  EXPECT_EQ(events.labels[0], "hip_flexion_r below its range begins");
  // between the rows where the angle passes -30 degrees
  const std::vector<double>& angle = series(only(result), "coordinate/hip_flexion_r");
  const std::size_t row = static_cast<std::size_t>(events.rows[0][0] / 0.02);
  EXPECT_GT(angle[row], -0.52359878);
  EXPECT_LT(angle[row + 1], -0.52359878);
}

TEST_F(SimulationControls, the_implicit_integrator_gives_the_same_motion) {
  json study = leg_study();
  study["controllers"]["reflex"]["stretch_reflex"] = {{"muscles", {"*"}}, {"velocity_gain", 0.1}, {"delay", 0.04}};
  const Result a = answer_of(study);
  study["integrator"] = "rosenbrock4";
  const Result b = answer_of(study);
  EXPECT_NEAR(scalar(only(a), "final coordinate/hip_flexion_r"), scalar(only(b), "final coordinate/hip_flexion_r"),
              1e-5);
  EXPECT_GT(scalar(only(a), "peak excitation/iliopsoas_r"), 0.02);
  EXPECT_NE(b.notes.back().find("rosenbrock4"), std::string::npos);
  study["model"] = PSOAS_SOURCE_DIR "/models/full_body.json";
  study.erase("initial");
  EXPECT_NE(error_of([&] { answer_of(study); }).find("expected ark4 or dopri5 for a model of more than 100 states"),
            std::string::npos);
}

}  // namespace
}  // namespace psoas::test
