// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Unknowns x: the control points of the changes of all coordinates, then what holds for all times (mass centre, masses,
// heights of planes). Bounds and laws are rows g(x), = 0 or >= 0, each with a scale s far below what matters; what is
// minimised is the cost plus the sum of (g / s)^2 over the rows that are not kept, so a row is missed by no more than its
// multiplier times s^2, and motions that no feet can carry leave the least possible instead of nothing. The active rows
// are few, so unknowns are solved for directly: control points reach six knots far, which makes the equations banded.
#include "psoas/solve/reference.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/factor.hpp"
#include "psoas/skeleton/dynamics.hpp"

namespace psoas {
namespace {

using D = Dual<4>;
constexpr int order = 6;  // control points at work at one instant
constexpr int group = 5;  // control points a block: neighbours in time alone share equations

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// ---- splines

/// The uniform B-splines of a degree that live on one interval, at the part u of it, after Cox and de Boor.
std::array<double, order> basis(int degree, double u) {
  std::array<double, order> b{1.0};
  for (int p = 1; p <= degree; ++p)
    for (int j = p; j >= 0; --j)
      b[at(j)] = ((j > 0 ? (u + p - j) * b[at(j - 1)] : 0.0) + (j < p ? (1.0 - u + j) * b[at(j)] : 0.0)) / p;
  return b;
}

/// Quintic B-splines at an instant with their first two derivatives in time.
struct Basis {
  int first = 0;  ///< control point of the first
  std::array<double, order> value, slope{}, curvature{};

  Basis(double t, double knots, int intervals) {
    first = std::clamp(static_cast<int>(t / knots), 0, intervals - 1);
    const double u = t / knots - first;
    value = basis(5, u);
    const std::array<double, order> four = basis(4, u), three = basis(3, u);
    for (int j = 0; j < order; ++j) {
      const auto of = [](const std::array<double, order>& b, int i, int degree) {
        return i < 0 || i > degree ? 0.0 : b[at(i)];
      };
      slope[at(j)] = (of(four, j - 1, 4) - of(four, j, 4)) / knots;
      curvature[at(j)] = (of(three, j - 2, 3) - 2.0 * of(three, j - 1, 3) + of(three, j, 3)) / (knots * knots);
    }
  }
};

// ---- equations

/// A symmetric matrix of blocks along the diagonal that touch their neighbours, and a border that touches all; its
/// lower part.
struct Banded {
  std::vector<MatX> diagonal, below;  // below[j]: rows of block j, columns of block j - 1
  std::vector<MatX> border;
  MatX corner;

  Banded() = default;
  Banded(int blocks, int size, int rest)
      : diagonal(at(blocks), MatX::Zero(size, size)),
        below(at(blocks), MatX::Zero(size, size)),
        border(at(blocks), MatX::Zero(rest, size)),
        corner(MatX::Zero(rest, rest)) {}

  Eigen::Index size() const { return diagonal.front().rows(); }
  Eigen::Index total() const { return size() * static_cast<Eigen::Index>(diagonal.size()) + corner.rows(); }

  VecX times(const VecX& x) const {
    VecX y = VecX::Zero(x.size());
    const Eigen::Index s = size(), g = corner.rows();
    for (std::size_t j = 0; j < diagonal.size(); ++j) {
      const Eigen::Index here = static_cast<Eigen::Index>(j) * s;
      y.segment(here, s) += diagonal[j].selfadjointView<Eigen::Lower>() * x.segment(here, s);
      if (j > 0) {
        y.segment(here, s) += below[j] * x.segment(here - s, s);
        y.segment(here - s, s) += below[j].transpose() * x.segment(here, s);
      }
      y.tail(g) += border[j] * x.segment(here, s);
      y.segment(here, s) += border[j].transpose() * x.tail(g);
    }
    if (g > 0) y.tail(g) += corner.selfadjointView<Eigen::Lower>() * x.tail(g);
    return y;
  }

  /// Factorises in place and solves; false where it is not positive definite.
  bool solve(VecX& x) {
    const Eigen::Index s = size(), g = corner.rows();
    for (std::size_t j = 0; j < diagonal.size(); ++j) {
      if (j > 0) {
        diagonal[j].selfadjointView<Eigen::Lower>().rankUpdate(below[j], -1.0);
        border[j] -= border[j - 1] * below[j].transpose();
      }
      const Eigen::LLT<Eigen::Ref<MatX>> factor(diagonal[j]);
      if (factor.info() != Eigen::Success) return false;
      const auto upper = diagonal[j].transpose().triangularView<Eigen::Upper>();
      if (g > 0) upper.solveInPlace<Eigen::OnTheRight>(border[j]);
      if (j + 1 < diagonal.size()) upper.solveInPlace<Eigen::OnTheRight>(below[j + 1]);
      if (g > 0) corner.selfadjointView<Eigen::Lower>().rankUpdate(border[j], -1.0);
      auto part = x.segment(static_cast<Eigen::Index>(j) * s, s);
      if (j > 0) part -= below[j] * x.segment(static_cast<Eigen::Index>(j - 1) * s, s);
      diagonal[j].triangularView<Eigen::Lower>().solveInPlace(part);
      x.tail(g) -= border[j] * part;
    }
    if (g > 0) {
      const Eigen::LLT<Eigen::Ref<MatX>> factor(corner);
      if (factor.info() != Eigen::Success) return false;
      auto rest = x.tail(g);
      factor.solveInPlace(rest);
    }
    for (std::size_t j = diagonal.size(); j-- > 0;) {
      auto part = x.segment(static_cast<Eigen::Index>(j) * s, s);
      part -= border[j].transpose() * x.tail(g);
      if (j + 1 < diagonal.size())
        part -= below[j + 1].transpose() * x.segment(static_cast<Eigen::Index>(j + 1) * s, s);
      diagonal[j].transpose().triangularView<Eigen::Upper>().solveInPlace(part);
    }
    return x.allFinite();
  }
};

/// Rows of one instant: their values over their scales, and how they change with the control points at work and the
/// unknowns of all times.
struct Station {
  int first = 0;  ///< control point
  VecX value;
  std::vector<char> one_sided;  ///< kept where not negative; else where zero
  MatX J, G;

