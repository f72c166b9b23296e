// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Metabolic rate of a muscle: the heat it gives off and the work its contractile element does, after Umberger (2010)
// and Bhargava et al. (2004).
//   MetabolicState state = metabolic_state(unit, fibre, excitation, activation);
//   MetabolicRate rate = umberger2010(unit, MetabolicParameters{}, state);   rate.total   // [W]
// Fibre velocity is positive in lengthening, heat and work given off are positive. Nothing here allocates or throws; an
// argument out of range is an assert. Another published model: another function from state to MetabolicRate.
//
// Sources. Umberger, Gerritsen & Martin 2003 (Comput Methods Biomech Biomed Engin 6:99-111), Umberger 2010 (J R Soc
// Interface 7:1329-1340) and Bhargava, Pandy & Anderson 2004 (J Biomech 37:81-88), read through what others state of
// them: the documentation of OpenSim 4's probes of these names (0435b081), the energy models of BioMAC-Sim-Toolbox
// (Koelewijn 2021) and of 3dpredictsim (Falisse 2019). Where these differ, the comment at the place says so.
#pragma once

#include <limits>

#include "psoas/muscle/unit.hpp"

namespace psoas {

/// Resting metabolic rate of a standing body [W/kg of body mass] (Umberger et al. 2003, p. 105, as OpenSim cites it).
/// It belongs to the body, not to a muscle, and is in no MetabolicRate.
inline constexpr double standing_metabolic_rate = 1.2;

/// What the metabolic models ask of one muscle beyond MuscleParameters.
struct MetabolicParameters {
  double slow_twitch_ratio = 0.5;  ///< slow fibres' share of the mass, 0 to 1 [-]; OpenSim's default
  /// [Pa], > 0. 0.25 MPa (Umberger et al. 2003, OpenSim) keeps the published ratio of heat to force. The value that F0
  /// was made with gives the muscle's true mass, but if it is larger, less heat beside the same work.
  double specific_tension = 0.25e6;
  double density = 1059.7;               ///< of muscle [kg/m^3], > 0 (OpenSim, BioMAC)
  double mass = 0.0;                     ///< [kg]; 0: from F0, l0, specific tension and density
  double slow_activation_heat = 40.0;    ///< [W/kg] (Bhargava et al. 2004)
  double fast_activation_heat = 133.0;   ///< [W/kg] (Bhargava et al. 2004)
  double slow_maintenance_heat = 74.0;   ///< [W/kg] (Bhargava et al. 2004)
  double fast_maintenance_heat = 111.0;  ///< [W/kg] (Bhargava et al. 2004)
};

/// Muscle mass [kg]: as given, or F0 / specific tension * density * l0 (Umberger et al. 2003).
double muscle_mass(const MuscleParameters& unit, const MetabolicParameters& metabolic);

/// One muscle at one instant, as the metabolic models see it. Forces are along the fibres.
struct MetabolicState {
  double excitation = 0.0;         ///< 0 to 1 [-]
  double activation = 0.0;         ///< 0 to 1 [-]
  double norm_fibre_length = 1.0;  ///< over l0, >= 0 [-]
  double fibre_velocity = 0.0;     ///< lengthening + [m/s]
  double active_force = 0.0;       ///< of the contractile element, at this activation, >= 0 [N]
  double isometric_force = 0.0;    ///< the same at full activation and no velocity, F0 fL(l) fV(0), >= 0 [N]
  double passive_force = 0.0;      ///< of the parallel element, >= 0 [N]; only with Bhargava2004Options::total_force
  double activation_decay = 1.0;   ///< phi of Bhargava's activation heat, >= 0 [-]: bhargava_activation_decay()
};

/// The state of a unit whose fibres are known, at excitation and activation, both in [0, 1].
MetabolicState metabolic_state(const MuscleParameters& unit, const FibreState& fibre, double excitation,
                               double activation);

/// Rates of one muscle [W]: total = activation + maintenance + shortening + added + work.
struct MetabolicRate {
  double activation = 0.0;   ///< heat of calcium pumping
  double maintenance = 0.0;  ///< heat of cross-bridges without movement
  double shortening = 0.0;   ///< heat of shortening or lengthening; Bhargava's of lengthening is <= 0
  double added = 0.0;        ///< heat that lifts the sum to the minimum, >= 0
  double work = 0.0;         ///< of the contractile element, shortening +
  double total = 0.0;

  double heat() const { return activation + maintenance + shortening + added; }
};

/// Choices in umberger2010(). The defaults are the paper's: OpenSim's documentation says which of its options are not.
struct Umberger2010Options {
  /// S, scale of all heat: 1.5 for mainly aerobic work, 1.0 for mainly anaerobic (Umberger et al. 2003).
  double aerobic_factor = 1.5;
  /// Umberger 2003: negative work counts, and the lengthening heat coefficient is 4 of the slow fibres' shortening heat
  /// coefficient. Without it Umberger 2010: no negative work, 0.3. OpenSim's default is with.
  bool negative_work = false;
  /// The slow fibres' share is that of the fibres recruited at this excitation, as in Bhargava 2004 (Uchida et al.
  /// 2016, as OpenSim cites it). OpenSim's default is with.
  bool orderly_recruitment = false;
  /// Heat is added where negative work would make the total negative. OpenSim's default is with.
  bool non_negative_total = false;
  /// Lowest sum of all heats [W/kg]. Umberger et al. 2003, p. 104, as OpenSim cites it; others apply it to the
  /// total.
  double minimum_heat = 1.0;

