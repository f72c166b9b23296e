// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/engine.hpp"

#include <gnu/libc-version.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "psoas/core/hash.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"

namespace psoas {
namespace {

constexpr std::string_view change_word = "change ";
constexpr std::uint64_t cases_a_commit = 1000;
constexpr double seconds_a_commit = 1.0;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Thrown out of a case that is not to be finished.
struct Stopped {};

/// The numbers of a case's places, in the order of factors and their targets.
void place_values(const std::vector<Factor>& factors, std::span<const double> values, std::vector<double>& numbers) {
  numbers.clear();
  for (std::size_t f = 0; f < factors.size(); ++f) numbers.insert(numbers.end(), factors[f].targets.size(), values[f]);
}

std::vector<std::string> targets_of(const SweepSpec& sweep) {
  std::vector<std::string> targets;
  for (const Factor& factor : sweep.factors)
    targets.insert(targets.end(), factor.targets.begin(), factor.targets.end());
  return targets;
}

/// A message without the folder of the study, which is another one where somebody else computes the same case.
std::string without_folder(std::string text, const std::string& study) {
  const std::size_t slash = study.rfind('/');
  if (slash == study.npos) return text;
  const std::string folder = study.substr(0, slash + 1);
  for (std::size_t at = text.find(folder); at != text.npos; at = text.find(folder, at)) text.erase(at, folder.size());
  return text;
}

/// Whether a study of this kind computes the outputs that it is asked for, and no others.
bool asks_outputs(const Study& study) {
  return std::visit(
      [](const auto& question) {
        return !requires { std::decay_t<decltype(question)>::gives_own_outputs; };
      },
      study.question);
}

/// The output in the name of a scalar: what stands behind its reduction.
std::string output_of(const std::string& scalar) {
  const std::size_t space = scalar.rfind(' ');
  return space == scalar.npos ? "" : scalar.substr(space + 1);
}

const Block* block_of(const Result& result, const std::string& variant) {
  return variant.empty() ? &result.blocks.begin()->second : result.blocks.find(variant);
}

double value_of(const RecordedScalar& column, const Result& result) {
  const auto in = [&](const std::string& variant) {
    const Block* block = block_of(result, variant);
    const std::optional<Scalar> scalar = block ? find_scalar(*block, column.scalar) : std::nullopt;
    return scalar ? scalar->value : std::nan("");
  };
  return column.change ? in(column.variant) - in("") : in(column.variant);
}

/// A series by the name of its column.
std::vector<double> series_of(const Result& result, const std::string& name) {
  const auto& first = result.blocks.begin()->second;
  if (name == first.axis) return first.axis_values;
  for (const auto& [variant, block] : result.blocks) {
    const std::string prefix = column_prefix(result, variant);
    if (name.rfind(prefix, 0) != 0) continue;
    if (const Series* series = block.series.find(name.substr(prefix.size()))) return series->values;
  }
  return {};
}

/// Every scalar that a result can be asked for.
std::vector<RecordedScalar> columns_of(const Result& result) {
  std::vector<RecordedScalar> columns;
  for (const bool change : {false, true})
    for (const auto& [variant, block] : result.blocks) {
      const std::string prefix = column_prefix(result, variant);
      const bool first = prefix.empty();
      if (first && change) continue;
      for (const std::string& name : scalar_names(block))
        columns.push_back({(change ? std::string(change_word) : "") + prefix + name, find_scalar(block, name)->unit,
                           first ? "" : variant, name, change});
    }
  return columns;
}

}  // namespace

SweepPlan::SweepPlan(SweepSpec sweep)
    : sweep_(std::move(sweep)), cases_(sweep_), study_(sweep_.base, targets_of(sweep_)) {
  if (sweep_.series)
    for (std::size_t i = 0; i < sweep_.series->cases.size(); ++i)
      if (static_cast<std::uint64_t>(sweep_.series->cases[i]) >= cases_.count())
        throw Error(Kind::input, sweep_.where("/series/cases/" + std::to_string(i)),
                    "expected a case below " + std::to_string(cases_.count()) + ", found " +
                        std::to_string(sweep_.series->cases[i]));
  delta_theta_ =
      asks_everything() || std::any_of(sweep_.record.begin(), sweep_.record.end(), [](const std::string& name) {
        return name.find("delta_theta") != name.npos || glob_match(name, "delta_theta_deg/r");
      });
  std::vector<double> values(cases_.factors()), numbers;
  StudyMemory memory;
  std::optional<Error> fault;
  bool asked = false, named = false;
  double start = 0.0;
  RunOptions options{{}, &memory, true, delta_theta_};
  for (std::uint64_t k = 0, tried = 0; k < std::min<std::uint64_t>(cases_.count(), 10000) && tried < 8; ++k) {
    if (cases_.at(k, values) != Verdict::run) continue;
    ++tried;
    place_values(sweep_.factors, values, numbers);
    start = now();
    std::optional<Result> result;
    try {
      Study study = study_.with(numbers);
      if (!asked) take_outputs(study), asked = true;
      if (!outputs_.empty()) study.outputs = outputs_;
      result = run(study, options);
    } catch (const Stopped&) {
      return;  // it takes longer than the first
    } catch (const Error& error) {
      const std::string pointer = named_by(error);
      if (!pointer.empty()) throw Error(Kind::input, sweep_.where(pointer), error.text());
      if (!fault) fault = error;  // of this case's numbers
      continue;
    }
    // the second case takes from the first what all later ones will
    seconds_ = now() - start;
    if (named) return;
    try {
      take_names(*result);
      named = true;
      options.progress = [&start, most = seconds_](double, const std::string&) {
        if (now() - start > most) throw Stopped{};
      };
    } catch (const Error& error) {
      fault = error;  // a name that only some cases' results have may be in another one's
    }
  }
  if (named) return;
  if (fault) throw Error(fault->kind(), fault->where(), fault->text());
  throw Error(Kind::input, sweep_.where("/constraints"), "expected cases to run, found none among the first");
}

void SweepPlan::take_outputs(const Study& study) {
  if (!asks_outputs(study) || asks_everything()) return;
  const auto add = [&](const std::string& output, const std::string& pointer) {
    if (output.empty() || std::find(outputs_.begin(), outputs_.end(), output) != outputs_.end()) return;
    outputs_.push_back(output);
    output_pointers_.push_back(pointer);
  };
  for (std::size_t i = 0; i < sweep_.record.size(); ++i)
    add(output_of(sweep_.record[i]), "/record/" + std::to_string(i));
  for (std::size_t i = 0; sweep_.series && i < sweep_.series->outputs.size(); ++i) {
    std::string name = sweep_.series->outputs[i];
    for (const auto& [variant, edits] : study.variants)
      if (name.rfind(variant + ":", 0) == 0) {
        name.erase(0, variant.size() + 1);
        break;
      }
    if (name != "time") add(name, "/series/outputs/" + std::to_string(i));
  }
}

std::string SweepPlan::named_by(const Error& error) const {
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    if (error.where() == outputs_[i] || error.where().ends_with(": /outputs/" + std::to_string(i)))
      return output_pointers_[i];
  return "";
}

void SweepPlan::take_names(const Result& result) {
  const std::vector<RecordedScalar> all = columns_of(result);
  std::vector<std::string> known;
  for (const RecordedScalar& column : all) known.push_back(column.name);
  std::vector<RecordedScalar> scalars;
  if (asks_everything()) scalars = all;
  std::vector<std::string> taken;
  for (std::size_t i = 0; i < sweep_.record.size(); ++i) {
    bool any = false;
    for (const RecordedScalar& column : all) {
      if (!glob_match(sweep_.record[i], column.name)) continue;
      any = true;
      if (std::find(taken.begin(), taken.end(), column.name) != taken.end()) continue;
      taken.push_back(column.name);
      scalars.push_back(column);
    }
    if (!any)
      throw Error(Kind::input, sweep_.where("/record/" + std::to_string(i)),
                  "expected a scalar of the study's result, such as \"peak compression/L5_S1\", found " +
                      in_quotes(sweep_.record[i]) + did_you_mean(sweep_.record[i], known));
  }
  std::vector<Quantity> series;
  if (sweep_.series) {
    std::vector<Quantity> there;
    std::vector<std::string> names;
    for (const auto& [variant, block] : result.blocks) {
      const std::string prefix = column_prefix(result, variant);
      if (prefix.empty()) there.push_back({block.axis, block.axis_unit});
      for (const auto& [name, one] : block.series) there.push_back({prefix + name, one.unit});
    }
    for (const Quantity& quantity : there) names.push_back(quantity.name);
    if (asks_everything()) series = there;
    if (series.empty()) series.push_back(there.front());
    for (std::size_t i = 0; i < sweep_.series->outputs.size(); ++i) {
      bool any = false;
      for (const Quantity& quantity : there) {
        if (!glob_match(sweep_.series->outputs[i], quantity.name)) continue;
        any = true;
        if (std::find(series.begin(), series.end(), quantity) == series.end()) series.push_back(quantity);
      }
      if (!any)
        throw Error(Kind::input, sweep_.where("/series/outputs/" + std::to_string(i)),
                    "expected a series of the study's result, found " + in_quotes(sweep_.series->outputs[i]) +
                        did_you_mean(sweep_.series->outputs[i], names));
    }
  }
  scalars_ = std::move(scalars);
  series_ = std::move(series);
}

bool SweepPlan::keeps_series(std::uint64_t k) const {
  if (!sweep_.series) return false;
  const SeriesRecord& record = *sweep_.series;
  if (record.every > 0 && k % static_cast<std::uint64_t>(record.every) == 0) return true;
  return std::any_of(record.cases.begin(), record.cases.end(),
                     [&](int one) { return static_cast<std::uint64_t>(one) == k; });
}

StoreHeader SweepPlan::header(const Shard& shard) const {
  StoreHeader header;
  header.spec = sweep_.provenance;
  header.fingerprint = hash_of(sweep_.provenance);
  header.machine = machine_name();
  for (const Factor& factor : sweep_.factors) header.factors.push_back({factor.name, ""});
  for (const RecordedScalar& scalar : scalars_) header.scalars.push_back({scalar.name, scalar.unit});
  header.series = series_;
  header.cases = cases_.count();
  header.shard = shard;
  return header;
}

struct CaseRunner::Impl {
  explicit Impl(const SweepPlan& of) : plan(of), study(of.study()) {}
  const SweepPlan& plan;
  VariedStudy study;
  StudyMemory memory;
  std::vector<double> numbers;
};

CaseRunner::CaseRunner(const SweepPlan& plan) : impl_(std::make_unique<Impl>(plan)) {}
CaseRunner::CaseRunner(CaseRunner&&) noexcept = default;
CaseRunner::~CaseRunner() = default;

std::optional<CaseRow> CaseRunner::operator()(std::uint64_t k, const std::atomic<bool>& stop) {
  const SweepPlan& plan = impl_->plan;
  const std::vector<Factor>& factors = plan.sweep().factors;
  const double start = now();
  CaseRow row;
  row.index = k;
  row.factors.resize(plan.cases().factors());
  row.scalars.assign(plan.scalars().size(), std::nan(""));
  const auto fail = [&](const std::string& message) {
    row.status = CaseStatus::failed;
    row.message = message;
  };
  switch (plan.cases().at(k, row.factors)) {
    case Verdict::dropped:
      row.status = CaseStatus::dropped;
      break;
    case Verdict::not_finite:
      for (std::size_t f = factors.size(); f-- > 0;)
        if (!std::isfinite(row.factors[f])) fail("the value of " + factors[f].name + " is no finite number");
      break;
    case Verdict::run:
      try {
        place_values(factors, row.factors, impl_->numbers);
        Study study = impl_->study.with(impl_->numbers);
        if (!plan.outputs().empty()) study.outputs = plan.outputs();
        const RunOptions options{[&](double, const std::string&) {
                                   if (stop.load(std::memory_order_relaxed)) throw Stopped{};
                                 },
                                 &impl_->memory, true, plan.asks_delta_theta()};
        const Result result = run(study, options);
        for (std::size_t i = 0; i < row.scalars.size(); ++i) row.scalars[i] = value_of(plan.scalars()[i], result);
        int unconverged = 0;
        for (const auto& [name, block] : result.blocks) unconverged += block.unconverged;
        if (unconverged > 0) {
          row.status = CaseStatus::not_converged;
          row.message = std::to_string(unconverged) + " frames did not converge";
        }
        if (plan.keeps_series(k))
          for (const Quantity& quantity : plan.series()) row.series.push_back(series_of(result, quantity.name));
      } catch (const Stopped&) {
        return {};
      } catch (const Error& error) {
        if (error.kind() == Kind::io) throw;  // that says nothing about the case
        fail(without_folder(error.what(), plan.sweep().base.path));
      }
  }
  row.seconds = now() - start;
  return row;
}

namespace {

/// Hands out the missing cases of a file and keeps what comes back.
class FileDispatcher : public Dispatcher {
 public:
  FileDispatcher(const SweepPlan& plan, Store& store, const SweepOptions& options)
      : options_(options),
        store_(store),
        missing_(store.missing()),
        start_(now()),
        committed_(start_),
        seconds_a_case_(std::max(plan.seconds_a_case(), 1e-6)) {
    const StoreStatus status = store.status();
    progress_.cases = status.cases;
    progress_.finished = status.cases - status.missing;
    progress_.failed = failures(status);
    left_ = status.missing;
  }

