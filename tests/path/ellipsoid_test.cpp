// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Strings over ellipsoids. The reference follows geodesics in arc length, in long double, with Runge and Kutta's rule:
// nothing in it is shared with the library.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "path/sweeps.hpp"
#include "psoas/core/pose.hpp"
#include "psoas/path/path.hpp"
#include "psoas/path/wrap.hpp"
#include "support/allocations.hpp"
#include "support/random.hpp"

namespace psoas {
namespace {

class Random : public test::MersenneTwister {
 public:
  using MersenneTwister::MersenneTwister;
  /// Half-axes in any order, the greatest 0.05 m, no ratio above `ratio`.
  Vec3 radii(double ratio) {
    const double a = std::exp(uniform(0.0, std::log(ratio))), b = std::exp(uniform(0.0, std::log(a)));
    const Vec3 r(0.05, 0.05 / a, 0.05 / b);
    const Eigen::Index k = below(3);
    return {r[k], r[(k + 1) % 3], r[(k + 2) % 3]};
  }
};

double string_length(const Arc<double>& a, const Vec3& p, const Vec3& q) {
  return (a.enter - p).norm() + a.length + (q - a.leave).norm();
}
template <class K>
double string_length(const K& surface, const Vec3& p, const Vec3& q, Side side = Side::shortest) {
  const Contact found = contact(surface, p, q, side);
  return touches(found) ? string_length(arc<double>(surface, p, q, found.way), p, q) : (q - p).norm();
}

Vec3 normal(const Ellipsoid& e, const Vec3& x) { return x.cwiseQuotient(e.radii.cwiseProduct(e.radii)).normalized(); }
double height(const Ellipsoid& e, const Vec3& x) { return x.cwiseQuotient(e.radii).norm() - 1.0; }

/// Where a geodesic from x along t is after a length, and where it points.
struct End {
  Vec3 y, v;
};
End geodesic(const Ellipsoid& e, const Vec3& x, const Vec3& t, double length, int steps) {
  using Real = long double;
  using State = std::array<Real, 6>;
  std::array<Real, 3> Q;
  State y;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto k = static_cast<Eigen::Index>(i);
    Q[i] = 1 / (Real(e.radii[k]) * Real(e.radii[k]));
    y[i] = x[k];
    y[i + 3] = t[k];
  }
  const auto rate = [&](const State& z) {
    Real u = 0, bend = 0;
    for (std::size_t i = 0; i < 3; ++i) u += Q[i] * Q[i] * z[i] * z[i], bend += Q[i] * z[i + 3] * z[i + 3];
    State d;
    for (std::size_t i = 0; i < 3; ++i) d[i] = z[i + 3], d[i + 3] = -bend / u * Q[i] * z[i];
    return d;
  };
  const auto moved = [](const State& z, Real h, const State& d) {
    State w;
    for (std::size_t i = 0; i < 6; ++i) w[i] = z[i] + h * d[i];
    return w;
  };
  const Real h = Real(length) / steps;
  for (int s = 0; s < steps; ++s) {
    const State a = rate(y), b = rate(moved(y, h / 2, a)), c = rate(moved(y, h / 2, b)), d = rate(moved(y, h, c));
    for (std::size_t i = 0; i < 6; ++i) y[i] += h / 6 * (a[i] + 2 * (b[i] + c[i]) + d[i]);
  }
  return {{double(y[0]), double(y[1]), double(y[2])}, {double(y[3]), double(y[4]), double(y[5])}};
}

/// Length of the string in the plane through p, q and a direction across: by 4000 chords on each side of the top.
double plane_length(const Ellipsoid& e, const Vec3& p, const Vec3& q, const Vec3& across) {
  // In the plane, by coordinates in which the ellipsoid is a unit sphere: a circle.
  const Vec3 ps = p.cwiseQuotient(e.radii), qs = q.cwiseQuotient(e.radii), d = (qs - ps).normalized();
  const Vec3 m = (across - d * d.dot(across)).normalized(), n = d.cross(m), centre = n * n.dot(ps);
  const double r = std::sqrt(std::max(0.0, 1.0 - centre.squaredNorm()));
  const auto polar = [&](const Vec3& x) { return std::atan2((x - centre).dot(m), (x - centre).dot(d)); };
  const auto share = [&](const Vec3& x) { return std::acos(std::min(1.0, r / (x - centre).norm())); };
  const double low = polar(qs) + share(qs), high = polar(ps) + (polar(ps) < 0.0 ? 2.0 * pi : 0.0) - share(ps);
  const auto at = [&](double a) {
    return Vec3(e.radii.cwiseProduct(centre + r * (std::cos(a) * d + std::sin(a) * m)));
  };
  constexpr int pieces = 8000;
  double length = (at(high) - p).norm() + (q - at(low)).norm();
  for (int i = 0; i < pieces; ++i)
    length += (at(low + (high - low) * (i + 1) / pieces) - at(low + (high - low) * i / pieces)).norm();
  return length;
}
double shortest_in_a_plane(const Ellipsoid& e, const Vec3& p, const Vec3& q, int planes) {
  double least = inf;
  const Vec3 d = (q - p).cwiseQuotient(e.radii).normalized(), first = d.unitOrthogonal(), second = d.cross(first);
  for (int i = 0; i < planes; ++i) {
    const double a = 2.0 * pi * i / planes;
    least = std::min(least, plane_length(e, p, q, std::cos(a) * first + std::sin(a) * second));
  }
  return least;
}

/// Points on both sides of an ellipsoid whose line cuts it.
struct Ends {
  Vec3 p, q;
};
Ends across(Random& random, const Ellipsoid& e, double near) {
  for (;;) {
    const Vec3 d = random.vector(1).normalized(), m = random.vector(1).cross(d).normalized();
    const double off = random.uniform(0.0, 1.0), half = std::sqrt(1.0 - off * off);
    const auto far = [&] { return half + near * std::exp(random.uniform(0.0, 4.0)); };
    const Vec3 p = e.radii.cwiseProduct(m * off - d * far()), q = e.radii.cwiseProduct(m * off + d * far());
    if (contact(e, p, q, Side::shortest).state == Contact::cut) return {p, q};
  }
}

TEST(Ellipsoid, OfEqualRadiiIsASphere) {
  Random random(1);
  for (int i = 0; i < 3000; ++i) {
    const double r = random.uniform(0.01, 0.1);
    const Ellipsoid ball{Vec3(r, r, r)};
    const Sphere sphere{r};
    const Vec3 p = random.vector(0.2), q = random.vector(0.2);
    const Contact a = contact(ball, p, q, Side::shortest), b = contact(sphere, p, q, Side::shortest);
    ASSERT_EQ(a.state, b.state);
    if (!touches(a)) continue;
    const Arc<double> one = arc<double>(ball, p, q, a.way), other = arc<double>(sphere, p, q, b.way);
    EXPECT_TRUE(one.rests);
    EXPECT_NEAR(one.length, other.length, 1e-13);
    EXPECT_NEAR(one.angle, other.angle, 1e-6);
    EXPECT_NEAR(string_length(one, p, q), string_length(other, p, q), 1e-14);
  }
}

TEST(Ellipsoid, LineThroughTheCentreOfASphereTakesSomeWayRound) {
  const Ellipsoid ball{Vec3(0.5, 0.5, 0.5)};
  for (const Vec3& p : {Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1), Vec3(0.6, 0, 0.8)})
    EXPECT_NEAR(string_length(ball, p, -p), 2 * std::sqrt(0.75) + 0.5 * pi / 3, 1e-13);
}

