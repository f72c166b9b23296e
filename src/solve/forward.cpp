// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/forward.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "psoas/muscle/activation.hpp"
#include "psoas/skeleton/dynamics.hpp"
#include "solve/forward_scratch.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
Eigen::Index row(int index) { return static_cast<Eigen::Index>(index); }

/// Rows k of a positive semidefinite matrix (lower triangle) whose motion, those before them moving as they like, has no
/// inertia but for rounding: the pivots of Cholesky's factor.
std::vector<Eigen::Index> without_inertia(MatX L) {
  std::vector<Eigen::Index> out;
  for (Eigen::Index k = 0; k < L.rows(); ++k) {
    const double own = L(k, k), pivot = own - L.row(k).head(k).squaredNorm();
    const bool none = !(pivot > 1e-12 * own);
    if (none) out.push_back(k);
    L(k, k) = none ? 0.0 : std::sqrt(pivot);
    for (Eigen::Index i = k + 1; i < L.rows(); ++i)
      L(i, k) = none ? 0.0 : (L(i, k) - L.row(i).head(k).dot(L.row(k).head(k))) / L(k, k);
  }
  return out;
}

double longest_delay(const std::vector<StretchReflex>& reflexes) {
  double longest = 0.0;
  for (const StretchReflex& reflex : reflexes) longest = std::max(longest, reflex.delay);
  return longest;
}

}  // namespace

double EnergyAudit::relative() const {
  const double scale = by_muscles() ? turnover : other_energy();
  return greatest_imbalance > 0.0 ? greatest_imbalance / scale : 0.0;
}

ForwardDynamics::Scratch::Scratch(const Model& m, SimulationOptions o)
    : model(m),
      options(std::move(o)),
      work(model),
      state(model.default_state()),
      history(2 * options.reflexes.size(), longest_delay(options.reflexes)) {
  const ModelData& data = model.data();
  const int n = model.coordinates();
  if (options.locked.empty()) options.locked.assign(at(n), 0);
  if (options.excitation.empty())
    for (const MuscleParameters& unit : data.units) options.excitation.push_back(unit.minimum_activation);
  std::vector<char> moves(at(n), 1);
  for (int c = 0; c < n; ++c)
    if (options.locked[at(c)]) moves[at(c)] = 0;
  for (const PrescribedCoordinate& one : options.prescribed) moves[at(one.coordinate)] = 0;
  for (int c = 0; c < n; ++c)
    if (moves[at(c)]) free.push_back(c);
  plain = free.size() == at(n) && std::all_of(data.couplings.begin(), data.couplings.end(),
                                              [](const Coupling& coupling) { return coupling.identity; });
  const std::size_t tree = at(model.tree().coordinates());
  udot.assign(at(n), 0.0);
  known = projected = muscle_moment = udot;
  excitation = options.excitation;
  prescribed_force.assign(options.prescribed.size(), 0.0);
  if (options.sampled) {
    sampled_excitation = options.excitation;
    sampled_force.assign(at(n), 0.0);
  }
  tree_udot.assign(tree, 0.0);
  tau = tree_udot;
  mass.assign(tree * tree, 0.0);
  external.assign(model.tree().bodies.size(), Spatial::Zero());
  M.setZero(n, n);
  const auto size = static_cast<Eigen::Index>(free.size());
  free_mass.resize(size, size);
  rhs.resize(size);
  factor = Eigen::LLT<MatX>(size);
  open_loop_piece.assign(options.open_loop.size(), 0);
  force_piece.assign(options.forces.size(), 0);
  reflex_begun.assign(options.reflexes.size(), 0);
  reflex_felt.assign(2 * options.reflexes.size(), 0);
  open_loop_of.assign(at(model.muscles()), -1);
  for (std::size_t k = 0; k < options.open_loop.size(); ++k)
    for (const int muscle : options.open_loop[k].muscles) open_loop_of[at(muscle)] = static_cast<int>(k);
}

