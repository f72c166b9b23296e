// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Typed tests over the alternatives of a variant of kinds, so that a new kind is tested by being listed.
//   TYPED_TEST_SUITE(JointLaws, Kinds<Joint>::types, Kinds<Joint>::Name);
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace psoas::test {

template <class Variant>
struct Kinds;

template <class... K>
struct Kinds<std::variant<K...>> {
  using types = ::testing::Types<K...>;
  struct Name {
    template <class T>
    static std::string GetName(int) {
      return std::string(T::name);
    }
  };
};

}  // namespace psoas::test
