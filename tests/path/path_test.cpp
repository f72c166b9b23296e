// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/path/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "path/sweeps.hpp"
#include "psoas/core/error.hpp"
#include "support/errors.hpp"
#include "support/random.hpp"

namespace psoas {
namespace {

using test::MersenneTwister;

/// Ground and two bodies: body 1 turns about an axis by q0 and slides by q1 from where it was, body 2 by q2 and q3.
struct Mechanism {
  std::array<Pose, 2> start;
  std::array<Vec3, 2> axis, slide;

  explicit Mechanism(MersenneTwister& random)
      : start{random.pose(0.1), random.pose(0.1)},
        axis{random.vector(1).normalized(), random.vector(1).normalized()},
        slide{random.vector(1).normalized(), random.vector(1).normalized()} {}

  template <class S>
  std::vector<PoseT<S>> poses(const std::array<S, 4>& q) const {
    std::vector<PoseT<S>> X(3);
    for (std::size_t b = 0; b < 2; ++b) {
      const PoseT<S> turn{rotation_about<S>(axis[b], q[2 * b]), Vec3T<S>(slide[b].cast<S>() * q[2 * b + 1])};
      X[b + 1] = turn * start[b].cast<S>();
    }
    return X;
  }
  /// Motion of the body per coordinate; the axis of rotation goes through the point that has slid along.
  Spatial motion(std::size_t b, int coordinate, const std::array<double, 4>& q) const {
    Spatial s = Spatial::Zero();
    if (coordinate == static_cast<int>(2 * b)) s << axis[b], Vec3(slide[b] * q[2 * b + 1]).cross(axis[b]);
    if (coordinate == static_cast<int>(2 * b + 1)) s << Vec3::Zero(), slide[b];
    return s;
  }
};

template <class S>
struct Answer {
  PathValue<S> value;
  std::vector<SpatialT<S>> wrench;
};

template <class S>
Answer<S> evaluate(const Path& path, const std::vector<PoseT<S>>& X_GB, const std::vector<S>& q = {}) {
  Answer<S> answer;
  answer.wrench.resize(path.bodies.size());
  answer.value = evaluate_path<S>(path, X_GB, q, answer.wrench);
  return answer;
}

Answer<double> evaluate_at(const Path& path, const Mechanism& mechanism, const std::array<double, 4>& q) {
  return evaluate<double>(path, mechanism.poses<double>(q));
}

Surface surface(MersenneTwister& random, double radius) {
  if (random.below(2)) return Sphere{radius};
  return Cylinder{radius};
}

/// A path with a few points and surfaces anywhere: many of these touch, some do not.
Path any_path(MersenneTwister& random, int points, int wraps) {
  Path path;
  for (int i = 0; i < points; ++i) path.points.push_back({random.below(3), random.vector(0.2)});
  for (int i = 0; i < wraps; ++i)
    path.wraps.push_back({random.below(3), random.pose(0.1), surface(random, random.uniform(0.01, 0.05)), 0, points - 1,
                          static_cast<Side::Rule>(random.below(3))});
  path.finish();
  return path;
}

TEST(Path, StraightPartsAddUp) {
  Path path;
  path.points = {{0, {0, 0, 0}}, {0, {3, 4, 0}}, {1, {0, 0, 0}}};
  path.finish();
  EXPECT_EQ(path.bodies, (std::vector<int>{0, 1}));
  std::vector<Pose> X(2);
  X[1].p = {3, 4, 2};
  const auto [value, wrench] = evaluate<double>(path, X);
  EXPECT_DOUBLE_EQ(value.length, 7);
  EXPECT_EQ(value.touching, 0);
  EXPECT_FALSE(value.inside);
  Spatial expected;
  expected << 4, -3, 0, 0, 0, 1;  // at (3, 4, 0), pulled towards +z
  EXPECT_NEAR((wrench[0] - expected).norm(), 0, 1e-15);
  EXPECT_NEAR((wrench[1] + expected).norm(), 0, 1e-15);
}

TEST(Path, SurfaceCarriesTheContactForce) {
  // A rope from (-2, -1, 0) over a unit cylinder at the origin to (2, -1, 0): each side comes off at a known angle.
  Path path;
  path.points = {{0, {-2, -1, 0}}, {0, {2, -1, 0}}};
  path.wraps = {{1, Pose{}, Cylinder{1.0}, 0, 1, Side::toward(Vec3::UnitY())}};
  path.finish();
  const auto [value, wrench] = evaluate<double>(path, std::vector<Pose>(2));
  const double d = std::sqrt(5.0), steep = std::asin(1 / d) + std::atan2(1, 2);  // of the rope above the horizontal
  EXPECT_NEAR(value.length, 2 * 2 + 2 * steep, 1e-14);
  EXPECT_EQ(value.touching, 1);
  EXPECT_NEAR((wrench[1].tail<3>() - Vec3(0, -2 * std::sin(steep), 0)).norm(), 0, 1e-14);
  EXPECT_NEAR(wrench[1].head<3>().norm(), 0, 1e-14) << "no friction, so no moment about the axis";
}

TEST(Path, APointMovesByAFunctionOfACoordinate) {
  // A point that goes up as q^2 between two others: l = 2 sqrt(1 + q^4), dl/dq = 4 q^3 / sqrt(1 + q^4).
  Path path;
  path.points = {{0, {-1, 0, 0}}, {0, {0, 0, 0}}, {0, {1, 0, 0}}};
  path.motions = {{1, {0, 1, 0}, 0, PiecewisePolynomial({0.0}, {{0.0, 0.0, 1.0}})}};
  path.finish();
  for (const double q : {-0.7, 0.0, 0.4, 1.3}) {
    std::vector<Spatial> wrench(1);
    std::vector<double> drive(1);
    const PathValue<double> value = evaluate_path<double>(path, std::vector<Pose>(1), std::vector{q}, wrench, drive);
    const double d = std::sqrt(1 + q * q * q * q);
    EXPECT_NEAR(value.length, 2 * d, 1e-15);
    EXPECT_NEAR(-drive[0], 4 * q * q * q / d, 1e-14);
    EXPECT_EQ(wrench[0].norm(), 0.0) << "all inside one body";
  }
}

TEST(Path, DriveOfMovingPointsIsTheSlopeOfTheLength) {
  MersenneTwister random(31);
  int touching = 0;
  for (int i = 0; i < 300; ++i) {
    Path path = any_path(random, 3 + random.below(2), 1 + random.below(2));
    for (int k = 0; k < 3; ++k) {
      const std::vector<double> c = {random.uniform(-0.02, 0.02), random.uniform(-0.1, 0.1), random.uniform(-0.1, 0.1)};
      path.motions.push_back({random.below(static_cast<int>(path.points.size())), random.vector(1).normalized(),
                              random.below(2), PiecewisePolynomial({0.0}, {c})});
    }
    path.finish();
    const std::vector<Pose> X = Mechanism(random).poses<double>({});
    std::vector<PoseT<Dual<4>>> X_dual;
    for (const Pose& pose : X) X_dual.push_back(pose.cast<Dual<4>>());
    const std::vector<double> q = {random.uniform(-1, 1), random.uniform(-1, 1)};
    const std::vector<Dual<4>> q_dual = {Dual<4>(q[0], 0), Dual<4>(q[1], 1)};
    std::vector<Spatial> wrench(path.bodies.size());
    std::vector<SpatialT<Dual<4>>> wrench_dual(path.bodies.size());
    std::vector<double> drive(3);
    const PathValue<double> value = evaluate_path<double>(path, X, q, wrench, drive);
    const PathValue<Dual<4>> dual = evaluate_path<Dual<4>>(path, X_dual, q_dual, wrench_dual);
    std::vector<double> slope(2);
    for (std::size_t k = 0; k < 3; ++k) slope[static_cast<std::size_t>(path.motions[k].coordinate)] -= drive[k];
    for (std::size_t c = 0; c < 2; ++c) EXPECT_NEAR(dual.length.v[c], slope[c], 1e-9) << i;
    touching += value.touching;
  }
  EXPECT_GT(touching, 60);
}

TEST(Path, BeyondTheEndsOfACylinderIsFlaggedAndSmooth) {
  // a string over a unit cylinder that comes to it at z = -t/3 and leaves it at t/3, about
  Path path;
  path.points = {{0, {-2, -1, 0}}, {0, {2, -1, 0}}};
  path.wraps = {{0, Pose{}, Cylinder{1.0, 1.0}, 0, 1, Side::toward(Vec3::UnitY())}};
  path.finish();
  Path endless = path;
  endless.wraps[0].shape = Cylinder{1.0};
  int flagged = 0;
  for (int i = 0; i <= 40; ++i) {
    const double z = 0.1 * i - 2.0;
    for (Path* one : {&path, &endless}) {
      one->points[0].location.z() = -z;
      one->points[1].location.z() = z;
    }
    const auto value = evaluate<double>(path, std::vector<Pose>(1)).value;
    const auto same = evaluate<double>(endless, std::vector<Pose>(1)).value;
    EXPECT_EQ(value.length, same.length);
    EXPECT_FALSE(same.inside);
    // unrolled, the string is straight: 2 + steep to either side, of which the last 2 are off the cylinder
    const double steep = std::asin(1 / std::sqrt(5.0)) + std::atan2(1, 2);
    EXPECT_EQ(value.inside, std::abs(z) * steep / (2 + steep) > 0.5) << z;
    EXPECT_EQ(value.beyond_end, value.inside) << z;
    flagged += value.inside;
  }
  EXPECT_GT(flagged, 5);
  EXPECT_LT(flagged, 35);
}

TEST(Path, ConditionalPointExistsInItsClosedRange) {
  Path path;
  path.points = {{0, {0, 0, 0}}, {0, {1, 1, 0}, 0, -0.5, 0.5}, {0, {2, 0, 0}}};
  path.finish();
  const std::vector<Pose> X(1);
  for (const double q : {-0.5, 0.0, 0.5})
    EXPECT_DOUBLE_EQ(evaluate<double>(path, X, {q}).value.length, 2 * std::sqrt(2.0));
  for (const double q : {-0.51, 0.51}) EXPECT_DOUBLE_EQ(evaluate<double>(path, X, {q}).value.length, 2);
}

TEST(Path, SurfaceActsOnlyWithinItsRange) {
  Path path;
  path.points = {{0, {-2, 0.1, 0}}, {0, {2, 0.1, 0}}, {0, {-2, 0.2, 0}}};
  path.wraps = {{0, Pose{}, Sphere{1.0}, 0, 1}};
  path.finish();
  const std::vector<Pose> X(1);
  EXPECT_EQ(evaluate<double>(path, X).value.touching, 1);
  path.wraps[0].last = 2;
  path.finish();
  EXPECT_EQ(evaluate<double>(path, X).value.touching, 2) << "each segment on its own";
}

TEST(Path, PointInsideASurfaceIsFlaggedAndGoesStraight) {
  Path path;
  path.points = {{0, {-2, 0, 0}}, {0, {0.5, 0.1, 0}}};
  path.wraps = {{0, Pose{}, Cylinder{1.0}, 0, 1}};
  path.finish();
  const auto value = evaluate<double>(path, std::vector<Pose>(1)).value;
  EXPECT_TRUE(value.inside);
  EXPECT_EQ(value.touching, 0);
  EXPECT_DOUBLE_EQ(value.length, std::hypot(2.5, 0.1));
}

TEST(Path, BeltOverTwoEqualCylinders) {
  // Down from the left, over two unit cylinders 5 apart, down to the right.
  Path path;
  path.points = {{0, {-1, -3, 0}}, {0, {6, -4, 0}}};
  path.wraps = {{1, Pose{}, Cylinder{1.0}, 0, 1, Side::clockwise},
                {2, Pose{Mat3::Identity(), {5, 0, 0}}, Cylinder{1.0}, 0, 1, Side::clockwise}};
  path.finish();
  const auto [value, wrench] = evaluate<double>(path, std::vector<Pose>(3));
  EXPECT_NEAR(value.length, 3 + pi / 2 + 5 + pi / 2 + 4, 1e-13);
  EXPECT_EQ(value.touching, 2);
  EXPECT_NEAR((wrench[1].tail<3>() - Vec3(1, -1, 0)).norm(), 0, 1e-13);
  EXPECT_NEAR((wrench[2].tail<3>() - Vec3(-1, -1, 0)).norm(), 0, 1e-13);
}

TEST(Path, BeltOverOverlappingCylindersOfOneAxisDirectionIsStraightWhenUnrolled) {
  // Radii 1 and 2, axes 1.5 apart: the common tangent is sqrt(1.5^2 - 1) long. z grows along the unrolled length.
  Path path;
  path.points = {{0, {-1, -3, 0}}, {0, {3.5, -3, 4}}};
  path.wraps = {{1, Pose{}, Cylinder{1.0}, 0, 1, Side::clockwise},
                {2, Pose{Mat3::Identity(), {1.5, 0, 7}}, Cylinder{2.0}, 0, 1, Side::clockwise}};
  path.finish();
  const double rise = std::asin(1 / 1.5), common = std::sqrt(1.5 * 1.5 - 1);
  const double flat = 3 + (pi / 2 - rise) + common + 2 * (pi / 2 + rise) + 3;
  EXPECT_NEAR(evaluate<double>(path, std::vector<Pose>(3)).value.length, std::hypot(flat, 4), 1e-12);
}

TEST(Path, OrderOfSurfacesInTheListDoesNotMatter) {
  MersenneTwister random(5);
  int both = 0;
  for (int i = 0; i < 2000; ++i) {
    Path path;
    path.points = {{0, random.vector(0.02) + Vec3(0, 0.3, 0)}, {0, random.vector(0.02) - Vec3(0, 0.3, 0)}};
    for (const double y : {0.1, -0.1})
      path.wraps.push_back({0, Pose{rotation_xyz(random.vector(0.3)), random.vector(0.01) + Vec3(0, y, 0)},
                            Cylinder{random.uniform(0.03, 0.09)}, 0, 1, Side::toward(Vec3::UnitX())});
    path.finish();
    const std::vector<Pose> X(1);
    const auto one = evaluate<double>(path, X).value;
    std::swap(path.wraps[0], path.wraps[1]);
    const auto other = evaluate<double>(path, X).value;
    EXPECT_EQ(one.touching, other.touching);
    EXPECT_NEAR(one.length, other.length, 1e-12);
    both += one.touching == 2;
  }
  EXPECT_GT(both, 500);
}

TEST(Path, SurfaceInsideAnotherOneDoesNotMatter) {
  Path path;
  path.points = {{0, {-0.2, -1, 0}}, {0, {0.1, 1, 0.3}}};
  path.wraps = {{0, Pose{}, Cylinder{0.5}, 0, 1, Side::toward(Vec3::UnitX())}};
  path.finish();
  const std::vector<Pose> X(1);
  const double length = evaluate<double>(path, X).value.length;
  const PathWrap hidden{0, Pose{Mat3::Identity(), {0.1, 0.1, 0}}, Cylinder{0.3}, 0, 1, Side::toward(Vec3::UnitX())};
  for (const std::size_t place : {0u, 1u}) {
    Path both = path;
    both.wraps.insert(both.wraps.begin() + static_cast<std::ptrdiff_t>(place), hidden);
    both.finish();
    const auto value = evaluate<double>(both, X).value;
    EXPECT_NEAR(value.length, length, 1e-14);
    EXPECT_EQ(value.touching, 1);
    EXPECT_FALSE(value.inside);
  }
}

TEST(Path, WrenchesAddToNothing) {
  MersenneTwister random(11);
  int touching = 0;
  for (int i = 0; i < 2000; ++i) {
    const Path path = any_path(random, 2 + random.below(4), random.below(4));
    const Mechanism mechanism(random);
    const auto [value, wrench] = evaluate_at(path, mechanism, {});
    Spatial sum = Spatial::Zero();
    for (const Spatial& w : wrench) sum += w;
    EXPECT_LT(sum.norm(), 1e-14);
    touching += value.touching;
  }
  EXPECT_GT(touching, 500);
}

/// dl/dq three ways: from the wrenches, from dual numbers and from differences; and the wrenches' own derivatives.
void expect_virtual_work(const Path& path, const Mechanism& mechanism, int touching) {
  const std::array<double, 4> q{};
  const auto [value, wrench] = evaluate_at(path, mechanism, q);
  ASSERT_EQ(value.touching, touching);
  std::array<Dual<4>, 4> seeded;
  for (int c = 0; c < 4; ++c) seeded[static_cast<std::size_t>(c)] = Dual<4>(0.0, c);
  const auto dual = evaluate<Dual<4>>(path, mechanism.poses<Dual<4>>(seeded));
  EXPECT_NEAR(dual.value.length.a, value.length, 1e-14);
  for (int c = 0; c < 4; ++c) {
    double work = 0;
    for (std::size_t k = 0; k < path.bodies.size(); ++k)
      if (path.bodies[k] > 0)
        work += wrench[k].dot(mechanism.motion(static_cast<std::size_t>(path.bodies[k] - 1), c, q));
    EXPECT_NEAR(dual.value.length.v[static_cast<std::size_t>(c)], -work, 1e-11);

    const double h = 1e-6;
    std::array<double, 4> low{}, high{};
    low[static_cast<std::size_t>(c)] = -h;
    high[static_cast<std::size_t>(c)] = h;
    const auto below = evaluate_at(path, mechanism, low), above = evaluate_at(path, mechanism, high);
    if (below.value.touching != touching || above.value.touching != touching) continue;
    EXPECT_NEAR((above.value.length - below.value.length) / (2 * h), -work, 2e-8);
    for (std::size_t k = 0; k < path.bodies.size(); ++k)
      for (int i = 0; i < 6; ++i) {
        const double by_difference = (above.wrench[k][i] - below.wrench[k][i]) / (2 * h);
        const double by_dual = dual.wrench[k][i].v[static_cast<std::size_t>(c)];
        EXPECT_NEAR(by_dual, by_difference, 1e-6 * (1 + std::abs(by_dual) * (1 + std::abs(by_dual))));
      }
  }
}

TEST(Path, MomentArmIsMinusTheSlopeOfTheLength) {
  MersenneTwister random(3);
  int touched = 0;
  for (int i = 0; i < 3000; ++i) {
    const Path path = any_path(random, 2 + random.below(3), random.below(3));
    const Mechanism mechanism(random);
    const auto value = evaluate_at(path, mechanism, {}).value;
    // Not on a jump: the same surfaces are touched round about.
    bool steady = true;
    for (std::size_t c = 0; c < 4; ++c)
      for (const double h : {-1e-3, 1e-3}) {
        std::array<double, 4> q{};
        q[c] = h;
        const auto near = evaluate_at(path, mechanism, q).value;
        steady = steady && near.touching == value.touching && std::abs(near.length - value.length) < 3e-3;
      }
    if (!steady) continue;
    touched += value.touching;
    expect_virtual_work(path, mechanism, value.touching);
    if (HasFailure()) FAIL() << "path " << i;
  }
  EXPECT_GT(touched, 300);
}

TEST(Path, MomentArmWithSeveralSurfacesOnOneSegment) {
  MersenneTwister random(17);
  std::array<int, 4> seen{};
  for (int i = 0; i < 400; ++i) {
    Path path;
    path.points = {{0, {0.02, 0.4, 0.03}}, {1 + random.below(2), {0.02, -0.4, -0.03}}};
    for (const double y : {0.2, 0.0, -0.2})
      path.wraps.push_back({random.below(3),
                            Pose{rotation_xyz(random.vector(0.4)), random.vector(0.02) + Vec3(0, y, 0)},
                            surface(random, random.uniform(0.03, 0.09)), 0, 1,
                            random.below(2) ? Side::toward(Vec3::UnitX()) : Side::toward(-Vec3::UnitX())});
    path.finish();
    Mechanism mechanism(random);
    mechanism.start = {};
    const int touching = evaluate_at(path, mechanism, {}).value.touching;
    ++seen[static_cast<std::size_t>(touching)];
    expect_virtual_work(path, mechanism, touching);
    if (HasFailure()) FAIL() << "path " << i;
  }
  EXPECT_GT(seen[2], 30);
  EXPECT_GT(seen[3], 30);
}

TEST(Path, LengthAndForceHaveNoJumpWhereSurfacesComeAndGo) {
  // The lower end swings across; two surfaces are met one after the other, then left.
  Path path;
  path.points = {{0, {0, 0.3, 0}}, {1, {0, -0.3, 0.02}}};
  path.wraps = {
      {0, Pose{Mat3::Identity(), {-0.05, 0.05, 0}}, Cylinder{0.04}, 0, 1, Side::toward(Vec3::UnitX())},
      {0, Pose{rotation_xyz({0.3, 0.2, 0}), {-0.07, -0.1, 0}}, Cylinder{0.05}, 0, 1, Side::toward(Vec3::UnitX())}};
  path.finish();
  std::vector<Pose> X(2);
  std::vector<bool> met(3);
  double length = NAN, slope = NAN;
  const double h = 1e-5;
  for (double x = 0.25; x > -0.25; x -= h) {
    X[1].p.x() = x;
    const auto [value, wrench] = evaluate<double>(path, X);
    met[static_cast<std::size_t>(value.touching)] = true;
    const double here = -wrench[1][3];
    if (!std::isnan(length)) {
      ASSERT_NEAR(length - value.length, 0.5 * (slope + here) * h, 10 * h * h) << "at " << x;
      ASSERT_NEAR(slope, here, 20 * h) << "at " << x;
    }
    length = value.length;
    slope = here;
  }
  EXPECT_TRUE(met[0] && met[1] && met[2]);
}

TEST(Path, TwoSurfacesWithoutASideHaveNoJumpUnlessFlagged) {
  // An arc that has come off must not be taken for nearly a whole turn; which way round each one must not hang on the
  // straight line between the points; and where the surfaces leave no smooth string that is surely the shortest, that is
  // said.
  MersenneTwister random(5);
  test::Sweeps seen;
  ASSERT_NO_FATAL_FAILURE(test::sweep(
      random, 150, 1e-3, [&] { return test::two_cylinders(random); }, seen));
  EXPECT_LT(seen.flagged, seen.poses / 4);
  RecordProperty("flagged_share", std::to_string(seen.flagged_share()));
}

TEST(Path, SurfaceThatASideLosesAtHalfATurnIsFlagged) {
  Path path;
  path.points = {{0, {1, -2, 0}}, {1, {0, 0, 0}}};
  PathWrap wrap;
  wrap.shape = Cylinder{1.0};
  wrap.last = 1;
  wrap.side = Side::counter_clockwise;
  path.wraps = {wrap};
  path.finish();
  const auto at_x = [&](double x) { return evaluate<double>(path, {Pose(), {Mat3::Identity(), {x, -2, 0}}}).value; };
  EXPECT_EQ(at_x(-1.01).touching, 1);
  EXPECT_FALSE(at_x(-1.01).inside);
  for (const double x : {-0.99, 0.0, 0.9}) {
    EXPECT_EQ(at_x(x).touching, 0) << x;
    EXPECT_TRUE(at_x(x).inside) << x;
  }
  EXPECT_FALSE(at_x(1.1).inside) << "has come off on its own side";
}

TEST(Path, DirectedSurfacesHaveNoJumpUnlessFlagged) {
  // Each on the side of a direction to which the string is free to go. Ends go through the half-planes behind, the string
  // on one cylinder through that of the other: there it jumps, and says so.
  MersenneTwister random(3);
  test::Sweeps seen;
  const auto directed = [&] {
    std::vector<PathWrap> wraps = test::two_cylinders(random);
    for (PathWrap& wrap : wraps) wrap.side = Side::toward(wrap.X_BS.R.transpose() * Vec3(1, 0, 0));
    return wraps;
  };
  ASSERT_NO_FATAL_FAILURE(test::sweep(random, 150, 1e-3, directed, seen));
  EXPECT_GT(seen.two, seen.poses / 8);
  EXPECT_LT(seen.flagged, seen.poses / 20);
  RecordProperty("flagged_share", std::to_string(seen.flagged_share()));
}

TEST(Path, EndAtTheHalfPlaneBehindADirectedCylinderIsFlaggedUnlessFixedToIt) {
  Path path;
  path.points = {{0, {0.1, -1.5, 0}}, {1, {0, 0, 0}}};
  path.wraps = {{0, Pose{}, Cylinder{1.0}, 0, 1, Side::toward(Vec3::UnitY())}};
  path.finish();
  const auto at_x = [&](double x) { return evaluate<double>(path, {Pose(), {Mat3::Identity(), {x, -2, 0}}}).value; };
  // Fixed at x = 0.1, a little to the right: an end at the right is near, one at the left all the way round.
  for (const double x : {-0.5, 0.5}) {
    EXPECT_FALSE(at_x(x).inside) << x;
    EXPECT_EQ(at_x(x).touching, x < 0.0 ? 1 : 0);
  }
  for (const double x : {-0.099, -1e-9, 1e-9, 0.099}) EXPECT_TRUE(at_x(x).inside) << x;
  EXPECT_GT(at_x(-1e-9).length, at_x(1e-9).length + 5.0);
  path.points[0].location.x() = 0.01;
  EXPECT_FALSE(at_x(0.5).inside) << "one that is fixed in the surface's body goes nowhere";
  path.points[1].body = 0;
  path.points[1].location = {0, -2, 0};
  path.finish();
  EXPECT_FALSE(at_x(0.0).inside);
  path.motions = {{1, {0, 0, 1}, 0, PiecewisePolynomial::identity()}};
  path.finish();
  EXPECT_TRUE(evaluate<double>(path, std::vector<Pose>(2), {0.0}).value.inside);
}

TEST(Path, MovingEverythingTogetherChangesNothing) {
  MersenneTwister random(23);
  for (int i = 0; i < 500; ++i) {
    Path path = any_path(random, 2 + random.below(3), random.below(3));
    for (PathPoint& p : path.points) p.body = std::max(p.body, 1);
    for (PathWrap& w : path.wraps) w.body = std::max(w.body, 1);
    path.finish();
    const Mechanism mechanism(random);
    std::vector<Pose> X = mechanism.poses<double>({});
    const Answer<double> before = evaluate<double>(path, X);
    const Pose T = random.pose(1.0);
    for (std::size_t b = 1; b < X.size(); ++b) X[b] = T * X[b];
    const Answer<double> after = evaluate<double>(path, X);
    EXPECT_NEAR(before.value.length, after.value.length, 1e-13);
    EXPECT_EQ(before.value.touching, after.value.touching);
    for (std::size_t k = 0; k < path.bodies.size(); ++k)
      EXPECT_NEAR((T.R * before.wrench[k].tail<3>() - after.wrench[k].tail<3>()).norm(), 0, 1e-9);
  }
}

TEST(Path, PosesInAnyOrderGiveTheSameBits) {
  MersenneTwister random(29);
  const Path path = any_path(random, 4, 3);
  std::vector<Mechanism> poses;
  for (int i = 0; i < 50; ++i) poses.emplace_back(random);
  std::vector<Answer<double>> forth;
  for (const Mechanism& m : poses) forth.push_back(evaluate_at(path, m, {}));
  for (std::size_t i = poses.size(); i-- > 0;) {
    const auto back = evaluate_at(path, poses[i], {});
    EXPECT_EQ(back.value.length, forth[i].value.length);
    for (std::size_t k = 0; k < back.wrench.size(); ++k)
      EXPECT_EQ(std::memcmp(back.wrench[k].data(), forth[i].wrench[k].data(), 6 * sizeof(double)), 0);
  }
}

TEST(Path, TraceIsTheString) {
  // Its pieces add up to the length, straight ones end where a surface is entered, and none goes through a surface.
  MersenneTwister random(61);
  std::array<int, 4> seen{};
  std::vector<TracePoint> trace{{Vec3(7, 7, 7), 7}};  // is overwritten
  for (int i = 0; i < 300; ++i) {
    Path path;
    path.points = {{0, {0.02, 0.4, 0.03}}, {1, {0.02, -0.3, -0.03}}, {1, {0.1, -0.4, 0}, 0, 1, 2}, {1, {0, -0.5, 0}}};
    for (const double y : {0.2, 0.0, -0.2}) {
      const double r = random.uniform(0.03, 0.09);
      path.wraps.push_back(
          {random.below(2), Pose{rotation_xyz(random.vector(0.4)), random.vector(0.02) + Vec3(0, y, 0)},
           surface(random, r), 0, 1, random.below(2) ? Side::toward(Vec3::UnitX()) : Side(Side::shortest)});
    }
    path.wraps[1].shape = Ellipsoid{Vec3(0.04, 0.06, 0.09)};
    path.finish();
    const std::vector<Pose> X{Pose(), {rotation_xyz(random.vector(0.2)), random.vector(0.02)}};
    const std::vector<double> q{0.0};
    const PathValue<double> value = evaluate<double>(path, X, q).value;
    if (value.inside) continue;
    ++seen[static_cast<std::size_t>(value.touching)];
    const double step = 2e-3;
    trace_path(path, X, q, step, trace);
    EXPECT_EQ((trace.front().place - X[0] * path.points.front().location).norm(), 0);
    EXPECT_EQ((trace.back().place - X[1] * path.points.back().location).norm(), 0);
    EXPECT_EQ(std::count_if(trace.begin(), trace.end(), [](const TracePoint& t) { return t.wrap < 0; }), 3)
        << "not the point that is absent";
    double sum = 0;
    int arcs = 0;
    for (std::size_t k = 1; k < trace.size(); ++k) {
      const double piece = (trace[k].place - trace[k - 1].place).norm();
      sum += piece;
      if (trace[k].wrap < 0) continue;
      if (trace[k].wrap == trace[k - 1].wrap)
        EXPECT_LE(piece, step * (1 + 1e-9));
      else
        ++arcs;
    }
    EXPECT_EQ(arcs, value.touching);
    EXPECT_LE(sum, value.length + 1e-10);
    EXPECT_GT(sum, value.length - 0.5 / 24 * std::pow(step / 0.02, 2));
  }
  EXPECT_GT(seen[1] + seen[2], 30);
  EXPECT_GT(seen[3], 30);
}

TEST(Path, FinishSaysWhatIsWrong) {
  using test::error_of;
  Path path;
  path.points = {{0, {0, 0, 0}}, {0, {1, 0, 0}, 0, 0, 1}};
  EXPECT_EQ(error_of([&] { path.finish(); }), "expected a path of at least two points that are always part of it");
  path.points.assign(33, PathPoint{});
  EXPECT_EQ(error_of([&] { path.finish(); }), "expected at most 32 points on a path, found 33");
  path.points.resize(3);
  path.wraps = {{0, Pose{}, Cylinder{0.1}, 1, 3}};
  EXPECT_EQ(error_of([&] { path.finish(); }),
            "expected a surface between two points of the path, found points 1 and 3");
  path.wraps.assign(9, PathWrap{0, Pose{}, Cylinder{0.1}, 0, 1});
  EXPECT_EQ(error_of([&] { path.finish(); }), "expected at most 8 surfaces on a path, found 9");
  path.wraps.clear();
  path.motions = {{3, {0, 1, 0}, 0, PiecewisePolynomial::identity()}};
  EXPECT_EQ(error_of([&] { path.finish(); }), "expected a displacement of a point of the path, found point 3");
  path.motions.resize(25);
  EXPECT_EQ(error_of([&] { path.finish(); }), "expected at most 24 displacements of points on a path, found 25");
}

}  // namespace
}  // namespace psoas
