// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/skeleton/rotation_vector.hpp"

#include <cmath>

namespace psoas {

std::optional<std::pair<Vec3, Vec3>> recharted(const Vec3& r, const Vec3& u) {
  const double angle = r.norm();
  if (!(angle > pi)) return std::nullopt;
  const Vec3 shorter = r * (1.0 - 2.0 * pi * std::round(angle / (2.0 * pi)) / angle);
  const Vec3 w = RotationVector<double>(r).angular_velocity(u);
  return std::pair(shorter, RotationVector<double>(shorter).speeds(w));
}

Eigen::Vector4d quaternion_of(const Vec3& r) {
  const Vec3 half = 0.5 * r;
  const auto c = stumpff<double>(half.squaredNorm());
  const Vec3 v = half * c[1];
  return {c[0], v.x(), v.y(), v.z()};
}

Vec3 rotation_vector_of(const Eigen::Vector4d& quaternion) {
  const Eigen::Vector4d unit = quaternion / (quaternion[0] < 0.0 ? -quaternion.norm() : quaternion.norm());
  const Vec3 v = unit.tail<3>();
  const double sine = v.norm();
  // the angle over its half's sine, which is 2 where both vanish
  return v * (sine < 1e-9 ? 2.0 : 2.0 * std::atan2(sine, unit[0]) / sine);
}

Vec3 rotation_vector_of(const Mat3& R) {
  const Eigen::Quaterniond q(R);
  return rotation_vector_of(Eigen::Vector4d(q.w(), q.x(), q.y(), q.z()));
}

}  // namespace psoas
