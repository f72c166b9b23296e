// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Seat, feet and the options of the redundancy problem, in the main job: what each may change, and what it may not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "psoas/core/units.hpp"
#include "study/answer.hpp"
#include "study/still.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

/// The first rise, one variant, not integrated, with something changed.
Result first_rise(const std::function<void(MotionStudy&)>& change, const std::vector<std::string>& outputs) {
  Study study = read_study(example_path("sit_to_stand"));
  study.variants = {study.variants.front()};
  study.outputs = outputs;
  auto& motion = std::get<MotionStudy>(study.question);
  motion.integration.reset();
  const Window window = *motion.motion.windows.find("rep_1");
  motion.motion.windows = {};
  motion.motion.windows["rep_1"] = window;
  change(motion);
  return run(study);
}

double peak(const Result& result, const std::string& output) {
  const std::vector<double>& values = series(result.blocks.begin()->second, output);
  return *std::max_element(values.begin(), values.end());
}

const std::vector<std::string> loads = {"compression/L5_S1",      "compression/L3_L4",         "hip_contact_force_bw/r",
                                        "hip_contact_force_bw/l", "external_force_*",          "residual/moment",
                                        "contact_force_*/*",      "joint_moment/ankle_angle_r"};

TEST(Seat, the_instant_of_its_release_moves_hip_contact_and_no_lumbar_load) {
  const Result as_is = first_rise([](MotionStudy&) {}, loads);
  for (const double end : {0.0, 0.05, 0.1}) {
    const Result moved = first_rise([&](MotionStudy& motion) { motion.support.seat_release_end = end; }, loads);
    for (const char* level : {"compression/L5_S1", "compression/L3_L4"})
      EXPECT_NEAR(peak(moved, level), peak(as_is, level), 1e-3 * peak(as_is, level)) << end;
    for (const char* hip : {"hip_contact_force_bw/r", "hip_contact_force_bw/l"})
      EXPECT_NEAR(peak(moved, hip), peak(as_is, hip), 1.2) << end;
  }
  // Released before the body can be above the feet, nothing carries the moment.
  const Result early = first_rise([](MotionStudy& motion) { motion.support.seat_release_end = -0.3; }, loads);
  EXPECT_GT(peak(early, "residual/moment"), 3.0 * peak(as_is, "residual/moment"));
  EXPECT_GT(peak(early, "residual/moment"), 50.0);
}

TEST(Seat, frames_that_share_force_by_assumption_are_marked) {
  const Result result = first_rise([](MotionStudy&) {}, loads);
  const Block& block = result.blocks.begin()->second;
  const double release = scalar(block, "rep_1/seat_off_time") + 0.02;
  const std::vector<double>& shared = series(block, "assumed_sharing");
  for (std::size_t f = 0; f < shared.size(); ++f)
    EXPECT_EQ(shared[f], block.axis_values[f] < release - 1e-9 ? 1.0 : 0.0) << block.axis_values[f];
  // and where they are not marked, no seat pushes
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  for (const auto& [name, contact] : model.spec().contacts) {
    if (contact.support != "seat") continue;
    const std::vector<double>& push = series(block, "contact_force_y/" + name);
    for (std::size_t f = 0; f < shared.size(); ++f)
      if (shared[f] == 0.0) {
        EXPECT_EQ(push[f], 0.0);
      }
  }
}

TEST(Seat, without_one_there_is_no_seat_off) {
  const Example& example = squat();
  for (const auto& [name, value] : example.block(0).scalars)
    EXPECT_EQ(name.find("seat_off"), std::string::npos) << name;
  for (const auto& [name, value] : example.block(0).tables) EXPECT_EQ(name.find("seat_off"), std::string::npos) << name;
  for (const SummaryLine& line : example.result.summary) {
    EXPECT_EQ(line.label.find("rise"), std::string::npos) << line.label;
    EXPECT_EQ(line.label.find("seat"), std::string::npos) << line.label;
  }
}

