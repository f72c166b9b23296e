// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/spec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "psoas/core/sampling.hpp"
#include "psoas/io/file.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

using json = nlohmann::ordered_json;
using test::error_of;
using test::place_of;
using test::TempFolder;

const std::string study = R"({
  "format": "psoas-study/1", "study": "torque_curve", "title": "hip flexion",
  "model": ")" PSOAS_SOURCE_DIR R"(/models/iliopsoas.json",
  "edits": [
    { "name": "tight", "muscles": "group:iliopsoas", "scale": { "optimal_fibre_length": 1.0 } }
  ],
  "coordinate": "hip_flexion_r", "muscles": ["group:iliopsoas_r"], "from_deg": -20, "to_deg": 90, "step_deg": 10
}
)";

/// A folder with a base study and files written beside it.
struct Folder {
  TempFolder folder;
  Folder() { folder.write("study.json", study); }

  std::string write(const std::string& sweep) const { return folder.write("sweep.json", sweep); }
  SweepSpec read(const std::string& sweep) const { return read_sweep(write(sweep)); }
  /// The error of a sweep, without the folder's name.
  std::string error(const std::string& sweep) const {
    const std::string path = write(sweep), start = folder.path().string() + "/";
    std::string text = error_of([&] { read_sweep(path); });
    for (std::size_t at = text.find(start); at != std::string::npos; at = text.find(start))
      text.erase(at, start.size());
    return text;
  }
};

/// A sweep of one line each: what varies, the sampler, and more members.
std::string sweep(const std::string& vary, const std::string& sampler, const std::string& more = "") {
  return "{ \"format\": \"psoas-sweep/1\", \"base\": \"study.json\",\n  \"vary\": " + vary +
         ",\n  \"sampler\": " + sampler + ",\n  \"record\": [\"peak torque_capacity/hip_flexion_r\"]" +
         (more.empty() ? "" : ",\n  " + more) + "\n}\n";
}

std::vector<std::vector<double>> all(const SweepSpec& spec) {
  const Cases cases(spec);
  std::vector<std::vector<double>> rows;
  for (std::uint64_t k = 0; k < cases.count(); ++k) {
    rows.emplace_back(cases.factors());
    cases.at(k, rows.back());
  }
  return rows;
}

const std::string length = "/edits/tight/scale/optimal_fibre_length";

// ---- what is read ----

TEST(SweepFile, FindsItsFactorsAndTheirPlaces) {
  const Folder folder;
  const SweepSpec spec = folder.read(sweep(
      R"({ "note": "as a user writes it",
    "/edits/0/scale/optimal_fibre_length": { "name": "length", "uniform": { "low": 0.8, "high": 1.0 } },
    "/model/muscles/group:iliopsoas_r/physiological_cross_section_area": { "normal": { "mean": 4e-4, "sd": 1e-4, "low": 1e-4 } },
    "/subject/mass": { "normal": { "mean": 75, "sd": 12, "low": 45 } },
    "/model/muscles/psoas_L?_TP_r/tendon_slack_length": { "list": [0.1, 0.11] },
    "/step_deg": { "range": { "from": 5, "to": 10, "step": 5 }, "note": "coarse" } })",
      R"({ "sobol": { "samples": 64, "seed": 7, "indices": true } })"));
  ASSERT_EQ(spec.factors.size(), 5u);
  EXPECT_EQ(spec.factors[0].name, "length");
  EXPECT_EQ(spec.factors[0].targets, std::vector<std::string>{"/edits/0/scale/optimal_fibre_length"});
  const ModelSpec model = read_study(folder.folder / "study.json").model;
  const std::vector<std::string> muscles = select_muscles(model, "group:iliopsoas_r");
  ASSERT_GT(muscles.size(), 5u);
  ASSERT_EQ(spec.factors[1].targets.size(), muscles.size());
  for (const std::string& muscle : muscles)
    EXPECT_NE(std::find(spec.factors[1].targets.begin(), spec.factors[1].targets.end(),
                        "/model/muscles/" + muscle + "/physiological_cross_section_area"),
              spec.factors[1].targets.end());
  EXPECT_EQ(spec.factors[2].name, "/subject/mass");
  EXPECT_EQ(spec.factors[2].targets, std::vector<std::string>{"/subject/mass"}) << "a field that the file leaves out";
  ASSERT_EQ(spec.factors[3].targets.size(), select_muscles(model, "psoas_L?_TP_r").size());
  ASSERT_GE(spec.factors[3].targets.size(), 4u);
  EXPECT_EQ(std::get<NormalDistribution>(spec.factors[2].values).low, 45.0);
  EXPECT_EQ(std::get<SobolSampler>(spec.sampler).seed, 7);
  EXPECT_EQ(Cases(spec).count(), 64u * 7u);
  EXPECT_EQ(spec.record, std::vector<std::string>{"peak torque_capacity/hip_flexion_r"});
  // the base's own reader takes every one of these places
  std::vector<std::pair<std::string, std::string>> set;
  for (const std::string& target : spec.factors[1].targets) set.emplace_back(target, "0.0004");
  const Study changed = read_study(spec.base, set);
  for (const std::string& muscle : muscles)
    EXPECT_EQ(changed.model.muscles.find(muscle)->physiological_cross_section_area, 4e-4);
  EXPECT_EQ(read_study(spec.base, {{"/subject/mass", "80"}}).subject.mass, 80.0);
}

