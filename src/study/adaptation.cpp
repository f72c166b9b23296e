// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/adaptation.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/words.hpp"
#include "study/asked.hpp"
#include "study/optimise_plan.hpp"

namespace psoas {
namespace {

constexpr double days_a_week = 7.0;
constexpr double severe = 0.85;  ///< of optimal fibre length: a severe fixed deformity

/// Weeks at which rows stand: every step, and the end.
std::vector<double> weeks_of(const Study& study, const AdaptationStudy& question, double end) {
  const double rows = end / question.step_weeks;
  if (!(rows <= 20'000.0))
    throw Error(Kind::input, study.place("/step_weeks"),
                "expected at most 20000 rows a plan, found " + shortest_text(std::ceil(rows)));
  std::vector<double> out;
  for (double k = 0.0; k * question.step_weeks < end - 1e-9; ++k) out.push_back(k * question.step_weeks);
  out.push_back(end);
  return out;
}

std::vector<double> days_of(std::vector<double> weeks) {
  for (double& week : weeks) week *= days_a_week;
  return weeks;
}

/// What each stretch of a plan does within its session.
ResultTable stretch_table(const Courses& courses, const PlanSpec& plan) {
  ResultTable table;
  table.description =
      "Stretches: share of passive force lost, or of elastic response gained, in the first and last hold, "
      "load of a session, share of force missing at the same angle afterwards";
  table.columns = {{"first_drop", "1"},
                   {"last_drop", "1"},
                   {"first_creep", "1"},
                   {"last_creep", "1"},
                   {"load", "s"},
                   {"loss", "1"},
                   {"loss_after_10_minutes", "1"},
                   {"loss_after_1_hour", "1"},
                   {"minutes_per_week", "min"}};
  for (const auto& [phase_name, phase] : plan.phases)
    for (const auto& [name, one] : phase.stretches) {
      const StretchEffect effect = courses.effect(one);
      table.labels.push_back(phase_name + "/" + name);
      table.rows.push_back({effect.first_drop, effect.last_drop, effect.first_creep, effect.last_creep,
                            one.intensity * effect.load, effect.loss, effect.loss_after(600.0),
                            effect.loss_after(3600.0), one.minutes_per_week()});
    }
  return table;
}

/// Where the last phase leads if it goes on for ever.
ResultTable steady_table(const Courses& courses, const AdaptationStudy& question, const PlanSpec& plan,
                         const std::string& pointer) {
  ResultTable table;
  table.description = "Steady states of the last phase, were it to go on for ever";
  table.columns = {{"serial_sarcomeres", "1"},
                   {"passive_stiffness", "1"},
                   {"strength", "1"},
                   {"tone", "1"},
                   {"stretch_tolerance", "1"}};
  const auto& [name, last] = *std::prev(plan.phases.end());
  for (std::size_t g = 0; g < question.groups.size(); ++g) {
    const AdaptationState to = courses.laws()[g].steady_state(courses.exposure(last, pointer + "/phases/" + name, g));
    table.labels.push_back(question.groups[g]);
    table.rows.push_back(
        {to[serial_sarcomeres], to[passive_stiffness], AdaptationLaw::strength(to), to[tone], to[stretch_tolerance]});
  }
  return table;
}

/// The final muscles, had there been a session of manual therapy just before.
ResultTable relief_table(const Courses& courses, const std::vector<AdaptationState>& final, const std::string& side) {
  ResultTable table;
  table.description = "After one more session of manual therapy at the end of the plan";
  table.columns = {{"hours", "h"}, {"extension_at_5_N_m_deg", "deg"}, {"extension_at_borne_moment_deg", "deg"}};
  for (const auto& [label, hours] : {std::pair{"before", inf}, std::pair{"at once", 0.0},
                                     std::pair{"half an hour after", 0.5}, std::pair{"a day after", 24.0}}) {
    std::vector<AdaptationState> states = final;
    for (std::size_t g = 0; g < states.size(); ++g)
      states[g][relief] = std::exp(-hours / 24.0 / courses.laws()[g].parameters().relief_time);
    const HipMeasure hip = courses.measure(states, side);
    table.labels.push_back(label);
    table.rows.push_back({std::isfinite(hours) ? hours : 0.0, hip.extension_at_5, hip.extension_at_borne});
  }
  return table;
}

/// What other studies say of the muscles of chosen weeks, one row a week.
ResultTable studies_table(const Study& study, const AdaptationStudy& question, const Courses& courses,
                          AskedStudies& asked, const PlanSpec& plan, const std::string& plan_name,
                          const std::string& pointer, Block& block) {
  const double end = end_of(plan) / days_a_week;
  std::vector<double> weeks = question.weeks;
  if (weeks.empty()) weeks = {0.0, end};
  if (!(weeks.back() <= end + 1e-9))
    throw Error(Kind::input, study.place("/weeks/" + std::to_string(weeks.size() - 1)),
                "expected weeks up to the end of every plan, found " + shortest_text(weeks.back()) + " where plan \"" +
                    plan_name + "\" ends at " + shortest_text(end));
  std::vector<double> days = days_of(weeks);
  days.back() = std::min(days.back(), end_of(plan));
  const bool starts = days.front() == 0.0;
  if (!starts) days.insert(days.begin(), 0.0);
  const PlanCourse course = courses.follow(plan, pointer, days);

  ResultTable table;
  table.description = "Other studies with the muscles of these weeks";
  table.columns.push_back({"week", "weeks"});
  Warnings warnings;
  for (std::size_t i = 0; i < weeks.size(); ++i) {
    const std::vector<AdaptationState>& states = course.states[i + (starts ? 0 : 1)];
    const std::string label = "week_" + shortest_text(weeks[i]);
    double tilt_deg = 0.0;
    const Named<Scalar> found = asked.ask(courses.model(states), courses.edits(states), label, "", warnings, tilt_deg);
    std::vector<double> row{weeks[i]};
    for (const auto& [name, scalar] : found) {
      std::size_t column = 1;
      while (column < table.columns.size() && table.columns[column].name != name) ++column;
      if (column == table.columns.size()) table.columns.push_back({name, scalar.unit});
      row.resize(std::max(row.size(), column + 1), std::nan(""));
      row[column] = scalar.value;
      block.scalars[label + " " + name] = scalar;
    }
    table.labels.push_back(label);
    table.rows.push_back(std::move(row));
  }
  for (std::vector<double>& row : table.rows) row.resize(table.columns.size(), std::nan(""));
  warnings.into(block);
  return table;
}

}  // namespace

Result answer(const Study& study, const AdaptationStudy& question, const RunOptions& options) {
  if (!study.variants.empty())
    throw Error(Kind::input, study.place("/variants"), "expected none: this study compares plans");
  if (!study.outputs.empty())
    throw Error(Kind::input, study.place("/outputs"),
                "expected none: the course is told whole, and of its studies what \"record\" names");
  const Courses courses(study, question, *options.memory);
  AskedStudies asked(study, question.studies, "", *options.memory);
  std::vector<std::string> sides;
  for (const char* side : {"r", "l"})
    if (iliopsoas_of(courses.base(), side)) sides.push_back(side);

  Named<PlanSpec> plans = question.plans;
  Result result;
  std::optional<PlanOptimum> optimum;
  if (question.optimise) {
    optimum = optimise_plan(study, question, courses, sides);
    plans["optimised"] = optimum->plan;
  }
  SummaryLine minutes{"time for the plan, last phase", "min/week", "", {}, 0};
  std::vector<SummaryLine> states, hips;
  for (const std::string& group : question.groups)
    for (const char* state : {"serial sarcomeres", "passive stiffness", "strength", "stretch tolerance"})
      states.push_back({std::string(state) + ", " + group, "1", "over the start of habitual life", {}, 3});
  for (const std::string& side : sides) {
    const std::string of = side == "r" ? ", right" : ", left";
    hips.push_back({"Δθ at 5 N·m" + of, "deg", "by so much earlier the iliopsoas resists extension", {}, 1});
    hips.push_back({"hip extension at 5 N·m" + of, "deg", "iliopsoas alone: what tissue gives", {}, 1});
    hips.push_back({"hip extension at the moment borne" + of,
                    "deg",
                    "iliopsoas with capsule, as far as the person tolerates",
                    {},
                    1});
  }

  std::size_t done = 0;
  for (const auto& [name, plan] : plans) {
    const std::string pointer = "/plans/" + name;
    const std::vector<double> weeks = weeks_of(study, question, end_of(plan) / days_a_week);
    std::vector<double> days = days_of(weeks);
    days.back() = end_of(plan);
    const PlanCourse course = courses.follow(plan, pointer, days);
    Block& block = result.blocks[name];
    block.axis = "week";
    block.axis_unit = "weeks";
    block.axis_values = weeks;
    double least = 1.0;
    for (std::size_t g = 0; g < question.groups.size(); ++g) {
      const auto column = [&](const char* quantity, auto&& of) {
        Series& series = block.series[quantity + ("/" + question.groups[g])];
        series.unit = "1";
        for (const auto& row : course.states) series.values.push_back(of(row[g]));
      };
      column("serial_sarcomeres", [](const AdaptationState& now) { return now[serial_sarcomeres]; });
      column("passive_stiffness", [](const AdaptationState& now) { return now[passive_stiffness]; });
      column("strength", [](const AdaptationState& now) { return AdaptationLaw::strength(now); });
      column("training", [](const AdaptationState& now) { return now[training]; });
      column("atrophy", [](const AdaptationState& now) { return now[atrophy]; });
      column("tone", [](const AdaptationState& now) { return now[tone]; });
      column("stretch_tolerance", [](const AdaptationState& now) { return now[stretch_tolerance]; });
      for (const auto& row : course.states) least = std::min(least, row[g][serial_sarcomeres]);
      const AdaptationState& last = course.states.back()[g];
      for (const auto& [k, value] :
           {std::pair{0, last[serial_sarcomeres]}, std::pair{1, last[passive_stiffness]},
            std::pair{2, AdaptationLaw::strength(last)}, std::pair{3, last[stretch_tolerance]}})
        states[4 * g + static_cast<std::size_t>(k)].values.push_back(value);
    }
    for (std::size_t s = 0; s < sides.size(); ++s) {
      const std::string& side = sides[s];
      std::vector<double> at_5, at_borne, lost, moment;
      for (std::size_t i = 0; i < course.states.size(); ++i) {
        const HipMeasure hip = courses.measure(course.states[i], side);
        at_5.push_back(hip.extension_at_5);
        at_borne.push_back(hip.extension_at_borne);
        lost.push_back(hip.delta_theta);
        moment.push_back(hip.moment);
        if (options.progress)
          options.progress(
              (static_cast<double>(done) + static_cast<double>(i + 1) / static_cast<double>(course.states.size())) /
                  static_cast<double>(plans.size() * sides.size()),
              name);
      }
      ++done;
      hips[3 * s].values.push_back(lost.back());
      hips[3 * s + 1].values.push_back(at_5.back());
      hips[3 * s + 2].values.push_back(at_borne.back());
      block.series["delta_theta_deg/" + side] = {"deg", std::move(lost)};
      block.series["extension_at_5_N_m_deg/" + side] = {"deg", std::move(at_5)};
      block.series["extension_at_borne_moment_deg/" + side] = {"deg", std::move(at_borne)};
      block.series["passive_moment/hip_flexion_" + side + "/group:iliopsoas_" + side] = {"N m", std::move(moment)};
    }
    const PhaseSpec& last_phase = std::prev(plan.phases.end())->second;
    minutes.values.push_back(last_phase.minutes_per_week());
    block.scalars["minutes_per_week"] = {minutes.values.back(), "min"};
    block.scalars["steps"] = {static_cast<double>(course.steps), "1"};
    if (!options.brief) {
      block.tables["steady_states"] = steady_table(courses, question, plan, pointer);
      ResultTable stretches = stretch_table(courses, plan);
      if (!stretches.labels.empty()) block.tables["stretches"] = std::move(stretches);
      if (!last_phase.manual_therapy.empty() && !sides.empty())
        block.tables["manual_therapy"] = relief_table(courses, course.states.back(), sides.front());
    }
    if (!question.studies.empty())
      block.tables["studies"] = studies_table(study, question, courses, asked, plan, name, pointer, block);
    if (least < severe - 1e-9)
      block.warnings.push_back("serial sarcomeres fall to " + fixed_text(least, 2) +
                               ": beyond what was ever observed (0.85 is a severe fixed deformity)");
    for (const std::string& sentence : study.matched) block.warnings.push_back(sentence);
    if (plans.size() == 1) result.edits = courses.edits(course.states.back());
  }

  result.heading = (study.title.empty() ? "adaptation" : study.title) + " · " + join(question.groups, ", ") + " · " +
                   std::to_string(plans.size()) + (plans.size() == 1 ? " plan" : " plans");
  if (options.brief) return result;
  result.summary.push_back({"at the end of each plan", "", "", {}, 0});
  for (auto* lines : {&states, &hips})
    for (SummaryLine& line : *lines) result.summary.push_back(std::move(line));
  result.summary.push_back(std::move(minutes));
  if (!question.studies.empty())
    for (const ResultColumn& column : result.blocks.begin()->second.tables.find("studies")->columns) {
      if (column.name == "week") continue;
      SummaryLine line{column.name, column.unit, "at the last week asked for", {}, column.unit == "deg" ? 2 : 0};
      for (const auto& [name, block] : result.blocks) {
        const ResultTable& table = *block.tables.find("studies");
        const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                        [&](const ResultColumn& other) { return other.name == column.name; });
        line.values.push_back(found == table.columns.end()
                                  ? std::nan("")
                                  : table.rows.back()[static_cast<std::size_t>(found - table.columns.begin())]);
      }
      result.summary.push_back(std::move(line));
    }
  if (optimum) result.notes.push_back(optimum->sentence);
  result.notes.push_back(
      "Scenarios, not forecasts: rates and doses are from animals, calves and thighs as much as from hip flexors, and "
      "some "
      "are assumptions; docs/adaptation.md names each. No diagnosis, no medical device.");
  if (!study.note.empty()) result.notes.push_back(study.note);
  result.plots.push_back(
      {"serial_sarcomeres.svg", "Serial sarcomeres", "1", "serial_sarcomeres/" + question.groups[0]});
  for (const std::string& side : sides) {
    if (side != sides.front()) break;
    result.plots.push_back({"delta_theta.svg", "Lost hip extension at 5 N·m", "°", "delta_theta_deg/" + side});
    result.plots.push_back({"extension_at_borne_moment.svg", "Hip extension at the moment borne", "°",
                            "extension_at_borne_moment_deg/" + side});
  }
  return result;
}

}  // namespace psoas
