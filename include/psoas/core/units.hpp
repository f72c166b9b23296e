// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// SI and radians inside, always; these turn other units at the door.
#pragma once

namespace psoas {

inline constexpr double pi = 3.14159265358979323846;

/// Standard gravity [m/s^2] (ISO 80000-3).
inline constexpr double standard_gravity = 9.80665;

/// Radians of an angle in degrees, and back.
constexpr double degrees(double angle_deg) { return angle_deg * (pi / 180.0); }
constexpr double to_degrees(double angle) { return angle * (180.0 / pi); }

}  // namespace psoas
