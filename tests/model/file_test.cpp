// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/file.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/json_file.hpp"
#include "model/tiny.hpp"
#include "psoas/io/file.hpp"
#include "psoas/study/study.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

using test::contents;
using test::error_of;
using test::place_of;
using test::replaced;
using test::TempFolder;
using test::tiny_text;

const std::string source = PSOAS_SOURCE_DIR;

// ---- reading and writing ----

class ModelText : public ::testing::TestWithParam<std::string> {
 public:
  std::string text() const { return GetParam() == "tiny" ? tiny_text : read_file(source + "/models/" + GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Models, ModelText, ::testing::Values("tiny", "full_body.json", "iliopsoas.json"),
                         [](const auto& one) { return one.param.substr(0, one.param.find('.')); });

TEST_P(ModelText, ReadWriteReadIsTheSame) {
  const ModelSpec spec = parse_model("a", text());
  const std::string written = model_text(spec);
  const ModelSpec again = parse_model("b", written);
  EXPECT_EQ(contents(spec), contents(again));
  EXPECT_EQ(model_text(again), written);
}

TEST_P(ModelText, ShippedFilesAreStrictJson) {
  if (GetParam() != "tiny") {
    EXPECT_TRUE(json::accept(text(), false));
  }
}

TEST(ModelFile, NumbersKeepTheirBits) {
  const std::vector<double> numbers = {0.0,
                                       -0.0,
                                       0.1,
                                       1.0 / 3.0,
                                       2.0 / 3.0,
                                       1e22,
                                       123456789012345680000.0,
                                       1e15,
                                       5e-324,
                                       -1e-300,
                                       1e300,
                                       1.7976931348623157e308,
                                       6e5,
                                       9007199254740993.0,
                                       9223372036854775807.0,
                                       18446744073709551615.0,
                                       -9223372036854775808.0};
  ModelSpec spec = test::tiny_model();
  auto& torque = std::get<ExponentialTorque>(*spec.passive.find("capsule"));
  for (const double number : numbers) {
    torque.reference = number;
    const std::string text = model_text(spec);
    EXPECT_EQ(contents(parse_model("a", text)), contents(spec)) << number << "\n" << text;
  }
  spec.muscles.find("psoas_r")->path[0].location = {-0.0, 0.1, -0.1};
  const std::string text = model_text(spec);
  EXPECT_NE(text.find("[-0.0, 0.1, -0.1]"), std::string::npos) << text;
  EXPECT_EQ(contents(parse_model("a", text)), contents(spec));
}

TEST(ModelFile, MinusZeroThatSomebodyWrote) {
  // JSON's -0 is a whole number to some readers; here it is the double that it says
  const ModelSpec spec =
      parse_model("a", replaced(tiny_text, "\"location\": [-0.02, 0.15, 0]", "\"location\": [-0.0, 0.15, 0]"));
  EXPECT_TRUE(std::signbit(spec.muscles.find("psoas_r")->path[0].location.x()));
}

TEST(ModelFile, WritesNothingThatHasNoValue) {
  const std::string text = model_text(test::tiny_model());
  EXPECT_EQ(text.find("null"), std::string::npos);
  EXPECT_EQ(text.find("[]"), std::string::npos) << text;
  EXPECT_EQ(text.find("only_when"), std::string::npos);
  EXPECT_EQ(text.find("coupled_to"), text.rfind("coupled_to"));
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  EXPECT_LE(longest, 120u);
}

TEST(ModelFile, CommentsAreReadAndByteOrderMark) {
  const std::string text = "\xEF\xBB\xBF// a model\n/* of two\n bodies */" +
                           replaced(tiny_text, "\"sources\"", "// where from\n\"sources\"");
  EXPECT_EQ(contents(parse_model("a", text)), contents(test::tiny_model()));
}

/// Puts a note into every object.
void annotate(json& value) {
  if (value.is_structured())
    for (auto& item : value) annotate(item);
  if (value.is_object()) value["note"] = "why";
}

TEST(ModelFile, NotesAreAcceptedInEveryObject) {
  json root = json::parse(tiny_text);
  root["$schema"] = "schema/psoas-model-1.json";
  annotate(root);
  EXPECT_EQ(contents(parse_model("a", root.dump(1))), contents(test::tiny_model()));
  json spoilt = root;
  spoilt["bodies"]["thigh"]["note"] = 3;
  EXPECT_NE(error_of([&] { parse_model("a", spoilt.dump(1)); }).find("/bodies/thigh/note: expected a text, found 3"),
            std::string::npos);
}

TEST(ModelFile, KindsWhoseOnlyFieldIsAnArray) {
  const std::string longer =
      replaced(tiny_text, R"({"polynomial": [0.01, 0.02]})", R"({"polynomial": {"coefficients": [0.01, 0.02]}})");
  EXPECT_EQ(contents(parse_model("a", longer)), contents(test::tiny_model()));
  EXPECT_NE(error_of([] {
              parse_model("a", replaced(tiny_text, R"({"polynomial": [0.01, 0.02]})", R"({"polynomial": []})"));
            }).find("function/polynomial: expected at least one coefficient"),
            std::string::npos);
  // two fields: no shorthand
  EXPECT_NE(error_of([] {
              parse_model("a", replaced(tiny_text, R"({"polynomial": [0.01, 0.02]})", R"({"spline": [0, 1]})"));
            }).find("function/spline: expected an object"),
            std::string::npos);
}

TEST(ModelFile, EveryProblemIsReportedOnce) {
  std::string text = replaced(tiny_text, "\"mass\": 8", "\"mass\": -8");
  text = replaced(text, "\"pennation\"", "\"penation\"");
  text = replaced(text, "\"mass\": 3, ", "");
  const std::string error = error_of([&] { parse_model("a.json", text); });
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 2) << error;
  EXPECT_NE(error.find("a.json:7: /bodies/thigh/mass: expected a number [kg] from 0 to 10000 (mass), found -8\n"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("a.json:8: /bodies/shank: missing \"mass\" (mass)\n"), std::string::npos) << error;
  EXPECT_NE(error.find("a.json:41: /muscles/psoas_r/penation: unknown key, did you mean \"pennation\"?"),
            std::string::npos)
      << error;
}

TEST(ModelFile, AbsentKindsAndParts) {
  // a default that needs a value is no value
  const std::string error =
      error_of([] { parse_model("a", replaced(tiny_text, R"(, "shape": {"cylinder": {"radius": 0.03}})", "")); });
  EXPECT_NE(error.find("/surfaces/brim: missing \"shape\""), std::string::npos) << error;
  EXPECT_NO_THROW(parse_model("a", replaced(tiny_text, R"(, "motion": {"pin": {"coordinate": "hip_flexion_r"}})", "")));
}

TEST(ModelFile, ManyProblemsAreCounted) {
  json root = json::parse(tiny_text);
  for (int i = 0; i < 300; ++i) root["bodies"]["b" + std::to_string(i)] = json::object();
  const std::string error = error_of([&] { parse_model("a", root.dump(1)); });
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 100);
  EXPECT_NE(error.find("and 200 more problems"), std::string::npos);
}

// ---- extends ----

/// Reads a model whose file extends the tiny model.
ModelSpec extended(const std::string& members) {
  const TempFolder folder;
  folder.write("base.json", tiny_text);
  return read_model(folder.write("derived.json", "{\"extends\": \"base.json\",\n" + members + "}"));
}

TEST(Extends, ObjectsMergeAndTheRestIsReplaced) {
  const ModelSpec spec = extended(R"("name": "other", "bodies": {"thigh": {"mass": 9}}, "gravity": [0, 0, -9.81],
    "muscles": {"psoas_r": {"path": [{"body": "ground", "location": [1, 2, 3]}, {"body": "thigh", "location": [4, 5, 6]}]}})");
  EXPECT_EQ(spec.name, "other");
  EXPECT_EQ(spec.bodies.size(), 2u);
  EXPECT_EQ(spec.bodies.find("thigh")->mass, 9.0);
  EXPECT_EQ(spec.bodies.find("thigh")->inertia[0], 0.1);
  EXPECT_EQ(spec.gravity, Vec3(0, 0, -9.81));
  EXPECT_EQ(spec.muscles.find("psoas_r")->path[1].location, Vec3(4, 5, 6));
  EXPECT_EQ(spec.muscles.find("psoas_r")->optimal_fibre_length, 0.12);
}

TEST(Extends, NullRemoves) {
  const ModelSpec spec =
      extended(R"("muscles": {"hamstrings_r": null, "psoas_r": {"wraps": null, "pennation": null}}, "surfaces": null)");
  EXPECT_EQ(spec.muscles.size(), 2u);
  EXPECT_TRUE(spec.surfaces.empty());
  EXPECT_EQ(spec.muscles.find("psoas_r")->pennation, 0.0);
  EXPECT_NE(
      error_of([] { extended(R"("bodies": {"thigh": {"mass": null}})"); }).find("/bodies/thigh: missing \"mass\""),
      std::string::npos);
  EXPECT_NE(error_of([] {
              parse_model("a", replaced(tiny_text, "\"pennation\": 0.1", "\"pennation\": null"));
            }).find("/muscles/psoas_r/pennation: expected a number"),
            std::string::npos);
}

TEST(Extends, AnotherKindReplaces) {
  const ModelSpec sphere = extended(R"("surfaces": {"brim": {"shape": {"sphere": {"radius": 0.02}}}})");
  EXPECT_TRUE(std::holds_alternative<Sphere>(sphere.surfaces.find("brim")->shape));
  const ModelSpec noted = extended(
      R"("joints": {"hip": {"motion": {"note": "fixed", "weld": {}}}}, "coordinates": {"hip_flexion_r": null}, "passive": null)");
  EXPECT_TRUE(std::holds_alternative<Weld>(noted.joints.find("hip")->motion));
  const ModelSpec same = extended(R"("joints": {"hip": {"motion": {"pin": {"axis": [1, 0, 0]}}}})");
  EXPECT_EQ(std::get<Pin>(same.joints.find("hip")->motion).coordinate, "hip_flexion_r");
  EXPECT_EQ(std::get<Pin>(same.joints.find("hip")->motion).axis, Vec3(1, 0, 0));
}

TEST(Extends, AnObjectWithOneMemberIsNotAlwaysAKind) {
  const ModelSpec spec = extended(
      R"("surfaces": {"second": {"body": "thigh", "shape": {"sphere": {"radius": 0.02}}}}, "hips": {"l": "hip"},
                                     "passive": {"more": {"exponential": {"coordinate": "knee_angle_r", "torque": 1, "rate": 1}}})");
  EXPECT_EQ(spec.surfaces.size(), 2u);
  EXPECT_EQ(spec.hips.size(), 2u);
  EXPECT_EQ(spec.passive.size(), 2u);
}

TEST(Extends, NamesOfElementsAreNoKinds) {
  const ModelSpec spec =
      extended(R"("surfaces": {"brim": null, "cylinder": {"body": "thigh", "shape": {"sphere": {"radius": 0.02}}}},
                                     "groups": {"psoas": null, "all": null, "linear": ["*"]}, "muscles": {"psoas_r": {"wraps": []}},
                                     "contacts": {"heel_r": null, "pin": {"body": "shank", "location": [0, 0, 0]}})");
  EXPECT_EQ(spec.contacts.size(), 1u);
  const TempFolder folder;
  json base = json::parse(tiny_text);
  base["contacts"] = {{"sphere", base["contacts"]["heel_r"]}};
  folder.write("base.json", base.dump());
  const ModelSpec both = read_model(
      folder.write("derived.json",
                   R"({"extends": "base.json", "contacts": {"cylinder": {"body": "shank", "location": [0, 0, 0]}}})"));
  EXPECT_NE(both.contacts.find("sphere"), nullptr);
  EXPECT_NE(both.contacts.find("cylinder"), nullptr);
}

TEST(Extends, PlacesAreThoseOfTheFileThatSaysIt) {
  const TempFolder folder;
  const std::string base = folder.write("base.json", replaced(tiny_text, "\"mass\": 3", "\"mass\": -3"));
  const std::string path =
      folder.write("derived.json", "{\"extends\": \"base.json\",\n\"bodies\": {\n\"thigh\": {\"mass\": -9}}}");
  const std::string error = error_of([&] { read_model(path); });
  EXPECT_NE(error.find(path + ":3: /bodies/thigh/mass"), std::string::npos) << error;
  EXPECT_NE(error.find(base + ":8: /bodies/shank/mass"), std::string::npos) << error;
}

TEST(Extends, AtMostEightDeepAndNoCycle) {
  const TempFolder folder;
  folder.write("0.json", tiny_text);
  for (int i = 1; i < 10; ++i)
    folder.write(std::to_string(i) + ".json", "{\"extends\": \"" + std::to_string(i - 1) + ".json\"}");
  EXPECT_EQ(read_model(folder / "8.json").name, "tiny");
  EXPECT_NE(error_of([&] {
              read_model(folder / "9.json");
            }).find("expected at most 8 files in a row, found " + (folder / "9.json") + " -> "),
            std::string::npos);
  folder.write("a.json", "{\"extends\": \"sub/b.json\"}");
  folder.write("sub/b.json", "{\n\"extends\": \"../a.json\"}");
  const auto read = [&] { read_model(folder / "a.json"); };
  EXPECT_EQ(place_of(read), (std::pair<std::string, std::string>{"input", (folder / "sub/b.json") + ":2: /extends"}));
  EXPECT_NE(error_of(read).find("expected no cycle, found " + (folder / "a.json") + " -> "), std::string::npos)
      << error_of(read);
  EXPECT_EQ(place_of([&] { read_model(folder.write("c.json", "{\"extends\": \"none.json\"}")); }),
            (std::pair<std::string, std::string>{"io", folder / "c.json:1: /extends"}));
  EXPECT_NE(error_of([&] {
              read_model(folder.write("d.json", "{\"extends\": {\"0.json\": 1}}"));
            }).find("d.json:1: /extends: expected a path or a list of paths"),
            std::string::npos);
  // lists are no way round
  EXPECT_EQ(read_model(folder.write("e.json", "{\"extends\": [\"0.json\"]}")).name, "tiny");
  EXPECT_NE(error_of([&] {
              read_model(folder.write("f.json", "{\"extends\": [\n\"0.json\", \"8.json\"]}"));
            }).find("expected at most 8 files in a row"),
            std::string::npos);
  folder.write("sub/one.json", "{\"extends\": \"../e.json\"}");
  folder.write("sub/two.json", "{\"extends\": \"../e.json\"}");
  EXPECT_EQ(
      error_of([&] { read_model(folder.write("g.json", "{\"extends\": [\"sub/one.json\", \"sub/two.json\"]}")); }),
      (folder / "sub/one.json") + ":1: /extends: expected each file once, found " + (folder / "sub/../e.json") +
          " again");
}

// ---- many problems, long texts ----

TEST(ManyProblems, AreCountedAndOnlyTheFirstHundredAreTold) {
  // a file of megabytes in which every line is wrong: a search of the file for each problem would take minutes
  constexpr int muscles = 1000, wrong = 200;
  std::string text = "{\"format\": \"psoas-model/1\", \"muscles\": {\n";
  for (int i = 0; i < muscles; ++i) {
    text += (i > 0 ? ",\n\"m" : "\"m") + std::to_string(i) + "\": {\"optimal_fibre_length\": 0.1";
    for (int k = 0; k < wrong; ++k) text += ",\n\"tendon_slack_lenght_" + std::to_string(k) + "\": 1";
    text += "}";
  }
  text += "}}";
  const std::string what = error_of([&] { parse_model("a.json", text); });
  EXPECT_EQ(what.substr(0, what.find('\n')),
            "a.json:2: /muscles/m0: missing \"tendon_slack_length\" (tendon length at which it starts to carry force)");
  EXPECT_EQ(std::count(what.begin(), what.end(), '\n'), 100);
  EXPECT_NE(what.find("\na.json:12: /muscles/m0/tendon_slack_lenght_9: unknown key, did you mean"), std::string::npos)
      << what.substr(0, 4000);
  EXPECT_EQ(what.substr(what.rfind('\n')), "\nand " + std::to_string(muscles * (wrong + 1) - 100) + " more problems");
}

TEST(ManyProblems, LongKeysAndTextsAreShortened) {
  const std::string huge(1000000, 'k');
  const auto complaint = [&](const std::string& from, const std::string& to) {
    return error_of([&] { parse_model("a.json", replaced(tiny_text, from, to)); });
  };
  EXPECT_LT(complaint("\"thigh\": {\"mass\"", "\"thigh\": {\"" + huge + "\"").size(), 1000u);
  EXPECT_LT(complaint("\"name\": \"tiny\"", "\"" + huge + "\": 1, \"" + huge + "\": 2").size(), 1000u);
  EXPECT_LT(complaint("\"mass\": 8", "\"mass\": \"" + huge + "\"").size(), 1000u);
  EXPECT_LT(complaint("\"pin\": {", "\"" + huge + "\": {").size(), 1000u);
}

TEST(Names, ThatSelectionsWouldMisreadAreRefused) {
  for (const char* name : {"psoas/r", "psoas*", "psoas?", " psoas", "psoas ", "group:psoas", "pso\\nas"}) {
    const std::string text = replaced(tiny_text, "\"psoas_l\": {", "\"" + std::string(name) + "\": {");
    EXPECT_NE(error_of([&] { parse_model("a.json", text); }).find(": /muscles: expected a name "), std::string::npos)
        << name;
  }
  ModelSpec spec = test::tiny_model();
  spec.muscles["a/b"] = *spec.muscles.find("psoas_r");
  EXPECT_NE(error_of([&] { Model model(spec); }).find("/muscles: expected a name without / * ?"), std::string::npos);
}

// ---- numbers that leave the numbers ----

TEST(Numbers, ThatWouldBecomeInfiniteAreRefused) {
  const auto complaint = [&](const std::string& from, const std::string& to) {
    return error_of([&] { parse_model("a.json", replaced(tiny_text, from, to)); });
  };
  EXPECT_NE(complaint("\"x\": [-2, -1, 0]", "\"x\": [-2, -1e-320, 0]").find("expected x to increase by at least 1e-09"),
            std::string::npos);
  EXPECT_NE(complaint("\"y\": [0.02, 0.01, 0]", "\"y\": [0.02, 1e300, 0]").find("/spline/y/1: expected a number"),
            std::string::npos);
  EXPECT_NE(complaint("[0.01, 0.02]", "[0.01, 1e300]").find("/function/polynomial/1: expected a number"),
            std::string::npos);
  EXPECT_NE(complaint("[0.01, 0.02]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")
                .find("expected at most 16 coefficients, found 17"),
            std::string::npos);
  EXPECT_NE(complaint("{\"axis\": [0, 1, 0],", "{\"axis\": [1e200, 0, 1e200],").find(direction_rule),
            std::string::npos);
  EXPECT_NE(complaint("\"range\": [-1, 2], \"value\": 0.1", "\"range\": [-1, 2], \"value\": 2.1")
                .find("/coordinates/hip_flexion_r: expected a value inside the range"),
            std::string::npos);
  EXPECT_NE(complaint("{\"body\": \"thigh\", \"location\": [-0.04, -0.3, 0]}",
                      "{\"body\": \"thigh\", \"location\": [-0.04, -0.3, 0], \"only_when\": {\"coordinate\": "
                      "\"knee_angle_r\", \"range\": [1, -1]}}")
                .find("/path/1/only_when: expected the range's first value not above its second"),
            std::string::npos);
}

// ---- schema ----

/// Checks a value against the part of JSON schema that psoas writes. Adds what is wrong with its place.
void validate(const json& schema, const json& value, const std::string& at, std::vector<std::string>& wrong) {
  const auto fits = [&](const json& one) {
    std::vector<std::string> inside;
    validate(one, value, at, inside);
    return inside.empty();
  };
  for (const auto& [key, rule] : schema.items()) {
    if (key == "type") {
      const std::string type = rule.get<std::string>();
      const bool ok = type == "object"    ? value.is_object()
                      : type == "array"   ? value.is_array()
                      : type == "string"  ? value.is_string()
                      : type == "boolean" ? value.is_boolean()
                      : type == "integer" ? value.is_number_integer()
                                          : type == "number" && value.is_number();
      if (!ok) wrong.push_back(at + " is no " + type);
    } else if (key == "properties") {
      if (value.is_object())
        for (const auto& [name, one] : rule.items())
          if (value.contains(name)) validate(one, value[name], at + "/" + name, wrong);
    } else if (key == "additionalProperties") {
      if (value.is_object())
        for (const auto& [name, member] : value.items())
          if (!schema.contains("properties") || !schema["properties"].contains(name)) {
            if (rule.is_boolean() && !rule.get<bool>()) wrong.push_back(at + "/" + name + " is unknown");
            if (rule.is_object()) validate(rule, member, at + "/" + name, wrong);
          }
    } else if (key == "required") {
      for (const json& name : rule)
        if (value.is_object() && !value.contains(name.get<std::string>()))
          wrong.push_back(at + " lacks " + name.get<std::string>());
    } else if (key == "oneOf" || key == "anyOf") {
      const auto count = std::count_if(rule.begin(), rule.end(), fits);
      if (key == "oneOf" ? count != 1 : count == 0)
        wrong.push_back(at + " fits " + std::to_string(count) + " of " + key);
    } else if (key == "const") {
      if (value != rule) wrong.push_back(at + " is not " + rule.dump());
    } else if (key == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end()) wrong.push_back(at + " is none of " + rule.dump());
    } else if (key == "minimum" || key == "maximum") {
      if (value.is_number() && (key == "minimum" ? value < rule : value > rule)) wrong.push_back(at + " breaks " + key);
    } else if (key == "items") {
      if (value.is_array())
        for (std::size_t i = 0; i < value.size(); ++i) validate(rule, value[i], at + "/" + std::to_string(i), wrong);
    } else if (key == "minItems" || key == "maxItems") {
      if (value.is_array() && (key == "minItems" ? value.size() < rule : value.size() > rule))
        wrong.push_back(at + " breaks " + key);
    } else if (key != "$schema" && key != "title" && key != "description" && key != "unit" && key != "default") {
      wrong.push_back("the schema has a rule \"" + key + "\" that this test does not know");
    }
  }
}

