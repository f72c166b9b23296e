// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The muscle-tendon unit for a block of lanes: the arithmetic of curve_*.hpp and unit.cpp without branches, so that a
// compiler makes vector instructions of the loops over lanes. Included where passes are compiled (batch_passes.cpp);
// all of it is inlined there, into functions for several instruction sets.
//
// What `unit` computes by hypot and by quotients of parameters is computed by a square root and products here.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "muscle/batch_kernels.hpp"
#include "psoas/core/portable.hpp"
#include "psoas/muscle/activation.hpp"

#define PSOAS_INLINE [[gnu::always_inline]] inline

namespace psoas::batch {

// Kept out of other files: two with different flags must not share one copy.
namespace {

// --- lanes in and out ------------------------------------------------------------------------------------------------

PSOAS_INLINE void load(const Block& b, const double* from, Lanes& to) {
  if (b.contiguous)
    for (std::size_t j = 0; j < lanes; ++j) to[j] = from[b.index[0] + j];
  else
    for (std::size_t j = 0; j < lanes; ++j) to[j] = from[b.index[j]];
}
PSOAS_INLINE void store(const Block& b, const Lanes& from, double* to) {
  if (b.contiguous)
    for (std::size_t j = 0; j < lanes; ++j) to[b.index[0] + j] = from[j];
  else
    for (std::size_t j = 0; j < b.count; ++j) to[b.index[j]] = from[j];
}
// Flags are 0.0 and 1.0 in lanes, which keeps loops to one width.
PSOAS_INLINE void store(const Block& b, const Lanes& from, unsigned char* to) {
  if (b.contiguous)
    for (std::size_t j = 0; j < lanes; ++j) to[b.index[0] + j] = from[j] > 0.0 ? 1 : 0;
  else
    for (std::size_t j = 0; j < b.count; ++j) to[b.index[j]] = from[j] > 0.0 ? 1 : 0;
}

// --- laws ------------------------------------------------------------------------------------------------------------
// Value alone, or with slope and curvature.

struct Jet {
  double value, slope, curvature;
};

// Without the branches of && and ||, which keep a loop from becoming vector instructions.
PSOAS_INLINE bool all(auto... conditions) { return (conditions & ...); }
PSOAS_INLINE bool any(auto... conditions) { return (conditions | ...); }

// 0 below 0; nan stays.
PSOAS_INLINE double not_negative(double x) { return std::max(x, 0.0); }

PSOAS_INLINE Jet not_negative(const Jet& f) {
  return {not_negative(f.value), f.value > 0.0 ? f.slope : 0.0, f.value > 0.0 ? f.curvature : 0.0};
}

// exp(z) up to z = cut, then its tangent.
PSOAS_INLINE double growth(double z, double cut) {
  const double e = portable::exp(std::min(z, cut));
  return z > cut ? e * (z - cut + 1.0) : e;
}

// ln x of a normal x >= 1, 0.01 off: somewhere to start.
PSOAS_INLINE double rough_log(double x) {
  constexpr std::uint64_t mantissa = 0x000fffffffffffffu, one = 0x3ff0000000000000u, two52 = 0x4330000000000000u;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  const double k = std::bit_cast<double>((bits >> 52) | two52) - (4503599627370496.0 + 1023.0);
  const double f = std::bit_cast<double>((bits & mantissa) | one) - 1.0;
  return 0.6931471805599453 * (k + f * (1.34 - 0.34 * f));
}

// sinh and cosh by one reduction and no division: e^r and e^-r share the even and odd part of their series.
PSOAS_INLINE void sinh_cosh(double x, double& sinh, double& cosh) {
  constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10,
                   per_ln2 = 1.4426950408889634, shifter = 6755399441055744.0;
  const double shifted = std::min(x, 700.0) * per_ln2 + shifter, k = shifted - shifter;
  const double r = (x - k * ln2_high) - k * ln2_low, r2 = r * r, r4 = r2 * r2;
  const double even = 1.0 + r2 * ((1.0 / 2 + r2 * (1.0 / 24)) + r4 * ((1.0 / 720 + r2 * (1.0 / 40320)) +
                                                                      r4 * (1.0 / 3628800 + r2 * (1.0 / 479001600))));
  const double odd =
      r + r * (r2 * ((1.0 / 6 + r2 * (1.0 / 120)) + r4 * ((1.0 / 5040 + r2 * (1.0 / 362880)) + r4 * (1.0 / 39916800))));
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(shifted);
  const double up = (even + odd) * std::bit_cast<double>((bits + 1022u) << 52),
               down = (even - odd) * std::bit_cast<double>((1022u - bits) << 52);
  sinh = up - down, cosh = up + down;
}

struct DeGrooteLanes {
  const DeGrooteBlock& b;
  using Set = DeGrooteFregly;
  static constexpr double d1 = Set::d1, d2 = Set::d2, d3 = Set::d3, d4 = Set::d4;
  static constexpr double b1[3] = {Set::bells[0].b1, Set::bells[1].b1, Set::bells[2].b1},
                          b2[3] = {Set::bells[0].b2, Set::bells[1].b2, Set::bells[2].b2},
                          b3[3] = {Set::bells[0].b3, Set::bells[1].b3, Set::bells[2].b3},
                          b4[2] = {Set::bells[0].b4, Set::bells[1].b4};

