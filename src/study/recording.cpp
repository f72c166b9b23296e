// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/recording.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"
#include "psoas/skeleton/rotation_vector.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Rotation of the thorax on the pelvis by flexion, bending and axial rotation in one joint, body fixed.
Mat3 trunk_rotation(const Vec3& recorded) {
  return rotation_about(Vec3::UnitZ(), recorded[0]) * rotation_about(Vec3::UnitX(), recorded[1]) *
         rotation_about(Vec3::UnitY(), recorded[2]);
}

/// Finds the trunk coordinates at which the levels' rotations multiply to a recorded orientation of the thorax on the
/// pelvis, from its orientation in the neutral pose.
class TrunkSolver {
 public:
  explicit TrunkSolver(const Model& model)
      : model_(model), work_(model), q_(model.data().default_coordinates), rest_(q_.size()) {
    neutral_ = orientation(Vec3(0, 0, 0));
  }

  /// Newton's method with differences. False where it finds none.
  bool solve(const Vec3& recorded, Vec3& x) {
    const Mat3 wanted = neutral_ * trunk_rotation(recorded);
    x = recorded;
    for (int iteration = 0; iteration < 20; ++iteration) {
      const Mat3 now = orientation(x);
      const Vec3 error = rotation_vector_of(Mat3(now.transpose() * wanted));
      if (error.norm() < 1e-12) return true;
      Mat3 J;
      const double h = 1e-6;
      for (Eigen::Index k = 0; k < 3; ++k) {
        Vec3 moved = x;
        moved[k] += h;
        J.col(k) = rotation_vector_of(Mat3(now.transpose() * orientation(moved))) / h;
      }
      const Vec3 a = J.col(0), b = J.col(1), c = J.col(2);
      const double determinant = a.dot(b.cross(c));
      x += Vec3(error.dot(b.cross(c)), a.dot(error.cross(c)), a.dot(b.cross(error))) / determinant;
      if (!x.allFinite()) return false;
    }
    return false;
  }

 private:
  Mat3 orientation(const Vec3& x) {
    const ModelData& data = model_.data();
    for (std::size_t k = 0; k < 3; ++k) q_[at(data.trunk[k])] = x[static_cast<Eigen::Index>(k)];
    couple(model_, q_, rest_, work_);
    positions<double>(model_.tree(), work_.q, work_.tree);
    return work_.tree.X_GB[at(data.levels.front().inferior)].R.transpose() *
           work_.tree.X_GB[at(data.levels.back().superior)].R;
  }

  const Model& model_;
  Workspace work_;
  std::vector<double> q_, rest_;
  Mat3 neutral_;
};

/// A recording of the trunk as a whole for a model whose levels are free: each level follows by the rhythm of the study's
/// model.
Recording shared_out(const Study& study, const Model& model, Table table, const Named<double>& hold,
                     const std::string& pointer, bool orientation, std::span<const char> needless) {
  const Model rhythm(study.model);
  const std::vector<std::string>& names = model.data().coordinate_names;
  std::vector<char> needless_there;
  for (const std::string& name : rhythm.data().coordinate_names) {
    const auto same = std::find(names.begin(), names.end(), name);
    needless_there.push_back(!needless.empty() && same != names.end() &&
                             needless[static_cast<std::size_t>(same - names.begin())]);
  }
  Recording out = read_recording(study, rhythm, std::move(table), hold, pointer, orientation, needless_there);
  std::vector<std::vector<double>> columns;
  for (const std::string& name : names) {
    const Coupling& coupling = rhythm.data().couplings[at(rhythm.tree_coordinate(name))];
    std::vector<double>& column = columns.emplace_back(out.columns[at(coupling.source)]);
    if (!coupling.identity)
      for (double& value : column) value = coupling.function.jet(value).value;
  }
  out.columns = std::move(columns);
  return out;
}

}  // namespace

bool takes_own_coordinates(Table& table) {
  static constexpr std::string_view start = "coordinate/";
  bool any = false;
  for (std::string& name : table.names)
    if (name.rfind(start, 0) == 0 && !table.find(name.substr(start.size()))) name.erase(0, start.size()), any = true;
  return any;
}

