// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The program as a person or a script meets it: exit codes, words, files.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/table_file.hpp"

namespace psoas::test {
namespace {

const std::string source = PSOAS_SOURCE_DIR;
const std::string pendulum = source + "/examples/passive_swing/pendulum.json";
const std::string swing = source + "/examples/passive_swing/pendulum_study.json";

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

const std::vector<std::string> verbs = {"run",           "sweep", "sweep status", "sweep merge", "sweep export",
                                        "sweep analyse", "check", "info",         "evaluate",    "convert",
                                        "fit-paths",     "new",   "validate"};

// --- fitted paths ----------------------------------------------------------------------------------------------------

TEST_F(Cli, FitPathsWritesAModelThatExtendsTheExactOne) {
  std::string leg = bytes_of(source + "/tests/bad/good_model.json");
  std::string ball = leg;
  ball.replace(ball.find("\"muscles\""), 9,
               R"("surfaces": {"ball": {"body": "ground", "shape": {"sphere": {"radius": 0.02}}}}, "muscles")");
  ball.replace(ball.find("\"max_isometric_force\""), 21, R"("wraps": [{"surface": "ball"}], "max_isometric_force")");
  const Ran endless = psoas({"fit-paths", folder.write("ball.json", ball)});
  EXPECT_EQ(endless.code, 3) << endless.err;
  EXPECT_TRUE(has(endless.out, "fitted paths of 1 muscle")) << endless.out;
  EXPECT_TRUE(has(endless.out, "flexor: the range of hip is not above nothing and at most two turns")) << endless.out;
  EXPECT_EQ(psoas({"check", "ball_fitted.json"}).code, 0);

  const std::string hip = "\"hip\": {\"value\": 0.1}";
  leg.replace(leg.find(hip), hip.size(), "\"hip\": {\"value\": 0.1, \"range\": [-0.3, 1.5]}");
  folder.write("leg.json", leg);
  const Ran fitted = psoas({"fit-paths", "leg.json", "-o", "fits/leg.json"});
  EXPECT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_TRUE(has(fitted.out, "fits/leg.json: fitted paths of 2 muscles")) << fitted.out;
  EXPECT_TRUE(has(folder.read("fits/leg.json"), "\"extends\": \"../leg.json\""));
  EXPECT_EQ(psoas({"check", "fits/leg.json"}).code, 0);
  EXPECT_EQ(psoas({"fit-paths", "leg.json", "-o", "leg.json"}).code, 2) << "would extend itself";

  leg.replace(leg.find("[0.05, 0.1, 0]"), 14, "[0.06, 0.1, 0]");
  folder.write("leg.json", leg);
  const Ran stale = psoas({"check", "fits/leg.json"});
  EXPECT_NE(stale.code, 0);
  EXPECT_TRUE(has(stale.out + stale.err, "psoas fit-paths")) << stale.out << stale.err;
}

// --- words -----------------------------------------------------------------------------------------------------------

TEST_F(Cli, VersionAndOverview) {
  const Ran version = psoas({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out.substr(0, 6), "psoas ");
  EXPECT_TRUE(version.err.empty());
  const Ran help = psoas({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const std::string& verb : verbs) EXPECT_TRUE(has(help.out, "  " + verb + " ")) << verb;
  const Ran nothing = psoas({});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_TRUE(nothing.out.empty());
}

TEST_F(Cli, HelpOfEachVerbEndsWithTwoExamples) {
  for (const std::string& verb : verbs) {
    std::vector<std::string> words = split_words(verb);
    words.emplace_back("--help");
    const Ran ran = psoas(words);
    EXPECT_EQ(ran.code, 0) << verb;
    const std::size_t examples = ran.out.find("\nexamples\n");
    ASSERT_NE(examples, std::string::npos) << verb;
    std::size_t count = 0;
    for (std::size_t at = examples; (at = ran.out.find("\n  psoas " + verb, at)) != std::string::npos; ++at) ++count;
    EXPECT_EQ(count, 2u) << ran.out;
  }
}

TEST_F(Cli, UnknownWordsSuggestTheNearest) {
  const Ran verb = psoas({"chekc", "x"});
  EXPECT_EQ(verb.code, 2);
  EXPECT_TRUE(has(verb.err, "did you mean \"check\"")) << verb.err;
  EXPECT_TRUE(verb.out.empty());
  for (const std::string& name : verbs) {
    std::vector<std::string> words = split_words(name);
    words.emplace_back("--heelp");
    const Ran option = psoas(words);
    EXPECT_EQ(option.code, 2) << name;
    EXPECT_TRUE(has(option.err, "did you mean \"--help\"")) << option.err;
  }
  EXPECT_TRUE(has(psoas({"run", swing, "--strikt"}).err, "did you mean \"--strict\""));
  EXPECT_EQ(psoas({"run", swing, "another"}).code, 2);
  EXPECT_EQ(psoas({"run"}).code, 2);
  EXPECT_TRUE(has(psoas({"new", "study", "simulatoin"}).err, "did you mean \"simulation\""));
  EXPECT_TRUE(has(psoas({"info", "--kinds", "curv"}).err, "did you mean \"curve\""));
  EXPECT_TRUE(has(psoas({"info", pendulum, "iliopsoas_x"}).err, "did you mean \"iliopsoas_r\""));
  EXPECT_TRUE(
      has(psoas({"validate", "hip_pasive", "--models", source + "/models"}).err, "did you mean \"hip_passive\""));
}

// --- run -------------------------------------------------------------------------------------------------------------

TEST_F(Cli, RunWritesAllFilesAndSaysWhere) {
  const Ran ran = psoas({"run", swing});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "normal  shortened 0.95")) << ran.out;
  EXPECT_TRUE(has(ran.out, "normal: hip_flexion_r beyond its range (-30.0 to 120.0 deg) by up to")) << ran.out;
  EXPECT_TRUE(has(ran.err, "results in results/pendulum_study/")) << ran.err;
  EXPECT_FALSE(has(ran.out, "\x1b"));
  const auto names = folder.names();
  for (const char* name : {"result.json", "run.json", "series.csv", "series.sto", "coordinate_hip_flexion_r.svg"})
    EXPECT_TRUE(names.contains(std::string("results/pendulum_study/") + name)) << name;
  const auto result = nlohmann::json::parse(folder.read("results/pendulum_study/result.json"));
  EXPECT_EQ(result["format"], "psoas-result/1");
  EXPECT_EQ(result["variants"].size(), 2u);
  const auto run = nlohmann::json::parse(folder.read("results/pendulum_study/run.json"));
  EXPECT_EQ(run["command"][1], "run");
  EXPECT_GT(run["run_seconds"].get<double>(), 0.0);
}

TEST_F(Cli, FolderIsNamedAfterTheStudysFolder) {
  folder.write("walk/study.json", psoas({"new", "study", "simulation"}).out);
  folder.write("walk/pendulum.json", bytes_of(pendulum));
  const Ran ran = psoas(
      {"run", "walk/study.json", "--set", "/model=pendulum.json", "--set", "/duration=0.05", "--set", "/locked=[]"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(folder.names().contains("results/walk/result.json"));
}

TEST_F(Cli, RunIsTheSameEveryTime) {
  ASSERT_EQ(psoas({"run", swing, "-o", "a"}).code, 0);
  ASSERT_EQ(psoas({"run", swing, "-o", "b"}).code, 0);
  for (const char* name : {"result.json", "series.csv", "series.sto", "hip_contact_force_r.svg"}) {
    EXPECT_FALSE(folder.read(std::string("a/") + name).empty()) << name;
    EXPECT_EQ(folder.read(std::string("a/") + name), folder.read(std::string("b/") + name)) << name;
  }
}

TEST_F(Cli, ResultRunsAgain) {
  ASSERT_EQ(psoas({"run", swing, "-o", "a"}).code, 0);
  const Ran again = psoas({"run", "a/result.json", "-o", "b"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(folder.read("a/result.json"), folder.read("b/result.json"));
  EXPECT_EQ(folder.read("a/series.csv"), folder.read("b/series.csv"));
}

TEST_F(Cli, JsonIsTheTextOfTheResult) {
  const Ran ran = psoas({"run", swing, "--json", "-o", "a"});
  ASSERT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, folder.read("a/result.json"));
}

TEST_F(Cli, SetChangesTheStudyAndItsModel) {
  ASSERT_EQ(psoas({"run", swing, "-o", "a", "--set", "/duration=0.5", "--set", "/model/gravity/1=-1.62", "--set",
                   "/title=moon=slow"})
                .code,
            0);
  const auto result = nlohmann::json::parse(folder.read("a/result.json"));
  EXPECT_EQ(result["variants"]["normal"]["series"]["time"]["values"].back(), 0.5);
  EXPECT_EQ(result["provenance"]["model"]["gravity"][1], -1.62);
  EXPECT_TRUE(has(result["heading"].get<std::string>(), "moon=slow"));
  for (const char* set : {"/duratoin=1", "duration=1", "/duration", "/duration=\"long\"", "/duration=-1"}) {
    const Ran ran = psoas({"run", swing, "-o", "b", "--set", set});
    EXPECT_EQ(ran.code, 2) << set;
    EXPECT_TRUE(has(ran.err, "--set")) << ran.err;
  }
  EXPECT_FALSE(folder.names().contains("b"));
}

TEST_F(Cli, SetReachesDefaultsAndSelections) {
  ASSERT_EQ(psoas({"run", swing, "-o", "a", "--set", "/duration=0.05", "--set", "/tolerance=1e-7", "--set",
                   "/outputs=[\"coordinate/hip_flexion_r\"]", "--set", "/model/muscles/*/damping=0.2"})
                .code,
            0);
  const auto result = nlohmann::json::parse(folder.read("a/result.json"));
  EXPECT_EQ(result["provenance"]["study"]["tolerance"], 1e-7);
  for (const auto& muscle : result["provenance"]["model"]["muscles"]) EXPECT_EQ(muscle["damping"], 0.2);
  const Ran ran = psoas({"run", swing, "-o", "b", "--set", "/model/gravity/99999999999999999999999=1"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_TRUE(has(ran.err, "expected an index from 0 to ")) << ran.err;
}

TEST_F(Cli, AnOlderResultIsReplacedWhole) {
  ASSERT_EQ(psoas({"run", swing, "-o", "a"}).code, 0);
  folder.write("a/mine.svg", "not psoas's");
  ASSERT_EQ(psoas({"run", swing, "-o", "a", "--set", "/outputs=[\"coordinate/hip_flexion_r\"]"}).code, 0);
  const auto names = folder.names();
  EXPECT_FALSE(names.contains("a/hip_contact_force_r.svg"));
  EXPECT_TRUE(names.contains("a/coordinate_hip_flexion_r.svg"));
  EXPECT_TRUE(names.contains("a/mine.svg"));
}

TEST_F(Cli, WhatAReferenceChangedIsWrittenForOtherStudies) {
  const std::string bad = source + "/tests/bad/";
  ASSERT_EQ(psoas({"run", bad + "good_reference.json", "-o", "a"}).code, 0);
  const auto edits = nlohmann::json::parse(folder.read("a/edits.json"))["edits"];
  EXPECT_EQ(edits, nlohmann::json::parse(folder.read("a/result.json"))["edits"]);
  ASSERT_GE(edits.size(), 2u);
  nlohmann::json motion = {{"extends", {bad + "good_motion.json", "a/edits.json"}}, {"model", bad + "good_feet.json"}};
  motion["motion"]["coordinates"] = bad + "good_motion.mot";
  folder.write("motion.json", motion.dump());
  const Ran ran = psoas({"run", "motion.json", "-o", "b"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(nlohmann::json::parse(folder.read("b/result.json"))["provenance"]["study"]["edits"], edits);
  // not left behind by a result that has none
  ASSERT_EQ(psoas({"run", swing, "-o", "a"}).code, 0);
  EXPECT_FALSE(folder.names().contains("a/edits.json"));
}

TEST_F(Cli, NothingIsLeftOfAFailure) {
  EXPECT_EQ(psoas({"run", "nothere.json"}).code, 2);
  folder.write("file", "x");
  EXPECT_EQ(psoas({"run", swing, "-o", "file/below"}).code, 2);
  // A limit on file sizes is an error, not a signal.
  const Ran ran = psoas({"run", swing, "-o", "a/b"}, {.largest_file = 20000});
  EXPECT_EQ(ran.code, 2);
  EXPECT_TRUE(has(ran.err, "cannot be written")) << ran.err;
  EXPECT_EQ(folder.names(), (std::set<std::string>{"file"}));
}

TEST_F(Cli, AnOlderResultSurvivesAFailure) {
  ASSERT_EQ(psoas({"run", swing, "-o", "a"}).code, 0);
  const std::string before = folder.read("a/result.json");
  const auto names = folder.names();
  EXPECT_EQ(psoas({"run", swing, "-o", "a", "--set", "/duration=1.5"}, {.largest_file = 20000}).code, 2);
  EXPECT_EQ(folder.read("a/result.json"), before);
  EXPECT_EQ(folder.names(), names);
}

TEST_F(Cli, StandardOutputThatCannotBeWritten) {
  const Ran full = psoas({"info", pendulum}, {.stdout_to = "/dev/full"});
  EXPECT_EQ(full.code, 2);
  EXPECT_TRUE(has(full.err, "standard output")) << full.err;
  EXPECT_EQ(psoas({"--help"}, {.stdout_to = "/dev/full"}).code, 2);
  EXPECT_EQ(psoas({"info", pendulum}, {.close_stdout = true}).code, 2);
  const Ran gone = psoas({"info", pendulum}, {.broken_pipe = true});
  EXPECT_EQ(gone.code, 0);
  EXPECT_TRUE(gone.err.empty()) << gone.err;
  // With standard output closed, no file may take its place.
  psoas({"run", swing, "-o", "a"}, {.close_stdout = true});
  EXPECT_EQ(folder.read("a/result.json").substr(0, 1), "{");
  EXPECT_EQ(psoas({"run", swing, "-o", "/dev/full"}).code, 2);
}

TEST_F(Cli, InterruptGivesFourAndLeavesNothing) {
  const Ran ran = psoas({"run", swing, "--set", "/duration=9000", "--set", "/step=0.001"}, {.kill_after_ms = 300});
  EXPECT_EQ(ran.code, 4);
  EXPECT_TRUE(has(ran.err, "interrupted")) << ran.err;
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(Cli, StrictTellsCredibleResultsFromOthers) {
  EXPECT_EQ(psoas({"run", swing, "--strict"}).code, 0);
  EXPECT_EQ(psoas({"run", swing, "--strict", "--json"}).code, 0);
}

// --- check -----------------------------------------------------------------------------------------------------------

TEST_F(Cli, CheckAcceptsGoodFiles) {
  ASSERT_EQ(psoas({"run", swing, "-o", "a"}).code, 0);
  const Ran ran = psoas({"check", pendulum, swing, "a/result.json", "a/series.csv", "a/series.sto"});
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  std::size_t ok = 0;
  for (std::size_t at = 0; (at = ran.out.find(": ok (", at)) != std::string::npos; ++at) ++ok;
  EXPECT_EQ(ok, 5u) << ran.out;
}

TEST_F(Cli, CheckSaysWhatNoInertiaResists) {
  const std::string bad = source + "/tests/bad/";
  const Ran model = psoas({"check", bad + "good_massless_leaf.json", bad + "good_two_hinges.json", pendulum});
  EXPECT_EQ(model.code, 0) << "paths and statics need no mass";
  EXPECT_TRUE(has(model.out, "no mass or inertia resists knee: good for paths and statics")) << model.out;
  EXPECT_TRUE(has(model.out, "no mass or inertia resists again:")) << model.out;
  EXPECT_FALSE(has(model.out, "resists hip")) << model.out;
  const Ran study = psoas({"check", bad + "simulation_massless_leaf.json"});
  EXPECT_EQ(study.code, 1);
  EXPECT_TRUE(has(study.out, "simulation_massless_leaf.json:2: /model: expected mass or inertia")) << study.out;
}

TEST_F(Cli, ASimulationIsReadBackAsAMotion) {
  folder.write("simulation.json", R"({"format": "psoas-study/1", "study": "simulation", "model": ")" + pendulum +
                                      R"(", "duration": 0.5, "step": 0.01, "initial": {"hip_flexion_r": 0.5},
    "outputs": ["coordinate/*", "speed/*", "acceleration/*", "joint_moment/*"]})");
  folder.write("motion.json", R"({"format": "psoas-study/1", "study": "motion", "model": ")" + pendulum +
                                  R"(", "motion": {"coordinates": "out/series.sto", "lowpass_hz": 0},
    "outputs": ["joint_moment/*"]})");
  EXPECT_EQ(psoas({"run", "simulation.json", "-o", "out"}).code, 0);
  const Ran check = psoas({"check", "motion.json"});
  EXPECT_EQ(check.code, 0) << check.out;
  const Ran back = psoas({"run", "motion.json", "-o", "back"});
  EXPECT_EQ(back.code, 0) << back.err;
  const Table there = read_table(folder / "out/series.csv"), here = read_table(folder / "back/series.csv");
  for (std::size_t i = 0; i < there.rows(); ++i)
    EXPECT_NEAR(here.column("joint_moment/hip_flexion_r")[i], there.column("joint_moment/hip_flexion_r")[i], 1e-6);
}

TEST_F(Cli, CheckListsEveryProblemWithItsPlace) {
  std::string text = bytes_of(pendulum);
  text.replace(text.find("\"optimal_fibre_length\": 0.11"), 28, "\"optimal_fibre_length\": -0.11");
  text.replace(text.find("\"mass\": 10.6"), 12, "\"masss\": 10.6");
  folder.write("bad.json", text);
  const Ran ran = psoas({"check", "bad.json", pendulum});
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(has(ran.out, "bad.json:8: /bodies/femur_r")) << ran.out;
  EXPECT_TRUE(has(ran.out, "did you mean \"mass\"")) << ran.out;
  EXPECT_TRUE(has(ran.out, "/muscles/iliopsoas_r/optimal_fibre_length: expected")) << ran.out;
  EXPECT_TRUE(has(ran.out, pendulum + ": ok")) << ran.out;
}

TEST_F(Cli, CheckLooksUpWhatAStudyNames) {
  std::string text = bytes_of(swing);
  text.replace(text.find("pendulum.json"), 13, pendulum);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    folder.write("study.json", changed);
    return psoas({"check", "study.json"});
  };
  EXPECT_EQ(with("normal", "plain").code, 0);
  Ran ran = with("speed/hip_flexion_r", "sped/hip_flexion_r");
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(has(ran.out, "did you mean \"speed\"")) << ran.out;
  ran = with("\"initial\": {\"hip_flexion_r\"", "\"initial\": {\"hip_flexon_r\"");
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(has(ran.out, "did you mean \"hip_flexion_r\"")) << ran.out;
  EXPECT_EQ(with("group:iliopsoas", "group:iliacus").code, 1);
  EXPECT_EQ(with("psoas-study/1", "psoas-stduy/1").code, 1);
  EXPECT_EQ(with("]", "").code, 1);
  EXPECT_EQ(with(pendulum, "nothere.json").code, 2);
}

TEST_F(Cli, CheckSaysOnceWhatAllVariantsSay) {
  std::string text = bytes_of(swing);
  text.replace(text.find("pendulum.json"), 13, pendulum);
  text.replace(text.find("\"outputs\": ["), 12, "\"outputs\": [\"sped/hip_flexion_r\", \"compresion/*\", ");
  folder.write("study.json", text);
  const Ran ran = psoas({"check", "study.json"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 3) << ran.out;
  EXPECT_TRUE(has(ran.out, "study.json: 2 problems\n")) << ran.out;
}

TEST_F(Cli, CheckFindsWhatARunRefusesAtItsEnd) {
  nlohmann::json study = nlohmann::json::parse(bytes_of(source + "/examples/sit_to_stand/study.json"));
  study["model"] = source + "/models/full_body.json";
  study["motion"]["coordinates"] = source + "/examples/sit_to_stand/subject_a.mot";
  folder.write("good.json", study.dump(1));
  EXPECT_EQ(psoas({"check", "good.json"}).code, 0);
  study["integration"]["windows"] = {"rep_1", "rep_4"};
  folder.write("window.json", study.dump(1));
  const Ran window = psoas({"check", "window.json"});
  EXPECT_EQ(window.code, 1);
  EXPECT_TRUE(
      has(window.out, ": /integration/windows/1: expected a window of the motion, found \"rep_4\", did you mean"))
      << window.out;
  study["edits"] = {{{"name", "weak"}, {"muscles", "*"}, {"scale", {{"max_isometric_force", 0.9}}}},
                    {{"name", "weak"}, {"muscles", "*"}, {"scale", {{"damping", 0.9}}}}};
  folder.write("names.json", study.dump(1));
  const Ran names = psoas({"check", "names.json"});
  EXPECT_EQ(names.code, 1);
  EXPECT_TRUE(has(names.out, ": /edits/1/name: expected a name that no other edit has")) << names.out;
  EXPECT_EQ(psoas({"run", "names.json"}).code, 2);
}

TEST_F(Cli, CheckSaysWhichFilesItKnows) {
  folder.write("README.md", "# words\n");
  const Ran ran = psoas({"check", "README.md"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.out, "README.md: expected .json, .osim, .sto, .mot or .csv\n");
}

TEST_F(Cli, MissingFilesAreNamedWithWhatNamesThem) {
  folder.write("study.json",
               "{\"format\": \"psoas-study/1\", \"study\": \"simulation\", \"duration\": 1,\n\"model\": \"no.json\"}");
  const Ran ran = psoas({"run", "study.json"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "study.json:2: /model: no.json: expected a file, found none of this name\n");
}

TEST_F(Cli, FilesThatCannotBeReadGiveTwoForRootToo) {
  folder.write("file.json", "{}");
  for (const std::string& path : {std::string("nothere.json"), folder.path().string(),
                                  std::string("file.json/below.json"), std::string("/proc/self/mem")}) {
    const Ran ran = psoas({"check", path});
    EXPECT_EQ(ran.code, 2) << path;
    EXPECT_TRUE(has(ran.out, path + ": ")) << ran.out;
    EXPECT_EQ(psoas({"run", path}).code, 2) << path;
    EXPECT_EQ(psoas({"info", path}).code, 2) << path;
    EXPECT_EQ(psoas({"evaluate", pendulum, path}).code, 2) << path;
    EXPECT_EQ(psoas({"convert", path, "out.json"}).code, 2) << path;
  }
  EXPECT_EQ(psoas({"check", "file.json"}).code, 1);
}

TEST_F(Cli, DeepAndBrokenJsonIsRefused) {
  folder.write("deep.json", std::string(200000, '['));
  folder.write("twice.json", "{\"format\": \"psoas-model/1\", \"format\": \"psoas-model/1\"}");
  folder.write("empty.json", "");
  for (const char* name : {"deep.json", "twice.json", "empty.json"}) EXPECT_EQ(psoas({"check", name}).code, 1) << name;
}

TEST_F(Cli, CheckAsJson) {
  const Ran ran = psoas({"check", "--json", pendulum, "nothere.csv"});
  EXPECT_EQ(ran.code, 2);
  const auto list = nlohmann::json::parse(ran.out);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["ok"], true);
  EXPECT_EQ(list[1]["readable"], false);
  EXPECT_EQ(list[1]["problems"].size(), 1u);
}

TEST_F(Cli, RangeOfMotionWritesACertificateThatAModelCanCarry) {
  const Ran clean = psoas({"check", pendulum, "--range-of-motion"});
  EXPECT_EQ(clean.code, 0) << clean.out;
  EXPECT_TRUE(has(clean.out, ": ok (")) << clean.out;
  EXPECT_TRUE(has(clean.out, "1 muscle, 100 samples")) << clean.out;
  EXPECT_TRUE(has(clean.out, "certificate: results/pendulum/certificate.json")) << clean.out;
  const std::string certificate = bytes_of(folder / "results/pendulum/certificate.json");
  EXPECT_EQ(nlohmann::json::parse(certificate)["format"], "psoas-certificate/1");
  EXPECT_TRUE(has(psoas({"check", "results/pendulum/certificate.json"}).out, "clean"));

  // carried by the model, it is shown, also when it is of another state of the model
  std::string text = bytes_of(pendulum);
  text.replace(text.find("\"gravity\""), 9, "\"certificate\": \"mine.json\", \"gravity\"");
  folder.write("mine.json", certificate);
  folder.write("model.json", text);
  EXPECT_TRUE(has(psoas({"info", "model.json"}).out, "paths: clean"));
  EXPECT_FALSE(has(psoas({"info", "model.json"}).out, "STALE"));
  EXPECT_TRUE(has(psoas({"check", "model.json"}).out, "paths: clean"));
  EXPECT_EQ(psoas({"check", "model.json"}).code, 0);
  text.replace(text.find("\"radius\": 0.025"), 15, "\"radius\": 0.024");
  folder.write("model.json", text);
  EXPECT_TRUE(has(psoas({"info", "model.json"}).out, "STALE"));
  const auto problem = [&](const std::string& what) {
    const Ran ran = psoas({"check", "model.json"});
    EXPECT_EQ(ran.code, 1) << ran.out;
    EXPECT_TRUE(has(ran.out, ": /certificate: " + what)) << ran.out;
    EXPECT_TRUE(has(ran.out, "psoas check model.json --range-of-motion -o mine.json makes a new one")) << ran.out;
    EXPECT_FALSE(has(ran.out, ": ok (")) << ran.out;
  };
  problem("STALE");
  // a scan writes it anew
  EXPECT_EQ(psoas({"check", "model.json", "--range-of-motion", "--samples", "2", "-o", "elsewhere.json"}).code, 1);
  EXPECT_EQ(psoas({"check", "model.json", "--range-of-motion", "--samples", "2", "-o", "mine.json"}).code, 0);
  EXPECT_EQ(psoas({"check", "model.json"}).code, 0);
  std::string other = bytes_of(folder / "mine.json");
  const std::size_t name = other.find("\"model\": \"") + 10;
  folder.write("mine.json", other.replace(name, other.find('"', name) - name, "another"));
  problem("OF ANOTHER MODEL: expected a certificate of");
  folder.write("mine.json", "{}");
  problem("cannot be read: mine.json:1: ");
  std::filesystem::remove(folder / "mine.json");
  problem("cannot be read: mine.json: expected a file, found none of this name");
  EXPECT_TRUE(has(psoas({"info", "model.json"}).out, "cannot be read"));

  // a model that extends another has not its certificate, and is not blamed for it
  std::filesystem::create_directory(folder / "own");
  folder.write("own/own.json", "{\"extends\": \"../model.json\", \"gravity\": [0, -9, 0]}");
  const Ran own = psoas({"check", "own/own.json"});
  EXPECT_EQ(own.code, 0) << own.out;
  EXPECT_TRUE(has(own.out, "no certificate of its own")) << own.out;
}

TEST_F(Cli, CheckFindsDomainsThatMeanNothing) {
  std::string text = bytes_of(pendulum);
  text.replace(text.find("\"gravity\""), 0, R"("domain": [
      {"muscles": ["iliopsoas_r"], "outside": {"hip_flexion_r": [-50, 50]}},
      {"muscles": ["iliopsoas_r"], "outside": {"hip_flexion_r": [10, 50]}}], )");
  folder.write("model.json", text);
  const Ran ran = psoas({"check", "model.json"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(has(ran.out, ": /domain/0: expected a domain that leaves postures to iliopsoas_r")) << ran.out;
  EXPECT_TRUE(has(ran.out, ": /domain/1/outside/hip_flexion_r: expected postures in the range")) << ran.out;
}

TEST_F(Cli, CheckKnowsAModelByWhatItExtends) {
  std::filesystem::copy_file(pendulum, folder / "base.json");
  folder.write("own.json", "{\"extends\": \"base.json\"}");
  EXPECT_TRUE(has(psoas({"check", "own.json"}).out, "own.json: ok (model: ")) << psoas({"check", "own.json"}).out;
  folder.write("lost.json", "{\"extends\": \"nowhere.json\"}");
  EXPECT_TRUE(has(psoas({"check", "lost.json"}).out, "lost.json:1: /extends: ")) << psoas({"check", "lost.json"}).out;
  folder.write("round.json", "{\"extends\": \"round.json\"}");
  EXPECT_TRUE(has(psoas({"check", "round.json"}).out, "expected no cycle")) << psoas({"check", "round.json"}).out;
}

TEST_F(Cli, FilesOfAnotherKindAreNamed) {
  const std::string osim = source + "/examples/squat/subject_2.osim";
  folder.write("states.csv", "hip_flexion_r\n0\n");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"info", osim}, {"run", osim}, {"evaluate", osim, "states.csv"}, {"fit-paths", osim}}) {
    const Ran ran = psoas(words);
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err, osim + ": expected JSON, found an OpenSim file; a model is converted first: psoas convert " +
                           osim + " " + source + "/examples/squat/subject_2.json\n");
  }
  folder.write("page.json", "<html></html>");
  EXPECT_EQ(psoas({"info", "page.json"}).err, "page.json: expected JSON, found XML or HTML\n");
  EXPECT_EQ(psoas({"evaluate", pendulum, pendulum}).err,
            pendulum + ": expected a table (.csv, .sto, .mot), found a .json\n");
}

TEST_F(Cli, ContradictoryOptionsAreRefused) {
  folder.write("states.csv", "hip_flexion_r\n0\n");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"info", "--kinds", "--outputs"},
           {"info", "--schema", "model", "--kinds"},
           {"info", "--schema", "model", pendulum},
           {"info", "--kinds", "study", "motion", "more"},
           {"info", "--outputs", pendulum, "more"},
           {"info", pendulum, "--all", "--moment-arms", "hip_flexion_r"},
           {"info", pendulum, "--all", "--json", "-o", "a.csv"},
           {"info", pendulum, "--all", "-o", "a.json"},
           {"info", pendulum, "--moment-arms", "hip_flexion_r", "--at", "hip_flexion_r=0.1"},
           {"info", source + "/models/iliopsoas.json", "--all", "--at", "hip_flexion_r=30"},
           {"run", source + "/examples/torque_curve/study.json", "--set", "/outputs=[\"length/*\"]"},
           {"info", source + "/models/iliopsoas.json", "--all", "--at", "hip_flexion_r=0.1", "--at", "hip_flexion_r=0"},
           {"evaluate", pendulum, "states.csv", "--outputs", ","},
           {"evaluate", pendulum, "states.csv", "-o", "states.csv"},
           {"fit-paths", pendulum, "-o", "fitted.txt"},
           {"validate", "--json", "--markdown"}}) {
    const Ran ran = psoas(words);
    EXPECT_EQ(ran.code, 2) << words[0] << " " << words[1];
    EXPECT_TRUE(ran.out.empty());
    EXPECT_TRUE(has(ran.err, "expected")) << ran.err;
  }
  EXPECT_EQ(folder.read("states.csv"), "hip_flexion_r\n0\n");
}

TEST_F(Cli, DrawingsOfMomentArmsHoldTheirLabels) {
  const std::string model = source + "/models/full_body.json";
  ASSERT_EQ(psoas({"info", model, "psoas_L2_TP_r", "--moment-arms", "hip_flexion_r", "-o", "one.svg"}).code, 0);
  EXPECT_TRUE(has(bytes_of(folder / "one.svg"), ">psoas_L2_TP_r</text>"));
  ASSERT_EQ(psoas({"info", model, "--moment-arms", "lumbar_extension", "-o", "all.svg"}).code, 0);
  const std::string drawing = bytes_of(folder / "all.svg");
  const double height = std::stod(drawing.substr(drawing.find("height=\"") + 8));
  std::size_t labels = 0;
  for (std::size_t i = 0; (i = drawing.find("<text x=", i)) != std::string::npos; ++i) {
    const std::size_t y = drawing.find("y=\"", i + 8) + 3;
    EXPECT_LT(std::stod(drawing.substr(y)), height);
    EXPECT_GT(std::stod(drawing.substr(y)), 0.0);
    ++labels;
  }
  EXPECT_GT(labels, 110u) << "of 106 pairs of muscles, which share a line, and the axes";
}

TEST_F(Cli, RangeOfMotionNamesTheMuscleThatJumps) {
  // the pelvic brim of no side, far in front: the muscle goes over it and then behind it
  std::string text = bytes_of(pendulum);
  text.replace(text.find("\"side\": \"+x\""), 12, "\"side\": \"shortest\"");
  text.replace(text.find("\"translation\": [0, 1, 0], \"shape\""), 24, "\"translation\": [0.06, 0.98, 0]");
  folder.write("model.json", text);
  const Ran ran = psoas({"check", "model.json", "--range-of-motion", "-o", "certificate.json", "--samples", "3"});
  EXPECT_EQ(ran.code, 1) << ran.out;
  EXPECT_TRUE(has(ran.out, "iliopsoas_r: moment arm flips its sign with a jump of")) << ran.out;
  EXPECT_TRUE(has(ran.out, "hip_flexion_r ")) << ran.out;
  const auto list = nlohmann::json::parse(
      psoas({"check", "model.json", "--range-of-motion", "-o", "certificate.json", "--samples", "3", "--json"}).out);
  EXPECT_EQ(list[0]["ok"], false);
  EXPECT_EQ(list[0]["certificate"], nlohmann::json::parse(bytes_of(folder / "certificate.json")));
  EXPECT_EQ(list[0]["certificate"]["samples"], 3);

  EXPECT_EQ(psoas({"check", swing, "--range-of-motion"}).code, 1);
  EXPECT_EQ(psoas({"check", pendulum, "-o", "certificate.json"}).code, 2);
  EXPECT_EQ(psoas({"check", pendulum, pendulum, "--range-of-motion", "-o", "certificate.json"}).code, 2);
  EXPECT_TRUE(has(psoas({"check", pendulum, "--range-of-motion", "--samples", "0"}).err, "whole number"));
  EXPECT_EQ(psoas({"check", pendulum, "--range-of-motion", "-o", "/dev/full"}).code, 2);
}

// --- info, new -------------------------------------------------------------------------------------------------------

TEST_F(Cli, InfoShowsTheOperatingRangeOfAMuscle) {
  const std::string model = PSOAS_SOURCE_DIR "/models/full_body.json";
  const Ran text = psoas({"info", model, "psoas_L2_TP_r"});
  for (const char* words : {"optimal_fibre_length", "operating range", "hip_flexion_r     -30 … 120 deg",
                            "force-velocity", "tendon / F0", "height 21.7 mm"})
    EXPECT_TRUE(has(text.out, words)) << words << " in\n" << text.out;

  const auto card = nlohmann::json::parse(psoas({"info", "--json", model, "psoas_L2_TP_r"}).out)[0];
  EXPECT_NEAR(card["curves"]["active_force"][6], 1.0, 1e-12);
  const auto& range = card["operating_range"]["hip_flexion_r"];
  std::string states = "hip_flexion_r\n";
  for (const double angle : range["coordinate"]) states += std::to_string(angle) + "\n";
  std::ofstream(folder / "hips.csv") << states;
  const Ran lengths = psoas({"evaluate", model, folder / "hips.csv", "--outputs",
                             "length/psoas_L2_TP_r,moment_arm/psoas_L2_TP_r/hip_flexion_r"});
  std::istringstream rows(lengths.out);
  std::string row;
  std::getline(rows, row);
  ASSERT_EQ(range["coordinate"].size(), 31u);
  for (std::size_t i = 0; i < 31; ++i) {
    ASSERT_TRUE(std::getline(rows, row)) << lengths.err;
    std::vector<double> cells;
    std::istringstream line(row);
    for (std::string cell; std::getline(line, cell, ',');) cells.push_back(std::stod(cell));
    EXPECT_NEAR(range["length"][i], cells.at(cells.size() - 2), 1e-7);
    EXPECT_NEAR(range["moment_arm"][i], cells.back(), 1e-6);
    if (i > 0) {
      EXPECT_LT(range["normalised_fibre_length_rest"][i], range["normalised_fibre_length_rest"][i - 1]);
    }
  }
}

TEST_F(Cli, InfoShowsMomentArmsOverARange) {
  const Ran text = psoas({"info", pendulum, "iliopsoas_r", "--moment-arms", "hip_flexion_r", "--steps", "5"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_TRUE(has(text.out, "hip_flexion_r [deg]  length [mm]  moment arm [mm]")) << text.out;
  EXPECT_TRUE(has(text.out, "\n              -30.0")) << text.out;
  EXPECT_TRUE(has(text.out, "\n              120.0")) << text.out;

  const auto curve =
      nlohmann::json::parse(psoas({"info", pendulum, "--moment-arms", "hip_flexion_r", "--json"}).out)[0];
  ASSERT_EQ(curve["value"].size(), 31u);
  double sum = 0.0;  // the integral of the arm is what the muscle shortens by
  for (std::size_t i = 0; i + 1 < 31; ++i)
    sum += 0.5 * (curve["moment_arm"][i].get<double>() + curve["moment_arm"][i + 1].get<double>()) *
           (curve["value"][i + 1].get<double>() - curve["value"][i].get<double>());
  EXPECT_NEAR(curve["length"][0].get<double>() - curve["length"][30].get<double>(), sum, 1e-4);

  // of every muscle over each of its coordinates, in SI units
  const std::string model = PSOAS_SOURCE_DIR "/models/iliopsoas.json";
  ASSERT_EQ(psoas({"info", model, "--all", "--steps", "2", "-o", "all.csv"}).code, 0);
  std::istringstream rows(bytes_of(folder / "all.csv"));
  std::string row;
  std::getline(rows, row);
  EXPECT_EQ(row, "muscle,coordinate,value,length,moment_arm,flag");
  std::map<std::string, int> count;
  while (std::getline(rows, row)) ++count[row.substr(0, row.find(',', row.find(',') + 1))];
  EXPECT_EQ(count["iliacus_ant_l,hip_flexion_l"], 3);
  EXPECT_EQ(count["psoas_T12_r,lumbar_bending"], 3);
  EXPECT_EQ(count.count("iliacus_ant_l,lumbar_bending"), 0u);

  // another pose, in radians or degrees
  const auto length = [&](const std::string& pose) {
    return nlohmann::json::parse(
        psoas({"info", model, "psoas_T12_r", "--moment-arms", "hip_flexion_r", "--at", pose, "--json"})
            .out)[0]["length"];
  };
  EXPECT_EQ(length("lumbar_bending=0"), length("lumbar_bending_deg=0"));
  EXPECT_NE(length("lumbar_bending=0.1"), length("lumbar_bending_deg=0"));

  ASSERT_EQ(psoas({"info", model, "group:psoas_r", "--moment-arms", "hip_flexion_r", "-o", "arms.svg"}).code, 0);
  EXPECT_TRUE(has(bytes_of(folder / "arms.svg"), "</svg>"));

  const auto refused = [&](const std::vector<std::string>& words) {
    const Ran ran = psoas(words);
    EXPECT_EQ(ran.code, 2);
    EXPECT_TRUE(ran.out.empty());
    return ran.err;
  };
  EXPECT_TRUE(has(refused({"info", pendulum, "--moment-arms", "hip_flexion"}), "did you mean \"hip_flexion_r\""));
  EXPECT_TRUE(has(refused({"info", pendulum, "--all", "--steps", "0"}), "whole number"));
  EXPECT_TRUE(has(refused({"info", pendulum, "--all", "--at", "hip_flexion_r"}), "coordinate=number"));
  EXPECT_TRUE(has(refused({"info", pendulum, "--all", "-o", "arms.svg"}), "one coordinate"));
  EXPECT_TRUE(has(refused({"info", pendulum, "--steps", "5"}), "--moment-arms"));
  EXPECT_TRUE(has(refused({"info", model, "psoas_T12_r", "--moment-arms", "hip_flexion_l"}), "that the muscles cross"));
}

TEST_F(Cli, InfoShowsModelMuscleKindsAndOutputs) {
  EXPECT_TRUE(has(psoas({"info", pendulum}).out, "14.900 kg"));
  const Ran muscle = psoas({"info", pendulum, "group:iliopsoas"});
  EXPECT_TRUE(has(muscle.out, "moment arm, hip_flexion_r")) << muscle.out;
  const Ran kinds = psoas({"info", "--kinds", "study", "simulation"});
  EXPECT_TRUE(has(kinds.out, "duration")) << kinds.out;
  EXPECT_TRUE(has(kinds.out, "required")) << kinds.out;
  EXPECT_TRUE(has(psoas({"info", "--outputs"}).out, "moment_arm/<muscle>/<coordinate>"));
  EXPECT_TRUE(has(psoas({"info", "--outputs", pendulum}).out, "length/iliopsoas_r"));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"info", "--json", pendulum},
                                             {"info", "--json", pendulum, "*"},
                                             {"info", "--json", "--kinds"},
                                             {"info", "--json", "--outputs", pendulum},
                                             {"info", "--schema", "model"},
                                             {"info", "--schema", "study"},
                                             {"info", "--schema", "sweep"}}) {
    const Ran ran = psoas(words);
    EXPECT_EQ(ran.code, 0);
    EXPECT_TRUE(nlohmann::json::accept(ran.out)) << words[1];
  }
}

