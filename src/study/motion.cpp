// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A recorded motion: coordinates -> smooth trajectory -> frames -> reference with contacts -> variants -> events.
#include "study/motion.hpp"

#include <algorithm>
#include <cmath>

#include "model/parts.hpp"
#include "psoas/core/filter.hpp"
#include "psoas/core/spline.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/model/kept_paths.hpp"
#include "study/controls.hpp"
#include "study/recording.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Bodies that stand on the ground first on their leg: those with foot contacts and no such body below them.
std::vector<int> heels(const Model& model) {
  std::vector<int> bodies;
  for (const ContactPoint& contact : model.data().contacts)
    if (!contact.seat && std::find(bodies.begin(), bodies.end(), contact.body) == bodies.end())
      bodies.push_back(contact.body);
  std::sort(bodies.begin(), bodies.end());
  std::vector<int> out;
  for (const int body : bodies) {
    const bool inside =
        std::any_of(out.begin(), out.end(), [&](int heel) { return body < model.tree().bodies[at(heel)].subtree_end; });
    if (!inside) out.push_back(body);
  }
  return out;
}

}  // namespace

MotionRun::MotionRun(const Study& study, const MotionStudy& question, const RunOptions& options)
    : study_(study),
      question_(question),
      options_(options),
      memory_(options.memory->inside()),
      variants_(compile_variants(study, *options.memory)),
      trajectory_(find_trajectory()),
      time_(trajectory_->time),
      q_(trajectory_->q),
      u_(trajectory_->u),
      udot_(trajectory_->udot),
      paths_(find_paths()) {
  find_demand();
  windows_ = demand_->windows;
}

InverseOptions MotionRun::inverse_options() const {
  InverseOptions o = psoas::inverse_options(question_.redundancy);
  o.contact_scale = question_.support.contact_scale;
  o.tangential_scale = question_.support.tangential_scale;
  return o;
}

std::shared_ptr<const Trajectory> MotionRun::find_trajectory() const {
  const ModelSpec& spec = variants_.front().model.spec();
  Bytes key;
  key.add(question_.motion);
  key.add(study_.table->names);
  key.add(study_.table->columns);
  key.add(study_.table->time);
  key.add(study_.table->in_degrees);
  add_kinematics(spec, key);
  // a recording of the whole trunk is shared out by the rhythm of the study's model
  if (spec.lumbar && spec.lumbar->free()) add_kinematics(study_.model, key);
  std::shared_ptr<Trajectory> out = memory_.trajectories.find(key);
  if (out) return out;
  out = memory_.trajectories.fresh();
  *out = {};
  out->number = ++memory_.trajectories_made;
  make_trajectory(*out);
  memory_.trajectories.keep(std::move(key), out);
  return out;
}

