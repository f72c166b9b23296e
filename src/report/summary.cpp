// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "psoas/core/words.hpp"
#include "psoas/report/report.hpp"
#include "psoas/report/text.hpp"
#include "report/paint.hpp"

namespace psoas {
namespace {

constexpr std::size_t most_warnings = 12;

/// What was said of variants, each text once with the variants that say it.
class Said {
 public:
  explicit Said(std::size_t variants) : variants_(variants) {}

  void add(const std::string& text, const std::string& variant) {
    for (auto& [known, by] : items_)
      if (known == text) {
        if (std::find(by.begin(), by.end(), variant) == by.end()) by.push_back(variant);
        return;
      }
    items_.push_back({text, {variant}});
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& [text, by] : items_) {
      std::string names;
      for (const std::string& name : by)
        if (by.size() < variants_) names += (names.empty() ? "" : ", ") + readable_name(name);
      out.push_back(readable_text(names.empty() ? text : names + ": " + text));
    }
    return out;
  }

 private:
  std::size_t variants_;
  std::vector<std::pair<std::string, std::vector<std::string>>> items_;
};

std::string value_with_unit(double value, const std::string& unit) {
  const std::string shown = readable_unit(unit);
  return short_text(value) + (shown.empty() ? "" : " " + shown);
}

/// The lines that are over their limit, for the top.
std::vector<std::string> broken_lines(const Result& result) {
  Said said(result.blocks.size());
  for (const auto& [variant, block] : result.blocks)
    for (const Credibility& line : block.credibility)
      if (line.ok && !*line.ok)
        said.add(line.name + " " + value_with_unit(line.value, line.unit) + ", limit " +
                     value_with_unit(line.limit, line.unit),
                 variant);
  return said.lines();
}

std::vector<std::string> variant_names(const Result& result) {
  std::vector<std::string> names;
  for (const auto& [name, block] : result.blocks) names.push_back(readable_name(name));
  return names;
}

/// A note about one variant starts with its name.
std::string with_readable_variant(const std::string& note, const Result& result) {
  for (const auto& [name, block] : result.blocks)
    if (!name.empty() && note.rfind(name + ": ", 0) == 0) return readable_name(name) + note.substr(name.size());
  return note;
}

void add_summary(const Result& result, const Paint& paint, std::string& out) {
  if (result.summary.empty()) return;
  std::vector<std::vector<std::string>> rows;
  std::string alignment = "ll";
  const std::vector<std::string> names = result.columns.empty() ? variant_names(result) : result.columns;
  if (names.size() > 1) {
    rows.push_back({"", ""});
    for (const std::string& name : names) rows.back().push_back(paint.bold(name));
  }
  alignment += std::string(names.size(), 'r');
  for (const SummaryLine& line : result.summary) {
    if (line.values.empty()) {
      rows.push_back({paint.bold(readable_text(line.label))});
      continue;
    }
    std::vector<std::string> row = {readable_text(line.label), readable_unit(line.unit)};
    for (const double value : line.values) row.push_back(fixed_text(value, line.decimals));
    row.resize(2 + names.size());
    if (!line.note.empty()) row.push_back(paint.faint("(" + readable_text(line.note) + ")"));
    rows.push_back(std::move(row));
  }
  out += "\n" + aligned(rows, alignment);
}

void add_credibility(const Result& result, const Paint& paint, std::string& out) {
  std::vector<std::string> names;  // of lines, in the order in which they first appear
  for (const auto& [variant, block] : result.blocks)
    for (const Credibility& line : block.credibility)
      if (std::find(names.begin(), names.end(), line.name) == names.end()) names.push_back(line.name);
  if (names.empty()) return;

  std::vector<std::vector<std::string>> rows(1);
  rows[0] = {paint.bold("credibility"), ""};
  for (const std::string& name : variant_names(result)) rows[0].push_back(result.blocks.size() > 1 ? name : "");
  rows[0].push_back("limit");
  for (const std::string& name : names) {
    bool any = false, broken = false, judged = false;
    std::string unit, limit, source, note;
    std::vector<std::string> values;
    for (const auto& [variant, block] : result.blocks) {
      const auto found = std::find_if(block.credibility.begin(), block.credibility.end(),
                                      [&](const Credibility& line) { return line.name == name; });
      if (found == block.credibility.end()) {
        values.emplace_back();
        continue;
      }
      const bool bad = found->ok && !*found->ok;
      const bool empty = !found->ok && found->value == 0.0;
      values.push_back(empty ? "" : bad ? paint.bad("✗ " + short_text(found->value)) : short_text(found->value));
      if (found->ok) limit = short_text(found->limit);
      if (!empty) unit = readable_unit(found->unit);
      if (!any || (bad && !broken)) source = found->source, note = found->note;
      any = true;
      broken = broken || bad;
      judged = judged || found->ok.has_value();
    }
    std::vector<std::string> row = {(broken   ? paint.bad("✗")
                                     : judged ? paint.good("✓")
                                              : "–") +
                                        " " + readable_text(name),
                                    unit};
    row.insert(row.end(), values.begin(), values.end());
    row.push_back(limit);
    row.push_back(paint.faint(source));
    rows.push_back(std::move(row));
    if (note.empty()) continue;
    std::string lines = wrapped(readable_text(note), "    ");
    lines.pop_back();
    rows.push_back({paint.faint(lines)});
  }
  out += "\n" + aligned(rows, "ll" + std::string(result.blocks.size() + 1, 'r'));
}

}  // namespace

std::string summary_text(const Result& result, bool colour, const std::string& cost) {
  const Paint paint{colour};
  std::string out =
      paint.bold(result.heading.empty() ? result.study : result.heading) + (cost.empty() ? "" : " · " + cost) + "\n";
  const std::vector<std::string> broken = broken_lines(result);
  if (!broken.empty()) {
    const std::string count = std::to_string(broken.size());
    out += paint.bad("✗ " + count + (broken.size() == 1 ? " credibility line is" : " credibility lines are") +
                     " over the limit:") +
           "\n";
    for (const std::string& line : broken) out += paint.bad("✗ ") + line + "\n";
  }
  add_summary(result, paint, out);
  add_credibility(result, paint, out);

  std::string notes;  // without those that repeat credibility lines
  for (const std::string& note : result.notes)
    if (note.rfind("✗", 0) != 0) notes += wrapped(readable_text(with_readable_variant(note, result)), "");
  if (!notes.empty()) out += "\n" + notes;

  Said warnings(result.blocks.size());
  for (const auto& [variant, block] : result.blocks)
    for (const std::string& warning : block.warnings) warnings.add(warning, variant);
  const std::vector<std::string> lines = warnings.lines();
  out += "\n" + paint.bold("warnings") + (lines.empty() ? "  none\n" : "\n");
  for (std::size_t i = 0; i < std::min(lines.size(), most_warnings); ++i) out += wrapped(lines[i], "  ");
  if (lines.size() > most_warnings)
    out += "  … and " + std::to_string(lines.size() - most_warnings) + " more, all of them in result.json\n";
  return out;
}

}  // namespace psoas
