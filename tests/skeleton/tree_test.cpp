// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

#include "psoas/skeleton/tree.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "skeleton/mechanics.hpp"

namespace psoas::test {
namespace {

constexpr double g = 9.80665;
const Vec3 down(0, -g, 0);

/// A link of a planar chain about z that hangs down at angle 0.
struct Link {
  double mass, length, center, inertia;  // [kg], [m], pivot to mass centre [m], about the mass centre [kg m^2]
};

Tree planar_chain(const std::vector<Link>& links) {
  Tree tree = empty_tree();
  for (std::size_t i = 0; i < links.size(); ++i) {
    TreeBody body;
    body.parent = static_cast<int>(i);
    if (i > 0) body.X_PF.p = Vec3(0, -links[i - 1].length, 0);
    body.mass = links[i].mass;
    body.mass_center = Vec3(0, -links[i].center, 0);
    body.inertia.diagonal() << 0.3, 0.2, links[i].inertia;  // only the last one matters in the plane
    append_body(tree, body, {{true, Vec3::UnitZ(), 0, PiecewisePolynomial::identity()}}, 1);
  }
  return tree;
}

/// Lagrange's equations of a planar chain in angles from the vertical: sum_j A_ij (cos(ti-tj) tj'' + sin(ti-tj) tj'^2)
/// + B_i g sin ti = Q_i; a joint torque is the sum of Q over its link and those beyond.
VecX planar_chain_torques(const std::vector<Link>& links, const VecX& q, const VecX& u, const VecX& a) {
  const std::size_t n = links.size();
  std::vector<double> t(n), w(n), e(n), beyond(n + 1, 0.0), Q(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto k = static_cast<Eigen::Index>(i);
    t[i] = q[k] + (i ? t[i - 1] : 0), w[i] = u[k] + (i ? w[i - 1] : 0), e[i] = a[k] + (i ? e[i - 1] : 0);
  }
  for (std::size_t i = n; i-- > 0;) beyond[i] = beyond[i + 1] + links[i].mass;
  const auto lever = [&](std::size_t i) { return links[i].mass * links[i].center + links[i].length * beyond[i + 1]; };
  VecX tau(static_cast<Eigen::Index>(n));
  double sum = 0.0;
  for (std::size_t i = n; i-- > 0;) {
    Q[i] = lever(i) * g * std::sin(t[i]);
    for (std::size_t j = 0; j < n; ++j) {
      const Link& near = links[std::min(i, j)];
      const double own =
          near.inertia + near.mass * near.center * near.center + near.length * near.length * beyond[i + 1];
      const double A = i == j ? own : near.length * lever(std::max(i, j));
      Q[i] += A * (std::cos(t[i] - t[j]) * e[j] + std::sin(t[i] - t[j]) * w[j] * w[j]);
    }
    tau[static_cast<Eigen::Index>(i)] = sum += Q[i];
  }
  return tau;
}

TEST(TreeClosedForm, simple_pendulum) {
  const Link link{2.3, 0.7, 0.41, 0.05};
  const Tree tree = planar_chain({link});
  const double J = link.inertia + link.mass * link.center * link.center;
  for (double angle = -3.0; angle < 3.1; angle += 0.25) {
    const VecX q = VecX::Constant(1, angle), u = VecX::Constant(1, 1.7), none = VecX::Zero(1);
    TreeWork<double> work = work_at(tree, q, u);
    const double expected = -link.mass * g * link.center * std::sin(angle) / J;
    EXPECT_NEAR(forward(tree, work, none, down)[0], expected, 1e-13 * g / link.center);
    EXPECT_NEAR(mass(tree, work)(0, 0), J, 1e-14);
    EXPECT_NEAR(inverse(tree, work, VecX::Constant(1, expected), down)[0], 0.0, 1e-13);
    // the pivot carries weight, centripetal and tangential force
    const Vec3 r(std::sin(angle), -std::cos(angle), 0), t(std::cos(angle), std::sin(angle), 0);
    const Vec3 force = link.mass * (link.center * (expected * t - 1.7 * 1.7 * r) - down);
    EXPECT_NEAR((work.joint_wrench[1].tail<3>() - force).norm(), 0.0, 1e-12 * force.norm());
    EXPECT_NEAR(work.joint_wrench[1][2], 0.0, 1e-12);
  }
}

TEST(TreeClosedForm, period_of_a_large_swing) {
  const Link link{1.0, 1.0, 1.0, 0.0};
  const Tree tree = planar_chain({link});
  const double amplitude = 2.0, period = 4.0 / std::sqrt(g) * std::comp_ellint_1(std::sin(amplitude / 2));
  VecX q = VecX::Constant(1, amplitude), u = VecX::Zero(1);
  integrate(tree, down, period / 2000, 2000, q, u);
  EXPECT_NEAR(q[0], amplitude, 1e-9);
  EXPECT_NEAR(u[0], 0.0, 1e-9);
}

// The two-link arm of the textbooks, written with the joint angles themselves.
TEST(TreeClosedForm, two_link_arm) {
  const Link one{3.1, 0.42, 0.19, 0.06}, two{2.2, 0.39, 0.17, 0.04};
  const Tree tree = planar_chain({one, two});
  Random random(1);
  for (int trial = 0; trial < 50; ++trial) {
    const VecX q = random.vector(2, 3.0), u = random.vector(2, 5.0), a = random.vector(2, 20.0);
    const double c2 = std::cos(q[1]), s2 = std::sin(q[1]), s1 = std::sin(q[0]), s12 = std::sin(q[0] + q[1]);
    const double h = two.mass * one.length * two.center;
    const double m22 = two.inertia + two.mass * two.center * two.center, m12 = m22 + h * c2;
    const double m11 =
        one.inertia + one.mass * one.center * one.center + two.mass * one.length * one.length + m22 + 2 * h * c2;
    const double g2 = two.mass * two.center * g * s12;
    const double g1 = (one.mass * one.center + two.mass * one.length) * g * s1 + g2;
    VecX expected(2);
    expected << m11 * a[0] + m12 * a[1] - h * s2 * (2 * u[0] * u[1] + u[1] * u[1]) + g1,
        m12 * a[0] + m22 * a[1] + h * s2 * u[0] * u[0] + g2;
    TreeWork<double> work = work_at(tree, q, u);
    EXPECT_LT(difference(inverse(tree, work, a, down), expected), 1e-12);
    EXPECT_LT(difference(planar_chain_torques({one, two}, q, u, a), expected), 1e-12);
    MatX M(2, 2);
    M << m11, m12, m12, m22;
    EXPECT_LT(difference(mass(tree, work), M), 1e-13);
    EXPECT_LT(difference(forward(tree, work, expected, down), a), 1e-11);
  }
}

TEST(TreeClosedForm, planar_chains) {
  Random random(2);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<Link> links;
    const int n = 2 + trial % 4;
    for (int i = 0; i < n; ++i)
      links.push_back(
          {random.uniform(0.5, 8), random.uniform(0.2, 0.5), random.uniform(0.1, 0.3), random.uniform(0.01, 0.2)});
    const Tree tree = planar_chain(links);
    const VecX q = random.vector(n, 3.0), u = random.vector(n, 5.0), a = random.vector(n, 20.0);
    const VecX expected = planar_chain_torques(links, q, u, a);
    TreeWork<double> work = work_at(tree, q, u);
    EXPECT_LT(difference(inverse(tree, work, a, down), expected), 1e-12);
    EXPECT_LT(difference(forward(tree, work, expected, down), a), 1e-9);
  }
}

TEST(TreeClosedForm, lagrange_of_a_chain_agrees_with_its_closed_form) {
  const std::vector<Link> links{{3.1, 0.42, 0.19, 0.06}, {2.2, 0.39, 0.17, 0.04}, {1.2, 0.2, 0.1, 0.01}};
  Random random(3);
  const VecX q = random.vector(3, 3.0), u = random.vector(3, 5.0), a = random.vector(3, 20.0);
  EXPECT_LT(difference(lagrange(planar_chain(links), q, u, a, down), planar_chain_torques(links, q, u, a)), 1e-12);
}

/// A knee: flexion with translations by splines and a polynomial twist, all of one coordinate, on a moving thigh.
Tree leg() {
  Tree tree = empty_tree();
  TreeBody thigh;
  thigh.parent = 0;
  thigh.mass = 8.0;
  thigh.mass_center = Vec3(0.01, -0.17, 0.02);
  thigh.inertia << 0.13, 0.002, -0.001, 0.002, 0.034, 0.003, -0.001, 0.003, 0.14;
  const PiecewisePolynomial same = PiecewisePolynomial::identity();
  append_body(tree, thigh,
              {{true, Vec3::UnitZ(), 0, same}, {true, Vec3::UnitX(), 1, same}, {true, Vec3::UnitY(), 2, same}}, 3);
  TreeBody shank;
  shank.parent = 1;
  shank.X_PF.p = Vec3(0, -0.4, 0);
  shank.X_MB = Pose{rotation_xyz({0.1, 0.2, -0.1}), Vec3(0.01, 0.02, -0.01)};
  shank.mass = 3.7;
  shank.mass_center = Vec3(0, -0.19, 0.01);
  shank.inertia << 0.05, 0.001, 0.0, 0.001, 0.005, -0.001, 0.0, -0.001, 0.051;
  const Spline x{{-2.1, -1.7, -1.2, -0.6, -0.2, 0.0, 0.2}, {-0.0032, 0.0018, 0.0041, 0.0026, -0.0009, -0.0051, -0.006}};
  const Spline y{{-2.1, -1.4, -0.8, -0.3, 0.2}, {-0.42, -0.408, -0.399, -0.398, -0.4}};
  const Polynomial twist{{0.02, -0.1, 0.07, 0.04}};
  append_body(tree, shank,
              {{false, Vec3::UnitX(), 0, compile(x)},
               {false, Vec3::UnitY(), 0, compile(y)},
               {true, Vec3::UnitZ(), 0, same},
               {true, Vec3::UnitX(), -1, compile(Constant{0.05})},
               {true, Vec3::UnitY(), 0, compile(twist)}},
              1);
  return tree;
}

TEST(TreeLagrange, spline_coupled_knee) {
  const Tree tree = leg();
  Random random(4);
  for (int trial = 0; trial < 50; ++trial) {
    VecX q = random.vector(4, 0.9);
    q[3] = random.uniform(-2.4, 0.4);  // beyond the ends too
    const VecX u = random.vector(4, 5.0), a = random.vector(4, 30.0);
    TreeWork<double> work = work_at(tree, q, u);
    const VecX tau = inverse(tree, work, a, some_gravity);
    EXPECT_LT(difference(tau, lagrange(tree, q, u, a, some_gravity)), 1e-12);
    EXPECT_LT(difference(forward(tree, work, tau, some_gravity), a), 1e-11);
  }
}

/// Random trees of 5 to 40 coordinates.
class TreeLaws : public ::testing::TestWithParam<int> {
 protected:
  TreeLaws()
      : random(static_cast<std::uint64_t>(GetParam())),
        n(5 + 35 * GetParam() / 19),
        tree(random_tree(random, n)),
        q(random.vector(n, 0.8)),
        u(random.vector(n, 3.0)),
        a(random.vector(n, 10.0)),
        work(work_at(tree, q, u)) {}

