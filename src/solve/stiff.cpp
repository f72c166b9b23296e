// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "solve/stiff.hpp"

#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <boost/numeric/odeint/stepper/rosenbrock4.hpp>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace psoas {

namespace odeint = boost::numeric::odeint;
using Vector = boost::numeric::ublas::vector<double>;
using Matrix = boost::numeric::ublas::matrix<double>;

struct StiffStepper::Scratch {
  Scratch(const StiffSystem& s, const StiffOptions& o)
      : system(s),
        options(o),
        n(static_cast<std::size_t>(s.size)),
        by_state(n * n),
        by_time(n),
        now(n + 1),
        before(n + 1),
        next(n + 1),
        error(n + 1),
        between(n + 1) {}

  StiffSystem system;
  StiffOptions options;
  std::size_t n;
  std::vector<double> by_state, by_time;
  Vector now, before, next, error, between;
  odeint::rosenbrock4<double> stepper;
  double t = 0.0, t_before = 0.0, dt = 0.0;
  std::size_t worst = 0;

  /// Error over what is allowed: root mean square over the states.
  double excess(double taken) {
    const double allowed = options.tolerance * (options.per_second ? taken : 1.0);
    // short steps cannot be told from rounding
    const double rounding = options.per_second ? 4.0 * std::numeric_limits<double>::epsilon() : 0.0;
    double sum = 0.0, greatest = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double size = std::max(std::abs(now[i]), std::abs(next[i]));
      const double one = error[i] / (allowed * (1.0 + size) + rounding * size);
      if (!(one * one <= greatest)) greatest = one * one, worst = i;
      sum += one * one;
    }
    const double mean = std::sqrt(sum / static_cast<double>(n));
    return taken <= options.shortest && std::isfinite(mean) ? std::min(mean, 1.0) : mean;
  }
};

StiffStepper::StiffStepper(const StiffSystem& system, const StiffOptions& options)
    : scratch_(std::make_unique<Scratch>(system, options)) {}
StiffStepper::~StiffStepper() = default;

void StiffStepper::start(const double* x, double t, double step) {
  Scratch& s = *scratch_;
  std::copy_n(x, s.n, s.now.begin());
  // Boost 1.74's stepper is of first order only where f depends on time (its terms in df/dt are at fault), so time is
  // one more state here, with rate 1, and the stepper sees a system that does not depend on it.
  s.now[s.n] = t;
  s.t = s.t_before = t;
  s.dt = std::min(step, s.options.longest);
}

StiffEnd StiffStepper::step() {
  Scratch& s = *scratch_;
  const std::size_t n = s.n;
  const auto rates = [&s, n](const Vector& state, Vector& out, double) {
    s.system.rates(s.system.context, state[n], state.data().begin(), out.data().begin());
    out[n] = 1.0;
  };
  const auto jacobian = [&s, n](const Vector& state, Matrix& J, const double&, Vector& dfdt) {
    s.system.jacobian(s.system.context, state[n], state.data().begin(), s.by_state.data(), s.by_time.data());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) J(i, j) = s.by_state[i * n + j];
      J(i, n) = s.by_time[i];
    }
    for (std::size_t j = 0; j <= n; ++j) J(n, j) = dfdt[j] = 0.0;
  };
  // the error of a step goes with the fourth power of its length, that of a second with the third
  const double power = s.options.per_second ? -1.0 / 3.0 : -0.25;
  for (bool rejected = false;; rejected = true) {
    if (!(s.dt > 1e-14)) return StiffEnd::step_too_small;
    s.stepper.do_step(std::make_pair(rates, jacobian), s.now, s.t, s.next, s.dt, s.error);
    const double excess = s.excess(s.dt);
    const double factor = std::isfinite(excess) ? std::clamp(0.9 * std::pow(excess, power), 0.2, 5.0) : 0.2;
    if (excess <= 1.0) {
      s.before.swap(s.now);
      s.now.swap(s.next);
      s.stepper.prepare_dense_output();
      s.t_before = s.t;
      s.t += s.dt;
      s.dt = std::min(s.dt * (rejected ? std::min(factor, 1.0) : factor), s.options.longest);
      if (!std::all_of(s.now.begin(), s.now.end(), [](double value) { return std::isfinite(value); }))
        return StiffEnd::not_finite;
      return StiffEnd::done;
    }
    s.dt *= factor;
  }
}

double StiffStepper::time() const { return scratch_->t; }
double StiffStepper::previous_time() const { return scratch_->t_before; }
std::size_t StiffStepper::worst() const { return scratch_->worst; }
double StiffStepper::next_step() const { return scratch_->dt; }
const double* StiffStepper::state() const { return scratch_->now.data().begin(); }
const double* StiffStepper::previous_state() const { return scratch_->before.data().begin(); }

void StiffStepper::state_at(double t, double* x) const {
  Scratch& s = *scratch_;
  if (s.t == s.t_before) {
    std::copy_n(s.now.begin(), s.n, x);
    return;
  }
  s.stepper.calc_state(t, s.between, s.before, s.t_before, s.now, s.t);
  std::copy_n(s.between.begin(), s.n, x);
}

StiffEnd integrate_stiff(const StiffSystem& system, double* x, const double* times, int count,
                         const StiffOptions& options, void (*observe)(void* context, int i, const double* x),
                         int* steps, double* t) {
  StiffStepper stepper(system, options);
  stepper.start(x, times[0], options.first_step);
  *steps = 0;
  *t = times[0];
  observe(system.context, 0, x);
  for (int i = 1; i < count; ++i) {
    while (stepper.time() < times[i]) {
      const StiffEnd end = stepper.step();
      *t = stepper.time();
      if (end != StiffEnd::done) return end;
      if (++*steps > options.most_steps) return StiffEnd::too_many_steps;
    }
    stepper.state_at(times[i], x);
    observe(system.context, i, x);
  }
  return StiffEnd::done;
}

}  // namespace psoas
