// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/model/free_levels.hpp"
#include "study/consistent_motion.hpp"
#include "study/controls.hpp"
#include "study/external_loads.hpp"
#include "study/reduction.hpp"
#include "study/tracking_record.hpp"

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

/// A curve with its reductions, which are of the rows in which it is a number: a centre of pressure is none in the air.
void tell(const std::string& name, const std::string& unit, std::vector<double> values, double repetitions,
          Block& block) {
  Reduction all;
  for (std::size_t i = 0; i < values.size(); ++i)
    all.add(block.axis_values[i], std::isfinite(values[i]) ? values[i] : std::nan(""), i > 0);
  block.scalars["peak " + name] = {all.peak, unit};
  block.scalars["min " + name] = {all.min, unit};
  block.scalars["peak_abs " + name] = {all.peak_abs, unit};
  block.scalars["mean " + name] = {all.mean(), unit};
  block.scalars["final " + name] = {values.back(), unit};
  block.scalars["impulse " + name] = {all.count() > 0 ? all.impulse() : 0.0, impulse_unit(unit)};
  if (repetitions > 1.0 && is_exposure(name))
    block.scalars["exposure " + name] = {repetitions * all.impulse(), impulse_unit(unit)};
  block.scalars["time_of_peak " + name] = {all.time_of_peak, "s"};
  block.series[name] = {unit, std::move(values)};
}

/// When coordinates passed their ranges, as a table.
void tell_events(const SimulationOptions& simulation, const SimulationReport& report, Block& block) {
  ResultTable& table = block.tables["events"];
  table.description = "what began and ended, and when";
  table.columns = {{"time", "s"}};
  for (const EventTime& one : report.events) {
    table.labels.push_back(simulation.events[at(one.event)].name + (one.begins ? " begins" : " ends"));
    table.rows.push_back({one.time});
  }
}

/// When each event was first met in each variant.
std::vector<SummaryLine> first_events(const Result& result) {
  std::vector<SummaryLine> lines;
  for (const auto& [variant, block] : result.blocks)
    for (const std::string& label : block.tables.find("events")->labels) {
      const auto same = [&](const SummaryLine& line) { return line.label == "first time: " + label; };
      if (std::none_of(lines.begin(), lines.end(), same)) lines.push_back({"first time: " + label, "s", "", {}, 3});
    }
  for (SummaryLine& line : lines)
    for (const auto& [variant, block] : result.blocks) {
      const ResultTable& table = *block.tables.find("events");
      const auto found = std::find_if(table.labels.begin(), table.labels.end(),
                                      [&](const std::string& label) { return line.label == "first time: " + label; });
      line.values.push_back(found == table.labels.end()
                                ? std::nan("")
                                : table.rows[static_cast<std::size_t>(found - table.labels.begin())][0]);
    }
  return lines;
}

/// The energy audit: its terms, and the line that a result is held against.
void tell_energy(const SimulationReport& report, Block& block) {
  const EnergyAudit& audit = report.audit;
  for (const auto& [name, value] :
       {std::pair{"work_of_muscles", audit.muscle_work}, std::pair{"work_from_outside", audit.external_work},
        std::pair{"work_of_coordinate_forces", audit.control_work}, std::pair{"dissipated_energy", audit.dissipated},
        std::pair{"change_of_kinetic_energy", audit.kinetic_change},
        std::pair{"change_of_potential_energy", audit.potential_change},
        std::pair{"energy_turned_over_by_muscles", audit.turnover}, std::pair{"energy_imbalance", audit.imbalance()}})
    block.scalars[name] = {value, "J"};
  block.scalars["steps"] = {static_cast<double>(report.steps), "1"};
  const double relative = audit.relative();
  const bool muscles = audit.by_muscles();
  block.credibility.push_back(
      {std::string("energy audit: greatest imbalance over ") +
           (muscles ? "the energy that muscles turned over" : "kinetic, potential and lost energy"),
       "1", "docs/dynamics.md, energy audit", "", relative, 1e-4, relative <= 1e-4});
}

/// The model with its lumbar levels free.
Model with_free_levels(const Study& study, const Model& model) {
  try {
    return Model(free_levels(model.spec()));
  } catch (const Error& error) {
    throw Error(Kind::input, study.place("/lumbar"), std::string("expected levels that can be free: ") + error.what());
  }
}

