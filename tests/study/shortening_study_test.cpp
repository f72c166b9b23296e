// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The four mechanisms of a shortened resting length as studies see them: lost extension on either side, matched values,
// tone that is no passive force, and what is said where nothing can be said.
#include <gtest/gtest.h>

#include <string>

#include "psoas/core/units.hpp"
#include "study/answer.hpp"
#include "study/still.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

/// A torque curve of models/iliopsoas.json with these variants (JSON).
std::string curve_of(const TempFolder& folder, const std::string& variants, const std::string& edits = "[]") {
  return folder.write("study.json",
                      R"({"format": "psoas-study/1", "study": "torque_curve", "model": ")" PSOAS_SOURCE_DIR
                      R"(/models/iliopsoas.json", "coordinate": "hip_flexion_r", "muscles": ["group:iliopsoas_r"],
                      "from_deg": -20, "to_deg": 100, "step_deg": 10, "edits": )" +
                          edits + R"(, "variants": )" + variants + "}");
}

/// The lost extension [deg] by bisection of the right iliopsoas's passive moment at 5 N m.
double lost_extension(const Model& reference, const Model& model) {
  const auto angle = [](const Model& m) {
    double low = degrees(-60), high = degrees(60);
    for (int i = 0; i < 60; ++i) (passive_hip_moment(m, 0.5 * (low + high)) > 5.0 ? low : high) = 0.5 * (low + high);
    return to_degrees(low);
  };
  return angle(model) - angle(reference);
}

/// A line of the summary, or null.
const SummaryLine* line_of(const Result& result, const std::string& start) {
  for (const SummaryLine& line : result.summary)
    if (line.label.rfind(start, 0) == 0) return &line;
  return nullptr;
}

TEST(LostExtension, is_measured_against_the_unedited_model) {
  // An edit of the whole study shortens the only variant there is.
  const TempFolder folder;
  const std::string path =
      folder.write("study.json", R"({"format": "psoas-study/1", "study": "torque_curve", "model": ")" PSOAS_SOURCE_DIR
                                 R"(/models/iliopsoas.json", "coordinate": "hip_flexion_r", "from_deg": 0, "to_deg": 30,
                    "edits": [{"muscles": "group:iliopsoas", "scale": {"optimal_fibre_length": 0.95}}]})");
  const Result result = run(read_study(path));
  const SummaryLine* line = line_of(result, "Δθ");
  ASSERT_NE(line, nullptr);
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  EXPECT_NEAR(line->values.at(0),
              lost_extension(model, model.with(scale("group:iliopsoas", "optimal_fibre_length", 0.95))), 1e-6);
  // without an edit of the iliopsoas nothing is lost and nothing is said
  const Result plain = run(read_study(curve_of(folder, R"({"a": [], "b": []})")));
  EXPECT_EQ(line_of(plain, "Δθ"), nullptr);
}

TEST(LostExtension, has_a_row_for_each_side_that_differs) {
  const TempFolder folder;
  const Result left = run(read_study(curve_of(
      folder,
      R"({"normal": [], "tight": [{"muscles": "group:iliopsoas_l", "scale": {"optimal_fibre_length": 0.95}}]})")));
  const SummaryLine *on_right = line_of(left, "Δθ at 5 N·m, right"), *on_left = line_of(left, "Δθ at 5 N·m, left");
  ASSERT_TRUE(on_right && on_left);
  EXPECT_EQ(on_right->values.at(1), 0.0);
  // the model is its own mirror
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  EXPECT_NEAR(on_left->values.at(1),
              lost_extension(model, model.with(scale("group:iliopsoas", "optimal_fibre_length", 0.95))), 1e-6);
}

TEST(LostExtension, of_raised_tone_is_what_resists_at_rest) {
  // The hip angle at which passive moment and the active moment of the raised floor make 5 N m, by scanning.
  const Model normal = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json"),
              raised = normal.with(set("group:iliopsoas", "minimum_activation", 0.03));
  const auto angle = [&](const Model& model, double tone) {
    State state = model.default_state();
    Workspace work(model);
    const int hip = model.coordinate("hip_flexion_r");
    double low = degrees(-59), high = degrees(60);
    for (int i = 0; i < 60; ++i) {
      const double middle = 0.5 * (low + high);
      state.q()[at(hip)] = middle;
      evaluate(model, state, work, Depth::velocity);
      rigid_tendon_forces(model, work);
      double moment = 0.0;
      for (const int m : model.select("group:iliopsoas_r"))
        moment += moment_arm(model, work, m, hip) * (work.force.passive[at(m)] + tone * work.force.active[at(m)]);
      (moment > 5.0 ? low : high) = middle;
    }
    return to_degrees(low);
  };
  const double expected = angle(raised, 0.02) - angle(normal, 0.0);  // 0.01 is the model's own floor
  EXPECT_GT(expected, 1.0);
  EXPECT_NEAR(delta_theta_deg(normal, raised), expected, 1e-6);
  // a floor that is lowered gives no extension
  EXPECT_EQ(delta_theta_deg(normal, normal.with(set("group:iliopsoas", "minimum_activation", 0.0))), 0.0);
}

