// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/osim_document.hpp"
#include "psoas/model/osim.hpp"

namespace psoas {
namespace osim {
namespace {

class LoadsReader : public OsimDocument {
 public:
  LoadsReader(const std::string& path, std::string text) : OsimDocument(path, std::move(text)) {}

  OsimExternalLoads run() {
    xml_node root;
    parse_root("OpenSim's external loads", root);
    const xml_node loads = root.child("ExternalLoads");
    if (!loads) stop(root.offset_debug(), "expected <ExternalLoads> in <OpenSimDocument>, found none");
    defaults_ = root.child("defaults") ? root.child("defaults") : loads.child("defaults");
    out_.data_file = word(loads, loads.child("data_file") ? "data_file" : "datafile");
    if (out_.data_file.empty()) missing(loads, "data_file");
    for (const xml_node node : loads.child("objects").children())
      if (node.type() == pugi::node_element) force(node);
    if (problems_.empty() && out_.forces.empty())
      wrong(loads, "expected an <ExternalForce> that acts in " + named(loads) + ", found none");
    complain();
    return std::move(out_);
  }

 private:
  /// The text of a property; empty where there is none. OpenSim writes "Unassigned" for none, too.
  std::string word(const xml_node& object, const char* name) const {
    const xml_node node = property(object, name);
    const std::string text = node ? text_of(node) : "";
    return text == "Unassigned" ? "" : text;
  }

  /// A body by its name or path; ground where none is named.
  std::string body(const xml_node& object, const char* name) const {
    const std::string text = last_part(word(object, name));
    return text.empty() ? "ground" : text;
  }

  void force(const xml_node& node) {
    if (std::string_view(node.name()) != "ExternalForce") {
      wrong(node, "expected <ExternalForce>, found " + named(node));
      return;
    }
    if (!flag(node, "appliesForce", true) || flag(node, "isDisabled", false)) return;
    OsimExternalForce out;
    out.name = own_name(node, names_);
    out.body = last_part(word(node, "applied_to_body"));
    if (out.body.empty()) missing(node, "applied_to_body");
    out.force = word(node, "force_identifier");
    out.point = word(node, "point_identifier");
    out.torque = word(node, "torque_identifier");
    out.force_frame = body(node, "force_expressed_in_body");
    out.point_frame = body(node, "point_expressed_in_body");
    if (out.force.empty() && out.torque.empty()) missing(node, "force_identifier");
    if (out.force.empty() && !out.point.empty())
      wrong(node, "expected no point of a force that " + named(node) + " does not have, found " + in_quotes(out.point));
    // without a point the force acts at the origin of the body
    if (!out.force.empty() && out.point.empty()) out.point_frame = out.body;
    out_.forces.push_back(std::move(out));
  }

  OsimExternalLoads out_;
  std::set<std::string> names_;
};

}  // namespace
}  // namespace osim

OsimExternalLoads parse_external_loads(const std::string& path, std::string text) {
  return osim::LoadsReader(path, std::move(text)).run();
}

}  // namespace psoas
