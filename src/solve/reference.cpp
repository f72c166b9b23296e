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
#include "psoas/core/roots.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"
#include "psoas/skeleton/dynamics.hpp"

namespace psoas {
namespace {

using D = Dual<4>;
constexpr int order = 6;  // control points at work at one instant

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

/// A symmetric matrix of blocks along the diagonal that touch the next few, and a border that touches all; its lower
/// part. The blocks of one column stand below each other.
struct Banded {
  std::vector<MatX> column;  ///< block j and those below it, as many as it reaches
  std::vector<MatX> border;
  MatX corner;
  Eigen::Index size = 0;  ///< of a block

  Banded() = default;
  Banded(int blocks, int reach, int block, int rest) : corner(MatX::Zero(rest, rest)), size(block) {
    for (int j = 0; j < blocks; ++j) column.push_back(MatX::Zero(std::min(reach, blocks - j) * block, block));
    border.assign(column.size(), MatX::Zero(rest, block));
  }

  /// Factorises in place and solves; false where it is not positive definite.
  bool solve(VecX& x) {
    const Eigen::Index s = size, g = corner.rows();
    for (std::size_t j = 0; j < column.size(); ++j) {
      auto own = column[j].topRows(s);
      const Eigen::LLT<Eigen::Ref<MatX>> factor(own);
      if (factor.info() != Eigen::Success) return false;
      const auto upper = own.transpose().triangularView<Eigen::Upper>();
      auto below = column[j].bottomRows(column[j].rows() - s);
      if (below.rows() > 0) upper.solveInPlace<Eigen::OnTheRight>(below);
      if (g > 0) upper.solveInPlace<Eigen::OnTheRight>(border[j]);
      for (Eigen::Index k = 0; k < below.rows() / s; ++k) {
        const std::size_t next = j + 1 + static_cast<std::size_t>(k);
        const auto other = below.middleRows(k * s, s);
        const Eigen::Index rows = below.rows() - k * s;
        column[next].topRows(rows).noalias() -= below.bottomRows(rows) * other.transpose();
        if (g > 0) border[next].noalias() -= border[j] * other.transpose();
      }
      if (g > 0) corner.selfadjointView<Eigen::Lower>().rankUpdate(border[j], -1.0);
      const Eigen::Index here = static_cast<Eigen::Index>(j) * s;
      auto part = x.segment(here, s);
      own.triangularView<Eigen::Lower>().solveInPlace(part);
      x.segment(here + s, below.rows()) -= below * part;
      x.tail(g) -= border[j] * part;
    }
    if (g > 0) {
      const Eigen::LLT<Eigen::Ref<MatX>> factor(corner);
      if (factor.info() != Eigen::Success) return false;
      auto rest = x.tail(g);
      factor.solveInPlace(rest);
    }
    for (std::size_t j = column.size(); j-- > 0;) {
      const Eigen::Index here = static_cast<Eigen::Index>(j) * s, below = column[j].rows() - s;
      auto part = x.segment(here, s);
      part -= border[j].transpose() * x.tail(g);
      part -= column[j].bottomRows(below).transpose() * x.segment(here + s, below);
      column[j].topRows(s).transpose().triangularView<Eigen::Upper>().solveInPlace(part);
    }
    return x.allFinite();
  }
};

/// Rows of one instant: their values over their scales, and how they change with the control points at work and the
/// unknowns of all times. The last rows are ends of ranges, of one coordinate each.
struct Station {
  struct End {
    int place = 0;  ///< of the coordinate among those that may change
    double sign = 1.0;
  };
  int first = -1;  ///< control point; -1: none
  std::array<double, order> basis{};
  VecX value;
  std::vector<char> one_sided;  ///< kept where not negative; else where zero
  MatX J, G;                    ///< of all rows but ends
  std::vector<End> ends;

