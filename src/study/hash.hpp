// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace psoas {

/// FNV-1a, 64 bits, as hexadecimal digits: tells one text from another.
inline std::string hash_of(const std::string& text) {
  unsigned long long hash = 14695981039346656037ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4) out[i] = "0123456789abcdef"[hash & 15u];
  return out;
}

}  // namespace psoas
