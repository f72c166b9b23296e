// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The study of tightness: what a short iliopsoas does, value by value, and how short one is from a measurement.
#include <algorithm>
#include <cmath>
#include <random>

#include "psoas/core/units.hpp"
#include "study/examples.hpp"
#include "study/hip_moment.hpp"
#include "support/errors.hpp"
#include "support/repeats.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

const std::string examples = PSOAS_SOURCE_DIR "/examples/";

TightnessStudy& question(Study& study) { return std::get<TightnessStudy>(study.question); }

/// A study of the small model, hips alone.
Study hips_alone(const std::vector<double>& values, const std::vector<std::string>& sides = {"both"}) {
  Study study = read_study(PSOAS_SOURCE_DIR "/examples/torque_curve/study.json");
  study.variants.clear();
  TightnessStudy asked;
  asked.values = values;
  asked.sides = sides;
  study.question = asked;
  return study;
}

/// The example, its studies cut down to those named.
Study one_page(const std::vector<std::string>& studies, const std::vector<double>& values,
               const std::vector<std::string>& sides) {
  Study study = read_study(examples + "tight_psoas/study.json");
  TightnessStudy& asked = question(study);
  asked.values = values;
  asked.sides = sides;
  std::vector<Asked> kept;
  Named<AskedStudy> named;
  for (std::size_t i = 0; i < asked.studies.size(); ++i) {
    const auto& [name, one] = *(asked.studies.begin() + static_cast<std::ptrdiff_t>(i));
    if (std::find(studies.begin(), studies.end(), name) == studies.end()) continue;
    named.add(name) = one;
    kept.push_back(study.asked[i]);
  }
  asked.studies = named;
  study.asked = kept;
  if (!named.find(asked.pelvic_tilt_of)) asked.pelvic_tilt_of.clear();
  return study;
}

const Block& block(const Result& result, const std::string& name) { return *result.blocks.find(name); }

/// The name of an output with every mark of a side turned.
std::string mirrored(const std::string& name) {
  std::string out;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    std::string part = name.substr(start, end - start);
    if (part == "r" || part.ends_with("_r"))
      part.back() = 'l';
    else if (part == "l" || part.ends_with("_l"))
      part.back() = 'r';
    out += (start == 0 ? "" : "/") + part;
    start = end + 1;
  }
  return out;
}

TEST(TightnessStudies, OneIsTheModelToTheLastBit) {
  Study study = one_page({"standing"}, {1.0}, {"both", "right"});
  const Result result = run(study);
  Study standing = read_study(examples + "tight_psoas/standing.json");
  standing.variants.clear();
  RunOptions brief;
  brief.brief = true;
  const Block same = run(standing, brief).blocks.begin()->second;
  for (const char* side : {"both", "right"}) {
    const Block& one = block(result, std::string("serial_sarcomere_loss_") + side);
    EXPECT_EQ(series(one, "delta_theta_deg/r").front(), 0.0);
    int compared = 0;
    for (const auto& [name, values] : one.series)
      if (name.starts_with("standing/")) {
        EXPECT_EQ(values.values.front(), scalar(same, name.substr(9))) << name;
        ++compared;
      }
    EXPECT_GT(compared, 10);
  }
}

TEST(TightnessStudies, WhatIsShorterResistsMoreAndReachesLess) {
  const Result result = run(one_page({"modified_thomas"}, {1.0, 0.97, 0.94, 0.9, 0.86, 0.82}, {"both"}));
  const Block& one = result.blocks.begin()->second;
  const auto expect_monotone = [&](const std::string& name, double sign) {
    const std::vector<double>& values = series(one, name);
    for (std::size_t i = 1; i < values.size(); ++i) EXPECT_GT(sign * (values[i] - values[i - 1]), 0.0) << name << i;
  };
  const std::string hip = "/hip_flexion_r/group:iliopsoas_r";
  expect_monotone("delta_theta_deg/r", 1.0);
  expect_monotone("passive_moment" + hip + "/at_-10_deg", 1.0);
  expect_monotone("passive_moment" + hip + "/at_0_deg", 1.0);
  expect_monotone("extension_at_5_N_m_deg/r", -1.0);
  expect_monotone("extension_at_borne_moment_deg/r", -1.0);
  expect_monotone("prone_extension_deg/r", -1.0);
  expect_monotone("zero_passive_moment_deg/r", 1.0);
  expect_monotone("step_length/r", -1.0);
  expect_monotone("modified_thomas/thomas_angle_deg/r", 1.0);
  // a shorter fibre is nearer its best length where the hip is bent, and further from it where it is straight
  expect_monotone("torque_capacity" + hip + "/at_90_deg", 1.0);
  EXPECT_LT(series(one, "torque_capacity" + hip + "/at_0_deg")[3],
            series(one, "torque_capacity" + hip + "/at_0_deg")[0]);
}

