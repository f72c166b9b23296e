// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What a motion study says about its frames: reductions, events, ledgers, credibility, warnings and the summary.
#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/motion.hpp"
#include "study/reduction.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

const std::array<const char*, 3> event_names = {"peak", "seat_off", "end"};

bool has_coordinate(const Model& model, const std::string& name) {
  const auto& names = model.data().coordinate_names;
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The group that a muscle is reported under in a ledger.
std::string ledger_group(const ModelSpec& spec, const std::string& muscle) {
  for (const char* group : {"erector_spinae", "multifidus", "quadratus_lumborum", "abdominals"}) {
    const std::vector<std::string> members = select_muscles(spec, std::string("group:") + group);
    if (std::find(members.begin(), members.end(), muscle) != members.end()) return group;
  }
  return "other muscles";
}

}  // namespace

std::vector<std::string> MotionRun::default_outputs(const Model& model) {
  std::vector<std::string> out = {"external_force_y", "com_x", "com_y"};
  const auto add = [&](std::initializer_list<const char*> names) { out.insert(out.end(), names.begin(), names.end()); };
  if (has_coordinate(model, "hip_flexion_r"))
    add({"coordinate/hip_flexion_r", "coordinate/hip_flexion_l", "joint_moment/hip_flexion_r",
         "joint_moment/hip_flexion_l"});
  if (has_coordinate(model, "knee_angle_r")) add({"joint_moment/knee_angle_r", "joint_moment/knee_angle_l"});
  if (has_coordinate(model, "ankle_angle_r")) add({"joint_moment/ankle_angle_r", "joint_moment/ankle_angle_l"});
  if (!select_muscles(model.spec(), "group:iliopsoas_r").empty() && has_coordinate(model, "hip_flexion_r"))
    add({"muscle_moment/hip_flexion_r/group:iliopsoas_r", "passive_moment/hip_flexion_r/group:iliopsoas_r",
         "torque_capacity/hip_flexion_r", "muscle_force/group:iliopsoas_r", "muscle_force/group:iliopsoas_l",
         "passive_force/group:iliopsoas_r"});
  if (!select_muscles(model.spec(), "group:iliopsoas_l").empty() && has_coordinate(model, "hip_flexion_l"))
    add({"muscle_moment/hip_flexion_l/group:iliopsoas_l", "passive_moment/hip_flexion_l/group:iliopsoas_l"});
  if (!model.data().levels.empty())
    add({"compression/*", "anterior_shear/*", "lateral_shear/*", "net_moment/*", "lordosis_deg", "sacral_slope_deg",
         "anterior_pelvic_tilt_deg"});
  if (!model.data().hips.empty()) add({"hip_contact_force_bw/*"});
  return out;
}

VariantRecord::VariantRecord(const Model& model, std::span<const Equation> equations)
    : reserve_peak(equations.size()),
      moment_peak(equations.size()),
      watch(model),
      saturated(static_cast<std::size_t>(model.muscles())) {
  const ModelData& data = model.data();
  for (const Level& level : data.levels) {
    std::array<int, 3>& rows = level_rows.emplace_back();
    for (std::size_t i = 0; i < 3; ++i) {
      const auto row = std::find_if(equations.begin(), equations.end(), [&](const Equation& equation) {
        return equation.name == data.tree_coordinate_names[at(level.coordinates[i])];
      });
      rows[i] = row == equations.end() ? -1 : static_cast<int>(row - equations.begin());
    }
  }
}

