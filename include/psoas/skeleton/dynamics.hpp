// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What follows from the poses and velocities of a tree: Jacobians, the mass centre, momentum, energies, and the
// derivatives of inverse dynamics.
//   positions(tree, q, work);   velocities(tree, u, work);   kinetic_energy(tree, work);
// Everything is in ground. Matrices are column-major in a span: one column a coordinate. Nothing allocates.
#pragma once

#include <span>
#include <vector>

#include "psoas/skeleton/tree.hpp"

namespace psoas {

/// Velocity of a body per unit of each speed, 6 x n: angular [rad/s], then linear of the point at ground's origin
/// [m/s]; needs positions(). Columns of coordinates that do not move the body are 0.
template <class S>
void body_jacobian(const Tree& tree, const TreeWork<S>& work, int body, std::span<S> J);

/// Velocity [m/s] of a point that is fixed in a body and now at `point` [m, in ground], per unit of each speed, 3 x n;
/// needs positions().
template <class S>
void point_jacobian(const Tree& tree, const TreeWork<S>& work, int body, const Vec3T<S>& point, std::span<S> J);

/// Acceleration of a body [rad/s^2, m/s^2] at zero coordinate accelerations: the rate of its Jacobian times the speeds;
/// needs velocities().
template <class S>
SpatialT<S> bias_acceleration(const Tree& tree, const TreeWork<S>& work, int body);

/// Velocity [m/s] of a point that moves with spatial velocity v.
template <class S>
Vec3T<S> point_velocity(const SpatialT<S>& v, const Vec3T<S>& point);

/// Acceleration [m/s^2] of a point of a body with spatial velocity v and acceleration a; with bias_acceleration() it is
/// the rate of the point's Jacobian times the speeds.
template <class S>
Vec3T<S> point_acceleration(const SpatialT<S>& v, const SpatialT<S>& a, const Vec3T<S>& point);

/// Mass of all bodies [kg].
double mass(const Tree& tree);

/// Mass centre of all bodies [m]; needs positions(). No number where nothing has mass.
template <class S>
Vec3T<S> mass_center(const Tree& tree, const TreeWork<S>& work);

/// Momentum of all bodies: angular about `point` [kg m^2/s], then linear [kg m/s]; needs velocities().
template <class S>
SpatialT<S> momentum(const Tree& tree, const TreeWork<S>& work, const Vec3T<S>& point = Vec3T<S>::Zero());

/// Kinetic energy [J]; needs velocities().
template <class S>
S kinetic_energy(const Tree& tree, const TreeWork<S>& work);

/// Energy of the bodies' weight [J], 0 where the mass centre is at ground's origin; needs positions().
template <class S>
S potential_energy(const Tree& tree, const TreeWork<S>& work, const Vec3& gravity);

/// Scratch of inverse_dynamics_derivatives(), sized for one tree.
template <class S>
struct DerivativeWork {
  explicit DerivativeWork(const Tree& tree);

  std::vector<SpatialT<S>> first, second;    // per coordinate: rates of its motion axis, gravity included in `second`
  std::vector<SpatialT<S>> external;         // per body: of its subtree
  std::vector<Eigen::Matrix<S, 6, 6>> rate;  // per body: B of its subtree
  std::vector<SpatialT<S>> within;           // per joint, c k: the motion axis of its coordinate c by its coordinate k
  std::vector<int> first_within;             // per body
  /// Per coordinate: change of the wrench that its joint carries [N m, N, about ground's origin] by the coordinate, its
  /// speed and its acceleration, external wrenches being what they are in ground. After inverse_dynamics_derivatives().
  std::vector<SpatialT<S>> by_position, by_speed, by_acceleration;
};

/// Derivatives of inverse_dynamics() at coordinates q, speeds u and accelerations a by coordinates and by speeds, n x n each: element
/// (i, k) is d tau_i / d q_k [N m/rad and so on], d tau_i / d u_k. (By accelerations it is the mass matrix.) External
/// wrenches stay as they are in ground. Needs positions() and velocities(); fills what inverse_dynamics() fills.
///
/// With S the motion axis of coordinate k, whose derivatives by other coordinates of its joint obey
/// dS_c/dq_k - dS_k/dq_c = S_k x S_c because they describe a motion, a body beyond it changes by
///   dv/dq_k = S x v + S',  da/dq_k = S x a + S' x v + S'',  dv/du_k = S,  da/du_k = 2 S' + S x v
/// (primes are rates in time), so the wrench that it needs changes by S x* f + I (S'' + a_0 x S) + B S' and
/// 2 I S' + B S, where B x = x x* (I v) + v x* (I x) - I (v x x) and a_0 is gravity as an acceleration upwards. These
/// are sums over subtrees. (Featherstone 2008, chapter 2; Singh, Russell & Wensing 2022, "Efficient analytical
/// derivatives of rigid-body dynamics using spatial vector algebra", for joints with constant axes.) Cost: n times the
/// number of coordinates below.
template <class S>
void inverse_dynamics_derivatives(const Tree& tree, std::span<const S> q, std::span<const S> u, std::span<const S> a,
                                  const Vec3& gravity, std::span<const SpatialT<S>> external, TreeWork<S>& work,
                                  DerivativeWork<S>& scratch, std::span<S> tau, std::span<S> tau_q, std::span<S> tau_u);

/// Brings every rotation vector of the tree that is longer than pi back to at most pi: the same rotations and angular
/// velocities in other coordinates q and speeds u. True if any changed. An integrator calls it after each step. The
/// three coordinates must be independent; history, such as a spline through former coordinates, ends here.
bool rechart(const Tree& tree, std::span<double> q, std::span<double> u);

}  // namespace psoas
