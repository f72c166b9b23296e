// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a model must be to be compiled, and what is said where it is not.
#include <gtest/gtest.h>

#include <limits>

#include "model/tiny.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

using test::error_of;
using test::tiny_model;

/// What compiling the tiny model after a change says.
template <class Change>
std::string refused(Change change) {
  ModelSpec spec = tiny_model();
  change(spec);
  return error_of([&] { const Model model(spec); });
}

// ---- what a compiled model is ----

TEST(Compile, Tiny) {
  const Model model(tiny_model());
  EXPECT_EQ(model.coordinates(), 2);
  EXPECT_EQ(model.muscles(), 3);
  EXPECT_EQ(model.data().body_names, (std::vector<std::string>{"ground", "thigh", "shank"}));
  EXPECT_EQ(model.data().coordinate_names, (std::vector<std::string>{"hip_flexion_r", "knee_angle_r"}));
  EXPECT_EQ(model.data().tree_coordinate_names,
            (std::vector<std::string>{"hip_flexion_r", "knee_slide_r", "knee_angle_r"}));
  EXPECT_EQ(model.data().mass, 11.0);
  EXPECT_EQ(model.data().couplings[1].source, 1);
  EXPECT_FALSE(model.data().couplings[1].identity);
  EXPECT_FALSE(model.data().tree_is_rotation[1]);
  EXPECT_EQ(model.data().units[1].max_isometric_force, 600.0);
  EXPECT_TRUE(model.data().units[2].rigid_tendon);
  EXPECT_EQ(model.body("ground"), 0);
  EXPECT_EQ(model.data().root[0], -1);
  EXPECT_EQ(error_of([&] { model.coordinate("hip_flexion"); }),
            "hip_flexion: expected an independent coordinate of the model, did you mean \"hip_flexion_r\"?");
  EXPECT_NE(error_of([&] { model.coordinate("knee_slide_r"); }).find("expected an independent coordinate"),
            std::string::npos);
  EXPECT_EQ(model.tree_coordinate("knee_slide_r"), 1);
  EXPECT_NE(error_of([&] { model.muscle("psoas"); }).find("did you mean \"psoas_r\"?"), std::string::npos);
  EXPECT_NE(error_of([&] { model.body("thig"); }).find("did you mean \"thigh\"?"), std::string::npos);
}

TEST(Compile, OrderOfJointsAndBodiesDoesNotMatter) {
  ModelSpec spec = tiny_model();
  Named<JointSpec> joints;
  joints["knee"] = *spec.joints.find("knee");
  joints["hip"] = *spec.joints.find("hip");
  spec.joints = joints;
  const Model model(spec);
  EXPECT_EQ(model.data().body_names, (std::vector<std::string>{"ground", "thigh", "shank"}));
}

TEST(Compile, AnEmptyModelIsAModel) {
  const Model model{ModelSpec{}};
  EXPECT_EQ(model.coordinates(), 0);
  Workspace work(model);
  evaluate(model, model.default_state(), work, Depth::force);
}

TEST(Compile, LongChainsAreNoProblem) {
  ModelSpec spec;
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "b" + std::to_string(i);
    spec.bodies[name].mass = 1.0;
    JointSpec& joint = spec.joints["j" + std::to_string(i)];
    joint.parent = i == 0 ? "ground" : "b" + std::to_string(i - 1);
    joint.child = name;
  }
  EXPECT_EQ(Model(spec).tree().bodies.size(), 2001u);
}

