// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/answer.hpp"

#include <algorithm>
#include <cmath>

#include "model/parts.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// The one number of an edit with `match`, and the value of it that changes nothing.
struct MatchedNumber {
  double* number = nullptr;
  double neutral = 0.0;
  std::string verb, field;
};

MatchedNumber number_of(Edit& edit, const ModelSpec& base) {
  for (auto& [field, factor] : edit.scale) return {&factor, 1.0, "scale", field};
  for (auto& [field, amounts] : edit.shift)
    if (amounts.size() == 1) return {&amounts.front(), 0.0, "shift", field};
  for (auto& [field, value] : edit.set) {
    if (value.word || value.numbers.size() != 1) continue;
    MatchedNumber out{&value.numbers.front(), 0.0, "set", field};
    // the value that the first selected muscle has now
    for (const std::string& selection : edit.muscles)
      for (const std::string& name : select_muscles(base, selection)) {
        MuscleSpec::each(*base.muscles.find(name),
                         [&, &wanted = field](const char* key, const auto& member, const Info&) {
                           if constexpr (std::is_same_v<std::decay_t<decltype(member)>, double>)
                             if (wanted == key) out.neutral = member;
                         });
        return out;
      }
    return out;
  }
  return {};
}

}  // namespace

std::vector<std::string> find_matches(const ModelSpec& unedited, const ModelSpec& base, const std::string& pointer,
                                      std::vector<Edit>& edits, std::vector<Problem>& problems) {
  StudyMemory memory;
  return find_matches(unedited, base, pointer, edits, problems, memory);
}

std::vector<std::string> find_matches(const ModelSpec& unedited, const ModelSpec& base, const std::string& pointer,
                                      std::vector<Edit>& edits, std::vector<Problem>& problems, StudyMemory& memory) {
  std::vector<std::string> sentences;
  if (std::none_of(edits.begin(), edits.end(), [](const Edit& edit) { return edit.match_delta_theta_deg.has_value(); }))
    return sentences;
  ModelMemory& models = memory.inside().models;
  const Model reference = models.compile(unedited);
  ModelSpec before = base;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    Edit& edit = edits[i];
    const std::string here = pointer + "/" + std::to_string(i);
    if (edit.match_delta_theta_deg) {
      const double target = *edit.match_delta_theta_deg;
      edit.match_delta_theta_deg.reset();
      const MatchedNumber matched = number_of(edit, before);
      const double start = *matched.number;
      // the side that the edit is about, the right one where it is about both
      std::string side = "l";
      for (const std::string& selection : edit.muscles)
        for (const std::string& name : select_muscles(before, selection))
          if (name.size() > 2 && name.substr(name.size() - 2) == "_r") side = "r";
      std::string fault;
      const auto shift_at = [&](double value) {
        *matched.number = value;
        ModelSpec spec = before;
        std::vector<Problem> wrong;
        apply({edit}, here, spec, wrong);
        if (!wrong.empty()) {
          fault = wrong.front().text;
          return std::nan("");
        }
        return delta_theta_deg(reference, models.compile(spec), side, memory) - target;
      };
      // From the value that changes nothing past the one given, in growing steps, until the shift is large enough.
      double low = matched.neutral, high = start, at_low = shift_at(low), at_high = shift_at(high);
      for (int k = 0; k < 12 && start != matched.neutral && std::isfinite(at_high) && at_high < 0.0; ++k) {
        low = high, at_low = at_high;
        high += 0.5 * (high - matched.neutral);
        at_high = shift_at(high);
      }
      Root root;
      if (at_low < 0.0 && at_high >= 0.0)
        root = bisection_root(shift_at, low, high, {.x = 1e-12 * std::abs(high - matched.neutral), .value = 1e-6});
      if (!root.converged) {
        problems.push_back(
            {here + "/match",
             "expected a " + matched.verb + " of " + matched.field + " near " + shortest_text(start) + " that gives " +
                 shortest_text(target) + " deg of lost hip extension, found " +
                 (!fault.empty()           ? fault
                  : std::isfinite(at_high) ? fixed_text(at_high + target, 2) + " deg at " + shortest_text(high)
                                           : "no angle with 5 N m at " + shortest_text(high))});
        *matched.number = start;
      } else {
        *matched.number = root.x;
        sentences.push_back("matched: " + matched.verb + " " + matched.field + " " + shortest_text(root.x) + " gives " +
                            shortest_text(target) + "° of lost hip extension (" + here + ")");
      }
    }
    std::vector<Problem> ignored;  // the caller applies them all and hears of every problem then
    apply({edit}, here, before, ignored);
  }
  return sentences;
}

