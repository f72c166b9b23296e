// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Words in messages and names: lists, globs, and the nearest known word to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace psoas {

/// The words of a text that are separated by spaces.
std::vector<std::string> split_words(std::string_view text);

/// The words with a separator between them.
std::string join(const std::vector<std::string>& words, std::string_view separator);

/// The known word with the least edit distance (Levenshtein) to `word`, or empty where none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

/// ", did you mean \"…\"?" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

/// Whether `text` matches a pattern in which * stands for any characters but '/', and ? for one.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace psoas