TEST(SweepFile, TakesAnEditsName) {
  const Folder folder;
  const SweepSpec spec = folder.read(sweep("{ \"" + length + "\": { \"list\": [0.8, 0.9] } }", R"({ "grid": {} })"));
  EXPECT_EQ(spec.factors[0].targets, std::vector<std::string>{"/edits/0/scale/optimal_fibre_length"});
}

TEST(SweepFile, TakesAStudyInside) {
  const Folder folder;
  json root = json::parse(sweep(R"({ "/step_deg": { "list": [5, 10] } })", R"({ "grid": {} })"));
  root["base"] = json::parse(study);
  const SweepSpec spec = folder.read(root.dump());
  EXPECT_EQ(spec.factors[0].targets, std::vector<std::string>{"/step_deg"});
  EXPECT_EQ(read_study(spec.base, {}).title, "hip flexion");
  EXPECT_EQ(json::parse(spec.provenance)["base"]["study"]["title"], "hip flexion");
}

TEST(SweepFile, EmbedsAllThatItReads) {
  const Folder folder;
  folder.folder.write("mass.csv", "mass\n70\n60\n80\n");
  const SweepSpec spec =
      folder.read(sweep(R"({ "/subject/mass": { "empirical": { "file": "mass.csv", "column": "mass", "low": 65 } } })",
                        R"({ "random": { "samples": 100 } })"));
  const json provenance = json::parse(spec.provenance);
  EXPECT_EQ(provenance["tables"]["mass.csv"]["text"], "mass\n70\n60\n80\n");
  EXPECT_TRUE(provenance["base"]["model"].contains("muscles"));
  EXPECT_EQ(provenance["sweep"]["sampler"]["random"]["samples"], 100);
  for (const auto& row : all(spec)) EXPECT_TRUE(row[0] == 70.0 || row[0] == 80.0);
}

// What the file of a sweep keeps is enough for its cases, wherever it is read.
TEST(RecordedSweep, HasTheSameCases) {
  SweepSpec spec;
  std::vector<std::vector<double>> rows;
  {
    const Folder folder;
    folder.folder.write("mass.csv", "mass\n70\n60\n80\n66.5\n");
    spec = folder.read(sweep(
        R"({ "/subject/mass": { "name": "mass", "empirical": { "file": "mass.csv", "column": "mass", "low": 65 } },
      "/from_deg": { "name": "from", "triangular": { "minimum": -30, "mode": -20, "maximum": 0 } },
      "/to_deg": { "name": "to", "expression": { "sum": [80, { "scale": { "of": "from", "by": 0.5 } }] } },
      "/edits/tight/scale/optimal_fibre_length": { "normal": { "mean": 0.9, "sd": 0.05 } },
      "/step_deg": { "list": [5, 10] }, "weight": { "lognormal": { "median": 1, "geometric_sd": 1.5 } } })",
        R"({ "latin_hypercube": { "samples": 200, "seed": 3 } })",
        R"("title": "recorded", "zipped": [["mass", "from"]],
      "correlation": { "factors": ["mass", "weight"], "matrix": [[1, 0.5], [0.5, 1]] },
      "constraints": [{ "<": ["weight", 2] }])"));
    rows = all(spec);
  }
  const SweepSpec back = recorded_sweep(spec.provenance, "a.db");
  EXPECT_EQ(back.title, "recorded");
  EXPECT_EQ(back.record, spec.record);
  EXPECT_EQ(back.provenance, spec.provenance);
  EXPECT_TRUE(back.base.path.empty() && back.base.text.empty());
  ASSERT_EQ(back.factors.size(), spec.factors.size());
  for (std::size_t f = 0; f < back.factors.size(); ++f) {
    EXPECT_EQ(back.factors[f].name, spec.factors[f].name);
    EXPECT_EQ(back.factors[f].dimension, spec.factors[f].dimension);
    EXPECT_TRUE(back.factors[f].targets.empty());
  }
  EXPECT_EQ(all(back), rows);
  EXPECT_EQ(Cases(back).dropped(0, 200), Cases(spec).dropped(0, 200));
  EXPECT_GT(Cases(back).dropped(0, 200), 0u);
}

