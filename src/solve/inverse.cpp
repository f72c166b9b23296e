// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/inverse.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/model/kept_paths.hpp"
#include "psoas/skeleton/dynamics.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Pushes whose sums fill a contact's friction pyramid: its four edges, and the normal that is its axis. Edges alone
/// would do, but then a cost could not tell a tangential force from the normal part that carries it.
constexpr int pushes = 5, normal_push = 4;

/// The force of a push whose normal part is 1, in ground axes.
Vec3 push_direction(const ContactPoint& contact, int push, double floor_slope) {
  Vec3 force(0.0, 1.0, 0.0);
  if (push != normal_push) force[push < 2 ? 0 : 2] = push % 2 == 0 ? contact.friction : -contact.friction;
  if (contact.normal != Vec3::UnitY())
    force = Eigen::Quaterniond::FromTwoVectors(Vec3::UnitY(), contact.normal) * force;
  return contact.seat || floor_slope == 0.0 ? force : rotation_about(Vec3::UnitZ(), floor_slope) * force;
}

/// Axes of a level's load frame in ground, as columns.
Mat3 load_frame(const Level& level, const Workspace& work) {
  return work.tree.X_GB[at(level.inferior)].R * rotation_about(Vec3::UnitZ(), level.endplate_angle);
}

/// The joint centre of a level in ground: where the superior body's joint frame is.
Vec3 joint_center(const Tree& tree, int body, const Workspace& work) {
  const TreeBody& item = tree.bodies[at(body)];
  return work.tree.X_GB[at(item.parent)] * item.X_PF.p;
}

}  // namespace

std::vector<double> muscle_weights(const Model& model, const std::string& weight) {
  const std::vector<MuscleParameters>& units = model.data().units;
  std::vector<double> out(units.size(), 1.0);
  double sum = 0.0;
  for (std::size_t m = 0; m < units.size(); ++m) {
    if (weight == "volume")
      out[m] = units[m].max_isometric_force * units[m].optimal_fibre_length;
    else if (weight == "area")
      out[m] = units[m].max_isometric_force;
    else if (weight != "one")
      throw Error(Kind::input, "/redundancy/weight", "expected one, volume or area, found \"" + weight + "\"");
    sum += out[m];
  }
  for (double& w : out) w = std::max(w * static_cast<double>(units.size()) / sum, 1e-9);
  return out;
}

