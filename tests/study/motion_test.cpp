// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The sit-to-stand against another program's kinetics and published bands; what shortening may and may not change; the
// ledger; Newton's second law in the squat; equal input, equal output.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "study/answer.hpp"
#include "study/examples.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

using nlohmann::json;

const std::array<std::string, 3> repetitions = {"rep_1", "rep_2", "rep_3"};
const std::vector<std::string> levels = {"L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2", "T12_L1"};
constexpr double subject_mass = 75.337;

/// What another program derived from the same recording.
const json& golden() {
  static const json file = [] {
    json read;
    std::ifstream(PSOAS_SOURCE_DIR "/tests/golden/sit_to_stand_summary.json") >> read;
    return read;
  }();
  return file["repetitions"];
}

/// Frames of a repetition from a time on [s]: first and one past the last.
std::pair<std::size_t, std::size_t> frames_of(std::size_t repetition, double from = -1e9) {
  const auto& windows = std::get<MotionStudy>(sit_to_stand().study.question).motion.windows;
  const Window& window = *windows.find(repetitions[repetition]);
  const std::vector<double>& time = sit_to_stand().block(0).axis_values;
  std::size_t first = 0, last = 0;
  for (std::size_t f = 0; f < time.size(); ++f) {
    if (time[f] < std::max(window.from, from) - 1e-9) first = f + 1;
    if (time[f] < window.to + 1e-9) last = f + 1;
  }
  return {first, last};
}

double seat_off(std::size_t repetition) {
  return scalar(sit_to_stand().block(0), repetitions[repetition] + "/seat_off_time");
}

void record(const std::string& name, std::size_t repetition, double value) {
  ::testing::Test::RecordProperty(name + "_" + repetitions[repetition], std::to_string(value));
}

// ---- against other people's numbers

TEST(SitToStand, total_vertical_force) {
  const Example& example = sit_to_stand();
  const std::vector<double>& force = series(example.block(0), "external_force_y");
  const double weight = subject_mass * standard_gravity;
  for (std::size_t r = 0; r < 3; ++r) {
    const auto [first, last] = frames_of(r);
    double peak = 0.0;
    for (std::size_t f = first; f < last; ++f) peak = std::max(peak, force[f] / weight);
    EXPECT_NEAR(peak, 1.34, 0.05) << repetitions[r];
    record("vertical_force", r, peak);
    EXPECT_NEAR(scalar(example.block(0), repetitions[r] + "/peak external_force_y"), peak * weight, 1e-9);
    double least = inf;
    const auto highest = static_cast<std::size_t>(std::max_element(force.begin() + static_cast<std::ptrdiff_t>(first),
                                                                   force.begin() + static_cast<std::ptrdiff_t>(last)) -
                                                  force.begin());
    for (std::size_t f = highest; f < last; ++f) least = std::min(least, force[f] / weight);
    EXPECT_NEAR(least, golden()[r]["min_Fy_BW"].get<double>(), 0.05) << repetitions[r];
    record("least_vertical_force", r, least);
    // the other program's filter is not this one's, so single instants may differ by more than peaks
    double squares = 0.0, worst = 0.0;
    for (const json& point : golden()[r]["vertical_force"]) {
      const double difference = force[example.frame(point[0])] / weight - point[1].get<double>();
      squares += difference * difference;
      worst = std::max(worst, std::abs(difference));
    }
    EXPECT_LE(std::sqrt(squares / static_cast<double>(golden()[r]["vertical_force"].size())), 0.05) << repetitions[r];
    EXPECT_LE(worst, 0.1) << repetitions[r];
    record("vertical_force_worst_difference", r, worst);
  }
}

TEST(SitToStand, seat_off) {
  for (std::size_t r = 0; r < 3; ++r) {
    EXPECT_NEAR(seat_off(r), golden()[r]["seat_off_s"].get<double>(), 0.05) << repetitions[r];
    record("seat_off", r, seat_off(r));
  }
}

