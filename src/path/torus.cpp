// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Strings through a ring. All the surface's normals meet the axis, so a string's moment about it, c, is the same all along
// (Clairaut), and what it does between the axis and the tube is known in closed form but for two integrals of one angle.
// Four numbers make a string over one part of the tube: c, where it comes (angle about the tube, azimuth) and where it
// leaves (angle); one more where it rests on both sides of the ring and goes free across it. Newton's method finds them.
//
// A string that stays down on the inner side needs |c| below (R - r)^(3/2) / R^(1/2): with more, the saddle lets it go.
#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/path/wrap.hpp"

namespace psoas {
namespace {

using At = std::array<double, 5>;

/// Gauss and Legendre's rule on (-1, 1).
struct Rule {
  static constexpr int size = 20;
  std::array<double, size> node{}, weight{};
  Rule() {
    for (int i = 0; i < size; ++i) {
      double x = std::cos(pi * (i + 0.75) / (size + 0.5)), slope = 1.0;
      for (int k = 0; k < 20; ++k) {
        double before = 1.0, here = x;
        for (int n = 2; n <= size; ++n) {
          const double next = ((2 * n - 1) * x * here - (n - 1) * before) / n;
          before = here;
          here = next;
        }
        slope = size * (x * here - before) / (x * x - 1.0);
        x -= here / slope;
      }
      node[static_cast<std::size_t>(i)] = x;
      weight[static_cast<std::size_t>(i)] = 2.0 / ((1.0 - x * x) * slope * slope);
    }
  }
};

double distance_from_axis(const Vec3& x) { return std::hypot(x.x(), x.y()); }

/// From the circle in the middle of the tube.
double distance_from_ring(const Torus& torus, const Vec3& x) {
  return std::hypot(distance_from_axis(x) - torus.radius, x.z());
}

/// The least distance from the circle in the middle of the tube to a straight part, and where on it.
struct Nearest {
  double distance = inf;
  Vec3 at = Vec3::Zero();
};
Nearest nearest(const Torus& torus, const Vec3& p, const Vec3& q) {
  const Vec3 line = q - p;
  const double size = line.norm(), R = torus.radius;
  Nearest found;
  const Vec3 d = size > 0.0 ? Vec3(line / size) : Vec3(Vec3::UnitZ());
  const auto see = [&](double s) {
    const Vec3 x = p + std::clamp(s, 0.0, size) * d;
    if (const double far = distance_from_ring(torus, x); far < found.distance) found = {far, x};
  };
  see(0.0);
  see(size);
  const double k2 = d.x() * d.x() + d.y() * d.y(), foot = -p.dot(d);
  if (!(k2 > 1e-20)) {
    see(foot);
    return found;
  }
  // On either side of where it is nearest to the axis, half the slope of the squared distance is convex in the way v from
  // there, and Newton's method from the far end comes down on its last zero.
  const double near = -(p.x() * d.x() + p.y() * d.y()) / k2, cross = p.x() * d.y() - p.y() * d.x(),
               b2 = cross * cross / k2;
  for (const double sign : {-1.0, 1.0}) {
    const double low = std::max(0.0, sign > 0.0 ? -near : near - size), high = sign > 0.0 ? size - near : near;
    if (!(high > low)) continue;
    double v = high;
    for (int i = 0; i < 60; ++i) {
      const double rho = std::sqrt(b2 + k2 * v * v) + 1e-300;
      const double g = v + sign * (near - foot) - R * k2 * v / rho, slope = 1.0 - R * k2 * b2 / (rho * rho * rho);
      if (!(slope > 0.0) || (i == 0 && !(g > 0.0))) break;
      const double next = v - g / slope;
      if (next <= low) {
        v = low;
        break;
      }
      if (!(next < v)) break;
      v = next;
    }
    see(near + sign * v);
  }
  return found;
}

bool opposite(const Vec3& p, const Vec3& q) { return (p.z() < 0.0) != (q.z() < 0.0); }

/// Whether a straight part goes through the ring's plane outside the ring.
bool passes_by(const Torus& torus, const Vec3& p, const Vec3& q) {
  if (!opposite(p, q)) return false;
  const Vec3 x = p + p.z() / (p.z() - q.z()) * (q - p);
  return distance_from_axis(x) >= torus.radius;
}

/// Beside the tube: an end there that goes through the ring's plane takes the string out of the ring.
bool beside(const Torus& torus, const Vec3& x) {
  return distance_from_axis(x) > torus.radius && std::abs(x.z()) < torus.tube_radius;
}

/// The same string, by numbers near the ones given; whether all but the last digits were found.
bool tighten(const Torus& torus, const Vec3& p, const Vec3& q, bool twice, At& at) {
  const auto off = [&](const At& x) {
    const detail::Looped<double> string = detail::looped<double>(torus, p, q, twice, x);
    const double to_p = (p - string.enter).norm() + torus.tube_radius,
                 to_q = (q - string.leave).norm() + torus.tube_radius;
    const double last = string.miss[4] / torus.radius;
    const double least = -1e-9 * torus.radius;  // it comes from p and goes on to q
    if ((p - string.enter).dot(string.ahead_p) > -least || (q - string.leave).dot(string.ahead_q) < least)
      return std::make_pair(string.miss, inf);
    return std::make_pair(string.miss, std::hypot(std::hypot(string.miss[0], string.miss[1]) / to_p,
                                                  std::hypot(string.miss[2], string.miss[3]) / to_q, last));
  };
  const auto fits = [&](const At& x) {
    for (const double angle : {x[1], x[3]})
      if (!(std::abs(x[0]) < 0.99999 * (torus.radius - torus.tube_radius * std::cos(angle)))) return false;
    if (x[1] * x[3] < 0.0 && !(std::abs(x[0]) < 0.99999 * (torus.radius - torus.tube_radius))) return false;
    return !twice || (x[4] > 0.0 && x[4] < 0.5 * pi);
  };
  if (!fits(at)) return false;
  auto here = off(at);
  for (int i = 0; i < 25; ++i) {
    if (here.second < 1e-11) return true;
    const At step = detail::newton<double>(torus, p, q, twice, at, here.first);
    double most = 0.0;
    for (std::size_t k = 1; k < 5; ++k) most = std::max(most, std::abs(step[k]));
    double part = most > 0.7 ? 0.7 / most : 1.0;
    if (!std::isfinite(part) || !std::isfinite(most)) return false;
    bool better = false;
    for (int j = 0; j < 8 && !better; ++j, part *= 0.5) {
      At next = at;
      for (std::size_t k = 0; k < 5; ++k) next[k] += part * step[k];
      if (!fits(next)) continue;
      const auto there = off(next);
      better = there.second < here.second;
      if (better) at = next, here = there;
    }
    if (!better) return here.second < 1e-9;
  }
  return false;
}

/// Whether a tangent string is one that lies on the torus, is pressed on, goes through the ring and clear of it elsewhere.
/// `off`: one that has come off a little will do.
bool holds(const Torus& torus, const Vec3& p, const Vec3& q, bool twice, const At& at, bool off) {
  constexpr double little = 1e-9;
  const double R = torus.radius, r = torus.tube_radius, c = at[0];
  const detail::Looped<double> string = detail::looped<double>(torus, p, q, twice, at);
  const double least = off ? -1.0 : -little;
  if (twice ? at[1] - at[4] < least || -at[4] - at[3] < least : at[1] - at[3] < least) return false;
  if (at[1] > pi || at[3] < -pi) return false;
  if (!twice) {
    const double angle = at[1] * at[3] <= 0.0 ? 0.0 : std::min(std::abs(at[1]), std::abs(at[3]));
    const double co = std::cos(angle), rho = R - r * co;
    if ((rho * rho - c * c) / r < c * c * co / rho - little * R) return false;
  }
  if (off) return true;
  const double clear = r * (1.0 - 1e-9);
  return nearest(torus, p, string.enter).distance >= clear && nearest(torus, string.leave, q).distance >= clear &&
         !passes_by(torus, p, string.enter) && !passes_by(torus, string.leave, q);
}

Vec3 direction(double azimuth) { return {std::cos(azimuth), std::sin(azimuth), 0.0}; }

/// Angle about the tube, in the meridian plane of an azimuth, at which the tangent from a point touches; sign: of the side
/// that it comes from. `reach`: length of that tangent.
double touched(const Torus& torus, const Vec3& x, double azimuth, double sign, double& reach) {
  const double out = x.dot(direction(azimuth)) - torus.radius,
               far = std::max(std::hypot(out, x.z()), torus.tube_radius);
  reach = std::sqrt(far * far - torus.tube_radius * torus.tube_radius);
  double angle = std::atan2(x.z(), -out);
  if (sign * angle < -0.5 * pi) angle += sign * 2.0 * pi;
  return angle - sign * std::acos(std::min(1.0, torus.tube_radius / far));
}

/// A string over the cylinder that goes along the tube at an azimuth.
At over_cylinder(const Torus& torus, const Vec3& p, const Vec3& q, double azimuth) {
  double tp = 0.0, tq = 0.0;
  const Vec3 along = direction(azimuth + 0.5 * pi);
  At at{};
  at[1] = touched(torus, p, azimuth, 1.0, tp);
  at[3] = touched(torus, q, azimuth, -1.0, tq);
  const double vp = p.dot(along), vq = q.dot(along);
  const double whole = std::max(tp + std::abs(torus.tube_radius * (at[1] - at[3])) + tq, 1e-3 * torus.tube_radius);
  const double rho = torus.radius - torus.tube_radius * std::cos(0.5 * (at[1] + at[3]));
  at[0] = 0.98 * std::min(rho, torus.radius - torus.tube_radius) * (vq - vp) / std::hypot(vq - vp, whole);
  at[2] = azimuth + std::clamp((vp + (vq - vp) * tp / whole) / torus.radius, -0.5, 0.5);
  return at;
}

/// The azimuth at which a string over a circle of no thickness touches it: the least sum of distances.
double over_circle(double radius, const Vec3& p, const Vec3& q) {
  const double from = std::atan2(p.y(), p.x());
  const double between = std::atan2(p.x() * q.y() - p.y() * q.x(), p.x() * q.x() + p.y() * q.y());
  double low = 0.0, high = 1.0;
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    const Vec3 x = radius * direction(from + middle * between), t = direction(from + middle * between + 0.5 * pi);
    const double slope = t.dot(x - p) / (x - p).norm() + t.dot(x - q) / (x - q).norm();
    (slope * between < 0.0 ? low : high) = middle;
  }
  return from + 0.5 * (low + high) * between;
}

/// Angle about the tube at which a string of moment c leaves one side of the ring for the other, going free between.
double crossing(const Torus& torus, double c) {
  double low = 0.0, high = 0.5 * pi;
  for (int i = 0; i < 50; ++i) {
    const double angle = 0.5 * (low + high), rho = torus.radius - torus.tube_radius * std::cos(angle);
    ((1.0 - c * c / (rho * rho)) * torus.radius * std::cos(angle) > torus.tube_radius ? low : high) = angle;
  }
  return 0.5 * (low + high);
}

/// Azimuths at which the line crosses the circle in the middle of the tube as seen along z, and its nearest one.
struct Across {
  double first, last, nearest, moment;
};
Across across(const Torus& torus, const Vec3& p, const Vec3& q) {
  const Vec3 d = q - p;
  const double k = std::hypot(d.x(), d.y());
  const double ex = k > 0.0 ? d.x() / k : 1.0, ey = k > 0.0 ? d.y() / k : 0.0;
  const double b = p.x() * ey - p.y() * ex, half = std::sqrt(std::max(0.0, torus.radius * torus.radius - b * b));
  const auto azimuth = [&](double h) { return std::atan2(-b * ex + h * ey, b * ey + h * ex); };
  const double nearest = b < 0.0 ? std::atan2(ex, -ey) : std::atan2(-ex, ey);
  return {azimuth(-half), azimuth(half), nearest, b * k / std::max(d.norm(), 1e-300)};
}

/// A string over both sides of the ring, each over a cylinder that goes along the tube.
At twice_over(const Torus& torus, const Vec3& p, const Vec3& q) {
  const double R = torus.radius, r = torus.tube_radius;
  const Across seen = across(torus, p, q);
  const double most = std::sqrt((R - r) * (R - r) * (R - r) / R);
  At at{};
  at[0] = std::clamp(seen.moment, -0.9 * most, 0.9 * most);
  at[4] = crossing(torus, at[0]);
  double reach = 0.0;
  const double rho = R - r * std::cos(at[4]), up = std::sqrt(1.0 - at[0] * at[0] / (rho * rho));
  at[2] = seen.nearest - std::atan2(rho * up * std::sin(at[4]), std::abs(at[0])) * (at[0] < 0.0 ? -1.0 : 1.0);
  at[1] = touched(torus, p, seen.first, 1.0, reach);
  at[3] = touched(torus, q, seen.last, -1.0, reach);
  return at;
}

}  // namespace

