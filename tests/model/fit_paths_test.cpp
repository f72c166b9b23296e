// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Fitted paths of some muscles of the whole body against their exact paths; when they are refused; how they are stored.
#include "psoas/model/fit_paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/tiny.hpp"
#include "psoas/model/edit.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "support/random.hpp"
#include "support/temp_folder.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

const std::string full_body = PSOAS_SOURCE_DIR "/models/full_body.json";

/// One to four coordinates, straight and wrapped, knees with couplers, and the trunk's rhythm.
ModelSpec some_muscles() {
  ModelSpec spec = read_model(full_body);
  const std::vector<std::string> kept = {"soleus_r", "vasmed_r",     "gaslat_r",   "sart_r",
                                         "bflh_r",   "addmagProx_r", "LTpT_T11_r", "MF_m1s_r"};
  spec.muscles.erase_if([&](const std::string& name, const MuscleSpec&) {
    return std::find(kept.begin(), kept.end(), name) == kept.end();
  });
  EXPECT_EQ(spec.muscles.size(), kept.size());
  spec.groups = {};
  spec.domain = {};  // of muscles that went
  spec.certificate.reset();
  return spec;
}

const ModelSpec& fitted_spec() {
  static const ModelSpec spec = fit_paths(some_muscles());
  return spec;
}

std::vector<double> posture(const Model& model, MersenneTwister& random) {
  std::vector<double> q;
  for (const std::string& name : model.data().coordinate_names) {
    const std::array<double, 2>& range = model.spec().coordinates.find(name)->range;
    q.push_back(random.uniform(range[0], range[1]));
  }
  return q;
}

TEST(FitPaths, errors_are_what_is_stored) {
  const Model exact(some_muscles()), fitted(fitted_spec());
  Workspace a(exact), b(fitted);
  MersenneTwister random(11);
  std::vector<double> u(at(exact.coordinates())), worst(at(exact.muscles()), 0.0), worst_arm = worst;
  for (double& speed : u) speed = random.uniform(-1.0, 1.0);
  // a sample that the fit knows nothing of, larger than the one that errors were stored from
  for (int i = 0; i < 12000; ++i) {
    const std::vector<double> q = posture(exact, random);
    evaluate(exact, q, u, a, Depth::velocity);
    evaluate(fitted, q, u, b, Depth::velocity);
    for (int m = 0; m < exact.muscles(); ++m) {
      worst[at(m)] = std::max(worst[at(m)], std::abs(a.length[at(m)] - b.length[at(m)]));
      double speed = 0.0;
      for (int c = 0; c < exact.coordinates(); ++c) {
        const double arm = moment_arm(fitted, b, m, c);
        worst_arm[at(m)] = std::max(worst_arm[at(m)], std::abs(moment_arm(exact, a, m, c) - arm));
        speed -= arm * u[at(c)];
      }
      EXPECT_NEAR(b.speed[at(m)], speed, 1e-14);
    }
  }
  for (int m = 0; m < exact.muscles(); ++m) {
    const auto& [name, muscle] = *(fitted.spec().muscles.begin() + m);
    const FittedSpec& item = *muscle.fitted;
    EXPECT_LE(item.worst_length_error, 1e-4) << name;
    EXPECT_LE(item.worst_moment_arm_error, 3e-3) << name;
    EXPECT_LE(item.rms_moment_arm_error, 3e-4) << name;
    // what is stored is the greatest of a sample, and three times as many others may find one that is greater by a little
    EXPECT_LE(worst[at(m)], 1.2 * item.worst_length_error) << name;
    EXPECT_LE(worst_arm[at(m)], 1.5 * item.worst_moment_arm_error) << name;
    EXPECT_GT(worst[at(m)], 0.0) << name;
    EXPECT_LE(item.rms_length_error, item.worst_length_error);
  }
}

TEST(FitPaths, a_finer_tolerance_is_reached) {
  ModelSpec spec = some_muscles();
  spec.muscles.erase_if([](const std::string& name, const MuscleSpec&) { return name != "MF_m1s_r"; });
  FitOptions options;
  options.tolerance = 1e-6;
  const ModelSpec fine = fit_paths(spec, options);
  EXPECT_LE(fine.muscles.begin()->second.fitted->worst_length_error, 1e-6);
}

