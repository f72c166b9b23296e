// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// All muscles of a model in one pass: what unit.hpp computes for one, several muscles an instruction.
//   const MuscleBatch batch(muscles);   BatchFibres fibre(batch.size());   BatchForces force(batch.size());
//   batch.rigid(length, speed, fibre, force);   double passive = force.passive[3];
// Arguments and results are arrays with an entry a muscle, in the order of the muscles. Results are those of the scalar
// functions but for rounding, and the same bits on every CPU and at every place in a batch. A nan in an argument makes
// the results of that muscle nan. Nothing but the constructors allocates, and no evaluation throws.
// Add a curve set: without a kernel of its own it is evaluated one muscle at a time, see src/muscle/batch.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "psoas/muscle/unit.hpp"

namespace psoas {

/// Fibres of n muscles; see FibreState.
struct BatchFibres {
  explicit BatchFibres(std::size_t n = 0);
  std::vector<double> fibre_length;                      ///< [m]
  std::vector<double> fibre_velocity;                    ///< lengthening + [m/s]
  std::vector<double> cos_pennation;                     ///< [-]
  std::vector<unsigned char> outside_domain, converged;  ///< 0 or 1
};

/// Forces of n muscles along the tendon [N]; see MuscleForces.
struct BatchForces {
  explicit BatchForces(std::size_t n = 0);
  std::vector<double> active;  ///< per unit of activation
  std::vector<double> passive, damping;
};

/// Equilibria of n muscles; see Equilibrium.
struct BatchEquilibria {
  explicit BatchEquilibria(std::size_t n = 0);
  std::vector<double> fibre_length;                      ///< [m]
  std::vector<double> fibre_velocity;                    ///< lengthening + [m/s]
  std::vector<double> tendon_force;                      ///< [N]
  std::vector<unsigned char> outside_domain, converged;  ///< 0 or 1
};

/// Muscles of any curve sets and tendons, held as arrays of their parameters, one group for each curve set. Immutable:
/// any number of threads may share one. Spans and results must have size() entries.
class MuscleBatch {
 public:
  explicit MuscleBatch(std::span<const MuscleParameters> muscles = {});

  std::size_t size() const;
  std::span<const int> rigid_tendons() const;  ///< muscles that have one

  /// rigid_tendon_fibre() and fibre_forces() of every muscle at path lengths [m] and lengthening speeds [m/s]. Forces
  /// agree with the scalar functions to 1e-13 of F0 plus force. `activation` is what Thelen's force over velocity takes;
  /// none is full activation.
  void rigid(std::span<const double> length, std::span<const double> speed, BatchFibres& fibre, BatchForces& force,
             std::span<const double> activation = {}) const;

  /// compliant_fibre() of every muscle at path and fibre lengths [m] and activations: velocity from the force balance,
  /// which is met to 1e-13 of F0 plus load. `fibre_length` may be the one of `fibre`.
  void fibre_velocity(std::span<const double> length, std::span<const double> fibre_length,
                      std::span<const double> activation, BatchFibres& fibre) const;

  /// The same, and fibre_forces() and tendon_force() [N] of every muscle, of rigid tendons what a compliant one would have.
  /// Forces agree with the scalar functions to 1e-13 of F0 plus force.
  void fibre_velocity(std::span<const double> length, std::span<const double> fibre_length,
                      std::span<const double> activation, BatchFibres& fibre, BatchForces& force,
                      std::span<double> tendon_force) const;

  /// activation_rate() [1/s] of every muscle at excitations and activations, to the bit.
  void activation_rate(std::span<const double> excitation, std::span<const double> activation,
                       std::span<double> rate) const;

  /// equilibrium() of every muscle, rigid tendons too: fibre lengths agree to 1e-12 of l0. `guess`: fibre lengths [m] to
  /// start from, the ones of `found` from the frame before for instance; a nan among them, or none at all, starts cold.
  /// Muscles with several balances (see there) may come to another of these than equilibrium() does.
  void equilibrium(std::span<const double> length, std::span<const double> speed, std::span<const double> activation,
                   BatchEquilibria& found, std::span<const double> guess = {}) const;

 private:
  void fibre_velocity(std::span<const double> length, std::span<const double> fibre_length,
                      std::span<const double> activation, BatchFibres& fibre, BatchForces* force,
                      std::span<double> tendon_force) const;
  struct Groups;
  std::shared_ptr<const Groups> groups_;
};

}  // namespace psoas
