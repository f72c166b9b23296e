// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/spline.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "psoas/core/error.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/units.hpp"

namespace psoas {
namespace {

// Everything here works in u = (t - t_0) / h, with a mean step of one, so that matrices are of order one.
//
// f''' of a natural quintic spline is a sum of c_j M_j, j = 0 … n-4, where M_j is the quadratic B-spline of area one on
// u_j … u_{j+3}. The third divided difference is a mean of f''' with that weight, [u_j … u_{j+3}] f = ∫ M_j f''' / 6, so
//     6 Q'f = H c    with   (Q'f)_j = [u_j … u_{j+3}] f,   H_ij = ∫ M_i M_j.
// Minimising sum (y - f)^2 + lambda c'Hc under this gives
//     (H + 36 lambda Q'Q) c = 6 Q'y,   f = y - 6 lambda Q c:
// a positive definite matrix with three bands beside the diagonal, for interpolation as well (lambda = 0).

constexpr double largest_roughness = 1e13;  // in u; the matrix is too ill-conditioned above

// Three Gauss points integrate products of two quadratics exactly.
constexpr std::array<double, 3> gauss_place{0.11270166537925831, 0.5, 0.88729833462074169};  // 1/2 ± sqrt(3/20)
constexpr std::array<double, 3> gauss_weight{5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0};

class NaturalQuintic {
 public:
  NaturalQuintic(const std::vector<double>& u, const std::vector<double>& y)
      : u_(u), y_(y), n_(u.size()), m_(u.size() - 3), q_(m_), h_(m_), right_(m_), c_(m_), f_(y) {
    for (std::size_t j = 0; j < m_; ++j) {
      for (std::size_t k = 0; k < 4; ++k) {
        double product = 1.0;
        for (std::size_t l = 0; l < 4; ++l)
          if (l != k) product *= u_[j + k] - u_[j + l];
        q_[j][k] = 1.0 / product;
      }
      // As a difference of differences, which loses fewer digits than the sum of q y.
      const auto first = [&](std::size_t i) { return (y_[i + 1] - y_[i]) / (u_[i + 1] - u_[i]); };
      const auto second = [&](std::size_t i) { return (first(i + 1) - first(i)) / (u_[i + 2] - u_[i]); };
      right_[j] = 6.0 * (second(j + 1) - second(j)) / (u_[j + 3] - u_[j]);
    }
    for (std::size_t i = 0; i + 1 < n_; ++i)
      for (std::size_t g = 0; g < 3; ++g) {
        const double weight = gauss_weight[g] * (u_[i + 1] - u_[i]), place = gauss_at(i, g);
        for (std::size_t a = first_on(i); a <= i && a < m_; ++a)
          for (std::size_t b = a; b <= i && b < m_; ++b) h_[b][b - a] += weight * basis(a, place) * basis(b, place);
      }
  }

  /// Finds c and the fitted values f for one roughness; returns the root mean square of y - f.
  double solve(double lambda) {
    // LDL' of the band matrix; row i holds entries (i, i), (i, i-1), (i, i-2), (i, i-3).
    std::vector<std::array<double, 4>> factor(h_);
    c_ = right_;
    for (std::size_t i = 0; i < m_; ++i)
      for (std::size_t b = 0; b < 4 && b <= i; ++b) {
        double sum = 0.0;  // columns i and i-b of Q overlap in rows i … i-b+3
        for (std::size_t k = 0; k + b < 4; ++k) sum += q_[i][k] * q_[i - b][k + b];
        factor[i][b] += 36.0 * lambda * sum;
      }
    for (std::size_t i = 0; i < m_; ++i) {
      for (std::size_t b = std::min<std::size_t>(3, i); b > 0; --b) {
        const std::size_t j = i - b;
        for (std::size_t k = b + 1; k < 4 && k <= i; ++k) factor[i][b] -= factor[i][k] * factor[j][k - b];
      }
      // Up to here the row holds L D; divide, and take the products off the diagonal and the right side.
      for (std::size_t b = 1; b < 4 && b <= i; ++b) {
        const double l = factor[i][b] / factor[i - b][0];
        factor[i][0] -= l * factor[i][b];
        factor[i][b] = l;
        c_[i] -= l * c_[i - b];
      }
    }
    for (std::size_t i = 0; i < m_; ++i) c_[i] /= factor[i][0];
    for (std::size_t i = m_; i-- > 0;)
      for (std::size_t b = 1; b < 4 && b <= i; ++b) c_[i - b] -= factor[i][b] * c_[i];

    f_ = y_;
    for (std::size_t j = 0; j < m_; ++j)
      for (std::size_t k = 0; k < 4; ++k) f_[j + k] -= 6.0 * lambda * q_[j][k] * c_[j];
    double squares = 0.0;
    for (std::size_t i = 0; i < n_; ++i) squares += (y_[i] - f_[i]) * (y_[i] - f_[i]);
    return std::sqrt(squares / static_cast<double>(n_));
  }