TEST(RecordedSweep, KnowsItsDesignWithoutALargeTable) {
  const std::string text = R"({ "sweep": { "format": "psoas-sweep/1", "base": {}, "record": ["a"],
    "vary": { "/subject/mass": { "empirical": { "file": "mass.csv", "column": "mass" } }, "/step_deg": { "uniform": { "low": 5, "high": 10 } } },
    "sampler": { "morris": { "trajectories": 3 } } },
    "base": {}, "tables": { "mass.csv": { "fnv1a64": "0" } } })";
  const SweepSpec spec = recorded_sweep(text, "a.db");
  EXPECT_EQ(Cases(spec).count(), 9u);
  EXPECT_TRUE(std::isnan(std::get<EmpiricalDistribution>(spec.factors[0].values).values.at(0)));
}

TEST(RecordedSweep, SaysWhatIsWrong) {
  const auto error = [](const std::string& text) { return error_of([&] { recorded_sweep(text, "a.db"); }); };
  EXPECT_EQ(error("[]"), "a.db: expected a recorded sweep with \"sweep\", found none");
  EXPECT_EQ(error(R"({"sweep": {}})"), "a.db: expected a recorded sweep with \"tables\", found none");
  EXPECT_EQ(error(R"({"sweep": 1, "tables": {}})"), "a.db: expected a recorded sweep with \"sweep\", found none");
  EXPECT_EQ(error("{").rfind("a.db:1", 0), 0u);
  EXPECT_NE(error(R"({"sweep": {"format": "psoas-sweep/2"}, "tables": {}})").find("a.db:1: /sweep/format"),
            std::string::npos);
  const std::string vary = error(
      R"({"sweep": {"format": "psoas-sweep/1", "base": {}, "record": ["a"], "vary": {"/a": {"list": [1]}}, "sampler": {"sobel": {}}}, "tables": {}})");
  EXPECT_NE(vary.find("a.db:1: /sweep/sampler/sobel: expected one of"), std::string::npos) << vary;
  // a table of another shape than what is said of it
  const std::string table = error(
      R"({"sweep": {"format": "psoas-sweep/1", "base": {}, "record": ["a"], "vary": {"/a": {"empirical": {"file": "m.csv", "column": "mass"}}},
          "sampler": {"random": {"samples": 2}}}, "tables": {"m.csv": {"text": "height\n1\n"}}})");
  EXPECT_NE(table.find("/sweep/vary/~1a/empirical: "), std::string::npos) << table;
}

// ---- cases ----

TEST(SweepCases, AreTheGridOfTheFile) {
  const Folder folder;
  const auto rows = all(folder.read(sweep("{ \"" + length + R"(": { "grid": { "from": 0.8, "to": 1.0, "count": 3 } },
      "/step_deg": { "list": [5, 10] } })",
                                          R"({ "grid": {} })")));
  const std::vector<std::vector<double>> expected{{0.8, 5}, {0.8, 10}, {0.9, 5}, {0.9, 10}, {1.0, 5}, {1.0, 10}};
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t k = 0; k < rows.size(); ++k)
    for (std::size_t f = 0; f < 2; ++f) EXPECT_DOUBLE_EQ(rows[k][f], expected[k][f]);
}

