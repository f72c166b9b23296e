// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

#include "psoas/skeleton/dynamics.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>

#include "skeleton/mechanics.hpp"

namespace psoas::test {
namespace {

/// Random trees of every joint kind, moving under wrenches.
class Dynamics : public ::testing::TestWithParam<int> {
 protected:
  Dynamics()
      : random(static_cast<std::uint64_t>(GetParam()) + 300),
        tree(random_tree(random, 5 + 35 * GetParam() / 19)),
        n(tree.coordinates()),
        q(random.vector(n, 0.8)),
        u(random.vector(n, 3.0)),
        a(random.vector(n, 10.0)),
        external(random_wrenches(random, tree)),
        work(work_at(tree, q, u)) {}

  Random random;
  Tree tree;
  int n;
  VecX q, u, a;
  std::vector<Spatial> external;
  TreeWork<double> work;
};
INSTANTIATE_TEST_SUITE_P(seeds, Dynamics, ::testing::Range(0, 20));

TEST_P(Dynamics, jacobians_and_their_rates_are_those_of_velocities) {
  const TreeWork<D4> moving = moving_work(tree, q, u, a);
  MatX J(6, n), Jp(3, n);
  for (int b = 0; b < static_cast<int>(tree.bodies.size()); ++b) {
    body_jacobian<double>(tree, work, b, view(J));
    const double scale = 1.0 + work.velocity[at(b)].norm() + work.velocity[at(b)].squaredNorm() + a.norm();
    EXPECT_LT((J * u - work.velocity[at(b)]).norm(), 1e-13 * scale);
    const Spatial bias = bias_acceleration<double>(tree, work, b);
    EXPECT_LT((J * a + bias - rates(moving.velocity[at(b)])).norm(), 1e-12 * scale);
    const Vec3 station = random.vec3(0.3), point = work.X_GB[at(b)] * station;
    point_jacobian<double>(tree, work, b, point, view(Jp));
    // the point's place as a function of time
    const Vec3T<D4> place = moving.X_GB[at(b)] * Vec3T<D4>(station.cast<D4>());
    EXPECT_LT((Jp * u - rates(place)).norm(), 1e-12 * scale);
    const Vec3T<D4> speed = point_velocity<D4>(moving.velocity[at(b)], place);
    EXPECT_LT((Jp * a + point_acceleration<double>(work.velocity[at(b)], bias, point) - rates(speed)).norm(),
              1e-12 * scale);
  }
}

TEST_P(Dynamics, energies_and_momentum_agree_with_mass_matrix_and_rates) {
  const MatX M = mass(tree, work);
  const double T = kinetic_energy<double>(tree, work);
  EXPECT_NEAR(0.5 * u.dot(M * u), T, 1e-12 * T);
  // M is the second derivative of T by speeds: T is quadratic, so differences are exact
  for (int i = 0; i < n; i += 3)
    for (int j = 0; j < n; j += 2) {
      const auto energy_of = [&](const VecX& v) { return kinetic_energy<double>(tree, work_at(tree, q, v)); };
      const VecX e = VecX::Unit(n, i), f = VecX::Unit(n, j);
      EXPECT_NEAR(energy_of(e + f) - energy_of(e) - energy_of(f), M(i, j), 1e-12 * std::sqrt(M(i, i) * M(j, j)));
    }
  const TreeWork<D4> moving = moving_work(tree, q, u, a);
  const double m = mass(tree);
  const Vec3 c = mass_center<double>(tree, work);
  EXPECT_NEAR(potential_energy<double>(tree, work, some_gravity), -m * some_gravity.dot(c), 1e-12 * m * 10);
  const Spatial P = momentum<double>(tree, work);
  EXPECT_LT((m * rates(mass_center<D4>(tree, moving)) - P.tail<3>()).norm(), 1e-12 * (1.0 + P.norm()));
  // angular momentum about another point
  const Vec3 point = random.vec3(1.0);
  EXPECT_LT((momentum<double>(tree, work, point).head<3>() - (P.head<3>() - point.cross(Vec3(P.tail<3>())))).norm(),
            1e-12 * (1.0 + P.norm()));
  // what ground and wrenches do is the rate of momentum
  inverse(tree, work, a, some_gravity, external);
  Spatial sum = work.joint_wrench[0] + wrench_at<double>(c, m * some_gravity);
  for (const Spatial& w : external) sum += w;
  EXPECT_LT((rates(momentum<D4>(tree, moving)) - sum).norm(), 1e-10 * (1.0 + sum.norm()));
  // power balance: what does work is the rate of energy
  const VecX tau = inverse(tree, work, a, some_gravity, external);
  double power_in = tau.dot(u), size = tau.cwiseProduct(u).cwiseAbs().sum();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) power_in += power<double>(external[b], work.velocity[b]);
  const double rate = (kinetic_energy<D4>(tree, moving) + potential_energy<D4>(tree, moving, some_gravity)).v[0];
  EXPECT_NEAR(power_in, rate, 1e-11 * size);
}

TEST_P(Dynamics, derivatives_are_those_of_dual_numbers_and_differences) {
  DerivativeWork<double> scratch(tree);
  VecX tau(n);
  MatX by_q(n, n), by_u(n, n), dual_q(n, n), dual_u(n, n), difference_q(n, n), difference_u(n, n);
  inverse_dynamics_derivatives<double>(tree, view(q), view(u), view(a), some_gravity, external, work, scratch,
                                       view(tau), view(by_q), view(by_u));
  TreeWork<double> fresh = work_at(tree, q, u);
  EXPECT_EQ((tau - inverse(tree, fresh, a, some_gravity, external)).norm(), 0.0);
  TreeWork<D4> moving(tree);
  std::vector<SpatialT<D4>> wrenches;
  for (const Spatial& w : external) wrenches.push_back(w.cast<D4>());
  const double h = 1e-5;
  for (int k = 0; k < n; ++k) {
    const VecX e = VecX::Unit(n, k);
    const std::vector<D4> qs = along(q, e, 0), us = along(u, e, 1), as = along(a, e, 2);
    std::vector<D4> out(at(n));
    positions<D4>(tree, qs, moving);
    velocities<D4>(tree, us, moving);
    inverse_dynamics<D4>(tree, as, some_gravity, wrenches, moving, out);
    for (int i = 0; i < n; ++i) dual_q(i, k) = out[at(i)].v[0], dual_u(i, k) = out[at(i)].v[1];
    // all that one joint carries more, ground does
    std::size_t seed = 0;
    for (const Spatial* wrench :
         {&scratch.by_position[at(k)], &scratch.by_speed[at(k)], &scratch.by_acceleration[at(k)]}) {
      Spatial change;
      for (int i = 0; i < 6; ++i) change[i] = moving.joint_wrench[0][i].v[seed];
      EXPECT_LT((*wrench - change).norm(), 1e-11 * (1.0 + change.norm())) << k << " " << seed;
      ++seed;
    }
    const auto plain = [&](const VecX& x, const VecX& v) {
      TreeWork<double> there = work_at(tree, x, v);
      return inverse(tree, there, a, some_gravity, external);
    };
    difference_q.col(k) = (plain(q + h * e, u) - plain(q - h * e, u)) / (2 * h);
    difference_u.col(k) = (plain(q, u + h * e) - plain(q, u - h * e)) / (2 * h);
  }
  EXPECT_LT(difference(by_q, dual_q), 1e-11);
  EXPECT_LT(difference(by_u, dual_u), 1e-11);
  EXPECT_LT(difference(by_q, difference_q), 1e-6);
  EXPECT_LT(difference(by_u, difference_u), 1e-7);
}

// The derivatives of forward dynamics follow: da/dq = -M^-1 dtau/dq, against dual numbers through the other algorithm.
TEST_P(Dynamics, derivatives_of_forward_dynamics_follow) {
  DerivativeWork<double> scratch(tree);
  VecX tau(n);
  MatX by_q(n, n), by_u(n, n);
  inverse_dynamics_derivatives<double>(tree, view(q), view(u), view(a), some_gravity, {}, work, scratch, view(tau),
                                       view(by_q), view(by_u));
  const MatX M = mass(tree, work);
  const VecX direction = random.vector(n, 1.0);
  TreeWork<D4> moving(tree);
  const std::vector<D4> qs = along(q, direction), us = along(u, direction, 1), taus = along(tau, VecX::Zero(n));
  std::vector<D4> out(at(n));
  positions<D4>(tree, qs, moving);
  velocities<D4>(tree, us, moving);
  forward_dynamics<D4>(tree, taus, some_gravity, {}, moving, out);
  VecX found_q(n), found_u(n);
  for (int i = 0; i < n; ++i) found_q[i] = out[at(i)].v[0], found_u[i] = out[at(i)].v[1];
  EXPECT_LT(difference(M * found_q, -by_q * direction), 1e-8);
  EXPECT_LT(difference(M * found_u, -by_u * direction), 1e-8);
}

/// Links of a planar chain that hangs from ground about z.
Tree chain(int links, bool free_root) {
  Tree tree = empty_tree();
  for (int i = 0; i < links; ++i) {
    TreeBody body;
    body.parent = i;
    if (i > 0) body.X_PF.p = Vec3(0, -0.5 - 0.1 * i, 0);
    body.mass = 1.0 + 0.3 * i;
    body.mass_center = Vec3(0.01, -0.25, 0.02 * i);
    body.inertia.diagonal() << 0.03, 0.01, 0.028;
    if (i == 0 && free_root)
      append_body(tree, body, Free{"tx", "ty", "tz", "rx", "ry", "rz"}.axes());
    else if (i == 0)
      append_body(tree, body, Pin{"q"}.axes());
    else
      append_body(tree, body, free_root ? Ball{"x", "y", "z"}.axes() : Pin{"q"}.axes());
  }
  return tree;
}

TEST(DynamicsMotion, a_double_pendulum_keeps_its_energy_for_100_seconds) {
  const Tree tree = chain(2, false);
  const Vec3 down(0, -9.80665, 0);
  VecX q(2), u = VecX::Zero(2);
  q << 2.0, 1.0;  // it goes over the top
  const auto total = [&] {
    const TreeWork<double> work = work_at(tree, q, u);
    return kinetic_energy<double>(tree, work) + potential_energy<double>(tree, work, down);
  };
  const double before = total(), scale = mass(tree) * 9.80665 * 0.5;
  double worst = 0.0;
  for (int second = 0; second < 100; ++second) {
    integrate(tree, down, 2.5e-4, 4000, q, u);
    worst = std::max(worst, std::abs(total() - before) / scale);
  }
  EXPECT_LT(worst, 1e-8);
  RecordProperty("worst", std::to_string(1e12 * worst) + "e-12");
}

TEST(DynamicsMotion, a_floating_chain_keeps_momentum_and_energy) {
  const Tree tree = chain(4, true);
  Random random(8);
  VecX q = random.vector(tree.coordinates(), 0.5), u = random.vector(tree.coordinates(), 2.0);
  const Spatial before = momentum<double>(tree, work_at(tree, q, u));
  const double T = kinetic_energy<double>(tree, work_at(tree, q, u));
  int charts = 0;
  for (int step = 0; step < 10000; ++step) {
    integrate(tree, Vec3::Zero(), 5e-4, 1, q, u);
    charts += rechart(tree, view(q), view(u));
  }
  const TreeWork<double> work = work_at(tree, q, u);
  EXPECT_GT(charts, 3);
  EXPECT_LT((momentum<double>(tree, work) - before).norm(), 1e-8 * before.norm());
  EXPECT_NEAR(kinetic_energy<double>(tree, work), T, 1e-8 * T);
}

TEST(DynamicsEdges, only_ground) {
  const Tree tree = empty_tree();
  const VecX none(0);
  const TreeWork<double> work = work_at(tree, none, none);
  EXPECT_EQ(mass(tree), 0.0);
  EXPECT_EQ(kinetic_energy<double>(tree, work), 0.0);
  EXPECT_EQ(momentum<double>(tree, work).norm(), 0.0);
  EXPECT_FALSE(rechart(tree, {}, {}));
}

}  // namespace
}  // namespace psoas::test
