// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Strings through rings. The references: circles in a plane; geodesics followed in arc length, in long double; the least
// length over all curves of many coefficients. None of them knows of the moment about the axis that the library uses.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "psoas/core/pose.hpp"
#include "psoas/path/path.hpp"
#include "psoas/path/wrap.hpp"
#include "support/allocations.hpp"
#include "support/pulled.hpp"
#include "support/random.hpp"

namespace psoas {
namespace {

using test::MersenneTwister;

double string_length(const Arc<double>& a, const Vec3& p, const Vec3& q) {
  return (a.enter - p).norm() + a.length + (q - a.leave).norm();
}
double string_length(const Torus& t, const Vec3& p, const Vec3& q) {
  return touches(contact(t, p, q, Side::shortest)) ? string_length(arc<double>(t, p, q, 1), p, q) : (q - p).norm();
}
double height(const Torus& t, const Vec3& x) {
  return std::hypot(std::hypot(x.x(), x.y()) - t.radius, x.z()) - t.tube_radius;
}
Vec3 normal(const Torus& t, const Vec3& x) {
  const double rho = std::hypot(x.x(), x.y()), out = (rho - t.radius) / rho;
  return Vec3(out * x.x(), out * x.y(), x.z()).normalized();
}

/// Ends on either side of a ring whose string touches it.
struct Ends {
  Torus ring;
  Vec3 p, q;
};
Ends through(MersenneTwister& random, double thickest, double thinnest = 0.03) {
  for (;;) {
    const double R = 0.05, far = 0.06 * std::exp(random.uniform(0.0, 1.5));
    const Torus ring{R, R * random.uniform(thinnest, thickest)};
    const Vec3 p = random.vector(far), q = random.vector(far);
    if (p.z() * q.z() < 0.0 && touches(contact(ring, p, q, Side::shortest))) return {ring, p, q};
  }
}

/// Where a geodesic from x along t is after a length, and where it points.
struct End {
  Vec3 y, v;
};
End geodesic(const Torus& torus, const Vec3& x, const Vec3& t, double length, int steps) {
  using Real = long double;
  using State = std::array<Real, 6>;
  const Real R = torus.radius, r = torus.tube_radius;
  State y{x[0], x[1], x[2], t[0], t[1], t[2]};
  const auto rate = [&](const State& z) {
    // d2x = -(bending of the level set) n, from the surface (rho - R)^2 + z^2 = r^2.
    const Real rho = std::sqrt(z[0] * z[0] + z[1] * z[1]), drho = (z[0] * z[3] + z[1] * z[4]) / rho;
    const Real ddrho = (z[3] * z[3] + z[4] * z[4] - drho * drho) / rho;
    const Real bend = drho * drho + (rho - R) * ddrho + z[5] * z[5];
    const Real k = -bend / (r * r);  // per grad / 2
    const Real out = (rho - R) / rho;
    return State{z[3], z[4], z[5], k * out * z[0], k * out * z[1], k * z[2]};
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

TEST(Torus, StringInAPlaneThroughTheAxisIsACircleBetweenTangents) {
  const double R = 0.05, r = 0.01;
  const Torus ring{R, r};
  const auto share = [&](double x, double z) { return std::acos(r / std::hypot(x - R, z)); };
  const auto straight = [&](double x, double z) { return std::sqrt((x - R) * (x - R) + z * z - r * r); };
  // From outside above round the inner side to outside below, and to inside below.
  for (const double turn : {0.0, 1.0, -2.5})
    for (const double x : {0.09, 0.052, 0.048}) {
      const double zp = 0.03, zq = -0.02, xp = 0.08;
      const double whole = (pi - std::atan2(zp, xp - R)) + (pi - std::atan2(-zq, x - R));
      const double length = straight(xp, zp) + straight(x, zq) + r * (whole - share(xp, zp) - share(x, zq));
      const Vec3 p(xp * std::cos(turn), xp * std::sin(turn), zp), q(x * std::cos(turn), x * std::sin(turn), zq);
      EXPECT_NEAR(string_length(ring, p, q), length, 1e-15);
      EXPECT_NEAR(string_length(ring, q, p), length, 1e-15);
    }
}

TEST(Torus, StringOverBothSidesIsACrossedBelt) {
  // In one plane with the axis, from low above one side, across the ring, to low below the other.
  const double R = 0.05, r = 0.02, x = 0.12, z = 0.004;
  const Torus ring{R, r};
  const double far = std::hypot(x - R, z), straight = std::sqrt(far * far - r * r);
  // About the tube, from the direction outwards: where p is, where it touches, and where the cross tangent leaves.
  const double touch = std::atan2(z, x - R) + std::acos(r / far), leave = pi - std::acos(r / R);
  const double length = 2 * (straight + r * (leave - touch) + std::sqrt(R * R - r * r));
  const Vec3 p(-x, 0, z), q(x, 0, -z);
  EXPECT_NEAR(string_length(ring, p, q), length, 1e-14);
  EXPECT_TRUE(arc<double>(ring, p, q, 1).rests);
  // Its trace goes over either side by chords, and free across.
  std::vector<Vec3> points;
  trace(ring, p, q, 1, 1e-4, points);
  double sum = (points.front() - p).norm() + (q - points.back()).norm(), longest = 0.0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double piece = (points[i] - points[i - 1]).norm();
    EXPECT_NEAR(height(ring, points[i]), 0, 1e-15);
    longest = std::max(longest, piece);
    sum += piece;
  }
  EXPECT_NEAR(longest, 2 * std::sqrt(R * R - r * r), 1e-13);
  EXPECT_NEAR(sum, length, 1e-6);
}

TEST(Torus, ThinRingIsACircle) {
  // The least sum of distances over a circle, found by search.
  MersenneTwister random(2);
  for (int i = 0; i < 50; ++i) {
    const Torus ring{0.05, 1e-6};
    const Vec3 p = random.vector(0.1) + Vec3(0, 0, 0.11), q = random.vector(0.1) - Vec3(0, 0, 0.11);
    const auto over = [&](double a) {
      const Vec3 x(0.05 * std::cos(a), 0.05 * std::sin(a), 0);
      return (x - p).norm() + (x - q).norm();
    };
    const Vec3 cross = p + p.z() / (p.z() - q.z()) * (q - p);
    double least = (q - p).norm();
    if (cross.norm() > 0.05) {
      least = inf;
      for (int k = 0; k < 100000; ++k) least = std::min(least, over(2 * pi * k / 100000));
    }
    EXPECT_NEAR(string_length(ring, p, q), least, 3e-6);
  }
}

TEST(Torus, ArcIsAGeodesicTangentAtBothEnds) {
  MersenneTwister random(3);
  int seen = 0;
  while (seen < 150) {
    const Ends e = through(random, 0.8);
    const detail::Loop loop = detail::loop(e.ring, e.p, e.q);
    if (!loop.rests || loop.twice) continue;
    ++seen;
    const Arc<double> a = arc<double>(e.ring, e.p, e.q, 1);
    const auto towards = [](const Vec3& d, const Vec3& unit) { return d.norm() > 1e-6 ? Vec3(d.normalized()) : unit; };
    const Vec3 t = towards(a.enter - e.p, Vec3::Zero()), v = towards(e.q - a.leave, Vec3::Zero());
    EXPECT_NEAR(height(e.ring, a.enter), 0, 1e-15);
    EXPECT_NEAR(height(e.ring, a.leave), 0, 1e-15);
    EXPECT_NEAR(t.dot(normal(e.ring, a.enter)), 0, 1e-9);
    EXPECT_NEAR(v.dot(normal(e.ring, a.leave)), 0, 1e-9);
    const End end = geodesic(e.ring, a.enter, t, a.length, 20000);
    EXPECT_NEAR((end.y - a.leave).norm(), 0, 1e-9) << seen;
    EXPECT_NEAR((end.v - v).norm(), 0, 1e-7) << seen;
  }
}

/// The least length of p, a curve on the tube from one angle about it to another, of which the azimuth is a polynomial,
/// and q.
double least_length(const Torus& torus, const Vec3& p, const Vec3& q, double from, double to, double azimuth_p,
                    double azimuth_q) {
  constexpr int n = 13;
  using D = Dual<n>;
  const double R = torus.radius, r = torus.tube_radius;
  std::array<double, n> at{};
  at[0] = 0.5 * (azimuth_p + azimuth_q);
  at[1] = 0.5 * (azimuth_q - azimuth_p);
  const auto length = [&](const std::array<double, n>& x) {
    std::array<D, n> s;
    for (int i = 0; i < n; ++i) s[static_cast<std::size_t>(i)] = D(x[static_cast<std::size_t>(i)], i);
    const auto point = [&](double angle, double u) {
      D around(0.0);
      double power = 1.0;
      for (std::size_t k = 0; k < n; ++k, power *= u) around += s[k] * power;
      const double rho = R - r * std::cos(angle);
      return Vec3T<D>(rho * cos(around), rho * sin(around), D(r * std::sin(angle)));
    };
    const auto far = [](const Vec3T<D>& a, const Vec3& b) {
      const Vec3T<D> d = a - b.cast<D>();
      return sqrt(d.dot(d));
    };
    D sum = far(point(from, -1.0), p) + far(point(to, 1.0), q);
    // Simpson's rule with 400 pieces.
    const double half = 0.5 * (to - from);
    constexpr int pieces = 400;
    for (int i = 0; i <= pieces; ++i) {
      const double u = -1.0 + 2.0 * i / pieces, weight = (i == 0 || i == pieces ? 1.0 : i % 2 ? 4.0 : 2.0) / 3.0;
      D slope(0.0);
      double power = 1.0;
      for (std::size_t k = 1; k < n; ++k, power *= u) slope += s[k] * (power * static_cast<double>(k));
      const double rho = R - r * std::cos(from + half * (1.0 + u));
      sum += weight * 2.0 / pieces * sqrt(D(half * half * r * r) + rho * rho * slope * slope);
    }
    return sum;
  };
  // Newton's method, damped, by differences of slopes.
  D here = length(at);
  double damp = 1e-3;
  for (int i = 0; i < 200; ++i) {
    Eigen::Matrix<double, n, n> H;
    Eigen::Matrix<double, n, 1> g;
    for (int c = 0; c < n; ++c) {
      std::array<double, n> low = at, high = at;
      const double h = 1e-5;
      low[static_cast<std::size_t>(c)] -= h;
      high[static_cast<std::size_t>(c)] += h;
      const D a = length(low), b = length(high);
      for (int k = 0; k < n; ++k)
        H(k, c) = (b.v[static_cast<std::size_t>(k)] - a.v[static_cast<std::size_t>(k)]) / (2 * h);
      g[c] = here.v[static_cast<std::size_t>(c)];
    }
    if (g.norm() < 1e-13) break;
    H = (0.5 * (H + H.transpose())).eval();
    H.diagonal().array() += damp * torus.tube_radius;
    const Eigen::Matrix<double, n, 1> step = -H.ldlt().solve(g);
    std::array<double, n> next = at;
    for (int c = 0; c < n; ++c) next[static_cast<std::size_t>(c)] += step[c];
    const D there = length(next);
    if (there.a <= here.a) {
      at = next;
      here = there;
      damp *= 0.1;
    } else {
      if (damp > 1e6 || damp < 1e-14) break;
      damp *= 10.0;
    }
  }
  return here.a;
}

TEST(Torus, LengthIsTheLeastOfAllCurvesOfManyCoefficients) {
  MersenneTwister random(4);
  int seen = 0;
  while (seen < 25) {
    const Ends e = through(random, 0.6);
    const detail::Loop loop = detail::loop(e.ring, e.p, e.q);
    if (!loop.rests || loop.twice || loop.at[1] - loop.at[3] < 0.3) continue;
    ++seen;
    // From a rough guess of azimuths: those of the ends of the string, drawn in. Its straight parts are tangent there.
    const double side = loop.mirrored ? -1.0 : 1.0, azimuth = std::atan2(e.p.y(), e.p.x());
    const double between = std::atan2(e.p.x() * e.q.y() - e.p.y() * e.q.x(), e.p.x() * e.q.x() + e.p.y() * e.q.y());
    const double least = least_length(e.ring, e.p, e.q, side * loop.at[1], side * loop.at[3], azimuth + 0.3 * between,
                                      azimuth + 0.7 * between);
    EXPECT_NEAR(string_length(e.ring, e.p, e.q), least, 1e-9) << seen;
  }
}

/// A string of many straight pieces that starts through the middle of the ring and is pulled tight.
double pulled(const Torus& t, const Vec3& p, const Vec3& q, int pieces) {
  std::vector<Vec3> bends{p};
  const auto over = [&](const Vec3& x) {
    const double rho = std::hypot(x.x(), x.y()), s = x.z() < 0.0 ? -1.0 : 1.0;
    return Vec3(t.radius / rho * x.x(), t.radius / rho * x.y(), s * std::max(1.5 * t.tube_radius, std::abs(x.z())));
  };
  if (std::hypot(p.x(), p.y()) > t.radius) bends.push_back(over(p));
  bends.push_back(Vec3::Zero());
  if (std::hypot(q.x(), q.y()) > t.radius) bends.push_back(over(q));
  bends.push_back(q);
  std::vector<Vec3> x;
  for (std::size_t k = 1; k < bends.size(); ++k)
    for (int i = k == 1 ? 0 : 1; i <= pieces / 4; ++i)
      x.push_back(bends[k - 1] + (4.0 * i / pieces) * (bends[k] - bends[k - 1]));
  return test::pulled_tight(x, 1.8, 20000, 1e-10, [&](const Vec3&, Vec3 to) {
    push_out(t, to);
    return to;
  });
}

TEST(Torus, StringPulledTightThroughTheRingComesToTheSameLength) {
  // Pieces cut the corners of the tube: their sum is a little too short, by the square of their size.
  MersenneTwister random(6);
  int twice = 0, once = 0;
  while (once < 60 || twice < 20) {
    const Ends e = through(random, 0.85, 0.3);
    const detail::Loop loop = detail::loop(e.ring, e.p, e.q);
    if (!loop.rests) continue;
    if (loop.twice ? ++twice > 20 : ++once > 60) continue;
    const double length = string_length(e.ring, e.p, e.q), tight = pulled(e.ring, e.p, e.q, 160);
    const double cut = std::pow(1.3 * length / 120, 2) / (24 * e.ring.tube_radius);  // per radian
    EXPECT_LT(tight, length + 1e-8) << "nothing is shorter";
    EXPECT_GT(tight, length - 8 * cut - std::min(1e-3, 2 * length / 120)) << "twice: " << loop.twice;
  }
}

TEST(Torus, DerivativesAreThoseOfTheString) {
  MersenneTwister random(7);
  int twice = 0;
  for (int i = 0; i < 300; ++i) {
    const Ends e = through(random, 0.7);
    const detail::Loop loop = detail::loop(e.ring, e.p, e.q);
    if (!loop.rests) continue;
    const Vec3 dp = random.vector(1).normalized(), dq = random.vector(1).normalized();
    const double h = 1e-6;
    const auto at = [&](double s) { return arc<double>(e.ring, e.p + s * dp, e.q + s * dq, 1); };
    const auto steady = [&](double s) {
      const Vec3 p = e.p + s * dp, q = e.q + s * dq;
      return touches(contact(e.ring, p, q, Side::shortest)) && detail::loop(e.ring, p, q).twice == loop.twice;
    };
    if (!steady(-2e-4) || !steady(2e-4)) continue;
    twice += loop.twice;
    using D = Dual<1>;
    Vec3T<D> p, q;
    for (Eigen::Index k = 0; k < 3; ++k) {
      p[k] = e.p[k], p[k].v[0] = dp[k];
      q[k] = e.q[k], q[k].v[0] = dq[k];
    }
    const Arc<D> dual = arc<D>(e.ring, p, q, 1);
    const Arc<double> here = at(0.0);
    const D whole =
        sqrt((dual.enter - p).dot(dual.enter - p)) + dual.length + sqrt((q - dual.leave).dot(q - dual.leave));
    const double work = (e.q - here.leave).normalized().dot(dq) - (here.enter - e.p).normalized().dot(dp);
    EXPECT_NEAR(whole.a, string_length(here, e.p, e.q), 1e-15);
    EXPECT_NEAR(whole.v[0], work, 1e-10) << i;
    const auto length = [&](double s) { return string_length(at(s), e.p + s * dp, e.q + s * dq); };
    EXPECT_NEAR((length(h) - length(-h)) / (2 * h), work, 1e-7) << i;
    const Vec3 enter = (at(h).enter - at(-h).enter) / (2 * h), leave = (at(h).leave - at(-h).leave) / (2 * h);
    for (Eigen::Index k = 0; k < 3; ++k) {
      EXPECT_NEAR(dual.enter[k].v[0], enter[k], 1e-4 * (1 + enter.squaredNorm())) << i << " twice " << loop.twice;
      EXPECT_NEAR(dual.leave[k].v[0], leave[k], 1e-4 * (1 + leave.squaredNorm())) << i << " twice " << loop.twice;
    }
  }
  EXPECT_GT(twice, 10);
}

TEST(Torus, LengthHasNoJumpOnWalksUnlessFlagged) {
  // A step moves either end by 1e-4 m at most, so the length by 2e-4: through the ring, round its tube and past it.
  constexpr double step = 1e-4;
  long poses = 0, flagged = 0, touching = 0;
  MersenneTwister random(8);
  for (int walk = 0; walk < 100; ++walk) {
    const Ends e = through(random, 0.6);
    const Vec3 dp = random.vector(1).normalized(), dq = random.vector(1).normalized();
    double before = -1.0;
    for (int k = -400; k <= 400; ++k) {
      const Vec3 p = e.p + k * step * dp, q = e.q + k * step * dq;
      const Contact found = contact(e.ring, p, q, Side::shortest);
      ++poses;
      double length = (q - p).norm();
      bool good = found.state != Contact::inside && found.state != Contact::lost;
      if (touches(found)) {
        ++touching;
        const Arc<double> a = arc<double>(e.ring, p, q, found.way);
        length = string_length(a, p, q);
        good = good && a.rests;
      }
      flagged += !good;
      if (good && before > 0.0)
        ASSERT_LE(std::abs(length - before), 2 * step + 1e-12) << "walk " << walk << " at " << k;
      before = good ? length : -1.0;
    }
  }
  EXPECT_GT(touching, poses / 3);
  EXPECT_LT(flagged, poses / 5);
  RecordProperty("flagged_share", std::to_string(static_cast<double>(flagged) / static_cast<double>(poses)));
}

TEST(Torus, EndGoesThroughTheRingSmoothlyAndPastItWithAFlag) {
  const Torus ring{0.05, 0.01};
  const auto flagged = [&](const Vec3& p, const Vec3& q) {
    const Contact found = contact(ring, p, q, Side::shortest);
    return found.state == Contact::inside || found.state == Contact::lost ||
           (touches(found) && !arc<double>(ring, p, q, 1).rests);
  };
  // Down through the hole, while the string goes out below the tube.
  const Vec3 out(0.15, 0.01, -0.03);
  double before = -1.0, slope = 0.0;
  for (int k = 0; k < 400; ++k) {
    const Vec3 p(0.01, 0.015, 0.02 - 1e-4 * k);
    EXPECT_FALSE(flagged(p, out));
    const double length = string_length(ring, p, out);
    if (k > 1) {
      EXPECT_NEAR(length - before, slope, 1e-6);
    }
    slope = length - before;
    before = length;
  }
  // Past the ring the string drops out of it.
  EXPECT_FALSE(flagged({0.08, 0, 0.001}, {0, 0, -0.1}));
  EXPECT_TRUE(flagged({0.08, 0, -0.001}, {0, 0, -0.1}));
  EXPECT_FALSE(flagged({0.08, 0, -0.011}, {0, 0, -0.1}));
  EXPECT_EQ(contact(ring, {0.051, 0.0, 0.001}, {0, 0, 0.1}, Side::shortest).state, Contact::inside);
}

TEST(Torus, PointsAnywhereGiveNumbers) {
  MersenneTwister random(9);
  long touching = 0, unfound = 0;
  for (int i = 0; i < 6000; ++i) {
    const Torus ring{0.05, 0.05 * random.uniform(0.01, 0.95)};
    const double angle = random.uniform(-pi, pi), around = random.uniform(-pi, pi), far = i % 3 == 0 ? 0.08 : 0.3;
    Vec3 p = random.vector(far), q = random.vector(far);
    if (i % 4 == 1) {
      const double rho = ring.radius + ring.tube_radius * std::cos(angle);
      p = {rho * std::cos(around), rho * std::sin(around), ring.tube_radius * std::sin(angle)};
    }
    if (i % 5 == 1) p.z() = 0.0;
    if (i % 7 == 1) p.x() = p.y() = 0.0;
    if (i % 11 == 1) q = -p;
    if (i % 13 == 1) q = p;
    const Contact found = contact(ring, p, q, Side::shortest);
    const Arc<double> a = arc<double>(ring, p, q, found.way);
    EXPECT_TRUE(std::isfinite(a.length) && a.enter.allFinite() && a.leave.allFinite()) << i;
    using D = Dual<4>;
    const Arc<D> dual = arc<D>(ring, p.cast<D>(), q.cast<D>(), found.way);
    EXPECT_TRUE(std::isfinite(dual.length.a)) << i;
    if (touches(found) && p.z() * q.z() < 0.0) ++touching, unfound += !a.rests;
    Vec3 out = p;
    push_out(ring, out);
    EXPECT_GT(height(ring, out), 0.0);
  }
  EXPECT_GT(touching, 1000);
  EXPECT_LE(unfound, touching / 500) << "where lifting off and touching again fall together";
}

TEST(Torus, PathsThroughARingAndOverACylinderHaveExactMomentArms) {
  MersenneTwister random(21);
  int seen[3] = {0, 0, 0};
  for (int i = 0; i < 300; ++i) {
    Path path;
    path.points = {{0, {0.02, 0.3, 0.03}}, {1, {0.02, -0.3, -0.03}}};
    const Pose upright{rotation_xyz(Vec3(pi / 2, 0, 0)), Vec3::Zero()};
    path.wraps = {{0, Pose{rotation_xyz(random.vector(0.4)), Vec3(0, 0.1, 0) + random.vector(0.05)} * upright,
                   Torus{0.04, 0.01}, 0, 1},
                  {1, Pose{rotation_xyz(random.vector(0.4)), Vec3(0, -0.1, 0) + random.vector(0.02)}, Cylinder{0.06}, 0,
                   1, Side::toward(Vec3::UnitX())}};
    if (i % 2) std::swap(path.wraps[0], path.wraps[1]);
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
  EXPECT_GT(seen[1], 30);
  EXPECT_GT(seen[2], 30);
}

TEST(Torus, TakesNoMemory) {
  if (!test::counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  MersenneTwister random(41);
  std::vector<Ends> ends;
  for (int i = 0; i < 50; ++i) ends.push_back(through(random, 0.6));
  double sum = 0.0;
  const std::size_t before = test::heap_allocations();
  for (const Ends& e : ends) {
    sum += string_length(e.ring, e.p, e.q);
    sum += arc<Dual<4>>(e.ring, e.p.cast<Dual<4>>(), e.q.cast<Dual<4>>(), 1).length.a;
  }
  EXPECT_EQ(test::heap_allocations(), before);
  EXPECT_GT(sum, 0.0);
}

}  // namespace
}  // namespace psoas
