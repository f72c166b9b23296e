// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Where in structs the number of a JSON pointer stands: the way of model/json_walk.hpp without the JSON.
//   NumberSlot slot;   find_slot(study.question, steps, {}, slot);   if (slot.number) *slot.number = 0.9;
#pragma once

#include <algorithm>
#include <charconv>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/json_walk.hpp"
#include "model/model_file.hpp"
#include "psoas/model/edit.hpp"

namespace psoas {

using PointerSteps = std::span<const std::string>;

/// A number in a struct, its range, and the rules across fields of the structs that it is in.
struct NumberSlot {
  double* number = nullptr;
  int count = 1;  ///< so many numbers in a row take the same value
  double low = -inf, high = inf;
  std::vector<std::function<bool()>> rules;  ///< whether each holds

  bool allows(double value) const { return value >= low && value <= high; }
  void set(double value) const { std::fill_n(number, count, value); }
};

/// An index as a pointer writes it, or `size` where it is none below it.
inline std::size_t index_in(const std::string& step, std::size_t size) {
  std::size_t i = size;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), i);
  return error == std::errc{} && end == step.data() + step.size() && i < size ? i : size;
}

/// Finds the number at a pointer's steps below a field; an optional number that is absent is made. The slot stays empty
/// where the reader of JSON has to say what the pointer means.
template <class T>
void find_slot(T& field, PointerSteps steps, const Info& info, NumberSlot& slot) {
  if constexpr (std::is_same_v<T, double>) {
    if (steps.empty()) slot.number = &field, slot.low = info.low, slot.high = info.high;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return;
  } else if constexpr (Optional<T>) {
    if (!field && steps.empty()) field.emplace();
    if (field) find_slot(*field, steps, info, slot);
  } else if (steps.empty()) {
    return;
  } else if constexpr (Fields<T>) {
    T::each(field, [&](const char* key, auto& member, const Info& about) {
      if (steps.front() == key) find_slot(member, steps.subspan(1), about, slot);
    });
    if constexpr (requires { field.fault(); })
      if (slot.number) slot.rules.push_back([&field] { return field.fault().empty(); });
  } else if constexpr (NamedOf<T>::value) {
    if (auto* found = field.find(steps.front())) find_slot(*found, steps.subspan(1), info, slot);
  } else if constexpr (requires { field.index(); }) {
    std::visit(
        [&]<class K>(K& kind) {
          if (steps.front() != K::name) return;
          const PointerSteps rest = steps.subspan(1);
          int fields = 0;
          K::each(kind, [&](auto&&...) { ++fields; });
          const bool is_array = fields == 1 && !rest.empty() && index_in(rest.front(), SIZE_MAX) != SIZE_MAX;
          if (!is_array) return find_slot(kind, rest, info, slot);
          K::each(kind, [&](const char*, auto& only, const Info& about) { find_slot(only, rest, about, slot); });
          if constexpr (requires { kind.fault(); })
            if (slot.number) slot.rules.push_back([&kind] { return kind.fault().empty(); });
        },
        field);
  } else {
    const auto size = static_cast<std::size_t>(field.size());
    const std::size_t i = index_in(steps.front(), size);
    if (i == size) return;
    if constexpr (std::is_same_v<T, Vec3>)
      find_slot(field[static_cast<Eigen::Index>(i)], steps.subspan(1), info, slot);
    else
      find_slot(field[i], steps.subspan(1), info, slot);
  }
}

/// The same in a list of edits.
inline void find_slot(std::vector<Edit>& edits, PointerSteps steps, NumberSlot& slot) {
  if (steps.size() < 3) return;
  const std::size_t i = index_in(steps[0], edits.size());
  if (i == edits.size()) return;
  Edit& edit = edits[i];
  const std::string &verb = steps[1], &field = steps[2];
  const auto one_of = [&](std::vector<double>* numbers, const Info& info) {
    if (!numbers || numbers->empty()) return;
    // a list of one number is written as that number
    if (numbers->size() == 1)
      find_slot(numbers->front(), steps.subspan(3), info, slot);
    else
      find_slot(*numbers, steps.subspan(3), info, slot);
  };
  if (verb == "scale") {
    if (double* factor = edit.scale.find(field)) find_slot(*factor, steps.subspan(3), edit_factor_info, slot);
  } else if (verb == "shift") {
    one_of(edit.shift.find(field), edit_amount_info);
  } else if (verb == "set") {
    if (Value* value = edit.set.find(field)) one_of(&value->numbers, {});
  } else if (verb == "match" && field == "delta_theta_deg") {
    if (edit.match_delta_theta_deg) find_slot(*edit.match_delta_theta_deg, steps.subspan(3), matched_angle_info, slot);
  }
}

}  // namespace psoas
