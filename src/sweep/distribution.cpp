// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/distribution.hpp"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/lognormal.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/triangular.hpp>
#include <cmath>

#include "psoas/core/table.hpp"

namespace psoas {
namespace {

namespace math = boost::math;
using Policy = math::policies::policy<math::policies::promote_double<false>,
                                      math::policies::overflow_error<math::policies::ignore_error>>;
using Bound = std::optional<double>;

constexpr double largest_count = 1e7;  // of levels

/// What bounds leave of a law: the shares below them, those above them, and the share between them. In the upper tail
/// the shares above have the digits.
template <class Law>
struct Part {
  const Law& law;
  Bound low, high;
  double below_low = 0.0, above_low = 1.0, below_high = 1.0, above_high = 0.0, share = 1.0;

  Part(const Law& of, Bound from, Bound to) : law(of), low(from), high(to) {
    const auto [first, last] = math::support(law);
    if (low && *low > first)
      below_low = *low >= last ? 1.0 : cdf(law, *low), above_low = *low >= last ? 0.0 : cdf(complement(law, *low));
    if (high && *high < last)
      below_high = *high <= first ? 0.0 : cdf(law, *high),
      above_high = *high <= first ? 1.0 : cdf(complement(law, *high));
    share = below_low > 0.5 ? above_low - above_high : below_high - below_low;
  }

  double quantile(double p) const {
    const auto [first, last] = math::support(law);
    const double from = low ? std::max(*low, first) : first, to = high ? std::min(*high, last) : last;
    const auto end = [](double x) {
      return std::abs(x) < std::numeric_limits<double>::max() ? x : std::copysign(inf, x);
    };
    if (!(p > 0.0)) return end(from);
    if (!(p < 1.0)) return end(to);
    const double below = below_low + p * share;
    const double x = below <= 0.5 ? math::quantile(law, below)
                                  : math::quantile(complement(law, std::max(0.0, above_high + (1.0 - p) * share)));
    return std::clamp(x, end(from), end(to));
  }

  double cumulative(double x) const {
    const auto [first, last] = math::support(law);
    if (x <= first || (low && x <= *low)) return 0.0;
    if (x >= last || (high && x >= *high)) return 1.0;
    const double inside = below_low > 0.5 ? above_low - cdf(complement(law, x)) : cdf(law, x) - below_low;
    return std::clamp(inside / share, 0.0, 1.0);
  }

  std::string fault() const {
    if (low && high && !(*low < *high))
      return "expected low below high, found " + shortest_text(*low) + " and " + shortest_text(*high);
    if (!(share > 1e-12))
      return "expected low and high to leave some of the distribution, found that they cut all of it off";
    return "";
  }
};

math::normal_distribution<double, Policy> law(const NormalDistribution& d) { return {d.mean, d.sd}; }

math::lognormal_distribution<double, Policy> law(const LognormalDistribution& d) {
  if (d.median) return {std::log(*d.median), std::log(*d.geometric_sd)};
  const double variance = std::log1p((*d.sd / *d.mean) * (*d.sd / *d.mean));
  return {std::log(*d.mean) - 0.5 * variance, std::sqrt(variance)};
}

math::triangular_distribution<double, Policy> law(const TriangularDistribution& d) {
  return {d.minimum, d.mode, d.maximum};
}

math::beta_distribution<double, Policy> law(const BetaDistribution& d) { return {d.alpha, d.beta}; }

/// A bound of a stretched distribution, in its own measure.
Bound unit_bound(const BetaDistribution& d, Bound x) {
  if (x) *x = std::clamp((*x - d.minimum) / (d.maximum - d.minimum), 0.0, 1.0);
  return x;
}

bool finite(std::initializer_list<double> numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::isfinite(x); });
}

std::size_t level_at(double p, std::size_t size) {
  return std::min(static_cast<std::size_t>(std::max(0.0, p) * static_cast<double>(size)), size - 1);
}

/// The i-th of values by equal steps or ratios.
double between(double from, double to, std::size_t i, std::size_t size, bool log) {
  if (i + 1 == size && size > 1) return to;
  const double t = size > 1 ? static_cast<double>(i) / static_cast<double>(size - 1) : 0.0;
  return log ? from * std::pow(to / from, t) : from + (to - from) * t;
}