namespace detail {

Swept swept(const Torus& surface, double c, double from, double to) {
  static const Rule rule;
  const double R = surface.radius, r = surface.tube_radius;
  // The integrand's poles are this far from the real axis, or the ones at the axis of the ring.
  const double pole = std::acosh(std::max((R - std::min(std::abs(c), R - r)) / r, 1.02));
  const int panels = std::clamp(static_cast<int>(std::ceil(std::abs(from - to) / (2.0 * pole))), 1, 40);
  const double half = 0.5 * (from - to) / panels;
  Swept sum{0.0, 0.0, 0.0};
  for (int k = 0; k < panels; ++k)
    for (std::size_t i = 0; i < Rule::size; ++i) {
      const double rho = R - r * std::cos(to + half * (2 * k + 1 + rule.node[i]));
      const double root2 = std::max(rho * rho - c * c, 1e-12 * rho * rho), root = std::sqrt(root2);
      const double w = rule.weight[i] * half * r / root;
      sum.azimuth += w * c / rho;
      sum.length += w * rho;
      sum.da += w * rho / root2;
    }
  return sum;
}

Loop loop(const Torus& surface, const Vec3& p_S, const Vec3& q_S) {
  const double R = surface.radius, r = surface.tube_radius;
  Loop best;
  const bool ends_apart = opposite(p_S, q_S), p_inner = distance_from_axis(p_S) < distance_from_axis(q_S);
  best.mirrored = ends_apart ? p_S.z() < 0.0 : p_inner == (p_S.z() >= 0.0);
  const double sign = best.mirrored ? -1.0 : 1.0;
  const Vec3 p(p_S.x(), p_S.y(), sign * p_S.z()), q(q_S.x(), q_S.y(), sign * q_S.z());
  const Nearest line = nearest(surface, p, q);
  const bool free = line.distance >= r && !passes_by(surface, p, q);
  const bool held = free || ends_apart || std::min(distance_from_axis(p), distance_from_axis(q)) < R;
  const Across seen = across(surface, p, q);

  std::array<std::pair<bool, At>, 4> tried;
  std::size_t count = 0;
  const auto once = [&](double azimuth) { tried[count++] = {false, over_cylinder(surface, p, q, azimuth)}; };
  if (free) {
    once(std::atan2(line.at.y(), line.at.x()));
  } else {
    if (ends_apart) {
      const Vec3 x = p + p.z() / (p.z() - q.z()) * (q - p);
      if (distance_from_axis(x) > R - r) once(over_circle(R - r, p, q));
    }
    once(seen.last);
    once(seen.first);
    if (ends_apart) {
      tried[count++] = {true, twice_over(surface, p, q)};
    }
  }
  const auto found = [&](bool twice, const At& at) {
    if (!holds(surface, p, q, twice, at, free)) return;
    best.at = at;
    best.twice = twice;
    best.tight = best.rests = true;
  };
  for (std::size_t i = 0; i < count && held && !best.rests; ++i) {
    auto [twice, at] = tried[i];
    if (tighten(surface, p, q, twice, at)) found(twice, at);
  }
  // From ends in one plane with the axis, on the same side of it or on both, one of which then turns about it.
  const double between = std::atan2(p.x() * q.y() - p.y() * q.x(), p.x() * q.x() + p.y() * q.y());
  const double azimuth_p = std::atan2(p.y(), p.x());
  for (int kind = 0; kind < 4 && held && !best.rests && !free; ++kind) {
    const double start = kind == 0 ? 0.0 : std::copysign(pi, between);
    const auto turned = [&](double by) {
      return Vec3(distance_from_axis(q) * direction(azimuth_p + by) + q.z() * Vec3::UnitZ());
    };
    const Vec3 flat = turned(start);
    const bool twice = kind == 3;
    if (twice && !ends_apart) break;
    At at =
        twice ? twice_over(surface, p, flat) : over_cylinder(surface, p, flat, azimuth_p + (kind == 2 ? 0.0 : start));
    double part = 0.0, more = 0.125;
    if (!tighten(surface, p, flat, twice, at)) continue;
    while (part < 1.0 && more > 1e-3) {
      At next = at;
      const double to = std::min(1.0, part + more);
      if (tighten(surface, p, turned(start + to * (between - start)), twice, next)) {
        at = next;
        part = to;
      } else {
        more *= 0.5;
      }
    }
    if (part >= 1.0) found(twice, at);
  }
  if (!best.rests) {  // the nearest place, come off
    const double angle = std::atan2(line.at.z(), R - distance_from_axis(line.at));
    best.at = {0.0, angle, std::atan2(line.at.y(), line.at.x()), angle + (free ? 1e-9 : -1e-9), 0.0};
    best.twice = best.tight = false;
    best.rests = free;
  }
  if (!ends_apart && !free && (beside(surface, p) || beside(surface, q))) best.rests = false;
  return best;
}

}  // namespace detail