  std::optional<CaseRange> next(double seconds) override {
    if (stopped() || range_ == missing_.size()) return {};
    CaseRange& from = missing_[range_];
    // one by one until some are back, and towards the end in small pieces, so that no thread works alone
    const double worth = here_ == 0 ? 1.0 : std::min(seconds / seconds_a_case_, static_cast<double>(left_) / 8.0);
    const std::uint64_t count =
        std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::min(worth, 1e6)), 1, from.end - from.begin);
    const CaseRange out{from.begin, from.begin + count};
    from.begin += count;
    left_ -= count;
    if (from.begin == from.end) ++range_;
    return out;
  }

  void finished(const std::vector<CaseRow>& rows) override {
    for (const CaseRow& row : rows) {
      store_.add(row);
      const bool failed = row.status == CaseStatus::failed || row.status == CaseStatus::not_converged;
      progress_.failed += failed;
      failures_ += failed;
      seconds_ += row.seconds;
    }
    progress_.finished += rows.size();
    here_ += rows.size();
    uncommitted_ += rows.size();
    if (here_ > 0) seconds_a_case_ = std::max(seconds_ / static_cast<double>(here_), 1e-7);
    // a reader that holds the file makes a commit wait: then not with every range
    if (uncommitted_ >= cases_a_commit && (safe_ || now() - committed_ >= seconds_a_commit)) commit();
  }

