// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The right side of simulations against inverse dynamics in random models with every joint kind and couplers; whole
// simulations against another engine, against conserved quantities, and against models in which what does not move freely
// is built in.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "psoas/skeleton/dynamics.hpp"
#include "psoas/solve/forward.hpp"
#include "solve/models.hpp"
#include "support/random_tree.hpp"
#ifdef PSOAS_HAVE_MUJOCO
#include "support/mujoco_oracle.hpp"
#endif

namespace psoas::test {
namespace {

/// Names coordinates one after the other, and gives what else a joint kind has some value.
struct FillJoint {
  Random& random;
  std::vector<std::string>& names;

  std::string next() { return names.emplace_back("c" + std::to_string(names.size())); }
  template <class T>
  void operator()(std::string_view, T& field, const Info& info) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (info.choices.empty()) field = next();
    } else if constexpr (std::is_same_v<T, Vec3>) {
      field = random.direction();
    } else if constexpr (std::is_same_v<T, Function>) {
      field = random_function(random, 0.9, 1);
    } else if constexpr (std::is_same_v<T, std::vector<AxisSpec>>) {
      for (const Vec3& direction : random_frame(random))
        field.push_back({direction, next(), random_function(random, 0.8, random.integer(3))});
    } else {
      field = static_cast<T>(1);
    }
  }
};

template <class... K>
std::vector<Joint> joints_of_every_kind(Random& random, std::vector<std::string>& names, std::variant<K...>*) {
  std::vector<Joint> out;
  const auto add = [&](auto joint) {
    FillJoint fill{random, names};
    decltype(joint)::each(joint, fill);
    out.push_back(joint);
  };
  (add(K{}), ...);
  return out;
}

/// A tree with every joint kind in a random order, in which a third of the coordinates follow others.
ModelSpec coupled_model(Random& random) {
  ModelSpec spec;
  std::vector<std::string> names;
  std::vector<Joint> joints = joints_of_every_kind(random, names, static_cast<Joint*>(nullptr));
  for (std::size_t i = joints.size(); i > 1; --i)
    std::swap(joints[i - 1], joints[at(random.integer(static_cast<int>(i)))]);
  for (std::size_t i = 0; i < joints.size(); ++i) {
    const TreeBody body = random_body(random, 0);
    const std::string name = "b" + std::to_string(i);
    const Mat3& I = body.inertia;
    add_body(spec, name, body.mass, body.mass_center, {I(0, 0), I(1, 1), I(2, 2), I(0, 1), I(0, 2), I(1, 2)});
    JointSpec& joint = spec.joints[name];
    const int up = 1 + random.integer(2);  // the body before, or the one before that
    joint.parent = static_cast<int>(i) < up ? "ground" : "b" + std::to_string(static_cast<int>(i) - up);
    joint.child = name;
    joint.parent_frame.translation = random.vec3(0.3);
    joint.parent_frame.orientation = random.vec3(1.5);
    joint.child_frame.translation = random.vec3(0.2);
    joint.motion = joints[i];
  }
  std::vector<std::string> independent;
  for (const std::string& name : names) {
    CoordinateSpec& coordinate = spec.coordinates[name];
    if (!independent.empty() && random.uniform(0, 1) < 0.33) {
      CouplerSpec& coupler = coordinate.coupled_to.emplace();
      coupler.coordinate = independent[at(random.integer(static_cast<int>(independent.size())))];
      coupler.function = random_function(random, 0.7, random.integer(3));
    } else {
      independent.push_back(name);
    }
  }
  return spec;
}

TEST(SimulateLaws, the_right_side_undoes_inverse_dynamics_with_every_joint_kind_and_couplers) {
  double worst = 0.0;
  int coupled = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    const Model model(coupled_model(random));
    const int n = model.coordinates();
    coupled += model.tree().coordinates() - n;
    State state = model.default_state();
    for (double& q : state.q()) q = random.uniform(-0.8, 0.8);
    for (double& u : state.u()) u = random.uniform(-2, 2);
    const VecX a = random.vector(n, 10.0);
    Workspace work(model);
    evaluate(model, state, work, Depth::velocity);
    std::vector<double> of_tree(at(model.tree().coordinates())), tau = of_tree, needed(at(n));
    couple_accelerations(model, state.u(), view(a), work, of_tree);
    inverse_dynamics<double>(model.tree(), of_tree, model.spec().gravity, {}, work.tree, tau);
    project(model, work, tau, needed);
    SimulationOptions options;
    for (int c = 0; c < n; ++c) options.forces.push_back({c, Signal({0.0}, {needed[at(c)]}, Signal::Shape::steps)});
    ForwardDynamics dynamics(model, options);
    std::vector<double> rates(state.vector.size());
    dynamics.rates(0.0, state.vector, rates);
    for (int c = 0; c < n; ++c) worst = std::max(worst, std::abs(dynamics.udot()[at(c)] - a[c]) / 10.0);
    EXPECT_LT(worst, 1e-10) << "seed " << seed;
  }
  EXPECT_GT(coupled, 200);
  RecordProperty("worst", std::to_string(1e12 * worst) + "e-12");
}

