// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/path/fitted.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "psoas/core/error.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

[[noreturn]] void refuse(const char* text) { throw Error(Kind::model, "fitted path", text); }

}  // namespace

namespace {

/// Appends what is left of a total degree to be shared among coordinates from `k` on, the first one's share falling.
void share(std::size_t k, std::size_t coordinates, int left, Powers& powers, std::vector<Powers>& out) {
  if (k + 1 >= coordinates) {
    if (coordinates > 0) powers[k] = left;
    out.push_back(powers);
    return;
  }
  for (powers[k] = left; powers[k] >= 0; --powers[k]) share(k + 1, coordinates, left - powers[k], powers, out);
  powers[k] = 0;
}

}  // namespace

std::vector<Powers> powers_of(std::size_t coordinates, int degree) {
  std::vector<Powers> out;
  Powers powers{};
  for (int total = 0; total <= (coordinates == 0 ? 0 : degree); ++total) share(0, coordinates, total, powers, out);
  return out;
}

std::size_t FittedTerm::size(std::span<const int> intervals, std::size_t polynomials, int degree) {
  std::size_t size = 1;
  for (std::size_t k = 1; k <= polynomials; ++k) size = size * at(degree + static_cast<int>(k)) / k;
  for (const int n : intervals) size *= at(n + 3);
  return size;
}

template <class S>
SplineValues<S> spline_values(double low, double high, int intervals, const S& x) {
  const double step = (high - low) / intervals, raw = value_of(x);
  const double end = raw < low ? low : high;
  const bool outside = raw < low || raw > high;
  const S u = outside ? S(end == low ? 0.0 : intervals) : S((x - low) / step);
  SplineValues<S> out;
  const double place = value_of(u);
  out.first = place > 0.0 ? std::min(static_cast<int>(place), intervals - 1) : 0;  // 0 for what is not a number, too
  const S s = u - static_cast<double>(out.first), r = 1.0 - s;
  out.value = {r * r * r / 6.0, ((0.5 * s - 1.0) * s * s) + 2.0 / 3.0, ((0.5 * r - 1.0) * r * r) + 2.0 / 3.0,
               s * s * s / 6.0};
  out.slope = {r * r * (-0.5 / step), (1.5 * s - 2.0) * s / step, (2.0 - 1.5 * r) * r / step, s * s * (0.5 / step)};
  if (outside) {
    const double e = value_of(s), square = step * step;
    const std::array<double, 4> bend{(1.0 - e) / square, (3.0 * e - 2.0) / square, (1.0 - 3.0 * e) / square,
                                     e / square};
    const S d = x - end;
    for (std::size_t k = 0; k < 4; ++k) {
      out.value[k] += (out.slope[k] + 0.5 * bend[k] * d) * d;
      out.slope[k] += bend[k] * d;
    }
  }
  return out;
}

template <class S>
void chebyshev_values(double low, double high, const S& x, std::span<S> value, std::span<S> slope) {
  const double scale = 2.0 / (high - low), raw = value_of(x);
  const bool outside = raw < low || raw > high;
  const S t = outside ? S(raw < low ? -1.0 : 1.0) : S((x - low) * scale - 1.0);
  const std::size_t size = value.size();
  value[0] = S(1.0);
  slope[0] = S(0.0);
  if (size > 1) value[1] = t, slope[1] = S(1.0);
  for (std::size_t k = 2; k < size; ++k) {
    value[k] = 2.0 * t * value[k - 1] - value[k - 2];
    slope[k] = 2.0 * value[k - 1] + 2.0 * t * slope[k - 1] - slope[k - 2];
  }
  if (outside) {
    const S d = (x - (raw < low ? low : high)) * scale;
    double before = 0.0, bend = 0.0;  // second derivatives of degree k - 1 and k, at the end
    const double e = value_of(t);
    for (std::size_t k = 1; k < size; ++k) {
      if (k > 1) {
        const double k1 = static_cast<double>(k - 1);
        // slope of degree k - 1 at the end: (k - 1)^2 e^(k - 2)
        const double next = 4.0 * k1 * k1 * (k % 2 == 0 ? 1.0 : e) + 2.0 * e * bend - before;
        before = bend;
        bend = next;
      }
      value[k] += (slope[k] + 0.5 * bend * d) * d;
      slope[k] += bend * d;
    }
  }
  for (std::size_t k = 0; k < size; ++k) slope[k] *= scale;
}