TEST(Match, finds_the_value_of_each_mechanism) {
  const TempFolder folder;
  const Study study = read_study(curve_of(folder, R"({
    "normal": [],
    "fewer_sarcomeres": [{"muscles": "group:iliopsoas", "scale": {"optimal_fibre_length": 0.98}, "match": {"delta_theta_deg": 10}}],
    "shorter_tendon": [{"muscles": "group:iliopsoas", "shift": {"tendon_slack_length": -0.002}, "match": {"delta_theta_deg": 10}}],
    "stiffer": [{"muscles": "group:iliopsoas", "scale": {"passive_strain": 0.9}, "match": {"delta_theta_deg": 10}}],
    "more_passive_force": [{"muscles": "group:iliopsoas", "scale": {"passive_scale": 1.1}, "match": {"delta_theta_deg": 10}}],
    "tone": [{"muscles": "group:iliopsoas", "set": {"minimum_activation": 0.02}, "match": {"delta_theta_deg": 10}}]})"));
  const Result result = run(study);
  const SummaryLine* line = line_of(result, "Δθ");
  ASSERT_NE(line, nullptr);
  ASSERT_EQ(line->values.size(), 6u);
  for (std::size_t v = 1; v < 6; ++v) EXPECT_NEAR(line->values[v], 10.0, 1e-4) << v;
  for (const auto& [name, block] : result.blocks) {
    if (name == "normal") continue;
    ASSERT_FALSE(block.warnings.empty()) << name;
    EXPECT_EQ(block.warnings.front().rfind("matched: ", 0), 0u) << block.warnings.front();
  }
  // serial loss between those of 5 and 15 degrees; a later edit matches on top of an earlier one
  StudyMemory memory;
  const std::vector<Variant> variants = compile_variants(study, memory);
  const double s = variants[1].edits.back().scale.begin()->second;
  EXPECT_GT(s, 0.95);
  EXPECT_LT(s, 0.98);
  const Result both = run(read_study(curve_of(folder, R"({"both": [
    {"muscles": "group:iliopsoas", "scale": {"optimal_fibre_length": 0.98}},
    {"muscles": "group:iliopsoas", "scale": {"passive_scale": 1.1}, "match": {"delta_theta_deg": 10}}]})")));
  EXPECT_NEAR(line_of(both, "Δθ")->values.at(0), 10.0, 1e-4);
}

TEST(Match, what_it_cannot_reach_or_read_is_refused_with_its_place) {
  const TempFolder folder;
  const auto text = [&](const std::string& edit) {
    return error_of([&] { run(read_study(curve_of(folder, R"({"tight": [)" + edit + "]}"))); });
  };
  const auto has = [](const std::string& whole, const std::string& part) {
    EXPECT_NE(whole.find(part), std::string::npos) << whole;
  };
  // a tenth more strain makes the tissue softer: the other way round
  std::string found =
      text(R"({"muscles": "group:iliopsoas", "scale": {"passive_strain": 1.1}, "match": {"delta_theta_deg": 10}})");
  has(found, "study.json:");
  has(found, "/variants/tight/0/match: expected a scale of passive_strain near 1.1 that gives 10 deg");
  has(text(R"({"muscles": "glob_*", "scale": {"passive_strain": 0.9}, "match": {"delta_theta_deg": 10}})"),
      "/variants/tight/0");
  has(text(R"({"muscles": "group:iliopsoas", "scale": {"passive_strain": 0.9, "optimal_fibre_length": 0.9},
               "match": {"delta_theta_deg": 10}})"),
      "/match: expected beside it muscles and one number in scale, shift or set, found 2 numbers");
  has(text(R"({"muscles": "group:iliopsoas", "scale": {"passive_strain": 0.9}, "match": {"delta_thetadeg": 10}})"),
      "did you mean \"delta_theta_deg\"?");
  has(text(R"({"muscles": "group:iliopsoas", "scale": {"passive_strain": 0.9}, "match": {"delta_theta_deg": 400}})"),
      "/match/delta_theta_deg: expected a number [deg] from 0.01 to 90");
  // no hip flexor there to lose anything by
  has(text(R"({"muscles": "group:psoas_r", "set": {"minimum_activation": 0.01}, "match": {"delta_theta_deg": 10}})"),
      "expected a set of minimum_activation near 0.01");
  EXPECT_NE(error_of([&] {
              const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
              Edit edit = scale("group:iliopsoas", "optimal_fibre_length", 0.95);
              edit.match_delta_theta_deg = 10.0;
              model.with(edit);
            }).find("expected a study to find the matched value"),
            std::string::npos);
}

