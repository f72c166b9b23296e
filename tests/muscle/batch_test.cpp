// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/batch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "psoas/muscle/activation.hpp"
#include "support/allocations.hpp"
#include "support/greatest.hpp"

namespace psoas {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Forces agree to this share of F0 plus force: some hundred roundings, most of them through exponentials.
constexpr double force_tolerance = 1e-13;
// Fibre lengths of equilibria to this share of l0. The batch is within 1e-13; the scalar search may end at a miss of
// 1e-12 F0, which the toe of a soft tendon makes a little more than 1e-12 l0. Tendon forces agree to the same times the
// tendon's stiffness, of which 30 F0/l0 is much.
constexpr double length_tolerance = 1e-12, equilibrium_force_tolerance = 1e-10;

enum class Sets { de_groote, millard, thelen, any };

class Random {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}
  double operator()(double low, double high) {
    return low + (high - low) * (static_cast<double>(random_() >> 11) * 0x1p-53);
  }
  bool one_in(int n) { return (*this)(0.0, 1.0) * n < 1.0; }

  MuscleParameters muscle(Sets sets = Sets::any) {
    MuscleParameters m;
    m.max_isometric_force = (*this)(10.0, 6000.0);
    m.optimal_fibre_length = (*this)(0.02, 0.5);
    m.tendon_slack_length = (*this)(0.05, 6.0) * m.optimal_fibre_length;
    m.pennation = one_in(3) ? 0.0 : (*this)(0.0, 0.7);
    m.tendon_strain = (*this)(0.03, 0.08);
    m.passive_strain = (*this)(0.4, 0.8);
    m.passive_shape = (*this)(2.0, 6.0);
    m.passive_scale = one_in(10) ? 0.0 : (*this)(0.5, 2.0);
    m.max_contraction_velocity = (*this)(5.0, 15.0);
    m.damping = one_in(10) ? 0.0 : (*this)(0.01, 0.3);
    m.rigid_tendon = one_in(5);
    if (one_in(20)) m.tendon_slack_length = 0.0;
    const int set = sets == Sets::any ? static_cast<int>((*this)(0.0, 3.0)) : static_cast<int>(sets);
    if (set == 0) m.curve = DeGrooteFregly{.active_width = (*this)(0.8, 1.5)};
    if (set == 1) {
      Millard millard;
      if (one_in(2)) {
        millard.shortest_length = (*this)(0.3, 0.5);
        millard.least_active_force = (*this)(0.0, 0.1);
        millard.eccentric_force = (*this)(1.3, 1.7);
        millard.concentric_curviness = (*this)(0.0, 1.0);
        millard.eccentric_curviness = (*this)(0.0, 1.0);
        millard.passive_curviness = (*this)(0.0, 1.0);
        millard.tendon_curviness = (*this)(0.0, 1.0);
        millard.concentric_slope_at_vmax = (*this)(0.0, 0.2);
        if (!millard.fault().empty()) millard = {};
      }
      m.curve = compile(millard);
    }
    if (set == 2) m.curve = Thelen{.active_shape = (*this)(0.3, 0.6), .eccentric_force = (*this)(1.3, 1.8)};
    return m;
  }

 private:
  std::mt19937_64 random_;
};

/// Muscles with states that the laws are meant for, and one in ten far from them.
struct Case {
  std::vector<MuscleParameters> muscles;
  std::vector<double> length, speed, fibre_length, activation;

  Case(Random& random, std::size_t n, Sets sets = Sets::any) {
    for (std::size_t i = 0; i < n; ++i) {
      const MuscleParameters m = random.muscle(sets);
      const double l0 = m.optimal_fibre_length, lTs = m.tendon_slack_length, cos = std::cos(m.pennation);
      const bool wild = random.one_in(10);
      fibre_length.push_back(wild ? random(-0.5, 4.0) * l0 : random(0.45, 1.6) * l0);
      length.push_back(wild ? random(-0.5, 3.0) * (l0 + lTs) : lTs * random(0.99, 1.06) + fibre_length[i] * cos);
      speed.push_back(random.one_in(4) ? 0.0 : random(-1.5, 1.5) * (wild ? 5.0 : 0.5) * m.max_speed());
      activation.push_back(random.one_in(8) ? 0.0 : random.one_in(8) ? 1.0 : random(0.0, 1.0));
      muscles.push_back(m);
    }
  }
};

