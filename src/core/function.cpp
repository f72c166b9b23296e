// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/function.hpp"

#include <cassert>
#include <cmath>

#include "psoas/core/spline.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/units.hpp"

namespace psoas {

PiecewisePolynomial::PiecewisePolynomial(std::vector<double> knots, const std::vector<std::vector<double>>& pieces,
                                         double end)
    : knots_(std::move(knots)), end_(end), bounded_(knots_.size() > 1) {
  assert(!knots_.empty() && knots_.size() == pieces.size());
  // Trailing zeros would only cost time.
  for (const std::vector<double>& piece : pieces)
    for (std::size_t k = order_; k < piece.size(); ++k)
      if (piece[k] != 0.0) order_ = k + 1;
  coefficients_.assign(knots_.size() * order_, 0.0);
  for (std::size_t i = 0; i < pieces.size(); ++i)
    for (std::size_t k = 0; k < std::min(order_, pieces[i].size()); ++k) coefficients_[i * order_ + k] = pieces[i][k];
  if (knots_.size() > 1) span_ = 1;
  while (2 * span_ < knots_.size() && span_ > 0) span_ *= 2;
}

PiecewisePolynomial PiecewisePolynomial::antiderivative(double from) const {
  constexpr double reach = 10.0;
  std::vector<double> knots;
  std::vector<std::vector<double>> pieces;
  double sum = 0.0;  // at the next knot
  const auto add = [&](double knot, double width, const std::vector<double>& c) {
    std::vector<double> piece{sum};
    double power = 1.0;
    for (std::size_t k = 0; k < c.size(); ++k) {
      piece.push_back(c[k] / static_cast<double>(k + 1));
      power *= width;
      sum += piece.back() * power;
    }
    knots.push_back(knot);
    pieces.push_back(std::move(piece));
  };
  if (bounded_) {
    const Jet2<double> first = jet(knots_.front());
    add(knots_.front() - reach, reach, {first.value - reach * first.slope, first.slope});
  }
  for (std::size_t i = 0; i < knots_.size(); ++i) {
    const auto begin = coefficients_.begin() + static_cast<std::ptrdiff_t>(i * order_);
    const double next = i + 1 < knots_.size() ? knots_[i + 1] : bounded_ ? end_ : knots_[i];
    add(knots_[i], next - knots_[i], {begin, begin + static_cast<std::ptrdiff_t>(order_)});
  }
  if (bounded_) {
    const Jet2<double> last = jet(end_);
    add(end_, reach, {last.value, last.slope});
  }
  const double end = bounded_ ? end_ + reach : inf;
  const double start = PiecewisePolynomial(knots, pieces, end).jet(from).value;
  for (std::vector<double>& piece : pieces) piece[0] -= start;
  return {std::move(knots), pieces, end};
}

namespace {

/// What is wrong with points that a spline is to go through.
std::string points_fault(const std::vector<double>& x, const std::vector<double>& y, std::size_t least) {
  if (x.size() != y.size())
    return "expected as many x as y, found " + std::to_string(x.size()) + " and " + std::to_string(y.size());
  if (x.size() < least)
    return "expected at least " + std::to_string(least) + " points, found " + std::to_string(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i]) || !std::isfinite(y[i]))
      return "expected finite numbers, found " + shortest_text(std::isfinite(x[i]) ? y[i] : x[i]) + " at point " +
             std::to_string(i);
  // closer places, which no measurement tells apart, would take the pieces' coefficients out of the numbers
  constexpr double least_step = 1e-9;
  for (std::size_t i = 1; i < x.size(); ++i)
    if (!(x[i] - x[i - 1] >= least_step))
      return "expected x to increase" + (x[i] > x[i - 1] ? " by at least " + shortest_text(least_step) : "") +
             ", found " + shortest_text(x[i]) + " after " + shortest_text(x[i - 1]);
  return "";
}

/// The cubic on each interval with these second derivatives divided by six at the points.
std::vector<std::vector<double>> cubics(const std::vector<double>& x, const std::vector<double>& y,
                                        const std::vector<double>& s) {
  std::vector<std::vector<double>> pieces;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double h = x[i + 1] - x[i];
    pieces.push_back({y[i], (y[i + 1] - y[i]) / h - h * (s[i + 1] + 2.0 * s[i]), 3.0 * s[i], (s[i + 1] - s[i]) / h});
  }
  return pieces;
}

/// Solves the symmetric tridiagonal system for s, in place of the right side that s holds.
void solve_tridiagonal(std::vector<double>& diagonal, const std::vector<double>& beside, std::vector<double>& s) {
  const std::size_t n = s.size();
  for (std::size_t i = 1; i < n; ++i) {
    const double factor = beside[i - 1] / diagonal[i - 1];
    diagonal[i] -= factor * beside[i - 1];
    s[i] -= factor * s[i - 1];
  }
  s[n - 1] /= diagonal[n - 1];
  for (std::size_t i = n - 1; i-- > 0;) s[i] = (s[i] - beside[i] * s[i + 1]) / diagonal[i];
}

}  // namespace

std::string Spline::fault() const { return points_fault(x, y, 2); }

