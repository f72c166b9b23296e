// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle curves, one muscle-tendon unit, and all muscles of a model. `iterations` of the equilibrium is the mean number
// of Newton steps.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "psoas/model/model.hpp"
#include "psoas/muscle/activation.hpp"
#include "psoas/muscle/batch.hpp"
#include "psoas/muscle/unit.hpp"
#if PSOAS_HAVE_MUJOCO
#include <mujoco/mujoco.h>
#endif

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

// --- all muscles of a model ------------------------------------------------------------------------------------------
// `ns_per_muscle` is the least of many runs; `ratio_…` are of times taken in turn in the same run, so that a busy machine
// moves both: times faster than the textbook's loop, or times the cost of the batch's own rigid evaluation.
//   psoas_bench --benchmark_filter=all_muscles --benchmark_counters_tabular=true

/// Muscles, states inside the curves' domain, and room for results.
struct Crowd {
  std::vector<psoas::MuscleParameters> muscles;
  std::vector<double> length, speed, activation, fibre_length, warm;
  std::vector<double> force;
  psoas::MuscleBatch batch;
  psoas::BatchFibres fibre;
  psoas::BatchForces forces;
  psoas::BatchEquilibria found;

  explicit Crowd(std::vector<psoas::MuscleParameters> all)
      : muscles(std::move(all)), batch(muscles), fibre(muscles.size()), forces(muscles.size()), found(muscles.size()) {
    const std::size_t n = muscles.size();
    Walk stretch(1.005, 1.03), fibres(0.7, 1.3), speeds(-0.3, 0.3), activations(0.01, 1.0), near(0.99, 1.01),
        frame(0.998, 1.002);
    for (std::size_t i = 0; i < n; ++i) {
      // walks that differ in their step
      for (std::size_t k = 0; k < i % 3; ++k) speeds.next();
      for (std::size_t k = 0; k < i % 5; ++k) activations.next();
      const psoas::MuscleParameters& m = muscles[i];
      length.push_back(m.tendon_slack_length * stretch.next() +
                       m.optimal_fibre_length * fibres.next() * std::cos(m.pennation));
      speed.push_back(speeds.next() * m.max_speed());
      activation.push_back(activations.next());
    }
    force.resize(n);
    batch.equilibrium(length, speed, activation, found);
    for (std::size_t i = 0; i < n; ++i) {
      fibre_length.push_back(found.fibre_length[i] * near.next());
      warm.push_back(found.fibre_length[i] * frame.next());  // the frame before, 10 ms earlier at a tenth of vmax
    }
  }

  void rigid() { batch.rigid(length, speed, fibre, forces, activation); }
  void one_by_one() {
    for (std::size_t i = 0; i < muscles.size(); ++i) {
      const psoas::MuscleForces f =
          psoas::fibre_forces(muscles[i], psoas::rigid_tendon_fibre(muscles[i], length[i], speed[i]), activation[i]);
      force[i] = activation[i] * f.active + f.passive + f.damping;
    }
  }
  /// De Groote's equations as one writes them from the paper, with the C library's functions.
  void textbook() {
    constexpr double b[3][4] = {{0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465},
                                {0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188},
                                {0.1, 1.0, 0.353553390593274, 0.0}};
    for (std::size_t i = 0; i < muscles.size(); ++i) {
      const psoas::MuscleParameters& m = muscles[i];
      const double h = m.optimal_fibre_length * std::sin(m.pennation);
      const double along = std::max(length[i] - m.tendon_slack_length, 0.05 * m.optimal_fibre_length);
      const double l = std::sqrt(along * along + h * h), cos = along / l, x = l / m.optimal_fibre_length;
      const double v = speed[i] * cos / (m.optimal_fibre_length * m.max_contraction_velocity);
      double active = 0.0;
      for (const auto& q : b) active += q[0] * std::exp(-0.5 * std::pow(x - q[1], 2) / std::pow(q[2] + q[3] * x, 2));
      const double w = -8.149 * v - 0.374;
      const double velocity = -0.3211346127989808 * std::log(w + std::sqrt(w * w + 1.0)) + 0.8825327733249912;
      const double offset = std::exp(m.passive_shape * (0.2 - 1.0) / m.passive_strain);
      const double passive =
          (std::exp(m.passive_shape * (x - 1.0) / m.passive_strain) - offset) / (std::exp(m.passive_shape) - offset);
      force[i] = m.max_isometric_force * (activation[i] * active * velocity + passive + m.damping * v) * cos;
    }
  }
  void velocities() { batch.fibre_velocity(length, fibre_length, activation, fibre); }
  void cold() { batch.equilibrium(length, speed, activation, found); }
  void warmed() { batch.equilibrium(length, speed, activation, found, warm); }
#if PSOAS_HAVE_MUJOCO
  void mujoco() {
    for (std::size_t i = 0; i < muscles.size(); ++i) {
      const psoas::MuscleParameters& m = muscles[i];
      // range, force, scale, lmin, lmax, vmax, fpmax, fvmax; lengths by the range
      const mjtNum prm[9] = {0.75, 1.05, m.max_isometric_force, 200, 0.5, 1.6, 1.5, 1.3, 1.2}, times[2] = {0.015, 0.06};
      const mjtNum range[2] = {0.75 * m.optimal_fibre_length + m.tendon_slack_length,
                               1.05 * m.optimal_fibre_length + m.tendon_slack_length};
      const mjtNum gain = mju_muscleGain(length[i], speed[i], range, 1.0, prm);
      force[i] = gain * activation[i] + mju_muscleBias(length[i], range, 1.0, prm) +
                 mju_muscleDynamics(0.5, activation[i], times);
    }
  }
#endif
};