TEST(Compile, BallAndFreeJointsTurnByRotationVectors) {
  ModelSpec spec;
  for (const char* name : {"box", "ball"}) {
    spec.bodies[name].mass = 2.0;
    spec.bodies[name].inertia = {0.1, 0.2, 0.25, 0, 0, 0};
  }
  for (const char* name : {"rx", "ry", "rz", "x", "y", "z"}) spec.coordinates[name].motion = "rotation";
  for (const char* name : {"tx", "ty", "tz"}) spec.coordinates[name].motion = "translation";
  JointSpec& root = spec.joints["root"];
  root.parent = "ground", root.child = "box", root.motion = Free{"tx", "ty", "tz", "rx", "ry", "rz"};
  JointSpec& hip = spec.joints["hip"];
  hip.parent = "box", hip.child = "ball", hip.motion = Ball{"x", "y", "z"};
  const Model model(spec);
  State state = model.default_state();
  const Vec3 r(0.0, 3.0, 2.5);  // longer than pi
  int k = 0;
  for (const char* name : {"x", "y", "z"}) {
    model.set(state, name, r[k]);
    state.u()[static_cast<std::size_t>(model.coordinate(name))] = 1.0 + k++;
  }
  Workspace before(model), after(model);
  evaluate(model, state, before, Depth::velocity);
  const auto ball = static_cast<std::size_t>(model.body("ball"));
  EXPECT_LT((before.tree.X_GB[ball].R - Eigen::AngleAxisd(r.norm(), r.normalized()).toRotationMatrix()).norm(), 1e-14);
  const std::vector<double> old = state.vector;
  EXPECT_TRUE(rechart(model, state.q(), state.u()));
  EXPECT_NE(state.vector, old);
  evaluate(model, state, after, Depth::velocity);
  EXPECT_LT((before.tree.X_GB[ball].R - after.tree.X_GB[ball].R).norm(), 1e-14);
  EXPECT_LT((before.tree.velocity[ball] - after.tree.velocity[ball]).norm(), 1e-13);
  EXPECT_FALSE(rechart(model, state.q(), state.u()));
  // body-fixed angles are the other choice
  std::get<Free>(spec.joints["root"].motion).rotation = "angles";
  const Model angles(spec);
  EXPECT_TRUE(model.tree().axes[3].vector);
  EXPECT_FALSE(angles.tree().axes[3].vector);
  EXPECT_GE(model.data().root[5], 0);
  EXPECT_EQ(model.data().root, angles.data().root);
}

// ---- bodies and joints ----

TEST(CompileRefuses, ABodyWithoutAJoint) {
  EXPECT_EQ(refused([](ModelSpec& s) { s.bodies["foot"].mass = 1.0; }),
            "tiny: /bodies/foot: expected a joint with this body as its child, found none");
}

TEST(CompileRefuses, TwoJointsForABody) {
  EXPECT_EQ(refused([](ModelSpec& s) {
              JointSpec& joint = s.joints["again"];
              joint.parent = "ground";
              joint.child = "shank";
            }),
            "tiny: /joints/again/child: expected each body to be the child of one joint, found \"shank\" also in joint "
            "\"knee\"");
}

TEST(CompileRefuses, ACycle) {
  const std::string text = refused([](ModelSpec& s) { s.joints.find("hip")->parent = "shank"; });
  EXPECT_NE(
      text.find("/bodies/thigh: expected a chain of joints down to ground, found the cycle thigh -> shank -> thigh"),
      std::string::npos)
      << text;
  EXPECT_NE(
      refused([](ModelSpec& s) { s.joints.find("knee")->parent = "shank"; }).find("found the cycle shank -> shank"),
      std::string::npos);
}

TEST(CompileRefuses, UnknownBodiesInJoints) {
  EXPECT_EQ(refused([](ModelSpec& s) { s.joints.find("knee")->parent = "thgh"; }),
            "tiny: /joints/knee/parent: expected a body, found \"thgh\", did you mean \"thigh\"?");
  const std::string text = refused([](ModelSpec& s) { s.joints.find("knee")->child = "ground"; });
  EXPECT_NE(text.find("/joints/knee/child: expected a body, found \"ground\""), std::string::npos);
  EXPECT_NE(text.find("/bodies/shank: expected a joint"), std::string::npos);
}

TEST(CompileRefuses, ABodyCalledGround) {
  EXPECT_NE(refused([](ModelSpec& s) {
              s.bodies["ground"].mass = 1.0;
            }).find("/bodies/ground: expected no body of this name: ground is given"),
            std::string::npos);
}

