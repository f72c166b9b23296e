// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// How tight a muscle is, from what was measured on a person.
#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <functional>

#include "psoas/core/roots.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "study/tightness.hpp"

namespace psoas {
namespace {

constexpr int places = 25;  ///< at which a measurement is predicted before roots and minima are sought between them

/// An estimate and its interval; an end that the range searched cuts off is infinite.
struct Interval {
  double value = std::nan(""), low = std::nan(""), high = std::nan("");
};

using Function = std::function<double(double)>;

/// Values in even steps over a range, and what a function is there.
struct Scan {
  std::vector<double> x, y;

  Scan(double low, double high, const Function& f) {
    for (int i = 0; i < places; ++i) {
      x.push_back(low + (high - low) * i / (places - 1));
      y.push_back(f(x.back()));
    }
  }
  double tolerance() const { return 1e-6 * (x.back() - x.front()); }

  /// Where the function takes a value, ascending: one place for each two neighbours between which it does.
  std::vector<double> where(const Function& f, double value) const {
    std::vector<double> found;
    for (std::size_t i = 1; i < x.size(); ++i) {
      if (!((y[i - 1] - value) * (y[i] - value) < 0.0) && y[i] != value) continue;
      const Root root = bisection_root([&](double at) { return f(at) - value; }, x[i - 1], x[i], {.x = tolerance()});
      if (root.converged) found.push_back(root.x);
    }
    return found;
  }

  /// The range about `value`, where it is below 0, in which a function stays below 0; `at_places` are its values at x.
  Interval about(double value, const Function& f, const std::vector<double>& at_places) const {
    Interval out{value, -inf, inf};
    const auto edge = [&](double inside, double outside) {
      const Root root = bisection_root(f, std::min(inside, outside), std::max(inside, outside), {.x = tolerance()});
      return root.converged ? root.x : std::nan("");
    };
    double inside = value;
    for (std::size_t i = x.size(); i-- > 0 && out.low == -inf;) {
      if (!(x[i] < value)) continue;
      if (at_places[i] > 0.0) out.low = edge(inside, x[i]);
      inside = x[i];
    }
    inside = value;
    for (std::size_t i = 0; i < x.size() && out.high == inf; ++i) {
      if (!(x[i] > value)) continue;
      if (at_places[i] > 0.0) out.high = edge(inside, x[i]);
      inside = x[i];
    }
    return out;
  }
};

/// The range in which a mechanism's value is sought.
struct Searched {
  const char* words;
  double low, high, neutral;

