// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a plain struct says about its fields. A struct with
//   static void each(auto& self, auto&& see) { see("radius", self.radius, Info{"m", "radius", 1e-6, 1}); }
// is read, written, listed and put into the schema from that one line per field. A kind (an alternative of a
// std::variant) also has `static constexpr std::string_view name` and `help`. A rule across fields is an optional
// member `std::string fault() const`, empty when all is well.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace psoas {

inline constexpr double inf = std::numeric_limits<double>::infinity();

/// A number that must be given starts as this.
inline constexpr double required = std::numeric_limits<double>::quiet_NaN();

/// A text that must be given starts as this.
inline constexpr const char* required_text = "\x01";

/// What a field says about itself: SI unit, one line of help, the closed range, and for texts the allowed words.
struct Info {
  std::string_view unit, help;
  double low = -inf, high = inf;
  std::string_view choices{};  ///< words separated by spaces; empty: any text
};

/// Elements by name in the order of the file.
template <class T>
class Named {
 public:
  using value_type = std::pair<std::string, T>;

  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

  /// The element of this name, or null.
  T* find(std::string_view name) {
    for (auto& [key, value] : items_)
      if (key == name) return &value;
    return nullptr;
  }
  const T* find(std::string_view name) const {
    for (auto& [key, value] : items_)
      if (key == name) return &value;
    return nullptr;
  }

  /// The place of this name in the order, or -1.
  int index(std::string_view name) const {
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (items_[i].first == name) return static_cast<int>(i);
    return -1;
  }

  /// The element of this name, made at the end where there is none.
  T& operator[](std::string_view name) {
    if (T* found = find(name)) return *found;
    items_.push_back({std::string(name), T{}});
    return items_.back().second;
  }

  /// A new element at the end, of a name that no element has yet: without a search, for lists of any length.
  T& add(std::string name) {
    items_.push_back({std::move(name), T{}});
    return items_.back().second;
  }

  /// Takes elements out for which `drop(name, element)` holds.
  template <class Drop>
  void erase_if(Drop drop) {
    std::erase_if(items_, [&](auto& item) { return drop(item.first, item.second); });
  }

 private:
  std::vector<value_type> items_;
};

}  // namespace psoas
