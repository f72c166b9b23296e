// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A simulation over time: smooth stretches between the corners of signals, delayed thresholds and events, each integrated
// by one of three steppers, with rows, events and works read from the steps.
#include <algorithm>
#include <cmath>
#include <limits>

#include "psoas/core/roots.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/units.hpp"
#include "psoas/muscle/activation.hpp"
#include "solve/forward_scratch.hpp"
#include "solve/integrate.hpp"
#include "solve/steppers.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
Eigen::Index row(std::size_t index) { return static_cast<Eigen::Index>(index); }

constexpr int most_crept = 1000;
constexpr double most_rows = 1e7;

/// Rate [1/s] at which the fibres of a compliant unit come to balance with a tendon stretched as at F0: what an explicit
/// method must resolve.
double stiffest_rate(const MuscleParameters& unit) {
  if (unit.has_rigid_tendon() || !(unit.max_isometric_force > 0.0)) return 0.0;
  const double along = unit.optimal_fibre_length * std::cos(unit.pennation);
  const double length = along + unit.tendon_slack_length * (1.0 + unit.tendon_strain);
  return std::abs(
      fibre_velocity_slopes(unit, length, unit.optimal_fibre_length, unit.minimum_activation).by_fibre_length);
}

/// An explicit method must take steps shorter than about 3 over the stiffest rate; beyond this rate, three thousand steps
/// a second, one with a Jacobian is faster.
constexpr double stiff_rate = 1e4;

}  // namespace

/// One run: what simulate() does.
class Simulation {
 public:
  Simulation(const Model& model, const State& start, const SimulationOptions& options,
             const std::function<void(const State&, const ForwardDynamics&)>& observe)
      : model_(model), options_(options), observe_(observe), dynamics_(model, options), state_(start) {
    const std::size_t states = start.vector.size(), size = at(dynamics_.size());
    x_.assign(size, 0.0);
    std::copy(start.vector.begin(), start.vector.end(), x_.begin());
    between_ = rates_ = x_;
    unit_.assign(size, 1.0);
    for (int m = 0; m < model.muscles(); ++m)
      unit_[at(2 * model.coordinates() + model.muscles() + m)] = model.data().units[at(m)].optimal_fibre_length;
    unit_[states + turnover] = 1e12;  // its corners, where a muscle turns, shall not shorten steps
    held_.assign(at(model.coordinates()), 1);
    for (const int c : scratch().free) held_[at(c)] = 0;
    start_ = start.time;
    end_ = start_ + options.duration;
    same_time_ =
        std::max(1e-12, 8.0 * std::numeric_limits<double>::epsilon() * std::max(std::abs(start_), std::abs(end_)));
    const double rows = std::floor(options.duration / options.step + 1e-9);
    if (!(rows <= most_rows))
      throw Error(Kind::input, "step",
                  "expected at most " + shortest_text(most_rows) + " rows of " + shortest_text(options.step) +
                      " s in " + shortest_text(options.duration) + " s, found " + shortest_text(rows));
    const int count = static_cast<int>(rows);
    for (int i = 0; i <= count; ++i) times_.push_back(start_ + i * options.step);
    if (times_.back() < end_ - 1e-9 * options.step) times_.push_back(end_);
    if (options.duration - count * options.step < 1e-9 * options.step) times_.back() = end_;
    // states follow what error control cannot see between the stages of a long step
    longest_ = options.step;
    for (const StretchReflex& reflex : options.reflexes) longest_ = std::min(longest_, reflex.delay);
    for (const PrescribedCoordinate& one : options.prescribed)
      if (one.value.first_time() > start_ + 1e-9 || one.value.last_time() < end_ - 1e-9)
        throw Error(Kind::input, model.data().coordinate_names[at(one.coordinate)],
                    "expected a prescribed coordinate that is given from " + shortest_text(start_) + " to " +
                        shortest_text(end_) + " s, found " + shortest_text(one.value.first_time()) + " to " +
                        shortest_text(one.value.last_time()) + " s");
    values_.resize(DelayLine::nodes * 2 * options.reflexes.size());
    positive_.assign(options.events.size(), 0);
    corners_.reserve(256);
    for (const OpenLoop& one : options.open_loop) add_corners(one.excitation);
    for (const CoordinateForce& one : options.forces) add_corners(one.force);
    for (const StretchReflex& reflex : options.reflexes) add_corner(start_ + reflex.delay);
    if (options.sampled) {
      if (!(options.sampled->interval >= 1e-4))
        throw Error(Kind::input, "sampled control",
                    "expected an interval of at least 0.0001 s, found " + shortest_text(options.sampled->interval));
      sampled_ = start_;
    }
    // splines of loads are smooth but where they give way to the parabolas beyond their samples
    for (const ExternalLoad& load : options.loads)
      for (const auto* splines : {&load.wrench, &load.point})
        for (const QuinticSpline& spline : *splines) add_corner(spline.first_time()), add_corner(spline.last_time());
  }