TEST(Ellipsoid, EquatorAndMeridianOfASpheroid) {
  // The string lies in a plane of symmetry: on the equator a circle, on a meridian lengths are elliptic integrals.
  const double a = 0.05, b = 0.02;
  const Ellipsoid lens{Vec3(a, a, b)};
  const Vec3 p(0.12, 0.01, 0), q(-0.1, 0.02, 0);
  // For the lens the equator is held by nothing, so its string is the short way of a needle's waist instead.
  const Ellipsoid needle{Vec3(b, b, a)};
  EXPECT_NEAR(string_length(needle, p, q), string_length(Sphere{b}, p, q), 1e-13);

  // Over the flat side of the lens in the plane x-z, x = a sin f, z = b cos f: ds = a E'(f, k), k^2 = 1 - (b / a)^2.
  const Vec3 from(0.11, 0, 0.003), to(-0.08, 0, 0.001);
  const double k = std::sqrt(1.0 - b * b / (a * a));
  const auto tangent = [&](const Vec3& x) {  // f of the point that the tangent from x touches, above
    const double u = x.x() / a, w = x.z() / b, d = std::hypot(u, w);
    return std::atan2(std::abs(u), w) - std::acos(1.0 / d);
  };
  const double f = tangent(from), g = tangent(to);
  const auto at = [&](double s) { return Vec3(a * std::sin(s), 0, b * std::cos(s)); };
  const double length = (at(f) - from).norm() + a * (std::ellint_2(k, f) + std::ellint_2(k, g)) + (at(-g) - to).norm();
  EXPECT_NEAR(string_length(lens, from, to), length, 1e-12);
  EXPECT_NEAR(string_length(lens, p, q), plane_length(lens, p, q, Vec3::UnitZ()), 1e-3) << "over the flat side";
}

