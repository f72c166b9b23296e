// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscles of one curve set in blocks of a few lanes, each parameter an array: what the passes of batch_passes.hpp read.
// A lane without a muscle repeats the last muscle, so that loops over lanes have one length and every lane goes the same
// way through vector instructions: a muscle's bits do not depend on its place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psoas/muscle/unit.hpp"

namespace psoas::batch {

inline constexpr std::size_t lanes = 16;
using Lanes = std::array<double, lanes>;

/// Muscles of a block, and what their parameters give once for all. Rows as long as a cache line are aligned to one.
struct alignas(64) Block {
  Lanes F0, l0, per_l0, lTs, per_lTs, height2, damping, per_damping, max_speed, per_max_speed;
  Lanes least, corner_end, per_least;      // of the fibres' reach along the tendon, see rigid_tendon_fibre()
  Lanes cold_stretch;                      // of the tendon, where a search for equilibrium starts [m]
  Lanes least_fibre;                       // fibre length at `least`
  Lanes least_length, greatest_length;     // domain of the curves
  std::array<std::uint32_t, lanes> index;  // of the muscles
  std::uint32_t count;                     // lanes with a muscle of their own
  bool contiguous;                         // indices follow each other in all lanes
};

struct DeGrooteBlock : Block {
  Lanes per_width, passive_rate, passive_cut, passive_offset, passive_unit, tendon_rate, tendon_give;
};

struct ThelenBlock : Block {
  Lanes per_width, per_shape, eccentric, steepness, top, passive_rate, passive_cut, passive_unit;
};

/// One corner of a Bézier function in the table of coefficients: x and y over the parameter, then where a search for the
/// parameter starts, at `bezier_cells` + 1 even distances of x.
inline constexpr std::int64_t bezier_cells = 16, bezier_x = 0, bezier_y = 6, bezier_from = 12, bezier_scale = 13,
                              bezier_start = 14, bezier_stride = 32;
template <std::size_t N>
struct BezierLanes {
  std::array<std::int64_t, lanes> table;  // where the first corner is in the table
  std::array<Lanes, N + 1> x, y;          // points
  Lanes front_slope, back_slope;
};

struct MillardBlock : Block {
  BezierLanes<5> active;
  BezierLanes<4> velocity;
  BezierLanes<2> passive, tendon;
  Lanes passive_scale, per_passive_strain, per_tendon_strain;
  const double* table;
};

}  // namespace psoas::batch
