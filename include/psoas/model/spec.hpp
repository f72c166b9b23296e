// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a psoas-model/1 file says: plain structs by name, freely edited, checked when a Model is compiled from them.
//   ModelSpec spec = read_model("models/full_body.json");   spec.muscles.find("psoas_T12_r")->pennation = 0.2;
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "psoas/core/function.hpp"
#include "psoas/core/kind.hpp"
#include "psoas/core/linear.hpp"
#include "psoas/muscle/curve.hpp"
#include "psoas/path/surface.hpp"
#include "psoas/skeleton/joint.hpp"

namespace psoas {

/// A rigid body. Its frame is where its points are given.
struct BodySpec {
  double mass = required;
  Vec3 mass_center{0, 0, 0};
  std::array<double, 6> inertia{};
  static void each(auto& self, auto&& see) {
    see("mass", self.mass, Info{"kg", "mass", 0, 1e4});
    see("mass_center", self.mass_center, Info{"m", "centre of mass in the body frame", -10, 10});
    see("inertia", self.inertia,
        Info{"kg m^2", "about the mass centre in body axes: xx, yy, zz, xy, xz, yz", -1e4, 1e4});
  }
  /// A principal moment may exceed the sum of the other two by no more than rounding in a file: 2e-6 of the trace.
  std::string fault() const;
};

/// A frame fixed in a body.
struct FrameSpec {
  Vec3 translation{0, 0, 0}, orientation{0, 0, 0};
  static void each(auto& self, auto&& see) {
    see("translation", self.translation, Info{"m", "origin in the body frame", -10, 10});
    see("orientation", self.orientation, Info{"rad", "body-fixed rotations about x, y, z", -7, 7});
  }
};

/// A joint moves the child's joint frame in the parent's joint frame.
struct JointSpec {
  std::string parent = required_text, child = required_text;
  FrameSpec parent_frame, child_frame;
  Joint motion = Weld{};
  static void each(auto& self, auto&& see) {
    see("parent", self.parent, Info{"", "body, or ground"});
    see("child", self.child, Info{"", "body"});
    see("parent_frame", self.parent_frame, Info{"", "joint frame fixed in the parent"});
    see("child_frame", self.child_frame, Info{"", "joint frame fixed in the child"});
    see("motion", self.motion, Info{"", "joint kind"});
  }
};

/// A coordinate that follows another one.
struct CouplerSpec {
  std::string coordinate = required_text;
  Function function = Linear{};
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "the independent coordinate"});
    see("function", self.function, Info{"", "this coordinate as a function of it"});
  }
};

/// A generalised coordinate. One that no joint uses is allowed where others are coupled to it.
struct CoordinateSpec {
  std::string motion = "rotation";
  std::array<double, 2> range{-1e3, 1e3};
  double value = 0.0;
  std::optional<CouplerSpec> coupled_to;
  static void each(auto& self, auto&& see) {
    see("motion", self.motion, Info{"", "unit: rad or m", -inf, inf, "rotation translation"});
    see("range", self.range, Info{"rad or m", "least and greatest value in use", -1e6, 1e6});
    see("value", self.value, Info{"rad or m", "value in the default state, inside the range", -1e6, 1e6});
    see("coupled_to", self.coupled_to, Info{"", "absent: independent"});
  }
  std::string fault() const {
    if (!(range[0] <= range[1])) return "expected the range's first value not above its second";
    // a coupled one has the value that its coupler gives
    return coupled_to || (range[0] <= value && value <= range[1]) ? "" : "expected a value inside the range";
  }
};

/// A wrapping surface fixed in a body.
struct SurfaceSpec {
  std::string body = required_text;
  Vec3 translation{0, 0, 0}, orientation{0, 0, 0};
  Surface shape = Cylinder{};
  static void each(auto& self, auto&& see) {
    see("body", self.body, Info{"", "body, or ground"});
    see("translation", self.translation, Info{"m", "origin in the body frame", -10, 10});
    see("orientation", self.orientation, Info{"rad", "body-fixed rotations about x, y, z", -7, 7});
    see("shape", self.shape, Info{"", "surface kind"});
  }
};

