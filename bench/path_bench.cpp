// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Time of one muscle path, and of all paths of a model.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "psoas/model/fit_paths.hpp"
#include "psoas/model/model.hpp"
#include "psoas/path/path.hpp"
#include "support/random_tree.hpp"
#if PSOAS_HAVE_MUJOCO
#include "support/mujoco_paths.hpp"
#endif

namespace psoas {
namespace {

/// An ellipsoid of one size.
struct Egg : Ellipsoid {
  explicit Egg(double radius) : Ellipsoid{Vec3(radius, 0.8 * radius, 1.5 * radius)} {}
};

/// Two points a span apart, and `surfaces` surfaces of one kind in the way.
template <class Shape>
Path arranged(int surfaces) {
  Path path;
  path.points = {{1, {0.0, 0.05, 0.01}}, {2, {0.0, -0.3, -0.02}}};
  if (surfaces > 0)
    path.wraps.push_back({1, Pose{Mat3::Identity(), {-0.02, -0.05, 0.0}}, Surface(Shape{0.04}), 0, 1, Side::shortest});
  if (surfaces > 1)
    path.wraps.push_back(
        {2, Pose{rotation_xyz({0.2, 0.1, 0.0}), {-0.025, -0.18, 0.0}}, Surface(Shape{0.045}), 0, 1, Side::shortest});
  path.finish();
  return path;
}

template <class S, class Shape>
void path_length(benchmark::State& state) {
  const Path path = arranged<Shape>(static_cast<int>(state.range(0)));
  std::vector<PoseT<S>> X_GB(3);
  X_GB[2].R = rotation_about<S>({0, 0, 1}, S(0.1));
  std::vector<S> q;
  std::vector<SpatialT<S>> wrench(path.bodies.size());
  int touching = 0;
  for (auto _ : state) {
    const PathValue<S> value = evaluate_path<S>(path, X_GB, q, wrench);
    touching = value.touching;
    benchmark::DoNotOptimize(value.length);
  }
  state.counters["touching"] = touching;
}

BENCHMARK(path_length<double, Cylinder>)->DenseRange(0, 2);
BENCHMARK(path_length<double, Sphere>)->DenseRange(1, 2);
BENCHMARK(path_length<double, Egg>)->DenseRange(1, 2);
BENCHMARK(path_length<Dual<4>, Cylinder>)->DenseRange(0, 2);
BENCHMARK(path_length<Dual<4>, Egg>)->DenseRange(1, 2);

// --- all paths of a model --------------------------------------------------------------------------------------------
// Length and every moment arm at random postures inside the ranges of coordinates. `us_per_posture` is all of
// evaluate(), poses of bodies included, and `ns_per_muscle` what of it is of the paths alone: least of many runs. Ratios
// say how many times as long another way takes that was timed in turn in the same run, so that a busy machine moves
// both: `ratio_mujoco` MuJoCo's tendon stage (mj_tendon) against our paths on the muscles that it can have,
// `ratio_mujoco_fitted` against fitted paths of the same muscles (fitted first, which takes a minute or two),
// `ratio_differences` moment arms by central differences of our own lengths against evaluate(). `ratio_opensim_…` are
// against what OpenSim was recorded to take.
//   psoas_bench --benchmark_filter=paths_of_a_model --benchmark_counters_tabular=true

using Clock = std::chrono::steady_clock;
using test::at;

double microseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// A model and postures; every call is for all postures.
class Postures {
 public:
  static constexpr int count = 20;

  explicit Postures(const Model& model) : model_(model), work_(model) {
    test::Random random(1);
    const State start = model.default_state();
    u_.assign(at(model.coordinates()), 0.1);
    for (int i = 0; i < count; ++i) {
      std::vector<double> q(start.q().begin(), start.q().end());
      for (int c = 0; c < model.coordinates(); ++c) {
        const auto range = model.spec().coordinates.find(model.data().coordinate_names[at(c)])->range;
        q[at(c)] = random.uniform(std::max(range[0], -2.1), std::min(range[1], 2.2));
      }
      q_.push_back(q);
    }
  }

  const Model& model() const { return model_; }
  const std::vector<std::vector<double>>& q() const { return q_; }
  Workspace& work() { return work_; }

  void evaluate_all(Depth depth) {
    for (const std::vector<double>& q : q_) evaluate(model_, q, u_, work_, depth);
  }
  void poses() {
    for (const std::vector<double>& q : q_) pose(q);
  }
  /// -(l(q + h) - l(q - h)) / 2h of each muscle over each coordinate that it has, lengths alone.
  void differences() {
    const ModelData& data = model_.data();
    std::vector<double> moved, length(data.paths.size());
    std::vector<Spatial> wrench;
    for (const std::vector<double>& q : q_) {
      moved = q;
      for (int c = 0; c < model_.coordinates(); ++c) {
        double sum = 0.0;
        for (const double h : {1e-6, -1e-6}) {
          moved[at(c)] = q[at(c)] + h;
          pose(moved);
          for (std::size_t m = 0; m < data.paths.size(); ++m) {
            if (!depends(m, c)) continue;
            wrench.resize(data.paths[m].bodies.size());
            sum += evaluate_path<double>(data.paths[m], work_.tree.X_GB, work_.q, wrench).length;
          }
        }
        moved[at(c)] = q[at(c)];
        benchmark::DoNotOptimize(sum);
      }
    }
  }

