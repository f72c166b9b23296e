// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Outputs by name: every family is there and finite, names follow their patterns, values are what their help says.
#include "psoas/study/outputs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "psoas/core/units.hpp"
#include "support/errors.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// The whole body with a ligament, on planes that carry it.
Model every_element() {
  const TempFolder folder;
  return Model::load(folder.write("model.json", R"({"extends": ")" PSOAS_SOURCE_DIR R"(/models/full_body_contact.json",
    "planes": {"ground": {"height": 0.3}, "seat": {"height": 0.85}},
    "passive": {"sacrotuberous": {"ligament": {"path": [{"body": "L5", "location": [0, 0, 0]},
      {"body": "pelvis", "location": [0, 0, 0]}], "stiffness": 1000, "slack_length": 0.05}}}})"));
}

/// A solved instant of the whole body.
class Solved {
 public:
  Solved() : model(every_element()), solver(model, {}), forward(model, options_of(model)) {
    std::vector<double> q = model.data().default_coordinates, u(q.size()), udot(q.size());
    const auto set = [&](const char* name, double value_deg) { q[at(model.coordinate(name))] = degrees(value_deg); };
    for (const char* name : {"hip_flexion_r", "hip_flexion_l"}) set(name, 50);
    for (const char* name : {"knee_angle_r", "knee_angle_l"}) set(name, 55);
    set("pelvis_tilt", -15), set("lumbar_extension", -12), set("lumbar_bending", 3);
    for (std::size_t c = 0; c < q.size(); ++c)
      u[c] = 0.3 * std::sin(1.0 + static_cast<double>(c)), udot[c] = std::cos(static_cast<double>(c));
    solver.net(q, u, udot);
    solver.solve({1.0, 0.0});
    State state = model.default_state();
    std::copy(q.begin(), q.end(), state.q().begin());
    std::vector<double> rates(state.vector.size());
    forward.rates(0.0, state.vector, rates);
    question.prescribed["hip_flexion_r"];
  }
  Instant instant(bool simulated = false) const {
    return {&model,
            simulated ? &forward.work() : &solver.work(),
            solver.q(),
            solver.u(),
            solver.udot(),
            solver.activation(),
            solver.tendon_force(),
            &solver,
            simulated ? &forward : nullptr};
  }
  double operator()(const std::string& name) const {
    const std::vector<Output> found = find_outputs(model, {name}, true, solver.equations());
    EXPECT_EQ(found.size(), 1u) << name;
    return found.front().value(instant());
  }

  Model model;
  InverseSolver solver;
  ForwardDynamics forward;   // at the same pose, at rest, on the planes
  SimulationStudy question;  // that it answers

 private:
  static SimulationOptions options_of(const Model& model) {
    SimulationOptions options;
    options.prescribed.push_back(
        {model.coordinate("hip_flexion_r"), Signal({0.0, 1.0}, {0.9, 0.9}, Signal::Shape::linear)});
    return options;
  }
};

const Solved& solved() {
  static const Solved it;
  return it;
}

/// A family's pattern with globs for its placeholders; of two elements the second is narrowed.
std::string glob_of(const std::string& pattern) {
  std::string out;
  int elements = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '<') {
      out += pattern[i];
      continue;
    }
    const std::size_t end = pattern.find('>', i);
    const std::string placeholder = pattern.substr(i + 1, end - i - 1);
    const bool two = std::count(pattern.begin(), pattern.end(), '<') == 2;
    out += !two ? "*" : placeholder.ends_with("coordinate") ? "hip_*" : "psoas_*";
    i = end;
    ++elements;
  }
  EXPECT_LE(elements, 2);
  return out;
}

constexpr const char* of_simulations[] = {"sphere_force_", "plane_force_",      "centre_of_pressure_", "body_force_",
                                          "body_moment_",  "prescribed_force/", "excitation/"};

