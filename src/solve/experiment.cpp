// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/experiment.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/muscle/activation.hpp"
#include "solve/integrate.hpp"
#include "solve/stiff.hpp"

namespace psoas {
namespace {

// The states: activation, fibre length over l0 (of a rigid tendon it stands still and means nothing), then works and
// metabolic energies over F0 l0.
enum State : std::size_t { activation, fibre, contractile, damper, whole, umberger, bhargava, count };
using Vector = std::vector<double>;

/// Between two corners both histories are straight, also where a step's stages look beyond them. Activation follows the
/// drive: the excitation, or the least activation where the excitation is below it.
struct Span {
  double start, length, speed, excitation, excitation_rate, drive, drive_rate;
  double length_at(double t) const { return length + speed * (t - start); }
  double excitation_at(double t) const { return std::clamp(excitation + excitation_rate * (t - start), 0.0, 1.0); }
  double drive_at(double t) const { return std::clamp(drive + drive_rate * (t - start), 0.0, 1.0); }
};

class Apparatus {
 public:
  Apparatus(const MuscleParameters& unit, const MetabolicParameters& metabolic) : unit_(unit), metabolic_(metabolic) {}

  Span span;

  ExperimentInstant instant(const double* x, double t) const {
    const Look look = look_at(x, t);
    const double scale = energy_scale();
    ExperimentInstant now;
    now.time = t;
    now.length = span.length_at(t);
    now.speed = span.speed;
    now.excitation = span.excitation_at(t);
    now.activation = look.activation;
    now.muscle = look.muscle;
    now.stiffness = stiffness(unit_, now.length, look.fibre, now.activation);
    now.muscle_tendon_power = -now.muscle.tendon_force * now.speed;
    now.umberger = look.umberger;
    now.bhargava = look.bhargava;
    now.contractile_work = x[contractile] * scale;
    now.damping_work = x[damper] * scale;
    now.muscle_tendon_work = x[whole] * scale;
    now.umberger_energy = x[umberger] * scale;
    now.bhargava_energy = x[bhargava] * scale;
    now.passive_energy = passive_energy(unit_, look.fibre.fibre_length);
    now.tendon_energy = tendon_energy(unit_, now.length, look.fibre.fibre_length);
    return now;
  }

  void rates(const double* x, double t, double* out) const {
    const Look look = look_at(x, t);
    out[activation] = activation_rate(unit_, span.drive_at(t), look.activation);
    out[fibre] = unit_.has_rigid_tendon() ? 0.0 : look.fibre.fibre_velocity / unit_.optimal_fibre_length;
    const double per = 1.0 / energy_scale();
    out[contractile] = per * look.muscle.active_power;
    out[damper] = per * look.muscle.damping_power;
    out[whole] = -per * look.muscle.tendon_force * span.speed;
    out[umberger] = per * look.umberger.total;
    out[bhargava] = per * look.bhargava.total;
  }

  /// Of rates(). Activation and fibre length, which may be stiff, in closed form; the quadratures, on which nothing
  /// depends, by central differences.
  void jacobian(const double* x, double t, double* by_state, double* by_time) const {
    std::fill(by_state, by_state + count * count, 0.0);
    std::fill(by_time, by_time + count, 0.0);
    std::array<double, count> ahead{}, behind{}, moved{};
    std::copy_n(x, std::size_t{count}, moved.begin());
    for (const State state : {activation, fibre}) {
      const double step = 1e-6;
      moved[state] = x[state] + step;
      rates(moved.data(), t, ahead.data());
      moved[state] = x[state] - step;
      rates(moved.data(), t, behind.data());
      moved[state] = x[state];
      for (std::size_t row = contractile; row < count; ++row)
        by_state[row * count + state] = (ahead[row] - behind[row]) / (2.0 * step);
    }
    rates(x, t + 1e-6, ahead.data());
    rates(x, t - 1e-6, behind.data());
    for (std::size_t row = contractile; row < count; ++row) by_time[row] = (ahead[row] - behind[row]) / 2e-6;

    const double a = std::clamp(x[activation], 0.0, 1.0), l0 = unit_.optimal_fibre_length;
    const Dual<2> rate = activation_rate(unit_, Dual<2>(span.drive_at(t), 0), Dual<2>(a, 1));
    by_state[activation * count + activation] = rate.v[1];
    by_time[activation] = rate.v[0] * span.drive_rate;
    if (unit_.has_rigid_tendon()) return;
    const FibreVelocitySlopes slopes = fibre_velocity_slopes(unit_, span.length_at(t), x[fibre] * l0, a);
    by_state[fibre * count + activation] = slopes.by_activation / l0;
    by_state[fibre * count + fibre] = slopes.by_fibre_length;
    by_time[fibre] = slopes.by_length * span.speed / l0;
  }

