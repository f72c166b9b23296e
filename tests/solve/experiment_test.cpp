// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// One muscle in an apparatus: energy balance, order of convergence, two integrators, two choices of state, closed forms.
#include "psoas/solve/experiment.hpp"

#include <gtest/gtest.h>

#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "psoas/core/spline.hpp"
#include "psoas/muscle/activation.hpp"
#include "solve/stiff.hpp"
#include "support/allocations.hpp"
#include "support/greatest.hpp"
#include "support/kinds.hpp"

namespace psoas::test {
namespace {

template <class C>
MuscleParameters unit_with() {
  MuscleParameters unit;
  unit.max_isometric_force = 900.0;
  unit.optimal_fibre_length = 0.11;
  unit.tendon_slack_length = 0.16;
  unit.pennation = 0.2;
  unit.curve = compile(C{});
  return unit;
}

/// Path length of a unit with fibres of a norm length and the tendon at slack length.
double path(const MuscleParameters& unit, double norm_fibre) {
  const double l = norm_fibre * unit.optimal_fibre_length, h = unit.height();
  return unit.tendon_slack_length + std::sqrt(l * l - h * h);
}

std::vector<double> grid(double duration, int rows) {
  std::vector<double> times;
  for (int i = 0; i <= rows; ++i) times.push_back(duration * i / rows);
  return times;
}

/// A stretch-shortening cycle: length and excitation.
struct Cycle {
  History length, excitation;
  explicit Cycle(const MuscleParameters& unit)
      : length{{0.0, 0.2, 0.35, 0.55}, {path(unit, 1.02), path(unit, 1.02), path(unit, 1.18), path(unit, 0.95)}, false},
        excitation{{0.0, 0.1, 0.5}, {0.05, 0.9, 0.2}, true} {}
};

std::vector<ExperimentInstant> run_of(const MuscleParameters& unit, const ExperimentOptions& options,
                                      const std::vector<double>& times, int* steps = nullptr) {
  const Cycle cycle(unit);
  std::vector<ExperimentInstant> out;
  const int taken = run_experiment(unit, {}, cycle.length, cycle.excitation, options, times,
                                   [&](const ExperimentInstant& now) { out.push_back(now); });
  if (steps) *steps = taken;
  return out;
}

template <class C>
class Experiment : public ::testing::Test {};
TYPED_TEST_SUITE(Experiment, Kinds<Curve>::types, Kinds<Curve>::Name);

TYPED_TEST(Experiment, what_is_given_off_is_what_was_made_less_what_was_kept) {
  const MuscleParameters unit = unit_with<TypeParam>();
  for (const bool rigid : {false, true}) {
    MuscleParameters one = unit;
    one.rigid_tendon = rigid;
    const std::vector<ExperimentInstant> run = run_of(one, {false, 1e-11}, grid(0.7, 700));
    ASSERT_EQ(run.size(), 701u);
    double through = 0.0, worst = 0.0;
    Greatest error("energy balance over a stretch-shortening cycle, of the work done");
    for (std::size_t i = 1; i < run.size(); ++i) {
      through += std::abs(run[i].muscle_tendon_work - run[i - 1].muscle_tendon_work);
      const double kept = run[i].passive_energy - run[0].passive_energy + run[i].tendon_energy - run[0].tendon_energy;
      worst =
          std::max(worst, std::abs(run[i].muscle_tendon_work - (run[i].contractile_work - run[i].damping_work - kept)));
      EXPECT_GE(run[i].muscle.damping_power, 0.0);
      EXPECT_FALSE(run[i].muscle.outside_domain) << run[i].time;
    }
    EXPECT_GT(through, 1.0);
    EXPECT_LT(worst, 1e-8 * through) << (rigid ? "rigid" : "compliant");
    error.see(worst / through);
    if (!rigid) {
      EXPECT_GT(run[400].tendon_energy, 0.1);
    }
  }
}

TYPED_TEST(Experiment, both_integrators_agree) {
  const double close = TypeParam::continuity == 0 ? 1e-5 : 1e-6;  // kinks cost accuracy
  const MuscleParameters unit = unit_with<TypeParam>();
  const std::vector<double> times = grid(0.7, 70);
  const std::vector<ExperimentInstant> one = run_of(unit, {false, 1e-9}, times),
                                       two = run_of(unit, {true, 1e-9}, times);
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_NEAR(one[i].muscle.tendon_force, two[i].muscle.tendon_force, close * unit.max_isometric_force) << times[i];
    EXPECT_NEAR(one[i].muscle.fibre_length, two[i].muscle.fibre_length, 1e-6 * unit.optimal_fibre_length) << times[i];
    EXPECT_NEAR(one[i].muscle_tendon_work, two[i].muscle_tendon_work, 1e-6 * unit.max_isometric_force * 0.1)
        << times[i];
    EXPECT_NEAR(one[i].umberger_energy, two[i].umberger_energy, 1e-5 * std::max(1.0, one[i].umberger_energy))
        << times[i];
  }
}

TEST(ExperimentOrder, stiff_tendons_want_the_stiff_integrator) {
  MuscleParameters unit = unit_with<DeGrooteFregly>();
  unit.tendon_strain = 0.004;  // a short stiff tendon
  unit.tendon_slack_length = 0.02;
  int explicit_steps = 0, implicit_steps = 0;
  const std::vector<double> times = grid(0.7, 7);
  const auto one = run_of(unit, {false, 1e-7}, times, &explicit_steps),
             two = run_of(unit, {true, 1e-7}, times, &implicit_steps);
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_NEAR(one[i].muscle.tendon_force, two[i].muscle.tendon_force, 1e-3 * unit.max_isometric_force);
  EXPECT_LT(implicit_steps, explicit_steps / 3) << explicit_steps;
}

TEST(ExperimentOrder, fixed_steps_converge_at_the_order_of_their_method) {
  // Activation and fibre length of a smoothly moved muscle, integrated with fixed steps of Runge and Kutta's methods.
  const MuscleParameters unit = unit_with<DeGrooteFregly>();
  const double l0 = unit.optimal_fibre_length;
  using State = std::vector<double>;
  const auto system = [&](const State& x, State& out, double t) {
    out[0] = activation_rate(unit, 0.5 + 0.4 * std::sin(9.0 * t), x[0]);
    out[1] = compliant_fibre(unit, path(unit, 1.05) + 0.01 * std::sin(7.0 * t), x[1] * l0, x[0]).fibre_velocity / l0;
  };
  const auto end = [&](auto stepper, double step) {
    State x = {0.3, static_equilibrium(unit, path(unit, 1.05), 0.3).fibre_length / l0};
    boost::numeric::odeint::integrate_n_steps(stepper, system, x, 0.0, step, static_cast<int>(std::lround(0.3 / step)));
    return x;
  };
  namespace odeint = boost::numeric::odeint;
  const State exact = end(odeint::runge_kutta_dopri5<State>(), 2.5e-5);
  const auto error = [&](const State& x) { return std::abs(x[0] - exact[0]) + std::abs(x[1] - exact[1]); };
  const auto slope = [&](auto stepper, double step) {
    return std::log2(error(end(stepper, step)) / error(end(stepper, 0.5 * step)));
  };
  const double fifth = slope(odeint::runge_kutta_dopri5<State>(), 2e-3),
               fourth = slope(odeint::runge_kutta4<State>(), 1e-3);
  // Rosenbrock's with the closed Jacobian; a tolerance that never refuses and the longest step keep its steps the same.
  struct Problem {
    const MuscleParameters& unit;
    State end{0.0, 0.0};
    double length(double t) const { return path(unit, 1.05) + 0.01 * std::sin(7.0 * t); }
  } problem{unit};
  const StiffSystem stiff{2, &problem,
                          [](void* of, double t, const double* x, double* out) {
                            const Problem& p = *static_cast<Problem*>(of);
                            const double l0 = p.unit.optimal_fibre_length;
                            out[0] = activation_rate(p.unit, 0.5 + 0.4 * std::sin(9.0 * t), x[0]);
                            out[1] = compliant_fibre(p.unit, p.length(t), x[1] * l0, x[0]).fibre_velocity / l0;
                          },
                          [](void* of, double t, const double* x, double* by_state, double* by_time) {
                            const Problem& p = *static_cast<Problem*>(of);
                            const double l0 = p.unit.optimal_fibre_length, L = p.length(t);
                            const Dual<2> e(0.5 + 0.4 * std::sin(9.0 * t), 0), a(x[0], 1);
                            const Dual<2> rate = activation_rate(p.unit, e, a);
                            const FibreVelocitySlopes slopes = fibre_velocity_slopes(p.unit, L, x[1] * l0, x[0]);
                            by_state[0] = rate.v[1], by_state[1] = 0.0;
                            by_state[2] = slopes.by_activation / l0, by_state[3] = slopes.by_fibre_length;
                            by_time[0] = rate.v[0] * 3.6 * std::cos(9.0 * t);
                            by_time[1] = slopes.by_length * 0.07 * std::cos(7.0 * t) / l0;
                          }};
  const auto stiff_end = [&](double step) {
    State x = {0.3, static_equilibrium(unit, path(unit, 1.05), 0.3).fibre_length / l0};
    const double times[] = {0.0, 0.3};
    int steps = 0;
    double reached = 0.0;
    const auto keep = [](void* of, int, const double* now) { static_cast<Problem*>(of)->end = {now[0], now[1]}; };
    EXPECT_EQ(integrate_stiff(stiff, x.data(), times, 2, {1e3, step, step}, keep, &steps, &reached), StiffEnd::done);
    EXPECT_NEAR(steps, 0.3 / step, 1.0);
    return problem.end;
  };
  const double rosenbrock = std::log2(error(stiff_end(1e-3)) / error(stiff_end(5e-4)));
  std::cout << "slopes: dopri5 " << fifth << ", runge_kutta4 " << fourth << ", rosenbrock4 " << rosenbrock << "\n";
  RecordProperty("dopri5", std::to_string(fifth));
  RecordProperty("runge_kutta4", std::to_string(fourth));
  RecordProperty("rosenbrock4", std::to_string(rosenbrock));
  EXPECT_NEAR(fifth, 5.0, 0.6);
  EXPECT_NEAR(fourth, 4.0, 0.5);
  EXPECT_NEAR(rosenbrock, 4.0, 0.5);
}

TEST(ExperimentState, tendon_force_as_the_state_gives_the_same_history) {
  // The implicit form solved for the force's rate at each instant and integrated with fixed small steps.
  const MuscleParameters unit = unit_with<DeGrooteFregly>();
  const Cycle cycle(unit);
  const std::vector<double> times = grid(0.7, 70);
  const std::vector<ExperimentInstant> reference = run_of(unit, {false, 1e-10}, times);
  using State = std::vector<double>;
  State x = {reference[0].activation, reference[0].muscle.tendon_force / unit.max_isometric_force};
  boost::numeric::odeint::runge_kutta4<State> stepper;
  double rate = 0.0;
  std::size_t row = 0;
  const double step = 5e-6;
  const auto steps = std::lround(0.01 / step);
  for (row = 1; row < times.size(); ++row) {
    for (long k = 0; k < steps; ++k) {
      const double t0 = times[row - 1] + step * static_cast<double>(k);
      const double middle = t0 + 0.5 * step;  // corners lie on rows, so a step is inside one straight piece
      const History::Point L = cycle.length.at(middle), e = cycle.excitation.at(middle);
      const auto system = [&](const State& s, State& out, double t) {
        out[0] = activation_rate(unit, e.value, s[0]);
        for (int i = 0; i < 30; ++i) {
          const TendonForceResidual r =
              tendon_force_residual(unit, s[1], rate, s[0], L.value + L.rate * (t - middle), L.rate);
          const double change = r.value / r.by_force_rate;
          rate -= change;
          if (std::abs(change) < 1e-11 * std::max(1.0, std::abs(rate))) break;
        }
        out[1] = rate;
      };
      stepper.do_step(system, x, t0, step);
    }
    EXPECT_NEAR(x[1] * unit.max_isometric_force, reference[row].muscle.tendon_force, 1e-4 * unit.max_isometric_force)
        << times[row];
  }
}

TEST(ExperimentHistory, more_steps_do_not_allocate_more) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const MuscleParameters unit = unit_with<DeGrooteFregly>();
  const Cycle cycle(unit);
  const std::vector<double> times = grid(0.7, 7);
  const auto allocations = [&](double tolerance, int& steps) {
    const std::size_t before = heap_allocations();
    steps = run_experiment(unit, {}, cycle.length, cycle.excitation, {false, tolerance}, times,
                           [](const ExperimentInstant&) {});
    return heap_allocations() - before;
  };
  int few = 0, many = 0;
  EXPECT_EQ(allocations(1e-5, few), allocations(1e-11, many));
  EXPECT_GT(many, 3 * few);
}