  void resize(int rows, int local, int global) {
    value = VecX::Zero(rows);
    one_sided.assign(at(rows), 0);
    J = MatX::Zero(rows, local);
    G = MatX::Zero(rows, global);
  }
};

// ---- mechanics

/// A horizontal edge of the support: inward . (point - origin) >= distance.
struct Edge {
  double x = 0.0, z = 0.0, distance = 0.0;
};

/// Convex hull of points on the ground, as edges about their mean (Andrew's monotone chain).
std::vector<Edge> edges_of(const std::vector<Vec3>& points, const Vec3& origin) {
  std::vector<std::array<double, 2>> p, hull;
  for (const Vec3& point : points) p.push_back({point.x() - origin.x(), point.z() - origin.z()});
  std::sort(p.begin(), p.end());
  for (int pass = 0; pass < 2; ++pass) {
    const std::size_t start = hull.size();
    for (const auto& c : p) {
      while (hull.size() >= start + 2) {
        const auto &a = hull[hull.size() - 2], &b = hull.back();
        if ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0.0) break;
        hull.pop_back();
      }
      hull.push_back(c);
    }
    hull.pop_back();
    std::reverse(p.begin(), p.end());
  }
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < hull.size(); ++i) {
    const auto &a = hull[i], &b = hull[(i + 1) % hull.size()];
    const double length = std::hypot(b[0] - a[0], b[1] - a[1]);
    // counterclockwise with z as the second axis: inside is to the left
    Edge edge{-(b[1] - a[1]) / length, (b[0] - a[0]) / length, 0.0};
    edge.distance = edge.x * a[0] + edge.z * a[1];
    edges.push_back(edge);
  }
  return edges;
}

/// Scratch of one scalar.
template <class S>
struct Mechanics {
  explicit Mechanics(const Model& model) : tree(model.tree()), contact(model) {
    q.resize(at(model.tree().coordinates()));
    u = a = tau = q;
    position.resize(at(model.coordinates()));
    speed = acceleration = position;
  }
  TreeWork<S> tree;
  ContactWork<S> contact;
  std::vector<S> q, u, a, tau;
  std::vector<S> position, speed, acceleration;  // independent
  SpatialT<S> feet;                              // that feet have to exert, about the support's origin
};

class NearestMotion {
 public:
  NearestMotion(const Model& model, std::span<const QuinticSpline> recording, const ReferenceOptions& options)
      : model_(model),
        recording_(recording),
        options_(options),
        tree_(model.tree()),
        n_(model.coordinates()),
        intervals_(std::max(1, static_cast<int>(std::ceil(options.duration / options.knots - 1e-9)))),
        knots_(options.duration / intervals_),
        points_(intervals_ + order - 1),
        blocks_((points_ + group - 1) / group),
        plain_(model),
        dual_(model) {
    check();
    const ModelData& data = model.data();
    bare_ = data.spec;
    bare_.paths = "exact";
    bare_.muscles = {};
    bare_.groups = {};
    bare_.domain.clear();
    bare_.fitted_across = {};
    weight_ = data.mass * data.spec.gravity.norm();
    for (const Vec3& p : options.support) origin_ += p / static_cast<double>(options.support.size());
    edges_ = edges_of(options.support, origin_);
    not_held_.assign(tree_.bodies.size(), 1);
    not_held_[0] = 0;
    for (const HeldBody& held : options.held)
      for (int b = held.body; b < tree_.bodies[at(held.body)].subtree_end; ++b) not_held_[at(b)] = 0;
    for (std::size_t b = 1; b < tree_.bodies.size(); ++b)
      if (tree_.bodies[b].mass > 0.0) massive_.push_back(static_cast<int>(b));
    masses_ = options.trunk >= 0 ? 3 : 0;
    planes_ = masses_ + (options.mass > 0.0 ? static_cast<int>(massive_.size()) : 0);
    globals_ = planes_ + static_cast<int>(options.planes.size());
    x_ = VecX::Zero(blocks_ * group * n_ + globals_);
    for (const auto& [name, coordinate] : data.spec.coordinates) {
      if (coordinate.coupled_to) continue;
      range_.push_back(coordinate.range);
    }
    for (int c = 0; c < n_; ++c) scale_.push_back(data.is_rotation[at(c)] ? options.angle_scale : options.length_scale);
    const int instants = std::max(2, static_cast<int>(std::ceil(options.duration / options.step - 1e-9)));
    const double step = options.duration / instants;
    // splines of recordings are natural, so their accelerations bend at both ends
    for (const double part : {0.0, 0.1, 0.3, 0.6}) instant_.push_back(part * step);
    for (int i = 1; i < instants; ++i) instant_.push_back(i * step);
    for (const double part : {0.6, 0.3, 0.1, 0.0}) instant_.push_back(options.duration - part * step);
    cost();
  }

  Reference solve() {
    Reference out;
    out.before = fault(x_);
    stations_.resize(instant_.size() + 1);
    double now = 0.0;
    for (tight_ = loosest; out.iterations < most_iterations;) {
      // laws are tightened step by step, for far from them their linear parts lead astray
      if (out.iterations < tightenings) now = merit(x_);
      ++out.iterations;
      change_models(x_, true);
      for (std::size_t i = 0; i < instant_.size(); ++i) linearise(i);
      linearise_bounds();
      const VecX step = convex();
      double length = 1.0, next = 0.0;
      for (int k = 0; k < 12; ++k, length *= 0.5)
        if ((next = merit(x_ + length * step)) < now) break;
      // rounding is all that is left to gain, or nothing is
      const bool still = !(next < now * (1.0 - 1e-9));
      if (next < now) {
        x_ += length * step;
        now = next;
      }
      if (out.iterations < tightenings) {
        tight_ = loosest * std::pow(tightest / loosest, static_cast<double>(out.iterations) / (tightenings - 1));
        continue;
      }
      const double moved = length * step.cwiseAbs().maxCoeff();
      out.converged = moved < 1e-4 || (still && moved < 1e-3);
      if (out.converged || still) break;
    }
    out.after = fault(x_);
    tell(out);
    return out;
  }

