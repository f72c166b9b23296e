// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Mechanics that the loads of an instant must obey, found by other routes than the solver's: virtual slides and path
// lengths, cases solved by hand, mirrors.
#include "psoas/solve/inverse.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "support/full_body.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Coordinates, speeds and accelerations of an instant.
struct Frame {
  std::vector<double> q, u, udot;
};

enum class Posture { seated, rising, standing };

/// A posture of the whole body, a little askew, in brisk motion.
Frame frame_of(const Model& model, Posture posture) {
  Frame frame{model.data().default_coordinates, {}, {}};
  const auto set = [&](const char* name, double value_deg) {
    frame.q[at(model.coordinate(name))] = degrees(value_deg);
  };
  const auto both = [&](const std::string& name, double right_deg, double left_deg) {
    set((name + "_r").c_str(), right_deg);
    set((name + "_l").c_str(), left_deg);
  };
  switch (posture) {
    case Posture::seated:
      set("pelvis_tilt", -12), both("hip_flexion", 93, 90), both("knee_angle", 98, 95), both("ankle_angle", 20, 17),
          set("lumbar_extension", -33);
      break;
    case Posture::rising:
      set("pelvis_tilt", -20), both("hip_flexion", 62, 58), both("knee_angle", 63, 60), both("ankle_angle", 19, 20),
          set("lumbar_extension", -18);
      break;
    case Posture::standing:
      set("pelvis_tilt", -4), both("hip_flexion", 8, 4), both("knee_angle", 6, 9), both("ankle_angle", 3, 4),
          set("lumbar_extension", -5);
      break;
  }
  set("pelvis_list", 2), set("pelvis_rotation", -3), set("lumbar_bending", 4), set("lumbar_rotation", -5);
  both("hip_adduction", -5, -7), both("hip_rotation", -3, 4), both("arm_flex", 30, 40), both("elbow_flex", 70, 60);
  for (int c = 0; c < model.coordinates(); ++c) {
    frame.u.push_back(0.8 * std::sin(1.0 + c));
    frame.udot.push_back(2.5 * std::cos(2.0 + 3.0 * c));
  }
  return frame;
}

const std::vector<Posture> postures = {Posture::seated, Posture::rising, Posture::standing};

void net(InverseSolver& solver, const Frame& frame) { solver.net(frame.q, frame.u, frame.udot); }

/// The external wrenches of a solver's contact forces.
std::vector<Spatial> external_wrenches(const InverseSolver& solver) {
  const ModelData& data = solver.model().data();
  std::vector<Spatial> out(data.tree.bodies.size(), Spatial::Zero());
  for (std::size_t k = 0; k < data.contacts.size(); ++k)
    out[at(data.contacts[k].body)] += wrench_at<double>(
        solver.contact_point(static_cast<int>(k)),
        Vec3(solver.contact_force()[3 * k], solver.contact_force()[3 * k + 1], solver.contact_force()[3 * k + 2]));
  return out;
}

// ---- loads by virtual slides

/// A model whose joint may also be pulled apart along three axes fixed in the parent: coordinates slide_x, slide_y,
/// slide_z after all others.
Model with_slides(const ModelSpec& original, const std::string& joint_name, const Mat3& axes_in_parent) {
  ModelSpec spec = original;
  JointSpec& joint = *spec.joints.find(joint_name);
  Custom& custom = std::get<Custom>(joint.motion);
  EXPECT_TRUE(custom.translations.empty());
  const Mat3 to_joint = rotation_xyz(joint.parent_frame.orientation).transpose();
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::string("slide_") + "xyz"[i];
    spec.coordinates[name].motion = "translation";
    AxisSpec axis;
    axis.axis = to_joint * axes_in_parent.col(i);
    axis.coordinate = name;
    custom.translations.push_back(axis);
  }
  return Model(spec);
}

/// -dl/dq of every muscle over the independent coordinate c, from path lengths alone.
std::vector<double> arms_by_differences(const Model& model, Workspace& work, std::vector<double> q, int c) {
  const std::vector<double> rest(q.size(), 0.0);
  const auto lengths = [&](double x) {
    q[at(c)] += x;
    evaluate(model, q, rest, work, Depth::position);
    q[at(c)] -= x;
    return work.length;
  };
  // the differences of two steps, extrapolated to none
  const double h = 2e-5;
  const std::vector<double> a = lengths(-2 * h), b = lengths(-h), c1 = lengths(h), d = lengths(2 * h);
  std::vector<double> out(a.size());
  for (std::size_t m = 0; m < a.size(); ++m) out[m] = -(8.0 * (c1[m] - b[m]) - (d[m] - a[m])) / (12.0 * h);
  return out;
}

/// Force of a joint's parent on its child along three axes of the parent, at a solved instant: what the motion needs of
/// the slides less what muscles do along them.
Vec3 joint_force_by_slides(const InverseSolver& solver, const Frame& frame, const std::string& joint,
                           const Mat3& axes_in_parent) {
  const Model model = with_slides(solver.model().spec(), joint, axes_in_parent);
  Frame longer = frame;
  for (auto* x : {&longer.q, &longer.u, &longer.udot}) x->resize(at(model.coordinates()), 0.0);
  Workspace work(model);
  std::vector<double> a(at(model.tree().coordinates())), tau(a.size());
  evaluate(model, longer.q, longer.u, work, Depth::velocity);
  couple_accelerations(model, longer.u, longer.udot, work, a);
  inverse_dynamics<double>(model.tree(), a, model.spec().gravity, external_wrenches(solver), work.tree, tau);
  Vec3 force;
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::string("slide_") + "xyz"[i];
    force[i] = tau[at(model.tree_coordinate(name))];
    const std::vector<double> arms = arms_by_differences(model, work, longer.q, model.coordinate(name));
    for (std::size_t m = 0; m < arms.size(); ++m) force[i] -= arms[m] * solver.tendon_force()[m];
  }
  return force;
}

