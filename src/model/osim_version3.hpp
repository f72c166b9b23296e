// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// .osim files of OpenSim 2 and 3, where a joint is written inside the body that it carries.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <utility>
#include <vector>

namespace psoas::osim {

/// Rewrites a <Model> of a version from 20000 to 39999 as OpenSim 4 writes it: joints in a JointSet with offset frames,
/// ground as an element of its own, sockets in place of names, applied and enforced in place of disabled. Returns
/// what cannot be written so, with the element. Moved elements keep their place in the file; new ones have none.
std::vector<std::pair<pugi::xml_node, std::string>> to_version_4(pugi::xml_node model);

}  // namespace psoas::osim
