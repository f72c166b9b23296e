// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A tree as a MuJoCo model: one hinge or slider per axis, a ball for a rotation vector. Where axes are functions of shared coordinates, q_m = f(q),
// MuJoCo's results are projected with the slopes T = df/dq: M = T^T M_m T, tau = T^T tau_m.
//   MujocoOracle oracle(tree, gravity);   oracle.set(q, u);   VecX tau = oracle.inverse(a);
// Needs PSOAS_HAVE_MUJOCO. MuJoCo diagonalises a full inertia to single precision only, so it gets a principal frame.
#pragma once

#include <mujoco/mujoco.h>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "psoas/skeleton/rotation_vector.hpp"
#include "support/random_tree.hpp"

namespace psoas::test {

/// An attribute of numbers.
template <class Vector>
std::string mjcf_numbers(const char* key, const Vector& v) {
  std::ostringstream out;
  out.precision(17);
  out << ' ' << key << "=\"";
  for (Eigen::Index i = 0; i < v.size(); ++i) out << (i ? " " : "") << v[i];
  out << '"';
  return out.str();
}
inline std::string mjcf_quaternion(const Mat3& R) {
  const Eigen::Quaterniond Q(R);
  return mjcf_numbers("quat", Eigen::Vector4d(Q.w(), Q.x(), Q.y(), Q.z()));
}

/// What else is in a model: elements of each body (ground first; empty: none) and sections after the bodies.
struct MjcfMore {
  std::vector<std::string> of_body;
  std::string sections;
};

/// The MJCF text of a tree. Body and joint names are their indices: b1, a0.
inline std::string mjcf(const Tree& tree, const Vec3& gravity, const MjcfMore& more = {}) {
  std::ostringstream out;
  out.precision(17);
  const auto numbers = [&](const char* key, const auto& v) { out << mjcf_numbers(key, v); };
  const auto quaternion = [&](const Mat3& R) { out << mjcf_quaternion(R); };
  out << "<mujoco><compiler angle=\"radian\" inertiafromgeom=\"false\"/><option";
  numbers("gravity", gravity);
  out << "/><size nconmax=\"0\" njmax=\"0\"/><worldbody>\n";
  if (!more.of_body.empty()) out << more.of_body[0];
  std::vector<int> open;  // bodies whose element is not closed yet
  for (int b = 1; b <= static_cast<int>(tree.bodies.size()); ++b) {
    while (!open.empty() && tree.bodies[at(open.back())].subtree_end <= b) out << "</body>\n", open.pop_back();
    if (b == static_cast<int>(tree.bodies.size())) break;
    const TreeBody& body = tree.bodies[at(b)];
    const Pose X_PB = body.X_PF * body.X_MB;  // with all axes at zero
    out << "<body name=\"b" << b << '"';
    numbers("pos", X_PB.p);
    quaternion(X_PB.R);
    out << ">\n";
    for (int i = body.first_axis; i < body.last_axis; ++i) {
      const TreeAxis& axis = tree.axes[at(i)];
      if (axis.vector) {
        out << "<joint name=\"a" << i << "\" type=\"ball\"";
        numbers("pos", body.X_MB.inverse().p);
        out << "/>\n";
        i += 2;
        continue;
      }
      out << "<joint name=\"a" << i << "\" type=\"" << (axis.rotation ? "hinge" : "slide") << '"';
      numbers("axis", Vec3(body.X_MB.R.transpose() * axis.direction));
      numbers("pos", body.X_MB.inverse().p);
      out << "/>\n";
    }
    if (body.mass > 0.0) {
      Eigen::SelfAdjointEigenSolver<Mat3> principal(body.inertia);
      Mat3 R = principal.eigenvectors();
      if (R.determinant() < 0) R.col(0) *= -1.0;
      out << "<inertial mass=\"" << body.mass << '"';
      numbers("pos", body.mass_center);
      quaternion(R);
      numbers("diaginertia", principal.eigenvalues());
      out << "/>\n";
    }
    if (!more.of_body.empty()) out << more.of_body[at(b)];
    open.push_back(b);
  }
  out << "</worldbody>" << more.sections << "</mujoco>\n";
  return out.str();
}

/// Loads MJCF text. Throws std::runtime_error with MuJoCo's message.
inline std::unique_ptr<mjModel, void (*)(mjModel*)> load_mjcf(const std::string& text) {
  const auto files = std::make_unique<mjVFS>();
  mj_defaultVFS(files.get());
  mj_makeEmptyFileVFS(files.get(), "tree.xml", static_cast<int>(text.size()));
  std::memcpy(files->filedata[mj_findFileVFS(files.get(), "tree.xml")], text.data(), text.size());
  char message[1000] = "";
  mjModel* model = mj_loadXML("tree.xml", files.get(), message, sizeof message);
  mj_deleteFileVFS(files.get(), "tree.xml");
  if (!model) throw std::runtime_error(message);
  return {model, mj_deleteModel};
}

class MujocoOracle {
 public:
  MujocoOracle(const Tree& tree, const Vec3& gravity, const MjcfMore& more = {})
      : tree_(tree),
        model_(load_mjcf(mjcf(tree, gravity, more))),
        data_(mj_makeData(model_.get()), mj_deleteData),
        T_(MatX::Zero(model_->nv, tree.coordinates())),
        drift_(VecX::Zero(model_->nv)) {
    if (model_->nv != static_cast<int>(tree.axes.size())) throw std::runtime_error("expected one joint an axis");
    for (int b = 1; b < static_cast<int>(tree.bodies.size()); ++b)
      body_.push_back(mj_name2id(model_.get(), mjOBJ_BODY, ("b" + std::to_string(b)).c_str()));
    for (int i = 0; i < model_->nv; ++i) {
      const int joint = mj_name2id(model_.get(), mjOBJ_JOINT, ("a" + std::to_string(i)).c_str());
      const bool ball = tree.axes[at(i)].vector;
      for (int k = 0; k < (ball ? 3 : 1); ++k) {
        position_.push_back(model_->jnt_qposadr[joint]);
        speed_.push_back(model_->jnt_dofadr[joint] + k);
      }
      i += ball ? 2 : 0;
    }
    for (int b = 1; b < static_cast<int>(tree.bodies.size()); ++b)
      axis_body_.resize(at(tree.bodies[at(b)].last_axis), b);
  }

