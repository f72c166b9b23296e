// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/path/wrap.hpp"

#include <cmath>

namespace psoas {
namespace {

/// What a circle about the origin does to a line between two points at squared distances dp2 and dq2 from it, `along`
/// their scalar product and `across` the size of their vector product. A long way that `holds` is never let go. Angles
/// are compared by the signs of products of complex numbers, which is exact and needs no arctangent.
Contact::State state(double r, double dp2, double dq2, double along, double across, bool is_short, bool holds = false) {
  const double rim = r * r * (1.0 + 1e-12);
  if (dp2 <= rim || dq2 <= rim) return Contact::inside;
  const double d2 = dp2 + dq2 - 2.0 * along;
  const bool cut = along < dp2 && along < dq2 && across * across < r * r * d2;
  if (is_short) return cut ? Contact::cut : Contact::clear;
  if (holds) return cut ? Contact::cut : Contact::around;
  // the angles that the tangents take up, and the one between the points: together above half a turn where it touches
  const double tp = std::sqrt(dp2 - r * r), tq = std::sqrt(dq2 - r * r), a = r * r - tp * tq, b = r * (tp + tq);
  if (a * across + b * along < 0.0) return cut ? Contact::cut : Contact::around;
  return a * along - b * across < 0.0 ? Contact::lost : Contact::clear;
}

/// z component of the vector product, and scalar product of the parts across z.
double across_z(const Vec3& p, const Vec3& q) { return p.x() * q.y() - p.y() * q.x(); }
double along_z(const Vec3& p, const Vec3& q) { return p.x() * q.x() + p.y() * q.y(); }

template <class Point>
bool push_out_of_circle(double r, Point&& point) {
  const double d = point.norm(), rim = r * (1.0 + 1e-9);
  if (d >= rim) return false;
  if (d > 0.0)
    point *= rim / d;
  else
    point.x() = rim;
  return true;
}

}  // namespace

bool push_out(const Cylinder& surface, Vec3& point) { return push_out_of_circle(surface.radius, point.head<2>()); }
bool push_out(const Sphere& surface, Vec3& point) { return push_out_of_circle(surface.radius, point); }

Way way_round(const Cylinder&, const Vec3& p, const Vec3& q, const Side& side) {
  switch (side.rule) {
    case Side::clockwise:
      return -1;
    case Side::counter_clockwise:
      return 1;
    case Side::shortest:
      return across_z(p, q) < 0.0 ? -1 : 1;
    case Side::directed:
      break;
  }
  Way way(side.direction, false);
  way.turn = detail::Turn(side.direction, p, q).sense;
  return way;
}

Way way_round(const Sphere&, const Vec3& p, const Vec3& q, const Side& side) {
  if (side.rule == Side::shortest) return 1;
  const Vec3 n = p.cross(q);
  if (side.rule == Side::clockwise) return n.z() <= 0.0 ? 1 : -1;
  if (side.rule == Side::counter_clockwise) return n.z() >= 0.0 ? 1 : -1;
  // The way round whose middle points more to the direction is the one on whose side of it the bisector of the directions
  // to p and q lies: the tangents' parts cancel.
  const Vec3 u = p * q.norm(), v = q * p.norm();
  return (p.dot(q) > 0.0 ? Vec3(u + v) : Vec3((v - u).cross(n))).dot(side.direction) < 0.0 ? -1 : 1;
}

Contact::State passing(const Cylinder& surface, const Vec3& p, const Vec3& q, const Way& way) {
  const double across = across_z(p, q);
  return state(surface.radius, along_z(p, p), along_z(q, q), along_z(p, q), std::abs(across),
               way.turn == (across < 0.0 ? -1 : 1), way.toward.x() != 0.0 || way.toward.y() != 0.0);
}

Contact::State passing(const Sphere& surface, const Vec3& p, const Vec3& q, const Way& way) {
  return state(surface.radius, p.squaredNorm(), q.squaredNorm(), p.dot(q), p.cross(q).norm(), way.turn > 0);
}

namespace detail {

int pieces(double length, double step) {
  constexpr double most = 10000.0;
  return static_cast<int>(std::clamp(std::ceil(length / step), 1.0, most));
}

}  // namespace detail

void trace(const Cylinder& surface, const Vec3& p, const Vec3& q, const Way& way, double step,
           std::vector<Vec3>& points) {
  const Arc<double> a = arc<double>(surface, p, q, way);
  const int n = detail::pieces(a.length, step);
  for (int i = 0; i <= n; ++i) {
    const double t = static_cast<double>(i) / n, c = std::cos(way.turn * t * a.angle),
                 s = std::sin(way.turn * t * a.angle);
    points.push_back({c * a.enter.x() - s * a.enter.y(), s * a.enter.x() + c * a.enter.y(),
                      a.enter.z() + t * (a.leave.z() - a.enter.z())});
  }
}

void trace(const Sphere& surface, const Vec3& p, const Vec3& q, const Way& way, double step,
           std::vector<Vec3>& points) {
  const Arc<double> a = arc<double>(surface, p, q, way);
  const int n = detail::pieces(a.length, step);
  // Off the tangent plane by rounding where p lies on the sphere, but then the arc is short of half a turn.
  const Vec3 e = a.enter.normalized(), before = a.enter - p, chord = a.leave - a.enter;
  Vec3 ahead = before.norm() > 1e-3 * surface.radius ? before : chord;
  ahead = (ahead - e * e.dot(ahead)).normalized();
  for (int i = 0; i <= n; ++i) {
    const double angle = a.angle * i / n;
    points.push_back(surface.radius * (std::cos(angle) * e + std::sin(angle) * ahead));
  }
}

}  // namespace psoas