/// A coordinate's range in which a path point exists.
struct ConditionSpec {
  std::string coordinate = required_text;
  std::array<double, 2> range{required, required};
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "coordinate"});
    see("range", self.range, Info{"rad or m", "closed range in which the point is part of the path", -1e6, 1e6});
  }
  std::string fault() const {
    return range[0] <= range[1] ? "" : "expected the range's first value not above its second";
  }
};

/// A point of a muscle's path.
struct PointSpec {
  std::string body = required_text;
  Vec3 location{required, required, required};
  std::vector<AxisSpec> moving;
  std::optional<ConditionSpec> only_when;
  static void each(auto& self, auto&& see) {
    see("body", self.body, Info{"", "body, or ground"});
    see("location", self.location, Info{"m", "in the body frame", -10, 10});
    see("moving", self.moving,
        Info{"m", "displacements added to the location along axes of the body frame, by functions of coordinates"});
    see("only_when", self.only_when, Info{"", "absent: always part of the path"});
  }
};

/// A surface on a muscle's path.
struct WrapSpec {
  std::string surface = required_text;
  std::optional<std::array<double, 2>> between;
  std::optional<std::string> side;
  std::optional<Vec3> toward;
  bool allow_inside = false;
  static void each(auto& self, auto&& see) {
    see("surface", self.surface, Info{"", "wrapping surface"});
    see("between", self.between,
        Info{"", "indices (from 0) of the first and last path point between which it may wrap; absent: all", 0, 1000});
    see("side", self.side,
        Info{"",
             "side on which the path passes, in the surface's frame: the shorter one; or turning about +z, "
             "seen from +z, on the way from the first to the last point; or that of a half-axis; absent: shortest, or "
             "toward",
             -inf, inf, "shortest clockwise counter_clockwise +x -x +y -y +z -z"});
    see("toward", self.toward,
        Info{"1",
             "in place of side: a direction in the surface's frame, on whose side the path passes; over a cylinder it "
             "never goes through the half-plane from the axis away from it",
             -1e6, 1e6});
    see("allow_inside", self.allow_inside,
        Info{"", "true: a point of the path may lie inside; postures where that matters are flagged"});
  }
  std::string fault() const {
    if (side && toward) return "expected either side or toward, found both";
    return toward && !is_direction(*toward) ? std::string(direction_rule) + " toward which the path passes" : "";
  }
};

/// A term of a fitted path: path/fitted.hpp says which functions of its coordinates are summed.
struct FittedTermSpec {
  std::vector<std::string> coordinates;
  std::vector<int> intervals;
  int degree = 0;
  std::vector<double> coefficients_um;
  static void each(auto& self, auto&& see) {
    see("coordinates", self.coordinates,
        Info{"", "independent coordinates: up to three with splines, then up to six with polynomials"});
    see("intervals", self.intervals,
        Info{"1", "for each of the first coordinates: equal intervals of its range under cubic B-splines", 1, 64});
    see("degree", self.degree, Info{"1", "total degree of the Chebyshev polynomials in the other coordinates", 0, 12});
    see("coefficients_um", self.coefficients_um,
        Info{"um",
             "of the products of functions: first coordinate slowest, polynomials fastest, by rising total degree",
             -1e8, 1e8});
  }
  std::string fault() const;
};

/// A stretch of a path whose length comes from the places of its ends: path/stretch.hpp.
struct FittedStretchSpec {
  std::vector<int> points;
  std::optional<std::string> across, around;
  static void each(auto& self, auto&& see) {
    see("points", self.points,
        Info{"", "indices (from 0) of its two path points; with a function across, the near end first", 0, 1000});
    see("across", self.across,
        Info{"", "one of fitted_across: its length seen along the cylinders between; absent: a straight line"});
    see("around", self.around, Info{"", "surface of the path in whose frame, across z, that function is"});
  }
  std::string fault() const {
    if (points.size() != 2 || points[0] == points[1]) return "expected two points";
    return across.has_value() == around.has_value() ? "" : "expected \"across\" and \"around\", or neither";
  }
};