TEST(ExperimentHistory, corners_belong_to_what_follows) {
  const History line{{0.0, 1.0, 3.0}, {2.0, 4.0, 0.0}, false}, steps{{0.0, 1.0}, {0.2, 0.8}, true};
  EXPECT_EQ(line.at(-1.0).value, 2.0);
  EXPECT_EQ(line.at(-1.0).rate, 0.0);
  EXPECT_EQ(line.at(0.5).value, 3.0);
  EXPECT_EQ(line.at(1.0).rate, -2.0);
  EXPECT_EQ(line.at(9.0).value, 0.0);
  EXPECT_EQ(steps.at(0.999).value, 0.2);
  EXPECT_EQ(steps.at(1.0).value, 0.8);
}

TYPED_TEST(Experiment, excitation_below_the_least_activation_counts_as_it) {
  // A ramp from 0 through the least activation: both integrators pass the corner in about as many steps.
  MuscleParameters unit = unit_with<TypeParam>();
  unit.minimum_activation = 0.3;
  const History length{{0.0}, {path(unit, 1.05)}, false}, ramp{{0.0, 0.5}, {0.0, 1.0}, false};
  const std::vector<double> times = grid(0.5, 50);
  std::vector<ExperimentInstant> one, two;
  const int explicit_steps = run_experiment(unit, {}, length, ramp, {false, 1e-9}, times,
                                            [&](const ExperimentInstant& now) { one.push_back(now); });
  const int implicit_steps = run_experiment(unit, {}, length, ramp, {true, 1e-9}, times,
                                            [&](const ExperimentInstant& now) { two.push_back(now); });
  EXPECT_LT(implicit_steps, 5 * explicit_steps);
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] <= 0.15) {
      EXPECT_NEAR(one[i].activation, 0.3, 1e-12);
      EXPECT_NEAR(two[i].activation, 0.3, 1e-12);
    }
    EXPECT_NEAR(one[i].activation, two[i].activation, 1e-7);
    EXPECT_NEAR(one[i].muscle.tendon_force, two[i].muscle.tendon_force, 1e-6 * unit.max_isometric_force);
    EXPECT_NEAR(one[i].excitation, 2.0 * times[i], 1e-12);
  }
}

