// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/analyse.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "support/errors.hpp"
#include "support/sweep_files.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

using json = nlohmann::ordered_json;
using test::error_of;
using test::MadeScalar;
using test::place_of;
using test::sweep_text;
using test::TempFolder;
using test::write_sweep_file;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// A factor with a pointer of its name.
std::string factor(const std::string& name, const std::string& values) {
  return "\"/" + name + "\": {\"name\": \"" + name + "\", " + values + "}";
}

std::string uniform(const std::string& name, double low, double high) {
  return factor(name, "\"uniform\": {\"low\": " + std::to_string(low) + ", \"high\": " + std::to_string(high) + "}");
}

bool holds(const Estimate& estimate, double value) { return estimate.low <= value && value <= estimate.high; }

// Ishigami & Homma (1990), a = 7, b = 0.1, of three factors from -pi to pi.
struct Ishigami {
  static constexpr double a = 7.0, b = 0.1;
  double operator()(double x1, double x2, double x3) const {
    return std::sin(x1) + a * std::sin(x2) * std::sin(x2) + b * x3 * x3 * x3 * x3 * std::sin(x1);
  }
  static double variance() {
    const double pi4 = std::pow(std::numbers::pi, 4);
    return a * a / 8.0 + b * pi4 / 5.0 + b * b * pi4 * pi4 / 18.0 + 0.5;
  }
  static std::vector<double> first() {
    const double pi4 = std::pow(std::numbers::pi, 4);
    return {0.5 * std::pow(1.0 + b * pi4 / 5.0, 2) / variance(), a * a / 8.0 / variance(), 0.0};
  }
  static std::vector<double> total() {
    const double pi4 = std::pow(std::numbers::pi, 4), both = b * b * pi4 * pi4 * (1.0 / 18.0 - 1.0 / 50.0) / variance();
    return {first()[0] + both, first()[1], both};
  }
};

const std::string pi = "3.141592653589793";
const std::string angle = "\"uniform\": {\"low\": -" + pi + ", \"high\": " + pi + "}";
const std::string ishigami_factors =
    "{" + factor("x1", angle) + ", " + factor("x2", angle) + ", " + factor("x3", angle) + "}";

MadeScalar ishigami(const std::string& name = "y") {
  return {{name, "N"}, [](std::span<const double> x) { return Ishigami()(x[0], x[1], x[2]); }};
}

SweepAnalysis analysis_of(const std::string& path, const AnalysisOptions& options = {}) {
  return analyse(Store::open(path), options);
}

// ---- Sobol indices ----

TEST(AnalyseTest, sobol_indices_of_the_ishigami_function_hold_the_analytic_ones) {
  const TempFolder folder;
  write_sweep_file(folder / "a.db", sweep_text(ishigami_factors, R"({"sobol": {"samples": 4096, "indices": true}})"),
                   {ishigami()});
  const SweepAnalysis found = analysis_of(folder / "a.db");
  EXPECT_EQ(found.sampler, "sobol");
  EXPECT_EQ(found.cases, 4096u * 5u);
  EXPECT_EQ(found.finished[0], 4096u * 5u);
  EXPECT_EQ(found.missing, 0u);
  ASSERT_EQ(found.scalars.size(), 1u);
  const ScalarAnalysis& y = found.scalars[0];
  ASSERT_TRUE(y.sobol);
  EXPECT_FALSE(y.morris);
  EXPECT_EQ(y.sobol->samples, 4096u);
  EXPECT_EQ(y.sobol->dropped, 0u);
  ASSERT_EQ(y.sobol->first.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(holds(y.sobol->first[i], Ishigami::first()[i])) << i << " " << y.sobol->first[i].value;
    EXPECT_TRUE(holds(y.sobol->total[i], Ishigami::total()[i])) << i << " " << y.sobol->total[i].value;
    EXPECT_NEAR(y.sobol->first[i].value, Ishigami::first()[i], 0.01);
    EXPECT_NEAR(y.sobol->total[i].value, Ishigami::total()[i], 0.01);
  }
  // from the independent samples A and B alone: the rank of x1 rises with y, and x3 has no direction
  ASSERT_EQ(y.associations.size(), 3u);
  EXPECT_GT(y.associations[0].rank_correlation.low, 0.3);
  EXPECT_TRUE(holds(y.associations[2].rank_correlation, 0.0));
  EXPECT_NEAR(y.associations[1].correlation_ratio, Ishigami::first()[1], 0.03);
  ASSERT_TRUE(y.surface);
  EXPECT_EQ(y.surface->cases, 2u * 4096u);
  EXPECT_NEAR(y.summary.mean.value, Ishigami::a / 2.0, 0.05);
}