TEST(CompileRefuses, BodiesThatCannotExist) {
  const std::string text = "expected an inertia that a body of positive mass can have";
  const std::string negative = "expected a positive definite inertia";
  const auto inertia = [](std::array<double, 6> values) {
    return refused([&](ModelSpec& s) { s.bodies.find("thigh")->inertia = values; });
  };
  EXPECT_NE(inertia({0.3, 0.1, 0.1, 0, 0, 0}).find("/bodies/thigh: " + text), std::string::npos);
  EXPECT_NE(inertia({0.1, 0.1, 0.1, 0.2, 0, 0}).find(negative), std::string::npos);
  EXPECT_NE(inertia({-0.1, 0.1, 0.1, 0, 0, 0}).find(negative), std::string::npos);
  EXPECT_NE(inertia({0, 0, 0, 0, 0.1, 0}).find(negative), std::string::npos);
  EXPECT_EQ(inertia({0, 0, 0, 0, 0, 0}), "no error") << "a point mass";
  EXPECT_EQ(inertia({0.2, 0.1, 0.1, 0, 0, 0}), "no error") << "a rod has one equality";
  EXPECT_NE(refused([](ModelSpec& s) { s.bodies.find("thigh")->mass = 0.0; }).find(text), std::string::npos);
  EXPECT_EQ(refused([](ModelSpec& s) { s.bodies.find("thigh")->mass = 0.0, s.bodies.find("thigh")->inertia = {}; }),
            "no error");
}

TEST(CompileRefuses, ValuesThatAFileMayNotHave) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refused([](ModelSpec& s) { s.bodies.find("thigh")->mass = -1.0; }),
            "tiny: /bodies/thigh/mass: expected a number [kg] from 0 to 10000 (mass), found -1");
  EXPECT_NE(refused([&](ModelSpec& s) {
              s.coordinates.find("knee_angle_r")->value = nan;
            }).find("/coordinates/knee_angle_r/value: expected a number [rad or m]"),
            std::string::npos);
  EXPECT_NE(refused([&](ModelSpec& s) { s.gravity[1] = inf; }).find("/gravity/1: expected a number"),
            std::string::npos);
  EXPECT_NE(refused([&](ModelSpec& s) {
              s.muscles.find("psoas_r")->path[1].location[2] = nan;
            }).find("/muscles/psoas_r/path/1/location/2: "),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.muscles.find("psoas_r")->path.resize(1);
            }).find("/muscles/psoas_r: expected a path of at least two points"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.muscles["new"].path = s.muscles.find("psoas_r")->path;
            }).find("/muscles/new/optimal_fibre_length: expected a number"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.muscles.find("psoas_r")->tendon = "stiff";
            }).find("/muscles/psoas_r/tendon: expected one of compliant, rigid, found \"stiff\""),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.surfaces.find("brim")->shape = Sphere{};
            }).find("/surfaces/brim/shape/sphere/radius: expected a number [m]"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.muscles.find("psoas_r")->physiological_cross_section_area = 1e-3;
            }).find("/muscles/psoas_r: expected either max_isometric_force or"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) { s.joints["new"] = {}; }).find("/joints/new/parent: expected a text"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.coordinates.find("knee_angle_r")->range = {1, 0};
            }).find("/coordinates/knee_angle_r: expected the range's first value"),
            std::string::npos);
}

// ---- coordinates ----

TEST(CompileRefuses, UnknownAndSharedCoordinates) {
  EXPECT_EQ(refused([](ModelSpec& s) { s.joints.find("hip")->motion = Pin{"hip_flexion"}; }),
            "tiny: /joints/hip/motion: expected a coordinate of the model, found \"hip_flexion\", did you mean "
            "\"hip_flexion_r\"?\n"
            "/coordinates/hip_flexion_r: expected a joint that uses this coordinate or a coordinate coupled to it, "
            "found none");
  const std::string shared = refused([](ModelSpec& s) { s.joints.find("hip")->motion = Pin{"knee_angle_r"}; });
  EXPECT_NE(shared.find("expected a coordinate that no other joint uses, found \"knee_angle_r\"; give this joint its "
                        "own coordinate and couple it"),
            std::string::npos)
      << shared;
}

