// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Small OpenSim models, imported and evaluated: poses against Simbody's mobilizers, functions and paths against closed
// forms, and what has no counterpart by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "psoas/core/error.hpp"
#include "psoas/core/pose.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "psoas/model/osim.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

const std::string golden = PSOAS_SOURCE_DIR "/tests/golden/osim/";

std::string text_of(const std::string& name) {
  std::ifstream file(golden + name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

OsimImport read_text(const std::string& text) {
  const test::TempFolder folder;
  return read_osim(folder.write("model.osim", text));
}

std::string complaint(const std::string& text) {
  test::TempFolder folder;
  const std::string path = folder.write("model.osim", text);
  std::string said = test::error_of([&] { read_osim(path); });
  for (std::size_t at; (at = said.find(path)) != said.npos;) said.replace(at, path.size(), "model.osim");
  return said;
}

std::string line_of(const std::string& text, const std::string& part) {
  return std::to_string(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(part)), '\n') +
                        1);
}

bool has_note(const OsimImport& import, const std::string& note) {
  return std::find(import.notes.begin(), import.notes.end(), note) != import.notes.end();
}

/// A model at independent coordinates given by name.
struct Posed {
  Model model;
  Workspace work;
  Posed(const ModelSpec& spec, const std::vector<std::pair<std::string, double>>& values) : model(spec), work(model) {
    State state = model.default_state();
    for (const auto& [name, value] : values) state.q()[static_cast<std::size_t>(model.coordinate(name))] = value;
    evaluate(model, state, work, Depth::force);
  }
  double length(const char* muscle) const { return work.length[static_cast<std::size_t>(model.muscle(muscle))]; }
  const Pose& body(const std::string& name) const { return work.tree.X_GB[static_cast<std::size_t>(model.body(name))]; }
};

// ---- joints

TEST(OsimJoints, PosesAndVelocitiesAreThoseOfSimbody) {
  const OsimImport import = read_osim(golden + "joints.osim");
  EXPECT_TRUE(import.notes.empty()) << import.notes.front();
  const Model model(import.spec);
  Workspace work(model);
  const double values[2][6] = {{0.4, -0.3, 0.7, 0.11, -0.05, 0.2}, {-0.9, 0.8, -1.4, -0.3, 0.25, 0.02}};
  const double rates[6] = {0.5, -1.1, 0.8, 0.3, 0.6, -0.4};

  std::ifstream file(golden + "simbody_joints.csv");
  std::string line;
  std::getline(file, line);
  int rows = 0;
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::string joint, cell;
    std::getline(cells, joint, ',');
    std::getline(cells, cell, ',');
    const int pose = std::stoi(cell);
    std::vector<double> wanted;
    while (std::getline(cells, cell, ',')) wanted.push_back(std::stod(cell));
    ASSERT_EQ(wanted.size(), 18u);
    std::vector<double> q(static_cast<std::size_t>(model.coordinates())), u = q;
    for (int k = 0; k < 6; ++k)
      if (import.spec.coordinates.find(joint + "_" + std::to_string(k))) {
        const auto at = static_cast<std::size_t>(model.coordinate(joint + "_" + std::to_string(k)));
        q[at] = values[pose][k], u[at] = rates[k];
      }
    evaluate(model, q, u, work, Depth::velocity);
    const auto b = static_cast<std::size_t>(model.body(joint + "_body"));
    const Pose& X = work.tree.X_GB[b];
    for (Eigen::Index i = 0; i < 9; ++i)
      EXPECT_NEAR(X.R(i / 3, i % 3), wanted[static_cast<std::size_t>(i)], 1e-14) << joint << " " << pose;
    const Vec3 w = work.tree.velocity[b].head<3>(), v = work.tree.velocity[b].tail<3>() + w.cross(X.p);
    for (Eigen::Index i = 0; i < 3; ++i) {
      EXPECT_NEAR(X.p[i], wanted[static_cast<std::size_t>(9 + i)], 1e-14) << joint << " " << pose;
      EXPECT_NEAR(w[i], wanted[static_cast<std::size_t>(12 + i)], 1e-13) << joint << " " << pose;
      EXPECT_NEAR(v[i], wanted[static_cast<std::size_t>(15 + i)], 1e-13) << joint << " " << pose;
    }
    ++rows;
  }
  EXPECT_EQ(rows, 22);
}

TEST(OsimJoints, TheScapulaGlidesOnABodyWithoutMass) {
  const ModelSpec spec = read_osim(golden + "joints.osim").spec;
  EXPECT_EQ(spec.bodies.find("scapula_surface")->mass, 0.0);
  EXPECT_EQ(spec.joints.find("scapula")->parent, "scapula_surface");
  const ModelSpec again = parse_model("again", model_text(spec));
  EXPECT_EQ(model_text(again), model_text(spec));
}

