// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Strain and negative work of active fibres in a simulated kick.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "psoas/model/model.hpp"
#include "study/examples.hpp"

namespace psoas::test {
namespace {

const std::string kick = PSOAS_SOURCE_DIR "/examples/strain/kick.json";

TEST(Strain, negative_work_is_force_over_lengthening) {
  const Study study = read_study(
      kick, {{"/outputs",
              R"(["fibre_length/psoas_L3_TP_r", "fibre_strain_rate/psoas_L3_TP_r", "negative_power/psoas_*_r",
                  "negative_power/iliacus_*_r", "negative_power/group:iliopsoas_r", "active_fibre_strain/psoas_L3_TP_r",
                  "negative_power_per_mass/psoas_L3_TP_r", "tendon_force/psoas_L3_TP_r", "activation/psoas_L3_TP_r",
                  "passive_force/psoas_L3_TP_r", "pennation/psoas_L3_TP_r"])"}});
  const Result result = run(study);
  const Block& block = result.blocks.begin()->second;
  const Model model(study.model);
  const MuscleParameters& unit = model.data().units[at(model.muscle("psoas_L3_TP_r"))];
  const std::vector<double>&power = series(block, "negative_power/psoas_L3_TP_r"),
        &length = series(block, "fibre_length/psoas_L3_TP_r"), &rate = series(block, "fibre_strain_rate/psoas_L3_TP_r"),
        &time = block.axis_values, &tendon = series(block, "tendon_force/psoas_L3_TP_r"),
        &passive = series(block, "passive_force/psoas_L3_TP_r"), &pennation = series(block, "pennation/psoas_L3_TP_r");
  double work = 0.0, from_lengths = 0.0;
  for (std::size_t i = 0; i < time.size(); ++i) {
    // What pulls beside the active force is passive tissue and damping.
    const double damping = unit.damping * unit.max_isometric_force * rate[i] / unit.max_contraction_velocity;
    const double active = (tendon[i] - passive[i]) / std::cos(pennation[i]) - damping;
    EXPECT_NEAR(power[i], std::max(0.0, active * rate[i] * unit.optimal_fibre_length), 1e-3 + 1e-4 * power[i])
        << time[i];
    if (i == 0) continue;
    work += 0.5 * (power[i] + power[i - 1]) * (time[i] - time[i - 1]);
    // The same from the fibres' course alone.
    const double before = (tendon[i - 1] - passive[i - 1]) / std::cos(pennation[i - 1]) -
                          unit.damping * unit.max_isometric_force * rate[i - 1] / unit.max_contraction_velocity;
    from_lengths += 0.5 * (active + before) * std::max(0.0, length[i] - length[i - 1]);
  }
  const std::optional<Scalar> impulse = find_scalar(block, "impulse negative_power/psoas_L3_TP_r");
  ASSERT_TRUE(impulse);
  EXPECT_EQ(impulse->unit, "J");
  EXPECT_NEAR(impulse->value, work, 1e-12 * work);
  EXPECT_GT(work, 0.05);
  EXPECT_NEAR(from_lengths, work, 0.01 * work);
  const std::optional<Scalar> per_mass = find_scalar(block, "impulse negative_power_per_mass/psoas_L3_TP_r");
  EXPECT_EQ(per_mass->unit, "J/kg");
  const double area = *model.spec().muscles.find("psoas_L3_TP_r")->physiological_cross_section_area;
  EXPECT_NEAR(per_mass->value, work / (1059.7 * area * unit.optimal_fibre_length), 1e-9 * per_mass->value);
  // A group is its muscles.
  for (std::size_t i = 0; i < time.size(); ++i) {
    double sum = 0.0;
    for (const auto& [name, one] : block.series)
      if (name.rfind("negative_power/", 0) == 0 && name.find("group:") == name.npos) sum += one.values[i];
    EXPECT_NEAR(series(block, "negative_power/group:iliopsoas_r")[i], sum, 1e-9 * (1.0 + sum));
  }
  // No strain of a muscle that is off.
  const std::vector<double>&strain = series(block, "active_fibre_strain/psoas_L3_TP_r"),
        &activation = series(block, "activation/psoas_L3_TP_r");
  for (std::size_t i = 0; i < time.size(); ++i) {
    EXPECT_EQ(std::isnan(strain[i]), activation[i] <= 0.05) << time[i];
    if (!std::isnan(strain[i])) {
      EXPECT_NEAR(strain[i], length[i] / unit.optimal_fibre_length - 1.0, 1e-12);
    }
  }
}

TEST(Strain, a_shorter_muscle_is_strained_more_and_takes_less) {
  const Study study = read_study(kick);
  const Result result = run(study);
  double strain = 0.0, work = 1e9, rate = 0.0;
  for (const auto& [name, block] : result.blocks) {
    const double now = find_scalar(block, "peak active_fibre_strain/psoas_L3_TP_r")->value;
    EXPECT_GT(now, strain + 0.03) << name;
    strain = now;
    const double faster = find_scalar(block, "peak fibre_strain_rate/psoas_L3_TP_r")->value;
    EXPECT_GT(faster, rate) << name;
    rate = faster;
    // Beyond its best length it resists with less force.
    const double taken = find_scalar(block, "impulse negative_power/group:iliopsoas_r")->value;
    EXPECT_LT(taken, work) << name;
    work = taken;
  }
}

TEST(Strain, exposure_is_repetitions_times_the_work_of_one) {
  const Result once = run(read_study(kick)), often = run(read_study(kick, {{"/repetitions", "120"}}));
  const Block &one = once.blocks.begin()->second, &many = often.blocks.begin()->second;
  int found = 0;
  for (const auto& [name, value] : many.scalars) {
    if (!name.starts_with("exposure ")) continue;
    EXPECT_TRUE(name.starts_with("exposure negative_power")) << name;
    EXPECT_EQ(value.value, 120.0 * scalar(one, "impulse " + name.substr(9))) << name;
    ++found;
  }
  EXPECT_EQ(found, 4);
  EXPECT_TRUE(std::none_of(one.scalars.begin(), one.scalars.end(),
                           [](const auto& item) { return item.first.starts_with("exposure"); }));
  EXPECT_TRUE(std::any_of(often.notes.begin(), often.notes.end(), [](const std::string& note) {
    return note.find("no fatigue, no recovery between them, no adaptation") != std::string::npos;
  }));
}

TEST(Strain, margin_is_what_is_left_of_a_stretch_that_did_no_harm) {
  const Study study = read_study(
      kick,
      {{"/outputs", R"(["active_stretch_margin/psoas_L3_TP_r", "length/psoas_L3_TP_r", "activation/psoas_L3_TP_r"])"}});
  const Result result = run(study);
  std::vector<double> least;
  for (const auto& [name, block] : result.blocks) {
    ModelSpec spec = study.model;
    std::vector<Problem> problems;
    for (const auto& [variant, edits] : study.variants)
      if (variant == name) apply(edits, "", spec, problems);
    const MuscleSpec& muscle = *spec.muscles.find("psoas_L3_TP_r");
    const double rest = muscle.tendon_slack_length + muscle.optimal_fibre_length * std::cos(muscle.pennation);
    const std::vector<double>&margin = series(block, "active_stretch_margin/psoas_L3_TP_r"),
          &length = series(block, "length/psoas_L3_TP_r"), &activation = series(block, "activation/psoas_L3_TP_r");
    for (std::size_t i = 0; i < margin.size(); ++i)
      if (activation[i] > 0.05)
        EXPECT_NEAR(margin[i], 1.12 - length[i] / rest, 1e-12);
      else
        EXPECT_TRUE(std::isnan(margin[i]));
    least.push_back(scalar(block, "min active_stretch_margin/psoas_L3_TP_r"));
  }
  // a shorter fibre is stretched further by the same path
  EXPECT_GT(least[0], least[1]);
  EXPECT_GT(least[1], least[2]);
}

}  // namespace
}  // namespace psoas::test
