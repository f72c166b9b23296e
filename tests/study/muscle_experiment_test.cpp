// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The shipped muscle experiments: what each must show, whatever its numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "psoas/muscle/unit.hpp"
#include "study/examples.hpp"

namespace psoas::test {
namespace {

const std::string folder = PSOAS_SOURCE_DIR "/examples/muscle_experiment/";
const std::string of = "/psoas_L2_TP_r";

Example experiment(const std::string& name) {
  Example example{read_study(folder + name + ".json"), {}};
  example.result = run(example.study);
  return example;
}

TEST(MuscleExperiment, EveryExampleClosesItsEnergyBalance) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    Study study = read_study(entry.path().string());
    for (const char* method : {"dopri5", "rosenbrock4"}) {
      std::get<MuscleExperimentStudy>(study.question).method = method;
      const Result result = run(study);
      ASSERT_EQ(result.blocks.size(), 2u);
      for (const auto& [name, block] : result.blocks) {
        ASSERT_EQ(block.credibility.size(), 1u);
        EXPECT_LE(block.credibility[0].value, 1e-8) << entry.path() << " " << name << " " << method;
        EXPECT_TRUE(block.warnings.empty() || name != "normal") << block.warnings.front();
      }
    }
    ++files;
  }
  EXPECT_EQ(files, 4);
}

TEST(MuscleExperiment, QuickReleaseIsTheTendonFirst) {
  // Within the release fibres hardly move and the tendon gives its length: force falls by what its stiffness says.
  const Example example = experiment("quick_release");
  for (std::size_t v = 0; v < 2; ++v) {
    const Block& block = example.block(v);
    const Model model = example.model(v);
    const MuscleParameters& unit = model.data().units[at(model.select("psoas_L2_TP_r")[0])];
    const std::size_t before = example.frame(0.3), after = example.frame(0.302);
    const double moved = series(block, "length" + of)[after] - series(block, "length" + of)[before];
    const double fibres = series(block, "fibre_length" + of)[after] - series(block, "fibre_length" + of)[before];
    const auto along = [&](double norm) {
      return std::sqrt(std::pow(norm * unit.optimal_fibre_length, 2) - std::pow(unit.height(), 2));
    };
    EXPECT_NEAR(moved, along(0.96) - along(1.0), 1e-12);
    EXPECT_LT(std::abs(fibres), 0.3 * std::abs(moved));
    const std::vector<double>& force = series(block, "tendon_force" + of);
    EXPECT_LT(force[after], 0.5 * force[before]);
    EXPECT_GT(force.back(), 0.9 * force[before]) << "it recovers";
  }
}

TEST(MuscleExperiment, IsometricRampIsStaticEquilibriumAtItsTop) {
  const Example example = experiment("isometric_ramp");
  for (std::size_t v = 0; v < 2; ++v) {
    const Block& block = example.block(v);
    const Model model = example.model(v);
    const MuscleParameters& unit = model.data().units[at(model.select("psoas_L2_TP_r")[0])];
    const std::size_t top = example.frame(0.8);
    const Equilibrium still = static_equilibrium(unit, series(block, "length" + of)[top], 1.0);
    EXPECT_NEAR(series(block, "tendon_force" + of)[top], still.tendon_force, 2e-3 * unit.max_isometric_force);
    EXPECT_NEAR(scalar(block, "final muscle_tendon_work" + of), 0.0, 1e-12);
  }
}

TEST(MuscleExperiment, IsokineticForceIsBelowIsometricAndPowerIsForceTimesSpeed) {
  const Example example = experiment("isokinetic");
  const Block& block = example.block(0);
  const std::size_t held = example.frame(0.49), shortening = example.frame(0.65);
  EXPECT_LT(series(block, "tendon_force" + of)[shortening], 0.85 * series(block, "tendon_force" + of)[held]);
  EXPECT_NEAR(series(block, "muscle_tendon_power" + of)[shortening],
              -series(block, "tendon_force" + of)[shortening] * series(block, "lengthening_speed" + of)[shortening],
              1e-9);
  EXPECT_GT(series(block, "metabolic_rate_umberger" + of)[shortening],
            series(block, "metabolic_rate_umberger" + of)[held]);
}

TEST(MuscleExperiment, AStretchIsPaidBackInPart) {
  const Example example = experiment("stretch_shortening");
  const Block& block = example.block(0);
  const std::vector<double>& work = series(block, "muscle_tendon_work" + of);
  const double taken = work[example.frame(0.45)], back = work[example.frame(0.6)] - taken;
  EXPECT_LT(taken, 0.0);
  EXPECT_GT(back, 0.2 * -taken);
  EXPECT_LT(back, -taken);
}

TEST(MuscleExperiment, FollowsThePathWhenLengthsArePathLengths) {
  Study study = read_study(folder + "isokinetic.json");
  study.variants.clear();
  auto& question = std::get<MuscleExperimentStudy>(study.question);
  const Model model(study.model);
  const MuscleParameters& unit = model.data().units[at(model.select("psoas_L2_TP_r")[0])];
  const Result fibres = run(study);
  for (double& value : question.length.value) {
    const double l = value * unit.optimal_fibre_length, h = unit.height();
    value = unit.tendon_slack_length + std::sqrt(l * l - h * h);
  }
  question.length_is = "path";
  const Result path = run(study);
  EXPECT_EQ(series(fibres.blocks.begin()->second, "tendon_force" + of),
            series(path.blocks.begin()->second, "tendon_force" + of));
}

}  // namespace
}  // namespace psoas::test
