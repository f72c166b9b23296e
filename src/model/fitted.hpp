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

PlanarFunction planar_function(const PlanarFunctionSpec& spec);

/// The range of each independent coordinate.
std::vector<std::array<double, 2>> independent_ranges(const ModelData& data);

/// Fills data.fitted from the spec's fitted paths; a muscle without one, or one made for another geometry, is a problem.
void compile_fitted(ModelData& data, std::vector<Problem>& problems);

/// Adds the lengths of stretches, and their slopes over independent coordinates, to those of fitted paths; `slope` is that
/// of each coordinate of the tree over the independent one that it follows.
template <class S>
void add_stretches(const ModelData& data, const TreeWork<S>& tree, std::span<const S> slope, StretchWork<S>& work,
                   FittedWork<S>& fitted);

/// The exact path of a muscle at the pose of `work`, which fills wrench, drive and arm.
struct ExactPath {
  double length = 0.0;  // [m]
  PathFlag flag = PathFlag::none;
};
ExactPath exact_path(const Model& model, std::size_t muscle, Workspace& work);

/// Lengths and slopes from fitted paths, at independent coordinates and the pose of `work`.
void fitted_paths(const Model& model, std::span<const double> q, Workspace& work);
/// Lengthening speeds by the slopes of the last fitted_paths(), at independent speeds.
void fitted_speeds(const Model& model, std::span<const double> u, Workspace& work);

}  // namespace psoas
