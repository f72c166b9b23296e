// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What an expected error says.
//   EXPECT_EQ(error_of([&] { read_table(path); }), path + ":3: expected …");
#pragma once

#include <string>
#include <utility>

#include "psoas/core/error.hpp"

namespace psoas::test {

/// The text of the psoas::Error that the call throws, or "no error".
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// The kind and the place of that error as a pair, ("none", "") without one.
template <class Call>
std::pair<std::string, std::string> place_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    const char* kinds[] = {"input", "model", "numeric", "io"};
    return {kinds[static_cast<int>(error.kind())], error.where()};
  }
  return {"none", ""};
}

}  // namespace psoas::test
