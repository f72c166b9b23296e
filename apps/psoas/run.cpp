// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas run: one study, its summary on the terminal and its files in a folder.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/report/report.hpp"
#include "psoas/report/text.hpp"
#include "psoas/study/study.hpp"
#include "psoas/sweep/uncertain.hpp"

namespace psoas::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* edits_file = "edits.json";

struct Options {
  std::string study, folder, threads;
  std::vector<std::string> set;
  bool json_out = false, strict = false;
};

std::vector<std::pair<std::string, std::string>> assignments(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || text[0] != '/')
      throw Error(Kind::input, "--set " + text, "expected /pointer=value, such as /subject/mass=80");
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

std::string default_folder(const std::string& study) {
  const fs::path path = fs::absolute(study).lexically_normal();
  std::string name = path.stem().string();
  if (path.filename() == "study.json" && path.parent_path().has_filename())
    name = path.parent_path().filename().string();
  return (fs::path("results") / name).string();
}

std::size_t frames_of(const Result& result) {
  std::size_t frames = 0;
  for (const auto& [name, block] : result.blocks) frames += block.axis_values.size();
  return frames;
}

/// "41 ms (35 µs a frame)", frames of all variants together.
std::string cost_text(double seconds, std::size_t frames) {
  const auto shown = [](double s) {
    if (s < 1e-3) return fixed_text(s * 1e6, 0) + " µs";
    if (s < 1.0) return fixed_text(s * 1e3, s < 0.01 ? 1 : 0) + " ms";
    return fixed_text(s, s < 10.0 ? 2 : 0) + " s";
  };
  return shown(seconds) +
         (frames > 0 ? " (" + shown(seconds / static_cast<double>(frames)) + " a frame and variant)" : "");
}

std::string run_text(const Options& options, int threads, const Result& result, double read_seconds, double run_seconds,
                     const std::vector<std::string>& files) {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  json run = json::object();
  run["format"] = "psoas-run/1";
  run["program"] = "psoas";
  run["version"] = PSOAS_VERSION;
  run["command"] = command_line();
  run["study"] = options.study;
  run["date"] = utc_date();
  run["host"] = host_name();
  run["cpu"] = cpu_name();
  run["threads"] = threads;
  run["read_seconds"] = read_seconds;
  run["run_seconds"] = run_seconds;
  run["frames"] = frames_of(result);
  run["peak_memory_mb"] = static_cast<double>(usage.ru_maxrss) / 1024.0;
  run["credible"] = result.credible();
  run["files"] = files;
  return run.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

/// Curves, and edits where this study may write some, of an older result in the folder that this one does not have:
/// run.json lists what psoas wrote.
std::vector<fs::path> stale_files(const fs::path& folder, const std::vector<std::string>& files, bool writes_edits) {
  std::vector<fs::path> out;
  std::ifstream in(folder / "run.json", std::ios::binary);
  if (!in) return out;
  const json old = json::parse(in, nullptr, false);
  if (!old.is_object() || old.value("format", json()) != "psoas-run/1" || !old.contains("files") ||
      !old["files"].is_array())
    return out;
  for (const json& entry : old["files"]) {
    if (!entry.is_string()) continue;
    const std::string name = entry.get<std::string>();
    if ((ending_of(name) == ".svg" || (writes_edits && name == edits_file)) && name.find('/') == std::string::npos &&
        std::find(files.begin(), files.end(), name) == files.end())
      out.push_back(folder / name);
  }
  return out;
}

int perform(const Options& options) {
  const double begin = clock_seconds();
  const int threads = threads_of(options.threads);
  const Study study = read_study(options.study, assignments(options.set));
  const double read_done = clock_seconds();
  std::optional<Result> answer;
  {
    Progress progress;
    RunOptions run_options;
    run_options.progress = [&](double share, const std::string& what) { progress(share, what); };
    answer = run_uncertain(study, run_options, threads);
  }
  const Result& result = *answer;
  const double run_done = clock_seconds();

  const std::string folder = options.folder.empty() ? default_folder(options.study) : options.folder;
  std::vector<FileToWrite> files;
  std::vector<std::string> names;
  const auto add = [&](const std::string& name, std::string bytes) {
    files.push_back({(fs::path(folder) / name).string(), std::move(bytes)});
    names.push_back(name);
  };
  const std::string text = result_text(result);
  const Table table = series_table(result);
  add("result.json", text);
  if (table.time || !table.names.empty()) add("series.csv", write_csv(table));
  if (table.time) add("series.sto", write_sto(table));
  if (!result.edits.empty()) add(edits_file, edits_text(result));
  for (const Plot& plot : result.plots) add(plot.file, svg(result, plot));
  names.push_back("run.json");
  files.push_back(
      {(fs::path(folder) / "run.json").string(), run_text(options, study.uncertain.empty() ? 1 : threads, result,
                                                          read_done - begin, run_done - read_done, names)});
  {
    const FinishFirst guard;
    const std::vector<fs::path> stale =
        stale_files(folder, names, std::holds_alternative<SimulationStudy>(study.question));
    write_files(files);
    std::error_code ignored;
    for (const fs::path& file : stale) fs::remove(file, ignored);
  }

  if (options.json_out)
    print(text);
  else
    print(summary_text(result, colour_out(), cost_text(run_done - read_done, frames_of(result))));
  const auto curves = static_cast<std::size_t>(
      std::count_if(names.begin(), names.end(), [](const std::string& name) { return ending_of(name) == ".svg"; }));
  std::vector<std::string> others;
  for (const std::string& name : names)
    if (ending_of(name) != ".svg") others.push_back(name);
  say("\nresults in " + folder + "/ (" + join(others, ", ") +
      (curves > 0 ? ", " + counted(curves, "curve as SVG", "curves as SVG") : "") + ") · " +
      fixed_text(clock_seconds() - begin, 2) + " s in all");
  if (was_interrupted()) return interrupted;
  if (!result.credible()) {
    say("✗ the result breaks a credibility limit, see above" + std::string(options.strict ? " (--strict)" : ""));
    if (options.strict) return wrong;
  }
  return done;
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.required("STUDY", options->study, "psoas-study/1 file, or a result.json to compute again");
  parser.option("-o,--output", options->folder,
                "folder for the files; default: results/ and the name of the study's folder");
  parser.list("--set", options->set,
              "/pointer=value: changes the study; /model/… continues in its model; may be repeated");
  parser.option("-j,--threads", options->threads,
                "threads for a study with uncertain numbers; default: one a processor that psoas may use");
  parser.flag("--json", options->json_out, "print the text of result.json instead of the summary");
  parser.flag("--strict", options->strict, "exit with 1 when a credibility limit is broken");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb run_verb = {"run", "run one study",
                       "  psoas run examples/sit_to_stand/study.json\n"
                       "  psoas run examples/torque_curve/study.json -o /tmp/tight --set "
                       "/variants/shortened_0_85/0/scale/optimal_fibre_length=0.9",
                       options_of};

}  // namespace psoas::app