/// The length of strings seen along parallel cylinders, in polar coordinates about one of them: PlanarFunction of
/// path/stretch.hpp.
struct PlanarFunctionSpec {
  std::vector<double> near_angle, near_radius;
  std::optional<std::array<double, 2>> far_angle, far_radius;
  int degree = 0;
  std::vector<double> coefficients_um;
  static void each(auto& self, auto&& see) {
    see("near_angle", self.near_angle, Info{"rad", "knots of the B-splines over the near end's angle", -10, 10});
    see("near_radius", self.near_radius, Info{"m", "knots over its distance from the axis", 0, 10});
    see("far_angle", self.far_angle, Info{"rad", "range of the far end's angle; absent: it never moves", -10, 10});
    see("far_radius", self.far_radius, Info{"m", "range of its distance from the axis", 0, 10});
    see("degree", self.degree, Info{"1", "total degree of the Chebyshev polynomials in the far end's place", 0, 12});
    see("coefficients_um", self.coefficients_um,
        Info{"um", "of the products of functions: near angle slowest, polynomials fastest, by rising total degree",
             -1e8, 1e8});
  }
  std::string fault() const;
};

/// A smooth function in place of a muscle's path, and how far it is from it.
struct FittedSpec {
  std::string made_for = required_text;
  int postures = 0;
  double worst_length_error = required, rms_length_error = required;
  double worst_moment_arm_error = required, rms_moment_arm_error = required;
  std::vector<FittedTermSpec> terms;
  std::vector<FittedStretchSpec> stretches;
  std::optional<std::string> stays_exact;
  static void each(auto& self, auto&& see) {
    see("made_for", self.made_for,
        Info{"", "fingerprint of the points, surfaces, joints, ranges and domain that the path was fitted with"});
    see("postures", self.postures,
        Info{"1", "postures all over the coordinates' ranges, other than those of the fit, that errors are from", 0,
             1e9});
    see("worst_length_error", self.worst_length_error, Info{"m", "greatest error of length in those postures", 0, 10});
    see("rms_length_error", self.rms_length_error, Info{"m", "root mean square error of length", 0, 10});
    see("worst_moment_arm_error", self.worst_moment_arm_error,
        Info{"m or 1", "greatest error of a moment arm over an independent coordinate in those postures", 0, 1e3});
    see("rms_moment_arm_error", self.rms_moment_arm_error,
        Info{"m or 1", "root mean square error of all moment arms", 0, 1e3});
    see("terms", self.terms, Info{"", "terms whose sum is the length, with that of the stretches"});
    see("stretches", self.stretches, Info{"", "parts of the path whose length comes from the places of their ends"});
    see("stays_exact", self.stays_exact,
        Info{"", "why the path could not be fitted, so that its exact path is used; absent: it was"});
  }
  std::string fault() const;
};

