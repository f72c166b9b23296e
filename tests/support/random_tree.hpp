// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Trees for tests and benches, built directly from bodies and axes.
//   Random random(7);   const Tree tree = random_tree(random, 23);   VecX q = random.vector(tree.coordinates(), 0.8);
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psoas/core/function.hpp"
#include "psoas/skeleton/joint.hpp"
#include "psoas/skeleton/tree.hpp"

namespace psoas::test {

inline std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Numbers that are the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x2545f4914f6cdd1du + 13) {}

  double uniform(double low = -1.0, double high = 1.0) {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return low + (high - low) * static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  int integer(int count) { return std::min(count - 1, static_cast<int>(uniform(0.0, count))); }
  Vec3 vec3(double scale) {
    const double x = uniform(-scale, scale), y = uniform(-scale, scale), z = uniform(-scale, scale);
    return {x, y, z};
  }
  Vec3 direction() {
    for (;;)
      if (const Vec3 v = vec3(1.0); v.norm() > 0.2 && v.norm() < 1.0) return v.normalized();
  }
  VecX vector(int size, double scale) {
    VecX v(size);
    for (int i = 0; i < size; ++i) v[i] = uniform(-scale, scale);
    return v;
  }
  Pose pose(double scale) { return {rotation_xyz(vec3(1.5)), vec3(scale)}; }

 private:
  std::uint64_t state_;
};

