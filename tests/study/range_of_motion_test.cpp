// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Paths that are known to misbehave are found and named, with sizes and postures that can be worked out by hand; paths
// that behave come out clean.
#include "study/range_of_motion.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "psoas/core/units.hpp"
#include "psoas/model/file.hpp"
#include "psoas/study/moment_arms.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

// A thigh that hangs 0.1 m below a brim, and one muscle over the brim's middle.
constexpr double brim_radius = 0.02, hip_depth = 0.1, thigh_length = 0.1, pelvis_height = 0.1;

std::string hip_model(const std::string& muscles, const std::string& rest = "") {
  return R"({
  "format": "psoas-model/1", "name": "hip",
  "bodies": {"thigh": {"mass": 8, "mass_center": [0, -0.2, 0], "inertia": [0.1, 0.02, 0.1, 0, 0, 0]}},
  "coordinates": {"hip_flexion_r": {"range": [-1, 1.5]}},
  "joints": {"hip": {"parent": "ground", "child": "thigh", "parent_frame": {"translation": [0, -0.1, 0]},
                     "motion": {"pin": {"coordinate": "hip_flexion_r"}}}},
  "surfaces": {"brim": {"body": "ground", "shape": {"cylinder": {"radius": 0.02}}},
               "head": {"body": "ground", "shape": {"ellipsoid": {"radii": [0.02, 0.03, 0.03]}}}},
  "muscles": {)" +
         muscles + "}" + rest + "}";
}

