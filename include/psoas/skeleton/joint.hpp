// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Joint kinds. Every joint is a sequence of elementary axes: translations and rotations, each a direction fixed in
// the frame that the axes before it have moved, driven by a function of one coordinate. Add a new kind: a struct with
// `axes()`, and a word in the variant.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "psoas/core/function.hpp"
#include "psoas/core/linear.hpp"
#include "psoas/core/units.hpp"

namespace psoas {

/// One elementary motion of a joint, as a model writes it.
struct AxisSpec {
  Vec3 axis{0, 0, 1};
  std::optional<std::string> coordinate;
  Function function = Linear{};
  static void each(auto& self, auto&& see) {
    see("axis", self.axis, Info{"1", "direction, normalised when read"});
    see("coordinate", self.coordinate, Info{"", "the coordinate that drives it; absent: a constant"});
    see("function", self.function, Info{"", "value along the axis as a function of the coordinate"});
  }
  std::string fault() const {
    if (!is_direction(axis)) return direction_rule;
    if (!coordinate && !std::holds_alternative<Constant>(function))
      return "expected a \"coordinate\" for this function";
    return "";
  }
};

/// An elementary axis in the order in which it acts. Three rotations in a row with `vector`, about x, y and z by a
/// coordinate each, act at once: the coordinates are the components of a rotation vector.
struct JointAxis {
  bool rotation;
  AxisSpec spec;
  bool vector = false;
};

/// Whether some names are of different coordinates.
inline bool all_different(std::initializer_list<std::string_view> names) {
  for (auto a = names.begin(); a != names.end(); ++a)
    for (auto b = names.begin(); b != a; ++b)
      if (*a == *b) return false;
  return true;
}

/// Three axes that turn by a rotation vector.
inline std::vector<JointAxis> vector_axes(const std::string& x, const std::string& y, const std::string& z) {
  return {{true, {Vec3(1, 0, 0), x, Linear{}}, true},
          {true, {Vec3(0, 1, 0), y, Linear{}}, true},
          {true, {Vec3(0, 0, 1), z, Linear{}}, true}};
}

/// No motion.
struct Weld {
  static constexpr std::string_view name = "weld", help = "no motion";
  static void each(auto&, auto&&) {}
  std::vector<JointAxis> axes() const { return {}; }
};

/// Rotation about one axis.
struct Pin {
  static constexpr std::string_view name = "pin", help = "rotation about one axis";
  std::string coordinate = required_text;
  Vec3 axis{0, 0, 1};
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "the angle [rad]"});
    see("axis", self.axis, Info{"1", "axis in the joint frame, normalised when read"});
  }
  std::string fault() const { return is_direction(axis) ? "" : direction_rule; }
  std::vector<JointAxis> axes() const { return {{true, {axis, coordinate, Linear{}}}}; }
};

/// Translation along one axis.
struct Slide {
  static constexpr std::string_view name = "slide", help = "translation along one axis";
  std::string coordinate = required_text;
  Vec3 axis{1, 0, 0};
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "the displacement [m]"});
    see("axis", self.axis, Info{"1", "axis in the joint frame, normalised when read"});
  }
  std::string fault() const { return is_direction(axis) ? "" : direction_rule; }
  std::vector<JointAxis> axes() const { return {{false, {axis, coordinate, Linear{}}}}; }
};

/// Two body-fixed rotations, about x and then about y.
struct Universal {
  static constexpr std::string_view name = "universal", help = "body-fixed rotations about x, then y";
  std::string x = required_text, y = required_text;
  static void each(auto& self, auto&& see) {
    see("x", self.x, Info{"", "the first angle [rad]"});
    see("y", self.y, Info{"", "the second angle [rad]"});
  }
  std::string fault() const { return all_different({x, y}) ? "" : "expected two different coordinates"; }
  std::vector<JointAxis> axes() const {
    return {{true, {Vec3(1, 0, 0), x, Linear{}}}, {true, {Vec3(0, 1, 0), y, Linear{}}}};
  }
};

/// Any rotation, without gimbal lock: the coordinates are the rotation vector, whose direction is the axis in the parent's
/// joint frame and whose length the angle, and a speed is the rate of its coordinate. Singular at a whole turn only, where
/// rechart() of dynamics.hpp does not let it come.
struct Ball {
  static constexpr std::string_view name = "ball", help = "any rotation, by a rotation vector (axis times angle)";
  std::string x = required_text, y = required_text, z = required_text;
  static void each(auto& self, auto&& see) {
    see("x", self.x, Info{"", "first component of the rotation vector [rad]"});
    see("y", self.y, Info{"", "second component [rad]"});
    see("z", self.z, Info{"", "third component [rad]"});
  }
  std::string fault() const { return all_different({x, y, z}) ? "" : "expected three different coordinates"; }
  std::vector<JointAxis> axes() const { return vector_axes(x, y, z); }
};

/// Motion in the parent's x-y plane.
struct Planar {
  static constexpr std::string_view name = "planar", help = "translations along x and y, then a rotation about z";
  std::string x = required_text, y = required_text, angle = required_text;
  static void each(auto& self, auto&& see) {
    see("x", self.x, Info{"", "displacement along the parent's x [m]"});
    see("y", self.y, Info{"", "displacement along the parent's y [m]"});
    see("angle", self.angle, Info{"", "rotation about z [rad]"});
  }
  std::string fault() const { return all_different({x, y, angle}) ? "" : "expected three different coordinates"; }
  std::vector<JointAxis> axes() const {
    return {{false, {Vec3(1, 0, 0), x, Linear{}}},
            {false, {Vec3(0, 1, 0), y, Linear{}}},
            {true, {Vec3(0, 0, 1), angle, Linear{}}}};
  }
};

