// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Torque curves against a direct evaluation: path lengths, their differences, and the forces of one unit at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "study/answer.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

const Example& curve() {
  static const Example example = run_example("torque_curve", {});
  return example;
}

TEST(TorqueCurve, is_the_sum_of_arm_times_force) {
  const Example& example = curve();
  for (std::size_t v = 0; v < 3; ++v) {
    const Model model = example.model(v);
    const Block& block = example.block(v);
    EXPECT_EQ(block.axis, "hip_flexion_r_deg");
    const int hip = model.coordinate("hip_flexion_r");
    Workspace work(model);
    State state = model.default_state();
    const auto length = [&](double angle, int m) {
      state.q()[at(hip)] = angle;
      evaluate(model, state, work, Depth::position);
      return work.length[at(m)];
    };
    for (std::size_t i = 0; i < block.axis_values.size(); ++i) {
      const double angle = degrees(block.axis_values[i]), h = 1e-5;
      double active = 0.0, passive = 0.0;
      for (const int m : model.select("group:iliopsoas_r")) {
        const double arm = -(8.0 * (length(angle + h, m) - length(angle - h, m)) -
                             (length(angle + 2 * h, m) - length(angle - 2 * h, m))) /
                           (12.0 * h);
        const MuscleParameters& unit = model.data().units[at(m)];
        const MuscleForces forces = fibre_forces(unit, rigid_tendon_fibre(unit, length(angle, m), 0.0));
        active += std::max(arm, 0.0) * forces.active;
        passive += arm * forces.passive;
        EXPECT_NEAR(series(block, "moment_arm/" + model.data().muscle_names[at(m)] + "/hip_flexion_r")[i], arm, 1e-8);
      }
      EXPECT_NEAR(series(block, "active_torque/hip_flexion_r")[i], active, 1e-5) << block.axis_values[i];
      EXPECT_NEAR(series(block, "passive_torque/hip_flexion_r")[i], passive, 1e-5) << block.axis_values[i];
      EXPECT_NEAR(series(block, "total_torque/hip_flexion_r")[i], active + passive, 1e-5) << block.axis_values[i];
    }
    const std::vector<double>& total = series(block, "total_torque/hip_flexion_r");
    const auto peak = std::max_element(total.begin(), total.end());
    EXPECT_EQ(scalar(block, "peak total_torque/hip_flexion_r"), *peak);
    EXPECT_EQ(scalar(block, "angle_of_peak total_torque/hip_flexion_r"),
              block.axis_values[static_cast<std::size_t>(peak - total.begin())]);
  }
}

TEST(TorqueCurve, shortening_moves_strength_into_flexion) {
  // Serial loss with both muscles, one side, fully active: more at 90 degrees, less at 0 and -20; the passive part grows
  // everywhere and is nearly nil above 60 degrees.
  const Example& example = curve();
  const std::vector<double>& angle = example.block(0).axis_values;
  const auto place = [&](double value) {
    return static_cast<std::size_t>(std::find(angle.begin(), angle.end(), value) - angle.begin());
  };
  for (std::size_t v = 1; v < 3; ++v) {
    const auto now = [&](const char* kind, double value) {
      return series(example.block(v), std::string(kind) + "_torque/hip_flexion_r")[place(value)];
    };
    const auto before = [&](const char* kind, double value) {
      return series(example.block(v - 1), std::string(kind) + "_torque/hip_flexion_r")[place(value)];
    };
    EXPECT_GT(now("total", 90), 1.05 * before("total", 90));
    EXPECT_LT(now("total", 0), 0.95 * before("total", 0));
    EXPECT_LT(now("active", -20), before("active", -20));
    EXPECT_LT(now("total", -20), before("total", -20));
    for (const double value : angle) EXPECT_GT(now("passive", value), before("passive", value)) << value;
    EXPECT_LT(now("passive", 60), 1.5);
  }
}

TEST(TorqueCurve, delta_theta_is_the_shift_of_the_passive_curve) {
  const Example& example = curve();
  for (std::size_t v = 0; v < 3; ++v) {
    // where the right group's passive flexion moment is 5 N m, by bisection
    const Model model = example.model(v), reference = example.model(0);
    const auto angle = [](const Model& m) {
      double low = degrees(-60), high = degrees(60);
      for (int i = 0; i < 60; ++i) {
        const double middle = 0.5 * (low + high);
        (passive_hip_moment(m, middle) > 5.0 ? low : high) = middle;
      }
      return to_degrees(low);
    };
    EXPECT_NEAR(delta_theta_deg(reference, model), angle(model) - angle(reference), 1e-9);
  }
}

TEST(TorqueCurve, the_negative_direction_takes_extensors_alone) {
  Study study = read_study(example_path("torque_curve"));
  study.variants.clear();
  TorqueCurveStudy& question = std::get<TorqueCurveStudy>(study.question);
  question.direction = "negative";
  const Result result = run(study);
  // the iliopsoas is a flexor throughout: it can give nothing active in the other direction
  for (const double value : series(result.blocks.begin()->second, "active_torque/hip_flexion_r")) EXPECT_EQ(value, 0.0);
}

TEST(TorqueCurve, equal_input_gives_equal_bytes_and_a_result_can_be_run_again) {
  const std::string text = result_text(curve().result);
  EXPECT_EQ(result_text(run(read_study(example_path("torque_curve")))), text);
  TempFolder folder;
  const std::string path = folder.write("result.json", text);
  const nlohmann::json before = nlohmann::json::parse(text),
                       again = nlohmann::json::parse(result_text(run(read_study(path))));
  for (const char* key : {"variants", "summary", "notes", "heading"}) EXPECT_EQ(again[key], before[key]) << key;
  const Table a = series_table(curve().result), b = series_table(run(read_study(path)));
  EXPECT_EQ(a.names, b.names);
  for (const std::string& name : a.names) EXPECT_EQ(a.column(name), b.column(name)) << name;
}

TEST(TorqueCurve, wrong_names_are_refused_with_their_place) {
  const auto text = [](const char* pointer, const char* value) {
    return error_of([&] { run(read_study(example_path("torque_curve"), {{pointer, value}})); });
  };
  EXPECT_NE(text("/coordinate", "hip_flexio_r").find("did you mean"), std::string::npos)
      << text("/coordinate", "hip_flexio_r");
  EXPECT_NE(text("/coordinate", "L5_S1_extension").find("follows another"), std::string::npos)
      << text("/coordinate", "L5_S1_extension");
  EXPECT_NE(text("/muscles/0", "group:iliopsos_r").find("/muscles/0"), std::string::npos)
      << text("/muscles/0", "group:iliopsos_r");
}

}  // namespace
}  // namespace psoas::test
