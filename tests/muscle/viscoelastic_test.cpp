// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/viscoelastic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "psoas/core/sampling.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

/// A number in [0, 1) that belongs to two others.
double random_share(std::uint64_t a, std::uint64_t b) {
  return static_cast<double>(random_bits(11, a, b) >> 11) * 0x1p-53;
}

Relaxation some_relaxation(std::uint64_t seed) {
  Relaxation out;
  double time = 0.1 + random_share(seed, 0);
  for (std::size_t i = 0; i < Relaxation::count; ++i) {
    out.terms[i] = {0.33 * random_share(seed, 10 + i), time};
    time *= 1.5 + 40.0 * random_share(seed, 20 + i);
  }
  return out;
}

TEST(ViscoelasticTightness, AStepRelaxesAsTheReducedRelaxationFunction) {
  const Relaxation relaxation;
  for (const double t : {0.0, 0.3, 5.0, 30.0, 3600.0}) {
    Viscoelastic tissue(relaxation);
    tissue.jump(7.0);
    tissue.hold(t);
    double closed = 7.0;
    for (const auto& [share, time] : relaxation.terms) closed -= 7.0 * share * (1.0 - std::exp(-t / time));
    EXPECT_NEAR(tissue.force(), closed, 1e-13);
    EXPECT_NEAR(tissue.force(), 7.0 * relaxation.at(t), 1e-13);
  }
  Viscoelastic tissue(relaxation);
  tissue.jump(1.0);
  tissue.hold(1e7);
  EXPECT_NEAR(tissue.force(), relaxation.remaining(), 1e-14);
}

TEST(ViscoelasticTightness, AHoldInPartsIsTheWholeHold) {
  Viscoelastic once{Relaxation{}}, parts{Relaxation{}};
  once.jump(1.0), parts.jump(1.0);
  once.hold(90.0);
  for (int k = 0; k < 900; ++k) parts.hold(0.1);
  EXPECT_NEAR(once.force(), parts.force(), 1e-13);
  EXPECT_NEAR(once.dissipated_energy(), parts.dissipated_energy(), 1e-13);
  once.hold_force(2.0, 60.0);
  for (int k = 0; k < 600; ++k) parts.hold_force(2.0, 0.1);
  EXPECT_NEAR(once.elastic(), parts.elastic(), 1e-12);
  EXPECT_NEAR(once.dissipated_energy(), parts.dissipated_energy(), 1e-12);
}

TEST(ViscoelasticTightness, HistoriesSuperpose) {
  // Boltzmann: the response to a sum of elastic responses is the sum of the responses.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Relaxation relaxation = some_relaxation(seed);
    Viscoelastic a(relaxation), b(relaxation), both(relaxation);
    for (std::uint64_t k = 0; k < 20; ++k) {
      const double x = random_share(seed, 100 + k), y = random_share(seed, 200 + k),
                   t = 0.01 + 100.0 * random_share(seed, 300 + k);
      if (k % 2 == 0) {
        a.ramp(x, t), b.ramp(y, t), both.ramp(2.0 * x - 3.0 * y, t);
      } else {
        a.jump(x), b.jump(y), both.jump(2.0 * x - 3.0 * y);
        a.hold(t), b.hold(t), both.hold(t);
      }
      EXPECT_NEAR(both.force(), 2.0 * a.force() - 3.0 * b.force(), 1e-12);
    }
  }
}

TEST(ViscoelasticTightness, RampsAreTheConvolutionIntegral) {
  // Against the hereditary integral by Simpson's rule over a history of ramps.
  const Relaxation relaxation = some_relaxation(3);
  const std::vector<double> lengths = {0.0, 1.0, 0.4, 1.5, 1.5, 0.2}, durations = {3.0, 10.0, 0.5, 20.0, 4.0};
  Viscoelastic tissue(relaxation);
  double end = 0.0;
  for (std::size_t k = 0; k < durations.size(); ++k) {
    tissue.ramp(lengths[k + 1], durations[k]);
    end += durations[k];
    double force = 0.0, from = 0.0;
    for (std::size_t j = 0; j <= k; ++j) {
      const double rate = (lengths[j + 1] - lengths[j]) / durations[j];
      constexpr int pieces = 4000;
      const double h = durations[j] / pieces;
      double sum = relaxation.at(end - from) + relaxation.at(end - from - durations[j]);
      for (int i = 1; i < pieces; ++i) sum += (i % 2 == 1 ? 4.0 : 2.0) * relaxation.at(end - from - i * h);
      force += rate * sum * h / 3.0;
      from += durations[j];
    }
    EXPECT_NEAR(tissue.force(), force, 1e-9);
  }
}