 private:
  static Eigen::Index index(int i) { return static_cast<Eigen::Index>(i); }

  void check() const {
    const auto demand = [](bool holds, const char* what) {
      if (!holds) throw Error(Kind::input, "reference", what);
    };
    demand(recording_.size() == at(n_), "expected one spline an independent coordinate");
    demand(options_.duration > 0.0 && options_.knots > 0.0 && options_.step > 0.0,
           "expected duration, knots and step above 0");
    demand(options_.support.size() >= 3, "expected at least three points of support");
    demand(options_.angle_scale > 0.0 && options_.length_scale > 0.0, "expected scales above 0");
    demand(options_.mass_center > 0.0 && options_.mass >= 0.0 && options_.plane_height > 0.0,
           "expected bounds of changes above 0");
    demand(options_.fixed.empty() || options_.fixed.size() == at(n_), "expected one flag an independent coordinate");
  }

  /// The quadratic cost of all unknowns.
  void cost() {
    cost_ = Banded(blocks_, group * n_, globals_);
    std::vector<double> smooth(at(n_), std::pow(options_.smoothing_time, 4));
    for (const int c : model_.data().root)
      if (c >= 0) smooth[at(c)] = std::pow(options_.root_smoothing_time, 4);
    for (std::size_t i = 0; i < instant_.size(); ++i) {
      const Basis b(instant_[i], knots_, intervals_);
      const double before = instant_[i == 0 ? i : i - 1], after = instant_[i + 1 == instant_.size() ? i : i + 1],
                   share = 0.5 * (after - before) / options_.duration;
      for (int j = 0; j < order; ++j)
        for (int k = 0; k <= j; ++k) {
          for (int c = 0; c < n_; ++c) {
            const double both =
                share * (b.value[at(j)] * b.value[at(k)] + smooth[at(c)] * b.curvature[at(j)] * b.curvature[at(k)]);
            const double w = both / (scale_[at(c)] * scale_[at(c)]);
            element(cost_, b.first + j, b.first + k, c, c) += w;
          }
        }
    }
    // control points that no instant needs, and those behind the last
    for (int j = 0; j < blocks_ * group; ++j)
      for (int c = 0; c < n_; ++c) element(cost_, j, j, c, c) += 1e-9;
    for (int g = 0; g < globals_; ++g) {
      const double half = 0.5 * bound(g);
      cost_.corner(g, g) += 1.0 / (half * half);
    }
  }

  double bound(int g) const {
    return g < masses_ ? options_.mass_center : g < planes_ ? options_.mass : options_.plane_height;
  }

  /// Element of control points j >= k, coordinates c and d.
  double& element(Banded& matrix, int j, int k, int c, int d) const {
    const int block = j / group, other = k / group;
    MatX& m = block == other ? matrix.diagonal[at(block)] : matrix.below[at(block)];
    return m(index((j % group) * n_ + c), index((k % group) * n_ + d));
  }

  /// Masses, mass centres and heights of planes at unknowns x, and for differences a little above and below.
  void change_models(const VecX& x, bool neighbours) {
    const Tree& tree = model_.tree();
    const auto change = x.tail(globals_);
    if (masses_ > 0)
      tree_.bodies[at(options_.trunk)].mass_center = tree.bodies[at(options_.trunk)].mass_center + change.head<3>();
    for (int g = masses_; g < planes_; ++g) {
      const std::size_t b = at(massive_[at(g - masses_)]);
      tree_.bodies[b].mass = tree.bodies[b].mass * (1.0 + change[g]);
      tree_.bodies[b].inertia = tree.bodies[b].inertia * (1.0 + change[g]);
    }
    if (options_.planes.empty()) return;
    const auto at_height = [&](int raised, double by) {
      ModelSpec spec = bare_;
      for (std::size_t p = 0; p < options_.planes.size(); ++p)
        spec.planes.find(model_.data().plane_names[at(options_.planes[p])])->height +=
            change[planes_ + static_cast<int>(p)] + (static_cast<int>(p) == raised ? by : 0.0);
      return Model(spec);
    };
    contact_model_.clear();
    contact_model_.push_back(at_height(-1, 0.0));
    for (int p = 0; neighbours && p < static_cast<int>(options_.planes.size()); ++p) {
      contact_model_.push_back(at_height(p, height_step));
      contact_model_.push_back(at_height(p, -height_step));
    }
  }

  const Model& contact_model() const { return contact_model_.empty() ? model_ : contact_model_.front(); }

  /// Position, speed and acceleration at an instant.
  void motion(const Basis& b, double t, const VecX& x, std::vector<double>& q, std::vector<double>& u,
              std::vector<double>& a) const {
    for (int c = 0; c < n_; ++c) {
      const Jet2<double> jet = recording_[at(c)].jet(t);
      q[at(c)] = jet.value, u[at(c)] = jet.slope, a[at(c)] = jet.curvature;
      for (int j = 0; j < order; ++j) {
        const double p = x[index((b.first + j) * n_ + c)];
        q[at(c)] += b.value[at(j)] * p;
        u[at(c)] += b.slope[at(j)] * p;
        a[at(c)] += b.curvature[at(j)] * p;
      }
    }
  }