// ---- functions and couplers

TEST(OsimFunctions, AxesHaveTheFunctionsOfTheFile) {
  const ModelSpec spec = read_osim(golden + "functions.osim").spec;
  const Custom& joint = std::get<Custom>(spec.joints.find("splines")->motion);
  ASSERT_EQ(joint.rotations.size(), 3u);
  ASSERT_EQ(joint.translations.size(), 3u);
  const auto at = [](const AxisSpec& axis, double x) { return compile(axis.function).jet(x).value; };
  EXPECT_DOUBLE_EQ(at(joint.rotations[0], 2.0), 1.0);     // between (1, 2) and (3, 0)
  EXPECT_DOUBLE_EQ(at(joint.rotations[0], 5.0), -2.0);    // the last line goes on
  EXPECT_NEAR(at(joint.rotations[1], 0.5), 0.75, 1e-14);  // natural cubic, by hand in function_test.cpp
  EXPECT_DOUBLE_EQ(at(joint.rotations[2], 0.7), -1.5 * (2 * 0.7 + 0.1));
  for (const double x : {-1.5, -0.3, 0.4, 3.7, 4.5})  // a natural quintic through points of x^2 - x + 1 is that
    EXPECT_NEAR(at(joint.translations[0], x), x * x - x + 1, 1e-12) << x;
  EXPECT_NEAR(at(joint.translations[1], 0.8), 0.01 + 0.2 * std::sin(1.5 * 0.8 + 0.4), 1e-15);
  for (const double x : {0.3, 1.2, 2.9}) EXPECT_NEAR(at(joint.translations[2], x), x * x * x, 1e-13) << x;
}

TEST(OsimFunctions, CouplersOfCoupledCoordinatesFollowTheIndependentOne) {
  const ModelSpec spec = read_osim(golden + "functions.osim").spec;
  const PiecewisePolynomial spline = compile(Spline{{-4, -2, 0, 1, 2}, {0.5, 0.1, 0, 0.4, 0.2}});
  for (const double drive : {-1.0, -0.2, 0.3, 1.7, 3.9}) {
    const double first = 0.25 - 0.8 * drive, second = spline.jet(first).value;
    const auto value = [&](const char* name) {
      const CouplerSpec& coupler = *spec.coordinates.find(name)->coupled_to;
      EXPECT_EQ(coupler.coordinate, "drive");
      return compile(coupler.function).jet(drive).value;
    };
    EXPECT_NEAR(value("first"), first, 1e-15);
    EXPECT_NEAR(value("second"), second, 1e-14);
    EXPECT_NEAR(value("third"), 0.3 - 2.0 * second, 1e-14);
    EXPECT_NEAR(value("fourth"), 2 * (0.3 * first * first * first - 0.2 * first * first + 0.1 * first + 0.05), 1e-14);
  }
  EXPECT_NO_THROW(Model{spec});
}

TEST(OsimFunctions, CyclesAndCurvesOfCurvesAreRefused) {
  const std::string cycle =
      replaced(text_of("functions.osim"), "<independent_coordinate_names>drive", "<independent_coordinate_names>third");
  EXPECT_NE(complaint(cycle).find("model.osim:" + line_of(cycle, "name=\"first_follows\"") +
                                  ": expected coordinates that follow an independent one, found a cycle through "
                                  "\"first\" in <CoordinateCouplerConstraint> \"first_follows\""),
            std::string::npos)
      << complaint(cycle);
  const std::string curves =
      replaced(text_of("functions.osim"), "<LinearFunction><coefficients>-0.8 0.25</coefficients></LinearFunction>",
               "<PolynomialFunction><coefficients>0.1 -0.8 0.25</coefficients></PolynomialFunction>");
  EXPECT_NE(complaint(curves).find("model.osim:" + line_of(curves, "name=\"second_follows\"") +
                                   ": expected \"second\" to follow an independent coordinate, found \"first\", which "
                                   "follows \"drive\", and functions of which neither is linear"),
            std::string::npos)
      << complaint(curves);
}

struct BadFunction {
  const char *what, *from, *to, *line_with, *text;
};
void PrintTo(const BadFunction& bad, std::ostream* out) { *out << bad.what; }
class OsimBadFunctions : public ::testing::TestWithParam<BadFunction> {};

TEST_P(OsimBadFunctions, NameFileAndLine) {
  const BadFunction& bad = GetParam();
  const std::string text = replaced(text_of("functions.osim"), bad.from, bad.to);
  EXPECT_EQ(complaint(text), "model.osim:" + line_of(text, bad.line_with) + ": " + bad.text);
}