std::string spacing_fault(double from, double to, const std::string& spacing) {
  if (!finite({from, to})) return "expected from and to that are numbers";
  if (spacing == "log" && !(from > 0.0 && to > 0.0))
    return "expected from and to above 0 where the spacing is log, found " + shortest_text(from) + " and " +
           shortest_text(to);
  return "";
}

}  // namespace

// --- continuous ------------------------------------------------------------------------------------------------------

std::string UniformDistribution::fault() const {
  if (finite({low, high, high - low}) && low < high) return "";
  return "expected low below high, found " + shortest_text(low) + " and " + shortest_text(high);
}
double UniformDistribution::quantile(double p) const { return std::clamp(low + p * (high - low), low, high); }
double UniformDistribution::cumulative(double x) const { return std::clamp((x - low) / (high - low), 0.0, 1.0); }

std::string NormalDistribution::fault() const {
  if (!finite({mean, sd}) || !(sd > 0.0)) return "expected sd above 0, found " + shortest_text(sd);
  const auto l = law(*this);
  return Part(l, low, high).fault();
}
double NormalDistribution::quantile(double p) const {
  const auto l = law(*this);
  return Part(l, low, high).quantile(p);
}
double NormalDistribution::cumulative(double x) const {
  const auto l = law(*this);
  return Part(l, low, high).cumulative(x);
}

std::string LognormalDistribution::fault() const {
  const bool moments = mean && sd && !median && !geometric_sd, geometric = median && geometric_sd && !mean && !sd;
  if (!moments && !geometric) return "expected mean and sd, or median and geometric_sd";
  if (moments && !(finite({*mean, *sd}) && *mean > 0.0 && *sd > 0.0)) return "expected mean and sd above 0";
  if (geometric && !(finite({*median, *geometric_sd}) && *median > 0.0 && *geometric_sd > 1.0))
    return "expected a median above 0 and a geometric_sd above 1";
  const auto l = law(*this);
  return Part(l, low, high).fault();
}
double LognormalDistribution::quantile(double p) const {
  const auto l = law(*this);
  return Part(l, low, high).quantile(p);
}
double LognormalDistribution::cumulative(double x) const {
  const auto l = law(*this);
  return Part(l, low, high).cumulative(x);
}

std::string TriangularDistribution::fault() const {
  if (!finite({minimum, mode, maximum}) || !(minimum < maximum) || !(minimum <= mode) || !(mode <= maximum))
    return "expected minimum < maximum and the mode between them, found " + shortest_text(minimum) + ", " +
           shortest_text(mode) + ", " + shortest_text(maximum);
  const auto l = law(*this);
  return Part(l, low, high).fault();
}
double TriangularDistribution::quantile(double p) const {
  const auto l = law(*this);
  return Part(l, low, high).quantile(p);
}
double TriangularDistribution::cumulative(double x) const {
  const auto l = law(*this);
  return Part(l, low, high).cumulative(x);
}

std::string BetaDistribution::fault() const {
  if (!finite({alpha, beta, minimum, maximum}) || !(alpha > 0.0) || !(beta > 0.0))
    return "expected alpha and beta above 0";
  if (!(minimum < maximum)) return "expected minimum below maximum";
  const auto l = law(*this);
  return Part(l, unit_bound(*this, low), unit_bound(*this, high)).fault();
}
double BetaDistribution::quantile(double p) const {
  const auto l = law(*this);
  const double from = low ? std::max(*low, minimum) : minimum, to = high ? std::min(*high, maximum) : maximum;
  if (!(p > 0.0)) return from;
  if (!(p < 1.0)) return to;
  const double unit = Part(l, unit_bound(*this, low), unit_bound(*this, high)).quantile(p);
  return std::clamp(minimum + (maximum - minimum) * unit, from, to);
}
double BetaDistribution::cumulative(double x) const {
  const auto l = law(*this);
  return Part(l, unit_bound(*this, low), unit_bound(*this, high)).cumulative((x - minimum) / (maximum - minimum));
}

// --- discrete --------------------------------------------------------------------------------------------------------

namespace {

/// The weight of a value that the bounds leave.
double weight(const DiscreteDistribution& d, std::size_t i) {
  if ((d.low && d.values[i] < *d.low) || (d.high && d.values[i] > *d.high)) return 0.0;
  return d.weights.empty() ? 1.0 : d.weights[i];
}

double weights(const DiscreteDistribution& d) {
  double sum = 0.0;
  for (std::size_t i = 0; i < d.values.size(); ++i) sum += weight(d, i);
  return sum;
}

}  // namespace

