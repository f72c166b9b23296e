// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

#include "psoas/skeleton/rotation_vector.hpp"

#include <gtest/gtest.h>

#include "psoas/skeleton/dynamics.hpp"
#include "skeleton/mechanics.hpp"

namespace psoas::test {
namespace {

Vec3 of_length(Random& random, double angle) { return angle * random.direction(); }

// angles from far below the smallest step to beyond a turn, both sides of where series give way to closed forms
const std::vector<double> angles = {0.0, 1e-300, 1e-12, 1e-6, 1e-3, 0.1, 0.7, 0.999999, 1.000001, 2.0, 3.1, 4.5, 6.2};

TEST(RotationVector, matrix_is_the_rotation_about_its_axis) {
  Random random(1);
  for (const double angle : angles)
    for (int trial = 0; trial < 20; ++trial) {
      const Vec3 axis = random.direction(), r = angle * axis;
      const Mat3 R = RotationVector<double>(r).matrix();
      EXPECT_LT((R - Eigen::AngleAxisd(angle, axis).toRotationMatrix()).norm(), 1e-15 * (10.0 + angle)) << angle;
    }
}

TEST(RotationVector, stumpff_functions_keep_their_recurrence_and_meet_where_the_series_ends) {
  for (const double s : {0.2, 0.9999999, 1.0000001, 5.0, 30.0}) {
    const auto c = stumpff<double>(s);
    const double theta = std::sqrt(s);
    EXPECT_NEAR(c[0], std::cos(theta), 1e-15);
    EXPECT_NEAR(c[1], std::sin(theta) / theta, 1e-15);
    EXPECT_NEAR(c[2], 2.0 * std::pow(std::sin(0.5 * theta) / theta, 2), 1e-15);
    EXPECT_NEAR(c[3], (theta - std::sin(theta)) / (s * theta), 1e-15);
  }
  const auto below = stumpff<double>(std::nextafter(1.0, 0.0)), above = stumpff<double>(1.0);
  for (std::size_t k = 0; k < 8; ++k) EXPECT_NEAR(below[k], above[k], 1e-16) << k;
}

TEST(RotationVector, angular_velocity_is_the_rate_of_the_matrix) {
  Random random(2);
  for (const double angle : angles)
    for (int trial = 0; trial < 20; ++trial) {
      const Vec3 r = of_length(random, angle), u = random.vec3(3.0);
      Vec3T<D4> moving = r.cast<D4>();
      for (int k = 0; k < 3; ++k) moving[k].v[0] = u[k];
      const RotationVector<D4> dual(moving);
      const RotationVector<double> plain(r);
      const Mat3T<D4> R = dual.matrix();
      const Mat3 W = rates(R) * values(R).transpose();
      const Vec3 w = plain.angular_velocity(u);
      EXPECT_LT((W - Mat3(Eigen::Matrix3d{{0, -w.z(), w.y()}, {w.z(), 0, -w.x()}, {-w.y(), w.x(), 0}})).norm(), 1e-13);
      EXPECT_LT((plain.jacobian() * u - w).norm(), 1e-14 * (1.0 + angle));
      EXPECT_LT((plain.speeds(w) - u).norm(), angle < 6.0 ? 1e-12 : 1e-10);
      // and the two rates of J
      const Vec3 x = random.vec3(1.0), a = random.vec3(5.0);
      const Mat3T<D4> J = dual.jacobian();
      EXPECT_LT((rates(J) * x - plain.jacobian_rate(u, x)).norm(), 1e-13);
      Vec3T<D4> speeds = u.cast<D4>();
      for (int k = 0; k < 3; ++k) speeds[k].v[0] = a[k];
      const Vec3T<D4> first = dual.jacobian_rate(speeds, x.cast<D4>());
      EXPECT_LT((rates(first) - plain.jacobian_second_rate(u, a, x)).norm(),
                2e-13 * (1.0 + u.squaredNorm() + a.norm()));
    }
}

TEST(RotationVector, recharted_is_the_same_motion) {
  Random random(3);
  for (const double angle : {3.15, 4.0, 5.5, 6.28, 8.0, 9.0, 20.0}) {
    const Vec3 r = of_length(random, angle), u = random.vec3(2.0);
    const auto other = recharted(r, u);
    ASSERT_TRUE(other);
    EXPECT_LE(other->first.norm(), pi * (1.0 + 1e-15));
    const RotationVector<double> before(r), after(other->first);
    EXPECT_LT((before.matrix() - after.matrix()).norm(), 1e-14 * (1.0 + angle));
    EXPECT_LT((before.angular_velocity(u) - after.angular_velocity(other->second)).norm(), 1e-13);
  }
  EXPECT_FALSE(recharted(Vec3(0.0, 3.14, 0.0), Vec3::Ones()));
  EXPECT_FALSE(recharted(Vec3::Zero(), Vec3::Ones()));
}

TEST(RotationVector, quaternions_and_matrices_there_and_back) {
  Random random(4);
  for (const double angle : {0.0, 1e-300, 1e-12, 1e-6, 0.1, 1.0, 2.0, 3.1, 3.14159}) {
    const Vec3 r = of_length(random, angle);
    const Eigen::Vector4d q = quaternion_of(r);
    EXPECT_NEAR(q.norm(), 1.0, 1e-15);
    const Mat3 R = RotationVector<double>(r).matrix();
    EXPECT_LT((Eigen::Quaterniond(q[0], q[1], q[2], q[3]).toRotationMatrix() - R).norm(), 1e-15 * 10);
    EXPECT_LT((rotation_vector_of(q) - r).norm(), 1e-14);
    EXPECT_LT((rotation_vector_of(Eigen::Vector4d(-3.0 * q)) - r).norm(), 1e-14);
    EXPECT_LT((rotation_vector_of(R) - r).norm(), 1e-14);
  }
}

/// A body of three different principal moments on a ball joint.
Tree top(const Vec3& moments, const Vec3& mass_center = Vec3::Zero()) {
  Tree tree = empty_tree();
  TreeBody body;
  body.parent = 0;
  body.mass = 2.0;
  body.mass_center = mass_center;
  body.inertia = moments.asDiagonal();
  append_body(tree, body, Ball{"x", "y", "z"}.axes());
  return tree;
}

// Sixty seconds of a free body thrown near its middle axis, which turns over again and again; the rotation vector passes
// a half-turn many times.
TEST(RotationVector, a_free_top_keeps_energy_and_angular_momentum_through_its_charts) {
  const Tree tree = top({1.0, 2.0, 3.0});
  VecX q = VecX::Zero(3), u(3);
  q[1] = 0.3;
  u << 0.05, 3.0, 0.02;
  const auto measure = [&](double& T, Vec3& L) {
    const TreeWork<double> work = work_at(tree, q, u);
    T = kinetic_energy<double>(tree, work);
    L = momentum<double>(tree, work).head<3>();
  };
  double before, after;
  Vec3 L_before, L_after;
  measure(before, L_before);
  int charts = 0;
  double worst_energy = 0.0, worst_momentum = 0.0;
  for (int step = 0; step < 60000; ++step) {
    integrate(tree, Vec3::Zero(), 1e-3, 1, q, u);
    charts += rechart(tree, view(q), view(u));
    if (step % 100 != 99) continue;
    measure(after, L_after);
    worst_energy = std::max(worst_energy, std::abs(after / before - 1.0));
    worst_momentum = std::max(worst_momentum, (L_after - L_before).norm() / L_before.norm());
  }
  EXPECT_GT(charts, 20);
  EXPECT_LT(worst_energy, 1e-9);
  EXPECT_LT(worst_momentum, 1e-9);
  RecordProperty("worst", std::to_string(1e12 * std::max(worst_energy, worst_momentum)) + "e-12");
  RecordProperty("charts", charts);
}

// Of a top with two equal moments Euler's equations are solved: in body axes the angular velocity turns about the axis of
// symmetry with (I3 - I1) / I1 w3, in space axis and angular velocity turn about the angular momentum with |L| / I1.
TEST(RotationVector, a_symmetric_top_precesses_as_euler_says) {
  const double I1 = 2.0, I3 = 3.0, time = 5.0;
  const Tree tree = top({I1, I1, I3});
  VecX q = VecX::Zero(3), u(3);
  u << 0.6, 0.0, 2.0;  // at the identity the speeds are the angular velocity
  const Vec3 L(I1 * u[0], 0.0, I3 * u[2]);
  for (int step = 0; step < 5000; ++step) {
    integrate(tree, Vec3::Zero(), 1e-3, 1, q, u);
    rechart(tree, view(q), view(u));
  }
  const Mat3 R = work_at(tree, q, u).X_GB[1].R;
  const Vec3 axis = Eigen::AngleAxisd(L.norm() / I1 * time, L.normalized()) * Vec3::UnitZ();
  EXPECT_LT((R.col(2) - axis).norm(), 1e-10);
  const TreeWork<double> work = work_at(tree, q, u);
  const Vec3 w_B = R.transpose() * work.velocity[1].head<3>();
  const double turn = (I3 - I1) / I1 * 2.0 * time;
  EXPECT_LT((w_B - Vec3(0.6 * std::cos(turn), 0.6 * std::sin(turn), 2.0)).norm(), 1e-10);
}

// The same body on a ball and on three body-fixed rotations moves the same way.
TEST(RotationVector, a_ball_moves_as_three_hinges_do) {
  Random random(5);
  TreeBody body = random_body(random, 0);
  Tree ball = empty_tree(), hinges = empty_tree();
  append_body(ball, body, Ball{"x", "y", "z"}.axes());
  std::vector<JointAxis> three = Ball{"x", "y", "z"}.axes();
  for (JointAxis& axis : three) axis.vector = false;
  append_body(hinges, body, three);
  const VecX angles_3 = random.vector(3, 0.8), speeds_3 = random.vector(3, 2.0);
  const TreeWork<double> at_hinges = work_at(hinges, angles_3, speeds_3);
  const auto rotation = [&](const TreeWork<double>& work) {
    return Mat3(body.X_PF.R.transpose() * work.X_GB[1].R * body.X_MB.R.transpose());
  };
  VecX q = rotation_vector_of(rotation(at_hinges));
  const Vec3 w = body.X_PF.R.transpose() * at_hinges.velocity[1].head<3>();
  VecX u = RotationVector<double>(q).speeds(w);
  VecX q3 = angles_3, u3 = speeds_3;
  EXPECT_LT((work_at(ball, q, u).velocity[1] - at_hinges.velocity[1]).norm(), 1e-13);
  integrate(ball, some_gravity, 1e-4, 5000, q, u);
  integrate(hinges, some_gravity, 1e-4, 5000, q3, u3);
  const TreeWork<double> one = work_at(ball, q, u), other = work_at(hinges, q3, u3);
  EXPECT_LT((one.X_GB[1].R - other.X_GB[1].R).norm(), 1e-10);
  EXPECT_LT((one.velocity[1] - other.velocity[1]).norm(), 1e-9);
}

}  // namespace
}  // namespace psoas::test
