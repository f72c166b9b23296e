// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/json_file.hpp"

#include <filesystem>
#include <set>

#include "psoas/core/table.hpp"
#include "psoas/io/file.hpp"
#include "psoas/model/spec.hpp"

namespace psoas {
namespace {

constexpr std::size_t depth_limit = 64;

/// Counts the characters that the lexer has taken.
class CountingIterator {
 public:
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  using iterator_category = std::input_iterator_tag;

  CountingIterator(const char* at, std::size_t* count) : at_(at), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*count_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* count_;
};

std::string line_column(const std::string& text, std::size_t offset, bool with_column) {
  offset = std::min(offset, text.size());
  const auto begin = text.begin(), end = begin + static_cast<std::ptrdiff_t>(offset);
  const auto line = 1 + std::count(begin, end, '\n');
  if (!with_column) return std::to_string(line);
  const std::size_t start = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
  return std::to_string(line) + ":" + std::to_string(start == std::string::npos ? offset + 1 : offset - start);
}

/// Checks what the DOM parser lets pass, and lists pointers with their offsets when asked for.
class Handler {
 public:
  Handler(const std::string& name, const std::string& text, const std::size_t& count,
          std::map<std::string, std::size_t>* offsets)
      : name_(name), text_(text), count_(count), offsets_(offsets) {}

  bool null() { return value(0); }
  bool boolean(bool) { return value(0); }
  bool number_integer(json::number_integer_t) { return value(1); }
  bool number_unsigned(json::number_unsigned_t) { return value(1); }
  bool number_float(json::number_float_t, const std::string&) { return value(1); }
  bool string(std::string&) { return value(0); }
  bool binary(json::binary_t&) { return value(0); }
  bool start_object(std::size_t) { return start(false); }
  bool start_array(std::size_t) { return start(true); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }

  bool key(std::string& key) {
    Level& level = levels_.back();
    if (!level.keys.insert(key).second) fail("duplicate key \"" + key + "\"");
    level.pointer.resize(level.length);
    level.pointer = below(level.pointer, key);
    if (offsets_) offsets_->emplace(level.pointer, count_ - 1);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) {
    const std::string what = error.what();
    const bool number = what.find("number overflow") != std::string::npos;
    // the library's message ends in a plain sentence after its own position, with all that it has read of a token
    const std::size_t colon = what.find(": ");
    std::string plain =
        number || colon == std::string::npos ? what.substr(what.find("] ") + 2) : what.substr(colon + 2);
    const std::string read = number ? "parsing '" : "last read: '";
    if (const std::size_t token = plain.find(read); token != std::string::npos)
      plain = plain.substr(0, token + read.size()) + shown(plain.substr(token + read.size()));
    throw Error(Kind::input, name_ + ":" + line_column(text_, position == 0 ? 0 : position - 1, true),
                "expected JSON; " + plain);
  }

 private:
  /// Text of a file that may be long and no UTF-8, as a message shows it.
  static std::string shown(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (out.size() > 60) return out + "...";
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte < 0x7f)
        out += c;
      else
        for (const char digit : {'\\', 'x', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]}) out += digit;
    }
    return out;
  }

  struct Level {
    std::string pointer;
    std::size_t length = 0;  // of the pointer of the object or array itself
    bool array = false;
    std::size_t index = 0;
    std::set<std::string> keys;
  };

  [[noreturn]] void fail(const std::string& text) const {
    throw Error(Kind::input, name_ + ":" + line_column(text_, count_ == 0 ? 0 : count_ - 1, true), text);
  }

  std::string here(std::size_t lookahead) {
    if (levels_.empty()) return "";
    Level& level = levels_.back();
    if (!level.array) return level.pointer;
    level.pointer.resize(level.length);
    level.pointer += "/" + std::to_string(level.index++);
    if (offsets_) offsets_->emplace(level.pointer, count_ - 1 - std::min(count_ - 1, lookahead));
    return level.pointer;
  }
  bool value(std::size_t lookahead) {
    here(lookahead);
    return true;
  }
  bool start(bool array) {
    if (levels_.size() >= depth_limit)
      fail("expected at most " + std::to_string(depth_limit) + " levels of nesting, found more");
    std::string pointer = here(0);
    Level level;
    level.length = pointer.size();
    level.pointer = std::move(pointer);
    level.array = array;
    levels_.push_back(std::move(level));
    return true;
  }
  bool end() {
    levels_.pop_back();
    return true;
  }

  const std::string& name_;
  const std::string& text_;
  const std::size_t& count_;
  std::map<std::string, std::size_t>* offsets_;
  std::vector<Level> levels_;
};

void scan(const std::string& name, const std::string& text, std::map<std::string, std::size_t>* offsets) {
  std::size_t count = 0;
  Handler handler(name, text, count, offsets);
  json::sax_parse(CountingIterator(text.data(), &count), CountingIterator(text.data() + text.size(), &count), &handler,
                  nlohmann::detail::input_format_t::json, true, true);
}

