// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The forces of evaluate() that are no muscle's: passive elements, and spheres on planes.
#include <algorithm>

#include "psoas/model/model.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

template <class S>
void add_bushings(const ModelData& data, const TreeWork<S>& tree, PassiveWork<S>& work) {
  for (std::size_t i = 0; i < data.bushings.size(); ++i) {
    const CompiledBushing& bushing = data.bushings[i];
    const PoseT<S> X_GF = tree.X_GB[at(bushing.first)] * bushing.X_AF.cast<S>(),
                   X_GM = tree.X_GB[at(bushing.second)] * bushing.X_BM.cast<S>();
    const BushingState<S> state =
        bushing_state<S>(X_GF, X_GM, tree.velocity[at(bushing.first)], tree.velocity[at(bushing.second)]);
    SpatialT<S> generalised;
    for (Eigen::Index r = 0; r < 6; ++r) {
      S elastic(0.0);
      for (Eigen::Index c = 0; c < 6; ++c) elastic += bushing.stiffness(r, c) * state.q[c];
      const S viscous = bushing.damping[r] * state.u[r];
      generalised[r] = -elastic - viscous;
      work.potential += 0.5 * state.q[r] * elastic;
      work.dissipation += state.u[r] * viscous;
    }
    for (std::size_t k = 0; k < bushing.moment.size(); ++k) {
      const auto r = static_cast<Eigen::Index>(k);
      generalised[r] -= bushing.moment[k].jet(state.q[r]).value;
      work.potential += bushing.energy[k].jet(state.q[r]).value;
    }
    const SpatialT<S> on_second = bushing_wrench<S>(state, generalised);
    const Vec3T<S> force = X_GF.R * on_second.template tail<3>(), moment = X_GF.R * on_second.template head<3>();
    SpatialT<S> wrench = wrench_at<S>(X_GM.p, force);
    wrench.template head<3>() += moment;
    work.bushing_wrench[i] = wrench;
    work.body[at(bushing.second)] += wrench;
    work.body[at(bushing.first)] -= wrench;
  }
}

template <class S>
void add_ligaments(const ModelData& data, std::span<const S> q, std::span<const S> u, const TreeWork<S>& tree,
                   std::span<S> torque, PassiveWork<S>& work) {
  for (std::size_t i = 0; i < data.ligaments.size(); ++i) {
    const CompiledLigament& ligament = data.ligaments[i];
    const Path& path = ligament.path;
    const std::span<SpatialT<S>> wrench(work.ligament_wrench.data() + ligament.wrench_start, path.bodies.size());
    const std::span<S> drive(work.drive.data() + ligament.drive_start, path.motions.size());
    const S length = evaluate_path<S>(path, std::span<const PoseT<S>>(tree.X_GB), q, wrench, drive).length;
    S speed(0.0);
    for (std::size_t k = 0; k < wrench.size(); ++k) speed -= power<S>(wrench[k], tree.velocity[at(path.bodies[k])]);
    for (std::size_t k = 0; k < drive.size(); ++k) speed -= drive[k] * u[at(path.motions[k].coordinate)];
    const ForceValue<S> value = ligament.law.at(length, speed);
    work.ligament_length[i] = length;
    work.ligament_speed[i] = speed;
    work.ligament_tension[i] = value.force;
    work.potential += value.potential;
    work.dissipation += value.dissipation;
    for (std::size_t k = 0; k < wrench.size(); ++k) {
      wrench[k] *= value.force;
      work.body[at(path.bodies[k])] += wrench[k];
    }
    for (std::size_t k = 0; k < drive.size(); ++k) torque[at(path.motions[k].coordinate)] += drive[k] * value.force;
  }
}

/// Velocity of the point of a body that is at p, in ground.
template <class S>
Vec3T<S> velocity_at(const TreeWork<S>& tree, int body, const Vec3T<S>& p) {
  const SpatialT<S>& V = tree.velocity[at(body)];
  const Vec3T<S> w = V.template head<3>();
  return V.template tail<3>() + w.cross(p);
}

/// Adds a force [N] of a plane on a sphere at a place [m], both in ground.
template <class S>
void push(const ModelData& data, int plane, std::size_t sphere, const Vec3T<S>& place, const Vec3T<S>& force,
          ContactWork<S>& work) {
  const SpatialT<S> wrench = wrench_at<S>(place, force);
  work.sphere_force[sphere] += force;
  work.plane_wrench[at(plane)] += wrench;
  work.external[at(data.spheres[sphere].body)] += wrench;
  work.external[at(data.planes[at(plane)].body)] -= wrench;
}

