// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/skeleton/tree.hpp"

#include <array>
#include <cassert>

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Rate of change of a motion vector that is carried along with velocity v.
template <class S>
SpatialT<S> cross_motion(const SpatialT<S>& v, const SpatialT<S>& m) {
  const Vec3T<S> w = v.template head<3>(), o = v.template tail<3>(), mw = m.template head<3>(),
                 mo = m.template tail<3>();
  SpatialT<S> r;
  r << w.cross(mw), w.cross(mo) + o.cross(mw);
  return r;
}

template <class S>
Mat3T<S> skew(const Vec3T<S>& p) {
  Mat3T<S> m;
  m << S(0.0), -p.z(), p.y(), p.z(), S(0.0), -p.x(), -p.y(), p.x(), S(0.0);
  return m;
}

/// The wrench, about ground's origin, that gives a body its acceleration (gravity as an acceleration upwards).
template <class S>
SpatialT<S> inertial_wrench(const TreeBody& body, std::size_t b, const SpatialT<S>& acceleration, const Vec3& gravity,
                            const TreeWork<S>& work) {
  const SpatialT<S>& v = work.velocity[b];
  const Vec3T<S> w = v.template head<3>(), alpha = acceleration.template head<3>(), c = work.mass_center[b];
  const Vec3T<S> c_dot = v.template tail<3>() + w.cross(c);
  const Vec3T<S> c_ddot = acceleration.template tail<3>() + alpha.cross(c) + w.cross(c_dot);
  const Mat3T<S>& R = work.X_GB[b].R;
  const Vec3T<S> w_B = R.transpose() * w, alpha_B = R.transpose() * alpha;
  const Mat3T<S> I = body.inertia.cast<S>();
  const Vec3T<S> moment = R * (I * alpha_B + w_B.cross(I * w_B));
  const Vec3T<S> force = (c_ddot - gravity.cast<S>()) * S(body.mass);
  SpatialT<S> wrench = wrench_at<S>(c, force);
  wrench.template head<3>() += moment;
  return wrench;
}

/// Inertia of a body about ground's origin.
template <class S>
Eigen::Matrix<S, 6, 6> spatial_inertia(const TreeBody& body, std::size_t b, const TreeWork<S>& work) {
  const Mat3T<S>& R = work.X_GB[b].R;
  const Mat3T<S> C = skew<S>(work.mass_center[b]);
  const S m(body.mass);
  Eigen::Matrix<S, 6, 6> I;
  I.template topLeftCorner<3, 3>() = R * body.inertia.cast<S>() * R.transpose() + C * C.transpose() * m;
  I.template topRightCorner<3, 3>() = C * m;
  I.template bottomLeftCorner<3, 3>() = C.transpose() * m;
  I.template bottomRightCorner<3, 3>() = Mat3T<S>::Identity() * m;
  return I;
}

/// Accelerations of all bodies at zero coordinate acceleration plus what `a` adds.
template <class S>
void accelerations(const Tree& tree, std::span<const S> a, TreeWork<S>& work) {
  work.acceleration[0].setZero();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    SpatialT<S> sum = work.acceleration[at(body.parent)] + work.bias[b];
    for (int c = body.first_coordinate; c < body.last_coordinate; ++c) sum += work.motion[at(c)] * a[at(c)];
    work.acceleration[b] = sum;
  }
}

}  // namespace

template <class S>
TreeWork<S>::TreeWork(const Tree& tree) {
  const std::size_t bodies = tree.bodies.size(), n = at(tree.coordinates());
  X_GB.resize(bodies);
  motion.assign(n, SpatialT<S>::Zero());
  axis.assign(tree.axes.size(), SpatialT<S>::Zero());
  displacement.resize(tree.axes.size());
  mass_center.assign(bodies, Vec3T<S>::Zero());
  velocity.assign(bodies, SpatialT<S>::Zero());
  bias = acceleration = joint_wrench = force = velocity;
  force_axis.assign(n, SpatialT<S>::Zero());
  inertia.assign(bodies, Eigen::Matrix<S, 6, 6>::Zero());
  scratch.assign(n, S(0.0));
}

template <class S>
void positions(const Tree& tree, std::span<const S> q, TreeWork<S>& work) {
  assert(q.size() == at(tree.coordinates()));
  for (SpatialT<S>& m : work.motion) m.setZero();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    PoseT<S> X = work.X_GB[at(body.parent)] * body.X_PF.cast<S>();
    for (int i = body.first_axis; i < body.last_axis; ++i) {
      const TreeAxis& axis = tree.axes[at(i)];
      const Jet2<S> jet = axis.coordinate < 0 ? axis.function.jet(S(0.0)) : axis.function.jet(q[at(axis.coordinate)]);
      const Vec3T<S> direction = X.R * axis.direction.cast<S>();
      SpatialT<S>& unit = work.axis[at(i)];
      if (axis.rotation) {
        unit << direction, X.p.cross(direction);
        X.R = X.R * rotation_about<S>(axis.direction, jet.value);
      } else {
        unit << Vec3T<S>::Zero(), direction;
        X.p += direction * jet.value;
      }
      work.displacement[at(i)] = jet;
      if (axis.coordinate >= 0) work.motion[at(axis.coordinate)] += unit * jet.slope;
    }
    work.X_GB[b] = X * body.X_MB.cast<S>();
    work.mass_center[b] = work.X_GB[b] * Vec3T<S>(body.mass_center.cast<S>());
  }
}

