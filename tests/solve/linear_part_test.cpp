// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "solve/linear_part.hpp"

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <iostream>

#include "psoas/model/file.hpp"
#include "psoas/solve/forward.hpp"
#include "support/allocations.hpp"

namespace psoas {
namespace {

using test::counts_heap_allocations;
using test::heap_allocations;

/// The whole body on its feet, toes locked, muscles alike and every third on a rigid tendon, when soles have come to
/// rest after it was let go.
struct Standing {
  Standing() : model(spec()), state(model.default_state()) {
    options.excitation.assign(static_cast<std::size_t>(model.muscles()), 0.1);
    options.locked.assign(static_cast<std::size_t>(model.coordinates()), 0);
    for (const char* toes : {"mtp_angle_r", "mtp_angle_l"})
      options.locked[static_cast<std::size_t>(model.coordinate(toes))] = 1;
    options.duration = 0.25;
    options.tolerance = 1e-3;
    options.integrator = Integrator::ark4;
    simulate(model, State(state), options, [&](const State& now, const ForwardDynamics&) { state = now; });
  }

  static ModelSpec spec() {
    ModelSpec out = Model::load(PSOAS_SOURCE_DIR "/models/full_body_contact.json").spec();
    int m = 0;
    for (auto& [name, muscle] : out.muscles)
      if (m++ % 3 == 0) muscle.tendon = "rigid";
    return out;
  }

  Model model;
  State state;
  SimulationOptions options;
};

double radius(const MatX& A) { return Eigen::EigenSolver<MatX>(A, false).eigenvalues().cwiseAbs().maxCoeff(); }

/// A of (1 - g A)^-1.
MatX linear(LinearPart& part, int size, double g) {
  part.factorise(g);
  MatX inverse(size, size);
  std::vector<double> r(static_cast<std::size_t>(size));
  for (int k = 0; k < size; ++k) {
    std::fill(r.begin(), r.end(), 0.0);
    r[static_cast<std::size_t>(k)] = 1.0;
    part.solve(r);
    inverse.col(k) = Eigen::Map<const VecX>(r.data(), size);
  }
  return (MatX::Identity(size, size) - inverse.inverse()) / g;
}

TEST(LinearPart, is_all_of_the_jacobian_that_is_stiff) {
  Standing body;
  ForwardDynamics dynamics(body.model, body.options);
  dynamics.enter(0.0);
  const int states = static_cast<int>(body.state.vector.size()), all = dynamics.size();
  std::vector<double> x(body.state.vector), rates(static_cast<std::size_t>(all)),
      by_state(static_cast<std::size_t>(all) * static_cast<std::size_t>(all)), by_time(rates);
  x.resize(rates.size(), 0.0);
  dynamics.jacobian(0.0, x, by_state, by_time);
  const MatX J = Eigen::Map<const MatX>(by_state.data(), all, all).transpose().topLeftCorner(states, states);
  LinearPart part(dynamics);
  dynamics.rates(0.0, x, rates);
  part.take();
  const MatX A = linear(part, states, 1e-3);
  const double stiff = radius(J), rest = radius(J - A);
  std::cout << "spectral radius of the Jacobian " << stiff << ", of what is left of it " << rest << " 1/s\n";
  EXPECT_GT(stiff, 2000.0);
  EXPECT_LT(rest, 20.0);
  // it is one matrix, whatever g
  const MatX other = linear(part, states, 2e-2);
  EXPECT_LT((A - other).cwiseAbs().maxCoeff(), 1e-6 * A.cwiseAbs().maxCoeff());
}

TEST(LinearPart, lets_a_body_on_its_feet_take_long_steps) {
  Standing body;
  SimulationOptions options = body.options;
  options.duration = 0.06;
  const auto end = [&](Integrator integrator, double tolerance, SimulationReport& report) {
    options.integrator = integrator;
    options.tolerance = tolerance;
    State out = body.state;
    report = simulate(body.model, body.state, options, [&](const State& now, const ForwardDynamics&) { out = now; });
    return out;
  };
  SimulationReport exact, explicit_one, additive;
  const State a = end(Integrator::dopri5, 1e-7, exact), b = end(Integrator::dopri5, 1e-4, explicit_one),
              c = end(Integrator::ark4, 1e-4, additive), d = end(Integrator::ark4, 1e-6, exact);
  const auto apart = [&](const State& other) {
    double most = 0.0;
    for (std::size_t k = 0; k < a.q().size(); ++k) most = std::max(most, std::abs(a.q()[k] - other.q()[k]));
    return most;
  };
  std::cout << "steps: dopri5 " << explicit_one.steps << ", ark4 " << additive.steps << "; errors of coordinates "
            << apart(b) << ", " << apart(c) << ", at a hundredth of the tolerance " << apart(d) << "\n";
  EXPECT_LT(3 * additive.steps, explicit_one.steps);
  EXPECT_LT(apart(c), 1e-4 * options.duration);
  EXPECT_LT(apart(d), 0.1 * apart(c));
  // what is asked of a model of many states without saying how
  options.tolerance = 1e-4;
  options.integrator = Integrator::automatic;
  EXPECT_EQ(simulate(body.model, body.state, options, [](const State&, const ForwardDynamics&) {}).integrator,
            Integrator::ark4);
}

TEST(LinearPart, takes_nothing_from_the_heap_a_step) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  Standing body;
  SimulationOptions options = body.options;
  options.integrator = Integrator::ark4;
  options.tolerance = 1e-4;
  std::vector<std::size_t> taken, steps;
  for (const double duration : {0.02, 0.06}) {
    options.duration = duration;
    options.step = duration / 4.0;
    const std::size_t before = heap_allocations();
    steps.push_back(static_cast<std::size_t>(
        simulate(body.model, body.state, options, [](const State&, const ForwardDynamics&) {}).steps));
    taken.push_back(heap_allocations() - before);
  }
  EXPECT_GT(steps[1], steps[0]);
  EXPECT_EQ(taken[1], taken[0]);
}

}  // namespace
}  // namespace psoas
