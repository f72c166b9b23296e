// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The curve set of Millard, Uchida, Seth & Delp 2013: quintic Béziers with controls that can be measured. See curve.hpp
// for what a set is and how it is used.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

#include "psoas/core/error.hpp"
#include "psoas/core/kind.hpp"
#include "psoas/muscle/bezier.hpp"

namespace psoas {

/// The controls of Millard et al. 2013 (J Biomech Eng 135:021005), with the defaults of OpenSim 4
/// (Millard2012EquilibriumMuscle) for its damped muscle. Strains where passive and tendon force are F0 are the muscle's
/// passive_strain and tendon_strain; stiffnesses here are multiples of the mean stiffness up to there, so that another
/// strain stretches the curve and keeps its shape.
struct Millard {
  static constexpr std::string_view name = "millard", help = "Millard et al. 2013, quintic Béziers";
  /// How often each law can be differentiated.
  static constexpr int continuity = 2;

  // active force over length
  double shortest_length = 0.4441, transition_length = 0.73, longest_length = 1.8123;
  double shallow_slope = 0.8616, least_active_force = 0.0;
  // force over velocity
  double concentric_slope_at_vmax = 0.0, concentric_slope_near_vmax = 0.25, isometric_slope = 5.0;
  double eccentric_slope_at_vmax = 0.0, eccentric_slope_near_vmax = 0.15, eccentric_force = 1.4;
  double concentric_curviness = 0.6, eccentric_curviness = 0.9;
  // passive force
  double passive_onset = 0.0, passive_low_stiffness = 0.14, passive_stiffness = 2.0, passive_curviness = 0.75;
  // tendon
  double tendon_stiffness = 1.375, tendon_toe_force = 2.0 / 3.0, tendon_curviness = 0.5;

  static void each(auto& self, auto&& see) {
    see("shortest_length", self.shortest_length,
        Info{"1", "fibre length at and below which active force is least, in optimal lengths", 0, 0.99});
    see("transition_length", self.transition_length,
        Info{"1", "where the steep part of the ascending limb meets the shallow one, in optimal lengths", 0, 0.99});
    see("longest_length", self.longest_length,
        Info{"1", "fibre length at and above which active force is least, in optimal lengths", 1.01, 5});
    see("shallow_slope", self.shallow_slope, Info{"1", "slope of the shallow ascending limb, F0 per l0", 0, 10});
    see("least_active_force", self.least_active_force,
        Info{"1", "active force of shortest and longest fibres, in F0; 0.1 in the undamped form of the paper", 0, 0.4});
    see("concentric_slope_at_vmax", self.concentric_slope_at_vmax,
        Info{"1", "slope of force over velocity at the greatest shortening velocity, F0 per vmax", 0, 0.99});
    see("concentric_slope_near_vmax", self.concentric_slope_near_vmax, Info{"1", "the same at 0.9 of it", 1e-6, 0.99});
    see("isometric_slope", self.isometric_slope,
        Info{"1", "slope of force over velocity at rest, F0 per vmax", 1.01, 1e3});
    see("eccentric_slope_at_vmax", self.eccentric_slope_at_vmax,
        Info{"1", "slope of force over velocity at lengthening with vmax, F0 per vmax", 0, 10});
    see("eccentric_slope_near_vmax", self.eccentric_slope_near_vmax, Info{"1", "the same at 0.9 vmax", 1e-6, 10});
    see("eccentric_force", self.eccentric_force,
        Info{"1", "active force at lengthening with vmax, in isometric force", 1.01, 5});
    see("concentric_curviness", self.concentric_curviness,
        Info{"1", "0 nearly straight, 1 nearly a corner: shortening", 0, 1});
    see("eccentric_curviness", self.eccentric_curviness, Info{"1", "the same: lengthening", 0, 1});
    see("passive_onset", self.passive_onset,
        Info{"1", "fibre strain at which passive force begins, in passive_strain", -10, 0.95});
    see("passive_low_stiffness", self.passive_low_stiffness,
        Info{"1", "stiffness at low passive force, in its mean from onset to F0", 1e-6, 0.999});
    see("passive_stiffness", self.passive_stiffness,
        Info{"1", "stiffness at passive force F0, in its mean from onset to F0", 1.001, 100});
    see("passive_curviness", self.passive_curviness, Info{"1", "0 nearly straight, 1 nearly a corner", 0, 1});
    see("tendon_stiffness", self.tendon_stiffness,
        Info{"1", "stiffness at tendon force F0, in its mean up to there", 1.001, 100});
    see("tendon_toe_force", self.tendon_toe_force,
        Info{"1", "tendon force at which its curve becomes a line, in F0", 0.01, 0.99});
    see("tendon_curviness", self.tendon_curviness, Info{"1", "0 nearly straight, 1 nearly a corner", 0, 1});
  }
  inline std::string fault() const;
};

/// The laws of a Millard set: its Béziers, computed once.
///
/// Active force, with the shoulder at 1 +- 0.05 and y the value at transition_length on the shallow line: through
/// (shortest, least), half way to (transition, y) with 1.25 times the slope of that chord, half way up the shallow line,
/// (1, 1), half way down to the longest length, (longest, least). Force over velocity: through -1, -0.9, 0, 0.9 and 1 in
/// vmax, where the values at +-0.9 follow from the mean of the slopes at and near vmax. Passive force: begins over a
/// tenth of the strain that a line of its greatest stiffness would take. Tendon: a toe whose first tangents meet at a
/// tenth of its length. (Millard et al. 2013, appendix; where the paper gives no figure, those of OpenSim 4.)
class MillardLaws {
 public:
  static constexpr std::string_view name = Millard::name;
  static constexpr int continuity = Millard::continuity;

