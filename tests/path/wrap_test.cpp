// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/path/wrap.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "psoas/core/pose.hpp"
#include "support/pulled.hpp"

namespace psoas {
namespace {

/// Length of the string between p and q: straight, or over the surface.
template <class K>
double string_length(const K& surface, const Vec3& p, const Vec3& q, const Side& side) {
  const Contact found = contact(surface, p, q, side);
  if (!touches(found)) return (q - p).norm();
  const Arc<double> a = arc<double>(surface, p, q, found.way);
  return (a.enter - p).norm() + a.length + (q - a.leave).norm();
}

TEST(Cylinder, HalfTurnBetweenParallelTangents) {
  // Points at (+-1, -2) in front of a unit cylinder: up one side, half round, down the other.
  const Cylinder unit{1.0};
  const Vec3 p(1, -2, 0), q(-1, -2, 0);
  EXPECT_FALSE(touches(contact(unit, p, q, Side::shortest)));
  EXPECT_TRUE(touches(contact(unit, p, {-1.1, -2, 0}, Side::counter_clockwise)));
  EXPECT_FALSE(touches(contact(unit, p, {-0.9, -2, 0}, Side::counter_clockwise))) << "an arc above pi is out of reach";
  const Arc<double> a = arc<double>(unit, p, q, 1);
  EXPECT_NEAR(a.angle, pi, 1e-15);
  EXPECT_NEAR((a.enter - Vec3(1, 0, 0)).norm(), 0, 1e-15);
  EXPECT_NEAR((a.leave - Vec3(-1, 0, 0)).norm(), 0, 1e-15);
}

TEST(Cylinder, SymmetricCase) {
  // d = 2 r: each tangent takes 60 degrees of the 180 between the points, 60 stay on the cylinder.
  const Cylinder surface{0.5};
  EXPECT_NEAR(string_length(surface, {1, 0, 0}, {-1, 0, 0}, Side::counter_clockwise),
              2 * std::sqrt(0.75) + 0.5 * pi / 3, 1e-15);
  EXPECT_NEAR(string_length(surface, {1, 0.1, 0}, {-1, 0.1, 0}, Side::shortest),
              string_length(surface, {1, 0.1, 0}, {-1, 0.1, 0}, Side::toward(Vec3::UnitY())), 1e-15);
}

TEST(Cylinder, HelixIsStraightWhenUnrolled) {
  const Cylinder surface{0.5};
  const Vec3 p(1, 0, 0.2), q(-1, 0, 0.9);
  const double tangent = std::sqrt(0.75), flat = 2 * tangent + 0.5 * pi / 3;
  EXPECT_NEAR(string_length(surface, p, q, Side::clockwise), std::hypot(flat, 0.7), 1e-15);
  const Arc<double> a = arc<double>(surface, p, q, -1);
  EXPECT_NEAR(a.enter.z(), 0.2 + 0.7 * tangent / flat, 1e-15);
  EXPECT_NEAR(a.leave.z(), 0.9 - 0.7 * tangent / flat, 1e-15);
  EXPECT_LT(a.enter.y(), 0) << "clockwise from +x goes through -y";
}

/// Angle of a point about z from a direction, within half a turn of it.
double angle_from(const Vec3& direction, const Vec3& x) {
  return std::remainder(std::atan2(x.y(), x.x()) - std::atan2(direction.y(), direction.x()), 2.0 * pi);
}

TEST(Cylinder, SideOfADirectionIsAHelixOfUpToAWholeTurn) {
  // Points at any angles a, b within half a turn of the direction: the string turns through b - a, of which each tangent
  // takes acos(r / d), and unrolled it is straight. It touches where something is left.
  std::mt19937 random{3};
  const auto uniform = [&](double low, double high) { return low + (high - low) * (random() / 4294967296.0); };
  int clear = 0, below_half = 0, above_half = 0;
  double most = 0.0;
  for (int i = 0; i < 2000; ++i) {
    const Cylinder surface{uniform(0.01, 0.1)};
    const double r = surface.radius, front = uniform(-pi, pi), a = uniform(-pi, pi);
    const double b = i % 2 ? uniform(-pi, pi) : std::copysign(uniform(0.6, 1.0) * pi, -a), rise = uniform(-0.1, 0.1);
    const auto distance = [&] { return r * (1.001 + std::pow(uniform(0.0, 1.5), 4)); };
    const double da = distance(), db = distance();
    const Vec3 p(da * std::cos(front + a), da * std::sin(front + a), 0.02);
    const Vec3 q(db * std::cos(front + b), db * std::sin(front + b), 0.02 + rise);
    const Side side = Side::toward({std::cos(front), std::sin(front), uniform(-2.0, 2.0)});
    const double arc_angle = std::abs(b - a) - std::acos(r / da) - std::acos(r / db);
    const Contact found = contact(surface, p, q, side);
    ASSERT_EQ(touches(found), arc_angle > 0.0) << i;
    if (arc_angle <= 0.0) {
      EXPECT_EQ(found.state, Contact::clear);
      ++clear;
      continue;
    }
    ++(arc_angle > pi ? above_half : below_half);
    most = std::max(most, arc_angle);
    const double seen = std::sqrt(da * da - r * r) + r * arc_angle + std::sqrt(db * db - r * r);
    EXPECT_NEAR(string_length(surface, p, q, side), std::hypot(seen, rise), 1e-13);
    const Arc<double> arc_found = arc<double>(surface, p, q, found.way);
    EXPECT_NEAR(arc_found.angle, arc_angle, 1e-9);
    EXPECT_EQ(found.way.turn, b > a ? 1 : -1);
    std::vector<Vec3> x;
    trace(surface, p, q, found.way, 0.02 * r, x);
    double turned = 0.0;
    for (std::size_t k = 1; k < x.size(); ++k) {
      const double step = angle_from(x[k - 1], x[k]);
      turned += step;
      EXPECT_LT(std::abs(angle_from(side.direction, x[k - 1]) + step), pi + 1e-9) << "never through the half-plane";
    }
    EXPECT_NEAR(turned, std::copysign(arc_angle, b - a), 1e-9);
  }
  EXPECT_GT(clear, 200);
  EXPECT_GT(below_half, 500);
  EXPECT_GT(above_half, 200);
  EXPECT_GT(most, 1.8 * pi);
}

/// A string of straight pieces, pulled tight outside a cylinder; no node goes through the half-plane that starts at the
/// axis and points away from a direction. It is laid from p far out to the direction and back to q.
double pulled_with_barrier(const Cylinder& surface, const Vec3& direction, const Vec3& p, const Vec3& q, int pieces) {
  const Vec3 d = Vec3(direction.x(), direction.y(), 0.0).normalized(), e(-d.y(), d.x(), 0.0);
  const Vec3 far = 10.0 * surface.radius * d + Vec3(0, 0, 0.5 * (p.z() + q.z()));
  std::vector<Vec3> node;
  const auto push = [&](Vec3 x) {
    push_out(surface, x);
    return x;
  };
  for (int i = 0; i <= pieces; ++i) {
    const double t = 2.0 * i / pieces;
    node.push_back(push(t < 1 ? Vec3(p + t * (far - p)) : Vec3(far + (t - 1) * (q - far))));
  }
  return test::pulled_tight(node, 1.8, 2 * pieces * pieces, 1e-11, [&](const Vec3& from, Vec3 to) {
    if (std::abs(angle_from(d, from) + angle_from(from, to)) > pi) to -= e * e.dot(to);
    return push(to);
  });
}

TEST(Cylinder, SideOfADirectionIsAStringPulledTightBesideTheHalfPlaneBehind) {
  std::mt19937 random{4};
  const auto uniform = [&](double low, double high) { return low + (high - low) * (random() / 4294967296.0); };
  int above_half = 0, tried = 0;
  for (int i = 0; tried < 40; ++i) {
    const Cylinder surface{0.03};
    const Vec3 direction(uniform(-1, 1), uniform(-1, 1), uniform(-1, 1));
    const auto end = [&] {
      const double angle = uniform(-pi, pi), d = surface.radius * uniform(1.05, 3.0);
      return Vec3(d * std::cos(angle), d * std::sin(angle), uniform(-0.05, 0.05));
    };
    const Vec3 p = end(), q = end();
    const Side side = Side::toward(direction);
    const double turn = std::abs(angle_from(direction, q) - angle_from(direction, p));
    if (turn < (tried % 2 ? 0.5 : 1.3) * pi) continue;  // else most are clear
    ++tried;
    const double length = string_length(surface, p, q, side);
    const double coarse = pulled_with_barrier(surface, direction, p, q, 40),
                 fine = pulled_with_barrier(surface, direction, p, q, 80);
    EXPECT_NEAR(fine + (fine - coarse) / 3.0, length, 1e-4 * length) << i;
    EXPECT_NEAR(fine, length, 2e-3 * length) << i;
    above_half += turn > 1.5 * pi;
  }
  EXPECT_GE(above_half, 8);
}

TEST(Cylinder, SideOfADirectionHasNoJumpUnlessAnEndGoesThroughTheHalfPlaneBehind) {
  // Ends on smooth random curves. What the straight parts pull is the slope of the length, so the two agree from step to
  // step but for the square of the step; nothing else jumps, through lift-off, half a turn and nearly a whole one.
  std::mt19937 random{5};
  const auto uniform = [&](double low, double high) { return low + (high - low) * (random() / 4294967296.0); };
  constexpr double step = 2e-4, radius = 0.03;
  const Cylinder surface{radius};
  int passages = 0, jumps = 0, touched = 0, lifted = 0, halved = 0;
  double most = 0.0;
  for (int curve = 0; curve < 60; ++curve) {
    const Side side = Side::toward({uniform(-1, 1), uniform(-1, 1), uniform(-1, 1)});
    double c[2][8];
    for (auto& one : c)
      for (double& x : one) x = uniform(-1, 1);
    const auto place = [&](int end, double t) {
      const double* k = c[end];
      const double angle = 3.0 * k[0] + 2.5 * k[1] * std::sin(t + k[2]) + std::sin(2.0 * t + 3.0 * k[3]);
      const double d = radius * (2.0 + 0.7 * std::sin(1.3 * t + 3.0 * k[4]));
      return Vec3(d * std::cos(angle), d * std::sin(angle), 0.05 * k[5] * std::cos(t + 3.0 * k[6]));
    };
    double before = NAN, pull_before = NAN, turned = NAN;
    bool near_before = false;
    for (double t = 0.0; t < 6.0; t += step) {
      const Vec3 p = place(0, t), q = place(1, t);
      const Vec3 dp = (place(0, t + 1e-6) - place(0, t - 1e-6)) / 2e-6,
                 dq = (place(1, t + 1e-6) - place(1, t - 1e-6)) / 2e-6;
      const Contact found = contact(surface, p, q, side);
      Vec3 ahead = (q - p).normalized(), back = -ahead;
      double angle = 0.0;
      if (touches(found)) {
        const Arc<double> a = arc<double>(surface, p, q, found.way);
        ahead = (a.enter - p).normalized(), back = (a.leave - q).normalized(), angle = a.angle;
      }
      const double length = string_length(surface, p, q, side), pull = -ahead.dot(dp) - back.dot(dq);
      const auto passed = [&](int end) {
        const double now = angle_from(side.direction, place(end, t)),
                     then = angle_from(side.direction, place(end, t - step));
        return std::abs(now - then) > pi;
      };
      const bool near = near_barrier(surface, p, side) || near_barrier(surface, q, side);
      if (t > 0.0 && (passed(0) || passed(1))) {
        ++passages;
        jumps += std::abs(length - before) > 1e-3;
        EXPECT_TRUE(near && near_before);
      } else if (t > 0.0) {
        ASSERT_NEAR(length - before, 0.5 * (pull + pull_before) * step, 3.0 * step * step)
            << "curve " << curve << " at " << t;
        touched += angle > 0.0 && turned == 0.0;
        lifted += angle == 0.0 && turned > 0.0;
        halved += (angle > pi) != (turned > pi);
        most = std::max(most, angle);
      }
      before = length, pull_before = pull, turned = angle, near_before = near;
    }
  }
  EXPECT_GT(passages, 10);
  EXPECT_GT(jumps, 5) << "there it does";
  EXPECT_GT(touched + lifted, 50);
  EXPECT_GT(halved, 20);
  EXPECT_GT(most, 1.5 * pi);
}

TEST(Sphere, SideOfADirectionIsTheWayRoundWhoseMiddlePointsMoreToIt) {
  const Sphere surface{0.5};
  const Vec3 p(1, 0, 0.1), q(-1, 0, 0.2);
  for (const Vec3& d : {Vec3(0, 0, 1), Vec3(0, 0, -1)}) {
    const Contact found = contact(surface, p, q, Side::toward(d));
    ASSERT_TRUE(touches(found));
    const Arc<double> a = arc<double>(surface, p, q, found.way);
    EXPECT_GT((a.enter + a.leave).dot(d), 0.0);
    EXPECT_EQ(found.way.turn, d.z() > 0 ? 1 : -1);
  }
}

TEST(Cylinder, SidesNameTheMiddleOfTheArc) {
  const Cylinder surface{0.5};
  const Vec3 p(1, 0.2, 0), q(-1, 0.1, 0);
  EXPECT_EQ(contact(surface, p, q, Side::toward(Vec3::UnitY())).way.turn, 1);
  EXPECT_EQ(contact(surface, p, q, Side::toward(-Vec3::UnitY())).way.turn, -1);
  EXPECT_EQ(contact(surface, p, q, Side::shortest).way.turn, 1);
  EXPECT_EQ(contact(surface, q, p, Side::toward(Vec3::UnitY())).way.turn, -1);
  const Vec3 a(0.1, -1, 0), b(0.1, 1, 0);
  EXPECT_EQ(contact(surface, a, b, Side::toward(Vec3::UnitX())).way.turn, 1);
  EXPECT_EQ(contact(surface, a, b, Side::toward(-Vec3::UnitX())).way.turn, -1);
}

TEST(Cylinder, LineOnTheWrongSideIsLedRound) {
  const Cylinder surface{0.5};
  const Vec3 p(2, -0.7, 0), q(-2, -0.7, 0);  // passes below without touching
  EXPECT_EQ(contact(surface, p, q, Side::toward(-Vec3::UnitY())).state, Contact::clear);
  EXPECT_EQ(contact(surface, p, q, Side::shortest).state, Contact::clear);
  EXPECT_EQ(contact(surface, p, q, Side::toward(Vec3::UnitY())).state, Contact::around);
  EXPECT_GT(string_length(surface, p, q, Side::toward(Vec3::UnitY())), 4.0);
}

TEST(Cylinder, PointsInsideAreSaidToBe) {
  EXPECT_EQ(contact(Cylinder{0.5}, {0.3, 0.3, 9}, {2, 0, 0}, Side::shortest).state, Contact::inside);
  EXPECT_EQ(contact(Cylinder{0.5}, {2, 0, 0}, {0.5, 0, 0}, Side::toward(Vec3::UnitX())).state, Contact::inside);
  EXPECT_EQ(contact(Sphere{0.5}, {0.3, 0.3, 9}, {2, 0, 0}, Side::shortest).state, Contact::clear);
  EXPECT_EQ(contact(Sphere{0.5}, {0.2, 0.3, 0.2}, {2, 0, 0}, Side::shortest).state, Contact::inside);
}

TEST(Sphere, GreatCircle) {
  // Points 120 degrees apart at twice the radius touch at one point; 150 degrees leave 30 on the great circle.
  const Sphere surface{0.5};
  Mat3 R = rotation_about<double>(Vec3(1, 2, 3).normalized(), 0.7);
  const auto at_angle = [&](double degrees) {
    return Vec3(R * Vec3(std::cos(degrees * pi / 180), std::sin(degrees * pi / 180), 0));
  };
  EXPECT_NEAR(arc<double>(surface, at_angle(0), at_angle(120), 1).angle, 0, 1e-15);
  EXPECT_NEAR(string_length(surface, at_angle(0), at_angle(150), Side::shortest), 2 * std::sqrt(0.75) + 0.5 * pi / 6,
              1e-14);
  EXPECT_NEAR(arc<double>(surface, at_angle(0), at_angle(150), -1).angle, pi / 2, 1e-14);
}

TEST(Sphere, LineThroughTheCentreTakesSomeWayRound) {
  const Sphere surface{0.5};
  for (const Vec3& p : {Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1), Vec3(0.6, 0, 0.8)})
    EXPECT_NEAR(string_length(surface, p, -p, Side::shortest), 2 * std::sqrt(0.75) + 0.5 * pi / 3, 1e-14);
}

/// A string of many straight pieces, pulled tight over a surface that pushes its nodes out.
double pulled_length(const std::function<Vec3(const Vec3&)>& push_out, const Vec3& p, const Vec3& over, const Vec3& q,
                     int pieces) {
  std::vector<Vec3> node;
  for (int i = 0; i <= pieces; ++i) {
    const double t = 2.0 * i / pieces;
    node.push_back(push_out(t < 1 ? Vec3(p + t * (over - p)) : Vec3(over + (t - 1) * (q - over))));
  }
  return test::pulled_tight(node, 1.6, 8 * pieces * pieces / 10, 1e-12,
                            [&](const Vec3&, const Vec3& to) { return push_out(to); });
}

Vec3 push_out(const Cylinder& c, const Vec3& x) {
  const double d = std::hypot(x.x(), x.y());
  return d >= c.radius ? x : Vec3(x.x() * c.radius / d, x.y() * c.radius / d, x.z());
}
Vec3 push_out(const Sphere& s, const Vec3& x) { return x.norm() >= s.radius ? x : Vec3(x * (s.radius / x.norm())); }
Vec3 push_out(const Ellipsoid& e, const Vec3& x) {  // to the nearest point
  if (x.cwiseQuotient(e.radii).norm() >= 1.0) return x;
  const Vec3 r2 = e.radii.cwiseProduct(e.radii);
  double low = -r2.minCoeff(), high = 0.0;
  for (int i = 0; i < 60; ++i) {
    const double k = 0.5 * (low + high);
    const Vec3 y = r2.cwiseProduct(x).cwiseQuotient(r2 + Vec3(k, k, k));
    (y.cwiseQuotient(e.radii).norm() > 1.0 ? low : high) = k;
  }
  return r2.cwiseProduct(x).cwiseQuotient(r2 + Vec3(high, high, high));
}

Vec3 push_out(const Torus& t, const Vec3& x) {  // to the nearest point
  const double rho = std::hypot(x.x(), x.y()), out = rho - t.radius, d = std::hypot(out, x.z());
  if (d >= t.tube_radius) return x;
  const double k = t.tube_radius / d, to = (t.radius + k * out) / rho;
  return {to * x.x(), to * x.y(), k * x.z()};
}

double height(const Cylinder& c, const Vec3& x) { return std::hypot(x.x(), x.y()) - c.radius; }
double height(const Sphere& s, const Vec3& x) { return x.norm() - s.radius; }
double height(const Ellipsoid& e, const Vec3& x) {
  return (x.cwiseQuotient(e.radii).norm() - 1.0) * e.radii.minCoeff();
}
double height(const Torus& t, const Vec3& x) {
  return std::hypot(std::hypot(x.x(), x.y()) - t.radius, x.z()) - t.tube_radius;
}
Vec3 normal(const Cylinder&, const Vec3& x) { return Vec3(x.x(), x.y(), 0).normalized(); }
Vec3 normal(const Sphere&, const Vec3& x) { return x.normalized(); }
Vec3 normal(const Ellipsoid& e, const Vec3& x) { return x.cwiseQuotient(e.radii.cwiseProduct(e.radii)).normalized(); }

Vec3 normal(const Torus& t, const Vec3& x) {
  const double rho = std::hypot(x.x(), x.y()), out = (rho - t.radius) / rho;
  return Vec3(out * x.x(), out * x.y(), x.z()).normalized();
}

double top(const Cylinder& c) { return c.radius; }  // reach along y
double top(const Sphere& s) { return s.radius; }
double top(const Ellipsoid& e) { return e.radii.y(); }
double top(const Torus& t) { return t.tube_radius; }

/// A line that misses the surface by h where it passes +y, or the ring's inner side.
template <class K>
std::pair<Vec3, Vec3> grazing(const K& surface, double h) {
  return {{-0.1, top(surface), 0.0}, {0.1, top(surface) + h, 0.0}};
}
std::pair<Vec3, Vec3> grazing(const Torus& t, double h) {
  return {{t.radius - t.tube_radius, 0.0, 0.1}, {t.radius - t.tube_radius - h, 0.0, -0.1}};
}

/// Somewhere above the middle of an arc.
template <class K>
Vec3 above(const K&, const Arc<double>& a) {
  return 0.65 * (a.enter + a.leave);
}
Vec3 above(const Torus&, const Arc<double>&) { return Vec3::Zero(); }

template <class K>
K example() {
  return K{0.04};
}
template <>
Ellipsoid example() {
  return {Vec3(0.04, 0.05, 0.03)};
}

/// Whether an arc has a straight part in it.
template <class K>
bool goes_free(const K&, const Vec3&, const Vec3&) {
  return false;
}
bool goes_free(const Torus& t, const Vec3& p, const Vec3& q) { return detail::loop(t, p, q).twice; }

template <>
Torus example() {
  return {0.06, 0.02};
}

template <class... K>
struct Kinds;
template <class... K>
struct Kinds<std::variant<K...>> {
  using types = ::testing::Types<K...>;
  struct Name {
    template <class T>
    static std::string GetName(int) {
      return std::string(T::name);
    }
  };
};

template <class K>
struct SurfaceLaws : ::testing::Test {
  K surface = example<K>();
  /// Rounding: closed forms, or a solution by iteration.
  static constexpr double digits = std::is_same_v<K, Ellipsoid> || std::is_same_v<K, Torus> ? 1e-11 : 1e-15;
  std::mt19937 random{7};
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
  }
  Vec3 outside(double far) {
    for (;;) {
      const Vec3 x(uniform(-far, far), uniform(-far, far), uniform(-far, far));
      if (height(surface, x) > 0.01 * top(surface) && std::hypot(x.x(), x.y()) > 1.01 * top(surface)) return x;
    }
  }
};
TYPED_TEST_SUITE(SurfaceLaws, Kinds<Surface>::types, Kinds<Surface>::Name);

