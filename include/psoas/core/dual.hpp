// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A number that carries N partial derivatives. Its exp, log and tanh are portable.hpp's, the same on every CPU.
//   Dual<4> x(0.3, 0), y = sin(x) * x;   y.v[0] is dy/dx
#pragma once

#include <array>
#include <cmath>
#include <limits>

#include "psoas/core/linear.hpp"
#include "psoas/core/portable.hpp"

namespace psoas {

/// Value `a` and partial derivatives `v` with respect to N seeds. Compares by value alone.
template <int N>
struct Dual {
  double a = 0.0;
  std::array<double, N> v{};

  Dual() = default;
  Dual(double value) : a(value) {}  // NOLINT: numbers mix with duals
  Dual(double value, int seed) : a(value) { v[static_cast<std::size_t>(seed)] = 1.0; }

  /// f(x) where f has value f and slope df at x.
  Dual chain(double f, double df) const {
    Dual y(f);
    for (std::size_t i = 0; i < N; ++i) y.v[i] = df * v[i];
    return y;
  }

  Dual& operator+=(const Dual& b) { return *this = *this + b; }
  Dual& operator-=(const Dual& b) { return *this = *this - b; }
  Dual& operator*=(const Dual& b) { return *this = *this * b; }
  Dual& operator/=(const Dual& b) { return *this = *this / b; }

  friend Dual operator-(const Dual& x) { return x.chain(-x.a, -1.0); }
  friend Dual operator+(const Dual& x) { return x; }
  friend Dual operator+(const Dual& x, const Dual& y) {
    Dual z(x.a + y.a);
    for (std::size_t i = 0; i < N; ++i) z.v[i] = x.v[i] + y.v[i];
    return z;
  }
  friend Dual operator-(const Dual& x, const Dual& y) {
    Dual z(x.a - y.a);
    for (std::size_t i = 0; i < N; ++i) z.v[i] = x.v[i] - y.v[i];
    return z;
  }
  friend Dual operator*(const Dual& x, const Dual& y) {
    Dual z(x.a * y.a);
    for (std::size_t i = 0; i < N; ++i) z.v[i] = x.v[i] * y.a + x.a * y.v[i];
    return z;
  }
  friend Dual operator/(const Dual& x, const Dual& y) {
    Dual z(x.a / y.a);
    for (std::size_t i = 0; i < N; ++i) z.v[i] = (x.v[i] - z.a * y.v[i]) / y.a;
    return z;
  }

  friend bool operator<(const Dual& x, const Dual& y) { return x.a < y.a; }
  friend bool operator>(const Dual& x, const Dual& y) { return x.a > y.a; }
  friend bool operator<=(const Dual& x, const Dual& y) { return x.a <= y.a; }
  friend bool operator>=(const Dual& x, const Dual& y) { return x.a >= y.a; }
  friend bool operator==(const Dual& x, const Dual& y) { return x.a == y.a; }
  friend bool operator!=(const Dual& x, const Dual& y) { return x.a != y.a; }

  friend Dual sqrt(const Dual& x) {
    const double r = std::sqrt(x.a);
    return x.chain(r, 0.5 / r);
  }
  friend Dual exp(const Dual& x) {
    const double e = portable::exp(x.a);
    return x.chain(e, e);
  }
  friend Dual log(const Dual& x) { return x.chain(portable::log(x.a), 1.0 / x.a); }
  friend Dual sin(const Dual& x) { return x.chain(std::sin(x.a), std::cos(x.a)); }
  friend Dual cos(const Dual& x) { return x.chain(std::cos(x.a), -std::sin(x.a)); }
  friend Dual tan(const Dual& x) {
    const double t = std::tan(x.a);
    return x.chain(t, 1.0 + t * t);
  }
  friend Dual asin(const Dual& x) { return x.chain(std::asin(x.a), 1.0 / std::sqrt(1.0 - x.a * x.a)); }
  friend Dual acos(const Dual& x) { return x.chain(std::acos(x.a), -1.0 / std::sqrt(1.0 - x.a * x.a)); }
  friend Dual atan(const Dual& x) { return x.chain(std::atan(x.a), 1.0 / (1.0 + x.a * x.a)); }
  friend Dual atan2(const Dual& y, const Dual& x) {
    const double n = x.a * x.a + y.a * y.a;
    Dual z(std::atan2(y.a, x.a));
    for (std::size_t i = 0; i < N; ++i) z.v[i] = (x.a * y.v[i] - y.a * x.v[i]) / n;
    return z;
  }
  friend Dual tanh(const Dual& x) {
    const double t = portable::tanh(x.a);
    return x.chain(t, 1.0 - t * t);
  }
  friend Dual abs(const Dual& x) { return x.a < 0.0 ? -x : x; }
  friend Dual pow(const Dual& x, double p) {
    // at 0 the product below would be 0 * inf
    return x.chain(std::pow(x.a, p), p == 0.0 ? 0.0 : p * std::pow(x.a, p - 1.0));
  }
};

/// The plain number inside a scalar, for conditions.
inline double value_of(double x) { return x; }
template <int N>
double value_of(const Dual<N>& x) {
  return x.a;
}

}  // namespace psoas

namespace Eigen {
template <int N>
struct NumTraits<psoas::Dual<N>> : NumTraits<double> {
  using Real = psoas::Dual<N>;
  using NonInteger = psoas::Dual<N>;
  using Nested = psoas::Dual<N>;
  using Literal = double;
  enum {
    IsComplex = 0,
    IsInteger = 0,
    IsSigned = 1,
    RequireInitialization = 1,
    ReadCost = 2,
    AddCost = 4,
    MulCost = 8
  };
};
template <int N, class Op>
struct ScalarBinaryOpTraits<psoas::Dual<N>, double, Op> {
  using ReturnType = psoas::Dual<N>;
};
template <int N, class Op>
struct ScalarBinaryOpTraits<double, psoas::Dual<N>, Op> {
  using ReturnType = psoas::Dual<N>;
};
}  // namespace Eigen
