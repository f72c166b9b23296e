// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/tracking.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/factor.hpp"
#include "psoas/core/table.hpp"
#include "psoas/muscle/activation.hpp"
#include "psoas/skeleton/dynamics.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Inertia [kg m^2] that is added to that of every rotation in the cost of giving way, so that feet, whose own is next to
/// none, follow too.
constexpr double least_inertia = 0.05;

/// A step [rad, m] that the start's pose need not take any more.
constexpr double settled = 1e-5;

/// What one plane does to one sphere; friction counts as the damping that it is below its transition speed.
struct Touch : PlaneTouch {
  std::size_t sphere = 0;
  int plane = 0;
};

/// Activation after `duration` under a constant excitation, by the implicit midpoint rule.
double activation_after(const MuscleParameters& unit, double excitation, double activation, double duration) {
  const double low = std::min(activation, excitation), high = std::max(activation, excitation);
  if (excitation == activation) return activation;
  // near what Thelen's dynamics give, whose halves are quadratic in the mean activation
  const double a = activation, e = excitation;
  const bool rises = e > a;
  const double k = duration / (rises ? unit.activation_time : unit.deactivation_time),
               linear = rises ? 1.0 - 3.0 * a + k : 2.0 - 1.5 * k * e + 0.5 * k,
               constant = rises ? a + k * e : 2.0 * a + 0.5 * k * e, square = rises ? 3.0 : 1.5 * k,
               mean = 2.0 * constant / (linear + std::sqrt(linear * linear + 4.0 * square * constant));
  double x = std::clamp(2.0 * mean - a, low, high);
  for (int i = 0; i < 6; ++i) {
    const Dual<1> middle = 0.5 * (Dual<1>(x, 0) + activation);
    const Dual<1> left = Dual<1>(x, 0) - activation - duration * activation_rate(unit, Dual<1>(excitation), middle);
    const double next = std::clamp(x - left.a / left.v[0], low, high);
    if (std::abs(next - x) < 1e-4) return next;
    x = next;
  }
  return x;
}

/// The constant excitation under which activation gets to `after`, by the same rule.
double excitation_to(const MuscleParameters& unit, double before, double after, double duration) {
  return excitation_for(unit, 0.5 * (before + after), (after - before) / duration).excitation;
}

/// (e^z - 1) / z and the next two of the series that integrates linear rates.
struct Phi {
  explicit Phi(double z)
      : one(std::abs(z) < 1e-6 ? 1.0 + 0.5 * z : std::expm1(z) / z),
        two(std::abs(z) < 1e-3 ? 0.5 + z / 6.0 : (one - 1.0) / z),
        three(std::abs(z) < 1e-2 ? 1.0 / 6.0 + z / 24.0 : (two - 0.5) / z) {}
  double one, two, three;
};

/// A muscle over an interval in which its path goes on as it goes now.
class MuscleAhead {
 public:
  /// `fibre` is what compliant_fibre() has found at the state, `force` the tendon's there [N].
  MuscleAhead(const MuscleParameters& unit, double length, double speed, double activation, double fibre_length,
              const FibreState& fibre, double force, double duration)
      : unit_(&unit),
        length_(length),
        speed_(speed),
        fibre_(fibre_length),
        activation_(activation),
        duration_(duration) {
    least_activation_ = activation_after(unit, std::min(unit.minimum_activation, 1.0), activation, duration);
    greatest_activation_ = activation_after(unit, 1.0, activation, duration);
    const double end = length + duration * speed;
    if (unit.has_rigid_tendon()) {
      const auto forces = [&](double longer, double faster) {
        return fibre_forces(unit, rigid_tendon_fibre(unit, end + longer, speed + faster), activation);
      };
      forces_ = forces(0.0, 0.0);
      const double a = 0.1;  // [m/s^2]
      by_acceleration_ =
          std::max(0.0, (rigid_tendon_force(forces(0.5 * duration * duration * a, duration * a), activation) -
                         rigid_tendon_force(forces_, activation)) /
                            a);
      least_ = rigid_tendon_force(forces_, least_activation_);
      greatest_ = std::max(rigid_tendon_force(forces_, greatest_activation_), least_);
      return;
    }
    // Near their present motion fibres move as dl/dt = v + J_l (l - l_now) + J_L dL/dt t + J_a (da/dt) t.
    const FibreVelocitySlopes slope = fibre_velocity_slopes(unit, length, fibre_length, activation, fibre);
    const Phi phi(slope.by_fibre_length * duration);
    const double coasting = fibre_length +
                            duration * (phi.one * fibre.fibre_velocity + phi.two * duration * slope.by_length * speed),
                 by_activation = duration * phi.two * slope.by_activation;
    const auto linear = [&](double a) {
      return tendon_force(unit, end, std::max(coasting + by_activation * (a - activation), unit.least_along()));
    };
    const double step = 1e-6 * unit.optimal_fibre_length;
    const double stiffness = (tendon_force(unit, length + step, fibre_length) - force) / step;
    by_acceleration_ = std::max(0.0, stiffness * duration * duration * (0.5 - duration * phi.three * slope.by_length));
    // That says too much of large rises, and of fibres under a slack tendon, which it lets run on past taut: where the
    // force that it finds asks for more activation than there can be, it is looked for below.
    const auto within = [&](double low, double high, double most) {
      double at_high = activation_for(high) - most;
      if (at_high <= 0.01) return high;
      double at_low = activation_for(low) - most, found = high;
      if (at_low >= 0.0) high = low, at_high = at_low, found = low = 0.0, at_low = activation_for(0.0) - most;
      for (int i = 0; i < 3 && at_high > 0.01 && at_low < 0.0; ++i) {
        found = low + (high - low) * std::clamp(at_low / (at_low - at_high), 0.05, 0.95);
        const double left = activation_for(found) - most;
        (left < 0.0 ? low : high) = found;
        (left < 0.0 ? at_low : at_high) = left;
      }
      return found;
    };
    least_ = within(0.0, linear(least_activation_), least_activation_);
    greatest_ = within(std::min(linear(activation), force), linear(greatest_activation_), greatest_activation_);
    greatest_ = std::max(greatest_, least_);
  }

