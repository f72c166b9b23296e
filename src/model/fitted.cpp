// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/fitted.hpp"

#include <algorithm>
#include <map>

#include "model/arms.hpp"
#include "model/json_walk.hpp"
#include "psoas/core/hash.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A hash of the values of structs, field by field.
class Fingerprint : public Hash {
 public:
  template <class T>
  void add(const T& x) {
    if constexpr (std::is_same_v<T, double>) {
      number(x);
    } else if constexpr (std::is_arithmetic_v<T>) {
      word(static_cast<std::uint64_t>(x));
    } else if constexpr (std::is_same_v<T, std::string>) {
      word(x.size());
      bytes(x);
    } else if constexpr (Optional<T>) {
      word(x.has_value());
      if (x) add(*x);
    } else if constexpr (Fields<T>) {
      T::each(x, [&](const char* key, const auto& field, const Info&) {
        add(std::string(key));
        add(field);
      });
    } else if constexpr (requires { x.valueless_by_exception(); }) {
      std::visit(
          [&](const auto& kind) {
            add(std::string(kind.name));
            add(kind);
          },
          x);
    } else {
      word(static_cast<std::uint64_t>(x.size()));
      for (const auto& item : x) add(item);
    }
  }
};

/// Coordinates of the tree that move some of a stretch's bodies against others.
std::vector<int> coordinates_between(const Tree& tree, const Stretch& stretch) {
  std::vector<int> out;
  for (int t = 0; t < tree.coordinates(); ++t) {
    const bool near = carries(tree, t, stretch.near.body), far = carries(tree, t, stretch.far.body);
    if (near != far || near != carries(tree, t, stretch.body)) out.push_back(t);
  }
  return out;
}

/// Names of the coordinates that a joint uses.
std::vector<std::string> coordinates_of(const JointSpec& joint) {
  std::vector<std::string> names;
  const std::vector<JointAxis> axes = std::visit([](const auto& kind) { return kind.axes(); }, joint.motion);
  for (const JointAxis& axis : axes)
    if (axis.spec.coordinate) names.push_back(*axis.spec.coordinate);
  return names;
}

}  // namespace

std::vector<std::string> path_fingerprints(const ModelSpec& spec) {
  std::map<std::string_view, int> carrier;  // of a body
  std::vector<std::string> joint_prints, names;
  std::map<std::string, std::string> coordinate_prints;
  const auto coordinate_print = [&](const std::string& name) -> const std::string& {
    const auto [place, fresh] = coordinate_prints.emplace(name, "");
    if (fresh) {
      Fingerprint print;
      print.add(name);
      if (const CoordinateSpec* item = spec.coordinates.find(name)) {
        print.add(item->range);
        print.add(item->coupled_to);
        if (item->coupled_to)
          if (const CoordinateSpec* source = spec.coordinates.find(item->coupled_to->coordinate))
            print.add(source->range);
      }
      place->second = print.text();
    }
    return place->second;
  };
  for (const auto& [name, joint] : spec.joints) {
    carrier[joint.child] = static_cast<int>(joint_prints.size());
    Fingerprint print;
    print.add(joint);
    for (const std::string& coordinate : coordinates_of(joint)) print.add(coordinate_print(coordinate));
    joint_prints.push_back(print.text());
  }
  std::vector<std::vector<const DomainSpec*>> domains(spec.muscles.size());
  for (const DomainSpec& item : spec.domain)
    for (const std::string& selection : item.muscles)
      for (const std::string& name : select_muscles(spec, selection)) {
        auto& own = domains[at(spec.muscles.index(name))];
        if (own.empty() || own.back() != &item) own.push_back(&item);
      }
  for (const auto& [name, muscle] : spec.muscles) {
    Fingerprint print;
    print.add(Path::rules);
    print.add(muscle.path);
    print.add(muscle.wraps);
    std::vector<std::string> bodies;
    for (const PointSpec& point : muscle.path) {
      bodies.push_back(point.body);
      if (point.only_when) print.add(coordinate_print(point.only_when->coordinate));
      for (const AxisSpec& axis : point.moving)
        if (axis.coordinate) print.add(coordinate_print(*axis.coordinate));
    }
    for (const WrapSpec& wrap : muscle.wraps)
      if (const SurfaceSpec* surface = spec.surfaces.find(wrap.surface)) {
        print.add(*surface);
        bodies.push_back(surface->body);
      }
    std::sort(bodies.begin(), bodies.end());
    bodies.erase(std::unique(bodies.begin(), bodies.end()), bodies.end());
    // a joint below all of the path's bodies moves none of them against another
    std::map<int, std::size_t> passed;
    for (std::string_view body : bodies)
      for (auto joint = carrier.find(body); joint != carrier.end(); joint = carrier.find(body)) {
        ++passed[joint->second];
        body = (spec.joints.begin() + joint->second)->second.parent;
      }
    for (const auto& [joint, count] : passed)
      if (count < bodies.size()) print.add(joint_prints[at(joint)]);
    for (const DomainSpec* item : domains[names.size()])
      for (const auto& [coordinate, range] : item->outside) {
        print.add(coordinate);
        print.add(range);
      }
    names.push_back(print.text());
  }
  return names;
}

