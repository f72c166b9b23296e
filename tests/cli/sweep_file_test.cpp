// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The verbs that look at the file of a sweep.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/program.hpp"
#include "psoas/report/text.hpp"
#include "support/sweep_files.hpp"

namespace psoas::test {
namespace {

using json = nlohmann::ordered_json;

const std::string vary = R"({
  "/edits/tight/scale/optimal_fibre_length": {"uniform": {"low": 0.8, "high": 1.0}},
  "/model/muscles/group:gluteus_maximus/max_isometric_force": {"uniform": {"low": 0.5, "high": 1.0}},
  "/subject/mass": {"name": "mass", "uniform": {"low": 45, "high": 100}}})";
const std::string shear = "rep_1/at_seat_off anterior_shear/L5_S1", load = "peak compression/L5_S1";

class SweepFile : public Cli {
 protected:
  /// A sweep of 300 cases, or a shard: 2 cases failed, 1 did not converge.
  void write(const std::string& name, const Shard& shard = {},
             const std::string& sampler = R"({"random": {"samples": 300}})",
             const std::string& more = R"("title": "tight and weak")") const {
    write_sweep_file(
        folder / name, sweep_text(vary, sampler, more),
        {{{shear, "N"}, [](std::span<const double> x) { return 500.0 * (1.1 - x[0]) * x[2]; }},
         {{load, "N"}, [](std::span<const double> x) { return 40.0 * x[2] + 100.0 * x[1]; }}},
        [](CaseRow& row) {
          if (row.index == 3 || row.index == 120) {
            row.status = CaseStatus::failed;
            row.message = "psoas_L2_TP_r: the fibre is too short";
          }
          if (row.index == 50) row.status = CaseStatus::not_converged;
          return true;
        },
        shard);
  }
  void write_shards() const {
    for (std::uint32_t i = 1; i <= 3; ++i) write("s" + std::to_string(i) + ".db", {i, 3});
  }
};

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, text_width(line));
  return widest;
}

// --- status ----------------------------------------------------------------------------------------------------------

TEST_F(SweepFile, StatusCountsCases) {
  write("a.db");
  const Ran ran = psoas({"sweep", "status", "a.db"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "tight and weak\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "  cases          300\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "  ok             297\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "  failed           2\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "  missing          0\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "  2 times, first in case 3: psoas_L2_TP_r: the fibre is too short\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "600 ms (2.0 ms a case)")) << ran.out;
  EXPECT_TRUE(ran.err.empty()) << ran.err;
  const json root = json::parse(psoas({"sweep", "status", "a.db", "--json"}).out);
  EXPECT_EQ(root["title"], "tight and weak");
  EXPECT_EQ(root["cases"], 300);
  EXPECT_EQ(root["ok"], 297);
  EXPECT_EQ(root["failed"], 2);
  EXPECT_EQ(root["not_converged"], 1);
  EXPECT_EQ(root["missing"], 0);
  EXPECT_TRUE(root["missing_ranges"].empty());
  EXPECT_NEAR(root["seconds"].get<double>(), 0.6, 1e-9);
  EXPECT_EQ(root["bytes"], std::filesystem::file_size(folder / "a.db"));
  EXPECT_EQ(root["scalars"][0]["name"], shear);
  EXPECT_EQ(root["factors"][2]["name"], "mass");
}

TEST_F(SweepFile, StatusNamesWhatIsMissing) {
  write_sweep_file(folder / "a.db", sweep_text(vary, R"({"random": {"samples": 100}})"),
                   {{{load, "N"}, [](auto) { return 1.0; }}},
                   [](CaseRow& row) { return row.index < 40 || (row.index > 60 && row.index != 66); }, {1, 1});
  const Ran ran = psoas({"sweep", "status", "a.db"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "  missing         22  40 to 60, 66\n")) << ran.out;
  const json root = json::parse(psoas({"sweep", "status", "a.db", "--json"}).out);
  EXPECT_EQ(root["missing_ranges"], json::parse("[[40, 60], [66, 66]]"));

  write("s2.db", {2, 3});
  const Ran shard = psoas({"sweep", "status", "s2.db"});
  EXPECT_TRUE(has(shard.out, "  cases          100  shard 2/3: 100 to 199 of 300\n")) << shard.out;
  EXPECT_EQ(json::parse(psoas({"sweep", "status", "s2.db", "--json"}).out)["shard"],
            json::parse(R"({"index": 2, "count": 3, "first_case": 100})"));
}

