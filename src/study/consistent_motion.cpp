// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/consistent_motion.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

ConsistentMotion::ConsistentMotion(const Study& study, const SimulationStudy& question, const Model& model,
                                   const State& state, const SimulationOptions& simulation)
    : model_(model) {
  const ReferenceSpec& spec = *question.reference;
  const ModelData& data = model.data();
  FollowedMotion motion = followed_motion(study, question, model, state, simulation);
  if (motion.coordinates.empty())
    throw Error(Kind::input, study.place("/reference"),
                "expected a controller of kind tracking that follows a motion, found none");
  const double last = motion.coordinates.front().last_time(), until = spec.until.value_or(last);
  if (until > last + 1e-9)
    throw Error(Kind::input, study.place("/reference/until"),
                "expected a time within the recording, which ends at " + shortest_text(last) + " s, found " +
                    shortest_text(until));
  for (const QuinticSpline& one : motion.coordinates)
    recording_.push_back(brought_to_rest(one, until, spec.settle, question.duration));
  still_ = motion.still;

  options_.duration = question.duration;
  options_.ends_at_rest = question.duration >= until + spec.settle;
  options_.margin = spec.margin;
  options_.friction = spec.friction;
  options_.fixed = still_;
  options_.mass_center = spec.mass_center;
  options_.mass = spec.mass;
  options_.plane_height = spec.plane_height;
  options_.angle_scale = degrees(spec.angle_scale_deg);
  options_.length_scale = spec.length_scale;
  const auto index = [&](const std::string& name, const std::vector<std::string>& names, const std::string& pointer,
                         const char* what) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw Error(
          Kind::input, study.place("/reference/" + pointer),
          std::string("expected ") + what + " of the model, found \"" + name + "\"" + did_you_mean(name, names));
    return static_cast<int>(found - names.begin());
  };
  if (spec.trunk)
    options_.trunk = index(*spec.trunk, data.body_names, "trunk", "a body");
  else if (!data.levels.empty())
    options_.trunk = data.levels.back().superior;
  for (std::size_t i = 0; i < spec.planes.size(); ++i)
    options_.planes.push_back(index(spec.planes[i], data.plane_names, "planes/" + std::to_string(i), "a plane"));
  try {
    stand(model, recording_, std::min(until, question.duration), options_);
    found_ = consistent_reference(model, recording_, options_);
  } catch (const Error& error) {
    // what is said of the reference stands at its place in the study
    const std::string& where = error.where();
    const std::string text = error.what();
    const bool own = where.rfind("reference", 0) == 0;
    throw Error(error.kind(), study.place(own ? "/" + where : "/reference"),
                own ? text.substr(where.size() + 2) : text);
  }
}

double ConsistentMotion::rms_angle() const {
  double sum = 0.0;
  int count = 0;
  for (std::size_t c = 0; c < found_.rms.size(); ++c)
    if (model_.data().is_rotation[c] && !still_[c]) sum += found_.rms[c] * found_.rms[c], ++count;
  return count > 0 ? std::sqrt(sum / count) : 0.0;
}

