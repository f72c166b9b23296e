// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "psoas/core/error.hpp"
#include "psoas/core/spline.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::string title(const Table& table) {
  return !table.source.empty() ? table.source : table.name.empty() ? "table" : table.name;
}

}  // namespace

std::size_t Table::rows() const { return time ? time->size() : columns.empty() ? 0 : columns.front().size(); }

int Table::index(std::string_view column_name) const {
  const auto found = std::find(names.begin(), names.end(), column_name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

const std::vector<double>* Table::find(std::string_view column_name) const {
  const int i = index(column_name);
  return i < 0 ? nullptr : &columns[static_cast<std::size_t>(i)];
}

const std::vector<double>& Table::column(std::string_view column_name) const {
  if (const std::vector<double>* found = find(column_name)) return *found;
  std::vector<std::string> some(names.begin(),
                                names.begin() + static_cast<long>(std::min<std::size_t>(8, names.size())));
  if (some.size() < names.size()) some.push_back("… (" + std::to_string(names.size()) + " in all)");
  throw Error(Kind::input, title(*this),
              "expected a column \"" + std::string(column_name) + "\", found " +
                  (names.empty() ? "no columns" : join(some, ", ")) + did_you_mean(column_name, names));
}

void Table::add(const std::string& column_name, std::vector<double> values) {
  if (index(column_name) >= 0)
    throw Error(Kind::input, title(*this), "expected a new column, found \"" + column_name + "\" already there");
  if ((time || !columns.empty()) && values.size() != rows())
    throw Error(Kind::input, title(*this),
                "expected " + std::to_string(rows()) + " values for column \"" + column_name + "\", found " +
                    std::to_string(values.size()));
  names.push_back(column_name);
  columns.push_back(std::move(values));
}

std::string Table::place(std::size_t row) const {
  if (!source.empty() && row < lines.size()) return source + ":" + std::to_string(lines[row]);
  return title(*this) + " row " + std::to_string(row + 1);
}

void Table::require_finite(std::string_view column_name) const {
  const std::vector<double>& values = column(column_name);
  for (std::size_t row = 0; row < values.size(); ++row)
    if (!std::isfinite(values[row]))
      throw Error(Kind::input, place(row),
                  std::string(column_name) + ": expected a finite number, found " + shortest_text(values[row]));
}

const std::vector<double>& Table::times() const {
  if (!time) throw Error(Kind::input, title(*this), "expected a column \"time\", found none");
  return *time;
}

void convert_to_radians(Table& table, const std::function<bool(std::string_view)>& rotational) {
  if (!table.in_degrees) return;
  for (std::size_t i = 0; i < table.names.size(); ++i)
    if (rotational(table.names[i]))
      for (double& value : table.columns[i]) value = degrees(value);
  table.in_degrees = false;
}

Table resampled(const Table& table, const std::vector<double>& times, Between between) {
  const std::vector<double>& known = table.times();
  const std::size_t n = known.size(), least = between == Between::spline ? 3 : 2;
  if (n < least)
    throw Error(Kind::input, title(table),
                "expected at least " + std::to_string(least) + " rows to resample, found " + std::to_string(n));
  const double slack = 1e-9 * (known.back() - known.front());
  for (std::size_t k = 0; k < times.size(); ++k) {
    if (!(times[k] >= known.front() - slack && times[k] <= known.back() + slack))
      throw Error(Kind::input, title(table),
                  "expected times from " + shortest_text(known.front()) + " to " + shortest_text(known.back()) +
                      " s, found " + shortest_text(times[k]) + " s");
    if (k > 0 && !(times[k] > times[k - 1]))
      throw Error(Kind::input, title(table),
                  "expected increasing times, found " + shortest_text(times[k]) + " s after " +
                      shortest_text(times[k - 1]) + " s");
  }

  Table out;
  out.name = table.name, out.names = table.names, out.in_degrees = table.in_degrees, out.source = table.source;
  out.time = times;
  for (std::size_t c = 0; c < table.names.size(); ++c) {
    table.require_finite(table.names[c]);
    const std::vector<double>& y = table.columns[c];
    std::vector<double>& values = out.columns.emplace_back();
    values.reserve(times.size());
    if (between == Between::spline) {
      const QuinticSpline spline(known, y, Exact{}, title(table) + ": " + table.names[c]);
      for (const double t : times) values.push_back(spline(t));
    } else {
      std::size_t i = 0;
      for (const double t : times) {
        while (i + 2 < n && known[i + 1] <= t) ++i;
        const double share = (t - known[i]) / (known[i + 1] - known[i]);
        values.push_back(y[i] + share * (y[i + 1] - y[i]));
      }
    }
  }
  return out;
}

std::vector<double> uniform_times(double first, double last, double rate) {
  const std::string found =
      "found " + shortest_text(first) + " s to " + shortest_text(last) + " s at " + shortest_text(rate) + " Hz";
  if (!(std::isfinite(first) && std::isfinite(last) && first <= last && rate > 0.0 && std::isfinite(rate)))
    throw Error(Kind::input, "times", "expected a first time not after the last one and a rate > 0, " + found);
  const double steps = std::floor((last - first) * rate + 1e-9);
  if (!(steps < 1e8)) throw Error(Kind::input, "times", "expected fewer than 100 million times, " + found);
  std::vector<double> times(static_cast<std::size_t>(steps) + 1);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = std::min(first + static_cast<double>(i) / rate, last);
  return times;
}

std::string shortest_text(double value) {
  if (std::isnan(value)) return "nan";  // to_chars would tell the sign of a nan
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

}  // namespace psoas
