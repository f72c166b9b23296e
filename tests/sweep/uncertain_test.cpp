// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Bands of a study some numbers of which are uncertain.
#include "psoas/sweep/uncertain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "psoas/io/file.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

const std::string source = PSOAS_SOURCE_DIR;

class Uncertain : public ::testing::Test {
 protected:
  TempFolder folder;

  Study study(const std::string& uncertain) {
    const std::string path = folder / "study.json";
    write_file_atomically(path, R"({"format": "psoas-study/1", "study": "torque_curve", "model": ")" + source +
                                    R"(/models/iliopsoas.json", "coordinate": "hip_flexion_r",
      "edits": [{"name": "strong", "muscles": "group:iliopsoas", "scale": {"max_isometric_force": 1}}],
      "muscles": ["group:iliopsoas_r"], "from_deg": 0, "to_deg": 60, "step_deg": 30)" +
                                    (uncertain.empty() ? "" : ", \"uncertain\": " + uncertain) + "}");
    return read_study(path);
  }
  static const std::vector<double>& row(const Block& block, const std::string& label) {
    const ResultTable& table = *block.tables.find("uncertainty");
    const auto found = std::find(table.labels.begin(), table.labels.end(), label);
    return table.rows[static_cast<std::size_t>(found - table.labels.begin())];
  }
};

TEST_F(Uncertain, BandsOfForceAreThoseOfItsDistribution) {
  // torque is proportional to force, so that percentiles are those of the distribution, as closely as 400 strata tell
  const Result result = run_uncertain(
      study(
          R"({"samples": 400, "vary": {"/edits/strong/scale/max_isometric_force": {"uniform": {"low": 0.5, "high": 1.5}}}})"),
      {}, 2);
  const Block& block = result.blocks.begin()->second;
  const std::string name = "total_torque/hip_flexion_r";
  const double nominal = find_scalar(block, "peak " + name)->value;
  const std::vector<double>& spread = row(block, "peak " + name);
  EXPECT_NEAR(spread[0], nominal, 2e-3 * nominal);
  EXPECT_NEAR(spread[1], nominal / std::sqrt(12.0), 5e-3 * nominal);
  EXPECT_NEAR(spread[2], 0.55 * nominal, 5e-3 * nominal);
  EXPECT_NEAR(spread[3], nominal, 5e-3 * nominal);
  EXPECT_NEAR(spread[4], 1.45 * nominal, 5e-3 * nominal);
  const Series &middle = *block.series.find(name), &low = *block.series.find("band_5/" + name),
               &high = *block.series.find("band_95/" + name);
  ASSERT_EQ(low.values.size(), middle.values.size());
  for (std::size_t i = 0; i < middle.values.size(); ++i) {
    EXPECT_NEAR(low.values[i], 0.55 * middle.values[i], 5e-3 * std::abs(middle.values[i]));
    EXPECT_NEAR(high.values[i], 1.45 * middle.values[i], 5e-3 * std::abs(middle.values[i]));
  }
}

TEST_F(Uncertain, NominalNumbersStayAndThreadsDoNotMatter) {
  const std::string uncertain =
      R"({"samples": 20, "seed": 3, "vary": {"/edits/strong/scale/max_isometric_force": {"normal": {"mean": 1, "sd": 0.2, "low": 0.3}},
          "/model/muscles/group:iliopsoas/passive_strain": {"normal": {"mean": 0.6, "sd": 0.05}}}})";
  const Result plain = run_uncertain(study(""), {}, 2);
  const Result one = run_uncertain(study(uncertain), {}, 1), four = run_uncertain(study(uncertain), {}, 4);
  EXPECT_EQ(result_text(one), result_text(four));
  const Block &a = plain.blocks.begin()->second, &b = one.blocks.begin()->second;
  EXPECT_EQ(a.tables.find("uncertainty"), nullptr);
  for (const auto& [name, scalar] : a.scalars) EXPECT_EQ(b.scalars.find(name)->value, scalar.value) << name;
  for (const auto& [name, series] : a.series) EXPECT_EQ(b.series.find(name)->values, series.values) << name;
  EXPECT_NE(one.notes.back().find("20 samples of a Latin hypercube"), std::string::npos);
}

TEST_F(Uncertain, WhatIsWrongIsToldWithItsPlace) {
  for (const auto& [uncertain, told] : std::vector<std::pair<std::string, std::string>>{
           {R"({"samples": 1, "vary": {}})", "/uncertain/samples: expected a whole number"},
           {R"({"samples": 10})", "missing \"vary\""},
           {R"({"vary": {"/edits/weak/scale/max_isometric_force": {"uniform": {"low": 0, "high": 1}}}})",
            "expected an edit of this name"},
           {R"({"vary": {"/to_deg": {"unifrom": {"low": 0, "high": 1}}}})", "did you mean \"uniform\"?"}}) {
    const std::string error = error_of([this, &text = uncertain] { run_uncertain(study(text), {}, 1); });
    EXPECT_NE(error.find(told), std::string::npos) << uncertain << "\n" << error;
  }
  EXPECT_NE(error_of([&] { study("3"); }).find("/uncertain: expected an object"), std::string::npos);
}

}  // namespace
}  // namespace psoas::test