const BadFunction bad_functions[] = {
    {"Step", "<PiecewiseLinearFunction name=\"function\"><x>0 1 3</x><y>1 2 0</y></PiecewiseLinearFunction>",
     "<PiecewiseConstantFunction name=\"function\"/>", "<PiecewiseConstantFunction",
     "expected LinearFunction, Constant, PolynomialFunction, SimmSpline, GCVSpline, PiecewiseLinearFunction, Sine or "
     "MultiplierFunction, found PiecewiseConstantFunction"},
    {"Variance", "<error_variance>0", "<error_variance>0.1", "<error_variance>0.1",
     "expected a spline through its points, with 0 in <error_variance>, found 0.1"},
    {"HalfOrder", "<half_order>2", "<half_order>4", "<half_order>4", "expected 1, 2 or 3 in <half_order>, found 4"},
    {"Few", "<x>-1 0 1 2 3 4</x><y>3 1 1 3 7 13</y>", "<x>-1 0</x><y>3 1</y>", "<x>-1 0<",
     "expected at least 3 points, found 2 in <GCVSpline> \"function\""},
    {"Uneven", "<y>0 1 8 27</y>", "<y>0 1 8</y>", "<NaturalCubicSpline",
     "expected as many x as y, found 4 and 3 in <NaturalCubicSpline> \"function\""},
    {"NotANumber", "<amplitude>0.2", "<amplitude>nan", "<amplitude>nan",
     "expected a finite number in <amplitude>, found \"nan\""},
    {"NoScaledFunction",
     "<function>\n                <LinearFunction><coefficients>2 0.1</coefficients></LinearFunction>\n              "
     "</function>",
     "", "<scale>-3", "expected <function> in <MultiplierFunction>, found none"},
};
INSTANTIATE_TEST_SUITE_P(Rules, OsimBadFunctions, ::testing::ValuesIn(bad_functions),
                         [](const auto& test) { return test.param.what; });

// ---- paths

struct Paths : ::testing::Test {
  const OsimImport import = read_osim(golden + "paths.osim");
  /// The length from a point of the thigh to a point of the shank.
  static double between(const Vec3& thigh, const Vec3& shank, double knee) {
    return (thigh - (Vec3(0, -0.4, 0) + rotation_xyz({0, 0, knee}) * shank)).norm();
  }
};

TEST_F(Paths, MovingPointsGoAlongTheirFunctions) {
  const PointSpec& point = import.spec.muscles.find("moved")->path[1];
  EXPECT_EQ(point.location, Vec3(0, 0, 0.03));
  ASSERT_EQ(point.moving.size(), 2u);
  for (const double q : {-0.5, 0.0, 0.4, 1.3}) {
    const Posed posed(import.spec, {{"knee_angle", q}});
    const double y = q < 0.0 ? -0.05 : -0.05 - 0.02 * q * q;  // the end tangent goes on
    EXPECT_NEAR(posed.length("moved"), between({0.05, -0.1, 0.01}, {0.04 + 0.01 * q, y, 0.03}, q), 1e-14) << q;
    // in a frame at (0, -0.1, 0) turned by a quarter about z: x along y, y along -x
    EXPECT_NEAR(posed.length("moved_in_frame"), between({0.05, -0.1, 0}, {0.05, -0.1 + 0.02 * q * q + 0.01, 0}, q),
                1e-14)
        << q;
  }
}

TEST_F(Paths, MomentArmsOfMovingPointsAreSlopesOfTheLength) {
  const double h = 1e-5;
  for (const double q : {0.2, 0.9}) {
    const Posed at(import.spec, {{"knee_angle", q}}), above(import.spec, {{"knee_angle", q + h}}),
        below(import.spec, {{"knee_angle", q - h}});
    for (const char* name : {"moved", "moved_in_frame"})
      EXPECT_NEAR(moment_arm(at.model, at.work, at.model.muscle(name), 0),
                  -(above.length(name) - below.length(name)) / (2 * h), 1e-9)
          << name;
  }
}

TEST_F(Paths, ConditionalPointsAndFramesOnFrames) {
  // spike: on crest, 0.1 along its x, which is the thigh's y; z of spike is turned by 0.3 about crest's x
  const Vec3 a(0.02 * std::sin(0.3), 0.15, 0.02 * std::cos(0.3)), b(0.08, -0.3, 0), c(0, -0.4, 0);
  for (const double q : {-0.5, 0.1, 1.1})
    EXPECT_NEAR(Posed(import.spec, {{"knee_angle", q}}).length("conditional"), (a - c).norm(), 1e-14) << q;
  for (const double q : {0.2, 0.6, 1.0})
    EXPECT_NEAR(Posed(import.spec, {{"knee_angle", q}}).length("conditional"), (a - b).norm() + (b - c).norm(), 1e-14)
        << q;
}