  PSOAS_INLINE double active(std::size_t j, double norm_length) const {
    const double x = (norm_length - 1.0) * b.per_width[j] + 1.0;
    const double w0 = b3[0] + b4[0] * x, w = b3[1] + b4[1] * x, w1 = w == 0.0 ? 1e-300 : w;
    const double x0 = x - b2[0], x1 = x - b2[1], per = 1.0 / (w0 * w1);
    const double z0 = x0 * w1 * per, z1 = x1 * w0 * per, z2 = (x - b2[2]) * (1.0 / b3[2]);
    const double e0 = b1[0] * portable::exp(-0.5 * (z0 * z0)), e1 = b1[1] * portable::exp(-0.5 * (z1 * z1)),
                 e2 = b1[2] * portable::exp(-0.5 * (z2 * z2));
    // as in the scalar set, where a bell's width may be 0
    return (std::abs(x0) > 38.0 * std::abs(w0) ? 0.0 : e0) + (std::abs(x1) > 38.0 * std::abs(w1) ? 0.0 : e1) + e2;
  }
  PSOAS_INLINE Jet active_jet(std::size_t j, double norm_length) const {
    const double iw = b.per_width[j], x = (norm_length - 1.0) * iw + 1.0;
    const double w0 = b3[0] + b4[0] * x, w = b3[1] + b4[1] * x, w1 = w == 0.0 ? 1e-300 : w;
    const double x0 = x - b2[0], x1 = x - b2[1], per = 1.0 / (w0 * w1), per0 = w1 * per, per1 = w0 * per;
    const double z0 = x0 * per0, z1 = x1 * per1, z2 = (x - b2[2]) * (1.0 / b3[2]);
    double e0 = b1[0] * portable::exp(-0.5 * (z0 * z0)), e1 = b1[1] * portable::exp(-0.5 * (z1 * z1)),
           e2 = b1[2] * portable::exp(-0.5 * (z2 * z2));
    e0 = std::abs(x0) > 38.0 * std::abs(w0) ? 0.0 : e0;
    e1 = std::abs(x1) > 38.0 * std::abs(w1) ? 0.0 : e1;
    // by x: dz of each bell, then -z dz and z^2 dz^2 - dz^2 + 2 b4 z dz / w
    const double dz0 = (b3[0] + b4[0] * b2[0]) * (per0 * per0), dz1 = (b3[1] + b4[1] * b2[1]) * (per1 * per1),
                 dz2 = 1.0 / b3[2];
    const double q0 = z0 * dz0, q1 = z1 * dz1, q2 = z2 * dz2;
    return {e0 + e1 + e2, -(e0 * q0 + e1 * q1 + e2 * q2) * iw,
            (e0 * (q0 * q0 - dz0 * dz0 + 2.0 * b4[0] * q0 * per0) +
             e1 * (q1 * q1 - dz1 * dz1 + 2.0 * b4[1] * q1 * per1) + e2 * (q2 * q2 - dz2 * dz2)) *
                (iw * iw)};
  }

  PSOAS_INLINE double velocity(std::size_t, double norm_velocity, double) const {
    return not_negative(d1 * portable::asinh(d2 * norm_velocity + d3) + d4);
  }

  PSOAS_INLINE double passive(std::size_t j, double norm_length) const {
    const double g = growth(b.passive_rate[j] * (norm_length - 1.0), b.passive_cut[j]);
    return not_negative((g - b.passive_offset[j]) * b.passive_unit[j]);
  }

