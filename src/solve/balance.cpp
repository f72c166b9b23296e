// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/balance.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/factor.hpp"
#include "psoas/core/words.hpp"
#include "psoas/skeleton/dynamics.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
std::size_t at(Eigen::Index index) { return static_cast<std::size_t>(index); }
Eigen::Index row(std::size_t index) { return static_cast<Eigen::Index>(index); }

/// Steps of central differences: of the equations, whose fourth derivatives are some 1e3 times themselves, and of the
/// gradient, which holds the noise of the first.
constexpr double equation_step = 1e-5, gradient_step = 1e-4;

/// To how much a posture at a corner of the cost is to be known [rad, m].
constexpr double known_at_corners = 2e-4;

/// The same with reserves of at least `least` [N m, N], which leave the problem well conditioned where muscles or
/// contacts cannot hold a posture.
InverseOptions lenient(InverseOptions options, double least) {
  options.reserve = std::max(options.reserve, least);
  options.reserve_force = std::max(options.reserve_force, least);
  options.lumbar_reserve = std::max(options.lumbar_reserve, least);
  return options;
}

/// The shortest vector among the mixtures of columns (weights >= 0 that sum to 1), by steps between the column that
/// shortens it most and the one in it that lengthens it most.
VecX shortest_mixture(const MatX& columns) {
  VecX weight = VecX::Constant(columns.cols(), 1.0 / static_cast<double>(columns.cols()));
  VecX x = columns * weight;
  for (int k = 0; k < 5000; ++k) {
    const VecX along = columns.transpose() * x;
    Eigen::Index to = 0, from = -1;
    for (Eigen::Index i = 0; i < along.size(); ++i) {
      if (along[i] < along[to]) to = i;
      if (weight[i] > 0.0 && (from < 0 || along[i] > along[from])) from = i;
    }
    const VecX way = columns.col(to) - columns.col(from);
    const double square = way.squaredNorm(), gain = along[from] - along[to];
    if (gain <= 1e-14 * (1.0 + x.squaredNorm()) || square == 0.0) break;
    const double step = std::min(gain / square, weight[from]);
    weight[to] += step;
    weight[from] = step == weight[from] ? 0.0 : weight[from] - step;
    x = columns * weight;
  }
  return x;
}

/// How far coordinates are from what is preferred [rad, m].
double departure(const Preference& preference, std::span<const double> q) {
  double x = -preference.reference;
  for (const auto& [c, factor] : preference.coordinates) x += factor * q[at(c)];
  return x;
}

bool carries(const Tree& tree, int coordinate, int body) {
  const int carried = tree.coordinate_body[at(coordinate)];
  return body >= carried && body < tree.bodies[at(carried)].subtree_end;
}

}  // namespace

/// Directions in which a posture may move: along the held heights and its stops.
struct Balance::Active {
  std::vector<Eigen::Index> moving;  // places among the free coordinates
  MatX held;                         // derivatives of held heights by these
  MatX along;                        // orthonormal directions of these that keep the heights
  VecX pull;                         // multipliers of held heights
  VecX slope;                        // per free coordinate: of the cost less what heights hold
  VecX reduced;                      // slope along `along`
};

InverseOptions BalanceOptions::posture_redundancy() {
  InverseOptions out;
  out.weight = "volume";
  out.reserve = out.reserve_force = out.lumbar_reserve = 2e-5;
  out.contact_scale = 3.0;
  out.shortfall_first = false;
  return out;
}

