// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Postures of rest: closed forms, derivatives against differences, and what a limb that hangs must do.
#include "psoas/solve/equilibrium.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "psoas/core/roots.hpp"
#include "psoas/core/units.hpp"
#include "solve/models.hpp"
#include "support/errors.hpp"
#include "support/random.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A rod that stands on a pin and is held up by a torsional spring: it buckles where m g L exceeds the spring's stiffness.
Model standing_rod(double stiffness) {
  ModelSpec spec = pendulum();
  spec.bodies.find("bob")->mass_center = {0.0, pendulum_length, 0.0};
  FrameBushing spring;
  spring.first = "ground";
  spring.first_frame.translation = {0.1, 1.0, 0.0};
  spring.second = "bob";
  spring.rotation_stiffness = {stiffness, stiffness, stiffness};
  spec.passive["spring"] = spring;
  spec.coordinates["angle"].range = {-3.0, 3.0};
  return Model(spec);
}

const Model& full_body() {
  static const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  return model;
}

/// The whole body lying on its back with its pelvis held, and the coordinates of its right leg that hang. The thigh rests
/// beyond the model's range of hip extension, which ends at 30 degrees.
struct Thomas {
  Model model;
  std::vector<double> q;
  std::vector<int> free;
  RestOptions options;
};

Thomas thomas(const Model& model) {
  Thomas out{model,
             model.data().default_coordinates,
             {model.coordinate("hip_flexion_r"), model.coordinate("knee_angle_r")},
             {}};
  out.options.bounds = {{-1.0, 2.09}, {0.0, 2.44}};
  out.q[at(model.coordinate("pelvis_tilt"))] = 0.5 * pi;
  out.q[at(model.coordinate("hip_flexion_l"))] = 2.0;
  out.q[at(model.coordinate("knee_angle_l"))] = 2.0;
  return out;
}

/// Hip flexion at rest with the iliopsoas' optimal fibre length scaled.
double thomas_hip(double s) {
  Edit edit;
  edit.muscles = {"group:iliopsoas_r"};
  edit.scale["optimal_fibre_length"] = s;
  const Thomas test = thomas(full_body().with(edit));
  StoredEnergy energy(test.model, test.free);
  const RestPosture rest = come_to_rest(energy, test.q, test.options);
  EXPECT_TRUE(rest.stable()) << s;
  return rest.q[at(test.free[0])];
}

TEST(Rest, APendulumHangs) {
  const Model model(pendulum());
  StoredEnergy energy(model, {0});
  const RestPosture rest = come_to_rest(energy, std::vector<double>{2.9});
  EXPECT_TRUE(rest.stable());
  EXPECT_LE(rest.residual, 1e-9);
  EXPECT_NEAR(rest.q[0], 0.0, 1e-10);
  const double weight = pendulum_mass * standard_gravity;
  EXPECT_NEAR(rest.stiffness[0], weight * pendulum_length, 1e-9);
  EXPECT_NEAR(rest.energy, weight * (1.0 - pendulum_length), 1e-9);
}

TEST(Rest, ARodThatBucklesHasTwoRestsAndNoneBetween) {
  const double moment = pendulum_mass * standard_gravity * pendulum_length;
  const double stiffness = 0.8 * moment;
  const Model model = standing_rod(stiffness);
  StoredEnergy energy(model, {0});
  const RestPostures found = find_rest_postures(energy, std::vector<double>{0.0}, 20);
  ASSERT_EQ(found.postures.size(), 2u);
  EXPECT_EQ(found.lost, 0);
  // k x = m g L sin(x)
  const Root root = bisection_root([&](double x) { return stiffness * x - moment * std::sin(x); }, 0.3, 3.0, {1e-15});
  ASSERT_TRUE(root.converged);
  for (const RestPosture& one : found.postures) {
    EXPECT_NEAR(std::abs(one.q[0]), root.x, 1e-9);
    EXPECT_TRUE(one.stable());
    EXPECT_NEAR(one.stiffness[0], stiffness - moment * std::cos(root.x), 1e-7);
  }
  EXPECT_NEAR(found.postures[0].q[0], -found.postures[1].q[0], 1e-9);
  EXPECT_EQ(found.reached[0] + found.reached[1], 21);
  // stiff enough, it stands
  const Model stiff = standing_rod(1.2 * moment);
  StoredEnergy upright(stiff, {0});
  const RestPostures one = find_rest_postures(upright, std::vector<double>{0.5}, 20);
  ASSERT_EQ(one.postures.size(), 1u);
  EXPECT_NEAR(one.postures[0].q[0], 0.0, 1e-9);
  EXPECT_NEAR(one.postures[0].stiffness[0], 0.2 * moment, 1e-7);
}

TEST(Rest, AStopHoldsWhatPullsPastIt) {
  ModelSpec spec = pendulum();
  spec.coordinates["angle"].range = {0.4, 3.0};
  spec.coordinates["angle"].value = 1.0;
  const Model model(spec);
  StoredEnergy energy(model, {0});
  const RestPosture rest = come_to_rest(energy, std::vector<double>{2.0});
  EXPECT_EQ(rest.q[0], 0.4);
  EXPECT_TRUE(rest.stable());
  EXPECT_NEAR(rest.stop[0], pendulum_mass * standard_gravity * pendulum_length * std::sin(0.4), 1e-9);
}

