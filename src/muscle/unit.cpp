// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/unit.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "psoas/core/dual.hpp"
#include "psoas/core/portable.hpp"
#include "psoas/core/roots.hpp"

namespace psoas {
namespace {

// The laws as the unit uses them, with derivatives: tissue does not push.
Jet2<double> not_negative(const Jet2<double>& f) { return f.value > 0.0 ? f : Jet2<double>{0.0, 0.0, 0.0}; }

template <class C>
Jet2<double> passive_jet(const C& curve, const MuscleParameters& unit, double norm_length) {
  const double k = unit.passive_scale;
  const Jet2<double> f =
      not_negative(curve.passive_force_length_jet(norm_length, unit.passive_strain, unit.passive_shape));
  return {k * f.value, k * f.slope, k * f.curvature};
}

template <class C>
double passive(const C& curve, const MuscleParameters& unit, double norm_length) {
  return unit.passive_scale *
         std::max(curve.passive_force_length(norm_length, unit.passive_strain, unit.passive_shape), 0.0);
}

// Normalised tendon force of fibres that reach `along` the tendon.
template <class C>
Jet2<double> tendon_jet(const C& curve, const MuscleParameters& unit, double length, double along) {
  const double tendon_length = (length - along) / unit.tendon_slack_length;
  if (!(tendon_length > 1.0)) return {0.0, 0.0, 0.0};
  return not_negative(curve.tendon_force_jet(tendon_length, unit.tendon_strain));
}

template <class C>
bool in_domain(const C& curve, const MuscleParameters& unit, double fibre_length) {
  const double norm = fibre_length / unit.optimal_fibre_length;
  return norm >= curve.least_length() && norm <= curve.greatest_length();
}
bool in_domain(const MuscleParameters& unit, double fibre_length) {
  return std::visit([&](const auto& curve) { return in_domain(curve, unit, fibre_length); }, unit.curve);
}

double along_tendon(const MuscleParameters& unit, double fibre_length) {
  const double h = unit.height();
  return std::sqrt(std::max(fibre_length * fibre_length - h * h, 0.0));
}

// The greatest normalised velocity of fibres without damping.
constexpr double undamped_limit = 10.0;

// The normalised velocity v at which active fV(v; activation) + damping v = load, with fV cut off at 0. Neither term
// falls with v; fV may have kinks and end in plateaus.
struct Velocity {
  double value = 0.0;
  bool converged = true, outside_domain = false;
};

template <class C>
Velocity velocity_of_load(const C& curve, double activation, double active, double damping, double load) {
  // No active force: below -vmax the damper is alone, and without activation always.
  if (damping > 0.0 && (load <= -damping || !(active > 0.0))) return {load / damping};
  const auto velocity_of = [&](double force) { return curve.inverse_force_velocity(force, activation); };
  if (!(damping > 0.0)) {
    if (load <= 0.0) return {velocity_of(0.0), true, true};
    const double v = active > 0.0 ? velocity_of(load / active) : inf;
    if (!(v <= undamped_limit)) return {undamped_limit, true, true};
    const bool balanced = std::abs(active * curve.force_velocity(v, activation) - load) <= 1e-9 * load;
    return {v, true, !balanced};  // beyond a plateau no velocity has this force
  }

  const auto balance = [&](double v) {
    const Jet2<double> f = not_negative(curve.force_velocity_jet(v, activation));
    return std::pair(active * f.value + damping * v - load, active * f.slope + damping);
  };
  const double rounding = 1e-14 * (active + damping + std::abs(load));

  // From above the damper alone bounds v, and for v > 0 the active force alone, where it can carry the load.
  const bool lengthens = load > active;
  double high = 0.0;
  if (lengthens) {
    high = load / damping;
    const double alone = std::max(velocity_of(load / active), 0.0);
    if (alone < high && balance(alone).first >= -rounding) high = alone;
  }
  const double at_rest_slope = active * curve.force_velocity_jet(0.0, activation).slope + damping;
  const double start = lengthens ? (load - active) / at_rest_slope : -0.05;
  const Root root = newton_root(balance, -1.0, high, {.value = rounding}, start);
  return {root.x, root.converged};
}

// A law of g(s), as a function of s.
Jet2<double> chain(const Jet2<double>& law, double slope, double curvature) {
  return {law.value, law.slope * slope, law.curvature * slope * slope + law.slope * curvature};
}
Jet2<double> product(const Jet2<double>& a, const Jet2<double>& b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope,
          a.curvature * b.value + 2.0 * a.slope * b.slope + a.value * b.curvature};
}

// Halley's step to the zero of y: Newton's, up to twice as long or three times as short by the curvature.
double halley(double y, double slope, double curvature) {
  return -y / slope / std::clamp(1.0 - 0.5 * y * curvature / (slope * slope), 0.5, 3.0);
}

// Balance of a compliant unit over s, the fibres' reach along the tendon. The tendon leaves room = slack - s for its own
// stretch, with slack the reach at which it is at slack length; the fibres ask for the stretch e(s) at which the tendon
// carries their force. Sought is the zero of y = e - room: through the tendon's inverse law the exponentials cancel,
// and what is left is nearly straight. Where fibres do not pull e is 0.
template <class C>
struct Balance {
  const C& curve;
  const MuscleParameters& unit;
  const double length, speed, activation;  // speed in vmax
  const bool slowed = false;               // to the speed at which fibres at `slack` just do not pull
  const double h = unit.height(), least = unit.least_along(), slack = length - unit.tendon_slack_length;
  const bool turns = speed != 0.0 && h > 0.0;  // fibre velocity depends on s
  const double unturned = not_negative(curve.force_velocity_jet(speed, activation)).value;

