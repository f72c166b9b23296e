// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/course.hpp"

#include <algorithm>
#include <cmath>

#include "solve/integrate.hpp"

namespace psoas {
namespace {

using Vector = std::vector<double>;

bool increase(std::span<const double> values) {
  return std::adjacent_find(values.begin(), values.end(), [](double a, double b) { return !(a < b); }) == values.end();
}

}  // namespace

int run_course(const AdaptationLaw& law, const AdaptationState& start, std::span<const CoursePhase> phases,
               std::span<const double> sessions, std::span<const double> days, double tolerance,
               const std::function<void(double day, const AdaptationState& now)>& observe) {
  Vector ends;
  for (const CoursePhase& phase : phases) ends.push_back(phase.end);
  const auto refuse = [](const char* text) { throw Error(Kind::input, "run_course", text); };
  if (ends.empty() || !(ends.front() > 0.0) || !increase(ends) || !std::isfinite(ends.back()))
    refuse("expected phases whose ends increase from above day 0");
  if (days.empty() || days.front() != 0.0 || !increase(days) || !(days.back() <= ends.back()))
    refuse("expected increasing days from 0 to the end of the last phase");
  if (!increase(sessions) || (!sessions.empty() && !(sessions.front() >= 0.0)))
    refuse("expected sessions at increasing days from 0 on");
  const AdaptationState low = law.low(), high = law.high();
  for (std::size_t i = 0; i < adaptation_states; ++i)
    if (!(start[i] >= low[i] && start[i] <= high[i])) refuse("expected a start inside the ranges of the states");

  Vector corners(ends);
  for (const double session : sessions)
    if (session < ends.back()) corners.push_back(session);
  corners.push_back(0.0);
  std::sort(corners.begin(), corners.end());
  corners.erase(std::unique(corners.begin(), corners.end()), corners.end());

  AdaptationState now = start;
  std::size_t next_day = 0, phase = 0, session = 0;
  int steps = 0;
  for (std::size_t c = 0; c < corners.size() && next_day < days.size(); ++c) {
    const double from = corners[c];
    if (days[next_day] == from) observe(from, now), ++next_day;
    if (session < sessions.size() && sessions[session] == from) now = law.after_session(now), ++session;
    if (c + 1 == corners.size()) break;
    while (phase + 1 < phases.size() && ends[phase] <= from) ++phase;
    Vector stops{from};
    while (next_day < days.size() && days[next_day] < corners[c + 1]) stops.push_back(days[next_day++]);
    stops.push_back(corners[c + 1]);
    // What manual therapy leaves fades within the hour: in closed form, so that it does not shorten the steps of weeks.
    const double fresh = now[relief];
    const auto system = [&](const Vector& x, Vector& out, double) {
      AdaptationState state;
      std::copy(x.begin(), x.end(), state.begin());
      const AdaptationState rates = law.rates(state, phases[phase].week);
      std::copy(rates.begin(), rates.end(), out.begin());
      out[relief] = 0.0;
    };
    const double span = corners[c + 1] - from;
    steps += integrate(system, Vector(now.begin(), now.end()), stops, tolerance, std::min(1e-3, 0.1 * span),
                       std::min(span, 7.0), [&](const Vector& x, std::size_t i) {
                         std::copy(x.begin(), x.end(), now.begin());
                         now[relief] = fresh * std::exp((from - stops[i]) / law.parameters().relief_time);
                         if (i > 0 && i + 1 < stops.size()) observe(stops[i], now);
                       });
  }
  return steps;
}

}  // namespace psoas
