// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Every muscle's path over the whole range of motion: jumps, kinks, sign flips, ignored surfaces, asymmetry.
//   Certificate found = check_range_of_motion(Model::load("models/full_body.json"));   found.clean
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "psoas/core/kind.hpp"
#include "psoas/model/model.hpp"

namespace psoas {

/// What is scanned, and what counts as wrong.
struct RangeOfMotionOptions {
  int samples = 100;  ///< postures a muscle, through each of which a line runs along each of its coordinates
  std::function<void(double done, const std::string& what)> progress;  ///< share done, 0 … 1; may be empty
};

/// The greatest of something, and where.
struct PathExtreme {
  double value = 0.0;
  std::string muscle, coordinate;
  Named<double> posture;
  static void each(auto& self, auto&& see) {
    see("value", self.value, Info{"", "the greatest value"});
    see("muscle", self.muscle, Info{"", "of which muscle"});
    see("coordinate", self.coordinate, Info{"", "along which coordinate, or empty"});
    see("posture", self.posture, Info{"rad or m", "values of the coordinates on which the muscle depends"});
  }
};

/// Something wrong with a muscle's path, where it is worst.
struct PathFault {
  std::string kind, muscle, coordinate;
  double size = 0.0;
  int places = 0;
  Named<double> posture;
  static void each(auto& self, auto&& see) {
    see("kind", self.kind,
        Info{"",
             "length_jump: by more than the moment arm explains; arm_jump: a kink in the length; arm_sign_flip: a jump "
             "of the moment arm across zero; inside: a surface was ignored, or "
             "a point is about to go through the half-plane behind a directed cylinder; beyond_end: the path touches a "
             "cylinder "
             "beyond its end; history: another value after another posture; not_finite: no number",
             -inf, inf, "length_jump arm_jump arm_sign_flip inside beyond_end history not_finite"});
    see("muscle", self.muscle, Info{"", "muscle"});
    see("coordinate", self.coordinate, Info{"", "along which coordinate, or empty"});
    see("size", self.size,
        Info{"",
             "of jumps and differences in m (1 for an arm about a translation); of inside and beyond_end the share of "
             "postures"});
    see("places", self.places, Info{"", "how often it was met", 0});
    see("posture", self.posture,
        Info{"rad or m",
             "values of the coordinates on which the muscle depends; of inside and beyond_end the nearest to the "
             "default"});
  }
};

/// Fibres at rest that go slack or leave the range of their curves.
struct FibreRange {
  std::string muscle;
  std::array<double, 2> norm_length{};
  double outside = 0.0;
  static void each(auto& self, auto&& see) {
    see("muscle", self.muscle, Info{"", "muscle"});
    see("norm_length", self.norm_length, Info{"1", "least and greatest l / l0 in equilibrium at minimum activation"});
    see("outside", self.outside, Info{"1", "share of postures in which the unit is slack or outside its curves", 0, 1});
  }
};

/// What was scanned and what was found; the content of a psoas-certificate/1 file.
struct Certificate {
  std::string program, model, model_hash;
  bool clean = false;
  int muscles = 0, samples = 0;
  double paths = 0.0, flagged = 0.0;
  double length_limit = 1e-6, arm_limit = 1e-4;
  Named<std::array<double, 2>> ranges;
  std::optional<PathExtreme> length_jump, arm_jump, steepest_arm, asymmetry;
  int mirrored = 0;
  std::vector<PathFault> problems;
  Named<double> steep_arms;
  Named<Named<std::array<double, 2>>> sign_changes;
  std::vector<FibreRange> fibres;
  static void each(auto& self, auto&& see) {
    see("program", self.program, Info{"", "program and version"});
    see("model", self.model, Info{"", "the model's name"});
    see("model_hash", self.model_hash,
        Info{"",
             "FNV-1a (64 bits) of what the model's text says beyond defaults, without its certificate and fitted "
             "paths"});
    see("clean", self.clean, Info{"", "no problems"});
    see("muscles", self.muscles, Info{"", "muscles scanned", 0});
    see("samples", self.samples, Info{"", "postures a muscle through which lines were laid", 0});
    see("paths", self.paths, Info{"", "paths evaluated"});
    see("flagged", self.flagged,
        Info{"", "of these, outside the domain that the model declares; no problem is sought there"});
    see("length_limit", self.length_limit, Info{"m", "least jump of length that counts"});
    see("arm_limit", self.arm_limit, Info{"m", "least jump of a moment arm that counts"});
    see("ranges", self.ranges, Info{"rad or m", "coordinates and what was scanned of them"});
    see("length_jump", self.length_jump, Info{"m", "greatest jump of a length; absent: none above the limit"});
    see("arm_jump", self.arm_jump, Info{"m", "greatest jump of a moment arm; absent: none above the limit"});
    see("steepest_arm", self.steepest_arm, Info{"m/rad", "fastest continuous change of a moment arm"});
    see("asymmetry", self.asymmetry,
        Info{"m", "greatest difference in length of a left and a right muscle in mirrored postures"});
    see("mirrored", self.mirrored, Info{"", "pairs of muscles compared", 0});
    see("problems", self.problems, Info{"", "what is wrong, one a muscle and kind"});
    see("steep_arms", self.steep_arms,
        Info{"m/rad",
             "muscles with a moment arm that changes by over 5 mm a degree, and the most (no problem by itself)"});
    see("sign_changes", self.sign_changes,
        Info{"m",
             "muscles, coordinates of joints, and least and greatest moment arm, as if uncoupled, where these are "
             "below -1 mm and above 1 mm (no problem by itself)"});
    see("fibres", self.fibres, Info{"", "fibres outside their domain (no problem by itself)"});
  }
};

/// Scans every muscle's path over the ranges of the coordinates on which it depends. Through each of `samples` postures
/// (the default one, a set that fills the box, and every fourth at a corner) runs a line along each coordinate, in steps
/// of about 1 degree; steps that the moment arms do not explain are halved until a jump is told from a steep change.
/// Corners are evaluated as well. A range beyond half a turn or 1 m to either side of the default is cut there.
///
/// It is the exact paths that are scanned, of a model with fitted ones, too. Postures outside the domain that the model
/// declares are counted only. Deterministic. Throws Error(input) for fewer
/// than one sample.
Certificate check_range_of_motion(const Model& model, const RangeOfMotionOptions& options = {});

/// The text of a psoas-certificate/1 file.
std::string certificate_text(const Certificate& certificate);
/// Reads a psoas-certificate/1 file. Throws Error(io), or Error(input) that lists every problem.
Certificate read_certificate(const std::string& path);
/// What a certificate knows a model by: a hash of its text without the name of its certificate and without
/// fitted paths.
std::string model_hash(const ModelSpec& spec);

}  // namespace psoas
