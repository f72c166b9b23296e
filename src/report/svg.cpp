// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "psoas/core/error.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/report/report.hpp"
#include "psoas/report/text.hpp"

namespace psoas {
namespace {

// Okabe & Ito 2008: told apart with every common colour vision. Dashes keep lines that lie on each other visible.
constexpr std::array<const char*, 7> colours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                "#E69F00", "#56B4E9", "#000000"};
constexpr std::array<const char*, 4> dashes = {"", "7 4", "2 3", "9 3 2 3"};
constexpr double letter = 6.6;       // mean width of a letter of 12 px, generous
constexpr double bold_letter = 8.6;  // of a bold one of 15 px
constexpr double label_step = 15.0;  // least distance of labels

struct Line {
  std::string label;
  std::vector<double> x, y;
};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

/// An axis from values to pixels with round ticks.
struct Axis {
  double low = 0.0, high = 1.0, from = 0.0, to = 1.0, step = 0.2;
  int decimals = 1;

  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }

  std::vector<double> ticks() const {
    std::vector<double> out;
    const double first = std::ceil(low / step - 1e-9);
    for (int i = 0; i < 50 && (first + i) * step <= high + 1e-9 * step; ++i) out.push_back((first + i) * step);
    return out;
  }
};

Axis axis_of(double low, double high, double from, double to, int wanted, bool round_ends) {
  Axis axis;
  if (!(low <= high)) low = 0.0, high = 1.0;
  if (!(high - low > 1e-9 * std::max(std::abs(low), std::abs(high)))) {
    const double room = std::abs(high) > 1e-6 ? 0.5 * std::abs(high) : 1.0;
    low -= room, high += room;
  }
  const double raw = (high - low) / wanted, power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10.0 * power;
  for (const double nice : {5.0, 2.0, 1.0})
    if (raw <= nice * power * (1.0 + 1e-9)) step = nice * power;
  axis.step = step;
  axis.decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  axis.low = round_ends ? std::floor(low / step + 1e-9) * step : low;
  axis.high = round_ends ? std::ceil(high / step - 1e-9) * step : high;
  axis.from = from, axis.to = to;
  return axis;
}

/// Whether the line breaks before point i: a jump in time (the next window), or no value.
std::vector<char> breaks(const std::vector<double>& x) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < x.size(); ++i)
    if (x[i] > x[i - 1]) steps.push_back(x[i] - x[i - 1]);
  std::vector<char> out(x.size(), 0);
  if (steps.empty()) return out;
  std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2), steps.end());
  const double usual = steps[steps.size() / 2];
  for (std::size_t i = 1; i < x.size(); ++i) out[i] = !(x[i] > x[i - 1]) || x[i] - x[i - 1] > 3.0 * usual;
  return out;
}

std::string line_path(const Line& curve, const Axis& x, const Axis& y) {
  const std::vector<char> broken = breaks(curve.x);
  std::string path;
  bool pen_down = false;
  for (std::size_t i = 0; i < curve.x.size() && i < curve.y.size(); ++i) {
    if (!std::isfinite(curve.y[i]) || !std::isfinite(curve.x[i])) {
      pen_down = false;
      continue;
    }
    if (broken[i]) pen_down = false;
    path += fmt::format("{}{:.2f} {:.2f}", pen_down ? "L" : "M", x.at(curve.x[i]), y.at(curve.y[i]));
    pen_down = true;
  }
  return path;
}

/// Moves labels apart, keeping their order, within [top, bottom].
void spread(std::vector<std::pair<double, std::size_t>>& labels, double top, double bottom) {
  std::stable_sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  double least = top;
  for (auto& [y, index] : labels) {
    y = std::max(y, least);
    least = y + label_step;
  }
  double most = bottom;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->first = std::min(label->first, most);
    most = label->first - label_step;
  }
}

/// The text, or as many of its parts between " · " as have room; a first part that is too long ends in "…".
std::string shortened(const std::string& text, double room, double width_of_letter) {
  const auto fits = [&](std::string_view part) {
    return static_cast<double>(text_width(part)) * width_of_letter <= room;
  };
  const std::string separator = " · ";
  std::string out = text;
  for (std::size_t cut; !fits(out) && (cut = out.rfind(separator)) != std::string::npos;) out.resize(cut);
  if (fits(out)) return out;
  while (!out.empty() && !fits(out + "…")) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0u) == 0x80u) out.pop_back();  // UTF-8
    if (!out.empty()) out.pop_back();
  }
  return out + "…";
}