TEST(Rest, EnergyAndItsDerivativesAgree) {
  const Model& model = full_body();
  std::vector<int> free;
  for (int c = 0; c < model.coordinates(); ++c) free.push_back(c);
  std::vector<double> activation(at(model.muscles()));
  MersenneTwister random(5);
  for (double& a : activation) a = random.uniform(0.01, 0.6);
  StoredEnergy energy(model, free, activation);
  int corners = 0;
  for (int posture = 0; posture < 3; ++posture) {
    std::vector<double> q = model.data().default_coordinates;
    for (const char* side : {"_r", "_l"})
      for (const auto& [name, low, high] :
           {std::tuple{"hip_flexion", -0.2, 1.4}, std::tuple{"hip_adduction", -0.2, 0.2},
            std::tuple{"knee_angle", 0.1, 1.4}, std::tuple{"ankle_angle", -0.3, 0.3}})
        q[at(model.coordinate(std::string(name) + side))] = random.uniform(low, high);
    q[at(model.coordinate("lumbar_extension"))] = random.uniform(-0.5, 0.1);
    q[at(model.coordinate("pelvis_tilt"))] = random.uniform(-0.5, 1.5);
    energy.move_to(q);
    const VecX gradient = energy.gradient();
    const MatX hessian = energy.hessian();
    const double largest = hessian.cwiseAbs().maxCoeff();
    for (const int c : free) {
      const double h = 1e-5, x = q[at(c)];
      q[at(c)] = x + h;
      const double above = energy.move_to(q);
      const VecX up = energy.gradient();
      q[at(c)] = x - h;
      const double below = energy.move_to(q);
      const VecX down = energy.gradient();
      q[at(c)] = x;
      const std::string& name = model.data().coordinate_names[at(c)];
      // V is some 1e4 J, so its rounding is 1e-12 / h
      EXPECT_NEAR(gradient[c], (above - below) / (2.0 * h), 1e-5) << name;
      for (const int k : free)
        if (std::abs(hessian(k, c) - (up[k] - down[k]) / (2.0 * h)) > 1e-6 * largest) ++corners;
    }
  }
  // strings that lift off surfaces within the step; a wrong term would fail in every posture
  EXPECT_LE(corners, 4);
}

TEST(Rest, AHangingThighRestsInTheSamePlaceFromAnywhere) {
  const Thomas test = thomas(full_body());
  StoredEnergy energy(test.model, test.free);
  const RestPostures found = find_rest_postures(energy, test.q, 20, test.options);
  ASSERT_EQ(found.postures.size(), 1u);
  EXPECT_EQ(found.lost, 0);
  EXPECT_LE(found.postures[0].residual, 1e-8);
  EXPECT_TRUE(found.postures[0].stable());
}

TEST(Rest, AShorterIliopsoasHoldsTheThighHigher) {
  double last = -1.0;
  for (const double s : {1.0, 0.98, 0.95, 0.9, 0.85}) {
    const double hip = thomas_hip(s);
    EXPECT_GT(hip, last) << s;
    last = hip;
  }
  // an edit that changes nothing changes no bit
  const Thomas test = thomas(full_body());
  StoredEnergy energy(test.model, test.free);
  EXPECT_EQ(come_to_rest(energy, test.q, test.options).q[at(test.free[0])], thomas_hip(1.0));
}

TEST(Rest, BothSidesRestAlike) {
  const Model& model = full_body();
  std::vector<double> q = model.data().default_coordinates;
  q[at(model.coordinate("pelvis_tilt"))] = 0.5 * pi;
  std::vector<int> free;
  for (const char* name :
       {"hip_flexion_r", "hip_adduction_r", "knee_angle_r", "hip_flexion_l", "hip_adduction_l", "knee_angle_l"})
    free.push_back(model.coordinate(name));
  std::sort(free.begin(), free.end());
  StoredEnergy energy(model, free);
  const RestPosture rest = come_to_rest(energy, q);
  EXPECT_TRUE(rest.stable());
  for (const char* name : {"hip_flexion", "hip_adduction", "knee_angle"})
    EXPECT_NEAR(rest.q[at(model.coordinate(std::string(name) + "_r"))],
                rest.q[at(model.coordinate(std::string(name) + "_l"))], 1e-9)
        << name;
}

TEST(Rest, SensitivityIsThatOfDifferences) {
  const double h = 1e-3;
  const auto shortened = [](double s) {
    Edit edit;
    edit.muscles = {"group:iliopsoas_r"};
    edit.scale["optimal_fibre_length"] = s;
    return full_body().with(edit);
  };
  const Thomas test = thomas(shortened(0.95));
  StoredEnergy energy(test.model, test.free), low(shortened(0.95 - h), test.free), high(shortened(0.95 + h), test.free);
  const RestPosture rest = come_to_rest(energy, test.q, test.options);
  const VecX slope = rest_sensitivity(energy, rest, low, high, h);
  const double difference = (thomas_hip(0.95 + h) - thomas_hip(0.95 - h)) / (2.0 * h);
  EXPECT_LT(difference, -0.1);  // a shorter one holds the thigh higher
  EXPECT_NEAR(slope[0], difference, 1e-4 * std::abs(difference));
}

TEST(Rest, RefusesWhatTheModelLacks) {
  const Model model(pendulum());
  EXPECT_EQ(error_of([&] { StoredEnergy(model, {1}); }),
            "free coordinates: expected indices of independent coordinates, ascending");
  EXPECT_EQ(error_of([&] { StoredEnergy(model, {0}, {0.5}); }), "activation: expected 0 (one a muscle), found 1");
}

}  // namespace
}  // namespace psoas::test
