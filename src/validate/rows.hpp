// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the experiments share. Add an experiment: a function below, and a line in the table of validate.cpp.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "psoas/core/kind.hpp"
#include "psoas/core/words.hpp"
#include "psoas/validate/validate.hpp"

namespace psoas {

/// How sure a published figure is: the last words of a row's source.
enum class Certainty {
  read,         ///< read in the publication's text or abstract
  second_hand,  ///< read in a work that quotes it
  derived,      ///< computed by another program from the same recording or model
  memory        ///< from memory, not looked up: decides nothing
};

/// A source with its mark.
std::string cite(const std::string& citation, Certainty certainty);

/// Rows in the order of their making.
class Rows {
 public:
  /// A row that decides unless its figure is from memory.
  ValidationRow& add(const std::string& name, const std::string& quantity, const std::string& unit, double computed,
                     double low, double high, const std::string& citation, Certainty certainty,
                     const std::string& note = "");

  std::vector<ValidationRow>& all() { return rows_; }

 private:
  std::vector<ValidationRow> rows_;
};

/// Where files are.
struct Root {
  std::string models, examples;  ///< folders
  std::string model(const std::string& name) const { return models + "/" + name; }
  std::string example(const std::string& name) const { return examples + "/" + name + "/study.json"; }
};

// hip.cpp
void hip_passive(const Root& root, Rows& rows);
void hip_active(const Root& root, Rows& rows);
void hip_capsule(const Root& root, Rows& rows);
void sarcomere_length(const Root& root, Rows& rows);
void shortening(const Root& root, Rows& rows);

// impingement.cpp
void hip_impingement(const Root& root, Rows& rows);

// paths.cpp
void muscle_paths(const Root& root, Rows& rows);

// lumbar.cpp
void psoas_lumbar(const Root& root, Rows& rows);
void trunk_strength(const Root& root, Rows& rows);

// movement.cpp
void sit_to_stand(const Root& root, Rows& rows);
void squat(const Root& root, Rows& rows);

// muscle.cpp
void muscle_movement(const Root& root, Rows& rows);
void muscle_stretch(const Root& root, Rows& rows);
void muscle_shortening(const Root& root, Rows& rows);
void muscle_curves(const Root& root, Rows& rows);

// tightness.cpp
void tightness(const Root& root, Rows& rows);

// adaptation.cpp
void adaptation(const Root& root, Rows& rows);

}  // namespace psoas