  Random random;
  int n;
  Tree tree;
  VecX q, u, a;
  TreeWork<double> work;
};
INSTANTIATE_TEST_SUITE_P(seeds, TreeLaws, ::testing::Range(0, 20));

TEST_P(TreeLaws, tree_is_depth_first) {
  ASSERT_EQ(tree.coordinates(), n);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    ASSERT_LT(tree.bodies[b].parent, static_cast<int>(b));
    for (std::size_t c = 1; c < tree.bodies.size(); ++c) {
      bool above = false;
      for (int p = static_cast<int>(c); p > 0; p = tree.bodies[at(p)].parent) above = above || p == static_cast<int>(b);
      EXPECT_EQ(above, static_cast<int>(c) >= static_cast<int>(b) && static_cast<int>(c) < tree.bodies[b].subtree_end);
    }
  }
}

// Poses against a plain product of 4 x 4 matrices.
TEST_P(TreeLaws, poses) {
  using Eigen::Isometry3d;
  std::vector<Isometry3d> X(tree.bodies.size(), Isometry3d::Identity());
  const auto rigid = [](const Pose& pose) {
    Isometry3d out = Isometry3d::Identity();
    out.linear() = pose.R;
    out.translation() = pose.p;
    return out;
  };
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    X[b] = X[at(body.parent)] * rigid(body.X_PF);
    for (int i = body.first_axis; i < body.last_axis; ++i) {
      const TreeAxis& axis = tree.axes[at(i)];
      const double value = axis.function.jet(axis.coordinate < 0 ? 0.0 : q[axis.coordinate]).value;
      if (axis.vector) {
        const Vec3 r = q.segment<3>(axis.coordinate);
        X[b] = X[b] * Eigen::AngleAxisd(r.norm(), r.normalized());
        i += 2;
      } else if (axis.rotation)
        X[b] = X[b] * Eigen::AngleAxisd(value, axis.direction);
      else
        X[b] = X[b] * Eigen::Translation3d(value * axis.direction);
    }
    X[b] = X[b] * rigid(body.X_MB);
    EXPECT_LT((X[b].linear() - work.X_GB[b].R).norm(), 1e-13);
    EXPECT_LT((X[b].translation() - work.X_GB[b].p).norm(), 1e-13);
    EXPECT_LT((X[b] * body.mass_center - work.mass_center[b]).norm(), 1e-13);
    EXPECT_LT((work.X_GB[b].R.transpose() * work.X_GB[b].R - Mat3::Identity()).norm(), 1e-13);
  }
}

