// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscles that depend on the same coordinates are scanned together, so that a posture is computed once for all of them;
// only the search for a jump is one muscle's own.
#include "study/range_of_motion.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>

#include "model/json_walk.hpp"
#include "model/mirror.hpp"
#include "model/model_file.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/hash.hpp"
#include "psoas/core/sampling.hpp"
#include "psoas/core/units.hpp"
#include "psoas/model/file.hpp"
#include "study/scanned.hpp"

namespace psoas {
namespace {

constexpr const char* format = "psoas-certificate/1";
constexpr double narrowest = 1e-7;             // [rad or m] a change within this is a jump
constexpr double sign_margin = 1e-3;           // [m] arms beyond it on both sides of 0 change sign
constexpr double steep = 5e-3 / degrees(1.0);  // [m/rad]
constexpr std::size_t most_corners = 1024;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// For lists that are read: no digits that mean nothing.
double rounded(double x, double unit) { return std::round(x / unit) / std::round(1.0 / unit); }

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

/// Muscles that depend on the same independent coordinates.
struct Group {
  std::vector<int> coordinates, muscles;
};

/// A muscle at a place on a line.
struct Place {
  double x = 0.0, length = 0.0, arm = 0.0;
  bool known() const { return std::isfinite(length) && std::isfinite(arm); }
};

class Scan {
 public:
  Scan(const Model& model, const RangeOfMotionOptions& options, const EvaluatePaths& evaluate_paths)
      : model_(model), options_(options), evaluate_paths_(evaluate_paths), data_(model.data()), work_(model) {
    arms_.assign(data_.arm_slots.size(), {inf, -inf});
    seen_.assign(data_.paths.size(), 0);
    steepest_.assign(data_.paths.size(), 0.0);
    for (int c = 0; c < model_.coordinates(); ++c) ranges_.push_back(scanned_range(model_, c));
    mirror_ = mirror_of(model_, data_.default_coordinates, work_);
  }

  Certificate run() {
    const std::vector<Group> groups = groups_of_muscles();
    double all = 0.0, done = 0.0;
    const auto cost = [](const Group& group) {
      return static_cast<double>(group.muscles.size()) * static_cast<double>(group.coordinates.size());
    };
    for (const Group& group : groups) all += cost(group);
    for (const Group& group : groups) {
      scan(group, [&](double share) {
        if (options_.progress) options_.progress((done + share * cost(group)) / all, "range of motion");
      });
      done += cost(group);
    }
    finish();
    return std::move(out_);
  }

 private:
  // --- what is scanned ---

  std::vector<Group> groups_of_muscles() {
    std::map<std::vector<int>, std::vector<int>> found;
    std::set<int> used;
    for (int m = 0; m < model_.muscles(); ++m) {
      std::set<int> coordinates = coordinates_of(model_, m);
      std::erase_if(coordinates, [&](int c) { return !(ranges_[at(c)][1] > ranges_[at(c)][0]); });
      used.insert(coordinates.begin(), coordinates.end());
      found[{coordinates.begin(), coordinates.end()}].push_back(m);
    }
    for (const int c : used) out_.ranges[data_.coordinate_names[at(c)]] = ranges_[at(c)];
    std::vector<Group> groups;
    for (const auto& [coordinates, muscles] : found) groups.push_back({coordinates, muscles});
    return groups;
  }

  /// Postures through which lines run: the default one, evenly scattered ones, and every fourth of these at a corner.
  std::vector<std::vector<double>> postures(const Group& group) const {
    std::vector<std::vector<double>> out;
    std::vector<double> place(group.coordinates.size());
    for (int k = 0; k < options_.samples; ++k) {
      std::vector<double> q = data_.default_coordinates;
      scatter(at(k), place);
      for (std::size_t i = 0; i < place.size() && k > 0; ++i) {
        const auto [low, high] = ranges_[at(group.coordinates[i])];
        if (k % 4 == 3) place[i] = place[i] < 0.5 ? 0.0 : 1.0;
        q[at(group.coordinates[i])] = low + place[i] * (high - low);
      }
      out.push_back(std::move(q));
    }
    return out;
  }

  std::vector<std::vector<double>> corners(const Group& group) const {
    std::vector<std::vector<double>> out;
    const std::size_t n = group.coordinates.size();
    for (std::size_t k = 0; n < 20 && (std::size_t{1} << n) <= most_corners && k < (std::size_t{1} << n); ++k) {
      std::vector<double> q = data_.default_coordinates;
      for (std::size_t i = 0; i < n; ++i) q[at(group.coordinates[i])] = ranges_[at(group.coordinates[i])][k >> i & 1];
      out.push_back(std::move(q));
    }
    return out;
  }

