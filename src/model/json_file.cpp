// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/json_file.hpp"

#include <filesystem>
#include <set>

#include "psoas/core/hash.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"
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

constexpr std::size_t nowhere = std::string::npos;

/// Checks what the DOM parser lets pass, or finds the offsets of wanted pointers in a text that passed.
class Handler {
 public:
  Handler(const std::string& name, const std::string& text, const std::size_t& count,
          std::map<std::string, std::size_t>* wanted)
      : name_(name), text_(text), count_(count), wanted_(wanted) {}

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
    if (!wanted_) {
      if (!level.keys.insert(key).second) fail("duplicate key " + in_quotes(key));
      return true;
    }
    level.pointer.resize(level.length);
    level.pointer = below(level.pointer, key);
    found(level.pointer, count_ - 1);
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
      plain = plain.substr(0, token + read.size()) + excerpt(plain.substr(token + read.size()));
    throw Error(Kind::input, name_ + ":" + line_column(text_, position == 0 ? 0 : position - 1, true),
                "expected JSON; " + plain);
  }

 private:
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

  void found(const std::string& pointer, std::size_t offset) {
    const auto place = wanted_->find(pointer);
    if (place != wanted_->end() && place->second == nowhere) place->second = offset;
  }

  std::string here(std::size_t lookahead) {
    if (levels_.empty() || !wanted_) return "";
    Level& level = levels_.back();
    if (!level.array) return level.pointer;
    level.pointer.resize(level.length);
    level.pointer += "/" + std::to_string(level.index++);
    found(level.pointer, count_ - 1 - std::min(count_ - 1, lookahead));
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
  std::map<std::string, std::size_t>* wanted_;
  std::vector<Level> levels_;
};

void scan(const std::string& name, const std::string& text, std::map<std::string, std::size_t>* wanted) {
  std::size_t count = 0;
  Handler handler(name, text, count, wanted);
  json::sax_parse(CountingIterator(text.data(), &count), CountingIterator(text.data() + text.size(), &count), &handler,
                  nlohmann::detail::input_format_t::json, true, true);
}

/// The one member of an object besides its note and name, or nothing.
std::string only_member(const json& value) {
  std::string name;
  if (!value.is_object()) return name;
  for (const auto& [key, member] : value.items())
    if (key != "note" && key != "name") {
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

/// Whether the schema has a kind at a member called `key` of one called `parent`: elsewhere names are free, and two
/// bodies may be called "cylinder" and "sphere".
bool holds_kind(std::string_view parent, std::string_view key) {
  return key == "motion" || key == "function" || key == "shape" || key == "curve" || parent == "passive";
}

/// Whether what a patch has at such a place is another kind than the target's. Controllers, what a sweep varies and its
/// sampler are kinds of layers above, but always kinds.
bool replaces_kind(std::string_view parent, std::string_view key, const json& target, const json& patch) {
  const std::string before = only_member(target), after = only_member(patch);
  if (parent == "controllers" || parent == "vary" || (parent.empty() && key == "sampler"))
    return !before.empty() && !after.empty() && before != after;
  return holds_kind(parent, key) && other_kind(before, after);
}

/// RFC 7396, but a kind (an object with one member, its name) replaces another kind.
void merge(json& target, const json& patch, std::string_view parent = {}, std::string_view name = {}) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::object();
  if (replaces_kind(parent, name, target, patch)) target = json::object();
  for (const auto& [key, value] : patch.items())
    if (value.is_null())
      target.erase(key);
    else
      merge(target[key], value, name, key);
}

bool same_type(const json& a, const json& b) { return a.type() == b.type() || (a.is_number() && b.is_number()); }

/// Edits of a base come first, then those of the file that extends it.
constexpr const char* appended = "edits";

}  // namespace

namespace {

/// A pointer as messages show it.
std::string shown_pointer(const std::string& pointer) {
  if (pointer.empty()) return "/";
  if (pointer.size() <= 200) return pointer;
  std::string out;
  for (std::size_t at = 0; at < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
    out += "/" + excerpt(std::string_view(pointer).substr(at + 1, end - at - 1), 80);
    at = end;
  }
  return out;
}

/// The types that a schema lets a value have, "number or array", or nothing where it says nothing.
std::vector<std::string> types_of(const json& schema) {
  std::vector<std::string> types;
  for (const char* choice : {"anyOf", "oneOf"})
    if (schema.contains(choice))
      for (const json& one : schema[choice])
        for (const std::string& type : types_of(one))
          if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
  if (schema.contains("type")) types.push_back(schema["type"].get<std::string>());
  if (schema.contains("const")) types.push_back(schema["const"].type_name());
  return types;
}

/// The schema of a member or element, or null where it declares none.
const json* schema_below(const json& schema, const std::string& key) {
  for (const char* choice : {"anyOf", "oneOf"})
    if (schema.contains(choice))
      for (const json& one : schema[choice])
        if (const json* found = schema_below(one, key)) return found;
  if (schema.contains("properties") && schema["properties"].contains(key)) return &schema["properties"][key];
  if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object())
    return &schema["additionalProperties"];
  return schema.contains("items") ? &schema["items"] : nullptr;
}

