// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The program as a test calls it, in a folder of its own.
//   TEST_F(Cli, …) { const Ran ran = psoas({"check", "a.json"});   EXPECT_EQ(ran.code, 0) << ran.err; }
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {

/// How the program ended and what it said.
struct Ran {
  int code = -1;
  std::string out, err;
};

/// What is different from an ordinary call.
struct Circumstances {
  std::string stdout_to{};  ///< a device instead of a file
  bool close_stdout = false;
  bool broken_pipe = false;  ///< nobody reads standard output
  long largest_file = -1;    ///< bytes (ulimit -f)
  int kill_after_ms = -1;    ///< sends SIGINT
};

class Cli : public ::testing::Test {
 protected:
  TempFolder folder;

  Ran psoas(const std::vector<std::string>& arguments, const Circumstances& c = {}) {
    int pipe_ends[2] = {-1, -1};
    if (c.broken_pipe && ::pipe(pipe_ends) != 0) return {};
    std::vector<std::string> words = {PSOAS_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Process child(words, [&] {
      if (!c.stdout_to.empty()) ::dup2(::open(c.stdout_to.c_str(), O_WRONLY), STDOUT_FILENO);
      if (c.broken_pipe) ::dup2(pipe_ends[1], STDOUT_FILENO), ::close(pipe_ends[0]), ::close(pipe_ends[1]);
      if (c.close_stdout) ::close(STDOUT_FILENO);
      if (c.largest_file >= 0) {
        const struct rlimit limit = {static_cast<rlim_t>(c.largest_file), static_cast<rlim_t>(c.largest_file)};
        ::setrlimit(RLIMIT_FSIZE, &limit);
      }
      if (::chdir(folder.path().c_str()) != 0) ::_exit(97);
    });
    if (c.broken_pipe) ::close(pipe_ends[0]), ::close(pipe_ends[1]);
    if (c.kill_after_ms >= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(c.kill_after_ms));
      child.send(SIGINT);
    }
    const int code = child.wait();
    return {code, child.out(), child.err()};
  }
};

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace psoas::test
