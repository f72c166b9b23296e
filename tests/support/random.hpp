// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Random numbers that are the same with every standard library, whose distributions are not.
//   MersenneTwister random(7);   double x = random.uniform(0.0, 1.0);
#pragma once

#include <random>

#include "psoas/core/pose.hpp"
#include "psoas/core/units.hpp"

namespace psoas::test {

class MersenneTwister {
 public:
  explicit MersenneTwister(unsigned seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_()) / 4294967296.0);
  }
  int below(int n) { return static_cast<int>(engine_() % static_cast<unsigned>(n)); }
  Vec3 vector(double size) { return {uniform(-size, size), uniform(-size, size), uniform(-size, size)}; }
  Pose pose(double size) { return {rotation_xyz(vector(pi)), vector(size)}; }

 private:
  std::mt19937 engine_;
};

}  // namespace psoas::test