void MotionRun::make_trajectory(Trajectory& out) const {
  const Model& model = variants_.front().model;
  const ModelData& data = model.data();
  Table table = *study_.table;
  const std::vector<double>& time = table.times();
  const double cutoff = question_.motion.lowpass_hz, rate = cutoff > 0.0 ? sampling_rate(time, table.source) : 0.0;
  const bool own = takes_own_coordinates(table);

  const Recording recording = read_recording(study_, model, table, question_.motion.hold, "/motion/hold",
                                             !own && question_.motion.trunk == "orientation");
  out.held = recording.held;
  for (const std::string& name : recording.unused)
    if (!own || name.find('/') == std::string::npos) out.unused.push_back(name);  // a result has its outputs beside
  out.trunk_change = recording.trunk_change;
  const std::vector<std::vector<double>>& columns = recording.columns;

  // what the filter refuses is too short a recording or the cut-off
  const std::string filter = time.size() < 6 ? table.source : study_.place("/motion/lowpass_hz");
  std::vector<QuinticSpline> splines;
  for (std::size_t c = 0; c < columns.size(); ++c)
    splines.emplace_back(time, cutoff > 0.0 ? lowpass(columns[c], rate, cutoff, filter) : columns[c], Exact{},
                         data.coordinate_names[c]);

  // A simulation may have written speeds and accelerations too: better ones than those of a spline through rows.
  std::vector<const std::vector<double>*> speeds, accelerations;
  for (const std::string& name : data.coordinate_names)
    for (const auto& [quantity, of] : {std::pair{"speed/", &speeds}, std::pair{"acceleration/", &accelerations}})
      if (const std::vector<double>* column = own && cutoff == 0.0 ? table.find(quantity + name) : nullptr) {
        table.require_finite(quantity + name);
        of->push_back(column);
      }
  const bool rates = speeds.size() == columns.size() && accelerations.size() == columns.size();

  // The instants of each window are those of the recording.
  Named<Window> windows = question_.motion.windows;
  if (windows.empty()) windows["all"] = {time.front(), time.back()};
  const double slack = 1e-9 * (time.back() - time.front());
  for (const auto& [name, window] : windows) {
    const std::string pointer = "/motion/windows/" + name;
    if (window.from < time.front() - slack || window.to > time.back() + slack)
      throw Error(Kind::input, study_.place(pointer),
                  "expected a window inside the recording (" + shortest_text(time.front()) + " to " +
                      shortest_text(time.back()) + " s), found " + shortest_text(window.from) + " to " +
                      shortest_text(window.to));
    WindowFrames frames;
    frames.name = name;
    frames.first = static_cast<int>(out.time.size());
    for (std::size_t i = 0; i < time.size(); ++i) {
      if (time[i] < window.from - slack || time[i] > window.to + slack) continue;
      if (!out.time.empty() && time[i] <= out.time.back())
        throw Error(Kind::input, study_.place(pointer), "expected windows in the order of time that do not overlap");
      out.time.push_back(time[i]);
      for (std::size_t c = 0; c < splines.size(); ++c) {
        const Jet2<double> jet = splines[c].jet(time[i]);
        out.q.push_back(jet.value);
        out.u.push_back(rates ? (*speeds[c])[i] : jet.slope);
        out.udot.push_back(rates ? (*accelerations[c])[i] : jet.curvature);
      }
    }
    frames.last = static_cast<int>(out.time.size());
    if (frames.last - frames.first < 2)
      throw Error(Kind::input, study_.place(pointer), "expected at least two recorded instants in the window");
    out.windows.push_back(frames);
  }
}

void MotionRun::find_demand() {
  Bytes key;
  key.add(trajectory_->number);
  key.add(question_.support);
  key.add(study_.forces.has_value());
  if (study_.forces) {
    key.add(study_.forces->names);
    key.add(study_.forces->columns);
    key.add(study_.forces->time);
    key.add(study_.forces->in_degrees);
  }
  add_skeleton(variants_.front().model.spec(), key);
  demand_ = memory_.demands.find(key);
  if (demand_) return;
  demand_ = memory_.demands.fresh();
  *demand_ = {};
  demand_->number = ++memory_.demands_made;
  if (study_.forces) measured_forces();
  frames();
  memory_.demands.keep(std::move(key), demand_);
}

void MotionRun::measured_forces() {
  const Model& model = variants_.front().model;
  const std::vector<ExternalLoad> loads =
      external_loads(study_, model, *question_.motion.forces, "/motion/forces", time_.front(), time_.back(),
                     question_.motion.lowpass_hz, "/motion/lowpass_hz");
  InverseSolver solver(model, inverse_options());
  std::vector<Spatial> measured, on_bodies(model.tree().bodies.size());
  for (int frame = 0; frame < static_cast<int>(time_.size()); ++frame) {
    net(solver, 0, frame);
    for (Spatial& wrench : on_bodies) wrench.setZero();
    add_external<double>(loads, time_[at(frame)], solver.work().tree, on_bodies);
    measured.insert(measured.end(), on_bodies.begin(), on_bodies.end());
  }
  demand_->measured = std::move(measured);
}

// numbers that are kept of one set of paths or rows: 48 MiB
constexpr std::size_t most_kept = 6u << 20;

