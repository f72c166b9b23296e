// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// psoas sweep: many cases of one study, into one file.
#include "sweep.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/report/text.hpp"
#include "psoas/sweep/analysis.hpp"
#include "store_words.hpp"

namespace psoas::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t cases_counted = 1'000'000, cases_shown = 5;
constexpr std::size_t scalars_shown = 24;

Shard shard_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) throw Error(Kind::input, "--shard", "expected i/n, such as 3/16, found " + in_quotes(text));
  Shard shard;
  shard.count = static_cast<std::uint32_t>(whole_number("--shard", text.substr(slash + 1), 1, 1'000'000));
  shard.index = static_cast<std::uint32_t>(whole_number("--shard", text.substr(0, slash), 1, shard.count));
  return shard;
}

std::string default_file(const std::string& sweep, const Shard& shard) {
  std::string name = fs::path(sweep).stem().string();
  if (shard.count > 1) name += "." + std::to_string(shard.index) + "of" + std::to_string(shard.count);
  return (fs::path("results") / (name + ".db")).string();
}

std::string kind_of(const Factor& factor) {
  if (factor.expression) return "expression";
  return std::visit([](const auto& kind) { return std::string(kind.name); }, factor.values);
}

std::string value_range(const Factor& factor) {
  if (factor.expression) return "";
  const double low = quantile(factor.values, 0.0), high = quantile(factor.values, 1.0);
  if (std::isfinite(low) && std::isfinite(high)) return short_text(low) + " … " + short_text(high);
  return short_text(quantile(factor.values, 0.025)) + " … " + short_text(quantile(factor.values, 0.975)) + " (95 %)";
}

/// What the sweep would do, without a file.
int describe(const SweepCommand& command, const SweepPlan& plan) {
  const SweepSpec& sweep = plan.sweep();
  const CaseRange range = command.options.shard.range(plan.cases().count());
  const std::uint64_t cases = range.end - range.begin, counted = std::min(cases, cases_counted);
  const std::uint64_t dropped = plan.cases().dropped(range.begin, range.begin + counted);
  const double share = counted > 0 ? static_cast<double>(counted - dropped) / static_cast<double>(counted) : 1.0;
  const double seconds = plan.seconds_a_case() * static_cast<double>(cases) * share / command.threads;
  std::vector<double> values(plan.cases().factors());
  if (command.json_out) {
    json root = {{"sweep", sweep.path}, {"cases", cases}, {"dropped", dropped}, {"dropped_of_first", counted}};
    root["seconds_a_case"] = plan.seconds_a_case();
    root["estimated_seconds"] = seconds;
    root["threads"] = command.threads;
    for (const Factor& factor : sweep.factors)
      root["factors"].push_back({{"name", factor.name}, {"values", kind_of(factor)}, {"places", factor.targets}});
    for (const RecordedScalar& scalar : plan.scalars())
      root["record"].push_back({{"name", scalar.name}, {"unit", scalar.unit}});
    print_json(root);
    return done;
  }
  std::string text = (sweep.title.empty() ? sweep.path : sweep.title) + "\n\n";
  std::vector<std::vector<std::string>> rows = {{"factor", "values", "", "places"}};
  for (const Factor& factor : sweep.factors)
    rows.push_back({factor.name, kind_of(factor), value_range(factor),
                    factor.targets.empty()       ? "only in expressions"
                    : factor.targets.size() == 1 ? factor.targets.front()
                                                 : std::to_string(factor.targets.size()) + " by " + factor.pointer});
  text += aligned(rows, "llll");
  rows = {{"\nfirst cases"}, {"case"}};
  for (const Factor& factor : sweep.factors) rows.back().push_back(factor.name);
  for (std::uint64_t k = range.begin; k < std::min(range.end, range.begin + cases_shown); ++k) {
    const Verdict verdict = plan.cases().at(k, values);
    rows.push_back({std::to_string(k)});
    for (const double value : values) rows.back().push_back(short_text(value));
    rows.back().push_back(verdict == Verdict::dropped ? "dropped" : verdict == Verdict::run ? "" : "no finite number");
  }
  text += aligned(rows, "r" + std::string(sweep.factors.size(), 'r') + "l");
  text += "\nrecorded: ";
  std::vector<std::string> names;
  for (const RecordedScalar& scalar : plan.scalars()) names.push_back(scalar.name);
  if (names.size() > 6) {
    const std::string more = std::to_string(names.size() - 5) + " more";
    names.resize(5);
    names.push_back(more);
  }
  text += join(names, ", ") + "\n";
  text += "\n" + with_separators(cases) + (cases == 1 ? " case" : " cases");
  if (dropped > 0)
    text += ", of which constraints drop " + with_separators(dropped) +
            (counted < cases ? " of the first " + with_separators(counted) : "");
  text += " · about " + time_text(plan.seconds_a_case()) + " each · about " + time_text(seconds) + " on " +
          psoas::app::counted(static_cast<std::size_t>(command.threads), "thread", "threads") + "\n";
  print(text);
  return done;
}