/// The motion of a frame from its pose and the pose's rate.
Spatial motion_of(const Mat3& R, const Vec3& p, const Mat3& R_dot, const Vec3& p_dot) {
  const Mat3 W = R_dot * R.transpose();
  const Vec3 w(W(2, 1), W(0, 2), W(1, 0));
  Spatial v;
  v << w, p_dot - w.cross(p);
  return v;
}

TEST_P(TreeLaws, motion_axes_are_differences_of_poses) {
  const double h = 1e-5;
  for (int c = 0; c < n; ++c) {
    VecX low = q, high = q;
    low[c] -= h, high[c] += h;
    const TreeWork<double> below = work_at(tree, low, u), above = work_at(tree, high, u);
    const int first = tree.coordinate_body[at(c)], last = tree.bodies[at(first)].subtree_end;
    for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
      const bool moved = static_cast<int>(b) >= first && static_cast<int>(b) < last;
      const Spatial expected = moved ? work.motion[at(c)] : Spatial::Zero();
      const Spatial found = motion_of(work.X_GB[b].R, work.X_GB[b].p, (above.X_GB[b].R - below.X_GB[b].R) / (2 * h),
                                      (above.X_GB[b].p - below.X_GB[b].p) / (2 * h));
      EXPECT_LT((found - expected).norm(), 1e-8 * (1.0 + expected.norm()));
    }
  }
}