  template <class S>
  SpatialT<S> about_origin(const SpatialT<S>& w) const {
    SpatialT<S> out = w;
    const Vec3T<S> force = w.template tail<3>();
    out.template head<3>() -= origin_.cast<S>().eval().cross(force);
    return out;
  }

  /// What planes exert on spheres of bodies that are not held.
  template <class S>
  SpatialT<S> pushed(const Model& model, const TreeWork<S>& tree, ContactWork<S>& contact) const {
    SpatialT<S> sum = SpatialT<S>::Zero();
    contact_forces<S>(model, tree, contact);
    for (std::size_t b = 1; b < not_held_.size(); ++b)
      if (not_held_[b]) sum += contact.external[b];
    return sum;
  }

  /// What feet have to exert at position, speed and acceleration of a scratch.
  template <class S>
  void mechanics(Mechanics<S>& m) const {
    const ModelData& data = model_.data();
    for (std::size_t t = 0; t < data.couplings.size(); ++t) {
      const Coupling& coupling = data.couplings[t];
      const std::size_t c = at(coupling.source);
      const S source = m.position[c];
      const Jet2<S> jet = coupling.identity ? Jet2<S>{source, S(1.0), S(0.0)} : coupling.function.jet(source);
      m.q[t] = jet.value;
      m.u[t] = jet.slope * m.speed[c];
      m.a[t] = jet.slope * m.acceleration[c] + jet.curvature * m.speed[c] * m.speed[c];
    }
    positions<S>(tree_, m.q, m.tree);
    velocities<S>(tree_, m.u, m.tree);
    inverse_dynamics<S>(tree_, m.a, data.spec.gravity, {}, m.tree, m.tau);
    m.feet = about_origin<S>(m.tree.joint_wrench[0] - pushed<S>(contact_model(), m.tree, m.contact));
  }

  int rows_of_feet() const { return static_cast<int>(edges_.size()) + 4; }
  int fixed_rows() const { return rows_of_feet() + 6 * static_cast<int>(options_.held.size()); }

  /// The rows of feet and of held bodies over their scales.
  template <class S>
  void rows(const Mechanics<S>& m, std::vector<S>& out) const {
    const SpatialT<S>& w = m.feet;
    std::size_t r = 0;
    // as with the margin: a little more than is asked, for between instants it may be a little less
    const double friction = 0.95 * options_.friction, moment = 1.0 / (weight_ * tight_),
                 force = 1.0 / (weight_ * tight_);
    for (const Edge& e : edges_)
      out[r++] = (e.x * w[2] - e.z * w[0] - (e.distance + options_.margin + options_.between) * w[4]) * moment;
    for (const double sign : {1.0, -1.0}) out[r++] = (friction * w[4] + sign * w[3]) * force;
    for (const double sign : {1.0, -1.0}) out[r++] = (friction * w[4] + sign * w[5]) * force;
    for (const HeldBody& held : options_.held) {
      const PoseT<S>& X = m.tree.X_GB[at(held.body)];
      const Mat3T<S> turn = held.X_GB.R.transpose().cast<S>().eval() * X.R;
      for (Eigen::Index k = 0; k < 3; ++k) out[r++] = (X.p[k] - held.X_GB.p[k]) / tight_;
      out[r++] = 0.5 * (turn(2, 1) - turn(1, 2)) / tight_;
      out[r++] = 0.5 * (turn(0, 2) - turn(2, 0)) / tight_;
      out[r++] = 0.5 * (turn(1, 0) - turn(0, 1)) / tight_;
    }
  }

  void linearise(std::size_t i) {
    Station& s = stations_[i];
    const Basis b(instant_[i], knots_, intervals_);
    std::vector<double> q(at(n_)), u(at(n_)), a(at(n_));
    motion(b, instant_[i], x_, q, u, a);
    const bool last = options_.ends_at_rest && i + 1 == instant_.size();
    std::vector<std::pair<int, int>> near;  // coordinates beside an end of their range, and which
    for (int c = 0; c < n_; ++c)
      for (const int side : {0, 1})
        if (std::abs(q[at(c)] - range_[at(c)][at(side)]) < 0.3 || (q[at(c)] > range_[at(c)][at(side)]) == (side == 1))
          near.emplace_back(c, side);
    const int fixed = fixed_rows();
    s.first = b.first;
    s.resize(fixed + static_cast<int>(near.size()) + (last ? 2 * n_ : 0), order * n_, globals_);
    for (int r = 0; r < rows_of_feet(); ++r) s.one_sided[at(r)] = 1;

    // feet and held bodies by dual numbers: position and speed of each coordinate; what they are at is left in `row`
    std::vector<D> row(at(fixed));
    for (int seed = 0; seed < 2 * n_; seed += 4) {
      for (int c = 0; c < n_; ++c) {
        dual_.position[at(c)] = q[at(c)];
        dual_.speed[at(c)] = u[at(c)];
        dual_.acceleration[at(c)] = a[at(c)];
      }
      const int seeds = std::min(4, 2 * n_ - seed);
      for (int k = 0; k < seeds; ++k)
        (seed + k < n_ ? dual_.position : dual_.speed)[at((seed + k) % n_)].v[at(k)] = 1.0;
      mechanics(dual_);
      rows(dual_, row);
      for (int k = 0; k < seeds; ++k) {
        const std::array<double, order>& w = seed + k < n_ ? b.value : b.slope;
        for (int r = 0; r < fixed; ++r)
          for (int j = 0; j < order; ++j) s.J(r, j * n_ + (seed + k) % n_) += row[at(r)].v[at(k)] * w[at(j)];
      }
    }
    for (int r = 0; r < fixed; ++r) s.value[r] = row[at(r)].a;
    plain_.position = q, plain_.speed = u, plain_.acceleration = a;
    mechanics(plain_);
    linearise_globals(s);
    linearise_accelerations(s, b);

    int r = fixed;
    for (const auto& [c, side] : near) {
      const double sign = side == 0 ? 1.0 : -1.0;
      s.value[r] = sign * (q[at(c)] - range_[at(c)][at(side)]) / range_scale;
      s.one_sided[at(r)] = 1;
      for (int j = 0; j < order; ++j) s.J(r, j * n_ + c) = sign * b.value[at(j)] / range_scale;
      ++r;
    }
    for (int c = 0; last && c < n_; ++c, r += 2) {
      s.value[r] = u[at(c)] / rest_scale;
      s.value[r + 1] = a[at(c)] / rest_scale;
      for (int j = 0; j < order; ++j) {
        s.J(r, j * n_ + c) = b.slope[at(j)] / rest_scale;
        s.J(r + 1, j * n_ + c) = b.curvature[at(j)] / rest_scale;
      }
    }
    leave_fixed(s);
  }