std::vector<Variant> compile_variants(const Study& study, StudyMemory& memory) {
  std::vector<Variant> out;
  std::vector<Problem> problems;
  ModelMemory& models = memory.inside().models;
  const auto add = [&](const std::string& name, const std::vector<Edit>& edits) {
    if (edits.empty()) return out.push_back({name, study.edits, models.compile(study.model), study.matched});
    ModelSpec spec = study.model;
    const std::size_t before = problems.size();
    std::vector<Edit> own = edits;
    std::vector<std::string> matched = study.matched;
    for (std::string& sentence : find_matches(study.unedited, spec, "/variants/" + name, own, problems, memory))
      matched.push_back(std::move(sentence));
    if (problems.size() == before) apply(own, "/variants/" + name, spec, problems);
    std::vector<Edit> all = study.edits;
    all.insert(all.end(), own.begin(), own.end());
    if (problems.size() == before) out.push_back({name, std::move(all), models.compile(spec), std::move(matched)});
  };
  if (study.variants.empty()) add("", {});
  for (const auto& [name, edits] : study.variants) add(name, edits);
  if (!problems.empty()) {
    std::string text;
    for (const Problem& problem : problems)
      text += (text.empty() ? "" : "\n" + study.place(problem.pointer) + ": ") + problem.text;
    throw Error(Kind::input, study.place(problems.front().pointer), text);
  }
  return out;
}

std::size_t moved_body(const ModelData& data, int coordinate) {
  int tree = data.tree_coordinate[static_cast<std::size_t>(coordinate)];
  if (tree < 0)
    tree = static_cast<int>(std::find_if(data.couplings.begin(), data.couplings.end(),
                                         [&](const Coupling& one) { return one.source == coordinate; }) -
                            data.couplings.begin());
  return static_cast<std::size_t>(data.tree.coordinate_body[static_cast<std::size_t>(tree)]);
}

int find_coordinate(const Study& study, const Model& model, const std::string& name, const std::string& pointer) {
  const auto& names = model.data().coordinate_names;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<int>(found - names.begin());
  const auto& joint_names = model.data().tree_coordinate_names;
  const bool coupled = std::find(joint_names.begin(), joint_names.end(), name) != joint_names.end();
  throw Error(
      Kind::input, study.place(pointer),
      coupled ? "expected an independent coordinate, found \"" + name + "\", which follows another one"
              : "expected an independent coordinate of the model, found \"" + name + "\"" + did_you_mean(name, names));
}

int check_coordinate(const Study& study, const Model& model, const std::string& name, double value,
                     const std::string& pointer) {
  const int c = find_coordinate(study, model, name, pointer);
  if (!model.data().is_rotation[at(c)]) return c;
  const std::array<double, 2> range = model.spec().coordinates.find(name)->range;
  const auto inside = [&](double angle) { return angle >= range[0] - 1e-9 && angle <= range[1] + 1e-9; };
  const bool looks_like_degrees = !inside(value) && inside(degrees(value)) && std::abs(value) > 2.0;
  if (std::abs(value) > 4.0 * pi || looks_like_degrees)
    throw Error(
        Kind::input, study.place(pointer),
        "expected an angle in radians" +
            (range[1] - range[0] < 100.0 ? " (range " + fixed_text(range[0], 3) + " to " + fixed_text(range[1], 3) + ")"
                                         : std::string()) +
            ", found " + shortest_text(value) +
            (looks_like_degrees ? "; that looks like degrees: " + shortest_text(degrees(value)) + " rad" : ""));
  return c;
}

void set_coordinates(const Study& study, const Model& model, const Named<double>& values, const std::string& pointer,
                     State& state) {
  for (const auto& [name, value] : values)
    state.q()[at(check_coordinate(study, model, name, value, pointer + "/" + name))] = value;
}

bool edits_iliopsoas(const Model& model, const std::vector<Edit>& edits) {
  const std::vector<std::string> group = select_muscles(model.spec(), "group:iliopsoas");
  for (const Edit& edit : edits) {
    bool touches = false;
    const auto see = [&](const auto& fields) {
      for (const auto& [field, value] : fields) touches = touches || is_shortening_field(field);
    };
    see(edit.set), see(edit.scale), see(edit.shift);
    if (!touches) continue;
    for (const std::string& selection : edit.muscles)
      for (const std::string& muscle : select_muscles(model.spec(), selection))
        if (std::find(group.begin(), group.end(), muscle) != group.end()) return true;
  }
  return false;
}

