// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Inverse dynamics (rnea), forward dynamics (aba) and mass matrix (crba) of random trees of hinges and sliders, poses
// and velocities included; for numbers and for dual numbers of four derivatives. With PSOAS_HAVE_MUJOCO the same trees
// in MuJoCo: counter `engine_us` is the time of its kernels alone, `engine_call_us` that of its whole call (mj_inverse,
// mj_forward), and `ratio` is engine_us over ours.

#include "psoas/skeleton/tree.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "../tests/support/random_tree.hpp"
#if PSOAS_HAVE_MUJOCO
#include "../tests/support/mujoco_oracle.hpp"
#endif

namespace {

using namespace psoas;
using namespace psoas::test;
using Clock = std::chrono::steady_clock;

enum class Algorithm { rnea, aba, crba };

double microseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// The least mean time of one call over ten batches [us].
template <class Call>
[[maybe_unused]] double least_time(Call call) {
  double least = 1e30;
  for (int batch = 0; batch < 10; ++batch) {
    const auto start = Clock::now();
    for (int i = 0; i < 200; ++i) call();
    least = std::min(least, microseconds(start) / 200);
  }
  return least;
}

template <class S, Algorithm algorithm>
void skeleton(benchmark::State& state) {
  const int n = static_cast<int>(state.range(0));
  Random random(static_cast<std::uint64_t>(n));
  const Tree tree = random_tree(random, n, Functions::identity);
  const Vec3 gravity(0, -9.80665, 0);
  const VecX q = random.vector(n, 0.8), u = random.vector(n, 3.0), x = random.vector(n, 10.0);
  std::vector<S> qs(q.begin(), q.end()), us(u.begin(), u.end()), xs(x.begin(), x.end()), out(at(n)), M(at(n * n));
  TreeWork<S> work(tree);
  const auto run = [&] {
    positions<S>(tree, qs, work);
    if constexpr (algorithm == Algorithm::crba) {
      mass_matrix<S>(tree, work, M);
    } else {
      velocities<S>(tree, us, work);
      if constexpr (algorithm == Algorithm::rnea)
        inverse_dynamics<S>(tree, xs, gravity, {}, work, out);
      else
        forward_dynamics<S>(tree, xs, gravity, {}, work, out);
    }
  };
  for (auto _ : state) {
    run();
    benchmark::DoNotOptimize(out.data());
    benchmark::DoNotOptimize(M.data());
  }
  state.counters["bodies"] = static_cast<double>(tree.bodies.size() - 1);
#if PSOAS_HAVE_MUJOCO
  MujocoOracle oracle(tree, gravity);
  mjModel* m = oracle.model();
  mjData* d = oracle.data();
  oracle.set(q, u);
  std::copy(x.begin(), x.end(), algorithm == Algorithm::aba ? d->qfrc_applied : d->qacc);
  VecX engine_out(n);
  const auto poses = [&] {
    mj_kinematics(m, d);
    mj_comPos(m, d);
  };
  const double kernels = least_time([&] {
    poses();
    if constexpr (algorithm != Algorithm::rnea) mj_crb(m, d);
    if constexpr (algorithm == Algorithm::crba) return;
    mj_comVel(m, d);
    mj_rne(m, d, algorithm == Algorithm::rnea, engine_out.data());
    if constexpr (algorithm == Algorithm::aba) {
      mj_factorM(m, d);
      for (int i = 0; i < n; ++i) engine_out[i] = d->qfrc_applied[i] - engine_out[i];
      mj_solveM(m, d, d->qacc, engine_out.data(), 1);
    }
  });
  state.counters["engine_us"] = kernels;
  if constexpr (algorithm == Algorithm::rnea) state.counters["engine_call_us"] = least_time([&] { mj_inverse(m, d); });
  if constexpr (algorithm == Algorithm::aba) state.counters["engine_call_us"] = least_time([&] { mj_forward(m, d); });
  state.counters["ratio"] = kernels / least_time(run);
#endif
}

}  // namespace

#define SKELETON_BENCH(scalar, algorithm) \
  BENCHMARK(skeleton<scalar, Algorithm::algorithm>)->Arg(7)->Arg(23)->Arg(40)->Unit(benchmark::kMicrosecond)
SKELETON_BENCH(double, rnea);
SKELETON_BENCH(double, aba);
SKELETON_BENCH(double, crba);
SKELETON_BENCH(Dual<4>, rnea);
SKELETON_BENCH(Dual<4>, aba);
SKELETON_BENCH(Dual<4>, crba);