TYPED_TEST(Experiment, energy_closes_where_a_rigid_unit_goes_slack) {
  MuscleParameters unit = unit_with<TypeParam>();
  unit.rigid_tendon = true;
  const double l0 = unit.optimal_fibre_length;
  const History length{
      {0.0, 0.1, 0.4, 0.7}, {path(unit, 1.1), path(unit, 1.1), unit.tendon_slack_length, path(unit, 1.0)}, false};
  std::vector<ExperimentInstant> run;
  run_experiment(unit, {}, length, {{0.0}, {0.6}, true}, {false, 1e-11}, grid(0.7, 700),
                 [&](const ExperimentInstant& now) { run.push_back(now); });
  double worst = 0.0, turnover = 0.0;
  for (std::size_t i = 1; i < run.size(); ++i) {
    const double kept = run[i].passive_energy - run[0].passive_energy;
    worst =
        std::max(worst, std::abs(run[i].muscle_tendon_work - (run[i].contractile_work - run[i].damping_work - kept)));
    turnover += std::abs(run[i].contractile_work - run[i - 1].contractile_work);
  }
  EXPECT_NEAR(run[400].muscle.fibre_length, std::hypot(0.05 * l0, unit.height()), 1e-3 * l0);
  EXPECT_EQ(run[400].muscle.tendon_force, 0.0);
  EXPECT_LT(worst, 1e-8 * turnover);
}

