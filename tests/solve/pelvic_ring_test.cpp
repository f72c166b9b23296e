// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/pelvic_ring.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "psoas/solve/inverse.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "support/full_body.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// An instant of standing, a little askew, at rest or in motion.
struct Frame {
  std::vector<double> q, u, udot;
};

Frame standing(const Model& model, double speed = 0.0) {
  Frame frame{model.data().default_coordinates, {}, {}};
  const auto set = [&](const char* name, double value_deg) {
    frame.q[at(model.coordinate(name))] = degrees(value_deg);
  };
  set("pelvis_tilt", -4), set("pelvis_list", 2), set("hip_flexion_r", 8), set("hip_flexion_l", 4);
  set("knee_angle_r", 6), set("knee_angle_l", 9), set("lumbar_extension", -5), set("lumbar_bending", 3);
  for (std::size_t c = 0; c < frame.q.size(); ++c) {
    frame.u.push_back(speed * std::sin(1.0 + static_cast<double>(c)));
    frame.udot.push_back(4.0 * speed * std::cos(2.0 * static_cast<double>(c)));
  }
  return frame;
}

/// Force of the hip bone on the sacrum, in the pelvis.
Vec3 force(const RingJointSpec& joint, const RingJointLoad& load, bool mirror) {
  Vec3 normal = joint.normal.normalized();
  if (mirror) normal.z() = -normal.z();
  const Vec3 superior = (Vec3::UnitY() - normal.y() * normal).normalized();
  Vec3 anterior = superior.cross(normal);
  if (anterior.x() < 0.0) anterior = -anterior;
  return -load.normal * normal + load.superior_shear * superior + load.anterior_shear * anterior;
}

TEST(PelvicRing, TheSacroiliacJointsCarryWhatIsAboveThemWithoutMuscles) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  const Frame frame = standing(model);
  solver.net(frame.q, frame.u, frame.udot);
  const std::vector<double> no_contact(solver.contact_force().size(), 0.0), no_muscle(at(model.muscles()), 0.0);
  solver.loads_with(no_contact, no_muscle);
  const PelvicRingSpec& spec = *model.spec().pelvic_ring;
  const PelvicRing& ring = *solver.pelvic_ring();
  // Newton on the sacrum, from masses alone: trunk, head and arms, its share of the pelvis, and of what the ground holds
  // the pelvis with
  double above = 0.0;
  const int trunk = model.body("L5");
  for (int b = trunk; b < model.tree().bodies[at(trunk)].subtree_end; ++b) above += model.tree().bodies[at(b)].mass;
  const double pelvis = model.tree().bodies[at(model.body("pelvis"))].mass;
  const Vec3 g = model.spec().gravity;
  const Vec3 held = -model.data().mass * g;
  const Vec3 expected = -(above * g + spec.sacral_share * (pelvis * g + held));
  const Mat3& R = solver.work().tree.X_GB[at(model.body("pelvis"))].R;
  const Vec3 found =
      R * (force(spec.sacroiliac, ring.sacroiliac(0), false) + force(spec.sacroiliac, ring.sacroiliac(1), true));
  EXPECT_LT((found - expected).norm(), 1e-9 * held.norm()) << found.transpose() << " for " << expected.transpose();
}

TEST(PelvicRing, EachBoneIsInEquilibriumUnderAllThatPullsOnIt) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  const Frame frame = standing(model, 0.4);
  solver.net(frame.q, frame.u, frame.udot);
  solver.solve({1.0, 1.0});
  ASSERT_TRUE(solver.converged());
  // two bones are solved for; the third is left with nothing only if every muscle, joint, contact and weight was counted
  EXPECT_LT(solver.pelvic_ring()->imbalance(), 1e-8);
}

TEST(PelvicRing, SpringsMoveAsTheirStiffnessSays) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  const Frame frame = standing(model, 0.4);
  solver.net(frame.q, frame.u, frame.udot);
  solver.solve({1.0, 1.0});
  const PelvicRingSpec& spec = *model.spec().pelvic_ring;
  for (int j = 0; j < 3; ++j) {
    const RingJointSpec& joint = j == 2 ? spec.symphysis : spec.sacroiliac;
    const RingJointLoad& load = j == 2 ? solver.pelvic_ring()->symphysis() : solver.pelvic_ring()->sacroiliac(j);
    const double sign = j == 2 ? -1.0 : 1.0;
    Vec3 f = j == 2 ? force(joint, load, false) : force(joint, load, j == 1);
    if (j == 2) f += 2.0 * load.normal * joint.normal.normalized();  // the left presses the right pubis to the right
    // all moved to where the stiffness holds, and turned into its axes
    Vec3 center = joint.center, place = joint.stiffness_center.value_or(joint.center);
    if (j == 1) center.z() = -center.z(), place.z() = -place.z();
    const Mat3 axes = rotation_about(Vec3::UnitZ(), degrees(joint.stiffness_tilt_deg)).transpose();
    const Vec3 moment = axes * (load.moment + (center - place).cross(f)), along = axes * f;
    const Vec3 turned = axes * load.rotation, moved = axes * (load.translation + load.rotation.cross(place - center));
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(sign * along[i], joint.translational_stiffness[i] * moved[i], 1e-8 * (1.0 + f.norm())) << j << i;
      EXPECT_NEAR(sign * moment[i], joint.rotational_stiffness[i] * turned[i], 1e-8 * (1.0 + load.moment.norm()))
          << j << i;
    }
  }
}