  bool go_on() override {
    if (uncommitted_ > 0 && now() - committed_ >= seconds_a_commit) commit();
    if (options_.progress) {
      progress_.rate = static_cast<double>(here_) / std::max(now() - start_, 1e-9);
      options_.progress(progress_);
    }
    return !stopped();
  }

  SweepReport report() {
    SweepReport report;
    report.status = store_.status();
    report.here = here_;
    report.seconds = now() - start_;
    report.end = report.status.missing == 0 ? SweepReport::End::complete
                 : too_many()               ? SweepReport::End::too_many_failures
                                            : SweepReport::End::interrupted;
    return report;
  }

 private:
  static std::uint64_t failures(const StoreStatus& status) {
    return status.finished[static_cast<std::size_t>(CaseStatus::failed)] +
           status.finished[static_cast<std::size_t>(CaseStatus::not_converged)];
  }
  bool too_many() const { return failures_ > options_.most_failures; }
  bool stopped() {
    interrupted_ = interrupted_ || (options_.interrupted && options_.interrupted());
    return interrupted_ || too_many();
  }
  void commit() {
    // a reader that holds the file delays what is safe, and loses nothing
    safe_ = store_.commit();
    if (safe_) uncommitted_ = 0;
    committed_ = now();
  }

  const SweepOptions& options_;
  Store& store_;
  std::vector<CaseRange> missing_;
  std::size_t range_ = 0;
  std::uint64_t left_ = 0, here_ = 0, uncommitted_ = 0, failures_ = 0;
  double start_, committed_, seconds_ = 0.0, seconds_a_case_;
  bool interrupted_ = false, safe_ = true;
  SweepProgress progress_;
};

}  // namespace

SweepReport run_sweep(const SweepPlan& plan, const std::string& path, const SweepOptions& options,
                      const Executor& executor) {
  StoreHeader header = plan.header(options.shard);
  header.provenance = options.provenance;
  const StoreWriting writing{.mixed = options.mixed};
  Store store = options.resume ? Store::resume(path, header, writing) : Store::create(path, header, writing);
  FileDispatcher dispatcher(plan, store, options);
  executor(plan, dispatcher);
  store.close();
  return dispatcher.report();
}

std::string machine_name() { return cpu_name() + ", glibc " + gnu_get_libc_version(); }

}  // namespace psoas
