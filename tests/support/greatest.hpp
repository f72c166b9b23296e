// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The greatest of many errors, told at the end: the figures of docs/muscle.md's table of accuracy.
//   Greatest error("slopes against dual numbers"); error.see(found - expected);
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace psoas::test {

class Greatest {
 public:
  explicit Greatest(std::string what) : what_(std::move(what)) {}
  ~Greatest() { std::printf("accuracy: %s: %.1e in %zu\n", what_.c_str(), worst_, count_); }
  Greatest(const Greatest&) = delete;
  Greatest& operator=(const Greatest&) = delete;

  void see(double error) {
    worst_ = std::max(worst_, std::abs(error));
    ++count_;
  }

 private:
  std::string what_;
  double worst_ = 0.0;
  std::size_t count_ = 0;
};

}  // namespace psoas::test
