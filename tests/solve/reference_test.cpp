// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Consistent references against an inverted pendulum by hand, and against the rate of momentum, which knows nothing of
// recursions.
#include "psoas/solve/reference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "psoas/skeleton/dynamics.hpp"
#include "solve/models.hpp"
#include "support/errors.hpp"

namespace psoas::test {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

constexpr double g = 9.80665;

void add_foot_contacts(ModelSpec& spec, const std::string& foot, double sole) {
  int k = 0;
  for (const double x : {-0.05, 0.2})
    for (const double z : {-0.05, 0.05}) {
      ContactSpec& contact = spec.contacts[foot + "_" + std::to_string(k++)];
      contact.body = foot;
      contact.location = {x, sole, z};
    }
}

using Motion = std::function<double(int coordinate, double t)>;

std::vector<QuinticSpline> record(const Model& model, double duration, const Motion& motion) {
  std::vector<double> time;
  const int count = static_cast<int>(std::lround(duration / 0.005));
  for (int i = 0; i <= count; ++i) time.push_back(duration * i / count);
  std::vector<QuinticSpline> out;
  for (int c = 0; c < model.coordinates(); ++c) {
    std::vector<double> value;
    for (const double t : time) value.push_back(motion(c, t));
    out.emplace_back(time, value);
  }
  return out;
}

// ---- an inverted pendulum on a foot, in the plane

constexpr double rod_mass = 70.0, rod_inertia = 10.0, rod_centre = 0.9, ankle = 0.1, foot_mass = 2.0,
                 foot_centre = 0.05, heel = -0.05;

ModelSpec stander() {
  ModelSpec spec;
  add_body(spec, "foot", foot_mass, {foot_centre, 0.03, 0.0});
  add_body(spec, "rod", rod_mass, {0.0, rod_centre, 0.0}, {rod_inertia, 1.0, rod_inertia, 0, 0, 0});
  JointSpec& joint = spec.joints["foot"];
  joint.parent = "ground";
  joint.child = "foot";
  Planar planar;
  planar.x = "x", planar.y = "y", planar.angle = "turn";
  joint.motion = planar;
  for (const char* name : {"x", "y", "turn"}) spec.coordinates[name];
  for (const char* name : {"x", "y"}) spec.coordinates[name].motion = "translation";
  add_pin(spec, "foot", "rod", {0.0, ankle, 0.0}, "lean");
  add_foot_contacts(spec, "foot", 0.0);
  return spec;
}

constexpr int lean = 3;

/// Where the foot is pressed, by hand.
double centre_of_pressure(const QuinticSpline& angle, double t) {
  const auto [q, u, a] = angle.jet(t);
  const double x = -rod_centre * std::sin(q), y = ankle + rod_centre * std::cos(q);
  const double ax = rod_centre * (-std::cos(q) * a + std::sin(q) * u * u),
               ay = rod_centre * (-std::sin(q) * a - std::cos(q) * u * u);
  const double up = rod_mass * (ay + g);
  return (rod_inertia * a + x * up - y * rod_mass * ax + foot_mass * g * foot_centre) / (up + foot_mass * g);
}

ReferenceOptions plain_options(double duration) {
  ReferenceOptions options;
  options.duration = duration;
  options.mass = 0.0;
  return options;
}

TEST(Reference, PendulumThatLeansTooFarStandsWithItsMassCentreOnTheMargin) {
  const Model model(stander());
  const auto recording = record(model, 0.5, [](int c, double) { return c == lean ? 0.15 : 0.0; });
  ReferenceOptions options = plain_options(0.5);
  options.ends_at_rest = true;
  options.smoothing_time = 100.0;  // no acceleration, or it would fall less far by swaying
  stand(model, recording, 0.5, options);
  const Reference found = consistent_reference(model, recording, options);
  EXPECT_TRUE(found.converged);
  // the rod's mass centre is where both bodies' is over heel + margin
  const double edge = heel + options.margin + options.between;
  const double expected =
      -std::asin((edge * (rod_mass + foot_mass) - foot_mass * foot_centre) / (rod_mass * rod_centre));
  for (const double t : {0.0, 0.13, 0.3, 0.5}) {
    EXPECT_NEAR(found.coordinates[lean](t), expected, 1e-5);
    for (const int c : {0, 1, 2}) EXPECT_NEAR(found.coordinates[at(c)](t), 0.0, 1e-5);
  }
  EXPECT_NEAR(found.rms[lean], 0.15 - expected, 1e-5);
  EXPECT_NEAR(found.before.least_inside, centre_of_pressure(recording[lean], 0.2) - heel, 1e-9);
  EXPECT_NEAR(found.after.least_inside, options.margin + options.between, 1e-5);
}

TEST(Reference, SwayingPendulumPressesInsideTheMargin) {
  const Model model(stander());
  const auto recording = record(
      model, 1.0, [](int c, double t) { return c == lean ? -0.03 + 0.03 * std::sin(2.0 * std::acos(-1.0) * t) : 0.0; });
  ReferenceOptions options = plain_options(1.0);
  stand(model, recording, 1.0, options);
  const Reference found = consistent_reference(model, recording, options);
  EXPECT_TRUE(found.converged);
  double before = 1.0, after = 1.0;
  for (int i = 0; i <= 1000; ++i) {
    before = std::min(before, centre_of_pressure(recording[lean], 1e-3 * i) - heel);
    after = std::min(after, centre_of_pressure(found.coordinates[lean], 1e-3 * i) - heel);
  }
  EXPECT_LT(before, -0.02);
  EXPECT_GT(after, options.margin);
  EXPECT_LT(after, options.margin + 2.0 * options.between);  // and not farther in than need be
  EXPECT_LT(found.rms[lean], 0.03);
}

TEST(Reference, ConsistentMotionStaysAsItIs) {
  const Model model(stander());
  const auto recording = record(
      model, 1.0, [](int c, double t) { return c == lean ? -0.05 + 0.01 * std::sin(2.0 * std::acos(-1.0) * t) : 0.0; });
  ReferenceOptions options = plain_options(1.0);
  options.trunk = model.body("rod");
  options.mass = 0.05;
  stand(model, recording, 1.0, options);
  const Reference found = consistent_reference(model, recording, options);
  EXPECT_TRUE(found.converged);
  for (const double change : found.greatest) EXPECT_LT(change, 1e-9);
  EXPECT_LT(found.mass_center.norm(), 1e-9);
  for (const double change : found.mass) EXPECT_LT(std::abs(change), 1e-9);
}

TEST(Reference, ShiftOfTheTrunksMassCentreIsFoundWhereNothingElseMayChange) {
  const Model model(stander());
  ReferenceOptions options = plain_options(0.5);
  options.trunk = model.body("rod");
  options.fixed = {1, 1, 1, 1};
  // the shift that brings the mass centre over the margin, across the rod
  const double edge = heel + options.margin + options.between;
  const auto needed = [&](double angle) {
    return (edge * (rod_mass + foot_mass) - foot_mass * foot_centre) / rod_mass + rod_centre * std::sin(angle);
  };
  const auto with_angle = [&](double angle) {
    const auto recording = record(model, 0.5, [&](int c, double) { return c == lean ? angle : 0.0; });
    ReferenceOptions own = options;
    stand(model, recording, 0.5, own);
    return consistent_reference(model, recording, own);
  };
  const Reference within = with_angle(0.07);
  const double shift = needed(0.07);
  ASSERT_GT(shift, 0.02);
  ASSERT_LT(shift, 0.05);
  EXPECT_NEAR(within.mass_center.x(), shift * std::cos(0.07), 2e-5);
  EXPECT_NEAR(within.mass_center.y(), -shift * std::sin(0.07), 2e-5);
  EXPECT_NEAR(within.mass_center.z(), 0.0, 1e-9);
  EXPECT_LT(within.greatest[lean], 1e-5);

  // beyond the bound it says what is left
  const Reference beyond = with_angle(0.2);
  EXPECT_NEAR(beyond.mass_center.norm(), 0.05, 1e-3);
  const double left = (needed(0.2) - beyond.mass_center.norm()) * rod_mass / (rod_mass + foot_mass);
  EXPECT_NEAR(beyond.after.moment, (left - options.between) * (rod_mass + foot_mass) * g, 1.0);
  EXPECT_GT(beyond.after.moment, 10.0);

  // the changed model has it
  const ModelSpec changed = model.with(as_edits(within, options, model)).spec();
  const Vec3 before = model.spec().bodies.find("rod")->mass_center;
  EXPECT_EQ(changed.bodies.find("rod")->mass_center, Vec3(before + within.mass_center));
  EXPECT_EQ(changed.bodies.find("foot")->mass_center, model.spec().bodies.find("foot")->mass_center);
}

// ---- a sitter with two legs, in space

ModelSpec sitter() {
  ModelSpec spec;
  add_body(spec, "pelvis", 25.0, {-0.02, 0.02, 0.0}, {0.2, 0.2, 0.2, 0, 0, 0});
  add_body(spec, "trunk", 25.0, {0.01, 0.3, 0.0}, {1.0, 0.4, 1.0, 0, 0, 0});
  Free free;
  free.tx = "x", free.ty = "y", free.tz = "z", free.rx = "list", free.ry = "turn", free.rz = "tilt";
  free.rotation = "angles";
  JointSpec& joint = spec.joints["root"];
  joint.parent = "ground";
  joint.child = "pelvis";
  joint.motion = free;
  for (const char* name : {"x", "y", "z"}) spec.coordinates[name].motion = "translation";
  for (const char* name : {"list", "turn", "tilt"}) spec.coordinates[name];
  add_pin(spec, "pelvis", "trunk", {-0.05, 0.1, 0.0}, "back");
  spec.planes["ground"];
  spec.planes["seat"].height = 0.41;
  for (const auto& [side, z] : {std::pair<std::string, double>{"r", 0.1}, {"l", -0.1}}) {
    add_body(spec, "thigh_" + side, 6.0, {0.0, -0.2, 0.0}, {0.1, 0.02, 0.1, 0, 0, 0});
    add_body(spec, "shank_" + side, 3.0, {0.0, -0.2, 0.0}, {0.05, 0.01, 0.05, 0, 0, 0});
    add_body(spec, "foot_" + side, 1.0, {0.05, -0.05, 0.0}, {0.002, 0.004, 0.004, 0, 0, 0});
    add_pin(spec, "pelvis", "thigh_" + side, {0.0, 0.0, z}, "hip_" + side);
    add_pin(spec, "thigh_" + side, "shank_" + side, {0.0, -0.4, 0.0}, "knee_" + side);
    add_pin(spec, "shank_" + side, "foot_" + side, {0.0, -0.4, 0.0}, "ankle_" + side);
    add_foot_contacts(spec, "foot_" + side, -0.1);
    SphereSpec& buttock = spec.spheres["buttock_" + side];
    buttock.body = "pelvis";
    buttock.location = {-0.02, -0.05, z};
    buttock.radius = 0.05;
    buttock.stiffness = 3e5;
    buttock.planes = {"seat"};
    for (const double x : {0.0, 0.15}) {
      SphereSpec& sole = spec.spheres["sole_" + side + (x > 0.0 ? "_front" : "_back")];
      sole.body = "foot_" + side;
      sole.location = {x, -0.07, 0.0};
      sole.radius = 0.03;
      sole.stiffness = 1e6;
      sole.planes = {"ground"};
    }
  }
  return spec;
}

/// Seated, the trunk rocking, the knees of the recording drifting.
std::vector<QuinticSpline> rocking(const Model& model) {
  return record(model, 1.2, [&](int c, double t) {
    const std::string& name = model.data().coordinate_names[at(c)];
    if (name == "y") return 0.498 + 0.004 * std::sin(5.0 * t);
    if (name == "tilt") return 0.03 * std::sin(4.0 * t);
    if (name == "back") return -0.3 + 0.25 * std::sin(5.0 * t);
    if (name.rfind("hip", 0) == 0) return 1.57 + 0.02 * std::sin(3.0 * t);
    if (name.rfind("knee", 0) == 0) return -1.57;
    return 0.0;
  });
}

ReferenceOptions seated_options(const Model& model, std::span<const QuinticSpline> recording) {
  ReferenceOptions options;
  options.duration = 1.2;
  options.trunk = model.body("trunk");
  options.planes = {1};
  options.friction = 0.4;
  stand(model, recording, 1.2, options);
  return options;
}

TEST(Reference, RateOfMomentumIsWhatWeightSeatAndFeetWithinTheMarginGive) {
  const Model model(sitter());
  const auto recording = rocking(model);
  const ReferenceOptions options = seated_options(model, recording);
  const Reference found = consistent_reference(model, recording, options);
  EXPECT_TRUE(found.converged);
  const Model changed = model.with(as_edits(found, options, model));
  EXPECT_NEAR(changed.data().mass, model.data().mass, 1e-6);
  double heel_edge = inf, toe_edge = -inf;
  for (const Vec3& point : options.support) {
    heel_edge = std::min(heel_edge, point.x());
    toe_edge = std::max(toe_edge, point.x());
  }

  Workspace work(changed);
  const std::size_t n = found.coordinates.size();
  std::vector<double> q(n), u(n);
  const auto momentum_at = [&](const std::vector<QuinticSpline>& curves, double t) {
    for (std::size_t c = 0; c < n; ++c) {
      const Jet2<double> jet = curves[c].jet(t);
      q[c] = jet.value, u[c] = jet.slope;
    }
    couple(changed, q, u, work);
    positions<double>(changed.tree(), work.q, work.tree);
    velocities<double>(changed.tree(), work.u, work.tree);
    return momentum<double>(changed.tree(), work.tree);
  };
  // what feet must exert, in ground about ground's origin
  const auto feet_at = [&](const std::vector<QuinticSpline>& curves, double t) {
    const double h = 1e-4;
    const Spatial ahead = momentum_at(curves, t + h), behind = momentum_at(curves, t - h);
    momentum_at(curves, t);
    contact_forces<double>(changed, work.tree, work.contact);
    const Vec3 weight = changed.data().mass * changed.spec().gravity;
    const Vec3 centre = mass_center<double>(changed.tree(), work.tree);
    return Spatial((ahead - behind) / (2.0 * h) - wrench_at<double>(centre, weight) -
                   work.contact.external[at(changed.body("pelvis"))]);
  };
  double least = 1.0, when = 0.0, before = 1.0, friction = 0.0, seat = 0.0;
  for (int i = 1; i < 600; ++i) {
    const double t = 2e-3 * i;
    const double level = options.support.front().y();
    const auto inside = [&](const Spatial& w) {
      const double x = (w[2] + level * w[3]) / w[4];
      return std::min(x - heel_edge, toe_edge - x);
    };
    before = std::min(before, inside(feet_at(recording, t)));
    const Spatial w = feet_at(found.coordinates, t);
    if (inside(w) < least) least = inside(w), when = t;
    friction = std::max(friction, std::abs(w[3]) / w[4]);
    seat = std::max(seat, work.contact.external[at(changed.body("pelvis"))][4]);
    for (const HeldBody& held : options.held)
      EXPECT_LT((work.tree.X_GB[at(held.body)].p - held.X_GB.p).norm(), 2e-5) << t;
  }
  EXPECT_LT(before, 0.0);
  EXPECT_GT(least, 0.9 * options.margin) << "at " << when << " s";
  EXPECT_LT(friction, options.friction + 0.01);
  EXPECT_GT(seat, 200.0);  // it does sit
  EXPECT_NEAR(found.after.least_inside, least, 3e-3);
}

TEST(Reference, SymmetricMotionsStaySymmetric) {
  const Model model(sitter());
  const auto recording = rocking(model);
  const Reference found = consistent_reference(model, recording, seated_options(model, recording));
  for (const char* name : {"z", "list", "turn"}) EXPECT_LT(found.greatest[at(model.coordinate(name))], 1e-8) << name;
  for (const char* joint : {"hip", "knee", "ankle"}) {
    const QuinticSpline &r = found.coordinates[at(model.coordinate(std::string(joint) + "_r"))],
                        &l = found.coordinates[at(model.coordinate(std::string(joint) + "_l"))];
    for (int i = 0; i <= 12; ++i) EXPECT_NEAR(r(0.1 * i), l(0.1 * i), 1e-8) << joint;
  }
  for (const char* body : {"thigh", "shank", "foot"})
    EXPECT_NEAR(found.mass[at(model.body(std::string(body) + "_r"))],
                found.mass[at(model.body(std::string(body) + "_l"))], 1e-8);
}

TEST(Reference, EqualInputGivesEqualBytes) {
  const Model model(sitter());
  const auto recording = rocking(model);
  const ReferenceOptions options = seated_options(model, recording);
  const Reference one = consistent_reference(model, recording, options),
                  two = consistent_reference(model, recording, options);
  EXPECT_EQ(one.rms, two.rms);
  EXPECT_EQ(one.mass, two.mass);
  EXPECT_EQ(one.plane_height, two.plane_height);
  for (std::size_t c = 0; c < one.coordinates.size(); ++c)
    for (const double t : {0.0, 0.37, 1.2}) EXPECT_EQ(one.coordinates[c](t), two.coordinates[c](t));
}

TEST(Reference, FeetStandAtTheHeightAtWhichTheirSpheresCarryTheirShare) {
  const Model model(sitter());
  const auto recording = rocking(model);
  ReferenceOptions options;
  stand(model, recording, 1.0, options);
  ASSERT_EQ(options.held.size(), 2u);
  EXPECT_EQ(options.support.size(), 8u);
  // Hertz: 4/3 E sqrt(R) d^1.5 is a quarter of body weight
  const double depth = std::pow(model.data().mass * g / 4.0 / (4.0 / 3.0 * 1e6 * std::sqrt(0.03)), 2.0 / 3.0);
  for (const HeldBody& held : options.held) EXPECT_NEAR(held.X_GB.p.y(), 0.07 + 0.03 - depth, 1e-9);
}

TEST(Reference, RecordingComesToRest) {
  const Model model(stander());
  const auto recording = record(model, 1.0, [](int, double t) { return 0.3 * t + 0.1 * t * t; });
  const QuinticSpline rest = brought_to_rest(recording.front(), 0.5, 0.4, 1.5);
  const double speed = 0.3 + 0.1, acceleration = 0.2;
  // the integral of the cubic speed
  const double end = 0.3 * 0.5 + 0.1 * 0.25 + speed * 0.4 / 2.0 + acceleration * 0.16 / 12.0;
  EXPECT_NEAR(rest(0.3), 0.3 * 0.3 + 0.1 * 0.09, 1e-9);
  EXPECT_NEAR(rest.jet(0.5).slope, speed, 1e-4);
  EXPECT_NEAR(rest.jet(0.5).curvature, acceleration, 2e-2);
  EXPECT_NEAR(rest(0.9), end, 1e-9);
  EXPECT_NEAR(rest(1.4), end, 1e-9);
}

TEST(Reference, WrongOptionsAreRefused) {
  const Model model(stander());
  const auto recording = record(model, 0.5, [](int, double) { return 0.0; });
  ReferenceOptions options = plain_options(0.5);
  EXPECT_EQ(place_of([&] { consistent_reference(model, recording, options); }),
            (std::pair<std::string, std::string>{"input", "reference"}));  // no support
  stand(model, recording, 0.5, options);
  EXPECT_EQ(place_of([&] { consistent_reference(model, std::span(recording).first(2), options); }).first, "input");
  const auto place_with = [&](const auto& wrong) {
    ReferenceOptions own = options;
    wrong(own);
    return place_of([&] { consistent_reference(model, recording, own); });
  };
  const auto at_place = [](const char* place) { return std::pair<std::string, std::string>{"input", place}; };
  EXPECT_EQ(place_with([](ReferenceOptions& own) { own.mass_center = 0.0; }), at_place("reference"));
  EXPECT_EQ(place_with([](ReferenceOptions& own) { own.support.resize(2); }), at_place("reference"));
  EXPECT_EQ(place_with([](ReferenceOptions& own) { own.support.assign(5, Vec3(0.1, 0.0, 0.1)); }),
            at_place("reference"));
  EXPECT_EQ(place_with([](ReferenceOptions& own) {
              own.support = {Vec3(0, 0, 0), Vec3(0.1, 0, 0.1), Vec3(0.3, 0, 0.3), Vec3(0.2, 0, 0.2)};
            }),
            at_place("reference"));
  // the outline is 250 by 100 mm: half of its width, less what is kept between instants
  EXPECT_EQ(place_with([](ReferenceOptions& own) { own.margin = 0.0471; }), at_place("reference/margin"));
  EXPECT_EQ(place_with([](ReferenceOptions& own) { own.margin = 0.0469; }).first, "none");
  EXPECT_EQ(place_with([](ReferenceOptions& own) { own.trunk = 0; }), at_place("reference/trunk"));
  ModelSpec tilted = stander();
  tilted.gravity = {0.1, -9.8, 0.0};
  const Model on_a_slope(tilted);
  EXPECT_EQ(place_of([&] { consistent_reference(on_a_slope, recording, options); }), at_place("reference"));
  const Model without(pendulum());
  EXPECT_EQ(
      place_of([&] { stand(without, record(without, 0.5, [](int, double) { return 0.0; }), 0.5, options); }).first,
      "input");
}

}  // namespace
}  // namespace psoas::test