TEST_F(Cli, KindsShowTheFieldsOfEveryObject) {
  const auto all = nlohmann::json::parse(psoas({"info", "--json", "--kinds"}).out);
  for (const auto& [name, about] : all.items()) {
    const Ran ran = psoas({"info", "--kinds", name});
    EXPECT_EQ(ran.code, 0) << name;
    EXPECT_TRUE(about.contains("fields") || about.contains("kinds")) << name;
    for (const auto& field : about.value("fields", nlohmann::json::array()))
      EXPECT_TRUE(has(ran.out, "\n" + std::string(2 + 2 * field["depth"].get<std::size_t>(), ' ') +
                                   field["name"].get<std::string>() + " "))
          << name << field << ran.out;
  }
  for (const char* words : {"muscle", "muscles", "bodies", "levels", "edits"})
    EXPECT_EQ(psoas({"info", "--kinds", words}).code, 0) << words;
  const Ran muscle = psoas({"info", "--kinds", "muscle"});
  EXPECT_TRUE(has(muscle.out, "\n  optimal_fibre_length ")) << muscle.out;
  EXPECT_TRUE(has(muscle.out, "0.005 … 1")) << muscle.out;
  EXPECT_TRUE(has(psoas({"info", "--kinds", "muscle", "psoas"}).err, "expected no name here"));
  EXPECT_TRUE(has(psoas({"info", "--kinds", "study", "motin"}).err, "did you mean \"motion\""));
  // members of all studies and of each kind are those of the schema
  const auto schema = nlohmann::json::parse(psoas({"info", "--schema", "study"}).out);
  for (const auto& one : schema["oneOf"]) {
    std::set<std::string> shown, known;
    const std::string kind = one["properties"]["study"]["const"];
    for (const auto& fields : {all["study"]["fields"], all["study"]["kinds"][kind]["fields"]})
      for (const auto& field : fields)
        if (field["depth"] == 0) shown.insert(field["name"].get<std::string>());
    for (const auto& [key, value] : one["properties"].items()) known.insert(key);
    EXPECT_EQ(shown, known) << kind;
  }
}

