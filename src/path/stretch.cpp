// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/path/stretch.hpp"

#include <algorithm>
#include <cmath>

#include "path/placed.hpp"
#include "psoas/core/error.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

[[noreturn]] void refuse(const char* text) { throw Error(Kind::model, "fitted stretch", text); }

/// Polar coordinates in the plane across z, and their slopes over x and y.
template <class S>
struct Polar {
  S angle, radius, angle_x, angle_y, radius_x, radius_y;
  Polar(const Vec3T<S>& place, double low, double high) {
    using std::atan2;
    using std::sqrt;
    // from the middle of the range, so that the angle jumps as far from it as can be
    const double middle = 0.5 * (low + high), c = std::cos(middle), s = std::sin(middle);
    const S &x = place[0], &y = place[1];
    const S square = x * x + y * y + 1e-24;  // on the axis no angle is right, but all are numbers
    radius = sqrt(square);
    angle = middle + atan2(S(c * y - s * x), S(c * x + s * y));
    angle_x = -y / square;
    angle_y = x / square;
    radius_x = x / radius;
    radius_y = y / radius;
  }
};

bool out(std::span<const double> range, double x) { return !(range.front() <= x && x <= range.back()); }

}  // namespace

std::size_t PlanarFunction::size() const {
  return (near_angle.size() + 2) * (near_radius.size() + 2) * FittedTerm::size({}, 2, degree);
}

template <class S>
SplineValues<S> spline_values(std::span<const double> knots, const S& at_x) {
  const std::size_t last = knots.size() - 1;
  const double raw = value_of(at_x);
  const bool outside = raw < knots[0] || raw > knots[last];
  const double end = raw < knots[0] ? knots[0] : knots[last];
  const S x = outside ? S(end) : at_x;
  // 0 for what is not a number, too
  const auto above = std::upper_bound(knots.begin(), knots.end() - 1, value_of(x));
  const std::size_t k = above == knots.begin() ? 0 : static_cast<std::size_t>(above - knots.begin()) - 1;
  const std::size_t interval = std::min(k, last - 1);
  // the three knots on either side
  std::array<double, 6> t;
  for (int i = 0; i < 6; ++i) {
    const int knot = static_cast<int>(interval) + i - 2;
    if (knot < 0)
      t[at(i)] = knots[0] + knot * (knots[1] - knots[0]);
    else if (knot > static_cast<int>(last))
      t[at(i)] = knots[last] + (knot - static_cast<int>(last)) * (knots[last] - knots[last - 1]);
    else
      t[at(i)] = knots[at(knot)];
  }
  // de Boor 1972: from constants up; the next lower order gives slopes, the one below that bends
  std::array<S, 4> now{S(1.0), S(0.0), S(0.0), S(0.0)};
  std::array<double, 4> linear{};
  std::array<S, 4> square{};
  for (std::size_t order = 1; order <= 3; ++order) {
    if (order == 2)
      for (std::size_t i = 0; i < 4; ++i) linear[i] = value_of(now[i]);
    if (order == 3) square = now;
    S carried(0.0);
    for (std::size_t i = 0; i < order; ++i) {
      const double right = t[3 + i], left = t[3 + i - order];
      const S part = now[i] / (right - left);
      now[i] = carried + (right - x) * part;
      carried = (x - left) * part;
    }
    now[order] = carried;
  }
  SplineValues<S> out;
  out.first = static_cast<int>(interval);
  out.value = now;
  const auto sloped = [&](const auto& lower, std::size_t order, std::size_t i) {
    // of function i of an order from the two of the order below: k (N_i / (t_i+k - t_i) - N_i+1 / ...)
    using L = std::decay_t<decltype(lower[0])>;
    const double times_order = static_cast<double>(order);
    L slope(0.0);
    if (i > 0) slope += L(times_order * lower[i - 1] / (t[2 + i] - t[2 + i - order]));
    if (i < order) slope -= L(times_order * lower[i] / (t[3 + i] - t[3 + i - order]));
    return slope;
  };
  for (std::size_t i = 0; i < 4; ++i) out.slope[i] = sloped(square, 3, i);
  if (outside) {
    std::array<double, 4> lower{};
    for (std::size_t i = 0; i < 3; ++i) lower[i] = sloped(linear, 2, i);
    const S d = at_x - end;
    for (std::size_t i = 0; i < 4; ++i) {
      const double bend = sloped(lower, 3, i);
      out.value[i] += (out.slope[i] + 0.5 * bend * d) * d;
      out.slope[i] += bend * d;
    }
  }
  return out;
}

