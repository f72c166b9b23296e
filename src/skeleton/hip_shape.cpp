// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/skeleton/hip_shape.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/error.hpp"
#include "psoas/core/pose.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

constexpr double turn = 2.0 * pi;
constexpr double hour = turn / 12.0;

/// Where f is least in [low, high], to a width, and its value, by golden sections: f has one minimum there.
template <class F>
std::pair<double, double> golden_minimum(F&& f, double low, double high, double width) {
  const double ratio = 0.5 * (std::sqrt(5.0) - 1.0);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double fa = f(a), fb = f(b);
  while (high - low > width && a < b) {
    if (fa <= fb) {
      high = b, b = a, fb = fa;
      a = high - ratio * (high - low);
      fa = f(a);
    } else {
      low = a, a = b, fa = fb;
      b = low + ratio * (high - low);
      fb = f(b);
    }
  }
  return fa <= fb ? std::pair(a, fa) : std::pair(b, fb);
}

double positive_angle(double angle) {
  const double out = angle - turn * std::floor(angle / turn);
  return out < turn ? out : 0.0;
}

/// Numbers that a reader has checked against their ranges; a program may give any.
template <class Shape>
void check(const Shape& shape, const char* bone) {
  Shape::each(shape, [&](const char* key, const auto& value, const Info& info) {
    const auto one = [&](double x) {
      if (!(x >= info.low && x <= info.high))
        throw Error(Kind::input, std::string(bone) + "/" + key,
                    "expected a number from " + shortest_text(info.low) + " to " + shortest_text(info.high) +
                        ", found " + shortest_text(x));
    };
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, double>)
      one(value);
    else
      for (const double x : value) one(x);
  });
  if (const std::string fault = shape.fault(); !fault.empty()) throw Error(Kind::input, bone, fault);
}

}  // namespace

std::string FemoralShape::fault() const {
  if (!(neck_radius < head_radius))
    return "expected a neck_radius below the head_radius " + shortest_text(head_radius) + " m, found " +
           shortest_text(neck_radius) + " m";
  const double least = to_degrees(std::asin(neck_radius / head_radius));
  for (const double one : {alpha_deg, alpha_elsewhere_deg})
    if (one < least)
      return "expected alpha angles of at least " + fixed_text(least, 1) +
             " deg, where a neck of this radius comes out of the head, found " + shortest_text(one) + " deg";
  return "";
}

double FemoralShape::alpha(double clock) const {
  const double share =
      std::exp2(-(1.0 - std::cos(clock - alpha_clock_hours * hour)) / (1.0 - std::cos(alpha_half_width_hours * hour)));
  return degrees(alpha_elsewhere_deg + (alpha_deg - alpha_elsewhere_deg) * share);
}

std::string AcetabularShape::fault() const {
  if (clock_hours.size() != height_deg.size())
    return "expected as many numbers in height_deg as in clock_hours, found " + std::to_string(height_deg.size()) +
           " and " + std::to_string(clock_hours.size());
  for (std::size_t i = 1; i < clock_hours.size(); ++i)
    if (!(clock_hours[i] - clock_hours[i - 1] >= 0.1)) return "expected clock_hours that ascend by at least 0.1";
  if (clock_hours.size() > 1 && !(clock_hours.front() + 12.0 - clock_hours.back() >= 0.1))
    return "expected clock_hours of which the last and the first are at least 0.1 apart round the clock";
  return "";
}

