// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle redundancy of a whole body at one instant: 38 equations, 288 muscles and 42 contact forces. The counter
// `steps` is the mean number of linear systems. Cold starts unless named otherwise; eight problems in turn.
//
// motion_frame is a frame of the sit-to-stand: 38 equations, 292 muscles and 80 pushes of contacts, the contact shortfall
// and joint loads, all but kinematics and paths. Thirty frames in turn; `warm` starts from the frame before.

#include "psoas/solve/redundancy.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "psoas/solve/inverse.hpp"
#include "psoas/study/study.hpp"

namespace {

constexpr int joints = 32, muscles = 288, contacts = 14;

/// A made-up frame that the muscles can explain up to `beyond` N·m at each joint.
psoas::RedundancyProblem frame(std::uint64_t seed, double power, double beyond) {
  const auto random = [&seed](double low, double high) {
    seed += 0x9e3779b97f4a7c15u;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return low + (high - low) * static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  };
  psoas::RedundancyProblem problem;
  problem.resize(joints + 6, muscles + 3 * contacts);
  for (std::size_t i = 0; i < static_cast<std::size_t>(problem.variables); ++i) {
    const bool muscle = i < muscles;
    const int span = muscle ? 5 + static_cast<int>(random(0, 15)) : 6;
    const int first = static_cast<int>(random(0, joints - span + 1));
    const double force = 10 * std::pow(600, random(0, 1));
    double x;
    if (muscle) {
      problem.power[i] = power;
      problem.low[i] = 0.01;
      x = std::max(0.01, std::pow(random(0, 1), 3));
    } else if (i % 3 == 0) {
      problem.weight[i] = 1e-3 / (700.0 * 700.0);
      problem.high[i] = 2000;
      x = random(0, 400);
    } else {
      problem.weight[i] = 1 / (21.0 * 21.0);
      problem.low[i] = -std::numeric_limits<double>::infinity();
      problem.high[i] = std::numeric_limits<double>::infinity();
      x = random(-20, 20);
    }
    const auto entry = [&](int row, double value) {
      problem.row.push_back(row);
      problem.value.push_back(value);
      problem.target[static_cast<std::size_t>(row)] += value * x;
    };
    for (int k = 0; k < span; ++k) {
      const double sign = random(-1, 1) < 0 ? -1 : 1;
      entry(first + k, sign * (muscle ? force * 1e-4 * std::pow(1000, random(0, 1)) : random(0, 0.9)));
    }
    for (int k = 0; k < 6 && !muscle; ++k)
      entry(joints + k, k == static_cast<int>(i % 3) ? 1 : random(-1, 1) * (k < 3 ? 0.05 : 1));
    problem.column_start[i + 1] = static_cast<int>(problem.row.size());
  }
  for (double& b : problem.target) b += beyond * random(-1, 1);
  return problem;
}

void run(benchmark::State& state, double power, double beyond, bool warm) {
  std::vector<psoas::RedundancyProblem> problems;
  std::vector<std::vector<double>> starts;
  psoas::RedundancySolver solver(joints + 6, muscles + 3 * contacts);
  psoas::RedundancySolution answer;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    problems.push_back(frame(seed, power, beyond));
    solver.solve(problems.back(), answer);
    starts.push_back(answer.multiplier);
    if (warm)
      for (double& b : problems.back().target) b *= 1.01;  // the next frame of a motion
  }
  std::size_t k = 0;
  double steps = 0, worst = 0;
  for (auto _ : state) {
    psoas::RedundancyOptions options;
    if (warm) options.warm_start = starts[k];
    solver.solve(problems[k], answer, options);
    benchmark::DoNotOptimize(answer.x.data());
    steps += answer.iterations;
    worst = std::max(worst, answer.residual);
    k = (k + 1) % problems.size();
  }
  state.counters["steps"] = benchmark::Counter(steps, benchmark::Counter::kAvgIterations);
  state.counters["residual"] = worst;
}

void redundancy(benchmark::State& state) { run(state, static_cast<double>(state.range(0)) / 10, 0, false); }
void redundancy_warm(benchmark::State& state) { run(state, static_cast<double>(state.range(0)) / 10, 0, true); }
void redundancy_infeasible(benchmark::State& state) {
  run(state, static_cast<double>(state.range(0)) / 10, 500, false);
}

struct Still {
  psoas::InverseSolver solver;
  std::vector<double> start;  // multipliers of the frame before
};

/// Frames of the first rise on the feet alone, kinematics and paths evaluated.
std::vector<Still> frames(double power) {
  psoas::Study study = psoas::read_study(PSOAS_SOURCE_DIR "/examples/sit_to_stand/study.json");
  std::get<psoas::MotionStudy>(study.question).integration.reset();
  study.variants.clear();
  study.outputs = {"coordinate/*", "speed/*", "acceleration/*"};
  const psoas::Result result = psoas::run(study);
  const psoas::Block& block = result.blocks.begin()->second;
  const psoas::Model model(study.model);
  const std::vector<double>& sharing = block.series.find("assumed_sharing")->values;
  psoas::InverseOptions options;
  options.power = power;
  std::vector<Still> out;
  std::vector<double> last;
  for (std::size_t f = 0; out.size() < 30; ++f) {
    if (sharing[f] > 0) continue;
    const auto at_frame = [&](const std::string& quantity) {
      std::vector<double> values;
      for (const std::string& name : model.data().coordinate_names)
        values.push_back(block.series.find(quantity + "/" + name)->values[f]);
      return values;
    };
    out.push_back({psoas::InverseSolver(model, options), last});
    psoas::InverseSolver& solver = out.back().solver;
    solver.net(at_frame("coordinate"), at_frame("speed"), at_frame("acceleration"));
    solver.solve({1.0, 0.0});
    last.assign(solver.multiplier().begin(), solver.multiplier().end());
  }
  return out;
}

void motion_frame(benchmark::State& state) {
  std::vector<Still> all = frames(static_cast<double>(state.range(0)) / 10);
  std::size_t k = 0;
  double steps = 0, worst = 0;
  for (auto _ : state) {
    Still& now = all[k];
    now.solver.solve({1.0, 0.0}, state.range(1) != 0 ? std::span<const double>(now.start) : std::span<const double>());
    steps += now.solver.iterations();
    worst = std::max(worst, now.solver.residual());
    k = (k + 1) % all.size();
  }
  state.counters["steps"] = benchmark::Counter(steps, benchmark::Counter::kAvgIterations);
  state.counters["residual"] = worst;
}

}  // namespace

BENCHMARK(motion_frame)->ArgNames({"p10", "warm"})->ArgsProduct({{20, 30}, {0, 1}})->Unit(benchmark::kMicrosecond);
BENCHMARK(redundancy)->ArgName("p10")->Arg(15)->Arg(20)->Arg(30)->Arg(50)->Unit(benchmark::kMicrosecond);
BENCHMARK(redundancy_warm)->ArgName("p10")->Arg(15)->Arg(20)->Arg(30)->Arg(50)->Unit(benchmark::kMicrosecond);
BENCHMARK(redundancy_infeasible)->ArgName("p10")->Arg(20)->Unit(benchmark::kMicrosecond);
