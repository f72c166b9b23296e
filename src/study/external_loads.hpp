// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// External forces as a study's table holds them.
#pragma once

#include "psoas/solve/external.hpp"
#include "psoas/study/study.hpp"

namespace psoas {

/// The loads that a study gives at `pointer`, from its table of forces, which has to span the times from `first` to `last`
/// [s]. They are filtered at `forces.lowpass_hz`, or where that is absent at `cutoff` [Hz] of the field at
/// `cutoff_pointer`; 0: not at all. Throws Error(input) with the place of what is wrong.
std::vector<ExternalLoad> external_loads(const Study& study, const Model& model, const MeasuredForces& forces,
                                         const std::string& pointer, double first, double last, double cutoff,
                                         const std::string& cutoff_pointer);

}  // namespace psoas