TEST(InverseLoads, levels_equal_the_forces_of_virtual_slides) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  for (const Posture posture : postures) {
    const Frame frame = frame_of(model, posture);
    net(solver, frame);
    solver.solve({1.0, posture == Posture::seated ? 0.5 : 0.0});
    for (std::size_t k = 0; k < model.data().levels.size(); ++k) {
      const auto& [name, level] = *(model.spec().lumbar->levels.begin() + static_cast<std::ptrdiff_t>(k));
      const Mat3 plate = rotation_about(Vec3::UnitZ(), degrees(level.endplate_angle_deg));
      const Vec3 on_inferior = -joint_force_by_slides(solver, frame, level.joint, plate);
      const LevelLoad& load = solver.level(static_cast<int>(k));
      const double size = on_inferior.norm();
      EXPECT_GT(size, 100.0);
      EXPECT_NEAR(load.anterior_shear, on_inferior.x(), 1e-6 * size)
          << name << " posture " << static_cast<int>(posture);
      EXPECT_NEAR(load.compression, -on_inferior.y(), 1e-6 * size) << name << " posture " << static_cast<int>(posture);
      EXPECT_NEAR(load.lateral_shear, on_inferior.z(), 1e-6 * size) << name << " posture " << static_cast<int>(posture);
    }
  }
}

TEST(InverseLoads, hip_contact_force_equals_that_of_virtual_slides) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  for (const Posture posture : postures) {
    const Frame frame = frame_of(model, posture);
    net(solver, frame);
    solver.solve({1.0, posture == Posture::seated ? 0.5 : 0.0});
    for (std::size_t h = 0; h < model.data().hips.size(); ++h) {
      const auto& [side, joint] = *(model.spec().hips.begin() + static_cast<std::ptrdiff_t>(h));
      const Vec3 in_pelvis = joint_force_by_slides(solver, frame, joint, Mat3::Identity());
      const int pelvis = model.tree().bodies[at(model.data().hips[h].second)].parent;
      const Vec3 force = solver.work().tree.X_GB[at(pelvis)].R * in_pelvis;
      EXPECT_NEAR((solver.hip_force(static_cast<int>(h)) - force).norm(), 0.0, 1e-6 * force.norm())
          << side << " posture " << static_cast<int>(posture);
    }
  }
}

TEST(InverseLoads, net_moments_of_levels_are_moments_of_the_bodies_above) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  const Frame frame = frame_of(model, Posture::rising);
  net(solver, frame);
  // Newton and Euler body by body about the joint centre: no recursion.
  const Tree& tree = model.tree();
  const TreeWork<double>& work = solver.work().tree;
  std::vector<Vec3> expected;
  for (const Level& level : model.data().levels) {
    const TreeBody& superior = tree.bodies[at(level.superior)];
    const Vec3 center = work.X_GB[at(superior.parent)] * superior.X_PF.p;
    Vec3 moment = Vec3::Zero();
    for (int b = level.superior; b < superior.subtree_end; ++b) {
      const Vec3 c = work.mass_center[at(b)], w = work.velocity[at(b)].head<3>(),
                 alpha = work.acceleration[at(b)].head<3>();
      const Vec3 c_dot = work.velocity[at(b)].tail<3>() + w.cross(c);
      const Vec3 force = tree.bodies[at(b)].mass *
                         (work.acceleration[at(b)].tail<3>() + alpha.cross(c) + w.cross(c_dot) - model.spec().gravity);
      const Mat3& R = work.X_GB[at(b)].R;
      const Mat3 inertia = R * tree.bodies[at(b)].inertia * R.transpose();
      const Vec3 spin = inertia * w, turned = inertia * alpha;
      moment += (c - center).cross(force) + turned + w.cross(spin);
    }
    EXPECT_NEAR((solver.subtree_moment(level.superior, center) - moment).norm(), 0.0, 1e-9 * moment.norm());
    expected.push_back(moment);
  }
  solver.solve({1.0, 0.0});
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const Level& level = model.data().levels[k];
    const Mat3 R = work.X_GB[at(level.inferior)].R * rotation_about(Vec3::UnitZ(), level.endplate_angle);
    const Vec3 moment = R.transpose() * expected[k];
    const LevelLoad& load = solver.level(static_cast<int>(k));
    EXPECT_NEAR(load.net_moment_bending, moment.x(), 1e-9 * moment.norm());
    EXPECT_NEAR(load.net_moment_axial, moment.y(), 1e-9 * moment.norm());
    EXPECT_NEAR(load.net_moment, moment.z(), 1e-9 * moment.norm());
    const Vec3 again =
        solver.subtree_moment(level.superior, work.X_GB[at(level.inferior)] * tree.bodies[at(level.superior)].X_PF.p);
    EXPECT_NEAR((again - expected[k]).norm(), 0.0, 1e-9 * moment.norm()) << "after solve()";
  }
}

TEST(InverseLoads, a_fascicle_loads_no_level_above_its_origin) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  net(solver, frame_of(model, Posture::standing));
  int fascicles = 0;
  for (const int m : model.select("group:psoas")) {
    const int origin = model.data().paths[at(m)].points.front().body;
    double below = 0.0;
    for (std::size_t k = 0; k < model.data().levels.size(); ++k) {
      const Vec3 unit = solver.unit_load(m, static_cast<int>(k));
      if (model.data().levels[k].superior > origin)
        EXPECT_EQ(unit.norm(), 0.0) << model.data().muscle_names[at(m)] << " at " << model.data().levels[k].name;
      else
        below = std::max(below, unit.norm());
    }
    EXPECT_NEAR(below, 1.0, 1e-12) << model.data().muscle_names[at(m)];
    ++fascicles;
  }
  EXPECT_EQ(fascicles, 24);
}