  /// Throws Error(input) for controls that give no such curve; see Millard::fault().
  MillardLaws(const Millard& controls = {}) : MillardLaws(controls, 0) {  // NOLINT: a curve set is its laws
    if (const std::string fault = controls.fault(); !fault.empty()) throw Error(Kind::input, "millard", fault);
  }

  /// Normalised fibre lengths outside of which active force is at its least [-].
  double least_length() const { return active_.front().x; }
  double greatest_length() const { return active_.back().x; }

  /// Active force over fibre length, isometric and fully active. 1 at 1, its peak.
  template <class S>
  S active_force_length(const S& norm_length) const {
    return active_.jet(norm_length).value;
  }
  template <class S>
  Jet2<S> active_force_length_jet(const S& norm_length) const {
    return active_.jet(norm_length);
  }

  /// Active force over fibre velocity, as a factor. 0 at -1, 1 at 0, eccentric_force at 1; straight beyond, with the
  /// slopes at vmax: by default a plateau. The same at any activation.
  template <class S>
  S force_velocity(const S& norm_velocity, const std::type_identity_t<S>&) const {
    return velocity_.jet(norm_velocity).value;
  }
  template <class S>
  Jet2<S> force_velocity_jet(const S& norm_velocity, const std::type_identity_t<S>&) const {
    return velocity_.jet(norm_velocity);
  }
  /// The normalised velocity at which the factor is `force`. Beyond a plateau, where there is none, it goes on along
  /// half the slope near vmax, so that it is finite and increases.
  template <class S>
  S inverse_force_velocity(const S& force, const std::type_identity_t<S>&) const {
    if (value_of(force) < velocity_.front().y) return -1.0 + (force - velocity_.front().y) / concentric_slope_;
    if (value_of(force) > velocity_.back().y) return 1.0 + (force - velocity_.back().y) / eccentric_slope_;
    return velocity_.inverse(force);
  }