TEST(Outputs, every_family_is_there_and_finite) {
  std::set<std::string> quantities;
  for (const OutputFamily& family : output_families()) {
    EXPECT_FALSE(family.help.empty()) << family.pattern;
    EXPECT_FALSE(family.unit.empty()) << family.pattern;
    EXPECT_TRUE(quantities.insert(family.pattern.substr(0, family.pattern.find('/'))).second) << family.pattern;
    // a simulation's, which solves no equations of redundancy: what planes do, and what else motions do not have
    const bool simulated = std::any_of(std::begin(of_simulations), std::end(of_simulations),
                                       [&](const char* quantity) { return family.pattern.rfind(quantity, 0) == 0; });
    const std::vector<Output> outputs =
        find_outputs(solved().model, {glob_of(family.pattern)}, true,
                     simulated ? std::span<const Equation>() : solved().solver.equations(),
                     simulated ? &solved().question : nullptr);
    EXPECT_FALSE(outputs.empty()) << family.pattern;
    for (const Output& output : outputs) {
      // strain of a muscle that does not pull is none
      const bool idle =
          (output.name.starts_with("active_fibre_strain/") || output.name.starts_with("active_stretch_margin/")) &&
          solved()("activation/" + output.name.substr(output.name.find('/') + 1)) <= 0.05;
      EXPECT_NE(std::isfinite(output.value(solved().instant(simulated))), idle) << output.name;
      EXPECT_EQ(output.unit.find('|'), std::string::npos) << output.name;
    }
    if (!family.needs_inverse) {
      EXPECT_EQ(find_outputs(solved().model, {glob_of(family.pattern)}, false).size(), outputs.size())
          << family.pattern;
    } else {
      EXPECT_NE(error_of([&] { find_outputs(solved().model, {glob_of(family.pattern)}, false); }), "no error")
          << family.pattern;
    }
  }
  EXPECT_GT(quantities.size(), 40u);
}

TEST(Outputs, keep_the_order_of_the_list_and_name_each_once) {
  const std::vector<Output> outputs =
      find_outputs(solved().model, {"compression/L4_L5", "compression/*", "com_y", "compression/L5_S1"}, true);
  std::vector<std::string> names;
  for (const Output& output : outputs) names.push_back(output.name);
  EXPECT_EQ(names, (std::vector<std::string>{"compression/L4_L5", "compression/L5_S1", "compression/L3_L4",
                                             "compression/L2_L3", "compression/L1_L2", "compression/T12_L1", "com_y"}));
}

TEST(Outputs, unknown_names_suggest_the_nearest) {
  const auto text = [](const char* name) {
    return error_of([&] { find_outputs(solved().model, {name}, true, solved().solver.equations()); });
  };
  for (const auto& [wrong, right] :
       {std::pair{"compresion/L5_S1", "compression"}, std::pair{"compression/L5_S2", "L5_S1"},
        std::pair{"muscle_force/group:iliopsas_r", "group:iliopsoas_r"},
        std::pair{"joint_moment/hip_flexon_r", "hip_flexion_r"},
        std::pair{"muscle_force/psoas_L1_VB_R", "psoas_L1_VB_r"}}) {
    EXPECT_EQ(text(wrong).rfind(std::string(wrong) + ": ", 0), 0u) << text(wrong);
    EXPECT_NE(text(wrong).find(std::string("did you mean \"") + right + "\"?"), std::string::npos) << text(wrong);
  }
  EXPECT_NE(text("compression").find("with one name after the quantity"), std::string::npos) << text("compression");
  EXPECT_NE(text("moment_arm/psoas_L1_VB_r").find("with two names after the quantity"), std::string::npos)
      << text("moment_arm/psoas_L1_VB_r");
  EXPECT_NE(text("com_y/pelvis").find("with no name after the quantity"), std::string::npos) << text("com_y/pelvis");
  EXPECT_EQ(place_of([&] { find_outputs(solved().model, {"nothing/*"}, true); }).first, "input");
}

TEST(Outputs, units_follow_the_coordinate) {
  const auto unit = [](const char* name) {
    return find_outputs(solved().model, {name}, true, solved().solver.equations()).front().unit;
  };
  EXPECT_EQ(unit("coordinate/hip_flexion_r"), "rad");
  EXPECT_EQ(unit("coordinate/pelvis_ty"), "m");
  EXPECT_EQ(unit("joint_moment/hip_flexion_r"), "N m");
  EXPECT_EQ(unit("joint_moment/pelvis_ty"), "N");
  EXPECT_EQ(unit("reserve/L5_S1_extension"), "N m");
  EXPECT_EQ(unit("reserve/pelvis_tx"), "N");
  EXPECT_EQ(unit("moment_arm/psoas_L1_VB_r/hip_flexion_r"), "m");
}