/// What is evaluated once a posture, and the terms in blocks of one layout.
struct FittedPaths::Plan {
  static constexpr std::size_t most_lanes = 4;
  struct Axis {  // the functions of one coordinate
    int coordinate;
    double low, high;
    int intervals;  // 0: polynomials
    int functions;  // 4, or degree + 1
    std::size_t first;
  };
  struct Product {  // of the polynomials of some axes
    std::vector<int> axes;
    std::vector<Powers> powers;
    int degree = 0;
    std::size_t first = 0;                       // of values; slopes along each axis follow, those that are not zero
    std::vector<std::vector<std::size_t>> with;  // per axis: products whose degree in it is not 0
    std::size_t size() const {
      std::size_t size = powers.size();
      for (const auto& item : with) size += item.size();
      return size;
    }
  };
  struct Block {  // terms of one layout side by side
    std::size_t lanes = 1;
    std::vector<int> splines;  // axes
    int product = -1;
    int degree = 0;
    std::size_t powers = 1;                          // products of polynomials in use
    std::size_t coefficients = 0;                    // first of its
    std::array<std::size_t, 3> stride{};             // of coefficients, along each spline
    std::array<int, most_lanes> path{};              // per lane
    std::vector<std::array<int, most_lanes>> slope;  // per coordinate, splines first: places in FittedWork::slope
  };

  template <class S, int N>
  void sum(const Block& block, FittedWork<S>& work) const;

  std::vector<Axis> axes;
  std::vector<Product> products;
  std::vector<Block> blocks;
  std::vector<double> coefficients;
  std::vector<std::vector<int>> paths_over;  // per axis: paths that depend on its coordinate
  std::size_t functions = 0, products_size = 0, sums_size = 0;

  int axis(int coordinate, const std::array<double, 2>& range, int intervals, int degree) {
    for (std::size_t a = 0; a < axes.size(); ++a)
      if (axes[a].coordinate == coordinate && axes[a].intervals == intervals) {
        if (intervals == 0) axes[a].functions = std::max(axes[a].functions, degree + 1);
        return static_cast<int>(a);
      }
    axes.push_back({coordinate, range[0], range[1], intervals, intervals > 0 ? 4 : degree + 1, 0});
    return static_cast<int>(axes.size() - 1);
  }
  int product(const std::vector<int>& of, int degree) {
    std::size_t p = 0;
    while (p < products.size() && products[p].axes != of) ++p;
    if (p == products.size()) products.push_back({of, {}, 0, 0, {}});
    products[p].degree = std::max(products[p].degree, degree);
    return static_cast<int>(p);
  }
};

