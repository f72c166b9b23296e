// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/pelvic_ring.hpp"

#include <algorithm>

#include "psoas/core/error.hpp"
#include "psoas/core/factor.hpp"
#include "psoas/core/units.hpp"
#include "psoas/model/edit.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

Mat3 cross_matrix(const Vec3& a) {
  Mat3 out;
  out << 0, -a.z(), a.y(), a.z(), 0, -a.x(), -a.y(), a.x(), 0;
  return out;
}

Vec3 mirrored(const Vec3& a) { return {a.x(), a.y(), -a.z()}; }

/// Stiffness of a joint over a displacement (rotation, translation) of a frame at the body's origin.
Eigen::Matrix<double, 6, 6> stiffness_of(const RingJointSpec& joint, bool mirror) {
  // axes that only turn about z are their own mirror image
  const Mat3 axes = rotation_about(Vec3::UnitZ(), degrees(joint.stiffness_tilt_deg)).transpose();
  const Vec3 center = joint.stiffness_center.value_or(joint.center);
  Eigen::Matrix<double, 6, 6> strain = Eigen::Matrix<double, 6, 6>::Zero();
  strain.topLeftCorner<3, 3>() = axes;
  strain.bottomRightCorner<3, 3>() = axes;
  strain.bottomLeftCorner<3, 3>() = -axes * cross_matrix(mirror ? mirrored(center) : center);
  Eigen::Matrix<double, 6, 1> springs;
  springs << joint.rotational_stiffness, joint.translational_stiffness;
  return strain.transpose() * springs.asDiagonal() * strain;
}

}  // namespace

PelvicRing::PelvicRing(const Model& model) {
  const ModelData& data = model.data();
  if (!data.spec.pelvic_ring)
    throw Error(Kind::model, "/pelvic_ring", "expected sacroiliac joints and a symphysis; the model has none");
  const PelvicRingSpec& spec = *data.spec.pelvic_ring;
  body_ = model.body(spec.body);
  share_ = spec.sacral_share;

  for (int j = 0; j < 3; ++j) {
    const RingJointSpec& joint = j == 2 ? spec.symphysis : spec.sacroiliac;
    Joint& out = geometry_[at(j)];
    out.center = j == left ? mirrored(joint.center) : joint.center;
    out.normal = (j == left ? mirrored(joint.normal) : joint.normal).normalized();
    out.superior = (Vec3::UnitY() - out.normal.y() * out.normal).normalized();
    out.anterior = out.superior.cross(out.normal);
    if (out.anterior.x() < 0.0) out.anterior = -out.anterior;
    stiffness_[at(j)] = stiffness_of(joint, j == left);
  }
  Eigen::Matrix<double, 12, 12> whole = Eigen::Matrix<double, 12, 12>::Zero();
  whole.topLeftCorner<6, 6>() = stiffness_[right] + stiffness_[2];
  whole.bottomRightCorner<6, 6>() = stiffness_[left] + stiffness_[2];
  whole.topRightCorner<6, 6>() = -stiffness_[2];
  whole.bottomLeftCorner<6, 6>() = -stiffness_[2];
  compliance_ = whole.llt().solve(Eigen::Matrix<double, 12, 12>::Identity());

  std::vector<char> sacral(data.muscle_names.size(), 0);
  for (const std::string& selection : spec.sacral_muscles)
    for (const std::string& name : select_muscles(data.spec, selection)) sacral[at(model.muscle(name))] = 1;
  for (std::size_t m = 0; m < data.paths.size(); ++m) {
    const Path& path = data.paths[m];
    const auto& points = (data.spec.muscles.begin() + static_cast<std::ptrdiff_t>(m))->second.path;
    for (std::size_t k = 0; k < path.bodies.size(); ++k) {
      if (path.bodies[k] != body_) continue;
      const auto own =
          std::find_if(points.begin(), points.end(), [&](const PointSpec& point) { return point.body == spec.body; });
      // a path may touch the pelvis by a surface alone: then its first point tells the side
      const double z = (own == points.end() ? points.front() : *own).location.z();
      pulls_.push_back({at(data.wrench_start[m]) + k, static_cast<int>(m),
                        sacral[m] ? sacrum
                        : z > 0.0 ? right
                                  : left});
    }
  }
  for (std::size_t b = 1; b < data.tree.bodies.size(); ++b) {
    if (data.tree.bodies[b].parent != body_) continue;
    const double z = data.tree.bodies[b].X_PF.p.z();
    carried_.emplace_back(static_cast<int>(b), z == 0.0 ? sacrum : z > 0.0 ? right : left);
  }
  for (std::size_t k = 0; k < data.contacts.size(); ++k) {
    if (data.contacts[k].body != body_) continue;
    const double z = data.contacts[k].location.z();
    touched_.emplace_back(static_cast<int>(k), z == 0.0 ? sacrum : z > 0.0 ? right : left);
    contact_location_.push_back(data.contacts[k].location);
  }
}

