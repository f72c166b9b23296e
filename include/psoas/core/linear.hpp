// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The only place that includes Eigen, and the vector types that everything else names.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>

namespace psoas {

// Layouts must agree between the library and a program that is compiled with other machine flags.
static_assert(EIGEN_MAX_ALIGN_BYTES == 64 && EIGEN_MAX_STATIC_ALIGN_BYTES == 16,
              "link psoas::psoas: it sets EIGEN_MAX_ALIGN_BYTES=64 and EIGEN_MAX_STATIC_ALIGN_BYTES=16");

template <class S>
using Vec3T = Eigen::Matrix<S, 3, 1>;
template <class S>
using Mat3T = Eigen::Matrix<S, 3, 3>;
template <class S>
using VecXT = Eigen::Matrix<S, Eigen::Dynamic, 1>;
template <class S>
using MatXT = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;

using Vec3 = Vec3T<double>;
using Mat3 = Mat3T<double>;
using VecX = VecXT<double>;
using MatX = MatXT<double>;

/// What a direction is expected to be, for messages; see is_direction().
inline constexpr const char* direction_rule = "expected a direction with a length from 1e-6 to 1e6";

/// Whether a vector can be normalised without loss: finite, and of a length from 1e-6 to 1e6.
inline bool is_direction(const Vec3& v) { return v.allFinite() && v.norm() >= 1e-6 && v.norm() <= 1e6; }

}  // namespace psoas
