// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "solve/linear_part.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "psoas/skeleton/dynamics.hpp"
#include "solve/forward_scratch.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
Eigen::Index row(std::size_t index) { return static_cast<Eigen::Index>(index); }

}  // namespace

LinearPart::LinearPart(ForwardDynamics& dynamics) : dynamics_(dynamics.scratch_.get()) {
  const ForwardDynamics::Scratch& s = *dynamics_;
  const ModelData& data = s.model.data();
  const bool fitted = !data.fitted.empty();
  const int muscles = s.model.muscles();
  coordinates_ = at(s.model.coordinates());
  place_.assign(coordinates_, -1);
  for (std::size_t k = 0; k < s.free.size(); ++k) place_[at(s.free[k])] = static_cast<int>(k);
  slot_.assign(fitted ? at(data.fitted.first_slope(muscles)) : data.arm_slots.size(), -1);
  start_.push_back(0);
  for (int m = 0; m < muscles; ++m) {
    const int first = fitted ? data.fitted.first_slope(m) : data.arm_start[at(m)],
              last = fitted ? data.fitted.first_slope(m + 1) : data.arm_start[at(m) + 1];
    const auto place = [&](int i) {
      return place_[at(fitted ? data.fitted.coordinate(i)
                              : data.couplings[at(data.arm_slots[at(i)].coordinate)].source)];
    };
    std::set<int> mine;
    for (int i = first; i < last; ++i)
      if (place(i) >= 0) mine.insert(place(i));
    for (int i = first; i < last; ++i)
      if (place(i) >= 0)
        slot_[at(i)] = start_.back() + static_cast<int>(std::distance(mine.begin(), mine.find(place(i))));
    column_.insert(column_.end(), mine.begin(), mine.end());
    start_.push_back(static_cast<int>(column_.size()));
  }
  arm_.assign(column_.size(), 0.0);
  muscle_.resize(at(muscles));
  activation_.assign(muscle_.size(), 0.0);
  rate_ = moved_rate_ = activation_;
  const Eigen::Index size = row(s.free.size());
  mass_.setZero(size, size);
  stiffness_ = damping_ = system_ = mass_;
  motion_.setZero(3, size);
  moving_.reserve(s.free.size());
  known_.setZero(size);
  right_ = moved_ = known_;
  factor_ = Eigen::PartialPivLU<MatX>(size);
}

void LinearPart::take() {
  ForwardDynamics::Scratch& s = *dynamics_;
  if (s.plain) {
    s.project_mass();
    s.mass_of_free();
  }
  mass_ = s.free_mass.selfadjointView<Eigen::Lower>();
  stiffness_.setZero();
  damping_.setZero();
  take_passive();
  take_contacts();
  take_muscles();
}

void LinearPart::take_passive() {
  const ForwardDynamics::Scratch& s = *dynamics_;
  const ModelData& data = s.model.data();
  for (const PassiveTorque& item : data.passive) {
    const std::size_t t = at(item.coordinate);
    const int k = place_[at(data.couplings[t].source)];
    if (k < 0) continue;
    const Dual<2> torque = item.at(Dual<2>(s.work.q[t], 0), Dual<2>(s.work.u[t], 1)).force;
    stiffness_(k, k) -= s.work.slope[t] * s.work.slope[t] * torque.v[0];
    damping_(k, k) -= s.work.slope[t] * s.work.slope[t] * torque.v[1];
  }
}

void LinearPart::take_contacts() {
  const ForwardDynamics::Scratch& s = *dynamics_;
  const ModelData& data = s.model.data();
  const TreeWork<double>& tree = s.work.tree;
  PlaneTouch touch;
  const auto move = [&](int body, double sign) {
    for (int b = body; b > 0; b = data.tree.bodies[at(b)].parent)
      for (int t = data.tree.bodies[at(b)].first_coordinate; t < data.tree.bodies[at(b)].last_coordinate; ++t) {
        const int k = place_[at(data.couplings[at(t)].source)];
        if (k < 0) continue;
        if (std::find(moving_.begin(), moving_.end(), k) == moving_.end()) moving_.push_back(k);
        motion_.col(k) += (sign * s.work.slope[at(t)]) * point_velocity<double>(tree.motion[at(t)], touch.place);
      }
  };
  for (std::size_t i = 0; i < data.spheres.size(); ++i)
    for (const int p : data.spheres[i].planes) {
      if (!plane_touch(data, tree, static_cast<int>(i), p, touch)) continue;
      move(data.spheres[i].body, 1.0);
      move(data.planes[at(p)].body, -1.0);
      for (const int j : moving_) {
        const Vec3 by_place = touch.by_position * motion_.col(j), by_speed = touch.by_velocity * motion_.col(j);
        for (const int k : moving_) {
          stiffness_(k, j) += motion_.col(k).dot(by_place);
          damping_(k, j) += motion_.col(k).dot(by_speed);
        }
      }
      for (const int k : moving_) motion_.col(k).setZero();
      moving_.clear();
    }
}

