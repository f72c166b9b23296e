// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The shipped examples as tests see them: read, run once a program, and taken apart.
//   const Example& example = sit_to_stand();   series(example.block(0), "compression/L5_S1");
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "psoas/solve/inverse.hpp"
#include "psoas/study/study.hpp"

namespace psoas::test {

inline std::size_t at(int index) { return static_cast<std::size_t>(index); }

inline std::string example_path(const std::string& name) {
  return PSOAS_SOURCE_DIR "/examples/" + name + "/study.json";
}

inline double scalar(const Block& block, const std::string& name) {
  const Scalar* found = block.scalars.find(name);
  if (!found) throw std::runtime_error("no scalar " + name);
  return found->value;
}

inline const std::vector<double>& series(const Block& block, const std::string& name) {
  const Series* found = block.series.find(name);
  if (!found) throw std::runtime_error("no series " + name);
  return found->values;
}

inline const ResultTable& table(const Block& block, const std::string& name) {
  const ResultTable* found = block.tables.find(name);
  if (!found) throw std::runtime_error("no table " + name);
  return *found;
}

/// An entry of a table by its row's label and its column's name.
inline double entry(const ResultTable& table, const std::string& label, const std::string& column) {
  for (std::size_t r = 0; r < table.labels.size(); ++r)
    if (table.labels[r] == label)
      for (std::size_t c = 0; c < table.columns.size(); ++c)
        if (table.columns[c].name == column) return table.rows[r][c];
  throw std::runtime_error("no entry " + label + ", " + column);
}

/// A study and its answer.
struct Example {
  Study study;
  Result result;

  const Block& block(std::size_t variant) const {
    return (result.blocks.begin() + static_cast<std::ptrdiff_t>(variant))->second;
  }
  Model model(std::size_t variant) const {
    const Model reference(study.model);
    return study.variants.empty() ? reference : reference.with(study.variants[variant].second);
  }
  /// Index of the frame at a time [s].
  std::size_t frame(double time) const {
    const std::vector<double>& times = block(0).axis_values;
    for (std::size_t f = 0; f < times.size(); ++f)
      if (std::abs(times[f] - time) < 1e-6) return f;
    throw std::runtime_error("no frame at " + std::to_string(time));
  }
  /// The coordinates, speeds or accelerations of a frame.
  std::vector<double> at_frame(const std::string& quantity, const Model& model, std::size_t frame) const {
    std::vector<double> out;
    for (const std::string& name : model.data().coordinate_names)
      out.push_back(series(block(0), quantity + "/" + name)[frame]);
    return out;
  }
  void net(InverseSolver& solver, std::size_t frame) const {
    solver.net(at_frame("coordinate", solver.model(), frame), at_frame("speed", solver.model(), frame),
               at_frame("acceleration", solver.model(), frame));
  }
};

/// Passive flexion moment [N m] of the right iliopsoas at a hip angle [rad], the rest of the model in its default state.
inline double passive_hip_moment(const Model& model, double angle) {
  State state = model.default_state();
  Workspace work(model);
  const int hip = model.coordinate("hip_flexion_r");
  state.q()[at(hip)] = angle;
  evaluate(model, state, work, Depth::velocity);
  rigid_tendon_forces(model, work);
  double moment = 0.0;
  for (const int m : model.select("group:iliopsoas_r"))
    moment += moment_arm(model, work, m, hip) * work.force.passive[at(m)];
  return moment;
}

/// An example with outputs of the test's choice, its muscle states not integrated.
inline Example run_example(const std::string& name, const std::vector<std::string>& outputs) {
  Example example{read_study(example_path(name)), {}};
  if (auto* motion = std::get_if<MotionStudy>(&example.study.question)) motion->integration.reset();
  example.study.outputs = outputs;
  example.result = run(example.study);
  return example;
}

/// The sit-to-stand of subject A.
inline const Example& sit_to_stand() {
  static const Example example = run_example("sit_to_stand", {"coordinate/*",
                                                              "speed/*",
                                                              "acceleration/*",
                                                              "external_force_*",
                                                              "joint_moment/*",
                                                              "compression/*",
                                                              "anterior_shear/*",
                                                              "lateral_shear/*",
                                                              "net_moment/*",
                                                              "hip_contact_force_bw/*",
                                                              "muscle_force/group:iliopsoas_r",
                                                              "passive_force/group:iliopsoas_r",
                                                              "passive_force/psoas_*_r",
                                                              "passive_force/iliacus_*_r",
                                                              "normalised_fibre_length/psoas_*_r",
                                                              "normalised_fibre_length/iliacus_*_r",
                                                              "muscle_moment/hip_flexion_r/group:iliopsoas_r",
                                                              "passive_moment/hip_flexion_r/group:iliopsoas_r",
                                                              "passive_moment/hip_flexion_r/psoas_*_r",
                                                              "passive_moment/hip_flexion_r/iliacus_*_r",
                                                              "reserve/*"});
  return example;
}

/// The squat of subject 2.
inline const Example& squat() {
  static const Example example = run_example("squat", {"coordinate/*", "speed/*", "acceleration/*", "contact_force_*/*",
                                                       "external_force_*", "reserve/pelvis_t*", "compression/L5_S1"});
  return example;
}

}  // namespace psoas::test
