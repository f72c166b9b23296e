// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscles written by chance: a model's text with one muscle whose fields are anything, and what must hold of it.
//   const std::string fault = muscle_fault(random_muscle_model(next));   // next() gives 64 bits
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <variant>

#include "psoas/core/error.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "psoas/muscle/activation.hpp"
#include "psoas/muscle/metabolic.hpp"

namespace psoas::test {

using Bits = std::function<std::uint64_t()>;

inline double share(const Bits& next) { return static_cast<double>(next() >> 11) * 0x1p-53; }

/// A value for a field: mostly one that its range allows, sometimes its ends, sometimes what no file should say.
inline nlohmann::json random_value(const Bits& next, const Info& info) {
  const double low = std::isfinite(info.low) ? info.low : -1e3, high = std::isfinite(info.high) ? info.high : 1e3;
  switch (next() % 24) {
    case 0:
      return low;
    case 1:
      return high;
    case 2:
      return std::nextafter(low, -inf);
    case 3:
      return 2.0 * high + 1.0;
    case 4:
      return 0.0;
    case 5:
      return -1.0;
    case 6:
      return 1e308;
    case 7:
      return 5e-324;
    case 8:
      return next() % 2 == 0 ? nlohmann::json("0.1") : nlohmann::json(nullptr);
    case 9:
    case 10:
    case 11:
      return low > 0.0 ? low * std::pow(high / low, share(next)) : low + (high - low) * std::pow(share(next), 6);
    default:
      return low + (high - low) * share(next);
  }
}

/// Some of the fields of an object that are numbers.
template <class T>
void random_numbers(const Bits& next, nlohmann::json& out, std::uint64_t one_in) {
  T object;
  T::each(object, [&](const char* key, auto& field, const Info& info) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, double>)
      if (next() % one_in == 0) out[key] = random_value(next, info);
  });
}

/// psoas-model/1 with one muscle on a sliding body.
inline std::string random_muscle_model(const Bits& next) {
  nlohmann::json muscle = {{"path",
                            {{{"body", "ground"}, {"location", {0, 0, 0}}},
                             {{"body", "slider"}, {"location", {share(next), 0.1 * share(next), 0}}}}},
                           {"max_isometric_force", 1e3 * share(next)},
                           {"optimal_fibre_length", 0.005 + 0.5 * share(next) * share(next)},
                           {"tendon_slack_length", share(next)}};
  random_numbers<MuscleSpec>(next, muscle, 4);
  muscle.erase("physiological_cross_section_area");
  if (next() % 4 == 0) muscle["tendon"] = "rigid";
  if (next() % 3 == 0) muscle["activation_dynamics"] = next() % 9 == 0 ? "smooth" : "thelen";
  nlohmann::json fields = nlohmann::json::object();
  switch (next() % 4) {
    case 0:
      random_numbers<DeGrooteFregly>(next, fields, 2);
      muscle["curve"]["de_groote_fregly"] = fields;
      break;
    case 1:
      random_numbers<Millard>(next, fields, 8);
      muscle["curve"]["millard"] = fields;
      break;
    case 2:
      random_numbers<Thelen>(next, fields, 2);
      muscle["curve"]["thelen"] = fields;
      break;
    default:
      break;
  }
  return nlohmann::json(
             {{"format", "psoas-model/1"},
              {"bodies", {{"slider", {{"mass", 1}, {"mass_center", {0, 0, 0}}, {"inertia", {1, 1, 1, 0, 0, 0}}}}}},
              {"coordinates", {{"slide", {{"motion", "translation"}}}}},
              {"joints",
               {{"slide",
                 {{"parent", "ground"},
                  {"child", "slider"},
                  {"motion", {{"custom", {{"translations", {{{"axis", {1, 0, 0}}, {"coordinate", "slide"}}}}}}}}}}}},
              {"muscles", {{"muscle", muscle}}}})
      .dump();
}

