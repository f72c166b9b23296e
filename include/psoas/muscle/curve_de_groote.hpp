// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The curve set of De Groote, Kinney, Rao & Fregly 2016: smooth. See curve.hpp for what a set is and how it is used.
#pragma once

#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>

#include "psoas/core/dual.hpp"
#include "psoas/core/function.hpp"
#include "psoas/core/kind.hpp"
#include "psoas/core/portable.hpp"
#include "psoas/muscle/growth.hpp"

namespace psoas {

/// The order of continuity of a curve set that has all derivatives inside its domain.
inline constexpr int smooth = std::numeric_limits<int>::max();

/// De Groote, Kinney, Rao & Fregly 2016 (Ann Biomed Eng 44:2922), with the constants that OpenSim 4
/// (DeGrooteFregly2016Muscle) uses: active force 1 at optimal length and at rest, passive curve shifted to be 0 at 0.2,
/// tendon c2 = 1 and c3 = 0.2 (the paper: 0.995 and 0.25) so that it is 0 at slack length. Every law has
/// all derivatives at fibre lengths from 0.2 to 1.8 and at any velocity; passive and tendon force above 100 go on along
/// their tangent, so that nothing overflows.
struct DeGrooteFregly {
  static constexpr std::string_view name = "de_groote_fregly", help = "De Groote & Fregly 2016, smooth";
  /// How often each law can be differentiated.
  static constexpr int continuity = smooth;
  /// Normalised fibre lengths inside which the laws are meant to be used [-].
  static constexpr double least_length() { return 0.2; }
  static constexpr double greatest_length() { return 1.8; }

  double active_width = 1.0;
  static void each(auto& self, auto&& see) {
    see("active_width", self.active_width, Info{"1", "widens the active force-length curve about 1", 0.5, 3});
  }

  /// Active force over fibre length, isometric and fully active: the sum of three bells
  ///     b1 exp(-((x - b2) / (b3 + b4 x))^2 / 2),   x = 1 + (norm_length - 1) / active_width.
  /// In (0, 1.0011]: 1 at 1, its peak at 1.0133 for active_width 1.
  template <class S>
  S active_force_length(const S& norm_length) const {
    return active_force_length_jet(norm_length).value;
  }
  template <class S>
  Jet2<S> active_force_length_jet(const S& norm_length) const {
    using portable::exp;
    const S x = (norm_length - 1.0) / active_width + 1.0;
    Jet2<S> sum{S(0.0), S(0.0), S(0.0)};
    for (const Bell& b : bells) {
      const S width = b.b3 + b.b4 * x;
      if (vanishes(b, value_of(x), value_of(width))) continue;
      const S z = (x - b.b2) / width, bell = b.b1 * exp(-0.5 * (z * z));
      const S dz = (b.b3 + b.b4 * b.b2) / (width * width * active_width), zdz = z * dz;
      sum.value += bell;
      sum.slope -= bell * zdz;
      sum.curvature += bell * (zdz * zdz - dz * dz + 2.0 * b.b4 * zdz / (width * active_width));
    }
    return sum;
  }

  /// Active force over fibre velocity, as a factor: d1 asinh(d2 norm_velocity + d3) + d4. Increasing without bound;
  /// 0 at -1, 1 at 0, 1.79 at 1; below -1 it is negative, where the muscle-tendon unit takes 0. The same at any
  /// activation.
  template <class S>
  S force_velocity(const S& norm_velocity, const std::type_identity_t<S>& activation) const {
    return force_velocity_jet(norm_velocity, activation).value;
  }
  template <class S>
  Jet2<S> force_velocity_jet(const S& norm_velocity, const std::type_identity_t<S>&) const {
    using std::sqrt;
    const S x = d2 * norm_velocity + d3, root = sqrt(x * x + 1.0), slope = d1 * d2 / root;
    return {d1 * inverse_sinh(x) + d4, slope, -d2 * x * slope / (root * root)};
  }
  /// The normalised velocity at which the factor is `force`, any real.
  template <class S>
  S inverse_force_velocity(const S& force, const std::type_identity_t<S>&) const {
    using portable::exp;
    const S e = exp((force - d4) / d1);
    return (0.5 * (e - 1.0 / e) - d3) / d2;
  }

