// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Activation and fibre length of every muscle integrated along the prescribed motion, with compliant tendons and the
// excitations that reproduce the solved activations; and what that changes.
#include <algorithm>
#include <cmath>

#include "psoas/core/words.hpp"
#include "psoas/solve/forward.hpp"
#include "study/motion.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Before this much time the fibres still come from rest at the first frame [s].
constexpr double settling_time = 0.1;

}  // namespace

void MotionRun::integrate(Result& result) {
  if (!question_.integration) return;
  const IntegrationSpec& integration = *question_.integration;
  std::vector<const WindowFrames*> windows;
  for (std::size_t i = 0; i < integration.windows.size(); ++i) {
    std::vector<std::string> known;
    const std::size_t before = windows.size();
    for (const WindowFrames& window : windows_) {
      known.push_back(window.name);
      if (window.name == integration.windows[i]) windows.push_back(&window);
    }
    if (windows.size() == before)
      throw Error(Kind::input, study_.place("/integration/windows/" + std::to_string(i)),
                  "expected a window of the motion, found \"" + integration.windows[i] + "\"" +
                      did_you_mean(integration.windows[i], known));
  }
  if (integration.windows.empty())
    for (const WindowFrames& window : windows_) windows.push_back(&window);

  const std::size_t contacts = 3 * variants_.front().model.data().contacts.size();
  const std::vector<std::string> patterns = integrated_outputs(variants_.front().model);
  struct Row {
    std::string output, unit;
    std::vector<double> end, algebraic_end, greatest_difference;
  };
  std::vector<Row> rows;
  std::vector<double> activation_misses;
  int steps = 0;
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    const Model& model = variants_[v].model;
    const std::size_t muscles = at(model.muscles());
    const VariantRecord& record = records_[v];
    InverseSolver solver(model, inverse_options());
    const std::vector<Output> outputs = find_outputs(model, patterns, true, solver.equations());
    Block& block = (result.blocks.begin() + static_cast<std::ptrdiff_t>(v))->second;
    std::vector<std::vector<double>> values(outputs.size(), std::vector<double>(time_.size(), std::nan("")));
    std::vector<double> end(outputs.size(), 0.0), algebraic_end = end, greatest = end;
    double activation_miss = 0.0;
    for (const WindowFrames* window : windows) {
      const std::size_t frames = at(window->last - window->first), first = at(window->first);
      std::vector<double> force(frames * muscles), activation(frames * muscles), length(frames), wanted(frames),
          followed(frames), pulled(frames);
      for (std::size_t m = 0; m < muscles; ++m) {
        for (std::size_t f = 0; f < frames; ++f) {
          length[f] = record.length[(first + f) * muscles + m];
          wanted[f] = record.activation[(first + f) * muscles + m];
        }
        try {
          steps += integrate_muscle(model.data().units[m], {{time_.data() + first, frames}, length, wanted},
                                    integration.tolerance, followed, pulled);
        } catch (const Error& error) {
          throw Error(Kind::numeric, window->name + ", " + model.data().muscle_names[m], error.what());
        }
        for (std::size_t f = 0; f < frames; ++f) {
          force[f * muscles + m] = pulled[f];
          activation[f * muscles + m] = followed[f];
          activation_miss = std::max(activation_miss, std::abs(followed[f] - wanted[f]));
        }
      }
      for (std::size_t f = 0; f < frames; ++f) {
        net(solver, v, window->first + static_cast<int>(f));
        const std::span<const double> tension(force.data() + f * muscles, muscles);
        solver.loads_with({contact_force_.data() + (first + f) * contacts, contacts}, tension);
        const Instant now{&model,     &solver.work(), solver.q(),
                          solver.u(), solver.udot(),  {activation.data() + f * muscles, muscles},
                          tension,    &solver};
        for (std::size_t k = 0; k < outputs.size(); ++k) {
          const double value = outputs[k].value(now), algebraic = block.series.find(outputs[k].name)->values[first + f];
          values[k][first + f] = value;
          if (time_[first + f] >= time_[first] + settling_time)
            greatest[k] = std::max(greatest[k], std::abs(value - algebraic));
          if (f + 1 < frames) continue;
          end[k] += value / static_cast<double>(windows.size());
          algebraic_end[k] += algebraic / static_cast<double>(windows.size());
        }
      }
    }
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      block.series["integrated_" + outputs[k].name] = {outputs[k].unit, values[k]};
      block.scalars["at_end integrated_" + outputs[k].name] = {end[k], outputs[k].unit};
      block.scalars["greatest_difference integrated_" + outputs[k].name] = {greatest[k], outputs[k].unit};
      if (rows.size() <= k) rows.push_back({outputs[k].name, outputs[k].unit, {}, {}, {}});
      rows[k].end.push_back(end[k]);
      rows[k].algebraic_end.push_back(algebraic_end[k]);
      rows[k].greatest_difference.push_back(greatest[k]);
    }
    block.scalars["greatest_difference integrated_activation"] = {activation_miss, "1"};
    activation_misses.push_back(activation_miss);
  }
  std::string names;
  for (const WindowFrames* window : windows) names += (names.empty() ? "" : ", ") + window->name;
  integrated_.push_back({"integrated muscle states (compliant tendons; " + names + ")", "", "", {}, 0});
  for (const Row& row : rows) {
    integrated_.push_back({"  " + row.output + ", end", row.unit, "", row.end, 1});
    integrated_.push_back({"    algebraic solution of the same windows, end", row.unit, "", row.algebraic_end, 1});
    integrated_.push_back({"    greatest difference to it", row.unit, "", row.greatest_difference, 1});
  }
  integrated_.push_back({"  activation, greatest difference", "1",
                         "where excitation within 0 to 1 cannot follow the algebraic solution", activation_misses, 2});
  result.notes.push_back("Activation and fibre length of every muscle were integrated with Boost.Odeint (dopri5, " +
                         std::to_string(steps) +
                         " steps) under excitations that reproduce the solved activations wherever 0 to 1 allows; "
                         "differences of forces leave out the first 0.1 s, in which the fibres come from rest.");
}

std::vector<std::string> MotionRun::integrated_outputs(const Model& model) {
  std::vector<std::string> out;
  const std::vector<std::string> all = default_outputs(model);
  for (const char* name : {"muscle_moment/hip_flexion_r/group:iliopsoas_r"})
    if (std::find(all.begin(), all.end(), name) != all.end()) out.push_back(name);
  if (!model.data().levels.empty()) {
    out.push_back("anterior_shear/" + model.data().levels.front().name);
    out.push_back("compression/" + model.data().levels.front().name);
  }
  return out;
}

}  // namespace psoas