TEST(FitPaths, equal_input_gives_equal_bytes_and_survives_its_file) {
  const std::string text = model_text(fitted_spec());
  EXPECT_EQ(model_text(fit_paths(some_muscles())), text);
  EXPECT_EQ(model_text(parse_model("again", text)), text);
  EXPECT_EQ(model_text(fit_paths(fitted_spec())), text) << "fitted paths that were there do not matter";
}

TEST(FitPaths, a_file_of_fitted_paths_extends_its_model) {
  const TempFolder folder;
  ModelSpec spec = some_muscles();
  folder.write("leg.json", model_text(spec));
  const std::string file = folder.write("fits/leg_fitted.json", fitted_text(fitted_spec(), "../leg.json"));
  const ModelSpec read = read_model(file);
  EXPECT_EQ(model_text(read), model_text(fitted_spec()));
  // the model changes under it
  spec.muscles.find("sart_r")->path[1].location.x() += 1e-6;
  folder.write("leg.json", model_text(spec));
  const std::string error = error_of([&] { Model::load(file); });
  EXPECT_NE(error.find("/muscles/sart_r/fitted: expected a path that was fitted with this geometry"), std::string::npos)
      << error;
  EXPECT_NE(error.find("psoas fit-paths"), std::string::npos) << error;
}

TEST(FitPaths, only_geometry_makes_them_stale) {
  const auto refused = [](const std::function<void(ModelSpec&)>& change) {
    ModelSpec spec = fitted_spec();
    change(spec);
    return error_of([&] { Model model(spec); });
  };
  EXPECT_EQ(refused([](ModelSpec& s) { s.muscles.find("soleus_r")->optimal_fibre_length *= 0.9; }), "no error");
  EXPECT_EQ(refused([](ModelSpec& s) { s.bodies.find("tibia_r")->mass *= 1.1; }), "no error");
  EXPECT_EQ(refused([](ModelSpec& s) { s.coordinates.find("knee_angle_r")->value = 0.1; }), "no error");
  EXPECT_EQ(refused([](ModelSpec& s) { s.joints.find("elbow_r")->parent_frame.translation.x() += 0.01; }), "no error")
      << "no path of these goes there";
  for (const auto& [muscle, change] : std::vector<std::pair<std::string, std::function<void(ModelSpec&)>>>{
           {"vasmed_r", [](ModelSpec& s) { s.muscles.find("vasmed_r")->wraps.clear(); }},
           {"vasmed_r",
            [](ModelSpec& s) {
              s.surfaces.find(s.muscles.find("vasmed_r")->wraps[0].surface)->translation.y() += 1e-9;
            }},
           {"vasmed_r", [](ModelSpec& s) { s.coordinates.find("knee_angle_r")->range[1] += 0.1; }},
           {"soleus_r", [](ModelSpec& s) { s.joints.find("ankle_r")->child_frame.orientation.x() += 1e-9; }},
           {"LTpT_T11_r",
            [](ModelSpec&
                   s) { std::get<Linear>(s.coordinates.find("L4_L5_extension")->coupled_to->function).slope *= 1.01; }},
           {"bflh_r", [](ModelSpec& s) {
              std::vector<Problem> none;
              Subject tall;
              tall.scale["femur_r"] = Vec3(1.0, 1.05, 1.0);
              s = scaled(s, tall, "/subject", none);
              EXPECT_TRUE(none.empty());
            }}}) {
    const std::string error = refused([&, &kept = muscle, &changed = change](ModelSpec& s) {
      s.muscles.erase_if([&](const std::string& name, const MuscleSpec&) { return name != kept; });
      changed(s);
    });
    EXPECT_NE(error.find("fitted with this geometry"), std::string::npos) << muscle << ": " << error;
    EXPECT_NE(error.find(muscle), std::string::npos) << error;
  }
  const std::string missing = refused([](ModelSpec& s) { s.muscles.find("bflh_r")->fitted.reset(); });
  EXPECT_NE(missing.find("/paths: expected a fitted path for each muscle, found none for \"bflh_r\""),
            std::string::npos)
      << missing;
  EXPECT_EQ(refused([](ModelSpec& s) {
              s.paths = "exact";
              s.muscles.find("vasmed_r")->wraps.clear();
            }),
            "no error");
}