InverseSolver::InverseSolver(const Model& model, const InverseOptions& options)
    : model_(model),
      options_(options),
      work_(model),
      rows_(model, options.levels),
      solver_(1, 1),
      contact_solver_(1, 1) {
  const ModelData& data = model_.data();
  if (!(options.power >= 1.5 && options.power <= 20.0))
    throw Error(Kind::input, "/redundancy/power", "expected a power from 1.5 to 20");
  if (!(options.contact_scale > 0.0 && options.tangential_scale > 0.0))
    throw Error(Kind::input, "/support", "expected scales of contact forces above 0");
  body_weight_ = data.mass * data.spec.gravity.norm();
  q_.assign(at(model_.coordinates()), 0.0);
  u_ = udot_ = joint_moment_ = q_;
  tree_udot_.assign(at(model_.tree().coordinates()), 0.0);
  tree_moment_ = joint_moment_partial_ = muscle_moment_ = tree_udot_;
  activation_.assign(data.units.size(), 0.0);
  tendon_force_ = activation_;
  contact_force_.assign(3 * data.contacts.size(), 0.0);
  external_.assign(data.tree.bodies.size(), Spatial::Zero());
  net_wrench_ = measured_ = external_;
  levels_.resize(data.levels.size());
  hips_.assign(data.hips.size(), Vec3::Zero());
  if (data.spec.pelvic_ring) ring_.emplace(model_);

  muscle_weight_ = muscle_weights(model_, options.weight);
  const int rows = rows_.size();
  const int variables = static_cast<int>(data.units.size() + pushes * data.contacts.size());
  row_target_.assign(at(rows), 0.0);
  dense_ = row_target_;
  with_contacts_.resize(rows, variables, rows_.muscle_entries() + pushes * rows_.contact_entries());
  muscles_only_.resize(rows, model_.muscles(), rows_.muscle_entries());
  solver_ = RedundancySolver(rows, variables);
  for (int r = 0; r < rows; ++r)
    if (equations()[at(r)].root) root_rows_.push_back(r);
  root_crossed_.assign(root_rows_.size(), 0);
  for (int m = 0; m < model_.muscles(); ++m)
    for (const int row : rows_.of_muscle(m))
      if (const auto root = std::find(root_rows_.begin(), root_rows_.end(), row); root != root_rows_.end())
        root_crossed_[static_cast<std::size_t>(root - root_rows_.begin())] = 1;
  shortfall_.assign(root_rows_.size(), 0.0);
  shortfall_target_ = shortfall_;
  shortfall_caps_.assign(2, 0.0);
  arm_rows_.assign(at(rows_.muscle_entries()), 0.0);
  contact_rows_.assign(at(pushes * rows_.contact_entries()), 0.0);
  const int contact_variables = static_cast<int>(pushes * data.contacts.size()),
            roots = static_cast<int>(root_rows_.size());
  if (contact_variables > 0 && roots > 0) {
    contacts_only_.resize(roots, contact_variables, contact_variables * roots);
    contact_solver_ = RedundancySolver(roots, contact_variables);
  }
  solution_.x.reserve(at(variables));
  solution_.reserve.assign(at(rows), std::nan(""));  // none before a solve
  solution_.multiplier.reserve(at(rows));
}

void InverseSolver::net(std::span<const double> q, std::span<const double> u, std::span<const double> udot,
                        std::span<const Spatial> measured) {
  evaluate(model_, q, u, work_, Depth::velocity);
  need(q, u, udot, measured);
}

void InverseSolver::net(const ForwardDynamics& now) {
  work_ = now.work();
  need(now.state().q(), now.state().u(), now.udot(), now.external());
}

void InverseSolver::take_paths(std::span<const double> kept) { psoas::take_paths(kept, work_); }

template <class See>
void InverseSolver::each_row_array(std::size_t numbers, See see) {
  see(arm_rows_);
  if (numbers == arm_rows_.size()) return;
  for (std::vector<double>* array : {&contact_rows_, &shortfall_caps_, &shortfall_target_, &shortfall_}) see(*array);
}

std::size_t InverseSolver::rows_size(bool contacts) const {
  return arm_rows_.size() +
         (contacts ? contact_rows_.size() + shortfall_caps_.size() + 2 * root_rows_.size() : std::size_t{0});
}

void InverseSolver::keep_rows(std::span<double> out) {
  assert(arm_rows_known_ && (out.size() == rows_size(false) || (out.size() == rows_size(true) && contact_rows_known_)));
  double* next = out.data();
  each_row_array(out.size(),
                 [&](const std::vector<double>& array) { next = std::copy(array.begin(), array.end(), next); });
}

void InverseSolver::take_rows(std::span<const double> kept) {
  assert(kept.size() == rows_size(false) || kept.size() == rows_size(true));
  const double* next = kept.data();
  each_row_array(kept.size(), [&](std::vector<double>& array) {
    std::copy(next, next + array.size(), array.begin());
    next += array.size();
  });
  arm_rows_known_ = rows_taken_ = true;
  contact_rows_known_ = shortfall_known_ = kept.size() > arm_rows_.size();
}

