// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/report/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "psoas/core/words.hpp"
#include "psoas/report/text.hpp"
#include "report/paint.hpp"

namespace psoas {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t most_scalars = 20, most_rows = 15, most_values = 8, widest_factor = 42, widest_table = 104;

/// The end of a long name, where pointers differ.
std::string short_name(const std::string& name) {
  const std::size_t width = text_width(name);
  if (width <= widest_factor) return name;
  std::size_t at = 0;
  for (std::size_t left = width - widest_factor + 1; left > 0; --left)
    while (++at < name.size() && (static_cast<unsigned char>(name[at]) & 0xC0u) == 0x80u)
      ;
  return "…" + name.substr(at);
}

std::string label(const DesignFactor& factor) {
  const std::size_t others = factor.zipped.size();
  return short_name(factor.factor.name) + (others == 0 ? "" : " + " + std::to_string(others));
}

std::string percent_text(double share) { return short_text(100.0 * share) + " %"; }

std::string counted(std::uint64_t count, const char* noun) {
  return with_separators(count) + " " + noun + (count == 1 ? "" : "s");
}

/// "0.314 (0.278 to 0.351)"
std::string with_interval(const Estimate& e, const std::function<std::string(double)>& text) {
  if (std::isnan(e.low) || std::isnan(e.value)) return text(e.value);
  return text(e.value) + " (" + text(e.low) + " to " + text(e.high) + ")";
}

/// Four digits, as forces are read: without an exponent up to millions.
std::string amount_text(double x) { return std::abs(x) >= 1e4 && std::abs(x) < 1e7 ? fixed_text(x, 0) : short_text(x); }

std::string share_text(double x) { return fixed_text(x, 3); }

/// How much a factor matters to a scalar.
double importance(const ScalarAnalysis& scalar, std::size_t factor) {
  const double x = scalar.sobol    ? scalar.sobol->total[factor].value
                   : scalar.morris ? scalar.morris->mu_star[factor].value
                                   : scalar.associations[factor].correlation_ratio;
  return std::isnan(x) ? -1.0 : x;
}

std::vector<std::size_t> by_importance(const SweepAnalysis& analysis, const ScalarAnalysis& scalar) {
  std::vector<std::size_t> order(analysis.factors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return importance(scalar, a) > importance(scalar, b); });
  return order;
}

std::string spread_table(const SweepAnalysis& analysis, const Paint& paint) {
  const double tail = 50.0 * (1.0 - analysis.confidence);
  bool any_without = false;
  for (const ScalarAnalysis& scalar : analysis.scalars) any_without = any_without || scalar.summary.failed > 0;
  std::vector<std::string> head = {
      "", "mean", "±", "sd", "lowest", short_text(tail) + " %", "median", short_text(100.0 - tail) + " %", "highest"};
  if (any_without) head.emplace_back("no number");
  const auto name_of = [](const ScalarAnalysis& scalar) {
    const std::string unit = readable_unit(scalar.scalar.unit);
    return scalar.scalar.name + (unit.empty() ? "" : " [" + unit + "]");
  };
  const auto cells = [&](const ScalarAnalysis& scalar, const std::string& first) {
    const OutputSummary& s = scalar.summary;
    std::vector<std::string> row = {first};
    for (const double x : {s.mean.value, s.mean.high - s.mean.value, s.standard_deviation, s.lowest, s.band_low,
                           s.percentiles.front(), s.band_high, s.highest})
      row.push_back(amount_text(x));
    if (any_without) row.push_back(std::to_string(s.failed));
    return row;
  };
  Rows in_line = {head}, below_name = {head};
  for (const ScalarAnalysis& scalar : analysis.scalars) {
    in_line.push_back(cells(scalar, name_of(scalar)));
    below_name.push_back({name_of(scalar)});
    below_name.push_back(cells(scalar, " "));
  }
  std::string text = aligned(in_line, "lrrrrrrrrr");
  std::size_t widest = 0;
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    widest = std::max(widest, text_width(std::string_view(text).substr(at, end - at)));
  }
  if (widest > widest_table) text = aligned(below_name, "lrrrrrrrrr");
  return paint.bold("spread") + " over the cases; the mean ± its " + percent_text(analysis.confidence) + " interval\n" +
         text;
}

/// A table of factors for one scalar.
std::string factor_table(const SweepAnalysis& analysis, const ScalarAnalysis& scalar,
                         const std::vector<std::size_t>& order) {
  Rows rows;
  const auto correlation = [&](std::size_t i) {
    return with_interval(scalar.associations[i].rank_correlation, [](double x) { return fixed_text(x, 2); });
  };
  if (scalar.sobol)
    rows.push_back({"  factor", "first-order index", "total index", "rank correlation"});
  else if (scalar.morris)
    rows.push_back({"  factor", "μ*", "μ", "σ", "slope"});
  else
    rows.push_back({"  factor", "correlation ratio", "by chance", "rank correlation"});
  const std::size_t shown = order.size() > most_rows ? most_rows - 1 : order.size();
  for (std::size_t k = 0; k < shown; ++k) {
    const std::size_t i = order[k];
    const std::string name = "  " + label(analysis.factors[i]);
    if (scalar.sobol)
      rows.push_back({name, with_interval(scalar.sobol->first[i], share_text),
                      with_interval(scalar.sobol->total[i], share_text), correlation(i)});
    else if (scalar.morris)
      rows.push_back({name, with_interval(scalar.morris->mu_star[i], amount_text),
                      amount_text(scalar.morris->mu[i].value), amount_text(scalar.morris->sigma[i].value),
                      amount_text(scalar.slopes[i])});
    else
      rows.push_back({name, share_text(scalar.associations[i].correlation_ratio),
                      share_text(scalar.associations[i].by_chance), correlation(i)});
  }
  std::string text = aligned(rows, "lrrrr");
  if (shown < order.size()) {
    const double most = importance(scalar, order[shown]);
    text += "  and " + counted(order.size() - shown, "factor") + " more, none above " +
            (scalar.morris ? amount_text(most) : share_text(most)) + "\n";
  }
  return text;
}