HipBones::HipBones(const HipShape& shape, HipSide side) : femur_(shape.femur) {
  check(shape.femur, "femur");
  check(shape.acetabulum, "acetabulum");
  const double lateral = side == HipSide::right ? 1.0 : -1.0;
  const AcetabularShape& a = shape.acetabulum;

  // The neck, in the plane that version turns out of the frontal plane.
  const double down = pi - degrees(femur_.neck_shaft_deg) - degrees(femur_.shaft_deg),
               version = degrees(femur_.version_deg);
  u_ = Vec3(-std::sin(down) * std::sin(version), -std::cos(down), lateral * std::sin(down) * std::cos(version));
  const Vec3 up = Vec3::UnitY();
  u12_ = (up - up.dot(u_) * u_).normalized();
  u3_ = lateral * u12_.cross(u_);
  alpha_most_ = degrees(std::max(femur_.alpha_deg, femur_.alpha_elsewhere_deg));
  round_ = femur_.alpha_deg == femur_.alpha_elsewhere_deg;

  // The socket, and how the planes in which its angles were measured lie in the model's pelvis.
  const double inclination = degrees(a.inclination_deg), anteversion = degrees(a.version_deg),
               edge = degrees(a.center_edge_deg);
  const double tilt = degrees(a.plane_tilt_deg);
  // The pelvis had turned forward, about -z, by the tilt.
  const auto untilted = [&](const Vec3& v) { return Vec3(rotation_about(Vec3::UnitZ(), tilt) * v); };
  n_ = untilted(Vec3(std::sin(inclination) * std::sin(anteversion), -std::cos(inclination),
                     lateral * std::sin(inclination) * std::cos(anteversion)));
  n12_ = (up - up.dot(n_) * n_).normalized();
  n3_ = lateral * n12_.cross(n_);
  rim_radius_ = femur_.head_radius + a.joint_space;

  for (std::size_t i = 0; i < a.clock_hours.size(); ++i) {
    knots_.push_back(a.clock_hours[i] * hour);
    heights_.push_back(degrees(a.height_deg[i]));
  }
  // Slopes of Fritsch & Carlson (1980), harmonic means, so that nothing overshoots.
  const std::size_t count = knots_.size();
  for (std::size_t i = 0; i < count && count > 1; ++i) {
    const std::size_t before = (i + count - 1) % count, after = (i + 1) % count;
    const double left = positive_angle(knots_[i] - knots_[before]), right = positive_angle(knots_[after] - knots_[i]);
    const double rise = (heights_[i] - heights_[before]) / left, fall = (heights_[after] - heights_[i]) / right;
    const double w1 = 2.0 * right + left, w2 = right + 2.0 * left;
    slopes_.push_back(rise * fall > 0.0 ? (w1 + w2) / (w1 / rise + w2 / fall) : 0.0);
  }

  const Vec3 lateral_edge = untilted(Vec3(0.0, std::cos(edge), lateral * std::sin(edge)));
  const double height = std::acos(std::clamp(-n_.dot(lateral_edge), -1.0, 1.0));
  level_ = height - profile(std::atan2(lateral_edge.dot(n3_), lateral_edge.dot(n12_))) + a.labrum_width / rim_radius_;

  double low = inf, high = -inf, steepest = 0.0;
  for (std::size_t i = 0; i < heights_.size(); ++i)
    low = std::min(low, heights_[i]), high = std::max(high, heights_[i]);
  if (heights_.empty()) low = high = 0.0;
  for (std::size_t i = 0; i < slopes_.size(); ++i) {
    const std::size_t after = (i + 1) % count;
    const double span = positive_angle(knots_[after] - knots_[i]);
    const double chord = std::abs(heights_[after] - heights_[i]) / span;
    // a cubic's slope is a parabola: at most 1.5 chords in the middle where its ends are flat, and at most its end slopes
    steepest = std::max({steepest, 1.5 * chord, std::abs(slopes_[i]), std::abs(slopes_[after])});
  }
  if (!(level_ + low > degrees(10.0) && level_ + high < degrees(130.0)))
    throw Error(Kind::input, "acetabulum",
                "expected a rim 10 to 130 deg from the bottom of the socket all round (90 is a hemisphere), found " +
                    fixed_text(to_degrees(level_ + low), 1) + " to " + fixed_text(to_degrees(level_ + high), 1) +
                    " deg, which this centre-edge angle, inclination and version ask for");
  rim_speed_ = rim_radius_ * std::hypot(1.0, steepest);
}

