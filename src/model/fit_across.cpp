// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/fit_across.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "psoas/path/fitted.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

using Range = std::array<double, 2>;

/// Angle of a place in the plane across z, as near to `middle` as can be.
double angle_of(const Vec3& place, double middle) {
  const double c = std::cos(middle), s = std::sin(middle);
  return middle + std::atan2(c * place.y() - s * place.x(), c * place.x() + s * place.y());
}
double radius_of(const Vec3& place) { return std::hypot(place.x(), place.y()); }

/// What values span, with a margin, to a tenth of a millimetre or milliradian.
Range around_all(double low, double high) {
  const double margin = 0.01 * (high - low) + 1e-4;
  return {std::floor((low - margin) * 1e4) * 1e-4, std::ceil((high + margin) * 1e4) * 1e-4};
}

/// The ranges of places in polar coordinates; angles about their mean direction.
void find_ranges(const std::vector<AcrossSample>& samples, Vec3 AcrossSample::*end, Range& angles, Range& radii) {
  double x = 0.0, y = 0.0;
  for (const AcrossSample& sample : samples) {
    const Vec3& place = sample.*end;
    x += place.x() / radius_of(place);
    y += place.y() / radius_of(place);
  }
  const double middle = std::atan2(y, x);
  Range a{inf, -inf}, r{inf, -inf};
  for (const AcrossSample& sample : samples) {
    const double angle = angle_of(sample.*end, middle), radius = radius_of(sample.*end);
    a = {std::min(a[0], angle), std::max(a[1], angle)};
    r = {std::min(r[0], radius), std::max(r[1], radius)};
  }
  angles = around_all(a[0], a[1]);
  radii = around_all(r[0], r[1]);
}

/// The exact length across of a string whose ends are put where one likes.
class Exact {
 public:
  Exact(const Path& path, std::size_t around, bool reversed) : path_(path), near_(reversed ? 2 : 1) {
    const Pose X_SB = path.wraps[around].X_BS.inverse();
    for (PathWrap& wrap : path_.wraps) {
      wrap.body = 0;
      wrap.X_BS = X_SB * wrap.X_BS;
      wrap.X_BS.p.z() = 0.0;
      std::get<Cylinder>(wrap.shape).length.reset();  // how far along is not known here
    }
    for (int k = 0; k < 2; ++k) {
      path_.points[at(k)].body = k + 1;
      path_.points[at(k)].location.setZero();
    }
    path_.finish();
    wrench_.resize(path_.bodies.size());
  }
  /// nan where a surface is ignored
  double operator()(double near_angle, double near_radius, double far_angle, double far_radius) {
    const std::size_t near = at(near_), far = 3 - near;
    X_GB_[near].p = {near_radius * std::cos(near_angle), near_radius * std::sin(near_angle), 0.0};
    X_GB_[far].p = {far_radius * std::cos(far_angle), far_radius * std::sin(far_angle), 0.0};
    const PathValue<double> value = evaluate_path<double>(path_, std::span<const Pose>(X_GB_), {}, wrench_);
    return value.inside ? std::nan("") : value.length;
  }

 private:
  Path path_;
  int near_;
  std::vector<Pose> X_GB_ = std::vector<Pose>(3);
  std::vector<Spatial> wrench_;
};

double chebyshev_point(const Range& range, std::size_t i, std::size_t points) {
  const double t = std::cos(M_PI * (static_cast<double>(i) + 0.5) / static_cast<double>(points));
  return 0.5 * (range[0] + range[1]) + 0.5 * t * (range[1] - range[0]);
}

/// Values at a grid of Chebyshev's points to coefficients of the products up to a total degree.
MatX polynomial_operator(const std::vector<Powers>& powers, std::size_t points) {
  const double n = static_cast<double>(points);
  const auto one = [&](int k, std::size_t i) {
    return (k == 0 ? 1.0 : 2.0) / n * std::cos(M_PI * k * (static_cast<double>(i) + 0.5) / n);
  };
  MatX out(index(powers.size()), index(points * points));
  for (std::size_t b = 0; b < powers.size(); ++b)
    for (std::size_t i = 0; i < points; ++i)
      for (std::size_t j = 0; j < points; ++j)
        out(index(b), index(i * points + j)) = one(powers[b][0], i) * one(powers[b][1], j);
  return out;
}