/// A Hill-type muscle-tendon unit.
struct MuscleSpec {
  std::vector<PointSpec> path;
  std::vector<WrapSpec> wraps;
  std::string region = "";
  std::optional<double> physiological_cross_section_area, max_isometric_force;
  double optimal_fibre_length = required, tendon_slack_length = required;
  double pennation = 0.0;
  std::string tendon = "compliant";
  double tendon_strain = 0.049, passive_strain = 0.6, passive_shape = 4.0, passive_scale = 1.0;
  double max_contraction_velocity = 10.0, damping = 0.1;
  double minimum_activation = 0.01, activation_time = 0.015, deactivation_time = 0.060;
  std::string activation_dynamics = "de_groote_fregly";
  Curve curve = DeGrooteFregly{};
  std::optional<FittedSpec> fitted;
  static void each(auto& self, auto&& see) {
    see("path", self.path, Info{"", "points from origin to insertion"});
    see("wraps", self.wraps, Info{"", "surfaces that the path may touch"});
    see("region", self.region,
        Info{"", "which specific_tension turns area into force; with physiological_cross_section_area"});
    see("physiological_cross_section_area", self.physiological_cross_section_area,
        Info{"m^2", "force is this times the region's specific tension", 1e-9, 1});
    see("max_isometric_force", self.max_isometric_force, Info{"N", "instead of an area", 0, 1e5});
    see("optimal_fibre_length", self.optimal_fibre_length,
        Info{"m", "fibre length of greatest active force", 0.005, 1});
    see("tendon_slack_length", self.tendon_slack_length,
        Info{"m", "tendon length at which it starts to carry force", 0.0, 2});
    see("pennation", self.pennation, Info{"rad", "pennation angle at optimal fibre length", 0, 1.4});
    see("tendon", self.tendon, Info{"", "rigid: of slack length at any force", -inf, inf, "compliant rigid"});
    see("tendon_strain", self.tendon_strain, Info{"1", "tendon strain at max_isometric_force", 0.005, 0.5});
    see("passive_strain", self.passive_strain,
        Info{"1", "fibre strain at which passive force is max_isometric_force", 0.05, 5});
    see("passive_shape", self.passive_shape, Info{"1", "exponential shape factor of passive force", 0.5, 20});
    see("passive_scale", self.passive_scale, Info{"1", "factor on passive force", 0, 100});
    see("max_contraction_velocity", self.max_contraction_velocity,
        Info{"1/s", "optimal fibre lengths a second", 0.1, 100});
    see("damping", self.damping, Info{"1", "fibre damping, in max_isometric_force at max_contraction_velocity", 0, 10});
    see("minimum_activation", self.minimum_activation, Info{"1", "lower bound of activation", 0, 1});
    see("activation_time", self.activation_time, Info{"s", "activation time constant", 1e-4, 10});
    see("deactivation_time", self.deactivation_time, Info{"s", "deactivation time constant", 1e-4, 10});
    see("activation_dynamics", self.activation_dynamics,
        Info{"", "smooth between rising and falling, or Thelen 2003 with a kink", -inf, inf,
             "de_groote_fregly thelen"});
    see("curve", self.curve, Info{"", "curve kind"});
    see("fitted", self.fitted, Info{"", "what stands for the path where the model's paths are fitted"});
  }
  std::string fault() const;
};

/// A passive torque (or force) about a coordinate that grows exponentially:
///   torque * exp(rate * (reference - q)); a negative rate makes it grow with q.
struct ExponentialTorque {
  static constexpr std::string_view name = "exponential",
                                    help = "torque * exp(rate * (reference - q)) on one coordinate";
  std::string coordinate = required_text;
  double torque = required, rate = required, reference = 0.0;
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "coordinate"});
    see("torque", self.torque, Info{"N m or N", "generalised force at the reference, with its sign", -1e5, 1e5});
    see("rate", self.rate, Info{"1/rad or 1/m", "exponential rate", -1e3, 1e3});
    see("reference", self.reference, Info{"rad or m", "where the force is `torque`"});
  }
};

/// Springs and dampers on the coordinates of a joint's rotations, in their order:
///   -stiffness (q - neutral) - moments(q - neutral) - damping u.
struct Bushing {
  static constexpr std::string_view name = "bushing",
                                    help = "springs and dampers on the rotations of a joint (disc and ligaments)";
  std::string joint = required_text;
  Vec3 stiffness{required, required, required}, neutral{0, 0, 0}, damping{0, 0, 0};
  std::vector<Function> moments;
  static void each(auto& self, auto&& see) {
    see("joint", self.joint, Info{"", "a joint with three rotations"});
    see("stiffness", self.stiffness, Info{"N m/rad", "per rotation of the joint", 0, 1e6});
    see("neutral", self.neutral, Info{"rad", "rotations without torque", -3.2, 3.2});
    see("damping", self.damping, Info{"N m s/rad", "per rotation of the joint", 0, 1e6});
    see("moments", self.moments,
        Info{"N m", "absent, or for each rotation what resists it, a function of the rotation from neutral [rad]"});
  }
  std::string fault() const { return moments_fault(moments); }

  /// What is wrong with the number of moments of three rotations.
  static std::string moments_fault(const std::vector<Function>& moments) {
    return moments.empty() || moments.size() == 3
               ? ""
               : "expected \"moments\" for none or all three rotations, found " + std::to_string(moments.size());
  }
};

