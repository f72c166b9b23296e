// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/path/wrap.hpp"

#include <algorithm>

namespace psoas {
namespace {

/// A string in the plane in which it goes round a circle about the origin.
struct Plane {
  bool inside;                  // a point lies in the circle
  double tangent_p, tangent_q;  // angle seen from the centre that each tangent takes up [rad]
};

Plane plane(double r, double dp2, double dq2) {
  const double rim = r * r * (1.0 + 1e-12);
  const auto tangent = [&](double d2) { return std::atan2(std::sqrt(std::max(0.0, d2 - r * r)), r); };
  return {dp2 <= rim || dq2 <= rim, tangent(dp2), tangent(dq2)};
}

/// `between`: angle between the points the short way, in [0, pi]; the line cuts where the tangents leave some of it.
Contact::State state(const Plane& string, double between, bool is_short) {
  if (string.inside) return Contact::inside;
  const double tangents = string.tangent_p + string.tangent_q;
  const double angle = (is_short ? between : 2.0 * pi - between) - tangents;
  if (!(angle > 0.0 && angle < pi)) return angle >= pi && angle < 1.5 * pi ? Contact::lost : Contact::clear;
  return between > tangents ? Contact::cut : Contact::around;
}

/// How far a direction points to the half-axis that a side names.
double towards(Side side, const Vec3& direction) {
  switch (side) {
    case Side::plus_x:
      return direction.x();
    case Side::minus_x:
      return -direction.x();
    case Side::plus_y:
      return direction.y();
    default:
      return -direction.y();
  }
}

/// Angle about z from p to q, in (-pi, pi].
double angle_about_z(const Vec3& p, const Vec3& q) {
  return std::atan2(p.x() * q.y() - p.y() * q.x(), p.x() * q.x() + p.y() * q.y());
}

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

int way_round(const Cylinder& surface, const Vec3& p, const Vec3& q, Side side) {
  if (side == Side::clockwise) return -1;
  if (side == Side::counter_clockwise) return 1;
  const double between = angle_about_z(p, q);
  if (side == Side::shortest) return between < 0.0 ? -1 : 1;
  const Plane string = plane(surface.radius, p.head<2>().squaredNorm(), q.head<2>().squaredNorm());
  const double from = std::atan2(p.y(), p.x());
  const auto middle = [&](int way) {
    const double through = way * between < 0.0 ? way * between + 2.0 * pi : way * between;
    const double a = from + way * 0.5 * (through + string.tangent_p - string.tangent_q);
    return towards(side, {std::cos(a), std::sin(a), 0.0});
  };
  return middle(-1) > middle(1) ? -1 : 1;
}

int way_round(const Sphere& surface, const Vec3& p, const Vec3& q, Side side) {
  if (side == Side::shortest) return 1;
  const Vec3 n = p.cross(q);
  if (side == Side::clockwise) return n.z() <= 0.0 ? 1 : -1;
  if (side == Side::counter_clockwise) return n.z() >= 0.0 ? 1 : -1;
  const Plane string = plane(surface.radius, p.squaredNorm(), q.squaredNorm());
  const double between = std::atan2(n.norm(), p.dot(q));
  const Vec3 e = p.normalized();
  const Vec3 across = n.norm() > 0.0 ? Vec3(n.cross(e).normalized()) : Vec3(Vec3::Zero());
  const auto middle = [&](int way) {
    const double a = 0.5 * ((way > 0 ? between : 2.0 * pi - between) + string.tangent_p - string.tangent_q);
    return towards(side, std::cos(a) * e + way * std::sin(a) * across);
  };
  return middle(-1) > middle(1) ? -1 : 1;
}

Contact::State passing(const Cylinder& surface, const Vec3& p, const Vec3& q, int way) {
  const double between = angle_about_z(p, q);
  const int short_way = between < 0.0 ? -1 : 1;
  return state(plane(surface.radius, p.head<2>().squaredNorm(), q.head<2>().squaredNorm()), std::abs(between),
               way == short_way);
}

Contact::State passing(const Sphere& surface, const Vec3& p, const Vec3& q, int way) {
  return state(plane(surface.radius, p.squaredNorm(), q.squaredNorm()), std::atan2(p.cross(q).norm(), p.dot(q)),
               way > 0);
}

namespace detail {

int pieces(double length, double step) {
  constexpr double most = 10000.0;
  return static_cast<int>(std::clamp(std::ceil(length / step), 1.0, most));
}

}  // namespace detail

void trace(const Cylinder& surface, const Vec3& p, const Vec3& q, int way, double step, std::vector<Vec3>& points) {
  const Arc<double> a = arc<double>(surface, p, q, way);
  const int n = detail::pieces(a.length, step);
  for (int i = 0; i <= n; ++i) {
    const double t = static_cast<double>(i) / n, c = std::cos(way * t * a.angle), s = std::sin(way * t * a.angle);
    points.push_back({c * a.enter.x() - s * a.enter.y(), s * a.enter.x() + c * a.enter.y(),
                      a.enter.z() + t * (a.leave.z() - a.enter.z())});
  }
}

void trace(const Sphere& surface, const Vec3& p, const Vec3& q, int way, double step, std::vector<Vec3>& points) {
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
