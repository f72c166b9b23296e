// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/io/table_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"

namespace psoas {
namespace {

// ---- words ----

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_control(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view a, std::string_view lower_case) {
  return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y; });
}

/// Text from a file as a message shows it.
std::string shown(std::string_view text) { return in_quotes(text, 40); }
bool is_utf8(std::string_view text) { return utf8_fault(text) == text.npos; }

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < line.size();) {
    if (is_space(line[i])) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    while (i < line.size() && !is_space(line[i])) ++i;
    words.push_back(line.substr(start, i - start));
  }
  return words;
}

std::vector<std::string_view> split_at(std::string_view line, char separator) {
  std::vector<std::string_view> words;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t end = std::min(line.find(separator, start), line.size());
    words.push_back(trimmed(line.substr(start, end - start)));
    start = end + 1;
  }
  return words;
}

/// Reads a number at `p` and moves behind it; false where there is none that a double can hold.
bool read_number(const char*& p, const char* end, double& value) {
  const char* start = p;
  if (end - p > 1 && *p == '+' && p[1] != '-') ++start;
  const auto [after, error] = std::from_chars(start, end, value);
  if (error == std::errc::invalid_argument) return false;
  if (error == std::errc::result_out_of_range) {
    // Too small is zero; too large is refused.
    long double wide = 0.0;
    if (std::from_chars(start, end, wide).ec == std::errc()) {
      if (std::abs(wide) > 1.0) return false;
    } else {
      const std::string_view number(start, static_cast<std::size_t>(after - start));
      if (const std::size_t e = number.find_first_of("eE"); e == number.npos || number[e + 1] != '-') return false;
    }
    value = *start == '-' ? -0.0 : 0.0;
  }
  p = after;
  return true;
}

bool is_number(std::string_view text) {
  const char* p = text.data();
  double value = 0.0;
  return !text.empty() && read_number(p, text.data() + text.size(), value) && p == text.data() + text.size();
}

// ---- problems and lines ----

/// All that is wrong with a file, thrown as one error.
class Problems {
 public:
  explicit Problems(std::string path) : path_(std::move(path)) {}

  void add(std::size_t line, const std::string& text) {
    if (count_++ < 20) found_.push_back({line, text});
  }

  void throw_if_any() {
    if (found_.empty()) return;
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string text;
    for (const auto& [line, problem] : found_) text += (text.empty() ? "" : "\n" + place(line) + ": ") + problem;
    if (count_ > found_.size()) text += "\nand " + std::to_string(count_ - found_.size()) + " more problems";
    throw Error(Kind::input, place(found_.front().first), text);
  }

  /// For what makes the rest of the file meaningless.
  [[noreturn]] void stop(std::size_t line, const std::string& text) {
    found_ = {{line, text}};
    count_ = 1;
    throw_if_any();
    throw Error(Kind::input, path_, text);
  }

 private:
  std::string place(std::size_t line) const {
    if (path_.empty()) return "line " + std::to_string(line);
    return line == 0 ? path_ : path_ + ":" + std::to_string(line);
  }

  std::string path_;
  std::vector<std::pair<std::size_t, std::string>> found_;
  std::size_t count_ = 0;
};

/// The lines of a text, with or without a carriage return at their ends.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  /// Moves to the next line; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    ++number_;
    return true;
  }

  /// Moves to the next line that is neither blank nor a comment.
  bool next_filled() {
    while (next())
      if (!is_idle(line_)) return true;
    return false;
  }

  static bool is_idle(std::string_view line) {
    const std::string_view text = trimmed(line);
    return text.empty() || text.front() == '#';
  }

  std::string_view line() const { return line_; }
  std::string_view rest() const { return rest_; }
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_, line_;
  std::size_t number_ = 0;
};

// ---- the parts of a file ----

/// What the header of a .sto or .mot says about the rows below.
struct Header {
  std::size_t rows = 0, rows_line = 0, columns = 0, columns_line = 0;  // line 0: not said
};

void read_count(std::string_view value, std::string_view what, std::size_t line, std::size_t& count,
                std::size_t& count_line, Problems& problems) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  count_line = line;
  if (error == std::errc() && end == value.data() + value.size()) return;
  problems.add(line, std::string(what) + ": expected a whole number, found " + shown(value));
  count_line = 0;
}