TEST(CompileRefuses, SevenCoordinatesInAJoint) {
  // three translations and three rotations cannot have seven: nothing but the rule itself can tell
  const std::string text = refused([](ModelSpec& s) {
    Custom custom;
    for (int i = 0; i < 7; ++i) {
      const std::string name = "c" + std::to_string(i);
      s.coordinates[name];
      (i < 4 ? custom.translations : custom.rotations).push_back({Vec3(1, 0, 0), name, Linear{}});
    }
    s.joints.find("hip")->motion = custom;
  });
  EXPECT_NE(text.find("/joints/hip/motion/custom: expected at most three translations and three rotations"),
            std::string::npos)
      << text;
}

TEST(CompileRefuses, CoordinatesThatNobodyUses) {
  EXPECT_EQ(
      refused([](ModelSpec& s) { s.coordinates["spare"]; }),
      "tiny: /coordinates/spare: expected a joint that uses this coordinate or a coordinate coupled to it, found none");
  EXPECT_EQ(refused([](ModelSpec& s) {
              s.coordinates["spare"].coupled_to = CouplerSpec{"hip_flexion_r", Linear{}};
            }),
            "tiny: /coordinates/spare: expected a joint that uses this coupled coordinate, found none");
  // a driver that no joint has, as the trunk's coordinates are
  ModelSpec driven = tiny_model();
  driven.coordinates["driver"];
  driven.coordinates.find("hip_flexion_r")->coupled_to = CouplerSpec{"driver", Linear{0.5}};
  const Model model(driven);
  EXPECT_EQ(model.data().coordinate_names, (std::vector<std::string>{"knee_angle_r", "driver"}));
  EXPECT_EQ(model.data().tree_coordinate[1], -1);
}

TEST(CompileRefuses, CouplersOfCouplers) {
  EXPECT_NE(refused([](ModelSpec& s) {
              s.coordinates.find("hip_flexion_r")->coupled_to = CouplerSpec{"knee_slide_r", Linear{}};
            })
                .find("/coordinates/hip_flexion_r/coupled_to/coordinate: expected an independent coordinate, found "
                      "\"knee_slide_r\", which is coupled itself"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.coordinates.find("knee_slide_r")->coupled_to->coordinate = "knee_slide_r";
            }).find("(a cycle)"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) { s.coordinates.find("knee_slide_r")->coupled_to->coordinate = "knee_angle"; })
                .find("/coordinates/knee_slide_r/coupled_to/coordinate: expected a coordinate, found \"knee_angle\", "
                      "did you mean \"knee_angle_r\"?"),
            std::string::npos);
}

// ---- paths, muscles and the rest ----

TEST(CompileRefuses, NamesThatPathsLack) {
  EXPECT_EQ(refused([](ModelSpec& s) { s.surfaces.find("brim")->body = "pelvis"; }),
            "tiny: /surfaces/brim/body: expected a body or ground, found \"pelvis\"");
  EXPECT_EQ(refused([](ModelSpec& s) { s.muscles.find("psoas_r")->path[1].body = "thighs"; }),
            "tiny: /muscles/psoas_r/path/1/body: expected a body or ground, found \"thighs\", did you mean \"thigh\"?");
  EXPECT_EQ(refused([](ModelSpec& s) { s.muscles.find("psoas_r")->wraps[0].surface = "rim"; }),
            "tiny: /muscles/psoas_r/wraps/0/surface: expected a surface, found \"rim\", did you mean \"brim\"?");
  EXPECT_NE(refused([](ModelSpec& s) {
              s.muscles.find("hamstrings_r")->path[1].only_when = ConditionSpec{"knee", {0, 1}};
            })
                .find("/muscles/hamstrings_r/path/1/only_when/coordinate: expected a coordinate that a joint uses, "
                      "found \"knee\""),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec& s) {
              s.muscles.find("psoas_r")->wraps[0].side = "left";
            }).find("/muscles/psoas_r/wraps/0/side: expected one of shortest, clockwise"),
            std::string::npos);
  for (const std::array<double, 2> between :
       {std::array{0.0, 2.0}, std::array{1.0, 1.0}, std::array{0.5, 1.0}, std::array{1.0, 0.0}})
    EXPECT_NE(refused([&](ModelSpec& s) { s.muscles.find("psoas_r")->wraps[0].between = between; })
                  .find("/muscles/psoas_r/wraps/0/between: expected two point indices, the first below the second, "
                        "from 0 to 1"),
              std::string::npos);
}