  double least_force() const { return least_; }                ///< at the interval's end, with no excitation [N]
  double greatest_force() const { return greatest_; }          ///< with full excitation [N]
  double by_acceleration() const { return by_acceleration_; }  ///< rise of force with the path's [N s^2/m]

  /// The activation at the end that brings the force to `force` [N] there, by the implicit midpoint rule on the fibres'
  /// force balance: their mean velocity follows from the tendon's length at the end.
  double activation_for(double force) const {
    if (unit_->has_rigid_tendon()) {
      const double active = std::max(forces_.active, 1e-6 * unit_->max_isometric_force);
      return (force - forces_.passive - forces_.damping) / active;
    }
    const double end = length_ + duration_ * speed_, half = length_ + 0.5 * duration_ * speed_;
    const double height = unit_->height();
    const double along = std::max(end - tendon_length(force), unit_->least_along()), last = std::hypot(along, height);
    FibreState middle;
    middle.fibre_length = 0.5 * (fibre_ + last);
    middle.fibre_velocity = (last - fibre_) / duration_;
    middle.cos_pennation = std::sqrt(std::max(1.0 - std::pow(height / middle.fibre_length, 2), 1e-4));
    const MuscleForces forces = fibre_forces(*unit_, middle, activation_);
    const double pulled = tendon_force(*unit_, half, middle.fibre_length);
    const double active = std::max(forces.active, 1e-3 * unit_->max_isometric_force);
    return 2.0 * (pulled - forces.passive - forces.damping) / active - activation_;
  }

  /// The constant excitation that leads to `force` [N].
  double excitation_for_force(double force) const {
    if (force <= least_) return std::min(unit_->minimum_activation, 1.0);
    const double after = activation_for(force);
    if (after <= least_activation_) return std::min(unit_->minimum_activation, 1.0);
    if (after >= greatest_activation_) return 1.0;
    return excitation_to(*unit_, activation_, after, duration_);
  }

 private:
  /// Of a tendon under a force.
  double tendon_length(double force) const {
    return std::visit(
        [&](const auto& curve) {
          return unit_->tendon_slack_length *
                 curve.inverse_tendon_force(force / unit_->max_isometric_force, unit_->tendon_strain);
        },
        unit_->curve);
  }

  const MuscleParameters* unit_;
  double length_, speed_, fibre_, activation_, duration_, least_activation_ = 0.0, greatest_activation_ = 1.0;
  double least_ = 0.0, greatest_ = 0.0, by_acceleration_ = 0.0;
  MuscleForces forces_;  // of a rigid tendon's fibres at the end
};

}  // namespace

TrackedMotion::TrackedMotion(const Model& model, std::vector<QuinticSpline> coordinates)
    : coordinates_(std::move(coordinates)), shift_(coordinates_.size(), 0.0) {
  if (coordinates_.size() != at(model.coordinates()))
    throw Error(Kind::input, "reference",
                "expected " + std::to_string(model.coordinates()) + " coordinates, found " +
                    std::to_string(coordinates_.size()));
  first_ = -inf, last_ = inf;
  for (const QuinticSpline& one : coordinates_)
    first_ = std::max(first_, one.first_time()), last_ = std::min(last_, one.last_time());
}

Jet2<double> TrackedMotion::jet(int coordinate, double t) const {
  const QuinticSpline& spline = coordinates_[at(coordinate)];
  Jet2<double> out = spline.jet(std::clamp(t, first_, last_));
  if (t < first_ || t > last_) out.slope = out.curvature = 0.0;
  out.value += shift_[at(coordinate)];
  return out;
}