TEST(FitPaths, a_subject_s_mass_keeps_them) {
  std::vector<Problem> none;
  Subject heavy;
  heavy.mass = 90.0;
  EXPECT_NO_THROW(Model(scaled(fitted_spec(), heavy, "/subject", none)));
  EXPECT_TRUE(none.empty());
}

/// A muscle between ground and the end of a chain of seven bodies, straight or over a sphere.
ModelSpec seven_joints(bool wrapped) {
  ModelSpec spec;
  for (int i = 0; i < 7; ++i) {
    const std::string n = std::to_string(i);
    spec.bodies["b" + n].mass = 1.0;
    spec.bodies["b" + n].inertia = {0.1, 0.1, 0.1, 0, 0, 0};
    spec.coordinates["q" + n].range = {-0.1, 0.1};
    JointSpec& joint = spec.joints["j" + n];
    joint.parent = i == 0 ? "ground" : "b" + std::to_string(i - 1);
    joint.child = "b" + n;
    joint.parent_frame.translation = {0, -0.1, 0};
    joint.motion = Pin{"q" + n};
  }
  MuscleSpec& muscle = spec.muscles["long"];
  muscle.path = {{"ground", {0.05, 0, 0}, {}, {}}, {"b6", {0.05, 0, 0}, {}, {}}};
  muscle.max_isometric_force = 100.0;
  muscle.optimal_fibre_length = 0.1;
  muscle.tendon_slack_length = 0.1;
  if (wrapped) {
    SurfaceSpec& ball = spec.surfaces["ball"];
    ball.body = "b2";
    ball.translation = {0.03, -0.05, 0.0};
    ball.shape = Sphere{0.03};
    muscle.wraps.push_back({"ball", {}, "shortest", {}, false});
  }
  MuscleSpec other = muscle;
  other.path[1].body = "b1";
  other.wraps.clear();
  spec.muscles["other"] = other;
  return spec;
}

/// A fitted model whose muscle `stays` keeps its exact path, and whose others do not.
void expect_exact(const ModelSpec& spec, const std::string& stays, const std::string& why) {
  const Model exact(spec), fitted(fit_paths(spec));
  Workspace a(exact), b(fitted);
  MomentArmSlopes slopes(exact), fitted_slopes(fitted);
  MersenneTwister random(29);
  for (const auto& [name, muscle] : fitted.spec().muscles) {
    const std::string said = muscle.fitted->stays_exact.value_or("");
    EXPECT_EQ(said.find(why) != std::string::npos, name == stays) << name << ": " << said;
    EXPECT_EQ(muscle.fitted->terms.empty() && muscle.fitted->stretches.empty(), name == stays) << name;
  }
  const int m = exact.muscle(stays);
  for (int i = 0; i < 20; ++i) {
    const std::vector<double> q = posture(exact, random);
    std::vector<double> u;
    for (std::size_t c = 0; c < q.size(); ++c) u.push_back(random.uniform(-1.0, 1.0));
    evaluate(exact, q, u, a, Depth::velocity);
    evaluate(fitted, q, u, b, Depth::velocity);
    EXPECT_EQ(a.length[at(m)], b.length[at(m)]);
    EXPECT_EQ(a.inside[at(m)], b.inside[at(m)]);
    EXPECT_NEAR(a.speed[at(m)], b.speed[at(m)], 1e-13);
    for (int c = 0; c < exact.coordinates(); ++c)
      EXPECT_NEAR(moment_arm(exact, a, m, c), moment_arm(fitted, b, m, c), 1e-16);
    moment_arm_slopes(exact, q, slopes);
    moment_arm_slopes(fitted, q, fitted_slopes);
    const int n = static_cast<int>(slopes.coordinates(m).size());
    for (int k = 0; k < n * n; ++k) EXPECT_EQ(slopes(m, k / n, k % n), fitted_slopes(m, k / n, k % n));
  }
}

