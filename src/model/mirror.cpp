// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/mirror.hpp"

#include <algorithm>

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A motion seen in the sagittal mirror.
Spatial mirrored(Spatial motion) {
  motion[0] = -motion[0];
  motion[1] = -motion[1];
  motion[5] = -motion[5];
  return motion;
}

}  // namespace

std::string other_side(std::string name) {
  for (std::size_t i = 0; i + 1 < name.size(); ++i)
    if (name[i] == '_' && (name[i + 1] == 'r' || name[i + 1] == 'l') && (i + 2 == name.size() || name[i + 2] == '_'))
      name[i + 1] = name[i + 1] == 'r' ? 'l' : 'r';
  return name;
}

Mirror mirror_of(const Model& model, std::span<const double> q, Workspace& work) {
  const ModelData& data = model.data();
  const auto place = [](const std::vector<std::string>& names, const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : static_cast<int>(found - names.begin());
  };
  couple(model, q, std::vector<double>(q.size(), 0.0), work);
  positions<double>(model.tree(), work.q, work.tree);
  Mirror out;
  out.partner.assign(data.coordinate_names.size(), -1);
  out.sign.assign(out.partner.size(), 0.0);
  std::vector<bool> doubtful(out.partner.size(), false);
  for (std::size_t c = 0; c < out.partner.size(); ++c)
    out.partner[c] = place(data.coordinate_names, other_side(data.coordinate_names[c]));
  for (std::size_t t = 0; t < data.couplings.size(); ++t) {
    const auto c = at(data.couplings[t].source);
    const int other = place(data.tree_coordinate_names, other_side(data.tree_coordinate_names[t]));
    if (other < 0 || out.partner[c] < 0 || data.couplings[at(other)].source != out.partner[c]) {
      doubtful[c] = true;
      continue;
    }
    const Spatial here = work.slope[t] * work.tree.motion[t];
    const Spatial there = mirrored(work.slope[at(other)] * work.tree.motion[at(other)]);
    const double size = here.norm();
    if (size == 0.0) continue;
    const double sign = here.dot(there) < 0.0 ? -1.0 : 1.0;
    if ((here - sign * there).norm() > 1e-6 * size || (out.sign[c] != 0.0 && out.sign[c] != sign)) doubtful[c] = true;
    out.sign[c] = sign;
  }
  for (std::size_t c = 0; c < out.partner.size(); ++c)
    if (doubtful[c]) out.sign[c] = 0.0;
  return out;
}

}  // namespace psoas
