// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle states integrated along a motion, and the swing's difference to rigid tendons.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "study/answer.hpp"
#include "study/still.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

/// The first rise with one variant, integrated to a tolerance.
Result rise(double tolerance) {
  Study study = read_study(example_path("sit_to_stand"));
  study.variants = {study.variants.front()};
  auto& motion = std::get<MotionStudy>(study.question);
  motion.integration->tolerance = tolerance;
  return run(study);
}

TEST(Integration, converges_with_its_tolerance_and_leaves_other_windows_alone) {
  const Result coarse = rise(1e-3), middle = rise(1e-5), fine = rise(1e-8);
  for (const char* name : {"integrated_compression/L5_S1", "integrated_anterior_shear/L5_S1"}) {
    const std::vector<double>&a = series(coarse.blocks.begin()->second, name),
          &b = series(middle.blocks.begin()->second, name), &c = series(fine.blocks.begin()->second, name);
    double first = 0.0, second = 0.0;
    int frames = 0;
    for (std::size_t f = 0; f < a.size(); ++f) {
      if (std::isnan(c[f])) continue;
      ++frames;
      first = std::max(first, std::abs(a[f] - c[f]));
      second = std::max(second, std::abs(b[f] - c[f]));
    }
    EXPECT_EQ(frames, 123) << name;  // rep_1 at 100 Hz; the other rises were not asked for
    EXPECT_EQ(c.size(), 394u);
    EXPECT_LT(second, 0.2 * first) << name << " " << first;
    EXPECT_LT(second, 2.0) << name;
  }
}

TEST(Integration, says_what_the_algebraic_solution_was_in_the_same_windows) {
  const Result result = rise(1e-6);
  const Block& block = result.blocks.begin()->second;
  const SummaryLine *integrated = nullptr, *algebraic = nullptr, *miss = nullptr;
  for (std::size_t i = 0; i < result.summary.size(); ++i) {
    const SummaryLine& line = result.summary[i];
    if (line.label == "  compression/L5_S1, end") integrated = &line, algebraic = &result.summary[i + 1];
    if (line.label.rfind("  activation, greatest difference", 0) == 0) miss = &line;
  }
  ASSERT_TRUE(integrated && algebraic && miss);
  EXPECT_EQ(integrated->values.at(0), scalar(block, "at_end integrated_compression/L5_S1"));
  EXPECT_EQ(algebraic->values.at(0), scalar(block, "rep_1/at_end compression/L5_S1"));
  EXPECT_EQ(miss->values.at(0), scalar(block, "greatest_difference integrated_activation"));
  // At the end of the rise, where little moves, the two agree within a few per cent.
  EXPECT_NEAR(integrated->values[0], algebraic->values[0], 0.05 * algebraic->values[0]);
}

TEST(Integration, of_a_still_body_is_static_equilibrium) {
  // Constant length and activation: fibres stay where the compliant tendon's static equilibrium puts them.
  const Still still;
  const Result result = run(read_study(still.study(
      R"("support": {"seat": "none"}, "integration": {"tolerance": 1e-9}, "outputs": ["activation/*", "length/*"], )",
      R"(, "trunk": "coordinates")")));
  const Block& block = result.blocks.begin()->second;
  const Model& model = still.model;
  InverseSolver solver = still.solver();
  std::vector<double> tension(at(model.muscles()));
  double hip = 0.0;
  const int c = model.coordinate("hip_flexion_r");
  const std::vector<int> iliopsoas = model.select("group:iliopsoas_r");
  for (int m = 0; m < model.muscles(); ++m) {
    const std::string& name = model.data().muscle_names[at(m)];
    const MuscleParameters& unit = model.data().units[at(m)];
    const double length = series(block, "length/" + name)[0], activation = series(block, "activation/" + name)[0];
    tension[at(m)] = unit.rigid_tendon
                         ? activation * solver.work().force.active[at(m)] + solver.work().force.passive[at(m)]
                         : tendon_force(unit, length, static_equilibrium(unit, length, activation).fibre_length);
    if (std::find(iliopsoas.begin(), iliopsoas.end(), m) != iliopsoas.end())
      hip += moment_arm(model, solver.work(), m, c) * tension[at(m)];
  }
  for (std::size_t f = 0; f < still_frames; ++f)
    EXPECT_NEAR(series(block, "integrated_muscle_moment/hip_flexion_r/group:iliopsoas_r")[f], hip,
                1e-5 * std::abs(hip));
}

TEST(Swing, differs_from_rigid_tendons_the_less_the_stiffer_the_tendon) {
  const auto difference = [](const std::vector<Edit>& edits) {
    Study study = read_study(example_path("passive_swing"));
    study.variants = {{"one", edits}};
    std::get<SimulationStudy>(study.question).duration = 0.5;
    const Result result = run(study);
    const Block& block = result.blocks.begin()->second;
    EXPECT_EQ(scalar(block, "greatest_difference_to_algebraic coordinate/hip_flexion_r"), 0.0);
    EXPECT_GT(scalar(block, "greatest_difference_to_algebraic anterior_shear/L5_S1"), 0.0);
    return scalar(block, "greatest_difference_to_algebraic muscle_force/group:iliopsoas_r");
  };
  const double soft = difference({}),
               stiff = difference({scale("*", "tendon_strain", 0.3), scale("*", "damping", 0.3)});
  EXPECT_GT(soft, 0.1);
  EXPECT_LT(stiff, 0.6 * soft);
}

TEST(Simulation, solves_no_redundancy_and_offers_no_reserves) {
  Study study = read_study(example_path("passive_swing"));
  study.outputs = {"reserve/*"};
  const std::string text = error_of([&] { run(study); });
  EXPECT_NE(text.find("reserve/*: expected an output of the model, which only a solved muscle redundancy has"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace psoas::test