TYPED_TEST(SurfaceLaws, LengthIsThatOfAConvergedGeodesic) {
  int tried = 0;
  while (tried < 5) {
    const Vec3 p = this->outside(0.15), q = this->outside(0.15);
    const Contact found = contact(this->surface, p, q, Side::shortest);
    if (!touches(found)) continue;
    const Arc<double> a = arc<double>(this->surface, p, q, found.way);
    if (a.angle < 0.3) continue;
    ++tried;
    const auto push = [&](const Vec3& x) { return push_out(this->surface, x); };
    const Vec3 over = above(this->surface, a);
    const double length = string_length(this->surface, p, q, Side::shortest);
    const double coarse = pulled_length(push, p, over, q, 40), fine = pulled_length(push, p, over, q, 80);
    EXPECT_NEAR(fine, length, 3e-4 * length);
    EXPECT_LT(std::abs(fine - length), 0.5 * std::abs(coarse - length) + 1e-7)
        << "pieces go as the square of their size";
  }
}

TYPED_TEST(SurfaceLaws, ArcIsTangentLiesOnTheSurfaceAndIsTheSameBackwards) {
  for (int i = 0; i < 300; ++i) {
    const Vec3 p = this->outside(0.2), q = this->outside(0.2);
    for (const Side& side : {Side(Side::shortest), Side(Side::clockwise), Side(Side::counter_clockwise),
                             Side::toward(Vec3::UnitX()), Side::toward(Vec3(0.3, -0.8, 0.4))}) {
      const Contact found = contact(this->surface, p, q, side);
      if (!touches(found)) continue;
      const Arc<double> a = arc<double>(this->surface, p, q, found.way);
      if (!a.rests) continue;
      EXPECT_GT(a.angle, 0);
      const bool whole = std::is_same_v<TypeParam, Cylinder> && side.rule == Side::directed;
      EXPECT_LT(a.angle, whole ? 2.0 * pi : pi);
      for (const Vec3& x : {a.enter, a.leave}) EXPECT_NEAR(height(this->surface, x), 0, this->digits);
      // The straight parts are tangent to the surface.
      EXPECT_NEAR((a.enter - p).dot(normal(this->surface, a.enter)), 0, this->digits);
      EXPECT_NEAR((a.leave - q).dot(normal(this->surface, a.leave)), 0, this->digits);
      const Side back = side.rule == Side::clockwise           ? Side::counter_clockwise
                        : side.rule == Side::counter_clockwise ? Side::clockwise
                                                               : side;
      const Arc<double> reversed = arc<double>(this->surface, q, p, way_round(this->surface, q, p, back));
      EXPECT_NEAR((reversed.enter - a.leave).norm(), 0, 100 * this->digits);
      EXPECT_NEAR((reversed.leave - a.enter).norm(), 0, 100 * this->digits);
      EXPECT_NEAR(reversed.length, a.length, 100 * this->digits);
      EXPECT_GE((a.enter - p).norm() + a.length + (q - a.leave).norm(), (q - p).norm());
    }
  }
}