  /// Passive force over fibre length, for a passive strain (where it is 1). It has no exponential shape. 0 below its
  /// onset, straight above 1.
  template <class S>
  S passive_force_length(const S& norm_length, double passive_strain, double passive_shape) const {
    return passive_force_length_jet(norm_length, passive_strain, passive_shape).value;
  }
  template <class S>
  Jet2<S> passive_force_length_jet(const S& norm_length, double passive_strain, double) const {
    return stretched(passive_, norm_length, passive_strain);
  }
  /// Its integral over norm_length from its onset on; 0 below.
  template <class S>
  S passive_energy(const S& norm_length, double passive_strain, double) const {
    return passive_strain * passive_.integral(S((norm_length - 1.0) / passive_strain));
  }

  /// Tendon force over tendon length, for a tendon strain (where it is 1). 0 below slack length, straight from
  /// tendon_toe_force on.
  template <class S>
  S tendon_force(const S& norm_tendon_length, double tendon_strain) const {
    return tendon_force_jet(norm_tendon_length, tendon_strain).value;
  }
  template <class S>
  Jet2<S> tendon_force_jet(const S& norm_tendon_length, double tendon_strain) const {
    return stretched(tendon_, norm_tendon_length, tendon_strain);
  }
  /// The normalised tendon length at which the tendon carries `force`, slack length where that is not above 0.
  template <class S>
  S inverse_tendon_force(const S& force, double tendon_strain) const {
    const BezierPoint& toe = tendon_.back();
    if (!(value_of(force) > 0.0)) return S(1.0);
    if (value_of(force) >= toe.y) return 1.0 + tendon_strain * (toe.x + (force - toe.y) / toe.slope);
    return 1.0 + tendon_strain * tendon_.inverse(force);
  }
  /// The integral of tendon force over norm_tendon_length from slack length on; 0 below.
  template <class S>
  S tendon_energy(const S& norm_tendon_length, double tendon_strain) const {
    return tendon_strain * tendon_.integral(S((norm_tendon_length - 1.0) / tendon_strain));
  }

  /// The laws as functions: of fibre length, of fibre velocity, of strain in passive_strain, of strain in tendon_strain.
  const BezierFunction<5>& active_function() const { return active_; }
  const BezierFunction<4>& velocity_function() const { return velocity_; }
  const BezierFunction<2>& passive_function() const { return passive_; }
  const BezierFunction<2>& tendon_function() const { return tendon_; }

 private:
  friend struct Millard;

  // Unchecked, so that fault() can ask which of the curves is none.
  MillardLaws(const Millard& c, int) {
    constexpr double shoulder = 0.05, near = 0.9;

    const double low = c.least_active_force, x0 = c.shortest_length, x1 = c.transition_length, x3 = c.longest_length;
    const double y1 = 1.0 - c.shallow_slope * (1.0 - shoulder - x1);
    const double down = x3 - 1.0 - 2.0 * shoulder;
    active_ = BezierFunction<5>({{{x0, low, 0.0},
                                  {0.5 * (x0 + x1), 0.5 * y1, 1.25 * y1 / (x1 - x0)},
                                  {0.5 * (x1 + 1.0 - shoulder), 0.5 * (1.0 + y1), c.shallow_slope},
                                  {1.0, 1.0, 0.0},
                                  {0.5 * (1.0 + shoulder + x3), 0.5, -1.0 / down},
                                  {x3, low, 0.0}}},
                                1.0);

    const double at_c = c.concentric_slope_at_vmax, near_c = c.concentric_slope_near_vmax;
    const double at_e = c.eccentric_slope_at_vmax, near_e = c.eccentric_slope_near_vmax;
    velocity_ = BezierFunction<4>(
        {{{-1.0, 0.0, at_c},
          {-near, 0.5 * (at_c + near_c) * (1.0 - near), near_c},
          {0.0, 1.0, c.isometric_slope},
          {near, c.eccentric_force - 0.5 * (at_e + near_e) * (1.0 - near), near_e},
          {1.0, c.eccentric_force, at_e}}},
        {{c.concentric_curviness, c.concentric_curviness, c.eccentric_curviness, c.eccentric_curviness}});
    concentric_slope_ = at_c > 0.0 ? at_c : 0.5 * near_c;
    eccentric_slope_ = at_e > 0.0 ? at_e : 0.5 * near_e;

    // Passive force over strain in passive_strain, tendon force over strain in tendon_strain.
    const double range = 1.0 - c.passive_onset, foot = 0.1 * range / c.passive_stiffness;
    const double low_slope = c.passive_low_stiffness / range;
    passive_ = BezierFunction<2>({{{c.passive_onset, 0.0, 0.0},
                                   {c.passive_onset + foot, 0.5 * foot * low_slope, low_slope},
                                   {1.0, 1.0, c.passive_stiffness / range}}},
                                 c.passive_curviness);

    const double k = c.tendon_stiffness, toe = 1.0 - (1.0 - c.tendon_toe_force) / k;
    const double bend = 1.0 - (1.0 - 0.5 * c.tendon_toe_force) / k, begin = 0.1 * toe;
    const double slope = 0.5 * c.tendon_toe_force / (bend - begin), middle = 0.5 * (begin + bend);
    tendon_ =
        BezierFunction<2>({{{0.0, 0.0, 0.0}, {middle, slope * (middle - begin), slope}, {toe, c.tendon_toe_force, k}}},
                          c.tendon_curviness);
  }