Balance::Balance(const Model& model, BalanceOptions options)
    : options_(std::move(options)),
      stages_{InverseSolver(model, lenient(options_.redundancy, 3.0)),
              InverseSolver(model, lenient(options_.redundancy, 0.1)), InverseSolver(model, options_.redundancy)},
      work_(model),
      rows_(model, options_.redundancy.levels) {
  const ModelData& data = model.data();
  const std::vector<int>& free = options_.free;
  for (std::size_t i = 0; i < free.size(); ++i)
    if (free[i] < 0 || free[i] >= model.coordinates() || (i > 0 && free[i] <= free[i - 1]))
      throw Error(Kind::input, "free coordinates", "expected indices of independent coordinates, ascending");
  if (free.empty()) throw Error(Kind::input, "free coordinates", "expected at least one");
  if (options_.bounds.empty())
    for (const int c : free)
      options_.bounds.push_back(model.spec().coordinates.find(data.coordinate_names[at(c)])->range);
  if (options_.bounds.size() != free.size())
    throw Error(Kind::input, "bounds", "expected bounds for each of " + std::to_string(free.size()) + " coordinates");
  for (const Preference& one : options_.preferences)
    if (!(one.scale > 0.0)) throw Error(Kind::input, "preferences", "expected scales above 0");
  q_ = data.default_coordinates;
  still_.assign(q_.size(), 0.0);
  coordinate_left_ = priced_ = still_;
  tree_still_.assign(at(model.tree().coordinates()), 0.0);
  tree_force_ = tree_still_;
  row_left_.assign(at(rows_.size()), 0.0);
  arms_ = row_left_;
  external_.assign(model.tree().bodies.size(), Spatial::Zero());
  if (options_.level_body > 0) {
    evaluate(model, q_, still_, work_, Depth::position);
    pitch_ = std::asin(work_.tree.X_GB[at(options_.level_body)].R(1, 0));
  }
}

double Balance::value(std::span<const double> q) {
  std::copy(q.begin(), q.end(), q_.begin());
  inverse().net(q_, still_, still_);
  inverse().solve(options_.caps, warm_);
  if (!inverse().converged()) solve_by_continuation();
  warm_.assign(inverse().multiplier().begin(), inverse().multiplier().end());
  activation_.assign(inverse().activation().begin(), inverse().activation().end());
  contact_force_.assign(inverse().contact_force().begin(), inverse().contact_force().end());
  double cost = inverse().cost() / model().muscles();
  for (const Preference& one : options_.preferences) {
    const double x = departure(one, q_);
    cost += options_.kappa * x * x / (one.scale * one.scale);
  }
  return cost;
}

/// Solves the muscles at q_ again, from lenient reserves to those of the stage, each from the prices of the ones before:
/// from far away Newton's steps do not always find the kinks that very dear reserves make.
void Balance::solve_by_continuation() {
  std::vector<double> prices;
  for (const double reserve : {1.0, 0.1, 1e-2, 1e-3, 1e-4}) {
    if (reserve <= options_.redundancy.reserve) break;
    InverseSolver lenient_one(model(), lenient(options_.redundancy, reserve));
    lenient_one.net(q_, still_, still_);
    lenient_one.solve(options_.caps, prices);
    if (lenient_one.converged()) prices.assign(lenient_one.multiplier().begin(), lenient_one.multiplier().end());
  }
  inverse().solve(options_.caps, prices);
}

/// What muscles at the activations and contacts at the forces of the last value() leave of the equations of the tree's
/// coordinates at the pose of work_, but for muscles whose paths are fitted.
void Balance::tree_equations() {
  const ModelData& data = model().data();
  rigid_tendon_forces(model(), work_);
  for (Spatial& wrench : external_) wrench.setZero();
  for (std::size_t k = 0; k < data.contacts.size(); ++k) {
    const ContactPoint& contact = data.contacts[k];
    external_[at(contact.body)] +=
        wrench_at<double>(work_.tree.X_GB[at(contact.body)] * contact.location,
                          Vec3(contact_force_[3 * k], contact_force_[3 * k + 1], contact_force_[3 * k + 2]));
  }
  inverse_dynamics<double>(model().tree(), tree_still_, data.spec.gravity, external_, work_.tree, tree_force_);
  for (std::size_t t = 0; t < tree_force_.size(); ++t) tree_force_[t] -= work_.passive_torque[t];
  if (!data.fitted.empty()) return;
  for (int m = 0; m < model().muscles(); ++m) {
    const double force = muscle_force(m);
    for (int i = data.arm_start[at(m)]; i < data.arm_start[at(m) + 1]; ++i)
      tree_force_[at(data.arm_slots[at(i)].coordinate)] -= work_.arm[at(i)] * force;
  }
}