TEST(InverseLoads, unit_loads_add_up_to_the_muscles_part) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  net(solver, frame_of(model, Posture::rising));
  solver.solve({1.0, 0.0});
  for (int k = 0; k < static_cast<int>(model.data().levels.size()); ++k) {
    const LevelLoad& load = solver.level(k);
    Vec3 sum(load.net_anterior_shear, load.net_compression, load.net_lateral_shear);
    for (int m = 0; m < model.muscles(); ++m) sum += solver.unit_load(m, k) * solver.tendon_force()[at(m)];
    EXPECT_NEAR((sum - Vec3(load.anterior_shear, load.compression, load.lateral_shear)).norm(), 0.0, 1e-9 * sum.norm());
  }
}

// ---- equilibrium by path lengths

TEST(InverseEquilibrium, muscles_passive_elements_and_reserves_give_each_moment) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  for (const Posture posture : postures) {
    const Frame frame = frame_of(model, posture);
    net(solver, frame);
    solver.solve({1.0, posture == Posture::seated ? 0.5 : 0.0});
    EXPECT_LE(solver.residual(), 1e-8);
    Workspace work(model);
    for (std::size_t r = 0; r < solver.equations().size(); ++r) {
      const Equation& equation = solver.equations()[r];
      const auto& names = model.data().coordinate_names;
      if (std::find(names.begin(), names.end(), equation.name) == names.end()) continue;
      const int c = model.coordinate(equation.name);
      const std::vector<double> arms = arms_by_differences(model, work, frame.q, c);
      double sum = solver.reserve()[r];
      for (std::size_t m = 0; m < arms.size(); ++m) sum += arms[m] * solver.tendon_force()[m];
      for (const PassiveTorque& torque : model.data().passive)
        if (model.data().couplings[at(torque.coordinate)].source == c)
          sum += torque.at(frame.q[at(c)], frame.u[at(c)]).force;
      EXPECT_NEAR(sum, solver.joint_moment(c), 1e-5 * std::max(1.0, std::abs(solver.joint_moment(c)))) << equation.name;
    }
  }
}

TEST(InverseEquilibrium, holds_at_every_level) {
  // The rhythm taken apart: each level's rotations are coordinates of their own, and the abdomen follows their sum.
  const Model model(full_body());
  ModelSpec spec = full_body();
  spec.lumbar.reset();
  spec.domain.clear();  // of coordinates that go
  for (auto& [name, coordinate] : spec.coordinates)
    if (coordinate.coupled_to && name.rfind("knee", 0) != 0) coordinate.coupled_to.reset();
  spec.coordinates.erase_if(
      [](const std::string& name, const CoordinateSpec&) { return name.rfind("lumbar_", 0) == 0; });
  const Model apart(spec);
  InverseSolver solver(model, {});
  for (const Posture posture : postures) {
    const Frame frame = frame_of(model, posture);
    net(solver, frame);
    solver.solve({1.0, 0.0});
    std::vector<double> q(at(apart.coordinates())), tau(at(model.tree().coordinates())), a(tau.size());
    Workspace original(model), work(apart);
    evaluate(model, frame.q, frame.u, original, Depth::velocity);
    couple_accelerations(model, frame.u, frame.udot, original, a);
    inverse_dynamics<double>(model.tree(), a, model.spec().gravity, external_wrenches(solver), original.tree, tau);
    for (int c = 0; c < apart.coordinates(); ++c) {
      const std::string& name = apart.data().coordinate_names[at(c)];
      q[at(c)] = original.q[at(model.tree_coordinate(name))];
    }
    const std::vector<double> abdomen = arms_by_differences(apart, work, q, apart.coordinate("abdomen_extension"));
    const double slope =
        std::get<Linear>(full_body().coordinates.find("abdomen_extension")->coupled_to->function).slope;
    int levels = 0;
    for (std::size_t r = 0; r < solver.equations().size(); ++r) {
      const std::string& name = solver.equations()[r].name;
      if (name.find("_L") == std::string::npos && name.find("_S1") == std::string::npos) continue;
      ++levels;
      const bool extension = name.find("extension") != std::string::npos;
      const std::vector<double> arms = arms_by_differences(apart, work, q, apart.coordinate(name));
      const int t = model.tree_coordinate(name);
      double sum = solver.reserve()[r];
      for (std::size_t m = 0; m < arms.size(); ++m)
        sum += (arms[m] + (extension ? slope * abdomen[m] : 0.0)) * solver.tendon_force()[m];
      for (const PassiveTorque& torque : model.data().passive)
        if (torque.coordinate == t) sum += torque.at(original.q[at(t)], 0.0).force;
      EXPECT_NEAR(sum, tau[at(t)], 1e-5 * std::max(1.0, std::abs(tau[at(t)])))
          << name << " posture " << static_cast<int>(posture);
    }
    EXPECT_EQ(levels, 18);
  }
}

