// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the sacroiliac joints and the symphysis carry, and how little they move, at an instant whose loads are known.
//   PelvicRing ring(model);   ring.solve(loads);   ring.sacroiliac(0).shear;
//
// The pelvis is one rigid body of the model; here it is sacrum and two hip bones on linear springs, in equilibrium under
// what joints, muscles, contacts, weight and inertia exert on each. Displacements are small (below 3 degrees), so they
// change no load on the ring, and dynamics are those of the rigid pelvis. No force closure, friction or slack: a spring
// pulls as it pushes. The pelvic floor and its load are not in the model.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "psoas/model/model.hpp"

namespace psoas {

/// A joint of the ring. Forces are of the hip bone on the sacrum; of the symphysis: of the left on the right pubis.
struct RingJointLoad {
  double normal = 0.0;          ///< presses the surfaces together + [N]
  double shear = 0.0;           ///< size of the force in the surface [N]
  double superior_shear = 0.0;  ///< its part up along the surface, in the pelvis [N]
  double anterior_shear = 0.0;  ///< its part at right angles to that, forward + [N]
  Vec3 moment{0, 0, 0};         ///< about the joint's centre, pelvis axes [N m]
  Vec3 translation{0, 0, 0};    ///< of the hip bone past the sacrum (right past left pubis) there, pelvis axes [m]
  Vec3 rotation{0, 0, 0};       ///< the same, a small rotation vector [rad]
  /// Rotation of the sacrum in the hip bone about the pelvis's z axis, its base forward + [rad].
  double nutation() const { return rotation.z(); }
};

/// What acts on the pelvis at an instant, per body of the tree and about ground's origin in ground [N m, N], but for
/// muscles' tensions [N] and forces on contact points (three a contact, ground axes [N]).
struct RingLoads {
  const Workspace* work = nullptr;  ///< its poses and the wrenches of unit tension
  std::span<const Spatial>
      joint_wrench;  ///< of a parent on a body and all that it carries, as if there were no muscles
  std::span<const Spatial> muscle_wrench;  ///< of all muscles on a body and all that it carries
  std::span<const double> tendon_force, contact_force;
};

/// Allocates when made, never after. One per thread.
class PelvicRing {
 public:
  /// Throws Error(model) where the model has no pelvic_ring.
  explicit PelvicRing(const Model& model);

  void solve(const RingLoads& loads);

  const RingJointLoad& sacroiliac(int side) const {
    return joints_[static_cast<std::size_t>(side)];
  }  ///< 0 right, 1 left
  const RingJointLoad& symphysis() const { return joints_[2]; }
  /// What the springs leave of the equilibrium of the sacrum, which is solved by the other two bones' [N m or N].
  double imbalance() const { return imbalance_; }

 private:
  enum Part : int { right, left, sacrum };
  using Mat6 = Eigen::Matrix<double, 6, 6>;
  struct Pull {
    std::size_t wrench;  // in Workspace::wrench
    int muscle, part;
  };
  struct Joint {
    Vec3 center, normal, superior, anterior;
  };

  int body_;
  double share_;
  std::array<Joint, 3> geometry_;
  std::array<Mat6, 3> stiffness_;  // of a displacement of the pelvis's frame (rotation, translation)
  Eigen::Matrix<double, 12, 12> compliance_;
  std::vector<Pull> pulls_;
  std::vector<std::pair<int, int>> carried_, touched_;  // body or contact, and the part that it is on
  std::vector<Vec3> contact_location_;
  std::array<RingJointLoad, 3> joints_;
  double imbalance_ = 0.0;
};

}  // namespace psoas
