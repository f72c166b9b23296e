// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/uncertain.hpp"

#include <algorithm>
#include <cmath>

#include "model/json_walk.hpp"
#include "psoas/core/words.hpp"
#include "psoas/sweep/analysis.hpp"
#include "psoas/sweep/engine.hpp"

namespace psoas {
namespace {

constexpr std::size_t lines_told = 16;
constexpr double share_of_nominal = 0.05;  // of the time that a bar shows

/// What stands beside "vary".
struct Samples {
  int samples = 200, seed = 1;
  static void each(auto& self, auto&& see) {
    see("samples", self.samples, Info{"1", "samples of a Latin hypercube", 2, 1e6});
    see("seed", self.seed, seed_info);
  }
};

}  // namespace

SweepSpec uncertain_sweep(const Study& study) {
  const json uncertain = json::parse(study.uncertain), provenance = json::parse(study.provenance);
  Samples samples;
  Walk walk;
  walk.into_fields(samples, uncertain, "/uncertain", {}, {"vary", "zipped", "correlation", "note"});
  if (!uncertain.contains("vary")) walk.wrong("/uncertain", "missing \"vary\" (from JSON pointers to distributions)");
  if (!walk.problems.empty())
    throw Error(Kind::input, study.place(walk.problems.front().pointer), walk.problems.front().text);
  json sweep = json::object();
  sweep["format"] = "psoas-sweep/1";
  // the study as it was read, --set included, with its model and tables
  sweep["base"] = {{"format", "psoas-result/1"}, {"provenance", provenance}};
  for (const char* key : {"vary", "zipped", "correlation"})
    if (uncertain.contains(key)) sweep[key] = uncertain[key];
  sweep["sampler"]["latin_hypercube"] = to_json_value(samples);
  sweep["record"] = {"*"};
  const std::string name = study.path + " (its uncertain numbers)";
  try {
    SweepSpec spec = read_sweep(StudySource{name, sweep.dump()});
    spec.record.clear();  // everything
    spec.series = SeriesRecord{{}, {}, 1};
    return spec;
  } catch (const Error& error) {
    // the place in the study's own file
    std::string text = error.what();
    for (const std::string& from : {name + ":1: ", name + ": "})
      for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at))
        text.replace(at, from.size(), study.path + ": /uncertain");
    const std::size_t colon = text.find(": expected");
    if (colon == text.npos) throw;
    throw Error(error.kind(), text.substr(0, colon), text.substr(colon + 2));
  }
}

namespace {

/// Keeps rows in memory, in the order of cases.
class MemoryDispatcher : public Dispatcher {
 public:
  MemoryDispatcher(std::uint64_t cases, const RunOptions& options) : rows(cases), options_(options) {}

  std::vector<CaseRow> rows;

  std::optional<CaseRange> next(double) override {
    if (next_ == rows.size()) return {};
    ++next_;
    return CaseRange{next_ - 1, next_};
  }
  void finished(const std::vector<CaseRow>& some) override {
    for (const CaseRow& row : some) rows[row.index] = row;
    done_ += some.size();
  }
  bool go_on() override {
    if (options_.progress)
      options_.progress(
          share_of_nominal + (1.0 - share_of_nominal) * static_cast<double>(done_) / static_cast<double>(rows.size()),
          std::to_string(done_) + " of " + std::to_string(rows.size()) + " samples");
    return true;
  }

 private:
  const RunOptions& options_;
  std::uint64_t next_ = 0, done_ = 0;
};

/// Whether a scalar is among those that a person sees first.
bool is_told(const std::string& name) {
  for (const char* pattern :
       {"peak anterior_shear/*", "peak compression/*", "peak joint_moment/hip_flexion_*", "peak muscle_force/group:*",
        "peak total_torque/*", "final coordinate/*", "final serial_sarcomeres/*", "final delta_theta_deg/*",
        "final extension_at_borne_moment_deg/*"})
    if (glob_match(pattern, name)) return true;
  return false;
}

}  // namespace

