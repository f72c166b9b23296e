// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/skeleton/dynamics.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "psoas/skeleton/rotation_vector.hpp"
#include "skeleton/spatial.hpp"

namespace psoas {
namespace {

using spatial::at, spatial::central, spatial::cross_force, spatial::cross_motion, spatial::in_scalar,
    spatial::rigid_inertia, spatial::times, spatial::turn_about;

/// Shows each coordinate that moves a body.
template <class See>
void each_coordinate_below(const Tree& tree, int body, See see) {
  for (int b = body; b > 0; b = tree.bodies[at(b)].parent)
    for (int c = tree.bodies[at(b)].first_coordinate; c < tree.bodies[at(b)].last_coordinate; ++c) see(c);
}

template <class S>
Vec3T<S> center_velocity(const TreeWork<S>& work, std::size_t b) {
  return point_velocity<S>(work.velocity[b], work.mass_center[b]);
}

/// B of inverse_dynamics_derivatives() for one body.
template <class S>
Eigen::Matrix<S, 6, 6> rate_matrix(const RigidInertia<S>& rigid, const SpatialT<S>& v) {
  Eigen::Matrix<S, 6, 6> B;
  // column k of v x* I - I v x, and then of x x* (I v)
  const SpatialT<S> h = times<S>(rigid, v);
  for (int k = 0; k < 6; ++k) {
    SpatialT<S> e = SpatialT<S>::Zero();
    e[k] = S(1.0);
    B.col(k) = cross_force<S>(v, times<S>(rigid, e)) - times<S>(rigid, cross_motion<S>(v, e)) + cross_force<S>(e, h);
  }
  return B;
}

/// Rates of the motion axes of a body's joint, and their derivatives by the joint's coordinates.
template <class S>
void axis_rates(const Tree& tree, int b, std::span<const S> q, std::span<const S> u, std::span<const S> a,
                const Vec3T<S>& gravity, const TreeWork<S>& work, DerivativeWork<S>& out) {
  const TreeBody& body = tree.bodies[at(b)];
  const int low = body.first_coordinate, n = body.last_coordinate - low;
  SpatialT<S>* within = out.within.data() + out.first_within[at(b)];
  std::array<SpatialT<S>, 6> moved;  // per coordinate of the joint: its motion axis by the axes so far
  for (int c = 0; c < n; ++c) {
    moved[at(c)].setZero();
    out.first[at(low + c)].setZero();
    out.second[at(low + c)].setZero();
  }
  std::fill(within, within + n * n, SpatialT<S>::Zero());
  SpatialT<S> v = work.velocity[at(body.parent)], acceleration = work.acceleration[at(body.parent)];
  acceleration.template tail<3>() -= gravity;
  for (int i = body.first_axis; i < body.last_axis; ++i) {
    const TreeAxis& axis = tree.axes[at(i)];
    const int c = axis.coordinate;
    if (c < 0) continue;
    if (work.plan.axes[at(i)].about == 'v') {
      const PoseT<S>& frame = work.vector_frame[at(work.plan.axes[at(i)].frame)];
      std::array<int, 3> coordinate{};
      Vec3T<S> r, speed, rate;
      for (int k = 0; k < 3; ++k) {
        coordinate[at(k)] = tree.axes[at(i + k)].coordinate;
        r[k] = q[at(coordinate[at(k)])];
        speed[k] = u[at(coordinate[at(k)])];
        rate[k] = a[at(coordinate[at(k)])];
      }
      const RotationVector<S> rotation(r);
      const auto turned = [&](const Vec3T<S>& w) {
        SpatialT<S> m;
        turn_about<S>(frame.R * w, frame.p, m);
        return m;
      };
      SpatialT<S> relative = SpatialT<S>::Zero(), change = SpatialT<S>::Zero();
      for (int k = 0; k < 3; ++k) {
        const Vec3T<S> e = Vec3T<S>::Unit(k);
        const SpatialT<S>& s = work.axis[at(i + k)];
        const SpatialT<S> own = turned(rotation.jacobian_rate(speed, e));
        const SpatialT<S> first = cross_motion<S>(v, s) + own;
        out.first[at(coordinate[at(k)])] += first;
        out.second[at(coordinate[at(k)])] += cross_motion<S>(acceleration, s) + cross_motion<S>(v, first + own) +
                                             turned(rotation.jacobian_second_rate(speed, rate, e));
        for (int m = 0; m < n; ++m) within[(coordinate[at(k)] - low) * n + m] += cross_motion<S>(moved[at(m)], s);
        for (int m = 0; m < 3; ++m)
          within[(coordinate[at(k)] - low) * n + coordinate[at(m)] - low] +=
              turned(rotation.jacobian_rate(Vec3T<S>::Unit(m), e));
        relative += s * speed[k];
        change += s * rate[k] + first * speed[k];
      }
      for (int k = 0; k < 3; ++k) moved[at(coordinate[at(k)] - low)] += work.axis[at(i + k)];
      v += relative;
      acceleration += change;
      i += 2;
      continue;
    }
    const SpatialT<S>& s = work.axis[at(i)];
    const Jet2<S>& jet = work.displacement[at(i)];
    const S third = axis.function.third(q[at(c)]), speed = u[at(c)], rate = a[at(c)];
    const SpatialT<S> s_dot = cross_motion<S>(v, s);
    const SpatialT<S> s_ddot = cross_motion<S>(acceleration, s) + cross_motion<S>(v, s_dot);
    out.first[at(c)] += s_dot * jet.slope + s * (jet.curvature * speed);
    out.second[at(c)] +=
        s_ddot * jet.slope + s_dot * (2.0 * jet.curvature * speed) + s * (third * speed * speed + jet.curvature * rate);
    const SpatialT<S> m = s * jet.slope;
    for (int k = 0; k < n; ++k) within[(c - low) * n + k] += cross_motion<S>(moved[at(k)], m);
    within[(c - low) * n + c - low] += s * jet.curvature;
    moved[at(c - low)] += m;
    acceleration += s_dot * (jet.slope * speed) + s * (jet.curvature * speed * speed + jet.slope * rate);
    v += m * speed;
  }
}

}  // namespace

template <class S>
void body_jacobian(const Tree& tree, const TreeWork<S>& work, int body, std::span<S> J) {
  assert(J.size() == 6 * at(tree.coordinates()));
  std::fill(J.begin(), J.end(), S(0.0));
  each_coordinate_below(tree, body, [&](int c) {
    for (int k = 0; k < 6; ++k) J[at(6 * c + k)] = work.motion[at(c)][k];
  });
}

template <class S>
void point_jacobian(const Tree& tree, const TreeWork<S>& work, int body, const Vec3T<S>& point, std::span<S> J) {
  assert(J.size() == 3 * at(tree.coordinates()));
  std::fill(J.begin(), J.end(), S(0.0));
  each_coordinate_below(tree, body, [&](int c) {
    const Vec3T<S> v = point_velocity<S>(work.motion[at(c)], point);
    for (int k = 0; k < 3; ++k) J[at(3 * c + k)] = v[k];
  });
}

template <class S>
SpatialT<S> bias_acceleration(const Tree& tree, const TreeWork<S>& work, int body) {
  SpatialT<S> sum = SpatialT<S>::Zero();
  for (int b = body; b > 0; b = tree.bodies[at(b)].parent) sum += work.bias[at(b)];
  return sum;
}

template <class S>
Vec3T<S> point_velocity(const SpatialT<S>& v, const Vec3T<S>& point) {
  const Vec3T<S> w = v.template head<3>();
  return v.template tail<3>() + w.cross(point);
}

template <class S>
Vec3T<S> point_acceleration(const SpatialT<S>& v, const SpatialT<S>& a, const Vec3T<S>& point) {
  const Vec3T<S> w = v.template head<3>();
  return point_velocity<S>(a, point) + w.cross(point_velocity<S>(v, point));
}

double mass(const Tree& tree) {
  double sum = 0.0;
  for (const TreeBody& body : tree.bodies) sum += body.mass;
  return sum;
}

template <class S>
Vec3T<S> mass_center(const Tree& tree, const TreeWork<S>& work) {
  Vec3T<S> sum = Vec3T<S>::Zero();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) sum += work.mass_center[b] * S(tree.bodies[b].mass);
  return sum / S(mass(tree));
}