/// Numbers of a scalar over the cases that were computed well.
std::vector<std::vector<double>> columns_of(const Store& store, std::size_t scalars) {
  std::vector<std::vector<double>> columns(scalars);
  store.read([&](const CaseRow& row) {
    if (row.status == CaseStatus::ok)
      for (std::size_t i = 0; i < scalars; ++i) columns[i].push_back(row.scalars[i]);
  });
  return columns;
}

int tell(const SweepCommand& command, const SweepPlan& plan, const std::string& file, const SweepReport& report) {
  const StoreStatus& status = report.status;
  const std::uint64_t ok = status.finished[static_cast<std::size_t>(CaseStatus::ok)];
  const auto words = [&] {
    return report.end == SweepReport::End::complete      ? "complete"
           : report.end == SweepReport::End::interrupted ? "interrupted"
                                                         : "too_many_failures";
  };
  if (command.json_out) {
    json root = {{"sweep", plan.sweep().path}, {"file", file}, {"end", words()}, {"cases", status.cases}};
    for (std::size_t i = 0; i < status.finished.size(); ++i) root[case_status_words[i]] = status.finished[i];
    root["missing"] = status.missing;
    root["cases_of_this_session"] = report.here;
    root["seconds_of_this_session"] = report.seconds;
    print_json(root);
  } else {
    std::string text = (plan.sweep().title.empty() ? plan.sweep().path : plan.sweep().title) + " · " +
                       with_separators(status.cases) + (status.cases == 1 ? " case · " : " cases · ") +
                       counts_text(status) + "\n";
    if (ok > 0 &&
        report.end != SweepReport::End::interrupted) {  // who interrupts does not wait for all rows to be read
      const std::size_t shown = std::min(plan.scalars().size(), scalars_shown);
      const Store store = Store::open(file);
      const auto columns = columns_of(store, shown);
      std::vector<std::vector<std::string>> rows = {{"", "", "mean", "sd", "2.5 %", "97.5 %", "lowest", "highest"}};
      for (std::size_t i = 0; i < shown; ++i) {
        const OutputSummary s = summarise(columns[i]);
        rows.push_back({plan.scalars()[i].name, readable_unit(plan.scalars()[i].unit)});
        for (const double x : {s.mean.value, s.standard_deviation, s.band_low, s.band_high, s.lowest, s.highest})
          rows.back().push_back(short_text(x));
      }
      text += "\n" + aligned(rows, "llrrrrrr");
      if (shown < plan.scalars().size()) text += "… and " + std::to_string(plan.scalars().size() - shown) + " more\n";
    }
    print(text);
  }
  say("\n" + with_separators(report.here) + (report.here == 1 ? " case in " : " cases in ") +
      time_text(report.seconds) +
      (report.here > 0 ? " (" + short_text(static_cast<double>(report.here) / report.seconds) + " a second) · "
                       : " · ") +
      file);
  if (report.end == SweepReport::End::interrupted) {
    say("interrupted: the same command with --resume goes on");
    return interrupted;
  }
  if (report.end == SweepReport::End::too_many_failures) {
    say("stopped: more than " + with_separators(command.options.most_failures) +
        " cases failed or did not converge (--max-failures); see the messages of: psoas sweep export " + file);
    return numeric_failure;
  }
  const std::uint64_t tried = status.cases - status.finished[static_cast<std::size_t>(CaseStatus::dropped)];
  return ok == 0 && tried > 0 ? numeric_failure : done;
}

}  // namespace