TEST(Friction, is_that_of_the_required_force_on_the_feet_alone) {
  const Result result = first_rise([](MotionStudy&) {}, loads);
  const Block& block = result.blocks.begin()->second;
  double demand = 0.0;
  for (std::size_t f = 0; f < block.axis_values.size(); ++f)
    if (series(block, "assumed_sharing")[f] == 0.0)
      demand = std::max(demand, std::hypot(series(block, "external_force_x")[f], series(block, "external_force_z")[f]) /
                                    series(block, "external_force_y")[f]);
  EXPECT_GT(demand, 0.05);
  bool found = false;
  for (const Credibility& line : block.credibility)
    if (line.name.rfind("friction", 0) == 0) {
      EXPECT_NEAR(line.value, demand, 1e-12);
      EXPECT_EQ(line.limit, 0.6);
      found = true;
    }
  EXPECT_TRUE(found);
}

TEST(Friction, dear_tangential_forces_keep_the_feet_from_pushing_against_each_other) {
  // The sideways forces of the two feet cancel in the whole; their magnitudes are what the feet spend on each other.
  const auto sideways = [](double scale) {
    const Result result = first_rise([&](MotionStudy& motion) { motion.support.tangential_scale = scale; }, loads);
    const Block& block = result.blocks.begin()->second;
    const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
    double most = 0.0;
    for (std::size_t f = 0; f < block.axis_values.size(); ++f) {
      if (series(block, "assumed_sharing")[f] != 0.0) continue;
      double spent = 0.0;
      for (const auto& [name, contact] : model.spec().contacts)
        spent += std::abs(series(block, "contact_force_z/" + name)[f]);
      most = std::max(most, spent);
    }
    EXPECT_NEAR(peak(result, "compression/L5_S1"), peak(first_rise([](MotionStudy&) {}, loads), "compression/L5_S1"),
                1.0);
    return most;
  };
  const double cheap = sideways(0.3), usual = sideways(0.03);
  EXPECT_LT(usual, 0.8 * cheap);
}

TEST(Redundancy, rhythm_names_its_own_equations) {
  const Result result =
      first_rise([](MotionStudy& motion) { motion.redundancy.lumbar = "rhythm"; }, {"reserve/*", "rhythm_moment/*"});
  const Block& block = result.blocks.begin()->second;
  EXPECT_NE(block.series.find("reserve/lumbar_extension"), nullptr);
  EXPECT_EQ(block.series.find("reserve/L5_S1_extension"), nullptr);
  double reserve = 0.0, carried = 0.0;
  for (const auto& [name, one] : block.series)
    for (const double x : one.values) {
      ASSERT_TRUE(std::isfinite(x)) << name;
      if (name.rfind("reserve/lumbar", 0) == 0) reserve = std::max(reserve, std::abs(x));
      if (name.rfind("rhythm_moment/", 0) == 0) carried = std::max(carried, std::abs(x));
    }
  EXPECT_LT(reserve, 5.0);
  EXPECT_GT(carried, 10.0);  // newton metres a level that no tissue supplies
}

TEST(Redundancy, each_weight_is_the_cheapest_by_its_own_measure) {
  // The solution for a weight has the least sum of w a^2 + (r / r0)^2 of all, so no other one has less.
  const Still still;
  const auto solved = [&](const std::string& weight) {
    InverseOptions options;
    options.weight = weight;
    InverseSolver solver(still.model, options);
    const std::vector<double> rest(still.q.size());
    solver.net(still.q, rest, rest);
    solver.solve({1.0, 0.0});
    EXPECT_TRUE(solver.converged());
    return solver;
  };
  const auto cost = [&](const InverseSolver& solver, const std::string& weight) {
    double sum = 0.0, mean = 0.0;
    const auto w = [&](std::size_t m) {
      const MuscleParameters& unit = still.model.data().units[m];
      return weight == "one"    ? 1.0
             : weight == "area" ? unit.max_isometric_force
                                : unit.max_isometric_force * unit.optimal_fibre_length;
    };
    for (std::size_t m = 0; m < solver.activation().size(); ++m) {
      mean += w(m) / static_cast<double>(solver.activation().size());
      sum += w(m) * solver.activation()[m] * solver.activation()[m];
    }
    sum /= mean;
    for (std::size_t r = 0; r < solver.equations().size(); ++r) {
      const Equation& equation = solver.equations()[r];
      if (equation.root) continue;
      const double scale = equation.coordinate < 0 ? 0.5 : equation.rotation ? 1.0 : 10.0;
      sum += std::pow(solver.reserve()[r] / scale, 2);
    }
    // contact forces cost too: normal and tangential parts of each point
    const double weight_force = still.weight();
    for (std::size_t k = 0; k < still.model.data().contacts.size(); ++k) {
      const double x = std::abs(solver.contact_force()[3 * k]) / weight_force,
                   y = solver.contact_force()[3 * k + 1] / weight_force,
                   z = std::abs(solver.contact_force()[3 * k + 2]) / weight_force,
                   mu = still.model.data().contacts[k].friction;
      sum += std::pow((y - (x + z) / mu) / 0.3, 2) + (x * x + z * z) / (0.03 * 0.03);
    }
    return sum;
  };
  const std::vector<std::string> weights = {"one", "area", "volume"};
  for (const std::string& own : weights)
    for (const std::string& other : weights)
      EXPECT_LE(cost(solved(own), own), cost(solved(other), own) * (1.0 + 1e-9)) << own << " against " << other;
  EXPECT_LT(cost(solved("volume"), "volume"), 0.99 * cost(solved("one"), "volume"));
}