double Balance::muscle_force(int m) const {
  return activation_[at(m)] * work_.force.active[at(m)] + work_.force.passive[at(m)];
}

/// The same at q by rows, and by independent coordinates.
void Balance::equations(std::span<const double> q) {
  evaluate(model(), q, still_, work_, Depth::velocity);
  exact_paths(model(), work_);
  tree_equations();
  std::fill(row_left_.begin(), row_left_.end(), 0.0);
  rows_.add(work_, tree_force_, 1.0, row_left_);
  project(model(), work_, tree_force_, coordinate_left_);
  if (model().data().fitted.empty()) return;
  for (int m = 0; m < model().muscles(); ++m) {
    const double force = muscle_force(m);
    rows_.add_arms(model(), work_, m, arms_);
    for (const int r : rows_.of_muscle(m)) {
      row_left_[at(r)] -= arms_[at(r)] * force;
      arms_[at(r)] = 0.0;
    }
    for (int c = 0; c < model().coordinates(); ++c) coordinate_left_[at(c)] -= moment_arm(model(), work_, m, c) * force;
  }
}

/// lambda . de/dq over all independent coordinates at the last value(). Activations and contact forces held, what is left
/// of the equations of the tree's coordinates is the gradient of a potential, so that its derivatives are symmetric:
/// how lambda . e changes by each coordinate is how the equation of each changes along lambda. Two poses tell all.
void Balance::slopes_along_prices(std::span<double> out) {
  const ModelData& data = model().data();
  const std::span<const double> multiplier = inverse().multiplier();
  couple(model(), q_, still_, work_);
  std::vector<double> bend(tree_still_.size()), displacement(tree_still_.size()), change(tree_still_.size());
  double largest = 0.0;
  for (std::size_t t = 0; t < displacement.size(); ++t) {
    for (const EquationRows::Share& share : rows_.shares(static_cast<int>(t))) {
      displacement[t] += multiplier[at(share.row)] * (share.whole ? 1.0 : work_.slope[t]);
      if (!share.whole) bend[t] += multiplier[at(share.row)] * work_.curvature[t];
    }
    largest = std::max(largest, std::abs(displacement[t]));
  }
  std::fill(out.begin(), out.end(), 0.0);
  if (largest == 0.0) return;
  const double step = equation_step / largest;
  for (double& x : displacement) x *= step;
  for (const double sign : {1.0, -1.0}) {
    evaluate_displaced(model(), q_, displacement, work_);
    tree_equations();
    for (std::size_t t = 0; t < change.size(); ++t)
      change[t] += (sign / (2.0 * step) * work_.slope[t] + 0.5 * bend[t]) * tree_force_[t];
    for (double& x : displacement) x = -x;
  }
  for (std::size_t t = 0; t < change.size(); ++t) out[at(data.couplings[t].source)] += change[t];
}

/// The same by differences over the free coordinates: fitted paths are functions of independent coordinates only, whose
/// arms at the levels are those of others.
void Balance::slopes_by_differences(std::span<double> out) {
  const std::span<const double> multiplier = inverse().multiplier();
  std::vector<double> q = q_;
  for (const int c : options_.free) {
    double& x = q[at(c)];
    const double here = x;
    double slope = 0.0;
    for (const double sign : {1.0, -1.0}) {
      x = here + sign * equation_step;
      equations(q);
      for (std::size_t r = 0; r < row_left_.size(); ++r) slope += sign * multiplier[r] * row_left_[r];
    }
    x = here;
    out[at(c)] = slope / (2.0 * equation_step);
  }
}

const VecX& Balance::gradient() {
  const std::vector<int>& free = options_.free;
  model().data().fitted.empty() ? slopes_along_prices(priced_) : slopes_by_differences(priced_);
  gradient_.resize(row(free.size()));
  for (std::size_t i = 0; i < free.size(); ++i) gradient_[row(i)] = priced_[at(free[i])] / model().muscles();
  for (const Preference& one : options_.preferences) {
    const double x = departure(one, q_);
    for (const auto& [c, factor] : one.coordinates) {
      const auto place = std::lower_bound(free.begin(), free.end(), c);
      if (place != free.end() && *place == c)
        gradient_[place - free.begin()] += 2.0 * options_.kappa * x * factor / (one.scale * one.scale);
    }
  }
  return gradient_;
}

