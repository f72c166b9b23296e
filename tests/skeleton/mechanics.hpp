// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Mechanics of a tree that tests compare the algorithms with: energies, momenta, and motions along a direction.
#pragma once

#include <cmath>
#include <vector>

#include "support/random_tree.hpp"

namespace psoas::test {

using D4 = Dual<4>;

inline const Vec3 some_gravity{0.7, -9.6, 1.9};

/// Values x with derivative `direction` in one seed.
inline std::vector<D4> along(const VecX& x, const VecX& direction, std::size_t seed = 0) {
  std::vector<D4> out(static_cast<std::size_t>(x.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = D4(x[static_cast<Eigen::Index>(i)]);
    out[i].v[seed] = direction[static_cast<Eigen::Index>(i)];
  }
  return out;
}

template <int Rows, int Cols>
Eigen::Matrix<double, Rows, Cols> values(const Eigen::Matrix<D4, Rows, Cols>& m) {
  return m.unaryExpr([](const D4& x) { return x.a; }).template cast<double>();
}
template <int Rows, int Cols>
Eigen::Matrix<double, Rows, Cols> rates(const Eigen::Matrix<D4, Rows, Cols>& m, std::size_t seed = 0) {
  return m.unaryExpr([seed](const D4& x) { return x.v[seed]; }).template cast<double>();
}

/// Velocity of a body's mass centre in ground; after velocities().
template <class S>
Vec3T<S> center_velocity(const TreeWork<S>& work, std::size_t b) {
  return work.velocity[b].template tail<3>() + work.velocity[b].template head<3>().cross(work.mass_center[b]);
}

/// Kinetic energy [J]; after velocities().
template <class S>
S motion_energy(const Tree& tree, const TreeWork<S>& work) {
  S twice(0.0);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const Vec3T<S> w = work.X_GB[b].R.transpose() * work.velocity[b].template head<3>();
    const Vec3T<S> v = center_velocity(work, b);
    const Mat3T<S> I = tree.bodies[b].inertia.cast<S>();
    const Vec3T<S> Iw = I * w;
    twice += S(tree.bodies[b].mass) * v.dot(v) + w.dot(Iw);
  }
  return S(0.5) * twice;
}

/// Potential energy of weight [J]; after positions().
template <class S>
S weight_energy(const Tree& tree, const TreeWork<S>& work, const Vec3& gravity) {
  S sum(0.0);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b)
    for (int k = 0; k < 3; ++k) sum -= S(tree.bodies[b].mass * gravity[k]) * work.mass_center[b][k];
  return sum;
}

/// Angular momentum about ground's origin and momentum of one body; after velocities().
template <class S>
SpatialT<S> body_momentum(const Tree& tree, const TreeWork<S>& work, std::size_t b) {
  const Mat3T<S>& R = work.X_GB[b].R;
  const Mat3T<S> I = tree.bodies[b].inertia.cast<S>();
  const Vec3T<S> spin = R * Vec3T<S>(I * Vec3T<S>(R.transpose() * work.velocity[b].template head<3>()));
  const Vec3T<S> p = center_velocity(work, b) * S(tree.bodies[b].mass);
  SpatialT<S> out = wrench_at<S>(work.mass_center[b], p);
  out.template head<3>() += spin;
  return out;
}

/// A work at coordinates and speeds.
inline TreeWork<double> work_at(const Tree& tree, const VecX& q, const VecX& u) {
  TreeWork<double> work(tree);
  positions<double>(tree, view(q), work);
  velocities<double>(tree, view(u), work);
  return work;
}

/// A work that moves: the derivative is with respect to time at speeds u and accelerations a.
inline TreeWork<D4> moving_work(const Tree& tree, const VecX& q, const VecX& u, const VecX& a) {
  TreeWork<D4> work(tree);
  const std::vector<D4> qs = along(q, u), us = along(u, a);
  positions<D4>(tree, qs, work);
  velocities<D4>(tree, us, work);
  return work;
}

