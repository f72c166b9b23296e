// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// An .osim file as elements with places: properties with OpenSim's defaults, numbers, names, functions, and problems that
// are collected and thrown together. The base of the importer's later steps (osim_skeleton.hpp, osim.cpp).
#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <pugixml.hpp>
#include <set>
#include <string_view>

#include "model/multiply.hpp"
#include "model/osim_version3.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/model/osim.hpp"

namespace psoas::osim {

using pugi::xml_node;

inline constexpr int deepest = 64;  // elements inside each other; OpenSim's own files have about 15

inline bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Words separated by any white space.
inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  constexpr std::string_view space = " \t\r\n\f\v";
  for (std::size_t at = text.find_first_not_of(space); at != text.npos; at = text.find_first_not_of(space, at)) {
    const std::size_t end = std::min(text.find_first_of(space, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

inline std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// The place of the first byte that is no UTF-8 text (or zero), or npos.
inline std::size_t text_fault(std::string_view s) { return std::min(utf8_fault(s), s.find('\0')); }

inline void add(Function& function, double offset) {
  std::visit(
      [&](auto& kind) {
        if constexpr (requires { kind.value; }) kind.value += offset;
        if constexpr (requires { kind.offset; }) kind.offset += offset;
        if constexpr (requires { kind.coefficients; }) kind.coefficients[0] += offset;
        if constexpr (requires { kind.y; })
          for (double& y : kind.y) y += offset;
      },
      function);
}

/// outer(inner(x)) where one of them is constant or a straight line.
inline std::optional<Function> composed(Function outer, Function inner) {
  if (std::holds_alternative<Constant>(outer)) return outer;
  if (const auto* constant = std::get_if<Constant>(&inner)) return Constant{compile(outer).jet(constant->value).value};
  if (const auto* line = std::get_if<Linear>(&outer)) {
    multiply(inner, line->slope);
    add(inner, line->offset);
    return inner;
  }
  const auto* line = std::get_if<Linear>(&inner);
  if (!line) return {};
  if (line->slope == 0.0) return Constant{compile(outer).jet(line->offset).value};
  if (auto* f = std::get_if<Sine>(&outer)) {
    f->phase += f->frequency * line->offset;
    f->frequency *= line->slope;
    return outer;
  }
  const auto* polynomial = std::get_if<Polynomial>(&outer);
  if (!polynomial) {  // a straight change of the argument keeps a spline's rules
    std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.x; }) {
            for (double& x : kind.x) x = (x - line->offset) / line->slope;
            if (line->slope < 0) std::reverse(kind.x.begin(), kind.x.end()), std::reverse(kind.y.begin(), kind.y.end());
          }
        },
        outer);
    return outer;
  }
  const std::vector<double>& c = polynomial->coefficients;
  std::vector<double> result(c.size(), 0.0);
  for (std::size_t k = c.size(); k-- > 0;) {  // Horner's rule on polynomials
    for (std::size_t i = result.size(); i-- > 0;)
      result[i] = result[i] * line->offset + (i > 0 ? result[i - 1] * line->slope : 0.0);
    result[0] += c[k];
  }
  return Polynomial{result};
}

/// The file and what every step needs of it.
class OsimDocument {
 protected:
  explicit OsimDocument(const std::string& path) : OsimDocument(path, read_file(path)) {}
  OsimDocument(const std::string& path, std::string text) : path_(path), bytes_(std::move(text)) {
    for (std::size_t i = 0; i < bytes_.size(); ++i)
      if (bytes_[i] == '\n') line_ends_.push_back(i);
  }

  struct ProblemAt {
    std::ptrdiff_t offset;
    std::string text;
  };

  // ---- places and problems

