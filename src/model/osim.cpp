// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/osim.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <pugixml.hpp>
#include <set>
#include <string_view>

#include "model/check.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/pose.hpp"
#include "psoas/core/table.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"

namespace psoas {
namespace {

using pugi::xml_node;

constexpr int deepest = 64;  // elements inside each other; OpenSim's own files have about 15

/// Joints that are plain sequences of axes in the joint frame, one coordinate each. 'r': rotation, 't': translation.
struct AxisJoint {
  std::string_view tag, axes;
};
constexpr AxisJoint axis_joints[] = {
    {"WeldJoint", ""},           {"PinJoint", "rz"},
    {"SliderJoint", "tx"},       {"UniversalJoint", "rx ry"},
    {"GimbalJoint", "rx ry rz"}, {"BallJoint", "rx ry rz"},
    {"PlanarJoint", "rz tx ty"}, {"FreeJoint", "rx ry rz tx ty tz"},
};

/// What muscle classes call the same thing, with the defaults that OpenSim has for values not written to the file.
struct MuscleClass {
  std::string_view tag;
  double activation_time, deactivation_time;
};
constexpr MuscleClass muscle_classes[] = {
    {"Millard2012EquilibriumMuscle", 0.010, 0.040},
    {"Thelen2003Muscle", 0.015, 0.050},
    {"DeGrooteFregly2016Muscle", 0.015, 0.060},
};

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Words separated by any white space.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  constexpr std::string_view space = " \t\r\n\f\v";
  for (std::size_t at = text.find_first_not_of(space); at != text.npos; at = text.find_first_not_of(space, at)) {
    const std::size_t end = std::min(text.find_first_of(space, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

/// A product of figures of a few digits, without the rounding of its last ones.
double ratio(double x) { return std::round(x * 1e12) / 1e12; }

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// The place of the first byte that is no UTF-8 text (or zero), or npos.
std::size_t text_fault(std::string_view s) { return std::min(utf8_fault(s), s.find('\0')); }

/// Body-fixed angles about x, y, z of a rotation, y in [-pi/2, pi/2].
Vec3 angles_xyz(const Mat3& R) {
  const double y = std::atan2(R(0, 2), std::hypot(R(0, 0), R(0, 1)));
  if (std::hypot(R(0, 0), R(0, 1)) > 1e-12) return {std::atan2(-R(1, 2), R(2, 2)), y, std::atan2(-R(0, 1), R(0, 0))};
  return {std::atan2(R(2, 1), R(1, 1)), y, 0.0};  // x and z turn about the same line: all of it to x
}

void multiply(Function& function, double scale) {
  if (auto* constant = std::get_if<Constant>(&function)) constant->value *= scale;
  if (auto* linear = std::get_if<Linear>(&function)) linear->slope *= scale, linear->offset *= scale;
  if (auto* polynomial = std::get_if<Polynomial>(&function))
    for (double& c : polynomial->coefficients) c *= scale;
  if (auto* spline = std::get_if<Spline>(&function))
    for (double& y : spline->y) y *= scale;
}

/// One pass over a file, from components through bodies, joints and constraints to muscles; later steps look names up
/// that earlier ones found. Problems are collected and thrown together.
class Importer {
 public:
  explicit Importer(const std::string& path) : path_(path), bytes_(read_file(path)) {
    for (std::size_t i = 0; i < bytes_.size(); ++i)
      if (bytes_[i] == '\n') line_ends_.push_back(i);
  }

  OsimImport run() {
    parse();
    collect_components();
    frames();
    bodies();
    joints();
    constraints();
    muscles();
    groups();
    contacts();
    about();
    if (problems_.empty()) ranges();
    complain();
    finish_notes();
    return std::move(result_);
  }

 private:
  struct Component {
    xml_node node;
    std::string path;  // OpenSim's absolute path: /jointset/hip_r/pelvis_offset
  };
  struct Frame {
    Component component;
    bool base = false;  // a body or ground: the others are offset from one
    std::string body = "ground";
    Vec3 translation{0, 0, 0}, orientation{0, 0, 0};  // in the body
    enum { unknown, known, faulty } state = unknown;
    Pose pose() const { return {rotation_xyz(orientation), translation}; }
  };
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

  void wrong(const xml_node& node, const std::string& text) { problems_.push_back({node.offset_debug(), text}); }

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

  /// Numbers of a property; without a fallback it must be there.
  std::optional<std::vector<double>> numbers(const xml_node& object, const char* name, std::size_t count,
                                             bool required_here) {
    const xml_node node = property(object, name);
    if (node) return numbers(node, count);
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

  void parse() {
    if (bytes_.find_first_not_of(" \t\r\n") == std::string::npos)
      stop(0, "expected an OpenSim model, found an empty file");
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
    const xml_node root = document_.document_element();
    if (std::string_view(root.name()) != "OpenSimDocument")
      stop(root.offset_debug(),
           "expected <OpenSimDocument> as the outermost element, found <" + std::string(root.name()) + ">");
    const std::string version = root.attribute("Version").value();
    int number = 0;
    const auto [end, fault] = std::from_chars(version.data(), version.data() + version.size(), number);
    if (version.empty() || fault != std::errc() || end != version.data() + version.size())
      stop(root.offset_debug(), "expected a Version number in <OpenSimDocument>, found " + in_quotes(version));
    if (number < 40000)
      stop(root.offset_debug(), "expected a file of OpenSim 4 (Version 40000 or later), found Version " + version +
                                    ": open the model in OpenSim 4 and save it there");
    version_ = version;
    model_ = root.child("Model");
    if (!model_) stop(root.offset_debug(), "expected a <Model> in <OpenSimDocument>, found none");
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

  /// Everything that the model is made of, with its path: members of sets, <components>, and frames of joints.
  void collect_components() {
    const auto add = [&](const xml_node& list, const std::string& owner) {
      for (const xml_node object : list.children())
        if (object.type() == pugi::node_element)
          components_.push_back({object, owner + "/" + object.attribute("name").value()});
    };
    static const std::set<std::string_view> without_effect = {
        "gravity",  "credits", "publications",           "length_units",  "force_units",       "assembly_accuracy",
        "defaults", "groups",  "ModelVisualPreferences", "FrameGeometry", "attached_geometry", "WrapObjectSet"};
    for (const xml_node child : model_.children()) {
      const std::string_view tag = child.name();
      if (child.type() != pugi::node_element || without_effect.count(tag)) continue;
      if (tag == "Ground") {
        components_.push_back({child, "/ground"});
      } else if (tag == "components") {
        add(child, "");
      } else if (child.child("objects") || ends_with(tag, "Set")) {
        std::string name = child.attribute("name").value();
        if (name.empty())
          for (const char c : tag) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        add(child.child("objects"), "/" + name);
      } else {
        components_.push_back({child, "/" + std::string(child.attribute("name").value())});
      }
    }
    for (std::size_t i = 0; i < components_.size(); ++i) {  // grows while it is walked
      const Component owner = components_[i];
      add(owner.node.child("components"), owner.path);
      if (ends_with(owner.node.name(), "Joint")) add(owner.node.child("frames"), owner.path);
    }
    for (const Component& component : components_) {
      const std::string_view tag = component.node.name();
      if (tag == "Ground" || tag == "Body" || tag == "PhysicalOffsetFrame")
        frame_nodes_.push_back(component);
      else if (ends_with(tag, "Joint"))
        joint_nodes_.push_back(component);
      else if (ends_with(tag, "Constraint"))
        constraint_nodes_.push_back(component);
      else if (muscle_class(tag))
        muscle_nodes_.push_back(component);
      else if (tag == "ContactSphere")
        sphere_nodes_.push_back(component);
      else
        leave_out(component.node);
    }
  }

  static const MuscleClass* muscle_class(std::string_view tag) {
    for (const MuscleClass& known : muscle_classes)
      if (known.tag == tag) return &known;
    return nullptr;
  }

  // ---- frames

  void frames() {
    frames_.push_back({{xml_node(), "/ground"}, true});
    frames_[0].state = Frame::known;
    frame_by_path_["/ground"] = 0;
    frames_by_name_["ground"].push_back(0);
    for (const Component& component : frame_nodes_) {
      const std::string_view tag = component.node.name();
      if (tag == "Ground") {
        frames_[0].component.node = component.node;
        continue;
      }
      Frame frame{component, tag == "Body"};
      const std::string name = component.node.attribute("name").value();
      if (frame.base) {
        frame.body = name;
        frame.state = Frame::known;
      }
      const std::size_t index = frames_.size();
      if (frame_by_path_.insert({component.path, index}).second)
        frames_by_name_[name].push_back(index);
      else if (!name.empty() && !frame.base)  // bodies are checked later
        wrong(component.node, "expected names that differ, found a second " + named(component.node));
      frames_.push_back(frame);
    }
    for (std::size_t i = 0; i < frames_.size(); ++i) settle(i);
  }

  /// Expresses an offset frame in its body, and those that it is offset from.
  void settle(std::size_t index) {
    std::vector<std::size_t> chain;
    std::set<std::size_t> seen;
    bool good = true;
    while (frames_[index].state == Frame::unknown) {
      Frame& frame = frames_[index];
      if (!seen.insert(index).second) {
        wrong(frame.component.node,
              "expected a frame that leads to a body, found " + named(frame.component.node) + " offset from itself");
        good = false;
        break;
      }
      chain.push_back(index);
      const auto parent = find_frame(frame.component, "socket_parent");
      if (!parent) {
        good = false;
        break;
      }
      index = *parent;
    }
    good = good && frames_[index].state == Frame::known;
    for (; !chain.empty(); index = chain.back(), chain.pop_back()) {
      Frame& frame = frames_[chain.back()];
      const Frame& parent = frames_[index];
      frame.translation = vector(frame.component.node, "translation", Vec3(0, 0, 0));
      frame.orientation = vector(frame.component.node, "orientation", Vec3(0, 0, 0));
      frame.state = good ? Frame::known : Frame::faulty;
      if (good) attach(frame.translation, frame.orientation, parent), frame.body = parent.body;
    }
  }

  /// Expresses a pose that is given in a frame in the frame's body; the numbers stay as they are where it is the body.
  static void attach(Vec3& translation, Vec3& orientation, const Frame& frame) {
    if (frame.base) return;
    const Pose X = frame.pose() * Pose{rotation_xyz(orientation), translation};
    if (!orientation.isZero(0) || !frame.orientation.isZero(0))
      orientation = orientation.isZero(0) ? frame.orientation : angles_xyz(X.R);
    translation = X.p;
  }

  /// The frame that a socket of a component names: a full path, a path from the component, or the end of a path.
  std::optional<std::size_t> find_frame(const Component& owner, const char* socket) {
    const xml_node node = property(owner.node, socket);
    const std::string text = node ? text_of(node) : "";
    if (text.empty()) {
      missing(node ? node : owner.node, socket);
      return {};
    }
    std::vector<std::string> parts;  // of the full path
    std::string tail;                // without leading ..
    if (text[0] != '/') parts = split_path(owner.path);
    for (const std::string& part : split_path(text)) {
      if (part == ".") continue;
      if (part != "..") {
        parts.push_back(part), tail += "/" + part;
      } else if (!parts.empty()) {
        parts.pop_back();
      }
    }
    const auto exact = frame_by_path_.find("/" + join(parts, "/"));
    if (exact != frame_by_path_.end()) return exact->second;
    std::vector<std::size_t> matches;
    if (const auto same_name = frames_by_name_.find(last_part(tail));
        text[0] != '/' && same_name != frames_by_name_.end())
      for (const std::size_t i : same_name->second)
        if (ends_with(frames_[i].component.path, tail)) matches.push_back(i);
    if (matches.size() == 1) return matches.front();
    if (matches.size() > 1) {
      wrong(node, "expected one frame in " + named(node) + ", found " + std::to_string(matches.size()) +
                      " that end in " + in_quotes(text) + ": write the full path, such as " +
                      in_quotes(frames_[matches.front()].component.path));
    } else {
      std::vector<std::string> known;
      for (const Frame& frame : frames_)
        known.push_back(text[0] == '/' ? frame.component.path : last_part(frame.component.path));
      wrong(node, "expected a body, ground or offset frame in " + named(node) + ", found " + in_quotes(text) +
                      did_you_mean(text, known));
    }
    return {};
  }

  static std::vector<std::string> split_path(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      if (end > at) parts.push_back(path.substr(at, end - at));
      at = end + 1;
    }
    return parts;
  }

  /// The frame that a socket names, where it and all it is offset from are sound.
  const Frame* known_frame(const Component& owner, const char* socket) {
    const auto index = find_frame(owner, socket);
    return index && frames_[*index].state == Frame::known ? &frames_[*index] : nullptr;
  }

  // ---- bodies and wrapping surfaces

  void bodies() {
    std::set<std::string> taken{"ground"};
    for (const Frame& frame : frames_) {
      const xml_node node = frame.component.node;
      if (std::string_view(node.name()) == "Body") {
        const std::string name = own_name(node, taken);
        BodySpec body;
        body.mass = number(node, "mass");
        body.mass_center = vector(node, "mass_center", Vec3(0, 0, 0));
        if (const auto inertia = numbers(node, "inertia", 6, true))
          std::copy_n(inertia->begin(), 6, body.inertia.begin());
        possible_inertia(name, body);
        if (!name.empty()) spec().bodies[name] = body, body_nodes_[name] = nodes_[below("/bodies", name)] = node;
      }
      for (const xml_node shape : node.child("attached_geometry").children())
        geometry_ += shape.type() == pugi::node_element;
      for (const xml_node object : node.child("WrapObjectSet").child("objects").children())
        if (object.type() == pugi::node_element && frame.state == Frame::known) surface(object, frame);
    }
  }

  /// OpenSim takes diagonal inertias that no body has (published feet have them); psoas does not. The greatest moment is
  /// lowered to the sum of the other two, and that is said.
  void possible_inertia(const std::string& name, BodySpec& body) {
    auto& I = body.inertia;
    if (body.mass <= 0.0 || I[3] != 0.0 || I[4] != 0.0 || I[5] != 0.0) return;
    const auto greatest = std::max_element(I.begin(), I.begin() + 3);
    const double others = I[0] + I[1] + I[2] - *greatest;
    if (*greatest <= others || others <= 0.0) return;
    result_.notes.push_back("inertia of body " + name + ": greatest principal moment lowered from " +
                            shortest_text(*greatest) + " to " + shortest_text(others) +
                            " kg m^2, the sum of the other two, which no body exceeds");
    *greatest = others;
  }

  void surface(const xml_node& node, const Frame& frame) {
    const std::string_view tag = node.name();
    const std::string name = node.attribute("name").value();
    if (name.empty()) {
      wrong(node, "expected a name for this <" + std::string(tag) + ">, found none");
      return;
    }
    if (sides_.count(name) || unused_surfaces_.count(name)) {  // OpenSim finds the first of a name
      leave_out(node);
      return;
    }
    if (!flag(node, "active", true)) {
      inactive_.push_back(name);
      unused_surfaces_.insert(name);
      return;
    }
    SurfaceSpec surface;
    surface.body = frame.body;
    surface.translation = vector(node, "translation", Vec3(0, 0, 0));
    surface.orientation = vector(node, "xyz_body_rotation", Vec3(0, 0, 0));
    attach(surface.translation, surface.orientation, frame);
    if (tag == "WrapCylinder") {
      surface.shape = Cylinder{number(node, "radius")};
      ++cylinders_;
    } else if (tag == "WrapSphere") {
      surface.shape = Sphere{number(node, "radius")};
    } else if (tag == "WrapEllipsoid") {
      surface.shape = Ellipsoid{vector(node, "dimensions")};
      ++ellipsoids_;
    } else {
      leave_out(node);
      unused_surfaces_.insert(name);
      return;
    }
    if (const std::string fault = name_fault(name); !fault.empty())
      wrong(node, fault + " of this <" + node.name() + ">");
    sides_[name] = side(node, tag == "WrapSphere");
    nodes_[below("/surfaces", name)] = node;
    spec().surfaces[name] = surface;
  }

  /// psoas' word for a quadrant.
  std::string side(const xml_node& node, bool sphere) {
    const xml_node quadrant = property(node, "quadrant");
    std::string word = quadrant ? text_of(quadrant) : "all";
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (word == "all" || word == "unassigned") return "shortest";
    if (!word.empty() && word[0] != '+' && word[0] != '-') word = "+" + word;
    if (word.size() != 2 || std::string_view("xyz").find(word[1]) == std::string_view::npos) {
      wrong(quadrant,
            "expected all, x, -x, y, -y, z or -z in " + named(quadrant) + ", found " + in_quotes(text_of(quadrant)));
      return "shortest";
    }
    if (word[1] != 'z' && !sphere) return word;
    without_side_.push_back(node.attribute("name").value());
    return "shortest";
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
    } else if (tag == "SimmSpline") {
      const auto x = numbers(node, "x", 0, true), y = numbers(node, "y", 0, true);
      if (x && y) {
        const Spline spline{*x, *y};
        if (const std::string fault = spline.fault(); fault.empty())
          f = spline;
        else
          wrong(node, fault + " in " + named(node));
      }
    } else {
      wrong(node, "expected LinearFunction, Constant, PolynomialFunction, SimmSpline or MultiplierFunction, found " +
                      std::string(tag));
    }
    if (f && scale != 1.0) multiply(*f, scale);
    return f;
  }

  // ---- joints

  void joints() {
    std::set<std::string> taken, bodies_taken;
    std::map<std::string, const Component*> joint_of;  // child body to joint
    std::map<std::string, std::string> parent_of;
    for (const Component& component : joint_nodes_) {
      const std::string name = own_name(component.node, taken);
      const Frame* parent = known_frame(component, "socket_parent_frame");
      const Frame* child = known_frame(component, "socket_child_frame");
      JointSpec joint;
      joint.motion = motion(component.node);
      if (!parent || !child || name.empty()) continue;
      if (child->body == "ground") {
        wrong(component.node, "expected a body as the child of " + named(component.node) + ", found ground");
        continue;
      }
      joint.parent = parent->body, joint.child = child->body;
      joint.parent_frame = {parent->translation, parent->orientation};
      joint.child_frame = {child->translation, child->orientation};
      spec().joints[name] = joint;
      nodes_[below("/joints", name)] = component.node;
      const auto [other, first] = joint_of.insert({joint.child, &component});
      if (first)
        parent_of[joint.child] = joint.parent;
      else
        wrong(component.node, "expected one joint that carries body " + in_quotes(joint.child) +
                                  ", found a second one, " + named(component.node) + " after " +
                                  named(other->second->node) + ": closed loops are not imported");
    }
    if (!problems_.empty()) return;  // the tree can be checked where all of it is known
    std::set<std::string> grounded{"ground"};
    for (const auto& [name, node] : body_nodes_) {
      std::set<std::string> way;
      std::string at = name;
      while (!grounded.count(at) && parent_of.count(at) && way.insert(at).second) at = parent_of[at];
      if (way.count(at))
        wrong(node, "expected joints that lead from body " + in_quotes(name) + " to ground, found a loop through " +
                        in_quotes(at));
      else if (!grounded.count(at) && at == name)
        wrong(node, "expected a joint that carries body " + in_quotes(name) + ", found none");
      grounded.insert(way.begin(), way.end());
      grounded.insert(name);  // each fault once
    }
  }

  Joint motion(const xml_node& node) {
    const std::string_view tag = node.name();
    std::vector<std::string> names = coordinates(node);
    if (tag == "CustomJoint") return custom(node, names);
    for (const AxisJoint& known : axis_joints) {
      if (known.tag != tag) continue;
      const std::vector<std::string> axes = split_words(known.axes);
      if (axes.size() != names.size()) {
        wrong(node, "expected " + std::to_string(axes.size()) + " <Coordinate> in " + named(node) + ", found " +
                        std::to_string(names.size()));
        return Weld{};
      }
      Custom custom;
      for (std::size_t i = 0; i < axes.size(); ++i) {
        const bool rotation = axes[i][0] == 'r';
        if (CoordinateSpec* coordinate = spec().coordinates.find(names[i]); coordinate && !rotation)
          coordinate->motion = "translation";
        (rotation ? custom.rotations : custom.translations)
            .push_back({Vec3::Unit(axes[i][1] - 'x'), names[i], Linear{}});
      }
      if (axes.empty()) return Weld{};
      if (tag == "PinJoint") return Pin{names[0], custom.rotations[0].axis};
      if (tag == "SliderJoint") return Slide{names[0], custom.translations[0].axis};
      return custom;
    }
    std::string known = "CustomJoint";
    for (const AxisJoint& joint : axis_joints) known += ", " + std::string(joint.tag);
    wrong(node, "expected one of " + known + ", found " + named(node));
    return Weld{};
  }

  /// Takes the coordinates of a joint into the model; their names.
  std::vector<std::string> coordinates(const xml_node& joint) {
    std::vector<std::string> names;
    for (const xml_node node : joint.child("coordinates").children()) {
      if (node.type() != pugi::node_element) continue;
      if (std::string_view(node.name()) != "Coordinate") {
        wrong(node, "expected <Coordinate>, found <" + std::string(node.name()) + ">");
        continue;
      }
      const std::string name = own_name(node, coordinate_names_);
      CoordinateSpec coordinate;
      coordinate.value = number(node, "default_value", 0.0);
      const auto range = numbers(node, "range", 2, false);
      coordinate.range = range ? std::array<double, 2>{(*range)[0], (*range)[1]} : std::array<double, 2>{-10, 10};
      if (coordinate.range[0] > coordinate.range[1])
        wrong(property(node, "range"), "expected a range whose first value is not above its second in " + named(node) +
                                           ", found " + in_quotes(text_of(property(node, "range"))));
      if (flag(node, "locked", false)) locked_.push_back(name);
      if (flag(node, "prescribed", false)) prescribed_.push_back(name);
      if (!name.empty()) spec().coordinates[name] = coordinate, nodes_[below("/coordinates", name)] = node;
      names.push_back(name);
    }
    return names;
  }

  Joint custom(const xml_node& node, const std::vector<std::string>& names) {
    const xml_node transform = property(node, "SpatialTransform");
    if (!transform) {
      missing(node, "SpatialTransform");
      return Weld{};
    }
    static const std::vector<std::string> places = {"rotation1",    "rotation2",    "rotation3",
                                                    "translation1", "translation2", "translation3"};
    std::array<std::optional<AxisSpec>, 6> axes;
    std::array<bool, 6> seen{};
    for (const xml_node axis : transform.children()) {
      if (axis.type() != pugi::node_element) continue;
      const std::string place = axis.attribute("name").value();
      const auto at = static_cast<std::size_t>(std::find(places.begin(), places.end(), place) - places.begin());
      if (std::string_view(axis.name()) != "TransformAxis" || at == places.size() || seen[at]) {
        wrong(axis, "expected a <TransformAxis> for each of " + join(places, ", ") + ", found " +
                        (at < places.size() && seen[at] ? "a second " : "") + named(axis));
        continue;
      }
      seen[at] = true;
      axes[at] = transform_axis(axis, names);
    }
    Custom custom;
    std::map<std::string, bool> translates;  // by coordinate: what it is measured in
    for (std::size_t i = 0; i < 6; ++i) {
      if (!axes[i]) continue;
      (i < 3 ? custom.rotations : custom.translations).push_back(*axes[i]);
      // A coordinate is what it moves one to one; else an angle if it turns anything.
      if (!axes[i]->coordinate) continue;
      const auto* linear = std::get_if<Linear>(&axes[i]->function);
      if (linear && std::abs(linear->slope) == 1.0 && i >= 3)
        translates[*axes[i]->coordinate] = true;
      else if (i < 3)
        translates[*axes[i]->coordinate] = false;
      else
        translates.insert({*axes[i]->coordinate, true});
    }
    for (const auto& [name, yes] : translates)
      if (CoordinateSpec* coordinate = spec().coordinates.find(name); coordinate && yes)
        coordinate->motion = "translation";
    return custom;
  }

  /// An axis of a custom joint; nothing where it stands still at zero.
  std::optional<AxisSpec> transform_axis(const xml_node& node, const std::vector<std::string>& names) {
    AxisSpec axis;
    const std::vector<std::string> used = words_of(property(node, "coordinates").child_value());
    if (used.size() > 1) {
      wrong(node, "expected at most one coordinate in " + named(node) + ", found " + std::to_string(used.size()));
      return {};
    }
    if (!used.empty()) {
      axis.coordinate = used.front();
      if (std::find(names.begin(), names.end(), used.front()) == names.end()) {
        wrong(property(node, "coordinates"),
              "expected a coordinate of this joint (" + join(names, ", ") + "), found " + in_quotes(used.front()));
        return {};
      }
    }
    const xml_node value = object_property(node, "function");
    if (!value) {
      if (!used.empty()) missing(node, "function");
      return {};
    }
    const auto f = function(value);
    if (!f) return {};
    axis.function = *f;
    const auto* constant = std::get_if<Constant>(&axis.function);
    if (!axis.coordinate && !constant) {
      wrong(node, "expected a coordinate for the " + std::string(value.name()) + " of " + named(node) + ", found none");
      return {};
    }
    if (!axis.coordinate && constant->value == 0.0) return {};
    const auto direction = numbers(node, "axis", 3, true);
    if (!direction) return {};
    axis.axis = Vec3((*direction)[0], (*direction)[1], (*direction)[2]);
    if (!is_direction(axis.axis))
      wrong(property(node, "axis"),
            std::string(direction_rule) + ", found " + in_quotes(text_of(property(node, "axis"))));
    return axis;
  }

  // ---- constraints

  void constraints() {
    for (const Component& component : constraint_nodes_) {
      const xml_node node = component.node;
      if (!flag(node, "isEnforced", true)) {
        not_enforced_.push_back(node.attribute("name").value());
        continue;
      }
      if (std::string_view(node.name()) != "CoordinateCouplerConstraint") {
        wrong(node, "expected a <CoordinateCouplerConstraint>, found " + named(node) +
                        ": other constraints are not imported");
        continue;
      }
      const auto source = coordinate_name(node, "independent_coordinate_names"),
                 target = coordinate_name(node, "dependent_coordinate_name");
      const xml_node coupling = object_property(node, "coupled_coordinates_function");
      if (!coupling) {
        missing(node, "coupled_coordinates_function");
        continue;
      }
      auto f = function(coupling);
      const double scale = number(node, "scale_factor", 1.0);
      if (!f || !source || !target) continue;
      if (scale != 1.0) multiply(*f, scale);
      CoordinateSpec& coordinate = spec().coordinates[*target];
      if (coordinate.coupled_to || *source == *target) {
        wrong(node, "expected " + in_quotes(*target) + " to follow one other coordinate, found " +
                        (*source == *target ? "itself" : "a second one") + " in " + named(node));
        continue;
      }
      coordinate.coupled_to = CouplerSpec{*source, *f};
    }
  }

  /// The one known coordinate that a property or socket names, by name or path.
  std::optional<std::string> coordinate_name(const xml_node& object, const char* name) {
    const xml_node node = property(object, name);
    const std::vector<std::string> words = words_of(node.child_value());
    if (words.size() != 1) {
      wrong(node ? node : object, "expected one coordinate in <" + std::string(name) + "> of " + named(object) +
                                      ", found " + (words.empty() ? "none" : std::to_string(words.size())));
      return {};
    }
    const std::string coordinate = last_part(words.front());
    if (spec().coordinates.find(coordinate)) return coordinate;
    std::vector<std::string> known;
    for (const auto& [other, item] : spec().coordinates) known.push_back(other);
    wrong(node, "expected a coordinate in " + named(node) + ", found " + in_quotes(words.front()) +
                    did_you_mean(coordinate, known));
    return {};
  }

  // ---- muscles

  void muscles() {
    std::set<std::string> taken;
    for (const Component& component : muscle_nodes_) {
      const xml_node node = component.node;
      const MuscleClass& kind = *muscle_class(node.name());
      if (!flag(node, "appliesForce", true)) {
        without_force_.push_back(node.attribute("name").value());
        continue;
      }
      const std::string name = own_name(node, taken);
      MuscleSpec muscle;
      muscle.max_isometric_force = number(node, "max_isometric_force");
      muscle.optimal_fibre_length = number(node, "optimal_fiber_length");
      muscle.tendon_slack_length = number(node, "tendon_slack_length");
      muscle.pennation = number(node, "pennation_angle_at_optimal", 0.0);
      muscle.max_contraction_velocity = number(node, "max_contraction_velocity", 10.0);
      muscle.tendon = flag(node, "ignore_tendon_compliance", false) ? "rigid" : "compliant";
      muscle.activation_time = number(node, "activation_time_constant", kind.activation_time);
      muscle.deactivation_time = number(node, "deactivation_time_constant", kind.deactivation_time);
      muscle.minimum_activation = number(node, "minimum_activation", 0.01);
      if (kind.tag == "Millard2012EquilibriumMuscle")
        millard(node, muscle);
      else if (kind.tag == "Thelen2003Muscle")
        thelen(node, muscle);
      else
        de_groote_fregly(node, muscle);
      path(component, muscle);
      if (!name.empty()) spec().muscles[name] = muscle, nodes_[below("/muscles", name)] = node;
    }
  }

  void de_groote_fregly(const xml_node& node, MuscleSpec& muscle) {
    muscle.damping = number(node, "fiber_damping", 0.0);
    muscle.tendon_strain = number(node, "tendon_strain_at_one_norm_force", 0.049);
    muscle.passive_strain = number(node, "passive_fiber_strain_at_one_norm_force", 0.6);
    if (flag(node, "ignore_passive_fiber_force", false)) muscle.passive_scale = 0.0;
    muscle.curve = DeGrooteFregly{number(node, "active_force_width_scale", 1.0)};
  }

  void thelen(const xml_node& node, MuscleSpec& muscle) {
    muscle.damping = 0.0;  // it has none
    muscle.tendon_strain = number(node, "FmaxTendonStrain", 0.04);
    muscle.passive_strain = number(node, "FmaxMuscleStrain", 0.6);
    muscle.passive_shape = number(node, "KshapePassive", 5.0);
    Thelen curve;
    curve.active_shape = number(node, "KshapeActive", curve.active_shape);
    curve.velocity_shape = number(node, "Af", curve.velocity_shape);
    curve.eccentric_force = number(node, "Flen", curve.eccentric_force);
    curve.eccentric_linear = number(node, "fv_linear_extrap_threshold", curve.eccentric_linear);
    muscle.curve = curve;
  }

  void millard(const xml_node& node, MuscleSpec& muscle) {
    Millard curve;
    muscle.damping = number(node, "fiber_damping", 0.1);
    if (muscle.damping < 0.001) muscle.damping = 0.0;  // OpenSim's rule

    const xml_node active = property(node, "ActiveForceLengthCurve");
    curve.shortest_length = number(active, "min_norm_active_fiber_length", 0.4441);
    curve.transition_length = number(active, "transition_norm_fiber_length", 0.73);
    curve.longest_length = number(active, "max_norm_active_fiber_length", 1.8123);
    curve.shallow_slope = number(active, "shallow_ascending_slope", 0.8616);
    curve.least_active_force = number(active, "minimum_value", 0.1);

    const xml_node velocity = property(node, "ForceVelocityCurve");
    curve.concentric_slope_at_vmax = number(velocity, "concentric_slope_at_vmax", 0.0);
    curve.concentric_slope_near_vmax = number(velocity, "concentric_slope_near_vmax", 0.25);
    curve.isometric_slope = number(velocity, "isometric_slope", 5.0);
    curve.eccentric_slope_at_vmax = number(velocity, "eccentric_slope_at_vmax", 0.0);
    curve.eccentric_slope_near_vmax = number(velocity, "eccentric_slope_near_vmax", 0.15);
    curve.eccentric_force = number(velocity, "max_eccentric_velocity_force_multiplier", 1.4);
    curve.concentric_curviness = number(velocity, "concentric_curviness", 0.6);
    curve.eccentric_curviness = number(velocity, "eccentric_curviness", 0.9);

    // OpenSim changes these when it reads a file, so that its own solution has no singularity.
    if (muscle.damping > 0.0 || muscle.tendon == "rigid") {
      curve.least_active_force = 0.0;
      curve.concentric_slope_at_vmax = curve.eccentric_slope_at_vmax = 0.0;
    } else {
      curve.least_active_force = std::max(curve.least_active_force, 0.1);
      curve.concentric_slope_at_vmax = std::max(curve.concentric_slope_at_vmax, 0.5 * curve.concentric_slope_near_vmax);
      curve.eccentric_slope_at_vmax = std::max(curve.eccentric_slope_at_vmax, 0.5 * curve.eccentric_slope_near_vmax);
    }

    const xml_node passive = property(node, "FiberForceLengthCurve");
    const double zero = number(passive, "strain_at_zero_force", 0.0);
    const double one = number(passive, "strain_at_one_norm_force", 0.7), range = one - zero;
    muscle.passive_strain = one;
    curve.passive_onset = zero / one;
    curve.passive_low_stiffness = ratio(number(passive, "stiffness_at_low_force", 0.2) * range);
    curve.passive_stiffness = ratio(number(passive, "stiffness_at_one_norm_force", 2.0 / range) * range);
    curve.passive_curviness = number(passive, "curviness", curve.passive_curviness);

    const xml_node tendon = property(node, "TendonForceLengthCurve");
    muscle.tendon_strain = number(tendon, "strain_at_one_norm_force", 0.049);
    curve.tendon_stiffness =
        ratio(number(tendon, "stiffness_at_one_norm_force", 1.375 / muscle.tendon_strain) * muscle.tendon_strain);
    curve.tendon_toe_force = number(tendon, "norm_force_at_toe_end", curve.tendon_toe_force);
    curve.tendon_curviness = number(tendon, "curviness", curve.tendon_curviness);
    muscle.curve = curve;
  }

  void path(const Component& component, MuscleSpec& muscle) {
    const xml_node geometry = object_property(component.node, "path", "GeometryPath");
    if (std::string_view(geometry.name()) != "GeometryPath") {
      wrong(geometry ? geometry : component.node, "expected a <GeometryPath> in " + named(component.node) + ", found " +
                                                      (geometry ? named(geometry) : "none"));
      return;
    }
    const std::string owner = component.path + "/geometrypath/pathpointset/";
    std::size_t count = 0;  // also of points that cannot be read
    for (const xml_node node : geometry.child("PathPointSet").child("objects").children()) {
      if (node.type() != pugi::node_element) continue;
      ++count;
      const std::string_view tag = node.name();
      if (tag != "PathPoint" && tag != "ConditionalPathPoint") {
        wrong(node, "expected a <PathPoint> or <ConditionalPathPoint> in the path of " + named(component.node) +
                        ", found " + named(node));
        continue;
      }
      PointSpec point;
      const Frame* frame = known_frame({node, owner + node.attribute("name").value()}, "socket_parent_frame");
      point.location = vector(node, "location");
      if (frame) {
        point.body = frame->body;
        if (!frame->base) point.location = frame->pose() * point.location;
      }
      if (tag == "ConditionalPathPoint") {
        const auto coordinate = coordinate_name(node, "socket_coordinate");
        const auto range = numbers(node, "range", 2, true);
        if (coordinate && range) point.only_when = ConditionSpec{*coordinate, {(*range)[0], (*range)[1]}};
      }
      muscle.path.push_back(point);
    }
    if (count < 2)
      wrong(geometry,
            "expected at least 2 points in the path of " + named(component.node) + ", found " + std::to_string(count));
    for (const xml_node node : geometry.child("PathWrapSet").child("objects").children())
      if (node.type() == pugi::node_element) wrap(component.node, node, count, muscle);
  }

  void wrap(const xml_node& owner, const xml_node& node, std::size_t points, MuscleSpec& muscle) {
    const xml_node object = property(node, "wrap_object");
    const std::string name = last_part(text_of(object));
    if (name.empty()) {
      missing(node, "wrap_object");
      return;
    }
    if (unused_surfaces_.count(name)) {
      dropped_wraps_.push_back(std::string(owner.attribute("name").value()) + " over " + name);
      return;
    }
    const auto side = sides_.find(name);
    if (side == sides_.end()) {
      std::vector<std::string> known;
      for (const auto& [other, word] : sides_) known.push_back(other);
      wrong(object,
            "expected a wrap object in " + named(object) + ", found " + in_quotes(name) + did_you_mean(name, known));
      return;
    }
    WrapSpec wrap;
    wrap.surface = name, wrap.side = side->second;
    if (const auto range = numbers(node, "range", 2, false)) {  // from 1, and below 1 for the end of the path
      const double count = static_cast<double>(points);
      const double first = (*range)[0] < 1 ? 1 : (*range)[0], last = (*range)[1] < 1 ? count : (*range)[1];
      if (first != std::floor(first) || last != std::floor(last) || first >= last || last > count)
        wrong(property(node, "range"), "expected two points of the path, from 1 to " + std::to_string(points) +
                                           " and -1 for open, in " + named(property(node, "range")) + ", found " +
                                           in_quotes(text_of(property(node, "range"))));
      else if ((*range)[0] >= 1 || (*range)[1] >= 1)
        wrap.between = {first - 1, last - 1};
    }
    muscle.wraps.push_back(wrap);
  }

  void groups() {
    for (const xml_node node : model_.child("ForceSet").child("groups").children()) {
      if (node.type() != pugi::node_element) continue;
      const std::string name = node.attribute("name").value();
      std::vector<std::string> members;
      for (const std::string& word : words_of(node.child("members").child_value())) {
        if (spec().muscles.find(last_part(word)))
          members.push_back(last_part(word));
        else if (std::find(no_members_.begin(), no_members_.end(), word) == no_members_.end())
          no_members_.push_back(word);
      }
      if (!name_fault(name).empty() || members.empty() || spec().groups.find(name))
        leave_out(node);
      else
        spec().groups[name] = members;
    }
  }

  /// Spheres that touch the ground become points of foot contact: their lowest place with the body upright.
  void contacts() {
    for (const Component& component : sphere_nodes_) {
      const Frame* frame = known_frame(component, "socket_frame");
      const std::string name = component.node.attribute("name").value();
      if (!frame || frame->body == "ground" || !name_fault(name).empty() || spec().contacts.find(name)) {
        leave_out(component.node);
        continue;
      }
      ContactSpec contact;
      contact.body = frame->body;
      contact.location = frame->pose() * vector(component.node, "location", Vec3(0, 0, 0)) -
                         Vec3(0, number(component.node, "radius"), 0);
      spec().contacts[name] = contact;
    }
  }

  // ---- the rest

  /// OpenSim takes default values outside the range of a coordinate; the range is widened, so that the pose stays.
  void widen_ranges() {
    for (auto& [name, coordinate] : spec().coordinates) {
      auto& [low, high] = coordinate.range;
      const double value = coordinate.value;
      if (coordinate.coupled_to || (low <= value && value <= high)) continue;
      result_.notes.push_back("range of coordinate " + name + ": widened from " + shortest_text(low) + " to " +
                              shortest_text(high) + " so that it holds the default value " + shortest_text(value));
      low = std::min(low, value), high = std::max(high, value);
    }
  }

  /// Holds what was imported to the rules for every model, with the place of the element that breaks one.
  void ranges() {
    widen_ranges();
    Check check;
    check.value(spec(), {}, {});
    for (const Problem& problem : check.problems) {
      const auto steps = pointer_steps(problem.pointer);
      std::string pointer, field;
      for (std::size_t i = 0; steps && i < steps->size(); ++i) {
        if (i < 2)
          pointer = below(pointer, (*steps)[i]);
        else
          field += (field.empty() ? "" : "/") + (*steps)[i];
      }
      const auto found = nodes_.find(pointer);
      const xml_node node = found == nodes_.end() ? model_ : found->second;
      wrong(node, (found == nodes_.end() ? problem.pointer : named(node) + (field.empty() ? "" : ", " + field)) + ": " +
                      problem.text);
    }
  }

  void about() {
    const std::string file = std::filesystem::path(path_).filename().string();
    spec().name = model_.attribute("name").value();
    spec().gravity = vector(model_, "gravity", Vec3(0, -9.80665, 0));
    for (const char* tag : {"credits", "publications"})
      for (const xml_node node : model_.children(tag))
        if (const std::string text = text_of(node); !text.empty() && text != "Unassigned")
          spec().sources.push_back(text);
    spec().sources.push_back("Imported from " + file + " (OpenSim, Version " + version_ + ")");
    for (const char* side : {"r", "l"})
      if (spec().joints.find(std::string("hip_") + side)) spec().hips[side] = std::string("hip_") + side;
    const auto unit = [&](const char* name, std::initializer_list<std::string_view> known, const std::string& wanted) {
      const xml_node node = model_.child(name);
      if (const std::string text = text_of(node); node && std::find(known.begin(), known.end(), text) == known.end())
        wrong(node, "expected " + wanted + " in " + named(node) + ", found " + in_quotes(text));
    };
    unit("length_units", {"meters", "meter", "metres", "metre", "m"}, "meters");
    unit("force_units", {"N", "newtons", "newton"}, "N");
  }

  void finish_notes() {
    std::vector<std::string>& notes = result_.notes;
    const auto list = [&](const std::string& text, const std::vector<std::string>& names) {
      if (!names.empty()) notes.push_back(text + ": " + join(names, ", "));
    };
    for (const auto& [tag, names] : left_out_)
      notes.push_back("not imported: " + std::to_string(names.size()) + " " + tag + " (" + join(names, ", ") + ")");
    if (geometry_ > 0) notes.push_back("not imported: " + std::to_string(geometry_) + " shapes for display");
    list("wraps left out, their surface is not imported", dropped_wraps_);
    list("wrapping surfaces left out, inactive in the file", inactive_);
    list("wrapping surfaces whose quadrant is not kept, muscles take the shortest side", without_side_);
    if (!spec().contacts.empty())
      notes.push_back(
          "contact: " + std::to_string(spec().contacts.size()) +
          " ContactSphere became points of foot contact, a radius below their centres; their stiffness is not kept");
    if (cylinders_ > 0)
      notes.push_back("the length of " + std::to_string(cylinders_) +
                      " WrapCylinder is not kept: cylinders have no ends here");
    if (ellipsoids_ > 0)
      notes.push_back(
          "paths over " + std::to_string(ellipsoids_) +
          " WrapEllipsoid are the shortest over the surface; OpenSim's lie in a plane and are a little longer");
    list("coordinates locked in the file, free here", locked_);
    list("coordinates prescribed in the file, free here", prescribed_);
    list("constraints left out, not enforced in the file", not_enforced_);
    list("muscles left out, appliesForce is false", without_force_);
    list("group members left out, not an imported muscle", no_members_);
  }

  ModelSpec& spec() { return result_.spec; }

  const std::string path_, bytes_;
  std::vector<std::size_t> line_ends_;
  pugi::xml_document document_;
  xml_node model_, defaults_;
  std::string version_;
  std::vector<Component> sphere_nodes_;
  OsimImport result_;
  std::vector<ProblemAt> problems_;

  std::vector<Component> components_, frame_nodes_, joint_nodes_, constraint_nodes_, muscle_nodes_;
  std::vector<Frame> frames_;
  std::map<std::string, std::size_t> frame_by_path_;
  std::map<std::string, std::vector<std::size_t>> frames_by_name_;
  std::map<std::string, xml_node> body_nodes_, nodes_;  // the latter by pointer into the model
  std::set<std::string> coordinate_names_, unused_surfaces_;
  std::map<std::string, std::string> sides_;  // of the surfaces, for the wraps

  // for the notes
  std::vector<std::pair<std::string, std::vector<std::string>>> left_out_;
  std::vector<std::string> inactive_, without_side_, dropped_wraps_, locked_, prescribed_, not_enforced_,
      without_force_, no_members_;
  int geometry_ = 0, cylinders_ = 0, ellipsoids_ = 0;
};

}  // namespace

OsimImport read_osim(const std::string& path) { return Importer(path).run(); }

}  // namespace psoas