TEST(TightnessStudies, LeftIsTheMirrorOfRight) {
  const Result result = run(one_page({"standing", "kept"}, {0.93}, {"right", "left"}));
  const Block &right = block(result, "serial_sarcomere_loss_right"),
              &left = block(result, "serial_sarcomere_loss_left");
  int compared = 0;
  for (const auto& [name, values] : right.series) {
    const Series* other = left.series.find(mirrored(name));
    if (!other) continue;
    const bool turns =
        name.find("lateral_shear") != std::string::npos || name.find("symphysis_superior") != std::string::npos;
    const double scale = std::max(1.0, std::abs(values.values[0]));
    EXPECT_NEAR(values.values[0] / scale, (turns ? -1.0 : 1.0) * other->values[0] / scale, 1e-9) << name;
    ++compared;
  }
  EXPECT_GT(compared, 30);
}

TEST(TightnessStudies, AKeptPostureIsThatOfTheUnchangedMuscles) {
  const Result result = run(one_page({"standing", "kept"}, {1.0, 0.9}, {"both"}));
  const Block& one = result.blocks.begin()->second;
  for (const char* name : {"compression/L5_S1", "anterior_shear/L5_S1", "effort"}) {
    const std::vector<double>&found = series(one, std::string("standing/") + name),
          &kept = series(one, std::string("kept/") + name);
    EXPECT_NEAR(kept[0], found[0], 1e-6 * std::abs(found[0])) << name;
  }
  // what a posture of its own choice costs is no more than what the kept one does
  EXPECT_LE(series(one, "standing/effort")[1], series(one, "kept/effort")[1] * (1.0 + 1e-9));
  EXPECT_TRUE(one.warnings.empty()) << one.warnings.front();
}

TEST(TightnessStudies, MechanismsAreComparedAtTheSameLoss) {
  Study study = hips_alone({1.0, 0.96, 0.92});
  question(study).mechanisms = {"serial_sarcomere_loss", "tendon_shortening", "stiffer_passive_tissue", "raised_tone"};
  const Result result = run(study);
  ASSERT_EQ(result.blocks.size(), 4u);
  const std::vector<double>& lost = series(block(result, "serial_sarcomere_loss_both"), "delta_theta_deg/r");
  for (const auto& [name, one] : result.blocks) {
    for (const std::string& warning : one.warnings)
      EXPECT_EQ(warning.find("cannot cost"), std::string::npos) << warning;
    for (std::size_t i = 0; i < lost.size(); ++i)
      EXPECT_NEAR(series(one, "delta_theta_deg/r")[i], lost[i], 1e-4) << name << " " << i;
  }
  EXPECT_GT(series(block(result, "tendon_shortening_both"), "tendon_shortening")[2], 0.002);
  EXPECT_LT(series(block(result, "stiffer_passive_tissue_both"), "stiffer_passive_tissue")[2], 0.95);
  EXPECT_GT(series(block(result, "raised_tone_both"), "raised_tone")[2], 0.01);
  // by degrees they are the same
  Study by_angle = hips_alone({0.0, lost[2]});
  question(by_angle).axis = "delta_theta_deg";
  question(by_angle).mechanisms = {"serial_sarcomere_loss"};
  const Result again = run(by_angle);
  EXPECT_NEAR(series(again.blocks.begin()->second, "serial_sarcomere_loss")[1], 0.92, 1e-6);
}

TEST(TightnessStudies, ALossThatAMechanismCannotCostIsSaid) {
  Study study = hips_alone({0.0, 59.0});
  question(study).axis = "delta_theta_deg";
  question(study).mechanisms = {"stiffer_passive_tissue"};
  const Result result = run(study);
  const Block& one = result.blocks.begin()->second;
  ASSERT_FALSE(one.warnings.empty());
  EXPECT_NE(one.warnings.front().find("cannot cost 59.0° of Δθ"), std::string::npos) << one.warnings.front();
  EXPECT_TRUE(std::isnan(series(one, "prone_extension_deg/r")[1]));
}

