// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The moment about a hip over its flexion, all at rest or the iliopsoas fully active: what a tight muscle changes first.
//   angle_of_hip_moment(reference, model, "r", 15.0);   delta_theta_deg(reference, model, "r");
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

class StudyMemory;

/// The muscles that cross a coordinate of the model, ascending.
std::vector<int> muscles_crossing(const Model& model, int coordinate);

/// The iliopsoas of one side and its hip.
struct Iliopsoas {
  std::vector<int> muscles;
  int hip = -1;
};
/// That of a side ("r", "l"); empty where the model lacks the group or the hip.
std::optional<Iliopsoas> iliopsoas_of(const Model& model, const std::string& side);

/// The hip flexion [rad] at which the moment that resists extension at rest reaches `torque` [N m], coming from flexion,
/// the rest of the model in its default state (knees straight), tendons rigid. It is the passive moment, and of raised
/// tone what the least activation exceeds that of `reference` by. Nan where it never is between 120 degrees of flexion
/// and 60 of extension.
double angle_of_passive_moment(const Model& reference, const Model& model, const std::string& side, double torque,
                               StudyMemory& memory);

/// That moment [N m] at a hip flexion [rad], without tone where `reference` is the model itself. Nan where the model has no iliopsoas and hip on this side.
double resting_moment_at(const Model& reference, const Model& model, const std::string& side, double angle);

/// The hip flexion [rad] at which that moment and what resists at the joint itself (capsule, ligaments) reach `torque`
/// [N m] together. Nan where they do not between 120 degrees of flexion and 60 of extension.
double angle_of_hip_moment(const Model& reference, const Model& model, const std::string& side, double torque);

/// The net moments [N m] that all muscles at rest and the joint itself exert about hip flexion, towards flexion +, at hip
/// flexions [rad] in the default state, with the knee of this side at an angle [rad] if the model has one. Raised tone
/// counts as in angle_of_passive_moment(). Nan where the model has no such hip.
std::vector<double> net_resting_moments(const Model& reference, const Model& model, const std::string& side,
                                        std::span<const double> angles, double knee = 0.0);
/// The hip flexion [rad] at which that is `torque`. Nan where it is not between 120 degrees of flexion and 60 of
/// extension.
double angle_of_net_moment(const Model& reference, const Model& model, const std::string& side, double torque,
                           double knee = 0.0);

/// Shift of that angle at 5 N m against a reference [deg]: how much earlier the iliopsoas resists extension. Nan where
/// the model has no iliopsoas and hip, or no such angle.
double delta_theta_deg(const Model& reference, const Model& model, const std::string& side = "r");
double delta_theta_deg(const Model& reference, const Model& model, const std::string& side, StudyMemory& memory);

/// Active + passive flexion moment of a side's iliopsoas at a hip angle [rad], fully active.
double iliopsoas_capacity(const Model& model, double angle, const std::string& side = "r");

}  // namespace psoas