template <class S>
SpatialT<S> momentum(const Tree& tree, const TreeWork<S>& work, const Vec3T<S>& point) {
  SpatialT<S> sum = SpatialT<S>::Zero();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    const Vec3T<S> p = center_velocity(work, b) * S(body.mass), arm = work.mass_center[b] - point;
    sum.template head<3>() += central<S>(body, work.X_GB[b].R, work.velocity[b].template head<3>()) + arm.cross(p);
    sum.template tail<3>() += p;
  }
  return sum;
}

template <class S>
S kinetic_energy(const Tree& tree, const TreeWork<S>& work) {
  S twice(0.0);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const Vec3T<S> w = work.velocity[b].template head<3>(), v = center_velocity(work, b);
    twice += v.dot(v) * S(tree.bodies[b].mass) + w.dot(central<S>(tree.bodies[b], work.X_GB[b].R, w));
  }
  return twice * 0.5;
}

template <class S>
S potential_energy(const Tree& tree, const TreeWork<S>& work, const Vec3& gravity) {
  S sum(0.0);
  const Vec3T<S> g = in_scalar<S>(gravity);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) sum -= g.dot(work.mass_center[b]) * S(tree.bodies[b].mass);
  return sum;
}

template <class S>
DerivativeWork<S>::DerivativeWork(const Tree& tree) {
  const std::size_t n = at(tree.coordinates()), bodies = tree.bodies.size();
  first.assign(n, SpatialT<S>::Zero());
  second = by_position = by_speed = by_acceleration = first;
  external.assign(bodies, SpatialT<S>::Zero());
  rate.assign(bodies, Eigen::Matrix<S, 6, 6>::Zero());
  int size = 0;
  for (const TreeBody& body : tree.bodies) {
    first_within.push_back(size);
    const int k = body.last_coordinate - body.first_coordinate;
    size += k * k;
  }
  within.assign(at(size), SpatialT<S>::Zero());
}

