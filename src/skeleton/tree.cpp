// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/skeleton/tree.hpp"

#include <cassert>

#include "psoas/skeleton/rotation_vector.hpp"
#include "skeleton/spatial.hpp"

namespace psoas {
namespace {

using spatial::at, spatial::central, spatial::cross_motion, spatial::fill, spatial::in_scalar, spatial::rigid_inertia,
    spatial::times, spatial::turn_about;

/// R times the rotation about axis k of its own.
template <class S>
void turn(int k, const S& angle, Mat3T<S>& R) {
  using std::cos;
  using std::sin;
  const S c = cos(angle), s = sin(angle);
  const int i = (k + 1) % 3, j = (k + 2) % 3;
  const Vec3T<S> x = R.col(i), y = R.col(j);
  R.col(i) = x * c + y * s;
  R.col(j) = y * c - x * s;
}

/// The wrench, about ground's origin, that gives a body its acceleration (gravity as an acceleration upwards).
template <class S>
void inertial_wrench(const TreeBody& body, std::size_t b, const SpatialT<S>& acceleration, const Vec3T<S>& gravity,
                     const TreeWork<S>& work, SpatialT<S>& wrench) {
  const SpatialT<S>& v = work.velocity[b];
  const Vec3T<S> w = v.template head<3>(), alpha = acceleration.template head<3>(), c = work.mass_center[b];
  const Vec3T<S> c_dot = v.template tail<3>() + w.cross(c);
  const Vec3T<S> c_ddot = acceleration.template tail<3>() + alpha.cross(c) + w.cross(c_dot);
  const Mat3T<S>& R = work.X_GB[b].R;
  const Vec3T<S> moment = central<S>(body, R, alpha) + w.cross(central<S>(body, R, w));
  const Vec3T<S> force = (c_ddot - gravity) * S(body.mass);
  wrench.template head<3>() = moment + c.cross(force);
  wrench.template tail<3>() = force;
}

}  // namespace

TreePlan::TreePlan(const Tree& tree) : axes(tree.axes.size()), bodies(tree.bodies.size()) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const TreeAxis& axis = tree.axes[i];
    if (!axis.rotation) axes[i].about = 't';
    for (int k = 0; k < 3; ++k)
      if (axis.rotation && axis.direction == Vec3::Unit(k)) axes[i].about = "xyz"[k];
    axes[i].line = axis.function.is_line();
    const Jet2<double> zero = axis.function.jet(0.0);
    axes[i].offset = zero.value, axes[i].slope = zero.slope;
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!tree.axes[i].vector) continue;
    assert(i + 2 < axes.size() && tree.axes[i + 1].vector && tree.axes[i + 2].vector);
    for (std::size_t k = i; k < i + 3; ++k) axes[k].about = 'v';
    axes[i].frame = frames++;
    i += 2;
  }
  for (std::size_t b = 1; b < bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    bodies[b].turned_in_parent = body.X_PF.R != Mat3::Identity();
    bodies[b].turned_in_joint = body.X_MB.R != Mat3::Identity();
    bodies[b].shifted_in_joint = body.X_MB.p != Vec3::Zero();
  }
}

template <class S>
TreeWork<S>::TreeWork(const Tree& tree) : plan(tree) {
  const std::size_t bodies = tree.bodies.size(), n = at(tree.coordinates());
  X_GB.resize(bodies);
  motion.assign(n, SpatialT<S>::Zero());
  axis.assign(tree.axes.size(), SpatialT<S>::Zero());
  displacement.resize(tree.axes.size());
  mass_center.assign(bodies, Vec3T<S>::Zero());
  velocity.assign(bodies, SpatialT<S>::Zero());
  bias = acceleration = joint_wrench = force = velocity;
  force_axis.assign(n, SpatialT<S>::Zero());
  rigid.resize(bodies);
  inertia.assign(bodies, Eigen::Matrix<S, 6, 6>::Zero());
  drive.assign(n, S(0.0));
  pivot = drive;
  vector_frame.resize(at(plan.frames));
}

