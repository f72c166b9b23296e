// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/batch.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>

#include "muscle/batch_passes.hpp"
#include "psoas/core/portable.hpp"
#include "psoas/core/roots.hpp"

namespace psoas {
namespace {

using namespace batch;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Blocks of one curve set, first those of compliant tendons, then those of rigid ones.
template <class B>
struct Group {
  std::vector<B> blocks;
  std::size_t compliant_blocks = 0;
  std::span<const B> all() const { return blocks; }
  std::span<const B> compliant_part() const { return all().first(compliant_blocks); }
  std::span<const B> rigid_part() const { return all().subspan(compliant_blocks); }
};

// --- parameters of one lane ------------------------------------------------------------------------------------------

void set_unit(Block& b, std::size_t j, const MuscleParameters& unit) {
  const double least = unit.least_along(), h = unit.height();
  b.F0[j] = unit.max_isometric_force;
  b.l0[j] = unit.optimal_fibre_length;
  b.per_l0[j] = 1.0 / unit.optimal_fibre_length;
  b.lTs[j] = unit.tendon_slack_length;
  b.per_lTs[j] = 1.0 / unit.tendon_slack_length;
  b.height2[j] = h * h;
  b.damping[j] = unit.effective_damping();
  b.per_damping[j] = 1.0 / unit.effective_damping();
  b.max_speed[j] = unit.max_speed();
  b.per_max_speed[j] = 1.0 / unit.max_speed();
  b.least[j] = least;
  b.corner_end[j] = least + 0.5 * least;
  b.per_least[j] = 1.0 / least;
  b.least_fibre[j] = std::hypot(least, h);
  std::visit(
      [&](const auto& curve) {
        b.least_length[j] = curve.least_length();
        b.greatest_length[j] = curve.greatest_length();
      },
      unit.curve);
}

void set(DeGrooteBlock& b, std::size_t j, const MuscleParameters& unit) {
  const auto& curve = std::get<DeGrooteFregly>(unit.curve);
  const double rate = unit.passive_shape / unit.passive_strain;
  const double offset = portable::exp(rate * (DeGrooteFregly::least_length() - 1.0));
  b.per_width[j] = 1.0 / curve.active_width;
  b.passive_rate[j] = rate;
  b.passive_cut[j] = unit.passive_shape + greatest_growth;
  b.passive_offset[j] = offset;
  b.passive_unit[j] = unit.passive_scale / (portable::exp(unit.passive_shape) - offset);
  b.tendon_rate[j] = DeGrooteFregly::tendon_growth / unit.tendon_strain;
  b.tendon_give[j] = unit.tendon_slack_length / b.tendon_rate[j];
  b.cold_stretch[j] = 0.5 * b.tendon_give[j];
}

void set(ThelenBlock& b, std::size_t j, const MuscleParameters& unit) {
  const auto& curve = std::get<Thelen>(unit.curve);
  b.per_width[j] = 1.0 / curve.active_shape;
  b.per_shape[j] = 1.0 / curve.velocity_shape;
  b.eccentric[j] = curve.eccentric_force;
  b.steepness[j] = (2.0 + 2.0 / curve.velocity_shape) / (curve.eccentric_force - 1.0);
  b.top[j] = curve.eccentric_linear * curve.eccentric_force;
  b.passive_rate[j] = unit.passive_shape / unit.passive_strain;
  b.passive_cut[j] = unit.passive_shape + greatest_growth;
  b.passive_unit[j] = unit.passive_scale / (portable::exp(unit.passive_shape) - 1.0);
}

/// Coefficients of Béziers, each function once.
struct BezierTable {
  struct Entry {
    std::size_t corners, at;
    bool exact;  // the fixed number of steps of bezier_parameter() is enough everywhere
  };
  std::vector<double> rows;
  std::vector<Entry> entries;

