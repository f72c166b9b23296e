// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "model/arms.hpp"
#include "model/fitted.hpp"

namespace psoas {
namespace {

using D = Dual<4>;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

MomentArmSlopes::MomentArmSlopes(const Model& model)
    : model_(model), tree_(model.tree()), fitted_(model.data().fitted), stretches_(model.data().stretches) {
  const ModelData& data = model.data();
  independent_.resize(data.coordinate_names.size());
  q_.resize(at(model.tree().coordinates()));
  slope_ = q_;
  std::size_t bodies = 0, motions = 0;
  start_ = block_start_ = {0};
  for (std::size_t m = 0; m < data.paths.size(); ++m) {
    bodies = std::max(bodies, data.paths[m].bodies.size());
    motions = std::max(motions, data.paths[m].motions.size());
    std::vector<int> found;
    for (int i = data.arm_start[m]; i < data.arm_start[m + 1]; ++i)
      found.push_back(data.couplings[at(data.arm_slots[at(i)].coordinate)].source);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    coordinate_.insert(coordinate_.end(), found.begin(), found.end());
    start_.push_back(static_cast<int>(coordinate_.size()));
    block_start_.push_back(block_start_.back() + static_cast<int>(found.size() * found.size()));
  }
  wrench_.resize(bodies);
  drive_.resize(motions);
  value_.assign(at(block_start_.back()), 0.0);
}

std::span<const int> MomentArmSlopes::coordinates(int muscle) const {
  return {coordinate_.data() + start_[at(muscle)], at(start_[at(muscle) + 1] - start_[at(muscle)])};
}

double MomentArmSlopes::operator()(int muscle, int i, int j) const {
  const int n = start_[at(muscle) + 1] - start_[at(muscle)];
  return value_[at(block_start_[at(muscle)] + i * n + j)];
}

/// Coordinates with the four from `first` on as variables.
void MomentArmSlopes::seed(std::span<const double> q, int first) {
  for (std::size_t c = 0; c < independent_.size(); ++c) {
    const int place = static_cast<int>(c) - first;
    independent_[c] = place >= 0 && place < 4 ? D(q[c], place) : D(q[c]);
  }
  const ModelData& data = model_.data();
  for (std::size_t t = 0; t < data.couplings.size(); ++t) {
    const Coupling& coupling = data.couplings[t];
    const D& source = independent_[at(coupling.source)];
    const Jet2<D> jet = coupling.identity ? Jet2<D>{source, 1.0, 0.0} : coupling.function.jet(source);
    q_[t] = jet.value;
    slope_[t] = jet.slope;
  }
}

void MomentArmSlopes::of_fitted(const Model& model, std::span<const double> q) {
  const ModelData& data = model.data();
  const FittedPaths& fitted = data.fitted;
  std::fill(value_.begin(), value_.end(), 0.0);
  for (int seed = 0; seed < model.coordinates(); seed += 4) {
    this->seed(q, seed);
    fitted.evaluate<D>(independent_, fitted_);
    positions<D>(data.tree, q_, tree_);
    add_stretches<D>(data, tree_, slope_, stretches_, fitted_);
    for (const int m : data.exact_among_fitted) of_exact(m, seed);
    for (int m = 0; m < model.muscles(); ++m) {
      if (std::binary_search(data.exact_among_fitted.begin(), data.exact_among_fitted.end(), m)) continue;
      const std::span<const int> own = coordinates(m);
      for (std::size_t i = 0; i < own.size(); ++i) {
        const int slope = fitted.slope_of(m, own[i]);
        for (std::size_t j = 0; j < own.size() && slope >= 0; ++j)
          if (own[j] >= seed && own[j] < seed + 4)
            value_[at(block_start_[at(m)]) + i * own.size() + j] = -fitted_.slope[at(slope)].v[at(own[j] - seed)];
      }
    }
  }
}

/// Of the exact path of a muscle, over the four coordinates from `seed` on.
void MomentArmSlopes::of_exact(int m, int seed) {
  const ModelData& data = model_.data();
  const std::span<const int> own = coordinates(m);
  const auto low = std::lower_bound(own.begin(), own.end(), seed);
  if (low == own.end() || *low >= seed + 4) return;
  const Path& path = data.paths[at(m)];
  const std::span<SpatialT<D>> wrench(wrench_.data(), path.bodies.size());
  const std::span<D> drive(drive_.data(), path.motions.size());
  evaluate_path<D>(path, tree_.X_GB, q_, wrench, drive);
  double* slopes = value_.data() + block_start_[at(m)];
  for (auto j = low; j != own.end() && *j < seed + 4; ++j)
    for (std::size_t i = 0; i < own.size(); ++i)
      slopes[i * own.size() + static_cast<std::size_t>(j - own.begin())] = 0.0;
  for (int k = data.arm_start[at(m)]; k < data.arm_start[at(m) + 1]; ++k) {
    const ArmSlot& slot = data.arm_slots[at(k)];
    D arm = arm_of<D>(slot, wrench, drive, tree_.motion[at(slot.coordinate)]);
    arm *= slope_[at(slot.coordinate)];
    const int over = data.couplings[at(slot.coordinate)].source;
    const auto row = static_cast<std::size_t>(std::lower_bound(own.begin(), own.end(), over) - own.begin());
    for (auto j = low; j != own.end() && *j < seed + 4; ++j)
      slopes[row * own.size() + static_cast<std::size_t>(j - own.begin())] += arm.v[at(*j - seed)];
  }
}

void moment_arm_slopes(const Model& model, std::span<const double> q, MomentArmSlopes& out) {
  const ModelData& data = model.data();
  if (&out.model_.data() != &data) out = MomentArmSlopes(model);
  if (!data.fitted.empty()) return out.of_fitted(model, q);
  const int coordinates = model.coordinates();
  for (int seed = 0; seed < coordinates; seed += 4) {
    out.seed(q, seed);
    positions<D>(data.tree, out.q_, out.tree_);
    for (int m = 0; m < model.muscles(); ++m) out.of_exact(m, seed);
  }
}

}  // namespace psoas
