// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/osim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "psoas/core/error.hpp"
#include "psoas/core/pose.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

const std::string golden = PSOAS_SOURCE_DIR "/tests/golden/osim/";

std::string leg_text() {
  std::ifstream file(golden + "leg.osim", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string line_of(const std::string& text, const std::string& part) {
  const std::size_t at = text.find(part);
  return at == text.npos
             ? "nowhere"
             : std::to_string(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1);
}

bool has_note(const OsimImport& import, const std::string& note) {
  return std::find(import.notes.begin(), import.notes.end(), note) != import.notes.end();
}

void expect_near(const Vec3& found, const Vec3& wanted) {
  EXPECT_LT((found - wanted).norm(), 1e-15) << found.transpose();
}

struct Leg : ::testing::Test {
  const OsimImport import = read_osim(golden + "leg.osim");
  const ModelSpec& spec = import.spec;

  const Custom& custom(const char* joint) const { return std::get<Custom>(spec.joints.find(joint)->motion); }
};

TEST_F(Leg, NameGravityAndSources) {
  EXPECT_EQ(spec.name, "leg");
  EXPECT_EQ(spec.gravity, Vec3(0, -9.81, 0));
  ASSERT_EQ(spec.sources.size(), 3u);
  EXPECT_EQ(spec.sources[0], "A. Körper and others");
  EXPECT_EQ(spec.sources[1], "A & B (2020)");
  EXPECT_EQ(spec.sources[2], "Imported from leg.osim (OpenSim, Version 40500)");
  EXPECT_EQ(*spec.hips.find("r"), "hip_r");
  EXPECT_EQ(spec.hips.find("l"), nullptr);
}

TEST_F(Leg, BodiesAreInTheOrderOfTheFile) {
  std::vector<std::string> names;
  for (const auto& [name, body] : spec.bodies) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"pelvis", "femur_r", "tibia_r", "patella_r", "talus_r", "shoe", "torso",
                                             "cart"}));
  const BodySpec& pelvis = *spec.bodies.find("pelvis");
  EXPECT_EQ(pelvis.mass, 11.5);
  EXPECT_EQ(pelvis.mass_center, Vec3(-0.07, 0, 0));
  EXPECT_EQ(pelvis.inertia, (std::array<double, 6>{0.1, 0.09, 0.06, 0.001, 0.002, 0.003}));
  EXPECT_EQ(spec.bodies.find("femur_r")->mass, 9.3);
  EXPECT_EQ(spec.bodies.find("femur_r")->mass_center, Vec3(0, 0, 0));
}

TEST_F(Leg, JointsHaveTheirFramesAndAxes) {
  const JointSpec& hip = *spec.joints.find("hip_r");
  EXPECT_EQ(hip.parent, "pelvis");
  EXPECT_EQ(hip.child, "femur_r");
  EXPECT_EQ(hip.parent_frame.translation, Vec3(-0.056, -0.078, 0.077));
  EXPECT_EQ(hip.parent_frame.orientation, Vec3(0.1, 0.2, 0.3));
  EXPECT_EQ(hip.child_frame.translation, Vec3(0, 0, 0));
  const Custom& motion = custom("hip_r");
  ASSERT_EQ(motion.rotations.size(), 2u);  // the axis that stands still at zero is left out
  EXPECT_EQ(motion.rotations[0].axis, Vec3(0, 0, 2));
  EXPECT_EQ(motion.rotations[0].coordinate, "hip_flexion_r");
  EXPECT_EQ(std::get<Linear>(motion.rotations[0].function).slope, 1.0);
  EXPECT_FALSE(motion.rotations[1].coordinate);
  EXPECT_EQ(std::get<Constant>(motion.rotations[1].function).value, 0.4);
  ASSERT_EQ(motion.translations.size(), 1u);
  EXPECT_EQ(std::get<Constant>(motion.translations[0].function).value, 0.6);

  EXPECT_EQ(spec.joints.find("knee_r")->child_frame.translation, Vec3(0, -0.4, 0));
  EXPECT_EQ(std::get<Slide>(spec.joints.find("patella")->motion).axis, Vec3(1, 0, 0));
  EXPECT_EQ(spec.joints.find("patella")->parent_frame.orientation, Vec3(0.1, 0.2, 0.3));  // another joint's frame
  EXPECT_EQ(std::get<Pin>(spec.joints.find("ankle_r")->motion).coordinate, "ankle_angle_r");
  EXPECT_EQ(std::get<Pin>(spec.joints.find("ankle_r")->motion).axis, Vec3(0, 0, 1));
  EXPECT_TRUE(std::holds_alternative<Weld>(spec.joints.find("lace")->motion));
  ASSERT_EQ(custom("back").rotations.size(), 2u);
  EXPECT_EQ(custom("back").rotations[1].axis, Vec3(0, 1, 0));
  EXPECT_EQ(custom("wheels").rotations[0].coordinate, "cart_turn");
  EXPECT_EQ(custom("wheels").translations[1].coordinate, "cart_y");
  EXPECT_EQ(custom("root").translations[2].coordinate, "t3");
  EXPECT_EQ(custom("root").rotations[2].axis, Vec3(0, 0, 1));
}