/// The keys that a schema declares for an object.
std::vector<std::string> declared_keys(const json& schema) {
  std::vector<std::string> keys;
  for (const char* choice : {"anyOf", "oneOf"})
    if (schema.contains(choice))
      for (const json& one : schema[choice])
        for (const std::string& key : declared_keys(one)) keys.push_back(key);
  if (schema.contains("properties"))
    for (const auto& [key, member] : schema["properties"].items())
      if (key != "note" && key != "$schema") keys.push_back(key);
  return keys;
}

bool is_required(const json& schema, const std::string& key) {
  if (schema.contains("required"))
    for (const json& one : schema["required"])
      if (one == key) return true;
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> pointer_steps(std::string_view pointer) {
  if (pointer.empty() || pointer[0] != '/') return {};
  std::vector<std::string> steps;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      steps.emplace_back();
    } else if (pointer[i] != '~') {
      steps.back() += pointer[i];
    } else {
      const char code = ++i < pointer.size() ? pointer[i] : ' ';
      if (code != '0' && code != '1') return {};
      steps.back() += code == '0' ? '~' : '/';
    }
  }
  return steps;
}

std::string beside(const std::string& path, const std::string& file) {
  return (std::filesystem::path(path).parent_path() / file).lexically_normal().string();
}

json embedded(const std::string& text) {
  constexpr std::size_t limit = 16u * 1024u * 1024u;
  json entry = {{"fnv1a64", hash_of(text)}};
  if (text.size() <= limit) entry["text"] = text;
  return entry;
}

json extends_schema() {
  return {{"anyOf", {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}}}}};
}

JsonFile JsonFile::read(const std::string& path) { return parse(path, read_file(path)); }

JsonFile JsonFile::parse(std::string name, std::string text) {
  if (text.empty()) throw Error(Kind::input, name, "expected JSON, found an empty file");
  if (const std::size_t start = text.find_first_not_of(" \t\r\n"); start != std::string::npos && text[start] == '<') {
    if (text.find("<OpenSimDocument") == std::string::npos)
      throw Error(Kind::input, name, "expected JSON, found XML or HTML");
    const bool named_so = name.ends_with(".osim");
    throw Error(
        Kind::input, name,
        "expected JSON, found an OpenSim file; a model is converted first: psoas convert " +
            (named_so ? name + " " + name.substr(0, name.size() - 5) + ".json" : std::string("MODEL.osim MODEL.json")));
  }
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

std::vector<std::string> JsonFile::places(const std::vector<std::string>& pointers) const {
  std::map<std::string, std::size_t> wanted;  // with all their parents
  for (const std::string& pointer : pointers)
    for (std::size_t end = pointer.size(); end != std::string::npos && end > 0; end = pointer.rfind('/', end - 1))
      if (!wanted.emplace(pointer.substr(0, end), nowhere).second) break;
  scan(name_, text_, &wanted);

  std::vector<std::pair<std::size_t, std::size_t>> order;  // offsets and indices of pointers
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    std::size_t offset = 0;
    for (std::size_t end = pointers[i].size(); end != std::string::npos && end > 0;
         end = pointers[i].rfind('/', end - 1))
      if (const std::size_t found = wanted[pointers[i].substr(0, end)]; found != nowhere) {
        offset = found;
        break;
      }
    order.emplace_back(std::min(offset, text_.size()), i);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::string> places(pointers.size());
  std::size_t counted = 0;
  std::ptrdiff_t line = 1;
  for (const auto& [offset, i] : order) {
    line += std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted),
                       text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
    counted = offset;
    places[i] = name_ + ":" + std::to_string(line) + ": " + shown_pointer(pointers[i]);
  }
  return places;
}

Document Document::parse(std::string name, std::string text) {
  Document document;
  document.files_.push_back(JsonFile::parse(std::move(name), std::move(text)));
  document.root_ = document.files_.front().root();
  return document;
}

/// A file on the way to one that is extended.
struct Document::Chain {
  std::string identity, name;
};