TYPED_TEST(SurfaceLaws, ShortestSideIsTheShorterOfTwo) {
  if (std::is_same_v<TypeParam, Torus>) return;  // there is one way through a ring
  for (int i = 0; i < 300; ++i) {
    const Vec3 p = this->outside(0.2), q = this->outside(0.2);
    const Contact found = contact(this->surface, p, q, Side::shortest);
    if (!touches(found)) continue;
    const Arc<double> a = arc<double>(this->surface, p, q, found.way), b = arc<double>(this->surface, p, q, -found.way);
    if (!b.rests) continue;
    EXPECT_LE((a.enter - p).norm() + a.length + (q - a.leave).norm(),
              (b.enter - p).norm() + b.length + (q - b.leave).norm() + this->digits);
  }
}

TYPED_TEST(SurfaceLaws, LengthAndSlopeAreContinuousAtLiftOff) {
  // q rises past the tangent of p: length and its slope by central differences agree from both sides.
  const Side side = std::is_same_v<TypeParam, Torus> ? Side(Side::shortest) : Side::toward(Vec3::UnitY());
  const auto touch = [&](double h) {
    const auto [p, q] = grazing(this->surface, h);
    return touches(contact(this->surface, p, q, side));
  };
  const auto length = [&](double h) {
    const auto [p, q] = grazing(this->surface, h);
    return string_length(this->surface, p, q, side);
  };
  EXPECT_TRUE(touch(-1e-9));
  EXPECT_FALSE(touch(1e-9));
  EXPECT_NEAR(length(1e-12), length(-1e-12), 1e-14);
  for (const double h : {1e-4, 1e-5, 1e-6}) {
    const double before = (length(0) - length(-h)) / h, after = (length(h) - length(0)) / h;
    EXPECT_NEAR(before, after, 30 * h) << "the slope has no jump, so its one-sided values close in with h";
  }
}

