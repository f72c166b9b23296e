// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/answer.hpp"

namespace psoas {

Result answer(const Study& study, const TorqueCurveStudy& question, const RunOptions& options) {
  if (!study.outputs.empty())
    throw Error(Kind::input, study.place("/outputs"),
                "expected none: a torque curve gives torques, moment arms and fibre lengths of its muscles");
  const std::vector<Variant> variants = compile_variants(study);
  const int count = 1 + static_cast<int>(std::floor((question.to_deg - question.from_deg) / question.step_deg + 1e-9));
  const double sign = question.direction == "positive" ? 1.0 : -1.0;
  Result result;
  std::vector<std::vector<double>> totals, passives;
  for (const Variant& variant : variants) {
    const Model& model = variant.model;
    const int coordinate = find_coordinate(study, model, question.coordinate, "/coordinate");
    if (!model.data().is_rotation[static_cast<std::size_t>(coordinate)])
      throw Error(Kind::input, study.place("/coordinate"),
                  "expected a rotation, found the translation \"" + question.coordinate + "\"");
    std::vector<int> muscles;
    for (std::size_t i = 0; i < question.muscles.size(); ++i) {
      try {
        for (const int m : model.select(question.muscles[i]))
          if (std::find(muscles.begin(), muscles.end(), m) == muscles.end()) muscles.push_back(m);
      } catch (const Error& error) {
        throw Error(Kind::input, study.place("/muscles/" + std::to_string(i)), error.what());
      }
    }
    State state = model.default_state();
    Workspace work(model);
    set_coordinates(study, model, question.posture, "/posture", state);
    if (muscles.empty()) {
      evaluate(model, state, work, Depth::position);
      for (int m = 0; m < model.muscles(); ++m)
        for (int i = model.data().arm_start[static_cast<std::size_t>(m)];
             i < model.data().arm_start[static_cast<std::size_t>(m) + 1]; ++i)
          if (model.data()
                  .couplings[static_cast<std::size_t>(model.data().arm_slots[static_cast<std::size_t>(i)].coordinate)]
                  .source == coordinate) {
            muscles.push_back(m);
            break;
          }
    }
    Block& block = result.blocks[variant.name];
    block.axis = question.coordinate + "_deg";
    block.axis_unit = "deg";
    const auto size = static_cast<std::size_t>(count);
    std::vector<double> active(size), passive(size), other(size);
    std::vector<std::vector<double>> each(muscles.size(), std::vector<double>(size)), arms = each, lengths = each;
    PostureWatch watch(model);
    for (std::size_t i = 0; i < size; ++i) {
      const double angle_deg = question.from_deg + question.step_deg * static_cast<double>(i);
      block.axis_values.push_back(angle_deg);
      state.q()[static_cast<std::size_t>(coordinate)] = degrees(angle_deg);
      evaluate(model, state, work, Depth::velocity);
      rigid_tendon_forces(model, work);
      watch.see(state.q(), work, muscles);
      for (std::size_t k = 0; k < muscles.size(); ++k) {
        const auto m = static_cast<std::size_t>(muscles[k]);
        const double arm = moment_arm(model, work, muscles[k], coordinate);
        const double full = arm * work.force.active[m] * sign > 0.0 ? arm * work.force.active[m] : 0.0;
        active[i] += full;
        passive[i] += arm * work.force.passive[m];
        each[k][i] = full + arm * work.force.passive[m];
        arms[k][i] = arm;
        lengths[k][i] = work.fibre.fibre_length[m] / model.data().units[m].optimal_fibre_length;
      }
      for (std::size_t t = 0; t < work.passive_torque.size(); ++t)
        if (model.data().couplings[t].source == coordinate) other[i] += work.slope[t] * work.passive_torque[t];
      if (options.progress) options.progress(static_cast<double>(i + 1) / static_cast<double>(size), variant.name);
    }
    std::vector<double> total(size);
    for (std::size_t i = 0; i < size; ++i) total[i] = active[i] + passive[i];
    const std::string c = question.coordinate;
    block.series["active_torque/" + c] = {"N m", active};
    block.series["passive_torque/" + c] = {"N m", passive};
    block.series["total_torque/" + c] = {"N m", total};
    block.series["passive_torque_of_joint/" + c] = {"N m", other};
    for (std::size_t k = 0; k < muscles.size(); ++k) {
      const std::string& name = model.data().muscle_names[static_cast<std::size_t>(muscles[k])];
      block.series["muscle_moment/" + c + "/" + name] = {"N m", each[k]};
      block.series["moment_arm/" + name + "/" + c] = {"m", arms[k]};
      block.series["normalised_fibre_length/" + name] = {"1", lengths[k]};
    }
    const auto peak = static_cast<std::size_t>(
        std::max_element(total.begin(), total.end(), [&](double a, double b) { return sign * a < sign * b; }) -
        total.begin());
    block.scalars["peak total_torque/" + c] = {total[peak], "N m"};
    block.scalars["angle_of_peak total_torque/" + c] = {block.axis_values[peak], "deg"};
    credit_fitted_paths(model, block);
    for (std::string& warning : edit_warnings(study, variant)) block.warnings.push_back(std::move(warning));
    for (std::string& warning : watch.warnings([&](int i) {
           return "at " + question.coordinate + " " + short_text(block.axis_values[static_cast<std::size_t>(i)]) +
                  " deg";
         }))
      block.warnings.push_back(std::move(warning));
    totals.push_back(total);
    passives.push_back(passive);
    if (result.heading.empty())
      result.heading = (study.title.empty() ? "torque curve" : study.title) + " · " + c + " " + question.direction +
                       " · " + std::to_string(muscles.size()) + " muscles · " + std::to_string(count) + " angles";
  }
  for (SummaryLine& line : delta_theta_lines(study, variants)) result.summary.push_back(std::move(line));
  result.summary.push_back({"total torque (passive part in the next table)", "", "", {}, 0});
  const Block& first = result.blocks.begin()->second;
  for (const bool total : {true, false}) {
    if (!total) result.summary.push_back({"passive torque", "", "", {}, 0});
    for (std::size_t i = 0; i < first.axis_values.size(); ++i) {
      if (std::fmod(std::abs(first.axis_values[i]), 15.0) > 1e-9) continue;
      char label[32];
      std::snprintf(label, sizeof label, "  %4.0f°", first.axis_values[i]);
      SummaryLine line{label, "N·m", "", {}, 1};
      for (std::size_t v = 0; v < variants.size(); ++v) line.values.push_back(total ? totals[v][i] : passives[v][i]);
      result.summary.push_back(line);
    }
  }
  if (!study.note.empty()) result.notes.push_back(study.note);
  result.plots.push_back(
      {"total_torque.svg", "Active and passive torque", "N·m", "total_torque/" + question.coordinate});
  result.plots.push_back({"passive_torque.svg", "Passive torque", "N·m", "passive_torque/" + question.coordinate});
  return result;
}

}  // namespace psoas
