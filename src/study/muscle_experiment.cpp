// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"
#include "psoas/solve/experiment.hpp"
#include "study/answer.hpp"

namespace psoas {
namespace {

/// A series of the result: how it is called, its unit, and where it stands in an instant.
struct Column {
  const char* quantity;
  const char* unit;
  double (*of)(const ExperimentInstant&);
};

const Column columns[] = {
    {"length", "m", [](const ExperimentInstant& i) { return i.length; }},
    {"lengthening_speed", "m/s", [](const ExperimentInstant& i) { return i.speed; }},
    {"excitation", "1", [](const ExperimentInstant& i) { return i.excitation; }},
    {"activation", "1", [](const ExperimentInstant& i) { return i.activation; }},
    {"fibre_length", "m", [](const ExperimentInstant& i) { return i.muscle.fibre_length; }},
    {"normalised_fibre_length", "1", [](const ExperimentInstant& i) { return i.muscle.norm_fibre_length; }},
    {"fibre_velocity", "m/s", [](const ExperimentInstant& i) { return i.muscle.fibre_velocity; }},
    {"sarcomere_length", "m", [](const ExperimentInstant& i) { return i.muscle.sarcomere_length; }},
    {"pennation", "rad", [](const ExperimentInstant& i) { return i.muscle.pennation; }},
    {"tendon_length", "m", [](const ExperimentInstant& i) { return i.muscle.tendon_length; }},
    {"tendon_force", "N", [](const ExperimentInstant& i) { return i.muscle.tendon_force; }},
    {"active_force", "N", [](const ExperimentInstant& i) { return i.muscle.active_force; }},
    {"passive_force", "N", [](const ExperimentInstant& i) { return i.muscle.passive_force; }},
    {"damping_force", "N", [](const ExperimentInstant& i) { return i.muscle.damping_force; }},
    {"fibre_stiffness", "N/m", [](const ExperimentInstant& i) { return i.stiffness.fibre; }},
    {"muscle_tendon_stiffness", "N/m", [](const ExperimentInstant& i) { return i.stiffness.muscle_tendon; }},
    {"contractile_power", "W", [](const ExperimentInstant& i) { return i.muscle.active_power; }},
    {"damping_power", "W", [](const ExperimentInstant& i) { return i.muscle.damping_power; }},
    {"muscle_tendon_power", "W", [](const ExperimentInstant& i) { return i.muscle_tendon_power; }},
    {"contractile_work", "J", [](const ExperimentInstant& i) { return i.contractile_work; }},
    {"damping_work", "J", [](const ExperimentInstant& i) { return i.damping_work; }},
    {"muscle_tendon_work", "J", [](const ExperimentInstant& i) { return i.muscle_tendon_work; }},
    {"passive_energy", "J", [](const ExperimentInstant& i) { return i.passive_energy; }},
    {"tendon_energy", "J", [](const ExperimentInstant& i) { return i.tendon_energy; }},
    {"metabolic_rate_umberger", "W", [](const ExperimentInstant& i) { return i.umberger.total; }},
    {"metabolic_rate_bhargava", "W", [](const ExperimentInstant& i) { return i.bhargava.total; }},
    {"metabolic_energy_umberger", "J", [](const ExperimentInstant& i) { return i.umberger_energy; }},
    {"metabolic_energy_bhargava", "J", [](const ExperimentInstant& i) { return i.bhargava_energy; }},
};

History history_of(const HistorySpec& spec) { return {spec.time, spec.value, spec.shape == "steps"}; }

/// Path lengths over time for one unit. Throws Error(input) with the place of a length that cannot be.
History path_lengths(const Study& study, const MuscleExperimentStudy& question, const MuscleParameters& unit) {
  History length = history_of(question.length);
  for (std::size_t i = 0; i < length.value.size(); ++i) {
    double& value = length.value[i];
    const std::string place = study.place("/length/value/" + std::to_string(i));
    if (question.length_is == "fibres") {
      const double l = value * unit.optimal_fibre_length, h = unit.height();
      if (!(l > h && value < 10.0))
        throw Error(Kind::input, place,
                    "expected fibres longer than the muscle's height, " + shortest_text(h / unit.optimal_fibre_length) +
                        " of optimal fibre length, and below 10 of it, found " + shortest_text(value));
      value = unit.tendon_slack_length + std::sqrt(l * l - h * h);
    } else if (!(value > 0.0 && value < 100.0)) {
      throw Error(Kind::input, place, "expected a length [m] above 0 and below 100, found " + shortest_text(value));
    }
  }
  return length;
}

/// The unit of a variant's muscle. Throws Error(input) for a name that is none, and for a unit that has no history.
const MuscleParameters& find_unit(const Study& study, const Model& model, const std::string& muscle) {
  const auto& names = model.data().muscle_names;
  const auto found = std::find(names.begin(), names.end(), muscle);
  if (found == names.end())
    throw Error(Kind::input, study.place("/muscle"),
                "expected a muscle of the model, found \"" + muscle + "\"" + did_you_mean(muscle, names));
  const MuscleParameters& unit = model.data().units[static_cast<std::size_t>(found - names.begin())];
  if (const std::string fault = experiment_fault(unit); !fault.empty())
    throw Error(Kind::input, study.place("/muscle"), fault);
  return unit;
}

/// Which columns the study's outputs ask for. Throws Error(input) for an output that there is not.
std::vector<bool> asked_columns(const Study& study, const std::string& muscle) {
  std::vector<bool> asked(std::size(columns), study.outputs.empty());
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.quantity + ("/" + muscle));
  for (std::size_t i = 0; i < study.outputs.size(); ++i) {
    bool any = false;
    for (std::size_t k = 0; k < names.size(); ++k)
      if (glob_match(study.outputs[i], names[k])) any = asked[k] = true;
    if (!any)
      throw Error(Kind::input, study.place("/outputs/" + std::to_string(i)),
                  "expected a series of this study, found \"" + study.outputs[i] + "\"" +
                      did_you_mean(study.outputs[i], names));
  }
  return asked;
}

}  // namespace

