// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/tightness.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

constexpr std::size_t most_plots = 24;

/// Units of angles and forces of joints are told with the digits that are worth it.
int decimals_of(const std::string& unit) {
  if (unit == "deg") return 2;
  if (unit == "N m" || unit == "N") return 1;
  return 3;
}

void warn(Block& block, const std::string& warning) {
  if (std::find(block.warnings.begin(), block.warnings.end(), warning) == block.warnings.end())
    block.warnings.push_back(warning);
}

/// A value of the axis as a heading.
std::string heading_of(const TightnessStudy& question, double value) {
  if (question.axis == "s") return "s " + fixed_text(value, 2);
  if (question.axis == "lost_hip_extension_deg") return short_text(value) + "°";
  return short_text(value);
}

std::string axis_of(const TightnessStudy& question) {
  if (question.axis != "value") return question.axis;
  return mechanism_of(question.mechanisms.front()).name;
}

/// Active and passive torque of the iliopsoas of one side over hip flexion, a column a value.
void torque_tables(const Study& study, const TightnessStudy& question, const std::vector<TightModel>& models,
                   const std::vector<std::string>& headings, const std::string& hip, StudyMemory& memory,
                   Block& block) {
  TorqueCurveStudy curve;
  curve.coordinate = "hip_flexion_" + hip;
  curve.muscles = {"group:iliopsoas_" + hip};
  curve.from_deg = question.from_deg, curve.to_deg = question.to_deg, curve.step_deg = question.step_deg;
  Study inner = study;
  inner.outputs.clear();
  inner.variants.clear();
  for (std::size_t i = 0; i < models.size(); ++i) inner.variants.push_back({std::to_string(i), models[i].edits});
  inner.question = curve;
  const Result curves = run(inner, {.progress = {}, .memory = &memory, .brief = true, .delta_theta = false});
  for (const auto& [quantity, words] :
       {std::pair{"passive_torque", "Passive flexion torque of the iliopsoas"},
        std::pair{"total_torque", "Active and passive flexion torque of the iliopsoas, fully active"}}) {
    const std::string name = quantity + ("/" + curve.coordinate);
    ResultTable& table = block.tables[name];
    table.description = words;
    table.columns = {{curve.coordinate + "_deg", "deg"}};
    for (const std::string& heading : headings) table.columns.push_back({heading, "N m"});
    const std::vector<double>& angles = curves.blocks.begin()->second.axis_values;
    for (std::size_t k = 0; k < angles.size(); ++k) {
      table.labels.push_back(short_text(angles[k]) + "°");
      table.rows.push_back({angles[k]});
      for (const auto& [variant, one] : curves.blocks) table.rows.back().push_back(one.series.find(name)->values[k]);
    }
  }
}

/// The lines of a block: what does not differ between the sides of a symmetric case is told of the right one.
void add_lines(const Block& block, const std::vector<std::string>& hips, bool both, std::vector<SummaryLine>& out) {
  for (const auto& [name, series] : block.series) {
    const bool of_left = name.ends_with("/l") || name.find("_l/") != std::string::npos;
    if (both && hips.size() > 1 && of_left) continue;
    out.push_back({"  " + name, series.unit, "", series.values, decimals_of(series.unit)});
  }
}

}  // namespace