TEST(SweepCases, ZippedFactorsMoveTogether) {
  const Folder folder;
  const auto rows =
      all(folder.read(sweep(R"({ "/from_deg": { "list": [-20, -10] }, "/step_deg": { "list": [5, 10, 11] },
      "/to_deg": { "list": [80, 90] } })",
                            R"({ "grid": {} })", R"("zipped": [["/from_deg", "/to_deg"]])")));
  ASSERT_EQ(rows.size(), 6u);
  for (const auto& row : rows) EXPECT_EQ(row[2], row[0] == -20 ? 80 : 90);
  const SweepSpec random =
      folder.read(sweep(R"({ "/from_deg": { "uniform": { "low": -20, "high": 0 } },
      "/step_deg": { "uniform": { "low": 5, "high": 10 } }, "/to_deg": { "uniform": { "low": 80, "high": 100 } } })",
                        R"({ "random": { "samples": 50 } })", R"("zipped": [["/to_deg", "/from_deg"]])"));
  EXPECT_EQ(Cases(random).design().dimensions(), 2u);
  for (const auto& row : all(random)) EXPECT_NEAR(row[2] - row[0], 100.0, 1e-12);
}

TEST(SweepCases, ListsAndZipsGiveTheirRows) {
  const Folder folder;
  const std::vector<std::vector<double>> expected{{-20, 80}, {-10, 90}, {0, 70}};
  EXPECT_EQ(all(folder.read(sweep(R"({ "/from_deg": { "listed": {} }, "/to_deg": { "listed": {} } })",
                                  R"({ "list": [[-20, 80], [-10, 90], [0, 70]] })"))),
            expected);
  EXPECT_EQ(all(folder.read(sweep(R"({ "/from_deg": { "list": [-20, -10, 0] }, "/to_deg": { "list": [80, 90, 70] } })",
                                  R"({ "zip": {} })"))),
            expected);
}

TEST(SweepCases, ExpressionsFollowTheirFactors) {
  const Folder folder;
  // in the file an expression may stand before what it uses
  const auto rows = all(folder.read(sweep(R"({
      "/to_deg": { "name": "to", "expression": { "sum": ["from", "width"] } },
      "/from_deg": { "name": "from", "expression": { "scale": { "of": "width", "by": -0.25 } } },
      "width": { "list": [80, 100] },
      "/step_deg": { "expression": { "max": [ { "min": [ { "ratio": ["width", 10] }, 9 ] }, { "product": [2, 0.5, 3] } ] } }
      })",
                                          R"({ "grid": {} })")));
  EXPECT_EQ(rows, (std::vector<std::vector<double>>{{60, -20, 80, 8}, {75, -25, 100, 9}}));
}

TEST(SweepCases, ConstraintsDropAndCount) {
  const Folder folder;
  const SweepSpec spec = folder.read(
      sweep(R"({ "/from_deg": { "name": "a", "list": [0, 10, 20, 30] },
      "/to_deg": { "name": "b", "list": [0, 10, 20, 30] } })",
            R"({ "grid": {} })", R"("constraints": [{ "<": ["a", "b"] }, { "<=": [{ "sum": ["a", "b"] }, 40] }])"));
  const Cases cases(spec);
  ASSERT_EQ(cases.count(), 16u);
  std::vector<double> v(2);
  std::uint64_t kept = 0;
  for (std::uint64_t k = 0; k < 16; ++k) {
    const Verdict verdict = cases.at(k, v);
    EXPECT_EQ(verdict == Verdict::run, v[0] < v[1] && v[0] + v[1] <= 40.0);
    kept += verdict == Verdict::run;
  }
  EXPECT_EQ(kept, 5u);  // 0-10, 0-20, 0-30, 10-20 and 10-30
  EXPECT_EQ(cases.dropped(0, 16), 11u);
  EXPECT_EQ(cases.dropped(0, 7) + cases.dropped(7, 16), 11u);
}

TEST(SweepCases, ARatioToZeroIsNoCase) {
  const Folder folder;
  const SweepSpec spec = folder.read(sweep(
      R"({ "a": { "list": [0, 2] }, "/to_deg": { "expression": { "ratio": [90, "a"] } } })", R"({ "grid": {} })"));
  const Cases cases(spec);
  std::vector<double> v(2);
  EXPECT_EQ(cases.at(0, v), Verdict::not_finite);
  EXPECT_EQ(cases.at(1, v), Verdict::run);
  EXPECT_EQ(v[1], 45.0);
}