TEST(InverseEquilibrium, contacts_carry_mass_times_acceleration_less_gravity) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  const double weight = model.data().mass * model.spec().gravity.norm();
  for (const Posture posture : postures) {
    const Frame frame = frame_of(model, posture);
    net(solver, frame);
    solver.solve({1.0, 0.0});
    Vec3 sum = Vec3::Zero();
    for (std::size_t k = 0; k < model.data().contacts.size(); ++k)
      for (int i = 0; i < 3; ++i) sum[i] += solver.contact_force()[3 * k + at(i)];
    // what contacts cannot carry stands in the root's own equations
    for (std::size_t r = 0; r < solver.equations().size(); ++r)
      for (int i = 0; i < 3; ++i)
        if (solver.equations()[r].name == std::string("pelvis_t") + "xyz"[i]) sum[i] += solver.reserve()[r];
    const Vec3 needed = model.data().mass * (solver.mass_center_acceleration() - model.spec().gravity);
    EXPECT_NEAR((sum - needed).norm(), 0.0, 1e-9 * weight);

    // the mass centre's acceleration from positions alone
    Workspace work(model);
    const auto center = [&](double t) {
      std::vector<double> q = frame.q;
      for (std::size_t c = 0; c < q.size(); ++c) q[c] += t * (frame.u[c] + 0.5 * t * frame.udot[c]);
      evaluate(model, q, frame.u, work, Depth::position);
      Vec3 p = Vec3::Zero();
      for (std::size_t b = 1; b < model.tree().bodies.size(); ++b)
        p += model.tree().bodies[b].mass / model.data().mass * work.tree.mass_center[b];
      return p;
    };
    const double h = 2e-3;
    const Vec3 acceleration =
        (16.0 * (center(h) + center(-h)) - (center(2 * h) + center(-2 * h)) - 30.0 * center(0)) / (12.0 * h * h);
    EXPECT_NEAR((acceleration - solver.mass_center_acceleration()).norm(), 0.0, 1e-7);
  }
}

TEST(InverseEquilibrium, contacts_push_within_their_caps_and_friction) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  const double weight = model.data().mass * standard_gravity;
  for (const Posture posture : postures) {
    const double seat = posture == Posture::seated ? 0.5 : 0.0;
    net(solver, frame_of(model, posture));
    solver.solve({1.0, seat});
    for (std::size_t k = 0; k < model.data().contacts.size(); ++k) {
      const ContactPoint& contact = model.data().contacts[k];
      const Vec3 force(solver.contact_force()[3 * k], solver.contact_force()[3 * k + 1],
                       solver.contact_force()[3 * k + 2]);
      const double cap = contact.cap * weight * (contact.seat ? seat : 1.0);
      EXPECT_GE(force.y(), 0.0);
      EXPECT_LE(force.y(), cap * (1.0 + 1e-12));
      EXPECT_LE(std::max(std::abs(force.x()), std::abs(force.z())), contact.friction * force.y() + 1e-9 * weight);
    }
  }
}

TEST(InverseEquilibrium, contacts_leave_nothing_where_they_can_carry_all) {
  // At rest with the mass centre above the feet: no shortfall, to a millionth of body weight.
  const Model model(full_body());
  InverseSolver solver(model, {});
  Frame frame = frame_of(model, Posture::standing);
  std::fill(frame.u.begin(), frame.u.end(), 0.0);
  std::fill(frame.udot.begin(), frame.udot.end(), 0.0);
  const double weight = model.data().mass * standard_gravity;
  for (const double tilt_deg : {-4.0, -8.0, -12.0}) {
    frame.q[at(model.coordinate("pelvis_tilt"))] = degrees(tilt_deg);
    net(solver, frame);
    double back = inf, front = -inf;
    for (std::size_t k = 0; k < model.data().contacts.size(); ++k) {
      if (model.data().contacts[k].seat) continue;
      back = std::min(back, solver.contact_point(static_cast<int>(k)).x());
      front = std::max(front, solver.contact_point(static_cast<int>(k)).x());
    }
    const double center = solver.mass_center().x();
    if (center < back + 0.02 || center > front - 0.02) continue;
    solver.solve({1.0, 0.0});
    for (std::size_t r = 0; r < solver.equations().size(); ++r)
      if (solver.equations()[r].root) {
        EXPECT_NEAR(solver.reserve()[r], 0.0, 1e-6 * weight) << solver.equations()[r].name << " at " << tilt_deg;
      }
    return;
  }
  FAIL() << "no posture stands above its feet";
}

// ---- solved by hand

void add_body(ModelSpec& spec, const std::string& name, double mass, const Vec3& mass_center = Vec3::Zero()) {
  spec.bodies[name].mass = mass;
  spec.bodies[name].mass_center = mass_center;
}

JointSpec joint_between(const std::string& parent, const std::string& child, const Vec3& where, const Joint& motion) {
  JointSpec joint;
  joint.parent = parent;
  joint.child = child;
  joint.parent_frame.translation = where;
  joint.motion = motion;
  return joint;
}

/// A pelvis fixed in ground with one vertebra on it and a thigh below, the level at the pelvis' origin.
ModelSpec one_level(double endplate_angle_deg, double mass) {
  ModelSpec spec;
  add_body(spec, "pelvis", 0.0);
  add_body(spec, "L5", mass, {0.01, 0.3, -0.02});
  add_body(spec, "femur_r", 0.0);
  spec.joints["ground_pelvis"] = joint_between("ground", "pelvis", Vec3::Zero(), Weld{});
  Custom rotations;
  const std::vector<Vec3> axes = {Vec3::UnitZ(), Vec3::UnitX(), Vec3::UnitY()};
  LumbarSpec lumbar;
  lumbar.extension = "extension", lumbar.bending = "bending", lumbar.rotation = "rotation";
  std::size_t i = 0;
  for (const char* name : {"extension", "bending", "rotation"}) {
    spec.coordinates[name];
    AxisSpec axis;
    axis.axis = axes[i++];
    axis.coordinate = "L5_S1_" + std::string(name);
    spec.coordinates[*axis.coordinate].coupled_to = CouplerSpec{name, Linear{}};
    rotations.rotations.push_back(axis);
  }
  spec.joints["L5_S1"] = joint_between("pelvis", "L5", Vec3::Zero(), rotations);
  lumbar.levels["L5_S1"] = {"L5_S1", endplate_angle_deg};
  spec.lumbar = lumbar;
  Pin hip;
  hip.coordinate = "hip_flexion_r";
  spec.coordinates["hip_flexion_r"];
  spec.joints["hip_r"] = joint_between("pelvis", "femur_r", {0.0, -0.1, 0.0}, hip);
  spec.hips["r"] = "hip_r";
  return spec;
}

