// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "solve/stiff.hpp"

#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <boost/numeric/odeint/stepper/rosenbrock4.hpp>
#include <boost/numeric/odeint/stepper/rosenbrock4_controller.hpp>
#include <boost/numeric/odeint/stepper/rosenbrock4_dense_output.hpp>
#include <cmath>
#include <vector>

namespace psoas {

namespace odeint = boost::numeric::odeint;
using Vector = boost::numeric::ublas::vector<double>;
using Matrix = boost::numeric::ublas::matrix<double>;

StiffEnd integrate_stiff(const StiffSystem& system, double* x, const double* times, int count,
                         const StiffOptions& options, void (*observe)(void* context, int i, const double* x),
                         int* steps, double* t) {
  // Boost 1.74's stepper is of first order only where f depends on time (its terms in df/dt are at fault), so time is
  // one more state here, with rate 1, and the stepper sees a system that does not depend on it.
  const std::size_t n = static_cast<std::size_t>(system.size);
  std::vector<double> by_state(n * n), by_time(n);
  const auto rates = [&](const Vector& state, Vector& out, double) {
    system.rates(system.context, state[n], state.data().begin(), out.data().begin());
    out[n] = 1.0;
  };
  const auto jacobian = [&](const Vector& state, Matrix& J, const double&, Vector& dfdt) {
    system.jacobian(system.context, state[n], state.data().begin(), by_state.data(), by_time.data());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) J(i, j) = by_state[i * n + j];
      J(i, n) = by_time[i];
    }
    for (std::size_t j = 0; j <= n; ++j) J(n, j) = dfdt[j] = 0.0;
  };
  using Stepper = odeint::rosenbrock4<double>;
  using Controller = odeint::rosenbrock4_controller<Stepper>;
  odeint::rosenbrock4_dense_output<Controller> stepper(
      Controller(options.tolerance, options.tolerance, options.longest));
  Vector state(n + 1);
  std::copy(x, x + n, state.begin());
  state[n] = times[0];
  stepper.initialize(state, times[0], options.first_step);
  *steps = 0;
  *t = times[0];
  observe(system.context, 0, x);
  for (int i = 1; i < count; ++i) {
    while (stepper.current_time() < times[i]) {
      stepper.do_step(std::make_pair(rates, jacobian));
      *t = stepper.current_time();
      if (++*steps > options.most_steps) return StiffEnd::too_many_steps;
      if (!(stepper.current_time_step() > 1e-14)) return StiffEnd::step_too_small;
      const Vector& now = stepper.current_state();
      if (!std::all_of(now.begin(), now.end(), [](double value) { return std::isfinite(value); }))
        return StiffEnd::not_finite;
    }
    stepper.calc_state(times[i], state);
    std::copy_n(state.begin(), n, x);
    observe(system.context, i, x);
  }
  return StiffEnd::done;
}

}  // namespace psoas
