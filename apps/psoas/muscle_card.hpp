// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// All about muscles of a model: parameters, path, operating range and curves, as text or JSON.
//   print(muscle_cards_text(model, model.select("psoas_*_r")));
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.hpp"
#include "psoas/model/model.hpp"

namespace psoas::app {

std::string muscle_cards_text(const Model& model, const std::vector<int>& muscles);
json muscle_cards_json(const Model& model, const std::vector<int>& muscles);

}  // namespace psoas::app