  // The fibres' force along the tendon over F0, with its derivatives by s.
  Jet2<double> pull(double s) const {
    const double l0 = unit.optimal_fibre_length, square = s * s + h * h, l = std::sqrt(square);
    const double c = s / l, dc = h * h / (square * l), ddc = -3.0 * dc * s / square;
    const Jet2<double> cos = {c, dc, ddc};
    const Jet2<double> velocity =
        turns ? chain(not_negative(curve.force_velocity_jet(speed * c, activation)), speed * dc, speed * ddc)
              : Jet2<double>{unturned, 0.0, 0.0};
    const Jet2<double> active = product(chain(curve.active_force_length_jet(l / l0), c / l0, dc / l0), velocity);
    const Jet2<double> parallel = chain(passive_jet(curve, unit, l / l0), c / l0, dc / l0);
    const double damping = unit.effective_damping() * speed;
    return product({activation * active.value + parallel.value + damping * c,
                    activation * active.slope + parallel.slope + damping * dc,
                    activation * active.curvature + parallel.curvature + damping * ddc},
                   cos);
  }

  // e(s) of a force.
  Jet2<double> stretch(const Jet2<double>& force) const {
    if (!(force.value > 0.0)) return {0.0, 0.0, 0.0};
    const double lTs = unit.tendon_slack_length;
    const double norm_length = curve.inverse_tendon_force(force.value, unit.tendon_strain);
    const Jet2<double> law = curve.tendon_force_jet(norm_length, unit.tendon_strain);
    const double by_force = lTs / law.slope;
    return chain({lTs * (norm_length - 1.0), by_force, -by_force * law.curvature / (law.slope * law.slope)},
                 force.slope, force.curvature);
  }