FittedPaths::FittedPaths(const std::vector<std::vector<FittedTerm>>& paths,
                         const std::vector<std::array<double, 2>>& ranges, const std::vector<std::vector<int>>& more) {
  start_ = {0};
  struct Item {
    const FittedTerm* term;
    int path;
  };
  // by what blocks have in common: coordinates and intervals
  std::map<std::pair<std::vector<int>, std::vector<int>>, std::vector<Item>> kinds;
  for (const std::vector<FittedTerm>& terms : paths) {
    std::vector<int> own;
    if (start_.size() <= more.size()) own = more[start_.size() - 1];
    for (const FittedTerm& term : terms) {
      const std::size_t splines = term.intervals.size();
      if (splines > FittedTerm::most_splines || term.coordinates.size() < splines ||
          term.coordinates.size() - splines > FittedTerm::most_polynomials)
        refuse("expected at most three coordinates with splines and six with polynomials");
      for (const int c : term.coordinates)
        if (c < 0 || at(c) >= ranges.size() || !(ranges[at(c)][0] < ranges[at(c)][1]))
          refuse("expected coordinates with a range of some length");
      for (const int n : term.intervals)
        if (n < 1 || n > FittedTerm::most_intervals) refuse("expected 1 to 64 intervals");
      if (term.degree < 0 || term.degree > FittedTerm::most_degree) refuse("expected a degree from 0 to 12");
      if (term.coefficients.size() != FittedTerm::size(term.intervals, term.coordinates.size() - splines, term.degree))
        refuse("expected as many coefficients as there are functions");
      own.insert(own.end(), term.coordinates.begin(), term.coordinates.end());
      kinds[{term.coordinates, term.intervals}].push_back({&term, static_cast<int>(start_.size()) - 1});
    }
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    coordinates_.insert(coordinates_.end(), own.begin(), own.end());
    start_.push_back(static_cast<int>(coordinates_.size()));
  }

  const auto plan = std::make_shared<Plan>();
  for (auto& [kind, items] : kinds) {
    const auto& [coordinates, intervals] = kind;
    const std::size_t splines = intervals.size(), polynomials = coordinates.size() - splines;
    // blocks have the coefficients of their highest degree
    std::stable_sort(items.begin(), items.end(),
                     [](const Item& a, const Item& b) { return a.term->degree > b.term->degree; });
    for (std::size_t first = 0; first < items.size();) {
      const std::size_t left = items.size() - first;
      Plan::Block block;
      block.lanes = left >= 4 ? 4 : left >= 2 ? 2 : 1;
      block.degree = polynomials > 0 ? items[first].term->degree : 0;
      block.powers = FittedTerm::size({}, polynomials, block.degree);
      for (std::size_t k = 0; k < splines; ++k)
        block.splines.push_back(plan->axis(coordinates[k], ranges[at(coordinates[k])], intervals[k], 0));
      std::vector<int> axes;
      for (std::size_t k = splines; k < coordinates.size(); ++k)
        axes.push_back(plan->axis(coordinates[k], ranges[at(coordinates[k])], 0, block.degree));
      if (polynomials > 0) block.product = plan->product(axes, block.degree);
      std::size_t nodes = 1;
      for (std::size_t k = splines; k-- > 0;) {
        block.stride[k] = nodes * block.powers * block.lanes;
        nodes *= at(intervals[k] + 3);
      }
      block.coefficients = plan->coefficients.size();
      plan->coefficients.resize(block.coefficients + nodes * block.powers * block.lanes, 0.0);
      block.slope.resize(coordinates.size());
      for (std::size_t lane = 0; lane < block.lanes; ++lane) {
        const Item& item = items[first + lane];
        const std::size_t own = FittedTerm::size({}, polynomials, polynomials > 0 ? item.term->degree : 0);
        for (std::size_t node = 0; node < nodes; ++node)
          for (std::size_t b = 0; b < own; ++b)
            plan->coefficients[block.coefficients + (node * block.powers + b) * block.lanes + lane] =
                item.term->coefficients[node * own + b];
        block.path[lane] = item.path;
        for (std::size_t k = 0; k < coordinates.size(); ++k) block.slope[k][lane] = slope_of(item.path, coordinates[k]);
      }
      if (splines > 0 && polynomials > 0) plan->sums_size = std::max(plan->sums_size, 7 * block.powers * block.lanes);
      first += block.lanes;
      plan->blocks.push_back(std::move(block));
    }
  }
  for (Plan::Axis& item : plan->axes) {
    item.first = plan->functions;
    plan->functions += at(item.functions);
    std::vector<int>& over = plan->paths_over.emplace_back();
    for (int p = 0; p < static_cast<int>(paths.size()); ++p)
      if (std::any_of(paths[at(p)].begin(), paths[at(p)].end(), [&](const FittedTerm& term) {
            return std::find(term.coordinates.begin(), term.coordinates.end(), item.coordinate) !=
                   term.coordinates.end();
          }))
        over.push_back(p);
  }
  for (Plan::Product& item : plan->products) {
    item.powers = powers_of(item.axes.size(), item.degree);
    item.with.resize(item.axes.size());
    for (std::size_t b = 0; b < item.powers.size(); ++b)
      for (std::size_t k = 0; k < item.axes.size(); ++k)
        if (item.powers[b][k] > 0) item.with[k].push_back(b);
    item.first = plan->products_size;
    plan->products_size += item.size();
  }
  plan_ = plan;
}

