// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A function through points with given slopes, twice continuously differentiable: plane quintic Béziers, one a corner.
//   BezierFunction<1> f({{{0, 0, 0}, {1, 1, 2}}}, 0.75);   Jet2<double> y = f.jet(0.3);   double x = f.inverse(0.5);
// Straight beyond its ends. Nothing allocates in evaluation.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "psoas/core/dual.hpp"
#include "psoas/core/function.hpp"

namespace psoas {

/// Where a function passes, and how steeply.
struct BezierPoint {
  double x, y, slope;
};

/// N corners through N + 1 points. Each corner is the quintic Bézier of Millard et al. 2013 (appendix): between its two
/// points, whose tangents meet in C, the control points lie P0, then twice the share w of the way from P0 to C, then
/// twice the share w from P5 to C, then P5. Pairs of equal control points give no curvature at the ends, so that corners
/// join twice continuously. w = 0.1 + 0.8 curviness, from nearly straight to nearly the tangents.
template <std::size_t N>
class BezierFunction {
 public:
  BezierFunction() = default;

  /// `curviness` of every corner, in [0, 1]. Ask valid() where slopes may not suit the points.
  BezierFunction(const std::array<BezierPoint, N + 1>& points, double curviness) : points_(points) {
    std::array<double, N> same;
    same.fill(curviness);
    *this = BezierFunction(points, same);
  }
  BezierFunction(const std::array<BezierPoint, N + 1>& points, const std::array<double, N>& curviness)
      : points_(points) {
    for (std::size_t i = 0; i < N; ++i) {
      const BezierPoint &a = points[i], &b = points[i + 1];
      const double span = b.x - a.x, bend = b.slope - a.slope, share = 0.1 + 0.8 * curviness[i];
      // The tangents meet at a.x + run; they do not where they are parallel, and anywhere where they are one line.
      const double chord = b.y - a.y - a.slope * span;
      const double steepest = std::max({std::abs(a.slope), std::abs(b.slope), 1.0});
      const bool parallel = std::abs(bend) <= 1e-8 * steepest;
      const double run = parallel ? 0.5 * span : span - chord / bend;
      const bool one_line = parallel && std::abs(chord) <= 1e-8 * steepest * std::abs(span);
      valid_ = valid_ && span > 0.0 && (!parallel || one_line) && run > 1e-6 * span && run < (1.0 - 1e-6) * span;
      const double x1 = a.x + share * run, y1 = a.y + share * a.slope * run;
      const double x2 = b.x - share * (span - run), y2 = b.y - share * b.slope * (span - run);
      x_[i] = powers(a.x, x1, x2, b.x);
      y_[i] = powers(a.y, y1, y2, b.y);
    }
  }

  /// Each pair of tangents meets between its points, so that y is a function of x and bends once a corner.
  bool valid() const { return valid_; }

  const std::array<BezierPoint, N + 1>& points() const { return points_; }
  /// x and y of corner i over its parameter u in [0, 1], as coefficients of 1, u, ... u^5: for evaluation of many at once.
  const std::array<double, 6>& x_of_corner(std::size_t i) const { return x_[i]; }
  const std::array<double, 6>& y_of_corner(std::size_t i) const { return y_[i]; }

  const BezierPoint& front() const { return points_.front(); }
  const BezierPoint& back() const { return points_.back(); }

  /// Value and derivatives at x; for a dual x the derivatives travel along.
  template <class S>
  Jet2<S> jet(const S& x) const {
    const double v = value_of(x);
    if (v < front().x) return tangent(front(), x);
    if (v >= back().x) return tangent(back(), x);
    const std::size_t i = corner(v, &BezierPoint::x);
    const S u = parameter(x_[i], x);
    const Jet2<S> across = polynomial(x_[i], u), up = polynomial(y_[i], u);
    const S slope = up.slope / across.slope;
    return {up.value, slope, (up.curvature - slope * across.curvature) / (across.slope * across.slope)};
  }

  /// The x at which the function is y, for a function that increases between its ends and a y between their values.
  template <class S>
  S inverse(const S& y) const {
    const std::size_t i = corner(value_of(y), &BezierPoint::y);
    return polynomial(x_[i], parameter(y_[i], y)).value;
  }

