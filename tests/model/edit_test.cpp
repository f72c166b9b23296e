// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/edit.hpp"

#include <gtest/gtest.h>

#include "model/json_file.hpp"
#include "model/model_file.hpp"
#include "model/tiny.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

using test::error_of;
using test::tiny_model;

using Names = std::vector<std::string>;

/// Edits as a study writes them; problems as lines "pointer: text".
ModelSpec edited(const std::string& edits, std::string& problems, ModelSpec spec = tiny_model()) {
  std::vector<Problem> found;
  apply(edits_from(json::parse(edits), "/edits", found), "/edits", spec, found);
  problems.clear();
  for (const Problem& problem : found)
    problems += (problems.empty() ? "" : "\n") + problem.pointer + ": " + problem.text;
  return spec;
}
ModelSpec edited(const std::string& edits) {
  std::string problems;
  ModelSpec spec = edited(edits, problems);
  EXPECT_EQ(problems, "") << edits;
  return spec;
}
std::string refused(const std::string& edits) {
  std::string problems;
  edited(edits, problems);
  return problems;
}
const MuscleSpec& muscle(const ModelSpec& spec, const char* name) { return *spec.muscles.find(name); }

// ---- selections ----

TEST(Select, NamesGlobsAndGroups) {
  const ModelSpec spec = tiny_model();
  EXPECT_EQ(select_muscles(spec, "psoas_r"), Names{"psoas_r"});
  EXPECT_EQ(select_muscles(spec, "*_r"), (Names{"psoas_r", "hamstrings_r"}));
  EXPECT_EQ(select_muscles(spec, "psoas_?"), (Names{"psoas_r", "psoas_l"}));
  EXPECT_EQ(select_muscles(spec, "group:psoas"), (Names{"psoas_r", "psoas_l"}));
  EXPECT_EQ(select_muscles(spec, "group:psoas_r"), Names{"psoas_r"});
  EXPECT_EQ(select_muscles(spec, "group:psoas_l"), Names{"psoas_l"});
  EXPECT_EQ(select_muscles(spec, "group:all_r"), (Names{"psoas_r", "hamstrings_r"}));
  EXPECT_EQ(select_muscles(spec, "psoas"), Names{});
  EXPECT_EQ(select_muscles(spec, "group:psoa"), Names{});
  EXPECT_EQ(select_muscles(spec, "group:psoas_x"), Names{});
  EXPECT_EQ(select_muscles(spec, "group:"), Names{});
  EXPECT_EQ(select_muscles(spec, ""), Names{});
}

TEST(Select, AGroupWhoseOwnNameEndsInASide) {
  ModelSpec spec = tiny_model();
  spec.groups["odd_r"] = {"*"};
  EXPECT_EQ(select_muscles(spec, "group:odd_r").size(), 3u);
  EXPECT_EQ(select_muscles(spec, "group:odd_r_l"), Names{"psoas_l"});
}

TEST(Select, ByModel) {
  const Model model(tiny_model());
  EXPECT_EQ(model.select("group:psoas"), (std::vector<int>{0, 1}));
  EXPECT_EQ(error_of([&] { model.select("group:psoass_r"); }),
            "group:psoass_r: expected a muscle, glob or group of the model, did you mean \"group:psoas_r\"?");
  EXPECT_NE(error_of([&] { model.select("soleus_*"); }).find("expected a muscle, glob or group"), std::string::npos);
}

// ---- set, scale, shift, remove ----

TEST(Edits, SetScaleAndShift) {
  const ModelSpec spec = edited(
      R"([{"muscles": "psoas_r", "set": {"pennation": 0.2, "tendon": "rigid"}, "scale": {"optimal_fibre_length": 0.5},
                                     "shift": {"tendon_slack_length": -0.01}, "note": "why"}])");
  EXPECT_EQ(muscle(spec, "psoas_r").pennation, 0.2);
  EXPECT_EQ(muscle(spec, "psoas_r").tendon, "rigid");
  EXPECT_EQ(muscle(spec, "psoas_r").optimal_fibre_length, 0.06);
  EXPECT_EQ(muscle(spec, "psoas_r").tendon_slack_length, 0.13 - 0.01);
  EXPECT_EQ(test::contents(muscle(spec, "psoas_l")), test::contents(muscle(tiny_model(), "psoas_l")));
}

