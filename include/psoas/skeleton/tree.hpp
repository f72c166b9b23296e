// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A tree of rigid bodies and its mechanics: poses, velocities, inverse and forward dynamics, reaction wrenches.
//   TreeWork<double> work(tree);   positions(tree, q, work);   velocities(tree, u, work);
//   inverse_dynamics(tree, a, gravity, external, work, tau);
// All spatial quantities are expressed in ground about ground's origin, so wrenches and inertias of several bodies are
// simply added. Algorithms: Featherstone (2008), Rigid Body Dynamics Algorithms, chapters 5 to 7.
#pragma once

#include <span>
#include <vector>

#include "psoas/core/function.hpp"
#include "psoas/core/pose.hpp"

namespace psoas {

/// One elementary motion inside a joint: along or about `direction`, by the function of one coordinate of the tree.
struct TreeAxis {
  bool rotation = true;
  Vec3 direction{0, 0, 1};  ///< unit vector in the frame that the joint's earlier axes have moved [-]
  int coordinate = -1;      ///< index of the tree's coordinate; -1: constant
  PiecewisePolynomial function;
  /// One of three rotations in a row, about x, y and z by a coordinate each, that act at once: the coordinates are a
  /// rotation vector (rotation_vector.hpp).
  bool vector = false;
};

/// A body with the joint that carries it. Bodies stand in depth-first order, so a subtree is a range of indices.
struct TreeBody {
  int parent = -1;                                ///< index of the parent; ground is 0 and has none
  int subtree_end = 0;                            ///< one past the last body of this body's subtree
  Pose X_PF;                                      ///< joint frame fixed in the parent
  Pose X_MB;                                      ///< this body's frame in the joint frame that moves with it
  int first_axis = 0, last_axis = 0;              ///< axes of the joint: [first, last)
  int first_coordinate = 0, last_coordinate = 0;  ///< the joint's coordinates: [first, last)
  double mass = 0.0;                              ///< [kg]
  Vec3 mass_center{0, 0, 0};                      ///< in the body frame [m]
  Mat3 inertia = Mat3::Zero();                    ///< about the mass centre, in body axes [kg m^2]
};

/// The immutable structure. `bodies[0]` is ground.
struct Tree {
  std::vector<TreeBody> bodies;
  std::vector<TreeAxis> axes;
  std::vector<int> coordinate_body;  ///< the body whose joint has this coordinate

  int coordinates() const { return static_cast<int>(coordinate_body.size()); }
};

/// What is simple about a tree's axes and frames, found once and not at every pose.
struct TreePlan {
  struct Axis {
    char about = 'd';  ///< x, y, z: a rotation about that axis; d: about any direction; t: a translation; v: a vector
    bool line = false;
    double offset = 0.0, slope = 0.0;  ///< of a line
    int frame = -1;                    ///< index of a rotation vector's frame
  };
  struct Body {
    bool turned_in_parent = true, turned_in_joint = true, shifted_in_joint = true;
  };
  std::vector<Axis> axes;
  std::vector<Body> bodies;
  int frames = 0;  ///< rotation vectors

  TreePlan() = default;
  explicit TreePlan(const Tree& tree);
};

/// Mass and its first and second moments about ground's origin, in ground: all of a rigid body's inertia. The second
/// moments are the inertia matrix; of this symmetric matrix the lower triangle counts.
template <class S>
struct RigidInertia {
  S mass = S(0.0);                     ///< [kg]
  Vec3T<S> first = Vec3T<S>::Zero();   ///< mass times place of the mass centre [kg m]
  Mat3T<S> second = Mat3T<S>::Zero();  ///< [kg m^2]

  RigidInertia& operator+=(const RigidInertia& other) {
    mass += other.mass;
    first += other.first;
    second += other.second;
    return *this;
  }
};

/// Scratch and results, sized for one tree; nothing below allocates once it is made. Masses of the tree may change
/// afterwards; joints, frames and axes may not.
template <class S>
struct TreeWork {
  TreeWork() = default;
  explicit TreeWork(const Tree& tree);

  // after positions()
  std::vector<PoseT<S>> X_GB;         ///< pose of each body in ground
  std::vector<SpatialT<S>> motion;    ///< per coordinate: velocity of its subtree per unit of its speed
  std::vector<SpatialT<S>> axis;      ///< per axis: unit motion
  std::vector<Jet2<S>> displacement;  ///< per axis: value, slope, curvature
  std::vector<Vec3T<S>> mass_center;  ///< per body, in ground [m]
  // after velocities()
  std::vector<SpatialT<S>> velocity;  ///< per body
  std::vector<SpatialT<S>> bias;      ///< per body: acceleration over its joint at zero coordinate acceleration
  // after inverse_dynamics() or forward_dynamics()
  std::vector<SpatialT<S>> acceleration;  ///< per body, without gravity
  std::vector<SpatialT<S>> joint_wrench;  ///< per body: what its joint exerts on it (reaction of parent on child)
  // inside
  std::vector<RigidInertia<S>> rigid;           // per body, in ground; of its whole subtree after mass_matrix()
  std::vector<Eigen::Matrix<S, 6, 6>> inertia;  // articulated, per body
  std::vector<SpatialT<S>> force;               // per body
  std::vector<SpatialT<S>> force_axis;          // per coordinate
  std::vector<S> drive, pivot;                  // per coordinate
  std::vector<PoseT<S>> vector_frame;           // per rotation vector: the frame in which it is given, in ground
  TreePlan plan;
};

/// Poses, motion axes and mass centres at coordinates q [rad, m] (size tree.coordinates()).
template <class S>
void positions(const Tree& tree, std::span<const S> q, TreeWork<S>& work);

/// Velocities at speeds u [rad/s, m/s]; needs positions() of the same pose.
template <class S>
void velocities(const Tree& tree, std::span<const S> u, TreeWork<S>& work);

/// Recursive Newton-Euler: generalised forces tau [N m, N] that produce accelerations a [rad/s^2, m/s^2] under gravity
/// [m/s^2, in ground] and external wrenches (one per body, about ground's origin; empty: none). Fills joint_wrench.
template <class S>
void inverse_dynamics(const Tree& tree, std::span<const S> a, const Vec3& gravity,
                      std::span<const SpatialT<S>> external, TreeWork<S>& work, std::span<S> tau);

/// Composite-rigid-body mass matrix, column-major n x n, symmetric [kg m^2, kg m, kg]; needs positions().
template <class S>
void mass_matrix(const Tree& tree, TreeWork<S>& work, std::span<S> M);

/// Articulated-body algorithm: accelerations a under generalised forces tau. The tree's coordinates must be independent
/// (a model with couplers solves the projected mass matrix instead). Fills acceleration and joint_wrench. No number
/// where a coordinate moves no mass.
template <class S>
void forward_dynamics(const Tree& tree, std::span<const S> tau, const Vec3& gravity,
                      std::span<const SpatialT<S>> external, TreeWork<S>& work, std::span<S> a);

/// The rate at which wrench `w` does work on motion `v`; for a unit wrench and motion axis a generalised force.
template <class S>
S power(const SpatialT<S>& w, const SpatialT<S>& v) {
  return w[0] * v[0] + w[1] * v[1] + w[2] * v[2] + w[3] * v[3] + w[4] * v[4] + w[5] * v[5];
}

}  // namespace psoas
