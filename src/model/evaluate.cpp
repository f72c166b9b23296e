// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstdint>

#include "model/fitted.hpp"
#include "psoas/core/words.hpp"
#include "psoas/model/model.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Says in work.moved which bodies may have moved since paths were last evaluated; true if any has. Compares bits, so
/// that what is not a number counts as itself.
bool find_moved(const Tree& tree, Workspace& work) {
  work.moved[0] = 0;
  bool any = false;
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    bool moved = work.moved[at(body.parent)] != 0;
    for (int c = body.first_coordinate; c < body.last_coordinate && !moved; ++c) moved = work.changed(c);
    work.moved[b] = moved;
    any = any || moved;
  }
  return any;
}

/// Whether a path can have changed: its bodies have moved, or a coordinate that its points depend on has changed.
bool may_have_changed(const Path& path, const Workspace& work) {
  for (const int body : path.bodies)
    if (work.moved[at(body)]) return true;
  for (const int c : path.coordinates)
    if (work.changed(c)) return true;
  return false;
}

void paths(const Model& model, Workspace& work) {
  const ModelData& data = model.data();
  if (!find_moved(data.tree, work) && work.paths_known) return;
  for (std::size_t m = 0; m < data.paths.size(); ++m)
    if (!work.paths_known || may_have_changed(data.paths[m], work)) {
      const ExactPath path = exact_path(model, m, work);
      if (!data.fitted.empty()) continue;
      work.length[m] = path.length;
      work.inside[m] = static_cast<char>(path.flag);
    }
  work.path_q = work.q;
  work.paths_known = true;
}

void lengthening_speeds(const Model& model, Workspace& work) {
  const ModelData& data = model.data();
  for (std::size_t m = 0; m < data.paths.size(); ++m) {
    const Path& path = data.paths[m];
    double speed = 0.0;
    for (std::size_t k = 0; k < path.bodies.size(); ++k)
      speed -= power<double>(work.wrench[at(data.wrench_start[m]) + k], work.tree.velocity[at(path.bodies[k])]);
    for (std::size_t k = 0; k < path.motions.size(); ++k)
      speed -= work.drive[at(data.drive_start[m]) + k] * work.u[at(path.motions[k].coordinate)];
    work.speed[m] = speed;
  }
}

MuscleForces store(const MuscleParameters& unit, const FibreState& state, double activation, std::size_t m,
                   Workspace& work) {
  const MuscleForces forces = fibre_forces(unit, state, activation);
  work.fibre.fibre_length[m] = state.fibre_length;
  work.fibre.fibre_velocity[m] = state.fibre_velocity;
  work.fibre.cos_pennation[m] = state.cos_pennation;
  work.fibre.outside_domain[m] = state.outside_domain;
  work.fibre.converged[m] = state.converged;
  work.force.active[m] = forces.active;
  work.force.passive[m] = forces.passive;
  work.force.damping[m] = forces.damping;
  return forces;
}

}  // namespace

ExactPath exact_path(const Model& model, std::size_t m, Workspace& work) {
  const ModelData& data = model.data();
  const Path& path = data.paths[m];
  const std::span<Spatial> wrench(work.wrench.data() + data.wrench_start[m], path.bodies.size());
  const std::span<double> drive(work.drive.data() + data.drive_start[m], path.motions.size());
  const PathValue<double> value = evaluate_path<double>(path, std::span<const Pose>(work.tree.X_GB),
                                                        std::span<const double>(work.q), wrench, drive);
  Spatial moved;  // the wrenches on the bodies from `first` to `last`, which coordinates of one joint share
  int first = -1, last = -1;
  for (int i = data.arm_start[m]; i < data.arm_start[m + 1]; ++i) {
    const ArmSlot& slot = data.arm_slots[at(i)];
    if (slot.first != first || slot.last != last) {
      first = slot.first, last = slot.last;
      moved.setZero();
      for (int k = first; k < last; ++k) moved += wrench[at(k)];
    }
    double arm = moved.dot(work.tree.motion[at(slot.coordinate)]);
    for (int k = slot.first_motion; k < slot.last_motion; ++k) arm += drive[at(k)];
    work.arm[at(i)] = arm;
  }
  return {value.length, value.beyond_end ? PathFlag::beyond_end
                        : value.inside   ? PathFlag::ignores_surface
                                         : PathFlag::none};
}

Workspace::Workspace(const Model& owner)
    : model(owner),
      tree(owner.tree()),
      passive(owner),
      contact(owner),
      fitted(owner.data().fitted),
      stretches(owner.data().stretches) {
  const ModelData& data = model.data();
  const std::size_t n = at(model.tree().coordinates()), muscles = data.paths.size();
  q.assign(n, 0.0);
  u = slope = curvature = passive_torque = path_q = q;
  moved.assign(model.tree().bodies.size(), 0);
  length.assign(muscles, 0.0);
  speed = tendon_force = length;
  inside.assign(muscles, 0);
  fibre = BatchFibres(muscles);
  force = BatchForces(muscles);
  wrench.assign(at(data.wrench_start.back()), Spatial::Zero());
  drive.assign(at(data.drive_start.back()), 0.0);
  arm.assign(data.arm_slots.size(), 0.0);
}

void couple(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work) {
  const ModelData& data = model.data();
  for (std::size_t t = 0; t < data.couplings.size(); ++t) {
    const Coupling& coupling = data.couplings[t];
    const double source = q[at(coupling.source)];
    const Jet2<double> jet = coupling.identity ? Jet2<double>{source, 1.0, 0.0} : coupling.function.jet(source);
    work.q[t] = jet.value;
    work.slope[t] = jet.slope;
    work.curvature[t] = jet.curvature;
    work.u[t] = jet.slope * u[at(coupling.source)];
  }
}

