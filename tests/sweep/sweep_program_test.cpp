// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Sweeps as programs compute them: killed, interrupted, on ranks.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "psoas/core/error.hpp"
#include "psoas/io/file.hpp"
#include "psoas/sweep/store.hpp"
#include "support/process.hpp"
#include "support/random.hpp"
#include "support/repeats.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

const std::string source = PSOAS_SOURCE_DIR;

class SweepProgram : public ::testing::Test {
 protected:
  TempFolder folder;

  /// A grid of angles times resting lengths.
  std::string grid(int angles, int lengths) {
    const std::string path = folder / "grid.json";
    write_file_atomically(
        path, R"({"format": "psoas-sweep/1", "base": {"format": "psoas-study/1", "study": "torque_curve",
      "model": ")" +
                  source + R"(/models/iliopsoas.json", "coordinate": "hip_flexion_r", "muscles": ["group:iliopsoas_r"],
      "edits": [{"muscles": "group:iliopsoas", "scale": {"optimal_fibre_length": 1}}], "from_deg": 0, "to_deg": 0},
      "vary": {"/from_deg": {"name": "angle", "grid": {"from": -20, "to": 100, "count": )" +
                  std::to_string(angles) + R"(}}, "/to_deg": {"expression": "angle"},
        "/edits/0/scale/optimal_fibre_length": {"name": "length", "grid": {"from": 0.8, "to": 1, "count": )" +
                  std::to_string(lengths) + R"(}}},
      "sampler": {"grid": {}},
      "record": ["final total_torque/hip_flexion_r", "final passive_torque/hip_flexion_r"]})");
    return path;
  }
  std::string csv_of(const std::string& database) {
    export_csv(Store::open(database), database + ".csv");
    return read_file(database + ".csv");
  }
  std::uint64_t finished(const std::string& database) {
    const StoreStatus status = Store::open(database).status();
    return status.cases - status.missing;
  }
};

TEST_F(SweepProgram, KilledAtRandomMomentsItGoesOnToTheSameBytes) {
  constexpr int levels = sanitised ? 30 : 100;  // long enough for commits in the middle
  const std::string sweep = grid(400, levels), whole = folder / "whole.db", killed = folder / "killed.db";
  const auto start = std::chrono::steady_clock::now();
  Process all({PSOAS_PROGRAM, "sweep", sweep, "-o", whole, "-j", "2"});
  ASSERT_EQ(all.wait(), 0) << all.err();
  const double milliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  MersenneTwister random(7);
  int kills = 0, in_the_middle = 0;
  for (; kills < 10; ++kills) {
    Process one({PSOAS_PROGRAM, "sweep", sweep, "-o", killed, "--resume", "-j", "2"});
    // from before the file is there to the middle of the work
    if (one.ends_within(static_cast<int>(random.uniform(1.0, 0.12 * milliseconds)))) break;
    one.send(SIGKILL);
    EXPECT_EQ(one.wait(), 128 + SIGKILL);
    try {
      const std::uint64_t cases = finished(killed);
      in_the_middle += cases > 0 && cases < 400 * levels;
    } catch (const Error&) {  // killed before the file was begun
    }
  }
  EXPECT_EQ(kills, 10);
  EXPECT_GT(in_the_middle, 0);
  Process last({PSOAS_PROGRAM, "sweep", sweep, "-o", killed, "--resume"});
  ASSERT_EQ(last.wait(), 0) << last.err();
  EXPECT_EQ(csv_of(killed), csv_of(whole));
}

TEST_F(SweepProgram, CtrlCKeepsWhatIsFinishedAndLeavesWithCodeFour) {
  const std::string sweep = grid(1000, 1000), file = folder / "grid.db";
  Process one({PSOAS_PROGRAM, "sweep", sweep, "-o", file, "-j", "2"});
  ASSERT_FALSE(one.ends_within(1500)) << one.err();
  one.send(SIGINT);
  ASSERT_TRUE(one.ends_within(1000));
  EXPECT_EQ(one.wait(), 4);
  EXPECT_NE(one.err().find("--resume goes on"), std::string::npos) << one.err();
  EXPECT_GT(finished(file), 0u);
  EXPECT_FALSE(std::filesystem::exists(file + "-journal"));
}

TEST_F(SweepProgram, DryRunsShowWhatWouldBeDoneAndWriteNothing) {
  const std::string sweep = grid(30, 10), file = folder / "grid.db";
  Process dry({PSOAS_PROGRAM, "sweep", sweep, "-o", file, "--dry-run", "--json"});
  ASSERT_EQ(dry.wait(), 0) << dry.err();
  const auto json = nlohmann::json::parse(dry.out());
  EXPECT_EQ(json["cases"], 300);
  EXPECT_EQ(json["factors"].size(), 3u);
  EXPECT_GT(json["estimated_seconds"].get<double>(), 0.0);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(SweepProgram, BadCommandLinesAreRefused) {
  const std::string sweep = grid(2, 2);
  for (const auto& [words, told] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"-j", "0"}, "--threads: expected a whole number from 1"},
           {{"-j", "two"}, "found \"two\""},
           {{"--shard", "3/2"}, "--shard: expected a whole number from 1 to 2, found \"3\""},
           {{"--shard", "1"}, "expected i/n"},
           {{"--max-failures", "-1"}, "--max-failures: expected"}}) {
    std::vector<std::string> line = {PSOAS_PROGRAM, "sweep", sweep};
    line.insert(line.end(), words.begin(), words.end());
    Process one(line);
    EXPECT_EQ(one.wait(), 2) << words[0];
    EXPECT_NE(one.err().find(told), std::string::npos) << one.err();
  }
  const std::string file = folder / "there.db";
  write_file_atomically(file, "not a database, and somebody's own");
  Process one({PSOAS_PROGRAM, "sweep", sweep, "-o", file});
  EXPECT_EQ(one.wait(), 2);
  EXPECT_EQ(read_file(file), "not a database, and somebody's own");
}