#ifdef PSOAS_HAVE_MUJOCO
// Ten links that hang askew, on hinges about axes that differ: let go, they swing for 10 s without anything that drives or
// brakes them. Small enough a swing that motions from nearby states stay near; at larger ones they are chaotic.
ModelSpec ten_links() {
  ModelSpec spec;
  std::string parent = "ground";
  for (int i = 0; i < 10; ++i) {
    const std::string name = "link_" + std::to_string(i);
    add_body(spec, name, 1.0 + 0.1 * i, {0.01, -0.1, 0.005 * i}, {0.004, 0.002, 0.005, 0.0002, 0.0, 0.0001});
    add_pin(spec, parent, name, i == 0 ? Vec3(0, 0, 0) : Vec3(0.0, -0.2, 0.0), "q" + std::to_string(i));
    std::get<Pin>(spec.joints.find(name)->motion).axis = i % 2 == 0 ? Vec3(0.1, 0.0, 1.0) : Vec3(1.0, 0.1, 0.2);
    spec.coordinates["q" + std::to_string(i)].value = 0.12 * std::sin(1.0 + 1.7 * i);
    parent = name;
  }
  return spec;
}

TEST(SimulateMujoco, ten_links_swing_for_ten_seconds_as_there) {
  const Model model(ten_links());
  const State start = model.default_state();
  const auto n = static_cast<Eigen::Index>(model.coordinates());
  MujocoOracle mujoco(model.tree(), model.spec().gravity);
  mujoco.model()->opt.integrator = mjINT_RK4;
  mujoco.model()->opt.timestep = 2e-4;
  mujoco.set(Eigen::Map<const VecX>(start.q().data(), n), VecX::Zero(n));
  SimulationOptions options;
  options.duration = 10.0;
  options.step = 0.5;
  options.tolerance = 1e-9;
  double worst = 0.0, moved = 0.0;
  int steps = 0;
  simulate(model, start, options, [&](const State& now, const ForwardDynamics& dynamics) {
    for (; steps < std::lround(now.time / 2e-4); ++steps) mj_step(mujoco.model(), mujoco.data());
    mj_kinematics(mujoco.model(), mujoco.data());
    const std::vector<Pose>& X = dynamics.work().tree.X_GB;
    for (int b = 1; b < static_cast<int>(X.size()); ++b) {
      const Pose there = mujoco.pose(b);
      worst = std::max({worst, (X[at(b)].p - there.p).norm(), (X[at(b)].R - there.R).norm()});
    }
    moved = std::max(moved, X.back().p.head<1>().norm());
  });
  EXPECT_GT(moved, 0.1);
  // the tolerance of 1e-9 a second over 10 s
  EXPECT_LT(worst, 1e-8);
  RecordProperty("worst", std::to_string(1e12 * worst) + "e-12");
}
#endif