/// The name of a quantity of the unit that is not a number somewhere on a grid of lengths, speeds and activations.
inline std::string unit_fault(const MuscleParameters& unit) {
  std::string fault;
  const auto see = [&](const char* what, double value) {
    if (!std::isfinite(value) && fault.empty()) fault = what;
  };
  const double reach = unit.tendon_slack_length + unit.optimal_fibre_length;
  for (const double stretch : {0.0, 0.3, 0.8, 1.0, 1.05, 1.2, 2.0, 10.0})
    for (const double norm_speed : {-3.0, -1.0, 0.0, 0.4, 2.0})
      for (const double a : {0.0, unit.minimum_activation, 0.5, 1.0}) {
        const double L = stretch * reach, speed = norm_speed * unit.max_speed();
        const Equilibrium balance = equilibrium(unit, L, speed, a);
        see("equilibrium fibre length", balance.fibre_length);
        see("equilibrium fibre velocity", balance.fibre_velocity);
        see("equilibrium tendon force", balance.tendon_force);
        const FibreState fibre = unit.has_rigid_tendon()
                                     ? rigid_tendon_fibre(unit, L, speed)
                                     : compliant_fibre(unit, L, stretch * unit.optimal_fibre_length, a);
        const MuscleQuantities all = muscle_quantities(unit, L, fibre, a);
        see("fibre velocity", all.fibre_velocity);
        see("active force", all.active_force);
        see("passive force", all.passive_force);
        see("damping force", all.damping_force);
        see("tendon force", all.tendon_force);
        see("active power", all.active_power);
        see("pennation", all.pennation);
        see("passive energy", passive_energy(unit, fibre.fibre_length));
        see("tendon energy", tendon_energy(unit, L, fibre.fibre_length));
        const MuscleStiffness stiff = stiffness(unit, L, fibre, a);
        see("fibre stiffness", stiff.fibre);
        see("fibre stiffness along the tendon", stiff.fibre_along);
        see("muscle-tendon stiffness", stiff.muscle_tendon);
        if (!unit.has_rigid_tendon()) {
          const FibreVelocitySlopes slopes = fibre_velocity_slopes(unit, L, stretch * unit.optimal_fibre_length, a);
          see("slope of fibre velocity over fibre length", slopes.by_fibre_length);
          see("slope of fibre velocity over length", slopes.by_length);
          see("slope of fibre velocity over activation", slopes.by_activation);
        }
        const double e = a;
        see("activation rate", activation_rate(unit, e, 0.3));
        if (unit.max_isometric_force > 0.0) {
          const MetabolicState state = metabolic_state(unit, fibre, e, a);
          see("metabolic rate (Umberger)", umberger2010(unit, {}, state).total);
          see("metabolic rate (Bhargava)", bhargava2004(unit, {}, state).total);
        }
      }
  return fault;
}

/// Empty where the text is refused with an Error or its muscle gives numbers everywhere.
inline std::string muscle_fault(const std::string& text, bool* accepted = nullptr) {
  try {
    const Model model(parse_model("fuzz", text));
    if (accepted) *accepted = true;
    for (const MuscleParameters& unit : model.data().units)
      if (std::string fault = unit_fault(unit); !fault.empty()) return fault + " is not a number";
    State state = model.default_state();
    Workspace work(model);
    for (const double slide : {-1.0, 0.0, 0.1, 5.0}) {
      for (double& q : state.q()) q = slide;
      evaluate(model, state, work, Depth::velocity);
      rigid_tendon_forces(model, work);
      for (int m = 0; m < model.muscles(); ++m) {
        const std::size_t i = static_cast<std::size_t>(m);
        if (!std::isfinite(work.force.active[i] + work.force.passive[i]))
          return "force of the model's muscle is not a number";
      }
    }
  } catch (const Error& error) {
    if (std::string(error.what()).size() < 10) return "an error that says nothing";
  }
  return "";
}

}  // namespace psoas::test
