// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Boost.Odeint's Rosenbrock method behind pointers and sizes: its Boost 1.74 headers compile as C++17 only, so stiff.cpp
// is compiled apart and this header is all that the rest of psoas sees of it.
#pragma once

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
};

/// Why an integration ended.
enum class StiffEnd { done, step_too_small, too_many_steps, not_finite };

/// Integrates `x` (overwritten) from times[0] through `count` increasing times, calling observe(context, i, x) at each.
/// `steps` receives the number of steps, `t` where it ended. Rosenbrock of fourth order with error control and dense
/// output (Hairer & Wanner 1996, section IV.7). The Jacobian is factorised densely at each step: meant for up to about
/// 100 states.
StiffEnd integrate_stiff(const StiffSystem& system, double* x, const double* times, int count,
                         const StiffOptions& options, void (*observe)(void* context, int i, const double* x),
                         int* steps, double* t);

}  // namespace psoas
