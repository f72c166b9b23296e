// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the cases of a finished sweep say: which factor matters, how an output spreads, what is worst. Numbers in,
// tables out; nothing here knows where the numbers are kept.
//   const SobolIndices which = sobol_indices(outputs, 12);   which.total[3].value   // share of variance of factor 3
//
// Common to all:
//   - One output at a time, one number a case, in the order of the cases. A number that is not finite (NaN in tables)
//     is a case that failed; what is left out for it is counted.
//   - An output whose numbers differ by no more than 1e-12 of the largest magnitude is constant: rounding, not an
//     effect. Shares of its variance are 0/0 and therefore NaN; so is what too few cases leave undefined.
//   - Random numbers come from seeds only: the same call gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psoas/core/linear.hpp"

namespace psoas {

/// A number estimated from a sample, and the bounds of its confidence interval, in the unit of the value. NaN where it
/// is undefined.
struct Estimate {
  double value = 0.0;
  double low = 0.0, high = 0.0;
};

/// How confidence intervals are found: the sample is drawn anew with replacement, and the interval lies between
/// percentiles of what the new samples give (percentile bootstrap, Efron & Tibshirani 1993, chapter 13). Resamples for
/// which the number is undefined do not count.
struct Bootstrap {
  int resamples = 1000;      ///< 0: no intervals (NaN)
  double confidence = 0.95;  ///< share of the interval, above 0 and below 1
  std::uint64_t seed = 0;
};

/// Percentile by linear interpolation between the values in order of size, the lowest being the 0th and the highest the
/// 100th percentile: x[k] + g (x[k+1] - x[k]) with k + g = percent/100 (n - 1) (definition 7 of Hyndman & Fan 1996).
/// All values count alike; those that are not finite are left out, and without any it is NaN. Throws Error(input) for a
/// percent outside [0, 100].
double percentile(std::span<const double> values, double percent);

// --- which factors matter --------------------------------------------------------------------------------------------

/// Shares of an output's variance, one of each a factor [-].
struct SobolIndices {
  /// First-order index V(E(y | x_i)) / V(y): the part of the variance that would go if factor i alone were known. From
  /// 0 to 1; an estimate may lie a little outside.
  std::vector<Estimate> first;
  /// Total index E(V(y | all but x_i)) / V(y): the part that would stay if all but factor i were known, interactions
  /// included. A factor with a total index of 0 may be fixed anywhere in its range.
  std::vector<Estimate> total;
  double mean = 0.0;                     ///< of y, over the matrices A and B
  double variance = 0.0;                 ///< of y, over the same (divided by their number)
  std::size_t samples = 0, dropped = 0;  ///< groups of cases that counted, and groups in which a case failed
};

/// Sobol indices from a Saltelli design. A and B are two independent samples of all factors; A_B^i is A with the column
/// of factor i from B. The cases come in groups, one a sample k of d factors: case k (d + 2) is row k of A, the next is
/// row k of B, the next d are row k of A_B^1 … A_B^d.
///
/// With outputs centred on their mean m, sums over n samples, and V the variance over A and B:
///     first_i = 1/n sum B (A_B^i - A) / V          (Saltelli et al. 2010, table 2, row b)
///     total_i = 1/(2 n) sum (A - A_B^i)^2 / V      (Jansen 1999; Saltelli et al. 2010, table 2, row f)
/// The first is without bias for this design and precise for factors that matter little, which is where a sweep must
/// decide; centring makes it precise for outputs far from zero too. The second cannot be negative, and is exactly 0 for
/// a factor that does nothing. Neither needs cases beyond the design.
///
/// A group with a failed case is left out whole, as its other cases alone would be a biased sample. Intervals resample
/// groups; for Sobol points, which fill space more evenly than random ones, they are on the wide side.
///
/// Takes time proportional to samples, factors and resamples: 0.1 s for 4096 samples of 12 factors.
/// Throws Error(input) where `y` is not a whole number of groups, factors < 0, or for a bootstrap out of range.
SobolIndices sobol_indices(std::span<const double> y, int factors, const Bootstrap& bootstrap = {});

/// Elementary effects, one of each a factor: change of the output by the change of the factor.
struct MorrisEffects {
  std::vector<Estimate> mu;       ///< mean effect (Morris 1991), signed
  std::vector<Estimate> mu_star;  ///< mean magnitude of the effect (Campolongo, Cariboni & Saltelli 2007): importance
  std::vector<Estimate> sigma;    ///< standard deviation of the effect (divisor r - 1): curvature and interaction
  std::size_t trajectories = 0, dropped = 0;  ///< r that counted, and those in which a case failed
};

/// Morris screening from trajectories. A trajectory is d + 1 consecutive rows of `points` (cases x d), each differing
/// from the one before in one factor, and each factor changes once, in any order and by any step. Effects are in units
/// of output by units of `points`: give points of the unit cube (the probability of each factor) to compare factors
/// that have different units. Without interactions and curvature sigma is 0; with one trajectory it is NaN. A constant
/// output has effects of about 0. Intervals resample trajectories.
/// Throws Error(input) where sizes do not agree, points are not such trajectories, or for a bootstrap out of range.
MorrisEffects morris_effects(const MatX& points, std::span<const double> y, const Bootstrap& bootstrap = {});

/// How an output goes with one factor, from cases of any sampler.
struct Association {
  /// Correlation ratio eta^2 [-]: sum over bins n_b (mean_b - mean)^2 / sum (y - mean)^2, from 0 to 1 (Pearson 1905).
  /// For independent factors it estimates the first-order Sobol index from any sample (Plischke, Borgonovo & Smith
  /// 2013).
  double correlation_ratio = 0.0;
  /// What correlation_ratio is expected to be for a factor that does nothing, (bins - 1) / (n - 1).
  double by_chance = 0.0;
  int bins = 0;  ///< that hold cases
  /// Spearman's rank correlation (1904), from -1 to 1, ties with their mean rank: how nearly the output rises (1) or
  /// falls (-1) all the way. Interval by Fisher's z with the standard error sqrt((1 + r^2 / 2) / (n - 3)) of Bonett &
  /// Wright (2000); NaN below 4 cases.
  Estimate rank_correlation;
};

/// Correlation ratio and rank correlation of the output with each column of `factors` (cases x d). Cases in which the
/// output or any factor is not finite are left out.
///
/// bins        of a factor. A factor with no more distinct values than this has one bin a value; else bins of equal
///             counts by rank, where equal values share the bin of the first of them. 0: the cube root of the number of
///             cases, from 2 to 50, which balances what bins blur against what chance adds.
/// confidence  of the interval of the rank correlation
///
/// A factor that has one value only has a correlation ratio of 0 and a rank correlation of NaN (0/0).
/// Throws Error(input) where sizes do not agree, for bins = 1 or below 0, and for a confidence outside (0, 1).
std::vector<Association> associations(const MatX& factors, std::span<const double> y, int bins = 0,
                                      double confidence = 0.95);

// --- how an output spreads -------------------------------------------------------------------------------------------

/// An output over the cases.
struct OutputSummary {
  std::size_t cases = 0, failed = 0;  ///< with a number, and without
  /// Mean, and the interval in which the mean of infinitely many cases is expected (Student's t for independent cases;
  /// on the wide side for Sobol points and Latin hypercubes). Bounds are NaN for one case.
  Estimate mean;
  double standard_deviation = 0.0;  ///< divisor n - 1; NaN for one case
  /// The share `confidence` of the cases lies between, as many below as above: a 95 % band from the 2.5th to the 97.5th
  /// percentile. This is how subjects differ, not how well the mean is known.
  double band_low = 0.0, band_high = 0.0;
  double lowest = 0.0, highest = 0.0;
  std::vector<double> percentiles;  ///< those asked for, in the order asked
};

/// Throws Error(input) for a percent outside [0, 100] and for a confidence outside (0, 1).
OutputSummary summarise(std::span<const double> y, std::span<const double> percents = {}, double confidence = 0.95);

/// Indices of the `count` cases with the largest magnitude of y, the largest first; of equals the earlier case comes
/// first. Failed cases are not among them, so there may be fewer.
std::vector<std::size_t> worst_cases(std::span<const double> y, std::size_t count);

// --- a formula in place of the model ---------------------------------------------------------------------------------

/// A quadratic in standardised factors z_i = (x_i - centre_i) / scale_i, fitted by least squares (Box & Wilson 1951).
struct ResponseSurface {
  /// A term of the sum: 1 where both factors are -1, z_first where only the second is, else z_first z_second.
  struct Term {
    int first = -1, second = -1;
    double coefficient = 0.0;  ///< [unit of the output]
  };