TEST(AnalyseTest, dimensions_are_counted_and_not_columns) {
  const TempFolder folder;
  // an expression between, and x3 zipped with another that comes first
  const std::string vary = "{" + factor("x1", angle) +
                           R"(, "/twice": {"name": "twice", "expression": {"scale": {"of": "x1", "by": 2}}}, )" +
                           factor("x2", angle) + ", " + uniform("other", 0.0, 1.0) + ", " + factor("x3", angle) + "}";
  write_sweep_file(
      folder / "a.db",
      sweep_text(vary, R"({"sobol": {"samples": 512, "indices": true}})", R"("zipped": [["x3", "other"]])"),
      {{{"y", ""}, [](std::span<const double> x) { return Ishigami()(0.5 * x[1], x[2], x[4]); }}});
  const SweepAnalysis found = analysis_of(folder / "a.db");
  EXPECT_EQ(found.cases, 512u * 5u);
  ASSERT_EQ(found.factors.size(), 3u);
  EXPECT_EQ(found.factors[1].factor.name, "x2");
  EXPECT_TRUE(found.factors[1].zipped.empty());
  EXPECT_EQ(found.factors[2].factor.name, "other");
  EXPECT_EQ(found.factors[2].zipped, (std::vector<std::string>{"x3"}));
  EXPECT_EQ(found.columns, (std::vector<std::string>{"x1", "twice", "x2", "other", "x3"}));
  const ScalarAnalysis& y = found.scalars[0];
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(y.sobol->first[i].value, Ishigami::first()[i], 0.04) << i;
    EXPECT_NEAR(y.sobol->total[i].value, Ishigami::total()[i], 0.04) << i;
  }
  ASSERT_EQ(y.worst.size(), 3u);
  for (const NotedCase& one : y.worst) {
    ASSERT_EQ(one.factors.size(), 5u);
    EXPECT_EQ(Ishigami()(one.factors[0], one.factors[2], one.factors[4]), one.value);
  }
  EXPECT_GE(std::abs(y.worst[0].value), std::abs(y.worst[1].value));
}

TEST(AnalyseTest, only_cases_that_are_ok_have_numbers) {
  const TempFolder folder;
  const std::string sweep = sweep_text(ishigami_factors, R"({"sobol": {"samples": 512, "indices": true}})");
  write_sweep_file(folder / "a.db", sweep, {ishigami(), ishigami("sometimes")}, [](CaseRow& row) {
    const auto spoil = [&](CaseStatus status) {
      row.status = status;
      row.scalars = {1e9, 1e9};
    };
    if (row.index == 7) spoil(CaseStatus::not_converged);              // of sample 1
    if (row.index == 8) spoil(CaseStatus::failed);                     // of the same
    if (row.index == 50 + 3) row.scalars[1] = nan;                     // of sample 10, in one scalar
    return row.index != 100 && (row.index < 200 || row.index >= 205);  // a part of sample 20, and all of 40
  });
  const SweepAnalysis found = analysis_of(folder / "a.db");
  EXPECT_EQ(found.finished, (std::array<std::uint64_t, 4>{512u * 5u - 8u, 0, 1, 1}));
  EXPECT_EQ(found.missing, 6u);
  EXPECT_EQ(found.scalars[0].summary.cases, 512u * 5u - 8u);
  EXPECT_EQ(found.scalars[0].summary.failed, 0u);
  EXPECT_EQ(found.scalars[1].summary.failed, 1u);
  for (const ScalarAnalysis& scalar : found.scalars) {
    EXPECT_LT(scalar.summary.highest, 30.0);
    EXPECT_LT(std::abs(scalar.worst[0].value), 30.0);
  }
  EXPECT_EQ(found.scalars[0].sobol->samples, 512u - 3u);
  EXPECT_EQ(found.scalars[0].sobol->dropped, 2u)
      << "a sample none of whose cases is there is missing, and not left out";
  EXPECT_EQ(found.scalars[1].sobol->samples, 512u - 4u);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(found.scalars[0].sobol->total[i].value, Ishigami::total()[i], 0.05) << i;
}

