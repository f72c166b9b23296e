// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Stability of the lumbar spine in postures of the study: what stands by itself in the result, and what a short iliopsoas
// does to it.
#include <algorithm>
#include <cmath>

#include "study/examples.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

Study standing() {
  Study study = read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/posture/standing.json");
  PostureStudy& question = std::get<PostureStudy>(study.question);
  question.landscape.reset();
  question.sensitivity.clear();
  question.stability = StabilitySpec{};
  study.variants.resize(1);
  return study;
}

PostureStudy& question(Study& study) { return std::get<PostureStudy>(study.question); }

const Block& only(const Result& result) { return result.blocks.begin()->second; }

TEST(PostureStability, OfWhoStandsIsToldWithItsModeAndShares) {
  Study study = standing();
  const Result result = run(study);
  const Block& block = only(result);
  for (const Credibility& line : block.credibility) EXPECT_TRUE(line.ok.value_or(true)) << line.name << line.value;
  const double critical = scalar(block, "spinal_stability/critical_gain"),
               least = scalar(block, "spinal_stability/least_eigenvalue");
  EXPECT_EQ(critical<10.0, least> 0.0);
  EXPECT_EQ(critical<10.0, scalar(block, "spinal_stability/least_stiffness")> 0.0);
  // stiffer muscles never resist less, and the sign changes at the critical gain
  const ResultTable& gains = table(block, "spinal_stability");
  ASSERT_EQ(gains.rows.size(), 4u);
  for (std::size_t i = 0; i < gains.rows.size(); ++i) {
    EXPECT_EQ(gains.rows[i][1] > 0.0, gains.rows[i][0] > critical);
    if (i > 0) {
      EXPECT_GE(gains.rows[i][1], gains.rows[i - 1][1]);
      EXPECT_GT(gains.rows[i][0], gains.rows[i - 1][0]);
    }
    if (gains.labels[i] == "as asked") {
      EXPECT_EQ(gains.rows[i][1], least);
    }
  }
  // both sides are alike, so the mode is in the mid-plane or across it
  const ResultTable& mode = table(block, "spinal_stability_mode");
  ASSERT_EQ(mode.labels.size(), 6u);
  EXPECT_EQ(mode.labels.front(), "T12_L1");
  EXPECT_EQ(mode.labels.back(), "L5_S1");
  double in_plane = 0.0, across = 0.0, largest = 0.0;
  for (const std::vector<double>& row : mode.rows) {
    in_plane += row[0] * row[0];
    across += row[1] * row[1] + row[2] * row[2];
    for (const double x : row) largest = std::max(largest, std::abs(x));
  }
  EXPECT_EQ(largest, 1.0);
  EXPECT_LT(std::min(in_plane, across), 1e-8);
  const ResultTable& shares = table(block, "spinal_stability_shares");
  EXPECT_NEAR(
      entry(shares, "weight", "all") + entry(shares, "passive_elements", "all") + entry(shares, "muscles", "all"),
      least, 1e-9);
  EXPECT_LT(entry(shares, "weight", "all"), 0.0);
  for (const std::string group : {"iliopsoas", "erector_spinae", "multifidus", "abdominals"}) {
    EXPECT_GE(entry(shares, "group:" + group, "active_fibres"), 0.0);
    double sum = 0.0;
    for (const char* part : {"force", "active_fibres", "passive_fibres"}) sum += entry(shares, "group:" + group, part);
    EXPECT_NEAR(entry(shares, "group:" + group, "all"), sum, 1e-12);
  }
  for (const std::string& label : shares.labels) EXPECT_NE(label, "group:quadriceps") << "which crosses no level";
  // a brief answer has the same bits, and a posture that is held where it was found is as stable
  RunOptions brief;
  brief.brief = true;
  const Result again = run(study, brief);
  EXPECT_EQ(scalar(only(again), "spinal_stability/critical_gain"), critical);
  EXPECT_FALSE(only(again).tables.find("spinal_stability"));
  PostureStudy& held = question(study);
  for (const auto& [name, item] : block.scalars)
    if (name.starts_with("coordinate/")) held.posture[name.substr(11)] = item.value;
  held.problem = "held";
  const Result same = run(study, brief);
  EXPECT_NEAR(scalar(only(same), "spinal_stability/critical_gain"), critical, 1e-6);
  EXPECT_NEAR(scalar(only(same), "spinal_stability/least_eigenvalue"), least, 1e-6);
}

// Shirazi-Adl et al. 2005 (Eur Spine J 14:381, abstract): a load in the hands markedly increases the stability of who
// stands, through the muscles that carry it. And to stand upright takes active muscle (Moorhouse & Granata 2006, J Biomech
// 40:1058: stiffness without reflexes was not enough in most trials).
TEST(PostureStability, ALoadInTheHandsMakesTheSpineStiffer) {
  Study study = standing();
  for (const double mass : {1.0, 2.0, 4.0}) {
    Edit load;
    load.bodies = {"hand_*"};
    load.shift["mass"] = {mass};
    study.variants.push_back({"load_" + std::to_string(static_cast<int>(mass)), {load}});
  }
  RunOptions brief;
  brief.brief = true;
  double critical = 40.0, least = 0.0;
  for (const auto& [name, block] : run(study, brief).blocks) {
    EXPECT_LT(scalar(block, "spinal_stability/critical_gain"), critical) << name;
    EXPECT_GT(scalar(block, "spinal_stability/least_eigenvalue"), least) << name;
    critical = scalar(block, "spinal_stability/critical_gain");
    least = scalar(block, "spinal_stability/least_eigenvalue");
    EXPECT_GT(critical, 0.0);  // without stiffness of active muscle the spine gives way
  }
}

// What is reported of a short iliopsoas (docs/science.md, section 9): hardly anything, and that to the firm side.
TEST(PostureStability, AShortIliopsoasHardlyChangesIt) {
  Study study = standing();
  for (const double s : {0.95, 0.9}) {
    Edit shorter;
    shorter.muscles = {"group:iliopsoas"};
    shorter.scale["optimal_fibre_length"] = s;
    study.variants.push_back({"s" + std::to_string(static_cast<int>(100 * s)), {shorter}});
  }
  RunOptions brief;
  brief.brief = true;
  const Result result = run(study, brief);
  const double normal = scalar(result.blocks.begin()->second, "spinal_stability/critical_gain");
  for (const auto& [name, block] : result.blocks) {
    EXPECT_LE(scalar(block, "spinal_stability/critical_gain"), normal) << name;
    EXPECT_GT(scalar(block, "spinal_stability/critical_gain"), 0.95 * normal) << name;
  }
}

TEST(PostureStability, IsRefusedWhereItHasNoMeaning) {
  Study study = standing();
  question(study).problem = "passive";
  question(study).free = {"pelvis_tilt"};
  EXPECT_NE(error_of([&] { run(study); }).find("/stability: expected a balanced or held posture"), std::string::npos)
      << error_of([&] { run(study); });
  ModelSpec without = standing().model;
  without.lumbar.reset();
  Study flat = standing();
  flat.model = without;
  EXPECT_NE(error_of([&] { run(flat); }).find("/stability: expected levels that can be free"), std::string::npos)
      << error_of([&] { run(flat); });
}

}  // namespace
}  // namespace psoas::test
