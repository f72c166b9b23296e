// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/model/fit_paths.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "model/arms.hpp"
#include "model/fit_across.hpp"
#include "model/fitted.hpp"
#include "model/json_walk.hpp"
#include "model/mirror.hpp"
#include "psoas/core/sampling.hpp"
#include "psoas/core/units.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

/// A place in a range; one in eight is at an end of it, where fits are worst.
double in(Uniform& uniform, const std::array<double, 2>& range) {
  const double x = uniform(), low = range[0], high = range[1];
  return x < 0.0625 ? low : x > 0.9375 ? high : low + (high - low) * (x - 0.0625) / 0.875;
}

/// Errors of moment arms that are aimed at, over those of length.
constexpr double arm_share = 10.0;

/// A stretch of a muscle's path between points that are always there.
struct Piece {
  Path path;
  int from = 0, to = 0;  // points of the muscle's path
  std::vector<ArmSlot> arms;
};

/// What of a muscle's path depends on one set of independent coordinates.
struct Part {
  int muscle = 0;
  std::vector<Piece> pieces;
  const Part* twin = nullptr;                // the same part of the muscle on the other side, which is fitted for both
  bool stretched = false;                    // its lengths come from the places of ends, not from the term
  bool over_many = false;                    // one piece over several parallel cylinders
  std::vector<int> coordinates;              // ascending
  std::vector<const OutsideDomain*> domain;  // those over these coordinates alone
  double tolerance = 0.0;                    // [m]
  FittedTerm term;
  double error = inf, arm_error = inf;  // of the best term so far [m]

  double score() const { return std::max(error, arm_error / arm_share) / tolerance; }
  /// What it costs to take lengths from the places of ends, in the unit of Layout::cost(); terms are summed side by side.
  double cost_of_stretches() const {
    double cost = 0.0;
    for (const Piece& piece : pieces)
      cost += 150.0 + 20.0 * static_cast<double>(piece.arms.size()) + (piece.path.wraps.empty() ? 0.0 : 300.0);
    return cost;
  }
  /// Whether its lengths can come from the places of ends.
  bool is_stretched() const {
    return std::all_of(pieces.begin(), pieces.end(), [](const Piece& piece) { return is_stretch(piece.path); });
  }
};

/// How a term is laid out: which coordinates have splines, on how many intervals, and the degree in the others. Places
/// are those in Part::coordinates.
struct Layout {
  std::vector<int> splines, intervals, polynomials;
  int degree = 0;

  double cost() const {
    // multiplications a posture, and a little for what has to be stored
    const std::size_t p = polynomials.size();
    const double functions = static_cast<double>(FittedTerm::size({}, p, degree));
    const double slopes = degree > 0 ? static_cast<double>(p * FittedTerm::size({}, p, degree - 1)) : 0.0;
    // a value and a slope along the last spline, one more along each before
    double along = 0.0, rest = 4.0;
    for (std::size_t k = splines.size(); k > 0; --k, rest *= 4.0) along += static_cast<double>(k + 1) * rest;
    return functions * (1.0 + along + (splines.empty() ? 0.0 : 3.0)) + slopes + 0.02 * static_cast<double>(size());
  }
  std::size_t size() const { return FittedTerm::size(intervals, polynomials.size(), degree); }
  /// By coordinates, so that equal layouts are seen to be.
  void sort() {
    for (std::size_t i = 1; i < splines.size(); ++i)
      for (std::size_t k = i; k > 0 && splines[k - 1] > splines[k]; --k) {
        std::swap(splines[k - 1], splines[k]);
        std::swap(intervals[k - 1], intervals[k]);
      }
    std::sort(polynomials.begin(), polynomials.end());
  }
};

constexpr std::array<int, 13> interval_ladder{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32};
constexpr std::size_t most_coefficients = 12000;
constexpr std::size_t ample_grid = 400000;  // postures beyond which a grid is made as coarse as the layout bears
constexpr int line_points = 65;

/// Values at equally spaced points to coefficients of cubic B-splines, by least squares.
MatX spline_operator(int intervals, std::size_t points) {
  MatX values = MatX::Zero(index(points), intervals + 3);
  for (std::size_t i = 0; i < points; ++i) {
    const SplineValues<double> v =
        spline_values<double>(0.0, 1.0, intervals, static_cast<double>(i) / static_cast<double>(points - 1));
    for (int k = 0; k < 4; ++k) values(index(i), v.first + k) = v.value[at(k)];
  }
  return values.householderQr().solve(MatX::Identity(index(points), index(points)));
}

/// Values at Chebyshev's points (roots of the polynomial of degree `points`) to coefficients of degree 0 … degree.
MatX chebyshev_operator(int degree, std::size_t points) {
  MatX out(degree + 1, index(points));
  const double n = static_cast<double>(points);
  for (int k = 0; k <= degree; ++k)
    for (std::size_t i = 0; i < points; ++i)
      out(k, index(i)) = (k == 0 ? 1.0 : 2.0) / n * std::cos(pi * k * (static_cast<double>(i) + 0.5) / n);
  return out;
}
/// What least squares leave on a line of equally spaced points.
MatX residual_operator(const MatX& values) {
  const MatX q = values.householderQr().householderQ() * MatX::Identity(values.rows(), values.cols());
  return MatX::Identity(values.rows(), values.rows()) - q * q.transpose();
}

/// data has the shape `shape`, last index fastest; every vector along `axis` is multiplied by M.
std::vector<double> along(const MatX& M, const std::vector<double>& data, std::vector<std::size_t>& shape,
                          std::size_t axis) {
  std::size_t outer = 1, inner = 1;
  for (std::size_t k = 0; k < axis; ++k) outer *= shape[k];
  for (std::size_t k = axis + 1; k < shape.size(); ++k) inner *= shape[k];
  const std::size_t n = shape[axis], m = static_cast<std::size_t>(M.rows());
  std::vector<double> out(outer * m * inner);
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  for (std::size_t o = 0; o < outer; ++o)
    Eigen::Map<Rows>(out.data() + o * m * inner, index(m), index(inner)).noalias() =
        M * Eigen::Map<const Rows>(data.data() + o * n * inner, index(n), index(inner));
  shape[axis] = m;
  return out;
}

