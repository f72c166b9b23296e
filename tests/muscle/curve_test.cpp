// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws that every curve set obeys; a new set is tested by being listed in the variant.
#include "psoas/muscle/curve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "support/greatest.hpp"
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
  test::Greatest slopes("slopes against dual numbers, relative"),
      curvatures("curvatures against dual numbers, relative");
  for (const Tissue& tissue : tissues)
    for (const Law& law : laws(compile(TypeParam{}), tissue))
      for (int i = 1; i < 200; ++i) {
        const double span = law.high - law.low, x = law.low + span * i / 200.0;
        SCOPED_TRACE(law.name + " at " + std::to_string(x));
        const Dual<4> dual = law.dual(Dual<4>(x, 2));
        const Jet2<double> jet = law.jet(x);
        const double scale = 1.0 + std::abs(jet.slope);
        EXPECT_EQ(dual.a, law.value(x));
        EXPECT_NEAR(jet.value, law.value(x), 1e-14 * (1.0 + std::abs(jet.value)));
        EXPECT_NEAR(dual.v[2], jet.slope, 1e-12 * scale);
        slopes.see((dual.v[2] - jet.slope) / scale);
        EXPECT_EQ(dual.v[0], 0.0);
        // The curvature is the slope's derivative.
        const Jet2<Dual<4>> dual_jet = law.dual_jet(Dual<4>(x, 2));
        EXPECT_EQ(dual_jet.slope.a, jet.slope);
        EXPECT_EQ(dual_jet.curvature.a, jet.curvature);
        EXPECT_NEAR(dual_jet.slope.v[2], jet.curvature, 1e-12 * (scale + std::abs(jet.curvature)));
        curvatures.see((dual_jet.slope.v[2] - jet.curvature) / (scale + std::abs(jet.curvature)));
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
  const auto c = compile(TypeParam{});
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
    for (const Law& law : laws(compile(TypeParam{}), tissue)) {
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
  const auto c = compile(TypeParam{});
  EXPECT_NEAR(c.active_force_length(1.0), 1.0, 1e-12);
  EXPECT_NEAR(c.force_velocity(-1.0, 1.0), 0.0, 1e-12);
  for (const double activation : {0.0, 0.05, 0.5, 1.0}) {
    EXPECT_NEAR(c.force_velocity(0.0, activation), 1.0, 1e-12);
    EXPECT_GT(c.force_velocity(0.5, activation), 1.2);
    double before = c.force_velocity(-3.0, activation);
    for (double v = -2.99; v < 3.0; v += 0.01) {
      const double now = c.force_velocity(v, activation);
      EXPECT_GE(now, before - 1e-14) << v;  // plateaus are level to rounding
      if (std::abs(v) < 0.98) {             // a set may end in plateaus
        EXPECT_GT(now, before) << v;
      }
      before = now;
    }
  }
  for (double l = c.least_length(); l <= c.greatest_length(); l += 0.001) {
    EXPECT_GE(c.active_force_length(l), 0.0) << l;
    EXPECT_LE(c.active_force_length(l), 1.0011) << l;
  }
  for (const Tissue& t : tissues) {
    const auto passive = [&](double l) { return c.passive_force_length(l, t.passive_strain, t.passive_shape); };
    EXPECT_NEAR(passive(1.0 + t.passive_strain), 1.0, 1e-12);
    EXPECT_NEAR(c.tendon_force(1.0 + t.tendon_strain, t.tendon_strain), 1.0, 1e-12);
    EXPECT_NEAR(c.tendon_force(1.0, t.tendon_strain), 0.0, 1e-15);
    EXPECT_GE(passive(c.least_length()), 0.0);
    for (double l = c.least_length(); l < 3.0; l += 0.001) EXPECT_LE(passive(l), passive(l + 0.001)) << l;
  }
}

TYPED_TEST(CurveLaws, InversesInvert) {
  const auto c = compile(TypeParam{});
  test::Greatest inverse("inverse of force-velocity where its slope is above 0.001");
  for (const double activation : {0.0, 0.05, 0.5, 1.0}) {
    for (double v = -1.5; v <= 3.0; v += 0.01) {
      const Jet2<double> f = c.force_velocity_jet(v, activation);
      if (f.slope == 0.0) continue;  // a plateau has no inverse
      const double found = c.inverse_force_velocity(f.value, activation);
      // Force is known to a rounding, so velocity to that over the slope.
      EXPECT_NEAR(found, v, f.slope > 1e-3 ? 1e-12 : 2e-15 / f.slope) << v << " activation " << activation;
      if (f.slope > 1e-3) inverse.see(found - v);
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
  const auto c = compile(TypeParam{});
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
    for (const Law& law : laws(compile(TypeParam{}), tissue))
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
  const auto c = compile(TypeParam{});
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

TYPED_TEST(CurveLaws, RandomFieldsGiveCurvesOrAFault) {
  // Fields near their defaults and anywhere in their ranges. What passes fault() is finite, and does not fall with length
  // or velocity where it should not.
  std::mt19937 engine(2013);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * (static_cast<double>(engine()) / 4294967296.0);
  };
  int good = 0;
  for (int n = 0; n < 4000; ++n) {
    TypeParam set;
    const double share = uniform(0.0, 1.0) < 0.5 ? 0.05 : 1.0;
    TypeParam::each(set, [&](std::string_view, double& field, const Info& info) {
      field = std::clamp(field + share * (uniform(info.low, info.high) - field), info.low, info.high);
    });
    if constexpr (requires { set.fault(); })
      if (!set.fault().empty()) continue;
    ++good;
    const auto c = compile(set);
    double before[3] = {-inf, -inf, -inf};
    for (double x = -1.2; x < 1.2; x += 0.02) {
      const double now[3] = {c.force_velocity(x, 0.5), c.passive_force_length(1.0 + x, 0.6, 4.0),
                             c.tendon_force(1.0 + 0.05 * x, 0.05)};
      for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(std::isfinite(now[i]));
        ASSERT_GE(now[i], before[i] - 1e-13) << "law " << i << " at " << x << ", case " << n;
        before[i] = now[i];
      }
      const Jet2<double> active = c.active_force_length_jet(1.0 + x);
      ASSERT_TRUE(std::isfinite(active.value) && std::isfinite(active.slope) && std::isfinite(active.curvature));
      ASSERT_GE(active.value, -1e-14) << "at " << x << ", case " << n;
      ASSERT_LE(active.value, 1.01) << "at " << x << ", case " << n;
      ASSERT_NEAR(c.tendon_force(c.inverse_tendon_force(1.2 + x, 0.05), 0.05), 1.2 + x, 1e-11);
    }
  }
  EXPECT_GT(good, 200);
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

TEST(MillardCurve, PassesThroughItsControls) {
  Millard m;
  m.shortest_length = 0.4441, m.transition_length = 0.73, m.longest_length = 1.8123, m.shallow_slope = 0.8616;
  m.least_active_force = 0.1;
  const MillardLaws c(m);
  EXPECT_EQ(c.active_force_length(1.0), 1.0);
  EXPECT_EQ(c.active_force_length(0.4441), 0.1);
  EXPECT_EQ(c.active_force_length(0.3), 0.1);
  EXPECT_NEAR(c.active_force_length(1.8123), 0.1, 1e-15);
  EXPECT_EQ(c.active_force_length(2.0), 0.1);
  // half way up the steep line and half way along the shallow one
  const double y1 = 1.0 - 0.8616 * (0.95 - 0.73);
  EXPECT_NEAR(c.active_force_length(0.5 * (0.4441 + 0.73)), 0.5 * y1, 1e-15);
  EXPECT_NEAR(c.active_force_length_jet(0.5 * (0.4441 + 0.73)).slope, 1.25 * y1 / (0.73 - 0.4441), 1e-12);
  EXPECT_NEAR(c.active_force_length_jet(0.5 * (0.73 + 0.95)).slope, 0.8616, 1e-13);
  EXPECT_NEAR(c.active_force_length_jet(1.0).slope, 0.0, 1e-14);

  EXPECT_EQ(c.force_velocity(0.0, 1.0), 1.0);
  EXPECT_EQ(c.force_velocity(-1.0, 1.0), 0.0);
  EXPECT_NEAR(c.force_velocity(1.0, 1.0), 1.4, 1e-15);
  EXPECT_NEAR(c.force_velocity(-0.9, 1.0), 0.0125, 1e-15);
  EXPECT_NEAR(c.force_velocity(0.9, 1.0), 1.4 - 0.0075, 1e-15);
  EXPECT_NEAR(c.force_velocity_jet(0.0, 1.0).slope, 5.0, 1e-13);
  EXPECT_NEAR(c.force_velocity_jet(-0.9, 1.0).slope, 0.25, 1e-13);
  EXPECT_NEAR(c.force_velocity_jet(0.9, 1.0).slope, 0.15, 1e-13);
  EXPECT_EQ(c.force_velocity_jet(-1.0, 1.0).slope, 0.0);

  EXPECT_NEAR(c.passive_force_length_jet(1.7, 0.7, 0.0).slope, 2.0 / 0.7, 1e-12);
  EXPECT_NEAR(c.passive_force_length_jet(1.0 + 0.05 * 0.7, 0.7, 0.0).slope, 0.2, 1e-12);  // OpenSim's at strain 0.7
  EXPECT_EQ(c.passive_force_length(1.0, 0.7, 0.0), 0.0);
  EXPECT_NEAR(c.tendon_force_jet(1.049, 0.049).slope, 1.375 / 0.049, 1e-11);
  EXPECT_NEAR(c.tendon_force(1.0 + 0.049 * (1.0 - 1.0 / 3.0 / 1.375), 0.049), 2.0 / 3.0, 1e-13);
}

TEST(MillardCurve, AnotherStrainStretchesTheCurves) {
  const MillardLaws c;
  for (double x = 0.0; x < 1.3; x += 0.01) {
    EXPECT_NEAR(c.passive_force_length(1.0 + 0.6 * x, 0.6, 4.0), c.passive_force_length(1.0 + 0.3 * x, 0.3, 4.0),
                1e-12);
    EXPECT_NEAR(c.tendon_force(1.0 + 0.05 * x, 0.05), c.tendon_force(1.0 + 0.1 * x, 0.1), 1e-12);
  }
}

TEST(MillardCurve, MonotoneWhereItShouldBe) {
  const MillardLaws c;
  const double l0 = c.least_length(), l3 = c.greatest_length();
  for (int i = 0; i < 4000; ++i) {
    const double up = l0 + (1.0 - l0) * (i + 0.5) / 4000, down = 1.0 + (l3 - 1.0) * (i + 0.5) / 4000;
    EXPECT_GT(c.active_force_length_jet(up).slope, 0.0) << up;
    EXPECT_LT(c.active_force_length_jet(down).slope, 0.0) << down;
    const double x = (i + 0.5) / 4000;
    EXPECT_GT(c.passive_force_length_jet(1.0 + 0.7 * x, 0.7, 4.0).slope, 0.0) << x;
    EXPECT_GT(c.passive_force_length_jet(1.0 + 0.7 * x, 0.7, 4.0).curvature, -1e-12) << x;
    EXPECT_GT(c.tendon_force_jet(1.0 + 0.049 * x, 0.049).slope, 0.0) << x;
    EXPECT_GT(c.force_velocity_jet(2.0 * x - 1.0, 1.0).slope, 0.0) << x;
  }
}

TEST(MillardCurve, EveryJointIsTwiceContinuous) {
  const MillardLaws c;
  const auto check = [](auto jet, std::vector<double> joints) {
    for (const double x : joints) {
      const Jet2<double> before = jet(std::nextafter(x, -10.0)), after = jet(std::nextafter(x, 10.0));
      EXPECT_NEAR(before.value, after.value, 1e-14) << x;
      EXPECT_NEAR(before.slope, after.slope, 1e-10 * (1.0 + std::abs(after.slope))) << x;
      // no curvature at a joint; it grows from there as the square root of the distance at most
      EXPECT_NEAR(before.curvature, 0.0, 1e-4 * (1.0 + std::abs(after.slope))) << x;
      EXPECT_NEAR(after.curvature, 0.0, 1e-4 * (1.0 + std::abs(after.slope))) << x;
    }
  };
  const Millard m;
  check([&](double x) { return c.active_force_length_jet(x); },
        {m.shortest_length, 0.5 * (m.shortest_length + m.transition_length), 0.5 * (m.transition_length + 0.95), 1.0,
         0.5 * (1.05 + m.longest_length), m.longest_length});
  check([&](double x) { return c.force_velocity_jet(x, 1.0); }, {-1.0, -0.9, 0.0, 0.9, 1.0});
  check([&](double x) { return c.passive_force_length_jet(x, 0.7, 4.0); }, {1.0, 1.0 + 0.05 * 0.7, 1.7});
  const double bend = 1.0 - (2.0 / 3.0) / 1.375, toe = 1.0 - (1.0 / 3.0) / 1.375, middle = 0.5 * (0.1 * toe + bend);
  check([&](double x) { return c.tendon_force_jet(1.0 + 0.049 * x, 0.049); }, {0.0, middle, toe});
}

TEST(MillardCurve, OtherControlsGiveCurvesToo) {
  // What published models write, and extremes of the fields.
  std::vector<Millard> sets(5);
  sets[0].shortest_length = 0.25, sets[0].transition_length = 0.77, sets[0].longest_length = 1.9;
  sets[0].shallow_slope = 0.75;
  for (const double curviness : {0.0, 1.0}) {
    Millard& m = sets[curviness > 0.5 ? 1 : 2];
    m.concentric_curviness = m.eccentric_curviness = m.passive_curviness = m.tendon_curviness = curviness;
  }
  sets[3].concentric_slope_at_vmax = 0.1, sets[3].eccentric_slope_at_vmax = 0.1, sets[3].least_active_force = 0.1;
  sets[4].passive_onset = -0.4, sets[4].passive_stiffness = 4.0, sets[4].shallow_slope = 0.0;
  sets[4].tendon_stiffness = 1.1, sets[4].tendon_toe_force = 0.9;
  for (const Millard& m : sets) {
    ASSERT_EQ(m.fault(), "");
    const MillardLaws c(m);
    for (int i = 0; i <= 1000; ++i) {
      const double x = i / 1000.0, l = c.least_length() + x * (c.greatest_length() - c.least_length());
      const Dual<1> active = c.active_force_length(Dual<1>(l, 0));
      EXPECT_NEAR(active.v[0], c.active_force_length_jet(l).slope, 1e-11 * (1.0 + std::abs(active.v[0])));
      EXPECT_GE(active.a, -1e-15);
      EXPECT_LE(active.a, 1.0 + 1e-15);
      EXPECT_GE(c.force_velocity_jet(2.0 * x - 1.0, 1.0).slope, 0.0);
      EXPECT_GE(c.passive_force_length_jet(1.0 + x, 0.6, 4.0).slope, 0.0);
      EXPECT_NEAR(c.tendon_force(c.inverse_tendon_force(1.5 * x, 0.05), 0.05), 1.5 * x, 1e-12);
      const double f = c.force_velocity(2.0 * x - 1.0, 1.0);
      EXPECT_NEAR(c.force_velocity(c.inverse_force_velocity(f, 1.0), 1.0), f, 1e-14);
    }
  }
}

TEST(MillardCurve, ImpossibleControlsAreRefusedWithAReason) {
  const auto fault = [](auto change) {
    Millard m;
    change(m);
    const std::string text = m.fault();
    EXPECT_THROW(MillardLaws{m}, Error) << text;
    return text;
  };
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << "\"" << text << "\" has no \"" << part << "\"";
  };
  EXPECT_EQ(Millard{}.fault(), "");
  has(fault([](Millard& m) { m.shortest_length = 0.8; }), "shortest_length < transition_length");
  has(fault([](Millard& m) { m.transition_length = 0.97; }), "transition_length < 0.95");
  has(fault([](Millard& m) { m.longest_length = 1.05; }), "longest_length > 1.1");
  has(fault([](Millard& m) { m.shallow_slope = 5.0; }), "shallow_slope");
  has(fault([](Millard& m) { m.concentric_slope_at_vmax = 0.3; }), "concentric_slope_at_vmax");
  has(fault([](Millard& m) { m.eccentric_slope_at_vmax = 0.2; }), "eccentric_slope_at_vmax");
  has(fault([](Millard& m) { m.eccentric_force = 1.1; }), "eccentric_slope_near_vmax");
  has(fault([](Millard& m) { m.eccentric_force = 4.0, m.isometric_slope = 2.5; }), "isometric_slope");
}

TEST(BezierFunction, OfALineIsTheLine) {
  const BezierFunction<1> line({{{1.0, 2.0, 0.5}, {3.0, 3.0, 0.5}}}, 0.7);
  EXPECT_TRUE(line.valid());
  for (double x = 0.0; x < 4.0; x += 0.1) {
    EXPECT_NEAR(line.jet(x).value, 2.0 + 0.5 * (x - 1.0), 1e-14);
    EXPECT_NEAR(line.jet(x).slope, 0.5, 1e-14);
  }
  EXPECT_NEAR(line.integral(3.0), 5.0, 1e-13);
  EXPECT_NEAR(line.integral(4.0), 5.0 + 3.25, 1e-13);
}

TEST(BezierFunction, SaysWhenTangentsDoNotMeetBetweenThePoints) {
  EXPECT_FALSE(BezierFunction<1>({{{0.0, 0.0, 0.0}, {1.0, 1.0, 0.0}}}, 0.5).valid());  // parallel, not one line
  EXPECT_FALSE(BezierFunction<1>({{{0.0, 0.0, 0.5}, {1.0, 1.0, 0.6}}}, 0.5).valid());  // both below the chord
  EXPECT_TRUE(BezierFunction<1>({{{0.0, 0.0, 0.5}, {1.0, 1.0, 2.0}}}, 0.5).valid());
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
