// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/controls.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/recording.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Reads the controllers of a study one after another.
class Controls {
 public:
  Controls(const Study& study, const SimulationStudy& question, const Model& model, SimulationOptions& options)
      : study_(study), model_(model), options_(options), driver_(at(model.muscles())) {
    for (const auto& [name, controller] : question.controllers) add(name, controller);
    for (const auto& [name, spec] : question.prescribed) prescribe(name, spec);
  }

  /// Which independent coordinates are locked or prescribed.
  std::vector<char> still() const {
    std::vector<char> out = options_.locked;
    for (const PrescribedCoordinate& other : options_.prescribed) out[at(other.coordinate)] = 1;
    return out;
  }

  /// The recorded motion that a controller follows; none where none does.
  std::vector<QuinticSpline> motion(const State& state) const {
    if (!tracking_) return {};
    const TrackingController& one = *tracking_;
    const std::vector<std::string>& names = model_.data().coordinate_names;
    const std::vector<char> still = this->still();
    Recording recording = read_recording(study_, model_, *study_.tables.find(one.coordinates), one.hold,
                                         tracking_place_ + "/hold", one.trunk == "orientation", still);
    const Table& table = *study_.tables.find(one.coordinates);
    if (recording.time.size() < 3)
      throw Error(Kind::input, table.source,
                  "expected at least 3 rows, found " + std::to_string(recording.time.size()));
    if (recording.time.front() > 1e-9)
      throw Error(Kind::input, table.source,
                  "expected a motion from 0 s on, found one from " + shortest_text(recording.time.front()) + " s");
    std::vector<QuinticSpline> splines;
    for (std::size_t c = 0; c < names.size(); ++c) {
      // what does not move stays where the simulation has it
      if (still[c]) recording.columns[c].assign(recording.time.size(), state.q()[c]);
      if (one.lowpass_hz)
        splines.emplace_back(recording.time, recording.columns[c], Cutoff{*one.lowpass_hz},
                             study_.place(tracking_place_ + "/lowpass_hz"));
      else
        splines.emplace_back(recording.time, recording.columns[c], Exact{}, names[c]);
    }
    return splines;
  }

  /// The controller that follows a motion, if there is one.
  std::unique_ptr<MotionTracker> follow(const SimulationStudy& question, const State& state,
                                        const std::vector<QuinticSpline>* reference) {
    if (!tracking_) return nullptr;
    const TrackingController& one = *tracking_;
    for (std::size_t m = 0; m < driver_.size(); ++m)
      if (!driver_[m].empty())
        throw Error(
            Kind::input, study_.place(tracking_place_),
            "expected muscles that nothing else drives, found " + model_.data().muscle_names[m] + " in " + driver_[m]);
    if (!options_.reflexes.empty() || !options_.forces.empty())
      throw Error(Kind::input, study_.place(tracking_place_),
                  std::string("expected no other controller beside one that follows a motion, which would not know of "
                              "it, found a ") +
                      (options_.reflexes.empty() ? "coordinate_force" : "stretch_reflex"));
    for (const std::array<int, 3>& chart : model_.data().charts)
      for (const int c : chart)
        if (!still()[at(c)])
          throw Error(Kind::input, study_.place(tracking_place_),
                      "expected rotations by angles where a motion is followed, found a rotation vector with " +
                          model_.data().coordinate_names[at(c)] + "; a free joint has \"rotation\": \"angles\"");
    if (!question.excitation.empty())
      throw Error(
          Kind::input, study_.place("/excitation"),
          "expected no constant excitations beside a controller that follows a motion (" + tracking_place_ + ")");
    const std::vector<std::string>& names = model_.data().coordinate_names;
    const std::vector<char> still = this->still();
    for (std::size_t c = 0; c < names.size(); ++c)
      for (const auto& [values, key] :
           {std::pair(&question.initial, "/initial/"), std::pair(&question.speeds, "/speeds/")})
        if (!still[c] && values->find(names[c]))
          throw Error(
              Kind::input, study_.place(key + names[c]),
              "expected a coordinate that is locked, for the others start as the motion does that is followed (" +
                  tracking_place_ + ")");
    std::vector<QuinticSpline> splines = reference ? *reference : motion(state);
    TrackingOptions tracking;
    tracking.interval = one.interval;
    tracking.frequency = one.frequency;
    tracking.lead = one.lead;
    tracking.horizon = one.horizon;
    tracking.stiffness = one.stiffness;
    tracking.redundancy = inverse_options(one.redundancy);
    auto tracker =
        std::make_unique<MotionTracker>(model_, options_, tracking, TrackedMotion(model_, std::move(splines)));
    options_.sampled = tracker->sampled();
    return tracker;
  }