TEST(Ellipsoid, ArcIsAGeodesicTangentAtBothEnds) {
  for (const double ratio : {1.5, 4.0, 20.0}) {
    Random random(static_cast<unsigned>(10 * ratio));
    for (int i = 0; i < 60; ++i) {
      const Ellipsoid e{random.radii(ratio)};
      const Ends ends = across(random, e, 0.02);
      const Contact found = contact(e, ends.p, ends.q, Side::shortest);
      const Arc<double> a = arc<double>(e, ends.p, ends.q, found.way);
      ASSERT_TRUE(a.rests) << "ratio " << ratio << " case " << i;
      const Vec3 t = (a.enter - ends.p).normalized(), v = (ends.q - a.leave).normalized();
      EXPECT_NEAR(height(e, a.enter), 0, 1e-13);
      EXPECT_NEAR(height(e, a.leave), 0, 1e-11);
      EXPECT_NEAR(t.dot(normal(e, a.enter)), 0, 1e-11);
      EXPECT_NEAR(v.dot(normal(e, a.leave)), 0, 1e-10);
      const End end = geodesic(e, a.enter, t, a.length, 40000);
      EXPECT_NEAR((end.y - a.leave).norm(), 0, 2e-12) << "ratio " << ratio << " case " << i;
      EXPECT_NEAR((end.v - v).norm(), 0, 2e-9) << "ratio " << ratio << " case " << i;
    }
  }
}

TEST(Ellipsoid, NoStringInAPlaneIsShorter) {
  for (const double ratio : {1.5, 4.0, 20.0}) {
    Random random(static_cast<unsigned>(7 * ratio));
    for (int i = 0; i < 20; ++i) {
      const Ellipsoid e{random.radii(ratio)};
      const Ends ends = across(random, e, 0.1);
      EXPECT_LE(string_length(e, ends.p, ends.q), shortest_in_a_plane(e, ends.p, ends.q, 60) + 1e-9)
          << "ratio " << ratio << " case " << i;
    }
  }
}

