// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/model.hpp"

#include <algorithm>

#include "model/compile.hpp"
#include "model/model_file.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::string listed(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems)
    text += (text.empty() ? "" : "\n") + (problem.pointer.empty() ? "/" : problem.pointer) + ": " + problem.text;
  return text;
}

int find(const std::vector<std::string>& names, std::string_view name, const char* what) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw Error(Kind::input, std::string(name),
                std::string("expected ") + what + " of the model" + did_you_mean(name, names));
  return static_cast<int>(found - names.begin());
}

}  // namespace

Model::Model(const ModelSpec& spec) {
  std::vector<Problem> problems;
  data_ = compile(spec, problems);
  if (!problems.empty()) throw Error(Kind::model, spec.name, listed(problems));
}

Model Model::load(const std::string& path) {
  const Document document = Document::read(path);
  std::vector<Problem> problems;
  std::size_t more = 0;
  const ModelSpec spec = model_from(document.root(), problems, &more);
  document.complain(Kind::model, problems, more);
  auto data = compile(spec, problems);
  document.complain(Kind::model, problems);
  return Model(std::move(data));
}

Model Model::with(const Edit& edit) const { return with(std::vector<Edit>{edit}); }

Model Model::with(const std::vector<Edit>& edits) const {
  ModelSpec spec = data_->spec;
  std::vector<Problem> problems;
  apply(edits, "/edits", spec, problems);
  if (!problems.empty()) throw Error(Kind::input, "edits", listed(problems));
  return Model(spec);
}

int Model::coordinate(std::string_view name) const {
  return find(data_->coordinate_names, name, "an independent coordinate");
}
int Model::tree_coordinate(std::string_view name) const {
  return find(data_->tree_coordinate_names, name, "a joint's coordinate");
}
int Model::muscle(std::string_view name) const { return find(data_->muscle_names, name, "a muscle"); }
int Model::body(std::string_view name) const { return find(data_->body_names, name, "a body"); }

std::vector<int> Model::select(std::string_view selection) const {
  std::vector<int> indices;
  for (const std::string& name : select_muscles(data_->spec, selection)) indices.push_back(muscle(name));
  if (indices.empty()) {
    std::vector<std::string> known = data_->muscle_names;
    for (const auto& [group, patterns] : data_->spec.groups)
      for (const char* side : {"", "_r", "_l"}) known.push_back("group:" + group + side);
    throw Error(Kind::input, std::string(selection),
                "expected a muscle, glob or group of the model" + did_you_mean(selection, known));
  }
  return indices;
}

State Model::default_state() const {
  State state;
  state.coordinates = coordinates();
  state.muscles = muscles();
  state.vector.assign(at(2 * state.coordinates + 2 * state.muscles), 0.0);
  std::copy(data_->default_coordinates.begin(), data_->default_coordinates.end(), state.q().begin());
  for (int m = 0; m < state.muscles; ++m) state.activation()[at(m)] = data_->units[at(m)].minimum_activation;
  if (state.muscles > 0) {
    Workspace work(*this);
    evaluate(*this, state, work, Depth::position);
    for (int m = 0; m < state.muscles; ++m)
      state.fibre_length()[at(m)] =
          static_equilibrium(data_->units[at(m)], work.length[at(m)], state.activation()[at(m)]).fibre_length;
  }
  return state;
}

bool OutsideDomain::holds(std::span<const double> q) const {
  return std::all_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return range.low <= q[at(range.coordinate)] && q[at(range.coordinate)] <= range.high;
  });
}

bool outside_domain(const Model& model, std::span<const double> q, int muscle) {
  return std::any_of(model.data().domain.begin(), model.data().domain.end(), [&](const OutsideDomain& item) {
    return std::find(item.muscles.begin(), item.muscles.end(), muscle) != item.muscles.end() && item.holds(q);
  });
}

PathFlag path_flag(const Model& model, std::span<const double> q, const Workspace& work, int muscle) {
  return outside_domain(model, q, muscle) ? PathFlag::outside_domain : PathFlag{work.inside[at(muscle)]};
}

void Model::set(State& state, std::string_view name, double value) const { state.q()[at(coordinate(name))] = value; }
double Model::get(const State& state, std::string_view name) const { return state.q()[at(coordinate(name))]; }

}  // namespace psoas
