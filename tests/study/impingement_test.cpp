// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The impingement study against the bones turned by hand, against the wrenches of muscle paths, and against what others
// found on scanned hips.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "psoas/core/units.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/skeleton/hip_shape.hpp"
#include "study/answer.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

using json = nlohmann::ordered_json;

const Example& example() {
  static const Example one = run_example("impingement", {});
  return one;
}

/// A small study: two shapes, few postures.
json small_study() {
  json study;
  study["format"] = "psoas-study/1";
  study["study"] = "impingement";
  study["model"] = PSOAS_SOURCE_DIR "/models/iliopsoas.json";
  study["shapes"] = {{"normal", json::object()}, {"cam", {{"femur", {{"alpha_deg", 70}, {"alpha_clock_hours", 3}}}}}};
  study["flexion"] = {{"from_deg", 60}, {"to_deg", 120}, {"step_deg", 30}};
  study["rotation"] = {{"from_deg", -20}, {"to_deg", 40}, {"step_deg", 30}};
  study["pelvic_tilt_deg"] = {0, 12};
  return study;
}

Study read(const json& study) { return read_study(StudySource{"study.json", study.dump()}, {}); }
Result answer_of(const json& study) { return run(read(study)); }

/// Femur on pelvis of a side by its angles [rad], written out.
Mat3 turned(HipSide side, double flexion, double adduction, double rotation) {
  const double sign = side == HipSide::right ? 1.0 : -1.0;
  return rotation_about(Vec3::UnitZ(), flexion) * rotation_about(Vec3::UnitX(), sign * adduction) *
         rotation_about(Vec3::UnitY(), sign * rotation);
}

TEST(Impingement, gives_what_the_bones_give) {
  json study = small_study();
  study["posture"] = {{"hip_adduction_r", 0.15}, {"hip_rotation_r", 0.2}};
  const Result result = answer_of(study);
  const Block& block = result.blocks.begin()->second;
  EXPECT_EQ(block.axis, "hip_flexion_r_deg");
  for (const bool cam : {false, true}) {
    HipShape shape;
    if (cam) shape.femur.alpha_deg = 70.0, shape.femur.alpha_clock_hours = 3.0;
    const std::string name = cam ? "cam" : "normal";
    const HipBones bones(shape, HipSide::right);
    const auto clear = [&](double flexion, double rotation) {
      return bones.clearance(turned(HipSide::right, flexion, 0.15, rotation)).distance;
    };
    const ResultTable& map = table(block, "clearance/" + name);
    for (std::size_t i = 0; i < 3; ++i) {
      const double flexion = degrees(block.axis_values[i]);
      EXPECT_NEAR(series(block, "clearance/" + name)[i], clear(flexion, 0.2), 1e-12);
      for (std::size_t k = 0; k < 3; ++k)
        EXPECT_NEAR(map.rows[i][k], clear(flexion, degrees(-20.0 + 30.0 * static_cast<double>(k))), 1e-12);
      // At contact the bones touch: on this side of it they do not, beyond they do.
      const double contact = degrees(series(block, "internal_rotation_to_contact_deg/" + name)[i]);
      EXPECT_NEAR(clear(flexion, contact), 0.0, 1e-11);
      EXPECT_GT(clear(flexion, contact - 0.01), 0.0);
      EXPECT_LT(clear(flexion, contact + 0.01), 0.0);
    }
    const double flexion = degrees(scalar(block, "flexion_to_contact_deg/" + name));
    EXPECT_NEAR(clear(flexion, 0.2), 0.0, 1e-11);
    const double sitting = degrees(scalar(block, "internal_rotation_at_90_to_contact_deg/" + name));
    EXPECT_NEAR(clear(degrees(90.0), sitting), 0.0, 1e-11);
    EXPECT_NEAR(entry(table(block, "range_to_contact/" + name), "flexion", "range_deg"), to_degrees(flexion), 1e-12);
    // The pelvis tilted forward: a thigh that stays in space is flexed by as much more.
    const ResultTable& tilts = table(block, "pelvic_tilt/" + name);
    EXPECT_NEAR(entry(tilts, "0 deg", "flexion_of_thigh_to_contact_deg"), to_degrees(flexion), 1e-9);
    EXPECT_NEAR(entry(tilts, "12 deg", "flexion_of_thigh_to_contact_deg"), to_degrees(flexion) - 12.0, 1e-9);
    EXPECT_NEAR(clear(degrees(102.0), degrees(entry(tilts, "12 deg", "internal_rotation_at_90_to_contact_deg"))), 0.0,
                1e-11);
    EXPECT_LT(entry(tilts, "12 deg", "internal_rotation_at_90_to_contact_deg"), to_degrees(sitting) - 2.0);
  }
  EXPECT_LT(scalar(block, "internal_rotation_at_90_to_contact_deg/cam"),
            scalar(block, "internal_rotation_at_90_to_contact_deg/normal") - 5.0);

  // Brief: the same numbers, less of them.
  RunOptions brief;
  brief.brief = true;
  const Result less = run(read(study), brief);
  const Block& short_block = less.blocks.begin()->second;
  ASSERT_EQ(short_block.scalars.size(), block.scalars.size());
  for (const auto& [name, one] : block.scalars) EXPECT_EQ(scalar(short_block, name), one.value) << name;
  for (const auto& [name, one] : block.series) EXPECT_EQ(series(short_block, name), one.values) << name;
  EXPECT_TRUE(short_block.tables.empty());
}

