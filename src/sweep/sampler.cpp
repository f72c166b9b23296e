// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/sampler.hpp"

#include <algorithm>
#include <boost/random/sobol.hpp>
#include <cmath>

#include "psoas/core/error.hpp"
#include "psoas/core/sampling.hpp"

namespace psoas {
namespace {

constexpr std::size_t most_sobol_columns = 3667, sobol_bits = 40;  // of numbers of points: above 1e9 and any skip

[[noreturn]] void refuse(const std::string& text) { throw Error(Kind::input, "sampler", text); }

/// a * b, or more than any sweep may have.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t too_many = most_cases + 1;
  return a != 0 && b > too_many / a ? too_many : std::min(a * b, too_many);
}

/// Column by column the direction numbers v of Sobol's sequence: point n is the sum modulo 2 of those v[r] whose bit r is
/// set in the Gray code of n, so that v[r] is point 2^r without v[r - 1].
std::vector<std::uint64_t> sobol_directions(std::size_t columns) {
  std::vector<std::uint64_t> v(columns * sobol_bits);
  boost::random::sobol engine(columns);
  for (std::size_t r = 0; r < sobol_bits; ++r) {
    engine.seed((std::uint64_t{1} << r) - 1);  // Boost's point 0 is the sequence's point 1
    for (std::size_t c = 0; c < columns; ++c)
      v[c * sobol_bits + r] = engine() ^ (r > 0 ? v[c * sobol_bits + r - 1] : 0);
  }
  return v;
}

/// Turns each bit over or not, by a coin that belongs to the bits before it.
std::uint64_t scrambled(std::uint64_t x, std::uint64_t seed, std::uint64_t column) {
  std::uint64_t out = 0;
  for (unsigned bit = 0; bit < 52; ++bit) {
    const std::uint64_t before = bit == 0 ? 0 : x >> (64 - bit);
    const std::uint64_t node = (std::uint64_t{1} << bit) | before;
    out |= (((x >> (63 - bit)) ^ (random_bits(seed, column, node) >> 63)) & 1) << (63 - bit);
  }
  return out;
}

}  // namespace

Design::Design(const Sampler& sampler, std::vector<std::size_t> levels)
    : sampler_(sampler), levels_(std::move(levels)) {
  const std::uint64_t n = levels_.size();
  if (n == 0) refuse("expected at least one factor that the sampler varies");
  std::visit(
      [&]<class S>(const S& s) {
        if constexpr (requires { s.fault(); })
          if (const std::string fault = s.fault(); !fault.empty()) refuse(fault);
        if constexpr (std::is_same_v<S, GridSampler>) {
          count_ = 1;
          for (const std::size_t size : levels_) {
            if (size == 0)
              refuse("expected a list, grid or range for each factor of a full grid, found a distribution");
            count_ = times(count_, size);
          }
        } else if constexpr (std::is_same_v<S, ZipSampler> || std::is_same_v<S, ListSampler>) {
          count_ = levels_.front();
          for (const std::size_t size : levels_)
            if (size == 0 || size != count_)
              refuse(size == 0 ? "expected a list, grid or range for each factor, found a distribution"
                               : "expected as many levels of each factor, found " + std::to_string(count_) + " and " +
                                     std::to_string(size));
        } else if constexpr (std::is_same_v<S, MorrisSampler>) {
          count_ = times(static_cast<std::uint64_t>(std::max(0, s.trajectories)), n + 1);
        } else {
          count_ = static_cast<std::uint64_t>(std::max(0, s.samples));
        }
        if constexpr (std::is_same_v<S, SobolSampler>) {
          const std::size_t columns = s.indices ? 2 * n : n;
          if (s.indices) count_ = times(count_, n + 2);
          if (columns > most_sobol_columns)
            refuse("expected at most " + std::to_string(most_sobol_columns / (s.indices ? 2 : 1)) + " factors, found " +
                   std::to_string(n));
          if (s.skip < 0) refuse("expected a skip not below 0");
        }
        if (count_ == 0) refuse("expected at least one case");
        if (count_ > most_cases) refuse("expected at most " + std::to_string(most_cases) + " cases, found more");
        if constexpr (std::is_same_v<S, SobolSampler>) directions_ = sobol_directions(s.indices ? 2 * n : n);
        if constexpr (std::is_same_v<S, LatinHypercubeSampler>) {
          double widest = -1.0;
          std::vector<double> points(s.maximin > 1 ? count_ * n : 0);
          for (std::uint64_t attempt = 0; !points.empty() && attempt < static_cast<std::uint64_t>(s.maximin);
               ++attempt) {
            for (std::uint64_t k = 0; k < count_; ++k)
              for (std::size_t d = 0; d < n; ++d) points[k * n + d] = hypercube(k, d, attempt);
            double nearest = inf;
            for (std::uint64_t a = 0; a < count_ && nearest > widest; ++a)
              for (std::uint64_t b = 0; b < a; ++b) {
                double square = 0.0;
                for (std::size_t d = 0; d < n; ++d)
                  square += (points[a * n + d] - points[b * n + d]) * (points[a * n + d] - points[b * n + d]);
                nearest = std::min(nearest, square);
              }
            if (nearest > widest) widest = nearest, attempt_ = attempt;
          }
        }
      },
      sampler_);
}