/// How a sphere and a plane meet: they do where indentation and share are above 0.
template <class S>
struct Meeting {
  S indentation{0.0};              // [m]
  S share{1.0}, share_slope{0.0};  // of the plane that is left beyond its edge, and per metre across it
  Vec3T<S> normal, edge, place;    // in ground; where the surfaces meet
  Vec3T<S> centre;
};

template <class S>
Meeting<S> meet(const ContactSphere& sphere, const ContactPlane& plane, const TreeWork<S>& tree) {
  Meeting<S> out;
  const PoseT<S>& X_GP = tree.X_GB[at(plane.body)];
  out.centre = tree.X_GB[at(sphere.body)] * sphere.location.cast<S>();
  out.normal = X_GP.R * plane.normal.cast<S>();
  const Vec3T<S> from_point = out.centre - X_GP * plane.point.cast<S>();
  out.indentation = sphere.radius - out.normal.dot(from_point);
  if (!(out.indentation > 0.0)) return out;
  // Beyond the edge the elastic energy fades with what is left of the plane; its slope pushes outwards.
  out.edge = X_GP.R * plane.edge.cast<S>();
  if (!plane.edge.isZero()) {
    const S beyond = (out.edge.dot(from_point) - plane.distance) / plane.width;
    out.share = 1.0 - smooth_step<S>(beyond);
    out.share_slope = -smooth_step_slope<S>(beyond) / plane.width;
  }
  // both surfaces give way alike: they meet half-way
  const S depth = sphere.radius - 0.5 * out.indentation;
  out.place = out.centre - depth * out.normal;
  return out;
}

/// What a plane does to a sphere that moves past it with velocity `slip` where they meet.
template <class S>
struct Push {
  Vec3T<S> force;
  S energy{}, dissipation{};  // of the whole plane [J], [W]
  S drag{};                   // friction over sliding speed [N s/m]
};

template <class S>
Push<S> push_of(const ContactSphere& sphere, const S& indentation, const S& share, const Vec3T<S>& normal,
                const Vec3T<S>& slip) {
  const ForceValue<S> elastic = sphere.law.elastic<S>(sphere.radius, indentation);
  const S rate = -normal.dot(slip), free = share * elastic.force;
  const S pressed = free * sphere.law.damping_factor<S>(rate);
  const Vec3T<S> sliding = slip + rate * normal;
  const S speed_squared = sliding.dot(sliding), over_speed = sphere.law.friction_over_speed<S>(speed_squared);
  const S dragged = pressed * over_speed;
  return {pressed * normal - dragged * sliding, elastic.potential,
          (pressed - free) * rate + pressed * over_speed * speed_squared, dragged};
}

template <class S>
void touch(const ModelData& data, int p, std::size_t s, const TreeWork<S>& tree, ContactWork<S>& work) {
  const ContactSphere& sphere = data.spheres[s];
  const ContactPlane& plane = data.planes[at(p)];
  const Meeting<S> at_place = meet<S>(sphere, plane, tree);
  if (!(at_place.indentation > 0.0) || !(at_place.share > 0.0)) return;
  const Vec3T<S> slip =
      velocity_at<S>(tree, sphere.body, at_place.place) - velocity_at<S>(tree, plane.body, at_place.place);
  const Push<S> one = push_of<S>(sphere, at_place.indentation, at_place.share, at_place.normal, slip);
  work.potential += at_place.share * one.energy;
  work.dissipation += one.dissipation;
  push<S>(data, p, s, at_place.place, one.force, work);
  if (at_place.share_slope != 0.0) {
    const S outwards = -at_place.share_slope * one.energy;
    push<S>(data, p, s, at_place.centre, outwards * at_place.edge, work);
  }
}

}  // namespace

template <class S>
PassiveWork<S>::PassiveWork(const Model& model) {
  const ModelData& data = model.data();
  const SpatialT<S> none = SpatialT<S>::Zero();
  bushing_wrench.assign(data.bushings.size(), none);
  ligament_length.assign(data.ligaments.size(), S(0.0));
  ligament_speed = ligament_tension = ligament_length;
  std::size_t wrenches = 0, drives = 0;
  for (const CompiledLigament& ligament : data.ligaments) {
    wrenches += ligament.path.bodies.size();
    drives += ligament.path.motions.size();
  }
  ligament_wrench.assign(wrenches, none);
  drive.assign(drives, S(0.0));
  body.assign(data.tree.bodies.size(), none);
}

template <class S>
ContactWork<S>::ContactWork(const Model& model) {
  const ModelData& data = model.data();
  sphere_force.assign(data.spheres.size(), Vec3T<S>::Zero());
  plane_wrench.assign(data.planes.size(), SpatialT<S>::Zero());
  external.assign(data.tree.bodies.size(), SpatialT<S>::Zero());
}