std::vector<std::shared_ptr<FrameNumbers>> MotionRun::find_paths() const {
  std::vector<std::shared_ptr<FrameNumbers>> out;
  for (const Variant& variant : variants_) {
    const std::size_t size = kept_paths_size(variant.model.data());
    if (size * time_.size() > most_kept) {
      out.push_back(nullptr);
      continue;
    }
    Bytes key;
    key.add(trajectory_->number);
    add_paths(variant.model.spec(), key);
    std::shared_ptr<FrameNumbers> paths = memory_.paths.find(key);
    if (!paths) {
      paths = memory_.paths.fresh();
      paths->reset(time_.size(), size);
      memory_.paths.keep(std::move(key), paths);
    }
    out.push_back(std::move(paths));
  }
  return out;
}

std::shared_ptr<FrameNumbers> MotionRun::find_rows(std::size_t variant, const InverseSolver& solver) const {
  const std::size_t size = solver.rows_size(variant == 0);
  if (size * time_.size() > most_kept) return nullptr;
  Bytes key;
  key.add(demand_->number);
  key.add(question_.redundancy);
  add_paths(variants_[variant].model.spec(), key);
  key.add(variant == 0);  // has contacts, too
  std::shared_ptr<FrameNumbers> rows = memory_.rows.find(key);
  if (rows) return rows;
  rows = memory_.rows.fresh();
  rows->reset(time_.size(), size);
  memory_.rows.keep(std::move(key), rows);
  return rows;
}

void MotionRun::net(InverseSolver& solver, std::size_t variant, int frame) const {
  FrameNumbers* const paths = paths_[variant].get();
  const bool known = paths && paths->has(frame);
  if (known) solver.take_paths(paths->of(frame));
  const std::vector<Spatial>& measured = demand_->measured;
  const std::size_t n = at(variants_.front().model.coordinates()), start = at(frame) * n,
                    bodies = measured.size() / std::max<std::size_t>(time_.size(), 1);
  solver.net({q_.data() + start, n}, {u_.data() + start, n}, {udot_.data() + start, n},
             {measured.data() + at(frame) * bodies, bodies});
  if (paths && !known) keep_paths(solver.work(), paths->fill(frame));
}

bool MotionRun::seated() const {
  const std::vector<ContactPoint>& contacts = variants_.front().model.data().contacts;
  const bool asked = question_.support.seat == "until_seat_off" || (question_.support.seat == "auto" && !study_.forces);
  return asked &&
         std::any_of(contacts.begin(), contacts.end(), [](const ContactPoint& contact) { return contact.seat; });
}