TEST(FitPaths, what_cannot_be_fitted_stays_exact) {
  ModelSpec spec = some_muscles();
  spec.muscles.erase_if(
      [](const std::string& name, const MuscleSpec&) { return name != "vasmed_r" && name != "sart_r"; });
  spec.coordinates.find("hip_rotation_r")->range = {-1e2, 1e2};
  spec.muscles.find("sart_r")->path[0].moving = {{{0, 1, 0}, "hip_rotation_r", Polynomial{{0.0, 0.001}}}};
  expect_exact(spec, "sart_r", "the range of hip_rotation_r is not above nothing and at most two turns or 4 m");
  expect_exact(seven_joints(true), "long", "a stretch between two points depends on 7 coordinates, more than six");
  ModelSpec inside = tiny_model();
  inside.muscles.find("psoas_r")->path[0].location = {0.02, 0.02, 0};
  inside.muscles.find("psoas_r")->wraps[0].allow_inside = true;
  expect_exact(inside, "psoas_r", "it has no length anywhere in the ranges and the domain");

  // so does its mirror image
  ModelSpec both = read_model(full_body);
  both.muscles.erase_if([](const std::string& name, const MuscleSpec&) { return name.rfind("iliacus_ant", 0) != 0; });
  both.groups = {}, both.domain = {};
  for (auto& [name, muscle] : both.muscles) {
    muscle.path[0].location = both.surfaces.find(muscle.wraps[0].surface)->translation;
    for (WrapSpec& wrap : muscle.wraps) wrap.allow_inside = true;
  }
  const ModelSpec buried = fit_paths(both);
  EXPECT_EQ(buried.muscles.size(), 2u);
  EXPECT_TRUE(buried.fitted_across.empty()) << "functions that no path uses";
  for (const auto& [name, muscle] : buried.muscles) EXPECT_TRUE(muscle.fitted->stays_exact) << name;
}

TEST(FitPaths, straight_lines_need_no_function) {
  const ModelSpec spec = fit_paths(seven_joints(false));
  const FittedSpec& item = *spec.muscles.find("long")->fitted;
  ASSERT_EQ(item.stretches.size(), 1u);
  EXPECT_FALSE(item.stretches[0].across);
  EXPECT_LE(item.worst_length_error, 1e-15);
  EXPECT_LE(item.worst_moment_arm_error, 1e-15);
}