/// Solves for the coefficients by least squares on a grid. Where no string is, as where the near end is inside a cylinder,
/// the coefficients go on as evenly as they can.
void solve(Exact& exact, PlanarFunction& f) {
  const std::vector<Powers> powers = powers_of(2, f.degree);
  const std::size_t n = powers.size(), far = f.degree == 0 ? 1 : at(f.degree + 2);
  const MatX polynomials = polynomial_operator(powers, far);
  const std::array<std::size_t, 2> points{at(2 * f.intervals[0] + 3), at(2 * f.intervals[1] + 3)};
  const int across = f.intervals[1] + 3, unknowns = (f.intervals[0] + 3) * across;
  MatX A = MatX::Zero(unknowns, unknowns), b = MatX::Zero(unknowns, index(n));
  VecX values(index(far * far));
  const auto place = [](const Range& range, std::size_t i, std::size_t count) {
    return range[0] + (range[1] - range[0]) * static_cast<double>(i) / static_cast<double>(count - 1);
  };
  for (std::size_t i = 0; i < points[0]; ++i)
    for (std::size_t j = 0; j < points[1]; ++j) {
      const double angle = place(f.near_angle, i, points[0]), radius = place(f.near_radius, j, points[1]);
      for (std::size_t k = 0; k < far; ++k)
        for (std::size_t l = 0; l < far; ++l)
          values[index(k * far + l)] =
              exact(angle, radius, chebyshev_point(f.far_angle, k, far), chebyshev_point(f.far_radius, l, far));
      if (!values.allFinite()) continue;
      const VecX here = polynomials * values;
      const SplineValues<double> u = spline_values<double>(f.near_angle[0], f.near_angle[1], f.intervals[0], angle),
                                 v = spline_values<double>(f.near_radius[0], f.near_radius[1], f.intervals[1], radius);
      std::array<std::pair<int, double>, 16> entries;
      for (int k = 0; k < 16; ++k)
        entries[at(k)] = {(u.first + k / 4) * across + v.first + k % 4, u.value[at(k / 4)] * v.value[at(k % 4)]};
      for (const auto& [row, x] : entries) {
        for (const auto& [column, y] : entries) A(row, column) += x * y;
        b.row(row) += x * here.transpose();
      }
    }
  constexpr double evenness = 1e-7;  // of second differences: far below what the tolerance sees
  const auto even = [&](int first, int step) {
    constexpr std::array<double, 3> d{1.0, -2.0, 1.0};
    for (int k = 0; k < 3; ++k)
      for (int l = 0; l < 3; ++l) A(first + k * step, first + l * step) += evenness * d[at(k)] * d[at(l)];
  };
  for (int i = 0; i < f.intervals[0] + 3; ++i)
    for (int j = 0; j < across; ++j) {
      if (i + 2 < f.intervals[0] + 3) even(i * across + j, across);
      if (j + 2 < across) even(i * across + j, 1);
    }
  const MatX c = A.ldlt().solve(b);
  f.coefficients.clear();
  for (Eigen::Index i = 0; i < c.rows(); ++i)
    for (Eigen::Index k = 0; k < c.cols(); ++k) f.coefficients.push_back(c(i, k));
}

}  // namespace

bool is_stretch(const Path& path) {
  if (path.points.size() != 2 || !path.motions.empty()) return false;
  if (path.points[0].coordinate >= 0 || path.points[1].coordinate >= 0) return false;
  if (path.wraps.empty()) return true;
  const PathWrap& first = path.wraps.front();
  return std::all_of(path.wraps.begin(), path.wraps.end(), [&](const PathWrap& wrap) {
    return std::holds_alternative<Cylinder>(wrap.shape) && wrap.body == first.body &&
           (wrap.X_BS.R.col(2) - first.X_BS.R.col(2)).norm() < 1e-9;
  });
}