TEST(Compile, HalfAxesAreNamesOfDirections) {
  ModelSpec named = tiny_model(), given = named;
  WrapSpec& wrap = given.muscles.find("psoas_r")->wraps[0];
  const struct {
    const char* name;
    Vec3 direction;
  } half_axes[] = {{"+x", {3, 0, 0}}, {"-x", {-0.1, 0, 0}}, {"+y", {0, 1, 0}}, {"-y", {0, -2, 0}}};
  for (const auto& half_axis : half_axes) {
    named.muscles.find("psoas_r")->wraps[0].side = half_axis.name;
    wrap.side.reset();
    wrap.toward = half_axis.direction;
    const Model a(named), b(given);
    const Side &one = a.data().paths[0].wraps[0].side, &other = b.data().paths[0].wraps[0].side;
    EXPECT_EQ(one.rule, Side::directed);
    EXPECT_EQ(one.rule, other.rule);
    EXPECT_NEAR((one.direction - other.direction).norm(), 0, 1e-15) << half_axis.name;
  }
  named.surfaces.find(wrap.surface)->shape = Sphere{0.01};
  for (const double sign : {1.0, -1.0}) {
    named.muscles.find("psoas_r")->wraps[0].side = sign > 0.0 ? "+z" : "-z";
    EXPECT_EQ(Model(named).data().paths[0].wraps[0].side.direction, Vec3(0, 0, sign));
  }
}

TEST(CompileRefuses, PointsInsideASurfaceOfTheirBody) {
  const auto inside = [](ModelSpec& s) { s.muscles.find("psoas_r")->path[0].location = {0.02, 0.04, 0.1}; };
  EXPECT_EQ(refused(inside),
            "tiny: /muscles/psoas_r/wraps/0: expected a surface that holds no point of its muscle, found point 0 of "
            "psoas_r 10.000 mm inside brim; move it out, or say \"allow_inside\": true");
  ModelSpec spec = tiny_model();
  inside(spec);
  spec.muscles.find("psoas_r")->wraps[0].allow_inside = true;
  const Model model(spec);
  Workspace work(model);
  evaluate(model, model.default_state(), work, Depth::position);
  EXPECT_TRUE(work.inside[0]);
  EXPECT_FALSE(work.inside[2]);
}

TEST(CompileRefuses, MovingPointsThatNothingDrives) {
  const auto moving = [](AxisSpec axis) {
    return [axis](ModelSpec& s) { s.muscles.find("hamstrings_r")->path[2].moving = {axis}; };
  };
  EXPECT_NE(
      refused(moving({{1, 0, 0}, "knee_angle", Linear{}}))
          .find("/muscles/hamstrings_r/path/2/moving/0/coordinate: expected a coordinate that a joint uses, found "
                "\"knee_angle\", did you mean \"knee_angle_r\"?"),
      std::string::npos);
  EXPECT_NE(error_of([&] {
              parse_model("m.json", test::replaced(test::tiny_text, "[-0.03, -0.05, 0]}",
                                                   "[-0.03, -0.05, 0], \"moving\": [{\"axis\": [0, 0, 0], "
                                                   "\"coordinate\": \"knee_angle_r\"}]}"));
            }).find("/muscles/hamstrings_r/path/2/moving/0: "),
            std::string::npos);
}