TEST_P(TreeLaws, motion_axes_are_derivatives_of_poses) {
  for (int c = 0; c < n; ++c) {
    const TreeWork<D4> moving = moving_work(tree, q, VecX::Unit(n, c), a);
    const int first = tree.coordinate_body[at(c)], last = tree.bodies[at(first)].subtree_end;
    for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
      const bool moved = static_cast<int>(b) >= first && static_cast<int>(b) < last;
      const Spatial expected = moved ? work.motion[at(c)] : Spatial::Zero();
      const PoseT<D4>& X = moving.X_GB[b];
      EXPECT_LT((motion_of(values(X.R), values(X.p), rates(X.R), rates(X.p)) - expected).norm(), 1e-12);
    }
  }
}

TEST_P(TreeLaws, velocities_are_rates_of_poses_and_accelerations_of_velocities) {
  const TreeWork<D4> moving = moving_work(tree, q, u, a);
  inverse(tree, work, a, some_gravity);
  for (std::size_t b = 0; b < tree.bodies.size(); ++b) {
    const PoseT<D4>& X = moving.X_GB[b];
    const double scale = 1.0 + work.velocity[b].norm() + work.acceleration[b].norm();
    EXPECT_LT((motion_of(values(X.R), values(X.p), rates(X.R), rates(X.p)) - work.velocity[b]).norm(), 1e-13 * scale);
    EXPECT_LT((values(moving.velocity[b]) - work.velocity[b]).norm(), 1e-13 * scale);
    EXPECT_LT((rates(moving.velocity[b]) - work.acceleration[b]).norm(), 1e-12 * scale);
  }
}

