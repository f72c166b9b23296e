// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The methods by which a simulation goes over a smooth stretch, a step at a time, with error control and dense output.
#pragma once

#include <algorithm>
#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/core/table.hpp"
#include "psoas/solve/forward.hpp"
#include "solve/linear_part.hpp"
#include "solve/stiff.hpp"

namespace psoas {

using Vector = std::vector<double>;

/// What crosses a jump: no longer than this [s].
inline constexpr double shortest_step = 1e-9;

/// Greatest error of a state over what a step of its length may make: `tolerance` a second, absolute and relative, in
/// units of the state, or what cannot be told from rounding. Jumps of the right side that nobody announced are crossed
/// within shortest_step, whatever the error: as exactly as events are found.
class ErrorASecond {
 public:
  /// `worst` is told which state it is.
  ErrorASecond(const Vector& unit, double tolerance, std::size_t& worst)
      : unit_(&unit), tolerance_(tolerance), worst_(&worst) {}

  /// As Boost.Odeint calls it.
  template <class Algebra>
  double error(Algebra&, const Vector& x, const Vector& rate, const Vector& estimate, double dt) const {
    return over(x, rate, estimate, dt);
  }
  double over(const Vector& x, const Vector& rate, const Vector& estimate, double dt) const {
    constexpr double rounding = 4.0 * std::numeric_limits<double>::epsilon();
    double greatest = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double allowed = tolerance_ * ((*unit_)[i] + std::abs(x[i])) + rounding * std::abs(rate[i]);
      const double one = std::abs(estimate[i]) / (dt * allowed);
      if (one <= greatest) continue;
      *worst_ = i;
      if (!std::isfinite(one)) return 1e10;
      greatest = std::min(one, 1e10);
    }
    return dt <= shortest_step ? std::min(greatest, 1.0) : greatest;
  }

 private:
  const Vector* unit_;
  double tolerance_;
  std::size_t* worst_;
};

/// Dormand and Prince's method, a step at a time.
template <class System>
class ExplicitStepper {
 public:
  ExplicitStepper(System& system, const Vector& unit, double tolerance, double longest)
      : system_(system), stepper_(Controlled(ErrorASecond(unit, tolerance, worst_), Adjuster(longest))) {}
  ExplicitStepper(const ExplicitStepper&) = delete;  // its error control knows where it is

  /// Starts anew from x at t with a first step [s]: what the right side does may have changed.
  void start(const Vector& x, double t, double step) { stepper_.initialize(x, t, step); }
  /// Makes the next step so long [s].
  void shorten(double step) {
    x_ = stepper_.current_state();
    stepper_.initialize(x_, time(), step);
  }
  void step() {
    try {
      stepper_.do_step([this](const Vector& x, Vector& out, double t) { system_.rates(t, x, out); });
    } catch (const boost::numeric::odeint::odeint_error&) {
      throw Error(Kind::numeric, "t = " + shortest_text(time()) + " s",
                  "expected an integration step within the tolerance, found none");
    }
  }
  /// The state whose error was greatest in the last step.
  std::size_t worst() const { return worst_; }
  double time() const { return stepper_.current_time(); }
  double previous_time() const { return stepper_.previous_time(); }
  double next_step() const { return stepper_.current_time_step(); }
  void state(Vector& x) const { x = stepper_.current_state(); }
  void previous_state(Vector& x) const { x = stepper_.previous_state(); }
  void state_at(double t, Vector& x) const { stepper_.calc_state(t, x); }

 private:
  using Method = boost::numeric::odeint::runge_kutta_dopri5<Vector>;
  using Adjuster = boost::numeric::odeint::default_step_adjuster<double, double>;
  using Controlled = boost::numeric::odeint::controlled_runge_kutta<Method, ErrorASecond, Adjuster>;
  System& system_;
  Vector x_;
  std::size_t worst_ = 0;
  boost::numeric::odeint::dense_output_runge_kutta<Controlled> stepper_;
};

