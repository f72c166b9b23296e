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

/// A value of the axis as a heading.
std::string heading_of(const TightnessStudy& question, double value) {
  if (question.axis == "s") return "s " + fixed_text(value, 2);
  if (question.axis == "delta_theta_deg") return short_text(value) + "°";
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

/// What measures of the hip are called for a reader, by what they start with; % is the moment borne.
struct Words {
  std::string_view start, words;
};
constexpr Words hip_words[] = {
    {"delta_theta_deg/", "Δθ: so much earlier the iliopsoas resists with 5 N·m"},
    {"extension_at_5_N_m_deg/", "extension at 5 N·m of the iliopsoas"},
    {"extension_at_borne_moment_deg/", "extension at %, iliopsoas and joint"},
    {"zero_passive_moment_deg/", "flexion at which all passive moments cancel"},
    {"prone_extension_deg/", "prone: extension at %, all tissue"},
    {"step_length/", "step length with this foot behind"},
    {"passive_moment/", "passive moment"},
    {"tone_moment/", "moment of raised tone"},
    {"torque_capacity/", "torque capacity"},
};

std::string label_of(const std::string& output, const TightnessStudy& question) {
  for (const auto& [start, words] : hip_words)
    if (output.starts_with(start)) {
      const std::size_t at = output.find("/at_");
      std::string label(words);
      if (const std::size_t moment = label.find('%'); moment != std::string::npos)
        label.replace(moment, 1, short_text(question.borne_moment) + " N·m");
      if (at != std::string::npos) label += " at " + output.substr(at + 4, output.size() - at - 8) + "°";
      return label;
    }
  if (question.studies.find(output.substr(0, output.find('/')))) return output.substr(output.find('/') + 1);
  return "value";
}

/// The lines of a block. Where both sides are tight the right one is told; where one is, that one.
void add_lines(const TightnessStudy& question, const Block& block, const std::vector<std::string>& hips,
               const std::string& side, std::vector<SummaryLine>& out) {
  const std::string told = side == "left" || hips.front() == "l" ? "l" : "r";
  std::string study_before;
  for (const auto& [name, series] : block.series) {
    const std::string first = name.substr(0, name.find('/'));
    if (!question.studies.find(first)) {
      if (!name.ends_with("/" + told) && name.find("_" + told + "/at_") == std::string::npos) continue;
    } else if (first != study_before) {
      const std::string& title = first;
      out.push_back({"  " + title, "", "", {}, 0});
      study_before = first;
    }
    if (name.starts_with("tone_moment/") &&
        std::all_of(series.values.begin(), series.values.end(), [](double value) { return !(value != 0.0); }))
      continue;
    const bool angle = series.unit == "rad";
    SummaryLine line{(study_before.empty() ? "  " : "    ") + label_of(name, question), angle ? "deg" : series.unit, "",
                     series.values, decimals_of(angle ? "deg" : series.unit)};
    if (angle)
      for (double& value : line.values) value = to_degrees(value);
    out.push_back(std::move(line));
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
      std::vector<std::string> headings;
      Warnings warnings;
      for (const double value : question.values) {
        if (options.progress) options.progress(done / steps, mechanism.words + (" " + short_text(value)));
        done += 1.0;
        const std::size_t row = block.axis_values.size();
        block.axis_values.push_back(value);
        const std::optional<TightModel> tight =
            tightness.at(mechanism, side, value, "/values/" + std::to_string(row), warnings);
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
          warnings.add(warning);
        models.push_back(*tight);
        headings.push_back(heading_of(question, value));
      }
      for (auto& [name, series] : block.series) series.values.resize(block.axis_values.size(), std::nan(""));
      for (const std::string& hip : tightness.hips())
        if (tightness.iliopsoas_alone(hip))
          warnings.add(
              "the model has no muscle but the iliopsoas about the hip: what is told of all tissue is of that and "
              "the joint");
      warnings.into(block);
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
    Block& block = *result.blocks.find(question.mechanisms.front() + "_" + estimated->side);
    for (const auto& [name, scalar] : estimated->scalars) block.scalars[name] = scalar;
    for (const std::string& warning : estimated->warnings) block.warnings.push_back(warning);
  }
  result.heading = (study.title.empty() ? "tightness" : study.title) + " · iliopsoas · " +
                   std::to_string(question.values.size()) + " values";
  if (options.brief) return result;

  for (const double value : question.values) result.columns.push_back(heading_of(question, value));
  for (const std::string& mechanism : question.mechanisms)
    for (const std::string& side : question.sides) {
      result.summary.push_back(
          {std::string(mechanism_of(mechanism).words) + ", " + side + (side == "both" ? " sides" : " side"),
           "",
           "",
           {},
           0});
      add_lines(question, *result.blocks.find(mechanism + "_" + side), tightness.hips(), side, result.summary);
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
    result.plots.push_back({file + ".svg",
                            table.description + ": " + mechanism_of(question.mechanisms.front()).words + ", " +
                                question.sides.front() + (question.sides.front() == "both" ? " sides" : " side"),
                            "N m", name});
  }
  for (const auto& [name, series] : first.series) {
    if (question.values.size() < 2 || result.plots.size() >= most_plots) break;
    if (name == mechanism_of(question.mechanisms.front()).name || name.find("/at_") != std::string::npos ||
        name.ends_with(question.sides.front() == "left" ? "/r" : "/l"))
      continue;
    std::string file = name;
    std::replace_if(
        file.begin(), file.end(), [](char c) { return c == '/' || c == ':' || c == ' '; }, '_');
    const bool of_study = question.studies.find(name.substr(0, name.find('/'))) != nullptr;
    result.plots.push_back({file + ".svg", of_study ? name : label_of(name, question), series.unit, name});
  }
  return result;
}

}  // namespace psoas