TEST(SitToStand, moment_of_the_upper_body_about_the_recordings_back_joint) {
  // The recording's model has one joint between pelvis and torso, at about L3/L4; here the same point of the pelvis, and
  // the bodies above the level next to it.
  const Example& example = sit_to_stand();
  const Model model = example.model(0);
  InverseSolver solver(model, {});
  const int body = model.body("L3"), pelvis = model.body("pelvis");
  for (std::size_t r = 0; r < 3; ++r) {
    double peak = 0.0, worst = 0.0;
    const auto moment = [&](std::size_t f) {
      example.net(solver, f);
      const Pose& X = solver.work().tree.X_GB[at(pelvis)];
      return Vec3(X.R.col(2)).dot(solver.subtree_moment(body, X * Vec3(-0.11495, 0.09303, 0.0))) / subject_mass;
    };
    const auto [first, last] = frames_of(r);
    for (std::size_t f = first; f < last; ++f) peak = std::max(peak, moment(f));
    EXPECT_NEAR(peak, 2.0, 0.3) << repetitions[r];
    EXPECT_NEAR(peak, golden()[r]["back_ext"].get<double>(), 0.3) << repetitions[r];
    record("back_moment", r, peak);
    for (const json& point : golden()[r]["back_moment"])
      worst = std::max(worst, std::abs(moment(example.frame(point[0])) - point[1].get<double>()));
    EXPECT_LE(worst, 0.3) << repetitions[r];
    record("back_moment_worst_difference", r, worst);
  }
}

TEST(SitToStand, net_moment_at_the_lowest_level) {
  for (std::size_t r = 0; r < 3; ++r) {
    const double peak = scalar(sit_to_stand().block(0), repetitions[r] + "/peak net_moment/L5_S1") / subject_mass;
    EXPECT_NEAR(peak, 2.25, 0.3) << repetitions[r];
    record("net_moment_L5_S1", r, peak);
  }
}

TEST(SitToStand, joint_moments_per_leg) {
  // Peaks of the mean of both legs while the feet alone carry; extension and plantarflexion positive.
  struct Band {
    const char* coordinate;
    double low, high;
  };
  for (const Band& band : {Band{"hip_flexion", 1.10 - 0.2, 1.17 + 0.2}, Band{"knee_angle", 1.17 - 0.3, 1.26 + 0.3},
                           Band{"ankle_angle", 0.51 - 0.3, 0.69 + 0.3}}) {
    const std::string name = band.coordinate;
    const std::vector<double>&right = series(sit_to_stand().block(0), "joint_moment/" + name + "_r"),
          &left = series(sit_to_stand().block(0), "joint_moment/" + name + "_l");
    for (std::size_t r = 0; r < 3; ++r) {
      const auto [first, last] = frames_of(r, seat_off(r) + 0.02);
      double peak = -inf;
      for (std::size_t f = first; f < last; ++f) peak = std::max(peak, -0.5 * (right[f] + left[f]) / subject_mass);
      EXPECT_GE(peak, band.low) << name << " " << repetitions[r];
      EXPECT_LE(peak, band.high) << name << " " << repetitions[r];
      record(name, r, peak);
    }
  }
}

TEST(SitToStand, joint_loads) {
  for (std::size_t r = 0; r < 3; ++r) {
    const Block& block = sit_to_stand().block(0);
    const double compression = scalar(block, repetitions[r] + "/peak compression/L5_S1");
    EXPECT_GE(compression, 2000.0) << repetitions[r];
    EXPECT_LE(compression, 4500.0) << repetitions[r];
    record("compression_L5_S1", r, compression);
    // measured at natural speed 1.5 to 2.6 body weights; static optimisation of a fast rise has been published with 5.2
    for (const char* side : {"r", "l"}) {
      const double hip = scalar(block, repetitions[r] + "/peak hip_contact_force_bw/" + side);
      EXPECT_GE(hip, 1.5) << repetitions[r];
      EXPECT_LE(hip, 5.17) << repetitions[r];
      record(std::string("hip_contact_bw_") + side, r, hip);
    }
  }
}

