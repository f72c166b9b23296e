// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A motion that obeys the laws of motion: the one nearest to a recording that feet on the ground can carry.
//   stand(model, recording, 1.2, options);   Reference found = consistent_reference(model, recording, options);
//   const Model changed = model.with(as_edits(found, options, model));   found.coordinates[c].jet(t);
//
// A recording does not: its model has a generic distribution of mass, its angles are filtered, its feet drift. What no
// foot can carry then has to come from the root, where a simulation has nothing to push with.
#pragma once

#include <span>
#include <vector>

#include "psoas/core/spline.hpp"
#include "psoas/model/edit.hpp"
#include "psoas/model/model.hpp"

namespace psoas {

/// A body that stays where it is.
struct HeldBody {
  int body = 0;
  Pose X_GB;  ///< in ground
};

/// What consistent_reference() is told.
struct ReferenceOptions {
  double duration = 1.0;             ///< from time 0 [s]
  bool ends_at_rest = false;         ///< speeds and accelerations vanish at the end
  std::vector<HeldBody> held;        ///< feet
  std::vector<Vec3> support;         ///< points whose convex hull the feet push within [m, in ground], at one height
  double margin = 0.01;              ///< the centre of pressure stays so far inside it [m]
  double between = 0.003;            ///< added to the margin, which is asked for at instants only [m]
  double friction = 0.5;             ///< greatest horizontal over vertical force of the feet, along x and along z
  std::vector<char> fixed;           ///< per independent coordinate: is not to change; empty: none
  int trunk = -1;                    ///< body whose mass centre may shift; -1: none
  double mass_center = 0.05;         ///< the farthest [m]
  double mass = 0.05;                ///< greatest change of a body's mass and, with it, inertia [-]; their sum stays
  std::vector<int> planes;           ///< fixed in ground, whose heights are unknown: seats
  double plane_height = 0.05;        ///< greatest change of them [m]
  double angle_scale = 0.05;         ///< change that costs 1 [rad]
  double length_scale = 0.02;        ///< the same of translations [m]
  double smoothing_time = 0.1;       ///< changes that vary faster than once in 2 pi times this cost more [s]
  double root_smoothing_time = 0.3;  ///< the same of the root's coordinates, which move all mass [s]
  double knots = 0.05;               ///< between knots of the change, a quintic spline [s]
  double step = 0.02;                ///< between instants at which the laws of motion are asked for [s]
};

/// How far a motion is from what the contacts can carry, the worst of its instants. Distances and ratios are of instants
/// at which the feet carry at least 5 % of body weight.
struct ReferenceFault {
  double least_inside =
      0.0;                ///< least distance of the feet's centre of pressure inside the support, negative outside [m]
  double moment = 0.0;    ///< moment that feet within the margin cannot exert [N m]
  double force = 0.0;     ///< horizontal force that friction cannot exert [N]
  double friction = 0.0;  ///< horizontal over vertical force of the feet [-]
  double drift = 0.0;     ///< of held bodies from their places [m]
  double turn = 0.0;      ///< of held bodies from their orientations [rad]
};

/// A consistent motion and what had to change.
struct Reference {
  std::vector<QuinticSpline> coordinates;  ///< per independent coordinate over [0, duration] [rad, m]
  std::vector<double> rms, greatest;       ///< change per independent coordinate: root mean square, greatest magnitude
  Vec3 mass_center{0, 0, 0};               ///< shift of the trunk's, in its frame [m]
  std::vector<double> mass;                ///< per body of the tree: change over its mass [-]
  std::vector<double> plane_height;        ///< change per plane of the options [m]
  ReferenceFault before, after;            ///< of the recording and of the reference, at four times as many instants
  int iterations = 0;                      ///< linearisations
  bool converged = false;
};

/// The motion nearest to `recording` (one spline an independent coordinate, over [0, duration]) that obeys Newton's and
/// Euler's laws for the whole body: minimises the mean over time of
///   sum_c (dq_c / scale)^2 + (smoothing_time^2 dq_c'' / scale)^2
/// and the squares of the shift of the trunk's mass centre, of changes of masses and of heights of planes, each over
/// half of its bound, subject to these bounds, the coordinates' ranges, held bodies, and, at each instant, to feet whose
/// wrench (what the motion needs, less what planes exert on spheres of bodies that are not held, by their law) has its
/// centre of pressure inside the support and stays within friction. Where no such motion exists the least is missing. A
/// sequence of convex problems (Gauss-Newton with semismooth active sets), each of banded equations. Deterministic.
/// Throws Error(input) at "reference", or "reference/margin", "reference/trunk" or "reference/planes/0" and so on, for
/// options out of range, gravity that is not along -y, points of support that leave no room within the margin, and
/// planes that nothing but feet can touch.
Reference consistent_reference(const Model& model, std::span<const QuinticSpline> recording,
                               const ReferenceOptions& options);

/// What a reference changes in the model that it was made with, as edits: factors on masses with inertias, shifts of the
/// trunk's mass centre and of heights of planes. They fit any model with the same bodies and planes.
std::vector<Edit> as_edits(const Reference& reference, const ReferenceOptions& options, const Model& model);

/// Puts feet into options: bodies with foot contacts, and none below them on their leg, are held flat at their mean place
/// and heading in the recording up to `until` [s], at the height at which spheres on the ground carry an equal share of
/// body weight, or, without spheres, at their mean height; the support is their foot contacts. Throws Error(input) at
/// "reference" for a model without foot contacts.
void stand(const Model& model, std::span<const QuinticSpline> recording, double until, ReferenceOptions& options);

/// A recording that is followed to `until` [s], then brought to rest within `settle` [s] and held up to `duration`: its
/// speed is the cubic that falls to zero from the last speed and acceleration.
QuinticSpline brought_to_rest(const QuinticSpline& recording, double until, double settle, double duration);

}  // namespace psoas