  SimulationReport run() {
    report_.integrator = options_.integrator;
    if (report_.integrator == Integrator::automatic) {
      report_.integrator = state_.vector.size() > at(most_stiff_states)
                               ? (may_be_stiff() ? Integrator::ark4 : Integrator::dopri5)
                               : (is_stiff() ? Integrator::rosenbrock4 : Integrator::dopri5);
    }
    if (report_.integrator == Integrator::rosenbrock4) {
      if (state_.vector.size() > at(most_stiff_states))
        throw Error(Kind::input, "integrator",
                    "expected ark4 or dopri5 for a model of more than " + std::to_string(most_stiff_states) +
                        " states, found rosenbrock4 for " + std::to_string(state_.vector.size()));
      ImplicitStepper<ForwardDynamics> stepper(dynamics_, unit_, options_.tolerance, longest_);
      go(stepper);
    } else if (report_.integrator == Integrator::ark4) {
      // works as the audit sees them: against what it takes to raise the body by 0.1 m
      const double energy = std::max(1.0, 0.1 * standard_gravity * model_.data().mass);
      for (const std::size_t work : {muscle_work, external_work, control_work, dissipated})
        unit_[state_.vector.size() + work] = energy;
      AdditiveStepper stepper(dynamics_, unit_, options_.tolerance, longest_);
      go(stepper);
    } else {
      ExplicitStepper<ForwardDynamics> stepper(dynamics_, unit_, options_.tolerance, longest_);
      go(stepper);
    }
    report_.rates = scratch().count;
    report_.audit = dynamics_.audit();
    return report_;
  }

 private:
  ForwardDynamics::Scratch& scratch() { return *dynamics_.scratch_; }

  /// Whether the model has what an explicit method may be held to short steps by: contacts, or fibres on tendons.
  bool may_be_stiff() const {
    const ModelData& data = model_.data();
    return !data.spheres.empty() || data.batch.rigid_tendons().size() < data.units.size();
  }

  /// Whether an explicit method would be held to short steps: by a tendon, or by anything else at the start.
  bool is_stiff() {
    for (const MuscleParameters& unit : model_.data().units)
      if (stiffest_rate(unit) > stiff_rate) return true;
    const std::size_t n = state_.vector.size(), size = x_.size();
    Vector by_state(size * size), by_time(size);
    dynamics_.enter(start_ + same_time_);
    rates_at(start_, x_);
    dynamics_.jacobian(start_, x_, by_state, by_time);
    const MatX J =
        Eigen::Map<const MatX>(by_state.data(), row(size), row(size)).transpose().topLeftCorner(row(n), row(n));
    // spectral radius = lim |J^k|^(1/k) (Gelfand's formula), k = 64
    MatX power = J;
    double logarithm = 0.0, k = 1.0;
    for (int i = 0; i <= 6; ++i) {
      const double norm = power.norm();
      if (!std::isfinite(norm) || norm == 0.0) return false;
      logarithm += std::log(norm) / k;
      power /= norm;
      power = (power * power).eval();
      k *= 2.0;
    }
    return std::exp(logarithm) > stiff_rate;
  }

  void add_corners(const Signal& signal) {
    for (const double t : signal.corners()) add_corner(t);
  }
  void add_corner(double t) {
    if (t <= start_ + same_time_ || t >= end_ - same_time_) return;
    const auto place = std::lower_bound(corners_.begin(), corners_.end(), t);
    if ((place != corners_.end() && *place - t <= same_time_) ||
        (place != corners_.begin() && t - place[-1] <= same_time_))
      return;
    corners_.insert(place, t);
  }