TEST(SitToStand, redundancy_is_solved_in_every_frame) {
  for (std::size_t v = 0; v < 3; ++v) {
    const Block& block = sit_to_stand().block(v);
    bool found = false;
    for (const Credibility& line : block.credibility)
      if (line.name == "redundancy residual") {
        found = true;
        EXPECT_LE(line.value, 1e-8);
        EXPECT_TRUE(line.ok && *line.ok);
      }
    EXPECT_TRUE(found);
    for (const std::string& warning : block.warnings)
      EXPECT_EQ(warning.find("did not converge"), std::string::npos) << warning;
  }
}

// ---- shortening

TEST(Shortening, net_joint_moments_do_not_change) {
  const Example& example = sit_to_stand();
  int compared = 0;
  for (const auto& [name, one] : example.block(0).series) {
    if (name.rfind("joint_moment/", 0) != 0 && name.rfind("net_moment/", 0) != 0) continue;
    double greatest = 0.0;
    for (const double value : one.values) greatest = std::max(greatest, std::abs(value));
    for (const std::size_t v : {1u, 2u})
      for (std::size_t f = 0; f < one.values.size(); ++f)
        ASSERT_NEAR(series(example.block(v), name)[f], one.values[f], 1e-12 * greatest) << name << " frame " << f;
    ++compared;
  }
  EXPECT_GT(compared, 30);
}

TEST(Shortening, passive_flexion_moment_grows) {
  const Example& example = sit_to_stand();
  const std::string group = "passive_moment/hip_flexion_r/group:iliopsoas_r";
  for (const std::size_t v : {1u, 2u})
    for (std::size_t f = 0; f < series(example.block(0), group).size(); ++f)
      EXPECT_GE(series(example.block(v), group)[f], series(example.block(v - 1), group)[f]) << "frame " << f;
  int stretched = 0;
  for (const auto& [name, one] : example.block(0).series) {
    if (name.rfind("normalised_fibre_length/", 0) != 0) continue;
    const std::string muscle = name.substr(name.find('/') + 1), moment = "passive_moment/hip_flexion_r/" + muscle;
    for (const std::size_t v : {1u, 2u})
      for (std::size_t f = 0; f < one.values.size(); ++f) {
        EXPECT_GE(series(example.block(v), moment)[f], series(example.block(0), moment)[f]) << muscle << " frame " << f;
        if (series(example.block(v), name)[f] <= 1.0) continue;
        EXPECT_GT(series(example.block(v), moment)[f], series(example.block(0), moment)[f]) << muscle << " frame " << f;
        ++stretched;
      }
  }
  EXPECT_GT(stretched, 100);
}

TEST(Shortening, capacity_rises_in_flexion_and_falls_near_extension) {
  // Fully active, at the subject's size. Active force alone falls further than the total, which the passive part lifts.
  const Example& example = sit_to_stand();
  std::array<Model, 3> models = {example.model(0), example.model(1), example.model(2)};
  const auto active = [](const Model& model, double angle) {
    return iliopsoas_capacity(model, angle) - passive_hip_moment(model, angle);
  };
  for (std::size_t v = 1; v < 3; ++v) {
    EXPECT_GT(iliopsoas_capacity(models[v], degrees(90)), iliopsoas_capacity(models[v - 1], degrees(90)));
    for (const double angle_deg : {0.0, -20.0}) {
      EXPECT_LT(iliopsoas_capacity(models[v], degrees(angle_deg)),
                iliopsoas_capacity(models[v - 1], degrees(angle_deg)))
          << angle_deg;
      EXPECT_LT(active(models[v], degrees(angle_deg)), active(models[v - 1], degrees(angle_deg))) << angle_deg;
    }
  }
  for (const double angle_deg : {90.0, 0.0, -20.0})
    for (std::size_t v = 0; v < 3; ++v)
      RecordProperty("capacity_at_" + std::to_string(static_cast<int>(angle_deg)) + "_" + std::to_string(v),
                     std::to_string(iliopsoas_capacity(models[v], degrees(angle_deg))));
}

TEST(Shortening, lost_extension_has_the_order_of_the_finding) {
  // 5 % about 13 degrees, 15 % about 40 (docs/science.md), accepted within a third
  const Example& example = sit_to_stand();
  const Model reference = example.model(0);
  EXPECT_EQ(delta_theta_deg(reference, reference), 0.0);
  EXPECT_NEAR(delta_theta_deg(reference, example.model(1)), 13.0, 13.0 / 3.0);
  EXPECT_NEAR(delta_theta_deg(reference, example.model(2)), 40.0, 40.0 / 3.0);
}

