// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the file of a sweep says: analysis.hpp applied to its scalars, as far as its sampler allows.
//   const SweepAnalysis found = analyse(Store::open("results/subjects.db"));
//   write_file_atomically("results/subjects_analysis.json", analysis_json(found));
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "psoas/sweep/analysis.hpp"
#include "psoas/sweep/store.hpp"

namespace psoas {

/// What of a sweep is analysed, and how.
struct AnalysisOptions {
  std::vector<std::string> scalars;  ///< names, with globs; empty: all that were recorded
  std::size_t worst = 3;             ///< cases of each scalar that are named
  Bootstrap bootstrap;               ///< its confidence counts for all intervals
  std::function<void(double share_done, const std::string& scalar)> progress;
};

/// A dimension of a sweep's design: a factor with values of its own. The first of zipped factors stands for all.
struct DesignFactor {
  Quantity factor;
  std::vector<std::string> zipped;  ///< names of the others
};

/// A case and its value of a scalar.
struct NotedCase {
  std::uint64_t index = 0;
  double value = 0.0;
  std::vector<double> factors;  ///< all of the file, in its order
};

/// What a sweep says of one scalar. Lists go by design factor. Only cases that are `ok` have a number.
struct ScalarAnalysis {
  Quantity scalar;
  OutputSummary summary;                  ///< `failed`: cases that are ok and have no number; percentile 50
  std::optional<SobolIndices> sobol;      ///< sampler sobol with indices
  std::optional<MorrisEffects> morris;    ///< sampler morris; effects by steps of probability
  std::vector<double> slopes;             ///< and their mean by steps of the factor; none where a step changed no value
  std::vector<Association> associations;  ///< all but morris
  std::optional<ResponseSurface> surface;
  std::string no_surface;        ///< why there is none
  std::vector<NotedCase> worst;  ///< largest magnitudes, the largest first
};

/// What a sweep says.
struct SweepAnalysis {
  std::string title, fingerprint;
  std::string sampler;                      ///< its name
  std::uint64_t cases = 0;                  ///< that the file is to hold
  std::array<std::uint64_t, 4> finished{};  ///< by status
  std::uint64_t missing = 0;
  bool correlated = false;  ///< some factors are, so that shares of variance belong to no single one
  std::vector<DesignFactor> factors;
  std::vector<std::string> columns;  ///< names of all factors of the file, expressions included
  double confidence = 0.0;
  int resamples = 0;
  std::uint64_t seed = 0;
  std::vector<ScalarAnalysis> scalars;
};

/// Analyses the file of a sweep, or of a part of one. Of each scalar its spread and worst cases; and by sampler
///   sobol with indices  Sobol indices; correlations and response surface from the matrices A and B
///   morris              elementary effects
///   others              correlations and response surface from all cases
/// A group of cases of the first two that is not whole is left out and counted. The response surface is fitted to
/// cases drawn by the seed where there are so many that it would take longer than seconds.
///
/// Scalars are read in groups: memory is 8 bytes a case and factor, 80 bytes a case, and up to 64 MB of scalars.
///
/// Throws what Store throws; Error(input) for a name that no scalar matches, where no case is ok, where the file's sweep
/// cannot be read, and for a bootstrap out of range.
SweepAnalysis analyse(const Store& store, const AnalysisOptions& options = {});

/// A psoas-analysis/1 file. The same analysis gives the same bytes.
std::string analysis_json(const SweepAnalysis& analysis);

}  // namespace psoas