ForwardDynamics::ForwardDynamics(const Model& model, SimulationOptions options)
    : scratch_(std::make_unique<Scratch>(model, std::move(options))) {
  enter(0.0);
}
ForwardDynamics::~ForwardDynamics() = default;
ForwardDynamics::ForwardDynamics(ForwardDynamics&&) noexcept = default;
int ForwardDynamics::size() const {
  return static_cast<int>(scratch_->state.vector.size()) + static_cast<int>(audit_states);
}
const Workspace& ForwardDynamics::work() const { return scratch_->work; }
const State& ForwardDynamics::state() const { return scratch_->state; }
std::span<const Spatial> ForwardDynamics::external() const { return scratch_->external; }
std::span<const double> ForwardDynamics::udot() const { return scratch_->udot; }
std::span<const double> ForwardDynamics::excitation() const { return scratch_->excitation; }
std::span<const double> ForwardDynamics::sampled_force() const { return scratch_->sampled_force; }
std::span<const double> ForwardDynamics::prescribed_force() const { return scratch_->prescribed_force; }
double ForwardDynamics::prescribed_force(int coordinate) const {
  for (std::size_t k = 0; k < scratch_->options.prescribed.size(); ++k)
    if (scratch_->options.prescribed[k].coordinate == coordinate) return scratch_->prescribed_force[k];
  return 0.0;
}
double ForwardDynamics::kinetic_energy() const {
  return psoas::kinetic_energy<double>(scratch_->model.tree(), scratch_->work.tree);
}
double ForwardDynamics::potential_energy() const {
  const Scratch& s = *scratch_;
  return psoas::potential_energy<double>(s.model.tree(), s.work.tree, s.model.spec().gravity) +
         s.work.passive.potential + s.work.contact.potential;
}
const EnergyAudit& ForwardDynamics::audit() const { return scratch_->audit; }

void ForwardDynamics::enter(double t) {
  Scratch& s = *scratch_;
  for (std::size_t k = 0; k < s.open_loop_piece.size(); ++k)
    s.open_loop_piece[k] = s.options.open_loop[k].excitation.piece(t);
  for (std::size_t k = 0; k < s.force_piece.size(); ++k) s.force_piece[k] = s.options.forces[k].force.piece(t);
  for (std::size_t k = 0; k < s.reflex_begun.size(); ++k)
    s.reflex_begun[k] = t - s.options.reflexes[k].delay > s.history.start() - 1e-9;
}

void ForwardDynamics::Scratch::place(double t, std::span<const double> x) {
  std::copy_n(x.begin(), state.vector.size(), state.vector.begin());
  state.time = t;
  const std::span<double> q = state.q(), u = state.u();
  for (std::size_t c = 0; c < u.size(); ++c)
    if (options.locked[c]) u[c] = 0.0;
  for (std::size_t k = 0; k < options.prescribed.size(); ++k) {
    const std::size_t c = at(options.prescribed[k].coordinate);
    const Jet2<double> jet = options.prescribed[k].value.jet(t, 1);
    q[c] = jet.value;
    u[c] = jet.slope;
    known[c] = jet.curvature;
  }
}

void ForwardDynamics::Scratch::excite(double t) {
  const ModelData& data = model.data();
  for (std::size_t m = 0; m < excitation.size(); ++m) {
    const int loop = open_loop_of[m];
    excitation[m] = loop < 0 ? (sampled_excitation.empty() ? options.excitation : sampled_excitation)[m]
                             : options.open_loop[at(loop)].excitation.jet(t, open_loop_piece[at(loop)]).value;
  }
  for (std::size_t k = 0; k < options.reflexes.size(); ++k) {
    const StretchReflex& reflex = options.reflexes[k];
    const bool begun = reflex_begun[k] != 0;
    const double length = history.at(t - reflex.delay, 2 * k, begun),
                 speed = history.at(t - reflex.delay, 2 * k + 1, begun);
    const double longer = length - reflex.length_threshold, faster = speed - reflex.velocity_threshold;
    if (!reflexes_held) reflex_felt[2 * k] = longer > 0.0, reflex_felt[2 * k + 1] = faster > 0.0;
    if (reflex_felt[2 * k]) excitation[at(reflex.muscle)] += reflex.length_gain * longer;
    if (reflex_felt[2 * k + 1]) excitation[at(reflex.muscle)] += reflex.velocity_gain * faster;
  }
  for (std::size_t m = 0; m < excitation.size(); ++m)
    excitation[m] = std::clamp(excitation[m], std::min(data.units[m].minimum_activation, 1.0), 1.0);
}

