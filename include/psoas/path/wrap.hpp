// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// How a string stretched between two points wraps over one surface, in the surface's frame.
//   const Contact found = contact(Cylinder{0.03}, p, q, Side::shortest);
//   if (touches(found)) { auto a = arc<double>(Cylinder{0.03}, p, q, found.way);   a.enter, a.leave, a.length }
// A new kind gives `way_round()`, `passing()`, `push_out()`, `arc()` and `trace()`.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "psoas/core/dual.hpp"
#include "psoas/core/linear.hpp"
#include "psoas/core/units.hpp"
#include "psoas/path/surface.hpp"

namespace psoas {

/// Side on which a path passes a surface, in the surface's frame.
struct Side {
  enum Rule {
    shortest,           ///< wraps only where the straight line would cut the surface, round the shorter way
    clockwise,          ///< turns about +z from the first to the last point, clockwise as seen from +z
    counter_clockwise,  ///< turns about +z from the first to the last point, counter-clockwise as seen from +z
    directed            ///< stays on the side of a direction
  };
  Rule rule = shortest;
  Vec3 direction = Vec3::Zero();  ///< of `directed`, else zero

  Side() = default;
  Side(Rule without_direction) : rule(without_direction) {}
  /// The side of a direction, which is not zero, and not along z for a cylinder.
  static Side toward(const Vec3& direction) {
    Side side(directed);
    side.direction = direction;
    return side;
  }
};

/// Which way round a surface a string goes.
struct Way {
  int turn = 1;                ///< cylinder, ellipsoid without a direction: 1 counter-clockwise, -1 clockwise about +z;
                               ///< sphere: 1 the short, -1 the long way
  bool anywhere = false;       ///< ellipsoid: the string may rest on any side; it is looked for toward the direction
  Vec3 toward = Vec3::Zero();  ///< ellipsoid: the side on which it rests; cylinder: the side on which it stays; or zero