  /// For a tendon length in slack lengths; 0 when slack, where the law is negative.
  PSOAS_INLINE double tendon(std::size_t j, double norm_length) const {
    return not_negative(Set::c1 * growth(b.tendon_rate[j] * (norm_length - Set::c2), Set::tendon_cut) - Set::c3);
  }

  /// The v at which active fV(v) + damping v = load. With v = (sinh w - d3) / d2 this is p w + q sinh w = r, odd and
  /// bent one way on each side. Halley's steps from a bound come within 1e-6 in three; one more is exact, and sinh
  /// follows it by its series.
  PSOAS_INLINE void velocity_of_load(const Lanes& active, const Lanes& load, Lanes& v, Lanes& sure) const {
    // Sweeps, not one long chain of dependent steps: then several vectors are under way at a time.
    Lanes p, q, r, w, sinh, cosh, step;
    for (std::size_t j = 0; j < lanes; ++j) {
      p[j] = -d1 * active[j];
      q[j] = b.damping[j] * (-1.0 / d2);
      r[j] = d4 * active[j] + (-d3 / d2) * b.damping[j] - load[j];
      const double size = std::abs(r[j]), bound = rough_log(1.0 + (-2.0 * d2) * size * b.per_damping[j]);
      w[j] = std::min(size / (p[j] + q[j]), bound);
    }
    const auto sweep = [&] {
      for (std::size_t j = 0; j < lanes; ++j) {
        sinh_cosh(w[j], sinh[j], cosh[j]);
        const double f = (p[j] * w[j] - std::abs(r[j])) + q[j] * sinh[j], slope = p[j] + q[j] * cosh[j],
                     bend = q[j] * sinh[j];
        step[j] = -2.0 * f * slope / (2.0 * slope * slope - f * bend);
        w[j] += step[j];
      }
    };
    sweep(), sweep(), sweep();
    for (std::size_t j = 0; j < lanes; ++j) {
      const double d = step[j], size = sinh[j] + d * (cosh[j] + 0.5 * d * (sinh[j] + (1.0 / 3.0) * d * cosh[j]));
      const double balanced = (std::copysign(size, r[j]) - d3) * (1.0 / d2), damping = b.damping[j];
      const double damper = load[j] * b.per_damping[j];
      // without active force the damper is alone, as below -vmax
      const bool alone = any(load[j] <= -damping, active[j] <= 0.0), found = std::abs(d) <= 1e-5 * (1.0 + w[j]);
      sure[j] = all(damping > 0.0, any(alone, found)) ? 1.0 : 0.0;
      v[j] = alone ? damper : balanced;
    }
  }
  PSOAS_INLINE Jet passive_jet(std::size_t j, double norm_length) const {
    const double rate = b.passive_rate[j], cut = b.passive_cut[j], unit = b.passive_unit[j];
    const double z = rate * (norm_length - 1.0), e = portable::exp(std::min(z, cut)), beyond = std::max(z - cut, 0.0);
    const double value = ((1.0 + beyond) * e - b.passive_offset[j]) * unit, slope = e * unit * rate,
                 curvature = beyond > 0.0 ? 0.0 : slope * rate;
    return not_negative(Jet{value, slope, curvature});
  }
  PSOAS_INLINE Jet velocity_jet(std::size_t, double norm_velocity, double) const {
    const double x = d2 * norm_velocity + d3, square = x * x + 1.0, per_root = 1.0 / std::sqrt(square);
    const double size = std::abs(x), w = std::copysign(portable::log(size + square * per_root), x);
    const double value = d1 * w + d4, slope = d1 * d2 * per_root, curvature = -d2 * x * slope * (per_root * per_root);
    return not_negative(Jet{value, slope, curvature});
  }
  /// By stretches: the stretch e at which the tendon carries the fibres' force, 0 where they do not pull, less the room
  /// that they leave it. The exponential law's inverse makes this nearly straight; it ends at force 100.
  PSOAS_INLINE Jet balance(std::size_t j, const Jet& force, double room) const {
    const double give = b.tendon_give[j], f = not_negative(force.value), per = 1.0 / (f + Set::c3),
                 rate = per * force.slope;
    const bool pulls = force.value > 0.0;
    return {give * portable::log(1.0 + 5.0 * f) - room, pulls ? 1.0 + give * rate : 1.0,
            pulls ? give * (per * force.curvature - rate * rate) : 0.0};
  }
  static constexpr double close = 1e-5, close_by_room = 1e300, greatest_tendon_force = 100.0;
};

struct ThelenLanes {
  const ThelenBlock& b;
  PSOAS_INLINE double active(std::size_t j, double norm_length) const {
    const double d = norm_length - 1.0;
    return portable::exp(-(d * d) * b.per_width[j]);
  }
  PSOAS_INLINE double velocity(std::size_t j, double v, double activation) const {
    const double A = 0.25 + 0.75 * activation, shape = b.per_shape[j], c = b.steepness[j], most = b.eccentric[j],
                 top = b.top[j];
    // lengthening follows the law up to v_top, then its tangent
    const double v_top = A * ((top - 1.0) / (c * (most - top))), bent = std::min(v, v_top);
    const bool shortens = v <= 0.0;
    const double d = shortens ? A - v * shape : A + c * bent;
    const double n = shortens ? A + v : A + c * most * bent;
    const double slope = c * (most - 1.0) * A / (d * d), f = n / d;
    return not_negative(v > v_top ? f + slope * (v - v_top) : f);
  }
  PSOAS_INLINE double passive(std::size_t j, double norm_length) const {
    const double g = growth(b.passive_rate[j] * (norm_length - 1.0), b.passive_cut[j]);
    return not_negative((g - 1.0) * b.passive_unit[j]);
  }
};

// Lanes differ in where their coefficients are: a fixed table and an index is what becomes a gather.
using Index = std::int64_t;

struct Powers {
  double c0, c1, c2, c3, c4, c5;
  PSOAS_INLINE double rise(double u) const { return u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * c5)))); }
  PSOAS_INLINE double slope(double u) const {
    return c1 + u * (2.0 * c2 + u * (3.0 * c3 + u * (4.0 * c4 + u * (5.0 * c5))));
  }
  PSOAS_INLINE double half_bend(double u) const { return c2 + u * (3.0 * c3 + u * (6.0 * c4 + u * (10.0 * c5))); }
};
PSOAS_INLINE Powers powers(const double* table, Index at) {
  return {table[at], table[at + 1], table[at + 2], table[at + 3], table[at + 4], table[at + 5]};
}

