// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/core/roots.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/tightness.hpp"

namespace psoas {
namespace {

std::size_t at_index(int index) { return static_cast<std::size_t>(index); }

using Verb = Mechanism::Verb;

constexpr std::array<Mechanism, 4> mechanisms = {{
    {"serial_sarcomere_loss", "serial sarcomere loss", "optimal_fibre_length", Verb::scale, 0.6, 1.1, "1"},
    {"tendon_shortening", "tendon shortening", "tendon_slack_length", Verb::shift, -0.02, 0.06, "m"},
    {"stiffer_passive_tissue", "stiffer passive tissue", "passive_strain", Verb::scale, 0.2, 1.3, "1"},
    {"raised_tone", "raised tone", "minimum_activation", Verb::raise, 0.0, 1.0, "1"},
}};

/// Steps in which a search goes from no change to the most that a mechanism can be.
constexpr int match_steps = 40;

/// Hip flexions at which torques are told beside their curves [deg].
constexpr std::array<double, 2> passive_angles_deg = {-10.0, 0.0};
constexpr std::array<double, 3> capacity_angles_deg = {-20.0, 0.0, 90.0};

std::string group_of(const std::string& side) {
  return side == "both" ? "group:iliopsoas" : "group:iliopsoas_" + side.substr(0, 1);
}

}  // namespace

const Mechanism& mechanism_of(std::string_view name) {
  return *std::find_if(mechanisms.begin(), mechanisms.end(), [&](const Mechanism& one) { return one.name == name; });
}

Tightness::Tightness(const Study& study, const TightnessStudy& question, StudyMemory& memory)
    : study_(study),
      question_(question),
      memory_(memory),
      unedited_(memory.inside().models.compile(study.unedited)),
      base_(memory.inside().models.compile(study.model)),
      asked_(study, question.studies, question.pelvic_tilt_of, memory) {
  for (const char* side : {"r", "l"})
    if (iliopsoas_of(base_, side)) hips_.emplace_back(side);
  if (hips_.empty())
    throw Error(Kind::input, study.place("/model"),
                "expected a model with the group iliopsoas that crosses hip_flexion_r");
  for (std::size_t i = 0; i < question.sides.size(); ++i)
    if (hips_.size() < 2 && question.sides[i].substr(0, 1) != hips_.front())
      throw Error(Kind::input, study.place("/sides/" + std::to_string(i)),
                  "expected a side of which the model has an iliopsoas, found \"" + question.sides[i] + "\"");
}

Edit Tightness::edit(const Mechanism& mechanism, const std::string& side, double value) const {
  Edit out;
  if (mechanism.verb == Verb::raise) {
    // a floor: muscles whose least activation is above it keep theirs
    for (const std::string& name : select_muscles(study_.model, group_of(side)))
      if (study_.model.muscles.find(name)->minimum_activation < value) out.muscles.push_back(name);
    out.set[mechanism.field] = Value{{value}, {}};
    return out;
  }
  out.muscles = {group_of(side)};
  if (mechanism.verb == Verb::scale) out.scale[mechanism.field] = value;
  if (mechanism.verb == Verb::shift) out.shift[mechanism.field] = {-value};
  return out;
}

double Tightness::least(const Mechanism& mechanism) const {
  if (mechanism.verb != Verb::raise) return mechanism.low;
  double least = 1.0;
  for (const std::string& name : select_muscles(study_.model, group_of("both")))
    least = std::min(least, study_.model.muscles.find(name)->minimum_activation);
  return least;
}

double Tightness::neutral(const Mechanism& mechanism) const {
  return mechanism.verb == Verb::scale ? 1.0 : mechanism.verb == Verb::shift ? 0.0 : least(mechanism);
}

bool Tightness::iliopsoas_alone(const std::string& hip) const {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(base_, hip);
  return muscles && muscles_crossing(base_, muscles->hip).size() == muscles->muscles.size();
}

std::optional<TightModel> Tightness::make(const Mechanism& mechanism, const std::string& side, double value,
                                          std::vector<Problem>& problems) const {
  TightModel out{base_, {edit(mechanism, side, value)}, value, mechanism.words + (" " + shortest_text(value))};
  if (out.edits.front().muscles.empty()) out.edits.clear();
  ModelSpec spec = study_.model;
  apply(out.edits, "", spec, problems);
  if (!problems.empty()) return {};
  out.model = memory_.inside().models.compile(spec);
  return out;
}

std::optional<TightModel> Tightness::at(const Mechanism& mechanism, const std::string& side, double value,
                                        const std::string& pointer, Warnings& warnings) const {
  const std::string label =
      (question_.axis == "s" ? "s " : "") + shortest_text(value) + (question_.axis == "delta_theta_deg" ? "°" : "");
  const auto made = [&](const Mechanism& by, double own) {
    std::vector<Problem> problems;
    std::optional<TightModel> model = make(by, side, own, problems);
    if (!model) throw Error(Kind::input, study_.place(pointer), problems.front().text);
    model->label = label;
    return *std::move(model);
  };
  if (question_.axis == "value" || (question_.axis == "s" && &mechanism == &mechanisms.front()))
    return made(mechanism, value);
  const std::string hip = side == "both" ? hips_.front() : side.substr(0, 1);
  const auto shift_of = [&](const Model& model) {
    return delta_theta_deg(unedited_, model, hip, memory_) - delta_theta_deg(unedited_, base_, hip, memory_);
  };
  const double lost = question_.axis == "s" ? shift_of(made(mechanisms.front(), value).model) : value;
  if (lost == 0.0) return TightModel{base_, {}, neutral(mechanism), label};

  const double from = neutral(mechanism), to = mechanism.verb == Verb::scale ? mechanism.low : mechanism.high;
  const auto excess = [&](double at) {
    std::vector<Problem> ignored;
    const std::optional<TightModel> model = make(mechanism, side, at, ignored);
    return model ? shift_of(model->model) - lost : std::nan("");
  };
  double before = from, most = 0.0;
  for (int i = 1; lost > 0.0 && i <= match_steps; ++i) {
    const double next = from + (to - from) * i / match_steps, here = excess(next);
    if (std::isnan(here)) break;
    most = here + lost;
    if (here >= 0.0) {
      const Root root = bisection_root(excess, std::min(before, next), std::max(before, next),
                                       {.x = 1e-12 * std::abs(to - from), .value = 1e-6});
      return made(mechanism, root.x);
    }
    before = next;
  }
  warnings.add(std::isnan(lost) ? std::string("Δθ of this shortening is not known")
               : lost < 0.0     ? mechanism.words + std::string(" does not lengthen")
                                : mechanism.words + std::string(" cannot cost ") + fixed_text(lost, 1) +
                                  "° of Δθ: at most " + fixed_text(most, 1) + "°",
               label);
  return {};
}

void Tightness::measure_hip(const TightModel& tight, const std::string& hip, double tilt_deg,
                            Named<Scalar>& out) const {
  const Model& model = tight.model;
  const auto degrees_of_flexion = [&](const std::string& name, double angle) {
    out.add(name + "/" + hip) = {to_degrees(angle), "deg"};
  };
  const auto degrees_of_extension = [&](const std::string& name, double angle) { degrees_of_flexion(name, -angle); };
  out.add("delta_theta_deg/" + hip) = {delta_theta_deg(unedited_, model, hip, memory_), "deg"};
  degrees_of_extension("extension_at_5_N_m_deg", angle_of_passive_moment(unedited_, model, hip, 5.0, memory_));
  degrees_of_extension("extension_at_borne_moment_deg",
                       angle_of_hip_moment(unedited_, model, hip, question_.borne_moment));
  degrees_of_flexion("zero_passive_moment_deg", angle_of_net_moment(unedited_, model, hip, 0.0));
  const double prone = -angle_of_net_moment(unedited_, model, hip, question_.borne_moment);
  degrees_of_flexion("prone_extension_deg", prone);
  const auto place = [&](double angle) {
    return "/hip_flexion_" + hip + "/group:iliopsoas_" + hip + "/at_" + short_text(angle) + "_deg";
  };
  for (const double angle : passive_angles_deg) {
    const double resting = resting_moment_at(unedited_, model, hip, degrees(angle)),
                 passive = resting_moment_at(model, model, hip, degrees(angle));
    out.add("passive_moment" + place(angle)) = {passive, "N m"};
    out.add("tone_moment" + place(angle)) = {resting - passive, "N m"};
  }
  for (const double angle : capacity_angles_deg)
    out.add("torque_capacity" + place(angle)) = {iliopsoas_capacity(model, degrees(angle), hip), "N m"};
  // Legs straight and alike, the pelvis tilted but not turned: as far as the hip behind lets its foot stay back
  const ModelData& data = model.data();
  const auto ankle = std::find(data.coordinate_names.begin(), data.coordinate_names.end(), "ankle_angle_" + hip);
  const auto femur =
      std::find_if(data.hips.begin(), data.hips.end(), [&](const auto& one) { return one.first == hip; });
  if (femur != data.hips.end() && ankle != data.coordinate_names.end()) {
    Workspace work(model);
    const std::vector<double> still(data.default_coordinates.size(), 0.0);
    evaluate(model, data.default_coordinates, still, work, Depth::position);
    const auto foot = moved_body(data, static_cast<int>(ankle - data.coordinate_names.begin()));
    const double leg = (work.tree.X_GB[at_index(femur->second)].p - work.tree.X_GB[foot].p).norm();
    out.add("step_length/" + hip) = {std::max(0.0, 2.0 * leg * std::sin(prone + degrees(tilt_deg))), "m"};
  }
}

Named<Scalar> Tightness::outcome(const TightModel& tight, std::string_view only, Warnings& warnings) {
  Named<Scalar> out;
  double tilt_deg = 0.0;
  const Named<Scalar> asked = asked_.ask(tight.model, tight.edits, tight.label, only, warnings, tilt_deg);
  if (!question_.studies.find(only.substr(0, only.find('/'))))
    for (const std::string& hip : hips_) measure_hip(tight, hip, tilt_deg, out);
  for (const auto& [name, scalar] : asked) out.add(name) = scalar;
  return out;
}

}  // namespace psoas
