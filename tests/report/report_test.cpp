// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/report/report.hpp"
#include "psoas/core/words.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "psoas/report/text.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

Result example() {
  Result result;
  result.study = "motion";
  result.heading = "a rise";
  result.summary = {{"Δθ at 5 N·m", "deg", "clinical", {0.0, 13.04}, 1},
                    {"loads", "", "", {}, 0},
                    {"  L5-S1 compression", "N", "", {-0.2, std::nan("")}, 0}};
  for (const char* name : {"normal", "shortened_0_95"}) {
    Block& block = result.blocks[name];
    block.axis_values = {0.0, 0.1, 0.2, 1.0, 1.1, 1.2};
    block.series["coordinate/hip"] = {"rad", {0.0, 0.5, name[0] == 's' ? 1.1 : 1.0, 1.0, 0.5, 0.0}};
    block.series["joint_moment/hip"] = {"N m", {10.0, 20.0, 30.0, 30.0, 20.0, 10.0}};
    block.credibility.push_back({"residual", "N", "Hicks et al. 2015", "", 3.1, 5.0, true});
  }
  return result;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(Text, WidthCountsCodePoints) {
  EXPECT_EQ(text_width("Δθ at 5 N·m"), 11u);
  EXPECT_EQ(text_width("\x1b[1;31m✗\x1b[0m"), 1u);
  EXPECT_EQ(padded("µ", 3, true), "  µ");
}

TEST(Text, RowsLineUp) {
  EXPECT_EQ(aligned({{"Δθ", "1"}, {"a heading that is long"}, {"mass", "75.3"}}, "lr"),
            "Δθ       1\na heading that is long\nmass  75.3\n");
}

TEST(Text, NamesUnitsAndNumbers) {
  EXPECT_EQ(readable_name("shortened_0_95"), "shortened 0.95");
  EXPECT_EQ(readable_name("L5_S1_extension"), "L5–S1 extension");
  EXPECT_EQ(readable_name("T12_L1"), "T12–L1");
  EXPECT_EQ(readable_name("psoas_L2_TP_r"), "psoas L2 TP r");
  EXPECT_EQ(readable_unit("N m"), "N·m");
  EXPECT_EQ(readable_unit("N m/rad"), "N·m/rad");
  EXPECT_EQ(readable_unit("rad/s^2"), "rad/s²");
  EXPECT_EQ(readable_unit("1"), "");
  EXPECT_EQ(fixed_text(-0.01, 1), "0.0");
  EXPECT_EQ(fixed_text(std::nan(""), 1), "–");
}

TEST(Text, OutputsAndSentences) {
  EXPECT_EQ(readable_output("muscle_moment/hip_flexion_r/group:iliopsoas_l"),
            "Muscle moment: hip flexion right, iliopsoas left");
  EXPECT_EQ(readable_output("compression/L5_S1"), "Compression: L5–S1");
  EXPECT_EQ(readable_output("hip_contact_force/r"), "Hip contact force: right");
  EXPECT_EQ(readable_output("lordosis_deg"), "Lordosis");
  EXPECT_EQ(readable_output("com_x"), "Com x");
  EXPECT_EQ(readable_output(""), "");
  EXPECT_EQ(readable_text("L5_S1 compression, 3.1 N m; L5-S1, T12_L1."), "L5–S1 compression, 3.1 N·m; L5–S1, T12–L1.");
  EXPECT_EQ(readable_text("compression/L5_S1 and L5_S1_extension"), "compression/L5_S1 and L5_S1_extension");
  EXPECT_EQ(readable_text("[N m] [N m/rad] N mm"), "[N·m] [N·m/rad] N mm");
}

TEST(Summary, ShowsVariantsSideBySide) {
  const std::string text = summary_text(example(), false, "41 ms");
  EXPECT_EQ(text.substr(0, text.find('\n')), "a rise · 41 ms");
  EXPECT_TRUE(has(text, "normal  shortened 0.95")) << text;
  EXPECT_TRUE(has(text, "Δθ at 5 N·m          deg     0.0            13.0  (clinical)")) << text;
  EXPECT_TRUE(has(text, "\n  L5–S1 compression  N ")) << text;
  EXPECT_TRUE(has(text, "✓ residual")) << text;
  EXPECT_TRUE(has(text, "warnings  none")) << text;
  EXPECT_FALSE(has(text, "\x1b"));
  EXPECT_TRUE(has(summary_text(example(), true), "\x1b["));
}

TEST(Summary, ABrokenLimitStandsInTheFirstLines) {
  Result result = example();
  result.blocks["shortened_0_95"].credibility[0].value = 9.0;
  result.blocks["shortened_0_95"].credibility[0].ok = false;
  result.blocks["normal"].warnings = {"one", "both"};
  result.blocks["shortened_0_95"].warnings = {"both"};
  const std::string text = summary_text(result);
  EXPECT_TRUE(has(text, "a rise\n✗ 1 credibility line is over the limit:\n✗ shortened 0.95: residual 9 N, limit 5 N\n"))
      << text;
  EXPECT_TRUE(has(text, "\n  normal: one\n")) << text;
  EXPECT_TRUE(has(text, "\n  both\n")) << text;
}

TEST(Svg, HasOneLineAVariantBrokenWhereTimeJumps) {
  const std::string picture = svg(example(), {"hip.svg", "Hip <angle> & more", "rad", "coordinate/hip"});
  EXPECT_EQ(picture.substr(0, 4), "<svg");
  EXPECT_EQ(count(picture, "stroke-linejoin"), 2u);
  EXPECT_TRUE(has(picture, "Hip &lt;angle&gt; &amp; more"));
  EXPECT_TRUE(has(picture, ">shortened 0.95<"));
  EXPECT_TRUE(has(picture, ">deg<"));  // radians are drawn in degrees
  // each line starts anew in the second window
  const std::size_t end = picture.find("\" fill=\"none\" stroke=\"#0072B2\" stroke-width=\"2\"");
  ASSERT_NE(end, std::string::npos);
  const std::size_t begin = picture.rfind("<path d=\"", end) + 9;
  EXPECT_EQ(count(picture.substr(begin, end - begin), "M"), 2u);
  EXPECT_EQ(count(picture, "fill=\"#f2f2f2\""), 2u);  // the time between the windows, and its legend
  EXPECT_TRUE(has(picture, ">not evaluated<"));
  EXPECT_TRUE(has(picture, ">a rise<"));  // which study
  EXPECT_EQ(picture, svg(example(), {"hip.svg", "Hip <angle> & more", "rad", "coordinate/hip"}));
}

TEST(Svg, CurvesThatAreTheSameAreOne) {
  const std::string picture = svg(example(), {"m.svg", "joint_moment/hip", "N m", "joint_moment/hip"});
  EXPECT_EQ(count(picture, "stroke-linejoin"), 1u);
  EXPECT_TRUE(has(picture, ">identical in both variants<"));
  EXPECT_FALSE(has(picture, ">shortened 0.95<"));
  EXPECT_TRUE(has(picture, ">Joint moment: hip<")) << "a name of an output is made readable";
  EXPECT_TRUE(has(picture, ">N·m<"));
  Result result = example();
  const Block copy = result.blocks["normal"];
  result.blocks["other"] = copy;
  EXPECT_TRUE(has(svg(result, {"m.svg", "m", "N m", "joint_moment/hip"}), ">identical in all variants<"));
  result.blocks["other"].series["joint_moment/hip"].values[3] += 1e-6;
  EXPECT_EQ(count(svg(result, {"m.svg", "m", "N m", "joint_moment/hip"}), "stroke-linejoin"), 3u);
}

TEST(Svg, ZeroIsOnTheAxisWhereItCostsLessThanHalf) {
  const auto ticks = [](std::vector<double> values) {
    Result result;
    Block& block = result.blocks[""];
    for (std::size_t i = 0; i < values.size(); ++i) block.axis_values.push_back(0.1 * static_cast<double>(i));
    block.series["x"] = {"N", std::move(values)};
    const std::string picture = svg(result, {"x.svg", "Load", "N", "x"});
    return has(picture, "text-anchor=\"end\">0<");
  };
  EXPECT_TRUE(ticks({900, 3800}));
  EXPECT_TRUE(ticks({-900, -3800}));
  EXPECT_FALSE(ticks({3000, 3800}));
  EXPECT_FALSE(ticks({-3000, -3800}));
}

TEST(Svg, LongHeadingsAreCutBetweenTheirParts) {
  Result result = example();
  result.heading = "a title of some length · " + std::string(60, 'x') + " · 394 frames · 292 muscles";
  const Plot plot{"hip.svg", std::string(200, 'W'), "rad", "coordinate/hip"};
  EXPECT_TRUE(has(svg(result, plot), ">a title of some length · " + std::string(60, 'x') + "<"));
  EXPECT_TRUE(has(svg(result, plot), "W…</text>"));
  result.heading.clear();
  for (int i = 0; i < 100; ++i) result.heading += "é";
  EXPECT_TRUE(has(svg(result, plot), ">éééé"));
  EXPECT_TRUE(has(svg(result, plot), "é…</text>"));
}

TEST(Svg, DrawsWhateverTheValuesAre) {
  const double nan = std::nan(""), infinite = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& values : std::vector<std::vector<double>>{{nan, nan, nan},
                                                                            {0, 0, 0},
                                                                            {5, 5, 5},
                                                                            {1e-300, 0, 1e-300},
                                                                            {1e300, -1e300, 0},
                                                                            {infinite, 1, 2},
                                                                            {1e15, 1e15 + 1, 1e15 + 2},
                                                                            {}}) {
    Result result;
    Block& block = result.blocks[""];
    for (std::size_t i = 0; i < values.size(); ++i) block.axis_values.push_back(0.1 * static_cast<double>(i));
    block.series["x"] = {"N", values};
    const std::string picture = svg(result, {"x.svg", "x", "N", "x"});
    EXPECT_FALSE(has(picture, "nan")) << picture;
    EXPECT_FALSE(has(picture, "inf")) << picture;
    EXPECT_LT(picture.size(), 20000u);
  }
}

TEST(Svg, UnknownSeriesIsAnError) {
  EXPECT_EQ(error_of([] {
              svg(example(), {"x.svg", "x", "N", "nothing"});
            }),
            "nothing: expected a series of the result");
}

}  // namespace
}  // namespace psoas::test
