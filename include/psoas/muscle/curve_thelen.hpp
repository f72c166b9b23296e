// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The curve set of Thelen 2003: kinked where fibres and tendon begin to carry force and where fibres stand still. See
// curve.hpp for what a set is and how it is used.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

#include "psoas/core/dual.hpp"
#include "psoas/core/function.hpp"
#include "psoas/core/kind.hpp"
#include "psoas/core/portable.hpp"
#include "psoas/muscle/growth.hpp"

namespace psoas {

/// Thelen 2003 (J Biomech Eng 125:70) with the constants and continuations of OpenSim 4 (Thelen2003Muscle). Its
/// velocities grow with activation, so its active force is not linear in activation; see force_velocity(). Passive force
/// above 100 goes on along its tangent.
struct Thelen {
  static constexpr std::string_view name = "thelen", help = "Thelen 2003, kinked at rest and at slack length";
  /// How often each law can be differentiated.
  static constexpr int continuity = 0;
  /// Normalised fibre lengths inside which the laws are meant to be used [-].
  static constexpr double least_length() { return 0.2; }
  static constexpr double greatest_length() { return 1.8; }

  double active_shape = 0.45, velocity_shape = 0.25, eccentric_force = 1.4, eccentric_linear = 0.95;
  static void each(auto& self, auto&& see) {
    see("active_shape", self.active_shape, Info{"1", "gamma: active force is exp(-(l / l0 - 1)^2 / this)", 0.01, 10});
    see("velocity_shape", self.velocity_shape, Info{"1", "Af, shape of force over shortening velocity", 0.01, 10});
    see("eccentric_force", self.eccentric_force,
        Info{"1", "limit of active force at fast lengthening, in isometric force", 1.01, 5});
    see("eccentric_linear", self.eccentric_linear,
        Info{"1", "share of eccentric_force above which force grows linearly with velocity", 0.2, 0.99});
  }
  std::string fault() const {
    return eccentric_linear * eccentric_force > 1.0
               ? ""
               : "expected eccentric_linear * eccentric_force > 1, the isometric force: the curve turns into its line "
                 "where fibres lengthen";
  }

  /// Active force over fibre length, isometric and fully active: exp(-(norm_length - 1)^2 / active_shape).
  template <class S>
  S active_force_length(const S& norm_length) const {
    return active_force_length_jet(norm_length).value;
  }
  template <class S>
  Jet2<S> active_force_length_jet(const S& norm_length) const {
    using portable::exp;
    const S d = norm_length - 1.0, f = exp(-(d * d) / active_shape), rate = -2.0 * d / active_shape;
    return {f, f * rate, f * (rate * rate - 2.0 / active_shape)};
  }

  /// Active force over fibre velocity at an activation, as a factor on a fL. With A = 0.25 + 0.75 activation and
  /// c = (2 + 2 / Af) / (Flen - 1), where Af is velocity_shape and Flen eccentric_force:
  ///     shortening (A + v) / (A - v / Af),   lengthening (A + c Flen v) / (A + c v)
  /// (Thelen 2003, eqs. 6 and 7, solved for force). 0 at -A, 1 at 0; along the tangent below -A, where the
  /// muscle-tendon unit takes 0, and from eccentric_linear * Flen on.
  template <class S>
  S force_velocity(const S& norm_velocity, const std::type_identity_t<S>& activation) const {
    return force_velocity_jet(norm_velocity, activation).value;
  }
  template <class S>
  Jet2<S> force_velocity_jet(const S& norm_velocity, const std::type_identity_t<S>& activation) const {
    const S A = 0.25 + 0.75 * activation, &v = norm_velocity;
    if (value_of(v) <= value_of(S(-A))) {
      const S slope = 1.0 / (A * (1.0 + 1.0 / velocity_shape));
      return {slope * (v + A), slope, S(0.0)};
    }
    if (value_of(v) <= 0.0) {
      const S d = A - v / velocity_shape, slope = A * (1.0 + 1.0 / velocity_shape) / (d * d);
      return {(A + v) / d, slope, 2.0 / velocity_shape * slope / d};
    }
    const double c = steepness(), top = eccentric_linear * eccentric_force;
    const S v_top = A * ((top - 1.0) / (c * (eccentric_force - top)));
    const bool straight = value_of(v) >= value_of(v_top);
    const S d = A + c * (straight ? v_top : v), slope = c * (eccentric_force - 1.0) * A / (d * d);
    if (straight) return {top + slope * (v - v_top), slope, S(0.0)};
    return {(A + c * eccentric_force * v) / d, slope, -2.0 * c * slope / d};
  }
  /// The normalised velocity at which the factor is `force`, any real.
  template <class S>
  S inverse_force_velocity(const S& force, const std::type_identity_t<S>& activation) const {
    const S A = 0.25 + 0.75 * activation;
    if (value_of(force) <= 0.0) return A * ((1.0 + 1.0 / velocity_shape) * force - 1.0);
    if (value_of(force) <= 1.0) return A * (force - 1.0) / (1.0 + force / velocity_shape);
    const double c = steepness(), top = eccentric_linear * eccentric_force;
    if (value_of(force) < top) return A * (force - 1.0) / (c * (eccentric_force - force));
    const double room = eccentric_force - top;
    return A / c * ((top - 1.0) / room + (eccentric_force - 1.0) / (room * room) * (force - top));
  }