std::vector<std::string> faults(const std::string& schema, const std::string& text) {
  std::vector<std::string> wrong;
  validate(json::parse(schema), json::parse(text), "", wrong);
  return wrong;
}

using Faults = std::vector<std::string>;

TEST_P(ModelText, FollowsItsSchema) { EXPECT_EQ(faults(model_schema(), text()), Faults{}); }

TEST_P(ModelText, WrittenFollowsItsSchema) {
  EXPECT_EQ(faults(model_schema(), model_text(parse_model("a", text()))), Faults{});
}

TEST(Schema, RefusesWhatTheReaderRefuses) {
  const std::string schema = model_schema();
  EXPECT_EQ(faults(schema, replaced(tiny_text, "\"mass\": 8", "\"mass\": -8")),
            Faults{"/bodies/thigh/mass breaks minimum"});
  EXPECT_EQ(faults(schema, replaced(tiny_text, "\"mass\": 3, ", "")), Faults{"/bodies/shank lacks mass"});
  EXPECT_EQ(faults(schema, replaced(tiny_text, "pennation", "penation")),
            Faults{"/muscles/psoas_r/penation is unknown"});
  EXPECT_EQ(faults(schema, replaced(tiny_text, R"("pin": {)", R"("hinge": {)")),
            Faults{"/joints/hip/motion fits 0 of oneOf"});
  EXPECT_EQ(faults(schema, replaced(tiny_text, R"(, "shape": {"cylinder": {"radius": 0.03}})", "")),
            Faults{"/surfaces/brim lacks shape"});
  EXPECT_EQ(faults(schema, replaced(tiny_text, R"("format": "psoas-model/1",)", "")), Faults{" lacks format"});
}

