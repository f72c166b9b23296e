// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Studies as files: what is read, what --set does, and what every broken file in tests/bad says.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/model/file.hpp"
#include "psoas/study/study.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

using json = nlohmann::ordered_json;
using test::error_of;
using test::place_of;
using test::TempFolder;
using Pair = std::pair<std::string, std::string>;
using Set = std::vector<std::pair<std::string, std::string>>;

const std::string bad = std::string(PSOAS_SOURCE_DIR) + "/tests/bad/";

/// What happens to a file, by the word that the table has for it.
void use(const std::string& how, const std::string& path) {
  if (how == "model")
    Model::load(path);
  else if (how == "study")
    read_study(path);
  else if (how == "run")
    run(read_study(path));
  else if (how == "table")
    read_table(path);
  else
    throw std::logic_error("unknown word " + how);
}

// ---- one broken file per rule ----

TEST(BadFiles, SayWhatAndWhere) {
  const json cases = json::parse(read_file(bad + "index.json"));
  EXPECT_GE(cases.size(), 60u);
  const std::vector<std::string> kinds{"input", "model", "numeric", "io"};
  for (const json& one : cases) {
    const std::string file = one["file"];
    SCOPED_TRACE(file);
    try {
      use(one["read"], bad + file);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      const std::string what = error.what();
      EXPECT_EQ(kinds[static_cast<std::size_t>(error.kind())], one["kind"]) << what;
      if (one.contains("where")) {
        EXPECT_EQ(error.where(), bad + one["where"].get<std::string>()) << what;
      }
      EXPECT_EQ(what.find(error.where() + ": "), 0u);
      for (const json& words : one["words"])
        EXPECT_NE(what.find(words.get<std::string>()), std::string::npos) << words << " in " << what;
      EXPECT_LT(what.size(), 3000u);
      EXPECT_NO_THROW(json(what).dump()) << "the message is UTF-8";
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not an error of psoas: " << error.what();
    }
  }
}

TEST(BadFiles, AreAllInTheTable) {
  std::set<std::string> listed{"index.json", "README.md"}, found;
  for (const json& one : json::parse(read_file(bad + "index.json")))
    EXPECT_TRUE(listed.insert(one["file"]).second) << one["file"];
  for (const auto& entry : std::filesystem::directory_iterator(bad)) {
    const std::string name = entry.path().filename().string();
    const bool part = name.rfind("good_", 0) == 0 || (name.rfind("motion_", 0) == 0 && name.ends_with(".mot")) ||
                      (name.rfind("tracking_", 0) == 0 && name.ends_with(".mot")) ||
                      (name.rfind("control_", 0) == 0 && name.ends_with(".csv"));
    if (!part) found.insert(name);
  }
  EXPECT_EQ(found, listed);
}

TEST(BadFiles, TheGoodOnesAreGood) {
  Model::load(bad + "good_model.json");
  for (const char* name :
       {"good_curve.json", "good_edits.json", "good_experiment.json", "good_motion.json", "good_posture.json"})
    EXPECT_NO_THROW(run(read_study(bad + name))) << name;
}

// ---- what no file in the repository can be ----

/// The error of reading a file as a model, a study and a table: of this kind, at this file.
void expect_refused(const std::string& path, const std::string& kind, const std::string& words) {
  for (const std::string how : {"model", "study", "table"}) {
    const auto read = [&] { use(how, path); };
    EXPECT_EQ(place_of(read).first, kind) << how << " " << path << ": " << error_of(read);
    EXPECT_EQ(place_of(read).second.rfind(path, 0), 0u) << error_of(read);
    EXPECT_NE(error_of(read).find(words), std::string::npos) << error_of(read);
  }
}

TEST(BadFiles, ThatCannotBeRead) {
  const TempFolder folder;
  expect_refused(folder / "none.json", "io", "expected a file, found none of this name");
  expect_refused(folder.path().string(), "io", "expected a file, found a folder");
  expect_refused(folder.write("file.json", "{}") + "/inside.json", "io", "Not a directory");
  expect_refused("/proc/self/mem", "io", "cannot be read");
  const std::string loop = folder / "loop.json";
  std::filesystem::create_symlink(loop, loop);
  expect_refused(loop, "io", "cannot be read");
  const std::string locked = folder.write("locked.json", "{}");
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  if (::access(locked.c_str(), R_OK) != 0) expect_refused(locked, "io", "cannot be read");  // root may read anything
}

