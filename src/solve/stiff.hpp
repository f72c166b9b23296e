// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Boost.Odeint's Rosenbrock method behind pointers and sizes: its Boost 1.74 headers compile as C++17 only, so stiff.cpp
// is compiled apart and this header is all that the rest of psoas sees of it.
#pragma once

#include <memory>

namespace psoas {

/// x' = f(x, t) with its derivatives. `context` is handed to the functions.
struct StiffSystem {
  int size = 0;
  void* context = nullptr;
  /// f of x at t into `rates`.
  void (*rates)(void* context, double t, const double* x, double* rates) = nullptr;
  /// df/dx, row by row (size x size), and df/dt.
  void (*jacobian)(void* context, double t, const double* x, double* by_state, double* by_time) = nullptr;
};

/// How stiff systems are integrated.
struct StiffOptions {
  double tolerance = 1e-8;   ///< absolute and relative error a step
  double first_step = 1e-4;  ///< [s]
  double longest = 1e9;      ///< longest step [s]
  int most_steps = 10'000'000;
  bool per_second = false;  ///< the tolerance is that of a second, not of a step
  double shortest = 0.0;    ///< steps up to here are taken whatever their error, to cross a jump [s]
};

/// Why an integration ended.
enum class StiffEnd { done, step_too_small, too_many_steps, not_finite };

/// The Rosenbrock method of fourth order with error control and dense output (Hairer & Wanner 1996, section IV.7), a step
/// at a time. The Jacobian is factorised densely at each step: meant for up to about 100 states. After it is made it
/// allocates only the one matrix that Boost's stepper makes at each attempt of a step.
class StiffStepper {
 public:
  StiffStepper(const StiffSystem& system, const StiffOptions& options);
  ~StiffStepper();
  StiffStepper(const StiffStepper&) = delete;
  StiffStepper& operator=(const StiffStepper&) = delete;

  /// Starts anew from x at t with a first step [s].
  void start(const double* x, double t, double step);
  /// One step within the tolerance.
  StiffEnd step();
  double time() const;           ///< where it stands
  double previous_time() const;  ///< where the last step began
  std::size_t worst() const;     ///< the state whose error was greatest in the last step
  double next_step() const;      ///< length of the next one, as far as it is known [s]
  const double* state() const;
  const double* previous_state() const;
  /// The state inside the last step.
  void state_at(double t, double* x) const;

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

/// Integrates `x` (overwritten) from times[0] through `count` increasing times, calling observe(context, i, x) at each.
/// `steps` receives the number of steps, `t` where it ended.
StiffEnd integrate_stiff(const StiffSystem& system, double* x, const double* times, int count,
                         const StiffOptions& options, void (*observe)(void* context, int i, const double* x),
                         int* steps, double* t);

}  // namespace psoas