// --- the inverse ---

TEST(TightnessEstimates, AMeasuredAngleGivesTheShorteningThatMadeIt) {
  Study study = one_page({"modified_thomas"}, {1.0, 0.93}, {"both"});
  const Result first = run(study);
  const std::vector<double> angle = series(first.blocks.begin()->second, "modified_thomas/thomas_angle_deg/r");
  MeasuredTightness measured;
  measured.output = "modified_thomas/thomas_angle_deg/r";
  measured.side = "both";
  measured.value = angle[1];
  measured.standard_error = 0.5;
  question(study).measured = measured;
  question(study).values = {1.0};
  const Block one = run(study).blocks.begin()->second;
  EXPECT_NEAR(scalar(one, "estimate/value"), 0.93, 1e-4);
  EXPECT_LT(scalar(one, "estimate/low"), 0.93);
  EXPECT_GT(scalar(one, "estimate/high"), 0.93);
  // at the ends the angle is off by what the confidence says, 1.96 standard errors
  question(study).measured.reset();
  question(study).values = {scalar(one, "estimate/low"), scalar(one, "estimate/high")};
  const std::vector<double> ends = series(run(study).blocks.begin()->second, "modified_thomas/thomas_angle_deg/r");
  EXPECT_NEAR(ends[0] - angle[1], 1.959964 * 0.5, 1e-3);
  EXPECT_NEAR(ends[1] - angle[1], -1.959964 * 0.5, 1e-3);
}

TEST(TightnessEstimates, ADifferenceToTheOtherSideNeedsNoAbsoluteAngle) {
  Study study = hips_alone({1.0, 0.9}, {"right"});
  const std::vector<double> extension = series(run(study).blocks.begin()->second, "prone_extension_deg/r");
  MeasuredTightness measured;
  measured.output = "prone_extension_deg/r";
  measured.normal = 12.0;
  measured.value = 12.0 + extension[1] - extension[0];
  measured.standard_error = 3.0;
  question(study).measured = measured;
  const Result result = run(study);
  EXPECT_NEAR(scalar(result.blocks.begin()->second, "estimate/value"), 0.9, 1e-4);
  EXPECT_NE(result.notes.front().find("where 12 is normal"), std::string::npos) << result.notes.front();
}

/// Net passive moments of a model with a factor on the iliopsoas' fibre length.
std::vector<double> moments(const Study& study, double s, const std::vector<double>& angles_deg) {
  const Model base(study.model);
  std::vector<double> angles = angles_deg;
  for (double& angle : angles) angle = degrees(angle);
  return net_resting_moments(base, base.with(scale("group:iliopsoas_r", "optimal_fibre_length", s)), "r", angles);
}

TEST(TightnessEstimates, ACurveGivesTheShorteningThatMadeItAndItsIntervalCovers) {
  Study study = read_study(examples + "tight_psoas/from_torque_curve.json");
  question(study).values = {1.0};
  MeasuredTightness measured;
  measured.hip_flexion_deg = {-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 30.0};
  measured.standard_error = 1.5;
  measured.passive_moment = moments(study, 0.91, measured.hip_flexion_deg);
  question(study).measured = measured;
  Block one = run(study).blocks.begin()->second;
  EXPECT_NEAR(scalar(one, "estimate/value"), 0.91, 1e-5);
  EXPECT_LT(scalar(one, "estimate/chi_square_per_degree_of_freedom"), 1e-6);

  if (sanitised) return;  // the rest is many times the same
  // with errors of the stated size 95 % of the intervals hold the value: of 30, at least 24 (probability 0.9994)
  std::mt19937 random(7);
  std::normal_distribution<double> error(0.0, measured.standard_error);
  int covered = 0;
  for (int k = 0; k < 30; ++k) {
    question(study).measured->passive_moment = measured.passive_moment;
    for (double& moment : question(study).measured->passive_moment) moment += error(random);
    RunOptions brief;
    brief.brief = true;
    one = run(study, brief).blocks.begin()->second;
    covered += scalar(one, "estimate/low") <= 0.91 && scalar(one, "estimate/high") >= 0.91;
  }
  EXPECT_GE(covered, 24);
}

