// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The skeletons of the models that are shipped, against another engine. Coordinates stand where the model's couplers
// put them; speeds and accelerations of the tree's coordinates are free, so each joint is tested by itself.

#if PSOAS_HAVE_MUJOCO

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "psoas/model/model.hpp"
#include "skeleton/mechanics.hpp"
#include "support/mujoco_paths.hpp"

namespace psoas::test {
namespace {

class ModelMujoco : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(models, ModelMujoco, ::testing::Values("full_body", "iliopsoas"),
                         [](const auto& model) { return model.param; });

TEST_P(ModelMujoco, same_mechanics) {
  const Model model = Model::load(PSOAS_SOURCE_DIR "/models/" + GetParam() + ".json");
  const Tree tree = with_mass_everywhere(model.tree());
  const int n = tree.coordinates();
  const Vec3& gravity = model.spec().gravity;
  MujocoOracle oracle(tree, gravity);
  Random random(11);
  double worst = 0.0, worst_forward = 0.0;
  for (int trial = 0; trial < 20; ++trial) {
    State state = model.default_state();
    for (int i = 0; i < model.coordinates(); ++i) {
      const CoordinateSpec& item = *model.spec().coordinates.find(model.data().coordinate_names[at(i)]);
      state.q()[at(i)] = random.uniform(std::max(item.range[0], -1.5), std::min(item.range[1], 1.5));
    }
    Workspace pose(model);
    couple(model, state.q(), state.u(), pose);
    const VecX q = Eigen::Map<const VecX>(pose.q.data(), n), u = random.vector(n, 2.0), a = random.vector(n, 10.0);
    oracle.set(q, u);
    TreeWork<double> work = work_at(tree, q, u);
    const MatX M = oracle.mass();
    const VecX size = M.diagonal().cwiseSqrt();
    const double mass_error = (mass(tree, work) - M).cwiseQuotient(size * size.transpose()).cwiseAbs().maxCoeff();
    const VecX tau = inverse(tree, work, a, gravity);
    const double inverse_error = difference(tau, oracle.inverse(a));
    const std::vector<Spatial> reactions = oracle.reactions({});
    double greatest = 0.0, reaction_error = 0.0;
    for (const Spatial& w : reactions) greatest = std::max(greatest, w.norm());
    for (std::size_t b = 1; b < reactions.size(); ++b)
      reaction_error = std::max(reaction_error, (work.joint_wrench[b] - reactions[b]).norm() / greatest);
    EXPECT_LT(mass_error, 1e-10);
    EXPECT_LT(inverse_error, 1e-10);
    EXPECT_LT(reaction_error, 1e-10);
    const double forward_error = difference(forward(tree, work, tau, gravity), oracle.forward(tau));
    EXPECT_LT(forward_error, 1e-6);
    worst = std::max({worst, mass_error, inverse_error, reaction_error});
    worst_forward = std::max(worst_forward, forward_error);
  }
  RecordProperty("worst", std::to_string(1e15 * worst) + "e-15");
  RecordProperty("worst_forward", std::to_string(1e15 * worst_forward) + "e-15");
}

}  // namespace
}  // namespace psoas::test

#endif