PlanarFunction planar_function(const PlanarFunctionSpec& spec) {
  PlanarFunction out;
  out.near_angle = spec.near_angle;
  out.near_radius = spec.near_radius;
  if (spec.far_angle) out.far_angle = *spec.far_angle;
  if (spec.far_radius) out.far_radius = *spec.far_radius;
  out.degree = spec.degree;
  for (const double c : spec.coefficients_um) out.coefficients.push_back(1e-6 * c);
  return out;
}

std::vector<std::array<double, 2>> independent_ranges(const ModelData& data) {
  std::vector<std::array<double, 2>> ranges;
  for (const std::string& name : data.coordinate_names) ranges.push_back(data.spec.coordinates.find(name)->range);
  return ranges;
}

void compile_fitted(ModelData& data, std::vector<Problem>& problems) {
  constexpr const char* remedy =
      "; run \"psoas fit-paths\" on the model that has the exact paths, or say \"paths\": \"exact\"";
  const std::vector<std::string> prints = path_fingerprints(data.spec);
  std::vector<std::string> without, stale;
  std::vector<std::vector<FittedTerm>> paths;
  std::vector<std::vector<int>> more(data.paths.size());
  std::vector<Stretch> stretches;
  std::vector<int> stretch_paths;
  const std::size_t before = problems.size();
  for (const auto& [name, muscle] : data.spec.muscles) {
    std::vector<FittedTerm>& terms = paths.emplace_back();
    if (!muscle.fitted) {
      without.push_back(name);
      continue;
    }
    if (muscle.fitted->made_for != prints[paths.size() - 1]) {
      stale.push_back(name);
      continue;
    }
    for (std::size_t t = 0; t < muscle.fitted->terms.size(); ++t) {
      const FittedTermSpec& item = muscle.fitted->terms[t];
      FittedTerm term;
      for (const std::string& coordinate : item.coordinates) {
        const auto& names = data.coordinate_names;
        const auto found = std::find(names.begin(), names.end(), coordinate);
        if (found == names.end())
          problems.push_back(
              {"/muscles/" + name + "/fitted/terms/" + std::to_string(t) + "/coordinates",
               "expected an independent coordinate, found \"" + coordinate + "\"" + did_you_mean(coordinate, names)});
        else if (const auto& range = data.spec.coordinates.find(coordinate)->range; !(range[0] < range[1]))
          problems.push_back({"/muscles/" + name + "/fitted/terms/" + std::to_string(t) + "/coordinates",
                              "expected a coordinate with a range of some length, found \"" + coordinate + "\""});
        term.coordinates.push_back(static_cast<int>(found - names.begin()));
      }
      term.intervals = item.intervals;
      term.degree = item.degree;
      for (const double c : item.coefficients_um) term.coefficients.push_back(1e-6 * c);
      terms.push_back(std::move(term));
    }
    const int m = static_cast<int>(paths.size()) - 1;
    if (muscle.fitted->stays_exact) {
      data.exact_among_fitted.push_back(m);
      for (int i = data.arm_start[at(m)]; i < data.arm_start[at(m) + 1]; ++i)
        more[at(m)].push_back(data.couplings[at(data.arm_slots[at(i)].coordinate)].source);
    }
    for (std::size_t i = 0; i < muscle.fitted->stretches.size(); ++i) {
      const std::string pointer = below("/muscles", name) + "/fitted/stretches/" + std::to_string(i);
      const FittedStretchSpec& item = muscle.fitted->stretches[i];
      const Path& path = data.paths[at(m)];
      Stretch stretch;
      if (item.points[0] < 0 || item.points[1] < 0 ||
          std::max(item.points[0], item.points[1]) >= static_cast<int>(path.points.size())) {
        problems.push_back(
            {pointer + "/points", "expected two points of the path, which has " + std::to_string(path.points.size())});
        continue;
      }
      const auto fixed = [&](int k) {
        return path.points[at(k)].coordinate < 0 &&
               std::none_of(path.motions.begin(), path.motions.end(),
                            [k](const PointMotion& one) { return one.point == k; });
      };
      if (!fixed(item.points[0]) || !fixed(item.points[1])) {
        problems.push_back({pointer + "/points", "expected two points that are always there, fixed in their bodies"});
        continue;
      }
      const auto end = [&](int k) { return Stretch::End{path.points[at(k)].body, path.points[at(k)].location}; };
      stretch.near = end(item.points[0]);
      stretch.far = end(item.points[1]);
      stretch.body = stretch.near.body;
      if (item.across) {
        stretch.function = data.spec.fitted_across.index(*item.across);
        const auto wrap = std::find_if(muscle.wraps.begin(), muscle.wraps.end(),
                                       [&](const WrapSpec& w) { return w.surface == *item.around; });
        if (stretch.function < 0)
          problems.push_back({pointer + "/across", "expected one of fitted_across, found \"" + *item.across + "\""});
        if (wrap == muscle.wraps.end()) {
          problems.push_back({pointer + "/around", "expected a surface of the path, found \"" + *item.around + "\""});
          continue;
        }
        const PathWrap& around = path.wraps[static_cast<std::size_t>(wrap - muscle.wraps.begin())];
        if (!std::holds_alternative<Cylinder>(around.shape)) {
          problems.push_back(
              {pointer + "/around", "expected a cylinder, found another surface, \"" + *item.around + "\""});
          continue;
        }
        stretch.body = around.body;
        stretch.X_BS = around.X_BS;
      }
      stretch_paths.push_back(m);
      stretches.push_back(stretch);
      for (const int t : coordinates_between(data.tree, stretch)) more[at(m)].push_back(data.couplings[at(t)].source);
    }
  }
  const auto some = [](const std::vector<std::string>& names) {
    return "\"" + names.front() + "\"" +
           (names.size() > 1 ? " and " + std::to_string(names.size() - 1) + " more" : std::string());
  };
  if (!without.empty())
    problems.push_back({"/paths", "expected a fitted path for each muscle, found none for " + some(without) + remedy});
  if (!stale.empty())
    problems.push_back({below("/muscles", stale.front()) + "/fitted",
                        "expected a path that was fitted with this geometry, found points, surfaces, joints or ranges "
                        "that are others now (a subject's scale changes them, too) for " +
                            some(stale) + remedy});
  if (problems.size() > before) return;
  try {
    data.fitted = FittedPaths(paths, independent_ranges(data), more);
    std::vector<PlanarFunction> functions;
    for (const auto& [name, item] : data.spec.fitted_across) functions.push_back(planar_function(item));
    data.stretches = Stretches(stretches, functions);
    data.stretch_muscle = stretch_paths;
    data.stretch_arm_start = {0};
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      for (const int t : coordinates_between(data.tree, stretches[i])) {
        const auto moves = [&](int body) { return carries(data.tree, t, body) ? 1.0 : 0.0; };
        // a string between carries the sum of both ends' forces
        const double between = moves(stretches[i].body);
        data.stretch_arms.push_back({t, moves(stretches[i].near.body) - between, moves(stretches[i].far.body) - between,
                                     data.fitted.slope_of(stretch_paths[i], data.couplings[at(t)].source)});
      }
      data.stretch_arm_start.push_back(static_cast<int>(data.stretch_arms.size()));
    }
  } catch (const Error& error) {
    problems.push_back({"/paths", error.what()});
  }
}

