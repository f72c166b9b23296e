// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What models/full_body.json has to be, whoever builds it anew.
#include <gtest/gtest.h>

#include "model/tiny.hpp"
#include "psoas/core/units.hpp"
#include "support/random_tree.hpp"

namespace psoas {
namespace {

using test::at;
using test::Random;

const Model& model() {
  static const Model one = Model::load(std::string(PSOAS_SOURCE_DIR) + "/models/full_body.json");
  return one;
}

TEST(FullBody, Masses) {
  EXPECT_NEAR(model().data().mass, 75.337, 1e-9);
  for (const auto& [name, body] : model().spec().bodies) EXPECT_EQ(body.fault(), "") << name;
}

TEST(FullBody, HasItsParts) {
  EXPECT_EQ(model().muscles(), 292);
  EXPECT_EQ(model().data().levels.size(), 6u);
  EXPECT_EQ(model().data().hips.size(), 2u);
  EXPECT_GE(model().data().root[5], 0) << "free in space";
  for (const char* group : {"iliopsoas", "psoas", "iliacus", "gluteus_maximus", "hamstrings", "quadriceps",
                            "erector_spinae", "multifidus", "quadratus_lumborum", "abdominals"})
    for (const char* side : {"_r", "_l"})
      EXPECT_EQ(2 * model().select(std::string("group:") + group + side).size(),
                model().select(std::string("group:") + group).size())
          << group;
  double psoas = 0.0, iliacus = 0.0;
  for (const int m : model().select("group:psoas_r")) psoas += model().data().units[at(m)].max_isometric_force;
  for (const int m : model().select("group:iliacus_r")) iliacus += model().data().units[at(m)].max_isometric_force;
  EXPECT_NEAR(psoas, 1000.0, 5.0) << "16.67 cm^2 at 60 N/cm^2";
  EXPECT_NEAR(iliacus, 900.0, 5.0);
}

// ---- left and right ----

std::string other_side(std::string name) {
  const auto side = [&](std::size_t place) { name[place] = name[place] == 'r' ? 'l' : 'r'; };
  if (name.size() > 2 && (name.ends_with("_r") || name.ends_with("_l")))
    side(name.size() - 1);
  else if (const std::size_t beta = name.find("_beta"); beta != std::string::npos)
    side(beta - 1);
  return name;
}

/// Whether a coordinate of the middle changes its sign in the mirror.
bool is_odd(const std::string& name) {
  return name == "pelvis_list" || name == "pelvis_rotation" || name == "pelvis_tz" || name == "lumbar_bending" ||
         name == "lumbar_rotation";
}

TEST(FullBody, MirroredPosesHaveMirroredMuscles) {
  Random random(11);
  Workspace work(model()), mirrored(model());
  for (int pose = 0; pose < 10; ++pose) {
    State state = model().default_state(), mirror = state;
    for (int c = 0; c < model().coordinates(); ++c) {
      const std::string& name = model().data().coordinate_names[at(c)];
      const auto range = model().spec().coordinates.find(name)->range;
      const double value = random.uniform(std::max(range[0], -0.8), std::min(range[1], 1.4));
      state.q()[at(c)] = value;
      model().set(mirror, other_side(name), is_odd(name) ? -value : value);
    }
    evaluate(model(), state, work, Depth::position);
    evaluate(model(), mirror, mirrored, Depth::position);
    for (int m = 0; m < model().muscles(); ++m) {
      const std::string& name = model().data().muscle_names[at(m)];
      const int twin = model().muscle(other_side(name));
      EXPECT_NE(m, twin);
      EXPECT_NEAR(work.length[at(m)], mirrored.length[at(twin)], 1e-12) << name;
      EXPECT_EQ(work.inside[at(m)], mirrored.inside[at(twin)]) << name;
      for (int c = 0; c < model().coordinates(); ++c) {
        const std::string& coordinate = model().data().coordinate_names[at(c)];
        const double sign = is_odd(coordinate) ? -1.0 : 1.0;
        EXPECT_NEAR(moment_arm(model(), work, m, c),
                    sign * moment_arm(model(), mirrored, twin, model().coordinate(other_side(coordinate))), 1e-12)
            << name << " " << coordinate;
      }
    }
  }
}

TEST(FullBody, TwinsAreEquallyStrong) {
  for (int m = 0; m < model().muscles(); ++m) {
    const MuscleParameters &a = model().data().units[at(m)],
                           &b =
                               model().data().units[at(model().muscle(other_side(model().data().muscle_names[at(m)])))];
    EXPECT_EQ(a.max_isometric_force, b.max_isometric_force) << model().data().muscle_names[at(m)];
    EXPECT_EQ(a.optimal_fibre_length, b.optimal_fibre_length) << model().data().muscle_names[at(m)];
    EXPECT_EQ(a.tendon_slack_length, b.tendon_slack_length) << model().data().muscle_names[at(m)];
  }
}

// ---- the psoas ----

TEST(FullBody, HipFlexionArmsOfThePsoas) {
  // Blemker & Delp 2005: 2 to 3 cm over 0 to 55 degrees; force-weighted over the fascicles
  const int hip = model().coordinate("hip_flexion_r");
  Workspace work(model());
  State state = model().default_state();
  const std::vector<int> psoas = model().select("group:psoas_r");
  std::vector<double> before;
  for (int step = 0; step <= 240; ++step) {
    const double angle = -10.0 + 0.5 * step;
    model().set(state, "hip_flexion_r", degrees(angle));
    evaluate(model(), state, work, Depth::position);
    double sum = 0.0, force = 0.0;
    std::vector<double> arms;
    for (const int m : psoas) {
      arms.push_back(moment_arm(model(), work, m, hip));
      sum += arms.back() * model().data().units[at(m)].max_isometric_force;
      force += model().data().units[at(m)].max_isometric_force;
      EXPECT_GT(arms.back(), 0.010) << angle << " " << model().data().muscle_names[at(m)];
      EXPECT_LT(arms.back(), 0.045) << angle << " " << model().data().muscle_names[at(m)];
      EXPECT_FALSE(work.inside[at(m)]) << angle << " " << model().data().muscle_names[at(m)];
    }
    if (angle >= 0.0 && angle <= 55.0) {
      EXPECT_GT(sum / force, 0.020) << angle;
      EXPECT_LT(sum / force, 0.032) << angle;
    }
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_LT(std::abs(arms[i] - before[i]), 0.001) << "a jump at " << angle;
    before = arms;
  }
}

TEST(FullBody, OperatingRangeOfThePsoas) {
  Workspace work(model());
  const State state = model().default_state();
  for (const int m : model().select("group:psoas_r")) {
    const double ratio = state.fibre_length()[at(m)] / model().data().units[at(m)].optimal_fibre_length;
    EXPECT_GE(ratio, 1.10) << model().data().muscle_names[at(m)];
    EXPECT_LE(ratio, 1.20) << model().data().muscle_names[at(m)];
  }
}

TEST(FullBody, LumbarMomentsOfThePsoasAtNeutral) {
  // per newton of the whole muscle: slight extension above, flexion below
  Workspace work(model());
  evaluate(model(), model().default_state(), work, Depth::position);
  std::vector<double> moments;
  for (const Level& level : model().data().levels) {
    double moment = 0.0, force = 0.0;
    for (const int m : model().select("group:psoas_r")) {
      const double strength = model().data().units[at(m)].max_isometric_force;
      force += strength;
      for (int i = model().data().arm_start[at(m)]; i < model().data().arm_start[at(m) + 1]; ++i)
        if (model().data().arm_slots[at(i)].coordinate == level.coordinates[0]) moment += strength * work.arm[at(i)];
    }
    moments.push_back(moment / force);
    EXPECT_LT(std::abs(moments.back()), 0.03) << level.name;
  }
  ASSERT_EQ(moments.size(), 6u);
  EXPECT_LT(moments[0], -0.010) << "L5-S1 flexes";
  EXPECT_LT(moments[1], 0.0) << "L4-L5 flexes";
  EXPECT_LT(moments[0], moments[1]);
  EXPECT_LT(moments[1], moments[2]);
  EXPECT_GE(moments[3], 0.0) << "L2-L3 extends a little";
  EXPECT_GE(moments[4], 0.0) << "L1-L2 extends a little";
}

}  // namespace
}  // namespace psoas