TEST(Edits, AreAppliedInOrder) {
  EXPECT_EQ(
      muscle(
          edited(
              R"([{"muscles": "psoas_r", "set": {"pennation": 0.2}}, {"muscles": "psoas_*", "scale": {"pennation": 2}}])"),
          "psoas_r")
          .pennation,
      0.4);
  EXPECT_EQ(
      muscle(
          edited(
              R"([{"muscles": "psoas_*", "scale": {"pennation": 2}}, {"muscles": "psoas_r", "set": {"pennation": 0.2}}])"),
          "psoas_r")
          .pennation,
      0.2);
  const ModelSpec twice = edited(
      R"([{"muscles": "psoas_r", "scale": {"optimal_fibre_length": 0.5}}, {"muscles": "psoas_r", "scale": {"optimal_fibre_length": 0.5}}])");
  EXPECT_EQ(muscle(twice, "psoas_r").optimal_fibre_length, 0.03);
}

TEST(Edits, AMuscleThatTwoSelectionsFindIsChangedOnce) {
  EXPECT_EQ(muscle(edited(R"([{"muscles": ["psoas_r", "group:psoas", "*"], "scale": {"optimal_fibre_length": 0.5}}])"),
                   "psoas_r")
                .optimal_fibre_length,
            0.06);
}

TEST(Edits, AnAreaBecomesAForce) {
  const ModelSpec spec = edited(R"([{"muscles": "group:psoas", "scale": {"max_isometric_force": 1.5}}])");
  EXPECT_EQ(*muscle(spec, "psoas_r").max_isometric_force, 1500.0);
  EXPECT_NEAR(*muscle(spec, "psoas_l").max_isometric_force, 900.0, 1e-9);
  EXPECT_FALSE(muscle(spec, "psoas_l").physiological_cross_section_area.has_value());
  const ModelSpec set = edited(R"([{"muscles": "psoas_l", "set": {"max_isometric_force": 700}}])");
  EXPECT_EQ(Model(set).data().units[1].max_isometric_force, 700.0);
  const ModelSpec area = edited(R"([{"muscles": "psoas_l", "scale": {"physiological_cross_section_area": 2}}])");
  EXPECT_EQ(Model(area).data().units[1].max_isometric_force, 1200.0);
  EXPECT_EQ(refused(R"([{"muscles": "psoas_r", "scale": {"physiological_cross_section_area": 2}}])"),
            "/edits/0/scale/physiological_cross_section_area: expected a field that has a value in \"psoas_r\"");
}

TEST(Edits, JointsBodiesAndPassiveElements) {
  const ModelSpec spec =
      edited(R"([{"bodies": "thi*", "scale": {"mass": 1.5}}, {"joints": "knee", "set": {"parent": "ground"}},
                                    {"passive": "capsule", "scale": {"torque": 0.5}, "shift": {"reference": 0.1}}])");
  EXPECT_EQ(spec.bodies.find("thigh")->mass, 12.0);
  EXPECT_EQ(spec.bodies.find("shank")->mass, 3.0);
  EXPECT_EQ(spec.joints.find("knee")->parent, "ground");
  EXPECT_EQ(std::get<ExponentialTorque>(*spec.passive.find("capsule")).torque, 2.5);
  EXPECT_EQ(std::get<ExponentialTorque>(*spec.passive.find("capsule")).reference, -0.1);
  EXPECT_TRUE(edited(R"([{"passive": "*", "remove": true}])").passive.empty());
}

TEST(Edits, FieldsThatAreListsAreGivenAllTheirNumbers) {
  const ModelSpec before = tiny_model();
  const ModelSpec spec = edited(R"([{"bodies": "thigh", "set": {"mass_center": [0.01, -0.2, 0.03]}},
                                    {"bodies": "sh*", "shift": {"mass_center": [0.001, 0, -0.002]}, "scale": {"mass": 1.5, "inertia": 1.5}}])");
  EXPECT_EQ(spec.bodies.find("thigh")->mass_center, Vec3(0.01, -0.2, 0.03));
  EXPECT_EQ(spec.bodies.find("thigh")->mass, before.bodies.find("thigh")->mass);
  const BodySpec &shank = *spec.bodies.find("shank"), &was = *before.bodies.find("shank");
  EXPECT_EQ(shank.mass_center, Vec3(was.mass_center + Vec3(0.001, 0, -0.002)));
  EXPECT_EQ(shank.mass, 1.5 * was.mass);
  for (std::size_t k = 0; k < 6; ++k) EXPECT_EQ(shank.inertia[k], 1.5 * was.inertia[k]) << k;
}

