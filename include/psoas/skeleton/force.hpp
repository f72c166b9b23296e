// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws of passive forces and contact: force, the energy that the elastic part holds, and the power that is lost (never
// below zero), so that an energy audit can follow both.
//   LimitLaw knee{…};   auto [force, potential, dissipation] = knee.at(q, u);   // templates on the scalar
// All are continuously differentiable in position; kinks in speed are named where there are any.
#pragma once

#include <cmath>

#include "psoas/core/pose.hpp"

namespace psoas {

/// A (generalised) force [N m, N], the elastic energy behind it [J] and the power that its damping takes [W], >= 0.
template <class S>
struct ForceValue {
  S force{}, potential{}, dissipation{};
};

/// The step x^3 (10 - 15 x + 6 x^2) from 0 at x <= 0 to 1 at x >= 1, twice continuously differentiable.
template <class S>
S smooth_step(const S& x) {
  if (!(x > 0.0)) return S(0.0);
  return x < 1.0 ? x * x * x * (10.0 + x * (-15.0 + 6.0 * x)) : S(1.0);
}
/// Its slope.
template <class S>
S smooth_step_slope(const S& x) {
  return x > 0.0 && x < 1.0 ? 30.0 * x * x * (1.0 - x) * (1.0 - x) : S(0.0);
}

/// The end of a coordinate's range: beyond it, stiffness and damping grow from nothing to their full values over the
/// `transition`, by smooth_step(); force -k S (q - limit) - c S u with S that of either side (OpenSim's
/// CoordinateLimitForce, Seth et al. 2018, PLoS Comput Biol 14:e1006223).
struct LimitLaw {
  double lower = 0.0, upper = 0.0;                      ///< [rad, m]
  double lower_stiffness = 0.0, upper_stiffness = 0.0;  ///< [N m/rad, N/m]
  double damping = 0.0;                                 ///< [N m s/rad, N s/m]
  double transition = 0.1;                              ///< > 0 [rad, m]

  /// At coordinate value q [rad, m] and speed u [rad/s, m/s].
  template <class S>
  ForceValue<S> at(const S& q, const S& u) const {
    const bool above = q > upper;
    if (!above && !(q < lower)) return {};
    const S beyond = above ? q - upper : lower - q, step = smooth_step<S>(beyond / transition);
    const double stiffness = above ? upper_stiffness : lower_stiffness;
    const S elastic = stiffness * step * beyond, loss = damping * step * u;
    // the integral of S(x / transition) x is x^5 (2 - 5/2 x + 6/7 x^2) in units of the transition up to 1, then the
    // parabola that goes on
    const S x = beyond / transition;
    const S work = x < 1.0 ? x * x * x * x * x * (2.0 + x * (-2.5 + x * (6.0 / 7.0))) : 0.5 * x * x - 1.0 / 7.0;
    return {(above ? -elastic : elastic) - loss, stiffness * transition * transition * work, loss * u};
  }
};

/// Tension of a ligament: none below its slack length, a parabola up to the transition strain, then a line (Blankevoort
/// & Huiskes 1991, J Biomech Eng 113:263-269, with the transition strain as twice their reference strain); while it
/// lengthens a viscous part, faded in over the first hundredth of strain (OpenSim's Blankevoort1991Ligament). The
/// tension has a kink in speed where lengthening begins.
struct LigamentLaw {
  double slack_length = 1.0;        ///< > 0 [m]
  double stiffness = 0.0;           ///< of the line, per unit strain [N]
  double transition_strain = 0.06;  ///< > 0 [-]
  double damping = 0.0;             ///< per unit rate of strain [N s]

  /// At a length [m] that grows at a speed [m/s]; the force is the tension.
  template <class S>
  ForceValue<S> at(const S& length, const S& speed) const {
    const S strain = length / slack_length - 1.0, rate = speed / slack_length;
    if (!(strain > 0.0)) return {};
    const double toe = transition_strain;
    const bool bent = strain < toe;
    const S elastic = bent ? (0.5 * stiffness / toe) * strain * strain : stiffness * (strain - 0.5 * toe);
    const S work = bent ? strain * strain * strain / (6.0 * toe) : toe * toe / 6.0 + 0.5 * strain * (strain - toe);
    const S viscous = rate > 0.0 ? damping * rate * smooth_step<S>(100.0 * strain) : S(0.0);
    return {elastic + viscous, stiffness * slack_length * work, viscous * speed};
  }
};

/// What a sphere presses into, and how: Hertz's elastic force with the dissipation of Hunt & Crossley (1975, J Appl Mech
/// 42:440-445), and smooth friction after Sherman, Seth & Delp (2011, Procedia IUTAM 2:241-261).
struct ContactLaw {
  double stiffness = 1e6;          ///< plane-strain modulus E* of the pair: force 4/3 E* sqrt(R) d^(3/2) [Pa]
  double dissipation = 0.0;        ///< c [s/m]: a sphere that falls at a small speed v leaves at (1 - c v) v
  double static_friction = 0.0;    ///< greatest coefficient, reached at the transition speed [-]
  double dynamic_friction = 0.0;   ///< coefficient far above the transition speed [-]
  double viscous_friction = 0.0;   ///< what the coefficient grows by with speed [s/m]
  double transition_speed = 0.05;  ///< > 0 [m/s]