template <class S>
void passive_forces(const Model& model, std::span<const S> q, std::span<const S> u, const TreeWork<S>& tree,
                    std::span<S> torque, PassiveWork<S>& work) {
  const ModelData& data = model.data();
  std::fill(torque.begin(), torque.end(), S(0.0));
  work.potential = work.dissipation = S(0.0);
  for (const PassiveTorque& item : data.passive) {
    const ForceValue<S> value = item.at(q[at(item.coordinate)], u[at(item.coordinate)]);
    torque[at(item.coordinate)] += value.force;
    work.potential += value.potential;
    work.dissipation += value.dissipation;
  }
  if (data.bushings.empty() && data.ligaments.empty()) return;
  for (SpatialT<S>& wrench : work.body) wrench.setZero();
  add_bushings<S>(data, tree, work);
  add_ligaments<S>(data, q, u, tree, torque, work);
  // a coordinate feels all that pulls on the bodies that it carries
  for (std::size_t b = data.tree.bodies.size(); b-- > 1;) work.body[at(data.tree.bodies[b].parent)] += work.body[b];
  for (std::size_t t = 0; t < torque.size(); ++t)
    torque[t] += power<S>(work.body[at(data.tree.coordinate_body[t])], tree.motion[t]);
}

template <class S>
void contact_forces(const Model& model, const TreeWork<S>& tree, ContactWork<S>& work) {
  const ModelData& data = model.data();
  work.potential = work.dissipation = S(0.0);
  if (data.spheres.empty()) return;  // all is zero, as it was made
  for (SpatialT<S>& wrench : work.external) wrench.setZero();
  for (SpatialT<S>& wrench : work.plane_wrench) wrench.setZero();
  for (Vec3T<S>& force : work.sphere_force) force.setZero();
  for (std::size_t s = 0; s < data.spheres.size(); ++s)
    for (const int p : data.spheres[s].planes) touch<S>(data, p, s, tree, work);
}

bool plane_touch(const ModelData& data, const TreeWork<double>& tree, int sphere, int plane, PlaneTouch& out) {
  using D = Dual<4>;
  const ContactSphere& one = data.spheres[at(sphere)];
  const ContactPlane& other = data.planes[at(plane)];
  const Meeting<double> where = meet<double>(one, other, tree);
  if (!(where.indentation > 0.0) || !(where.share > 0.0)) return false;
  out.place = where.place;
  out.velocity = velocity_at<double>(tree, one.body, where.place) - velocity_at<double>(tree, other.body, where.place);
  const Vec3T<D> slip(D(out.velocity[0], 1), D(out.velocity[1], 2), D(out.velocity[2], 3));
  const Push<D> push = push_of<D>(one, D(where.indentation, 0), D(where.share), where.normal.cast<D>(), slip);
  out.normal = where.normal;
  out.drag = push.drag.a;
  for (int r = 0; r < 3; ++r) {
    out.force[r] = push.force[r].a;
    out.by_position.row(r) = push.force[r].v[0] * where.normal.transpose();
    for (int c = 0; c < 3; ++c) out.by_velocity(r, c) = -push.force[r].v[at(c + 1)];
  }
  return true;
}

template struct PassiveWork<double>;
template struct PassiveWork<Dual<4>>;
template struct ContactWork<double>;
template struct ContactWork<Dual<4>>;
template void passive_forces(const Model&, std::span<const double>, std::span<const double>, const TreeWork<double>&,
                             std::span<double>, PassiveWork<double>&);
template void passive_forces(const Model&, std::span<const Dual<4>>, std::span<const Dual<4>>, const TreeWork<Dual<4>>&,
                             std::span<Dual<4>>, PassiveWork<Dual<4>>&);
template void contact_forces(const Model&, const TreeWork<double>&, ContactWork<double>&);
template void contact_forces(const Model&, const TreeWork<Dual<4>>&, ContactWork<Dual<4>>&);

Vec3 centre_of_pressure(const Model& model, const Workspace& work, int plane) {
  const ContactPlane& item = model.data().planes[at(plane)];
  const Pose& X_GP = work.tree.X_GB[at(item.body)];
  const Vec3 normal = X_GP.R * item.normal, point = X_GP * item.point;
  const Spatial& wrench = work.contact.plane_wrench[at(plane)];
  const Vec3 force = wrench.tail<3>(), moment = wrench.head<3>() - point.cross(force);
  return point + normal.cross(moment) / normal.dot(force);
}

}  // namespace psoas
