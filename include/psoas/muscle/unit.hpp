// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The muscle-tendon unit: contractile element beside passive element and damper, in series with the tendon, at constant
// muscle height (Zajac 1989). With l fibre length, a activation, L path length:
//   F0 (a fL(l) fV(v; a) + fP(l) + damping v) cos(alpha) = F0 fT(lT),
//   l sin(alpha) = l0 sin(alpha0),   L = l cos(alpha) + lT
//   FibreState fibre = rigid_tendon_fibre(unit, L, dL_dt);   MuscleForces force = fibre_forces(unit, fibre);
// Nothing here allocates or throws.
#pragma once

#include <cmath>
#include <limits>

#include "psoas/muscle/curve.hpp"

namespace psoas {

/// Damping below this is none: it would let fibres of little load move at any speed.
inline constexpr double least_damping = 1e-6;

/// How activation follows excitation; see activation.hpp.
enum class ActivationDynamics { de_groote_fregly, thelen };

/// Parameters of one unit, SI.
struct MuscleParameters {
  double max_isometric_force = 1000.0;                        ///< F0 [N]
  double optimal_fibre_length = 0.1;                          ///< l0 [m]
  double tendon_slack_length = 0.1;                           ///< lTs [m]
  double pennation = 0.0;                                     ///< alpha0, at optimal fibre length [rad]
  double tendon_strain = 0.049;                               ///< at F0 [-]
  double passive_strain = 0.6;                                ///< fibre strain at passive force F0 [-]
  double passive_shape = 4.0;                                 ///< kPE [-]
  double passive_scale = 1.0;                                 ///< factor on passive force [-]
  double max_contraction_velocity = 10.0;                     ///< vmax [l0/s]
  double damping = 0.1;                                       ///< in F0 at vmax [-]; see least_damping
  double minimum_activation = 0.01;                           ///< [-]
  double activation_time = 0.015, deactivation_time = 0.060;  ///< [s]
  ActivationDynamics activation_dynamics = ActivationDynamics::de_groote_fregly;
  bool rigid_tendon = false;  ///< of slack length at any force
  CompiledCurve curve = DeGrooteFregly{};

