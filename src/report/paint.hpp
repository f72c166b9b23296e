// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Terminal colours, or none.
#pragma once

#include <string>

namespace psoas {

/// Puts a terminal colour around a text, or not.
struct Paint {
  bool on;
  std::string operator()(const char* code, const std::string& text) const {
    return on && !text.empty() ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }
  std::string bold(const std::string& text) const { return (*this)("1", text); }
  std::string good(const std::string& text) const { return (*this)("32", text); }
  std::string bad(const std::string& text) const { return (*this)("1;31", text); }
  std::string faint(const std::string& text) const { return (*this)("2", text); }
};

}  // namespace psoas
