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

std::optional<Iliopsoas> iliopsoas_of(const Model& model, const std::string& side) {
  const std::string group = "group:iliopsoas_" + side, hip = "hip_flexion_" + side;
  const auto& names = model.data().coordinate_names;
  if (select_muscles(model.spec(), group).empty() || std::find(names.begin(), names.end(), hip) == names.end())
    return {};
  return Iliopsoas{model.select(group), model.coordinate(hip)};
}

namespace {

/// The iliopsoas of one side of a model over hip flexion, all else in the default state and at rest.
class HipFlexion {
 public:
  HipFlexion(const Model& reference, const Model& model, Iliopsoas muscles)
      : model_(model),
        hip_(muscles.hip),
        muscles_(std::move(muscles.muscles)),
        fibre_(muscles_.size()),
        force_(muscles_.size()),
        still_(muscles_.size(), 0.0) {
    const ModelData &data = model_.data(), &other = reference.data();
    std::vector<MuscleParameters> units;
    for (const int m : muscles_) {
      units.push_back(data.units[at(m)]);
      const auto before = std::find(other.muscle_names.begin(), other.muscle_names.end(), data.muscle_names[at(m)]);
      const double least =
          before == other.muscle_names.end()
              ? inf
              : other.units[static_cast<std::size_t>(before - other.muscle_names.begin())].minimum_activation;
      tone_.push_back(std::max(0.0, units.back().minimum_activation - least));
    }
    batch_ = MuscleBatch(units);
  }

  std::size_t size() const { return muscles_.size(); }
  /// What the least activation of each muscle exceeds the reference's by.
  const std::vector<double>& tone() const { return tone_; }
  const std::vector<int>& muscles() const { return muscles_; }

  /// Path lengths and then moment arms of the muscles at a hip flexion [rad].
  void paths(double angle, std::span<double> out) {
    if (!work_) {
      work_.emplace(model_);
      q_ = model_.data().default_coordinates;
      speeds_.assign(q_.size(), 0.0);
    }
    q_[at(hip_)] = angle;
    evaluate(model_, q_, speeds_, *work_, muscles_);
    for (std::size_t k = 0; k < size(); ++k) {
      out[k] = work_->length[at(muscles_[k])];
      out[size() + k] = moment_arm(model_, *work_, muscles_[k], hip_);
    }
  }

  /// Moment that resists extension [N m] with such paths.
  double moment(std::span<const double> paths) {
    batch_.rigid(paths.first(size()), still_, fibre_, force_);
    double sum = 0.0;
    for (std::size_t k = 0; k < size(); ++k)
      sum += paths[size() + k] * (force_.passive[k] + tone_[k] * force_.active[k]);
    return sum;
  }

 private:
  const Model& model_;
  int hip_;
  std::vector<int> muscles_;
  std::vector<double> tone_, q_, speeds_;
  MuscleBatch batch_;
  BatchFibres fibre_;
  BatchForces force_;
  std::vector<double> still_;
  std::optional<Workspace> work_;
};

constexpr double most_flexion = 120.0, most_extension = 60.5;  // [deg]
constexpr std::size_t whole_degrees = 181;
constexpr double angle_tolerance = 1e-12;  // [rad]

}  // namespace