void ForwardDynamics::Scratch::project_mass() {
  const ModelData& data = model.data();
  const std::size_t tree = data.couplings.size();
  mass_matrix<double>(model.tree(), work.tree, mass);
  M.setZero();
  for (std::size_t t = 0; t < tree; ++t) {
    const int column = data.couplings[t].source;
    for (std::size_t r = 0; r <= t; ++r) {
      const double m = mass[t * tree + r];
      if (m == 0.0) continue;  // coordinates of different branches
      const int other = data.couplings[r].source;
      const double share = work.slope[t] * work.slope[r] * m;
      M(row(std::max(column, other)), row(std::min(column, other))) += column == other && r != t ? 2.0 * share : share;
    }
  }
}

void ForwardDynamics::Scratch::mass_of_free() {
  for (std::size_t k = 0; k < free.size(); ++k)
    for (std::size_t j = 0; j <= k; ++j)
      free_mass(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(j)) = M(row(free[k]), row(free[j]));
}

void ForwardDynamics::Scratch::factorise() {
  mass_of_free();
  factor.compute(free_mass);
  if (factor.info() == Eigen::Success) return;
  const std::vector<Eigen::Index> none = without_inertia(free_mass);
  const std::size_t k = none.empty() ? 0 : static_cast<std::size_t>(none.front());
  throw Error(Kind::numeric, model.data().coordinate_names[at(free[k])], no_inertia);
}

std::vector<int> ForwardDynamics::unresisted(std::span<const double> q) {
  Scratch& s = *scratch_;
  couple(s.model, q, s.state.u(), s.work);
  positions<double>(s.model.tree(), s.work.q, s.work.tree);
  s.project_mass();
  s.mass_of_free();
  std::vector<int> out;
  for (const Eigen::Index k : without_inertia(s.free_mass)) out.push_back(s.free[static_cast<std::size_t>(k)]);
  return out;
}

void ForwardDynamics::Scratch::accelerate() {
  for (std::size_t k = 0; k < free.size(); ++k) rhs[static_cast<Eigen::Index>(k)] = projected[at(free[k])];
  factor.solveInPlace(rhs);
  for (std::size_t k = 0; k < free.size(); ++k) udot[at(free[k])] = rhs[static_cast<Eigen::Index>(k)];
}

