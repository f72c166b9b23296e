// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas-model/1 files: reading, writing and their schema.
#pragma once

#include <string>

#include "psoas/model/spec.hpp"

namespace psoas {

/// Reads a psoas-model/1 file. Throws Error(io), or Error(model) that lists every problem with file, line and pointer.
ModelSpec read_model(const std::string& path);

/// Parses a psoas-model/1 text that messages call `name`; no "extends". Throws Error(input) where it is no JSON, and
/// Error(model) that lists every problem with line and pointer.
ModelSpec parse_model(const std::string& name, const std::string& text);

/// Where a model has something from.
struct ModelPlace {
  std::string file;  ///< the model's own, or a base that it extends
  std::string text;  ///< "file:line: pointer"
};
/// Where a pointer stands in a model's file or its bases; nothing there: in the file itself. Throws as read_model().
ModelPlace place_in_model(const std::string& path, const std::string& pointer);

/// The text of a psoas-model/1 file; reading it gives the same spec, bit by bit.
std::string model_text(const ModelSpec& spec);

/// JSON schema (draft 2020-12) of psoas-model/1.
std::string model_schema();

}  // namespace psoas