void MotionRun::note_frame(const InverseSolver& solver, double time, VariantRecord& record) const {
  const ModelData& data = solver.model().data();
  record.greatest_residual = std::max(record.greatest_residual, solver.residual());
  const Spatial residual = solver.residual_wrench();
  record.residual_moment = std::max(record.residual_moment, residual.head<3>().norm());
  record.residual_force = std::max(record.residual_force, residual.tail<3>().norm());
  record.external_force = std::max(record.external_force, solver.required_wrench().tail<3>().norm());
  record.mass_center_height = std::max(record.mass_center_height, solver.mass_center().y());
  record.unconverged += solver.converged() ? 0 : 1;
  const auto equations = solver.equations();
  for (std::size_t r = 0; r < equations.size(); ++r) {
    const double reserve = std::abs(solver.reserve()[r]);
    record.reserve_peak[r] = std::max(record.reserve_peak[r], reserve);
    if (equations[r].root) {
      double& shortfall = equations[r].rotation ? record.moment_shortfall : record.force_shortfall;
      shortfall = std::max(shortfall, reserve);
    } else if (equations[r].coordinate >= 0) {
      record.moment_peak[r] = std::max(record.moment_peak[r], std::abs(solver.joint_moment(equations[r].coordinate)));
    }
  }
  // levels: the moment that muscles must balance there
  for (std::size_t k = 0; k < data.levels.size(); ++k) {
    const LevelLoad& load = solver.level(static_cast<int>(k));
    const std::array<double, 3> moments = {load.net_moment, load.net_moment_bending, load.net_moment_axial};
    for (std::size_t i = 0; i < 3; ++i)
      if (const int row = record.level_rows[k][i]; row >= 0)
        record.moment_peak[at(row)] = std::max(record.moment_peak[at(row)], std::abs(moments[i]));
    if (k == 0) record.lowest_compression.push_back(load.compression);
  }
  if (question_.integration) {
    record.activation.insert(record.activation.end(), solver.activation().begin(), solver.activation().end());
    record.length.insert(record.length.end(), solver.work().length.begin(), solver.work().length.end());
  }
  record.watch.see(solver.q(), solver.work());
  int full = 0;
  for (std::size_t m = 0; m < data.units.size(); ++m) {
    full += solver.activation()[m] > 0.999;
    record.saturated[m] += solver.activation()[m] > 0.999;
  }
  if (full > record.most_saturated) record.most_saturated = full, record.most_saturated_time = time;
}

void MotionRun::find_event(const InverseSolver& solver, std::size_t variant, int frame, VariantRecord& record) {
  // The peak of a window is that of the lowest level's compression in the reference, so that variants are compared at
  // the same instant.
  const auto load = [&](int f) {
    const std::vector<double>& compression =
        records_.empty() ? record.lowest_compression : records_.front().lowest_compression;
    return compression.empty() ? demand_->frames[at(f)].vertical_bw : compression[at(f)];
  };
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    WindowFrames& window = windows_[w];
    if (frame < window.first || frame >= window.last) continue;
    if (variant == 0 && (frame == window.first || load(frame) > load(window.peak))) window.peak = frame;
    for (std::size_t e = 0; e < event_names.size(); ++e)
      if (happens(e) && frame == instant(window, e))
        record.tendon_force[w][e].assign(solver.tendon_force().begin(), solver.tendon_force().end());
  }
}

bool MotionRun::happens(std::size_t event) const { return event != 1 || seated(); }

int MotionRun::instant(const WindowFrames& window, std::size_t event) const {
  return event == 0 ? window.peak : event == 1 ? window.seat_off : window.last - 1;
}

void MotionRun::reductions(const std::string& name, const std::string& unit, const std::vector<double>& values,
                           Block& block) const {
  const auto part = [&](const std::string& prefix, int first, int last) {
    Reduction all;
    for (int f = first; f < last; ++f) {
      // between windows nothing is known
      const bool begins =
          std::any_of(windows_.begin(), windows_.end(), [&](const WindowFrames& window) { return window.first == f; });
      all.add(time_[at(f)], values[at(f)], f > first && !begins);
    }
    block.scalars.add(prefix + "peak " + name) = {all.peak, unit};
    block.scalars.add(prefix + "min " + name) = {all.min, unit};
    block.scalars.add(prefix + "peak_abs " + name) = {all.peak_abs, unit};
    block.scalars.add(prefix + "time_of_peak " + name) = {all.time_of_peak, "s"};
    block.scalars.add(prefix + "mean " + name) = {all.mean(), unit};
    block.scalars.add(prefix + "final " + name) = {all.final(), unit};
    block.scalars.add(prefix + "impulse " + name) = {all.impulse(), impulse_unit(unit)};
    if (question_.repetitions > 1.0 && is_exposure(name))
      block.scalars.add(prefix + "exposure " + name) = {question_.repetitions * all.impulse(), impulse_unit(unit)};
  };
  part("", 0, static_cast<int>(time_.size()));
  const bool single = windows_.size() == 1 && question_.motion.windows.empty();
  for (const WindowFrames& window : windows_) {
    const std::string prefix = single ? "" : window.name + "/";
    if (!single) part(prefix, window.first, window.last);
    if (window.rises) block.scalars.add(prefix + "at_seat_off " + name) = {values[at(window.seat_off)], unit};
    block.scalars.add(prefix + "at_end " + name) = {values[at(window.last - 1)], unit};
  }
}