// A corner's parameter at x, inside its ends: from the start in the table by two steps of Halley's and one of Newton's.
PSOAS_INLINE double bezier_parameter(const double* table, Index corner, const Powers& c, double x) {
  constexpr double shifter = 6755399441055744.0, last = bezier_cells - 0.001;
  const double t = (x - table[corner + bezier_from]) * table[corner + bezier_scale];
  const double cell = std::min(std::max(t, 0.0), last);
  const double shifted = (cell - 0.5) + shifter, frac = t - (shifted - shifter);
  const Index start = corner + bezier_start + (std::bit_cast<Index>(shifted) & (bezier_cells - 1));
  const double u0 = table[start], target = x - c.c0;  // without c0 the sum keeps its digits near u = 0
  double u = u0 + frac * (table[start + 1] - u0);
  for (int i = 0; i < 2; ++i) {
    const double excess = c.rise(u) - target, slope = c.slope(u);
    u -= excess * slope / (slope * slope - excess * c.half_bend(u));
  }
  return u - (c.rise(u) - target) / c.slope(u);
}

template <std::size_t N>
PSOAS_INLINE Index bezier_corner(const BezierLanes<N>& c, std::size_t j, double x) {
  Index at = c.table[j];
  for (std::size_t k = 1; k < N; ++k) at += x >= c.x[k][j] ? bezier_stride : 0;
  return at;
}

// Straight beyond its ends.
template <std::size_t N>
PSOAS_INLINE double bezier(const BezierLanes<N>& c, const double* table, std::size_t j, double x) {
  const double front = c.x[0][j], back = c.x[N][j], inner = std::min(std::max(x, front), back);
  const double front_y = c.y[0][j], back_y = c.y[N][j], front_slope = c.front_slope[j], back_slope = c.back_slope[j];
  const Index corner = bezier_corner(c, j, inner);
  const Powers across = powers(table, corner + bezier_x), up = powers(table, corner + bezier_y);
  const double u = bezier_parameter(table, corner, across, inner);
  const double value = up.c0 + up.rise(u);
  const double below = front_y + front_slope * (x - front), above = back_y + back_slope * (x - back);
  const double inside = x >= back ? above : value;
  return x < front ? below : inside;
}

