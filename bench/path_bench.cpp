// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Time of one muscle path.
#include <benchmark/benchmark.h>

#include "psoas/path/path.hpp"

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

}  // namespace
}  // namespace psoas