  /// What OpenSim 4's probe does unless told otherwise.
  static constexpr Umberger2010Options opensim() { return {1.5, true, true, true, 1.0}; }
};

/// Umberger 2010. With e, a excitation and activation, r the slow fibres' share, v = velocity / l0 [1/s], vmax
/// MuscleParameters::max_contraction_velocity, taken as that of fast fibres (2.5 times that of slow ones), fL isometric
/// force / F0, g = 1 up to l0 and fL beyond, A = e where e > a and (e + a) / 2 elsewhere, per kg of muscle:
///     activation + maintenance   h = 128 (1 - r) + 25:  S A^0.6 (0.4 h + 0.6 h g)
///     shortening   S A^2 g (r min(-v 100 / (vmax / 2.5), 100) + (1 - r) (-v) 153 / vmax)
///     lengthening  S A g 0.3 v 100 / (vmax / 2.5)          (4 in place of 0.3 with negative_work)
///     work         -active force * velocity / mass         (0 in lengthening without negative_work)
/// and the heats together not below minimum_heat. The 0.4 of h that does not depend on length is reported as activation
/// heat, the rest as maintenance heat. OpenSim's documentation calls fL a force at the current activation; its code,
/// BioMAC and this function take it without activation. Continuous in the state, except at l0 where the curve's fL(1)
/// is not 1; slopes jump at a = e, at v = 0, at the slow fibres' vmax, at l0 and at the minimum, and the slope in A at
/// A = 0 is infinite.
MetabolicRate umberger2010(const MuscleParameters& unit, const MetabolicParameters& metabolic,
                           const MetabolicState& state, const Umberger2010Options& options = {});

/// Choices in bhargava2004(). The defaults are the paper's, as BioMAC states it.
struct Bhargava2004Options {
  /// Shortening heat grows with the force in the published way; without it 0.25 force * speed in shortening and none in
  /// lengthening, OpenSim's default.
  bool force_dependent_shortening = true;
  /// The force in the shortening heat is active plus passive force, as OpenSim computes it. Its documentation, for the
  /// published form, says active force.
  bool total_force = false;
  bool negative_work = true;        ///< work in lengthening counts
  bool non_negative_total = false;  ///< heat is added where the total would be negative; OpenSim's default is with
  /// Lowest sum of all heats [W/kg]. BioMAC's statement of the model has none; OpenSim takes 1.0 over from Umberger.
  double minimum_heat = -std::numeric_limits<double>::infinity();

  /// What OpenSim 4's probe does unless told otherwise.
  static constexpr Bhargava2004Options opensim() { return {false, true, true, true, 1.0}; }
};

/// Bhargava et al. 2004. With e excitation, r the slow fibres' share, m the mass, F the active force, V the fibre
/// velocity, Fiso = activation * isometric force, f maintenance_length_factor(), and
/// slow = r sin(pi e / 2), fast = (1 - r) (1 - cos(pi e / 2)):
///     activation   m phi (40 slow + 133 fast)
///     maintenance  m f(l / l0) (74 slow + 111 fast)
///     shortening   -(0.16 Fiso + 0.18 F) V in shortening, -0.157 F V, which takes heat up, in lengthening
///     work         -F V
/// phi falls with the time since stimulation began; the state's default 1 is what OpenSim uses at any time (after
/// Anderson & Pandy 1999). No basal heat is here: see standing_metabolic_rate. Continuous in the state; slopes jump at
/// V = 0, where f has corners, and at a minimum.
MetabolicRate bhargava2004(const MuscleParameters& unit, const MetabolicParameters& metabolic,
                           const MetabolicState& state, const Bhargava2004Options& options = {});

/// Dependence of Bhargava's maintenance heat on fibre length over l0 [-]: 0.5 to half of l0, rising to 1 at l0, falling
/// to 0 at 1.5 l0, straight between (OpenSim, BioMAC).
double maintenance_length_factor(double norm_fibre_length);

/// phi = 0.06 + exp(-t e / 0.045 s), t >= 0 the time since stimulation began [s] and e the excitation (Bhargava et al.
/// 2004, as BioMAC states it). From 1.06 down to 0.06.
double bhargava_activation_decay(double stimulation_time, double excitation);

/// Share of slow fibres among the fibres recruited at an excitation in [0, 1], if they are `ratio` of the muscle: 1 at
/// no excitation, unless there are none, `ratio` at full excitation (after Bhargava et al. 2004; Uchida et al. 2016).
/// Continuous in excitation; OpenSim gives 1 at no excitation in a muscle without slow fibres too.
double recruited_slow_ratio(double ratio, double excitation);

}  // namespace psoas
