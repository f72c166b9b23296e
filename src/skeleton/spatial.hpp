// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Products of motions, wrenches and inertias in ground about ground's origin (Featherstone 2008, chapter 2).
#pragma once

#include "psoas/skeleton/tree.hpp"

namespace psoas::spatial {

inline std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A vector of plain numbers in another scalar.
template <class S>
Vec3T<S> in_scalar(const Vec3& v) {
  return {S(v.x()), S(v.y()), S(v.z())};
}

/// Rate of change of a motion vector that is carried along with velocity v.
template <class S>
SpatialT<S> cross_motion(const SpatialT<S>& v, const SpatialT<S>& m) {
  const Vec3T<S> w = v.template head<3>(), o = v.template tail<3>(), mw = m.template head<3>(),
                 mo = m.template tail<3>();
  SpatialT<S> r;
  r.template head<3>() = w.cross(mw);
  r.template tail<3>() = w.cross(mo) + o.cross(mw);
  return r;
}

/// Rate of change of a wrench that is carried along with velocity v.
template <class S>
SpatialT<S> cross_force(const SpatialT<S>& v, const SpatialT<S>& f) {
  const Vec3T<S> w = v.template head<3>(), o = v.template tail<3>(), n = f.template head<3>(), l = f.template tail<3>();
  SpatialT<S> r;
  r.template head<3>() = w.cross(n) + o.cross(l);
  r.template tail<3>() = w.cross(l);
  return r;
}

/// A rotation's motion about an axis through a point.
template <class S>
void turn_about(const Vec3T<S>& direction, const Vec3T<S>& point, SpatialT<S>& unit) {
  unit.template head<3>() = direction;
  unit.template tail<3>() = point.cross(direction);
}

/// The inertia of a body about its mass centre times a vector, both in ground.
template <class S>
Vec3T<S> central(const TreeBody& body, const Mat3T<S>& R, const Vec3T<S>& w) {
  const Vec3T<S> w_B = R.transpose() * w;
  return R * Vec3T<S>(body.inertia.cast<S>() * w_B);
}

/// Inertia of a body about ground's origin.
template <class S>
void rigid_inertia(const TreeBody& body, std::size_t b, TreeWork<S>& work) {
  const Mat3T<S>& R = work.X_GB[b].R;
  const Vec3T<S>& c = work.mass_center[b];
  RigidInertia<S>& rigid = work.rigid[b];
  rigid.mass = S(body.mass);
  rigid.first = c * S(body.mass);
  const Mat3T<S> T = R * body.inertia.cast<S>();
  Mat3T<S>& I = rigid.second;
  const Vec3T<S>& h = rigid.first;
  const S diagonal = c.dot(h);
  for (int j = 0; j < 3; ++j)
    for (int i = j; i < 3; ++i) I(i, j) = T(i, 0) * R(j, 0) + T(i, 1) * R(j, 1) + T(i, 2) * R(j, 2) - c[i] * h[j];
  for (int i = 0; i < 3; ++i) I(i, i) += diagonal;
}

/// A rigid inertia times a motion: momentum, or the wrench of an acceleration.
template <class S>
SpatialT<S> times(const RigidInertia<S>& rigid, const SpatialT<S>& motion) {
  const Vec3T<S> w = motion.template head<3>(), o = motion.template tail<3>();
  const Mat3T<S>& I = rigid.second;
  const Vec3T<S>& h = rigid.first;
  SpatialT<S> f;
  f[0] = I(0, 0) * w[0] + I(1, 0) * w[1] + I(2, 0) * w[2] + h[1] * o[2] - h[2] * o[1];
  f[1] = I(1, 0) * w[0] + I(1, 1) * w[1] + I(2, 1) * w[2] + h[2] * o[0] - h[0] * o[2];
  f[2] = I(2, 0) * w[0] + I(2, 1) * w[1] + I(2, 2) * w[2] + h[0] * o[1] - h[1] * o[0];
  f[3] = rigid.mass * o[0] + w[1] * h[2] - w[2] * h[1];
  f[4] = rigid.mass * o[1] + w[2] * h[0] - w[0] * h[2];
  f[5] = rigid.mass * o[2] + w[0] * h[1] - w[1] * h[0];
  return f;
}

/// A rigid inertia as a matrix of six.
template <class S>
void fill(const RigidInertia<S>& rigid, Eigen::Matrix<S, 6, 6>& M) {
  const Vec3T<S>& h = rigid.first;
  const S o(0.0);
  for (int j = 0; j < 3; ++j) {
    for (int i = j; i < 3; ++i) M(i, j) = M(j, i) = rigid.second(i, j);
    for (int i = 0; i < 3; ++i) M(3 + i, 3 + j) = o;
    M(3 + j, 3 + j) = rigid.mass;
    M(j, 3 + j) = M(3 + j, j) = o;
  }
  M(0, 4) = M(4, 0) = -h[2], M(0, 5) = M(5, 0) = h[1];
  M(1, 3) = M(3, 1) = h[2], M(1, 5) = M(5, 1) = -h[0];
  M(2, 3) = M(3, 2) = -h[1], M(2, 4) = M(4, 2) = h[0];
}

}  // namespace psoas::spatial