std::string over_brim(const std::string& name, const std::string& side, const std::string& surface = "brim",
                      const std::string& via = "") {
  return "\"" + name + R"(": {"path": [{"body": "ground", "location": [0, 0.1, 0]}, )" + via +
         R"({"body": "thigh", "location": [0, -0.1, 0]}], )" +
         (surface.empty() ? "" : R"("wraps": [{"surface": ")" + surface + R"(", "side": ")" + side + R"("}], )") +
         R"("max_isometric_force": 1000, "optimal_fibre_length": 0.12, "tendon_slack_length": 0.18})";
}

Certificate checked(const std::string& text) { return check_range_of_motion(Model(parse_model("model.json", text))); }

const PathFault* find(const Certificate& certificate, const std::string& muscle, const std::string& kind) {
  for (const PathFault& fault : certificate.problems)
    if (fault.muscle == muscle && fault.kind == kind) return &fault;
  return nullptr;
}

TEST(RangeOfMotion, a_path_that_behaves_is_clean) {
  const Certificate found = checked(hip_model(over_brim("psoas_r", "+x") + "," + over_brim("glute_r", "", "")));
  EXPECT_TRUE(found.clean);
  EXPECT_TRUE(found.problems.empty());
  EXPECT_NE(certificate_text(found).find("\"problems\": []"), std::string::npos);
  EXPECT_FALSE(found.length_jump || found.arm_jump);
  EXPECT_EQ(found.muscles, 2);
  EXPECT_EQ(found.flagged, 0.0);
  ASSERT_EQ(found.ranges.size(), 1u);
  EXPECT_EQ(found.ranges.begin()->second, (std::array<double, 2>{-1.0, 1.5}));
  // 100 lines of 144 steps, and the postures and corners twice, of two muscles
  EXPECT_GT(found.paths, 2 * 100 * 140);
}

TEST(RangeOfMotion, a_brim_that_muscles_jump_across_is_found) {
  // The shorter side changes where the insertion passes the line through origin and axis. Both ways are equally long
  // there; the arm of each is the distance of the hip from the tangent.
  const Certificate found = checked(hip_model(over_brim("iliacus_r", "shortest") + "," + over_brim("psoas_r", "+x")));
  EXPECT_FALSE(found.clean);
  ASSERT_EQ(found.problems.size(), 1u);
  const PathFault& fault = found.problems.front();
  EXPECT_EQ(fault.kind, "arm_sign_flip");
  EXPECT_EQ(fault.muscle, "iliacus_r");
  EXPECT_EQ(fault.coordinate, "hip_flexion_r");
  EXPECT_NEAR(fault.size, 2.0 * thigh_length * brim_radius / (hip_depth + thigh_length), 1e-7);
  EXPECT_NEAR(*fault.posture.find("hip_flexion_r"), 0.0, 1e-6);
  EXPECT_EQ(fault.places, 100);  // once on each line
  ASSERT_TRUE(found.arm_jump);
  EXPECT_EQ(found.arm_jump->muscle, "iliacus_r");
  EXPECT_EQ(found.arm_jump->value, fault.size);
  EXPECT_FALSE(found.length_jump);
}

TEST(RangeOfMotion, a_surface_from_which_a_muscle_slips_is_found) {
  const Certificate found = checked(hip_model(over_brim("iliacus_r", "+x", "head") + "," + over_brim("psoas_r", "+x")));
  // it stays in front while the insertion swings back, until nothing holds it there and it falls to the other side
  for (const char* kind : {"inside", "length_jump", "arm_jump"}) ASSERT_TRUE(find(found, "iliacus_r", kind)) << kind;
  const PathFault &slipped = *find(found, "iliacus_r", "inside"), &jumped = *find(found, "iliacus_r", "length_jump");
  EXPECT_GT(jumped.size, 5e-3);
  EXPECT_EQ(jumped.places, 100) << "one place on each line";
  const double angle = *jumped.posture.find("hip_flexion_r");
  EXPECT_LT(angle, -0.3);
  EXPECT_LT(*slipped.posture.find("hip_flexion_r"), angle + 1e-6) << "what is beyond the jump is flagged";
  EXPECT_GT(*slipped.posture.find("hip_flexion_r"), angle - 1e-6) << "and the nearest to the default posture is told";
  for (const PathFault& fault : found.problems) EXPECT_EQ(fault.muscle, "iliacus_r");
}

TEST(RangeOfMotion, a_cylinder_that_ends_beside_a_muscle_is_told_from_one_that_is_ignored) {
  std::string text = hip_model(over_brim("iliacus_r", "shortest", "rod"));
  text.replace(
      text.find("\"brim\""), 0,
      R"("rod": {"body": "ground", "translation": [0, 0, 0.2], "shape": {"cylinder": {"radius": 0.02, "length": 0.1}}}, )");
  const Certificate found = checked(text);
  const PathFault* fault = find(found, "iliacus_r", "beyond_end");
  ASSERT_TRUE(fault);
  EXPECT_FALSE(find(found, "iliacus_r", "inside"));
  // it touches while the straight line passes the axis within the radius: within 0.61 rad of 0, of 2.5 rad in all
  EXPECT_GT(fault->size, 0.4);
  EXPECT_LT(fault->size, 0.6);
  EXPECT_NEAR(*fault->posture.find("hip_flexion_r"), 0.0, 1e-9) << "the nearest to the default posture";
  EXPECT_NE(certificate_text(found).find("\"kind\": \"beyond_end\""), std::string::npos);
}

TEST(RangeOfMotion, a_jump_of_length_is_found_where_it_is) {
  const std::string via = R"({"body": "ground", "location": [0.04, 0, 0],
                              "only_when": {"coordinate": "hip_flexion_r", "range": [0.3, 2]}}, )";
  const Certificate found = checked(hip_model(over_brim("iliacus_r", "", "", via)));
  const PathFault* fault = find(found, "iliacus_r", "length_jump");
  ASSERT_TRUE(fault);
  const double x = thigh_length * std::sin(0.3), y = -hip_depth - thigh_length * std::cos(0.3);
  const double jump = std::hypot(0.04, pelvis_height) + std::hypot(x - 0.04, y) - std::hypot(x, y - pelvis_height);
  EXPECT_NEAR(fault->size, jump, 1e-7);
  EXPECT_NEAR(*fault->posture.find("hip_flexion_r"), 0.3, 1e-6);
}

TEST(RangeOfMotion, a_steep_change_is_no_jump) {
  // The insertion passes the hip centre at a tenth of a millimetre: the arm turns over within a degree, continuously.
  const std::string text = hip_model(
      R"("thin_r": {"path": [{"body": "ground", "location": [0, 0.1, 0]}, {"body": "thigh", "location": [0, 0.2001, 0]}],
         "max_isometric_force": 1, "optimal_fibre_length": 0.1, "tendon_slack_length": 0.01})");
  const Certificate found = checked(text);
  EXPECT_TRUE(found.clean);
  ASSERT_TRUE(found.steepest_arm);
  EXPECT_GT(found.steepest_arm->value, 0.286) << "over 5 mm a degree";
  EXPECT_TRUE(found.steep_arms.find("thin_r"));
  EXPECT_TRUE(found.sign_changes.find("thin_r"));
}