TEST(ExperimentHistory, corners_that_differ_by_rounding_are_one) {
  // 820 * 0.001 and 0.1 + 0.2 are not 0.82 and 0.3.
  const MuscleParameters unit = unit_with<DeGrooteFregly>();
  const double L = path(unit, 1.0), d = 0.002;
  std::vector<double> times;
  for (int i = 0; i <= 820; ++i) times.push_back(0.001 * i);
  for (const bool stiff : {false, true}) {
    std::vector<ExperimentInstant> run, clean;
    run_experiment(unit, {}, {{0.0, 0.3, 0.82}, {L, L, L + d}, false}, {{0.1 + 0.2}, {0.5}, true}, {stiff, 1e-8}, times,
                   [&](const ExperimentInstant& now) { run.push_back(now); });
    run_experiment(unit, {}, {{0.0, 0.3, 0.9}, {L, L, L + d / 0.52 * 0.6}, false}, {{0.3}, {0.5}, true}, {stiff, 1e-8},
                   times, [&](const ExperimentInstant& now) { clean.push_back(now); });
    ASSERT_EQ(run.size(), times.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
      ASSERT_EQ(run[i].time, clean[i].time);
      ASSERT_NEAR(run[i].length, clean[i].length, 1e-12) << times[i];
      ASSERT_NEAR(run[i].muscle.tendon_force, clean[i].muscle.tendon_force, 1e-4) << times[i];
    }
  }
}

TEST(ExperimentHistory, isometric_force_is_that_of_static_equilibrium) {
  const MuscleParameters unit = unit_with<DeGrooteFregly>();
  std::vector<ExperimentInstant> run;
  run_experiment(unit, {}, {{0.0}, {path(unit, 1.1)}, false}, {{0.0, 0.1}, {0.1, 0.6}, true}, {}, grid(3.0, 30),
                 [&](const ExperimentInstant& now) { run.push_back(now); });
  EXPECT_NEAR(run.back().activation, 0.6, 1e-6);
  EXPECT_NEAR(run.back().muscle.tendon_force, static_equilibrium(unit, path(unit, 1.1), 0.6).tendon_force, 1e-3);
  EXPECT_NEAR(run.front().muscle.tendon_force, static_equilibrium(unit, path(unit, 1.1), 0.1).tendon_force, 1e-6);
  EXPECT_EQ(run.back().muscle_tendon_work, 0.0);  // what does not move does no work
}

}  // namespace
}  // namespace psoas::test
