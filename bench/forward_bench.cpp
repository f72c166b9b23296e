// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// One right side of a simulation (ForwardDynamics::rates) of the shipped models, every coordinate moving, and where its
// time goes: counters `skeleton_us` (poses, velocities, mass matrix, accelerations), `paths_us`, `muscles_us` (fibres and
// forces) and `rest_us` (moments, activation, energies).
#include "psoas/solve/forward.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace psoas;
using Clock = std::chrono::steady_clock;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A model with its states near the default one, each another pose, so that no path is known from the call before.
struct Bench {
  explicit Bench(const std::string& file)
      : model(Model::load(PSOAS_SOURCE_DIR "/models/" + file)), dynamics(model, {}) {
    for (int k = 0; k < 8; ++k) {
      State state = model.default_state();
      for (int c = 0; c < model.coordinates(); ++c) {
        state.q()[at(c)] += 1e-3 * (k + 1) * std::sin(1.0 + c);
        state.u()[at(c)] = 0.3 * std::cos(1.0 + c + k);
      }
      states.push_back(state);
    }
    out.resize(at(dynamics.size()));
  }

  /// The least mean time of a call over ten rounds through the states [us].
  template <class Call>
  double least_time(Call call) const {
    double least = 1e30;
    for (int round = 0; round < 10; ++round) {
      const auto start = Clock::now();
      for (const State& state : states) call(state);
      least = std::min(least, std::chrono::duration<double, std::micro>(Clock::now() - start).count() / 8.0);
    }
    return least;
  }

  Model model;
  ForwardDynamics dynamics;
  std::vector<State> states;
  std::vector<double> out;
};

void rates(benchmark::State& state, const std::string& file) {
  Bench bench(file);
  std::size_t k = 0;
  for (auto _ : state) {
    bench.dynamics.rates(0.0, bench.states[k++ % 8].vector, bench.out);
    benchmark::DoNotOptimize(bench.out.data());
  }
  const Model& model = bench.model;
  Workspace work(model);
  const std::size_t tree = at(model.tree().coordinates());
  std::vector<double> a(tree, 0.1), tau(tree), M(tree * tree);
  const double whole = bench.least_time([&](const State& s) { bench.dynamics.rates(0.0, s.vector, bench.out); });
  const double force = bench.least_time([&](const State& s) { evaluate(model, s, work, Depth::force); });
  const double velocity =
      bench.least_time([&](const State& s) { evaluate(model, s.q(), s.u(), work, Depth::velocity); });
  const double kinematics = bench.least_time([&](const State& s) {
    couple(model, s.q(), s.u(), work);
    positions<double>(model.tree(), work.q, work.tree);
    velocities<double>(model.tree(), work.u, work.tree);
  });
  const double dynamics = bench.least_time([&](const State&) {
    inverse_dynamics<double>(model.tree(), a, model.spec().gravity, {}, work.tree, tau);
    mass_matrix<double>(model.tree(), work.tree, M);
  });
  state.counters["paths_us"] = velocity - kinematics;
  state.counters["muscles_us"] = force - velocity;
  state.counters["skeleton_us"] = kinematics + dynamics;
  state.counters["rest_us"] = whole - force - dynamics;
}

BENCHMARK_CAPTURE(rates, iliopsoas, "iliopsoas.json")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(rates, full_body, "full_body.json")->Unit(benchmark::kMicrosecond);

}  // namespace