/// Whether all curves are the same to the promise of equal results on all machines, 1e-9 of their greatest value.
bool all_same(const std::vector<Line>& curves) {
  double greatest = 0.0;
  for (const Line& curve : curves)
    for (const double value : curve.y)
      if (std::isfinite(value)) greatest = std::max(greatest, std::abs(value));
  const Line& first = curves.front();
  for (const Line& curve : curves) {
    if (curve.x != first.x || curve.y.size() != first.y.size()) return false;
    for (std::size_t i = 0; i < curve.y.size(); ++i)
      if (!(std::abs(curve.y[i] - first.y[i]) <= 1e-9 * greatest) &&
          !(std::isnan(curve.y[i]) && std::isnan(first.y[i])) && curve.y[i] != first.y[i])
        return false;
  }
  return true;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text, const std::string& more = "") {
  return fmt::format("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     escaped(text));
}

}  // namespace

std::string svg(const Result& result, const Plot& plot) {
  std::vector<Line> curves;
  std::string axis_name, axis_unit, y_label = readable_unit(plot.y_label);
  for (const auto& [variant, block] : result.blocks) {
    const Series* series = block.series.find(plot.series);
    if (!series) continue;
    Line curve{readable_name(variant), block.axis_values, series->values};
    if (series->unit.rfind("rad", 0) == 0 && (plot.y_label.empty() || plot.y_label == series->unit)) {
      for (double& value : curve.y) value = to_degrees(value);
      y_label = readable_unit("deg" + series->unit.substr(3));
    }
    axis_name = block.axis, axis_unit = block.axis_unit;
    curves.push_back(std::move(curve));
  }
  const auto& tables = result.blocks.begin()->second.tables;
  if (const ResultTable* table = curves.empty() ? tables.find(plot.series) : nullptr;
      table && table->columns.size() > 1) {
    axis_name = table->columns[0].name, axis_unit = table->columns[0].unit;
    for (std::size_t k = 1; k < table->columns.size(); ++k) {
      Line& curve = curves.emplace_back();
      curve.label = table->columns[k].name;
      for (const std::vector<double>& row : table->rows) curve.x.push_back(row[0]), curve.y.push_back(row[k]);
    }
  }
  // A study that has no words for a curve calls it by the name of its output.
  const std::string title = plot.title == plot.series ? readable_output(plot.title) : readable_text(plot.title);
  if (curves.empty()) throw Error(Kind::input, plot.series, "expected a series of the result");
  if (axis_name.size() > 4 && axis_name.ends_with("_deg")) axis_name.resize(axis_name.size() - 4);

  const std::size_t variants = curves.size();
  const bool same = variants > 1 && all_same(curves);
  if (same) curves.resize(1);

  // Room: labels of lines stand at their ends.
  double label_room = 0.0;
  if (curves.size() > 1)
    for (const Line& curve : curves)
      label_room = std::max(label_room, 26.0 + letter * static_cast<double>(text_width(curve.label)));
  const double top = 82.0, below = 52.0, labels_height = label_step * static_cast<double>(curves.size() - 1);
  const double width = 720.0, height = std::max(440.0, top + labels_height + below), bottom = height - below;
  const double left = 66.0, right = width - std::max(24.0, std::min(label_room, 260.0));

  double x_low = inf, x_high = -inf, y_low = inf, y_high = -inf;
  for (const Line& curve : curves)
    for (std::size_t i = 0; i < curve.x.size() && i < curve.y.size(); ++i) {
      if (std::isfinite(curve.x[i])) x_low = std::min(x_low, curve.x[i]), x_high = std::max(x_high, curve.x[i]);
      if (std::isfinite(curve.y[i])) y_low = std::min(y_low, curve.y[i]), y_high = std::max(y_high, curve.y[i]);
    }
  // Zero belongs to the axis where the curves still fill half of the height with it: a load that doubles looks doubled.
  if (y_low > 0.0 && y_low < 0.5 * y_high) y_low = 0.0;
  if (y_high < 0.0 && y_high > 0.5 * y_low) y_high = 0.0;
  // Curves run from left to right as their rows do.
  const bool falls = curves.front().x.size() > 1 && curves.front().x.front() > curves.front().x.back();
  const Axis x = axis_of(x_low, x_high, falls ? right : left, falls ? left : right, 7, false),
             y = axis_of(y_low, y_high, bottom, top, 5, true);

  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "role=\"img\" "
      "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#333333\">\n<title>{2}</title>\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n",
      width, height, escaped(title));
  const double room = width - 24.0 - left;
  out += text_at(left, 26, "start", shortened(title, room, bold_letter), " font-size=\"15\" font-weight=\"bold\"");
  out += text_at(left, 46, "start", shortened(readable_text(result.heading), room, letter), " fill=\"#666666\"");
  out += text_at(left, 70, "start", y_label, " fill=\"#666666\"");

  // Time that no window covers is grey.
  const std::vector<double>& time = curves.front().x;
  const std::vector<char> gaps = breaks(time);
  bool any_gap = false;
  for (std::size_t i = 1; i < time.size(); ++i)
    if (gaps[i] && time[i] > time[i - 1]) {
      any_gap = true;
      out += fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"#f2f2f2\"/>\n",
                         x.at(time[i - 1]), top, x.at(time[i]) - x.at(time[i - 1]), bottom - top);
    }
  // The legend stands in the row of the unit, from the right.
  double legend = width - 24.0;
  if (any_gap) {
    const std::string text = "not evaluated";
    out += text_at(legend, 70, "end", text, " fill=\"#666666\"");
    legend -= 0.9 * letter * static_cast<double>(text.size()) + 16.0;
    out += fmt::format("<rect x=\"{:.2f}\" y=\"60\" width=\"12\" height=\"12\" fill=\"#f2f2f2\" stroke=\"#cccccc\"/>\n",
                       legend);
    legend -= 18.0;
  }
  if (same)
    out += text_at(legend, 70, "end", variants == 2 ? "identical in both variants" : "identical in all variants",
                   fmt::format(" fill=\"{}\"", colours[0]));
  for (const double tick : y.ticks()) {
    out += fmt::format("<path d=\"M{:.2f} {:.2f}H{:.2f}\" stroke=\"{}\" stroke-width=\"1\"/>\n", left, y.at(tick),
                       right, std::abs(tick) < 1e-9 * y.step ? "#999999" : "#e3e3e3");
    out += text_at(left - 8, y.at(tick) + 4, "end", fixed_text(tick, y.decimals));
  }
  out +=
      fmt::format("<path d=\"M{:.2f} {:.2f}H{:.2f}\" stroke=\"#333333\" stroke-width=\"1\"/>\n", left, bottom, right);
  for (const double tick : x.ticks()) {
    out += fmt::format("<path d=\"M{:.2f} {:.2f}v5\" stroke=\"#333333\" stroke-width=\"1\"/>\n", x.at(tick), bottom);
    out += text_at(x.at(tick), bottom + 19, "middle", fixed_text(tick, x.decimals));
  }
  const std::string unit = readable_unit(axis_unit);
  out +=
      text_at(0.5 * (left + right), height - 12, "middle",
              (axis_name.size() > 1 ? readable_output(axis_name) : axis_name) + (unit.empty() ? "" : " (" + unit + ")"),
              " fill=\"#666666\"");

  std::vector<std::pair<double, std::size_t>> labels;
  std::vector<double> ends(curves.size(), 0.5 * (top + bottom));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const char* dash = dashes[i % dashes.size()];
    out += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"{}/>\n",
                       line_path(curves[i], x, y), colours[i % colours.size()],
                       *dash ? fmt::format(" stroke-dasharray=\"{}\"", dash) : "");
    for (const double value : curves[i].y)
      if (std::isfinite(value)) ends[i] = y.at(value);
    labels.push_back({ends[i], i});
  }
  if (curves.size() > 1) {
    spread(labels, top, bottom);
    for (const auto& [at, i] : labels) {
      out += fmt::format("<path d=\"M{:.2f} {:.2f}L{:.2f} {:.2f}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1\"/>\n",
                         right + 2, ends[i], right + 14, at, colours[i % colours.size()]);
      out += text_at(right + 18, at + 4, "start", curves[i].label,
                     fmt::format(" fill=\"{}\"", colours[i % colours.size()]));
    }
  }
  return out + "</svg>\n";
}

}  // namespace psoas