Recording read_recording(const Study& study, const Model& model, Table table, const Named<double>& hold,
                         const std::string& pointer, bool orientation, std::span<const char> needless) {
  const ModelData& data = model.data();
  if (model.spec().lumbar && model.spec().lumbar->free() && !study.model.lumbar->free())
    return shared_out(study, model, std::move(table), hold, pointer, orientation, needless);
  Recording out;
  const std::vector<double>& time = table.times();
  const auto is_needless = [&](const std::string& name) {
    for (std::size_t c = 0; c < needless.size(); ++c)
      if (data.coordinate_names[c] == name) return needless[c] != 0;
    return false;
  };

  // Each independent coordinate is recorded or held; all that are neither are named together.
  std::vector<std::string> missing;
  for (const std::string& name : data.coordinate_names)
    if (!table.find(name) && !hold.find(name) && !is_needless(name)) missing.push_back(name);
  for (const auto& [name, value] : hold) {
    check_coordinate(study, model, name, value, pointer + "/" + name);
    if (table.find(name))
      throw Error(Kind::input, study.place(pointer + "/" + name),
                  "expected a coordinate that the recording lacks, found one that it has");
    out.held.push_back(name);
  }
  if (!missing.empty())
    throw Error(Kind::input, table.source,
                "expected a column for each independent coordinate, found none for " + join(missing, ", ") +
                    "; name them in " + pointer + " with a value where they do not move");

  const auto rotational = [&](std::string_view name) {
    for (std::size_t c = 0; c < data.coordinate_names.size(); ++c)
      if (data.coordinate_names[c] == name) return static_cast<bool>(data.is_rotation[c]);
    for (std::size_t t = 0; t < data.tree_coordinate_names.size(); ++t)
      if (data.tree_coordinate_names[t] == name) return static_cast<bool>(data.tree_is_rotation[t]);
    return false;
  };
  if (!table.in_degrees)
    for (const std::string& name : table.names)
      if (rotational(name))
        for (std::size_t i = 0; i < time.size(); ++i)
          if (std::abs(table.column(name)[i]) > 4.0 * pi)
            throw Error(Kind::input, table.place(i),
                        "expected an angle in radians in column " + name + ", found " +
                            shortest_text(table.column(name)[i]) +
                            "; values look like degrees, but this file does not say inDegrees=yes");
  convert_to_radians(table, rotational);

  std::vector<std::vector<double>>& columns = out.columns;
  columns.resize(data.coordinate_names.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::string& name = data.coordinate_names[c];
    if (table.find(name)) {
      table.require_finite(name);
      columns[c] = table.column(name);
    } else {
      columns[c].assign(time.size(), hold.find(name) ? *hold.find(name) : 0.0);
    }
  }
  for (const std::string& name : table.names) {
    const auto known = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (!known(data.coordinate_names) && !known(data.tree_coordinate_names)) out.unused.push_back(name);
  }

  // A recording has one trunk joint; the levels' rotations must multiply to the same orientation.
  if (orientation && !data.levels.empty() && data.trunk[0] >= 0 &&
      std::none_of(data.trunk.begin(), data.trunk.end(),
                   [&](int c) { return is_needless(data.coordinate_names[at(c)]); })) {
    TrunkSolver trunk(model);
    for (std::size_t i = 0; i < time.size(); ++i) {
      const Vec3 recorded(columns[at(data.trunk[0])][i], columns[at(data.trunk[1])][i], columns[at(data.trunk[2])][i]);
      Vec3 x;
      if (!trunk.solve(recorded, x))
        throw Error(Kind::numeric, table.place(i),
                    "expected an orientation of the trunk that the lumbar levels can reach, found " +
                        shortest_text(to_degrees(recorded[0])) + ", " + shortest_text(to_degrees(recorded[1])) + ", " +
                        shortest_text(to_degrees(recorded[2])) + " degrees");
      for (std::size_t k = 0; k < 3; ++k) {
        out.trunk_change = std::max(out.trunk_change,
                                    std::abs(x[static_cast<Eigen::Index>(k)] - recorded[static_cast<Eigen::Index>(k)]));
        columns[at(data.trunk[k])][i] = x[static_cast<Eigen::Index>(k)];
      }
    }
  }
  out.time = time;
  return out;
}

}  // namespace psoas