TEST(Shortening, end_of_the_rise_is_where_loads_change) {
  const Example& example = sit_to_stand();
  for (const std::string& repetition : repetitions) {
    const auto change = [&](const std::string& event) {
      return scalar(example.block(2), repetition + event) - scalar(example.block(0), repetition + event);
    };
    EXPECT_GT(change("/at_end compression/L5_S1"), 20.0) << repetition;
    EXPECT_GT(change("/at_end anterior_shear/L5_S1"), 10.0) << repetition;
    EXPECT_GT(change("/at_end compression/L5_S1"), 3.0 * std::abs(change("/peak compression/L5_S1"))) << repetition;
  }
}

// ---- ledgers

/// The frame of an event of a repetition.
std::size_t event_frame(std::size_t repetition, const std::string& event) {
  const auto [first, last] = frames_of(repetition);
  if (event == "end") return last - 1;
  if (event == "seat_off") return sit_to_stand().frame(seat_off(repetition));
  const std::vector<double>& load = series(sit_to_stand().block(0), "compression/L5_S1");
  return static_cast<std::size_t>(std::max_element(load.begin() + static_cast<std::ptrdiff_t>(first),
                                                   load.begin() + static_cast<std::ptrdiff_t>(last)) -
                                  load.begin());
}

TEST(Ledger, sums_to_the_load) {
  const Example& example = sit_to_stand();
  for (std::size_t v = 0; v < 3; ++v)
    for (const std::string& level : levels)
      for (std::size_t r = 0; r < 3; ++r)
        for (const char* event : {"peak", "seat_off", "end"}) {
          const ResultTable& ledger = table(example.block(v), "ledger/" + level + "/" + repetitions[r] + "/" + event);
          ASSERT_EQ(ledger.labels.back(), "total");
          const std::size_t frame = event_frame(r, event);
          for (std::size_t c = 0; c < 3; ++c) {
            double sum = 0.0, size = 1.0;
            for (std::size_t row = 0; row + 1 < ledger.rows.size(); ++row)
              sum += ledger.rows[row][c], size += std::abs(ledger.rows[row][c]);
            EXPECT_NEAR(ledger.rows.back()[c], sum, 1e-12 * size);
            EXPECT_NEAR(sum, series(example.block(v), ledger.columns[c].name + "/" + level)[frame], 1e-9 * size)
                << level << " " << repetitions[r] << " " << event;
          }
        }
}

TEST(Ledger, a_fascicles_passive_entry_is_its_force_times_its_unit_load) {
  const Example& example = sit_to_stand();
  const Model model = example.model(0);
  InverseSolver solver(model, {});
  for (std::size_t r = 0; r < 3; ++r)
    for (const char* event : {"peak", "seat_off", "end"}) {
      const std::size_t frame = event_frame(r, event);
      example.net(solver, frame);
      for (std::size_t k = 0; k < levels.size(); ++k)
        for (const std::size_t v : {1u, 2u}) {
          const std::string name = "ledger/" + levels[k] + "/" + repetitions[r] + "/" + event;
          const ResultTable &before = table(example.block(0), name), &after = table(example.block(v), name);
          for (const int m : model.select("group:iliopsoas_r")) {
            const std::string& muscle = model.data().muscle_names[at(m)];
            const double change = series(example.block(v), "passive_force/" + muscle)[frame] -
                                  series(example.block(0), "passive_force/" + muscle)[frame];
            const Vec3 unit = solver.unit_load(m, static_cast<int>(k));
            EXPECT_NEAR(
                entry(after, muscle, "passive_anterior_shear") - entry(before, muscle, "passive_anterior_shear"),
                change * unit[0], 1e-9)
                << muscle;
            EXPECT_NEAR(entry(after, muscle, "passive_compression") - entry(before, muscle, "passive_compression"),
                        change * unit[1], 1e-9)
                << muscle;
          }
        }
    }
}

