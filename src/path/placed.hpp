// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Poses and wrenches in the loops over muscle paths. Products are written out: g++ calls a function for Eigen's, which
// costs more than the product.
#pragma once

#include "psoas/core/pose.hpp"

namespace psoas {

/// R v; v may be of plain numbers.
template <class S, class V>
inline Vec3T<S> times(const Mat3T<S>& R, const V& v) {
  return Vec3T<S>(R(0, 0) * v[0] + R(0, 1) * v[1] + R(0, 2) * v[2], R(1, 0) * v[0] + R(1, 1) * v[1] + R(1, 2) * v[2],
                  R(2, 0) * v[0] + R(2, 1) * v[1] + R(2, 2) * v[2]);
}

/// A point in a frame, from where it is in ground.
template <class S, class Frame>
inline Vec3T<S> in_frame(const Frame& X_GS, const Vec3T<S>& point) {
  const auto& R = X_GS.R;
  const S x = point[0] - X_GS.p[0], y = point[1] - X_GS.p[1], z = point[2] - X_GS.p[2];
  return Vec3T<S>(R(0, 0) * x + R(1, 0) * y + R(2, 0) * z, R(0, 1) * x + R(1, 1) * y + R(2, 1) * z,
                  R(0, 2) * x + R(1, 2) * y + R(2, 2) * z);
}

/// A pose X_GS without the starting values of PoseT, which would cost more than a short path.
template <class S>
struct Placed {
  Mat3T<S> R;
  Vec3T<S> p;
  Vec3T<S> out(const Vec3T<S>& point) const { return times<S>(R, point) + p; }
  Vec3T<S> in(const Vec3T<S>& point) const { return in_frame<S>(*this, point); }
  template <class T>
  Placed<T> cast() const {
    return {R.template cast<T>(), p.template cast<T>()};
  }
};

/// A point of a body in ground; it may be of plain numbers.
template <class S, class V>
inline Vec3T<S> transformed(const PoseT<S>& X, const V& point) {
  return times<S>(X.R, point) + X.p;
}

/// X_GS of a frame that is fixed in a body.
template <class S>
Placed<S> placed(const PoseT<S>& X_GB, const Pose& X_BS) {
  Placed<S> X;
  for (int j = 0; j < 3; ++j) X.R.col(j) = times<S>(X_GB.R, Vec3(X_BS.R.col(j)));
  X.p = transformed<S>(X_GB, X_BS.p);
  return X;
}

/// Adds the wrench about ground's origin of a force at a point.
template <class S>
inline void add_wrench(SpatialT<S>& w, const Vec3T<S>& point, const Vec3T<S>& force) {
  w[0] += point[1] * force[2] - point[2] * force[1];
  w[1] += point[2] * force[0] - point[0] * force[2];
  w[2] += point[0] * force[1] - point[1] * force[0];
  for (int i = 0; i < 3; ++i) w[3 + i] += force[i];
}

}  // namespace psoas
