// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Reading, writing and schema of everything that shows its fields with each(): one set of rules for models and studies.
//   Walk walk;   walk.into(spec, document.root(), "");   document.complain(Kind::model, walk.problems);
#pragma once

#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "model/json_file.hpp"
#include "psoas/core/kind.hpp"
#include "psoas/core/linear.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"

namespace psoas {

template <class T>
concept Fields = requires(T t) {
  T::each(t, [](auto&&...) {});
};

template <class T>
concept Optional = requires(T t) {
  t.has_value();
};

template <class T>
struct NamedOf : std::false_type {};
template <class T>
struct NamedOf<Named<T>> : std::true_type {
  using type = T;
};

template <class T>
struct VectorOf : std::false_type {};
template <class T>
struct VectorOf<std::vector<T>> : std::true_type {};

/// A field of which no value was given and which has no default; a struct or kind misses what its fields miss.
template <class T>
bool is_missing(const T& field) {
  if constexpr (std::is_same_v<T, double>)
    return std::isnan(field);
  else if constexpr (std::is_same_v<T, std::string>)
    return field == required_text;
  else if constexpr (std::is_same_v<T, Vec3>)
    return std::isnan(field[0]);
  else if constexpr (requires {
                       std::tuple_size<T>::value;
                       field[0];
                     })
    return is_missing(field[0]);
  else if constexpr (Fields<T>) {
    bool missing = false;
    T::each(field, [&](const char*, const auto& member, const Info&) { missing = missing || is_missing(member); });
    return missing;
  } else if constexpr (requires { field.valueless_by_exception(); })
    return std::visit([](const auto& kind) { return is_missing(kind); }, field);
  else
    return false;
}

/// "expected a length [m] from 0.001 to 2" of a number.
inline std::string expectation(const Info& info) {
  std::string text = "expected a number";
  if (!info.unit.empty()) text += " [" + std::string(info.unit) + "]";
  if (info.low > -inf && info.high < inf)
    text += " from " + shortest_text(info.low) + " to " + shortest_text(info.high);
  else if (info.low > -inf)
    text += " not below " + shortest_text(info.low);
  else if (info.high < inf)
    text += " not above " + shortest_text(info.high);
  if (!info.help.empty()) text += " (" + std::string(info.help) + ")";
  return text;
}

/// Reads JSON into structs and collects every problem with its pointer.
class Walk {
 public:
  std::vector<Problem> problems;
  std::size_t more = 0;  ///< problems beyond those that anybody is told: counted only

  void wrong(const std::string& at, const std::string& text, const json* found = nullptr) {
    if (full())
      ++more;
    else
      problems.push_back({at, text + (found ? ", found " + excerpt(*found) : "")});
  }

  void into(double& x, const json& j, const std::string& at, const Info& info) {
    if (j.is_number()) {
      x = j.get<double>();
      if (x >= info.low && x <= info.high) return;
    }
    x = 0.0;  // any number: it must not be complained about as missing, too
    const bool degrees = j.is_number() && info.unit == "rad" && std::abs(j.get<double>()) > 7.0;
    wrong(at, expectation(info) + ", found " + excerpt(j) + (degrees ? "; angles are in radians here" : ""));
  }

  void into(bool& x, const json& j, const std::string& at, const Info&) {
    if (j.is_boolean())
      x = j.get<bool>();
    else
      wrong(at, "expected true or false", &j);
  }

  void into(int& x, const json& j, const std::string& at, const Info& info) {
    if (j.is_number_integer() && j.get<double>() >= std::max(info.low, -2e9) &&
        j.get<double>() <= std::min(info.high, 2e9)) {
      x = j.get<int>();
      return;
    }
    wrong(at, "expected a whole number" + expectation(info).substr(17), &j);
  }

  void into(std::string& x, const json& j, const std::string& at, const Info& info) {
    if (!j.is_string()) {
      x.clear();
      return wrong(at, "expected a text" + help(info), &j);
    }
    x = j.get<std::string>();
    if (info.choices.empty()) return;
    const std::vector<std::string> words = split_words(info.choices);
    if (std::find(words.begin(), words.end(), x) == words.end())
      wrong(at, "expected one of " + join(words, ", ") + ", found " + excerpt(j) + did_you_mean(x, words));
  }

  void into(Vec3& x, const json& j, const std::string& at, const Info& info) { into_numbers(x, 3, j, at, info); }

  template <class T, std::size_t N>
  void into(std::array<T, N>& x, const json& j, const std::string& at, const Info& info) {
    into_numbers(x, N, j, at, info);
  }

  template <class T>
  void into(std::vector<T>& x, const json& j, const std::string& at, const Info& info) {
    x.clear();
    if (!j.is_array()) return wrong(at, "expected an array" + help(info), &j);
    for (std::size_t i = 0; i < j.size(); ++i) {
      T item{};
      into(item, j[i], at + "/" + std::to_string(i), info);
      x.push_back(std::move(item));
    }
  }

