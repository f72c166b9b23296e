// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Forward simulation of the shipped models, with exact and fitted paths (which are fitted first, some seconds).
//   rates  one right side (ForwardDynamics::rates), every coordinate moving, and where its time goes: counters
//          `skeleton_us` (poses, velocities, mass matrix, inverse dynamics), `paths_us` (lengths, arms, speeds),
//          `muscles_us` (fibres, forces, activation), `contact_us` and `rest_us` (moments, factorisation, powers)
//   run    a whole run: the body stands on its feet with slightly active muscles and sinks. Counters `real_time` (time
//          simulated over time taken), `steps_per_s` and `rates_per_s` (a second of simulation)
#include "psoas/solve/forward.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "psoas/model/file.hpp"
#include "psoas/model/fit_paths.hpp"

namespace {

using namespace psoas;
using Clock = std::chrono::steady_clock;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

constexpr double least_excitation = 0.05;

/// The default state, a free body lowered until its lowest sphere is 2 mm deep in the ground; muscles at rest.
State on_its_feet(const Model& model) {
  State state = model.default_state();
  Workspace work(model);
  const ModelData& data = model.data();
  if (!data.spheres.empty()) {
    evaluate(model, state, work, Depth::position);
    double lowest = 1e9;
    for (const ContactSphere& sphere : data.spheres)
      lowest = std::min(lowest, (work.tree.X_GB[at(sphere.body)] * sphere.location).y() - sphere.radius);
    state.q()[at(model.coordinate("pelvis_ty"))] -= lowest + 0.002;
  }
  evaluate(model, state, work, Depth::position);
  for (int m = 0; m < model.muscles(); ++m) {
    const MuscleParameters& unit = data.units[at(m)];
    state.activation()[at(m)] = std::max(least_excitation, unit.minimum_activation);
    state.fibre_length()[at(m)] = static_equilibrium(unit, work.length[at(m)], state.activation()[at(m)]).fibre_length;
  }
  return state;
}

/// A model of models/, its paths fitted if asked for: once a program.
const Model& model_of(const std::string& file, bool fitted) {
  static std::map<std::pair<std::string, bool>, Model> models;
  const auto known = models.find({file, fitted});
  if (known != models.end()) return known->second;
  const std::string path = PSOAS_SOURCE_DIR "/models/" + file;
  return models.emplace(std::pair(file, fitted), fitted ? Model(fit_paths(read_model(path))) : Model::load(path))
      .first->second;
}

/// A model with its states near the default one, each another pose, so that no path is known from the call before.
struct Bench {
  Bench(const std::string& file, bool fitted) : model(model_of(file, fitted)), dynamics(model, {}) {
    const State first = on_its_feet(model);
    for (int k = 0; k < 8; ++k) {
      State state = first;
      for (int c = 0; c < model.coordinates(); ++c) {
        state.q()[at(c)] += 1e-3 * (k + 1) * std::sin(1.0 + c);
        state.u()[at(c)] = 0.3 * std::cos(1.0 + c + k);
      }
      states.push_back(state);
    }
    out.resize(at(dynamics.size()));
  }

  /// The least mean time of a call over twenty rounds through the states [us].
  template <class Call>
  double least_time(Call call) const {
    double least = 1e30;
    for (int round = 0; round < 20; ++round) {
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

void rates(benchmark::State& state, const std::string& file, bool fitted) {
  Bench bench(file, fitted);
  std::size_t k = 0;
  for (auto _ : state) {
    bench.dynamics.rates(0.0, bench.states[k++ % 8].vector, bench.out);
    benchmark::DoNotOptimize(bench.out.data());
  }
  const Model& model = bench.model;
  Workspace work(model);
  const std::size_t tree = at(model.tree().coordinates()), muscles = at(model.muscles());
  std::vector<double> a(tree, 0.1), tau(tree), M(tree * tree), rate(muscles);
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
  const double contact =
      bench.least_time([&](const State&) { contact_forces<double>(model, work.tree, work.contact); });
  const double activation = bench.least_time(
      [&](const State& s) { model.data().batch.activation_rate(s.activation(), s.activation(), rate); });
  state.counters["skeleton_us"] = kinematics + dynamics;
  state.counters["paths_us"] = velocity - kinematics;
  state.counters["muscles_us"] = force - velocity - contact + activation;
  state.counters["contact_us"] = contact;
  state.counters["rest_us"] = whole - force - dynamics - activation;
}

void run(benchmark::State& state, bool fitted) {
  const Model& model = model_of("full_body_contact.json", fitted);
  const State start = on_its_feet(model);
  SimulationOptions options;
  options.duration = 0.2;
  options.excitation.assign(at(model.muscles()), least_excitation);
  options.events = contact_events(model);
  SimulationReport report;
  for (auto _ : state) report = simulate(model, start, options, [](const State&, const ForwardDynamics&) {});
  state.counters["real_time"] = benchmark::Counter(options.duration, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["steps_per_s"] = report.steps / options.duration;
  state.counters["rates_per_s"] = report.rates / options.duration;
}

BENCHMARK_CAPTURE(rates, iliopsoas, "iliopsoas.json", false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(rates, full_body, "full_body_contact.json", false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(rates, full_body_fitted, "full_body_contact.json", true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, exact, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, fitted, true)->Unit(benchmark::kMillisecond);

}  // namespace