struct MotionTracker::Scratch {
  Scratch(const Model& m, const SimulationOptions& simulation, const TrackingOptions& o, TrackedMotion r)
      : model(m),
        options(o),
        loads(simulation.loads),
        prescribed(simulation.prescribed),
        motion(std::move(r)),
        work(model),
        fibre(at(model.muscles())),
        forces(at(model.muscles())),
        balance(at(model.muscles())),
        followed(find_followed(m, simulation)),
        driven(find_driven(m, simulation, followed)),
        rows(model, o.redundancy.levels, not_followed()),
        solver(rows.size(), model.muscles()) {
    const ModelData& data = model.data();
    const std::size_t n = at(model.coordinates()), tree = at(model.tree().coordinates()), muscles = at(model.muscles());
    for (std::size_t c = 0; c < n; ++c)
      if (followed[c]) columns.push_back(static_cast<int>(c));
    metric.setIdentity(static_cast<Eigen::Index>(columns.size()), static_cast<Eigen::Index>(columns.size()));
    giving.setZero(metric.rows(), rows.size());
    given.setZero(metric.rows());
    wish.assign(n, 0.0);
    reserve = next_q = next_u = wish;
    tree_udot.assign(tree, 0.0);
    tau = tree_udot;
    mass.assign(tree * tree, 0.0);
    resistance.setZero(static_cast<Eigen::Index>(tree), static_cast<Eigen::Index>(n));
    projected.setZero(resistance.cols(), resistance.cols());
    external.assign(model.tree().bodies.size(), Spatial::Zero());
    target.assign(at(rows.size()), 0.0);
    dense = target;
    wanted.assign(muscles, 0.0);
    least = greatest = active = passive = stretched = wanted;
    ahead.reserve(muscles);
    std::size_t pairs = 0;
    for (const ContactSphere& sphere : data.spheres) pairs += sphere.planes.size();
    touches.reserve(pairs);
    jacobian.assign(tree, Vec3::Zero());
    pushed = jacobian;
    weight = muscle_weights(model, o.redundancy.weight);
    problem.resize(rows.size(), model.muscles(), rows.muscle_entries());
    problem.give.assign(at(rows.size() * rows.size()), 0.0);
    is_level.assign(n, 0);
    for (const Equation& equation : rows.equations())
      if (equation.lumbar && equation.coordinate >= 0) is_level[at(equation.coordinate)] = 1;
    set_reserve_scales();
    solution.multiplier.assign(at(rows.size()), 0.0);
    warm = solution.multiplier;
  }

  void set_reserve_scales() {
    for (int j = 0; j < rows.size(); ++j) {
      const Equation& equation = rows.equations()[at(j)];
      // nothing drives the root: its equations hold, and its accelerations give way
      problem.reserve_scale[at(j)] = equation.root       ? 1e-3
                                     : equation.lumbar   ? options.redundancy.lumbar_reserve
                                     : equation.rotation ? options.redundancy.reserve
                                                         : options.redundancy.reserve_force;
    }
  }

  static std::vector<char> find_followed(const Model& model, const SimulationOptions& simulation) {
    const ModelData& data = model.data();
    std::vector<char> out(at(model.coordinates()), 0);
    for (const ArmSlot& slot : data.arm_slots) out[at(data.couplings[at(slot.coordinate)].source)] = 1;
    for (const int c : data.root)
      if (c >= 0) out[at(c)] = 1;
    hold_still(simulation, out);
    return out;
  }
  static std::vector<char> find_driven(const Model& model, const SimulationOptions& simulation,
                                       const std::vector<char>& followed) {
    std::vector<char> out(at(model.coordinates()), 1);
    for (std::size_t c = 0; c < out.size(); ++c)
      if (followed[c]) out[c] = 0;
    hold_still(simulation, out);
    return out;
  }
  static void hold_still(const SimulationOptions& simulation, std::vector<char>& out) {
    for (std::size_t c = 0; c < simulation.locked.size(); ++c)
      if (simulation.locked[c]) out[c] = 0;
    for (const PrescribedCoordinate& one : simulation.prescribed) out[at(one.coordinate)] = 0;
  }
  std::vector<char> not_followed() const {
    std::vector<char> out(followed.size());
    for (std::size_t c = 0; c < out.size(); ++c) out[c] = !followed[c];
    return out;
  }

  /// The touches of spheres and planes at the pose and velocities in `work`.
  void find_touches() {
    const ModelData& data = model.data();
    touches.clear();
    Touch touch;
    for (std::size_t s = 0; s < data.spheres.size(); ++s)
      for (const int p : data.spheres[s].planes)
        if (plane_touch(data, work.tree, static_cast<int>(s), p, touch)) {
          const Mat3 across = touch.normal * touch.normal.transpose();
          touch.by_velocity = touch.by_velocity * across + touch.drag * (Mat3::Identity() - across);
          touch.sphere = s;
          touch.plane = p;
          touches.push_back(touch);
        }
  }

