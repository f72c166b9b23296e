// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "psoas/core/log.hpp"
#include "psoas/core/units.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

using test::error_of;

const double nan = std::numeric_limits<double>::quiet_NaN();

Table walk() {
  Table table;
  table.name = "walk";
  table.time = {0.0, 0.1, 0.2, 0.3, 0.4};
  table.add("hip", {0, 1, 4, 9, 16});
  table.add("knee", {1, 1, 2, 2, 3});
  return table;
}

TEST(Table, FindsItsColumns) {
  const Table table = walk();
  EXPECT_EQ(table.rows(), 5u);
  EXPECT_EQ(table.index("knee"), 1);
  EXPECT_EQ(table.index("ankle"), -1);
  EXPECT_EQ(table.find("ankle"), nullptr);
  EXPECT_EQ(table.column("hip")[2], 4.0);
  EXPECT_EQ(Table().rows(), 0u);
  EXPECT_EQ(error_of([&] { table.column("hipp"); }),
            "walk: expected a column \"hipp\", found hip, knee, did you mean \"hip\"?");
  EXPECT_EQ(error_of([&] { Table().column("hip"); }), "table: expected a column \"hip\", found no columns");
  EXPECT_EQ(error_of([&] { Table().times(); }), "table: expected a column \"time\", found none");
}

TEST(Table, RefusesColumnsThatDoNotFit) {
  Table table = walk();
  EXPECT_EQ(error_of([&] {
              table.add("hip", {0, 0, 0, 0, 0});
            }),
            "walk: expected a new column, found \"hip\" already there");
  EXPECT_EQ(error_of([&] { table.add("ankle", {0, 0}); }), "walk: expected 5 values for column \"ankle\", found 2");
  EXPECT_EQ(table.names.size(), 2u);
}

TEST(Table, NamesThePlaceOfWhatIsNotFinite) {
  Table table = walk();
  table.require_finite("hip");
  table.columns[1][3] = nan;
  EXPECT_EQ(error_of([&] { table.require_finite("knee"); }), "walk row 4: knee: expected a finite number, found nan");
  table.source = "data/walk.csv", table.lines = {2, 3, 5, 6, 7};
  EXPECT_EQ(error_of([&] { table.require_finite("knee"); }),
            "data/walk.csv:6: knee: expected a finite number, found nan");
}

TEST(Table, TurnsRotationsIntoRadiansOnce) {
  Table table = walk();
  const auto rotational = [](std::string_view name) { return name == "hip"; };
  convert_to_radians(table, rotational);
  EXPECT_EQ(table.column("hip")[4], 16.0);
  table.in_degrees = true;
  convert_to_radians(table, rotational);
  convert_to_radians(table, rotational);
  EXPECT_FALSE(table.in_degrees);
  EXPECT_EQ(table.column("hip")[4], degrees(16.0));
  EXPECT_EQ(table.column("knee")[4], 3.0);
}

TEST(Table, ResamplesStraightAndByQuinticSpline) {
  Table table = walk();
  table.in_degrees = true;
  const std::vector<double> times{0.0, 0.05, 0.2, 0.33, 0.4};
  const Table straight = resampled(table, times, Between::linear), curved = resampled(table, times);
  EXPECT_EQ(straight.names, table.names);
  EXPECT_TRUE(straight.in_degrees);
  EXPECT_EQ(*straight.time, times);
  EXPECT_DOUBLE_EQ(straight.column("hip")[1], 0.5);
  EXPECT_DOUBLE_EQ(straight.column("hip")[3], 11.1);
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_NEAR(curved.column("hip")[i], 100.0 * times[i] * times[i], 1e-12);  // a parabola stays one
  EXPECT_NEAR(curved.column("knee")[2], 2.0, 1e-12);
  EXPECT_DOUBLE_EQ(straight.column("knee")[4], 3.0);
}

TEST(Table, ResamplingRefusesToGuess) {
  Table table = walk();
  EXPECT_EQ(error_of([&] { resampled(table, {0.1, 0.5}); }), "walk: expected times from 0 to 0.4 s, found 0.5 s");
  EXPECT_EQ(error_of([&] { resampled(table, {nan}); }), "walk: expected times from 0 to 0.4 s, found nan s");
  EXPECT_EQ(error_of([&] {
              resampled(table, {0.2, 0.1});
            }),
            "walk: expected increasing times, found 0.1 s after 0.2 s");
  EXPECT_NO_THROW(resampled(table, {0.4 + 1e-11}));
  table.columns[0][1] = nan;
  EXPECT_EQ(error_of([&] { resampled(table, {0.1}); }), "walk row 2: hip: expected a finite number, found nan");
  table.time.reset();
  EXPECT_EQ(error_of([&] { resampled(table, {0.1}); }), "walk: expected a column \"time\", found none");
  Table one;
  one.time = {0.0};
  EXPECT_EQ(error_of([&] { resampled(one, {0.0}, Between::linear); }),
            "table: expected at least 2 rows to resample, found 1");
}

TEST(Table, UniformTimesIncludeTheLastOne) {
  EXPECT_EQ(uniform_times(0.0, 1.0, 4.0), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(uniform_times(0.0, 0.3, 10.0).size(), 4u);  // 0.3 * 10 rounds below 3
  EXPECT_EQ(uniform_times(2.0, 2.0, 10.0), (std::vector<double>{2.0}));
  EXPECT_EQ(uniform_times(0.0, 0.99, 2.0).size(), 2u);
  EXPECT_NE(error_of([] { uniform_times(1.0, 0.0, 10.0); }), "no error");
  EXPECT_NE(error_of([] { uniform_times(0.0, 1.0, 0.0); }), "no error");
  EXPECT_NE(error_of([] { uniform_times(0.0, 1e9, 1e9); }), "no error");
  EXPECT_NE(error_of([] { uniform_times(0.0, nan, 1.0); }), "no error");
}

TEST(Table, ShortestTextReadsBack) {
  EXPECT_EQ(shortest_text(0.1), "0.1");
  EXPECT_EQ(shortest_text(-0.0), "-0");
  EXPECT_EQ(shortest_text(1e300), "1e+300");
  EXPECT_EQ(shortest_text(-nan), "nan");
  EXPECT_EQ(shortest_text(-std::numeric_limits<double>::infinity()), "-inf");
  for (const double x : {1.0 / 3.0, 5e-324, 1.7976931348623157e308, -2.2250738585072014e-308})
    EXPECT_EQ(std::strtod(shortest_text(x).c_str(), nullptr), x);
}

TEST(Log, SaysALineWhereSomebodyListens) {
  std::string heard;
  say([&](std::string_view line) { heard = line; }, "half done");
  EXPECT_EQ(heard, "half done");
  EXPECT_NO_THROW(say(Log{}, "nobody"));
}

}  // namespace
}  // namespace psoas
