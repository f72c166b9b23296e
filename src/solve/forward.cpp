// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/forward.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/factor.hpp"
#include "psoas/core/spline.hpp"
#include "psoas/muscle/activation.hpp"
#include "solve/integrate.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

using Vector = std::vector<double>;

/// The coordinate with the least share of the mass matrix's diagonal: where a matrix that is not positive definite fails.
int without_inertia(const MatX& M, const std::vector<int>& free) {
  Eigen::Index least = 0;
  M.diagonal().minCoeff(&least);
  return free[static_cast<std::size_t>(least)];
}

}  // namespace

struct ForwardDynamics::Scratch {
  Scratch(const Model& m, SimulationOptions o)
      : model(m), options(std::move(o)), work(model), state(model.default_state()) {
    const int n = model.coordinates();
    if (options.locked.empty()) options.locked.assign(at(n), 0);
    if (options.excitation.empty())
      for (const MuscleParameters& unit : model.data().units) options.excitation.push_back(unit.minimum_activation);
    for (int c = 0; c < n; ++c)
      if (!options.locked[at(c)]) free.push_back(c);
    const std::size_t tree = at(model.tree().coordinates());
    udot.assign(at(n), 0.0);
    zero = projected = udot;
    tree_udot.assign(tree, 0.0);
    tau = tree_udot;
    mass.assign(tree * tree, 0.0);
    half.assign(tree * free.size(), 0.0);
    const auto size = static_cast<Eigen::Index>(free.size());
    M.resize(size, size);
    rhs.resize(size);
    factor = Eigen::LLT<MatX>(size);
    external.assign(model.tree().bodies.size(), Spatial::Zero());
  }

  Model model;
  SimulationOptions options;
  Workspace work;
  State state;
  std::vector<int> free;
  Vector udot, zero, projected, tree_udot, tau, mass, half;
  MatX M;
  VecX rhs;
  Eigen::LLT<MatX> factor;
  std::vector<Spatial> external;
};

ForwardDynamics::ForwardDynamics(const Model& model, SimulationOptions options)
    : scratch_(std::make_unique<Scratch>(model, std::move(options))) {}
ForwardDynamics::~ForwardDynamics() = default;
ForwardDynamics::ForwardDynamics(ForwardDynamics&&) noexcept = default;
const Workspace& ForwardDynamics::work() const { return scratch_->work; }
std::span<const double> ForwardDynamics::udot() const { return scratch_->udot; }
std::span<const Spatial> ForwardDynamics::external() const { return scratch_->external; }

void ForwardDynamics::rates(double t, std::span<const double> vector, std::span<double> out) {
  Scratch& s = *scratch_;
  const Model& model = s.model;
  const ModelData& data = model.data();
  const int n = model.coordinates(), muscles = model.muscles();
  const std::size_t tree = data.couplings.size();
  std::copy(vector.begin(), vector.end(), s.state.vector.begin());
  for (int c = 0; c < n; ++c)
    if (s.options.locked[at(c)]) s.state.u()[at(c)] = 0.0;
  evaluate(model, s.state, s.work, Depth::force);
  s.external = s.work.contact.external;
  add_external(s.options.loads, t, s.work.tree, s.external);

  // What the motion needs at zero acceleration, and what muscles and passive elements give.
  couple_accelerations(model, s.state.u(), s.zero, s.work, s.tree_udot);
  inverse_dynamics<double>(model.tree(), s.tree_udot, model.spec().gravity, s.external, s.work.tree, s.tau);
  for (std::size_t k = 0; k < tree; ++k) s.tau[k] = s.work.passive_torque[k] - s.tau[k];
  const FittedPaths& fitted = data.fitted;
  for (int m = 0; fitted.empty() && m < muscles; ++m)
    for (int i = data.arm_start[at(m)]; i < data.arm_start[at(m) + 1]; ++i)
      s.tau[at(data.arm_slots[at(i)].coordinate)] += s.work.arm[at(i)] * s.work.tendon_force[at(m)];
  project(model, s.work, s.tau, s.projected);
  for (int m = 0; !fitted.empty() && m < muscles; ++m)
    for (int i = fitted.first_slope(m); i < fitted.first_slope(m + 1); ++i)
      s.projected[at(fitted.coordinate(i))] -= s.work.fitted.slope[at(i)] * s.work.tendon_force[at(m)];

  // Projected mass matrix of the coordinates that move: G' M G with one slope a row of G.
  mass_matrix<double>(model.tree(), s.work.tree, s.mass);
  std::fill(s.half.begin(), s.half.end(), 0.0);
  const std::size_t size = s.free.size();
  const auto column_of = [&](int coordinate) {
    const auto found = std::lower_bound(s.free.begin(), s.free.end(), coordinate);
    return found != s.free.end() && *found == coordinate ? static_cast<int>(found - s.free.begin()) : -1;
  };
  for (std::size_t k = 0; k < tree; ++k) {
    const int column = column_of(data.couplings[k].source);
    if (column < 0) continue;
    for (std::size_t r = 0; r < tree; ++r) s.half[at(column) * tree + r] += s.mass[k * tree + r] * s.work.slope[k];
  }
  s.M.setZero();
  for (std::size_t r = 0; r < tree; ++r) {
    const int row = column_of(data.couplings[r].source);
    if (row < 0) continue;
    for (std::size_t c = 0; c < size; ++c)
      s.M(row, static_cast<Eigen::Index>(c)) += s.work.slope[r] * s.half[c * tree + r];
  }
  for (std::size_t k = 0; k < size; ++k) s.rhs[static_cast<Eigen::Index>(k)] = s.projected[at(s.free[k])];
  if (size > 0) {
    s.factor.compute(s.M);
    if (s.factor.info() != Eigen::Success)
      throw Error(Kind::numeric, data.coordinate_names[at(without_inertia(s.M, s.free))],
                  "expected mass or inertia that resists this coordinate, found none");
    s.factor.solveInPlace(s.rhs);
  }
  for (int c = 0; c < n; ++c) s.udot[at(c)] = 0.0;
  for (std::size_t k = 0; k < size; ++k) s.udot[at(s.free[k])] = s.rhs[static_cast<Eigen::Index>(k)];

  for (int c = 0; c < n; ++c) {
    out[at(c)] = s.state.u()[at(c)];
    out[at(n + c)] = s.udot[at(c)];
  }
  for (int m = 0; m < muscles; ++m) {
    const double a = s.state.activation()[at(m)],
                 excitation = std::max(s.options.excitation[at(m)], data.units[at(m)].minimum_activation);
    out[at(2 * n + m)] = activation_rate(data.units[at(m)], excitation, a);
    out[at(2 * n + muscles + m)] = data.units[at(m)].has_rigid_tendon() ? 0.0 : s.work.fibre.fibre_velocity[at(m)];
  }
}

