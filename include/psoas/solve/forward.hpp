// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Forward integration (with error control and dense output): of the whole model with
// its events and its energy audit, and of muscles along a prescribed motion.
//   simulate(model, state, {.locked = {0, 1}, .duration = 2.0}, [&](const State& now, const ForwardDynamics&) { … });
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psoas/model/model.hpp"
#include "psoas/solve/control.hpp"
#include "psoas/solve/external.hpp"

namespace psoas {

/// What happens when a function of the state changes its sign.
struct Event {
  std::string name;                           ///< of the time while the function is positive
  std::function<double(const State&)> value;  ///< continuous; positive while it lasts
  bool restart = false;                       ///< the right side is not smooth there: integration starts anew
};

/// An event that was met.
struct EventTime {
  double time = 0.0;   ///< [s], to 1e-9
  int event = 0;       ///< index into SimulationOptions::events
  bool begins = true;  ///< else it ends
};

/// How states are integrated: by Dormand and Prince's explicit method; by a Rosenbrock method with the whole Jacobian,
/// dense; by an additive Runge-Kutta method that is implicit in what fibres, tendons, torques at coordinates and contacts do,
/// and explicit in the rest (Kennedy & Carpenter 2003). `automatic`: of more than most_stiff_states states ark4 where the
/// model has contacts or compliant tendons; of fewer rosenbrock4 where the stiffest tendon, or anything else at the start,
/// would hold an explicit method to steps far below those of the motion; else dopri5.
enum class Integrator { automatic, dopri5, rosenbrock4, ark4 };

/// More states than this are refused to rosenbrock4, which factorises dense matrices.
inline constexpr int most_stiff_states = 100;

class ForwardDynamics;

/// Feedback at even instants. At the start and every `interval` the state is shown with rates() evaluated there; what is
/// then set holds until the next instant, at which integration starts anew.
struct SampledControl {
  double interval = 0.01;  ///< [s], at least 1e-4
  /// Sets the excitation of each muscle [-], held within [0, 1], in place of the constant one, and the generalised force
  /// at each independent coordinate [N m, N], whose work is control work. Both come as they were set last.
  std::function<void(const ForwardDynamics& now, std::span<double> excitation, std::span<double> force)> act;
};

/// What a simulation is told.
struct SimulationOptions {
  std::vector<char> locked;        ///< per independent coordinate: does not move; empty: none
  std::vector<double> excitation;  ///< per muscle, constant [-]; empty: each at its least activation
  double duration = 1.0;           ///< [s]
  double step = 0.01;              ///< between calls of the observer [s]
  double tolerance = 1e-6;         ///< absolute and relative error a second; of ark4 what is left of it 0.1 s later
  Integrator integrator = Integrator::automatic;
  std::vector<OpenLoop> open_loop;
  std::vector<StretchReflex> reflexes;
  std::optional<SampledControl> sampled;
  std::vector<CoordinateForce> forces;
  std::vector<PrescribedCoordinate> prescribed;
  std::vector<ExternalLoad> loads;  ///< from outside
  std::vector<Event> events;        ///< may share what they need to find their values: for one simulation at a time
};

/// Where energy came from and went, since the start [J]. Muscles are black boxes from path to path: what tendons and
/// fibres store is inside. The works and losses are integrated along with the states; kinetic and potential energy are
/// those of the instant.
struct EnergyAudit {
  double muscle_work = 0.0;    ///< -int F dL
  double external_work = 0.0;  ///< from outside: of what moves prescribed coordinates, and of external loads
  double control_work = 0.0;   ///< of forces at coordinates
  double dissipated = 0.0;     ///< outside muscles
  double kinetic_change = 0.0;
  double potential_change = 0.0;  ///< of weight, passive elements and contact
  double turnover = 0.0;          ///< int |F dL| over all muscles
  /// So far, at the instants that were shown: kinetic energy, change of potential energy, imbalance, all without sign.
  double greatest_kinetic = 0.0, greatest_potential = 0.0, greatest_imbalance = 0.0;