TEST(Warnings, shortening_beyond_observation_and_angles_beyond_the_range_are_said) {
  const TempFolder folder;
  const auto warnings = [&](const std::string& factor) {
    const Result result = run(read_study(curve_of(
        folder, R"({"tight": [{"muscles": "group:iliopsoas", "scale": {"optimal_fibre_length": )" + factor + "}}]}")));
    std::string all;
    for (const std::string& line : result.blocks.begin()->second.warnings) all += line + "\n";
    return all;
  };
  EXPECT_EQ(warnings("0.85").find("beyond what was ever observed"), std::string::npos);
  EXPECT_NE(warnings("0.8").find("iliopsoas at 0.80 of its optimal fibre length: beyond what was ever observed"),
            std::string::npos);
  Study wide = read_study(curve_of(folder, R"({"normal": []})"));
  std::get<TorqueCurveStudy>(wide.question).from_deg = -50;
  const Result result = run(wide);
  ASSERT_FALSE(result.blocks.begin()->second.warnings.empty());
  EXPECT_NE(result.blocks.begin()->second.warnings.back().find(
                "hip_flexion_r beyond its range (-30.0 to 120.0 deg) by up to 20.0 deg in 2 of 16 postures (12 %), "
                "first at hip_flexion_r -50 deg"),
            std::string::npos)
      << result.blocks.begin()->second.warnings.back();
}

TEST(Degrees, where_radians_are_meant_are_refused) {
  const TempFolder folder;
  Study study = read_study(curve_of(folder, R"({"normal": []})"));
  auto& question = std::get<TorqueCurveStudy>(study.question);
  question.posture["lumbar_extension"] = -30.0;
  const std::string text = error_of([&] { run(study); });
  EXPECT_NE(text.find("/posture/lumbar_extension: expected an angle in radians"), std::string::npos) << text;
  EXPECT_NE(text.find("that looks like degrees: -0.5235987755982988 rad"), std::string::npos) << text;
  question.posture["lumbar_extension"] = -0.5;
  EXPECT_NO_THROW(run(study));
  Study swing = read_study(example_path("passive_swing"));
  std::get<SimulationStudy>(swing.question).initial["hip_flexion_r"] = 60.0;
  EXPECT_NE(error_of([&] { run(swing); }).find("/initial/hip_flexion_r: expected an angle in radians"),
            std::string::npos);
  Study rise = read_study(example_path("sit_to_stand"));
  std::get<MotionStudy>(rise.question).motion.hold["pro_sup_r"] = 90.0;
  EXPECT_NE(error_of([&] { run(rise); }).find("/motion/hold/pro_sup_r: expected an angle in radians"),
            std::string::npos);
}

TEST(Tone, is_split_off_from_recruitment) {
  // A still standing body: raised tone changes loads by its own pull and by what others do about it.
  const Still still;
  const Result result = run(read_study(still.study(
      R"("support": {"seat": "none"}, "variants": {"normal": [],
         "tone": [{"muscles": "group:iliopsoas", "set": {"minimum_activation": 0.06}}]}, )",
      R"(, "trunk": "coordinates")")));
  const Block& block = *result.blocks.find("tone");
  const ResultTable& change = table(block, "change_of_loads");
  const double passive = entry(change, "L5_S1", "compression_at_end_passive"),
               tone = entry(change, "L5_S1", "compression_at_end_tone"),
               rest = entry(change, "L5_S1", "compression_at_end_re_recruitment"),
               total = entry(change, "L5_S1", "compression_at_end_total");
  EXPECT_EQ(passive, 0.0);
  EXPECT_NEAR(passive + tone + rest, total, 1e-9);
  // by hand: 0.05 more activation of each part times its active force and unit load
  const Model model = still.model.with(set("group:iliopsoas", "minimum_activation", 0.06));
  InverseSolver solver(model, {});
  const std::vector<double> rest_speed(still.q.size());
  solver.net(still.q, rest_speed, rest_speed);
  double expected = 0.0;
  for (const int m : model.select("group:iliopsoas"))
    expected += 0.05 * solver.work().force.active[at(m)] * solver.unit_load(m, 0)[1];
  EXPECT_GT(expected, 20.0);
  EXPECT_NEAR(tone, expected, 1e-9 * expected);
  const SummaryLine* line = line_of(result, "    tone alone");
  ASSERT_NE(line, nullptr);
  EXPECT_GT(line->values.at(1), line->values.at(0));
}

}  // namespace
}  // namespace psoas::test