  /// The integral over x from the first point on; 0 below.
  template <class S>
  S integral(const S& x) const {
    const double v = value_of(x);
    if (!(v > front().x)) return S(0.0);
    const bool beyond = v >= back().x;
    const std::size_t last = beyond ? N : corner(v, &BezierPoint::x);
    S sum = S(0.0);
    for (std::size_t i = 0; i < last; ++i) sum += area(i, S(1.0));
    if (!beyond) return sum + area(last, parameter(x_[last], x));
    const S d = x - back().x;
    return sum + d * (back().y + 0.5 * back().slope * d);
  }

 private:
  using Powers = std::array<double, 6>;

  // Coefficients of 1, u, ... u^5 of the Bézier with the control values a, b, b, c, c, d.
  static Powers powers(double a, double b, double c, double d) {
    return {a, 5.0 * (b - a), 10.0 * (a - b), 10.0 * (c - a), 5.0 * (a + 2.0 * b - 3.0 * c), (d - a) + 5.0 * (c - b)};
  }

  template <class S>
  static Jet2<S> polynomial(const Powers& c, const S& u) {
    S f = S(c[5]), d = S(0.0), dd = S(0.0);
    for (std::size_t k = 5; k-- > 0;) dd = dd * u + 2.0 * d, d = d * u + f, f = f * u + c[k];
    return {f, d, dd};
  }

  template <class S>
  static Jet2<S> tangent(const BezierPoint& end, const S& x) {
    return {end.y + end.slope * (x - end.x), S(end.slope), S(0.0)};
  }

  std::size_t corner(double v, double BezierPoint::*axis) const {
    std::size_t i = 0;
    while (i + 1 < N && v >= points_[i + 1].*axis) ++i;
    return i;
  }

  // The u in [0, 1] at which an increasing polynomial has the value t: Newton's steps inside a bracket, halved where
  // they do not shrink (at the end of a plateau, where the root is triple).
  static double root(const Powers& c, double t) {
    double low = 0.0, high = 1.0, u = std::clamp((t - c[0]) / (c[1] + c[2] + c[3] + c[4] + c[5]), 0.0, 1.0);
    double before = 1.0, last = 1.0;
    for (int i = 0; i < 200; ++i) {
      // Without c[0] the sum keeps its digits near u = 0.
      const double rise = u * (c[1] + u * (c[2] + u * (c[3] + u * (c[4] + u * c[5]))));
      const double slope = c[1] + u * (2.0 * c[2] + u * (3.0 * c[3] + u * (4.0 * c[4] + u * (5.0 * c[5]))));
      const double excess = rise - (t - c[0]);
      if (excess == 0.0) return u;
      (excess < 0.0 ? low : high) = u;
      double next = u - excess / slope;
      if (!(next >= low && next <= high && 2.0 * std::abs(next - u) <= before)) next = 0.5 * (low + high);
      before = last, last = std::abs(next - u);
      if (last <= 2.0 * std::numeric_limits<double>::epsilon() * next) return next;
      u = next;
    }
    return u;
  }

  // The same with the derivatives of t: one more step of Newton's, in which they travel along.
  template <class S>
  static S parameter(const Powers& c, const S& t) {
    const double u = root(c, value_of(t));
    const Jet2<double> at = polynomial(c, u);
    return u + (t - at.value) / std::max(at.slope, 1e-9);
  }

  // The integral of y dx from the corner's beginning to u: a polynomial of degree 10.
  template <class S>
  S area(std::size_t i, const S& u) const {
    std::array<double, 11> c{};
    for (std::size_t j = 0; j < 6; ++j)
      for (std::size_t k = 1; k < 6; ++k)
        c[j + k] += y_[i][j] * static_cast<double>(k) * x_[i][k] / static_cast<double>(j + k);
    S sum = S(c[10]);
    for (std::size_t k = 10; k-- > 0;) sum = sum * u + c[k];
    return sum;
  }

  std::array<BezierPoint, N + 1> points_{};
  std::array<Powers, N> x_{}, y_{};
  bool valid_ = true;
};

}  // namespace psoas