TEST(Edits, AreReadAsTheyWereWritten) {
  const char* text =
      R"([{"name": "heavy", "bodies": "thigh", "set": {"mass_center": [0.1, 0.2, 0.30000000000000004]}, "scale": {"mass": 1.1, "inertia": 1.1}},
      {"muscles": ["group:psoas", "hamstrings_r"], "set": {"tendon": "rigid", "pennation": 0.2}, "shift": {"tendon_slack_length": 0.01}},
      {"bodies": "shank", "shift": {"mass_center": [0.1, 0, 0]}}, {"passive": "*", "remove": true}, {"joints": "knee", "set": {"parent": "ground"}},
      {"muscles": "psoas_r", "scale": {"optimal_fibre_length": 0.95}, "match": {"delta_theta_deg": 13.0}}])";
  std::vector<Problem> problems;
  EXPECT_EQ(edits_json(edits_from(json::parse(text), "", problems)), json::parse(text));
  EXPECT_TRUE(problems.empty());
}

TEST(Edits, PlanesAndSpheresAreSelectedLikeOthers) {
  ModelSpec spec = tiny_model();
  spec.planes["floor"];
  spec.planes["seat"].height = 0.4;
  for (const char* name : {"heel", "toe", "thigh"}) {
    SphereSpec& sphere = spec.spheres[name];
    sphere.body = "shank";
    sphere.location = Vec3(0, 0, 0);
    sphere.radius = 0.03;
    sphere.stiffness = 1e5;
  }
  spec.spheres.find("toe")->planes = {"floor", "seat"};
  spec.spheres.find("thigh")->planes = {"seat"};
  Edit lower;
  lower.planes = {"seat"};
  lower.set["height"].numbers = {0.3};
  Edit soften;
  soften.spheres = {"*e*"};
  soften.scale["stiffness"] = 0.5;
  const Model softer = Model(spec).with(std::vector<Edit>{lower, soften});
  EXPECT_EQ(softer.spec().planes.find("seat")->height, 0.3);
  EXPECT_EQ(softer.spec().spheres.find("heel")->stiffness, 5e4);
  EXPECT_EQ(softer.spec().spheres.find("thigh")->stiffness, 1e5);
  EXPECT_EQ(softer.data().spheres[0].planes.size(), 2u);

  // without the seat, what touched only that goes too
  Edit remove;
  remove.planes = {"seat"};
  remove.remove = true;
  const Model stood = Model(spec).with(remove);
  EXPECT_EQ(stood.data().sphere_names, (std::vector<std::string>{"heel", "toe"}));
  EXPECT_EQ(stood.data().spheres[0].planes, std::vector<int>{0});
  EXPECT_EQ(stood.spec().spheres.find("toe")->planes, std::vector<std::string>{"floor"});
}

TEST(Edits, Remove) {
  const ModelSpec spec = edited(R"([{"muscles": "group:psoas", "remove": true}])");
  EXPECT_EQ(spec.muscles.size(), 1u);
  // the group went with its last muscle, and what is left is a model
  EXPECT_EQ(spec.groups.size(), 1u);
  EXPECT_EQ(Model(spec).muscles(), 1);
  Edit edit;
  edit.muscles = {"psoas_l"};
  edit.remove = true;
  const Model model = Model(tiny_model()).with(edit);
  EXPECT_EQ(model.select("group:psoas"), std::vector<int>{0});
}

// ---- what is refused ----

TEST(EditsRefuse, SelectionsThatMatchNothing) {
  EXPECT_EQ(refused(R"([{"muscles": "psoas", "set": {"pennation": 0}}])"),
            "/edits/0/muscles: expected a name, glob or group that matches something, found \"psoas\", did you mean "
            "\"psoas_r\"?");
  EXPECT_EQ(refused(R"([{"muscles": ["psoas_r", "group:psaos"], "set": {"pennation": 0}}])"),
            "/edits/0/muscles/1: expected a name, glob or group that matches something, found \"group:psaos\", did you "
            "mean \"group:psoas\"?");
  EXPECT_EQ(refused(R"([{"bodies": "shnk", "scale": {"mass": 2}}])")
                .find("/edits/0/bodies: expected a name, glob or group that matches something, found \"shnk\", did you "
                      "mean \"shank\"?"),
            0u);
  EXPECT_EQ(
      refused(R"([{"passive": "capsul", "remove": true}])"),
      "/edits/0/passive: expected a name or glob that matches something, found \"capsul\", did you mean \"capsule\"?");
  // what an earlier edit removed is not there
  EXPECT_EQ(refused(R"([{"muscles": "psoas_l", "remove": true}, {"muscles": "psoas_l", "set": {"pennation": 0}}])")
                .find("/edits/1/muscles: "),
            0u);
}

