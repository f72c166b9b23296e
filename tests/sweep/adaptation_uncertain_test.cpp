// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "psoas/sweep/uncertain.hpp"

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

}  // namespace
}  // namespace psoas
