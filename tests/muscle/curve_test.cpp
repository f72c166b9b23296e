// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws that every curve set obeys; a new set is tested by being listed in the variant.
#include "psoas/muscle/curve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "support/kinds.hpp"

namespace psoas {
namespace {

template <class C>
class CurveLaws : public ::testing::Test {};
TYPED_TEST_SUITE(CurveLaws, test::Kinds<Curve>::types, test::Kinds<Curve>::Name);

// Shapes of passive tissue and tendon in use: the defaults, tight, loose.
struct Tissue {
  double passive_strain, passive_shape, tendon_strain;
};
constexpr std::array<Tissue, 3> tissues{{{0.6, 4.0, 0.049}, {0.3, 6.0, 0.033}, {1.2, 2.5, 0.10}}};

// One law as a value, as a dual number, and in closed form with its slope.
struct Law {
  std::string name;
  std::function<double(double)> value;
  std::function<Dual<4>(Dual<4>)> dual;
  std::function<Jet1(double)> jet;
  double low, high;
};

template <class C>
std::vector<Law> laws(const C& c, const Tissue& t) {
  return {
      {"active_force_length", [=](double x) { return c.active_force_length(x); },
       [=](Dual<4> x) { return c.active_force_length(x); }, [=](double x) { return c.active_force_length_jet(x); },
       C::least_length, C::greatest_length},
      {"force_velocity", [=](double x) { return c.force_velocity(x); }, [=](Dual<4> x) { return c.force_velocity(x); },
       [=](double x) { return c.force_velocity_jet(x); }, -1.5, 1.5},
      {"passive_force_length", [=](double x) { return c.passive_force_length(x, t.passive_strain, t.passive_shape); },
       [=](Dual<4> x) { return c.passive_force_length(x, t.passive_strain, t.passive_shape); },
       [=](double x) { return c.passive_force_length_jet(x, t.passive_strain, t.passive_shape); }, C::least_length,
       1.0 + 1.2 * t.passive_strain},
      {"tendon_force", [=](double x) { return c.tendon_force(x, t.tendon_strain); },
       [=](Dual<4> x) { return c.tendon_force(x, t.tendon_strain); },
       [=](double x) { return c.tendon_force_jet(x, t.tendon_strain); }, 1.0, 1.0 + 1.5 * t.tendon_strain}};
}

TYPED_TEST(CurveLaws, DualClosedFormAndCentralDifferenceAgree) {
  for (const Tissue& tissue : tissues)
    for (const Law& law : laws(TypeParam{}, tissue))
      for (int i = 1; i < 200; ++i) {
        const double span = law.high - law.low, x = law.low + span * i / 200.0;
        SCOPED_TRACE(law.name + " at " + std::to_string(x));
        const Dual<4> dual = law.dual(Dual<4>(x, 2));
        const Jet1 jet = law.jet(x);
        const double scale = 1.0 + std::abs(jet.slope);
        EXPECT_EQ(dual.a, law.value(x));
        EXPECT_NEAR(jet.value, law.value(x), 1e-14 * (1.0 + std::abs(jet.value)));
        EXPECT_NEAR(dual.v[2], jet.slope, 1e-12 * scale);
        EXPECT_EQ(dual.v[0], 0.0);
        // Two differences extrapolated: truncation falls with h^4, rounding is 1e-16 / h.
        const double h = 3e-4 * span;
        const auto difference = [&](double d) { return (law.value(x + d) - law.value(x - d)) / (2.0 * d); };
        EXPECT_NEAR((4.0 * difference(0.5 * h) - difference(h)) / 3.0, jet.slope, 1e-8 * scale);
      }
}

TYPED_TEST(CurveLaws, SlopesHaveTheDeclaredContinuity) {
  // Over a step that is 4 times shorter a C1 law's slope changes 4 times less; a kink's change would stay.
  if (TypeParam::continuity < 1) GTEST_SKIP() << "declares no continuous slope";
  for (const Tissue& tissue : tissues)
    for (const Law& law : laws(TypeParam{}, tissue)) {
      const auto largest = [&](int n) {
        double most = 0.0;
        for (int i = 1; i < n; ++i) {
          const double d = (law.high - law.low) / n, x = law.low + d * i;
          most = std::max(most, std::abs(law.jet(x + 0.5 * d).slope - law.jet(x - 0.5 * d).slope));
        }
        return most;
      };
      EXPECT_LT(largest(8000), 0.3 * largest(2000)) << law.name;
    }
}

TYPED_TEST(CurveLaws, AnchorsAndRanges) {
  const TypeParam c;
  EXPECT_NEAR(c.active_force_length(1.0), 1.0, 1e-12);
  EXPECT_NEAR(c.force_velocity(0.0), 1.0, 1e-12);
  EXPECT_NEAR(c.force_velocity(-1.0), 0.0, 1e-12);
  double before = c.force_velocity(-3.0);
  for (double v = -2.99; v < 3.0; v += 0.01) {
    EXPECT_GT(c.force_velocity(v), before) << v;
    before = c.force_velocity(v);
  }
  for (double l = TypeParam::least_length; l <= TypeParam::greatest_length; l += 0.001) {
    EXPECT_GE(c.active_force_length(l), 0.0) << l;
    EXPECT_LE(c.active_force_length(l), 1.0011) << l;
  }
  for (const Tissue& t : tissues) {
    const auto passive = [&](double l) { return c.passive_force_length(l, t.passive_strain, t.passive_shape); };
    EXPECT_NEAR(passive(1.0 + t.passive_strain), 1.0, 1e-12);
    EXPECT_NEAR(c.tendon_force(1.0 + t.tendon_strain, t.tendon_strain), 1.0, 1e-12);
    EXPECT_NEAR(c.tendon_force(1.0, t.tendon_strain), 0.0, 1e-15);
    EXPECT_GE(passive(TypeParam::least_length), 0.0);
    for (double l = TypeParam::least_length; l < 3.0; l += 0.001) EXPECT_LE(passive(l), passive(l + 0.001)) << l;
  }
}

TYPED_TEST(CurveLaws, InversesInvert) {
  const TypeParam c;
  for (double v = -1.5; v <= 3.0; v += 0.01) EXPECT_NEAR(c.inverse_force_velocity(c.force_velocity(v)), v, 1e-13) << v;
  for (const Tissue& t : tissues)
    for (double f = -0.15; f < 300.0; f = f < 1.0 ? f + 0.01 : 1.1 * f) {
      const double length = c.inverse_tendon_force(f, t.tendon_strain);
      EXPECT_NEAR(c.tendon_force(length, t.tendon_strain), f, 1e-11 * (1.0 + f)) << f;
      const Dual<4> dual = c.inverse_tendon_force(Dual<4>(f, 1), t.tendon_strain);
      EXPECT_NEAR(dual.v[1] * c.tendon_force_jet(length, t.tendon_strain).slope, 1.0, 1e-11) << f;
    }
  const Dual<4> v = c.inverse_force_velocity(Dual<4>(0.4, 3));
  EXPECT_NEAR(v.v[3] * c.force_velocity_jet(v.a).slope, 1.0, 1e-12);
}

TYPED_TEST(CurveLaws, FiniteEverywhere) {
  // Far outside its domain a law may be useless, but it is a number, and so is its slope.
  for (const Tissue& tissue : tissues)
    for (const Law& law : laws(TypeParam{}, tissue))
      for (double x : {-1e6, -100.0, -3.0, -2.565, -1.0, 0.0, 0.1494687070, 0.1494687071, 0.15, 2.0, 5.0, 100.0, 1e6}) {
        SCOPED_TRACE(law.name + " at " + std::to_string(x));
        const Jet1 jet = law.jet(x);
        const Dual<4> dual = law.dual(Dual<4>(x, 0));
        EXPECT_TRUE(std::isfinite(jet.value) && std::isfinite(jet.slope));
        EXPECT_TRUE(std::isfinite(dual.a) && std::isfinite(dual.v[0]));
      }
}

TYPED_TEST(CurveLaws, TendonWorkRoundAClosedLoopVanishes) {
  // Force depends on length alone: stretching along one path and back along another leaves no energy.
  const TypeParam c;
  const int n = 4000;
  double work = 0.0, sum = 0.0, before = 1.0;
  for (int i = 1; i <= n; ++i) {
    const double phase = 2.0 * pi * i / n, s = std::sin(phase);
    const double length = 1.0 + 0.025 * (1.0 - std::cos(phase)) + 0.004 * s * s * std::sin(3.0 * phase),
                 d = length - before;
    const auto f = [&](double share) { return c.tendon_force(before + share * d, 0.049); };
    const double step =
        d * (7.0 * f(0) + 32.0 * f(0.25) + 12.0 * f(0.5) + 32.0 * f(0.75) + 7.0 * f(1)) / 90.0;  // Boole
    work += step;
    sum += std::abs(step);
    before = length;
  }
  EXPECT_GT(sum, 0.01);
  EXPECT_LT(std::abs(work), 1e-12 * sum);
}

TYPED_TEST(CurveLaws, SaysItsFieldsOnce) {
  std::set<std::string> keys;
  TypeParam c;
  TypeParam::each(c, [&](std::string_view key, auto&, const Info& info) {
    EXPECT_TRUE(keys.insert(std::string(key)).second) << key;
    EXPECT_FALSE(info.help.empty()) << key;
  });
  EXPECT_FALSE(TypeParam::name.empty());
  EXPECT_FALSE(TypeParam::help.empty());
}

// --- what only this set promises -------------------------------------------------------------------------------------

TEST(DeGrooteFreglyCurve, PassiveForceIsOpenSimsOffsetForm) {
  const DeGrooteFregly c;
  EXPECT_NEAR(c.passive_force_length(1.0, 0.6, 4.0), 0.018228823820, 1e-11);
  EXPECT_NEAR(c.passive_force_length(0.2, 0.6, 4.0), 0.0, 1e-16);
  const double below = c.passive_force_length(0.05, 0.6, 4.0);  // negative there, and the unit takes 0
  EXPECT_LT(below, 0.0);
  EXPECT_GT(below, -1e-4);
}

TEST(DeGrooteFreglyCurve, PeakIsCloseToOptimalLength) {
  const DeGrooteFregly c;
  EXPECT_NEAR(c.active_force_length_jet(1.013294).slope, 0.0, 1e-4);
  EXPECT_NEAR(c.active_force_length(1.013294), 1.00107338908, 1e-10);
}

TEST(DeGrooteFreglyCurve, WidthScalesTheActiveCurveAboutOptimalLength) {
  const DeGrooteFregly narrow, wide{1.5};
  for (double d = -0.5; d < 0.5; d += 0.01)
    EXPECT_NEAR(wide.active_force_length(1.0 + 1.5 * d), narrow.active_force_length(1.0 + d), 1e-14);
}

}  // namespace
}  // namespace psoas
