// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "muscle_card.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <variant>
#include <vector>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/model/file.hpp"
#include "psoas/report/text.hpp"

namespace psoas::app {
namespace {

using Text = std::vector<std::vector<std::string>>;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A muscle with one coordinate at a value and everything else as in the file.
struct Place {
  double coordinate = 0.0;         ///< [rad or m]
  double length = 0.0, arm = 0.0;  ///< of the path [m], about that coordinate [m or 1]
  Equilibrium rest, active;        ///< static, at minimum and at full activation
};

/// Places all over the range of a coordinate that the muscle acts on, from its least to its greatest value.
struct Operation {
  int coordinate = -1;
  std::vector<Place> places;
};

std::vector<double> arms_of(const Model& model, const Workspace& work, int muscle) {
  std::vector<double> out;
  for (int c = 0; c < model.coordinates(); ++c) out.push_back(moment_arm(model, work, muscle, c));
  return out;
}

/// What is shown of one muscle beside its parameters.
struct Card {
  int muscle = -1;
  double length = 0.0;       ///< of the path at the model's pose [m]
  std::vector<double> arms;  ///< there, per coordinate
  std::vector<Operation> operations;
};

/// Whether a muscle's path crosses what a coordinate moves.
bool crosses(const ModelData& data, int muscle, int coordinate) {
  for (int i = data.arm_start[at(muscle)]; i < data.arm_start[at(muscle + 1)]; ++i)
    if (data.couplings[at(data.arm_slots[at(i)].coordinate)].source == coordinate) return true;
  return false;
}

/// Each pose is evaluated once for all muscles.
std::vector<Card> cards_of(const Model& model, const std::vector<int>& muscles) {
  constexpr int steps = 30;
  const ModelData& data = model.data();
  Workspace work(model);
  evaluate(model, model.default_state(), work, Depth::position);
  std::vector<Card> out;
  for (const int m : muscles) out.push_back({m, work.length[at(m)], arms_of(model, work, m), {}});
  for (int c = 0; c < model.coordinates(); ++c) {
    const std::string& name = data.coordinate_names[at(c)];
    const std::array<double, 2>& range = data.spec.coordinates.find(name)->range;
    if (!(range[1] > range[0]) || !std::isfinite(range[1] - range[0])) continue;
    if (std::none_of(muscles.begin(), muscles.end(), [&](int m) { return crosses(data, m, c); })) continue;
    std::vector<Operation> operations(muscles.size(), {c, {}});
    for (int i = 0; i <= steps; ++i) {
      State state = model.default_state();
      const double value = range[0] + (range[1] - range[0]) * i / steps;
      model.set(state, name, value);
      evaluate(model, state, work, Depth::position);
      for (std::size_t k = 0; k < muscles.size(); ++k) {
        const int m = muscles[k];
        operations[k].places.push_back({value, work.length[at(m)], moment_arm(model, work, m, c), {}, {}});
      }
    }
    for (std::size_t k = 0; k < muscles.size(); ++k) {
      std::vector<Place>& places = operations[k].places;
      if (std::none_of(places.begin(), places.end(), [](const Place& p) { return std::abs(p.arm) > 1e-9; })) continue;
      const MuscleParameters& unit = data.units[at(muscles[k])];
      for (Place& place : places) {
        place.rest = static_equilibrium(unit, place.length, unit.minimum_activation);
        place.active = static_equilibrium(unit, place.length, 1.0);
      }
      out[k].operations.push_back(std::move(operations[k]));
    }
  }
  return out;
}

template <class Of>
std::array<double, 2> extremes(const Operation& operation, Of&& of) {
  std::array<double, 2> out{inf, -inf};
  for (const Place& place : operation.places) {
    out[0] = std::min(out[0], of(place));
    out[1] = std::max(out[1], of(place));
  }
  return out;
}

/// One row of each of the curves, all isometric and fully active where they can be.
struct Curves {
  std::vector<double> norm_length, active, passive, norm_velocity, force_velocity, tendon_strain, tendon;
  explicit Curves(const MuscleParameters& unit) {
    std::visit(
        [&](const auto& curve) {
          for (int i = 0; i <= 12; ++i) {
            const double x = 0.4 + 0.1 * i, v = -1.0 + i / 6.0, strain = unit.tendon_strain * i / 10.0;
            norm_length.push_back(x);
            active.push_back(curve.active_force_length(x));
            passive.push_back(unit.passive_scale *
                              std::max(0.0, curve.passive_force_length(x, unit.passive_strain, unit.passive_shape)));
            norm_velocity.push_back(v);
            force_velocity.push_back(std::max(0.0, curve.force_velocity(v, 1.0)));
            tendon_strain.push_back(strain);
            tendon.push_back(std::max(0.0, curve.tendon_force(1.0 + strain, unit.tendon_strain)));
          }
        },
        unit.curve);
  }
};

std::string curve_name(const Curve& curve) {
  return std::visit([](const auto& set) { return std::string(set.name); }, curve);
}

std::string fixed_range(double low, double high, int decimals) {
  return fixed_text(low, decimals) + " … " + fixed_text(high, decimals);
}

std::vector<std::string> groups_of(const Model& model, const std::string& muscle) {
  std::vector<std::string> out;
  for (const auto& [group, patterns] : model.spec().groups) {
    const std::vector<std::string> members = select_muscles(model.spec(), "group:" + group);
    if (std::find(members.begin(), members.end(), muscle) != members.end()) out.push_back(group);
  }
  return out;
}

std::string parameters_text(const MuscleSpec& spec, const MuscleParameters& unit) {
  const auto row = [](const std::string& label, const std::string& value, const std::string& unit_text = "",
                      const std::string& note = "") {
    return std::vector<std::string>{"  " + label, value, unit_text, note};
  };
  Text rows = {row("max_isometric_force", fixed_text(unit.max_isometric_force, 1), "N",
                   spec.physiological_cross_section_area ? fixed_text(*spec.physiological_cross_section_area * 1e4, 2) +
                                                               " cm² × specific tension of " + spec.region
                                                         : ""),
               row("optimal_fibre_length", fixed_text(unit.optimal_fibre_length, 4), "m"),
               row("tendon_slack_length", fixed_text(unit.tendon_slack_length, 4), "m",
                   unit.has_rigid_tendon() ? "rigid" : "compliant"),
               row("pennation", fixed_text(to_degrees(unit.pennation), 1), "deg",
                   "height " + fixed_text(1e3 * unit.height(), 1) + " mm"),
               row("tendon_strain", fixed_text(unit.tendon_strain, 3), "", "at F0"),
               row("passive_strain", fixed_text(unit.passive_strain, 3), "",
                   "fibre strain at passive force F0, × " + short_text(unit.passive_scale)),
               row("passive_shape", fixed_text(unit.passive_shape, 2)),
               row("max_contraction_velocity", fixed_text(unit.max_contraction_velocity, 1), "1/s",
                   fixed_text(unit.max_speed(), 3) + " m/s"),
               row("damping", fixed_text(unit.damping, 3)),
               row("minimum_activation", fixed_text(unit.minimum_activation, 3)),
               row("activation_time", fixed_text(1e3 * unit.activation_time, 1), "ms", spec.activation_dynamics),
               row("deactivation_time", fixed_text(1e3 * unit.deactivation_time, 1), "ms"),
               row("curve", curve_name(spec.curve))};
  return aligned(rows, "lrll");
}

std::string passing(const WrapSpec& wrap) {
  if (!wrap.toward) return "side " + wrap.side.value_or("shortest");
  const Vec3& d = *wrap.toward;
  return "toward " + short_text(d[0]) + " " + short_text(d[1]) + " " + short_text(d[2]);
}

std::string path_text(const MuscleSpec& spec) {
  Text rows = {{"path", "body", "location [m]", ""}};
  for (std::size_t i = 0; i < spec.path.size(); ++i) {
    const PointSpec& point = spec.path[i];
    std::string only;
    if (point.only_when)
      only = "when " + point.only_when->coordinate + " is " + short_text(point.only_when->range[0]) + " … " +
             short_text(point.only_when->range[1]);
    for (const AxisSpec& axis : point.moving)
      if (axis.coordinate && only.find(*axis.coordinate) == std::string::npos)
        only += (only.empty() ? "moves with " : ", moves with ") + *axis.coordinate;
    rows.push_back({"  " + std::to_string(i), point.body,
                    fixed_text(point.location[0], 4) + " " + fixed_text(point.location[1], 4) + " " +
                        fixed_text(point.location[2], 4),
                    only});
  }
  for (const WrapSpec& wrap : spec.wraps)
    rows.push_back({"  wrap", wrap.surface, passing(wrap),
                    wrap.between
                        ? "between points " + short_text((*wrap.between)[0]) + " and " + short_text((*wrap.between)[1])
                        : "anywhere"});
  return aligned(rows, "llll");
}

std::string pose_text(const ModelData& data, const MuscleParameters& unit, const Card& card) {
  const Equilibrium rest = static_equilibrium(unit, card.length, unit.minimum_activation);
  Text rows = {{"  length", fixed_text(card.length, 4), "m", ""},
               {"  fibre length", fixed_text(rest.fibre_length, 4), "m",
                fixed_text(rest.fibre_length / unit.optimal_fibre_length, 3) + " of optimal, sarcomeres " +
                    fixed_text(1e6 * sarcomere_length(unit, rest.fibre_length), 2) + " µm"},
               {"  tendon force at rest", fixed_text(rest.tendon_force, 1), "N", "at minimum_activation"}};
  for (std::size_t c = 0; c < data.coordinate_names.size(); ++c) {
    const double arm = card.arms[c];
    if (std::abs(arm) > 1e-9)
      rows.push_back({"  moment arm, " + data.coordinate_names[c],
                      data.is_rotation[c] ? fixed_text(1e3 * arm, 2) : fixed_text(arm, 4),
                      data.is_rotation[c] ? "mm" : "", arm > 0 ? "acts towards +" : "acts towards -"});
  }
  return aligned(rows, "lrll");
}

std::string operations_text(const ModelData& data, const MuscleParameters& unit,
                            const std::vector<Operation>& operations) {
  Text rows = {{"  coordinate", "range", "rest l / l0", "active l / l0", "sarcomeres, rest [µm]", "force, rest [N]",
                "moment arm [mm]", ""}};
  for (const Operation& one : operations) {
    const bool angle = data.is_rotation[at(one.coordinate)];
    const auto rest = extremes(one, [&](const Place& p) { return p.rest.fibre_length / unit.optimal_fibre_length; });
    const auto active =
        extremes(one, [&](const Place& p) { return p.active.fibre_length / unit.optimal_fibre_length; });
    const auto sarcomere =
        extremes(one, [&](const Place& p) { return 1e6 * sarcomere_length(unit, p.rest.fibre_length); });
    const auto force = extremes(one, [](const Place& p) { return p.rest.tendon_force; });
    const auto arm = extremes(one, [](const Place& p) { return p.arm; });
    const auto outside =
        std::count_if(one.places.begin(), one.places.end(), [](const Place& p) { return p.rest.outside_domain; });
    const double low = one.places.front().coordinate, high = one.places.back().coordinate;
    rows.push_back(
        {"  " + data.coordinate_names[at(one.coordinate)],
         angle ? fixed_range(to_degrees(low), to_degrees(high), 0) + " deg" : fixed_range(low, high, 2) + " m",
         fixed_range(rest[0], rest[1], 3), fixed_range(active[0], active[1], 3),
         fixed_range(sarcomere[0], sarcomere[1], 2), fixed_range(force[0], force[1], 1),
         angle ? fixed_range(1e3 * arm[0], 1e3 * arm[1], 1) : "",
         outside > 0 ? "slack or outside the curves in " +
                           std::to_string(100 * static_cast<std::size_t>(outside) / one.places.size()) + " % of it"
                     : ""});
  }
  return aligned(rows, "lrrrrrrl");
}

std::string curves_text(const MuscleParameters& unit) {
  const Curves curves(unit);
  Text rows = {
      {"  l / l0", "active / F0", "passive / F0", "v / vmax", "force-velocity", "tendon strain", "tendon / F0"}};
  for (std::size_t i = 0; i < curves.norm_length.size(); ++i)
    rows.push_back({fixed_text(curves.norm_length[i], 1), fixed_text(curves.active[i], 3),
                    fixed_text(curves.passive[i], 3), fixed_text(curves.norm_velocity[i], 2),
                    fixed_text(curves.force_velocity[i], 3), fixed_text(curves.tendon_strain[i], 4),
                    fixed_text(curves.tendon[i], 3)});
  return aligned(rows, "rrrrrrr");
}

std::string text_of(const Model& model, const Card& card) {
  const ModelData& data = model.data();
  const std::string& name = data.muscle_names[at(card.muscle)];
  const MuscleSpec& spec = *data.spec.muscles.find(name);
  const MuscleParameters& unit = data.units[at(card.muscle)];
  const std::vector<std::string> groups = groups_of(model, name);
  std::string out = name + (groups.empty() ? "" : " · group " + join(groups, ", ")) + "\n\n";
  out += parameters_text(spec, unit) + "\n" + path_text(spec);
  out += "\nat the model's pose\n" + pose_text(data, unit, card);
  out += "\noperating range: each coordinate over its range, all else at the model's pose, static\n" +
         operations_text(data, unit, card.operations);
  out += "\ncurves (isometric and fully active)\n" + curves_text(unit);
  return out;
}

json json_of(const Model& model, const Card& card) {
  const ModelData& data = model.data();
  const std::string& name = data.muscle_names[at(card.muscle)];
  const MuscleSpec& spec = *data.spec.muscles.find(name);
  const MuscleParameters& unit = data.units[at(card.muscle)];
  json curve_fields = json::object();
  std::visit(
      [&](const auto& set) {
        std::decay_t<decltype(set)>::each(
            set, [&](const char* key, const auto& field, const Info&) { curve_fields[key] = field; });
      },
      spec.curve);
  json out = {{"name", name},
              {"groups", groups_of(model, name)},
              {"max_isometric_force", unit.max_isometric_force},
              {"optimal_fibre_length", unit.optimal_fibre_length},
              {"tendon_slack_length", unit.tendon_slack_length},
              {"tendon", unit.has_rigid_tendon() ? "rigid" : "compliant"},
              {"pennation", unit.pennation},
              {"height", unit.height()},
              {"tendon_strain", unit.tendon_strain},
              {"passive_strain", unit.passive_strain},
              {"passive_shape", unit.passive_shape},
              {"passive_scale", unit.passive_scale},
              {"max_contraction_velocity", unit.max_contraction_velocity},
              {"damping", unit.damping},
              {"minimum_activation", unit.minimum_activation},
              {"activation_time", unit.activation_time},
              {"deactivation_time", unit.deactivation_time},
              {"activation_dynamics", spec.activation_dynamics},
              {"curve", {{curve_name(spec.curve), curve_fields}}},
              {"length", card.length}};
  out["moment_arms"] = json::object();
  for (std::size_t c = 0; c < data.coordinate_names.size(); ++c)
    if (const double arm = card.arms[c]; std::abs(arm) > 1e-9) out["moment_arms"][data.coordinate_names[c]] = arm;
  out["operating_range"] = json::object();
  for (const Operation& one : card.operations) {
    json columns = json::object();
    const auto column = [&](const char* key, auto&& of) {
      json values = json::array();
      for (const Place& place : one.places) values.push_back(of(place));
      columns[key] = std::move(values);
    };
    column("coordinate", [](const Place& p) { return p.coordinate; });
    column("length", [](const Place& p) { return p.length; });
    column("moment_arm", [](const Place& p) { return p.arm; });
    column("normalised_fibre_length_rest",
           [&](const Place& p) { return p.rest.fibre_length / unit.optimal_fibre_length; });
    column("normalised_fibre_length_active",
           [&](const Place& p) { return p.active.fibre_length / unit.optimal_fibre_length; });
    column("sarcomere_length_rest", [&](const Place& p) { return sarcomere_length(unit, p.rest.fibre_length); });
    column("tendon_force_rest", [](const Place& p) { return p.rest.tendon_force; });
    column("tendon_force_active", [](const Place& p) { return p.active.tendon_force; });
    column("outside_domain", [](const Place& p) { return p.rest.outside_domain; });
    out["operating_range"][data.coordinate_names[at(one.coordinate)]] = std::move(columns);
  }
  const Curves curves(unit);
  out["curves"] = {{"normalised_fibre_length", curves.norm_length},
                   {"active_force", curves.active},
                   {"passive_force", curves.passive},
                   {"normalised_velocity", curves.norm_velocity},
                   {"force_velocity", curves.force_velocity},
                   {"tendon_strain", curves.tendon_strain},
                   {"tendon_force", curves.tendon}};
  return out;
}

}  // namespace

std::string muscle_cards_text(const Model& model, const std::vector<int>& muscles) {
  std::string out;
  for (const Card& card : cards_of(model, muscles)) out += (out.empty() ? "" : "\n") + text_of(model, card);
  return out;
}

json muscle_cards_json(const Model& model, const std::vector<int>& muscles) {
  json out = json::array();
  for (const Card& card : cards_of(model, muscles)) out.push_back(json_of(model, card));
  return out;
}

}  // namespace psoas::app
