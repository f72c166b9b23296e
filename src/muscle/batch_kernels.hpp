// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The passes of batch_passes.hpp, compiled for several instruction sets; the program takes the widest that its CPU has.
// `converged` is 0 where a pass gives no answer and the scalar function must.
#pragma once

#include <span>
#include <vector>

#include "muscle/batch_blocks.hpp"

namespace psoas::batch {

/// Where arguments of muscles are and results go; null where there are none.
struct Arguments {
  const double *length = nullptr, *speed = nullptr, *fibre_length = nullptr, *activation = nullptr;
};
struct Results {
  double *fibre_length = nullptr, *fibre_velocity = nullptr, *cos_pennation = nullptr;
  double *active = nullptr, *passive = nullptr, *damping = nullptr, *tendon_force = nullptr;
  unsigned char *outside_domain = nullptr, *converged = nullptr;
};

void rigid(std::span<const DeGrooteBlock>, const Arguments&, const Results&);
void rigid(std::span<const MillardBlock>, const Arguments&, const Results&);
void rigid(std::span<const ThelenBlock>, const Arguments&, const Results&);
void rigid_equilibrium(std::span<const DeGrooteBlock>, const Arguments&, const Results&);
void rigid_equilibrium(std::span<const MillardBlock>, const Arguments&, const Results&);
void rigid_equilibrium(std::span<const ThelenBlock>, const Arguments&, const Results&);
void fibre_velocity(std::span<const DeGrooteBlock>, const Arguments&, const Results&);
void fibre_velocity(std::span<const MillardBlock>, const Arguments&, const Results&);
void equilibrium(std::span<const DeGrooteBlock>, const Arguments&, const Results&);
void equilibrium(std::span<const MillardBlock>, const Arguments&, const Results&);

/// Time constants of activation dynamics of all muscles; `smooth` is 1 for De Groote's and Fregly's, 0 for Thelen's.
struct ActivationTimes {
  std::vector<double> rise, fall, smooth;
};
/// Rates of activation at excitations and activations.
void activation_rate(const ActivationTimes&, std::span<const double> excitation, std::span<const double> activation,
                     std::span<double> rate);

}  // namespace psoas::batch