template <std::size_t N>
PSOAS_INLINE Jet bezier_jet(const BezierLanes<N>& c, const double* table, std::size_t j, double x) {
  const double front = c.x[0][j], back = c.x[N][j], inner = std::min(std::max(x, front), back);
  const double front_y = c.y[0][j], back_y = c.y[N][j], front_slope = c.front_slope[j], back_slope = c.back_slope[j];
  const Index corner = bezier_corner(c, j, inner);
  const Powers across = powers(table, corner + bezier_x), up = powers(table, corner + bezier_y);
  const double u = bezier_parameter(table, corner, across, inner);
  const double value = up.c0 + up.rise(u), per = 1.0 / across.slope(u), slope = up.slope(u) * per;
  const double curvature = 2.0 * (up.half_bend(u) - slope * across.half_bend(u)) * (per * per);
  const double below = front_y + front_slope * (x - front), above = back_y + back_slope * (x - back);
  const bool low = x < front, high = x >= back;
  Jet out{high ? above : value, high ? back_slope : slope, any(low, high) ? 0.0 : curvature};
  out.value = low ? below : out.value;
  out.slope = low ? front_slope : out.slope;
  return out;
}

struct MillardLanes {
  const MillardBlock& b;
  const double* table = b.table;
  static constexpr double close = 1e-6, close_by_room = 1e-4,
                          greatest_tendon_force = std::numeric_limits<double>::infinity();

  PSOAS_INLINE double active(std::size_t j, double norm_length) const {
    return bezier(b.active, table, j, norm_length);
  }
  PSOAS_INLINE double velocity(std::size_t j, double norm_velocity, double) const {
    return not_negative(bezier(b.velocity, table, j, norm_velocity));
  }
  PSOAS_INLINE double passive(std::size_t j, double norm_length) const {
    return b.passive_scale[j] *
           not_negative(bezier(b.passive, table, j, (norm_length - 1.0) * b.per_passive_strain[j]));
  }
  PSOAS_INLINE double tendon(std::size_t j, double norm_length) const {
    return not_negative(bezier(b.tendon, table, j, (norm_length - 1.0) * b.per_tendon_strain[j]));
  }
  PSOAS_INLINE Jet active_jet(std::size_t j, double norm_length) const {
    return bezier_jet(b.active, table, j, norm_length);
  }
  PSOAS_INLINE Jet velocity_jet(std::size_t j, double norm_velocity, double) const {
    return not_negative(bezier_jet(b.velocity, table, j, norm_velocity));
  }
  PSOAS_INLINE Jet passive_jet(std::size_t j, double norm_length) const {
    const double scale = b.passive_scale[j], per = b.per_passive_strain[j];
    const Jet f = not_negative(bezier_jet(b.passive, table, j, (norm_length - 1.0) * per));
    return {scale * f.value, scale * per * f.slope, scale * per * per * f.curvature};
  }

  /// On the forces: the inverse of the tendon's law is singular where it begins.
  PSOAS_INLINE Jet balance(std::size_t j, const Jet& force, double room) const {
    const double per = b.per_lTs[j] * b.per_tendon_strain[j];
    const Jet t = not_negative(bezier_jet(b.tendon, table, j, room * per));
    return {force.value - t.value, force.slope + per * t.slope, force.curvature - per * per * t.curvature};
  }

  /// Active force and damper together are one quintic over the parameter of a corner.
  PSOAS_INLINE void velocity_of_load(const Lanes& active, const Lanes& load, Lanes& v, Lanes& sure) const {
    for (std::size_t j = 0; j < lanes; ++j) v[j] = velocity_of_load(j, active[j], load[j], sure[j]);
  }
  PSOAS_INLINE double velocity_of_load(std::size_t j, double active, double load, double& sure) const {
    const double damping = b.damping[j];
    const auto& c = b.velocity;
    Index at = c.table[j];
    for (std::size_t k = 1; k < 4; ++k) at += load >= active * c.y[k][j] + damping * c.x[k][j] ? bezier_stride : 0;
    const Powers x = powers(table, at + bezier_x), y = powers(table, at + bezier_y);
    const Powers sum{active * y.c0 + damping * x.c0, active * y.c1 + damping * x.c1, active * y.c2 + damping * x.c2,
                     active * y.c3 + damping * x.c3, active * y.c4 + damping * x.c4, active * y.c5 + damping * x.c5};
    const double target = load - sum.c0;
    double u = std::min(std::max(target / sum.rise(1.0), 0.0), 1.0), change = 1.0;
    const auto step = [&] {  // Halley's; called in a row, since a loop of this size is not unrolled
      const double excess = sum.rise(u) - target, slope = sum.slope(u), before = u;
      u = std::min(std::max(u - excess * slope / (slope * slope - excess * sum.half_bend(u)), 0.0), 1.0);
      change = std::abs(u - before);
    };
    step(), step(), step(), step(), step(), step();
    const double inside = x.c0 + x.rise(u);
    const double at_end = active * c.y[4][j] + damping, beyond = load - at_end;
    const double fast = 1.0 + beyond / (active * c.back_slope[j] + damping);
    const bool alone = any(load <= -damping, active <= 0.0), faster = beyond >= 0.0;
    sure = all(damping > 0.0, any(alone, faster, change <= 1e-6)) ? 1.0 : 0.0;
    const double active_velocity = faster ? fast : inside;
    return alone ? load * b.per_damping[j] : active_velocity;
  }
};