TEST_F(Leg, FunctionsAreScaledAndPolynomialsTurnedRound) {
  const Custom& knee = custom("knee_r");
  EXPECT_EQ(std::get<Polynomial>(knee.rotations[0].function).coefficients, (std::vector<double>{0.5, 1, 2, 3}));
  EXPECT_EQ(std::get<Spline>(knee.translations[0].function).x, (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(std::get<Spline>(knee.translations[0].function).y,
            (std::vector<double>{0, 0.1, 0.4, 0.2}));  // times 2 times 0.5
}

TEST_F(Leg, OffsetFramesOnOffsetFramesAreComposed) {
  const FrameSpec& frame = spec.joints.find("back")->parent_frame;  // spike on crest on pelvis
  expect_near(frame.translation, {0.1, 0.21, 0.3});
  const Mat3 wanted = rotation_xyz({0, 0, std::acos(0.0)}) * rotation_xyz({0.3, 0, 0});
  EXPECT_LT((rotation_xyz(frame.orientation) - wanted).norm(), 1e-15);
  EXPECT_EQ(spec.joints.find("back")->parent, "pelvis");
}

TEST_F(Leg, CoordinatesHaveRangesAndKinds) {
  const CoordinateSpec& hip = *spec.coordinates.find("hip_flexion_r");
  EXPECT_EQ(hip.range, (std::array<double, 2>{-0.5, 2.1}));
  EXPECT_EQ(hip.value, 0.2);
  EXPECT_EQ(hip.motion, "rotation");
  EXPECT_EQ(spec.coordinates.find("r1")->range, (std::array<double, 2>{-10, 10}));
  for (const char* name : {"t1", "t3", "patella_slide", "cart_x", "cart_y"})
    EXPECT_EQ(spec.coordinates.find(name)->motion, "translation") << name;
  for (const char* name : {"r1", "knee_angle_r", "ankle_angle_r", "cart_turn"})
    EXPECT_EQ(spec.coordinates.find(name)->motion, "rotation") << name;
}

TEST_F(Leg, CouplersOfSeveralFunctions) {
  const CouplerSpec& patella = *spec.coordinates.find("patella_slide")->coupled_to;
  EXPECT_EQ(patella.coordinate, "knee_angle_r");
  EXPECT_DOUBLE_EQ(std::get<Linear>(patella.function).slope, 0.3);
  EXPECT_DOUBLE_EQ(std::get<Linear>(patella.function).offset, 0.05);
  EXPECT_EQ(std::get<Spline>(spec.coordinates.find("back_x")->coupled_to->function).y, (std::vector<double>{1, 2, 4}));
  EXPECT_FALSE(spec.coordinates.find("knee_angle_r")->coupled_to);
}

TEST_F(Leg, SurfacesAndSides) {
  ASSERT_EQ(spec.surfaces.size(), 6u);
  const SurfaceSpec& brim = *spec.surfaces.find("brim");
  EXPECT_EQ(brim.body, "pelvis");
  EXPECT_EQ(brim.translation, Vec3(-0.07, -0.06, 0.0656));
  EXPECT_EQ(brim.orientation, Vec3(-0.25, -0.27, 0.1));
  EXPECT_EQ(std::get<Cylinder>(brim.shape).radius, 0.05);
  EXPECT_EQ(std::get<Cylinder>(brim.shape).length, 0.1);
  EXPECT_FALSE(std::get<Cylinder>(spec.surfaces.find("condyles")->shape).length) << "none in the file";
  EXPECT_EQ(std::get<Sphere>(spec.surfaces.find("ball")->shape).radius, 0.03);
  EXPECT_EQ(spec.surfaces.find("ball")->body, "ground");
  EXPECT_EQ(std::get<Ellipsoid>(spec.surfaces.find("egg")->shape).radii, Vec3(0.01, 0.02, 0.015));
  EXPECT_EQ(std::get<Torus>(spec.surfaces.find("tyre")->shape).radius, 0.02);
  EXPECT_EQ(std::get<Torus>(spec.surfaces.find("tyre")->shape).tube_radius, 0.01);

  const auto& wraps = spec.muscles.find("psoas_r")->wraps;
  ASSERT_EQ(wraps.size(), 7u);
  EXPECT_EQ(wraps[0].surface, "brim");
  EXPECT_EQ(wraps[0].side, "-y");
  EXPECT_EQ(wraps[0].between, (std::array<double, 2>{1, 2}));
  EXPECT_EQ(wraps[1].surface, "condyles");
  EXPECT_EQ(wraps[1].side, "shortest") << "two points of the pelvis; the condyles are the femur's";
  EXPECT_EQ(wraps[1].between, (std::array<double, 2>{0, 1}));
  EXPECT_EQ(wraps[2].surface, "condyles");
  EXPECT_EQ(wraps[2].side, "+y");
  EXPECT_EQ(wraps[2].between, (std::array<double, 2>{1, 3}));
  EXPECT_EQ(wraps[3].side, "+x");
  EXPECT_EQ(wraps[3].between, (std::array<double, 2>{0, 2}));
  EXPECT_EQ(wraps[4].surface, "egg");
  EXPECT_EQ(wraps[4].side, "+x");
  EXPECT_FALSE(wraps[4].between);
  EXPECT_EQ(wraps[5].surface, "tyre");
  EXPECT_EQ(wraps[6].surface, "end_on");
  EXPECT_EQ(wraps[6].side, "shortest");
}

TEST_F(Leg, PathsAreInBodies) {
  const auto& path = spec.muscles.find("psoas_r")->path;
  ASSERT_EQ(path.size(), 4u);
  EXPECT_EQ(path[0].body, "pelvis");
  EXPECT_EQ(path[0].location, Vec3(0.01, 0.02, 0.03));
  EXPECT_EQ(path[1].body, "pelvis");
  expect_near(path[1].location, {0.1, 0.21, 0.3});
  EXPECT_EQ(path[2].body, "femur_r");
  EXPECT_EQ(path[2].only_when->coordinate, "knee_angle_r");
  EXPECT_EQ(path[2].only_when->range, (std::array<double, 2>{-0.1, 0.5}));
  EXPECT_FALSE(path[3].only_when);
  expect_near(spec.muscles.find("soleus_r")->path[1].location, {0, -0.3, 0});
}

TEST_F(Leg, MusclesOfThreeClasses) {
  ASSERT_EQ(spec.muscles.size(), 3u);
  const MuscleSpec& psoas = *spec.muscles.find("psoas_r");
  EXPECT_EQ(psoas.max_isometric_force, 1400);
  EXPECT_EQ(psoas.optimal_fibre_length, 0.11);
  EXPECT_EQ(psoas.tendon_slack_length, 0.13);
  EXPECT_EQ(psoas.pennation, 0.2);
  EXPECT_EQ(psoas.max_contraction_velocity, 12);
  EXPECT_EQ(psoas.tendon, "compliant");
  EXPECT_EQ(psoas.tendon_strain, 0.08);
  EXPECT_EQ(psoas.passive_strain, 0.7);
  EXPECT_EQ(psoas.damping, 0.05);  // from <defaults>
  EXPECT_EQ(psoas.minimum_activation, 0.02);
  EXPECT_EQ(psoas.activation_time, 0.010);
  EXPECT_EQ(psoas.deactivation_time, 0.040);
  const auto& millard = std::get<Millard>(psoas.curve);
  EXPECT_EQ(millard.shortest_length, 0.25);
  EXPECT_EQ(millard.transition_length, 0.77);
  EXPECT_EQ(millard.longest_length, 1.9);
  EXPECT_EQ(millard.shallow_slope, 0.75);
  EXPECT_EQ(millard.least_active_force, 0.0);        // as OpenSim has it in a damped muscle
  EXPECT_EQ(millard.concentric_slope_at_vmax, 0.0);  // likewise
  EXPECT_EQ(millard.concentric_slope_near_vmax, 0.25);
  EXPECT_EQ(millard.eccentric_slope_near_vmax, 0.2);
  EXPECT_EQ(millard.eccentric_force, 1.5);
  EXPECT_EQ(millard.passive_onset, -0.1 / 0.7);
  EXPECT_EQ(millard.passive_low_stiffness, 0.24);  // 0.3 F0 per l0 over a range of 0.8
  EXPECT_EQ(millard.passive_stiffness, 3.2);
  EXPECT_EQ(millard.passive_curviness, 0.6);
  EXPECT_EQ(millard.tendon_stiffness, 1.375);
  EXPECT_EQ(millard.fault(), "");
  EXPECT_NEAR(MillardLaws(millard).passive_force_length_jet(1.7, 0.7, 4.0).slope, 4.0, 1e-12);

  const MuscleSpec& rectus = *spec.muscles.find("rectus_r");
  EXPECT_EQ(rectus.tendon, "rigid");
  EXPECT_EQ(rectus.tendon_strain, 0.033);
  EXPECT_EQ(rectus.passive_strain, 0.55);
  EXPECT_EQ(rectus.passive_shape, 4);
  EXPECT_EQ(rectus.damping, 0.0);
  const auto& thelen = std::get<Thelen>(rectus.curve);
  EXPECT_EQ(thelen.active_shape, 0.5);
  EXPECT_EQ(thelen.velocity_shape, 0.3);
  EXPECT_EQ(thelen.eccentric_force, 1.8);
  EXPECT_EQ(thelen.eccentric_linear, 0.95);
  EXPECT_EQ(rectus.activation_time, 0.015);
  EXPECT_EQ(rectus.deactivation_time, 0.050);
  EXPECT_EQ(rectus.minimum_activation, 0.01);
  EXPECT_EQ(rectus.max_contraction_velocity, 10);
  EXPECT_EQ(rectus.pennation, 0);

  const MuscleSpec& soleus = *spec.muscles.find("soleus_r");
  EXPECT_EQ(soleus.tendon_strain, 0.06);
  EXPECT_EQ(soleus.passive_strain, 1.5);
  EXPECT_EQ(soleus.damping, 0.01);
  EXPECT_EQ(std::get<DeGrooteFregly>(soleus.curve).active_width, 1.5);
  EXPECT_EQ(soleus.deactivation_time, 0.060);
  EXPECT_EQ(*spec.groups.find("hip_flex_r"), (std::vector<std::string>{"psoas_r", "rectus_r"}));
  EXPECT_EQ(spec.groups.size(), 1u);
}

TEST_F(Leg, NotesNameWhatDidNotComeAlong) {
  for (const char* note :
       {"not imported: 2 CoordinateActuator (hip_motor, knee_motor)", "not imported: 1 McKibbenActuator (other)",
        "not imported: 1 Marker (ASIS)", "not imported: 1 ObjectGroup (motors)", "not imported: 1 shapes for display",
        "wraps left out, their surface is not imported: psoas_r over sleeping",
        "wraps that keep their quadrant but on spans within one body at an end of the path: psoas_r over condyles",
        "wrapping surfaces left out, inactive in the file: sleeping",
        "wrapping surfaces whose quadrant is not kept, muscles take the shortest side: end_on",
        "paths do not let go at the ends of 1 WrapCylinder, where OpenSim's do; postures in which they lie on one "
        "beyond them are flagged",
        "paths over 1 WrapEllipsoid are the shortest over the surface; OpenSim's lie in a plane and are a little "
        "longer",
        "coordinates locked in the file, free here: hip_flexion_r",
        "coordinates prescribed in the file, free here: ankle_angle_r",
        "constraints left out, not enforced in the file: loose", "muscles left out, appliesForce is false: asleep",
        "group members left out, not an imported muscle: hip_motor, knee_motor"})
    EXPECT_TRUE(has_note(import, note)) << note;
  EXPECT_EQ(import.notes.size(), 16u);
}

TEST(Osim, ModelWithoutAnything) {
  const OsimImport import = read_osim(golden + "smallest.osim");
  EXPECT_TRUE(import.spec.bodies.empty());
  EXPECT_EQ(import.spec.gravity, Vec3(0, -9.80665, 0));
  EXPECT_TRUE(import.notes.empty());
}

TEST(Osim, PublishedScaledModel) {
  const OsimImport import = read_osim(PSOAS_SOURCE_DIR "/examples/squat/subject_2.osim");
  const ModelSpec& spec = import.spec;
  EXPECT_EQ(spec.bodies.size(), 22u);
  EXPECT_EQ(spec.joints.size(), 22u);
  EXPECT_EQ(spec.coordinates.size(), 35u);
  EXPECT_EQ(spec.surfaces.size(), 44u);
  EXPECT_EQ(spec.muscles.size(), 80u);
  EXPECT_EQ(spec.groups.size(), 26u);
  double mass = 0;
  for (const auto& [name, body] : spec.bodies) mass += body.mass;
  EXPECT_NEAR(mass, 78.2, 1e-9);

  std::vector<std::string> coupled, translations;
  for (const auto& [name, coordinate] : spec.coordinates) {
    if (coordinate.coupled_to) coupled.push_back(name + " " + coordinate.coupled_to->coordinate);
    if (coordinate.motion == "translation") translations.push_back(name);
  }
  EXPECT_EQ(coupled, (std::vector<std::string>{"knee_angle_r_beta knee_angle_r", "knee_angle_l_beta knee_angle_l"}));
  EXPECT_EQ(translations, (std::vector<std::string>{"pelvis_tx", "pelvis_ty", "pelvis_tz"}));
  EXPECT_EQ(spec.coordinates.find("pelvis_ty")->value, 0.92999999909764297);

  // Values read off the file: the knee's first translation, scaled; the psoas; a wrap of two points.
  const Custom& knee = std::get<Custom>(spec.joints.find("walker_knee_r")->motion);
  const auto& coefficients = std::get<Polynomial>(knee.translations[0].function).coefficients;
  ASSERT_EQ(coefficients.size(), 5u);
  EXPECT_DOUBLE_EQ(coefficients[4], 0.00015904478788503811 * 1.2283495433203488);
  EXPECT_DOUBLE_EQ(coefficients[0], -7.7465635324718924e-07 * 1.2283495433203488);
  EXPECT_TRUE(std::get<Custom>(spec.joints.find("hip_r")->motion).translations.empty());
  const Custom& patella = std::get<Custom>(spec.joints.find("patellofemoral_r")->motion);
  EXPECT_DOUBLE_EQ(std::get<Constant>(patella.translations[2].function).value,
                   0.0027499999999999998 * 1.2283495433203488);

  std::size_t wraps = 0, bounded = 0, points = 0;
  for (const auto& [name, muscle] : spec.muscles) {
    points += muscle.path.size(), wraps += muscle.wraps.size();
    for (const WrapSpec& wrap : muscle.wraps) bounded += wrap.between.has_value();
    EXPECT_EQ(muscle.damping, 0.01) << name;
    EXPECT_EQ(muscle.tendon_strain, 0.049) << name;
    EXPECT_EQ(muscle.activation_time, 0.010) << name;
  }
  EXPECT_EQ(points, 288u);
  EXPECT_EQ(wraps, 48u);  // 46 in the file, of which two are divided
  EXPECT_EQ(bounded, 8u);
  const WrapSpec& brim = spec.muscles.find("psoas_r")->wraps.at(0);
  EXPECT_EQ(brim.surface, "PS_at_brim_r");
  EXPECT_EQ(brim.side, "-y");
  EXPECT_EQ(brim.between, (std::array<double, 2>{1, 2}));
  EXPECT_EQ(*spec.hips.find("l"), "hip_l");
  EXPECT_EQ(spec.contacts.size(), 12u);
  const ContactSpec& heel = *spec.contacts.find("s1_r");
  EXPECT_EQ(heel.body, "calcn_r");
  EXPECT_EQ(heel.support, "foot");
  EXPECT_NEAR(heel.location.y(), -0.01 - 0.032, 1e-15);
  EXPECT_EQ(spec.spheres.size(), 12u);
  EXPECT_NEAR(spec.spheres.find("s1_r")->stiffness, 353553.0, 1.0);
  EXPECT_EQ(spec.planes.size(), 1u);
  EXPECT_EQ(spec.planes.find("floor")->normal, Vec3(0, 1, 0));
  EXPECT_TRUE(has_note(import,
                       "contact: 12 ContactSphere became points of foot contact, a radius below their centres, for "
                       "studies of recorded motions"));
}

TEST(Osim, ARangeThatLeavesOutTheDefaultValueIsWidened) {
  std::string text = leg_text();
  const std::string from = "<default_value>0.2</default_value><range>-0.5 2.1</range>";
  ASSERT_NE(text.find(from), std::string::npos);
  text.replace(text.find(from), from.size(), "<default_value>2.5</default_value><range>-0.5 2.1</range>");
  const test::TempFolder folder;
  const OsimImport import = read_osim(folder.write("wide.osim", text));
  const CoordinateSpec& coordinate = *import.spec.coordinates.find("hip_flexion_r");
  EXPECT_EQ(coordinate.value, 2.5);
  EXPECT_EQ(coordinate.range, (std::array<double, 2>{-0.5, 2.5}));
  EXPECT_TRUE(has_note(import,
                       "range of coordinate hip_flexion_r: widened from -0.5 to 2.1 so that it holds the default value "
                       "2.5"));
}

// ---- what cannot be used: leg.osim with one text replaced, and the line and text of the complaint

struct Broken {
  const char *what, *from, *to, *line_with, *text;
};
void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.what; }

class OsimErrors : public ::testing::TestWithParam<Broken> {};

TEST_P(OsimErrors, NameFileAndLine) {
  const Broken& broken = GetParam();
  std::string text = leg_text();
  const std::size_t at = text.find(broken.from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string(broken.from).size(), broken.to);
  test::TempFolder folder;
  const std::string path = folder.write("broken.osim", text);
  EXPECT_EQ(test::error_of([&] { read_osim(path); }),
            path + ":" + line_of(text, broken.line_with) + ": " + broken.text);
  EXPECT_EQ(test::place_of([&] { read_osim(path); }).first, "input");
}

const Broken broken_files[] = {
    {"Malformed", "</gravity>", "</gravitas>", "</gravitas>",
     "expected well-formed XML, found a fault: start-end tags mismatch"},
    {"Version1", "40500", "10906", "Version=",
     "expected a file of OpenSim 2 or later (Version 20000 or more), found Version 10906: open the model in OpenSim 4 "
     "and save it there"},
    {"NoVersion", "40500", "four", "Version=", "expected a Version number in <OpenSimDocument>, found \"four\""},
    {"Units", "<length_units>meters", "<length_units>feet", "feet",
     "expected meters in <length_units>, found \"feet\""},
    {"Gravity", "0 -9.81 0", "0 -9.81", "<gravity>", "expected 3 numbers in <gravity>, found 2"},
    {"MissingMass", "<mass>11.5</mass>", "", "<Body name=\"pelvis\"",
     "expected <mass> in <Body> \"pelvis\", found none"},
    {"NotANumber", "<mass>11.5", "<mass>heavy", "heavy", "expected a finite number in <mass>, found \"heavy\""},
    {"NaN", "<mass>11.5", "<mass>NaN", ">NaN", "expected a finite number in <mass>, found \"NaN\""},
    {"Overflow", "<mass>11.5", "<mass>1e999", "1e999", "expected a finite number in <mass>, found \"1e999\""},
    {"TrailingText", "<mass>11.5", "<mass>11.5kg", "11.5kg", "expected a finite number in <mass>, found \"11.5kg\""},
    {"EmptyNumber", "<mass>11.5", "<mass> ", "<mass> <", "expected 1 number in <mass>, found none"},
    {"Inertia", "0.1 0.09 0.06 0.001 0.002 0.003", "0.1 0.09 0.06", "<inertia>0.1 0.09",
     "expected 6 numbers in <inertia>, found 3"},
    {"TwoBodies", "<Body name=\"cart\">",
     "<Body name=\"cart\"><mass>1</mass><inertia>1 1 1 0 0 0</inertia></Body> <Body name=\"cart\">", "name=\"cart\"",
     "expected names that differ, found a second <Body> \"cart\""},
    {"NamelessBody", "<Body name=\"cart\">",
     "<Body><mass>1</mass><inertia>1 1 1 0 0 0</inertia></Body> <Body name=\"cart\">", "<Body>",
     "expected a name for this <Body>, found none"},
    {"UnknownSocket", "/bodyset/talus_r", "/bodyset/talus", "/bodyset/talus<",
     "expected a body, ground or offset frame in <socket_child_frame>, found \"/bodyset/talus\", did you mean "
     "\"/bodyset/talus_r\"?"},
    {"AmbiguousSocket", "<PhysicalOffsetFrame name=\"tibia_offset\">",
     "<PhysicalOffsetFrame name=\"tibia_offset\"><components><PhysicalOffsetFrame "
     "name=\"torso\"><socket_parent>..</socket_parent></PhysicalOffsetFrame></components>",
     "<socket_child_frame>torso",
     "expected one frame in <socket_child_frame>, found 2 that end in \"torso\": write the full path, such as "
     "\"/bodyset/torso\""},
    {"MissingSocket", "<socket_parent_frame>spike</socket_parent_frame>", "", "<UniversalJoint",
     "expected <socket_parent_frame> in <UniversalJoint> \"back\", found none"},
    {"FrameLoop", "<socket_parent>..</socket_parent>", "<socket_parent>spike</socket_parent>",
     "<PhysicalOffsetFrame name=\"crest\"",
     "expected a frame that leads to a body, found <PhysicalOffsetFrame> \"crest\" offset from itself"},
    {"TwoJoints", "<socket_child_frame>shoe", "<socket_child_frame>torso", "<UniversalJoint",
     "expected one joint that carries body \"torso\", found a second one, <UniversalJoint> \"back\" after <WeldJoint> "
     "\"lace\": closed loops are not imported"},
    {"BodyLoop", "<socket_parent_frame>tibia_r", "<socket_parent_frame>shoe", "<Body name=\"shoe\"",
     "expected joints that lead from body \"shoe\" to ground, found a loop through \"shoe\""},
    {"ChildGround", "<socket_child_frame>cart", "<socket_child_frame>ground", "<PlanarJoint",
     "expected a body as the child of <PlanarJoint> \"wheels\", found ground"},
    {"CoordinateCount", "<Coordinate name=\"back_y\" />", "", "<UniversalJoint",
     "expected 2 <Coordinate> in <UniversalJoint> \"back\", found 1"},
    {"TwoCoordinates", "<Coordinate name=\"r2\" />", "\n<Coordinate name=\"r1\"/>", "name=\"r1\"/>",
     "expected names that differ, found a second <Coordinate> \"r1\""},
    {"Range", "<range>-0.5 2.1", "<range>2.1 -0.5", ">2.1 -0.5",
     "expected a range whose first value is not above its second in <Coordinate> \"hip_flexion_r\", found \"2.1 "
     "-0.5\""},
    {"Flag", "<locked>true", "<locked>maybe", "maybe", "expected true or false in <locked>, found \"maybe\""},
    {"AxisCoordinate", "<coordinates>hip_flexion_r", "<coordinates>hip", "<coordinates>hip<",
     "expected a coordinate of this joint (hip_flexion_r), found \"hip\""},
    {"AxisCoordinates", "<coordinates>hip_flexion_r", "<coordinates>hip_flexion_r t1", "<TransformAxis",
     "expected at most one coordinate in <TransformAxis> \"rotation1\", found 2"},
    {"ZeroAxis", "<axis>0 0 2", "<axis>0 0 0", "<axis>0 0 0",
     "expected a direction with a length from 1e-6 to 1e6, found \"0 0 0\""},
    {"AxisName", "<TransformAxis name=\"rotation2\">", "\n<TransformAxis name=\"rotation4\">", "rotation4",
     "expected a <TransformAxis> for each of rotation1, rotation2, rotation3, translation1, translation2, "
     "translation3, found <TransformAxis> \"rotation4\""},
    {"OtherFunction", "<Constant><value>0.5</value></Constant>", "<StepFunction />", "StepFunction",
     "expected LinearFunction, Constant, PolynomialFunction, SimmSpline, GCVSpline, PiecewiseLinearFunction, Sine or "
     "MultiplierFunction, found StepFunction"},
    {"SplineOrder", "<x>0 1 2 3</x>", "<x>0 2 1 3</x>", "<x>0 2 1 3",
     "expected x to increase, found 1 after 2 in <SimmSpline>"},
    {"CouplerCoordinate", "<dependent_coordinate_name>patella_slide", "<dependent_coordinate_name>patela_slide",
     "patela_slide",
     "expected a coordinate in <dependent_coordinate_name>, found \"patela_slide\", did you mean \"patella_slide\"?"},
    {"CouplerSelf", "<dependent_coordinate_name>patella_slide", "<dependent_coordinate_name>knee_angle_r",
     "name=\"patella_follows\"",
     "expected \"knee_angle_r\" to follow one other coordinate, found itself in <CoordinateCouplerConstraint> "
     "\"patella_follows\""},
    {"CouplerTwice", "<dependent_coordinate_name>back_x", "<dependent_coordinate_name>patella_slide",
     "name=\"spline_follows\"",
     "expected \"patella_slide\" to follow one other coordinate, found a second one in <CoordinateCouplerConstraint> "
     "\"spline_follows\""},
    {"CouplerSources", "<independent_coordinate_names>knee_angle_r", "<independent_coordinate_names>r1 r2", ">r1 r2",
     "expected one coordinate in <independent_coordinate_names> of <CoordinateCouplerConstraint> \"patella_follows\", "
     "found 2"},
    {"Quadrant", "<quadrant>-Y", "<quadrant>-w", "-w",
     "expected all, x, -x, y, -y, z or -z in <quadrant>, found \"-w\""},
    {"MissingRadius", "<radius>0.03</radius>", "", "<WrapSphere",
     "expected <radius> in <WrapSphere> \"ball\", found none"},
    {"WrapName", "<wrap_object>brim", "<wrap_object>brin", "brin<",
     "expected a wrap object in <wrap_object>, found \"brin\", did you mean \"brim\"?"},
    {"WrapRange", "<range>2 3</range></PathWrap>", "<range>2 9</range></PathWrap>", "<range>2 9",
     "expected two points of the path, from 1 to 4 and -1 for open, in <range>, found \"2 9\""},
    {"WrapRangeHalf", "<range>2 3</range></PathWrap>", "<range>1.5 3</range></PathWrap>", "<range>1.5 3",
     "expected two points of the path, from 1 to 4 and -1 for open, in <range>, found \"1.5 3\""},
    {"OnePoint",
     "<PathPoint name=\"P2\"><socket_parent_frame>tibia_r</socket_parent_frame><location>0.02 0 "
     "0</location></PathPoint>",
     "", "            <GeometryPath>",
     "expected at least 2 points in the path of <Thelen2003Muscle> \"rectus_r\", found 1"},
    {"NoPath", "<McKibbenActuator name=\"other\" />",
     "<Thelen2003Muscle "
     "name=\"other\"><max_isometric_force>1</max_isometric_force><optimal_fiber_length>1</"
     "optimal_fiber_length><tendon_slack_length>1</tendon_slack_length></Thelen2003Muscle>",
     "name=\"other\"", "expected a <GeometryPath> in <Thelen2003Muscle> \"other\", found none"},
    {"PointCoordinate", "<socket_coordinate>/jointset/knee_r/knee_angle_r",
     "<socket_coordinate>/jointset/knee_r/knee_angl_r", "knee_angl_r<",
     "expected a coordinate in <socket_coordinate>, found \"/jointset/knee_r/knee_angl_r\", did you mean "
     "\"knee_angle_r\"?"},
    {"MissingForce", "<max_isometric_force>1400</max_isometric_force>", "",
     "<Millard2012EquilibriumMuscle name=\"psoas_r\"",
     "expected <max_isometric_force> in <Millard2012EquilibriumMuscle> \"psoas_r\", found none"},
    {"TwoMuscles", "<Thelen2003Muscle name=\"rectus_r\">", "<Thelen2003Muscle name=\"psoas_r\">", "<Thelen2003Muscle",
     "expected names that differ, found a second <Thelen2003Muscle> \"psoas_r\""},
    {"MassOutOfRange", "<mass>11.5", "<mass>-1", "<Body name=\"pelvis\"",
     "<Body> \"pelvis\", mass: expected a number [kg] from 0 to 10000 (mass), found -1"},
    {"RadiusOutOfRange", "<radius>0.03</radius>", "<radius>0</radius>", "<WrapSphere",
     "<WrapSphere> \"ball\", shape/sphere/radius: expected a number [m] from 1e-06 to 10 (radius), found 0"},
    {"NameWithStar", "<Thelen2003Muscle name=\"rectus_r\">", "<Thelen2003Muscle name=\"rectus*\">", "<Thelen2003Muscle",
     "expected a name without / * ?, found \"rectus*\" of this <Thelen2003Muscle>"},
    {"NotUtf8", "Körper", "K\xF6rper", "K\xF6rper", "expected UTF-8 text, found the byte 246: save the file as UTF-8"},
};

INSTANTIATE_TEST_SUITE_P(Rules, OsimErrors, ::testing::ValuesIn(broken_files),
                         [](const auto& test) { return test.param.what; });

/// The complaint about a text, without the folder that it was written to.
std::string complaint(const std::string& text) {
  test::TempFolder folder;
  const std::string path = folder.write("model.osim", text);
  std::string said = test::error_of([&] { read_osim(path); });
  for (std::size_t at; (at = said.find(path)) != said.npos;) said.replace(at, path.size(), "model.osim");
  return said;
}

std::string with_all(std::string text, const std::vector<std::pair<std::string, std::string>>& replacements) {
  for (const auto& [from, to] : replacements) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    if (at != text.npos) text.replace(at, from.size(), to);
  }
  return text;
}