TEST(Impingement, sides_mirror_each_other) {
  json study = small_study();
  study["iliopsoas"] = {{"activation", 0.3}};
  for (const char* side : {"r", "l"}) study["posture"][std::string("hip_adduction_") + side] = 0.1;
  study["side"] = "r";
  const Result right = answer_of(study);
  study["side"] = "l";
  const Result left = answer_of(study);
  const Block &r = right.blocks.begin()->second, &l = left.blocks.begin()->second;
  const auto same = [](double a, double b) { return (std::isnan(a) && std::isnan(b)) || std::abs(a - b) < 1e-9; };
  ASSERT_EQ(r.series.size(), l.series.size());
  for (std::size_t i = 0; i < r.series.size(); ++i) {
    const auto& [name, one] = *(r.series.begin() + static_cast<std::ptrdiff_t>(i));
    const auto& [other, two] = *(l.series.begin() + static_cast<std::ptrdiff_t>(i));
    for (std::size_t k = 0; k < one.values.size(); ++k) {
      const double sign = name == "iliopsoas_force_on_hip_z" ? -1.0 : 1.0;
      const double scale = one.unit == "Pa" ? 1e6 : one.unit == "N" ? 1e3 : 1.0;
      EXPECT_NEAR(one.values[k], sign * two.values[k], 1e-9 * scale) << name << " " << other;
    }
  }
  for (const auto& [name, one] : r.scalars) EXPECT_TRUE(same(one.value, scalar(l, name))) << name;
  for (const auto& [name, one] : r.tables) {
    const ResultTable& two = table(l, name);
    for (std::size_t i = 0; i < one.rows.size(); ++i)
      for (std::size_t k = 0; k < one.rows[i].size(); ++k)
        if (one.columns[k].unit != "h" && one.columns[k].name != "neck_angle_deg") {
          EXPECT_TRUE(same(one.rows[i][k], two.rows[i][k])) << name << " " << one.labels[i];
        }
  }
}

// A psoas touches nothing of the pelvis but the surfaces on it, so that what it presses on all of them is what its path
// does to the pelvis: evaluate() finds that from the body's wrench.
TEST(Impingement, the_psoas_presses_as_its_path_pulls) {
  json study = small_study();
  study["flexion"] = {{"from_deg", -20}, {"to_deg", 100}, {"step_deg", 20}};
  study["iliopsoas"] = {{"muscles", {"psoas_*_r"}}, {"activation", 0.5}};
  study["shapes"] = {{"normal", json::object()}};
  const Result result = answer_of(study);
  const Block& block = result.blocks.begin()->second;
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  const int hip = model.coordinate("hip_flexion_r"), pelvis = model.body("pelvis");
  Workspace work(model);
  State state = model.default_state();
  for (std::size_t i = 0; i < block.axis_values.size(); ++i) {
    state.q()[at(hip)] = degrees(block.axis_values[i]);
    evaluate(model, state, work, Depth::velocity);
    Vec3 expected = Vec3::Zero();
    for (const int m : model.select("psoas_*_r")) {
      const MuscleParameters& unit = model.data().units[at(m)];
      const MuscleForces forces = fibre_forces(unit, rigid_tendon_fibre(unit, work.length[at(m)], 0.0));
      const Path& path = model.data().paths[at(m)];
      for (std::size_t b = 0; b < path.bodies.size(); ++b)
        if (path.bodies[b] == pelvis)
          expected +=
              (0.5 * forces.active + forces.passive) * work.wrench[at(model.data().wrench_start[at(m)]) + b].tail<3>();
    }
    expected = work.tree.X_GB[at(pelvis)].R.transpose() * expected;
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(series(block, std::string("iliopsoas_force_on_hip_") + "xyz"[k])[i],
                  expected[static_cast<Eigen::Index>(k)], 1e-6 * (1.0 + expected.norm()))
          << block.axis_values[i];
    EXPECT_NEAR(series(block, "iliopsoas_force_on_hip")[i], expected.norm(), 1e-6 * (1.0 + expected.norm()));
  }
}