TEST(SweepCases, CorrelatedNormalsHaveTheirMatrix) {
  const Folder folder;
  const std::string vary = R"({
      "/to_deg": { "name": "c", "normal": { "mean": 90, "sd": 2 } },
      "/subject/mass": { "name": "a", "normal": { "mean": 75, "sd": 12 } },
      "/step_deg": { "name": "free", "uniform": { "low": 5, "high": 10 } },
      "/subject/height": { "name": "b", "normal": { "mean": 1.75, "sd": 0.07 } } })";
  const std::string correlation =
      R"("correlation": { "factors": ["a", "b", "c"], "matrix": [[1, 0.6, -0.3], [0.6, 1, 0.2], [-0.3, 0.2, 1]] })";
  constexpr int n = 20000;
  for (const std::string sampler :
       {R"({ "random": { "samples": 20000, "seed": 5 } })", R"({ "latin_hypercube": { "samples": 20000, "seed": 5 } })",
        R"({ "sobol": { "samples": 20000, "seed": 5 } })"}) {
    SCOPED_TRACE(sampler);
    const auto rows = all(folder.read(sweep(vary, sampler, correlation)));
    const double mean[] = {90, 75, 7.5, 1.75}, sd[] = {2, 12, 5 / std::sqrt(12.0), 0.07};
    const double expected[4][4] = {{1, -0.3, 0, 0.2}, {-0.3, 1, 0, 0.6}, {0, 0, 1, 0}, {0.2, 0.6, 0, 1}};
    for (int i = 0; i < 4; ++i)
      for (int k = 0; k <= i; ++k) {
        double r = 0.0;
        for (const auto& row : rows) r += (row[i] - mean[i]) / sd[i] * (row[k] - mean[k]) / sd[k] / n;
        // of normals the product has a standard deviation of sqrt(1 + r^2) at most sqrt 2; four of them
        EXPECT_NEAR(r, expected[i][k], 4.0 * std::sqrt(2.0 / n)) << i << " " << k;
      }
  }
}

TEST(SweepCases, AreTheSameInAnyOrder) {
  const Folder folder;
  const SweepSpec spec =
      folder.read(sweep(R"({ "/to_deg": { "name": "c", "normal": { "mean": 90, "sd": 2 } },
      "/subject/mass": { "name": "a", "lognormal": { "mean": 75, "sd": 12 } },
      "/step_deg": { "expression": { "scale": { "of": "c", "by": 0.1 } } } })",
                        R"({ "latin_hypercube": { "samples": 500, "seed": 5 } })",
                        R"("correlation": { "factors": ["a", "c"], "matrix": [[1, 0.5], [0.5, 1]] })"));
  const auto rows = all(spec);
  const Cases cases(spec);
  std::vector<double> v(3, std::nan(""));
  for (std::uint64_t i = 0; i < 500; ++i) {
    const std::uint64_t k = shuffled(i, 500, 3);
    cases.at(k, v);
    ASSERT_EQ(v, rows[k]);
  }
}

// ---- what is refused ----

struct Hostile {
  const char* name;
  std::string vary, sampler, more;
  std::string where;  // "line: pointer"
  std::string words;
};

