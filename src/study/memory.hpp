// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What StudyMemory holds: results of stages by the bytes of all that they depend on.
//   std::shared_ptr<Trajectory> kept = memory.trajectories.find(key);   if (!kept) memory.trajectories.keep(key, made);
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/bytes.hpp"
#include "model/compile.hpp"
#include "psoas/study/study.hpp"

namespace psoas {

/// A few results of one kind by their keys. The least recently used goes; who holds one of them keeps it.
template <class T>
class Kept {
 public:
  explicit Kept(std::size_t most) : most_(most) {}

  /// The result of this key, or null.
  std::shared_ptr<T> find(const Bytes& key) {
    for (Entry& entry : entries_)
      if (entry.key == key) {
        entry.used = ++uses_;
        return entry.value;
      }
    return nullptr;
  }

  /// A result to be filled, which may hold what an older one of another key held. find() does not see it before keep().
  std::shared_ptr<T> fresh() {
    if (entries_.size() >= most_) {
      const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                           [](const Entry& a, const Entry& b) { return a.used < b.used; });
      std::shared_ptr<T> value = std::move(oldest->value);
      entries_.erase(oldest);
      if (value.use_count() == 1) return value;
    }
    return std::make_shared<T>();
  }

  void keep(Bytes key, std::shared_ptr<T> value) { entries_.push_back({std::move(key), std::move(value), ++uses_}); }

 private:
  struct Entry {
    Bytes key;
    std::shared_ptr<T> value;
    std::uint64_t used = 0;
  };
  std::size_t most_;
  std::vector<Entry> entries_;
  std::uint64_t uses_ = 0;
};

/// Numbers of a motion's frames, as many a frame, filled in any order.
class FrameNumbers {
 public:
  /// Forgets all.
  void reset(std::size_t frames, std::size_t size) {
    size_ = size;
    known_.assign(frames, 0);
    numbers_.resize(frames * size);
  }
  bool has(int frame) const { return known_[at(frame)] != 0; }
  std::span<const double> of(int frame) const { return {numbers_.data() + at(frame) * size_, size_}; }
  std::span<double> fill(int frame) {
    known_[at(frame)] = 1;
    return {numbers_.data() + at(frame) * size_, size_};
  }

 private:
  static std::size_t at(int frame) { return static_cast<std::size_t>(frame); }
  std::size_t size_ = 0;
  std::vector<char> known_;
  std::vector<double> numbers_;
};

/// Frames of one window and its events, as indices of frames.
struct WindowFrames {
  std::string name;
  int first = 0, last = 0;  ///< [first, last)
  int seat_off = 0, peak = 0;
  bool rises = false;  ///< leaves the seat; else seat_off is the last frame
};

/// What a recording says of a skeleton's coordinates.
struct Trajectory {
  std::uint64_t number = 0;  ///< in one memory no other has it
  std::vector<std::string> held, unused;
  double trunk_change = 0.0;             ///< greatest change of a trunk coordinate by the level product [rad]
  std::vector<double> time, q, u, udot;  ///< [s]; per frame and independent coordinate
  std::vector<WindowFrames> windows;     ///< without events
};

/// What every frame knows before muscles are asked.
struct FrameInfo {
  double vertical_bw = 0.0;       ///< required vertical force [body weights]
  double ahead_of_heel = 0.0;     ///< centre of pressure in front of the mean heel [m]
  double support_distance = 0.0;  ///< centre of pressure outside the feet [m]
  double friction_demand = 0.0;   ///< horizontal over vertical required force [-]
  double seat = 0.0;              ///< factor on the seat's caps
};

/// What a trajectory needs of the environment.
struct Demand {
  std::uint64_t number = 0;           ///< in one memory no other has it
  std::vector<Spatial> measured;      ///< per frame and body of the tree; empty: no forces were measured
  double floor = 0.0;                 ///< height of the floor [m]
  double momentum_error = 0.0;        ///< required force against m(a - g) body by body [body weights]
  std::vector<WindowFrames> windows;  ///< with seat-off
  std::vector<FrameInfo> frames;
};

/// What a brief study says of a variant, and its contact forces.
struct VariantAnswer {
  Block block;
  std::vector<double> contact_force;  ///< per frame, three a contact [N]
};

/// What a torque curve needs of its poses.
struct TorquePoses {
  struct Pose {
    double angle_deg = 0.0;
    std::vector<double> q;            ///< independent coordinates
    std::vector<double> length, arm;  ///< of the curve's muscles [m]
    std::vector<char> inside;         ///< Workspace::inside
    double passive = 0.0;             ///< torque of passive elements [N m]
  };
  int coordinate = -1;
  std::vector<int> muscles;
  std::vector<Pose> poses;
};

struct StudyMemory::Impl {
  ModelMemory models;
  Kept<Trajectory> trajectories{3};
  Kept<FrameNumbers> paths{2}, rows{4};
  Kept<Demand> demands{6};
  Kept<VariantAnswer> answers{6};
  Kept<FrameNumbers> hip_sweeps{4};  ///< per whole degree: lengths and moment arms of a side's iliopsoas
  Kept<TorquePoses> torque_poses{4};
  Kept<double> hip_angles{16};  ///< of angle_of_passive_moment() [rad]
  std::uint64_t trajectories_made = 0, demands_made = 0;
};

}  // namespace psoas