  double energy_scale() const { return unit_.max_isometric_force * unit_.optimal_fibre_length; }

 private:
  /// What follows from the states.
  struct Look {
    double activation;
    FibreState fibre;
    MuscleQuantities muscle;
    MetabolicRate umberger, bhargava;
  };
  Look look_at(const double* x, double t) const {
    const double a = std::clamp(x[State::activation], 0.0, 1.0), length = span.length_at(t);
    const FibreState state = unit_.has_rigid_tendon()
                                 ? rigid_tendon_fibre(unit_, length, span.speed)
                                 : compliant_fibre(unit_, length, x[State::fibre] * unit_.optimal_fibre_length, a);
    const MetabolicState heat = metabolic_state(unit_, state, span.excitation_at(t), a);
    return {a, state, muscle_quantities(unit_, length, state, a), umberger2010(unit_, metabolic_, heat),
            bhargava2004(unit_, metabolic_, heat)};
  }

  MuscleParameters unit_;
  MetabolicParameters metabolic_;
};

}  // namespace

History::Point History::at(double t) const {
  const auto next = std::upper_bound(time.begin(), time.end(), t);
  if (next == time.begin()) return {value.front(), 0.0};
  const std::size_t i = static_cast<std::size_t>(next - time.begin()) - 1;
  if (steps || next == time.end()) return {value[i], 0.0};
  const double rate = (value[i + 1] - value[i]) / (time[i + 1] - time[i]);
  return {value[i] + rate * (t - time[i]), rate};
}

std::string experiment_fault(const MuscleParameters& unit) {
  if (!(unit.max_isometric_force > 0.0)) return "expected a muscle with max_isometric_force above 0, found 0";
  if (!unit.has_rigid_tendon() && unit.effective_damping() == 0.0 && !(unit.minimum_activation >= 0.001))
    return "expected damping of at least 1e-6 or minimum_activation of at least 0.001 for a compliant tendon, found "
           "neither: nothing would hold the velocity of inactive fibres";
  return "";
}

int run_experiment(const MuscleParameters& unit, const MetabolicParameters& metabolic, const History& length,
                   const History& excitation, const ExperimentOptions& options, std::span<const double> times,
                   const std::function<void(const ExperimentInstant&)>& observe) {
  const auto usable = [](const auto& values, bool increasing) {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]) || (increasing && i > 0 && !(values[i] > values[i - 1]))) return false;
    return !values.empty();
  };
  for (const History* history : {&length, &excitation})
    if (!usable(history->time, true) || !usable(history->value, false) || history->time.size() != history->value.size())
      throw Error(Kind::input, "run_experiment", "expected histories with increasing times and as many finite values");
  if (times.size() < 2 || !usable(times, true))
    throw Error(Kind::input, "run_experiment", "expected two or more increasing times");
  if (const std::string fault = experiment_fault(unit); !fault.empty())
    throw Error(Kind::input, "run_experiment", fault);

  constexpr int most_steps = 1'000'000;
  Apparatus apparatus(unit, metabolic);
  // Times this near to each other are the same.
  const double rounding = 1e-12 * (times.back() - times.front());
  const auto straight = [&](double from, double to) {
    const History::Point L = length.at(from + rounding), e = excitation.at(from + rounding);
    const double start = e.value - e.rate * rounding;
    const bool floored = start + 0.5 * e.rate * (to - from) < unit.minimum_activation;
    apparatus.span = {from,
                      L.value - L.rate * rounding,
                      L.rate,
                      start,
                      e.rate,
                      floored ? unit.minimum_activation : start,
                      floored ? 0.0 : e.rate};
  };
  straight(times.front(), times.front());
  Vector x(count, 0.0);
  x[activation] = std::clamp(apparatus.span.drive, 0.0, 1.0);
  x[fibre] = static_equilibrium(unit, apparatus.span.length, x[activation]).fibre_length / unit.optimal_fibre_length;

  // Corners divide the time into spans in which both histories are straight, and excitation is on one side of the least
  // activation.
  std::vector<double> corners = {times.front(), times.back()};
  const auto corner = [&](double t) {
    if (t > times.front() + rounding && t < times.back() - rounding) corners.push_back(t);
  };
  for (const History* history : {&length, &excitation})
    for (const double t : history->time) corner(t);
  for (std::size_t i = 1; i < excitation.time.size() && !excitation.steps; ++i) {
    const double before = excitation.value[i - 1] - unit.minimum_activation,
                 after = excitation.value[i] - unit.minimum_activation;
    if ((before < 0.0) != (after < 0.0))
      corner(excitation.time[i - 1] + (excitation.time[i] - excitation.time[i - 1]) * before / (before - after));
  }
  std::sort(corners.begin(), corners.end());
  const auto same = [&](double a, double b) { return b - a <= rounding; };
  corners.erase(std::unique(corners.begin(), corners.end(), same), corners.end());
  Vector asked_times(times.begin(), times.end());
  for (double& t : asked_times) {
    const auto near = std::lower_bound(corners.begin(), corners.end(), t - rounding);
    if (near != corners.end() && std::abs(*near - t) <= rounding) t = *near;
  }

  std::size_t next = 0;  // of the asked times
  int steps = 0;
  for (std::size_t c = 0; c + 1 < corners.size(); ++c) {
    straight(corners[c], corners[c + 1]);
    // the span's start, the asked times inside it, and its end
    Vector stops = {corners[c]};
    std::vector<bool> asked = {next < asked_times.size() && asked_times[next] == corners[c]};
    for (std::size_t k = next; k < asked_times.size() && asked_times[k] < corners[c + 1]; ++k)
      if (asked_times[k] > corners[c]) stops.push_back(asked_times[k]), asked.push_back(true);
    stops.push_back(corners[c + 1]);
    asked.push_back(false);  // told at the start of the next span, as what follows the corner
    const double first_step = std::min(1e-5, 0.1 * (corners[c + 1] - corners[c]));
    const double longest = corners[c + 1] - corners[c];
    const auto see = [&](const Vector& now, std::size_t i) {
      if (asked[i]) observe(apparatus.instant(now.data(), stops[i])), ++next;
      x = now;
    };
    if (!options.stiff) {
      const auto system = [&](const Vector& state, Vector& out, double t) {
        apparatus.rates(state.data(), t, out.data());
      };
      steps += integrate(system, x, stops, options.tolerance, first_step, longest, see, most_steps);
      continue;
    }
    struct Context {
      const Apparatus* apparatus;
      const decltype(see)* observe;
    } context{&apparatus, &see};
    const StiffSystem system{static_cast<int>(count), &context,
                             [](void* of, double t, const double* state, double* out) {
                               static_cast<Context*>(of)->apparatus->rates(state, t, out);
                             },
                             [](void* of, double t, const double* state, double* by_state, double* by_time) {
                               static_cast<Context*>(of)->apparatus->jacobian(state, t, by_state, by_time);
                             }};
    int taken = 0;
    double reached = 0.0;
    Vector state = x;
    const StiffEnd end = integrate_stiff(
        system, state.data(), stops.data(), static_cast<int>(stops.size()),
        {options.tolerance, first_step, longest, most_steps},
        [](void* of, int i, const double* now) {
          (*static_cast<Context*>(of)->observe)(Vector(now, now + count), static_cast<std::size_t>(i));
        },
        &taken, &reached);
    steps += taken;
    if (end != StiffEnd::done)
      throw Error(Kind::numeric, "t = " + shortest_text(reached) + " s",
                  end == StiffEnd::not_finite ? "expected finite states"
                  : end == StiffEnd::too_many_steps
                      ? "expected at most " + std::to_string(most_steps) + " integration steps, found more"
                      : "expected an integration step above 1e-14 s, found none within the tolerance " +
                            shortest_text(options.tolerance));
  }
  if (next < asked_times.size()) observe(apparatus.instant(x.data(), times.back()));
  return steps;
}

}  // namespace psoas