TYPED_TEST(SurfaceLaws, TraceFollowsTheArc) {
  // Points lie on the surface, as far apart as asked for; their second differences are along the normal (a geodesic has
  // no curvature in the surface), and chords fall short of the length as the square of the step.
  int seen = 0;
  while (seen < 40) {
    const Vec3 p = this->outside(0.2), q = this->outside(0.2);
    const Contact found = contact(this->surface, p, q, Side::shortest);
    if (!touches(found)) continue;
    const Arc<double> a = arc<double>(this->surface, p, q, found.way);
    if (!a.rests || a.length < 0.01 || goes_free(this->surface, p, q)) continue;
    ++seen;
    const auto short_by = [&](double step) {
      std::vector<Vec3> x{p};  // is added to
      trace(this->surface, p, q, found.way, step, x);
      EXPECT_EQ(x.size(), 2 + static_cast<std::size_t>(std::ceil(a.length / step)));
      EXPECT_NEAR((x[1] - a.enter).norm(), 0, 10 * this->digits);
      EXPECT_NEAR((x.back() - a.leave).norm(), 0, 10 * this->digits);
      double sum = 0;
      for (std::size_t i = 1; i < x.size(); ++i) {
        EXPECT_NEAR(height(this->surface, x[i]), 0, 10 * this->digits);
        if (i == 1) continue;
        const Vec3 d = x[i] - x[i - 1];
        EXPECT_LE(d.norm(), step * (1 + 1e-9));
        sum += d.norm();
        if (i == 2) continue;
        const Vec3 bend = d - (x[i - 1] - x[i - 2]), n = normal(this->surface, x[i - 1]);
        EXPECT_LT((bend - n * n.dot(bend)).norm(), 0.1 * step / top(this->surface) * bend.norm() + 1e-11);
      }
      return a.length - sum;
    };
    const double coarse = short_by(a.length / 32.5), fine = short_by(a.length / 65.5);
    EXPECT_GT(coarse, 0);
    EXPECT_NEAR(fine, coarse / 4, 0.1 * coarse / 4 + 1e-12);
  }
}

}  // namespace
}  // namespace psoas
