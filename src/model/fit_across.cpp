// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/fit_across.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/path/fitted.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

using Range = std::array<double, 2>;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

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
  Exact(const Path& path, std::size_t around, bool reversed, bool far_moves)
      : path_(path), near_(reversed ? 2 : 1), far_moves_(far_moves) {
    const Pose X_SB = path.wraps[around].X_BS.inverse();
    for (PathWrap& wrap : path_.wraps) {
      wrap.body = 0;
      wrap.X_BS = X_SB * wrap.X_BS;
      wrap.X_BS.p.z() = 0.0;
      std::get<Cylinder>(wrap.shape).length.reset();  // how far along is not known here
    }
    for (int k = 0; k < 2; ++k) {
      path_.points[at(k)].body =
          far_moves || k + 1 == near_ ? k + 1 : 0;  // fixed to the cylinders, it is never flagged
      path_.points[at(k)].location.setZero();
    }
    path_.finish();
    wrench_.resize(path_.bodies.size());
  }
  /// nan where a surface is ignored
  double operator()(double near_angle, double near_radius, double far_angle, double far_radius) {
    const std::size_t near = at(near_), far = 3 - near;
    X_GB_[near].p = {near_radius * std::cos(near_angle), near_radius * std::sin(near_angle), 0.0};
    const Vec3 place(far_radius * std::cos(far_angle), far_radius * std::sin(far_angle), 0.0);
    (far_moves_ ? X_GB_[far].p : path_.points[far - 1].location) = place;
    const PathValue<double> value = evaluate_path<double>(path_, std::span<const Pose>(X_GB_), {}, wrench_);
    return value.inside ? std::nan("") : value.length;
  }

 private:
  Path path_;
  int near_;
  bool far_moves_;
  std::vector<Pose> X_GB_ = std::vector<Pose>(3);
  std::vector<Spatial> wrench_;
};

/// Values at a grid of Chebyshev's points to coefficients of the products up to a total degree.
MatX polynomial_operator(const std::vector<Powers>& powers, std::size_t points) {
  const double n = static_cast<double>(points);
  const auto one = [&](int k, std::size_t i) {
    return (k == 0 ? 1.0 : 2.0) / n * std::cos(pi * k * (static_cast<double>(i) + 0.5) / n);
  };
  MatX out(index(powers.size()), index(points * points));
  for (std::size_t b = 0; b < powers.size(); ++b)
    for (std::size_t i = 0; i < points; ++i)
      for (std::size_t j = 0; j < points; ++j)
        out(index(b), index(i * points + j)) = one(powers[b][0], i) * one(powers[b][1], j);
  return out;
}

/// A symmetric positive definite matrix of which only a band below the diagonal is not zero, factored in place (Cholesky).
class Band {
 public:
  Band(int size, int width) : size_(size), width_(width), rows_(at(size) * at(width + 1), 0.0) {}
  double& operator()(int row, int column) { return rows_[at(row) * at(width_ + 1) + at(row - column)]; }

  /// Solves for each column of b, in its place; false where the matrix is not positive definite.
  bool solve(Rows& b) {
    for (int i = 0; i < size_; ++i)
      for (int j = std::max(0, i - width_); j <= i; ++j) {
        double sum = (*this)(i, j);
        for (int k = std::max(0, i - width_); k < j; ++k) sum -= (*this)(i, k) * (*this)(j, k);
        if (i == j && !(sum > 1e-12)) return false;
        (*this)(i, j) = i == j ? std::sqrt(sum) : sum / (*this)(j, j);
      }
    for (int i = 0; i < size_; ++i) {
      for (int k = std::max(0, i - width_); k < i; ++k) b.row(i) -= (*this)(i, k) * b.row(k);
      b.row(i) /= (*this)(i, i);
    }
    for (int i = size_; i-- > 0;) {
      b.row(i) /= (*this)(i, i);
      for (int k = std::max(0, i - width_); k < i; ++k) b.row(k) -= (*this)(i, k) * b.row(i);
    }
    return true;
  }

 private:
  int size_, width_;
  std::vector<double> rows_;
};

/// Places at which lengths are taken: a few in each interval between knots, and the ends.
std::vector<double> places_on(const std::vector<double>& knots) {
  constexpr int in_each = 3;
  std::vector<double> out;
  for (std::size_t k = 0; k + 1 < knots.size(); ++k)
    for (int i = 0; i < in_each; ++i) out.push_back(knots[k] + (knots[k + 1] - knots[k]) * i / in_each);
  out.push_back(knots.back());
  return out;
}