  /// l0 sin(alpha0), the same at every length [m].
  double height() const { return optimal_fibre_length * std::sin(pennation); }
  /// The fibres' least length along the tendon, 0.05 l0 [m]: a shorter unit is slack.
  double least_along() const { return 0.05 * optimal_fibre_length; }
  /// vmax [m/s].
  double max_speed() const { return optimal_fibre_length * max_contraction_velocity; }
  double effective_damping() const { return damping >= least_damping ? damping : 0.0; }
  /// A tendon of no length is rigid too.
  bool has_rigid_tendon() const { return rigid_tendon || !(tendon_slack_length > 0.0); }
};

/// Where the fibres are. `outside_domain`: the tendon is slack or the fibres are beyond the curves' domain, and the
/// answer is a continuation: defined, never nan, its forces continuous.
struct FibreState {
  double fibre_length = 0.0;    ///< [m]
  double fibre_velocity = 0.0;  ///< lengthening + [m/s]
  double cos_pennation = 1.0;   ///< [-]
  bool outside_domain = false;
  bool converged = true;      ///< of compliant_fibre(): the force balance is met
  double transmission = 1.0;  ///< of fibre force to a rigid tendon: below 1 where the unit goes slack [-]
};

/// Forces along the tendon [N]; their sum, activation * active + passive + damping, is the tendon force, for a rigid
/// tendon see rigid_tendon_force(). `active` and `passive` are never negative: 0 where fibres shorten faster than vmax,
/// and where they are shorter than the passive curve's zero. `passive` is the parallel element alone; `damping` has the
/// sign of the fibre velocity.
struct MuscleForces {
  double active = 0.0;  ///< per unit of activation
  double passive = 0.0, damping = 0.0;
};

/// Force of a rigid tendon [N]: the sum of the fibres' forces, and 0 where the damper of fast fibres would push more than
/// they pull, for a tendon cannot push (OpenSim 4 does the same). Inverse methods leave the damper out instead.
inline double rigid_tendon_force(const MuscleForces& forces, double activation) {
  const double sum = activation * forces.active + forces.passive + forces.damping;
  return sum < 0.0 ? 0.0 : sum;
}

/// A fibre length that was searched for, and what holds there.
struct Equilibrium {
  double fibre_length = 0.0;  ///< [m]
  bool converged = false, outside_domain = false;
  int iterations = 0;           ///< evaluations of the fibres' force in all
  double fibre_velocity = 0.0;  ///< lengthening + [m/s]
  double tendon_force = 0.0;    ///< [N]
  double residual = 0.0;        ///< fibre force along the tendon - tendon force [N]; positive in a slack unit
};

/// All about one unit at one instant.
struct MuscleQuantities {
  double fibre_length = 0.0, fibre_velocity = 0.0;                      ///< [m], lengthening + [m/s]
  double norm_fibre_length = 0.0, norm_velocity = 0.0;                  ///< by l0 and vmax [-]
  double fibre_strain = 0.0;                                            ///< l / l0 - 1 [-]
  double sarcomere_length = 0.0;                                        ///< [m]
  double pennation = 0.0;                                               ///< [rad]
  double height = 0.0;                                                  ///< across the fibres, l sin(pennation) [m]
  double tendon_length = 0.0, tendon_strain = 0.0;                      ///< [m], over slack length [-]
  double active_force = 0.0, passive_force = 0.0, damping_force = 0.0;  ///< along the tendon, at this activation [N]
  double tendon_force = 0.0;                                            ///< [N]
  double active_power = 0.0;   ///< of the contractile element, shortening + [W]
  double damping_power = 0.0;  ///< taken up by the damper, >= 0 [W]
  bool outside_domain = false;
};

/// Fibres of a unit whose tendon stays at slack length, at path length [m] and lengthening speed [m/s]. Fibres shorter
/// than a twentieth of l0 along the tendon stay there (with a smooth corner), do not move, and are flagged. In the corner
/// they move less than the path, and by virtual work pull on it as much less: a slack unit pulls nothing.
FibreState rigid_tendon_fibre(const MuscleParameters& unit, double length, double speed);

/// Fibres of a compliant unit at path length and fibre length [m]: velocity from the force balance, which with damping
/// > 0 has one answer. Without damping it is the inverse of the force-velocity law, held between its zero (a slack
/// tendon) and 10 vmax, flagged at these ends and where the load is beyond the law's greatest force. A stop keeps fibres
/// from becoming shorter than the least length: there they lengthen. Arguments that are not finite give nan, not
/// converged.
FibreState compliant_fibre(const MuscleParameters& unit, double length, double fibre_length, double activation);

/// Forces of the fibres along the tendon. `activation` is the one that force over velocity takes, which changes anything
/// in Thelen's set alone; there active force is linear in activation only with a fixed one. Full activation is what
/// inverse methods take, as OpenSim's static optimisation does.
MuscleForces fibre_forces(const MuscleParameters& unit, const FibreState& fibre, double activation = 1.0);

/// Tendon force [N] of a compliant unit, not below zero.
double tendon_force(const MuscleParameters& unit, double length, double fibre_length);
/// How it changes with the tendon's length [N/m]; 0 where the tendon is slack.
double tendon_stiffness(const MuscleParameters& unit, double length, double fibre_length);

/// Fibre length at which the fibres balance the tendon while the tendon's length does not change: fibres move with the
/// path's lengthening speed [m/s] as with a rigid tendon, at speed 0 not at all. A bracketed third-order Newton method
/// on the tendon's inverse law, to 1e-12 l0: it ends at a point from which Newton's step is shorter than that, takes
/// this step, and cannot fail. Where the fibres' stiffness along the tendon is nearly minus the tendon's, rounding alone
/// moves the balance by more; the force is met there too. Rigid tendons too. Arguments that are not finite give nan, not
/// converged.
/// Fibres that cannot reach balance are flagged. They rest at their least length, where the tendon pulls less than they
/// do. Or they shorten too fast to pull at the tendon's slack length: they rest where they would if they were just slow
/// enough to, which is there, without force, or, where a tendon begins softer than fibres that turn or are on the
/// descending limb, a little shorter. Fibre length and tendon force are continuous in all arguments where there is one
/// balance; the velocity is 0 for fibres at rest at their least length.
/// With the default passive curve, tendons up to 12 l0 long and 10 % strained have one balance when isometric. Softer
/// ones may have several on the descending limb, and Millard's tendon without stiffness at slack length may with fast
/// shortening: found is one that a small stretch does not leave. The search comes from the longest fibres, so that
/// without `guess` it is the balance nearest there but for rare long steps, and depends on the other arguments alone;
/// `guess` [m] says near which fibre length to search instead.
Equilibrium equilibrium(const MuscleParameters& unit, double length, double speed, double activation,
                        double guess = std::numeric_limits<double>::quiet_NaN());

/// The same at rest.
Equilibrium static_equilibrium(const MuscleParameters& unit, double length, double activation);

/// All quantities of a unit at path length [m], fibre state and activation.
MuscleQuantities muscle_quantities(const MuscleParameters& unit, double length, const FibreState& fibre,
                                   double activation);

/// Energy stored in the parallel element [J], from where its force is 0: F0 l0 times the curve's integral.
double passive_energy(const MuscleParameters& unit, double fibre_length);
/// Energy stored in a compliant tendon [J], 0 when slack; a rigid one stores none.
double tendon_energy(const MuscleParameters& unit, double length, double fibre_length);

/// Stiffnesses [N/m], velocity and activation held: what a small quick stretch meets. The unit's own is that of fibres
/// and tendon in series, 1 / (1 / fibre_along + 1 / tendon) (Zajac 1989); of a rigid tendon it is fibre_along. It is
/// 0 where the tendon is slack, and may be negative on the descending limb.
struct MuscleStiffness {
  double fibre = 0.0;        ///< d(fibre force) / d(fibre length), along the fibre
  double fibre_along = 0.0;  ///< d(fibre force cos alpha) / d(l cos alpha), along the tendon
  double tendon = 0.0;       ///< d(tendon force) / d(tendon length); infinite when rigid
  double muscle_tendon = 0.0;
};
MuscleStiffness stiffness(const MuscleParameters& unit, double length, const FibreState& fibre, double activation);

/// How the velocity of a compliant unit's fibres, as compliant_fibre() has it, changes: what implicit integrators ask
/// for, at fibre length [m] as integrated (it may be below the stop). By the implicit function theorem on the force
/// balance; on its corners one of the two slopes; 0 where an undamped velocity is held.
struct FibreVelocitySlopes {
  double by_fibre_length = 0.0;  ///< [1/s]
  double by_length = 0.0;        ///< [1/s]
  double by_activation = 0.0;    ///< [m/s]
};
FibreVelocitySlopes fibre_velocity_slopes(const MuscleParameters& unit, double length, double fibre_length,
                                          double activation);
/// The same where compliant_fibre() has found `fibre`.
FibreVelocitySlopes fibre_velocity_slopes(const MuscleParameters& unit, double length, double fibre_length,
                                          double activation, const FibreState& fibre);

/// The force balance of a compliant unit with normalised tendon force f = F_T / F0 as its state (De Groote et al. 2016,
/// formulation 3): the tendon's length follows from f, the fibres' length and velocity from that and the path, and
///     residual = (a fL(l) fV(v; a) + fP(l) + damping v) cos(alpha) - f
/// is 0 on a solution. `by_` are its derivatives by f, df/dt, activation, path length and path speed. No cut-offs: all
/// laws as the curve set has them, so that it is as smooth as the set is. For f > 0: at 0 Millard's and Thelen's tendons
/// have no stiffness that would turn df/dt into a velocity, and the result is nan or without bound.
struct TendonForceResidual {
  double value = 0.0;
  double by_force = 0.0, by_force_rate = 0.0, by_activation = 0.0, by_length = 0.0, by_speed = 0.0;
  double fibre_length = 0.0, fibre_velocity = 0.0;  ///< [m], [m/s]
};
TendonForceResidual tendon_force_residual(const MuscleParameters& unit, double norm_force, double norm_force_rate,
                                          double activation, double length, double speed);

/// Sarcomere length [m] of a fibre, 2.7 micrometres at optimal fibre length (Ward et al. 2009).
inline double sarcomere_length(const MuscleParameters& unit, double fibre_length) {
  return 2.7e-6 * fibre_length / unit.optimal_fibre_length;
}

/// Strain of a fibre, 0 at optimal fibre length [-].
inline double fibre_strain(const MuscleParameters& unit, double fibre_length) {
  return fibre_length / unit.optimal_fibre_length - 1.0;
}

}  // namespace psoas
