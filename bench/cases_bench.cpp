// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A study again and again with other muscles, as the cases of a sweep are: alone and whole, and brief with a memory.
#include <benchmark/benchmark.h>

#include "psoas/study/study.hpp"

namespace {

using namespace psoas;

/// The study of an example with one variant and nothing integrated, and the muscles that its cases change.
struct Cases {
  Cases(const std::string& example, std::vector<std::string> outputs)
      : study(read_study(PSOAS_SOURCE_DIR "/examples/" + example + "/study.json", {{"/variants", "null"}})) {
    if (auto* motion = std::get_if<MotionStudy>(&study.question)) motion->integration.reset();
    study.outputs = std::move(outputs);
    muscles = select_muscles(study.model, "group:iliopsoas");
    for (const std::string& name : muscles) lengths.push_back(study.model.muscles.find(name)->optimal_fibre_length);
  }
  /// Makes it the next case.
  void next() {
    const double factor = 0.85 + 0.15 * static_cast<double>(++count % 64) / 64.0;
    for (std::size_t i = 0; i < muscles.size(); ++i)
      study.model.muscles.find(muscles[i])->optimal_fibre_length = factor * lengths[i];
    study.unedited = study.model;
  }

  Study study;
  std::vector<std::string> muscles;
  std::vector<double> lengths;
  int count = 0;
};

void run_cases(benchmark::State& state, Cases cases, bool brief) {
  StudyMemory memory;
  run(cases.study, {{}, &memory, true});
  for (auto _ : state) {
    cases.next();
    Result result = brief ? run(cases.study, {{}, &memory, true}) : run(cases.study);
    benchmark::DoNotOptimize(result);
  }
}

void sit_to_stand_whole(benchmark::State& state) { run_cases(state, Cases("sit_to_stand", {}), false); }
void sit_to_stand_case(benchmark::State& state) {
  run_cases(state, Cases("sit_to_stand", {"anterior_shear/L5_S1"}), true);
}
void torque_curve_whole(benchmark::State& state) { run_cases(state, Cases("torque_curve", {}), false); }
void torque_curve_case(benchmark::State& state) { run_cases(state, Cases("torque_curve", {}), true); }
BENCHMARK(sit_to_stand_whole)->Unit(benchmark::kMillisecond);
BENCHMARK(sit_to_stand_case)->Unit(benchmark::kMillisecond);
BENCHMARK(torque_curve_whole)->Unit(benchmark::kMicrosecond);
BENCHMARK(torque_curve_case)->Unit(benchmark::kMicrosecond);

}  // namespace