Result answer(const Study& study, const TightnessStudy& question, const RunOptions& options) {
  if (!study.variants.empty())
    throw Error(Kind::input, study.place("/variants"), "expected none: this study compares degrees of tightness");
  if (!study.outputs.empty())
    throw Error(Kind::input, study.place("/outputs"),
                "expected none: a study of tightness has its own, and what \"record\" of its studies names");
  StudyMemory& memory = *options.memory;
  Tightness tightness(study, question, memory);
  Result result;
  const double steps = static_cast<double>(question.mechanisms.size() * question.sides.size() * question.values.size());
  double done = 0.0;
  for (const std::string& mechanism_name : question.mechanisms) {
    const Mechanism& mechanism = mechanism_of(mechanism_name);
    for (const std::string& side : question.sides) {
      Block& block = result.blocks[mechanism_name + "_" + side];
      block.axis = axis_of(question);
      block.axis_unit = question.axis == "value" ? mechanism.unit : question.axis == "s" ? "1" : "deg";
      std::vector<TightModel> models;
      std::vector<std::string> headings, warnings;
      for (const double value : question.values) {
        if (options.progress) options.progress(done / steps, mechanism.words + (" " + short_text(value)));
        done += 1.0;
        const std::size_t row = block.axis_values.size();
        block.axis_values.push_back(value);
        const std::optional<TightModel> tight = tightness.at(mechanism, side, value, warnings);
        if (!tight) continue;
        const auto put = [&](const std::string& name, const Scalar& scalar) {
          Series& series = block.series[name];
          series.unit = scalar.unit;
          series.values.resize(row, std::nan(""));
          series.values.push_back(scalar.value);
        };
        if (question.axis != "value") put(mechanism.name, {tight->value, mechanism.unit});
        for (const auto& [name, scalar] : tightness.outcome(*tight, "", warnings)) put(name, scalar);
        for (const std::string& warning : edit_warnings(study, {"", tight->edits, tight->model, study.matched}))
          warnings.push_back(warning);
        models.push_back(*tight);
        headings.push_back(heading_of(question, value));
      }
      for (auto& [name, series] : block.series) series.values.resize(block.axis_values.size(), std::nan(""));
      for (const std::string& warning : warnings) warn(block, warning);
      credit_fitted_paths(tightness.unedited(), block);
      if (!models.empty() && !options.brief)
        for (const std::string& hip : tightness.hips())
          if (side == "both" ? hip == tightness.hips().front() : side.substr(0, 1) == hip)
            torque_tables(study, question, models, headings, hip, memory, block);
    }
  }
  std::optional<TightnessEstimate> estimated;
  if (question.measured) {
    estimated = estimate(study, question, tightness);
    Block& first = result.blocks.begin()->second;
    for (const auto& [name, scalar] : estimated->scalars) first.scalars[name] = scalar;
    for (const std::string& warning : estimated->warnings) warn(first, warning);
  }
  result.heading = (study.title.empty() ? "tightness" : study.title) + " · iliopsoas · " +
                   std::to_string(question.values.size()) + " values";
  if (options.brief) return result;

  for (const double value : question.values) result.columns.push_back(heading_of(question, value));
  for (const std::string& mechanism : question.mechanisms)
    for (const std::string& side : question.sides) {
      result.summary.push_back({std::string(mechanism_of(mechanism).words) + ", " + side +
                                    (side == "both" ? " sides" : " side") +
                                    (side == "both" && tightness.hips().size() > 1 ? " (right one told)" : ""),
                                "",
                                "",
                                {},
                                0});
      add_lines(*result.blocks.find(mechanism + "_" + side), tightness.hips(), side == "both", result.summary);
    }
  if (estimated) result.notes.push_back(estimated->sentence);
  if (!study.note.empty()) result.notes.push_back(study.note);
  result.notes.push_back(
      "Shortening is put in, its consequences come out; that people with a short iliopsoas have them is another "
      "question "
      "(docs/tightness.md). Passive ranges are those of model tissue, not of what a person lets be done. No "
      "diagnosis.");
  const Block& first = result.blocks.begin()->second;
  for (const auto& [name, table] : first.tables) {
    std::string file = name;
    std::replace(file.begin(), file.end(), '/', '_');
    result.plots.push_back({file + ".svg", table.description, "N m", name});
  }
  for (const auto& [name, series] : first.series) {
    if (question.values.size() < 2 || result.plots.size() >= most_plots) break;
    if (name.find("/at_") != std::string::npos || name.ends_with("/l")) continue;
    std::string file = name;
    std::replace_if(
        file.begin(), file.end(), [](char c) { return c == '/' || c == ':' || c == ' '; }, '_');
    result.plots.push_back({file + ".svg", name, series.unit, name});
  }
  return result;
}

}  // namespace psoas