TEST(HostileSweeps, AreRefusedAtTheirPlace) {
  const Folder folder;
  folder.folder.write("mass.csv", "mass,text\n70,nan\n");
  const std::string grid = R"({ "grid": {} })", random = R"({ "random": { "samples": 10 } })";
  const std::string step = R"({ "/step_deg": { "list": [5, 10] } })";
  const std::string two = R"({ "/from_deg": { "name": "a", "normal": { "mean": 1, "sd": 1 } }, )"
                          R"("/to_deg": { "name": "b", "normal": { "mean": 1, "sd": 1 } } })";
  const std::vector<Hostile> cases{
      {"a trillion samples", step, R"({ "random": { "samples": 1000000000000 } })", "", "3: /sampler/random/samples",
       "from 1 to 1e+09"},
      {"a trillion combinations",
       R"({ "/from_deg": { "grid": { "from": 0, "to": 1, "count": 1000000 } }, "/to_deg": { "grid": { "from": 2, "to": 3, "count": 1000000 } } })",
       grid, "", "3: /sampler/grid", "at most 1000000000 cases"},
      {"too many for indices", R"({ "/step_deg": { "uniform": { "low": 5, "high": 6 } } })",
       R"({ "sobol": { "samples": 900000000, "indices": true } })", "", "3: /sampler/sobol",
       "at most 1000000000 cases"},
      {"no number of samples", step, R"({ "random": {} })", "", "3: /sampler/random", "missing \"samples\""},
      {"unknown sampler", step, R"({ "sobel": { "samples": 4 } })", "", "3: /sampler/sobel", "did you mean \"sobol\"?"},
      {"pointer to nothing", R"({ "/step_dge": { "list": [1] } })", grid, "", "2: /vary/~1step_dge",
       "did you mean \"step_deg\"?"},
      {"muscle that is not there", R"({ "/model/muscles/group:ilopsoas/max_isometric_force": { "list": [1] } })", grid,
       "", "2: /vary/~1model~1muscles~1group:ilopsoas~1max_isometric_force", "did you mean \"group:iliopsoas\"?"},
      {"glob that matches nothing", R"({ "/model/muscles/xyz_*/max_isometric_force": { "list": [1] } })", grid, "",
       "2: /vary/~1model~1muscles~1xyz_*~1max_isometric_force", "matches something"},
      {"an edit that is not there", R"({ "/edits/7/scale/optimal_fibre_length": { "list": [1] } })", grid, "",
       "2: /vary/~1edits~17~1scale~1optimal_fibre_length", "index"},
      {"not a number", R"({ "/title": { "list": [1] } })", grid, "", "2: /vary/~1title",
       "expected a place for a number, found one for string"},
      {"an object", R"({ "/edits/0": { "list": [1] } })", grid, "", "2: /vary/~1edits~10",
       "expected a place for a number, found one for object"},
      {"the model", R"({ "/model": { "list": [1] } })", grid, "", "2: /vary/~1model", "expected a place for a number"},
      {"two factors for a number",
       R"({ "/model/muscles/group:iliopsoas/tendon_slack_length": { "list": [1] }, "/model/muscles/psoas_L2_TP_r/tendon_slack_length": { "list": [1] } })",
       grid, "", "2: /vary/~1model~1muscles~1psoas_L2_TP_r~1tendon_slack_length", "no other factor varies"},
      {"a force beside an area", R"({ "/model/muscles/psoas_L2_TP_r/max_isometric_force": { "list": [300] } })", grid,
       "", "2: /vary", "either max_isometric_force or physiological_cross_section_area"},
      {"null", R"({ "/step_deg": { "list": [1, null] } })", grid, "", "2: /vary/~1step_deg/list/1",
       "expected a number"},
      {"text", R"({ "/step_deg": { "uniform": { "low": "NaN", "high": 1 } } })", random, "",
       "2: /vary/~1step_deg/uniform/low", "expected a number"},
      {"empty list", R"({ "/step_deg": { "list": [] } })", grid, "", "2: /vary/~1step_deg/list", "empty list"},
      {"no values", R"({ "/step_deg": {} })", grid, "", "2: /vary/~1step_deg", "names the kind"},
      {"unknown values", R"({ "/step_deg": { "unifrom": { "low": 1, "high": 2 } } })", random, "",
       "2: /vary/~1step_deg/unifrom", "did you mean \"uniform\"?"},
      {"missing end", R"({ "/step_deg": { "uniform": { "low": 1 } } })", random, "", "2: /vary/~1step_deg/uniform",
       "missing \"high\""},
      {"wrong way round", R"({ "/step_deg": { "uniform": { "low": 2, "high": 1 } } })", random, "",
       "2: /vary/~1step_deg/uniform", "low below high"},
      {"all cut off", R"({ "/step_deg": { "normal": { "mean": 0, "sd": 1, "low": 50 } } })", random, "",
       "2: /vary/~1step_deg/normal", "cut all of it off"},
      {"endless range", R"({ "/step_deg": { "range": { "from": 0, "to": 1, "step": 1e-12 } } })", grid, "",
       "2: /vary/~1step_deg/range", "at most 10000000"},
      {"no factors", "{}", grid, "", "2: /vary", "expected an object from JSON pointers"},
      {"a name that nothing uses", R"({ "step_deg": { "list": [1] } })", grid, "", "2: /vary/step_deg",
       "expected a JSON pointer such as"},
      {"a name twice", R"({ "/from_deg": { "name": "a", "list": [1] }, "/to_deg": { "name": "a", "list": [1] } })",
       grid, "", "2: /vary/~1to_deg", "no other factor has"},
      {"no table", R"({ "/subject/mass": { "empirical": { "file": "none.csv", "column": "mass" } } })", random, "",
       "2: /vary/~1subject~1mass/empirical/file", "none.csv"},
      {"no column", R"({ "/subject/mass": { "empirical": { "file": "mass.csv", "column": "mas" } } })", random, "",
       "2: /vary/~1subject~1mass/empirical", "mass"},
      {"nan in a table", R"({ "/subject/mass": { "empirical": { "file": "mass.csv", "column": "text" } } })", random,
       "", "2: /vary/~1subject~1mass/empirical", "text"},
      {"distribution in a grid", R"({ "/step_deg": { "uniform": { "low": 1, "high": 2 } } })", grid, "",
       "2: /vary/~1step_deg", "found a distribution"},
      {"unequal zip", R"({ "/from_deg": { "list": [1, 2] }, "/to_deg": { "list": [1] } })", R"({ "zip": {} })", "",
       "3: /sampler/zip", "as many levels"},
      {"unequal zipped", R"({ "/from_deg": { "list": [1, 2] }, "/to_deg": { "list": [1] } })", grid,
       R"("zipped": [["/from_deg", "/to_deg"]])", "5: /zipped/0", "as many levels"},
      {"unknown zipped", step, grid, R"("zipped": [["/step_deg", "/stepdeg"]])", "5: /zipped/0/1",
       "did you mean \"/step_deg\"?"},
      {"ragged list", R"({ "/from_deg": { "listed": {} }, "/to_deg": { "listed": {} } })",
       R"({ "list": [[1, 2], [3]] })", "", "3: /sampler/list", "in case 1"},
      {"listed without a list", R"({ "/step_deg": { "listed": {} } })", random, "", "2: /vary/~1step_deg",
       "without the sampler"},
      {"unknown factor", R"({ "/step_deg": { "expression": "lenght" }, "length": { "list": [1] } })", grid, "",
       "2: /vary/~1step_deg/expression", "did you mean \"length\"?"},
      {"unknown operation", R"({ "/step_deg": { "expression": { "power": ["/step_deg", 2] } } })", grid, "",
       "2: /vary/~1step_deg/expression", "scale, ratio, sum"},
      {"circle of one", R"({ "/step_deg": { "name": "a", "expression": { "sum": ["a", 1] } } })", grid, "",
       "2: /vary/~1step_deg/expression", "found a -> a"},
      {"circle of three",
       R"({ "/step_deg": { "name": "a", "expression": "b" }, "/from_deg": { "name": "b", "expression": { "sum": [1, "c"] } }, "/to_deg": { "name": "c", "expression": { "max": ["a", "b"] } } })",
       grid, "", "2: /vary/~1from_deg/expression", "found b -> c -> b"},
      {"only expressions", R"({ "/step_deg": { "expression": 5 } })", grid, "", "3: /sampler/grid",
       "at least one factor that the sampler varies"},
      {"values and expression", R"({ "/step_deg": { "expression": 5, "list": [1] } })", grid, "",
       "2: /vary/~1step_deg/list", "found both"},
      {"not positive definite", two, random, R"("correlation": { "factors": ["a", "b"], "matrix": [[1, 1], [1, 1]] })",
       "5: /correlation/matrix", "positive definite"},
      {"beyond one", two, random, R"("correlation": { "factors": ["a", "b"], "matrix": [[1, 2], [2, 1]] })",
       "5: /correlation/matrix/0/1", "from -1 to 1"},
      {"not symmetric", two, random, R"("correlation": { "factors": ["a", "b"], "matrix": [[1, 0.2], [0.1, 1]] })",
       "5: /correlation/matrix/1/0", "symmetric"},
      {"no unit diagonal", two, random, R"("correlation": { "factors": ["a", "b"], "matrix": [[1, 0.2], [0.2, 0.9]] })",
       "5: /correlation/matrix/1/1", "1 on the diagonal"},
      {"small matrix", two, random, R"("correlation": { "factors": ["a", "b"], "matrix": [[1, 0.2]] })",
       "5: /correlation/matrix", "2 rows"},
      {"correlation of nothing", two, random,
       R"("correlation": { "factors": ["a", "d"], "matrix": [[1, 0.2], [0.2, 1]] })", "5: /correlation/factors/1",
       "expected the name of a factor"},
      {"correlated indices", two, R"({ "sobol": { "samples": 8, "indices": true } })",
       R"("correlation": { "factors": ["a", "b"], "matrix": [[1, 0.2], [0.2, 1]] })", "5: /correlation", "only random"},
      {"Morris without ends", two, R"({ "morris": { "trajectories": 8 } })", "", "2: /vary/~1from_deg",
       "expected low and high"},
      {"odd levels", R"({ "/step_deg": { "uniform": { "low": 1, "high": 2 } } })",
       R"({ "morris": { "trajectories": 8, "levels": 5 } })", "", "3: /sampler/morris", "even number"},
      {"constraints of a design", step, R"({ "sobol": { "samples": 8, "indices": true } })",
       R"("constraints": [{ "<": ["/step_deg", 7] }])", "5: /constraints", "expected none"},
      {"unknown comparison", step, grid, R"("constraints": [{ "==": ["/step_deg", 7] }])", "5: /constraints/0",
       "one of <, <=, >, >="},
      {"unknown in a constraint", step, grid, R"("constraints": [{ "<": ["step", 7] }])", "5: /constraints/0/</0",
       "expected the name of a factor"},
      {"unknown key", step, grid, R"("recrod": [])", "5: /recrod", "did you mean \"record\"?"},
  };
  for (const Hostile& one : cases) {
    SCOPED_TRACE(one.name);
    const std::string said = folder.error(sweep(one.vary, one.sampler, one.more));
    EXPECT_EQ(said.rfind("sweep.json:", 0), 0u) << said;
    EXPECT_NE(said.find("sweep.json:" + one.where + ": "), std::string::npos) << said;
    EXPECT_NE(said.find(one.words), std::string::npos) << said;
  }
}