/// Springs and dampers between a frame of one body and a frame of another, on the three translations of the second's
/// origin in the first frame and the three body-fixed angles of the second frame about x, y, z of the first (the order
/// of OpenSim's BushingForce). The frames coincide where nothing is strained. The middle angle stays within 90 degrees.
struct FrameBushing {
  static constexpr std::string_view name = "frame_bushing",
                                    help = "springs and dampers between frames of two bodies, in all six directions";
  std::string first = required_text, second = required_text;
  FrameSpec first_frame, second_frame;
  Vec3 rotation_stiffness{0, 0, 0}, translation_stiffness{0, 0, 0};
  Vec3 rotation_damping{0, 0, 0}, translation_damping{0, 0, 0};
  std::vector<double> matrix;
  std::vector<Function> moments;
  static void each(auto& self, auto&& see) {
    see("first", self.first, Info{"", "body, or ground"});
    see("second", self.second, Info{"", "another body, or ground"});
    see("first_frame", self.first_frame, Info{"", "frame fixed in the first body"});
    see("second_frame", self.second_frame, Info{"", "frame fixed in the second body"});
    see("rotation_stiffness", self.rotation_stiffness, Info{"N m/rad", "about x, y, z", 0, 1e9});
    see("translation_stiffness", self.translation_stiffness, Info{"N/m", "along x, y, z", 0, 1e12});
    see("rotation_damping", self.rotation_damping, Info{"N m s/rad", "about x, y, z", 0, 1e9});
    see("translation_damping", self.translation_damping, Info{"N s/m", "along x, y, z", 0, 1e12});
    see("matrix", self.matrix,
        Info{"N m/rad, N/rad, N/m",
             "absent, or 36 numbers: rows of a stiffness over three angles, then three translations, symmetric and not "
             "negative; added to the others",
             -1e12, 1e12});
    see("moments", self.moments,
        Info{"N m", "absent, or for each of the three angles what resists it, a function of the angle [rad]"});
  }
  std::string fault() const;
};

/// The end of a coordinate's range, where stiffness and damping grow smoothly (skeleton/force.hpp, LimitLaw).
struct CoordinateLimit {
  static constexpr std::string_view name = "limit", help = "stiffness and damping beyond a coordinate's range";
  std::string coordinate = required_text;
  double lower = required, upper = required, lower_stiffness = required, upper_stiffness = required;
  double damping = 0.0, transition = required;
  static void each(auto& self, auto&& see) {
    see("coordinate", self.coordinate, Info{"", "coordinate that a joint uses"});
    see("lower", self.lower, Info{"rad or m", "least value without force", -1e6, 1e6});
    see("upper", self.upper, Info{"rad or m", "greatest value without force", -1e6, 1e6});
    see("lower_stiffness", self.lower_stiffness, Info{"N m/rad or N/m", "far below the range", 0, 1e12});
    see("upper_stiffness", self.upper_stiffness, Info{"N m/rad or N/m", "far above the range", 0, 1e12});
    see("damping", self.damping, Info{"N m s/rad or N s/m", "far outside the range", 0, 1e12});
    see("transition", self.transition,
        Info{"rad or m", "over which stiffness and damping grow from nothing to their full values", 1e-6, 1e3});
  }
  std::string fault() const { return lower <= upper ? "" : "expected \"lower\" not above \"upper\""; }
};

/// A ligament that pulls along a path, as a muscle's path in all (skeleton/force.hpp, LigamentLaw).
struct Ligament {
  static constexpr std::string_view name = "ligament", help = "tension along a path, by a toe and a straight line";
  std::vector<PointSpec> path;
  std::vector<WrapSpec> wraps;
  double slack_length = required, stiffness = required, transition_strain = 0.06, damping = 0.0;
  static void each(auto& self, auto&& see) {
    see("path", self.path, Info{"", "points from one end to the other"});
    see("wraps", self.wraps, Info{"", "surfaces that the path may touch"});
    see("slack_length", self.slack_length, Info{"m", "length at which tension begins", 1e-4, 2});
    see("stiffness", self.stiffness, Info{"N", "tension per unit strain beyond the transition strain", 0, 1e7});
    see("transition_strain", self.transition_strain, Info{"1", "where the toe ends", 1e-4, 1});
    see("damping", self.damping, Info{"N s", "tension per unit rate of strain while it lengthens", 0, 1e6});
  }
  std::string fault() const { return path.size() < 2 ? "expected a path of at least two points" : ""; }
};

