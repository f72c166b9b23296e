// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Surrogates of path lengths: smooth functions of coordinates that were fitted to exact paths, with their exact slopes.
//   const FittedPaths fitted(paths, ranges);   FittedWork<double> work(fitted);
//   fitted.evaluate<double>(q, work);          work.length[p]; work.slope[fitted.first_slope(p)]
// Knows nothing of bodies; who fits them and stores them is in the model layer.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "psoas/core/dual.hpp"

namespace psoas {

/// A term of a length: the sum over products of cubic B-splines in its first coordinates and of Chebyshev polynomials in
/// the others,
///
///   l(x, y) = sum_i sum_b coefficient[i, b] B_i1(x1) B_i2(x2) B_i3(x3) T_b1(y1) T_b2(y2) ... T_b6(y6),
///
/// with at most three of the first kind and six of the second. Spline functions stand on equal intervals of the
/// coordinate's range, so three derivatives exist and two are continuous; polynomials are those whose degrees b1 + b2 +
/// ... add up to `degree` at most. Beyond the range every one-dimensional function goes on as its own parabola there, so
/// that the length keeps two continuous derivatives everywhere.
struct FittedTerm {
  static constexpr std::size_t most_splines = 3, most_polynomials = 6;
  static constexpr int most_intervals = 64, most_degree = 12;

  std::vector<int> coordinates;      ///< places in q, none twice: those with splines, then those with polynomials
  std::vector<int> intervals;        ///< one for each of the first coordinates, 1 … most_intervals
  int degree = 0;                    ///< total degree of the polynomials, 0 … most_degree
  std::vector<double> coefficients;  ///< [m]: first coordinate slowest, polynomials fastest (order of powers_of())

  /// How many coefficients such a term has.
  static std::size_t size(std::span<const int> intervals, std::size_t polynomials, int degree);
};

/// Degrees of a product of polynomials, one for each coordinate; 0 in places beyond them.
using Powers = std::array<int, FittedTerm::most_polynomials>;
/// The degrees of all products of `coordinates` (at most most_polynomials) polynomials up to a total degree, by rising total degree, so that those
/// of a smaller one come first.
std::vector<Powers> powers_of(std::size_t coordinates, int degree);

/// Values and slopes of the four cubic B-splines that are not zero at x, and the place of the first one.
template <class S>
struct SplineValues {
  int first = 0;
  std::array<S, 4> value, slope;
};
/// On `intervals` equal intervals of [low, high]; there are intervals + 3 functions.
template <class S>
SplineValues<S> spline_values(double low, double high, int intervals, const S& x);
/// Values and slopes at x of the Chebyshev polynomials of degree 0 … value.size() - 1 on [low, high].
template <class S>
void chebyshev_values(double low, double high, const S& x, std::span<S> value, std::span<S> slope);

template <class S>
struct FittedWork;

/// Fitted lengths of many paths over shared coordinates. What paths have in common (the functions of a coordinate and
/// their products) is evaluated once a posture, and terms of one layout are summed side by side. Immutable; copies share
/// everything, any number of threads may use one.
class FittedPaths {
 public:
  FittedPaths() = default;
  /// paths   the terms of each path, whose lengths add up
  /// ranges  of every coordinate in q [rad or m]: low < high where a term uses it
  /// more    coordinates on which each path depends besides: there are slopes over them, which evaluate() leaves at 0
  ///         for others to add to; may be empty
  /// Throws Error(Kind::model) for sizes, degrees, places outside q or ranges without a length. Coordinates that a term
  /// names twice and coefficients that are not finite are not looked for.
  FittedPaths(const std::vector<std::vector<FittedTerm>>& paths, const std::vector<std::array<double, 2>>& ranges,
              const std::vector<std::vector<int>>& more = {});

  bool empty() const { return start_.size() < 2; }
  int paths() const { return static_cast<int>(start_.size()) - 1; }
  /// Where a path's slopes start in FittedWork::slope; paths() is allowed and gives the end of the last one.
  int first_slope(int path) const { return start_[static_cast<std::size_t>(path)]; }
  /// The coordinate of a slope, ascending within a path.
  int coordinate(int slope) const { return coordinates_[static_cast<std::size_t>(slope)]; }
  /// The slope of a path over a coordinate, or -1 where the path does not depend on it.
  int slope_of(int path, int coordinate) const;

  /// Lengths of all paths, and their slopes, at coordinates q [rad or m]. Allocates nothing, throws nothing.
  /// Instantiated for double and Dual<4>, which gives second derivatives.
  template <class S>
  void evaluate(std::span<const S> q, FittedWork<S>& work) const;

 private:
  template <class S>
  friend struct FittedWork;
  struct Plan;

  std::vector<int> start_, coordinates_;
  std::shared_ptr<const Plan> plan_;
};

/// Scratch and results of FittedPaths::evaluate(). Allocates when made, never after.
template <class S>
struct FittedWork {
  FittedWork() = default;
  explicit FittedWork(const FittedPaths& fitted);

  std::vector<S> length;      ///< per path [m]
  std::vector<S> slope;       ///< dl/dq, path by path [m, or 1 for a translation]; a moment arm is its negative
  std::vector<char> outside;  ///< per path: a coordinate is beyond its range

  std::vector<S> value, derivative;  ///< inside: per function of an axis
  std::vector<int> place;            ///< inside: per axis of splines, the first function that is not zero
  std::vector<S> product;            ///< inside: products of polynomials, and their slopes
  std::vector<S> sums;               ///< inside: what is summed along the splines so far
};

}  // namespace psoas
