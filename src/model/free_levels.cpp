// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/free_levels.hpp"

#include <algorithm>

#include "psoas/core/error.hpp"
#include "psoas/core/function.hpp"

namespace psoas {
namespace {

/// A level's rotation and its share of the trunk coordinate.
struct Share {
  std::string level, coordinate;
  double slope = 0.0;
};

double share_of(const CoordinateSpec& item) { return compile(item.coupled_to->function).jet(0.0).slope; }

/// What the levels take of a trunk coordinate, lowest first.
std::vector<Share> shares_of(const ModelSpec& spec, const std::string& trunk) {
  std::vector<Share> shares;
  for (const auto& [name, level] : spec.lumbar->levels)
    if (const JointSpec* joint = spec.joints.find(level.joint))
      for (const JointAxis& axis : std::visit([](const auto& kind) { return kind.axes(); }, joint->motion)) {
        if (!axis.rotation || !axis.spec.coordinate) continue;
        const CoordinateSpec* item = spec.coordinates.find(*axis.spec.coordinate);
        if (item && item->coupled_to && item->coupled_to->coordinate == trunk)
          shares.push_back({name, *axis.spec.coordinate, share_of(*item)});
      }
  return shares;
}

/// Lets a body that a pin turns by a share of a trunk coordinate turn by that share of every level's rotation instead.
void ride(ModelSpec& spec, const std::string& follower, const std::vector<Share>& shares) {
  const std::string place = "/coordinates/" + follower;
  const auto joint = std::find_if(spec.joints.begin(), spec.joints.end(), [&](const auto& item) {
    const Pin* pin = std::get_if<Pin>(&item.second.motion);
    return pin && pin->coordinate == follower;
  });
  const CoordinateSpec whole = *spec.coordinates.find(follower);
  if (joint == spec.joints.end() || !std::holds_alternative<Linear>(whole.coupled_to->function))
    throw Error(Kind::model, place,
                "expected a linear coupler and a pin joint, so that what follows the rhythm can follow free levels, "
                "found another kind");
  double sum = 0.0;
  for (const Share& share : shares) sum += share.slope;
  const Linear line = std::get<Linear>(whole.coupled_to->function);
  const std::string joint_name = joint->first;
  const JointSpec last = joint->second;
  spec.joints.erase_if([&](const std::string& name, const JointSpec&) { return name == joint_name; });
  spec.coordinates.erase_if([&](const std::string& name, const CoordinateSpec&) { return name == follower; });
  std::string parent = last.parent;
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const bool top = k + 1 == shares.size();
    Pin pin = std::get<Pin>(last.motion);
    pin.coordinate = follower + "_" + shares[k].level;
    JointSpec step = last;
    step.parent = parent;
    step.child = top ? last.child : last.child + "_" + shares[k].level;
    if (k > 0) step.parent_frame = {};
    if (!top) step.child_frame = {};
    step.motion = pin;
    if (!top) spec.bodies[step.child].mass = 0.0;
    spec.joints[top ? joint_name : joint_name + "_" + shares[k].level] = step;
    CoordinateSpec own = whole;
    for (double& end : own.range) end *= shares[k].slope / sum;
    own.coupled_to = CouplerSpec{shares[k].coordinate, Linear{line.slope / sum, k == 0 ? line.offset : 0.0}};
    spec.coordinates[pin.coordinate] = own;
    parent = step.child;
  }
}

}  // namespace

ModelSpec free_levels(const ModelSpec& spec) {
  if (!spec.lumbar || spec.lumbar->levels.empty())
    throw Error(Kind::model, "/lumbar", "expected a model with lumbar levels, found none to free");
  ModelSpec out = spec;
  if (spec.lumbar->free()) return out;
  for (const std::string& trunk : {spec.lumbar->extension, spec.lumbar->bending, spec.lumbar->rotation}) {
    const std::vector<Share> shares = shares_of(spec, trunk);
    const CoordinateSpec* source = spec.coordinates.find(trunk);
    if (!source || shares.size() != spec.lumbar->levels.size())
      throw Error(Kind::model, "/lumbar", "expected every level to have one rotation that follows \"" + trunk + "\"");
    for (const Share& share : shares) {
      CoordinateSpec& own = *out.coordinates.find(share.coordinate);
      own.value = std::clamp(compile(own.coupled_to->function).jet(source->value).value, own.range[0], own.range[1]);
      own.coupled_to.reset();
    }
    std::vector<std::string> followers;
    for (const auto& [name, item] : out.coordinates)
      if (item.coupled_to && item.coupled_to->coordinate == trunk) followers.push_back(name);
    for (const std::string& follower : followers) ride(out, follower, shares);
    out.coordinates.erase_if([&](const std::string& name, const CoordinateSpec&) { return name == trunk; });

    std::vector<DomainSpec> domain;
    for (const DomainSpec& item : out.domain) {
      if (!item.outside.find(trunk)) {
        domain.push_back(item);
        continue;
      }
      for (const Share& share : shares) {
        DomainSpec own = item;
        own.outside.erase_if([&](const std::string& name, const auto&) { return name == trunk; });
        const std::array<double, 2>& whole = *item.outside.find(trunk);
        own.outside[share.coordinate] = {std::min(share.slope * whole[0], share.slope * whole[1]),
                                         std::max(share.slope * whole[0], share.slope * whole[1])};
        domain.push_back(own);
      }
    }
    out.domain = std::move(domain);
  }
  out.lumbar->extension.clear();
  out.lumbar->bending.clear();
  out.lumbar->rotation.clear();
  out.paths = "exact";
  return out;
}

Named<double> over_levels(const ModelSpec& spec, const Named<double>& values, const Named<double>* at) {
  Named<double> out;
  for (const auto& [name, value] : values) {
    if (!spec.lumbar ||
        (name != spec.lumbar->extension && name != spec.lumbar->bending && name != spec.lumbar->rotation)) {
      out[name] = value;
      continue;
    }
    const double* where = at ? at->find(name) : &value;
    const double here = where ? *where : spec.coordinates.find(name)->value;
    for (const Share& share : shares_of(spec, name)) {
      const Jet2<double> jet = compile(spec.coordinates.find(share.coordinate)->coupled_to->function).jet(here);
      out[share.coordinate] = at ? jet.slope * value : jet.value;
    }
  }
  return out;
}

}  // namespace psoas
