// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The scan with an evaluation of paths that can be replaced: a test brings one that misbehaves.
#pragma once

#include <functional>
#include <span>

#include "psoas/study/range_of_motion.hpp"

namespace psoas {

/// Evaluates the paths of some muscles at independent coordinates q, as evaluate() does.
using EvaluatePaths =
    std::function<void(const Model& model, std::span<const double> q, std::span<const int> muscles, Workspace& work)>;

Certificate check_range_of_motion(const Model& model, const RangeOfMotionOptions& options,
                                  const EvaluatePaths& evaluate_paths);

}  // namespace psoas