void ConsistentMotion::tell(Block& block) const {
  const ModelData& data = model_.data();
  const double weight = data.mass * data.spec.gravity.norm();
  ResultTable angles, places, masses;
  angles.description = "what a consistent motion changes of the recorded angles";
  angles.columns = {{"rms", "deg"}, {"greatest", "deg"}};
  places.description = "what it changes of the recorded translations";
  places.columns = {{"rms", "mm"}, {"greatest", "mm"}};
  for (std::size_t c = 0; c < found_.rms.size(); ++c) {
    if (still_[c]) continue;
    const bool rotation = data.is_rotation[c];
    const double factor = rotation ? to_degrees(1.0) : 1e3;
    ResultTable& table = rotation ? angles : places;
    table.labels.push_back(data.coordinate_names[c]);
    table.rows.push_back({factor * found_.rms[c], factor * found_.greatest[c]});
    Series& series = block.series["reference/" + data.coordinate_names[c]];
    series.unit = rotation ? "rad" : "m";
    for (const double t : block.axis_values) series.values.push_back(found_.coordinates[c](t));
  }
  masses.description = "changes of masses of bodies";
  masses.columns = {{"change", "%"}};
  for (std::size_t b = 1; b < found_.mass.size(); ++b)
    if (data.tree.bodies[b].mass > 0.0) {
      masses.labels.push_back(data.body_names[b]);
      masses.rows.push_back({100.0 * found_.mass[b]});
    }
  block.tables["reference/angles"] = std::move(angles);
  block.tables["reference/translations"] = std::move(places);
  block.tables["reference/masses"] = std::move(masses);
  block.scalars["reference/rms change of angles"] = {rms_angle(), "rad"};
  for (int k = 0; k < 3; ++k)
    block.scalars[std::string("reference/mass_center_") + "xyz"[k]] = {found_.mass_center[k], "m"};
  for (std::size_t p = 0; p < found_.plane_height.size(); ++p)
    block.scalars["reference/plane_height/" + data.plane_names[at(options_.planes[p])]] = {
        data.planes[at(options_.planes[p])].point.dot(data.planes[at(options_.planes[p])].normal) +
            found_.plane_height[p],
        "m"};
  for (const auto& [when, fault] : {std::pair{"before", &found_.before}, std::pair{"after", &found_.after}}) {
    const std::string name = std::string("reference/") + when + "/";
    block.scalars[name + "centre_of_pressure_inside"] = {fault->least_inside, "m"};
    block.scalars[name + "missing_moment"] = {fault->moment, "N m"};
    block.scalars[name + "missing_force"] = {fault->force, "N"};
    block.scalars[name + "friction"] = {fault->friction, "1"};
    block.scalars[name + "drift_of_feet"] = {fault->drift, "m"};
    block.scalars[name + "turn_of_feet"] = {fault->turn, "rad"};
  }
  const std::string source = "docs/dynamics.md, consistent references";
  const auto hold = [&](const char* name, double value, double limit, const char* unit) {
    block.credibility.push_back({name, unit, source, "", value, limit, value <= limit});
  };
  hold("reference: force that contacts cannot supply", found_.after.force / weight, 1e-3, "BW");
  hold("reference: moment that contacts cannot supply, over body weight", 1e3 * found_.after.moment / weight, 1.0,
       "mm");
  hold("reference: drift of feet", 1e3 * found_.after.drift, 1.0, "mm");
  hold("reference: rms change of angles", to_degrees(rms_angle()), 5.0, "deg");
  if (!found_.converged)
    block.warnings.push_back("The search for a consistent motion ended after " + std::to_string(found_.iterations) +
                             " linearisations before changes were below 1e-4 rad or m.");
}

std::vector<SummaryLine> ConsistentMotion::summary(std::size_t variants) const {
  const ModelData& data = model_.data();
  std::vector<SummaryLine> lines;
  const auto add = [&](const std::string& label, double value, const char* unit, int decimals,
                       const std::string& note) {
    lines.push_back({label, unit, note, std::vector<double>(variants, value), decimals});
  };
  lines.push_back({"made consistent before it is followed", "", "the same for all variants", {}, 1});
  add("  change of angles, rms of all", to_degrees(rms_angle()), "deg", 2, "");
  std::size_t worst = 0;
  double greatest = 0.0, root = 0.0;
  for (std::size_t c = 0; c < found_.rms.size(); ++c) {
    if (data.is_rotation[c] && found_.rms[c] > found_.rms[worst] * (data.is_rotation[worst] ? 1.0 : 0.0)) worst = c;
    if (data.is_rotation[c]) greatest = std::max(greatest, found_.greatest[c]);
    if (!data.is_rotation[c]) root += found_.rms[c] * found_.rms[c];
  }
  add("  the most changed, rms", to_degrees(found_.rms[worst]), "deg", 2, data.coordinate_names[worst]);
  add("  greatest change of an angle", to_degrees(greatest), "deg", 2, "");
  add("  change of the root's place, rms", 1e3 * std::sqrt(root), "mm", 1, "");
  if (options_.trunk >= 0)
    add("  shift of a mass centre", 1e3 * found_.mass_center.norm(), "mm", 1, data.body_names[at(options_.trunk)]);
  double mass = 0.0;
  for (const double one : found_.mass) mass = std::max(mass, std::abs(one));
  add("  greatest change of a mass", 100.0 * mass, "%", 2, "");
  for (std::size_t p = 0; p < found_.plane_height.size(); ++p)
    add("  height of the " + data.plane_names[at(options_.planes[p])] + ", change", 1e3 * found_.plane_height[p], "mm",
        1, "");
  add("  feet's centre of pressure inside their outline, before", 1e3 * found_.before.least_inside, "mm", 1,
      "least, while they carry 5 % of body weight");
  add("  the same, after", 1e3 * found_.after.least_inside, "mm", 1, "");
  add("  moment that contacts cannot supply, before", found_.before.moment, "N·m", 1, "");
  add("  the same, after", found_.after.moment, "N·m", 2, "");
  return lines;
}

}  // namespace psoas
