// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Plans of an adaptation study as courses of muscle groups, and the model that they lead to.
//   Courses courses(study, question, memory);   PlanCourse course = courses.follow(plan, "/plans/office", days);
#pragma once

#include <array>
#include <string>
#include <vector>

#include "psoas/solve/course.hpp"
#include "study/answer.hpp"

namespace psoas {

/// The states of all groups on the days asked for.
struct PlanCourse {
  std::vector<std::vector<AdaptationState>> states;  ///< per day and group
  int steps = 0;
};

/// Hip extension and passive moment of one side, by the model with the states' edits. Nan where there is none.
struct HipMeasure {
  double extension_at_5 = 0.0;      ///< where the iliopsoas resists with 5 N m [deg]
  double extension_at_borne = 0.0;  ///< where it and the joint resist with the moment that is borne [deg]
  double delta_theta = 0.0;         ///< extension lost at 5 N m against the model without edits [deg]
  double moment = 0.0;              ///< at the study's measured_extension_deg [N m]
};

/// The groups of a study, their laws and what of the model they need. Throws Error(input) with places.
class Courses {
 public:
  Courses(const Study& study, const AdaptationStudy& question, StudyMemory& memory);

  /// The study's model, to which states are edits.
  const Model& base() const { return base_; }
  const std::vector<AdaptationLaw>& laws() const { return laws_; }
  /// What a group meets in a week of a phase.
  WeekExposure exposure(const PhaseSpec& phase, const std::string& pointer, std::size_t group) const;
  /// A stretch of one session.
  StretchEffect effect(const StretchSpec& one) const;
  /// Days [d] increase from 0 to the plan's end.
  PlanCourse follow(const PlanSpec& plan, const std::string& pointer, const std::vector<double>& days) const;
  /// Changes of the study's model that the states mean.
  std::vector<Edit> edits(const std::vector<AdaptationState>& states) const;
  Model model(const std::vector<AdaptationState>& states) const;
  HipMeasure measure(const std::vector<AdaptationState>& states, const std::string& side) const;

 private:
  std::size_t group_index(const std::string& name, const std::string& pointer) const;
  WeekExposure week_of(const Named<DaySpec>& week, double adherence, const std::string& pointer,
                       std::size_t group) const;
  /// Mean normalised fibre length of each group, by greatest force, in a posture.
  std::vector<double> lengths_at(double hip_flexion_deg, const Named<double>& posture,
                                 const std::string& pointer) const;

  const Study& study_;
  const AdaptationStudy& question_;
  StudyMemory& memory_;
  Model unedited_, base_;
  std::vector<std::vector<std::string>> muscles_;  // per group
  std::vector<AdaptationState> start_;             // per group
  std::vector<AdaptationLaw> laws_;                // per group
  std::vector<std::vector<double>> lengths_;       // per posture and group
};

/// The last day of a plan [d].
double end_of(const PlanSpec& plan);

}  // namespace psoas
