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

/// An estimate and its interval; an end that the mechanism's range cuts off is infinite.
struct Interval {
  double value = std::nan(""), low = std::nan(""), high = std::nan("");
};

using Function = std::function<double(double)>;

/// Values in even steps over a range, and what a function is there.
struct Scan {
  std::vector<double> x, y;

  Scan(const Mechanism& mechanism, const Function& f) {
    for (int i = 0; i < places; ++i) {
      x.push_back(mechanism.low + (mechanism.high - mechanism.low) * i / (places - 1));
      y.push_back(f(x.back()));
    }
  }

  /// Where the function takes a value, the nearest to `from`; nan where it does not between any two places.
  double nearest(const Function& f, double value, double from) const {
    double found = std::nan("");
    for (std::size_t i = 1; i < x.size(); ++i) {
      if (!((y[i - 1] - value) * (y[i] - value) <= 0.0)) continue;
      const Root root = bisection_root([&](double at) { return f(at) - value; }, x[i - 1], x[i],
                                       {.x = 1e-6 * std::abs(x.back() - x.front())});
      if (root.converged && !(std::abs(found - from) <= std::abs(root.x - from))) found = root.x;
    }
    return found;
  }
};

/// Values with which a measurement is predicted as it was found, and at the ends of its interval.
Interval from_measure(const Mechanism& mechanism, const Function& predicted, double found, double reach,
                      TightnessEstimate& out) {
  const Scan scan(mechanism, predicted);
  Interval interval;
  interval.value = scan.nearest(predicted, found, mechanism.neutral);
  if (std::isnan(interval.value)) {
    double low = inf, high = -inf;
    for (const double y : scan.y)
      if (std::isfinite(y)) low = std::min(low, y), high = std::max(high, y);
    out.warnings.push_back("no " + std::string(mechanism.words) + " from " + shortest_text(mechanism.low) + " to " +
                           shortest_text(mechanism.high) + " explains what was measured, " + short_text(found) +
                           ": the model gives " + fixed_text(low, 2) + " to " + fixed_text(high, 2));
    return interval;
  }
  const double one = scan.nearest(predicted, found - reach, interval.value),
               other = scan.nearest(predicted, found + reach, interval.value);
  // the end to which a curve leads that stops before: open
  const bool rises = predicted(interval.value + 1e-3 * (mechanism.high - mechanism.low)) > predicted(interval.value);
  const double below = rises ? one : other, above = rises ? other : one;
  interval.low = std::isnan(below) ? -inf : below;
  interval.high = std::isnan(above) ? inf : above;
  return interval;
}

/// The least sum of squares, and where it has grown by `growth`.
Interval from_curve(const Mechanism& mechanism, const Function& squares, double growth, double& least) {
  const Scan scan(mechanism, squares);
  std::size_t best = 0;
  for (std::size_t i = 0; i < scan.y.size(); ++i)
    if (scan.y[i] < scan.y[best] || std::isnan(scan.y[best])) best = i;
  const double from = scan.x[best > 0 ? best - 1 : 0], to = scan.x[std::min(best + 1, scan.x.size() - 1)];
  const std::pair<double, double> minimum = boost::math::tools::brent_find_minima(squares, from, to, 40);
  const double x = minimum.first;
  least = minimum.second;
  const double limit = least + growth;
  Interval interval{x, -inf, inf};
  const auto crossing = [&](std::size_t i, double inner) {
    const Root root = bisection_root([&](double at) { return squares(at) - limit; }, std::min(scan.x[i], inner),
                                     std::max(scan.x[i], inner), {.x = 1e-6 * (mechanism.high - mechanism.low)});
    return root.converged ? root.x : std::nan("");
  };
  for (std::size_t i = scan.x.size(); i-- > 0;)
    if (scan.x[i] < x && scan.y[i] > limit) {
      interval.low = crossing(i, x);
      break;
    }
  for (std::size_t i = 0; i < scan.x.size(); ++i)
    if (scan.x[i] > x && scan.y[i] > limit) {
      interval.high = crossing(i, x);
      break;
    }
  return interval;
}

std::string end_text(double value) { return std::isfinite(value) ? fixed_text(value, 3) : "beyond the range"; }

}  // namespace

