// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The posture that a person would hold on feet or seat: least effort of muscles, near a preferred posture.
//   Balance balance(model, options);   BalancedPosture stand = balance.find(q);   stand.q, balance.inverse().level(0)
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "psoas/solve/inverse.hpp"

namespace psoas {

/// What a posture is drawn to: a sum of independent coordinates, each times a factor, near a reference within a scale.
struct Preference {
  std::vector<std::pair<int, double>> coordinates;  ///< index and factor
  double reference = 0.0, scale = 1.0;              ///< [rad, m]
};

/// A sum of heights of contact points in ground, each times a factor, that is held: a foot's mean height is the floor's,
/// its heel is as high as its toes.
struct HeldHeight {
  std::vector<std::pair<int, double>> contacts;  ///< index and factor
  double height = 0.0;                           ///< [m]
  Vec3 up{0, 1, 0};                              ///< unit vector along which heights are measured, in ground
};

/// What is balanced, and how.
struct BalanceOptions {
  std::vector<int> free;                      ///< independent coordinates, ascending
  std::vector<std::array<double, 2>> bounds;  ///< per free coordinate [rad, m]; empty: the ranges in the model
  std::vector<Preference> preferences;
  double kappa = 0.01;  ///< weight of sum ((q - reference) / scale)^2 against effort [-]
  std::vector<HeldHeight> heights;
  int level_body = 0;  ///< body whose pitch (its x axis above the horizontal) stays that of the default state; 0: none
  ContactCaps caps;
  InverseOptions redundancy = posture_redundancy();
  double tolerance = 1e-8;  ///< greatest slope of the cost along the held heights that counts as none [1/rad, 1/m]
  int max_steps = 60;

  /// Effort is the sum of (V_i / V_tot) a_i^2 over muscles of volume V_i = F0 l0; reserves are so dear, and contact
  /// forces so cheap, that neither weighs against muscles.
  static InverseOptions posture_redundancy();
};

/// A posture in balance.
struct BalancedPosture {
  std::vector<double> q;    ///< all independent coordinates [rad, m]
  double cost = 0.0;        ///< what was minimised [-]
  double effort = 0.0;      ///< sum of (V_i / V_tot) a_i^p [-]
  double preference = 0.0;  ///< sum ((q - reference) / scale)^2 [-]
  double slope = 0.0;       ///< greatest slope of the cost that is left [1/rad, 1/m]
  /// How well the posture is known [rad, m]: the last step that was tried, or, where the cost has a corner, as a string
  /// lifts off a surface there and the slope does not vanish, how near by slopes of all directions are met.
  double last_step = 0.0;
  double residual = 0.0;      ///< certificate of the muscle redundancy [-]
  double imbalance = 0.0;     ///< greatest reserve: what muscles and contacts leave of an equation [N m, N]
  double height_error = 0.0;  ///< of held heights and pitch [m, rad]
  std::vector<double> stop;   ///< per free coordinate at an end of its range: slope of the cost into it, else 0
  int steps = 0;
  /// Whether the slope is within the tolerance or, at a corner of the cost, the posture is known to 2e-4 rad.
  bool converged = false;
};

/// Least-effort postures of one model. At each posture muscles and contacts are those of the convex redundancy problem at
/// rest (InverseSolver); its least cost J is a function of the posture alone, whose gradient the envelope theorem gives
/// from the multipliers of the equilibrium equations e(q; a, f) = 0:  dJ/dq = lambda . de/dq with activations a and
/// contact forces f held, by central differences of the equations. Allocates when made. One per thread.
class Balance {
 public:
  /// Throws Error(input) for options that do not fit the model.
  Balance(const Model& model, BalanceOptions options);

  /// J with preferences at independent coordinates q [-]; solves the muscles there.
  double value(std::span<const double> q);
  /// Its gradient over the free coordinates at the last value() [1/rad, 1/m].
  const VecX& gradient();
  /// What is left of held heights and pitch [m, rad] at q, and their derivatives, one row each.
  VecX held(std::span<const double> q, MatX* by_coordinates = nullptr);

  /// The posture of least cost downhill from a start, which is first moved as little as meets the held heights: Newton
  /// steps along them with the second derivatives by differences of the gradient, each followed by a return to the held
  /// heights. Where muscles cannot hold the start, or that way ends before the minimum, first with lenient reserves (3,
  /// then 0.1 N m); then, where they can hold the posture found, with those of the options; where they cannot, `imbalance`
  /// says by how much. Throws Error(numeric) where the heights cannot be met.
  /// inverse() is then at the posture.
  BalancedPosture find(std::span<const double> start);

  /// A posture as it is given, held with least effort: nothing moves, and `height_error` says how far held heights are
  /// off. inverse() is then at the posture.
  BalancedPosture hold(std::span<const double> q);

  /// How the coordinates of a posture change [rad, m] a unit of a number p of the model, by the implicit function theorem
  /// on the conditions of optimality with the set of stops and held heights fixed; `low` and `high` balance models with
  /// p less and more by `step`. One entry a free coordinate.
  VecX sensitivity(const BalancedPosture& posture, Balance& low, Balance& high, double step);

  /// Stiffness of the posture at the last value(): derivatives over the free coordinates of what holds it, with
  /// activations and contact forces held, along the held heights (pitch may change); eigenvalues, ascending [N m/rad and
  /// so on]. Muscles resist as their curves say, tendons being rigid. Below zero the body falls unless muscles act.
  std::vector<double> stiffness();

  InverseSolver& inverse() { return stages_[stage_]; }
  const Model& model() const { return stages_[0].model(); }
  const BalanceOptions& options() const { return options_; }

 private:
  struct Active;
  void tree_equations();
  double muscle_force(int m) const;
  void equations(std::span<const double> q);
  void slopes_along_prices(std::span<double> out);
  void slopes_by_differences(std::span<double> out);
  bool walk(std::vector<double>& q, double& cost, const Active& active, const VecX& step);
  void settle_at_corner(BalancedPosture& out, std::vector<char>& stopped, Active& active);
  void descend(BalancedPosture& out, std::vector<char>& stopped, Active& active);
  double height_error(std::span<const double> q);
  void solve_by_continuation();
  double imbalance();
  bool held_by_muscles();
  void tell(BalancedPosture& out);
  void restore(std::vector<double>& q, std::vector<char>& stopped);
  void constrain(std::span<const double> q, const std::vector<char>& stopped, Active& out);
  VecX slope_beside(std::span<const double> q, const Active& active, Eigen::Index direction, double step);
  MatX curvature(std::span<const double> q, const Active& active);

  BalanceOptions options_;
  std::array<InverseSolver, 3> stages_;  // ever dearer reserves
  std::size_t stage_ = 2;                // which of them value() asks
  Workspace work_;
  EquationRows rows_;
  std::vector<double> q_, still_, tree_still_, tree_force_, activation_, contact_force_, warm_;
  std::vector<double> row_left_, coordinate_left_, arms_;  // of equations()
  std::vector<double> priced_;                             // of slopes_…()
  std::vector<Spatial> external_;
  double pitch_ = 0.0;
  VecX gradient_;
};

}  // namespace psoas
