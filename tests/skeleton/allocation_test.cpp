// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "psoas/skeleton/dynamics.hpp"
#include "skeleton/mechanics.hpp"
#include "support/allocations.hpp"

namespace psoas::test {
namespace {

template <class S>
std::size_t count(const Tree& tree, Random& random) {
  const int n = tree.coordinates();
  const auto numbers = [&](double scale) {
    std::vector<S> out;
    for (int i = 0; i < n; ++i) out.push_back(S(random.uniform(-scale, scale)));
    return out;
  };
  const std::vector<S> q = numbers(0.8), u = numbers(3.0), a = numbers(10.0);
  std::vector<S> tau(at(n)), back(at(n)), M(at(n * n));
  const std::vector<SpatialT<S>> external(tree.bodies.size(), SpatialT<S>::Constant(S(1.0)));
  std::vector<S> J(at(6 * n)), J_point(at(3 * n)), by_q(at(n * n)), by_u(at(n * n));
  TreeWork<S> work(tree);
  DerivativeWork<S> scratch(tree);
  const std::size_t before = heap_allocations();
  positions<S>(tree, q, work);
  velocities<S>(tree, u, work);
  inverse_dynamics<S>(tree, a, some_gravity, external, work, tau);
  mass_matrix<S>(tree, work, M);
  forward_dynamics<S>(tree, tau, some_gravity, external, work, back);
  const int tip = static_cast<int>(tree.bodies.size()) - 1;
  body_jacobian<S>(tree, work, tip, J);
  point_jacobian<S>(tree, work, tip, mass_center<S>(tree, work), J_point);
  bias_acceleration<S>(tree, work, tip);
  momentum<S>(tree, work);
  kinetic_energy<S>(tree, work);
  potential_energy<S>(tree, work, some_gravity);
  inverse_dynamics_derivatives<S>(tree, q, u, a, some_gravity, external, work, scratch, tau, by_q, by_u);
  return heap_allocations() - before;
}

TEST(TreeAllocation, none_after_the_work_is_made) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  for (int n : {7, 23, 40}) {
    Random random(static_cast<std::uint64_t>(n));
    const Tree tree = random_tree(random, n);
    EXPECT_EQ(count<double>(tree, random), 0u);
    EXPECT_EQ(count<Dual<4>>(tree, random), 0u);
  }
}

}  // namespace
}  // namespace psoas::test
