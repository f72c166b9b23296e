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

// One law as a value and in closed form, of numbers and of dual numbers.
struct Law {
  std::string name;
  std::function<double(double)> value;
  std::function<Dual<4>(Dual<4>)> dual;
  std::function<Jet2<double>(double)> jet;
  std::function<Jet2<Dual<4>>(Dual<4>)> dual_jet;
  double low, high;
};

template <class F, class J>
Law law(std::string name, F value, J jet, double low, double high) {
  return {std::move(name), value, value, jet, jet, low, high};
}

template <class C>
std::vector<Law> laws(const C& c, const Tissue& t) {
  const double e = t.passive_strain, k = t.passive_shape, eT = t.tendon_strain;
  return {law(
              "active_force_length", [=](auto x) { return c.active_force_length(x); },
              [=](auto x) { return c.active_force_length_jet(x); }, c.least_length(), c.greatest_length()),
          law(
              "force_velocity", [=](auto x) { return c.force_velocity(x, 1.0); },
              [=](auto x) { return c.force_velocity_jet(x, 1.0); }, -1.5, 1.5),
          law(
              "force_velocity at activation 0.2", [=](auto x) { return c.force_velocity(x, 0.2); },
              [=](auto x) { return c.force_velocity_jet(x, 0.2); }, -1.5, 1.5),
          law(
              "passive_force_length", [=](auto x) { return c.passive_force_length(x, e, k); },
              [=](auto x) { return c.passive_force_length_jet(x, e, k); }, c.least_length(), 1.0 + 1.2 * e),
          law(
              "tendon_force", [=](auto x) { return c.tendon_force(x, eT); },
              [=](auto x) { return c.tendon_force_jet(x, eT); }, 1.0, 1.0 + 1.5 * eT)};
}

TYPED_TEST(CurveLaws, DualClosedFormAndCentralDifferenceAgree) {
  for (const Tissue& tissue : tissues)
    for (const Law& law : laws(TypeParam{}, tissue))
      for (int i = 1; i < 200; ++i) {
        const double span = law.high - law.low, x = law.low + span * i / 200.0;
        SCOPED_TRACE(law.name + " at " + std::to_string(x));
        const Dual<4> dual = law.dual(Dual<4>(x, 2));
        const Jet2<double> jet = law.jet(x);
        const double scale = 1.0 + std::abs(jet.slope);
        EXPECT_EQ(dual.a, law.value(x));
        EXPECT_NEAR(jet.value, law.value(x), 1e-14 * (1.0 + std::abs(jet.value)));
        EXPECT_NEAR(dual.v[2], jet.slope, 1e-12 * scale);
        EXPECT_EQ(dual.v[0], 0.0);
        // The curvature is the slope's derivative.
        const Jet2<Dual<4>> dual_jet = law.dual_jet(Dual<4>(x, 2));
        EXPECT_EQ(dual_jet.slope.a, jet.slope);
        EXPECT_EQ(dual_jet.curvature.a, jet.curvature);
        EXPECT_NEAR(dual_jet.slope.v[2], jet.curvature, 1e-12 * (scale + std::abs(jet.curvature)));
        const auto difference = [&](double d) { return (law.value(x + d) - law.value(x - d)) / (2.0 * d); };
        if (TypeParam::continuity == smooth) {
          // Two differences extrapolated: truncation falls with h^4, rounding is 1e-16 / h.
          const double h = 3e-4 * span;
          EXPECT_NEAR((4.0 * difference(0.5 * h) - difference(h)) / 3.0, jet.slope, 1e-8 * scale);
        } else {
          // A jump of the curvature inside the difference costs up to that times h; a kink has no difference.
          const double h = 1e-6 * span;
          const Jet2<double> before = law.jet(x - h), after = law.jet(x + h);
          if (std::abs(after.slope - before.slope) > 0.01 * scale) continue;
          EXPECT_NEAR(difference(h), jet.slope, 1e-7 * scale + h * std::abs(after.curvature - before.curvature));
        }
      }
}