inline VecX inverse(const Tree& tree, TreeWork<double>& work, const VecX& a, const Vec3& gravity,
                    const std::vector<Spatial>& external = {}) {
  VecX tau(a.size());
  inverse_dynamics<double>(tree, view(a), gravity, external, work, view(tau));
  return tau;
}

inline VecX forward(const Tree& tree, TreeWork<double>& work, const VecX& tau, const Vec3& gravity,
                    const std::vector<Spatial>& external = {}) {
  VecX a(tau.size());
  forward_dynamics<double>(tree, view(tau), gravity, external, work, view(a));
  return a;
}

inline MatX mass(const Tree& tree, TreeWork<double>& work) {
  MatX M(tree.coordinates(), tree.coordinates());
  mass_matrix<double>(tree, work, view(M));
  return M;
}

inline std::vector<Spatial> random_wrenches(Random& random, const Tree& tree) {
  std::vector<Spatial> out(tree.bodies.size());
  for (Spatial& w : out) w << random.vec3(20.0), random.vec3(50.0);
  return out;
}

/// Generalised forces from Lagrange's equations, with nothing but energies: the momentum of coordinate i is
/// T(q, u + e_i) - T(q, u) - T(q, e_i), because kinetic energy is quadratic in u, and its rate is a dual number's.
inline VecX lagrange(const Tree& tree, const VecX& q, const VecX& u, const VecX& a, const Vec3& gravity) {
  const int n = tree.coordinates();
  VecX tau(n);
  TreeWork<D4> work(tree);
  const auto kinetic = [&](const std::vector<D4>& qs, const std::vector<D4>& us) {
    positions<D4>(tree, qs, work);
    velocities<D4>(tree, us, work);
    return motion_energy(tree, work);
  };
  for (int i = 0; i < n; ++i) {
    const VecX e = VecX::Unit(n, i), none = VecX::Zero(n);
    const double momentum_rate = (kinetic(along(q, u), along(u + e, a)) - kinetic(along(q, u), along(u, a)) -
                                  kinetic(along(q, u), along(e, none)))
                                     .v[0];
    const double T_q = kinetic(along(q, e), along(u, none)).v[0];
    const double V_q = weight_energy(tree, work, gravity).v[0];
    tau[i] = momentum_rate - T_q + V_q;
  }
  return tau;
}

/// Classic Runge-Kutta steps of a tree without generalised forces.
inline void integrate(const Tree& tree, const Vec3& gravity, double step, int steps, VecX& q, VecX& u) {
  TreeWork<double> work(tree);
  const VecX none = VecX::Zero(q.size());
  const auto rate = [&](const VecX& x, const VecX& v) {
    positions<double>(tree, view(x), work);
    velocities<double>(tree, view(v), work);
    return forward(tree, work, none, gravity);
  };
  for (int k = 0; k < steps; ++k) {
    const VecX u1 = u, a1 = rate(q, u1);
    const VecX u2 = u + 0.5 * step * a1, a2 = rate(q + 0.5 * step * u1, u2);
    const VecX u3 = u + 0.5 * step * a2, a3 = rate(q + 0.5 * step * u2, u3);
    const VecX u4 = u + step * a3, a4 = rate(q + step * u3, u4);
    q += step / 6.0 * (u1 + 2.0 * u2 + 2.0 * u3 + u4);
    u += step / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4);
  }
}

inline double energy(const Tree& tree, const Vec3& gravity, const VecX& q, const VecX& u) {
  const TreeWork<double> work = work_at(tree, q, u);
  return motion_energy(tree, work) + weight_energy(tree, work, gravity);
}

/// Greatest difference over the greatest size.
inline double difference(const MatX& found, const MatX& expected) {
  if (expected.size() == 0) return 0.0;
  return (found - expected).cwiseAbs().maxCoeff() / std::max(expected.cwiseAbs().maxCoeff(), 1e-300);
}

}  // namespace psoas::test