void InverseSolver::need(std::span<const double> q, std::span<const double> u, std::span<const double> udot,
                         std::span<const Spatial> measured) {
  std::copy(q.begin(), q.end(), q_.begin());
  std::copy(u.begin(), u.end(), u_.begin());
  std::copy(udot.begin(), udot.end(), udot_.begin());
  if (!rows_taken_) arm_rows_known_ = contact_rows_known_ = shortfall_known_ = false;
  rows_taken_ = false;
  exact_paths(model_, work_);  // loads and level equations need them
  rigid_tendon_forces(model_, work_);
  couple_accelerations(model_, u_, udot_, work_, tree_udot_);
  for (std::size_t b = 0; b < measured_.size(); ++b) measured_[b] = measured.empty() ? Spatial::Zero() : measured[b];
  inverse_dynamics<double>(model_.tree(), tree_udot_, model_.spec().gravity, measured_, work_.tree, tree_moment_);
  required_ = work_.tree.joint_wrench[0];
  for (const Spatial& wrench : measured_) required_ += wrench;
}

Vec3 InverseSolver::centre_of_pressure(double height) const {
  const Vec3 moment = required_.head<3>(), force = required_.tail<3>();
  // M = p x F with p.y given
  return {(moment.z() + height * force.x()) / force.y(), height, (height * force.z() - moment.x()) / force.y()};
}

Vec3 InverseSolver::mass_center() const { return psoas::mass_center<double>(model_.tree(), work_.tree); }

Vec3 InverseSolver::mass_center_acceleration() const {
  return required_.tail<3>() / model_.data().mass + model_.spec().gravity;
}

Vec3 InverseSolver::contact_point(int contact) const {
  const ContactPoint& item = model_.data().contacts[at(contact)];
  return work_.tree.X_GB[at(item.body)] * item.location;
}

Vec3 InverseSolver::subtree_moment(int body, const Vec3& point) const {
  // net() accumulates joint wrenches without contact forces, and finish() leaves them so
  const Spatial& wrench = work_.tree.joint_wrench[at(body)];
  const Vec3 force = wrench.tail<3>();
  return wrench.head<3>() - point.cross(force);
}

void InverseSolver::find_arm_rows() {
  if (arm_rows_known_) return;
  arm_rows_known_ = true;
  int entry = 0;
  for (int m = 0; m < model_.muscles(); ++m) {
    rows_.add_arms(model_, work_, m, dense_);
    for (const int row : rows_.of_muscle(m)) {
      arm_rows_[at(entry++)] = dense_[at(row)];
      dense_[at(row)] = 0.0;
    }
  }
}

void InverseSolver::find_contact_rows() {
  if (contact_rows_known_) return;
  contact_rows_known_ = true;
  const ModelData& data = model_.data();
  int entry = 0;
  for (std::size_t k = 0; k < data.contacts.size(); ++k) {
    const ContactPoint& contact = data.contacts[k];
    const Vec3 point = contact_point(static_cast<int>(k));
    for (int push = 0; push < pushes; ++push) {
      const Spatial wrench = wrench_at<double>(point, push_direction(contact, push, options_.floor_slope));
      for (int t = 0; t < model_.tree().coordinates(); ++t) {
        const int body = model_.tree().coordinate_body[at(t)];
        if (contact.body < body || contact.body >= model_.tree().bodies[at(body)].subtree_end) continue;
        const double force = power<double>(wrench, work_.tree.motion[at(t)]);
        for (const EquationRows::Share& share : rows_.shares(t))
          dense_[at(share.row)] += (share.whole ? 1.0 : work_.slope[at(t)]) * force;
      }
      for (const int row : rows_.of_contact(static_cast<int>(k))) {
        contact_rows_[at(entry++)] = dense_[at(row)] * body_weight_;
        dense_[at(row)] = 0.0;
      }
    }
  }
}

void InverseSolver::muscle_columns(RedundancyProblem& problem) {
  find_arm_rows();
  const ModelData& data = model_.data();
  int entry = 0;
  problem.column_start[0] = 0;
  for (int m = 0; m < model_.muscles(); ++m) {
    for (const int row : rows_.of_muscle(m)) {
      const double arm = arm_rows_[at(entry)];
      problem.row[at(entry)] = row;
      problem.value[at(entry++)] = arm * work_.force.active[at(m)];
      row_target_[at(row)] -= arm * work_.force.passive[at(m)];
    }
    problem.column_start[at(m) + 1] = entry;
    problem.weight[at(m)] = muscle_weight_[at(m)];
    problem.power[at(m)] = options_.power;
    problem.low[at(m)] = data.units[at(m)].minimum_activation;
    problem.high[at(m)] = 1.0;
  }
}

