// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A table of coordinates over time, turned into the model's independent coordinates.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "study/answer.hpp"

namespace psoas {

/// A recorded motion in the model's coordinates, before it is smoothed.
struct Recording {
  std::vector<double> time;                  ///< [s]
  std::vector<std::vector<double>> columns;  ///< per independent coordinate [rad, m]
  std::vector<std::string> held, unused;     ///< coordinates that are held; columns that the model does not know
  double trunk_change = 0.0;                 ///< greatest change of a trunk coordinate by the level product [rad]
};

/// A simulation's result has the model's own coordinates, `coordinate/<c>`, among its outputs: these become the columns
/// of a recording. Whether it is one.
bool takes_own_coordinates(Table& table);

/// Reads a table whose columns are independent coordinates. Each must have one, or a value in `hold`, which stands in the
/// study at `pointer`, unless it is `needless` (one flag a coordinate; none: no), which then stays at 0. With
/// `orientation` the trunk's columns are the orientation of the thorax on the pelvis in one joint, and the levels' rotations
/// are made to multiply to it. Where the model's levels are free and those of the study's model are not, the recording is
/// of the latter's coordinates, and its rhythm shares it out. Throws Error(input) with file and row, Error(numeric) for a trunk beyond reach.
Recording read_recording(const Study& study, const Model& model, Table table, const Named<double>& hold,
                         const std::string& pointer, bool orientation, std::span<const char> needless = {});

}  // namespace psoas
