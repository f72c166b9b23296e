// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The paths of psoas and iliacus in the unscaled full-body model: moment arms about hip and lumbar levels, and length.
#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/model/model.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Right psoas and iliacus at postures [deg], everything else as in the file.
class Iliopsoas {
 public:
  explicit Iliopsoas(const Root& root)
      : model_(Model::load(root.model("full_body.json"))),
        work_(model_),
        state_(model_.default_state()),
        psoas(model_.select("group:psoas_r")),
        iliacus(model_.select("group:iliacus_r")) {}

  void pose(double hip_deg, double lumbar_deg = 0.0) {
    model_.set(state_, "hip_flexion_r", degrees(hip_deg));
    model_.set(state_, "lumbar_extension", degrees(lumbar_deg));
    evaluate(model_, state_, work_, Depth::position);
  }

  double arm_mm(int muscle, const std::string& coordinate) const {
    return 1e3 * moment_arm(model_, work_, muscle, model_.coordinate(coordinate));
  }
  double length_mm(int muscle) const { return 1e3 * work_.length[at(muscle)]; }

  /// Mean over muscles weighted by greatest isometric force.
  template <class Value>
  double mean(const std::vector<int>& muscles, Value&& value) const {
    double sum = 0.0, force = 0.0;
    for (const int m : muscles) {
      sum += weight(m) * value(m);
      force += weight(m);
    }
    return sum / force;
  }
  double hip_arm(const std::vector<int>& muscles) const {
    return mean(muscles, [&](int m) { return arm_mm(m, "hip_flexion_r"); });
  }

  /// Arm of the psoas about one axis of a level, the level turning alone, mean by force of the fascicles that cross it.
  double level_arm(const Level& level, int axis) const {
    double sum = 0.0, force = 0.0;
    for (const int m : psoas) {
      bool crosses = false;
      double arm = 0.0;
      for (int i = model_.data().arm_start[at(m)]; i < model_.data().arm_start[at(m) + 1]; ++i)
        for (int a = 0; a < 3; ++a)
          if (model_.data().arm_slots[at(i)].coordinate == level.coordinates[at(a)]) {
            crosses = crosses || std::abs(work_.arm[at(i)]) > 1e-9;
            if (a == axis) arm = work_.arm[at(i)];
          }
      if (!crosses) continue;
      sum += weight(m) * arm;
      force += weight(m);
    }
    return 1e3 * sum / force;
  }
  const std::vector<Level>& levels() const { return model_.data().levels; }

 private:
  double weight(int muscle) const { return model_.data().units[at(muscle)].max_isometric_force; }

  Model model_;
  Workspace work_;
  State state_;

 public:
  const std::vector<int> psoas, iliacus;
};

std::string whole(double angle) { return fixed_text(angle, 0); }

