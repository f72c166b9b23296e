// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// One instant of a prescribed motion: inverse dynamics, muscle redundancy with contacts in the same problem, joint loads.
//   InverseSolver solver(model, {});
//   solver.net(q, u, udot);   solver.solve({.feet = 1.0, .seat = 0.0});   solver.level(0).compression;
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psoas/model/model.hpp"
#include "psoas/solve/equations.hpp"
#include "psoas/solve/forward.hpp"
#include "psoas/solve/pelvic_ring.hpp"
#include "psoas/solve/redundancy.hpp"

namespace psoas {

/// How redundancy is resolved. The defaults are those of docs/science.md.
struct InverseOptions {
  double power = 2.0;              ///< p of the cost sum w a^p, >= 1.5 [-]
  std::string weight = "one";      ///< w: one, volume (F0 l0) or area (F0), relative to the mean over muscles
  double reserve = 1.0;            ///< scale r0 of reserves at rotations [N m]
  double reserve_force = 10.0;     ///< scale at translations [N]
  double lumbar_reserve = 0.5;     ///< scale at lumbar levels [N m]
  bool levels = true;              ///< equilibrium at every lumbar level; false: of the three trunk coordinates only
  double contact_scale = 0.3;      ///< scale of normal contact forces in the cost, which shares them out [body weights]
  double tangential_scale = 0.03;  ///< the same of tangential ones: small keeps feet from pushing against each other
  /// Whether what contacts cannot supply of the root's equations is found first and taken off. Without it the root's
  /// equations have reserves like the others, and the cost is a function of the posture that grows where contacts cannot
  /// hold it: what a search for a posture needs.
  bool shortfall_first = true;
  double floor_slope = 0.0;  ///< rise of the floor forwards, along ground's x: feet push in its axes [rad]
};

/// Weights w of muscles in the cost, as InverseOptions::weight says. Throws Error(input) for an unknown one.
std::vector<double> muscle_weights(const Model& model, const std::string& weight);

/// Load of a lumbar level: force of the superior body on the inferior one in the inferior body's superior endplate
/// frame (x forward in the plate, y its outward normal, z right), and moments about the joint centre in that frame.
struct LevelLoad {
  double compression = 0.0, anterior_shear = 0.0, lateral_shear = 0.0;  ///< [N]
  double net_moment = 0.0, net_moment_bending = 0.0,
         net_moment_axial = 0.0;  ///< inferior on superior, no muscles [N m]
  double net_compression = 0.0, net_anterior_shear = 0.0, net_lateral_shear = 0.0;  ///< without muscles [N]
  double ligament_compression = 0.0, ligament_anterior_shear = 0.0,
         ligament_lateral_shear = 0.0;  ///< what ligaments along paths add [N]; bushings pass their force on
};

/// How far contacts may push: factors on their caps, 0 … 1.
struct ContactCaps {
  double feet = 1.0, seat = 0.0;
};

/// Solves frames one after another; allocates when made, never after. One per thread; equal input gives equal bytes in
/// any order of frames, and where a frame starts from (solve()) is input.
class InverseSolver {
 public:
  /// Throws Error(input) for options out of range or an unknown weight.
  InverseSolver(const Model& model, const InverseOptions& options);

  /// Kinematics, paths, rigid-tendon muscle forces and the generalised forces that the motion needs under gravity, the
  /// measured external forces and no contact. q [rad, m], u, udot over the independent coordinates; `measured` holds a
  /// wrench about ground's origin in ground [N m, N] for each body of the tree, or nothing where none were measured.
  void net(std::span<const double> q, std::span<const double> u, std::span<const double> udot,
           std::span<const Spatial> measured = {});
  /// The same at the instant of a simulation of the model, which has evaluated poses and paths already, under all that
  /// acts on bodies there.
  void net(const ForwardDynamics& now);
  /// Gives the next net() the paths of its posture, as keep_paths() (model/kept_paths.hpp) wrote them of a model with the
  /// same paths: none is evaluated then.
  void take_paths(std::span<const double> kept);

  /// What the last solve(), or without contacts also solve_with(), found that no muscle's force is part of: moment arms
  /// by equations, and with `contacts` the columns of contacts and what these fall short of. `out` has rows_size()
  /// numbers.
  void keep_rows(std::span<double> out);
  std::size_t rows_size(bool contacts) const;
  /// Gives the next net(), and what is solved after it, what keep_rows() wrote of a solver with the same options in the
  /// same posture, of a model whose joints, paths, masses and contacts are the same.
  void take_rows(std::span<const double> kept);

  /// Activations, contacts and reserves that explain the motion of the last net(). What no contact within its bounds can
  /// supply of the root's six equations, the contact shortfall, is found first (forces before moments) and appears as
  /// their reserves; the rest is met exactly, in the same problem as the muscles.
  ///
  /// `start` holds the multiplier() of a problem nearby, such as the frame before: the same solution (see
  /// RedundancyOptions::warm_start) in half the time. Nothing, or another number of them, starts cold.
  void solve(const ContactCaps& caps, std::span<const double> start = {});

  /// The same with contact forces given (three a contact: x, y, z in ground [N]) instead of sought; what they leave of
  /// the root's equations appears as its reserves.
  void solve_with(std::span<const double> contact_force, std::span<const double> start = {});

  /// Joint moments and loads for given contact and tendon forces, nothing sought (the states of a simulation).
  void loads_with(std::span<const double> contact_force, std::span<const double> tendon_force);