  /// Coordinates that are not to change do not: no row knows of them, and the cost keeps them.
  void leave_fixed(Station& s) const {
    for (int c = 0; c < n_ && !options_.fixed.empty(); ++c)
      for (int j = 0; j < order && options_.fixed[at(c)]; ++j) s.J.col(j * n_ + c).setZero();
  }

  /// The feet's rows for a change of their wrench [about ground's origin]; they are linear in it.
  const std::vector<double>& rows_of(const Spatial& change) {
    plain_.feet = about_origin<double>(change);
    row_.resize(at(fixed_rows()));
    rows(plain_, row_);
    return row_;
  }

  /// How they change with accelerations: the momentum of all that a coordinate moves, per unit of its speed.
  void linearise_accelerations(Station& s, const Basis& b) {
    const std::size_t tree = at(tree_.coordinates());
    mass_.resize(tree * tree);
    mass_matrix<double>(tree_, plain_.tree, mass_);
    for (std::size_t t = 0; t < tree; ++t) {
      const Coupling& coupling = model_.data().couplings[t];
      const RigidInertia<double>& inertia = plain_.tree.rigid[at(tree_.coordinate_body[t])];
      const Vec3 w = plain_.tree.motion[t].head<3>(), v = plain_.tree.motion[t].tail<3>();
      Spatial momentum;
      momentum << inertia.second.selfadjointView<Eigen::Lower>() * w + inertia.first.cross(v),
          inertia.mass * v - inertia.first.cross(w);
      const double slope = coupling.identity ? 1.0 : coupling.function.jet(plain_.position[at(coupling.source)]).slope;
      const std::vector<double>& row = rows_of(slope * momentum);
      for (int r = 0; r < rows_of_feet(); ++r)
        for (int j = 0; j < order; ++j) s.J(r, j * n_ + coupling.source) += row[at(r)] * b.curvature[at(j)];
    }
  }

  /// How they change with masses, mass centre and planes.
  void linearise_globals(Station& s) {
    if (globals_ == 0) return;
    const auto see = [&](int g, const Spatial& change) {
      const std::vector<double>& row = rows_of(change);
      for (int r = 0; r < rows_of_feet(); ++r) s.G(r, g) = row[at(r)];
    };
    const TreeWork<double>& tree = plain_.tree;
    if (masses_ > 0) {
      const std::size_t b = at(options_.trunk);
      const Spatial& v = tree.velocity[b];
      const Spatial& acceleration = tree.acceleration[b];
      const Vec3 w = v.head<3>(), alpha = acceleration.head<3>(), centre = tree.mass_center[b];
      const Vec3 centre_velocity = v.tail<3>() + w.cross(centre);
      const Vec3 pull = acceleration.tail<3>() + alpha.cross(centre) + w.cross(centre_velocity) - model_.spec().gravity;
      for (int k = 0; k < 3; ++k) {
        const Vec3 e = tree.X_GB[b].R.col(k), faster = alpha.cross(e) + w.cross(w.cross(e));
        Spatial change;
        change << e.cross(pull) + centre.cross(faster), faster;
        see(k, tree_.bodies[b].mass * change);
      }
    }
    std::vector<Spatial> own(tree.joint_wrench.begin(), tree.joint_wrench.end());
    for (std::size_t b = 1; b < own.size(); ++b) own[at(tree_.bodies[b].parent)] -= tree.joint_wrench[b];
    for (int g = masses_; g < planes_; ++g) {
      const std::size_t b = at(massive_[at(g - masses_)]);
      see(g, own[b] * (model_.tree().bodies[b].mass / tree_.bodies[b].mass));
    }
    for (int p = 0; p < static_cast<int>(options_.planes.size()); ++p)
      see(planes_ + p, -(pushed<double>(contact_model_[at(1 + 2 * p)], plain_.tree, plain_.contact) -
                         pushed<double>(contact_model_[at(2 + 2 * p)], plain_.tree, plain_.contact)) /
                           (2.0 * height_step));
  }

  /// Bounds of the unknowns of all times, and that masses keep their sum.
  void linearise_bounds() {
    Station& s = stations_.back();
    s.first = -1;
    const VecX rest = x_.tail(globals_);
    const int boxes = globals_ - masses_, trunk = masses_ > 0 ? 1 : 0, sum = planes_ > masses_ ? 1 : 0;
    s.resize(2 * boxes + trunk + sum, 0, globals_);
    int r = 0;
    for (int g = masses_; g < globals_; ++g)
      for (const double sign : {1.0, -1.0}) {
        s.one_sided[at(r)] = 1;
        s.value[r] = (bound(g) + sign * rest[g]) / exact;
        s.G(r++, g) = sign / exact;
      }
    if (trunk) {
      s.one_sided[at(r)] = 1;
      const double length = rest.head<3>().norm();
      s.value[r] = (options_.mass_center - length) / exact;
      if (length > 1e-9)
        for (int k = 0; k < 3; ++k) s.G(r, k) = -rest[k] / length / exact;
      ++r;
    }
    if (sum)
      for (int g = masses_; g < planes_; ++g) {
        const double share = model_.tree().bodies[at(massive_[at(g - masses_)])].mass / model_.data().mass;
        s.value[r] += share * rest[g] / exact;
        s.G(r, g) = share / exact;
      }
  }

