// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/analyse.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "model/json_file.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/sampling.hpp"
#include "psoas/core/words.hpp"
#include "psoas/sweep/spec.hpp"

namespace psoas {
namespace {

using Index = Eigen::Index;

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint32_t no_place = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t group_bytes = std::size_t{64} << 20;  // of scalars that are held at a time
// A quadratic in more factors has more than 500 terms.
constexpr std::size_t most_surface_factors = 30;
// Cases times squared terms of a fit: a few seconds.
constexpr double surface_work = 2e9;

std::vector<std::size_t> chosen_scalars(const Store& store, const std::vector<std::string>& patterns) {
  const std::vector<Quantity>& scalars = store.header().scalars;
  std::vector<bool> chosen(scalars.size(), patterns.empty());
  std::vector<std::string> known;
  for (const Quantity& scalar : scalars) known.push_back(scalar.name);
  for (const std::string& pattern : patterns) {
    bool any = false;
    for (std::size_t i = 0; i < scalars.size(); ++i)
      if (pattern == known[i] || glob_match(pattern, known[i])) any = chosen[i] = true;
    if (!any)
      throw Error(Kind::input, store.path(),
                  "expected the name of a recorded scalar (* stands for any characters but /), found " +
                      in_quotes(pattern, 200) + did_you_mean(pattern, known));
  }
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i]) out.push_back(i);
  return out;
}

/// Analyses one file.
class Analyser {
 public:
  Analyser(const Store& store, const AnalysisOptions& options)
      : store_(store),
        options_(options),
        sweep_(recorded_sweep(store.header().spec, store.path())),
        cases_(sweep_),
        chosen_(chosen_scalars(store, options.scalars)) {
    const StoreHeader& header = store.header();
    bool same = header.cases == cases_.count() && header.factors.size() == sweep_.factors.size();
    for (std::size_t f = 0; same && f < header.factors.size(); ++f)
      same = header.factors[f].name == sweep_.factors[f].name;
    if (!same) throw Error(Kind::io, store.path(), "is damaged: its columns or cases are not those of its sweep");
    const SobolSampler* sobol = std::get_if<SobolSampler>(&sweep_.sampler);
    const std::size_t dimensions = cases_.design().dimensions();
    if (sobol && sobol->indices)
      grouped_ = Groups::samples, group_ = dimensions + 2;
    else if (std::holds_alternative<MorrisSampler>(sweep_.sampler))
      grouped_ = Groups::trajectories, group_ = dimensions + 1;
  }

  SweepAnalysis run() {
    describe();
    look();
    const std::size_t at_once =
        std::clamp<std::size_t>(group_bytes / (sizeof(double) * std::max<std::size_t>(index_.size(), 1)), 1, 256);
    for (std::size_t first = 0; first < chosen_.size(); first += at_once) {
      const std::size_t last = std::min(first + at_once, chosen_.size());
      read(first, last);
      if (first == 0) prepare();
      for (std::size_t i = first; i < last; ++i) {
        const Quantity& scalar = store_.header().scalars[chosen_[i]];
        if (options_.progress)
          options_.progress(static_cast<double>(i) / static_cast<double>(chosen_.size()), scalar.name);
        found_.scalars.push_back(of(scalar, numbers_[i - first]));
      }
    }
    find_factors();
    return std::move(found_);
  }

 private:
  enum class Groups { none, samples, trajectories };

  void describe() {
    found_.title = sweep_.title;
    found_.fingerprint = store_.header().fingerprint;
    found_.sampler = std::visit([](const auto& kind) { return std::string(kind.name); }, sweep_.sampler);
    found_.correlated = sweep_.correlation.has_value();
    found_.confidence = options_.bootstrap.confidence;
    found_.resamples = options_.bootstrap.resamples;
    found_.seed = options_.bootstrap.seed;
    for (std::size_t f = 0; f < sweep_.factors.size(); ++f) {
      const Quantity& factor = store_.header().factors[f];
      found_.columns.push_back(factor.name);
      if (sweep_.factors[f].expression) continue;
      if (sweep_.factors[f].dimension < found_.factors.size()) {
        found_.factors[sweep_.factors[f].dimension].zipped.push_back(factor.name);
      } else {
        found_.factors.push_back({factor, {}});
        columns_.push_back(f);
      }
    }
  }