  template <class Stepper>
  void go(Stepper& stepper) {
    begin();
    const std::size_t n = at(model_.coordinates());
    double t = start_, natural = std::min(1e-4, options_.step);
    while (t < end_) {
      dynamics_.enter(t + same_time_);  // corners that differ by rounding are one
      if (t >= sampled_ - same_time_) sample(t);
      if (row_ < times_.size() && times_[row_] <= t + same_time_) show(t, x_);
      const auto next = std::upper_bound(corners_.begin(), corners_.end(), t + same_time_);
      double aim = std::min(next == corners_.end() ? end_ : *next, sampled_);
      if (aim > end_ - same_time_) aim = end_;
      stepper.start(x_, t, std::min(natural, aim - t));
      restart_ = -1;
      while (stepper.time() < aim - same_time_) {
        const double left = aim - stepper.time();
        if (stepper.next_step() > (1.0 - 1e-6) * left) {
          natural = std::max(natural, stepper.next_step());
          stepper.shorten(left);
        } else {
          natural = stepper.next_step();
        }
        step(stepper);
        if (find_crossings(stepper, aim)) {
          // come again, to the event and no further
          aim = crossings_.back().time;
          restart_ = crossings_.back().event;
          stepper.previous_state(x_);
          stepper.start(x_, stepper.previous_time(), aim - stepper.previous_time());
          continue;
        }
        if (stepper.time() >= aim - same_time_ && restart_ >= 0) {
          const std::size_t k = at(restart_);
          positive_[k] = !positive_[k];
          report_.events.push_back({aim, restart_, positive_[k] != 0});
        }
        accept(stepper, aim);
        const double corner = next_reflex_corner(stepper.time());
        if (corner < aim) aim = corner, restart_ = -1;
        // the same pose in other numbers, where a rotation vector is longer than half a turn
        stepper.state(between_);
        if (rechart(model_, std::span(between_).first(n), std::span(between_).subspan(n, n), held_)) {
          x_ = between_;
          stepper.start(x_, stepper.time(), std::min(natural, std::max(aim - stepper.time(), same_time_)));
        }
      }
      stepper.state(x_);
      t = aim;
    }
    show(end_, x_);
  }

  /// The state at the start: prescribed coordinates, histories, energies, signs of events.
  void begin() {
    ForwardDynamics::Scratch& s = scratch();
    dynamics_.enter(start_ + same_time_);
    const std::size_t n = at(model_.coordinates());
    rechart(model_, std::span(x_).first(n), std::span(x_).subspan(n, n), held_);
    const std::vector<int> loose = dynamics_.unresisted(state_.q());
    if (!loose.empty())
      throw Error(Kind::numeric, "t = " + shortest_text(start_) + " s",
                  model_.data().coordinate_names[at(loose.front())] + ": " + no_inertia);
    Vector now(2 * options_.reflexes.size());
    rates_at(start_, x_);
    for (std::size_t k = 0; k < options_.reflexes.size(); ++k) now[2 * k] = norm_fibre_length(k);
    s.history.start(start_, now);
    s.place(start_, x_);
    std::copy(s.state.vector.begin(), s.state.vector.end(), x_.begin());
    rates_at(start_, x_);
    first_kinetic_ = dynamics_.kinetic_energy();
    first_potential_ = dynamics_.potential_energy();
    s.audit = {};
    for (std::size_t k = 0; k < options_.events.size(); ++k) positive_[k] = options_.events[k].value(s.state) > 0.0;
  }

  /// Lets sampled control see the state and act.
  void sample(double t) {
    ForwardDynamics::Scratch& s = scratch();
    rates_at(t, x_);
    try {
      options_.sampled->act(dynamics_, s.sampled_excitation, s.sampled_force);
    } catch (const Error& error) {
      throw Error(error.kind(), "t = " + shortest_text(t) + " s", error.what());
    }
    sampled_ = start_ + ++samples_ * options_.sampled->interval;
  }

  void rates_at(double t, const Vector& x) {
    try {
      dynamics_.rates(t, x, rates_);
    } catch (const Error& error) {
      throw Error(error.kind(), "t = " + shortest_text(t) + " s", error.what());
    }
  }