TEST_P(TreeLaws, bias_is_the_rate_of_a_joints_motion_at_steady_speeds) {
  const TreeWork<D4> moving = moving_work(tree, q, u, VecX::Zero(n));
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const SpatialT<D4> over_joint = moving.velocity[b] - moving.velocity[at(tree.bodies[b].parent)];
    const double scale = 1.0 + work.velocity[b].squaredNorm();
    EXPECT_LT((rates(over_joint) - work.bias[b]).norm(), 1e-12 * scale);
    // and each motion axis turns with the axes below it
    Spatial sum = Spatial::Zero();
    for (int c = tree.bodies[b].first_coordinate; c < tree.bodies[b].last_coordinate; ++c)
      sum += rates(moving.motion[at(c)]) * u[c];
    EXPECT_LT((sum - work.bias[b]).norm(), 1e-12 * scale);
  }
}

TEST_P(TreeLaws, mass_matrix_is_symmetric_and_positive) {
  const MatX M = mass(tree, work);
  EXPECT_EQ((M - M.transpose()).cwiseAbs().maxCoeff(), 0.0);
  const Eigen::LLT<MatX> factor(M);
  EXPECT_EQ(factor.info(), Eigen::Success);
  EXPECT_GT(factor.matrixL().toDenseMatrix().diagonal().minCoeff(), 0.0);
  EXPECT_NEAR(0.5 * u.dot(M * u), motion_energy(tree, work), 1e-12 * motion_energy(tree, work));
}

TEST_P(TreeLaws, mass_matrix_times_acceleration_and_bias_is_inverse_dynamics) {
  const std::vector<Spatial> external = random_wrenches(random, tree);
  const MatX M = mass(tree, work);
  const VecX bias = inverse(tree, work, VecX::Zero(n), some_gravity, external);
  EXPECT_LT(difference(M * a + bias, inverse(tree, work, a, some_gravity, external)), 1e-13);
  // columns of the mass matrix: inverse dynamics without speed and gravity
  TreeWork<double> still = work_at(tree, q, VecX::Zero(n));
  for (int c = 0; c < n; ++c)
    EXPECT_LT(difference(inverse(tree, still, VecX::Unit(n, c), Vec3::Zero()), M.col(c)), 1e-13);
}

TEST_P(TreeLaws, forward_undoes_inverse_dynamics) {
  const std::vector<Spatial> external = random_wrenches(random, tree);
  const VecX tau = inverse(tree, work, a, some_gravity, external);
  const std::vector<Spatial> wrenches = work.joint_wrench, accelerations = work.acceleration;
  const VecX found = forward(tree, work, tau, some_gravity, external);
  EXPECT_LT(difference(found, a), 1e-9);
  EXPECT_LT(difference(inverse(tree, work, found, some_gravity, external), tau), 1e-11);
  forward(tree, work, tau, some_gravity, external);  // fills the same results on its own
  double scale = 0.0;
  for (const Spatial& w : wrenches) scale = std::max(scale, w.norm());
  for (std::size_t b = 0; b < wrenches.size(); ++b) {
    EXPECT_LT((work.joint_wrench[b] - wrenches[b]).norm(), 1e-10 * scale);
    EXPECT_LT((work.acceleration[b] - accelerations[b]).norm(), 1e-8 * (1.0 + accelerations[b].norm()));
  }
}

