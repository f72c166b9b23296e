// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/answer.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/roots.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

constexpr const char* right_group = "group:iliopsoas_r";
constexpr const char* right_hip = "hip_flexion_r";

/// The right iliopsoas and its hip, where the model has them.
bool right_side(const Model& model, std::vector<int>& muscles, int& hip) {
  if (select_muscles(model.spec(), right_group).empty()) return false;
  const auto& names = model.data().coordinate_names;
  if (std::find(names.begin(), names.end(), right_hip) == names.end()) return false;
  muscles = model.select(right_group);
  hip = model.coordinate(right_hip);
  return true;
}

}  // namespace

std::vector<Variant> compile_variants(const Study& study) {
  std::vector<Variant> out;
  std::vector<Problem> problems;
  const auto add = [&](const std::string& name, const std::vector<Edit>& edits) {
    ModelSpec spec = study.model;
    const std::size_t before = problems.size();
    apply(edits, "/variants/" + name, spec, problems);
    std::vector<Edit> all = study.edits;
    all.insert(all.end(), edits.begin(), edits.end());
    if (problems.size() == before) out.push_back({name, std::move(all), Model(spec)});
  };
  if (study.variants.empty()) add("", {});
  for (const auto& [name, edits] : study.variants) add(name, edits);
  if (!problems.empty()) {
    std::string text;
    for (const Problem& problem : problems)
      text += (text.empty() ? "" : "\n" + study.place(problem.pointer) + ": ") + problem.text;
    throw Error(Kind::input, study.place(problems.front().pointer), text);
  }
  return out;
}

int find_coordinate(const Study& study, const Model& model, const std::string& name, const std::string& pointer) {
  const auto& names = model.data().coordinate_names;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<int>(found - names.begin());
  const auto& joint_names = model.data().tree_coordinate_names;
  const bool coupled = std::find(joint_names.begin(), joint_names.end(), name) != joint_names.end();
  throw Error(
      Kind::input, study.place(pointer),
      coupled ? "expected an independent coordinate, found \"" + name + "\", which follows another one"
              : "expected an independent coordinate of the model, found \"" + name + "\"" + did_you_mean(name, names));
}

void set_coordinates(const Study& study, const Model& model, const Named<double>& values, const std::string& pointer,
                     State& state) {
  for (const auto& [name, value] : values)
    state.q()[at(find_coordinate(study, model, name, pointer + "/" + name))] = value;
}

double passive_hip_moment(const Model& model, State& state, Workspace& work, const std::vector<int>& muscles, int hip,
                          double angle) {
  state.q()[at(hip)] = angle;
  evaluate(model, state, work, Depth::velocity);
  rigid_tendon_forces(model, work);
  double moment = 0.0;
  for (const int m : muscles) moment += moment_arm(model, work, m, hip) * work.passive[at(m)];
  return moment;
}

double angle_of_passive_moment(const Model& model, const std::vector<int>& muscles, int hip, double torque) {
  State state = model.default_state();
  Workspace work(model);
  const auto excess = [&](double angle) {
    return passive_hip_moment(model, state, work, muscles, hip, angle) - torque;
  };
  const double step = degrees(1.0);
  double high = degrees(120.0);
  if (excess(high) >= 0.0) return std::nan("");
  for (double low = high - step; low > degrees(-60.5); low -= step) {
    if (excess(low) >= 0.0) {
      for (int i = 0; i < 60; ++i) (excess(0.5 * (low + high)) >= 0.0 ? low : high) = 0.5 * (low + high);
      return 0.5 * (low + high);
    }
    high = low;
  }
  return std::nan("");
}

bool edits_iliopsoas(const Model& model, const std::vector<Edit>& edits) {
  const std::vector<std::string> group = select_muscles(model.spec(), "group:iliopsoas");
  for (const Edit& edit : edits) {
    bool touches = false;
    for (const auto* fields : {&edit.scale, &edit.shift})
      for (const auto& [field, value] : *fields) touches = touches || is_shortening_field(field);
    for (const auto& [field, value] : edit.set) touches = touches || is_shortening_field(field);
    if (!touches) continue;
    for (const std::string& selection : edit.muscles)
      for (const std::string& muscle : select_muscles(model.spec(), selection))
        if (std::find(group.begin(), group.end(), muscle) != group.end()) return true;
  }
  return false;
}

double delta_theta_deg(const Model& reference, const Model& model) {
  std::vector<int> muscles;
  int hip = -1;
  if (!right_side(reference, muscles, hip)) return std::nan("");
  const double before = angle_of_passive_moment(reference, muscles, hip, 5.0);
  if (!right_side(model, muscles, hip)) return std::nan("");
  return to_degrees(angle_of_passive_moment(model, muscles, hip, 5.0) - before);
}

double iliopsoas_capacity(const Model& model, double angle) {
  std::vector<int> muscles;
  int hip = -1;
  if (!right_side(model, muscles, hip)) return std::nan("");
  State state = model.default_state();
  Workspace work(model);
  state.q()[at(hip)] = angle;
  evaluate(model, state, work, Depth::velocity);
  rigid_tendon_forces(model, work);
  double moment = 0.0;
  for (const int m : muscles) moment += moment_arm(model, work, m, hip) * (work.active[at(m)] + work.passive[at(m)]);
  return moment;
}

}  // namespace psoas
