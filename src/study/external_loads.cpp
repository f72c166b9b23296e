// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/external_loads.hpp"

#include <algorithm>
#include <array>

#include "psoas/core/filter.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

using Columns = std::array<const std::vector<double>*, 3>;

/// A column of three: x, y or z stands for the star of the name, or follows it.
std::string column_name(const std::string& name, char axis) {
  const std::size_t star = name.find('*');
  return star == std::string::npos ? name + axis : name.substr(0, star) + axis + name.substr(star + 1);
}

Vec3 row_of(const Columns& columns, std::size_t i) {
  return columns[0] ? Vec3((*columns[0])[i], (*columns[1])[i], (*columns[2])[i]) : Vec3(0, 0, 0);
}

}  // namespace

std::vector<ExternalLoad> external_loads(const Study& study, const Model& model, const MeasuredForces& forces,
                                         const std::string& here, double first, double last, double cutoff,
                                         const std::string& cutoff_pointer) {
  const Table& table = *study.forces;
  const std::vector<double>& time = table.times();
  // what stands in a file of OpenSim has no place in the study but that file's
  const std::string file = forces.external_loads.empty() ? "/table" : "/external_loads";
  const double slack = 1e-9 * (time.back() - time.front());
  if (time.front() > first + slack || time.back() < last - slack)
    throw Error(Kind::input, study.place(here + file),
                "expected forces over all of the time asked for (" + shortest_text(first) + " to " +
                    shortest_text(last) + " s), found " + shortest_text(time.front()) + " to " +
                    shortest_text(time.back()) + " s in " + table.source);
  if (forces.lowpass_hz) cutoff = *forces.lowpass_hz;
  const double rate = cutoff > 0.0 ? sampling_rate(time, table.source) : 0.0;
  const std::string filter =
      time.size() < 6 ? table.source : study.place(forces.lowpass_hz ? here + "/lowpass_hz" : cutoff_pointer);
  const auto spline = [&](const std::vector<double>& values, const std::string& name) {
    return QuinticSpline(time, cutoff > 0.0 ? lowpass(values, rate, cutoff, filter) : values, Exact{}, name);
  };

  if (time.size() < 3)
    throw Error(Kind::input, table.source, "expected at least 3 rows, found " + std::to_string(time.size()));
  std::vector<ExternalLoad> loads;
  const std::vector<std::string>& bodies = model.data().body_names;
  for (const auto& [name, force] : forces.loads) {
    const auto place = [&, &n = name](const char* key) {
      return study.place(forces.external_loads.empty() ? here + "/loads/" + n + "/" + key : here + file);
    };
    const auto find_body = [&](const std::string& body, const char* key) {
      const auto found = std::find(bodies.begin(), bodies.end(), body);
      if (found == bodies.end())
        throw Error(Kind::input, place(key),
                    "expected a body of the model, found \"" + body + "\"" + did_you_mean(body, bodies));
      return static_cast<int>(found - bodies.begin());
    };
    ExternalLoad load;
    load.body = find_body(force.body, "body");
    load.frame = find_body(force.expressed_in, "expressed_in");
    load.point_frame =
        force.point_expressed_in.empty() ? load.frame : find_body(force.point_expressed_in, "point_expressed_in");
    if (load.body == 0) throw Error(Kind::input, place("body"), "expected a body that moves, found \"ground\"");
    const auto columns = [&](const std::string& prefix, const char* key) {
      Columns out{};
      if (prefix.empty()) return out;
      for (std::size_t i = 0; i < 3; ++i) {
        const std::string column = column_name(prefix, "xyz"[i]);
        out[i] = table.find(column);
        if (!out[i])
          throw Error(Kind::input, place(key),
                      "expected the start of three columns of " + table.source +
                          " that end in x, y and z, or their name with * in place of these, found no \"" + column +
                          "\"" + did_you_mean(column, table.names));
        table.require_finite(column);
      }
      return out;
    };
    const Columns f = columns(force.force, "force"), p = columns(force.point, "point"),
                  t = columns(force.torque, "torque");
    // A force is filtered as a wrench about the origin of its frame: a centre of pressure means nothing while little
    // force acts, a wrench always does. A point in another frame moves in this one, and stays a point.
    const bool apart = (p[0] || !force.point_expressed_in.empty()) && load.point_frame != load.frame;
    std::array<std::vector<double>, 9> values;
    for (std::size_t i = 0; i < time.size(); ++i) {
      const Vec3 pull = row_of(f, i), point = row_of(p, i);
      const Vec3 moment = apart ? row_of(t, i) : Vec3(row_of(t, i) + point.cross(pull));
      for (std::size_t k = 0; k < 3; ++k) {
        values[k].push_back(moment[static_cast<Eigen::Index>(k)]);
        values[k + 3].push_back(pull[static_cast<Eigen::Index>(k)]);
        values[k + 6].push_back(point[static_cast<Eigen::Index>(k)]);
      }
    }
    for (std::size_t k = 0; k < 6; ++k) load.wrench.push_back(spline(values[k], name));
    for (std::size_t k = 6; k < 9 && apart; ++k) load.point.push_back(spline(values[k], name));
    loads.push_back(std::move(load));
  }
  return loads;
}

}  // namespace psoas