void MotionRun::frames() {
  const Model& model = variants_.front().model;
  const ModelData& data = model.data();
  InverseSolver solver(model, inverse_options());
  const std::vector<int> heel_bodies = heels(model);
  const bool feet = !heel_bodies.empty();
  const double weight = data.mass * data.spec.gravity.norm();

  // The floor is where the lowest foot point of all frames stands.
  demand_->floor = feet ? inf : 0.0;
  for (int f = 0; f < static_cast<int>(time_.size()) && feet; ++f) {
    net(solver, 0, f);
    for (std::size_t k = 0; k < data.contacts.size(); ++k)
      if (!data.contacts[k].seat)
        demand_->floor = std::min(demand_->floor, solver.contact_point(static_cast<int>(k)).y());
  }

  std::vector<double> ahead(time_.size(), 0.0);
  std::vector<FrameInfo>& frame_info = demand_->frames;
  frame_info.resize(time_.size());
  for (int f = 0; f < static_cast<int>(time_.size()); ++f) {
    net(solver, 0, f);
    FrameInfo& info = frame_info[at(f)];
    const Vec3 force = solver.required_wrench().tail<3>();
    info.vertical_bw = force.y() / weight;
    info.friction_demand = std::hypot(force.x(), force.z()) / force.y();
    demand_->momentum_error = std::max(demand_->momentum_error, momentum_difference(solver) / weight);
    if (!feet) continue;
    const Vec3 cop = solver.centre_of_pressure(demand_->floor);
    Vec3 heel = Vec3::Zero();
    for (const int body : heel_bodies)
      heel += solver.work().tree.X_GB[at(body)].p / static_cast<double>(heel_bodies.size());
    // forward is where the pelvis (the root's body) faces, on the floor
    Vec3 forward = solver.work().tree.X_GB[1].R.col(0);
    forward.y() = 0.0;
    forward.normalize();
    info.ahead_of_heel = (cop - heel).dot(forward);
    info.support_distance = support_distance(solver, cop);
  }
  const bool seat = seated();
  demand_->windows = trajectory_->windows;
  for (WindowFrames& window : demand_->windows) {
    window.seat_off = window.first;
    if (feet && seat) {
      window.seat_off = window.last - 1;
      for (int f = window.first; f < window.last; ++f) {
        bool stays = true;
        for (int g = f; g < window.last && time_[at(g)] <= time_[at(f)] + 0.05 + 1e-9; ++g)
          stays = stays && frame_info[at(g)].ahead_of_heel > 0.0;
        if (stays) {
          window.seat_off = f;
          window.rises = true;
          break;
        }
      }
    }
    for (int f = window.first; f < window.last; ++f) {
      const double end = time_[at(window.seat_off)] + question_.support.seat_release_end,
                   start = end - question_.support.seat_release_duration;
      const double t = time_[at(f)];
      frame_info[at(f)].seat = !seat                         ? 0.0
                               : !window.rises || t <= start ? 1.0
                               : t >= end                    ? 0.0
                                                             : (end - t) / (end - start);
    }
  }
}

double MotionRun::momentum_difference(const InverseSolver& solver) const {
  // Newton's second law body by body, without the recursion.
  const Tree& tree = solver.model().tree();
  Vec3 sum = Vec3::Zero();
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const Spatial& v = solver.work().tree.velocity[b];
    const Spatial& a = solver.work().tree.acceleration[b];
    const Vec3 c = solver.work().tree.mass_center[b], w = v.head<3>(), alpha = a.head<3>();
    const Vec3 c_dot = v.tail<3>() + w.cross(c);
    sum += tree.bodies[b].mass * (a.tail<3>() + alpha.cross(c) + w.cross(c_dot) - solver.model().spec().gravity);
  }
  return (sum - Vec3(solver.required_wrench().tail<3>())).norm();
}