// One string over one cylinder: the force of two pulls with the turn between them, and the pressure of a hoop.
TEST(Impingement, pressure_is_that_of_a_hoop) {
  json study = small_study();
  study["flexion"] = {{"from_deg", -20}, {"to_deg", 20}, {"step_deg", 10}};
  study["shapes"] = {{"normal", json::object()}};
  study["iliopsoas"] = {
      {"muscles", {"psoas_L3_TP_r"}}, {"surfaces", {"psoas_hip_r"}}, {"activation", 1.0}, {"width", 0.01}};
  const Result result = answer_of(study);
  const Block& block = result.blocks.begin()->second;
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  const double radius = 0.0255;
  const int m = model.muscle("psoas_L3_TP_r");
  Workspace work(model);
  State state = model.default_state();
  int touching = 0;
  for (std::size_t i = 0; i < block.axis_values.size(); ++i) {
    model.set(state, "hip_flexion_r", degrees(block.axis_values[i]));
    evaluate(model, state, work, Depth::velocity);
    const MuscleParameters& unit = model.data().units[at(m)];
    const MuscleForces forces = fibre_forces(unit, rigid_tendon_fibre(unit, work.length[at(m)], 0.0));
    const double tension = forces.active + forces.passive;
    const double length = series(block, "iliopsoas_contact_length/psoas_hip_r")[i];
    const double force = series(block, "iliopsoas_force/psoas_hip_r")[i];
    if (length == 0.0) continue;
    ++touching;
    // Along a helix the string turns by less than its length over the radius, by the cosine squared of its slope.
    EXPECT_LE(force, 2.0 * tension * std::sin(0.5 * length / radius) * (1.0 + 1e-6));
    EXPECT_GE(force, 0.8 * 2.0 * tension * std::sin(0.5 * length / radius));
    EXPECT_NEAR(series(block, "iliopsoas_pressure")[i], force / (length * 0.01), 1e-9 * force / (length * 0.01));
    EXPECT_NEAR(series(block, "iliopsoas_pressure")[i], tension / (radius * 0.01), 0.25 * tension / (radius * 0.01));
  }
  EXPECT_GE(touching, 3);
}

TEST(Impingement, a_recording_is_looked_at_instant_by_instant) {
  const TempFolder folder;
  folder.write("hip.csv",
               "time,hip_flexion_r,hip_adduction_r,hip_rotation_r\n0,0.2,0,0\n0.5,1.5,0.1,0.3\n1,2.0,0,0.2\n");
  json study = small_study();
  study["recording"] = {{"coordinates", "hip.csv"}};
  folder.write("study.json", study.dump());
  const Result result = run(read_study(folder / "study.json"));
  const Block& block = result.blocks.begin()->second;
  const HipBones bones({}, HipSide::right);
  const ResultTable& motion = table(block, "recording");
  ASSERT_EQ(motion.rows.size(), 3u);
  const double expected[3] = {bones.clearance(turned(HipSide::right, 0.2, 0.0, 0.0)).distance,
                              bones.clearance(turned(HipSide::right, 1.5, 0.1, 0.3)).distance,
                              bones.clearance(turned(HipSide::right, 2.0, 0.0, 0.2)).distance};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(motion.rows[i][4], expected[i], 1e-12);
  EXPECT_NEAR(scalar(block, "min clearance_over_recording/normal"), *std::min_element(expected, expected + 3), 1e-12);
  EXPECT_EQ(scalar(block, "time_of_min clearance_over_recording/normal"), 1.0);
  // Again from the result alone.
  folder.write("result.json", result_text(result));
  EXPECT_EQ(result_text(run(read_study(folder / "result.json"))), result_text(result));
}

TEST(Impingement, numbers_of_a_shape_can_be_set_and_swept) {
  const TempFolder folder;
  const std::string path = folder.write("study.json", small_study().dump());
  const auto shapes = [](const Study& study) { return std::get<ImpingementStudy>(study.question).shapes; };
  const Study set = read_study(path, {{"/shapes/cam/femur/alpha_deg", "62"}});
  EXPECT_EQ(shapes(set).find("cam")->femur.alpha_deg, 62.0);
  EXPECT_EQ(shapes(set).find("cam")->femur.alpha_clock_hours, 3.0);
  VariedStudy varied({path, ""}, {"/shapes/cam/femur/alpha_deg", "/shapes/normal/acetabulum/center_edge_deg"});
  const double numbers[] = {64.0, 35.0};
  const Study swept = varied.with(numbers);
  EXPECT_EQ(shapes(swept).find("cam")->femur.alpha_deg, 64.0);
  EXPECT_EQ(shapes(swept).find("normal")->acetabulum.center_edge_deg, 35.0);
  const double thin[] = {20.0, 35.0};
  EXPECT_NE(error_of([&] { varied.with(thin); }).find("expected alpha angles of at least 37.2 deg"), std::string::npos);
}