void ForwardDynamics::rates(double t, std::span<const double> x, std::span<double> out) {
  Scratch& s = *scratch_;
  const Model& model = s.model;
  const ModelData& data = model.data();
  const int n = model.coordinates(), muscles = model.muscles();
  s.place(t, x);
  ++s.count;
  s.excite(t);
  evaluate(model, s.state, s.work, Depth::force);
  const std::span<const double> u = s.state.u();
  std::fill(s.external.begin(), s.external.end(), Spatial::Zero());
  add_external<double>(s.options.loads, t, s.work.tree, s.external);
  double external_power = 0.0;
  for (std::size_t b = 0; b < s.external.size(); ++b) {
    external_power += power<double>(s.external[b], s.work.tree.velocity[b]);
    s.external[b] += s.work.contact.external[b];
  }

  // What muscles, passive elements and controls give.
  std::fill(s.muscle_moment.begin(), s.muscle_moment.end(), 0.0);
  const FittedPaths& fitted = data.fitted;
  for (int m = 0; m < muscles; ++m) {
    const double force = s.work.tendon_force[at(m)];
    if (!fitted.empty()) {
      for (int i = fitted.first_slope(m); i < fitted.first_slope(m + 1); ++i)
        s.muscle_moment[at(fitted.coordinate(i))] -= s.work.fitted.slope[at(i)] * force;
      continue;
    }
    for (int i = data.arm_start[at(m)]; i < data.arm_start[at(m) + 1]; ++i) {
      const int tree = data.arm_slots[at(i)].coordinate;
      s.muscle_moment[at(data.couplings[at(tree)].source)] += s.work.slope[at(tree)] * s.work.arm[at(i)] * force;
    }
  }
  project(model, s.work, s.work.passive_torque, s.projected);
  for (std::size_t c = 0; c < s.projected.size(); ++c) s.projected[c] += s.muscle_moment[c];
  double control_power = 0.0;
  for (std::size_t k = 0; k < s.options.forces.size(); ++k) {
    const std::size_t c = at(s.options.forces[k].coordinate);
    const double force = s.options.forces[k].force.jet(t, s.force_piece[k]).value;
    s.projected[c] += force;
    control_power += force * u[c];
  }
  for (std::size_t c = 0; c < s.sampled_force.size(); ++c) {
    s.projected[c] += s.sampled_force[c];
    control_power += s.sampled_force[c] * u[c];
  }

  if (s.plain) {
    // without couplers the articulated bodies give accelerations at once
    for (std::size_t c = 0; c < s.tau.size(); ++c) s.tau[c] = s.projected[at(data.couplings[c].source)];
    forward_dynamics<double>(model.tree(), s.tau, model.spec().gravity, s.external, s.work.tree, s.tree_udot);
    for (std::size_t c = 0; c < s.tau.size(); ++c) s.udot[at(data.couplings[c].source)] = s.tree_udot[c];
  }
  if (!s.plain || !std::all_of(s.udot.begin(), s.udot.end(), [](double a) { return std::isfinite(a); })) {
    // what the motion needs beyond that at the accelerations that are known
    couple_accelerations(model, u, s.known, s.work, s.tree_udot);
    inverse_dynamics<double>(model.tree(), s.tree_udot, model.spec().gravity, s.external, s.work.tree, s.tau);
    for (std::size_t k = 0; k < s.tau.size(); ++k)
      s.projected[at(data.couplings[k].source)] -= s.work.slope[k] * s.tau[k];
    std::copy(s.known.begin(), s.known.end(), s.udot.begin());
    if (!s.free.empty()) {
      s.project_mass();
      s.factorise();
      s.accelerate();
    }
    for (std::size_t k = 0; k < s.options.prescribed.size(); ++k) {
      const int p = s.options.prescribed[k].coordinate;
      double force = -s.projected[at(p)];
      for (const int c : s.free) force += s.M(row(std::max(p, c)), row(std::min(p, c))) * s.udot[at(c)];
      s.prescribed_force[k] = force;
      external_power += force * u[at(p)];
    }
  }

  for (int c = 0; c < n; ++c) {
    out[at(c)] = u[at(c)];
    out[at(n + c)] = s.udot[at(c)];
  }
  data.batch.activation_rate(s.excitation, s.state.activation(), out.subspan(at(2 * n), at(muscles)));
  std::copy_n(s.work.fibre.fibre_velocity.begin(), muscles, out.begin() + 2 * n + muscles);
  for (const int m : data.batch.rigid_tendons()) out[at(2 * n + muscles + m)] = 0.0;
  double muscle_power = 0.0, turned = 0.0;
  for (int m = 0; m < muscles; ++m) {
    const double one = -s.work.tendon_force[at(m)] * s.work.speed[at(m)];
    muscle_power += one;
    turned += std::abs(one);
  }
  const std::size_t states = s.state.vector.size();
  if (out.size() == states) return;
  out[states + muscle_work] = muscle_power;
  out[states + turnover] = turned;
  out[states + external_work] = external_power;
  out[states + control_work] = control_power;
  out[states + dissipated] = s.work.passive.dissipation + s.work.contact.dissipation;
}

// ---- derivatives