  /// Adds what a touch resists accelerations with to the mass matrix: J' (by_u' J), for how much its force falls when
  /// its place accelerates; and to the external forces what it has lost at the wished accelerations in `tree_udot`
  /// and with `lost` at none.
  void resist(const Touch& touch, const Mat3& by_udot, const Vec3& lost) {
    const ModelData& data = model.data();
    const Tree& tree = model.tree();
    const int body = data.spheres[touch.sphere].body, other = data.planes[at(touch.plane)].body;
    const auto carries = [&](int t, int b) {
      const int own = tree.coordinate_body[at(t)];
      return b >= own && b < tree.bodies[at(own)].subtree_end;
    };
    Vec3 accelerated = Vec3::Zero();
    involved.clear();
    for (int t = 0; t < tree.coordinates(); ++t) {
      const double sign = (carries(t, body) ? 1.0 : 0.0) - (other != 0 && carries(t, other) ? 1.0 : 0.0);
      if (sign == 0.0) continue;
      jacobian[at(t)] = sign * point_velocity<double>(work.tree.motion[at(t)], touch.place);
      pushed[at(t)] = by_udot * jacobian[at(t)];
      accelerated += tree_udot[at(t)] * jacobian[at(t)];
      involved.push_back(t);
    }
    Vec3 change = -lost - by_udot * accelerated;
    if (touch.normal.dot(touch.force + change) <= 0.0) {
      // it will have lifted off
      change = -touch.force;
    } else {
      const std::size_t n = at(tree.coordinates());
      for (const int r : involved)
        for (const int c : involved) mass[at(c) * n + at(r)] += jacobian[at(r)].dot(pushed[at(c)]);
    }
    const Spatial wrench = wrench_at<double>(touch.place, change);
    external[at(body)] += wrench;
    external[at(other)] -= wrench;
  }

  /// Adds to the mass matrix what muscles resist accelerations with, J' k J with J that of their paths, and to their
  /// passive forces what they change by at the wished accelerations.
  void stretch() {
    const ModelData& data = model.data();
    const std::size_t n = data.couplings.size();
    for (std::size_t m = 0; m < active.size(); ++m) {
      const double k = ahead[m].by_acceleration();
      if (!(k > 0.0)) continue;
      double lengthening = 0.0;
      for (int i = data.arm_start[m]; i < data.arm_start[m + 1]; ++i) {
        const std::size_t c = at(data.arm_slots[at(i)].coordinate);
        lengthening -= work.arm[at(i)] * tree_udot[c];
        for (int j = data.arm_start[m]; j < data.arm_start[m + 1]; ++j)
          mass[c * n + at(data.arm_slots[at(j)].coordinate)] += k * work.arm[at(i)] * work.arm[at(j)];
      }
      stretched[m] = k * lengthening;
    }
  }

  /// Fills `resistance`, forces on the tree's coordinates per acceleration of independent ones, from `mass`, and
  /// `projected`, the same on independent coordinates.
  void fold() {
    const ModelData& data = model.data();
    const auto n = static_cast<Eigen::Index>(data.couplings.size());
    const Eigen::Map<const MatX> all(mass.data(), n, n);
    resistance.setZero();
    projected.setZero();
    for (Eigen::Index t = 0; t < n; ++t)
      resistance.col(data.couplings[static_cast<std::size_t>(t)].source) +=
          work.slope[static_cast<std::size_t>(t)] * all.col(t);
    for (Eigen::Index t = 0; t < n; ++t)
      projected.col(data.couplings[static_cast<std::size_t>(t)].source) +=
          work.slope[static_cast<std::size_t>(t)] * resistance.row(t).transpose();
  }