  int steps(int coordinate) const {
    const auto [low, high] = ranges_[at(coordinate)];
    const double step = data_.is_rotation[at(coordinate)] ? degrees(1.0) : 0.01;
    return std::clamp(static_cast<int>(std::ceil((high - low) / step)), 16, 400);
  }

  // --- one group ---

  template <class Progress>
  void scan(const Group& group, Progress&& progress) {
    const std::vector<std::vector<double>> through = postures(group);
    std::vector<std::vector<double>> all = through;
    for (auto& corner : corners(group)) all.push_back(std::move(corner));
    values_at(group, all);
    compare_sides(group, all);
    for (std::size_t k = 0; k < through.size(); ++k) {
      for (const int c : group.coordinates) line(group, c, through[k], k % 8 == 0);
      progress(static_cast<double>(k + 1) / static_cast<double>(through.size()));
    }
  }

  void evaluate(std::span<const double> q, std::span<const int> muscles) {
    evaluate_paths_(model_, q, muscles, work_);
    out_.paths += static_cast<double>(muscles.size());
  }

  /// Looks at what was just evaluated. False where the muscle's domain ends or there is no number.
  bool look_at(int m, std::span<const double> q, std::string_view coordinate) {
    if (!data_.domain.empty() && outside_domain(model_, q, m)) {
      out_.flagged += 1.0;
      return false;
    }
    ++seen_[at(m)];
    bool finite = std::isfinite(work_.length[at(m)]);
    for (int i = data_.arm_start[at(m)]; i < data_.arm_start[at(m + 1)]; ++i) {
      const double arm = work_.arm[at(i)];
      finite = finite && std::isfinite(arm);
      arms_[at(i)] = {std::min(arms_[at(i)][0], arm), std::max(arms_[at(i)][1], arm)};
    }
    if (!finite) meet("not_finite", m, coordinate, 0.0, q, 0.0);
    if (work_.inside[at(m)])
      meet(PathFlag{work_.inside[at(m)]} == PathFlag::beyond_end ? "beyond_end" : "inside", m, coordinate, 0.0, q,
           -distance(q));
    return finite;
  }

  /// How far a posture is from the default one, by the ranges of the coordinates.
  double distance(std::span<const double> q) const {
    double sum = 0.0;
    for (std::size_t c = 0; c < q.size(); ++c)
      if (const double width = ranges_[c][1] - ranges_[c][0]; width > 0.0)
        sum += std::abs(q[c] - data_.default_coordinates[c]) / width;
    return sum;
  }

  /// Values in the postures, once in order and once backwards with other muscles first; fibres at rest.
  void values_at(const Group& group, const std::vector<std::vector<double>>& all) {
    const std::size_t n = group.muscles.size();
    std::vector<std::vector<double>> lengths(all.size()), arms(all.size());
    const auto arms_of = [&](int m, std::vector<double>& into) {
      for (int i = data_.arm_start[at(m)]; i < data_.arm_start[at(m + 1)]; ++i) into.push_back(work_.arm[at(i)]);
    };
    std::vector<FibreRange> fibres(n);
    std::vector<double> counted(n, 0.0);
    for (FibreRange& range : fibres) range.norm_length = {inf, -inf};
    for (std::size_t k = 0; k < all.size(); ++k) {
      evaluate(all[k], group.muscles);
      for (std::size_t i = 0; i < n; ++i) {
        const int m = group.muscles[i];
        lengths[k].push_back(work_.length[at(m)]);
        arms_of(m, arms[k]);
        if (!look_at(m, all[k], "")) continue;
        const MuscleParameters& unit = data_.units[at(m)];
        const Equilibrium rest = static_equilibrium(unit, work_.length[at(m)], unit.minimum_activation);
        const double norm = rest.fibre_length / unit.optimal_fibre_length;
        fibres[i].norm_length = {std::min(fibres[i].norm_length[0], norm), std::max(fibres[i].norm_length[1], norm)};
        fibres[i].outside += rest.outside_domain ? 1.0 : 0.0;
        counted[i] += 1.0;
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (fibres[i].outside == 0.0) continue;
      fibres[i].muscle = data_.muscle_names[at(group.muscles[i])];
      fibres[i].outside = rounded(fibres[i].outside / counted[i], 1e-4);
      for (double& norm : fibres[i].norm_length) norm = rounded(norm, 1e-4);
      out_.fibres.push_back(std::move(fibres[i]));
    }
    const std::vector<int> backwards(group.muscles.rbegin(), group.muscles.rend());
    for (std::size_t k = all.size(); k-- > 0;) {
      evaluate(all[k], backwards);
      std::size_t slot = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const int m = group.muscles[i];
        double worst = std::abs(work_.length[at(m)] - lengths[k][i]);
        bool same = same_bits(work_.length[at(m)], lengths[k][i]);
        for (int s = data_.arm_start[at(m)]; s < data_.arm_start[at(m + 1)]; ++s, ++slot) {
          worst = std::max(worst, std::abs(work_.arm[at(s)] - arms[k][slot]));
          same = same && same_bits(work_.arm[at(s)], arms[k][slot]);
        }
        if (!same) meet("history", m, "", worst, all[k], worst);
      }
    }
  }