  template <std::size_t N>
  Entry add(const BezierFunction<N>& f) {
    constexpr auto stride = static_cast<std::size_t>(bezier_stride);
    std::array<double, N * stride> corners{};
    for (std::size_t i = 0; i < N; ++i) {
      double* row = corners.data() + i * stride;
      std::copy(f.x_of_corner(i).begin(), f.x_of_corner(i).end(), row + bezier_x);
      std::copy(f.y_of_corner(i).begin(), f.y_of_corner(i).end(), row + bezier_y);
      row[bezier_from] = f.points()[i].x;
      row[bezier_scale] = static_cast<double>(bezier_cells) / (f.points()[i + 1].x - f.points()[i].x);
    }
    const auto same = [&](const Entry& e) {
      for (std::size_t i = 0; i < e.corners && e.corners == N; ++i)
        if (!std::equal(&corners[i * stride], &corners[i * stride + bezier_start], &rows[e.at + i * stride]))
          return false;
      return e.corners == N;
    };
    const auto known = std::find_if(entries.begin(), entries.end(), same);
    if (known != entries.end()) return *known;

    bool exact = true;
    for (std::size_t i = 0; i < N; ++i) {
      double* row = corners.data() + i * stride;
      const Powers c = powers(row, bezier_x);
      const double from = row[bezier_from], span = f.points()[i + 1].x - from;
      const auto target = [&](std::int64_t k, std::int64_t n) {
        return span * static_cast<double>(k) / static_cast<double>(n);
      };
      for (std::int64_t k = 0; k <= bezier_cells; ++k) {
        const auto excess = [&](double u) { return std::pair(c.rise(u) - target(k, bezier_cells), c.slope(u)); };
        row[bezier_start + k] = newton_root(excess, 0.0, 1.0, {.x = 1e-9}).x;
      }
      row[bezier_start] = 0.0, row[bezier_start + bezier_cells] = 1.0;
      constexpr std::int64_t samples = 5 * bezier_cells;
      for (std::int64_t k = 0; k <= samples; ++k) {
        const double u = bezier_parameter(row, 0, c, from + target(k, samples));
        const double rounding = 1e-15 * (std::abs(from) + span);
        exact = exact && std::abs(c.rise(u) - target(k, samples)) <= rounding + 1e-15 * c.slope(u);
      }
    }
    entries.push_back({N, rows.size(), exact});
    rows.insert(rows.end(), corners.begin(), corners.end());
    return entries.back();
  }
  bool suits(const MillardLaws& laws) {
    const bool active = add(laws.active_function()).exact, velocity = add(laws.velocity_function()).exact;
    return add(laws.passive_function()).exact && add(laws.tendon_function()).exact && active && velocity;
  }
};

template <std::size_t N>
void set(BezierLanes<N>& c, std::size_t j, const BezierFunction<N>& f, BezierTable& table) {
  c.table[j] = static_cast<std::int64_t>(table.add(f).at);
  for (std::size_t k = 0; k <= N; ++k) c.x[k][j] = f.points()[k].x, c.y[k][j] = f.points()[k].y;
  c.front_slope[j] = f.front().slope;
  c.back_slope[j] = f.back().slope;
}

void set(MillardBlock& b, std::size_t j, const MuscleParameters& unit, BezierTable& table) {
  const auto& laws = std::get<MillardLaws>(unit.curve);
  set(b.active, j, laws.active_function(), table);
  set(b.velocity, j, laws.velocity_function(), table);
  set(b.passive, j, laws.passive_function(), table);
  set(b.tendon, j, laws.tendon_function(), table);
  b.passive_scale[j] = unit.passive_scale;
  b.per_passive_strain[j] = 1.0 / unit.passive_strain;
  b.per_tendon_strain[j] = 1.0 / unit.tendon_strain;
  b.cold_stretch[j] = 0.5 * unit.tendon_strain * unit.tendon_slack_length;
}

template <class B>
void append(Group<B>& group, std::span<const MuscleParameters> muscles, std::span<const std::uint32_t> members,
            auto&&... table) {
  for (std::size_t first = 0; first < members.size(); first += lanes) {
    B b;
    b.count = static_cast<std::uint32_t>(std::min(lanes, members.size() - first));
    b.contiguous = b.count == lanes;
    for (std::size_t j = 0; j < lanes; ++j) {
      b.index[j] = members[std::min(first + j, members.size() - 1)];
      b.contiguous = b.contiguous && b.index[j] == b.index[0] + j;
      set_unit(b, j, muscles[b.index[j]]);
      set(b, j, muscles[b.index[j]], table...);
    }
    group.blocks.push_back(b);
  }
}

template <class B>
void make(Group<B>& group, std::span<const MuscleParameters> muscles, auto&& belongs, auto&&... table) {
  std::vector<std::uint32_t> compliant, rigid;
  for (std::size_t i = 0; i < muscles.size(); ++i)
    if (belongs(i)) (muscles[i].has_rigid_tendon() ? rigid : compliant).push_back(static_cast<std::uint32_t>(i));
  append<B>(group, muscles, compliant, table...);
  group.compliant_blocks = group.blocks.size();
  append<B>(group, muscles, rigid, table...);
}

}  // namespace

BatchFibres::BatchFibres(std::size_t n)
    : fibre_length(n), fibre_velocity(n), cos_pennation(n), outside_domain(n), converged(n) {}
BatchForces::BatchForces(std::size_t n) : active(n), passive(n), damping(n) {}
BatchEquilibria::BatchEquilibria(std::size_t n)
    : fibre_length(n), fibre_velocity(n), tendon_force(n), outside_domain(n), converged(n) {}

struct MuscleBatch::Groups {
  std::vector<MuscleParameters> muscles;
  Group<DeGrooteBlock> de_groote;
  Group<ThelenBlock> thelen;
  Group<MillardBlock> millard;
  BezierTable table;                 // of Béziers
  std::vector<std::uint32_t> alone;  // muscles whose set has no pass, or whose curves it does not suit
  ActivationTimes times;
  std::vector<int> rigid_tendons;