SweepArguments::SweepArguments(Parser& parser, bool threads) {
  parser.required("SWEEP", sweep, "psoas-sweep/1 file");
  if (threads) parser.option("-j,--threads", threads_text, "threads; default: one a processor that psoas may use");
  parser.option("-o,--output", file, "file of the sweep; default: results/ and the sweep's name with .db");
  parser.flag("--resume", resume, "go on with the file, or begin it where there is none");
  parser.option("--shard", shard, "i/n: the i-th of n parts of the cases, to be merged with the others");
  parser.flag("--dry-run", dry_run, "show factors, first cases, their number and the time that they may take");
  parser.option("--max-failures", failures, "stop when more cases than this fail or do not converge in this session");
  parser.flag("--mixed", mixed, "go on with a file that another type of processor or C library began");
  parser.flag("--json", json_out, "print JSON instead of tables");
}

SweepCommand SweepArguments::command() const {
  SweepCommand command;
  command.json_out = json_out;
  command.dry_run = dry_run;
  command.threads = threads_of(threads_text);
  if (!shard.empty()) command.options.shard = shard_of(shard);
  if (!failures.empty()) command.options.most_failures = whole_number("--max-failures", failures, 0, UINT64_MAX);
  command.options.resume = resume;
  command.options.mixed = mixed;
  command.file = file.empty() ? default_file(sweep, command.options.shard) : file;
  json session = json::object();
  session["program"] = "psoas";
  session["version"] = PSOAS_VERSION;
  session["command"] = command_line();
  session["date"] = utc_date();
  session["host"] = host_name();
  session["cpu"] = cpu_name();
  command.options.provenance = session.dump(-1, ' ', false, json::error_handler_t::replace);
  return command;
}

int perform_sweep(const std::string& path, SweepCommand command, const Executor& executor) {
  const SweepPlan plan(read_sweep(path));
  if (command.dry_run) return describe(command, plan);
  SweepReport report;
  {
    const FinishFirst guard;
    Progress bar;
    command.options.interrupted = was_interrupted;
    command.options.progress = [&](const SweepProgress& now) {
      const auto left = static_cast<double>(now.cases - now.finished);
      bar.show(static_cast<double>(now.finished) / static_cast<double>(std::max<std::uint64_t>(now.cases, 1)),
               with_separators(now.finished) + " of " + with_separators(now.cases) + "  " + short_text(now.rate) +
                   "/s  " + (now.failed > 0 ? with_separators(now.failed) + " failed  " : "") +
                   (now.rate > 0.0 ? time_text(left / now.rate) + " left" : ""));
    };
    report = run_sweep(plan, command.file, command.options, executor);
  }
  return tell(command, plan, command.file, report);
}

namespace {

std::function<int()> options_of(Parser& parser) {
  const auto arguments = std::make_shared<SweepArguments>(parser, true);
  return [arguments] {
    const SweepCommand command = arguments->command();
    return perform_sweep(arguments->sweep, command, on_threads(command.threads));
  };
}

}  // namespace

const Verb sweep_verb = {"sweep", "run many cases of one study",
                         "  psoas sweep examples/sweep/tightness_grid.json\n"
                         "  psoas sweep examples/sweep/virtual_subjects.json --shard 1/4 --resume -j 2",
                         options_of};

}  // namespace psoas::app