TEST_F(SweepProgram, DevFullAndAFolderWithoutRightsAreToldClearly) {
  const std::string sweep = grid(2, 2);
  Process full({PSOAS_PROGRAM, "sweep", sweep, "-o", "/dev/full"});
  EXPECT_EQ(full.wait(), 2);
  EXPECT_NE(full.err().find("/dev/full"), std::string::npos) << full.err();
  // nobody may make files in /proc, root included
  Process closed({PSOAS_PROGRAM, "sweep", sweep, "-o", "/proc/grid.db"});
  EXPECT_EQ(closed.wait(), 2);
  EXPECT_NE(closed.err().find("/proc/grid.db"), std::string::npos) << closed.err();
}

using SweepProgramSlow = SweepProgram;

TEST_F(SweepProgramSlow, AMillionLightCasesKeepMemoryFlatAndTheFileSmall) {
  const std::string sweep = grid(1000, 1000), file = folder / "grid.db";
  struct rusage before {};
  ::getrusage(RUSAGE_CHILDREN, &before);
  Process one({PSOAS_PROGRAM, "sweep", sweep, "-o", file});
  ASSERT_EQ(one.wait(), 0) << one.err();
  struct rusage after {};
  ::getrusage(RUSAGE_CHILDREN, &after);
  EXPECT_LT(after.ru_maxrss, 500 * 1024);  // kB, of the largest child so far
  const StoreStatus status = Store::open(file).status();
  EXPECT_EQ(status.finished[0], 1'000'000u);
  EXPECT_LT(status.bytes, 1'000'000u * (64 + 16 * 2));
  std::printf("a million cases: %ld MB, %.1f bytes a case\n%s\n", after.ru_maxrss / 1024,
              static_cast<double>(status.bytes) / 1e6, one.err().c_str());
}

#ifdef PSOAS_MPI_PROGRAM
class SweepProgramMpi : public SweepProgram {
 protected:
  static std::vector<std::string> ranks(int count, const std::vector<std::string>& words) {
    // the machine of a test may have fewer processors than ranks, and may know no other user than root
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1), ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    std::vector<std::string> line = {"mpirun", "--oversubscribe", "-n", std::to_string(count), PSOAS_MPI_PROGRAM,
                                     "sweep"};
    line.insert(line.end(), words.begin(), words.end());
    return line;
  }
  /// Processes of the MPI program below mpirun, in the order in which they began.
  static std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      try {
        const std::string stat = read_file((entry.path() / "stat").string());
        std::istringstream fields(stat.substr(stat.rfind(')') + 2));
        std::string state;
        pid_t above = 0;
        fields >> state >> above;
        if (above == parent) out.push_back(std::stoi(name));
      } catch (const std::exception&) {  // it has ended meanwhile
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }
};

TEST_F(SweepProgramMpi, SameBytesAsOnThreadsForAnyNumberOfRanks) {
  const std::string sweep = grid(20, 5), threads = folder / "threads.db";
  Process alone({PSOAS_PROGRAM, "sweep", sweep, "-o", threads, "-j", "2"});
  ASSERT_EQ(alone.wait(), 0) << alone.err();
  const std::string whole = csv_of(threads);
  for (const int count : {1, 2, 3, 4}) {
    const std::string file = folder / ("ranks" + std::to_string(count) + ".db");
    Process job(ranks(count, {sweep, "-o", file}));
    ASSERT_EQ(job.wait(), 0) << job.err();
    EXPECT_EQ(csv_of(file), whole) << count;
  }
}

TEST_F(SweepProgramMpi, AKilledRankLeavesAFileThatIsGoneOnWith) {
  const std::string sweep = grid(1000, 200), file = folder / "grid.db";
  {
    Process job(ranks(3, {sweep, "-o", file}));
    ASSERT_FALSE(job.ends_within(3500)) << job.err();
    const std::vector<pid_t> all = children_of(job.id());
    ASSERT_EQ(all.size(), 3u);
    ::kill(all.back(), SIGKILL);
    EXPECT_NE(job.wait(), 0);
  }
  const std::uint64_t before = finished(file);
  EXPECT_GT(before, 0u);
  EXPECT_LT(before, 200000u);
  // any program goes on with it
  Process rest({PSOAS_PROGRAM, "sweep", sweep, "-o", file, "--resume", "--json"});
  ASSERT_EQ(rest.wait(), 0) << rest.err();
  EXPECT_EQ(nlohmann::json::parse(rest.out())["cases_of_this_session"], 200000 - before);
}

