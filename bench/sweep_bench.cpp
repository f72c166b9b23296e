// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Sweeps: what threads, the engine and the reuse of stages give.
//   build/release/bin/psoas_bench --benchmark_filter=sweep
// Files go to the folder of temporary files. Counters:
//   sweep_threads   `x_two_threads`: time of one thread over that of two, sit-to-stand grid
//   sweep_engine    `overhead_us`: a case of a torque curve in the engine less the same study run alone; `cases_per_s`
//   sweep_reuse     `x_separate`: CPU time of `psoas run` on a case of the sit-to-stand grid over that of the case in a
//                   sweep of one thread
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "psoas/core/words.hpp"
#include "psoas/sweep/engine.hpp"

namespace psoas {
namespace {

const std::string source = PSOAS_SOURCE_DIR;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string file(const std::string& name) {
  const std::string path = (std::filesystem::temp_directory_path() / ("psoas_bench_" + name + ".db")).string();
  std::filesystem::remove(path);
  return path;
}

double seconds_of(const SweepPlan& plan, int threads, const Shard& shard) {
  SweepOptions options;
  options.shard = shard;
  const double start = now();
  run_sweep(plan, file("run"), options, on_threads(threads));
  return now() - start;
}

void sweep_threads(benchmark::State& state) {
  const SweepPlan plan(read_sweep(source + "/examples/sweep/tightness_grid.json"));
  double one = 0.0, two = 0.0;
  for (auto _ : state) {
    one += seconds_of(plan, 1, {});
    two += seconds_of(plan, 2, {});
  }
  state.counters["x_two_threads"] = one / two;
  state.counters["ms_per_case_and_thread"] =
      1e3 * one / static_cast<double>(plan.cases().count()) / static_cast<double>(state.iterations());
}
BENCHMARK(sweep_threads)->Unit(benchmark::kSecond)->Iterations(1);

void sweep_engine(benchmark::State& state) {
  const SweepPlan plan(read_sweep(source + "/examples/sweep/torque_angle.json"));
  const Shard shard{1, static_cast<std::uint32_t>(plan.cases().count() / 4000)};
  const CaseRange range = shard.range(plan.cases().count());
  const auto count = static_cast<double>(range.end - range.begin);
  double engine = 0.0, alone = 0.0;
  for (auto _ : state) {
    engine += seconds_of(plan, 1, shard);
    VariedStudy varied(plan.study());
    StudyMemory memory;
    std::vector<double> values(plan.cases().factors());
    const double start = now();
    for (std::uint64_t k = range.begin; k < range.end; ++k) {
      plan.cases().at(k, values);
      benchmark::DoNotOptimize(run(varied.with(values), {{}, &memory, true, plan.asks_delta_theta()}));
    }
    alone += now() - start;
  }
  const double cases = count * static_cast<double>(state.iterations());
  state.counters["overhead_us"] = 1e6 * (engine - alone) / cases;
  state.counters["case_us"] = 1e6 * engine / cases;
  state.counters["cases_per_s"] = cases / engine;
}
BENCHMARK(sweep_engine)->Unit(benchmark::kSecond)->Iterations(3);

/// User and system time of all programs that have ended below this one [s].
double children_seconds() {
  struct rusage usage {};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Runs a program; its output goes nowhere.
void run_program(const std::vector<std::string>& words) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    if (!std::freopen("/dev/null", "w", stdout) || !std::freopen("/dev/null", "w", stderr)) ::_exit(97);
    ::execv(argv[0], argv.data());
    ::_exit(98);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
}

void sweep_reuse(benchmark::State& state) {
  namespace fs = std::filesystem;
  const std::string program = (fs::read_symlink("/proc/self/exe").parent_path() / "psoas").string();
  const std::string sweep = source + "/examples/sweep/tightness_grid.json";
  const SweepPlan plan(read_sweep(sweep));
  const std::uint64_t cases = plan.cases().count();
  double separate = 0.0, together = 0.0;
  int runs = 0;
  std::vector<double> values(plan.cases().factors());
  for (auto _ : state) {
    double before = children_seconds();
    run_program({program, "sweep", sweep, "-j", "1", "-o", file("reuse")});
    together += (children_seconds() - before) / static_cast<double>(cases);
    for (std::uint64_t k = 0; k < cases; k += 9, ++runs) {
      plan.cases().at(k, values);
      std::vector<std::string> line = {program,
                                       "run",
                                       source + "/examples/sit_to_stand/study.json",
                                       "-o",
                                       (fs::temp_directory_path() / "psoas_bench_run").string(),
                                       "--set",
                                       "/integration=null",
                                       "--set",
                                       "/variants=null",
                                       "--set",
                                       R"(/edits=[{"muscles":"group:iliopsoas","scale":{"optimal_fibre_length":)" +
                                           shortest_text(values[0]) +
                                           R"(}},{"muscles":"group:gluteus_maximus","scale":{"max_isometric_force":)" +
                                           shortest_text(values[1]) + "}}]"};
      before = children_seconds();
      run_program(line);
      separate += children_seconds() - before;
    }
  }
  separate /= runs;
  together /= static_cast<double>(state.iterations());
  state.counters["x_separate"] = separate / together;
  state.counters["separate_ms"] = 1e3 * separate;
  state.counters["case_ms"] = 1e3 * together;
}
BENCHMARK(sweep_reuse)->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
}  // namespace psoas