void read_in_degrees(std::string_view value, std::size_t line, Table& table, Problems& problems) {
  if (same_word(value, "yes"))
    table.in_degrees = true;
  else if (same_word(value, "no"))
    table.in_degrees = false;
  else
    problems.add(line, "inDegrees: expected yes or no, found " + shown(value));
}

/// Takes in a line of the header, as `key=value` or `key value`; other lines are for human readers.
void read_header_line(std::string_view line, std::size_t number, Table& table, Header& header, Problems& problems) {
  const std::string_view text = trimmed(line);
  const std::size_t cut = std::min(text.find_first_of(" \t="), text.size());
  const std::string_view key = text.substr(0, cut);
  std::string_view value = trimmed(text.substr(cut));
  if (!value.empty() && value.front() == '=') value = trimmed(value.substr(1));
  if (same_word(key, "nrows") || same_word(key, "datarows"))
    read_count(value, "rows", number, header.rows, header.rows_line, problems);
  else if (same_word(key, "ncolumns") || same_word(key, "datacolumns"))
    read_count(value, "columns", number, header.columns, header.columns_line, problems);
  else if (same_word(key, "indegrees"))
    read_in_degrees(value, number, table, problems);
  else if (same_word(key, "datatype") && !same_word(value, "double"))
    problems.stop(number, "DataType: expected double, found " + shown(value));
  else if ((same_word(key, "name") && !value.empty()) || (number == 1 && text.find('=') == text.npos)) {
    table.name = same_word(key, "name") && !value.empty() ? value : text;
    if (!is_utf8(table.name)) problems.stop(number, "expected a title in UTF-8, found " + shown(table.name));
  }
}

/// Fields of a line of .csv, quotes taken off.
std::vector<std::string> split_csv(std::string_view line, std::size_t number, Problems& problems) {
  std::vector<std::string> fields;
  for (std::size_t i = 0;;) {
    while (i < line.size() && is_space(line[i])) ++i;
    std::string field;
    if (i < line.size() && line[i] == '"') {
      for (++i;; ++i) {
        if (i >= line.size()) problems.stop(number, "expected a closing quote in the same line, found none");
        if (line[i] != '"')
          field += line[i];
        else if (i + 1 < line.size() && line[i + 1] == '"')
          field += line[i++];
        else
          break;
      }
      for (++i; i < line.size() && is_space(line[i]);) ++i;
      if (i < line.size() && line[i] != ',')
        problems.stop(number, "expected a comma after the closing quote, found " + shown(line.substr(i)));
    } else {
      const std::size_t end = std::min(line.find(',', i), line.size());
      field = trimmed(line.substr(i, end - i));
      i = end;
    }
    fields.push_back(std::move(field));
    if (i >= line.size()) return fields;
    ++i;
  }
}

/// A cell that is not a plain number: nan for an empty one where those are allowed, the number inside quotes, or a
/// problem.
double read_odd_cell(std::string_view cell, bool empty_is_nan, std::size_t line, const std::string& name,
                     Problems& problems) {
  std::string_view inner = trimmed(cell);
  if (inner.size() > 1 && inner.front() == '"' && inner.back() == '"')
    inner = trimmed(inner.substr(1, inner.size() - 2));
  double value = std::numeric_limits<double>::quiet_NaN();
  if (inner.empty() && empty_is_nan) return value;
  const char* p = inner.data();
  if (!inner.empty() && read_number(p, inner.data() + inner.size(), value) && p == inner.data() + inner.size())
    return value;
  std::string text = name + ": expected a number, found " + shown(trimmed(cell));
  if (inner.find(',') != inner.npos) text += " (decimals take a point, not a comma)";
  problems.add(line, text);
  return value;
}