struct Stretches::Plan {
  struct Head {   // a near end under a function
    int stretch;  // the first one that has it
    std::size_t first;
  };
  struct Function : PlanarFunction {
    std::vector<Powers> powers;
  };
  std::vector<Stretch> stretches;
  std::vector<Function> functions;
  std::vector<Head> heads;
  std::vector<int> head;  // per stretch; -1: straight
  std::size_t rows = 0;

  template <class S>
  void near(const Function& f, const Polar<S>& end, S* to) const;
  template <class S>
  void far(const Function& f, const Polar<S>& end, const S* given, std::array<S, 5>& out) const;
};

Stretches::Stretches(std::vector<Stretch> stretches, std::vector<PlanarFunction> functions) {
  const auto plan = std::make_shared<Plan>();
  for (PlanarFunction& item : functions) {
    for (const std::vector<double>& knots : {item.near_angle, item.near_radius}) {
      if (knots.size() < 2 || knots.size() > PlanarFunction::most_knots) refuse("expected 2 to 257 knots");
      for (std::size_t k = 1; k < knots.size(); ++k)
        if (!(knots[k - 1] < knots[k])) refuse("expected knots that ascend");
    }
    if (item.degree < 0 || item.degree > PlanarFunction::most_degree) refuse("expected a degree from 0 to 12");
    if (!(item.far_angle[0] < item.far_angle[1] && item.far_radius[0] < item.far_radius[1]))
      refuse("expected ranges of some length");
    if (item.coefficients.size() != item.size()) refuse("expected as many coefficients as there are functions");
    std::vector<Powers> powers = powers_of(2, item.degree);
    plan->functions.push_back({std::move(item), std::move(powers)});
  }
  const auto same_frame = [](const Stretch& a, const Stretch& b) {
    return a.function == b.function && a.body == b.body && a.X_BS.R == b.X_BS.R && a.X_BS.p == b.X_BS.p &&
           a.near.body == b.near.body && a.near.location == b.near.location;
  };
  for (int i = 0; i < static_cast<int>(stretches.size()); ++i) {
    const Stretch& stretch = stretches[at(i)];
    if (stretch.function >= static_cast<int>(plan->functions.size())) refuse("expected a function that there is");
    plan->head.push_back(-1);
    if (stretch.function < 0) continue;
    std::size_t h = 0;
    while (h < plan->heads.size() && !same_frame(stretches[at(plan->heads[h].stretch)], stretch)) ++h;
    if (h == plan->heads.size()) {
      plan->heads.push_back({i, plan->rows});
      plan->rows += 3 * plan->functions[at(stretch.function)].powers.size();
    }
    plan->head.back() = static_cast<int>(h);
  }
  plan->stretches = std::move(stretches);
  plan_ = plan;
}

int Stretches::size() const { return plan_ ? static_cast<int>(plan_->stretches.size()) : 0; }

template <class S>
StretchWork<S>::StretchWork(const Stretches& stretches) {
  if (!stretches.plan_) return;
  const Stretches::Plan& plan = *stretches.plan_;
  length.assign(plan.stretches.size(), S(0.0));
  near.assign(length.size(), SpatialT<S>::Zero());
  far = near;
  outside.assign(length.size(), 0);
  rows.assign(plan.rows, S(0.0));
  heads.resize(plan.heads.size());
}

/// Coefficients of the polynomials at the near end's place, and their slopes over its x and y.
template <class S>
void Stretches::Plan::near(const Function& f, const Polar<S>& end, S* __restrict to) const {
  const std::size_t n = f.powers.size(), line = (f.near_radius.size() + 2) * n;
  const SplineValues<S> a = spline_values<S>(f.near_angle, end.angle), r = spline_values<S>(f.near_radius, end.radius);
  std::fill(to, to + 3 * n, S(0.0));
  const double* c = f.coefficients.data() + at(a.first) * line + at(r.first) * n;
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      const S value = a.value[i] * r.value[j], over_a = a.slope[i] * r.value[j], over_r = a.value[i] * r.slope[j];
      const S over_x = over_a * end.angle_x + over_r * end.radius_x,
              over_y = over_a * end.angle_y + over_r * end.radius_y;
      const double* part = c + i * line + j * n;
      for (std::size_t b = 0; b < n; ++b) {
        to[b] += value * part[b];
        to[n + b] += over_x * part[b];
        to[2 * n + b] += over_y * part[b];
      }
    }
}

