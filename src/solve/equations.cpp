// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/equations.hpp"

#include <algorithm>
#include <array>

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

bool is_trunk(const ModelData& data, int coordinate) {
  return std::find(data.trunk.begin(), data.trunk.end(), coordinate) != data.trunk.end();
}

/// Whether an independent coordinate is a level's rotation.
bool is_level(const ModelData& data, int coordinate) {
  const int tree = data.tree_coordinate[at(coordinate)];
  return tree >= 0 && std::any_of(data.levels.begin(), data.levels.end(), [&](const Level& level) {
           return std::find(level.coordinates.begin(), level.coordinates.end(), tree) != level.coordinates.end();
         });
}

/// Whether the equations of levels are asked for and can be: levels follow trunk coordinates, which all move.
bool has_levels(const ModelData& data, bool levels, std::span<const char> fixed) {
  return levels && !data.levels.empty() && data.trunk[0] >= 0 &&
         std::none_of(data.trunk.begin(), data.trunk.end(),
                      [&](int coordinate) { return !fixed.empty() && fixed[at(coordinate)]; });
}

}  // namespace

std::vector<Equation> redundancy_equations(const Model& model, bool levels, std::span<const char> fixed) {
  const ModelData& data = model.data();
  levels = has_levels(data, levels, fixed);
  // Which coordinates of the tree can a muscle or contact act on?
  std::vector<bool> acted(at(model.tree().coordinates()), false);
  for (const ArmSlot& slot : data.arm_slots) acted[at(slot.coordinate)] = true;
  for (const ContactPoint& contact : data.contacts)
    for (int t = 0; t < model.tree().coordinates(); ++t) {
      const int body = model.tree().coordinate_body[at(t)];
      if (contact.body >= body && contact.body < model.tree().bodies[at(body)].subtree_end) acted[at(t)] = true;
    }
  std::vector<Equation> equations;
  for (int c = 0; c < model.coordinates(); ++c) {
    const bool root = std::find(data.root.begin(), data.root.end(), c) != data.root.end();
    bool used = root;
    for (std::size_t t = 0; t < data.couplings.size(); ++t) used = used || (data.couplings[t].source == c && acted[t]);
    if (!used || (!fixed.empty() && fixed[at(c)]) || (levels && is_trunk(data, c))) continue;
    equations.push_back(
        {data.coordinate_names[at(c)], root, static_cast<bool>(data.is_rotation[at(c)]), c, is_level(data, c)});
  }
  if (levels)
    for (const Level& level : data.levels)
      for (const int t : level.coordinates)
        equations.push_back({data.tree_coordinate_names[at(t)], false, true, -1, true});
  return equations;
}

EquationRows::EquationRows(const Model& model, bool levels, std::span<const char> fixed)
    : equations_(redundancy_equations(model, levels, fixed)) {
  const ModelData& data = model.data();
  levels = has_levels(data, levels, fixed);
  first_level_ = size() - (levels ? 3 * static_cast<int>(data.levels.size()) : 0);
  std::vector<int> row_of(at(model.coordinates()), -1);
  for (std::size_t r = 0; r < equations_.size(); ++r)
    if (equations_[r].coordinate >= 0) row_of[at(equations_[r].coordinate)] = static_cast<int>(r);
  std::vector<std::array<int, 3>> level_rows;
  for (int first = first_level_; first < size(); first += 3) level_rows.push_back({first, first + 1, first + 2});

  share_start_ = {0};
  for (std::size_t t = 0; t < data.couplings.size(); ++t) {
    const int source = data.couplings[t].source;
    if (row_of[at(source)] >= 0) {
      shares_.push_back({row_of[at(source)], false});
    } else if (levels && is_trunk(data, source)) {
      const std::size_t axis =
          at(static_cast<int>(std::find(data.trunk.begin(), data.trunk.end(), source) - data.trunk.begin()));
      bool is_level = false;
      for (std::size_t k = 0; k < data.levels.size(); ++k)
        if (data.levels[k].coordinates[axis] == static_cast<int>(t)) {
          shares_.push_back({level_rows[k][axis], true});
          is_level = true;
        }
      // A coordinate that rides on the trunk's (the abdomen) follows the sum of the levels' rotations, so each level's
      // virtual rotation moves it by the same share.
      if (!is_level)
        for (const std::array<int, 3>& rows : level_rows) shares_.push_back({rows[axis], false});
    }
    share_start_.push_back(static_cast<int>(shares_.size()));
  }

  const auto rows_of = [&](auto&& touches, std::vector<int>& rows) {
    std::vector<bool> hit(equations_.size(), false);
    for (int t = 0; t < model.tree().coordinates(); ++t)
      if (touches(t))
        for (const Share& share : shares(t)) hit[at(share.row)] = true;
    for (std::size_t r = 0; r < hit.size(); ++r)
      if (hit[r]) rows.push_back(static_cast<int>(r));
  };
  muscle_start_ = {0};
  for (int m = 0; m < model.muscles(); ++m) {
    rows_of(
        [&](int t) {
          for (int i = data.arm_start[at(m)]; i < data.arm_start[at(m) + 1]; ++i)
            if (data.arm_slots[at(i)].coordinate == t) return true;
          return false;
        },
        muscle_rows_);
    muscle_start_.push_back(static_cast<int>(muscle_rows_.size()));
  }
  contact_start_ = {0};
  for (const ContactPoint& contact : data.contacts) {
    rows_of(
        [&](int t) {
          const int body = model.tree().coordinate_body[at(t)];
          return contact.body >= body && contact.body < model.tree().bodies[at(body)].subtree_end;
        },
        contact_rows_);
    contact_start_.push_back(static_cast<int>(contact_rows_.size()));
  }
}

std::span<const EquationRows::Share> EquationRows::shares(int tree_coordinate) const {
  const int first = share_start_[at(tree_coordinate)];
  return {shares_.data() + first, at(share_start_[at(tree_coordinate) + 1] - first)};
}

void EquationRows::add(const Workspace& work, std::span<const double> tree_force, double factor,
                       std::span<double> rows) const {
  for (std::size_t t = 0; t < tree_force.size(); ++t)
    for (const Share& share : shares(static_cast<int>(t)))
      rows[at(share.row)] += factor * (share.whole ? 1.0 : work.slope[t]) * tree_force[t];
}

void EquationRows::add_arms(const Model& model, const Workspace& work, int muscle, std::span<double> rows) const {
  const ModelData& data = model.data();
  for (int i = data.arm_start[at(muscle)]; i < data.arm_start[at(muscle) + 1]; ++i) {
    const int t = data.arm_slots[at(i)].coordinate;
    for (const Share& share : shares(t))
      rows[at(share.row)] += (share.whole ? 1.0 : work.slope[at(t)]) * work.arm[at(i)];
  }
  if (data.fitted.empty()) return;
  // levels know exact paths only
  for (const int row : of_muscle(muscle))
    if (const int c = equations_[at(row)].coordinate; c >= 0) rows[at(row)] = moment_arm(model, work, muscle, c);
}

}  // namespace psoas
