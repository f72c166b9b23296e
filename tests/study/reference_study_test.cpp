// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The rise from a seat made consistent before it is followed: what a study says of it, and that its rate of momentum is
// what weight, seat and feet can give.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "psoas/core/spline.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "psoas/study/study.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

constexpr double duration = 0.6;
const std::string root = std::string(PSOAS_SOURCE_DIR) + "/";

/// The first six tenths of the rise, past seat-off, of two variants.
std::string study_text() {
  nlohmann::ordered_json study,
      motion = nlohmann::ordered_json::parse(read_file(root + "examples/sit_to_stand/study.json"));
  study["format"] = "psoas-study/1";
  study["study"] = "simulation";
  study["model"] = root + "models/full_body_contact.json";
  study["subject"] = motion["subject"];
  study["duration"] = duration;
  study["step"] = 0.005;
  study["tolerance"] = 1e-3;
  study["outputs"] = {"coordinate/*",   "speed/*",        "acceleration/*",
                      "joint_moment/*", "body_force_*/*", "body_moment_*/*"};
  auto& tracking = study["controllers"]["follow"]["tracking"];
  tracking["coordinates"] = root + "examples/sit_to_stand/subject_a.mot";
  tracking["lowpass_hz"] = 4;
  tracking["hold"] = {{"pro_sup_r", 0}, {"pro_sup_l", 0}};
  study["reference"] = {{"until", 1.22}, {"planes", {"seat"}}};
  study["variants"]["normal"] = nlohmann::ordered_json::array();
  study["variants"]["shortened"] = {{{"muscles", "group:iliopsoas"}, {"scale", {{"optimal_fibre_length", 0.95}}}}};
  return study.dump();
}

TEST(ReferenceStudy, says_what_a_model_lacks) {
  const std::string path = root + "tests/bad/good_reference.json";
  const auto refused = [&](const std::vector<std::pair<std::string, std::string>>& set) {
    const Study study = read_study(path, set);
    const std::string text = error_of([&] { run(study); }), place = path + ":3: /reference: ";
    EXPECT_EQ(text.rfind(place, 0), 0u) << text;
    return text.substr(std::min(text.size(), place.size()));
  };
  EXPECT_EQ(refused({{"/model/contacts/heel_*/support", "seat"}}), "expected at least three foot contacts, found 2");
  EXPECT_EQ(refused({{"/model/contacts/*/support", "seat"}}), "expected a model with foot contacts, found none");
  const std::string narrow =
      "expected foot contacts that do not all lie on one line or in one place, found an outline ";
  EXPECT_EQ(refused({{"/model/contacts/*_out/location/2", "-0.05"}}).rfind(narrow, 0), 0u);
  EXPECT_EQ(refused({{"/model/contacts/*/location", "[0, -0.4, 0]"}}).rfind(narrow, 0), 0u);
  const std::string gravity = "expected gravity along -y, for feet push on a level ground, found ";
  EXPECT_EQ(refused({{"/model/gravity", "[0, 0, 0]"}}), gravity + "[0, 0, 0] m/s^2");
  EXPECT_EQ(refused({{"/model/gravity", "[0, 0, -9.8]"}}), gravity + "[0, 0, -9.8] m/s^2");
  EXPECT_EQ(refused({{"/model/gravity", "[0, 9.8, 0]"}}), gravity + "[0, 9.8, 0] m/s^2");
}

TEST(ReferenceStudy, variants_have_what_it_changes) {
  const TempFolder folder;
  const std::string bad = root + "tests/bad/";
  nlohmann::ordered_json file;
  file["extends"] = bad + "good_reference.json";
  file["model"] = bad + "good_feet.json";
  file["controllers"]["follow"]["tracking"]["coordinates"] = bad + "good_motion.mot";
  file["variants"] = nlohmann::ordered_json::parse(R"({"seated": [], "not": [{"planes": "seat", "remove": true}]})");
  const std::string path = folder.write("study.json", file.dump());
  const Study study = read_study(path);
  const std::string text = error_of([&] { run(study); });
  EXPECT_EQ(text.rfind(path + ":1: /variants/not: expected a model that what the reference changes is part of: ", 0),
            0u)
      << text;
  EXPECT_NE(text.find("found \"seat\""), std::string::npos) << text;
}