void LinearPart::take_muscles() {
  const ForwardDynamics::Scratch& s = *dynamics_;
  const ModelData& data = s.model.data();
  std::fill(arm_.begin(), arm_.end(), 0.0);
  for (std::size_t i = 0; i < slot_.size(); ++i) {
    if (slot_[i] < 0) continue;
    arm_[at(slot_[i])] +=
        data.fitted.empty() ? s.work.slope[at(data.arm_slots[i].coordinate)] * s.work.arm[i] : -s.work.fitted.slope[i];
  }
  // activations' own rates by a difference: one batch takes less than any one's derivative
  constexpr double step = 1e-7;
  std::copy_n(s.state.activation().begin(), muscle_.size(), activation_.begin());
  data.batch.activation_rate(s.excitation, activation_, rate_);
  for (double& a : activation_) a += step;
  data.batch.activation_rate(s.excitation, activation_, moved_rate_);
  for (std::size_t m = 0; m < muscle_.size(); ++m) {
    const MuscleParameters& unit = data.units[m];
    const double activation = s.state.activation()[m];
    FibreState fibre;
    fibre.fibre_length = s.work.fibre.fibre_length[m];
    fibre.fibre_velocity = s.work.fibre.fibre_velocity[m];
    fibre.cos_pennation = s.work.fibre.cos_pennation[m];
    const MuscleSlopes slope =
        muscle_slopes(unit, s.work.length[m], s.work.speed[m], activation, s.state.fibre_length()[m], fibre);
    Muscle& muscle = muscle_[m];
    muscle.activation_rate = std::min((moved_rate_[m] - rate_[m]) / step, 0.0);
    muscle.fibre_by_length = slope.rate.by_length;
    muscle.fibre_by_activation = slope.rate.by_activation;
    // of the fibres' own rate what the tendon does, and no growth beyond it
    muscle.fibre_rate = std::min(slope.rate.by_fibre_length, -slope.rate.by_length / fibre.cos_pennation);
    muscle.force_by_length = std::max(slope.by_length, 0.0);
    muscle.force_by_speed = std::max(slope.by_speed, 0.0);
    muscle.force_by_activation = slope.by_activation;
    muscle.force_by_fibre = slope.by_fibre;
  }
}

void LinearPart::factorise(double g) {
  g_ = g;
  const Eigen::Index size = system_.rows();
  system_.setZero();
  for (std::size_t m = 0; m < muscle_.size(); ++m) {
    Muscle& muscle = muscle_[m];
    muscle.inverse = 1.0 / (1.0 - g * muscle.fibre_rate);
    muscle.stiffness = muscle.force_by_length + muscle.force_by_fibre * g * muscle.fibre_by_length * muscle.inverse;
    const double weight = g * muscle.force_by_speed + g * g * muscle.stiffness;
    if (weight == 0.0) continue;
    // a muscle's places ascend: the lower triangle
    for (int j = start_[m]; j < start_[m + 1]; ++j) {
      const double one = weight * arm_[at(j)];
      double* column = system_.data() + column_[at(j)] * size;
      for (int i = j; i < start_[m + 1]; ++i) column[column_[at(i)]] += one * arm_[at(i)];
    }
  }
  system_.triangularView<Eigen::StrictlyUpper>() = system_.transpose();
  system_ += mass_ + g * damping_ + (g * g) * stiffness_;
  factor_.compute(system_);
}

void LinearPart::solve(std::span<double> r) {
  const ForwardDynamics::Scratch& s = *dynamics_;
  const std::size_t n = coordinates_, muscles = muscle_.size();
  const std::span<double> q = r.first(n), u = r.subspan(n, n), a = r.subspan(2 * n, muscles),
                          l = r.subspan(2 * n + muscles, muscles);
  for (std::size_t k = 0; k < s.free.size(); ++k) {
    known_[row(k)] = u[at(s.free[k])];
    moved_[row(k)] = q[at(s.free[k])];
  }
  right_.noalias() = mass_ * known_;
  right_.noalias() -= g_ * (stiffness_ * moved_);
  const auto shortens = [&](std::size_t m) {
    double sum = 0.0;
    for (int i = start_[m]; i < start_[m + 1]; ++i) sum += arm_[at(i)] * moved_[column_[at(i)]];
    return sum;
  };
  for (std::size_t m = 0; m < muscles; ++m) {
    const Muscle& muscle = muscle_[m];
    a[m] /= 1.0 - g_ * muscle.activation_rate;
    l[m] = (l[m] + g_ * muscle.fibre_by_activation * a[m]) * muscle.inverse;
    const double force =
        muscle.force_by_fibre * l[m] + muscle.force_by_activation * a[m] - muscle.stiffness * shortens(m);
    for (int i = start_[m]; i < start_[m + 1]; ++i) right_[column_[at(i)]] += g_ * force * arm_[at(i)];
  }
  known_ = factor_.solve(right_);
  moved_ += g_ * known_;
  for (std::size_t k = 0; k < s.free.size(); ++k) {
    u[at(s.free[k])] = known_[row(k)];
    q[at(s.free[k])] = moved_[row(k)];
  }
  for (std::size_t m = 0; m < muscles; ++m) l[m] -= g_ * muscle_[m].fibre_by_length * muscle_[m].inverse * shortens(m);
}

}  // namespace psoas