  /// Which cases there are. What another program adds later is not seen.
  void look() {
    const CaseRange range = store_.header().shard.range(store_.header().cases);
    found_.cases = found_.missing = range.end - range.begin;
    std::uint64_t last_group = std::numeric_limits<std::uint64_t>::max();
    store_.read([&](const CaseRow& row) {
      ++found_.finished[static_cast<std::size_t>(row.status)];
      --found_.missing;
      if (group_ > 0) {
        if (row.index / group_ != last_group) {
          last_group = row.index / group_;
          groups_.push_back(last_group);
          places_.resize(places_.size() + group_, no_place);
        }
        if (row.status == CaseStatus::ok)
          places_[places_.size() - group_ + row.index % group_] = static_cast<std::uint32_t>(index_.size());
      }
      if (row.status == CaseStatus::ok) index_.push_back(static_cast<std::uint32_t>(row.index));
    });
    if (index_.empty())
      throw Error(Kind::input, store_.path(),
                  "expected finished cases that are ok, found none: " + std::to_string(found_.missing) + " of " +
                      std::to_string(found_.cases) + " are missing, the others failed or were dropped");
    for (std::size_t k = 0; k < index_.size(); ++k)
      if (grouped_ == Groups::none || (grouped_ == Groups::samples && index_[k] % group_ < 2))
        sample_.push_back(static_cast<std::uint32_t>(k));
  }

  /// Reads some of the chosen scalars, and factors the first time.
  void read(std::size_t first, std::size_t last) {
    numbers_.assign(last - first, std::vector<double>(index_.size()));
    const bool factors = first == 0;
    if (factors) factors_.resize(static_cast<Index>(sample_.size()), static_cast<Index>(columns_.size()));
    std::size_t k = 0, sampled = 0;
    store_.read([&](const CaseRow& row) {
      if (k == index_.size() || row.index != index_[k]) return;
      for (std::size_t i = first; i < last; ++i) numbers_[i - first][k] = row.scalars[chosen_[i]];
      if (factors && sampled < sample_.size() && sample_[sampled] == k) {
        for (std::size_t c = 0; c < columns_.size(); ++c)
          factors_(static_cast<Index>(sampled), static_cast<Index>(c)) = row.factors[columns_[c]];
        ++sampled;
      }
      ++k;
    });
    if (k != index_.size()) throw Error(Kind::io, store_.path(), "is damaged: cases have gone while it was read");
  }

  /// What is the same for all scalars.
  void prepare() {
    const std::size_t n = sample_.size(), d = columns_.size(), terms = 1 + d + d * (d + 1) / 2;
    if (grouped_ == Groups::trajectories) {
      no_surface_ = "trajectories of this sampler do not fill the space of factors";
      points_.resize(static_cast<Index>(places_.size()), static_cast<Index>(d));
      std::vector<double> point(d);
      for (std::size_t k = 0; k < places_.size(); ++k) {
        cases_.design().point(groups_[k / group_] * group_ + k % group_, point);
        for (std::size_t i = 0; i < d; ++i) points_(static_cast<Index>(k), static_cast<Index>(i)) = point[i];
      }
      return;
    }
    // on a grid every level is a bin of its own, and the ratio the share of this very variance
    if (std::holds_alternative<GridSampler>(sweep_.sampler)) {
      std::size_t most = 2;
      for (const std::size_t c : columns_) most = std::max(most, levels_of(sweep_.factors[c].values));
      if (n >= 4 * most) bins_ = static_cast<int>(most);
    }
    if (d > most_surface_factors) {
      no_surface_ = "a quadratic in more than " + std::to_string(most_surface_factors) + " factors has too many terms";
      return;
    }
    const double enough =
        std::max(surface_work / static_cast<double>(terms * terms), 10.0 * static_cast<double>(terms));
    surface_.resize(n);
    std::iota(surface_.begin(), surface_.end(), std::uint32_t{0});
    if (static_cast<double>(n) > enough) {
      surface_.resize(static_cast<std::size_t>(enough));
      for (std::uint32_t& k : surface_) k = static_cast<std::uint32_t>(shuffled(k, n, options_.bootstrap.seed));
      std::sort(surface_.begin(), surface_.end());
      drawn_.resize(static_cast<Index>(surface_.size()), factors_.cols());
      for (std::size_t k = 0; k < surface_.size(); ++k)
        drawn_.row(static_cast<Index>(k)) = factors_.row(static_cast<Index>(surface_[k]));
    }
  }

  ScalarAnalysis of(const Quantity& scalar, const std::vector<double>& y) const {
    ScalarAnalysis out;
    out.scalar = scalar;
    const double confidence = options_.bootstrap.confidence;
    out.summary = summarise(y, std::vector<double>{50.0}, confidence);
    for (const std::size_t k : worst_cases(y, options_.worst)) out.worst.push_back({index_[k], y[k], {}});

    if (grouped_ != Groups::none) {
      std::vector<double> whole(places_.size(), nothing);
      for (std::size_t k = 0; k < whole.size(); ++k)
        if (places_[k] != no_place) whole[k] = y[places_[k]];
      if (grouped_ == Groups::samples)
        out.sobol = sobol_indices(whole, static_cast<int>(columns_.size()), options_.bootstrap);
      else
        effects(whole, out);
    }
    if (grouped_ == Groups::trajectories) {
      out.no_surface = no_surface_;
      return out;
    }
    std::vector<double> sampled(sample_.size());
    for (std::size_t k = 0; k < sampled.size(); ++k) sampled[k] = y[sample_[k]];
    out.associations = associations(factors_, sampled, bins_, confidence);
    fit(std::move(sampled), out);
    return out;
  }