TEST(Outputs, groups_sum_and_moments_are_arm_times_force) {
  const Solved& now = solved();
  double force = 0.0, moment = 0.0, passive = 0.0;
  for (const int m : now.model.select("group:iliopsoas_r")) {
    const std::string& name = now.model.data().muscle_names[at(m)];
    const double arm = now("moment_arm/" + name + "/hip_flexion_r");
    force += now("tendon_force/" + name);
    moment += arm * now("tendon_force/" + name);
    passive += arm * now("passive_force/" + name);
    EXPECT_NEAR(now("normalised_fibre_length/" + name) * now.model.data().units[at(m)].optimal_fibre_length,
                now("fibre_length/" + name), 1e-12);
    // constant height: l sin(pennation) = l0 sin(pennation at l0)
    EXPECT_NEAR(now("fibre_length/" + name) * std::sin(now("pennation/" + name)),
                now.model.data().units[at(m)].height(), 1e-9);
  }
  EXPECT_NEAR(now("muscle_force/group:iliopsoas_r"), force, 1e-9 * force);
  EXPECT_NEAR(now("muscle_moment/hip_flexion_r/group:iliopsoas_r"), moment, 1e-9 * std::abs(moment));
  EXPECT_NEAR(now("passive_moment/hip_flexion_r/group:iliopsoas_r"), passive, 1e-9 * std::abs(passive));
  EXPECT_NEAR(now("muscle_force/group:iliopsoas"), force + now("muscle_force/group:iliopsoas_l"), 1e-9 * force);
}

TEST(Outputs, negative_power_is_what_lengthening_tendons_bring) {
  // With rigid tendons the fibres take what the path brings: its lengthening speed times the active force along it.
  const Solved& now = solved();
  double group = 0.0, mass = 0.0;
  int active = 0, taking = 0;
  for (const int m : now.model.select("group:iliopsoas")) {
    const std::string& name = now.model.data().muscle_names[at(m)];
    const MuscleParameters& unit = now.model.data().units[at(m)];
    const double force = now("activation/" + name) * now.solver.work().force.active[at(m)];
    const double power = std::max(0.0, force * now("lengthening_speed/" + name));
    EXPECT_NEAR(now("negative_power/" + name), power, 1e-9 * (1.0 + power)) << name;
    taking += power > 0.0;
    group += power;
    const double area = *(now.model.spec().muscles.begin() + m)->second.physiological_cross_section_area;
    mass += 1059.7 * area * unit.optimal_fibre_length;
    EXPECT_NEAR(now("fibre_strain_rate/" + name) * unit.optimal_fibre_length, now("fibre_velocity/" + name), 1e-15);
    if (now("activation/" + name) > 0.05) {
      ++active;
      EXPECT_NEAR(now("active_fibre_strain/" + name), now("normalised_fibre_length/" + name) - 1.0, 1e-15);
    } else {
      EXPECT_TRUE(std::isnan(now("active_fibre_strain/" + name)));
    }
  }
  EXPECT_GT(active + taking, 0);
  EXPECT_NEAR(now("negative_power/group:iliopsoas"), group, 1e-9 * (1.0 + group));
  EXPECT_NEAR(now("negative_power_per_mass/group:iliopsoas"), group / mass, 1e-9 * (1.0 + group / mass));
  // A shorter muscle of serial sarcomere loss has as much less mass.
  EXPECT_GT(mass, 0.1);
  EXPECT_LT(mass, 2.0);
}

TEST(Outputs, partial_values_and_the_couplers_slopes_make_the_whole) {
  // What a coordinate drives through couplers (the patella by the knee) adds by the coupler's slope.
  const Solved& now = solved();
  const ModelData& data = now.model.data();
  const std::vector<double>& slope = now.solver.work().slope;
  for (const std::string coordinate : {"knee_angle_r", "hip_flexion_r", "lumbar_extension"}) {
    const int c = now.model.coordinate(coordinate);
    double moment = 0.0, arm = 0.0;
    int parts = 0;
    for (std::size_t t = 0; t < data.couplings.size(); ++t)
      if (data.couplings[t].source == c) {
        moment += slope[t] * now("joint_moment_partial/" + data.tree_coordinate_names[t]);
        arm += slope[t] * now("moment_arm_partial/recfem_r/" + data.tree_coordinate_names[t]);
        ++parts;
      }
    EXPECT_EQ(parts > 1, coordinate != "hip_flexion_r");
    EXPECT_NEAR(now("joint_moment/" + coordinate), moment, 1e-9) << coordinate;
    EXPECT_NEAR(now("moment_arm/recfem_r/" + coordinate), arm, 1e-14) << coordinate;
  }
}

