// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Lengths and moment arms of the whole body's muscles at one posture: exact paths and fitted ones. Counters:
// `us_per_muscle`, and for fitted paths `ratio`, the exact ones' time over theirs in the same run. Fitting comes first
// and takes a minute.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "psoas/model/file.hpp"
#include "psoas/model/fit_paths.hpp"
#include "psoas/model/model.hpp"

namespace psoas {
namespace {

using Clock = std::chrono::steady_clock;

const Model& exact_model() {
  static const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  return model;
}

/// One posture after another, near the middle of the ranges.
struct Postures {
  explicit Postures(const Model& model) : q(model.data().default_coordinates) {
    for (const char* name : {"hip_flexion_r", "hip_flexion_l", "knee_angle_r", "knee_angle_l"})
      q[static_cast<std::size_t>(model.coordinate(name))] = 0.5;
  }
  void next() {
    for (double& x : q) x += 1e-9;
  }
  std::vector<double> q;
};

/// Lengths and arms of all muscles from exact paths, poses given.
struct Exact {
  Workspace work{exact_model()};
  std::vector<double> u = std::vector<double>(static_cast<std::size_t>(exact_model().coordinates()), 0.0);
  void operator()(const std::vector<double>& q) { evaluate(exact_model(), q, u, work, Depth::position); }
};

/// The least mean time of one call over ten batches [us].
template <class Call>
double least_time(Call call) {
  double least = 1e30;
  for (int batch = 0; batch < 10; ++batch) {
    const auto start = Clock::now();
    for (int i = 0; i < 50; ++i) call();
    least = std::min(least, std::chrono::duration<double, std::micro>(Clock::now() - start).count() / 50);
  }
  return least;
}

void whole_body_exact(benchmark::State& state) {
  Exact exact;
  Postures postures(exact_model());
  for (auto _ : state) {
    postures.next();
    exact(postures.q);
    benchmark::DoNotOptimize(exact.work.length.data());
  }
  state.counters["us_per_muscle"] = benchmark::Counter(
      1e-6 * exact_model().muscles(), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void whole_body_fitted(benchmark::State& state) {
  static const Model fitted(fit_paths(exact_model().spec()));
  const FittedPaths& paths = fitted.data().fitted;
  FittedWork<double> work(paths);
  Postures postures(exact_model());
  for (auto _ : state) {
    postures.next();
    paths.evaluate<double>(postures.q, work);
    benchmark::DoNotOptimize(work.length.data());
  }
  Exact exact;
  const double ours = least_time([&] {
    postures.next();
    paths.evaluate<double>(postures.q, work);
  });
  const double theirs = least_time([&] {
    postures.next();
    exact(postures.q);
  });
  state.counters["us_per_muscle"] = ours / exact_model().muscles();
  state.counters["ratio"] = theirs / ours;
}

BENCHMARK(whole_body_exact)->Unit(benchmark::kMicrosecond);
BENCHMARK(whole_body_fitted)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace psoas
