// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: bytes choose a muscle's parameters, or are the model's text themselves.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "support/muscle_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text;
  if (size > 0 && data[0] == '{') {
    text.assign(reinterpret_cast<const char*>(data), size);
  } else {
    // each number from up to eight bytes, mixed so that few bytes reach all of its bits
    std::size_t used = 0;
    text = psoas::test::random_muscle_model([&] {
      std::uint64_t bits = 0;
      for (int i = 0; i < 8 && used < size; ++i) bits = bits << 8 | data[used++];
      bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
      bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
      return bits ^ bits >> 31;
    });
  }
  if (const std::string fault = psoas::test::muscle_fault(text); !fault.empty()) {
    std::cerr << fault << ": " << text << "\n";
    std::abort();
  }
  return 0;
}
