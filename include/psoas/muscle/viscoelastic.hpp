// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Quasi-linear viscoelasticity of a stretched muscle-tendon unit (Fung 1993, Biomechanics, section 7.6): its force is
//   F(t) = integral of G(t - s) dFe(s),
// with Fe the elastic response, the force that the tissue would have at its present length had it just been brought
// there, and G the reduced relaxation function, G(0) = 1, here a sum of exponentials (a Prony series). Each exponential
// is one number to be carried along, so a history of holds, ramps and rests is followed exactly, without any time step.
//   Viscoelastic tissue{Relaxation{}};   tissue.jump(1.0);   tissue.hold(30.0);   tissue.force();   // 0.75
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "psoas/core/kind.hpp"

namespace psoas {

/// The reduced relaxation function G(t) = 1 - sum of share (1 - exp(-t / time)).
///
/// The defaults describe stretched human muscle-tendon units in vivo: they lose 25 % in the first 30 s (Peixoto et al. 2015,
/// Muscle Nerve 51:761, first hamstring stretch), nine tenths of what is lost in 90 s by 45 s (Magnusson et al. 1995,
/// Scand J Med Sci Sports 5:342: no further significant loss), and what five stretches of a minute took off is back within 10
/// min (Mizuno et al. 2013, Int J Sports Med 34:484). docs/adaptation.md says what they were fitted to and what they miss.
struct Relaxation {
  struct Term {
    double share = 0.0;  ///< of the elastic response that goes [-], >= 0
    double time = 1.0;   ///< [s], > 0
  };
  static constexpr std::size_t count = 3;
  std::array<Term, count> terms{Term{0.09, 2.0}, Term{0.17, 12.0}, Term{0.10, 600.0}};

  static void each(auto& self, auto&& see) {
    const char* const names[count][2] = {
        {"fast_share", "fast_time"}, {"middle_share", "middle_time"}, {"slow_share", "slow_time"}};
    for (std::size_t i = 0; i < count; ++i) {
      see(names[i][0], self.terms[i].share,
          Info{"1", "share of the force that goes; the three together give 20 to 30 % in 30 s in man", 0, 0.9});
      see(names[i][1], self.terms[i].time, Info{"s", "time in which it goes and comes back", 1e-3, 1e6});
    }
  }
  std::string fault() const;

  /// G at a time t >= 0 [s].
  double at(double t) const;
  /// What is left for ever: 1 - sum of shares.
  double remaining() const;
};

/// How much further the elastic response goes under a constant force: the reduced creep function, whose convolution with
/// G is t. J(t) = 1/remaining - sum of amplitude exp(-t / time). Its times are longer than those of G.
struct Creep {
  double final = 1.0;  ///< J after for ever [-]
  std::array<double, Relaxation::count> amplitude{}, time{};

  /// J at a time t >= 0 [s]; 1 at 0.
  double at(double t) const;
};

/// The creep that belongs to a relaxation. Each of its terms is slower than one of G and faster than the next slower one;
/// a term of no share has none. Throws Error(input) for shares that are negative or leave nothing, and for times that are
/// not above 0 and increasing.
Creep creep_of(const Relaxation& relaxation);

/// A tissue and what it remembers. Forces are in whatever unit the caller uses for the elastic response; it is 0 at slack
/// length, and the linear theory goes on below 0 after a stretch: read a negative force as slack.
class Viscoelastic {
 public:
  /// Never stretched before. Throws Error(input) as creep_of() does.
  explicit Viscoelastic(const Relaxation& relaxation);

  double force() const;                        ///< now
  double elastic() const { return elastic_; }  ///< the elastic response of the present length
  /// Force that it would have at another length, if brought there at once.
  double force_at(double elastic) const { return force() + elastic - elastic_; }

  /// Integral of force over `duration` [s], were the length held; in the force's unit times s.
  double held_impulse(double duration) const;
  /// Forces of the exponentials, which sum with remaining() elastic() to the force.
  const std::array<double, Relaxation::count>& branches() const { return branch_; }

  /// To another length at once.
  void jump(double elastic);
  /// Length held for `duration` [s] >= 0: stress relaxation.
  void hold(double duration);
  /// Elastic response changes evenly to a new one within `duration` [s] > 0.
  void ramp(double elastic, double duration);
  /// Brought at once to the force, which is then held for `duration` [s] >= 0: creep.
  void hold_force(double force, double duration);

  /// Of the springs in which the sum of exponentials is pictured, each beside its share of the elastic response; the
  /// measure of length is the elastic response itself, so that these are squares of the force's unit.
  double stored_energy() const;
  /// What its dashpots have taken up so far, never less than before: work of the force on the elastic response = stored
  /// + dissipated.
  double dissipated_energy() const { return dissipated_; }

 private:
  Relaxation relaxation_;
  Creep creep_;
  double elastic_ = 0.0, dissipated_ = 0.0;
  std::array<double, Relaxation::count> branch_{};  // forces of the springs with dashpots
};

/// Repeated stretches of one session.
struct StretchSession {
  double hold = 30.0;  ///< [s]
  int repetitions = 1;
  double rest = 30.0;           ///< between them at slack length [s]
  bool constant_force = false;  ///< a force is held, else a length
};

/// What a session does to the tissue, per unit of the force at which each stretch begins when the length is held, or of
/// the force that is held.
struct StretchEffect {
  double first_drop = 0.0;  ///< share of force lost in the first hold at constant length [-]; 0 at constant force
  double last_drop = 0.0;   ///< in the last one, of the force at its start
  double first_creep = 0.0, last_creep = 0.0;  ///< growth of the elastic response in a hold at constant force [-]
  double load = 0.0;                           ///< integral of force over all holds [s]
  double loss = 0.0;  ///< share of force missing at the same length right after the session [-]

  /// What of `loss` is left after so long [s] at slack length.
  double loss_after(double time) const;

  Relaxation relaxation;
  std::array<double, Relaxation::count> branch{};  ///< at the end of the session
};

/// Follows a session exactly.
StretchEffect stretch(const Relaxation& relaxation, const StretchSession& session);

}  // namespace psoas
