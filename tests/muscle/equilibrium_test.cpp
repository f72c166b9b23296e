// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// equilibrium() on random muscles: that it returns, how fast, how exactly, and that its answers are continuous.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>

#include "psoas/muscle/unit.hpp"
#include "support/random.hpp"

namespace psoas {
namespace {

#ifdef NDEBUG
constexpr int muscles = 1'000'000;
#else
constexpr int muscles = 60'000;
#endif

using test::MersenneTwister;

const std::array<CompiledCurve, 3> sets = {DeGrooteFregly{}, MillardLaws{}, Thelen{}};
const std::array<std::string, 3> names = {"de_groote_fregly", "millard", "thelen"};

struct Muscle {
  MuscleParameters unit;
  double length = 0.0, speed = 0.0, activation = 0.0;
};

// Tissues as in the default unit, or any.
MuscleParameters random_unit(MersenneTwister& random, const CompiledCurve& curve, bool any_tissue) {
  MuscleParameters unit;
  unit.max_isometric_force = std::pow(10.0, random.uniform(1.0, 4.0));
  unit.optimal_fibre_length = random.uniform(0.01, 0.6);
  const bool even = random.uniform(0.0, 1.0) < 0.5;  // over lengths, or over their logarithm
  const double ratio = even ? random.uniform(0.1, 10.0) : std::pow(10.0, random.uniform(-1.0, 1.0));
  unit.tendon_slack_length = ratio * unit.optimal_fibre_length;
  unit.pennation = random.uniform(0.0, 40.0) * std::numbers::pi / 180.0;
  if (any_tissue) {
    unit.tendon_strain = random.uniform(0.02, 0.12);
    unit.passive_strain = random.uniform(0.3, 1.2);
    unit.passive_shape = random.uniform(2.0, 6.0);
    unit.passive_scale = random.uniform(0.0, 3.0);
    unit.damping = std::max(random.uniform(-0.1, 0.3), 0.0);
  }
  unit.curve = curve;
  return unit;
}

Muscle random_muscle(MersenneTwister& random, const CompiledCurve& curve, bool any_tissue) {
  Muscle m{random_unit(random, curve, any_tissue)};
  const double l0 = m.unit.optimal_fibre_length, lTs = m.unit.tendon_slack_length;
  const bool far = random.uniform(0.0, 1.0) < 0.05;
  m.length = far ? random.uniform(0.0, 4.0) * (lTs + 2.0 * l0)
                 : random.uniform(0.9, 1.15) * lTs + random.uniform(-1.0, 4.0) * l0;
  m.activation = random.uniform(0.0, 1.0);
  const bool still = random.uniform(0.0, 1.0) < 0.3;
  m.speed = still ? 0.0 : random.uniform(-1.0, 1.0) * m.unit.max_speed();
  return m;
}

Equilibrium equilibrium(const Muscle& m) { return equilibrium(m.unit, m.length, m.speed, m.activation); }

double along(const Muscle& m, const Equilibrium& found) {
  const double h = m.unit.height(), l = found.fibre_length;
  return std::sqrt(std::max(l * l - h * h, 0.0));
}

// Fibre force along the tendon minus tendon force of fibres that reach s along it.
double imbalance(const Muscle& m, double s) {
  const double l = std::hypot(s, m.unit.height()), cos = s / l;
  const MuscleForces forces = fibre_forces(m.unit, {l, m.speed * cos, cos}, m.activation);
  return m.activation * forces.active + forces.passive + forces.damping - tendon_force(m.unit, m.length, l);
}

enum Kind { balance, beyond, slack, fast, kinds };
constexpr std::array<const char*, kinds> kind_names = {"in balance", "in balance beyond the curves", "slack, flagged",
                                                       "too fast, flagged"};

Kind kind(const Muscle& m, const Equilibrium& found) {
  if (!found.outside_domain) return balance;
  if (found.fibre_length <= std::hypot(m.unit.least_along(), m.unit.height())) return slack;
  const double scale = std::max(m.unit.max_isometric_force, found.tendon_force);
  return std::abs(found.residual) <= 1e-9 * scale ? beyond : fast;
}

TEST(EquilibriumOfRandomMuscles, AllReturn) {
  // Seeds 1 to 3.
  for (std::size_t set = 0; set < sets.size(); ++set) {
    SCOPED_TRACE(names[set]);
    MersenneTwister random(static_cast<unsigned>(set) + 1);
    std::array<std::array<int, 101>, kinds> counts{};
    double evaluations = 0.0;
    const int n = muscles / 3 + (set == 0 ? muscles % 3 : 0);
    for (int i = 0; i < n; ++i) {
      const Muscle m = random_muscle(random, sets[set], i % 2 == 1);
      const Equilibrium found = equilibrium(m);
      ASSERT_TRUE(std::isfinite(found.fibre_length) && std::isfinite(found.fibre_velocity) &&
                  std::isfinite(found.tendon_force) && std::isfinite(found.residual))
          << i;
      ASSERT_TRUE(found.converged) << i;
      ASSERT_GT(found.fibre_length, 0.0) << i;
      ASSERT_GE(found.tendon_force, 0.0) << i;
      const Kind which = kind(m, found);
      ++counts[which][static_cast<std::size_t>(found.iterations)];
      evaluations += found.iterations;
      if (which == balance || which == beyond) {
        // The balance lies within 1e-12 l0: between there the forces change sign, but for their rounding.
        const double s = along(m, found), d = 1e-12 * m.unit.optimal_fibre_length;
        const double rounding = 1e-14 * (m.unit.max_isometric_force + found.tendon_force);
        ASSERT_LE(imbalance(m, s - d), rounding) << i;
        ASSERT_GE(imbalance(m, s + d), -rounding) << i;
        ASSERT_LE(std::abs(found.residual), 1e-10 * (m.unit.max_isometric_force + found.tendon_force)) << i;
      }
    }

    std::printf("%s: %d muscles, %.2f evaluations each\n", names[set].c_str(), n, evaluations / n);
    for (std::size_t k = 0; k < kinds; ++k) {
      int total = 0, six = 0, most = 0;
      for (int i = 0; i <= 100; ++i) {
        const int count = counts[k][static_cast<std::size_t>(i)];
        total += count;
        if (i <= 6) six += count;
        if (count > 0) most = i;
      }
      std::printf("  %-28s %7d", kind_names[k], total);
      if (total > 0) std::printf(", at most 6 iterations in %.3f %%, at most %d:", 100.0 * six / total, most);
      for (int i = 0; i <= most; ++i)
        if (counts[k][static_cast<std::size_t>(i)] > 0)
          std::printf(" %d:%d", i, counts[k][static_cast<std::size_t>(i)]);
      std::printf("\n");
      RecordProperty(names[set] + ", " + kind_names[k], total);
      RecordProperty(names[set] + ", " + kind_names[k] + ", most iterations", most);
      if (k != fast) {
        EXPECT_LE(most, 12) << kind_names[k];
        EXPECT_GE(six, 0.99 * total) << kind_names[k];
      }
      EXPECT_GT(total, n / 100) << kind_names[k];
    }
  }
}

TEST(EquilibriumOfRandomMuscles, AnyLengthAndSpeedReturn) {
  for (const CompiledCurve& curve : sets)
    for (const double length : {-1e8, -1.0, 0.0, 0.1, 0.25, 10.0, 1e4, 1e8})
      for (const double speed : {-1e6, -3.0, 0.0, 3.0, 1e6})
        for (const double activation : {0.0, 1.0})
          for (const double damping : {0.0, 0.1}) {
            MuscleParameters unit;
            unit.curve = curve, unit.damping = damping, unit.pennation = 0.3;
            const Equilibrium found = psoas::equilibrium(unit, length, speed, activation);
            EXPECT_TRUE(found.converged) << length << " " << speed;
            EXPECT_TRUE(std::isfinite(found.fibre_length + found.tendon_force + found.residual));
          }
}

TEST(EquilibriumOfRandomMuscles, AgreesWithHalving) {
  // The default tissues have one balance: halve from end to end. Seed 4.
  MersenneTwister random(4);
  int checked = 0;
  double worst = 0.0;
  for (int i = 0; i < 6000; ++i) {
    const Muscle m = random_muscle(random, sets[static_cast<std::size_t>(i) % 3], false);
    const Equilibrium found = equilibrium(m);
    if (const Kind which = kind(m, found); which == slack || which == fast) continue;
    double low = m.unit.least_along(), high = m.length - m.unit.tendon_slack_length;
    while (true) {
      const double middle = 0.5 * (low + high);
      if (middle <= low || middle >= high) break;
      (imbalance(m, middle) < 0.0 ? low : high) = middle;
    }
    const double error = std::abs(found.fibre_length - std::hypot(low, m.unit.height()));
    worst = std::max(worst, error / m.unit.optimal_fibre_length);
    ASSERT_LE(error, 1e-12 * m.unit.optimal_fibre_length) << i;
    ++checked;
  }
  EXPECT_GT(checked, 3000);
  std::printf("%d balances, farthest from halving %.1e l0\n", checked, worst);
}

TEST(EquilibriumOfRandomMuscles, AGuessSavesEvaluations) {
  // Seed 5.
  MersenneTwister random(5);
  int checked = 0;
  double cold = 0.0, warm = 0.0, exact = 0.0;
  for (int i = 0; i < 6000; ++i) {
    const Muscle m = random_muscle(random, sets[static_cast<std::size_t>(i) % 3], false);
    const Equilibrium found = equilibrium(m);
    if (kind(m, found) != balance) continue;
    const double l0 = m.unit.optimal_fibre_length;
    const auto from = [&](double guess) { return equilibrium(m.unit, m.length, m.speed, m.activation, guess); };
    const Equilibrium again = from(found.fibre_length), near = from(found.fibre_length + 1e-3 * l0);
    const Equilibrium anywhere = from(random.uniform(0.0, 3.0) * l0);
    for (const Equilibrium& other : {again, near, anywhere}) {
      ASSERT_TRUE(other.converged) << i;
      ASSERT_NEAR(other.fibre_length, found.fibre_length, 1e-12 * l0) << i;
      ASSERT_LE(other.iterations, 12) << i;
    }
    cold += found.iterations, warm += near.iterations, exact += again.iterations;
    ++checked;
  }
  EXPECT_GT(checked, 2000);
  EXPECT_LT(exact, 1.1 * checked);
  EXPECT_LT(warm, 0.85 * cold);
  std::printf("evaluations %.2f, from a guess within 1e-3 l0 %.2f, from the answer %.2f\n", cold / checked,
              warm / checked, exact / checked);
}

// The greatest jumps of fibre length [l0] and tendon force [F0] along a way of muscles: steps that do not shrink when
// they are halved. Force counts relative where it is above F0.
struct Jump {
  double length = 0.0, force = 0.0;
};
template <class Way>
Jump jumps(Way&& way, double from, double to, int steps) {
  Jump greatest;
  const auto apart = [](const Muscle& m, const Equilibrium& a, const Equilibrium& b) {
    const double F0 = m.unit.max_isometric_force;
    return Jump{std::abs(a.fibre_length - b.fibre_length) / m.unit.optimal_fibre_length,
                std::abs(a.tendon_force - b.tendon_force) / (F0 + std::min(a.tendon_force, b.tendon_force))};
  };
  const auto size = [](const Jump& j) { return std::max(j.length, j.force); };
  Equilibrium before = equilibrium(way(from));
  for (int i = 1; i <= steps; ++i) {
    double low = from + (to - from) * (i - 1) / steps, high = from + (to - from) * i / steps;
    const Muscle m = way(high);
    Equilibrium a = before, b = equilibrium(m);
    before = b;
    while (size(apart(m, a, b)) > 1e-3) {
      const double middle = 0.5 * (low + high);
      if (middle <= low || middle >= high) break;
      const Equilibrium c = equilibrium(way(middle));
      if (size(apart(m, a, c)) > size(apart(m, c, b)))
        high = middle, b = c;
      else
        low = middle, a = c;
    }
    if (const Jump j = apart(m, a, b); size(j) > 1e-3) {
      greatest.length = std::max(greatest.length, j.length);
      greatest.force = std::max(greatest.force, j.force);
    }
  }
  return greatest;
}

TEST(EquilibriumOfRandomMuscles, LengthAndForceAreContinuous) {
  // Default tissues, seeds 6 to 8.
  for (std::size_t set = 0; set < sets.size(); ++set) {
    SCOPED_TRACE(names[set]);
    MersenneTwister random(static_cast<unsigned>(set) + 6);
    Jump greatest;
    for (int i = 0; i < muscles / 5000; ++i) {
      const Muscle base = random_muscle(random, sets[set], false);
      const double l0 = base.unit.optimal_fibre_length, lTs = base.unit.tendon_slack_length;
      const auto at_length = [&](double x) {
        Muscle m = base;
        m.length = x;
        return m;
      };
      const auto at_speed = [&](double x) {
        Muscle m = base;
        m.speed = x;
        return m;
      };
      const auto at_activation = [&](double x) {
        Muscle m = base;
        m.activation = x;
        return m;
      };
      const double v = 1.5 * base.unit.max_speed();
      for (const Jump& j : {jumps(at_length, 0.8 * lTs - 0.2 * l0, 1.1 * lTs + 3.5 * l0, 400),
                            jumps(at_speed, -v, v, 200), jumps(at_activation, 0.0, 1.0, 50)}) {
        greatest.length = std::max(greatest.length, j.length);
        greatest.force = std::max(greatest.force, j.force);
      }
    }
    // Millard's tendon has no stiffness at slack length. Fibres that shorten too fast, just where passive force begins,
    // have two states of rest there, and go from the shorter one to slack length when it ceases to be one.
    const bool soft = names[set] == "millard";
    EXPECT_LE(greatest.length, soft ? 5e-3 : 0.0);
    EXPECT_LE(greatest.force, soft ? 1e-4 : 0.0);
    std::printf("%s: greatest jump %.1e l0, %.1e F0\n", names[set].c_str(), greatest.length, greatest.force);
  }
}

}  // namespace
}  // namespace psoas
