// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Postures of least effort: the gradient that the envelope theorem gives, what is held, and that they depend on no start.
#include "psoas/solve/balance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "psoas/core/sampling.hpp"
#include "psoas/core/units.hpp"
#include "support/errors.hpp"
#include "support/repeats.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

const Model& full_body() {
  static const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  return model;
}

Model shortened(double s) {
  Edit edit;
  edit.muscles = {"group:iliopsoas"};
  edit.scale["optimal_fibre_length"] = s;
  return full_body().with(edit);
}

int contact(const Model& model, const std::string& name) {
  const int index = model.spec().contacts.index(name);
  EXPECT_GE(index, 0) << name;
  return index;
}

/// Standing on both feet, heels and toe joints on the floor, the thorax as it is in the default state.
BalanceOptions standing(const Model& model) {
  BalanceOptions out;
  for (const char* name : {"pelvis_tilt", "pelvis_ty", "lumbar_extension", "hip_flexion_r", "knee_angle_r",
                           "ankle_angle_r", "hip_flexion_l", "knee_angle_l", "ankle_angle_l"})
    out.free.push_back(model.coordinate(name));
  std::sort(out.free.begin(), out.free.end());
  for (const int c : out.free) {
    const std::string& name = model.data().coordinate_names[at(c)];
    out.bounds.push_back(name.rfind("knee", 0) == 0 ? std::array<double, 2>{0.0, degrees(5.0)}
                                                    : model.spec().coordinates.find(name)->range);
  }
  out.preferences.push_back({{{model.coordinate("pelvis_tilt"), 1.0}}, 0.0, degrees(6.75)});
  out.preferences.push_back({{{model.coordinate("lumbar_extension"), 1.0}}, 0.0, degrees(11.2)});
  for (const std::string side : {"_r", "_l"}) {
    out.preferences.push_back({{{model.coordinate("ankle_angle" + side), 1.0}}, degrees(4.4), degrees(0.9)});
    HeldHeight heel, toes;
    heel.contacts = {{contact(model, "foot_heel" + side), 1.0}};
    toes.contacts = {{contact(model, "foot_toe_joint_medial" + side), 0.5},
                     {contact(model, "foot_toe_joint_lateral" + side), 0.5}};
    for (const HeldHeight& height : {heel, toes}) out.heights.push_back(height);
  }
  out.level_body = model.data().levels.back().superior;
  return out;
}

TEST(Balance, TheEnvelopeGivesTheGradient) {
  const Model& model = full_body();
  Balance balance(model, standing(model));
  std::vector<double> q = model.data().default_coordinates;
  q[at(model.coordinate("hip_flexion_r"))] = 0.15;  // one leg ahead: nothing is symmetric, and contacts can hold it
  q[at(model.coordinate("knee_angle_r"))] = 0.2;
  q[at(model.coordinate("lumbar_extension"))] = -0.1;
  balance.value(q);
  const VecX gradient = balance.gradient();
  ASSERT_GT(gradient.cwiseAbs().maxCoeff(), 1e-3);
  for (Eigen::Index i = 0; i < gradient.size(); ++i) {
    const int c = balance.options().free[static_cast<std::size_t>(i)];
    const double h = 1e-5, x = q[at(c)];
    q[at(c)] = x + h;
    const double above = balance.value(q);
    q[at(c)] = x - h;
    const double below = balance.value(q);
    q[at(c)] = x;
    EXPECT_NEAR(gradient[i], (above - below) / (2.0 * h), 1e-6 * gradient.cwiseAbs().maxCoeff())
        << model.data().coordinate_names[at(c)];
  }
}

TEST(Balance, HeldHeightsHaveTheDerivativesOfDifferences) {
  const Model& model = full_body();
  Balance balance(model, standing(model));
  std::vector<double> q = model.data().default_coordinates;
  q[at(model.coordinate("hip_flexion_r"))] = 0.4;
  q[at(model.coordinate("knee_angle_r"))] = 0.5;
  q[at(model.coordinate("pelvis_tilt"))] = 0.2;
  MatX slopes, unused;
  balance.held(q, &slopes);
  for (Eigen::Index i = 0; i < slopes.cols(); ++i) {
    const int c = balance.options().free[static_cast<std::size_t>(i)];
    const double h = 1e-6, x = q[at(c)];
    q[at(c)] = x + h;
    const VecX above = balance.held(q);
    q[at(c)] = x - h;
    const VecX below = balance.held(q);
    q[at(c)] = x;
    EXPECT_LT((slopes.col(i) - (above - below) / (2.0 * h)).cwiseAbs().maxCoeff(), 1e-8)
        << model.data().coordinate_names[at(c)];
  }
}

