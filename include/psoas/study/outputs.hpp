// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Outputs by name, `<quantity>/<element>`: the same in studies, CSV columns, JSON and C++.
//   std::vector<Output> outputs = find_outputs(model, {"compression/*", "muscle_force/group:iliopsoas_r"}, true);
// Add a quantity: one line in the table of outputs.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "psoas/solve/forward.hpp"
#include "psoas/solve/inverse.hpp"
#include "psoas/study/kinds.hpp"

namespace psoas {

/// An instant that outputs are read from. `inverse` is null where no redundancy was solved, `forward` where nothing is
/// integrated: what only a simulation has is no number then.
struct Instant {
  const Model* model = nullptr;
  const Workspace* work = nullptr;
  std::span<const double> q, u, udot;
  std::span<const double> activation, tendon_force;
  const InverseSolver* inverse = nullptr;
  const ForwardDynamics* forward = nullptr;
};

/// A named number of an instant.
struct Output {
  std::string name, unit;
  std::function<double(const Instant&)> value;
};

/// A family of outputs, for help.
struct OutputFamily {
  std::string pattern;  ///< e.g. "moment_arm/<muscle>/<coordinate>"
  std::string unit, help;
  bool needs_inverse = false;
};

/// Outputs that names and globs mean, in the order of the list, each once. Throws Error(input) that names the nearest
/// output for one that matches nothing. `inverse` false leaves out what needs an InverseSolver at the instant;
/// `equations` are those of its redundancy problem, none where it does not solve one: no reserves then. `simulation` is
/// the question that a simulation answers; null leaves out what only a simulation has.
std::vector<Output> find_outputs(const Model& model, const std::vector<std::string>& patterns, bool inverse,
                                 std::span<const Equation> equations = {}, const SimulationStudy* simulation = nullptr);

/// What there is.
std::vector<OutputFamily> output_families();

}  // namespace psoas