 private:
  void add(const std::string& name, const Controller& controller) {
    name_ = name;
    std::visit(
        [&](const auto& one) {
          here_ = "/controllers/" + name + "/" + std::string(one.name);
          read(one);
        },
        controller);
  }

  void prescribe(const std::string& name, const PrescribedSpec& spec) {
    const std::string here = "/prescribed/" + name;
    const int c = find_coordinate(study_, model_, name, here);
    if (options_.locked[at(c)])
      throw Error(Kind::input, study_.place(here), "expected a coordinate that is not locked, too");
    std::vector<double> time = spec.time, value = spec.value;
    if (spec.table) {
      Table table = *study_.tables.find(*spec.table);
      const std::string column = spec.column.value_or(name);
      if (!table.find(column))
        throw Error(Kind::input, study_.place(here),
                    "expected a column \"" + column + "\" in " + *spec.table + did_you_mean(column, table.names));
      table.require_finite(column);
      convert_to_radians(table, [&](std::string_view) { return static_cast<bool>(model_.data().is_rotation[at(c)]); });
      time = table.times();
      value = table.column(column);
      if (time.size() < 3)
        throw Error(Kind::input, table.source, "expected at least 3 rows, found " + std::to_string(time.size()));
      if (spec.lowpass_hz) {
        const QuinticSpline smooth(time, value, Cutoff{*spec.lowpass_hz}, study_.place(here + "/lowpass_hz"));
        for (std::size_t i = 0; i < time.size(); ++i) value[i] = smooth(time[i]);
      }
    }
    for (const double one : value) check_coordinate(study_, model_, name, one, here);
    if (time.front() > 1e-9 || time.back() < options_.duration - 1e-9)
      throw Error(Kind::input, study_.place(here),
                  "expected values from 0 to " + shortest_text(options_.duration) + " s, found " +
                      shortest_text(time.front()) + " to " + shortest_text(time.back()) + " s");
    options_.prescribed.push_back({c, Signal(std::move(time), std::move(value), Signal::Shape::spline)});
  }

  static Signal::Shape shape_of(const std::string& word) {
    return word == "steps" ? Signal::Shape::steps : word == "spline" ? Signal::Shape::spline : Signal::Shape::linear;
  }

  std::vector<int> selected(const std::vector<std::string>& selections) const {
    std::vector<int> out;
    for (std::size_t i = 0; i < selections.size(); ++i)
      for (const int m : muscles_at(study_, model_, selections[i], here_ + "/muscles/" + std::to_string(i)))
        if (std::find(out.begin(), out.end(), m) == out.end()) out.push_back(m);
    return out;
  }

  /// Lets a signal drive muscles that no other one drives.
  void drive(Signal signal, std::vector<int> muscles) {
    for (const int m : muscles) {
      std::string& driver = driver_[at(m)];
      if (!driver.empty())
        throw Error(
            Kind::input, study_.place(here_),
            "expected one excitation for " + model_.data().muscle_names[at(m)] + ", found another in " + driver);
      driver = "/controllers/" + name_;
    }
    options_.open_loop.push_back({std::move(signal), std::move(muscles)});
  }

