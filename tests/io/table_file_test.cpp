// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/io/table_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "psoas/core/units.hpp"
#include "psoas/io/file.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

using test::error_of;
using test::TempFolder;
using Numbers = std::vector<double>;
using Words = std::vector<std::string>;

const double nan = std::numeric_limits<double>::quiet_NaN();

const std::string opensim =
    "Coordinates\n"
    "version=1\n"
    "nRows=3\n"
    "nColumns=3\n"
    "inDegrees=yes\n"
    "\n"
    "Units are S.I. units (second, meters, Newtons, ...)\n"
    "If the header above contains a line with 'inDegrees', this indicates whether rotational values are in degrees "
    "(yes) or radians (no).\n"
    "\n"
    "endheader\n"
    "time\thip_flexion_r\tpelvis_tx\n"
    "      0.00000000\t     10.50000000\t     -0.25000000\n"
    "      0.01000000\t     11.00000000\t      1e-3\n"
    "      0.02000000\t     12.00000000\t      nan\n";

void expect_opensim(const Table& table, bool degrees = true) {
  EXPECT_EQ(table.names, (Words{"hip_flexion_r", "pelvis_tx"}));
  ASSERT_TRUE(table.time.has_value());
  EXPECT_EQ(*table.time, (Numbers{0.0, 0.01, 0.02}));
  EXPECT_EQ(table.columns[0], (Numbers{10.5, 11.0, 12.0}));
  EXPECT_EQ(table.columns[1][1], 0.001);
  EXPECT_TRUE(std::isnan(table.columns[1][2]));
  EXPECT_EQ(table.in_degrees, degrees);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// ---- what is read ----

TEST(ReadTable, OpenSim) {
  TempFolder folder;
  const std::string path = folder.write("ik.mot", opensim);
  const Table table = read_table(path);
  expect_opensim(table);
  EXPECT_EQ(table.name, "Coordinates");
  EXPECT_EQ(table.source, path);
  EXPECT_EQ(table.lines, (std::vector<std::size_t>{12, 13, 14}));
  EXPECT_EQ(error_of([&] { table.require_finite("pelvis_tx"); }),
            path + ":14: pelvis_tx: expected a finite number, found nan");
}

TEST(ReadTable, VariantsOfTheSameFile) {
  const std::string bare = replaced(opensim, "nRows=3\nnColumns=3\n", "");
  const std::vector<std::string> variants{
      replaced(opensim, "\n", "\r\n"),
      replaced(opensim, "\n", "\r"),
      "\xEF\xBB\xBF" + opensim,
      replaced(opensim, "inDegrees=yes", "INDEGREES = Yes"),
      replaced(opensim, "=", " = "),
      replaced(opensim, "nRows=3\nnColumns=3", "datarows 3\ndatacolumns 3"),
      replaced(opensim, "endheader", "EndHeader  "),
      replaced(opensim, "endheader\n", ""),
      replaced(replaced(opensim, "endheader\n", ""), "\n", "\r\n"),
      replaced(opensim, "endheader\n", "endheader\n\n# remark\n"),
      replaced(opensim, "\t", "  "),
      replaced(opensim, "\t", " \t"),
      replaced(opensim, "pelvis_tx\n", "pelvis_tx\t\n"),
      replaced(opensim, "nan\n", "NaN\n\n# the end\n\n"),
      opensim.substr(0, opensim.size() - 1),
      replaced(opensim, "10.5", "+10.5"),
      replaced(opensim, "time\t", "Time\t"),
      bare,
  };
  for (const std::string& text : variants) {
    SCOPED_TRACE(text);
    expect_opensim(parse_table(text, "x.sto"));
    expect_opensim(parse_table(text, "x.mot"));
    if (text.find("ndheader") != text.npos || text.find("nRows") != text.npos) expect_opensim(parse_table(text, "x"));
  }
  expect_opensim(parse_table(replaced(opensim, "inDegrees=yes", "inDegrees=NO"), "x.mot"), false);
  expect_opensim(parse_table(replaced(opensim, "inDegrees=yes\n", ""), "x.mot"), false);
}

TEST(ReadTable, SimmMotion) {
  const Table table = parse_table(
      "name grf 1.mot\ndatacolumns 2\ndatarows 2\notherdata 1\nrange 0 1\nendheader\ntime ground_force_vx\n0 1\n1 2\n",
      "grf.mot");
  EXPECT_EQ(table.name, "grf 1.mot");
  EXPECT_EQ(table.names, Words{"ground_force_vx"});
  EXPECT_FALSE(table.in_degrees);
}

TEST(ReadTable, NamesWithSpacesBetweenTabs) {
  const Table table = parse_table("x\nendheader\ntime\tleft hip\tright hip\n0\t1\t2\n", "a.sto");
  EXPECT_EQ(table.names, (Words{"left hip", "right hip"}));
  EXPECT_EQ(parse_table("x\nendheader\ntime a\tb\n0 1 2\n", "a.sto").names, (Words{"a", "b"}));
}

TEST(ReadTable, CommaSeparated) {
  const Table table = parse_table(
      "# inDegrees = YES\n\n# made by hand\n time , \"hip, right\" ,\"say \"\"knee\"\"\",muscle_force/group:psoas\n"
      "0, 1.5,, 3\n# half time\n\n1,\"2.5\",NaN,inf\n2 , -nan, 7 ,\"\"\n",
      "data/walk.csv");
  EXPECT_EQ(table.names, (Words{"hip, right", "say \"knee\"", "muscle_force/group:psoas"}));
  EXPECT_EQ(table.name, "walk");
  EXPECT_EQ(*table.time, (Numbers{0, 1, 2}));
  EXPECT_EQ(table.columns[0][1], 2.5);
  EXPECT_TRUE(std::isnan(table.columns[0][2]) && std::isnan(table.columns[1][0]) && std::isnan(table.columns[2][2]));
  EXPECT_EQ(table.columns[1][2], 7.0);
  EXPECT_EQ(table.columns[2][1], std::numeric_limits<double>::infinity());
  EXPECT_TRUE(table.in_degrees);
  EXPECT_EQ(table.lines, (std::vector<std::size_t>{5, 8, 9}));
}

TEST(ReadTable, WithoutTimeOrWithTimeFurtherRight) {
  const Table none = parse_table("a,b\n1,2\n3,4\n", "a.csv");
  EXPECT_FALSE(none.time.has_value());
  EXPECT_EQ(none.rows(), 2u);
  const Table right = parse_table("a,time\n1,2\n3,4\n", "a.csv");
  EXPECT_EQ(*right.time, (Numbers{2, 4}));
  EXPECT_EQ(right.names, Words{"a"});
  EXPECT_EQ(parse_table("x\nendheader\na b\n1 2\n", "a.sto").rows(), 1u);
  EXPECT_EQ(parse_table("a\n1\n\n3\n", "a.csv").columns[0], (Numbers{1, 3}));
}

TEST(ReadTable, ContentDecidesWhereTheEndingDoesNot) {
  EXPECT_EQ(parse_table("time,a\n0,1\n", "states.txt").names, Words{"a"});
  EXPECT_EQ(parse_table("time a\n0 1\n", "states.txt").names, Words{"a"});
  EXPECT_EQ(parse_table("time,a\n0,1\n", "STATES.CSV").names, Words{"a"});
  expect_opensim(parse_table(opensim, "renamed.csv"));
}

TEST(ReadTable, NumbersOfAllSizes) {
  const Table table = parse_table(
      "a\n0.1\n1e-400\n-1e-400\n4.9406564584124654e-324\n1.7976931348623157e308\n-0\n.5\n5.\n1E+02\n"
      "0.5e-999\n1e-320\n1e-99999\n-1E-99999\n",
      "a.csv");
  const Numbers& a = table.columns[0];
  EXPECT_EQ(a,
            (Numbers{0.1, 0.0, -0.0, 5e-324, 1.7976931348623157e308, -0.0, 0.5, 5.0, 100.0, 0.0, 1e-320, 0.0, -0.0}));
  EXPECT_TRUE(std::signbit(a[2]) && std::signbit(a[5]) && !std::signbit(a[1]));
}

// ---- what is refused ----

struct Bad {
  std::string file, text, message;
};

TEST(ReadTable, EveryProblemHasItsPlace) {
  const std::string head = "x\nendheader\n";
  const std::vector<Bad> cases{
      {"a.mot", "", "a.mot:1: expected a table, found an empty file"},
      {"a.csv", " \r\n\n\t", "a.csv:1: expected a table, found an empty file"},
      {"a.csv", "\xEF\xBB\xBF", "a.csv:1: expected a table, found an empty file"},
      {"a.csv", "# only a remark\n", "a.csv:1: expected column names, found the end of the file"},
      {"a.csv", "time,a\n", "a.csv:1: expected rows of numbers below the column names, found none"},
      {"a.mot", head, "a.mot:2: expected column names after endheader, found the end of the file"},
      {"a.mot", head + "time a", "a.mot:3: expected rows of numbers below the column names, found none"},
      {"a.mot", "x\nversion=1\n0 1\n0 2\n",
       "a.mot:4: expected a line \"endheader\" and then column names, found the end of the file"},
      {"a.mot", "x\ntime a b\n0 1\n",
       "a.mot:3: expected a line \"endheader\" and then column names, found the end of the file"},
      {"a.csv", std::string("time,a\n0,\0\n", 11), "a.csv:2: expected a table of text, found binary data"},
      {"a.csv", "\xFF\xFEt\x01", "a.csv:1: expected a table in UTF-8, found UTF-16"},
      {"a.csv", "\x01\x02,b\n1,2\n", "a.csv:1: expected column names as text, found \"\\x01\\x02\""},
      {"a.csv",
       "time,H\xFC"
       "fte\n1,2\n",
       "a.csv:1: expected column names in UTF-8, found \"H\\xfcfte\""},
      {"a.trc", "PathFileType 4 (X/Y/Z) a.trc\n",
       "a.trc:1: expected a .sto, .mot or .csv table, found a marker file (.trc)"},

      {"a.csv", "1,2\n3,4\n", "a.csv:1: expected column names, found the number 1"},
      {"a.mot", head + "0 1\n1 2\n", "a.mot:3: expected column names, found the number 0"},
      {"a.csv", "time,a,a\n0,1,2\n", "a.csv:1: expected column names that differ, found \"a\" in columns 2 and 3"},
      {"a.csv", "time,,a\n0,1,2\n", "a.csv:1: expected a name for column 2, found an empty one"},
      {"a.csv", "time,a,\n0,1,2\n", "a.csv:1: expected a name for column 3, found an empty one"},
      {"a.mot", head + "time\ta\t\tb\n0\t1\t2\t3\n", "a.mot:3: expected a name for column 3, found an empty one"},
      {"a.csv", "time,Time\n0,1\n", "a.csv:1: expected one column of time, found \"time\" and \"Time\""},
      {"a.csv", "time;a\n0;1\n", "a.csv:1: expected columns separated by commas, found \"time;a\""},
      {"a.csv", "time\ta\n0\t1\n", "a.csv:1: expected columns separated by commas, found \"time\\x09a\""},
      {"a.csv", "time,\"a\n0,1\n", "a.csv:1: expected a closing quote in the same line, found none"},
      {"a.csv", "time,\"a\"b\n0,1\n", "a.csv:1: expected a comma after the closing quote, found \"b\""},

      {"a.csv", "time,a\n0,1\n1\n", "a.csv:3: expected 2 cells, one for each column name, found 1"},
      {"a.csv", "time,a\n0,1\n1,2,\n", "a.csv:3: expected 2 cells, one for each column name, found 3"},
      {"a.mot", head + "time a b\n0\t\t2\n", "a.mot:4: expected 3 cells, one for each column name, found 2"},
      {"a.csv", "time,a\n0,x1\n", "a.csv:2: a: expected a number, found \"x1\""},
      {"a.csv", "time,a\n0,1x\n", "a.csv:2: a: expected a number, found \"1x\""},
      {"a.csv", "time,a\n0,1 2\n", "a.csv:2: a: expected a number, found \"1 2\""},
      {"a.csv", "time,a\n0,\"1,5\"\n",
       "a.csv:2: a: expected a number, found \"\"1,5\"\" (decimals take a point, not a comma)"},
      {"a.csv", "time,a\n0,1e999\n", "a.csv:2: a: expected a number, found \"1e999\""},
      {"a.csv", "time,a\n0,1e99999\n", "a.csv:2: a: expected a number, found \"1e99999\""},
      {"a.csv", "time,a\n0,0.5e999\n", "a.csv:2: a: expected a number, found \"0.5e999\""},
      {"a.csv", "time,a\n0,0x10\n", "a.csv:2: a: expected a number, found \"0x10\""},
      {"a.csv", "time,a\n0,++1\n", "a.csv:2: a: expected a number, found \"++1\""},
      {"a.csv", "time,a\n0,--\n", "a.csv:2: a: expected a number, found \"--\""},
      {"a.csv", "time,a\n0,'1'\n", "a.csv:2: a: expected a number, found \"'1'\""},
      {"a.mot", head + "time a\n0 0,5\n",
       "a.mot:4: a: expected a number, found \"0,5\" (decimals take a point, not a comma)"},
      {"a.csv", "time,a\n0," + std::string(50, 'z') + "\n",
       "a.csv:2: a: expected a number, found \"" + std::string(40, 'z') + "…\""},

      {"a.csv", "time,a\n0,1\n0,2\n", "a.csv:3: time: expected more than 0 of the row before, found 0"},
      {"a.csv", "time,a\n1,1\n0.5,2\n", "a.csv:3: time: expected more than 1 of the row before, found 0.5"},
      {"a.csv", "time,a\n,1\n", "a.csv:2: time: expected a finite number, found nan"},
      {"a.csv", "time,a\n0,1\ninf,1\n", "a.csv:3: time: expected a finite number, found inf"},

      {"a.mot", replaced(opensim, "nRows=3", "nRows=4"),
       "a.mot:3: rows: expected 3, the number that follows, found 4 (is the file cut off?)"},
      {"a.mot", replaced(opensim, "nRows=3", "nRows=2"), "a.mot:3: rows: expected 3, the number that follows, found 2"},
      {"a.mot", replaced(opensim, "nRows=3", "nRows=three"), "a.mot:3: rows: expected a whole number, found \"three\""},
      {"a.mot", replaced(opensim, "nRows=3", "nRows=-3"), "a.mot:3: rows: expected a whole number, found \"-3\""},
      {"a.mot", replaced(opensim, "nColumns=3", "nColumns=4"),
       "a.mot:4: columns: expected 3, the number of names in line 11, found 4"},
      {"a.mot", replaced(opensim, "nRows=3", "nRows=99999999999999999999"),
       "a.mot:3: rows: expected a whole number, found \"99999999999999999999\""},
      {"a.mot", replaced(opensim, "inDegrees=yes", "inDegrees=maybe"),
       "a.mot:5: inDegrees: expected yes or no, found \"maybe\""},
      {"a.csv", "# inDegrees=1\na\n1\n", "a.csv:1: inDegrees: expected yes or no, found \"1\""},
      {"a.sto", "x\nDataType=Vec3\nendheader\ntime\ta\n0\t1,2,3\n",
       "a.sto:2: DataType: expected double, found \"Vec3\""},
      {"a.mot", opensim.substr(0, opensim.size() - 10),
       "a.mot:14: expected 3 cells, one for each column name, found 2"},
  };
  for (const Bad& bad : cases) {
    EXPECT_EQ(error_of([&] { parse_table(bad.text, bad.file); }), bad.message) << bad.text;
    EXPECT_EQ(test::place_of([&] { parse_table(bad.text, bad.file); }),
              std::pair(std::string("input"), bad.message.substr(0, bad.message.find(": "))));
  }
}

TEST(ReadTable, SeveralProblemsAreToldTogetherAndManyAreCounted) {
  EXPECT_EQ(error_of([] { parse_table("time,a\n0,x\n1\n2,y\n", "a.csv"); }),
            "a.csv:2: a: expected a number, found \"x\"\n"
            "a.csv:3: expected 2 cells, one for each column name, found 1\n"
            "a.csv:4: a: expected a number, found \"y\"");
  std::string many = "a\n";
  for (int i = 0; i < 1000; ++i) many += "x\n";
  const std::string text = error_of([&] { parse_table(many, "a.csv"); });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 20);
  EXPECT_EQ(text.substr(text.rfind('\n')), "\nand 980 more problems");
}