TEST(OsimErrorTexts, JointOfAnotherKind) {
  std::string text = leg_text();
  const std::size_t at = text.find("<WeldJoint"), end = text.find("</WeldJoint>");
  text.replace(end, 12, "</ConstantCurvatureJoint>").replace(at, 10, "<ConstantCurvatureJoint");
  EXPECT_EQ(complaint(text), "model.osim:" + line_of(text, "<ConstantCurvatureJoint") +
                                 ": expected one of CustomJoint, EllipsoidJoint, ScapulothoracicJoint, WeldJoint, "
                                 "PinJoint, SliderJoint, UniversalJoint, GimbalJoint, BallJoint, "
                                 "PlanarJoint, FreeJoint, found <ConstantCurvatureJoint> \"lace\"");
}

TEST(OsimErrorTexts, EveryUnknownPointIsListed) {
  const std::string moving =
      "<SpiralPathPoint name=\"psoas_r-P2\"/>\n<SpiralPathPoint name=\"psoas_r-P2b\"/>\n<PathPoint "
      "name=\"psoas_r-P2\">";
  const std::string text = with_all(leg_text(), {{"<PathPoint name=\"psoas_r-P2\">", moving}});
  const int line = std::stoi(line_of(text, "<SpiralPathPoint"));
  const std::string start =
      ": expected a <PathPoint>, <ConditionalPathPoint> or <MovingPathPoint> in the path of "
      "<Millard2012EquilibriumMuscle> \"psoas_r\", "
      "found ";
  EXPECT_EQ(complaint(text), "model.osim:" + std::to_string(line) + start +
                                 "<SpiralPathPoint> \"psoas_r-P2\"\nmodel.osim:" + std::to_string(line + 1) + start +
                                 "<SpiralPathPoint> \"psoas_r-P2b\"");
}