constexpr std::pair<const char*, Integrator> integrators[] = {{"automatic", Integrator::automatic},
                                                              {"dopri5", Integrator::dopri5},
                                                              {"rosenbrock4", Integrator::rosenbrock4},
                                                              {"ark4", Integrator::ark4}};

/// How it was integrated, as a sentence.
std::string integrator_note(const std::vector<Integrator>& used, double tolerance) {
  std::string names;
  for (const Integrator one : used) {
    const auto entry = std::find_if(std::begin(integrators), std::end(integrators),
                                    [one](const auto& known) { return known.second == one; });
    if (names.find(entry->first) == std::string::npos)
      names += (names.empty() ? "" : " and ") + std::string(entry->first);
  }
  return "Integrated by " + names + " to an error of " + shortest_text(tolerance) + " a second.";
}

/// What every simulation of a study has before its controllers: options, and the state from which it starts. `rhythm` is
/// the model before its levels were freed, or the model itself.
std::pair<SimulationOptions, State> prepare(const Study& study, const SimulationStudy& question, const Model& model,
                                            const Model& rhythm) {
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
  Named<double> initial = question.initial, speeds = question.speeds;
  if (question.lumbar == "free") {
    speeds = over_levels(rhythm.spec(), speeds, &question.initial);
    initial = over_levels(rhythm.spec(), initial);
  }
  set_coordinates(study, model, initial, "/initial", state);
  for (const auto& [name, value] : speeds) {
    const int c = find_coordinate(study, model, name, "/speeds/" + name);
    if (simulation.locked[at(c)] && value != 0.0)
      throw Error(Kind::input, study.place("/speeds/" + name), "expected a coordinate that moves, found a locked one");
    state.u()[at(c)] = value;
  }
  for (const auto& [name, spec] : question.prescribed)
    for (const auto& [key, given] :
         {std::pair{"/initial/", &question.initial}, std::pair{"/speeds/", &question.speeds}})
      if (given->find(name))
        throw Error(Kind::input, study.place(key + name),
                    "expected a coordinate that is not prescribed, found one that starts where it is prescribed to");
  simulation.excitation.assign(at(model.muscles()), 0.0);
  for (const auto& [selection, value] : question.excitation)
    for (const int m : muscles_at(study, model, selection, "/excitation/" + selection))
      simulation.excitation[at(m)] = value;
  return {std::move(simulation), std::move(state)};
}

}  // namespace

