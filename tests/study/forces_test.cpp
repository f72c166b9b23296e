// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Motions with measured external forces. The subject stands (or sits) still: constants and straight lines pass the
// filter unchanged, so every expectation is exact.
#include <gtest/gtest.h>

#include <string>

#include "study/still.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

/// The study of a still body with measured forces.
std::string study_of(const Still& still, const std::string& forces, const std::string& more = "") {
  return still.study(
      more + R"("outputs": ["joint_moment/*", "residual/*", "contact_force_y/*", "compression/L5_S1"], )",
      R"(, "trunk": "coordinates", "forces": )" + forces);
}

const char* const one_foot =
    R"({"table": "forces.csv", "loads": {"right foot": {"body": "calcn_r", "force": "f", "point": "p", "torque": "t"}}})";

/// One plate under the right foot that carries `share(t)` of what the still body needs.
std::string one_plate(const Still& still, const std::function<double(double)>& share) {
  const Spatial needed = still.solver().required_wrench();
  const Vec3 force = needed.tail<3>(), point(0.05, -0.9, 0.08), free = needed.head<3>() - point.cross(force);
  return table_text({"fx", "fy", "fz", "px", "py", "pz", "tx", "ty", "tz"}, [&](std::size_t c, double t) {
    const auto i = static_cast<Eigen::Index>(c % 3);
    return c < 3 ? share(t) * force[i] : c < 6 ? point[i] : share(t) * free[i];
  });
}

TEST(MeasuredForces, all_that_is_needed_leaves_no_residual) {
  const Still still;
  still.folder.write("forces.csv", one_plate(still, [](double) { return 1.0; }));
  const Result result = run(read_study(study_of(still, one_foot)));
  const Block& block = result.blocks.begin()->second;
  // the same wrench on the same foot, by hand
  InverseSolver solver = still.solver();
  std::vector<Spatial> measured(still.model.tree().bodies.size(), Spatial::Zero());
  measured[at(still.model.body("calcn_r"))] = solver.required_wrench();
  const std::vector<double> rest(still.q.size());
  solver.net(still.q, rest, rest, measured);
  solver.solve({0.0, 0.0});
  for (std::size_t f = 0; f < still_frames; ++f) {
    EXPECT_NEAR(series(block, "residual/force")[f], 0.0, 1e-9);
    EXPECT_NEAR(series(block, "residual/moment")[f], 0.0, 1e-9);
    for (const auto& [name, contact] : still.model.spec().contacts)
      EXPECT_EQ(series(block, "contact_force_y/" + name)[f], 0.0);
    for (const char* c : {"hip_flexion_r", "knee_angle_r", "ankle_angle_r", "hip_flexion_l", "knee_angle_l"})
      EXPECT_NEAR(series(block, std::string("joint_moment/") + c)[f], solver.joint_moment(still.model.coordinate(c)),
                  1e-8)
          << c;
  }
  // The left leg hangs: its ankle carries the foot's weight alone, the right ankle the rest of the body.
  const double left = series(block, "joint_moment/ankle_angle_l")[3];
  EXPECT_LT(std::abs(left), 2.0);
  const Spatial needed = still.solver().required_wrench();
  const Workspace& work = solver.work();
  const Vec3 ankle = work.tree.X_GB[at(still.model.body("talus_r"))].p;
  Spatial foot = Spatial::Zero();  // weight of talus, calcaneus and toes about ground's origin
  for (const char* name : {"talus_r", "calcn_r", "toes_r"}) {
    const auto b = at(still.model.body(name));
    foot += wrench_at<double>(work.tree.mass_center[b],
                              Vec3(still.model.tree().bodies[b].mass * still.model.spec().gravity));
  }
  const Vec3 total_force = needed.tail<3>() + foot.tail<3>();
  const Vec3 moment = needed.head<3>() + foot.head<3>() - ankle.cross(total_force);  // on the foot, about the ankle
  const Spatial axis = work.tree.motion[at(still.model.tree_coordinate("ankle_angle_r"))];
  EXPECT_NEAR(series(block, "joint_moment/ankle_angle_r")[3], -Vec3(axis.head<3>()).dot(moment), 1e-8);

  int lines = 0;
  for (const Credibility& line : block.credibility) {
    if (line.name.rfind("residual", 0) == 0) {
      EXPECT_TRUE(line.ok && *line.ok) << line.name;
      ++lines;
    }
    if (line.name.rfind("contact shortfall", 0) == 0) {
      EXPECT_FALSE(line.ok) << line.name;
    }
  }
  EXPECT_EQ(lines, 2);
}

TEST(MeasuredForces, what_is_missing_is_the_residual) {
  const Still still;
  still.folder.write("forces.csv", one_plate(still, [](double t) { return 1.0 - 0.5 * t; }));
  const Result result = run(read_study(study_of(still, one_foot)));
  const Block& block = result.blocks.begin()->second;
  for (std::size_t f = 0; f < still_frames; ++f)
    EXPECT_NEAR(series(block, "residual/force")[f], still.weight() * 0.5 * still_step * static_cast<double>(f), 1e-8);
  for (const Credibility& line : block.credibility)
    if (line.name == "residual force over peak external force") {
      EXPECT_NEAR(line.value, 0.1, 1e-9);
      EXPECT_FALSE(*line.ok);
    }
}

TEST(MeasuredForces, in_the_frame_of_a_body_they_are_the_same) {
  const Still still;
  const std::string in_ground = one_plate(still, [](double) { return 1.0; });
  still.folder.write("forces.csv", in_ground);
  const Result ground = run(read_study(study_of(still, one_foot)));
  // the same force and free moment turned into the foot's frame, acting at the foot's origin
  const InverseSolver solver = still.solver();
  const Spatial needed = solver.required_wrench();
  const Pose& X = solver.work().tree.X_GB[at(still.model.body("calcn_r"))];
  const Vec3 force = needed.tail<3>(), moment = needed.head<3>() - X.p.cross(force);
  const Vec3 f = X.R.transpose() * force, t = X.R.transpose() * moment;
  still.folder.write("forces.csv", table_text({"fx", "fy", "fz", "tx", "ty", "tz"}, [&](std::size_t c, double) {
                       return c < 3 ? f[static_cast<Eigen::Index>(c)] : t[static_cast<Eigen::Index>(c - 3)];
                     }));
  const Result foot = run(read_study(study_of(still,
                                              R"({"table": "forces.csv", "lowpass_hz": 20,
          "loads": {"r": {"body": "calcn_r", "force": "f", "torque": "t", "expressed_in": "calcn_r"}}})")));
  for (const char* c : {"hip_flexion_r", "knee_angle_r", "ankle_angle_r"}) {
    const std::string name = std::string("joint_moment/") + c;
    EXPECT_NEAR(series(foot.blocks.begin()->second, name)[5], series(ground.blocks.begin()->second, name)[5], 1e-8);
  }
}

TEST(MeasuredForces, a_seat_that_no_plate_measures_may_carry_the_rest) {
  // Feet measured with a tenth of the weight, the thighs level: the seat is sought and carries nine tenths.
  const Still still(90.0);
  const double weight = still.weight();
  const Pose X = still.solver().work().tree.X_GB[at(still.model.body("calcn_r"))];
  still.folder.write(
      "forces.csv", table_text({"fx", "fy", "fz", "px", "py", "pz"}, [&](std::size_t c, double) {
        return c == 1 ? 0.1 * weight : c < 3 ? 0.0 : c == 5 ? 0.0 : X.p[static_cast<Eigen::Index>(c - 3)];
      }));
  const std::string forces =
      R"({"table": "forces.csv", "loads": {"feet": {"body": "calcn_r", "force": "f", "point": "p"}}})";
  const Result seated = run(read_study(study_of(still, forces, R"("support": {"seat": "until_seat_off"}, )")));
  const Block& block = seated.blocks.begin()->second;
  for (std::size_t f = 0; f < still_frames; ++f) {
    double seat = 0.0, feet = 0.0;
    for (const auto& [name, contact] : still.model.spec().contacts)
      (contact.support == "seat" ? seat : feet) += series(block, "contact_force_y/" + name)[f];
    EXPECT_EQ(feet, 0.0);
    EXPECT_NEAR(seat, 0.9 * weight, 1e-3 * weight) << "frame " << f;
  }
  // without being asked, no seat
  const Result without = run(read_study(study_of(still, forces)));
  EXPECT_NEAR(series(without.blocks.begin()->second, "residual/force")[0], 0.9 * weight, 1e-8 * weight);
}

TEST(MeasuredForces, a_result_can_be_run_again) {
  const Still still;
  still.folder.write("forces.csv", one_plate(still, [](double t) { return 1.0 - 0.2 * t; }));
  const Result first = run(read_study(study_of(still, one_foot)));
  TempFolder elsewhere;
  const std::string text = result_text(first);
  const Result again = run(read_study(elsewhere.write("result.json", text)));
  EXPECT_EQ(again.blocks.begin()->second.series.find("joint_moment/knee_angle_r")->values,
            first.blocks.begin()->second.series.find("joint_moment/knee_angle_r")->values);
}

/// An ExternalLoads file of OpenSim with one force.
std::string opensim_loads(const std::string& properties, const std::string& data_file = "../forces.csv") {
  return R"(<?xml version="1.0" encoding="UTF-8" ?>
<OpenSimDocument Version="40000">
  <ExternalLoads name="loads">
    <objects>
      <ExternalForce name="off"><appliesForce>false</appliesForce></ExternalForce>
      <ExternalForce name="foot">)" +
         properties + R"(<data_source_name>Unassigned</data_source_name></ExternalForce>
    </objects>
    <groups />
    <data_file>)" +
         data_file + R"(</data_file>
  </ExternalLoads>
</OpenSimDocument>
)";
}

TEST(MeasuredForces, a_file_of_opensim_says_the_same) {
  const Still still;
  still.folder.write("forces.csv", one_plate(still, [](double t) { return 1.0 - 0.2 * t; }));
  const Result by_hand = run(read_study(study_of(still, one_foot)));
  const auto moments = [](const Result& result, const char* c) {
    return series(result.blocks.begin()->second, std::string("joint_moment/") + c);
  };
  still.folder.write(
      "opensim/loads.xml",
      opensim_loads(
          "<applied_to_body>calcn_r</applied_to_body><force_expressed_in_body>ground</force_expressed_in_body>"
          "<point_expressed_in_body>/ground</point_expressed_in_body><force_identifier>f</force_identifier>"
          "<point_identifier>p</point_identifier><torque_identifier>t</torque_identifier>"));
  const Result by_file = run(read_study(study_of(still, R"({"external_loads": "opensim/loads.xml"})")));
  for (const char* c : {"hip_flexion_r", "knee_angle_r", "ankle_angle_r", "hip_flexion_l"})
    EXPECT_EQ(moments(by_file, c), moments(by_hand, c)) << c;
  // and from the result alone
  TempFolder elsewhere;
  const Result again = run(read_study(elsewhere.write("result.json", result_text(by_file))));
  EXPECT_EQ(moments(again, "knee_angle_r"), moments(by_hand, "knee_angle_r"));

  // the point in the frame of the foot, which stands still
  const InverseSolver solver = still.solver();
  const Pose& X = solver.work().tree.X_GB[at(still.model.body("calcn_r"))];
  const Vec3 point = X.inverse() * Vec3(0.05, -0.9, 0.08);
  const Spatial needed = solver.required_wrench();
  const Vec3 force = needed.tail<3>(), free = needed.head<3>() - Vec3(0.05, -0.9, 0.08).cross(force);
  still.folder.write("forces.csv",
                     table_text({"fx", "fy", "fz", "px", "py", "pz", "tx", "ty", "tz"}, [&](std::size_t c, double t) {
                       const auto i = static_cast<Eigen::Index>(c % 3);
                       return c < 3 ? (1.0 - 0.2 * t) * force[i] : c < 6 ? point[i] : (1.0 - 0.2 * t) * free[i];
                     }));
  still.folder.write("opensim/loads.xml",
                     opensim_loads("<applied_to_body>/bodyset/calcn_r</applied_to_body><point_expressed_in_body>calcn_r"
                                   "</point_expressed_in_body><force_identifier>f</force_identifier>"
                                   "<point_identifier>p</point_identifier><torque_identifier>t</torque_identifier>"));
  const Result in_foot = run(read_study(study_of(still, R"({"external_loads": "opensim/loads.xml"})")));
  for (const char* c : {"hip_flexion_r", "knee_angle_r", "ankle_angle_r"})
    for (std::size_t f = 0; f < still_frames; ++f)
      EXPECT_NEAR(moments(in_foot, c)[f], moments(by_hand, c)[f], 1e-8) << c;
}

TEST(MeasuredForces, wrong_files_of_opensim_are_refused_with_their_line) {
  const Still still;
  still.folder.write("forces.csv", one_plate(still, [](double) { return 1.0; }));
  const auto expect = [&](const std::string& xml, const std::string& part) {
    still.folder.write("opensim/loads.xml", xml);
    const std::string text =
        error_of([&] { run(read_study(study_of(still, R"({"external_loads": "opensim/loads.xml"})"))); });
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const std::string foot = "<applied_to_body>calcn_r</applied_to_body>";
  expect("", "loads.xml:1: expected OpenSim's external loads, found an empty file");
  expect("<OpenSimDocument Version=\"40000\"><Model /></OpenSimDocument>", "loads.xml:1: expected <ExternalLoads>");
  expect(opensim_loads("<force_identifier>f</force_identifier>"), "loads.xml:6: ");
  expect(opensim_loads(foot), "force_identifier");
  expect(opensim_loads(foot + "<force_identifier>v</force_identifier>"),
         "/motion/forces/external_loads: expected the start of three columns");
  expect(opensim_loads("<applied_to_body>calc_r</applied_to_body><force_identifier>f</force_identifier>"),
         "/motion/forces/external_loads: expected a body of the model, found \"calc_r\"");
  expect(opensim_loads(foot + "<force_identifier>f</force_identifier>", "none.mot"), "none.mot: expected a file");
  const std::string both = error_of(
      [&] { run(read_study(study_of(still, R"({"external_loads": "opensim/loads.xml", "table": "forces.csv"})"))); });
  EXPECT_NE(both.find("/motion/forces: expected either \"external_loads\" or \"table\" with \"loads\""),
            std::string::npos)
      << both;
}

TEST(MeasuredForces, wrong_ones_are_refused_with_their_place) {
  const Still still;
  still.folder.write("forces.csv", one_plate(still, [](double) { return 1.0; }));
  const auto text = [&](const std::string& forces) {
    return error_of([&] { run(read_study(study_of(still, forces))); });
  };
  const auto has = [](const std::string& whole, const std::string& part) {
    EXPECT_NE(whole.find(part), std::string::npos) << whole;
  };
  std::string found = text(R"({"table": "forces.csv", "loads": {"r": {"body": "calc_r", "force": "f"}}})");
  has(found, "study.json:");
  has(found, "/motion/forces/loads/r/body: expected a body of the model, found \"calc_r\", did you mean \"calcn_r\"?");
  found = text(R"({"table": "forces.csv", "loads": {"r": {"body": "ground", "force": "f"}}})");
  has(found, "/motion/forces/loads/r/body: expected a body that moves");
  found = text(R"({"table": "forces.csv", "loads": {"r": {"body": "calcn_r", "force": "v"}}})");
  has(found, "/motion/forces/loads/r/force: expected the start of three columns");
  has(found, "found no \"vx\"");
  has(text(R"({"table": "forces.csv", "loads": {}})"), "/motion/forces: expected at least one force");
  has(text(R"({"table": "none.csv", "loads": {"r": {"body": "calcn_r", "force": "f"}}})"), "none.csv: expected a file");
  has(text(R"({"table": "forces.csv", "loads": {"r": {"body": "calcn_r"}}})"), "/loads/r: missing \"force\"");
  still.folder.write("forces.csv",
                     "time,fx,fy,fz\n0.05,0,1,0\n0.06,0,1,0\n0.07,0,1,0\n0.08,0,1,0\n0.09,0,1,0\n0.1,0,1,0\n");
  const std::string plain = R"({"table": "forces.csv", "loads": {"r": {"body": "calcn_r", "force": "f"}}})";
  has(text(plain),
      "/motion/forces/table: expected forces over all of the time asked for (0 to 0.2 s), found 0.05 to 0.1 s");
  still.folder.write("forces.csv", table_text({"fx", "fy", "fz"}, [](std::size_t c, double t) {
                       return c == 1 && t > 0.095 && t < 0.105 ? std::nan("") : 1.0;
                     }));
  has(text(plain), "forces.csv:12");
}

}  // namespace
}  // namespace psoas::test