TEST(TightnessEstimates, TwoAnswersAndEndsOfTheSearchAreSaid) {
  // capacity falls and rises again: the nearer value is taken, its interval ends where the other side begins
  Study study = hips_alone({1.0}, {"right"});
  MeasuredTightness measured;
  measured.output = "torque_capacity/hip_flexion_r/group:iliopsoas_r/at_-20_deg";
  measured.value = 34.5;
  measured.standard_error = 0.1;
  question(study).measured = measured;
  Block one = run(study).blocks.begin()->second;
  EXPECT_TRUE(std::any_of(one.warnings.begin(), one.warnings.end(), [](const std::string& warning) {
    return warning.find("as well as by") != std::string::npos;
  }));
  EXPECT_EQ(scalar(one, "estimate/low_is_open"), 0.0);
  EXPECT_EQ(scalar(one, "estimate/high_is_open"), 0.0);
  EXPECT_GT(scalar(one, "estimate/low"), 0.87);
  // a curve of deep flexion does not depend on the iliopsoas
  study = read_study(examples + "tight_psoas/from_torque_curve.json");
  question(study).values = {1.0};
  question(study).measured->hip_flexion_deg = {60.0, 70.0};
  question(study).measured->passive_moment = {0.0, 0.0};
  question(study).measured->standard_error = 100.0;
  one = run(study).blocks.begin()->second;
  EXPECT_EQ(scalar(one, "estimate/low_is_open") + scalar(one, "estimate/high_is_open"), 2.0);
  // sides that the study does not have
  question(study).measured->side = "left";
  EXPECT_NE(error_of([&] { run(study); }).find("expected one of the study's sides (right)"), std::string::npos);
}

TEST(TightnessStudies, ToneIsAFloorAndNoPassiveMoment) {
  Study study = hips_alone({0.03, 0.1});
  question(study).mechanisms = {"raised_tone"};
  question(study).axis = "value";
  const Block one = run(study).blocks.begin()->second;
  const std::string at = "/hip_flexion_r/group:iliopsoas_r/at_-10_deg";
  EXPECT_EQ(series(one, "passive_moment" + at)[0], series(one, "passive_moment" + at)[1]);
  EXPECT_GT(series(one, "tone_moment" + at)[0], 0.0);
  EXPECT_GT(series(one, "tone_moment" + at)[1], series(one, "tone_moment" + at)[0]);
  // a floor below what the muscles have changes nothing
  Study toned = study;
  std::vector<Problem> problems;
  apply({set("group:iliopsoas", "minimum_activation", 0.05)}, "", toned.model, problems);
  EXPECT_TRUE(problems.empty());
  const Block two = run(toned).blocks.begin()->second;
  const Model base(toned.model);
  EXPECT_EQ(series(two, "delta_theta_deg/r")[0], delta_theta_deg(Model(toned.unedited), base, "r"));
}

TEST(TightnessEstimates, WhatNoShorteningExplainsIsSaid) {
  Study study = hips_alone({1.0}, {"right"});
  MeasuredTightness measured;
  measured.output = "extension_at_5_N_m_deg/r";
  measured.value = 300.0;
  measured.standard_error = 1.0;
  question(study).measured = measured;
  Result result = run(study);
  EXPECT_TRUE(std::isnan(scalar(result.blocks.begin()->second, "estimate/value")));
  EXPECT_NE(result.notes.front().find("not to be told"), std::string::npos);
  question(study).measured->output = "prone_extention_deg/r";
  EXPECT_NE(error_of([&] { run(study); }).find("did you mean \"prone_extension_deg/r\""), std::string::npos)
      << error_of([&] { run(study); });
}

// --- files ---