MuscleSpec muscle_of(const std::vector<std::pair<std::string, Vec3>>& path) {
  MuscleSpec muscle;
  for (const auto& [body, location] : path) {
    PointSpec point;
    point.body = body;
    point.location = location;
    muscle.path.push_back(point);
  }
  muscle.max_isometric_force = 1000.0;
  muscle.optimal_fibre_length = 0.1;
  muscle.tendon_slack_length = 0.02;
  return muscle;
}

TEST(InverseByHand, weight_on_an_incline) {
  const double mass = 30.0, weight = mass * standard_gravity, tilt = degrees(40);
  const Model model(one_level(-40.0, mass));
  InverseSolver solver(model, {});
  const std::vector<double> zero(at(model.coordinates()), 0.0);
  solver.net(zero, zero, zero);
  solver.loads_with({}, {});
  EXPECT_NEAR(solver.level(0).anterior_shear, weight * std::sin(tilt), 1e-9);
  EXPECT_NEAR(solver.level(0).compression, weight * std::cos(tilt), 1e-9);
  EXPECT_NEAR(solver.level(0).lateral_shear, 0.0, 1e-9);
  EXPECT_NEAR(solver.level(0).net_anterior_shear, weight * std::sin(tilt), 1e-9);
  EXPECT_NEAR(solver.level(0).net_compression, weight * std::cos(tilt), 1e-9);
  // the weight's lever arms: 10 mm in front of the joint, 20 mm to its left
  EXPECT_NEAR(solver.level(0).net_moment, 0.01 * weight, 1e-9);
  EXPECT_NEAR(std::hypot(solver.level(0).net_moment_bending, solver.level(0).net_moment_axial), 0.02 * weight, 1e-9);
}

TEST(InverseByHand, weight_without_muscles_is_all_reserve) {
  const Model model(one_level(-40.0, 30.0));
  InverseSolver solver(model, {});
  const std::vector<double> zero(at(model.coordinates()), 0.0);
  solver.net(zero, zero, zero);
  solver.solve({});
  EXPECT_TRUE(solver.converged());
  bool found = false;
  for (std::size_t r = 0; r < solver.equations().size(); ++r)
    if (solver.equations()[r].name == "L5_S1_extension") {
      EXPECT_NEAR(solver.reserve()[r], 0.01 * 30.0 * standard_gravity, 1e-9);
      found = true;
    }
  EXPECT_TRUE(found);
}

TEST(InverseByHand, a_muscle_over_a_brim) {
  // From the vertebra down a 3-4-5 slope to a point of the brim, then back to the thigh along another.
  ModelSpec spec = one_level(-40.0, 0.0);
  const Vec3 origin(0.02, 0.03, 0.0), brim(0.05, -0.01, 0.0), insertion(0.01, -0.13 + 0.09, 0.0);
  spec.muscles["psoas_r"] = muscle_of({{"L5", origin}, {"pelvis", brim}, {"femur_r", insertion + Vec3(0.0, 0.1, 0.0)}});
  const Model model(spec);
  InverseSolver solver(model, {});
  const std::vector<double> zero(at(model.coordinates()), 0.0), tension{100.0};
  solver.net(zero, zero, zero);
  solver.loads_with({}, tension);
  const double c = std::cos(degrees(40)), s = std::sin(degrees(40));
  EXPECT_NEAR(solver.level(0).compression, 80.0 * c - 60.0 * s, 1e-9);
  EXPECT_NEAR(solver.level(0).anterior_shear, 60.0 * c + 80.0 * s, 1e-9);
  EXPECT_NEAR(solver.level(0).lateral_shear, 0.0, 1e-9);
  EXPECT_NEAR(solver.level(0).net_compression, 0.0, 1e-9);
  EXPECT_NEAR((solver.unit_load(0, 0) - Vec3(0.6 * c + 0.8 * s, 0.8 * c - 0.6 * s, 0.0)).norm(), 0.0, 1e-12);
  // the brim pulls the thigh towards itself, so the pelvis pushes it back along the same line
  const Vec3 along = (insertion - brim).normalized();
  EXPECT_NEAR((solver.hip_force(0) - 100.0 * along).norm(), 0.0, 1e-9);
  EXPECT_NEAR(moment_arm(model, solver.work(), 0, model.coordinate("hip_flexion_r")),
              (insertion - Vec3(0, -0.1, 0)).cross(-along).z(), 1e-12);
}

TEST(InverseByHand, a_muscle_over_a_round_brim) {
  // Straight down to the front of a cylinder, a quarter turn round its lower front, then straight back.
  ModelSpec spec = one_level(-40.0, 0.0);
  const double r = 0.05;
  spec.surfaces["brim"].body = "pelvis";
  spec.surfaces["brim"].shape = Cylinder{};
  std::get<Cylinder>(spec.surfaces["brim"].shape).radius = r;
  MuscleSpec muscle = muscle_of({{"L5", Vec3(r, 0.03, 0.0)}, {"femur_r", Vec3(-0.03, 0.1 - r, 0.0)}});
  WrapSpec wrap;
  wrap.surface = "brim";
  muscle.wraps.push_back(wrap);
  spec.muscles["psoas_r"] = muscle;
  const Model model(spec);
  InverseSolver solver(model, {});
  const std::vector<double> zero(at(model.coordinates()), 0.0), tension{100.0};
  solver.net(zero, zero, zero);
  EXPECT_NEAR(solver.work().length[0], 0.03 + 0.5 * pi * r + 0.03, 1e-12);
  solver.loads_with({}, tension);
  EXPECT_NEAR(solver.level(0).compression, 100.0 * std::cos(degrees(40)), 1e-8);
  EXPECT_NEAR(solver.level(0).anterior_shear, 100.0 * std::sin(degrees(40)), 1e-8);
  EXPECT_NEAR((solver.hip_force(0) - Vec3(-100.0, 0.0, 0.0)).norm(), 0.0, 1e-8);
}