TEST(ViscoelasticTightness, CreepIsTheInverseOfRelaxation) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Relaxation relaxation = seed == 0 ? Relaxation{} : some_relaxation(seed);
    const Creep creep = creep_of(relaxation);
    EXPECT_NEAR(creep.at(0.0), 1.0, 1e-9) << seed;
    // The hereditary integral of G over the creep function is the constant 1.
    for (const double t : {0.5, 10.0, 200.0}) {
      double force = relaxation.at(t);  // of the jump to J(0) = 1
      for (std::size_t k = 0; k < Relaxation::count; ++k) {
        if (!(creep.amplitude[k] > 0.0)) continue;
        const double m = 1.0 / creep.time[k], A = creep.amplitude[k];
        force += A * relaxation.remaining() * (1.0 - std::exp(-m * t));
        for (const auto& [share, time] : relaxation.terms)
          if (share > 0.0) force += share * A * m * (std::exp(-m * t) - std::exp(-t / time)) / (1.0 / time - m);
      }
      EXPECT_NEAR(force, 1.0, 1e-8) << seed << " at " << t;
    }
    // ... and a tissue under a constant force follows it.
    Viscoelastic tissue(relaxation);
    tissue.hold_force(2.5, 0.0);
    for (const double t : {1.0, 9.0, 90.0, 1e5}) {
      Viscoelastic other = tissue;
      other.hold_force(2.5, t);
      EXPECT_NEAR(other.elastic(), 2.5 * creep.at(t), 1e-8) << seed;
      EXPECT_NEAR(other.force(), 2.5, 1e-10) << seed;
    }
  }
}

TEST(ViscoelasticTightness, TermsOfNoShareDoNothing) {
  Relaxation two;
  two.terms[1].share = 0.0;
  Viscoelastic tissue(two);
  tissue.hold_force(3.0, 0.0);
  tissue.hold_force(3.0, 40.0);
  EXPECT_NEAR(tissue.force(), 3.0, 1e-12);
  EXPECT_NEAR(tissue.elastic(), 3.0 * creep_of(two).at(40.0), 1e-10);
  for (Relaxation::Term& term : two.terms) term.share = 0.0;
  Viscoelastic spring(two);
  spring.hold_force(3.0, 40.0);
  spring.hold(10.0);
  spring.ramp(1.0, 5.0);
  EXPECT_EQ(spring.force(), 1.0);
  EXPECT_EQ(spring.dissipated_energy(), 0.0);
}

TEST(ViscoelasticTightness, WorkIsStoredOrDissipatedAndDissipationNeverComesBack) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Relaxation relaxation = some_relaxation(seed);
    Viscoelastic tissue(relaxation);
    double work = 0.0, dissipated = 0.0;
    for (std::uint64_t k = 0; k < 30; ++k) {
      const double t = 0.01 + 50.0 * random_share(seed, 300 + k), to = 2.0 * random_share(seed, 400 + k);
      if (k % 3 == 0) {
        work += 0.5 * (tissue.force() + tissue.force_at(to)) * (to - tissue.elastic());
        tissue.jump(to);
        tissue.hold(t);
      } else if (k % 3 == 1) {
        // force along an even ramp, by Simpson's rule
        constexpr int pieces = 2000;
        const double from = tissue.elastic();
        double sum = 0.0;
        for (int i = 0; i <= pieces; ++i) {
          Viscoelastic part = tissue;
          if (i > 0) part.ramp(from + (to - from) * i / pieces, t * i / pieces);
          sum += (i == 0 || i == pieces ? 1.0 : i % 2 == 1 ? 4.0 : 2.0) * part.force();
        }
        work += sum / 3.0 / pieces * (to - from);
        tissue.ramp(to, t);
      } else {
        const double jump = to - tissue.force();
        work += 0.5 * (tissue.force() + to) * jump;
        tissue.hold_force(to, 0.0);
        const double start = tissue.elastic();
        tissue.hold_force(to, t);
        work += to * (tissue.elastic() - start);
      }
      EXPECT_GE(tissue.dissipated_energy(), dissipated);
      dissipated = tissue.dissipated_energy();
      EXPECT_NEAR(work, tissue.stored_energy() + dissipated, 1e-7) << seed << " step " << k;
    }
    EXPECT_GT(dissipated, 0.0);
  }
}

