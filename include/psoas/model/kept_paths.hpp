// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What evaluate() found of muscles' paths in a posture, so that a model with the same paths need not find it again.
//   std::vector<double> kept(kept_paths_size(model.data()));   keep_paths(work, kept);
//   take_paths(kept, other);   evaluate(model, q, u, other, depth);   // at the same q no path is evaluated
#pragma once

#include <span>

#include "psoas/model/model.hpp"

namespace psoas {

/// How many numbers keep_paths() writes.
std::size_t kept_paths_size(const ModelData& data);

/// Writes paths as they were last evaluated, those of all muscles (with fitted paths: after exact_paths()).
void keep_paths(const Workspace& work, std::span<double> out);

/// Puts them into a workspace of a model with the same paths: the next evaluate() or exact_paths() leaves paths alone
/// of which no body is elsewhere, by the bits of coordinates, than it was for keep_paths().
void take_paths(std::span<const double> kept, Workspace& work);

}  // namespace psoas