/// A fascicle of the psoas and a part of the iliacus on both sides, over three cylinders each.
const ModelSpec& fitted_iliopsoas() {
  static const ModelSpec fitted = [] {
    ModelSpec spec = read_model(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
    spec.muscles.erase_if([&](const std::string& name, const MuscleSpec&) {
      return name.rfind("psoas_L3_TP", 0) != 0 && name.rfind("iliacus_post", 0) != 0;
    });
    spec.groups = {};
    for (DomainSpec& item : spec.domain)
      for (std::string& selection : item.muscles) {
        const bool psoas = selection.find("psoas") != std::string::npos;
        selection = (psoas ? "psoas_L3_TP_" : "iliacus_post_") + selection.substr(selection.size() - 1);
      }
    spec.certificate.reset();
    return fit_paths(spec);
  }();
  return fitted;
}

// Strings over several cylinders: where they touch and lift off, moment arms have corners.
TEST(FitPaths, strings_over_parallel_cylinders_are_followed) {
  ModelSpec spec = fitted_iliopsoas();
  const Model fitted(spec);
  spec.paths = "exact";
  const Model exact(spec);
  Workspace a(exact), b(fitted);
  MersenneTwister random(31);
  std::vector<double> worst(at(exact.muscles()), 0.0), worst_arm = worst;
  const std::vector<double> u(at(exact.coordinates()), 0.0);
  for (int i = 0; i < 8000; ++i) {
    const std::vector<double> q = posture(exact, random);
    evaluate(exact, q, u, a, Depth::position);
    evaluate(fitted, q, u, b, Depth::position);
    for (int m = 0; m < exact.muscles(); ++m) {
      if (a.inside[at(m)] || outside_domain(exact, q, m)) continue;
      EXPECT_FALSE(b.inside[at(m)]);
      worst[at(m)] = std::max(worst[at(m)], std::abs(a.length[at(m)] - b.length[at(m)]));
      for (int c = 0; c < exact.coordinates(); ++c)
        worst_arm[at(m)] =
            std::max(worst_arm[at(m)], std::abs(moment_arm(exact, a, m, c) - moment_arm(fitted, b, m, c)));
    }
  }
  EXPECT_EQ(spec.fitted_across.size(), 2u) << "left and right have one function, which all fascicles share";
  for (int m = 0; m < exact.muscles(); ++m) {
    const auto& [name, muscle] = *(fitted.spec().muscles.begin() + m);
    EXPECT_EQ(muscle.fitted->stretches.size(), 1u) << name;
    EXPECT_LE(worst[at(m)], 1e-4) << name;
    EXPECT_LE(worst_arm[at(m)], 1e-3) << name;
    EXPECT_LE(muscle.fitted->worst_length_error, 1e-4) << name;
    EXPECT_LE(muscle.fitted->worst_moment_arm_error, 1e-3) << name;
    EXPECT_LE(worst_arm[at(m)], 2.0 * muscle.fitted->worst_moment_arm_error) << name;
  }
}

TEST(FitPaths, stretches_name_what_there_is) {
  const auto refused = [](const std::function<void(ModelSpec&, FittedStretchSpec&)>& change) {
    ModelSpec spec = fitted_iliopsoas();
    change(spec, spec.muscles.find("iliacus_post_r")->fitted->stretches[0]);
    return error_of([&] { Model model(spec); });
  };
  const std::string place = "/muscles/iliacus_post_r/fitted/stretches/0";
  EXPECT_NE(refused([](ModelSpec&, FittedStretchSpec& s) {
              s.points[0] = 3;
            }).find(place + "/points: expected two points of the path, which has 3"),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec&, FittedStretchSpec& s) {
              s.across = "none";
            }).find(place + "/across: expected one of fitted_across, found \"none\""),
            std::string::npos);
  EXPECT_NE(refused([](ModelSpec&, FittedStretchSpec& s) {
              s.around = "psoas_hip_r";
            }).find(place + "/around: expected a surface of the path, found \"psoas_hip_r\""),
            std::string::npos);

  ModelSpec moving = some_muscles();
  moving.muscles.erase_if([](const std::string& name, const MuscleSpec&) { return name != "sart_r"; });
  moving.muscles.find("sart_r")->path[0].moving = {{{0, 1, 0}, "hip_flexion_r", Polynomial{{0.0, 0.001}}}};
  moving = fit_paths(moving);
  FittedStretchSpec stretch;
  stretch.points = {0, 1};
  moving.muscles.find("sart_r")->fitted->stretches.push_back(stretch);
  EXPECT_NE(error_of([&] {
              Model model(moving);
            }).find("/stretches/0/points: expected two points that are always there, fixed in their bodies"),
            std::string::npos);
}

TEST(FitPaths, slopes_of_moment_arms_over_cylinders_are_differences) {
  const Model model(fitted_iliopsoas());
  Workspace work(model);
  MomentArmSlopes slopes(model);
  MersenneTwister random(37);
  constexpr double h = 1e-7;
  for (int i = 0; i < 10; ++i) {
    const std::vector<double> q = posture(model, random), u(q.size(), 0.0);
    moment_arm_slopes(model, q, slopes);
    for (int m = 0; m < model.muscles(); ++m) {
      const std::span<const int> own = slopes.coordinates(m);
      for (std::size_t k = 0; k < own.size(); ++k) {
        std::vector<double> up = q, down = q, arms;
        up[at(own[k])] += h;
        down[at(own[k])] -= h;
        evaluate(model, up, u, work, Depth::position);
        for (const int c : own) arms.push_back(moment_arm(model, work, m, c));
        evaluate(model, down, u, work, Depth::position);
        for (std::size_t c = 0; c < own.size(); ++c) {
          const double slope = slopes(m, static_cast<int>(c), static_cast<int>(k));
          EXPECT_NEAR((arms[c] - moment_arm(model, work, m, own[c])) / (2 * h), slope, 1e-5) << m;
          EXPECT_NEAR(slopes(m, static_cast<int>(k), static_cast<int>(c)), slope, 1e-12) << "symmetry";
        }
      }
    }
  }
}