  Way() = default;
  Way(int which_turn) : turn(which_turn) {}
  Way(const Vec3& direction, bool is_anywhere) : anywhere(is_anywhere), toward(direction) {}
  bool operator==(const Way&) const = default;
  /// The way round that is not this one.
  Way operator-() const {
    Way other(-turn);
    other.anywhere = anywhere;
    other.toward = -toward;
    return other;
  }
};

/// What a surface does to a straight line from p to q.
struct Contact {
  enum State {
    clear,   ///< the string passes without touching
    lost,    ///< so does a string that would have to turn through half a turn to three quarters of one
    inside,  ///< p or q lies inside the surface
    around,  ///< the line misses the surface on the wrong side: the string is led round it
    cut      ///< the line would cut the surface
  };
  State state = clear;
  Way way;  ///< for arc()
};

/// Whether the string touches the surface.
inline bool touches(const Contact& c) { return c.state == Contact::around || c.state == Contact::cut; }

/// Takes a point that lies inside a surface (surface frame, [m]) just out of it, the shortest way; says whether it did.
bool push_out(const Cylinder& surface, Vec3& point);
bool push_out(const Sphere& surface, Vec3& point);
bool push_out(const Ellipsoid& surface, Vec3& point);
bool push_out(const Torus& surface, Vec3& point);

/// The part of a string that lies on a surface.
template <class S>
struct Arc {
  Vec3T<S> enter, leave;  ///< where it comes to the surface and leaves it, tangentially [m]
  S length{};             ///< on the surface [m]
  /// Turned through [rad], in (-pi, pi], for a directed string over a cylinder to 2 pi; not above 0 where the string would
  /// not touch.
  double angle = 0.0;
  bool rests = true;    ///< false: no string was found that rests on the side asked for
  bool beyond = false;  ///< it reaches over an end of the surface
};

/// Decides whether and which way round a string between p and q (surface frame, [m]) wraps.
///
/// The way round is given by `side`; the string then touches while the angle between its tangent points is above 0. At 0
/// the straight line touches the surface, so length and forces come and go without a jump. Side::shortest changes sides
/// where the straight line passes through the axis or centre, with a jump of force, not of length.
///
/// A turning string on a cylinder touches up to an angle of pi. One that would have to turn through more is taken to pass
/// without touching, which is a jump of length (`lost`; from three quarters of a turn on it is as likely to have come off,
/// and `clear`).
///
/// A directed string does not go through the half-plane that starts at the cylinder's axis and points away from the
/// direction: seen along the axis, it turns through the difference of the angles at which p and q lie, both measured from
/// the direction and within half a turn of it. It touches up to a whole turn. The length has no jump until p or q itself
/// goes through the half-plane; see near_barrier().
///
/// On a sphere nothing holds a string on the long way round: there Side::shortest is the one to use. A directed string
/// takes the way round whose middle points more to the direction, and jumps where it changes.
///
/// On an ellipsoid a string has one place to rest, at the side of the centre on which the line passes, or where that is
/// near the centre or the ellipsoid is long, one at either side. Side::shortest takes the shorter string; it changes
/// sides where both are as long, with a jump of force, not of length. Any other side takes the place to rest that points
/// more to its direction (for the turning ones, to the side on which z is passed that way); where it changes places, or
/// there is none on that side, the length jumps. `Arc::rests` is false where the string rests at another side than the
/// one asked for, which evaluate_path() flags.
///
/// A torus has no sides. The string never crosses the ring's plane outside the ring: between ends on opposite sides of it
/// (z < 0 or not) it goes through the hole, between ends on one side it stays there. `cut` also means that the line goes
/// past the ring instead of through it. A string between two ends that both lie outside the ring, on one side, is taken
/// to pass; it is `lost` where it would cut the tube, and while an end is nearer to the plane than the tube's radius.
/// Such an end, coming through the plane, has taken the string out of the ring, a jump of length; where the string still
/// touches, Arc::rests is false. Through the hole an end moves without a jump.
template <class Shape>
Contact contact(const Shape& surface, const Vec3& p, const Vec3& q, const Side& side);

/// The way round that a side means for a string between p and q (surface frame, outside the surface).
Way way_round(const Cylinder& surface, const Vec3& p, const Vec3& q, const Side& side);
Way way_round(const Sphere& surface, const Vec3& p, const Vec3& q, const Side& side);
Way way_round(const Ellipsoid& surface, const Vec3& p, const Vec3& q, const Side& side);
Way way_round(const Torus& surface, const Vec3& p, const Vec3& q, const Side& side);

/// What the surface does to a string between p and q that is to go the given way round.
Contact::State passing(const Cylinder& surface, const Vec3& p, const Vec3& q, const Way& way);
Contact::State passing(const Sphere& surface, const Vec3& p, const Vec3& q, const Way& way);
Contact::State passing(const Ellipsoid& surface, const Vec3& p, const Vec3& q, const Way& way);
Contact::State passing(const Torus& surface, const Vec3& p, const Vec3& q, const Way& way);

template <class Shape>
Contact contact(const Shape& surface, const Vec3& p, const Vec3& q, const Side& side) {
  Contact found{Contact::clear, way_round(surface, p, q, side)};
  found.state = passing(surface, p, q, found.way);
  // A directed string takes the way on which the line passes: one that would turn so far is off the surface.
  if (side.rule == Side::shortest ? found.state == Contact::around
                                  : found.state == Contact::lost && side.rule == Side::directed)
    found.state = Contact::clear;
  return found;
}

/// Whether an end of a string (surface frame, [m]) lies so near the half-plane through which a directed string over a
/// cylinder does not go that it may be about to go through, or just have done so: within a tenth of the radius. The
/// length jumps where it does, to the string's new way round; on which side of the jump an end belongs, no pose tells.
inline bool near_barrier(const Cylinder& surface, const Vec3& end, const Side& side) {
  constexpr double share = 0.1;
  const Vec3& d = side.direction;
  const double along = d.x() * end.x() + d.y() * end.y(), across = d.x() * end.y() - d.y() * end.x();
  const double reach = share * surface.radius;
  return side.rule == Side::directed && along < 0.0 &&
         across * across < reach * reach * (d.x() * d.x() + d.y() * d.y());
}
template <class Shape>
bool near_barrier(const Shape&, const Vec3&, const Side&) {
  return false;
}

namespace detail {

/// The tangent from a point p at squared distance d2 from the centre to a circle of radius r; it touches at
/// inward p + across p', p' being p turned a quarter. Inside the circle: as from its rim.
template <class S>
struct Tangent {
  S length, inward, across;
  Tangent(double r, const S& d2) {
    using std::sqrt;
    const bool outside = value_of(d2) > r * r * (1.0 + 1e-12);
    length = outside ? S(sqrt(d2 - r * r)) : S(1e-6 * r);
    const S k = outside ? S(r / d2) : S(1.0 / sqrt(d2 * (1.0 + 1e-12)));
    inward = r * k;
    across = length * k;
  }
};

/// The turn about z from p to q that stays on the side of a direction.
struct Turn {
  int sense = 1;           // 1 counter-clockwise
  bool over_half = false;  // more than half a turn
  template <class P>
  Turn(const Vec3& toward, const P& p, const P& q) {
    const auto beside = [&](const P& x) { return toward.x() * value_of(x.y()) - toward.y() * value_of(x.x()) < 0.0; };
    const double across = value_of(p.x()) * value_of(q.y()) - value_of(p.y()) * value_of(q.x());
    const int shorter = across < 0.0 ? -1 : 1;
    const bool to = beside(q);
    sense = beside(p) == to ? shorter : to ? -1 : 1;
    over_half = sense != shorter;
  }
};

}  // namespace detail

/// The string between p and q (surface frame, [m]) that goes the given way round a cylinder: a helix between two
/// tangents; unrolled it is one straight line, so z grows in proportion to the unrolled distance.
template <class S>
Arc<S> arc(const Cylinder& surface, const Vec3T<S>& p, const Vec3T<S>& q, const Way& way) {
  using std::atan2;
  using std::sqrt;
  const double r = surface.radius, w = way.turn;
  const detail::Tangent<S> tp(r, p.x() * p.x() + p.y() * p.y()), tq(r, q.x() * q.x() + q.y() * q.y());
  const S sp = w * tp.across, sq = w * tq.across;
  const S ex = tp.inward * p.x() - sp * p.y(), ey = tp.inward * p.y() + sp * p.x();
  const S lx = tq.inward * q.x() + sq * q.y(), ly = tq.inward * q.y() - sq * q.x();
  S angle = atan2(w * (ex * ly - ey * lx), ex * lx + ey * ly);
  if (way.toward.x() != 0.0 || way.toward.y() != 0.0) {  // the tangents' parts are less than a quarter of a turn each
    const detail::Turn turn(way.toward, p, q);
    const bool touches = value_of(angle) > 0.0;
    if (turn.sense == way.turn ? turn.over_half && !touches : touches) angle += touches ? -2.0 * pi : 2.0 * pi;
  }
  const S on = r * angle, slope = (q.z() - p.z()) / (tp.length + on + tq.length);
  const S enter = p.z() + slope * tp.length, leave = q.z() - slope * tq.length;
  const bool beyond =
      surface.length && 2.0 * std::max(std::abs(value_of(enter)), std::abs(value_of(leave))) > *surface.length;
  return {
      Vec3T<S>(ex, ey, enter), Vec3T<S>(lx, ly, leave), on * sqrt(1.0 + slope * slope), value_of(angle), true, beyond};
}

/// The string between p and q (surface frame, [m]) that goes the given way round a sphere: a part of the great circle
/// in the plane through p, q and the centre.
template <class S>
Arc<S> arc(const Sphere& surface, const Vec3T<S>& p, const Vec3T<S>& q, const Way& way) {
  using std::atan2;
  using std::sqrt;
  const double r = surface.radius;
  const S dp2 = p.dot(p), dq2 = q.dot(q);
  Vec3T<S> n = p.cross(q);  // the axis about which the string turns
  if (S n2 = n.dot(n); value_of(n2) > 1e-24 * value_of(dp2) * value_of(dq2)) {
    n *= S(way.turn / sqrt(n2));
  } else {  // any plane through p is as good as another
    int least = 0;
    for (int i = 1; i < 3; ++i)
      if (std::abs(value_of(p[i])) < std::abs(value_of(p[least]))) least = i;
    n = p.cross(Vec3T<S>(Vec3T<S>::Unit(least)));
    n2 = n.dot(n);
    n *= S(1.0 / sqrt(n2));
  }
  const detail::Tangent<S> tp(r, dp2), tq(r, dq2);
  const Vec3T<S> enter = p * tp.inward + n.cross(p) * tp.across, leave = q * tq.inward - n.cross(q) * tq.across;
  const S angle = atan2(n.dot(Vec3T<S>(enter.cross(leave))), enter.dot(leave));
  return {enter, leave, r * angle, value_of(angle)};
}

namespace detail {

/// A geodesic from x along t to y along v, tangent to the lines to p and q, or nearly so.
struct Geodesic {
  Vec3 x, t, y, v;
  double length = 0.0;                    // negative where the line from p to q misses the surface
  std::array<double, 2> field{1.0, 0.0};  // Jacobi's at y: of a start moved aside by 1, of one turned by 1
  std::array<double, 2> slope{0.0, 1.0};  // per length
  bool rests = false;
};

/// Found in plain numbers, but for the last digits; p and q lie outside.
Geodesic geodesic(const Ellipsoid& surface, const Vec3& p, const Vec3& q, const Way& way);

/// A point as it is outside an ellipsoid, or else one just outside.
template <class S>
Vec3T<S> outside(const Ellipsoid& surface, const Vec3T<S>& point) {
  const Vec3& r = surface.radii;
  const Vec3 plain(value_of(point[0]), value_of(point[1]), value_of(point[2]));
  const double d = plain.cwiseQuotient(r).norm();
  if (d * d > 1.0 + 1e-12) return point;
  return d > 1e-6 ? Vec3T<S>(point * S((1.0 + 1e-12) / d))
                  : Vec3T<S>(r[0] * (1.0 + 1e-12) + point[0], point[1], point[2]);
}

/// Where a geodesic is entered and left, and how long it is.
template <class S>
struct Varied {
  Vec3T<S> x, y;
  S length;
};

/// One step of Newton's to the string from p to q, over the natural variations of a geodesic (Scholz et al. 2015): its
/// start moves along and aside, and turns; its end moves along.
template <class S>
Varied<S> varied(const Ellipsoid& surface, const Geodesic& g, const Vec3T<S>& p, const Vec3T<S>& q) {
  const Vec3 Q = surface.radii.cwiseProduct(surface.radii).cwiseInverse();
  struct End {
    Vec3 b;
    double reach, bend, twist;  // length of the straight part, curvature, torsion
    S above, aside;             // of p or q, over the tangent plane and along b
  };
  const auto end = [&](const Vec3& x, const Vec3& t, const Vec3T<S>& to) {
    const Vec3 Qx = x.cwiseProduct(Q), Qt = t.cwiseProduct(Q);
    const double u = Qx.norm();
    const Vec3 n = Qx / u;
    End e;
    e.b = n.cross(t);
    const S dx = to[0] - x[0], dy = to[1] - x[1], dz = to[2] - x[2];
    e.above = n[0] * dx + n[1] * dy + n[2] * dz;
    e.aside = e.b[0] * dx + e.b[1] * dy + e.b[2] * dz;
    const double along = t[0] * value_of(dx) + t[1] * value_of(dy) + t[2] * value_of(dz);
    e.reach = std::max(std::abs(along), 1e-6 * surface.radii.minCoeff());
    e.bend = t.dot(Qt) / u;
    e.twist = e.b.dot(Qt) / u;
    return e;
  };
  const End a = end(g.x, g.t, p), b = end(g.y, g.v, q);
  const double moved = g.field[0] + b.reach * g.slope[0], turned = g.field[1] + b.reach * g.slope[1];
  const double spread = turned + a.reach * moved;
  S turn(0.0);  // no side is better than another where a sphere's centre lies on the line from p to q
  if (std::abs(spread) > 1e-12 * (a.reach + std::abs(g.length) + b.reach)) turn = (b.aside - moved * a.aside) / spread;
  const S aside_x = a.aside + a.reach * turn, aside_y = g.field[0] * aside_x + g.field[1] * turn;
  const S along_x = (a.above / a.reach - a.twist * aside_x) / a.bend;
  const S along_y = -(b.above / b.reach + b.twist * aside_y) / b.bend;
  const auto place = [](const Vec3& x, const Vec3& t, const Vec3& across, const S& along, const S& aside) {
    return Vec3T<S>(x[0] + t[0] * along + across[0] * aside, x[1] + t[1] * along + across[1] * aside,
                    x[2] + t[2] * along + across[2] * aside);
  };
  return {place(g.x, g.t, a.b, along_x, aside_x), place(g.y, g.v, b.b, along_y, aside_y), g.length + along_y - along_x};
}

}  // namespace detail

/// The string between p and q (surface frame, [m]) over an ellipsoid: a geodesic between two tangents. Found in plain
/// numbers; in one step of Newton's the derivatives of p and q travel along.
template <class S>
Arc<S> arc(const Ellipsoid& surface, const Vec3T<S>& p_S, const Vec3T<S>& q_S, const Way& way) {
  const Vec3T<S> p = detail::outside<S>(surface, p_S), q = detail::outside<S>(surface, q_S);
  const auto plain = [](const Vec3T<S>& v) { return Vec3(value_of(v[0]), value_of(v[1]), value_of(v[2])); };
  const detail::Geodesic g = detail::geodesic(surface, plain(p), plain(q), way);
  const detail::Varied<S> string = detail::varied<S>(surface, g, p, q);
  const double angle = std::atan2(g.t.cross(g.v).norm(), g.t.dot(g.v));
  return {string.x, string.y, string.length, g.length > 0.0 ? angle : -angle, g.rests};
}

namespace detail {

/// A string through a ring, turned so that it goes down through it. On the torus and off it, its moment about z (per unit
/// tension) keeps one value c (Clairaut). An angle about the tube is 0 on its inner side and grows upwards.
struct Loop {
  /// c; angle about the tube and azimuth where it is entered, angle where it is left; angle where a string that rests on
  /// both sides of the ring leaves the first, to come to the other at minus that angle (or else 0).
  std::array<double, 5> at{};
  bool mirrored = false;  // z was
  bool twice = false;     // rests on both sides of the ring, and goes free between
  bool tight = false;     // tangent to the lines to p and q
  bool rests = false;     // and pressed on all the way
};
Loop loop(const Torus& surface, const Vec3& p, const Vec3& q);

/// Azimuth and length of a geodesic of moment c, from one angle about the tube down to another; da: d azimuth / dc.
struct Swept {
  double azimuth, length, da;
};
Swept swept(const Torus& surface, double c, double from, double to);

/// A string of the shape `at`: where it comes and leaves, its length between, and by how much it is no string from p to q.
template <class S>
struct Looped {
  Vec3T<S> enter, leave, ahead_p, ahead_q;  // and its directions there
  S length;
  std::array<S, 5> miss;
};
template <class S>
Looped<S> looped(const Torus& torus, const Vec3T<S>& p, const Vec3T<S>& q, bool twice, const std::array<S, 5>& at) {
  using std::atan2;
  using std::cos;
  using std::sin;
  using std::sqrt;
  const double R = torus.radius, r = torus.tube_radius;
  const S& c = at[0];
  const auto upright = [&](const S& rho) {  // cosine of the angle to the meridian
    const S square = 1.0 - c * c / (rho * rho);
    return value_of(square) > 1e-12 ? S(sqrt(square)) : S(1e-6);
  };
  const auto rho_at = [&](const S& angle) { return S(R - r * cos(angle)); };
  S azimuth(0.0), length(0.0);
  // The integrals in plain numbers, and their slopes.
  const auto sweep = [&](const S& from, const S& to) {
    const Swept plain = swept(torus, value_of(c), value_of(from), value_of(to));
    const auto lift = [&](const S& angle, double sign) {
      const double rho = value_of(rho_at(angle)), root = rho * value_of(upright(rho_at(angle)));
      const S more = sign * r / root * (angle - value_of(angle));
      azimuth += value_of(c) / rho * more;
      length += rho * more;
    };
    const S dc = c - value_of(c);
    azimuth += plain.azimuth + plain.da * dc;
    length += plain.length + value_of(c) * plain.da * dc;
    lift(from, 1.0);
    lift(to, -1.0);
  };
  S miss(at[4]);
  if (twice) {
    const S rho = rho_at(at[4]), up = upright(rho), co = cos(at[4]), si = sin(at[4]);
    sweep(at[1], at[4]);
    azimuth += pi - 2.0 * atan2(c, S(rho * up * si));
    length += 2.0 * r * si / (up * co);
    sweep(S(-at[4]), at[3]);
    miss = R * up * up * co - r;
  } else {
    sweep(at[1], at[3]);
  }
  Looped<S> string;
  const auto end = [&](const S& angle, const S& around, const Vec3T<S>& to, Vec3T<S>& x, Vec3T<S>& t, S* off) {
    const S ca = cos(angle), sa = sin(angle), cf = cos(around), sf = sin(around);
    const S rho = rho_at(angle), up = upright(rho), side = c / rho;
    x = {rho * cf, rho * sf, r * sa};
    t = {-up * sa * cf - side * sf, -up * sa * sf + side * cf, -up * ca};
    const Vec3T<S> n(-ca * cf, -ca * sf, sa), b(-up * sf + side * sa * cf, up * cf + side * sa * sf, side * ca);
    const Vec3T<S> d = to - x;
    off[0] = n.dot(d);
    off[1] = b.dot(d);
  };
  end(at[1], at[2], p, string.enter, string.ahead_p, &string.miss[0]);
  end(at[3], S(at[2] + azimuth), q, string.leave, string.ahead_q, &string.miss[2]);
  string.miss[4] = miss;
  string.length = length;
  return string;
}

/// Newton's step for `at`, by the derivatives of what is missed.
template <class S>
std::array<S, 5> newton(const Torus& torus, const Vec3& p, const Vec3& q, bool twice, const std::array<double, 5>& at,
                        const std::array<S, 5>& miss) {
  using D = Dual<5>;
  std::array<D, 5> seeded;
  for (int i = 0; i < 5; ++i) seeded[static_cast<std::size_t>(i)] = D(at[static_cast<std::size_t>(i)], i);
  const Looped<D> moved = looped<D>(torus, p.cast<D>(), q.cast<D>(), twice, seeded);
  Eigen::Matrix<double, 5, 5> A;
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 5; ++j) A(i, j) = moved.miss[static_cast<std::size_t>(i)].v[static_cast<std::size_t>(j)];
  const Eigen::Matrix<double, 5, 5> inverse = A.inverse();
  std::array<S, 5> step;
  for (std::size_t i = 0; i < 5; ++i) {
    step[i] = S(0.0);
    for (std::size_t j = 0; j < 5; ++j)
      step[i] -= inverse(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) * miss[j];
  }
  return step;
}

/// A point as it is outside a torus, or else one just outside.
template <class S>
Vec3T<S> outside(const Torus& surface, const Vec3T<S>& point) {
  const Vec3 plain(value_of(point[0]), value_of(point[1]), value_of(point[2]));
  Vec3 moved = plain;
  return push_out(surface, moved) ? Vec3T<S>(point + Vec3(moved - plain).cast<S>()) : point;
}

}  // namespace detail