  /// Fills and solves the problem for the forces in `tau` (needed at the wished accelerations), `resistance`, muscle
  /// forces `active` x + `passive` with bounds on x from `least` and `greatest`, and costs of giving way.
  void solve() {
    const std::size_t muscles = at(model.muscles());
    std::fill(target.begin(), target.end(), 0.0);
    rows.add(work, tau, 1.0, target);
    rows.add(work, work.passive_torque, -1.0, target);
    int entry = 0;
    problem.column_start[0] = 0;
    for (std::size_t m = 0; m < muscles; ++m) {
      rows.add_arms(model, work, static_cast<int>(m), dense);
      for (const int row : rows.of_muscle(static_cast<int>(m))) {
        problem.row[at(entry)] = row;
        problem.value[at(entry++)] = dense[at(row)] * active[m];
        target[at(row)] -= dense[at(row)] * (passive[m] + stretched[m]);
        dense[at(row)] = 0.0;
      }
      problem.column_start[m + 1] = entry;
      problem.weight[m] = weight[m];
      problem.power[m] = options.redundancy.power;
      problem.low[m] = (least[m] - passive[m]) / active[m];
      problem.high[m] = (greatest[m] - passive[m]) / active[m];
    }
    // Accelerations that give way, as L^-T y with L L' their metric, so that the square of y is what they cost.
    const auto count = static_cast<Eigen::Index>(columns.size());
    giving.setZero();
    for (int t = 0; t < model.tree().coordinates(); ++t)
      for (const EquationRows::Share& share : rows.shares(t))
        for (Eigen::Index k = 0; k < count; ++k)
          giving(k, share.row) -=
              (share.whole ? 1.0 : work.slope[at(t)]) * resistance(t, columns[static_cast<std::size_t>(k)]);
    metric.triangularView<Eigen::Lower>().solveInPlace(giving);
    if (gone.size() > 0)  // what costs is how far it has gone in all
      Eigen::Map<VecX>(target.data(), rows.size()) +=
          giving.transpose() * (metric.triangularView<Eigen::Lower>().transpose() * gone);
    Eigen::Map<MatX>(problem.give.data(), rows.size(), rows.size()).noalias() = giving.transpose() * giving;
    for (std::size_t r = 0; r < target.size(); ++r) problem.target[r] = target[r];
    std::copy(solution.multiplier.begin(), solution.multiplier.end(), warm.begin());
    solver.solve(problem, solution, {.tolerance = 1e-6, .accept = 1e-6, .warm_start = warm});
    for (std::size_t m = 0; m < muscles; ++m)
      wanted[m] = std::clamp(active[m] * solution.x[m] + passive[m], least[m], greatest[m]);
    given.noalias() = 0.5 * giving * Eigen::Map<const VecX>(solution.multiplier.data(), rows.size());
    metric.triangularView<Eigen::Lower>().transpose().solveInPlace(given);
    if (gone.size() > 0) given -= gone;
  }

  /// Reserves as forces at coordinates: those of levels by their shares in the trunk's coordinates.
  void find_reserves() {
    const ModelData& data = model.data();
    std::fill(reserve.begin(), reserve.end(), 0.0);
    for (int j = 0; j < rows.first_level(); ++j)
      if (const Equation& equation = rows.equations()[at(j)]; !equation.root)
        reserve[at(equation.coordinate)] = solution.reserve[at(j)];
    for (std::size_t k = 0; rows.first_level() < rows.size() && k < data.levels.size(); ++k)
      for (std::size_t axis = 0; axis < 3; ++axis)
        reserve[at(data.trunk[axis])] +=
            work.slope[at(data.levels[k].coordinates[axis])] * solution.reserve[at(rows.first_level()) + 3 * k + axis];
  }

  /// Active force a unit of activation and passive force of every muscle as if fibres moved with the path: the
  /// activation that a force stands for in the cost.
  void steady_forces(const Workspace& here) {
    const ModelData& data = model.data();
    data.batch.rigid(here.length, here.speed, fibre, forces);
    for (std::size_t m = 0; m < active.size(); ++m) {
      active[m] = std::max(forces.active[m], 0.02 * data.units[m].max_isometric_force);
      passive[m] = forces.passive[m];
    }
  }

  Model model;
  TrackingOptions options;
  std::vector<ExternalLoad> loads;
  std::vector<PrescribedCoordinate> prescribed;
  TrackedMotion motion;
  Workspace work;  // at the pose that the problem is of: that of start(), or at the end of the lead
  BatchFibres fibre;
  BatchForces forces;
  BatchEquilibria balance;
  std::vector<char> followed, driven, is_level;
  EquationRows rows;
  RedundancySolver solver;
  RedundancyProblem problem;
  RedundancySolution solution;
  std::vector<int> columns, involved;  // coordinates that are followed; of one touch
  MatX metric, giving;                 // factor of the cost of giving way; its part in the equations
  VecX given;                          // by how much accelerations are not as wished
  VecX gone;                           // start(): how far coordinates have given way already; else nothing
  std::vector<double> wish, reserve, next_q, next_u;  // per independent coordinate
  std::vector<double> tree_udot, tau, mass;           // of the tree
  MatX resistance, projected;                         // tree x independent; independent x independent
  std::vector<Spatial> external;                      // per body
  std::vector<double> target, dense, warm;            // per equation
  std::vector<double> wanted, least, greatest, active, passive, stretched, weight;  // per muscle
  std::vector<MuscleAhead> ahead;
  std::vector<Touch> touches;
  std::vector<Vec3> jacobian, pushed;  // per coordinate of the tree
  double shortfall = 0.0, unsettled = 0.0;
};

