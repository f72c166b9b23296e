// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Importing OpenSim 4 models (.osim, XML).
//   OsimImport import = read_osim("subject_2.osim");   for (auto& note : import.notes) std::cerr << note << "\n";
// Add a joint of elementary axes, a muscle class or a function: its row or branch in src/model/osim.cpp.
#pragma once

#include <string>
#include <vector>

#include "psoas/model/spec.hpp"

namespace psoas {

/// A model as an .osim file has it, and what of the file did not come along or came along changed.
struct OsimImport {
  ModelSpec spec;
  std::vector<std::string> notes;  ///< one line each, names included
};

/// Reads an OpenSim 4 model; names, order and numbers are those of the file.
///
/// Imported: bodies; offset frames; Weld, Pin, Slider, Universal, Gimbal, Ball, Planar, Free and Custom joints;
/// functions (LinearFunction, Constant, PolynomialFunction, SimmSpline, MultiplierFunction); coordinates; coordinate
/// couplers; Millard2012Equilibrium, Thelen2003 and DeGrooteFregly2016 muscles with points, conditional points and
/// wraps; wrapping cylinders (without their ends) and spheres; groups of muscles; gravity. Joints named hip_r and hip_l
/// become the hips. Each muscle class gets its own curve set with the parameters of the file, as OpenSim uses them: it
/// takes no least active force and no slope at vmax for Millard's damped or rigid muscles, and at least some for its
/// other ones, whatever the file says. Not taken over: a maximal pennation angle.
///
/// Contact spheres become points of foot contact. What is not imported and leaves the mechanism as it is (markers,
/// actuators, other contact geometry and contact forces, geometry for display, other muscles) is noted. Throws Error(io)
/// when the file cannot be read and Error(input) that lists every problem with file and line: malformed XML, missing or
/// malformed values, unknown frames or names, and structure that psoas cannot represent (other joints, functions and
/// constraints, moving path points, closed loops).
OsimImport read_osim(const std::string& path);

}  // namespace psoas