TEST(Outputs, tone_is_the_active_moment_of_least_activation) {
  const Model raised = solved().model.with({set("group:iliopsoas_r", "minimum_activation", 0.06)});
  InverseSolver solver(raised, {});
  solver.net(solved().solver.q(), solved().solver.u(), solved().solver.udot());
  solver.solve({1.0, 0.0});
  const auto value = [&](const char* name) {
    return find_outputs(raised, {name}, true)
        .front()
        .value({&raised, &solver.work(), solver.q(), solver.u(), solver.udot(), solver.activation(),
                solver.tendon_force(), &solver});
  };
  double expected = 0.0;
  for (const int m : raised.select("group:iliopsoas_r"))
    expected += 0.06 * moment_arm(raised, solver.work(), m, raised.coordinate("hip_flexion_r")) *
                solver.work().force.active[at(m)];
  EXPECT_GT(expected, 1.0);
  EXPECT_NEAR(value("tone_moment/hip_flexion_r/group:iliopsoas_r"), expected, 1e-12 * expected);
  // the passive moment does not know of it
  EXPECT_EQ(value("passive_moment/hip_flexion_r/group:iliopsoas_r"),
            solved()("passive_moment/hip_flexion_r/group:iliopsoas_r"));
}

TEST(Outputs, what_the_rhythm_constraint_carries) {
  // With an equation for each level nothing is left but the levels' reserves.
  for (const std::string level : {"L5_S1", "L3_L4", "T12_L1"}) {
    EXPECT_NEAR(solved()("rhythm_moment/" + level), solved()("reserve/" + level + "_extension"), 1e-8) << level;
    EXPECT_NEAR(solved()("rhythm_moment_bending/" + level), solved()("reserve/" + level + "_bending"), 1e-8) << level;
    EXPECT_NEAR(solved()("rhythm_moment_axial/" + level), solved()("reserve/" + level + "_rotation"), 1e-8) << level;
  }
  // With the three trunk equations couples of many newton metres stay, whose projection is the coordinate's reserve.
  const Model& model = solved().model;
  InverseSolver solver(model, {.levels = false});
  solver.net(solved().solver.q(), solved().solver.u(), solved().solver.udot());
  solver.solve({1.0, 0.0});
  const ModelData& data = model.data();
  double projected = 0.0, largest = 0.0, reserve = std::nan("");
  for (std::size_t k = 0; k < data.levels.size(); ++k) {
    const double left = solver.level_imbalance(static_cast<int>(k))[0];
    projected += solver.work().slope[at(data.levels[k].coordinates[0])] * left;
    largest = std::max(largest, std::abs(left));
  }
  for (std::size_t r = 0; r < solver.equations().size(); ++r)
    if (solver.equations()[r].name == "lumbar_extension") reserve = solver.reserve()[r];
  EXPECT_NEAR(projected, reserve, 1e-8);
  EXPECT_GT(largest, 5.0);
}

TEST(Outputs, thomas_angle_of_a_body_on_its_back) {
  const Model& model = solved().model;
  Workspace work(model);
  std::vector<double> q = model.data().default_coordinates;
  const std::vector<double> u(q.size());
  q[at(model.coordinate("pelvis_tilt"))] = degrees(90.0);  // x, forward, is up now
  q[at(model.coordinate("hip_flexion_r"))] = degrees(25.0);
  q[at(model.coordinate("hip_flexion_l"))] = degrees(-12.0);
  evaluate(model, q, u, work, Depth::position);
  for (const auto& [side, angle] : {std::pair{"r", 25.0}, std::pair{"l", -12.0}})
    EXPECT_NEAR(find_outputs(model, {std::string("thomas_angle_deg/") + side}, false)
                    .front()
                    .value({&model, &work, q, u, u, {}, {}, nullptr}),
                angle, 1e-9);
}

