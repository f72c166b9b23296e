// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Points that fill a box, evenly or at random, the same on every call.
//   std::vector<double> x(3);   for (std::size_t k = 0; k < 100; ++k) scatter(k, x);   // x in [0, 1)^3
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace psoas {

/// The k-th point of an additive recurrence in the unit cube: frac(1/2 + k / phi^j), j = 1 … n, with phi the positive
/// root of x^(n+1) = x + 1 (Roberts 2018, the golden ratio in n dimensions). Its first points are spread well in any
/// number of dimensions, and more points leave the earlier ones where they are.
inline void scatter(std::size_t k, std::span<double> out) {
  double phi = 2.0;  // the iteration contracts by at least 1 / (n + 1)
  for (int i = 0; i < 64; ++i) phi = std::pow(1.0 + phi, 1.0 / (static_cast<double>(out.size()) + 1.0));
  double step = 1.0;
  for (double& x : out) {
    step /= phi;
    const double place = 0.5 + static_cast<double>(k) * step;
    x = place - std::floor(place);
  }
}

/// Random numbers from 0 to below 1 (SplitMix64: Steele, Lea & Flood 2014), the same after the same seed.
class Uniform {
 public:
  explicit Uniform(std::uint64_t seed) : state_(seed) {}
  double operator()() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

}  // namespace psoas