  /// The cost and the squares of missed rows at x.
  double merit(const VecX& x) {
    change_models(x, false);
    double sum = x.dot(cost_.times(x));
    std::vector<double> row(at(fixed_rows()));
    const auto miss = [&](double value, bool one_sided) {
      if (!one_sided || value < 0.0) sum += value * value;
    };
    for (std::size_t i = 0; i < instant_.size(); ++i) {
      const Basis b(instant_[i], knots_, intervals_);
      motion(b, instant_[i], x, plain_.position, plain_.speed, plain_.acceleration);
      mechanics(plain_);
      rows(plain_, row);
      for (int r = 0; r < fixed_rows(); ++r) miss(row[at(r)], r < rows_of_feet());
      for (int c = 0; c < n_; ++c) {
        miss((plain_.position[at(c)] - range_[at(c)][0]) / range_scale, true);
        miss((range_[at(c)][1] - plain_.position[at(c)]) / range_scale, true);
        if (options_.ends_at_rest && i + 1 == instant_.size()) {
          miss(plain_.speed[at(c)] / rest_scale, false);
          miss(plain_.acceleration[at(c)] / rest_scale, false);
        }
      }
    }
    const VecX rest = x.tail(globals_);
    for (int g = masses_; g < globals_; ++g)
      for (const double sign : {1.0, -1.0}) miss((bound(g) + sign * rest[g]) / exact, true);
    if (masses_ > 0) miss((options_.mass_center - rest.head<3>().norm()) / exact, true);
    double mass = 0.0;
    for (int g = masses_; g < planes_; ++g)
      mass += model_.tree().bodies[at(massive_[at(g - masses_)])].mass / model_.data().mass * rest[g];
    miss(mass / exact, false);
    return sum;
  }

  /// Where the unknowns of a station stand.
  VecX product(const Station& s, const VecX& d) const {
    VecX out = s.G * d.tail(globals_);
    if (s.first >= 0) out += s.J * d.segment(s.first * n_, order * n_);
    return out;
  }

  /// Adds J^T J of some rows of a station, or all.
  void add(const Station& s, const std::vector<char>& active, Banded& matrix) {
    Eigen::Index count = 0;
    for (const char one : active) count += one != 0;
    if (count == 0) return;
    MatX J(count, s.J.cols()), G(count, globals_);
    Eigen::Index k = 0;
    for (std::size_t r = 0; r < active.size(); ++r)
      if (active[r]) {
        if (s.first >= 0) J.row(k) = s.J.row(static_cast<Eigen::Index>(r));
        if (globals_ > 0) G.row(k) = s.G.row(static_cast<Eigen::Index>(r));
        ++k;
      }
    if (globals_ > 0) matrix.corner.selfadjointView<Eigen::Lower>().rankUpdate(G.transpose());
    if (s.first < 0) return;
    const MatX own = J.transpose() * J, cross = G.transpose() * J;
    for (int j = 0; j < order; ++j) {
      const int row = s.first + j;
      if (globals_ > 0)
        matrix.border[at(row / group)].middleCols((row % group) * n_, n_) += cross.middleCols(j * n_, n_);
      for (int l = 0; l <= j; ++l) {
        const int column = s.first + l;
        MatX& block = row / group == column / group ? matrix.diagonal[at(row / group)] : matrix.below[at(row / group)];
        block.block((row % group) * n_, (column % group) * n_, n_, n_) += own.block(j * n_, l * n_, n_, n_);
      }
    }
  }

  /// The step to the minimum of the cost and of the squares of linearised rows: Newton's method with the rows that are
  /// missed, and an exact line search along each step.
  VecX convex() {
    Banded always = cost_;
    std::vector<std::vector<char>> active(stations_.size());
    for (std::size_t i = 0; i < stations_.size(); ++i) {
      const Station& s = stations_[i];
      active[i].assign(s.one_sided.size(), 0);
      for (std::size_t r = 0; r < active[i].size(); ++r) active[i][r] = !s.one_sided[r];
      add(s, active[i], always);
    }
    VecX d = VecX::Zero(x_.size());
    std::vector<VecX> value(stations_.size());
    for (std::size_t i = 0; i < stations_.size(); ++i) value[i] = stations_[i].value;
    for (int round = 0; round < 60; ++round) {
      Banded matrix = always;
      VecX gradient = cost_.times(x_ + d);
      bool changed = round == 0;
      for (std::size_t i = 0; i < stations_.size(); ++i) {
        const Station& s = stations_[i];
        std::vector<char> extra(active[i].size(), 0);
        VecX missed = value[i];
        for (std::size_t r = 0; r < extra.size(); ++r) {
          const bool on = !s.one_sided[r] || value[i][static_cast<Eigen::Index>(r)] < 0.0;
          if (!on) missed[static_cast<Eigen::Index>(r)] = 0.0;
          extra[r] = on && s.one_sided[r];
          changed = changed || on != (active[i][r] != 0);
          active[i][r] = on;
        }
        add(s, extra, matrix);
        gradient.tail(globals_) += s.G.transpose() * missed;
        if (s.first >= 0) gradient.segment(s.first * n_, order * n_) += s.J.transpose() * missed;
      }
      if (!changed) break;
      VecX step = -gradient;
      if (!matrix.solve(step)) throw Error(Kind::numeric, "reference", "expected equations of full rank");
      // the derivative along the step, which rises
      std::vector<VecX> rate(stations_.size());
      for (std::size_t i = 0; i < stations_.size(); ++i) rate[i] = product(stations_[i], step);
      const double linear = step.dot(cost_.times(x_ + d)), quadratic = step.dot(cost_.times(step));
      const auto slope = [&](double length) {
        double sum = linear + length * quadratic;
        for (std::size_t i = 0; i < stations_.size(); ++i)
          for (Eigen::Index r = 0; r < rate[i].size(); ++r) {
            const double v = value[i][r] + length * rate[i][r];
            if (!stations_[i].one_sided[static_cast<std::size_t>(r)] || v < 0.0) sum += v * rate[i][r];
          }
        return sum;
      };
      double low = 0.0, high = 1.0;
      const double start = std::abs(slope(0.0));
      if (slope(1.0) > 1e-9 * start)
        for (int k = 0; k < 50; ++k) {
          const double middle = 0.5 * (low + high);
          (slope(middle) > 0.0 ? high : low) = middle;
        }
      else
        low = 1.0;
      d += low * step;
      for (std::size_t i = 0; i < stations_.size(); ++i) value[i] += low * rate[i];
      if (low * step.cwiseAbs().maxCoeff() < 1e-12) break;
    }
    return d;
  }

