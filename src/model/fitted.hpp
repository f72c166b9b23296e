// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Fitted paths of a model: what they were made for, and their place in the pipeline.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

/// For each muscle, in the order of the spec: a number that changes with everything that its path's length depends on
/// (points, wraps, surfaces, the joints between its bodies, their coordinates' ranges and couplers, Path::rules), with its
/// domain, and with nothing else, as 16 hexadecimal digits.
std::vector<std::string> path_fingerprints(const ModelSpec& spec);

/// The range of each independent coordinate.
std::vector<std::array<double, 2>> independent_ranges(const ModelData& data);

/// Fills data.fitted from the spec's fitted paths; a muscle without one, or one made for another geometry, is a problem.
void compile_fitted(ModelData& data, std::vector<Problem>& problems);

/// Lengths, lengthening speeds and slopes from fitted paths, at independent coordinates and speeds.
void fitted_paths(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work);

}  // namespace psoas