TEST(RangeOfMotion, an_arm_of_both_signs_over_lordosis_is_listed) {
  const std::string text = R"({
  "format": "psoas-model/1", "name": "back",
  "bodies": {"L5": {"mass": 1, "inertia": [0.01, 0.01, 0.01, 0, 0, 0]}},
  "coordinates": {"L5_S1_extension": {"range": [-0.5, 0.5]}},
  "joints": {"L5_S1": {"parent": "ground", "child": "L5", "motion": {"pin": {"coordinate": "L5_S1_extension"}}}},
  "muscles": {
    "psoas_L5_TP_r": {"path": [{"body": "L5", "location": [0, 0.04, 0]}, {"body": "ground", "location": [0.002, -0.1, 0]}],
      "max_isometric_force": 100, "optimal_fibre_length": 0.1, "tendon_slack_length": 0.03},
    "psoas_L5_VB_r": {"path": [{"body": "L5", "location": [0.05, 0.04, 0]}, {"body": "ground", "location": [0.05, -0.1, 0]}],
      "max_isometric_force": 100, "optimal_fibre_length": 0.1, "tendon_slack_length": 0.03}}})";
  const Certificate found = checked(text);
  EXPECT_TRUE(found.clean);
  EXPECT_FALSE(found.sign_changes.find("psoas_L5_VB_r"));
  const auto* arms = found.sign_changes.find("psoas_L5_TP_r");
  ASSERT_TRUE(arms);
  const auto arm = [](double angle) {  // of a straight muscle: the distance of its line from the joint
    const double x = -0.04 * std::sin(angle), y = 0.04 * std::cos(angle), dx = 0.002 - x, dy = -0.1 - y;
    return (x * dy - y * dx) / std::hypot(dx, dy);
  };
  ASSERT_TRUE(arms->find("L5_S1_extension"));
  EXPECT_NEAR((*arms->find("L5_S1_extension"))[0], std::min(arm(-0.5), arm(0.5)), 1e-5);
  EXPECT_NEAR((*arms->find("L5_S1_extension"))[1], std::max(arm(-0.5), arm(0.5)), 1e-5);
}

TEST(RangeOfMotion, a_value_that_depends_on_the_posture_before_is_found) {
  const Model model(
      parse_model("model.json", hip_model(over_brim("iliacus_r", "+x") + "," + over_brim("psoas_r", "+x"))));
  const std::vector<double> still(1, 0.0);
  const int sick = model.muscle("psoas_r");
  double before = 0.0;
  const Certificate found = check_range_of_motion(
      model, {}, [&](const Model& same, std::span<const double> q, std::span<const int> muscles, Workspace& work) {
        evaluate(same, q, still, work, muscles);
        if (q[0] < before)
          for (int i = same.data().arm_start[static_cast<std::size_t>(sick)];
               i < same.data().arm_start[static_cast<std::size_t>(sick) + 1]; ++i)
            work.arm[static_cast<std::size_t>(i)] *= -1.0;
        before = q[0];
      });
  EXPECT_FALSE(found.clean);
  EXPECT_TRUE(find(found, "psoas_r", "history"));
  for (const PathFault& fault : found.problems) EXPECT_EQ(fault.muscle, "psoas_r") << fault.kind;
}

TEST(RangeOfMotion, what_is_no_number_is_found) {
  const Model model(parse_model("model.json", hip_model(over_brim("iliacus_r", "+x"))));
  const std::vector<double> still(1, 0.0);
  const Certificate found = check_range_of_motion(
      model, {}, [&](const Model& same, std::span<const double> q, std::span<const int> muscles, Workspace& work) {
        evaluate(same, q, still, work, muscles);
        if (q[0] > 1.4) work.length[0] = std::nan("");
      });
  const PathFault* fault = find(found, "iliacus_r", "not_finite");
  ASSERT_TRUE(fault);
  EXPECT_GT(*fault->posture.find("hip_flexion_r"), 1.4);
}