/// Passive elements other than muscles: the table that reader, writer, schema and help walk.
using Passive = std::variant<ExponentialTorque, Bushing, FrameBushing, CoordinateLimit, Ligament>;

/// A lumbar level whose load is an output: the joint between two vertebrae, and the inferior body's superior endplate.
struct LevelSpec {
  std::string joint = required_text;
  double endplate_angle_deg = required;
  static void each(auto& self, auto&& see) {
    see("joint", self.joint,
        Info{"", "joint from the inferior to the superior body, rotations: extension, bending, rotation"});
    see("endplate_angle_deg", self.endplate_angle_deg,
        Info{"deg", "inferior body's superior endplate about +z from its body's x axis (-: front edge down)", -90, 90});
  }
};

/// The trunk coordinates that drive the lumbar rhythm, if any, and the levels from the lowest to the highest.
struct LumbarSpec {
  std::string extension, bending, rotation;
  Named<LevelSpec> levels;
  static void each(auto& self, auto&& see) {
    see("extension", self.extension,
        Info{"",
             "coordinate to which the levels' first rotations are coupled; absent, as the other two: the levels' "
             "rotations are independent"});
    see("bending", self.bending, Info{"", "coordinate to which the levels' second rotations are coupled"});
    see("rotation", self.rotation, Info{"", "coordinate to which the levels' third rotations are coupled"});
    see("levels", self.levels, Info{"", "levels by name, lowest first"});
  }
  bool free() const { return extension.empty(); }  ///< no rhythm
  std::string fault() const {
    return extension.empty() == bending.empty() && bending.empty() == rotation.empty()
               ? ""
               : "expected all three of extension, bending and rotation, or none of them";
  }
};

/// A point at which the environment may push on a body.
struct ContactSpec {
  std::string body = required_text, support = "foot";
  Vec3 location{required, required, required}, normal{0, 1, 0};
  double cap = 2.0, friction = 0.6;
  static void each(auto& self, auto&& see) {
    see("body", self.body, Info{"", "body"});
    see("support", self.support,
        Info{"", "what it touches; a chair's backrest is a seat with another normal", -inf, inf, "foot seat"});
    see("location", self.location, Info{"m", "in the body frame", -10, 10});
    see("normal", self.normal, Info{"1", "direction of the normal force in ground, normalised when read"});
    see("cap", self.cap, Info{"body weights", "greatest normal force", 0, 100});
    see("friction", self.friction,
        Info{"1", "coefficient of friction: tangential forces stay within it along x and z, which turn with the normal",
             0, 10});
  }
  std::string fault() const { return is_direction(normal) ? "" : direction_rule; }
};

/// The end of a plane: it carries nothing beyond, and over a round edge less and less.
struct EdgeSpec {
  Vec3 toward{required, required, required};
  double distance = required, width = 0.03;
  static void each(auto& self, auto&& see) {
    see("toward", self.toward, Info{"1", "direction in the plane, out over the edge, normalised when read"});
    see("distance", self.distance, Info{"m", "of the edge from the plane's point", -1e3, 1e3});
    see("width", self.width, Info{"m", "over which the plane's force fades beyond the edge", 1e-4, 10});
  }
  std::string fault() const { return is_direction(toward) ? "" : direction_rule; }
};

/// A plane that spheres of other bodies press against: the ground, a seat.
struct PlaneSpec {
  std::string body = "ground";
  Vec3 normal{0, 1, 0};
  double height = 0.0;
  std::optional<EdgeSpec> edge;
  static void each(auto& self, auto&& see) {
    see("body", self.body, Info{"", "body in which it is fixed, or ground"});
    see("normal", self.normal, Info{"1", "out of the material, in the body frame, normalised when read"});
    see("height", self.height,
        Info{"m", "along the normal: the plane's point is this far from the body's origin", -1e3, 1e3});
    see("edge", self.edge, Info{"", "absent: the plane has no end"});
  }
  std::string fault() const {
    if (!is_direction(normal)) return direction_rule;
    if (edge && !(normal.normalized().cross(edge->toward.normalized()).norm() > 1e-3))
      return "expected an edge in another direction than the plane's normal";
    return "";
  }
};