std::string counts_text(const ScalarAnalysis& scalar) {
  std::string text;
  if (scalar.sobol) text = counted(scalar.sobol->samples, "sample");
  if (scalar.morris)
    text = scalar.morris->trajectories == 1 ? "1 trajectory"
                                            : std::to_string(scalar.morris->trajectories) + " trajectories";
  const std::size_t left_out = scalar.sobol ? scalar.sobol->dropped : scalar.morris ? scalar.morris->dropped : 0;
  if (left_out > 0) text += ", " + std::to_string(left_out) + " left out that are not whole";
  return text;
}

std::string surface_text(const ScalarAnalysis& scalar) {
  if (!scalar.surface) return wrapped("no quadratic formula: " + scalar.no_surface, "  ");
  const ResponseSurface& s = *scalar.surface;
  const std::string unit = readable_unit(scalar.scalar.unit);
  return wrapped("quadratic formula: R² " + share_text(s.validated_r_squared) + " and error " +
                     amount_text(s.validated_rms) + (unit.empty() ? "" : " " + unit) +
                     " rms in cases that it was not fitted to (" + counted(s.terms.size(), "term") + ", " +
                     counted(s.cases, "case") + ")",
                 "  ");
}

std::string worst_text(const SweepAnalysis& analysis, const ScalarAnalysis& scalar,
                       const std::vector<std::size_t>& order) {
  if (scalar.worst.empty()) return "";
  std::string text = "  largest magnitudes\n";
  for (const NotedCase& one : scalar.worst) {
    std::vector<std::string> values;
    for (std::size_t k = 0; k < std::min(order.size(), most_values); ++k) {
      const std::string& name = analysis.factors[order[k]].factor.name;
      const auto at = std::find(analysis.columns.begin(), analysis.columns.end(), name) - analysis.columns.begin();
      values.push_back(short_name(name) + " " + amount_text(one.factors[static_cast<std::size_t>(at)]));
    }
    if (order.size() > most_values) values.emplace_back("…");
    text += wrapped("case " + std::to_string(one.index) + ": " + amount_text(one.value) + " with " + join(values, ", "),
                    "    ");
  }
  return text;
}

}  // namespace

std::string analysis_text(const SweepAnalysis& analysis, bool colour) {
  const Paint paint{colour};
  std::string out = paint.bold(analysis.title.empty() ? "sweep" : analysis.title) + " · " + analysis.sampler + " · " +
                    counted(analysis.factors.size(), "factor") + " · " + counted(analysis.cases, "case") + "\n";
  std::vector<std::string> counts;
  for (std::size_t i = 0; i < analysis.finished.size(); ++i)
    if (analysis.finished[i] > 0)
      counts.push_back(with_separators(analysis.finished[i]) + " " + readable_name(case_status_words[i]));
  out += join(counts, ", ");
  if (analysis.missing > 0) out += paint.bad(", " + with_separators(analysis.missing) + " missing");
  out += "\n";
  if (analysis.correlated)
    out += wrapped("Some factors are correlated: a share of the variance then belongs to no single one of them.", "");
  out += "\n" + spread_table(analysis, paint);

  const std::size_t shown = std::min(analysis.scalars.size(), most_scalars);
  for (std::size_t k = 0; k < shown; ++k) {
    const ScalarAnalysis& scalar = analysis.scalars[k];
    const OutputSummary& s = scalar.summary;
    out += "\n" + paint.bold(scalar.scalar.name);
    if (s.cases == 0) {
      out += "\n  has no number in any case\n";
      continue;
    }
    if (s.highest - s.lowest <= 1e-12 * std::max(std::abs(s.lowest), std::abs(s.highest))) {
      out += "\n  is the same in all cases\n";
      continue;
    }
    const std::string detail = counts_text(scalar);
    out += (detail.empty() ? "" : " · " + detail) + "\n";
    const std::vector<std::size_t> order = by_importance(analysis, scalar);
    out += factor_table(analysis, scalar, order) + surface_text(scalar) + worst_text(analysis, scalar, order);
  }
  if (shown < analysis.scalars.size())
    out += "\n… and " + counted(analysis.scalars.size() - shown, "scalar") +
           " more, all of them in the file; --scalar chooses\n";
  return out;
}

}  // namespace psoas