double MotionRun::support_distance(const InverseSolver& solver, const Vec3& cop) const {
  // Distance from the convex hull of the foot points on the floor (Andrew's monotone chain; points are few).
  std::vector<std::array<double, 2>> points;
  const ModelData& data = solver.model().data();
  for (std::size_t k = 0; k < data.contacts.size(); ++k)
    if (!data.contacts[k].seat) {
      const Vec3 p = solver.contact_point(static_cast<int>(k));
      points.push_back({p.x(), p.z()});
    }
  if (points.size() < 3) return std::nan("");
  std::sort(points.begin(), points.end());
  const auto cross = [](const auto& o, const auto& a, const auto& b) {
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  };
  std::vector<std::array<double, 2>> hull;
  for (int pass = 0; pass < 2; ++pass) {
    const std::size_t start = hull.size();
    for (const auto& p : points) {
      while (hull.size() >= start + 2 && cross(hull[hull.size() - 2], hull.back(), p) <= 0.0) hull.pop_back();
      hull.push_back(p);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  const std::array<double, 2> c{cop.x(), cop.z()};
  bool inside = true;
  double nearest = inf;
  for (std::size_t i = 0; i < hull.size(); ++i) {
    const auto &a = hull[i], &b = hull[(i + 1) % hull.size()];
    if (cross(a, b, c) < 0.0) inside = false;
    const double dx = b[0] - a[0], dy = b[1] - a[1],
                 along = std::clamp(((c[0] - a[0]) * dx + (c[1] - a[1]) * dy) / (dx * dx + dy * dy), 0.0, 1.0);
    nearest = std::min(nearest, std::hypot(c[0] - a[0] - along * dx, c[1] - a[1] - along * dy));
  }
  return inside ? 0.0 : nearest;
}

void MotionRun::explain(InverseSolver& solver, int frame, std::span<const double> start) const {
  net(solver, 0, frame);
  solver.solve({study_.forces ? 0.0 : 1.0, demand_->frames[at(frame)].seat}, start);
}

void MotionRun::solve(InverseSolver& solver, std::size_t variant, int frame) {
  const std::size_t contacts = 3 * variants_.front().model.data().contacts.size(), rows = solver.equations().size();
  // from the frame before, whatever was solved last: a frame that is solved again has the same bits
  std::vector<double>& multipliers = multiplier_[variant];
  multipliers.resize(rows * time_.size());
  std::span<const double> start;
  if (frame > 0) start = {multipliers.data() + rows * at(frame - 1), rows};
  FrameNumbers* const kept = frame_rows_[variant].get();
  const bool known = kept && kept->has(frame);
  if (known) solver.take_rows(kept->of(frame));
  if (variant == 0) {
    explain(solver, frame, start);
    std::copy(solver.contact_force().begin(), solver.contact_force().end(),
              contact_force_.begin() + static_cast<std::ptrdiff_t>(at(frame) * contacts));
  } else {
    // The same motion and the same external forces: variants differ in their muscles only.
    net(solver, variant, frame);
    solver.solve_with({contact_force_.data() + at(frame) * contacts, contacts}, start);
  }
  if (kept && !known) solver.keep_rows(kept->fill(frame));
  std::copy(solver.multiplier().begin(), solver.multiplier().end(),
            multipliers.begin() + static_cast<std::ptrdiff_t>(rows * at(frame)));
}

void MotionRun::solve_all(std::size_t v, const std::vector<std::string>& patterns, Block& block) {
  const Model& model = variants_[v].model;
  InverseSolver solver(model, inverse_options());
  frame_rows_[v] = find_rows(v, solver);
  block.axis_values = time_;
  const std::vector<Output> outputs = find_outputs(model, patterns, true, solver.equations());
  std::vector<std::vector<double>> values(outputs.size(), std::vector<double>(time_.size()));
  VariantRecord record(model, solver.equations());
  record.tendon_force.resize(windows_.size());
  std::vector<int> trusted;
  for (std::size_t i = 0; i < question_.trusted.size(); ++i) try {
      for (const int muscle : model.select(question_.trusted[i])) trusted.push_back(muscle);
    } catch (const Error& error) {
      throw Error(Kind::input, study_.place("/trusted/" + std::to_string(i)), error.what());
    }
  std::vector<char> left_out(time_.size(), 0);
  for (int f = 0; f < static_cast<int>(time_.size()); ++f) {
    solve(solver, v, f);
    const Instant now{
        &model, &solver.work(), solver.q(), solver.u(), solver.udot(), solver.activation(), solver.tendon_force(),
        &solver};
    for (std::size_t k = 0; k < outputs.size(); ++k) values[k][at(f)] = outputs[k].value(now);
    note_frame(solver, time_[at(f)], record);
    for (const int muscle : trusted)
      if (is_flagged(model, solver.q(), solver.work(), muscle)) left_out[at(f)] = 1;
    if (!options_.brief) find_event(solver, v, f, record);
    if (options_.progress)
      options_.progress((static_cast<double>(v) + static_cast<double>(f + 1) / static_cast<double>(time_.size())) /
                            static_cast<double>(variants_.size()),
                        variants_[v].name);
  }
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (trusted.empty()) {
      reductions(outputs[k].name, outputs[k].unit, values[k], block);
    } else {
      std::vector<double> of_trusted = values[k];
      for (std::size_t f = 0; f < left_out.size(); ++f)
        if (left_out[f]) of_trusted[f] = std::nan("");
      reductions(outputs[k].name, outputs[k].unit, of_trusted, block);
    }
    block.series.add(outputs[k].name) = {outputs[k].unit, std::move(values[k])};
  }
  if (seated()) {
    for (const WindowFrames& window : windows_)
      if (window.rises) block.scalars[window.name + "/seat_off_time"] = {time_[at(window.seat_off)], "s"};
    Series shared{"1", std::vector<double>(time_.size())};
    for (std::size_t f = 0; f < time_.size(); ++f) shared.values[f] = demand_->frames[f].seat > 0.0 ? 1.0 : 0.0;
    if (!options_.brief) block.series["assumed_sharing"] = std::move(shared);
  }
  if (!trusted.empty())
    block.scalars["frames_left_out"] = {static_cast<double>(std::count(left_out.begin(), left_out.end(), 1)), "1"};
  block.unconverged = record.unconverged;
  records_.push_back(std::move(record));
}

std::optional<Bytes> MotionRun::answer_key(std::size_t variant, const std::vector<std::string>& patterns) const {
  // A whole result says more, and integration starts from every frame's activations.
  if (!options_.brief || question_.integration) return {};
  Bytes key;
  if (!memory_.models.add_identity(variants_[variant].model, key)) return {};
  key.add(trajectory_->number);
  key.add(demand_->number);
  key.add(question_);
  key.add(patterns);
  key.add(variant == 0);
  key.add(edit_warnings(study_, variants_[variant]));
  return key;
}

Result MotionRun::run() {
  const std::size_t contacts = 3 * variants_.front().model.data().contacts.size();
  contact_force_.assign(time_.size() * contacts, 0.0);
  multiplier_.assign(variants_.size(), {});
  frame_rows_.assign(variants_.size(), nullptr);
  std::vector<std::string> patterns = study_.outputs;
  const bool patterns_are_default = patterns.empty();
  if (patterns_are_default) patterns = default_outputs(variants_.front().model);
  for (const Variant& variant : variants_)
    for (const Edit& edit : variant.edits)
      if (patterns_are_default && !edit.muscles.empty() &&
          (edit.set.find("minimum_activation") || edit.scale.find("minimum_activation") ||
           edit.shift.find("minimum_activation")))
        for (const std::string side : {"r", "l"})
          if (iliopsoas_of(variant.model, side))
            patterns.push_back("tone_moment/hip_flexion_" + side + "/group:iliopsoas_" + side);
  if (question_.integration)
    for (const std::string& output : integrated_outputs(variants_.front().model)) patterns.push_back(output);
  Result result;
  std::vector<std::optional<Bytes>> keys;  // of what has to be said of a variant, where that may be kept
  std::vector<bool> known;
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    Block& block = result.blocks[variants_[v].name];
    keys.push_back(answer_key(v, patterns));
    if (!keys[0]) keys[v].reset();
    if (v > 0 && keys[v]) keys[v]->add(*keys[0]);  // whose contact forces it takes
    const std::shared_ptr<VariantAnswer> kept = keys[v] ? memory_.answers.find(*keys[v]) : nullptr;
    known.push_back(kept != nullptr);
    if (kept) {
      block = kept->block;
      if (v == 0) contact_force_ = kept->contact_force;
      records_.emplace_back(variants_[v].model, std::span<const Equation>());
    } else {
      solve_all(v, patterns, block);
    }
  }
  if (!options_.brief) events();
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    if (known[v]) continue;
    Block& block = (result.blocks.begin() + static_cast<std::ptrdiff_t>(v))->second;
    if (!options_.brief) ledgers(v, block);
    credibility(v, block);
    warnings(v, block);
    if (!keys[v]) continue;
    const std::shared_ptr<VariantAnswer> kept = memory_.answers.fresh();
    kept->block = block;
    if (v == 0) kept->contact_force = contact_force_;
    memory_.answers.keep(std::move(*keys[v]), kept);
  }
  integrate(result);
  summarise(result);
  return result;
}

Result answer(const Study& study, const MotionStudy& question, const RunOptions& options) {
  return MotionRun(study, question, options).run();
}

}  // namespace psoas
