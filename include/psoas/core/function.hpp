// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Functions of one variable as models write them, and the one form in which they are evaluated.
//   PiecewisePolynomial f = compile(Function{Linear{.slope = 0.125}});   auto [y, dy, ddy] = f.jet(x);
// Add a new one: its struct, a `compiled()` member, and a word in the variant.
#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "psoas/core/dual.hpp"
#include "psoas/core/kind.hpp"

namespace psoas {

/// Value and first two derivatives of a function of one variable.
template <class S>
struct Jet2 {
  S value, slope, curvature;
};

/// Polynomials joined at knots: sum of c[k] (x - knot)^k on each piece, continued along the straight end tangent
/// outside the knots where there is more than one piece, and unbounded where there is one.
class PiecewisePolynomial {
 public:
  PiecewisePolynomial() : PiecewisePolynomial({0.0}, {{0.0}}) {}

  /// One piece from each knot: coefficients c, lowest power first, in units of value / argument^k. `end` closes the last
  /// piece (ignored for a single unbounded piece), in the unit of the knots. Knots increase; there is at least one, and
  /// as many pieces: anything else is a slip of the programmer (assert). Throws nothing of its own.
  PiecewisePolynomial(std::vector<double> knots, const std::vector<std::vector<double>>& pieces, double end = inf);

  /// The identity y = x.
  static PiecewisePolynomial identity() { return {{0.0}, {{0.0, 1.0}}}; }

  /// Whether it is one straight line without ends.
  bool is_line() const { return !bounded_ && knots_.size() == 1 && order_ <= 2; }
  /// The integral from `from` to x as a function of x [value times argument]. Where there is more than one piece, it is
  /// that of the straight tangents up to 10 beyond the ends, and a tangent from there.
  PiecewisePolynomial antiderivative(double from) const;

  /// Value and derivatives at x; for a dual x the derivatives travel along.
  template <class S>
  Jet2<S> jet(const S& x) const {
    const double v = value_of(x);
    const bool below = bounded_ && v < knots_.front(), above = bounded_ && v > end_;
    if (below || above) {
      const Jet2<double> edge = inside(below ? knots_.front() : end_, below ? 0 : knots_.size() - 1);
      return {S(edge.value) + edge.slope * (x - (below ? knots_.front() : end_)), S(edge.slope), S(0.0)};
    }
    return inside(x, piece_of(v));
  }

  /// Third derivative at x, 0 on the straight ends.
  template <class S>
  S third(const S& x) const {
    const double v = value_of(x);
    if (bounded_ && (v < knots_.front() || v > end_)) return S(0.0);
    const std::size_t piece = piece_of(v);
    const S t = x - knots_[piece];
    const double* c = &coefficients_[piece * order_];
    S sum(0.0);
    for (std::size_t k = order_; k-- > 3;) sum = sum * t + c[k] * static_cast<double>(k * (k - 1) * (k - 2));
    return sum;
  }

 private:
  std::size_t piece_of(double v) const {
    std::size_t piece = 0;
    for (std::size_t step = span_; step > 0; step /= 2)
      if (piece + step < knots_.size() && knots_[piece + step] <= v) piece += step;
    return piece;
  }

  template <class S>
  Jet2<S> inside(const S& x, std::size_t piece) const {
    const S t = x - knots_[piece];
    const double* c = &coefficients_[piece * order_];
    S f = S(0.0), d = S(0.0), dd = S(0.0);
    for (std::size_t k = order_; k-- > 0;) dd = dd * t + 2.0 * d, d = d * t + f, f = f * t + c[k];
    return {f, d, dd};
  }