  explicit Groups(std::span<const MuscleParameters> all) : muscles(all.begin(), all.end()) {
    for (const MuscleParameters& unit : all) {
      if (unit.has_rigid_tendon()) rigid_tendons.push_back(static_cast<int>(&unit - all.data()));
      times.rise.push_back(unit.activation_time);
      times.fall.push_back(unit.deactivation_time);
      times.smooth.push_back(unit.activation_dynamics == ActivationDynamics::de_groote_fregly ? 1.0 : 0.0);
    }
    make(de_groote, all, [&](std::size_t i) { return std::holds_alternative<DeGrooteFregly>(all[i].curve); });
    make(thelen, all, [&](std::size_t i) { return std::holds_alternative<Thelen>(all[i].curve); });
    std::vector<bool> suited(all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      if (const auto* laws = std::get_if<MillardLaws>(&all[i].curve)) {
        suited[i] = table.suits(*laws);
        if (!suited[i]) alone.push_back(static_cast<std::uint32_t>(i));
      }
    make(
        millard, all, [&](std::size_t i) { return suited[i]; }, table);
    for (MillardBlock& b : millard.blocks) b.table = table.rows.data();
  }

  // One muscle at a time.
  void rigid_alone(std::size_t i, const Arguments& in, BatchFibres& fibre, BatchForces& force) const {
    const FibreState state = rigid_tendon_fibre(muscles[i], in.length[i], in.speed[i]);
    const MuscleForces forces = fibre_forces(muscles[i], state, in.activation ? in.activation[i] : 1.0);
    fibre.fibre_length[i] = state.fibre_length;
    fibre.fibre_velocity[i] = state.fibre_velocity;
    fibre.cos_pennation[i] = state.cos_pennation;
    fibre.outside_domain[i] = state.outside_domain;
    force.active[i] = forces.active;
    force.passive[i] = forces.passive;
    force.damping[i] = forces.damping;
  }
  void velocity_alone(std::size_t i, const Arguments& in, BatchFibres& fibre, BatchForces* force,
                      std::span<double> tendon) const {
    const FibreState state = compliant_fibre(muscles[i], in.length[i], in.fibre_length[i], in.activation[i]);
    fibre.fibre_length[i] = state.fibre_length;
    fibre.fibre_velocity[i] = state.fibre_velocity;
    fibre.cos_pennation[i] = state.cos_pennation;
    fibre.outside_domain[i] = state.outside_domain;
    fibre.converged[i] = state.converged;
    if (!force) return;
    const MuscleForces forces = fibre_forces(muscles[i], state, in.activation[i]);
    force->active[i] = forces.active;
    force->passive[i] = forces.passive;
    force->damping[i] = forces.damping;
    tendon[i] = muscles[i].has_rigid_tendon() ? 0.0 : tendon_force(muscles[i], in.length[i], state.fibre_length);
  }
  void equilibrium_alone(std::size_t i, const Arguments& in, BatchEquilibria& found) const {
    const Equilibrium state = psoas::equilibrium(muscles[i], in.length[i], in.speed[i], in.activation[i],
                                                 in.fibre_length ? in.fibre_length[i] : nan);
    found.fibre_length[i] = state.fibre_length;
    found.fibre_velocity[i] = state.fibre_velocity;
    found.tendon_force[i] = state.tendon_force;
    found.outside_domain[i] = state.outside_domain;
    found.converged[i] = state.converged;
  }
};

MuscleBatch::MuscleBatch(std::span<const MuscleParameters> muscles)
    : groups_(std::make_shared<const Groups>(muscles)) {}

std::size_t MuscleBatch::size() const { return groups_->muscles.size(); }
std::span<const int> MuscleBatch::rigid_tendons() const { return groups_->rigid_tendons; }

void MuscleBatch::rigid(std::span<const double> length, std::span<const double> speed, BatchFibres& fibre,
                        BatchForces& force, std::span<const double> activation) const {
  const Groups& g = *groups_;
  assert(length.size() == size() && speed.size() == size() && fibre.fibre_length.size() == size());
  assert(force.active.size() == size() && (activation.empty() || activation.size() == size()));
  const Arguments in{
      .length = length.data(), .speed = speed.data(), .activation = activation.empty() ? nullptr : activation.data()};
  const Results out{.fibre_length = fibre.fibre_length.data(),
                    .fibre_velocity = fibre.fibre_velocity.data(),
                    .cos_pennation = fibre.cos_pennation.data(),
                    .active = force.active.data(),
                    .passive = force.passive.data(),
                    .damping = force.damping.data(),
                    .outside_domain = fibre.outside_domain.data()};
  batch::rigid(g.de_groote.all(), in, out);
  batch::rigid(g.thelen.all(), in, out);
  batch::rigid(g.millard.all(), in, out);
  for (const std::uint32_t i : g.alone) g.rigid_alone(i, in, fibre, force);
  std::fill(fibre.converged.begin(), fibre.converged.end(), static_cast<unsigned char>(1));
}

void MuscleBatch::fibre_velocity(std::span<const double> length, std::span<const double> fibre_length,
                                 std::span<const double> activation, BatchFibres& fibre) const {
  fibre_velocity(length, fibre_length, activation, fibre, nullptr, {});
}

void MuscleBatch::fibre_velocity(std::span<const double> length, std::span<const double> fibre_length,
                                 std::span<const double> activation, BatchFibres& fibre, BatchForces& force,
                                 std::span<double> tendon_force) const {
  fibre_velocity(length, fibre_length, activation, fibre, &force, tendon_force);
}

void MuscleBatch::activation_rate(std::span<const double> excitation, std::span<const double> activation,
                                  std::span<double> rate) const {
  assert(excitation.size() == size() && activation.size() == size() && rate.size() == size());
  batch::activation_rate(groups_->times, excitation, activation, rate);
}

void MuscleBatch::fibre_velocity(std::span<const double> length, std::span<const double> fibre_length,
                                 std::span<const double> activation, BatchFibres& fibre, BatchForces* force,
                                 std::span<double> tendon_force) const {
  const Groups& g = *groups_;
  assert(length.size() == size() && fibre_length.size() == size() && activation.size() == size());
  assert(fibre.fibre_length.size() == size());
  const Arguments in{.length = length.data(), .fibre_length = fibre_length.data(), .activation = activation.data()};
  assert(!force || (force->active.size() == size() && tendon_force.size() == size()));
  const Results out{.fibre_length = fibre.fibre_length.data(),
                    .fibre_velocity = fibre.fibre_velocity.data(),
                    .cos_pennation = fibre.cos_pennation.data(),
                    .active = force ? force->active.data() : nullptr,
                    .passive = force ? force->passive.data() : nullptr,
                    .damping = force ? force->damping.data() : nullptr,
                    .tendon_force = force ? tendon_force.data() : nullptr,
                    .outside_domain = fibre.outside_domain.data(),
                    .converged = fibre.converged.data()};
  std::fill(fibre.converged.begin(), fibre.converged.end(), static_cast<unsigned char>(0));
  batch::fibre_velocity(g.de_groote.all(), in, out);
  batch::fibre_velocity(g.millard.all(), in, out);
  for (std::size_t i = 0; i < g.muscles.size(); ++i)
    if (!fibre.converged[i]) g.velocity_alone(i, in, fibre, force, tendon_force);
}

void MuscleBatch::equilibrium(std::span<const double> length, std::span<const double> speed,
                              std::span<const double> activation, BatchEquilibria& found,
                              std::span<const double> guess) const {
  const Groups& g = *groups_;
  assert(length.size() == size() && speed.size() == size() && activation.size() == size());
  assert(found.fibre_length.size() == size() && (guess.empty() || guess.size() == size()));
  const Arguments in{.length = length.data(),
                     .speed = speed.data(),
                     .fibre_length = guess.empty() ? nullptr : guess.data(),
                     .activation = activation.data()};
  const Results out{.fibre_length = found.fibre_length.data(),
                    .fibre_velocity = found.fibre_velocity.data(),
                    .tendon_force = found.tendon_force.data(),
                    .outside_domain = found.outside_domain.data(),
                    .converged = found.converged.data()};
  std::fill(found.converged.begin(), found.converged.end(), static_cast<unsigned char>(0));
  batch::equilibrium(g.de_groote.compliant_part(), in, out);
  batch::equilibrium(g.millard.compliant_part(), in, out);
  batch::rigid_equilibrium(g.de_groote.rigid_part(), in, out);
  batch::rigid_equilibrium(g.millard.rigid_part(), in, out);
  batch::rigid_equilibrium(g.thelen.rigid_part(), in, out);
  for (std::size_t i = 0; i < g.muscles.size(); ++i)
    if (!found.converged[i]) g.equilibrium_alone(i, in, found);
}

}  // namespace psoas
