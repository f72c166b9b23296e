// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The bony hip against closed forms, against what a radiologist would measure on it, and against brute force.
#include "psoas/skeleton/hip_shape.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "psoas/core/pose.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/core/units.hpp"
#include "support/errors.hpp"
#include "support/random.hpp"

namespace psoas::test {
namespace {

constexpr double hour = pi / 6.0;

/// Femur on pelvis by flexion, adduction and internal rotation [rad] of a right hip, as the models' joints turn.
Mat3 turned(double flexion, double adduction, double rotation) {
  return rotation_about(Vec3::UnitZ(), flexion) * rotation_about(Vec3::UnitX(), adduction) *
         rotation_about(Vec3::UnitY(), rotation);
}

/// A hip whose neck's axis and socket's axis both lie in the frontal plane, with a circle for a rim and a round neck.
HipShape frontal(double alpha_deg = 43.0) {
  HipShape shape;
  shape.femur.version_deg = 0.0;
  shape.femur.shaft_deg = 0.0;
  shape.femur.neck_shaft_deg = 135.0;
  shape.femur.alpha_deg = shape.femur.alpha_elsewhere_deg = alpha_deg;
  shape.acetabulum.version_deg = 0.0;
  shape.acetabulum.clock_hours.clear();
  shape.acetabulum.height_deg.clear();
  return shape;
}

double abduction_to_contact(const HipShape& shape) {
  return first_contact(
             HipBones(shape, HipSide::right), [](double x) { return turned(0.0, -x, 0.0); }, 0.0, 0.5 * pi)
      .value;
}

double flexion_to_contact(const HipShape& shape) {
  return first_contact(
             HipBones(shape, HipSide::right), [](double x) { return turned(x, 0.0, 0.0); }, 0.0, pi)
      .value;
}

double rotation_to_contact(const HipShape& shape) {
  return first_contact(
             HipBones(shape, HipSide::right), [](double x) { return turned(0.5 * pi, 0.0, x); }, -0.7, pi)
      .value;
}

/// How far from the neck's axis a rim at `rim` from the centre meets head, arc or neck: triangles, no surface.
double contact_angle(const FemoralShape& femur, double rim) {
  const double alpha = degrees(femur.alpha_deg), head = femur.head_radius, neck = femur.neck_radius;
  const double arc = (head * std::sin(alpha) - neck) / (1.0 - std::sin(alpha)), centre = head + arc;
  const double on_neck = std::asin(neck / rim);
  if (rim * std::cos(on_neck) >= centre * std::cos(alpha)) return on_neck;
  return alpha - std::acos((centre * centre + rim * rim - arc * arc) / (2.0 * centre * rim));
}

TEST(HipShape, abduction_in_the_plane_of_both_axes_has_a_closed_form) {
  int on_neck = 0, on_arc = 0;
  for (const double alpha : {38.0, 43.0, 50.0, 60.0, 75.0, 88.0})
    for (const double edge : {15.0, 30.0, 45.0})
      for (const double labrum : {0.0, 0.006}) {
        HipShape shape = frontal(alpha);
        shape.acetabulum.center_edge_deg = edge;
        shape.acetabulum.labrum_width = labrum;
        const double rim = shape.femur.head_radius + shape.acetabulum.joint_space;
        const double meets = contact_angle(shape.femur, rim);
        (std::abs(std::sin(meets) * rim - shape.femur.neck_radius) < 1e-12 ? on_neck : on_arc)++;
        // The rim's upper edge is at the centre-edge angle from the vertical, the neck at 45 degrees from downward.
        const double expected = pi - degrees(edge) - labrum / rim - degrees(45.0) - meets;
        EXPECT_NEAR(abduction_to_contact(shape), expected, 1e-9) << alpha << " " << edge << " " << labrum;
      }
  EXPECT_GT(on_neck, 0);
  EXPECT_GT(on_arc, 0);
}

TEST(HipShape, contact_comes_earlier_with_more_bone) {
  // Contour of a cam: at the clock of the neck where each motion meets the rim.
  double before[3] = {10.0, 10.0, 10.0};
  for (double alpha = 38.0; alpha <= 83.0; alpha += 5.0) {
    HipShape shape;
    shape.femur.alpha_deg = shape.femur.alpha_elsewhere_deg = alpha;
    const double now[3] = {flexion_to_contact(shape), rotation_to_contact(shape), abduction_to_contact(shape)};
    for (int i = 0; i < 3; ++i) {
      EXPECT_LE(now[i], before[i] + 1e-12) << alpha << " " << i;
      if (alpha > 55.0) {
        EXPECT_LT(now[i], before[i] - 1e-3) << alpha << " " << i;
      }
      before[i] = now[i];
    }
  }
  // A wider or higher cam, too.
  double last = 10.0;
  for (double alpha = 43.0; alpha <= 83.0; alpha += 10.0) {
    HipShape shape;
    shape.femur.alpha_deg = alpha;
    shape.femur.alpha_clock_hours = 3.0;
    EXPECT_LE(rotation_to_contact(shape), last + 1e-12) << alpha;
    last = rotation_to_contact(shape);
  }
  for (double& one : before) one = 10.0;
  for (double edge = 20.0; edge <= 45.0; edge += 5.0) {
    HipShape shape;
    shape.acetabulum.center_edge_deg = edge;
    const double now[3] = {flexion_to_contact(shape), rotation_to_contact(shape), abduction_to_contact(shape)};
    for (int i = 0; i < 3; ++i) {
      EXPECT_LT(now[i], before[i] - 1e-3) << edge << " " << i;
      before[i] = now[i];
    }
  }
  // Retroversion of socket or femur takes flexion and internal rotation away; a thinner neck gives it.
  HipShape normal, socket, femur, thin;
  socket.acetabulum.version_deg = 5.0;
  femur.femur.version_deg = -5.0;
  thin.femur.neck_radius = 0.0125;
  for (const HipShape* shape : {&socket, &femur}) {
    EXPECT_LT(flexion_to_contact(*shape), flexion_to_contact(normal) - degrees(5.0));
    EXPECT_LT(rotation_to_contact(*shape), rotation_to_contact(normal) - degrees(5.0));
  }
  EXPECT_GT(flexion_to_contact(thin), flexion_to_contact(normal) + degrees(2.0));
}

TEST(HipShape, left_is_the_mirror_of_right) {
  MersenneTwister random(11);
  const Mat3 mirror = Vec3(1, 1, -1).asDiagonal();
  HipShape shape;
  shape.femur.alpha_deg = 68.0;
  shape.acetabulum.plane_tilt_deg = 8.0;
  const HipBones right(shape, HipSide::right), left(shape, HipSide::left);
  EXPECT_LT((left.neck_axis() - mirror * right.neck_axis()).norm(), 1e-15);
  EXPECT_LT((left.socket_axis() - mirror * right.socket_axis()).norm(), 1e-15);
  int near = 0;
  for (int i = 0; i < 200; ++i) {
    const Mat3 R = turned(random.uniform(-0.5, 2.3), random.uniform(-0.6, 0.6), random.uniform(-0.8, 0.8));
    const HipClearance a = right.clearance(R), b = left.clearance(mirror * R * mirror);
    EXPECT_NEAR(a.distance, b.distance, 1e-12);
    if (a.distance < 0.004) {
      ++near;
      EXPECT_NEAR(std::remainder(a.rim_clock - b.rim_clock, 2.0 * pi), 0.0, 1e-5);
      EXPECT_NEAR(std::remainder(a.neck_clock - b.neck_clock, 2.0 * pi), 0.0, 1e-5);
    }
  }
  EXPECT_GT(near, 50);
}

TEST(HipShape, turning_about_a_round_neck_changes_nothing) {
  MersenneTwister random(3);
  HipShape shape;
  shape.femur.alpha_deg = shape.femur.alpha_elsewhere_deg = 60.0;
  const HipBones round(shape, HipSide::right);
  shape.femur.alpha_elsewhere_deg = 43.0;
  const HipBones cam(shape, HipSide::right);
  double changed = 0.0;
  for (int i = 0; i < 100; ++i) {
    const Mat3 R = turned(random.uniform(0.0, 2.3), random.uniform(-0.4, 0.4), random.uniform(-0.8, 0.8));
    const Mat3 S = R * rotation_about(round.neck_axis(), random.uniform(-3.0, 3.0));
    EXPECT_NEAR(round.clearance(R).distance, round.clearance(S).distance, 1e-12);
    changed = std::max(changed, std::abs(cam.clearance(R).distance - cam.clearance(S).distance));
  }
  EXPECT_GT(changed, 1e-3);
}

// What a radiologist measures on the surface and on the rim is what the shape was given.
TEST(HipShape, angles_are_those_of_radiology) {
  HipShape shape;
  shape.femur.alpha_deg = 66.0;
  for (const HipSide side : {HipSide::right, HipSide::left}) {
    const double lateral = side == HipSide::right ? 1.0 : -1.0;
    const HipBones hip(shape, side);
    const FemoralShape& femur = shape.femur;
    // Alpha angle: the contour leaves the circle there, in the plane through the axis at each place on the clock.
    const Vec3 u = hip.neck_axis(), above = (Vec3::UnitY() - Vec3::UnitY().dot(u) * u).normalized();
    const Vec3 front = lateral * above.cross(u);
    EXPECT_GT(front.x(), 0.9);
    EXPECT_NEAR(to_degrees(femur.alpha(1.5 * hour)), 66.0, 1e-12);
    EXPECT_NEAR(to_degrees(femur.alpha(3.0 * hour)), 0.5 * (66.0 + 43.0), 1e-12);
    EXPECT_NEAR(to_degrees(femur.alpha(0.0)), 0.5 * (66.0 + 43.0), 1e-12);
    for (double clock = 0.0; clock < 12.0; clock += 0.75) {
      const auto at = [&](double angle) {
        return Vec3(femur.head_radius * (std::cos(angle) * u + std::sin(angle) * (std::cos(clock * hour) * above +
                                                                                  std::sin(clock * hour) * front)));
      };
      const double alpha = femur.alpha(clock * hour);
      EXPECT_NEAR(hip.distance(at(alpha + 1e-3)), 0.0, 1e-15);
      EXPECT_NEAR(hip.distance(at(alpha)), 0.0, 1e-15);
      EXPECT_LT(hip.distance(at(alpha - 1e-2)), -1e-7);
    }
    // Neck-shaft angle and version: against the shaft, in the plane of the neck; seen along the femur, before the z axis.
    const double version = std::atan2(-u.x(), lateral * u.z());
    EXPECT_NEAR(to_degrees(version), femur.version_deg, 1e-12);
    const Vec3 shaft = rotation_about(Vec3::UnitY(), -lateral * version) *
                       Vec3(0.0, -std::cos(degrees(femur.shaft_deg)), -lateral * std::sin(degrees(femur.shaft_deg)));
    EXPECT_NEAR(to_degrees(std::acos(-u.dot(shaft))), femur.neck_shaft_deg, 1e-10);

    // Centre-edge angle: where the rim comes through the frontal plane above the head.
    double low = -0.5 * hour, high = 0.5 * hour;
    const auto forward = [&](double clock) { return hip.rim(clock).x(); };
    low = -2.0 * hour, high = 2.0 * hour;
    ASSERT_LT(forward(low) * forward(high), 0.0);
    const Root edge = bisection_root(forward, low, high);
    const Vec3 place = hip.rim(edge.x);
    EXPECT_GT(place.y(), 0.0);
    EXPECT_NEAR(to_degrees(std::atan2(lateral * place.z(), place.y())), shape.acetabulum.center_edge_deg, 1e-9);
  }
}

TEST(HipShape, a_round_rim_has_the_version_and_inclination_of_its_plane) {
  HipShape shape;
  shape.acetabulum.clock_hours.clear();
  shape.acetabulum.height_deg.clear();
  const HipBones hip(shape, HipSide::right);
  // Version on a transverse section through the centre: the line from the rear to the front edge against the sagittal.
  const auto up = [&](double clock) { return hip.rim(clock).y(); };
  const Vec3 front = hip.rim(bisection_root(up, 0.0, pi).x), rear = hip.rim(bisection_root(up, pi, 2.0 * pi).x);
  EXPECT_GT(front.x(), rear.x());
  EXPECT_NEAR(to_degrees(std::atan2(rear.z() - front.z(), front.x() - rear.x())), 21.0, 1e-9);
  // Inclination: of the opening's normal against the vertical.
  const Vec3 normal = (hip.rim(2.0) - hip.rim(0.0)).cross(hip.rim(4.0) - hip.rim(0.0)).normalized();
  EXPECT_NEAR(to_degrees(std::acos(std::abs(normal.y()))), 48.0, 1e-9);

  // Tilt of the pelvis while they were measured: the same hip as one whose pelvis is turned by it.
  HipShape tilted = shape;
  tilted.acetabulum.plane_tilt_deg = 10.0;
  const HipBones other(tilted, HipSide::right);
  const Mat3 back = rotation_about(Vec3::UnitZ(), degrees(10.0));
  EXPECT_LT((other.socket_axis() - back * hip.socket_axis()).norm(), 1e-15);
  const Mat3 R = turned(1.8, 0.1, 0.3);
  EXPECT_NEAR(other.clearance(back * R).distance, hip.clearance(R).distance, 1e-12);
}

TEST(HipShape, the_rim_has_its_heights_and_no_others) {
  const HipShape shape;
  const AcetabularShape& a = shape.acetabulum;
  const HipBones hip(shape, HipSide::left);
  for (std::size_t i = 1; i < a.clock_hours.size(); ++i)
    EXPECT_NEAR(to_degrees(hip.coverage(a.clock_hours[i] * hour) - hip.coverage(a.clock_hours[0] * hour)),
                a.height_deg[i] - a.height_deg[0], 1e-10);
  double low = 10.0, high = 0.0, steepest = 0.0, jump = 0.0, slope = 0.0;
  const int count = 20000;
  for (int i = 0; i <= count; ++i) {
    const double clock = 2.0 * pi * i / count, h = 2.0 * pi / count;
    low = std::min(low, hip.coverage(clock)), high = std::max(high, hip.coverage(clock));
    const double now = (hip.coverage(clock + h) - hip.coverage(clock)) / h;
    if (i > 0) jump = std::max(jump, std::abs(now - slope));
    slope = now;
    steepest = std::max(steepest, std::abs(now));
    EXPECT_NEAR(hip.rim(clock).norm(), hip.reach(), 1e-15);
  }
  EXPECT_NEAR(to_degrees(high - low), 21.0, 1e-6);
  EXPECT_LT(jump, 1e-2 * steepest);  // C1: slopes change little by little
  EXPECT_NEAR(hip.coverage(0.0), hip.coverage(2.0 * pi), 1e-12);
}

/// The nearest of many points of a femur's surface, laid out by its definition in planes through the neck's axis.
double brute_distance(const HipShape& shape, const HipBones& hip, const Vec3& p, double step) {
  const FemoralShape& f = shape.femur;
  const Vec3 u = hip.neck_axis(), above = (Vec3::UnitY() - Vec3::UnitY().dot(u) * u).normalized();
  const Vec3 front = above.cross(u);  // a right hip
  const double clock = std::atan2(p.dot(front), p.dot(above));
  double best = inf;
  for (double beside = -0.4; beside <= 0.4; beside += step) {
    const Vec3 out = std::cos(clock + beside) * above + std::sin(clock + beside) * front;
    const double alpha = f.alpha(clock + beside), s = std::sin(alpha);
    const double arc = (f.head_radius * s - f.neck_radius) / (1.0 - s), centre = f.head_radius + arc;
    const auto see = [&](double rho, double z) { best = std::min(best, (p - rho * out - z * u).norm()); };
    for (double t = alpha; t < 1.8; t += step) see(f.head_radius * std::sin(t), f.head_radius * std::cos(t));
    const double fine = 0.02 * step / std::max(arc, 0.002);
    for (double t = 0.5 * pi; t >= alpha && centre * std::cos(alpha) - arc * std::cos(t) < 0.05; t -= fine)
      see(centre * s - arc * std::sin(t), centre * std::cos(alpha) - arc * std::cos(t));
    for (double t = 0.0; t < 0.01; t += 0.02 * step) see(f.neck_radius, centre * std::cos(alpha) + t);
    // from where the arc leaves the head
    for (double t = alpha; t < alpha + 0.02 / std::max(arc, 0.002) && t < 0.5 * pi; t += fine)
      see(centre * s - arc * std::sin(t), centre * std::cos(alpha) - arc * std::cos(t));
  }
  return best;
}

TEST(HipShape, distance_is_that_of_the_nearest_point) {
  MersenneTwister random(5);
  HipShape shape;
  shape.femur.alpha_deg = 72.0;
  shape.femur.alpha_half_width_hours = 1.0;  // steep round the neck
  const HipBones hip(shape, HipSide::right);
  const Vec3 u = hip.neck_axis();
  int checked = 0, inside = 0;
  while (checked < 40) {
    Vec3 p = random.vector(0.03);
    const double angle = std::atan2(p.cross(u).norm(), p.dot(u));
    if (p.norm() < 0.0235 || p.norm() > 0.0295 || angle < 0.45 || angle > 1.6) continue;
    const double found = hip.distance(p), brute = brute_distance(shape, hip, p, 2e-3);
    ++checked;
    inside += found < 0.0;
    EXPECT_LE(std::abs(found), brute + 1e-9);
    EXPECT_GE(std::abs(found), brute - 4e-5) << p.transpose() << ", " << angle;
  }
  EXPECT_GT(inside, 3);
}

TEST(HipShape, distances_change_no_faster_than_places) {
  MersenneTwister random(8);
  HipShape shape;
  shape.femur.alpha_deg = 75.0;
  const HipBones hip(shape, HipSide::right);
  for (int i = 0; i < 4000; ++i) {
    const Vec3 p = random.vector(0.03), q = p + random.vector(i % 2 ? 0.001 : 0.00001);
    EXPECT_LE(std::abs(hip.distance(p) - hip.distance(q)), (p - q).norm() * (1.0 + 1e-6) + 1e-12) << p.transpose();
  }
  // A bone with larger alpha angles holds one with smaller.
  HipShape less = shape;
  less.femur.alpha_deg = 60.0;
  const HipBones smaller(less, HipSide::right);
  for (int i = 0; i < 2000; ++i) {
    const Vec3 p = random.vector(0.03);
    EXPECT_LE(hip.distance(p), smaller.distance(p) + 1e-12);
  }
  // Clearance with the pose.
  for (int i = 0; i < 300; ++i) {
    const Mat3 R = turned(random.uniform(0.0, 2.3), random.uniform(-0.4, 0.4), random.uniform(-0.8, 0.8));
    const Vec3 axis = random.vector(1.0).normalized();
    const double angle = random.uniform(0.0, 0.02);
    EXPECT_LE(std::abs(hip.clearance(R).distance - hip.clearance(rotation_about(axis, angle) * R).distance),
              angle * hip.reach() + 1e-9);
  }
}

TEST(HipShape, no_place_of_the_rim_is_nearer) {
  MersenneTwister random(2);
  HipShape shape;
  shape.femur.alpha_deg = 65.0;
  const HipBones hip(shape, HipSide::right);
  for (int i = 0; i < 12; ++i) {
    const Mat3 R = turned(random.uniform(0.8, 2.3), random.uniform(-0.4, 0.4), random.uniform(-0.6, 0.8));
    const HipClearance found = hip.clearance(R);
    double least = inf;
    const int count = 3000;
    for (int k = 0; k < count; ++k)
      least = std::min(least, hip.distance(R.transpose() * hip.rim(2.0 * pi * k / count)));
    EXPECT_LE(found.distance, least + 1e-12);
    EXPECT_GE(found.distance, least - 2.0 * pi / count * hip.reach());
    EXPECT_NEAR(hip.distance(R.transpose() * hip.rim(found.rim_clock)), found.distance, 1e-12);
    EXPECT_LE(found.distance, shape.acetabulum.joint_space + 1e-15);
  }
}

TEST(HipShape, contact_is_the_first_and_exact) {
  for (const double alpha : {55.0, 75.0}) {
    HipShape shape;
    shape.femur.alpha_deg = alpha;
    shape.femur.alpha_clock_hours = 3.0;
    const HipBones hip(shape, HipSide::right);
    const auto pose = [](double x) { return turned(degrees(100.0), degrees(10.0), x); };
    const HipContact found = first_contact(hip, pose, degrees(-40.0), degrees(60.0));
    EXPECT_FALSE(found.touching);
    EXPECT_NEAR(hip.clearance(pose(found.value)).distance, 0.0, 1e-12);
    for (double x = degrees(-40.0); x < found.value - 1e-6; x += degrees(0.5))
      EXPECT_GT(hip.clearance(pose(x)).distance, 0.0);
    EXPECT_LT(hip.clearance(pose(found.value + 1e-4)).distance, 0.0);
    // Backwards, from beyond; and where there is none.
    const HipContact apart = first_contact(hip, pose, found.value + 0.05, degrees(-40.0));
    EXPECT_TRUE(apart.touching);
    EXPECT_NEAR(apart.value, found.value, 1e-11);
    EXPECT_TRUE(std::isnan(first_contact(hip, pose, degrees(-40.0), found.value - 0.01).value));
  }
}

TEST(HipShape, impossible_shapes_are_refused) {
  const auto refused = [](auto change) {
    HipShape shape;
    change(shape);
    return place_of([&] { HipBones(shape, HipSide::right); });
  };
  const auto input = [](const char* where) { return std::pair<std::string, std::string>("input", where); };
  EXPECT_EQ(refused([](HipShape&) {}).first, "none");
  EXPECT_EQ(refused([](HipShape& s) { s.femur.head_radius = 0.0; }), input("femur/head_radius"));
  EXPECT_EQ(refused([](HipShape& s) { s.femur.head_radius = std::nan(""); }), input("femur/head_radius"));
  EXPECT_EQ(refused([](HipShape& s) { s.femur.neck_radius = -0.01; }), input("femur/neck_radius"));
  EXPECT_EQ(refused([](HipShape& s) { s.femur.alpha_deg = inf; }), input("femur/alpha_deg"));
  EXPECT_EQ(refused([](HipShape& s) { s.acetabulum.height_deg[1] = std::nan(""); }), input("acetabulum/height_deg"));
  EXPECT_EQ(refused([](HipShape& s) { s.femur.neck_radius = 0.024; }), input("femur"));
  EXPECT_EQ(refused([](HipShape& s) { s.acetabulum.height_deg.pop_back(); }), input("acetabulum"));
  EXPECT_EQ(refused([](HipShape& s) { std::swap(s.acetabulum.clock_hours[0], s.acetabulum.clock_hours[1]); }),
            input("acetabulum"));
  HipShape shape;
  shape.femur.alpha_elsewhere_deg = 30.0;
  EXPECT_EQ(error_of([&] { HipBones(shape, HipSide::right); }),
            "femur: expected alpha angles of at least 37.2 deg, where a neck of this radius comes out of the head, "
            "found 30 deg");
  shape = {};
  shape.acetabulum.center_edge_deg = 90.0;
  EXPECT_NE(error_of([&] { HipBones(shape, HipSide::right); }).find("expected a rim 10 to 130 deg"), std::string::npos);
}

}  // namespace
}  // namespace psoas::test
