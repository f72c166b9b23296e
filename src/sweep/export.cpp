// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <netcdf.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "psoas/core/error.hpp"
#include "psoas/core/table.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/sweep/store.hpp"

namespace psoas {
namespace {

/// A message in one line.
std::string line_of(const std::string& message) {
  std::string line;
  for (const char c : message) {
    if (c == '\n')
      line += "; ";
    else
      line += c >= 0 && c < ' ' ? ' ' : c;
  }
  return line;
}

// ---- netCDF ----

class NetcdfFile {
 public:
  NetcdfFile(const std::string& file, std::string shown) : shown_(std::move(shown)) {
    check(nc_create(file.c_str(), NC_CLOBBER | NC_64BIT_OFFSET, &id_));
    open_ = true;
  }
  ~NetcdfFile() {
    if (open_) nc_close(id_);
  }
  NetcdfFile(const NetcdfFile&) = delete;
  NetcdfFile& operator=(const NetcdfFile&) = delete;

  void check(int status) const {
    if (status != NC_NOERR) throw Error(Kind::io, shown_, "cannot be written: " + std::string(nc_strerror(status)));
  }
  int id() const { return id_; }

  int dimension(const char* name, std::size_t length) {
    int number = -1;
    check(nc_def_dim(id_, name, length, &number));
    return number;
  }
  int variable(const std::string& name, nc_type type, const std::vector<int>& dimensions) {
    int number = -1;
    check(nc_def_var(id_, name.c_str(), type, static_cast<int>(dimensions.size()), dimensions.data(), &number));
    return number;
  }
  void attribute(int variable, const char* name, const std::string& text) {
    check(nc_put_att_text(id_, variable, name, text.size(), text.c_str()));
  }
  void end_definitions() {
    int before = 0;
    check(nc_set_fill(id_, NC_NOFILL, &before));
    check(nc_enddef(id_));
  }
  void close() {
    open_ = false;
    check(nc_close(id_));
  }