  std::vector<double> knots_, coefficients_;
  std::size_t order_ = 1, span_ = 0;  // coefficients a piece; largest power of two below the number of pieces
  double end_ = inf;
  bool bounded_ = false;
};

/// y = value
struct Constant {
  static constexpr std::string_view name = "constant", help = "the same value everywhere";
  double value = required;
  static void each(auto& self, auto&& see) { see("value", self.value, Info{"rad or m", "the value", -1e6, 1e6}); }
  PiecewisePolynomial compiled() const { return {{0.0}, {{value}}}; }
};

/// y = offset + slope x
struct Linear {
  static constexpr std::string_view name = "linear", help = "a straight line";
  double slope = 1.0, offset = 0.0;
  static void each(auto& self, auto&& see) {
    see("slope", self.slope, Info{"1 or m/rad", "change per unit of the coordinate", -1e6, 1e6});
    see("offset", self.offset, Info{"rad or m", "value at zero", -1e6, 1e6});
  }
  PiecewisePolynomial compiled() const { return {{0.0}, {{offset, slope}}}; }
};

/// y = sum of coefficients[k] x^k
struct Polynomial {
  static constexpr std::string_view name = "polynomial", help = "a polynomial, lowest power first";
  std::vector<double> coefficients;
  static void each(auto& self, auto&& see) {
    see("coefficients", self.coefficients, Info{"rad or m", "coefficients, lowest power first", -1e9, 1e9});
  }
  std::string fault() const {
    if (coefficients.empty()) return "expected at least one coefficient";
    // so that no power of a coordinate in its range leaves the numbers
    return coefficients.size() <= 16 ? ""
                                     : "expected at most 16 coefficients, found " + std::to_string(coefficients.size());
  }
  PiecewisePolynomial compiled() const { return {{0.0}, {coefficients}}; }
};

/// A cubic spline through points with the end conditions of Forsythe, Malcolm & Moler (1977): the third derivative at
/// each end is that of the cubic through the four points next to it; three points give their parabola, two their line.
/// Beyond the ends the end tangent goes on. OpenSim's SimmSpline is the same curve.
struct Spline {
  static constexpr std::string_view name = "spline",
                                    help = "cubic spline, Forsythe-Malcolm-Moler ends, straight beyond";
  std::vector<double> x, y;
  static void each(auto& self, auto&& see) {
    see("x", self.x, Info{"rad or m", "places, increasing", -1e6, 1e6});
    see("y", self.y, Info{"rad or m", "values at the places", -1e6, 1e6});
  }
  std::string fault() const;
  PiecewisePolynomial compiled() const;
};

/// The natural spline of an odd degree 2m - 1 through points, the one of least integral of the square of its m-th
/// derivative: straight lines between points, the natural cubic, or the natural quintic (Schoenberg 1964). Beyond the
/// ends the polynomial of degree m - 1 that it ends with goes on: a line, or for the quintic a parabola as far again
/// as the ends are apart, then its tangent. OpenSim's PiecewiseLinearFunction and GCVSpline without error variance are the same curves.
struct NaturalSpline {
  static constexpr std::string_view name = "natural_spline",
                                    help = "lines, natural cubic or natural quintic spline through points";
  std::string degree = "cubic";
  std::vector<double> x, y;
  static void each(auto& self, auto&& see) {
    see("degree", self.degree, Info{"", "a linear one has kinks", -inf, inf, "linear cubic quintic"});
    see("x", self.x, Info{"rad or m", "places, increasing", -1e6, 1e6});
    see("y", self.y, Info{"rad or m", "values at the places", -1e6, 1e6});
  }
  std::string fault() const;
  PiecewisePolynomial compiled() const;
};

/// y = offset + amplitude sin(frequency x + phase); beyond four turns either way from x = 0 the tangent goes on.
struct Sine {
  static constexpr std::string_view name = "sine", help = "offset + amplitude sin(frequency x + phase)";
  double amplitude = 1.0, frequency = 1.0, phase = 0.0, offset = 0.0;
  static void each(auto& self, auto&& see) {
    see("amplitude", self.amplitude, Info{"rad or m", "greatest distance from the offset", -1e6, 1e6});
    see("frequency", self.frequency, Info{"1 or rad/m", "change of the angle per unit of the coordinate", -1e3, 1e3});
    see("phase", self.phase, Info{"rad", "angle at zero", -1e3, 1e3});
    see("offset", self.offset, Info{"rad or m", "mean value", -1e6, 1e6});
  }
  PiecewisePolynomial compiled() const;
};

/// Functions of one coordinate: the table that reader, writer, schema and help walk.
using Function = std::variant<Constant, Linear, Polynomial, Spline, NaturalSpline, Sine>;

/// The evaluated form of a function.
PiecewisePolynomial compile(const Function& function);

}  // namespace psoas