struct ForwardDynamics::Scratch::Derivatives {
  using D = Dual<4>;
  explicit Derivatives(const Model& model, std::size_t free, std::size_t states)
      : tree(model.tree()), slopes(model), passive(model), contact(model) {
    const std::size_t n = at(model.coordinates()), size = at(model.tree().coordinates());
    q.resize(size);
    u = a = slope = tau = torque = q;
    external.assign(model.tree().bodies.size(), SpatialT<D>::Zero());
    lost_by_state.assign(2 * at(model.coordinates()), 0.0);
    external_by_state = lost_by_state;
    needed.resize(n);
    muscle_by_state.setZero(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(2 * n + 2 * at(model.muscles())));
    rest_by_state.setZero(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(2 * n));
    udot_by_state.resize(static_cast<Eigen::Index>(free), muscle_by_state.cols());
    ahead.resize(states);
    behind = here = ahead;
    speed_by_q.resize(n);
  }
  TreeWork<D> tree;
  MomentArmSlopes slopes;
  PassiveWork<D> passive;
  ContactWork<D> contact;
  std::vector<SpatialT<D>> external;                     // per body: of loads, then of contact too
  std::vector<double> lost_by_state, external_by_state;  // power of passive elements and contact, of loads
  std::vector<D> q, u, a, slope, tau, torque, needed;
  MatX muscle_by_state, rest_by_state;  // moments of muscles, of all else but inertia, per independent coordinate
  MatX udot_by_state;
  std::vector<double> ahead, behind, here, speed_by_q;
};

ForwardDynamics::Scratch::~Scratch() = default;

MuscleSlopes muscle_slopes(const MuscleParameters& unit, double length, double speed, double activation,
                           double fibre_length, const FibreState& fibre) {
  MuscleSlopes out;
  if (unit.has_rigid_tendon()) {
    const auto force = [&](double L, double v, double a) {
      return rigid_tendon_force(fibre_forces(unit, rigid_tendon_fibre(unit, L, v), a), a);
    };
    const double dL = 1e-6 * unit.optimal_fibre_length, dv = 1e-6 * unit.max_speed(), da = 1e-6;
    out.by_length = (force(length + dL, speed, activation) - force(length - dL, speed, activation)) / (2.0 * dL);
    out.by_speed = (force(length, speed + dv, activation) - force(length, speed - dv, activation)) / (2.0 * dv);
    out.by_activation = (force(length, speed, activation + da) - force(length, speed, activation - da)) / (2.0 * da);
    return out;
  }
  out.rate = fibre_velocity_slopes(unit, length, fibre_length, activation, fibre);
  out.by_length = tendon_stiffness(unit, length, fibre.fibre_length);
  // a stop holds shorter fibres
  if (fibre.fibre_length == fibre_length) out.by_fibre = -out.by_length / fibre.cos_pennation;
  return out;
}