TEST(OsimErrorTexts, AxisWithoutFunction) {
  const std::string text = with_all(
      leg_text(),
      {{"<PolynomialFunction name=\"function\"><coefficients>3 2 1 0.5</coefficients></PolynomialFunction>", ""}});
  EXPECT_NE(complaint(text).find(": expected <function> in <TransformAxis> \"rotation1\", found none"),
            std::string::npos);
}

TEST(OsimErrorTexts, BodyWithoutJoint) {
  const std::string text = with_all(
      leg_text(), {{"<Body name=\"cart\">",
                    "<Body name=\"crate\"><mass>1</mass><inertia>1 1 1 0 0 0</inertia></Body>\n<Body name=\"cart\">"}});
  EXPECT_EQ(complaint(text),
            "model.osim:" + line_of(text, "crate") + ": expected a joint that carries body \"crate\", found none");
}

TEST(OsimErrorTexts, ProblemsAreListedTogetherInTheOrderOfTheFile) {
  const std::string text = with_all(
      leg_text(),
      {{"<mass>11.5", "<mass>x"}, {"<tendon_slack_length>0.35", "<tendon_slack_length>y"}, {"<axis>0 0 2", "<axis>z"}});
  const std::string said = complaint(text);
  EXPECT_EQ(said, "model.osim:" + line_of(text, "<mass>x") +
                      ": expected a finite number in <mass>, found \"x\"\nmodel.osim:" + line_of(text, "<axis>z") +
                      ": expected a finite number in <axis>, found \"z\"\nmodel.osim:" +
                      line_of(text, "<tendon_slack_length>y") +
                      ": expected a finite number in <tendon_slack_length>, found \"y\"");
}