TEST(HostileSweeps, NameAllProblemsAtOnce) {
  const Folder folder;
  const std::string said = folder.error(R"({ "format": "psoas-sweep/1",
  "vary": { "/step_deg": { "uniform": { "low": 2, "high": 1 } }, "/to_deg": { "list": ["x"] } },
  "sampler": { "random": { "samples": -1 } },
  "record": [] })");
  for (const char* words :
       {"missing \"base\"", "low below high", "/vary/~1to_deg/list/0", "/sampler/random/samples", "empty list"})
    EXPECT_NE(said.find(words), std::string::npos) << said;
}

TEST(HostileSweeps, SayWhatTheirBaseLacks) {
  const Folder folder;
  const std::string vary = R"({ "/step_deg": { "list": [5] } })", grid = R"({ "grid": {} })";
  std::string text = sweep(vary, grid);
  text.replace(text.find("study.json"), 10, "nothing.json");
  const std::string path = folder.write(text);
  const auto [kind, where] = place_of([&] { read_sweep(path); });
  EXPECT_EQ(kind, "io");
  EXPECT_EQ(where, path + ":1: /base");
  folder.folder.write("study.json", R"({ "format": "psoas-study/1", "study": "torque_curve" })");
  EXPECT_EQ(folder.error(sweep(vary, grid)).rfind("study.json:1: /", 0), 0u);
}

