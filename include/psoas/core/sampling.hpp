// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Points that fill a box, evenly or at random, the same on every call.
//   std::vector<double> x(3);   for (std::size_t k = 0; k < 100; ++k) scatter(k, x);   // x in [0, 1)^3
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

/// Numbers from `from` to `to` in equal steps (above 0), the last not beyond `to` but for rounding.
inline std::vector<double> in_steps(double from, double to, double step) {
  std::vector<double> out;
  const int count = 1 + static_cast<int>(std::floor((to - from) / step + 1e-9));
  for (int i = 0; i < count; ++i) out.push_back(from + step * static_cast<double>(i));
  return out;
}

/// The output function of SplitMix64 (Steele, Lea & Flood 2014): a bijection of 64 bits that leaves no pattern.
inline std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Random bits that belong to a seed and two numbers, such as case and factor, whatever was asked for before.
inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0) {
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;
  return mixed(mixed(mixed(seed + golden) + a + golden) + b + golden);
}

/// A number between 0 and 1, neither of them, from the upper 52 bits.
inline double inside_unit(std::uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1.0p-52; }

/// The place of `i` in a random order of 0 … n - 1 that `key` chooses, without making the others (i < n): a Feistel
/// network on the next even power of two, walked until it is inside (Black & Rogaway 2002).
inline std::uint64_t shuffled(std::uint64_t i, std::uint64_t n, std::uint64_t key) {
  unsigned half = 1;
  while (half < 31 && (std::uint64_t{1} << (2 * half)) < n) ++half;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = i >> half, right = i & mask;
    for (std::uint64_t round = 0; round < 8; ++round) {
      const std::uint64_t next = left ^ (random_bits(key, round, right) & mask);
      left = right, right = next;
    }
    i = (left << half) | right;
  } while (i >= n);
  return i;
}

/// Random numbers from 0 to below 1 (SplitMix64), the same after the same seed.
class Uniform {
 public:
  explicit Uniform(std::uint64_t seed) : state_(seed) {}
  double operator()() { return static_cast<double>(mixed(state_ += 0x9e3779b97f4a7c15u) >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace psoas
