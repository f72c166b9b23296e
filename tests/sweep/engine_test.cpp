// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A sweep gives the same bytes whoever computes it, in whatever order, after whatever happened.
#include "psoas/sweep/engine.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/study/study.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

const std::string source = PSOAS_SOURCE_DIR;

std::string torque_study(const std::string& more = "") {
  return R"({"format": "psoas-study/1", "study": "torque_curve", "model": ")" + source + R"(/models/iliopsoas.json",
    "edits": [{"name": "tight", "muscles": "group:iliopsoas", "scale": {"optimal_fibre_length": 1}}],
    "coordinate": "hip_flexion_r", "muscles": ["group:iliopsoas_r"], "from_deg": 0, "to_deg": 0)" +
         more + "}";
}

/// A grid of angles and resting lengths, of which one is outside its range: its cases fail.
std::string grid(int angles, const std::string& lengths = "[0.9, 0.95, 1, -1]", const std::string& more = "") {
  return R"({"format": "psoas-sweep/1", "base": )" + torque_study() + R"(,
    "vary": {"/from_deg": {"name": "angle", "grid": {"from": -20, "to": 100, "count": )" +
         std::to_string(angles) + R"(}}, "/to_deg": {"expression": "angle"},
      "/edits/tight/scale/optimal_fibre_length": {"name": "length", "list": )" +
         lengths + R"(}},
    "sampler": {"grid": {}},
    "record": ["final total_torque/hip_flexion_r", "final passive_torque/hip_flexion_r"])" +
         more + "}";
}

class Engine : public ::testing::Test {
 protected:
  TempFolder folder;
  int files = 0;

  std::string write(const std::string& text) {
    const std::string path = folder / ("sweep" + std::to_string(files++) + ".json");
    write_file_atomically(path, text);
    return path;
  }
  SweepPlan plan_of(const std::string& text) { return SweepPlan(read_sweep(write(text))); }
  std::string csv_of(const std::string& database) {
    const std::string path = database + ".csv";
    export_csv(Store::open(database), path);
    return read_file(path);
  }
  std::string computed(const SweepPlan& plan, const Executor& executor) {
    const std::string path = folder / ("f" + std::to_string(files++) + ".db");
    EXPECT_EQ(run_sweep(plan, path, {}, executor).end, SweepReport::End::complete);
    return csv_of(path);
  }
};

/// One case at a time, from the last to the first.
void backwards(const SweepPlan& plan, Dispatcher& dispatcher) {
  std::vector<CaseRange> ranges;
  while (const auto range = dispatcher.next(0.0)) ranges.push_back(*range);
  const std::atomic<bool> stop{false};
  CaseRunner runner(plan);
  for (auto range = ranges.rbegin(); range != ranges.rend(); ++range)
    for (std::uint64_t k = range->end; k-- > range->begin;) dispatcher.finished({*runner(k, stop)});
}

TEST_F(Engine, SameBytesForAnyNumberOfThreadsAndAnyOrder) {
  const SweepPlan plan = plan_of(grid(5));
  const std::string one = computed(plan, on_threads(1));
  EXPECT_EQ(one, computed(plan, on_threads(2)));
  EXPECT_EQ(one, computed(plan, on_threads(4)));
  EXPECT_EQ(one, computed(plan, backwards));
  EXPECT_EQ(std::count(one.begin(), one.end(), '\n'), 21);
}

TEST_F(Engine, NumbersAreThoseOfStudiesThatAreRunOneByOne) {
  const SweepPlan plan = plan_of(grid(3, "[0.85, 1]"));
  const std::string path = folder / "grid.db";
  run_sweep(plan, path, {}, on_threads(2));
  const Store store = Store::open(path);
  int cases = 0;
  store.read([&](const CaseRow& row) {
    const std::vector<std::pair<std::string, std::string>> set = {
        {"/from_deg", shortest_text(row.factors[0])},
        {"/to_deg", shortest_text(row.factors[0])},
        {"/edits/tight/scale/optimal_fibre_length", shortest_text(row.factors[2])}};
    const Result alone = run(read_study(StudySource{folder / "study.json", torque_study()}, set));
    const Block& block = alone.blocks.begin()->second;
    EXPECT_EQ(row.scalars[0], block.series.find("total_torque/hip_flexion_r")->values.back());
    EXPECT_EQ(row.scalars[1], block.series.find("passive_torque/hip_flexion_r")->values.back());
    ++cases;
  });
  EXPECT_EQ(cases, 6);
}

TEST_F(Engine, WhatFailsIsRecordedAndEndsNothing) {
  const SweepPlan plan = plan_of(grid(2));
  const std::string path = folder / "grid.db";
  const SweepReport report = run_sweep(plan, path, {}, on_threads(2));
  EXPECT_EQ(report.end, SweepReport::End::complete);
  EXPECT_EQ(report.status.finished[0], 6u);
  EXPECT_EQ(report.status.finished[2], 2u);
  Store::open(path).read([&](const CaseRow& row) {
    const bool wrong = row.factors[2] < 0.0;
    EXPECT_EQ(row.status, wrong ? CaseStatus::failed : CaseStatus::ok);
    EXPECT_EQ(std::isnan(row.scalars[0]), wrong);
    if (wrong)
      EXPECT_NE(row.message.find("optimal_fibre_length: expected a number [m]"), row.message.npos) << row.message;
  });
}

TEST_F(Engine, TooManyFailuresStopIt) {
  const SweepPlan plan = plan_of(grid(20, "[-1, -2, -3, 1]"));
  SweepOptions options;
  options.most_failures = 3;
  const SweepReport report = run_sweep(plan, folder / "grid.db", options, on_threads(1));
  EXPECT_EQ(report.end, SweepReport::End::too_many_failures);
  EXPECT_GT(report.status.finished[2], 3u);
  EXPECT_GT(report.status.missing, 0u);
  options.most_failures = 1000;
  options.resume = true;
  EXPECT_EQ(run_sweep(plan, folder / "grid.db", options, on_threads(1)).end, SweepReport::End::complete);
}

TEST_F(Engine, ConstraintsDropCasesBeforeAnyWork) {
  const SweepPlan plan = plan_of(grid(3, "[0.9, 1]", R"(, "constraints": [{"<": ["length", 0.95]}])"));
  const SweepReport report = run_sweep(plan, folder / "grid.db", {}, on_threads(1));
  EXPECT_EQ(report.status.finished[0], 3u);
  EXPECT_EQ(report.status.finished[1], 3u);
}

TEST_F(Engine, InterruptedSweepsGoOnToTheSameBytes) {
  const SweepPlan plan = plan_of(grid(8));
  const std::string whole = computed(plan, on_threads(2)), path = folder / "grid.db";
  SweepOptions options;
  options.resume = true;
  int sessions = 0;
  for (SweepReport report; report.status.missing > 0 || sessions == 0; ++sessions) {
    ASSERT_LT(sessions, 64);
    std::uint64_t before = UINT64_MAX, now = 0;
    options.progress = [&](const SweepProgress& progress) {
      now = progress.finished;
      before = std::min(before, now);
    };
    options.interrupted = [&] { return now >= before + 3; };
    report = run_sweep(plan, path, options, on_threads(2));
    if (report.status.missing > 0) EXPECT_EQ(report.end, SweepReport::End::interrupted);
  }
  EXPECT_GT(sessions, 1);
  EXPECT_EQ(csv_of(path), whole);
  // and there is nothing left to do
  options.interrupted = {};
  options.progress = {};
  EXPECT_EQ(run_sweep(plan, path, options, on_threads(1)).here, 0u);
}

TEST_F(Engine, ShardsMergeToTheWholeInAnyOrder) {
  const SweepPlan plan = plan_of(grid(5));
  const std::string whole = computed(plan, on_threads(2));
  std::vector<std::string> shards;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    shards.push_back(folder / ("shard" + std::to_string(i) + ".db"));
    SweepOptions options;
    options.shard = {i, 3};
    run_sweep(plan, shards.back(), options, on_threads(1));
  }
  for (int order = 0; order < 6; ++order) {
    const std::string merged = folder / ("merged" + std::to_string(order) + ".db");
    merge_stores(shards, merged);
    EXPECT_EQ(csv_of(merged), whole);
    std::next_permutation(shards.begin(), shards.end());
  }
}