  /// Passive force over fibre length, for a passive strain e (where it is 1) and an exponential shape k:
  ///     (exp(k (norm_length - 1) / e) - 1) / (exp(k) - 1),   0 below 1.
  template <class S>
  S passive_force_length(const S& norm_length, double passive_strain, double passive_shape) const {
    return passive_force_length_jet(norm_length, passive_strain, passive_shape).value;
  }
  template <class S>
  Jet2<S> passive_force_length_jet(const S& norm_length, double passive_strain, double passive_shape) const {
    if (!(value_of(norm_length) > 1.0)) return {S(0.0), S(0.0), S(0.0)};
    const double rate = passive_shape / passive_strain, unit = portable::exp(passive_shape) - 1.0;
    const Jet2<S> g = growth(S(rate * (norm_length - 1.0)), passive_shape + greatest_growth);
    return {(g.value - 1.0) / unit, rate * g.slope / unit, rate * rate * g.curvature / unit};
  }
  /// Its integral over norm_length from 1 on; 0 below.
  template <class S>
  S passive_energy(const S& norm_length, double passive_strain, double passive_shape) const {
    if (!(value_of(norm_length) > 1.0)) return S(0.0);
    const double rate = passive_shape / passive_strain, unit = portable::exp(passive_shape) - 1.0;
    const S z = rate * (norm_length - 1.0);
    return (growth_integral(z, passive_shape + greatest_growth) - 1.0 - z) / (rate * unit);
  }

  /// Tendon force over tendon length, for a tendon strain e (where it is 1). With x the strain:
  ///     0.33 (exp(3 x / toe) - 1) / (exp(3) - 1)   up to toe = 99 e exp(3) / (166 exp(3) - 67), about 0.609 e,
  /// there with the slope of the line that follows; 0 below slack length.
  template <class S>
  S tendon_force(const S& norm_tendon_length, double tendon_strain) const {
    return tendon_force_jet(norm_tendon_length, tendon_strain).value;
  }
  template <class S>
  Jet2<S> tendon_force_jet(const S& norm_tendon_length, double tendon_strain) const {
    using portable::exp;
    const S x = norm_tendon_length - 1.0;
    const double toe = toe_share * tendon_strain, stiffness = (1.0 - toe_force) / (tendon_strain - toe);
    if (!(value_of(x) > 0.0)) return {S(0.0), S(0.0), S(0.0)};
    if (value_of(x) > toe) return {toe_force + stiffness * (x - toe), S(stiffness), S(0.0)};
    const double rate = toe_shape / toe;
    const S e = exp(rate * x);
    return {toe_unit * (e - 1.0), toe_unit * rate * e, toe_unit * rate * rate * e};
  }
  /// The normalised tendon length at which the tendon carries `force`, slack length where that is not above 0.
  template <class S>
  S inverse_tendon_force(const S& force, double tendon_strain) const {
    using portable::log;
    const double toe = toe_share * tendon_strain;
    if (!(value_of(force) > 0.0)) return S(1.0);
    if (value_of(force) > toe_force)
      return 1.0 + toe + (force - toe_force) * ((tendon_strain - toe) / (1.0 - toe_force));
    return 1.0 + toe / toe_shape * log(force / toe_unit + 1.0);
  }
  /// The integral of tendon force over norm_tendon_length from slack length on; 0 below.
  template <class S>
  S tendon_energy(const S& norm_tendon_length, double tendon_strain) const {
    using portable::exp;
    const S x = norm_tendon_length - 1.0;
    const double toe = toe_share * tendon_strain, stiffness = (1.0 - toe_force) / (tendon_strain - toe);
    if (!(value_of(x) > 0.0)) return S(0.0);
    const bool straight = value_of(x) > toe;
    const double rate = toe_shape / toe;
    const S in_toe = straight ? S(toe) : x, z = rate * in_toe, beyond = x - toe;
    const S curved = toe_unit * (exp(z) - 1.0 - z) / rate;
    return straight ? S(curved + beyond * (toe_force + 0.5 * stiffness * beyond)) : curved;
  }

 private:
  static constexpr double toe_force = 0.33, toe_shape = 3.0;
  static constexpr double exp_3 = 20.085536923187668;                         // exp(toe_shape)
  static constexpr double toe_share = 99.0 * exp_3 / (166.0 * exp_3 - 67.0);  // equal slopes at the toe's end
  static constexpr double toe_unit = toe_force / (exp_3 - 1.0);

  double steepness() const { return (2.0 + 2.0 / velocity_shape) / (eccentric_force - 1.0); }
};

}  // namespace psoas
