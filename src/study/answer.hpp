// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the study kinds share: their answers, variants, reductions and the clinical shift of a tight muscle.
#pragma once

#include "psoas/study/outputs.hpp"
#include "psoas/study/study.hpp"

namespace psoas {

Result answer(const Study& study, const MotionStudy& question, const RunOptions& options);
Result answer(const Study& study, const TorqueCurveStudy& question, const RunOptions& options);
Result answer(const Study& study, const SimulationStudy& question, const RunOptions& options);

/// A variant, compiled. Without variants there is one, called "".
struct Variant {
  std::string name;
  std::vector<Edit> edits;  ///< the study's and then the variant's
  Model model;
};

/// Compiles the variants. Throws Error(model) with the place of each problem.
std::vector<Variant> compile_variants(const Study& study);

/// Index of an independent coordinate that a study names. Throws Error(input) at `pointer`.
int find_coordinate(const Study& study, const Model& model, const std::string& name, const std::string& pointer);

/// Sets independent coordinates of a state from a study's object at `pointer`.
void set_coordinates(const Study& study, const Model& model, const Named<double>& values, const std::string& pointer,
                     State& state);

/// Passive flexion moment [N m] of a muscle group of one side about its hip at a flexion angle [rad]; the rest of the
/// model in its default state (knees straight), tendons rigid.
double passive_hip_moment(const Model& model, State& state, Workspace& work, const std::vector<int>& muscles, int hip,
                          double angle);

/// The hip flexion [rad] at which that moment is `torque` [N m], the muscle being more tense at less flexion; nan where
/// it never is between 120 degrees of flexion and 60 of extension.
double angle_of_passive_moment(const Model& model, const std::vector<int>& muscles, int hip, double torque);

/// Whether any edit touches the resting length, stiffness or tone of the group iliopsoas or a part of it.
bool edits_iliopsoas(const Model& model, const std::vector<Edit>& edits);

/// Shift of the group's passive torque-angle curve at 5 N m against a reference [deg], right side: what a clinician would
/// measure as lost extension. Nan where the model has no iliopsoas and hip.
double delta_theta_deg(const Model& reference, const Model& model);

/// Greatest and least active + passive flexion moment of the right iliopsoas at a hip angle [rad]: fully active.
double iliopsoas_capacity(const Model& model, double angle);

}  // namespace psoas