VecX Balance::held(std::span<const double> q, MatX* by_coordinates) {
  const ModelData& data = model().data();
  const std::vector<int>& free = options_.free;
  const bool pitch = options_.level_body > 0;
  const Eigen::Index count = row(options_.heights.size()) + (pitch ? 1 : 0);
  couple(model(), q, still_, work_);
  positions<double>(model().tree(), work_.q, work_.tree);
  VecX left = VecX::Zero(count);
  if (by_coordinates) by_coordinates->setZero(count, row(free.size()));
  const auto add = [&](Eigen::Index r, int body, auto&& slope_of) {
    if (!by_coordinates) return;
    for (int t = 0; t < model().tree().coordinates(); ++t) {
      if (!carries(model().tree(), t, body)) continue;
      const auto place = std::lower_bound(free.begin(), free.end(), data.couplings[at(t)].source);
      if (place != free.end() && *place == data.couplings[at(t)].source)
        (*by_coordinates)(r, place - free.begin()) += work_.slope[at(t)] * slope_of(work_.tree.motion[at(t)]);
    }
  };
  for (std::size_t h = 0; h < options_.heights.size(); ++h) {
    const Vec3& up = options_.heights[h].up;
    left[row(h)] = -options_.heights[h].height;
    for (const auto& [k, factor] : options_.heights[h].contacts) {
      const ContactPoint& contact = data.contacts[at(k)];
      const Vec3 point = work_.tree.X_GB[at(contact.body)] * contact.location;
      left[row(h)] += factor * up.dot(point);
      add(row(h), contact.body, [&, weight = factor](const Spatial& motion) {
        return weight * up.dot(point_velocity<double>(motion, point));
      });
    }
  }
  if (pitch) {
    const Vec3 ahead = work_.tree.X_GB[at(options_.level_body)].R.col(0);
    left[count - 1] = std::asin(ahead.y()) - pitch_;
    const double level = std::hypot(ahead.x(), ahead.z());
    add(count - 1, options_.level_body, [&](const Spatial& motion) {
      const Vec3 turn = motion.head<3>();
      return turn.cross(ahead).y() / level;
    });
  }
  return left;
}

/// Moves q as little as meets the held heights, coordinates that are stopped left where they are.
void Balance::restore(std::vector<double>& q, std::vector<char>& stopped) {
  const std::vector<int>& free = options_.free;
  for (int k = 0; k < 50; ++k) {
    MatX all;
    const VecX left = held(q, &all);
    if (left.size() == 0 || left.cwiseAbs().maxCoeff() < 1e-13) return;
    std::vector<Eigen::Index> moving;
    for (std::size_t i = 0; i < free.size(); ++i)
      if (!stopped[i]) moving.push_back(row(i));
    if (moving.empty()) return;
    MatX part(left.size(), row(moving.size()));
    for (std::size_t i = 0; i < moving.size(); ++i) part.col(row(i)) = all.col(moving[i]);
    const VecX step = part.completeOrthogonalDecomposition().solve(-left);
    bool clipped = false;
    for (std::size_t i = 0; i < moving.size(); ++i) {
      const std::size_t place = at(moving[i]);
      double& x = q[at(free[place])];
      const double wanted = x + std::clamp(step[row(i)], -0.2, 0.2);
      x = std::clamp(wanted, options_.bounds[place][0], options_.bounds[place][1]);
      if (x != wanted) stopped[place] = 1, clipped = true;
    }
    if (!clipped && step.cwiseAbs().maxCoeff() < 1e-15) return;
  }
}