/// 300 De Groote muscles with the spread of a whole body.
Crowd three_hundred() {
  Walk force(50.0, 3000.0), fibre(0.03, 0.3), tendon(0.2, 4.0), pennation(0.0, 0.5);
  std::vector<psoas::MuscleParameters> muscles(300);
  for (std::size_t i = 0; i < 300; ++i) {
    psoas::MuscleParameters& m = muscles[i];
    for (std::size_t k = 0; k < i % 3; ++k) tendon.next();
    for (std::size_t k = 0; k < i % 5; ++k) pennation.next();
    m.max_isometric_force = force.next();
    m.optimal_fibre_length = fibre.next();
    m.tendon_slack_length = tendon.next() * m.optimal_fibre_length;
    m.pennation = i % 3 == 0 ? 0.0 : pennation.next();
  }
  return Crowd(std::move(muscles));
}
/// 212 De Groote and 80 Millard muscles.
Crowd full_body() { return Crowd(psoas::Model::load(PSOAS_SOURCE_DIR "/models/full_body.json").data().units); }

/// The 80 Millard muscles of its legs, which are those that OpenSim's time was taken of.
Crowd legs() {
  const psoas::Model model = psoas::Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  std::vector<psoas::MuscleParameters> muscles;
  for (const psoas::MuscleParameters& unit : model.data().units)
    if (std::holds_alternative<psoas::MillardLaws>(unit.curve)) muscles.push_back(unit);
  return Crowd(std::move(muscles));
}

using Work = void (Crowd::*)();

/// One row: `work` itself is what the benchmark times; ratio_textbook and ratio_rigid compare least times in turns.
void all_muscles(benchmark::State& state, Crowd (*make)(), Work work, bool against_textbook, double opensim) {
  using Clock = std::chrono::steady_clock;
  Crowd crowd = make();
  constexpr int calls = 10;
  const auto nanoseconds = [&](Work w) {
    const auto start = Clock::now();
    for (int k = 0; k < calls; ++k) {
      (crowd.*w)();
      benchmark::ClobberMemory();
    }
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count() /
           static_cast<double>(calls * crowd.muscles.size());
  };
  double least = 1e30, textbook = 1e30, rigid = 1e30;
  for (int turn = 0; turn < 300; ++turn) {
    least = std::min(least, nanoseconds(work));
    rigid = std::min(rigid, nanoseconds(&Crowd::rigid));
    if (against_textbook) textbook = std::min(textbook, nanoseconds(&Crowd::textbook));
  }
  for (auto _ : state) {
    (crowd.*work)();
    benchmark::ClobberMemory();
  }
  state.counters["ns_per_muscle"] = least;
  state.counters["ratio_to_rigid"] = least / rigid;
  if (against_textbook) state.counters["ratio_textbook_to_this"] = textbook / least;
  if (opensim > 0.0) state.counters["ratio_opensim_to_this"] = opensim / 80.0 / least;
}

// What OpenSim 4 was recorded to take for 80 Millard muscles [ns].
constexpr double dynamics = 415e3, equilibria = 810e3, none = 0.0;

#define ALL_MUSCLES(name, make, work, textbook, opensim) \
  BENCHMARK_CAPTURE(all_muscles, name, make, work, textbook, opensim)->Unit(benchmark::kMicrosecond)
ALL_MUSCLES(textbook, three_hundred, &Crowd::textbook, true, none);
ALL_MUSCLES(one_by_one, three_hundred, &Crowd::one_by_one, true, none);
#if PSOAS_HAVE_MUJOCO
ALL_MUSCLES(mujoco, three_hundred, &Crowd::mujoco, true, none);
#endif
ALL_MUSCLES(batch_rigid, three_hundred, &Crowd::rigid, true, none);
ALL_MUSCLES(batch_fibre_velocity, three_hundred, &Crowd::velocities, true, none);
ALL_MUSCLES(batch_equilibrium_cold, three_hundred, &Crowd::cold, true, none);
ALL_MUSCLES(batch_equilibrium_warm, three_hundred, &Crowd::warmed, true, none);
ALL_MUSCLES(full_body_one_by_one, full_body, &Crowd::one_by_one, false, none);
ALL_MUSCLES(full_body_batch_rigid, full_body, &Crowd::rigid, false, none);
ALL_MUSCLES(full_body_batch_fibre_velocity, full_body, &Crowd::velocities, false, none);
ALL_MUSCLES(full_body_batch_equilibrium_cold, full_body, &Crowd::cold, false, none);
ALL_MUSCLES(full_body_batch_equilibrium_warm, full_body, &Crowd::warmed, false, none);
ALL_MUSCLES(legs_batch_rigid, legs, &Crowd::rigid, false, none);
ALL_MUSCLES(legs_batch_fibre_velocity, legs, &Crowd::velocities, false, dynamics);
ALL_MUSCLES(legs_batch_equilibrium_cold, legs, &Crowd::cold, false, equilibria);
ALL_MUSCLES(legs_batch_equilibrium_warm, legs, &Crowd::warmed, false, equilibria);

}  // namespace
