// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Another program, with its output in files.
//   Process one({PSOAS_PROGRAM, "sweep", path});   one.send(SIGKILL);   int code = one.wait();   one.err();
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "psoas/io/file.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {

class Process {
 public:
  /// `in_child` is done in the child before it becomes the program.
  explicit Process(
      std::vector<std::string> words, const std::function<void()>& in_child = [] {}) {
    const std::string out = streams_ / "out", err = streams_ / "err";
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    if (child_ != 0) return;
    ::setpgid(0, 0);  // who ends it ends its children, too
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0666), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0666), STDERR_FILENO);
    in_child();
    ::execvp(argv[0], argv.data());
    ::_exit(98);
  }
  ~Process() {
    if (child_ <= 0) return;
    ::kill(-child_, SIGKILL);
    wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return child_; }
  void send(int signal) const { ::kill(child_, signal); }

  /// The exit code, or 128 and the signal that ended it.
  int wait() {
    if (child_ > 0) {
      int status = 0;
      ::waitpid(child_, &status, 0);
      child_ = 0;
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return code_;
  }
  /// Whether it has ended within so many milliseconds.
  bool ends_within(int milliseconds) {
    for (int waited = 0; child_ > 0; waited += 5) {
      int status = 0;
      if (::waitpid(child_, &status, WNOHANG) == child_) {
        child_ = 0;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      } else if (waited >= milliseconds) {
        return false;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
    return true;
  }

  std::string out() const { return read_file(streams_ / "out"); }
  std::string err() const { return read_file(streams_ / "err"); }

 private:
  TempFolder streams_;
  pid_t child_ = 0;
  int code_ = -1;
};

}  // namespace psoas::test
