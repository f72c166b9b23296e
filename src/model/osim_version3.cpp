// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/osim_version3.hpp"

#include <string_view>

#include "model/osim_document.hpp"

namespace psoas::osim {
namespace {

bool is_true(const xml_node& node) {
  const std::string_view text = node.text().get();
  return text.find("true") != text.npos || text.find("True") != text.npos;
}

xml_node child_or_new(xml_node owner, const char* name) {
  const xml_node own = owner.child(name);
  return own ? own : owner.append_child(name);
}

void put_text(xml_node owner, const std::string& name, const std::string& text) {
  owner.append_child(name.c_str()).text().set(text.c_str());
}

void move_children(xml_node from, xml_node to) {
  while (const xml_node child = from.first_child()) to.append_move(child);
}

std::vector<xml_node> elements(const xml_node& list) {
  std::vector<xml_node> all;
  for (const xml_node child : list.children())
    if (child.type() == pugi::node_element) all.push_back(child);
  return all;
}

xml_node first_element(const xml_node& node) {
  return node.find_child([](const xml_node& child) { return child.type() == pugi::node_element; });
}

std::string frame_path(const std::string& body) { return body == "ground" ? "/ground" : "/bodyset/" + body; }

/// One end of a joint: its body, or a frame offset from it where the joint says so.
void end_of_joint(xml_node joint, const std::string& end, const std::string& body,
                  std::initializer_list<const char*> location, std::initializer_list<const char*> orientation) {
  const auto text_at = [&](std::initializer_list<const char*> names) -> std::string {
    for (const char* name : names)
      if (const xml_node node = joint.child(name)) return node.text().get();
    return "";
  };
  const std::string at = text_at(location), turned = text_at(orientation);
  if (at.empty() && turned.empty()) {
    put_text(joint, "socket_" + end + "_frame", frame_path(body));
    return;
  }
  const std::string name = body + "_offset_of_" + end;
  xml_node frame = child_or_new(joint, "frames").append_child("PhysicalOffsetFrame");
  frame.append_attribute("name") = name.c_str();
  put_text(frame, "socket_parent", frame_path(body));
  if (!at.empty()) put_text(frame, "translation", at);
  if (!turned.empty()) put_text(frame, "orientation", turned);
  put_text(joint, "socket_" + end + "_frame", name);
}

struct Rewriter {
  xml_node model;
  std::vector<std::pair<xml_node, std::string>> problems;

  void joint(xml_node joint, const std::string& parent, const std::string& child) {
    if (is_true(joint.child("reverse")))
      problems.emplace_back(joint.child("reverse"),
                            "expected a joint from parent to child, found one that is reversed");
    end_of_joint(joint, "parent", parent, {"location_in_parent"}, {"orientation_in_parent"});
    end_of_joint(joint, "child", child, {"location_in_child", "location"}, {"orientation_in_child", "orientation"});
    if (const xml_node set = joint.child("CoordinateSet"))
      move_children(set.child("objects"), child_or_new(joint, "coordinates"));
  }

  void body(xml_node body) {
    const std::string name = body.attribute("name").value();
    if (body.child("inertia_xx")) {
      std::string inertia;
      for (const char* part : {"inertia_xx", "inertia_yy", "inertia_zz", "inertia_xy", "inertia_xz", "inertia_yz"})
        inertia += std::string(" ") + (body.child(part) ? body.child(part).text().get() : "0");
      put_text(body, "inertia", inertia);
    }
    for (const xml_node display : elements(body.child("VisibleObject").child("GeometrySet").child("objects")))
      child_or_new(body, "attached_geometry").append_move(display);
    if (const xml_node inside = first_element(body.child("Joint"))) {
      const std::string parent = osim::last_part(inside.child("parent_body").text().get());
      joint(child_or_new(child_or_new(model, "JointSet"), "objects").append_move(inside), parent, name);
    }
    if (name == "ground") {
      xml_node ground = child_or_new(model, "Ground");
      for (const char* part : {"attached_geometry", "WrapObjectSet"})
        if (const xml_node node = body.child(part)) ground.append_move(node);
      body.parent().remove_child(body);
    }
  }

  /// Versions between 3 and 4 name other components by connectors.
  static void connectors(xml_node object) {
    for (const xml_node connector : elements(object.child("connectors")))
      put_text(object, "socket_" + std::string(connector.attribute("name").value()),
               connector.child("connectee_name").text().get());
  }

  static void sockets(xml_node object, std::initializer_list<std::pair<const char*, const char*>> names) {
    for (const auto& [old_name, name] : names)
      if (xml_node node = object.child(old_name)) node.set_name(name);
  }

  void force(xml_node object) {
    if (is_true(object.child("isDisabled"))) put_text(object, "appliesForce", "false");
    xml_node path = object.child("GeometryPath");
    for (const xml_node point : elements(path.child("PathPointSet").child("objects"))) {
      connectors(point);
      sockets(point, {{"body", "socket_parent_frame"},
                      {"coordinate", "socket_coordinate"},
                      {"x_coordinate", "socket_x_coordinate"},
                      {"y_coordinate", "socket_y_coordinate"},
                      {"z_coordinate", "socket_z_coordinate"}});
    }
  }

  void run() {
    for (const xml_node item : elements(model.child("JointSet").child("objects"))) {
      connectors(item);
      std::string ends[2];
      for (int i = 0; i < 2; ++i) {
        const char* names[2][2] = {{"socket_parent_body", "socket_parent_frame"},
                                   {"socket_child_body", "socket_child_frame"}};
        for (const char* name : names[i])
          if (xml_node node = item.child(name)) {
            ends[i] = last_part(node.text().get());
            xml_node(item).remove_child(node);
          }
      }
      joint(item, ends[0], ends[1]);
    }
    for (const xml_node item : elements(model.child("BodySet").child("objects"))) body(item);
    for (const xml_node item : elements(model.child("ForceSet").child("objects"))) force(item);
    for (const xml_node item : elements(model.child("ConstraintSet").child("objects")))
      if (is_true(item.child("isDisabled"))) put_text(item, "isEnforced", "false");
    for (const xml_node item : elements(model.child("ContactGeometrySet").child("objects")))
      sockets(item, {{"body_name", "socket_frame"}});
  }
};

}  // namespace

std::vector<std::pair<pugi::xml_node, std::string>> to_version_4(pugi::xml_node model) {
  Rewriter rewriter{model, {}};
  rewriter.run();
  return rewriter.problems;
}

}  // namespace psoas::osim