  // The s of balance; `out` gets the fibres' force there over F0 as residual, flags and the count of evaluations.
  double search(double start, Equilibrium& out) const {
    const double lTs = unit.tendon_slack_length, rounding = 4.0 * std::numeric_limits<double>::epsilon();
    const double tolerance = std::max(1e-12 * unit.optimal_fibre_length, rounding * std::abs(length));
    const auto rest = [&](double s, double force) {
      out.converged = out.outside_domain = true, out.residual = force;
      return s;
    };
    if (!(slack > least)) return out.iterations = 1, rest(least, pull(least).value);

    // y < 0 at `low` and > 0 at `high`, as soon as these were seen.
    double low = least, high = slack;
    bool seen_low = false, seen_high = slowed;
    double s = start > low && start < high ? start : slack;
    double before = 2.0 * (high - low), last = before;
    for (bool retried = false; out.iterations < 100;) {
      ++out.iterations;
      const Jet2<double> force = pull(s), e = stretch(force);
      const double room = slack - s, y = e.value - room, slope = e.slope + 1.0;
      if (s == slack && !(force.value > 0.0)) {
        const double along = too_fast(out);
        return rest(along, along == s ? force.value : pull(along).value);
      }
      if (s == least && !(y < 0.0)) return rest(s, force.value);
      (y < 0.0 ? low : high) = s;
      (y < 0.0 ? seen_low : seen_high) = true;
      const double width = high - low;

      // Far above, e grows like an exponential, and its logarithm is straighter: the longer step is the better one.
      double step = halley(y, slope, e.curvature);
      if (room > 0.0 && e.value > 2.0 * room && e.slope > 0.0) {
        const double r = e.slope / e.value, q = 1.0 / room;
        step = std::min(step, halley(portable::log(e.value * q), r + q, e.curvature / e.value - r * r + q * q));
      }
      const auto usable = [&](double to) { return to > low && to < high && 2.0 * std::abs(to - s) <= before; };
      const bool done = slope > 0.0 && std::abs(y) <= tolerance * slope;
      double next = s + step;
      if (done || !(slope > 0.0 && usable(next))) {
        if (y < 0.0 && !seen_high && !(done && force.value > 0.0)) {
          next = slack;
        } else {
          // Newton's step on the forces themselves, for where the inverse law is singular: about slack length.
          const Jet2<double> tendon = tendon_jet(curve, unit, length, s);
          const double stiffness = force.slope + tendon.slope / lTs, miss = force.value - tendon.value;
          next = s - miss / stiffness;
          if ((done && std::abs(miss) <= tolerance * stiffness) || width <= tolerance) {
            out.converged = true;
            const double change = done ? -y / slope : 0.0;
            out.residual = force.value + force.slope * change;
            return s + change;
          }
          if (!(stiffness > 0.0 && usable(next))) {
            next = seen_low || !retried ? low + 0.5 * width : least;
            retried = true;
          }
        }
      }
      before = last, last = std::abs(next - s), s = next;
    }
    out.residual = pull(s).value;
    return s;
  }

  // Fibres that shorten so fast that they do not pull at `slack` rest where they would if they were just slow enough to:
  // there itself, unless the tendon's first stiffness is less than what they gain by turning or on the descending limb.
  double too_fast(Equilibrium& out) const {
    const double l = std::hypot(slack, h), norm_length = l / unit.optimal_fibre_length;
    const double active = activation * curve.active_force_length(norm_length);
    const Velocity limit =
        velocity_of_load(curve, activation, active, unit.effective_damping(), -passive(curve, unit, norm_length));
    const Balance slower{curve, unit, length, limit.value * l / slack, activation, true};
    const double first =
        curve.tendon_force_jet(std::nextafter(1.0, 2.0), unit.tendon_strain).slope / unit.tendon_slack_length;
    return slower.pull(slack).slope + first >= 0.0 ? slack : slower.search(slack - 0.02 * (slack - least), out);
  }
};
}  // namespace

FibreState rigid_tendon_fibre(const MuscleParameters& unit, double length, double speed) {
  // Along the tendon: x above the corner, constant below, a parabola over twice eps between.
  const double least = unit.least_along(), eps = 0.5 * least, x = length - unit.tendon_slack_length;
  double along = x, slope = 1.0;
  if (x < least + eps) {
    const double s = std::max(x - least + eps, 0.0);
    along = least + s * s / (4.0 * eps);
    slope = s / (2.0 * eps);
  }
  FibreState fibre;
  fibre.fibre_length = std::hypot(along, unit.height());
  fibre.cos_pennation = along / fibre.fibre_length;
  fibre.fibre_velocity = slope * speed * fibre.cos_pennation;
  fibre.transmission = slope;
  fibre.outside_domain = x < least + eps || !in_domain(unit, fibre.fibre_length);
  return fibre;
}

MuscleForces fibre_forces(const MuscleParameters& unit, const FibreState& fibre, double activation) {
  const double norm_length = fibre.fibre_length / unit.optimal_fibre_length;
  const double norm_velocity = fibre.fibre_velocity / unit.max_speed();
  const double along = unit.max_isometric_force * fibre.cos_pennation * fibre.transmission;
  return std::visit(
      [&](const auto& curve) {
        MuscleForces forces;
        forces.active = along * curve.active_force_length(norm_length) *
                        std::max(curve.force_velocity(norm_velocity, activation), 0.0);
        forces.passive = along * passive(curve, unit, norm_length);
        forces.damping = along * unit.effective_damping() * norm_velocity;
        return forces;
      },
      unit.curve);
}

double tendon_force(const MuscleParameters& unit, double length, double fibre_length) {
  const double along = along_tendon(unit, fibre_length);
  return std::visit(
      [&](const auto& curve) { return unit.max_isometric_force * tendon_jet(curve, unit, length, along).value; },
      unit.curve);
}

