// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What planes and external loads do in a simulation study, as outputs, and forward and inverse dynamics in agreement: a
// motion study reads the table that a simulation wrote.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "psoas/io/table_file.hpp"
#include "psoas/study/outputs.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

using nlohmann::json;

/// A trunk that moves in a plane over one leg with thigh, shank and a foot of one sphere; four muscles.
json hopper() {
  json model = json::parse(R"({
    "format": "psoas-model/1", "name": "hopper",
    "bodies": {
      "trunk": {"mass": 12, "mass_center": [0.02, 0.15, 0], "inertia": [0.2, 0.1, 0.25, 0, 0, 0]},
      "thigh": {"mass": 4, "mass_center": [0, -0.17, 0], "inertia": [0.05, 0.01, 0.05, 0, 0, 0]},
      "shank": {"mass": 2.5, "mass_center": [0, -0.2, 0], "inertia": [0.04, 0.005, 0.04, 0, 0, 0]}},
    "coordinates": {"forward": {"motion": "translation"}, "up": {"motion": "translation", "value": 0.8}, "lean": {},
                    "hip": {"value": 0.5}, "knee": {"value": -0.9}},
    "joints": {
      "root": {"parent": "ground", "child": "trunk", "motion": {"planar": {"x": "forward", "y": "up", "angle": "lean"}}},
      "hip": {"parent": "trunk", "child": "thigh", "motion": {"pin": {"coordinate": "hip"}}},
      "knee": {"parent": "thigh", "child": "shank", "parent_frame": {"translation": [0, -0.4, 0]},
               "motion": {"pin": {"coordinate": "knee"}}}},
    "planes": {"floor": {}},
    "spheres": {"foot": {"body": "shank", "location": [0, -0.42, 0], "radius": 0.04, "stiffness": 4e5,
                         "transition_speed": 0.2}},
    "groups": {"knee_muscles": ["quadriceps", "hamstrings"]}})");
  const auto muscle = [&](const char* name, json path, double force, double fibre, double tendon) {
    model["muscles"][name] = {{"path", std::move(path)},
                              {"max_isometric_force", force},
                              {"optimal_fibre_length", fibre},
                              {"tendon_slack_length", tendon},
                              {"tendon", "rigid"}};
  };
  const auto point = [](const char* body, double x, double y) { return json{{"body", body}, {"location", {x, y, 0}}}; };
  muscle("flexor", {point("trunk", 0.08, 0.05), point("thigh", 0.05, -0.12)}, 900, 0.11, 0.07);
  muscle("extensor", {point("trunk", -0.1, 0.03), point("thigh", -0.05, -0.12)}, 2000, 0.13, 0.1);
  muscle("quadriceps", {point("thigh", 0.06, -0.1), point("thigh", 0.06, -0.4), point("shank", 0.055, -0.06)}, 3000,
         0.1, 0.27);
  muscle("hamstrings", {point("thigh", -0.03, -0.1), point("shank", -0.04, -0.06)}, 1000, 0.12, 0.2);
  return model;
}

/// It lands, bends and is pushed from the side of its back for a while.
json landing() {
  return json::parse(R"({
    "format": "psoas-study/1", "study": "simulation", "model": "hopper.json",
    "duration": 0.4, "step": 0.001, "tolerance": 1e-8,
    "initial": {"up": 0.84}, "speeds": {"forward": 0.2},
    "controllers": {"drive": {"spline": {"muscles": ["quadriceps", "extensor"], "time": [0, 0.15, 0.4], "value": [0.2, 0.6, 0.9]}}},
    "excitation": {"flexor": 0.1},
    "outputs": ["coordinate/*", "joint_moment/*", "body_force_*/*", "body_moment_*/*", "sphere_force_*/foot",
                "plane_force_y/floor", "centre_of_pressure_*/floor", "com_y", "excitation/flexor", "muscle_moment/hip/*"]})");
}

const char* const push =
    "time,px,py,pz,fx,fy,fz\n0,-0.1,0.1,0,0,0,0\n0.1,-0.1,0.1,0,15,0,0\n0.2,-0.1,0.2,0,30,-5,0\n0.3,-0.1,0.1,0,15,0,0\n"
    "0.4,-0.1,0.1,0,0,0,0\n";

