// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A range-of-motion certificate as text.
#pragma once

#include <string>
#include <vector>

#include "program.hpp"
#include "psoas/study/range_of_motion.hpp"

namespace psoas::app {

/// A line a problem: muscle, what, size, posture.
std::vector<std::string> problem_lines(const Certificate& certificate, const Model& model);
/// What was scanned and the worst of everything, a line each.
std::vector<std::string> certificate_lines(const Certificate& certificate, const Model& model);
/// What the certificate that a model names says, and whether it is of this model; "model: no certificate" otherwise.
std::vector<std::string> carried_certificate_lines(const std::string& model_path, const Model& model);

}  // namespace psoas::app