Way way_round(const Torus&, const Vec3&, const Vec3&, const Side&) { return 1; }

Contact::State passing(const Torus& surface, const Vec3& p, const Vec3& q, const Way&) {
  const double R = surface.radius, rim = surface.tube_radius * (1.0 + 1e-12);
  if (distance_from_ring(surface, p) <= rim || distance_from_ring(surface, q) <= rim) return Contact::inside;
  if (nearest(surface, p, q).distance < surface.tube_radius || passes_by(surface, p, q)) {
    const bool held = opposite(p, q) || distance_from_axis(p) < R || distance_from_axis(q) < R;
    return held ? Contact::cut : Contact::lost;
  }
  return !opposite(p, q) && (beside(surface, p) || beside(surface, q)) ? Contact::lost : Contact::clear;
}

bool push_out(const Torus& surface, Vec3& point) {
  const double d = distance_from_ring(surface, point), rim = surface.tube_radius * (1.0 + 1e-9);
  if (d >= rim) return false;
  const double rho = distance_from_axis(point), out = rho - surface.radius;
  const Vec3 radial = rho > 0.0 ? Vec3(point.x() / rho, point.y() / rho, 0.0) : Vec3(Vec3::UnitX());
  const Vec3 normal = d > 0.0 ? Vec3((out * radial + point.z() * Vec3::UnitZ()) / d) : Vec3(-radial);
  point = surface.radius * radial + rim * normal;
  return true;
}

