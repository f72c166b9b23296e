// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/tightness.hpp"

namespace psoas {
namespace {

std::size_t at_index(int index) { return static_cast<std::size_t>(index); }

using Verb = Mechanism::Verb;

constexpr std::array<Mechanism, 4> mechanisms = {{
    {"serial_sarcomere_loss", "serial sarcomere loss", "optimal_fibre_length", Verb::scale, 1.0, 0.97, 0.6, 1.1, 1.0,
     "1"},
    {"tendon_shortening", "tendon shortening", "tendon_slack_length", Verb::shift, 0.0, 0.005, -0.02, 0.06, -1.0, "m"},
    {"stiffer_passive_tissue", "stiffer passive tissue", "passive_strain", Verb::scale, 1.0, 0.95, 0.2, 1.3, 1.0, "1"},
    {"raised_tone", "raised tone", "minimum_activation", Verb::set, 0.01, 0.03, 0.01, 1.0, 1.0, "1"},
}};

/// Hip flexions at which torques are told beside their curves [deg].
constexpr std::array<double, 2> passive_angles_deg = {-10.0, 0.0};
constexpr std::array<double, 3> capacity_angles_deg = {-20.0, 0.0, 90.0};

std::string group_of(const std::string& side) {
  return side == "both" ? "group:iliopsoas" : "group:iliopsoas_" + side.substr(0, 1);
}

}  // namespace

Edit Mechanism::edit(const std::string& side, double value) const {
  Edit out;
  out.muscles = {group_of(side)};
  if (verb == Verb::scale) out.scale[field] = value;
  if (verb == Verb::shift) out.shift[field] = {sign * value};
  if (verb == Verb::set) out.set[field] = Value{{value}, {}};
  return out;
}

double Mechanism::value_of(const Edit& edit) const {
  if (verb == Verb::scale) return *edit.scale.find(field);
  if (verb == Verb::shift) return sign * edit.shift.find(field)->front();
  return edit.set.find(field)->numbers.front();
}

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

TightModel Tightness::make(const Mechanism& mechanism, const std::string& side, double value) const {
  TightModel out{base_, {mechanism.edit(side, value)}, value, mechanism.words + (" " + shortest_text(value))};
  ModelSpec spec = study_.model;
  std::vector<Problem> problems;
  apply(out.edits, "/values", spec, problems);
  if (!problems.empty()) throw Error(Kind::input, study_.place("/values"), problems.front().text);
  out.model = memory_.inside().models.compile(spec);
  return out;
}

std::optional<TightModel> Tightness::at(const Mechanism& mechanism, const std::string& side, double value,
                                        std::vector<std::string>& warnings) const {
  const bool serial = &mechanism == &mechanisms.front();
  const std::string label = (question_.axis == "s" ? "s " : "") + shortest_text(value) +
                            (question_.axis == "lost_hip_extension_deg" ? "°" : "");
  if (question_.axis == "value" || (question_.axis == "s" && serial)) {
    TightModel out = make(mechanism, side, value);
    out.label = label;
    return out;
  }
  double lost = value;
  if (question_.axis == "s") {
    const TightModel shorter = make(mechanisms.front(), side, value);
    lost = delta_theta_deg(unedited_, shorter.model, side == "left" ? "l" : "r", memory_) -
           delta_theta_deg(unedited_, base_, side == "left" ? "l" : "r", memory_);
  }
  if (lost == 0.0) return TightModel{base_, {}, mechanism.neutral, label};
  std::vector<Edit> edits = {mechanism.edit(side, mechanism.near)};
  edits.front().match_delta_theta_deg = lost + delta_theta_deg(unedited_, base_, side == "left" ? "l" : "r", memory_);
  std::vector<Problem> problems;
  if (lost > 0.0) find_matches(study_.unedited, study_.model, "/values", edits, problems, memory_);
  if (!(lost > 0.0) || !problems.empty()) {
    warnings.push_back(label + ": " + mechanism.words + " cannot cost " + fixed_text(lost, 1) + "° of hip extension" +
                       (problems.empty() ? "" : " (" + problems.front().text + ")"));
    return {};
  }
  TightModel out = make(mechanism, side, mechanism.value_of(edits.front()));
  out.label = label;
  return out;
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
  for (const double angle : passive_angles_deg)
    out.add("passive_moment" + place(angle)) = {passive_moment_at(unedited_, model, hip, degrees(angle)), "N m"};
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
    const auto shank = moved_body(data, static_cast<int>(ankle - data.coordinate_names.begin()));
    const double leg = (work.tree.X_GB[at_index(femur->second)].p - work.tree.X_GB[shank].p).norm();
    out.add("step_length/" + hip) = {2.0 * leg * std::sin(prone + degrees(tilt_deg)), "m"};
  }
}

Named<Scalar> Tightness::outcome(const TightModel& tight, std::string_view only, std::vector<std::string>& warnings) {
  Named<Scalar> out;
  double tilt_deg = 0.0;
  const Named<Scalar> asked = asked_.ask(tight.model, tight.edits, tight.label, only, warnings, tilt_deg);
  if (!question_.studies.find(only.substr(0, only.find('/'))))
    for (const std::string& hip : hips_) measure_hip(tight, hip, tilt_deg, out);
  for (const auto& [name, scalar] : asked) out.add(name) = scalar;
  return out;
}

}  // namespace psoas
