// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The equations that muscles and contacts must meet at one instant, and what a force at a joint is in them.
//   EquationRows rows(model, true);   rows.add(work, tree_moment, 1.0, target);   rows.muscle_rows(3);
#pragma once

#include <span>
#include <string>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

/// What an equation of the redundancy problem balances.
struct Equation {
  std::string name;      ///< the coordinate, or the level's coordinate of the tree
  bool root = false;     ///< a root coordinate: no muscle crosses it
  bool rotation = true;  ///< N m, else N
  int coordinate = -1;   ///< index of the independent coordinate; -1: a level's, which follows the trunk's
  bool lumbar = false;   ///< a lumbar level's rotation, whether it follows the trunk's coordinates or is free
};

/// The equations of a model's redundancy problem: its independent coordinates that a muscle or contact acts on, then,
/// with `levels`, the three rotations of each lumbar level in place of the trunk's coordinates. Coordinates that are
/// `fixed` (one flag an independent coordinate; none: no) have no equation, nor have levels of which one is.
std::vector<Equation> redundancy_equations(const Model& model, bool levels = true, std::span<const char> fixed = {});

/// Where generalised forces on the tree's coordinates go among the equations.
class EquationRows {
 public:
  EquationRows(const Model& model, bool levels, std::span<const char> fixed = {});

  /// A row, and whether a force goes there whole; else by the slope of its coupling.
  struct Share {
    int row = 0;
    bool whole = false;
  };

  std::span<const Equation> equations() const { return equations_; }
  int size() const { return static_cast<int>(equations_.size()); }
  /// The first row of a level; size() where there is none. They stand last, three a level.
  int first_level() const { return first_level_; }
  /// Rows of a coordinate of the tree.
  std::span<const Share> shares(int tree_coordinate) const;
  /// Adds factor times forces on the tree's coordinates [N m, N] to the rows; after couple().
  void add(const Workspace& work, std::span<const double> tree_force, double factor, std::span<double> rows) const;
  /// Rows in which a muscle, a contact point or a body has a part, ascending.
  std::span<const int> of_muscle(int muscle) const { return of(muscle_start_, muscle_rows_, muscle); }
  std::span<const int> of_contact(int contact) const { return of(contact_start_, contact_rows_, contact); }
  int muscle_entries() const { return muscle_start_.back(); }
  int contact_entries() const { return contact_start_.back(); }
  /// Adds the moment arms [m] of a muscle at the last evaluated pose to `rows`, where exact_paths() holds.
  void add_arms(const Model& model, const Workspace& work, int muscle, std::span<double> rows) const;

 private:
  static std::span<const int> of(const std::vector<int>& start, const std::vector<int>& rows, int index) {
    const std::size_t i = static_cast<std::size_t>(index);
    return {rows.data() + start[i], static_cast<std::size_t>(start[i + 1] - start[i])};
  }

  std::vector<Equation> equations_;
  int first_level_ = 0;
  std::vector<int> share_start_;  // per coordinate of the tree
  std::vector<Share> shares_;
  std::vector<int> muscle_start_, muscle_rows_, contact_start_, contact_rows_;
};

}  // namespace psoas