void InverseSolver::contact_columns(const ContactCaps& caps) {
  find_contact_rows();
  const ModelData& data = model_.data();
  RedundancyProblem& problem = with_contacts_;
  int entry = problem.column_start[at(model_.muscles())], own = 0;
  for (std::size_t k = 0; k < data.contacts.size(); ++k) {
    const ContactPoint& contact = data.contacts[k];
    const double cap = contact.cap * (contact.seat ? caps.seat : caps.feet);  // in body weights, as the variable is
    for (int push = 0; push < pushes; ++push) {
      const std::size_t variable = at(model_.muscles()) + pushes * k + at(push);
      for (const int row : rows_.of_contact(static_cast<int>(k))) {
        problem.row[at(entry)] = row;
        problem.value[at(entry++)] = contact_rows_[at(own++)];
      }
      problem.column_start[variable + 1] = entry;
      problem.power[variable] = 2.0;
      const double normal_cost = 1.0 / options_.contact_scale,
                   tangential_cost = push == normal_push ? 0.0 : contact.friction / options_.tangential_scale,
                   cost = std::max(normal_cost, tangential_cost);
      problem.weight[variable] = cost * cost;
      problem.low[variable] = 0.0;
      // half of the cap for the normal, an eighth for each edge: together the cap
      problem.high[variable] = cap / (push == normal_push ? 2.0 : 8.0);
    }
  }
}

void InverseSolver::contact_shortfall(const ContactCaps& caps) {
  if (contacts_only_.variables == 0) return;
  // Caps and the root's equations, unless muscles cross the root, are the same for whatever muscles there are.
  bool known = shortfall_known_ && shortfall_caps_[0] == caps.feet && shortfall_caps_[1] == caps.seat;
  for (std::size_t r = 0; r < root_rows_.size(); ++r)
    known = known && row_target_[at(root_rows_[r])] == shortfall_target_[r];
  if (!known) {
    for (std::size_t r = 0; r < root_rows_.size(); ++r) shortfall_target_[r] = row_target_[at(root_rows_[r])];
    shortfall_caps_[0] = caps.feet;
    shortfall_caps_[1] = caps.seat;
    shortfall_known_ = true;
    find_shortfall();
  }
  for (std::size_t r = 0; r < root_rows_.size(); ++r) row_target_[at(root_rows_[r])] -= shortfall_[r];
}

void InverseSolver::find_shortfall() {
  // Contacts alone, nearly for free: what stays as a reserve is what they cannot supply. Force equations are dearer than
  // moments, so that the feet carry m (a - g) wherever they can push at all.
  const std::size_t muscles = at(model_.muscles());
  int entry = 0;
  for (std::size_t v = 0; v < at(contacts_only_.variables); ++v) {
    for (int i = with_contacts_.column_start[muscles + v]; i < with_contacts_.column_start[muscles + v + 1]; ++i) {
      const auto row = std::find(root_rows_.begin(), root_rows_.end(), with_contacts_.row[at(i)]);
      if (row == root_rows_.end()) continue;
      contacts_only_.row[at(entry)] = static_cast<int>(row - root_rows_.begin());
      contacts_only_.value[at(entry++)] = with_contacts_.value[at(i)];
    }
    contacts_only_.column_start[v + 1] = entry;
    contacts_only_.weight[v] = 1e-3 * with_contacts_.weight[muscles + v];
    contacts_only_.power[v] = 2.0;
    contacts_only_.low[v] = with_contacts_.low[muscles + v];
    contacts_only_.high[v] = with_contacts_.high[muscles + v];
  }
  for (std::size_t r = 0; r < root_rows_.size(); ++r) {
    contacts_only_.target[r] = shortfall_target_[r];
    contacts_only_.reserve_scale[r] = equations()[at(root_rows_[r])].rotation ? 1.0 : 1e-2;
  }
  contact_solver_.solve(contacts_only_, contact_solution_);
  for (std::size_t r = 0; r < root_rows_.size(); ++r) shortfall_[r] = contact_solution_.reserve[r];
}