PiecewisePolynomial Spline::compiled() const {
  const std::size_t n = x.size();
  assert(fault().empty());
  if (n == 2) return {{x[0]}, {{y[0], (y[1] - y[0]) / (x[1] - x[0])}}};

  // Unknowns are s_i = f''(x_i) / 6, so that the third derivative on a piece is 6 (s_{i+1} - s_i) / h_i. Rows between
  // say that the slope is continuous; the first and last row set the third derivative of the end piece to that of the
  // cubic through the four end points, which is 6 times their divided difference; with three points it is zero.
  std::vector<double> h(n - 1), chord(n - 1), diagonal(n), s(n);
  for (std::size_t i = 0; i + 1 < n; ++i) h[i] = x[i + 1] - x[i], chord[i] = (y[i + 1] - y[i]) / h[i];
  const auto second = [&](std::size_t i) { return (chord[i + 1] - chord[i]) / (x[i + 2] - x[i]); };
  const auto third = [&](std::size_t i) { return n > 3 ? (second(i + 1) - second(i)) / (x[i + 3] - x[i]) : 0.0; };
  diagonal[0] = -h[0];
  s[0] = h[0] * h[0] * third(0);
  for (std::size_t i = 1; i + 1 < n; ++i) diagonal[i] = 2.0 * (h[i - 1] + h[i]), s[i] = chord[i] - chord[i - 1];
  diagonal[n - 1] = -h[n - 2];
  s[n - 1] = -h[n - 2] * h[n - 2] * third(n > 3 ? n - 4 : 0);

  solve_tridiagonal(diagonal, h, s);
  return {std::vector<double>(x.begin(), x.end() - 1), cubics(x, y, s), x.back()};
}

std::string NaturalSpline::fault() const { return points_fault(x, y, degree == "linear" ? 2 : 3); }

PiecewisePolynomial NaturalSpline::compiled() const {
  assert(fault().empty());
  const std::size_t n = x.size();
  const std::vector<double> starts(x.begin(), x.end() - 1);
  std::vector<double> s(n, 0.0);
  if (degree == "linear") {
    if (n == 2) return Linear{(y[1] - y[0]) / (x[1] - x[0]), y[0] - x[0] * (y[1] - y[0]) / (x[1] - x[0])}.compiled();
    return {starts, cubics(x, y, s), x.back()};
  }
  if (degree == "cubic") {  // s_i = f''(x_i) / 6, zero at both ends
    std::vector<double> beside(n - 1, 0.0), diagonal(n, 1.0);
    for (std::size_t i = 1; i + 1 < n; ++i) {
      const double before = x[i] - x[i - 1], after = x[i + 1] - x[i];
      diagonal[i] = 2.0 * (before + after);
      s[i] = (y[i + 1] - y[i]) / after - (y[i] - y[i - 1]) / before;
      if (i + 2 < n) beside[i] = after;  // not to the last one, which is zero; nor to the first
    }
    solve_tridiagonal(diagonal, beside, s);
    return {starts, cubics(x, y, s), x.back()};
  }
  const QuinticSpline quintic(x, y);
  const double reach = x.back() - x.front();
  std::vector<double> knots{x.front() - reach};
  std::vector<std::vector<double>> pieces;
  const auto parabola = [&](double at, double from) {
    const auto [f, d, dd] = quintic.jet(at);
    const double t = from - at;
    pieces.push_back({f + d * t + 0.5 * dd * t * t, d + dd * t, 0.5 * dd});
  };
  parabola(x.front(), knots.front());
  for (std::size_t i = 0; i + 1 < n; ++i) {  // the quintic through value, slope and curvature at both ends
    const auto [f, d, dd] = quintic.jet(x[i]);
    const auto [g, e, ee] = quintic.jet(x[i + 1]);
    const double h = x[i + 1] - x[i], a = (g - f - h * (d + 0.5 * h * dd)) / (h * h * h),
                 b = (e - d - h * dd) / (h * h), c = (ee - dd) / h;
    knots.push_back(x[i]);
    pieces.push_back({f, d, 0.5 * dd, 10.0 * a - 4.0 * b + 0.5 * c, (-15.0 * a + 7.0 * b - c) / h,
                      (6.0 * a - 3.0 * b + 0.5 * c) / (h * h)});
  }
  knots.push_back(x.back());
  parabola(x.back(), x.back());
  return {knots, pieces, x.back() + reach};
}

PiecewisePolynomial Sine::compiled() const {
  if (amplitude == 0.0 || frequency == 0.0) return {{0.0}, {{offset + amplitude * std::sin(phase)}}};
  const double sign = frequency > 0.0 ? 1.0 : -1.0, rate = sign * frequency;
  // Taylor series of degree 15 on an eighth of half a turn: their rest is below 1e-19 of the amplitude.
  constexpr int pieces_a_side = 64;
  std::vector<double> knots;
  std::vector<std::vector<double>> pieces;
  for (int k = -pieces_a_side; k < pieces_a_side; ++k) {
    const double angle = k * (pi / 8.0) + sign * phase;
    const double cycle[4] = {std::sin(angle), std::cos(angle), -std::sin(angle), -std::cos(angle)};
    std::vector<double> c(16);
    double factor = sign * amplitude;
    for (std::size_t i = 0; i < c.size(); ++i) {
      c[i] = factor * cycle[i % 4];
      factor *= rate / static_cast<double>(i + 1);
    }
    c[0] += offset;
    knots.push_back(k * (pi / 8.0) / rate);
    pieces.push_back(c);
  }
  return {knots, pieces, 8.0 * pi / rate};
}

PiecewisePolynomial compile(const Function& function) {
  return std::visit([](const auto& kind) { return kind.compiled(); }, function);
}

}  // namespace psoas
