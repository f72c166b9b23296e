// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the study kinds share: their answers, variants, reductions and the clinical shift of a tight muscle.
#pragma once

#include "psoas/study/outputs.hpp"
#include "psoas/study/posture_watch.hpp"
#include "psoas/study/study.hpp"
#include "study/hip_moment.hpp"
#include "study/memory.hpp"

namespace psoas {

// RunOptions::memory is there in all of these.
Result answer(const Study& study, const MotionStudy& question, const RunOptions& options);
Result answer(const Study& study, const TorqueCurveStudy& question, const RunOptions& options);
Result answer(const Study& study, const SimulationStudy& question, const RunOptions& options);
Result answer(const Study& study, const MuscleExperimentStudy& question, const RunOptions& options);
Result answer(const Study& study, const ImpingementStudy& question, const RunOptions& options);
Result answer(const Study& study, const PostureStudy& question, const RunOptions& options);
Result answer(const Study& study, const TightnessStudy& question, const RunOptions& options);
Result answer(const Study& study, const AdaptationStudy& question, const RunOptions& options);

/// A variant, compiled. Without variants there is one, called "".
struct Variant {
  std::string name;
  std::vector<Edit> edits;  ///< the study's and then the variant's, matched values found
  Model model;
  std::vector<std::string> matched;  ///< a sentence for each value that was found, the study's edits included
};

/// Compiles the variants. Throws Error(model) with the place of each problem.
std::vector<Variant> compile_variants(const Study& study, StudyMemory& memory);

/// Puts the value that gives the asked shift of the passive torque-angle curve against `unedited` into each edit with
/// `match`, one after another from `base` on; `match` itself goes. Returns a sentence for each. Problems have pointers
/// below `pointer`.
std::vector<std::string> find_matches(const ModelSpec& unedited, const ModelSpec& base, const std::string& pointer,
                                      std::vector<Edit>& edits, std::vector<Problem>& problems);
std::vector<std::string> find_matches(const ModelSpec& unedited, const ModelSpec& base, const std::string& pointer,
                                      std::vector<Edit>& edits, std::vector<Problem>& problems, StudyMemory& memory);

/// The body whose joint an independent coordinate moves; of one that no joint uses itself, such as the trunk's, the first
/// that follows it.
std::size_t moved_body(const ModelData& data, int coordinate);

/// Index of an independent coordinate that a study names. Throws Error(input) at `pointer`.
int find_coordinate(const Study& study, const Model& model, const std::string& name, const std::string& pointer);

/// Index of an independent coordinate that a study gives a value at `pointer`. Throws Error(input) for an unknown name,
/// and for an angle that only makes sense in degrees.
int check_coordinate(const Study& study, const Model& model, const std::string& name, double value,
                     const std::string& pointer);

/// Sets independent coordinates of a state from a study's object at `pointer`.
void set_coordinates(const Study& study, const Model& model, const Named<double>& values, const std::string& pointer,
                     State& state);

/// Whether any edit touches the resting length, stiffness or tone of the group iliopsoas or a part of it.
bool edits_iliopsoas(const Model& model, const std::vector<Edit>& edits);

/// If one of the variants edits the iliopsoas, puts their lost extension into the scalars delta_theta_deg/r and /l of
/// their blocks, and returns its rows: one where both sides agree; nothing where the options leave it out. Needs a memory.
std::vector<SummaryLine> delta_theta_lines(const Study& study, const std::vector<Variant>& variants,
                                           const RunOptions& options, Result& result);

/// What has to be said about a variant's edits: values that were matched, and shortening beyond what was observed.
std::vector<std::string> edit_warnings(const Study& study, const Variant& variant);

/// Says in a block's credibility how far fitted paths are from exact ones, where the model's paths are fitted.
void credit_fitted_paths(const Model& model, Block& block);

}  // namespace psoas