  /// Elastic force [N] of a sphere of radius R [m] at indentation d [m], and its energy [J]. Continuously differentiable
  /// at touch-down.
  template <class S>
  ForceValue<S> elastic(double radius, const S& indentation) const {
    using std::sqrt;
    if (!(indentation > 0.0)) return {};
    const S force = (4.0 / 3.0 * stiffness * std::sqrt(radius)) * sqrt(indentation) * indentation;
    return {force, 0.4 * force * indentation, S(0.0)};
  }

  /// Factor 1 + 3/2 c (rate of indentation [m/s]) on the elastic force. Where it would fall below zero, the sphere being
  /// torn off faster than the material follows, it is held at zero through a parabola, so that nothing sticks and
  /// nothing has a kink.
  template <class S>
  S damping_factor(const S& rate) const {
    constexpr double blend = 0.1;
    const S factor = 1.0 + 1.5 * dissipation * rate;
    if (factor >= blend) return factor;
    if (factor <= -blend) return S(0.0);
    return (factor + blend) * (factor + blend) / (4.0 * blend);
  }

  /// Coefficient of friction over sliding speed [s/m], given the square of the sliding speed [m^2/s^2]; finite and smooth
  /// at rest. With r = speed over the transition speed, the coefficient is dynamic * (3 r - r^3) / 2 (constant from r = 1)
  /// + (static - dynamic) * (2 r / (1 + r^2))^2 + viscous * speed: it rises to the static one at r = 1 and falls off to
  /// the dynamic one.
  template <class S>
  S friction_over_speed(const S& speed_squared) const {
    using std::sqrt;
    const S r2 = speed_squared / (transition_speed * transition_speed), bump = 1.0 + r2;
    // the root has no slope at 0, where the dynamic part does without it
    const S r = r2 > 0.0 ? sqrt(r2) : S(0.0);
    const S coulomb = r2 < 1.0 ? 0.5 * (3.0 - r2) : 1.0 / r;
    return (dynamic_friction * coulomb + (static_friction - dynamic_friction) * 4.0 * r / (bump * bump)) /
               transition_speed +
           viscous_friction;
  }
};

/// What a bushing between frame F of one body and frame M of another holds: elastic and viscous forces on the three
/// translations of M in F and the three body-fixed angles about x, y, z of M in F.
template <class S>
struct BushingState {
  SpatialT<S> q, u;  ///< angles [rad], translations [m], and their rates
  Mat3T<S> axes;     ///< columns: axes of the angles' rates, in F
};

/// Where a bushing is. Poses are those of F and M in ground, velocities those of their bodies, about ground's origin. The
/// second angle is within a right angle, where the three are singular.
template <class S>
BushingState<S> bushing_state(const PoseT<S>& X_GF, const PoseT<S>& X_GM, const SpatialT<S>& V_GF,
                              const SpatialT<S>& V_GM) {
  using std::atan2;
  using std::cos;
  using std::sin;
  using std::sqrt;
  BushingState<S> state;
  const Mat3T<S> R = X_GF.R.transpose() * X_GM.R;
  const S square = R(0, 0) * R(0, 0) + R(0, 1) * R(0, 1), cos_y = square > 1e-18 ? sqrt(square) : S(1e-9);
  const S x = atan2(-R(1, 2), R(2, 2)), y = atan2(R(0, 2), cos_y), z = atan2(-R(0, 1), R(0, 0));
  const S cx = cos(x), sx = sin(x), sy = sin(y), zero(0.0);
  state.axes << S(1.0), zero, sy, zero, cx, -sx * cos_y, zero, sx, cx * cos_y;
  const Vec3T<S> apart = X_GM.p - X_GF.p, turning = V_GM.template head<3>() - V_GF.template head<3>();
  const Vec3T<S> w = X_GF.R.transpose() * turning, p = X_GF.R.transpose() * apart;
  // the motion of M's origin past the point of the first body that is there
  const Vec3T<S> slip = V_GM.template tail<3>() - V_GF.template tail<3>() + turning.cross(X_GM.p);
  const Vec3T<S> rate = X_GF.R.transpose() * slip;
  // rates of the angles: the three axes solved by hand
  const S along = cx * w.z() - sx * w.y();
  state.q << x, y, z, p.x(), p.y(), p.z();
  state.u << w.x() - along * sy / cos_y, cx * w.y() + sx * w.z(), along / cos_y, rate.x(), rate.y(), rate.z();
  return state;
}

/// Wrench about M's origin, in F (moment, force), whose power on every motion is that of generalised forces on the
/// bushing's angles and translations.
template <class S>
SpatialT<S> bushing_wrench(const BushingState<S>& state, const SpatialT<S>& generalised) {
  const Mat3T<S>& A = state.axes;
  const S cx = A(1, 1), sx = A(2, 1), sy = A(0, 2), cos_y = cx * A(2, 2) - sx * A(1, 2);
  const S along = (generalised[2] - sy * generalised[0]) / cos_y;
  SpatialT<S> wrench;
  wrench << generalised[0], cx * generalised[1] - sx * along, sx * generalised[1] + cx * along, generalised[3],
      generalised[4], generalised[5];
  return wrench;
}

}  // namespace psoas
