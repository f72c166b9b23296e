// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Importing OpenSim models (.osim, XML).
//   OsimImport import = read_osim("subject_2.osim");   for (auto& note : import.notes) std::cerr << note << "\n";
// Add a joint of elementary axes, a muscle class or a function: its row or branch in src/model/osim*.
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

/// Reads an OpenSim model of version 2, 3 or 4; names, order and numbers are those of the file.
///
/// Imported: bodies; offset frames; all of OpenSim's joints; functions with a slope; coordinates; couplers of one
/// coordinate; muscles with points, conditional and moving points and wraps; wrapping surfaces; bushings, coordinate
/// limits and ligaments of Blankevoort; groups of muscles; gravity. Joints named hip_r and hip_l become the hips. A Millard, Thelen or De
/// Groote-Fregly muscle gets its own curve set with the parameters of the file, as OpenSim uses them: it takes no least
/// active force and no slope at vmax for Millard's damped or rigid muscles, and at least some for its other ones,
/// whatever the file says; older classes get the nearest of these. Not taken over: a maximal pennation angle.
///
/// Contact spheres become points of foot contact. What is not imported (markers, actuators, other ligaments, other contact
/// geometry and forces, constraints other than couplers, locks, geometry for display) is noted by name. Throws Error(io)
/// when the file cannot be read and Error(input) that lists every problem with file and line: malformed XML, missing or
/// malformed values, unknown frames or names, and structure that psoas cannot represent (functions with steps or of
/// several coordinates, reversed joints, closed loops of joints). docs/opensim.md is the whole list.
OsimImport read_osim(const std::string& path);

/// One of OpenSim's ExternalForce: what the names of a table's columns start with, and the bodies that frames belong to.
struct OsimExternalForce {
  std::string name, body, force, point, torque, force_frame, point_frame;
};

/// OpenSim's ExternalLoads: the table, as the file names it, and the forces that act.
struct OsimExternalLoads {
  std::string data_file;
  std::vector<OsimExternalForce> forces;
};

/// Reads the text of an ExternalLoads file (.xml) called `path`. Forces that the file switches off are left out. Throws
/// Error(input) that lists every problem with its line.
OsimExternalLoads parse_external_loads(const std::string& path, std::string text);

}  // namespace psoas