void MotionRun::events() {
  const std::size_t levels = variants_.front().model.data().levels.size(),
                    contacts = 3 * variants_.front().model.data().contacts.size();
  events_.clear();
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    InverseSolver solver(variants_[v].model, inverse_options());
    std::vector<std::array<EventState, 3>> all;
    for (std::size_t w = 0; w < windows_.size(); ++w) {
      std::array<EventState, 3> states;
      for (std::size_t e = 0; e < event_names.size(); ++e) {
        if (!happens(e)) continue;
        const int frame = instant(windows_[w], e);
        EventState& state = states[e];
        state.tendon_force = std::move(records_[v].tendon_force[w][e]);
        net(solver, v, frame);
        solver.loads_with({contact_force_.data() + at(frame) * contacts, contacts}, state.tendon_force);
        state.passive = solver.work().force.passive;
        state.active = solver.work().force.active;
        for (std::size_t k = 0; k < levels; ++k) {
          state.loads.push_back(solver.level(static_cast<int>(k)));
          std::vector<Vec3> unit;
          for (int m = 0; m < solver.model().muscles(); ++m) unit.push_back(solver.unit_load(m, static_cast<int>(k)));
          state.unit_load.push_back(std::move(unit));
        }
      }
      all.push_back(std::move(states));
    }
    events_.push_back(std::move(all));
  }
}

void MotionRun::ledgers(std::size_t variant, Block& block) {
  const Model& model = variants_[variant].model;
  const ModelData& data = model.data();
  if (data.levels.empty()) return;
  std::vector<std::string> sources;  // of each muscle
  const std::vector<std::string> iliopsoas = select_muscles(model.spec(), "group:iliopsoas");
  for (const std::string& muscle : data.muscle_names)
    sources.push_back(std::find(iliopsoas.begin(), iliopsoas.end(), muscle) != iliopsoas.end()
                          ? muscle
                          : ledger_group(model.spec(), muscle));
  std::vector<std::string> order = iliopsoas;
  for (const std::string& source : sources)
    if (std::find(order.begin(), order.end(), source) == order.end()) order.push_back(source);

  for (std::size_t w = 0; w < windows_.size(); ++w)
    for (std::size_t e = 0; e < event_names.size(); ++e) {
      if (!happens(e)) continue;
      const EventState& state = events_[variant][w][e];
      for (std::size_t k = 0; k < data.levels.size(); ++k) {
        ResultTable table;
        table.description = "Load of " + data.levels[k].name + " by source, window " + windows_[w].name + ", at " +
                            event_names[e] +
                            ": force of the superior on the inferior body in the endplate frame; passive: the part "
                            "that needs no activation";
        table.columns = {{"compression", "N"},
                         {"anterior_shear", "N"},
                         {"lateral_shear", "N"},
                         {"passive_compression", "N"},
                         {"passive_anterior_shear", "N"}};
        const LevelLoad& load = state.loads[k];
        const auto row = [&](const std::string& label, const std::vector<double>& values) {
          table.labels.push_back(label);
          table.rows.push_back(values);
        };
        row("gravity and inertia", {load.net_compression, load.net_anterior_shear, load.net_lateral_shear, 0.0, 0.0});
        for (const std::string& source : order) {
          std::vector<double> sum(5, 0.0);
          for (std::size_t m = 0; m < sources.size(); ++m) {
            if (sources[m] != source) continue;
            const Vec3& unit = state.unit_load[k][m];
            const double force = state.tendon_force[m], passive = state.passive[m];
            sum[0] += unit[1] * force;
            sum[1] += unit[0] * force;
            sum[2] += unit[2] * force;
            sum[3] += unit[1] * passive;
            sum[4] += unit[0] * passive;
          }
          row(source, sum);
        }
        row("discs, ligaments and capsules",
            {load.ligament_compression, load.ligament_anterior_shear, load.ligament_lateral_shear,
             load.ligament_compression, load.ligament_anterior_shear});
        std::vector<double> total(5, 0.0);
        for (const auto& values : table.rows)
          for (std::size_t i = 0; i < 5; ++i) total[i] += values[i];
        row("total", total);
        block.tables["ledger/" + data.levels[k].name + "/" + windows_[w].name + "/" + event_names[e]] = table;
      }
    }

  if (variant == 0) return;
  // What changed against the reference: the edited muscles' own passive force, and all that was recruited anew.
  ResultTable table;
  table.description =
      "Change of level loads against " + variants_.front().name +
      ": passive = change of passive muscle forces at the same posture, tone = active forces of what least "
      "activation was raised by, re-recruitment = the rest; mean over windows";
  for (const char* quantity : {"compression", "anterior_shear"})
    for (std::size_t e = 0; e < event_names.size(); ++e)
      for (const char* part : {"total", "passive", "tone", "re_recruitment"})
        if (happens(e)) table.columns.push_back({std::string(quantity) + "_at_" + event_names[e] + "_" + part, "N"});
  for (std::size_t k = 0; k < data.levels.size(); ++k) {
    std::vector<double> values;
    for (const int component : {1, 0})
      for (std::size_t e = 0; e < event_names.size(); ++e) {
        if (!happens(e)) continue;
        double total = 0.0, passive = 0.0, tone = 0.0;
        for (std::size_t w = 0; w < windows_.size(); ++w) {
          const EventState &now = events_[variant][w][e], &before = events_[0][w][e];
          total += component == 1 ? now.loads[k].compression - before.loads[k].compression
                                  : now.loads[k].anterior_shear - before.loads[k].anterior_shear;
          for (std::size_t m = 0; m < now.passive.size() && now.passive.size() == before.passive.size(); ++m) {
            passive += (now.passive[m] - before.passive[m]) * now.unit_load[k][m][component];
            tone += (variants_[variant].model.data().units[m].minimum_activation -
                     variants_.front().model.data().units[m].minimum_activation) *
                    now.active[m] * now.unit_load[k][m][component];
          }
        }
        const double windows = static_cast<double>(windows_.size());
        total /= windows, passive /= windows, tone /= windows;
        values.insert(values.end(), {total, passive, tone, total - passive - tone});
      }
    table.labels.push_back(data.levels[k].name);
    table.rows.push_back(values);
  }
  block.tables["change_of_loads"] = table;
}

