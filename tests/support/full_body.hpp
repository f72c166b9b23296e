// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The whole-body model, read once.
#pragma once

#include "psoas/model/model.hpp"

namespace psoas::test {

inline const ModelSpec& full_body() {
  static const ModelSpec spec = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json").spec();
  return spec;
}

}  // namespace psoas::test
