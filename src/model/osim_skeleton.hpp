// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The mechanism of an .osim file: components by path, frames, bodies, wrapping surfaces, joints, coordinates, constraints.
#pragma once

#include <map>

#include "model/osim_document.hpp"
#include "psoas/core/pose.hpp"
#include "psoas/core/units.hpp"

namespace psoas::osim {

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

/// Body-fixed angles about x, y, z of a rotation, y in [-pi/2, pi/2].
inline Vec3 angles_xyz(const Mat3& R) {
  const double y = std::atan2(R(0, 2), std::hypot(R(0, 0), R(0, 1)));
  if (std::hypot(R(0, 0), R(0, 1)) > 1e-12) return {std::atan2(-R(1, 2), R(2, 2)), y, std::atan2(-R(0, 1), R(0, 0))};
  return {std::atan2(R(2, 1), R(1, 1)), y, 0.0};  // x and z turn about the same line: all of it to x
}

/// Takes frames, bodies, surfaces, joints, coordinates and constraints into the model.
class OsimSkeleton : public OsimDocument {
 protected:
  using OsimDocument::OsimDocument;

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
  };  /// Everything that the model is made of, with its path: members of sets, <components>, and frames of joints.
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
      add(owner.node.child("frames"), owner.path);  // of joints and of forces between two frames
    }
    for (const Component& component : components_) {
      const std::string_view tag = component.node.name();
      if (tag == "Ground" || tag == "Body" || tag == "PhysicalOffsetFrame")
        frame_nodes_.push_back(component);
      else if (ends_with(tag, "Joint"))
        joint_nodes_.push_back(component);
      else if (ends_with(tag, "Constraint"))
        constraint_nodes_.push_back(component);
      else
        others_.push_back(component);
    }
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
  /// lowered to the sum of the other two, or where these are zero they are raised, and that is said.
  void possible_inertia(const std::string& name, BodySpec& body) {
    auto& I = body.inertia;
    if (body.mass <= 0.0 || I[3] != 0.0 || I[4] != 0.0 || I[5] != 0.0) return;
    const auto greatest = std::max_element(I.begin(), I.begin() + 3);
    const double others = I[0] + I[1] + I[2] - *greatest;
    if (others == 0.0 && *greatest > 0.0) {  // of a model in a plane, which its other moments do not matter to
      const double half = 0.5 * *greatest;
      result_.notes.push_back("inertia of body " + name + ": principal moments of 0 raised to " + shortest_text(half) +
                              " kg m^2, half of the third, the least that a body can have");
      for (double& moment : I)
        if (&moment < &I[3] && &moment != greatest) moment = half;
      return;
    }
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
      Cylinder cylinder{number(node, "radius")};
      if (property(node, "length")) {
        cylinder.length = number(node, "length");
        ++cylinders_;
      }
      surface.shape = cylinder;
    } else if (tag == "WrapSphere") {
      surface.shape = Sphere{number(node, "radius")};
    } else if (tag == "WrapEllipsoid") {
      surface.shape = Ellipsoid{vector(node, "dimensions")};
      ++ellipsoids_;
    } else if (tag == "WrapTorus") {  // the outer radius is the ring's, to the middle of the tube
      surface.shape = Torus{number(node, "outer_radius"), number(node, "inner_radius")};
    } else {
      leave_out(node);
      unused_surfaces_.insert(name);
      return;
    }
    if (const std::string fault = name_fault(name); !fault.empty())
      wrong(node, fault + " of this <" + node.name() + ">");
    sides_[name] = side(node);
    nodes_[below("/surfaces", name)] = node;
    spec().surfaces[name] = surface;
  }

  /// psoas' word for a quadrant. A string has no side on a torus, nor along the axis of a cylinder.
  std::string side(const xml_node& node) {
    const std::string_view tag = node.name();
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
    if (tag != "WrapTorus" && !(tag == "WrapCylinder" && word[1] == 'z')) return word;
    without_side_.push_back(node.attribute("name").value());
    return "shortest";
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
      const bool scapulothoracic = std::string_view(component.node.name()) == "ScapulothoracicJoint";
      joint.motion = scapulothoracic ? Joint{} : motion(component.node);
      if (!parent || !child || name.empty()) continue;
      if (child->body == "ground") {
        wrong(component.node, "expected a body as the child of " + named(component.node) + ", found ground");
        continue;
      }
      joint.parent = parent->body, joint.child = child->body;
      joint.parent_frame = {parent->translation, parent->orientation};
      joint.child_frame = {child->translation, child->orientation};
      if (scapulothoracic) {
        scapulothoracic_joint(component.node, name, joint);
        parent_of[joint.parent] = parent->body;
      }
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

  /// Seth et al. (2016): the scapula glides on an ellipsoid of the thorax by three angles, and turns about a winging axis
  /// in the plane that it lies in. Two joints here, with a body without mass between them, which `joint` then leaves from.
  void scapulothoracic_joint(const xml_node& node, const std::string& name, JointSpec& joint) {
    const std::vector<std::string> names = coordinates(node);
    if (!has_coordinates(node, names, 4)) return;
    const Vec3 radii = vector(node, "thoracic_ellipsoid_radii_x_y_z", Vec3(0.1, 0.15, 0.1));
    const double direction = number(node, "scapula_winging_axis_direction", 0.0);
    const auto origin = numbers(node, "scapula_winging_axis_origin", 2, false);

    const std::string between = name + "_surface";
    const Pose quarter{rotation_xyz({0, 0, 0.5 * pi}), Vec3::Zero()};  // OpenSim turns the ellipsoid's axes
    JointSpec glide;
    glide.parent = joint.parent, glide.child = between;
    glide.parent_frame = frame_of(pose_of(joint.parent_frame) * quarter);
    glide.child_frame = frame_of(quarter);
    glide.motion = OnEllipsoid{names[0], names[1], names[2], {radii.y(), radii.x(), radii.z()}};
    spec().bodies[between] = BodySpec{0.0, {0, 0, 0}, {}};
    spec().joints[between] = glide;
    nodes_[below("/bodies", between)] = nodes_[below("/joints", between)] = node;

    Pose winging;  // z along the axis
    winging.p = origin ? Vec3((*origin)[0], (*origin)[1], 0.0) : Vec3(0, 0, 0);
    winging.R.col(0) = Vec3(std::cos(direction), std::sin(direction), 0.0);
    winging.R.col(1) = Vec3(0, 0, -1);
    winging.R.col(2) = Vec3(-std::sin(direction), std::cos(direction), 0.0);
    joint.parent = between;
    joint.parent_frame = frame_of(winging);
    joint.child_frame = frame_of(pose_of(joint.child_frame) * winging);
    joint.motion = Pin{names[3], {0, 0, 1}};
  }

  static Pose pose_of(const FrameSpec& frame) { return {rotation_xyz(frame.orientation), frame.translation}; }
  static FrameSpec frame_of(const Pose& X) { return {X.p, angles_xyz(X.R)}; }

  bool has_coordinates(const xml_node& joint, const std::vector<std::string>& names, std::size_t count) {
    if (names.size() == count) return true;
    wrong(joint, "expected " + std::to_string(count) + " <Coordinate> in " + named(joint) + ", found " +
                     std::to_string(names.size()));
    return false;
  }

  Joint motion(const xml_node& node) {
    const std::string_view tag = node.name();
    std::vector<std::string> names = coordinates(node);
    if (tag == "CustomJoint") return custom(node, names);
    if (tag == "EllipsoidJoint") {
      const Vec3 radii = vector(node, "radii_x_y_z");
      if (!has_coordinates(node, names, 3)) return Weld{};
      return OnEllipsoid{names[0], names[1], names[2], radii};
    }
    for (const AxisJoint& known : axis_joints) {
      if (known.tag != tag) continue;
      const std::vector<std::string> axes = split_words(known.axes);
      if (!has_coordinates(node, names, axes.size())) return Weld{};
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
    std::string known = "CustomJoint, EllipsoidJoint, ScapulothoracicJoint";
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
        not_held_.push_back(std::string(node.attribute("name").value()) + " (" + node.name() + ")");
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
      coupler_nodes_[*target] = node;
    }
    for (const auto& [name, node] : coupler_nodes_) resolve_coupler(name, node);
  }

  /// A coordinate that follows one that follows another follows the last, where their functions make one.
  void resolve_coupler(const std::string& name, const xml_node& node) {
    CouplerSpec& coupler = *spec().coordinates[name].coupled_to;
    std::set<std::string> way{name};
    while (const auto& next = spec().coordinates[coupler.coordinate].coupled_to) {
      if (!way.insert(coupler.coordinate).second) {
        wrong(node, "expected coordinates that follow an independent one, found a cycle through " + in_quotes(name) +
                        " in " + named(node));
        return;
      }
      const auto f = composed(coupler.function, next->function);
      if (!f) {
        wrong(node, "expected " + in_quotes(name) + " to follow an independent coordinate, found " +
                        in_quotes(coupler.coordinate) + ", which follows " + in_quotes(next->coordinate) +
                        ", and functions of which neither is linear");
        return;
      }
      coupler = {next->coordinate, *f};
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

  std::vector<Component> components_, frame_nodes_, joint_nodes_, constraint_nodes_, others_;
  std::vector<Frame> frames_;
  std::map<std::string, std::size_t> frame_by_path_;
  std::map<std::string, std::vector<std::size_t>> frames_by_name_;
  std::map<std::string, xml_node> body_nodes_, nodes_;  // the latter by pointer into the model
  std::map<std::string, xml_node> coupler_nodes_;       // by dependent coordinate
  std::set<std::string> coordinate_names_, unused_surfaces_;
  std::map<std::string, std::string> sides_;  // of the surfaces, for the wraps

  // for the notes
  std::vector<std::string> inactive_, without_side_, locked_, prescribed_, not_enforced_, not_held_;
  int geometry_ = 0, cylinders_ = 0, ellipsoids_ = 0;
};

}  // namespace psoas::osim
