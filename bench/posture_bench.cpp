// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Postures of least effort. posture/standing and one_foot: whole searches of an example's first variant, as sweeps do them.
// posture/value and gradient: the parts of which a search is made, at the default posture on both feet, the value from its
// own multipliers.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <vector>

#include "psoas/solve/balance.hpp"
#include "psoas/study/study.hpp"

namespace {

void search(benchmark::State& state, const std::string& example) {
  psoas::Study study = psoas::read_study(PSOAS_SOURCE_DIR "/examples/posture/" + example + ".json");
  study.variants.erase(study.variants.begin() + 1, study.variants.end());
  psoas::RunOptions options;
  options.brief = true;
  for (auto _ : state) benchmark::DoNotOptimize(psoas::run(study, options));
}

psoas::Balance standing() {
  const psoas::Model model = psoas::Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  psoas::BalanceOptions options;
  for (int c = 0; c < model.coordinates(); ++c)
    for (const char* free : {"pelvis_tilt", "pelvis_ty", "lumbar_extension", "hip_flexion_r", "knee_angle_r",
                             "ankle_angle_r", "hip_flexion_l", "knee_angle_l", "ankle_angle_l"})
      if (model.data().coordinate_names[static_cast<std::size_t>(c)] == free) options.free.push_back(c);
  return {model, options};
}

void value(benchmark::State& state) {
  psoas::Balance balance = standing();
  const std::vector<double>& q = balance.model().data().default_coordinates;
  for (auto _ : state) benchmark::DoNotOptimize(balance.value(q));
}

void gradient(benchmark::State& state) {
  psoas::Balance balance = standing();
  balance.value(balance.model().data().default_coordinates);
  for (auto _ : state) benchmark::DoNotOptimize(balance.gradient().data());
}

BENCHMARK_CAPTURE(search, standing, std::string("standing"))->Name("posture/standing")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, one_foot, std::string("one_foot"))->Name("posture/one_foot")->Unit(benchmark::kMillisecond);
BENCHMARK(value)->Name("posture/value")->Unit(benchmark::kMicrosecond);
BENCHMARK(gradient)->Name("posture/gradient")->Unit(benchmark::kMicrosecond);

}  // namespace