void hip_flexion_arms(const Root& root, Rows& rows) {
  Iliopsoas body(root);
  const std::string blemker = "Blemker & Delp 2005, Ann Biomed Eng 33:661, abstract";
  const std::string kumazaki = "Kumazaki et al. 2022, Juntendo Med J 68:352, results, 10 cadavers";
  std::vector<double> peak(body.psoas.size(), 0.0);
  for (double angle = 0.0; angle <= 55.0; angle += 5.0) {
    body.pose(angle);
    for (std::size_t i = 0; i < peak.size(); ++i)
      peak[i] = std::max(peak[i], body.arm_mm(body.psoas[i], "hip_flexion_r"));
  }
  const std::string quantity = "hip flexion arm, mean by force", note = "peak of each fascicle over 0…55° of flexion";
  rows.add("paths/hip_flexion/psoas/least_fascicle", "hip flexion arm, fascicle with the least peak", "mm",
           *std::min_element(peak.begin(), peak.end()), 20.0, 30.0, blemker, Certainty::read, note);
  rows.add("paths/hip_flexion/psoas/greatest_fascicle", "hip flexion arm, fascicle with the greatest peak", "mm",
           *std::max_element(peak.begin(), peak.end()), 20.0, 30.0, blemker, Certainty::read, note);
  for (const double angle : {0.0, 30.0, 55.0}) {
    body.pose(angle);
    rows.add("paths/hip_flexion/psoas/hip_" + whole(angle), quantity, "mm", body.hip_arm(body.psoas), 20.0, 30.0,
             blemker, Certainty::read);
  }
  // Kumazaki et al. read arms off mounted specimens from 0 to 90 degrees; what was read gives courses and ratios.
  double least = inf, most = 0.0, beside = 0.0;
  int count = 0;
  for (double angle = 0.0; angle <= 50.0; angle += 5.0, ++count) {
    body.pose(angle);
    const double arm = body.hip_arm(body.psoas);
    least = std::min(least, arm);
    most = std::max(most, arm);
    beside += body.hip_arm(body.iliacus) / arm;
  }
  body.pose(50.0);
  const double psoas_50 = body.hip_arm(body.psoas);
  body.pose(30.0);
  const double iliacus_30 = body.hip_arm(body.iliacus);
  body.pose(90.0);
  const double psoas_90 = body.hip_arm(body.psoas), iliacus_90 = body.hip_arm(body.iliacus);
  rows.add("paths/hip_flexion/psoas/change_to_50", "greatest over least hip flexion arm of the psoas, 0…50°", "-",
           most / least, 1.0, 1.2, kumazaki, Certainty::read, "\"unchanged up to 50°\"; a fifth is our reading of it");
  rows.add("paths/hip_flexion/psoas/rise_50_to_90", "hip flexion arm of the psoas, 90° over 50°", "-",
           psoas_90 / psoas_50, 1.1, inf, kumazaki, Certainty::read,
           "\"increases steeply in deep flexion\"; a tenth is the least that we call so");
  rows.add("paths/hip_flexion/iliacus/rise_30_to_90", "hip flexion arm of the iliacus, 90° over 30°", "-",
           iliacus_90 / iliacus_30, 1.1, inf, kumazaki, Certainty::read,
           "two of its four parts rise from 10 or 30° on");
  rows.add(
      "paths/hip_flexion/iliacus_over_psoas", "hip flexion arms, iliacus over psoas, mean of 0…50°", "-",
      beside / count, 0.8 * 1.53, 1.2 * 1.53, kumazaki, Certainty::read,
      "from its ratios of angle per shortening (3.6 and 1.9 times the rectus femoris) and fibre lengths (13.76 and "
      "11.10 cm): 1.53, ±20 %");
  const std::array<std::pair<double, double>, 4> rajagopal = {{{0.0, 34.6}, {30.0, 37.5}, {60.0, 42.9}, {90.0, 42.6}}};
  for (const auto& [angle, published] : rajagopal) {
    body.pose(angle);
    rows.add("paths/hip_flexion/iliacus/hip_" + whole(angle), quantity, "mm", body.hip_arm(body.iliacus),
             0.8 * published, 1.2 * published,
             "another model: Rajagopal et al. 2016, IEEE Trans Biomed Eng 63:2068, ±20 %", Certainty::derived,
             "a comparison of models, not with a measurement");
  }
}