TEST(BadFiles, OfMoreThan256Megabytes) {
  const TempFolder folder;
  const std::string path = folder.write("large.json", "{");
  std::filesystem::resize_file(path, largest_file + 1);
  expect_refused(path, "io", "expected at most 268435456 bytes, found more");
}

TEST(BadFiles, NestedDeeply) {
  const TempFolder folder;
  for (const std::string& text : {std::string(200000, '['), [] {
                                    std::string objects;
                                    for (int i = 0; i < 200000; ++i) objects += "{\"a\":";
                                    return objects;
                                  }()}) {
    const std::string path = folder.write("deep.json", text);
    for (const std::string how : {"model", "study"}) {
      const auto read = [&] { use(how, path); };
      EXPECT_EQ(place_of(read).second, path + (text[0] == '[' ? ":1:65" : ":1:321"));
      EXPECT_NE(error_of(read).find("expected at most 64 levels of nesting, found more"), std::string::npos);
    }
  }
}

TEST(BadFiles, MessagesStayShort) {
  const TempFolder folder;
  for (const std::string& text :
       {"{\"format\": \"" + std::string(100000, 'x') + "\"}", "{\"format\": \"" + std::string(100000, 'x'),
        std::string(100000, '7'), std::string("{\"format\": ") + std::string(100000, '9') + "}",
        "{\"format\": \"psoas-model/1\", \"gravity\": \"" + std::string(100000, 'x') + "\"}"}) {
    const std::string error = error_of([&] { Model::load(folder.write("a.json", text)); });
    EXPECT_LT(error.size(), 500u) << error.substr(0, 500);
    EXPECT_NE(error, "no error");
  }
}

TEST(BadFiles, EveryCutOfAGoodFileIsRefused) {
  const std::string text = read_file(bad + "good_model.json");
  for (std::size_t length = 0; length + 1 < text.size(); ++length)
    EXPECT_EQ(place_of([&] { parse_model("cut.json", text.substr(0, length)); }).first, "input") << length;
}

TEST(BadFiles, EveryByteSpoiltIsRefusedOrRead) {
  // nothing but an Error may come out, whatever the byte
  const std::string text = read_file(bad + "good_model.json");
  int errors = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    for (const char byte : {'\0', '"', '9'}) {
      std::string spoilt = text;
      spoilt[i] = byte;
      if (error_of([&] { const Model model(parse_model("spoilt.json", spoilt)); }) != "no error") ++errors;
    }
  EXPECT_GT(errors, 1500);
}

// ---- reading ----

const std::string model_text = R"({"format": "psoas-model/1", "bodies": {"thigh": {"mass": 8}},
  "coordinates": {"hip": {}}, "joints": {"hip": {"parent": "ground", "child": "thigh", "motion": {"pin": {"coordinate": "hip"}}}},
  "muscles": {"flexor": {"path": [{"body": "ground", "location": [0.05, 0.1, 0]}, {"body": "thigh", "location": [0.03, -0.1, 0]}],
    "max_isometric_force": 1000, "optimal_fibre_length": 0.1, "tendon_slack_length": 0.09}}})";

const std::string study_text = R"({"format": "psoas-study/1", "study": "torque_curve", "title": "hip",
  "model": "leg.json", "coordinate": "hip", "from_deg": 0, "to_deg": 10, "posture": {},
  "edits": [{"name": "tight", "muscles": "flexor", "scale": {"optimal_fibre_length": 0.9}},
            {"muscles": "flexor", "set": {"pennation": 0.1}}],
  "variants": {"normal": [], "weak": [{"muscles": "*", "scale": {"max_isometric_force": 0.5}}]}})";

/// A folder with the two above.
class StudyFile : public ::testing::Test {
 public:
  TempFolder folder;
  const std::string model = folder.write("leg.json", model_text), path = folder.write("study.json", study_text);

  double fibre_length(const Study& study) const { return study.model.muscles.find("flexor")->optimal_fibre_length; }
};