double tendon_stiffness(const MuscleParameters& unit, double length, double fibre_length) {
  const double along = along_tendon(unit, fibre_length);
  return std::visit(
      [&](const auto& curve) {
        return unit.max_isometric_force / unit.tendon_slack_length * tendon_jet(curve, unit, length, along).slope;
      },
      unit.curve);
}

FibreState compliant_fibre(const MuscleParameters& unit, double length, double fibre_length, double activation) {
  const double least = std::hypot(unit.least_along(), unit.height());
  FibreState fibre;
  if (!std::isfinite(length + fibre_length + activation)) {
    fibre.fibre_length = fibre.fibre_velocity = fibre.cos_pennation = std::numeric_limits<double>::quiet_NaN();
    fibre.outside_domain = true, fibre.converged = false;
    return fibre;
  }
  fibre.fibre_length = std::max(fibre_length, least);
  const double along = along_tendon(unit, fibre.fibre_length);
  fibre.cos_pennation = along / fibre.fibre_length;
  const double norm_length = fibre.fibre_length / unit.optimal_fibre_length;

  std::visit(
      [&](const auto& curve) {
        // The stop: F0 at a twentieth of l0.
        const double stop = 20.0 * std::max(least - fibre_length, 0.0) / unit.optimal_fibre_length;
        const double tendon = tendon_jet(curve, unit, length, along).value / fibre.cos_pennation;
        const double active = activation * curve.active_force_length(norm_length);
        const Velocity v = velocity_of_load(curve, activation, active, unit.effective_damping(),
                                            tendon + stop - passive(curve, unit, norm_length));
        fibre.fibre_velocity = v.value * unit.max_speed();
        fibre.converged = v.converged;
        fibre.outside_domain = fibre_length < least || v.outside_domain || length - along < unit.tendon_slack_length ||
                               !in_domain(curve, unit, fibre.fibre_length);
      },
      unit.curve);
  return fibre;
}

Equilibrium equilibrium(const MuscleParameters& unit, double length, double speed, double activation, double guess) {
  Equilibrium out;
  if (!std::isfinite(length + speed + activation)) {
    out.fibre_length = out.fibre_velocity = out.tendon_force = out.residual = std::numeric_limits<double>::quiet_NaN();
    out.outside_domain = true;
    return out;
  }
  if (unit.has_rigid_tendon()) {
    const FibreState fibre = rigid_tendon_fibre(unit, length, speed);
    const MuscleForces forces = fibre_forces(unit, fibre, activation);
    out.fibre_length = fibre.fibre_length;
    out.fibre_velocity = fibre.fibre_velocity;
    out.tendon_force = rigid_tendon_force(forces, activation);
    out.outside_domain = fibre.outside_domain;
    out.converged = true;
    return out;
  }

  std::visit(
      [&](const auto& curve) {
        const Balance<std::decay_t<decltype(curve)>> balance{curve, unit, length, speed / unit.max_speed(), activation};
        const double along = balance.search(guess == guess ? along_tendon(unit, guess) : balance.slack, out);
        out.fibre_length = std::hypot(along, balance.h);
        if (along > balance.least) out.fibre_velocity = speed * along / out.fibre_length;
        out.outside_domain |= !in_domain(curve, unit, out.fibre_length);
        out.tendon_force = unit.max_isometric_force * tendon_jet(curve, unit, length, along).value;
        out.residual = out.residual * unit.max_isometric_force - out.tendon_force;
      },
      unit.curve);
  return out;
}

Equilibrium static_equilibrium(const MuscleParameters& unit, double length, double activation) {
  return equilibrium(unit, length, 0.0, activation);
}