template <class S>
void inverse_dynamics_derivatives(const Tree& tree, std::span<const S> q, std::span<const S> u, std::span<const S> a,
                                  const Vec3& gravity, std::span<const SpatialT<S>> external, TreeWork<S>& work,
                                  DerivativeWork<S>& scratch, std::span<S> tau, std::span<S> tau_q,
                                  std::span<S> tau_u) {
  const std::size_t n = at(tree.coordinates()), bodies = tree.bodies.size();
  assert(q.size() == n && u.size() == n && tau_q.size() == n * n && tau_u.size() == n * n);
  inverse_dynamics<S>(tree, a, gravity, external, work, tau);
  const Vec3T<S> g = in_scalar<S>(gravity);
  for (std::size_t b = 1; b < bodies; ++b) {
    rigid_inertia(tree.bodies[b], b, work);
    scratch.rate[b] = rate_matrix<S>(work.rigid[b], work.velocity[b]);
    axis_rates<S>(tree, static_cast<int>(b), q, u, a, g, work, scratch);
  }
  for (std::size_t b = 0; b < bodies; ++b)
    scratch.external[b] = external.empty() ? SpatialT<S>(SpatialT<S>::Zero()) : external[b];
  for (std::size_t b = bodies; b-- > 1;) {
    const auto parent = at(tree.bodies[b].parent);
    work.rigid[parent] += work.rigid[b];
    scratch.rate[parent] += scratch.rate[b];
    scratch.external[parent] += scratch.external[b];
  }
  work.rigid[0] = {};
  scratch.rate[0].setZero();

  std::fill(tau_q.begin(), tau_q.end(), S(0.0));
  std::fill(tau_u.begin(), tau_u.end(), S(0.0));
  for (std::size_t b = 1; b < bodies; ++b) {
    const TreeBody& body = tree.bodies[b];
    const int low = body.first_coordinate, joint = body.last_coordinate - low;
    const SpatialT<S>* within = scratch.within.data() + scratch.first_within[b];
    const SpatialT<S> inertial = work.joint_wrench[b] + scratch.external[b];
    for (int k = low; k < body.last_coordinate; ++k) {
      const SpatialT<S>&s = work.motion[at(k)], &first = scratch.first[at(k)], &second = scratch.second[at(k)];
      // what this coordinate does to the wrench that its joint carries, and so to all coordinates at and below it
      SpatialT<S>&by_q = scratch.by_position[at(k)], &by_u = scratch.by_speed[at(k)],
      &x = scratch.by_acceleration[at(k)];
      by_q = times<S>(work.rigid[b], second) + SpatialT<S>(scratch.rate[b] * first) + cross_force<S>(s, inertial);
      by_u = times<S>(work.rigid[b], first) * 2.0 + SpatialT<S>(scratch.rate[b] * s);
      x = times<S>(work.rigid[b], s);
      S *column_q = tau_q.data() + at(k) * n, *column_u = tau_u.data() + at(k) * n;
      each_coordinate_below(tree, static_cast<int>(b), [&](int c) {
        column_q[c] = power<S>(by_q, work.motion[at(c)]);
        column_u[c] = power<S>(by_u, work.motion[at(c)]);
      });
      for (int c = 0; c < joint; ++c) column_q[low + c] += power<S>(work.joint_wrench[b], within[c * joint + k - low]);
      // what coordinates below do to this one
      const SpatialT<S> y = scratch.rate[b].transpose() * s;
      const SpatialT<S> z = cross_force<S>(s, scratch.external[b]);
      if (body.parent > 0)
        each_coordinate_below(tree, body.parent, [&](int c) {
          const SpatialT<S>& other = work.motion[at(c)];
          tau_q[at(c) * n + at(k)] =
              power<S>(x, scratch.second[at(c)]) + power<S>(y, scratch.first[at(c)]) - power<S>(z, other);
          tau_u[at(c) * n + at(k)] = power<S>(x, scratch.first[at(c)]) * 2.0 + power<S>(y, other);
        });
    }
  }
}