TEST_F(SweepProgramMpi, BadInputEndsAllRanksAndIsToldOnce) {
  Process job(ranks(3, {folder / "missing.json"}));
  ASSERT_TRUE(job.ends_within(30000));
  EXPECT_NE(job.wait(), 0);
  const std::string told = job.err(), name = folder / "missing.json";
  EXPECT_NE(told.find(name), told.npos) << told;
  EXPECT_EQ(told.find(name), told.rfind(name)) << told;
}

TEST_F(SweepProgramMpi, DryRunsAndHelpEndOnAllRanks) {
  Process dry(ranks(2, {grid(3, 3), "--dry-run"}));
  ASSERT_TRUE(dry.ends_within(30000));
  EXPECT_EQ(dry.wait(), 0) << dry.err();
  EXPECT_NE(dry.out().find("9 cases"), std::string::npos);
  Process help(ranks(2, {"--help"}));
  EXPECT_EQ(help.wait(), 0) << help.err();
  const std::string text = help.out();
  EXPECT_EQ(text.find("--max-failures"), text.rfind("--max-failures"));
}
#endif

/// A cluster of this one machine, for the time of a test.
class SweepProgramSlurm : public SweepProgram {
 protected:
  static std::string script() { return source + "/tests/sweep/slurm/one_node.sh"; }
  TempFolder cluster;
  bool started = false;

  void SetUp() override {
    Process start({"bash", script(), "start", cluster.path().string()});
    start.wait();
    started = start.wait() == 0;
    if (!started) GTEST_SKIP() << "Slurm does not start here: " << start.out() << start.err();
    ::setenv("SLURM_CONF", (cluster / "slurm.conf").c_str(), 1);
    ::setenv("PSOAS", PSOAS_PROGRAM, 1);
  }
  void TearDown() override {
    if (started) Process({"scancel", "--full", "-u", "root"}).wait(), await(30);
    Process({"bash", script(), "stop", cluster.path().string()}).wait();
  }

  /// What a command prints; the test fails where it does.
  static std::string said(const std::vector<std::string>& words) {
    Process one(words);
    EXPECT_EQ(one.wait(), 0) << words[0] << ": " << one.err();
    return one.out();
  }
  /// Jobs that wait or run.
  static bool queue_is_empty() { return said({"squeue", "-h"}).empty(); }
  void await(int seconds) {
    for (int i = 0; i < 4 * seconds && !queue_is_empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
    EXPECT_TRUE(queue_is_empty()) << said({"squeue"});
  }
  std::string batch() const { return source + "/examples/sweep/slurm_array.sh"; }
};

TEST_F(SweepProgramSlurm, ShardsOfAJobArrayMergeToTheSameBytes) {
  const std::string sweep = grid(30, 10), whole = folder / "whole.db", parts = folder / "part";
  Process alone({PSOAS_PROGRAM, "sweep", sweep, "-o", whole, "-j", "2"});
  ASSERT_EQ(alone.wait(), 0) << alone.err();
  said({"sbatch", "--array=1-3", "--output", folder / "slurm-%A_%a.log", batch(), sweep, parts});
  await(120);
  merge_stores({parts + ".2.db", parts + ".3.db", parts + ".1.db"}, folder / "merged.db");
  EXPECT_EQ(csv_of(folder / "merged.db"), csv_of(whole));
}

TEST_F(SweepProgramSlurm, ARequeuedTaskGoesOnWhereItWas) {
  const std::string sweep = grid(1000, 150), part = folder / "part", file = part + ".1.db";
  const std::string answer =
      said({"sbatch", "--parsable", "--array=1-1", "--output", folder / "slurm-%A_%a.log", batch(), sweep, part});
  const std::string job = answer.substr(0, answer.find_first_of("\n;")) + "_1";
  for (int i = 0; i < 240 && !(std::filesystem::exists(file) && finished(file) > 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  said({"scontrol", "requeue", job});
  const std::uint64_t before = finished(file);
  EXPECT_GT(before, 0u);
  // Slurm lets a requeued job rest for two minutes; this one need not
  for (int i = 0; i < 60; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    if (said({"squeue", "-h", "-o", "%T"}) != "PENDING\n") continue;
    Process now({"scontrol", "update", "JobId=" + job, "StartTime=now"});
    if (now.wait() == 0) break;
  }
  await(300);
  EXPECT_EQ(finished(file), 150000u);
  // the second session did not begin anew: it tells how many cases it computed itself
  std::string log = read_file(folder / ("slurm-" + job + ".log"));
  log.erase(std::remove(log.begin(), log.end(), ','), log.end());
  const std::size_t words = log.rfind(" cases in "), line = log.rfind('\n', words);
  ASSERT_NE(words, log.npos) << log;
  EXPECT_LE(std::stoul(log.substr(line + 1, words - line - 1)), 150000 - before);
}

}  // namespace
}  // namespace psoas::test