void trace(const Torus& surface, const Vec3& p_S, const Vec3& q_S, const Way&, double step, std::vector<Vec3>& points) {
  const detail::Loop loop =
      detail::loop(surface, detail::outside<double>(surface, p_S), detail::outside<double>(surface, q_S));
  const double R = surface.radius, r = surface.tube_radius, c = loop.at[0], sign = loop.mirrored ? -1.0 : 1.0;
  double azimuth = loop.at[2];
  const auto add = [&](double angle, double around) {
    points.push_back((R - r * std::cos(angle)) * direction(around) + sign * r * std::sin(angle) * Vec3::UnitZ());
  };
  const auto follow = [&](double from, double to) {
    const detail::Swept whole = detail::swept(surface, c, from, to);
    const int n = detail::pieces(whole.length, step);
    double angle = from;
    for (int i = 0; i < n; ++i) {
      for (int k = 0; i > 0 && k < 20; ++k) {
        const double ahead = whole.length * i / n - detail::swept(surface, c, from, angle).length;
        if (std::abs(ahead) < 1e-12 * whole.length) break;
        const double rho = R - r * std::cos(angle);
        angle -= ahead * std::sqrt(std::max(rho * rho - c * c, 0.0)) / (r * rho);
      }
      add(angle, azimuth + detail::swept(surface, c, from, angle).azimuth);
    }
    azimuth += whole.azimuth;
    add(to, azimuth);
  };
  if (loop.twice) {
    follow(loop.at[1], loop.at[4]);
    const double rho = R - r * std::cos(loop.at[4]);
    azimuth += pi - 2.0 * std::atan2(c, std::sqrt(rho * rho - c * c) * std::sin(loop.at[4]));
    follow(-loop.at[4], loop.at[3]);
  } else {
    follow(loop.at[1], loop.at[3]);
  }
}

}  // namespace psoas