/// Rosenbrock's method, a step at a time, on states over their units.
template <class System>
class ImplicitStepper {
 public:
  ImplicitStepper(System& system, const Vector& unit, double tolerance, double longest)
      : system_(system), unit_(unit), x_(unit.size()), out_(unit.size()), y_(unit.size()) {
    StiffOptions options;
    options.tolerance = tolerance;
    options.longest = longest;
    options.per_second = true;
    options.shortest = shortest_step;
    stepper_ = std::make_unique<StiffStepper>(
        StiffSystem{static_cast<int>(unit.size()), this,
                    [](void* self, double t, const double* y, double* rates) {
                      static_cast<ImplicitStepper*>(self)->rates(t, y, rates);
                    },
                    [](void* self, double t, const double* y, double* by_state, double* by_time) {
                      static_cast<ImplicitStepper*>(self)->jacobian(t, y, by_state, by_time);
                    }},
        options);
  }

  void start(const Vector& x, double t, double step) {
    for (std::size_t i = 0; i < x.size(); ++i) y_[i] = x[i] / unit_[i];
    stepper_->start(y_.data(), t, step);
  }
  void shorten(double step) {
    state(x_);
    start(x_, time(), step);
  }
  void step() {
    const StiffEnd end = stepper_->step();
    if (end == StiffEnd::done) return;
    throw Error(Kind::numeric, "t = " + shortest_text(time()) + " s",
                end == StiffEnd::not_finite
                    ? "expected finite states"
                    : "expected an integration step above 1e-14 s, found none within the tolerance");
  }
  std::size_t worst() const { return stepper_->worst(); }
  double time() const { return stepper_->time(); }
  double previous_time() const { return stepper_->previous_time(); }
  double next_step() const { return stepper_->next_step(); }
  void state(Vector& x) const { unscale(stepper_->state(), x); }
  void previous_state(Vector& x) const { unscale(stepper_->previous_state(), x); }
  void state_at(double t, Vector& x) const {
    x.resize(unit_.size());
    stepper_->state_at(t, x.data());
    unscale(x.data(), x);
  }

 private:
  void unscale(const double* y, Vector& x) const {
    x.resize(unit_.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = y[i] * unit_[i];
  }
  void rates(double t, const double* y, double* out) {
    unscale(y, x_);
    system_.rates(t, x_, out_);
    for (std::size_t i = 0; i < x_.size(); ++i) out[i] = out_[i] / unit_[i];
  }
  void jacobian(double t, const double* y, double* by_state, double* by_time) {
    const std::size_t n = unit_.size();
    unscale(y, x_);
    system_.jacobian(t, x_, {by_state, n * n}, {by_time, n});
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) by_state[i * n + j] *= unit_[j] / unit_[i];
      by_time[i] /= unit_[i];
    }
  }

  System& system_;
  const Vector& unit_;
  Vector x_, out_, y_;
  std::unique_ptr<StiffStepper> stepper_;
};

/// An additive Runge-Kutta method of fourth order with an estimate of third, a step at a time: implicit in LinearPart, which is
/// taken anew where each step begins, explicit in the rest (Kennedy & Carpenter 2003, ARK4(3)6L[2]SA). Its order does
/// not depend on how near the linear part comes to the Jacobian. An error counts as what is left of it `memory` later.
/// Dense output: the cubic through states and rates at both ends.
class AdditiveStepper {
 public:
  AdditiveStepper(ForwardDynamics& system, const Vector& unit, double tolerance, double longest);
  AdditiveStepper(const AdditiveStepper&) = delete;  // its error control knows where it is

  void start(const Vector& x, double t, double step);
  void shorten(double step) { dt_ = std::min(step, longest_); }
  void step();
  std::size_t worst() const { return worst_; }
  double time() const { return t_; }
  double previous_time() const { return before_t_; }
  double next_step() const { return dt_; }
  void state(Vector& x) const { x = x_; }
  void previous_state(Vector& x) const { x = before_; }
  void state_at(double t, Vector& x) const;

  /// [s], long against what contacts and fibres remember, short against a movement. An error e counts as
  /// (1 - memory A)^-1 e: a step of the implicit Euler method.
  static constexpr double memory = 0.1;

 private:
  /// The state at the end of a step of length h into next_, its error into error_.
  void attempt(double h);

  ForwardDynamics& system_;
  std::size_t worst_ = 0;
  ErrorASecond control_;
  LinearPart linear_;
  double longest_, t_ = 0.0, before_t_ = 0.0, dt_ = 0.0;
  Vector x_, before_, next_, error_, right_, now_rate_, before_rate_;
  std::vector<Vector> rate_, implicit_;  // per stage: the right side, its linear part
};

}  // namespace psoas
