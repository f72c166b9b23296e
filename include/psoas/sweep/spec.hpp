// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A sweep file, read, and the cases that it means.
//   SweepSpec sweep = read_sweep("examples/sweep/tightness_grid.json");   Cases cases(sweep);
//   std::vector<double> values(cases.factors());
//   for (std::uint64_t k = 0; k < cases.count(); ++k) if (cases.at(k, values) == Verdict::run) …
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/study/study.hpp"
#include "psoas/sweep/distribution.hpp"
#include "psoas/sweep/sampler.hpp"

namespace psoas {

/// A number computed from factors: a small declared set, and no scripting language. In JSON a number is itself, a text
/// is the factor of this name, {"scale": {"of": x, "by": 0.5}}, {"ratio": [x, y]}, and {"sum": […]}, {"product": […]},
/// {"min": […]}, {"max": […]} of one or more.
struct Expression {
  enum class Operation { constant, factor, sum, product, ratio, min, max };
  Operation operation = Operation::constant;
  double value = 0.0;          ///< of a constant
  std::string factor;          ///< name of a factor
  std::size_t index = 0;       ///< its place among the factors; found by check_sweep()
  std::vector<Expression> of;  ///< what is combined
  std::string pointer;         ///< where it stands in the file

  /// The value after those of the factors.
  double operator()(std::span<const double> factors) const;
};

/// What a sweep varies: the numbers of one or more places of the study or its model, all by the same value.
struct Factor {
  std::string name;                      ///< what expressions, columns and tables call it
  std::string pointer;                   ///< as the file writes it; empty: only expressions use it
  std::vector<std::string> targets;      ///< the places: "/subject/mass", "/model/muscles/…"; none without a pointer
  Values values;                         ///< where it is no expression
  std::optional<Expression> expression;  ///< computed from other factors
  std::size_t dimension = 0;             ///< coordinate of the design; zipped factors share one. Found by check_sweep()

  /// Where it stands in the file.
  std::string place() const;
};

/// A comparison that every case must satisfy.
struct Constraint {
  std::string relation;  ///< "<", "<=", ">" or ">="
  Expression left, right;

  bool holds(std::span<const double> factors) const;
};

/// Correlation of normal distributions; of other factors, of the normal numbers whose shares are theirs (Gaussian
/// copula): x = F^-1(Phi(z)), z normal with this matrix.
struct Correlation {
  std::vector<std::string> factors;
  std::vector<std::vector<double>> matrix;  ///< symmetric, ones on the diagonal, positive definite
  static void each(auto& self, auto&& see) {
    see("factors", self.factors, Info{"", "names of the correlated factors"});
    see("matrix", self.matrix, Info{"1", "a row a factor: symmetric, ones on the diagonal, positive definite", -1, 1});
  }
};

/// Which whole curves are kept, and of which cases.
struct SeriesRecord {
  std::vector<std::string> outputs;
  std::vector<int> cases;
  int every = 0;
  static void each(auto& self, auto&& see) {
    see("outputs", self.outputs, Info{"", "names of outputs, with globs"});
    see("cases", self.cases, Info{"1", "numbers of cases, from 0", 0, 1e9});
    see("every", self.every, Info{"1", "and every so many cases from the first on; 0: none", 0, 1e9});
  }
};

/// A psoas-sweep/1 file.
struct SweepSpec {
  std::string path, title, note;
  StudySource base;  ///< the study that is varied
  std::vector<Factor> factors;
  std::vector<std::vector<std::string>> zipped;  ///< names of factors that move together
  std::optional<Correlation> correlation;
  std::vector<Constraint> constraints;
  Sampler sampler;
  std::vector<std::string> record;  ///< names of scalars, with globs
  std::optional<SeriesRecord> series;
  std::string provenance;  ///< JSON text: the sweep, its base study with model and tables, its own tables

  /// "file:line: pointer" for messages.
  std::function<std::string(const std::string& pointer)> where;
};

/// Reads a psoas-sweep/1 file and its base study and finds every place that it varies. Throws Error with every problem
/// of the sweep file with file, line and pointer, before anything is computed; and what read_study() throws for the base.
SweepSpec read_sweep(const std::string& path);
/// The same of a text that stands in, or stands for, the file of this path: other files are named beside it.
SweepSpec read_sweep(const StudySource& source);

/// Reads a sweep back from SweepSpec::provenance, as the file of a sweep keeps it, without its base, its places or any
/// file: enough for its factors, its design and its cases. A column of a table that was too large to be embedded has one
/// value, nan. `path`: the file that the text is from, for messages. Throws Error(input) where it is no recorded sweep.
SweepSpec recorded_sweep(const std::string& provenance, const std::string& path);

/// Finds what names mean, gives every factor its dimension, and adds every problem that a sweep has on its own, without
/// its base, with its pointer: unknown names, expressions in a circle, a correlation that is not positive definite, too
/// many cases, factors that the sampler cannot vary …
void check_sweep(SweepSpec& sweep, std::vector<Problem>& problems);

/// What is done with a case.
enum class Verdict {
  run,
  dropped,    ///< a constraint does not hold
  not_finite  ///< a factor's value is no finite number, as after a ratio to 0
};

/// The cases of a sweep. Nothing is stored a case; const and shared by threads.
class Cases {
 public:
  /// Throws Error(input) where check_sweep() finds a problem.
  explicit Cases(SweepSpec sweep);

  /// Number of cases, those included that constraints drop.
  std::uint64_t count() const { return design_->count(); }
  std::size_t factors() const { return factors_.size(); }
  const Design& design() const { return *design_; }

  /// Writes the values of all factors in case k, in the order of the file, and says what to do with it. k < count().
  Verdict at(std::uint64_t k, std::span<double> values) const;

  /// How many cases from `first` to before `last` constraints drop.
  std::uint64_t dropped(std::uint64_t first, std::uint64_t last) const;

 private:
  std::vector<Factor> factors_;
  std::vector<std::size_t> order_;  // of factors that are expressions: each after those that it uses
  std::vector<Constraint> constraints_;
  std::vector<std::size_t> correlated_;  // dimensions, rising
  std::vector<double> lower_;            // their matrix's Cholesky factor, row by row
  std::optional<Design> design_;
};

/// JSON schema (draft 2020-12) of psoas-sweep/1.
std::string sweep_schema();

}  // namespace psoas