TEST_F(StudyFile, IsRead) {
  const Study study = read_study(path);
  EXPECT_EQ(study.path, path);
  EXPECT_EQ(study.title, "hip");
  EXPECT_EQ(std::get<TorqueCurveStudy>(study.question).to_deg, 10.0);
  EXPECT_EQ(study.edits.size(), 2u);
  EXPECT_EQ(fibre_length(study), 0.1 * 0.9);
  EXPECT_EQ(study.model.muscles.find("flexor")->pennation, 0.1);
  ASSERT_EQ(study.variants.size(), 2u);
  EXPECT_EQ(study.variants[0].first, "normal");
  EXPECT_EQ(*study.model.muscles.find("flexor")->max_isometric_force, 1000.0) << "variants come later";
  EXPECT_EQ(study.place("/to_deg"), path + ":2: /to_deg");
  EXPECT_EQ(study.place("/edits/1/set"), path + ":4: /edits/1/set");
  EXPECT_EQ(study.place("/nothing/~here"), path + ":1: /nothing/~here") << "no pointer at all is no crash";
}

TEST_F(StudyFile, SubjectIsScaledBeforeTheEdits) {
  const std::string sized = folder.write(
      "b.json",
      R"({"extends": "study.json", "subject": {"mass": 16, "height": 1.8, "note": "who", "scale": {"thigh": 1.5, "note": "why"}}})");
  const Study study = read_study(sized);
  EXPECT_EQ(study.model.bodies.find("thigh")->mass, 16.0);
  EXPECT_EQ(study.model.muscles.find("flexor")->path[1].location.y(), -0.1 * 1.5);
  EXPECT_GT(fibre_length(study), 0.091);
  EXPECT_EQ(*study.subject.height, 1.8);
}

TEST_F(StudyFile, EditsOfTheBaseComeFirst) {
  const std::string derived = folder.write("b.json",
                                           "{\"extends\": \"study.json\",\n\"edits\": [\n{\"muscles\": \"flexor\", "
                                           "\"set\": {\"optimal_fibre_length\": 0.2}}]}");
  const Study study = read_study(derived);
  EXPECT_EQ(study.edits.size(), 3u);
  EXPECT_EQ(fibre_length(study), 0.2);
  EXPECT_EQ(study.place("/edits/0/scale"), path + ":3: /edits/0/scale") << "the base's";
  EXPECT_EQ(study.place("/edits/1"), path + ":4: /edits/1");
  EXPECT_EQ(study.place("/edits/2/set/optimal_fibre_length"), derived + ":3: /edits/2/set/optimal_fibre_length");
  const Study none = read_study(folder.write("c.json", "{\"extends\": \"study.json\", \"edits\": null}"));
  EXPECT_TRUE(none.edits.empty());
}

TEST_F(StudyFile, OfSeveralBasesEachIsLaidOverThoseBeforeIt) {
  folder.write(
      "title.json",
      "{\"title\": \"over\",\n\"to_deg\": 20,\n\"edits\": [{\"bodies\": \"thigh\", \"scale\": {\"mass\": 2}}]}");
  const std::string derived =
      folder.write("b.json",
                   "{\"extends\": [\"study.json\", \"title.json\"], \"to_deg\": 30, \"edits\": [\n{\"bodies\": "
                   "\"thigh\", \"shift\": {\"mass_center\": [0, 0.01, 0]}}]}");
  const Study study = read_study(derived), before = read_study(path);
  EXPECT_EQ(study.title, "over");
  EXPECT_EQ(std::get<TorqueCurveStudy>(study.question).to_deg, 30.0);
  ASSERT_EQ(study.edits.size(), before.edits.size() + 2);
  EXPECT_EQ(study.place("/edits/0/scale"), path + ":3: /edits/0/scale");
  EXPECT_EQ(study.place("/edits/2"), (folder.path() / "title.json").string() + ":3: /edits/2");
  EXPECT_EQ(study.place("/edits/3"), derived + ":2: /edits/3");
  EXPECT_EQ(study.place("/title"), (folder.path() / "title.json").string() + ":1: /title");
  const BodySpec &thigh = *study.model.bodies.find("thigh"), &was = *before.model.bodies.find("thigh");
  EXPECT_EQ(thigh.mass, 2.0 * was.mass);
  EXPECT_EQ(thigh.mass_center, Vec3(was.mass_center + Vec3(0, 0.01, 0)));
  // a base's own bases come with it
  const Study deeper = read_study(folder.write("c.json", R"({"extends": ["b.json"], "title": "deeper"})"));
  EXPECT_EQ(deeper.edits.size(), study.edits.size());
  EXPECT_EQ(deeper.title, "deeper");
}

