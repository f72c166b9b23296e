// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What is stiff in the right side of a simulation, linearised: fibres, tendons, passive elements and contacts.
//   LinearPart part(dynamics);   dynamics.rates(t, x, out);   part.take();   part.factorise(g);   part.solve(r);
#pragma once

#include <span>
#include <vector>

#include "psoas/core/factor.hpp"
#include "psoas/solve/forward.hpp"

namespace psoas {

/// A matrix A near the Jacobian of ForwardDynamics::rates(). Activations decay at their own rates; fibre velocities change
/// with fibre lengths, activations and, by path lengths, coordinates; accelerations with what muscles, torques at
/// coordinates and contacts then do at once. Left out are things that change slowly: moment arms, inertia, weight, bushings
/// between frames, ligaments, works; and what of a muscle would grow by itself. So 1 - g A has an inverse for all g > 0 as
/// far as muscles go; contacts whose friction falls with speed, and torques that fall with angles, stay in as they are.
class LinearPart {
 public:
  /// `dynamics` must outlive it.
  explicit LinearPart(ForwardDynamics& dynamics);
  /// A at the state that rates() saw last.
  void take();
  /// Factorises 1 - g A, g > 0 [s].
  void factorise(double g);
  /// r becomes (1 - g A)^-1 r. Entries beyond the states of the model stay as they are.
  void solve(std::span<double> r);

 private:
  struct Muscle {
    double activation_rate = 0.0, fibre_rate = 0.0, fibre_by_length = 0.0, fibre_by_activation = 0.0;
    double force_by_length = 0.0, force_by_speed = 0.0, force_by_activation = 0.0, force_by_fibre = 0.0;
    // at g, fibres eliminated: 1 / (1 - g fibre_rate), force by path length
    double inverse = 1.0, stiffness = 0.0;
  };
  void take_passive();
  void take_contacts();
  void take_muscles();

  ForwardDynamics::Scratch* dynamics_;
  std::size_t coordinates_ = 0;
  double g_ = 0.0;
  std::vector<int> place_;  // per independent coordinate: its place among the free ones, or -1
  // Moment arms over free coordinates: per muscle where they start, and one more; per arm its coordinate's place, ascending in a muscle; per slot
  // of the model the arm to which it adds, or -1.
  std::vector<int> start_, column_, slot_;
  std::vector<double> arm_;
  std::vector<Muscle> muscle_;
  std::vector<double> activation_, rate_, moved_rate_;
  MatX mass_, stiffness_, damping_, system_;         // over free coordinates
  Eigen::Matrix<double, 3, Eigen::Dynamic> motion_;  // of a touching point, per free coordinate
  std::vector<int> moving_;                          // columns that are not 0
  VecX known_, right_, moved_;
  Eigen::PartialPivLU<MatX> factor_;
};

}  // namespace psoas
