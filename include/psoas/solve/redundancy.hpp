// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The convex problem of muscle redundancy at one instant: which activations and contact forces explain the moments?
//
//   minimise  sum_i w_i |x_i|^p_i + sum_j (r_j / r0_j)^2   subject to  A x + r = b,  low_i <= x_i <= high_i
//
// Variables without bounds whose cost is their square need no place in x: their columns G enter as G^T G (`give`).
//
//   RedundancySolver solver(38, 330);  RedundancySolution answer;
//   fill(problem);  solver.solve(problem, answer);  use(answer.x, answer.reserve);
//
// This layer knows numbers only: what an equation or a variable means, and their units, is the caller's. In the text
// below "N·m" stands for the unit of the equation (N for a root force) and x has its own (1 for an activation, N for
// a contact force).
#pragma once

#include <memory>
#include <span>
#include <vector>

namespace psoas {

/// One problem. Sized once by `resize`, then refilled for each frame; `column_start`, `row` and `value` hold A by
/// columns (the entries of column i are column_start[i] … column_start[i + 1] - 1, rows strictly ascending).
struct RedundancyProblem {
  int equations = 0;  ///< m, rows of A
  int variables = 0;  ///< n, columns of A

  std::vector<int> column_start;  ///< n + 1 offsets into `row` and `value`
  std::vector<int> row;           ///< the equation of each entry, 0 … m - 1
  std::vector<double> value;      ///< the entries of A, N·m per unit of x

  std::vector<double> target;         ///< b, the moment to explain, N·m
  std::vector<double> reserve_scale;  ///< r0 > 0, N·m: small makes reserves dear

  /// S, m x m, symmetric positive semidefinite, or nothing. Of free variables y of cost |y|^2 that explain G^T y it is
  /// G^T G; they explain S lambda / 2 in all, and y = G lambda / 2.
  std::vector<double> give;

  std::vector<double> weight;  ///< w > 0
  std::vector<double> power;   ///< p >= 1.5
  std::vector<double> low;     ///< least x, may be -infinity
  std::vector<double> high;    ///< greatest x >= low, may be +infinity

  /// Makes room for `m` equations, `n` variables and `entries` of A. Variables start as an activation with weight 1,
  /// power 2 and bounds 0 … 1, reserves with scale 1; A and b start as zero.
  void resize(int m, int n, int entries = 0);

  /// Whether the sizes agree, rows ascend and every number is in its range. `solve` checks this too.
  bool valid() const;
};

/// The answer to one problem, and how good it is.
struct RedundancySolution {
  std::vector<double> x;           ///< the n variables, always inside their bounds
  std::vector<double> reserve;     ///< r, the m moments that the variables leave unexplained, N·m
  std::vector<double> multiplier;  ///< lambda = d cost / d b, per N·m; a good `warm_start` for the next frame
  double residual = 0;             ///< `certificate` of this answer; infinity where there is none
  double cost = 0;                 ///< the value of the objective
  int iterations = 0;              ///< linear systems solved
  bool converged = false;          ///< residual <= RedundancyOptions::accept
};

/// When to stop, and where to start.
struct RedundancyOptions {
  double tolerance = 1e-10;  ///< stop as soon as the residual is this small
  double accept = 1e-8;      ///< call an answer converged up to this residual
  int max_iterations = 200;  ///< linear systems, at most
  /// Multipliers of a problem nearby, m of them; empty starts cold. The answer is the same within the tolerance; where all
  /// powers are 2 to the last bit, unless rounding leaves open whether a bound holds a variable.
  std::span<const double> warm_start = {};
};

/// How far (x, reserve, multiplier) is from satisfying the conditions of optimality, computed from the problem alone.
/// The largest of
///   moment error         |A x + r + S lambda / 2 - b|_j / max(1, |b_j|)
///   bound violation      of x_i, / max(1, |bound|)
///   stationarity         |w_i p_i |x_i|^(p_i - 1) sign(x_i) - (A^T lambda)_i| / (p_i w_i max(1, |x_i|)^(p_i - 1)); on
///                        a bound only the part that points into the interval counts
///   reserve stationarity |r_j - r0_j^2 lambda_j / 2| / max(1, |b_j|)
/// For activations, 0 <= x <= 1, the stationarity is |…| / (p w). The rounding of the sum, 4 epsilon sum_j |A_ji
/// lambda_j|, is first taken off its |…|: below that nothing can be told. This matters only where w is tiny beside
/// the terms of the sum: nearly free contact forces next to large reserves. The problem is strictly convex, so a small certificate means the one solution. Infinity
/// for sizes that disagree or values that are not finite.
double certificate(const RedundancyProblem& problem, const RedundancySolution& solution);

/// Solves redundancy problems up to a size, one after another. Allocates when made and, if the solution has not the
/// size yet, to size it; never otherwise. Keeps nothing of the last problem but what it worked out about rows and powers,
/// which saves time where the next has the same: equal input gives equal bytes. One per thread.
class RedundancySolver {
 public:
  /// Room for `max_equations` and `max_variables`.
  RedundancySolver(int max_equations, int max_variables);
  ~RedundancySolver();
  RedundancySolver(RedundancySolver&&) noexcept;
  RedundancySolver& operator=(RedundancySolver&&) noexcept;

  /// Solves by a semismooth Newton method on the dual with an exact line search (bracketed, on the monotone directional
  /// derivative), finished by primal-dual Newton steps. Faster where many variables have entries in the same equations and
  /// equal powers. Moments that no x can explain appear as reserves. Never throws:
  /// a problem that is not valid or too large gives converged = false and residual = infinity.
  void solve(const RedundancyProblem& problem, RedundancySolution& solution, const RedundancyOptions& options = {});

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace psoas