TEST(OsimErrorTexts, LongListsEnd) {
  std::string text = leg_text(), bodies;
  for (int i = 0; i < 300; ++i) bodies += "<Body name=\"b" + std::to_string(i) + "\"/>\n";
  text = with_all(text, {{"<Body name=\"cart\">", bodies + "<Body name=\"cart\">"}});
  const std::string said = complaint(text);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 100);
  EXPECT_NE(said.find("\nand 500 more problems"), std::string::npos);
}

TEST(OsimErrorTexts, WholeFiles) {
  EXPECT_EQ(complaint(""), "model.osim:1: expected an OpenSim model, found an empty file");
  EXPECT_EQ(complaint(" \n\n"), "model.osim:1: expected an OpenSim model, found an empty file");
  EXPECT_EQ(complaint("hello"), "model.osim:1: expected well-formed XML, found a fault: no document element found");
  EXPECT_EQ(complaint("\n<html/>"), "model.osim:2: expected <OpenSimDocument> as the outermost element, found <html>");
  EXPECT_EQ(complaint("<OpenSimDocument Version=\"40000\"/>"),
            "model.osim:1: expected a <Model> in <OpenSimDocument>, found none");
  EXPECT_EQ(complaint(std::string("<a>\n\0</a>", 9)),
            "model.osim:2: expected UTF-8 text, found the byte 0: save the file as UTF-8");
  EXPECT_EQ(complaint("\xFF\xFE<\0a\0"),
            "model.osim:1: expected UTF-8 text, found the byte 255: save the file as UTF-8");
  EXPECT_NE(complaint(leg_text().substr(0, 9000)).find("expected well-formed XML"), std::string::npos);
}

