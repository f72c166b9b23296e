// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/hip_moment.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/parts.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/core/units.hpp"
#include "study/memory.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

std::vector<int> muscles_crossing(const Model& model, int coordinate) {
  const ModelData& data = model.data();
  std::vector<int> out;
  for (int m = 0; m < model.muscles(); ++m)
    if (std::any_of(data.arm_slots.begin() + data.arm_start[at(m)], data.arm_slots.begin() + data.arm_start[at(m) + 1],
                    [&](const ArmSlot& slot) { return data.couplings[at(slot.coordinate)].source == coordinate; }))
      out.push_back(m);
  return out;
}

std::optional<Iliopsoas> iliopsoas_of(const Model& model, const std::string& side) {
  const std::string group = "group:iliopsoas_" + side, hip = "hip_flexion_" + side;
  const auto& names = model.data().coordinate_names;
  if (select_muscles(model.spec(), group).empty() || std::find(names.begin(), names.end(), hip) == names.end())
    return {};
  return Iliopsoas{model.select(group), model.coordinate(hip)};
}

namespace {

/// Muscles about a hip over its flexion, at rest, all else in the default state.
class HipFlexion {
 public:
  HipFlexion(const Model& reference, const Model& model, Iliopsoas muscles)
      : model_(model),
        hip_(muscles.hip),
        muscles_(std::move(muscles.muscles)),
        fibre_(muscles_.size()),
        force_(muscles_.size()),
        still_(muscles_.size(), 0.0) {
    const ModelData &data = model_.data(), &other = reference.data();
    std::vector<MuscleParameters> units;
    for (const int m : muscles_) {
      units.push_back(data.units[at(m)]);
      const auto before = std::find(other.muscle_names.begin(), other.muscle_names.end(), data.muscle_names[at(m)]);
      const double least =
          before == other.muscle_names.end()
              ? inf
              : other.units[static_cast<std::size_t>(before - other.muscle_names.begin())].minimum_activation;
      tone_.push_back(std::max(0.0, units.back().minimum_activation - least));
    }
    batch_ = MuscleBatch(units);
  }

  /// Another value of an independent coordinate [rad].
  void set(int coordinate, double value) { start()[at(coordinate)] = value; }

  std::size_t size() const { return muscles_.size(); }
  /// What the least activation of each muscle exceeds the reference's by.
  const std::vector<double>& tone() const { return tone_; }
  const std::vector<int>& muscles() const { return muscles_; }

  /// Path lengths and then moment arms of the muscles at a hip flexion [rad].
  void paths(double angle, std::span<double> out) {
    start()[at(hip_)] = angle;
    evaluate(model_, q_, speeds_, *work_, muscles_);
    for (std::size_t k = 0; k < size(); ++k) {
      out[k] = work_->length[at(muscles_[k])];
      out[size() + k] = moment_arm(model_, *work_, muscles_[k], hip_);
    }
  }

  /// Moment that resists extension [N m] with such paths.
  double moment(std::span<const double> paths) {
    batch_.rigid(paths.first(size()), still_, fibre_, force_);
    double sum = 0.0;
    for (std::size_t k = 0; k < size(); ++k)
      sum += paths[size() + k] * (force_.passive[k] + tone_[k] * force_.active[k]);
    return sum;
  }

  /// What resists at the joint itself (capsule, ligaments) at a hip flexion [rad], towards flexion + [N m].
  double joint(double angle) const {
    const ModelData& data = model_.data();
    double sum = 0.0;
    for (const PassiveTorque& one : data.passive)
      if (const Coupling& coupling = data.couplings[at(one.coordinate)]; coupling.source == hip_ && coupling.identity)
        sum += one.at(angle, 0.0).force;
    return sum;
  }

  /// Muscles and joint together at a hip flexion [rad], towards flexion + [N m].
  double net(double angle) {
    net_paths_.resize(2 * size());
    paths(angle, net_paths_);
    return moment(net_paths_) + joint(angle);
  }

 private:
  std::vector<double>& start() {
    if (!work_) {
      work_.emplace(model_);
      q_ = model_.data().default_coordinates;
      speeds_.assign(q_.size(), 0.0);
    }
    return q_;
  }

  const Model& model_;
  int hip_;
  std::vector<int> muscles_;
  std::vector<double> tone_, q_, speeds_, net_paths_;
  MuscleBatch batch_;
  BatchFibres fibre_;
  BatchForces force_;
  std::vector<double> still_;
  std::optional<Workspace> work_;
};

constexpr double most_flexion = 120.0, most_extension = 60.5;  // [deg]
constexpr std::size_t whole_degrees = 181;
constexpr double angle_tolerance = 1e-12;  // [rad]

/// The hip flexion at which muscles and joint exert `torque` together, or nan.
double angle_of(HipFlexion& hip, double torque) {
  const Root root = bisection_root([&](double angle) { return hip.net(angle) - torque; }, degrees(-most_extension),
                                   degrees(most_flexion), {.x = 1e-9});
  return root.converged ? root.x : std::nan("");
}

/// All muscles that cross a side's hip, the knee held at an angle [rad]; nothing where there is no such hip.
std::optional<HipFlexion> whole_hip(const Model& reference, const Model& model, const std::string& side, double knee) {
  const auto& names = model.data().coordinate_names;
  const auto find = [&](const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : static_cast<int>(found - names.begin());
  };
  const int flexion = find("hip_flexion_" + side), bend = find("knee_angle_" + side);
  if (flexion < 0) return {};
  std::optional<HipFlexion> hip(std::in_place, reference, model, Iliopsoas{muscles_crossing(model, flexion), flexion});
  if (bend >= 0) hip->set(bend, knee);
  return hip;
}

}  // namespace