  void effects(const std::vector<double>& whole, ScalarAnalysis& out) const {
    out.morris = morris_effects(points_, whole, options_.bootstrap);
    // by steps of the factors' own values, which are one after another in a trajectory as the points are
    const Index d = points_.cols();
    std::vector<double> sum(static_cast<std::size_t>(d), 0.0), values(sweep_.factors.size()), before(values.size());
    for (std::size_t start = 0; start < whole.size(); start += group_) {
      const auto from = whole.begin() + static_cast<std::ptrdiff_t>(start);
      if (std::any_of(from, from + static_cast<std::ptrdiff_t>(group_), [](double x) { return std::isnan(x); }))
        continue;
      for (std::size_t k = start; k < start + group_; ++k) {
        cases_.at(groups_[k / group_] * group_ + k % group_, values);
        for (std::size_t i = 0; k > start && i < sum.size(); ++i) {
          const auto at = static_cast<Index>(k);
          if (points_(at, static_cast<Index>(i)) != points_(at - 1, static_cast<Index>(i)))
            sum[i] += (whole[k] - whole[k - 1]) / (values[columns_[i]] - before[columns_[i]]);
        }
        before = values;
      }
    }
    for (const double of : sum) {
      const double mean = of / static_cast<double>(out.morris->trajectories);
      out.slopes.push_back(std::isfinite(mean) ? mean : nothing);
    }
  }

  void fit(std::vector<double> sampled, ScalarAnalysis& out) const {
    out.no_surface = no_surface_;
    if (!no_surface_.empty()) return;
    const bool all = surface_.size() == sampled.size();
    for (std::size_t k = 0; !all && k < surface_.size(); ++k) sampled[k] = sampled[surface_[k]];
    sampled.resize(surface_.size());
    try {
      out.surface = response_surface(all ? factors_ : drawn_, sampled, 10, options_.bootstrap.seed);
    } catch (const Error& error) {
      if (error.kind() != Kind::input) throw;
      out.no_surface = error.text();
    }
  }

  /// The factors of the cases that were noted, in one more pass.
  void find_factors() {
    std::map<std::uint64_t, std::vector<double>> of;
    for (const ScalarAnalysis& scalar : found_.scalars)
      for (const NotedCase& one : scalar.worst) of[one.index];
    if (of.empty()) return;
    store_.read([&](const CaseRow& row) {
      if (const auto one = of.find(row.index); one != of.end()) one->second = row.factors;
    });
    for (ScalarAnalysis& scalar : found_.scalars)
      for (NotedCase& one : scalar.worst) one.factors = of[one.index];
  }

  const Store& store_;
  const AnalysisOptions& options_;
  const SweepSpec sweep_;
  const Cases cases_;
  std::vector<std::size_t> chosen_;   // scalars
  std::vector<std::size_t> columns_;  // of design factors among all
  Groups grouped_ = Groups::none;
  std::size_t group_ = 0;  // cases of a sample or trajectory

  std::vector<std::uint32_t> index_;    // numbers of the cases that are ok, rising
  std::vector<std::uint64_t> groups_;   // that have cases
  std::vector<std::uint32_t> places_;   // of their cases in index_
  std::vector<std::uint32_t> sample_;   // places in index_ of cases that fill the space
  MatX factors_;                        // of the sample
  MatX points_;                         // of the unit cube, of groups_
  std::vector<std::uint32_t> surface_;  // rows of factors_ that are fitted
  MatX drawn_;                          // and these rows, where they are not all
  std::string no_surface_;
  int bins_ = 0;                              // of correlation ratios; 0: by the number of cases
  std::vector<std::vector<double>> numbers_;  // of a group of scalars
  SweepAnalysis found_;
};

// ---- JSON ----

json number(double x) { return std::isfinite(x) ? json(x) : json(nullptr); }

json estimate(const Estimate& e) {
  return {{"value", number(e.value)}, {"low", number(e.low)}, {"high", number(e.high)}};
}

/// An object with what `of` gives of each design factor.
template <class Of>
json by_factor(const SweepAnalysis& analysis, const Of& of) {
  json out = json::object();
  for (std::size_t i = 0; i < analysis.factors.size(); ++i) out[analysis.factors[i].factor.name] = of(i);
  return out;
}

