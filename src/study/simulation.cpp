// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/solve/forward.hpp"
#include "study/answer.hpp"
#include "study/external_loads.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::vector<std::string> default_outputs(const Model& model, const std::vector<char>& locked) {
  std::vector<std::string> out;
  for (int c = 0; c < model.coordinates(); ++c)
    if (!locked[at(c)]) {
      out.push_back("coordinate/" + model.data().coordinate_names[at(c)]);
      out.push_back("speed/" + model.data().coordinate_names[at(c)]);
    }
  for (const auto& [group, patterns] : model.spec().groups)
    for (const char* side : {"_r", "_l"})
      if (group == "iliopsoas" && !select_muscles(model.spec(), "group:iliopsoas" + std::string(side)).empty()) {
        out.push_back("muscle_force/group:iliopsoas" + std::string(side));
        if (std::find(model.data().coordinate_names.begin(), model.data().coordinate_names.end(),
                      "hip_flexion" + std::string(side)) != model.data().coordinate_names.end())
          out.push_back("muscle_moment/hip_flexion" + std::string(side) + "/group:iliopsoas" + side);
      }
  if (out.empty() || model.spec().groups.empty())
    for (const std::string& muscle : model.data().muscle_names) out.push_back("muscle_force/" + muscle);
  if (!model.data().levels.empty()) {
    out.push_back("anterior_shear/" + model.data().levels.front().name);
    out.push_back("compression/" + model.data().levels.front().name);
  }
  return out;
}

}  // namespace