template <class S>
void add_stretches(const ModelData& data, const TreeWork<S>& tree, std::span<const S> slope, StretchWork<S>& work,
                   FittedWork<S>& fitted) {
  const Stretches& stretches = data.stretches;
  stretches.evaluate<S>(tree.X_GB, work);
  for (int i = 0; i < stretches.size(); ++i) {
    const auto m = at(data.stretch_muscle[at(i)]);
    fitted.length[m] += work.length[at(i)];
    if (work.outside[at(i)]) fitted.outside[m] = 1;
    for (int k = data.stretch_arm_start[at(i)]; k < data.stretch_arm_start[at(i) + 1]; ++k) {
      const StretchArm& arm = data.stretch_arms[at(k)];
      const auto t = at(arm.coordinate);
      S work_done(0.0);
      if (arm.near != 0.0) work_done += arm.near * power<S>(work.near[at(i)], tree.motion[t]);
      if (arm.far != 0.0) work_done += arm.far * power<S>(work.far[at(i)], tree.motion[t]);
      fitted.slope[at(arm.slope)] -= slope[t] * work_done;
    }
  }
}
template void add_stretches(const ModelData&, const TreeWork<double>&, std::span<const double>, StretchWork<double>&,
                            FittedWork<double>&);
template void add_stretches(const ModelData&, const TreeWork<Dual<4>>&, std::span<const Dual<4>>, StretchWork<Dual<4>>&,
                            FittedWork<Dual<4>>&);