json surface_json(const SweepAnalysis& analysis, const ResponseSurface& surface) {
  json out = json::object();
  out["cases"] = surface.cases;
  out["r_squared"] = number(surface.r_squared);
  out["residual_rms"] = number(surface.residual_rms);
  out["validated_r_squared"] = number(surface.validated_r_squared);
  out["validated_rms"] = number(surface.validated_rms);
  out["factors"] = by_factor(analysis, [&](std::size_t i) {
    return json{{"centre", number(surface.centre[i])}, {"scale", number(surface.scale[i])}};
  });
  out["terms"] = json::array();
  for (const ResponseSurface::Term& term : surface.terms) {
    json names = json::array();
    for (const int i : {term.first, term.second})
      if (i >= 0) names.push_back(analysis.factors[static_cast<std::size_t>(i)].factor.name);
    out["terms"].push_back({{"of", names}, {"coefficient", number(term.coefficient)}});
  }
  return out;
}

json scalar_json(const SweepAnalysis& analysis, const ScalarAnalysis& scalar) {
  const OutputSummary& s = scalar.summary;
  json out = json::object();
  out["unit"] = scalar.scalar.unit;
  out["cases"] = s.cases;
  out["without_number"] = s.failed;
  out["mean"] = estimate(s.mean);
  out["standard_deviation"] = number(s.standard_deviation);
  out["band"] = {{"low", number(s.band_low)}, {"high", number(s.band_high)}};
  out["median"] = number(s.percentiles.front());
  out["lowest"] = number(s.lowest);
  out["highest"] = number(s.highest);
  if (scalar.sobol) {
    const SobolIndices& of = *scalar.sobol;
    out["sobol"] = {{"samples", of.samples}, {"left_out", of.dropped}, {"variance", number(of.variance)}};
    out["sobol"]["factors"] = by_factor(analysis, [&](std::size_t i) {
      return json{{"first", estimate(of.first[i])}, {"total", estimate(of.total[i])}};
    });
  }
  if (scalar.morris) {
    const MorrisEffects& of = *scalar.morris;
    out["morris"] = {{"trajectories", of.trajectories}, {"left_out", of.dropped}};
    out["morris"]["factors"] = by_factor(analysis, [&](std::size_t i) {
      return json{{"mu_star", estimate(of.mu_star[i])},
                  {"mu", estimate(of.mu[i])},
                  {"sigma", estimate(of.sigma[i])},
                  {"slope", number(scalar.slopes[i])}};
    });
  }
  if (!scalar.associations.empty())
    out["correlations"] = by_factor(analysis, [&](std::size_t i) {
      const Association& of = scalar.associations[i];
      return json{{"correlation_ratio", number(of.correlation_ratio)},
                  {"by_chance", number(of.by_chance)},
                  {"bins", of.bins},
                  {"rank_correlation", estimate(of.rank_correlation)}};
    });
  out["response_surface"] =
      scalar.surface ? surface_json(analysis, *scalar.surface) : json{{"none", scalar.no_surface}};
  out["worst"] = json::array();
  for (const NotedCase& one : scalar.worst) {
    json values = json::object();
    for (std::size_t f = 0; f < one.factors.size(); ++f) values[analysis.columns[f]] = number(one.factors[f]);
    out["worst"].push_back({{"case", one.index}, {"value", number(one.value)}, {"factors", values}});
  }
  return out;
}

}  // namespace

SweepAnalysis analyse(const Store& store, const AnalysisOptions& options) { return Analyser(store, options).run(); }

std::string analysis_json(const SweepAnalysis& analysis) {
  json out = json::object();
  out["format"] = "psoas-analysis/1";
  if (!analysis.title.empty()) out["title"] = analysis.title;
  out["fingerprint"] = analysis.fingerprint;
  out["sampler"] = analysis.sampler;
  json& cases = out["cases"] = {{"all", analysis.cases}};
  for (std::size_t i = 0; i < analysis.finished.size(); ++i) cases[case_status_words[i]] = analysis.finished[i];
  cases["missing"] = analysis.missing;
  out["confidence"] = analysis.confidence;
  out["bootstrap"] = {{"resamples", analysis.resamples}, {"seed", analysis.seed}};
  out["factors_are_correlated"] = analysis.correlated;
  out["factors"] = json::array();
  for (const DesignFactor& factor : analysis.factors)
    out["factors"].push_back(
        {{"name", factor.factor.name}, {"unit", factor.factor.unit}, {"zipped", json(factor.zipped)}});
  out["scalars"] = json::object();
  for (const ScalarAnalysis& scalar : analysis.scalars)
    out["scalars"][scalar.scalar.name] = scalar_json(analysis, scalar);
  return pretty(out);
}

}  // namespace psoas