  template <class Stepper>
  void step(Stepper& stepper) {
    const double before = stepper.time();
    try {
      stepper.step();
    } catch (const Error& error) {
      if (error.where().rfind("t = ", 0) == 0) throw;
      throw Error(error.kind(), "t = " + shortest_text(before) + " s", error.what());
    }
    // a jump is crossed in a few steps; where many in a row are as short the motion has no continuation
    crept_ = stepper.time() - before <= 2.0 * shortest_step ? crept_ + 1 : 0;
    if (crept_ > most_crept)
      throw Error(Kind::numeric, "t = " + shortest_text(before) + " s",
                  "expected integration steps above 1e-9 s, found none within the tolerance for " +
                      state_name(stepper.worst()));
    if (++report_.steps > most_integration_steps)
      throw Error(Kind::numeric, "t = " + shortest_text(before) + " s",
                  "expected at most " + std::to_string(most_integration_steps) +
                      " integration steps, found more, held short by " + state_name(stepper.worst()) +
                      "; what is stiff may want another integrator");
    stepper.state(between_);
    if (!std::all_of(between_.begin(), between_.end(), [](double value) { return std::isfinite(value); }))
      throw Error(Kind::numeric, "t = " + shortest_text(stepper.time()) + " s", "expected finite states");
  }

  /// What a state is called in messages.
  std::string state_name(std::size_t i) const {
    const ModelData& data = model_.data();
    for (const auto& [what, names] : {std::pair{"coordinate ", &data.coordinate_names},
                                      {"speed of ", &data.coordinate_names},
                                      {"activation of ", &data.muscle_names},
                                      {"fibre length of ", &data.muscle_names}}) {
      if (i < names->size()) return what + (*names)[i];
      i -= names->size();
    }
    return "an energy";
  }

  /// The events inside the last step, in order; true if the last of them asks for a new start before the step's end.
  template <class Stepper>
  bool find_crossings(const Stepper& stepper, double aim) {
    crossings_.clear();
    const double from = stepper.previous_time(), to = stepper.time();
    if (options_.events.empty()) return false;
    now_positive_ = positive_;
    double low = from;
    for (int quarter = 1; quarter <= 4; ++quarter) {
      const double high = quarter == 4 ? to : from + 0.25 * quarter * (to - from);
      place_between(stepper, high);
      passed_.clear();
      for (std::size_t k = 0; k < options_.events.size(); ++k)
        if (static_cast<int>(k) != restart_ &&  // where this very step ends
            (options_.events[k].value(scratch().state) > 0.0) != (now_positive_[k] != 0))
          passed_.push_back(k);
      for (const std::size_t k : passed_) {
        const bool positive = now_positive_[k] != 0;
        double a = low, b = high;  // halved by sign alone: the value may be 0 where the step begins
        while (b - a > same_time_) {
          const double middle = 0.5 * (a + b);
          if (middle <= a || middle >= b) break;
          place_between(stepper, middle);
          ((options_.events[k].value(scratch().state) > 0.0) == positive ? a : b) = middle;
        }
        now_positive_[k] = !positive;
        crossings_.push_back({b, static_cast<int>(k), !positive});
      }
      low = high;
    }
    std::stable_sort(crossings_.begin(), crossings_.end(),
                     [](const EventTime& a, const EventTime& b) { return a.time < b.time; });
    for (std::size_t i = 0; i < crossings_.size(); ++i)
      if (options_.events[at(crossings_[i].event)].restart && crossings_[i].time < aim - same_time_ &&
          crossings_[i].time > from + same_time_) {
        crossings_.resize(i + 1);
        return true;
      }
    for (const EventTime& one : crossings_) {
      positive_[at(one.event)] = one.begins;
      report_.events.push_back(one);
    }
    return false;
  }

  /// The state at an instant of the last step.
  template <class Stepper>
  void place_between(const Stepper& stepper, double t) {
    stepper.state_at(t, between_);
    scratch().place(t, between_);
  }

