// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/posture_stability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "psoas/core/words.hpp"
#include "psoas/model/free_levels.hpp"
#include "psoas/solve/stability.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

Model with_free_levels(const Study& study, const Model& model) {
  try {
    return Model(free_levels(model.spec()));
  } catch (const Error& error) {
    throw Error(Kind::input, study.place("/stability"),
                std::string("expected levels that can be free: ") + error.what());
  }
}

/// Rows by gain, ascending.
ResultTable by_gain(const PostureStiffness& spine, const StabilitySpec& spec) {
  ResultTable table;
  table.description = "least stiffness of the lumbar levels as active muscle is stiffer";
  table.columns = {{"muscle_stiffness_gain", "1"}, {"least_eigenvalue", "1"}, {"least_stiffness", "N m/rad"}};
  std::vector<double> gains = spec.other_gains;
  gains.push_back(spec.muscle_stiffness_gain);
  std::sort(gains.begin(), gains.end());
  gains.erase(std::unique(gains.begin(), gains.end()), gains.end());
  for (const double gain : gains) {
    const LeastStiffness least = spine.least(gain);
    table.labels.push_back(gain == spec.muscle_stiffness_gain ? "as asked" : "another");
    table.rows.push_back({gain, least.relative, least.stiffness});
  }
  return table;
}

/// The mode, a row a level, highest first.
ResultTable mode_table(const PostureStiffness& spine, const LeastStiffness& least) {
  ResultTable table;
  table.description = "how the lumbar levels turn where they resist least: shares of the largest rotation";
  table.columns = {{"extension", "1"}, {"bending", "1"}, {"rotation", "1"}};
  const ModelData& data = spine.model().data();
  const std::span<const int> levels = spine.coordinates();
  for (auto level = data.levels.rbegin(); level != data.levels.rend(); ++level) {
    table.labels.push_back(level->name);
    table.rows.emplace_back();
    for (const int t : level->coordinates) {
      const auto place = std::lower_bound(levels.begin(), levels.end(), data.couplings[at(t)].source);
      table.rows.back().push_back(least.mode[place - levels.begin()]);
    }
  }
  return table;
}

/// What the least eigenvalue is made of.
ResultTable shares_table(const PostureStiffness& spine, const LeastStiffness& least, double gain) {
  ResultTable table;
  table.description =
      "what resists in that mode, over what discs and ligaments alone would: force (of muscles as their paths bend), "
      "active and passive fibres; muscles, weight and passive_elements add up to the least eigenvalue, groups may "
      "share "
      "muscles";
  table.columns = {{"force", "1"}, {"active_fibres", "1"}, {"passive_fibres", "1"}, {"all", "1"}};
  const VecX& mode = least.mode;
  const double passive = mode.dot(spine.passive() * mode), weight = mode.dot(spine.weight() * mode);
  const double none = std::nan("");
  const auto add = [&](const std::string& label, const StiffnessShare& share) {
    table.labels.push_back(label);
    table.rows.push_back({share.path / passive, share.active / passive, share.passive / passive,
                          (share.path + share.active + share.passive) / passive});
  };
  table.labels = {"weight", "passive_elements"};
  table.rows = {{none, none, none, weight / passive}, {none, none, none, 1.0}};
  const auto sum_of = [&](auto&& muscles) {
    StiffnessShare sum;
    for (const int m : muscles) {
      const StiffnessShare share = spine.share(m, mode, gain);
      sum.path += share.path, sum.active += share.active, sum.passive += share.passive;
    }
    return sum;
  };
  std::vector<int> all;
  for (int m = 0; m < spine.model().muscles(); ++m) all.push_back(m);
  add("muscles", sum_of(all));
  for (const auto& [group, members] : spine.model().spec().groups) {
    const StiffnessShare share = sum_of(spine.model().select("group:" + group));
    if (share.path != 0.0 || share.active != 0.0 || share.passive != 0.0) add("group:" + group, share);
  }
  return table;
}

}  // namespace

void tell_stability(const Study& study, const StabilitySpec& spec, const InverseSolver& inverse, bool brief,
                    Block& block) {
  const Model free = with_free_levels(study, inverse.model());
  PostureStiffness spine(free, level_coordinates(free), {inverse.activation().begin(), inverse.activation().end()});
  spine.move_to(posture_of(inverse.model(), inverse.q(), free));
  const double gain = spec.muscle_stiffness_gain, critical = spine.critical_gain();
  const LeastStiffness least = spine.least(gain);
  block.scalars["spinal_stability/critical_gain"] = {critical, "1"};
  block.scalars["spinal_stability/least_eigenvalue"] = {least.relative, "1"};
  block.scalars["spinal_stability/least_stiffness"] = {least.stiffness, "N m/rad"};
  const double imbalance = spine.imbalance().cwiseAbs().maxCoeff();
  block.credibility.push_back({"lumbar levels in balance with their rotations free: greatest moment left", "N m",
                               "docs/science.md, section 9", "", imbalance, 1e-3, imbalance <= 1e-3});
  if (critical > gain)
    block.warnings.push_back(
        std::isinf(critical) ? "the lumbar spine gives way to a small push, however stiff active muscles are"
                             : "the lumbar spine gives way to a small push unless muscles react: active muscles would "
                               "have to be stiffer than q = " +
                                   shortest_text(gain) + ", by q = " + fixed_text(critical, 1));
  if (std::isnan(least.relative))
    block.warnings.push_back("no least eigenvalue against passive elements: they do not resist every rotation");
  if (brief) return;
  block.tables["spinal_stability"] = by_gain(spine, spec);
  block.tables["spinal_stability_mode"] = mode_table(spine, least);
  if (!std::isnan(least.relative)) block.tables["spinal_stability_shares"] = shares_table(spine, least, gain);
}

}  // namespace psoas
