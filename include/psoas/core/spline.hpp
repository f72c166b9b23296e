// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Quintic splines over time samples: through the samples, or smoothing them.
//   QuinticSpline angle(times, values, Cutoff{6.0});   auto [q, u, udot] = angle.jet(0.25);
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "psoas/core/function.hpp"

namespace psoas {

/// The spline passes through every sample.
struct Exact {};

/// For equally spaced samples the spline is a zero-phase low-pass with gain 1/sqrt(2) (-3.01 dB) at this frequency.
struct Cutoff {
  double frequency;  ///< [Hz], above 0.001 and below 0.5 of the mean sampling rate
};

/// The smoothest spline (least integral of f'''^2) whose root-mean-square distance from the samples is this; it grows
/// no smoother than lambda = 1e13 h^6, where all but the slowest motion is gone.
struct Tolerance {
  double rms;  ///< in the unit of the values, >= 0; 0: through every sample
};

/// The weight of roughness itself.
struct Roughness {
  double lambda;  ///< [s^6], >= 0
};

/// How closely a spline follows its samples.
using Smoothing = std::variant<Exact, Cutoff, Tolerance, Roughness>;

/// Natural quintic (smoothing) spline f with knots at the samples (t_i, y_i): the minimum of
///     J = h sum_i (y_i - f(t_i))^2 + lambda * integral of f'''(t)^2 dt,   h = (t_last - t_first) / (n - 1)
/// (Schoenberg 1964, Reinsch 1967 with m = 3; Woltring 1985 for motion). Four continuous derivatives; f''' and f''''
/// are zero at both ends, and beyond them the parabola of the end goes on. For equal spacing and frequencies far below
/// the sampling rate the gain is 1 / (1 + lambda (2 pi f)^6), that of a double Butterworth filter of third order, hence
///     lambda = (sqrt(2) - 1) (2 pi cutoff)^-6;
/// `Cutoff` uses the exact gain at the samples, which differs from this only near the Nyquist frequency.
/// Solved in O(n) by a banded Cholesky factorisation. Evaluating does not allocate.
class QuinticSpline {
 public:
  /// Throws Error(Kind::input), with `where` as its place: fewer than 3 samples, different sizes, times that do not
  /// increase strictly, values that are not finite, smoothing out of range.
  QuinticSpline(const std::vector<double>& times, const std::vector<double>& values, Smoothing smoothing = Exact{},
                std::string_view where = "spline");

  /// Value and first two derivatives [per s, per s^2] at t [s]; t may be a dual number.
  template <class S>
  Jet2<S> jet(const S& t) const {
    const Piece& p = pieces_[find(value_of(t))];
    const S s = t - p.start;
    S f = S(0.0), d = S(0.0), dd = S(0.0);
    for (std::size_t k = 6; k-- > 0;) dd = dd * s + 2.0 * d, d = d * s + f, f = f * s + p.c[k];
    return {f, d, dd};
  }

  double operator()(double t) const { return jet(t).value; }

  double lambda() const { return lambda_; }          ///< roughness weight in use [s^6]
  double rms_residual() const { return residual_; }  ///< root mean square of y_i - f(t_i)
  double first_time() const { return pieces_[1].start; }
  double last_time() const { return pieces_.back().start; }

 private:
  struct Piece {
    double start = 0.0;         // where its polynomial is centred [s]
    std::array<double, 6> c{};  // f = sum of c[k] (t - start)^k
  };

  std::size_t find(double t) const;

  std::vector<Piece> pieces_;  // the parabola before, one piece an interval, the parabola after
  double lambda_ = 0.0, residual_ = 0.0;
};

}  // namespace psoas
