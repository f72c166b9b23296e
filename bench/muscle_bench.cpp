// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle curves and one muscle-tendon unit. `iterations` of the equilibrium is the mean number of Newton steps.
#include <benchmark/benchmark.h>

#include "psoas/muscle/activation.hpp"
#include "psoas/muscle/unit.hpp"

namespace {

psoas::MuscleParameters unit_like_psoas() {
  psoas::MuscleParameters unit;
  unit.max_isometric_force = 1400.0;
  unit.optimal_fibre_length = 0.117;
  unit.pennation = 0.19;
  return unit;
}

/// A new argument between low and high each time, so that nothing can be hoisted.
class Walk {
 public:
  Walk(double low, double high) : low_(low), span_(high - low) {}
  double next() {
    phase_ += 0.6180339887498949;
    if (phase_ >= 1.0) phase_ -= 1.0;
    return low_ + span_ * phase_;
  }

 private:
  double low_, span_, phase_ = 0.0;
};

template <class S>
void active_force_length(benchmark::State& state) {
  const psoas::DeGrooteFregly curve;
  Walk length(0.4, 1.6);
  for (auto _ : state) benchmark::DoNotOptimize(curve.active_force_length(S(length.next())));
}
BENCHMARK(active_force_length<double>);
BENCHMARK(active_force_length<psoas::Dual<4>>);

void active_force_length_closed_slope(benchmark::State& state) {
  const psoas::DeGrooteFregly curve;
  Walk length(0.4, 1.6);
  for (auto _ : state) benchmark::DoNotOptimize(curve.active_force_length_jet(length.next()));
}
BENCHMARK(active_force_length_closed_slope);

void rigid_tendon_unit(benchmark::State& state) {
  const psoas::MuscleParameters unit = unit_like_psoas();
  Walk length(0.17, 0.26);
  for (auto _ : state)
    benchmark::DoNotOptimize(psoas::fibre_forces(unit, psoas::rigid_tendon_fibre(unit, length.next(), 0.1)));
}
BENCHMARK(rigid_tendon_unit);

void equilibrium_of_a_unit(benchmark::State& state) {
  const psoas::MuscleParameters unit = unit_like_psoas();
  Walk length(0.17, 0.26), activation(0.01, 1.0);
  activation.next(), activation.next(), activation.next();
  double iterations = 0.0;
  for (auto _ : state) {
    const psoas::Equilibrium found = psoas::static_equilibrium(unit, length.next(), activation.next());
    iterations += found.iterations;
    benchmark::DoNotOptimize(found.fibre_length);
  }
  state.counters["iterations"] = benchmark::Counter(iterations, benchmark::Counter::kAvgIterations);
}
BENCHMARK(equilibrium_of_a_unit);

void fibre_velocity_of_a_unit(benchmark::State& state) {
  const psoas::MuscleParameters unit = unit_like_psoas();
  Walk fibre(0.10, 0.13);
  for (auto _ : state) benchmark::DoNotOptimize(psoas::compliant_fibre(unit, 0.225, fibre.next(), 0.3).fibre_velocity);
}
BENCHMARK(fibre_velocity_of_a_unit);

void excitation_of_a_rate(benchmark::State& state) {
  const psoas::MuscleParameters unit = unit_like_psoas();
  Walk rate(-3.0, 6.0);
  for (auto _ : state) benchmark::DoNotOptimize(psoas::excitation_for(unit, 0.4, rate.next()).excitation);
}
BENCHMARK(excitation_of_a_rate);

}  // namespace