int FittedPaths::slope_of(int path, int coordinate) const {
  for (int i = start_[at(path)]; i < start_[at(path) + 1]; ++i)
    if (coordinates_[at(i)] == coordinate) return i;
  return -1;
}

template <class S>
FittedWork<S>::FittedWork(const FittedPaths& fitted) {
  if (fitted.empty()) return;
  const FittedPaths::Plan& plan = *fitted.plan_;
  length.assign(at(fitted.paths()), S(0.0));
  outside.assign(length.size(), 0);
  slope.assign(fitted.coordinates_.size(), S(0.0));
  value.assign(plan.functions, S(0.0));
  derivative = value;
  place.assign(plan.axes.size(), 0);
  product.assign(plan.products_size, S(0.0));
  sums.assign(plan.sums_size, S(0.0));
}

namespace {

/// Numbers of as many terms, side by side.
template <class S, int N>
using Lanes = Eigen::Array<S, N, 1>;

template <class S, int N>
EIGEN_STRONG_INLINE Lanes<S, N> load(const double* x) {
  return Eigen::Map<const Lanes<double, N>>(x).template cast<S>();
}

/// Sums along the last spline, times the functions of the one before: rows of `width` numbers.
template <class S>
void add_line(const S* z, const S* dz, const S& y, const S& dy, const double* c, std::size_t stride, std::size_t width,
              S* __restrict plane, S* __restrict plane_y, S* __restrict plane_z) {
  const double *c1 = c + stride, *c2 = c1 + stride, *c3 = c2 + stride;
  const S z0 = z[0], z1 = z[1], z2 = z[2], z3 = z[3], d0 = dz[0], d1 = dz[1], d2 = dz[2], d3 = dz[3], f = y, d = dy;
  for (std::size_t b = 0; b < width; ++b) {
    const S here = (z0 * c[b] + z1 * c1[b]) + (z2 * c2[b] + z3 * c3[b]);
    plane[b] += f * here;
    plane_y[b] += d * here;
    plane_z[b] += f * ((d0 * c[b] + d1 * c1[b]) + (d2 * c2[b] + d3 * c3[b]));
  }
}

template <class S>
void add_plane(const S& x, const S& dx, const S* plane, const S* plane_y, const S* plane_z, std::size_t width,
               S* __restrict all, S* __restrict all_x, S* __restrict all_y, S* __restrict all_z) {
  const S f = x, d = dx;
  for (std::size_t b = 0; b < width; ++b) {
    all[b] += f * plane[b];
    all_x[b] += d * plane[b];
    all_y[b] += f * plane_y[b];
    all_z[b] += f * plane_z[b];
  }
}

/// Sum of four coefficients `stride` apart.
template <class S, int N>
EIGEN_STRONG_INLINE Lanes<S, N> four(const S* f, const double* c, std::size_t stride) {
  return (f[0] * load<S, N>(c) + f[1] * load<S, N>(c + stride)) +
         (f[2] * load<S, N>(c + 2 * stride) + f[3] * load<S, N>(c + 3 * stride));
}

}  // namespace

