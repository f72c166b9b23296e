// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The exact bytes of what structs say about themselves: two with the same bytes are the same to everybody who reads them.
//   Bytes key;   key.add(spec.joints);   if (key == kept.key) …
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "psoas/core/kind.hpp"
#include "psoas/core/linear.hpp"

namespace psoas {

/// A text of bytes that grows; clear() keeps its memory. Numbers count by their bits, so 0 and -0 differ.
class Bytes {
 public:
  template <class T>
  void add(const T& x) {
    if constexpr (std::is_arithmetic_v<T>) {
      raw(&x, sizeof x);
    } else if constexpr (std::is_same_v<T, Vec3>) {
      raw(x.data(), 3 * sizeof(double));
    } else if constexpr (std::is_same_v<T, Bytes>) {
      add(x.bytes_);
    } else if constexpr (std::is_same_v<T, std::string>) {
      add(x.size());
      raw(x.data(), x.size());
    } else if constexpr (std::is_same_v<T, std::vector<double>>) {
      add(x.size());
      raw(x.data(), x.size() * sizeof(double));
    } else if constexpr (requires { x.has_value(); }) {
      add(x.has_value());
      if (x) add(*x);
    } else if constexpr (requires { T::each(x, [](const char*, const auto&, const Info&) {}); }) {
      T::each(x, [&](const char*, const auto& field, const Info&) { add(field); });
    } else if constexpr (requires { x.valueless_by_exception(); }) {
      add(x.index());
      std::visit([&](const auto& kind) { add(kind); }, x);
    } else if constexpr (requires { x.first, x.second; }) {
      add(x.first);
      add(x.second);
    } else {
      add(static_cast<std::size_t>(x.size()));
      for (const auto& item : x) add(item);
    }
  }

  void clear() { bytes_.clear(); }
  std::size_t size() const { return bytes_.size(); }
  std::string_view part(std::size_t from, std::size_t to) const {
    return std::string_view(bytes_).substr(from, to - from);
  }
  bool operator==(const Bytes&) const = default;

 private:
  void raw(const void* data, std::size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  std::string bytes_;
};

}  // namespace psoas
