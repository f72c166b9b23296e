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

template <class Set, class S>
void active_force_length(benchmark::State& state) {
  const auto curve = psoas::compile(Set{});
  Walk length(0.4, 1.6);
  for (auto _ : state) benchmark::DoNotOptimize(curve.active_force_length(S(length.next())));
}
BENCHMARK(active_force_length<psoas::DeGrooteFregly, double>);
BENCHMARK(active_force_length<psoas::DeGrooteFregly, psoas::Dual<4>>);
BENCHMARK(active_force_length<psoas::Millard, double>);
BENCHMARK(active_force_length<psoas::Millard, psoas::Dual<4>>);
BENCHMARK(active_force_length<psoas::Thelen, double>);

template <class Set>
void active_force_length_jet(benchmark::State& state) {
  const auto curve = psoas::compile(Set{});
  Walk length(0.4, 1.6);
  for (auto _ : state) benchmark::DoNotOptimize(curve.active_force_length_jet(length.next()));
}
BENCHMARK(active_force_length_jet<psoas::DeGrooteFregly>);
BENCHMARK(active_force_length_jet<psoas::Millard>);

template <class Set>
void rigid_tendon_unit(benchmark::State& state) {
  psoas::MuscleParameters unit = unit_like_psoas();
  unit.curve = Set{};
  Walk length(0.17, 0.26);
  for (auto _ : state)
    benchmark::DoNotOptimize(psoas::fibre_forces(unit, psoas::rigid_tendon_fibre(unit, length.next(), 0.1)));
}
BENCHMARK(rigid_tendon_unit<psoas::DeGrooteFregly>);
BENCHMARK(rigid_tendon_unit<psoas::Millard>);
BENCHMARK(rigid_tendon_unit<psoas::Thelen>);

template <class Set>
void equilibrium_of_a_unit(benchmark::State& state) {
  psoas::MuscleParameters unit = unit_like_psoas();
  unit.curve = Set{};
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
BENCHMARK(equilibrium_of_a_unit<psoas::DeGrooteFregly>);
BENCHMARK(equilibrium_of_a_unit<psoas::Millard>);
BENCHMARK(equilibrium_of_a_unit<psoas::Thelen>);

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
