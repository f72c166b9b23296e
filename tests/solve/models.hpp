// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Small models that simulations are tested on.
#pragma once

#include <string>
#include <utility>

#include "psoas/model/model.hpp"

namespace psoas::test {

inline void add_body(ModelSpec& spec, const std::string& name, double mass, const Vec3& mass_center,
                     const std::array<double, 6>& inertia = {}) {
  spec.bodies[name].mass = mass;
  spec.bodies[name].mass_center = mass_center;
  spec.bodies[name].inertia = inertia;
}

inline void add_pin(ModelSpec& spec, const std::string& parent, const std::string& child, const Vec3& where,
                    const std::string& coordinate) {
  JointSpec& joint = spec.joints[child];
  joint.parent = parent;
  joint.child = child;
  joint.parent_frame.translation = where;
  Pin pin;
  pin.coordinate = coordinate;
  joint.motion = pin;
  spec.coordinates[coordinate];
}

constexpr double pendulum_length = 0.7, pendulum_mass = 3.0;

inline ModelSpec pendulum() {
  ModelSpec spec;
  add_body(spec, "bob", pendulum_mass, {0.0, -pendulum_length, 0.0});
  add_pin(spec, "ground", "bob", {0.1, 1.0, 0.0}, "angle");
  return spec;
}

/// Three rods in a row.
inline ModelSpec chain() {
  ModelSpec spec;
  add_body(spec, "upper", 3.0, {0.02, -0.2, 0.01}, {0.05, 0.02, 0.06, 0.002, 0.001, -0.001});
  add_body(spec, "middle", 2.0, {0.0, -0.2, -0.02}, {0.03, 0.01, 0.03, 0.0, 0.0, 0.0});
  add_body(spec, "lower", 1.0, {-0.01, -0.15, 0.0}, {0.01, 0.005, 0.01, 0.0, 0.0, 0.0});
  add_pin(spec, "ground", "upper", Vec3::Zero(), "first");
  add_pin(spec, "upper", "middle", {0.0, -0.4, 0.0}, "second");
  add_pin(spec, "middle", "lower", {0.0, -0.4, 0.0}, "third");
  std::get<Pin>(spec.joints.find("middle")->motion).axis = {1.0, 0.2, 0.3};
  return spec;
}

inline MuscleSpec& add_muscle(ModelSpec& spec, const std::string& name, const std::string& tendon,
                              const std::vector<std::pair<std::string, Vec3>>& path) {
  MuscleSpec& muscle = spec.muscles[name];
  for (const auto& [body, location] : path) {
    PointSpec point;
    point.body = body;
    point.location = location;
    muscle.path.push_back(point);
  }
  muscle.max_isometric_force = 60.0;
  muscle.optimal_fibre_length = 0.15;
  muscle.tendon_slack_length = 0.25;
  muscle.pennation = 0.2;
  muscle.tendon = tendon;
  return muscle;
}

/// A pendulum that a muscle holds back from the side.
inline ModelSpec muscled_pendulum(const std::string& tendon) {
  ModelSpec spec = pendulum();
  add_muscle(spec, "side", tendon, {{"ground", Vec3(-0.3, 0.95, 0.0)}, {"bob", Vec3(-0.02, -0.15, 0.0)}});
  return spec;
}

/// The state of every muscle at rest on its path.
inline void settle(const Model& model, State& state, double activation) {
  Workspace work(model);
  evaluate(model, state, work, Depth::position);
  for (std::size_t m = 0; m < model.data().units.size(); ++m) {
    state.activation()[m] = activation;
    state.fibre_length()[m] = static_equilibrium(model.data().units[m], work.length[m], activation).fibre_length;
  }
}

}  // namespace psoas::test