void Balance::constrain(std::span<const double> q, const std::vector<char>& stopped, Active& out) {
  const std::size_t n = options_.free.size();
  MatX all;
  held(q, &all);
  out.moving.clear();
  for (std::size_t i = 0; i < n; ++i)
    if (!stopped[i]) out.moving.push_back(row(i));
  const Eigen::Index k = row(out.moving.size());
  out.held.resize(all.rows(), k);
  for (Eigen::Index i = 0; i < k; ++i) out.held.col(i) = all.col(out.moving[at(i)]);
  VecX g(k);
  for (Eigen::Index i = 0; i < k; ++i) g[i] = gradient_[out.moving[at(i)]];
  if (all.rows() == 0 || k == 0) {
    out.along = MatX::Identity(k, k);
    out.pull.setZero(all.rows());
    out.slope = gradient_;
  } else {
    const Eigen::JacobiSVD<MatX> svd(out.held, Eigen::ComputeFullU | Eigen::ComputeFullV);
    const VecX& values = svd.singularValues();
    const Eigen::Index rank = (values.array() > 1e-9 * std::max(values.maxCoeff(), 1e-300)).count();
    out.along = svd.matrixV().rightCols(k - rank);
    out.pull = out.held.transpose().completeOrthogonalDecomposition().solve(g);
    out.slope = gradient_ - all.transpose() * out.pull;
  }
  out.reduced = out.along.transpose() * g;
}

/// Slope of the cost less what heights hold over the moving coordinates, a step beside q along one of the directions; changes
/// the last value().
VecX Balance::slope_beside(std::span<const double> q, const Active& active, Eigen::Index direction, double step) {
  std::vector<double> moved(q.begin(), q.end());
  for (std::size_t i = 0; i < active.moving.size(); ++i)
    moved[at(options_.free[at(active.moving[i])])] += step * active.along(row(i), direction);
  value(moved);
  VecX slope = gradient();
  MatX all;
  held(moved, &all);
  if (all.rows() > 0) slope -= all.transpose() * active.pull;
  VecX part(row(active.moving.size()));
  for (std::size_t i = 0; i < active.moving.size(); ++i) part[row(i)] = slope[active.moving[i]];
  return part;
}

/// Second derivatives of the cost less what heights hold, along the directions in which the posture may move, by central
/// differences; changes the last value().
MatX Balance::curvature(std::span<const double> q, const Active& active) {
  const Eigen::Index k = active.along.cols();
  MatX out(k, k);
  const std::vector<double> warm = warm_;
  for (Eigen::Index d = 0; d < k; ++d) {
    VecX change = VecX::Zero(active.along.rows());
    for (const double sign : {1.0, -1.0}) {
      warm_ = warm;
      change += sign * slope_beside(q, active, d, sign * gradient_step);
    }
    out.col(d) = active.along.transpose() * change / (2.0 * gradient_step);
  }
  return 0.5 * (out + out.transpose());
}

double Balance::height_error(std::span<const double> q) {
  const VecX left = held(q);
  return left.size() == 0 ? 0.0 : left.cwiseAbs().maxCoeff();
}

/// Moves q along a step of the moving coordinates as far as bounds and a sufficient fall of the cost allow, back to the
/// held heights; false where it cannot. The last value() and gradient() are then at q.
bool Balance::walk(std::vector<double>& q, double& cost, const Active& active, const VecX& step) {
  const std::vector<int>& free = options_.free;
  double share = 1.0;
  for (Eigen::Index i = 0; i < step.size(); ++i) {
    const std::size_t place = at(active.moving[at(i)]);
    const double x = q[at(free[place])],
                 room = step[i] > 0.0 ? options_.bounds[place][1] - x : options_.bounds[place][0] - x;
    if (std::abs(step[i]) > 1e-15 && std::abs(step[i]) > std::abs(room)) share = std::min(share, room / step[i]);
  }
  const double falls = active.reduced.dot(active.along.transpose() * step), rounding = 1e-13 * std::abs(cost);
  for (int half = 0; half < 40; ++half, share *= 0.5) {
    std::vector<double> trial = q;
    std::vector<char> stops(free.size(), 1);
    for (Eigen::Index i = 0; i < step.size(); ++i) {
      const std::size_t place = at(active.moving[at(i)]);
      double& x = trial[at(free[place])];
      x = std::clamp(x + share * step[i], options_.bounds[place][0], options_.bounds[place][1]);
      stops[place] = x <= options_.bounds[place][0] || x >= options_.bounds[place][1];
    }
    restore(trial, stops);
    if (!(height_error(trial) < 1e-9)) continue;
    const double there = value(trial);
    if (there <= cost + 1e-4 * share * falls + (std::abs(share * falls) < rounding ? 4.0 * rounding : 0.0)) {
      const bool moved = trial != q;
      q = trial;
      cost = there;
      gradient();
      return moved;
    }
  }
  value(q);
  gradient();
  return false;
}