/// A study of the motion that a simulation wrote to out.sto.
json motion_of_it() {
  return json::parse(R"({
    "format": "psoas-study/1", "study": "motion", "model": "hopper.json",
    "motion": {"coordinates": "out.sto", "lowpass_hz": 0,
      "forces": {"table": "out.sto"}},
    "outputs": ["joint_moment/*", "muscle_moment/*/*", "reserve/*", "coordinate/*"]})");
}

/// Its loads as a user may write them, to leave some out.
json written_out() {
  return json::parse(R"({"leg": {"body": "shank", "force": "body_force_*/shank", "torque": "body_moment_*/shank"},
    "trunk": {"body": "trunk", "force": "body_force_*/trunk", "torque": "body_moment_*/trunk"}})");
}

class SimulationForces : public ::testing::Test {
 protected:
  SimulationForces() {
    folder_.write("hopper.json", hopper().dump(1));
    folder_.write("push.csv", push);
  }
  Result answer_of(const json& study) { return run(read_study(folder_.write("study.json", study.dump(1)))); }
  TempFolder folder_;
};

const Block& only(const Result& result) { return result.blocks.begin()->second; }

json pushed_landing() {
  json study = landing();
  study["forces"] = {{"table", "push.csv"}, {"loads", {{"hand", {{"body", "trunk"}, {"force", "f"}, {"point", "p"}}}}}};
  return study;
}

TEST_F(SimulationForces, of_bodies_are_those_of_spheres_and_loads) {
  const Result result = answer_of(pushed_landing());
  const Block& block = only(result);
  const std::vector<double>& ahead = series(block, "centre_of_pressure_x/floor");
  bool in_air = false, on_floor = false;
  double peak = 0.0;
  for (std::size_t i = 0; i < block.axis_values.size(); ++i) {
    for (const char axis : {'x', 'y', 'z'})
      EXPECT_NEAR(series(block, std::string("body_force_") + axis + "/shank")[i],
                  series(block, std::string("sphere_force_") + axis + "/foot")[i], 1e-9);
    EXPECT_EQ(series(block, "body_force_y/shank")[i], series(block, "plane_force_y/floor")[i]);
    // about ground's origin: where the floor is pressed
    const double down = series(block, "body_force_y/shank")[i];
    in_air = in_air || std::isnan(ahead[i]);
    if (down > 1.0) {
      on_floor = true;
      EXPECT_NEAR(series(block, "body_moment_z/shank")[i], down * ahead[i], 1e-9 * down);
      peak = std::max(peak, std::isnan(ahead[i]) ? -1.0 : ahead[i]);
    }
  }
  EXPECT_TRUE(in_air);
  EXPECT_TRUE(on_floor);
  // reductions are of the rows that are numbers
  EXPECT_GE(scalar(block, "peak centre_of_pressure_x/floor"), peak);
  EXPECT_TRUE(std::isfinite(scalar(block, "time_of_peak centre_of_pressure_x/floor")));
  EXPECT_TRUE(std::isfinite(scalar(block, "min centre_of_pressure_x/floor")));
  EXPECT_TRUE(std::isfinite(scalar(block, "mean centre_of_pressure_x/floor")));
  // what the floor and the hand gave, less weight, is the body's momentum: its mass centre moves so
  const std::vector<double>& height = series(block, "com_y");
  const double mass = 18.5, step = 0.001;
  const auto speed = [&](std::size_t i) { return (height[i + 1] - height[i - 1]) / (2 * step); };
  EXPECT_NEAR(
      scalar(block, "impulse body_force_y/shank") + scalar(block, "impulse body_force_y/trunk") - 0.4 * mass * 9.80665,
      mass * (speed(height.size() - 2) - speed(1)), 0.02 * 0.4 * mass * 9.80665);
  // the hand
  const std::size_t at_200_ms = 200;
  EXPECT_NEAR(series(block, "body_force_x/trunk")[at_200_ms], 30.0, 1e-9);
  EXPECT_NEAR(series(block, "body_force_y/trunk")[at_200_ms], -5.0, 1e-9);
  EXPECT_NEAR(series(block, "body_moment_z/trunk")[at_200_ms], -0.1 * -5.0 - 0.2 * 30.0, 1e-9);
  // what is driven and what is only asked for
  EXPECT_EQ(series(block, "excitation/flexor").front(), 0.1);
  EXPECT_GT(scalar(block, "peak excitation/quadriceps"), 0.85);
  EXPECT_EQ(block.scalars.find("greatest_difference_to_algebraic excitation/flexor"), nullptr);
}