/// Root mean square of a difference over that of the first.
double relative(const std::vector<double>& wanted, const std::vector<double>& found) {
  double error = 0.0, size = 0.0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    error += (found.at(i) - wanted[i]) * (found.at(i) - wanted[i]);
    size += wanted[i] * wanted[i];
  }
  return std::sqrt(error / size);
}

/// A motion study of what a simulation wrote, of the model that it changed, returns its joint moments.
void expect_inverse_dynamics_to_agree(const Result& forward, const Study& study, const TempFolder& folder) {
  folder.write("out/series.sto", write_sto(series_table(forward)));
  folder.write("out/edits.json", edits_text(forward));
  nlohmann::ordered_json inverse = nlohmann::ordered_json::parse(
      R"({"study": "motion", "redundancy": {"lumbar": "rhythm"}, "motion": {"coordinates": "out/series.sto", "lowpass_hz": 0,
          "forces": {"table": "out/series.sto"}}, "outputs": ["joint_moment/*", "residual/*"]})");
  inverse["model"] = root + "models/full_body_contact.json";
  inverse["extends"] = {"subject.json", "out/edits.json"};
  nlohmann::ordered_json subject;
  subject["format"] = "psoas-study/1";
  subject["subject"] = nlohmann::ordered_json::parse(study_text())["subject"];
  folder.write("subject.json", subject.dump());
  const Study motion = read_study(folder.write("inverse.json", inverse.dump()));
  inverse["extends"] = "subject.json";
  const Study unchanged = read_study(folder.write("unchanged.json", inverse.dump()));

  // the same model, to the last digit
  const auto close = [](const Vec3& a, const Vec3& b) { return (a - b).norm() < 1e-15; };
  EXPECT_EQ(motion.edits.size(), forward.edits.size());
  EXPECT_FALSE(
      close(unchanged.model.bodies.find("thorax")->mass_center, motion.model.bodies.find("thorax")->mass_center));
  EXPECT_TRUE(
      close(study.model.bodies.find("thorax")->mass_center, unchanged.model.bodies.find("thorax")->mass_center));

  const Result found = run(motion), without = run(unchanged);
  const Block &wanted = forward.blocks.begin()->second, &moments = found.blocks.begin()->second;
  double worst = 0.0, residual = 0.0, left = 0.0;
  int compared = 0;
  for (const char* joint : {"hip_flexion_r", "hip_flexion_l", "hip_adduction_r", "hip_rotation_l", "knee_angle_r",
                            "knee_angle_l", "ankle_angle_r", "ankle_angle_l", "lumbar_extension", "lumbar_bending"}) {
    const std::string name = std::string("joint_moment/") + joint;
    ASSERT_TRUE(wanted.series.find(name) && moments.series.find(name)) << name;
    worst = std::max(worst, relative(wanted.series.find(name)->values, moments.series.find(name)->values));
    ++compared;
  }
  EXPECT_EQ(compared, 10);
  EXPECT_LT(worst, 1e-6);
  for (const double one : moments.series.find("residual/force")->values) residual = std::max(residual, one);
  for (const double one : without.blocks.begin()->second.series.find("residual/moment")->values)
    left = std::max(left, one);
  EXPECT_LT(residual, 1e-3);
  EXPECT_GT(left, 1.0);  // what the reference changed is missed
}

