// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The program as a test calls it, in a folder of its own.
//   TEST_F(Cli, …) { const Ran ran = psoas({"check", "a.json"});   EXPECT_EQ(ran.code, 0) << ran.err; }
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

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
    const TempFolder streams;
    const std::string out = streams / "out", err = streams / "err";
    int pipe_ends[2] = {-1, -1};
    if (c.broken_pipe && ::pipe(pipe_ends) != 0) return {};
    std::vector<std::string> words = {PSOAS_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    const pid_t child = ::fork();
    if (child == 0) {
      const int out_file = ::open(c.stdout_to.empty() ? out.c_str() : c.stdout_to.c_str(),
                                  O_WRONLY | (c.stdout_to.empty() ? O_CREAT : 0), 0666);
      const int err_file = ::open(err.c_str(), O_WRONLY | O_CREAT, 0666);
      ::dup2(c.broken_pipe ? pipe_ends[1] : out_file, STDOUT_FILENO);
      ::dup2(err_file, STDERR_FILENO);
      if (c.broken_pipe) ::close(pipe_ends[0]), ::close(pipe_ends[1]);
      if (c.close_stdout) ::close(STDOUT_FILENO);
      if (c.largest_file >= 0) {
        const struct rlimit limit = {static_cast<rlim_t>(c.largest_file), static_cast<rlim_t>(c.largest_file)};
        ::setrlimit(RLIMIT_FSIZE, &limit);
      }
      if (::chdir(folder.path().c_str()) != 0) ::_exit(97);
      ::execv(PSOAS_PROGRAM, argv.data());
      ::_exit(98);
    }
    if (c.broken_pipe) ::close(pipe_ends[0]), ::close(pipe_ends[1]);
    if (c.kill_after_ms >= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(c.kill_after_ms));
      ::kill(child, SIGINT);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), streams.read("out"),
            streams.read("err")};
  }
};

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace psoas::test
