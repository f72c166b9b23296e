// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A model of two bodies for tests, and every number and word of a struct in one list.
//   ModelSpec spec = tiny_model();   EXPECT_EQ(contents(spec), contents(again));
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"

namespace psoas::test {

/// A thigh and a shank that hang on ground; two hip muscles, one by force and one by area; every section of the format
/// but the lumbar one.
inline const std::string tiny_text = R"({
  "format": "psoas-model/1",
  "name": "tiny",
  "sources": ["made up"],
  "specific_tension": {"legs": 6e5},
  "bodies": {
    "thigh": {"mass": 8, "mass_center": [0, -0.2, 0], "inertia": [0.1, 0.02, 0.1, 0.001, 0, 0]},
    "shank": {"mass": 3, "mass_center": [0, -0.15, 0], "inertia": [0.05, 0.01, 0.05, 0, 0, 0]}
  },
  "coordinates": {
    "hip_flexion_r": {"range": [-1, 2], "value": 0.1},
    "knee_angle_r": {"range": [-2, 0.1], "value": -0.2},
    "knee_slide_r": {"motion": "translation", "coupled_to": {"coordinate": "knee_angle_r", "function": {"polynomial": [0.01, 0.02]}}}
  },
  "joints": {
    "hip": {"parent": "ground", "child": "thigh", "motion": {"pin": {"coordinate": "hip_flexion_r"}}},
    "knee": {
      "parent": "thigh",
      "child": "shank",
      "parent_frame": {"translation": [0, -0.4, 0]},
      "motion": {
        "custom": {
          "translations": [
            {"axis": [0, 1, 0], "coordinate": "knee_slide_r"},
            {"axis": [1, 0, 0], "coordinate": "knee_angle_r", "function": {"spline": {"x": [-2, -1, 0], "y": [0.02, 0.01, 0]}}}
          ],
          "rotations": [{"axis": [0, 0, 1], "coordinate": "knee_angle_r"}]
        }
      }
    }
  },
  "hips": {"r": "hip"},
  "surfaces": {"brim": {"body": "ground", "translation": [0.02, 0.02, 0], "shape": {"cylinder": {"radius": 0.03}}}},
  "muscles": {
    "psoas_r": {
      "path": [{"body": "ground", "location": [-0.02, 0.15, 0]}, {"body": "thigh", "location": [0.01, -0.1, 0]}],
      "wraps": [{"surface": "brim", "between": [0, 1], "side": "+x"}],
      "max_isometric_force": 1000,
      "optimal_fibre_length": 0.12,
      "tendon_slack_length": 0.13,
      "pennation": 0.1
    },
    "psoas_l": {
      "path": [{"body": "ground", "location": [0.05, 0.1, 0]}, {"body": "thigh", "location": [0.03, -0.1, 0]}],
      "region": "legs",
      "physiological_cross_section_area": 0.001,
      "optimal_fibre_length": 0.1,
      "tendon_slack_length": 0.09
    },
    "hamstrings_r": {
      "path": [{"body": "ground", "location": [-0.05, -0.02, 0]}, {"body": "thigh", "location": [-0.04, -0.3, 0]}, {"body": "shank", "location": [-0.03, -0.05, 0]}],
      "max_isometric_force": 1500,
      "optimal_fibre_length": 0.11,
      "tendon_slack_length": 0.3,
      "tendon": "rigid"
    }
  },
  "groups": {"psoas": ["psoas_*"], "all": ["*"]},
  "passive": {"capsule": {"exponential": {"coordinate": "hip_flexion_r", "torque": 5, "rate": 4, "reference": -0.2}}},
  "contacts": {"heel_r": {"body": "shank", "location": [0, -0.4, 0]}}
}
)";

inline ModelSpec tiny_model() { return parse_model("tiny.json", tiny_text); }

/// The text with one thing replaced by another; the test fails where it is not there.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  if (place == std::string::npos) throw std::logic_error("no \"" + from + "\" in the text");
  return text.replace(place, from.size(), to);
}

/// Adds every number (by its bits), word and name of x to the list.
template <class T>
void add_contents(const T& x, std::vector<std::string>& out) {
  if constexpr (std::is_same_v<T, double>) {
    out.push_back(std::to_string(std::bit_cast<std::uint64_t>(x)));
  } else if constexpr (std::is_arithmetic_v<T>) {
    out.push_back(std::to_string(x));
  } else if constexpr (std::is_same_v<T, std::string>) {
    out.push_back(x);
  } else if constexpr (std::is_same_v<T, Vec3>) {
    for (Eigen::Index i = 0; i < 3; ++i) add_contents(x[i], out);
  } else if constexpr (requires { x.has_value(); }) {
    out.push_back(x ? "given" : "absent");
    if (x) add_contents(*x, out);
  } else if constexpr (requires { x.valueless_by_exception(); }) {
    std::visit(
        [&](const auto& kind) {
          out.emplace_back(kind.name);
          add_contents(kind, out);
        },
        x);
  } else if constexpr (requires { T::each(x, [](auto&&...) {}); }) {
    T::each(x, [&](const char* key, const auto& field, const Info&) {
      out.emplace_back(key);
      add_contents(field, out);
    });
  } else if constexpr (requires { x.begin()->first; }) {
    for (const auto& [name, item] : x) {
      out.push_back(name);
      add_contents(item, out);
    }
  } else {
    out.push_back(std::to_string(x.size()));
    for (const auto& item : x) add_contents(item, out);
  }
}

/// Every number (by its bits), word and name of x in order.
template <class T>
std::vector<std::string> contents(const T& x) {
  std::vector<std::string> out;
  add_contents(x, out);
  return out;
}

}  // namespace psoas::test