double angle_of_passive_moment(const Model& reference, const Model& model, const std::string& side, double torque,
                               StudyMemory& memory) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  StudyMemory::Impl& kept = memory.inside();
  HipFlexion hip(reference, model, *muscles);

  // Lengths and moment arms in whole degrees are those of all models of the same structure.
  const std::uint64_t structure = kept.models.structure_of(model);
  Bytes key;
  key.add(structure);
  key.add(side);
  std::shared_ptr<FrameNumbers> sweep = structure > 0 ? kept.hip_sweeps.find(key) : nullptr;
  if (!sweep) {
    sweep = kept.hip_sweeps.fresh();
    sweep->reset(whole_degrees, 2 * hip.size());
    if (structure > 0) kept.hip_sweeps.keep(key, sweep);
  }
  key.add(torque);
  key.add(hip.tone());
  key.add(model.spec().specific_tension);
  for (const int m : hip.muscles()) add_mechanics((model.spec().muscles.begin() + m)->second, key);
  if (structure > 0)
    if (const std::shared_ptr<double> found = kept.hip_angles.find(key)) return *found;

  std::vector<double> here(2 * hip.size());
  const auto angle = [&] {
    const double step = degrees(1.0);
    double high = degrees(most_flexion), at_high = 0.0;
    int whole = 0;
    const auto excess_at_whole = [&](double angle) {
      if (!sweep->has(whole)) hip.paths(angle, sweep->fill(whole));
      return hip.moment(sweep->of(whole++)) - torque;
    };
    at_high = excess_at_whole(high);
    if (at_high >= 0.0) return std::nan("");
    for (double low = high - step; low > degrees(-most_extension); low -= step) {
      const double at_low = excess_at_whole(low);
      if (at_low >= 0.0) {
        // Newton's steps with the slope between the last two places
        double last = low, last_value = at_low;
        const auto excess = [&](double x) {
          const bool end = x == low || x == high;
          if (!end) hip.paths(x, here);
          const double value = end ? (x == low ? at_low : at_high) : hip.moment(here) - torque;
          const double slope = (value - last_value) / (x - last);
          last = x, last_value = value;
          return std::pair(value, slope);
        };
        return newton_root(excess, low, high, {.x = angle_tolerance}, low + step * at_low / (at_low - at_high)).x;
      }
      high = low, at_high = at_low;
    }
    return std::nan("");
  }();
  if (structure > 0) {
    const std::shared_ptr<double> found = kept.hip_angles.fresh();
    *found = angle;
    kept.hip_angles.keep(std::move(key), found);
  }
  return angle;
}

double resting_moment_at(const Model& reference, const Model& model, const std::string& side, double angle) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  HipFlexion hip(reference, model, *muscles);
  std::vector<double> paths(2 * hip.size());
  hip.paths(angle, paths);
  return hip.moment(paths);
}

double angle_of_hip_moment(const Model& reference, const Model& model, const std::string& side, double torque) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  HipFlexion hip(reference, model, *muscles);
  return angle_of(hip, torque);
}

std::vector<double> net_resting_moments(const Model& reference, const Model& model, const std::string& side,
                                        std::span<const double> angles, double knee) {
  std::optional<HipFlexion> hip = whole_hip(reference, model, side, knee);
  std::vector<double> out;
  for (const double angle : angles) out.push_back(hip ? hip->net(angle) : std::nan(""));
  return out;
}

double angle_of_net_moment(const Model& reference, const Model& model, const std::string& side, double torque,
                           double knee) {
  std::optional<HipFlexion> hip = whole_hip(reference, model, side, knee);
  return hip ? angle_of(*hip, torque) : std::nan("");
}

double delta_theta_deg(const Model& reference, const Model& model, const std::string& side) {
  StudyMemory memory;
  return delta_theta_deg(reference, model, side, memory);
}

double delta_theta_deg(const Model& reference, const Model& model, const std::string& side, StudyMemory& memory) {
  return to_degrees(angle_of_passive_moment(reference, model, side, 5.0, memory) -
                    angle_of_passive_moment(reference, reference, side, 5.0, memory));
}

double iliopsoas_capacity(const Model& model, double angle, const std::string& side) {
  const std::optional<Iliopsoas> muscles = iliopsoas_of(model, side);
  if (!muscles) return std::nan("");
  State state = model.default_state();
  Workspace work(model);
  state.q()[at(muscles->hip)] = angle;
  evaluate(model, state, work, Depth::velocity);
  rigid_tendon_forces(model, work);
  double moment = 0.0;
  for (const int m : muscles->muscles)
    moment += moment_arm(model, work, m, muscles->hip) * (work.force.active[at(m)] + work.force.passive[at(m)]);
  return moment;
}

}  // namespace psoas