  template <class S>
  static Jet2<S> stretched(const BezierFunction<2>& law, const S& norm_length, double strain) {
    const Jet2<S> y = law.jet(S((norm_length - 1.0) / strain));
    return {y.value, y.slope / strain, y.curvature / (strain * strain)};
  }

  BezierFunction<5> active_;
  BezierFunction<4> velocity_;
  BezierFunction<2> passive_, tendon_;
  double concentric_slope_ = 0.0, eccentric_slope_ = 0.0;
};

inline std::string Millard::fault() const {
  if (!(transition_length > shortest_length && transition_length < 0.95))
    return "expected shortest_length < transition_length < 0.95, where the plateau begins";
  if (!(longest_length > 1.1)) return "expected longest_length > 1.1: the plateau ends at 1.05";
  if (!(shallow_slope < (1.0 - 2.0 * least_active_force) / (0.95 - transition_length)))
    return "expected shallow_slope < (1 - 2 least_active_force) / (0.95 - transition_length): the shallow line must "
           "stay well above least_active_force";
  if (!(concentric_slope_at_vmax <= concentric_slope_near_vmax))
    return "expected concentric_slope_at_vmax <= concentric_slope_near_vmax";
  if (!(eccentric_slope_at_vmax <= eccentric_slope_near_vmax))
    return "expected eccentric_slope_at_vmax <= eccentric_slope_near_vmax";
  if (!(eccentric_slope_near_vmax < eccentric_force - 1.0))
    return "expected eccentric_slope_near_vmax < eccentric_force - 1, the mean slope";
  if (!(isometric_slope > eccentric_force - 1.0))
    return "expected isometric_slope > eccentric_force - 1, the mean slope of lengthening";
  const MillardLaws laws(*this, 0);
  const auto none = [](const char* law, const char* fields) {
    return std::string("expected controls whose tangents meet between their points: ") + law + " with this " + fields +
           " would bend twice";
  };
  if (!laws.active_.valid())
    return none("active force", "shortest_length, transition_length, shallow_slope and least_active_force");
  if (!laws.velocity_.valid()) return none("force over velocity", "eccentric_force and these slopes");
  if (!laws.passive_.valid()) return none("passive force", "passive_low_stiffness and passive_stiffness");
  if (!laws.tendon_.valid()) return none("tendon force", "tendon_stiffness and tendon_toe_force");
  return "";
}

}  // namespace psoas
