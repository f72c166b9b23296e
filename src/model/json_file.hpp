// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// JSON text with places: what a pointer's line is, what `extends` and --set do, and one complaint for all problems.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"

namespace psoas {

using json = nlohmann::ordered_json;  // members keep their order, so written files compare well

/// One parsed file. Refuses duplicate keys, nesting over 64, texts over 256 MB and UTF-8 faults.
class JsonFile {
 public:
  /// Reads the file. Throws Error(io) when it cannot be read and Error(input) with line and column when it is no JSON.
  static JsonFile read(const std::string& path);
  /// Parses a text that is called `name` in messages.
  static JsonFile parse(std::string name, std::string text);

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  const json& root() const { return root_; }

  /// Whether the file itself has something at this pointer.
  bool has(const std::string& pointer) const;
  /// "name:line: pointer" of a pointer, or of its nearest parent that the file has; long keys are shortened.
  std::string place(const std::string& pointer) const { return places({pointer}).front(); }
  /// The same for several pointers, with one pass over the text.
  std::vector<std::string> places(const std::vector<std::string>& pointers) const;

 private:
  std::string name_, text_;
  json root_;
};

/// A file with everything that it extends and what was set on top.
class Document {
 public:
  /// Reads a file and, where it has "extends", its base or bases, each laid over those before it (at most 8 deep, no file
  /// twice; RFC 7396 merge, a kind object with another name replaces).
  static Document read(const std::string& path);
  /// The same of a text; its bases are beside the file that `name` begins with.
  static Document read_text(std::string name, std::string text);
  /// Parses a text that is called `name` in messages; no "extends".
  static Document parse(std::string name, std::string text);

  json& root() { return root_; }
  const json& root() const { return root_; }
  /// The file named first.
  const JsonFile& file() const { return files_.front(); }
  const std::vector<JsonFile>& files() const { return files_; }

  /// Sets what stands at the pointer, or a field that the schema declares and the file leaves at its default; null takes
  /// such a field out. Messages call the pointer `shown`. Throws Error(input) where nothing is, where only a new name
  /// would be, or for a value of another type than the field's.
  void set(const std::string& pointer, const json& value, const json& schema, const std::string& shown);

  /// Where a pointer's value comes from: "file:line: pointer", or "--set pointer".
  std::string place(const std::string& pointer) const;

  /// Throws one Error(kind) that lists the first hundred problems with their places and counts the others, if there are
  /// any; `more`: problems that were only counted.
  void complain(Kind kind, const std::vector<Problem>& problems, std::size_t more = 0) const;

 private:
  struct Chain;
  void open(const std::string& path, const std::string& named_at, std::vector<Chain>& chain);
  void open_bases(const std::string& identity, std::vector<Chain>& chain);
  void merge_files();
  std::vector<std::string> places(const std::vector<std::string>& pointers) const;

  json root_;
  std::vector<JsonFile> files_;                           // each before what it is laid over: the file itself first
  std::vector<std::pair<std::string, std::string>> set_;  // pointers, and what messages call them
};

/// The path of a file that another one names: relative to its folder.
std::string beside(const std::string& path, const std::string& file);

/// What provenance keeps of a file's text: its hash, and the text itself up to 16 MB.
json embedded(const std::string& text);

/// The schema of "extends": a path or a list of them.
json extends_schema();

/// The keys and indices of a JSON pointer (RFC 6901), or nothing where it is none.
std::optional<std::vector<std::string>> pointer_steps(std::string_view pointer);

/// JSON text: objects and arrays that fit in 120 columns stand on one line.
std::string pretty(const json& value);

}  // namespace psoas