TYPED_TEST(CurveLaws, EnergiesAreTheIntegralsOfForce) {
  const TypeParam c;
  for (const Tissue& t : tissues) {
    const auto check = [](const char* name, auto force, auto energy, double zero, double end) {
      EXPECT_EQ(energy(Dual<4>(zero, 1)).a, 0.0) << name;
      EXPECT_EQ(energy(Dual<4>(zero - 0.1, 1)).a, 0.0) << name;
      EXPECT_EQ(energy(Dual<4>(zero - 0.1, 1)).v[1], 0.0) << name;
      const int n = 500;
      double sum = 0.0;
      for (int i = 0; i < n; ++i) {
        const double a = zero + (end - zero) * i / n, b = zero + (end - zero) * (i + 1) / n;
        const Dual<4> at_b = energy(Dual<4>(b, 1));
        EXPECT_NEAR(at_b.v[1], force(b), 1e-12 * (1.0 + force(b))) << name << " at " << b;
        EXPECT_GE(at_b.a, energy(Dual<4>(a, 1)).a) << name << " at " << b;
        sum += (b - a) *
               (7.0 * force(a) + 32.0 * force(0.75 * a + 0.25 * b) + 12.0 * force(0.5 * (a + b)) +
                32.0 * force(0.25 * a + 0.75 * b) + 7.0 * force(b)) /
               90.0;  // Boole
        // A kink inside a step costs at most its change of slope times the step squared.
        EXPECT_NEAR(at_b.a, sum, 1e-6 * (1e-3 + sum)) << name << " at " << b;
      }
    };
    const double e = t.passive_strain, k = t.passive_shape, eT = t.tendon_strain;
    double zero = c.least_length(), pulls = 1.0 + e;
    for (int i = 0; i < 60; ++i) {
      const double middle = 0.5 * (zero + pulls);
      (c.passive_force_length(middle, e, k) > 0.0 ? pulls : zero) = middle;
    }
    check(
        "passive", [&](double l) { return c.passive_force_length(l, e, k); },
        [&](Dual<4> l) { return c.passive_energy(l, e, k); }, zero, 1.0 + 3.0 * e);
    check(
        "tendon", [&](double l) { return c.tendon_force(l, eT); }, [&](Dual<4> l) { return c.tendon_energy(l, eT); },
        1.0, 1.0 + 6.0 * eT);
  }
}

TYPED_TEST(CurveLaws, DerivativesHaveTheDeclaredContinuity) {
  // Over a step that is 4 times shorter a continuous derivative changes about 4 times less; a jump stays.
  bool jumps = false;
  for (const Tissue& tissue : tissues)
    for (const Law& law : laws(TypeParam{}, tissue)) {
      const auto derivative = [&](int order, double x) {
        if (order == 0) return law.value(x);
        if (order == 1) return law.jet(x).slope;
        return order == 2 ? law.jet(x).curvature : law.dual_jet(Dual<4>(x, 0)).curvature.v[0];
      };
      const auto ratio = [&](int order) {
        const auto largest = [&](int n) {
          double most = 0.0;
          for (int i = 1; i < n; ++i) {
            const double d = (law.high - law.low) / n, x = law.low + d * (i + 0.1);  // joints are no grid points
            most = std::max(most, std::abs(derivative(order, x + 0.5 * d) - derivative(order, x - 0.5 * d)));
          }
          return most;
        };
        return largest(32000) / largest(8000);
      };
      for (int order = 0; order <= std::min(TypeParam::continuity, 2); ++order)
        EXPECT_LT(ratio(order), 0.3) << law.name << ", derivative " << order;
      if constexpr (TypeParam::continuity <= 2) jumps = jumps || ratio(TypeParam::continuity + 1) > 0.7;
    }
  EXPECT_EQ(jumps, TypeParam::continuity <= 2) << "declares less than it has";
}

