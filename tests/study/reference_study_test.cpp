// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The rise from a seat made consistent before it is followed: what a study says of it, and that its rate of momentum is
// what weight, seat and feet can give.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "psoas/core/spline.hpp"
#include "psoas/io/file.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "psoas/study/study.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

constexpr double duration = 0.6;

/// The first six tenths of the rise, past seat-off, of two variants.
std::string study_text() {
  const std::string root = std::string(PSOAS_SOURCE_DIR) + "/";
  nlohmann::ordered_json study,
      motion = nlohmann::ordered_json::parse(read_file(root + "examples/sit_to_stand/study.json"));
  study["format"] = "psoas-study/1";
  study["study"] = "simulation";
  study["model"] = root + "models/full_body_contact.json";
  study["subject"] = motion["subject"];
  study["duration"] = duration;
  study["step"] = 0.005;
  study["tolerance"] = 1e-3;
  study["outputs"] = {"coordinate/pelvis_ty"};
  auto& tracking = study["controllers"]["follow"]["tracking"];
  tracking["coordinates"] = root + "examples/sit_to_stand/subject_a.mot";
  tracking["lowpass_hz"] = 4;
  tracking["hold"] = {{"pro_sup_r", 0}, {"pro_sup_l", 0}};
  study["reference"] = {{"until", 1.22}, {"planes", {"seat"}}};
  study["variants"]["normal"] = nlohmann::ordered_json::array();
  study["variants"]["shortened"] = {{{"muscles", "group:iliopsoas"}, {"scale", {{"optimal_fibre_length", 0.95}}}}};
  return study.dump();
}

TEST(ReferenceSlow, rise_is_changed_little_and_obeys_the_laws_of_motion) {
  const TempFolder folder;
  const Study study = read_study(folder.write("study.json", study_text()));
  const Result result = run(study);
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