TEST(SimulateConservation, a_free_top_keeps_energy_and_angular_momentum_for_a_minute) {
  ModelSpec spec;
  spec.gravity = Vec3::Zero();
  add_body(spec, "top", 2.0, {0.0, 0.0, 0.0}, {0.02, 0.03, 0.045, 0.0, 0.0, 0.0});
  JointSpec& joint = spec.joints["root"];
  joint.parent = "ground";
  joint.child = "top";
  joint.motion = Free{"tx", "ty", "tz", "rx", "ry", "rz"};
  for (const char* name : {"tx", "ty", "tz"}) spec.coordinates[name].motion = "translation";
  for (const char* name : {"rx", "ry", "rz"}) spec.coordinates[name];
  const Model model(spec);
  State state = model.default_state();
  // about the middle axis, where it turns over now and then; and it drifts
  const std::vector<double> speeds = {0.1, -0.05, 0.02, 0.02, 5.0, 0.01};
  std::copy(speeds.begin(), speeds.end(), state.u().begin());
  SimulationOptions options;
  options.duration = 60.0;
  options.step = 0.1;
  options.tolerance = 1e-12;
  double energy = 0.0, worst = 0.0, longest = 0.0;
  Vec3 angular, before;
  int charts = 0;
  bool overturned = false;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
    const Vec3 centre = mass_center<double>(model.tree(), dynamics.work().tree);
    const Vec3 L = momentum<double>(model.tree(), dynamics.work().tree, centre).head<3>();
    const Vec3 r(now.q()[3], now.q()[4], now.q()[5]);
    if (now.time == 0.0) {
      energy = dynamics.kinetic_energy(), angular = L;
    } else {
      worst =
          std::max({worst, std::abs(dynamics.kinetic_energy() / energy - 1.0), (L - angular).norm() / angular.norm()});
      charts += r.dot(before) < 0.0;
    }
    longest = std::max(longest, r.norm());
    overturned = overturned || dynamics.work().tree.X_GB[1].R(1, 1) < -0.9;
    before = r;
  });
  EXPECT_LT(worst, 1e-9);
  EXPECT_GT(charts, 20);
  EXPECT_TRUE(overturned);
  EXPECT_LT(longest, 4.5) << "rotation vectors are renewed beyond half a turn";
  RecordProperty("worst", std::to_string(1e12 * worst) + "e-12");
}

/// The last state of a simulation.
State last_state(const Model& model, const State& start, const SimulationOptions& options) {
  State last = start;
  simulate(model, start, options, [&](const State& now, const ForwardDynamics&) { last = now; });
  return last;
}

TEST(SimulateHeld, a_locked_coordinate_is_a_weld) {
  ModelSpec spec = chain();
  std::get<Pin>(spec.joints.find("middle")->motion).axis = {0.0, 0.0, 1.0};
  add_muscle(spec, "across", "compliant", {{"upper", {0.05, -0.1, 0.0}}, {"lower", {0.03, -0.05, 0.01}}})
      .tendon_slack_length = 0.6;
  ModelSpec welded = spec;
  welded.coordinates = {};
  for (const char* name : {"first", "third"}) welded.coordinates[name];
  JointSpec& weld = *welded.joints.find("middle");
  weld.motion = Weld{};
  weld.parent_frame.orientation = {0.0, 0.0, 0.4};

  SimulationOptions options;
  options.duration = options.step = 1.0;
  options.tolerance = 1e-11;
  options.excitation = {0.4};
  const Model moving(spec), fixed(welded);
  State a = moving.default_state(), b = fixed.default_state();
  for (const auto& [state, model] : {std::pair{&a, &moving}, std::pair{&b, &fixed}}) {
    model->set(*state, "first", 0.9);
    model->set(*state, "third", -0.5);
    state->u()[static_cast<std::size_t>(model->coordinate("first"))] = -1.0;
  }
  moving.set(a, "second", 0.4);
  a.u()[1] = 3.0;  // of no account where it is locked
  settle(moving, a, 0.2), settle(fixed, b, 0.2);
  options.locked = {0, 1, 0};
  const State there = last_state(moving, a, options);
  options.locked.clear();
  const State here = last_state(fixed, b, options);
  EXPECT_EQ(there.q()[1], 0.4);
  EXPECT_GT(std::abs(here.q()[0] - 0.9), 0.1);
  EXPECT_NEAR(there.q()[0], here.q()[0], 1e-9);
  EXPECT_NEAR(there.q()[2], here.q()[1], 1e-9);
  EXPECT_NEAR(there.u()[0], here.u()[0], 1e-8);
  EXPECT_NEAR(there.u()[2], here.u()[1], 1e-8);
  EXPECT_NEAR(there.fibre_length()[0], here.fibre_length()[0], 1e-9);
}

TEST(SimulateHeld, a_rotation_vector_with_a_locked_part_keeps_it) {
  ModelSpec spec;
  spec.gravity = Vec3::Zero();
  add_body(spec, "top", 2.0, {0.0, 0.0, 0.0}, {0.03, 0.03, 0.045, 0.0, 0.0, 0.0});
  JointSpec& joint = spec.joints["root"];
  joint.parent = "ground";
  joint.child = "top";
  joint.motion = Ball{"rx", "ry", "rz"};
  for (const char* name : {"rx", "ry", "rz"}) spec.coordinates[name];
  const Model model(spec);
  State state = model.default_state();
  state.q()[1] = 0.5;
  state.u()[0] = 2.0;
  SimulationOptions options;
  options.duration = 2.0;
  options.locked = {0, 1, 1};
  double energy = 0.0;
  const State end = [&] {
    State last = state;
    simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
      if (now.time == 0.0) energy = dynamics.kinetic_energy();
      EXPECT_NEAR(dynamics.kinetic_energy(), energy, 1e-6 * energy);
      last = now;
    });
    return last;
  }();
  EXPECT_EQ(end.q()[1], 0.5);
  EXPECT_EQ(end.q()[2], 0.0);
  EXPECT_GT(end.q()[0], 3.5) << "beyond half a turn";
}