void lumbar_arms(const Root& root, Rows& rows) {
  Iliopsoas body(root);
  const std::string bogduk = "Bogduk, Pearcy & Hadfield 1992, Clin Biomech 7:109, abstract";
  const std::string reid = "Reid, Livingston & Pearsall 1994, Arch Phys Med Rehabil 75:703, abstract";
  struct Posture {
    const char* name;
    double lumbar;
  };
  for (const Posture& posture : {Posture{"flexed", -40.0}, Posture{"extended", 20.0}}) {
    body.pose(0.0, posture.lumbar);
    for (const Level& level : body.levels()) {
      if (level.name == "T12_L1") continue;
      const double arm = body.level_arm(level, 0);
      const bool lower = level.name == "L5_S1" || level.name == "L4_L5", middle = level.name == "L3_L4";
      rows.add(std::string("paths/lumbar_extension/") + posture.name + "/" + level.name,
               "psoas extension arm, mean by force", "mm", arm,
               lower    ? -inf
               : middle ? -6.0
                        : 0.0,
               lower    ? 0.0
               : middle ? 6.0
                        : inf,
               bogduk, Certainty::read,
               std::string("lumbar ") + whole(posture.lumbar) + "°; " +
                   (lower    ? "flexes"
                    : middle ? "changes over: 6 mm is our reading of very small"
                             : "extends"));
    }
  }
  body.pose(0.0);
  // Distances of the muscle's centroid from the vertebra's, from memory, ±25 %.
  const std::array<std::pair<const char*, double>, 4> lateral = {
      {{"L2_L3", 35.0}, {"L3_L4", 41.0}, {"L4_L5", 48.0}, {"L5_S1", 52.0}}};
  double before = 0.0, least_step = inf;
  for (const auto& [name, published] : lateral)
    for (const Level& level : body.levels())
      if (level.name == name) {
        const double arm = body.level_arm(level, 1);
        rows.add(std::string("paths/lumbar_bending/") + name, "psoas bending arm, mean by force", "mm", arm,
                 0.75 * published, 1.25 * published,
                 "order of imaging studies (McGill, Santaguida & Stevens 1993, Clin Biomech 8:171)", Certainty::memory,
                 "in images the distance between centroids, here the arm of the force");
        if (before > 0.0) least_step = std::min(least_step, arm - before);
        before = arm;
      }
  rows.add("paths/lumbar_bending/grows_downwards",
           "least growth of the bending arm from level to level, L2–L3 to L5–S1", "mm", least_step, 0.0, inf, reid,
           Certainty::read, "the lateral arm grows as the psoas descends");
  double largest = 0.0;
  for (const Level& level : body.levels())
    if (level.name != "T12_L1" && level.name != "L5_S1" && level.name != "L1_L2")
      largest = std::max(largest, std::abs(body.level_arm(level, 0)) / body.level_arm(level, 1));
  rows.add("paths/lumbar_extension/over_bending", "greatest ratio of extension to bending arm, L2–L3 to L4–L5", "-",
           largest, 0.0, 0.5, reid, Certainty::read,
           "the sagittal arm stays small at all levels; half is our reading of small");
}

void path_lengths(const Root& root, Rows& rows) {
  Iliopsoas body(root);
  const auto lengths = [&](double hip, double lumbar) {
    body.pose(hip, lumbar);
    return std::pair(body.mean(body.psoas, [&](int m) { return body.length_mm(m); }),
                     body.mean(body.iliacus, [&](int m) { return body.length_mm(m); }));
  };
  const auto [psoas_0, iliacus_0] = lengths(0.0, 0.0);
  const std::string rajagopal = "another model: Rajagopal et al. 2016, IEEE Trans Biomed Eng 63:2068, ±15 %";
  struct Published {
    double hip, psoas, iliacus;  // change against 0 degrees [mm]
  };
  for (const Published& p : {Published{-20.0, 8.3, 12.0}, Published{30.0, -13.4, -18.8}, Published{60.0, -29.5, -39.8},
                             Published{90.0, -47.3, -62.7}}) {
    const auto [psoas, iliacus] = lengths(p.hip, 0.0);
    const auto add = [&](const char* muscle, double change, double published) {
      rows.add("paths/length/" + std::string(muscle) + "/hip_" + whole(p.hip), "change of path length against hip 0°",
               "mm", change, std::min(0.85 * published, 1.15 * published), std::max(0.85 * published, 1.15 * published),
               rajagopal, Certainty::derived, "a comparison of models, not with a measurement");
    };
    add("psoas", psoas - psoas_0, p.psoas);
    add("iliacus", iliacus - iliacus_0, p.iliacus);
  }
  rows.add("paths/length/psoas/lumbar_-40", "change of path length, trunk flexed by 40°", "mm",
           lengths(0.0, -40.0).first - psoas_0, -inf, 0.0,
           "sign of Bogduk, Pearcy & Hadfield 1992: flexes at L4–L5 and L5–S1", Certainty::derived,
           "a mover of the hip: the trunk's whole range changes it little");
}

}  // namespace

void muscle_paths(const Root& root, Rows& rows) {
  hip_flexion_arms(root, rows);
  lumbar_arms(root, rows);
  path_lengths(root, rows);
}

}  // namespace psoas