/// No constraint: translations along the parent's axes, then a rotation by a rotation vector as in Ball, or by body-fixed
/// angles about x, y and z, which are easier to read and lock at 90 degrees of the second.
struct Free {
  static constexpr std::string_view name = "free", help = "translations, then any rotation";
  std::string tx = required_text, ty = required_text, tz = required_text;
  std::string rx = required_text, ry = required_text, rz = required_text;
  std::string rotation = "vector";
  static void each(auto& self, auto&& see) {
    see("tx", self.tx, Info{"", "displacement along the parent's x [m]"});
    see("ty", self.ty, Info{"", "displacement along the parent's y [m]"});
    see("tz", self.tz, Info{"", "displacement along the parent's z [m]"});
    see("rx", self.rx, Info{"", "component of the rotation vector or angle, x [rad]"});
    see("ry", self.ry, Info{"", "the same, y [rad]"});
    see("rz", self.rz, Info{"", "the same, z [rad]"});
    see("rotation", self.rotation,
        Info{"", "a rotation vector, or body-fixed angles about x, y, z", -inf, inf, "vector angles"});
  }
  std::string fault() const {
    return all_different({tx, ty, tz, rx, ry, rz}) ? "" : "expected six different coordinates";
  }
  std::vector<JointAxis> axes() const {
    std::vector<JointAxis> all = {{false, {Vec3(1, 0, 0), tx, Linear{}}},
                                  {false, {Vec3(0, 1, 0), ty, Linear{}}},
                                  {false, {Vec3(0, 0, 1), tz, Linear{}}}};
    for (JointAxis& axis : vector_axes(rx, ry, rz)) {
      axis.vector = rotation == "vector";
      all.push_back(axis);
    }
    return all;
  }
};

/// Up to three translations along axes of the parent's joint frame, then up to three body-fixed rotations, each a
/// function of one coordinate (OpenSim's CustomJoint: Seth et al. 2010, "Minimal formulation of joint motion").
struct Custom {
  static constexpr std::string_view name = "custom", help = "translations, then body-fixed rotations, by functions";
  std::vector<AxisSpec> translations, rotations;
  static void each(auto& self, auto&& see) {
    see("translations", self.translations, Info{"m", "displacements along axes of the parent's joint frame"});
    see("rotations", self.rotations, Info{"rad", "body-fixed rotations, in order"});
  }
  std::string fault() const {
    return translations.size() > 3 || rotations.size() > 3 ? "expected at most three translations and three rotations"
                                                           : "";
  }
  std::vector<JointAxis> axes() const {
    std::vector<JointAxis> all;
    for (const AxisSpec& axis : translations) all.push_back({false, axis});
    for (const AxisSpec& axis : rotations) all.push_back({true, axis});
    return all;
  }
};

/// The child's joint origin lies on an ellipsoid about the parent's joint origin, its z axis where the ellipsoid of the
/// same radii has the direction: body-fixed rotations R about x, y, z and the place radii * (R z), component by
/// component. For a sphere z is the normal. (Seth et al. 2010; the scapula on the thorax.)
struct OnEllipsoid {
  static constexpr std::string_view name = "on_ellipsoid", help = "rotations about x, y, z, the origin on an ellipsoid";
  std::string x = required_text, y = required_text, z = required_text;
  Vec3 radii{required, required, required};
  static void each(auto& self, auto&& see) {
    see("x", self.x, Info{"", "the first angle [rad]"});
    see("y", self.y, Info{"", "the second angle [rad]"});
    see("z", self.z, Info{"", "the third angle [rad]"});
    see("radii", self.radii, Info{"m", "half-axes along x, y, z of the parent's joint frame", -10, 10});
  }
  /// R z = (sin y, -sin x cos y, cos x cos y). Turning by -x and then by 2x about x makes products of functions of one
  /// coordinate each: lengths l cos y along z in the first frame and L cos y in the second add up to
  /// ((l - L) sin x cos y, (l + L) cos x cos y).
  std::vector<JointAxis> axes() const {
    const Vec3 ex(1, 0, 0), ey(0, 1, 0), ez(0, 0, 1);
    const auto cosine = [](double length) { return Sine{length, 1.0, 0.5 * pi, 0.0}; };
    return {{false, {ex, y, Sine{radii.x()}}},
            {true, {ex, x, Linear{-1.0}}},
            {false, {ez, y, cosine(0.5 * (radii.z() - radii.y()))}},
            {true, {ex, x, Linear{2.0}}},
            {false, {ez, y, cosine(0.5 * (radii.z() + radii.y()))}},
            {true, {ey, y, Linear{}}},
            {true, {ez, z, Linear{}}}};
  }
};

/// Joint kinds: the table that reader, writer, schema, help and tests walk.
using Joint = std::variant<Weld, Pin, Slide, Universal, Ball, Planar, Free, Custom, OnEllipsoid>;

}  // namespace psoas