inline std::span<const double> view(const VecX& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
inline std::span<double> view(VecX& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
inline std::span<double> view(MatX& m) { return {m.data(), static_cast<std::size_t>(m.size())}; }

/// A function whose slope stays near `slope` over [-1, 1]: linear, polynomial or spline in turn.
inline Function random_function(Random& random, double slope, int kind) {
  const double offset = 0.2 * random.uniform();
  if (kind == 0) return Linear{slope, offset};
  if (kind == 1)
    return Polynomial{{offset, slope, 0.2 * slope * random.uniform(), 0.1 * slope * random.uniform(),
                       0.05 * slope * random.uniform()}};
  Spline spline;
  for (double x = -1.5; x < 1.6; x += 0.375) {
    spline.x.push_back(x);
    spline.y.push_back(offset + slope * (x + 0.15 * std::sin(2.0 * x) + 0.02 * random.uniform()));
  }
  return spline;
}

/// A tree without bodies but ground.
inline Tree empty_tree() {
  Tree tree;
  tree.bodies.resize(1);
  tree.bodies[0].subtree_end = 1;
  return tree;
}

/// Adds a body; coordinates of `axes` are counted from 0 in this joint, `coordinates` of them. Returns its index.
/// The parent is the last body or one below it on the way to ground, so bodies stay in depth-first order.
inline int append_body(Tree& tree, TreeBody body, std::vector<TreeAxis> axes, int coordinates) {
  const int index = static_cast<int>(tree.bodies.size());
  body.first_axis = static_cast<int>(tree.axes.size());
  body.first_coordinate = tree.coordinates();
  for (TreeAxis& axis : axes) {
    if (axis.coordinate >= 0) axis.coordinate += body.first_coordinate;
    tree.axes.push_back(std::move(axis));
  }
  body.last_axis = static_cast<int>(tree.axes.size());
  body.last_coordinate = body.first_coordinate + coordinates;
  tree.coordinate_body.resize(at(body.last_coordinate), index);
  tree.bodies.push_back(body);
  for (int b = index; b >= 0; b = tree.bodies[at(b)].parent) tree.bodies[at(b)].subtree_end = index + 1;
  return index;
}

/// The same from the axes of a joint kind; its coordinates are numbered in the order in which they appear.
inline int append_body(Tree& tree, const TreeBody& body, const std::vector<JointAxis>& joint) {
  std::vector<TreeAxis> axes;
  std::vector<std::string> names;
  for (const JointAxis& item : joint) {
    TreeAxis axis{item.rotation, item.spec.axis.normalized(), -1, compile(item.spec.function), item.vector};
    if (item.spec.coordinate) {
      const auto found = std::find(names.begin(), names.end(), *item.spec.coordinate);
      axis.coordinate = static_cast<int>(found - names.begin());
      if (found == names.end()) names.push_back(*item.spec.coordinate);
    }
    axes.push_back(axis);
  }
  return append_body(tree, body, axes, static_cast<int>(names.size()));
}

/// A body of 0.5 to 8 kg about the size of a limb, with products of inertia, in random joint frames.
inline TreeBody random_body(Random& random, int parent) {
  TreeBody body;
  body.parent = parent;
  body.X_PF = random.pose(0.3);
  body.X_MB = random.pose(0.2);
  body.mass = random.uniform(0.5, 8.0);
  body.mass_center = random.vec3(0.15);
  // principal second moments of mass, so that any draw is a body that can exist
  const Vec3 radius(random.uniform(0.04, 0.2), random.uniform(0.04, 0.2), random.uniform(0.04, 0.2));
  const Vec3 second = body.mass * radius.cwiseProduct(radius);
  const Mat3 R = rotation_xyz(random.vec3(1.5));
  body.inertia = R * (second.sum() * Mat3::Identity() - Mat3(second.asDiagonal())) * R.transpose();
  body.inertia = (0.5 * (body.inertia + body.inertia.transpose())).eval();
  return body;
}

/// Three directions not far from a random orthogonal frame.
inline std::vector<Vec3> random_frame(Random& random) {
  const Mat3 R = rotation_xyz(random.vec3(1.5));
  std::vector<Vec3> axes;
  for (int i = 0; i < 3; ++i) axes.push_back((R.col(i) + random.vec3(0.2)).normalized());
  return axes;
}

enum class Functions {
  identity,  ///< each coordinate moves one axis by itself, as a hinge or slider of other engines does
  smooth,    ///< linear and polynomial functions of shared coordinates
  any        ///< splines too
};

/// A tree of pins, slides, custom joints with shared coordinates, free joints and welds; with functions that are not
/// the identity, rotation vectors too.
inline Tree random_tree(Random& random, int coordinates, Functions functions = Functions::any) {
  Tree tree = empty_tree();
  const bool shared = functions != Functions::identity;
  const auto function = [&](double slope) {
    if (!shared) return PiecewisePolynomial::identity();
    return compile(random_function(random, slope, random.integer(functions == Functions::any ? 3 : 2)));
  };
  for (int left = coordinates; left > 0; left = coordinates - tree.coordinates()) {
    // a limb goes on, or starts at one of the bodies between the last one and ground
    int parent = static_cast<int>(tree.bodies.size()) - 1;
    while (parent > 0 && random.uniform(0, 1) < 0.25) parent = tree.bodies[at(parent)].parent;
    const TreeBody body = random_body(random, parent);
    const std::vector<Vec3> frame = random_frame(random);
    std::vector<TreeAxis> axes;
    int used = 0;
    switch (random.integer(shared ? 9 : 7)) {
      case 0:
        axes = {{false, frame[0], 0, function(1.0)}};
        used = 1;
        break;
      case 1:  // three rotations, as a hip
        if (left < 3) continue;
        for (int i = 0; i < 3; ++i) axes.push_back({true, frame[at(i)], shared ? (i + 1) % 3 : i, function(1.0)});
        used = 3;
        break;
      case 2:  // six coordinates, as a pelvis
        if (left < 6) continue;
        for (int i = 0; i < 6; ++i) axes.push_back({i > 2, frame[at(i % 3)], i, function(1.0)});
        used = 6;
        break;
      case 3:  // one coordinate moves all axes, as a knee
        if (!shared) continue;
        for (int i = 0; i < 3; ++i) axes.push_back({false, frame[at(i)], 0, function(0.05)});
        axes.push_back({true, frame[0], 0, function(1.0)});
        axes.push_back({true, frame[1], 0, function(0.15)});
        axes.push_back({true, frame[2], -1, compile(Constant{0.3})});
        used = 1;
        break;
      case 4:  // two coordinates in turns, as a scapula
        if (!shared || left < 2) continue;
        for (int i = 0; i < 2; ++i) axes.push_back({false, frame[at(i)], 1 - i, function(0.1)});
        for (int i = 0; i < 3; ++i) axes.push_back({true, frame[at(i)], i % 2, function(i < 2 ? 1.0 : 0.3)});
        used = 2;
        break;
      case 5:  // a weld; the next body can hang on it
        if (random.uniform(0, 1) < 0.5) continue;
        break;
      case 7:  // a rotation vector
      case 8: {
        const bool free = random.integer(2) == 1;
        if (left < (free ? 6 : 3)) continue;
        append_body(tree, body, free ? Free{"a", "b", "c", "x", "y", "z"}.axes() : Ball{"x", "y", "z"}.axes());
        continue;
      }
      default:
        axes = {{true, frame[0], 0, function(1.0)}};
        used = 1;
    }
    append_body(tree, body, axes, used);
  }
  return tree;
}

/// A tree whose massless bodies have a little mass, which other engines want everywhere.
inline Tree with_mass_everywhere(Tree tree) {
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    TreeBody& body = tree.bodies[b];
    if (body.mass == 0.0) body.mass = 0.01;
    if (body.inertia.isZero()) body.inertia.diagonal().setConstant(1e-4 * body.mass);
  }
  return tree;
}

}  // namespace psoas::test
