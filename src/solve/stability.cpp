// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/stability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "psoas/core/error.hpp"
#include "psoas/core/factor.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/model/free_levels.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

double least_eigenvalue(const MatX& matrix) {
  return Eigen::SelfAdjointEigenSolver<MatX>(matrix, Eigen::EigenvaluesOnly).eigenvalues()[0];
}

/// The same direction with 1 as its largest entry.
VecX scaled_to_largest(const VecX& mode) {
  Eigen::Index largest = 0;
  mode.cwiseAbs().maxCoeff(&largest);
  return mode / mode[largest];
}

}  // namespace

PostureStiffness::PostureStiffness(const Model& model, std::vector<int> coordinates, std::vector<double> activation)
    : energy_(model, std::move(coordinates), std::move(activation)) {
  if (energy_.free().empty()) throw Error(Kind::input, "coordinates", "expected at least one, found none");
  place_.assign(at(model.coordinates()), -1);
  for (std::size_t i = 0; i < energy_.free().size(); ++i) place_[at(energy_.free()[i])] = static_cast<int>(i);
  const auto n = static_cast<Eigen::Index>(energy_.free().size());
  without_gain_ = by_gain_ = MatX::Zero(n, n);
}

PostureStiffness::Fibres PostureStiffness::fibres(int muscle) const {
  const Workspace& work = energy_.work();
  const double length = work.length[at(muscle)];
  MuscleParameters unit = energy_.model().data().units[at(muscle)];
  unit.rigid_tendon = true;
  return {energy_.activation()[at(muscle)] * work.force.active[at(muscle)] / length,
          stiffness(unit, length, rigid_tendon_fibre(unit, length, 0.0), 0.0).muscle_tendon};
}

void PostureStiffness::move_to(std::span<const double> q) {
  energy_.move_to(q);
  energy_.hessian();
  const StoredEnergy::Terms& terms = energy_.terms();
  without_gain_ = terms.weight + terms.passive + terms.path;
  by_gain_.setZero();
  VecX arms(by_gain_.rows());
  for (int m = 0; m < model().muscles(); ++m) {
    arms.setZero();
    bool crosses = false;
    for (const int c : energy_.slopes().coordinates(m))
      if (const int i = place_[at(c)]; i >= 0) arms[i] = moment_arm(model(), energy_.work(), m, c), crosses = true;
    if (!crosses) continue;
    const Fibres fibre = fibres(m);
    without_gain_ += fibre.passive * arms * arms.transpose();
    by_gain_ += fibre.active * arms * arms.transpose();
  }
}

StiffnessShare PostureStiffness::share(int muscle, const VecX& displacement, double gain) const {
  const std::span<const int> own = energy_.slopes().coordinates(muscle);
  double shortening = 0.0, bend = 0.0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const int a = place_[at(own[i])];
    if (a < 0) continue;
    shortening += displacement[a] * moment_arm(model(), energy_.work(), muscle, own[i]);
    for (std::size_t k = 0; k < own.size(); ++k)
      if (const int b = place_[at(own[k])]; b >= 0)
        bend += displacement[a] * displacement[b] * energy_.slopes()(muscle, static_cast<int>(i), static_cast<int>(k));
  }
  const Fibres fibre = fibres(muscle);
  return {-energy_.tendon_force()[at(muscle)] * bend, gain * fibre.active * shortening * shortening,
          fibre.passive * shortening * shortening};
}

double PostureStiffness::critical_gain() const {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const auto least = [this](double gain) { return least_eigenvalue(at_gain(gain)); };
  // the least eigenvalue is a concave function of the gain that never falls, so that it is 0 at one gain at most
  const bool holds = least(0.0) >= 0.0;
  if (by_gain_.cwiseAbs().maxCoeff() == 0.0) return holds ? -infinite : infinite;
  double near = 0.0, far = holds ? -1.0 : 1.0;
  while ((least(far) >= 0.0) == holds) {
    near = far;
    far *= 4.0;
    if (std::abs(far) > 4e6) return holds ? -infinite : infinite;
  }
  return bisection_root(least, std::min(near, far), std::max(near, far)).x;
}

LeastStiffness PostureStiffness::least(double gain) const {
  const MatX whole = at_gain(gain);
  const Eigen::SelfAdjointEigenSolver<MatX> plain(whole);
  LeastStiffness out{std::nan(""), plain.eigenvalues()[0], plain.eigenvectors().col(0)};
  const VecX passive = Eigen::SelfAdjointEigenSolver<MatX>(this->passive(), Eigen::EigenvaluesOnly).eigenvalues();
  if (passive[0] > 1e-9 * passive.cwiseAbs().maxCoeff()) {
    const Eigen::GeneralizedSelfAdjointEigenSolver<MatX> against(whole, this->passive());
    out.relative = against.eigenvalues()[0];
    out.mode = against.eigenvectors().col(0);
  }
  out.mode = scaled_to_largest(out.mode);
  return out;
}

std::vector<int> level_coordinates(const Model& model) {
  const ModelData& data = model.data();
  std::vector<int> out;
  for (const Level& level : data.levels)
    for (const int t : level.coordinates) {
      if (t < 0)
        throw Error(Kind::model, "/lumbar/levels/" + level.name,
                    "expected a level with a rotation about each of three axes, found fewer");
      out.push_back(data.couplings[at(t)].source);
    }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<double> posture_of(const Model& rhythm, std::span<const double> q, const Model& free) {
  Named<double> values;
  for (int c = 0; c < rhythm.coordinates(); ++c) values[rhythm.data().coordinate_names[at(c)]] = q[at(c)];
  std::vector<double> out = free.data().default_coordinates;
  for (const auto& [name, value] : over_levels(rhythm.spec(), values)) out[at(free.coordinate(name))] = value;
  return out;
}

}  // namespace psoas
