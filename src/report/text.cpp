// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/report/text.hpp"
#include <algorithm>
#include <cmath>

#include "psoas/core/words.hpp"

namespace psoas {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Length of a vertebra's name at the start of a text ("L5", "T12", "S1"), or 0.
std::size_t vertebra(std::string_view text) {
  if (text.size() < 2 || (text[0] != 'C' && text[0] != 'T' && text[0] != 'L' && text[0] != 'S') || !is_digit(text[1]))
    return 0;
  return text.size() > 2 && is_digit(text[2]) ? 3 : 2;
}

/// Length of a level's name at the start of a text ("L5_S1", "T12-L1"), or 0, and of its first vertebra.
std::size_t level(std::string_view text, std::size_t& first) {
  first = vertebra(text);
  if (first == 0 || first >= text.size() || (text[first] != '_' && text[first] != '-')) return 0;
  const std::size_t second = vertebra(text.substr(first + 1));
  return second == 0 ? 0 : first + 1 + second;
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

std::string readable_name(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    std::size_t first = 0;
    const std::size_t length = i == 0 || name[i - 1] == '_' ? level(name.substr(i), first) : 0;
    if (length > 0) {
      out += std::string(name.substr(i, first)) + "–" + std::string(name.substr(i + first + 1, length - first - 1));
      i += length - 1;
    } else if (name[i] == '_') {
      out += i > 0 && i + 1 < name.size() && is_digit(name[i - 1]) && is_digit(name[i + 1]) ? '.' : ' ';
    } else {
      out += name[i];
    }
  }
  return out;
}

std::string readable_output(std::string_view name) {
  std::string out;
  for (std::size_t start = 0, part = 0; start <= name.size(); ++part) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    std::string_view word = name.substr(start, end - start);
    if (word.substr(0, 6) == "group:") word.remove_prefix(6);
    std::string side;
    if (word == "r" || word.ends_with("_r")) side = "right";
    if (word == "l" || word.ends_with("_l")) side = "left";
    if (!side.empty()) word.remove_suffix(std::min<std::size_t>(2, word.size()));
    if (part == 0 && word.ends_with("_deg")) word.remove_suffix(4);  // the unit stands elsewhere
    out += part == 0 ? "" : part == 1 ? ": " : ", ";
    out += readable_name(word);
    if (!side.empty()) out += (word.empty() ? "" : " ") + side;
    start = end + 1;
  }
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

std::string readable_text(std::string_view text) {
  // What belongs to a name that may be typed stays as it is: compression/L5_S1, L5_S1_extension.
  const auto of_name = [&](std::size_t i) {
    return i < text.size() && (is_letter(text[i]) || is_digit(text[i]) || text[i] == '_' || text[i] == '/');
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = i == 0 || !of_name(i - 1);
    std::size_t first = 0;
    const std::size_t length = begins ? level(text.substr(i), first) : 0;
    if (length > 0 && !of_name(i + length)) {
      out += std::string(text.substr(i, first)) + "–" + std::string(text.substr(i + first + 1, length - first - 1));
      i += length - 1;
    } else if (begins && text.substr(i, 3) == "N m" && (!of_name(i + 3) || text[i + 3] == '/')) {
      out += "N·m";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string with_separators(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
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