void check_rigid(const Case& c, bool with_activation) {
  const std::size_t n = c.muscles.size();
  const MuscleBatch batch(c.muscles);
  BatchFibres fibre(n);
  BatchForces force(n);
  test::Greatest error("batch against scalar, forces with rigid tendons over F0 + force");
  batch.rigid(c.length, c.speed, fibre, force,
              with_activation ? std::span<const double>(c.activation) : std::span<const double>());
  for (std::size_t i = 0; i < n; ++i) {
    SCOPED_TRACE("muscle " + std::to_string(i));
    const MuscleParameters& m = c.muscles[i];
    const FibreState state = rigid_tendon_fibre(m, c.length[i], c.speed[i]);
    const MuscleForces forces = fibre_forces(m, state, with_activation ? c.activation[i] : 1.0);
    EXPECT_NEAR(fibre.fibre_length[i], state.fibre_length, 1e-14 * (m.optimal_fibre_length + state.fibre_length));
    EXPECT_NEAR(fibre.fibre_velocity[i], state.fibre_velocity, 1e-14 * (m.max_speed() + std::abs(c.speed[i])));
    EXPECT_NEAR(fibre.cos_pennation[i], state.cos_pennation, 1e-14);
    EXPECT_EQ(fibre.outside_domain[i], state.outside_domain);
    const auto near = [&](double value, double expected) {
      EXPECT_NEAR(value, expected, force_tolerance * (m.max_isometric_force + std::abs(expected)));
      error.see((value - expected) / (m.max_isometric_force + std::abs(expected)));
    };
    near(force.active[i], forces.active);
    near(force.passive[i], forces.passive);
    near(force.damping[i], forces.damping);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(MuscleBatch, RigidTendonsAgreeWithTheScalarFunctions) {
  Random random(1);
  for (const Sets sets : {Sets::de_groote, Sets::millard, Sets::thelen, Sets::any}) {
    SCOPED_TRACE("set " + std::to_string(static_cast<int>(sets)));
    check_rigid(Case(random, 5000, sets), false);
    check_rigid(Case(random, 5000, sets), true);
  }
}

TEST(MuscleBatch, FibreVelocitiesAgreeWithTheScalarFunction) {
  Random random(2);
  for (const Sets sets : {Sets::de_groote, Sets::millard, Sets::thelen, Sets::any}) {
    SCOPED_TRACE("set " + std::to_string(static_cast<int>(sets)));
    Case c(random, 5000, sets);
    const std::size_t n = c.muscles.size();
    BatchFibres fibre(n);
    test::Greatest error("batch against scalar, forces of the fibre velocities over F0 + load");
    MuscleBatch(c.muscles).fibre_velocity(c.length, c.fibre_length, c.activation, fibre);
    for (std::size_t i = 0; i < n; ++i) {
      SCOPED_TRACE("muscle " + std::to_string(i));
      const MuscleParameters& m = c.muscles[i];
      const FibreState state = compliant_fibre(m, c.length[i], c.fibre_length[i], c.activation[i]);
      if (!(m.tendon_slack_length > 0.0)) continue;  // no strain, so nothing that compliant_fibre() could mean
      EXPECT_EQ(fibre.outside_domain[i], state.outside_domain);
      EXPECT_EQ(fibre.converged[i], state.converged);
      EXPECT_NEAR(fibre.fibre_length[i], state.fibre_length, 1e-14 * (m.optimal_fibre_length + state.fibre_length));
      EXPECT_NEAR(fibre.cos_pennation[i], state.cos_pennation, 1e-14);
      // The forces that follow from the velocity; the load is the tendon's force less the passive one.
      const MuscleForces ours =
          fibre_forces(m, {state.fibre_length, fibre.fibre_velocity[i], state.cos_pennation}, c.activation[i]);
      const MuscleForces theirs = fibre_forces(m, state, c.activation[i]);
      const double F0 = m.max_isometric_force, load = tendon_force(m, c.length[i], c.fibre_length[i]) + theirs.passive;
      EXPECT_NEAR(c.activation[i] * ours.active, c.activation[i] * theirs.active, force_tolerance * (F0 + load));
      error.see(c.activation[i] * (ours.active - theirs.active) / (F0 + load));
      EXPECT_NEAR(ours.damping, theirs.damping, force_tolerance * (F0 + load + std::abs(theirs.damping)));
      if (HasFailure()) return;
    }
  }
}

TEST(MuscleBatch, ForcesOfFibreVelocitiesAgreeWithTheScalarFunctions) {
  Random random(5);
  for (const Sets sets : {Sets::de_groote, Sets::millard, Sets::thelen, Sets::any}) {
    SCOPED_TRACE("set " + std::to_string(static_cast<int>(sets)));
    const Case c(random, 5000, sets);
    const std::size_t n = c.muscles.size();
    const MuscleBatch batch(c.muscles);
    BatchFibres alone(n), fibre(n);
    BatchForces force(n);
    std::vector<double> tension(n), rate(n);
    batch.fibre_velocity(c.length, c.fibre_length, c.activation, alone);
    batch.fibre_velocity(c.length, c.fibre_length, c.activation, fibre, force, tension);
    EXPECT_EQ(alone.fibre_velocity, fibre.fibre_velocity);
    for (std::size_t i = 0; i < n; ++i) {
      SCOPED_TRACE("muscle " + std::to_string(i));
      const MuscleParameters& m = c.muscles[i];
      if (!(m.tendon_slack_length > 0.0)) continue;
      const FibreState state{fibre.fibre_length[i], fibre.fibre_velocity[i], fibre.cos_pennation[i]};
      const MuscleForces forces = fibre_forces(m, state, c.activation[i]);
      const double F0 = m.max_isometric_force, F = tendon_force(m, c.length[i], state.fibre_length);
      EXPECT_NEAR(force.active[i], forces.active, force_tolerance * (F0 + std::abs(forces.active)));
      EXPECT_NEAR(force.passive[i], forces.passive, force_tolerance * (F0 + std::abs(forces.passive)));
      EXPECT_NEAR(force.damping[i], forces.damping, force_tolerance * (F0 + std::abs(forces.damping)));
      if (!m.has_rigid_tendon()) EXPECT_NEAR(tension[i], F, force_tolerance * (F0 + F));
      if (HasFailure()) return;
    }
  }
}

TEST(MuscleBatch, RatesOfActivationAreTheScalarOnes) {
  Random random(6);
  Case c(random, 1000, Sets::any);
  for (std::size_t i = 0; i < c.muscles.size(); i += 3) c.muscles[i].activation_dynamics = ActivationDynamics::thelen;
  std::vector<double> excitation(c.activation.rbegin(), c.activation.rend()), rate(c.muscles.size());
  excitation[7] = c.activation[7];
  MuscleBatch(c.muscles).activation_rate(excitation, c.activation, rate);
  for (std::size_t i = 0; i < c.muscles.size(); ++i)
    EXPECT_EQ(rate[i], activation_rate(c.muscles[i], excitation[i], c.activation[i])) << i;
}

void check_equilibrium(const Case& c, std::span<const double> guess, BatchEquilibria& found) {
  const std::size_t n = c.muscles.size();
  test::Greatest error("batch against scalar, fibre lengths of equilibria over l0 + l");
  MuscleBatch(c.muscles).equilibrium(c.length, c.speed, c.activation, found, guess);
  for (std::size_t i = 0; i < n; ++i) {
    SCOPED_TRACE("muscle " + std::to_string(i));
    const MuscleParameters& m = c.muscles[i];
    const Equilibrium expected = equilibrium(m, c.length[i], c.speed[i], c.activation[i]);
    const double l0 = m.optimal_fibre_length, F0 = m.max_isometric_force;
    EXPECT_EQ(found.outside_domain[i], expected.outside_domain);
    EXPECT_EQ(found.converged[i], expected.converged);
    EXPECT_NEAR(found.fibre_length[i], expected.fibre_length, length_tolerance * (l0 + expected.fibre_length));
    error.see((found.fibre_length[i] - expected.fibre_length) / (l0 + expected.fibre_length));
    EXPECT_NEAR(found.fibre_velocity[i], expected.fibre_velocity, 1e-11 * (m.max_speed() + std::abs(c.speed[i])));
    EXPECT_NEAR(found.tendon_force[i], expected.tendon_force,
                equilibrium_force_tolerance * (F0 + std::abs(expected.tendon_force)));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(MuscleBatch, EquilibriaAgreeWithTheScalarFunction) {
  Random random(3);
  for (const Sets sets : {Sets::de_groote, Sets::millard, Sets::thelen, Sets::any}) {
    SCOPED_TRACE("set " + std::to_string(static_cast<int>(sets)));
    const Case c(random, 5000, sets);
    BatchEquilibria found(c.muscles.size());
    check_equilibrium(c, {}, found);
    // Warm, from what was found but for a thousandth, in place.
    for (double& l : found.fibre_length) l *= random(0.999, 1.001);
    check_equilibrium(c, found.fibre_length, found);
  }
}

std::vector<double> all_numbers(const MuscleBatch& batch, const Case& c) {
  BatchFibres rigid(batch.size()), fibre(batch.size());
  BatchForces force(batch.size());
  BatchEquilibria found(batch.size());
  batch.rigid(c.length, c.speed, rigid, force, c.activation);
  batch.fibre_velocity(c.length, c.fibre_length, c.activation, fibre);
  batch.equilibrium(c.length, c.speed, c.activation, found);
  std::vector<double> numbers;  // muscle by muscle
  for (std::size_t i = 0; i < batch.size(); ++i)
    for (const auto* values : {&rigid.fibre_length, &rigid.fibre_velocity, &force.active, &force.passive,
                               &force.damping, &fibre.fibre_velocity, &found.fibre_length, &found.tendon_force})
      numbers.push_back((*values)[i]);
  return numbers;
}

TEST(MuscleBatch, AMusclesBitsDoNotDependOnItsPlaceOrCompany) {
  Random random(4);
  const Case c(random, 300);
  const std::vector<double> all = all_numbers(MuscleBatch(c.muscles), c);
  const std::size_t per_muscle = all.size() / 300;
  for (const std::size_t size : {0u, 1u, 7u, 33u, 299u}) {
    for (std::size_t first = 0; first + size <= 300; first += 41) {
      const auto part = [&](const auto& v) {
        const auto begin = v.begin() + static_cast<std::ptrdiff_t>(first);
        return std::vector(begin, begin + static_cast<std::ptrdiff_t>(size));
      };
      Case some = c;
      some.muscles = part(c.muscles), some.length = part(c.length), some.speed = part(c.speed);
      some.fibre_length = part(c.fibre_length), some.activation = part(c.activation);
      const std::vector<double> numbers = all_numbers(MuscleBatch(some.muscles), some);
      ASSERT_EQ(numbers.size(), size * per_muscle);
      for (std::size_t k = 0; k < numbers.size(); ++k)
        ASSERT_EQ(std::bit_cast<std::uint64_t>(numbers[k]), std::bit_cast<std::uint64_t>(all[first * per_muscle + k]))
            << "batch of " << size << " from " << first << ", number " << k;
    }
  }
}

TEST(MuscleBatch, NanStaysWithItsMuscle) {
  Random random(5);
  const Case c(random, 100);
  const MuscleBatch batch(c.muscles);
  const std::vector<double> all = all_numbers(batch, c);
  const std::size_t per_muscle = all.size() / 100;
  for (const auto argument : {&Case::length, &Case::speed, &Case::fibre_length, &Case::activation})
    for (std::size_t bad = 3; bad < 100; bad += 13) {
      Case with_nan = c;
      (with_nan.*argument)[bad] = nan;
      const std::vector<double> numbers = all_numbers(batch, with_nan);
      for (std::size_t k = 0; k < numbers.size(); ++k)
        if (k / per_muscle != bad) {
          ASSERT_EQ(std::bit_cast<std::uint64_t>(numbers[k]), std::bit_cast<std::uint64_t>(all[k])) << k;
        }
      const double* of_muscle = &numbers[bad * per_muscle];
      const bool moves = argument == &Case::speed;
      if (argument == &Case::length || moves) {
        EXPECT_TRUE(std::isnan(of_muscle[1])) << bad;
        EXPECT_TRUE(std::isnan(of_muscle[2])) << bad;
        EXPECT_TRUE(std::isnan(of_muscle[4])) << bad;
      }
      EXPECT_TRUE(argument != &Case::length || std::isnan(of_muscle[3])) << bad;
      EXPECT_TRUE(moves || std::isnan(of_muscle[5])) << bad;
      EXPECT_TRUE(argument == &Case::fibre_length || std::isnan(of_muscle[7])) << bad;
    }
}

TEST(MuscleBatch, EvaluationsAllocateNothing) {
  if (!test::counts_heap_allocations()) GTEST_SKIP() << "the sanitiser has a malloc of its own";
  Random random(6);
  const Case c(random, 300);
  const MuscleBatch batch(c.muscles);
  BatchFibres fibre(300);
  BatchForces force(300);
  BatchEquilibria found(300);
  const std::size_t before = test::heap_allocations();
  batch.rigid(c.length, c.speed, fibre, force, c.activation);
  batch.fibre_velocity(c.length, c.fibre_length, c.activation, fibre);
  batch.equilibrium(c.length, c.speed, c.activation, found);
  batch.equilibrium(c.length, c.speed, c.activation, found, found.fibre_length);
  EXPECT_EQ(test::heap_allocations(), before);
}

}  // namespace
}  // namespace psoas
