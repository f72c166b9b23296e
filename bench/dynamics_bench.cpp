// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Inverse dynamics (rnea), forward dynamics (aba), mass matrix (crba) and the derivatives of inverse dynamics of random
// trees of hinges and sliders and of models/full_body.json's skeleton, poses and velocities included; for numbers and
// for dual numbers of four derivatives.
//   build/release/bin/psoas_bench --benchmark_filter=dynamics
// Where the engines are installed, the same trees in them: `mujoco_us` is mj_inverse or mj_forward, `mujoco_kernels_us`
// its kernels alone, `simbody_us` calcResidualForce, calcAcceleration or calcM with what they need realised, the faster
// of two ways to build the tree. `x_…` is that time over ours. All times are the least of ten means in this one run.
// MuJoCo and Simbody (one of the two ways) have a coordinate an axis: counter `axes`.

#include "psoas/skeleton/dynamics.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "../tests/support/random_tree.hpp"
#include "psoas/model/model.hpp"
#if PSOAS_HAVE_MUJOCO
#include "../tests/support/mujoco_oracle.hpp"
#endif
#ifdef PSOAS_SIMBODY_PROGRAM
#include "../tests/support/simbody_oracle.hpp"
#endif

namespace {

using namespace psoas;
using namespace psoas::test;
using Clock = std::chrono::steady_clock;

enum class Algorithm { rnea, aba, crba, derivatives };

double microseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// The least mean time of one call over ten batches [us].
template <class Call>
double least_time(Call call) {
  double least = 1e30;
  for (int batch = 0; batch < 10; ++batch) {
    const auto start = Clock::now();
    for (int i = 0; i < 200; ++i) call();
    least = std::min(least, microseconds(start) / 200);
  }
  return least;
}

/// A tree and a moving posture: `size` coordinates at random, or the full body where it is 0.
struct Case {
  Tree tree;
  VecX q, u, x;

  explicit Case(int size) {
    Random random(static_cast<std::uint64_t>(size));
    if (size > 0) {
      tree = random_tree(random, size, Functions::identity);
      q = random.vector(size, 0.8);
    } else {
      const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
      tree = with_mass_everywhere(model.tree());
      Workspace pose(model);
      const State state = model.default_state();
      couple(model, state.q(), state.u(), pose);
      q = Eigen::Map<const VecX>(pose.q.data(), tree.coordinates());
    }
    u = random.vector(tree.coordinates(), 3.0);
    x = random.vector(tree.coordinates(), 10.0);
  }
};

#if PSOAS_HAVE_MUJOCO
void mujoco(benchmark::State& state, const Case& c, const Vec3& gravity, Algorithm algorithm, double ours) {
  MujocoOracle oracle(c.tree, gravity);
  mjModel* m = oracle.model();
  mjData* d = oracle.data();
  oracle.set(c.q, c.u);
  std::vector<double> x(at(m->nv), 1.0);
  std::copy(x.begin(), x.end(), algorithm == Algorithm::aba ? d->qfrc_applied : d->qacc);
  VecX out(m->nv);
  const double kernels = least_time([&] {
    mj_kinematics(m, d);
    mj_comPos(m, d);
    if (algorithm != Algorithm::rnea) mj_crb(m, d);
    if (algorithm == Algorithm::crba) return;
    mj_comVel(m, d);
    mj_rne(m, d, algorithm == Algorithm::rnea, out.data());
    if (algorithm == Algorithm::aba) {
      mj_factorM(m, d);
      for (int i = 0; i < m->nv; ++i) out[i] = d->qfrc_applied[i] - out[i];
      mj_solveM(m, d, d->qacc, out.data(), 1);
    }
  });
  state.counters["mujoco_kernels_us"] = kernels;
  state.counters["x_mujoco_kernels"] = kernels / ours;
  if (algorithm == Algorithm::crba) return;
  const double call = algorithm == Algorithm::rnea ? least_time([&] { mj_inverse(m, d); })  //
                                                   : least_time([&] { mj_forward(m, d); });
  state.counters["mujoco_us"] = call;
  state.counters["x_mujoco"] = call / ours;
}
#endif

template <class S, Algorithm algorithm>
void dynamics(benchmark::State& state) {
  const Case c(static_cast<int>(state.range(0)));
  const Tree& tree = c.tree;
  const int n = tree.coordinates();
  const Vec3 gravity(0, -9.80665, 0);
  std::vector<S> q(c.q.begin(), c.q.end()), u(c.u.begin(), c.u.end()), x(c.x.begin(), c.x.end()), out(at(n));
  std::vector<S> M(at(n * n)), by_u(at(n * n));
  TreeWork<S> work(tree);
  DerivativeWork<S> scratch(tree);
  const auto run = [&] {
    positions<S>(tree, q, work);
    if constexpr (algorithm == Algorithm::crba) {
      mass_matrix<S>(tree, work, M);
    } else {
      velocities<S>(tree, u, work);
      if constexpr (algorithm == Algorithm::rnea)
        inverse_dynamics<S>(tree, x, gravity, {}, work, out);
      else if constexpr (algorithm == Algorithm::aba)
        forward_dynamics<S>(tree, x, gravity, {}, work, out);
      else
        inverse_dynamics_derivatives<S>(tree, q, u, x, gravity, {}, work, scratch, out, M, by_u);
    }
  };
  for (auto _ : state) {
    run();
    benchmark::DoNotOptimize(out.data());
    benchmark::DoNotOptimize(M.data());
  }
  state.SetLabel(state.range(0) == 0 ? "full_body" : "random");
  state.counters["us"] = least_time(run);
  state.counters["bodies"] = static_cast<double>(tree.bodies.size() - 1);
  state.counters["coordinates"] = n;
  state.counters["axes"] = static_cast<double>(tree.axes.size());
  [[maybe_unused]] const double ours = state.counters["us"];
  if constexpr (std::is_same_v<S, double> && algorithm != Algorithm::derivatives) {
#if PSOAS_HAVE_MUJOCO
    mujoco(state, c, gravity, algorithm, ours);
#endif
#ifdef PSOAS_SIMBODY_PROGRAM
    const double simbody = simbody_times(tree, gravity, {c.q, c.u, c.x, {}})[at(static_cast<int>(algorithm))];
    state.counters["simbody_us"] = simbody;
    state.counters["x_simbody"] = simbody / ours;
#endif
  }
}

}  // namespace

#define DYNAMICS_BENCH(scalar, algorithm) \
  BENCHMARK(dynamics<scalar, Algorithm::algorithm>)->Arg(7)->Arg(23)->Arg(40)->Arg(0)->Unit(benchmark::kMicrosecond)
DYNAMICS_BENCH(double, rnea);
DYNAMICS_BENCH(double, aba);
DYNAMICS_BENCH(double, crba);
DYNAMICS_BENCH(double, derivatives);
DYNAMICS_BENCH(Dual<4>, rnea);
DYNAMICS_BENCH(Dual<4>, aba);
DYNAMICS_BENCH(Dual<4>, crba);