  std::string place(std::ptrdiff_t offset) const {
    const auto end = std::lower_bound(line_ends_.begin(), line_ends_.end(),
                                      static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0)));
    return path_ + ":" + std::to_string(end - line_ends_.begin() + 1);
  }

  void wrong(xml_node node, const std::string& text) {
    while (node.parent() && node.offset_debug() < 0) node = node.parent();  // one that the file does not have
    problems_.push_back({node.offset_debug(), text});
  }

  [[noreturn]] void stop(std::ptrdiff_t offset, const std::string& text) const {
    throw Error(Kind::input, place(offset), text);
  }

  void complain() {
    if (problems_.empty()) return;
    std::stable_sort(problems_.begin(), problems_.end(), [](auto& a, auto& b) { return a.offset < b.offset; });
    std::string text = problems_.front().text;
    for (std::size_t i = 1; i < problems_.size() && i < 100; ++i)
      text += "\n" + place(problems_[i].offset) + ": " + problems_[i].text;
    if (problems_.size() > 100) text += "\nand " + std::to_string(problems_.size() - 100) + " more problems";
    stop(problems_.front().offset, text);
  }

  /// "Body \"pelvis\"" for messages.
  static std::string named(const xml_node& node) {
    const std::string name = node.attribute("name").value();
    return std::string("<") + node.name() + ">" + (name.empty() ? "" : " " + in_quotes(name));
  }

  void leave_out(const xml_node& node) {
    const std::string tag = node.name();
    auto at = std::find_if(left_out_.begin(), left_out_.end(), [&](auto& item) { return item.first == tag; });
    if (at == left_out_.end()) at = left_out_.insert(at, {tag, {}});
    at->second.push_back(node.attribute("name").empty() ? "unnamed" : node.attribute("name").value());
  }

  // ---- values

  /// The element that holds a property: of the object itself, or of its class in <defaults>.
  xml_node property(const xml_node& object, const char* name) const {
    if (const xml_node own = object.child(name)) return own;
    return defaults_ && object.parent() != defaults_ ? defaults_.child(object.name()).child(name) : xml_node();
  }

  /// The object that is the value of a property: <name><Kind/></name>, <Kind name="name"/>, or <Kind/>.
  xml_node object_property(const xml_node& owner, const char* name, const char* kind = "") const {
    const auto first_element = [](const xml_node& node) {
      return node.find_child([](const xml_node& child) { return child.type() == pugi::node_element; });
    };
    if (const xml_node holder = property(owner, name))
      if (const xml_node object = first_element(holder)) return object;
    for (const xml_node child : owner.children())
      if (std::string_view(child.attribute("name").value()) == name) return child;
    return *kind ? property(owner, kind) : xml_node();
  }

  /// Numbers of an element; a problem and nothing where a word is no finite number or there are not `count` of them.
  std::optional<std::vector<double>> numbers(const xml_node& node, std::size_t count) {
    std::vector<double> values;
    for (const std::string& word : words_of(node.child_value())) {
      const char* begin = word.data() + (word.size() > 1 && word[0] == '+' && word[1] != '-' ? 1 : 0);
      const char* end = word.data() + word.size();
      double value = 0;
      const auto [stop_at, fault] = std::from_chars(begin, end, value);
      if (fault != std::errc() || stop_at != end || !std::isfinite(value)) {
        wrong(node, "expected a finite number in " + named(node) + ", found " + in_quotes(word));
        return {};
      }
      values.push_back(value + 0.0);  // no negative zero
    }
    if (count > 0 ? values.size() != count : values.empty()) {
      const std::string wanted = count > 0 ? std::to_string(count) + (count == 1 ? " number" : " numbers") : "numbers";
      wrong(node, "expected " + wanted + " in " + named(node) + ", found " +
                      (values.empty() ? "none" : std::to_string(values.size())));
      return {};
    }
    return values;
  }

  /// Numbers of a property, which may be left out or empty unless it must be there.
  std::optional<std::vector<double>> numbers(const xml_node& object, const char* name, std::size_t count,
                                             bool required_here) {
    const xml_node node = property(object, name);
    if (node && (required_here || !text_of(node).empty())) return numbers(node, count);
    if (required_here) missing(object, name);
    return {};
  }

  void missing(const xml_node& object, const std::string& name) {
    wrong(object, "expected <" + name + "> in " + named(object) + ", found none");
  }

  double number(const xml_node& object, const char* name) {
    const auto values = numbers(object, name, 1, true);
    return values ? values->front() : 0.0;
  }
  double number(const xml_node& object, const char* name, double fallback) {
    const auto values = numbers(object, name, 1, false);
    return values ? values->front() : fallback;
  }
  Vec3 vector(const xml_node& object, const char* name) {
    const auto v = numbers(object, name, 3, true);
    return v ? Vec3((*v)[0], (*v)[1], (*v)[2]) : Vec3(0, 0, 0);
  }
  Vec3 vector(const xml_node& object, const char* name, const Vec3& fallback) {
    const auto v = numbers(object, name, 3, false);
    return v ? Vec3((*v)[0], (*v)[1], (*v)[2]) : fallback;
  }

  bool flag(const xml_node& object, const char* name, bool fallback) {
    const xml_node node = property(object, name);
    if (!node) return fallback;
    std::string word = text_of(node);
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (word != "true" && word != "false")
      wrong(node, "expected true or false in " + named(node) + ", found " + in_quotes(word));
    return word == "true";
  }

  static std::string text_of(const xml_node& node) { return join(words_of(node.child_value()), " "); }

  /// The object's name, which must be there and be the only one of its sort.
  std::string own_name(const xml_node& node, std::set<std::string>& taken) {
    const std::string name = node.attribute("name").value();
    if (name.empty()) {
      wrong(node, "expected a name for this <" + std::string(node.name()) + ">, found none");
    } else if (!taken.insert(name).second) {
      wrong(node, "expected names that differ, found a second " + named(node));
      return "";
    } else if (const std::string fault = name_fault(name); !fault.empty()) {
      wrong(node, fault + " of this <" + node.name() + ">");
    }
    return name;
  }

  // ---- the document

  /// The outermost element, after a look at the text and the version, which is returned.
  int parse_root(const std::string& what_it_is, xml_node& root) {
    if (bytes_.find_first_not_of(" \t\r\n") == std::string::npos)
      stop(0, "expected " + what_it_is + ", found an empty file");
    if (const std::size_t fault = text_fault(bytes_); fault != std::string::npos)
      stop(static_cast<std::ptrdiff_t>(fault), "expected UTF-8 text, found the byte " +
                                                   std::to_string(static_cast<unsigned char>(bytes_[fault])) +
                                                   ": save the file as UTF-8");
    const pugi::xml_parse_result parsed =
        document_.load_buffer(bytes_.data(), bytes_.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!parsed) {
      std::string what = parsed.description();
      if (!what.empty()) what[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(what[0])));
      stop(parsed.offset, "expected well-formed XML, found a fault: " + what);
    }
    check_depth();
    root = document_.document_element();
    if (std::string_view(root.name()) != "OpenSimDocument")
      stop(root.offset_debug(),
           "expected <OpenSimDocument> as the outermost element, found <" + std::string(root.name()) + ">");
    const std::string version = root.attribute("Version").value();
    int number = 0;
    const auto [end, fault] = std::from_chars(version.data(), version.data() + version.size(), number);
    if (version.empty() || fault != std::errc() || end != version.data() + version.size())
      stop(root.offset_debug(), "expected a Version number in <OpenSimDocument>, found " + in_quotes(version));
    if (number < 20000)
      stop(root.offset_debug(), "expected a file of OpenSim 2 or later (Version 20000 or more), found Version " +
                                    version + ": open the model in OpenSim 4 and save it there");
    version_ = version;
    return number;
  }

  void parse() {
    xml_node root;
    const int number = parse_root("an OpenSim model", root);
    model_ = root.child("Model");
    if (!model_) stop(root.offset_debug(), "expected a <Model> in <OpenSimDocument>, found none");
    if (number < 40000)
      for (const auto& [node, text] : to_version_4(model_)) wrong(node, text);
    defaults_ = root.child("defaults") ? root.child("defaults") : model_.child("defaults");
  }

  /// Nothing later may follow elements deeper than this, so that no file can exhaust the stack.
  void check_depth() const {
    int depth = 0;
    for (xml_node node = document_.first_child(); node;) {
      if (node.type() == pugi::node_element && depth >= deepest)
        stop(node.offset_debug(),
             "expected at most " + std::to_string(deepest) + " elements inside each other, found more");
      if (node.first_child()) {
        node = node.first_child(), ++depth;
        continue;
      }
      while (node && !node.next_sibling()) node = node.parent(), --depth;
      if (node) node = node.next_sibling();
    }
  }
  // ---- functions

  /// A function element, or nothing and a problem.
  std::optional<Function> function(xml_node node) {
    double scale = 1.0;
    for (; std::string_view(node.name()) == "MultiplierFunction";) {
      scale *= number(node, "scale", 1.0);
      const xml_node inner = object_property(node, "function");
      if (!inner) {
        missing(node, "function");
        return {};
      }
      node = inner;
    }
    const std::string_view tag = node.name();
    std::optional<Function> f;
    if (tag == "Constant") {
      f = Constant{number(node, "value", 0.0)};
    } else if (tag == "LinearFunction") {
      if (!property(node, "coefficients"))
        f = Linear{};
      else if (const auto c = numbers(node, "coefficients", 2, true))
        f = Linear{(*c)[0], (*c)[1]};
    } else if (tag == "PolynomialFunction") {  // OpenSim has the highest power first
      if (auto c = numbers(node, "coefficients", 0, true)) f = Polynomial{{c->rbegin(), c->rend()}};
    } else if (tag == "SimmSpline" || tag == "NaturalCubicSpline" || tag == "natCubicSpline") {
      f = spline<Spline>(node, "");
    } else if (tag == "PiecewiseLinearFunction") {
      f = spline<NaturalSpline>(node, "linear");
    } else if (tag == "GCVSpline") {
      f = gcv_spline(node);
    } else if (tag == "Sine") {
      f = Sine{number(node, "amplitude", 1.0), number(node, "omega", 1.0), number(node, "phase", 0.0),
               number(node, "offset", 0.0)};
    } else {
      wrong(node,
            "expected LinearFunction, Constant, PolynomialFunction, SimmSpline, GCVSpline, PiecewiseLinearFunction, "
            "Sine or MultiplierFunction, found " +
                std::string(tag));
    }
    if (f && scale != 1.0) multiply(*f, scale);
    return f;
  }

  /// A spline through the points of an element, or nothing and a problem.
  template <class S>
  std::optional<Function> spline(const xml_node& node, const char* degree) {
    const auto x = numbers(node, "x", 0, true), y = numbers(node, "y", 0, true);
    if (!x || !y) return {};
    S spline;
    spline.x = *x, spline.y = *y;
    if constexpr (requires { spline.degree; }) spline.degree = degree;
    if (const std::string fault = spline.fault(); !fault.empty()) {
      wrong(node, fault + " in " + named(node));
      return {};
    }
    return spline;
  }

  /// OpenSim's spline of an odd degree, which goes through its points where it has no error variance.
  std::optional<Function> gcv_spline(const xml_node& node) {
    const double half_order = number(node, "half_order", 3.0), variance = number(node, "error_variance", 0.0);
    if (half_order != 1.0 && half_order != 2.0 && half_order != 3.0) {
      wrong(property(node, "half_order"), "expected 1, 2 or 3 in <half_order>, found " + shortest_text(half_order));
      return {};
    }
    if (variance != 0.0) {
      wrong(property(node, "error_variance"),
            "expected a spline through its points, with 0 in <error_variance>, found " + shortest_text(variance));
      return {};
    }
    return spline<NaturalSpline>(node, half_order == 1.0 ? "linear" : half_order == 2.0 ? "cubic" : "quintic");
  }

  ModelSpec& spec() { return result_.spec; }

  const std::string path_, bytes_;
  std::vector<std::size_t> line_ends_;
  pugi::xml_document document_;
  xml_node model_, defaults_;
  std::string version_;
  OsimImport result_;
  std::vector<ProblemAt> problems_;
  std::vector<std::pair<std::string, std::vector<std::string>>> left_out_;  // names by element
};

}  // namespace psoas::osim
