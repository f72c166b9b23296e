// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The rules that the reader holds files to, for structs that a program filled or changed.
//   Check check;   check.value(spec, {}, {});   problems = check.problems;
#pragma once

#include "model/json_walk.hpp"

namespace psoas {

/// Walks a struct and collects every value outside its range, word that is not allowed, and broken rule.
class Check {
 public:
  /// Where the walk is; turned into a pointer only for a problem.
  struct Place {
    const Place* up = nullptr;
    std::string_view key{};
    std::size_t index = 0;

    std::string pointer() const {
      if (!up) return "";
      return key.data() ? below(up->pointer(), key) : up->pointer() + "/" + std::to_string(index);
    }
  };

  std::vector<Problem> problems;

  template <class T>
  void value(const T& x, const Place& at, const Info& info) {
    if constexpr (std::is_same_v<T, double>) {
      if (!std::isfinite(x) || x < info.low || x > info.high)
        wrong(at, expectation(info) + ", found " + shortest_text(x));
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (is_missing(x)) return wrong(at, "expected a text, found none");
      if (info.choices.empty()) return;
      const std::vector<std::string> words = split_words(info.choices);
      if (std::find(words.begin(), words.end(), x) == words.end())
        wrong(at, "expected one of " + join(words, ", ") + ", found \"" + x + "\"" + did_you_mean(x, words));
    } else if constexpr (Optional<T>) {
      if (x) value(*x, at, info);
    } else if constexpr (NamedOf<T>::value) {
      for (const auto& [key, item] : x) {
        if constexpr (!std::is_arithmetic_v<typename NamedOf<T>::type>)
          if (const std::string fault = name_fault(key); !fault.empty()) wrong(at, fault);
        value(item, Place{&at, key}, info);
      }
    } else if constexpr (Fields<T>) {
      const std::size_t before = problems.size();
      T::each(x, [&](const char* key, const auto& field, const Info& about) { value(field, Place{&at, key}, about); });
      if constexpr (requires { x.fault(); })
        if (problems.size() == before)
          if (const std::string fault = x.fault(); !fault.empty()) wrong(at, fault);
    } else if constexpr (requires { x.valueless_by_exception(); }) {
      std::visit([&](const auto& kind) { value(kind, Place{&at, kind.name}, {}); }, x);
    } else if constexpr (requires { x.size(); }) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(x.size()); ++i) {
        const Place item{&at, {}, i};
        if constexpr (std::is_same_v<T, Vec3>)
          value(x[static_cast<Eigen::Index>(i)], item, info);
        else
          value(x[i], item, info);
      }
    }
  }

 private:
  void wrong(const Place& at, const std::string& text) { problems.push_back({at.pointer(), text}); }
};

}  // namespace psoas
