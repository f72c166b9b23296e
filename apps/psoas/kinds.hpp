// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Kinds and their fields as text: everything that shows its fields with each() describes itself.
#pragma once

#include <cmath>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "program.hpp"
#include "psoas/core/kind.hpp"
#include "psoas/core/linear.hpp"
#include "psoas/core/table.hpp"

namespace psoas::app {

/// A field as help shows it.
struct FieldHelp {
  std::string name, type, unit, range, standard, help;
  int depth = 0;
};

/// An object of a file, or one of the kinds that it may be.
struct KindHelp {
  std::string name, help;
  std::vector<FieldHelp> fields;
};

template <class T>
concept HasFields = requires(T t) {
  T::each(t, [](auto&&...) {});
};

template <class T>
concept IsOptional = requires(T t) {
  t.has_value();
};

template <class T>
struct ElementOf {};
template <class T>
struct ElementOf<Named<T>> {
  using type = T;
};
template <class T>
struct ElementOf<std::vector<T>> {
  using type = T;
};

template <class... K>
std::string alternatives(const std::variant<K...>*) {
  std::string out;
  ((out += (out.empty() ? "" : " | ") + std::string(K::name)), ...);
  return out;
}

template <class T>
std::string type_name() {
  if constexpr (std::is_same_v<T, double>)
    return "number";
  else if constexpr (std::is_same_v<T, int>)
    return "whole number";
  else if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_same_v<T, std::string>)
    return "text";
  else if constexpr (std::is_same_v<T, Vec3>)
    return "3 numbers";
  else if constexpr (requires { std::tuple_size<T>::value; })
    return std::to_string(std::tuple_size_v<T>) + " numbers";
  else if constexpr (IsOptional<T>)
    return type_name<typename T::value_type>();
  else if constexpr (HasFields<T>)
    return "object";
  else if constexpr (requires(const T& t) {
                       t.index();
                       t.valueless_by_exception();
                     })
    return "one of " + alternatives(static_cast<const T*>(nullptr));
  else if constexpr (std::is_same_v<T, std::vector<typename ElementOf<T>::type>>)
    return "array of " + type_name<typename ElementOf<T>::type>();
  else
    return "object, name to " + type_name<typename ElementOf<T>::type>();
}

template <class T>
std::string standard_of(const T& field) {
  if constexpr (std::is_same_v<T, double>)
    return std::isnan(field) ? "required" : shortest_text(field);
  else if constexpr (std::is_same_v<T, bool>)
    return field ? "true" : "false";
  else if constexpr (std::is_same_v<T, int>)
    return std::to_string(field);
  else if constexpr (std::is_same_v<T, std::string>)
    return field == required_text ? "required" : field.empty() ? "none" : field;
  else if constexpr (std::is_same_v<T, Vec3>)
    return std::isnan(field[0])
               ? "required"
               : shortest_text(field[0]) + " " + shortest_text(field[1]) + " " + shortest_text(field[2]);
  else if constexpr (requires { std::tuple_size<T>::value; }) {
    std::string out;
    for (const auto& value : field) out += (out.empty() ? "" : " ") + shortest_text(value);
    return std::isnan(field[0]) ? "required" : out;
  } else if constexpr (requires(const T& t) {
                         t.index();
                         t.valueless_by_exception();
                       })
    return std::visit(
        [](const auto& kind) {
          // a kind that misses what it needs is no default
          bool missing = false;
          std::decay_t<decltype(kind)>::each(kind, [&](const char*, const auto& member, const Info&) {
            missing = missing || standard_of(member) == "required";
          });
          return missing ? std::string("required") : std::string(kind.name);
        },
        field);
  else
    return "none";
}

inline std::string range_of(const Info& info) {
  std::string choices(info.choices);
  for (std::size_t i = 0; (i = choices.find(' ', i)) != std::string::npos; i += 3) choices.replace(i, 1, " | ");
  if (!choices.empty()) return choices;
  if (info.low > -inf && info.high < inf) return shortest_text(info.low) + " … " + shortest_text(info.high);
  if (info.low > -inf) return "≥ " + shortest_text(info.low);
  if (info.high < inf) return "≤ " + shortest_text(info.high);
  return "";
}

/// Adds the fields of a struct and, where `inside`, indented those of structs in it.
template <HasFields T>
void add_fields(const T& x, int depth, std::vector<FieldHelp>& out, bool inside = true) {
  T::each(x, [&](const char* key, const auto& field, const Info& info) {
    using F = std::decay_t<decltype(field)>;
    out.push_back({key, type_name<F>(), std::string(info.unit), range_of(info), HasFields<F> ? "" : standard_of(field),
                   std::string(info.help), depth});
    if (!inside) return;
    if constexpr (HasFields<F>)
      add_fields(field, depth + 1, out);
    else if constexpr (IsOptional<F>) {
      if constexpr (HasFields<typename F::value_type>) add_fields(typename F::value_type{}, depth + 1, out);
    } else if constexpr (requires { typename ElementOf<F>::type; }) {
      if constexpr (HasFields<typename ElementOf<F>::type>) add_fields(typename ElementOf<F>::type{}, depth + 1, out);
    }
  });
}

/// The fields of a struct that is no kind.
template <HasFields T>
KindHelp object_of(const std::string& name, const std::string& help, bool inside = true) {
  KindHelp out{name, help, {}};
  add_fields(T{}, 0, out.fields, inside);
  return out;
}

template <class... K>
std::vector<KindHelp> kinds_of(const std::variant<K...>*) {
  std::vector<KindHelp> out;
  const auto add = [&](const auto& kind) {
    KindHelp help{std::string(kind.name), std::string(kind.help), {}};
    add_fields(kind, 0, help.fields);
    out.push_back(std::move(help));
  };
  (add(K{}), ...);
  return out;
}

}  // namespace psoas::app
