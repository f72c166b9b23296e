// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The values that a factor of a sweep takes: distributions, and lists of levels.
//   double mass = NormalDistribution{.mean = 75, .sd = 12, .low = 45}.quantile(0.5);
// Every kind is known by its quantiles, so that random, Latin hypercube, Sobol and Morris samples serve all of them.
// Add a new one: its struct and a word in the variant.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "psoas/core/kind.hpp"

namespace psoas {

// Of every distribution: `quantile(p)` is the value below which a share p of it lies, p from 0 to 1, rising with p;
// infinite at 0 or 1 where the distribution has no end there. `cumulative(x)` is the share at or below x. Bounds `low`
// and `high` cut the distribution off and what is left counts as the whole: F'(x) = (F(x) - F(low)) / (F(high) - F(low)).
// Values have the unit of the number that is varied.

inline constexpr Info low_info{"", "values below are cut off; absent: none are"},
    high_info{"", "values above are cut off; absent: none are"};

/// All values between two are as likely.
struct UniformDistribution {
  static constexpr std::string_view name = "uniform", help = "all values between two, as likely as each other";
  double low = required, high = required;
  static void each(auto& self, auto&& see) {
    see("low", self.low, Info{"", "the smallest value"});
    see("high", self.high, Info{"", "the largest value"});
  }
  std::string fault() const;
  double quantile(double p) const;
  double cumulative(double x) const;
};

/// A normal (Gaussian) distribution.
struct NormalDistribution {
  static constexpr std::string_view name = "normal", help = "a normal distribution";
  double mean = required, sd = required;
  std::optional<double> low, high;
  static void each(auto& self, auto&& see) {
    see("mean", self.mean, Info{"", "mean before anything is cut off"});
    see("sd", self.sd, Info{"", "standard deviation, above 0"});
    see("low", self.low, low_info), see("high", self.high, high_info);
  }
  std::string fault() const;
  double quantile(double p) const;
  double cumulative(double x) const;
};

/// A distribution whose logarithm is normal, by its mean and standard deviation, or by its median and geometric
/// standard deviation: ln x has mean ln(median) and standard deviation ln(geometric_sd).
struct LognormalDistribution {
  static constexpr std::string_view name = "lognormal", help = "positive values whose logarithms are normal";
  std::optional<double> mean, sd, median, geometric_sd, low, high;
  static void each(auto& self, auto&& see) {
    see("mean", self.mean, Info{"", "mean of the value (not of its logarithm), beside sd"});
    see("sd", self.sd, Info{"", "standard deviation of the value, beside mean"});
    see("median", self.median, Info{"", "median of the value, beside geometric_sd"});
    see("geometric_sd", self.geometric_sd,
        Info{"1", "two thirds of the values are between median / this and median * this"});
    see("low", self.low, low_info), see("high", self.high, high_info);
  }
  std::string fault() const;
  double quantile(double p) const;
  double cumulative(double x) const;
};

/// A triangle.
struct TriangularDistribution {
  static constexpr std::string_view name = "triangular", help = "a density that rises to the mode and falls again";
  double minimum = required, mode = required, maximum = required;
  std::optional<double> low, high;
  static void each(auto& self, auto&& see) {
    see("minimum", self.minimum, Info{"", "where the triangle begins"});
    see("mode", self.mode, Info{"", "where it is highest"});
    see("maximum", self.maximum, Info{"", "where it ends"});
    see("low", self.low, low_info), see("high", self.high, high_info);
  }
  std::string fault() const;
  double quantile(double p) const;
  double cumulative(double x) const;
};

/// A beta distribution stretched from `minimum` to `maximum`.
struct BetaDistribution {
  static constexpr std::string_view name = "beta", help = "a beta distribution between two ends";
  double alpha = required, beta = required, minimum = 0.0, maximum = 1.0;
  std::optional<double> low, high;
  static void each(auto& self, auto&& see) {
    see("alpha", self.alpha, Info{"1", "first shape", 1e-3, 1e6});
    see("beta", self.beta, Info{"1", "second shape", 1e-3, 1e6});
    see("minimum", self.minimum, Info{"", "the lower end"});
    see("maximum", self.maximum, Info{"", "the upper end"});
    see("low", self.low, low_info), see("high", self.high, high_info);
  }
  std::string fault() const;
  double quantile(double p) const;
  double cumulative(double x) const;
};

/// Some values, each with a weight.
struct DiscreteDistribution {
  static constexpr std::string_view name = "discrete", help = "some values, each as likely as its weight";
  std::vector<double> values, weights;
  std::optional<double> low, high;
  static void each(auto& self, auto&& see) {
    see("values", self.values, Info{"", "the values, rising"});
    see("weights", self.weights,
        Info{"1", "a weight a value, together any number above 0; absent: all alike", 0, 1e12});
    see("low", self.low, low_info), see("high", self.high, high_info);
  }
  std::string fault() const;
  double quantile(double p) const;
  double cumulative(double x) const;
};

/// Values as they were measured: each row of a table's column is as likely.
struct EmpiricalDistribution {
  static constexpr std::string_view name = "empirical", help = "measured values: a column of a table";
  std::string file = required_text, column = required_text;
  std::optional<double> low, high;
  std::vector<double> values;  ///< the column's, rising, without those cut off; filled by the reader
  static void each(auto& self, auto&& see) {
    see("file", self.file, Info{"", "a .csv, .sto or .mot file, beside the file that names it"});
    see("column", self.column, Info{"", "name of the column"});
    see("low", self.low, low_info), see("high", self.high, high_info);
  }
  /// Takes a column's values: sorts them and leaves those out that the bounds cut off.
  void take(std::vector<double> measured);
  double quantile(double p) const;
  double cumulative(double x) const;
};

// Lists of levels: a full grid takes each of the `size()` values `level(i)`, what samples takes all as likely.

/// Some values.
struct ListValues {
  static constexpr std::string_view name = "list", help = "these values";
  std::vector<double> values;
  static void each(auto& self, auto&& see) { see("values", self.values, Info{"", "the values"}); }
  std::string fault() const;
  std::size_t size() const { return values.size(); }
  double level(std::size_t i) const { return values[i]; }
  double quantile(double p) const;
};

/// A number of values from one to another.
struct GridValues {
  static constexpr std::string_view name = "grid", help = "a number of values, both ends among them";
  double from = required, to = required;
  int count = 2;
  std::string spacing = "linear";
  static void each(auto& self, auto&& see) {
    see("from", self.from, Info{"", "the first value"});
    see("to", self.to, Info{"", "the last value"});
    see("count", self.count, Info{"1", "number of values", 1, 1e7});
    see("spacing", self.spacing, Info{"", "equal steps, or equal ratios", -inf, inf, "linear log"});
  }
  std::string fault() const;
  std::size_t size() const { return static_cast<std::size_t>(count); }
  double level(std::size_t i) const;
  double quantile(double p) const;
};

/// Values from one on, by steps, up to another; or as `grid` by a count.
struct RangeValues {
  static constexpr std::string_view name = "range", help = "values by steps, or a number of them";
  double from = required, to = required;
  std::optional<double> step;
  std::optional<int> count;
  std::string spacing = "linear";
  static void each(auto& self, auto&& see) {
    see("from", self.from, Info{"", "the first value"});
    see("to", self.to, Info{"", "no value is beyond this (by more than 1e-9 steps)"});
    see("step", self.step, Info{"", "from value to value; a factor where the spacing is log"});
    see("count", self.count, Info{"1", "number of values, instead of a step", 1, 1e7});
    see("spacing", self.spacing, Info{"", "equal steps, or equal ratios", -inf, inf, "linear log"});
  }
  std::string fault() const;
  std::size_t size() const;
  double level(std::size_t i) const;
  double quantile(double p) const;
};

/// One value a case, from the cases of the sampler `list`.
struct ListedValues {
  static constexpr std::string_view name = "listed", help = "the value that the sampler \"list\" gives each case";
  std::vector<double> values;  ///< by case; filled by the reader
  static void each(auto&, auto&&) {}
  std::size_t size() const { return values.size(); }
  double level(std::size_t i) const { return values[i]; }
  double quantile(double p) const;
};

using Values = std::variant<UniformDistribution, NormalDistribution, LognormalDistribution, TriangularDistribution,
                            BetaDistribution, DiscreteDistribution, EmpiricalDistribution, ListValues, GridValues,
                            RangeValues, ListedValues>;

/// The value below which a share p of what a factor takes lies, p from 0 to 1.
double quantile(const Values& values, double p);

/// How many levels there are, or 0 for a distribution.
std::size_t levels_of(const Values& values);

}  // namespace psoas
