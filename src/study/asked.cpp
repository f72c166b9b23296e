// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/asked.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

AskedStudies::AskedStudies(const Study& study, const Named<AskedStudy>& named, std::string pelvic_tilt_of,
                           StudyMemory& memory)
    : study_(study),
      named_(named),
      pelvic_tilt_of_(std::move(pelvic_tilt_of)),
      memory_(memory),
      postures_(named.size()) {
  for (std::size_t i = 0; i < named_.size(); ++i) {
    const auto& [name, asked] = *(named_.begin() + static_cast<std::ptrdiff_t>(i));
    const auto* posture = std::get_if<PostureStudy>(&study_.asked[i].study->question);
    const bool held = posture && posture->problem == "held";
    if (!asked.posture_of.empty() && !held)
      throw Error(Kind::input, study_.place("/studies/" + name + "/posture_of"),
                  "expected one beside a study of a held posture only, found one beside another");
    const auto is_upright = [&](std::size_t k) {
      const auto* one = std::get_if<PostureStudy>(&study_.asked[k].study->question);
      return one && one->problem != "passive";
    };
    if (!asked.posture_of.empty())
      if (const std::size_t of = at(named_.index(asked.posture_of));
          !is_upright(of) || !study_.asked[of].same_model || !study_.asked[i].same_model)
        throw Error(
            Kind::input, study_.place("/studies/" + name + "/posture_of"),
            "expected a study of a balanced posture, both of this study's model, found \"" + asked.posture_of + "\"");
    if (name == pelvic_tilt_of_ && !is_upright(i))
      throw Error(Kind::input, study_.place("/pelvic_tilt_of"),
                  "expected a study of a balanced posture, found \"" + name + "\"");
  }
}

/// The answer of a study for some edits beside its reference: block "tight", in brief.
Result AskedStudies::ask_one(std::size_t index, const std::vector<Edit>& edits, double tilt_deg, Warnings& warnings) {
  Study inner = *study_.asked[index].study;
  const auto& [name, asked] = *(named_.begin() + static_cast<std::ptrdiff_t>(index));
  inner.subject = study_.subject;
  std::vector<Problem> problems;
  if (study_.asked[index].same_model) {
    inner.unedited = study_.unedited;
    inner.model = study_.model;
  } else {
    inner.unedited = scaled(inner.model, inner.subject, "/subject", problems);
    inner.model = inner.unedited;
    for (std::size_t i = 0; i < study_.edits.size() && problems.empty(); ++i) {
      const std::string pointer = "/edits/" + std::to_string(i);
      const std::vector<std::string>& selections = study_.edits[i].muscles;
      if (!selections.empty() && std::all_of(selections.begin(), selections.end(), [&](const std::string& one) {
            return select_muscles(inner.model, one).empty();
          })) {
        warnings.add(name + ": its model has none of the muscles of " + pointer + ", which is left out there");
        continue;
      }
      apply({study_.edits[i]}, pointer, inner.model, problems);
    }
    if (!problems.empty())
      throw Error(Kind::input, study_.place(problems.front().pointer),
                  problems.front().text + ", in the model that study \"" + name + "\" names");
  }
  find_matches(inner.unedited, inner.model, "/edits", inner.edits, problems, memory_);
  if (problems.empty()) apply(inner.edits, "/edits", inner.model, problems);
  if (!problems.empty()) throw Error(Kind::input, inner.place(problems.front().pointer), problems.front().text);
  // loads of a motion are compared at the contact forces of its first variant
  inner.variants.clear();
  if (std::holds_alternative<MotionStudy>(inner.question)) inner.variants.push_back({"reference", {}});
  inner.variants.push_back({"tight", edits});
  if (!asked.posture_of.empty()) {
    auto& posture = std::get<PostureStudy>(inner.question);
    for (const auto& [coordinate, value] : reference_posture(at(named_.index(asked.posture_of)), warnings))
      posture.posture[coordinate] = value;
  }
  if (auto* impingement = std::get_if<ImpingementStudy>(&inner.question); impingement && !pelvic_tilt_of_.empty())
    impingement->pelvic_tilt_deg = {tilt_deg};
  return run(inner, {.progress = {}, .memory = &memory_, .brief = true, .delta_theta = false});
}