TEST(Trunk, the_levels_multiply_to_the_recorded_orientation) {
  Still still;
  const Vec3 recorded(degrees(-25.0), degrees(9.0), degrees(-11.0));
  for (std::size_t k = 0; k < 3; ++k) still.q[at(still.model.data().trunk[k])] = recorded[static_cast<Eigen::Index>(k)];
  still.folder.write(
      "still.csv", table_text(still.model.data().coordinate_names, [&](std::size_t c, double) { return still.q[c]; }));
  const Result result = run(read_study(still.study(R"("outputs": ["coordinate/*"], )")));
  const ModelData& data = still.model.data();
  const auto orientation = [&](const std::vector<double>& q) -> Mat3 {
    Workspace work(still.model);
    evaluate(still.model, q, std::vector<double>(q.size()), work, Depth::position);
    return work.tree.X_GB[at(data.levels.front().inferior)].R.transpose() *
           work.tree.X_GB[at(data.levels.back().superior)].R;
  };
  std::vector<double> q;
  for (const std::string& name : data.coordinate_names)
    q.push_back(series(result.blocks.begin()->second, "coordinate/" + name)[7]);
  const Mat3 wanted = rotation_about(Vec3::UnitZ(), recorded[0]) * rotation_about(Vec3::UnitX(), recorded[1]) *
                      rotation_about(Vec3::UnitY(), recorded[2]);
  EXPECT_LT((orientation(q) - wanted).norm(), 1e-9);
  // as they are, the coordinates give another one
  EXPECT_GT((orientation(still.q) - wanted).norm(), 1e-3);
  const Result plain = run(read_study(still.study(R"("outputs": ["coordinate/*"], )", R"(, "trunk": "coordinates")")));
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_NEAR(series(plain.blocks.begin()->second, "coordinate/" + data.coordinate_names[at(data.trunk[k])])[7],
                recorded[static_cast<Eigen::Index>(k)], 1e-12);
}

TEST(CentreOfPressure, says_where_it_is_missed) {
  // Leant forward as a stick, the body needs support in front of the toes; leant back, behind the heels.
  for (const double tilt_deg : {-18.0, 12.0}) {
    Still still;
    still.q[at(still.model.coordinate("pelvis_tilt"))] = degrees(tilt_deg);
    for (const char* name : {"hip_flexion_r", "hip_flexion_l", "knee_angle_r", "knee_angle_l", "lumbar_extension"})
      still.q[at(still.model.coordinate(name))] = 0.0;
    for (const char* name : {"ankle_angle_r", "ankle_angle_l"})
      still.q[at(still.model.coordinate(name))] = degrees(-tilt_deg);
    still.folder.write("still.csv", table_text(still.model.data().coordinate_names,
                                               [&](std::size_t c, double) { return still.q[c]; }));
    const Result result = run(read_study(still.study(R"("support": {"seat": "none"}, )")));
    bool found = false;
    for (const Credibility& line : result.blocks.begin()->second.credibility)
      if (line.name == "centre of pressure outside the feet") {
        found = true;
        EXPECT_FALSE(*line.ok) << tilt_deg << " " << line.value;
        EXPECT_NE(line.note.find(tilt_deg < 0.0 ? "in front of the mean heel point" : "behind the mean heel point"),
                  std::string::npos)
            << line.note;
      }
    EXPECT_TRUE(found);
  }
}

}  // namespace
}  // namespace psoas::test
