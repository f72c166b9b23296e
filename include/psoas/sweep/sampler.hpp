// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Which points of the unit cube a sweep computes; a factor's value is the quantile at its coordinate.
//   Design design(SobolSampler{.samples = 1024}, {0, 0, 0});   std::vector<double> p(3);   design.point(17, p);
// Every point is a function of sampler, number and dimension alone: any order, any shard gives the same.
// Add a new one: its struct and a word in the variant, and its point in sampler.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "psoas/core/kind.hpp"

namespace psoas {

/// The most cases that a sweep may have.
inline constexpr std::uint64_t most_cases = 1'000'000'000;

inline constexpr Info samples_info{"1", "number of points", 1, 1e9},
    seed_info{"1", "seed of the random numbers", 0, 2e9};

/// Every combination of the factors' levels, the last factor changing fastest.
struct GridSampler {
  static constexpr std::string_view name = "grid", help = "every combination of the factors' levels";
  static void each(auto&, auto&&) {}
};

/// Cases one by one.
struct ListSampler {
  static constexpr std::string_view name = "list", help = "cases one by one, for factors whose values are \"listed\"";
  std::vector<std::vector<double>> cases;
  static void each(auto& self, auto&& see) {
    see("cases", self.cases, Info{"", "a list a case: a number a factor, in the order of \"vary\""});
  }
};

/// The first levels of all factors, then the second …
struct ZipSampler {
  static constexpr std::string_view name = "zip", help = "the first level of every factor, then the second of each …";
  static void each(auto&, auto&&) {}
};

/// Independent random points.
struct RandomSampler {
  static constexpr std::string_view name = "random", help = "independent random points (Monte Carlo)";
  int samples = 0, seed = 0;
  static void each(auto& self, auto&& see) {
    see("samples", self.samples, samples_info), see("seed", self.seed, seed_info);
  }
};

/// A Latin hypercube (McKay, Beckman & Conover 1979): of N points each N-th part of each factor has one, at a random
/// place inside it. Of `tries` hypercubes that one is taken whose two nearest points are farthest apart.
struct LatinHypercubeSampler {
  static constexpr std::string_view name = "latin_hypercube",
                                    help = "random points, one in each N-th part of each factor";
  int samples = 0, seed = 0, maximin = 0;
  static void each(auto& self, auto&& see) {
    see("samples", self.samples, samples_info), see("seed", self.seed, seed_info);
    see("maximin", self.maximin,
        Info{"1", "hypercubes tried, for the one whose nearest points are farthest apart; 0: the first", 0, 1000});
  }
  std::string fault() const {
    return maximin > 0 && samples > 5000 ? "expected at most 5000 samples where maximin compares all distances" : "";
  }
};

/// Sobol's sequence with the direction numbers of Joe & Kuo 2008 as Boost.Random has them, without its zeroth point,
/// which is 0 in all dimensions. A seed scrambles it (Owen 1995, nested uniform scrambling of 52 bits). `indices` is the
/// design of Saltelli et al. 2010 for sensitivity indices: of a sequence in twice the dimensions, D = number of
/// dimensions, the first half of coordinates is a row of matrix A, the second one of B, and sample i is the cases
/// i (D + 2) + j: j = 0 the row of A, j = 1 the row of B, j = 2 + d the row of A with coordinate d from B.
struct SobolSampler {
  static constexpr std::string_view name = "sobol", help = "Sobol's sequence: points that fill the space evenly";
  int samples = 0, skip = 0;
  std::optional<int> seed;
  bool indices = false;
  static void each(auto& self, auto&& see) {
    see("samples", self.samples,
        Info{"1", "number of points, best a power of 2; with indices, of base samples", 1, 1e9});
    see("seed", self.seed, Info{"1", "scrambles the sequence; absent: the plain sequence", 0, 2e9});
    see("skip", self.skip, Info{"1", "points left out at the start", 0, 2e9});
    see("indices", self.indices, Info{"", "the design for Sobol indices: samples * (factors + 2) cases"});
  }
};

/// Trajectories of Morris 1991: from a random point of a grid of levels each factor changes once, by half the levels,
/// in random order; trajectory t is the cases t (D + 1) … t (D + 1) + D. Levels are at i / (levels - 1), steps are
/// levels / (2 (levels - 1)).
struct MorrisSampler {
  static constexpr std::string_view name = "morris", help = "one factor changes from case to case (elementary effects)";
  int trajectories = 0, levels = 4, seed = 0;
  static void each(auto& self, auto&& see) {
    see("trajectories", self.trajectories, Info{"1", "number of trajectories", 1, 1e8});
    see("levels", self.levels, Info{"1", "levels of each factor, an even number", 2, 1000});
    see("seed", self.seed, seed_info);
  }
  std::string fault() const { return levels % 2 == 0 ? "" : "expected an even number of levels"; }
};

using Sampler = std::variant<GridSampler, ListSampler, ZipSampler, RandomSampler, LatinHypercubeSampler, SobolSampler,
                             MorrisSampler>;

/// The points of a sampler in a number of dimensions. Nothing is stored a point. Const and shared by threads.
class Design {
 public:
  /// `levels`: number of levels of each dimension, which a grid and zip need (0: continuous, and not for these). Throws
  /// Error(input) for no dimension, where levels are missing, for zipped dimensions of unequal number, for more than
  /// `most_cases` cases, more dimensions than Sobol's numbers have (3667, half of it with indices), and for a sampler
  /// with a fault.
  Design(const Sampler& sampler, std::vector<std::size_t> levels);

  /// Number of points.
  std::uint64_t count() const { return count_; }
  std::size_t dimensions() const { return levels_.size(); }

  /// The k-th point, a coordinate from 0 to 1 a dimension; a level i of n is (i + 1/2) / n. k < count().
  void point(std::uint64_t k, std::span<double> p) const;

 private:
  double sobol(std::uint64_t index, std::size_t column) const;
  double hypercube(std::uint64_t k, std::size_t d, std::uint64_t attempt) const;

  Sampler sampler_;
  std::vector<std::size_t> levels_;
  std::uint64_t count_ = 0, attempt_ = 0;
  std::vector<std::uint64_t> directions_;  // of Sobol: a row a column of the sequence
};

}  // namespace psoas