  // --- lines ---

  /// The muscles along one coordinate through a posture; `twice`: also backwards, for the same bits.
  void line(const Group& group, int c, std::vector<double> q, bool twice) {
    const std::size_t n = group.muscles.size();
    const int count = steps(c);
    const auto [low, high] = ranges_[at(c)];
    const std::string& name = data_.coordinate_names[at(c)];
    const auto value = [&, low = low, high = high](int i) { return low + (high - low) * i / count; };
    places_.assign(n * at(count + 1), {});
    ok_.assign(n * at(count + 1), 0);
    const auto cell = [&](std::size_t muscle, int i) { return muscle * at(count + 1) + at(i); };
    for (int i = 0; i <= count; ++i) {
      q[at(c)] = value(i);
      evaluate(q, group.muscles);
      for (std::size_t k = 0; k < n; ++k) {
        const int m = group.muscles[k];
        places_[cell(k, i)] = {q[at(c)], work_.length[at(m)], moment_arm(model_, work_, m, c)};
        ok_[cell(k, i)] = look_at(m, q, name);
      }
    }
    for (int i = count; twice && i >= 0; --i) {
      q[at(c)] = value(i);
      evaluate(q, group.muscles);
      for (std::size_t k = 0; k < n; ++k) {
        const int m = group.muscles[k];
        const Place& before = places_[cell(k, i)];
        const double arm = moment_arm(model_, work_, m, c);
        if (same_bits(before.length, work_.length[at(m)]) && same_bits(before.arm, arm)) continue;
        const double worst = std::max(std::abs(before.length - work_.length[at(m)]), std::abs(before.arm - arm));
        meet("history", m, name, worst, q, worst);
      }
    }
    const double width = (high - low) / count;
    for (std::size_t k = 0; k < n; ++k) {
      for (int i = 0; i < count; ++i) {
        if (!ok_[cell(k, i)] || !ok_[cell(k, i + 1)]) continue;
        const Place &a = places_[cell(k, i)], &b = places_[cell(k, i + 1)];
        // where the arm goes by its neighbours; a jump stands out against them
        double expected = 0.0;
        int neighbours = 0;
        if (i > 0 && ok_[cell(k, i - 1)]) expected += a.arm - places_[cell(k, i - 1)].arm, ++neighbours;
        if (i + 1 < count && ok_[cell(k, i + 2)]) expected += places_[cell(k, i + 2)].arm - b.arm, ++neighbours;
        if (neighbours > 0) expected /= neighbours;
        bool jumped = false;
        if (std::abs(unexplained(a, b)) > out_.length_limit ||
            std::abs(b.arm - a.arm - expected) > 0.5 * out_.arm_limit)
          jumped = seek(group.muscles[k], c, q, a, b);
        if (jumped) continue;
        const double slope = std::abs(b.arm - a.arm) / width;
        steepest_[at(group.muscles[k])] = std::max(steepest_[at(group.muscles[k])], slope);
        keep(out_.steepest_arm, slope, group.muscles[k], name, q, c, a.x);
      }
    }
  }

  /// The step of the length that the moment arms at its ends do not explain.
  static double unexplained(const Place& a, const Place& b) {
    return b.length - a.length + 0.5 * (b.x - a.x) * (a.arm + b.arm);
  }