template <class S>
void velocities(const Tree& tree, std::span<const S> u, TreeWork<S>& work) {
  assert(u.size() == at(tree.coordinates()));
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    SpatialT<S> v = work.velocity[at(body.parent)], bias = SpatialT<S>::Zero();
    for (int i = body.first_axis; i < body.last_axis; ++i) {
      const int c = tree.axes[at(i)].coordinate;
      if (c < 0) continue;
      const SpatialT<S>& unit = work.axis[at(i)];
      const Jet2<S>& jet = work.displacement[at(i)];
      const S speed = jet.slope * u[at(c)];
      bias += cross_motion<S>(v, unit) * speed + unit * (jet.curvature * u[at(c)] * u[at(c)]);
      v += unit * speed;
    }
    work.velocity[b] = v;
    work.bias[b] = bias;
  }
}

template <class S>
void inverse_dynamics(const Tree& tree, std::span<const S> a, const Vec3& gravity,
                      std::span<const SpatialT<S>> external, TreeWork<S>& work, std::span<S> tau) {
  accelerations(tree, a, work);
  for (std::size_t b = 0; b < tree.bodies.size(); ++b) {
    work.joint_wrench[b].setZero();
    if (b > 0) work.joint_wrench[b] = inertial_wrench(tree.bodies[b], b, work.acceleration[b], gravity, work);
    if (!external.empty()) work.joint_wrench[b] -= external[b];
  }
  for (std::size_t b = tree.bodies.size(); b-- > 1;) {
    const TreeBody& body = tree.bodies[b];
    for (int c = body.first_coordinate; c < body.last_coordinate; ++c)
      tau[at(c)] = power<S>(work.joint_wrench[b], work.motion[at(c)]);
    work.joint_wrench[at(body.parent)] += work.joint_wrench[b];
  }
}

template <class S>
void mass_matrix(const Tree& tree, TreeWork<S>& work, std::span<S> M) {
  const std::size_t n = at(tree.coordinates());
  assert(M.size() == n * n);
  for (S& x : M) x = S(0.0);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) work.inertia[b] = spatial_inertia(tree.bodies[b], b, work);
  for (std::size_t b = tree.bodies.size(); b-- > 1;) {
    const TreeBody& body = tree.bodies[b];
    for (int c = body.first_coordinate; c < body.last_coordinate; ++c) {
      const SpatialT<S> f = work.inertia[b] * work.motion[at(c)];
      for (int k = body.first_coordinate; k <= c; ++k)
        M[at(c) * n + at(k)] = M[at(k) * n + at(c)] = power<S>(f, work.motion[at(k)]);
      for (int p = body.parent; p > 0; p = tree.bodies[at(p)].parent)
        for (int k = tree.bodies[at(p)].first_coordinate; k < tree.bodies[at(p)].last_coordinate; ++k)
          M[at(c) * n + at(k)] = M[at(k) * n + at(c)] = power<S>(f, work.motion[at(k)]);
    }
    if (body.parent > 0) work.inertia[at(body.parent)] += work.inertia[b];
  }
}