  void read(const TableController& one) {
    const Table& table = *study_.tables.find(one.file);
    if (table.names.empty())
      throw Error(Kind::input, table.source, "expected columns called as muscles, globs or groups, found none");
    if (one.shape == "spline" && table.rows() < 3)
      throw Error(Kind::input, table.source, "expected at least 3 rows, found " + std::to_string(table.rows()));
    for (const std::string& column : table.names) {
      const std::vector<std::string> names = select_muscles(model_.spec(), column);
      if (names.empty())
        throw Error(Kind::input, table.source,
                    "expected columns called as muscles, globs or groups of the model, found \"" + column + "\"" +
                        did_you_mean(column, model_.data().muscle_names));
      const std::vector<double>& value = table.column(column);
      for (std::size_t i = 0; i < value.size(); ++i)
        if (!(value[i] >= 0.0 && value[i] <= 1.0))
          throw Error(Kind::input, table.place(i),
                      "expected an excitation from 0 to 1 in column " + column + ", found " + shortest_text(value[i]));
      drive(Signal(table.times(), value, shape_of(one.shape)), model_.select(column));
    }
  }

  void read(const SplineController& one) {
    drive(Signal(one.time, one.value, Signal::Shape::spline), selected(one.muscles));
  }

  void read(const BangBangController& one) {
    // a first point before everything gives the value until the first switch
    std::vector<double> time = {std::min(0.0, one.switch_times.front()) - 1.0}, value;
    time.insert(time.end(), one.switch_times.begin(), one.switch_times.end());
    for (std::size_t i = 0; i < time.size(); ++i)
      value.push_back((one.first == "low") == (i % 2 == 0) ? one.low : one.high);
    drive(Signal(std::move(time), std::move(value), Signal::Shape::steps), selected(one.muscles));
  }

  void read(const StretchReflexController& one) {
    for (const int m : selected(one.muscles))
      options_.reflexes.push_back(
          {m, one.delay, one.length_gain, one.length_threshold, one.velocity_gain, one.velocity_threshold});
  }

  void read(const CoordinateForceController& one) {
    const int c = find_coordinate(study_, model_, one.coordinate, here_ + "/coordinate");
    if (options_.locked[at(c)])
      throw Error(Kind::input, study_.place(here_ + "/coordinate"),
                  "expected a coordinate that moves, found \"" + one.coordinate + "\", which is locked");
    options_.forces.push_back({c, Signal(one.force.time, one.force.value, shape_of(one.force.shape))});
  }

  /// Once all else is known: what is locked and prescribed.
  void read(const TrackingController& one) {
    if (tracking_)
      throw Error(Kind::input, study_.place(here_),
                  "expected one controller that follows a motion, found another in " + tracking_place_);
    tracking_ = &one;
    tracking_place_ = here_;
  }

  const Study& study_;
  const Model& model_;
  SimulationOptions& options_;
  const TrackingController* tracking_ = nullptr;
  std::string tracking_place_;
  std::string name_, here_;
  std::vector<std::string> driver_;  // per muscle: what drives it
};

}  // namespace

std::vector<int> muscles_at(const Study& study, const Model& model, const std::string& selection,
                            const std::string& pointer) {
  if (select_muscles(model.spec(), selection).empty())
    throw Error(Kind::input, study.place(pointer),
                "expected a muscle, glob or group, found \"" + selection + "\"" +
                    did_you_mean(selection, model.data().muscle_names));
  return model.select(selection);
}

InverseOptions inverse_options(const RedundancySpec& spec) {
  InverseOptions out;
  out.power = spec.power;
  out.weight = spec.weight;
  out.reserve = spec.reserve;
  out.reserve_force = spec.reserve_force;
  out.lumbar_reserve = spec.lumbar_reserve;
  out.levels = spec.lumbar == "levels";
  return out;
}

std::unique_ptr<MotionTracker> add_controls(const Study& study, const SimulationStudy& question, const Model& model,
                                            const State& state, SimulationOptions& options,
                                            const std::vector<QuinticSpline>* reference) {
  return Controls(study, question, model, options).follow(question, state, reference);
}

FollowedMotion followed_motion(const Study& study, const SimulationStudy& question, const Model& model,
                               const State& state, SimulationOptions options) {
  const Controls controls(study, question, model, options);
  return {controls.motion(state), controls.still()};
}

}  // namespace psoas
