// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "model/fitted.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "model/json_walk.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// FNV-1a over the values of structs, field by field (Fowler, Noll & Vo 1991; 64 bits).
class Fingerprint {
 public:
  void byte(std::uint64_t b) { hash_ = (hash_ ^ (b & 255u)) * 0x100000001b3u; }
  void word(std::uint64_t x) {
    for (int shift = 0; shift < 64; shift += 8) byte(x >> shift);
  }

  template <class T>
  void add(const T& x) {
    if constexpr (std::is_same_v<T, double>) {
      word(std::bit_cast<std::uint64_t>(x == 0.0 ? 0.0 : x));  // -0 is 0
    } else if constexpr (std::is_arithmetic_v<T>) {
      word(static_cast<std::uint64_t>(x));
    } else if constexpr (std::is_same_v<T, std::string>) {
      word(x.size());
      for (const char c : x) byte(static_cast<unsigned char>(c));
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

  std::string text() const {
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(hash_ >> shift) & 15u];
    return out;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

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
    data.fitted = FittedPaths(paths, independent_ranges(data));
  } catch (const Error& error) {
    problems.push_back({"/paths", error.what()});
  }
}

void fitted_paths(const Model& model, std::span<const double> q, std::span<const double> u, Workspace& work) {
  const FittedPaths& fitted = model.data().fitted;
  fitted.evaluate<double>(q, work.fitted);
  int i = 0;
  for (int m = 0; m < fitted.paths(); ++m) {
    double speed = 0.0;
    for (; i < fitted.first_slope(m + 1); ++i) speed += work.fitted.slope[at(i)] * u[at(fitted.coordinate(i))];
    work.length[at(m)] = work.fitted.length[at(m)];
    work.inside[at(m)] = static_cast<char>(work.fitted.outside[at(m)] ? PathFlag::beyond_fit : PathFlag::none);
    work.speed[at(m)] = speed;
  }
}

std::string FittedSpec::fault() const { return terms.empty() ? "expected at least one term" : ""; }

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