  /// Rows, histories and corners of the last step.
  template <class Stepper>
  void accept(const Stepper& stepper, double aim) {
    const double from = stepper.previous_time(), to = stepper.time();
    scratch().audit.greatest_kinetic = std::max(scratch().audit.greatest_kinetic, dynamics_.kinetic_energy());
    const double last = to >= aim - same_time_ ? aim - same_time_ : to;  // a row at the aim is shown by what follows it
    while (row_ < times_.size() && times_[row_] <= last) {
      stepper.state_at(times_[row_], between_);
      show(times_[row_], between_);
    }
    if (options_.reflexes.empty()) return;
    for (std::size_t node = 0; node < DelayLine::nodes; ++node) {
      const double t = node + 1 == DelayLine::nodes ? to : from + DelayLine::place[node] * (to - from);
      stepper.state_at(t, between_);
      rates_at(t, between_);
      double* value = values_.data() + node * 2 * options_.reflexes.size();
      for (std::size_t k = 0; k < options_.reflexes.size(); ++k) {
        const std::size_t m = at(options_.reflexes[k].muscle);
        value[2 * k] = norm_fibre_length(k);
        value[2 * k + 1] = scratch().work.fibre.fibre_velocity[m] / model_.data().units[m].optimal_fibre_length;
      }
    }
    scratch().history.add(from, to, values_);
    // where what a reflex feels passes its threshold, its excitation has a corner a delay later
    for (std::size_t k = 0; k < options_.reflexes.size(); ++k) {
      const StretchReflex& reflex = options_.reflexes[k];
      find_thresholds(2 * k, reflex.length_threshold, reflex.length_gain, reflex.delay, from, to);
      find_thresholds(2 * k + 1, reflex.velocity_threshold, reflex.velocity_gain, reflex.delay, from, to);
    }
  }

  void find_thresholds(std::size_t channel, double threshold, double gain, double delay, double from, double to) {
    if (gain == 0.0) return;
    const auto excess = [&](double t) { return scratch().history.at(t, channel, true) - threshold; };
    constexpr double nothing = 1e-9;  // what a muscle at rest feels by rounding makes no corner
    double low = from, at_low = excess(low);
    for (std::size_t node = 1; node < DelayLine::nodes; ++node) {
      const double high = node + 1 == DelayLine::nodes ? to : from + DelayLine::place[node] * (to - from);
      const double at_high = excess(high);
      if ((at_low > 0.0) != (at_high > 0.0) && std::max(std::abs(at_low), std::abs(at_high)) > nothing) {
        const Root root = bisection_root(excess, low, high, {.x = same_time_});
        if (root.converged) add_corner(root.x + delay);
      }
      low = high;
      at_low = at_high;
    }
  }

  /// Corners may have come since the stretch began.
  double next_reflex_corner(double t) const {
    if (options_.reflexes.empty()) return end_;
    const auto next = std::upper_bound(corners_.begin(), corners_.end(), t + same_time_);
    return next == corners_.end() ? end_ : *next;
  }

  double norm_fibre_length(std::size_t reflex) {
    const std::size_t m = at(options_.reflexes[reflex].muscle);
    return scratch().work.fibre.fibre_length[m] / model_.data().units[m].optimal_fibre_length;
  }

  /// Hands the next row over.
  void show(double t, const Vector& x) {
    ForwardDynamics::Scratch& s = scratch();
    rates_at(t, x);  // the observer sees this instant, not the stepper's last stage
    const double* work = x.data() + s.state.vector.size();
    EnergyAudit& audit = s.audit;
    audit.muscle_work = work[muscle_work];
    audit.turnover = work[turnover];
    audit.external_work = work[external_work];
    audit.control_work = work[control_work];
    audit.dissipated = work[dissipated];
    audit.kinetic_change = dynamics_.kinetic_energy() - first_kinetic_;
    audit.potential_change = dynamics_.potential_energy() - first_potential_;
    audit.greatest_kinetic = std::max(audit.greatest_kinetic, dynamics_.kinetic_energy());
    audit.greatest_potential = std::max(audit.greatest_potential, std::abs(audit.potential_change));
    const double imbalance = std::abs(audit.imbalance());
    audit.greatest_imbalance = std::max(audit.greatest_imbalance, std::isfinite(imbalance) ? imbalance : inf);
    if (row_ >= times_.size()) return;
    state_ = s.state;
    state_.time = times_[row_++];
    observe_(state_, dynamics_);
  }

