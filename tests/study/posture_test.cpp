// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The study of postures: standing, sitting, lying and a hanging thigh, and what a short iliopsoas does to them.
#include <algorithm>

#include "psoas/core/units.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

Study posture(const std::string& name) {
  return read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/posture/" + name + ".json");
}

PostureStudy& question(Study& study) { return std::get<PostureStudy>(study.question); }

Edit shorter(const std::string& muscles, double factor) {
  Edit edit;
  edit.muscles = {muscles};
  edit.scale["optimal_fibre_length"] = factor;
  return edit;
}

/// The edit that costs five degrees of passive hip extension.
Edit five_degrees() {
  Edit edit = shorter("group:iliopsoas", 0.98);
  edit.match_delta_theta_deg = 5.0;
  return edit;
}

void expect_credible(const Block& block) {
  for (const Credibility& line : block.credibility)
    EXPECT_TRUE(line.ok.value_or(true)) << line.name << " " << line.value;
}

TEST(PostureStudies, FiveDegreesOfLostExtensionHardlyTiltWhoStands) {
  Study study = posture("standing");
  question(study).landscape.reset();
  question(study).sensitivity.clear();
  study.variants = {{"normal", {}}, {"tight", {five_degrees()}}, {"same", {shorter("group:iliopsoas", 1.0)}}};
  const Result result = run(study);
  const Block &normal = *result.blocks.find("normal"), &tight = *result.blocks.find("tight"),
              &same = *result.blocks.find("same");
  for (const auto& [name, block] : result.blocks) expect_credible(block);
  EXPECT_NEAR(scalar(tight, "delta_theta_deg/r"), 5.0, 0.01);
  // Preece et al. 2021: 2.6 deg more extension, 1.2 deg less tilt, lordosis unchanged; Heino et al. 1990: no relation
  const double tilt = scalar(tight, "anterior_pelvic_tilt_deg") - scalar(normal, "anterior_pelvic_tilt_deg"),
               lordosis = scalar(tight, "lordosis_deg") - scalar(normal, "lordosis_deg");
  EXPECT_GE(tilt, 0.0);
  EXPECT_LE(tilt, 3.5);
  EXPECT_LT(std::abs(lordosis), 3.0);
  EXPECT_GT(scalar(tight, "passive_force/group:iliopsoas"), scalar(normal, "passive_force/group:iliopsoas"));
  EXPECT_GT(scalar(tight, "compression/L5_S1"), scalar(normal, "compression/L5_S1"));
  for (const auto& [name, value] : normal.scalars)
    if (const Scalar* other = same.scalars.find(name)) EXPECT_EQ(value.value, other->value) << name;
  // both legs do the same
  for (const char* joint : {"hip_flexion", "knee_angle", "ankle_angle"})
    EXPECT_NEAR(scalar(normal, std::string("coordinate/") + joint + "_r"),
                scalar(normal, std::string("coordinate/") + joint + "_l"), 1e-9);
  EXPECT_NEAR(scalar(normal, "lateral_shear/L5_S1"), 0.0, 1e-5);
}

TEST(PostureStudies, ABriefAnswerHasTheSameBits) {
  Study study = posture("modified_thomas");
  study.variants.resize(1);
  const Result whole = run(study);
  RunOptions brief;
  brief.brief = true;
  const Result short_one = run(study, brief);
  const Block &one = whole.blocks.begin()->second, &other = short_one.blocks.begin()->second;
  EXPECT_GT(other.scalars.size(), 20u);
  for (const auto& [name, value] : other.scalars) EXPECT_EQ(scalar(one, name), value.value) << name;
}

TEST(PostureStudies, OneSideShortIsTheMirrorOfTheOther) {
  Study study = posture("standing");
  question(study).landscape.reset();
  question(study).sensitivity.clear();
  study.variants = {{"right", {shorter("group:iliopsoas_r", 0.9)}}, {"left", {shorter("group:iliopsoas_l", 0.9)}}};
  RunOptions brief;
  brief.brief = true;
  const Result result = run(study, brief);
  const Block &right = *result.blocks.find("right"), &left = *result.blocks.find("left");
  for (const auto& [name, value] : right.scalars) {
    const std::string unit = value.unit;
    if (name.rfind("coordinate/", 0) != 0 && name.rfind("compression/", 0) != 0) continue;
    std::string mirrored = name;
    if (mirrored.ends_with("_r"))
      mirrored.back() = 'l';
    else if (mirrored.ends_with("_l"))
      mirrored.back() = 'r';
    EXPECT_NEAR(scalar(left, mirrored), value.value, name.rfind("coordinate/", 0) == 0 ? 1e-8 : 1e-4) << name;
  }
}

TEST(PostureStudies, AShortIliopsoasHoldsAHangingThighUp) {
  const Result result = run(posture("modified_thomas"));
  double last = -90.0;
  for (const auto& [name, block] : result.blocks) {
    expect_credible(block);
    EXPECT_EQ(table(block, "postures").rows.size(), 1u) << name;  // from everywhere to one place
    EXPECT_EQ(scalar(block, "starts_without_rest"), 0.0) << name;
    EXPECT_LE(scalar(block, "residual"), 1e-8);
    EXPECT_GT(scalar(block, "least_stiffness"), 0.0);
    EXPECT_GT(scalar(block, "thomas_angle_deg/r"), last) << name;
    EXPECT_LT(scalar(block, "sensitivity/thomas_angle_deg/r"), 0.0);  // a longer one lets it down
    last = scalar(block, "thomas_angle_deg/r");
  }
}