void InverseSolver::run(RedundancyProblem& problem, std::span<const double> start) {
  for (std::size_t r = 0; r < equations().size(); ++r) {
    const Equation& equation = equations()[r];
    problem.target[r] = row_target_[r];
    // the root's shortfall is known by now; what is left of its equations holds exactly
    problem.reserve_scale[r] = equation.root && options_.shortfall_first ? 1e-3
                               : equation.lumbar                         ? options_.lumbar_reserve
                               : equation.rotation                       ? options_.reserve
                                                                         : options_.reserve_force;
  }
  solver_.solve(problem, solution_, {.warm_start = start});
  for (int m = 0; m < model_.muscles(); ++m) {
    activation_[at(m)] = solution_.x[at(m)];
    tendon_force_[at(m)] = activation_[at(m)] * work_.force.active[at(m)] + work_.force.passive[at(m)];
  }
}

void InverseSolver::solve(const ContactCaps& caps, std::span<const double> start) {
  const ModelData& data = model_.data();
  for (std::size_t r = 0; r < row_target_.size(); ++r) row_target_[r] = 0.0;
  rows_.add(work_, tree_moment_, 1.0, row_target_);
  rows_.add(work_, work_.passive_torque, -1.0, row_target_);
  muscle_columns(with_contacts_);
  contact_columns(caps);
  if (options_.shortfall_first) contact_shortfall(caps);
  run(with_contacts_, start);
  for (std::size_t r = 0; r < shortfall_.size(); ++r) solution_.reserve[at(root_rows_[r])] += shortfall_[r];
  for (std::size_t k = 0; k < data.contacts.size(); ++k) {
    Vec3 force = Vec3::Zero();
    for (int push = 0; push < pushes; ++push)
      force += push_direction(data.contacts[k], push, options_.floor_slope) *
               (solution_.x[at(model_.muscles()) + pushes * k + at(push)] * body_weight_);
    for (std::size_t i = 0; i < 3; ++i) contact_force_[3 * k + i] = force[static_cast<Eigen::Index>(i)];
  }
  finish(contact_force_);
}

void InverseSolver::solve_with(std::span<const double> contact_force, std::span<const double> start) {
  const ModelData& data = model_.data();
  std::copy(contact_force.begin(), contact_force.end(), contact_force_.begin());
  for (double& x : row_target_) x = 0.0;
  for (std::size_t t = 0; t < data.couplings.size(); ++t) {
    double moment = tree_moment_[t];
    const int body = model_.tree().coordinate_body[t];
    for (std::size_t k = 0; k < data.contacts.size(); ++k)
      if (data.contacts[k].body >= body && data.contacts[k].body < model_.tree().bodies[at(body)].subtree_end)
        moment -= power<double>(
            wrench_at<double>(contact_point(static_cast<int>(k)),
                              Vec3(contact_force[3 * k], contact_force[3 * k + 1], contact_force[3 * k + 2])),
            work_.tree.motion[t]);
    for (const EquationRows::Share& share : rows_.shares(static_cast<int>(t)))
      row_target_[at(share.row)] += (share.whole ? 1.0 : work_.slope[t]) * moment;
  }
  rows_.add(work_, work_.passive_torque, -1.0, row_target_);
  muscle_columns(muscles_only_);
  // What the forces do not supply of the root's equations is left, unless a muscle crosses the root.
  shortfall_known_ = false;
  for (std::size_t r = 0; r < root_rows_.size(); ++r) {
    shortfall_[r] = root_crossed_[r] ? 0.0 : row_target_[at(root_rows_[r])];
    row_target_[at(root_rows_[r])] -= shortfall_[r];
  }
  run(muscles_only_, start);
  for (std::size_t r = 0; r < shortfall_.size(); ++r) solution_.reserve[at(root_rows_[r])] += shortfall_[r];
  finish(contact_force_);
}