  std::vector<double> centre,
      scale;                ///< mean and standard deviation of each factor over the cases [unit of the factor]
  std::vector<Term> terms;  ///< constant, linear, then squares and products
  /// 1 - sum of squared residuals / sum (y - mean)^2 over the cases fitted [-]. Rises with every term, useful or not.
  double r_squared = 0.0;
  double residual_rms = 0.0;  ///< root mean square of the residuals [unit of the output]
  /// The same two for cases that the fit had not seen (k-fold cross-validation, Stone 1974): what to expect of a new
  /// case. NaN where the cases without one fold are too few, or too much alike, to tell the terms apart.
  double validated_r_squared = 0.0, validated_rms = 0.0;
  std::size_t cases = 0, dropped = 0;  ///< fitted, and left out because a number is not finite

  /// The output that the formula gives for factors x, in their own units.
  double operator()(std::span<const double> x) const;
};

/// Fits a response surface to `y` over the columns of `factors` (cases x d): 1 + d + d (d + 1) / 2 terms. A factor that
/// has one value has no terms (and a scale of 1), one that has two has no square, as nothing in the cases tells them
/// apart. Householder QR in one pass over the cases, which never holds the matrix of cases by terms; folds are drawn by
/// `seed`, differ in size by at most one, and are as many as cases where there are fewer.
/// Throws Error(input) where sizes do not agree, folds < 2, fewer cases than terms are left, or factors determine each
/// other, so that terms cannot be told apart.
ResponseSurface response_surface(const MatX& factors, std::span<const double> y, int folds = 10,
                                 std::uint64_t seed = 0);

}  // namespace psoas