template <class S, int N>
void FittedPaths::Plan::sum(const Block& block, FittedWork<S>& work) const {
  using L = Lanes<S, N>;
  constexpr std::size_t lanes = N;
  const double* c = coefficients.data() + block.coefficients;
  const auto add = [&](std::size_t k, const L& slope) {
    for (std::size_t lane = 0; lane < lanes; ++lane)
      work.slope[at(block.slope[k][lane])] += slope[static_cast<Eigen::Index>(lane)];
  };
  const auto add_length = [&](const L& length) {
    for (std::size_t lane = 0; lane < lanes; ++lane)
      work.length[at(block.path[lane])] += length[static_cast<Eigen::Index>(lane)];
  };
  const std::size_t splines = block.splines.size(), n = block.powers;
  // of products of polynomials: their sum with given coefficients, and its slopes
  const auto polynomials = [&](const auto& coefficient) {
    const Product& item = products[at(block.product)];
    const S* f = work.product.data() + item.first;
    L sum = coefficient(0) * f[0];
    for (std::size_t b = 1; b < n; ++b) sum += f[b] * coefficient(b);
    add_length(sum);
    f += item.powers.size();
    // degrees up to n in which one is not 0: as many as all of one degree less
    const std::size_t some = block.degree > 0 ? FittedTerm::size({}, item.axes.size(), block.degree - 1) : 0;
    for (std::size_t k = 0; k < item.axes.size(); ++k) {
      const std::size_t* with = item.with[k].data();
      L slope = L::Constant(S(0.0));
      for (std::size_t i = 0; i < some; ++i) slope += f[i] * coefficient(with[i]);
      add(splines + k, slope);
      f += item.with[k].size();
    }
  };
  if (splines == 0) {
    if (block.product < 0) return add_length(load<S, N>(c));
    return polynomials([&](std::size_t b) -> L { return load<S, N>(c + b * lanes); });
  }
  // Axis after axis, from the last one on: x, y, z are the last axes there are.
  const S one = S(1.0), none = S(0.0);
  std::array<const S*, 3> f{&one, &one, &one}, d{&none, &none, &none};
  std::array<std::size_t, 3> stride{}, count{1, 1, 1};
  for (std::size_t k = 0; k < splines; ++k) {
    const std::size_t axis = at(block.splines[k]), place = k + 3 - splines;
    f[place] = work.value.data() + axes[axis].first;
    d[place] = work.derivative.data() + axes[axis].first;
    stride[place] = block.stride[k];
    count[place] = 4;
    c += at(work.place[axis]) * block.stride[k];
  }
  const auto [x, y, z] = f;
  const auto [dx, dy, dz] = d;
  if (block.product < 0) {
    const L zero = L::Constant(S(0.0));
    L all = zero, all_x = zero, all_y = zero, all_z = zero;
    for (std::size_t i = 0; i < count[0]; ++i) {
      L plane = zero, plane_y = zero, plane_z = zero;
      for (std::size_t j = 0; j < count[1]; ++j) {
        const double* r = c + i * stride[0] + j * stride[1];
        const L row = four<S, N>(z, r, stride[2]);
        plane += y[j] * row;
        plane_y += dy[j] * row;
        plane_z += y[j] * four<S, N>(dz, r, stride[2]);
      }
      all += x[i] * plane;
      all_x += dx[i] * plane;
      all_y += x[i] * plane_y;
      all_z += x[i] * plane_z;
    }
    add_length(all);
    const std::array<const L*, 3> slopes{&all_x, &all_y, &all_z};
    for (std::size_t k = 0; k < splines; ++k) add(k, *slopes[k + 3 - splines]);
    return;
  }
  // products of polynomials and lanes in one row
  const std::size_t width = n * lanes;
  const auto row_of = [&](std::size_t k) { return work.sums.data() + k * width; };
  S *plane = row_of(0), *plane_y = row_of(1), *plane_z = row_of(2);
  S *all = row_of(3), *all_x = row_of(4), *all_y = row_of(5), *all_z = row_of(6);
  std::fill(all, all + 4 * width, S(0.0));
  for (std::size_t i = 0; i < count[0]; ++i) {
    std::fill(plane, plane + 3 * width, S(0.0));
    for (std::size_t j = 0; j < count[1]; ++j) {
      const double* r = c + i * stride[0] + j * stride[1];
      add_line(z, dz, y[j], dy[j], r, stride[2], width, plane, plane_y, plane_z);
    }
    add_plane(x[i], dx[i], plane, plane_y, plane_z, width, all, all_x, all_y, all_z);
  }
  const auto part = [&](const S* row, std::size_t b) { return Eigen::Map<const L>(row + b * lanes); };
  polynomials([&](std::size_t b) -> L { return part(all, b); });
  const S* products_here = work.product.data() + products[at(block.product)].first;
  for (std::size_t k = 0; k < splines; ++k) {
    L slope = L::Constant(S(0.0));
    for (std::size_t b = 0; b < n; ++b) slope += products_here[b] * part(row_of(k + 7 - splines), b);
    add(k, slope);
  }
}