TEST(OsimErrorTexts, ByteOrderMarkAndCarriageReturnsAreFine) {
  std::string text = "\xEF\xBB\xBF" + leg_text(), windows;
  for (const char c : text) windows += c == '\n' ? "\r\n" : std::string(1, c);
  test::TempFolder folder;
  EXPECT_EQ(read_osim(folder.write("leg.osim", windows)).spec.muscles.size(), 3u);
}

TEST(OsimErrorTexts, DeepNestingIsRefused) {
  std::string open, close, functions;
  for (int i = 0; i < 500000; ++i) open += "<a>", close += "</a>";
  EXPECT_EQ(complaint(open + close), "model.osim:1: expected at most 64 elements inside each other, found more");
  for (int i = 0; i < 100; ++i) functions += "<MultiplierFunction><function>";
  functions += "<Constant/>";
  for (int i = 0; i < 100; ++i) functions += "</function></MultiplierFunction>";
  const std::string text = with_all(leg_text(), {{"<Constant><value>0.5</value></Constant>", functions}});
  EXPECT_NE(complaint(text).find("expected at most 64 elements"), std::string::npos);
}

TEST(OsimErrorTexts, EntitiesDoNotGrow) {
  const std::string text = with_all(
      leg_text(),
      {{"<OpenSimDocument", "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\">]>\n<OpenSimDocument"}, {"A &amp; B", "&b;&b;"}});
  test::TempFolder folder;
  EXPECT_EQ(read_osim(folder.write("leg.osim", text)).spec.sources[1], "&b;&b; (2020)");
}