/// Length of the string in the plane that OpenSim's WrapEllipsoid takes with the method `midpoint`: through p, q and the
/// point of the surface nearest to the middle of what the ellipsoid cuts off the line.
double opensim_midpoint(const Ellipsoid& e, const Vec3& p, const Vec3& q) {
  const Vec3 ps = p.cwiseQuotient(e.radii), d = (q - p).cwiseQuotient(e.radii);
  const Vec3 middle = p - (q - p) * (ps.dot(d) / d.squaredNorm());
  const Vec3 squares = e.radii.cwiseProduct(e.radii);
  const auto stretched = [&](double t) {
    return Vec3(squares.cwiseProduct(middle).cwiseQuotient(squares - Vec3::Constant(t)));
  };
  double low = 0.0, high = squares.minCoeff();  // of Lagrange's multiplier: the nearest point is stretched(t)
  for (int i = 0; i < 200; ++i) {
    const double t = 0.5 * (low + high);
    (height(e, stretched(t)) < 0.0 ? low : high) = t;
  }
  return plane_length(e, p, q, (stretched(low) - p).cwiseQuotient(e.radii));
}

TEST(Ellipsoid, PlaneCutIsLongerThanTheGeodesic) {
  // OpenSim's WrapEllipsoid lays the muscle into a plane through p and q. Even the best of all planes is too long here.
  struct Case {
    Vec3 radii, p, q;
    double geodesic, plane, midpoint;
  };
  for (const Case& c : {Case{{0.05, 0.0168, 0.0332},
                             {-0.0287, 0.0162, 0.0175},
                             {0.0186, -0.0153, -0.0216},
                             0.0901925,
                             0.0907097,
                             0.0956600},
                        Case{{0.037, 0.05, 0.0195},
                             {-0.0105, 0.0237, -0.0175},
                             {0.0062, -0.0341, 0.0172},
                             0.1025675,
                             0.1044775,
                             0.1054174}}) {
    const Ellipsoid e{c.radii};
    const double geodesic = string_length(e, c.p, c.q), plane = shortest_in_a_plane(e, c.p, c.q, 720);
    // the figures of docs/paths.md
    EXPECT_NEAR(geodesic, c.geodesic, 5e-7);
    EXPECT_NEAR(plane, c.plane, 5e-7);
    EXPECT_NEAR(opensim_midpoint(e, c.p, c.q), c.midpoint, 5e-7);
  }
}

TEST(Ellipsoid, DerivativesAreThoseOfTheString) {
  // dl/dp and dl/dq are the directions of the straight parts; enter and leave by dual numbers against differences.
  int flagged = 0;
  for (const double ratio : {1.5, 4.0, 20.0}) {
    Random random(static_cast<unsigned>(3 * ratio));
    for (int i = 0; i < 60; ++i) {
      const Ellipsoid e{random.radii(ratio)};
      const Ends ends = across(random, e, 0.2);
      const Contact found = contact(e, ends.p, ends.q, Side::shortest);
      const Vec3 dp = random.vector(1).normalized(), dq = random.vector(1).normalized();
      using D = Dual<1>;
      Vec3T<D> p, q;
      for (Eigen::Index k = 0; k < 3; ++k) {
        p[k] = ends.p[k], p[k].v[0] = dp[k];
        q[k] = ends.q[k], q[k].v[0] = dq[k];
      }
      const Arc<D> dual = arc<D>(e, p, q, found.way);
      const Arc<double> here = arc<double>(e, ends.p, ends.q, found.way);
      flagged += !here.rests;
      if (!here.rests) continue;
      const D whole =
          sqrt((dual.enter - p).dot(dual.enter - p)) + dual.length + sqrt((q - dual.leave).dot(q - dual.leave));
      const double work = (ends.q - here.leave).normalized().dot(dq) - (here.enter - ends.p).normalized().dot(dp);
      EXPECT_NEAR(whole.a, string_length(here, ends.p, ends.q), 1e-15);
      EXPECT_NEAR(whole.v[0], work, 1e-10);
      const double h = 1e-6;
      const auto at = [&](double s) { return arc<double>(e, ends.p + s * dp, ends.q + s * dq, found.way); };
      const auto length = [&](double s) { return string_length(at(s), ends.p + s * dp, ends.q + s * dq); };
      EXPECT_NEAR((length(h) - length(-h)) / (2 * h), work, 1e-7) << "ratio " << ratio << " case " << i;
      const Vec3 enter = (at(h).enter - at(-h).enter) / (2 * h), leave = (at(h).leave - at(-h).leave) / (2 * h);
      for (Eigen::Index k = 0; k < 3; ++k) {
        EXPECT_NEAR(dual.enter[k].v[0], enter[k], 1e-4 * (1 + enter.norm())) << "ratio " << ratio << " case " << i;
        EXPECT_NEAR(dual.leave[k].v[0], leave[k], 1e-4 * (1 + leave.norm())) << "ratio " << ratio << " case " << i;
      }
    }
  }
  EXPECT_LE(flagged, 1);
}

