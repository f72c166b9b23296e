// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Surfaces that muscle paths wrap over. Each is posed on a body by a wrapping surface entry of the model.
// Add a new kind: its struct, its functions in path/wrap.hpp, and a word in the variant.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "psoas/core/kind.hpp"
#include "psoas/core/linear.hpp"

namespace psoas {

/// A cylinder about the local z axis. Strings lie on it as if it went on for ever: at an end no string is smooth, for
/// rounded caps would end where they have to begin. Given a length, it flags those that touch it beyond its ends.
struct Cylinder {
  static constexpr std::string_view name = "cylinder", help = "cylinder about local z";
  double radius = required;
  std::optional<double> length{};
  static void each(auto& self, auto&& see) {
    see("radius", self.radius, Info{"m", "radius", 1e-6, 10});
    see("length", self.length,
        Info{
            "m",
            "postures in which the path touches it farther than half of this from its middle are flagged; absent: none",
            1e-6, 10});
  }
};

/// A sphere about the local origin.
struct Sphere {
  static constexpr std::string_view name = "sphere", help = "sphere about the local origin";
  double radius = required;
  static void each(auto& self, auto&& see) { see("radius", self.radius, Info{"m", "radius", 1e-6, 10}); }
};

/// An ellipsoid about the local origin with its half-axes along local x, y and z.
struct Ellipsoid {
  static constexpr std::string_view name = "ellipsoid",
                                    help = "ellipsoid about the local origin, half-axes along x, y, z";
  static constexpr double most = 20.0;  ///< greatest ratio of two radii
  Vec3 radii{required, required, required};
  static void each(auto& self, auto&& see) { see("radii", self.radii, Info{"m", "half-axes along x, y, z", 1e-6, 10}); }
  std::string fault() const {
    return radii.maxCoeff() > most * radii.minCoeff() ? "expected radii of which none is over 20 times another" : "";
  }
};

/// A ring about the local z axis, through which a path goes: a torus. OpenSim's WrapTorus has the same two measures, as
/// `outer_radius` (of the ring) and `inner_radius` (of the tube); there the path goes over a cylinder along the tube.
struct Torus {
  static constexpr std::string_view name = "torus", help = "ring about local z, for paths that go through it";
  static constexpr double most = 0.95;  ///< greatest ratio of the tube's radius to the ring's
  double radius = required;             ///< of the circle in the middle of the tube
  double tube_radius = required;
  static void each(auto& self, auto&& see) {
    see("radius", self.radius, Info{"m", "radius of the ring, to the middle of its tube", 1e-6, 10});
    see("tube_radius", self.tube_radius, Info{"m", "radius of the tube", 1e-7, 10});
  }
  std::string fault() const {
    return tube_radius > most * radius ? "expected a tube_radius of at most 0.95 radius, so that the ring has a hole"
                                       : "";
  }
};

/// Wrapping surfaces: the table that reader, writer, schema, help and tests walk.
using Surface = std::variant<Cylinder, Sphere, Ellipsoid, Torus>;

}  // namespace psoas
