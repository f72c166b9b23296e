// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The four mechanisms of a shortened resting length, as changes of one unit's parameters. They compose.
//   MuscleParameters tight = stiffer_passive(serial_sarcomere_loss(unit, 0.85), 0.9, 1.0);
// Each throws Error(input) for a value that cannot be used.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "psoas/core/error.hpp"
#include "psoas/muscle/unit.hpp"

namespace psoas {

/// Fewer sarcomeres in series: l0 -> s l0, s > 0 (> 1: sarcomeres added). Kept: F0, alpha0, lTs, tendon strain, vmax
/// and damping in l0/s, the passive curve over l / l0. So the muscle's height, its greatest speed in m/s and its mass
/// go with s.
inline MuscleParameters serial_sarcomere_loss(MuscleParameters unit, double s) {
  if (!(s > 0.0 && std::isfinite(s)))
    throw Error(Kind::input, "serial_sarcomere_loss", "expected a factor > 0, found " + std::to_string(s));
  unit.optimal_fibre_length *= s;
  return unit;
}

/// A tendon shorter by dL [m], at most its slack length: lTs -> lTs - dL. Kept: all else, so that the tendon's strain
/// at F0 is the same and its stiffness in N/m grows as lTs falls. A tendon of no length is rigid.
inline MuscleParameters tendon_shortening(MuscleParameters unit, double dL) {
  if (!(dL <= unit.tendon_slack_length && std::isfinite(dL)))
    throw Error(Kind::input, "tendon_shortening",
                "expected at most the tendon slack length, " + std::to_string(unit.tendon_slack_length) + " m, found " +
                    std::to_string(dL));
  unit.tendon_slack_length -= dL;
  return unit;
}

/// Stiffer passive tissue: the fibre strain at passive force F0 times `strain_scale` > 0 (below 1: stiffer), and
/// passive force times `force_scale` >= 0. Kept: the passive shape, all active properties and the tendon.
inline MuscleParameters stiffer_passive(MuscleParameters unit, double strain_scale, double force_scale) {
  if (!(strain_scale > 0.0 && std::isfinite(strain_scale)) || !(force_scale >= 0.0 && std::isfinite(force_scale)))
    throw Error(Kind::input, "stiffer_passive",
                "expected a strain scale > 0 and a force scale >= 0, found " + std::to_string(strain_scale) + " and " +
                    std::to_string(force_scale));
  unit.passive_strain *= strain_scale;
  unit.passive_scale *= force_scale;
  return unit;
}

/// Raised tone: activation not below `floor`, in [0, 1]; a floor below the unit's own minimum changes nothing. Kept:
/// all else, the passive force too: what tone pulls is active force.
inline MuscleParameters raised_tone(MuscleParameters unit, double floor) {
  if (!(floor >= 0.0 && floor <= 1.0))
    throw Error(Kind::input, "raised_tone", "expected an activation from 0 to 1, found " + std::to_string(floor));
  unit.minimum_activation = std::max(unit.minimum_activation, floor);
  return unit;
}

}  // namespace psoas
