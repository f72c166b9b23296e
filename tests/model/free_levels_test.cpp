// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Lumbar levels without a rhythm: with the rhythm imposed they are the same mechanics, and without it each is its own.
#include "psoas/model/free_levels.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>

#include "model/tiny.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "support/errors.hpp"
#include "support/free_levels.hpp"
#include "support/random_tree.hpp"

namespace psoas {
namespace {

using test::at;
using test::freed;
using test::Random;
using test::rhythm;

/// dq/dc of the freed model's coordinates over those of the rhythm, at which levels share out trunk coordinates.
MatX sharing() {
  const ModelData& from = rhythm().data();
  MatX G = MatX::Zero(freed().coordinates(), rhythm().coordinates());
  for (int c = 0; c < freed().coordinates(); ++c) {
    const std::string& name = freed().data().coordinate_names[at(c)];
    const Coupling& coupling = from.couplings[at(rhythm().tree_coordinate(name))];
    G(c, coupling.source) = coupling.function.jet(0.0).slope;
  }
  return G;
}

struct Motion {
  VecX q, u, a;
};

Motion random_motion(Random& random) {
  Motion motion{VecX(rhythm().coordinates()), VecX(rhythm().coordinates()), VecX(rhythm().coordinates())};
  for (int c = 0; c < rhythm().coordinates(); ++c) {
    const auto& range = rhythm().spec().coordinates.find(rhythm().data().coordinate_names[at(c)])->range;
    const double low = std::max(range[0], -1.5), high = std::min(range[1], 1.5);
    motion.q[c] = low + (high - low) * (0.5 + 0.4 * random.uniform(-1.0, 1.0));
    motion.u[c] = random.uniform(-2.0, 2.0);
    motion.a[c] = random.uniform(-20.0, 20.0);
  }
  return motion;
}

std::span<const double> span_of(const VecX& x) { return {x.data(), static_cast<std::size_t>(x.size())}; }

/// Generalised forces that a motion needs, less what passive elements and a tension of 100 N in every muscle give.
VecX needed(const Model& model, const VecX& q, const VecX& u, const VecX& a, Workspace& work) {
  evaluate(model, span_of(q), span_of(u), work, Depth::velocity);
  std::vector<double> tree_a(at(model.tree().coordinates())), tau(tree_a);
  couple_accelerations(model, span_of(u), span_of(a), work, tree_a);
  inverse_dynamics<double>(model.tree(), tree_a, model.spec().gravity, {}, work.tree, tau);
  for (std::size_t t = 0; t < tau.size(); ++t) tau[t] -= work.passive_torque[t];
  std::vector<double> out(at(model.coordinates()));
  project(model, work, tau, out);
  VecX sum = Eigen::Map<VecX>(out.data(), model.coordinates());
  for (int m = 0; m < model.muscles(); ++m)
    for (int c = 0; c < model.coordinates(); ++c) sum[c] -= 100.0 * moment_arm(model, work, m, c);
  return sum;
}

TEST(FreeLevels, HaveTheirOwnRotationsAndTheSameBody) {
  EXPECT_EQ(freed().coordinates(), rhythm().coordinates() - 3 + 18);
  EXPECT_EQ(freed().data().mass, rhythm().data().mass);
  EXPECT_EQ(freed().muscles(), rhythm().muscles());
  for (const Level& level : freed().data().levels)
    for (const int t : level.coordinates) EXPECT_TRUE(freed().data().couplings[at(t)].identity);
  EXPECT_EQ(freed().data().trunk, (std::array<int, 3>{-1, -1, -1}));
  EXPECT_EQ(free_levels(freed().spec()).bodies.size(), freed().spec().bodies.size()) << "freed once is freed";
}

TEST(FreeLevels, WithTheRhythmImposedAreTheSameMechanics) {
  Random random(7);
  const MatX G = sharing();
  Workspace one(rhythm()), other(freed());
  for (int round = 0; round < 5; ++round) {
    const Motion motion = random_motion(random);
    const VecX tau = needed(rhythm(), motion.q, motion.u, motion.a, one);
    const VecX free_tau = needed(freed(), G * motion.q, G * motion.u, G * motion.a, other);
    // bodies, paths and their speeds
    for (const std::string& body : rhythm().data().body_names) {
      const Pose& a = one.tree.X_GB[at(rhythm().body(body))];
      const Pose& b = other.tree.X_GB[at(freed().body(body))];
      EXPECT_LT((a.p - b.p).norm() + (a.R - b.R).norm(), 1e-12) << body;
    }
    for (std::size_t m = 0; m < one.length.size(); ++m) {
      EXPECT_NEAR(one.length[m], other.length[m], 1e-12) << rhythm().data().muscle_names[m];
      EXPECT_NEAR(one.speed[m], other.speed[m], 1e-11) << rhythm().data().muscle_names[m];
    }
    // forces of weight, inertia, discs and muscles
    const VecX projected = G.transpose() * free_tau;
    for (int c = 0; c < rhythm().coordinates(); ++c)
      EXPECT_NEAR(projected[c], tau[c], 1e-9 * (1.0 + tau.cwiseAbs().maxCoeff()))
          << rhythm().data().coordinate_names[at(c)];
  }
}

TEST(FreeLevels, WithTheRhythmImposedHaveItsMassMatrix) {
  Random random(8);
  const MatX G = sharing();
  Workspace one(rhythm()), other(freed());
  const Motion motion = random_motion(random);
  const VecX q = G * motion.q, still = VecX::Zero(rhythm().coordinates()),
             free_still = VecX::Zero(freed().coordinates());
  const VecX weight = needed(rhythm(), motion.q, still, still, one),
             free_weight = needed(freed(), q, free_still, free_still, other);
  MatX M(rhythm().coordinates(), rhythm().coordinates()), free_M(freed().coordinates(), freed().coordinates());
  for (int c = 0; c < M.cols(); ++c)
    M.col(c) = needed(rhythm(), motion.q, still, VecX::Unit(M.cols(), c), one) - weight;
  for (int c = 0; c < free_M.cols(); ++c)
    free_M.col(c) = needed(freed(), q, free_still, VecX::Unit(free_M.cols(), c), other) - free_weight;
  EXPECT_LT((G.transpose() * free_M * G - M).cwiseAbs().maxCoeff(), 1e-10 * M.cwiseAbs().maxCoeff());
  // and each level's rotation alone has inertia
  EXPECT_EQ(Eigen::LLT<MatX>(free_M).info(), Eigen::Success);
}

TEST(FreeLevels, TheAbdomenTurnsByTheSumOfTheLevels) {
  Workspace work(freed());
  State state = freed().default_state();
  double turned = 0.0;
  for (const auto& [level, angle] : {std::pair{"L5_S1", 0.1}, std::pair{"L2_L3", -0.04}, std::pair{"T12_L1", 0.02}}) {
    freed().set(state, std::string(level) + "_extension", angle);
    turned += 0.6429 * angle;
  }
  evaluate(freed(), state, work, Depth::position);
  const Mat3& R = work.tree.X_GB[at(freed().body("abdomen"))].R;
  EXPECT_NEAR(std::atan2(R(1, 0), R(0, 0)), turned, 1e-6);
}

TEST(FreeLevels, DomainsOfTrunkCoordinatesBoundEachLevelByItsShare) {
  State state = rhythm().default_state();
  State free_state = freed().default_state();
  const int muscle = rhythm().muscle("EO1_r");
  for (const double turn : {0.25, 0.30}) {
    rhythm().set(state, "lumbar_rotation", turn);
    for (const auto& [name, value] : over_levels(rhythm().spec(), [&] {
           Named<double> values;
           values["lumbar_rotation"] = turn;
           return values;
         }()))
      freed().set(free_state, name, value);
    EXPECT_EQ(outside_domain(rhythm(), state.q(), muscle), turn > 0.27);
    EXPECT_EQ(outside_domain(freed(), free_state.q(), muscle), turn > 0.27);
  }
}

TEST(FreeLevels, ValuesAndSpeedsAreSharedOutByTheRhythm) {
  Named<double> values, speeds;
  values["lumbar_extension"] = -0.5;
  values["hip_flexion_r"] = 0.3;
  speeds["lumbar_extension"] = 2.0;
  const Named<double> out = over_levels(rhythm().spec(), values), rates = over_levels(rhythm().spec(), speeds, &values);
  EXPECT_EQ(out.size(), 7u);
  EXPECT_EQ(*out.find("hip_flexion_r"), 0.3);
  EXPECT_NEAR(*out.find("L4_L5_extension"), -0.5 * 0.166019, 1e-12);
  EXPECT_NEAR(*rates.find("L4_L5_extension"), 2.0 * 0.166019, 1e-12);
}

template <class Change>
std::string refused(Change change) {
  ModelSpec spec = rhythm().spec();
  change(spec);
  return test::error_of([&] { free_levels(spec); });
}

TEST(FreeLevels, SayWhereTheyCannotBe) {
  EXPECT_EQ(refused([](ModelSpec& spec) { spec.lumbar.reset(); }),
            "/lumbar: expected a model with lumbar levels, found none to free");
  EXPECT_EQ(
      refused([](ModelSpec& spec) {
        spec.joints.find("abdomen")->motion = Slide{"abdomen_extension", {1, 0, 0}};
      }),
      "/coordinates/abdomen_extension: expected a linear coupler and a pin joint, so that what follows the rhythm "
      "can follow free levels, found another kind");
  EXPECT_EQ(refused([](ModelSpec& spec) { spec.coordinates.find("L3_L4_bending")->coupled_to.reset(); }),
            "/lumbar: expected every level to have one rotation that follows \"lumbar_bending\"");
}

TEST(FreeLevels, AModelMaySayItItself) {
  ModelSpec spec = freed().spec();
  spec.lumbar->extension = "pelvis_tilt";
  EXPECT_NE(test::error_of([&] {
              const Model model(spec);
            }).find("/lumbar: expected all three of extension, bending and rotation, or none of them"),
            std::string::npos);
  spec = freed().spec();
  spec.coordinates.find("L3_L4_bending")->coupled_to = CouplerSpec{"pelvis_tilt", Linear{}};
  EXPECT_NE(test::error_of([&] {
              const Model model(spec);
            }).find("expected \"L3_L4_bending\" to be independent, since no rhythm is given"),
            std::string::npos);
}

}  // namespace
}  // namespace psoas