TEST(Ledger, change_of_loads_is_direct_and_re_recruited) {
  const Example& example = sit_to_stand();
  for (const std::size_t v : {1u, 2u}) {
    const ResultTable& change = table(example.block(v), "change_of_loads");
    for (const std::string& level : levels)
      for (const std::string quantity : {"compression", "anterior_shear"})
        for (const std::string event : {"peak", "seat_off", "end"}) {
          const std::string column = quantity + "_at_" + event;
          const double total = entry(change, level, column + "_total");
          EXPECT_NEAR(entry(change, level, column + "_passive") + entry(change, level, column + "_re_recruitment"),
                      total, 1e-9);
          EXPECT_EQ(entry(change, level, column + "_tone"), 0.0);
          double mean = 0.0, direct = 0.0;
          for (std::size_t r = 0; r < 3; ++r) {
            const std::string name = "ledger/" + level + "/" + repetitions[r] + "/" + event;
            mean += (entry(table(example.block(v), name), "total", quantity) -
                     entry(table(example.block(0), name), "total", quantity)) /
                    3.0;
            direct += (entry(table(example.block(v), name), "total", "passive_" + quantity) -
                       entry(table(example.block(0), name), "total", "passive_" + quantity)) /
                      3.0;
          }
          EXPECT_NEAR(total, mean, 1e-9) << level << " " << column;
          EXPECT_NEAR(entry(change, level, column + "_passive"), direct, 1e-9) << level << " " << column;
        }
  }
  EXPECT_EQ(example.block(0).tables.find("change_of_loads"), nullptr);
}

// ---- Newton's second law in the squat

TEST(Squat, contact_forces_are_mass_times_acceleration_less_gravity) {
  const Example& example = squat();
  const Model model = example.model(0);
  const Block& block = example.block(0);
  const double mass = model.data().mass, weight = mass * standard_gravity;
  EXPECT_NEAR(mass, 78.2, 1e-9);
  Workspace work(model);
  double shortfall = 0.0;
  for (std::size_t f = 0; f < block.axis_values.size(); ++f) {
    const std::vector<double> q = example.at_frame("coordinate", model, f), u = example.at_frame("speed", model, f),
                              udot = example.at_frame("acceleration", model, f);
    std::vector<double> a(at(model.tree().coordinates())), tau(a.size());
    evaluate(model, q, u, work, Depth::velocity);
    couple_accelerations(model, u, udot, work, a);
    inverse_dynamics<double>(model.tree(), a, model.spec().gravity, {}, work.tree, tau);
    Vec3 momentum_rate = Vec3::Zero(), contacts = Vec3::Zero(), left = Vec3::Zero();
    for (std::size_t b = 1; b < model.tree().bodies.size(); ++b) {
      const Spatial &v = work.tree.velocity[b], &acceleration = work.tree.acceleration[b];
      const Vec3 c = work.tree.mass_center[b], w = v.head<3>(), alpha = acceleration.head<3>();
      const Vec3 c_dot = v.tail<3>() + w.cross(c);
      momentum_rate += model.tree().bodies[b].mass *
                       (acceleration.tail<3>() + alpha.cross(c) + w.cross(c_dot) - model.spec().gravity);
    }
    for (int i = 0; i < 3; ++i) {
      const std::string axis(1, "xyz"[i]);
      for (const auto& [name, contact] : model.spec().contacts)
        contacts[i] += series(block, "contact_force_" + axis + "/" + name)[f];
      left[i] = series(block, "reserve/pelvis_t" + axis)[f];
      EXPECT_NEAR(series(block, "external_force_" + axis)[f], momentum_rate[i], 1e-9 * weight) << "frame " << f;
    }
    // what the contacts leave is the shortfall that the result reports
    EXPECT_NEAR((contacts + left - momentum_rate).norm(), 0.0, 1e-9 * weight) << "frame " << f;
    for (int i = 0; i < 3; ++i) shortfall = std::max(shortfall, std::abs(left[i]) / weight);
  }
  for (const Credibility& line : block.credibility)
    if (line.name == "contact shortfall, force") {
      EXPECT_NEAR(line.value, shortfall, 1e-12);
    }
}