/// Where the cost has a corner: the gradients around a posture span its slopes, and where they hold 0 between them it is a
/// minimum (gradient sampling, Burke, Lewis & Overton 2005), to within the radius of the sample. Goes downhill along the
/// shortest of their mixtures until that vanishes, radius after radius.
void Balance::settle_at_corner(BalancedPosture& out, std::vector<char>& stopped, Active& active) {
  double cost = value(out.q);
  gradient();
  for (const double radius : {1e-3, known_at_corners, 4e-5, 8e-6}) {
    for (int k = 0; k < 12; ++k, ++out.steps) {
      constrain(out.q, stopped, active);
      const Eigen::Index n = active.along.cols();
      MatX slopes(n, 2 * n + 1);
      slopes.col(0) = active.reduced;
      const std::vector<double> warm = warm_;
      for (Eigen::Index d = 0; d < 2 * n; ++d) {
        warm_ = warm;
        const VecX part = slope_beside(out.q, active, d % n, d < n ? radius : -radius);
        slopes.col(d + 1) = active.along.transpose() * part;
      }
      warm_ = warm;
      value(out.q);
      gradient();
      const VecX shortest = shortest_mixture(slopes);
      const double length = shortest.norm();
      if (length <= 1e-6) {
        out.last_step = radius;
        break;
      }
      Active downhill = active;
      downhill.reduced = shortest;
      if (!walk(out.q, cost, downhill, active.along * (-4.0 * radius / length * shortest))) break;
    }
  }
}

/// Downhill from out.q, by what value() asks now.
void Balance::descend(BalancedPosture& out, std::vector<char>& stopped, Active& active) {
  const std::vector<int>& free = options_.free;
  double cost = value(out.q);
  gradient();
  int idle = 0;  // steps in a row that gained next to nothing: at a corner of the cost they go on for ever
  for (int step_count = 0; step_count < options_.max_steps; ++step_count, ++out.steps) {
    // stops that the cost leads away from most let go, then the next
    for (std::size_t i = 0; i < free.size(); ++i)
      stopped[i] = out.q[at(free[i])] <= options_.bounds[i][0] || out.q[at(free[i])] >= options_.bounds[i][1];
    for (;;) {
      constrain(out.q, stopped, active);
      const auto inwards = [&](std::size_t i) {
        return out.q[at(free[i])] <= options_.bounds[i][0] ? -active.slope[row(i)] : active.slope[row(i)];
      };
      double most = options_.tolerance;
      for (std::size_t i = 0; i < free.size(); ++i)
        if (stopped[i]) most = std::max(most, inwards(i));
      bool released = false;
      for (std::size_t i = 0; i < free.size(); ++i)
        if (stopped[i] && inwards(i) > options_.tolerance && inwards(i) > 0.99 * most) stopped[i] = 0, released = true;
      if (!released) break;
    }
    out.slope = active.reduced.size() == 0 ? 0.0 : active.reduced.cwiseAbs().maxCoeff();
    if (out.slope <= options_.tolerance) break;
    const MatX bend = curvature(out.q, active);
    VecX step;
    for (MatX part = MatX::Identity(bend.rows(), bend.cols());;) {
      const Eigen::SelfAdjointEigenSolver<MatX> eigen(part.transpose() * bend * part);
      const double largest = eigen.eigenvalues().cwiseAbs().maxCoeff();
      const VecX y = -eigen.eigenvectors() * (eigen.eigenvectors().transpose() * (part.transpose() * active.reduced))
                                                 .cwiseQuotient(eigen.eigenvalues().cwiseAbs().cwiseMax(1e-6 * largest))
                                                 .eval();
      step = active.along * (part * y);
      // one that stands at its end and would go past it stays there
      std::vector<Eigen::Index> staying;
      for (Eigen::Index i = 0; i < step.size(); ++i) {
        const std::size_t place = at(active.moving[at(i)]);
        const double x = out.q[at(free[place])];
        if ((step[i] < -1e-15 && x <= options_.bounds[place][0]) || (step[i] > 1e-15 && x >= options_.bounds[place][1]))
          staying.push_back(i);
      }
      if (staying.empty()) break;
      MatX fixed(row(staying.size()), part.cols());
      for (std::size_t i = 0; i < staying.size(); ++i) fixed.row(row(i)) = active.along.row(staying[i]) * part;
      const Eigen::JacobiSVD<MatX> svd(fixed, Eigen::ComputeFullV);
      const Eigen::Index rank = (svd.singularValues().array() > 1e-9).count();
      if (rank == 0 || rank == part.cols()) {
        step.setZero();
        break;
      }
      part = (part * svd.matrixV().rightCols(part.cols() - rank)).eval();
      for (const Eigen::Index i : staying) step[i] = 0.0;
    }
    const double length = step.cwiseAbs().maxCoeff();
    if (length > 0.1) step *= 0.1 / length;
    out.last_step = step.size() == 0 ? 0.0 : step.cwiseAbs().maxCoeff();
    const double before = cost;
    const bool moved = walk(out.q, cost, active, step);
    idle = before - cost < 1e-9 * std::abs(before) ? idle + 1 : 0;
    if (!moved || idle >= 4) break;
  }
}

