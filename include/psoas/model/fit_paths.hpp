// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Fits the paths of a model: smooth functions of length over the coordinates that each path depends on.
//   const ModelSpec fitted = fit_paths(read_model("models/full_body.json"));
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "psoas/model/spec.hpp"

namespace psoas {

struct FitOptions {
  double tolerance = 1e-4;  ///< greatest error of length that is aimed at [m], 1e-7 to 1
  int postures = 4000;      ///< on which errors are measured afterwards, 1 or more
  /// Called now and then with the share done, 0 to 1, and what is being done.
  std::function<void(double, const std::string&)> progress;
};

/// The model with `fitted` filled for every muscle and `paths` set to "fitted"; fitted paths that it already has do not
/// matter. Each path is cut at the points that are always part of it. What depends on the same independent coordinates is
/// fitted as one term over the ranges of those coordinates, a cheap one that stays within the tolerance where there is one;
/// stretches over several parallel cylinders, and those with which terms do not do, have their lengths from the places of
/// their ends (path/stretch.hpp). Moment arms are aimed at within ten tolerances. A left muscle that mirrors a right one is
/// fitted by it. Errors are measured on `postures` other postures, at the ends of the ranges, too. A muscle that misses the
/// tolerance keeps its best fit: worst_length_error says so. Postures in which an exact path ignores a surface
/// (Workspace::inside) are left out of its fit and its errors. The same spec gives the same bytes.
///
/// A muscle keeps its exact path, and `stays_exact` says why, where a stretch that is no straight line depends on a
/// coordinate whose range is empty or wider than two turns or 4 m, where one that is not over parallel cylinders depends on
/// more than six coordinates, and where the path has no length in any posture.
///
/// Throws Error(model) where the spec does not compile; Error(input) for options out of range.
ModelSpec fit_paths(const ModelSpec& spec, const FitOptions& options = {});

/// The text of a psoas-model/1 file that extends the model at `base`, a path relative to the new file, by fitted paths.
std::string fitted_text(const ModelSpec& fitted, const std::string& base);

}  // namespace psoas