template <class S>
void positions(const Tree& tree, std::span<const S> q, TreeWork<S>& work) {
  assert(q.size() == at(tree.coordinates()));
  for (SpatialT<S>& m : work.motion) m.setZero();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    const TreePlan::Body& plan = work.plan.bodies[b];
    const PoseT<S>& X_GP = work.X_GB[at(body.parent)];
    Vec3T<S> p = X_GP.R * body.X_PF.p.cast<S>() + X_GP.p;
    Mat3T<S> R = X_GP.R;
    if (plan.turned_in_parent) R = X_GP.R * body.X_PF.R.cast<S>();
    for (int i = body.first_axis; i < body.last_axis; ++i) {
      const TreeAxis& axis = tree.axes[at(i)];
      const TreePlan::Axis& simple = work.plan.axes[at(i)];
      Jet2<S>& jet = work.displacement[at(i)];
      const S x = axis.coordinate < 0 ? S(0.0) : q[at(axis.coordinate)];
      jet = simple.line ? Jet2<S>{x * simple.slope + simple.offset, S(simple.slope), S(0.0)} : axis.function.jet(x);
      SpatialT<S>& unit = work.axis[at(i)];
      switch (simple.about) {
        case 'x':
        case 'y':
        case 'z': {
          const int k = simple.about - 'x';
          turn_about<S>(R.col(k), p, unit);
          turn<S>(k, jet.value, R);
          break;
        }
        case 't': {
          const Vec3T<S> direction = R * axis.direction.cast<S>();
          unit.template head<3>().setZero();
          unit.template tail<3>() = direction;
          p += direction * jet.value;
          break;
        }
        case 'v': {
          // three axes at once, by the coordinates of this one and the next two
          Vec3T<S> r(jet.value, S(0.0), S(0.0));
          for (int k = 1; k < 3; ++k) {
            r[k] = q[at(tree.axes[at(i + k)].coordinate)];
            work.displacement[at(i + k)] = {r[k], S(1.0), S(0.0)};
          }
          const RotationVector<S> rotation(r);
          const Mat3T<S> J = R * rotation.jacobian();
          work.vector_frame[at(simple.frame)] = {R, p};
          for (int k = 0; k < 3; ++k) {
            turn_about<S>(J.col(k), p, work.axis[at(i + k)]);
            work.motion[at(tree.axes[at(i + k)].coordinate)] += work.axis[at(i + k)];
          }
          R = (R * rotation.matrix()).eval();
          i += 2;
          continue;
        }
        default:
          turn_about<S>(R * axis.direction.cast<S>(), p, unit);
          R = (R * rotation_about<S>(axis.direction, jet.value)).eval();
      }
      if (axis.coordinate >= 0) work.motion[at(axis.coordinate)] += unit * jet.slope;
    }
    PoseT<S>& X = work.X_GB[b];
    if (plan.shifted_in_joint) p += R * body.X_MB.p.cast<S>();
    if (plan.turned_in_joint)
      X.R = R * body.X_MB.R.cast<S>();
    else
      X.R = R;
    X.p = p;
    work.mass_center[b] = X.R * body.mass_center.cast<S>() + p;
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
      const TreePlan::Axis& simple = work.plan.axes[at(i)];
      if (simple.about == 'v') {
        Vec3T<S> r, speeds;
        SpatialT<S> relative = SpatialT<S>::Zero();
        for (int k = 0; k < 3; ++k) {
          r[k] = work.displacement[at(i + k)].value;
          speeds[k] = u[at(tree.axes[at(i + k)].coordinate)];
          relative += work.axis[at(i + k)] * speeds[k];
        }
        bias += cross_motion<S>(v, relative);
        // the axes themselves turn about the joint's centre, which stands still in the frame that carries it
        const PoseT<S>& frame = work.vector_frame[at(simple.frame)];
        SpatialT<S> about_center;
        turn_about<S>(frame.R * RotationVector<S>(r).jacobian_rate(speeds, speeds), frame.p, about_center);
        bias += about_center;
        v += relative;
        i += 2;
        continue;
      }
      const Jet2<S>& jet = work.displacement[at(i)];
      const S speed = jet.slope * u[at(c)];
      const SpatialT<S> relative = unit * speed;
      if (simple.about == 't')
        bias.template tail<3>() += v.template head<3>().cross(relative.template tail<3>());
      else
        bias += cross_motion<S>(v, relative);
      if (!simple.line) bias += unit * (jet.curvature * u[at(c)] * u[at(c)]);
      v += relative;
    }
    work.velocity[b] = v;
    work.bias[b] = bias;
  }
}

template <class S>
void inverse_dynamics(const Tree& tree, std::span<const S> a, const Vec3& gravity,
                      std::span<const SpatialT<S>> external, TreeWork<S>& work, std::span<S> tau) {
  const std::size_t bodies = tree.bodies.size();
  const Vec3T<S> g = in_scalar<S>(gravity);
  work.acceleration[0].setZero();
  work.joint_wrench[0].setZero();
  for (std::size_t b = 1; b < bodies; ++b) {
    const TreeBody& body = tree.bodies[b];
    SpatialT<S> sum = work.acceleration[at(body.parent)] + work.bias[b];
    for (int c = body.first_coordinate; c < body.last_coordinate; ++c) sum += work.motion[at(c)] * a[at(c)];
    work.acceleration[b] = sum;
    inertial_wrench<S>(body, b, sum, g, work, work.joint_wrench[b]);
  }
  if (!external.empty())
    for (std::size_t b = 0; b < bodies; ++b) work.joint_wrench[b] -= external[b];
  for (std::size_t b = bodies; b-- > 1;) {
    const TreeBody& body = tree.bodies[b];
    const SpatialT<S>& wrench = work.joint_wrench[b];
    for (int c = body.first_coordinate; c < body.last_coordinate; ++c)
      tau[at(c)] = power<S>(wrench, work.motion[at(c)]);
    work.joint_wrench[at(body.parent)] += wrench;
  }
}