TEST_F(Engine, AnotherSweepsFileIsRefusedAndSaysWhatDiffers) {
  const std::string path = folder / "grid.db";
  run_sweep(plan_of(grid(2, "[0.9, 1]")), path, {}, on_threads(1));
  SweepOptions options;
  options.resume = true;
  const std::string other = error_of([&] { run_sweep(plan_of(grid(2, "[0.8, 1]")), path, options, on_threads(1)); });
  EXPECT_NE(other.find("optimal_fibre_length/list/0: 0.9 there, 0.8 now"), other.npos) << other;
  const std::string again = error_of([&] { run_sweep(plan_of(grid(2, "[0.9, 1]")), path, {}, on_threads(1)); });
  EXPECT_NE(again.find(path), again.npos) << again;
  EXPECT_EQ(Store::open(path).status().finished[0], 4u);
}

TEST_F(Engine, ALongCaseIsLeftWhenTheSweepIsInterrupted) {
  // an hour of a swing, of which a case takes far longer than the patience of this test
  const std::string text = R"({"format": "psoas-sweep/1", "base": {"extends": ")" + source +
                           R"(/examples/passive_swing/pendulum_study.json", "model": ")" + source +
                           R"(/examples/passive_swing/pendulum.json", "duration": 0.1},
    "vary": {"/duration": {"list": [0.1, 100000]}}, "sampler": {"grid": {}}, "record": ["final coordinate/*"]})";
  const SweepPlan plan = plan_of(text);
  SweepOptions options;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  double asked = 0.0;
  options.interrupted = [&] {
    if (seconds() > 0.5 && asked == 0.0) asked = seconds();
    return asked > 0.0;
  };
  const SweepReport report = run_sweep(plan, folder / "long.db", options, on_threads(2));
  EXPECT_EQ(report.end, SweepReport::End::interrupted);
  EXPECT_EQ(report.status.finished[0], 1u);
  EXPECT_LT(seconds() - asked, 5.0);
}

