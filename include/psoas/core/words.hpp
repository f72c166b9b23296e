// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Words in messages and names: lists, globs, pointers, and the nearest known word to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace psoas {

/// The words of a text that are separated by spaces.
std::vector<std::string> split_words(std::string_view text);

/// The words with a separator between them.
std::string join(const std::vector<std::string>& words, std::string_view separator);

/// A number with fixed decimals, "–" for nan, never "-0".
std::string fixed_text(double value, int decimals);

/// A number with at most four significant digits, "–" for nan, never "-0".
std::string short_text(double value);

/// The known word with the least edit distance (Levenshtein) to `word`, or empty where none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

/// ", did you mean \"…\"?" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

/// Where the first byte of a text stands that is no UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
/// U+10FFFF), or npos.
std::size_t utf8_fault(std::string_view text);

/// Text of a file as a message shows it: control characters as \xNN, other bytes as well where the text is no UTF-8, and
/// no more than its start, `most` bytes and the rest of a character, with an ellipsis for what is left out.
std::string excerpt(std::string_view text, std::size_t most = 60);

/// The same between quotation marks.
std::string in_quotes(std::string_view text, std::size_t most = 60);

/// Why a text cannot name an element ("expected a name …"), or empty: names are parts of selections ("psoas_*",
/// "group:hip"), of outputs ("length/psoas_r"), and of columns.
std::string name_fault(std::string_view name);

/// JSON pointer of a member or element below `pointer` (RFC 6901).
std::string below(const std::string& pointer, std::string_view key);

/// Whether `text` matches a pattern in which * stands for any characters but '/', and ? for one.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace psoas
