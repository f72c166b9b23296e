// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"
#include "psoas/solve/experiment.hpp"
#include "study/answer.hpp"

namespace psoas {
namespace {

/// A curve of the result: how it is called, its unit, and where it stands in an instant.
struct Curve1 {
  const char* quantity;
  const char* unit;
  double (*of)(const ExperimentInstant&);
};

const Curve1 curves[] = {
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
    {"contractile_power", "W", [](const ExperimentInstant& i) { return i.contractile_power; }},
    {"damping_power", "W", [](const ExperimentInstant& i) { return i.damping_power; }},
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

}  // namespace

Result answer(const Study& study, const MuscleExperimentStudy& question, const RunOptions& options) {
  const std::vector<Variant> variants = compile_variants(study);
  for (std::size_t i = 0; i < question.excitation.value.size(); ++i)
    if (!(question.excitation.value[i] >= 0.0 && question.excitation.value[i] <= 1.0))
      throw Error(Kind::input, study.place("/excitation/value/" + std::to_string(i)),
                  "expected an excitation from 0 to 1, found " + shortest_text(question.excitation.value[i]));
  if (question.length.shape == "steps" && question.length.value.size() > 1)
    throw Error(Kind::input, study.place("/length/shape"),
                "expected linear, for a length cannot jump: let it change within a millisecond");
  const std::size_t rows = static_cast<std::size_t>(std::floor(question.duration / question.step + 1e-9)) + 1;
  if (rows < 2 || rows > 10'000'000)
    throw Error(Kind::input, study.place("/step"), "expected 2 to 10 000 000 rows, found " + std::to_string(rows));
  std::vector<double> times;
  for (std::size_t i = 0; i < rows; ++i) times.push_back(question.step * static_cast<double>(i));

  Result result;
  const std::string muscle = question.muscle;
  const auto name_of = [&](const char* quantity) { return std::string(quantity) + "/" + muscle; };
  std::vector<double> greatest_force, fibre_range, done, taken, stored, heat_umberger, heat_bhargava;
  for (const Variant& variant : variants) {
    const auto& names = variant.model.data().muscle_names;
    const auto found = std::find(names.begin(), names.end(), muscle);
    if (found == names.end())
      throw Error(Kind::input, study.place("/muscle"),
                  "expected a muscle of the model, found \"" + muscle + "\"" + did_you_mean(muscle, names));
    const MuscleParameters& unit = variant.model.data().units[static_cast<std::size_t>(found - names.begin())];
    History length = history_of(question.length);
    for (std::size_t i = 0; i < length.value.size(); ++i) {
      double& value = length.value[i];
      if (question.length_is == "fibres") {
        const double l = value * unit.optimal_fibre_length, h = unit.height();
        if (!(l > h && value < 10.0))
          throw Error(Kind::input, study.place("/length/value/" + std::to_string(i)),
                      "expected fibres longer than the muscle's height, " +
                          shortest_text(h / unit.optimal_fibre_length) +
                          " of optimal fibre length, and below 10 of it, found " + shortest_text(value));
        value = unit.tendon_slack_length + std::sqrt(l * l - h * h);
      } else if (!(value > 0.0 && value < 100.0)) {
        throw Error(Kind::input, study.place("/length/value/" + std::to_string(i)),
                    "expected a length [m] above 0 and below 100, found " + shortest_text(value));
      }
    }
    MetabolicParameters metabolic;
    metabolic.slow_twitch_ratio = question.metabolic.slow_twitch_ratio;
    metabolic.specific_tension = question.metabolic.specific_tension;
    metabolic.density = question.metabolic.density;

    Block& block = result.blocks[variant.name];
    block.axis_values = times;
    std::vector<std::vector<double>> values(std::size(curves));
    std::vector<ExperimentInstant> ends;
    double turnover = 0.0, greatest_imbalance = 0.0;
    int outside = 0;
    const int steps = run_experiment(
        unit, metabolic, length, history_of(question.excitation),
        {question.method == "rosenbrock4", question.tolerance}, times, [&](const ExperimentInstant& now) {
          for (std::size_t k = 0; k < std::size(curves); ++k) values[k].push_back(curves[k].of(now));
          if (ends.empty()) ends.assign(2, now);
          turnover += std::abs(now.contractile_work - ends[1].contractile_work) +
                      std::abs(now.muscle_tendon_work - ends[1].muscle_tendon_work);
          ends[1] = now;
          const ExperimentInstant& first = ends[0];
          // what the unit gave off is what its contractile element did, less what went into damper, tendon and tissue
          const double imbalance = now.muscle_tendon_work - now.contractile_work + now.damping_work +
                                   (now.passive_energy - first.passive_energy) +
                                   (now.tendon_energy - first.tendon_energy);
          greatest_imbalance = std::max(greatest_imbalance, std::abs(imbalance));
          outside += now.muscle.outside_domain;
          if (options.progress) options.progress(now.time / question.duration, variant.name);
        });
    for (std::size_t k = 0; k < std::size(curves); ++k) {
      const auto [low, high] = std::minmax_element(values[k].begin(), values[k].end());
      const std::string name = name_of(curves[k].quantity);
      block.scalars["peak " + name] = {*high, curves[k].unit};
      block.scalars["min " + name] = {*low, curves[k].unit};
      block.scalars["final " + name] = {values[k].back(), curves[k].unit};
      block.scalars["time_of_peak " + name] = {times[static_cast<std::size_t>(high - values[k].begin())], "s"};
      block.series[name] = {curves[k].unit, std::move(values[k])};
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
                               std::to_string(rows) + " with fibres outside their domain or a slack tendon");
    for (std::string& warning : edit_warnings(study, variant)) block.warnings.push_back(std::move(warning));
    greatest_force.push_back(block.scalars.find("peak " + name_of("tendon_force"))->value);
    fibre_range.push_back(block.scalars.find("min " + name_of("normalised_fibre_length"))->value);
    done.push_back(ends[1].muscle_tendon_work);
    taken.push_back(ends[1].contractile_work);
    stored.push_back(block.scalars.find("peak " + name_of("tendon_energy"))->value);
    heat_umberger.push_back(ends[1].umberger_energy);
    heat_bhargava.push_back(ends[1].bhargava_energy);
  }
  result.heading = (study.title.empty() ? "muscle experiment" : study.title) + " · " + muscle + " · " +
                   shortest_text(question.duration) + " s · " + question.method;
  for (SummaryLine& line : delta_theta_lines(study, variants)) result.summary.push_back(std::move(line));
  result.summary.push_back({"tendon force, peak", "N", "", greatest_force, 1});
  result.summary.push_back({"fibre length over optimal, least", "1", "", fibre_range, 3});
  result.summary.push_back({"work of the muscle-tendon unit", "J", "given off +", done, 3});
  result.summary.push_back({"work of the contractile element", "J", "given off +", taken, 3});
  result.summary.push_back({"energy in the tendon, greatest", "J", "", stored, 3});
  result.summary.push_back({"metabolic energy, Umberger 2010", "J", "heat and work", heat_umberger, 3});
  result.summary.push_back({"metabolic energy, Bhargava 2004", "J", "heat and work", heat_bhargava, 3});
  if (!study.note.empty()) result.notes.push_back(study.note);
  for (const auto& [quantity, title, unit] :
       {std::tuple{"tendon_force", "Tendon force", "N"},
        std::tuple{"normalised_fibre_length", "Fibre length over optimal", "1"},
        std::tuple{"activation", "Activation", "1"},
        std::tuple{"muscle_tendon_power", "Power of the muscle-tendon unit", "W"}})
    result.plots.push_back({std::string(quantity) + ".svg", title, unit, name_of(quantity)});
  return result;
}

}  // namespace psoas