TEST(InverseByHand, pendulum) {
  ModelSpec spec;
  const double mass = 3.0, length = 0.7;
  add_body(spec, "bob", mass, {0.0, -length, 0.0});
  Pin pin;
  pin.coordinate = "angle";
  spec.coordinates["angle"];
  spec.joints["pivot"] = joint_between("ground", "bob", {0.2, 1.0, -0.3}, pin);
  const Model model(spec);
  InverseSolver solver(model, {});
  for (const double angle : {-2.0, -0.3, 0.0, 0.4, 1.2}) {
    const double speed = 1.7, acceleration = -2.3;
    solver.net({{angle}}, {{speed}}, {{acceleration}});
    solver.loads_with({}, {});
    EXPECT_NEAR(solver.joint_moment(0), mass * length * (length * acceleration + standard_gravity * std::sin(angle)),
                1e-12);
    const Vec3 out(std::sin(angle), -std::cos(angle), 0.0), tangent(std::cos(angle), std::sin(angle), 0.0);
    const Vec3 expected =
        mass * (length * (acceleration * tangent - speed * speed * out) + Vec3(0, standard_gravity, 0));
    EXPECT_NEAR((solver.required_wrench().tail<3>() - expected).norm(), 0.0, 1e-12);
  }
}

// ---- the solver as a machine

/// All that an instant says, in one list.
std::vector<double> everything(const InverseSolver& solver) {
  std::vector<double> out;
  const auto add = [&](auto&& numbers) { out.insert(out.end(), numbers.begin(), numbers.end()); };
  add(solver.activation());
  add(solver.tendon_force());
  add(solver.reserve());
  add(solver.contact_force());
  for (int c = 0; c < solver.model().coordinates(); ++c) out.push_back(solver.joint_moment(c));
  for (int k = 0; k < static_cast<int>(solver.model().data().levels.size()); ++k) {
    const LevelLoad& l = solver.level(k);
    add(std::vector<double>{l.compression, l.anterior_shear, l.lateral_shear, l.net_moment, l.net_moment_bending,
                            l.net_moment_axial, l.net_compression, l.net_anterior_shear, l.net_lateral_shear});
  }
  for (int h = 0; h < static_cast<int>(solver.model().data().hips.size()); ++h) add(solver.hip_force(h));
  return out;
}

TEST(InverseSolver, frames_in_any_order_give_the_same_bits) {
  const Model model(full_body());
  const auto solved = [&](InverseSolver& solver, Posture posture) {
    net(solver, frame_of(model, posture));
    solver.solve({1.0, posture == Posture::seated ? 0.5 : 0.0});
    return everything(solver);
  };
  InverseSolver forward(model, {}), backward(model, {});
  std::vector<std::vector<double>> first;
  for (const Posture posture : postures) first.push_back(solved(forward, posture));
  for (std::size_t i = postures.size(); i-- > 0;) EXPECT_EQ(solved(backward, postures[i]), first[i]);
  // a second solution of one instant, by any call, starts from the same
  const std::vector<double> contacts(forward.contact_force().begin(), forward.contact_force().end());
  forward.solve({1.0, 0.0});
  EXPECT_EQ(everything(forward), first.back());
  forward.solve_with(contacts);
  const std::vector<double> given = everything(forward);
  forward.solve({1.0, 0.0});
  forward.solve_with(contacts);
  EXPECT_EQ(everything(forward), given);
  forward.loads_with(contacts, std::vector<double>(forward.tendon_force().begin(), forward.tendon_force().end()));
  EXPECT_EQ(everything(forward), given);
}

TEST(InverseSolver, a_start_from_a_posture_nearby_gives_the_same_solution_sooner) {
  const Model model(full_body());
  for (const double power : {2.0, 3.0}) {
    InverseSolver solver(model, {.power = power});
    EXPECT_TRUE(solver.multiplier().empty());
    Frame frame = frame_of(model, Posture::rising);
    net(solver, frame);
    solver.solve({1.0, 0.0});
    const std::vector<double> start(solver.multiplier().begin(), solver.multiplier().end());
    ASSERT_EQ(start.size(), solver.equations().size());
    for (const char* name : {"hip_flexion_r", "knee_angle_r", "lumbar_extension"})
      frame.q[at(model.coordinate(name))] += degrees(1.0);
    net(solver, frame);
    const auto same = [&](const std::vector<double>& warm, const std::vector<double>& cold) {
      if (power == 2.0) EXPECT_EQ(warm, cold);  // to the last bit
      for (std::size_t i = 0; i < cold.size(); ++i)
        EXPECT_NEAR(warm[i], cold[i], 1e-7 * std::max(1.0, std::abs(cold[i]))) << "power " << power << ", number " << i;
    };

    solver.solve({1.0, 0.0});
    const int cold_steps = solver.iterations();
    const std::vector<double> cold = everything(solver);
    solver.solve({1.0, 0.0}, start);
    EXPECT_TRUE(solver.converged());
    EXPECT_LT(solver.iterations(), cold_steps);
    const std::vector<double> warm = everything(solver);
    same(warm, cold);
    // equal starts, equal bits, whatever was solved in between; its own multipliers may be the start
    solver.solve({1.0, 0.0}, solver.multiplier());
    EXPECT_LE(solver.iterations(), 2);
    same(everything(solver), cold);
    solver.solve({1.0, 0.0}, start);
    EXPECT_EQ(everything(solver), warm);
    solver.solve({1.0, 0.0});
    EXPECT_EQ(everything(solver), cold);

    const std::vector<double> contacts(solver.contact_force().begin(), solver.contact_force().end());
    solver.solve_with(contacts);
    const int given_steps = solver.iterations();
    const std::vector<double> given = everything(solver);
    solver.solve_with(contacts, start);
    EXPECT_LT(solver.iterations(), given_steps);
    same(everything(solver), given);
    solver.solve_with(contacts, std::vector<double>(3, 1.0));  // no start of this problem
    EXPECT_EQ(everything(solver), given);
  }
}