// --- passes ----------------------------------------------------------------------------------------------------------

struct RigidLanes {
  Lanes fibre_length, fibre_velocity, cos_pennation, active, passive, damping, outside;
};

template <class Laws>
PSOAS_INLINE void rigid_block(const Laws& laws, const Arguments& in, RigidLanes& out) {
  const auto& b = laws.b;
  Lanes length, speed, activation;
  load(b, in.length, length);
  load(b, in.speed, speed);
  if (in.activation)
    load(b, in.activation, activation);
  else
    activation.fill(1.0);
  for (std::size_t j = 0; j < lanes; ++j) {
    // Along the tendon: x above the corner, constant below, a parabola between; as in rigid_tendon_fibre().
    const double x = length[j] - b.lTs[j], corner_end = b.corner_end[j], least = b.least[j];
    const double eps = corner_end - least, s = not_negative(x - least + eps), ratio = s * b.per_least[j];
    const bool corner = x < corner_end;
    const double along = corner ? least + 0.5 * s * ratio : x, slope = corner ? ratio : 1.0;
    const double l = std::sqrt(along * along + b.height2[j]), cos = along / l, v = slope * speed[j] * cos;
    const double norm_length = l * b.per_l0[j], norm_velocity = v * b.per_max_speed[j], k = b.F0[j] * cos * slope;
    out.fibre_length[j] = l;
    out.fibre_velocity[j] = v;
    out.cos_pennation[j] = cos;
    out.active[j] = k * laws.active(j, norm_length) * laws.velocity(j, norm_velocity, activation[j]);
    out.passive[j] = k * laws.passive(j, norm_length);
    out.damping[j] = k * b.damping[j] * norm_velocity;
    const bool inside = all(!corner, norm_length >= b.least_length[j], norm_length <= b.greatest_length[j]);
    out.outside[j] = inside ? 0.0 : 1.0;
  }
}

template <class Laws, class B>
PSOAS_INLINE void rigid_pass(std::span<const B> blocks, const Arguments& in, const Results& out) {
  for (const B& b : blocks) {
    RigidLanes y;
    rigid_block(Laws{b}, in, y);
    store(b, y.fibre_length, out.fibre_length);
    store(b, y.fibre_velocity, out.fibre_velocity);
    store(b, y.cos_pennation, out.cos_pennation);
    store(b, y.active, out.active);
    store(b, y.passive, out.passive);
    store(b, y.damping, out.damping);
    store(b, y.outside, out.outside_domain);
  }
}

template <class Laws, class B>
PSOAS_INLINE void rigid_equilibrium_pass(std::span<const B> blocks, const Arguments& in, const Results& out) {
  for (const B& b : blocks) {
    RigidLanes y;
    Lanes activation, force;
    rigid_block(Laws{b}, in, y);
    load(b, in.activation, activation);
    for (std::size_t j = 0; j < lanes; ++j)
      force[j] = not_negative(activation[j] * y.active[j] + y.passive[j] + y.damping[j]);  // as rigid_tendon_force()
    store(b, y.fibre_length, out.fibre_length);
    store(b, y.fibre_velocity, out.fibre_velocity);
    store(b, force, out.tendon_force);
    store(b, y.outside, out.outside_domain);
    for (std::size_t j = 0; j < b.count; ++j) out.converged[b.index[j]] = std::isfinite(force[j]);
  }
}

