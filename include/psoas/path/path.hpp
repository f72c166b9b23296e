// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Length and forces of a muscle's path: the shortest string through points on bodies and round surfaces.
//   PathValue<double> value = evaluate_path<double>(path, X_GB, q, wrench);   value.length
// How a string wraps over one surface is in path/wrap.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "psoas/core/function.hpp"
#include "psoas/core/pose.hpp"
#include "psoas/path/surface.hpp"
#include "psoas/path/wrap.hpp"

namespace psoas {

/// A point of a path, fixed in a body.
struct PathPoint {
  int body = 0;                  ///< 0 is ground
  Vec3 location = Vec3::Zero();  ///< in the body frame [m]
  int coordinate = -1;           ///< where >= 0, the point is part of the path only while
  double low = 0.0, high = 0.0;  ///< low <= q[coordinate] <= high [rad or m]
  int slot = -1;                 ///< place of its body in Path::bodies; made by Path::finish()
  double rigid = -1.0;  ///< length from the point before, where that never changes [m], or below 0; made by finish()
};

/// A displacement of one of a path's points in its body, by a function of a coordinate.
struct PointMotion {
  int point = 0;       ///< place in Path::points
  Vec3 axis{1, 0, 0};  ///< unit direction in the body frame [-]
  int coordinate = 0;
  PiecewisePolynomial function;  ///< added to the point's location along the axis [m]
};

/// A surface that the path may touch on a segment between the points `first` and `last` (places in Path::points).
struct PathWrap {
  int body = 0;  ///< 0 is ground
  Pose X_BS;     ///< pose of the surface in the body
  Surface shape;
  int first = 0, last = 0;
  Side side{};
  int slot = -1;  ///< place of its body in Path::bodies; made by Path::finish()
};

/// A path from the first point to the last.
struct Path {
  /// Of evaluate_path(): goes up whenever that comes to give another length for some path, so that what was fitted to
  /// lengths of before is known to be old.
  static constexpr int rules = 2;
  static constexpr std::size_t max_points = 32, max_wraps = 8, max_motions = 24;

  std::vector<PathPoint> points;
  std::vector<PathWrap> wraps;
  std::vector<PointMotion> motions;  ///< by coordinate, after finish()
  std::vector<int> bodies;           ///< distinct bodies of points and wraps, ascending; made by finish()
  std::vector<int> coordinates;      ///< distinct ones that points are conditional on or move with; made by finish()

  /// Makes what is said to be made by it; after a change of points, wraps or motions again. Throws Error(Kind::model) for
  /// fewer than two points that are always there, more than max_points, max_wraps or max_motions, a motion of a point
  /// that there is not, or a wrap whose `first` and `last` are not places in `points` with first < last.
  void finish();
};

/// What evaluate_path() finds.
template <class S>
struct PathValue {
  S length{};  ///< [m]
  /// A surface was ignored: a point lies inside it, it crosses another one on the way, or the side on which a turning path
  /// passes it would take half a turn or more; or nothing holds the path on that side; or it lies on a cylinder beyond
  /// its ends; or a point is about to go through the half-plane behind a directed cylinder, or other surfaces take the
  /// path through it.
  bool inside = false;
  bool beyond_end = false;  ///< it lies on a cylinder beyond its ends, and nothing else is wrong
  int touching = 0;         ///< number of surfaces touched
};

/// Length of a path, and the wrench (moment about ground's origin [m], force [1]) that it exerts at unit tension on
/// each of path.bodies. A pure function of the pose; dl/dq = -sum over bodies of wrench . (motion of the body per q), less
/// the sum of `drive` over the motions of points by q.
///
/// Each segment between two consecutive points is stretched on its own over all surfaces whose range holds it, so one
/// surface may be touched on several segments, and a segment that begins to touch never changes another. Several
/// surfaces on one segment are solved for together (arcs joined by common tangents, to rounding), in the order in which
/// they come. Surfaces push where the string comes to them and where it leaves, along its straight parts.
///
/// X_GB    pose of every body in ground; X_GB[0] is ground's own
/// q       coordinates, for points that exist in a range of one or move with one
/// wrench  out, one for each of path.bodies
/// drive   out, one for each of path.motions: the generalised force [m/rad, 1] of unit tension on the coordinate, through
///         the point's displacement in its body; empty: not wanted
///
/// The path was finished. Never throws and allocates nothing. Instantiated for double and Dual<4>.
template <class S>
PathValue<S> evaluate_path(const Path& path, std::span<const PoseT<S>> X_GB, std::span<const S> q,
                           std::span<SpatialT<S>> wrench, std::span<S> drive = {});

extern template PathValue<double> evaluate_path(const Path&, std::span<const PoseT<double>>, std::span<const double>,
                                                std::span<SpatialT<double>>, std::span<double>);
extern template PathValue<Dual<4>> evaluate_path(const Path&, std::span<const PoseT<Dual<4>>>, std::span<const Dual<4>>,
                                                 std::span<SpatialT<Dual<4>>>, std::span<Dual<4>>);

/// A point of a traced path.
struct TracePoint {
  Vec3 place;     ///< in ground [m]
  int wrap = -1;  ///< the surface on which it lies, a place in Path::wraps; -1: a point of the path
};

/// The course of a path as a polyline, for drawings and to check it against bones: its points, and on each surface that
/// it touches the places where it comes to it and leaves it, with others between them at most `step` [m] > 0 apart on
/// the surface (at most 10 000 on each). A piece between two points of one surface lies on that surface, a chord of it;
/// all others are straight. Lengths of pieces add up to that of evaluate_path() but for the chords, which are shorter
/// than their arcs by the share (step / radius of curvature)^2 / 24. `points` is overwritten.
void trace_path(const Path& path, std::span<const Pose> X_GB, std::span<const double> q, double step,
                std::vector<TracePoint>& points);

}  // namespace psoas