template <class S>
void mass_matrix(const Tree& tree, TreeWork<S>& work, std::span<S> M) {
  const std::size_t n = at(tree.coordinates());
  assert(M.size() == n * n);
  for (S& x : M) x = S(0.0);
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) rigid_inertia(tree.bodies[b], b, work);
  for (std::size_t b = tree.bodies.size(); b-- > 1;) {
    const TreeBody& body = tree.bodies[b];
    const RigidInertia<S>& rigid = work.rigid[b];
    for (int c = body.first_coordinate; c < body.last_coordinate; ++c) {
      const SpatialT<S> f = times<S>(rigid, work.motion[at(c)]);
      S *column = M.data() + at(c) * n, *row = M.data() + c;
      for (int k = body.first_coordinate; k <= c; ++k) column[k] = row[at(k) * n] = power<S>(f, work.motion[at(k)]);
      for (int p = body.parent; p > 0; p = tree.bodies[at(p)].parent)
        for (int k = tree.bodies[at(p)].first_coordinate; k < tree.bodies[at(p)].last_coordinate; ++k)
          column[k] = row[at(k) * n] = power<S>(f, work.motion[at(k)]);
    }
    if (body.parent > 0) work.rigid[at(body.parent)] += rigid;
  }
}

template <class S>
void forward_dynamics(const Tree& tree, std::span<const S> tau, const Vec3& gravity,
                      std::span<const SpatialT<S>> external, TreeWork<S>& work, std::span<S> a) {
  using Matrix6 = Eigen::Matrix<S, 6, 6>;
  const std::size_t bodies = tree.bodies.size();
  const Vec3T<S> g = in_scalar<S>(gravity);

  // what the bodies would need at zero relative acceleration; biases of joints are added on the way down
  for (std::size_t b = 1; b < bodies; ++b) {
    const TreeBody& body = tree.bodies[b];
    rigid_inertia(body, b, work);
    fill<S>(work.rigid[b], work.inertia[b]);
    const Vec3T<S> w = work.velocity[b].template head<3>(), c = work.mass_center[b];
    const Vec3T<S> c_dot = work.velocity[b].template tail<3>() + w.cross(c);
    const Vec3T<S> force = (w.cross(c_dot) - g) * S(body.mass);
    SpatialT<S>& p = work.force[b];
    p.template head<3>() = w.cross(central<S>(body, work.X_GB[b].R, w)) + c.cross(force);
    p.template tail<3>() = force;
    if (!external.empty()) p -= external[b];
  }
  work.force[0].setZero();
  if (!external.empty()) work.force[0] -= external[0];

  // Coordinates of a joint are eliminated one after the other, each as if a body without mass came before it. All is
  // in ground, so an inertia moves to the parent by a sum.
  for (std::size_t b = bodies; b-- > 1;) {
    const TreeBody& body = tree.bodies[b];
    SpatialT<S> p = work.force[b];
    p.noalias() += work.inertia[b] * work.bias[b];
    Matrix6 I = work.inertia[b];
    for (int c = body.last_coordinate; c-- > body.first_coordinate;) {
      const SpatialT<S>& s = work.motion[at(c)];
      SpatialT<S>& U = work.force_axis[at(c)];
      U.noalias() = I * s;
      const S inverse = S(1.0) / power<S>(U, s);
      const S drive = tau[at(c)] - power<S>(p, s);
      work.pivot[at(c)] = inverse;
      work.drive[at(c)] = drive;
      const SpatialT<S> scaled = U * inverse;
      p += scaled * drive;
      if (body.parent > 0 || c > body.first_coordinate)
        for (int k = 0; k < 6; ++k) I.col(k) -= scaled * U[k];
    }
    if (body.parent > 0) work.inertia[at(body.parent)] += I;
    work.force[at(body.parent)] += p;
  }

  work.acceleration[0].setZero();
  work.joint_wrench[0] = work.force[0];
  for (std::size_t b = 1; b < bodies; ++b) {
    const TreeBody& body = tree.bodies[b];
    SpatialT<S> sum = work.acceleration[at(body.parent)];
    for (int c = body.first_coordinate; c < body.last_coordinate; ++c) {
      const S x = (work.drive[at(c)] - power<S>(work.force_axis[at(c)], sum)) * work.pivot[at(c)];
      a[at(c)] = x;
      sum += work.motion[at(c)] * x;
    }
    sum += work.bias[b];
    work.acceleration[b] = sum;
    work.joint_wrench[b] = work.force[b];
    work.joint_wrench[b].noalias() += work.inertia[b] * sum;
  }
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