TEST(ViscoelasticTightness, ACycleOfStretchOverLengthTakesEnergy) {
  // With the exponential elastic response of tissue, work over length, by Simpson's rule on short ramps: the loop has an
  // area however fast it is run, and none where nothing relaxes.
  const auto elastic = [](double strain) { return std::expm1(8.0 * strain) / std::expm1(8.0 * 0.3); };
  const auto loop = [&](const Relaxation& relaxation, double period) {
    Viscoelastic tissue(relaxation);
    double work = 0.0;
    constexpr int pieces = 20'000;
    double last_strain = 0.0, last_force = 0.0;
    for (int i = 1; i <= pieces; ++i) {
      const double strain = 0.15 * (1.0 - std::cos(2.0 * 3.14159265358979324 * i / pieces));
      tissue.ramp(elastic(strain), period / pieces);
      work += 0.5 * (tissue.force() + last_force) * (strain - last_strain);
      last_strain = strain, last_force = tissue.force();
    }
    return work;
  };
  Relaxation none;
  for (Relaxation::Term& term : none.terms) term.share = 0.0;
  for (const double period : {0.1, 2.0, 60.0, 3600.0}) {
    EXPECT_GT(loop(Relaxation{}, period), 1e-5) << period;
    EXPECT_NEAR(loop(none, period), 0.0, 1e-9) << period;
  }
}

TEST(ViscoelasticTightness, LosesAQuarterInHalfAMinuteAndMostByThreeQuartersOfOne) {
  // VALIDATION rows: 20 to 30 % in 30 s, at least nine tenths of the 90-s drop by 45 s, 84 % of the creep of 30 s within
  // 15 to 20 s. Defaults were chosen with these in view; creep is the check that they were not fitted to.
  const Relaxation relaxation;
  EXPECT_GE(1.0 - relaxation.at(30.0), 0.20);
  EXPECT_LE(1.0 - relaxation.at(30.0), 0.30);
  EXPECT_GE((1.0 - relaxation.at(45.0)) / (1.0 - relaxation.at(90.0)), 0.90);
  const Creep creep = creep_of(relaxation);
  // angle goes with the logarithm of the elastic response where passive torque is exponential
  const double whole = std::log(creep.at(30.0));
  EXPECT_LE(std::log(creep.at(15.0)) / whole, 0.84);
  EXPECT_GE(std::log(creep.at(20.0)) / whole, 0.84);
}

TEST(ViscoelasticTightness, RepeatedStretchesLoseLessAndRecover) {
  const StretchEffect five = stretch(Relaxation{}, {60.0, 5, 30.0, false});
  EXPECT_LT(five.last_drop, five.first_drop);
  EXPECT_GT(five.load, 5 * 60.0 * 0.7);
  EXPECT_LT(five.load, 5 * 60.0 * 0.85);
  EXPECT_NEAR(five.loss_after(0.0), five.loss, 1e-15);
  double last = five.loss;
  for (const double t : {60.0, 300.0, 600.0, 3600.0}) {
    EXPECT_LT(five.loss_after(t), last);
    EXPECT_GT(five.loss_after(t), 0.0);
    last = five.loss_after(t);
  }
  // Mizuno et al. 2013: there after 5 min, no more found after 10; half of what is left at 5 min must have gone
  EXPECT_LT(five.loss_after(600.0), 0.015);
  const StretchEffect force = stretch(Relaxation{}, {30.0, 4, 15.0, true});
  EXPECT_EQ(force.load, 120.0);
  EXPECT_EQ(force.first_drop, 0.0);
  EXPECT_GT(force.first_creep, force.last_creep);
  EXPECT_GT(force.last_creep, 0.0);
}

TEST(ViscoelasticTightness, RefusesWhatIsNoRelaxation) {
  const auto refused = [](auto change) {
    Relaxation relaxation;
    change(relaxation);
    return test::error_of([&] { Viscoelastic{relaxation}; });
  };
  EXPECT_NE(refused([](Relaxation& r) { r.terms[1].share = 0.9; }).find("below 1"), std::string::npos);
  EXPECT_NE(refused([](Relaxation& r) { r.terms[0].share = -0.1; }).find("-0.1"), std::string::npos);
  EXPECT_NE(refused([](Relaxation& r) { r.terms[2].time = 5.0; }).find("increase"), std::string::npos);
  EXPECT_NE(test::error_of([] { stretch(Relaxation{}, {-30.0, 3, 30.0, false}); }).find("-30"), std::string::npos);
}

}  // namespace
}  // namespace psoas
