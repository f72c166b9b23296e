// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/equilibrium.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "psoas/core/error.hpp"
#include "psoas/core/factor.hpp"
#include "psoas/core/sampling.hpp"
#include "psoas/skeleton/dynamics.hpp"

namespace psoas {
namespace {

using D = Dual<4>;

std::size_t at(int index) { return static_cast<std::size_t>(index); }
std::size_t at(Eigen::Index index) { return static_cast<std::size_t>(index); }
Eigen::Index row(std::size_t index) { return static_cast<Eigen::Index>(index); }

/// Integral of fL over normalised fibre length from 1 on, by Gauss and Legendre's eight points on pieces of at most a tenth.
template <class Set>
double active_integral(const Set& curve, double end) {
  static constexpr std::array<std::array<double, 2>, 4> nodes{{{0.1834346424956498, 0.3626837833783620},
                                                               {0.5255324099163290, 0.3137066458778873},
                                                               {0.7966664774136267, 0.2223810344533745},
                                                               {0.9602898564975363, 0.1012285362903763}}};
  const int pieces = 1 + static_cast<int>(10.0 * std::abs(end - 1.0));
  const double half = 0.5 * (end - 1.0) / pieces;
  double sum = 0.0;
  for (int p = 0; p < pieces; ++p) {
    const double middle = 1.0 + (2 * p + 1) * half;
    for (const auto& [x, weight] : nodes)
      sum += weight * (curve.active_force_length(middle - half * x) + curve.active_force_length(middle + half * x));
  }
  return half * sum;
}

/// The same in closed form.
double active_integral(const MillardLaws& curve, double end) {
  const BezierFunction<5>& law = curve.active_function();
  const double beyond = std::min(end - law.front().x, 0.0);  // the law is straight there, its integral begins inside
  return law.integral(end) - law.integral(1.0) + beyond * (law.front().y + 0.5 * law.front().slope * beyond);
}

/// Work of fully active fibres that are stretched from optimal length without speed [J].
double active_energy(const MuscleParameters& unit, double fibre_length) {
  return unit.max_isometric_force * unit.optimal_fibre_length *
         std::visit(
             [&](const auto& curve) {
               return std::max(curve.force_velocity(0.0, 1.0), 0.0) *
                      active_integral(curve, fibre_length / unit.optimal_fibre_length);
             },
             unit.curve);
}

}  // namespace

StoredEnergy::StoredEnergy(const Model& model, std::vector<int> free, std::vector<double> activation)
    : model_(model),
      free_(std::move(free)),
      activation_(std::move(activation)),
      work_(model),
      slopes_(model),
      dual_tree_(model.tree()),
      dual_passive_(model),
      dual_contact_(model) {
  const ModelData& data = model_.data();
  for (std::size_t i = 0; i < free_.size(); ++i)
    if (free_[i] < 0 || free_[i] >= model_.coordinates() || (i > 0 && free_[i] <= free_[i - 1]))
      throw Error(Kind::input, "free coordinates", "expected indices of independent coordinates, ascending");
  if (activation_.empty())
    for (const MuscleParameters& unit : data.units) activation_.push_back(unit.minimum_activation);
  if (activation_.size() != data.units.size())
    throw Error(Kind::input, "activation",
                "expected " + std::to_string(data.units.size()) + " (one a muscle), found " +
                    std::to_string(activation_.size()));
  const std::size_t tree = at(model_.tree().coordinates());
  q_.assign(at(model_.coordinates()), 0.0);
  still_ = q_;
  tendon_force_.assign(data.units.size(), 0.0);
  tree_force_.assign(tree, 0.0);
  tree_still_ = tree_force_;
  dual_q_.assign(tree, D(0.0));
  dual_slope_ = dual_still_ = dual_force_ = dual_torque_ = dual_q_;
  place_.assign(q_.size(), -1);
  for (std::size_t i = 0; i < free_.size(); ++i) place_[at(free_[i])] = static_cast<int>(i);
  gradient_.setZero(row(free_.size()));
  hessian_.setZero(row(free_.size()), row(free_.size()));
  terms_ = {hessian_, hessian_, hessian_, hessian_};
}

double StoredEnergy::move_to(std::span<const double> q) {
  const ModelData& data = model_.data();
  std::copy(q.begin(), q.end(), q_.begin());
  evaluate(model_, q_, still_, work_, Depth::velocity);
  rigid_tendon_forces(model_, work_);
  contact_forces<double>(model_, work_.tree, work_.contact);
  double energy = potential_energy<double>(model_.tree(), work_.tree, model_.spec().gravity) + work_.passive.potential +
                  work_.contact.potential;
  for (std::size_t m = 0; m < data.units.size(); ++m) {
    const double length = work_.fibre.fibre_length[m];
    energy += activation_[m] * active_energy(data.units[m], length) + passive_energy(data.units[m], length);
    tendon_force_[m] = activation_[m] * work_.force.active[m] + work_.force.passive[m];
  }
  // what it takes to hold the body still, less what holds it already
  inverse_dynamics<double>(model_.tree(), tree_still_, model_.spec().gravity, work_.contact.external, work_.tree,
                           tree_force_);
  gradient_.setZero();
  for (std::size_t t = 0; t < tree_force_.size(); ++t)
    if (const int i = place_[at(data.couplings[t].source)]; i >= 0)
      gradient_[i] += work_.slope[t] * (tree_force_[t] - work_.passive_torque[t]);
  for (int m = 0; m < model_.muscles(); ++m)
    for (const int c : slopes_.coordinates(m))
      if (const int i = place_[at(c)]; i >= 0) gradient_[i] -= moment_arm(model_, work_, m, c) * tendon_force_[at(m)];
  return energy;
}

void StoredEnergy::find_rest_terms() {
  const ModelData& data = model_.data();
  for (std::size_t first = 0; first < free_.size(); first += 4) {
    for (std::size_t t = 0; t < data.couplings.size(); ++t) {
      const Coupling& coupling = data.couplings[t];
      const int place = place_[at(coupling.source)] - static_cast<int>(first);
      const double value = q_[at(coupling.source)];
      const D source = place >= 0 && place < 4 ? D(value, place) : D(value);
      const Jet2<D> jet = coupling.identity ? Jet2<D>{source, 1.0, 0.0} : coupling.function.jet(source);
      dual_q_[t] = jet.value;
      dual_slope_[t] = jet.slope;
    }
    positions<D>(data.tree, dual_q_, dual_tree_);
    velocities<D>(data.tree, dual_still_, dual_tree_);
    passive_forces<D>(model_, dual_q_, dual_still_, dual_tree_, dual_torque_, dual_passive_);
    contact_forces<D>(model_, dual_tree_, dual_contact_);
    inverse_dynamics<D>(data.tree, dual_still_, data.spec.gravity, dual_contact_.external, dual_tree_, dual_force_);
    for (std::size_t t = 0; t < data.couplings.size(); ++t)
      if (const int i = place_[at(data.couplings[t].source)]; i >= 0) {
        const D force = dual_slope_[t] * dual_force_[t], torque = dual_slope_[t] * dual_torque_[t];
        for (std::size_t k = first; k < std::min(first + 4, free_.size()); ++k) {
          terms_.weight(i, row(k)) += force.v[k - first];
          terms_.passive(i, row(k)) -= torque.v[k - first];
        }
      }
  }
}

void StoredEnergy::find_muscle_terms() {
  const ModelData& data = model_.data();
  moment_arm_slopes(model_, q_, slopes_);
  for (int m = 0; m < model_.muscles(); ++m) {
    const std::span<const int> own = slopes_.coordinates(m);
    if (std::none_of(own.begin(), own.end(), [&](int c) { return place_[at(c)] >= 0; })) continue;
    const FibreState fibre = rigid_tendon_fibre(data.units[at(m)], work_.length[at(m)], 0.0);
    MuscleParameters unit = data.units[at(m)];
    unit.rigid_tendon = true;
    const double along = stiffness(unit, work_.length[at(m)], fibre, activation_[at(m)]).muscle_tendon;
    for (std::size_t i = 0; i < own.size(); ++i) {
      const int a = place_[at(own[i])];
      if (a < 0) continue;
      const double arm = moment_arm(model_, work_, m, own[i]);
      for (std::size_t k = 0; k < own.size(); ++k)
        if (const int b = place_[at(own[k])]; b >= 0) {
          terms_.fibre(a, b) += along * arm * moment_arm(model_, work_, m, own[k]);
          terms_.path(a, b) -= tendon_force_[at(m)] * slopes_(m, static_cast<int>(i), static_cast<int>(k));
        }
    }
  }
}

const MatX& StoredEnergy::hessian() {
  const auto each = [this](auto&& change) {
    for (MatX* term : {&terms_.weight, &terms_.passive, &terms_.path, &terms_.fibre}) change(*term);
  };
  each([](MatX& term) { term.setZero(); });
  find_rest_terms();
  find_muscle_terms();
  // second derivatives of a function: what is left of their asymmetry is rounding
  hessian_.setZero();
  each([this](MatX& term) {
    term = (0.5 * (term + term.transpose())).eval();
    hessian_ += term;
  });
  return hessian_;
}

namespace {

/// Minimum of a quadratic g p + p H p / 2 over |p| <= radius, H by its eigenvalues (ascending) and eigenvectors.
VecX trust_region_step(const VecX& g, const VecX& values, const MatX& vectors, double radius) {
  const VecX b = vectors.transpose() * g;
  const double largest = std::max(values.cwiseAbs().maxCoeff(), 1e-300), least = values[0];
  const auto step = [&](double shift) {
    VecX y(b.size());
    for (Eigen::Index i = 0; i < b.size(); ++i) {
      const double d = values[i] + shift;
      y[i] = d > 1e-14 * largest ? -b[i] / d : 0.0;
    }
    return y;
  };
  if (least > 1e-12 * largest) {
    const VecX y = step(0.0);
    if (y.norm() <= radius) return vectors * y;
  }
  // |p(shift)| falls with the shift: bisect, from just above minus the least eigenvalue on
  double low = std::max(0.0, -least), high = low + b.norm() / radius + 1e-12 * largest;
  const double floor = low + 1e-13 * largest;
  VecX y = step(floor);
  if (y.norm() <= radius) {
    // the hard case: nothing pushes along the weakest direction; go along it to the edge, towards positive first entry
    const double left = std::sqrt(std::max(0.0, radius * radius - y.squaredNorm()));
    if (least < 0.0) y[0] += b[0] > 0.0 ? -left : left;
    return vectors * y;
  }
  low = floor;
  for (int k = 0; k < 200 && high - low > 1e-14 * high; ++k) {
    const double middle = 0.5 * (low + high);
    (step(middle).norm() > radius ? low : high) = middle;
  }
  return vectors * step(high);
}

}  // namespace

RestPosture come_to_rest(StoredEnergy& energy, std::span<const double> start, const RestOptions& options) {
  const Model& model = energy.model();
  const ModelData& data = model.data();
  const std::span<const int> free = energy.free();
  const Eigen::Index n = row(free.size());
  std::vector<std::array<double, 2>> bounds = options.bounds;
  if (bounds.empty())
    for (const int c : free) bounds.push_back(model.spec().coordinates.find(data.coordinate_names[at(c)])->range);
  if (bounds.size() != free.size())
    throw Error(Kind::input, "bounds", "expected bounds for each of " + std::to_string(free.size()) + " coordinates");
  // a metre is far, as far as a turn: steps are measured in these
  VecX unit(n);
  for (Eigen::Index i = 0; i < n; ++i) unit[i] = data.is_rotation[at(free[at(i)])] ? 1.0 : 0.1;

  RestPosture out;
  out.q.assign(start.begin(), start.end());
  for (Eigen::Index i = 0; i < n; ++i) {
    double& value = out.q[at(free[at(i)])];
    value = std::clamp(value, bounds[at(i)][0], bounds[at(i)][1]);
  }
  double value = energy.move_to(out.q), radius = 0.3;
  std::vector<double> trial = out.q;
  std::vector<Eigen::Index> moving;
  VecX g = energy.gradient();
  MatX h = energy.hessian();
  Eigen::SelfAdjointEigenSolver<MatX> eigen;
  const auto find_moving = [&] {
    moving.clear();
    out.residual = 0.0;
    out.stop.assign(free.size(), 0.0);
    for (Eigen::Index i = 0; i < n; ++i) {
      const double x = out.q[at(free[at(i)])];
      const bool stopped = (x <= bounds[at(i)][0] && g[i] > 0.0) || (x >= bounds[at(i)][1] && g[i] < 0.0);
      if (stopped) {
        out.stop[at(i)] = g[i];
        continue;
      }
      moving.push_back(i);
      out.residual = std::max(out.residual, std::abs(g[i]));
    }
  };
  const auto decompose = [&] {
    const Eigen::Index k = row(moving.size());
    MatX part(k, k);
    for (Eigen::Index i = 0; i < k; ++i)
      for (Eigen::Index j = 0; j < k; ++j)
        part(i, j) = h(moving[at(i)], moving[at(j)]) * unit[moving[at(i)]] * unit[moving[at(j)]];
    eigen.compute(part);
  };
  for (out.steps = 0; out.steps < options.max_steps; ++out.steps) {
    find_moving();
    if (moving.empty()) break;
    decompose();
    const double largest = eigen.eigenvalues().cwiseAbs().maxCoeff(), least = eigen.eigenvalues()[0];
    const bool ridge = least < -1e-9 * largest;
    if (out.residual <= options.tolerance && !ridge) break;
    VecX step;
    for (bool again = true; again;) {
      VecX part(row(moving.size()));
      for (Eigen::Index i = 0; i < part.size(); ++i) part[i] = g[moving[at(i)]] * unit[moving[at(i)]];
      step = trust_region_step(part, eigen.eigenvalues(), eigen.eigenvectors(), radius);
      // one that stands at its bound and would go past it stays
      std::vector<Eigen::Index> able;
      for (Eigen::Index i = 0; i < step.size(); ++i) {
        const std::size_t place = at(moving[at(i)]);
        const double x = out.q[at(free[place])];
        if (!(step[i] < 0.0 && x <= bounds[place][0]) && !(step[i] > 0.0 && x >= bounds[place][1]))
          able.push_back(moving[at(i)]);
      }
      again = able.size() < moving.size() && !able.empty();
      if (again) moving = able, decompose();
    }
    // as far as the first bound on the way
    double share = 1.0;
    const auto room = [&](Eigen::Index i) {
      const std::size_t place = at(moving[at(i)]);
      return (step[i] > 0.0 ? bounds[place][1] : bounds[place][0]) - out.q[at(free[place])];
    };
    const auto way = [&](Eigen::Index i) { return step[i] * unit[moving[at(i)]]; };
    for (Eigen::Index i = 0; i < step.size(); ++i)
      if (step[i] != 0.0 && std::abs(way(i)) > std::abs(room(i))) share = std::min(share, room(i) / way(i));
    VecX taken = VecX::Zero(n);
    trial = out.q;
    for (Eigen::Index i = 0; i < step.size(); ++i) {
      const std::size_t place = at(moving[at(i)]);
      double& x = trial[at(free[place])];
      const bool reaches = std::abs(share * way(i)) >= std::abs(room(i));
      const double next = reaches && step[i] != 0.0 ? bounds[place][step[i] > 0.0 ? 1 : 0] : x + share * way(i);
      taken[moving[at(i)]] = next - x;
      x = next;
    }
    const double length = taken.cwiseQuotient(unit).norm(), foreseen = g.dot(taken) + 0.5 * taken.dot(h * taken);
    const double there = energy.move_to(trial), fallen = there - value;
    // differences of V say nothing below its rounding: there the gradient decides
    const double rounding = 1e-12 * (std::abs(value) + 1.0);
    const bool small = std::abs(foreseen) < rounding && std::abs(fallen) < 4.0 * rounding;
    const auto push = [&](const VecX& gradient) {
      double sum = 0.0;
      for (const Eigen::Index i : moving) sum += gradient[i] * gradient[i];
      return sum;
    };
    const bool better = small ? push(energy.gradient()) < push(g) : fallen < 1e-4 * std::min(foreseen, 0.0);
    if (better) {
      if (!small && fallen < 0.75 * foreseen && length > 0.8 * radius) radius = std::min(2.0 * radius, 2.0);
      if (!small && fallen > 0.25 * foreseen) radius *= 0.5;
      out.q = trial;
      value = there;
      g = energy.gradient();
      h = energy.hessian();
      continue;
    }
    radius = 0.25 * std::min(radius, std::max(length, 1e-16));
    if (radius < 1e-14) break;
  }
  out.energy = energy.move_to(out.q);
  g = energy.gradient();
  h = energy.hessian();
  find_moving();
  out.converged = out.residual <= options.tolerance;
  out.modes = MatX::Zero(n, row(moving.size()));
  if (!moving.empty()) {
    MatX part(row(moving.size()), row(moving.size()));
    for (Eigen::Index i = 0; i < part.rows(); ++i)
      for (Eigen::Index j = 0; j < part.cols(); ++j) part(i, j) = h(moving[at(i)], moving[at(j)]);
    eigen.compute(part);
    out.stiffness.assign(eigen.eigenvalues().data(), eigen.eigenvalues().data() + part.rows());
    for (Eigen::Index i = 0; i < part.rows(); ++i) out.modes.row(moving[at(i)]) = eigen.eigenvectors().row(i);
  }
  return out;
}

RestPostures find_rest_postures(StoredEnergy& energy, std::span<const double> start, int scattered,
                                const RestOptions& options) {
  const std::span<const int> free = energy.free();
  std::vector<std::array<double, 2>> bounds = options.bounds;
  const ModelData& data = energy.model().data();
  if (bounds.empty())
    for (const int c : free)
      bounds.push_back(energy.model().spec().coordinates.find(data.coordinate_names[at(c)])->range);
  RestPostures out;
  std::vector<double> q(start.begin(), start.end()), cube(free.size());
  for (int k = 0; k <= scattered; ++k) {
    if (k > 0) {
      scatter(static_cast<std::size_t>(k), cube);
      for (std::size_t i = 0; i < free.size(); ++i)
        q[at(free[i])] = bounds[i][0] + cube[i] * (bounds[i][1] - bounds[i][0]);
    }
    RestPosture one = come_to_rest(energy, q, options);
    if (!one.converged) {
      ++out.lost;
      continue;
    }
    const auto same = [&](const RestPosture& other) {
      for (const int c : free)
        if (std::abs(other.q[at(c)] - one.q[at(c)]) > 1e-5) return false;
      return true;
    };
    const auto known = std::find_if(out.postures.begin(), out.postures.end(), same);
    if (known != out.postures.end()) {
      ++out.reached[static_cast<std::size_t>(known - out.postures.begin())];
      if (k == 0) out.from_start = static_cast<int>(known - out.postures.begin());
      continue;
    }
    const auto place = std::upper_bound(out.postures.begin(), out.postures.end(), one.energy,
                                        [](double e, const RestPosture& other) { return e < other.energy; });
    const auto index = static_cast<int>(place - out.postures.begin());
    if (out.from_start >= index) ++out.from_start;
    if (k == 0) out.from_start = index;
    out.reached.insert(out.reached.begin() + index, 1);
    out.postures.insert(place, std::move(one));
  }
  return out;
}

VecX rest_sensitivity(StoredEnergy& energy, const RestPosture& rest, StoredEnergy& low, StoredEnergy& high,
                      double step) {
  energy.move_to(rest.q);
  const MatX h = energy.hessian();
  low.move_to(rest.q);
  high.move_to(rest.q);
  const VecX by_parameter = (high.gradient() - low.gradient()) / (2.0 * step);
  std::vector<Eigen::Index> moving;
  for (std::size_t i = 0; i < rest.stop.size(); ++i)
    if (rest.stop[i] == 0.0) moving.push_back(row(i));
  const Eigen::Index k = row(moving.size());
  MatX part(k, k);
  VecX right(k);
  for (Eigen::Index i = 0; i < k; ++i) {
    right[i] = -by_parameter[moving[at(i)]];
    for (Eigen::Index j = 0; j < k; ++j) part(i, j) = h(moving[at(i)], moving[at(j)]);
  }
  VecX out = VecX::Zero(h.rows());
  if (k == 0) return out;
  const Eigen::SelfAdjointEigenSolver<MatX> eigen(part);
  const VecX solved =
      eigen.eigenvectors() * (eigen.eigenvectors().transpose() * right).cwiseQuotient(eigen.eigenvalues()).eval();
  for (Eigen::Index i = 0; i < k; ++i) out[moving[at(i)]] = solved[i];
  return out;
}

}  // namespace psoas