  /// Greatest faults of a motion, at four times as many instants.
  ReferenceFault fault(const VecX& x) {
    change_models(x, false);
    ReferenceFault out;
    out.least_inside = inf;
    const int count = 4 * static_cast<int>(instant_.size() - 1);
    for (int i = 0; i <= count; ++i) {
      const double t = options_.duration * i / count;
      motion(Basis(t, knots_, intervals_), t, x, plain_.position, plain_.speed, plain_.acceleration);
      mechanics(plain_);
      const Spatial& w = plain_.feet;
      const double sideways = std::max(std::abs(w[3]), std::abs(w[5]));
      const bool stands = w[4] >= 0.05 * weight_;
      for (const Edge& e : edges_) {
        const double moment = e.x * w[2] - e.z * w[0] - e.distance * w[4];
        if (stands) out.least_inside = std::min(out.least_inside, moment / w[4]);
        out.moment = std::max(out.moment, options_.margin * w[4] - moment);
      }
      if (stands) out.friction = std::max(out.friction, sideways / w[4]);
      out.force = std::max(out.force, sideways - options_.friction * w[4]);
      for (const HeldBody& held : options_.held) {
        const Pose& X = plain_.tree.X_GB[at(held.body)];
        out.drift = std::max(out.drift, (X.p - held.X_GB.p).norm());
        out.turn = std::max(out.turn, Eigen::AngleAxisd(held.X_GB.R.transpose() * X.R).angle());
      }
    }
    if (out.least_inside == inf) out.least_inside = std::nan("");  // feet never stood
    return out;
  }

  void tell(Reference& out) const {
    const int count = std::max(2, static_cast<int>(std::ceil(options_.duration / 0.005 - 1e-9)));
    const double step = options_.duration / count;
    std::vector<double> time, q(at(n_)), u(at(n_)), a(at(n_));
    std::vector<std::vector<double>> value(at(n_));
    out.rms.assign(at(n_), 0.0);
    out.greatest = out.rms;
    // the splines through these points are natural: so little is bent at their ends
    for (const double part : {0.0, 0.05, 0.15, 0.4}) time.push_back(part * step);
    for (int i = 1; i < count; ++i) time.push_back(i * step);
    for (const double part : {0.4, 0.15, 0.05, 0.0}) time.push_back(options_.duration - part * step);
    for (std::size_t i = 0; i < time.size(); ++i) {
      motion(Basis(time[i], knots_, intervals_), time[i], x_, q, u, a);
      const double share =
          0.5 * (time[i + 1 == time.size() ? i : i + 1] - time[i == 0 ? i : i - 1]) / options_.duration;
      for (int c = 0; c < n_; ++c) {
        value[at(c)].push_back(q[at(c)]);
        const double change = q[at(c)] - recording_[at(c)](time[i]);
        out.rms[at(c)] += change * change * share;
        out.greatest[at(c)] = std::max(out.greatest[at(c)], std::abs(change));
      }
    }
    for (int c = 0; c < n_; ++c) {
      out.rms[at(c)] = std::sqrt(out.rms[at(c)]);
      out.coordinates.emplace_back(time, value[at(c)], Exact{}, model_.data().coordinate_names[at(c)]);
    }
    const VecX rest = x_.tail(globals_);
    if (masses_ > 0) out.mass_center = rest.head<3>();
    out.mass.assign(tree_.bodies.size(), 0.0);
    for (int g = masses_; g < planes_; ++g) out.mass[at(massive_[at(g - masses_)])] = rest[g];
    for (int g = planes_; g < globals_; ++g) out.plane_height.push_back(rest[g]);
  }

  // Scales of rows: of laws [m, rad, body weights, body weights times m], and of bounds and rest [m, rad, per s].
  static constexpr double loosest = 3e-2, tightest = 1e-3, range_scale = 1e-4, rest_scale = 1e-3, exact = 1e-6;
  static constexpr int tightenings = 6, most_iterations = 40;
  static constexpr double height_step = 1e-5;  // for differences [m]

  const Model& model_;
  std::span<const QuinticSpline> recording_;
  const ReferenceOptions& options_;
  Tree tree_;
  int n_;
  int intervals_;
  double knots_;
  int points_, blocks_;
  int masses_ = 0, planes_ = 0,
      globals_ = 0;  // where the unknowns of all times start, and how many there are
  double weight_ = 0.0;
  Vec3 origin_ = Vec3::Zero();
  std::vector<Edge> edges_;
  std::vector<char> not_held_;
  std::vector<int> massive_;
  std::vector<std::array<double, 2>> range_;
  std::vector<double> scale_, instant_;
  ModelSpec bare_;  // the model's, without muscles
  std::vector<Model> contact_model_;
  Banded cost_;
  VecX x_;
  std::vector<Station> stations_;
  std::vector<double> row_, mass_;  // scratch
  Mechanics<double> plain_;
  Mechanics<D> dual_;
  double tight_ = loosest;
};

}  // namespace