std::string DiscreteDistribution::fault() const {
  if (values.empty()) return "expected at least one value";
  if (!weights.empty() && weights.size() != values.size())
    return "expected a weight for each of " + std::to_string(values.size()) + " values, found " +
           std::to_string(weights.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i]) || (i > 0 && !(values[i] > values[i - 1]))) return "expected values that rise";
    if (!weights.empty() && !(std::isfinite(weights[i]) && weights[i] >= 0.0)) return "expected weights not below 0";
  }
  return psoas::weights(*this) > 0.0 ? "" : "expected at least one value with a weight above 0 between low and high";
}

double DiscreteDistribution::quantile(double p) const {
  const double wanted = p * psoas::weights(*this);
  double sum = 0.0, value = values.front();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double w = weight(*this, i);
    if (w <= 0.0) continue;
    value = values[i];
    sum += w;
    if (sum > wanted) break;
  }
  return value;
}

double DiscreteDistribution::cumulative(double x) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size() && values[i] <= x; ++i) sum += weight(*this, i);
  return sum / psoas::weights(*this);
}

void EmpiricalDistribution::take(std::vector<double> measured) {
  std::erase_if(measured, [&](double x) { return (low && x < *low) || (high && x > *high); });
  std::sort(measured.begin(), measured.end());
  values = std::move(measured);
}
double EmpiricalDistribution::quantile(double p) const { return values[level_at(p, values.size())]; }
double EmpiricalDistribution::cumulative(double x) const {
  return static_cast<double>(std::upper_bound(values.begin(), values.end(), x) - values.begin()) /
         static_cast<double>(values.size());
}

// --- levels ----------------------------------------------------------------------------------------------------------

std::string ListValues::fault() const {
  if (values.empty()) return "expected at least one value, found an empty list";
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); })
             ? ""
             : "expected values that are numbers";
}
double ListValues::quantile(double p) const { return values[level_at(p, values.size())]; }

std::string GridValues::fault() const {
  if (count < 1) return "expected a count of at least 1";
  if (count > 1 && from == to) return "expected from and to that differ where the count is above 1";
  return spacing_fault(from, to, spacing);
}
double GridValues::level(std::size_t i) const { return between(from, to, i, size(), spacing == "log"); }
double GridValues::quantile(double p) const { return level(level_at(p, size())); }

std::string RangeValues::fault() const {
  if (step.has_value() == count.has_value()) return "expected either a step or a count";
  if (const std::string fault = spacing_fault(from, to, spacing); !fault.empty()) return fault;
  if (count) return *count > 1 && from == to ? "expected from and to that differ where the count is above 1" : "";
  const bool log = spacing == "log";
  if (!std::isfinite(*step) || (log ? !(*step > 0.0) || *step == 1.0 : *step == 0.0))
    return log ? "expected a step above 0 that is not 1 (it multiplies)" : "expected a step that is not 0";
  const double steps = log ? std::log(to / from) / std::log(*step) : (to - from) / *step;
  if (steps < 0.0) return "expected a step that leads from " + shortest_text(from) + " to " + shortest_text(to);
  return steps < largest_count ? "" : "expected at most 10000000 values, found more";
}
std::size_t RangeValues::size() const {
  if (count) return static_cast<std::size_t>(*count);
  const double steps = spacing == "log" ? std::log(to / from) / std::log(*step) : (to - from) / *step;
  return static_cast<std::size_t>(steps + 1e-9) + 1;
}
double RangeValues::level(std::size_t i) const {
  const bool log = spacing == "log";
  if (count) return between(from, to, i, size(), log);
  const double n = static_cast<double>(i);
  const double x = log ? from * std::pow(*step, n) : from + n * *step;
  return to >= from ? std::min(x, to) : std::max(x, to);
}
double RangeValues::quantile(double p) const { return level(level_at(p, size())); }

double ListedValues::quantile(double p) const { return values[level_at(p, values.size())]; }

double quantile(const Values& values, double p) {
  return std::visit([p](const auto& kind) { return kind.quantile(p); }, values);
}

std::size_t levels_of(const Values& values) {
  return std::visit(
      [](const auto& kind) -> std::size_t {
        if constexpr (requires { kind.level(0); }) return kind.size();
        return 0;
      },
      values);
}

}  // namespace psoas