TEST(AnalyseTest, a_shard_is_analysed_by_itself) {
  const TempFolder folder;
  const std::string sweep = sweep_text(ishigami_factors, R"({"sobol": {"samples": 1024, "indices": true}})");
  write_sweep_file(folder / "b.db", sweep, {ishigami()}, [](CaseRow&) { return true; }, {2, 3});
  const SweepAnalysis found = analysis_of(folder / "b.db");
  const CaseRange range = Shard{2, 3}.range(5120);
  EXPECT_EQ(found.cases, range.end - range.begin);
  const std::uint64_t whole = range.end / 5 - (range.begin + 4) / 5;
  EXPECT_EQ(found.scalars[0].sobol->samples, whole);
  EXPECT_EQ(found.scalars[0].sobol->dropped, 2u) << "cut at both ends";
  EXPECT_NEAR(found.scalars[0].sobol->total[0].value, Ishigami::total()[0], 0.08);
}

// ---- Morris effects ----

TEST(AnalyseTest, morris_effects_are_by_probability_and_slopes_by_value) {
  const TempFolder folder;
  const std::string vary = "{" + uniform("a", 0.0, 10.0) + ", " + factor("b", R"("list": [1, 1, 2, 2])") + ", " +
                           uniform("c", 1.0, 2.0) + ", " +
                           factor("d", R"("normal": {"mean": 5, "sd": 2, "low": 1, "high": 9})") + "}";
  write_sweep_file(folder / "a.db", sweep_text(vary, R"({"morris": {"trajectories": 40, "levels": 8, "seed": 3}})"),
                   {{{"line", "N"}, [](std::span<const double> x) { return 2.0 * x[0] - 3.0 * x[2] + 1000.0; }},
                    {{"product", "N"}, [](std::span<const double> x) { return x[0] * x[2]; }},
                    {{"slope of d", ""}, [](std::span<const double> x) { return 4.0 * x[3]; }}},
                   [](CaseRow& row) {
                     if (row.index == 12) row.status = CaseStatus::failed;  // of trajectory 2
                     return true;
                   });
  const SweepAnalysis found = analysis_of(folder / "a.db");
  EXPECT_EQ(found.sampler, "morris");
  const ScalarAnalysis& line = found.scalars[0];
  ASSERT_TRUE(line.morris);
  EXPECT_FALSE(line.sobol);
  EXPECT_TRUE(line.associations.empty());
  EXPECT_FALSE(line.surface);
  EXPECT_NE(line.no_surface.find("trajectories"), std::string::npos);
  EXPECT_EQ(line.morris->trajectories, 39u);
  EXPECT_EQ(line.morris->dropped, 1u);
  EXPECT_NEAR(line.morris->mu[0].value, 20.0, 1e-9);
  EXPECT_NEAR(line.morris->mu[2].value, -3.0, 1e-9);
  EXPECT_NEAR(line.morris->mu_star[2].value, 3.0, 1e-9);
  EXPECT_NEAR(line.morris->sigma[0].value, 0.0, 1e-9);
  EXPECT_NEAR(line.morris->mu_star[3].value, 0.0, 1e-9);
  EXPECT_NEAR(line.slopes[0], 2.0, 1e-9);
  EXPECT_NEAR(line.slopes[2], -3.0, 1e-9);
  const ScalarAnalysis& product = found.scalars[1];
  EXPECT_GT(product.morris->sigma[0].value, 1.0);
  EXPECT_NEAR(product.slopes[0], 1.5, 0.15);
  // steps of probability differ in length, slopes do not
  EXPECT_GT(found.scalars[2].morris->sigma[3].value, 0.1);
  EXPECT_NEAR(found.scalars[2].slopes[3], 4.0, 1e-9);
  // of four levels two are alike, but a step is half of them
  EXPECT_NEAR(line.slopes[1], 0.0, 1e-9);
}

