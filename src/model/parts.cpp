// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/parts.hpp"

#include <algorithm>
#include <array>

namespace psoas {
namespace {

constexpr std::array mechanical_fields = {std::string_view("region"),
                                          std::string_view("physiological_cross_section_area"),
                                          std::string_view("max_isometric_force"),
                                          std::string_view("optimal_fibre_length"),
                                          std::string_view("tendon_slack_length"),
                                          std::string_view("pennation"),
                                          std::string_view("tendon"),
                                          std::string_view("tendon_strain"),
                                          std::string_view("passive_strain"),
                                          std::string_view("passive_shape"),
                                          std::string_view("passive_scale"),
                                          std::string_view("max_contraction_velocity"),
                                          std::string_view("damping"),
                                          std::string_view("minimum_activation"),
                                          std::string_view("activation_time"),
                                          std::string_view("deactivation_time"),
                                          std::string_view("activation_dynamics"),
                                          std::string_view("curve")};

// Members of a model that no path depends on at given coordinates. Bodies count by the joints that carry them.
constexpr std::array not_of_paths = {
    std::string_view("name"),   std::string_view("sources"),          std::string_view("gravity"),
    std::string_view("bodies"), std::string_view("lumbar"),           std::string_view("hips"),
    std::string_view("groups"), std::string_view("passive"),          std::string_view("contacts"),
    std::string_view("planes"), std::string_view("spheres"),          std::string_view("certificate"),
    std::string_view("domain"), std::string_view("specific_tension"), std::string_view("pelvic_ring")};

template <class Names>
bool among(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether each field of a muscle is a mechanical one, in the order of each().
std::vector<char> mechanical_in_order() {
  std::vector<char> out;
  const MuscleSpec muscle;
  MuscleSpec::each(muscle, [&](const char* key, const auto&, const Info&) { out.push_back(is_mechanical(key)); });
  return out;
}

/// Adds muscles; shows their mechanical fields with `mechanical(muscle, field)`, where they end with `end()`.
template <class See, class End>
void add_muscles(const Named<MuscleSpec>& muscles, Bytes& out, See mechanical, End end) {
  const std::vector<char> is = mechanical_in_order();
  out.add(muscles.size());
  for (const auto& [name, muscle] : muscles) {
    out.add(name);
    std::size_t i = 0;
    MuscleSpec::each(muscle, [&](const char*, const auto& field, const Info&) {
      if (is[i++])
        mechanical(field);
      else
        out.add(field);
    });
    end();
  }
}

}  // namespace

bool is_mechanical(std::string_view field) { return among(mechanical_fields, field); }

void add_structure(const ModelSpec& spec, Bytes& structure, Bytes& mechanics, std::vector<std::size_t>& ends) {
  mechanics.add(spec.specific_tension);
  ends.assign(1, mechanics.size());
  ModelSpec::each(spec, [&](const char* key, const auto& member, const Info&) {
    if constexpr (std::is_same_v<std::decay_t<decltype(member)>, Named<MuscleSpec>>)
      add_muscles(
          member, structure, [&](const auto& field) { mechanics.add(field); },
          [&] { ends.push_back(mechanics.size()); });
    else if (std::string_view(key) != "specific_tension")
      structure.add(member);
  });
}

void add_mechanics(const MuscleSpec& muscle, Bytes& out) {
  MuscleSpec::each(muscle, [&](const char* key, const auto& field, const Info&) {
    if (is_mechanical(key)) out.add(field);
  });
}

void add_kinematics(const ModelSpec& spec, Bytes& out) {
  out.add(spec.joints);
  out.add(spec.coordinates);
  // an endplate's angle turns the axes in which loads are told, and moves no body
  auto lumbar = spec.lumbar;
  if (lumbar)
    for (auto& [name, level] : lumbar->levels) level.endplate_angle_deg = 0.0;
  out.add(lumbar);
}

void add_paths(const ModelSpec& spec, Bytes& out) {
  ModelSpec::each(spec, [&](const char* key, const auto& member, const Info&) {
    if constexpr (std::is_same_v<std::decay_t<decltype(member)>, Named<MuscleSpec>>)
      add_muscles(
          member, out, [](const auto&) {}, [] {});
    else if (!among(not_of_paths, key))
      out.add(member);
  });
}

void add_skeleton(const ModelSpec& spec, Bytes& out) {
  ModelSpec::each(spec, [&](const char* key, const auto& member, const Info&) {
    if constexpr (!std::is_same_v<std::decay_t<decltype(member)>, Named<MuscleSpec>>)
      if (std::string_view(key) != "specific_tension") out.add(member);
  });
}

}  // namespace psoas
