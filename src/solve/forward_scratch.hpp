// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What ForwardDynamics holds, shared by forward.cpp (the right side and its derivatives) and simulate.cpp (over time).
#pragma once

#include <vector>

#include "psoas/core/factor.hpp"
#include "psoas/solve/forward.hpp"
#include "solve/delay_line.hpp"

namespace psoas {

/// The works behind the states of the model, in the order in which they are integrated.
enum AuditState : std::size_t { muscle_work, turnover, external_work, control_work, dissipated, audit_states };

/// What is wrong with a coordinate that nothing resists.
inline constexpr const char* no_inertia = "expected mass or inertia that resists this coordinate, found none";

/// How the force of a muscle and the rate of its state change.
struct MuscleSlopes {
  double by_length = 0.0, by_speed = 0.0, by_activation = 0.0, by_fibre = 0.0;
  FibreVelocitySlopes rate;
};

/// At path length [m], lengthening speed, activation and integrated fibre length, where compliant_fibre() found `fibre`.
MuscleSlopes muscle_slopes(const MuscleParameters& unit, double length, double speed, double activation,
                           double fibre_length, const FibreState& fibre);

struct ForwardDynamics::Scratch {
  Scratch(const Model& model, SimulationOptions options);

  /// The state's segments at t, with speeds of locked and values of prescribed coordinates put in.
  void place(double t, std::span<const double> x);
  /// Excitation of each muscle at t.
  void excite(double t);
  /// Projected mass matrix of all independent coordinates, after evaluate(): lower triangle.
  void project_mass();
  /// Its part that moves: lower triangle.
  void mass_of_free();
  /// The factor of that. Throws Error(numeric) naming a coordinate that nothing resists.
  void factorise();
  /// Accelerations of the coordinates that move, from `projected`.
  void accelerate();

  Model model;
  SimulationOptions options;
  Workspace work;
  State state;
  std::vector<int> free;  // coordinates that the motion decides
  bool plain = false;     // every coordinate of the tree is independent and free
  std::vector<double> udot, known, projected, muscle_moment, excitation, prescribed_force;
  std::vector<double> sampled_excitation, sampled_force;  // as sampled control has set them; empty: there is none
  std::vector<double> tree_udot, tau, mass;
  std::vector<Spatial> external;  // per body: of loads and contact
  MatX M, free_mass;              // of all independent coordinates, of the free ones
  VecX rhs;
  Eigen::LLT<MatX> factor;
  EnergyAudit audit;

  std::vector<int> open_loop_piece, force_piece;
  std::vector<int> open_loop_of;   // per muscle: index into options.open_loop, or -1
  DelayLine history;               // two channels a reflex: l/l0, dl/dt/l0
  std::vector<char> reflex_begun;  // per reflex: what it feels is after the start
  std::vector<char> reflex_felt;   // two a reflex: beyond its threshold of length, of velocity
  bool reflexes_held = false;      // these stay as they are

  long count = 0;  // of rates()

  // jacobian(): made when it is first asked for
  struct Derivatives;
  std::unique_ptr<Derivatives> derivatives;
  ~Scratch();
};

}  // namespace psoas