TEST_F(SimulationForces, of_a_simulation_are_refused_elsewhere_and_by_name) {
  json study = landing();
  for (const auto& [wrong, words] : {std::pair{"prescribed_force/hip", "expected an output of the model"},
                                     std::pair{"body_force_x/thigh", "expected an output of the model"},
                                     std::pair{"excitation/flexr", "did you mean \"flexor\"?"}}) {
    study["outputs"] = {wrong};
    const std::string text = error_of([&] { answer_of(study); });
    EXPECT_NE(text.find(words), std::string::npos) << text;
  }
  const Model model = Model::load(folder_.write("hopper.json", hopper().dump(1)));
  const std::string text = error_of([&] { find_outputs(model, {"excitation/flexor"}, true); });
  EXPECT_NE(text.find("which only a simulation has"), std::string::npos) << text;
}

/// What inverse dynamics and redundancy make of a simulation, against its joint moments: root mean squares of the
/// difference over that of the moments, of the joint moment itself and of muscles and reserve together.
void compare(const Block& forward, const Block& inverse, double limit) {
  const std::size_t rows = forward.axis_values.size();
  ASSERT_EQ(inverse.axis_values, forward.axis_values);
  for (const std::string coordinate : {"hip", "knee"}) {
    const std::vector<double>&there = series(forward, "joint_moment/" + coordinate),
          &back = series(inverse, "joint_moment/" + coordinate), &reserve = series(inverse, "reserve/" + coordinate);
    double size = 0.0, error = 0.0, muscles_error = 0.0;
    for (std::size_t i = 0; i < rows; ++i) {
      size += there[i] * there[i];
      error += (back[i] - there[i]) * (back[i] - there[i]);
      double muscles = reserve[i];
      for (const char* muscle : {"flexor", "extensor", "quadriceps", "hamstrings"})
        muscles += series(inverse, "muscle_moment/" + coordinate + "/" + muscle)[i];
      muscles_error += (muscles - there[i]) * (muscles - there[i]);
    }
    EXPECT_GT(std::sqrt(size / static_cast<double>(rows)), 5.0) << coordinate;
    EXPECT_LT(std::sqrt(error / size), limit) << coordinate;
    EXPECT_LT(std::sqrt(muscles_error / size), limit) << coordinate;
  }
}

TEST_F(SimulationForces, inverse_dynamics_and_redundancy_return_its_joint_moments) {
  // speeds and accelerations from splines through rows, which have to resolve the impact
  json study = pushed_landing();
  study["step"] = 0.00025;
  const Result forward = answer_of(study);
  folder_.write("out.sto", write_sto(series_table(forward)));
  const Result inverse = answer_of(motion_of_it());
  compare(only(forward), only(inverse), 0.01);
  EXPECT_EQ(series(only(inverse), "coordinate/knee"), series(only(forward), "coordinate/knee"));
  // nothing is said of the outputs that stand beside the coordinates
  for (const std::string& warning : only(inverse).warnings)
    EXPECT_EQ(warning.find("body_force"), std::string::npos) << warning;
  // the same loads written out
  json motion = motion_of_it();
  motion["motion"]["forces"]["loads"] = written_out();
  EXPECT_EQ(series(only(answer_of(motion)), "joint_moment/hip"), series(only(inverse), "joint_moment/hip"));
}

TEST_F(SimulationForces, with_speeds_and_accelerations_they_do_at_any_step) {
  json study = pushed_landing();
  study["step"] = 0.01;
  for (const char* more : {"speed/*", "acceleration/*"}) study["outputs"].push_back(more);
  const Result forward = answer_of(study);
  folder_.write("out.sto", write_sto(series_table(forward)));
  compare(only(forward), only(answer_of(motion_of_it())), 1e-6);
}

TEST_F(SimulationForces, columns_with_a_star_are_named_where_they_are_missing) {
  folder_.write("out.sto", write_sto(series_table(answer_of(landing()))));
  json study = motion_of_it();
  study["motion"]["forces"]["loads"] = written_out();
  study["motion"]["forces"]["loads"]["leg"]["force"] = "body_force_*/shnk";
  const std::string text = error_of([&] { answer_of(study); });
  EXPECT_NE(text.find("/motion/forces/loads/leg/force"), std::string::npos) << text;
  EXPECT_NE(text.find("found no \"body_force_x/shnk\", did you mean \"body_force_x/shank\"?"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace psoas::test