TEST(TightnessStudyFiles, WhatIsWrongIsSaidWithItsPlace) {
  const TempFolder folder;
  const auto error_with = [&](const std::string& more) {
    const std::string path = folder.write(
        "study.json", "{\"format\": \"psoas-study/1\", \"study\": \"tightness\", \"model\": \"" PSOAS_SOURCE_DIR
                      "/models/iliopsoas.json\"" +
                          more + "}");
    return error_of([&] { run(read_study(path)); });
  };
  const auto expect = [&](const std::string& more, const std::string& text) {
    const std::string found = error_with(more);
    EXPECT_NE(found.find(text), std::string::npos) << more << "\n" << found;
  };
  expect(R"(, "values": [])", "expected at least one each of");
  expect(R"(, "values": [1, 0.9, 1])", "once");
  expect(R"(, "values": [0.1])", "expected \"values\" that are factors from 0.3 to 2, found 0.1");
  expect(R"(, "mechanisms": ["stretching"])", "expected one of serial_sarcomere_loss");
  expect(R"(, "axis": "value", "mechanisms": ["raised_tone", "tendon_shortening"])", "expected one mechanism");
  expect(R"(, "axis": "value", "mechanisms": ["tendon_shortening"], "values": [3])", "metres from -0.1 to 0.1");
  expect(R"(, "pelvic_tilt_of": "standing")", "to name one of \"studies\"");
  expect(R"(, "studies": {"a": {"record": ["x"]}})", "missing \"file\"");
  expect(R"(, "studies": {"a": {"file": "none.json", "record": ["x"]}})", "/studies/a/file");
  expect(R"(, "variants": {"a": []})", "expected none: this study compares degrees of tightness");
  expect(R"(, "measured": {"standard_error": 1})", "expected either \"output\" with \"value\"");
  expect(R"(, "measured": {"output": "x", "standard_error": 1})", "missing \"value\"");
  expect(R"(, "measured": {"hip_flexion_deg": [1, 2], "passive_moment": [1], "standard_error": 1})",
         "as many passive moments");
  expect(R"(, "measured": {"output": "x", "value": 1, "standard_error": -1})", "/measured/standard_error");
  folder.write("weeks.json", R"({"format": "psoas-study/1", "study": "adaptation", "model": "x.json"})");
  expect(R"(, "studies": {"a": {"file": "weeks.json", "record": ["x"]}})", "found one of adaptation");
  folder.write("curve.json",
               "{\"format\": \"psoas-study/1\", \"study\": \"torque_curve\", \"model\": \"" PSOAS_SOURCE_DIR
               "/models/iliopsoas.json\", \"coordinate\": \"hip_flexion_r\", \"from_deg\": 0, \"to_deg\": 10}");
  expect(R"(, "studies": {"a": {"file": "curve.json", "record": ["peak totl_torque/*"]}})", "/studies/a/record/0");
  expect(R"(, "studies": {"a": {"file": "curve.json", "record": ["*"], "posture_of": "b"}})", "to name an earlier one");
  EXPECT_EQ(
      error_with(R"(, "values": [1], "studies": {"a": {"file": "curve.json", "record": ["peak total_torque/*"]}})"),
      "no error");
}

TEST(TightnessStudyFiles, APostureOfRestGivesNeitherTiltNorWhatIsKept) {
  Study study = one_page({"standing", "kept", "modified_thomas"}, {1.0}, {"both"});
  question(study).pelvic_tilt_of = "modified_thomas";
  EXPECT_NE(error_of([&] { run(study); }).find("/pelvic_tilt_of: expected a study of a balanced posture"),
            std::string::npos)
      << error_of([&] { run(study); });
  question(study).pelvic_tilt_of = "standing";
  question(study).studies["kept"].posture_of = "modified_thomas";
  EXPECT_NE(error_of([&] { run(study); }).find("/studies/kept/posture_of: expected a study of a balanced posture"),
            std::string::npos)
      << error_of([&] { run(study); });
}

TEST(TightnessStudyFiles, AResultIsReadAsTheStudyThatItAnswers) {
  const TempFolder folder;
  const Study study =
      read_study(examples + "tight_psoas/study.json", {{"/values", "[0.95]"}, {"/sides", "[\"right\"]"}});
  const Result result = run(study);
  const std::string text = result_text(result);
  // nothing but the result is at hand
  const Result again = run(read_study(folder.write("result.json", text)));
  EXPECT_EQ(result_text(again), text);
}

TEST(TightnessStudyFiles, ABriefAnswerHasTheSameBits) {
  Study study = hips_alone({1.0, 0.9}, {"both", "left"});
  RunOptions brief;
  brief.brief = true;
  const Result whole = run(study), short_one = run(study, brief);
  for (const auto& [name, one] : whole.blocks)
    for (const auto& [output, values] : one.series) {
      const std::vector<double>& other = series(block(short_one, name), output);
      for (std::size_t i = 0; i < other.size(); ++i)  // hips alone: their passive moments do not cancel anywhere
        EXPECT_TRUE(values.values[i] == other[i] || (output.starts_with("zero_") && std::isnan(other[i]))) << output;
    }
}

}  // namespace
}  // namespace psoas::test