/// Reads a file and its bases, the last of them first; `named_at`: where the file before it on its way names it.
void Document::open(const std::string& path, const std::string& named_at, std::vector<Chain>& chain) {
  std::error_code ignored;
  const std::string identity = std::filesystem::weakly_canonical(path, ignored).string();
  const auto is_this = [&](const std::string& name) {
    return std::filesystem::weakly_canonical(name, ignored).string() == identity;
  };
  const bool cycle =
      std::any_of(chain.begin(), chain.end(), [&](const Chain& before) { return before.identity == identity; });
  if (cycle || chain.size() > 8) {
    std::string names;
    for (const Chain& before : chain) names += before.name + " -> ";
    throw Error(Kind::input, named_at,
                (cycle ? "expected no cycle, found " : "expected at most 8 files in a row, found ") + names + path);
  }
  if (std::any_of(files_.begin(), files_.end(), [&](const JsonFile& file) { return is_this(file.name()); }))
    throw Error(Kind::input, named_at, "expected each file once, found " + path + " again");
  try {
    files_.push_back(JsonFile::read(path));
  } catch (const Error& error) {
    if (files_.empty() || error.kind() != Kind::io) throw;
    throw Error(Kind::io, named_at, error.what());
  }
  open_bases(identity, chain);
}

void Document::open_bases(const std::string& identity, std::vector<Chain>& chain) {
  const std::size_t here = files_.size() - 1;
  if (!files_[here].root().is_object() || !files_[here].root().contains("extends")) return;
  const json extends = files_[here].root()["extends"];
  const bool list = extends.is_array() && !extends.empty();
  chain.push_back({identity, files_[here].name()});
  for (std::size_t i = list ? extends.size() : 1; i-- > 0;) {
    const json& base = list ? extends[i] : extends;
    const std::string place = files_[here].place(list ? "/extends/" + std::to_string(i) : "/extends");
    if (!base.is_string())
      throw Error(Kind::input, place,
                  std::string(list ? "expected a path" : "expected a path or a list of paths") + ", found " +
                      excerpt(base.dump(-1, ' ', true)));
    open((std::filesystem::path(files_[here].name()).parent_path() / base.get<std::string>()).string(), place, chain);
  }
  chain.pop_back();
}

Document Document::read(const std::string& path) {
  Document document;
  std::vector<Chain> chain;
  document.open(path, path, chain);
  document.merge_files();
  return document;
}

Document Document::read_text(std::string name, std::string text) {
  Document document;
  std::vector<Chain> chain;
  document.files_.push_back(JsonFile::parse(std::move(name), std::move(text)));
  document.open_bases("", chain);
  document.merge_files();
  return document;
}

void Document::merge_files() {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (file == files_.rbegin()) {
      root_ = file->root();
      continue;
    }
    json edits = json::array();
    if (root_.is_object() && root_.contains(appended) && root_[appended].is_array()) edits = root_[appended];
    merge(root_, file->root());
    if (file->root().is_object() && file->root().contains(appended) && file->root()[appended].is_array()) {
      for (const json& edit : file->root()[appended]) edits.push_back(edit);
      root_[appended] = edits;
    }
  }
  if (root_.is_object()) root_.erase("extends");
}

void Document::set(const std::string& pointer, const json& value, const json& schema, const std::string& shown) {
  const auto refuse = [&](const std::string& text) { throw Error(Kind::input, "--set " + shown_pointer(shown), text); };
  const auto steps = pointer_steps(pointer);
  if (!steps) refuse("expected a JSON pointer such as /subject/mass");
  std::string found;
  try {
    found = excerpt(value.dump(-1, ' ', true));
  } catch (const json::exception&) {
    refuse("expected a value in UTF-8");
  }

  // A file is not changed before all is known to be well; `target` ends where the file ends and only the schema goes on.
  json* target = &root_;
  const json* declared = &schema;
  bool optional = false;
  std::size_t present = 0;
  for (std::size_t i = 0; i < steps->size(); ++i) {
    const std::string& step = (*steps)[i];
    const auto nothing = [&](const std::vector<std::string>& known) {
      refuse("expected something there, found nothing in " + file().name() + did_you_mean(step, known));
    };
    const json* below_it = declared ? schema_below(*declared, step) : nullptr;
    // members of an object keyed by name and elements of an array are no fields: nobody meant a new one
    const bool named =
        declared && declared->contains("additionalProperties") && (*declared)["additionalProperties"].is_object();
    const bool is_field = below_it && !named && !declared->contains("items");
    optional = is_field && !is_required(*declared, step);
    if (present == i && target->is_array()) {
      const bool digits = !step.empty() && step.size() < 10 && step.find_first_not_of("0123456789") == step.npos;
      if (!digits || std::stoul(step) >= target->size())
        refuse("expected an index from 0 to " + std::to_string(static_cast<long>(target->size()) - 1) + " in " +
               shown_pointer(pointer) + ", found " + in_quotes(step, 20));
      target = &(*target)[std::stoul(step)];
      ++present;
    } else if (present == i && target->is_object() && target->contains(step)) {
      target = &(*target)[step];
      ++present;
    } else {
      std::vector<std::string> known = declared ? declared_keys(*declared) : std::vector<std::string>();
      if (present == i && target->is_object())
        for (const auto& [key, member] : target->items()) known.push_back(key);
      // a kind that is there is the only one
      const bool other = present == i && declared && declared->contains("oneOf") && !only_member(*target).empty();
      if (!is_field || other || (present == i && !target->is_object())) nothing(known);
    }
    declared = below_it;
  }
  const std::vector<std::string> types = declared ? types_of(*declared) : std::vector<std::string>();
  const bool there = present == steps->size();
  const bool removes = value.is_null() && optional;
  const auto is_one = [&](const std::string& type) {
    return type == "number" || type == "integer" ? value.is_number() : type == value.type_name();
  };
  if (!removes && (types.empty() ? !same_type(*target, value) : std::none_of(types.begin(), types.end(), is_one)))
    refuse("expected a value of type " + (types.empty() ? std::string(target->type_name()) : join(types, " or ")) +
           ", found " + found);
  if (removes) {
    if (!there) return;
    json* parent = &root_;
    for (std::size_t i = 0; i + 1 < steps->size(); ++i)
      parent = parent->is_array() ? &(*parent)[std::stoul((*steps)[i])] : &(*parent)[(*steps)[i]];
    parent->erase(steps->back());
    return;
  }
  for (std::size_t i = present; i < steps->size(); ++i) target = &(*target)[(*steps)[i]];
  *target = value;
  set_.emplace_back(pointer, shown);
}

