// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

/// The sagittal mirror of a skeleton. Sides are told by names: `_r` and `_l` at the end or before another `_`.
struct Mirror {
  std::vector<int> partner;  ///< per independent coordinate: the one on the other side, or itself; -1: none
  std::vector<double> sign;  ///< in mirrored postures q[partner[c]] = sign[c] q[c]; 0: the skeleton has none for it
};

/// Found from the motions that coordinates are in a posture, in which `work` is left.
Mirror mirror_of(const Model& model, std::span<const double> q, Workspace& work);

/// A name with its sides changed.
std::string other_side(std::string name);

}  // namespace psoas