bool rechart(const Tree& tree, std::span<double> q, std::span<double> u) {
  bool any = false;
  for (std::size_t i = 0; i < tree.axes.size(); ++i) {
    if (!tree.axes[i].vector) continue;
    const auto coordinate = [&](std::size_t k) { return at(tree.axes[i + k].coordinate); };
    const Vec3 r(q[coordinate(0)], q[coordinate(1)], q[coordinate(2)]);
    const Vec3 speeds(u[coordinate(0)], u[coordinate(1)], u[coordinate(2)]);
    if (const auto shorter = recharted(r, speeds)) {
      any = true;
      for (int k = 0; k < 3; ++k) {
        q[coordinate(at(k))] = shorter->first[k];
        u[coordinate(at(k))] = shorter->second[k];
      }
    }
    i += 2;
  }
  return any;
}

#define PSOAS_INSTANTIATE(S)                                                                            \
  template void body_jacobian<S>(const Tree&, const TreeWork<S>&, int, std::span<S>);                   \
  template void point_jacobian<S>(const Tree&, const TreeWork<S>&, int, const Vec3T<S>&, std::span<S>); \
  template SpatialT<S> bias_acceleration<S>(const Tree&, const TreeWork<S>&, int);                      \
  template Vec3T<S> point_velocity<S>(const SpatialT<S>&, const Vec3T<S>&);                             \
  template Vec3T<S> point_acceleration<S>(const SpatialT<S>&, const SpatialT<S>&, const Vec3T<S>&);     \
  template Vec3T<S> mass_center<S>(const Tree&, const TreeWork<S>&);                                    \
  template SpatialT<S> momentum<S>(const Tree&, const TreeWork<S>&, const Vec3T<S>&);                   \
  template S kinetic_energy<S>(const Tree&, const TreeWork<S>&);                                        \
  template S potential_energy<S>(const Tree&, const TreeWork<S>&, const Vec3&);                         \
  template struct DerivativeWork<S>;                                                                    \
  template void inverse_dynamics_derivatives<S>(                                                        \
      const Tree&, std::span<const S>, std::span<const S>, std::span<const S>, const Vec3&,             \
      std::span<const SpatialT<S>>, TreeWork<S>&, DerivativeWork<S>&, std::span<S>, std::span<S>, std::span<S>);
PSOAS_INSTANTIATE(double)
PSOAS_INSTANTIATE(Dual<4>)
#undef PSOAS_INSTANTIATE

}  // namespace psoas
