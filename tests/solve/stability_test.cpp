// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Stiffness of postures that muscles hold: closed forms of a rod between two muscles and of columns that buckle, and
// differences of what holds the lumbar levels of the full body.
#include "psoas/solve/stability.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "psoas/core/factor.hpp"
#include "psoas/core/units.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "solve/models.hpp"
#include "support/errors.hpp"
#include "support/free_levels.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
std::size_t at(Eigen::Index index) { return static_cast<std::size_t>(index); }

constexpr double rod_mass = 12.0, rod_height = 0.45, foot = 0.05, attachment = 0.3;

/// A rod that stands on a pin between two muscles, from the ground on either side to the rod, and on a spring. With
/// l^2 = a^2 + b^2 +- 2 a b sin(q) for feet at a and attachments at height b, dl/dq = +-r and d2l/dq2 = -r^2 / L with
/// r = a b / L at q = 0.
struct Rod {
  Model model;
  double arm = 0.0, length = 0.0;
};

Rod rod(double spring, const Curve& curve, double optimal_fibre_length) {
  ModelSpec spec;
  add_body(spec, "rod", rod_mass, {0.0, rod_height, 0.0});
  add_pin(spec, "ground", "rod", Vec3::Zero(), "angle");
  FrameBushing disc;
  disc.first = "ground";
  disc.second = "rod";
  disc.rotation_stiffness = {spring, spring, spring};
  if (spring > 0.0) spec.passive["disc"] = disc;
  for (const double side : {1.0, -1.0}) {
    MuscleSpec& muscle = add_muscle(spec, side > 0.0 ? "ahead" : "behind", "rigid",
                                    {{"ground", Vec3(side * foot, 0.0, 0.0)}, {"rod", Vec3(0.0, attachment, 0.0)}});
    muscle.curve = curve;
    muscle.max_isometric_force = 800.0;
    muscle.optimal_fibre_length = optimal_fibre_length;
    muscle.tendon_slack_length = 0.1;
  }
  const double length = std::hypot(foot, attachment);
  return {Model(spec), foot * attachment / length, length};
}

/// Passive and fully active force of a unit along its tendon.
MuscleForces forces_at(const MuscleParameters& unit, double length) {
  return fibre_forces(unit, rigid_tendon_fibre(unit, length, 0.0));
}

TEST(PostureStiffnesses, OfARodBetweenTwoMusclesIsTheClosedForm) {
  const double fall = rod_mass * standard_gravity * rod_height;
  for (const auto& [curve, fibre] :
       {std::pair<Curve, double>{Millard{}, 0.26}, {Millard{}, 0.16}, {DeGrooteFregly{}, 0.2}})
    for (const double spring : {0.0, 30.0})
      for (const double activation : {0.02, 0.3, 0.9}) {
        const Rod one = rod(spring, curve, fibre);
        const MuscleParameters& unit = one.model.data().units[0];
        const MuscleForces forces = forces_at(unit, one.length);
        const double active = activation * forces.active, whole = active + forces.passive, h = 1e-6;
        const double passive_stiffness =
            (forces_at(unit, one.length + h).passive - forces_at(unit, one.length - h).passive) / (2.0 * h);
        PostureStiffness stiffness(one.model, {0}, {activation, activation});
        stiffness.move_to(std::vector<double>{0.0});
        EXPECT_NEAR(stiffness.imbalance()[0], 0.0, 1e-10);
        const double square = one.arm * one.arm;
        const auto expected = [&](double gain) {
          return spring - fall + 2.0 * square * ((gain * active - whole) / one.length + passive_stiffness);
        };
        for (const double gain : {0.0, 1.0, 10.0, 40.0}) {
          EXPECT_NEAR(stiffness.at_gain(gain)(0, 0), expected(gain), 1e-6) << gain;
          const LeastStiffness least = stiffness.least(gain);
          EXPECT_NEAR(least.stiffness, expected(gain), 1e-6);
          EXPECT_EQ(least.mode[0], 1.0);
          if (spring > 0.0)
            EXPECT_NEAR(least.relative, expected(gain) / spring, 1e-7);
          else
            EXPECT_TRUE(std::isnan(least.relative));
        }
        EXPECT_NEAR(stiffness.weight()(0, 0), -fall, 1e-9);
        EXPECT_NEAR(stiffness.passive()(0, 0), spring, 1e-9);
        // critical q, 1 + (m g h - k) L / (2 F r^2) where passive fibres are slack
        const double critical = (whole + one.length * ((fall - spring) / (2.0 * square) - passive_stiffness)) / active;
        EXPECT_NEAR(stiffness.critical_gain(), critical, 1e-7 * (1.0 + std::abs(critical)));
        if (fibre == 0.26) {
          EXPECT_EQ(forces.passive, 0.0);
          EXPECT_NEAR(critical, 1.0 + (fall - spring) * one.length / (2.0 * active * square), 1e-7 * critical);
        }
      }
}