// The least energy at once, and two seconds of falling and bouncing: two routes to one place.
TEST(PostureStudies, WhoLiesRestsWhereASimulationComesToRest) {
  Study study = posture("supine");
  study.variants.resize(1);
  const Result result = run(study);
  const Block& block = result.blocks.begin()->second;
  expect_credible(block);
  EXPECT_GT(scalar(block, "least_stiffness"), 0.0);
  Study released = read_study(std::string(PSOAS_SOURCE_DIR) + "/examples/leg_raise/rest.json");
  released.variants.resize(1);
  std::get<SimulationStudy>(released.question).duration = 2.0;
  const Result simulated = run(released);
  const Block& end = simulated.blocks.begin()->second;
  for (const char* angle : {"anterior_pelvic_tilt_deg", "lordosis_deg"})
    EXPECT_NEAR(scalar(block, angle), scalar(end, std::string("final ") + angle), 0.05) << angle;
  EXPECT_NEAR(scalar(block, "coordinate/hip_flexion_r"), scalar(end, "final coordinate/hip_flexion_r"), degrees(0.1));
  for (const char* load : {"compression/L5_S1", "anterior_shear/L5_S1", "compression/L1_L2"})
    EXPECT_NEAR(scalar(block, load), scalar(end, std::string("final ") + load), 1.0) << load;
}

TEST(PostureStudies, WhoSitsIsCarriedByFeetAndSeat) {
  Study study = posture("sitting");
  study.variants.resize(1);
  const Result result = run(study);
  const Block& block = result.blocks.begin()->second;
  expect_credible(block);
  double seat = 0.0, feet = 0.0;
  for (const auto& [name, value] : block.scalars)
    if (name.rfind("contact_force_y/seat", 0) == 0)
      seat += value.value;
    else if (name.rfind("contact_force_y/foot", 0) == 0)
      feet += value.value;
  const double weight = Model(study.model).data().mass * standard_gravity;
  EXPECT_NEAR(seat + feet, weight, 1e-6 * weight);
  EXPECT_GT(seat, 0.5 * weight);
  // from standing to sitting the pelvis turns back and the lumbar spine flattens (Endo et al. 2012: 18.3 and 16.6 deg)
  EXPECT_LT(scalar(block, "anterior_pelvic_tilt_deg"), -5.0);
}

TEST(PostureStudies, OneFootCarriesAllAndAFloorThatRisesBendsTheAnkles) {
  Study study = posture("standing");
  question(study).landscape.reset();
  study.variants.resize(1);
  RunOptions brief;
  brief.brief = true;
  const Result flat = run(study, brief);
  question(study).floor_slope_deg = 10.0;
  const Result steep = run(study, brief);
  const double bend = to_degrees(scalar(steep.blocks.begin()->second, "coordinate/ankle_angle_r") -
                                 scalar(flat.blocks.begin()->second, "coordinate/ankle_angle_r"));
  EXPECT_NEAR(bend, 10.0, 1.0);
  question(study).floor_slope_deg = 0.0;
  question(study).support = "right_foot";
  const Result right = run(study, brief);
  question(study).support = "left_foot";
  const Result left = run(study, brief);
  const Block &one = right.blocks.begin()->second, &other = left.blocks.begin()->second;
  expect_credible(one);
  EXPECT_NEAR(scalar(one, "anterior_pelvic_tilt_deg"), scalar(other, "anterior_pelvic_tilt_deg"), 0.01);
  double carried = 0.0;
  for (const auto& [name, value] : one.scalars)
    if (name.rfind("contact_force_y/", 0) == 0) carried += value.value;
  const double weight = Model(study.model).data().mass * standard_gravity;
  EXPECT_NEAR(carried, weight, 1e-6 * weight);
  // one hip carries what two did, and the muscles that keep the pelvis level press it
  EXPECT_GT(scalar(one, "hip_contact_force/r"), 1.5 * scalar(flat.blocks.begin()->second, "hip_contact_force/r"));
}

TEST(PostureStudies, SaysWhatIsWrong) {
  const auto error = [](auto change) {
    Study study = posture("modified_thomas");
    study.variants.resize(1);
    change(study, question(study));
    return error_of([&] { run(study); });
  };
  const auto has = [](const std::string& text, const std::string& part) { return text.find(part) != text.npos; };
  EXPECT_TRUE(has(error([](Study&, PostureStudy& q) { q.free = {"hip_flexin_r"}; }), "did you mean \"hip_flexion_r\""));
  EXPECT_TRUE(has(error([](Study&, PostureStudy& q) { q.free.clear(); }), "expected coordinates that may move"));
  EXPECT_TRUE(has(error([](Study&, PostureStudy& q) { q.landscape = LandscapeSpec{}; }),
                  "expected a free coordinate that is a rotation"));
  EXPECT_TRUE(has(error([](Study&, PostureStudy& q) {
                    q.ranges["pelvis_tilt"] = {0.0, 1.0};
                  }),
                  "expected a free coordinate, found one that is held"));
  EXPECT_TRUE(has(error([](Study&, PostureStudy& q) { q.sensitivity = {"no_such_muscle"}; }), "/sensitivity"));
  EXPECT_TRUE(has(error([](Study&, PostureStudy& q) { q.problem = "balanced", q.lumbar = "free"; }),
                  "expected \"rhythm\" for a balanced posture"));
}

}  // namespace
}  // namespace psoas::test