void MotionRun::credibility(std::size_t variant, Block& block) {
  const Model& model = variants_[variant].model;
  const ModelData& data = model.data();
  const VariantRecord& record = records_[variant];
  const double weight = data.mass * data.spec.gravity.norm();
  const auto line = [&](const std::string& name, double value, double limit, const std::string& unit,
                        const std::string& source, const std::string& note = "") {
    block.credibility.push_back({name, unit, source, note, value, limit, value <= limit});
  };
  line("redundancy residual", record.greatest_residual, 1e-8, "1",
       "psoas: moment error, bounds and stationarity of every frame");
  credit_fitted_paths(model, block);
  line("required force against m(a - g)", demand_->momentum_error, 1e-9, "body weights",
       "Newton's second law, body by body");

  // Reserves against the peak moment of their joint: the greatest of its rotations, and at least 20 N m, for a reserve
  // below the scale of 1 N m is no miss at a joint that hardly carries a moment.
  const std::vector<Equation> equations = redundancy_equations(model, inverse_options().levels);
  std::vector<double> joint_peak(data.tree.bodies.size(), 20.0);
  const auto body_of = [&](const Equation& equation) {
    if (equation.coordinate >= 0) return moved_body(data, equation.coordinate);
    const auto& names = data.tree_coordinate_names;
    const auto found = std::find(names.begin(), names.end(), equation.name);
    return at(data.tree.coordinate_body[static_cast<std::size_t>(found - names.begin())]);
  };
  for (std::size_t r = 0; r < equations.size(); ++r)
    if (!equations[r].root && equations[r].rotation) {
      double& peak = joint_peak[body_of(equations[r])];
      peak = std::max(peak, record.moment_peak[r]);
    }
  double worst = 0.0, worst_moment = 0.0;
  std::string worst_name;
  for (std::size_t r = 0; r < equations.size(); ++r) {
    if (equations[r].root) continue;
    const double share = record.reserve_peak[r] / joint_peak[body_of(equations[r])];
    if (share > worst) {
      worst = share;
      worst_moment = record.reserve_peak[r];
      worst_name = equations[r].name;
    }
  }
  line("reserve over the joint's peak moment, worst equation", worst, 0.05, "1", "Hicks et al. 2015",
       worst_name.empty() ? "" : worst_name + ", " + fixed_text(worst_moment, 2) + " N m");

  const auto not_applicable = [&](const std::string& name, const std::string& source, const std::string& why) {
    block.credibility.push_back({name, "", source, "not applicable (" + why + ")", 0.0, 0.0, {}});
  };
  const double height = std::max(0.0, record.mass_center_height - demand_->floor);
  const char* section = "docs/science.md section 7";
  if (study_.forces) {
    line("residual force over peak external force", record.residual_force / record.external_force, 0.05, "1",
         "Hicks et al. 2015", fixed_text(record.residual_force, 1) + " N");
    line("residual moment over mass-centre height x peak external force",
         record.residual_moment / (height * record.external_force), 0.01, "1", "Hicks et al. 2015",
         fixed_text(record.residual_moment, 1) + " N m about the root's origin");
    for (const char* name : {"contact shortfall, force", "contact shortfall, moment",
                             "centre of pressure outside the feet", "friction demand"})
      not_applicable(name, section, "forces were measured");
  } else if (data.contacts.empty()) {
    for (const char* name : {"contact shortfall, force", "contact shortfall, moment"})
      not_applicable(name, section, "the model has no contact points");
    return;
  } else {
    for (const char* name : {"residual force", "residual moment"})
      not_applicable(name, "Hicks et al. 2015", "forces derived from the motion");
    line("contact shortfall, force", record.force_shortfall / weight, 0.05, "body weights", section);
    line("contact shortfall, moment", record.moment_shortfall / (weight * height), 0.01,
         "body weight x mass-centre height", section, fixed_text(record.moment_shortfall, 1) + " N m");
    // On the feet alone the environment's whole wrench is theirs; while a seat pushes, how they share it is assumed.
    double outside = 0.0, friction = 0.0, furthest = 0.0;
    int frames_outside = 0, frames_on_feet = 0;
    for (const FrameInfo& info : demand_->frames) {
      if (info.seat > 0.0 || !std::isfinite(info.support_distance)) continue;
      ++frames_on_feet;
      frames_outside += info.support_distance > 0.0;
      friction = std::max(friction, info.friction_demand);
      if (info.support_distance > outside) outside = info.support_distance, furthest = info.ahead_of_heel;
    }
    std::string note =
        std::to_string(frames_outside) + " of " + std::to_string(frames_on_feet) + " frames on the feet alone";
    if (frames_outside > 0)
      note += "; at the worst " + fixed_text(1e3 * std::abs(furthest), 0) + " mm " +
              (furthest < 0.0 ? "behind" : "in front of") + " the mean heel point";
    line("centre of pressure outside the feet", 1e3 * outside, 0.0, "mm", section, note);
    double coefficient = inf;
    for (const ContactPoint& contact : data.contacts)
      if (!contact.seat) coefficient = std::min(coefficient, contact.friction);
    line("friction that the motion needs, on the feet alone", friction, coefficient, "1",
         "model field contacts/*/friction");
  }
  {
    std::vector<std::size_t> order(record.saturated.size());
    for (std::size_t m = 0; m < order.size(); ++m) order[m] = m;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return record.saturated[a] > record.saturated[b]; });
    std::string note;
    for (std::size_t i = 0; i < std::min<std::size_t>(4, order.size()) && record.saturated[order[i]] > 0; ++i)
      note += (i == 0 ? "longest: " : ", ") + data.muscle_names[order[i]] + " " +
              std::to_string(record.saturated[order[i]]);
    if (record.most_saturated > 0)
      note = "at " + fixed_text(record.most_saturated_time, 2) + " s; " + note + " of " + std::to_string(time_.size()) +
             " frames";
    block.credibility.push_back({"muscles fully active at once, the most",
                                 "1",
                                 section,
                                 note,
                                 static_cast<double>(record.most_saturated),
                                 0.0,
                                 {}});
  }

  if (variant > 0 || data.levels.empty() || options_.brief) return;
  // How much the peak depends on the trunk's mass and where it is: at the instant of the greatest peak.
  const int frame =
      std::max_element(windows_.begin(), windows_.end(), [&](const WindowFrames& a, const WindowFrames& b) {
        return records_.front().lowest_compression[at(a.peak)] < records_.front().lowest_compression[at(b.peak)];
      })->peak;
  const double before = records_.front().lowest_compression[at(frame)];
  const std::string& trunk = data.body_names[at(data.levels.back().superior)];
  const auto changed = [&](auto&& edit) {
    ModelSpec spec = model.spec();
    edit(*spec.bodies.find(trunk));
    InverseSolver other(Model(spec), inverse_options());
    explain(other, frame, {});
    return other.level(0).compression - before;
  };
  const auto report = [&](const std::string& name, double minus, double plus) {
    block.credibility.push_back(
        {name,
         "N",
         "docs/science.md section 7",
         fixed_text(minus, 0) + " and " + fixed_text(plus, 0) + " N of " + fixed_text(before, 0) + " N",
         std::max(std::abs(minus), std::abs(plus)),
         0.0,
         {}});
  };
  report("peak " + data.levels.front().name + " compression for -2 and +2 % of thorax mass",
         changed([](BodySpec& b) { b.mass *= 0.98; }), changed([](BodySpec& b) { b.mass *= 1.02; }));
  report("peak " + data.levels.front().name + " compression for the thorax's mass centre 20 mm back and forward",
         changed([](BodySpec& b) { b.mass_center.x() -= 0.02; }),
         changed([](BodySpec& b) { b.mass_center.x() += 0.02; }));
}

