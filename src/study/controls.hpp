// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a simulation study says about time, turned into what the solver takes.
#pragma once

#include "psoas/solve/forward.hpp"
#include "study/answer.hpp"

namespace psoas {

/// Puts a study's controllers and prescribed coordinates into the options of a simulation of one of its models. Throws
/// Error(input) with the place of a name, a column or a value that cannot be.
void add_controls(const Study& study, const SimulationStudy& question, const Model& model, SimulationOptions& options);

/// The muscles of a selection at `pointer`. Throws Error(input) where it matches none.
std::vector<int> muscles_at(const Study& study, const Model& model, const std::string& selection,
                            const std::string& pointer);

}  // namespace psoas