MuscleQuantities muscle_quantities(const MuscleParameters& unit, double length, const FibreState& fibre,
                                   double activation) {
  const MuscleForces forces = fibre_forces(unit, fibre, activation);
  const bool rigid = unit.has_rigid_tendon();
  MuscleQuantities out;
  out.fibre_length = fibre.fibre_length;
  out.fibre_velocity = fibre.fibre_velocity;
  out.norm_fibre_length = fibre.fibre_length / unit.optimal_fibre_length;
  out.norm_velocity = fibre.fibre_velocity / unit.max_speed();
  out.fibre_strain = fibre_strain(unit, fibre.fibre_length);
  out.sarcomere_length = sarcomere_length(unit, fibre.fibre_length);
  out.pennation = std::acos(std::min(fibre.cos_pennation, 1.0));
  out.height = unit.height();
  out.tendon_length = rigid ? unit.tendon_slack_length : length - fibre.fibre_length * fibre.cos_pennation;
  if (unit.tendon_slack_length > 0.0) out.tendon_strain = out.tendon_length / unit.tendon_slack_length - 1.0;
  out.active_force = activation * forces.active;
  out.passive_force = forces.passive;
  out.damping_force = forces.damping;
  out.tendon_force = rigid ? rigid_tendon_force(forces, activation) : tendon_force(unit, length, fibre.fibre_length);
  // of a damper that would push, what the fibres' pull allows
  if (rigid) out.damping_force = std::max(out.damping_force, -(out.active_force + out.passive_force));
  // Fibres that pull less on the path move less by as much, so power is the same on both sides.
  const double per_transmission = fibre.transmission > 0.0 ? 1.0 / (fibre.transmission * fibre.cos_pennation) : 0.0;
  out.active_power = -out.active_force * per_transmission * fibre.fibre_velocity;
  out.damping_power = out.damping_force * per_transmission * fibre.fibre_velocity;
  out.outside_domain = fibre.outside_domain;
  return out;
}

double passive_energy(const MuscleParameters& unit, double fibre_length) {
  return std::visit(
      [&](const auto& curve) {
        return unit.max_isometric_force * unit.optimal_fibre_length * unit.passive_scale *
               curve.passive_energy(fibre_length / unit.optimal_fibre_length, unit.passive_strain, unit.passive_shape);
      },
      unit.curve);
}

double tendon_energy(const MuscleParameters& unit, double length, double fibre_length) {
  if (unit.has_rigid_tendon()) return 0.0;
  const double norm_length = (length - along_tendon(unit, fibre_length)) / unit.tendon_slack_length;
  return std::visit(
      [&](const auto& curve) {
        return unit.max_isometric_force * unit.tendon_slack_length *
               curve.tendon_energy(norm_length, unit.tendon_strain);
      },
      unit.curve);
}

MuscleStiffness stiffness(const MuscleParameters& unit, double length, const FibreState& fibre, double activation) {
  MuscleStiffness out;
  const double norm_length = fibre.fibre_length / unit.optimal_fibre_length, cos = fibre.cos_pennation;
  std::visit(
      [&](const auto& curve) {
        const Jet2<double> active = curve.active_force_length_jet(norm_length);
        const double velocity =
            std::max(curve.force_velocity(fibre.fibre_velocity / unit.max_speed(), activation), 0.0);
        const Jet2<double> parallel = passive_jet(curve, unit, norm_length);
        const double force =
            unit.max_isometric_force * (activation * active.value * velocity + parallel.value +
                                        unit.effective_damping() * fibre.fibre_velocity / unit.max_speed());
        out.fibre = unit.max_isometric_force / unit.optimal_fibre_length *
                    (activation * active.slope * velocity + parallel.slope);
        // s = l cos(alpha): dl/ds = cos(alpha), and cos(alpha) itself grows by sin^2(alpha) / l a metre of s
        out.fibre_along = out.fibre * cos * cos + force * (1.0 - cos * cos) / fibre.fibre_length;
        if (unit.has_rigid_tendon()) {
          // In the corner where it goes slack, F t with t the transmission: t grows from 0 to 1 over a twentieth of l0.
          const double t = fibre.transmission, dt = t > 0.0 && t < 1.0 ? 1.0 / unit.least_along() : 0.0;
          out.tendon = std::numeric_limits<double>::infinity();
          out.muscle_tendon = force > 0.0 ? out.fibre_along * t * t + force * cos * dt : 0.0;
          return;
        }
        out.tendon = tendon_stiffness(unit, length, fibre.fibre_length);
        const double sum = out.fibre_along + out.tendon;
        out.muscle_tendon = sum == 0.0 || out.tendon == 0.0 ? 0.0 : out.fibre_along * out.tendon / sum;
      },
      unit.curve);
  return out;
}

FibreVelocitySlopes fibre_velocity_slopes(const MuscleParameters& unit, double length, double fibre_length,
                                          double activation) {
  return fibre_velocity_slopes(unit, length, fibre_length, activation,
                               compliant_fibre(unit, length, fibre_length, activation));
}