/// The one member of an object besides its note, or nothing.
std::string only_member(const json& value) {
  std::string name;
  if (!value.is_object()) return name;
  for (const auto& [key, member] : value.items())
    if (key != "note") {
      if (!name.empty()) return "";
      name = key;
    }
  return name;
}

/// Whether both names are kinds of the same table, and not the same one.
bool other_kind(const std::string& a, const std::string& b) {
  if (a == b) return false;
  const auto both = [&]<class... K>(const std::variant<K...>*) {
    return ((a == K::name) || ...) && ((b == K::name) || ...);
  };
  return [&]<class... Table>(const Table*... table) {
    return (both(table) || ...);
  }(static_cast<const Joint*>(nullptr), static_cast<const Function*>(nullptr), static_cast<const Surface*>(nullptr),
         static_cast<const Curve*>(nullptr), static_cast<const Passive*>(nullptr));
}

/// RFC 7396, but a kind (an object with one member, its name) replaces another kind.
void merge(json& target, const json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::object();
  if (other_kind(only_member(target), only_member(patch))) target = json::object();
  for (const auto& [key, value] : patch.items())
    if (value.is_null())
      target.erase(key);
    else
      merge(target[key], value);
}

bool same_type(const json& a, const json& b) { return a.type() == b.type() || (a.is_number() && b.is_number()); }

/// Edits of a base come first, then those of the file that extends it.
constexpr const char* appended = "edits";

}  // namespace

