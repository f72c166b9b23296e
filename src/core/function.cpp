// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/function.hpp"

#include <cassert>
#include <cmath>

#include "psoas/core/table.hpp"

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

std::string Spline::fault() const {
  if (x.size() != y.size())
    return "expected as many x as y, found " + std::to_string(x.size()) + " and " + std::to_string(y.size());
  if (x.size() < 2) return "expected at least 2 points, found " + std::to_string(x.size());
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

  // The off-diagonals of the symmetric tridiagonal system are h.
  for (std::size_t i = 1; i < n; ++i) {
    const double factor = h[i - 1] / diagonal[i - 1];
    diagonal[i] -= factor * h[i - 1];
    s[i] -= factor * s[i - 1];
  }
  s[n - 1] /= diagonal[n - 1];
  for (std::size_t i = n - 1; i-- > 0;) s[i] = (s[i] - h[i] * s[i + 1]) / diagonal[i];

  std::vector<std::vector<double>> pieces;
  for (std::size_t i = 0; i + 1 < n; ++i)
    pieces.push_back({y[i], chord[i] - h[i] * (s[i + 1] + 2.0 * s[i]), 3.0 * s[i], (s[i + 1] - s[i]) / h[i]});
  return {std::vector<double>(x.begin(), x.end() - 1), pieces, x.back()};
}

PiecewisePolynomial compile(const Function& function) {
  return std::visit([](const auto& kind) { return kind.compiled(); }, function);
}

}  // namespace psoas
