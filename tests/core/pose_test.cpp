// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/pose.hpp"

#include <gtest/gtest.h>

#include "psoas/core/units.hpp"

namespace psoas {
namespace {

const Vec3 axis = Vec3(1, -2, 0.5).normalized();

TEST(Pose, RotationIsThatOfEigen) {
  for (const double angle : {-3.0, -0.2, 0.0, 1e-9, 0.8, 3.1}) {
    const Mat3 R = rotation_about(axis, angle);
    EXPECT_LT((R - Eigen::AngleAxisd(angle, axis).toRotationMatrix()).norm(), 1e-15);
    EXPECT_LT((R * R.transpose() - Mat3::Identity()).norm(), 2e-15);
    EXPECT_LT((R * axis - axis).norm(), 1e-15);
  }
}

TEST(Pose, RotationTurnsByTheRightHand) {
  EXPECT_LT((rotation_about(Vec3::UnitZ(), degrees(90)) * Vec3::UnitX() - Vec3::UnitY()).norm(), 1e-15);
}

TEST(Pose, BodyFixedAnglesTurnAboutAxesThatMove) {
  // After 90 degrees about x, the body's y axis is ground's z; the second angle turns about that one.
  const Mat3 R = rotation_xyz(Vec3(degrees(90), degrees(90), 0));
  EXPECT_LT((R * Vec3::UnitX() - Vec3(0, 1, 0)).norm(), 1e-15);
  EXPECT_LT((R * Vec3::UnitY() - Vec3(0, 0, 1)).norm(), 1e-15);
}

TEST(Pose, SpinIsTheDerivativeOfRotation) {
  // dR/dangle = [axis]x R
  const Mat3T<Dual<4>> R = rotation_about(axis, Dual<4>(0.8, 0));
  Mat3 cross;
  cross << 0, -axis.z(), axis.y(), axis.z(), 0, -axis.x(), -axis.y(), axis.x(), 0;
  const Mat3 expected = cross * rotation_about(axis, 0.8);
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(R(i, k).v[0], expected(i, k), 1e-15);
}

TEST(Pose, CompositionAndInverse) {
  const Pose X_GP{rotation_about(axis, 0.7), {1, 2, 3}}, X_PB{rotation_about(Vec3::UnitY(), -1.1), {-0.2, 0.4, 0}};
  const Vec3 p_BQ(0.3, -0.1, 0.9);
  EXPECT_LT((X_GP * X_PB * p_BQ - X_GP * (X_PB * p_BQ)).norm(), 1e-15);
  const Pose unit = X_GP * X_GP.inverse();
  EXPECT_LT((unit.R - Mat3::Identity()).norm() + unit.p.norm(), 2e-15);
  EXPECT_EQ((X_GP.cast<Dual<4>>() * p_BQ.cast<Dual<4>>())[1].a, (X_GP * p_BQ)[1]);
}

TEST(Pose, WrenchHasTheMomentOfItsForce) {
  const Spatial w = wrench_at<double>(Vec3(2, 0, 0), Vec3(0, 3, 0));
  EXPECT_EQ(w[2], 6.0);  // x cross y is z
  EXPECT_EQ(w[4], 3.0);
  EXPECT_EQ(w.head<2>().norm() + std::abs(w[3]) + std::abs(w[5]), 0.0);
}

}  // namespace
}  // namespace psoas
