// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a simulation study says about time, turned into what the solver takes.
#pragma once

#include "psoas/solve/tracking.hpp"
#include "study/answer.hpp"

namespace psoas {

/// Puts a study's controllers and prescribed coordinates into the options of a simulation of one of its models, which
/// starts from `state`. Returns the controller that follows a motion, to which the options then refer, or nothing. Throws
/// Error(input) with the place of a name, a column or a value that cannot be. With a `reference`, a spline an independent
/// coordinate, it follows that instead of its recording.
std::unique_ptr<MotionTracker> add_controls(const Study& study, const SimulationStudy& question, const Model& model,
                                            const State& state, SimulationOptions& options,
                                            const std::vector<QuinticSpline>* reference = nullptr);

/// What a tracking controller is to follow.
struct FollowedMotion {
  std::vector<QuinticSpline> coordinates;  ///< per independent coordinate; none where nothing follows a motion
  std::vector<char> still;                 ///< per independent coordinate: locked or prescribed
};

/// The recording that a study's tracking controller follows, by the state in which a simulation of the model starts.
/// Throws as add_controls() does.
FollowedMotion followed_motion(const Study& study, const SimulationStudy& question, const Model& model,
                               const State& state, SimulationOptions options);

/// What a study says of redundancy, as the solver takes it.
InverseOptions inverse_options(const RedundancySpec& spec);

/// The muscles of a selection at `pointer`. Throws Error(input) where it matches none.
std::vector<int> muscles_at(const Study& study, const Model& model, const std::string& selection,
                            const std::string& pointer);

}  // namespace psoas