template <class S>
void forward_dynamics(const Tree& tree, std::span<const S> tau, const Vec3& gravity,
                      std::span<const SpatialT<S>> external, TreeWork<S>& work, std::span<S> a) {
  using Matrix6 = Eigen::Matrix<S, 6, 6>;
  // A joint has at most six coordinates; its block of the articulated inertia is factored in place.
  using Block = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, 0, 6, 6>;
  const std::size_t bodies = tree.bodies.size();

  // Bias forces: what the bodies would need at zero relative acceleration is added on the way down.
  const SpatialT<S> none = SpatialT<S>::Zero();
  for (std::size_t b = 1; b < bodies; ++b) {
    work.inertia[b] = spatial_inertia(tree.bodies[b], b, work);
    work.force[b] = inertial_wrench<S>(tree.bodies[b], b, none, gravity, work);
    if (!external.empty()) work.force[b] -= external[b];
  }

  const auto factor = [&](const TreeBody& body, std::size_t b, Block& D) {
    const int k = body.last_coordinate - body.first_coordinate;
    D.resize(k, k);
    for (int i = 0; i < k; ++i)
      work.force_axis[at(body.first_coordinate + i)] = work.inertia[b] * work.motion[at(body.first_coordinate + i)];
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < k; ++j)
        D(i, j) = power<S>(work.force_axis[at(body.first_coordinate + i)], work.motion[at(body.first_coordinate + j)]);
    // Cholesky in place: D = L L^T
    for (int j = 0; j < k; ++j) {
      using std::sqrt;
      for (int i = 0; i < j; ++i) D(j, j) -= D(j, i) * D(j, i);
      D(j, j) = sqrt(D(j, j));
      for (int i = j + 1; i < k; ++i) {
        for (int m = 0; m < j; ++m) D(i, j) -= D(i, m) * D(j, m);
        D(i, j) /= D(j, j);
      }
    }
  };
  const auto solve = [](const Block& L, std::array<S, 6>& x) {
    const int k = static_cast<int>(L.rows());
    for (int i = 0; i < k; ++i) {
      for (int j = 0; j < i; ++j) x[at(i)] -= L(i, j) * x[at(j)];
      x[at(i)] /= L(i, i);
    }
    for (int i = k; i-- > 0;) {
      for (int j = i + 1; j < k; ++j) x[at(i)] -= L(j, i) * x[at(j)];
      x[at(i)] /= L(i, i);
    }
  };

  for (std::size_t b = bodies; b-- > 1;) {
    const TreeBody& body = tree.bodies[b];
    const int first = body.first_coordinate, k = body.last_coordinate - first;
    SpatialT<S> p = work.force[b] + work.inertia[b] * work.bias[b];
    Matrix6 I = work.inertia[b];
    Block L;
    factor(body, b, L);
    std::array<S, 6> x{};
    for (int i = 0; i < k; ++i)
      work.scratch[at(first + i)] = x[at(i)] = tau[at(first + i)] - power<S>(p, work.motion[at(first + i)]);
    solve(L, x);
    for (int i = 0; i < k; ++i) p += work.force_axis[at(first + i)] * x[at(i)];
    for (int j = 0; j < k; ++j) {
      std::array<S, 6> unit{};
      unit[at(j)] = S(1.0);
      solve(L, unit);
      for (int i = 0; i < k; ++i)
        I.noalias() -= work.force_axis[at(first + i)] * (work.force_axis[at(first + j)].transpose() * unit[at(i)]);
    }
    if (body.parent > 0) {
      work.inertia[at(body.parent)] += I;
      work.force[at(body.parent)] += p;
    }
  }

  work.acceleration[0].setZero();
  for (std::size_t b = 1; b < bodies; ++b) {
    const TreeBody& body = tree.bodies[b];
    const int first = body.first_coordinate, k = body.last_coordinate - first;
    SpatialT<S> sum = work.acceleration[at(body.parent)];
    Block L;
    factor(body, b, L);
    std::array<S, 6> x{};
    for (int i = 0; i < k; ++i) x[at(i)] = work.scratch[at(first + i)] - power<S>(work.force_axis[at(first + i)], sum);
    solve(L, x);
    sum += work.bias[b];
    for (int i = 0; i < k; ++i) {
      a[at(first + i)] = x[at(i)];
      sum += work.motion[at(first + i)] * x[at(i)];
    }
    work.acceleration[b] = sum;
  }
  for (std::size_t b = 0; b < bodies; ++b) {
    work.joint_wrench[b].setZero();
    if (b > 0) work.joint_wrench[b] = inertial_wrench(tree.bodies[b], b, work.acceleration[b], gravity, work);
    if (!external.empty()) work.joint_wrench[b] -= external[b];
  }
  for (std::size_t b = bodies; b-- > 1;) work.joint_wrench[at(tree.bodies[b].parent)] += work.joint_wrench[b];
}

// The scalars that the library is built for: plain numbers and four derivatives at a time.
#define PSOAS_INSTANTIATE(S)                                                                                    \
  template struct TreeWork<S>;                                                                                  \
  template void positions<S>(const Tree&, std::span<const S>, TreeWork<S>&);                                    \
  template void velocities<S>(const Tree&, std::span<const S>, TreeWork<S>&);                                   \
  template void inverse_dynamics<S>(const Tree&, std::span<const S>, const Vec3&, std::span<const SpatialT<S>>, \
                                    TreeWork<S>&, std::span<S>);                                                \
  template void mass_matrix<S>(const Tree&, TreeWork<S>&, std::span<S>);                                        \
  template void forward_dynamics<S>(const Tree&, std::span<const S>, const Vec3&, std::span<const SpatialT<S>>, \
                                    TreeWork<S>&, std::span<S>);
PSOAS_INSTANTIATE(double)
PSOAS_INSTANTIATE(Dual<4>)
#undef PSOAS_INSTANTIATE

}  // namespace psoas