Reference consistent_reference(const Model& model, std::span<const QuinticSpline> recording,
                               const ReferenceOptions& options) {
  return NearestMotion(model, recording, options).solve();
}

void stand(const Model& model, std::span<const QuinticSpline> recording, double until, ReferenceOptions& options) {
  const ModelData& data = model.data();
  std::vector<int> feet;
  for (const ContactPoint& contact : data.contacts)
    if (!contact.seat) feet.push_back(contact.body);
  const auto below = [&](int body, int other) {
    return body > other && body < model.tree().bodies[at(other)].subtree_end;
  };
  std::vector<int> heels;
  for (const int body : feet)
    if (std::find(heels.begin(), heels.end(), body) == heels.end() &&
        std::none_of(feet.begin(), feet.end(), [&](int other) { return below(body, other); }))
      heels.push_back(body);
  if (heels.empty()) throw Error(Kind::input, "reference", "expected a model with foot contacts");

  Workspace work(model);
  const int count = 100;
  std::vector<Vec3> place(heels.size(), Vec3::Zero()), heading = place;
  std::vector<double> q(at(model.coordinates())), u = q;
  for (int i = 0; i <= count; ++i) {
    for (std::size_t c = 0; c < q.size(); ++c) q[c] = recording[c](until * i / count);
    couple(model, q, u, work);
    positions<double>(model.tree(), work.q, work.tree);
    for (std::size_t h = 0; h < heels.size(); ++h) {
      const Pose& X = work.tree.X_GB[at(heels[h])];
      place[h] += X.p / (count + 1);
      heading[h] += X.R.col(0);
    }
  }
  // bodies beyond a foot are where they are in the default state
  couple(model, data.default_coordinates, u, work);
  positions<double>(model.tree(), work.q, work.tree);
  const double share = data.mass * data.spec.gravity.norm() / static_cast<double>(heels.size());
  for (std::size_t h = 0; h < heels.size(); ++h) {
    Pose X;
    heading[h].y() = 0.0;
    X.R.col(0) = heading[h].normalized();
    X.R.col(1) = Vec3::UnitY();
    X.R.col(2) = X.R.col(0).cross(X.R.col(1));
    X.p = place[h];
    const auto carried = [&](double height) {
      X.p.y() = height;
      double sum = 0.0;
      for (const ContactSphere& sphere : data.spheres) {
        if (sphere.body != heels[h] && !below(sphere.body, heels[h])) continue;
        const Vec3 centre =
            X * (work.tree.X_GB[at(heels[h])].inverse() * (work.tree.X_GB[at(sphere.body)] * sphere.location));
        for (const int p : sphere.planes) {
          const ContactPlane& plane = data.planes[at(p)];
          if (plane.body == 0 && plane.normal.y() > 0.0)
            sum += plane.normal.y() *
                   sphere.law.elastic(sphere.radius, sphere.radius - plane.normal.dot(centre - plane.point)).force;
        }
      }
      return sum;
    };
    double low = place[h].y() - 0.2, high = place[h].y() + 0.2;
    if (carried(low) > share && carried(high) < share) {
      for (int k = 0; k < 60; ++k) (carried(0.5 * (low + high)) > share ? low : high) = 0.5 * (low + high);
      X.p.y() = 0.5 * (low + high);
    } else {
      X.p.y() = place[h].y();
    }
    options.held.push_back({heels[h], X});
  }
  // the support is level: at the height of the mean of its points
  double level = 0.0;
  std::vector<Vec3> points;
  for (const ContactPoint& contact : data.contacts) {
    if (contact.seat) continue;
    for (std::size_t h = 0; h < heels.size(); ++h)
      if (contact.body == heels[h] || below(contact.body, heels[h]))
        points.push_back(
            options.held[options.held.size() - heels.size() + h].X_GB *
            (work.tree.X_GB[at(heels[h])].inverse() * (work.tree.X_GB[at(contact.body)] * contact.location)));
  }
  for (const Vec3& point : points) level += point.y() / static_cast<double>(points.size());
  for (Vec3& point : points) {
    point.y() = level;
    options.support.push_back(point);
  }
}

void change(const Reference& reference, const ReferenceOptions& options, const Model& model, ModelSpec& spec) {
  const ModelData& data = model.data();
  for (std::size_t b = 1; b < reference.mass.size(); ++b) {
    BodySpec& body = *spec.bodies.find(data.body_names[b]);
    if (static_cast<int>(b) == options.trunk) body.mass_center += reference.mass_center;
    body.mass *= 1.0 + reference.mass[b];
    for (double& one : body.inertia) one *= 1.0 + reference.mass[b];
  }
  for (std::size_t p = 0; p < reference.plane_height.size(); ++p)
    spec.planes.find(data.plane_names[at(options.planes[p])])->height += reference.plane_height[p];
}

QuinticSpline brought_to_rest(const QuinticSpline& recording, double until, double settle, double duration) {
  const int count = std::max(2, static_cast<int>(std::ceil(duration / 0.005 - 1e-9)));
  std::vector<double> time, value;
  const Jet2<double> last = recording.jet(until);
  for (int i = 0; i <= count; ++i) {
    const double t = duration * i / count;
    time.push_back(t);
    if (t <= until) {
      value.push_back(recording(t));
      continue;
    }
    // the speed is the cubic that falls to zero with the slopes that it has and none
    const double s = std::min(1.0, (t - until) / settle);
    value.push_back(last.value + settle * last.slope * (s - s * s * s + 0.5 * s * s * s * s) +
                    settle * settle * last.curvature * (s * s / 2.0 - 2.0 * s * s * s / 3.0 + 0.25 * s * s * s * s));
  }
  return QuinticSpline(time, value);
}

}  // namespace psoas