TEST(AnalyseTest, a_step_that_changes_no_value_has_no_slope) {
  const TempFolder folder;
  const std::string vary = "{" + uniform("a", 0.0, 1.0) + ", " + factor("b", R"("list": [1, 2, 1, 2])") + "}";
  write_sweep_file(folder / "a.db", sweep_text(vary, R"({"morris": {"trajectories": 10, "levels": 4}})"),
                   {{{"y", ""}, [](std::span<const double> x) { return x[0] + x[1]; }}});
  const SweepAnalysis found = analysis_of(folder / "a.db");
  EXPECT_NEAR(found.scalars[0].slopes[0], 1.0, 1e-9);
  EXPECT_TRUE(std::isnan(found.scalars[0].slopes[1]));
  EXPECT_TRUE(json::parse(analysis_json(found))["scalars"]["y"]["morris"]["factors"]["b"]["slope"].is_null());
}

// ---- any other sampler ----

TEST(AnalyseTest, a_plain_sample_has_correlations_and_a_response_surface) {
  const TempFolder folder;
  const std::string vary =
      "{" + uniform("a", -1.0, 1.0) + ", " + uniform("b", 2.0, 4.0) + ", " + uniform("c", 0.0, 1.0) + "}";
  write_sweep_file(folder / "a.db", sweep_text(vary, R"({"latin_hypercube": {"samples": 2000, "seed": 1}})"),
                   {{{"y", "N"}, [](std::span<const double> x) { return 5.0 + 3.0 * x[0] * x[0] + 0.5 * x[1]; }},
                    {{"same", "N"}, [](std::span<const double>) { return 4.0; }},
                    {{"never", "N"}, [](std::span<const double>) { return nan; }}});
  const SweepAnalysis found = analysis_of(folder / "a.db");
  EXPECT_FALSE(found.correlated);
  const ScalarAnalysis& y = found.scalars[0];
  EXPECT_FALSE(y.sobol || y.morris);
  ASSERT_EQ(y.associations.size(), 3u);
  // variances: 9 (1/5 - 1/9) = 0.8 and 0.25 / 3
  const double whole = 0.8 + 0.25 / 3.0;
  // 13 bins of width w blur the slope 6 a of the parabola: E(36 a^2) w^2 / 12 of the variance is inside of bins
  const double w = 2.0 / 13.0;
  EXPECT_EQ(y.associations[0].bins, 13);
  EXPECT_NEAR(y.associations[0].correlation_ratio, (0.8 - w * w) / whole, 0.01);
  EXPECT_NEAR(y.associations[1].correlation_ratio, 0.25 / 3.0 / whole, 0.02);
  EXPECT_LT(y.associations[2].correlation_ratio, 3.0 * y.associations[2].by_chance);
  EXPECT_TRUE(holds(y.associations[0].rank_correlation, 0.0));
  EXPECT_GT(y.associations[1].rank_correlation.low, 0.2);
  ASSERT_TRUE(y.surface) << y.no_surface;
  EXPECT_NEAR(y.surface->validated_r_squared, 1.0, 1e-12);
  EXPECT_NEAR((*y.surface)(std::vector<double>{0.5, 3.0, 0.1}), 5.0 + 0.75 + 1.5, 1e-9);
  EXPECT_EQ(y.surface->cases, 2000u);

  EXPECT_EQ(found.scalars[1].summary.standard_deviation, 0.0);
  EXPECT_TRUE(std::isnan(found.scalars[1].associations[0].correlation_ratio));
  EXPECT_EQ(found.scalars[2].summary.cases, 0u);
  EXPECT_EQ(found.scalars[2].summary.failed, 2000u);
  EXPECT_TRUE(found.scalars[2].worst.empty());
  EXPECT_FALSE(found.scalars[2].surface);
}