TEST_F(SweepFile, EachVerbSaysWhatIsWrongWithAFile) {
  write("a.db");
  const std::string bytes = folder.read("a.db");
  folder.write("cut.db", bytes.substr(0, bytes.size() / 2));
  folder.write("text.db", "{\"format\": \"psoas-sweep/1\"}\n");
  folder.write("empty.db", "");
  for (const char* verb : {"status", "export", "analyse"}) {
    const auto refusal = [&](const std::string& file) {
      const Ran ran = psoas({"sweep", verb, file});
      EXPECT_EQ(ran.code, 2) << verb << " " << file;
      EXPECT_TRUE(ran.out.empty()) << ran.out;
      EXPECT_TRUE(has(ran.err, file + ": ")) << ran.err;
      return ran.err;
    };
    EXPECT_TRUE(has(refusal("nothing.db"), "found none of this name")) << verb;
    EXPECT_TRUE(has(refusal("cut.db"), "is damaged")) << verb;
    EXPECT_TRUE(has(refusal("text.db"), "is no SQLite database")) << verb;
    EXPECT_TRUE(has(refusal("empty.db"), "found an empty file")) << verb;
    EXPECT_TRUE(has(refusal("."), "found a folder")) << verb;
    EXPECT_EQ(psoas({"sweep", verb}).code, 2);
    EXPECT_EQ(psoas({"sweep", verb, "a.db", "another.db"}).code, 2);
  }
  EXPECT_EQ(folder.names(), (std::set<std::string>{"a.db", "cut.db", "text.db", "empty.db"}));
}

// --- merge -----------------------------------------------------------------------------------------------------------

TEST_F(SweepFile, MergeJoinsShards) {
  write_shards();
  write("whole.db");
  const Ran ran = psoas({"sweep", "merge", "s3.db", "s1.db", "s2.db", "-o", "all.db"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "tight and weak · 3 files merged\n297 ok · 2 failed · 1 not converged\n")) << ran.out;
  EXPECT_TRUE(has(ran.err, "all.db · ")) << ran.err;
  const json root = json::parse(psoas({"sweep", "merge", "s2.db", "s3.db", "s1.db", "-o", "again.db", "--json"}).out);
  EXPECT_EQ(root["ok"], 297);
  EXPECT_EQ(root["missing"], 0);
  EXPECT_EQ(root["shards"], (json{"s2.db", "s3.db", "s1.db"}));
  EXPECT_EQ(folder.read("all.db"), folder.read("again.db"));
  EXPECT_EQ(psoas({"sweep", "export", "all.db"}).code, 0);
  EXPECT_EQ(psoas({"sweep", "export", "whole.db"}).code, 0);
  EXPECT_EQ(folder.read("all.csv"), folder.read("whole.csv"));
  EXPECT_FALSE(folder.read("all.csv").empty());
}

TEST_F(SweepFile, MergeRefusesWhatDoesNotBelongTogether) {
  write_shards();
  write("other.db", {2, 3}, R"({"random": {"samples": 300, "seed": 4}})");
  const auto refusal = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"sweep", "merge"});
    const Ran ran = psoas(arguments);
    EXPECT_EQ(ran.code, 2) << ran.out;
    EXPECT_FALSE(folder.names().contains("all.db"));
    return ran.err;
  };
  EXPECT_TRUE(has(refusal({"s1.db", "other.db", "s3.db", "-o", "all.db"}), "is of another sweep than s1.db"));
  EXPECT_TRUE(has(refusal({"s1.db", "other.db", "s3.db", "-o", "all.db"}), "seed"));
  EXPECT_TRUE(has(refusal({"s1.db", "s3.db", "-o", "all.db"}), "100 of 300 cases are in no shard: 100 to 199"));
  EXPECT_TRUE(has(refusal({"s1.db", "s1.db", "-o", "all.db"}), "is named twice"));
  EXPECT_TRUE(has(refusal({"s1.db", "nothing.db", "-o", "all.db"}), "nothing.db: "));
  EXPECT_TRUE(has(refusal({"s1.db", "s2.db"}), "--output is required"));
  EXPECT_TRUE(has(refusal({"s1.db", "s2.db", "s3.db", "-o", "s1.db"}), "cannot be both"));
  const Ran some = psoas({"sweep", "merge", "s1.db", "s3.db", "-o", "some.db", "--allow-missing"});
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_TRUE(has(some.out, "100 missing")) << some.out;
}

