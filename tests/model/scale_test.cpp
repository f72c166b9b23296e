// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// A model at a subject's size.
#include <gtest/gtest.h>

#include "model/tiny.hpp"
#include "psoas/model/edit.hpp"
#include "support/errors.hpp"

namespace psoas {
namespace {

using test::tiny_model;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

ModelSpec sized(const ModelSpec& spec, const Subject& subject) {
  std::vector<Problem> problems;
  ModelSpec out = scaled(spec, subject, "/subject", problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.pointer << ": " << problem.text;
  return out;
}

double total_mass(const ModelSpec& spec) {
  double mass = 0.0;
  for (const auto& [name, body] : spec.bodies) mass += body.mass;
  return mass;
}

const ModelSpec& full_body() {
  static const ModelSpec spec = read_model(std::string(PSOAS_SOURCE_DIR) + "/models/full_body.json");
  return spec;
}

/// Uneven factors for every body, the same on both sides.
Subject uneven(const ModelSpec& spec) {
  Subject subject;
  subject.mass = 90.0;
  double step = 0.0;
  for (const auto& [name, body] : spec.bodies) {
    std::string right = name;
    if (right.size() > 2 && right.substr(right.size() - 2) == "_l") right.back() = 'r';
    const Vec3* known = subject.scale.find(right);
    const Vec3 factors = known ? *known : Vec3(0.9 + step, 1.2 - step, 1.05 + 0.5 * step);
    subject.scale[name] = factors;
    step = step > 0.2 ? 0.01 : step + 0.03;
  }
  return subject;
}

TEST(Scale, NothingSaidChangesNothing) {
  EXPECT_EQ(test::contents(sized(tiny_model(), {})), test::contents(tiny_model()));
  Subject ones;
  ones.mass = 11.0;
  ones.scale["thigh"] = Vec3(1, 1, 1);
  EXPECT_EQ(test::contents(sized(tiny_model(), ones)), test::contents(tiny_model()));
}

TEST(Scale, MassesReachTheSubjects) {
  const ModelSpec spec = sized(full_body(), uneven(full_body()));
  EXPECT_NEAR(total_mass(spec), 90.0, 1e-10);
  for (const auto& [name, body] : spec.bodies)
    EXPECT_NEAR(body.mass, full_body().bodies.find(name)->mass * 90.0 / total_mass(full_body()), 1e-12) << name;
  const double strength = std::pow(90.0 / total_mass(full_body()), 2.0 / 3.0);
  EXPECT_NEAR(spec.muscles.find("soleus_r")->physiological_cross_section_area.value(),
              strength * full_body().muscles.find("soleus_r")->physiological_cross_section_area.value(), 1e-12);
}

TEST(Scale, InertiaGoesWithTheSquares) {
  Subject subject;
  subject.scale["thigh"] = Vec3(2, 3, 0.5);
  const ModelSpec spec = sized(tiny_model(), subject);
  // second moments of mass about the mass centre: x 0.01, y 0.09, z 0.01, and xy -0.001
  const auto inertia = spec.bodies.find("thigh")->inertia;
  const double x = 0.01 * 4, y = 0.09 * 9, z = 0.01 * 0.25;
  const std::array<double, 6> expected{y + z, x + z, x + y, 0.001 * 6, 0, 0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(inertia[i], expected[i], 1e-15);
  EXPECT_EQ(spec.bodies.find("thigh")->fault(), "");
  EXPECT_NEAR(spec.bodies.find("thigh")->mass_center.y(), -0.6, 1e-15);
  EXPECT_EQ(spec.bodies.find("shank")->inertia, tiny_model().bodies.find("shank")->inertia);
}

TEST(Scale, AnyFactorsKeepBodiesPossible) {
  const ModelSpec spec = sized(full_body(), uneven(full_body()));
  for (const auto& [name, body] : spec.bodies) EXPECT_EQ(body.fault(), "") << name;
  EXPECT_NO_THROW(Model{spec});
}

TEST(Scale, TwiceTheSize) {
  for (const ModelSpec& spec : {tiny_model(), full_body()}) {
    Subject twice;
    for (const auto& [name, body] : spec.bodies) twice.scale[name] = Vec3(2, 2, 2);
    ModelSpec big = sized(spec, twice);
    // points and surfaces on ground have no body to grow with
    for (auto& [name, joint] : big.joints)
      if (joint.parent == "ground") joint.parent_frame.translation *= 2.0;
    const bool tiny = spec.name == "tiny";
    if (tiny) {
      for (auto& [name, muscle] : big.muscles)
        for (PointSpec& point : muscle.path)
          if (point.body == "ground") point.location *= 2.0;
      big.surfaces.find("brim")->translation *= 2.0;
      std::get<Cylinder>(big.surfaces.find("brim")->shape).radius *= 2.0;
    }

    const Model small_model(spec), big_model(big);
    Workspace a(small_model), b(big_model);
    State one = small_model.default_state(), two = big_model.default_state();
    for (int pose = 0; pose < 3; ++pose) {
      for (int c = 0; c < small_model.coordinates(); ++c) {
        const bool rotation = small_model.data().is_rotation[at(c)];
        one.q()[at(c)] += 0.05 * pose;
        two.q()[at(c)] = rotation ? one.q()[at(c)] : 2.0 * one.q()[at(c)];
      }
      evaluate(small_model, one, a, Depth::position);
      evaluate(big_model, two, b, Depth::position);
      for (int m = 0; m < small_model.muscles(); ++m) {
        const std::string& name = small_model.data().muscle_names[at(m)];
        EXPECT_NEAR(b.length[at(m)], 2.0 * a.length[at(m)], 1e-11) << name;
        for (int c = 0; c < small_model.coordinates(); ++c) {
          const double factor = small_model.data().is_rotation[at(c)] ? 2.0 : 1.0;
          EXPECT_NEAR(moment_arm(big_model, b, m, c), factor * moment_arm(small_model, a, m, c), 1e-10)
              << name << " " << small_model.data().coordinate_names[at(c)];
        }
      }
    }
    for (const auto& [name, surface] : big.surfaces)
      if (const auto* cylinder = std::get_if<Cylinder>(&surface.shape)) {
        EXPECT_NEAR(cylinder->radius, 2.0 * std::get<Cylinder>(spec.surfaces.find(name)->shape).radius, 1e-14) << name;
      }
    if (!tiny) {
      for (const auto& [name, muscle] : big.muscles) {
        EXPECT_NEAR(muscle.optimal_fibre_length, 2.0 * spec.muscles.find(name)->optimal_fibre_length, 1e-12) << name;
        EXPECT_NEAR(muscle.tendon_slack_length, 2.0 * spec.muscles.find(name)->tendon_slack_length, 1e-12) << name;
      }
    }
  }
}

TEST(Scale, CylinderGrowsAlongItsAxis) {
  ModelSpec spec = tiny_model();
  SurfaceSpec rod;
  rod.body = "thigh";
  rod.shape = Cylinder{0.01, 0.2};
  spec.surfaces["rod"] = rod;
  Subject subject;
  subject.scale["thigh"] = Vec3(2, 4.5, 7);
  const ModelSpec big = sized(spec, subject);
  const Cylinder& cylinder = std::get<Cylinder>(big.surfaces.find("rod")->shape);
  EXPECT_NEAR(cylinder.radius, 0.03, 1e-15);
  EXPECT_NEAR(*cylinder.length, 1.4, 1e-14);
}

TEST(Scale, EllipsoidGrowsAlongItsHalfAxes) {
  ModelSpec spec = tiny_model();
  SurfaceSpec egg;
  egg.body = "thigh";
  egg.orientation = Vec3(0, 0, pi / 2);  // its x is the thigh's y
  egg.shape = Ellipsoid{Vec3(0.01, 0.02, 0.03)};
  spec.surfaces["egg"] = egg;
  Subject subject;
  subject.scale["thigh"] = Vec3(2, 3, 4);
  const ModelSpec big = sized(spec, subject);
  const Vec3 radii = std::get<Ellipsoid>(big.surfaces.find("egg")->shape).radii;
  EXPECT_NEAR((radii - Vec3(0.03, 0.04, 0.12)).norm(), 0, 1e-15);
}

TEST(Scale, DisplacementsOfPointsGrowWithTheirBody) {
  ModelSpec spec = tiny_model();
  spec.muscles.find("hamstrings_r")->path[2].moving = {{{3, 4, 0}, "knee_angle_r", Linear{0.05, 0.0}}};
  Subject subject;
  subject.scale["shank"] = Vec3(2, 3, 4);
  const ModelSpec big = sized(spec, subject);
  const AxisSpec& moving = big.muscles.find("hamstrings_r")->path[2].moving[0];
  const Vec3 a_radian = moving.axis.normalized() * std::get<Linear>(moving.function).slope;  // was (0.03, 0.04, 0)
  EXPECT_NEAR((a_radian - Vec3(0.06, 0.12, 0)).norm(), 0, 1e-15);
}

TEST(Scale, PointsThatItBringsIntoASurfaceAreFlaggedAndNotRefused) {
  // a point 1 mm before a cylinder about z, in a body that is scaled along y alone
  ModelSpec spec = tiny_model();
  SurfaceSpec rod;
  rod.body = "thigh";
  rod.shape = Cylinder{0.03};
  spec.surfaces["rod"] = rod;
  spec.muscles.find("psoas_l")->path[1].location = {0.031, 0, 0};
  spec.muscles.find("psoas_l")->wraps = {{"rod", {}, "+x", {}}};
  Subject subject;
  subject.scale["thigh"] = Vec3(1, 2, 1);
  const Model big(sized(spec, subject));
  EXPECT_TRUE(big.spec().muscles.find("psoas_l")->wraps[0].allow_inside);
  Workspace work(big);
  evaluate(big, big.default_state(), work, Depth::position);
  EXPECT_TRUE(work.inside[static_cast<std::size_t>(big.muscle("psoas_l"))]);
}

TEST(Scale, LigamentsBushingsAndSpheresGrowWithTheirBodies) {
  ModelSpec spec = tiny_model();
  Ligament band;
  band.path = {{"ground", Vec3(0, 0.1, 0), {}, {}}, {"thigh", Vec3(0.03, -0.1, 0), {}, {}}};
  band.slack_length = 0.19;
  band.stiffness = 1000.0;
  spec.passive["band"] = band;
  FrameBushing strut;
  strut.first = "thigh";
  strut.second = "shank";
  strut.first_frame.translation = Vec3(0, -0.4, 0);
  spec.passive["strut"] = strut;
  SphereSpec& heel = spec.spheres["heel"];
  heel.body = "thigh";
  heel.location = Vec3(0.01, -0.4, 0);
  heel.radius = 0.03;
  heel.stiffness = 1e5;
  Subject subject;
  subject.scale["thigh"] = Vec3(2, 2, 2);
  std::vector<Problem> problems;
  const ModelSpec out = scaled(spec, subject, "/subject", problems);
  ASSERT_TRUE(problems.empty()) << problems.front().text;
  const Ligament& grown = std::get<Ligament>(*out.passive.find("band"));
  EXPECT_EQ(grown.path[1].location, Vec3(0.06, -0.2, 0));
  // its strain in the default pose stays
  const auto strain = [](const ModelSpec& one) {
    const Model model(one);
    Workspace work(model);
    evaluate(model, model.default_state(), work, Depth::force);
    return work.passive.ligament_length[0] / model.data().ligaments[0].law.slack_length;
  };
  EXPECT_NEAR(strain(out), strain(spec), 1e-14);
  EXPECT_GT(grown.slack_length, 0.25);
  EXPECT_EQ(std::get<FrameBushing>(*out.passive.find("strut")).first_frame.translation, Vec3(0, -0.8, 0));
  EXPECT_EQ(out.spheres.find("heel")->location, Vec3(0.02, -0.8, 0));
  EXPECT_NEAR(out.spheres.find("heel")->radius, 0.06, 1e-15);
}

TEST(Scale, TorusGrowsAcrossItsAxis) {
  ModelSpec spec = tiny_model();
  SurfaceSpec ring;
  ring.body = "thigh";
  ring.shape = Torus{0.03, 0.004};
  spec.surfaces["ring"] = ring;
  Subject subject;
  subject.scale["thigh"] = Vec3(2, 4.5, 7);
  const ModelSpec big = sized(spec, subject);
  const Torus& torus = std::get<Torus>(big.surfaces.find("ring")->shape);
  EXPECT_NEAR(torus.radius, 0.09, 1e-15);
  EXPECT_NEAR(torus.tube_radius, 0.012, 1e-15);
}

TEST(Scale, KeepsTheOperatingRange) {
  const Model generic(full_body()), personal(sized(full_body(), uneven(full_body())));
  const State a = generic.default_state(), b = personal.default_state();
  for (int m = 0; m < generic.muscles(); ++m)
    EXPECT_NEAR(a.fibre_length()[at(m)] / generic.data().units[at(m)].optimal_fibre_length,
                b.fibre_length()[at(m)] / personal.data().units[at(m)].optimal_fibre_length, 1e-9)
        << generic.data().muscle_names[at(m)];
}

TEST(Scale, BothSidesStayMirrored) {
  const Model model(sized(full_body(), uneven(full_body())));
  Workspace work(model);
  State state = model.default_state();
  for (const char* side : {"r", "l"})
    model.set(state, std::string("hip_flexion_") + side, 0.7),
        model.set(state, std::string("hip_adduction_") + side, -0.2);
  evaluate(model, state, work, Depth::position);
  for (int m = 0; m < model.muscles(); ++m) {
    std::string other = model.data().muscle_names[at(m)];
    if (other.substr(other.size() - 2) != "_r") continue;
    other.back() = 'l';
    EXPECT_NEAR(work.length[at(m)], work.length[at(model.muscle(other))], 1e-12) << other;
    EXPECT_NEAR(model.data().units[at(m)].optimal_fibre_length,
                model.data().units[at(model.muscle(other))].optimal_fibre_length, 1e-12)
        << other;
  }
}

TEST(Scale, JointFramesAndKneeFunctionsGrowWithTheirBody) {
  Subject subject;
  subject.scale["thigh"] = Vec3(1, 1.5, 1);
  const ModelSpec spec = sized(tiny_model(), subject);
  EXPECT_NEAR(spec.joints.find("knee")->parent_frame.translation.y(), -0.6, 1e-15);
  const auto& slides = std::get<Custom>(spec.joints.find("knee")->motion).translations;
  EXPECT_EQ(std::get<Spline>(slides[1].function).y[0], 0.02) << "along x, which did not grow";
  subject.scale["thigh"] = Vec3(2, 1, 1);
  const ModelSpec wide = sized(tiny_model(), subject);
  EXPECT_NEAR(std::get<Spline>(std::get<Custom>(wide.joints.find("knee")->motion).translations[1].function).y[0], 0.04,
              1e-15);
}

TEST(Scale, CouplersOfTranslationsGrowWithTheParentAlongTheirAxis) {
  Subject subject;
  subject.scale["thigh"] = Vec3(1.5, 1.2, 1);
  const ModelSpec spec = sized(tiny_model(), subject);
  const auto& slide = std::get<Polynomial>(spec.coordinates.find("knee_slide_r")->coupled_to->function);
  EXPECT_NEAR(slide.coefficients[0], 0.012, 1e-15);
  EXPECT_NEAR(slide.coefficients[1], 0.024, 1e-15);
}

TEST(Scale, RefusesAPathWithoutLength) {
  ModelSpec spec = tiny_model();
  for (PointSpec& point : spec.muscles.find("psoas_l")->path) point = {"ground", {0, 0.1, 0}, {}, {}};
  Subject subject;
  subject.scale["thigh"] = Vec3(1.1, 1.1, 1.1);
  std::vector<Problem> problems;
  scaled(spec, subject, "/subject", problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].pointer, "/subject");
  EXPECT_EQ(problems[0].text, "expected a path longer than 0 in the default state, found none in muscle \"psoas_l\"");
}

// Points of a plane stay in it where their body grows, whatever its direction.
TEST(Scale, PlanesGrowWithTheirBody) {
  ModelSpec spec = tiny_model();
  PlaneSpec plane;
  plane.body = "thigh";
  plane.normal = Vec3(1, 2, -1);
  plane.height = 0.3;
  plane.edge = EdgeSpec{};
  plane.edge->toward = Vec3(2, -1, 0);
  plane.edge->distance = 0.1;
  plane.edge->width = 0.02;
  spec.planes["board"] = plane;
  const Vec3 f(1.5, 0.8, 1.2), normal = plane.normal.normalized(), edge = plane.edge->toward.normalized();
  // two points of the plane, one at the edge and one at the end of its width, and one in the plane apart from it
  const Vec3 across = normal.cross(edge).normalized();
  const Vec3 at_edge = 0.3 * normal + 0.1 * edge, at_end = at_edge + 0.02 * edge, apart = at_edge + 0.7 * across;
  Subject subject;
  subject.scale["thigh"] = f;
  std::vector<Problem> problems;
  const PlaneSpec grown = *scaled(spec, subject, "/subject", problems).planes.find("board");
  ASSERT_TRUE(problems.empty());
  for (const Vec3& point : {at_edge, at_end, apart})
    EXPECT_NEAR(grown.normal.dot(f.cwiseProduct(point)), grown.height, 1e-12);
  EXPECT_NEAR(grown.edge->toward.dot(f.cwiseProduct(at_edge)), grown.edge->distance, 1e-12);
  EXPECT_NEAR(grown.edge->toward.dot(f.cwiseProduct(apart)), grown.edge->distance, 1e-12);
  EXPECT_NEAR(grown.edge->toward.dot(f.cwiseProduct(at_end)), grown.edge->distance + grown.edge->width, 1e-12);
}

TEST(Scale, RefusesWhatIsNoSize) {
  const auto refused = [](auto change) {
    Subject subject;
    change(subject);
    std::vector<Problem> problems;
    scaled(tiny_model(), subject, "/subject", problems);
    return problems.size() == 1 ? problems[0].pointer + ": " + problems[0].text
                                : std::to_string(problems.size()) + " problems";
  };
  EXPECT_EQ(refused([](Subject& s) { s.scale["thihg"] = Vec3(1, 1, 1); }),
            "/subject/scale/thihg: expected a body of the model, found \"thihg\", did you mean \"thigh\"?");
  EXPECT_EQ(refused([](Subject& s) { s.scale["thigh"] = Vec3(1, 0, 0); }),
            "/subject/scale/thigh: expected factors from 0.1 to 10, found 0");
  EXPECT_EQ(refused([](Subject& s) { s.scale["thigh"] = Vec3(1, 1, std::nan("")); }),
            "/subject/scale/thigh: expected factors from 0.1 to 10, found nan");
  EXPECT_EQ(refused([](Subject& s) { s.mass = 0.0; }), "/subject/mass: expected a mass [kg] from 1 to 500, found 0");
}

}  // namespace
}  // namespace psoas
