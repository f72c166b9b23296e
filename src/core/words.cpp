// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/core/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <numeric>

namespace psoas {
namespace {

std::string without_minus_zero(std::string text) {
  if (text[0] == '-' && text.find_first_of("123456789i") == std::string::npos) text.erase(0, 1);
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t above = row[k];
      row[k] = std::min({above + 1, row[k - 1] + 1, diagonal + (a[i - 1] != b[k - 1] ? 1u : 0u)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    if (end > start) words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

std::string fixed_text(double value, int decimals) {
  if (std::isnan(value)) return "–";
  std::array<char, 400> text{};  // 1e308 has 309 digits
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return without_minus_zero(text.data());
}

std::string short_text(double value) {
  if (std::isnan(value)) return "–";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return without_minus_zero(text.data());
}

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > 200) return "";
  std::size_t best = 2 + word.size() / 3;
  std::string found;
  for (const std::string& candidate : known)
    if (candidate.size() <= 200)
      if (const std::size_t distance = edit_distance(word, candidate); distance < best) {
        best = distance;
        found = candidate;
      }
  return found;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nearest_word(word, known);
  return near.empty() ? "" : ", did you mean " + in_quotes(near, 200) + "?";
}

std::size_t utf8_fault(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
    const unsigned lead = byte(0);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0) return i;
    for (std::size_t k = 1; k < length; ++k)
      if ((byte(k) & 0xC0) != 0x80) return i;
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF0 && byte(1) < 0x90) ||
        (lead == 0xF4 && byte(1) > 0x8F))
      return i;
    i += length;
  }
  return text.npos;
}

std::string excerpt(std::string_view text, std::size_t most) {
  // a long text is looked at no further than it is shown: it may be a whole file
  std::string_view start = text.substr(0, most);
  while (start.size() < text.size() && (static_cast<unsigned char>(text[start.size()]) & 0xC0) == 0x80 &&
         start.size() < most + 4)
    start = text.substr(0, start.size() + 1);
  const bool utf8 = utf8_fault(start) == start.npos;
  std::string out;
  for (const char c : start) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8))
      for (const char digit : {'\\', 'x', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]}) out += digit;
    else
      out += c;
    if (out.size() >= most + 4) return out + "…";
  }
  return start.size() < text.size() ? out + "…" : out;
}

std::string in_quotes(std::string_view text, std::size_t most) { return "\"" + excerpt(text, most) + "\""; }

std::string name_fault(std::string_view name) {
  if (name.empty()) return "expected a name, found an empty one";
  const auto found = [&](const char* expected) {
    return std::string("expected a name ") + expected + ", found " + in_quotes(name);
  };
  if (std::any_of(name.begin(), name.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }))
    return found("without control characters");
  if (name.find_first_of("/*?") != name.npos) return found("without / * ?");
  if (name.front() == ' ' || name.back() == ' ') return found("without spaces at its ends");
  if (name.substr(0, 6) == "group:") return found("that does not start with group:");
  return "";
}

std::string below(const std::string& pointer, std::string_view key) {
  std::string out = pointer + "/";
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == text[t] || (pattern[p] == '?' && text[t] != '/'))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos && text[mark] != '/') {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace psoas
