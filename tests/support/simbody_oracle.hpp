// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A tree in Simbody, by way of the program tests/simbody/simbody_engine.cpp: a pin, a slider or (for a rotation vector)
// a ball per axis, with bodies without mass between them. Where axes are functions of shared coordinates its results
// are projected with x' = T u: M = T^T M_s T, tau = T^T tau_s.
//   const std::vector<SimbodyAnswer> all = simbody_answers(tree, gravity, {{q, u, a, external}, …});
// Needs PSOAS_SIMBODY_PROGRAM, a path.
#pragma once

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "psoas/skeleton/rotation_vector.hpp"
#include "support/random_tree.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {

/// Coordinates, speeds, accelerations of a tree and the wrenches on its bodies (empty: none).
struct Posture {
  VecX q, u, a;
  std::vector<Spatial> external;
};

/// What Simbody says of a posture.
struct SimbodyAnswer {
  std::vector<Pose> X_GB;
  VecX tau;                          ///< inverse dynamics
  MatX M;                            ///< mass matrix
  MatX T;                            ///< motion of the axes over that of the coordinates
  VecX axis_acceleration, expected;  ///< forward dynamics under these forces, and what was put in, of the axes
  std::vector<Spatial> reaction;     ///< of the joint on each body, about ground's origin
};

inline int axis_motions(const Tree& tree) { return static_cast<int>(tree.axes.size()); }

/// The tree and some postures as text for the program.
inline void write_for_simbody(const std::string& file, const Tree& tree, const Vec3& gravity,
                              const std::vector<Posture>& postures, std::vector<SimbodyAnswer>& answers) {
  std::ofstream out(file);
  out.precision(17);
  const auto vec = [&](const auto& v) {
    for (Eigen::Index i = 0; i < v.size(); ++i) out << v[i] << ' ';
  };
  const auto pose = [&](const Pose& X) {
    for (int i = 0; i < 3; ++i) vec(Vec3(X.R.row(i)));
    vec(X.p);
    out << '\n';
  };
  vec(gravity);
  out << tree.bodies.size() << '\n';
  for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
    const TreeBody& body = tree.bodies[b];
    out << body.parent << '\n';
    pose(body.X_PF);
    pose(body.X_MB);
    out << body.mass << ' ';
    vec(body.mass_center);
    const Mat3& I = body.inertia;
    for (double x : {I(0, 0), I(1, 1), I(2, 2), I(0, 1), I(0, 2), I(1, 2)}) out << x << ' ';
    int axes = 0;
    for (int i = body.first_axis; i < body.last_axis; ++i, ++axes) i += tree.axes[at(i)].vector ? 2 : 0;
    out << axes << '\n';
    for (int i = body.first_axis; i < body.last_axis; ++i) {
      const TreeAxis& axis = tree.axes[at(i)];
      out << (axis.vector ? 'v' : axis.rotation ? 'r' : 't') << ' ';
      vec(axis.direction);
      out << (axis.coordinate < 0 ? -1 : axis.coordinate - body.first_coordinate) << '\n';
      i += axis.vector ? 2 : 0;
    }
  }
  out << postures.size() << '\n';
  const int n = tree.coordinates(), motions = axis_motions(tree);
  for (const Posture& p : postures) {
    SimbodyAnswer answer;
    answer.T = MatX::Zero(motions, n);
    VecX drift = VecX::Zero(motions);
    for (int i = 0; i < motions; ++i) {
      const TreeAxis& axis = tree.axes[at(i)];
      const int c = axis.coordinate;
      if (axis.vector) {
        const Vec3 r = p.q.segment<3>(c), u = p.u.segment<3>(c);
        const RotationVector<double> rotation(r);
        answer.T.block<3, 3>(i, c) = rotation.jacobian();
        drift.segment<3>(i) = rotation.jacobian_rate(u, u);
        vec(quaternion_of(r));
        i += 2;
        continue;
      }
      const Jet2<double> jet = axis.function.jet(c < 0 ? 0.0 : p.q[c]);
      out << jet.value << ' ';
      if (c < 0) continue;
      answer.T(i, c) = jet.slope;
      drift[i] = jet.curvature * p.u[c] * p.u[c];
    }
    answer.expected = answer.T * p.a + drift;
    vec(VecX(answer.T * p.u));
    vec(answer.expected);
    for (std::size_t b = 0; b < tree.bodies.size(); ++b)
      vec(p.external.empty() ? Spatial(Spatial::Zero()) : p.external[b]);
    out << '\n';
    answers.push_back(answer);
  }
}

/// Runs the program. Throws std::runtime_error where it fails.
inline void run_simbody(const std::string& in, const std::string& out, const char* word = "") {
  const std::string command = std::string(PSOAS_SIMBODY_PROGRAM) + " " + in + " " + out + " " + word;
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

inline std::vector<SimbodyAnswer> simbody_answers(const Tree& tree, const Vec3& gravity,
                                                  const std::vector<Posture>& postures) {
  const TempFolder folder;
  const std::string in = folder / "tree.txt", out = folder / "answer.txt";
  std::vector<SimbodyAnswer> answers;
  write_for_simbody(in, tree, gravity, postures, answers);
  run_simbody(in, out);
  std::ifstream text(out);
  const auto number = [&] {
    double x = 0.0;
    if (!(text >> x)) throw std::runtime_error("Simbody's answer ends early");
    return x;
  };
  const int motions = axis_motions(tree);
  for (SimbodyAnswer& answer : answers) {
    answer.X_GB.resize(tree.bodies.size());
    answer.reaction.assign(tree.bodies.size(), Spatial::Zero());
    for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) answer.X_GB[b].R(i, j) = number();
      for (int i = 0; i < 3; ++i) answer.X_GB[b].p[i] = number();
    }
    VecX tau(motions);
    MatX M(motions, motions);
    answer.axis_acceleration.resize(motions);
    for (double& x : tau) x = number();
    for (double& x : M.reshaped()) x = number();
    for (double& x : answer.axis_acceleration) x = number();
    for (std::size_t b = 1; b < tree.bodies.size(); ++b)
      for (double& x : answer.reaction[b]) x = number();
    answer.tau = answer.T.transpose() * tau;
    answer.M = answer.T.transpose() * M * answer.T;
  }
  return answers;
}

/// Least mean times [us] of Simbody's inverse dynamics, forward dynamics and mass matrix, the faster of two ways to build
/// the tree: axes as mobilizers of their own, and joints as mobilizers of functions as OpenSim has them.
inline std::array<double, 3> simbody_times(const Tree& tree, const Vec3& gravity, const Posture& posture) {
  const TempFolder folder;
  const std::string in = folder / "tree.txt", out = folder / "times.txt";
  std::vector<SimbodyAnswer> answers;
  write_for_simbody(in, tree, gravity, {posture}, answers);
  run_simbody(in, out, "time");
  std::ifstream text(out);
  std::array<double, 3> best{1e30, 1e30, 1e30};
  double x = 0.0, motions = 0.0;
  for (int way = 0; way < 2; ++way) {
    for (double& least : best) text >> x, least = std::min(least, x);
    text >> motions;
  }
  return best;
}

}  // namespace psoas::test
