// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

/// Whether a coordinate of the tree moves a body.
inline bool carries(const Tree& tree, int coordinate, int body) {
  const int carried = tree.coordinate_body[static_cast<std::size_t>(coordinate)];
  return body >= carried && body < tree.bodies[static_cast<std::size_t>(carried)].subtree_end;
}

/// Appends an entry for each coordinate of the tree that moves some of a path's bodies against the others, or its points in
/// their bodies.
inline void append_arm_slots(const Tree& tree, const Path& path, std::vector<ArmSlot>& out) {
  const auto bodies = path.bodies.begin();
  for (int c = 0; c < tree.coordinates(); ++c) {
    const int carried = tree.coordinate_body[static_cast<std::size_t>(c)];
    const int end = tree.bodies[static_cast<std::size_t>(carried)].subtree_end;
    ArmSlot slot{c, 0, 0, 0, 0};
    slot.first = static_cast<int>(std::lower_bound(bodies, path.bodies.end(), carried) - bodies);
    slot.last = static_cast<int>(std::lower_bound(bodies, path.bodies.end(), end) - bodies);
    if (slot.last - slot.first == static_cast<int>(path.bodies.size())) slot.first = slot.last = 0;
    const auto first_from = [&](int coordinate) {
      return static_cast<int>(
          std::lower_bound(path.motions.begin(), path.motions.end(), coordinate,
                           [](const PointMotion& motion, int other) { return motion.coordinate < other; }) -
          path.motions.begin());
    };
    slot.first_motion = first_from(c);
    slot.last_motion = first_from(c + 1);
    if (slot.last > slot.first || slot.last_motion > slot.first_motion) out.push_back(slot);
  }
}

/// -dl/dq of a coordinate of the tree, from what evaluate_path() gives and the coordinate's motion. (evaluate() shares sums
/// of wrenches between coordinates of one joint instead.)
template <class S>
S arm_of(const ArmSlot& slot, std::span<const SpatialT<S>> wrench, std::span<const S> drive,
         const SpatialT<S>& motion) {
  S arm(0.0);
  for (int b = slot.first; b < slot.last; ++b) arm += power<S>(wrench[static_cast<std::size_t>(b)], motion);
  for (int k = slot.first_motion; k < slot.last_motion; ++k) arm += drive[static_cast<std::size_t>(k)];
  return arm;
}

}  // namespace psoas