TEST_F(Paths, WrappedLengthsInClosedForm) {
  // two points at (±0.1, 0.01) from the centre of a circle of 0.03: two tangents and the arc between them
  const double d = std::hypot(0.1, 0.01), tangent = std::sqrt(d * d - 0.0009);
  const double arc = 0.03 * 2 * (std::atan2(0.1, 0.01) - std::acos(0.03 / d));
  const Posed posed(import.spec, {});
  EXPECT_NEAR(posed.length("over_ball"), 2 * tangent + arc, 1e-13);
  EXPECT_NEAR(posed.length("over_egg"), 2 * tangent + arc, 1e-9);  // three equal radii
  // at (±0.1, -0.01), over the top as the quadrant says: the long way; and 0.07 along the axis meanwhile
  const double angle = 2 * (std::acos(-1.0) - std::atan2(0.1, 0.01) - std::acos(0.03 / d));
  EXPECT_NEAR(posed.length("over_rod"), std::hypot(2 * tangent + 0.03 * angle, 0.07) + 0.51, 1e-13);
  EXPECT_EQ(import.spec.muscles.find("over_rod")->wraps[0].between, (std::array<double, 2>{0, 1}));
  // in a plane through the axis of the ring, round the inner side of its tube, whose middle is at 0.05
  const double e = std::hypot(0.1, 0.01), inner = 2 * (std::acos(-1.0) - std::atan2(0.1, 0.01) - std::acos(0.01 / e));
  EXPECT_NEAR(posed.length("through_ring"), 2 * std::sqrt(e * e - 0.0001) + 0.01 * inner, 1e-12);
}

TEST_F(Paths, PointsInsideSurfacesAreAllowedAndNamed) {
  EXPECT_TRUE(import.spec.muscles.find("from_inside")->wraps[0].allow_inside);
  EXPECT_FALSE(import.spec.muscles.find("over_ball")->wraps[0].allow_inside);
  EXPECT_TRUE(has_note(import, "paths with a point inside a surface, allowed there: from_inside in ball"));
}

TEST_F(Paths, MovingPointsThatCannotBeRead) {
  const std::string text = text_of("paths.osim");
  const std::string none = replaced(text,
                                    "<x_location><LinearFunction><coefficients>0.01 0.04</coefficients>"
                                    "</LinearFunction></x_location>",
                                    "");
  EXPECT_EQ(complaint(none), "model.osim:" + line_of(none, "name=\"moved-P2\"") +
                                 ": expected <x_location> in <MovingPathPoint> \"moved-P2\", found none");
  const std::string unknown = replaced(text, "<socket_y_coordinate>/jointset/knee/knee_angle",
                                       "<socket_y_coordinate>/jointset/knee/knee_angel");
  EXPECT_EQ(complaint(unknown), "model.osim:" + line_of(unknown, "knee_angel") +
                                    ": expected a coordinate in <socket_y_coordinate>, found "
                                    "\"/jointset/knee/knee_angel\", did you mean \"knee_angle\"?");
}

// ---- muscles

TEST(OsimMuscles, EveryClassWithOpenSimsDefaults) {
  const OsimImport import = read_osim(golden + "muscles.osim");
  ASSERT_EQ(import.spec.muscles.size(), 8u);
  const auto muscle = [&](const char* name) { return *import.spec.muscles.find(name); };
  int i = 0;
  for (const auto& [name, item] : import.spec.muscles) {
    EXPECT_EQ(item.max_isometric_force, 100.0 * ++i) << name;
    EXPECT_EQ(item.optimal_fibre_length, 0.1) << name;
    EXPECT_EQ(item.max_contraction_velocity, 10.0) << name;
  }
  EXPECT_TRUE(std::holds_alternative<Millard>(muscle("m0").curve));
  EXPECT_EQ(muscle("m0").damping, 0.1);
  EXPECT_EQ(muscle("m1").tendon_strain, 0.04);
  EXPECT_EQ(muscle("m1").passive_shape, 5.0);
  EXPECT_EQ(muscle("m2").damping, 0.0);
  EXPECT_TRUE(std::holds_alternative<Millard>(muscle("m3").curve));
  EXPECT_EQ(muscle("m3").tendon_strain, 0.06);
  EXPECT_EQ(muscle("m3").damping, 0.02);
  EXPECT_EQ(std::get<Thelen>(muscle("m4").curve).eccentric_force, 1.6);
  EXPECT_EQ(muscle("m4").tendon_strain, 0.033);
  EXPECT_EQ(muscle("m4").passive_shape, 4.0);
  EXPECT_EQ(muscle("m4").activation_time, 0.01);
  EXPECT_TRUE(std::holds_alternative<DeGrooteFregly>(muscle("m5").curve));
  EXPECT_EQ(muscle("m7").tendon, "rigid");
  EXPECT_EQ(muscle("m7").pennation, 0.3);
  for (const char* note :
       {"1 Millard2012AccelerationMuscle came in as Millard2012EquilibriumMuscle, without mass and compressive forces: "
        "m3",
        "1 Thelen2003Muscle_Deprecated came in as Thelen2003Muscle, without damping: m4",
        "1 Schutte1993Muscle_Deprecated came in with curves and activation of De Groote and Fregly: m5",
        "1 Delp1990Muscle_Deprecated came in with curves and activation of De Groote and Fregly: m6",
        "1 RigidTendonMuscle came in with curves and activation of De Groote and Fregly: m7"})
    EXPECT_TRUE(has_note(import, note)) << note;
  EXPECT_EQ(import.notes.size(), 5u);
  EXPECT_NEAR(Posed(import.spec, {}).length("m5"), 0.3, 1e-15);
}

