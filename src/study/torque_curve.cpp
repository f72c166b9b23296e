// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "psoas/core/sampling.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/answer.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// The muscles that a curve is about: those that the question names, or all that cross its coordinate.
std::vector<int> muscles_of(const Study& study, const TorqueCurveStudy& question, const Model& model, int coordinate) {
  if (question.muscles.empty()) return muscles_crossing(model, coordinate);
  std::vector<int> muscles;
  for (std::size_t i = 0; i < question.muscles.size(); ++i) {
    try {
      for (const int m : model.select(question.muscles[i]))
        if (std::find(muscles.begin(), muscles.end(), m) == muscles.end()) muscles.push_back(m);
    } catch (const Error& error) {
      throw Error(Kind::input, study.place("/muscles/" + std::to_string(i)), error.what());
    }
  }
  return muscles;
}

/// What a curve needs of poses, none of which depends on how muscles pull.
std::shared_ptr<TorquePoses> poses_of(const Study& study, const TorqueCurveStudy& question, const Model& model,
                                      std::span<const double> angles_deg, StudyMemory::Impl& memory) {
  const std::uint64_t structure = memory.models.structure_of(model);
  Bytes key;
  key.add(structure);
  key.add(question);
  if (structure > 0)
    if (std::shared_ptr<TorquePoses> found = memory.torque_poses.find(key)) return found;
  const ModelData& data = model.data();
  std::shared_ptr<TorquePoses> out = memory.torque_poses.fresh();
  *out = {};
  out->coordinate = find_coordinate(study, model, question.coordinate, "/coordinate");
  if (!data.is_rotation[at(out->coordinate)])
    throw Error(Kind::input, study.place("/coordinate"),
                "expected a rotation, found the translation \"" + question.coordinate + "\"");
  out->muscles = muscles_of(study, question, model, out->coordinate);
  State posture;
  posture.coordinates = model.coordinates();
  posture.vector = data.default_coordinates;
  posture.vector.resize(2 * posture.vector.size(), 0.0);
  set_coordinates(study, model, question.posture, "/posture", posture);
  Workspace work(model);
  for (const double angle_deg : angles_deg) {
    TorquePoses::Pose& pose = out->poses.emplace_back();
    pose.angle_deg = angle_deg;
    posture.q()[at(out->coordinate)] = degrees(pose.angle_deg);
    pose.q.assign(posture.q().begin(), posture.q().end());
    evaluate(model, posture.q(), posture.u(), work, Depth::velocity);
    for (const int m : out->muscles) {
      pose.length.push_back(work.length[at(m)]);
      pose.arm.push_back(moment_arm(model, work, m, out->coordinate));
    }
    pose.inside = work.inside;
    for (std::size_t t = 0; t < work.passive_torque.size(); ++t)
      if (data.couplings[t].source == out->coordinate) pose.passive += work.slope[t] * work.passive_torque[t];
  }
  if (structure > 0) memory.torque_poses.keep(std::move(key), out);
  return out;
}

}  // namespace