/// Solves for the coefficients by least squares on a grid. Where no string is, as where the near end is inside a cylinder,
/// the coefficients go on as evenly as they can. False where there are too few strings to say anything.
bool solve(Exact& exact, PlanarFunction& f) {
  const std::vector<Powers> powers = powers_of(2, f.degree);
  const std::size_t n = powers.size(), far = f.degree == 0 ? 1 : at(f.degree + 2);
  const MatX polynomials = polynomial_operator(powers, far);
  const int across = static_cast<int>(f.near_radius.size()) + 2, along = static_cast<int>(f.near_angle.size()) + 2;
  Band A(along * across, 3 * across + 3);
  Rows b = Rows::Zero(along * across, index(n));
  VecX values(index(far * far));
  for (const double angle : places_on(f.near_angle))
    for (const double radius : places_on(f.near_radius)) {
      bool there = true;
      for (std::size_t k = 0; k < far && there; ++k)
        for (std::size_t l = 0; l < far && there; ++l) {
          const double length =
              exact(angle, radius, chebyshev_point(f.far_angle, k, far), chebyshev_point(f.far_radius, l, far));
          values[index(k * far + l)] = length;
          there = std::isfinite(length);
        }
      if (!there) continue;
      const VecX here = polynomials * values;
      const SplineValues<double> u = spline_values<double>(f.near_angle, angle),
                                 v = spline_values<double>(f.near_radius, radius);
      std::array<std::pair<int, double>, 16> entries;
      for (int k = 0; k < 16; ++k)
        entries[at(k)] = {(u.first + k / 4) * across + v.first + k % 4, u.value[at(k / 4)] * v.value[at(k % 4)]};
      for (std::size_t k = 0; k < 16; ++k) {
        const auto& [row, x] = entries[k];
        for (std::size_t l = 0; l <= k; ++l) A(row, entries[l].first) += x * entries[l].second;
        b.row(row) += x * here.transpose();
      }
    }
  constexpr double evenness = 1e-7;  // of second differences: far below what the tolerance sees
  const auto even = [&](int first, int step) {
    constexpr std::array<double, 3> d{1.0, -2.0, 1.0};
    for (int k = 0; k < 3; ++k)
      for (int l = 0; l <= k; ++l) A(first + k * step, first + l * step) += evenness * d[at(k)] * d[at(l)];
  };
  for (int i = 0; i < along; ++i)
    for (int j = 0; j < across; ++j) {
      if (i + 2 < along) even(i * across + j, across);
      if (j + 2 < across) even(i * across + j, 1);
    }
  if (!A.solve(b)) return false;
  f.coefficients.clear();
  for (Eigen::Index i = 0; i < b.rows(); ++i)
    for (Eigen::Index k = 0; k < b.cols(); ++k) f.coefficients.push_back(b(i, k));
  return true;
}

}  // namespace

