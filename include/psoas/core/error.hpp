// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The one exception that psoas throws.
//   throw Error(Kind::input, "models/leg.json:12: /bodies/femur_r/mass", "expected a mass [kg] >= 0, found -3");
#pragma once

#include <stdexcept>
#include <string>

namespace psoas {

/// What went wrong, for callers that act on it; the command line maps it to an exit code.
enum class Kind {
  input,    ///< a study, argument or table that cannot be used as given
  model,    ///< a model that cannot be compiled
  numeric,  ///< the input was fine, a calculation failed
  io        ///< a file that cannot be read or written
};

/// The only exception psoas throws. `where()` is a place that the user can open or name: a file with line and JSON
/// pointer, a parameter, a time. `what()` is "where: text". Several problems found together are lines of one text.
class Error : public std::runtime_error {
 public:
  Error(Kind kind, const std::string& where, const std::string& text)
      : std::runtime_error(where.empty() ? text : where + ": " + text), kind_(kind), where_(where) {}

  Kind kind() const { return kind_; }
  const std::string& where() const { return where_; }
  /// What went wrong, without the place.
  std::string text() const { return std::string(what()).substr(where_.empty() ? 0 : where_.size() + 2); }

 private:
  Kind kind_;
  std::string where_;
};

/// A problem at a JSON pointer of a file that is being read or a model that is being compiled.
struct Problem {
  std::string pointer, text;
};

}  // namespace psoas
