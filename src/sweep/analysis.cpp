// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/analysis.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "psoas/core/error.hpp"
#include "psoas/core/factor.hpp"
#include "psoas/core/sampling.hpp"

namespace psoas {
namespace {

using Index = Eigen::Index;
using Numbers = std::vector<double>;

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
constexpr Estimate unknown{undefined, undefined, undefined};
constexpr double rounding = 1e-12;  // of the largest magnitude: what counts as constant

[[noreturn]] void refuse(const std::string& where, const std::string& text) { throw Error(Kind::input, where, text); }

void check_confidence(double confidence, const char* where) {
  if (!(confidence > 0.0 && confidence < 1.0))
    refuse(where, "expected a confidence above 0 and below 1, found " + std::to_string(confidence));
}

void check_percent(double percent, const char* where) {
  if (!(percent >= 0.0 && percent <= 100.0))
    refuse(where, "expected a percentile from 0 to 100, found " + std::to_string(percent));
}

void check_sizes(const MatX& factors, std::span<const double> y, const char* where) {
  if (static_cast<std::size_t>(factors.rows()) != y.size())
    refuse(where, "expected one output for each of " + std::to_string(factors.rows()) + " cases, found " +
                      std::to_string(y.size()));
}

// 0 where there is nothing.
double magnitude(std::span<const double> values) {
  double largest = 0.0;
  for (const double x : values) largest = std::max(largest, std::abs(x));
  return largest;
}

bool is_constant(std::span<const double> values) {
  if (values.empty()) return true;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low <= rounding * magnitude(values);
}

// Equal values have exactly this mean: the first of them is taken off before they are summed.
double mean_of(std::span<const double> values) {
  if (values.empty()) return undefined;
  double sum = 0.0;
  for (const double x : values) sum += x - values[0];
  return values[0] + sum / static_cast<double>(values.size());
}

double sum_of_squares(std::span<const double> values, double mean) {
  double sum = 0.0;
  for (const double x : values) sum += (x - mean) * (x - mean);
  return sum;
}

Numbers sorted_finite(std::span<const double> values) {
  Numbers kept;
  kept.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [](double x) { return std::isfinite(x); });
  std::sort(kept.begin(), kept.end());
  return kept;
}

double percentile_of_sorted(const Numbers& x, double percent) {
  if (x.empty()) return undefined;
  const double place = percent / 100.0 * static_cast<double>(x.size() - 1);
  const std::size_t k = std::min(static_cast<std::size_t>(place), x.size() - 1);
  if (k + 1 == x.size()) return x[k];
  return x[k] + (place - static_cast<double>(k)) * (x[k + 1] - x[k]);
}

// Percents between which the share `confidence` lies, in the middle.
std::pair<double, double> middle(double confidence) {
  const double tail = 50.0 * (1.0 - confidence);
  return {tail, 100.0 - tail};
}

std::size_t below(Uniform& random, std::size_t n) {
  return std::min(static_cast<std::size_t>(random() * static_cast<double>(n)), n - 1);
}

// Numbers that `statistic(weights, out)` makes of n parts of a sample, each counted `weights` times, with their
// intervals.
template <class Statistic>
std::vector<Estimate> estimates(std::size_t n, std::size_t numbers, const Bootstrap& bootstrap, const char* where,
                                Statistic&& statistic) {
  check_confidence(bootstrap.confidence, where);
  if (bootstrap.resamples < 0)
    refuse(where, "expected no fewer than 0 resamples, found " + std::to_string(bootstrap.resamples));
  std::vector<Estimate> result(numbers, unknown);
  if (n == 0 || numbers == 0) return result;

  Numbers weights(n, 1.0), out(numbers);
  statistic(weights, out);
  for (std::size_t i = 0; i < numbers; ++i) result[i].value = out[i];

  std::vector<Numbers> found(numbers);
  Uniform random(bootstrap.seed);
  for (int resample = 0; resample < bootstrap.resamples; ++resample) {
    std::fill(weights.begin(), weights.end(), 0.0);
    for (std::size_t k = 0; k < n; ++k) weights[below(random, n)] += 1.0;
    statistic(weights, out);
    for (std::size_t i = 0; i < numbers; ++i) found[i].push_back(out[i]);
  }
  const auto [low, high] = middle(bootstrap.confidence);
  for (std::size_t i = 0; i < numbers; ++i) {
    if (!std::isfinite(result[i].value)) continue;
    const Numbers sorted = sorted_finite(found[i]);
    result[i].low = percentile_of_sorted(sorted, low);
    result[i].high = percentile_of_sorted(sorted, high);
  }
  return result;
}

std::vector<Estimate> part(const std::vector<Estimate>& all, std::size_t from, std::size_t count) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(from);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

// Cases of which every number is finite.
std::vector<Index> complete_cases(const MatX& factors, std::span<const double> y) {
  std::vector<Index> kept;
  for (Index k = 0; k < factors.rows(); ++k) {
    bool complete = std::isfinite(y[static_cast<std::size_t>(k)]);
    for (Index i = 0; complete && i < factors.cols(); ++i) complete = std::isfinite(factors(k, i));
    if (complete) kept.push_back(k);
  }
  return kept;
}

Numbers column(const MatX& factors, Index i, const std::vector<Index>& cases) {
  Numbers x(cases.size());
  std::transform(cases.begin(), cases.end(), x.begin(), [&](Index k) { return factors(k, i); });
  return x;
}

Numbers of_cases(std::span<const double> y, const std::vector<Index>& cases) {
  Numbers out(cases.size());
  std::transform(cases.begin(), cases.end(), out.begin(), [&](Index k) { return y[static_cast<std::size_t>(k)]; });
  return out;
}

// Places of the values in order of size, equal ones in order of place.
std::vector<std::size_t> order_of(std::span<const double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  return order;
}

// Calls see(from, to) for each run of equal values in an order, `to` one past its end.
template <class See>
void each_run(std::span<const double> x, const std::vector<std::size_t>& order, See&& see) {
  for (std::size_t from = 0, to = 0; from < order.size(); from = to) {
    while (to < order.size() && x[order[to]] == x[order[from]]) ++to;
    see(from, to);
  }
}

// Ranks from 1, less their mean (n + 1) / 2; equal values share the mean of theirs.
Numbers centred_ranks(std::span<const double> x, const std::vector<std::size_t>& order) {
  Numbers rank(x.size());
  const double mean = 0.5 * static_cast<double>(x.size() + 1);
  each_run(x, order, [&](std::size_t from, std::size_t to) {
    for (std::size_t k = from; k < to; ++k) rank[order[k]] = 0.5 * static_cast<double>(from + 1 + to) - mean;
  });
  return rank;
}

double inner(const Numbers& a, const Numbers& b) {
  double sum = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

Estimate rank_correlation(const Numbers& a, const Numbers& b, double confidence) {
  const double r = std::clamp(inner(a, b) / std::sqrt(inner(a, a) * inner(b, b)), -1.0, 1.0);
  if (a.size() < 4 || std::isnan(r)) return {r, undefined, undefined};
  const double error = std::sqrt((1.0 + 0.5 * r * r) / static_cast<double>(a.size() - 3));
  const double reach = error * boost::math::quantile(boost::math::normal(), 0.5 + 0.5 * confidence);
  return {r, std::tanh(std::atanh(r) - reach), std::tanh(std::atanh(r) + reach)};
}

// The R of a QR decomposition of rows that come one by one: R'R = sum of row' row, without ever squaring.
class Triangle {
 public:
  explicit Triangle(Index columns) : stack_(5 * columns, columns) {}

  /// Where the next row is to be written.
  auto next() {
    if (used_ == stack_.rows()) reduce();
    return stack_.row(used_++);
  }
  auto rows() {
    reduce();
    return stack_.topRows(used_);
  }

 private:
  void reduce() {
    const Index left = std::min(used_, stack_.cols());
    const MatX factored = Eigen::HouseholderQR<MatX>(stack_.topRows(used_)).matrixQR();
    stack_.topRows(left) = factored.topRows(left).triangularView<Eigen::Upper>();
    used_ = left;
  }

  MatX stack_;
  Index used_ = 0;
};

// Least squares of the last column by the others; the number of independent columns.
std::pair<VecX, Index> solve_least_squares(const MatX& rows) {
  Eigen::ColPivHouseholderQR<MatX> factor;
  factor.setThreshold(1e-10);
  factor.compute(rows.leftCols(rows.cols() - 1));
  return {factor.solve(rows.rightCols<1>()), factor.rank()};
}

// What these coefficients leave of the last column.
double squared_residual(const MatX& rows, const VecX& coefficient) {
  const VecX left = rows.leftCols(rows.cols() - 1) * coefficient - rows.rightCols<1>();
  double sum = 0.0;
  for (const double x : left) sum += x * x;
  return sum;
}

MatX stacked(const std::vector<MatX>& parts, std::size_t but) {
  Index rows = 0;
  for (std::size_t f = 0; f < parts.size(); ++f) rows += f == but ? 0 : parts[f].rows();
  MatX all(rows, parts[0].cols());
  for (std::size_t f = 0, at = 0; f < parts.size(); ++f) {
    if (f == but) continue;
    all.middleRows(static_cast<Index>(at), parts[f].rows()) = parts[f];
    at += static_cast<std::size_t>(parts[f].rows());
  }
  return all;
}

double value_of(const ResponseSurface::Term& term, std::span<const double> z) {
  return (term.first < 0 ? 1.0 : z[static_cast<std::size_t>(term.first)]) *
         (term.second < 0 ? 1.0 : z[static_cast<std::size_t>(term.second)]);
}

}  // namespace

double percentile(std::span<const double> values, double percent) {
  check_percent(percent, "percentile");
  return percentile_of_sorted(sorted_finite(values), percent);
}

SobolIndices sobol_indices(std::span<const double> y, int factors, const Bootstrap& bootstrap) {
  const char* where = "Sobol indices";
  if (factors < 0) refuse(where, "expected no fewer than 0 factors, found " + std::to_string(factors));
  const auto d = static_cast<std::size_t>(factors);
  if (y.size() % (d + 2) != 0)
    refuse(where, "expected groups of " + std::to_string(d + 2) + " cases, found " + std::to_string(y.size()) +
                      " cases: the design is not whole");

  // whole groups only
  SobolIndices result;
  Numbers kept, ab;
  for (std::size_t at = 0; at < y.size(); at += d + 2) {
    const std::span<const double> group = y.subspan(at, d + 2);
    if (!all_finite(group)) {
      ++result.dropped;
      continue;
    }
    kept.insert(kept.end(), group.begin(), group.end());
    ab.insert(ab.end(), {group[0], group[1]});
  }
  const std::size_t n = ab.size() / 2;
  result.samples = n;
  result.mean = mean_of(ab);
  result.variance = n == 0 ? undefined : sum_of_squares(ab, result.mean) / static_cast<double>(ab.size());

  // what the sums are of, each a row of its own: A + B, A^2 + B^2, and of each factor B (A_B - A), A_B - A, (A - A_B)^2
  const bool constant = is_constant(kept);
  const double least = rounding * magnitude(kept) * (rounding * magnitude(kept));
  std::vector<Numbers> product(d, Numbers(n)), difference(d, Numbers(n)), square(d, Numbers(n));
  Numbers sum(n), squares(n);
  for (std::size_t k = 0; k < n; ++k) {
    const double* group = &kept[k * (d + 2)];
    const double a = group[0] - result.mean, b = group[1] - result.mean;
    sum[k] = a + b;
    squares[k] = a * a + b * b;
    for (std::size_t i = 0; i < d; ++i) {
      difference[i][k] = group[2 + i] - group[0];
      product[i][k] = b * difference[i][k];
      square[i][k] = difference[i][k] * difference[i][k];
    }
  }

  // a resample has a mean of its own, so its sums are centred anew
  const double count = static_cast<double>(n);
  const std::vector<Estimate> all = estimates(n, 2 * d, bootstrap, where, [&](const Numbers& weights, Numbers& out) {
    const double m = inner(weights, sum) / (2.0 * count);
    const double variance = inner(weights, squares) / (2.0 * count) - m * m;
    const bool defined = !constant && variance > least;
    for (std::size_t i = 0; i < d; ++i) {
      double p = 0.0, q = 0.0, r = 0.0;
      for (std::size_t k = 0; k < n; ++k) {
        p += weights[k] * product[i][k];
        q += weights[k] * difference[i][k];
        r += weights[k] * square[i][k];
      }
      out[i] = defined ? (p - m * q) / (count * variance) : undefined;
      out[d + i] = defined ? r / (2.0 * count * variance) : undefined;
    }
  });
  result.first = part(all, 0, d);
  result.total = part(all, d, d);
  return result;
}

MorrisEffects morris_effects(const MatX& points, std::span<const double> y, const Bootstrap& bootstrap) {
  const char* where = "Morris effects";
  check_sizes(points, y, where);
  const Index d = points.cols();
  const auto factors = static_cast<std::size_t>(d);
  if (points.rows() % (d + 1) != 0)
    refuse(where, "expected trajectories of " + std::to_string(d + 1) + " cases, found " +
                      std::to_string(points.rows()) + " cases: the design is not whole");

  MorrisEffects result;
  std::vector<Numbers> effect(factors);
  for (Index start = 0; start < points.rows(); start += d + 1) {
    Numbers of(factors, undefined);
    std::vector<bool> moved(factors, false);
    for (Index k = start + 1; k <= start + d; ++k) {
      Index factor = -1;
      for (Index i = 0; i < d; ++i) {
        if (points(k, i) == points(k - 1, i)) continue;
        if (factor >= 0 || moved[static_cast<std::size_t>(i)] || !std::isfinite(points(k, i) - points(k - 1, i)))
          refuse("case " + std::to_string(k),
                 "expected a step of one factor that has not changed before in its trajectory");
        factor = i;
      }
      if (factor < 0) refuse("case " + std::to_string(k), "expected a step of one factor, found none");
      const auto i = static_cast<std::size_t>(factor), at = static_cast<std::size_t>(k);
      moved[i] = true;
      of[i] = (y[at] - y[at - 1]) / (points(k, factor) - points(k - 1, factor));
    }
    if (!all_finite(y.subspan(static_cast<std::size_t>(start), factors + 1))) {
      ++result.dropped;
      continue;
    }
    ++result.trajectories;
    for (std::size_t i = 0; i < factors; ++i) effect[i].push_back(of[i]);
  }

  Numbers centre(factors);
  std::transform(effect.begin(), effect.end(), centre.begin(), [](const Numbers& of) { return mean_of(of); });
  const std::size_t r = result.trajectories;
  const double count = static_cast<double>(r);
  const std::vector<Estimate> all =
      estimates(r, 3 * factors, bootstrap, where, [&](const Numbers& weights, Numbers& out) {
        for (std::size_t i = 0; i < factors; ++i) {
          double sum = 0.0, star = 0.0, squares = 0.0;
          for (std::size_t k = 0; k < r; ++k) {
            const double e = effect[i][k] - centre[i];
            sum += weights[k] * e;
            star += weights[k] * std::abs(effect[i][k]);
            squares += weights[k] * e * e;
          }
          out[i] = centre[i] + sum / count;
          out[factors + i] = star / count;
          out[2 * factors + i] =
              r < 2 ? undefined : std::sqrt(std::max(0.0, squares - sum * sum / count) / (count - 1.0));
        }
      });
  result.mu = part(all, 0, factors);
  result.mu_star = part(all, factors, factors);
  result.sigma = part(all, 2 * factors, factors);
  return result;
}

std::vector<Association> associations(const MatX& factors, std::span<const double> y, int bins, double confidence) {
  const char* where = "correlations";
  check_sizes(factors, y, where);
  check_confidence(confidence, where);
  if (bins < 0 || bins == 1) refuse(where, "expected 2 bins or more, or 0, found " + std::to_string(bins));

  const std::vector<Index> cases = complete_cases(factors, y);
  const std::size_t n = cases.size();
  const auto most = static_cast<std::size_t>(
      bins > 0 ? bins : std::clamp(static_cast<int>(std::lround(std::cbrt(static_cast<double>(n)))), 2, 50));
  Numbers output = of_cases(y, cases);
  const bool constant = is_constant(output);
  const double mean = mean_of(output);
  for (double& value : output) value -= mean;
  const double total = inner(output, output);
  const Numbers output_rank = centred_ranks(output, order_of(output));

  std::vector<Association> result;
  for (Index i = 0; i < factors.cols(); ++i) {
    const Numbers x = column(factors, i, cases);
    const std::vector<std::size_t> order = order_of(x);
    std::size_t distinct = 0;
    each_run(x, order, [&](std::size_t, std::size_t) { ++distinct; });

    Association& of = result.emplace_back();
    Numbers sum(most, 0.0), count(most, 0.0);
    std::size_t run = 0;
    each_run(x, order, [&](std::size_t from, std::size_t to) {
      const std::size_t bin = distinct <= most ? run : from * most / n;
      ++run;
      for (std::size_t k = from; k < to; ++k) sum[bin] += output[order[k]];
      count[bin] += static_cast<double>(to - from);
    });
    double between = 0.0;
    for (std::size_t b = 0; b < most; ++b) {
      if (count[b] == 0.0) continue;
      ++of.bins;
      between += sum[b] * sum[b] / count[b];
    }
    of.correlation_ratio = constant ? undefined : between / total;
    of.by_chance = n < 2 ? undefined : static_cast<double>(of.bins - 1) / static_cast<double>(n - 1);
    of.rank_correlation = constant ? unknown : rank_correlation(centred_ranks(x, order), output_rank, confidence);
  }
  return result;
}

OutputSummary summarise(std::span<const double> y, std::span<const double> percents, double confidence) {
  const char* where = "summary of an output";
  check_confidence(confidence, where);
  for (const double percent : percents) check_percent(percent, where);

  const Numbers sorted = sorted_finite(y);
  OutputSummary result;
  result.cases = sorted.size();
  result.failed = y.size() - sorted.size();

  result.mean = {mean_of(sorted), undefined, undefined};
  result.standard_deviation = undefined;
  if (sorted.size() > 1) {
    const double freedom = static_cast<double>(sorted.size() - 1);
    result.standard_deviation = std::sqrt(sum_of_squares(sorted, result.mean.value) / freedom);
    const double reach = boost::math::quantile(boost::math::students_t(freedom), 0.5 + 0.5 * confidence) *
                         result.standard_deviation / std::sqrt(freedom + 1.0);
    result.mean.low = result.mean.value - reach;
    result.mean.high = result.mean.value + reach;
  }

  const auto [low, high] = middle(confidence);
  result.band_low = percentile_of_sorted(sorted, low);
  result.band_high = percentile_of_sorted(sorted, high);
  result.lowest = percentile_of_sorted(sorted, 0.0);
  result.highest = percentile_of_sorted(sorted, 100.0);
  for (const double percent : percents) result.percentiles.push_back(percentile_of_sorted(sorted, percent));
  return result;
}

std::vector<std::size_t> worst_cases(std::span<const double> y, std::size_t count) {
  std::vector<std::size_t> cases;
  for (std::size_t k = 0; k < y.size(); ++k)
    if (std::isfinite(y[k])) cases.push_back(k);
  count = std::min(count, cases.size());
  std::partial_sort(cases.begin(), cases.begin() + static_cast<std::ptrdiff_t>(count), cases.end(),
                    [&](std::size_t a, std::size_t b) {
                      return std::abs(y[a]) != std::abs(y[b]) ? std::abs(y[a]) > std::abs(y[b]) : a < b;
                    });
  cases.resize(count);
  return cases;
}

double ResponseSurface::operator()(std::span<const double> x) const {
  if (x.size() != centre.size())
    refuse("response surface",
           "expected " + std::to_string(centre.size()) + " factors, found " + std::to_string(x.size()));
  double sum = 0.0;
  const auto z = [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    return i < 0 ? 1.0 : (x[at] - centre[at]) / scale[at];
  };
  for (const Term& term : terms) sum += term.coefficient * (z(term.first) * z(term.second));
  return sum;
}

ResponseSurface response_surface(const MatX& factors, std::span<const double> y, int folds, std::uint64_t seed) {
  const char* where = "response surface";
  check_sizes(factors, y, where);
  if (folds < 2) refuse(where, "expected 2 folds or more, found " + std::to_string(folds));

  const std::vector<Index> cases = complete_cases(factors, y);
  const std::size_t n = cases.size();
  const int d = static_cast<int>(factors.cols());
  ResponseSurface result;
  result.cases = n;
  result.dropped = y.size() - n;

  // a factor of one value has no terms, of two no square
  std::vector<int> values(static_cast<std::size_t>(d));
  for (int i = 0; i < d; ++i) {
    const Numbers x = column(factors, i, cases);
    const double mean = mean_of(x);
    Numbers some;
    for (const double value : x) {
      if (std::find(some.begin(), some.end(), value) == some.end()) some.push_back(value);
      if (some.size() == 3) break;
    }
    values[static_cast<std::size_t>(i)] = static_cast<int>(some.size());
    result.centre.push_back(mean);
    result.scale.push_back(some.size() < 2 ? 1.0 : std::sqrt(sum_of_squares(x, mean) / static_cast<double>(n)));
  }
  const auto values_of = [&](int i) { return values[static_cast<std::size_t>(i)]; };
  result.terms.push_back({});
  for (int i = 0; i < d; ++i)
    if (values_of(i) > 1) result.terms.push_back({i, -1, 0.0});
  for (int i = 0; i < d; ++i)
    for (int j = i; j < d; ++j)
      if (values_of(i) > (i == j ? 2 : 1) && values_of(j) > 1) result.terms.push_back({i, j, 0.0});
  const std::size_t terms = result.terms.size();
  if (n < terms)
    refuse(where, "expected at least as many cases as the " + std::to_string(terms) + " terms of a quadratic in " +
                      std::to_string(d) + " factors, found " + std::to_string(n));

  // folds by chance: the place of a case in a shuffled order
  const std::size_t fold_count = std::min(static_cast<std::size_t>(folds), n);
  std::vector<std::size_t> shuffled(n), fold(n);
  std::iota(shuffled.begin(), shuffled.end(), std::size_t{0});
  Uniform random(seed);
  for (std::size_t k = n; k > 1; --k) std::swap(shuffled[k - 1], shuffled[below(random, k)]);
  for (std::size_t k = 0; k < n; ++k) fold[shuffled[k]] = k % fold_count;

  // all that least squares need of a fold is its triangle of terms and output
  const Numbers output = of_cases(y, cases);
  const double mean = mean_of(output);
  const auto columns = static_cast<Index>(terms + 1);
  std::vector<MatX> parts;
  {
    std::vector<Triangle> triangles(fold_count, Triangle(columns));
    Numbers z(static_cast<std::size_t>(d));
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t i = 0; i < z.size(); ++i)
        z[i] = (factors(cases[k], static_cast<Index>(i)) - result.centre[i]) / result.scale[i];
      auto row = triangles[fold[k]].next();
      for (std::size_t t = 0; t < terms; ++t) row[static_cast<Index>(t)] = value_of(result.terms[t], z);
      row[columns - 1] = output[k] - mean;
    }
    for (Triangle& triangle : triangles) parts.emplace_back(triangle.rows());
  }

  const auto [coefficient, rank] = solve_least_squares(stacked(parts, fold_count));
  if (rank < columns - 1)
    refuse(where, "the factors of these cases determine each other: of " + std::to_string(terms) + " terms only " +
                      std::to_string(rank) + " can be told apart; leave a factor out");
  for (std::size_t t = 0; t < terms; ++t) result.terms[t].coefficient = coefficient[static_cast<Index>(t)];
  result.terms[0].coefficient += mean;

  const double total = is_constant(output) ? 0.0 : sum_of_squares(output, mean);
  const auto share = [&](double left) { return total > 0.0 ? 1.0 - left / total : undefined; };
  double left = 0.0, left_unseen = 0.0;
  for (const MatX& of : parts) left += squared_residual(of, coefficient);
  result.r_squared = share(left);
  result.residual_rms = std::sqrt(left / static_cast<double>(n));

  for (std::size_t f = 0; f < fold_count; ++f) {
    const auto [without, told_apart] = solve_least_squares(stacked(parts, f));
    left_unseen += told_apart < columns - 1 ? undefined : squared_residual(parts[f], without);
  }
  result.validated_r_squared = share(left_unseen);
  result.validated_rms = std::sqrt(left_unseen / static_cast<double>(n));
  return result;
}

}  // namespace psoas