TEST(InverseSolver, RowsThatAreTakenChangeNoBit) {
  const Model model(full_body());
  const Model other = model.with(
      {scale("group:iliopsoas", "max_isometric_force", 0.6), scale("group:iliopsoas", "optimal_fibre_length", 0.9)});
  const Frame rising = frame_of(model, Posture::rising), standing = frame_of(model, Posture::standing);
  InverseSolver first(model, {}), fresh(other, {}), taking(other, {});
  const ContactCaps caps{1.0, 0.4};
  first.net(rising.q, rising.u, rising.udot);
  first.solve(caps);
  std::vector<double> rows(first.rows_size(true));
  first.keep_rows(rows);
  const auto expect_same = [&](const std::string& what) {
    const auto same = [](std::span<const double> a, std::span<const double> b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end());
    };
    EXPECT_TRUE(fresh.converged()) << what;
    EXPECT_TRUE(same(taking.activation(), fresh.activation())) << what;
    EXPECT_TRUE(same(taking.contact_force(), fresh.contact_force())) << what;
    EXPECT_TRUE(same(taking.reserve(), fresh.reserve())) << what;
    EXPECT_EQ(taking.level(0).compression, fresh.level(0).compression) << what;
  };
  for (InverseSolver* solver : {&fresh, &taking}) {
    if (solver == &taking) solver->take_rows(rows);
    solver->net(rising.q, rising.u, rising.udot);
    solver->solve(caps);
  }
  expect_same("same caps");
  for (InverseSolver* solver : {&fresh, &taking}) solver->solve({0.8, 0.0});
  expect_same("other caps");
  const std::vector<double> forces(fresh.contact_force().begin(), fresh.contact_force().end());
  std::span<double> arms(rows.data(), first.rows_size(false));
  for (InverseSolver* solver : {&fresh, &taking}) {
    if (solver == &taking) solver->take_rows(arms);
    solver->net(rising.q, rising.u, rising.udot);
    solver->solve_with(forces);
  }
  expect_same("forces given");
  for (InverseSolver* solver : {&fresh, &taking}) {
    solver->net(standing.q, standing.u, standing.udot);
    solver->solve({1.0, 0.0});
  }
  expect_same("another posture");
}

TEST(InverseSolver, given_contact_forces_give_the_same_muscles) {
  // The contacts that were found, given back: the problem of the muscles has the same answer where contacts carry all.
  const Model model(full_body());
  InverseSolver solver(model, {});
  Frame frame = frame_of(model, Posture::standing);
  std::fill(frame.u.begin(), frame.u.end(), 0.0);
  std::fill(frame.udot.begin(), frame.udot.end(), 0.0);
  net(solver, frame);
  solver.solve({1.0, 0.0});
  const std::vector<double> before(solver.activation().begin(), solver.activation().end());
  const std::vector<double> contacts(solver.contact_force().begin(), solver.contact_force().end());
  solver.solve_with(contacts);
  for (std::size_t m = 0; m < before.size(); ++m)
    EXPECT_NEAR(solver.activation()[m], before[m], 1e-6) << model.data().muscle_names[m];
}

TEST(InverseSolver, no_allocation_after_it_is_made) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const Model model(full_body());
  InverseSolver solver(model, {});
  std::vector<Frame> frames;
  for (const Posture posture : postures) frames.push_back(frame_of(model, posture));
  net(solver, frames[0]);
  solver.solve({1.0, 0.0});
  std::vector<double> contacts(solver.contact_force().begin(), solver.contact_force().end());
  std::vector<double> tension(solver.tendon_force().begin(), solver.tendon_force().end());
  solver.solve_with(contacts);
  for (const Frame& frame : frames) {
    std::size_t before = heap_allocations();
    net(solver, frame);
    EXPECT_EQ(heap_allocations() - before, 0u) << "net()";
    before = heap_allocations();
    solver.solve({1.0, 0.5});
    EXPECT_EQ(heap_allocations() - before, 0u) << "solve()";
    before = heap_allocations();
    solver.solve_with(contacts);
    EXPECT_EQ(heap_allocations() - before, 0u) << "solve_with()";
    before = heap_allocations();
    solver.solve({1.0, 0.5}, solver.multiplier());
    EXPECT_EQ(heap_allocations() - before, 0u) << "solve() from a start";
    before = heap_allocations();
    solver.loads_with(contacts, tension);
    EXPECT_EQ(heap_allocations() - before, 0u) << "loads_with()";
  }
}

TEST(InverseSolver, options_out_of_range_are_refused) {
  const Model model(full_body());
  InverseOptions options;
  options.power = 1.2;
  EXPECT_EQ(place_of([&] { const InverseSolver solver(model, options); }).first, "input");
  options.power = 2.0;
  options.weight = "mass";
  EXPECT_NE(error_of([&] { const InverseSolver solver(model, options); }).find("found \"mass\""), std::string::npos);
}

// ---- mirror

/// The name on the other side.
std::string mirrored_name(std::string name) {
  if (name.size() > 2 && (name.ends_with("_r") || name.ends_with("_l"))) name.back() = name.back() == 'r' ? 'l' : 'r';
  return name;
}

/// -1 for a coordinate that a mirror turns round.
double mirrored_sign(const std::string& name) {
  for (const char* odd : {"pelvis_list", "pelvis_rotation", "pelvis_tz"})
    if (name == odd) return -1.0;
  return name.ends_with("_bending") || name.ends_with("_rotation") ? -1.0 : 1.0;
}