/// All rows below the names. Cells are separated by commas (csv) or by runs of tabs and spaces.
/// False where a row has too many or too few.
bool read_rows(Lines& lines, bool csv, Table& table, Problems& problems) {
  const std::size_t width = table.names.size();
  const std::string_view rest = lines.rest();
  const auto most = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n')) + 1;
  const std::size_t rows = std::min(most, rest.size() / (2 * width) + 1);
  table.columns.assign(width, {});
  for (std::vector<double>& column : table.columns) column.reserve(rows);
  table.lines.reserve(rows);

  bool whole = true;
  std::vector<double> row(width);
  while (lines.next()) {
    const std::string_view line = lines.line();
    const char *p = line.data(), *end = p + line.size();
    const auto skip_spaces = [&] {
      while (p < end && is_space(*p)) ++p;
    };
    skip_spaces();
    if (p == end || *p == '#') continue;

    // Cell by cell; what the fast reading of a plain number does not explain goes to read_odd_cell.
    std::size_t count = 0;
    bool more = true;
    while (more) {
      const char* start = p;
      double value = 0.0;
      bool plain = read_number(p, end, value);
      if (csv) {
        skip_spaces();
        plain = plain && (p == end || *p == ',');
      } else {
        plain = plain && (p == end || is_space(*p));
      }
      if (!plain) {
        bool quoted = false;
        for (p = start; p < end && (csv ? (quoted || *p != ',') : !is_space(*p)); ++p)
          if (*p == '"') quoted = !quoted;
      }
      const std::string_view cell(start, static_cast<std::size_t>(p - start));
      if (count < width)
        row[count] = plain ? value : read_odd_cell(cell, csv, lines.number(), table.names[count], problems);
      ++count;
      if (csv) {
        more = p < end;
        if (more) ++p;
      }
      skip_spaces();
      if (!csv) more = p < end;
    }
    if (count != width) {
      problems.add(lines.number(), "expected " + std::to_string(width) + " cells, one for each column name, found " +
                                       std::to_string(count));
      whole = false;
      continue;
    }
    for (std::size_t i = 0; i < width; ++i) table.columns[i].push_back(row[i]);
    table.lines.push_back(lines.number());
  }
  return whole;
}

void check_names(const std::vector<std::string>& names, std::size_t line, Problems& problems) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty())
      problems.add(line, "expected a name for column " + std::to_string(i + 1) + ", found an empty one");
    if (!is_utf8(names[i])) problems.stop(line, "expected column names in UTF-8, found " + shown(names[i]));
    if (std::any_of(names[i].begin(), names[i].end(), is_control))
      problems.stop(line, "expected column names as text, found " + shown(names[i]));
  }
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return names[a] < names[b]; });
  for (std::size_t k = 1; k < order.size(); ++k)
    if (names[order[k]] == names[order[k - 1]] && !names[order[k]].empty())
      problems.add(line, "expected column names that differ, found " + shown(names[order[k]]) + " in columns " +
                             std::to_string(order[k - 1] + 1) + " and " + std::to_string(order[k] + 1));
}

/// Moves the column called time out of the others and checks that it increases.
void take_time(Table& table, std::size_t names_line, Problems& problems) {
  const auto is_time = [](const std::string& name) { return same_word(name, "time"); };
  const auto found = std::find_if(table.names.begin(), table.names.end(), is_time);
  if (found == table.names.end()) return;
  const auto again = std::find_if(found + 1, table.names.end(), is_time);
  if (again != table.names.end() && *again != *found)
    problems.add(names_line, "expected one column of time, found " + shown(*found) + " and " + shown(*again));
  table.time = std::move(table.columns[static_cast<std::size_t>(found - table.names.begin())]);
  table.columns.erase(table.columns.begin() + (found - table.names.begin()));
  table.names.erase(found);
  const std::vector<double>& time = *table.time;
  for (std::size_t i = 0; i < time.size(); ++i) {
    if (!std::isfinite(time[i]))
      problems.add(table.lines[i], "time: expected a finite number, found " + shortest_text(time[i]));
    else if (i > 0 && time[i] <= time[i - 1])
      problems.add(table.lines[i], "time: expected more than " + shortest_text(time[i - 1]) +
                                       " of the row before, found " + shortest_text(time[i]));
  }
}

void finish(Table& table, const Header& header, std::size_t names_line, bool rows_are_whole, Problems& problems) {
  const std::size_t columns = table.names.size(), rows = table.lines.size();
  if (header.columns_line && header.columns != columns)
    problems.add(header.columns_line, "columns: expected " + std::to_string(columns) +
                                          ", the number of names in line " + std::to_string(names_line) + ", found " +
                                          std::to_string(header.columns));
  if (header.rows_line && rows_are_whole && header.rows != rows)
    problems.add(header.rows_line, "rows: expected " + std::to_string(rows) + ", the number that follows, found " +
                                       std::to_string(header.rows) +
                                       (header.rows > rows ? " (is the file cut off?)" : ""));
  problems.throw_if_any();
  if (table.lines.empty()) problems.stop(names_line, "expected rows of numbers below the column names, found none");
  take_time(table, names_line, problems);
  problems.throw_if_any();
}