TEST(ReadTable, WhatIsNoFileIsAnInputOutputError) {
  TempFolder folder;
  EXPECT_EQ(test::place_of([&] { read_table(folder.path().string()); }),
            std::pair(std::string("io"), folder.path().string()));
  EXPECT_EQ(test::place_of([&] { read_table(folder / "no.csv"); }).first, "io");
  EXPECT_EQ(error_of([&] { read_table("/dev/null"); }), "/dev/null:1: expected a table, found an empty file");
}

TEST(ReadTable, EveryCutOffFileIsReadOrRefusedInOrder) {
  // No crash and no other exception, wherever a file ends or has a strange byte; nothing is half read silently as long
  // as the header counts its rows.
  for (std::size_t n = 0; n < opensim.size(); ++n) {
    const std::string text = error_of([&] { parse_table(opensim.substr(0, n), "a.mot"); });
    if (n < opensim.size() - 3) {
      EXPECT_EQ(text.substr(0, 6), "a.mot:") << n;
    }
    for (const char strange : {'\0', '\n', '\r', '\t', '"', '#', ',', '\xff', 'e', '-'}) {
      std::string changed = opensim;
      changed[n] = strange;
      error_of([&] { parse_table(changed, "a.mot"); });
      error_of([&] { parse_table(changed, "a.csv"); });
    }
  }
}