  Model model_;
  const SimulationOptions& options_;
  const std::function<void(const State&, const ForwardDynamics&)>& observe_;
  ForwardDynamics dynamics_;
  State state_;
  Vector x_, between_, rates_, unit_, times_, values_, corners_;
  std::size_t row_ = 0;
  int samples_ = 0;         // that sampled control has seen
  double sampled_ = inf;    // the next [s]
  double same_time_ = 0.0;  // times that are nearer to each other are the same [s]
  double start_ = 0.0, end_ = 0.0, longest_ = 0.0, first_kinetic_ = 0.0, first_potential_ = 0.0;
  std::vector<char> held_;                     // per coordinate: locked or prescribed
  int crept_ = 0;                              // steps in a row that were as short as may be
  std::vector<char> positive_, now_positive_;  // per event: whether it lasts, up to the last step and inside it
  std::vector<std::size_t> passed_;
  std::vector<EventTime> crossings_;
  int restart_ = -1;  // the event at which the stretch ends
  SimulationReport report_;
};

SimulationReport simulate(const Model& model, const State& state, const SimulationOptions& options,
                          const std::function<void(const State&, const ForwardDynamics&)>& observe) {
  return Simulation(model, state, options, observe).run();
}

std::vector<Event> range_events(const Model& model, const std::vector<char>& locked) {
  std::vector<Event> out;
  for (int c = 0; c < model.coordinates(); ++c) {
    const std::string& name = model.data().coordinate_names[at(c)];
    const std::array<double, 2> range = model.spec().coordinates.find(name)->range;
    if ((!locked.empty() && locked[at(c)]) || !(range[1] - range[0] < 1e3)) continue;
    out.push_back(
        {name + " above its range", [c, high = range[1]](const State& now) { return now.q()[at(c)] - high; }});
    out.push_back({name + " below its range", [c, low = range[0]](const State& now) { return low - now.q()[at(c)]; }});
  }
  return out;
}

std::vector<Event> contact_events(const Model& model) {
  struct Poses {
    Workspace work;
    std::vector<double> q;  // of the last call
  };
  const auto poses = std::make_shared<Poses>(Poses{Workspace(model), {}});
  // how deep sphere i is below plane p, as far as the plane goes
  const auto depth = [model, poses](const State& now, std::size_t i, int p) {
    if (!std::equal(poses->q.begin(), poses->q.end(), now.q().begin(), now.q().end())) {
      couple(model, now.q(), now.u(), poses->work);
      positions<double>(model.tree(), poses->work.q, poses->work.tree);
      poses->q.assign(now.q().begin(), now.q().end());
    }
    const ContactSphere& sphere = model.data().spheres[i];
    const ContactPlane& plane = model.data().planes[at(p)];
    const std::vector<Pose>& X_GB = poses->work.tree.X_GB;
    const Vec3 centre = X_GB[at(sphere.body)] * sphere.location;
    const Vec3 place = X_GB[at(plane.body)].R.transpose() * (centre - X_GB[at(plane.body)] * plane.point);
    const double inside = sphere.radius - plane.normal.dot(place);
    return plane.edge.isZero() ? inside : std::min(inside, plane.distance + plane.width - plane.edge.dot(place));
  };
  const std::vector<ContactSphere>& spheres = model.data().spheres;
  std::vector<Event> out;
  std::vector<std::vector<std::size_t>> touching(model.data().planes.size());  // spheres of each plane
  for (std::size_t i = 0; i < spheres.size(); ++i) {
    for (const int p : spheres[i].planes) touching[at(p)].push_back(i);
    const auto deepest = [depth, i, planes = spheres[i].planes](const State& now) {
      double most = -inf;
      for (const int p : planes) most = std::max(most, depth(now, i, p));
      return most;
    };
    out.push_back({model.data().sphere_names[i] + " in contact", deepest, true});
  }
  // where it begins or ends, a sphere's does: integration starts anew there already
  for (std::size_t p = 0; p < touching.size(); ++p) {
    if (touching[p].size() < 2) continue;
    const auto deepest = [depth, p, mine = touching[p]](const State& now) {
      double most = -inf;
      for (const std::size_t i : mine) most = std::max(most, depth(now, i, static_cast<int>(p)));
      return most;
    };
    out.push_back({model.data().plane_names[p] + " in contact", deepest});
  }
  return out;
}

}  // namespace psoas