/// The whole body of a person whose sides differ.
Model lopsided(double right, double left) {
  Subject subject;
  subject.mass = 80.0;
  for (const char* bone : {"femur", "tibia", "humerus"}) {
    subject.scale[std::string(bone) + "_r"] = Vec3::Constant(right);
    subject.scale[std::string(bone) + "_l"] = Vec3::Constant(left);
  }
  subject.scale["pelvis"] = {1.1, 1.1, 1.3};
  std::vector<Problem> problems;
  const ModelSpec spec = scaled(full_body(), subject, "/subject", problems);
  EXPECT_TRUE(problems.empty());
  return Model(spec);
}

TEST(InverseMirror, mirrored_motion_and_sides_give_the_mirrored_result) {
  const Model model = lopsided(1.06, 1.02), image = lopsided(1.02, 1.06);
  InverseSolver solver(model, {}), other(image, {});
  for (const Posture posture : postures) {
    const Frame frame = frame_of(model, posture);
    Frame turned = frame;
    for (int c = 0; c < model.coordinates(); ++c) {
      const std::string& name = model.data().coordinate_names[at(c)];
      const std::size_t to = at(image.coordinate(mirrored_name(name)));
      turned.q[to] = mirrored_sign(name) * frame.q[at(c)];
      turned.u[to] = mirrored_sign(name) * frame.u[at(c)];
      turned.udot[to] = mirrored_sign(name) * frame.udot[at(c)];
    }
    const ContactCaps caps{1.0, posture == Posture::seated ? 0.5 : 0.0};
    net(solver, frame);
    solver.solve(caps);
    net(other, turned);
    other.solve(caps);
    ASSERT_TRUE(solver.converged());
    ASSERT_TRUE(other.converged());
    const double weight = model.data().mass * standard_gravity;
    for (int m = 0; m < model.muscles(); ++m) {
      const std::string& name = model.data().muscle_names[at(m)];
      EXPECT_NEAR(other.activation()[at(image.muscle(mirrored_name(name)))], solver.activation()[at(m)], 1e-9) << name;
    }
    for (std::size_t r = 0; r < solver.equations().size(); ++r) {
      const std::string& name = solver.equations()[r].name;
      for (std::size_t s = 0; s < other.equations().size(); ++s) {
        if (other.equations()[s].name != mirrored_name(name)) continue;
        EXPECT_NEAR(other.reserve()[s], mirrored_sign(name) * solver.reserve()[r], 1e-9 * weight) << name;
      }
    }
    for (int c = 0; c < model.coordinates(); ++c) {
      const std::string& name = model.data().coordinate_names[at(c)];
      EXPECT_NEAR(other.joint_moment(image.coordinate(mirrored_name(name))),
                  mirrored_sign(name) * solver.joint_moment(c), 1e-9 * weight)
          << name;
    }
    for (std::size_t k = 0; k < model.data().levels.size(); ++k) {
      const LevelLoad &a = solver.level(static_cast<int>(k)), &b = other.level(static_cast<int>(k));
      EXPECT_NEAR(b.compression, a.compression, 1e-9 * weight);
      EXPECT_NEAR(b.anterior_shear, a.anterior_shear, 1e-9 * weight);
      EXPECT_NEAR(b.lateral_shear, -a.lateral_shear, 1e-9 * weight);
      EXPECT_NEAR(b.net_moment, a.net_moment, 1e-9 * weight);
      EXPECT_NEAR(b.net_moment_bending, -a.net_moment_bending, 1e-9 * weight);
      EXPECT_NEAR(b.net_moment_axial, -a.net_moment_axial, 1e-9 * weight);
    }
    const Vec3 flip(1.0, 1.0, -1.0);
    for (const int h : {0, 1})
      EXPECT_NEAR((other.hip_force(1 - h) - flip.cwiseProduct(solver.hip_force(h))).norm(), 0.0, 1e-9 * weight);
    std::size_t k = 0;
    for (const auto& [name, contact] : model.spec().contacts) {
      const std::size_t j = at(image.spec().contacts.index(mirrored_name(name)));
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_NEAR(other.contact_force()[3 * j + i],
                    flip[static_cast<Eigen::Index>(i)] * solver.contact_force()[3 * k + i], 1e-9 * weight)
            << name;
      ++k;
    }
  }
}

TEST(InverseMirror, a_symmetric_instant_gives_symmetric_forces) {
  const Model model(full_body());
  InverseSolver solver(model, {});
  Frame frame{model.data().default_coordinates, std::vector<double>(at(model.coordinates())),
              std::vector<double>(at(model.coordinates()))};
  for (const char* side : {"_r", "_l"}) {
    frame.q[at(model.coordinate("hip_flexion" + std::string(side)))] = degrees(70);
    frame.q[at(model.coordinate("knee_angle" + std::string(side)))] = degrees(80);
    frame.q[at(model.coordinate("ankle_angle" + std::string(side)))] = degrees(20);
  }
  frame.q[at(model.coordinate("pelvis_tilt"))] = degrees(-15);
  frame.q[at(model.coordinate("lumbar_extension"))] = degrees(-20);
  net(solver, frame);
  solver.solve({1.0, 0.0});
  for (int m = 0; m < model.muscles(); ++m) {
    const std::string& name = model.data().muscle_names[at(m)];
    EXPECT_NEAR(solver.activation()[at(model.muscle(mirrored_name(name)))], solver.activation()[at(m)], 1e-9) << name;
  }
  EXPECT_NEAR(solver.hip_force(0).norm(), solver.hip_force(1).norm(), 1e-9 * solver.hip_force(0).norm());
  for (int k = 0; k < 6; ++k) EXPECT_NEAR(solver.level(k).lateral_shear, 0.0, 1e-9 * solver.level(k).compression);
}

}  // namespace
}  // namespace psoas::test