// ---- the two formats ----

/// Whether a line reads "time …" and the next one has a number below each of its words.
bool are_names_above_numbers(std::string_view line, Lines below) {
  const std::string_view text = trimmed(line);
  if (!same_word(text.substr(0, text.find_first_of(" \t")), "time") || !below.next_filled()) return false;
  const std::vector<std::string_view> names = split(line);
  const std::vector<std::string_view> cells = split(below.line());
  const std::size_t tabbed = split_at(trimmed(line), '\t').size();
  return (cells.size() == names.size() || cells.size() == tabbed) && is_number(cells.front());
}

/// Column names: separated by tabs where that fits the cells below (names may have spaces then), else by spaces.
std::vector<std::string> split_names(std::string_view line, Lines below) {
  std::vector<std::string_view> words = split(line);
  if (line.find('\t') != line.npos) {
    const std::vector<std::string_view> tabbed = split_at(trimmed(line), '\t');
    const std::size_t cells = below.next_filled() ? split(below.line()).size() : 0;
    if (tabbed.size() == cells || words.size() != cells) words = tabbed;
  }
  return {words.begin(), words.end()};
}

void parse_sto(std::string_view text, Table& table, Problems& problems) {
  Lines lines(text);
  Header header;
  bool found = false, ended = false;
  while (!found && lines.next()) {
    const std::string_view line = trimmed(lines.line());
    if (Lines::is_idle(line)) continue;
    if (ended || are_names_above_numbers(line, lines))
      found = true;
    else if (same_word(line, "endheader"))
      ended = true;
    else
      read_header_line(line, lines.number(), table, header, problems);
  }
  if (!found)
    problems.stop(lines.number(), ended ? "expected column names after endheader, found the end of the file"
                                        : "expected a line \"endheader\" and then column names, found the end of the "
                                          "file");
  const std::size_t names_line = lines.number();
  table.names = split_names(lines.line(), lines);
  if (is_number(table.names.front()))
    problems.stop(names_line, "expected column names, found the number " + table.names.front());
  check_names(table.names, names_line, problems);
  const bool whole = read_rows(lines, false, table, problems);
  finish(table, header, names_line, whole, problems);
}

void parse_csv(std::string_view text, Table& table, Problems& problems) {
  Lines lines(text);
  while (lines.next() && Lines::is_idle(lines.line())) {
    std::string_view comment = trimmed(lines.line());
    if (comment.empty()) continue;
    comment = trimmed(comment.substr(1));
    const std::size_t equals = comment.find('=');
    if (equals != comment.npos && same_word(trimmed(comment.substr(0, equals)), "indegrees"))
      read_in_degrees(trimmed(comment.substr(equals + 1)), lines.number(), table, problems);
  }
  const std::size_t names_line = lines.number();
  if (Lines::is_idle(lines.line())) problems.stop(names_line, "expected column names, found the end of the file");
  table.names = split_csv(lines.line(), names_line, problems);
  if (table.names.size() == 1 && lines.line().find_first_of(";\t") != std::string_view::npos)
    problems.stop(names_line, "expected columns separated by commas, found " + shown(lines.line()));
  if (is_number(trimmed(lines.line().substr(0, lines.line().find(',')))))
    problems.stop(names_line, "expected column names, found the number " + table.names.front());
  check_names(table.names, names_line, problems);
  const bool whole = read_rows(lines, true, table, problems);
  finish(table, {}, names_line, whole, problems);
}

bool has_endheader(std::string_view text) {
  Lines lines(text);
  while (lines.number() < 200 && lines.next())
    if (same_word(trimmed(lines.line()), "endheader")) return true;
  return false;
}

// ---- writing ----

