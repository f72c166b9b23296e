// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/optimise_plan.hpp"

#include <nlopt.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "psoas/core/words.hpp"

namespace psoas {
namespace {

constexpr double least_hold = 10.0;         // [s]
constexpr double reached_tolerance = 1e-3;  // [deg]
constexpr double change_tolerance = 1e-4;   // of a variable's range, and of minutes

/// A number of the plan that is found, and its range.
struct Variable {
  double* number;
  double low, high;
};

/// The numbers of the last phase.
std::vector<Variable> variables_of(PlanSpec& plan, const OptimiseSpec& wish) {
  std::vector<Variable> out;
  PhaseSpec& phase = std::prev(plan.phases.end())->second;
  for (auto& [name, one] : phase.stretches) {
    out.push_back({&one.hold, std::min(least_hold, wish.most_hold), wish.most_hold});
    out.push_back({&one.days_per_week, 0.0, wish.most_days});
  }
  for (auto& [name, one] : phase.strengthening) out.push_back({&one.days_per_week, 0.0, wish.most_days});
  for (auto& [name, one] : phase.manual_therapy) out.push_back({&one.sessions_per_week, 0.0, wish.most_days});
  return out;
}

/// What is minimised and what must be reached, of variables from 0 to 1.
struct LeastEffort {
  const Courses* courses;
  const OptimiseSpec* wish;
  std::string pointer, side;
  PlanSpec plan;
  std::vector<Variable> variables;
  int evaluations = 0;
  std::vector<double> last;
  double last_reached = 0.0;

  void put(const double* x) {
    for (std::size_t i = 0; i < variables.size(); ++i)
      *variables[i].number = variables[i].low + std::clamp(x[i], 0.0, 1.0) * (variables[i].high - variables[i].low);
  }
  double minutes(const double* x) {
    put(x);
    return std::prev(plan.phases.end())->second.minutes_per_week();
  }
  double reached(const double* x) {
    const std::vector<double> now(x, x + variables.size());
    if (now == last) return last_reached;
    put(x);
    ++evaluations;
    const HipMeasure hip = courses->measure(courses->follow(plan, pointer, {0.0, end_of(plan)}).states.back(), side);
    const double value = wish->measure == "extension_at_5_N_m_deg" ? hip.extension_at_5 : hip.extension_at_borne;
    last = now;
    // a moment that is never met: beyond all that is looked at
    last_reached = std::isfinite(value) ? value : 90.0;
    return last_reached;
  }
};

double cost(unsigned, const double* x, double*, void* of) { return static_cast<LeastEffort*>(of)->minutes(x); }
double shortfall(unsigned, const double* x, double*, void* of) {
  auto* problem = static_cast<LeastEffort*>(of);
  return problem->wish->at_least - problem->reached(x);
}

}  // namespace

PlanOptimum optimise_plan(const Study& study, const AdaptationStudy& question, const Courses& courses,
                          const std::vector<std::string>& sides) {
  const OptimiseSpec& wish = *question.optimise;
  const PlanSpec* plan = question.plans.find(wish.plan);
  if (!plan) {
    std::vector<std::string> known;
    for (const auto& [name, one] : question.plans) known.push_back(name);
    throw Error(Kind::input, study.place("/optimise/plan"),
                "expected one of the plans, found \"" + wish.plan + "\"" + did_you_mean(wish.plan, known));
  }
  if (sides.empty())
    throw Error(Kind::input, study.place("/optimise"), "expected a model with an iliopsoas that crosses a hip");
  if (question.plans.find("optimised"))
    throw Error(Kind::input, study.place("/plans/optimised"), "expected another name: it is that of the plan found");

  LeastEffort problem{&courses, &wish, "/plans/" + wish.plan, sides.front(), *plan, {}, 0, {}, 0.0};
  problem.variables = variables_of(problem.plan, wish);
  if (problem.variables.empty())
    throw Error(Kind::input, study.place("/optimise/plan"),
                "expected a plan with stretches, strengthening or manual therapy in its last phase, found none");
  const auto n = static_cast<unsigned>(problem.variables.size());
  std::vector<double> given(n);
  for (unsigned i = 0; i < n; ++i) {
    const Variable& one = problem.variables[i];
    given[i] = std::clamp((*one.number - one.low) / (one.high - one.low), 0.0, 1.0);
  }

  PlanOptimum best;
  best.minutes = inf;
  best.reached = -inf;
  const auto offer = [&](const std::vector<double>& x) {
    const double reached = problem.reached(x.data()), minutes = problem.minutes(x.data());
    const bool feasible = reached >= wish.at_least - reached_tolerance;
    const bool better = feasible != best.feasible ? feasible
                        : feasible                ? minutes < best.minutes
                                                  : reached > best.reached;
    if (!better) return;
    best.plan = problem.plan;
    best.minutes = minutes;
    best.reached = reached;
    best.feasible = feasible;
  };
  // From the plan as it is, from half and from most of everything: the method finds the nearest of several valleys.
  const std::vector<std::vector<double>> starts = {given, std::vector<double>(n, 0.5), std::vector<double>(n, 0.95)};
  offer(std::vector<double>(n, 0.0));
  offer(std::vector<double>(n, 1.0));
  for (std::vector<double> x : starts) {
    const std::unique_ptr<nlopt_opt_s, void (*)(nlopt_opt)> search(nlopt_create(NLOPT_LN_COBYLA, n), nlopt_destroy);
    nlopt_set_lower_bounds1(search.get(), 0.0);
    nlopt_set_upper_bounds1(search.get(), 1.0);
    nlopt_set_min_objective(search.get(), cost, &problem);
    nlopt_add_inequality_constraint(search.get(), shortfall, &problem, 0.1 * reached_tolerance);
    nlopt_set_initial_step1(search.get(), 0.25);
    nlopt_set_xtol_abs1(search.get(), change_tolerance);
    nlopt_set_ftol_rel(search.get(), change_tolerance);
    nlopt_set_maxeval(search.get(), std::max(5, wish.evaluations / static_cast<int>(starts.size())));
    double value = 0.0;
    nlopt_optimize(search.get(), x.data(), &value);  // whatever ended it, where it ended is offered
    offer(x);
  }
  best.evaluations = problem.evaluations;
  best.sentence =
      (best.feasible ? "Optimised \"" + wish.plan + "\": " + fixed_text(best.minutes, 0) + " minutes a week reach " +
                           fixed_text(best.reached, 1) + "° of " + wish.measure +
                           " (asked: " + fixed_text(wish.at_least, 1) + "°)"
                     : "Optimised \"" + wish.plan + "\": " + fixed_text(wish.at_least, 1) + "° of " + wish.measure +
                           " is not reached; the most found is " + fixed_text(best.reached, 1) + "°") +
      ", after " + std::to_string(best.evaluations) + " evaluations of the plan";
  return best;
}

}  // namespace psoas