  /// Halves a step until nothing is left to explain, or a jump. True where there is one.
  bool seek(int m, int c, std::vector<double>& q, const Place& a, const Place& b) {
    const double jump = std::abs(unexplained(a, b)), arm_jump = std::abs(b.arm - a.arm);
    if (jump <= out_.length_limit && arm_jump <= out_.arm_limit) return false;
    const double middle = 0.5 * (a.x + b.x);
    q[at(c)] = middle;
    if (b.x - a.x <= narrowest || !(a.x < middle && middle < b.x)) {
      const std::string& name = data_.coordinate_names[at(c)];
      if (jump > out_.length_limit) {
        meet("length_jump", m, name, jump, q, jump);
        keep(out_.length_jump, jump, m, name, q, c, middle);
      }
      if (arm_jump > out_.arm_limit) {
        meet(a.arm * b.arm < 0.0 ? "arm_sign_flip" : "arm_jump", m, name, arm_jump, q, arm_jump);
        keep(out_.arm_jump, arm_jump, m, name, q, c, middle);
      }
      return true;
    }
    const int muscle[] = {m};
    evaluate(q, muscle);
    const Place half = {middle, work_.length[at(m)], moment_arm(model_, work_, m, c)};
    if (!look_at(m, q, data_.coordinate_names[at(c)]) || !half.known()) return false;
    const bool below = seek(m, c, q, a, half);
    return seek(m, c, q, half, b) || below;
  }

  // --- the mirror ---

  /// Right muscles of the group against the left ones in mirrored postures.
  void compare_sides(const Group& group, const std::vector<std::vector<double>>& all) {
    for (const int c : group.coordinates)
      if (mirror_.sign[at(c)] == 0.0) return;
    std::vector<int> right, left;
    for (const int m : group.muscles) {
      const std::string& name = data_.muscle_names[at(m)];
      if (!name.ends_with("_r")) continue;
      const auto& names = data_.muscle_names;
      const auto found = std::find(names.begin(), names.end(), name.substr(0, name.size() - 1) + "l");
      if (found == names.end()) continue;
      right.push_back(m);
      left.push_back(static_cast<int>(found - names.begin()));
    }
    if (right.empty()) return;
    out_.mirrored += static_cast<int>(right.size());
    std::vector<double> lengths(right.size());
    for (const std::vector<double>& q : all) {
      evaluate(q, right);
      for (std::size_t i = 0; i < right.size(); ++i) lengths[i] = work_.length[at(right[i])];
      std::vector<double> mirror = data_.default_coordinates;
      for (const int c : group.coordinates) mirror[at(mirror_.partner[at(c)])] = mirror_.sign[at(c)] * q[at(c)];
      evaluate(mirror, left);
      for (std::size_t i = 0; i < right.size(); ++i)
        if (!outside_domain(model_, q, right[i]))
          keep(out_.asymmetry, std::abs(work_.length[at(left[i])] - lengths[i]), right[i], "", q, -1, 0.0);
    }
  }

  // --- what was found ---

  struct Met {
    PathFault fault;
    double rank = -inf;
  };

  Named<double> posture(int m, std::span<const double> q) const {
    Named<double> out;
    for (const int c : coordinates_of(model_, m)) out.add(data_.coordinate_names[at(c)]) = q[at(c)];
    return out;
  }

  /// Counts a fault; of one muscle and kind the one of the highest rank is told.
  void meet(const char* kind, int m, std::string_view coordinate, double size, std::span<const double> q, double rank) {
    Met& met = met_[{m, kind}];
    ++met.fault.places;
    if (!(rank > met.rank)) return;
    met.rank = rank;
    met.fault = {kind, data_.muscle_names[at(m)], std::string(coordinate), size, met.fault.places, posture(m, q)};
  }

  void keep(std::optional<PathExtreme>& extreme, double value, int m, const std::string& coordinate,
            std::span<const double> q, int c, double x) {
    if (extreme && !(value > extreme->value)) return;
    extreme = PathExtreme{value, data_.muscle_names[at(m)], coordinate, posture(m, q)};
    if (c >= 0) extreme->posture[coordinate] = x;
  }

  void finish() {
    for (auto& [key, met] : met_) {
      if (met.fault.kind == "inside" || met.fault.kind == "beyond_end")
        met.fault.size = met.fault.places / static_cast<double>(seen_[at(key.first)]);
      out_.problems.push_back(std::move(met.fault));
    }
    for (int m = 0; m < model_.muscles(); ++m) {
      const std::string& name = data_.muscle_names[at(m)];
      if (steepest_[at(m)] > steep) out_.steep_arms.add(name) = rounded(steepest_[at(m)], 1e-3);
      for (int i = data_.arm_start[at(m)]; i < data_.arm_start[at(m + 1)]; ++i) {
        const auto t = at(data_.arm_slots[at(i)].coordinate);
        const auto [low, high] = arms_[at(i)];
        if (data_.tree_is_rotation[t] && low < -sign_margin && high > sign_margin)
          out_.sign_changes[name].add(data_.tree_coordinate_names[t]) = {rounded(low, 1e-5), rounded(high, 1e-5)};
      }
    }
    std::sort(out_.fibres.begin(), out_.fibres.end(), [&](const FibreRange& a, const FibreRange& b) {
      return model_.muscle(a.muscle) < model_.muscle(b.muscle);
    });
    out_.program = "psoas " PSOAS_VERSION;
    out_.model = data_.spec.name;
    out_.model_hash = model_hash(data_.spec);
    out_.clean = out_.problems.empty();
    out_.muscles = model_.muscles();
    out_.samples = options_.samples;
  }