Result answer(const Study& study, const SimulationStudy& question, const RunOptions& options) {
  std::vector<Variant> variants = compile_variants(study, *options.memory);
  Result result;
  // one motion for all variants, so that what differs between them is theirs
  std::optional<ConsistentMotion> reference;
  if (question.reference) {
    if (question.lumbar == "free")
      throw Error(Kind::input, study.place("/lumbar"),
                  "expected levels that follow the rhythm where a consistent reference is asked for, found \"free\"");
    for (const auto& [key, given] :
         {std::pair{"/forces", question.forces.has_value()}, std::pair{"/prescribed", !question.prescribed.empty()}})
      if (given)
        throw Error(Kind::input, study.place(key),
                    "expected none where a consistent reference is asked for, which would not know of it");
    const Model first = variants.front().model;
    const std::pair<SimulationOptions, State> prepared = prepare(study, question, first, first);
    reference.emplace(study, question, first, prepared.second, prepared.first);
    result.edits = reference->edits();
    for (Variant& variant : variants) {
      ModelSpec spec = variant.model.spec();
      std::vector<Problem> problems;
      apply(result.edits, "", spec, problems);
      if (!problems.empty())
        throw Error(Kind::input, study.place(variant.name.empty() ? "/edits" : "/variants/" + variant.name),
                    "expected a model that what the reference changes is part of: " + problems.front().text);
      variant.model = Model(spec);
    }
  }
  std::vector<Integrator> used;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const Model model = question.lumbar == "free" ? with_free_levels(study, variants[v].model) : variants[v].model;
    const ModelData& data = model.data();
    std::pair<SimulationOptions, State> prepared = prepare(study, question, model, variants[v].model);
    SimulationOptions& simulation = prepared.first;
    State& state = prepared.second;
    const std::unique_ptr<MotionTracker> tracker =
        add_controls(study, question, model, state, simulation, reference ? &reference->coordinates() : nullptr);
    simulation.events = contact_events(model);
    for (Event& event : range_events(model, simulation.locked)) simulation.events.push_back(std::move(event));
    for (const auto& [name, integrator] : integrators)
      if (question.integrator == name) simulation.integrator = integrator;
    if (simulation.integrator == Integrator::rosenbrock4 && state.vector.size() > most_stiff_states)
      throw Error(Kind::input, study.place("/integrator"),
                  "expected ark4 or dopri5 for a model of more than " + std::to_string(most_stiff_states) +
                      " states, found rosenbrock4 for " + std::to_string(state.vector.size()));
    for (const PrescribedCoordinate& one : simulation.prescribed) {
      const Jet2<double> jet = one.value.jet(0.0, 1);
      state.q()[at(one.coordinate)] = jet.value;
      state.u()[at(one.coordinate)] = jet.slope;
    }
    // muscles start at rest under their first excitation
    std::vector<double> first = simulation.excitation;
    for (const OpenLoop& one : simulation.open_loop)
      for (const int m : one.muscles) first[at(m)] = std::clamp(one.excitation.jet(0.0).value, 0.0, 1.0);
    Workspace work(model);
    evaluate(model, state, work, Depth::position);
    for (int m = 0; m < model.muscles(); ++m) {
      state.activation()[at(m)] = std::max(first[at(m)], data.units[at(m)].minimum_activation);
      state.fibre_length()[at(m)] =
          static_equilibrium(data.units[at(m)], work.length[at(m)], state.activation()[at(m)]).fibre_length;
    }

    if (const std::vector<int> loose = ForwardDynamics(model, simulation).unresisted(state.q()); !loose.empty()) {
      std::vector<std::string> names;
      for (const int c : loose) names.push_back(data.coordinate_names[at(c)]);
      throw Error(Kind::input, study.place("/model"),
                  "expected mass or inertia that resists each coordinate that moves, found none that resists " +
                      join(names, ", ") + "; give the bodies that it moves mass, or lock or prescribe it");
    }
    if (tracker) state = tracker->start(0.0);
    std::optional<TrackingRecord> record;
    if (tracker) {
      record.emplace(model, *tracker);
      simulation.sampled = record->watched(std::move(*simulation.sampled));
    }
    InverseSolver loads(model, {});
    const std::vector<double> no_contact(3 * data.contacts.size(), 0.0);
    // What the study drives is told, whatever outputs it asks for.
    std::vector<std::string> asked = study.outputs.empty() ? default_outputs(model, simulation.locked) : study.outputs;
    std::vector<int> driven;
    for (const OpenLoop& one : simulation.open_loop)
      driven.insert(driven.end(), one.muscles.begin(), one.muscles.end());
    for (const StretchReflex& one : simulation.reflexes) driven.push_back(one.muscle);
    std::sort(driven.begin(), driven.end());
    for (const int m : driven) asked.push_back("excitation/" + data.muscle_names[at(m)]);
    for (const PrescribedCoordinate& one : simulation.prescribed)
      asked.push_back("prescribed_force/" + data.coordinate_names[at(one.coordinate)]);
    const std::vector<Output> outputs = find_outputs(model, asked, true, {}, &question);
    Block& block = result.blocks[variants[v].name];
    std::vector<std::vector<double>> values(outputs.size());
    // The same instants with rigid tendons: what a method that knows pose, speed and activation alone would say.
    // No number where the output is of the integration alone.
    std::vector<double> difference(outputs.size(), std::nan("")), tension(at(model.muscles()));
    PostureWatch watch(model);
    const SimulationReport report =
        simulate(model, state, simulation, [&](const State& now, const ForwardDynamics& dynamics) {
          loads.net(dynamics);
          loads.loads_with(no_contact, dynamics.work().tendon_force);
          const Instant instant{&model,
                                &dynamics.work(),
                                now.q(),
                                now.u(),
                                dynamics.udot(),
                                now.activation(),
                                dynamics.work().tendon_force,
                                &loads,
                                &dynamics};
          for (std::size_t k = 0; k < outputs.size(); ++k) values[k].push_back(outputs[k].value(instant));
          block.axis_values.push_back(now.time);
          watch.see(now.q(), dynamics.work());
          if (record) record->see(now, dynamics, loads);
          const BatchForces& rigid = loads.work().force;
          for (std::size_t m = 0; m < tension.size(); ++m)
            tension[m] = now.activation()[m] * rigid.active[m] + rigid.passive[m];
          loads.loads_with(no_contact, tension);
          const Instant algebraic{&model,          &loads.work(),    now.q(), now.u(),
                                  dynamics.udot(), now.activation(), tension, &loads};
          for (std::size_t k = 0; k < outputs.size(); ++k)
            if (const double one = std::abs(outputs[k].value(algebraic) - values[k].back()); std::isfinite(one))
              difference[k] = std::isfinite(difference[k]) ? std::max(difference[k], one) : one;
          if (options.progress)
            options.progress(
                (static_cast<double>(v) + now.time / question.duration) / static_cast<double>(variants.size()),
                variants[v].name);
        });
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      tell(outputs[k].name, outputs[k].unit, std::move(values[k]), question.repetitions, block);
      if (std::isfinite(difference[k]))
        block.scalars["greatest_difference_to_algebraic " + outputs[k].name] = {difference[k], outputs[k].unit};
    }
    if (record) record->tell(block);
    if (reference) reference->tell(block);
    tell_events(simulation, report, block);
    tell_energy(report, block);
    used.push_back(report.integrator);
    credit_fitted_paths(model, block);
    for (std::string& warning : edit_warnings(study, variants[v])) block.warnings.push_back(std::move(warning));
    for (std::string& warning :
         watch.warnings([&](int i) { return "at " + short_text(block.axis_values[at(i)]) + " s"; }))
      block.warnings.push_back(std::move(warning));
    if (result.heading.empty())
      result.heading = (study.title.empty() ? "simulation" : study.title) + " · " + shortest_text(question.duration) +
                       " s · " + std::to_string(model.muscles()) + (model.muscles() == 1 ? " muscle" : " muscles");
  }
  if (reference)
    for (SummaryLine& line : reference->summary(variants.size())) result.summary.push_back(std::move(line));
  for (SummaryLine& line : delta_theta_lines(study, variants, options, result))
    result.summary.push_back(std::move(line));
  for (SummaryLine& line : TrackingRecord::summary(result)) result.summary.push_back(std::move(line));
  const Block& first = result.blocks.begin()->second;
  for (const auto& [name, series] : first.series) {
    // given, or easier to see in a picture
    if (name.rfind("excitation/", 0) == 0 || TrackingRecord::is_own(name) || ConsistentMotion::is_own(name)) continue;
    for (const char* reduction : {"peak ", "min ", "final ", "greatest_difference_to_algebraic "}) {
      // poses and speeds know nothing of tendons
      const bool algebraic = *reduction == 'g';
      if (algebraic && std::all_of(result.blocks.begin(), result.blocks.end(), [&, &output = name](const auto& entry) {
            const Scalar* found = entry.second.scalars.find(reduction + output);
            return !found || found->value == 0.0;
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
        const Scalar* found = block.scalars.find(reduction + name);
        const double value = found ? found->value : std::nan("");
        line.values.push_back(angle ? to_degrees(value) : value);
      }
      result.summary.push_back(line);
    }
  }
  for (const SummaryLine& line : first_events(result)) result.summary.push_back(line);
  if (!study.note.empty()) result.notes.push_back(study.note);
  if (question.repetitions > 1.0) result.notes.push_back(exposure_note(question.repetitions));
  result.notes.push_back(integrator_note(used, question.tolerance));
  for (const auto& [name, series] : first.series) {
    if (TrackingRecord::is_own(name) || ConsistentMotion::is_own(name)) continue;
    std::string file = name;
    for (char& c : file)
      if (c == '/' || c == ':') c = '_';
    result.plots.push_back({file + ".svg", name, series.unit, name});
  }
  return result;
}

}  // namespace psoas