Result answer(const Study& study, const MuscleExperimentStudy& question, const RunOptions& options) {
  const std::vector<Variant> variants = compile_variants(study, *options.memory);
  for (std::size_t i = 0; i < question.excitation.value.size(); ++i)
    if (!(question.excitation.value[i] >= 0.0 && question.excitation.value[i] <= 1.0))
      throw Error(Kind::input, study.place("/excitation/value/" + std::to_string(i)),
                  "expected an excitation from 0 to 1, found " + shortest_text(question.excitation.value[i]));
  if (question.length.shape == "steps" && question.length.value.size() > 1)
    throw Error(Kind::input, study.place("/length/shape"),
                "expected linear, for a length cannot jump: let it change within a millisecond");
  const double whole_steps = std::floor(question.duration / question.step + 1e-9);
  if (const double rows = (whole_steps + 1.0) * static_cast<double>(variants.size());
      !(whole_steps >= 1.0 && rows <= 200'000.0))
    throw Error(Kind::input, study.place("/step"),
                "expected 2 to 200 000 rows in all variants, found " + shortest_text(rows));
  std::vector<double> times;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(whole_steps); ++i)
    times.push_back(question.step * static_cast<double>(i));
  if (question.duration - times.back() > 1e-9 * question.duration) times.push_back(question.duration);

  Result result;
  const std::string muscle = question.muscle;
  const std::vector<bool> asked = asked_columns(study, muscle);
  const auto name_of = [&](const char* quantity) { return std::string(quantity) + "/" + muscle; };
  std::vector<double> peak_force, least_fibre, unit_work, contractile_work, peak_stored, heat_umberger, heat_bhargava;
  for (const Variant& variant : variants) {
    const MuscleParameters& unit = find_unit(study, variant.model, muscle);
    MetabolicParameters metabolic;
    metabolic.slow_twitch_ratio = question.metabolic.slow_twitch_ratio;
    metabolic.specific_tension = question.metabolic.specific_tension;
    metabolic.density = question.metabolic.density;

    Block& block = result.blocks[variant.name];
    block.axis_values = times;
    std::vector<std::vector<double>> values(std::size(columns));
    ExperimentInstant last;
    double force = 0.0, fibre = inf, stored = 0.0;                         // extremes
    double turnover = 0.0, imbalance_now = 0.0, greatest_imbalance = 0.0;  // between rows inside the domain
    std::size_t rows = 0, outside = 0;
    const int steps = run_experiment(
        unit, metabolic, path_lengths(study, question, unit), history_of(question.excitation),
        {question.method == "rosenbrock4", question.tolerance}, times, [&](const ExperimentInstant& now) {
          for (std::size_t k = 0; k < std::size(columns); ++k)
            if (asked[k]) values[k].push_back(columns[k].of(now));
          force = std::max(force, now.muscle.tendon_force);
          fibre = std::min(fibre, now.muscle.norm_fibre_length);
          stored = std::max(stored, now.tendon_energy);
          outside += now.muscle.outside_domain;
          if (rows++ > 0 && !now.muscle.outside_domain && !last.muscle.outside_domain) {
            // what the unit gave off is what its contractile element did, less what went into damper, tendon and tissue
            const double given = now.muscle_tendon_work - last.muscle_tendon_work,
                         made = now.contractile_work - last.contractile_work;
            turnover += std::abs(made) + std::abs(given);
            imbalance_now += given - made + (now.damping_work - last.damping_work) +
                             (now.passive_energy - last.passive_energy) + (now.tendon_energy - last.tendon_energy);
            greatest_imbalance = std::max(greatest_imbalance, std::abs(imbalance_now));
          }
          last = now;
          if (options.progress) options.progress(now.time / question.duration, variant.name);
        });
    for (std::size_t k = 0; k < std::size(columns); ++k) {
      if (!asked[k]) continue;
      const auto [low, high] = std::minmax_element(values[k].begin(), values[k].end());
      const std::string name = name_of(columns[k].quantity);
      block.scalars["peak " + name] = {*high, columns[k].unit};
      block.scalars["min " + name] = {*low, columns[k].unit};
      block.scalars["final " + name] = {values[k].back(), columns[k].unit};
      block.scalars["time_of_peak " + name] = {times[static_cast<std::size_t>(high - values[k].begin())], "s"};
      block.series[name] = {columns[k].unit, std::move(values[k])};
    }
    block.scalars["steps"] = {static_cast<double>(steps), "1"};
    // where hardly anything was turned over, against what F0 does over a thousandth of l0
    const double imbalance =
        greatest_imbalance / std::max(turnover, 1e-3 * unit.max_isometric_force * unit.optimal_fibre_length);
    block.credibility.push_back({"energy balance: greatest imbalance over energy turned over", "1",
                                 "docs/muscle.md, energy balance", shortest_text(greatest_imbalance) + " J", imbalance,
                                 1e-8, imbalance <= 1e-8});
    if (outside > 0)
      block.warnings.push_back(std::to_string(outside) + (outside == 1 ? " row" : " rows") + " of " +
                               std::to_string(rows) +
                               " with a slack tendon, fibres outside their domain or at a limit of their velocity; the "
                               "energy balance leaves them out");
    for (std::string& warning : edit_warnings(study, variant)) block.warnings.push_back(std::move(warning));
    peak_force.push_back(force);
    least_fibre.push_back(fibre);
    unit_work.push_back(last.muscle_tendon_work);
    contractile_work.push_back(last.contractile_work);
    peak_stored.push_back(stored);
    heat_umberger.push_back(last.umberger_energy);
    heat_bhargava.push_back(last.bhargava_energy);
  }
  result.heading = (study.title.empty() ? "muscle experiment" : study.title) + " · " + muscle + " · " +
                   shortest_text(question.duration) + " s · " + question.method;
  for (SummaryLine& line : delta_theta_lines(study, variants, options, result))
    result.summary.push_back(std::move(line));
  result.summary.push_back({"tendon force, peak", "N", "", peak_force, 1});
  result.summary.push_back({"fibre length over optimal, least", "1", "", least_fibre, 3});
  result.summary.push_back({"work of the muscle-tendon unit", "J", "given off +", unit_work, 3});
  result.summary.push_back({"work of the contractile element", "J", "given off +", contractile_work, 3});
  result.summary.push_back({"energy in the tendon, greatest", "J", "", peak_stored, 3});
  result.summary.push_back({"metabolic energy, Umberger 2010", "J", "heat and work", heat_umberger, 3});
  result.summary.push_back({"metabolic energy, Bhargava 2004", "J", "heat and work", heat_bhargava, 3});
  if (!study.note.empty()) result.notes.push_back(study.note);
  for (const auto& [quantity, title, unit] :
       {std::tuple{"tendon_force", "Tendon force", "N"},
        std::tuple{"normalised_fibre_length", "Fibre length over optimal", "1"},
        std::tuple{"activation", "Activation", "1"},
        std::tuple{"muscle_tendon_power", "Power of the muscle-tendon unit", "W"}})
    if (result.blocks.begin()->second.series.find(name_of(quantity)))
      result.plots.push_back({std::string(quantity) + ".svg", title, unit, name_of(quantity)});
  return result;
}

}  // namespace psoas