FibreVelocitySlopes fibre_velocity_slopes(const MuscleParameters& unit, double length, double fibre_length,
                                          double activation, const FibreState& fibre) {
  FibreVelocitySlopes out;
  const double l0 = unit.optimal_fibre_length, l = fibre.fibre_length, cos = fibre.cos_pennation;
  const double norm_length = l / l0, norm_velocity = fibre.fibre_velocity / unit.max_speed();
  const bool stopped = fibre_length < l;
  std::visit(
      [&](const auto& curve) {
        using Two = Dual<2>;
        // active fV(v; a) + damping v = load, as compliant_fibre() has it, with derivatives by fibre length
        const Jet2<double> law = curve.active_force_length_jet(norm_length);
        const Jet2<double> parallel = passive_jet(curve, unit, norm_length);
        const Jet2<double> tendon = tendon_jet(curve, unit, length, along_tendon(unit, l));
        const double active = activation * law.value, active_by_l = stopped ? 0.0 : activation * law.slope / l0;
        const double per_length = tendon.slope / unit.tendon_slack_length;
        const double stop = stopped ? 20.0 * (l - fibre_length) / l0 : 0.0;
        const double load = tendon.value / cos + stop - parallel.value;
        const double dcos = (1.0 - cos * cos) / (l * cos);  // d cos(alpha) / dl
        const double load_by_l =
            stopped ? -20.0 / l0 : -per_length / (cos * cos) - tendon.value * dcos / (cos * cos) - parallel.slope / l0;
        const double load_by_length = per_length / cos;

        const double damping = unit.effective_damping(), speed = unit.max_speed();
        if (damping > 0.0) {
          Two velocity = curve.force_velocity(Two(norm_velocity, 0), Two(activation, 1));
          if (!(velocity.a > 0.0)) velocity = Two(0.0);
          const double scale = speed / (active * velocity.v[0] + damping);
          out.by_fibre_length = (load_by_l - active_by_l * velocity.a) * scale;
          out.by_length = load_by_length * scale;
          out.by_activation = -(law.value * velocity.a + active * velocity.v[1]) * scale;
          return;
        }
        const auto inverse = [&](double force) {
          return curve.inverse_force_velocity(Two(force, 0), Two(activation, 1));
        };
        if (load <= 0.0) {
          out.by_activation = inverse(0.0).v[1] * speed;
        } else if (active > 1e-9 && norm_velocity < undamped_limit * (1.0 - 1e-12)) {  // else it is held
          const double ratio = load / active;
          const Two v = inverse(ratio);
          out.by_fibre_length = v.v[0] * (load_by_l - ratio * active_by_l) / active * speed;
          out.by_length = v.v[0] * load_by_length / active * speed;
          out.by_activation = (v.v[1] - v.v[0] * ratio * law.value / active) * speed;
        }
      },
      unit.curve);
  return out;
}

TendonForceResidual tendon_force_residual(const MuscleParameters& unit, double norm_force, double norm_force_rate,
                                          double activation, double length, double speed) {
  using Five = Dual<5>;
  const Five f(norm_force, 0), rate(norm_force_rate, 1), a(activation, 2), L(length, 3), dL(speed, 4);
  const double h = unit.height(), l0 = unit.optimal_fibre_length;
  TendonForceResidual out;
  std::visit(
      [&](const auto& curve) {
        const Five tendon = curve.inverse_tendon_force(f, unit.tendon_strain);
        // its rate from the tendon's slope there: df/dt = fT'(lT) dlT/dt
        const Five tendon_slope = curve.tendon_force_jet(tendon, unit.tendon_strain).slope;
        const Five along = L - unit.tendon_slack_length * tendon;
        const Five dalong = dL - unit.tendon_slack_length * rate / tendon_slope;
        const Five l = sqrt(along * along + h * h), cos = along / l, v = dalong * cos;
        const Five norm_length = l / l0, norm_velocity = v / unit.max_speed();
        const Five sum =
            a * curve.active_force_length(norm_length) * curve.force_velocity(norm_velocity, a) +
            unit.passive_scale * curve.passive_force_length(norm_length, unit.passive_strain, unit.passive_shape) +
            unit.effective_damping() * norm_velocity;
        const Five residual = sum * cos - f;
        out.value = residual.a;
        out.by_force = residual.v[0];
        out.by_force_rate = residual.v[1];
        out.by_activation = residual.v[2];
        out.by_length = residual.v[3];
        out.by_speed = residual.v[4];
        out.fibre_length = l.a;
        out.fibre_velocity = v.a;
      },
      unit.curve);
  return out;
}

}  // namespace psoas