class Fitter {
 public:
  Fitter(const ModelSpec& spec, const FitOptions& options)
      : options_(options), model_(exact(spec)), work_(model_), ranges_(independent_ranges(model_.data())) {
    const ModelData& data = model_.data();
    q_ = data.default_coordinates;
    for (std::size_t c = 0; c < q_.size(); ++c) q_[c] = std::clamp(q_[c], ranges_[c][0], ranges_[c][1]);
    zero_.assign(q_.size(), 0.0);
    std::size_t most_bodies = 0;
    stays_exact_.resize(at(model_.muscles()));
    for (int m = 0; m < model_.muscles(); ++m) {
      cut(m);
      most_bodies = std::max(most_bodies, data.paths[at(m)].bodies.size());
    }
    wrench_.assign(most_bodies, Spatial::Zero());
    drive_.assign(Path::max_motions, 0.0);
  }

  ModelSpec run() {
    find_twins();
    std::map<std::vector<int>, std::vector<Part*>> families;
    for (Part& part : parts_)
      if (!part.over_many && !part.twin) families[part.coordinates].push_back(&part);
    std::size_t done = 0;
    const auto report = [&](std::size_t parts) {
      done += parts;
      if (options_.progress)
        options_.progress(0.9 * static_cast<double>(done) / static_cast<double>(parts_.size()), "fitting");
    };
    for (auto& [coordinates, parts] : families) family(coordinates, parts, report);
    for (Part& part : parts_)
      if (part.twin) mirror_term(part), report(part.over_many ? 0 : 1);
    stretch_where_better(report);
    return finish();
  }

 private:
  struct Probe {
    std::vector<std::array<double, interval_ladder.size()>> spline;       // per coordinate
    std::vector<std::array<double, FittedTerm::most_degree>> polynomial;  // per coordinate
  };

  static Model exact(ModelSpec spec) {
    spec.paths = "exact";
    return Model(spec);
  }

  /// Whether the model declares the posture to be outside the domain of a part's muscle.
  bool outside(const Part& part) const {
    return std::any_of(part.domain.begin(), part.domain.end(),
                       [&](const OutsideDomain* item) { return item->holds(q_); });
  }

  /// Length of a part's pieces, nan where a surface is ignored, which is no length to follow; its slopes over the part's
  /// coordinates, where they are wanted.
  double length(const Part& part, double* slopes = nullptr) {
    double sum = 0.0;
    bool inside = false;
    if (slopes) std::fill(slopes, slopes + part.coordinates.size(), 0.0);
    for (const Piece& piece : part.pieces) {
      const std::span<Spatial> wrench(wrench_.data(), piece.path.bodies.size());
      const std::span<double> drive(drive_.data(), slopes ? piece.path.motions.size() : 0);
      const PathValue<double> value = evaluate_path<double>(piece.path, std::span<const Pose>(work_.tree.X_GB),
                                                            std::span<const double>(work_.q), wrench, drive);
      sum += value.length;
      inside = inside || value.inside;
      if (!slopes) continue;
      for (const ArmSlot& slot : piece.arms) {
        const double arm = arm_of<double>(slot, wrench, drive, work_.tree.motion[at(slot.coordinate)]);
        slopes[place_in(part.coordinates, source(slot))] -= work_.slope[at(slot.coordinate)] * arm;
      }
    }
    return inside ? std::nan("") : sum;
  }