TYPED_TEST(CurveLaws, AnchorsAndRanges) {
  const TypeParam c;
  EXPECT_NEAR(c.active_force_length(1.0), 1.0, 1e-12);
  EXPECT_NEAR(c.force_velocity(-1.0, 1.0), 0.0, 1e-12);
  for (const double activation : {0.0, 0.05, 0.5, 1.0}) {
    EXPECT_NEAR(c.force_velocity(0.0, activation), 1.0, 1e-12);
    EXPECT_GT(c.force_velocity(0.5, activation), 1.2);
    double before = c.force_velocity(-3.0, activation);
    for (double v = -2.99; v < 3.0; v += 0.01) {
      const double now = c.force_velocity(v, activation);
      EXPECT_GE(now, before) << v;
      if (std::abs(v) < 0.98) {  // a set may end in plateaus
        EXPECT_GT(now, before) << v;
      }
      before = now;
    }
  }
  for (double l = TypeParam::least_length(); l <= TypeParam::greatest_length(); l += 0.001) {
    EXPECT_GE(c.active_force_length(l), 0.0) << l;
    EXPECT_LE(c.active_force_length(l), 1.0011) << l;
  }
  for (const Tissue& t : tissues) {
    const auto passive = [&](double l) { return c.passive_force_length(l, t.passive_strain, t.passive_shape); };
    EXPECT_NEAR(passive(1.0 + t.passive_strain), 1.0, 1e-12);
    EXPECT_NEAR(c.tendon_force(1.0 + t.tendon_strain, t.tendon_strain), 1.0, 1e-12);
    EXPECT_NEAR(c.tendon_force(1.0, t.tendon_strain), 0.0, 1e-15);
    EXPECT_GE(passive(TypeParam::least_length()), 0.0);
    for (double l = TypeParam::least_length(); l < 3.0; l += 0.001) EXPECT_LE(passive(l), passive(l + 0.001)) << l;
  }
}

TYPED_TEST(CurveLaws, InversesInvert) {
  const TypeParam c;
  for (const double activation : {0.0, 0.05, 0.5, 1.0}) {
    for (double v = -1.5; v <= 3.0; v += 0.01) {
      const Jet2<double> f = c.force_velocity_jet(v, activation);
      if (f.slope == 0.0) continue;  // a plateau has no inverse
      const double found = c.inverse_force_velocity(f.value, activation);
      // Force is known to a rounding, so velocity to that over the slope.
      EXPECT_NEAR(found, v, f.slope > 1e-3 ? 1e-12 : 2e-15 / f.slope) << v << " activation " << activation;
      EXPECT_NEAR(c.force_velocity(found, activation), f.value, 1e-14) << v << " activation " << activation;
    }
    double before = -inf;
    for (double f = -0.5; f < 3.0; f += 0.01) {
      const double v = c.inverse_force_velocity(f, activation);
      EXPECT_GT(v, before) << f;
      before = v;
    }
    EXPECT_NEAR(c.inverse_force_velocity(1.0, activation), 0.0, 1e-14);
    for (const double f : {0.4, 1.2}) {
      const Dual<4> v = c.inverse_force_velocity(Dual<4>(f, 3), activation);
      EXPECT_NEAR(v.v[3] * c.force_velocity_jet(v.a, activation).slope, 1.0, 1e-12);
    }
  }
  for (const Tissue& t : tissues)
    for (double f = 0.01; f < 300.0; f = f < 1.0 ? f + 0.01 : 1.1 * f) {
      const double length = c.inverse_tendon_force(f, t.tendon_strain);
      EXPECT_NEAR(c.tendon_force(length, t.tendon_strain), f, 1e-11 * (1.0 + f)) << f;
      const Dual<4> dual = c.inverse_tendon_force(Dual<4>(f, 1), t.tendon_strain);
      EXPECT_NEAR(dual.v[1] * c.tendon_force_jet(length, t.tendon_strain).slope, 1.0, 1e-11) << f;
    }
  EXPECT_NEAR(c.inverse_tendon_force(0.0, 0.049), 1.0, 1e-14);
}