TEST(Ellipsoid, LengthAndForceHaveNoJumpAtLiftOff) {
  // q moves out through the tangent plane; steps of 1e-7 on both sides of where it touches.
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    const Ellipsoid e{random.radii(6.0)};
    const Vec3 x = e.radii.cwiseProduct(random.vector(1).normalized()), n = normal(e, x);
    const Vec3 t = n.cross(random.vector(1)).normalized();
    const Vec3 p = x - random.uniform(0.02, 0.1) * t, q = x + random.uniform(0.02, 0.1) * t;
    constexpr double step = 1e-7;
    double before = 0.0, slope = 0.0;
    for (int k = -20; k <= 20; ++k) {
      const Vec3 to = q + k * step * n;
      const Contact found = contact(e, p, to, Side::shortest);
      if (k != 0) {
        EXPECT_EQ(touches(found), k < 0) << k;
      }
      const double length = string_length(e, p, to);
      if (k > -20) {
        EXPECT_NEAR(length, before, 1e-9);
        if (k > -19) {
          EXPECT_NEAR((length - before) / step, slope, 1e-4);
        }
        slope = (length - before) / step;
      }
      before = length;
    }
  }
}

TEST(Ellipsoid, LengthHasNoJumpOnWalksWithoutASide) {
  // A step moves either end by 1e-4 m at most, so the length by 2e-4.
  constexpr double step = 1e-4;
  long poses = 0, flagged = 0;
  for (const double ratio : {1.5, 4.0, 12.0}) {
    Random random(static_cast<unsigned>(100 * ratio));
    for (int walk = 0; walk < 60; ++walk) {
      const Ellipsoid e{random.radii(ratio)};
      const Ends ends = across(random, e, 0.3);
      const Vec3 dp = random.vector(1).normalized(), dq = random.vector(1).normalized();
      double before = -1.0;
      for (int k = -150; k <= 150; ++k) {
        const Vec3 p = ends.p + k * step * dp, q = ends.q + k * step * dq;
        const Contact found = contact(e, p, q, Side::shortest);
        ++poses;
        double length = (q - p).norm();
        bool good = found.state != Contact::inside;
        if (touches(found)) {
          const Arc<double> a = arc<double>(e, p, q, found.way);
          length = string_length(a, p, q);
          good = good && a.rests;
        }
        flagged += !good;
        if (good && before > 0.0) {
          ASSERT_LE(std::abs(length - before), 2 * step + 1e-12)
              << "ratio " << ratio << " walk " << walk << " at " << k;
        }
        before = good ? length : -1.0;
      }
    }
  }
  EXPECT_LT(flagged, poses / 20);
}