  // --- the last net() ---
  const Model& model() const { return model_; }
  const Workspace& work() const { return work_; }
  std::span<const double> q() const { return q_; }
  std::span<const double> u() const { return u_; }
  std::span<const double> udot() const { return udot_; }
  /// Wrench about ground's origin that the environment must supply in all, measured forces included [N m, N].
  const Spatial& required_wrench() const { return required_; }
  /// Centre of pressure of the required wrench on the plane at height y [m, in ground]; y is that height.
  Vec3 centre_of_pressure(double height) const;
  /// Whole-body centre of mass [m] and its acceleration [m/s^2], in ground.
  Vec3 mass_center() const;
  Vec3 mass_center_acceleration() const;
  /// Contact point in ground [m].
  Vec3 contact_point(int contact) const;
  /// Moment about a point of ground [m] that holds up all bodies of a subtree against gravity, inertia and measured
  /// forces [N m].
  Vec3 subtree_moment(int body, const Vec3& point) const;

  // --- the last solve() ---
  std::span<const Equation> equations() const { return rows_.equations(); }
  std::span<const double> activation() const { return activation_; }
  std::span<const double> tendon_force() const { return tendon_force_; }
  std::span<const double> reserve() const { return solution_.reserve; }
  /// d cost / d moment of each equation, of the problem that was solved [1/(N m), 1/N]; nothing before a solve.
  std::span<const double> multiplier() const { return solution_.multiplier; }
  std::span<const double> contact_force() const { return contact_force_; }  ///< three a contact, ground axes [N]
  /// Net generalised force of an independent coordinate from inverse dynamics with the contact forces [N m, N].
  double joint_moment(int coordinate) const { return joint_moment_[static_cast<std::size_t>(coordinate)]; }
  /// The same of a coordinate of the tree as if no coupler joined it to others [N m, N].
  double joint_moment_partial(int tree_coordinate) const {
    return joint_moment_partial_[static_cast<std::size_t>(tree_coordinate)];
  }
  /// Wrench about the root body's origin in ground axes that neither measured nor contact forces supply [N m, N]; what
  /// the ground carries where the root does not move freely.
  Spatial residual_wrench() const;
  /// What muscles and passive torques leave of a level's three equations (extension, bending, rotation) [N m]: its
  /// reserves with `levels`, and without them what the rhythm constraint carries, a couple that no tissue supplies.
  Vec3 level_imbalance(int level) const;
  const LevelLoad& level(int index) const { return levels_[static_cast<std::size_t>(index)]; }
  /// Force of the pelvis on the femur in ground axes [N] at the hip of `data().hips[index]`.
  const Vec3& hip_force(int index) const { return hips_[static_cast<std::size_t>(index)]; }
  /// Loads of the pelvic ring; null where the model has none.
  const PelvicRing* pelvic_ring() const { return ring_ ? &*ring_ : nullptr; }
  /// The force part of a muscle's unit tension at a level: anterior shear, compression, lateral shear per newton [-].
  Vec3 unit_load(int muscle, int level) const;
  /// Loads and reaction forces for other tendon forces at the same instant (the states of a forward integration).
  void loads_of(std::span<const double> tendon_force);
  double residual() const { return solution_.residual; }
  double cost() const { return solution_.cost; }  ///< of muscles, contacts and reserves together
  int iterations() const { return solution_.iterations; }
  bool converged() const { return solution_.converged; }

 private:
  /// What is left of net() where kinematics and paths are known.
  void need(std::span<const double> q, std::span<const double> u, std::span<const double> udot,
            std::span<const Spatial> measured);
  void find_arm_rows();
  void find_contact_rows();
  void muscle_columns(RedundancyProblem& problem);
  void contact_columns(const ContactCaps& caps);
  void contact_shortfall(const ContactCaps& caps);
  void find_shortfall();
  template <class See>
  void each_row_array(std::size_t numbers, See see);
  void finish(std::span<const double> contact_force);
  /// What ligaments pull on a body and all that it carries, in ground [N].
  Vec3 ligament_force(int body) const;
  void run(RedundancyProblem& problem, std::span<const double> start);

  Model model_;
  InverseOptions options_;
  Workspace work_;
  double body_weight_ = 0.0;
  std::vector<double> q_, u_, udot_, tree_udot_, tree_moment_, joint_moment_partial_, row_target_, dense_;
  std::vector<double> muscle_moment_;  ///< per coordinate of the tree: of tendon_force()
  Spatial required_ = Spatial::Zero();
  EquationRows rows_;
  std::vector<double> muscle_weight_;
  std::vector<Spatial> measured_, external_;
  RedundancyProblem with_contacts_, muscles_only_, contacts_only_;
  RedundancySolution solution_;
  RedundancySolver solver_, contact_solver_;
  RedundancySolution contact_solution_;
  std::vector<int> root_rows_;
  std::vector<char> root_crossed_;  ///< per root row: by a muscle
  std::vector<double> shortfall_;   ///< per root row: what contacts or given forces leave of it
  // of this posture, by the entries of columns: moment arms [m], contacts' pushes [N m, N per body weight]
  std::vector<double> arm_rows_, contact_rows_;
  std::vector<double> shortfall_caps_, shortfall_target_;  ///< what `shortfall_` was found for
  bool arm_rows_known_ = false, contact_rows_known_ = false, shortfall_known_ = false, rows_taken_ = false;
  std::vector<double> activation_, tendon_force_, contact_force_, joint_moment_;
  std::vector<LevelLoad> levels_;
  std::vector<Vec3> hips_;
  std::optional<PelvicRing> ring_;
  std::vector<Spatial> net_wrench_;  ///< per body: joint wrench without muscles, with contacts
};

}  // namespace psoas