TEST(RangeOfMotion, postures_outside_the_declared_domain_are_counted_only) {
  const auto domain = [](const std::string& muscles) {
    return R"(, "domain": [{"muscles": [")" + muscles +
           R"("], "outside": {"hip_flexion_r": [-1, 0.1]}, "reason": "the brim is too thin"}])";
  };
  const std::string two = over_brim("iliacus_r", "shortest") + "," + over_brim("psoas_r", "shortest");
  const Certificate all = checked(hip_model(two, domain("*"))), one = checked(hip_model(two, domain("psoas_*")));
  EXPECT_TRUE(all.clean);
  EXPECT_GT(all.flagged, 0.3 * all.paths);
  EXPECT_FALSE(one.clean);
  for (const PathFault& fault : one.problems) EXPECT_EQ(fault.muscle, "iliacus_r");
  EXPECT_LT(one.flagged, all.flagged);
}

TEST(RangeOfMotion, an_edit_that_removes_a_muscle_takes_it_out_of_the_domain) {
  ModelSpec spec =
      parse_model("model.json", hip_model(over_brim("iliacus_r", "shortest") + "," + over_brim("psoas_r", "+x"),
                                          R"(, "domain": [{"muscles": ["iliacus_r"],
                                                                        "outside": {"hip_flexion_r": [-1, 0]}}])"));
  Edit edit;
  edit.muscles = {"iliacus_r"};
  edit.remove = true;
  EXPECT_TRUE(Model(spec).with(edit).spec().domain.empty());
}

