// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The psoas at the lumbar levels, and the strength of the trunk, in the unscaled full-body model.
#include <algorithm>
#include <cmath>
#include <limits>

#include "psoas/core/units.hpp"
#include "psoas/solve/inverse.hpp"
#include "validate/rows.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Extension arm of a muscle at a level, the level turning alone [m].
double level_arm(const Model& model, const Workspace& work, int muscle, const Level& level) {
  const ModelData& data = model.data();
  for (int i = data.arm_start[at(muscle)]; i < data.arm_start[at(muscle) + 1]; ++i)
    if (data.arm_slots[at(i)].coordinate == level.coordinates[0]) return work.arm[at(i)];
  return 0.0;
}

}  // namespace

void psoas_lumbar(const Root& root, Rows& rows) {
  const Model model = Model::load(root.model("full_body.json"));
  InverseSolver solver(model, {});
  const State state = model.default_state();
  const std::vector<double> rest(at(model.coordinates()), 0.0);
  solver.net(state.q(), rest, rest);
  const std::vector<int> right = model.select("group:psoas_r"), both = model.select("group:psoas");
  struct Expected {
    const char* level;
    double low, high;
    const char* note;
  };
  const std::string sign =
      "extension at the upper, flexion at the lower levels; the abstract gives no numbers, the sign alone is compared";
  const Expected expected[] = {{"L5_S1", -inf, 0.0, "flexes"},
                               {"L4_L5", -inf, 0.0, "flexes"},
                               {"L3_L4", -5.0, 5.0, "near nil: within 5 mm, our reading of \"very small\""},
                               {"L2_L3", 0.0, inf, "extends"},
                               {"L1_L2", 0.0, inf, "extends"}};
  for (const Expected& item : expected)
    for (std::size_t k = 0; k < model.data().levels.size(); ++k) {
      const Level& level = model.data().levels[k];
      if (level.name != item.level) continue;
      double moment = 0.0, force = 0.0, largest = 0.0;
      for (const int m : right) {
        const double f = model.data().units[at(m)].max_isometric_force, arm = level_arm(model, solver.work(), m, level);
        if (solver.unit_load(m, static_cast<int>(k)).norm() < 1e-9) continue;  // does not cross
        moment += f * arm;
        force += f;
        largest = std::max(largest, std::abs(arm));
      }
      rows.add(std::string("psoas_lumbar/") + item.level,
               "psoas extension arm, mean by force of the fascicles that cross, neutral", "mm", 1e3 * moment / force,
               item.low, item.high, "Bogduk, Pearcy & Hadfield 1992, Clin Biomech 7:109, abstract", Certainty::read,
               std::string(item.note) + "; " + fixed_text(moment, 1) + " N·m a side at greatest isometric force" +
                   (item.level == std::string("L5_S1") ? "; " + sign : ""));
    }
  double compression = 0.0, shear = 0.0;
  for (const int m : both) {
    const Vec3 load = solver.unit_load(m, 0) * model.data().units[at(m)].max_isometric_force;
    compression += load[1];
    shear += load[0];
  }
  rows.add("psoas_lumbar/L5_S1/compression", "L5–S1 compression by both psoas at greatest isometric force, neutral",
           "N", compression, 700.0, 1500.0, "Bogduk, textbook figure for a sit-up: about 100 kgf", Certainty::memory,
           "anterior shear " + fixed_text(shear, 0) + " N with the endplate 40° forward; the sum of forces is " +
               fixed_text(
                   [&] {
                     double sum = 0.0;
                     for (const int m : both) sum += model.data().units[at(m)].max_isometric_force;
                     return sum;
                   }(),
                   0) +
               " N, and published sums differ 3.3-fold");
}

void trunk_strength(const Root& root, Rows& rows) {
  const Model model = Model::load(root.model("full_body.json"));
  Workspace work(model);
  State state = model.default_state();
  struct Demand {
    const char* level;
    double moment;
  };
  for (const Demand& demand : {Demand{"L5_S1", 171.0}, Demand{"T12_L1", 117.0}})
    for (const double angle : {0.0, -20.0, -35.0}) {
      model.set(state, "lumbar_extension", degrees(angle));
      evaluate(model, state, work, Depth::velocity);
      rigid_tendon_forces(model, work);
      double moment = 0.0;
      for (const Level& level : model.data().levels)
        if (level.name == demand.level)
          for (int m = 0; m < model.muscles(); ++m)
            moment += std::max(0.0, level_arm(model, work, m, level)) * work.force.active[at(m)];
      const std::string name = std::string("trunk_strength/") + demand.level + "/lumbar_" + fixed_text(angle, 0),
                        quantity = "greatest active extension moment";
      rows.add(name, quantity, "N m", moment, demand.moment, inf,
               "what the recorded fast rise asks for, by another program", Certainty::derived,
               "a rise that people do must be possible");
      if (demand.level == std::string("L5_S1"))
        rows.add(
            name + "/men", quantity, "N m", moment, 200.0, 400.0,
            "order of isometric strength of healthy men about L5–S1 (for example McNeill et al. 1980, Spine 5:529)",
            Certainty::memory, "the trunk's specific tension of 100 N/cm² is an assumption");
    }
}

}  // namespace psoas
