// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/forward.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/spline.hpp"
#include "psoas/muscle/activation.hpp"
#include "solve/integrate.hpp"

namespace psoas {

using Vector = std::vector<double>;

int integrate_muscle(const MuscleParameters& unit, const MuscleTrack& track, double tolerance,
                     std::span<double> activation, std::span<double> tendon_forces) {
  const Vector time(track.time.begin(), track.time.end());
  const QuinticSpline target(time, Vector(track.activation.begin(), track.activation.end()));
  const QuinticSpline length(time, Vector(track.length.begin(), track.length.end()));
  const double l0 = unit.optimal_fibre_length;

  // Activation does not know of the fibres, so it is integrated first, on a grid fine enough to be splined.
  constexpr std::size_t fine = 4;
  Vector grid, followed;
  for (std::size_t i = 0; i + 1 < time.size(); ++i)
    for (std::size_t k = 0; k < fine; ++k)
      grid.push_back(time[i] + (time[i + 1] - time[i]) * static_cast<double>(k) / fine);
  grid.push_back(time.back());
  const auto activate = [&](const Vector& x, Vector& rates, double t) {
    // the rate of the target, and back to it within 20 ms where [0, 1] has kept activation from following
    const double a = std::clamp(x[0], 0.0, 1.0);
    const Jet2<double> wanted = target.jet(t);
    const double excitation = excitation_for(unit, a, wanted.slope + (wanted.value - a) / 0.02).excitation;
    rates[0] = activation_rate(unit, excitation, a);
  };
  const double start = std::clamp(track.activation[0], 0.0, 1.0);
  double spacing = 0.0;
  for (std::size_t i = 1; i < time.size(); ++i) spacing = std::max(spacing, time[i] - time[i - 1]);
  int steps = integrate(activate, Vector{start}, grid, tolerance, 1e-3, spacing, [&](const Vector& x, std::size_t i) {
    followed.push_back(std::clamp(x[0], 0.0, 1.0));
    if (i % fine == 0) activation[i / fine] = followed.back();
  });
  if (unit.has_rigid_tendon()) {
    for (std::size_t i = 0; i < time.size(); ++i) {
      const Jet2<double> L = length.jet(time[i]);
      const MuscleForces forces = fibre_forces(unit, rigid_tendon_fibre(unit, L.value, L.slope), activation[i]);
      tendon_forces[i] = rigid_tendon_force(forces, activation[i]);
    }
    return steps;
  }
  const QuinticSpline active(grid, followed);
  const auto stretch = [&](const Vector& x, Vector& rates, double t) {
    rates[0] =
        compliant_fibre(unit, length.jet(t).value, x[0] * l0, std::clamp(active(t), 0.0, 1.0)).fibre_velocity / l0;
  };
  steps += integrate(stretch, Vector{static_equilibrium(unit, track.length[0], start).fibre_length / l0}, time,
                     tolerance, 1e-4, spacing, [&](const Vector& x, std::size_t i) {
                       tendon_forces[i] = tendon_force(unit, track.length[i], x[0] * l0);
                     });
  return steps;
}

}  // namespace psoas
