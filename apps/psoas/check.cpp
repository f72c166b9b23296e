// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas check: everything wrong with files, with places.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "certificate.hpp"
#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "psoas/model/osim.hpp"
#include "psoas/report/text.hpp"
#include "psoas/solve/forward.hpp"
#include "psoas/study/outputs.hpp"
#include "psoas/study/range_of_motion.hpp"
#include "psoas/study/study.hpp"
#include "psoas/sweep/engine.hpp"
#include "psoas/sweep/uncertain.hpp"

namespace psoas::app {
namespace {

/// What a file is, and what is wrong with it.
struct Verdict {
  std::string file, what;             ///< what: "model: 12 bodies, …", where it is fine
  std::vector<std::string> problems;  ///< lines with places
  std::vector<std::string> notes;
  bool readable = true;
  std::optional<Model> model;  ///< where the file is one
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (end > start) out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

std::string about(const Model& model) {
  const ModelData& data = model.data();
  return "model: " + counted(data.body_names.size() - 1, "body", "bodies") + ", " +
         counted(data.coordinate_names.size(), "independent coordinate", "independent coordinates") + ", " +
         counted(data.muscle_names.size(), "muscle", "muscles") + ", " + fixed_text(data.mass, 2) + " kg";
}

/// What a model can be asked about although it is well formed: nothing forward in time where nothing resists.
void note_unresisted(Verdict& verdict) {
  ForwardDynamics dynamics(*verdict.model, {});
  std::vector<std::string> names;
  for (const int c : dynamics.unresisted(verdict.model->data().default_coordinates))
    names.push_back(verdict.model->data().coordinate_names[static_cast<std::size_t>(c)]);
  if (!names.empty())
    verdict.notes.push_back("no mass or inertia resists " + join(names, ", ") +
                            ": good for paths and statics, refused by simulations in which it moves");
}

void check_table(Verdict& verdict) {
  const Table table = read_table(verdict.file);
  std::size_t missing = 0;
  for (const auto& column : table.columns)
    for (const double value : column) missing += !std::isfinite(value);
  verdict.what =
      "table: " + counted(table.rows(), "row", "rows") + ", " + counted(table.columns.size(), "column", "columns");
  if (table.time)
    verdict.what += ", " + short_text(table.time->front()) + " to " + short_text(table.time->back()) + " s";
  verdict.what += table.in_degrees ? ", degrees" : ", radians";
  if (missing > 0) verdict.notes.push_back(counted(missing, "cell is", "cells are") + " not a finite number");
}

/// Thrown by a trial run's first report of progress: by then every name and column has been looked up.
struct FarEnough {};

/// The study on a few instants of each window, which a run goes through to its end: integration comes after the frames.
Study cut_short(const Study& study) {
  constexpr std::size_t instants = 8;
  Study out = study;
  MotionStudy& question = std::get<MotionStudy>(out.question);
  const std::vector<double>& time = study.table->times();
  if (question.motion.windows.empty()) question.motion.windows["all"] = {time.front(), time.back()};
  for (auto& [name, window] : question.motion.windows) {
    const auto first = static_cast<std::size_t>(std::lower_bound(time.begin(), time.end(), window.from) - time.begin());
    if (first + instants < time.size()) window.to = std::min(window.to, time[first + instants]);
  }
  return out;
}

/// Runs the study as far as what it names is looked up; what is missing comes out as an Error.
void try_out(const Study& study) {
  try {
    run(study, {[](double, const std::string&) { throw FarEnough{}; }});
  } catch (const FarEnough&) {
  }
  const auto* motion = std::get_if<MotionStudy>(&study.question);
  if (!motion || !motion->integration) return;
  try {
    run(cut_short(study));
  } catch (const Error& error) {
    if (error.kind() != Kind::numeric) throw;  // of a few instants that says nothing about all of them
  }
}

void check_study(Verdict& verdict) {
  const Study study = read_study(verdict.file);
  const bool has_outputs = !std::holds_alternative<TorqueCurveStudy>(study.question) &&
                           !std::holds_alternative<ImpingementStudy>(study.question);
  const auto add_once = [&](const std::string& line) {
    if (std::find(verdict.problems.begin(), verdict.problems.end(), line) == verdict.problems.end())
      verdict.problems.push_back(line);
  };
  const auto collect = [&](const std::string& name, const std::vector<Edit>& edits) {
    ModelSpec spec = study.model;
    std::vector<Problem> problems;
    apply(edits, "/variants/" + name, spec, problems);
    for (const Problem& problem : problems)
      verdict.problems.push_back(study.place(problem.pointer) + ": " + problem.text);
    if (!problems.empty()) return;
    try {
      const Model model(spec);
      if (verdict.what.empty()) verdict.what = about(model);
      std::vector<Equation> equations;
      if (const auto* motion = std::get_if<MotionStudy>(&study.question))
        equations = redundancy_equations(model, motion->redundancy.lumbar == "levels");
      if (const auto* posture = std::get_if<PostureStudy>(&study.question); posture && posture->problem == "balanced")
        equations = redundancy_equations(model);
      for (std::size_t i = 0; has_outputs && i < study.outputs.size(); ++i) try {
          find_outputs(model, {study.outputs[i]}, true, equations, std::get_if<SimulationStudy>(&study.question));
        } catch (const Error& error) {
          add_once(study.place("/outputs/" + std::to_string(i)) + ": " + error.what());  // variants say the same
        }
    } catch (const Error& error) {
      for (const std::string& line : lines_of(error.what()))
        verdict.problems.push_back(study.place(name.empty() ? "/model" : "/variants/" + name) + ": " + line);
    }
  };
  if (study.variants.empty()) collect("", {});
  for (const auto& [name, edits] : study.variants) collect(name, edits);
  if (verdict.problems.empty()) try_out(study);
  if (verdict.problems.empty() && !study.uncertain.empty()) uncertain_sweep(study);
  const std::string kind = std::visit([](const auto& question) { return std::string(question.name); }, study.question);
  verdict.what = kind + " study" +
                 (study.variants.empty() ? "" : ", " + counted(study.variants.size(), "variant", "variants")) + ", " +
                 verdict.what;
}

void check_sweep(Verdict& verdict) {
  const SweepPlan plan(read_sweep(verdict.file));
  verdict.what = "sweep: " + counted(plan.sweep().factors.size(), "factor", "factors") + ", " +
                 counted(plan.cases().count(), "case", "cases") + ", " +
                 counted(plan.scalars().size(), "scalar", "scalars") + " a case";
}

void check_json(Verdict& verdict) {
  const std::string format = format_of(verdict.file);
  if (format == "psoas-study/1") {
    check_study(verdict);
  } else if (format == "psoas-result/1") {
    check_study(verdict);
    verdict.what = "result of a " + verdict.what;
  } else if (format == "psoas-sweep/1") {
    check_sweep(verdict);
  } else if (format == "psoas-model/1") {
    verdict.model = Model::load(verdict.file);
    verdict.what = about(*verdict.model);
    note_unresisted(verdict);
    for (const Problem& problem : domain_problems(*verdict.model))
      verdict.problems.push_back(place_in_model(verdict.file, problem.pointer).text + ": " + problem.text);
  } else if (format == "psoas-certificate/1") {
    const Certificate certificate = read_certificate(verdict.file);
    verdict.what = "certificate of " + certificate.model + ", " + (certificate.clean ? "clean" : "with problems");
  } else {
    const std::vector<std::string> known = {"psoas-model/1", "psoas-study/1", "psoas-sweep/1", "psoas-result/1",
                                            "psoas-certificate/1"};
    throw Error(Kind::input, verdict.file + ":1: /format",
                "expected one of " + join(known, ", ") +
                    (format.empty() ? ", found none" : ", found \"" + format + "\"" + did_you_mean(format, known)));
  }
}

Verdict verdict_of(const std::string& file) {
  Verdict verdict{file, {}, {}, {}, true, {}};
  try {
    const std::string ending = ending_of(file);
    if (ending == ".osim") {
      OsimImport import = read_osim(file);
      verdict.model = Model(import.spec);
      verdict.what = "OpenSim " + about(*verdict.model);
      verdict.notes = import.notes;
      note_unresisted(verdict);
    } else if (ending == ".json") {
      check_json(verdict);
    } else if (ending == ".sto" || ending == ".mot" || ending == ".csv") {
      check_table(verdict);
    } else {
      read_file(file);  // one that is not there is told so
      throw Error(Kind::io, file, "expected .json, .osim, .sto, .mot or .csv");
    }
  } catch (const Error& error) {
    verdict.readable = error.kind() != Kind::io;
    for (const std::string& line : lines_of(error.what())) verdict.problems.push_back(line);
  }
  return verdict;
}

struct Options {
  std::vector<std::string> files;
  std::string output, samples;
  bool range_of_motion = false, json_out = false;
};

/// What a scan adds to the verdict on a model: problems, and the certificate that is written.
void scan(Verdict& verdict, const Options& options, json& certificate_json) {
  if (!verdict.model) {
    verdict.problems.push_back(verdict.file + ": expected a model for --range-of-motion");
    return;
  }
  const Model& model = *verdict.model;
  RangeOfMotionOptions how;
  if (!options.samples.empty()) {
    const char* end = options.samples.data() + options.samples.size();
    if (const auto [stop, error] = std::from_chars(options.samples.data(), end, how.samples);
        error != std::errc() || stop != end || how.samples < 1 || how.samples > 100000)
      throw Error(Kind::input, "--samples " + options.samples, "expected a whole number from 1 to 100000");
  }
  Certificate certificate;
  {
    Progress progress;
    how.progress = [&](double share, const std::string& what) { progress(share, what); };
    certificate = check_range_of_motion(model, how);
  }
  const std::string path = options.output.empty()
                               ? "results/" + std::filesystem::path(verdict.file).stem().string() + "/certificate.json"
                               : options.output;
  const std::string text = certificate_text(certificate);
  {
    const FinishFirst guard;
    write_file_atomically(path, text);
  }
  for (const std::string& line : problem_lines(certificate, model))
    verdict.problems.push_back(verdict.file + ": " + line);
  for (const std::string& line : certificate_lines(certificate, model)) verdict.notes.push_back(line);
  verdict.notes.push_back("certificate: " + path);
  certificate_json = json::parse(text);
}

/// What the certificate that a model carries adds, once a scan may have written it anew.
void look_at_certificate(Verdict& verdict) {
  const auto carried = carried_certificate(verdict.file, *verdict.model);
  if (!carried) return;
  if (carried->problem.empty())
    verdict.notes.push_back("range of motion: " + carried->lines.front());
  else if (carried->inherited.empty())
    verdict.problems.push_back(carried->place.text + ": " + carried->problem);
  else
    verdict.notes.push_back("range of motion: " + carried->inherited);
}

int perform(const Options& options) {
  if (!options.range_of_motion && !(options.output.empty() && options.samples.empty()))
    throw Error(Kind::input, "psoas check", "expected --range-of-motion beside -o and --samples");
  if (!options.output.empty() && options.files.size() > 1)
    throw Error(Kind::input, "-o " + options.output,
                "expected one model, found " + std::to_string(options.files.size()));
  json all = json::array();
  int code = done;
  for (const std::string& file : options.files) {
    Verdict verdict = verdict_of(file);
    json certificate;
    if (options.range_of_motion && verdict.problems.empty()) scan(verdict, options, certificate);
    if (verdict.model) look_at_certificate(verdict);
    const bool ok = verdict.problems.empty();
    if (!ok) code = std::max(code, verdict.readable ? static_cast<int>(wrong) : static_cast<int>(bad_input));
    if (options.json_out) {
      all.push_back({{"file", file},
                     {"ok", ok},
                     {"readable", verdict.readable},
                     {"what", ok ? verdict.what : ""},
                     {"problems", verdict.problems},
                     {"notes", verdict.notes}});
      if (!certificate.is_null()) all.back()["certificate"] = std::move(certificate);
      continue;
    }
    if (ok) print(file + ": ok (" + verdict.what + ")\n");
    for (const std::string& line : verdict.problems) print(line + "\n");
    if (verdict.problems.size() > 1)
      print(file + ": " + counted(verdict.problems.size(), "problem", "problems") + "\n");
    if (ok || options.range_of_motion)
      for (const std::string& note : verdict.notes) print("  " + note + "\n");
  }
  if (options.json_out) print_json(all);
  return was_interrupted() ? static_cast<int>(interrupted) : code;
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.required("FILE", options->files, "models, studies, results (.json, .osim) and tables (.sto, .mot, .csv)");
  parser.flag("--range-of-motion", options->range_of_motion,
              "scan every muscle's path over the ranges of its coordinates and write a certificate");
  parser.option("-o,--output", options->output, "the certificate; default: results/<model>/certificate.json");
  parser.option("--samples", options->samples, "postures a muscle through which lines are scanned; default: 100");
  parser.flag("--json", options->json_out, "print a list of files with their problems as JSON");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb check_verb = {"check", "everything wrong with models, studies, results and tables, with places",
                         "  psoas check models/full_body.json examples/sit_to_stand/study.json\n"
                         "  psoas check models/iliopsoas.json --range-of-motion -o /tmp/certificate.json",
                         options_of};

}  // namespace psoas::app