template <class Laws, class B>
PSOAS_INLINE void velocity_pass(std::span<const B> blocks, const Arguments& in, const Results& out) {
  for (const B& b : blocks) {
    const Laws laws{b};
    Lanes length, fibre, activation, active, load_left, velocity, y_length, y_velocity, y_cos, y_sure, y_outside;
    Lanes law, parallel, tension;
    load(b, in.length, length);
    load(b, in.fibre_length, fibre);
    load(b, in.activation, activation);
    for (std::size_t j = 0; j < lanes; ++j) {
      const double least = b.least_fibre[j], l = std::max(fibre[j], least);
      const double along = std::sqrt(not_negative(l * l - b.height2[j])), per = 1.0 / (l * along),
                   per_cos = l * l * per;
      const double norm_length = l * b.per_l0[j], norm_tendon = (length[j] - along) * b.per_lTs[j];
      const double stop = 20.0 * not_negative(least - fibre[j]) * b.per_l0[j];
      tension[j] = laws.tendon(j, norm_tendon);
      parallel[j] = laws.passive(j, norm_length);
      law[j] = laws.active(j, norm_length);
      load_left[j] = tension[j] * per_cos + stop - parallel[j];
      active[j] = activation[j] * law[j];
      y_length[j] = l;
      y_cos[j] = along * along * per;
      const bool inside = all(fibre[j] >= least, norm_tendon >= 1.0, norm_length >= b.least_length[j],
                              norm_length <= b.greatest_length[j]);
      y_outside[j] = inside ? 0.0 : 1.0;
    }
    laws.velocity_of_load(active, load_left, velocity, y_sure);
    for (std::size_t j = 0; j < lanes; ++j) {
      y_velocity[j] = velocity[j] * b.max_speed[j];
      y_sure[j] = std::abs(length[j] + y_velocity[j]) < 1e300 ? y_sure[j] : 0.0;
      y_length[j] = y_sure[j] > 0.0 ? y_length[j] : fibre[j];  // which the scalar function then finds there
    }
    store(b, y_length, out.fibre_length);
    store(b, y_velocity, out.fibre_velocity);
    store(b, y_cos, out.cos_pennation);
    store(b, y_outside, out.outside_domain);
    store(b, y_sure, out.converged);
    if (!out.active) continue;
    for (std::size_t j = 0; j < lanes; ++j) {
      const double k = b.F0[j] * y_cos[j];
      active[j] = k * law[j] * laws.velocity(j, velocity[j], activation[j]);
      parallel[j] *= k;
      load_left[j] = k * b.damping[j] * velocity[j];
      tension[j] *= b.F0[j];
    }
    store(b, active, out.active);
    store(b, parallel, out.passive);
    store(b, load_left, out.damping);
    store(b, tension, out.tendon_force);
  }
}

PSOAS_INLINE void activation_pass(const double* rise, const double* fall, const double* smooth,
                                  const double* excitation, const double* activation, double* rate, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const double gap = excitation[i] - activation[i], z = 0.5 + 1.5 * activation[i];
    const double f = 0.5 * portable::tanh(default_activation_steepness * gap);
    const double joined = ((0.5 + f) / (rise[i] * z) + (0.5 - f) * z / fall[i]) * gap;
    const double apart = gap > 0.0 ? gap / (rise[i] * z) : gap * z / fall[i];
    rate[i] = smooth[i] > 0.0 ? joined : apart;
  }
}