TEST_F(Cli, EditsAndSubjectsHaveTheFieldsThatKindsShow) {
  // a study that uses every shown key is understood, and its ranges are those that are shown
  nlohmann::json study = {{"format", "psoas-study/1"}, {"study", "simulation"}, {"duration", 1}, {"model", pendulum}};
  const auto all = nlohmann::json::parse(psoas({"info", "--json", "--kinds"}).out);
  for (const char* name : {"edit", "subject"})
    for (const auto& field : all[name]["fields"]) {
      nlohmann::json with = study, object = {{field["name"], "of a wrong type: [0]"}};
      if (name == std::string("edit"))
        with["edits"] = {object};
      else
        with["subject"] = object;
      folder.write("study.json", with.dump());
      const Ran ran = psoas({"check", "study.json"});
      EXPECT_FALSE(has(ran.out, "unknown key")) << name << field << ran.out;
      const std::string range = field["range"];
      if (field["type"] != "number") continue;
      const std::string place = "/subject/" + field["name"].get<std::string>();
      with["subject"] = {{field["name"], -1}};
      folder.write("study.json", with.dump());
      std::string expected = range;
      expected.replace(expected.find(" … "), std::string(" … ").size(), " to ");
      EXPECT_TRUE(has(psoas({"check", "study.json"}).out, "from " + expected)) << place;
    }
}