template <class S>
void FittedPaths::evaluate(std::span<const S> q, FittedWork<S>& work) const {
  const Plan& plan = *plan_;
  std::fill(work.outside.begin(), work.outside.end(), 0);
  for (std::size_t a = 0; a < plan.axes.size(); ++a) {
    const Plan::Axis& axis = plan.axes[a];
    const S x = q[at(axis.coordinate)];
    if (value_of(x) < axis.low || value_of(x) > axis.high)
      for (const int p : plan.paths_over[a]) work.outside[at(p)] = 1;
    S *value = work.value.data() + axis.first, *derivative = work.derivative.data() + axis.first;
    if (axis.intervals > 0) {
      const SplineValues<S> values = spline_values<S>(axis.low, axis.high, axis.intervals, x);
      work.place[a] = values.first;
      std::copy(values.value.begin(), values.value.end(), value);
      std::copy(values.slope.begin(), values.slope.end(), derivative);
    } else {
      chebyshev_values<S>(axis.low, axis.high, x, {value, at(axis.functions)}, {derivative, at(axis.functions)});
    }
  }
  for (const Plan::Product& product : plan.products) {
    S* out = work.product.data() + product.first;
    const std::size_t axes = product.axes.size();
    std::array<std::size_t, FittedTerm::most_polynomials> first{};
    for (std::size_t k = 0; k < axes; ++k) first[k] = plan.axes[at(product.axes[k])].first;
    const auto of = [&](const Powers& powers, std::size_t sloped) {
      S value = S(1.0);
      for (std::size_t k = 0; k < axes; ++k) {
        if (k != sloped && powers[k] == 0) continue;
        value *= (k == sloped ? work.derivative : work.value)[first[k] + at(powers[k])];
      }
      return value;
    };
    for (const Powers& powers : product.powers) *out++ = of(powers, axes);
    for (std::size_t k = 0; k < axes; ++k)
      for (const std::size_t b : product.with[k]) *out++ = of(product.powers[b], k);
  }
  std::fill(work.length.begin(), work.length.end(), S(0.0));
  std::fill(work.slope.begin(), work.slope.end(), S(0.0));
  for (const Plan::Block& block : plan.blocks) switch (block.lanes) {
      case 4:
        plan.sum<S, 4>(block, work);
        break;
      case 2:
        plan.sum<S, 2>(block, work);
        break;
      default:
        plan.sum<S, 1>(block, work);
    }
}

template SplineValues<double> spline_values(double, double, int, const double&);
template SplineValues<Dual<4>> spline_values(double, double, int, const Dual<4>&);
template void chebyshev_values(double, double, const double&, std::span<double>, std::span<double>);
template void chebyshev_values(double, double, const Dual<4>&, std::span<Dual<4>>, std::span<Dual<4>>);
template struct FittedWork<double>;
template struct FittedWork<Dual<4>>;
template void FittedPaths::evaluate(std::span<const double>, FittedWork<double>&) const;
template void FittedPaths::evaluate(std::span<const Dual<4>>, FittedWork<Dual<4>>&) const;

}  // namespace psoas
