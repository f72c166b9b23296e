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
      postures_(question.studies.size()) {
  for (const char* side : {"r", "l"})
    if (iliopsoas_of(base_, side)) hips_.emplace_back(side);
  if (hips_.empty())
    throw Error(Kind::input, study.place("/model"),
                "expected a model with the group iliopsoas that crosses hip_flexion_r");
  for (std::size_t i = 0; i < question.sides.size(); ++i)
    if (hips_.size() < 2 && question.sides[i].substr(0, 1) != hips_.front())
      throw Error(Kind::input, study.place("/sides/" + std::to_string(i)),
                  "expected a side of which the model has an iliopsoas, found \"" + question.sides[i] + "\"");
  for (std::size_t i = 0; i < question.studies.size(); ++i) {
    const auto& [name, asked] = *(question.studies.begin() + static_cast<std::ptrdiff_t>(i));
    const auto* posture = std::get_if<PostureStudy>(&study.asked[i].study->question);
    const bool held = posture && posture->problem == "held";
    if (!asked.posture_of.empty() && !held)
      throw Error(Kind::input, study.place("/studies/" + name + "/posture_of"),
                  "expected one beside a study of a held posture only, found one beside another");
    if (!asked.posture_of.empty() &&
        !std::holds_alternative<PostureStudy>(
            study.asked[at_index(question.studies.index(asked.posture_of))].study->question))
      throw Error(Kind::input, study.place("/studies/" + name + "/posture_of"),
                  "expected a study of a posture, found \"" + asked.posture_of + "\"");
    if (name == question.pelvic_tilt_of && !posture)
      throw Error(Kind::input, study.place("/pelvic_tilt_of"), "expected a study of a posture, found \"" + name + "\"");
  }
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

/// The answer of a study for some edits beside its reference: block "tight", in brief.
Result Tightness::ask(std::size_t index, const std::vector<Edit>& edits, double tilt_deg) {
  Study inner = *study_.asked[index].study;
  const auto& [name, asked] = *(question_.studies.begin() + static_cast<std::ptrdiff_t>(index));
  inner.subject = study_.subject;
  std::vector<Problem> problems;
  if (study_.asked[index].same_model) {
    inner.unedited = study_.unedited;
    inner.model = study_.model;
  } else {
    inner.unedited = scaled(inner.model, inner.subject, "/model", problems);
    inner.model = inner.unedited;
    if (problems.empty()) apply(study_.edits, "/model", inner.model, problems);
  }
  if (problems.empty()) find_matches(inner.unedited, inner.model, "/edits", inner.edits, problems, memory_);
  if (problems.empty()) apply(inner.edits, "/edits", inner.model, problems);
  if (!problems.empty()) throw Error(Kind::input, inner.place(problems.front().pointer), problems.front().text);
  // loads of a motion are compared at the contact forces of its first variant
  inner.variants.clear();
  if (std::holds_alternative<MotionStudy>(inner.question)) inner.variants.push_back({"reference", {}});
  inner.variants.push_back({"tight", edits});
  if (!asked.posture_of.empty()) {
    auto& posture = std::get<PostureStudy>(inner.question);
    for (const auto& [coordinate, value] : reference_posture(at_index(question_.studies.index(asked.posture_of))))
      posture.posture[coordinate] = value;
  }
  if (auto* impingement = std::get_if<ImpingementStudy>(&inner.question);
      impingement && !question_.pelvic_tilt_of.empty())
    impingement->pelvic_tilt_deg = {tilt_deg};
  return run(inner, {.progress = {}, .memory = &memory_, .brief = true, .delta_theta = false});
}

Named<double> Tightness::reference_posture(std::size_t index) {
  std::optional<Named<double>>& kept = postures_[index];
  if (!kept) {
    Named<double> posture = std::get<PostureStudy>(study_.asked[index].study->question).posture;
    constexpr std::string_view start = "coordinate/";
    const Result result = ask(index, {}, 0.0);
    for (const auto& [name, scalar] : result.blocks.find("tight")->scalars)
      if (name.rfind(start, 0) == 0) posture[name.substr(start.size())] = scalar.value;
    kept = std::move(posture);
  }
  return *kept;
}

void Tightness::take(std::size_t index, const TightModel& tight, double tilt_deg, Named<Scalar>& out,
                     std::vector<std::string>& warnings, double& found_tilt_deg) {
  const auto& [name, asked] = *(question_.studies.begin() + static_cast<std::ptrdiff_t>(index));
  const StudyKind& kind = study_.asked[index].study->question;
  const bool is_posture = std::holds_alternative<PostureStudy>(kind);
  const bool at_tilt = std::holds_alternative<ImpingementStudy>(kind) && !question_.pelvic_tilt_of.empty();
  const std::string where = tight.label + ": " + name + ": ";
  if (at_tilt && std::isnan(tilt_deg)) return;
  Result result;
  try {
    result = ask(index, tight.edits, tilt_deg);
  } catch (const Error& error) {
    if (error.kind() != Kind::numeric) throw;
    warnings.push_back(where + error.text());
    return;
  }
  const Block& block = *result.blocks.find("tight");
  bool holds = true;
  for (const Credibility& line : block.credibility)
    if (line.ok && !*line.ok) {
      holds = false;
      warnings.push_back(where + line.name + " " + short_text(line.value) + " " + line.unit + ", limit " +
                         short_text(line.limit) + (line.note.empty() ? "" : " (" + line.note + ")"));
    }
  const std::vector<std::string> known_already = edit_warnings(study_, {"", tight.edits, tight.model, {}});
  for (const std::string& warning : block.warnings)
    if (std::find(known_already.begin(), known_already.end(), warning) == known_already.end())
      warnings.push_back(name + ": " + warning);
  // what no posture in balance gave is no number; other kinds give theirs with the warning
  const bool known = holds || !is_posture;
  if (name == question_.pelvic_tilt_of) {
    const Scalar* tilt = block.scalars.find("anterior_pelvic_tilt_deg");
    found_tilt_deg = tilt && known ? tilt->value : std::nan("");
  }
  const std::vector<std::string> names = scalar_names(block);
  const std::string own_tilt = "/tilt_" + short_text(tilt_deg);
  std::vector<char> matched(asked.record.size(), 0);
  for (const std::string& scalar : names) {
    std::string called = scalar;
    if (at_tilt && called.ends_with(own_tilt)) called = called.substr(0, called.size() - own_tilt.size()) + "/tilt";
    bool any = false;
    for (std::size_t k = 0; k < asked.record.size(); ++k)
      if (glob_match(asked.record[k], called)) matched[k] = 1, any = true;
    if (!any) continue;
    const Scalar found = *find_scalar(block, scalar);
    out[name + "/" + called] = {known ? found.value : std::nan(""), found.unit};
  }
  for (std::size_t k = 0; k < matched.size(); ++k)
    if (!matched[k])
      throw Error(Kind::input, study_.place("/studies/" + name + "/record/" + std::to_string(k)),
                  "expected a scalar of the study's result, found \"" + asked.record[k] + "\"" +
                      did_you_mean(asked.record[k], names));
}

Named<Scalar> Tightness::outcome(const TightModel& tight, std::string_view only, std::vector<std::string>& warnings) {
  Named<Scalar> asked, out;
  const std::string_view wanted = only.substr(0, only.find('/'));
  const bool wants_study = question_.studies.find(wanted) != nullptr;
  double tilt_deg = 0.0;
  for (std::size_t i = 0; i < question_.studies.size(); ++i) {
    const std::string& name = (question_.studies.begin() + static_cast<std::ptrdiff_t>(i))->first;
    if (only.empty() || name == wanted || name == question_.pelvic_tilt_of)
      take(i, tight, tilt_deg, asked, warnings, tilt_deg);
  }
  for (const std::string& hip : hips_)
    if (!wants_study) measure_hip(tight, hip, tilt_deg, out);
  for (const auto& [name, scalar] : asked) out.add(name) = scalar;
  return out;
}

}  // namespace psoas