  /// Value and two derivatives at every knot, found from the three values around it and f''' between them.
  std::vector<std::array<double, 3>> knots() const {
    std::vector<std::array<double, 3>> knot(n_);
    for (std::size_t i = 1; i + 1 < n_; ++i) {
      // f(u_i ± d) = f ± f' d + f'' d²/2 ± ∫ f''' (d - s)²/2 ds
      const double after = u_[i + 1] - u_[i], before = u_[i] - u_[i - 1];
      const double right = (f_[i + 1] - f_[i] - remainder(i, true)) / after;       // f' + f'' after / 2
      const double left = (f_[i] - f_[i - 1] - remainder(i - 1, false)) / before;  // f' - f'' before / 2
      const double curvature = 2.0 * (right - left) / (after + before);
      knot[i] = {f_[i], right - 0.5 * curvature * after, curvature};
    }
    for (const bool last : {false, true}) {
      const std::size_t i = last ? n_ - 1 : 0, next = last ? n_ - 2 : 1, piece = last ? n_ - 2 : 0;
      const double d = u_[i] - u_[next];
      double change = 0.0;  // of f'' over the piece
      for (std::size_t g = 0; g < 3; ++g) change += gauss_weight[g] * std::abs(d) * third(piece, g);
      const double curvature = knot[next][2] + (last ? change : -change);
      const double secant = (f_[i] - f_[next] + (last ? -remainder(piece, false) : remainder(piece, true))) / d;
      knot[i] = {f_[i], secant + 0.5 * curvature * d, curvature};
    }
    return knot;
  }

 private:
  double gauss_at(std::size_t piece, std::size_t g) const {
    return u_[piece] + gauss_place[g] * (u_[piece + 1] - u_[piece]);
  }

  /// First of the B-splines that are not zero on a piece; the last one is the piece's own, where it exists.
  static std::size_t first_on(std::size_t piece) { return piece < 2 ? 0 : piece - 2; }

  /// M_j at u inside its support.
  double basis(std::size_t j, double u) const {
    const double a = u_[j], b = u_[j + 1], c = u_[j + 2], d = u_[j + 3];
    if (u < b) return 3.0 * (u - a) * (u - a) / ((b - a) * (c - a) * (d - a));
    if (u >= c) return 3.0 * (d - u) * (d - u) / ((d - c) * (d - b) * (d - a));
    return 3.0 * ((u - a) * (c - u) / ((c - a) * (c - b)) + (d - u) * (u - b) / ((d - b) * (c - b))) / (d - a);
  }

  /// f''' at a Gauss point of a piece.
  double third(std::size_t piece, std::size_t g) const {
    double sum = 0.0;
    for (std::size_t j = first_on(piece); j <= piece && j < m_; ++j) sum += c_[j] * basis(j, gauss_at(piece, g));
    return sum;
  }

  /// ∫ f''' (distance to the far end)²/2 over a piece, seen from its left or from its right end.
  double remainder(std::size_t piece, bool from_left) const {
    const double d = u_[piece + 1] - u_[piece];
    double sum = 0.0;
    for (std::size_t g = 0; g < 3; ++g) {
      const double far = d * (from_left ? 1.0 - gauss_place[g] : gauss_place[g]);
      sum += gauss_weight[g] * d * third(piece, g) * 0.5 * far * far;
    }
    return sum;
  }