 private:
  void pose(const std::vector<double>& q) {
    couple(model_, q, u_, work_);
    positions<double>(model_.tree(), work_.q, work_.tree);
  }
  bool depends(std::size_t m, int c) const {
    const ModelData& data = model_.data();
    for (int i = data.arm_start[m]; i < data.arm_start[m + 1]; ++i)
      if (data.couplings[at(data.arm_slots[at(i)].coordinate)].source == c) return true;
    return false;
  }

  Model model_;
  Workspace work_;
  std::vector<double> u_;
  std::vector<std::vector<double>> q_;
};

/// Least times of one posture [us].
class Least {
 public:
  template <class Call>
  void time(Call call) {
    const auto start = Clock::now();
    call();
    benchmark::ClobberMemory();
    us_ = std::min(us_, microseconds(start) / Postures::count);
  }
  void take(double us) { us_ = std::min(us_, us); }
  double us() const { return us_; }

 private:
  double us_ = 1e30;
};

#if PSOAS_HAVE_MUJOCO
/// MuJoCo's tendon stage against our paths of the same muscles.
void against_mujoco(const Model& whole, benchmark::State& state) {
  using namespace test;
  std::string left_out;
  ModelSpec spec = whole.spec();
  {
    const MujocoPaths all(whole.tree(), whole.data().paths);
    for (const auto& [m, why] : all.left_out) {
      left_out += " " + whole.data().muscle_names[at(m)] + " (" + why + ")";
      spec.muscles.erase_if(
          [&, m = m](const auto& name, const auto&) { return name == whole.data().muscle_names[at(m)]; });
    }
  }
  spec.groups = {};
  spec.domain = {};
  Postures ours{Model(spec)};
  const Tree tree = with_mass_everywhere(ours.model().tree());
  const MujocoPaths paths(tree, ours.model().data().paths);
  MujocoOracle oracle(tree, spec.gravity, paths.more);
  mjModel* m = oracle.model();
  mjData* d = oracle.data();
  const VecX u = VecX::Zero(tree.coordinates());

  Postures smooth{Model(fit_paths(spec))};
  Least theirs, evaluated, posed, fitted;
  int same = 0, compared = 0;
  for (int turn = 0; turn < 30; ++turn) {
    evaluated.time([&] { ours.evaluate_all(Depth::position); });
    posed.time([&] { ours.poses(); });
    fitted.time([&] { smooth.evaluate_all(Depth::position); });
    double sum = 0.0;
    for (const std::vector<double>& q : ours.q()) {
      evaluate(ours.model(), q, q, ours.work(), Depth::position);
      oracle.set(Eigen::Map<const VecX>(ours.work().q.data(), u.size()), u);
      if (turn == 0) {
        paths.prescribe(ours.work().tree.X_GB, m);
        mj_kinematics(m, d);
      }
      const auto start = Clock::now();
      mj_tendon(m, d);
      sum += microseconds(start);
      for (std::size_t i = 0; turn == 0 && i < ours.work().length.size(); ++i, ++compared)
        same += std::abs(ours.work().length[i] - d->ten_length[i]) < 1e-9;
    }
    theirs.take(sum / Postures::count);
  }
  state.counters["mujoco_us"] = theirs.us();
  state.counters["ratio_mujoco"] = theirs.us() / (evaluated.us() - posed.us());
  state.counters["fitted_us"] = fitted.us() - posed.us();
  state.counters["ratio_mujoco_fitted"] = theirs.us() / (fitted.us() - posed.us());
  state.counters["mujoco_same"] = static_cast<double>(same) / compared;
  static std::string told;
  if (told != left_out) std::cout << "not in MuJoCo's:" << left_out << '\n';
  told = left_out;
}
#endif

/// `lengths` and `arms`: what OpenSim was recorded to take for all lengths and speeds, and for every moment arm [us].
void paths_of_a_model(benchmark::State& state, const char* file, double lengths, double arms) {
  Postures postures{Model::load(std::string(PSOAS_SOURCE_DIR) + file)};
  Least evaluated, with_speeds, posed, differences;
  for (int turn = 0; turn < 50; ++turn) {
    evaluated.time([&] { postures.evaluate_all(Depth::position); });
    posed.time([&] { postures.poses(); });
    if (lengths > 0.0) with_speeds.time([&] { postures.evaluate_all(Depth::velocity); });
    if (turn % 10 == 0) differences.time([&] { postures.differences(); });
  }
  for (auto _ : state) postures.evaluate_all(Depth::position);
  state.counters["us_per_posture"] = evaluated.us();
  state.counters["us_poses"] = posed.us();
  state.counters["ns_per_muscle"] = 1e3 * (evaluated.us() - posed.us()) / postures.model().muscles();
  state.counters["ratio_differences"] = differences.us() / evaluated.us();
  if (lengths > 0.0) {
    state.counters["ratio_opensim_lengths"] = lengths / with_speeds.us();
    state.counters["ratio_opensim_arms"] = arms / evaluated.us();
  }
#if PSOAS_HAVE_MUJOCO
  against_mujoco(postures.model(), state);
#endif
}

BENCHMARK_CAPTURE(paths_of_a_model, lai_uhlrich_80, "/models/tools/sources/lai_uhlrich_2022.json", 264.0, 88e3)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(paths_of_a_model, full_body_292, "/models/full_body.json", 0.0, 0.0)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace psoas
