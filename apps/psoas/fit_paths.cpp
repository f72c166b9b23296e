// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas fit-paths: a model's paths as smooth functions, with their measured error.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/fit_paths.hpp"
#include "psoas/report/text.hpp"
#include "psoas/study/study.hpp"

namespace psoas::app {
namespace {

constexpr double doubtful_arm = 2e-3;  // [m] errors of moment arms that are listed whatever the tolerance

struct Options {
  std::string model, tolerance = "0.1", output;
};

int fit(const Options& options) {
  namespace fs = std::filesystem;
  FitOptions how;
  char* end = nullptr;
  how.tolerance = 1e-3 * std::strtod(options.tolerance.c_str(), &end);
  if (options.tolerance.empty() || *end != '\0' || !(how.tolerance >= 1e-7 && how.tolerance <= 1e-2))
    throw Error(Kind::input, "--tolerance-mm",
                "expected a length [mm] from 0.0001 to 10, found " + in_quotes(options.tolerance));
  const fs::path given = options.model;
  const fs::path output = options.output.empty() ? given.parent_path() / (given.stem().string() + "_fitted.json")
                                                 : fs::path(options.output);
  std::error_code ignored;
  fs::path model = given;
  ModelSpec spec;
  if (format_of(options.model) == "psoas-study/1") {
    // the study's model at the size of its subject and with its edits, which the study makes again
    const Study study = read_study(options.model);
    spec = study.model;
    model = given.parent_path() / json::parse(study.provenance)["study"]["model"].get<std::string>();
  } else {
    spec = read_model(options.model);
  }
  if (fs::weakly_canonical(fs::absolute(output), ignored) == fs::weakly_canonical(fs::absolute(model), ignored))
    throw Error(Kind::input, "--output", "expected another file than the model, which the new file extends");
  if (ending_of(output.string()) != ".json")
    throw Error(Kind::input, "-o " + output.string(), "expected a name that ends in .json");
  if (spec.muscles.empty()) throw Error(Kind::input, options.model, "expected a model with muscles, found none");

  const double start = clock_seconds();
  ModelSpec fitted;
  {
    Progress progress;
    how.progress = [&](double share, const std::string& what) { progress(share, what); };
    try {
      fitted = fit_paths(spec, how);
    } catch (const Error& error) {
      throw Error(error.kind(), options.model, error.what());
    }
  }
  const fs::path folder = fs::weakly_canonical(fs::absolute(output), ignored).parent_path();
  const std::string base =
      fs::relative(fs::weakly_canonical(fs::absolute(model), ignored), folder, ignored).generic_string();
  {
    const FinishFirst finish;
    write_file_atomically(output.string(), fitted_text(fitted, base));
  }

  std::vector<std::string> missed, exact;
  double worst_length = 0.0, worst_arm = 0.0, length = 0.0, arm = 0.0;
  std::size_t coefficients = 0;
  for (const auto& [name, item] : fitted.fitted_across) coefficients += item.coefficients_um.size();
  std::vector<std::vector<std::string>> rows{{"muscle", "length, worst", "rms", "moment arm, worst", "rms  [mm]"}};
  for (const auto& [name, muscle] : fitted.muscles) {
    const FittedSpec& item = *muscle.fitted;
    if (item.stays_exact) exact.push_back(name + ": " + *item.stays_exact);
    worst_length = std::max(worst_length, item.worst_length_error);
    worst_arm = std::max(worst_arm, item.worst_moment_arm_error);
    length += item.rms_length_error * item.rms_length_error;
    arm += item.rms_moment_arm_error * item.rms_moment_arm_error;
    for (const FittedTermSpec& term : item.terms) coefficients += term.coefficients_um.size();
    if (item.worst_length_error > how.tolerance) missed.push_back(name);
    if (item.worst_length_error <= how.tolerance && item.worst_moment_arm_error <= doubtful_arm) continue;
    rows.push_back({name, fixed_text(1e3 * item.worst_length_error, 3), fixed_text(1e3 * item.rms_length_error, 4),
                    fixed_text(1e3 * item.worst_moment_arm_error, 2), fixed_text(1e3 * item.rms_moment_arm_error, 3)});
  }
  const double muscles = std::max(1.0, static_cast<double>(fitted.muscles.size() - exact.size()));
  print(output.string() + ": fitted paths of " + counted(fitted.muscles.size() - exact.size(), "muscle", "muscles") +
        ", " + counted(coefficients, "coefficient", "coefficients") + ", " + fixed_text(clock_seconds() - start, 1) +
        " s\n" + "length      worst " + fixed_text(1e3 * worst_length, 3) + " mm, rms " +
        fixed_text(1e3 * std::sqrt(length / muscles), 4) + " mm\n" + "moment arm  worst " +
        fixed_text(1e3 * worst_arm, 2) + " mm, rms " + fixed_text(1e3 * std::sqrt(arm / muscles), 3) + " mm\n");
  if (rows.size() > 1)
    print("\nmuscles beyond the tolerance, or with moment arms more than " + fixed_text(1e3 * doubtful_arm, 0) +
          " mm off\n" + aligned(rows, "lrrrr"));
  if (!exact.empty()) print("\nmuscles that keep their exact path\n  " + join(exact, "\n  ") + "\n");
  if (missed.empty() && exact.empty()) return done;
  if (!exact.empty())
    say("psoas fit-paths: expected paths that can be fitted, found none for " +
        counted(exact.size(), "muscle", "muscles"));
  if (!missed.empty())
    say("psoas fit-paths: expected errors of length up to " + fixed_text(1e3 * how.tolerance, 4) +
        " mm, found more for " + counted(missed.size(), "muscle", "muscles"));
  return numeric_failure;
}

std::function<int()> options(Parser& parser) {
  const auto values = std::make_shared<Options>();
  parser.required(
      "MODEL", values->model,
      "model; what it has of fitted paths does not matter. Of a study: its model at the size of its subject "
      "and with its edits, for that study and others of the same body");
  parser.option("--tolerance-mm", values->tolerance, "greatest error of length that is aimed at [mm] (0.1)");
  parser.option("-o,--output", values->output,
                "file to write, a model that extends MODEL, or the study's (<MODEL>_fitted.json beside it)");
  return [values] { return fit(*values); };
}

}  // namespace

const Verb fit_paths_verb{
    "fit-paths",
    "fit smooth functions to muscle paths, with their measured error (exit code 3: the tolerance is missed, or a path "
    "stays exact; the file is written)",
    "  psoas fit-paths models/iliopsoas.json --tolerance-mm 1\n"
    "  psoas fit-paths models/full_body.json --tolerance-mm 0.5 -o results/full_body_fitted.json\n",
    options};

}  // namespace psoas::app
