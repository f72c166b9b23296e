// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/adaptation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "psoas/core/sampling.hpp"
#include "psoas/muscle/shortening.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

double random_share(std::uint64_t a, std::uint64_t b) {
  return static_cast<double>(random_bits(7, a, b) >> 11) * 0x1p-53;
}

/// A day of a person, over a week: lying, sitting, standing, walking.
WeekExposure habitual_week() { return {{{56, 1.0, 0.01}, {28, 0.8, 0.02}, {63, 1.12, 0.02}, {21, 1.1, 0.1}}, 0, 0, 0}; }

/// A week in one position.
WeekExposure held(double norm_length, double activation = 0.05) { return {{{168, norm_length, activation}}, 0, 0, 0}; }

AdaptationLaw human() { return {AdaptationParameters{}, MuscleParameters{}, habitual_week()}; }

/// Parameters so far inside or outside of anybody that the laws have nothing to rely on.
AdaptationParameters odd_parameters(std::uint64_t seed) {
  AdaptationParameters p;
  const auto between = [&, k = std::uint64_t{0}](double low, double high) mutable {
    return low * std::pow(high / low, random_share(seed, ++k));
  };
  auto pick = between;
  for (double* time : {&p.sarcomere_time, &p.stiffness_time, &p.training_time, &p.detraining_time, &p.atrophy_time,
                       &p.recovery_time, &p.tone_time, &p.tolerance_time, &p.relief_time})
    *time = pick(1e-3, 1e2);
  p.sarcomere_gain = pick(0.01, 10.0);
  p.rest_weight = pick(1e-4, 10.0);
  p.stretch_softening = pick(0.01, 0.9);
  p.softening_half_load = pick(1.0, 1e4);
  p.slack_stiffening = pick(0.01, 100.0);
  p.training_gain = pick(0.01, 10.0);
  p.training_half_volume = pick(1e-3, 100.0);
  p.disuse_loss = pick(0.01, 0.9);
  p.maintaining_use = pick(1e-3, 1.0);
  p.tolerance_gain = pick(0.01, 10.0);
  p.tolerance_half_load = pick(1.0, 1e4);
  return p;
}

WeekExposure odd_week(std::uint64_t seed) {
  WeekExposure out;
  double left = 168.0;
  for (std::uint64_t k = 0; k < 5; ++k) {
    const double hours = k == 4 ? left : left * random_share(seed, 50 + k);
    out.lengths.push_back({hours, 0.1 + 2.0 * random_share(seed, 60 + k), random_share(seed, 70 + k)});
    left -= hours;
  }
  out.stretch_load = 1e6 * random_share(seed, 80);
  out.stretch_load_above = out.stretch_load * random_share(seed, 81);
  out.training_volume = 1e4 * random_share(seed, 82);
  return out;
}

TEST(AdaptationTightness, AHabitualLifeChangesNothing) {
  const AdaptationLaw law = human();
  const AdaptationState rates = law.rates(law.start(), habitual_week()), still = law.steady_state(habitual_week());
  for (std::size_t i = 0; i < adaptation_states; ++i) {
    EXPECT_NEAR(rates[i], 0.0, 1e-15) << i;
    EXPECT_NEAR(still[i], law.start()[i], 1e-14) << i;
  }
}

TEST(AdaptationTightness, RatesPointInwardsAtTheEndsOfEveryRange) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const AdaptationLaw law(odd_parameters(seed), MuscleParameters{}, odd_week(1000 + seed));
    const WeekExposure week = odd_week(seed);
    const AdaptationState low = law.low(), high = law.high();
    AdaptationState inside{};
    for (std::size_t i = 0; i < adaptation_states; ++i)
      inside[i] = low[i] + (high[i] - low[i]) * random_share(seed, 100 + i);
    for (std::size_t i = 0; i < adaptation_states; ++i) {
      AdaptationState at = inside;
      at[i] = low[i];
      EXPECT_GE(law.rates(at, week)[i], 0.0) << seed << " state " << i;
      at[i] = high[i];
      EXPECT_LE(law.rates(at, week)[i], 0.0) << seed << " state " << i;
    }
  }
}

TEST(AdaptationTightness, SteadyStatesAreThoseOfTheClosedForms) {
  const AdaptationParameters p;
  const AdaptationLaw law = human();
  const double habitual = law.mean_length(habitual_week(), 1.0);
  // One position alone: its weight cancels, so the target does not depend on s.
  for (const double length : {0.95, 1.0, 1.1}) {
    const AdaptationState still = law.steady_state(held(length));
    EXPECT_NEAR(still[serial_sarcomeres], length / habitual, 1e-12);
  }
  // Doses
  WeekExposure week = habitual_week();
  week.stretch_load = 450.0, week.stretch_load_above = 200.0, week.training_volume = 6.0;
  const AdaptationState still = law.steady_state(week);
  EXPECT_NEAR(still[stretch_tolerance], 1.0 + p.tolerance_gain * 450.0 / 750.0, 1e-14);
  EXPECT_NEAR(still[passive_stiffness], 1.0 - p.stretch_softening * 200.0 / 800.0, 1e-14);
  EXPECT_NEAR(still[training], p.training_gain * 6.0 / 10.0, 1e-14);
  EXPECT_EQ(still[atrophy], 0.0);
  // A limb that does nothing
  EXPECT_NEAR(law.steady_state(held(1.0, 0.0))[atrophy], p.disuse_loss, 1e-14);
  // Any week: all rates vanish there.
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const AdaptationLaw other(odd_parameters(seed), MuscleParameters{}, odd_week(2000 + seed));
    const AdaptationState rates = other.rates(other.steady_state(odd_week(seed)), odd_week(seed));
    for (std::size_t i = 0; i < adaptation_states; ++i) {
      const double slowest = 1e-12 / other.parameters().sarcomere_time;
      EXPECT_NEAR(rates[i], 0.0, i == serial_sarcomeres ? slowest : 1e-15) << seed << " state " << i;
    }
  }
}

