// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Boost.Odeint's Dormand-Prince method with error control and dense output, as this layer uses it.
//   int steps = integrate(system, x, times, 1e-8, 1e-4, 0.01, [&](const std::vector<double>& now, std::size_t i) { … });
#pragma once

#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/core/table.hpp"

namespace psoas {

/// More steps than this come of a system that jumps to and fro.
inline constexpr int most_integration_steps = 10'000'000;

/// Integrates x from times[0] and hands it over at each time. Throws Error(numeric) when no step can be made. No step is
/// longer than `longest`: the states follow prescribed curves, and error control cannot see what happens between the
/// stages of a long step (a slack tendon that is taut for a moment).
template <class System, class Observer>
int integrate(System system, std::vector<double> x, const std::vector<double>& times, double tolerance,
              double first_step, double longest, Observer observe, int most_steps = most_integration_steps) {
  namespace odeint = boost::numeric::odeint;
  using Stepper = odeint::runge_kutta_dopri5<std::vector<double>>;
  auto stepper = odeint::make_dense_output(tolerance, tolerance, longest, Stepper());
  stepper.initialize(x, times.front(), first_step);
  observe(x, std::size_t{0});
  int steps = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    while (stepper.current_time() < times[i]) {
      stepper.do_step(system);
      if (++steps > most_steps)
        throw Error(Kind::numeric, "t = " + shortest_text(stepper.current_time()) + " s",
                    "expected at most " + std::to_string(most_steps) + " integration steps within the tolerance " +
                        shortest_text(tolerance) + ", found more; a stiff tendon may want another method");
      if (!(stepper.current_time_step() > 1e-12))
        throw Error(
            Kind::numeric, "t = " + shortest_text(stepper.current_time()) + " s",
            "expected an integration step above 1e-12 s, found none within the tolerance " + shortest_text(tolerance));
      const std::vector<double>& now = stepper.current_state();
      if (!std::all_of(now.begin(), now.end(), [](double value) { return std::isfinite(value); }))
        throw Error(Kind::numeric, "t = " + shortest_text(stepper.current_time()) + " s", "expected finite states");
    }
    stepper.calc_state(times[i], x);
    observe(x, i);
  }
  return steps;
}

}  // namespace psoas
