// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A body that lies on a bench: it comes to rest, the bench carries it, and its lumbar levels may be free.
#include <algorithm>

#include "psoas/core/units.hpp"
#include "study/examples.hpp"

namespace psoas::test {
namespace {

Study lying() {
  Study study = read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/leg_raise/rest.json");
  study.variants.clear();
  for (const char* more : {"sphere_force_y/*", "speed/*", "rhythm_moment/*"}) study.outputs.push_back(more);
  return study;
}

double final_of(const Block& block, const std::string& name) { return scalar(block, "final " + name); }

void expect_rest(const Block& block, const Model& model) {
  const double weight = model.data().mass * standard_gravity;
  EXPECT_NEAR(final_of(block, "plane_force_y/bench"), weight, 2e-3 * weight);
  double sum = 0.0;
  for (const auto& [name, values] : block.series)
    if (name.rfind("sphere_force_y/", 0) == 0) {
      sum += values.values.back();
      // what lies on the right lies on the left
      if (name.ends_with("_r"))
        EXPECT_NEAR(values.values.back(), final_of(block, name.substr(0, name.size() - 1) + "l"), 0.02) << name;
    } else if (name.rfind("speed/", 0) == 0) {
      EXPECT_LT(std::abs(values.values.back()), 0.02) << name << ", at most what friction lets creep";
    }
  EXPECT_NEAR(sum, final_of(block, "plane_force_y/bench"), 1e-6 * weight);
  for (const char* part : {"head", "scapula_r", "ribs_r", "sacrum_r", "buttock_r", "foot_heel_r"})
    EXPECT_GT(final_of(block, std::string("sphere_force_y/") + part), 10.0) << part;
  for (const Credibility& line : block.credibility) EXPECT_TRUE(line.ok.value_or(true)) << line.name;
}

TEST(Supine, TheBenchCarriesBodyWeight) {
  const Study study = lying();
  const Result result = run(study);
  expect_rest(result.blocks.begin()->second, Model(study.model));
}

TEST(Supine, FreeLevelsSettleNearTheRhythm) {
  Study study = lying();
  std::get<SimulationStudy>(study.question).duration = 0.8;
  const Result rhythm = run(study);
  std::get<SimulationStudy>(study.question).lumbar = "free";
  const Result freed = run(study);
  const Block &one = rhythm.blocks.begin()->second, &other = freed.blocks.begin()->second;
  expect_rest(other, Model(study.model));
  for (const char* level : {"L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2", "T12_L1"}) {
    const std::string compression = std::string("compression/") + level, shear = std::string("anterior_shear/") + level,
                      moment = std::string("rhythm_moment/") + level;
    // 100 N m/rad a level: the couple that the rhythm carries turns it by a degree or so, which is some newtons
    EXPECT_NEAR(final_of(other, compression), final_of(one, compression), 12.0) << level;
    EXPECT_NEAR(final_of(other, shear), final_of(one, shear), 12.0) << level;
    // of free levels nothing is left over: discs, muscles and inertia balance
    EXPECT_LT(std::max(std::abs(scalar(other, "peak " + moment)), std::abs(scalar(other, "min " + moment))), 1e-6)
        << level;
    EXPECT_GT(std::abs(final_of(one, moment)), 1e-3) << level;
  }
}

TEST(SupineSlow, OneLegIsRaisedByMusclesAlone) {
  Study study = read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/leg_raise/one_leg.json");
  study.variants.clear();
  std::get<SimulationStudy>(study.question).duration = 1.0;
  const Result result = run(study);
  const Block& block = result.blocks.begin()->second;
  for (const Credibility& line : block.credibility) EXPECT_TRUE(line.ok.value_or(true)) << line.name;
  // the minimum-jerk curve of SOURCE.md at 1 s
  const double x = 0.7 / 1.2, share = x * x * x * (10.0 - 15.0 * x + 6.0 * x * x);
  EXPECT_NEAR(series(block, "coordinate/hip_flexion_r").back(), degrees(-3.2 + 53.2 * share), degrees(1.0));
  // 14.7 kg held at arm's length from the hip ask more of the hip flexors than rest does, and load the spine by them
  EXPECT_GT(scalar(block, "peak muscle_force/group:iliacus_r"), 2.0 * series(block, "muscle_force/group:iliacus_r")[0]);
  EXPECT_GT(scalar(block, "peak compression/L5_S1"), 1.2 * series(block, "compression/L5_S1")[0]);
  EXPECT_GT(scalar(block, "peak anterior_shear/L5_S1"), 1.2 * series(block, "anterior_shear/L5_S1")[0]);
}

// The same with levels that muscles and discs hold: the controller starts without one of them giving way, and what it
// finds is near what the rhythm says.
TEST(SupineSlow, FreeLevelsAreHeldWhileALegIsRaised) {
  Study study = read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/leg_raise/one_leg.json");
  study.variants.clear();
  std::get<SimulationStudy>(study.question).duration = 0.5;
  const Result rhythm = run(study);
  std::get<SimulationStudy>(study.question).lumbar = "free";
  const Result freed = run(study);
  const Block &one = rhythm.blocks.begin()->second, &other = freed.blocks.begin()->second;
  for (const Credibility& line : other.credibility) EXPECT_TRUE(line.ok.value_or(true)) << line.name;
  for (const char* load : {"peak compression/L5_S1", "peak compression/L3_L4", "peak anterior_shear/L5_S1"})
    EXPECT_NEAR(scalar(other, load), scalar(one, load), 0.06 * scalar(one, "peak compression/L5_S1")) << load;
  EXPECT_LT(scalar(other, "greatest tracking_error of an angle"), degrees(3.0));
  EXPECT_LT(scalar(other, "greatest reserve over the joint's peak moment"), 0.05);
}

}  // namespace
}  // namespace psoas::test
