// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Skeleton dynamics against Simbody, of random trees of every joint kind and of the skeletons that are shipped.

#ifdef PSOAS_SIMBODY_PROGRAM

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "psoas/model/model.hpp"
#include "skeleton/mechanics.hpp"
#include "support/simbody_oracle.hpp"

namespace psoas::test {
namespace {

/// Greatest relative differences.
struct Worst {
  double pose = 0.0, inverse = 0.0, mass = 0.0, forward = 0.0, reaction = 0.0;
};

Worst compare(const Tree& tree, const Vec3& gravity, const std::vector<Posture>& postures) {
  const std::vector<SimbodyAnswer> answers = simbody_answers(tree, gravity, postures);
  Worst worst;
  const auto grow = [](double& most, double value) { most = std::max(most, value); };
  for (std::size_t k = 0; k < postures.size(); ++k) {
    const Posture& p = postures[k];
    const SimbodyAnswer& answer = answers[k];
    TreeWork<double> work = work_at(tree, p.q, p.u);
    for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
      grow(worst.pose, (work.X_GB[b].R - answer.X_GB[b].R).norm());
      grow(worst.pose, (work.X_GB[b].p - answer.X_GB[b].p).norm());
    }
    const VecX tau = inverse(tree, work, p.a, gravity, p.external);
    grow(worst.inverse, difference(tau, answer.tau));
    const VecX size = answer.M.diagonal().cwiseSqrt();
    grow(worst.mass, (mass(tree, work) - answer.M).cwiseQuotient(size * size.transpose()).cwiseAbs().maxCoeff());
    double greatest = 0.0;
    for (const Spatial& w : answer.reaction) greatest = std::max(greatest, w.norm());
    for (std::size_t b = 1; b < tree.bodies.size(); ++b)
      grow(worst.reaction, (work.joint_wrench[b] - answer.reaction[b]).norm() / greatest);
    // Simbody's accelerations of the axes under its own forces, ours under the same, projected
    const VecX found = forward(tree, work, answer.tau, gravity, p.external);
    grow(worst.forward, difference(answer.T * found + answer.expected - answer.T * p.a, answer.axis_acceleration));
  }
  return worst;
}

void expect(const Worst& worst, double tolerance, double forward) {
  EXPECT_LT(worst.pose, tolerance);
  EXPECT_LT(worst.inverse, tolerance);
  EXPECT_LT(worst.mass, tolerance);
  EXPECT_LT(worst.reaction, tolerance);
  EXPECT_LT(worst.forward, forward);
  const auto record = [](const char* key, double x) {
    ::testing::Test::RecordProperty(key, std::to_string(1e15 * x) + "e-15");
  };
  record("pose", worst.pose);
  record("inverse", worst.inverse);
  record("mass", worst.mass);
  record("reaction", worst.reaction);
  record("forward", worst.forward);
}

TEST(TreeSimbody, random_trees_of_every_joint_kind) {
  for (int n = 5; n <= 40; n += 5) {
    Random random(static_cast<std::uint64_t>(n) + 500);
    const Tree tree = random_tree(random, n);
    std::vector<Posture> postures;
    for (int k = 0; k < 5; ++k)
      postures.push_back(
          {random.vector(n, 0.8), random.vector(n, 3.0), random.vector(n, 10.0), random_wrenches(random, tree)});
    SCOPED_TRACE("coordinates " + std::to_string(n));
    expect(compare(tree, some_gravity, postures), 1e-11, 1e-9);
  }
}

class ModelSimbody : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(models, ModelSimbody, ::testing::Values("full_body", "iliopsoas"),
                         [](const auto& model) { return model.param; });

TEST_P(ModelSimbody, same_mechanics) {
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/" + GetParam() + ".json");
  const Tree tree = with_mass_everywhere(model.tree());
  const int n = tree.coordinates();
  Random random(12);
  std::vector<Posture> postures;
  for (int trial = 0; trial < 60; ++trial) {
    State state = model.default_state();
    for (int i = 0; i < model.coordinates(); ++i) {
      const CoordinateSpec& item = *model.spec().coordinates.find(model.data().coordinate_names[at(i)]);
      state.q()[at(i)] = random.uniform(std::max(item.range[0], -1.5), std::min(item.range[1], 1.5));
    }
    Workspace pose(model);
    couple(model, state.q(), state.u(), pose);
    postures.push_back({Eigen::Map<const VecX>(pose.q.data(), n), random.vector(n, 2.0), random.vector(n, 10.0),
                        random_wrenches(random, tree)});
  }
  expect(compare(tree, model.spec().gravity, postures), 1e-11, 1e-9);
}

}  // namespace
}  // namespace psoas::test

#endif
