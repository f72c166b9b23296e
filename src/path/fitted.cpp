// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/path/fitted.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/error.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

[[noreturn]] void refuse(const char* text) { throw Error(Kind::model, "fitted path", text); }

}  // namespace

std::vector<std::array<int, 3>> powers_of(std::size_t coordinates, int degree) {
  std::vector<std::array<int, 3>> powers;
  for (int total = 0; total <= (coordinates == 0 ? 0 : degree); ++total)
    for (int i = total; i >= 0; --i) {
      if (coordinates < 2 && i < total) continue;
      for (int j = total - i; j >= 0; --j) {
        if (coordinates < 3 && j < total - i) continue;
        powers.push_back({i, j, total - i - j});
      }
    }
  return powers;
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
  out.first = std::min(static_cast<int>(value_of(u)), intervals - 1);
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

FittedPaths::FittedPaths(const std::vector<std::vector<FittedTerm>>& paths,
                         const std::vector<std::array<double, 2>>& ranges) {
  const auto axis = [&](int coordinate, int intervals, int degree) {
    for (std::size_t a = 0; a < axes_.size(); ++a)
      if (axes_[a].coordinate == coordinate && axes_[a].intervals == intervals) {
        if (intervals == 0) axes_[a].functions = std::max(axes_[a].functions, degree + 1);
        return static_cast<int>(a);
      }
    axes_.push_back({coordinate, ranges[at(coordinate)][0], ranges[at(coordinate)][1], intervals,
                     intervals > 0 ? 4 : degree + 1, 0});
    return static_cast<int>(axes_.size() - 1);
  };
  const auto product = [&](const std::array<int, 3>& axes, std::size_t used, int degree) {
    std::size_t p = 0;
    while (p < products_.size() && products_[p].axes != axes) ++p;
    if (p == products_.size()) {
      products_.push_back({axes, 0, 0, {}});
    }
    Product& item = products_[p];
    if (axes_[at(axes[0])].intervals == 0) {
      std::vector<std::array<int, 3>> powers = powers_of(used, degree);
      if (powers.size() > item.powers.size()) item.powers = std::move(powers);
      item.size = item.powers.size();
    }
    return static_cast<int>(p);
  };

  start_ = first_term_ = {0};
  for (const std::vector<FittedTerm>& terms : paths) {
    std::vector<int> own;
    for (const FittedTerm& term : terms) {
      const std::size_t splines = term.intervals.size();
      if (splines > FittedTerm::most_splines || term.coordinates.size() < splines ||
          term.coordinates.size() - splines > FittedTerm::most_polynomials)
        refuse("expected at most three coordinates with splines and three with polynomials");
      for (const int c : term.coordinates)
        if (c < 0 || at(c) >= ranges.size() || !(ranges[at(c)][0] < ranges[at(c)][1]))
          refuse("expected coordinates with a range of some length");
      for (const int n : term.intervals)
        if (n < 1 || n > FittedTerm::most_intervals) refuse("expected 1 to 64 intervals");
      if (term.degree < 0 || term.degree > FittedTerm::most_degree) refuse("expected a degree from 0 to 12");
      if (term.coefficients.size() != FittedTerm::size(term.intervals, term.coordinates.size() - splines, term.degree))
        refuse("expected as many coefficients as there are functions");
      own.insert(own.end(), term.coordinates.begin(), term.coordinates.end());
    }
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    const auto slope = [&](int coordinate) {
      return start_.back() + static_cast<int>(std::lower_bound(own.begin(), own.end(), coordinate) - own.begin());
    };
    for (const FittedTerm& term : terms) {
      const std::size_t splines = term.intervals.size(), polynomials = term.coordinates.size() - splines;
      Term out;
      out.coefficients = coefficients_.size();
      coefficients_.insert(coefficients_.end(), term.coefficients.begin(), term.coefficients.end());
      out.powers = FittedTerm::size({}, polynomials, term.degree);
      std::array<int, 3> axes{-1, -1, -1};
      std::size_t stride = out.powers;
      for (std::size_t k = splines; k-- > 0;) {
        axes[k] = axis(term.coordinates[k], term.intervals[k], 0);
        out.stride[k] = stride;
        stride *= at(term.intervals[k] + 3);
        out.spline_slopes[k] = slope(term.coordinates[k]);
      }
      if (splines > 0) out.splines = product(axes, splines, 0);
      axes = {-1, -1, -1};
      for (std::size_t k = 0; k < polynomials; ++k) {
        axes[k] = axis(term.coordinates[splines + k], 0, term.degree);
        out.polynomial_slopes[k] = slope(term.coordinates[splines + k]);
      }
      if (polynomials > 0) out.polynomials = product(axes, polynomials, term.degree);
      terms_.push_back(out);
    }
    coordinates_.insert(coordinates_.end(), own.begin(), own.end());
    start_.push_back(static_cast<int>(coordinates_.size()));
    first_term_.push_back(static_cast<int>(terms_.size()));
  }
  for (Axis& item : axes_) {
    item.first = functions_;
    functions_ += at(item.functions);
  }
  for (Product& item : products_) {
    item.first = products_size_;
    products_size_ += item.size;
  }
}

int FittedPaths::slope_of(int path, int coordinate) const {
  for (int i = start_[at(path)]; i < start_[at(path) + 1]; ++i)
    if (coordinates_[at(i)] == coordinate) return i;
  return -1;
}

template <class S>
FittedWork<S>::FittedWork(const FittedPaths& fitted) {
  const std::size_t paths = fitted.empty() ? 0 : at(fitted.paths());
  length.assign(paths, S(0.0));
  outside.assign(paths, 0);
  slope.assign(fitted.coordinates_.size(), S(0.0));
  value.assign(fitted.functions_, S(0.0));
  derivative = value;
  place.assign(fitted.axes_.size(), 0);
  beyond.assign(fitted.axes_.size(), 0);
  product.assign(fitted.products_size_, Four::Constant(S(0.0)));
  std::size_t powers = 0;
  for (const auto& term : fitted.terms_) powers = std::max(powers, term.powers);
  sums.assign(9 * powers, S(0.0));
}

namespace {

/// Sum of coefficients times functions with their slopes. Four sums side by side do not wait for each other.
template <class S>
Eigen::Array<S, 4, 1> sum_of(const double* c, const Eigen::Array<S, 4, 1>* f, std::size_t size) {
  using Four = Eigen::Array<S, 4, 1>;
  std::array<Four, 4> sums;
  for (Four& sum : sums) sum.setConstant(S(0.0));
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4)
    for (std::size_t k = 0; k < 4; ++k) sums[k] += S(c[i + k]) * f[i + k];
  for (; i < size; ++i) sums[0] += S(c[i]) * f[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

template <class S>
void FittedPaths::evaluate_term(const Term& term, FittedWork<S>& work, S& length) const {
  using Four = typename FittedWork<S>::Four;
  const double* c = coefficients_.data() + term.coefficients;
  const Product* polynomials = term.polynomials < 0 ? nullptr : &products_[at(term.polynomials)];
  const auto add = [&](const std::array<int, 3>& slopes, const Four& sum) {
    for (std::size_t k = 0; k < 3; ++k)
      if (slopes[k] >= 0) work.slope[at(slopes[k])] += sum[static_cast<Eigen::Index>(k) + 1];
  };
  if (term.splines < 0) {
    if (!polynomials) {
      length += c[0];
      return;
    }
    const Four sum = sum_of(c, work.product.data() + polynomials->first, term.powers);
    length += sum[0];
    add(term.polynomial_slopes, sum);
    return;
  }
  const Product& splines = products_[at(term.splines)];
  std::size_t last = 0;
  for (std::size_t k = 0; k < 3; ++k)
    if (splines.axes[k] >= 0) {
      last = k;
      c += at(work.place[at(splines.axes[k])]) * term.stride[k];
    }
  const std::size_t outer = last > 1 ? 4 : 1, middle = last > 0 ? 4 : 1;
  const std::size_t outer_stride = last > 1 ? term.stride[0] : 0, middle_stride = last > 0 ? term.stride[last - 1] : 0;
  // Axis after axis, from the last one on: coefficients of the polynomials, and their slopes along the splines.
  const auto functions = [&](std::size_t k) {
    const std::size_t first = axes_[at(splines.axes[k])].first;
    return std::pair<const S*, const S*>{work.value.data() + first, work.derivative.data() + first};
  };
  const S one = S(1.0), none = S(0.0);
  const auto [z, dz] = functions(last);
  const auto [y, dy] = last > 0 ? functions(last - 1) : std::pair{&one, &none};
  const auto [x, dx] = last > 1 ? functions(0) : std::pair{&one, &none};
  const auto add_splines = [&](const Four& slopes) {
    for (std::size_t k = 0; k <= last; ++k)  // x, y, z are the last axes there are
      work.slope[at(term.spline_slopes[k])] += slopes[static_cast<Eigen::Index>(k + 3 - last)];
  };
  if (!polynomials) {
    Four sum = Four::Constant(S(0.0));
    for (std::size_t i = 0; i < outer; ++i) {
      S plane = none, plane_y = none, plane_z = none;
      for (std::size_t j = 0; j < middle; ++j) {
        const double* r = c + i * outer_stride + j * middle_stride;
        const S row = (z[0] * r[0] + z[1] * r[1]) + (z[2] * r[2] + z[3] * r[3]);
        plane += y[j] * row;
        plane_y += dy[j] * row;
        plane_z += y[j] * ((dz[0] * r[0] + dz[1] * r[1]) + (dz[2] * r[2] + dz[3] * r[3]));
      }
      sum += Four(x[i] * plane, dx[i] * plane, x[i] * plane_y, x[i] * plane_z);
    }
    length += sum[0];
    return add_splines(sum);
  }
  const std::size_t n = term.powers;
  std::array<S*, 9> sums{};
  for (std::size_t k = 0; k < 9; ++k) sums[k] = work.sums.data() + k * n;
  const auto [row, row_z, plane, plane_y, plane_z, all, all_x, all_y, all_z] = sums;
  std::fill(all, all + 4 * n, S(0.0));
  for (std::size_t i = 0; i < outer; ++i) {
    std::fill(plane, plane + 3 * n, S(0.0));
    for (std::size_t j = 0; j < middle; ++j) {
      const double *c0 = c + i * outer_stride + j * middle_stride, *c1 = c0 + n, *c2 = c1 + n, *c3 = c2 + n;
      for (std::size_t b = 0; b < n; ++b) {
        row[b] = (z[0] * c0[b] + z[1] * c1[b]) + (z[2] * c2[b] + z[3] * c3[b]);
        row_z[b] = (dz[0] * c0[b] + dz[1] * c1[b]) + (dz[2] * c2[b] + dz[3] * c3[b]);
      }
      for (std::size_t b = 0; b < n; ++b) {
        plane[b] += y[j] * row[b];
        plane_y[b] += dy[j] * row[b];
        plane_z[b] += y[j] * row_z[b];
      }
    }
    for (std::size_t b = 0; b < n; ++b) {
      all[b] += x[i] * plane[b];
      all_x[b] += dx[i] * plane[b];
      all_y[b] += x[i] * plane_y[b];
      all_z[b] += x[i] * plane_z[b];
    }
  }
  const Four* function = work.product.data() + polynomials->first;
  Four mixed = Four::Constant(S(0.0)), slopes = mixed;
  for (std::size_t b = 0; b < n; ++b) {
    mixed += all[b] * function[b];
    slopes += function[b][0] * Four(S(0.0), all_x[b], all_y[b], all_z[b]);
  }
  length += mixed[0];
  add(term.polynomial_slopes, mixed);
  add_splines(slopes);
}

template <class S>
void FittedPaths::evaluate(std::span<const S> q, FittedWork<S>& work) const {
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    const Axis& axis = axes_[a];
    const S x = q[at(axis.coordinate)];
    work.beyond[a] = value_of(x) < axis.low || value_of(x) > axis.high;
    if (axis.intervals > 0) {
      const SplineValues<S> values = spline_values<S>(axis.low, axis.high, axis.intervals, x);
      work.place[a] = values.first;
      std::copy(values.value.begin(), values.value.end(), work.value.begin() + static_cast<std::ptrdiff_t>(axis.first));
      std::copy(values.slope.begin(), values.slope.end(),
                work.derivative.begin() + static_cast<std::ptrdiff_t>(axis.first));
    } else {
      chebyshev_values<S>(axis.low, axis.high, x, {work.value.data() + axis.first, at(axis.functions)},
                          {work.derivative.data() + axis.first, at(axis.functions)});
    }
  }
  for (const Product& product : products_) {
    std::array<const S*, 3> f{}, d{};
    for (std::size_t k = 0; k < 3 && product.axes[k] >= 0; ++k) {
      f[k] = work.value.data() + axes_[at(product.axes[k])].first;
      d[k] = work.derivative.data() + axes_[at(product.axes[k])].first;
    }
    for (std::size_t i = 0; i < product.size; ++i) {
      auto& out = work.product[product.first + i];
      std::array<std::size_t, 3> n{};
      for (std::size_t k = 0; k < 3; ++k) n[k] = at(product.powers[i][k]);
      const S x = f[0][n[0]], y = f[1] ? f[1][n[1]] : S(1.0), z = f[2] ? f[2][n[2]] : S(1.0), xy = x * y;
      out[0] = xy * z;
      out[1] = d[0][n[0]] * y * z;
      out[2] = d[1] ? S(x * d[1][n[1]] * z) : S(0.0);
      out[3] = d[2] ? S(xy * d[2][n[2]]) : S(0.0);
    }
  }
  std::fill(work.slope.begin(), work.slope.end(), S(0.0));
  for (std::size_t p = 0; p + 1 < start_.size(); ++p) {
    S length = S(0.0);
    for (int t = first_term_[p]; t < first_term_[p + 1]; ++t) evaluate_term(terms_[at(t)], work, length);
    work.length[p] = length;
    work.outside[p] = 0;
  }
  for (std::size_t a = 0; a < axes_.size(); ++a)
    if (work.beyond[a])
      for (std::size_t p = 0; p + 1 < start_.size(); ++p)
        if (slope_of(static_cast<int>(p), axes_[a].coordinate) >= 0) work.outside[p] = 1;
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