double Design::sobol(std::uint64_t index, std::size_t column) const {
  const SobolSampler& s = std::get<SobolSampler>(sampler_);
  const std::uint64_t n = index + static_cast<std::uint64_t>(s.skip) + 1, gray = n ^ (n >> 1);
  const std::uint64_t* v = &directions_[column * sobol_bits];
  std::uint64_t x = 0;
  for (std::size_t r = 0; r < sobol_bits; ++r)
    if ((gray >> r) & 1) x ^= v[r];
  if (!s.seed) return static_cast<double>(x) * 0x1.0p-64;
  return inside_unit(scrambled(x, static_cast<std::uint64_t>(*s.seed), column));
}

double Design::hypercube(std::uint64_t k, std::size_t d, std::uint64_t attempt) const {
  const auto seed = static_cast<std::uint64_t>(std::get<LatinHypercubeSampler>(sampler_).seed);
  const std::uint64_t key = random_bits(seed, attempt, d);
  // 20 bits inside a part, so that no rounding leads into the next one
  const double inside = (static_cast<double>(random_bits(key, k) >> 44) + 0.5) * 0x1.0p-20;
  return (static_cast<double>(shuffled(k, count_, key)) + inside) / static_cast<double>(count_);
}

void Design::point(std::uint64_t k, std::span<double> p) const {
  const std::size_t n = levels_.size();
  std::visit(
      [&]<class S>(const S& s) {
        if constexpr (std::is_same_v<S, GridSampler>) {
          for (std::size_t d = n; d-- > 0; k /= levels_[d])
            p[d] = (static_cast<double>(k % levels_[d]) + 0.5) / static_cast<double>(levels_[d]);
        } else if constexpr (std::is_same_v<S, ZipSampler> || std::is_same_v<S, ListSampler>) {
          for (std::size_t d = 0; d < n; ++d) p[d] = (static_cast<double>(k) + 0.5) / static_cast<double>(count_);
        } else if constexpr (std::is_same_v<S, RandomSampler>) {
          for (std::size_t d = 0; d < n; ++d) p[d] = inside_unit(random_bits(static_cast<std::uint64_t>(s.seed), k, d));
        } else if constexpr (std::is_same_v<S, LatinHypercubeSampler>) {
          for (std::size_t d = 0; d < n; ++d) p[d] = hypercube(k, d, attempt_);
        } else if constexpr (std::is_same_v<S, SobolSampler>) {
          if (!s.indices) {
            for (std::size_t d = 0; d < n; ++d) p[d] = sobol(k, d);
            return;
          }
          const std::uint64_t sample = k / (n + 2), row = k % (n + 2);
          for (std::size_t d = 0; d < n; ++d) p[d] = sobol(sample, row == 1 || row == d + 2 ? n + d : d);
        } else {
          const auto seed = static_cast<std::uint64_t>(s.seed), levels = static_cast<std::uint64_t>(s.levels);
          const std::uint64_t trajectory = k / (n + 1), step = k % (n + 1), order = random_bits(seed, trajectory, n);
          for (std::size_t d = 0; d < n; ++d) {
            const std::uint64_t bits = random_bits(seed, trajectory, d);
            const std::uint64_t lower = (bits >> 32) % (levels / 2);
            const bool changed = shuffled(d, n, order) < step, upwards = bits & 1;
            p[d] =
                static_cast<double>(changed == upwards ? lower + levels / 2 : lower) / static_cast<double>(levels - 1);
          }
        }
      },
      sampler_);
}

}  // namespace psoas