// --- export ----------------------------------------------------------------------------------------------------------

TEST_F(SweepFile, ExportWritesBesideTheFile) {
  write("runs/a.db");
  const Ran ran = psoas({"sweep", "export", "runs/a.db"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.out.empty());
  EXPECT_TRUE(has(ran.err, "runs/a.csv · 297 ok · 2 failed · 1 not converged · 3 factors, 2 scalars")) << ran.err;
  const std::string csv = folder.read("runs/a.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 301);
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "case,status,/edits/tight/scale/optimal_fibre_length,"
            "/model/muscles/group:gluteus_maximus/max_isometric_force,mass," +
                shear + "," + load + ",message");
  EXPECT_EQ(psoas({"sweep", "export", "runs/a.db", "--netcdf"}).code, 0);
  EXPECT_EQ(folder.read("runs/a.nc").substr(0, 3), "CDF");
  EXPECT_EQ(psoas({"sweep", "export", "runs/a.db", "-o", "by_name.nc"}).code, 0);
  EXPECT_EQ(folder.read("by_name.nc"), folder.read("runs/a.nc"));
  EXPECT_EQ(psoas({"sweep", "export", "runs/a.db", "--csv", "-o", "table.txt"}).code, 0);
  EXPECT_EQ(folder.read("table.txt"), csv);
  EXPECT_EQ(psoas({"sweep", "export", "runs/a.db", "-o", "/dev/stdout"}).out, csv);
}

TEST_F(SweepFile, NothingTakesThePlaceOfTheFile) {
  write("a.csv");
  const std::string bytes = folder.read("a.csv");
  EXPECT_EQ(psoas({"sweep", "export", "a.csv"}).code, 2);
  EXPECT_EQ(psoas({"sweep", "export", "a.csv", "-o", "./a.csv"}).code, 2);
  EXPECT_TRUE(has(psoas({"sweep", "analyse", "a.csv", "-o", "a.csv"}).err, "is the file of the sweep"));
  const Ran both = psoas({"sweep", "export", "a.csv", "--csv", "--netcdf"});
  EXPECT_EQ(both.code, 2);
  EXPECT_TRUE(has(both.err, "expected --csv or --netcdf, found both")) << both.err;
  EXPECT_EQ(folder.read("a.csv"), bytes);
  EXPECT_EQ(folder.names(), (std::set<std::string>{"a.csv"}));
  EXPECT_EQ(psoas({"sweep", "export", "a.csv", "-o", "/proc/nothing/a.csv"}).code, 2);
}

// --- analyse ---------------------------------------------------------------------------------------------------------

TEST_F(SweepFile, AnalysePrintsTablesAndWritesJson) {
  write("runs/a.db");
  const Ran ran = psoas({"sweep", "analyse", "runs/a.db"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "tight and weak · random · 3 factors · 300 cases\n297 ok, 2 failed, 1 not converged\n"))
      << ran.out;
  EXPECT_TRUE(has(ran.out, shear + " [N]")) << ran.out;
  EXPECT_TRUE(has(ran.out, "correlation ratio")) << ran.out;
  EXPECT_TRUE(has(ran.out, "rms in cases that it was not fitted to (10 terms, 297 cases)")) << ran.out;
  EXPECT_LE(widest_line(ran.out), 118u) << ran.out;
  EXPECT_TRUE(has(ran.err, "runs/a_analysis.json · ")) << ran.err;
  const std::string text = folder.read("runs/a_analysis.json");
  const json root = json::parse(text);
  EXPECT_EQ(root["scalars"].size(), 2u);
  EXPECT_EQ(root["scalars"][shear]["cases"], 297);
  EXPECT_EQ(root["scalars"][load]["worst"].size(), 3u);
  // the load is linear in mass and strength
  EXPECT_NEAR(root["scalars"][load]["response_surface"]["validated_r_squared"].get<double>(), 1.0, 1e-9);

  const Ran as_json = psoas({"sweep", "analyse", "runs/a.db", "--json", "-o", "b.json"});
  EXPECT_EQ(as_json.code, 0);
  EXPECT_EQ(as_json.out, text);
  EXPECT_EQ(folder.read("b.json"), text);
  const Ran one = psoas({"sweep", "analyse", "runs/a.db", "--scalar", "peak */L5_S1", "--worst", "1", "-o", "b.json"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_FALSE(has(one.out, shear)) << one.out;
  EXPECT_EQ(json::parse(folder.read("b.json"))["scalars"][load]["worst"].size(), 1u);
}

TEST_F(SweepFile, AnalyseFollowsTheSampler) {
  write("sobol.db", {}, R"({"sobol": {"samples": 60, "indices": true}})");
  const Ran sobol = psoas({"sweep", "analyse", "sobol.db"});
  EXPECT_EQ(sobol.code, 0) << sobol.err;
  EXPECT_TRUE(has(sobol.out, "57 samples, 3 left out that are not whole")) << sobol.out;
  EXPECT_TRUE(has(sobol.out, "first-order index")) << sobol.out;
  EXPECT_LE(widest_line(sobol.out), 118u) << sobol.out;
  write("morris.db", {}, R"({"morris": {"trajectories": 75, "seed": 1}})");
  const Ran morris = psoas({"sweep", "analyse", "morris.db"});
  EXPECT_EQ(morris.code, 0) << morris.err;
  EXPECT_TRUE(has(morris.out, "72 trajectories, 3 left out that are not whole")) << morris.out;
  EXPECT_TRUE(has(morris.out, "μ*")) << morris.out;
  EXPECT_TRUE(has(morris.out, "no quadratic formula: trajectories")) << morris.out;
  EXPECT_LE(widest_line(morris.out), 118u) << morris.out;
}

TEST_F(SweepFile, AnalyseSaysWhatItCannotDo) {
  write("a.db");
  const Ran scalar = psoas({"sweep", "analyse", "a.db", "--scalar", "peak compresion/L5_S1"});
  EXPECT_EQ(scalar.code, 2);
  EXPECT_TRUE(has(scalar.err, "did you mean \"peak compression/L5_S1\"?")) << scalar.err;
  for (const auto& [option, value] :
       {std::pair{"--worst", "-1"}, {"--worst", "all"}, {"--resamples", "1.5"}, {"--seed", ""}, {"--seed", "x"}}) {
    if (*value == '\0') continue;
    const Ran ran = psoas({"sweep", "analyse", "a.db", option, value});
    EXPECT_EQ(ran.code, 2) << option;
    EXPECT_TRUE(has(ran.err, std::string(option) + ": expected a whole number")) << ran.err;
  }
  EXPECT_EQ(folder.names(), (std::set<std::string>{"a.db"}));
  EXPECT_EQ(psoas({"sweep", "analyse", "a.db", "-o", "/proc/nothing/a.json"}).code, 2);
}

TEST_F(SweepFile, HelpListsVerbsOfTwoWords) {
  const Ran help = psoas({"--help"});
  for (const char* verb : {"sweep status", "sweep merge", "sweep export", "sweep analyse"})
    EXPECT_TRUE(has(help.out, std::string("\n  ") + verb + " ")) << help.out;
  EXPECT_EQ(psoas({"sweep", "statsu", "a.db"}).code, 2);
}

}  // namespace
}  // namespace psoas::test
