// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Forces from outside that are known over time: as force plates measured them, or as a study prescribes them.
//   add_external<double>(loads, t, work.tree, wrenches);   inverse_dynamics(tree, a, gravity, wrenches, …);
#pragma once

#include <span>
#include <vector>

#include "psoas/core/spline.hpp"
#include "psoas/skeleton/tree.hpp"

namespace psoas {

/// A force and a free moment on a body over time.
struct ExternalLoad {
  int body = 0;   ///< it acts on
  int frame = 0;  ///< body whose axes force and moment are given in; 0: ground
  /// Six: moment about the origin of `frame` [N m], then force [N]; with a `point` the free moment at it, then force.
  std::vector<QuinticSpline> wrench;
  /// Three, or none where the moment says where the force acts: its point [m] in the frame of body `point_frame`.
  std::vector<QuinticSpline> point;
  int point_frame = 0;
};

/// Adds the wrenches of loads at a time [s] to `out`: per body, about ground's origin in ground [N m, N]; after
/// positions(). Before and after its samples a load goes on as its splines do. No allocation.
/// Instantiated for double and Dual<4>.
template <class S>
void add_external(std::span<const ExternalLoad> loads, double time, const TreeWork<S>& tree,
                  std::span<SpatialT<S>> out);

}  // namespace psoas
