// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "psoas/sweep/engine.hpp"
#include "psoas/sweep/uncertain.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

TEST(AdaptationUncertainTightness, NumbersOfTheLawsGiveBandsOverTheWeeks) {
  Study study = read_study(PSOAS_SOURCE_DIR "/examples/adaptation/uncertain.json", {{"/uncertain/samples", "12"}});
  const Result result = run_uncertain(study, {}, 2);
  const Block& block = result.blocks.begin()->second;
  for (const char* name : {"serial_sarcomeres/iliopsoas", "delta_theta_deg/r"}) {
    const Series *middle = block.series.find(name), *low = block.series.find(std::string("band_5/") + name),
                 *high = block.series.find(std::string("band_95/") + name);
    ASSERT_TRUE(middle && low && high) << name;
    ASSERT_EQ(low->values.size(), block.axis_values.size());
    EXPECT_EQ(low->values.front(), high->values.front());  // at the start nothing is uncertain
    for (std::size_t week = 1; week < low->values.size(); ++week) {
      EXPECT_LT(low->values[week], high->values[week]);
      EXPECT_GT(high->values[week] - low->values[week], 0.002);
    }
  }
  EXPECT_EQ(result_text(result), result_text(run_uncertain(study, {}, 1)));
}

TEST(AdaptationUncertainTightness, ASweepRecordsScalarsOfTheCourse) {
  test::TempFolder folder;
  const std::string file = folder.write("sweep.json", R"({"format": "psoas-sweep/1", "base": ")" PSOAS_SOURCE_DIR
                                                      R"(/examples/adaptation/study.json", "sampler": {"grid": {}},
    "vary": {"/law/sarcomere_gain": {"list": [0.4, 1.0]}}, "record": ["final delta_theta_deg/r"]})");
  const SweepPlan plan(read_sweep(file));
  ASSERT_EQ(plan.scalars().size(), 1u);
  EXPECT_EQ(plan.scalars()[0].name, "final delta_theta_deg/r");
}

}  // namespace
}  // namespace psoas