Result answer(const Study& study, const SimulationStudy& question, const RunOptions& options) {
  const std::vector<Variant> variants = compile_variants(study);
  Result result;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const Model& model = variants[v].model;
    const ModelData& data = model.data();
    SimulationOptions simulation;
    simulation.duration = question.duration;
    simulation.step = question.step;
    simulation.tolerance = question.tolerance;
    if (question.forces)
      simulation.loads = external_loads(study, model, *question.forces, "/forces", 0.0, question.duration, 0.0, "");
    simulation.locked.assign(at(model.coordinates()), 0);
    for (std::size_t i = 0; i < question.locked.size(); ++i) {
      bool any = false;
      for (int c = 0; c < model.coordinates(); ++c)
        if (glob_match(question.locked[i], data.coordinate_names[at(c)])) simulation.locked[at(c)] = 1, any = true;
      if (!any) find_coordinate(study, model, question.locked[i], "/locked/" + std::to_string(i));
    }
    State state = model.default_state();
    set_coordinates(study, model, question.initial, "/initial", state);
    for (const auto& [name, value] : question.speeds)
      state.u()[at(find_coordinate(study, model, name, "/speeds/" + name))] = value;
    simulation.excitation.assign(at(model.muscles()), 0.0);
    for (const auto& [selection, value] : question.excitation) {
      const std::vector<std::string> names = select_muscles(model.spec(), selection);
      if (names.empty())
        throw Error(Kind::input, study.place("/excitation/" + selection),
                    "expected a muscle, glob or group, found \"" + selection + "\"" +
                        did_you_mean(selection, data.muscle_names));
      for (const std::string& name : names) simulation.excitation[at(model.muscle(name))] = value;
    }
    Workspace work(model);
    evaluate(model, state, work, Depth::position);
    for (int m = 0; m < model.muscles(); ++m) {
      state.activation()[at(m)] = std::max(simulation.excitation[at(m)], data.units[at(m)].minimum_activation);
      state.fibre_length()[at(m)] =
          static_equilibrium(data.units[at(m)], work.length[at(m)], state.activation()[at(m)]).fibre_length;
    }

    InverseSolver loads(model, {});
    const std::vector<double> no_contact(3 * data.contacts.size(), 0.0);
    const std::vector<Output> outputs =
        find_outputs(model, study.outputs.empty() ? default_outputs(model, simulation.locked) : study.outputs, true);
    Block& block = result.blocks[variants[v].name];
    std::vector<std::vector<double>> values(outputs.size());
    // The same instants with rigid tendons: what a method that knows pose, speed and activation alone would say.
    std::vector<double> difference(outputs.size(), 0.0), tension(at(model.muscles()));
    PostureWatch watch(model);
    simulate(model, state, simulation, [&](const State& now, const ForwardDynamics& dynamics) {
      loads.net(now.q(), now.u(), dynamics.udot(), dynamics.external());
      loads.loads_with(no_contact, dynamics.work().tendon_force);
      const Instant instant{
          &model, &dynamics.work(), now.q(), now.u(), dynamics.udot(), now.activation(), dynamics.work().tendon_force,
          &loads};
      for (std::size_t k = 0; k < outputs.size(); ++k) values[k].push_back(outputs[k].value(instant));
      block.axis_values.push_back(now.time);
      watch.see(now.q(), dynamics.work());
      rigid_tendon_forces(model, work = dynamics.work());
      for (std::size_t m = 0; m < tension.size(); ++m)
        tension[m] = now.activation()[m] * work.force.active[m] + work.force.passive[m];
      loads.loads_with(no_contact, tension);
      const Instant algebraic{&model, &work, now.q(), now.u(), dynamics.udot(), now.activation(), tension, &loads};
      for (std::size_t k = 0; k < outputs.size(); ++k)
        difference[k] = std::max(difference[k], std::abs(outputs[k].value(algebraic) - values[k].back()));
      if (options.progress)
        options.progress((static_cast<double>(v) + now.time / question.duration) / static_cast<double>(variants.size()),
                         variants[v].name);
    });
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      block.series[outputs[k].name] = {outputs[k].unit, values[k]};
      const auto [low, high] = std::minmax_element(values[k].begin(), values[k].end());
      block.scalars["peak " + outputs[k].name] = {*high, outputs[k].unit};
      block.scalars["min " + outputs[k].name] = {*low, outputs[k].unit};
      block.scalars["final " + outputs[k].name] = {values[k].back(), outputs[k].unit};
      block.scalars["time_of_peak " + outputs[k].name] = {
          block.axis_values[static_cast<std::size_t>(high - values[k].begin())], "s"};
      block.scalars["greatest_difference_to_algebraic " + outputs[k].name] = {difference[k], outputs[k].unit};
    }
    credit_fitted_paths(model, block);
    for (std::string& warning : edit_warnings(study, variants[v])) block.warnings.push_back(std::move(warning));
    for (std::string& warning :
         watch.warnings([&](int i) { return "at " + short_text(block.axis_values[at(i)]) + " s"; }))
      block.warnings.push_back(std::move(warning));
    if (result.heading.empty())
      result.heading = (study.title.empty() ? "simulation" : study.title) + " · " + shortest_text(question.duration) +
                       " s · " + std::to_string(model.muscles()) + (model.muscles() == 1 ? " muscle" : " muscles");
  }
  for (SummaryLine& line : delta_theta_lines(study, variants)) result.summary.push_back(std::move(line));
  const Block& first = result.blocks.begin()->second;
  for (const auto& [name, series] : first.series)
    for (const char* reduction : {"peak ", "min ", "final ", "greatest_difference_to_algebraic "}) {
      // poses and speeds know nothing of tendons
      const bool algebraic = *reduction == 'g';
      if (algebraic && std::all_of(result.blocks.begin(), result.blocks.end(), [&, &output = name](const auto& entry) {
            return entry.second.scalars.find(reduction + output)->value == 0.0;
          }))
        continue;
      const bool angle = series.unit.rfind("rad", 0) == 0;
      std::string unit = series.unit;
      if (angle) unit.replace(0, 3, "deg");
      SummaryLine line{algebraic ? "  greatest difference to the algebraic solution" : reduction + name,
                       unit,
                       algebraic ? "rigid tendons at the same pose, speed and activation" : "",
                       {},
                       2};
      for (const auto& [variant, block] : result.blocks) {
        const double value = block.scalars.find(reduction + name)->value;
        line.values.push_back(angle ? to_degrees(value) : value);
      }
      result.summary.push_back(line);
    }
  if (!study.note.empty()) result.notes.push_back(study.note);
  for (const auto& [name, series] : first.series) {
    std::string file = name;
    for (char& c : file)
      if (c == '/' || c == ':') c = '_';
    result.plots.push_back({file + ".svg", name, series.unit, name});
  }
  return result;
}

}  // namespace psoas