TEST(EditsRefuse, FieldsThatDoNotExist) {
  EXPECT_EQ(refused(R"([{"muscles": "*", "scale": {"optimal_fiber_length": 0.9}}])"),
            "/edits/0/scale/optimal_fiber_length: unknown field, did you mean \"optimal_fibre_length\"?");
  EXPECT_EQ(refused(R"([{"muscles": "*", "set": {"path": 1}}])"),
            "/edits/0/set/path: expected a field that is numbers or a word");
  EXPECT_EQ(refused(R"([{"bodies": "*", "set": {"mass_center": 1}}])"),
            "/edits/0/set/mass_center: expected 3 numbers (centre of mass in the body frame), found 1 number");
  EXPECT_EQ(
      refused(R"([{"passive": "capsule", "set": {"stiffness": 1}}])").find("/edits/0/set/stiffness: unknown field"),
      0u);
}

TEST(EditsRefuse, ResultsOutOfRange) {
  EXPECT_EQ(refused(R"([{"muscles": "*", "shift": {"tendon_slack_length": -0.1}}])"),
            "/edits/0/shift/tendon_slack_length: expected a number [m] from 0 to 2 (tendon length at which it starts "
            "to carry force), "
            "found -0.010000000000000009 for \"psoas_l\"");
  EXPECT_EQ(refused(R"([{"muscles": "psoas_r", "scale": {"optimal_fibre_length": 0}}])")
                .find("/edits/0/scale/optimal_fibre_length: expected a number [m] from 0.005 to 1"),
            0u);
  EXPECT_EQ(refused(R"([{"muscles": "psoas_r", "set": {"minimum_activation": 2}}])")
                .find("/edits/0/set/minimum_activation: expected a number [1] from 0 to 1"),
            0u);
}

TEST(EditsRefuse, ValuesOfAnotherType) {
  EXPECT_EQ(refused(R"([{"muscles": "*", "set": {"pennation": "steep"}}])"),
            "/edits/0/set/pennation: expected a number, found \"steep\"");
  EXPECT_EQ(refused(R"([{"muscles": "*", "set": {"tendon": 3}}])"),
            "/edits/0/set/tendon: expected one of compliant, rigid, found a number");
  EXPECT_EQ(refused(R"([{"muscles": "*", "set": {"tendon": "rigit"}}])"),
            "/edits/0/set/tendon: expected one of compliant, rigid, found \"rigit\", did you mean \"rigid\"?");
  EXPECT_EQ(refused(R"([{"muscles": "*", "scale": {"tendon": 2}}])"),
            "/edits/0/scale/tendon: expected one of compliant, rigid, found a number");
  EXPECT_EQ(refused(R"([{"muscles": "*", "scale": {"pennation": "2"}}])")
                .find("/edits/0/scale/pennation: expected a number [1]"),
            0u);
  EXPECT_EQ(
      refused(R"([{"muscles": "*", "set": {"pennation": null}}])")
          .find("/edits/0/set/pennation: expected a number, numbers of a field that is a list, or a text, found null"),
      0u);
}

TEST(EditsRefuse, ListsOfAnotherLength) {
  EXPECT_EQ(refused(R"([{"bodies": "*", "shift": {"mass_center": [1, 2]}}])"),
            "/edits/0/shift/mass_center: expected 3 numbers (centre of mass in the body frame), found 2 numbers");
  EXPECT_EQ(refused(R"([{"bodies": "*", "set": {"mass": [1, 2, 3]}}])"),
            "/edits/0/set/mass: expected a number (mass), found 3 numbers");
  EXPECT_EQ(refused(R"([{"bodies": "*", "set": {"mass_center": "far"}}])"),
            "/edits/0/set/mass_center: expected 3 numbers, found \"far\"");
  EXPECT_EQ(refused(R"([{"bodies": "*", "set": {"mass_center": [0, "far", 0]}}])"),
            "/edits/0/set/mass_center/1: expected a number, found \"far\"");
  EXPECT_EQ(refused(R"([{"bodies": "*", "set": {"mass": [1]}}])"),
            "/edits/0/set/mass: expected a number, numbers of a field that is a list, or a text, found [1]");
  EXPECT_EQ(refused(R"([{"bodies": "*", "shift": {"mass": "1"}}])"),
            "/edits/0/shift/mass: expected a number, or numbers of a field that is a list, found \"1\"");
  EXPECT_EQ(refused(R"([{"bodies": "thigh", "set": {"mass_center": [0, 20, 0]}}])")
                .find("/edits/0/set/mass_center: expected a number [m] from -10 to 10 (centre of mass in the body "
                      "frame), found 20 for \"thigh\""),
            0u);
}