TEST_F(Engine, SeriesOfChosenCasesAreKept) {
  const SweepPlan plan =
      plan_of(grid(2, "[0.9, 1]", R"(, "series": {"outputs": ["total_torque/*"], "cases": [1], "every": 3})"));
  const std::string path = folder / "grid.db";
  run_sweep(plan, path, {}, on_threads(2));
  const Store store = Store::open(path);
  ASSERT_EQ(store.header().series.size(), 2u);
  EXPECT_EQ(store.header().series[0].name, "hip_flexion_r_deg");
  EXPECT_EQ(store.header().series[1].name, "total_torque/hip_flexion_r");
  for (const std::uint64_t k : {0u, 1u, 3u}) {
    const auto series = store.series(k);
    ASSERT_EQ(series.size(), 2u) << k;
    EXPECT_EQ(series[1].size(), 1u);
  }
  EXPECT_TRUE(store.series(2).empty());
}

TEST_F(Engine, UnknownScalarsAreRefusedBeforeAnyWork) {
  std::string text = grid(2);
  text.replace(text.find("final passive"), 5, "finel");
  const std::string error = error_of([&] { plan_of(text); });
  EXPECT_NE(error.find("/record/1: expected a scalar of the study's result"), error.npos) << error;
  EXPECT_NE(error.find("did you mean \"final passive_torque/hip_flexion_r\"?"), error.npos) << error;
}

TEST_F(Engine, VariantsAndTheirChangesAreRecorded) {
  const std::string text = R"({"format": "psoas-sweep/1", "base": )" +
                           torque_study(R"(, "variants": {"normal": [], "tight": [{"muscles": "group:iliopsoas",
                                           "scale": {"optimal_fibre_length": 0.85}}]})") +
                           R"(, "vary": {"/from_deg": {"list": [-20, -10]}}, "sampler": {"grid": {}},
    "record": ["final total_torque/*", "tight:final total_torque/*", "change tight:final total_torque/*"]})";
  const SweepPlan plan = plan_of(text);
  ASSERT_EQ(plan.scalars().size(), 3u);
  EXPECT_EQ(plan.scalars()[2].name, "change tight:final total_torque/hip_flexion_r");
  run_sweep(plan, folder / "v.db", {}, on_threads(1));
  Store::open(folder / "v.db").read([](const CaseRow& row) {
    EXPECT_NE(row.scalars[0], row.scalars[1]);
    EXPECT_EQ(row.scalars[2], row.scalars[1] - row.scalars[0]);
  });
}

TEST_F(Engine, AFullDiskEndsItWithTheFinishedCasesIntact) {
  const SweepPlan plan = plan_of(grid(60));
  const std::string path = folder / "grid.db";
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  SweepOptions options;
  run_sweep(
      plan, path,
      [] {
        SweepOptions some;
        some.shard = {1, 1};
        std::uint64_t now = 0;
        some.progress = [now](const SweepProgress& progress) mutable { now = progress.finished; };
        return some;
      }(),
      [&](const SweepPlan& p, Dispatcher& d) {
        CaseRunner runner(p);
        const std::atomic<bool> stop{false};
        for (std::uint64_t k = 0; k < 20; ++k) {
          (void)d.next(0.0);
          d.finished({*runner(k, stop)});
        }
      });
  const struct rlimit small = {static_cast<rlim_t>(Store::open(path).status().bytes), before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  options.resume = true;
  const std::string error = error_of([&] { run_sweep(plan, path, options, on_threads(2)); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_NE(error.find(path), error.npos) << error;
  EXPECT_GE(Store::open(path).status().cases - Store::open(path).status().missing, 20u);
  EXPECT_EQ(run_sweep(plan, path, options, on_threads(2)).end, SweepReport::End::complete);
}

}  // namespace
}  // namespace psoas::test