TEST(PelvicRing, OneSideIsTheOtherInTheMirror) {
  const Model model(full_body());
  std::array<std::array<double, 8>, 2> found;
  for (const bool mirror : {false, true}) {
    InverseSolver solver(model, {});
    Frame frame = standing(model);
    const std::vector<double> asked = frame.q;
    const auto& names = model.data().coordinate_names;
    if (mirror)
      for (std::size_t c = 0; c < names.size(); ++c) {
        std::string name = names[c];
        double sign = 1.0;
        if (name.ends_with("_r"))
          name.back() = 'l';
        else if (name.ends_with("_l"))
          name.back() = 'r';
        else if (name != "pelvis_tilt" && name != "pelvis_tx" && name != "pelvis_ty" && name != "lumbar_extension")
          sign = -1.0;
        frame.q[c] = sign * asked[at(model.coordinate(name))];
      }
    solver.net(frame.q, frame.u, frame.udot);
    solver.solve({1.0, 0.0});
    const PelvicRing& ring = *solver.pelvic_ring();
    const RingJointLoad &one = ring.sacroiliac(mirror ? 1 : 0), &other = ring.sacroiliac(mirror ? 0 : 1);
    found[mirror ? 1 : 0] = {one.normal,   one.superior_shear, one.anterior_shear,      one.nutation(),
                             other.normal, other.shear,        ring.symphysis().normal, ring.symphysis().shear};
  }
  for (std::size_t i = 0; i < found[0].size(); ++i)
    EXPECT_NEAR(found[0][i], found[1][i], 1e-7 * (1.0 + std::abs(found[0][i]))) << i;
}

TEST(PelvicRing, WhatPullsBetweenOneHipBoneAndItsThighDoesNotLoadIt) {
  // the hip joint gives back all that an iliacus does to its hip bone; a psoas, which pulls on the spine, loads the joints
  const Model model(full_body());
  InverseSolver solver(model, {});
  const Frame frame = standing(model);
  solver.net(frame.q, frame.u, frame.udot);
  const std::vector<double> no_contact(solver.contact_force().size(), 0.0);
  const auto normal_force = [&](const char* group, double tension) {
    std::vector<double> pull(at(model.muscles()), 0.0);
    for (const int m : model.select(group)) pull[at(m)] = tension;
    solver.loads_with(no_contact, pull);
    return Eigen::Vector2d(solver.pelvic_ring()->sacroiliac(0).normal, solver.pelvic_ring()->sacroiliac(1).normal);
  };
  const Eigen::Vector2d without = normal_force("group:iliacus_r", 0.0);
  EXPECT_LT((normal_force("group:iliacus_r", 200.0) - without).norm(), 1e-9 * without.norm());
  EXPECT_GT((normal_force("group:psoas_r", 20.0) - without).norm(), 1.0);
}

TEST(PelvicRing, SaysWhatIsWrongWithIt) {
  const auto refused = [](auto change) {
    ModelSpec spec = full_body();
    change(*spec.pelvic_ring);
    return error_of([&] { Model{spec}; });
  };
  EXPECT_NE(refused([](PelvicRingSpec& s) { s.body = "pelvs"; }).find("/pelvic_ring/body"), std::string::npos);
  EXPECT_NE(refused([](PelvicRingSpec& s) { s.body = "L5"; }).find("carries on ground"), std::string::npos);
  EXPECT_NE(refused([](PelvicRingSpec& s) { s.sacral_muscles.push_back("nobody"); }).find("/sacral_muscles/8"),
            std::string::npos);
  EXPECT_NE(refused([](PelvicRingSpec& s) {
              s.sacroiliac.translational_stiffness.x() = -1.0;
            }).find("/pelvic_ring/sacroiliac/translational_stiffness"),
            std::string::npos);
  EXPECT_NE(refused([](PelvicRingSpec& s) { s.symphysis.normal.setZero(); }).find("/pelvic_ring/symphysis"),
            std::string::npos);
  // on no side: LTpT_T9_r lies on the middle plane
  EXPECT_NE(refused([](PelvicRingSpec& s) { s.sacral_muscles.clear(); }).find("/muscles/LTpT_T9_r"), std::string::npos);
  ModelSpec none = full_body();
  none.pelvic_ring.reset();
  EXPECT_THROW(PelvicRing{Model(none)}, Error);
}

}  // namespace
}  // namespace psoas::test
