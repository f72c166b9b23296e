// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas sweep analyse: how the scalars of a sweep spread, which factors matter, which cases are worst.
#include <memory>
#include <optional>

#include "program.hpp"
#include "psoas/io/file.hpp"
#include "psoas/report/sweep.hpp"
#include "store_words.hpp"

namespace psoas::app {
namespace {

struct Options {
  std::string file, out, worst, resamples, seed;
  std::vector<std::string> scalars;
  bool json_out = false;
};

int perform(const Options& options) {
  const double begin = clock_seconds();
  const std::string out = made_from(options.file, options.out, "_analysis.json");
  AnalysisOptions how;
  how.scalars = options.scalars;
  if (!options.worst.empty()) how.worst = whole_number("--worst", options.worst, 0, 1'000'000);
  if (!options.resamples.empty())
    how.bootstrap.resamples = static_cast<int>(whole_number("--resamples", options.resamples, 0, 1'000'000));
  if (!options.seed.empty()) how.bootstrap.seed = whole_number("--seed", options.seed, 0, UINT64_MAX);
  std::optional<SweepAnalysis> analysis;
  {
    Progress bar;
    how.progress = [&](double share, const std::string& scalar) { bar(share, scalar); };
    analysis = analyse(Store::open(options.file), how);
  }
  const std::string text = analysis_json(*analysis);
  {
    const FinishFirst guard;
    write_file_atomically(out, text);
  }
  print(options.json_out ? text : analysis_text(*analysis, colour_out()));
  say("\n" + out + " · " + time_text(clock_seconds() - begin));
  return was_interrupted() ? interrupted : done;
}

std::function<int()> options_of(Parser& parser) {
  const auto options = std::make_shared<Options>();
  parser.required("FILE", options->file, "the file of a sweep (.db)");
  parser.option("-o,--output", options->out, "file for all numbers; default: beside FILE, with _analysis.json");
  parser.list("--scalar", options->scalars,
              "a recorded scalar, or a pattern such as 'peak compression/*'; may be repeated; default: all");
  parser.option("--worst", options->worst, "cases of each scalar to name, those of largest magnitude; default: 3");
  parser.option("--resamples", options->resamples, "of the bootstrap; 0: no intervals of indices; default: 1000");
  parser.option("--seed", options->seed, "of the bootstrap's random numbers; default: 0");
  parser.flag("--json", options->json_out, "print the text of that file instead of tables");
  return [options] { return perform(*options); };
}

}  // namespace

const Verb sweep_analyse_verb = {"sweep analyse", "how scalars spread, which factors matter, which cases are worst",
                                 "  psoas sweep analyse results/virtual_subjects.db\n"
                                 "  psoas sweep analyse results/tightness_grid.db --scalar 'peak compression/*' "
                                 "--worst 10",
                                 options_of};

}  // namespace psoas::app