TEST(EditsRefuse, BodiesThatCannotBe) {
  EXPECT_EQ(refused(R"([{"bodies": "thigh", "set": {"inertia": [1, 0.1, 0.1, 0, 0, 0]}}])"),
            "/edits/0: expected an inertia that a body of positive mass can have: no principal moment above the sum of "
            "the other two, found another in \"thigh\" after this edit");
}

TEST(EditsRefuse, SetAndScaleOfOneField) {
  EXPECT_EQ(refused(R"([{"muscles": "psoas_r", "set": {"pennation": 0.1}, "scale": {"pennation": 2}}])"),
            "/edits/0/scale/pennation: expected a field that the same edit does not set, too");
}

TEST(EditsRefuse, EditsThatAreNone) {
  EXPECT_EQ(refused(R"([{"set": {"pennation": 0.1}}])"),
            "/edits/0: expected exactly one selection: muscles, joints, bodies, passive, planes or spheres");
  EXPECT_EQ(refused(R"([{"muscles": "*", "bodies": "*", "remove": true}])"),
            "/edits/0: expected exactly one selection: muscles, joints, bodies, passive, planes or spheres");
  EXPECT_EQ(refused(R"([{"muscles": "*"}])"), "/edits/0: expected something to do: set, scale, shift or remove");
  EXPECT_EQ(
      refused(R"([{"muscle": "*", "remove": true}])").find("/edits/0/muscle: unknown key, did you mean \"muscles\"?"),
      0u);
  EXPECT_EQ(refused(R"([{"muscles": [], "remove": true}])").find("/edits/0/muscles: expected a name, glob or group"),
            0u);
  EXPECT_EQ(refused(R"([{"muscles": 3, "remove": true}])")
                .find("/edits/0/muscles: expected a name, glob or group, or a list of them, found 3"),
            0u);
  EXPECT_EQ(refused(R"([3])"), "/edits/0: expected an object, found 3");
  EXPECT_EQ(refused(R"({})"), "/edits: expected an array of edits");
}

TEST(EditsRefuse, EveryProblemWithItsPlace) {
  const std::string problems =
      refused(R"([{"muscles": "*", "set": {"pennation": 9, "tendonn": 1}}, {"muscles": "x", "remove": true}])");
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 2) << problems;
  // one complaint for a field, however many muscles have it
  EXPECT_EQ(problems.find("found 9"), problems.rfind("found 9"));
}

// ---- from C++ ----

TEST(Edits, FromAProgram) {
  const Model model(tiny_model());
  EXPECT_EQ(model.with(scale("group:psoas", "optimal_fibre_length", 0.5)).data().units[1].optimal_fibre_length, 0.05);
  EXPECT_EQ(model.with(shift("psoas_r", "tendon_slack_length", 0.01)).data().units[0].tendon_slack_length, 0.14);
  EXPECT_EQ(model.with(set("psoas_r", "pennation", 0.3)).data().units[0].pennation, 0.3);
  EXPECT_EQ(model.data().units[0].pennation, 0.1) << "a model is never changed";
  const auto wrong = [&] { model.with({set("psoas_r", "pennation", 0.3), scale("group:gluteus", "pennation", 2)}); };
  EXPECT_EQ(
      error_of(wrong).find(
          "edits: /edits/1/muscles: expected a name, glob or group that matches something, found \"group:gluteus\""),
      0u)
      << error_of(wrong);
  EXPECT_EQ(test::place_of(wrong), (std::pair<std::string, std::string>{"input", "edits"}));
  EXPECT_NE(error_of([&] { model.with(scale("psoas_r", "pennation", std::nan(""))); }).find("expected a number [rad]"),
            std::string::npos);
  // a body that cannot exist
  Edit edit;
  edit.bodies = {"thigh"};
  edit.scale["mass"] = 0.0;
  EXPECT_NE(error_of([&] { model.with(edit); }).find("/edits/0: expected an inertia"), std::string::npos);
}

TEST(Edits, FieldsOfARestingLength) {
  for (const char* field :
       {"optimal_fibre_length", "tendon_slack_length", "passive_strain", "passive_scale", "minimum_activation"})
    EXPECT_TRUE(is_shortening_field(field)) << field;
  EXPECT_FALSE(is_shortening_field("max_isometric_force"));
}

}  // namespace
}  // namespace psoas