/// A sphere of a body that planes push back, in forward simulations (skeleton/force.hpp, ContactLaw). Default friction
/// and dissipation are those of the feet of OpenCap's model (Uhlrich et al. 2023, PLoS Comput Biol 19:e1011462).
struct SphereSpec {
  std::string body = required_text;
  Vec3 location{required, required, required};
  double radius = required, stiffness = required, dissipation = 2.0;
  double static_friction = 0.8, dynamic_friction = 0.8, viscous_friction = 0.0, transition_speed = 0.05;
  std::vector<std::string> planes;
  static void each(auto& self, auto&& see) {
    see("body", self.body, Info{"", "body"});
    see("location", self.location, Info{"m", "centre in the body frame", -10, 10});
    see("radius", self.radius, Info{"m", "radius", 1e-4, 10});
    see("stiffness", self.stiffness,
        Info{"Pa", "plane-strain modulus E: elastic force 4/3 E sqrt(radius) indentation^(3/2)", 0, 1e13});
    see("dissipation", self.dissipation,
        Info{"s/m", "share of speed that a slow bounce loses, per m/s (Hunt and Crossley)", 0, 1e3});
    see("static_friction", self.static_friction, Info{"1", "greatest coefficient, at the transition speed", 0, 10});
    see("dynamic_friction", self.dynamic_friction, Info{"1", "coefficient far above it", 0, 10});
    see("viscous_friction", self.viscous_friction, Info{"s/m", "growth of the coefficient with speed", 0, 1e3});
    see("transition_speed", self.transition_speed,
        Info{"m/s", "sliding speed below which friction gives way to rest; what is held creeps slower", 1e-6, 10});
    see("planes", self.planes, Info{"", "planes that it may touch; absent: all"});
  }
  std::string fault() const {
    return dynamic_friction <= static_friction ? "" : "expected dynamic friction not above static friction";
  }
};

/// Postures in which some muscles' paths are not to be trusted: all coordinates named are inside their ranges at once.
struct DomainSpec {
  std::vector<std::string> muscles;
  Named<std::array<double, 2>> outside;
  std::optional<std::string> reason;
  static void each(auto& self, auto&& see) {
    see("muscles", self.muscles, Info{"", "names, globs or groups (group:…)"});
    see("outside", self.outside,
        Info{"rad or m", "independent coordinates to closed ranges; the posture is outside where all hold", -1e6, 1e6});
    see("reason", self.reason, Info{"", "why"});
  }
  std::string fault() const {
    if (muscles.empty()) return "expected muscles";
    if (outside.empty()) return "expected a range of at least one coordinate in \"outside\"";
    for (const auto& [name, range] : outside)
      if (!(range[0] <= range[1])) return "expected the range's first value not above its second";
    return "";
  }
};

/// A joint of the pelvic ring as springs along and about three axes that are at right angles.
struct RingJointSpec {
  Vec3 center{required, required, required}, normal{0, 0, 1};
  std::optional<Vec3> stiffness_center;
  double stiffness_tilt_deg = 0.0;
  Vec3 translational_stiffness{required, required, required}, rotational_stiffness{required, required, required};
  static void each(auto& self, auto&& see) {
    see("center", self.center,
        Info{"m", "of the joint's surface, where its force is told, in the body frame", -10, 10});
    see("normal", self.normal,
        Info{"1", "of the surface, away from the sacrum (symphysis: to the right), in the body frame", -1, 1});
    see("stiffness_center", self.stiffness_center,
        Info{"m", "point about which the stiffnesses hold, such as where a test applied its loads; absent: center", -10,
             10});
    see("stiffness_tilt_deg", self.stiffness_tilt_deg,
        Info{"deg", "of the stiffnesses' axes x (forward), y (up), z (right) about z from the body's", -90, 90});
    see("translational_stiffness", self.translational_stiffness, Info{"N/m", "along x, y, z", 1e3, 1e9});
    see("rotational_stiffness", self.rotational_stiffness, Info{"N m/rad", "about x, y, z", 1, 1e7});
  }
  std::string fault() const { return normal.norm() > 1e-6 ? "" : "expected a \"normal\" longer than 0"; }
};