TEST(ReferenceSlow, rise_is_changed_little_and_obeys_the_laws_of_motion) {
  const TempFolder folder;
  const Study study = read_study(folder.write("study.json", study_text()));
  const Result result = run(study);
  expect_inverse_dynamics_to_agree(result, study, folder);
  ASSERT_FALSE(result.summary.empty());
  EXPECT_EQ(result.summary.front().label, "made consistent before it is followed");
  const Block& block = result.blocks.begin()->second;
  const auto scalar = [&](const std::string& name) { return block.scalars.find("reference/" + name)->value; };
  EXPECT_LT(scalar("rms change of angles"), 5.0 * std::acos(-1.0) / 180.0);
  EXPECT_GT(scalar("before/missing_moment"), 50.0);
  EXPECT_LT(scalar("after/missing_moment"), 0.5);
  int lines = 0;
  for (const Credibility& line : block.credibility)
    if (line.name.rfind("reference:", 0) == 0) {
      ++lines;
      EXPECT_TRUE(line.ok.value_or(false)) << line.name << " " << line.value;
    }
  EXPECT_EQ(lines, 4);

  // all variants follow the same motion
  const Block& other = (result.blocks.begin() + 1)->second;
  int coordinates = 0;
  for (const auto& [name, series] : block.series)
    if (name.rfind("reference/", 0) == 0) {
      ++coordinates;
      EXPECT_EQ(series.values, other.series.find(name)->values);
    }
  EXPECT_EQ(coordinates, 33);

  // the changed model, and the motion as it was written
  ModelSpec spec = study.model;
  spec.planes.find("seat")->height = scalar("plane_height/seat");
  for (int k = 0; k < 3; ++k) {
    const std::string axis(1, "xyz"[k]);
    spec.bodies.find("thorax")->mass_center[k] += scalar("mass_center_" + axis);
  }
  const ResultTable& masses = *block.tables.find("reference/masses");
  for (std::size_t i = 0; i < masses.labels.size(); ++i) {
    BodySpec& body = *spec.bodies.find(masses.labels[i]);
    body.mass *= 1.0 + 0.01 * masses.rows[i][0];
    for (double& one : body.inertia) one *= 1.0 + 0.01 * masses.rows[i][0];
  }
  const Model model(spec);
  std::vector<QuinticSpline> curves;
  for (const std::string& name : model.data().coordinate_names)
    curves.emplace_back(block.axis_values, block.series.find("reference/" + name)->values);

  Workspace work(model);
  std::vector<double> q(curves.size()), u(curves.size());
  const auto momentum_at = [&](double t) {
    for (std::size_t c = 0; c < curves.size(); ++c) {
      const Jet2<double> jet = curves[c].jet(t);
      q[c] = jet.value, u[c] = jet.slope;
    }
    couple(model, q, u, work);
    positions<double>(model.tree(), work.q, work.tree);
    velocities<double>(model.tree(), work.u, work.tree);
    return momentum<double>(model.tree(), work.tree);
  };
  double least = 1.0, highest = 0.0, seat_at_start = 0.0;
  for (int i = 5; i < 115; ++i) {
    const double t = 0.005 * i + 0.0017, h = 1e-4;  // between rows; away from the ends of natural splines
    const Spatial ahead = momentum_at(t + h), behind = momentum_at(t - h);
    momentum_at(t);
    contact_forces<double>(model, work.tree, work.contact);
    Spatial feet = (ahead - behind) / (2.0 * h);
    feet -= wrench_at<double>(mass_center<double>(model.tree(), work.tree), model.data().mass * spec.gravity);
    for (const char* body : {"pelvis", "femur_r", "femur_l"}) {
      const Spatial seat = work.contact.external[static_cast<std::size_t>(model.body(body))];
      feet -= seat;
      if (i == 5) seat_at_start += seat[4];
    }
    highest = std::max(highest, feet[4]);
    // the outline is convex: the farthest heel point behind and toe joint before, where the feet stand side by side
    double back = 1e9, front = -1e9, left = 1e9, right = -1e9, level = 0.0;
    int points = 0;
    for (const ContactPoint& contact : model.data().contacts)
      if (!contact.seat) {
        const Vec3 p = work.tree.X_GB[static_cast<std::size_t>(contact.body)] * contact.location;
        back = std::min(back, p.x()), front = std::max(front, p.x());
        left = std::min(left, p.z()), right = std::max(right, p.z());
        level += p.y(), ++points;
      }
    level /= points;
    const double x = (feet[2] + level * feet[3]) / feet[4], z = (level * feet[5] - feet[0]) / feet[4];
    least = std::min({least, x - back, front - x, z - left, right - z});
    EXPECT_LT(std::hypot(feet[3], feet[5]), 0.75 * feet[4]) << t;  // 0.5 along each axis
  }
  EXPECT_GT(least, 0.009);
  EXPECT_GT(seat_at_start, 300.0);                        // seated
  EXPECT_GT(highest, 1.0 * model.data().mass * 9.80665);  // and up
  EXPECT_LT(highest, 1.5 * model.data().mass * 9.80665);
}

}  // namespace
}  // namespace psoas::test
