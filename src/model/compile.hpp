// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// From a ModelSpec to a ModelData, with every problem at its JSON pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/bytes.hpp"
#include "psoas/model/model.hpp"

namespace psoas {

/// A point of a path inside a surface.
struct PointInside {
  std::size_t point = 0;  ///< place in the path
  double depth = 0.0;     ///< from the nearest place on the surface [m]
};

/// Points of a path that a wrap is about and that lie inside its surface in every pose: fixed in the surface's body.
std::vector<PointInside> points_inside(const std::vector<PointSpec>& points, const WrapSpec& wrap,
                                       const SurfaceSpec& surface);

/// Null when there are problems.
std::shared_ptr<ModelData> compile(const ModelSpec& spec, std::vector<Problem>& problems);

/// Compiles one spec after another: equal models, sooner. Where a spec differs from one before in nothing but how muscles
/// pull, and nobody holds that one's model any more, the model is made from that one.
class ModelMemory {
 public:
  /// The same as Model(spec), with its exceptions.
  Model compile(const ModelSpec& spec);

  /// A number that models of this memory have in common where they differ in nothing but how muscles pull, and no others.
  /// 0: not of this memory, or forgotten.
  std::uint64_t structure_of(const Model& model) const;
  /// Adds what tells a model of this memory from all others; false where it is not of this memory, or forgotten.
  bool add_identity(const Model& model, Bytes& out) const;

 private:
  struct Entry {
    Bytes structure, mechanics;
    std::vector<std::size_t> ends;  ///< of add_structure()
    std::shared_ptr<ModelData> data;
    std::uint64_t structure_number = 0, used = 0;
  };
  static constexpr std::size_t most = 6;  ///< models that are kept

  bool take_over(const ModelSpec& spec, Entry& entry);

  std::vector<Entry> entries_;
  Bytes structure_, mechanics_;
  std::vector<std::size_t> ends_;
  std::uint64_t uses_ = 0, structures_ = 0;
};

}  // namespace psoas
