// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/result.hpp"

#include <algorithm>
#include <array>

#include "study/reduction.hpp"

namespace psoas {
namespace {

constexpr std::array<std::string_view, 7> reductions = {"peak",  "min",     "peak_abs",    "mean",
                                                        "final", "impulse", "time_of_peak"};

bool over_time(const Block& block) { return block.axis == "time"; }
bool needs_time(std::string_view reduction) { return reduction == "impulse" || reduction == "time_of_peak"; }

Scalar reduced(const Block& block, const Series& series, std::string_view reduction) {
  Reduction all;
  for (std::size_t i = 0; i < series.values.size(); ++i) all.add(block.axis_values[i], series.values[i], i > 0);
  if (reduction == "peak") return {all.peak, series.unit};
  if (reduction == "min") return {all.min, series.unit};
  if (reduction == "peak_abs") return {all.peak_abs, series.unit};
  if (reduction == "mean") return {all.mean(), series.unit};
  if (reduction == "final") return {all.final(), series.unit};
  if (reduction == "impulse") return {all.impulse(), impulse_unit(series.unit)};
  return {all.time_of_peak, "s"};
}

}  // namespace

std::string column_prefix(const Result& result, const std::string& variant) {
  return result.blocks.begin()->first == variant ? "" : variant + ":";
}

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