MotionTracker::MotionTracker(const Model& model, const SimulationOptions& simulation, const TrackingOptions& options,
                             TrackedMotion reference) {
  const auto check = [](bool ok, const char* what) {
    if (!ok) throw Error(Kind::input, "tracking", what);
  };
  check(options.interval >= 1e-3 && options.interval <= 0.1, "expected an interval from 0.001 to 0.1 s");
  check(options.frequency > 0.0 && options.frequency * options.interval <= 1.0,
        "expected a frequency above 0 and at most 1 rad an interval");
  check(options.lead >= options.interval && options.lead <= 0.2, "expected a lead from one interval to 0.2 s");
  check(options.horizon >= options.lead, "expected a horizon of at least the lead");
  check(options.stiffness > 0.0, "expected a stiffness above 0");
  check(options.redundancy.power >= 1.5 && options.redundancy.power <= 20.0, "expected a power from 1.5 to 20");
  const std::string& weight = options.redundancy.weight;
  check(weight == "one" || weight == "volume" || weight == "area", "expected one, volume or area as weight");
  scratch_ = std::make_unique<Scratch>(model, simulation, options, std::move(reference));
}
MotionTracker::~MotionTracker() = default;
MotionTracker::MotionTracker(MotionTracker&&) noexcept = default;

const TrackedMotion& MotionTracker::motion() const { return scratch_->motion; }
std::span<const char> MotionTracker::followed() const { return scratch_->followed; }
std::span<const char> MotionTracker::driven() const { return scratch_->driven; }
std::span<const double> MotionTracker::reserve() const { return scratch_->reserve; }
double MotionTracker::shortfall() const { return scratch_->shortfall; }
double MotionTracker::unsettled() const { return scratch_->unsettled; }
double MotionTracker::residual() const { return scratch_->solution.residual; }

SampledControl MotionTracker::sampled() {
  return {scratch_->options.interval, [this](const ForwardDynamics& now, std::span<double> excitation,
                                             std::span<double> force) { act(now, excitation, force); }};
}