  mjModel* model() { return model_.get(); }
  mjData* data() { return data_.get(); }

  /// MuJoCo's kinematics, inertias and velocities at coordinates q and speeds u.
  void set(const VecX& q, const VecX& u) {
    T_.setZero();
    for (std::size_t i = 0; i < tree_.axes.size(); ++i) {
      const TreeAxis& axis = tree_.axes[i];
      if (axis.vector) {
        set_ball(i, q.segment<3>(axis.coordinate), u.segment<3>(axis.coordinate));
        i += 2;
        continue;
      }
      const double x = axis.coordinate < 0 ? 0.0 : q[axis.coordinate];
      const double v = axis.coordinate < 0 ? 0.0 : u[axis.coordinate];
      const Jet2<double> jet = axis.function.jet(x);
      data_->qpos[position_[i]] = jet.value;
      data_->qvel[speed_[i]] = jet.slope * v;
      drift_[speed_[i]] = jet.curvature * v * v;
      if (axis.coordinate >= 0) T_(speed_[i], axis.coordinate) = jet.slope;
    }
    std::fill(data_->xfrc_applied, data_->xfrc_applied + 6 * model_->nbody, 0.0);
    mj_kinematics(model_.get(), data_.get());
    mj_comPos(model_.get(), data_.get());
    mj_crb(model_.get(), data_.get());
    mj_comVel(model_.get(), data_.get());
  }

  MatX mass() const {
    MatX M(model_->nv, model_->nv);
    mj_fullM(model_.get(), M.data(), data_->qM);  // symmetric, so the order of storage is all one
    return T_.transpose() * M * T_;
  }

  /// -dl/dq of a spatial tendon over the tree's coordinates; after mj_tendon().
  VecX moment_arms(int tendon) const {
    VecX J = VecX::Zero(model_->nv);
    if (mj_isSparse(model_.get())) {
      const int start = data_->ten_J_rowadr[tendon];
      for (int i = start; i < start + data_->ten_J_rownnz[tendon]; ++i) J[data_->ten_J_colind[i]] = data_->ten_J[i];
    } else {
      J = Eigen::Map<const VecX>(data_->ten_J + tendon * model_->nv, model_->nv);
    }
    return -(T_.transpose() * J);
  }