TEST(Balance, AStandingBodyIsInEquilibrium) {
  const Model& model = full_body();
  Balance balance(model, standing(model));
  const BalancedPosture stand = balance.find(model.data().default_coordinates);
  EXPECT_TRUE(stand.converged);
  EXPECT_LE(stand.slope, 1e-8);
  EXPECT_LE(stand.imbalance, 1e-8);  // [N m]: what muscles and contacts leave of any equation
  EXPECT_LE(stand.residual, 1e-8);
  EXPECT_LE(stand.height_error, 1e-9);
  const InverseSolver& inverse = balance.inverse();
  double carried = 0.0;
  Vec3 pressure = Vec3::Zero();
  for (std::size_t k = 0; k < model.data().contacts.size(); ++k) {
    const double force = inverse.contact_force()[3 * k + 1];
    EXPECT_GE(force, 0.0);
    carried += force;
    pressure += force * inverse.contact_point(static_cast<int>(k));
  }
  const double weight = model.data().mass * standard_gravity;
  EXPECT_NEAR(carried, weight, 1e-6 * weight);
  // the weight acts where the feet press, but for friction at points that are a hair above the floor or below it
  EXPECT_NEAR(pressure.x() / carried, inverse.mass_center().x(), 1e-5);
  for (const char* name : {"hip_flexion", "knee_angle", "ankle_angle"})
    EXPECT_NEAR(stand.q[at(model.coordinate(std::string(name) + "_r"))],
                stand.q[at(model.coordinate(std::string(name) + "_l"))], 1e-9)
        << name;
  // and it is a minimum: no neighbour that keeps the heights costs less
  for (const double change : {-0.02, 0.02}) {
    BalanceOptions pinned = standing(model);
    const auto tilt = std::find(pinned.free.begin(), pinned.free.end(), model.coordinate("pelvis_tilt"));
    pinned.bounds.erase(pinned.bounds.begin() + (tilt - pinned.free.begin()));
    pinned.free.erase(tilt);
    std::vector<double> q = stand.q;
    q[at(model.coordinate("pelvis_tilt"))] += change;
    EXPECT_GT(Balance(model, pinned).find(q).cost, stand.cost);
  }
}

TEST(Balance, TheStartDoesNotMatter) {
  const Model& model = full_body();
  Balance balance(model, standing(model));
  const BalancedPosture one = balance.find(model.data().default_coordinates);
  const std::vector<int>& free = balance.options().free;
  std::vector<double> cube(free.size());
  for (std::size_t k = 1; k <= repeats(20); ++k) {
    std::vector<double> q = model.data().default_coordinates;
    scatter(k, cube);
    for (std::size_t i = 0; i < free.size(); ++i)
      if (model.data().is_rotation[at(free[i])]) q[at(free[i])] += 0.6 * (cube[i] - 0.5);
    const BalancedPosture other = balance.find(q);
    EXPECT_TRUE(other.converged) << k;
    for (const int c : free)
      EXPECT_NEAR(other.q[at(c)], one.q[at(c)], 1e-6) << k << ": " << model.data().coordinate_names[at(c)];
  }
}

TEST(Balance, AnEditThatChangesNothingChangesNoBit) {
  const Model& model = full_body();
  const Model same = shortened(1.0);
  const BalancedPosture one = Balance(model, standing(model)).find(model.data().default_coordinates),
                        other = Balance(same, standing(same)).find(model.data().default_coordinates);
  EXPECT_EQ(one.q, other.q);
  EXPECT_EQ(one.cost, other.cost);
}

TEST(Balance, SensitivityIsThatOfDifferences) {
  const double h = 2e-3;
  const auto tilt_at = [](double s) {
    const Model model = shortened(s);
    const BalancedPosture found = Balance(model, standing(model)).find(model.data().default_coordinates);
    EXPECT_TRUE(found.converged);
    return found.q[at(model.coordinate("pelvis_tilt"))];
  };
  const Model model = shortened(0.95), shorter = shortened(0.95 - 1e-4), longer = shortened(0.95 + 1e-4);
  Balance balance(model, standing(model)), low(shorter, standing(shorter)), high(longer, standing(longer));
  const BalancedPosture stand = balance.find(model.data().default_coordinates);
  const VecX slope = balance.sensitivity(stand, low, high, 1e-4);
  const auto place =
      std::find(balance.options().free.begin(), balance.options().free.end(), model.coordinate("pelvis_tilt")) -
      balance.options().free.begin();
  const double difference = (tilt_at(0.95 + h) - tilt_at(0.95 - h)) / (2.0 * h);
  ASSERT_GT(std::abs(difference), 1e-4);
  EXPECT_NEAR(slope[place], difference, 0.01 * std::abs(difference));
}

TEST(Balance, RefusesWhatCannotBe) {
  const Model& model = full_body();
  BalanceOptions none = standing(model);
  none.free.clear();
  EXPECT_EQ(error_of([&] { Balance(model, none); }), "free coordinates: expected at least one");
  BalanceOptions high = standing(model);
  for (HeldHeight& one : high.heights) one.height = 5.0;  // the feet above the pelvis' range
  const std::string error = error_of([&] { Balance(model, high).find(model.data().default_coordinates); });
  EXPECT_EQ(error.rfind("posture: expected a posture in which feet, seat and gaze are where they are held", 0), 0u)
      << error;
}

}  // namespace
}  // namespace psoas::test
