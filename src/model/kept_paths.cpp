// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/kept_paths.hpp"

#include <algorithm>
#include <cassert>

namespace psoas {
namespace {

/// Shows each array of numbers that is kept.
template <class Work, class See>
void each_array(Work& work, See see) {
  const auto spatial = [&](auto& wrenches) {
    if (!wrenches.empty()) see(wrenches.front().data(), 6 * wrenches.size());
  };
  see(work.path_q.data(), work.path_q.size());
  see(work.length.data(), work.length.size());
  spatial(work.wrench);
  see(work.drive.data(), work.drive.size());
  see(work.arm.data(), work.arm.size());
}

}  // namespace

std::size_t kept_paths_size(const ModelData& data) {
  return data.couplings.size() + 2 * data.paths.size() + 6 * static_cast<std::size_t>(data.wrench_start.back()) +
         static_cast<std::size_t>(data.drive_start.back()) + data.arm_slots.size();
}

void keep_paths(const Workspace& work, std::span<double> out) {
  assert(work.paths_known && out.size() == kept_paths_size(work.model.data()));
  double* next = out.data();
  each_array(work, [&](const double* numbers, std::size_t count) { next = std::copy(numbers, numbers + count, next); });
  std::copy(work.inside.begin(), work.inside.end(), next);
}

void take_paths(std::span<const double> kept, Workspace& work) {
  assert(kept.size() == kept_paths_size(work.model.data()));
  const double* next = kept.data();
  each_array(work, [&](double* numbers, std::size_t count) {
    std::copy(next, next + count, numbers);
    next += count;
  });
  std::transform(next, next + work.inside.size(), work.inside.begin(),
                 [](double flag) { return static_cast<char>(flag); });
  work.paths_known = true;
}

}  // namespace psoas