void couple_accelerations(const Model& model, std::span<const double> u, std::span<const double> udot,
                          const Workspace& work, std::span<double> out) {
  const ModelData& data = model.data();
  for (std::size_t t = 0; t < data.couplings.size(); ++t) {
    const std::size_t source = at(data.couplings[t].source);
    out[t] = work.slope[t] * udot[source] + work.curvature[t] * u[source] * u[source];
  }
}

void project(const Model& model, const Workspace& work, std::span<const double> tree_force, std::span<double> out) {
  std::fill(out.begin(), out.end(), 0.0);
  const ModelData& data = model.data();
  for (std::size_t t = 0; t < data.couplings.size(); ++t)
    out[at(data.couplings[t].source)] += work.slope[t] * tree_force[t];
}

void rigid_tendon_forces(const Model& model, Workspace& work) {
  // full activation in force over velocity keeps active force linear in activation
  model.data().batch.rigid(work.length, work.speed, work.fibre, work.force);
}

bool Workspace::changed(int coordinate) const {
  return std::bit_cast<std::uint64_t>(q[at(coordinate)]) != std::bit_cast<std::uint64_t>(path_q[at(coordinate)]);
}

void exact_paths(const Model& model, Workspace& work) {
  if (!model.data().fitted.empty()) paths(model, work);
}

void evaluate(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work, Depth depth) {
  if (&work.model.data() != &model.data()) work = Workspace(model);
  const bool fitted = !model.data().fitted.empty();
  couple(model, q, u, work);
  positions<double>(model.tree(), work.q, work.tree);
  fitted ? fitted_paths(model, q, work) : paths(model, work);
  if (depth == Depth::position) return;
  velocities<double>(model.tree(), work.u, work.tree);
  fitted ? fitted_speeds(model, u, work) : lengthening_speeds(model, work);
  passive_forces<double>(model, work.q, work.u, work.tree, work.passive_torque, work.passive);
}

void evaluate_displaced(const Model& model, std::span<const double> q, std::span<const double> displacement,
                        Workspace& work) {
  if (&work.model.data() != &model.data()) work = Workspace(model);
  couple(model, q, q, work);
  for (std::size_t t = 0; t < work.q.size(); ++t) work.q[t] += displacement[t];
  std::fill(work.u.begin(), work.u.end(), 0.0);
  positions<double>(model.tree(), work.q, work.tree);
  paths(model, work);
  velocities<double>(model.tree(), work.u, work.tree);
  std::fill(work.speed.begin(), work.speed.end(), 0.0);
  passive_forces<double>(model, work.q, work.u, work.tree, work.passive_torque, work.passive);
}

void evaluate(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work,
              std::span<const int> muscles) {
  if (&work.model.data() != &model.data()) work = Workspace(model);
  couple(model, q, u, work);
  positions<double>(model.tree(), work.q, work.tree);
  if (!model.data().fitted.empty()) return fitted_paths(model, q, work);
  work.paths_known = false;  // those of the others are of another pose
  for (const int m : muscles) {
    const ExactPath path = exact_path(model, at(m), work);
    work.length[at(m)] = path.length;
    work.inside[at(m)] = static_cast<char>(path.flag);
  }
}

void evaluate(const Model& model, const State& state, Workspace& work, Depth depth) {
  evaluate(model, state.q(), state.u(), work, depth);
  if (depth != Depth::force) return;
  const ModelData& data = model.data();
  data.batch.fibre_velocity(work.length, state.fibre_length(), state.activation(), work.fibre, work.force,
                            work.tendon_force);
  for (const int m : data.batch.rigid_tendons()) {  // of which the batch found what is not meant
    const MuscleParameters& unit = data.units[at(m)];
    const FibreState fibre = rigid_tendon_fibre(unit, work.length[at(m)], work.speed[at(m)]);
    const double activation = state.activation()[at(m)];
    work.tendon_force[at(m)] = rigid_tendon_force(store(unit, fibre, activation, at(m), work), activation);
  }
  contact_forces<double>(model, work.tree, work.contact);
}

double moment_arm(const Model& model, const Workspace& work, int muscle, int coordinate) {
  const ModelData& data = model.data();
  if (!data.fitted.empty()) {
    const int slope = data.fitted.slope_of(muscle, coordinate);
    return slope < 0 ? 0.0 : -work.fitted.slope[at(slope)];
  }
  double arm = 0.0;
  for (int i = data.arm_start[at(muscle)]; i < data.arm_start[at(muscle) + 1]; ++i) {
    const std::size_t t = at(data.arm_slots[at(i)].coordinate);
    if (data.couplings[t].source == coordinate) arm += work.slope[t] * work.arm[at(i)];
  }
  return arm;
}

double torque_capacity(const Model& model, const Workspace& work, int coordinate, int direction) {
  double torque = 0.0;
  for (int m = 0; m < model.muscles(); ++m) {
    const double arm = moment_arm(model, work, m, coordinate);
    if (arm == 0.0) continue;
    const double activation = arm * direction > 0.0 ? 1.0 : model.data().units[at(m)].minimum_activation;
    torque += arm * (activation * work.force.active[at(m)] + work.force.passive[at(m)]);
  }
  return torque;
}

double torque_capacity(const Model& model, const State& state, std::string_view coordinate, Workspace& work) {
  const int index = model.coordinate(coordinate);
  evaluate(model, state, work, Depth::velocity);
  rigid_tendon_forces(model, work);
  return torque_capacity(model, work, index);
}

}  // namespace psoas