void PelvicRing::solve(const RingLoads& loads) {
  const Workspace& work = *loads.work;
  const Pose& X = work.tree.X_GB[at(body_)];
  std::array<Spatial, 3> on;
  for (Spatial& wrench : on) wrench.setZero();
  // the body's weight and inertia, and at a root what nothing supplies: minus all that acts on it
  Spatial rest = -loads.muscle_wrench[at(body_)];
  for (const auto& [body, part] : carried_) {
    on[at(part)] -= loads.joint_wrench[at(body)] - loads.muscle_wrench[at(body)];
    rest += loads.joint_wrench[at(body)];
  }
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    const double* f = loads.contact_force.data() + 3 * touched_[i].first;
    const Spatial wrench = wrench_at<double>(X * contact_location_[i], Vec3(f[0], f[1], f[2]));
    on[at(touched_[i].second)] += wrench;
    rest -= wrench;
  }
  for (const Pull& pull : pulls_) on[at(pull.part)] += work.wrench[pull.wrench] * loads.tendon_force[at(pull.muscle)];
  on[sacrum] += share_ * rest;
  for (const int part : {right, left}) on[at(part)] += 0.5 * (1.0 - share_) * rest;

  // in the pelvis, about its origin
  for (Spatial& wrench : on) {
    const Vec3 force = wrench.tail<3>(), moment = wrench.head<3>() - X.p.cross(force);
    wrench.head<3>() = X.R.transpose() * moment;
    wrench.tail<3>() = X.R.transpose() * force;
  }
  Eigen::Matrix<double, 12, 1> both, moved;
  both << on[right], on[left];
  moved.noalias() = compliance_ * both;
  const Spatial displacement[] = {moved.head<6>(), moved.tail<6>(), moved.head<6>() - moved.tail<6>()};
  Spatial on_sacrum = on[sacrum];
  for (std::size_t j = 0; j < 3; ++j) {
    const Joint& joint = geometry_[j];
    const Spatial& x = displacement[j];
    // the spring pulls the sacrum after the hip bone, and the right pubis back to the left one
    const Spatial spring = (j == 2 ? -1.0 : 1.0) * (stiffness_[j] * x);
    if (j < 2) on_sacrum += spring;
    RingJointLoad& out = joints_[j];
    const Vec3 force = spring.tail<3>(), along = force.dot(joint.normal) * joint.normal, in_surface = force - along;
    out.normal = (j == 2 ? 1.0 : -1.0) * force.dot(joint.normal);
    out.shear = in_surface.norm();
    out.superior_shear = force.dot(joint.superior);
    out.anterior_shear = force.dot(joint.anterior);
    out.moment = spring.head<3>() - joint.center.cross(force);
    out.rotation = x.head<3>();
    out.translation = x.tail<3>() + out.rotation.cross(joint.center);
  }
  imbalance_ = on_sacrum.cwiseAbs().maxCoeff();
}

}  // namespace psoas