TEST_P(TreeLaws, lagrange) {
  const VecX tau = inverse(tree, work, a, some_gravity);
  EXPECT_LT(difference(tau, lagrange(tree, q, u, a, some_gravity)), 1e-12);
}

TEST_P(TreeLaws, power_balance) {
  const std::vector<Spatial> external = random_wrenches(random, tree);
  const VecX tau = inverse(tree, work, a, some_gravity, external);
  const TreeWork<D4> moving = moving_work(tree, q, u, a);
  const double rate = (motion_energy(tree, moving) + weight_energy(tree, moving, some_gravity)).v[0];
  double supplied = 0.0, size = 0.0;
  const auto add = [&](double p) { supplied += p, size += std::abs(p); };
  for (int c = 0; c < n; ++c) add(tau[c] * u[c]);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) add(power<double>(external[b], work.velocity[b]));
  EXPECT_NEAR(supplied, rate, 1e-12 * size);
}

TEST_P(TreeLaws, reactions_carry_everything_beyond_the_joint) {
  const std::vector<Spatial> external = random_wrenches(random, tree);
  inverse(tree, work, a, some_gravity, external);
  const TreeWork<D4> moving = moving_work(tree, q, u, a);
  double weight = 0.0;
  for (const TreeBody& body : tree.bodies) weight += body.mass * some_gravity.norm();
  for (std::size_t b = 0; b < tree.bodies.size(); ++b) {
    Spatial expected = Spatial::Zero();
    for (int k = static_cast<int>(b); k < tree.bodies[b].subtree_end; ++k) {
      if (k > 0)
        expected += rates(body_momentum(tree, moving, at(k))) -
                    wrench_at<double>(work.mass_center[at(k)], tree.bodies[at(k)].mass * some_gravity);
      expected -= external[at(k)];
    }
    EXPECT_LT((work.joint_wrench[b] - expected).norm(), 1e-9 * weight) << "body " << b;
  }
}

TEST_P(TreeLaws, standing_still_the_root_carries_the_weight) {
  TreeWork<double> still = work_at(tree, q, VecX::Zero(n));
  inverse(tree, still, VecX::Zero(n), some_gravity);
  Spatial weight = Spatial::Zero();
  double sum = 0.0;
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    weight -= wrench_at<double>(still.mass_center[b], tree.bodies[b].mass * some_gravity);
    sum += tree.bodies[b].mass;
  }
  EXPECT_LT((still.joint_wrench[0] - weight).norm(), 1e-12 * weight.norm());
  EXPECT_NEAR(still.joint_wrench[0].tail<3>().norm(), sum * some_gravity.norm(), 1e-12 * weight.norm());
}