TEST(CompileRefuses, PathsThatCannotBe) {
  const std::string text = refused([](ModelSpec& s) {
    for (PointSpec& point : s.muscles.find("hamstrings_r")->path)
      point.only_when = ConditionSpec{"hip_flexion_r", {0, 1}};
  });
  EXPECT_NE(text.find("/muscles/hamstrings_r/path: "), std::string::npos) << text;
  EXPECT_NE(refused([](ModelSpec& s) {
              s.muscles.find("psoas_r")->path.resize(40, s.muscles.find("psoas_r")->path[0]);
            }).find("/muscles/psoas_r/path: "),
            std::string::npos);
}

TEST(CompileRefuses, AnAreaWithoutTension) {
  EXPECT_EQ(
      refused([](ModelSpec& s) { s.muscles.find("psoas_l")->region = "leg"; }),
      "tiny: /muscles/psoas_l/region: expected a region of specific_tension, found \"leg\", did you mean \"legs\"?");
}

TEST(CompileRefuses, NamesThatOtherPartsLack) {
  EXPECT_EQ(refused([](ModelSpec& s) { s.groups["psoas"].push_back("iliacus_*"); }),
            "tiny: /groups/psoas/1: expected a pattern that matches a muscle, found \"iliacus_*\"");
  EXPECT_NE(refused([](ModelSpec& s) {
              s.groups["psoas"] = {"psoas_x"};
            }).find("found \"psoas_x\", did you mean \"psoas_r\"?"),
            std::string::npos);
  EXPECT_EQ(
      refused([](ModelSpec& s) {
        std::get<ExponentialTorque>(*s.passive.find("capsule")).coordinate = "hip";
      }).find("tiny: /passive/capsule/exponential/coordinate: expected a coordinate that a joint uses, found \"hip\""),
      0u);
  Bushing disc;
  disc.joint = "hip";
  disc.stiffness = Vec3(1, 1, 1);
  EXPECT_EQ(refused([&](ModelSpec& s) { s.passive["disc"] = disc; }),
            "tiny: /passive/disc/bushing/joint: expected a joint with three rotations by coordinates, found \"hip\"");
  disc.joint = "hipp";
  EXPECT_EQ(refused([&](ModelSpec& s) { s.passive["disc"] = disc; }),
            "tiny: /passive/disc/bushing/joint: expected a joint, found \"hipp\", did you mean \"hip\"?");
  EXPECT_EQ(refused([](ModelSpec& s) { s.contacts.find("heel_r")->body = "foot"; }),
            "tiny: /contacts/heel_r/body: expected a body or ground, found \"foot\"");
  EXPECT_EQ(refused([](ModelSpec& s) { s.hips["r"] = "hip_r"; }),
            "tiny: /hips/r: expected a joint, found \"hip_r\", did you mean \"hip\"?");
}