TEST_F(Cli, EveryStudyKindHasAnExampleThatRuns) {
  const auto kinds = nlohmann::json::parse(psoas({"info", "--json", "--kinds", "study"}).out)["study"]["kinds"];
  ASSERT_GE(kinds.size(), 3u);
  // where README.md writes it: in the root of the source tree
  for (const char* name : {"models", "examples"})
    std::filesystem::create_directory_symlink(source + "/" + name, folder / name);
  for (const auto& [kind, about] : kinds.items()) {
    const Ran ran = psoas({"new", "study", kind});
    EXPECT_EQ(ran.code, 0) << kind;
    EXPECT_EQ(nlohmann::json::parse(ran.out)["study"], kind);
    folder.write("my.json", ran.out);
    const Ran check = psoas({"check", "my.json"});
    EXPECT_EQ(check.code, 0) << kind << ": " << check.out;
    const Ran run = psoas({"run", "my.json", "-o", "result"});
    EXPECT_EQ(run.code, 0) << kind << ": " << run.err;
    EXPECT_TRUE(has(folder.read("result/result.json"), "\"status\": \"ok\"")) << kind;
  }
}

// --- evaluate, convert -----------------------------------------------------------------------------------------------

TEST_F(Cli, EvaluateGivesOneRowAState) {
  folder.write("states.csv", "hip_flexion_r,u/hip_flexion_r,activation/iliopsoas_r\n0,0,0\n0.5,0,1\n1,-1,1\n");
  const Ran ran = psoas({"evaluate", pendulum, "states.csv", "--outputs",
                         "length/*,moment_arm/iliopsoas_r/hip_flexion_r", "--outputs", "muscle_force/*"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out.substr(0, ran.out.find('\n')),
            "length/iliopsoas_r,moment_arm/iliopsoas_r/hip_flexion_r,muscle_force/iliopsoas_r");
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 4);
  EXPECT_EQ(psoas({"evaluate", pendulum, "states.csv", "-o", "out.csv"}).code, 0);
  EXPECT_TRUE(has(folder.read("out.csv"), "length/iliopsoas_r"));
  EXPECT_EQ(psoas({"evaluate", pendulum, "states.csv", "-o", "out.sto"}).code, 2);  // no time
  EXPECT_EQ(psoas({"evaluate", pendulum, "states.csv", "-o", "out.txt"}).code, 2);
  EXPECT_TRUE(has(psoas({"evaluate", pendulum, "states.csv", "--outputs", "lenght/*"}).err, "did you mean \"length\""));
}

