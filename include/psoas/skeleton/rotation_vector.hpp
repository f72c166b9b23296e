// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Three coordinates that turn a frame without gimbal lock: the rotation vector r, whose direction is the axis and whose
// length the angle, R = exp [r]x. Its speeds are dr/dt; the angular velocity is J(r) dr/dt. A length of 2 pi is the one
// singularity, and recharted() stays away from it: r and r - 2 pi r/|r| are the same rotation.
//   const RotationVector<double> turn(r);   Mat3 R = turn.matrix();   Vec3 w = turn.angular_velocity(speeds);
// With theta = |r| and Stumpff's functions c_k(theta^2) = sum_j (-theta^2)^j / (k + 2j)!, which have no special case at
// 0, R = 1 + c_1 [r]x + c_2 [r]x^2 and J = 1 + c_2 [r]x + c_3 [r]x^2. (Murray, Li & Sastry 1994, chapter 2; Stumpff
// 1959 for dc_k/ds = (k c_(k+2) - c_(k+1)) / 2.)
#pragma once

#include <array>
#include <optional>
#include <utility>

#include "psoas/core/pose.hpp"
#include "psoas/core/units.hpp"

namespace psoas {

/// Stumpff's functions c_0 to c_7 of s = theta^2 >= 0 [rad^2].
template <class S>
std::array<S, 8> stumpff(const S& s) {
  std::array<S, 8> c;
  if (value_of(s) < 1.0) {
    // alternating series of the last two, then down: each step is stable here
    S six(0.0), seven(0.0);
    for (int j = 8; j >= 0; --j) {
      six = 1.0 - s * six / static_cast<double>((2 * j + 7) * (2 * j + 8));
      seven = 1.0 - s * seven / static_cast<double>((2 * j + 8) * (2 * j + 9));
    }
    c[6] = six / 720.0, c[7] = seven / 5040.0;
    constexpr std::array<double, 6> factorial{1, 1, 2, 6, 24, 120};
    for (std::size_t k = 6; k-- > 0;) c[k] = 1.0 / factorial[k] - s * c[k + 2];
  } else {
    using std::cos;
    using std::sin;
    using std::sqrt;
    const S theta = sqrt(s);
    c[0] = cos(theta), c[1] = sin(theta) / theta;
    constexpr std::array<double, 6> factorial{1, 1, 2, 6, 24, 120};
    for (std::size_t k = 0; k < 6; ++k) c[k + 2] = (1.0 / factorial[k] - c[k]) / s;
  }
  return c;
}

/// A rotation by its rotation vector r [rad].
template <class S>
class RotationVector {
 public:
  explicit RotationVector(const Vec3T<S>& r) : r_(r), c_(stumpff<S>(r.dot(r))) {}

  /// The rotation R: of the turned frame in the frame that r is given in.
  Mat3T<S> matrix() const { return polynomial(c_[1], c_[2]); }

  /// J(r): the angular velocity J dr/dt is given in the frame of r.
  Mat3T<S> jacobian() const { return polynomial(c_[2], c_[3]); }

  /// J(r) u [rad/s].
  Vec3T<S> angular_velocity(const Vec3T<S>& u) const {
    const Vec3T<S> x = r_.cross(u);
    return u + x * c_[2] + r_.cross(x) * c_[3];
  }

  /// The speeds dr/dt that give an angular velocity [rad/s]; no number at an angle of 2 pi.
  Vec3T<S> speeds(const Vec3T<S>& w) const {
    const Vec3T<S> x = r_.cross(w);
    return w - x * 0.5 + r_.cross(x) * ((c_[3] * 0.5 - c_[4]) / c_[2]);
  }

  /// dJ/dt w along dr/dt = u: what w = u adds to the angular acceleration J du/dt.
  Vec3T<S> jacobian_rate(const Vec3T<S>& u, const Vec3T<S>& w) const {
    const S s_dot = r_.dot(u) * 2.0;
    const Vec3T<S> x = r_.cross(w), y = u.cross(w);
    return x * (slope(2) * s_dot) + y * c_[2] + r_.cross(x) * (slope(3) * s_dot) + (u.cross(x) + r_.cross(y)) * c_[3];
  }

  /// d2J/dt2 w along dr/dt = u, d2r/dt2 = a.
  Vec3T<S> jacobian_second_rate(const Vec3T<S>& u, const Vec3T<S>& a, const Vec3T<S>& w) const {
    const S s_dot = r_.dot(u) * 2.0, s_ddot = (r_.dot(a) + u.dot(u)) * 2.0;
    const auto rates = [&](std::size_t k) {
      return std::pair<S, S>(slope(k) * s_dot, curvature(k) * s_dot * s_dot + slope(k) * s_ddot);
    };
    const auto [d2, dd2] = rates(2);
    const auto [d3, dd3] = rates(3);
    const Vec3T<S> x = r_.cross(w), y = u.cross(w), z = a.cross(w);
    // rates of r x w and of r x (r x w)
    const Vec3T<S> square = r_.cross(x), square_rate = u.cross(x) + r_.cross(y);
    const Vec3T<S> square_second = a.cross(x) + u.cross(y) * 2.0 + r_.cross(z);
    return x * dd2 + y * (d2 * 2.0) + z * c_[2] + square * dd3 + square_rate * (d3 * 2.0) + square_second * c_[3];
  }

 private:
  /// 1 + a [r]x + b [r]x^2
  Mat3T<S> polynomial(const S& a, const S& b) const {
    const S x = r_[0], y = r_[1], z = r_[2], d = 1.0 - b * r_.dot(r_);
    Mat3T<S> m;
    m << d + b * x * x, b * x * y - a * z, b * x * z + a * y,  //
        b * x * y + a * z, d + b * y * y, b * y * z - a * x,   //
        b * x * z - a * y, b * y * z + a * x, d + b * z * z;
    return m;
  }
  S slope(std::size_t k) const { return (c_[k + 2] * static_cast<double>(k) - c_[k + 1]) * 0.5; }
  S curvature(std::size_t k) const {
    const auto n = static_cast<double>(k);
    const S next = (c_[k + 4] * (n + 2.0) - c_[k + 3]) * 0.5, one = (c_[k + 3] * (n + 1.0) - c_[k + 2]) * 0.5;
    return (next * n - one) * 0.5;
  }

  Vec3T<S> r_;
  std::array<S, 8> c_;
};

/// Rotation vector and speeds of the same rotation and angular velocity with an angle of at most pi, where |r| > pi;
/// else nothing. An integrator that asks after each step never comes near the singularity at 2 pi.
std::optional<std::pair<Vec3, Vec3>> recharted(const Vec3& r, const Vec3& u);

/// Unit quaternion of a rotation vector, scalar part first.
Eigen::Vector4d quaternion_of(const Vec3& r);

/// Rotation vector of a quaternion (w, x, y, z) of any length but 0, angle at most pi.
Vec3 rotation_vector_of(const Eigen::Vector4d& quaternion);

/// Rotation vector of a rotation, angle at most pi.
Vec3 rotation_vector_of(const Mat3& R);

}  // namespace psoas