  /// Generalised forces for accelerations a; leaves MuJoCo's accelerations for reaction().
  VecX inverse(const VecX& a) {
    Eigen::Map<VecX>(data_->qacc, model_->nv) = T_ * a + drift_;
    VecX tau(model_->nv);
    mj_rne(model_.get(), data_.get(), 1, tau.data());
    return T_.transpose() * tau;
  }

  /// Accelerations by MuJoCo's mass matrix and bias.
  VecX forward(const VecX& tau) { return mass().llt().solve(tau - inverse(VecX::Zero(tau.size()))); }

  /// What the joint of a body exerts on it, about ground's origin; after inverse().
  std::vector<Spatial> reactions(const std::vector<Spatial>& external) {
    apply(external);
    mj_rnePostConstraint(model_.get(), data_.get());
    std::vector<Spatial> out(tree_.bodies.size(), Spatial::Zero());
    for (std::size_t b = 1; b < out.size(); ++b) {
      const int id = body_[b - 1];
      const Eigen::Map<const Spatial> wrench(data_->cfrc_int + 6 * id);  // about the mass centre of the whole tree
      const Eigen::Map<const Vec3> point(data_->subtree_com + 3 * model_->body_rootid[id]);
      out[b] = wrench_at<double>(point, wrench.tail<3>());
      out[b].head<3>() += wrench.head<3>();
    }
    return out;
  }

  /// Wrenches about ground's origin on the bodies, as MuJoCo wants them: force and moment at mass centres.
  void apply(const std::vector<Spatial>& external) {
    for (std::size_t b = 1; b < external.size(); ++b) {
      const int id = body_[b - 1];
      const Eigen::Map<const Vec3> point(data_->xipos + 3 * id);
      const Vec3 force = external[b].tail<3>();
      Eigen::Map<Spatial>(data_->xfrc_applied + 6 * id) << force, external[b].head<3>() - point.cross(force);
    }
  }

  Pose pose(int b) const {
    const int id = body_[at(b) - 1];
    Pose X;
    X.p = Eigen::Map<const Vec3>(data_->xpos + 3 * id);
    X.R = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(data_->xmat + 9 * id);
    return X;
  }

  /// Accelerations by mj_forward(), generalised forces and wrenches applied; every axis must have its own coordinate.
  VecX forward_whole(const VecX& tau, const std::vector<Spatial>& external) {
    apply(external);
    Eigen::Map<VecX>(data_->qfrc_applied, model_->nv) = T_ * tau;
    mj_forward(model_.get(), data_.get());
    return T_.transpose() * Eigen::Map<VecX>(data_->qacc, model_->nv);
  }

  /// Generalised forces by mj_inverse().
  VecX inverse_whole(const VecX& a) {
    Eigen::Map<VecX>(data_->qacc, model_->nv) = T_ * a;
    mj_inverse(model_.get(), data_.get());
    return T_.transpose() * Eigen::Map<VecX>(data_->qfrc_inverse, model_->nv);
  }

 private:
  /// A rotation vector and its speeds as MuJoCo's ball joint: a quaternion in the body's axes at rest, and the angular
  /// velocity in the body's axes, R^T J(r) u = J(-r) u turned.
  void set_ball(std::size_t i, const Vec3& r, const Vec3& u) {
    const TreeBody& body = tree_.bodies[at(axis_body_[i])];
    const Mat3 R_BM = body.X_MB.R.transpose();
    const Eigen::Vector4d quaternion = quaternion_of(R_BM * r);
    for (int k = 0; k < 4; ++k) data_->qpos[position_[i] + k] = quaternion[k];
    const RotationVector<double> back(-r);
    const Mat3 J = R_BM * back.jacobian();
    T_.block<3, 3>(speed_[i], tree_.axes[i].coordinate) = J;
    drift_.segment<3>(speed_[i]) = R_BM * back.jacobian_rate(-u, u);
    Eigen::Map<Vec3>(data_->qvel + speed_[i]) = J * u;
  }

  const Tree& tree_;
  std::unique_ptr<mjModel, void (*)(mjModel*)> model_;
  std::unique_ptr<mjData, void (*)(mjData*)> data_;
  std::vector<int> body_, position_, speed_;  // body ids; addresses of each axis in qpos and qvel
  std::vector<int> axis_body_;                // of each axis
  MatX T_;
  VecX drift_;
};

}  // namespace psoas::test