TEST(AdaptationTightness, ShortPositionsTakeSarcomeresAndLongOnesAddThem) {
  const AdaptationLaw law = human();
  const auto rate = [&](const WeekExposure& week) { return law.rates(law.start(), week)[serial_sarcomeres]; };
  EXPECT_LT(rate(held(0.8)), 0.0);
  EXPECT_GT(rate(held(1.3)), 0.0);
  // An hour more of sitting in place of standing, and less of it
  WeekExposure more = habitual_week(), less = habitual_week();
  more.lengths[1].hours += 7.0, more.lengths[2].hours -= 7.0;
  less.lengths[1].hours -= 7.0, less.lengths[2].hours += 7.0;
  EXPECT_LT(rate(more), 0.0);
  EXPECT_GT(rate(less), 0.0);
  // Short fibres are stretched more where they are long, which counts more: the target rises as s falls.
  double last = 2.0;
  for (double s = 0.8; s <= 1.1; s += 0.05) {
    AdaptationState now = law.start();
    now[serial_sarcomeres] = s;
    const double target = law.targets(now, more)[serial_sarcomeres];
    EXPECT_LT(target, last);
    last = target;
  }
}

TEST(AdaptationTightness, AFewMinutesOfStretchHardlyMoveSarcomeres) {
  // Freitas et al. 2018 and Ingram et al. 2025: no change of fascicle length by stretching for weeks.
  const AdaptationLaw law = human();
  WeekExposure week = habitual_week();
  week.lengths[2].hours -= 0.25;
  week.lengths.push_back({0.25, 1.3, 0.01});
  EXPECT_GT(law.steady_state(week)[serial_sarcomeres], 1.0);
  EXPECT_LT(law.steady_state(week)[serial_sarcomeres], 1.005);
}

TEST(AdaptationTightness, TabarysCatSoleusFollows) {
  // Tabary et al. 1972: cast short -40 %, cast long +20 %, normal again within 4 weeks. The cast's length is the input;
  // that all of it is made up for, in the measured time, is the law.
  AdaptationParameters cat;
  cat.sarcomere_time = 8.0, cat.least_sarcomeres = 0.5, cat.most_sarcomeres = 1.4;
  const AdaptationLaw law(cat, MuscleParameters{}, held(1.0));
  EXPECT_NEAR(law.steady_state(held(0.6))[serial_sarcomeres], 0.6, 1e-12);
  EXPECT_NEAR(law.steady_state(held(1.2))[serial_sarcomeres], 1.2, 1e-12);
}

TEST(AdaptationTightness, AnAdaptedUnitIsTheEditedOne) {
  const AdaptationLaw law = human();
  MuscleParameters unit;
  unit.passive_scale = 1.3;
  AdaptationState now = law.start();
  now[serial_sarcomeres] = 0.93, now[passive_stiffness] = 0.9, now[training] = 0.2, now[atrophy] = 0.1,
  now[tone] = 0.04;
  const MuscleParameters after = adapted(unit, law, now);
  EXPECT_NEAR(after.optimal_fibre_length, 0.93 * unit.optimal_fibre_length, 1e-16);
  EXPECT_NEAR(after.max_isometric_force, 1.2 * 0.9 * unit.max_isometric_force, 1e-10);
  EXPECT_EQ(after.minimum_activation, 0.04);
  EXPECT_EQ(after.tendon_slack_length, unit.tendon_slack_length);
  // passive force at the same strain: stiffness alone
  const auto passive = [](const MuscleParameters& one) {
    return fibre_forces(one, {1.25 * one.optimal_fibre_length, 0.0, 1.0}).passive;
  };
  EXPECT_NEAR(passive(after), 0.9 * passive(unit), 1e-10);
}

TEST(AdaptationTightness, ManualTherapyIsFeltAndGoes) {
  const AdaptationLaw law = human();
  AdaptationState now = law.start();
  now[tone] = 0.04;
  const AdaptationState after = law.after_session(now);
  EXPECT_LT(law.felt_tone(after), law.felt_tone(now));
  EXPECT_GT(law.felt_tolerance(after), law.felt_tolerance(now));
  for (std::size_t i = 0; i < adaptation_states; ++i)
    if (i != relief) {
      EXPECT_EQ(after[i], now[i]);
    }
  EXPECT_LT(law.rates(after, habitual_week())[relief], 0.0);
}

TEST(AdaptationTightness, RefusesNumbersThatAreNone) {
  const auto refused = [](auto change) {
    AdaptationParameters p;
    change(p);
    return test::error_of([&] { AdaptationLaw(p, MuscleParameters{}, habitual_week()); });
  };
  EXPECT_NE(refused([](auto& p) { p.sarcomere_time = 0.0; }).find("sarcomere_time"), std::string::npos);
  EXPECT_NE(refused([](auto& p) { p.least_sarcomeres = 1.2; }).find("1.2"), std::string::npos);
  EXPECT_NE(refused([](auto& p) { p.stretch_softening = 1.0; }).find("0.9"), std::string::npos);
  EXPECT_NE(refused([](auto& p) { p.rest_weight = 0.0; }).find("rest_weight"), std::string::npos);
  EXPECT_NE(test::error_of([] { AdaptationLaw({}, MuscleParameters{}, {}); }).find("hours"), std::string::npos);
}

}  // namespace
}  // namespace psoas