void MotionRun::warnings(std::size_t variant, Block& block) const {
  const VariantRecord& record = records_[variant];
  for (std::string& warning : record.watch.warnings([&](int f) { return "at " + short_text(time_[at(f)]) + " s"; }))
    block.warnings.push_back(std::move(warning));
  if (record.unconverged > 0)
    block.warnings.push_back(std::to_string(record.unconverged) + " frames whose muscle redundancy did not converge");
  const Model& model = variants_[variant].model;
  for (const char* hip : {"hip_flexion_r", "hip_flexion_l"})
    if (has_coordinate(model, hip)) {
      const std::size_t c = at(model.coordinate(hip)), n = at(model.coordinates());
      int deep = 0;
      for (std::size_t f = 0; f < time_.size(); ++f) deep += q_[f * n + c] > degrees(100.0);
      if (deep > 0)
        block.warnings.push_back(std::string(hip) + " above 100 degrees in " + std::to_string(deep) +
                                 (deep == 1 ? " frame" : " frames") + ": contact of thigh and trunk is not modelled");
    }
  for (std::string& warning : edit_warnings(study_, variants_[variant])) block.warnings.push_back(std::move(warning));
  if (variant > 0) return;
  if (!trajectory_->held.empty())
    block.warnings.push_back("held, because the recording lacks them: " + join(trajectory_->held, ", "));
  if (!trajectory_->unused.empty())
    block.warnings.push_back("columns of the recording that the model does not know: " +
                             join(trajectory_->unused, ", "));
}