// ---- what has no counterpart

TEST(OsimListed, ByNameAndNothingElse) {
  const OsimImport import = read_osim(golden + "listed.osim");
  for (const char* note :
       {"not imported: 1 Station (nose)",
        "not imported: 1 Ligament (nuchal)",
        "not imported: 1 Blankevoort1991Ligament (cruciate)",
        "not imported: 1 PathSpring (band)",
        "not imported: 1 CoordinateLimitForce (stop)",
        "not imported: 1 SpringGeneralizedForce (spring)",
        "not imported: 1 ExpressionBasedBushingForce (soft)",
        "not imported: 1 HuntCrossleyForce (feet)",
        "not imported: 1 SmoothSphereHalfSpaceForce (smooth)",
        "not imported: 1 ElasticFoundationForce (bed)",
        "not imported: 1 PathActuator (cable)",
        "not imported: 1 TorqueActuator (motor)",
        "not imported: 1 PointActuator (pusher)",
        "not imported: 2 Marker (C7, STRN)",
        "not imported: 1 ContactHalfSpace (floor_plane)",
        "not imported: 1 ContactMesh (bone)",
        "not imported: 1 PrescribedController (brain)",
        "not imported: 1 Umberger2010MuscleMetabolicsProbe (energy)",
        "not imported: 1 shapes for display",
        "wrapping surfaces left out, inactive in the file: off",
        "coordinates locked in the file, free here: tilt",
        "coordinates prescribed in the file, free here: tx",
        "constraints left out, the model moves without them: glued (WeldConstraint), railed (PointOnLineConstraint)",
        "constraints left out, not enforced in the file: tied",
        "muscles left out, appliesForce is false: asleep",
        "contact: 1 ContactSphere became points of foot contact, a radius below their centres, for studies of "
        "recorded motions"})
    EXPECT_TRUE(has_note(import, note)) << note;
  EXPECT_TRUE(has_note(import,
                       "inertia of body head: principal moments of 0 raised to 0.05 kg m^2, half of the third, "
                       "the least that a body can have"));
  EXPECT_EQ(import.spec.bodies.find("head")->inertia, (std::array<double, 6>{0.05, 0.05, 0.1, 0, 0, 0}));
  EXPECT_EQ(import.notes.size(), 27u);
  EXPECT_NO_THROW(Model{import.spec});
}