AcrossFit fit_across(const Path& path, std::size_t around, bool reversed, bool far_moves,
                     const std::vector<AcrossSample>& samples, double length_limit, double slope_limit) {
  Exact exact(path, around, reversed);
  PlanarFunction start;
  find_ranges(samples, &AcrossSample::near, start.near_angle, start.near_radius);
  if (far_moves) {
    find_ranges(samples, &AcrossSample::far, start.far_angle, start.far_radius);
  } else {
    const Vec3& place = samples.front().far;
    start.far_angle = {angle_of(place, 0.0), angle_of(place, 0.0)};
    start.far_radius = {radius_of(place), radius_of(place)};
  }

  const auto tried = [&](const std::array<int, 2>& intervals, int degree) {
    AcrossFit fit;
    fit.function = start;
    fit.function.intervals = intervals;
    fit.function.degree = degree;
    solve(exact, fit.function);
    PlanarFunction& f = fit.function;
    if (!far_moves) f.far_angle = f.far_radius = {0.0, 1.0};
    // the frame is ground's and both ends are bodies, so that wrenches' forces are minus the slopes
    const Stretches stretches({{{1, Vec3::Zero()}, {2, Vec3::Zero()}, 0, 0, Pose{}}}, {f});
    StretchWork<double> work(stretches);
    std::vector<Pose> X_GB(3);
    fit.length_error = fit.slope_error = 0.0;
    for (const AcrossSample& sample : samples) {
      X_GB[1].p = sample.near;
      X_GB[2].p = sample.far;
      stretches.evaluate<double>(X_GB, work);
      fit.length_error = std::max(fit.length_error, std::abs(work.length[0] - sample.length));
      for (const AcrossSample::Arm& arm : sample.arms)
        fit.slope_error = std::max(
            fit.slope_error,
            std::abs(work.near[0].tail<3>().dot(arm.near) + work.far[0].tail<3>().dot(arm.far) + arm.slope));
    }
    return fit;
  };
  const auto score = [&](const AcrossFit& fit) {
    return std::max(fit.length_error / length_limit, fit.slope_error / slope_limit);
  };

  // finer where that helps most for what it costs
  constexpr int most_rounds = 16;
  constexpr std::size_t most_coefficients = 40000, most_nodes = 1500;
  AcrossFit now = tried({8, 3}, far_moves ? 2 : 0), best = now;
  for (int round = 0; round < most_rounds && score(best) > 1.0; ++round) {
    const PlanarFunction& f = now.function;
    const auto finer = [](int n) { return std::min(n + std::max(1, n / 3), PlanarFunction::most_intervals); };
    AcrossFit next;
    double most = -inf;
    for (int way = 0; way < 4; ++way) {
      std::array<int, 2> intervals = f.intervals;
      int degree = f.degree;
      if (way == 0 || way == 3) intervals[0] = finer(intervals[0]);
      if (way == 1 || way == 3) intervals[1] = finer(intervals[1]);
      if (way == 2 || way == 3) degree += far_moves && degree < PlanarFunction::most_degree ? 1 : 0;
      if (intervals == f.intervals && degree == f.degree) continue;
      const std::size_t size = PlanarFunction::size(intervals, degree);
      if (size > most_coefficients || PlanarFunction::size(intervals, 0) > most_nodes) continue;
      AcrossFit fit = tried(intervals, degree);
      const double gain = std::log(score(now) / score(fit)) /
                          std::log(static_cast<double>(size) / static_cast<double>(f.coefficients.size()));
      if (gain > most) most = gain, next = std::move(fit);
    }
    if (most == -inf) break;
    now = std::move(next);
    if (score(now) < score(best)) best = now;
  }
  return best;
}

}  // namespace psoas