double MotionRun::mean_at(const std::vector<double>& values, std::size_t event) const {
  double sum = 0.0;
  for (const WindowFrames& window : windows_) sum += values[at(instant(window, event))];
  return sum / static_cast<double>(windows_.size());
}

namespace {

/// A level's name as people write it.
std::string written(const std::string& level) {
  std::string out;
  for (const char c : level) out += c == '_' ? std::string("–") : std::string(1, c);
  return out;
}

}  // namespace

void MotionRun::summarise(Result& result) {
  const std::vector<SummaryLine> shifts = delta_theta_lines(study_, variants_, options_, result);
  if (options_.brief) return;
  const Model& model = variants_.front().model;
  double seconds = 0.0;
  for (const WindowFrames& window : windows_) seconds += time_[at(window.last - 1)] - time_[at(window.first)];
  result.heading = (study_.title.empty() ? "motion" : study_.title) + " · " +
                   shortest_text(std::round(1e3 * model.data().mass) / 1e3) + " kg · " + fixed_text(seconds, 2) +
                   " s · " + std::to_string(time_.size()) + " frames · " + std::to_string(model.muscles()) + " muscles";
  summary_lines(shifts, result);
  summary_notes(result);
  const auto plot = [&](const std::string& file, const std::string& title, const char* y, const std::string& series) {
    if (result.blocks.begin()->second.series.find(series)) result.plots.push_back({file, title, y, series});
  };
  plot("hip_moment.svg", "Net hip moment, right (flexion +)", "N·m", "joint_moment/hip_flexion_r");
  plot("iliopsoas_passive_moment.svg", "Passive hip-flexion moment of the iliopsoas, right", "N·m",
       "passive_moment/hip_flexion_r/group:iliopsoas_r");
  if (model.data().levels.empty()) return;
  const std::string& lowest = model.data().levels.front().name;
  plot(lowest + "_compression.svg", "Compression at " + written(lowest), "N", "compression/" + lowest);
  plot(lowest + "_anterior_shear.svg",
       "Anterior shear at " + written(lowest) + ", endplate " + inclination(model, 0) + " in the neutral pose", "N",
       "anterior_shear/" + lowest);
}

std::string MotionRun::inclination(const Model& model, std::size_t level) {
  const double angle = model.spec().lumbar->levels.find(model.data().levels[level].name)->endplate_angle_deg;
  return fixed_text(std::abs(angle), 0) + (angle > 0.0 ? "° backward" : "° forward");
}