std::string below(const std::string& pointer, std::string_view key) {
  std::string out = pointer + "/";
  for (char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

JsonFile JsonFile::read(const std::string& path) { return parse(path, read_file(path)); }

JsonFile JsonFile::parse(std::string name, std::string text) {
  if (text.empty()) throw Error(Kind::input, name, "expected JSON, found an empty file");
  // the parser takes a zero byte for the end of the text
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos)
    throw Error(Kind::input, name + ":" + line_column(text, zero, true), "expected JSON, found a zero byte");
  scan(name, text, nullptr);
  JsonFile file;
  file.root_ = json::parse(text, nullptr, true, true);
  file.name_ = std::move(name);
  file.text_ = std::move(text);
  return file;
}

bool JsonFile::has(const std::string& pointer) const {
  try {
    return root_.contains(json::json_pointer(pointer));
  } catch (const json::exception&) {
    return false;  // no pointer
  }
}

std::string JsonFile::place(const std::string& pointer) const {
  std::map<std::string, std::size_t> offsets;
  scan(name_, text_, &offsets);
  std::string nearest = pointer;
  for (;;) {
    if (const auto found = offsets.find(nearest); found != offsets.end())
      return name_ + ":" + line_column(text_, found->second, false) + ": " + (pointer.empty() ? "/" : pointer);
    const std::size_t slash = nearest.rfind('/');
    if (slash == std::string::npos) break;
    nearest.resize(slash);
  }
  return name_ + ":1: " + (pointer.empty() ? "/" : pointer);
}

Document Document::parse(std::string name, std::string text) {
  Document document;
  document.files_.push_back(JsonFile::parse(std::move(name), std::move(text)));
  document.root_ = document.files_.front().root();
  return document;
}

Document Document::read(const std::string& path) {
  Document document;
  std::vector<std::string> chain;
  std::string next = path;
  for (;;) {
    std::error_code ignored;
    const std::string identity = std::filesystem::weakly_canonical(next, ignored).string();
    const bool seen = std::find(chain.begin(), chain.end(), identity) != chain.end();
    if (seen || chain.size() > 8) {
      std::string names;
      for (const JsonFile& file : document.files_) names += file.name() + " -> ";
      throw Error(Kind::input, document.files_.back().place("/extends"),
                  seen ? "expected no cycle, found " + names + next
                       : "expected at most 8 files in a row, found " + names + next);
    }
    chain.push_back(identity);
    document.files_.push_back(JsonFile::read(next));
    const JsonFile& file = document.files_.back();
    if (!file.root().is_object() || !file.root().contains("extends")) break;
    const json& base = file.root()["extends"];
    if (!base.is_string())
      throw Error(Kind::input, file.place("/extends"),
                  "expected a path, found " + base.dump(-1, ' ', true).substr(0, 60));
    next = (std::filesystem::path(file.name()).parent_path() / base.get<std::string>()).string();
  }
  for (auto file = document.files_.rbegin(); file != document.files_.rend(); ++file) {
    if (file == document.files_.rbegin()) {
      document.root_ = file->root();
      continue;
    }
    json edits = json::array();
    if (document.root_.is_object() && document.root_.contains(appended) && document.root_[appended].is_array())
      edits = document.root_[appended];
    merge(document.root_, file->root());
    if (file->root().is_object() && file->root().contains(appended) && file->root()[appended].is_array()) {
      for (const json& edit : file->root()[appended]) edits.push_back(edit);
      document.root_[appended] = edits;
    }
  }
  if (document.root_.is_object()) document.root_.erase("extends");
  return document;
}

void Document::set(const std::string& pointer, const json& value) {
  json::json_pointer parsed;
  try {
    parsed = json::json_pointer(pointer);
  } catch (const json::exception&) {
    throw Error(Kind::input, "--set " + pointer, "expected a JSON pointer such as /subject/mass");
  }
  if (!root_.contains(parsed))
    throw Error(Kind::input, "--set " + pointer, "expected something there, found nothing in " + file().name());
  json& target = root_[parsed];
  std::string found;
  try {
    found = value.dump(-1, ' ', true).substr(0, 60);
  } catch (const json::exception&) {
    throw Error(Kind::input, "--set " + pointer, "expected a value in UTF-8");
  }
  if (!same_type(target, value))
    throw Error(Kind::input, "--set " + pointer,
                std::string("expected a value of type ") + target.type_name() + ", found " + found);
  target = value;
  set_.push_back(pointer);
}

std::string Document::place(const std::string& pointer) const {
  for (const std::string& set : set_)
    if (pointer == set || pointer.rfind(set + "/", 0) == 0) return "--set " + pointer;
  // edits of bases stand before those of the file: an index counts through all of them
  const std::string list = std::string("/") + appended + "/";
  if (pointer.rfind(list, 0) == 0) {
    const std::size_t end = std::min(pointer.find('/', list.size()), pointer.size());
    std::vector<std::pair<const JsonFile*, std::size_t>> sources;
    for (auto file = files_.rbegin(); file != files_.rend(); ++file)
      if (file->root().is_object() && file->root().contains(appended)) {
        const json& edits = file->root()[appended];
        if (!edits.is_array()) sources.clear();
        for (std::size_t i = 0; edits.is_array() && i < edits.size(); ++i) sources.emplace_back(&*file, i);
      }
    for (std::size_t i = 0; i < sources.size(); ++i)
      if (pointer.substr(list.size(), end - list.size()) == std::to_string(i)) {
        const auto& [file, index] = sources[i];
        const std::string own = list + std::to_string(index) + pointer.substr(end), place = file->place(own);
        return place.substr(0, place.size() - own.size()) + pointer;  // the merged study's pointer
      }
  }
  for (const JsonFile& file : files_)
    if (file.has(pointer)) return file.place(pointer);
  return files_.front().place(pointer);
}

void Document::complain(Kind kind, const std::vector<Problem>& problems) const {
  if (problems.empty()) return;
  std::string where = place(problems.front().pointer), text = problems.front().text;
  for (std::size_t i = 1; i < problems.size(); ++i) {
    text += "\n" + place(problems[i].pointer) + ": " + problems[i].text;
    if (i == 99 && problems.size() > 101) {
      text += "\nand " + std::to_string(problems.size() - 100) + " more problems";
      break;
    }
  }
  throw Error(kind, where, text);
}

namespace {

void write_pretty(const json& value, std::size_t indent, std::size_t used, std::string& out) {
  const auto compact = [](auto& self, const json& v, std::string& text) -> void {
    if (text.size() > 200) return;
    if (v.is_object()) {
      text += "{";
      bool first = true;
      for (const auto& [key, member] : v.items()) {
        if (!first) text += ", ";
        first = false;
        text += json(key).dump() + ": ";
        self(self, member, text);
      }
      text += "}";
    } else if (v.is_array()) {
      text += "[";
      for (std::size_t i = 0; i < v.size(); ++i) {
        if (i > 0) text += ", ";
        self(self, v[i], text);
      }
      text += "]";
    } else if (v.is_number_float()) {
      const double number = v.get<double>();
      // "-0" would be read as the whole number 0
      text += !std::isfinite(number) ? "null" : number == 0.0 && std::signbit(number) ? "-0.0" : shortest_text(number);
    } else {
      text += v.dump();
    }
  };
  std::string line;
  compact(compact, value, line);
  if (!value.is_structured() || value.empty() || indent + used + line.size() <= 118) {
    // a long text that is no structure still has to be whole
    out += value.is_structured() || value.is_number_float() ? line : value.dump();
    return;
  }
  const std::string pad(indent + 2, ' ');
  const bool numbers = value.is_array() && value.front().is_number();
  out += value.is_object() ? "{\n" : "[\n";
  if (numbers) {
    std::size_t column = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string text;
      compact(compact, value[i], text);
      if (i + 1 < value.size()) text += ",";
      if (column == 0 || column + text.size() + 1 > 118) {
        if (column > 0) out += "\n";
        out += pad;
        column = pad.size();
      } else {
        out += " ";
        ++column;
      }
      out += text;
      column += text.size();
    }
  } else {
    std::size_t i = 0;
    for (const auto& [key, member] : value.items()) {
      if (i++ > 0) out += ",\n";
      out += pad;
      std::size_t taken = 0;
      if (value.is_object()) {
        const std::string name = json(key).dump() + ": ";
        out += name;
        taken = name.size();
      }
      write_pretty(member, indent + 2, taken, out);
    }
  }
  out += "\n" + std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

}  // namespace

std::string pretty(const json& value) {
  std::string out;
  write_pretty(value, 0, 0, out);
  return out + "\n";
}

}  // namespace psoas