  /// Passive force over fibre length, for a passive strain e (where it is 1) and an exponential shape k:
  ///     (exp(k (norm_length - 1) / e) - o) / (exp(k) - o),   o = exp(k (0.2 - 1) / e),
  /// OpenSim's form, whose offset o makes it 0 at 0.2 where the paper has 0 at 1. So it is > 0 between 0.2 and 1
  /// (0.018 at 1 for e = 0.6, k = 4), and slightly negative below 0.2, where the muscle-tendon unit takes 0.
  template <class S>
  S passive_force_length(const S& norm_length, double passive_strain, double passive_shape) const {
    return passive_force_length_jet(norm_length, passive_strain, passive_shape).value;
  }
  template <class S>
  Jet2<S> passive_force_length_jet(const S& norm_length, double passive_strain, double passive_shape) const {
    const double rate = passive_shape / passive_strain, offset = portable::exp(rate * (least_length() - 1.0));
    const double unit = portable::exp(passive_shape) - offset;
    const Jet2<S> g = growth(S(rate * (norm_length - 1.0)), passive_shape + greatest_growth);
    return {(g.value - offset) / unit, rate * g.slope / unit, rate * rate * g.curvature / unit};
  }
  /// Its integral over norm_length from 0.2 on; 0 below.
  template <class S>
  S passive_energy(const S& norm_length, double passive_strain, double passive_shape) const {
    if (!(value_of(norm_length) > least_length())) return S(0.0);
    const double rate = passive_shape / passive_strain, offset = portable::exp(rate * (least_length() - 1.0));
    const S area = growth_integral(S(rate * (norm_length - 1.0)), passive_shape + greatest_growth) - offset;
    return (area / rate - offset * (norm_length - least_length())) / (portable::exp(passive_shape) - offset);
  }

  /// Tendon force over tendon length, for a tendon strain (where it is 1):
  ///     c1 exp(kT (norm_tendon_length - c2)) - c3,   kT = ln((1 + c3) / c1) / tendon_strain.
  /// 0 at slack length; a shorter tendon would push (down to -0.2), where the muscle-tendon unit takes 0.
  template <class S>
  S tendon_force(const S& norm_tendon_length, double tendon_strain) const {
    return tendon_force_jet(norm_tendon_length, tendon_strain).value;
  }
  template <class S>
  Jet2<S> tendon_force_jet(const S& norm_tendon_length, double tendon_strain) const {
    const double rate = tendon_rate(tendon_strain);
    const Jet2<S> g = growth(S(rate * (norm_tendon_length - c2)), tendon_cut);
    return {c1 * g.value - c3, c1 * rate * g.slope, c1 * rate * rate * g.curvature};
  }
  /// The normalised tendon length at which the tendon carries `force` > -0.2.
  template <class S>
  S inverse_tendon_force(const S& force, double tendon_strain) const {
    using portable::log;
    const double rate = tendon_rate(tendon_strain);
    const S g = (force + c3) / c1;
    const double top = portable::exp(tendon_cut);
    if (value_of(g) > top) return (g / top - 1.0 + tendon_cut) / rate + c2;
    return log(g) / rate + c2;
  }
  /// The integral of tendon force over norm_tendon_length from slack length on; 0 below.
  template <class S>
  S tendon_energy(const S& norm_tendon_length, double tendon_strain) const {
    if (!(value_of(norm_tendon_length) > 1.0)) return S(0.0);
    const double rate = tendon_rate(tendon_strain);
    const S area = growth_integral(S(rate * (norm_tendon_length - c2)), tendon_cut) - 1.0;
    return c1 * area / rate - c3 * (norm_tendon_length - 1.0);
  }

  // The constants, for whoever evaluates the laws in another way.
  struct Bell {
    double b1, b2, b3, b4;
  };
  static constexpr Bell bells[3] = {{0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465},
                                    {0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188},
                                    {0.1, 1.0, 0.353553390593274, 0.0}};
  static constexpr double d1 = -0.3211346127989808, d2 = -8.149, d3 = -0.374, d4 = 0.8825327733249912;
  static constexpr double c1 = 0.2, c2 = 1.0, c3 = 0.2;

  static constexpr double tendon_cut = 6.216606101084865;     // ln((100 + c3) / c1)
  static constexpr double tendon_growth = 1.791759469228055;  // ln((1 + c3) / c1)

 private:
  static double tendon_rate(double tendon_strain) { return tendon_growth / tendon_strain; }

  // A bell is below the least double where |z| > 38; its width may be 0 there (at 0.149 for the second one).
  static bool vanishes(const Bell& b, double x, double width) { return std::abs(x - b.b2) > 38.0 * std::abs(width); }

  // ln(x + sqrt(x^2 + 1)), odd without cancellation.
  template <class S>
  static S inverse_sinh(const S& x) {
    using portable::log;
    using std::sqrt;
    const S size = value_of(x) < 0.0 ? S(-x) : x;
    const S y = log(size + sqrt(size * size + 1.0));
    return value_of(x) < 0.0 ? S(-y) : y;
  }
};

}  // namespace psoas
