// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle curve sets: how active force, passive force and tendon force depend on normalised length and velocity.
//   const Curve curve = DeGrooteFregly{};
//   double f = std::visit([](const auto& c) { return c.active_force_length(1.1); }, curve);
// All arguments and values are normalised: fibre length by optimal fibre length, fibre velocity by the greatest
// shortening velocity (lengthening +), tendon length by tendon slack length, force by greatest isometric force.
// A law is a template on the scalar. Its `_jet` gives the value with slope and curvature in closed form; energies are
// integrals of force over length from where the force is 0. Active force is a fL(l) fV(v; a): force over velocity takes
// the activation a, on which it depends in Thelen's set alone.
// Add a new set: a struct with the same members, and a word in the variant.
#pragma once

#include <variant>

#include "psoas/muscle/curve_de_groote.hpp"
#include "psoas/muscle/curve_thelen.hpp"

namespace psoas {

/// Curve sets: the table that reader, writer, schema and help walk.
using Curve = std::variant<DeGrooteFregly, Thelen>;

}  // namespace psoas
