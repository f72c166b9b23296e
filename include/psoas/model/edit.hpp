// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Changes to named elements of a model: what a study's "edits" say, and the same from C++.
//   auto tight = model.with(psoas::scale("group:iliopsoas", "optimal_fibre_length", 0.95));
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/model/spec.hpp"

namespace psoas {

/// What a field is given: a number, as many numbers as a field has that is a list, such as a mass centre, or a word.
struct Value {
  std::vector<double> numbers;
  std::optional<std::string> word;
};

/// A selection and what is done to it. Exactly one of muscles, joints, bodies, passive, planes and
/// spheres is given. Selections are
/// names, globs (`psoas_*_r`) or for muscles `group:<name>`; each must match something.
struct Edit {
  std::optional<std::string> name;
  std::vector<std::string> muscles, joints, bodies, passive, planes, spheres;
  Named<Value> set;
  Named<double> scale;               ///< of a field that is a list, all of its numbers
  Named<std::vector<double>> shift;  ///< one amount, or as many as the field has numbers
  bool remove = false;
  /// The lost hip extension [deg] that the edit's one number is to be found for; the number given is where the search
  /// starts. A study finds it; apply() takes no edit that still has one.
  std::optional<double> match_delta_theta_deg;
};

/// An edit that multiplies a field of muscles. Throws nothing; applying it may.
Edit scale(const std::string& muscles, const std::string& field, double factor);
/// An edit that adds to a field of muscles [the field's SI unit].
Edit shift(const std::string& muscles, const std::string& field, double amount);
/// An edit that gives a field of muscles a value [the field's SI unit].
Edit set(const std::string& muscles, const std::string& field, double value);

/// Muscle names that a selection means: a name, a glob, or "group:" and a group with an optional _r or _l.
/// Empty where it matches nothing.
std::vector<std::string> select_muscles(const ModelSpec& spec, std::string_view selection);

/// Applies edits in order. Every problem is added with its pointer below `pointer` ("/edits"), and the edit that has it
/// is left out. A result outside the field's range is a problem.
void apply(const std::vector<Edit>& edits, const std::string& pointer, ModelSpec& spec, std::vector<Problem>& problems);

/// The fields of muscles whose change is a change of resting length, stiffness or tone (SCIENCE: shortened resting
/// length): optimal_fibre_length, tendon_slack_length, passive_strain, passive_scale, minimum_activation.
bool is_shortening_field(std::string_view field);

/// Size of a subject: mass [kg] and factors by body (x, y, z in the body frame).
struct Subject {
  std::optional<double> mass, height;
  Named<Vec3> scale;
};

/// The model at a subject's size: points, mass centres, joint frames and surfaces by the factors of their body, masses
/// in proportion to the subject's, inertia with the squares of lengths, optimal fibre and tendon slack length in
/// proportion to each path's neutral length (which keeps the operating range), and maximum isometric force with
/// mass^(2/3). A wrap is allowed a point inside its surface where the factors bring one there. Problems are added with pointers below `pointer` ("/subject").
ModelSpec scaled(const ModelSpec& spec, const Subject& subject, const std::string& pointer,
                 std::vector<Problem>& problems);

}  // namespace psoas