std::vector<SummaryLine> delta_theta_lines(const Study& study, const std::vector<Variant>& variants,
                                           const RunOptions& options, Result& result) {
  if (!options.delta_theta) return {};
  StudyMemory& memory = *options.memory;
  if (std::all_of(variants.begin(), variants.end(), [](const Variant& variant) { return variant.edits.empty(); }))
    return {};
  const Model unedited = memory.inside().models.compile(study.unedited);
  if (std::none_of(variants.begin(), variants.end(),
                   [&](const Variant& variant) { return edits_iliopsoas(unedited, variant.edits); }))
    return {};
  std::vector<SummaryLine> lines;
  bool found_right = false;
  for (const char* side : {"r", "l"}) {
    SummaryLine line{std::string("Δθ at 5 N·m, ") + (*side == 'r' ? "right" : "left"),
                     "deg",
                     "by so much earlier the iliopsoas resists extension",
                     {},
                     1};
    bool tone = false, found = true;
    for (const Variant& variant : variants) {
      line.values.push_back(delta_theta_deg(unedited, variant.model, side, memory));
      if (iliopsoas_of(unedited, side))
        result.blocks[variant.name].scalars[std::string("delta_theta_deg/") + side] = {line.values.back(), "deg"};
      found = found && std::isfinite(line.values.back());
      for (const Edit& edit : variant.edits) tone = tone || edit.set.find("minimum_activation");
    }
    if (*side == 'r') found_right = found;
    if (!iliopsoas_of(unedited, side))
      line.note = std::string("the model has no group iliopsoas that crosses hip_flexion_") + side;
    else if (!found)
      line.note = "–: the moment at rest does not pass 5 N·m between 120° of flexion and 60° of extension";
    else if (tone)
      line.note += "; raised tone resists too";
    lines.push_back(line);
  }
  // sides that differ only because the subject's do need no rows of their own
  const auto alike = [](double a, double b) { return (std::isnan(a) && std::isnan(b)) || std::abs(a - b) < 0.5; };
  if (std::equal(lines[0].values.begin(), lines[0].values.end(), lines[1].values.begin(), alike)) {
    lines.pop_back();
    lines[0].label = "Δθ at 5 N·m";
    if (found_right) lines[0].note += "; right, left within 0.5°";
  }
  return lines;
}

void credit_fitted_paths(const Model& model, Block& block) {
  if (model.data().fitted.empty()) return;
  double length = 0.0, arm = 0.0, squares = 0.0;
  std::string of_length, of_arm;
  for (const auto& [name, muscle] : model.spec().muscles) {
    const FittedSpec& fitted = *muscle.fitted;
    if (of_length.empty() || fitted.worst_length_error > length) of_length = name;
    if (of_arm.empty() || fitted.worst_moment_arm_error > arm) of_arm = name;
    length = std::max(length, fitted.worst_length_error);
    arm = std::max(arm, fitted.worst_moment_arm_error);
    squares += fitted.rms_moment_arm_error * fitted.rms_moment_arm_error;
  }
  const double rms = std::sqrt(squares / static_cast<double>(model.spec().muscles.size()));
  const std::string source =
      "psoas: postures all over the ranges, inside the declared domain, in which the exact path has a length";
  block.credibility.push_back(
      {"paths: fitted, worst length error", "mm", source, of_length, 1e3 * length, 1.0, length <= 1e-3});
  block.credibility.push_back({"paths: fitted, worst moment arm error", "mm", source,
                               of_arm + "; root mean square " + fixed_text(1e3 * rms, 3) + " mm", 1e3 * arm, 5.0,
                               arm <= 5e-3});
}

std::vector<std::string> edit_warnings(const Study& study, const Variant& variant) {
  std::vector<std::string> out = variant.matched;
  double least = 1.0;
  for (const std::string& name : select_muscles(study.unedited, "group:iliopsoas"))
    if (const MuscleSpec* now = variant.model.spec().muscles.find(name))
      least = std::min(least, now->optimal_fibre_length / study.unedited.muscles.find(name)->optimal_fibre_length);
  if (least < 0.85 - 1e-9)
    out.push_back("iliopsoas at " + fixed_text(least, 2) +
                  " of its optimal fibre length: beyond what was ever observed (0.85 is a severe fixed deformity)");
  return out;
}

}  // namespace psoas