double HipBones::profile(double clock) const {
  const std::size_t count = knots_.size();
  if (count < 2) return count == 0 ? 0.0 : heights_[0];
  const double c = positive_angle(clock);
  std::size_t i = count - 1;  // the piece that goes round the top
  while (i > 0 && knots_[i] > c) --i;
  if (c < knots_.front()) i = count - 1;
  const std::size_t after = (i + 1) % count;
  const double span = positive_angle(knots_[after] - knots_[i]), t = positive_angle(c - knots_[i]) / span;
  const double s = 1.0 - t;
  return s * s * ((1.0 + 2.0 * t) * heights_[i] + t * span * slopes_[i]) +
         t * t * ((1.0 + 2.0 * s) * heights_[after] - s * span * slopes_[after]);
}

double HipBones::coverage(double clock) const { return level_ + profile(clock); }

Vec3 HipBones::rim(double clock) const {
  const double height = coverage(clock);
  return rim_radius_ * (-std::cos(height) * n_ + std::sin(height) * (std::cos(clock) * n12_ + std::sin(clock) * n3_));
}

/// Signed distance from the contour in a plane through the neck's axis, of a point at `rho` from the axis and `z` along it.
double HipBones::meridian(double rho, double z, double alpha) const {
  const double head = femur_.head_radius, neck = femur_.neck_radius, s = std::sin(alpha), c = std::cos(alpha);
  const double arc = (head * s - neck) / (1.0 - s);  // radius of the hollow arc
  const double centre_z = (head + arc) * c;
  const bool over_head = rho * c >= z * s, along_neck = z >= centre_z;
  if (!over_head && !along_neck) return arc - std::hypot(rho - neck - arc, z - centre_z);
  double out = inf;
  if (over_head) out = std::hypot(rho, z) - head;
  if (along_neck) out = std::min(out, rho - neck);
  return out;
}

double HipBones::greatest_alpha(double clock, double beside) const {
  if (femur_.alpha_deg <= femur_.alpha_elsewhere_deg) return degrees(femur_.alpha_elsewhere_deg);
  const double off = std::abs(std::remainder(clock - femur_.alpha_clock_hours * hour, turn));
  return femur_.alpha(femur_.alpha_clock_hours * hour + std::max(0.0, off - beside));
}

double HipBones::distance(const Vec3& p_F) const {
  const double z = p_F.dot(u_), x = p_F.dot(u12_), y = p_F.dot(u3_), rho = std::hypot(x, y);
  const double clock = std::atan2(y, x);
  const double here = meridian(rho, z, femur_.alpha(clock));
  // Where the whole ring round the axis is head, and where the contour is the same all round, this plane has it.
  if (round_ || rho * std::cos(alpha_most_) >= z * std::sin(alpha_most_)) return here;
  // Elsewhere a contour beside this plane may be nearer; none that is farther off than this one's distance can.
  const double bound = rho > std::abs(here) ? std::asin(std::abs(here) / rho) : 0.5 * pi;
  const auto squared = [&](double beside) {
    const double in_plane = meridian(rho * std::cos(beside), z, femur_.alpha(clock + beside));
    const double across = rho * std::sin(beside);
    return across * across + in_plane * in_plane;
  };
  constexpr int pieces = 8;
  int best = pieces / 2;
  double least = here * here;
  for (int i = 0; i <= pieces; ++i)
    if (const double value = squared(bound * (2.0 * i / pieces - 1.0)); value < least) least = value, best = i;
  const double low = bound * (2.0 * std::max(best - 1, 0) / pieces - 1.0),
               high = bound * (2.0 * std::min(best + 1, pieces) / pieces - 1.0);
  // Flat where least: a share of 1e-5 of the bound is one of 1e-10 of the distance.
  const double found = std::min({here * here, least, golden_minimum(squared, low, high, 1e-5 * bound).second});
  return std::copysign(std::sqrt(found), here);
}