// ---- what is written ----

Table made() {
  Table table;
  table.name = "a title";
  table.time = {0.0, 0.1, 1.0 / 3.0};
  table.add("hip", {0.1, -0.0, 1e-300});
  table.add("compression/L5_S1", {nan, std::numeric_limits<double>::infinity(), 2.5});
  return table;
}

TEST(WriteTable, AsText) {
  EXPECT_EQ(write_csv(made()), "time,hip,compression/L5_S1\n0,0.1,nan\n0.1,-0,inf\n0.3333333333333333,1e-300,2.5\n");
  Table degrees = made();
  degrees.in_degrees = true;
  EXPECT_EQ(write_sto(degrees),
            "a title\nversion=1\nnRows=3\nnColumns=3\ninDegrees=yes\nendheader\ntime\thip\tcompression/L5_S1\n"
            "0\t0.1\tnan\n0.1\t-0\tinf\n0.3333333333333333\t1e-300\t2.5\n");
}

void expect_same(const Table& a, const Table& b) {
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.time, b.time);
  EXPECT_EQ(a.in_degrees, b.in_degrees);
  ASSERT_EQ(a.columns.size(), b.columns.size());
  for (std::size_t c = 0; c < a.columns.size(); ++c) {
    ASSERT_EQ(a.columns[c].size(), b.columns[c].size());
    for (std::size_t i = 0; i < a.columns[c].size(); ++i)
      EXPECT_TRUE(a.columns[c][i] == b.columns[c][i] || (std::isnan(a.columns[c][i]) && std::isnan(b.columns[c][i])));
  }
}