// The levels of a grid are bins of their own, and the ratio is the share of variance of a table with two ways.
TEST(AnalyseTest, a_grid_has_exact_shares_of_variance) {
  const TempFolder folder;
  const auto of = [](double a, double b) { return 3.0 * a * a + a * b; };
  const std::string vary = "{" + factor("a", R"("grid": {"from": 0, "to": 1, "count": 9})") + ", " +
                           factor("b", R"("list": [1, 2, 4, 8])") + "}";
  write_sweep_file(folder / "a.db", sweep_text(vary, R"({"grid": {}})"),
                   {{{"y", ""}, [&](std::span<const double> x) { return of(x[0], x[1]); }}});
  const SweepAnalysis found = analysis_of(folder / "a.db");
  const std::vector<double> a = {0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1}, b = {1, 2, 4, 8};
  double mean = 0.0, whole = 0.0, by_a = 0.0, by_b = 0.0;
  for (const double x : a)
    for (const double z : b) mean += of(x, z) / 36.0;
  for (const double x : a)
    for (const double z : b) whole += std::pow(of(x, z) - mean, 2) / 36.0;
  for (const double x : a) {
    double within = 0.0;
    for (const double z : b) within += of(x, z) / 4.0;
    by_a += std::pow(within - mean, 2) / 9.0;
  }
  for (const double z : b) {
    double within = 0.0;
    for (const double x : a) within += of(x, z) / 9.0;
    by_b += std::pow(within - mean, 2) / 4.0;
  }
  EXPECT_NEAR(found.scalars[0].associations[0].correlation_ratio, by_a / whole, 1e-12);
  EXPECT_NEAR(found.scalars[0].associations[1].correlation_ratio, by_b / whole, 1e-12);
  EXPECT_EQ(found.scalars[0].associations[0].bins, 9);
  EXPECT_EQ(found.scalars[0].associations[1].bins, 4);
}

TEST(AnalyseTest, says_why_there_is_no_response_surface) {
  const TempFolder folder;
  const MadeScalar sum{{"y", ""}, [](std::span<const double> x) { return x[0] + x[1]; }};
  const std::string grid = R"("grid": {"from": 0, "to": 1, "count": 9})";
  const std::string vary = "{" + factor("a", grid) + ", " + factor("b", grid) + "}";
  write_sweep_file(folder / "zip.db", sweep_text(vary, R"({"zip": {}})"), {sum});
  EXPECT_NE(analysis_of(folder / "zip.db").scalars[0].no_surface.find("determine each other"), std::string::npos);
  write_sweep_file(folder / "grid.db", sweep_text(vary, R"({"grid": {}})"), {sum});
  EXPECT_TRUE(analysis_of(folder / "grid.db").scalars[0].surface);
  write_sweep_file(folder / "few.db", sweep_text(vary, R"({"random": {"samples": 5}})"), {sum});
  EXPECT_NE(analysis_of(folder / "few.db").scalars[0].no_surface.find("as many cases as the 6 terms"),
            std::string::npos);
  std::string many = "{";
  for (int i = 0; i < 31; ++i) many += (i > 0 ? ", " : "") + uniform("f" + std::to_string(i), 0.0, 1.0);
  write_sweep_file(folder / "many.db", sweep_text(many + "}", R"({"random": {"samples": 600}})"), {sum});
  EXPECT_NE(analysis_of(folder / "many.db").scalars[0].no_surface.find("more than 30 factors"), std::string::npos);
}

