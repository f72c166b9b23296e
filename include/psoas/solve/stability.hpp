// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Whether a posture that muscles hold resists a small push: the stiffness of its lumbar levels, and how stiff active
// muscle has to be for it.
//   const Model free(free_levels(model.spec()));
//   PostureStiffness spine(free, level_coordinates(free), activation);
//   spine.move_to(posture_of(model, q, free));   spine.critical_gain();   spine.least(10.0).mode
#pragma once

#include <span>
#include <vector>

#include "psoas/solve/equilibrium.hpp"

namespace psoas {

/// The least stiffness of a posture at one gain.
struct LeastStiffness {
  /// Least eigenvalue of K against the stiffness of the passive elements, K v = x K_passive v [-]: of what these alone
  /// would resist in the mode, how much is there. 1 were there no weight and no muscle, below 0 the posture gives way.
  /// Not a number where passive elements do not resist every rotation by themselves.
  double relative = 0.0;
  double stiffness = 0.0;  ///< least eigenvalue of K itself [N m/rad]
  /// Per coordinate: the mode of `relative`, or of `stiffness` where that is none, its largest entry 1 [-].
  VecX mode;
};

/// What one muscle adds to the stiffness along a displacement d of the coordinates, d^T K d for d in rad [N m].
struct StiffnessShare {
  double path = 0.0;     ///< of the force that it has, as its path bends and its moment arms change
  double active = 0.0;   ///< of its active fibres' stiffness, by the gain
  double passive = 0.0;  ///< of its passive fibres' stiffness
};

/// K, the stiffness over some coordinates of a posture that muscles hold, all others held:
///   K = K_weight + K_passive + sum over muscles [F d2L/dq dq + (gain F_active / L + k_fibre) (dL/dq)(dL/dq)^T]
/// The stiffness of active fibres is proportional to their force along the tendon over the length L of the whole path
/// (Bergmark 1989), whatever the slope of the force-length curve, which tells what a slow stretch at fixed activation
/// meets and which is negative beyond optimal length. The passive fibres' stiffness k_fibre is that of their curve, with
/// the tendon rigid. Activations and contact forces stay; no reflex acts.
/// Allocates when made and in what returns matrices. One per thread.
class PostureStiffness {
 public:
  /// Over independent coordinates (indices, ascending), with one activation a muscle. Throws Error(input) for others.
  PostureStiffness(const Model& model, std::vector<int> coordinates, std::vector<double> activation);

  /// Goes to independent coordinates q [rad, m].
  void move_to(std::span<const double> q);

  // of the last move_to()
  /// K at a gain [N m/rad and so on].
  MatX at_gain(double gain) const { return without_gain_ + gain * by_gain_; }
  /// K as gain grows by 1: positive semidefinite.
  const MatX& by_gain() const { return by_gain_; }
  const MatX& weight() const { return energy_.terms().weight; }    ///< K_weight
  const MatX& passive() const { return energy_.terms().passive; }  ///< K_passive
  /// Moments that nothing balances [N m]: 0 in equilibrium. Elsewhere K depends on the choice of coordinates.
  const VecX& imbalance() const { return energy_.gradient(); }

  /// The gain at which the least eigenvalue of K is 0: below it the posture gives way. Negative where it needs no
  /// active stiffness at all; infinite where none up to 1e6 is enough, minus infinite where none is missed.
  double critical_gain() const;
  LeastStiffness least(double gain) const;
  StiffnessShare share(int muscle, const VecX& displacement, double gain) const;

  const Model& model() const { return energy_.model(); }
  std::span<const int> coordinates() const { return energy_.free(); }

 private:
  struct Fibres {
    double active = 0.0, passive = 0.0;  // [N/m], of a gain of 1 and of passive fibres
  };
  Fibres fibres(int muscle) const;

  StoredEnergy energy_;
  std::vector<int> place_;  // per independent coordinate: its place among those of K, or -1
  MatX without_gain_, by_gain_;
};

/// The independent coordinates that the rotations of a model's lumbar levels follow, ascending: with free levels
/// (free_levels.hpp) these rotations themselves. Throws Error(model) where a level's rotation has none.
std::vector<int> level_coordinates(const Model& model);

/// Independent coordinates [rad, m] of a model with free levels at the posture q of the model that it was made from.
std::vector<double> posture_of(const Model& rhythm, std::span<const double> q, const Model& free);

}  // namespace psoas