  /// What is not accounted for: 0 but for errors of integration.
  double imbalance() const {
    return muscle_work + external_work + control_work - dissipated - kinetic_change - potential_change;
  }
  /// The greatest one over the energy that muscles turned over, or, where that was next to nothing, over all other
  /// energy. Infinite where an energy is no number.
  double relative() const;
  /// Whether muscles turned over enough to be what it is measured by.
  bool by_muscles() const { return turnover > 1e-2 * other_energy(); }
  double other_energy() const { return greatest_kinetic + greatest_potential + std::abs(dissipated); }
};

/// The right side of a simulation: rates of the states [q, u, activation, fibre length] under gravity, muscles, passive
/// elements, contact, external loads and controls, followed by those of the works of EnergyAudit. Allocates when made, never after.
class ForwardDynamics {
 public:
  ForwardDynamics(const Model& model, SimulationOptions options);
  ~ForwardDynamics();
  ForwardDynamics(ForwardDynamics&&) noexcept;

  int size() const;  ///< states of the model and works
  /// Chooses the smooth pieces of all signals that hold from `t` on; the next rates() take their laws.
  void enter(double t);
  /// Rates at t of states `x`, which is State::vector with or without works behind it; `out` is as long as it. Fills all
  /// that is below.
  void rates(double t, std::span<const double> x, std::span<double> out);
  /// Derivatives of rates() by the states (row by row, size() x size()) and by time. By dual numbers through the
  /// skeleton and the paths, and in closed form through compliant muscles; time and rigid tendons, which are functions
  /// of one and two numbers, by central differences.
  void jacobian(double t, std::span<const double> x, std::span<double> by_state, std::span<double> by_time);

  const Workspace& work() const;
  const State& state() const;  ///< with prescribed coordinates where they are prescribed to be
  /// Per body: what planes and external loads exert, about ground's origin in ground [N m, N].
  std::span<const Spatial> external() const;
  std::span<const double> udot() const;
  std::span<const double> excitation() const;        ///< per muscle
  std::span<const double> sampled_force() const;     ///< per independent coordinate: of sampled control [N m, N]
  std::span<const double> prescribed_force() const;  ///< per entry of `prescribed`: generalised force it takes [N m, N]
  double prescribed_force(int coordinate) const;     ///< the same of an independent coordinate; 0 where it is free
  /// Independent coordinates that move and whose motion no mass or inertia resists, at coordinates `q`, others as there:
  /// without these the ones before it in the model move freely. Changes work() and state().
  std::vector<int> unresisted(std::span<const double> q);
  double kinetic_energy() const;     ///< [J]
  double potential_energy() const;   ///< of weight, passive elements and contact [J]
  const EnergyAudit& audit() const;  ///< up to the instant that the observer of simulate() is shown

 private:
  friend class Simulation;
  friend class LinearPart;
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

/// How a simulation went.
struct SimulationReport {
  Integrator integrator = Integrator::dopri5;  ///< the one that was used
  int steps = 0;
  long rates = 0;  ///< evaluations of the right side, those of rejected steps, rows and histories too
  std::vector<EventTime> events;
  EnergyAudit audit;  ///< of the whole
};

/// Integrates from `state`, calling `observe(state, dynamics)` at 0, step, 2 step, … with rates() evaluated there.
/// Throws Error(input) for rosenbrock4 with too many states and for prescribed coordinates whose signal is too short,
/// Error(numeric) with time and what went wrong when a step cannot be made.
SimulationReport simulate(const Model& model, const State& state, const SimulationOptions& options,
                          const std::function<void(const State&, const ForwardDynamics&)>& observe);

/// The passing of each moving independent coordinate beyond its range in the model.
std::vector<Event> range_events(const Model& model, const std::vector<char>& locked);

/// The time in which each sphere of the model presses a plane: touch-down and lift-off, with a new start at both, for
/// contact force begins and ends with a corner in its second derivative. After them, for each plane that several spheres
/// may touch, the time in which any does: a seat's ends at seat-off.
std::vector<Event> contact_events(const Model& model);

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