  template <Optional T>
  void into(T& x, const json& j, const std::string& at, const Info& info) {
    x.emplace();
    into(*x, j, at, info);
  }

  template <class T>
  void into(Named<T>& x, const json& j, const std::string& at, const Info& info) {
    x = {};
    if (!j.is_object()) return wrong(at, "expected an object keyed by name" + help(info), &j);
    for (const auto& [key, value] : j.items()) {
      if (key == "note" && value.is_string()) continue;
      // keys with a plain number may be globs or groups, and are looked up later
      if constexpr (!std::is_arithmetic_v<T>)
        if (const std::string fault = name_fault(key); !fault.empty()) wrong(at, fault);
      if (key.empty() && std::is_arithmetic_v<T>) wrong(at, "expected a name, found an empty one");
      into(x.add(key), value, below(at, key), info);
    }
  }

  template <class... K>
  void into(std::variant<K...>& x, const json& j, const std::string& at, const Info& info) {
    const std::vector<std::string> names{std::string(K::name)...};
    std::string name;
    if (j.is_object()) {
      for (const auto& [key, value] : j.items()) {
        if (key == "note") {
          note(value, at);
          continue;
        }
        if (!name.empty()) return wrong(at, "expected one member that names the kind (" + join(names, ", ") + ")", &j);
        name = key;
      }
    }
    if (name.empty())
      return wrong(at, "expected an object with one member that names the kind (" + join(names, ", ") + ")", &j);
    const json& value = j[name];
    if (!((name == K::name && (into_kind(x.template emplace<K>(), value, below(at, name), info), true)) || ...))
      wrong(below(at, name),
            "expected one of " + join(names, ", ") + ", found " + excerpt(name) + did_you_mean(name, names));
  }

  template <Fields T>
  void into(T& x, const json& j, const std::string& at, const Info& info) {
    into_fields(x, j, at, info, {"note"});
  }

  /// As above, with the keys that this object may have besides its fields.
  template <Fields T>
  void into_fields(T& x, const json& j, const std::string& at, const Info& info, const std::set<std::string>& besides) {
    if (!j.is_object()) return wrong(at, "expected an object" + help(info), &j);
    const std::size_t before = problems.size() + more;
    std::vector<std::string> known;
    T::each(x, [&](const char* key, auto& field, const Info& about) {
      known.emplace_back(key);
      if (const auto found = j.find(key); found != j.end())
        into(field, *found, below(at, key), about);
      else if (is_missing(field))
        wrong(at, "missing \"" + std::string(key) + "\"" + help(about));
    });
    std::vector<std::string> all = known;
    all.insert(all.end(), besides.begin(), besides.end());
    for (const auto& [key, value] : j.items()) {
      if (std::find(all.begin(), all.end(), key) == all.end())
        wrong(full() ? "" : below(at, key), full() ? "" : "unknown key" + did_you_mean(key, all));
      if (key == "note") note(value, at);
    }
    if constexpr (requires { x.fault(); })
      if (problems.size() + more == before)
        if (const std::string fault = x.fault(); !fault.empty()) wrong(at, fault);
  }

 private:
  /// Messages list a hundred problems; whether there is one more is all that is asked of the rest.
  bool full() const { return problems.size() > 100; }

  void note(const json& value, const std::string& at) {
    if (!value.is_string()) wrong(at + "/note", "expected a text", &value);
  }

  static std::string help(const Info& info) { return info.help.empty() ? "" : " (" + std::string(info.help) + ")"; }

  static std::string excerpt(const json& value) {
    if (value.is_object()) return "an object";
    if (value.is_array() && value.size() > 4) return "an array of " + std::to_string(value.size());
    if (value.is_string() && value.get_ref<const std::string&>().size() > 60)
      return in_quotes(value.get_ref<const std::string&>());
    return psoas::excerpt(value.dump(-1, ' ', true));
  }

  template <class T>
  void into_numbers(T& x, std::size_t size, const json& j, const std::string& at, const Info& info) {
    if (!j.is_array() || j.size() != size) {
      for (std::size_t i = 0; i < size; ++i) x[at_index<T>(i)] = {};
      return wrong(at, "expected " + std::to_string(size) + " values" + help(info), &j);
    }
    for (std::size_t i = 0; i < size; ++i) into(x[at_index<T>(i)], j[i], at + "/" + std::to_string(i), info);
  }
  template <class T>
  static auto at_index(std::size_t i) {
    if constexpr (std::is_same_v<T, Vec3>)
      return static_cast<Eigen::Index>(i);
    else
      return i;
  }