double chebyshev_point(const Range& range, std::size_t i, std::size_t points) {
  const double t = std::cos(pi * (static_cast<double>(i) + 0.5) / static_cast<double>(points));
  return 0.5 * (range[0] + range[1]) + 0.5 * t * (range[1] - range[0]);
}

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
  Exact exact(path, around, reversed, far_moves);
  PlanarFunction start;
  const auto even = [](const Range& range, int intervals) {
    std::vector<double> knots;
    for (int k = 0; k <= intervals; ++k) knots.push_back(range[0] + (range[1] - range[0]) * k / intervals);
    return knots;
  };
  Range angles, radii;
  find_ranges(samples, &AcrossSample::near, angles, radii);
  start.near_angle = even(angles, 12);
  start.near_radius = even(radii, 4);
  if (far_moves) {
    start.degree = 3;
    find_ranges(samples, &AcrossSample::far, start.far_angle, start.far_radius);
  } else {
    const Vec3& place = samples.front().far;
    start.far_angle = {angle_of(place, 0.0), angle_of(place, 0.0)};
    start.far_radius = {radius_of(place), radius_of(place)};
  }

  struct Trial : AcrossFit {
    double score = inf;
    std::vector<int> angle, radius;  // per interval: samples beyond the limits
  };
  const double middle = 0.5 * (angles[0] + angles[1]);
  const auto tried = [&](const PlanarFunction& with) {
    Trial fit;
    PlanarFunction& f = fit.function = with;
    if (!solve(exact, f)) return fit;
    PlanarFunction alone = f;
    if (!far_moves) alone.far_angle = alone.far_radius = {0.0, 1.0};
    // the frame is ground's and both ends are bodies, so that forces are minus the slopes
    const Stretches stretches({{{1, Vec3::Zero()}, {2, Vec3::Zero()}, 0, 0, Pose{}}}, {std::move(alone)});
    StretchWork<double> work(stretches);
    std::vector<Pose> X_GB(3);
    fit.length_error = fit.slope_error = 0.0;
    fit.angle.assign(f.near_angle.size() - 1, 0);
    fit.radius.assign(f.near_radius.size() - 1, 0);
    for (const AcrossSample& sample : samples) {
      X_GB[1].p = sample.near;
      X_GB[2].p = sample.far;
      stretches.evaluate<double>(X_GB, work);
      const double miss = std::abs(work.length[0] - sample.length);
      double slope = 0.0;
      for (const AcrossSample::Arm& arm : sample.arms)
        slope = std::max(
            slope, std::abs(work.near[0].tail<3>().dot(arm.near) + work.far[0].tail<3>().dot(arm.far) + arm.slope));
      fit.length_error = std::max(fit.length_error, miss);
      fit.slope_error = std::max(fit.slope_error, slope);
      if (miss <= length_limit && slope <= slope_limit) continue;
      const auto count = [](std::vector<int>& intervals, const std::vector<double>& knots, double x) {
        const auto above = std::upper_bound(knots.begin() + 1, knots.end() - 1, x);
        ++intervals[static_cast<std::size_t>(above - knots.begin()) - 1];
      };
      count(fit.angle, f.near_angle, angle_of(sample.near, middle));
      count(fit.radius, f.near_radius, radius_of(sample.near));
    }
    fit.score = std::max(fit.length_error / length_limit, fit.slope_error / slope_limit);
    return fit;
  };
  // halves the intervals in which samples are beyond the limits
  const auto finer = [](std::vector<double>& knots, const std::vector<int>& beyond, double least) {
    std::vector<double> out{knots.front()};
    for (std::size_t k = 0; k + 1 < knots.size(); ++k) {
      if (beyond[k] > 0 && knots[k + 1] - knots[k] > 2.0 * least) out.push_back(0.5 * (knots[k] + knots[k + 1]));
      out.push_back(knots[k + 1]);
    }
    const bool changed = out.size() > knots.size() && out.size() <= PlanarFunction::most_knots;
    if (changed) knots = std::move(out);
    return changed;
  };

  constexpr int most_rounds = 10;
  constexpr std::size_t most_coefficients = 40000;
  constexpr double least_angle = 0.004, least_radius = 2e-4;  // [rad, m]
  Trial now = tried(start), best = now;
  int idle = 0;
  for (int round = 0; round < most_rounds && best.score > 1.0 && best.score < inf; ++round) {
    Trial next;
    double most = -inf;
    for (int way = 1; way < 8; ++way) {
      PlanarFunction f = now.function;
      bool changed = false;
      if (way & 1) changed = finer(f.near_angle, now.angle, least_angle);
      if (way & 2) changed = finer(f.near_radius, now.radius, least_radius) || changed;
      if (way & 4 && far_moves && f.degree < PlanarFunction::most_degree) ++f.degree, changed = true;
      if (!changed || way == 5 || way == 6 || f.size() > most_coefficients) continue;
      Trial fit = tried(f);
      if (fit.score == inf) continue;
      // where that helps most for what it takes
      const double gain = std::log(now.score / fit.score) /
                          std::log(static_cast<double>(f.size()) / static_cast<double>(now.function.size()));
      if (gain > most) most = gain, next = std::move(fit);
    }
    if (most == -inf) break;
    now = std::move(next);
    idle = now.score < 0.9 * best.score ? 0 : idle + 1;
    if (now.score < best.score) best = now;
    if (idle == 2) break;  // a jump stays, however near knots are
  }
  AcrossFit out = static_cast<const AcrossFit&>(best);  // without what only trials need
  if (!far_moves) out.function.far_angle = out.function.far_radius = {0.0, 1.0};
  return out;
}

}  // namespace psoas
