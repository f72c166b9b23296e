// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Tells one text, or one list of numbers, from another.
//   hash_of("text")   // 16 hexadecimal digits
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace psoas {

/// FNV-1a, 64 bits (Fowler, Noll & Vo 1991), of what is added one after another.
class Hash {
 public:
  void byte(std::uint64_t b) { hash_ = (hash_ ^ (b & 255u)) * 0x100000001b3u; }
  void bytes(std::string_view text) {
    for (const char c : text) byte(static_cast<unsigned char>(c));
  }
  /// Eight bytes, the lowest first.
  void word(std::uint64_t x) {
    for (int shift = 0; shift < 64; shift += 8) byte(x >> shift);
  }
  /// Its bits; -0 counts as 0.
  void number(double x) { word(std::bit_cast<std::uint64_t>(x == 0.0 ? 0.0 : x)); }

  /// As 16 hexadecimal digits.
  std::string text() const {
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(hash_ >> shift) & 15u];
    return out;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

inline std::string hash_of(std::string_view text) {
  Hash hash;
  hash.bytes(text);
  return hash.text();
}

}  // namespace psoas