  /// A kind whose only field is an array may be written as that array.
  template <Fields T>
  void into_kind(T& x, const json& j, const std::string& at, const Info& info) {
    int fields = 0;
    T::each(x, [&](auto&&...) { ++fields; });
    if (fields != 1 || !j.is_array()) return into(x, j, at, info);
    T::each(x, [&](const char*, auto& field, const Info& about) { into(field, j, at, about); });
    if constexpr (requires { x.fault(); })
      if (const std::string fault = x.fault(); !fault.empty()) wrong(at, fault);
  }
};

/// JSON of a struct; fields without a value are left out.
template <class T>
json to_json_value(const T& x) {
  if constexpr (Fields<T>) {
    json j = json::object();
    T::each(x, [&](const char* key, const auto& field, const Info&) {
      using F = std::decay_t<decltype(field)>;
      if constexpr (Optional<F>) {
        if (field) j[key] = to_json_value(*field);
      } else if constexpr (NamedOf<F>::value || VectorOf<F>::value) {
        if (!field.empty()) j[key] = to_json_value(field);
      } else {
        j[key] = to_json_value(field);
      }
    });
    return j;
  } else if constexpr (NamedOf<T>::value) {
    json j = json::object();
    for (const auto& [key, value] : x) j[key] = to_json_value(value);
    return j;
  } else if constexpr (requires { x.index(); }) {
    json j = json::object();
    std::visit([&](const auto& kind) { j[std::string(kind.name)] = to_json_value(kind); }, x);
    return j;
  } else if constexpr (std::is_same_v<T, Vec3>) {
    return json::array({x[0], x[1], x[2]});
  } else if constexpr (std::is_same_v<T, std::string> || std::is_arithmetic_v<T>) {
    return x;
  } else {
    json j = json::array();
    for (const auto& item : x) j.push_back(to_json_value(item));
    return j;
  }
}

template <class T>
json schema_of_kind(const T& x);

/// JSON schema (draft 2020-12) of a struct.
template <class T>
json schema_of(const T& x, const Info& info = {}) {
  json j = json::object();
  if (!info.help.empty()) j["description"] = info.help;
  if (!info.unit.empty()) j["unit"] = info.unit;
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, int>) {
    j["type"] = std::is_same_v<T, int> ? "integer" : "number";
    if (info.low > -inf) j["minimum"] = info.low;
    if (info.high < inf) j["maximum"] = info.high;
    if (!is_missing(x)) j["default"] = x;
  } else if constexpr (std::is_same_v<T, bool>) {
    j["type"] = "boolean";
    j["default"] = x;
  } else if constexpr (std::is_same_v<T, std::string>) {
    j["type"] = "string";
    if (!info.choices.empty()) j["enum"] = split_words(info.choices);
    if (!is_missing(x) && !x.empty()) j["default"] = x;
  } else if constexpr (Optional<T>) {
    return schema_of(typename T::value_type{}, info);
  } else if constexpr (NamedOf<T>::value) {
    j["type"] = "object";
    j["properties"] = {{"note", {{"type", "string"}}}};
    j["additionalProperties"] = schema_of(typename NamedOf<T>::type{}, {info.unit, "", info.low, info.high});
  } else if constexpr (Fields<T>) {
    j["type"] = "object";
    j["additionalProperties"] = false;
    json properties = json::object(), needed = json::array();
    T::each(x, [&](const char* key, const auto& field, const Info& about) {
      properties[key] = schema_of(field, about);
      if (is_missing(field)) needed.push_back(key);
    });
    properties["note"] = {{"type", "string"}};
    j["properties"] = properties;
    if (!needed.empty()) j["required"] = needed;
  } else if constexpr (requires { x.index(); }) {
    j["oneOf"] = json::array();
    [&]<class... K>(const std::variant<K...>&) {
      (j["oneOf"].push_back(
           {{"type", "object"},
            {"description", K::help},
            {"required", {K::name}},
            {"properties", {{std::string(K::name), schema_of_kind(K{})}, {"note", {{"type", "string"}}}}},
            {"additionalProperties", false}}),
       ...);
    }(x);
  } else {
    j["type"] = "array";
    if constexpr (requires { std::tuple_size<T>::value; } || std::is_same_v<T, Vec3>) {
      j["items"] = schema_of(std::decay_t<decltype(x[0])>{},
                             {.unit = info.unit, .help = "", .low = info.low, .high = info.high});
      j["items"].erase("default");
      j["minItems"] = j["maxItems"] = x.size();
    } else {
      j["items"] =
          schema_of(typename T::value_type{}, {.unit = info.unit, .help = "", .low = info.low, .high = info.high});
      j["items"].erase("default");
    }
  }
  return j;
}

/// Schema of a kind's value: an object, or the array that is its only field.
template <class T>
json schema_of_kind(const T& x) {
  json object = schema_of(x), array;
  int fields = 0;
  T::each(x, [&](const char*, const auto& field, const Info& about) {
    if (VectorOf<std::decay_t<decltype(field)>>::value) array = schema_of(field, about);
    ++fields;
  });
  if (fields != 1 || array.is_null()) return object;
  return {{"anyOf", {object, array}}};
}

}  // namespace psoas