// Linear in the angles about x, y and z, which are the joint's coordinates.
TEST(OsimListed, ABushingInTheFramesOfABallJointComesIn) {
  OsimImport import = read_osim(golden + "listed.osim");
  import.spec.passive.erase_if([](const std::string& name, const Passive&) { return name != "disc";
});
const Bushing& disc = std::get<Bushing>(*import.spec.passive.find("disc"));
EXPECT_EQ(disc.joint, "neck");
EXPECT_EQ(disc.stiffness, Vec3(10, 20, 30));
EXPECT_EQ(disc.damping, Vec3(1, 1, 1));
const Posed posed(import.spec, {{"nx", 0.1}, {"ny", -0.2}, {"nz", 0.3}});
const auto& names = posed.model.data().tree_coordinate_names;
const auto torque = [&](const char* name) {
  return posed.work
      .passive_torque[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
};
EXPECT_NEAR(torque("nx"), -1.0, 1e-15);
EXPECT_NEAR(torque("ny"), 4.0, 1e-15);
EXPECT_NEAR(torque("nz"), -9.0, 1e-15);
}  // namespace

TEST(OsimListed, OtherPassiveForcesComeIn) {
  const OsimImport import = read_osim(golden + "listed.osim");
  EXPECT_EQ(import.spec.passive.size(), 4u);
  const FrameBushing& elsewhere = std::get<FrameBushing>(*import.spec.passive.find("elsewhere"));
  EXPECT_EQ(elsewhere.first, "ground");
  EXPECT_EQ(elsewhere.second, "head");
  EXPECT_EQ(elsewhere.second_frame.translation, Vec3(0, 0.1, 0));
  EXPECT_EQ(elsewhere.rotation_stiffness, Vec3(1, 1, 1));

  // in OpenSim's degrees: 2 N m a degree from 40 degrees on, half of it and of the damping at 35
  const CoordinateLimit& stop = std::get<CoordinateLimit>(*import.spec.passive.find("neck_stop"));
  const LimitLaw law{stop.lower, stop.upper, stop.lower_stiffness, stop.upper_stiffness, stop.damping, stop.transition};
  EXPECT_NEAR(law.at(degrees(45.0), 0.0).force, -2.0 * 15.0, 1e-12);
  EXPECT_NEAR(law.at(degrees(-50.0), 0.0).force, 3.0 * 30.0, 1e-12);
  EXPECT_NEAR(law.at(degrees(35.0), degrees(40.0)).force, -0.5 * (2.0 * 5.0 + 0.05 * 40.0), 1e-12);
  EXPECT_EQ(law.at(degrees(29.0), 1.0).force, 0.0);

  const Ligament& band = std::get<Ligament>(*import.spec.passive.find("band_of_neck"));
  ASSERT_EQ(band.path.size(), 2u);
  EXPECT_EQ(band.path[1].body, "head");
  EXPECT_EQ(band.path[1].location, Vec3(0.1, 0.2, 0));
  EXPECT_EQ(band.slack_length, 0.15);
  EXPECT_EQ(band.stiffness, 2000);
  EXPECT_EQ(band.transition_strain, 0.05);
  EXPECT_EQ(band.damping, 3);
}

// ---- contact

// Simbody's HuntCrossleyForce takes the springs E^(2/3) of the two surfaces in series (tests/golden/forces holds the law
// itself against it), and the material of a half-space lies where x is positive in its frame.
TEST(OsimContact, SpheresOnHalfSpacesComeIn) {
  const OsimImport import = read_osim(golden + "contact.osim");
  const ModelSpec& spec = import.spec;
  ASSERT_EQ(spec.planes.size(), 2u);
  const PlaneSpec &floor = *spec.planes.find("floor"), &ramp = *spec.planes.find("ramp");
  EXPECT_EQ(floor.body, "ground");
  EXPECT_EQ(floor.normal, Vec3(0, 1, 0));
  EXPECT_NEAR(floor.height, 0.05, 1e-15);
  EXPECT_NEAR((ramp.normal - Vec3(-std::cos(1.2), std::sin(1.2), 0)).norm(), 0.0, 1e-11);
  EXPECT_NEAR(ramp.height, -0.2 * std::sin(1.2), 1e-11);
  ASSERT_EQ(spec.spheres.size(), 3u);
  const SphereSpec &tip = *spec.spheres.find("tip"), &round = *spec.spheres.find("round");
  EXPECT_EQ(tip.body, "block");
  EXPECT_EQ(tip.location, Vec3(0.1, 0, 0.02));
  EXPECT_EQ(tip.radius, 0.03);
  EXPECT_EQ(tip.planes, std::vector<std::string>{"ramp"});
  // k = 200^2 and 100^2: 1/k = 1/40000 + 1/10000; the soft side is 4/5 of the way, so has 4/5 of the dissipation
  EXPECT_NEAR(tip.stiffness, std::pow(8000.0, 1.5), 1e-6);
  EXPECT_NEAR(tip.dissipation, 0.8 * 2.0 + 0.2 * 0.2, 1e-14);
  EXPECT_NEAR(tip.static_friction, 0.72, 1e-15);
  EXPECT_NEAR(tip.dynamic_friction, 0.6, 1e-15);
  EXPECT_EQ(tip.viscous_friction, 0.0);
  EXPECT_EQ(tip.transition_speed, 0.1);
  EXPECT_NEAR(round.stiffness, 1e6 / std::pow(2.0, 1.5), 1e-6);
  EXPECT_NEAR(round.dissipation, 2.0, 1e-15);
  EXPECT_NEAR(round.static_friction, 0.8, 1e-15);
  EXPECT_NEAR(round.dynamic_friction, 0.7, 1e-15);
  EXPECT_NEAR(round.viscous_friction, 0.5, 1e-15);
  EXPECT_EQ(round.transition_speed, 0.2);
  for (const char* note :
       {"not imported: 2 SmoothSphereHalfSpaceForce (again, off)", "not imported: 1 HuntCrossleyForce (with_mesh)",
        "not imported: 1 ContactHalfSpace (wall)",
        "contact: 1 HuntCrossleyForce became spheres on planes, for simulations; friction near rest follows a smoother "
        "curve, and spheres do not touch each other",
        "contact: 1 SmoothSphereHalfSpaceForce became spheres on planes, for simulations; friction follows a smoother "
        "curve, and there is no force at a distance"})
    EXPECT_TRUE(has_note(import, note)) << note;

  // 0.15 m into the floor: 4/3 k^(3/2) R^(1/2) d^(3/2) with k = 1/2 E^(2/3)
  const Posed posed(spec, {{"y", 0.0}});
  const double depth = 0.1 + 0.05, force = 4.0 / 3.0 * std::pow(0.5 * 1e4, 1.5) * std::sqrt(0.1) * std::pow(depth, 1.5);
  const auto& names = posed.model.data().sphere_names;
  const auto s = static_cast<std::size_t>(std::find(names.begin(), names.end(), "round") - names.begin());
  EXPECT_NEAR(posed.work.contact.sphere_force[s].y(), force, 1e-9 * force);
}

// ---- OpenSim 2 and 3

TEST(OsimVersion3, AModelWithJointsInBodiesComesIn) {
  const OsimImport import = read_osim(golden + "version3.osim");
  const ModelSpec& spec = import.spec;
  ASSERT_EQ(spec.bodies.size(), 2u);
  EXPECT_EQ(spec.bodies.find("thigh")->inertia, (std::array<double, 6>{0.1, 0.02, 0.11, 0.001, 0.002, 0.003}));
  EXPECT_EQ(spec.bodies.find("shank")->inertia, (std::array<double, 6>{0.05, 0.01, 0.05, 0, 0, 0}));
  const JointSpec& hip = *spec.joints.find("hip");
  EXPECT_EQ(hip.parent, "ground");
  EXPECT_EQ(hip.child, "thigh");
  EXPECT_EQ(hip.parent_frame.translation, Vec3(0.1, 1, 0));
  EXPECT_EQ(hip.parent_frame.orientation, Vec3(0, 0, 0.2));
  EXPECT_EQ(hip.child_frame.translation, Vec3(0, 0.01, 0));
  EXPECT_EQ(hip.child_frame.orientation, Vec3(0, 0.1, 0));
  EXPECT_EQ(spec.coordinates.find("hip_slide")->motion, "translation");
  EXPECT_EQ(spec.coordinates.find("hip_slide")->coupled_to->coordinate, "hip_flexion");
  EXPECT_EQ(spec.surfaces.find("rock")->body, "ground");
  ASSERT_EQ(spec.muscles.size(), 1u);
  const MuscleSpec& rectus = *spec.muscles.find("rectus");
  ASSERT_EQ(rectus.path.size(), 3u);
  EXPECT_EQ(rectus.path[1].only_when->range, (std::array<double, 2>{-2, -0.5}));
  EXPECT_EQ(rectus.path[2].body, "shank");
  ASSERT_EQ(rectus.path[2].moving.size(), 1u);
  EXPECT_EQ(rectus.path[2].location, Vec3(0, 0.02, 0));
  EXPECT_EQ(rectus.wraps.size(), 1u);
  EXPECT_EQ(spec.contacts.find("heel")->body, "shank");
  for (const char* note :
       {"not imported: 1 Marker (KNEE)", "not imported: 1 shapes for display",
        "coordinates locked in the file, free here: hip_flexion", "muscles left out, appliesForce is false: asleep",
        "constraints left out, not enforced in the file: loose"})
    EXPECT_TRUE(has_note(import, note)) << note;

  const Posed posed(spec, {{"hip_flexion", 0.3}, {"knee_angle", -0.2}});
  const Pose X_PF{rotation_xyz({0, 0, 0.2}), {0.1, 1, 0}}, X_BM{rotation_xyz({0, 0.1, 0}), {0, 0.01, 0}};
  const Pose thigh = X_PF * Pose{rotation_xyz({0, 0, 0.3}), {0.05 * 0.3, 0, 0}} * X_BM.inverse();
  EXPECT_LT((posed.body("thigh").p - thigh.p).norm(), 1e-15);
  EXPECT_LT((posed.body("shank").p - thigh * Vec3(0, -0.4, 0)).norm(), 1e-15);
  EXPECT_LT((posed.body("shank").R - thigh.R * rotation_xyz({0, 0, -0.2})).norm(), 1e-15);
}

TEST(OsimVersion3, FilesBetween3And4NameBodiesByConnectors) {
  std::string text = replaced(text_of("version3.osim"), "Version=\"30000\"", "Version=\"30501\"");
  const std::string pin = text.substr(text.find("<PinJoint"), text.find("</PinJoint>") + 11 - text.find("<PinJoint"));
  text = replaced(text, "<Joint>\n            " + pin, "<Joint>");
  const std::string outside =
      "<JointSet><objects>" +
      replaced(pin, "<parent_body>thigh</parent_body>",
               "<connectors><Connector_PhysicalFrame_ name=\"parent_body\"><connectee_name>../thigh</connectee_name>"
               "</Connector_PhysicalFrame_><Connector_PhysicalFrame_ name=\"child_body\"><connectee_name>../shank"
               "</connectee_name></Connector_PhysicalFrame_></connectors>") +
      "</objects></JointSet>";
  const ModelSpec spec = read_text(replaced(text, "<ConstraintSet>", outside + "<ConstraintSet>")).spec;
  EXPECT_EQ(spec.joints.find("knee")->parent, "thigh");
  EXPECT_EQ(spec.joints.find("knee")->child, "shank");
  EXPECT_EQ(spec.joints.find("knee")->parent_frame.translation, Vec3(0, -0.4, 0));
}

TEST(OsimVersion3, FaultsHaveTheLineOfTheElementOrOfTheOneAroundIt) {
  const std::string text = text_of("version3.osim");
  const std::string reversed = replaced(text, "<reverse>false", "<reverse>true");
  EXPECT_EQ(complaint(reversed), "model.osim:" + line_of(reversed, "<reverse>true") +
                                     ": expected a joint from parent to child, found one that is reversed");
  const std::string nan = replaced(text, "<location_in_parent>0 -0.4 0", "<location_in_parent>0 nan 0");
  EXPECT_EQ(complaint(nan),
            "model.osim:" + line_of(nan, "<PinJoint") + ": expected a finite number in <translation>, found \"nan\"");
  const std::string nowhere = replaced(text, "<parent_body>thigh</parent_body>", "");
  EXPECT_EQ(complaint(nowhere),
            "model.osim:" + line_of(nowhere, "<PinJoint") +
                ": expected a body, ground or offset frame in <socket_parent>, found \"/bodyset/\"");
  const std::string itself = replaced(text, "<parent_body>thigh</parent_body>", "<parent_body>shank</parent_body>");
  EXPECT_EQ(complaint(itself), "model.osim:" + line_of(itself, "<Body name=\"shank\"") +
                                   ": expected joints that lead from body \"shank\" to ground, found a loop through "
                                   "\"shank\"");
}

// ---- damaged files

// Any of the models with bytes changed, and any beginning of one, is read or refused with an Error: nothing else. What
// is read can be written, read and compiled, or is refused again.
TEST(OsimDamage, FilesAreReadOrRefused) {
  test::TempFolder folder;
  unsigned state = 7;
  const auto next = [&](std::size_t n) {
    state = state * 1664525u + 1013904223u;
    return static_cast<std::size_t>(state >> 8) % n;
  };
  for (const char* name : {"joints.osim", "functions.osim", "paths.osim", "muscles.osim", "listed.osim", "contact.osim",
                           "version3.osim"}) {
    const std::string text = text_of(name);
    for (int i = 0; i < 40; ++i) {
      std::string damaged = text;
      if (i % 4 == 0) {
        damaged.resize(next(text.size()));
      } else {
        for (int k = 0; k < 2; ++k) {  // swap two words, which often leaves the XML well formed
          const std::size_t a = damaged.find('>', next(damaged.size())), b = damaged.find('>', next(damaged.size()));
          if (a == damaged.npos || b == damaged.npos) continue;
          const std::size_t a_end = damaged.find('<', a), b_end = damaged.find('<', b);
          if (a_end == damaged.npos || b_end == damaged.npos) continue;
          const std::string word = damaged.substr(b + 1, b_end - b - 1);
          damaged.replace(a + 1, a_end - a - 1, word);
        }
      }
      const std::string path = folder.write("damaged.osim", damaged);
      EXPECT_NO_THROW(test::error_of([&] {
        const OsimImport import = read_osim(path);
        const Model model(parse_model("again", model_text(import.spec)));
        Workspace work(model);
        evaluate(model, model.default_state(), work, Depth::velocity);
      })) << name
          << " " << i;
    }
  }
}

TEST(OsimDamage, HugeCountsAreReadInReasonableTime) {
  std::string bodies, joints;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    bodies += "<Body name=\"b" + n + "\"><mass>1</mass><inertia>1 1 1 0 0 0</inertia></Body>\n";
    joints += "<PinJoint name=\"j" + n + "\"><socket_parent_frame>" +
              (i ? "/bodyset/b" + std::to_string(i - 1) : "/ground") +
              "</socket_parent_frame><socket_child_frame>/bodyset/b" + n +
              "</socket_child_frame><coordinates><Coordinate name=\"q" + n + "\"/></coordinates></PinJoint>\n";
  }
  const OsimImport import =
      read_text("<OpenSimDocument Version=\"40000\"><Model name=\"chain\"><BodySet name=\"bodyset\"><objects>" +
                bodies + "</objects></BodySet><JointSet name=\"jointset\"><objects>" + joints +
                "</objects></JointSet></Model></OpenSimDocument>");
  EXPECT_EQ(import.spec.bodies.size(), 1000u);
}

}  // namespace psoas
}  // namespace psoas