void MotionTracker::act(const ForwardDynamics& now, std::span<double> excitation, std::span<double> force) {
  Scratch& s = *scratch_;
  const Model& model = s.model;
  const ModelData& data = model.data();
  const State& state = now.state();
  const double t = state.time, T = s.options.lead, omega = s.options.frequency, H = s.options.horizon;
  const Workspace& here = now.work();

  // The body at the end of the lead, for that is when muscles will have their forces: it goes on as it goes now, but for
  // the accelerations of the motion.
  for (int c = 0; c < model.coordinates(); ++c) {
    s.next_q[at(c)] = state.q()[at(c)];
    s.next_u[at(c)] = state.u()[at(c)];
    if (!s.followed[at(c)] && !s.driven[at(c)]) continue;
    const Jet2<double> first = s.motion.jet(c, t), last = s.motion.jet(c, t + T);
    // a free level weighs next to nothing and swings on its disc faster than that: it goes on as the motion does
    const double slope = s.is_level[at(c)] ? first.slope : state.u()[at(c)];
    s.next_q[at(c)] += T * slope + (last.value - first.value - T * first.slope);
    s.next_u[at(c)] += last.slope - first.slope;
  }
  for (const PrescribedCoordinate& one : s.prescribed) {
    const Jet2<double> jet = one.value.jet(t + T);
    s.next_q[at(one.coordinate)] = jet.value;
    s.next_u[at(one.coordinate)] = jet.slope;
  }
  evaluate(model, s.next_q, s.next_u, s.work, Depth::velocity);
  exact_paths(model, s.work);  // equations of levels need them

  // The accelerations that would bring errors to rest.
  for (int c = 0; c < model.coordinates(); ++c) {
    if (!s.followed[at(c)] && !s.driven[at(c)]) {
      s.wish[at(c)] = now.udot()[at(c)];
      continue;
    }
    const Jet2<double> present = s.motion.jet(c, t), ahead = s.motion.jet(c, t + T);
    s.wish[at(c)] = ahead.curvature + 2.0 * omega * (present.slope - state.u()[at(c)]) +
                    omega * omega * (present.value - state.q()[at(c)]);
  }
  for (const PrescribedCoordinate& one : s.prescribed) s.wish[at(one.coordinate)] = one.value.jet(t + T).curvature;
  couple_accelerations(model, s.next_u, s.wish, s.work, s.tree_udot);

  // Where muscles can be.
  s.steady_forces(here);
  s.ahead.clear();
  for (int m = 0; m < model.muscles(); ++m) {
    const MuscleParameters& unit = data.units[at(m)];
    const double a = state.activation()[at(m)];
    FibreState fibre;
    fibre.fibre_length = here.fibre.fibre_length[at(m)];
    fibre.fibre_velocity = here.fibre.fibre_velocity[at(m)];
    fibre.cos_pennation = here.fibre.cos_pennation[at(m)];
    s.ahead.emplace_back(unit, here.length[at(m)], here.speed[at(m)], a, state.fibre_length()[at(m)], fibre,
                         here.tendon_force[at(m)], T);
    s.least[at(m)] = s.ahead.back().least_force();
    s.greatest[at(m)] = s.ahead.back().greatest_force();
  }

  // What resists accelerations: inertia, muscles on their paths, and what touches.
  mass_matrix<double>(model.tree(), s.work.tree, s.mass);
  s.fold();
  for (std::size_t i = 0; i < s.columns.size(); ++i)
    for (std::size_t j = 0; j <= i; ++j)
      s.metric(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
          s.options.stiffness * (s.projected(s.columns[j], s.columns[i]) +
                                 (i == j && data.is_rotation[at(s.columns[i])] ? least_inertia : 0.0));
  {
    Eigen::Ref<MatX> in_place = s.metric;
    const Eigen::LLT<Eigen::Ref<MatX>> factor(in_place);
    if (factor.info() != Eigen::Success)
      throw Error(Kind::numeric, "tracking", "expected inertia that resists every coordinate that muscles move");
  }
  s.stretch();
  std::fill(s.external.begin(), s.external.end(), Spatial::Zero());
  add_external<double>(s.loads, t + T, s.work.tree, s.external);
  s.find_touches();
  for (const Touch& touch : s.touches) {
    const Spatial wrench = wrench_at<double>(touch.place, touch.force);
    s.external[at(data.spheres[touch.sphere].body)] += wrench;
    s.external[at(data.planes[at(touch.plane)].body)] -= wrench;
    s.resist(touch, H * H * touch.by_position + H * touch.by_velocity,
             std::max(H - T, 0.0) * touch.by_position * touch.velocity);
  }
  s.fold();
  inverse_dynamics<double>(model.tree(), s.tree_udot, model.spec().gravity, s.external, s.work.tree, s.tau);

  s.solve();

  // Excitations that lead there.
  for (int m = 0; m < model.muscles(); ++m) excitation[at(m)] = s.ahead[at(m)].excitation_for_force(s.wanted[at(m)]);

  // What the body will do, and forces at coordinates.
  s.find_reserves();
  Vec3 short_of = Vec3::Zero();
  for (std::size_t i = 0; i < s.columns.size(); ++i)
    for (std::size_t axis = 0; axis < 6; ++axis)
      if (s.columns[i] == data.root[axis] && !data.is_rotation[at(s.columns[i])])
        short_of[static_cast<Eigen::Index>(axis % 3)] = s.given[static_cast<Eigen::Index>(i)];
  const double weight = model.spec().gravity.norm();
  s.shortfall = weight > 0.0 ? short_of.norm() / weight : 0.0;
  for (int c = 0; c < model.coordinates(); ++c) {
    force[at(c)] = s.reserve[at(c)];
    if (!s.driven[at(c)]) continue;
    double sum = 0.0;
    for (std::size_t i = 0; i < data.couplings.size(); ++i)
      if (data.couplings[i].source == c) sum += s.work.slope[i] * (s.tau[i] - s.work.passive_torque[i]);
    for (std::size_t i = 0; i < s.columns.size(); ++i)
      sum += s.projected(s.columns[i], c) * s.given[static_cast<Eigen::Index>(i)];
    force[at(c)] = sum;
  }
}

State MotionTracker::start(double t) {
  Scratch& s = *scratch_;
  const Model& model = s.model;
  const ModelData& data = model.data();
  State state = model.default_state();
  state.time = t;
  for (int c = 0; c < model.coordinates(); ++c) {
    const bool moves = s.followed[at(c)] || s.driven[at(c)];
    const Jet2<double> jet = s.motion.jet(c, t);
    state.q()[at(c)] = jet.value;
    state.u()[at(c)] = moves ? jet.slope : 0.0;
    s.wish[at(c)] = moves ? jet.curvature : 0.0;
  }
  for (const PrescribedCoordinate& one : s.prescribed) {
    const Jet2<double> jet = one.value.jet(t);
    state.q()[at(one.coordinate)] = jet.value;
    state.u()[at(one.coordinate)] = jet.slope;
    s.wish[at(one.coordinate)] = jet.curvature;
  }
  const auto needed = [&] {  // forces and passive torques at the pose, contact included
    evaluate(model, state, s.work, Depth::force);
    exact_paths(model, s.work);
    std::fill(s.external.begin(), s.external.end(), Spatial::Zero());
    add_external<double>(s.loads, t, s.work.tree, s.external);
    for (std::size_t b = 0; b < s.external.size(); ++b) s.external[b] += s.work.contact.external[b];
    couple_accelerations(model, state.u(), s.wish, s.work, s.tree_udot);
  };

  // The root comes down, or up, until planes carry what the motion needs against gravity.
  const Vec3 gravity = model.spec().gravity;
  const double weight = gravity.norm();
  int vertical = -1;
  for (const int c : data.root)
    if (c >= 0 && s.followed[at(c)] && !data.is_rotation[at(c)]) {
      s.mass.assign(s.mass.size(), 0.0);
      couple(model, state.q(), state.u(), s.work);
      positions<double>(model.tree(), s.work.q, s.work.tree);
      for (std::size_t k = 0; k < data.couplings.size(); ++k)
        if (data.couplings[k].source == c && weight > 0.0 &&
            std::abs(s.work.tree.motion[k].tail<3>().dot(gravity)) > 0.9 * weight)
          vertical = c;
    }
  const double first = vertical >= 0 ? state.q()[at(vertical)] : 0.0;
  if (vertical >= 0 && !data.spheres.empty()) {
    const auto excess = [&](double place) {
      state.q()[at(vertical)] = place;
      needed();
      // bodies shall feel planes, and ground all that they need besides
      s.external[0].setZero();
      inverse_dynamics<double>(model.tree(), s.tree_udot, gravity, s.external, s.work.tree, s.tau);
      return -s.work.tree.joint_wrench[0].tail<3>().dot(gravity);  // what is missing upwards
    };
    // what they carry at the motion's own place is well below or above that: it knows no soles, or another floor
    needed();
    double carried = 0.0;
    for (const Vec3& force : s.work.contact.sphere_force) carried -= force.dot(gravity) / weight;
    const double need = carried + excess(first) / weight;
    if (carried < 0.5 * need || carried > 2.0 * need) {
      const Root root = bisection_root(excess, first - 0.5, first + 0.5, {.x = 1e-7});
      state.q()[at(vertical)] = root.converged ? root.x : first;
      s.motion.shift(vertical, state.q()[at(vertical)] - first);
    }
  }

  // Then all coordinates give way a little, until muscles and contacts explain the motion.
  const std::size_t muscles = at(model.muscles());
  // Friction comes of speeds, not of places: what is asked of it at the start is left to the first steps.
  for (int j = 0; j < s.rows.size(); ++j)
    if (const Equation& equation = s.rows.equations()[at(j)]; equation.root)
      s.problem.reserve_scale[at(j)] = equation.rotation ? 10.0 : equation.coordinate == vertical ? 5.0 : 100.0;
  s.gone.setZero(static_cast<Eigen::Index>(s.columns.size()));
  for (int iteration = 0; iteration < 100; ++iteration) {
    needed();
    s.metric.setZero();
    for (std::size_t k = 0; k < s.columns.size(); ++k)  // what costs as much as one full activation
      s.metric(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(k)) =
          1.0 / (data.is_rotation[at(s.columns[k])] ? 0.02 : 0.005);
    std::fill(s.mass.begin(), s.mass.end(), 0.0);
    s.find_touches();
    const std::vector<double> kept = s.tree_udot;
    std::fill(s.tree_udot.begin(), s.tree_udot.end(), 0.0);
    for (const Touch& touch : s.touches)
      s.resist(touch, touch.normal * (touch.normal.transpose() * touch.by_position), Vec3::Zero());
    s.tree_udot = kept;
    s.fold();
    inverse_dynamics<double>(model.tree(), s.tree_udot, gravity, s.external, s.work.tree, s.tau);
    s.steady_forces(s.work);
    std::fill(s.stretched.begin(), s.stretched.end(), 0.0);
    for (std::size_t m = 0; m < muscles; ++m) {
      s.least[m] = data.units[m].minimum_activation * s.active[m] + s.passive[m];
      s.greatest[m] = s.active[m] + s.passive[m];
    }
    s.solve();
    s.unsettled = s.given.size() > 0 ? s.given.cwiseAbs().maxCoeff() : 0.0;
    if (s.unsettled < settled) break;
    const double part = std::min(1.0, 0.01 / s.unsettled);
    s.gone += part * s.given;
    for (std::size_t k = 0; k < s.columns.size(); ++k)
      state.q()[at(s.columns[k])] += part * s.given[static_cast<Eigen::Index>(k)];
  }
  s.gone.resize(0);

  s.set_reserve_scales();

  // Muscles at these forces, fibres moving with their paths.
  for (std::size_t m = 0; m < muscles; ++m)
    state.activation()[m] =
        std::clamp((s.wanted[m] - s.passive[m]) / s.active[m], std::min(data.units[m].minimum_activation, 1.0), 1.0);
  data.batch.equilibrium(s.work.length, s.work.speed, state.activation(), s.balance);
  std::copy(s.balance.fibre_length.begin(), s.balance.fibre_length.end(), state.fibre_length().begin());
  return state;
}

}  // namespace psoas
