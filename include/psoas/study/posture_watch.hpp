// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Postures in which a model is not to be trusted, gathered into a few lines.
//   PostureWatch watch(model);   … evaluate(model, q, u, work, depth); watch.see(q, work); …
//   for (const std::string& line : watch.warnings([&](int i) { return "at " + times[i] + " s"; })) …
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

/// A flag as a word of files ("ignores_surface"), and what a path does that has it ("ignores a surface").
struct FlagName {
  std::string_view word, text;
};
/// Both are empty for PathFlag::none.
const FlagName& name_of(PathFlag flag);

/// Whether a muscle's path or fibres are not to be trusted at q, which `work` was last evaluated at: the path is flagged,
/// or the fibres are outside their domain (where forces were evaluated).
bool is_flagged(const Model& model, std::span<const double> q, const Workspace& work, int muscle);

/// Watches over the postures that a study goes through: independent coordinates beyond their ranges, muscles whose paths
/// are flagged, fibres outside their domain.
class PostureWatch {
 public:
  explicit PostureWatch(const Model& model);

  /// Notes a posture q [rad, m] of all muscles, or of some by index, which `work` was last evaluated at. No allocation.
  void see(std::span<const double> q, const Workspace& work);
  void see(std::span<const double> q, const Workspace& work, std::span<const int> muscles);
  /// The same from what is known of all muscles: Workspace::inside and BatchFibres::outside_domain.
  void see(std::span<const double> q, std::span<const char> inside, std::span<const unsigned char> outside,
           std::span<const int> muscles);

  /// What was seen, a line for each kind of thing however many muscles it befell, with how often it was so and where it
  /// was so first; empty where all is well. `place(i)` names the i-th posture seen: "at 0.35 s".
  std::vector<std::string> warnings(const std::function<std::string(int)>& place) const;

 private:
  /// How often something was so of each of some elements.
  struct Tally {
    std::vector<int> count, first;  // per element: postures, and the first of them
    int postures = 0, last = -1;    // with any element, and the last of them
    void add(std::size_t element, int posture);
  };
  /// "<name><one>" or "<number> <many>", how often and where first.
  std::string line(const Tally& tally, const std::vector<std::string>& names, const std::string& one,
                   const std::string& many, const std::function<std::string(std::size_t)>& remark,
                   const std::function<std::string(int)>& place) const;

  Model model_;
  std::vector<int> all_;
  std::vector<std::array<double, 2>> ranges_;  // of independent coordinates
  std::vector<double> excess_;
  Tally coordinates_, fibres_;
  std::array<Tally, 5> paths_;  // by PathFlag
  int seen_ = 0;
};

}  // namespace psoas