TEST(HostileSweeps, AChainOfExpressionsIsNoCircle) {
  const Folder folder;
  std::string vary = "{ \"f0\": { \"list\": [1] }";
  for (int i = 1; i < 900; ++i)
    vary +=
        ", \"f" + std::to_string(i) + "\": { \"expression\": { \"sum\": [\"f" + std::to_string(i - 1) + "\", 1] } }";
  vary += R"(, "/to_deg": { "expression": { "scale": { "of": "f899", "by": 0.1 } } } })";
  const auto rows = all(folder.read(sweep(vary, R"({ "grid": {} })")));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_DOUBLE_EQ(rows[0].back(), 90.0);
}

TEST(SweepSchema, HasEveryKind) {
  const json schema = json::parse(sweep_schema());
  const auto kinds_in = [](const json& one_of) {
    std::vector<std::string> names;
    for (const json& one : one_of) names.push_back(one["required"][0]);
    return names;
  };
  const auto values = kinds_in(schema["properties"]["vary"]["additionalProperties"]["oneOf"]);
  EXPECT_EQ(values.size(), std::variant_size_v<Values> + 1);
  EXPECT_EQ(values.back(), "expression");
  EXPECT_EQ(kinds_in(schema["properties"]["sampler"]["oneOf"]).size(), std::variant_size_v<Sampler>);
}

TEST(SweepSchema, FileIsCurrent) {
  const std::string path = std::string(PSOAS_SOURCE_DIR) + "/models/schema/psoas-sweep-1.json";
  if (std::getenv("PSOAS_WRITE_SCHEMA")) write_file_atomically(path, sweep_schema());
  EXPECT_EQ(read_file(path), sweep_schema()) << path << " is not what the program writes";
}

}  // namespace
}  // namespace psoas