/// Length across, and its slopes over x and y of the near and the far end.
template <class S>
void Stretches::Plan::far(const Function& f, const Polar<S>& end, const S* given, std::array<S, 5>& out) const {
  const std::size_t n = f.powers.size(), size = at(f.degree + 1);
  std::array<S, PlanarFunction::most_degree + 1> a, r, da, dr;
  chebyshev_values<S>(f.far_angle[0], f.far_angle[1], end.angle, {a.data(), size}, {da.data(), size});
  chebyshev_values<S>(f.far_radius[0], f.far_radius[1], end.radius, {r.data(), size}, {dr.data(), size});
  S value(0.0), near_x(0.0), near_y(0.0), over_a(0.0), over_r(0.0);
  for (std::size_t b = 0; b < n; ++b) {
    const std::size_t i = at(f.powers[b][0]), j = at(f.powers[b][1]);
    const S product = a[i] * r[j];
    value += product * given[b];
    near_x += product * given[n + b];
    near_y += product * given[2 * n + b];
    over_a += da[i] * r[j] * given[b];
    over_r += a[i] * dr[j] * given[b];
  }
  out = {value, near_x, near_y, over_a * end.angle_x + over_r * end.radius_x,
         over_a * end.angle_y + over_r * end.radius_y};
}

template <class S>
void Stretches::evaluate(std::span<const PoseT<S>> X_GB, StretchWork<S>& work) const {
  using std::sqrt;
  if (!plan_) return;
  const Plan& plan = *plan_;
  for (std::size_t h = 0; h < plan.heads.size(); ++h) {
    const Stretch& stretch = plan.stretches[at(plan.heads[h].stretch)];
    const Plan::Function& f = plan.functions[at(stretch.function)];
    typename StretchWork<S>::Head& head = work.heads[h];
    const Placed<S> X_GS = placed<S>(X_GB[at(stretch.body)], stretch.X_BS);
    head.X_GS = {X_GS.R, X_GS.p};
    head.place = transformed<S>(X_GB[at(stretch.near.body)], stretch.near.location);
    head.place_S = X_GS.in(head.place);
    const Polar<S> end(head.place_S, f.near_angle.front(), f.near_angle.back());
    head.beyond = out(f.near_angle, value_of(end.angle)) || out(f.near_radius, value_of(end.radius));
    plan.near<S>(f, end, work.rows.data() + plan.heads[h].first);
  }
  for (std::size_t i = 0; i < plan.stretches.size(); ++i) {
    const Stretch& stretch = plan.stretches[i];
    const Vec3T<S> q = transformed<S>(X_GB[at(stretch.far.body)], stretch.far.location);
    const auto pull_on = [](SpatialT<S>& w, const Vec3T<S>& place, const Vec3T<S>& force) {
      w.setZero();
      add_wrench<S>(w, place, force);
    };
    if (stretch.function < 0) {
      const Vec3T<S> p = transformed<S>(X_GB[at(stretch.near.body)], stretch.near.location);
      const Vec3T<S> d = q - p;
      const S length = sqrt(S(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 1e-24));
      work.length[i] = length;
      pull_on(work.near[i], p, d * S(1.0 / length));
      work.far[i] = -work.near[i];
      continue;
    }
    const std::size_t h = at(plan.head[i]);
    const typename StretchWork<S>::Head& head = work.heads[h];
    const Plan::Function& f = plan.functions[at(stretch.function)];
    const Vec3T<S> q_S = in_frame<S>(head.X_GS, q);
    const Polar<S> end(q_S, f.far_angle[0], f.far_angle[1]);
    work.outside[i] =
        head.beyond ||
        (f.degree > 0 && (out(f.far_angle, value_of(end.angle)) || out(f.far_radius, value_of(end.radius))));
    std::array<S, 5> across;
    plan.far<S>(f, end, work.rows.data() + plan.heads[h].first, across);
    const S along = q_S[2] - head.place_S[2], length = sqrt(S(across[0] * across[0] + along * along));
    const S share = across[0] / length, rise = along / length;
    work.length[i] = length;
    pull_on(work.near[i], head.place, times<S>(head.X_GS.R, Vec3T<S>(-share * across[1], -share * across[2], rise)));
    pull_on(work.far[i], q, times<S>(head.X_GS.R, Vec3T<S>(-share * across[3], -share * across[4], -rise)));
  }
}

template SplineValues<double> spline_values(std::span<const double>, const double&);
template SplineValues<Dual<4>> spline_values(std::span<const double>, const Dual<4>&);
template struct StretchWork<double>;
template struct StretchWork<Dual<4>>;
template void Stretches::evaluate(std::span<const Pose>, StretchWork<double>&) const;
template void Stretches::evaluate(std::span<const PoseT<Dual<4>>>, StretchWork<Dual<4>>&) const;

}  // namespace psoas