TEST(PostureStiffnesses, CoactivationHelpsWhereFibresAreStiffAndHarmsWhereNot) {
  // the force itself takes as much away as a gain of 1 gives
  const Rod one = rod(30.0, Millard{}, 0.26);
  const auto least = [&](double activation, double gain) {
    PostureStiffness stiffness(one.model, {0}, {activation, activation});
    stiffness.move_to(std::vector<double>{0.0});
    return stiffness.least(gain).relative;
  };
  for (const auto& [less, more] : {std::pair{0.05, 0.1}, {0.1, 0.4}, {0.4, 1.0}}) {
    EXPECT_GT(least(more, 5.0), least(less, 5.0));
    EXPECT_NEAR(least(more, 1.0), least(less, 1.0), 1e-10);
    EXPECT_LT(least(more, 0.5), least(less, 0.5));
  }
}

TEST(PostureStiffnesses, WithoutActiveForceNoGainHelps) {
  ModelSpec bare = rod(30.0, Millard{}, 0.26).model.spec();
  bare.muscles = {};
  const auto critical = [](const ModelSpec& spec) {
    PostureStiffness stiffness(Model(spec), {0}, {});
    stiffness.move_to(std::vector<double>{0.0});
    return stiffness.critical_gain();
  };
  EXPECT_EQ(critical(bare), std::numeric_limits<double>::infinity());
  std::get<FrameBushing>(*bare.passive.find("disc")).rotation_stiffness = {60.0, 60.0, 60.0};
  EXPECT_EQ(critical(bare), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(place_of([&] { PostureStiffness(Model(bare), {}, {}); }).first, "input");
  EXPECT_EQ(place_of([&] { PostureStiffness(Model(bare), {1}, {}); }).first, "input");
  EXPECT_EQ(place_of([&] { PostureStiffness(Model(bare), {0}, {0.5}); }).first, "input");
}

// n links of length h on springs of stiffness k under a weight W at the top: in angles from the vertical the energy is
// k/2 sum (t_i - t_i-1)^2 - W h / 2 sum t_i^2, and the eigenvalues of the tridiagonal matrix (2 .. 2 1) are known.
TEST(PostureStiffnesses, OfAColumnThatBucklesIsTheClosedForm) {
  constexpr double k = 80.0, h = 0.04;
  for (const int n : {1, 2, 6}) {
    const double critical = k / h * (2.0 - 2.0 * std::cos(pi / (2.0 * n + 1.0)));
    for (const double share : {0.3, 0.99, 1.01, 3.0}) {
      ModelSpec spec;
      std::string below = "ground";
      for (int i = 0; i < n; ++i) {
        const std::string link = "link" + std::to_string(i);
        add_body(spec, link, i + 1 == n ? share * critical / standard_gravity : 0.0, {0.0, i + 1 == n ? h : 0.0, 0.0});
        const Vec3 joint(0.0, i == 0 ? 0.0 : h, 0.0);
        add_pin(spec, below, link, joint, "angle" + std::to_string(i));
        FrameBushing disc;
        disc.first = below;
        disc.first_frame.translation = joint;
        disc.second = link;
        disc.rotation_stiffness = {k, k, k};
        spec.passive["disc" + std::to_string(i)] = disc;
        below = link;
      }
      const Model model(spec);
      std::vector<int> all;
      for (int i = 0; i < n; ++i) all.push_back(i);
      PostureStiffness stiffness(model, all, {});
      stiffness.move_to(std::vector<double>(at(n), 0.0));
      const LeastStiffness least = stiffness.least(10.0);
      EXPECT_NEAR(least.relative, 1.0 - share, 1e-9) << n;
      EXPECT_EQ(least.stiffness > 0.0, share < 1.0) << n;
      // of a clamped column the angle from the vertical of link i is as sin(i pi / (2 n + 1)): all joints bend one way,
      // the lowest most
      for (int i = 0; i < n; ++i)
        EXPECT_NEAR(least.mode[i],
                    (std::sin((i + 1) * pi / (2.0 * n + 1.0)) - std::sin(i * pi / (2.0 * n + 1.0))) /
                        std::sin(pi / (2.0 * n + 1.0)),
                    1e-7);
    }
  }
}

/// Activations of the full body that are equal on both sides.
std::vector<double> some_activation() {
  std::vector<double> out;
  for (std::string name : freed().data().muscle_names) {
    if (name.ends_with("_r") || name.ends_with("_l")) name.resize(name.size() - 2);
    unsigned mixed = 7;
    for (const char c : name) mixed = mixed * 31u + static_cast<unsigned char>(c);
    out.push_back(0.01 + 0.2 * static_cast<double>(mixed % 97u) / 97.0);
  }
  return out;
}

std::vector<double> bent_posture(double bending) {
  State state = rhythm().default_state();
  rhythm().set(state, "lumbar_extension", -0.2);
  rhythm().set(state, "lumbar_bending", bending);
  rhythm().set(state, "hip_flexion_r", 0.1);
  rhythm().set(state, "hip_flexion_l", 0.1);
  return posture_of(rhythm(), state.q(), freed());
}

TEST(PostureStiffnesses, OfTheLumbarLevelsIsHowWhatHoldsThemChanges) {
  const Model& model = freed();
  const std::vector<double> activation = some_activation();
  const std::vector<int> levels = level_coordinates(model);
  ASSERT_EQ(levels.size(), 18u);
  constexpr double gain = 12.0, h = 1e-5;
  PostureStiffness stiffness(model, levels, activation);
  StoredEnergy without_active(model, levels, std::vector<double>(activation.size(), 0.0));
  Workspace work(model);
  for (const double bending : {0.0, 0.07}) {
    std::vector<double> q = bent_posture(bending);
    const std::vector<double> still(q.size(), 0.0);
    stiffness.move_to(q);
    evaluate(model, q, still, work, Depth::velocity);
    rigid_tendon_forces(model, work);
    const std::vector<double> length = work.length;
    std::vector<double> force = work.force.active;
    for (std::size_t m = 0; m < force.size(); ++m) force[m] *= activation[m];
    // weight, passive tissue and springs of the gain in place of active fibres
    const auto holding = [&] {
      without_active.move_to(q);
      VecX moment = without_active.gradient();
      evaluate(model, q, still, work, Depth::position);
      for (int m = 0; m < model.muscles(); ++m) {
        const double pull = force[at(m)] * (1.0 + gain * (work.length[at(m)] / length[at(m)] - 1.0));
        for (std::size_t i = 0; i < levels.size(); ++i)
          moment[static_cast<Eigen::Index>(i)] -= moment_arm(model, work, m, levels[i]) * pull;
      }
      return moment;
    };
    EXPECT_LT((holding() - stiffness.imbalance()).cwiseAbs().maxCoeff(), 1e-8);
    const MatX whole = stiffness.at_gain(gain);
    const double largest = whole.cwiseAbs().maxCoeff();
    for (std::size_t k = 0; k < levels.size(); ++k) {
      double& x = q[at(levels[k])];
      const double here = x;
      x = here + h;
      const VecX above = holding();
      x = here - h;
      const VecX below = holding();
      x = here;
      for (Eigen::Index i = 0; i < 18; ++i)
        EXPECT_NEAR(whole(i, static_cast<Eigen::Index>(k)), (above[i] - below[i]) / (2.0 * h), 1e-6 * largest)
            << model.data().coordinate_names[at(levels[at(i)])] << " " << k;
    }
    // shares of all muscles, weight and passive tissue are the whole
    const LeastStiffness least = stiffness.least(gain);
    double sum = least.mode.dot((stiffness.weight() + stiffness.passive()) * least.mode);
    for (int m = 0; m < model.muscles(); ++m) {
      const StiffnessShare share = stiffness.share(m, least.mode, gain);
      sum += share.path + share.active + share.passive;
      EXPECT_GE(share.active, 0.0);
    }
    EXPECT_NEAR(sum, least.mode.dot(whole * least.mode), 1e-9 * largest);
    EXPECT_NEAR(sum, least.relative * least.mode.dot(stiffness.passive() * least.mode), 1e-8 * largest);
    // zero at the critical gain, and more with more
    const double critical = stiffness.critical_gain();
    EXPECT_NEAR(stiffness.least(critical).stiffness, 0.0, 1e-9 * largest);
    EXPECT_NEAR(stiffness.least(critical).relative, 0.0, 1e-9);
    EXPECT_GT(stiffness.least(critical + 1.0).stiffness, 0.0);
    EXPECT_LT(stiffness.least(critical - 1.0).stiffness, 0.0);
  }
}

TEST(PostureStiffnesses, AnUprightBodyBendsEitherInItsMidPlaneOrSideways) {
  const Model& model = freed();
  const std::vector<int> levels = level_coordinates(model);
  PostureStiffness stiffness(model, levels, some_activation());
  stiffness.move_to(bent_posture(0.0));
  const MatX whole = stiffness.at_gain(10.0);
  std::vector<char> sagittal;
  for (const int c : levels) sagittal.push_back(model.data().coordinate_names[at(c)].ends_with("_extension"));
  EXPECT_EQ(std::count(sagittal.begin(), sagittal.end(), 1), 6);
  const LeastStiffness least = stiffness.least(10.0);
  double in_plane = 0.0, sideways = 0.0;
  for (Eigen::Index i = 0; i < 18; ++i) {
    (sagittal[at(i)] ? in_plane : sideways) += least.mode[i] * least.mode[i];
    for (Eigen::Index k = 0; k < 18; ++k)
      if (sagittal[at(i)] != sagittal[at(k)]) {
        EXPECT_NEAR(whole(i, k), 0.0, 1e-8 * whole.cwiseAbs().maxCoeff());
      }
  }
  EXPECT_LT(std::min(in_plane, sideways), 1e-10);
  EXPECT_EQ(least.mode.cwiseAbs().maxCoeff(), 1.0);
  EXPECT_EQ(least.mode.maxCoeff(), 1.0);  // turned so that the largest is above zero
}

// Crisco et al. 1992 (Clin Biomech 7:27, abstract): six lumbar spines without muscles, kept in the frontal plane and
// loaded at the top vertebra, buckled under 88 N; their linear model (part I, 7:19) under 67 N. The discs here, 100 N m/rad
// in bending, are those of loaded spines, stiffer than discs on a bench.
TEST(PostureStiffnesses, ALumbarSpineWithoutMusclesBucklesUnderLittle) {
  ModelSpec spec = freed().spec();
  spec.muscles = {};
  spec.groups = {};
  spec.domain = {};
  for (auto& [name, body] : spec.bodies) {
    body.mass = 0.0;
    body.inertia = {};
  }
  const Level& top = freed().data().levels.back();  // T12-L1: the load acts at the top of L1
  const std::string& first = freed().data().body_names[at(top.inferior)];
  BodySpec& loaded = *spec.bodies.find(first);
  constexpr double load = 10.0;
  loaded.mass = load / standard_gravity;
  loaded.mass_center = spec.joints.find(freed().spec().lumbar->levels.find(top.name)->joint)->parent_frame.translation;
  const Model model(spec);
  std::vector<int> bending;
  for (std::size_t k = 0; k + 1 < model.data().levels.size(); ++k)
    bending.push_back(model.data().couplings[at(model.data().levels[k].coordinates[1])].source);
  std::sort(bending.begin(), bending.end());
  PostureStiffness stiffness(model, bending, {});
  stiffness.move_to(model.data().default_coordinates);
  // the stiffness of weight is proportional to it
  const double critical = load / (1.0 - stiffness.least(0.0).relative);
  // a straight column of five equal links of the same height, as above
  Workspace work(model);
  const std::vector<double> still(model.data().default_coordinates.size(), 0.0);
  evaluate(model, model.data().default_coordinates, still, work, Depth::position);
  const auto joint_in_inferior = [&](const Level& level) {
    return spec.joints.find(spec.lumbar->levels.find(level.name)->joint)->parent_frame.translation;
  };
  const auto joint_height = [&](const Level& level) {
    return (work.tree.X_GB[at(level.inferior)] * joint_in_inferior(level)).y();
  };
  const double link = (joint_height(top) - joint_height(model.data().levels.front())) / 5.0;
  const double straight = 100.0 / link * (2.0 - 2.0 * std::cos(pi / 11.0));
  EXPECT_NEAR(critical, straight, 0.05 * straight);
  EXPECT_GT(critical, 67.0);
  EXPECT_LT(critical, 3.0 * 88.0);
  RecordProperty("critical_load", std::to_string(critical));
  RecordProperty("straight_column", std::to_string(straight));
}

}  // namespace
}  // namespace psoas::test