TEST(Outputs, a_residual_is_what_contacts_do_not_supply) {
  const Solved& now = solved();
  Vec3 contacts = Vec3::Zero(), needed;
  for (int i = 0; i < 3; ++i) {
    const std::string axis(1, "xyz"[i]);
    for (const auto& [name, contact] : now.model.spec().contacts)
      contacts[i] += now("contact_force_" + axis + "/" + name);
    needed[i] = now("external_force_" + axis);
  }
  EXPECT_NEAR(now("residual/force"), (needed - contacts).norm(), 1e-9);
  Vec3 reserve;
  for (int i = 0; i < 3; ++i) reserve[i] = now(std::string("reserve/pelvis_t") + "xyz"[i]);
  EXPECT_NEAR(now("residual/force"), reserve.norm(), 1e-6);
  // without contacts all of it
  InverseSolver solver(now.model, {});
  solver.net(now.solver.q(), now.solver.u(), now.solver.udot());
  solver.solve({0.0, 0.0});
  EXPECT_NEAR(solver.residual_wrench().tail<3>().norm(), needed.norm(), 1e-9);
  // a model whose pelvis is held has none
  const Model held = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  EXPECT_NE(error_of([&] { find_outputs(held, {"residual/force"}, true); }), "no error");
}

TEST(Outputs, hip_contact_force_is_one_vector_in_two_frames) {
  const Solved& now = solved();
  for (const std::string side : {"r", "l"}) {
    const Vec3 femur(now("hip_contact_force_x/" + side), now("hip_contact_force_y/" + side),
                     now("hip_contact_force_z/" + side));
    const Vec3 pelvis(now("hip_contact_force_pelvis_x/" + side), now("hip_contact_force_pelvis_y/" + side),
                      now("hip_contact_force_pelvis_z/" + side));
    EXPECT_NEAR(femur.norm(), now("hip_contact_force/" + side), 1e-9);
    EXPECT_NEAR(pelvis.norm(), femur.norm(), 1e-9);
    EXPECT_NEAR(now("hip_contact_force_bw/" + side) * now.model.data().mass * standard_gravity, femur.norm(), 1e-9);
    // the pelvis presses down on the femur
    EXPECT_LT(pelvis.y(), 0.0);
  }
}

TEST(Outputs, body_origins_and_mass_centre) {
  const Solved& now = solved();
  const Vec3 center = now.solver.mass_center();
  for (int i = 0; i < 3; ++i) {
    const std::string axis(1, "xyz"[i]);
    for (const auto& [name, body] : now.model.spec().bodies)
      EXPECT_EQ(now("body_origin_" + axis + "/" + name), now.solver.work().tree.X_GB[at(now.model.body(name))].p[i])
          << name;
    // the pelvis' joint frame is its own, so its coordinates are its origin
    EXPECT_NEAR(now("body_origin_" + axis + "/pelvis"), now("coordinate/pelvis_t" + axis), 1e-12);
    EXPECT_NEAR(now("com_" + axis), center[i], 1e-12);
  }
}

TEST(Outputs, lordosis_and_sacral_slope) {
  // Neutral: the endplate angles of the model itself; extension adds to lordosis by the shares of the levels below L1, a
  // tilted pelvis to the slope alone.
  const Model& model = solved().model;
  Workspace work(model);
  const auto value = [&](const char* name, double extension_deg, double tilt_deg) {
    std::vector<double> q = model.data().default_coordinates;
    const std::vector<double> u(q.size());
    q[at(model.coordinate("lumbar_extension"))] = degrees(extension_deg);
    q[at(model.coordinate("pelvis_tilt"))] = degrees(tilt_deg);
    evaluate(model, q, u, work, Depth::position);
    return find_outputs(model, {name}, false).front().value({&model, &work, q, u, u, {}, {}, nullptr});
  };
  const auto& levels = model.spec().lumbar->levels;
  const double sacrum = levels.find("L5_S1")->endplate_angle_deg, top = levels.find("T12_L1")->endplate_angle_deg;
  EXPECT_NEAR(value("sacral_slope_deg", 0, 0), -sacrum, 1e-9);
  EXPECT_NEAR(value("lordosis_deg", 0, 0), top - sacrum, 1e-9);
  const double above = 0.1026;  // share of T12_L1: models/SOURCES.md
  EXPECT_NEAR(value("lordosis_deg", 10, 0), top - sacrum + 10.0 * (1.0 - above), 1e-6);
  EXPECT_NEAR(value("lordosis_deg", 0, -10), top - sacrum, 1e-9);
  EXPECT_NEAR(value("sacral_slope_deg", 0, -10), -sacrum + 10.0, 1e-9);
  // who lies has endplates beyond the vertical
  EXPECT_NEAR(value("lordosis_deg", 0, 90), top - sacrum, 1e-9);
  EXPECT_NEAR(value("anterior_pelvic_tilt_deg", 0, 95), -95.0, 1e-9);
}

}  // namespace
}  // namespace psoas::test