  const Model& model_;
  const RangeOfMotionOptions& options_;
  const EvaluatePaths& evaluate_paths_;
  const ModelData& data_;
  Workspace work_;
  Certificate out_;
  std::vector<std::array<double, 2>> ranges_;  // per independent coordinate
  std::vector<std::array<double, 2>> arms_;    // per arm slot: least and greatest
  std::vector<std::size_t> seen_;              // per muscle: postures looked at
  std::vector<double> steepest_;               // per muscle: continuous change of a moment arm [m/rad]
  Mirror mirror_;
  std::map<std::pair<int, std::string>, Met> met_;
  std::vector<Place> places_;  // of a line: muscle by muscle
  std::vector<char> ok_;
};

/// JSON of what is not at its default: a field that a later version adds does not make certificates stale.
template <class T>
json beyond_defaults(const T& x) {
  if constexpr (Fields<T>) {
    const json defaults = to_json_value(T{});
    json j = json::object();
    T::each(x, [&](const char* key, const auto& field, const Info&) {
      using F = std::decay_t<decltype(field)>;
      if constexpr (Optional<F>) {
        if (field) j[key] = beyond_defaults(*field);
      } else {
        const json value = to_json_value(field), *standard = defaults.contains(key) ? &defaults[key] : nullptr;
        if (value.empty() || (standard && *standard == value)) return;
        j[key] = beyond_defaults(field);
      }
    });
    return j;
  } else if constexpr (NamedOf<T>::value) {
    json j = json::object();
    for (const auto& [key, value] : x) j[key] = beyond_defaults(value);
    return j;
  } else if constexpr (VectorOf<T>::value) {
    json j = json::array();
    for (const auto& item : x) j.push_back(beyond_defaults(item));
    return j;
  } else if constexpr (requires { x.index(); }) {
    json j = json::object();
    std::visit([&](const auto& kind) { j[std::string(kind.name)] = beyond_defaults(kind); }, x);
    return j;
  } else {
    return to_json_value(x);
  }
}

/// A model as it is without fitted paths, which stand for exact ones and are not what is certified.
ModelSpec with_exact_paths(ModelSpec spec) {
  spec.paths = "exact";
  for (auto& [name, muscle] : spec.muscles) muscle.fitted.reset();
  spec.fitted_across = {};
  return spec;
}

}  // namespace

Certificate check_range_of_motion(const Model& model, const RangeOfMotionOptions& options,
                                  const EvaluatePaths& evaluate_paths) {
  if (options.samples < 1)
    throw Error(Kind::input, "samples", "expected at least one, found " + std::to_string(options.samples));
  if (!model.data().fitted.empty()) return Scan(Model(with_exact_paths(model.spec())), options, evaluate_paths).run();
  return Scan(model, options, evaluate_paths).run();
}

Certificate check_range_of_motion(const Model& model, const RangeOfMotionOptions& options) {
  const std::vector<double> still(at(model.coordinates()), 0.0);
  return check_range_of_motion(
      model, options, [&](const Model& same, std::span<const double> q, std::span<const int> muscles, Workspace& work) {
        evaluate(same, q, still, work, muscles);
      });
}

std::string certificate_text(const Certificate& certificate) {
  json root = json::object();
  root["format"] = format;
  root.update(to_json_value(certificate));
  if (!root.contains("problems")) root["problems"] = json::array();  // scripts count them
  return pretty(root);
}

Certificate read_certificate(const std::string& path) {
  const Document document = Document::read(path);
  std::vector<Problem> problems;
  Certificate certificate;
  check_format(document.root(), format, problems);
  document.complain(Kind::input, problems);
  Walk walk;
  walk.into_fields(certificate, document.root(), "", {}, {"format", "note"});
  document.complain(Kind::input, walk.problems, walk.more);
  return certificate;
}

std::string model_hash(const ModelSpec& spec) {
  ModelSpec bare = with_exact_paths(spec);
  bare.certificate.reset();
  bare.pelvic_ring.reset();  // no path has to do with it
  return hash_of(beyond_defaults(bare).dump());
}

}  // namespace psoas
