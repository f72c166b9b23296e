// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/metabolic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

namespace psoas {
namespace {

constexpr double rounding = 1e-12;  // relative to the numbers here, which are up to some hundred W

MuscleParameters plain_unit() {
  MuscleParameters unit;
  unit.max_isometric_force = 1000.0;
  unit.optimal_fibre_length = 0.1;
  unit.max_contraction_velocity = 10.0;  // slow fibres' heat 25 J/kg, fast fibres' 15.3 J/kg
  return unit;
}

// One kilogram, half of it slow fibres, so that h = 128 * 0.5 + 25 = 89 W/kg.
MetabolicParameters one_kilogram(double slow = 0.5) {
  MetabolicParameters metabolic;
  metabolic.mass = 1.0;
  metabolic.slow_twitch_ratio = slow;
  return metabolic;
}

MetabolicState state_at(double excitation, double activation, double norm_length, double velocity, double force,
                        double isometric) {
  MetabolicState state;
  state.excitation = excitation;
  state.activation = activation;
  state.norm_fibre_length = norm_length;
  state.fibre_velocity = velocity;
  state.active_force = force;
  state.isometric_force = isometric;
  return state;
}

MetabolicState fully_active_at_rest() { return state_at(1.0, 1.0, 1.0, 0.0, 1000.0, 1000.0); }

TEST(MuscleMass, FromStrengthAndLength) {
  // 1000 N / 0.25 MPa = 40 cm^2; times 0.1 m and 1059.7 kg/m^3.
  EXPECT_NEAR(muscle_mass(plain_unit(), {}), 0.42388, rounding);
  MetabolicParameters legs;
  legs.specific_tension = 0.6e6;
  EXPECT_NEAR(muscle_mass(plain_unit(), legs), 0.42388 / 2.4, rounding);
  EXPECT_EQ(muscle_mass(plain_unit(), one_kilogram()), 1.0);
}

// --- Umberger 2010 ---------------------------------------------------------------------------------------------------

// Published: total rate [W/kg] of soleus and rectus femoris, fully active and at l0, against shortening velocity over
// vmax (Umberger et al. 2003, Fig. 1), aerobic factor 1. Read off the polynomials that OpenSim 4 fitted to the figure
// with a greatest error of 0.83 W/kg (testMuscleMetabolicsProbes.cpp, 0435b081); its test allows 1 W/kg too. Force is
// Hill's hyperbola with Arel = 0.1 + 0.4 FT, vmax 12 l0/s for both. No lengthening here: as in 2003, so in 2010.
struct PublishedMuscle {
  double max_force, optimal_length, mass, slow, hill;
  std::vector<double> rate;  // at 0, 0.1 ... 1 vmax
};
const PublishedMuscle soleus{
    3127.0, 0.055, 0.805, 0.80, 0.18, {51.4, 222.3, 290.8, 321.9, 334.2, 315.4, 291.0, 262.3, 230.4, 196.4, 161.5}};
const PublishedMuscle rectus{
    1118.0, 0.084, 0.4275, 0.35, 0.36, {109.0, 312.7, 416.7, 466.2, 482.1, 468.4, 440.2, 401.1, 353.6, 300.2, 243.2}};

MetabolicRate published_case(const PublishedMuscle& muscle, double relative_velocity, double aerobic_factor) {
  MuscleParameters unit;
  unit.max_isometric_force = muscle.max_force;
  unit.optimal_fibre_length = muscle.optimal_length;
  unit.max_contraction_velocity = 12.0;
  MetabolicParameters metabolic;
  metabolic.mass = muscle.mass;
  metabolic.slow_twitch_ratio = muscle.slow;
  const double v = relative_velocity;
  const double force = muscle.max_force * muscle.hill * (1.0 - v) / (muscle.hill + v);
  const MetabolicState state = state_at(1.0, 1.0, 1.0, -v * unit.max_speed(), force, muscle.max_force);
  return umberger2010(unit, metabolic, state, {.aerobic_factor = aerobic_factor});
}

TEST(Umberger2010, PublishedRatesOfSoleusAndRectusFemoris) {
  for (const PublishedMuscle& muscle : {soleus, rectus})
    for (int k = 0; k <= 10; ++k)
      EXPECT_NEAR(published_case(muscle, 0.1 * k, 1.0).total / muscle.mass, muscle.rate[k], 1.0)
          << "slow " << muscle.slow << ", velocity " << 0.1 * k << " vmax";
}

TEST(Umberger2010, EfficiencyPeaksAtAFifthOfTheGreatestVelocity) {
  // From the figure: at 0.2 vmax the hyperbola's work over the published rate is 0.669 and 0.651. It is that of the
  // contraction alone; recovery (aerobic factor 1.5) lowers it to below 0.6.
  const auto efficiency = [](const PublishedMuscle& muscle, double v, double aerobic_factor) {
    const MetabolicRate rate = published_case(muscle, v, aerobic_factor);
    return rate.work / rate.total;
  };
  EXPECT_NEAR(efficiency(soleus, 0.2, 1.0), 0.669, 0.004);  // 1 W/kg of 290.8
  EXPECT_NEAR(efficiency(rectus, 0.2, 1.0), 0.651, 0.003);
  for (const PublishedMuscle& muscle : {soleus, rectus})
    for (const double aerobic_factor : {1.0, 1.5}) {
      double best = 0.0, at = 0.0;
      for (int k = 1; k < 1000; ++k)
        if (const double found = efficiency(muscle, 0.001 * k, aerobic_factor); found > best)
          best = found, at = 0.001 * k;
      EXPECT_GT(at, 0.13);
      EXPECT_LT(at, 0.25);
      EXPECT_GT(best, aerobic_factor > 1.0 ? 0.55 : 0.65);
      EXPECT_LT(best, aerobic_factor > 1.0 ? 0.60 : 0.70);
    }
}

TEST(Umberger2010, IsometricMaximalHeatIs128OfFastFibresAnd25) {
  for (const double slow : {0.0, 0.35, 0.8, 1.0}) {
    const MetabolicRate rate =
        umberger2010(plain_unit(), one_kilogram(slow), fully_active_at_rest(), {.aerobic_factor = 1.0});
    const double expected = 1.28 * (100.0 - 100.0 * slow) + 25.0;
    EXPECT_NEAR(rate.activation + rate.maintenance, expected, rounding * expected);
    EXPECT_NEAR(rate.total, expected, rounding * expected);
    EXPECT_NEAR(rate.activation, 0.4 * expected, rounding * expected);
    EXPECT_EQ(rate.shortening, 0.0);
    EXPECT_EQ(rate.work, 0.0);
    EXPECT_EQ(rate.added, 0.0);
  }
}

TEST(Umberger2010, ShorteningByHand) {
  // e 0.8 > a 0.5: A = 0.8. Speed 2 l0/s: 0.5 * 2 * 25 + 0.5 * 2 * 15.3 = 40.3; times 1.5 * 0.64 = 38.688.
  // 0.8^0.6 = 0.874689...: exp(0.6 ln 0.8) = exp(-0.13388613078852585) = 0.8746896591546617.
  const double heat = 1.5 * 0.8746896591546617 * 89.0;
  MetabolicState state = state_at(0.8, 0.5, 0.9, -0.2, 300.0, 950.0);
  const MetabolicRate below = umberger2010(plain_unit(), one_kilogram(), state);
  EXPECT_NEAR(below.activation, 0.4 * heat, 1e-10);
  EXPECT_NEAR(below.maintenance, 0.6 * heat, 1e-10);
  EXPECT_NEAR(below.shortening, 38.688, 1e-10);
  EXPECT_NEAR(below.work, 60.0, 1e-10);
  EXPECT_NEAR(below.total, heat + 98.688, 1e-10);

  // Beyond l0 maintenance and shortening heat go with fL = 0.6; activation heat does not.
  state.norm_fibre_length = 1.2;
  state.isometric_force = 600.0;
  const MetabolicRate beyond = umberger2010(plain_unit(), one_kilogram(), state);
  EXPECT_NEAR(beyond.activation, 0.4 * heat, 1e-10);
  EXPECT_NEAR(beyond.maintenance, 0.36 * heat, 1e-10);
  EXPECT_NEAR(beyond.shortening, 23.2128, 1e-10);
  EXPECT_NEAR(beyond.work, 60.0, 1e-10);

  // Beyond begins at l0.
  state.norm_fibre_length = 1.01;
  state.isometric_force = 990.0;
  EXPECT_NEAR(umberger2010(plain_unit(), one_kilogram(), state).maintenance, 0.594 * heat, 1e-10);
  EXPECT_NEAR(umberger2010(plain_unit(), one_kilogram(), state).shortening, 0.99 * 38.688, 1e-10);
}

TEST(Umberger2010, ActivationAboveExcitationIsAveraged) {
  // e 0.2 < a 0.6: A = 0.4, A^2 = 0.16, A^0.6 = exp(0.6 ln 0.4) = exp(-0.549774439124493) = 0.5770799...
  const MetabolicRate rate =
      umberger2010(plain_unit(), one_kilogram(), state_at(0.2, 0.6, 1.0, -0.2, 300.0, 1000.0), {.aerobic_factor = 1.0});
  EXPECT_NEAR(rate.shortening, 0.16 * 40.3, 1e-10);
  EXPECT_NEAR(rate.activation + rate.maintenance, 89.0 * std::exp(-0.549774439124493), 1e-10);
}

TEST(Umberger2010, LengtheningByHand) {
  // A 0.4, 1 l0/s, slow coefficient 25: 1.5 * 0.4 * 0.3 * 25 = 4.5 W/kg (2010), 1.5 * 0.4 * 4 * 25 = 60 W/kg (2003).
  MetabolicState state = state_at(0.2, 0.6, 0.95, 0.1, 300.0, 1000.0);
  const MetabolicRate later = umberger2010(plain_unit(), one_kilogram(), state);
  EXPECT_NEAR(later.shortening, 4.5, 1e-12);
  EXPECT_EQ(later.work, 0.0);
  const MetabolicRate earlier = umberger2010(plain_unit(), one_kilogram(), state, {.negative_work = true});
  EXPECT_NEAR(earlier.shortening, 60.0, 1e-11);
  EXPECT_NEAR(earlier.work, -30.0, 1e-12);
  EXPECT_NEAR(earlier.total, earlier.activation + earlier.maintenance + 30.0, 1e-10);

  state.norm_fibre_length = 1.3;
  state.isometric_force = 400.0;
  EXPECT_NEAR(umberger2010(plain_unit(), one_kilogram(), state).shortening, 1.8, 1e-12);
  // The share of slow fibres does not matter in lengthening.
  EXPECT_EQ(umberger2010(plain_unit(), one_kilogram(0.1), state).shortening,
            umberger2010(plain_unit(), one_kilogram(0.9), state).shortening);
}

TEST(Umberger2010, SlowFibresHeatIsBounded) {
  // 6 l0/s is beyond the slow fibres' greatest speed of 4 l0/s: 0.5 * 100 + 0.5 * 6 * 15.3 = 95.9.
  const MetabolicState state = state_at(1.0, 1.0, 1.0, -0.6, 100.0, 1000.0);
  EXPECT_NEAR(umberger2010(plain_unit(), one_kilogram(), state, {.aerobic_factor = 1.0}).shortening, 95.9, 1e-10);
  // At vmax: 100 slow, 153 fast.
  const MetabolicState fastest = state_at(1.0, 1.0, 1.0, -1.0, 0.0, 1000.0);
  EXPECT_NEAR(umberger2010(plain_unit(), one_kilogram(1.0), fastest, {.aerobic_factor = 1.0}).shortening, 100.0, 1e-10);
  EXPECT_NEAR(umberger2010(plain_unit(), one_kilogram(0.0), fastest, {.aerobic_factor = 1.0}).shortening, 153.0, 1e-10);
}

TEST(Umberger2010, MinimumHeat) {
  MetabolicParameters metabolic;  // 0.42388 kg
  const MetabolicRate rest = umberger2010(plain_unit(), metabolic, state_at(0.0, 0.0, 1.0, 0.0, 0.0, 1000.0));
  EXPECT_NEAR(rest.total, 0.42388, rounding);
  EXPECT_EQ(rest.added, rest.total);
  EXPECT_EQ(rest.activation + rest.maintenance + rest.shortening + rest.work, 0.0);
  const MetabolicRate without =
      umberger2010(plain_unit(), metabolic, state_at(0.0, 0.0, 1.0, 0.0, 0.0, 1000.0), {.minimum_heat = 0.0});
  EXPECT_EQ(without.total, 0.0);
}

TEST(Umberger2010, NonNegativeTotalAddsWhatWorkTakes) {
  // Little excitation, much force: 200 W of negative work beside some 30 W of heat.
  const MetabolicState state = state_at(0.0, 0.02, 1.0, 0.2, 1000.0, 1000.0);
  const Umberger2010Options free{.negative_work = true};
  EXPECT_LT(umberger2010(plain_unit(), one_kilogram(), state, free).total, 0.0);
  const MetabolicRate bounded = umberger2010(plain_unit(), one_kilogram(), state, Umberger2010Options::opensim());
  EXPECT_EQ(bounded.work, -200.0);
  EXPECT_NEAR(bounded.total, 0.0, 1e-12);
  EXPECT_GE(bounded.total, 0.0);
  EXPECT_NEAR(bounded.heat(), 200.0, 1e-10);
}

TEST(Umberger2010, OrderlyRecruitment) {
  EXPECT_EQ(recruited_slow_ratio(0.3, 0.0), 1.0);
  EXPECT_NEAR(recruited_slow_ratio(0.3, 1.0), 0.3, 1e-15);
  EXPECT_EQ(recruited_slow_ratio(0.0, 0.5), 0.0);
  EXPECT_EQ(recruited_slow_ratio(0.0, 0.0), 0.0);
  EXPECT_EQ(recruited_slow_ratio(1.0, 0.5), 1.0);
  for (double e = 0.05; e < 1.0; e += 0.05) {  // the quotient as it is published
    const double slow = 0.3 * std::sin(0.5 * std::numbers::pi * e),
                 fast = 0.7 * (1.0 - std::cos(0.5 * std::numbers::pi * e));
    EXPECT_NEAR(recruited_slow_ratio(0.3, e), slow / (slow + fast), 1e-13);
  }
  // Slow fibres come first, so a little excitation costs less; a full one costs the same.
  const Umberger2010Options orderly{.orderly_recruitment = true};
  MetabolicState state = state_at(0.2, 0.2, 1.0, 0.0, 200.0, 1000.0);
  EXPECT_LT(umberger2010(plain_unit(), one_kilogram(), state, orderly).total,
            umberger2010(plain_unit(), one_kilogram(), state).total);
  state = fully_active_at_rest();
  EXPECT_NEAR(umberger2010(plain_unit(), one_kilogram(), state, orderly).total,
              umberger2010(plain_unit(), one_kilogram(), state).total, 1e-10);
}

// --- Bhargava 2004 ---------------------------------------------------------------------------------------------------

TEST(Bhargava2004, IsometricMaximalHeat) {
  // Activation 40 slow, 133 fast; maintenance 74 slow, 111 fast [W/kg].
  for (const double slow : {0.0, 0.5, 1.0}) {
    const MetabolicRate rate = bhargava2004(plain_unit(), one_kilogram(slow), fully_active_at_rest());
    EXPECT_NEAR(rate.activation, 133.0 - 93.0 * slow, 1e-10);
    EXPECT_NEAR(rate.maintenance, 111.0 - 37.0 * slow, 1e-10);
    EXPECT_EQ(rate.shortening, 0.0);
    EXPECT_NEAR(rate.total, 244.0 - 130.0 * slow, 1e-10);
  }
}

TEST(Bhargava2004, SubmaximalHeatByHand) {
  // e = 1/3: sin 30 deg = 0.5, 1 - cos 30 deg = 0.1339745962155613. Activation does not matter.
  const double fast = 0.5 * 0.1339745962155613;
  for (const double activation : {0.0, 0.9}) {
    MetabolicState state = state_at(1.0 / 3.0, activation, 1.0, 0.0, 0.0, 1000.0);
    const MetabolicRate rate = bhargava2004(plain_unit(), one_kilogram(), state);
    EXPECT_NEAR(rate.activation, 10.0 + 133.0 * fast, 1e-12);
    EXPECT_NEAR(rate.maintenance, 18.5 + 111.0 * fast, 1e-12);
    state.activation_decay = 0.06;
    EXPECT_NEAR(bhargava2004(plain_unit(), one_kilogram(), state).activation, 0.06 * (10.0 + 133.0 * fast), 1e-12);
  }
}

TEST(Bhargava2004, MaintenanceFollowsLength) {
  const std::vector<std::pair<double, double>> factors = {{0.0, 0.5}, {0.3, 0.5},  {0.5, 0.5}, {0.75, 0.75},
                                                          {1.0, 1.0}, {1.25, 0.5}, {1.4, 0.2}, {1.5, 0.0},
                                                          {2.0, 0.0}, {9.0, 0.0}};
  for (const auto& [length, factor] : factors) {
    EXPECT_NEAR(maintenance_length_factor(length), factor, 1e-14) << length;
    const MetabolicState state = state_at(1.0, 1.0, length, 0.0, 0.0, 0.0);
    const MetabolicRate rate = bhargava2004(plain_unit(), one_kilogram(), state);
    EXPECT_NEAR(rate.maintenance, 92.5 * factor, 1e-11) << length;
    EXPECT_NEAR(rate.activation, 86.5, 1e-11) << length;
  }
}

TEST(Bhargava2004, ShorteningAndLengtheningByHand) {
  // Fiso = 0.6 * 800 = 480 N: (0.16 * 480 + 0.18 * 200) * 0.3 = 33.84 W.
  MetabolicState state = state_at(0.6, 0.6, 0.8, -0.3, 200.0, 800.0);
  state.passive_force = 50.0;
  MetabolicRate rate = bhargava2004(plain_unit(), one_kilogram(), state);
  EXPECT_NEAR(rate.shortening, 33.84, 1e-12);
  EXPECT_NEAR(rate.work, 60.0, 1e-12);
  EXPECT_NEAR(bhargava2004(plain_unit(), one_kilogram(), state, {.total_force = true}).shortening, 36.54, 1e-12);
  EXPECT_NEAR(bhargava2004(plain_unit(), one_kilogram(), state, Bhargava2004Options::opensim()).shortening, 18.75,
              1e-12);  // 0.25 * 250 * 0.3

  // 0.157 * 700 * 0.1 = 10.99 W are taken up in lengthening.
  state.fibre_velocity = 0.1;
  state.active_force = 700.0;
  rate = bhargava2004(plain_unit(), one_kilogram(), state);
  EXPECT_NEAR(rate.shortening, -10.99, 1e-12);
  EXPECT_NEAR(rate.work, -70.0, 1e-12);
  EXPECT_EQ(rate.added, 0.0);
  EXPECT_EQ(bhargava2004(plain_unit(), one_kilogram(), state, {.negative_work = false}).work, 0.0);
  EXPECT_EQ(bhargava2004(plain_unit(), one_kilogram(), state, Bhargava2004Options::opensim()).shortening, 0.0);
}

TEST(Bhargava2004, Minimum) {
  const MetabolicState rest = state_at(0.0, 0.0, 1.0, 0.0, 0.0, 1000.0);
  EXPECT_EQ(bhargava2004(plain_unit(), {}, rest).total, 0.0);  // the paper has no minimum
  EXPECT_NEAR(bhargava2004(plain_unit(), {}, rest, Bhargava2004Options::opensim()).total, 0.42388, rounding);

  const MetabolicState stretched = state_at(0.0, 0.5, 1.0, 0.2, 500.0, 1000.0);
  EXPECT_NEAR(bhargava2004(plain_unit(), one_kilogram(), stretched).total, -115.7, 1e-11);
  const MetabolicRate bounded = bhargava2004(plain_unit(), one_kilogram(), stretched, {.non_negative_total = true});
  EXPECT_NEAR(bounded.added, 115.7, 1e-11);
  EXPECT_NEAR(bounded.total, 0.0, 1e-12);
}

TEST(Bhargava2004, ActivationHeatDecays) {
  EXPECT_NEAR(bhargava_activation_decay(0.0, 1.0), 1.06, 1e-15);
  EXPECT_NEAR(bhargava_activation_decay(0.045, 1.0), 0.06 + 0.36787944117144233, 1e-14);
  EXPECT_NEAR(bhargava_activation_decay(0.09, 0.5), 0.06 + 0.36787944117144233, 1e-14);
  EXPECT_NEAR(bhargava_activation_decay(10.0, 1.0), 0.06, 1e-14);
}

// --- laws of both ----------------------------------------------------------------------------------------------------

using Model = std::function<MetabolicRate(const MuscleParameters&, const MetabolicParameters&, const MetabolicState&)>;

struct Named {
  const char* name;
  Model model;
};

std::vector<Named> all_models() {
  const auto umberger = [](Umberger2010Options options) {
    return [options](const auto& unit, const auto& metabolic, const auto& state) {
      return umberger2010(unit, metabolic, state, options);
    };
  };
  const auto bhargava = [](Bhargava2004Options options) {
    return [options](const auto& unit, const auto& metabolic, const auto& state) {
      return bhargava2004(unit, metabolic, state, options);
    };
  };
  return {{"Umberger", umberger({})},
          {"Umberger, negative work", umberger({.negative_work = true})},
          {"Umberger, OpenSim", umberger(Umberger2010Options::opensim())},
          {"Bhargava", bhargava({})},
          {"Bhargava, positive work", bhargava({.negative_work = false, .non_negative_total = true})},
          {"Bhargava, OpenSim", bhargava(Bhargava2004Options::opensim())}};
}

// A state whose forces follow from its length and velocity, fL(1) = 1 and both laws continuous.
MetabolicState lawful(double excitation, double activation, double norm_length, double relative_velocity) {
  const MuscleParameters unit = plain_unit();
  const double fL = std::exp(-4.0 * (norm_length - 1.0) * (norm_length - 1.0));
  const double v = relative_velocity;
  const double fV = v <= 0.0 ? std::max((1.0 + v) / (1.0 - 4.0 * v), 0.0) : 1.4 - 0.4 / (1.0 + 12.5 * v);
  MetabolicState state =
      state_at(excitation, activation, norm_length, v * unit.max_speed(), 1000.0 * activation * fL * fV, 1000.0 * fL);
  state.passive_force = 100.0 * std::max(norm_length - 1.0, 0.0);
  return state;
}

TEST(Metabolic, TotalIsHeatAndWorkAndFinite) {
  const unsigned seed = 11;
  SCOPED_TRACE(seed);
  std::mt19937 engine(seed);
  const auto uniform = [&](double low, double high) { return low + (high - low) * (engine() / 4294967296.0); };
  for (int trial = 0; trial < 20000; ++trial) {
    const MetabolicState state = lawful(uniform(0, 1), uniform(0, 1), uniform(0.0, 2.5), uniform(-1.2, 1.2));
    MetabolicParameters metabolic;
    metabolic.slow_twitch_ratio = uniform(0, 1);
    for (const auto& [name, model] : all_models()) {
      const MetabolicRate rate = model(plain_unit(), metabolic, state);
      ASSERT_TRUE(std::isfinite(rate.total)) << name;
      const double sum = rate.activation + rate.maintenance + rate.shortening + rate.added + rate.work;
      ASSERT_NEAR(rate.total, sum, 1e-12 * (std::abs(rate.heat()) + std::abs(rate.work))) << name;
      ASSERT_GE(rate.activation, 0.0) << name;
      ASSERT_GE(rate.maintenance, 0.0) << name;
      ASSERT_GE(rate.added, 0.0) << name;
      ASSERT_NEAR(std::abs(rate.work), rate.work == 0.0 ? 0.0 : std::abs(state.active_force * state.fibre_velocity),
                  1e-12 * std::abs(rate.work))
          << name;
    }
  }
}

TEST(Metabolic, RatesGoWithTheSizeOfTheMuscle) {
  MuscleParameters twice = plain_unit();
  twice.max_isometric_force *= 2.0;
  const MetabolicState state = lawful(0.4, 0.6, 1.1, -0.3);
  MetabolicState doubled = state;
  for (double MetabolicState::*force :
       {&MetabolicState::active_force, &MetabolicState::isometric_force, &MetabolicState::passive_force})
    doubled.*force *= 2.0;
  for (const auto& [name, model] : all_models())
    EXPECT_NEAR(model(twice, {}, doubled).total, 2.0 * model(plain_unit(), {}, state).total, 1e-9) << name;
}

TEST(Metabolic, ContinuousAcrossEveryBranch) {
  // Across a = e, v = 0, the slow fibres' vmax, -vmax, and the corners over length: a step of 1e-8 moves the result by
  // its slope (at most some thousand W) and no more.
  const double step = 1e-8, allowed = 2e-4;
  const auto check = [&](const char* where, auto&& state_of, double at) {
    for (const auto& [name, model] : all_models()) {
      const double below = model(plain_unit(), one_kilogram(), state_of(at - step)).total;
      const double exact = model(plain_unit(), one_kilogram(), state_of(at)).total;
      const double above = model(plain_unit(), one_kilogram(), state_of(at + step)).total;
      EXPECT_NEAR(below, exact, allowed) << name << ", " << where << " " << at;
      EXPECT_NEAR(above, exact, allowed) << name << ", " << where << " " << at;
    }
  };
  for (const double e : {0.1, 0.5, 0.9})
    for (const double l : {0.8, 1.2})
      for (const double v : {-0.5, -0.1, 0.0, 0.1})
        check(
            "a = e", [&](double a) { return lawful(e, a, l, v); }, e);
  for (const double e : {0.02, 0.3, 0.8})
    for (const double a : {0.02, 0.3, 0.8}) {
      for (const double l : {0.8, 1.0, 1.2})
        for (const double v : {-1.0, -0.4, 0.0})
          check(
              "v", [&](double x) { return lawful(e, a, l, x); }, v);
      for (const double v : {-0.3, 0.0, 0.3})
        for (const double l : {0.5, 1.0, 1.5, 2.0})
          check(
              "l", [&](double x) { return lawful(e, a, x, v); }, l);
    }
}

TEST(Metabolic, NoActivationIsTheLimitOfLittle) {
  // A^0.6 has an infinite slope at 0: 1e-15 gives 1e-9 of some hundred W.
  for (const auto& [name, model] : all_models())
    for (const double v : {-0.3, 0.0, 0.3}) {
      const double none = model(plain_unit(), one_kilogram(), lawful(0.0, 0.0, 1.1, v)).total;
      const double little = model(plain_unit(), one_kilogram(), lawful(1e-15, 1e-15, 1.1, v)).total;
      EXPECT_NEAR(little, none, 1e-6) << name;
    }
}

TEST(Metabolic, StateOfAUnit) {
  MuscleParameters unit = plain_unit();
  unit.pennation = 0.3;
  for (const double speed : {-0.3, 0.0, 0.2}) {
    const double length = unit.tendon_slack_length + 0.105, activation = 0.7;
    const FibreState fibre = rigid_tendon_fibre(unit, length, speed);
    const MetabolicState state = metabolic_state(unit, fibre, 0.4, activation);
    const MuscleQuantities q = muscle_quantities(unit, length, fibre, activation);
    EXPECT_EQ(state.excitation, 0.4);
    EXPECT_NEAR(state.norm_fibre_length, q.norm_fibre_length, 1e-14);
    EXPECT_NEAR(state.active_force * fibre.cos_pennation, q.active_force, 1e-9);
    EXPECT_NEAR(state.passive_force * fibre.cos_pennation, q.passive_force, 1e-9);
    // What is given off as work is what the contractile element does.
    EXPECT_NEAR(bhargava2004(unit, {}, state).work, q.active_power, 1e-9);
    const double isometric = activation * state.isometric_force;
    if (speed == 0.0) {
      EXPECT_NEAR(isometric, state.active_force, 1e-9);
    } else {
      EXPECT_GT((isometric - state.active_force) * -speed, 0.0);
    }
  }
}

}  // namespace
}  // namespace psoas