std::string Document::place(const std::string& pointer) const { return places({pointer}).front(); }

std::vector<std::string> Document::places(const std::vector<std::string>& pointers) const {
  // edits of bases stand before those of the file: an index counts through all of them
  std::vector<std::pair<std::size_t, std::size_t>> sources;  // file and index in it
  for (std::size_t f = files_.size(); f-- > 0;) {
    const json& root = files_[f].root();
    if (!root.is_object() || !root.contains(appended)) continue;
    if (!root[appended].is_array()) sources.clear();
    for (std::size_t i = 0; root[appended].is_array() && i < root[appended].size(); ++i) sources.emplace_back(f, i);
  }
  const std::string list = std::string("/") + appended + "/";

  std::vector<std::string> places(pointers.size());
  struct Wanted {
    std::vector<std::string> pointers;
    std::vector<std::size_t> indices;  // of places
  };
  std::vector<Wanted> wanted(files_.size());
  for (std::size_t k = 0; k < pointers.size(); ++k) {
    const std::string& pointer = pointers[k];
    for (const auto& [set, shown] : set_)
      if (pointer == set || pointer.rfind(set + "/", 0) == 0)
        places[k] = "--set " + shown_pointer(shown + pointer.substr(set.size()));
    if (!places[k].empty()) continue;
    std::size_t in = files_.size();
    std::string own = pointer;
    if (pointer.rfind(list, 0) == 0) {
      const std::size_t end = std::min(pointer.find('/', list.size()), pointer.size());
      for (std::size_t i = 0; i < sources.size(); ++i)
        if (pointer.compare(list.size(), end - list.size(), std::to_string(i)) == 0) {
          in = sources[i].first;
          own = list + std::to_string(sources[i].second) + pointer.substr(end);
        }
    }
    for (std::size_t f = 0; f < files_.size() && in == files_.size(); ++f)
      if (files_[f].has(pointer)) in = f;
    if (in == files_.size()) in = 0;
    wanted[in].pointers.push_back(own);
    wanted[in].indices.push_back(k);
  }
  for (std::size_t f = 0; f < files_.size(); ++f) {
    if (wanted[f].pointers.empty()) continue;
    const std::vector<std::string> found = files_[f].places(wanted[f].pointers);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::string &own = wanted[f].pointers[i], &pointer = pointers[wanted[f].indices[i]];
      places[wanted[f].indices[i]] =
          found[i].substr(0, found[i].size() - shown_pointer(own).size()) + shown_pointer(pointer);
    }
  }
  return places;
}

void Document::complain(Kind kind, const std::vector<Problem>& problems, std::size_t more) const {
  if (problems.empty()) return;
  constexpr std::size_t most = 100;
  std::size_t shown = std::min(problems.size(), most);
  if (problems.size() + more == most + 1) shown = problems.size();  // as long as saying that there is one more
  std::vector<std::string> pointers;
  for (std::size_t i = 0; i < shown; ++i) pointers.push_back(problems[i].pointer);
  const std::vector<std::string> where = places(pointers);
  std::string text = problems.front().text;
  for (std::size_t i = 1; i < shown; ++i) text += "\n" + where[i] + ": " + problems[i].text;
  if (const std::size_t left = problems.size() + more - shown; left > 0)
    text += "\nand " + std::to_string(left) + " more problems";
  throw Error(kind, where.front(), text);
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
