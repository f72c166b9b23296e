// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What studies share with the model reader.
#pragma once

#include "model/json_file.hpp"
#include "psoas/model/edit.hpp"

namespace psoas {

/// Checks "format" and reads a document's root as a model; problems are collected, and counted beyond a hundred.
ModelSpec model_from(const json& root, std::vector<Problem>& problems, std::size_t* more = nullptr);

/// The schema of a model as model_schema() writes it.
json model_schema_json();

/// Checks that an object says `"format": expected`.
void check_format(const json& root, const std::string& expected, std::vector<Problem>& problems);

/// Numbers of edits.
inline constexpr Info edit_factor_info{"1", "factors by field", -1e6, 1e6},
    edit_amount_info{"", "amounts by field", -1e9, 1e9},
    matched_angle_info{"deg", "lost hip extension to be reached", 0.01, 90};

/// The array that edits_from() reads.
json edits_json(const std::vector<Edit>& edits);

/// Reads the array of edits at `pointer`.
std::vector<Edit> edits_from(const json& array, const std::string& pointer, std::vector<Problem>& problems);

}  // namespace psoas