TYPED_TEST(CurveLaws, ActivationTravelsAlongForceOverVelocity) {
  const TypeParam c;
  for (const double a : {0.1, 0.6})
    for (const double v : {-1.2, -0.4, -0.05, 0.05, 0.3, 2.0}) {
      const double h = 1e-6;
      const Dual<4> f = c.force_velocity(Dual<4>(v), Dual<4>(a, 0));
      EXPECT_NEAR(f.v[0], (c.force_velocity(v, a + h) - c.force_velocity(v, a - h)) / (2.0 * h), 1e-8) << v;
      const Dual<4> w = c.inverse_force_velocity(Dual<4>(f.a), Dual<4>(a, 0));
      if (const double slope = c.force_velocity_jet(v, a).slope; slope > 0.0) {
        EXPECT_NEAR(w.v[0], -f.v[0] / slope, 1e-9) << v;
      }
    }
}

TYPED_TEST(CurveLaws, FiniteEverywhere) {
  // Far outside its domain a law may be useless, but it is a number, and so is its slope.
  for (const Tissue& tissue : tissues)
    for (const Law& law : laws(TypeParam{}, tissue))
      for (double x : {-1e6, -100.0, -3.0, -2.565, -1.0, 0.0, 0.1494687070, 0.1494687071, 0.15, 2.0, 5.0, 100.0, 1e6}) {
        SCOPED_TRACE(law.name + " at " + std::to_string(x));
        const Jet2<double> jet = law.jet(x);
        const Dual<4> dual = law.dual(Dual<4>(x, 0));
        EXPECT_TRUE(std::isfinite(jet.value) && std::isfinite(jet.slope) && std::isfinite(jet.curvature));
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
  EXPECT_LT(std::abs(work), (TypeParam::continuity == smooth ? 1e-12 : 1e-9) * sum);  // the rule meets joints
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

TEST(ThelenCurve, ValuesOfThePapersEquations) {
  const Thelen c;
  EXPECT_NEAR(c.active_force_length(1.3), std::exp(-0.09 / 0.45), 1e-15);
  // Thelen 2003, eq. 6: v = (0.25 + 0.75 a) (F - a fL) / b, at a = 0.4 and fL = 1.
  const double A = 0.55, a = 0.4;
  const auto velocity = [&](double F) {
    return A * (F - a) / (F <= a ? a + F / 0.25 : (2.0 + 2.0 / 0.25) * (a * 1.4 - F) / 0.4);
  };
  for (const double F : {0.02, 0.2, 0.39, 0.41, 0.5, 0.531}) {
    EXPECT_NEAR(c.inverse_force_velocity(F / a, a), velocity(F), 1e-14);
    EXPECT_NEAR(a * c.force_velocity(velocity(F), a), F, 1e-14);
  }
  // Twice as steep when lengthening.
  EXPECT_NEAR(c.force_velocity_jet(1e-12, 1.0).slope / c.force_velocity_jet(0.0, 1.0).slope, 2.0, 1e-9);
  // Table 3 of the paper: the toe ends at 0.609 of the strain at F0, the line has the slope 1.712 / strain.
  EXPECT_NEAR(c.tendon_force(1.0 + 0.609 * 0.033, 0.033), 0.33, 1e-3);
  EXPECT_NEAR(c.tendon_force_jet(1.04, 0.033).slope * 0.033, 1.712, 3e-3);
  EXPECT_EQ(c.tendon_force(0.99, 0.033), 0.0);
  EXPECT_EQ(c.passive_force_length(1.0, 0.6, 5.0), 0.0);
  EXPECT_NEAR(c.passive_force_length(1.3, 0.6, 5.0), (std::exp(2.5) - 1.0) / (std::exp(5.0) - 1.0), 1e-15);
}

TEST(ThelenCurve, RefusesALineBelowIsometricForce) {
  Thelen c;
  EXPECT_TRUE(c.fault().empty());
  c.eccentric_linear = 0.7;
  EXPECT_NE(c.fault().find("eccentric_linear * eccentric_force > 1"), std::string::npos);
}

}  // namespace
}  // namespace psoas