void simulate(const Model& model, State state, const SimulationOptions& options,
              const std::function<void(const State&, const ForwardDynamics&)>& observe) {
  ForwardDynamics dynamics(model, options);
  for (std::size_t c = 0; c < options.locked.size(); ++c)
    if (options.locked[c]) state.u()[c] = 0.0;
  const int count = static_cast<int>(std::floor(options.duration / options.step + 1e-9));
  Vector times;
  for (int i = 0; i <= count; ++i) times.push_back(state.time + i * options.step);
  if (times.back() < state.time + options.duration - 1e-9 * options.step)
    times.push_back(state.time + options.duration);
  const auto system = [&](const Vector& x, Vector& out, double t) {
    try {
      dynamics.rates(t, x, out);
    } catch (const Error& error) {
      throw Error(error.kind(), "t = " + shortest_text(t) + " s", error.what());
    }
  };
  Vector rates(state.vector.size());
  integrate(system, state.vector, times, options.tolerance, std::min(1e-4, options.step), options.step,
            [&](const Vector& x, std::size_t i) {
              state.time = times[i];
              state.vector = x;
              system(x, rates, times[i]);  // the observer sees this instant, not the stepper's last stage
              observe(state, dynamics);
            });
}

int integrate_muscle(const MuscleParameters& unit, const MuscleTrack& track, double tolerance,
                     std::span<double> activation, std::span<double> tendon_forces) {
  const Vector time(track.time.begin(), track.time.end());
  const QuinticSpline target(time, Vector(track.activation.begin(), track.activation.end()));
  const QuinticSpline length(time, Vector(track.length.begin(), track.length.end()));
  const double l0 = unit.optimal_fibre_length;

  // Activation does not know of the fibres, so it is integrated first, on a grid fine enough to be splined.
  constexpr std::size_t fine = 4;
  Vector grid, followed;
  for (std::size_t i = 0; i + 1 < time.size(); ++i)
    for (std::size_t k = 0; k < fine; ++k)
      grid.push_back(time[i] + (time[i + 1] - time[i]) * static_cast<double>(k) / fine);
  grid.push_back(time.back());
  const auto activate = [&](const Vector& x, Vector& rates, double t) {
    // the rate of the target, and back to it within 20 ms where [0, 1] has kept activation from following
    const double a = std::clamp(x[0], 0.0, 1.0);
    const Jet2<double> wanted = target.jet(t);
    const double excitation = excitation_for(unit, a, wanted.slope + (wanted.value - a) / 0.02).excitation;
    rates[0] = activation_rate(unit, excitation, a);
  };
  const double start = std::clamp(track.activation[0], 0.0, 1.0);
  double spacing = 0.0;
  for (std::size_t i = 1; i < time.size(); ++i) spacing = std::max(spacing, time[i] - time[i - 1]);
  int steps = integrate(activate, Vector{start}, grid, tolerance, 1e-3, spacing, [&](const Vector& x, std::size_t i) {
    followed.push_back(std::clamp(x[0], 0.0, 1.0));
    if (i % fine == 0) activation[i / fine] = followed.back();
  });
  if (unit.has_rigid_tendon()) {
    for (std::size_t i = 0; i < time.size(); ++i) {
      const Jet2<double> L = length.jet(time[i]);
      const MuscleForces forces = fibre_forces(unit, rigid_tendon_fibre(unit, L.value, L.slope), activation[i]);
      tendon_forces[i] = rigid_tendon_force(forces, activation[i]);
    }
    return steps;
  }
  const QuinticSpline active(grid, followed);
  const auto stretch = [&](const Vector& x, Vector& rates, double t) {
    rates[0] =
        compliant_fibre(unit, length.jet(t).value, x[0] * l0, std::clamp(active(t), 0.0, 1.0)).fibre_velocity / l0;
  };
  steps += integrate(stretch, Vector{static_equilibrium(unit, track.length[0], start).fibre_length / l0}, time,
                     tolerance, 1e-4, spacing, [&](const Vector& x, std::size_t i) {
                       tendon_forces[i] = tendon_force(unit, track.length[i], x[0] * l0);
                     });
  return steps;
}

}  // namespace psoas