TEST(Squat, accelerations_are_those_of_the_coordinates) {
  // Filtered samples through a spline: its second derivative at the samples against differences of its values.
  const Example& example = squat();
  const Block& block = example.block(0);
  const double h = block.axis_values[1] - block.axis_values[0];
  for (const char* name : {"pelvis_ty", "hip_flexion_r", "lumbar_extension", "knee_angle_l"}) {
    const std::vector<double>& q = series(block, "coordinate/" + std::string(name));
    const std::vector<double>&u = series(block, "speed/" + std::string(name)),
          &a = series(block, "acceleration/" + std::string(name));
    double greatest = 0.0;
    for (const double value : a) greatest = std::max(greatest, std::abs(value));
    for (std::size_t f = 2; f + 2 < q.size(); ++f) {
      EXPECT_NEAR((8.0 * (q[f + 1] - q[f - 1]) - (q[f + 2] - q[f - 2])) / (12.0 * h), u[f], 1e-3 * greatest) << name;
      EXPECT_NEAR((16.0 * (q[f + 1] + q[f - 1]) - (q[f + 2] + q[f - 2]) - 30.0 * q[f]) / (12.0 * h * h), a[f],
                  2e-2 * greatest)
          << name;
    }
  }
}

// ---- equal input, equal output

TEST(MotionStudy, equal_input_gives_equal_bytes_and_a_result_can_be_run_again) {
  const Study whole = read_study(example_path("squat"));
  const auto& [window, range] = *std::get<MotionStudy>(whole.question).motion.windows.begin();
  const Study study =
      read_study(example_path("squat"), {{"/motion/windows/" + window + "/to", std::to_string(range.from + 0.3)}});
  const Result first = run(study), second = run(study);
  const std::string text = result_text(first);
  EXPECT_EQ(result_text(second), text);
  const Table a = series_table(first), b = series_table(second);
  EXPECT_EQ(a.names, b.names);
  for (const std::string& name : a.names) EXPECT_EQ(a.column(name), b.column(name)) << name;

  TempFolder folder;
  const std::string path = folder.write("result.json", text);
  const json again = json::parse(result_text(run(read_study(path)))), before = json::parse(text);
  for (const char* key : {"scalars", "series", "tables", "summary", "credibility", "warnings", "notes", "heading"})
    EXPECT_EQ(again[key], before[key]) << key;
}

TEST(MotionStudy, frames_outside_a_trusted_muscles_domain_enter_no_scalar) {
  Study study = read_study(example_path("sit_to_stand"), {{"/variants", "null"}, {"/integration", "null"}});
  study.outputs = {"compression/L5_S1", "coordinate/*"};
  const Result whole = run(study, {.brief = true});
  std::get<MotionStudy>(study.question).trusted = {"tfl_l"};
  const Result part = run(study, {.brief = true});
  const Block &all = whole.blocks.begin()->second, &some = part.blocks.begin()->second;
  EXPECT_EQ(all.scalars.find("frames_left_out"), nullptr);

  // the muscle's fibres at each frame, from the coordinates alone
  const Model model(study.model);
  const auto muscle = at(model.muscle("tfl_l"));
  State state = model.default_state();
  Workspace work(model);
  const std::vector<double>& load = series(some, "compression/L5_S1");
  EXPECT_EQ(load, series(all, "compression/L5_S1"));
  double sum = 0.0, peak = -inf;
  int left_out = 0, count = 0;
  for (std::size_t f = 0; f < load.size(); ++f) {
    for (const std::string& name : model.data().coordinate_names)
      model.set(state, name, series(all, "coordinate/" + name)[f]);
    evaluate(model, state, work, Depth::velocity);
    rigid_tendon_forces(model, work);
    if (work.fibre.outside_domain[muscle]) {
      ++left_out;
    } else {
      sum += load[f], peak = std::max(peak, load[f]), ++count;
    }
  }
  EXPECT_GT(left_out, 0);
  EXPECT_GT(count, 0);
  EXPECT_EQ(scalar(some, "frames_left_out"), left_out);
  EXPECT_DOUBLE_EQ(scalar(some, "mean compression/L5_S1"), sum / count);
  EXPECT_EQ(scalar(some, "peak compression/L5_S1"), peak);
  EXPECT_NE(scalar(some, "mean compression/L5_S1"), scalar(all, "mean compression/L5_S1"));
}

