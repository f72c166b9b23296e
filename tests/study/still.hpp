// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A whole body that keeps still, as a recording and a study: constants pass filter and splines unchanged, so what a study
// makes of them can be told exactly.
//   const Still still;   run(read_study(still.study(R"("support": {"seat": "none"}, )")));
#pragma once

#include <functional>
#include <string>

#include "psoas/core/table.hpp"
#include "psoas/core/units.hpp"
#include "study/examples.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {

inline constexpr int still_frames = 21;
inline constexpr double still_step = 0.01;

/// A table whose cells are value(column, time).
inline std::string table_text(const std::vector<std::string>& names,
                              const std::function<double(std::size_t, double)>& value) {
  std::string text = "time";
  for (const std::string& name : names) text += "," + name;
  for (int i = 0; i < still_frames; ++i) {
    text += "\n" + shortest_text(still_step * i);
    for (std::size_t c = 0; c < names.size(); ++c) text += "," + shortest_text(value(c, still_step * i));
  }
  return text + "\n";
}

/// A still pose of the whole body as a recording, and a study of it with forces.
class Still {
 public:
  explicit Still(double knee_deg = 15.0) : model(Model::load(PSOAS_SOURCE_DIR "/models/full_body.json")) {
    q = model.data().default_coordinates;
    const auto set = [&](const char* name, double value_deg) { q[at(model.coordinate(name))] = degrees(value_deg); };
    for (const std::string side : {"_r", "_l"}) {
      set(("hip_flexion" + side).c_str(), knee_deg), set(("knee_angle" + side).c_str(), knee_deg);
      set(("ankle_angle" + side).c_str(), 2.0);
    }
    set("lumbar_extension", -8.0);
    folder.write("still.csv", table_text(model.data().coordinate_names, [&](std::size_t c, double) { return q[c]; }));
  }

  InverseSolver solver() const {
    InverseSolver solver(model, {});
    solver.net(q, std::vector<double>(q.size()), std::vector<double>(q.size()));
    return solver;
  }
  double weight() const { return model.data().mass * standard_gravity; }

  /// Writes the study: `more` members of it, each with a comma behind it, and `motion` members of its motion, each with
  /// a comma before it.
  std::string study(const std::string& more, const std::string& motion = "") const {
    return folder.write("study.json", R"({"format": "psoas-study/1", "study": "motion", "model": ")" PSOAS_SOURCE_DIR
                                      R"(/models/full_body.json", )" +
                                          more + R"("motion": {"coordinates": "still.csv", "lowpass_hz": 6)" + motion +
                                          "}}");
  }

  Model model;
  std::vector<double> q;
  TempFolder folder;
};

}  // namespace psoas::test
