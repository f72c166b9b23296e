// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Skeleton dynamics against another engine.

#if PSOAS_HAVE_MUJOCO

#include <gtest/gtest.h>

#include <cstdint>

#include "skeleton/mechanics.hpp"
#include "support/mujoco_oracle.hpp"

namespace psoas::test {
namespace {

/// Greatest difference of matrix elements against sqrt(M_ii M_jj).
double mass_difference(const MatX& found, const MatX& expected) {
  const VecX size = expected.diagonal().cwiseSqrt();
  return (found - expected).cwiseQuotient(size * size.transpose()).cwiseAbs().maxCoeff();
}

void expect_agreement(const Tree& tree, Random& random, const VecX& q, double tolerance) {
  const int n = tree.coordinates();
  const VecX u = random.vector(n, 3.0), a = random.vector(n, 10.0);
  const std::vector<Spatial> external = random_wrenches(random, tree);
  MujocoOracle oracle(tree, some_gravity);
  oracle.set(q, u);
  TreeWork<double> work = work_at(tree, q, u);

  for (int b = 1; b < static_cast<int>(tree.bodies.size()); ++b) {
    EXPECT_LT((oracle.pose(b).R - work.X_GB[at(b)].R).norm(), tolerance);
    EXPECT_LT((oracle.pose(b).p - work.X_GB[at(b)].p).norm(), tolerance);
  }
  EXPECT_LT(mass_difference(mass(tree, work), oracle.mass()), tolerance);
  const VecX tau = inverse(tree, work, a, some_gravity);
  EXPECT_LT(difference(tau, oracle.inverse(a)), tolerance);

  // reactions, with wrenches on the bodies
  inverse(tree, work, a, some_gravity, external);
  const std::vector<Spatial> reactions = oracle.reactions(external);
  double size = 0.0;
  for (const Spatial& w : reactions) size = std::max(size, w.norm());
  for (std::size_t b = 1; b < reactions.size(); ++b)
    EXPECT_LT((work.joint_wrench[b] - reactions[b]).norm(), tolerance * size) << "body " << b;

  // accelerations, given the forces that belong to a: an ill-conditioned mass matrix costs digits in both
  EXPECT_LT(difference(forward(tree, work, tau, some_gravity), a), 100 * tolerance);
  EXPECT_LT(difference(oracle.forward(tau), a), 100 * tolerance);
}

TEST(TreeMujoco, hinges_and_sliders) {
  for (int n = 20; n <= 40; n += 2) {
    Random random(static_cast<std::uint64_t>(n));
    const Tree tree = random_tree(random, n, Functions::identity);
    const VecX q = random.vector(n, 0.8), u = random.vector(n, 3.0), a = random.vector(n, 10.0);
    const std::vector<Spatial> external = random_wrenches(random, tree);
    expect_agreement(tree, random, q, 1e-11);

    // the engine's whole steps, contacts and constraints included (there are none)
    MujocoOracle oracle(tree, some_gravity);
    oracle.set(q, u);
    TreeWork<double> work = work_at(tree, q, u);
    const VecX tau = inverse(tree, work, a, some_gravity, external);
    EXPECT_LT(difference(inverse(tree, work, a, some_gravity), oracle.inverse_whole(a)), 1e-11);
    const VecX found = oracle.forward_whole(tau, external);
    EXPECT_LT(difference(forward(tree, work, tau, some_gravity, external), found), 1e-8);
    EXPECT_LT(difference(found, a), 1e-8);
  }
}

TEST(TreeMujoco, shared_coordinates_and_splines) {
  for (int n = 5; n <= 40; n += 5) {
    Random random(static_cast<std::uint64_t>(n));
    const Tree tree = random_tree(random, n, Functions::any);
    expect_agreement(tree, random, random.vector(n, 0.8), 1e-11);
  }
}

// A body of 31 coordinates: free pelvis, legs with spline knees, a trunk and arms, with the masses of a person.
TEST(TreeMujoco, person) {
  Random random(9);
  const PiecewisePolynomial same = PiecewisePolynomial::identity();
  const Vec3 x = Vec3::UnitX(), y = Vec3::UnitY(), z = Vec3::UnitZ();
  Tree tree = empty_tree();
  const auto add = [&](int parent, const Vec3& place, double m, double length, std::vector<TreeAxis> axes,
                       int coordinates) {
    TreeBody body;
    body.parent = parent;
    body.X_PF.p = place;
    body.mass = m;
    body.mass_center = Vec3(0.01, -0.45 * length, 0.005);
    body.inertia.diagonal() << m * (0.07 * length * length + 0.002), m * 0.004, m * (0.072 * length * length + 0.002);
    return append_body(tree, body, std::move(axes), coordinates);
  };
  const std::vector<TreeAxis> ball{{true, z, 0, same}, {true, x, 1, same}, {true, y, 2, same}};
  std::vector<TreeAxis> free{{false, x, 3, same}, {false, y, 4, same}, {false, z, 5, same}};
  free.insert(free.end(), ball.begin(), ball.end());
  const Spline slip{{-2.1, -1.4, -0.8, -0.3, 0.2}, {-0.005, 0.003, 0.002, -0.003, -0.006}};
  const int pelvis = add(0, {0, 0, 0}, 11.8, 0.2, free, 6);
  for (double side : {-1.0, 1.0}) {
    const int thigh = add(pelvis, {-0.07, -0.07, 0.08 * side}, 9.3, 0.41, ball, 3);
    const int shank =
        add(thigh, {0, -0.41, 0}, 3.7, 0.43,
            {{false, x, 0, compile(slip)}, {true, z, 0, same}, {true, y, 0, compile(Polynomial{{0, -0.1, 0.05}})}}, 1);
    const int foot = add(shank, {0, -0.43, 0}, 1.25, 0.2, {{true, Vec3(-0.1, -0.17, 0.98).normalized(), 0, same}}, 1);
    add(foot, {0.12, -0.03, 0}, 0.2, 0.1, {{true, Vec3(-0.58, 0, 0.81).normalized(), 0, same}}, 1);
  }
  const int trunk = add(pelvis, {-0.1, 0.08, 0}, 26.8, -0.5, ball, 3);
  for (double side : {-1.0, 1.0}) {
    const int upper = add(trunk, {0, 0.37, 0.17 * side}, 2.0, 0.29, ball, 3);
    const int fore = add(upper, {0.01, -0.29, 0}, 1.2, 0.25, {{true, z, 0, same}, {true, y, 1, same}}, 2);
    add(fore, {0, -0.25, 0}, 0.46, 0.1, {}, 0);
  }
  ASSERT_EQ(tree.coordinates(), 31);
  for (int trial = 0; trial < 5; ++trial) expect_agreement(tree, random, random.vector(31, 0.7), 1e-11);
}

}  // namespace
}  // namespace psoas::test

#endif