// The balance as equilibrium() has it: the zero over s, the fibres' reach along the tendon, of
// y = (stretch of the tendon that carries the fibres' force) - (room that the fibres leave it), by Halley's steps inside
// a bracket. Lanes in which that does not end soon, or finds more than the plain case, are left to the scalar function.
template <class Laws, class B>
PSOAS_INLINE void equilibrium_pass(std::span<const B> blocks, const Arguments& in, const Results& out) {
  constexpr int sweeps = 7;
  for (const B& b : blocks) {
    const Laws laws{b};
    Lanes length, speed, activation, guess, s, low, high, y_force, y_length, y_velocity, y_sure, y_outside;
    Lanes force0, force1, force2;  // of the fibres along the tendon over F0, with derivatives by s
    Lanes searching;               // 1 until found or given up
    load(b, in.length, length);
    load(b, in.speed, speed);
    load(b, in.activation, activation);
    if (in.fibre_length)
      load(b, in.fibre_length, guess);
    else
      guess.fill(std::numeric_limits<double>::quiet_NaN());
    for (std::size_t j = 0; j < lanes; ++j) {
      const double slack = length[j] - b.lTs[j], least = b.least[j];
      const double reach = std::sqrt(not_negative(guess[j] * guess[j] - b.height2[j]));
      low[j] = least;
      high[j] = slack;
      const double cold = std::max(slack - b.cold_stretch[j], 0.5 * (least + slack));
      s[j] = all(reach > least, reach < slack) ? reach : cold;
      searching[j] = slack > least ? 1.0 : 0.0;
      y_force[j] = y_sure[j] = 0.0;
    }
    for (int sweep = 0; sweep < sweeps; ++sweep) {
      for (std::size_t j = 0; j < lanes; ++j) {
        const double at = s[j], h2 = b.height2[j], per_l0 = b.per_l0[j];
        const double square = at * at + h2, l = std::sqrt(square), per_l = 1.0 / l, per_square = per_l * per_l;
        const double c = at * per_l, dc = h2 * per_square * per_l, ddc = -3.0 * dc * at * per_square;
        const double n1 = c * per_l0, n2 = dc * per_l0, speed_along = speed[j] * b.per_max_speed[j];
        const Jet fl = laws.active_jet(j, l * per_l0), fp = laws.passive_jet(j, l * per_l0),
                  fv = laws.velocity_jet(j, speed_along * c, activation[j]);
        const double a0 = activation[j] * fl.value, a1 = activation[j] * fl.slope * n1,
                     a2 = activation[j] * (fl.curvature * n1 * n1 + fl.slope * n2);
        const double v1 = fv.slope * speed_along * dc,
                     v2 = (fv.curvature * speed_along * dc * dc + fv.slope * ddc) * speed_along;
        const double damping = b.damping[j] * speed_along;
        const double g0 = a0 * fv.value + fp.value + damping * c,
                     g1 = a1 * fv.value + a0 * v1 + fp.slope * n1 + damping * dc,
                     g2 = a2 * fv.value + 2.0 * a1 * v1 + a0 * v2 + (fp.curvature * n1 * n1 + fp.slope * n2) +
                          damping * ddc;
        force0[j] = g0 * c;
        force1[j] = g1 * c + g0 * dc;
        force2[j] = g2 * c + 2.0 * g1 * dc + g0 * ddc;
      }
      for (std::size_t j = 0; j < lanes; ++j) {
        const double at = s[j], room = length[j] - b.lTs[j] - at, f0 = force0[j], f1 = force1[j], f2 = force2[j];

        const Jet y = laws.balance(j, {f0, f1, f2}, room);
        const double per_slope = 1.0 / y.slope, newton = -y.value * per_slope;
        const double turn = std::min(std::max(1.0 + 0.5 * newton * y.curvature * per_slope, 0.5), 3.0),
                     step = newton / turn;
        const double lower = y.value < 0.0 ? at : low[j], upper = y.value < 0.0 ? high[j] : at, next = at + step;
        const bool inside = all(next >= lower, next <= upper);

        const bool active = searching[j] > 0.0, gives_up = !all(y.slope > 0.0, f0 > 0.0);
        // a last step so short that what follows it is third order small; also beside the toe, where the tendon begins
        const bool close = all(inside, std::abs(step) <= std::min(laws.close * b.l0[j], laws.close_by_room * room));
        const double to = inside ? next : 0.5 * (lower + upper), force = f0 + step * (f1 + 0.5 * step * f2);
        low[j] = lower;
        high[j] = upper;
        s[j] = active ? to : at;
        y_force[j] = active ? force : y_force[j];
        const bool good = all(active, close, !gives_up, force < laws.greatest_tendon_force);
        y_sure[j] = good ? 1.0 : y_sure[j];
        searching[j] = all(active, !gives_up, !close) ? 1.0 : 0.0;
      }
      if (std::find(searching.begin(), searching.end(), 1.0) == searching.end()) break;
    }
    for (std::size_t j = 0; j < lanes; ++j) {
      const double l = std::sqrt(s[j] * s[j] + b.height2[j]), norm_length = l * b.per_l0[j];
      y_length[j] = y_sure[j] > 0.0 ? l : guess[j];  // which the scalar function then finds there
      y_velocity[j] = speed[j] * s[j] / l;
      y_force[j] *= b.F0[j];
      const bool within = all(norm_length >= b.least_length[j], norm_length <= b.greatest_length[j]);
      y_outside[j] = within ? 0.0 : 1.0;
    }
    store(b, y_length, out.fibre_length);
    store(b, y_velocity, out.fibre_velocity);
    store(b, y_force, out.tendon_force);
    store(b, y_outside, out.outside_domain);
    store(b, y_sure, out.converged);
  }
}

}  // namespace
}  // namespace psoas::batch