void ForwardDynamics::jacobian(double t, std::span<const double> x, std::span<double> by_state,
                               std::span<double> by_time) {
  Scratch& s = *scratch_;
  const Model& model = s.model;
  const ModelData& data = model.data();
  if (!s.derivatives) s.derivatives = std::make_unique<Scratch::Derivatives>(model, s.free.size(), at(size()));
  Scratch::Derivatives& d = *s.derivatives;
  using D = Dual<4>;
  const int n = model.coordinates(), muscles = model.muscles();
  const std::size_t states = s.state.vector.size(), size = states + audit_states;

  // By time: signals and history move, states stay.
  const double dt = 1e-6;
  double back = dt;  // what a reflex feels has a corner at the start of its history
  for (std::size_t k = 0; k < s.reflex_begun.size(); ++k)
    if (s.reflex_begun[k] && t - dt - s.options.reflexes[k].delay < s.history.start()) back = 0.0;
  s.excite(t);
  s.reflexes_held = true;  // of a corner nearby the side on which t lies
  rates(t + dt, x, d.ahead);
  rates(t - back, x, d.behind);
  s.reflexes_held = false;
  for (std::size_t i = 0; i < size; ++i) by_time[i] = (d.ahead[i] - d.behind[i]) / (dt + back);
  rates(t, x, d.here);
  if (s.plain && !s.free.empty()) s.project_mass(), s.factorise();
  const std::span<const double> q = s.state.q(), u = s.state.u();

  // Passive moments less what the motion needs, at the accelerations that were found.
  for (int seed = 0; seed < 2 * n; seed += 4) {
    const auto seeded = [&](double value, int index) {
      return index >= seed && index < seed + 4 ? D(value, index - seed) : D(value);
    };
    for (std::size_t k = 0; k < data.couplings.size(); ++k) {
      const Coupling& coupling = data.couplings[k];
      const D source = seeded(q[at(coupling.source)], coupling.source);
      const D speed = seeded(u[at(coupling.source)], n + coupling.source);
      const Jet2<D> jet = coupling.identity ? Jet2<D>{source, 1.0, 0.0} : coupling.function.jet(source);
      d.q[k] = jet.value;
      d.slope[k] = jet.slope;
      d.u[k] = jet.slope * speed;
      d.a[k] = jet.slope * s.udot[at(coupling.source)] + jet.curvature * speed * speed;
    }
    positions<D>(data.tree, d.q, d.tree);
    velocities<D>(data.tree, d.u, d.tree);
    passive_forces<D>(model, d.q, d.u, d.tree, d.torque, d.passive);
    contact_forces<D>(model, d.tree, d.contact);
    std::fill(d.external.begin(), d.external.end(), SpatialT<D>::Zero());
    add_external<D>(s.options.loads, t, d.tree, d.external);
    D given(0.0);
    for (std::size_t b = 0; b < d.external.size(); ++b) {
      given += power<D>(d.external[b], d.tree.velocity[b]);
      d.external[b] += d.contact.external[b];
    }
    const D lost = d.passive.dissipation + d.contact.dissipation;
    for (int k = 0; k < 4 && seed + k < 2 * n; ++k) {
      d.lost_by_state[at(seed + k)] = lost.v[at(k)];
      d.external_by_state[at(seed + k)] = given.v[at(k)];
    }
    inverse_dynamics<D>(data.tree, d.a, model.spec().gravity, d.external, d.tree, d.tau);
    for (std::size_t k = 0; k < d.tau.size(); ++k) d.tau[k] -= d.torque[k];
    std::fill(d.needed.begin(), d.needed.end(), D(0.0));
    for (std::size_t k = 0; k < data.couplings.size(); ++k)
      d.needed[at(data.couplings[k].source)] += d.slope[k] * d.tau[k];
    for (int c = 0; c < n; ++c)
      for (int k = 0; k < 4 && seed + k < 2 * n; ++k)
        d.rest_by_state(row(c), row(seed + k)) = -d.needed[at(c)].v[at(k)];
  }

  // Muscles: their moments, fibres and powers.
  std::fill(by_state.begin(), by_state.end(), 0.0);
  const auto J = [&](std::size_t r, std::size_t c) -> double& { return by_state[r * size + c]; };
  moment_arm_slopes(model, q, d.slopes);
  d.muscle_by_state.setZero();
  for (int m = 0; m < muscles; ++m) {
    const MuscleParameters& unit = data.units[at(m)];
    const double activation = s.state.activation()[at(m)], force = s.work.tendon_force[at(m)],
                 speed = s.work.speed[at(m)];
    const double fibre_length = s.state.fibre_length()[at(m)];
    const MuscleSlopes slope = muscle_slopes(unit, s.work.length[at(m)], speed, activation, fibre_length,
                                             compliant_fibre(unit, s.work.length[at(m)], fibre_length, activation));
    const std::span<const int> own = d.slopes.coordinates(m);
    const int a = 2 * n + m, l = 2 * n + muscles + m;
    const double sign = force * speed > 0.0 ? 1.0 : -1.0;  // of |F dL/dt|
    const std::size_t turned = states + turnover;
    for (std::size_t k = 0; k < own.size(); ++k) {
      const int c = own[k];
      const double arm = moment_arm(model, s.work, m, c);
      double speed_by_q = 0.0;
      for (std::size_t j = 0; j < own.size(); ++j)
        speed_by_q -= d.slopes(m, static_cast<int>(j), static_cast<int>(k)) * u[at(own[j])];
      const double force_by_q = -slope.by_length * arm + slope.by_speed * speed_by_q,
                   force_by_u = -slope.by_speed * arm;
      for (std::size_t j = 0; j < own.size(); ++j) {
        const double other = moment_arm(model, s.work, m, own[j]);
        d.muscle_by_state(row(own[j]), row(c)) +=
            d.slopes(m, static_cast<int>(j), static_cast<int>(k)) * force + other * force_by_q;
        d.muscle_by_state(row(own[j]), row(n + c)) += other * force_by_u;
      }
      d.muscle_by_state(row(c), row(a)) += arm * slope.by_activation;
      d.muscle_by_state(row(c), row(l)) += arm * slope.by_fibre;
      J(at(l), at(c)) = -slope.rate.by_length * arm;
      J(turned, at(c)) += sign * (force_by_q * speed + force * speed_by_q);
      J(turned, at(n + c)) += sign * (force_by_u * speed - force * arm);
    }
    J(turned, at(a)) = sign * slope.by_activation * speed;
    J(turned, at(l)) = sign * slope.by_fibre * speed;
    const Dual<1> rate = activation_rate(unit, Dual<1>(s.excitation[at(m)]), Dual<1>(activation, 0));
    J(at(a), at(a)) = rate.v[0];
    J(at(l), at(a)) = slope.rate.by_activation;
    J(at(l), at(l)) = slope.rate.by_fibre_length;
  }

  // M du'/dx = d(muscles + rest)/dx at fixed accelerations.
  const auto free = static_cast<Eigen::Index>(s.free.size());
  for (Eigen::Index k = 0; k < free; ++k) {
    const Eigen::Index c = row(s.free[static_cast<std::size_t>(k)]);
    d.udot_by_state.row(k) = d.muscle_by_state.row(c);
    d.udot_by_state.row(k).head(2 * n) += d.rest_by_state.row(c);
  }
  if (free > 0) s.factor.solveInPlace(d.udot_by_state);
  const std::size_t columns = static_cast<std::size_t>(d.muscle_by_state.cols());
  for (std::size_t k = 0; k < s.free.size(); ++k) {
    const int c = s.free[k];
    J(at(c), at(n + c)) = 1.0;
    for (std::size_t j = 0; j < columns; ++j)
      J(at(n + c), j) = d.udot_by_state(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(j));
  }

  // Powers: moments times speeds.
  for (std::size_t j = 0; j < at(2 * n); ++j) {
    J(states + dissipated, j) = d.lost_by_state[j];
    J(states + external_work, j) = d.external_by_state[j];
  }
  for (int c = 0; c < n; ++c) {
    for (std::size_t j = 0; j < columns; ++j)
      J(states + muscle_work, j) += u[at(c)] * d.muscle_by_state(row(c), static_cast<Eigen::Index>(j));
    J(states + muscle_work, at(n + c)) += s.muscle_moment[at(c)];
  }
  for (const CoordinateForce& one : s.options.forces) {
    const std::size_t k = static_cast<std::size_t>(&one - s.options.forces.data());
    J(states + control_work, at(n + one.coordinate)) += one.force.jet(t, s.force_piece[k]).value;
  }
  for (std::size_t c = 0; c < s.sampled_force.size(); ++c) J(states + control_work, at(n) + c) += s.sampled_force[c];
  for (const PrescribedCoordinate& one : s.options.prescribed) {
    const int p = one.coordinate;
    for (std::size_t j = 0; j < columns; ++j) {
      const auto column = static_cast<Eigen::Index>(j);
      double by = -d.muscle_by_state(row(p), column) - (j < at(2 * n) ? d.rest_by_state(row(p), column) : 0.0);
      for (std::size_t k = 0; k < s.free.size(); ++k)
        by += s.M(row(std::max(p, s.free[k])), row(std::min(p, s.free[k]))) *
              d.udot_by_state(static_cast<Eigen::Index>(k), column);
      J(states + external_work, j) += u[at(p)] * by;
    }
  }
  // Locked and prescribed coordinates are no states: what stands in their place changes nothing.
  for (int c = 0; c < n; ++c)
    if (std::find(s.free.begin(), s.free.end(), c) == s.free.end()) {
      const bool locked = s.options.locked[at(c)];
      for (std::size_t r = 0; r < size; ++r) {
        if (!locked) J(r, at(c)) = 0.0;  // where a locked one stands matters
        J(r, at(n + c)) = 0.0;
      }
    }
}

}  // namespace psoas
