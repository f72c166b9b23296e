// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What studies say of a model with fitted paths, and that its certificate is that of the exact ones.
#include <gtest/gtest.h>

#include <algorithm>

#include "psoas/model/file.hpp"
#include "psoas/model/fit_paths.hpp"
#include "psoas/study/range_of_motion.hpp"
#include "study/answer.hpp"

namespace psoas::test {
namespace {

const char* const hip = R"({
  "format": "psoas-model/1", "name": "hip",
  "bodies": {"thigh": {"mass": 8, "mass_center": [0, -0.2, 0], "inertia": [0.1, 0.02, 0.1, 0, 0, 0]}},
  "coordinates": {"hip_flexion_r": {"range": [-1, 1.5]}},
  "joints": {"hip": {"parent": "ground", "child": "thigh", "parent_frame": {"translation": [0, -0.1, 0]},
                     "motion": {"pin": {"coordinate": "hip_flexion_r"}}}},
  "surfaces": {"brim": {"body": "ground", "shape": {"cylinder": {"radius": 0.02}}}},
  "muscles": {
    "psoas_r": {"path": [{"body": "ground", "location": [0, 0.1, 0]}, {"body": "thigh", "location": [0, -0.1, 0]}],
                "wraps": [{"surface": "brim", "side": "+x"}],
                "max_isometric_force": 1000, "optimal_fibre_length": 0.12, "tendon_slack_length": 0.18},
    "glute_r": {"path": [{"body": "ground", "location": [-0.05, 0.1, 0]}, {"body": "thigh", "location": [-0.05, -0.1, 0]}],
                "max_isometric_force": 1000, "optimal_fibre_length": 0.12, "tendon_slack_length": 0.18}}})";

TEST(FittedPathsInStudies, results_say_how_far_they_are_from_exact_ones) {
  const ModelSpec exact = parse_model("hip.json", hip), fitted = fit_paths(exact);
  Block block;
  credit_fitted_paths(Model(exact), block);
  EXPECT_TRUE(block.credibility.empty());
  credit_fitted_paths(Model(fitted), block);
  ASSERT_EQ(block.credibility.size(), 2u);
  const Credibility& line = block.credibility[0];
  const double psoas = fitted.muscles.find("psoas_r")->fitted->worst_length_error,
               glute = fitted.muscles.find("glute_r")->fitted->worst_length_error;
  EXPECT_EQ(line.value, 1e3 * std::max(psoas, glute));
  EXPECT_GT(line.value, 0.0);
  EXPECT_EQ(line.unit, "mm");
  EXPECT_EQ(line.ok, true);
  EXPECT_EQ(line.note, psoas > glute ? "psoas_r" : "glute_r");
  const double arm = std::max(fitted.muscles.find("psoas_r")->fitted->worst_moment_arm_error,
                              fitted.muscles.find("glute_r")->fitted->worst_moment_arm_error);
  EXPECT_EQ(block.credibility[1].value, 1e3 * arm);
  EXPECT_EQ(block.credibility[1].ok, arm <= 5e-3);

  ModelSpec poor = fitted;
  poor.muscles.find("glute_r")->fitted->worst_length_error = 0.002;
  block = {};
  credit_fitted_paths(Model(poor), block);
  EXPECT_EQ(block.credibility.at(0).value, 2.0);
  EXPECT_EQ(block.credibility.at(0).ok, false);
  EXPECT_EQ(block.credibility.at(0).note, "glute_r");
}

TEST(FittedPathsInStudies, the_range_of_motion_is_that_of_exact_paths) {
  const ModelSpec exact = parse_model("hip.json", hip), fitted = fit_paths(exact);
  EXPECT_EQ(model_hash(exact), model_hash(fitted));
  ModelSpec shared = fitted;
  shared.fitted_across["roll"].coefficients_um = {1.0};
  EXPECT_EQ(model_hash(exact), model_hash(shared)) << "functions that fits have in common";
  EXPECT_EQ(certificate_text(check_range_of_motion(Model(fitted))),
            certificate_text(check_range_of_motion(Model(exact))));
}

}  // namespace
}  // namespace psoas::test