TEST_F(StudyFile, OneMemberOfAnObjectCanBeReplacedAlone) {
  const Study study = read_study(
      folder.write("b.json", R"({"extends": "study.json", "posture": {"hip": 0.1}, "variants": {"normal": null}})"));
  EXPECT_EQ(study.variants.size(), 1u);
  const std::string base = folder.write(
      "base.json",
      R"({"format": "psoas-study/1", "study": "simulation", "model": "leg.json", "duration": 1, "initial": {"hip": 0.1}})");
  const Study both = read_study(folder.write("more.json", R"({"extends": "base.json", "initial": {"other": 0.2}})"));
  EXPECT_EQ(std::get<SimulationStudy>(both.question).initial.size(), 2u);
}

// ---- --set ----

TEST_F(StudyFile, SetReplacesAValue) {
  EXPECT_EQ(std::get<TorqueCurveStudy>(read_study(path, {{"/to_deg", "20"}}).question).to_deg, 20.0);
  EXPECT_EQ(read_study(path, {{"/title", "knee"}}).title, "knee");
  EXPECT_EQ(read_study(path, {{"/title", "\"knee\""}}).title, "knee");
  EXPECT_EQ(fibre_length(read_study(path, {{"/edits/0/scale/optimal_fibre_length", "0.5"}})), 0.05);
  EXPECT_EQ(fibre_length(read_study(path, {{"/edits/tight/scale/optimal_fibre_length", "0.5"}})), 0.05);
  EXPECT_EQ(read_study(path, {{"/model/bodies/thigh/mass", "9"}}).model.bodies.find("thigh")->mass, 9.0);
  EXPECT_EQ(read_study(path, {{"/variants/weak/0/scale/max_isometric_force", "0.25"}})
                .variants[1]
                .second[0]
                .scale.find("max_isometric_force")[0],
            0.25);
}

TEST_F(StudyFile, SetRefuses) {
  const auto refused = [&](const std::string& pointer, const std::string& value) {
    return error_of([&] { read_study(path, {{pointer, value}}); });
  };
  EXPECT_EQ(refused("/to_degrees", "1"),
            "--set /to_degrees: expected something there, found nothing in " + path + ", did you mean \"to_deg\"?");
  EXPECT_EQ(refused("to_deg", "1"), "--set to_deg: expected a JSON pointer such as /subject/mass");
  EXPECT_EQ(refused("/to~deg", "1"), "--set /to~deg: expected a JSON pointer such as /subject/mass");
  EXPECT_EQ(refused("/to_deg", "high"), "--set /to_deg: expected a value of type number, found \"high\"");
  EXPECT_EQ(refused("/to_deg", "null"), "--set /to_deg: expected a value of type number, found null");
  EXPECT_EQ(refused("/title", "3"), "--set /title: expected a value of type string, found 3");
  EXPECT_EQ(refused("/step_dge", "1"),
            "--set /step_dge: expected something there, found nothing in " + path + ", did you mean \"step_deg\"?");
  EXPECT_EQ(refused("/edits/tihgt/scale/optimal_fibre_length", "0.5"),
            "--set /edits/tihgt/scale/optimal_fibre_length: expected an edit of this name or index, found none in " +
                path + ", did you mean \"tight\"?");
  EXPECT_NE(refused("/edits/tight/scale/optimal_fiber_length", "0.5").find("did you mean \"optimal_fibre_length\"?"),
            std::string::npos);
  EXPECT_EQ(refused("/outputs/0", "a").find("--set /outputs/0: expected something there"), 0u);
  EXPECT_EQ(refused("/edits/99999999999999999999999", "1"),
            "--set /edits/99999999999999999999999: expected an index from 0 to 1 in /edits/99999999999999999999999, "
            "found \"99999999999999999999…\"");
  EXPECT_EQ(refused("/edits/-", "1").find("--set /edits/-: expected an edit of this name or index"), 0u);
  EXPECT_EQ(refused("/title/below", "1").find("--set /title/below: expected something there"), 0u);
  EXPECT_EQ(
      refused("/subject/scale/thihg", "1"),
      "--set /subject/scale/thihg: expected something there, found nothing in " + path + ", did you mean \"thigh\"?");
  EXPECT_EQ(refused("/subject/scale/thigh", "\"big\""),
            "--set /subject/scale/thigh: expected a value of type number or array, found \"big\"");
  EXPECT_EQ(refused("/subject/mass", "1000").find("--set /subject/mass: expected a number [kg] from 1 to 500"), 0u);
  EXPECT_EQ(refused("/posture/knee", "1").find("--set /posture/knee: expected something there"), 0u)
      << "a new name is no field";
  EXPECT_NE(refused("/model/muscles/flexer/damping", "0.2").find("did you mean \"flexor\"?"), std::string::npos);
  EXPECT_NE(refused("/model/muscles/flexor/dampnig", "0.2").find("did you mean \"damping\"?"), std::string::npos);
  EXPECT_EQ(refused("/model/muscles/flexor/damping", "\"low\""),
            "--set /model/muscles/flexor/damping: expected a value of type number, found \"low\"");
  EXPECT_EQ(refused("/model/muscles/flexer*/damping", "0.2"),
            "--set /model/muscles/flexer*/damping: expected a name, glob or group that matches something, found "
            "\"flexer*\", did you mean \"flexor\"?");
  EXPECT_EQ(refused("/model/muscles/group:hip_muscle/damping", "0.2")
                .find("--set /model/muscles/group:hip_muscle/damping: expected a name, glob or group"),
            0u);
  EXPECT_EQ(refused("/edits/loose/scale/optimal_fibre_length", "0.5")
                .find("--set /edits/loose/scale/optimal_fibre_length: expected an edit of this name or index"),
            0u);
  EXPECT_EQ(refused("/edits/9/scale", "0.5").find("--set /edits/9/scale: expected an index from 0 to 1"), 0u);
  EXPECT_EQ(refused("/model/bodies/shank/mass", "1")
                .find("--set /model/bodies/shank/mass: expected something there, found nothing in " + model),
            0u);
  EXPECT_EQ(refused("/to_deg", "1e4").find("--set /to_deg: expected a number [deg] from -360 to 360"), 0u)
      << "the place is the option's";
  EXPECT_EQ(refused("/title", "\xff\xfe"), "--set /title: expected a value in UTF-8");
  EXPECT_EQ(place_of([&] { read_study(path, {{"/to_deg", "high"}}); }), (Pair{"input", "--set /to_deg"}));
  EXPECT_EQ(refused("/model/bodies/thigh/mass", "-1").find("--set /model/bodies/thigh/mass: expected a number [kg]"),
            0u);
}

