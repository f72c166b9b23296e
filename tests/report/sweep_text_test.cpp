// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "psoas/report/sweep.hpp"
#include "psoas/report/text.hpp"

namespace psoas::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, text_width(line));
  return widest;
}

ScalarAnalysis scalar_of(const std::string& name, std::size_t factors) {
  ScalarAnalysis scalar;
  scalar.scalar = {name, "N m"};
  scalar.summary = {1000, 0, {-1234.5, -1250.1, -1218.9}, 251.7, -1900.25, -800.5, -2100.75, 12345.25, {-1230.5}};
  scalar.sobol.emplace();
  scalar.sobol->samples = 1000;
  for (std::size_t i = 0; i < factors; ++i) {
    const double x = static_cast<double>(i + 1) / static_cast<double>(2 * factors);
    scalar.sobol->first.push_back({x - 0.02, x - 0.05, x + 0.02});
    scalar.sobol->total.push_back({x, x - 0.03, x + 0.03});
    scalar.associations.push_back({x, 0.01, 10, {-0.5, -0.6, -0.4}});
  }
  scalar.no_surface = "too few cases";
  scalar.worst = {{17, -2100.75, std::vector<double>(factors, 0.8125)}};
  return scalar;
}

SweepAnalysis analysis_of(std::size_t factors, const std::vector<std::string>& scalars) {
  SweepAnalysis analysis;
  analysis.title = "twelve uncertain numbers";
  analysis.sampler = "sobol";
  analysis.cases = 12000;
  analysis.finished = {11990, 0, 4, 1};
  analysis.missing = 5;
  analysis.confidence = 0.95;
  for (std::size_t i = 0; i < factors; ++i) {
    const std::string name =
        "/model/muscles/group:iliopsoas_" + std::to_string(i) + "/physiological_cross_section_area";
    analysis.factors.push_back({{name, ""}, {}});
    analysis.columns.push_back(name);
  }
  for (const std::string& name : scalars) analysis.scalars.push_back(scalar_of(name, factors));
  return analysis;
}

TEST(AnalysisText, FitsIntoTheTerminalWithLongNames) {
  const SweepAnalysis analysis = analysis_of(
      12, {"rep_1/at_seat_off anterior_shear/L5_S1", "change shortened_0_85:rep_1/at_seat_off anterior_shear/L5_S1"});
  const std::string text = analysis_text(analysis);
  EXPECT_LE(widest_line(text), 118u) << text;
  EXPECT_TRUE(has(text,
                  "twelve uncertain numbers · sobol · 12 factors · 12,000 cases\n"
                  "11,990 ok, 4 failed, 1 not converged, 5 missing\n"))
      << text;
  EXPECT_TRUE(has(text, "\nchange shortened_0_85:rep_1/at_seat_off anterior_shear/L5_S1 [N·m]\n")) << text;
  EXPECT_TRUE(has(text, "…opsoas_0/physiological_cross_section_area")) << text;
  EXPECT_TRUE(has(text, "0.500 (0.470 to 0.530)")) << text;
  EXPECT_TRUE(has(text, "-1234 ")) << text;
  EXPECT_TRUE(has(text, "12345\n")) << "no exponent: " << text;
  EXPECT_FALSE(has(text, "\x1b"));
  EXPECT_TRUE(has(analysis_text(analysis, true), "\x1b[1m"));
}

TEST(AnalysisText, TheFactorThatMattersMostStandsFirst) {
  const std::string text = analysis_text(analysis_of(3, {"y"}));
  EXPECT_LT(text.find("psoas_2/"), text.find("psoas_1/"));
  EXPECT_LT(text.find("psoas_1/"), text.find("psoas_0/"));
  const std::string many = analysis_text(analysis_of(40, {"y"}));
  EXPECT_TRUE(has(many, "and 26 factors more, none above 0.325")) << many;
  EXPECT_FALSE(has(many, "psoas_25/physiological_cross_section_area  ")) << many;
}

TEST(AnalysisText, SaysWhatHasNoNumbers) {
  SweepAnalysis analysis = analysis_of(2, {"same", "never", "some"});
  analysis.correlated = true;
  analysis.factors[0].zipped = {"a", "b"};
  OutputSummary& same = analysis.scalars[0].summary;
  same = {1000, 0, {2.0, 2.0, 2.0}, 0.0, 2.0, 2.0, 2.0, 2.0, {2.0}};
  analysis.scalars[1].summary = {0, 1000, {nan, nan, nan}, nan, nan, nan, nan, nan, {nan}};
  analysis.scalars[2].sobol->first[0] = {nan, nan, nan};
  const std::string text = analysis_text(analysis);
  EXPECT_TRUE(has(text, "\nsame\n  is the same in all cases\n")) << text;
  EXPECT_TRUE(has(text, "\nnever\n  has no number in any case\n")) << text;
  EXPECT_TRUE(has(text, "no number")) << text;
  EXPECT_TRUE(has(text, "no quadratic formula: too few cases")) << text;
  EXPECT_TRUE(has(text, "Some factors are correlated")) << text;
  EXPECT_TRUE(has(text, " + 2 ")) << text;
  EXPECT_FALSE(has(text, "nan")) << text;
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) names.push_back("s" + std::to_string(i));
  const std::string many = analysis_text(analysis_of(2, names));
  EXPECT_TRUE(has(many, "… and 5 scalars more")) << many;
}

}  // namespace
}  // namespace psoas::test
