// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// exp, log, asinh and tanh of our own: the same bits on every CPU and with every C library, and without branches or
// tables, so that a compiler may turn a loop over them into vector instructions (g++ asks for -fno-trapping-math).
//   double y = portable::exp(x);   for (std::size_t i = 0; i < n; ++i) y[i] = portable::exp(x[i]);
// They need IEEE arithmetic as it stands (-ffp-contract=off, no -ffast-math).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace psoas::portable {

/// e^x, at most 1.01 units in the last place off; x is held inside [-708, 709], where e^x is a normal number. Nan stays
/// nan.
inline double exp(double x) {
  constexpr double least = -708.0, greatest = 709.0, per_ln2 = 1.4426950408889634, shifter = 6755399441055744.0;
  constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  x = std::max(x, least);  // in this order nan passes
  x = std::min(x, greatest);
  // x = k ln 2 + r with |r| <= ln 2 / 2; adding the shifter leaves k in the low bits
  const double shifted = x * per_ln2 + shifter, k = shifted - shifter;
  const double r = (x - k * ln2_high) - k * ln2_low;
  // e^r - 1 - r by its series, even and odd parts side by side
  const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
  const double a = 1.0 / 2 + r * (1.0 / 6), b = 1.0 / 24 + r * (1.0 / 120), c = 1.0 / 720 + r * (1.0 / 5040),
               d = 1.0 / 40320 + r * (1.0 / 362880), e = 1.0 / 3628800 + r * (1.0 / 39916800),
               f = 1.0 / 479001600 + r * (1.0 / 6227020800.0);
  const double tail = (a + r2 * b) + r4 * (c + r2 * d) + r8 * (e + r2 * f);
  const double y = 1.0 + (r + r2 * tail);
  const std::uint64_t scale = (std::bit_cast<std::uint64_t>(shifted) + 1023u) << 52;
  return y * std::bit_cast<double>(scale);
}

/// ln x of a normal number x > 0, at most 0.9 units in the last place off. Infinity and nan stay what they are; any other
/// x, below the least normal number, gives nan.
inline double log(double x) {
  constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  constexpr std::uint64_t one = 0x3ff0000000000000u, sqrt_half = 0x3fe6a09e667f3bcdu, two52 = 0x4330000000000000u;
  // x = 2^k m with m in [sqrt 1/2, sqrt 2)
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) + (one - sqrt_half);
  const std::uint64_t exponent = bits >> 52;
  const double k = std::bit_cast<double>(exponent | two52) - (4503599627370496.0 + 1023.0);
  const double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) + sqrt_half);
  // ln m = 2 artanh s
  const double f = m - 1.0, s = f / (2.0 + f), s2 = s * s, s4 = s2 * s2, s8 = s4 * s4, s16 = s8 * s8;
  const double odd = s2 * ((1.0 / 3 + s4 * (1.0 / 7)) + s8 * (1.0 / 11 + s4 * (1.0 / 15)) + s16 * (1.0 / 19)),
               even = s4 * ((1.0 / 5 + s4 * (1.0 / 9)) + s8 * (1.0 / 13 + s4 * (1.0 / 17)) + s16 * (1.0 / 21));
  const double half = 0.5 * f * f;
  // 2 s = f - s f, so that the leading term is exact
  const double y = k * ln2_high - ((half - (s * (half + 2.0 * (odd + even)) + k * ln2_low)) - f);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const double normal_or_nan = x >= std::numeric_limits<double>::min() ? y : nan;
  return x == inf ? x : normal_or_nan;
}

/// The inverse of sinh, for |x| up to 1e150: at most 3e-16 max(1, |asinh x|) off.
inline double asinh(double x) {
  const double size = std::abs(x);
  return std::copysign(log(size + std::sqrt(size * size + 1.0)), x);
}

/// The hyperbolic tangent, at most 3e-16 off.
inline double tanh(double x) {
  const double e = exp(-2.0 * std::abs(x));
  return std::copysign((1.0 - e) / (1.0 + e), x);
}

}  // namespace psoas::portable
