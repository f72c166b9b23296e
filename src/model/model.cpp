// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/model.hpp"

#include <algorithm>
#include <array>

#include "model/compile.hpp"
#include "model/model_file.hpp"
#include "psoas/core/words.hpp"
#include "psoas/skeleton/rotation_vector.hpp"

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
    throw Error(Kind::input, selection.empty() ? "\"\"" : std::string(selection),
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

namespace {

/// A closed box of postures: ranges by coordinate.
using Box = std::vector<OutsideDomain::Range>;

/// Whether entries, from one of them on, hold wherever in the box but at its borders. Takes at most so many looks, and
/// says no after them.
bool covered(Box box, std::span<const OutsideDomain* const> entries, int& looks) {
  if (entries.empty() || --looks < 0) return false;
  const Box whole = box;
  const auto side = [&](int coordinate) {
    return std::find_if(box.begin(), box.end(), [&](const auto& range) { return range.coordinate == coordinate; });
  };
  for (const OutsideDomain::Range& range : entries.front()->ranges) {
    const auto own = side(range.coordinate);
    const bool point = own->low == own->high;
    if (point ? range.low > own->low || range.high < own->low : range.low >= own->high || range.high <= own->low)
      return covered(whole, entries.subspan(1), looks);  // the entry and the box do not meet
  }
  // what is beside the entry, piece by piece
  for (const OutsideDomain::Range& range : entries.front()->ranges) {
    const auto own = side(range.coordinate);
    if (range.low > own->low) {
      Box below = box;
      below[static_cast<std::size_t>(own - box.begin())].high = range.low;
      if (!covered(below, entries.subspan(1), looks)) return false;
      own->low = range.low;
    }
    if (range.high < own->high) {
      Box above = box;
      above[static_cast<std::size_t>(own - box.begin())].low = range.high;
      if (!covered(above, entries.subspan(1), looks)) return false;
      own->high = range.high;
    }
  }
  return true;
}

}  // namespace

std::vector<Problem> domain_problems(const Model& model) {
  const ModelData& data = model.data();
  const auto range_of = [&](int coordinate) {
    const auto& range = data.spec.coordinates.find(data.coordinate_names[at(coordinate)])->range;
    return OutsideDomain::Range{coordinate, range[0], range[1]};
  };
  std::vector<Problem> problems;
  std::vector<std::vector<std::size_t>> entries(data.muscle_names.size());  // that hold somewhere
  for (std::size_t i = 0; i < data.domain.size(); ++i) {
    bool meets = true;
    for (const OutsideDomain::Range& range : data.domain[i].ranges) {
      const OutsideDomain::Range own = range_of(range.coordinate);
      if (range.low <= own.high && range.high >= own.low) continue;
      meets = false;
      const auto text = [](const OutsideDomain::Range& r) { return short_text(r.low) + " to " + short_text(r.high); };
      problems.push_back(
          {below("/domain/" + std::to_string(i) + "/outside", data.coordinate_names[at(range.coordinate)]),
           "expected postures in the range of the coordinate (" + text(own) + "), found " + text(range)});
    }
    for (const int m : data.domain[i].muscles)
      if (meets && (entries[at(m)].empty() || entries[at(m)].back() != i)) entries[at(m)].push_back(i);
  }
  std::vector<std::pair<std::vector<std::size_t>, std::vector<std::string>>> emptied;  // muscles of the same entries
  for (std::size_t m = 0; m < entries.size(); ++m) {
    const auto known =
        std::find_if(emptied.begin(), emptied.end(), [&](const auto& e) { return e.first == entries[m]; });
    if (known != emptied.end())
      known->second.push_back(data.muscle_names[m]);
    else if (!entries[m].empty())
      emptied.push_back({entries[m], {data.muscle_names[m]}});
  }
  for (const auto& [items, muscles] : emptied) {
    Box box;
    std::vector<const OutsideDomain*> own;
    for (const std::size_t i : items) {
      own.push_back(&data.domain[i]);
      for (const OutsideDomain::Range& range : own.back()->ranges)
        if (std::none_of(box.begin(), box.end(), [&](const auto& r) { return r.coordinate == range.coordinate; }))
          box.push_back(range_of(range.coordinate));
    }
    int looks = 100000;
    if (covered(box, own, looks))
      problems.push_back({"/domain/" + std::to_string(items.back()),
                          "expected a domain that leaves postures to " + muscles.front() +
                              (muscles.size() > 1 ? " and " + std::to_string(muscles.size() - 1) +
                                                        (muscles.size() > 2 ? " others" : " other")
                                                  : "") +
                              ", found none in the ranges of the coordinates"});
  }
  return problems;
}

PathFlag path_flag(const Model& model, std::span<const double> q, const Workspace& work, int muscle) {
  return outside_domain(model, q, muscle) ? PathFlag::outside_domain : PathFlag{work.inside[at(muscle)]};
}

bool rechart(const Model& model, std::span<double> q, std::span<double> u, std::span<const char> held) {
  bool any = false;
  for (const std::array<int, 3>& chart : model.data().charts) {
    const std::size_t x = at(chart[0]), y = at(chart[1]), z = at(chart[2]);
    if (!held.empty() && (held[x] || held[y] || held[z])) continue;
    const auto shorter = recharted(Vec3(q[x], q[y], q[z]), Vec3(u[x], u[y], u[z]));
    if (!shorter) continue;
    any = true;
    for (std::size_t k = 0; k < 3; ++k) {
      q[at(chart[k])] = shorter->first[static_cast<Eigen::Index>(k)];
      u[at(chart[k])] = shorter->second[static_cast<Eigen::Index>(k)];
    }
  }
  return any;
}

void Model::set(State& state, std::string_view name, double value) const { state.q()[at(coordinate(name))] = value; }
double Model::get(const State& state, std::string_view name) const { return state.q()[at(coordinate(name))]; }

}  // namespace psoas
