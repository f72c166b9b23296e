// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The full body with its lumbar rhythm, and with its levels free.
#pragma once

#include <string>

#include "psoas/model/free_levels.hpp"
#include "psoas/model/model.hpp"

namespace psoas::test {

inline const Model& rhythm() {
  static const Model one = Model::load(std::string(PSOAS_SOURCE_DIR) + "/models/full_body.json");
  return one;
}
inline const Model& freed() {
  static const Model one(free_levels(rhythm().spec()));
  return one;
}

}  // namespace psoas::test