TEST(AnalyseTest, a_response_surface_of_very_many_cases_is_fitted_to_some_of_them) {
  const TempFolder folder;
  std::string vary = "{";
  for (int i = 0; i < 20; ++i) vary += (i > 0 ? ", " : "") + uniform("f" + std::to_string(i), 0.0, 1.0);
  write_sweep_file(folder / "a.db", sweep_text(vary + "}", R"({"random": {"samples": 40000, "seed": 2}})"),
                   {{{"y", ""}, [](std::span<const double> x) { return x[3] * x[17] + x[19]; }}});
  const SweepAnalysis found = analysis_of(folder / "a.db", {.worst = 0});
  const ScalarAnalysis& y = found.scalars[0];
  ASSERT_TRUE(y.surface) << y.no_surface;
  EXPECT_EQ(y.surface->terms.size(), 231u);
  EXPECT_EQ(y.surface->cases, 37480u);  // 2e9 / 231^2
  EXPECT_NEAR(y.surface->validated_r_squared, 1.0, 1e-12);
  EXPECT_TRUE(y.worst.empty());
}

TEST(AnalyseTest, dropped_cases_and_correlation_are_told) {
  const TempFolder folder;
  const std::string vary = "{" + factor("a", R"("normal": {"mean": 0, "sd": 1})") + ", " +
                           factor("b", R"("normal": {"mean": 0, "sd": 1})") + "}";
  write_sweep_file(folder / "a.db",
                   sweep_text(vary, R"({"random": {"samples": 1000, "seed": 5}})",
                              R"("title": "two", "correlation": {"factors": ["a", "b"], "matrix": [[1, 0.9], [0.9, 1]]},
                                 "constraints": [{">": ["a", 0]}])"),
                   {{{"y", ""}, [](std::span<const double> x) { return x[1]; }}});
  const SweepAnalysis found = analysis_of(folder / "a.db");
  EXPECT_TRUE(found.correlated);
  EXPECT_EQ(found.title, "two");
  EXPECT_EQ(found.finished[0] + found.finished[1], 1000u);
  EXPECT_NEAR(static_cast<double>(found.finished[1]), 500.0, 60.0);
  EXPECT_EQ(found.scalars[0].summary.cases, found.finished[0]);
  EXPECT_GT(found.scalars[0].summary.mean.value, 0.5);
}

// ---- which scalars ----

