// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Stability of the lumbar spine in a posture that muscles hold.
#pragma once

#include "psoas/solve/inverse.hpp"
#include "psoas/study/kinds.hpp"
#include "psoas/study/result.hpp"
#include "psoas/study/study.hpp"

namespace psoas {

/// Puts the scalars spinal_stability/... of a posture, at which `inverse` stands with the activations that hold it, into
/// its block, and unless `brief` the tables spinal_stability, spinal_stability_mode and spinal_stability_shares. Throws
/// Error(input) at /stability for a model without lumbar levels.
void tell_stability(const Study& study, const StabilitySpec& spec, const InverseSolver& inverse, bool brief,
                    Block& block);

}  // namespace psoas