TEST(Schema, AcceptsNotesEverywhere) {
  json root = json::parse(tiny_text);
  annotate(root);
  EXPECT_EQ(faults(model_schema(), root.dump()), Faults{});
}

TEST(Schema, ExampleStudiesFollowTheirs) {
  int studies = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source + "/examples"))
    if (entry.path().filename() == "study.json") {
      ++studies;
      EXPECT_EQ(faults(study_schema(), read_file(entry.path().string())), Faults{}) << entry.path();
    }
  EXPECT_GE(studies, 4);
  for (const char* kind : {"motion", "torque_curve", "simulation"})
    EXPECT_EQ(faults(study_schema(), example_study(kind)), Faults{}) << kind;
}

TEST(Schema, FilesAreCurrent) {
  // models/schema/ is written by this program: PSOAS_WRITE_SCHEMA=1 writes it anew
  for (const auto& [name, text] :
       {std::pair{"psoas-model-1.json", model_schema()}, std::pair{"psoas-study-1.json", study_schema()}}) {
    const std::string path = source + "/models/schema/" + name;
    if (std::getenv("PSOAS_WRITE_SCHEMA")) write_file_atomically(path, text);
    EXPECT_EQ(read_file(path), text) << path << " is not what the program writes";
  }
}

}  // namespace
}  // namespace psoas
