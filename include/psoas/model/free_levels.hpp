// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A spine without a rhythm: the rotations of its lumbar levels as coordinates of their own.
//   const Model free(free_levels(Model::load("models/full_body.json").spec()));
#pragma once

#include "psoas/model/spec.hpp"

namespace psoas {

/// The model with the three rotations of each lumbar level as independent coordinates, held by discs, ligaments and
/// muscles, in place of the trunk coordinates that its rhythm derives them from. A body that a pin turns by a share of a
/// trunk coordinate (the abdomen) turns by the same share of the sum of the levels' rotations, carried by a massless body
/// a level. Where the domain of a path is bounded by a trunk coordinate, each level is bounded by its share. Paths are
/// exact ones, since fitted ones know the rhythm's coordinates only. A model whose levels are free is returned as it is.
/// Throws Error(model) where there are no levels, or where something else than a pin follows a trunk coordinate.
ModelSpec free_levels(const ModelSpec& spec);

/// Values of trunk coordinates [rad], or with `at` their speeds [rad/s] at those values, as the rhythm of `spec` gives
/// them to the levels' rotations; other names stay as they are.
Named<double> over_levels(const ModelSpec& spec, const Named<double>& values, const Named<double>* at = nullptr);

}  // namespace psoas