/// The string between p and q (surface frame, [m]) through a ring: a geodesic between two tangents, or on either side of
/// the ring one with a straight part between, which counts as part of the arc. Found in plain numbers; in one step of
/// Newton's the derivatives of p and q travel along.
template <class S>
Arc<S> arc(const Torus& surface, const Vec3T<S>& p_S, const Vec3T<S>& q_S, const Way& /*way*/) {
  Vec3T<S> p = detail::outside<S>(surface, p_S), q = detail::outside<S>(surface, q_S);
  const auto plain = [](const Vec3T<S>& v) { return Vec3(value_of(v[0]), value_of(v[1]), value_of(v[2])); };
  const detail::Loop loop = detail::loop(surface, plain(p), plain(q));
  const auto mirror = [&](Vec3T<S>& x) {
    if (loop.mirrored) x[2] = -x[2];
  };
  mirror(p);
  mirror(q);
  std::array<S, 5> at;
  for (std::size_t i = 0; i < 5; ++i) at[i] = loop.at[i];
  if (loop.tight) {
    const detail::Looped<S> near = detail::looped<S>(surface, p, q, loop.twice, at);
    const std::array<S, 5> step = detail::newton<S>(surface, plain(p), plain(q), loop.twice, loop.at, near.miss);
    bool finite = true;  // not so for a line along the axis
    for (const S& x : step) finite = finite && std::isfinite(value_of(x));
    for (std::size_t i = 0; i < 5 && finite; ++i) at[i] += step[i];
  }
  detail::Looped<S> string = detail::looped<S>(surface, p, q, loop.twice, at);
  mirror(string.enter);
  mirror(string.leave);
  return {string.enter, string.leave, string.length, std::min(3.0, loop.at[1] - loop.at[3]), loop.rests};
}

/// Points of arc() from where it enters to where it leaves, at most `step` [m] apart on the surface, added to `points`
/// (surface frame, [m]). Where no string rests on an ellipsoid, they lie in a plane through its centre; where one goes
/// free across a ring, there are none between.
void trace(const Cylinder& surface, const Vec3& p, const Vec3& q, const Way& way, double step,
           std::vector<Vec3>& points);
void trace(const Sphere& surface, const Vec3& p, const Vec3& q, const Way& way, double step, std::vector<Vec3>& points);
void trace(const Ellipsoid& surface, const Vec3& p, const Vec3& q, const Way& way, double step,
           std::vector<Vec3>& points);
void trace(const Torus& surface, const Vec3& p, const Vec3& q, const Way& way, double step, std::vector<Vec3>& points);

namespace detail {

/// How many pieces of at most `step` a length is cut into, as trace() does.
int pieces(double length, double step);

}  // namespace detail

}  // namespace psoas