Named<double> AskedStudies::reference_posture(std::size_t index, Warnings& warnings) {
  std::optional<Named<double>>& kept = postures_[index];
  if (!kept) {
    Named<double> posture = std::get<PostureStudy>(study_.asked[index].study->question).posture;
    constexpr std::string_view start = "coordinate/";
    const Result result = ask_one(index, {}, 0.0, warnings);
    const Block& block = *result.blocks.find("tight");
    for (const Credibility& line : block.credibility)
      if (line.ok && !*line.ok)
        throw Error(Kind::numeric, (named_.begin() + static_cast<std::ptrdiff_t>(index))->first,
                    "the posture with the muscles unchanged is not held: " + line.name + " " + short_text(line.value) +
                        " " + line.unit);
    for (const auto& [name, scalar] : block.scalars)
      if (name.starts_with(start)) posture[name.substr(start.size())] = scalar.value;
    kept = std::move(posture);
  }
  return *kept;
}

void AskedStudies::take(std::size_t index, const Model& model, const std::vector<Edit>& edits, const std::string& label,
                        Named<Scalar>& out, Warnings& warnings, double& tilt_deg) {
  const auto& [name, asked] = *(named_.begin() + static_cast<std::ptrdiff_t>(index));
  const StudyKind& kind = study_.asked[index].study->question;
  const bool is_posture = std::holds_alternative<PostureStudy>(kind);
  const bool at_tilt = std::holds_alternative<ImpingementStudy>(kind) && !pelvic_tilt_of_.empty();
  const std::string where = name + ": ";
  if (at_tilt && std::isnan(tilt_deg)) return;
  Result result;
  try {
    result = ask_one(index, edits, tilt_deg, warnings);
  } catch (const Error& error) {
    if (error.kind() != Kind::numeric) throw;
    warnings.add(where + error.text(), label);
    return;
  }
  const Block& block = *result.blocks.find("tight");
  bool holds = true;
  for (const Credibility& line : block.credibility)
    if (line.ok && !*line.ok) {
      holds = false;
      warnings.add(where + line.name + " " + short_text(line.value) + " " + line.unit + ", limit " +
                       short_text(line.limit) + (line.note.empty() ? "" : " (" + line.note + ")"),
                   label);
    }
  const std::vector<std::string> known_already = edit_warnings(study_, {"", edits, model, {}});
  for (const std::string& warning : block.warnings)
    if (std::find(known_already.begin(), known_already.end(), warning) == known_already.end())
      warnings.add(where + warning, label);
  // what no posture in balance gave is no number; other kinds give theirs with the warning
  const bool known = holds || !is_posture;
  if (name == pelvic_tilt_of_) {
    const Scalar* tilt = block.scalars.find("anterior_pelvic_tilt_deg");
    tilt_deg = tilt && known ? tilt->value : std::nan("");
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

Named<Scalar> AskedStudies::ask(const Model& model, const std::vector<Edit>& edits, const std::string& label,
                                std::string_view only, Warnings& warnings, double& tilt_deg) {
  Named<Scalar> out;
  const std::string_view wanted = only.substr(0, only.find('/'));
  const int index = named_.index(wanted);
  const bool needs_tilt =
      only.empty() || wanted == "step_length" ||
      (index >= 0 && std::holds_alternative<ImpingementStudy>(study_.asked[at(index)].study->question));
  std::size_t i = 0;
  for (const auto& [name, asked] : named_) {
    if (only.empty() || name == wanted || (needs_tilt && name == pelvic_tilt_of_))
      take(i, model, edits, label, out, warnings, tilt_deg);
    ++i;
  }
  return out;
}

void Warnings::add(const std::string& text, const std::string& label) {
  auto said = std::find_if(said_.begin(), said_.end(), [&](const auto& one) { return one.first == text; });
  if (said == said_.end()) said = said_.insert(said_.end(), {text, {}});
  if (!label.empty() && std::find(said->second.begin(), said->second.end(), label) == said->second.end())
    said->second.push_back(label);
}

void Warnings::into(Block& block) const {
  for (const auto& [text, labels] : said_) {
    std::string names;
    for (const std::string& label : labels) names += (names.empty() ? " (" : ", ") + label;
    block.warnings.push_back(text + (names.empty() ? "" : names + ")"));
  }
}

}  // namespace psoas