TEST(CompileRefuses, SeveralThingsAtOnce) {
  const std::string text = refused([](ModelSpec& s) {
    s.hips["r"] = "x";
    s.groups["x"] = {"nothing"};
    s.muscles.find("psoas_r")->wraps[0].surface = "x";
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

TEST(CompileRefuses, WithFileAndLine) {
  const test::TempFolder folder;
  const std::string path =
      folder.write("a.json", test::replaced(test::tiny_text, "\"surface\": \"brim\"", "\"surface\": \"rim\""));
  EXPECT_EQ(error_of([&] { Model::load(path); }),
            path + ":37: /muscles/psoas_r/wraps/0/surface: expected a surface, found \"rim\", did you mean \"brim\"?");
  EXPECT_EQ(test::place_of([&] { Model::load(path); }).first, "model");
}

// ---- lumbar levels ----

/// Three vertebrae on ground whose joints follow three trunk coordinates.
ModelSpec spine() {
  ModelSpec spec;
  spec.name = "spine";
  const std::array<const char*, 3> trunk{"extension", "bending", "rotation"};
  const std::array<Vec3, 3> axes{Vec3(0, 0, 1), Vec3(1, 0, 0), Vec3(0, 1, 0)};
  for (const char* name : trunk) spec.coordinates[name];
  spec.lumbar.emplace();
  spec.lumbar->extension = "extension";
  spec.lumbar->bending = "bending";
  spec.lumbar->rotation = "rotation";
  std::string below = "ground";
  for (const std::string body : {"L5", "L4", "L3"}) {
    spec.bodies[body].mass = 1.0;
    const std::string level = below + "_" + body;
    Custom motion;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string name = level + "_" + trunk[i];
      spec.coordinates[name].coupled_to = CouplerSpec{trunk[i], Linear{0.3}};
      motion.rotations.push_back({axes[i], name, Linear{}});
    }
    JointSpec& joint = spec.joints[level];
    joint.parent = below;
    joint.child = body;
    joint.parent_frame.translation = {0, 0.03, 0};
    joint.motion = motion;
    spec.lumbar->levels[level] = {level, -20.0};
    below = body;
  }
  return spec;
}

template <class Change>
std::string spine_refused(Change change) {
  ModelSpec spec = spine();
  change(spec);
  return error_of([&] { const Model model(spec); });
}

TEST(CompileLumbar, LevelsFollowTheTrunk) {
  const Model model(spine());
  EXPECT_EQ(model.data().trunk, (std::array<int, 3>{0, 1, 2}));
  ASSERT_EQ(model.data().levels.size(), 3u);
  EXPECT_EQ(model.data().levels[1].inferior, model.body("L5"));
  EXPECT_EQ(model.data().levels[1].superior, model.body("L4"));
  EXPECT_NEAR(model.data().levels[1].endplate_angle, -0.349065850398866, 1e-12);
}

TEST(CompileLumbar, RefusesWhatIsNoSpine) {
  EXPECT_EQ(
      spine_refused([](ModelSpec& s) { s.lumbar->extension = "extention"; }),
      "spine: /lumbar/extension: expected an independent coordinate, found \"extention\", did you mean \"extension\"?\n"
      "/lumbar/levels/ground_L5: expected \"ground_L5_extension\" to be coupled to \"extention\"\n"
      "/lumbar/levels/L5_L4: expected \"L5_L4_extension\" to be coupled to \"extention\"\n"
      "/lumbar/levels/L4_L3: expected \"L4_L3_extension\" to be coupled to \"extention\"");
  EXPECT_NE(spine_refused([](ModelSpec& s) {
              s.lumbar->levels["L5_L4"].joint = "L4L5";
            }).find("/lumbar/levels/L5_L4/joint: expected a joint, found \"L4L5\""),
            std::string::npos);
  EXPECT_NE(spine_refused([](ModelSpec& s) {
              s.lumbar->levels.erase_if([](const std::string& name, const LevelSpec&) { return name == "L5_L4"; });
            }).find("/lumbar/levels/L4_L3: expected the levels from the lowest to the highest without a gap"),
            std::string::npos);
  EXPECT_NE(spine_refused([](ModelSpec& s) {
              std::get<Custom>(s.joints.find("L5_L4")->motion).rotations[1] = {Vec3(1, 0, 0), {}, Constant{0}};
            }).find("/coordinates/L5_L4_bending: expected a joint that uses this coupled coordinate"),
            std::string::npos);
  EXPECT_NE(spine_refused([](ModelSpec& s) {
              s.coordinates.find("L5_L4_bending")->coupled_to->coordinate = "rotation";
            }).find("/lumbar/levels/L5_L4: expected \"L5_L4_bending\" to be coupled to \"bending\""),
            std::string::npos);
  EXPECT_NE(spine_refused([](ModelSpec& s) {
              s.lumbar->levels["L5_L4"].endplate_angle_deg = 100;
            }).find("/lumbar/levels/L5_L4/endplate_angle_deg: expected a number [deg] from -90 to 90"),
            std::string::npos);
}

}  // namespace
}  // namespace psoas
