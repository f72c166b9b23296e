// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/report/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "psoas/core/words.hpp"

namespace psoas {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string without_minus_zero(std::string text) {
  if (text[0] == '-' && text.find_first_of("123456789") == std::string::npos) text.erase(0, 1);
  return text;
}

}  // namespace

std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {  // a colour code ends in m
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    if ((static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u) ++width;
  }
  return width;
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  const std::size_t has = text_width(text);
  const std::string gap(has < width ? width - has : 0, ' ');
  return right ? gap + std::string(text) : std::string(text) + gap;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::string_view alignment) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size() && row.size() > 1; ++c) {
      if (widths.size() <= c) widths.resize(c + 1, 0);
      widths[c] = std::max(widths[c], text_width(row[c]));
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row.size() == 1) {
        line += row[c];
        continue;
      }
      if (c > 0) line += "  ";
      line += padded(row[c], widths[c], c < alignment.size() && alignment[c] == 'r');
    }
    line.resize(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string wrapped(const std::string& text, const std::string& indent) {
  constexpr std::size_t page_width = 118;
  std::string out, line = indent;
  for (const std::string& word : split_words(text)) {
    if (text_width(line) + 1 + text_width(word) > page_width && line.size() > indent.size()) {
      out += line + "\n";
      line = indent + "  ";
    }
    line += (line.find_first_not_of(' ') == std::string::npos ? "" : " ") + word;
  }
  return out + line + "\n";
}

std::string fixed_text(double value, int decimals) {
  if (std::isnan(value)) return "–";
  return without_minus_zero(fmt::format("{:.{}f}", value, decimals));
}

std::string short_text(double value) {
  if (std::isnan(value)) return "–";
  return without_minus_zero(fmt::format("{:.4g}", value));
}

std::string readable_name(std::string_view name) {
  std::string out(name);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i] == '_') out[i] = i > 0 && i + 1 < out.size() && is_digit(out[i - 1]) && is_digit(out[i + 1]) ? '.' : ' ';
  return out;
}

std::string readable_unit(std::string_view unit) {
  std::string out;
  for (std::size_t i = 0; i < unit.size(); ++i) {
    const std::string_view rest = unit.substr(i);
    if (rest.substr(0, 3) == "N m" && (rest.size() == 3 || rest[3] == '/' || rest[3] == ' ')) {
      out += "N·m";
      i += 2;
    } else if (rest.substr(0, 2) == "^2") {
      out += "²";
      i += 1;
    } else {
      out += unit[i];
    }
  }
  return out == "1" ? "" : out;
}

}  // namespace psoas