TEST(Impingement, what_cannot_be_answered_is_said) {
  const auto place = [](auto change) {
    json study = small_study();
    change(study);
    return place_of([&] { answer_of(study); }).second;
  };
  const auto ends = [](const std::string& text, const std::string& end) { return text.ends_with(end); };
  EXPECT_TRUE(ends(place([](json& s) { s["side"] = "right"; }), "/side"));
  EXPECT_TRUE(ends(place([](json& s) { s["outputs"] = {"length/*"}; }), "/outputs"));
  EXPECT_TRUE(ends(place([](json& s) { s["posture"]["hip_flexon_r"] = 1; }), "/posture/hip_flexon_r"));
  EXPECT_TRUE(ends(place([](json& s) { s["posture"]["hip_flexion_r"] = 1; }), "/posture/hip_flexion_r"));
  EXPECT_TRUE(
      ends(place([](json& s) { s["shapes"]["cam"]["femur"]["head_radius"] = 0; }), "/shapes/cam/femur/head_radius"));
  EXPECT_TRUE(ends(place([](json& s) { s["shapes"]["cam"]["femur"]["neck_radius"] = 0.03; }), "/shapes/cam/femur"));
  EXPECT_TRUE(
      ends(place([](json& s) { s["shapes"]["cam"]["acetabulum"]["center_edge_deg"] = 90; }), "/shapes/cam/acetabulum"));
  EXPECT_TRUE(ends(place([](json& s) { s["shapes"]["a/b"] = json::object(); }), "/shapes"));
  EXPECT_TRUE(ends(place([](json& s) { s["pelvic_tilt_deg"] = {0, 0}; }), ": /"));
  EXPECT_TRUE(ends(place([](json& s) { s["flexion"]["to_deg"] = 0; }), "/flexion"));
  EXPECT_TRUE(ends(place([](json& s) { s["iliopsoas"]["muscles"] = {"soas"}; }), "/iliopsoas/muscles/0"));
  EXPECT_TRUE(ends(place([](json& s) { s["iliopsoas"]["surfaces"] = {"psoas_hip_l"}; }), "/iliopsoas/surfaces/0"));
  EXPECT_TRUE(
      ends(place([](json& s) { s["model"] = PSOAS_SOURCE_DIR "/examples/passive_swing/pendulum.json"; }), "/side"));
  json study = small_study();
  study["recording"] = {{"coordinates", "nowhere.csv"}};
  EXPECT_EQ(place_of([&] { read(study); }).first, "io");
}

// Signs and sizes that others found on scanned hips; docs/validation.md has the numbers side by side.
TEST(Impingement, the_example_has_the_order_of_scanned_hips) {
  const Block& block = example().block(0);
  const auto rotation = [&](const std::string& shape) {
    return scalar(block, "internal_rotation_at_90_to_contact_deg/" + shape);
  };
  for (const char* shape : {"cam_1_30", "cam_3_00", "pincer", "retroverted", "with_labrum"}) {
    EXPECT_LT(rotation(shape), rotation("normal")) << shape;
    EXPECT_LT(scalar(block, std::string("flexion_to_contact_deg/") + shape),
              scalar(block, "flexion_to_contact_deg/normal"))
        << shape;
  }
  for (const auto& [name, shape] : std::get<ImpingementStudy>(example().study.question).shapes) {
    EXPECT_LT(rotation(name + "/tilt_10"), rotation(name));
    EXPECT_GT(rotation(name + "/tilt_-10"), rotation(name));
  }
  // A shorter iliopsoas presses more on the front of an extended hip, and nothing on a flexed one.
  const std::vector<double>&normal = series(block, "iliopsoas_force_on_hip"),
        &shorter = series(example().block(2), "iliopsoas_force_on_hip");
  EXPECT_GT(shorter[0], 1.5 * normal[0]);
  EXPECT_LT(shorter.back(), 0.1 * shorter[0]);
  // Bones are not the muscles' matter.
  EXPECT_EQ(series(block, "clearance/normal"), series(example().block(2), "clearance/normal"));
}

}  // namespace
}  // namespace psoas::test