TEST(WriteTable, ReadsBackTheSame) {
  for (const std::string title : {"a title", "", "nRows=7", "endheader", "time 1", "# x", "name", "name x", "nRows 4",
                                  "version", "inDegrees yes", "two\nlines", "= x", "Größe"}) {
    Table table = made();
    table.name = title;
    table.in_degrees = title.empty();
    const Table back = parse_table(write_sto(table), "x.sto");
    expect_same(back, table);
    EXPECT_EQ(back.name, title.empty() ? "psoas" : replaced(title, "\n", " "));
    expect_same(parse_table(write_csv(table), "x.csv"), table);
  }
  Table odd = made();
  odd.names = {"hip, \"right\" #1", "12"};
  expect_same(parse_table(write_csv(odd), "x.csv"), odd);
  expect_same(parse_table(write_sto(odd), "x.sto"), odd);
  odd.time.reset();
  odd.names = {"12", "#3"};
  expect_same(parse_table(write_csv(odd), "x.csv"), odd);
  Table bare;
  bare.time = {0.0, 1.0};
  expect_same(parse_table(write_csv(bare), "x.csv"), bare);
  expect_same(parse_table(write_sto(bare), "x.sto"), bare);
}

TEST(WriteTable, EveryDoubleReadsBack) {
  Table table;
  std::vector<double> values;
  std::uint64_t bits = 88172645463325252u;  // xorshift64 (Marsaglia 2003)
  for (int i = 0; i < 20000; ++i) {
    bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    values.push_back(value);
  }
  table.add("x", values);
  expect_same(parse_table(write_csv(table), "x.csv"), table);
}

TEST(WriteTable, RefusesWhatWouldNotReadBack) {
  Table table = made();
  table.time.reset();
  EXPECT_EQ(error_of([&] { write_sto(table); }), "a title: expected a column of time for a .sto file, found none");
  EXPECT_EQ(error_of([] { write_csv(Table{}); }), "table: expected columns to write, found none");
  table = made();
  table.columns[1].pop_back();
  EXPECT_EQ(error_of([&] { write_csv(table); }), "a title: expected 3 rows in column \"compression/L5_S1\", found 2");
  table = made();
  table.names.pop_back();
  EXPECT_EQ(error_of([&] { write_csv(table); }), "a title: expected a name for each of 2 columns, found 1");
  for (const std::string name : {"", "a\nb", "a\tb", " a", "Time"}) {
    table = made();
    table.names[1] = name;
    EXPECT_NE(error_of([&] { write_csv(table); }).find("expected a column name that a file can hold"),
              std::string::npos);
  }
  table = made();
  table.names[1] = "hip";
  EXPECT_NE(error_of([&] { write_csv(table); }).find("expected column names that differ"), std::string::npos);
}

}  // namespace
}  // namespace psoas