TEST(FitPaths, sides_are_mirrored) {
  const auto kept = [](const std::string& name) {
    return name.rfind("bflh", 0) == 0 || name.rfind("MF_m1s", 0) == 0 || name.rfind("psoas_L3_TP", 0) == 0;
  };
  ModelSpec spec = read_model(full_body);
  spec.muscles.erase_if([&](const std::string& name, const MuscleSpec&) { return !kept(name); });
  spec.groups = {};
  spec.domain = {};
  spec.certificate.reset();
  const Model model(fit_paths(spec));
  Workspace right(model), left(model);
  MersenneTwister random(41);
  const std::vector<double> u(at(model.coordinates()), 0.0);
  for (int i = 0; i < 200; ++i) {
    const std::vector<double> q = posture(model, random);
    std::vector<double> mirror = q;
    for (const std::string& name : model.data().coordinate_names) {
      const auto c = at(model.coordinate(name));
      if (name.ends_with("_r")) {
        const auto other = at(model.coordinate(name.substr(0, name.size() - 1) + "l"));
        mirror[c] = q[other];
        mirror[other] = q[c];
      } else if (name == "lumbar_bending" || name == "lumbar_rotation") {
        mirror[c] = -q[c];
      }
    }
    evaluate(model, q, u, right, Depth::position);
    evaluate(model, mirror, u, left, Depth::position);
    for (const std::string& name : model.data().muscle_names)
      if (name.ends_with("_r")) {
        EXPECT_NEAR(right.length[at(model.muscle(name))],
                    left.length[at(model.muscle(name.substr(0, name.size() - 1) + "l"))], 1e-13)
            << name;
      }
  }
}

TEST(FitPaths, options_out_of_range_are_refused) {
  for (const double tolerance : {0.0, -1.0, std::nan("")}) {
    FitOptions options;
    options.tolerance = tolerance;
    EXPECT_NE(error_of([&] { fit_paths(tiny_model(), options); }).find("tolerance: expected a length"),
              std::string::npos);
  }
  FitOptions options;
  options.postures = 0;
  EXPECT_NE(error_of([&] { fit_paths(tiny_model(), options); }).find("postures: expected at least one"),
            std::string::npos);
}

TEST(FitPaths, exact_paths_fill_what_needs_bodies) {
  const Model exact(some_muscles()), fitted(fitted_spec());
  Workspace a(exact), b(fitted);
  MersenneTwister random(13);
  const std::vector<double> q = posture(exact, random), u(q.size(), 0.0);
  evaluate(exact, q, u, a, Depth::velocity);
  evaluate(fitted, q, u, b, Depth::velocity);
  const std::vector<double> lengths = b.length;
  exact_paths(fitted, b);
  EXPECT_EQ(a.arm, b.arm);
  for (std::size_t i = 0; i < a.wrench.size(); ++i) EXPECT_EQ(a.wrench[i], b.wrench[i]);
  EXPECT_EQ(b.length, lengths);
}