/// Trunk and two thighs; the left side by the right one's mirror image, where `left_axis` is its axis of adduction.
std::string two_sides(const std::string& left_axis, double left_height) {
  return R"({
  "format": "psoas-model/1", "name": "sides",
  "bodies": {"thorax": {"mass": 30, "inertia": [1, 1, 1, 0, 0, 0]},
             "femur_r": {"mass": 8, "inertia": [0.1, 0.1, 0.1, 0, 0, 0]},
             "femur_l": {"mass": 8, "inertia": [0.1, 0.1, 0.1, 0, 0, 0]}},
  "coordinates": {"lumbar_extension": {"range": [-0.5, 0.4]}, "lumbar_bending": {"range": [-0.4, 0.4]},
                  "lumbar_rotation": {"range": [-0.4, 0.4]},
                  "hip_flexion_r": {"range": [-0.5, 2]}, "hip_adduction_r": {"range": [-0.5, 0.4]},
                  "hip_flexion_l": {"range": [-0.5, 2]}, "hip_adduction_l": {"range": [-0.5, 0.4]}},
  "joints": {"back": {"parent": "ground", "child": "thorax", "parent_frame": {"translation": [-0.1, 0.1, 0]},
      "motion": {"custom": {"rotations": [{"axis": [0, 0, 1], "coordinate": "lumbar_extension"},
        {"axis": [1, 0, 0], "coordinate": "lumbar_bending"}, {"axis": [0, 1, 0], "coordinate": "lumbar_rotation"}]}}},
    "hip_r": {"parent": "ground", "child": "femur_r", "parent_frame": {"translation": [0, 0, 0.08]},
      "motion": {"custom": {"rotations": [{"axis": [0, 0, 1], "coordinate": "hip_flexion_r"},
        {"axis": [1, 0, 0], "coordinate": "hip_adduction_r"}]}}},
    "hip_l": {"parent": "ground", "child": "femur_l", "parent_frame": {"translation": [0, 0, -0.08]},
      "motion": {"custom": {"rotations": [{"axis": [0, 0, 1], "coordinate": "hip_flexion_l"},
        {"axis": )" +
         left_axis + R"(, "coordinate": "hip_adduction_l"}]}}}},
  "muscles": {
    "psoas_r": {"path": [{"body": "thorax", "location": [0.03, 0.1, 0.04]}, {"body": "femur_r", "location": [0, -0.05, 0.01]}],
      "max_isometric_force": 100, "optimal_fibre_length": 0.15, "tendon_slack_length": 0.13},
    "psoas_l": {"path": [{"body": "thorax", "location": [0.03, 0.1, -0.04]}, {"body": "femur_l", "location": [0, )" +
         std::to_string(left_height) + R"(, -0.01]}],
      "max_isometric_force": 100, "optimal_fibre_length": 0.15, "tendon_slack_length": 0.13}}})";
}

TEST(RangeOfMotion, sides_are_compared_in_mirrored_postures) {
  for (const std::string axis : {"[-1, 0, 0]", "[1, 0, 0]"}) {  // the sign of adduction follows from the axis
    const Certificate same = checked(two_sides(axis, -0.05));
    EXPECT_EQ(same.mirrored, 1);
    ASSERT_TRUE(same.asymmetry);
    EXPECT_LT(same.asymmetry->value, 1e-15) << axis;
    const Certificate other = checked(two_sides(axis, -0.052));
    EXPECT_GT(other.asymmetry->value, 1.5e-3);
    EXPECT_LT(other.asymmetry->value, 2.0e-3) << "no length changes by more than the point moves";
    EXPECT_TRUE(other.clean);
  }
  // a skew axis has no mirror image on the other side
  EXPECT_EQ(checked(two_sides("[-1, 0.2, 0.1]", -0.05)).mirrored, 0);
}

TEST(RangeOfMotion, a_certificate_reads_back_and_knows_its_model) {
  const ModelSpec spec = parse_model("model.json", hip_model(over_brim("iliacus_r", "shortest")));
  const Certificate found = check_range_of_motion(Model(spec));
  const std::string text = certificate_text(found);
  const TempFolder folder;
  EXPECT_EQ(certificate_text(read_certificate(folder.write("certificate.json", text))), text);
  EXPECT_EQ(certificate_text(check_range_of_motion(Model(spec))), text) << "the same every time";

  ModelSpec other = spec;
  other.certificate = "certificate.json";
  EXPECT_EQ(model_hash(other), found.model_hash);
  other.surfaces.find("brim")->translation[0] = 1e-6;
  EXPECT_NE(model_hash(other), found.model_hash);

  EXPECT_NE(error_of([&] {
              read_certificate(folder.write("a.json", R"({"format": "psoas-model/1"})"));
            }).find("expected \"psoas-certificate/1\""),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              read_certificate(folder.write("b.json", R"({"format": "psoas-certificate/1", "claen": true})"));
            }).find("did you mean \"clean\"?"),
            std::string::npos);
  EXPECT_EQ(place_of([&] {
              check_range_of_motion(Model(spec), {0, {}});
            }),
            (std::pair<std::string, std::string>("input", "samples")));
}

TEST(RangeOfMotion, certificates_that_models_carry_are_clean_and_of_these_models) {
  for (const std::string name : {"full_body", "iliopsoas"}) {
    const std::string path = PSOAS_SOURCE_DIR "/models/" + name + ".json";
    const ModelSpec spec = read_model(path);
    ASSERT_TRUE(spec.certificate) << name;
    EXPECT_EQ(*spec.certificate, "certificates/" + name + ".json");
    const Certificate found =
        read_certificate((std::filesystem::path(path).parent_path() / *spec.certificate).string());
    EXPECT_TRUE(found.clean) << name;
    EXPECT_EQ(found.model_hash, model_hash(spec)) << name;
  }
}

TEST(MomentArms, of_a_straight_muscle_are_the_distance_of_its_line) {
  const Model model(parse_model("model.json", hip_model(over_brim("rectus_r", "", ""))));
  const std::vector<int> muscles = {0};
  const auto curves = moment_arm_curves(model, muscles, 0, model.data().default_coordinates, 50);
  ASSERT_EQ(curves.size(), 1u);
  const MomentArmCurve& curve = curves.front();
  ASSERT_EQ(curve.value.size(), 51u);
  EXPECT_EQ(curve.value.front(), -1.0);
  EXPECT_NEAR(curve.value.back(), 1.5, 1e-15);
  const double height = pelvis_height + hip_depth;
  for (std::size_t i = 0; i < curve.value.size(); ++i) {
    const double angle = curve.value[i];
    const double length =
        std::sqrt(height * height + thigh_length * thigh_length + 2.0 * height * thigh_length * std::cos(angle));
    EXPECT_NEAR(curve.length[i], length, 1e-15);
    EXPECT_NEAR(curve.arm[i], height * thigh_length * std::sin(angle) / length, 1e-15);
    EXPECT_EQ(curve.flag[i], PathFlag::none);
  }
  EXPECT_EQ(place_of([&] { moment_arm_curves(model, muscles, 0, model.data().default_coordinates, 0); }).second,
            "steps");
}

}  // namespace
}  // namespace psoas::test