double angle_of_passive_moment(const Model& reference, const Model& model, const std::string& side, double torque,
                               StudyMemory& memory) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  StudyMemory::Impl& kept = memory.inside();
  HipFlexion hip(reference, model, *muscles);

  // Lengths and moment arms in whole degrees are those of all models of the same structure.
  const std::uint64_t structure = kept.models.structure_of(model);
  Bytes key;
  key.add(structure);
  key.add(side);
  std::shared_ptr<FrameNumbers> sweep = structure > 0 ? kept.hip_sweeps.find(key) : nullptr;
  if (!sweep) {
    sweep = kept.hip_sweeps.fresh();
    sweep->reset(whole_degrees, 2 * hip.size());
    if (structure > 0) kept.hip_sweeps.keep(key, sweep);
  }
  key.add(torque);
  key.add(hip.tone());
  key.add(model.spec().specific_tension);
  for (const int m : hip.muscles()) add_mechanics((model.spec().muscles.begin() + m)->second, key);
  if (structure > 0)
    if (const std::shared_ptr<double> found = kept.hip_angles.find(key)) return *found;

  std::vector<double> here(2 * hip.size());
  const auto angle = [&] {
    const double step = degrees(1.0);
    double high = degrees(most_flexion), at_high = 0.0;
    int whole = 0;
    const auto excess_at_whole = [&](double angle) {
      if (!sweep->has(whole)) hip.paths(angle, sweep->fill(whole));
      return hip.moment(sweep->of(whole++)) - torque;
    };
    at_high = excess_at_whole(high);
    if (at_high >= 0.0) return std::nan("");
    for (double low = high - step; low > degrees(-most_extension); low -= step) {
      const double at_low = excess_at_whole(low);
      if (at_low >= 0.0) {
        // Newton's steps with the slope between the last two places
        double last = low, last_value = at_low;
        const auto excess = [&](double x) {
          const bool end = x == low || x == high;
          if (!end) hip.paths(x, here);
          const double value = end ? (x == low ? at_low : at_high) : hip.moment(here) - torque;
          const double slope = (value - last_value) / (x - last);
          last = x, last_value = value;
          return std::pair(value, slope);
        };
        return newton_root(excess, low, high, {.x = angle_tolerance}, low + step * at_low / (at_low - at_high)).x;
      }
      high = low, at_high = at_low;
    }
    return std::nan("");
  }();
  if (structure > 0) {
    const std::shared_ptr<double> found = kept.hip_angles.fresh();
    *found = angle;
    kept.hip_angles.keep(std::move(key), found);
  }
  return angle;
}

double passive_moment_at(const Model& reference, const Model& model, const std::string& side, double angle) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  HipFlexion hip(reference, model, *muscles);
  std::vector<double> paths(2 * hip.size());
  hip.paths(angle, paths);
  return hip.moment(paths);
}

double angle_of_hip_moment(const Model& reference, const Model& model, const std::string& side, double torque) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  HipFlexion hip(reference, model, *muscles);
  const ModelData& data = model.data();
  std::vector<double> paths(2 * hip.size());
  const auto excess = [&](double angle) {
    hip.paths(angle, paths);
    double sum = hip.moment(paths) - torque;
    for (const PassiveTorque& one : data.passive)
      if (const Coupling& coupling = data.couplings[at(one.coordinate)];
          coupling.source == muscles->hip && coupling.identity)
        sum += one.at(angle, 0.0).force;
    return sum;
  };
  const Root root = bisection_root(excess, degrees(-most_extension), degrees(most_flexion), {.x = 1e-9});
  return root.converged ? root.x : std::nan("");
}

double delta_theta_deg(const Model& reference, const Model& model, const std::string& side) {
  StudyMemory memory;
  return delta_theta_deg(reference, model, side, memory);
}

double delta_theta_deg(const Model& reference, const Model& model, const std::string& side, StudyMemory& memory) {
  return to_degrees(angle_of_passive_moment(reference, model, side, 5.0, memory) -
                    angle_of_passive_moment(reference, reference, side, 5.0, memory));
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
                     "lost hip extension, as a clinician would measure it",
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

double iliopsoas_capacity(const Model& model, double angle, const std::string& side) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  State state = model.default_state();
  Workspace work(model);
  state.q()[at(muscles->hip)] = angle;
  evaluate(model, state, work, Depth::velocity);
  rigid_tendon_forces(model, work);
  double moment = 0.0;
  for (const int m : muscles->muscles)
    moment += moment_arm(model, work, m, muscles->hip) * (work.force.active[at(m)] + work.force.passive[at(m)]);
  return moment;
}

}  // namespace psoas