// A point that is driven by a coordinate which moves none of the path's bodies, and a posture that is ruled out.
TEST(FitPaths, points_may_move_and_domains_are_left_out) {
  ModelSpec spec = some_muscles();
  spec.muscles.erase_if([](const std::string& name, const MuscleSpec&) { return name != "soleus_r"; });
  spec.muscles.find("soleus_r")->path[0].moving = {{{0, 1, 0}, "hip_flexion_r", Polynomial{{0.0, 0.02, 0.01}}}};
  const Model exact(spec);
  const ModelSpec whole = fit_paths(spec);
  const FittedSpec& item = *whole.muscles.find("soleus_r")->fitted;
  EXPECT_LE(item.worst_length_error, 1e-4);
  EXPECT_EQ(item.postures, 4000);
  const Model fitted(whole);
  Workspace a(exact), b(fitted);
  MersenneTwister random(17);
  const std::vector<double> u(at(exact.coordinates()), 0.0);
  const int hip = exact.coordinate("hip_flexion_r");
  for (int i = 0; i < 200; ++i) {
    const std::vector<double> q = posture(exact, random);
    evaluate(exact, q, u, a, Depth::position);
    evaluate(fitted, q, u, b, Depth::position);
    EXPECT_NEAR(a.length[0], b.length[0], 1.2 * item.worst_length_error);
    EXPECT_NEAR(moment_arm(exact, a, 0, hip), moment_arm(fitted, b, 0, hip), 1.5 * item.worst_moment_arm_error);
    if (q[at(hip)] > 0.0) {
      EXPECT_LT(moment_arm(fitted, b, 0, hip), -0.01);
    }
  }

  DomainSpec stretched;
  stretched.muscles = {"soleus_r"};
  const std::array<double, 2> range = spec.coordinates.find("hip_flexion_r")->range;
  const double quarter = range[1] - 0.25 * (range[1] - range[0]);
  stretched.outside["hip_flexion_r"] = {quarter, range[1]};
  spec.domain = {stretched};
  const ModelSpec part = fit_paths(spec);
  const int counted = part.muscles.find("soleus_r")->fitted->postures;
  // one in sixteen is at either end
  EXPECT_NEAR(counted, 4000 * (1 - 0.0625 - 0.25 * 0.875), 120);
  EXPECT_LE(part.muscles.find("soleus_r")->fitted->worst_length_error, 1e-4);
  ModelSpec other = part;
  other.domain[0].outside["hip_flexion_r"] = {quarter + 0.1, range[1]};
  EXPECT_NE(error_of([&] { Model model(other); }).find("fitted with this geometry"), std::string::npos);
}

TEST(FitPaths, slopes_of_moment_arms_are_of_the_fitted_paths) {
  const Model model(fitted_spec());
  Workspace work(model);
  MomentArmSlopes slopes(model);
  MersenneTwister random(19);
  const std::vector<double> q = posture(model, random), u(q.size(), 0.0);
  moment_arm_slopes(model, q, slopes);
  constexpr double h = 1e-6;
  double greatest = 0.0;
  for (int m = 0; m < model.muscles(); ++m) {
    const std::span<const int> own = slopes.coordinates(m);
    for (std::size_t j = 0; j < own.size(); ++j) {
      std::vector<std::vector<double>> arms;
      for (const double step : {h, -h}) {
        std::vector<double> moved = q;
        moved[at(own[j])] += step;
        evaluate(model, moved, u, work, Depth::position);
        std::vector<double>& arm = arms.emplace_back();
        for (const int c : own) arm.push_back(moment_arm(model, work, m, c));
      }
      for (std::size_t i = 0; i < own.size(); ++i) {
        const double slope = slopes(m, static_cast<int>(i), static_cast<int>(j));
        greatest = std::max(greatest, std::abs(slope));
        EXPECT_NEAR(slope, (arms[0][i] - arms[1][i]) / (2 * h), 1e-6) << m << " " << own[i] << " " << own[j];
      }
    }
  }
  EXPECT_GT(greatest, 1e-2);
}

TEST(FitPaths, exact_paths_on_demand_follow_the_posture) {
  const Model exact(some_muscles()), fitted(fitted_spec());
  Workspace a(exact), b(fitted);
  MersenneTwister random(23);
  const std::vector<double> u(at(exact.coordinates()), 0.0), first = posture(exact, random),
                                                             second = posture(exact, random);
  const int one[] = {3};
  // postures come and go between two calls, one coordinate changes, and a call comes twice
  for (const std::vector<double>* q : {&first, &second, &second, &first}) {
    evaluate(fitted, first, u, b, Depth::position);
    evaluate(fitted, *q, u, b, one);
    exact_paths(fitted, b);
    exact_paths(fitted, b);
    evaluate(exact, *q, u, a, Depth::position);
    EXPECT_EQ(a.arm, b.arm);
  }
}

TEST(FitPaths, evaluation_allocates_nothing) {
  if (!counts_heap_allocations()) GTEST_SKIP() << "a sanitiser has its own malloc";
  const Model model(fitted_spec());
  Workspace work(model);
  const State state = model.default_state();
  const std::size_t before = heap_allocations();
  evaluate(model, state, work, Depth::force);
  exact_paths(model, work);
  EXPECT_EQ(heap_allocations(), before);
}

}  // namespace
}  // namespace psoas::test