void MotionRun::summary_lines(const std::vector<SummaryLine>& shifts, Result& result) {
  const Model& model = variants_.front().model;
  const ModelData& data = model.data();
  const std::string mean =
      windows_.size() > 1 ? ", mean of " + std::to_string(windows_.size()) + " windows" : std::string();
  const auto line = [&](const std::string& label, const std::string& unit, int decimals, const std::string& note,
                        auto&& value) {
    SummaryLine entry{label, unit, note, {}, decimals};
    for (std::size_t v = 0; v < variants_.size(); ++v) entry.values.push_back(value(v));
    result.summary.push_back(entry);
  };
  const auto heading = [&](const std::string& label) { result.summary.push_back({label, "", "", {}, 0}); };
  const auto values = [&](std::size_t v, const std::string& output) -> const std::vector<double>* {
    const Series* series = (result.blocks.begin() + static_cast<std::ptrdiff_t>(v))->second.series.find(output);
    return series ? &series->values : nullptr;
  };
  const auto has = [&](const std::string& output) { return values(0, output) != nullptr; };
  // the mean over windows of the greatest value times sign
  const auto mean_peak = [&](const std::vector<double>& x, double sign) {
    double sum = 0.0;
    for (const WindowFrames& window : windows_) {
      double best = -inf;
      for (int f = window.first; f < window.last; ++f) best = std::max(best, sign * x[at(f)]);
      sum += sign * best;
    }
    return sum / static_cast<double>(windows_.size());
  };
  const auto peak_line = [&](const std::string& label, const std::string& output, const std::string& unit, int decimals,
                             double sign, const std::string& note = "") {
    if (has(output))
      line(label, unit, decimals, note, [&](std::size_t v) { return mean_peak(*values(v, output), sign); });
  };
  const auto end_line = [&](const std::string& label, const std::string& output, const std::string& note) {
    if (has(output)) line(label, "N·m", 2, note, [&](std::size_t v) { return mean_at(*values(v, output), 2); });
  };
  const std::string end = seated() ? "end of the rise" : "end";

  result.summary.insert(result.summary.end(), shifts.begin(), shifts.end());
  heading("hip" + mean);
  for (const std::string side : {"r", "l"}) {
    // the left rows stand where the sides were edited differently
    if (side == "l" && shifts.size() < 2) break;
    const std::string hip = "hip_flexion_" + side, group = "group:iliopsoas_" + side,
                      word = side == "r" ? "right" : "left";
    peak_line("  net moment, " + word + ", greatest extension", "joint_moment/" + hip, "N·m", 1, -1.0,
              "prescribed motion: muscles cannot change it");
    peak_line("  iliopsoas moment, " + word + ", peak", "muscle_moment/" + hip + "/" + group, "N·m", 1, 1.0,
              "active + passive");
    end_line("    passive alone, " + end, "passive_moment/" + hip + "/" + group, "");
    end_line("    tone alone, " + end, "tone_moment/" + hip + "/" + group, "active moment at least activation");
    peak_line("  iliopsoas force, " + word + ", peak", "muscle_force/" + group, "N", 0, 1.0);
    if (iliopsoas_of(model, side))
      for (const double angle : {90.0, 45.0, 0.0, -20.0})
        line("  iliopsoas capacity, " + word + ", at " + fixed_text(angle, 0) + "°", "N·m", 1,
             angle == 90.0 ? "fully active, held still, all else in the neutral pose" : "",
             [&](std::size_t v) { return iliopsoas_capacity(variants_[v].model, degrees(angle), side); });
  }
  const std::array<std::string, 3> titles = {"at the peak of the load", "at seat-off", "at the " + end};
  for (std::size_t e = 0; e < titles.size() && !data.levels.empty(); ++e) {
    if (!happens(e)) continue;
    heading(titles[e] + mean);
    for (std::size_t k = 0; k < data.levels.size(); ++k) {
      const std::string label = "  " + written(data.levels[k].name);
      const auto mean_load = [&](std::size_t v, auto&& pick) {
        double sum = 0.0;
        for (std::size_t w = 0; w < windows_.size(); ++w) sum += pick(events_[v][w][e].loads[k]);
        return sum / static_cast<double>(windows_.size());
      };
      line(label + " compression", "N", 0, "",
           [&](std::size_t v) { return mean_load(v, [](const LevelLoad& l) { return l.compression; }); });
      line(label + " anterior shear", "N", 0, "endplate " + inclination(model, k) + " in the neutral pose",
           [&](std::size_t v) { return mean_load(v, [](const LevelLoad& l) { return l.anterior_shear; }); });
    }
  }
  result.summary.insert(result.summary.end(), integrated_.begin(), integrated_.end());
  heading("joints and support" + mean);
  peak_line("  hip contact, right, peak", "hip_contact_force_bw/r", "BW", 2, 1.0,
            seated() ? "implants measured 1.5 to 2.6 in rises at natural speed (Bergmann et al. 2001)" : "");
  peak_line("  hip contact, left, peak", "hip_contact_force_bw/l", "BW", 2, 1.0);
  if (has("external_force_y")) {
    const double weight = data.mass * data.spec.gravity.norm();
    line("  vertical force, peak", "BW", 3, "needs no mass",
         [&](std::size_t v) { return mean_peak(*values(v, "external_force_y"), 1.0) / weight; });
  }
  const std::vector<Equation> equations = redundancy_equations(model, inverse_options().levels);
  const auto greatest = [&](std::size_t v) {
    std::size_t row = 0;
    double most = -1.0;
    for (std::size_t r = 0; r < equations.size(); ++r)
      if (!equations[r].root && equations[r].rotation && records_[v].reserve_peak[r] > most)
        most = records_[v].reserve_peak[r], row = r;
    return row;
  };
  if (!equations.empty())
    line("  greatest reserve of any frame", "N·m", 2,
         "what muscles leave unexplained, of " + equations[greatest(0)].name,
         [&](std::size_t v) { return records_[v].reserve_peak[greatest(v)]; });
}

