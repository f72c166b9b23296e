// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Where a body comes to rest by itself: minima of the energy that weight, passive tissue and muscles at a fixed
// activation store.
//   StoredEnergy energy(model, {model.coordinate("hip_flexion_r")});
//   RestPosture rest = come_to_rest(energy, model.default_state().q());   rest.q, rest.stiffness[0] > 0
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

/// V(q), the energy of a body that is held still: of weight, of passive elements, of spheres pressed into planes, and the
/// work that stretching its muscles takes. Tendons are rigid, as in inverse methods, and activations fixed, so a muscle's
/// force is a function of its path's length and has a potential,
///   V_m = F0 l0 (a ∫ fL + ∫ fP),   dV_m/dL = F0 (a fL + fP) cos(alpha),
/// the first integral counted from optimal fibre length. Friction, which holds at no speed, is not in it.
/// Allocates when made, never after. One per thread.
class StoredEnergy {
 public:
  /// Derivatives are over the independent coordinates `free` (indices, ascending); `activation` is one a muscle, or none:
  /// each muscle's least. Throws Error(input) for other numbers of them, or coordinates that the model does not have.
  StoredEnergy(const Model& model, std::vector<int> free, std::vector<double> activation = {});

  /// V [J] at independent coordinates q [rad, m], and its gradient.
  double move_to(std::span<const double> q);
  /// dV/dq over the free coordinates at the last move_to() [N m, N]: what holds the posture, 0 in equilibrium.
  const VecX& gradient() const { return gradient_; }
  /// Second derivatives there [N m/rad and so on], by dual numbers and the muscles' own stiffness. Where a string lifts
  /// off a surface, or a sphere off a plane, they jump: those of the side on which q lies.
  const MatX& hessian();
  /// The terms that add up to it, at the last hessian() [N m/rad and so on].
  struct Terms {
    MatX weight;   ///< of weight and of spheres pressed into planes
    MatX passive;  ///< of passive elements
    MatX path;     ///< F d2L/dq dq: of muscles whose force stays while their path moves
    MatX fibre;    ///< dF/dL (dL/dq)(dL/dq)^T: of their own stiffness
  };
  const Terms& terms() const { return terms_; }
  /// How moment arms change, at the last hessian().
  const MomentArmSlopes& slopes() const { return slopes_; }

  const Model& model() const { return model_; }
  std::span<const int> free() const { return free_; }
  std::span<const double> activation() const { return activation_; }
  // of the last move_to()
  std::span<const double> q() const { return q_; }
  const Workspace& work() const { return work_; }
  std::span<const double> tendon_force() const { return tendon_force_; }  ///< per muscle [N]
  /// What planes exert on each body, about ground's origin in ground [N m, N].
  std::span<const Spatial> external() const { return work_.contact.external; }

 private:
  void find_rest_terms();
  void find_muscle_terms();

  Model model_;
  std::vector<int> free_;
  std::vector<double> activation_, q_, still_, tendon_force_, tree_force_, tree_still_;
  Workspace work_;
  MomentArmSlopes slopes_;
  TreeWork<Dual<4>> dual_tree_;
  PassiveWork<Dual<4>> dual_passive_;
  ContactWork<Dual<4>> dual_contact_;
  std::vector<Dual<4>> dual_q_, dual_slope_, dual_still_, dual_force_, dual_torque_;  // per coordinate of the tree
  std::vector<int> place_;  // per independent coordinate: its place among the free ones, or -1
  VecX gradient_;
  MatX hessian_;
  Terms terms_;
};

/// How a posture of rest is looked for.
struct RestOptions {
  double tolerance = 1e-9;  ///< greatest gradient that counts as none [N m, N]
  int max_steps = 200;
  /// Per free coordinate: where bones or the study stop it [rad, m]; empty: the ranges in the model.
  std::vector<std::array<double, 2>> bounds;
};

/// A posture in which nothing moves.
struct RestPosture {
  std::vector<double> q;     ///< all independent coordinates [rad, m]
  double energy = 0.0;       ///< V [J]
  double residual = 0.0;     ///< greatest gradient over free coordinates that no stop holds [N m, N]
  std::vector<double> stop;  ///< per free coordinate: what a stop at the end of its range exerts, else 0 [N m, N]
  std::vector<double>
      stiffness;  ///< eigenvalues of the second derivatives over coordinates that no stop holds, ascending
  MatX modes;     ///< their eigenvectors, one a column, over all free coordinates
  int steps = 0;
  bool converged = false;  ///< residual within the tolerance

  /// Whether any small displacement is pushed back.
  bool stable() const { return converged && (stiffness.empty() || stiffness.front() > 0.0); }
};

/// Follows V downhill from a posture to a minimum over the free coordinates, the others held: Newton steps within a trust
/// region, found exactly by the eigenvectors of the Hessian (Moré & Sorensen 1983), along its most negative curvature
/// where the gradient vanishes on a ridge; coordinates stay within their bounds, and one at a bound leaves it when V
/// falls inwards. The same start gives the same bits.
RestPosture come_to_rest(StoredEnergy& energy, std::span<const double> start, const RestOptions& options = {});

/// The minima reached from `start` and from `scattered` starts all over the bounds of the free coordinates (scatter()
/// of core/sampling.hpp), each once, lowest energy first. Those whose coordinates differ by less than 1e-5 are one.
/// Starts from which none was reached are left out; `reached` counts, per posture, the starts that led to it.
struct RestPostures {
  std::vector<RestPosture> postures;
  std::vector<int> reached;
  int from_start = -1;  ///< the one that the given start led to; -1: none
  int lost = 0;         ///< starts that led to none
};
RestPostures find_rest_postures(StoredEnergy& energy, std::span<const double> start, int scattered,
                                const RestOptions& options = {});

/// How the coordinates of a posture of rest change [rad, m] a unit of some number p of the model, by the implicit function
/// theorem on the gradient: dq/dp = -H^-1 dg/dp, coordinates at stops held. `low` and `high` are the energies of models
/// with p less and more by `step`. One entry a free coordinate.
VecX rest_sensitivity(StoredEnergy& energy, const RestPosture& rest, StoredEnergy& low, StoredEnergy& high,
                      double step);

}  // namespace psoas
