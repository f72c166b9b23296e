// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What depends on which part of a model, as bytes to compare: a result may be kept where the bytes of its part are the
// same. Each function leaves out what is named in parts.cpp and takes all else, so that a new field counts until somebody
// knows better.
#pragma once

#include <string_view>
#include <vector>

#include "model/bytes.hpp"
#include "psoas/model/spec.hpp"

namespace psoas {

/// Whether a field of MuscleSpec says how a muscle pulls at a given path: nothing else of a compiled model depends on it
/// but the muscle's MuscleParameters.
bool is_mechanical(std::string_view field);

/// All of a spec: what muscles' mechanical fields say (after the tensions that turn areas into forces), and the rest.
/// `ends` becomes where the tensions and then each muscle's fields end in `mechanics`.
void add_structure(const ModelSpec& spec, Bytes& structure, Bytes& mechanics, std::vector<std::size_t>& ends);

/// What the mechanical fields of a muscle say.
void add_mechanics(const MuscleSpec& muscle, Bytes& out);

/// What poses at given coordinates depend on: how bodies are joined, and coordinates coupled.
void add_kinematics(const ModelSpec& spec, Bytes& out);

/// What a muscle's path, its length and its moment arms depend on at given coordinates.
void add_paths(const ModelSpec& spec, Bytes& out);

/// What the skeleton needs to move as it does, and what the environment may do for it: all but the muscles.
void add_skeleton(const ModelSpec& spec, Bytes& out);

}  // namespace psoas