  const std::vector<double>&u_, &y_;
  std::size_t n_, m_;
  std::vector<std::array<double, 4>> q_;  // column j of Q: rows j … j+3
  std::vector<std::array<double, 4>> h_;  // row i of H: (i, i), (i, i-1), (i, i-2), 0
  std::vector<double> right_, c_, f_;
};

[[noreturn]] void refuse(const std::string& where, const std::string& expected, double found) {
  throw Error(Kind::input, where, "expected " + expected + ", found " + shortest_text(found));
}

/// Roughness in u that `smoothing` asks for, at a mean step of h [s].
double roughness(const Smoothing& smoothing, double h, NaturalQuintic& spline, const std::string& where) {
  if (const auto* cutoff = std::get_if<Cutoff>(&smoothing)) {
    const double cycles = cutoff->frequency * h;  // a sample
    if (!(cycles > 0.001 && cycles < 0.5))
      refuse(where, "a cutoff above " + shortest_text(0.001 / h) + " and below " + shortest_text(0.5 / h) + " Hz",
             cutoff->frequency);
    // Gain at the knots of equally spaced samples, from the symbols of H and Q'Q.
    const double w = 2.0 * pi * cycles, b = (66.0 + 52.0 * std::cos(w) + 2.0 * std::cos(2.0 * w)) / 120.0;
    return (std::sqrt(2.0) - 1.0) * b / std::pow(2.0 * std::sin(0.5 * w), 6);
  }
  if (const auto* weight = std::get_if<Roughness>(&smoothing)) {
    const double most = largest_roughness * std::pow(h, 6);
    if (!(weight->lambda >= 0.0 && weight->lambda <= most))
      refuse(where, "a roughness weight from 0 to " + shortest_text(most) + " s^6", weight->lambda);
    return weight->lambda / std::pow(h, 6);
  }
  if (const auto* tolerance = std::get_if<Tolerance>(&smoothing)) {
    if (!(tolerance->rms >= 0.0) || !std::isfinite(tolerance->rms)) refuse(where, "a tolerance >= 0", tolerance->rms);
    if (tolerance->rms == 0.0) return 0.0;
    // The residual grows with the roughness, in proportion where both are small.
    const double least = 1e-12, at_least = spline.solve(least);
    if (at_least >= tolerance->rms) return least * tolerance->rms / at_least;
    if (spline.solve(largest_roughness) <= tolerance->rms) return largest_roughness;
    const auto excess = [&](double log_lambda) { return spline.solve(std::exp(log_lambda)) / tolerance->rms - 1.0; };
    return std::exp(bisection_root(excess, std::log(least), std::log(largest_roughness), {.value = 1e-12}).x);
  }
  return 0.0;
}

}  // namespace

QuinticSpline::QuinticSpline(const std::vector<double>& times, const std::vector<double>& values, Smoothing smoothing,
                             std::string_view where) {
  const std::string place(where);
  const std::size_t n = times.size();
  if (values.size() != n)
    throw Error(
        Kind::input, place,
        "expected as many values as times, found " + std::to_string(values.size()) + " and " + std::to_string(n));
  if (n < 3) throw Error(Kind::input, place, "expected at least 3 samples, found " + std::to_string(n));
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(times[i])) refuse(place, "a finite time at sample " + std::to_string(i), times[i]);
    if (i > 0 && !(times[i] > times[i - 1]))
      refuse(place, "a time later than " + shortest_text(times[i - 1]) + " s at sample " + std::to_string(i), times[i]);
    if (!std::isfinite(values[i])) refuse(place, "a finite value at sample " + std::to_string(i), values[i]);
  }

  const double h = (times.back() - times.front()) / static_cast<double>(n - 1);
  std::vector<double> u(n);
  for (std::size_t i = 0; i < n; ++i) u[i] = (times[i] - times.front()) / h;
  NaturalQuintic spline(u, values);
  const double lambda = roughness(smoothing, h, spline, place);
  residual_ = spline.solve(lambda);
  lambda_ = lambda * std::pow(h, 6);

  // Each piece is the quintic with the values and derivatives of its ends, so that f'' is continuous to rounding.
  const auto knot = spline.knots();
  pieces_.reserve(n + 1);
  pieces_.push_back({times[0], {knot[0][0], knot[0][1], 0.5 * knot[0][2], 0.0, 0.0, 0.0}});
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const double d = u[i + 1] - u[i];
    const auto& [f, v, a] = knot[i];
    const auto& [f1, v1, a1] = knot[i + 1];
    const double df = f1 - f - (v + 0.5 * a * d) * d, dv = (v1 - v - a * d) * d, da = (a1 - a) * d * d;
    const double d3 = d * d * d;
    pieces_.push_back({times[i],
                       {f, v, 0.5 * a, (10.0 * df - 4.0 * dv + 0.5 * da) / d3, (-15.0 * df + 7.0 * dv - da) / (d3 * d),
                        (6.0 * df - 3.0 * dv + 0.5 * da) / (d3 * d * d)}});
  }
  pieces_.push_back({times[n - 1], {knot[n - 1][0], knot[n - 1][1], 0.5 * knot[n - 1][2], 0.0, 0.0, 0.0}});
  for (Piece& piece : pieces_) {
    double unit = 1.0;
    for (double& c : piece.c) c /= unit, unit *= h;
  }
}

std::size_t QuinticSpline::find(double t) const {
  const auto later = [](double time, const Piece& piece) { return time < piece.start; };
  const auto next = std::upper_bound(pieces_.begin() + 1, pieces_.end(), t, later);
  return static_cast<std::size_t>(next - pieces_.begin()) - 1;
}

}  // namespace psoas