  void resize(int rows, int local, int global) {
    value = VecX::Zero(rows + static_cast<Eigen::Index>(ends.size()));
    one_sided.assign(at(rows), 0);
    one_sided.resize(at(rows) + ends.size(), 1);
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
    if (!(length > 0.0)) continue;
    Edge edge{-(b[1] - a[1]) / length, (b[0] - a[0]) / length, 0.0};
    edge.distance = edge.x * a[0] + edge.z * a[1];
    edges.push_back(edge);
  }
  return edges;
}

/// The greatest distance that a point can have from all edges of an outline: found where three of them are equally far.
double room_within(const std::vector<Edge>& edges) {
  double most = 0.0;
  for (std::size_t a = 0; a < edges.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      for (std::size_t c = 0; c < b; ++c) {
        Mat3 A;
        A << edges[a].x, edges[a].z, -1.0, edges[b].x, edges[b].z, -1.0, edges[c].x, edges[c].z, -1.0;
        if (std::abs(A.determinant()) < 1e-9) continue;  // equally far from all three nowhere, or along a line
        const Vec3 place = A.inverse() * Vec3(edges[a].distance, edges[b].distance, edges[c].distance);
        if (place[2] > most && std::all_of(edges.begin(), edges.end(), [&](const Edge& e) {
              return e.x * place[0] + e.z * place[1] - e.distance >= place[2] - 1e-9;
            }))
          most = place[2];
      }
  return most;
}

/// Scratch.
struct Mechanics {
  explicit Mechanics(const Model& model) : tree(model.tree()), contact(model) {
    q.resize(at(model.tree().coordinates()));
    u = a = tau = slope = curvature = third = q;
    position.resize(at(model.coordinates()));
    speed = acceleration = position;
  }
  TreeWork<double> tree;
  ContactWork<double> contact;
  std::vector<double> q, u, a, tau;
  std::vector<double> slope, curvature, third;        // of each coordinate of the tree by the one that it follows
  std::vector<double> position, speed, acceleration;  // independent
  Spatial feet;                                       // that feet have to exert, about the support's origin
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
        plain_(model),
        derivative_(model.tree()),
        moved_(model.tree()),
        moved_contact_(model) {
    check();
    const ModelData& data = model.data();
    for (int c = 0; c < n_; ++c)
      if (options.fixed.empty() || !options.fixed[at(c)]) free_.push_back(c);
    m_ = static_cast<int>(free_.size());
    if (m_ == 0) points_ = 0;
    followers_.resize(at(n_));
    for (std::size_t t = 0; t < data.couplings.size(); ++t)
      followers_[at(data.couplings[t].source)].push_back(static_cast<int>(t));
    tau_q_.resize(data.couplings.size() * data.couplings.size());
    tau_u_ = tau_q_;
    bare_ = data.spec;
    bare_.paths = "exact";
    bare_.muscles = {};
    bare_.groups = {};
    bare_.domain.clear();
    bare_.fitted_across = {};
    weight_ = data.mass * data.spec.gravity.norm();
    for (const Vec3& p : options.support) origin_ += p / static_cast<double>(options.support.size());
    edges_ = edges_of(options.support, origin_);
    check_support();
    not_held_.assign(tree_.bodies.size(), 1);
    not_held_[0] = 0;
    for (const HeldBody& held : options.held)
      for (int b = held.body; b < tree_.bodies[at(held.body)].subtree_end; ++b) not_held_[at(b)] = 0;
    check_planes();
    for (std::size_t b = 1; b < tree_.bodies.size(); ++b)
      if (tree_.bodies[b].mass > 0.0) massive_.push_back(static_cast<int>(b));
    masses_ = options.trunk >= 0 ? 3 : 0;
    planes_ = masses_ + (options.mass > 0.0 ? static_cast<int>(massive_.size()) : 0);
    globals_ = planes_ + static_cast<int>(options.planes.size());
    x_ = VecX::Zero(points_ * m_ + globals_);
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
    const auto demand = [](bool holds, const std::string& what, const std::string& where = "") {
      if (!holds) throw Error(Kind::input, "reference" + where, what);
    };
    demand(recording_.size() == at(n_), "expected one spline an independent coordinate");
    demand(options_.duration > 0.0 && options_.knots > 0.0 && options_.step > 0.0,
           "expected duration, knots and step above 0");
    demand(options_.angle_scale > 0.0 && options_.length_scale > 0.0, "expected scales above 0");
    demand(options_.mass_center > 0.0 && options_.mass >= 0.0 && options_.plane_height > 0.0,
           "expected bounds of changes above 0");
    demand(options_.fixed.empty() || options_.fixed.size() == at(n_), "expected one flag an independent coordinate");
    const ModelData& data = model_.data();
    const Vec3& g = data.spec.gravity;
    demand(g.y() < 0.0 && g.x() == 0.0 && g.z() == 0.0,
           "expected gravity along -y, for feet push on a level ground, found [" + shortest_text(g.x()) + ", " +
               shortest_text(g.y()) + ", " + shortest_text(g.z()) + "] m/s^2");
    demand(data.mass > 0.0, "expected a model that has mass");
    demand(options_.support.size() >= 3,
           "expected at least three foot contacts, found " + std::to_string(options_.support.size()));
    if (options_.trunk >= 0)
      demand(data.tree.bodies[at(options_.trunk)].mass > 0.0,
             "expected a body that has mass, found \"" + data.body_names[at(options_.trunk)] + "\"", "/trunk");
  }

  /// That the support leaves room within the margin.
  void check_support() const {
    const double room = room_within(edges_);
    if (!(room > 1e-6))
      throw Error(Kind::input, "reference",
                  "expected foot contacts that do not all lie on one line or in one place, found an outline that is " +
                      shortest_text(2e3 * room) + " mm wide");
    if (!(options_.margin + options_.between < room))
      throw Error(Kind::input, "reference/margin",
                  "expected a margin below " + fixed_text(room - options_.between, 3) +
                      " m, which is all that the outline of the foot contacts leaves, found " +
                      shortest_text(options_.margin));
  }

  /// Planes whose heights are unknown: something has to tell.
  void check_planes() const {
    const ModelData& data = model_.data();
    for (std::size_t i = 0; i < options_.planes.size(); ++i) {
      const int plane = options_.planes[i];
      const std::string name = "\"" + data.plane_names[at(plane)] + "\"";
      const auto wrong = [&](const std::string& what) {
        throw Error(Kind::input, "reference/planes/" + std::to_string(i), what);
      };
      if (std::count(options_.planes.begin(), options_.planes.end(), plane) > 1)
        wrong("expected each plane once, found " + name + " again");
      if (data.planes[at(plane)].body != 0)
        wrong("expected a plane that is fixed in ground, found " + name + " on " +
              data.body_names[at(data.planes[at(plane)].body)]);
      if (std::none_of(data.spheres.begin(), data.spheres.end(), [&](const ContactSphere& sphere) {
            return not_held_[at(sphere.body)] &&
                   std::find(sphere.planes.begin(), sphere.planes.end(), plane) != sphere.planes.end();
          }))
        wrong("expected a plane that spheres of bodies beside the feet can touch, found " + name +
              ", which none of them does");
    }
  }

  /// The quadratic cost of all unknowns.
  void cost() {
    cost_ = Banded(points_, order, m_, globals_);
    std::vector<double> smooth(at(n_), std::pow(options_.smoothing_time, 4));
    for (const int c : model_.data().root)
      if (c >= 0) smooth[at(c)] = std::pow(options_.root_smoothing_time, 4);
    for (std::size_t i = 0; i < instant_.size(); ++i) {
      const Basis b(instant_[i], knots_, intervals_);
      const double before = instant_[i == 0 ? i : i - 1], after = instant_[i + 1 == instant_.size() ? i : i + 1],
                   share = 0.5 * (after - before) / options_.duration;
      for (int j = 0; j < order; ++j)
        for (int k = 0; k <= j; ++k) {
          for (int f = 0; f < m_; ++f) {
            const int c = free_[at(f)];
            const double both =
                share * (b.value[at(j)] * b.value[at(k)] + smooth[at(c)] * b.curvature[at(j)] * b.curvature[at(k)]);
            cost_.column[at(b.first + k)]((j - k) * m_ + f, f) += both / (scale_[at(c)] * scale_[at(c)]);
          }
        }
    }
    // control points that no instant needs
    for (MatX& column : cost_.column) column.diagonal().array() += 1e-9;
    for (int g = 0; g < globals_; ++g) {
      const double half = 0.5 * bound(g);
      cost_.corner(g, g) += 1.0 / (half * half);
    }
  }

  /// The cost's matrix times x: each unknown touches itself at other times only.
  VecX cost_times(const VecX& x) const {
    VecX y = VecX::Zero(x.size());
    for (int j = 0; j < points_; ++j) {
      const MatX& column = cost_.column[at(j)];
      const Eigen::Index here = j * m_;
      for (Eigen::Index k = 0; k < column.rows(); k += m_)
        for (Eigen::Index f = 0; f < m_; ++f) {
          const double w = column(k + f, f);
          y[here + k + f] += w * x[here + f];
          if (k > 0) y[here + f] += w * x[here + k + f];
        }
    }
    y.tail(globals_) += cost_.corner.diagonal().cwiseProduct(x.tail(globals_));
    return y;
  }

  double bound(int g) const {
    return g < masses_ ? options_.mass_center : g < planes_ ? options_.mass : options_.plane_height;
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
    }
    for (int f = 0; f < m_; ++f)
      for (int j = 0; j < order; ++j) {
        const std::size_t c = at(free_[at(f)]);
        const double p = x[index((b.first + j) * m_ + f)];
        q[c] += b.value[at(j)] * p;
        u[c] += b.slope[at(j)] * p;
        a[c] += b.curvature[at(j)] * p;
      }
  }

  Spatial about_origin(const Spatial& w) const {
    Spatial out = w;
    const Vec3 force = w.tail<3>();
    out.head<3>() -= origin_.cross(force);
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

  /// Poses and velocities of the tree at position, speed and acceleration of the scratch.
  void move(Mechanics& m) const {
    const ModelData& data = model_.data();
    for (std::size_t t = 0; t < data.couplings.size(); ++t) {
      const Coupling& coupling = data.couplings[t];
      const std::size_t c = at(coupling.source);
      const double source = m.position[c];
      const Jet2<double> jet = coupling.identity ? Jet2<double>{source, 1.0, 0.0} : coupling.function.jet(source);
      m.q[t] = jet.value;
      m.u[t] = jet.slope * m.speed[c];
      m.a[t] = jet.slope * m.acceleration[c] + jet.curvature * m.speed[c] * m.speed[c];
      m.slope[t] = jet.slope, m.curvature[t] = jet.curvature;
      m.third[t] = coupling.identity ? 0.0 : coupling.function.third(source);
    }
    positions<double>(tree_, m.q, m.tree);
    velocities<double>(tree_, m.u, m.tree);
  }

  /// What feet have to exert, after inverse dynamics.
  void find_feet(Mechanics& m) const {
    m.feet = about_origin(m.tree.joint_wrench[0] - pushed<double>(contact_model(), m.tree, m.contact));
  }

  /// What feet have to exert at position, speed and acceleration of a scratch.
  void mechanics(Mechanics& m) const {
    move(m);
    inverse_dynamics<double>(tree_, m.a, model_.data().spec.gravity, {}, m.tree, m.tau);
    find_feet(m);
  }

  int rows_of_feet() const { return static_cast<int>(edges_.size()) + 4; }
  int fixed_rows() const { return rows_of_feet() + 6 * static_cast<int>(options_.held.size()); }

  /// The rows of feet for a wrench that they have to exert, about the support's origin, over their scales; linear.
  template <class Out>
  void feet_rows(const Spatial& w, Out&& out) const {
    Eigen::Index r = 0;
    // as with the margin: a little more than is asked, for between instants it may be a little less
    const double friction = 0.95 * options_.friction, scale = 1.0 / (weight_ * tight_);
    for (const Edge& e : edges_)
      out[r++] = (e.x * w[2] - e.z * w[0] - (e.distance + options_.margin + options_.between) * w[4]) * scale;
    for (const double sign : {1.0, -1.0}) out[r++] = (friction * w[4] + sign * w[3]) * scale;
    for (const double sign : {1.0, -1.0}) out[r++] = (friction * w[4] + sign * w[5]) * scale;
  }

  /// The rows of one held body at a pose.
  Spatial held_rows(const HeldBody& held, const Pose& X) const {
    Spatial out;
    out << X.p - held.X_GB.p, 0.5 * vee(held.X_GB.R.transpose() * X.R);
    return out / tight_;
  }

  /// Twice the vector of the skew part.
  static Vec3 vee(const Mat3& A) { return {A(2, 1) - A(1, 2), A(0, 2) - A(2, 0), A(1, 0) - A(0, 1)}; }

  /// The rows of feet and of held bodies over their scales.
  template <class Out>
  void rows(const Mechanics& m, Out&& out) const {
    feet_rows(m.feet, out.head(rows_of_feet()));
    for (std::size_t h = 0; h < options_.held.size(); ++h)
      out.template segment<6>(rows_of_feet() + 6 * index(static_cast<int>(h))) =
          held_rows(options_.held[h], m.tree.X_GB[at(options_.held[h].body)]);
  }

  void linearise(std::size_t i) {
    Station& s = stations_[i];
    const Basis b(instant_[i], knots_, intervals_);
    motion(b, instant_[i], x_, plain_.position, plain_.speed, plain_.acceleration);
    const bool last = options_.ends_at_rest && i + 1 == instant_.size();
    s.ends.clear();
    for (int f = 0; f < m_; ++f) {
      const std::size_t c = at(free_[at(f)]);
      const double q = plain_.position[c];
      for (const int side : {0, 1})
        if (std::abs(q - range_[c][at(side)]) < 0.3 || (q > range_[c][at(side)]) == (side == 1))
          s.ends.push_back({f, side == 0 ? 1.0 : -1.0});
    }
    const int fixed = fixed_rows();
    s.first = m_ > 0 ? b.first : -1;
    s.basis = b.value;
    s.resize(fixed + (last ? 2 * m_ : 0), m_ > 0 ? order * m_ : 0, globals_);
    for (int r = 0; r < rows_of_feet(); ++r) s.one_sided[at(r)] = 1;

    move(plain_);
    inverse_dynamics_derivatives<double>(tree_, plain_.q, plain_.u, plain_.a, model_.data().spec.gravity, {},
                                         plain_.tree, derivative_, plain_.tau, tau_q_, tau_u_);
    find_feet(plain_);
    rows(plain_, s.value.head(fixed));
    linearise_motion(s, b);
    linearise_globals(s);

    Eigen::Index r = fixed;
    for (int f = 0; last && f < m_; ++f, r += 2) {
      s.value[r] = plain_.speed[at(free_[at(f)])] / rest_scale;
      s.value[r + 1] = plain_.acceleration[at(free_[at(f)])] / rest_scale;
      for (int j = 0; j < order; ++j) {
        s.J(r, j * m_ + f) = b.slope[at(j)] / rest_scale;
        s.J(r + 1, j * m_ + f) = b.curvature[at(j)] / rest_scale;
      }
    }
    for (const Station::End& end : s.ends) {
      const std::size_t c = at(free_[at(end.place)]);
      s.value[r++] = end.sign * (plain_.position[c] - range_[c][end.sign > 0.0 ? 0 : 1]) / range_scale;
    }
  }

  /// How the rows of feet and held bodies change with position, speed and acceleration of each coordinate that may, in
  /// closed form; what planes push by dual numbers.
  void linearise_motion(Station& s, const Basis& b) {
    by_position_.assign(at(m_), Spatial::Zero());
    by_speed_ = by_acceleration_ = by_position_;
    for (int f = 0; f < m_; ++f) {
      const std::size_t c = at(free_[at(f)]), k = at(f);
      const double u = plain_.speed[c], a = plain_.acceleration[c];
      for (const int follower : followers_[c]) {
        const std::size_t t = at(follower);
        const double slope = plain_.slope[t], curvature = plain_.curvature[t];
        const Spatial &by_q = derivative_.by_position[t], &by_u = derivative_.by_speed[t],
                      &by_a = derivative_.by_acceleration[t];
        by_position_[k] += slope * by_q + curvature * u * by_u + (curvature * a + plain_.third[t] * u * u) * by_a;
        by_speed_[k] += slope * by_u + 2.0 * curvature * u * by_a;
        by_acceleration_[k] += slope * by_a;
      }
    }
    linearise_pushes();
    VecX by_q(rows_of_feet()), by_u = by_q, by_a = by_q;
    const auto held_from = index(rows_of_feet());
    for (int f = 0; f < m_; ++f) {
      feet_rows(about_origin(by_position_[at(f)]), by_q);
      feet_rows(about_origin(by_speed_[at(f)]), by_u);
      feet_rows(about_origin(by_acceleration_[at(f)]), by_a);
      for (int j = 0; j < order; ++j)
        s.J.col(j * m_ + f).head(held_from) = b.value[at(j)] * by_q + b.slope[at(j)] * by_u + b.curvature[at(j)] * by_a;
      for (std::size_t h = 0; h < options_.held.size(); ++h) {
        const HeldBody& held = options_.held[h];
        const Pose& X = plain_.tree.X_GB[at(held.body)];
        const Spatial twist = twist_of(free_[at(f)], held.body);
        if (twist.isZero(0.0)) continue;
        const Vec3 w = twist.head<3>(), v = twist.tail<3>() + w.cross(X.p);
        Spatial change;
        change << v, 0.5 * vee(held.X_GB.R.transpose() * skew(w) * X.R);
        for (int j = 0; j < order; ++j)
          s.J.col(j * m_ + f).segment<6>(held_from + 6 * index(static_cast<int>(h))) =
              (b.value[at(j)] / tight_) * change;
      }
    }
  }

  static Mat3 skew(const Vec3& w) {
    Mat3 out;
    out << 0.0, -w.z(), w.y(), w.z(), 0.0, -w.x(), -w.y(), w.x(), 0.0;
    return out;
  }

  bool moves(std::size_t t, int body) const {
    const int own = tree_.coordinate_body[t];
    return body >= own && body < tree_.bodies[at(own)].subtree_end;
  }

  /// Velocity of a body per unit of an independent coordinate's speed.
  Spatial twist_of(int coordinate, int body) const {
    Spatial sum = Spatial::Zero();
    for (const int t : followers_[at(coordinate)])
      if (moves(at(t), body)) sum += plain_.slope[at(t)] * plain_.tree.motion[at(t)];
    return sum;
  }

  /// How its velocity changes with the coordinate.
  Spatial rate_of(int coordinate, int body) const {
    Spatial sum = Spatial::Zero();
    const Spatial& velocity = plain_.tree.velocity[at(body)];
    for (const int follower : followers_[at(coordinate)]) {
      const std::size_t t = at(follower);
      if (!moves(t, body)) continue;
      const Spatial& axis = plain_.tree.motion[t];
      const Vec3 w = axis.head<3>(), v = axis.tail<3>(), body_w = velocity.head<3>(), body_v = velocity.tail<3>();
      Spatial carried;
      carried << w.cross(body_w), w.cross(body_v) + v.cross(body_w);
      sum += plain_.slope[t] * (carried + derivative_.first[t]) +
             plain_.curvature[t] * plain_.speed[at(coordinate)] * axis;
    }
    return sum;
  }

  /// What planes push changes with the poses and speeds of bodies that touch: takes it off the wrench of feet.
  void linearise_pushes() {
    const ModelData& data = model_.data();
    std::vector<char> touches(tree_.bodies.size(), 0);
    bool any = false;
    for (std::size_t k = 0; k < data.spheres.size(); ++k) {
      const ContactSphere& sphere = data.spheres[k];
      if (plain_.contact.sphere_force[k].isZero(0.0)) continue;
      for (const int p : sphere.planes) {
        const int other = data.planes[at(p)].body;
        if (!not_held_[at(sphere.body)] && !not_held_[at(other)]) continue;
        touches[at(sphere.body)] = touches[at(other)] = 1;
        any = true;
      }
    }
    if (!any) return;
    for (std::size_t b = 0; b < touches.size(); ++b) {
      moved_.X_GB[b] = plain_.tree.X_GB[b].cast<D>();
      moved_.velocity[b] = plain_.tree.velocity[b].cast<D>();
    }
    struct Seed {
      Spatial* change;
      int coordinate;
      bool speed;
    };
    std::vector<Seed> seeds;
    for (int f = 0; f < m_; ++f) {
      bool moves_one = false;
      for (std::size_t b = 1; b < touches.size(); ++b)
        moves_one = moves_one || (touches[b] && !twist_of(free_[at(f)], static_cast<int>(b)).isZero(0.0));
      if (!moves_one) continue;
      seeds.push_back({&by_position_[at(f)], free_[at(f)], false});
      seeds.push_back({&by_speed_[at(f)], free_[at(f)], true});
    }
    for (std::size_t from = 0; from < seeds.size(); from += 4) {
      const std::size_t count = std::min<std::size_t>(4, seeds.size() - from);
      for (std::size_t b = 1; b < touches.size(); ++b) {
        if (!touches[b]) continue;
        const Pose& X = plain_.tree.X_GB[b];
        for (std::size_t k = 0; k < 4; ++k) {
          Spatial twist = Spatial::Zero(), rate = twist;
          if (k < count) {
            const Seed& seed = seeds[from + k];
            const int body = static_cast<int>(b);
            (seed.speed ? rate : twist) = twist_of(seed.coordinate, body);
            if (!seed.speed) rate = rate_of(seed.coordinate, body);
          }
          const Vec3 w = twist.head<3>(), v = twist.tail<3>() + w.cross(X.p);
          const Mat3 turn = skew(w) * X.R;
          for (Eigen::Index i = 0; i < 3; ++i) {
            moved_.X_GB[b].p[i].v[k] = v[i];
            for (Eigen::Index j = 0; j < 3; ++j) moved_.X_GB[b].R(i, j).v[k] = turn(i, j);
          }
          for (Eigen::Index i = 0; i < 6; ++i) moved_.velocity[b][i].v[k] = rate[i];
        }
      }
      const SpatialT<D> push = pushed<D>(contact_model(), moved_, moved_contact_);
      for (std::size_t k = 0; k < count; ++k)
        for (Eigen::Index i = 0; i < 6; ++i) (*seeds[from + k].change)[i] -= push[i].v[k];
    }
  }

  /// How they change with masses, mass centre and planes.
  void linearise_globals(Station& s) {
    if (globals_ == 0) return;
    const auto see = [&](int g, const Spatial& change) {
      feet_rows(about_origin(change), s.G.col(g).head(rows_of_feet()));
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
    s.ends.clear();
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
    double sum = x.dot(cost_times(x));
    VecX row(fixed_rows());
    const auto miss = [&](double value, bool one_sided) {
      if (!one_sided || value < 0.0) sum += value * value;
    };
    for (std::size_t i = 0; i < instant_.size(); ++i) {
      const Basis b(instant_[i], knots_, intervals_);
      motion(b, instant_[i], x, plain_.position, plain_.speed, plain_.acceleration);
      mechanics(plain_);
      rows(plain_, row);
      for (int r = 0; r < fixed_rows(); ++r) miss(row[r], r < rows_of_feet());
      for (const int c : free_) {
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

  /// How the rows of a station change along d.
  VecX product(const Station& s, const VecX& d) const {
    VecX out(s.value.size());
    auto dense = out.head(s.J.rows());
    dense = s.G * d.tail(globals_);
    if (s.first < 0) return out;
    dense += s.J * d.segment(s.first * m_, order * m_);
    for (std::size_t e = 0; e < s.ends.size(); ++e) {
      double sum = 0.0;
      for (int j = 0; j < order; ++j) sum += s.basis[at(j)] * d[index((s.first + j) * m_ + s.ends[e].place)];
      out[s.J.rows() + static_cast<Eigen::Index>(e)] = s.ends[e].sign / range_scale * sum;
    }
    return out;
  }

  /// Adds what the rows' values `missed` give the gradient.
  void add_gradient(const Station& s, const VecX& missed, VecX& gradient) const {
    const auto dense = missed.head(s.J.rows());
    gradient.tail(globals_) += s.G.transpose() * dense;
    if (s.first < 0) return;
    gradient.segment(s.first * m_, order * m_) += s.J.transpose() * dense;
    for (std::size_t e = 0; e < s.ends.size(); ++e) {
      const double pull = s.ends[e].sign / range_scale * missed[s.J.rows() + static_cast<Eigen::Index>(e)];
      for (int j = 0; j < order; ++j) gradient[index((s.first + j) * m_ + s.ends[e].place)] += pull * s.basis[at(j)];
    }
  }

  /// Adds J^T J of the active rows of all stations.
  void add(const std::vector<std::vector<char>>& active, Banded& matrix) const {
    // stations in a row that share their control points are one
    for (std::size_t i = 0; i < stations_.size();) {
      const int first = stations_[i].first;
      Eigen::Index count = 0;
      std::size_t end = i;
      for (; end < stations_.size() && stations_[end].first == first; ++end) {
        const Station& s = stations_[end];
        for (Eigen::Index r = 0; r < s.J.rows(); ++r) count += active[end][static_cast<std::size_t>(r)] != 0;
        for (std::size_t e = 0; e < s.ends.size(); ++e) {
          if (!active[end][static_cast<std::size_t>(s.J.rows()) + e]) continue;
          const int f = s.ends[e].place;
          for (int l = 0; l < order; ++l)
            for (int j = l; j < order; ++j)
              matrix.column[at(first + l)]((j - l) * m_ + f, f) +=
                  s.basis[at(j)] * s.basis[at(l)] / (range_scale * range_scale);
        }
      }
      MatX J(count, stations_[i].J.cols()), G(count, globals_);
      Eigen::Index k = 0;
      for (std::size_t one = i; one < end; ++one)
        for (Eigen::Index r = 0; r < stations_[one].J.rows(); ++r)
          if (active[one][static_cast<std::size_t>(r)]) {
            if (first >= 0) J.row(k) = stations_[one].J.row(r);
            if (globals_ > 0) G.row(k) = stations_[one].G.row(r);
            ++k;
          }
      i = end;
      if (count == 0) continue;
      if (globals_ > 0) matrix.corner.selfadjointView<Eigen::Lower>().rankUpdate(G.transpose());
      for (int l = 0; first >= 0 && l < order; ++l) {
        const auto here = J.middleCols(l * m_, m_);
        matrix.column[at(first + l)].topRows((order - l) * m_).noalias() +=
            J.rightCols((order - l) * m_).transpose() * here;
        if (globals_ > 0) matrix.border[at(first + l)].noalias() += G.transpose() * here;
      }
    }
  }

  /// The step to the minimum of the cost and of the squares of linearised rows: Newton's method with the rows that are
  /// missed, and an exact line search along each step.
  VecX convex() {
    Banded always = cost_, matrix;
    std::vector<std::vector<char>> active(stations_.size()), extra(stations_.size());
    std::vector<VecX> value(stations_.size()), rate(stations_.size());
    for (std::size_t i = 0; i < stations_.size(); ++i) {
      const Station& s = stations_[i];
      for (const char one : s.one_sided) active[i].push_back(!one);
      value[i] = s.value;
    }
    add(active, always);
    VecX d = VecX::Zero(x_.size());
    for (int round = 0; round < 60; ++round) {
      matrix = always;
      VecX gradient = cost_times(x_ + d);
      bool changed = round == 0;
      for (std::size_t i = 0; i < stations_.size(); ++i) {
        const Station& s = stations_[i];
        extra[i].assign(active[i].size(), 0);
        VecX missed = value[i];
        for (std::size_t r = 0; r < extra[i].size(); ++r) {
          const bool on = !s.one_sided[r] || value[i][static_cast<Eigen::Index>(r)] < 0.0;
          if (!on) missed[static_cast<Eigen::Index>(r)] = 0.0;
          extra[i][r] = on && s.one_sided[r];
          changed = changed || on != (active[i][r] != 0);
          active[i][r] = on;
        }
        add_gradient(s, missed, gradient);
      }
      if (!changed) break;
      add(extra, matrix);
      VecX step = -gradient;
      if (!matrix.solve(step)) throw Error(Kind::numeric, "reference", "expected equations of full rank");
      // the derivative along the step, which rises
      for (std::size_t i = 0; i < stations_.size(); ++i) rate[i] = product(stations_[i], step);
      const double linear = step.dot(cost_times(x_ + d)), quadratic = step.dot(cost_times(step));
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
  int points_;
  int m_ = 0;                                // coordinates that may change
  std::vector<int> free_;                    // and which
  std::vector<std::vector<int>> followers_;  // per independent coordinate: those of the tree
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
  // scratch
  Mechanics plain_;
  DerivativeWork<double> derivative_;
  std::vector<double> tau_q_, tau_u_;
  std::vector<Spatial> by_position_, by_speed_, by_acceleration_;  // per coordinate that may change: wrench of the feet
  TreeWork<D> moved_;                                              // poses and velocities of bodies alone
  ContactWork<D> moved_contact_;
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
  if (heels.empty()) throw Error(Kind::input, "reference", "expected a model with foot contacts, found none");

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
    if (!(heading[h].norm() > 1e-6))
      throw Error(Kind::input, "reference",
                  "expected feet that point somewhere along the ground, found none for \"" +
                      data.body_names[at(heels[h])] + "\"");
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
    const double height = place[h].y();
    const Root found =
        bisection_root([&](double y) { return carried(y) - share; }, height - 0.2, height + 0.2, {.value = 1e-9});
    X.p.y() = found.converged ? found.x : height;
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

std::vector<Edit> as_edits(const Reference& reference, const ReferenceOptions& options, const Model& model) {
  const ModelData& data = model.data();
  std::vector<Edit> out;
  for (std::size_t b = 1; b < reference.mass.size(); ++b) {
    Edit edit;
    edit.bodies = {data.body_names[b]};
    if (const double change = reference.mass[b]; change != 0.0)
      for (const char* field : {"mass", "inertia"}) edit.scale[field] = 1.0 + change;
    if (const Vec3& shift = reference.mass_center; static_cast<int>(b) == options.trunk && !shift.isZero(0.0))
      edit.shift["mass_center"] = {shift.x(), shift.y(), shift.z()};
    if (!edit.scale.empty() || !edit.shift.empty()) out.push_back(std::move(edit));
  }
  for (std::size_t p = 0; p < reference.plane_height.size(); ++p) {
    Edit edit;
    edit.planes = {data.plane_names[at(options.planes[p])]};
    edit.shift["height"] = {reference.plane_height[p]};
    out.push_back(std::move(edit));
  }
  return out;
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