TEST_P(TreeLaws, dual_numbers_carry_derivatives_of_all_algorithms) {
  const VecX dq = random.vector(n, 1.0), du = random.vector(n, 1.0), da = random.vector(n, 1.0);
  TreeWork<D4> moving(tree);
  std::vector<D4> qs = along(q, dq), us = along(u, du, 1), as = along(a, da, 2);
  for (int i = 0; i < n; ++i) {
    qs[at(i)].v[3] = dq[i];
    us[at(i)].v[3] = du[i];
    as[at(i)].v[3] = da[i];
  }
  positions<D4>(tree, qs, moving);
  velocities<D4>(tree, us, moving);
  std::vector<D4> tau(at(n)), back(at(n)), M(at(n * n));
  inverse_dynamics<D4>(tree, as, some_gravity, {}, moving, tau);
  forward_dynamics<D4>(tree, tau, some_gravity, {}, moving, back);
  mass_matrix<D4>(tree, moving, M);
  const auto plain = [&](double h) {
    TreeWork<double> at_h = work_at(tree, q + h * dq, u + h * du);
    return inverse(tree, at_h, a + h * da, some_gravity);
  };
  const auto plain_mass = [&](double h) {
    TreeWork<double> at_h = work_at(tree, q + h * dq, u);
    return mass(tree, at_h);
  };
  const double h = 1e-5;
  const VecX slope = (plain(h) - plain(-h)) / (2 * h);
  const MatX mass_slope = (plain_mass(h) - plain_mass(-h)) / (2 * h);
  VecX value(n), sum(n), all(n);
  MatX M_value(n, n), M_slope(n, n);
  for (int i = 0; i < n; ++i) {
    const D4& t = tau[at(i)];
    value[i] = t.a, sum[i] = t.v[0] + t.v[1] + t.v[2], all[i] = t.v[3];
    for (std::size_t k = 0; k < 4; ++k)
      EXPECT_NEAR(back[at(i)].v[k], k == 2 || k == 3 ? da[i] : 0.0, 1e-7 * (1.0 + std::abs(slope[i])));
    for (int j = 0; j < n; ++j) M_value(i, j) = M[at(j * n + i)].a, M_slope(i, j) = M[at(j * n + i)].v[0];
  }
  EXPECT_LT(difference(value, plain(0)), 1e-14);
  EXPECT_LT(difference(sum, all), 1e-12);
  EXPECT_LT(difference(all, slope), 1e-7);
  EXPECT_LT(difference(M_value, plain_mass(0)), 1e-14);
  EXPECT_LT(difference(M_slope, mass_slope), 1e-7);
}

TEST(TreeMotion, energy_is_conserved) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Random random(100 + seed);
    const int n = 5 + 3 * static_cast<int>(seed);
    const Tree tree = random_tree(random, n, Functions::smooth);
    VecX q = random.vector(n, 0.4), u = random.vector(n, 1.0);
    const double before = energy(tree, some_gravity, q, u), kinetic = motion_energy(tree, work_at(tree, q, u));
    integrate(tree, some_gravity, 1e-4, 1000, q, u);
    EXPECT_NEAR(energy(tree, some_gravity, q, u), before, 1e-7 * (kinetic + std::abs(before))) << "seed " << seed;
  }
}

TEST(TreeMotion, error_falls_with_the_fourth_power_of_the_step) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Random random(200 + seed);
    const int n = 6;
    const Tree tree = random_tree(random, n, Functions::identity);
    const VecX q = random.vector(n, 0.4), u = random.vector(n, 1.0);
    std::vector<VecX> ends;
    for (int steps : {100, 200, 400}) {
      VecX x = q, v = u;
      integrate(tree, some_gravity, 0.2 / steps, steps, x, v);
      ends.push_back(x);
    }
    EXPECT_NEAR(std::log2((ends[0] - ends[1]).norm() / (ends[1] - ends[2]).norm()), 4.0, 0.3) << "seed " << seed;
  }
}

TEST(TreeMotion, splines_conserve_energy) {
  const Tree tree = leg();
  VecX q(4), u(4);
  q << 0.3, 0.1, -0.1, -1.0;
  u << 1.0, 0.5, -0.4, 2.0;
  const double before = energy(tree, down, q, u);
  integrate(tree, down, 1e-4, 1000, q, u);
  EXPECT_GT(q[3], -1.0);
  EXPECT_LT(q[3], 0.2);
  EXPECT_NEAR(energy(tree, down, q, u), before, 1e-6);
  // Past the end of a spline its curvature jumps to zero, and the step that crosses it is of first order only.
  integrate(tree, down, 1e-4, 1000, q, u);
  EXPECT_GT(q[3], 0.2);
  EXPECT_NEAR(energy(tree, down, q, u), before, 5e-3);
}