Result answer(const Study& study, const TorqueCurveStudy& question, const RunOptions& options) {
  if (!study.outputs.empty())
    throw Error(Kind::input, study.place("/outputs"),
                "expected none: a torque curve gives torques, moment arms and fibre lengths of its muscles");
  const std::vector<Variant> variants = compile_variants(study, *options.memory);
  const std::vector<double> angles_deg = in_steps(question.from_deg, question.to_deg, question.step_deg);
  const std::size_t size = angles_deg.size();
  const double sign = question.direction == "positive" ? 1.0 : -1.0;
  Result result;
  std::vector<std::vector<double>> totals, passives;
  for (const Variant& variant : variants) {
    const Model& model = variant.model;
    const std::shared_ptr<const TorquePoses> kept =
        poses_of(study, question, model, angles_deg, options.memory->inside());
    const std::vector<int>& muscles = kept->muscles;
    std::vector<MuscleParameters> units;
    for (const int m : muscles) units.push_back(model.data().units[at(m)]);
    const MuscleBatch batch(units);
    BatchFibres fibre(units.size());
    BatchForces force(units.size());
    const std::vector<double> still(units.size(), 0.0);
    std::vector<unsigned char> outside(at(model.muscles()), 0);

    Block& block = result.blocks[variant.name];
    block.axis = question.coordinate + "_deg";
    block.axis_unit = "deg";
    std::vector<double> active(size), passive(size), other(size);
    std::vector<std::vector<double>> each(muscles.size(), std::vector<double>(size)), arms = each, lengths = each;
    PostureWatch watch(model);
    for (std::size_t i = 0; i < size; ++i) {
      const TorquePoses::Pose& pose = kept->poses[i];
      block.axis_values.push_back(pose.angle_deg);
      batch.rigid(pose.length, still, fibre, force);
      for (std::size_t k = 0; k < muscles.size(); ++k) outside[at(muscles[k])] = fibre.outside_domain[k];
      watch.see(pose.q, pose.inside, outside, muscles);
      for (std::size_t k = 0; k < muscles.size(); ++k) {
        const double arm = pose.arm[k];
        const double full = arm * force.active[k] * sign > 0.0 ? arm * force.active[k] : 0.0;
        active[i] += full;
        passive[i] += arm * force.passive[k];
        each[k][i] = full + arm * force.passive[k];
        arms[k][i] = arm;
        lengths[k][i] = fibre.fibre_length[k] / units[k].optimal_fibre_length;
      }
      other[i] = pose.passive;
      if (options.progress) options.progress(static_cast<double>(i + 1) / static_cast<double>(size), variant.name);
    }
    std::vector<double> total(size);
    for (std::size_t i = 0; i < size; ++i) total[i] = active[i] + passive[i];
    const std::string c = question.coordinate;
    block.series.add("active_torque/" + c) = {"N m", std::move(active)};
    block.series.add("passive_torque/" + c) = {"N m", passive};
    block.series.add("total_torque/" + c) = {"N m", total};
    block.series.add("passive_torque_of_joint/" + c) = {"N m", std::move(other)};
    for (std::size_t k = 0; k < muscles.size(); ++k) {
      const std::string& name = model.data().muscle_names[at(muscles[k])];
      block.series.add("muscle_moment/" + c + "/" + name) = {"N m", std::move(each[k])};
      block.series.add("moment_arm/" + name + "/" + c) = {"m", std::move(arms[k])};
      block.series.add("normalised_fibre_length/" + name) = {"1", std::move(lengths[k])};
    }
    const auto peak = static_cast<std::size_t>(
        std::max_element(total.begin(), total.end(), [&](double a, double b) { return sign * a < sign * b; }) -
        total.begin());
    block.scalars["peak total_torque/" + c] = {total[peak], "N m"};
    block.scalars["angle_of_peak total_torque/" + c] = {block.axis_values[peak], "deg"};
    credit_fitted_paths(model, block);
    for (std::string& warning : edit_warnings(study, variant)) block.warnings.push_back(std::move(warning));
    for (std::string& warning : watch.warnings([&](int i) {
           return "at " + question.coordinate + " " + short_text(block.axis_values[static_cast<std::size_t>(i)]) +
                  " deg";
         }))
      block.warnings.push_back(std::move(warning));
    totals.push_back(total);
    passives.push_back(passive);
    if (result.heading.empty())
      result.heading = (study.title.empty() ? "torque curve" : study.title) + " · " + c + " " + question.direction +
                       " · " + std::to_string(muscles.size()) + " muscles · " + std::to_string(size) + " angles";
  }
  result.summary = delta_theta_lines(study, variants, options, result);
  if (options.brief) {
    result.summary.clear();
    return result;
  }
  result.summary.push_back({"total torque (passive part in the next table)", "", "", {}, 0});
  const Block& first = result.blocks.begin()->second;
  for (const bool total : {true, false}) {
    if (!total) result.summary.push_back({"passive torque", "", "", {}, 0});
    for (std::size_t i = 0; i < first.axis_values.size(); ++i) {
      if (std::fmod(std::abs(first.axis_values[i]), 15.0) > 1e-9) continue;
      char label[32];
      std::snprintf(label, sizeof label, "  %4.0f°", first.axis_values[i]);
      SummaryLine line{label, "N·m", "", {}, 1};
      for (std::size_t v = 0; v < variants.size(); ++v) line.values.push_back(total ? totals[v][i] : passives[v][i]);
      result.summary.push_back(line);
    }
  }
  if (!study.note.empty()) result.notes.push_back(study.note);
  result.plots.push_back(
      {"total_torque.svg", "Active and passive torque", "N·m", "total_torque/" + question.coordinate});
  result.plots.push_back({"passive_torque.svg", "Passive torque", "N·m", "passive_torque/" + question.coordinate});
  return result;
}

}  // namespace psoas