 private:
  std::string shown_;
  int id_ = -1;
  bool open_ = false;
};

/// Letters, digits and _, no digit first, unlike all before.
std::string variable_name(const std::string& name, std::set<std::string>& taken) {
  std::string word;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
    if (letter || digit)
      word += c;
    else if (!word.empty() && word.back() != '_')
      word += '_';
  }
  while (!word.empty() && word.back() == '_') word.pop_back();
  if (word.empty() || (word[0] >= '0' && word[0] <= '9')) word.insert(0, "v_");
  word.resize(std::min<std::size_t>(word.size(), 60));  // MATLAB's names end at 63
  std::string unlike = word;
  for (int i = 2; !taken.insert(unlike).second; ++i) unlike = word + "_" + std::to_string(i);
  return unlike;
}

void write_netcdf(const Store& store, const std::string& file, const std::string& shown) {
  std::size_t rows = 0, with_message = 0, longest = 0;
  store.read([&](const CaseRow& row) {
    ++rows;
    if (row.message.empty()) return;
    ++with_message;
    longest = std::max(longest, line_of(row.message).size());
  });
  if (rows >= std::size_t{1} << 29)
    throw Error(Kind::input, shown,
                fmt::format("expected fewer than 2^29 cases for netCDF, found {}; .csv has no such limit", rows));

  const StoreHeader& header = store.header();
  NetcdfFile out(file, shown);
  const int cases = out.dimension("case", rows);
  std::set<std::string> taken{"case", "status", "message", "message_case", "message_length"};
  const int index = out.variable("case", NC_INT, {cases});
  out.attribute(index, "long_name", "number of the case, from 0");
  const int status = out.variable("status", NC_BYTE, {cases});
  std::string words;
  std::vector<signed char> values;
  for (const char* word : case_status_words) {
    words += (words.empty() ? "" : " ") + std::string(word);
    values.push_back(static_cast<signed char>(values.size()));
  }
  out.check(nc_put_att_schar(out.id(), status, "flag_values", NC_BYTE, values.size(), values.data()));
  out.attribute(status, "flag_meanings", words);
  std::vector<int> columns;
  const auto define = [&](const std::vector<Quantity>& quantities, const char* role) {
    for (const auto& [name, unit] : quantities) {
      columns.push_back(out.variable(variable_name(name, taken), NC_DOUBLE, {cases}));
      out.attribute(columns.back(), "long_name", name);
      out.attribute(columns.back(), "units", unit.empty() ? "1" : unit);
      out.attribute(columns.back(), "role", role);
    }
  };
  define(header.factors, "factor");
  define(header.scalars, "scalar");
  int message = -1, message_case = -1;
  if (with_message > 0) {
    const int messages = out.dimension("message", with_message), length = out.dimension("message_length", longest);
    message_case = out.variable("message_case", NC_INT, {messages});
    out.attribute(message_case, "long_name", "number of the case that the message is about");
    message = out.variable("message", NC_CHAR, {messages, length});
  }
  out.attribute(NC_GLOBAL, "title", "psoas sweep");
  out.attribute(NC_GLOBAL, "fingerprint", header.fingerprint);
  out.attribute(NC_GLOBAL, "spec", header.spec);
  out.end_definitions();

  // Columns are written in pieces of a few megabytes.
  const std::size_t piece = std::clamp<std::size_t>((std::size_t{1} << 20) / (columns.size() + 1), 64, 65536);
  std::vector<int> indices;
  std::vector<signed char> statuses;
  std::vector<std::vector<double>> numbers(columns.size());
  std::size_t written = 0, messages_written = 0;
  const auto flush = [&] {
    const std::size_t start = written, count = indices.size();
    if (count == 0) return;
    out.check(nc_put_vara_int(out.id(), index, &start, &count, indices.data()));
    out.check(nc_put_vara_schar(out.id(), status, &start, &count, statuses.data()));
    for (std::size_t c = 0; c < columns.size(); ++c) {
      out.check(nc_put_vara_double(out.id(), columns[c], &start, &count, numbers[c].data()));
      numbers[c].clear();
    }
    written += count;
    indices.clear(), statuses.clear();
  };
  store.read([&](const CaseRow& row) {
    if (row.index > 0x7fffffff)
      throw Error(Kind::input, shown, fmt::format("expected cases below 2^31 for netCDF, found {}", row.index));
    indices.push_back(static_cast<int>(row.index));
    statuses.push_back(static_cast<signed char>(row.status));
    std::size_t c = 0;
    for (const double value : row.factors) numbers[c++].push_back(value);
    for (const double value : row.scalars) numbers[c++].push_back(value);
    if (!row.message.empty()) {
      std::string line = line_of(row.message);
      line.resize(longest, ' ');
      const std::array<std::size_t, 2> start{messages_written, 0}, count{1, longest};
      out.check(nc_put_vara_text(out.id(), message, start.data(), count.data(), line.data()));
      out.check(nc_put_var1_int(out.id(), message_case, start.data(), &indices.back()));
      ++messages_written;
    }
    if (indices.size() == piece) flush();
  });
  flush();
  out.close();
}

}  // namespace

void export_csv(const Store& store, const std::string& path) {
  write_file_in_pieces(path, [&](const std::function<void(std::string_view)>& write) {
    std::string line = "case,status";
    for (const Quantity& factor : store.header().factors) line += ',' + csv_cell(factor.name);
    for (const Quantity& scalar : store.header().scalars) line += ',' + csv_cell(scalar.name);
    write(line + ",message\n");
    store.read([&](const CaseRow& row) {
      line = std::to_string(row.index) + ',' + case_status_words[static_cast<std::size_t>(row.status)];
      for (const double value : row.factors) line += ',' + shortest_text(value);
      for (const double value : row.scalars) line += ',' + shortest_text(value);
      line += ',' + csv_cell(line_of(row.message)) + '\n';
      write(line);
    });
  });
}

void export_netcdf(const Store& store, const std::string& path) {
  // A sweep may be going on: what is written must be what was counted.
  make_file(path,
            [&](const std::string& temporary) { store.at_one_moment([&] { write_netcdf(store, temporary, path); }); });
}

}  // namespace psoas
