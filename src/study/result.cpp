// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/result.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace psoas {
namespace {

constexpr std::array<std::string_view, 7> reductions = {"peak",  "min",     "peak_abs",    "mean",
                                                        "final", "impulse", "time_of_peak"};

bool over_time(const Block& block) { return block.axis == "time"; }
bool needs_time(std::string_view reduction) { return reduction == "impulse" || reduction == "time_of_peak"; }

Scalar reduced(const Block& block, const Series& series, std::string_view reduction) {
  const std::vector<double>& y = series.values;
  const auto x = [&](std::size_t i) { return block.axis_values[i]; };
  std::size_t count = 0, best = y.size();
  const auto better = [&](double a, double b) {
    return reduction == "min" ? a < b : reduction == "peak_abs" ? std::abs(a) > std::abs(b) : a > b;
  };
  double sum = 0.0, impulse = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isnan(y[i])) continue;
    ++count;
    sum += y[i];
    if (best == y.size() || better(y[i], y[best])) best = i;
    if (i > 0 && !std::isnan(y[i - 1])) impulse += 0.5 * (y[i] + y[i - 1]) * (x(i) - x(i - 1));
  }
  const double none = std::nan("");
  if (reduction == "mean") return {count > 0 ? sum / static_cast<double>(count) : none, series.unit};
  if (reduction == "final") return {y.empty() ? none : y.back(), series.unit};
  if (reduction == "impulse") return {count > 0 ? impulse : none, series.unit == "1" ? "s" : series.unit + " s"};
  if (reduction == "time_of_peak") return {best < y.size() ? x(best) : none, "s"};
  return {best < y.size() ? y[best] : none, series.unit};
}

}  // namespace

std::optional<Scalar> find_scalar(const Block& block, std::string_view name) {
  if (const Scalar* scalar = block.scalars.find(name)) return *scalar;
  const std::size_t space = name.find(' ');
  if (space == name.npos) return {};
  const std::string_view reduction = name.substr(0, space);
  if (std::find(reductions.begin(), reductions.end(), reduction) == reductions.end()) return {};
  if (needs_time(reduction) && !over_time(block)) return {};
  const Series* series = block.series.find(name.substr(space + 1));
  if (!series) return {};
  return reduced(block, *series, reduction);
}

std::vector<std::string> scalar_names(const Block& block) {
  std::vector<std::string> names;
  for (const auto& [name, scalar] : block.scalars) names.push_back(name);
  const std::size_t told = names.size();
  for (const auto& [name, series] : block.series)
    for (const std::string_view reduction : reductions) {
      if (needs_time(reduction) && !over_time(block)) continue;
      std::string full = std::string(reduction) + " " + name;
      if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(told), full) ==
          names.begin() + static_cast<std::ptrdiff_t>(told))
        names.push_back(std::move(full));
    }
  return names;
}

}  // namespace psoas