HipClearance HipBones::clearance(const Mat3& R_PF) const {
  constexpr double certain = 1e-5;  // [m]
  constexpr int first_pieces = 64;
  const auto value = [&](double clock) { return distance(R_PF.transpose() * rim(clock)); };
  struct Piece {
    double low, width, middle;  // [rad], and the distance in the middle [m]
  };
  // The whole rim in pieces; those that may hold something nearer by more than `certain` are halved in turn. Where all of a
  // piece is over the head its distance is the joint space, which no place exceeds.
  const double gap = rim_radius_ - femur_.head_radius;
  std::vector<Piece> pieces;
  double best_clock = 0.0, best = inf;
  const auto look = [&](double low, double width) {
    const double clock = low + 0.5 * width, half = 0.5 * width * rim_speed_;
    const Vec3 place = R_PF.transpose() * rim(clock);
    const double along = place.dot(u_), rho = (place - along * u_).norm();
    // No bone in planes through the axis that are farther off than the gap matters; beside those of which the piece may
    // be near, the femur is part of one with their greatest alpha angle all round.
    const double nearest = rho - half;
    const double beside = nearest > gap ? std::asin(gap / nearest) + half / nearest : pi;
    const double alpha = greatest_alpha(std::atan2(place.dot(u3_), place.dot(u12_)), beside);
    if (std::atan2(rho, along) - alpha >= half / rim_radius_) {
      if (gap < best) best = gap, best_clock = clock;
      return;
    }
    if (meridian(rho, along, alpha) - half >= best - certain) return;
    const double here = distance(place);
    if (here < best) best = here, best_clock = clock;
    pieces.push_back({low, width, here});
  };
  for (int i = 0; i < first_pieces; ++i) look(i * turn / first_pieces, turn / first_pieces);
  double width = turn / first_pieces;
  while (!pieces.empty()) {
    std::vector<Piece> now;
    now.swap(pieces);
    for (const Piece& piece : now) {
      if (piece.middle - 0.5 * piece.width * rim_speed_ >= best - certain) continue;
      look(piece.low, 0.5 * piece.width);
      look(piece.low + 0.5 * piece.width, 0.5 * piece.width);
      width = std::min(width, 0.5 * piece.width);
    }
  }
  if (best < gap) {
    const double around = 4.0 * width;
    const auto [clock, least] = golden_minimum(value, best_clock - around, best_clock + around, 1e-8);
    if (least < best) best = least, best_clock = clock;
  }
  HipClearance out;
  out.distance = best;
  out.rim_clock = positive_angle(best_clock);
  out.place = rim(best_clock);
  const Vec3 place = R_PF.transpose() * out.place;
  out.neck_clock = positive_angle(std::atan2(place.dot(u3_), place.dot(u12_)));
  out.neck_angle = std::atan2(place.cross(u_).norm(), place.dot(u_));
  return out;
}

HipContact first_contact(const HipBones& hip, const std::function<Mat3(double)>& pose, double from, double to) {
  constexpr double least = 1e-4, most = 0.1;
  const double sign = to < from ? -1.0 : 1.0;
  double x = from;
  HipClearance here = hip.clearance(pose(x));
  const bool touching = here.distance <= 0.0;
  while (x != to) {
    const double step = std::clamp(std::abs(here.distance) / hip.reach(), least, most);
    const double next = sign * (to - x) <= step ? to : x + sign * step;
    const HipClearance there = hip.clearance(pose(next));
    if ((there.distance <= 0.0) != touching) {
      // Newton's steps with the slope between the last two places.
      double last = x, last_distance = here.distance;
      const auto distance = [&](double y) {
        const double value = y == x ? here.distance : y == next ? there.distance : hip.clearance(pose(y)).distance;
        const double slope = y == last ? 0.0 : (value - last_distance) / (y - last);
        last = y, last_distance = value;
        return std::pair(value, slope);
      };
      const Root root = newton_root(distance, x, next, {.x = 1e-12});
      return {root.x, hip.clearance(pose(root.x)), touching};
    }
    x = next;
    here = there;
  }
  return {std::nan(""), here, touching};
}

}  // namespace psoas
