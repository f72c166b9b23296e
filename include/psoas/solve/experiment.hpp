// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// One muscle in an apparatus: its path length and its excitation are prescribed over time, its states are integrated with
// Boost.Odeint, and everything about it is told at each instant.
//   run_experiment(unit, {}, length, excitation, {}, times, [&](const ExperimentInstant& now) { … });
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "psoas/muscle/metabolic.hpp"
#include "psoas/muscle/unit.hpp"

namespace psoas {

/// A quantity over time, given at increasing times [s]: constant before the first and after the last.
struct History {
  std::vector<double> time, value;
  bool steps = false;  ///< each value holds until the next time; else straight lines join them

  /// Value and rate [per s] at t; at a corner those of what follows.
  struct Point {
    double value, rate;
  };
  Point at(double t) const;
};

/// How the states are integrated.
struct ExperimentOptions {
  bool stiff = false;       ///< Rosenbrock of fourth order with Jacobian, else Dormand-Prince of fifth
  double tolerance = 1e-9;  ///< absolute and relative error a step, of activation, of l / l0, and of works over F0 l0
};

/// Everything about the muscle at one instant. Powers [W] and works [J] are given off +: works are since the start.
struct ExperimentInstant {
  double time = 0.0;                          ///< [s]
  double length = 0.0, speed = 0.0;           ///< of the path [m], lengthening + [m/s]
  double excitation = 0.0, activation = 0.0;  ///< [-]
  MuscleQuantities muscle;                    ///< fibres, tendon, forces
  MuscleStiffness stiffness;                  ///< [N/m]
  double muscle_tendon_power = 0.0;           ///< of the whole unit on what holds it
  double contractile_work = 0.0, damping_work = 0.0, muscle_tendon_work = 0.0;
  double passive_energy = 0.0, tendon_energy = 0.0;     ///< stored [J]
  MetabolicRate umberger, bhargava;                     ///< [W]
  double umberger_energy = 0.0, bhargava_energy = 0.0;  ///< since the start [J]
};

/// Why a muscle cannot be put into the apparatus ("expected …"), or empty: it needs force, and with a compliant tendon
/// damping or a least activation.
std::string experiment_fault(const MuscleParameters& unit);

/// Integrates activation, fibre length (of a compliant tendon) and works, from static equilibrium under the excitation at
/// times.front() held for ever, and calls `observe` at each of the increasing `times`. Corners of the histories are never
/// stepped over. Returns the number of steps. Throws Error(input) for histories or times that are empty, not finite or do
/// not increase, and for a muscle with an experiment_fault(); Error(numeric) with the time where no step can be made, or more than a million would be.
int run_experiment(const MuscleParameters& unit, const MetabolicParameters& metabolic, const History& length,
                   const History& excitation, const ExperimentOptions& options, std::span<const double> times,
                   const std::function<void(const ExperimentInstant&)>& observe);

}  // namespace psoas