  std::string text() const { return std::string(words) + " from " + shortest_text(low) + " to " + shortest_text(high); }
};

/// The value with which a measurement is predicted as it was found, and those with which it is within reach.
Interval from_measure(const Searched& searched, const Function& predicted, double found, double reach,
                      TightnessEstimate& out) {
  const Scan scan(searched.low, searched.high, predicted);
  const std::vector<double> all = scan.where(predicted, found);
  if (all.empty()) {
    double low = inf, high = -inf;
    for (const double y : scan.y)
      if (std::isfinite(y)) low = std::min(low, y), high = std::max(high, y);
    out.warnings.push_back("no " + searched.text() + " explains what was measured, " + short_text(found) +
                           ": the model gives " + fixed_text(low, 2) + " to " + fixed_text(high, 2));
    return {};
  }
  const auto nearer = [&](double a, double b) {
    return std::abs(a - searched.neutral) < std::abs(b - searched.neutral);
  };
  const double value = *std::min_element(all.begin(), all.end(), nearer);
  for (const double other : all)
    if (other != value)
      out.warnings.push_back("what was measured is explained by " + fixed_text(other, 3) + " as well as by " +
                             fixed_text(value, 3) + ", which is nearer to no change");
  std::vector<double> off = scan.y;
  for (double& y : off) y = std::abs(y - found) - reach;
  return scan.about(
      value, [&](double at) { return std::abs(predicted(at) - found) - reach; }, off);
}

/// The least sum of squares, and where it has grown by `growth`.
Interval from_curve(const Searched& searched, const Function& squares, double growth, double& least,
                    TightnessEstimate& out) {
  const Scan scan(searched.low, searched.high, squares);
  std::size_t best = 0;
  for (std::size_t i = 0; i < scan.y.size(); ++i)
    if (scan.y[i] < scan.y[best] || std::isnan(scan.y[best])) best = i;
  const double from = scan.x[best > 0 ? best - 1 : 0], to = scan.x[std::min(best + 1, scan.x.size() - 1)];
  const std::pair<double, double> minimum = boost::math::tools::brent_find_minima(squares, from, to, 40);
  least = minimum.second;
  std::vector<double> off = scan.y;
  for (double& y : off) y -= least + growth;
  Interval interval = scan.about(
      minimum.first, [&, limit = least + growth](double at) { return squares(at) - limit; }, off);
  const double margin = 1e-4 * (searched.high - searched.low);
  if (minimum.first < searched.low + margin || minimum.first > searched.high - margin) {
    out.warnings.push_back("the curve is best explained at the end of what is searched, " + searched.text() +
                           ", or beyond: no estimate");
    interval.value = std::nan("");
  }
  return interval;
}

std::string end_text(double value) { return std::isfinite(value) ? fixed_text(value, 3) : "beyond what is searched"; }

}  // namespace

TightnessEstimate estimate(const Study& study, const TightnessStudy& question, Tightness& tightness) {
  const MeasuredTightness& measured = *question.measured;
  const Mechanism& mechanism = mechanism_of(question.mechanisms.front());
  TightnessEstimate out;
  out.side = measured.side.value_or(question.sides.front());
  if (std::find(question.sides.begin(), question.sides.end(), out.side) == question.sides.end())
    throw Error(Kind::input, study.place("/measured/side"),
                "expected one of the study's sides (" + join(question.sides, ", ") + "), found \"" + out.side + "\"");
  const std::string hip = out.side == "both" ? tightness.hips().front() : out.side.substr(0, 1);
  const std::string other = hip == "r" ? "/l" : "/r";
  if (out.side != "both" && measured.output.ends_with(other))
    throw Error(
        Kind::input, study.place("/measured/output"),
        "expected an output of the " + out.side + " side, which is the tight one, found \"" + measured.output + "\"");
  const Searched searched{mechanism.words, std::max(mechanism.low, tightness.least(mechanism)), mechanism.high,
                          tightness.neutral(mechanism)};
  const double reach = boost::math::quantile(boost::math::normal(), 0.5 + 0.5 * measured.confidence);
  const auto made = [&](double value) {
    std::vector<Problem> ignored;
    return tightness.make(mechanism, out.side, value, ignored);
  };

  Interval interval;
  std::string from;
  if (measured.value) {
    std::vector<std::string> known;
    const auto predicted = [&](double value) {
      Warnings ignored;
      const std::optional<TightModel> tight = made(value);
      if (!tight) return std::nan("");
      const Named<Scalar> all = tightness.outcome(*tight, measured.output, ignored);
      if (const Scalar* found = all.find(measured.output)) return found->value;
      if (known.empty())
        for (const auto& [name, scalar] : all) known.push_back(name);
      return std::nan("");
    };
    const double unchanged = predicted(searched.neutral);
    if (std::find(known.begin(), known.end(), measured.output) == known.end() && !known.empty())
      throw Error(
          Kind::input, study.place("/measured/output"),
          "expected an output of this study, found \"" + measured.output + "\"" + did_you_mean(measured.output, known));
    const double shift = measured.normal ? *measured.normal - unchanged : 0.0;
    interval = from_measure(
        searched, [&](double value) { return predicted(value) + shift; }, *measured.value,
        reach * measured.standard_error, out);
    from = measured.output + " of " + short_text(*measured.value) +
           (measured.normal ? " where " + short_text(*measured.normal) + " is normal" : "");
  } else {
    if (tightness.iliopsoas_alone(hip))
      throw Error(Kind::input, study.place("/measured/hip_flexion_deg"),
                  "expected a model with all muscles about the hip, found one in which only the iliopsoas crosses it");
    std::vector<double> angles = measured.hip_flexion_deg;
    for (double& angle : angles) angle = degrees(angle);
    const double knee = degrees(measured.knee_flexion_deg.value_or(0.0));
    const auto squares = [&](double value) {
      const std::optional<TightModel> tight = made(value);
      if (!tight) return std::nan("");
      const std::vector<double> moments = net_resting_moments(tightness.unedited(), tight->model, hip, angles, knee);
      double sum = 0.0;
      for (std::size_t i = 0; i < moments.size(); ++i) {
        const double off = (moments[i] - measured.passive_moment[i]) / measured.standard_error;
        sum += off * off;
      }
      return sum;
    };
    double least = 0.0;
    interval = from_curve(searched, squares, reach * reach, least, out);
    const double per_degree = least / static_cast<double>(angles.size() - 1);
    out.scalars.add("estimate/chi_square_per_degree_of_freedom") = {per_degree, "1"};
    if (per_degree > 2.0)
      out.warnings.push_back(
          "the measured moments are further from the model's than their error explains (chi-square " +
          short_text(per_degree) + " a degree of freedom): the interval is too narrow");
    from = std::to_string(angles.size()) + " measured passive moments";
  }
  const bool known = std::isfinite(interval.value);
  const std::optional<TightModel> found = known ? made(interval.value) : std::nullopt;
  const double lost = found ? delta_theta_deg(tightness.unedited(), found->model, hip) : std::nan("");
  out.scalars.add("estimate/value") = {interval.value, mechanism.unit};
  for (const auto& [name, end] : {std::pair{"low", interval.low}, std::pair{"high", interval.high}}) {
    out.scalars.add(std::string("estimate/") + name) = {std::isfinite(end) ? end : std::nan(""), mechanism.unit};
    out.scalars.add(std::string("estimate/") + name + "_is_open") = {std::isinf(end) ? 1.0 : 0.0, "1"};
  }
  out.scalars.add("estimate/delta_theta_deg") = {lost, "deg"};
  out.sentence = "From " + from + " (standard error " + short_text(measured.standard_error) + "): " + mechanism.words +
                 ", " + out.side + (out.side == "both" ? " sides" : " side");
  if (known)
    out.sentence += ", " + fixed_text(interval.value, 3) + (*mechanism.unit == 'm' ? " m" : "") + " (" +
                    short_text(100.0 * measured.confidence) + " %: " + end_text(interval.low) + " to " +
                    end_text(interval.high) + "), with a Δθ of " + fixed_text(lost, 1) +
                    "°. The interval is that of the measurement, not of the model.";
  else
    out.sentence += ": not to be told.";
  return out;
}

}  // namespace psoas