/// The greatest of what muscles and contacts leave of an equation at the last value() [N m, N].
double Balance::imbalance() {
  double most = 0.0;
  for (const double reserve : inverse().reserve()) most = std::max(most, std::abs(reserve));
  return most;
}

bool Balance::held_by_muscles() { return inverse().converged() && imbalance() < 1e-3; }

BalancedPosture Balance::find(std::span<const double> start) {
  const std::vector<int>& free = options_.free;
  BalancedPosture out;
  out.q.assign(start.begin(), start.end());
  std::vector<char> stopped(free.size(), 0);
  for (std::size_t i = 0; i < free.size(); ++i) {
    double& x = out.q[at(free[i])];
    x = std::clamp(x, options_.bounds[i][0], options_.bounds[i][1]);
  }
  restore(out.q, stopped);
  if (const double error = height_error(out.q); !(error < 1e-9))
    throw Error(
        Kind::numeric, "posture",
        "expected a posture in which feet, seat and gaze are where they are held, found none within the ranges of "
        "the free coordinates (" +
            fixed_text(1e3 * error, 3) + " mm or mrad are left)");
  warm_.clear();
  Active active;
  const auto slope = [&] {
    constrain(out.q, stopped, active);
    return active.reduced.size() == 0 ? 0.0 : active.reduced.cwiseAbs().maxCoeff();
  };
  // a start near the minimum needs no detour; one from which the way is not smooth does
  const std::vector<double> restored = out.q;
  stage_ = 2;
  value(out.q);
  bool arrived = held_by_muscles();
  if (arrived) {
    descend(out, stopped, active);
    arrived = slope() <= options_.tolerance;
  }
  if (!arrived) {
    out.q = restored;
    warm_.clear();
    for (stage_ = 0; stage_ < 2; ++stage_) descend(out, stopped, active);
    value(out.q);
    if (held_by_muscles())
      descend(out, stopped, active);
    else
      stage_ = 1;
  }
  if (out.slope = slope(); out.slope > options_.tolerance) {
    out.last_step = std::max(out.last_step, 1e-3);
    settle_at_corner(out, stopped, active);
    out.slope = slope();
  }
  out.cost = value(out.q);
  gradient();
  constrain(out.q, stopped, active);
  out.converged = (out.slope <= options_.tolerance || out.last_step <= known_at_corners) && inverse().converged();
  tell(out);
  out.stop.assign(free.size(), 0.0);
  for (std::size_t i = 0; i < free.size(); ++i)
    if (stopped[i]) out.stop[i] = active.slope[row(i)];
  return out;
}

