// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Forward integration (Boost.Odeint, dopri5 with error control and dense output): of the whole model, and of muscles
// along a prescribed motion.
//   simulate(model, state, {.locked = {0, 1}, .duration = 2.0}, [&](const State& now, …) { … });
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "psoas/model/model.hpp"
#include "psoas/solve/external.hpp"

namespace psoas {

/// What a simulation is told.
struct SimulationOptions {
  std::vector<char> locked;         ///< per independent coordinate: does not move; empty: none
  std::vector<double> excitation;   ///< per muscle, constant [-]; empty: each at its least activation
  double duration = 1.0;            ///< [s]
  double step = 0.01;               ///< between calls of the observer [s]
  double tolerance = 1e-8;          ///< absolute and relative error a step
  std::vector<ExternalLoad> loads;  ///< from outside
};

/// Accelerations of independent coordinates (0 where locked) under gravity, muscles, passive elements, contact and
/// external loads at a state, and the state's other rates. Allocates when made, never after.
class ForwardDynamics {
 public:
  ForwardDynamics(const Model& model, SimulationOptions options);
  ~ForwardDynamics();
  ForwardDynamics(ForwardDynamics&&) noexcept;

  /// Rates at time t [s] of the state's vector [q, u, activation, fibre length]. Fills what is below.
  void rates(double t, std::span<const double> state, std::span<double> out);
  const Workspace& work() const;
  /// Per body: what planes and external loads exert, about ground's origin in ground [N m, N].
  std::span<const Spatial> external() const;
  std::span<const double> udot() const;

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

/// Integrates from `state`, calling `observe(state, dynamics)` at 0, step, 2 step, … with rates() evaluated there.
/// Throws Error(numeric) with time and what went wrong when a step cannot be made.
void simulate(const Model& model, State state, const SimulationOptions& options,
              const std::function<void(const State&, const ForwardDynamics&)>& observe);

/// One muscle along a prescribed motion: samples at increasing times of path length [m] and of the activation to follow.
struct MuscleTrack {
  std::span<const double> time, length, activation;
};

/// Activation and tendon force [N] of a muscle at the samples of a track, integrated (activation dynamics under the
/// excitation that reproduces the track's activation where [0, 1] allows, fibre length by the damped force balance) from
/// static equilibrium at the first sample. Returns the number of steps. Throws Error(numeric).
int integrate_muscle(const MuscleParameters& unit, const MuscleTrack& track, double tolerance,
                     std::span<double> activation, std::span<double> tendon_force);

}  // namespace psoas