TEST(Ellipsoid, PointsOnAndInTheSurfaceGiveNumbers) {
  Random random(9);
  for (int i = 0; i < 2000; ++i) {
    const Ellipsoid e{random.radii(20.0)};
    const Vec3 on = e.radii.cwiseProduct(random.vector(1).normalized());
    const Vec3 p = on * (i % 4 == 0 ? 1.0 : i % 4 == 1 ? 0.5 : i % 4 == 2 ? 1.0 + 1e-9 : 0.0), q = random.vector(0.2);
    const Contact found = contact(e, p, q, Side::shortest);
    if (i % 4 != 2 && height(e, q) > 1e-6) {
      EXPECT_EQ(found.state, Contact::inside);
    }
    const Arc<double> a = arc<double>(e, p, q, found.way);
    EXPECT_TRUE(std::isfinite(a.length) && a.enter.allFinite() && a.leave.allFinite()) << i;
    Vec3 out = p;
    push_out(e, out);
    EXPECT_GT(height(e, out), 0.0);
  }
}

TEST(Ellipsoid, PrescribedSides) {
  // A long one across the path: it holds a string on either side.
  const Ellipsoid bone{Vec3(0.02, 0.02, 0.3)};
  const Vec3 p(0.1, 0.004, 0.01), q(-0.1, 0.003, 0);
  const auto arc_on = [&](Side side, const Vec3& from, const Vec3& to) {
    const Contact found = contact(bone, from, to, side);
    EXPECT_TRUE(touches(found));
    const Arc<double> a = arc<double>(bone, from, to, found.way);
    EXPECT_TRUE(a.rests);
    return a;
  };
  EXPECT_GT(arc_on(Side::toward(Vec3::UnitY()), p, q).enter.y(), 0);
  EXPECT_LT(arc_on(Side::toward(-Vec3::UnitY()), p, q).enter.y(), 0);
  EXPECT_GT(arc_on(Side::counter_clockwise, p, q).enter.y(), 0);
  EXPECT_LT(arc_on(Side::clockwise, p, q).enter.y(), 0);
  EXPECT_LT(arc_on(Side::counter_clockwise, q, p).enter.y(), 0);
  EXPECT_EQ(string_length(bone, p, q, Side::toward(Vec3::UnitY())), string_length(bone, p, q));
  // The line misses it on the wrong side: led round, as over a cylinder.
  const Vec3 a(0.1, -0.022, 0), b(-0.1, -0.022, 0);
  EXPECT_EQ(contact(bone, a, b, Side::toward(Vec3::UnitY())).state, Contact::around);
  EXPECT_NEAR(string_length(bone, a, b, Side::toward(Vec3::UnitY())),
              string_length(Cylinder{0.02}, a, b, Side::toward(Vec3::UnitY())), 1e-10);
  EXPECT_EQ(contact(bone, a, b, Side::toward(-Vec3::UnitY())).state, Contact::clear);
  // A ball holds it on no side but the near one.
  const Ellipsoid ball{Vec3(0.02, 0.02, 0.02)};
  EXPECT_EQ(contact(ball, a, b, Side::toward(Vec3::UnitY())).state, Contact::clear);
  EXPECT_EQ(contact(ball, a, b, Side::counter_clockwise).state, Contact::lost);
  const Vec3 c(0.1, -0.004, 0), d(-0.1, -0.004, 0);
  EXPECT_FALSE(arc<double>(ball, c, d, contact(ball, c, d, Side::toward(Vec3::UnitY())).way).rests);
}