void fitted_paths(const Model& model, std::span<const double> q, Workspace& work) {
  const FittedPaths& fitted = model.data().fitted;
  const ModelData& data = model.data();
  fitted.evaluate<double>(q, work.fitted);
  add_stretches<double>(data, work.tree, work.slope, work.stretches, work.fitted);
  for (std::size_t m = 0; m < work.inside.size(); ++m)
    work.inside[m] = static_cast<char>(work.fitted.outside[m] ? PathFlag::beyond_fit : PathFlag::none);
  for (const int m : data.exact_among_fitted) {
    const ExactPath path = exact_path(model, at(m), work);
    work.fitted.length[at(m)] = path.length;
    work.inside[at(m)] = static_cast<char>(path.flag);
    for (int i = data.arm_start[at(m)]; i < data.arm_start[at(m) + 1]; ++i) {
      const auto t = at(data.arm_slots[at(i)].coordinate);
      work.fitted.slope[at(fitted.slope_of(m, data.couplings[t].source))] -= work.slope[t] * work.arm[at(i)];
    }
  }
  std::copy(work.fitted.length.begin(), work.fitted.length.end(), work.length.begin());
}

void fitted_speeds(const Model& model, std::span<const double> u, Workspace& work) {
  const FittedPaths& fitted = model.data().fitted;
  int i = 0;
  for (int m = 0; m < fitted.paths(); ++m) {
    double speed = 0.0;
    for (; i < fitted.first_slope(m + 1); ++i) speed += work.fitted.slope[at(i)] * u[at(fitted.coordinate(i))];
    work.speed[at(m)] = speed;
  }
}

std::string FittedSpec::fault() const {
  const bool empty = terms.empty() && stretches.empty();
  if (!stays_exact) return empty ? "expected at least one term or stretch" : "";
  return empty ? "" : "expected no terms and stretches where the path stays exact";
}

std::string PlanarFunctionSpec::fault() const {
  for (const auto& knots : {near_angle, near_radius}) {
    if (knots.size() < 2 || knots.size() > PlanarFunction::most_knots) return "expected 2 to 257 knots";
    if (std::adjacent_find(knots.begin(), knots.end(), std::greater_equal<>()) != knots.end())
      return "expected knots that ascend";
  }
  if (degree < 0 || degree > PlanarFunction::most_degree) return "expected a degree from 0 to 12";
  for (const auto& range : {far_angle, far_radius})
    if (range && !((*range)[0] < (*range)[1])) return "expected ranges whose first value is below their second";
  if ((degree > 0) != far_angle.has_value() || (degree > 0) != far_radius.has_value())
    return "expected \"far_angle\" and \"far_radius\" with a degree above 0, and neither with 0";
  const std::size_t size = (near_angle.size() + 2) * (near_radius.size() + 2) * FittedTerm::size({}, 2, degree);
  return coefficients_um.size() == size
             ? ""
             : "expected " + std::to_string(size) + " coefficients, found " + std::to_string(coefficients_um.size());
}

std::string FittedTermSpec::fault() const {
  std::vector<std::string> names = coordinates;
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return "expected each coordinate once";
  if (intervals.size() > FittedTerm::most_splines || coordinates.size() < intervals.size() ||
      coordinates.size() - intervals.size() > FittedTerm::most_polynomials)
    return "expected at most three coordinates with intervals, and at most six others";
  if (std::any_of(intervals.begin(), intervals.end(), [](int n) { return n < 1 || n > FittedTerm::most_intervals; }))
    return "expected 1 to 64 intervals";
  if (degree < 0 || degree > FittedTerm::most_degree) return "expected a degree from 0 to 12";
  const std::size_t size = FittedTerm::size(intervals, coordinates.size() - intervals.size(), degree);
  return coefficients_um.size() == size
             ? ""
             : "expected " + std::to_string(size) + " coefficients, found " + std::to_string(coefficients_um.size());
}

}  // namespace psoas
