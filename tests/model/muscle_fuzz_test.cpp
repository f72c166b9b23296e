// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle parameters by chance, through JSON: an answer or an Error, never nan.
#include <gtest/gtest.h>

#include <random>

#include "support/muscle_fuzz.hpp"

namespace psoas::test {
namespace {

TEST(MuscleFuzz, AnAnswerOrAnError) {
  std::mt19937_64 random(2026);
  int answered = 0, faults = 0;
  const int cases = 6000;
  for (int i = 0; i < cases && faults < 5; ++i) {
    const std::string text = random_muscle_model([&] { return random(); });
    bool accepted = false;
    const std::string fault = muscle_fault(text, &accepted);
    answered += accepted;
    if (!fault.empty()) ADD_FAILURE() << fault << ": " << text, ++faults;
  }
  // both ends of the statement are tried
  EXPECT_GT(answered, cases / 20);
  EXPECT_LT(answered, cases * 19 / 20);
  RecordProperty("answered", answered);
}

}  // namespace
}  // namespace psoas::test