TEST(SimulateHeld, a_pendulum_on_a_cart_that_is_driven_obeys_lagrange) {
  constexpr double cart = 4.0, mass = 1.5, length = 0.6, g = 9.80665;
  ModelSpec spec;
  add_body(spec, "cart", cart, {0.0, 0.0, 0.0});
  add_body(spec, "bob", mass, {0.0, -length, 0.0});
  JointSpec& rail = spec.joints["rail"];
  rail.parent = "ground";
  rail.child = "cart";
  Slide slide;
  slide.coordinate = "along";
  slide.axis = {1.0, 0.0, 0.0};
  rail.motion = slide;
  spec.coordinates["along"].motion = "translation";
  add_pin(spec, "cart", "bob", Vec3(0, 0, 0), "angle");
  const Model model(spec);
  const Signal drive({0.0, 0.4, 0.8, 1.3, 2.1}, {0.0, 0.3, -0.1, 0.25, 0.0}, Signal::Shape::spline);
  SimulationOptions options;
  options.duration = 2.0;
  options.step = 0.25;
  options.tolerance = 1e-11;
  options.prescribed.push_back({model.coordinate("along"), drive});
  State state = model.default_state();
  model.set(state, "angle", 0.7);

  // (theta'' l + x'' cos theta + g sin theta = 0) by Runge and Kutta's method, from corner to corner of the drive
  const auto bend = [&](double t, double theta) {
    return -(drive.jet(t).curvature * std::cos(theta) + g * std::sin(theta)) / length;
  };
  double t = 0.0, theta = 0.7, speed = 0.0;
  constexpr double h = 1e-4;
  simulate(model, state, options, [&](const State& now, const ForwardDynamics& dynamics) {
    for (; t < now.time - 0.5 * h; t += h) {
      const double k1 = bend(t, theta), k2 = bend(t + h / 2, theta + h / 2 * speed),
                   k3 = bend(t + h / 2, theta + h / 2 * speed + h * h / 4 * k1),
                   k4 = bend(t + h, theta + h * speed + h * h / 2 * k2);
      theta += h * speed + h * h / 6 * (k1 + k2 + k3);
      speed += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    EXPECT_NEAR(now.q()[1], theta, 1e-9) << now.time;
    EXPECT_NEAR(now.u()[1], speed, 1e-8) << now.time;
    const double xdd = drive.jet(now.time).curvature,
                 force = (cart + mass) * xdd +
                         mass * length * (bend(now.time, theta) * std::cos(theta) - speed * speed * std::sin(theta));
    EXPECT_NEAR(dynamics.prescribed_force(model.coordinate("along")), force, 1e-6) << now.time;
    EXPECT_EQ(dynamics.prescribed_force(model.coordinate("angle")), 0.0);
  });
}

TEST(SimulateHeld, a_coordinate_that_nothing_resists_is_refused_by_name) {
  // two hinges about one axis between the same bodies: the second has inertia, but none that is its own
  ModelSpec spec = pendulum();
  add_body(spec, "between", 0.0, {0.0, 0.0, 0.0});
  add_body(spec, "tip", 1.0, {0.0, -0.3, 0.0}, {0.01, 0.01, 0.01, 0.0, 0.0, 0.0});
  add_pin(spec, "bob", "between", {0.0, -0.7, 0.0}, "second");
  add_pin(spec, "between", "tip", {0.0, 0.0, 0.0}, "third");
  const Model model(spec);
  State state = model.default_state();
  model.set(state, "angle", 0.4);
  ForwardDynamics dynamics(model, {});
  EXPECT_EQ(dynamics.unresisted(state.q()), std::vector<int>{model.coordinate("third")});
  SimulationOptions options;
  const auto run = [&] { simulate(model, state, options, [](const State&, const ForwardDynamics&) {}); };
  try {
    run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "t = 0 s: third: expected mass or inertia that resists this coordinate, found none");
  }
  // one of the two held, the other has all the inertia
  options.locked = {0, 1, 0};
  options.duration = 0.1;
  run();
  EXPECT_TRUE(ForwardDynamics(model, options).unresisted(state.q()).empty());
}

}  // namespace
}  // namespace psoas::test