// A tree on a free root in the void, whose joints push and pull: momentum and angular momentum stay.
TEST(TreeMotion, inner_forces_leave_momentum_alone) {
  Random random(5);
  Tree tree = empty_tree();
  const PiecewisePolynomial same = PiecewisePolynomial::identity();
  std::vector<TreeAxis> free;
  for (int i = 0; i < 6; ++i) free.push_back({i > 2, Vec3::Unit(i % 3), i, same});
  append_body(tree, random_body(random, 0), free, 6);
  for (int parent : {1, 2, 3, 1, 5, 1})
    append_body(tree, random_body(random, parent), {{true, random.direction(), 0, same}}, 1);
  const int n = tree.coordinates();
  const VecX q = random.vector(n, 0.8), u = random.vector(n, 3.0);
  VecX tau = random.vector(n, 30.0);
  tau.head<6>().setZero();
  TreeWork<double> work = work_at(tree, q, u);
  const VecX a = forward(tree, work, tau, Vec3::Zero());
  EXPECT_LT(work.joint_wrench[1].norm(), 1e-10);
  const TreeWork<D4> moving = moving_work(tree, q, u, a);
  Spatial rate = Spatial::Zero();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) rate += rates(body_momentum(tree, moving, b));
  EXPECT_LT(rate.norm(), 1e-10);
}

// A book thrown about its middle axis turns over: Euler's equations in body axes, about three turns.
TEST(TreeMotion, free_rotation_keeps_energy_and_angular_momentum) {
  Tree tree = empty_tree();
  TreeBody book;
  book.parent = 0;
  book.mass = 1.0;
  book.inertia.diagonal() << 1.0, 2.0, 3.0;
  append_body(tree, book,
              {{true, Vec3::UnitX(), 0, PiecewisePolynomial::identity()},
               {true, Vec3::UnitY(), 1, PiecewisePolynomial::identity()},
               {true, Vec3::UnitZ(), 2, PiecewisePolynomial::identity()}},
              3);
  VecX q(3), u(3);
  q << 0.0, 0.3, 0.0;
  u << 3.0, 0.02, 0.1;
  const Spatial before = body_momentum(tree, work_at(tree, q, u), 1);
  const double T = motion_energy(tree, work_at(tree, q, u));
  integrate(tree, Vec3::Zero(), 1e-3, 1500, q, u);
  EXPECT_LT((body_momentum(tree, work_at(tree, q, u), 1) - before).norm(), 1e-9 * before.norm());
  EXPECT_NEAR(motion_energy(tree, work_at(tree, q, u)), T, 1e-9 * T);
}

TEST(TreeEdges, only_ground) {
  const Tree tree = empty_tree();
  const VecX none(0);
  TreeWork<double> work = work_at(tree, none, none);
  EXPECT_EQ(inverse(tree, work, none, down).size(), 0);
  EXPECT_EQ(forward(tree, work, none, down).size(), 0);
  EXPECT_EQ(mass(tree, work).size(), 0);
  EXPECT_EQ(work.joint_wrench[0].norm(), 0.0);
}

TEST(TreeEdges, welded_bodies_are_one) {
  Random random(6);
  const PiecewisePolynomial same = PiecewisePolynomial::identity();
  // the same mass twice over: as one body, and cut in two halves that are welded
  TreeBody whole = random_body(random, 0);
  Tree one = empty_tree(), two = empty_tree();
  append_body(one, whole, {{true, Vec3::UnitZ(), 0, same}}, 1);
  TreeBody half = whole;
  half.mass *= 0.5;
  half.inertia *= 0.5;
  append_body(two, half, {{true, Vec3::UnitZ(), 0, same}}, 1);
  half.parent = 1;
  half.X_PF = random.pose(0.3);
  half.X_MB = half.X_PF.inverse();
  append_body(two, half, {}, 0);
  const VecX q = random.vector(1, 1.0), u = random.vector(1, 3.0), tau = random.vector(1, 10.0);
  TreeWork<double> a = work_at(one, q, u), b = work_at(two, q, u);
  EXPECT_NEAR(forward(one, a, tau, down)[0], forward(two, b, tau, down)[0], 1e-10);
  EXPECT_NEAR(mass(one, a)(0, 0), mass(two, b)(0, 0), 1e-14);
  EXPECT_LT((a.joint_wrench[1] - b.joint_wrench[1]).norm(), 1e-11 * a.joint_wrench[1].norm());
}

}  // namespace
}  // namespace psoas::test
