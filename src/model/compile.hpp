// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// From a ModelSpec to a ModelData, with every problem at its JSON pointer.
#pragma once

#include <memory>

#include "psoas/model/model.hpp"

namespace psoas {

/// Null when there are problems.
std::shared_ptr<const ModelData> compile(const ModelSpec& spec, std::vector<Problem>& problems);

}  // namespace psoas