/// The body that stands for the pelvis as sacrum and two hip bones. What the right sacroiliac joint is, the left one is
/// in the mirror.
struct PelvicRingSpec {
  std::string body = required_text;
  std::vector<std::string> sacral_muscles;
  double sacral_share = 0.2;
  RingJointSpec sacroiliac, symphysis;
  static void each(auto& self, auto&& see) {
    see("body", self.body,
        Info{"",
             "root body that stands for sacrum and both hip bones; it carries bodies of the middle plane on the "
             "sacrum, others on the hip bone of their side"});
    see("sacral_muscles", self.sacral_muscles,
        Info{"",
             "muscles (names, globs or groups) that pull on the sacrum; others pull on the hip bone of their side"});
    see("sacral_share", self.sacral_share,
        Info{"1", "of the body's weight and inertia that the sacrum bears; the hip bones bear half of the rest each", 0,
             1});
    see("sacroiliac", self.sacroiliac, Info{"", "the right sacroiliac joint"});
    see("symphysis", self.symphysis, Info{"", "the pubic symphysis"});
  }
};

/// A psoas-model/1 file.
struct ModelSpec {
  std::string name = "";
  std::vector<std::string> sources;
  Vec3 gravity{0, -9.80665, 0};
  std::string paths = "exact";
  Named<double> specific_tension;
  Named<BodySpec> bodies;
  Named<CoordinateSpec> coordinates;
  Named<JointSpec> joints;
  std::optional<LumbarSpec> lumbar;
  Named<std::string> hips;
  Named<SurfaceSpec> surfaces;
  Named<MuscleSpec> muscles;
  Named<std::vector<std::string>> groups;
  Named<Passive> passive;
  Named<ContactSpec> contacts;
  std::optional<PelvicRingSpec> pelvic_ring;
  Named<PlaneSpec> planes;
  Named<SphereSpec> spheres;
  std::vector<DomainSpec> domain;
  Named<PlanarFunctionSpec> fitted_across;
  std::optional<std::string> certificate;
  static void each(auto& self, auto&& see) {
    see("name", self.name, Info{"", "name of the model"});
    see("sources", self.sources, Info{"", "where its figures come from"});
    see("gravity", self.gravity, Info{"m/s^2", "in ground", -100, 100});
    see("paths", self.paths,
        Info{"", "fitted: lengths and moment arms come from each muscle's fitted path (psoas fit-paths)", -inf, inf,
             "exact fitted"});
    see("specific_tension", self.specific_tension, Info{"Pa", "by region", 1e4, 1e7});
    see("bodies", self.bodies, Info{"", "bodies by name; ground is given"});
    see("coordinates", self.coordinates, Info{"", "coordinates by name, in the order of the state"});
    see("joints", self.joints, Info{"", "one joint per body"});
    see("lumbar", self.lumbar, Info{"", "lumbar rhythm and levels; absent: none"});
    see("hips", self.hips, Info{"", "side (r, l) to the hip joint whose contact force is an output"});
    see("surfaces", self.surfaces, Info{"", "wrapping surfaces by name"});
    see("muscles", self.muscles, Info{"", "muscle-tendon units by name"});
    see("groups", self.groups,
        Info{"", "group to muscle names (globs); <group>_r and <group>_l follow from the ends of the names"});
    see("passive", self.passive, Info{"", "passive elements by name"});
    see("contacts", self.contacts, Info{"", "points at which inverse studies seek the environment's forces"});
    see("pelvic_ring", self.pelvic_ring,
        Info{"", "sacroiliac joints and symphysis, whose loads and small movements are outputs; absent: none are"});
    see("planes", self.planes, Info{"", "planes that spheres press against in forward simulations"});
    see("spheres", self.spheres, Info{"", "spheres of bodies that planes push back in forward simulations"});
    see("domain", self.domain, Info{"", "postures that are outside the domain of some muscles' paths"});
    see("fitted_across", self.fitted_across,
        Info{"", "lengths across parallel cylinders, which fitted paths have in common, by name"});
    see("certificate", self.certificate,
        Info{"", "path, relative to this file, of what `psoas check --range-of-motion` found"});
  }
};

}  // namespace psoas