TEST_F(StudyFile, SetReachesFieldsThatTheFileLeavesAtTheirDefault) {
  EXPECT_EQ(std::get<TorqueCurveStudy>(read_study(path, {{"/step_deg", "2"}}).question).step_deg, 2.0);
  EXPECT_EQ(read_study(path, {{"/outputs", "[\"length/flexor\"]"}}).outputs, std::vector<std::string>{"length/flexor"});
  EXPECT_EQ(*read_study(path, {{"/subject/mass", "20"}}).subject.mass, 20.0);
  EXPECT_EQ(*read_study(path, {{"/subject/scale/thigh", "1.5"}}).subject.scale.find("thigh"), Vec3(1.5, 1.5, 1.5));
  EXPECT_EQ(*read_study(path, {{"/subject/scale/thigh", "[1, 2, 1]"}}).subject.scale.find("thigh"), Vec3(1, 2, 1));
  EXPECT_EQ(read_study(path, {{"/model/muscles/flexor/damping", "0.2"}}).model.muscles.find("flexor")->damping, 0.2);
  EXPECT_EQ(
      std::get<DeGrooteFregly>(read_study(path, {{"/model/muscles/flexor/curve/de_groote_fregly/active_width", "1.2"}})
                                   .model.muscles.find("flexor")
                                   ->curve)
          .active_width,
      1.2);
  const std::string motion = bad + "good_motion.json";
  const auto read = [&](const char* pointer, const char* value) {
    return std::get<MotionStudy>(read_study(motion, {{pointer, value}}).question);
  };
  EXPECT_EQ(read("/redundancy/power", "3").redundancy.power, 3.0);
  EXPECT_EQ(read("/redundancy/lumbar", "rhythm").redundancy.lumbar, "rhythm");
  EXPECT_EQ(read("/support/seat", "none").support.seat, "none");
  EXPECT_TRUE(read("/integration", "{}").integration.has_value());
  EXPECT_EQ(read("/integration/tolerance", "1e-5").integration->tolerance, 1e-5);
  EXPECT_FALSE(read("/integration", "null").integration.has_value()) << "absent stays absent";
  const std::string integrated =
      folder.write("i.json", R"({"extends": ")" + motion + R"(", "integration": {}, "motion": {"coordinates": ")" +
                                 bad + R"(good_motion.mot"}, "model": ")" + bad + R"(good_model.json"})");
  EXPECT_TRUE(std::get<MotionStudy>(read_study(integrated).question).integration.has_value());
  EXPECT_FALSE(
      std::get<MotionStudy>(read_study(integrated, {{"/integration", "null"}}).question).integration.has_value());
}