/// What is known of a posture at the last value().
void Balance::tell(BalancedPosture& out) {
  out.height_error = height_error(out.q);
  out.residual = inverse().residual();
  out.imbalance = imbalance();
  const std::vector<double> weight = muscle_weights(model(), options_.redundancy.weight);
  for (std::size_t m = 0; m < weight.size(); ++m)
    out.effort += weight[m] * std::pow(activation_[m], options_.redundancy.power) / static_cast<double>(weight.size());
  for (const Preference& one : options_.preferences) {
    const double x = departure(one, q_);
    out.preference += x * x / (one.scale * one.scale);
  }
}

BalancedPosture Balance::hold(std::span<const double> q) {
  BalancedPosture out;
  out.q.assign(q.begin(), q.end());
  warm_.clear();
  stage_ = 2;
  out.cost = value(out.q);
  if (!held_by_muscles()) {
    stage_ = 1;
    out.cost = value(out.q);
  }
  out.converged = inverse().converged();
  tell(out);
  out.stop.assign(options_.free.size(), 0.0);
  return out;
}

VecX Balance::sensitivity(const BalancedPosture& posture, Balance& low, Balance& high, double step) {
  const std::size_t n = options_.free.size();
  std::vector<char> stopped(n, 0);
  for (std::size_t i = 0; i < n; ++i) stopped[i] = posture.stop[i] != 0.0;
  value(posture.q);
  gradient();
  Active active;
  constrain(posture.q, stopped, active);
  const MatX bend = curvature(posture.q, active);
  low.value(posture.q);
  high.value(posture.q);
  const VecX change = (high.gradient() - low.gradient()) / (2.0 * step);
  VecX right(row(active.moving.size()));
  for (Eigen::Index i = 0; i < right.size(); ++i) right[i] = -change[active.moving[at(i)]];
  const VecX moved = active.along * bend.completeOrthogonalDecomposition().solve(active.along.transpose() * right);
  VecX out = VecX::Zero(row(n));
  for (Eigen::Index i = 0; i < right.size(); ++i) out[active.moving[at(i)]] = moved[i];
  value(posture.q);
  return out;
}

std::vector<double> Balance::stiffness() {
  const std::vector<int>& free = options_.free;
  const Eigen::Index n = row(free.size());
  MatX by(n, n);
  std::vector<double> q = q_;
  for (Eigen::Index i = 0; i < n; ++i) {
    double& x = q[at(free[at(i)])];
    const double here = x;
    VecX change = VecX::Zero(n);
    for (const double sign : {1.0, -1.0}) {
      x = here + sign * equation_step;
      equations(q);
      for (Eigen::Index k = 0; k < n; ++k) change[k] += sign * coordinate_left_[at(free[at(k)])];
    }
    x = here;
    by.col(i) = change / (2.0 * equation_step);
  }
  MatX all;
  held(q_, &all);
  MatX along = MatX::Identity(n, n);
  if (const Eigen::Index heights = row(options_.heights.size()); heights > 0) {
    const Eigen::JacobiSVD<MatX> svd(all.topRows(heights), Eigen::ComputeFullU | Eigen::ComputeFullV);
    const Eigen::Index rank = (svd.singularValues().array() > 1e-9 * svd.singularValues().maxCoeff()).count();
    along = svd.matrixV().rightCols(n - rank);
  }
  const MatX part = along.transpose() * (0.5 * (by + by.transpose())) * along;
  if (part.size() == 0) return {};
  const Eigen::SelfAdjointEigenSolver<MatX> eigen(part, Eigen::EigenvaluesOnly);
  return {eigen.eigenvalues().data(), eigen.eigenvalues().data() + part.rows()};
}

}  // namespace psoas