TEST(Ellipsoid, PathsOverSeveralSurfacesHaveExactMomentArms) {
  // Ellipsoids beside cylinders on one segment, one body turning: dl/dq by work, by dual numbers and by differences.
  Random random(21);
  int seen[3] = {0, 0, 0};
  for (int i = 0; i < 150; ++i) {
    Path path;
    path.points = {{0, {0.02, 0.3, 0.03}}, {1, {0.02, -0.3, -0.03}}};
    path.wraps = {{0, Pose{rotation_xyz(random.vector(0.4)), Vec3(0, 0.1, 0) + random.vector(0.02)},
                   Ellipsoid{Vec3(0.05, 0.07, 0.12)}, 0, 1, Side::toward(Vec3::UnitX())},
                  {1, Pose{rotation_xyz(random.vector(0.4)), Vec3(0, -0.1, 0) + random.vector(0.02)}, Cylinder{0.06}, 0,
                   1, Side::toward(Vec3::UnitX())}};
    path.finish();
    const Vec3 axis = random.vector(1).normalized();
    const auto length = [&](double q) {
      const std::vector<Pose> X{Pose(), {rotation_about(axis, q), Vec3::Zero()}};
      std::vector<Spatial> wrench(path.bodies.size());
      return evaluate_path<double>(path, X, {}, wrench);
    };
    using D = Dual<4>;
    const std::vector<PoseT<D>> X{PoseT<D>(), {rotation_about(axis, D(0.0, 0)), Vec3T<D>::Zero()}};
    std::vector<SpatialT<D>> wrench(path.bodies.size());
    const PathValue<D> value = evaluate_path<D>(path, X, {}, wrench);
    if (value.inside) continue;
    ++seen[value.touching];
    double work = 0.0;
    for (Eigen::Index k = 0; k < 3; ++k) work += wrench[1][k].a * axis[k];
    EXPECT_NEAR(value.length.v[0], -work, 1e-10);
    const double h = 1e-6;
    if (length(h).touching != value.touching || length(-h).touching != value.touching) continue;
    EXPECT_NEAR((length(h).length - length(-h).length) / (2 * h), -work, 1e-7) << i;
  }
  EXPECT_GT(seen[2], 50);
}

TEST(Ellipsoid, BesideACylinderWithoutASideHasNoJumpUnlessFlagged) {
  // The surfaces lie beside each other or overlap; each way round both is tried.
  Random random(5);
  test::Sweeps seen;
  const auto beside = [&] {
    std::vector<PathWrap> wraps;
    for (int i = 0; i < 2; ++i) {
      const double r = random.uniform(0.01, 0.04);
      const Vec3 tilt(random.uniform(-0.6, 0.6), random.uniform(-0.6, 0.6), random.uniform(-3.0, 3.0));
      const Vec3 place(random.uniform(-0.05, 0.05), i == 0 ? 0.04 : -0.04, random.uniform(-0.05, 0.05));
      wraps.push_back({i, {rotation_xyz(tilt), place}, Cylinder{r}, 0, 1});
      if (i == 0) wraps.back().shape = Ellipsoid{Vec3(r, 1.3 * r, 3.0 * r)};
    }
    return wraps;
  };
  ASSERT_NO_FATAL_FAILURE(test::sweep(random, 40, 2e-3, beside, seen));
  EXPECT_LT(seen.flagged, seen.poses / 10);
  EXPECT_GT(seen.two, seen.poses / 40);
}

TEST(Ellipsoid, TakesNoMemory) {
  if (!test::counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  Random random(41);
  const Ellipsoid e{Vec3(0.05, 0.03, 0.02)};
  double sum = 0.0;
  const std::size_t before = test::heap_allocations();
  for (int i = 0; i < 100; ++i) {
    const Ends ends = across(random, e, 0.1);
    sum += string_length(e, ends.p, ends.q);
    sum += arc<Dual<4>>(e, ends.p.cast<Dual<4>>(), ends.q.cast<Dual<4>>(), 1).length.a;
  }
  EXPECT_EQ(test::heap_allocations(), before);
  EXPECT_GT(sum, 0.0);
}

TEST(Ellipsoid, PosesInAnyOrderGiveTheSameBits) {
  Random random(31);
  const Ellipsoid e{Vec3(0.05, 0.03, 0.02)};
  std::vector<Ends> ends;
  std::vector<double> forth;
  for (int i = 0; i < 500; ++i) ends.push_back(across(random, e, 0.1));
  for (const Ends& x : ends) forth.push_back(string_length(e, x.p, x.q));
  for (std::size_t i = ends.size(); i-- > 0;) {
    const double back = string_length(e, ends[i].p, ends[i].q);
    EXPECT_EQ(std::memcmp(&back, &forth[i], sizeof back), 0);
  }
}

}  // namespace
}  // namespace psoas