void MotionRun::summary_notes(Result& result) {
  if (!study_.note.empty()) result.notes.push_back(study_.note);
  if (question_.repetitions > 1.0) result.notes.push_back(exposure_note(question_.repetitions));
  if (seated()) {
    std::string risen, stayed;
    for (const WindowFrames& window : windows_) {
      if (window.rises) {
        risen += (risen.empty() ? " " : ", ") + fixed_text(time_[at(window.seat_off)], 2) + " s (" + window.name + ")";
      } else {
        stayed += (stayed.empty() ? "" : ", ") + window.name;
      }
    }
    if (!risen.empty())
      result.notes.push_back("Seat-off at" + risen +
                             "; before it seat and feet share force by assumption (series assumed_sharing).");
    if (!stayed.empty())
      result.notes.push_back("Never off the seat: " + stayed +
                             "; seat and feet share force by assumption, and \"at seat-off\" is the last frame.");
  }
  for (std::size_t v = 1; v < variants_.size(); ++v) {
    const Block& block = (result.blocks.begin() + static_cast<std::ptrdiff_t>(v))->second;
    const ResultTable* change = block.tables.find("change_of_loads");
    if (!change) continue;
    const auto entry = [&](const std::string& column) {  // of the lowest level
      for (std::size_t c = 0; c < change->columns.size(); ++c)
        if (change->columns[c].name == column) return change->rows.front()[c];
      return std::nan("");
    };
    const double tone = entry("compression_at_end_tone");
    result.notes.push_back(
        variants_[v].name + ": " + written(change->labels.front()) + " compression at the end changes by " +
        fixed_text(entry("compression_at_end_total"), 1) + " N (" + fixed_text(entry("compression_at_end_passive"), 1) +
        " directly by passive force, " + (tone == 0.0 ? "" : fixed_text(tone, 1) + " directly by tone, ") +
        fixed_text(entry("compression_at_end_re_recruitment"), 1) + " by re-recruitment); at the peak by " +
        fixed_text(entry("compression_at_peak_total"), 1) + " N.");
  }
  if (study_.forces) {
    std::string names;
    for (const auto& [name, load] : question_.motion.forces->loads)
      names += (names.empty() ? "" : ", ") + name + " on " + load.body;
    result.notes.push_back("External forces as measured (" + names + "); the feet's contact points carry nothing.");
  }
  if (trajectory_->trunk_change > 0.0)
    result.notes.push_back(
        "The recorded trunk orientation is met by the product of the levels' rotations; the trunk coordinates change "
        "by at most " +
        fixed_text(to_degrees(trajectory_->trunk_change), 2) + "° for it.");
  for (const Credibility& entry : result.blocks.begin()->second.credibility)
    if (entry.ok && !*entry.ok)
      result.notes.push_back("✗ " + entry.name + ": " + shortest_text(std::round(entry.value * 1e4) / 1e4) + " " +
                             entry.unit + ", limit " + shortest_text(entry.limit) +
                             (entry.note.empty() ? "" : " (" + entry.note + ")") + ".");
}

}  // namespace psoas
