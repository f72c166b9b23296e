// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Strings of straight pieces pulled tight: a reference for paths that knows nothing of how the library finds them.
//   double length = pulled_tight(nodes, 1.8, 20000, 1e-10, [&](const Vec3& from, Vec3 to) { … return to; });
#pragma once

#include <algorithm>
#include <vector>

#include "psoas/core/pose.hpp"

namespace psoas::test {

/// Moves each node but the first and the last towards the middle of its neighbours, over-relaxed, to where
/// `allowed(from, to)` lets it go, until none moves by more than `still` [m] in a sweep; gives the length.
template <class Allowed>
double pulled_tight(std::vector<Vec3>& node, double relaxation, int sweeps, double still, Allowed&& allowed) {
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    double moved = 0.0;
    for (std::size_t i = 1; i + 1 < node.size(); ++i) {
      const Vec3 to = allowed(node[i], Vec3(node[i] + relaxation * (0.5 * (node[i - 1] + node[i + 1]) - node[i])));
      moved = std::max(moved, (to - node[i]).norm());
      node[i] = to;
    }
    if (moved < still) break;
  }
  double length = 0.0;
  for (std::size_t i = 1; i < node.size(); ++i) length += (node[i] - node[i - 1]).norm();
  return length;
}

}  // namespace psoas::test