  int source(const ArmSlot& slot) const { return model_.data().couplings[at(slot.coordinate)].source; }
  static std::size_t place_in(const std::vector<int>& sorted, int item) {
    return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), item) - sorted.begin());
  }

  void pose() {
    couple(model_, q_, zero_, work_);
    positions<double>(model_.tree(), work_.q, work_.tree);
  }

  void sample(const std::vector<Part*>& parts, std::vector<std::vector<double>>& out, std::size_t i) {
    pose();
    for (std::size_t p = 0; p < parts.size(); ++p) out[p][i] = length(*parts[p]);
  }

  /// Pairs the parts of left muscles with those of right ones that have their lengths in mirrored postures.
  void find_twins() {
    mirror_ = mirror_of(model_, model_.data().default_coordinates, work_);
    std::map<std::string, std::vector<Part*>> of_muscle;
    for (Part& part : parts_) of_muscle[model_.data().muscle_names[at(part.muscle)]].push_back(&part);
    for (auto& [name, parts] : of_muscle) {
      if (!name.ends_with("_l")) continue;
      const auto right = of_muscle.find(name.substr(0, name.size() - 1) + "r");
      if (right == of_muscle.end() || right->second.size() != parts.size()) continue;
      for (std::size_t i = 0; i < parts.size(); ++i)
        if (mirrors(*right->second[i], *parts[i])) parts[i]->twin = right->second[i];
    }
  }

  /// Whether a part has the lengths of another one in mirrored postures.
  bool mirrors(const Part& right, const Part& left) {
    if (right.coordinates.empty() || right.over_many != left.over_many || right.domain.size() != left.domain.size())
      return false;
    std::vector<int> partners;
    for (const int c : right.coordinates) {
      const double sign = mirror_.sign[at(c)];
      if (sign == 0.0) return false;
      const int partner = mirror_.partner[at(c)];
      const std::array<double, 2>&range = ranges_[at(c)], &other = ranges_[at(partner)];
      if (sign > 0.0 ? other != range : other != std::array<double, 2>{-range[1], -range[0]}) return false;
      partners.push_back(partner);
    }
    std::sort(partners.begin(), partners.end());
    if (partners != left.coordinates) return false;
    Uniform uniform(5);
    const std::vector<double> kept = q_;
    bool same = true;
    for (int i = 0; i < 50 && same; ++i) {
      std::vector<double> mirrored = kept;
      q_ = kept;
      for (const int c : right.coordinates) {
        q_[at(c)] = in(uniform, ranges_[at(c)]);
        mirrored[at(mirror_.partner[at(c)])] = mirror_.sign[at(c)] * q_[at(c)];
      }
      pose();
      const double here = length(right);
      const bool here_outside = outside(right);
      q_ = mirrored;
      pose();
      const double there = length(left);
      same = here_outside != outside(left) ? false
             : std::isnan(here)            ? std::isnan(there)
                                           : std::abs(here - there) < 1e-9;
    }
    q_ = kept;
    return same;
  }

  /// Gives a part the term of its twin, seen in the mirror.
  void mirror_term(Part& part) {
    const Part& twin = *part.twin;
    if (twin.term.coefficients.empty() && !twin.over_many) return without_length(part.muscle);
    part.error = twin.error;
    part.arm_error = twin.arm_error;
    FittedTerm& term = part.term = twin.term;
    const std::size_t splines = term.intervals.size(), polynomials = term.coordinates.size() - splines;
    const std::vector<Powers> powers = powers_of(polynomials, term.degree);
    for (std::size_t i = 0; i < term.coefficients.size(); ++i) {
      std::size_t rest = i / powers.size(), from = 0, step = powers.size();
      for (std::size_t k = splines; k-- > 0;) {
        const auto count = at(term.intervals[k] + 3);
        const bool turned = mirror_.sign[at(twin.term.coordinates[k])] < 0.0;
        from += (turned ? count - 1 - rest % count : rest % count) * step;
        rest /= count;
        step *= count;
      }
      double sign = 1.0;
      for (std::size_t k = 0; k < polynomials; ++k)
        if (mirror_.sign[at(twin.term.coordinates[splines + k])] < 0.0 && powers[i % powers.size()][k] % 2 != 0)
          sign = -sign;
      term.coefficients[i] = sign * twin.term.coefficients[from + i % powers.size()];
    }
    for (int& c : term.coordinates) c = mirror_.partner[at(c)];
  }

  bool have_ranges(const std::vector<int>& coordinates) const {
    return std::all_of(coordinates.begin(), coordinates.end(), [&](int c) {
      const double width = ranges_[at(c)][1] - ranges_[at(c)][0];
      return width > 0.0 && width <= (model_.data().is_rotation[at(c)] ? 4.0 * pi : 4.0);
    });
  }

  /// Cuts a muscle's path where a point is always part of it, and puts together what depends on the same coordinates.
  void cut(int muscle) {
    const Path& whole = model_.data().paths[at(muscle)];
    std::vector<Part> parts;
    const int last = static_cast<int>(whole.points.size()) - 1;
    // a path whose ends come and go is one stretch
    const bool ends = whole.points.front().coordinate < 0 && whole.points.back().coordinate < 0;
    for (int from = 0; from < last;) {
      int to = ends ? from + 1 : last;
      while (whole.points[at(to)].coordinate >= 0 && to < last) ++to;
      Path path;
      path.points.assign(whole.points.begin() + from, whole.points.begin() + to + 1);
      for (PathWrap wrap : whole.wraps) {
        wrap.first = std::max(wrap.first, from) - from;
        wrap.last = std::min(wrap.last, to) - from;
        if (wrap.first < wrap.last) path.wraps.push_back(wrap);
      }
      for (PointMotion motion : whole.motions) {
        motion.point -= from;
        if (motion.point >= 0 && motion.point <= to - from) path.motions.push_back(motion);
      }
      path.finish();
      Piece piece{std::move(path), from, to, {}};
      append_arm_slots(model_.tree(), piece.path, piece.arms);
      std::vector<int> coordinates;
      for (const ArmSlot& slot : piece.arms) coordinates.push_back(source(slot));
      std::sort(coordinates.begin(), coordinates.end());
      coordinates.erase(std::unique(coordinates.begin(), coordinates.end()), coordinates.end());
      // several cylinders bend a string too often for functions of coordinates, if there are such functions at all
      const bool over_many =
          is_stretch(piece.path) && (piece.path.wraps.size() > 1 || coordinates.size() > FittedTerm::most_polynomials ||
                                     !have_ranges(coordinates));
      const auto same = std::find_if(parts.begin(), parts.end(), [&](const Part& part) {
        return !over_many && !part.over_many && part.coordinates == coordinates;
      });
      if (same != parts.end()) {
        same->pieces.push_back(std::move(piece));
      } else {
        Part& part = parts.emplace_back();
        part.muscle = muscle;
        part.over_many = over_many;
        part.coordinates = std::move(coordinates);
        part.pieces.push_back(std::move(piece));
      }
      from = to;
    }
    // what depends on fewer coordinates goes along with what depends on those and others, where that is no dearer
    std::stable_sort(parts.begin(), parts.end(),
                     [](const Part& a, const Part& b) { return a.coordinates.size() > b.coordinates.size(); });
    for (std::size_t i = parts.size(); i-- > 1;)
      for (std::size_t k = 0; k < i; ++k)
        if (!parts[i].over_many && !parts[k].over_many &&
            (parts[k].coordinates.size() <= 3 || parts[i].coordinates.empty()) &&
            std::includes(parts[k].coordinates.begin(), parts[k].coordinates.end(), parts[i].coordinates.begin(),
                          parts[i].coordinates.end())) {
          for (Piece& piece : parts[i].pieces) parts[k].pieces.push_back(std::move(piece));
          parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
          break;
        }
    const ModelData& data = model_.data();
    for (const Part& part : parts) {
      const bool straight = part.is_stretched() && std::all_of(part.pieces.begin(), part.pieces.end(),
                                                               [](const Piece& p) { return p.path.wraps.empty(); });
      if (straight) continue;
      if (!part.over_many && part.coordinates.size() > FittedTerm::most_polynomials)
        stays_exact_[at(muscle)] = "a stretch between two points depends on " +
                                   std::to_string(part.coordinates.size()) + " coordinates, more than six";
      for (const int c : part.coordinates)
        if (!have_ranges({c}))
          stays_exact_[at(muscle)] =
              "the range of " + data.coordinate_names[at(c)] + " is not above nothing and at most two turns or 4 m";
    }
    if (!stays_exact_[at(muscle)].empty()) return;
    for (Part& part : parts) {
      for (const OutsideDomain& item : data.domain)
        if (std::find(item.muscles.begin(), item.muscles.end(), muscle) != item.muscles.end() &&
            std::all_of(item.ranges.begin(), item.ranges.end(), [&](const OutsideDomain::Range& range) {
              return std::binary_search(part.coordinates.begin(), part.coordinates.end(), range.coordinate);
            }))
          part.domain.push_back(&item);
      part.tolerance = options_.tolerance / static_cast<double>(parts.size());
      parts_.push_back(std::move(part));
    }
  }

  /// Where a line has places without a length, its longest piece that has none takes up the whole line (interpolated by
  /// parabolas): what it would take to follow that piece, a little too kindly.
  static void stretch(std::span<double> line) {
    std::size_t first = 0, size = 0;
    for (std::size_t i = 0, start = 0; i <= line.size(); ++i)
      if (i == line.size() || std::isnan(line[i])) {
        if (i - start > size) first = start, size = i - start;
        start = i + 1;
      }
    if (size == line.size() || size < 9) return;
    const std::vector<double> piece(line.begin() + static_cast<std::ptrdiff_t>(first),
                                    line.begin() + static_cast<std::ptrdiff_t>(first + size));
    for (std::size_t i = 0; i < line.size(); ++i) {
      const double x = static_cast<double>(i * (size - 1)) / static_cast<double>(line.size() - 1);
      const std::size_t k = std::clamp<std::size_t>(static_cast<std::size_t>(std::lround(x)), 1, size - 2);
      const double t = x - static_cast<double>(k);
      line[i] = piece[k] + 0.5 * t * (piece[k + 1] - piece[k - 1]) +
                0.5 * t * t * (piece[k + 1] - 2.0 * piece[k] + piece[k - 1]);
    }
  }

  /// What splines and polynomials leave along each coordinate, on lines through random postures.
  std::vector<Probe> probe(const std::vector<int>& coordinates, const std::vector<Part*>& parts) {
    constexpr std::size_t lines = 24;
    Uniform uniform(1);
    std::vector<Probe> probes(parts.size());
    for (const int c : coordinates) {
      std::vector<std::vector<double>> values(parts.size(), std::vector<double>(lines * line_points));
      for (std::size_t line = 0; line < lines; ++line) {
        for (const int other : coordinates) q_[at(other)] = in(uniform, ranges_[at(other)]);
        for (int i = 0; i < line_points; ++i) {
          q_[at(c)] = ranges_[at(c)][0] + (ranges_[at(c)][1] - ranges_[at(c)][0]) * i / (line_points - 1);
          sample(parts, values, line * line_points + at(i));
        }
      }
      for (std::size_t p = 0; p < parts.size(); ++p) {
        for (std::size_t line = 0; line < lines; ++line)
          stretch(std::span<double>(values[p].data() + line * line_points, line_points));
        const Eigen::Map<const MatX> data(values[p].data(), line_points, lines);
        for (auto& [operators, out] :
             {std::pair<const std::vector<MatX>*, double*>{
                  &spline_residuals_,
                  probes[p].spline.emplace_back(std::array<double, interval_ladder.size()>{}).data()},
              {&polynomial_residuals_,
               probes[p].polynomial.emplace_back(std::array<double, FittedTerm::most_degree>{}).data()}})
          for (std::size_t k = 0; k < operators->size(); ++k)
            for (std::size_t line = 0; line < lines; ++line) {
              const double left = ((*operators)[k] * data.col(index(line))).cwiseAbs().maxCoeff<Eigen::PropagateNaN>();
              if (left > out[k]) out[k] = left;  // false for nan: a line without lengths says nothing
            }
      }
    }
    return probes;
  }

  /// The cheapest layout whose errors along single coordinates are within a limit; without one, the finest.
  static Layout choose(const Probe& probe, double limit) {
    const int d = static_cast<int>(probe.spline.size());
    std::vector<int> order(at(d));  // roughest first
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return probe.polynomial[at(a)][3] > probe.polynomial[at(b)][3]; });
    Layout best;
    bool found = false;
    for (int splines = 0; splines <= std::min(3, d); ++splines) {
      Layout layout;
      bool fine = true;
      for (int k = 0; k < d; ++k) {
        const int c = order[at(k)];
        if (k < splines) {
          std::size_t n = 0;
          while (n + 1 < interval_ladder.size() && probe.spline[at(c)][n] > limit) ++n;
          fine = fine && probe.spline[at(c)][n] <= limit;
          layout.splines.push_back(c);
          layout.intervals.push_back(interval_ladder[n]);
        } else {
          int p = layout.degree;
          while (p < FittedTerm::most_degree - 1 && probe.polynomial[at(c)][at(p)] > limit) ++p;
          fine = fine && probe.polynomial[at(c)][at(p)] <= limit;
          layout.degree = p;
          layout.polynomials.push_back(c);
        }
      }
      // too much to store: the finest coordinates give way
      while (layout.size() > most_coefficients) {
        fine = false;
        auto finest = std::max_element(layout.intervals.begin(), layout.intervals.end());
        if (finest != layout.intervals.end() && *finest > 4)
          *finest = *std::prev(std::lower_bound(interval_ladder.begin(), interval_ladder.end(), *finest));
        else
          --layout.degree;
      }
      layout.sort();
      const bool better = best.splines.empty() && best.polynomials.empty() ? true
                          : fine != found                                  ? fine
                          : fine                                           ? layout.cost() < best.cost()
                                                                           : splines > 0;
      if (better) best = layout, found = fine;
    }
    return best;
  }

  /// Gives layouts of the same splines the same intervals where that does not take much space: terms of one layout are
  /// evaluated side by side.
  static void share_intervals(std::vector<std::size_t> members, std::vector<Layout>& layouts) {
    constexpr std::size_t most = 4000;
    std::stable_sort(members.begin(), members.end(),
                     [&](std::size_t a, std::size_t b) { return layouts[a].size() < layouts[b].size(); });
    std::vector<std::size_t> sharing;
    std::vector<int> common = layouts[members.front()].intervals;
    for (const std::size_t p : members) {
      Layout next = layouts[p];
      for (std::size_t k = 0; k < common.size(); ++k) next.intervals[k] = std::max(common[k], next.intervals[k]);
      if (next.size() > most) continue;
      common = next.intervals;
      sharing.push_back(p);
    }
    for (const std::size_t p : sharing) layouts[p].intervals = common;
  }

  /// Samples a grid that suits all layouts of the same splines and polynomials, and solves for each part's term.
  void solve(const std::vector<int>& coordinates, const std::vector<std::pair<Part*, Layout>>& jobs,
             std::vector<FittedTerm>& terms) {
    const Layout& kind = jobs.front().second;
    const std::size_t splines = kind.splines.size(), d = splines + kind.polynomials.size();
    std::vector<std::size_t> shape(d, 1);
    for (const auto& [part, layout] : jobs) {
      for (std::size_t k = 0; k < splines; ++k) shape[k] = std::max(shape[k], at(2 * layout.intervals[k] + 3));
      for (std::size_t k = splines; k < d; ++k) shape[k] = std::max(shape[k], at(layout.degree + 2));
    }
    const auto grid = [&] { return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()); };
    // fewer points than that still determine the splines
    for (std::size_t k = 0; k < splines && grid() > ample_grid; ++k) {
      shape[k] = 0;
      for (const auto& [part, layout] : jobs) shape[k] = std::max(shape[k], at(layout.intervals[k] + 4));
    }
    for (std::size_t k = splines; k < d && grid() > ample_grid; ++k) --shape[k];
    std::vector<int> order = kind.splines;
    order.insert(order.end(), kind.polynomials.begin(), kind.polynomials.end());
    std::vector<Part*> parts;
    for (const auto& [part, layout] : jobs) parts.push_back(part);
    std::vector<std::vector<double>> values(parts.size(), std::vector<double>(grid()));
    const auto go_to = [&](std::size_t i) {  // the posture of a point of the grid
      for (std::size_t k = d; k-- > 0; i /= shape[k]) {
        const auto c = at(coordinates[at(order[k])]);
        const std::size_t place = i % shape[k];
        const double width = ranges_[c][1] - ranges_[c][0];
        q_[c] = k < splines ? ranges_[c][0] + width * static_cast<double>(place) / static_cast<double>(shape[k] - 1)
                            : chebyshev_point(ranges_[c], place, shape[k]);
      }
    };
    for (std::size_t i = 0; i < values.front().size(); ++i) {
      go_to(i);
      sample(parts, values, i);
    }
    for (std::size_t p = 0; p < jobs.size(); ++p) {
      const Layout& layout = jobs[p].second;
      std::vector<MatX> operators;
      for (std::size_t k = 0; k < d; ++k)
        operators.push_back(k < splines ? spline_operator(layout.intervals[k], shape[k])
                                        : chebyshev_operator(layout.degree, shape[k]));
      FittedTerm& term = terms[p];
      for (const int c : order) term.coordinates.push_back(coordinates[at(c)]);
      term.intervals = layout.intervals;
      term.degree = layout.degree;
      const std::vector<Powers> powers = powers_of(d - splines, layout.degree);
      const auto solved = [&](std::vector<double> data) {
        std::vector<std::size_t> sizes = shape;
        for (std::size_t k = 0; k < d; ++k) data = along(operators[k], data, sizes, k);
        term.coefficients.clear();
        std::size_t block = 1;
        for (std::size_t k = splines; k < d; ++k) block *= sizes[k];
        for (std::size_t start = 0; start < data.size(); start += block)
          for (const Powers& power : powers) {
            std::size_t entry = 0;
            for (std::size_t k = splines; k < d; ++k) entry = entry * sizes[k] + at(power[k - splines]);
            term.coefficients.push_back(data[start + entry]);
          }
      };
      // Where there is no length, that of the fit itself stands in, again and again: least squares of the rest
      // (Healy & Westmacott 1956).
      std::vector<double>& data = values[p];
      std::vector<std::size_t> missing;
      double last = 0.0;
      for (const double x : data)
        if (!std::isnan(x)) last = x;
      for (std::size_t i = 0; i < data.size(); ++i)
        if (std::isnan(data[i]))
          missing.push_back(i), data[i] = last;
        else
          last = data[i];
      solved(data);
      double change = missing.empty() ? 0.0 : inf;
      for (int round = 0; round < 30 && change > 0.05 * jobs[p].first->tolerance; ++round) {
        change = 0.0;
        const FittedPaths fitted({{term}}, ranges_);
        FittedWork<double> work(fitted);
        for (const std::size_t i : missing) {
          go_to(i);
          fitted.evaluate<double>(q_, work);
          change = std::max(change, std::abs(work.length[0] - data[i]));
          data[i] = work.length[0];
        }
        solved(data);
      }
      for (double& c : term.coefficients) c = rounded(c);
    }
  }

  /// To a thousandth of the tolerance, in decimal places of a micrometre.
  double rounded(double x) const { return in_micrometres(x) * 1e-6; }

  struct Errors {
    double length = 0.0, arm = 0.0;
  };
  /// The greatest errors of a term on a sample: rows of a length and its slopes.
  Errors errors(const FittedTerm& term, const Part& part, const std::vector<std::vector<double>>& postures,
                const std::vector<double>& exact) {
    const FittedPaths fitted({{term}}, ranges_);
    FittedWork<double> work(fitted);
    Errors worst;
    const std::size_t slopes = part.coordinates.size();
    for (std::size_t i = 0; i < postures.size(); ++i) {
      const double* row = exact.data() + i * (slopes + 1);
      if (std::isnan(row[0])) continue;
      fitted.evaluate<double>(postures[i], work);
      worst.length = std::max(worst.length, std::abs(work.length[0] - row[0]));
      for (std::size_t s = 0; s < slopes; ++s) worst.arm = std::max(worst.arm, std::abs(work.slope[s] - row[s + 1]));
    }
    return worst;
  }

  /// Fits all parts that depend on the same coordinates.
  void family(const std::vector<int>& coordinates, const std::vector<Part*>& parts,
              const std::function<void(std::size_t)>& report) {
    if (coordinates.empty()) {
      pose();
      for (Part* part : parts) {
        part->error = part->arm_error = 0.0;
        const double constant = length(*part);
        if (std::isnan(constant)) without_length(part->muscle);
        part->term.coefficients = {std::isnan(constant) ? 0.0 : rounded(constant)};
      }
      return report(parts.size());
    }
    const std::vector<Probe> probes = probe(coordinates, parts);
    constexpr std::size_t tests = 5000;
    Uniform uniform(2);
    const std::size_t row = coordinates.size() + 1;
    std::vector<std::vector<double>> postures, exact(parts.size(), std::vector<double>(tests * row));
    for (std::size_t i = 0; i < tests; ++i) {
      for (const int c : coordinates) q_[at(c)] = in(uniform, ranges_[at(c)]);
      postures.push_back(q_);
      pose();
      for (std::size_t p = 0; p < parts.size(); ++p) {
        double* out = exact[p].data() + i * row;
        out[0] = length(*parts[p], out + 1);
        // lengths outside a domain lead the fit up to its border, but their errors do not count
        if (outside(*parts[p])) out[0] = std::nan("");
      }
    }
    constexpr int rounds = 9;
    std::vector<std::size_t> open;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      bool any = false;
      for (std::size_t i = 0; i < tests; ++i) any = any || !std::isnan(exact[p][i * row]);
      any ? open.push_back(p) : without_length(parts[p]->muscle);
    }
    report(parts.size() - open.size());
    std::vector<double> strict(parts.size(), 0.7);  // share of the tolerance allowed along one coordinate
    std::vector<int> idle(parts.size(), 0);         // rounds that did not help
    for (int round = 0; round < rounds && !open.empty(); ++round) {
      std::map<std::pair<std::vector<int>, std::vector<int>>, std::vector<std::size_t>> kinds;
      std::vector<Layout> layouts(parts.size());
      for (const std::size_t p : open) {
        layouts[p] = choose(probes[p], strict[p] * parts[p]->tolerance);
        kinds[{layouts[p].splines, layouts[p].polynomials}].push_back(p);
      }
      std::vector<std::size_t> left;
      for (const auto& [kind, members] : kinds) {
        std::vector<std::pair<Part*, Layout>> jobs;
        share_intervals(members, layouts);
        for (const std::size_t p : members) jobs.emplace_back(parts[p], layouts[p]);
        std::vector<FittedTerm> terms(members.size());
        solve(coordinates, jobs, terms);
        for (std::size_t k = 0; k < members.size(); ++k) {
          const std::size_t p = members[k];
          Part& part = *parts[p];
          const Errors now = errors(terms[k], part, postures, exact[p]);
          const double score = std::max(now.length, now.arm / arm_share) / part.tolerance;
          // a jump stays, whatever stands around it
          if (score > 0.8 * part.score() && score > 2.0) ++idle[p];
          if (score < part.score()) part.term = terms[k], part.error = now.length, part.arm_error = now.arm;
          // better, without more effort here
          const bool stretched = part.is_stretched() && layouts[p].cost() > part.cost_of_stretches();
          if (score > 0.7 && idle[p] < 2 && !stretched) {
            left.push_back(p);
            strict[p] *= std::clamp(0.7 / score, 0.2, 0.7);
          }
        }
      }
      report(open.size() - left.size());
      open = std::move(left);
    }
    report(open.size());
    for (const int c : coordinates)
      q_[at(c)] = std::clamp(model_.data().default_coordinates[at(c)], ranges_[at(c)][0], ranges_[at(c)][1]);
  }

  /// A stretch over cylinders, and what its function is fitted to.
  struct Across {
    Part* part = nullptr;
    const Piece* piece = nullptr;
    bool reversed = false,
         far_moves = true;  // the near end is the last point; the far one is not fixed to the cylinders
    std::size_t around = 0;
    std::vector<AcrossSample> samples;
    std::string name;  // of its function
  };

  /// Postures for samples of a part: its ranges' ends and middles, and others between.
  std::vector<std::vector<double>> sample_postures(const std::vector<int>& coordinates, int muscle) {
    std::vector<std::vector<double>> out;
    std::size_t ends = 1;
    for (std::size_t k = 0; k < coordinates.size() && k < 6; ++k) ends *= 3;
    for (std::size_t i = 0; i < ends; ++i) {
      std::size_t left = i;
      for (const int c : coordinates) {
        q_[at(c)] = ranges_[at(c)][0] + 0.5 * static_cast<double>(left % 3) * (ranges_[at(c)][1] - ranges_[at(c)][0]);
        left /= 3;
      }
      out.push_back(q_);
    }
    Uniform uniform(4 + static_cast<std::uint64_t>(muscle));
    for (int i = 0; i < 2500; ++i) {
      for (const int c : coordinates) q_[at(c)] = in(uniform, ranges_[at(c)]);
      out.push_back(q_);
    }
    return out;
  }

  /// Samples a stretch in the frame of the wrap `around`.
  std::vector<AcrossSample> sample_across(const Across& across) {
    const Part& part = *across.part;
    const Path& path = across.piece->path;
    const PathWrap& around = path.wraps[across.around];
    const PathPoint &near = path.points[across.reversed ? 1 : 0], &far = path.points[across.reversed ? 0 : 1];
    Part alone;
    alone.muscle = part.muscle;
    alone.coordinates = part.coordinates;
    alone.domain = part.domain;
    alone.pieces = {*across.piece};
    std::vector<AcrossSample> out;
    std::vector<double> slopes(part.coordinates.size());
    for (const std::vector<double>& posture : sample_postures(part.coordinates, part.muscle)) {
      q_ = posture;
      if (outside(alone)) continue;
      pose();
      AcrossSample sample;
      sample.length = length(alone, slopes.data());
      if (std::isnan(sample.length)) continue;
      const Pose X_GS = work_.tree.X_GB[at(around.body)] * around.X_BS, X_SG = X_GS.inverse();
      const Vec3 p = work_.tree.X_GB[at(near.body)] * near.location, q = work_.tree.X_GB[at(far.body)] * far.location;
      sample.near = X_SG * p;
      sample.far = X_SG * q;
      for (const double slope : slopes) sample.arms.push_back({Vec3::Zero(), Vec3::Zero(), slope});
      for (const ArmSlot& slot : across.piece->arms) {
        const int t = slot.coordinate;
        const Spatial motion = work_.slope[at(t)] * work_.tree.motion[at(t)];
        const auto velocity = [&](int body, const Vec3& point) {
          const double moves =
              (carries(model_.tree(), t, body) ? 1.0 : 0.0) - (carries(model_.tree(), t, around.body) ? 1.0 : 0.0);
          return Vec3(X_SG.R * (moves * (motion.head<3>().cross(point) + motion.tail<3>())));
        };
        AcrossSample::Arm& arm = sample.arms[place_in(part.coordinates, source(slot))];
        arm.near += velocity(near.body, p);
        arm.far += velocity(far.body, q);
      }
      out.push_back(std::move(sample));
    }
    return out;
  }

  /// Decides which end is the near one (the one that goes farther) and about which cylinder its distance changes least.
  Across laid_out(Part& part, const Piece& piece) {
    Across across;
    across.part = &part;
    across.piece = &piece;
    const Path& path = piece.path;
    const int carrier = path.wraps.front().body;
    double least = inf;
    std::size_t best = 0;
    bool best_reversed = false;
    for (std::size_t w = 0; w < path.wraps.size(); ++w) {
      across.around = w;
      across.reversed = false;
      const std::vector<AcrossSample> samples = sample_across(across);
      if (samples.empty()) break;
      const auto spread = [&](Vec3 AcrossSample::*end, bool radius) {
        double low = inf, high = -inf;
        for (const AcrossSample& sample : samples) {
          const Vec3& place = sample.*end;
          const double x = radius ? std::hypot(place.x(), place.y()) : place.x();
          low = std::min(low, x), high = std::max(high, x);
        }
        return high - low;
      };
      const bool reversed = spread(&AcrossSample::far, false) > spread(&AcrossSample::near, false);
      const double change = spread(reversed ? &AcrossSample::far : &AcrossSample::near, true);
      if (change < least) {
        least = change;
        best = w, best_reversed = reversed;
      }
    }
    across.around = best;
    across.reversed = best_reversed;
    across.far_moves = path.points[across.reversed ? 0 : 1].body != carrier;
    across.samples = sample_across(across);
    return across;
  }

  /// What functions across are for: the cylinders as they are seen along their axes, and a far end that never moves.
  static std::string seen_along(const Across& across) {
    const Path& path = across.piece->path;
    const Pose X_SB = path.wraps[across.around].X_BS.inverse();
    std::string key = across.reversed ? "reversed" : "";
    const auto add = [&](double x) { key += " " + std::to_string(std::llround(x * 1e9)); };
    for (const PathWrap& wrap : path.wraps) {
      const Pose X = X_SB * wrap.X_BS;
      add(X.p.x()), add(X.p.y()), add(std::get<Cylinder>(wrap.shape).radius);
      key += " " + std::to_string(static_cast<int>(wrap.side.rule));
      const Vec3 toward = X.R * wrap.side.direction;
      add(toward.x()), add(toward.y());
    }
    if (!across.far_moves) {
      const Vec3& far = across.samples.front().far;
      key += " fixed";
      add(far.x()), add(far.y());
    }
    return key;
  }

  /// Takes lengths from the places of ends where that is all that can be done, or better than functions of coordinates.
  void stretch_where_better(const std::function<void(std::size_t)>& report) {
    std::map<std::string, std::vector<Across>> kinds;
    std::vector<std::string> order;
    for (Part& part : parts_) {
      if (!stays_exact_[at(part.muscle)].empty()) continue;
      if (!part.over_many && (part.score() <= 0.7 || !part.is_stretched())) continue;
      part.stretched = true;
      for (const Piece& piece : part.pieces) {
        if (piece.path.wraps.empty()) continue;
        Across across = laid_out(part, piece);
        if (across.samples.empty()) {
          without_length(part.muscle);
          continue;
        }
        const std::string key = seen_along(across);
        if (!kinds.count(key)) order.push_back(key);
        kinds[key].push_back(std::move(across));
      }
      if (part.over_many) report(1);
    }
    for (const std::string& key : order) {
      std::vector<Across>& members = kinds[key];
      std::vector<AcrossSample> samples;
      double tolerance = inf;
      for (const Across& item : members) {
        samples.insert(samples.end(), item.samples.begin(), item.samples.end());
        tolerance = std::min(tolerance, item.part->tolerance / static_cast<double>(item.part->pieces.size()));
      }
      const Across& first = members.front();
      const AcrossFit fit = fit_across(first.piece->path, first.around, first.reversed, first.far_moves, samples,
                                       0.7 * tolerance, 0.7 * arm_share * tolerance);
      // not where functions of coordinates are better
      const double score = std::max(fit.length_error, fit.slope_error / arm_share) / tolerance;
      bool used = false;
      for (const Across& item : members) {
        if (item.part->over_many ? score < inf : score < item.part->score()) {
          used = true;
        } else {
          item.part->stretched = false;
          if (item.part->over_many) without_function(item.part->muscle);
        }
      }
      if (!used) continue;
      const std::string name = model_.spec().muscles.begin()[first.part->muscle].second.wraps[wrap_of(first)].surface;
      PlanarFunctionSpec& spec = functions_.add(unused(name));
      const PlanarFunction& f = fit.function;
      spec.near_angle = f.near_angle;
      spec.near_radius = f.near_radius;
      if (f.degree > 0) spec.far_angle = f.far_angle, spec.far_radius = f.far_radius;
      spec.degree = f.degree;
      for (const double c : f.coefficients) spec.coefficients_um.push_back(in_micrometres(c));
      for (Across& item : members) {
        item.samples.clear();
        item.name = (functions_.end() - 1)->first;
        across_.push_back(std::move(item));
      }
    }
  }

  /// The place among the muscle's wraps of the one that a function is about.
  std::size_t wrap_of(const Across& across) const {
    const Path& whole = model_.data().paths[at(across.part->muscle)];
    const PathWrap& around = across.piece->path.wraps[across.around];
    std::size_t w = 0;
    while (whole.wraps[w].body != around.body || whole.wraps[w].X_BS.p != around.X_BS.p ||
           whole.wraps[w].X_BS.R != around.X_BS.R)
      ++w;
    return w;
  }

  std::string unused(const std::string& name) const {
    std::string out = name;
    for (int k = 2; functions_.find(out); ++k) out = name + "_" + std::to_string(k);
    return out;
  }

  void without_function(int muscle) {
    stays_exact_[at(muscle)] = "too few postures have a string over the cylinders of a stretch";
  }
  void without_length(int muscle) {
    stays_exact_[at(muscle)] =
        "it has no length anywhere in the ranges and the domain: it is flagged in every posture (a point inside a "
        "surface, or a surface that it cannot pass as asked)";
  }

  /// Puts the terms into the spec and measures lengths and moment arms against the exact paths.
  ModelSpec finish() {
    ModelSpec out = model_.spec();
    const ModelData& data = model_.data();
    const std::vector<std::string> prints = path_fingerprints(out);
    std::vector<FittedSpec> specs(at(model_.muscles()));
    out.fitted_across = functions_;
    for (const Part& part : parts_) {
      if (!stays_exact_[at(part.muscle)].empty()) continue;
      if (part.stretched) {
        for (const Piece& piece : part.pieces) {
          FittedStretchSpec& stretch = specs[at(part.muscle)].stretches.emplace_back();
          stretch.points = {piece.from, piece.to};
          const auto found = std::find_if(across_.begin(), across_.end(),
                                          [&](const Across& across) { return across.piece == &piece; });
          if (found == across_.end()) continue;
          if (found->reversed) std::swap(stretch.points[0], stretch.points[1]);
          stretch.across = found->name;
          stretch.around = model_.spec().muscles.begin()[part.muscle].second.wraps[wrap_of(*found)].surface;
        }
        continue;
      }
      FittedTermSpec& term = specs[at(part.muscle)].terms.emplace_back();
      for (const int c : part.term.coordinates) term.coordinates.push_back(data.coordinate_names[at(c)]);
      term.intervals = part.term.intervals;
      term.degree = part.term.degree;
      for (const double c : part.term.coefficients) term.coefficients_um.push_back(in_micrometres(c));
    }
    std::size_t m = 0;
    out.paths = "fitted";
    for (auto& [name, muscle] : out.muscles) {
      specs[m].made_for = prints[m];
      if (!stays_exact_[m].empty()) specs[m].stays_exact = stays_exact_[m];
      specs[m].postures = options_.postures;
      specs[m].worst_length_error = specs[m].rms_length_error = 0.0;
      specs[m].worst_moment_arm_error = specs[m].rms_moment_arm_error = 0.0;
      muscle.fitted = specs[m++];
    }
    const Model fitted(out);
    Workspace work(fitted);
    Uniform uniform(3);
    std::vector<double> worst_length(specs.size(), 0.0), worst_arm = worst_length, sum_length = worst_length,
                                                         sum_arm = worst_length;
    std::vector<int> counted(specs.size(), 0);
    for (int i = 0; i < options_.postures; ++i) {
      for (std::size_t c = 0; c < q_.size(); ++c) q_[c] = in(uniform, ranges_[c]);
      evaluate(model_, q_, zero_, work_, Depth::position);
      evaluate(fitted, q_, zero_, work, Depth::position);
      for (m = 0; m < specs.size(); ++m) {
        if (work_.inside[m] || outside_domain(model_, q_, static_cast<int>(m))) continue;
        ++counted[m];
        const double miss = std::abs(work.length[m] - work_.length[m]);
        worst_length[m] = std::max(worst_length[m], miss);
        sum_length[m] += miss * miss;
        const FittedPaths& paths = fitted.data().fitted;
        for (int s = paths.first_slope(static_cast<int>(m)); s < paths.first_slope(static_cast<int>(m) + 1); ++s) {
          const double arm =
              std::abs(-work.fitted.slope[at(s)] - moment_arm(model_, work_, static_cast<int>(m), paths.coordinate(s)));
          worst_arm[m] = std::max(worst_arm[m], arm);
          sum_arm[m] += arm * arm;
        }
      }
      if (options_.progress && i % 64 == 0) options_.progress(0.9 + 0.1 * i / options_.postures, "measuring errors");
    }
    m = 0;
    for (auto& [name, muscle] : out.muscles) {
      if (counted[m] == 0 && stays_exact_[m].empty()) {
        without_length(static_cast<int>(m));
        muscle.fitted->stays_exact = stays_exact_[m];
        muscle.fitted->terms.clear();
        muscle.fitted->stretches.clear();
      }
      muscle.fitted->postures = counted[m];
      if (!stays_exact_[m].empty()) {
        ++m;
        continue;
      }
      const FittedPaths& paths = fitted.data().fitted;
      const int slopes = paths.first_slope(static_cast<int>(m) + 1) - paths.first_slope(static_cast<int>(m));
      const double postures = counted[m];
      muscle.fitted->worst_length_error = three_digits(worst_length[m]);
      muscle.fitted->rms_length_error = three_digits(std::sqrt(sum_length[m] / postures));
      muscle.fitted->worst_moment_arm_error = three_digits(worst_arm[m]);
      muscle.fitted->rms_moment_arm_error = three_digits(std::sqrt(sum_arm[m] / postures / std::max(1, slopes)));
      ++m;
    }
    out.fitted_across.erase_if([&](const std::string& name, const PlanarFunctionSpec&) {
      return std::none_of(out.muscles.begin(), out.muscles.end(), [&](const auto& entry) {
        const std::vector<FittedStretchSpec>& stretches = entry.second.fitted->stretches;
        return std::any_of(stretches.begin(), stretches.end(),
                           [&](const FittedStretchSpec& stretch) { return stretch.across == name; });
      });
    });
    return out;
  }

  /// A rounded length as the shortest number of micrometres.
  double in_micrometres(double x) const {
    const double digit = std::pow(10.0, std::ceil(std::log10(1e-3 * options_.tolerance * 1e6)));
    return digit < 1.0 ? std::round(x * 1e6 / digit) / std::round(1.0 / digit) : std::round(x * 1e6 / digit) * digit;
  }

  /// Rounded up to three digits: an upper bound stays one.
  static double three_digits(double x) {
    if (!(x > 0.0)) return 0.0;
    const double digits = std::pow(10.0, 2 - std::floor(std::log10(x)));
    return std::ceil(x * digits) / digits;
  }

  const FitOptions& options_;
  Model model_;
  Workspace work_;
  std::vector<std::array<double, 2>> ranges_;
  std::vector<double> q_, zero_;
  std::vector<Spatial> wrench_;
  std::vector<double> drive_;
  std::vector<Part> parts_;
  Mirror mirror_;
  std::vector<std::string> stays_exact_;  // per muscle: why, or empty
  std::vector<Across> across_;
  Named<PlanarFunctionSpec> functions_;
  std::vector<MatX> spline_residuals_ = make_spline_residuals(), polynomial_residuals_ = make_polynomial_residuals();

  static std::vector<MatX> make_spline_residuals() {
    std::vector<MatX> out;
    for (const int n : interval_ladder) {
      MatX values = MatX::Zero(line_points, n + 3);
      for (int i = 0; i < line_points; ++i) {
        const SplineValues<double> v = spline_values<double>(0.0, 1.0, n, static_cast<double>(i) / (line_points - 1));
        for (int k = 0; k < 4; ++k) values(i, v.first + k) = v.value[at(k)];
      }
      out.push_back(residual_operator(values));
    }
    return out;
  }
  static std::vector<MatX> make_polynomial_residuals() {
    std::vector<MatX> out;
    for (int p = 0; p < FittedTerm::most_degree; ++p) {
      MatX values(line_points, p + 1);
      std::vector<double> value(at(p + 1)), slope(at(p + 1));
      for (int i = 0; i < line_points; ++i) {
        chebyshev_values<double>(0.0, 1.0, static_cast<double>(i) / (line_points - 1), value, slope);
        for (int k = 0; k <= p; ++k) values(i, k) = value[at(k)];
      }
      out.push_back(residual_operator(values));
    }
    return out;
  }
};

}  // namespace

ModelSpec fit_paths(const ModelSpec& spec, const FitOptions& options) {
  if (!(options.tolerance >= 1e-7 && options.tolerance <= 1.0))
    throw Error(Kind::input, "tolerance",
                "expected a length from 1e-7 to 1 m, found " + shortest_text(options.tolerance));
  if (options.postures < 1)
    throw Error(Kind::input, "postures", "expected at least one, found " + std::to_string(options.postures));
  return Fitter(spec, options).run();
}

std::string fitted_text(const ModelSpec& fitted, const std::string& base) {
  json root = json::object(), muscles = json::object();
  root["format"] = "psoas-model/1";
  root["extends"] = base;
  root["paths"] = fitted.paths;
  for (const auto& [name, muscle] : fitted.muscles)
    if (muscle.fitted) muscles[name] = {{"fitted", to_json_value(*muscle.fitted)}};
  root["muscles"] = muscles;
  for (const auto& [name, item] : fitted.fitted_across) root["fitted_across"][name] = to_json_value(item);
  return pretty(root);
}

}  // namespace psoas
