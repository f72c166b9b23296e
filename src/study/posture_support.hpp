// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What carries a balanced posture: floor under the feet, seat, backrest.
#pragma once

#include "psoas/solve/balance.hpp"
#include "psoas/study/study.hpp"

namespace psoas {

/// The model with the contacts alone that may push: those of the standing feet, of feet and ischia on a seat, and of the
/// thorax at a backrest. Throws Error(input) for a backrest that does not reach the thorax or that no seat goes with.
Model on_support(const Study& study, const PostureStudy& question, const Model& model);

/// What on_support()'s model holds where: feet flat on the floor, ischia on the seat, the thorax flat against the backrest.
/// Throws Error(input) for a model without such contacts.
std::vector<HeldHeight> held_heights(const Study& study, const PostureStudy& question, const Model& model,
                                     const std::vector<int>& free);

/// What a backrest does to the thorax.
struct BackrestPush {
  double normal = 0.0, friction = 0.0;  ///< out of it, and up along it [N]
  double height = 0.0;  ///< of the normal force, as the study's `low` and `high` are [m]; nan: none pushes
};
/// What it does at the last solve() of on_support()'s model.
BackrestPush backrest_push(const BackrestSpec& backrest, const InverseSolver& solved);

}  // namespace psoas