Result run_uncertain(const Study& study, const RunOptions& options, int threads) {
  if (study.uncertain.empty()) return run(study, options);
  const SweepPlan plan(uncertain_sweep(study));
  RunOptions nominal = options;
  if (options.progress)
    nominal.progress = [&](double share, const std::string& what) { options.progress(share_of_nominal * share, what); };
  Result result = run(study, nominal);

  MemoryDispatcher dispatcher(plan.cases().count(), options);
  on_threads(threads)(plan, dispatcher);
  std::vector<const CaseRow*> good;
  std::string first_fault;
  for (const CaseRow& row : dispatcher.rows)
    if (row.status == CaseStatus::ok)
      good.push_back(&row);
    else if (first_fault.empty())
      first_fault = row.message;
  if (good.size() < 2)
    throw Error(Kind::numeric, study.place("/uncertain"),
                "expected samples that can be computed, found " + std::to_string(good.size()) + " of " +
                    std::to_string(dispatcher.rows.size()) + "; the first fault: " + first_fault);

  // a band at an instant needs the same instants in all samples
  const std::vector<double>& axis = result.blocks.begin()->second.axis_values;
  const bool same_axis =
      std::all_of(good.begin(), good.end(), [&](const CaseRow* row) { return row->series.front() == axis; });
  const std::string count = std::to_string(good.size());
  result.summary.push_back({"5 to 95 % of " + count + " samples of the uncertain numbers", "", "", {}, 0});
  std::size_t told = 0;
  std::vector<double> values(good.size());
  for (auto& [variant, block] : result.blocks) {
    const std::string prefix = column_prefix(result, variant);
    ResultTable table;
    table.description = "Scalars over " + count + " samples of the study's uncertain numbers";
    table.columns = {{"mean", ""}, {"standard_deviation", ""}, {"p5", ""}, {"p50", ""}, {"p95", ""}};
    for (std::size_t i = 0; i < plan.scalars().size(); ++i) {
      const RecordedScalar& column = plan.scalars()[i];
      if (column.change || column.variant != (prefix.empty() ? "" : variant)) continue;
      for (std::size_t k = 0; k < good.size(); ++k) values[k] = good[k]->scalars[i];
      const std::vector<double> percents = {5.0, 50.0, 95.0};
      const OutputSummary spread = summarise(values, percents);
      table.labels.push_back(column.scalar);
      table.rows.push_back({spread.mean.value, spread.standard_deviation, spread.percentiles[0], spread.percentiles[1],
                            spread.percentiles[2]});
      const std::optional<Scalar> as_it_stands = find_scalar(block, column.scalar);
      if (!is_told(column.scalar) || !as_it_stands || told++ >= lines_told) continue;
      SummaryLine line{"  " + prefix + column.scalar, column.unit, "", {}, 1};
      // columns that are no variants are rows of the series: the last row is the final one
      const bool by_variant = result.columns.empty();
      line.values.assign(by_variant ? result.blocks.size() : result.columns.size(), std::nan(""));
      if (by_variant)
        line.values[static_cast<std::size_t>(result.blocks.index(variant))] = as_it_stands->value;
      else if (column.scalar.starts_with("final "))
        line.values.back() = as_it_stands->value;
      line.note = short_text(spread.percentiles[0]) + " … " + short_text(spread.percentiles[2]);
      result.summary.push_back(std::move(line));
    }
    block.tables["uncertainty"] = std::move(table);

    for (std::size_t i = 0; i < plan.series().size() && same_axis; ++i) {
      const std::string& name = plan.series()[i].name;
      if (name.rfind(prefix, 0) != 0) continue;
      const Series* own = block.series.find(name.substr(prefix.size()));
      if (!own || name == block.axis) continue;
      Series low{own->unit, {}}, high{own->unit, {}};
      for (std::size_t t = 0; t < own->values.size(); ++t) {
        for (std::size_t k = 0; k < good.size(); ++k)
          values[k] = t < good[k]->series[i].size() ? good[k]->series[i][t] : std::nan("");
        low.values.push_back(percentile(values, 5.0));
        high.values.push_back(percentile(values, 95.0));
      }
      const std::string output = name.substr(prefix.size());
      block.series["band_5/" + output] = std::move(low);
      block.series["band_95/" + output] = std::move(high);
    }
  }
  std::vector<std::string> names;
  for (const Factor& factor : plan.sweep().factors) names.push_back(factor.name);
  const std::size_t lost = dispatcher.rows.size() - good.size();
  result.notes.push_back(
      "Uncertain: " + join(names, ", ") + "; " + count + " samples of a Latin hypercube" +
      (lost > 0 ? ", " + std::to_string(lost) + " more failed or did not converge (" + first_fault + ")" : "") +
      ". Table uncertainty and series band_5/…, band_95/… have all of it.");
  return result;
}

}  // namespace psoas