TEST(MotionStudy, a_recording_that_lacks_a_coordinate_is_named) {
  const std::string text = error_of([] {
    Study study = read_study(example_path("sit_to_stand"));
    std::get<MotionStudy>(study.question).motion.hold = {};
    run(study);
  });
  EXPECT_NE(text.find("pro_sup_r"), std::string::npos) << text;
  EXPECT_NE(text.find("/motion/hold"), std::string::npos) << text;
}

TEST(MotionStudy, a_window_outside_the_recording_is_refused_with_its_place) {
  Study study = read_study(example_path("squat"));
  auto& [name, window] = *std::get<MotionStudy>(study.question).motion.windows.begin();
  window.to = 9.0;
  const std::string text = error_of([&] { run(study); });
  EXPECT_NE(text.find("study.json"), std::string::npos) << text;
  EXPECT_NE(text.find("/motion/windows/" + name), std::string::npos) << text;
  EXPECT_NE(text.find("expected a window inside the recording (0 to 8 s)"), std::string::npos) << text;
}

TEST(MotionStudy, the_readmes_table_is_what_the_program_gives) {
  // Every line of the table, in order: its label is one of the summary's, and its numbers are those rounded as printed.
  std::ifstream readme(PSOAS_SOURCE_DIR "/README.md");
  const Result& result = sit_to_stand().result;
  std::string text;
  while (std::getline(readme, text) && text.rfind("sit-to-stand · subject A", 0) != 0) continue;
  ASSERT_TRUE(readme) << "no table";
  EXPECT_EQ(result.heading.rfind(text, 0), 0u) << text << " is not the start of " << result.heading;
  std::getline(readme, text);  // names of the variants
  std::size_t next = 0;
  int lines = 0;
  while (std::getline(readme, text) && text != "```") {
    const SummaryLine* found = nullptr;
    for (; next < result.summary.size() && !found; ++next)
      if (text.rfind(result.summary[next].label, 0) == 0) found = &result.summary[next];
    ASSERT_NE(found, nullptr) << text;
    ++lines;
    if (found->values.empty()) continue;
    std::istringstream rest(text.substr(found->label.size()));
    std::string unit;
    rest >> unit;
    EXPECT_EQ(unit, found->unit) << text;
    for (const double value : found->values) {
      double printed = std::nan("");
      rest >> printed;
      EXPECT_NEAR(printed, value, 0.5000001 * std::pow(10.0, -found->decimals)) << text;
    }
  }
  EXPECT_GT(lines, 8);
}

TEST(MotionStudy, reductions_are_those_of_their_series) {
  const Block& block = sit_to_stand().block(0);
  for (std::size_t r = 0; r < 3; ++r) {
    const auto [first, last] = frames_of(r);
    for (const std::string name : {"compression/L5_S1", "anterior_shear/L4_L5", "joint_moment/hip_flexion_r"}) {
      const std::vector<double>& values = series(block, name);
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first),
                 end = values.begin() + static_cast<std::ptrdiff_t>(last);
      const std::string prefix = repetitions[r] + "/";
      EXPECT_EQ(scalar(block, prefix + "peak " + name), *std::max_element(begin, end));
      EXPECT_EQ(scalar(block, prefix + "min " + name), *std::min_element(begin, end));
      EXPECT_EQ(scalar(block, prefix + "peak_abs " + name),
                *std::max_element(begin, end, [](double a, double b) { return std::abs(a) < std::abs(b); }));
      EXPECT_EQ(scalar(block, prefix + "final " + name), values[last - 1]);
      EXPECT_EQ(scalar(block, prefix + "at_end " + name), values[last - 1]);
      EXPECT_EQ(scalar(block, prefix + "at_seat_off " + name), values[sit_to_stand().frame(seat_off(r))]);
      EXPECT_EQ(values[sit_to_stand().frame(scalar(block, prefix + "time_of_peak " + name))],
                *std::max_element(begin, end));
    }
  }
}

}  // namespace
}  // namespace psoas::test
