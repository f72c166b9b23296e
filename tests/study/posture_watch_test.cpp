// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Postures in which a model is not to be trusted are said by every kind of study, where geometry puts them, and nothing
// is said of others.
#include "psoas/study/posture_watch.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/fit_paths.hpp"
#include "psoas/solve/inverse.hpp"
#include "psoas/study/moment_arms.hpp"
#include "study/examples.hpp"
#include "support/allocations.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

std::string muscle(const std::string& name, double z, const std::string& wrap, double tendon = 0.15,
                   double fibre = 0.12) {
  const std::string Z = shortest_text(z);
  return "\"" + name + R"(": {"path": [{"body": "ground", "location": [0, 0.1, )" + Z +
         R"(]}, {"body": "thigh", "location": [0, -0.1, )" + Z + "]}], " +
         (wrap.empty() ? "" : R"("wraps": [{"surface": ")" + wrap + R"("}], )") +
         R"("max_isometric_force": 100, "optimal_fibre_length": )" + shortest_text(fibre) +
         R"(, "tendon_slack_length": )" + shortest_text(tendon) + "}";
}

const std::string sound = muscle("sound_r", 0.0, "");
// The insertion of `buried_r` lies on a circle of radius 0.1 about the hip and is inside the boss within
// 2 asin(0.05 / 0.2) of 1.2 rad. `short_r` passes the rod beyond its end wherever it touches it.
const std::string flagged = sound + ", " + muscle("buried_r", 0.0, "boss") + ", " + muscle("short_r", 0.2, "rod") +
                            ", " + muscle("declared_r", 0.0, "");
const std::string declared = R"(, "domain": [{"muscles": ["declared_r"], "outside": {"hip_flexion_r": [-0.8, -0.5]}}])";

std::string hip_model(const std::string& muscles, const std::string& rest = "") {
  return R"({"format": "psoas-model/1", "name": "hip",
  "bodies": {"thigh": {"mass": 8, "mass_center": [0, -0.2, 0], "inertia": [0.1, 0.02, 0.1, 0, 0, 0]}},
  "coordinates": {"hip_flexion_r": {"range": [-1, 1.5]}},
  "joints": {"hip": {"parent": "ground", "child": "thigh", "parent_frame": {"translation": [0, -0.1, 0]},
                     "motion": {"pin": {"coordinate": "hip_flexion_r"}}}},
  "surfaces": {"rod": {"body": "ground", "shape": {"cylinder": {"radius": 0.02, "length": 0.02}}},
               "boss": {"body": "ground", "translation": [)" +
         shortest_text(0.1 * std::sin(1.2)) + ", " + shortest_text(-0.1 - 0.1 * std::cos(1.2)) +
         R"(, 0], "shape": {"sphere": {"radius": 0.05}}}},
  "muscles": {)" +
         muscles + "}" + rest + "}";
}

bool is_buried(double angle) { return std::abs(angle - 1.2) < 2.0 * std::asin(0.25); }
/// Whether the straight line from origin to insertion passes the rod's axis within its radius.
bool touches_rod(double angle) {
  const double x = 0.1 * std::sin(angle), y = -0.2 - 0.1 * std::cos(angle);
  return 0.1 * std::abs(x) / std::hypot(x, y) < 0.02;
}

std::string all_lines(const std::vector<std::string>& lines) { return join(lines, "\n"); }

/// "in 12 of 201 postures (6 %)"
std::string share(int part, int of) {
  return "in " + std::to_string(part) + " of " + std::to_string(of) + " postures (" + fixed_text(100.0 * part / of, 0) +
         " %)";
}

TEST(PostureWatch, counts_what_geometry_says_and_names_the_first_posture) {
  const Model model(parse_model("model.json", hip_model(flagged, declared)));
  Workspace work(model);
  PostureWatch watch(model);
  const std::vector<double> still(1, 0.0);
  int buried = 0, first_buried = -1, beyond = 0, first_beyond = -1, outside = 0, first_outside = -1, over = 0;
  constexpr int postures = 281;
  const auto angle = [](int i) { return -1.2 + 0.01 * i + 0.0003; };
  const auto note = [](bool so, int i, int& count, int& first) {
    if (so && count++ == 0) first = i;
  };
  for (int i = 0; i < postures; ++i) {
    const std::vector<double> q = {angle(i)};
    evaluate(model, q, still, work, Depth::position);
    watch.see(q, work);
    note(is_buried(angle(i)), i, buried, first_buried);
    note(touches_rod(angle(i)), i, beyond, first_beyond);
    note(angle(i) >= -0.8 && angle(i) <= -0.5, i, outside, first_outside);
    over += angle(i) < -1.0 || angle(i) > 1.5;
  }
  const auto place = [](int i) { return "at " + std::to_string(i); };
  EXPECT_EQ(all_lines(watch.warnings(place)),
            "hip_flexion_r beyond its range (-57.3 to 85.9 deg) by up to 11.4 deg " + share(over, postures) +
                ", first at 0\n"
                "declared_r: path lies outside the domain that the model declares " +
                share(outside, postures) + ", first " + place(first_outside) + "\nburied_r: path ignores a surface " +
                share(buried, postures) + ", first " + place(first_buried) +
                "\nshort_r: path touches a cylinder beyond its end " + share(beyond, postures) + ", first " +
                place(first_beyond));
}

TEST(PostureWatch, says_the_same_of_many_muscles_in_one_line) {
  std::string muscles = sound;
  for (int i = 0; i < 40; ++i) muscles += ", " + muscle("short_" + std::to_string(i), 0.2, "rod");
  // 0.3 m long in the default posture, and shorter than the tendon in the first and the third
  for (int i = 0; i < 9; ++i) muscles += ", " + muscle("slack_" + std::to_string(i), 0.0, "", 0.26, 0.06);
  const Model model(parse_model("model.json", hip_model(muscles)));
  Workspace work(model);
  PostureWatch watch(model);
  const std::vector<double> still(1, 0.0);
  for (const double angle : {1.4, 0.0, 1.2, 0.1}) {
    const std::vector<double> q = {angle};
    evaluate(model, q, still, work, Depth::velocity);
    rigid_tendon_forces(model, work);
    watch.see(q, work);
    for (int m = 0; m < model.muscles(); ++m)
      EXPECT_EQ(is_flagged(model, q, work, m), m == 0    ? false
                                               : m <= 40 ? touches_rod(angle)
                                                         : angle > 1.0)
          << model.data().muscle_names[at(m)] << " at " << angle;
  }
  EXPECT_EQ(
      all_lines(watch.warnings([](int i) { return "at " + std::to_string(i); })),
      "40 muscles whose path touches a cylinder beyond its end in 2 of 4 postures (50 %), first short_0 at 1, most "
      "often short_0 (2), short_1 (2), short_2 (2), short_3 (2) and 36 others\n"
      "9 muscles with fibres outside their domain in 2 of 4 postures (50 %), first slack_0 at 0, most often "
      "slack_0 (2), slack_1 (2), slack_2 (2), slack_3 (2) and 5 others");
}

TEST(PostureWatch, says_many_coordinates_in_one_line) {
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  Workspace work(model);
  PostureWatch watch(model);
  const std::vector<double> still(model.data().default_coordinates.size(), 0.0);
  std::vector<double> q = model.data().default_coordinates;
  for (const char* name : {"hip_flexion_r", "hip_flexion_l"}) q[at(model.coordinate(name))] = degrees(121.0);
  evaluate(model, q, still, work, std::span<const int>());
  watch.see(q, work, {});
  const auto place = [](int) { return std::string("there"); };
  EXPECT_EQ(all_lines(watch.warnings(place)),
            "hip_flexion_r beyond its range (-30.0 to 120.0 deg) by up to 1.0 deg in the only posture, first there\n"
            "hip_flexion_l beyond its range (-30.0 to 120.0 deg) by up to 1.0 deg in the only posture, first there");
  for (const char* name : {"hip_rotation_r", "hip_rotation_l", "knee_angle_r", "knee_angle_l"})
    q[at(model.coordinate(name))] = degrees(179.0);
  watch.see(q, work, {});
  const std::vector<std::string> lines = watch.warnings(place);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find("6 coordinates beyond their ranges in all 2 postures, first hip_flexion_r there, most often "
                          "hip_flexion_r (-30.0 to 120.0 deg) by up to 1.0 deg (2), hip_flexion_l"),
            0u)
      << lines[0];
}

TEST(PostureWatch, knows_where_a_path_was_not_fitted) {
  // half of the postures in the exact path's boss, which says nothing of the fitted one
  const Model model(fit_paths(parse_model("model.json", hip_model(sound + ", " + muscle("buried_r", 0.0, "boss")))));
  ASSERT_FALSE(model.data().fitted.empty());
  const auto place = [](int i) { return "at " + std::to_string(i); };
  const std::vector<double> still(1, 0.0), angles = {1.45, 1.51, 0.0, 1.6};
  PostureWatch direct(model), inverse(model);
  Workspace work(model);
  InverseSolver solver(model, {});
  for (const double angle : angles) {
    const std::vector<double> q = {angle};
    evaluate(model, q, still, work, Depth::velocity);
    direct.see(q, work);
    solver.net(q, still, still);  // wants exact paths beside the fitted ones
    inverse.see(q, solver.work());
  }
  const std::string text =
      "hip_flexion_r beyond its range (-57.3 to 85.9 deg) by up to 5.7 deg in 2 of 4 postures (50 %), first at 1\n"
      "2 muscles whose path lies beyond the ranges that it was fitted on in 2 of 4 postures (50 %), first sound_r at "
      "1, "
      "most often sound_r (2), buried_r (2)";
  EXPECT_EQ(all_lines(direct.warnings(place)), text);
  EXPECT_EQ(all_lines(inverse.warnings(place)).substr(0, text.size()), text);
}

TEST(PostureWatch, sees_without_allocating) {
  const Model model(parse_model("model.json", hip_model(flagged, declared)));
  Workspace work(model);
  PostureWatch watch(model);
  const std::vector<double> q = {1.2}, still = {0.0};
  evaluate(model, q, still, work, Depth::velocity);
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const std::size_t before = heap_allocations();
  watch.see(q, work);
  EXPECT_EQ(heap_allocations(), before);
}

// --- every kind of study ---------------------------------------------------------------------------------------------

/// Studies of the hip at one angle, or over angles.
class Hip {
 public:
  explicit Hip(const std::string& muscles, const std::string& rest = "") {
    folder_.write("hip.json", hip_model(muscles, rest));
  }

  Result torque_curve(const std::string& more = "") const {
    return answer(R"("study": "torque_curve", "coordinate": "hip_flexion_r", "direction": "positive",
                     "from_deg": -50, "to_deg": 80, "step_deg": 5)" +
                  more);
  }
  Result simulation(double angle) const {
    return answer(R"("study": "simulation", "duration": 0.05, "locked": ["hip_flexion_r"], "outputs": ["flagged/*"],
                     "initial": {"hip_flexion_r": )" +
                  shortest_text(angle) + "}");
  }
  Result motion(double angle) const {
    std::string table = "time,hip_flexion_r\n";
    for (int i = 0; i <= 20; ++i) table += shortest_text(0.01 * i) + "," + shortest_text(angle) + "\n";
    folder_.write("motion.csv", table);
    return answer(R"("study": "motion", "motion": {"coordinates": "motion.csv", "lowpass_hz": 6},
                     "outputs": ["flagged/*"])");
  }

 private:
  Result answer(const std::string& members) const {
    return run(read_study(
        folder_.write("study.json", R"({"format": "psoas-study/1", "model": "hip.json", )" + members + "}")));
  }
  TempFolder folder_;
};

/// What is said that a watch may say.
std::string said(const Result& result) {
  std::string out;
  for (const std::string& line : result.blocks.begin()->second.warnings)
    if (line.find(" posture") != std::string::npos) out += line + "\n";
  return out;
}

TEST(FlaggedPostures, are_said_by_a_torque_curve) {
  const Hip hip(flagged, declared);
  int buried = 0, beyond = 0, outside = 0;
  for (int i = 0; i <= 26; ++i) {
    const double angle = degrees(-50.0 + 5.0 * i);
    buried += is_buried(angle), beyond += touches_rod(angle), outside += angle >= -0.8 && angle <= -0.5;
  }
  EXPECT_EQ(said(hip.torque_curve()),
            "declared_r: path lies outside the domain that the model declares " + share(outside, 27) +
                ", first at hip_flexion_r -45 deg\nburied_r: path ignores a surface " + share(buried, 27) +
                ", first at hip_flexion_r 40 deg\nshort_r: path touches a cylinder beyond its end " +
                share(beyond, 27) + ", first at hip_flexion_r -35 deg\n");
  EXPECT_EQ(said(hip.torque_curve(R"(, "muscles": ["sound_r"])")), "") << "of muscles that were not asked for";
}

TEST(FlaggedPostures, are_said_by_a_simulation) {
  const Hip hip(flagged, declared);
  EXPECT_EQ(said(hip.simulation(1.2)), "buried_r: path ignores a surface in all 6 postures, first at 0 s\n");
  EXPECT_EQ(said(hip.simulation(0.1)),
            "short_r: path touches a cylinder beyond its end in all 6 postures, first at 0 s\n");
  EXPECT_EQ(said(hip.simulation(-0.7)),
            "declared_r: path lies outside the domain that the model declares in all 6 postures, first at 0 s\n");
  EXPECT_EQ(said(hip.simulation(1.6)),
            "hip_flexion_r beyond its range (-57.3 to 85.9 deg) by up to 5.7 deg in all 6 postures, first at 0 s\n"
            "buried_r: path ignores a surface in all 6 postures, first at 0 s\n");
  const Result result = hip.simulation(1.2);
  const Block& block = result.blocks.begin()->second;
  EXPECT_EQ(series(block, "flagged/buried_r"), std::vector<double>(6, 1.0));
  EXPECT_EQ(series(block, "flagged/short_r"), std::vector<double>(6, 0.0));
}

TEST(FlaggedPostures, are_said_by_a_motion) {
  const Hip hip(flagged, declared);
  EXPECT_EQ(said(hip.motion(1.2)), "buried_r: path ignores a surface in all 21 postures, first at 0 s\n");
  EXPECT_EQ(said(hip.motion(0.1)),
            "short_r: path touches a cylinder beyond its end in all 21 postures, first at 0 s\n");
  const Result result = hip.motion(-0.7);
  EXPECT_EQ(said(result),
            "declared_r: path lies outside the domain that the model declares in all 21 postures, first at 0 s\n");
  const Block& block = result.blocks.begin()->second;
  EXPECT_EQ(series(block, "flagged/declared_r"), std::vector<double>(21, 1.0));
  EXPECT_EQ(series(block, "flagged/buried_r"), std::vector<double>(21, 0.0));
}

TEST(FlaggedPostures, are_told_apart_by_curves_of_moment_arms) {
  const Model model(parse_model("model.json", hip_model(flagged, declared)));
  PostureWatch watch(model);
  const std::vector<int> muscles = {0, 1, 2, 3};
  const auto curves = moment_arm_curves(model, muscles, 0, model.data().default_coordinates, 50, &watch);
  ASSERT_EQ(curves.size(), 4u);
  for (std::size_t i = 0; i <= 50; ++i) {
    const double angle = curves[0].value[i];
    EXPECT_EQ(curves[0].flag[i], PathFlag::none);
    EXPECT_EQ(curves[1].flag[i], is_buried(angle) ? PathFlag::ignores_surface : PathFlag::none) << angle;
    EXPECT_EQ(curves[2].flag[i], touches_rod(angle) ? PathFlag::beyond_end : PathFlag::none) << angle;
    EXPECT_EQ(curves[3].flag[i], angle >= -0.8 && angle <= -0.5 ? PathFlag::outside_domain : PathFlag::none) << angle;
  }
  EXPECT_EQ(watch.warnings([](int) { return ""; }).size(), 3u);
}

TEST(FlaggedPostures, of_sound_muscles_there_are_none) {
  const Hip hip(sound);
  EXPECT_EQ(said(hip.torque_curve()), "");
  EXPECT_EQ(said(hip.simulation(1.2)), "");
  EXPECT_EQ(said(hip.motion(1.2)), "");
}

TEST(FlaggedPostures, change_nothing_else) {
  const Result with = Hip(flagged, declared).torque_curve(), without = Hip(flagged).torque_curve();
  const Block &a = with.blocks.begin()->second, &b = without.blocks.begin()->second;
  EXPECT_EQ(a.warnings.size(), b.warnings.size() + 1);
  ASSERT_EQ(a.series.size(), b.series.size());
  for (const auto& [name, series] : a.series) EXPECT_EQ(series.values, b.series.find(name)->values) << name;
  for (const auto& [name, scalar] : a.scalars) EXPECT_EQ(scalar.value, b.scalars.find(name)->value) << name;
}

}  // namespace
}  // namespace psoas::test