TEST_F(StudyFile, SetReachesAllThatAModelPointerMatches) {
  const auto dampings = [&](const std::string& pointer) {
    std::vector<double> all;
    for (const auto& [name, muscle] : read_study(bad + "good_curve.json", {{pointer, "0.2"}}).model.muscles)
      all.push_back(muscle.damping);
    return all;
  };
  EXPECT_EQ(dampings("/model/muscles/*/damping"), (std::vector<double>{0.2, 0.2}));
  EXPECT_EQ(dampings("/model/muscles/flex*/damping"), (std::vector<double>{0.2, 0.1}));
  EXPECT_EQ(dampings("/model/muscles/group:hip_muscles/damping"), (std::vector<double>{0.2, 0.2}));
  EXPECT_EQ(read_study(path, {{"/model/bodies/th*/mass", "9"}}).model.bodies.find("thigh")->mass, 9.0);
}

TEST_F(StudyFile, TheModelIsChosenBeforeItIsChanged) {
  const Study study = read_study(path, {{"/model/bodies/thigh/mass", "9"}, {"/model", "leg.json"}});
  EXPECT_EQ(study.model.bodies.find("thigh")->mass, 9.0);
}

// ---- results as studies ----

TEST_F(StudyFile, AResultIsItsStudy) {
  const Result result = run(read_study(path));
  const std::string text = result_text(result);
  const TempFolder elsewhere;
  const std::string again = elsewhere.write("result.json", text);
  EXPECT_EQ(result_text(run(read_study(again))), text) << "without study and model beside it";
  EXPECT_EQ(fibre_length(read_study(again, {{"/edits/tight/scale/optimal_fibre_length", "0.5"}})), 0.05);
}

TEST(Result, HoldsItsTableAndKnowsAnother) {
  const std::string text = result_text(run(read_study(bad + "good_motion.json")));
  const TempFolder folder;
  EXPECT_EQ(result_text(run(read_study(folder.write("result.json", text)))), text);
  json root = json::parse(text);
  json& table = root["provenance"]["tables"]["good_motion.mot"];
  table["text"] = table["text"].get<std::string>() + "1.10\t0\t0\t0\n";
  EXPECT_NE(error_of([&] {
              read_study(folder.write("a.json", root.dump()));
            }).find("expected the table that this result was computed from (hash "),
            std::string::npos);
  // whatever stands in a spoilt result, an Error comes out
  for (const json& spoilt : {json(), json(3), json::array(), json::object(), json("x")}) {
    json one = root;
    one["provenance"]["tables"]["good_motion.mot"] = spoilt;
    EXPECT_EQ(place_of([&] { read_study(folder.write("b.json", one.dump())); }).second.rfind(folder.path().string(), 0),
              0u);
    for (const char* part : {"study", "model", "tables"}) {
      one = root;
      one["provenance"][part] = spoilt;
      EXPECT_NE(error_of([&] { read_study(folder.write("b.json", one.dump())); }), "no error") << part << spoilt;
    }
  }
}

// ---- examples ----

TEST(Examples, AreCompleteStudies) {
  for (const char* kind : {"motion", "torque_curve", "simulation"}) {
    const json root = json::parse(example_study(kind));
    EXPECT_EQ(root["study"], kind);
    const TempFolder folder;
    folder.write("models/full_body.json", read_file(std::string(PSOAS_SOURCE_DIR) + "/models/full_body.json"));
    folder.write("models/iliopsoas.json", read_file(std::string(PSOAS_SOURCE_DIR) + "/models/iliopsoas.json"));
    folder.write("examples/sit_to_stand/subject_a.mot", "leg\nendheader\ntime\thip_flexion_r\n0\t0\n");
    EXPECT_NO_THROW(read_study(folder.write("study.json", example_study(kind)))) << kind;
  }
  EXPECT_EQ(
      error_of([] { example_study("motoin"); }).find("motoin: expected a study kind: motion, torque_curve, simulation"),
      0u);
}

TEST(Examples, ShippedStudiesAreRead) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(PSOAS_SOURCE_DIR) + "/examples"))
    if (entry.path().filename() == "study.json") {
      EXPECT_NO_THROW(read_study(entry.path().string())) << entry.path();
    }
}

}  // namespace
}  // namespace psoas