void InverseSolver::loads_with(std::span<const double> contact_force, std::span<const double> tendon_force) {
  std::copy(contact_force.begin(), contact_force.end(), contact_force_.begin());
  std::copy(tendon_force.begin(), tendon_force.end(), tendon_force_.begin());
  finish(contact_force_);
}

void InverseSolver::finish(std::span<const double> contact_force) {
  const ModelData& data = model_.data();
  const Tree& tree = model_.tree();
  external_ = measured_;
  for (std::size_t k = 0; k < data.contacts.size(); ++k)
    external_[at(data.contacts[k].body)] +=
        wrench_at<double>(contact_point(static_cast<int>(k)),
                          Vec3(contact_force[3 * k], contact_force[3 * k + 1], contact_force[3 * k + 2]));

  // where no contact pushes net() has found these already
  const bool pushed = std::any_of(contact_force.begin(), contact_force.end(), [](double f) { return f != 0.0; });
  if (pushed) inverse_dynamics<double>(tree, tree_udot_, data.spec.gravity, external_, work_.tree, tree_moment_);
  project(model_, work_, tree_moment_, joint_moment_);
  joint_moment_partial_ = tree_moment_;
  for (std::size_t b = 0; b < tree.bodies.size(); ++b) net_wrench_[b] = work_.tree.joint_wrench[b];
  for (std::size_t k = 0; k < data.levels.size(); ++k) {
    const Level& level = data.levels[k];
    const Mat3 R = load_frame(level, work_);
    const Spatial& wrench = net_wrench_[at(level.superior)];
    const Vec3 on_inferior = -(R.transpose() * wrench.tail<3>());
    const Vec3 force = wrench.tail<3>();
    const Vec3 moment = R.transpose() * (wrench.head<3>() - joint_center(tree, level.superior, work_).cross(force));
    LevelLoad& load = levels_[k];
    load.net_compression = -on_inferior.y();
    load.net_anterior_shear = on_inferior.x();
    load.net_lateral_shear = on_inferior.z();
    load.net_moment = moment.z();
    load.net_moment_bending = moment.x();
    load.net_moment_axial = moment.y();
  }
  loads_of(tendon_force_);
  std::fill(muscle_moment_.begin(), muscle_moment_.end(), 0.0);
  for (std::size_t m = 0; m < data.units.size(); ++m)
    for (int i = data.arm_start[m]; i < data.arm_start[m + 1]; ++i)
      muscle_moment_[at(data.arm_slots[at(i)].coordinate)] += work_.arm[at(i)] * tendon_force_[m];
  // leave the generalised forces of net() in place: a second solve of this instant starts from them
  if (pushed) inverse_dynamics<double>(tree, tree_udot_, data.spec.gravity, measured_, work_.tree, tree_moment_);
}

Spatial InverseSolver::residual_wrench() const {
  Spatial wrench = net_wrench_[0];
  if (work_.tree.X_GB.size() > 1) wrench.head<3>() -= work_.tree.X_GB[1].p.cross(Vec3(wrench.tail<3>()));
  return wrench;
}