TEST(AnalyseTest, scalars_are_chosen_by_name_and_pattern_in_the_order_of_the_file) {
  const TempFolder folder;
  const MadeScalar one{{"peak compression/L5_S1", "N"}, [](std::span<const double> x) { return x[0]; }};
  MadeScalar two = one, three = one;
  two.quantity.name = "min compression/L4_L5", three.quantity.name = "peak compression/L4_L5";
  write_sweep_file(folder / "a.db", sweep_text("{" + uniform("a", 0.0, 1.0) + "}", R"({"random": {"samples": 20}})"),
                   {one, two, three});
  const auto names = [&](const std::vector<std::string>& scalars) {
    std::vector<std::string> out;
    for (const ScalarAnalysis& scalar : analysis_of(folder / "a.db", {.scalars = scalars}).scalars)
      out.push_back(scalar.scalar.name);
    return out;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(names({}).size(), 3u);
  EXPECT_EQ(names({"peak compression/*"}), (List{"peak compression/L5_S1", "peak compression/L4_L5"}));
  EXPECT_EQ(names({"peak compression/L4_L5", "*/L5_S1"}), (List{"peak compression/L5_S1", "peak compression/L4_L5"}));
  EXPECT_EQ(error_of([&] { names({"peak compresion/L5_S1"}); }),
            (folder / "a.db") +
                ": expected the name of a recorded scalar (* stands for any characters but /), found "
                "\"peak compresion/L5_S1\", did you mean \"peak compression/L5_S1\"?");
  double last = -1.0;
  AnalysisOptions options;
  options.progress = [&](double share, const std::string&) {
    EXPECT_GT(share, last);
    last = share;
  };
  analysis_of(folder / "a.db", options);
  EXPECT_NEAR(last, 2.0 / 3.0, 1e-12);
}

// A thousand scalars are read in groups; each must keep its own numbers.
TEST(AnalyseTest, scalars_of_all_groups_keep_their_numbers) {
  const TempFolder folder;
  std::vector<MadeScalar> scalars;
  for (int i = 0; i < 1000; ++i)
    scalars.push_back({{"s" + std::to_string(i), ""}, [i](std::span<const double> x) { return i + x[0]; }});
  write_sweep_file(folder / "a.db", sweep_text("{" + uniform("a", 0.0, 1.0) + "}", R"({"random": {"samples": 12}})"),
                   scalars);
  const SweepAnalysis found = analysis_of(folder / "a.db");
  ASSERT_EQ(found.scalars.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    const ScalarAnalysis& scalar = found.scalars[static_cast<std::size_t>(i)];
    EXPECT_EQ(std::floor(scalar.summary.lowest), i);
    EXPECT_NEAR(scalar.worst[0].factors[0], scalar.worst[0].value - i, 1e-12);
    EXPECT_NEAR(scalar.associations[0].rank_correlation.value, 1.0, 1e-12);
  }
}

// ---- files that cannot be analysed ----

TEST(AnalyseTest, says_what_is_wrong_with_a_file) {
  const TempFolder folder;
  const std::string sweep = sweep_text("{" + uniform("a", 0.0, 1.0) + "}", R"({"random": {"samples": 4}})");
  const MadeScalar y{{"y", ""}, [](std::span<const double> x) { return x[0]; }};
  write_sweep_file(folder / "none.db", sweep, {y}, [](CaseRow& row) {
    row.status = CaseStatus::failed;
    return row.index > 0;
  });
  EXPECT_EQ(
      error_of([&] { analysis_of(folder / "none.db"); }),
      (folder / "none.db") +
          ": expected finished cases that are ok, found none: 1 of 4 are missing, the others failed or were dropped");

  StoreHeader header;
  header.machine = "m", header.provenance = "{}", header.fingerprint = "f";
  header.factors = {{"a", ""}};
  header.scalars = {{"y", ""}};
  header.cases = 4;
  const auto error_with = [&](const std::string& name) {
    Store::create(folder / name, header).close();
    return error_of([&] { analysis_of(folder / name); });
  };
  header.spec = "no JSON";
  EXPECT_NE(error_with("text.db").find("text.db"), std::string::npos);
  header.spec = "{}";
  EXPECT_EQ(error_with("empty.db"), (folder / "empty.db") + ": expected a recorded sweep with \"sweep\", found none");
  header.spec = test::recorded_text(sweep_text("{" + uniform("a", 0.0, 1.0) + "}", R"({"ranbom": {"samples": 4}})"));
  EXPECT_NE(error_with("kind.db").find("/sweep/sampler/ranbom: expected one of"), std::string::npos);
  header.spec = test::recorded_text(sweep);
  header.cases = 5;
  EXPECT_EQ(error_with("cases.db"),
            (folder / "cases.db") + ": is damaged: its columns or cases are not those of its sweep");
  header.cases = 4;
  header.factors = {{"b", ""}};
  EXPECT_EQ(error_with("factor.db"),
            (folder / "factor.db") + ": is damaged: its columns or cases are not those of its sweep");
  write_sweep_file(folder / "good.db", sweep, {y});
  EXPECT_EQ(place_of([&] { analysis_of(folder / "good.db", {.bootstrap = {.confidence = 1.5}}); }).first, "input");
}

// ---- the JSON file ----

TEST(AnalyseTest, json_has_every_number_and_is_the_same_each_time) {
  const TempFolder folder;
  write_sweep_file(folder / "a.db", sweep_text(ishigami_factors, R"({"sobol": {"samples": 64, "indices": true}})"),
                   {ishigami(), {{"same", "m"}, [](std::span<const double>) { return 2.0; }}});
  const SweepAnalysis found = analysis_of(folder / "a.db", {.worst = 2, .bootstrap = {.resamples = 50, .seed = 9}});
  const std::string text = analysis_json(found);
  EXPECT_EQ(text, analysis_json(analysis_of(folder / "a.db", {.worst = 2, .bootstrap = {.resamples = 50, .seed = 9}})));
  const json root = json::parse(text);
  EXPECT_EQ(root["format"], "psoas-analysis/1");
  EXPECT_EQ(root["sampler"], "sobol");
  EXPECT_EQ(root["cases"]["all"], 320);
  EXPECT_EQ(root["cases"]["ok"], 320);
  EXPECT_EQ(root["cases"]["missing"], 0);
  EXPECT_EQ(root["bootstrap"]["resamples"], 50);
  EXPECT_EQ(root["factors"][2]["name"], "x3");
  const json& y = root["scalars"]["y"];
  const ScalarAnalysis& of = found.scalars[0];
  EXPECT_EQ(y["unit"], "N");
  EXPECT_EQ(y["mean"]["value"], of.summary.mean.value);
  EXPECT_EQ(y["mean"]["low"], of.summary.mean.low);
  EXPECT_EQ(y["band"]["high"], of.summary.band_high);
  EXPECT_EQ(y["median"], of.summary.percentiles[0]);
  EXPECT_EQ(y["sobol"]["factors"]["x1"]["total"]["high"], of.sobol->total[0].high);
  EXPECT_EQ(y["sobol"]["samples"], 64);
  EXPECT_EQ(y["correlations"]["x2"]["rank_correlation"]["value"], of.associations[1].rank_correlation.value);
  EXPECT_EQ(y["response_surface"]["terms"].size(), 10u);
  EXPECT_EQ(y["response_surface"]["terms"][0]["of"], json::array());
  EXPECT_EQ(y["response_surface"]["terms"][5]["of"], (json{"x1", "x2"}));
  EXPECT_EQ(y["response_surface"]["terms"][5]["coefficient"], of.surface->terms[5].coefficient);
  EXPECT_EQ(y["worst"].size(), 2u);
  EXPECT_EQ(y["worst"][0]["factors"]["x3"], of.worst[0].factors[2]);
  const json& same = root["scalars"]["same"];
  EXPECT_TRUE(same["sobol"]["factors"]["x1"]["first"]["value"].is_null());
  EXPECT_EQ(same["standard_deviation"], 0.0);

  write_sweep_file(folder / "few.db", sweep_text(ishigami_factors, R"({"random": {"samples": 2}})"),
                   {{{"y", ""}, [](std::span<const double> x) { return x[0]; }}});
  const json few = json::parse(analysis_json(analysis_of(folder / "few.db")));
  EXPECT_TRUE(few["scalars"]["y"]["response_surface"]["none"].is_string());
}

// ---- size ----

// In a process of its own, whose peak of memory is its own.
TEST(AnalyseSlow, a_million_cases_need_less_than_500_megabytes) {
  const TempFolder folder;
  std::string vary = "{";
  for (int i = 0; i < 12; ++i) vary += (i > 0 ? ", " : "") + uniform("f" + std::to_string(i), 0.0, 1.0);
  vary += "}";
  const auto some = [](int i) {
    return MadeScalar{{"s" + std::to_string(i), "N"},
                      [i](std::span<const double> x) { return x[static_cast<std::size_t>(i)] * x[5] + x[6]; }};
  };
  for (const std::string sampler :
       {R"({"random": {"samples": 1000000}})", R"({"sobol": {"samples": 71428, "indices": true}})"}) {
    const std::string path = folder / ("a" + std::to_string(sampler.size()) + ".db");
    write_sweep_file(path, sweep_text(vary, sampler), {some(0), some(1), some(2)});
    const pid_t child = ::fork();
    if (child == 0) {
      bool whole = false;
      try {
        const SweepAnalysis found = analysis_of(path, {.bootstrap = {.resamples = 20}});
        whole = found.missing == 0 && found.scalars.size() == 3;
      } catch (const std::exception&) {
      }
      ::_exit(whole ? 0 : 1);
    }
    int status = 0;
    struct rusage usage {};
    ::wait4(child, &status, 0, &usage);
    EXPECT_EQ(status, 0);
    EXPECT_LT(usage.ru_maxrss / 1024, 500) << sampler << " [MB]";
    RecordProperty("megabytes_" + std::to_string(sampler.size()), static_cast<int>(usage.ru_maxrss / 1024));
  }
}

}  // namespace
}  // namespace psoas