TEST(OsimErrorTexts, FilesThatCannotBeRead) {
  test::TempFolder folder;
  EXPECT_EQ(test::place_of([&] { read_osim(folder / "none.osim"); }).first, "io");
  EXPECT_EQ(test::place_of([&] { read_osim(folder.path().string()); }).first, "io");
  const std::string large = folder.write("large.osim", "");
  std::filesystem::resize_file(large, (256u << 20) + 1);
  EXPECT_EQ(test::place_of([&] { read_osim(large); }).first, "io");
}

// Any half of a file, and any file with a byte changed, is read or refused with an Error: nothing else.
TEST(OsimErrorTexts, DamagedFilesAreReadOrRefused) {
  const std::string text = leg_text();
  test::TempFolder folder;
  unsigned state = 1;
  for (int i = 0; i < 400; ++i) {
    std::string damaged = text;
    for (int k = 0; k < 3; ++k) {
      state = state * 1664525u + 1013904223u;
      const std::size_t at = (state >> 8) % damaged.size();
      state = state * 1664525u + 1013904223u;
      const int what = static_cast<int>(state >> 24) % 3;
      if (what == 0) damaged[at] = static_cast<char>(state >> 16 & 0x7F);
      if (what == 1) damaged.erase(at, 1 + (state >> 12) % 40);
      if (what == 2) damaged.insert(at, damaged.substr((state >> 6) % damaged.size(), 30));
    }
    const std::string path = folder.write("damaged.osim", damaged);
    EXPECT_NO_THROW(test::error_of([&] { read_osim(path); })) << i;
  }
}

}  // namespace
}  // namespace psoas
