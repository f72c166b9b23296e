// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle curve sets: how active force, passive force and tendon force depend on normalised length and velocity.
//   const CompiledCurve curve = compile(Curve{Millard{}});
//   double f = std::visit([](const auto& c) { return c.active_force_length(1.1); }, curve);
// All arguments and values are normalised: fibre length by optimal fibre length, fibre velocity by the greatest
// shortening velocity (lengthening +), tendon length by tendon slack length, force by greatest isometric force.
// A law is a template on the scalar. Its `_jet` gives the value with slope and curvature in closed form; energies are
// integrals of force over length from where the force is 0. Active force is a fL(l) fV(v; a): force over velocity takes
// the activation a, on which it depends in Thelen's set alone.
// Add a new set: a struct with the same members, and a word in the variant. A set that computes something once from its
// fields leaves its laws to another class and gives a `compile` for it, as Millard does.
#pragma once

#include <variant>

#include "psoas/muscle/curve_de_groote.hpp"
#include "psoas/muscle/curve_millard.hpp"
#include "psoas/muscle/curve_thelen.hpp"

namespace psoas {

/// Curve sets as models write them: the table that reader, writer, schema and help walk.
using Curve = std::variant<DeGrooteFregly, Millard, Thelen>;

/// The form in which a set is evaluated. Throws Error(input) for fields that give no curve.
inline MillardLaws compile(const Millard& set) { return set; }
inline DeGrooteFregly compile(const DeGrooteFregly& set) { return set; }
inline Thelen compile(const Thelen& set) { return set; }

/// Any set in the form in which it is evaluated.
template <class>
struct Compiled;
template <class... Set>
struct Compiled<std::variant<Set...>> {
  using type = std::variant<decltype(compile(Set{}))...>;
};
using CompiledCurve = Compiled<Curve>::type;

inline CompiledCurve compile(const Curve& curve) {
  return std::visit([](const auto& set) { return CompiledCurve(compile(set)); }, curve);
}

}  // namespace psoas