TightnessEstimate estimate(const Study& study, const TightnessStudy& question, Tightness& tightness) {
  const MeasuredTightness& measured = *question.measured;
  const Mechanism& mechanism = mechanism_of(question.mechanisms.front());
  const std::string hip = measured.side == "left" ? "l" : "r";
  if (measured.side != "both" &&
      std::find(tightness.hips().begin(), tightness.hips().end(), hip) == tightness.hips().end())
    throw Error(Kind::input, study.place("/measured/side"),
                "expected a side of which the model has an iliopsoas, found \"" + measured.side + "\"");
  const double reach = boost::math::quantile(boost::math::normal(), 0.5 + 0.5 * measured.confidence);
  const auto lost = [&](double value) {
    return delta_theta_deg(tightness.unedited(), tightness.make(mechanism, measured.side, value).model, hip);
  };

  TightnessEstimate out;
  Interval interval;
  std::string from;
  if (measured.value) {
    std::vector<std::string> ignored;
    const auto predicted = [&](double value) {
      const Named<Scalar> all =
          tightness.outcome(tightness.make(mechanism, measured.side, value), measured.output, ignored);
      const Scalar* found = all.find(measured.output);
      if (found) return found->value;
      std::vector<std::string> known;
      for (const auto& [name, scalar] : all) known.push_back(name);
      throw Error(
          Kind::input, study.place("/measured/output"),
          "expected an output of this study, found \"" + measured.output + "\"" + did_you_mean(measured.output, known));
    };
    const double shift = measured.normal ? *measured.normal - predicted(mechanism.neutral) : 0.0;
    interval = from_measure(
        mechanism, [&](double value) { return predicted(value) + shift; }, *measured.value,
        reach * measured.standard_error, out);
    from = measured.output + " of " + short_text(*measured.value) +
           (measured.normal ? " where " + short_text(*measured.normal) + " is normal" : "");
  } else {
    std::vector<double> angles = measured.hip_flexion_deg;
    for (double& angle : angles) angle = degrees(angle);
    const double knee = degrees(measured.knee_flexion_deg.value_or(0.0));
    const auto squares = [&](double value) {
      const std::vector<double> moments = net_resting_moments(
          tightness.unedited(), tightness.make(mechanism, measured.side, value).model, hip, angles, knee);
      double sum = 0.0;
      for (std::size_t i = 0; i < moments.size(); ++i) {
        const double off = (moments[i] - measured.passive_moment[i]) / measured.standard_error;
        sum += off * off;
      }
      return sum;
    };
    double least = 0.0;
    interval = from_curve(mechanism, squares, reach * reach, least);
    const double per_degree = least / static_cast<double>(angles.size() - 1);
    out.scalars.add("estimate/chi_square_per_degree_of_freedom") = {per_degree, "1"};
    if (per_degree > 2.0)
      out.warnings.push_back(
          "the measured moments are further from the model's than their error explains (chi-square " +
          short_text(per_degree) + " a degree of freedom): the interval is too narrow");
    from = std::to_string(angles.size()) + " measured passive moments";
  }
  out.scalars.add("estimate/value") = {interval.value, mechanism.unit};
  out.scalars.add("estimate/low") = {interval.low, mechanism.unit};
  out.scalars.add("estimate/high") = {interval.high, mechanism.unit};
  const bool known = std::isfinite(interval.value);
  out.scalars.add("estimate/delta_theta_deg") = {known ? lost(interval.value) : std::nan(""), "deg"};
  out.sentence = "From " + from + " (standard error " + short_text(measured.standard_error) + "): " + mechanism.words +
                 ", " + measured.side + (measured.side == "both" ? " sides" : " side");
  if (known)
    out.sentence += ", " + fixed_text(interval.value, 3) + (*mechanism.unit == 'm' ? " m" : "") + " (" +
                    short_text(100.0 * measured.confidence) + " %: " + end_text(interval.low) + " to " +
                    end_text(interval.high) + "), which costs " +
                    fixed_text(out.scalars.find("estimate/delta_theta_deg")->value, 1) +
                    "° of hip extension at 5 N·m. The interval is that of the measurement, not of the model.";
  else
    out.sentence += ": not to be told.";
  return out;
}

}  // namespace psoas
