// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Rotations, poses and spatial vectors. Names follow Drake's monogram notation: X_GB is the pose of B in G, p_AB_E the
// vector from Ao to Bo expressed in E; the inner letters of a product meet.
#pragma once

#include "psoas/core/dual.hpp"

namespace psoas {

/// Pose of a frame B measured and expressed in A: p_AQ = R p_BQ + p. Inner letters meet: X_GB = X_GP * X_PB.
template <class S>
struct PoseT {
  Mat3T<S> R = Mat3T<S>::Identity();  ///< R_AB [-]
  Vec3T<S> p = Vec3T<S>::Zero();      ///< p_AB, from Ao to Bo, expressed in A [m]

  /// The point p_BQ (fixed in B, in B) measured and expressed in A [m].
  Vec3T<S> operator*(const Vec3T<S>& p_BQ) const { return R * p_BQ + p; }
  PoseT operator*(const PoseT& X_BC) const { return {R * X_BC.R, R * X_BC.p + p}; }
  PoseT inverse() const { return {R.transpose(), -(R.transpose() * p)}; }

  template <class T>
  PoseT<T> cast() const {
    return {R.template cast<T>(), p.template cast<T>()};
  }
};
using Pose = PoseT<double>;

/// Rotation by `angle` [rad] about the unit vector `axis` (Rodrigues' formula), for any scalar.
template <class S>
Mat3T<S> rotation_about(const Vec3& axis, const S& angle) {
  using std::cos;
  using std::sin;
  const S c = cos(angle), s = sin(angle), d = 1.0 - c;
  const double x = axis.x(), y = axis.y(), z = axis.z();
  Mat3T<S> R;
  R << c + d * (x * x), d * (x * y) - s * z, d * (x * z) + s * y,  //
      d * (x * y) + s * z, c + d * (y * y), d * (y * z) - s * x,   //
      d * (x * z) - s * y, d * (y * z) + s * x, c + d * (z * z);
  return R;
}

/// Rotation of body-fixed angles about x, then y, then z [rad] (OpenSim's orientation and xyz_body_rotation).
inline Mat3 rotation_xyz(const Vec3& angles) {
  return rotation_about(Vec3::UnitX(), angles.x()) * rotation_about(Vec3::UnitY(), angles.y()) *
         rotation_about(Vec3::UnitZ(), angles.z());
}

/// Angular part first, then the linear part of the point at ground's origin, both in ground: a velocity [rad/s, m/s],
/// an acceleration, a motion axis, or (moment [N m], force [N]) for a wrench.
template <class S>
using SpatialT = Eigen::Matrix<S, 6, 1>;
using Spatial = SpatialT<double>;

/// The wrench about ground's origin of a force [N] at a point [m], both in ground.
template <class S>
SpatialT<S> wrench_at(const Vec3T<S>& point, const Vec3T<S>& force) {
  SpatialT<S> w;
  w << point.cross(force), force;
  return w;
}

}  // namespace psoas
