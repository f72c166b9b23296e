// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A range-of-motion certificate as text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "program.hpp"
#include "psoas/model/file.hpp"
#include "psoas/study/range_of_motion.hpp"

namespace psoas::app {

/// A line a problem: muscle, what, size, posture.
std::vector<std::string> problem_lines(const Certificate& certificate, const Model& model);
/// What was scanned and the worst of everything, a line each.
std::vector<std::string> certificate_lines(const Certificate& certificate, const Model& model);
/// The certificate that a model names.
struct CarriedCertificate {
  ModelPlace place;                ///< where it is named: in the model's file or a base
  std::string problem;             ///< why it says nothing about this model; empty where it does
  std::string inherited;           ///< where a base names one that is not of this model: what to say of it
  std::vector<std::string> lines;  ///< certificate_lines(), where it can be read
};
/// That of a model read from a file; nothing where the model names none.
std::optional<CarriedCertificate> carried_certificate(const std::string& model_path, const Model& model);

}  // namespace psoas::app