Vec3 InverseSolver::level_imbalance(int level) const {
  const ModelData& data = model_.data();
  const std::array<int, 3>& own = data.levels[at(level)].coordinates;
  const auto of_some_level = [&](int t) {
    return std::any_of(data.levels.begin(), data.levels.end(), [&](const Level& other) {
      return std::find(other.coordinates.begin(), other.coordinates.end(), t) != other.coordinates.end();
    });
  };
  // The level's own rotation counts whole; what rides on a trunk coordinate (the abdomen) turns with each level by its
  // slope, as in the level equations.
  const auto share = [&](int t, std::size_t axis) {
    if (t == own[axis]) return 1.0;
    const int leader = data.couplings[at(own[axis])].source;  // a trunk coordinate, or the level's own rotation
    return data.couplings[at(t)].source != leader || of_some_level(t) ? 0.0 : work_.slope[at(t)];
  };
  Vec3 left;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double sum = 0.0;
    for (int t = 0; t < model_.tree().coordinates(); ++t)
      if (const double s = share(t, axis); s != 0.0)
        sum += s * (joint_moment_partial_[at(t)] - work_.passive_torque[at(t)] - muscle_moment_[at(t)]);
    left[static_cast<Eigen::Index>(axis)] = sum;
  }
  return left;
}

void InverseSolver::loads_of(std::span<const double> tendon_force) {
  const ModelData& data = model_.data();
  // On a body of a subtree muscles pull; the joint supplies the rest: joint wrench = net wrench - muscles of the subtree.
  for (Spatial& w : external_) w.setZero();
  for (std::size_t m = 0; m < data.paths.size(); ++m) {
    const Path& path = data.paths[m];
    for (std::size_t k = 0; k < path.bodies.size(); ++k)
      external_[at(path.bodies[k])] += work_.wrench[at(data.wrench_start[m]) + k] * tendon_force[m];
  }
  for (std::size_t b = external_.size(); b-- > 1;) external_[at(model_.tree().bodies[b].parent)] += external_[b];
  for (std::size_t k = 0; k < data.levels.size(); ++k) {
    const Level& level = data.levels[k];
    const Mat3 to_frame = load_frame(level, work_).transpose();
    const Vec3 ligaments = ligament_force(level.superior);
    const Vec3 on_superior =
        net_wrench_[at(level.superior)].tail<3>() - external_[at(level.superior)].tail<3>() - ligaments;
    const Vec3 on_inferior = -(to_frame * on_superior), of_ligaments = to_frame * ligaments;
    levels_[k].ligament_compression = -of_ligaments.y();
    levels_[k].ligament_anterior_shear = of_ligaments.x();
    levels_[k].ligament_lateral_shear = of_ligaments.z();
    levels_[k].compression = -on_inferior.y();
    levels_[k].anterior_shear = on_inferior.x();
    levels_[k].lateral_shear = on_inferior.z();
  }
  for (std::size_t h = 0; h < data.hips.size(); ++h)
    hips_[h] = net_wrench_[at(data.hips[h].second)].tail<3>() - external_[at(data.hips[h].second)].tail<3>() -
               ligament_force(data.hips[h].second);
  if (ring_) ring_->solve({&work_, net_wrench_, external_, tendon_force, contact_force_});
}

Vec3 InverseSolver::ligament_force(int body) const {
  const ModelData& data = model_.data();
  const int end = data.tree.bodies[at(body)].subtree_end;
  Vec3 force = Vec3::Zero();
  for (const CompiledLigament& ligament : data.ligaments)
    for (std::size_t k = 0; k < ligament.path.bodies.size(); ++k)
      if (ligament.path.bodies[k] >= body && ligament.path.bodies[k] < end)
        force += work_.passive.ligament_wrench[at(ligament.wrench_start) + k].tail<3>();
  return force;
}

Vec3 InverseSolver::unit_load(int muscle, int level) const {
  const ModelData& data = model_.data();
  const Level& item = data.levels[at(level)];
  const Path& path = data.paths[at(muscle)];
  Vec3 force = Vec3::Zero();
  for (std::size_t k = 0; k < path.bodies.size(); ++k)
    if (path.bodies[k] >= item.superior && path.bodies[k] < model_.tree().bodies[at(item.superior)].subtree_end)
      force += work_.wrench[at(data.wrench_start[at(muscle)]) + k].tail<3>();
  // the superior body passes on what pulls it
  const Vec3 on_inferior = load_frame(item, work_).transpose() * force;
  return {on_inferior.x(), -on_inferior.y(), on_inferior.z()};
}

}  // namespace psoas