void check_writable(const Table& table, bool sto) {
  const std::string where = !table.source.empty() ? table.source : table.name.empty() ? "table" : table.name;
  if (table.names.size() != table.columns.size())
    throw Error(Kind::input, where,
                "expected a name for each of " + std::to_string(table.columns.size()) + " columns, found " +
                    std::to_string(table.names.size()));
  if (table.names.empty() && !table.time) throw Error(Kind::input, where, "expected columns to write, found none");
  if (sto && !table.time) throw Error(Kind::input, where, "expected a column of time for a .sto file, found none");
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string& name = table.names[i];
    if (table.columns[i].size() != table.rows())
      throw Error(Kind::input, where,
                  "expected " + std::to_string(table.rows()) + " rows in column " + shown(name) + ", found " +
                      std::to_string(table.columns[i].size()));
    if (name.empty() || trimmed(name) != name || std::any_of(name.begin(), name.end(), is_control) ||
        (table.time && same_word(name, "time")))
      throw Error(Kind::input, where,
                  "expected a column name that a file can hold (no line ends, tabs or spaces around it, not \"time\" "
                  "twice), found " +
                      shown(name));
  }
  Problems problems(where);
  check_names(table.names, 0, problems);
  problems.throw_if_any();
}

void append_number(std::string& text, double value) {
  char buffer[32];
  if (std::isnan(value))
    text += "nan";
  else
    text.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_rows(std::string& text, const Table& table, char separator) {
  text.reserve(text.size() + table.rows() * (table.columns.size() + 1) * 20);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.time) append_number(text, (*table.time)[row]);
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (i > 0 || table.time) text += separator;
      append_number(text, table.columns[i][row]);
    }
    text += '\n';
  }
}

}  // namespace

Table parse_table(std::string_view text, const std::string& path) {
  Problems problems(path);
  Table table;
  const std::filesystem::path file(path);
  table.source = path;
  table.name = file.stem().string();

  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF")
    problems.stop(1, "expected a table in UTF-8, found UTF-16");
  if (const std::size_t zero = text.find('\0'); zero != text.npos)
    problems.stop(static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<long>(zero), '\n')) + 1,
                  "expected a table of text, found binary data");
  if (text.find_first_not_of(" \t\r\n") == text.npos) problems.stop(1, "expected a table, found an empty file");

  // Line ends of old Macintosh programs.
  std::string copy;
  if (text.find('\n') == text.npos && text.find('\r') != text.npos) {
    copy = text;
    std::replace(copy.begin(), copy.end(), '\r', '\n');
    text = copy;
  }

  std::string ending = file.extension().string();
  Lines first(text);
  first.next_filled();
  if (same_word(trimmed(first.line()).substr(0, 12), "pathfiletype"))
    problems.stop(first.number(), "expected a .sto, .mot or .csv table, found a marker file (.trc)");
  const bool sto = has_endheader(text) || same_word(ending, ".sto") || same_word(ending, ".mot") ||
                   (!same_word(ending, ".csv") && first.line().find(',') == std::string_view::npos);
  if (sto)
    parse_sto(text, table, problems);
  else
    parse_csv(text, table, problems);
  return table;
}

Table read_table(const std::string& path) {
  const std::string text = read_file(path);
  for (const char* other : {".json", ".osim"})
    if (path.ends_with(other))
      throw Error(Kind::input, path, "expected a table (.csv, .sto, .mot), found a " + std::string(other));
  return parse_table(text, path);
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"#") == text.npos && !is_number(text)) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string write_csv(const Table& table) {
  check_writable(table, false);
  std::string text = table.in_degrees ? "# inDegrees=yes\n" : "";
  if (table.time) text += "time";
  for (std::size_t i = 0; i < table.names.size(); ++i)
    text += (i > 0 || table.time ? "," : "") + csv_cell(table.names[i]);
  text += '\n';
  append_rows(text, table, ',');
  return text;
}

std::string write_sto(const Table& table) {
  check_writable(table, true);
  std::string title = table.name.empty() ? "psoas" : std::string(trimmed(table.name));
  std::replace_if(title.begin(), title.end(), is_control, ' ');

  // The title stands alone in the first line where it cannot be taken for something else there.
  Table read;
  Header header;
  Problems problems("");
  read_header_line(title, 1, read, header, problems);
  const bool plain = read.name == title && !Lines::is_idle(title) && !same_word(title, "endheader") &&
                     !same_word(title.substr(0, 4), "time");
  std::string text = (plain ? "" : "name=") + title + "\nversion=1\nnRows=" + std::to_string(table.rows()) +
                     "\nnColumns=" + std::to_string(table.columns.size() + 1) +
                     "\ninDegrees=" + (table.in_degrees ? "yes" : "no") + "\nendheader\ntime";
  for (const std::string& name : table.names) text += '\t' + name;
  text += '\n';
  append_rows(text, table, '\t');
  return text;
}

}  // namespace psoas