TEST_F(Cli, EvaluateSuggestsOutputs) {
  folder.write("states.csv", "hip_flexion_r\n0\n");
  const auto said = [&](const std::string& output) {
    const Ran ran = psoas({"evaluate", source + "/models/iliopsoas.json", "states.csv", "--outputs", output});
    EXPECT_EQ(ran.code, 2) << output;
    return ran.err;
  };
  EXPECT_TRUE(has(said("lenght/*"), "did you mean \"length\"")) << said("lenght/*");
  EXPECT_TRUE(has(said("length/psoas_L2_TP"), "did you mean \"psoas_L2_TP_r\""));
  EXPECT_TRUE(has(said("length/psos_*"), "did you mean \"length/psoas*\"")) << said("length/psos_*");
  EXPECT_TRUE(has(said("length/psoas"), "did you mean \"length/psoas*\"")) << said("length/psoas");
  EXPECT_TRUE(has(said("compression"), "with one name after the quantity"));
  EXPECT_TRUE(has(said("peak compression/L5_S1"), "without \"peak\" in front")) << said("peak compression/L5_S1");
}

TEST_F(Cli, EvaluateReadsDegreesAndRefusesWhatItDoesNotKnow) {
  folder.write("rad.csv", "time,hip_flexion_r\n0,0.7853981633974483\n");
  folder.write("deg.csv", "# inDegrees=yes\ntime,hip_flexion_r\n0,45\n");
  const Ran rad = psoas({"evaluate", pendulum, "rad.csv"}), deg = psoas({"evaluate", pendulum, "deg.csv"});
  EXPECT_EQ(rad.code, 0);
  EXPECT_EQ(rad.out, deg.out);
  folder.write("like.csv", "hip_flexion_r,u/hip_flexion_r\n0.5,99\n45,0\n");
  const Ran like = psoas({"evaluate", pendulum, "like.csv"});
  EXPECT_EQ(like.code, 2);
  EXPECT_EQ(
      like.err,
      "like.csv:3: hip_flexion_r: expected an angle in radians, found 45; values look like degrees; this file says "
      "inDegrees=no\n");
  EXPECT_TRUE(like.out.empty());
  folder.write("fast.csv", "u/hip_flexion_r\n99\n");
  EXPECT_EQ(psoas({"evaluate", pendulum, "fast.csv"}).code, 0) << "a speed may be large";
  folder.write("unknown.csv", "hip_flexon_r\n0\n");
  const Ran unknown = psoas({"evaluate", pendulum, "unknown.csv"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_TRUE(has(unknown.err, "did you mean \"hip_flexion_r\"")) << unknown.err;
  folder.write("nan.csv", "hip_flexion_r\nnan\n");
  EXPECT_EQ(psoas({"evaluate", pendulum, "nan.csv"}).code, 2);
  folder.write("much.csv", "activation/iliopsoas_r\n1.5\n");
  EXPECT_EQ(psoas({"evaluate", pendulum, "much.csv"}).code, 2);
}

TEST_F(Cli, EvaluateSaysByHowMuchAStateIsOutOfRange) {
  folder.write("far.csv", "hip_flexion_r,pelvis_tilt\n3,0\n2,0\n");
  const Ran far = psoas({"evaluate", source + "/models/iliopsoas.json", "far.csv"});
  EXPECT_EQ(far.code, 0);
  EXPECT_TRUE(has(far.err,
                  "warning: hip_flexion_r beyond its range (-30.0 to 120.0 deg) by up to 51.9 deg in 1 of 2 postures "
                  "(50 %), first at far.csv:2\n"))
      << far.err;
  EXPECT_TRUE(has(far.err, "warning: iliacus_ant_r: path ignores a surface in 1 of 2 postures (50 %), first at far"))
      << far.err;
  folder.write("apart.csv", "hip_adduction_r\n-0.85\n0\n");
  const Ran apart = psoas({"evaluate", source + "/models/iliopsoas.json", "apart.csv", "--outputs", "flagged/*_r"});
  EXPECT_TRUE(has(apart.err, "muscles whose path lies outside the domain that the model declares in 1 of 2 postures"))
      << apart.err;
  std::istringstream rows(apart.out);
  std::string names, row;
  std::getline(rows, names);
  EXPECT_EQ(names.rfind("flagged/", 0), 0u);
  std::getline(rows, row);
  EXPECT_TRUE(has(row, "1") && !has(row, "0")) << row;
  std::getline(rows, row);
  EXPECT_TRUE(has(row, "0") && !has(row, "1")) << row;
  folder.write("neutral.csv", "hip_adduction_r\n0\n");
  EXPECT_FALSE(has(psoas({"evaluate", source + "/models/iliopsoas.json", "neutral.csv"}).err, "warning"));
}

TEST_F(Cli, EvaluateReportsCouplersThatDoNotHold) {
  const std::string model = source + "/models/iliopsoas.json";
  folder.write("good.csv", "lumbar_extension,L5_S1_extension\n0.2,0.022435\n");
  folder.write("bad.csv", "lumbar_extension,L5_S1_extension\n0.2,0.1\n");
  EXPECT_FALSE(has(psoas({"evaluate", model, "good.csv"}).err, "coupler"));
  const Ran bad = psoas({"evaluate", model, "bad.csv"});
  EXPECT_EQ(bad.code, 0);
  EXPECT_TRUE(has(bad.err, "L5_S1_extension does not follow its coupler in 1 row, most at bad.csv:2 by 4.444 deg"))
      << bad.err;
}

TEST_F(Cli, ConvertGoesThereAndBack) {
  folder.write("a.csv", "time,x,y\n0,1,0.1\n0.5,2,nan\n");
  ASSERT_EQ(psoas({"convert", "a.csv", "a.sto"}).code, 0);
  ASSERT_EQ(psoas({"convert", "a.sto", "b.csv"}).code, 0);
  EXPECT_EQ(folder.read("a.csv"), folder.read("b.csv"));
  ASSERT_EQ(psoas({"convert", pendulum, "a.json"}).code, 0);
  ASSERT_EQ(psoas({"convert", "a.json", "b.json"}).code, 0);
  EXPECT_EQ(folder.read("a.json"), folder.read("b.json"));
  EXPECT_EQ(psoas({"convert", "a.json", "a.osim"}).code, 2);
  EXPECT_EQ(psoas({"convert", swing, "c.json"}).code, 2);
  EXPECT_EQ(psoas({"convert", "a.csv", "/dev/full/x.sto"}).code, 2);
  EXPECT_EQ(psoas({"convert", "a.csv", "nowhere.txt"}).code, 2);
}

TEST_F(Cli, ValidateSaysWhereItLookedForModels) {
  const Ran ran = psoas({"validate", "--models", "nowhere"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_TRUE(has(ran.err, "nowhere")) << ran.err;
}

}  // namespace
}  // namespace psoas::test
