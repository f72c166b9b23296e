// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Simbody's dynamics of a tree that tests/support/simbody_oracle.hpp writes as text, for tests and benches. A program of
// its own, as C++17 and without NDEBUG, because Simbody's headers in Debian need both.
//   psoas_simbody IN OUT          poses, generalised forces, mass matrix, accelerations and reactions of each state
//   psoas_simbody IN OUT time     least mean time of inverse dynamics, forward dynamics and mass matrix [us]
#include <Simbody.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

using namespace SimTK;

namespace {

struct Axis {
  char kind;  // t: translation, r: rotation, v: rotation vector
  Vec3 direction;
  int coordinate;  // of the joint; several axes may have one
  int size() const { return kind == 'v' ? 3 : 1; }
};

struct Item {
  int parent;
  Transform X_PF, X_BM;
  MassProperties mass;
  std::vector<Axis> axes;
};

struct Posture {
  Vector q, u, a;                    // of all axes; four numbers of q where a rotation vector is
  std::vector<SpatialVec> external;  // per body, about ground's origin
};

struct Input {
  Vec3 gravity;
  std::vector<Item> items;  // items[0] is ground
  std::vector<Posture> postures;
};

double number(std::istream& in) {
  double x;
  if (!(in >> x)) throw std::runtime_error("the tree's text ends early");
  return x;
}
Vec3 vec3(std::istream& in) {
  const double x = number(in), y = number(in), z = number(in);
  return {x, y, z};
}
Transform transform(std::istream& in) {
  Mat33 R;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) R[i][j] = number(in);
  return Transform(Rotation(R, true), vec3(in));
}

Input read(const char* file) {
  std::ifstream in(file);
  Input input;
  input.gravity = vec3(in);
  const int bodies = static_cast<int>(number(in));
  input.items.resize(bodies);
  int nq = 0, nu = 0;
  for (int b = 1; b < bodies; ++b) {
    Item& item = input.items[b];
    item.parent = static_cast<int>(number(in));
    item.X_PF = transform(in);
    item.X_BM = ~transform(in);
    const double mass = number(in);
    const Vec3 center = vec3(in), moments = vec3(in), products = vec3(in);
    item.mass = MassProperties(mass, center, Inertia(moments, products).shiftFromMassCenter(center, mass));
    const int axes = static_cast<int>(number(in));
    for (int i = 0; i < axes; ++i) {
      std::string word;
      in >> word;
      const Vec3 direction = vec3(in);
      item.axes.push_back({word[0], direction, static_cast<int>(number(in))});
      nq += word[0] == 'v' ? 4 : 1;
      nu += item.axes.back().size();
    }
  }
  const int postures = static_cast<int>(number(in));
  for (int k = 0; k < postures; ++k) {
    Posture p;
    p.q.resize(nq), p.u.resize(nu), p.a.resize(nu);
    for (Vector* v : {&p.q, &p.u, &p.a})
      for (int i = 0; i < v->size(); ++i) (*v)[i] = number(in);
    for (int b = 0; b < bodies; ++b) {
      const Vec3 moment = vec3(in);
      p.external.push_back({moment, vec3(in)});
    }
    input.postures.push_back(p);
  }
  return input;
}

struct Engine {
  MultibodySystem system;
  SimbodyMatterSubsystem matter;
  GeneralForceSubsystem forces;
  Force::DiscreteForces applied;
  std::vector<MobilizedBodyIndex> carrier;  // per body of the tree
  State state;

  /// With `whole`, a joint of several axes is one mobilizer of functions, as OpenSim makes it, else a chain of bodies
  /// without mass. Whole joints have straight functions that agree with the posture in value and slope.
  Engine(const Input& input, bool whole) : matter(system), forces(system), applied(forces, matter) {
    carrier.push_back(matter.Ground().getMobilizedBodyIndex());
    for (std::size_t b = 1; b < input.items.size(); ++b) {
      const Item& item = input.items[b];
      MobilizedBody parent = matter.updMobilizedBody(carrier[item.parent]);
      const Body::Rigid body(item.mass);
      if (item.axes.empty()) {
        carrier.push_back(MobilizedBody::Weld(parent, item.X_PF, body, item.X_BM).getMobilizedBodyIndex());
        continue;
      }
      if (whole && item.axes.size() > 1 && functions(item, parent, body)) continue;
      Transform F = item.X_PF;
      for (std::size_t i = 0; i < item.axes.size(); ++i) {
        const Axis& axis = item.axes[i];
        const bool last = i + 1 == item.axes.size();
        const Body link = last ? static_cast<const Body&>(body) : Body::Massless();
        const Transform M = last ? item.X_BM : Transform();
        if (axis.kind == 'v') {
          parent = MobilizedBody::Ball(parent, F, link, M);
        } else {
          const CoordinateAxis along = axis.kind == 'r' ? CoordinateAxis(ZAxis) : CoordinateAxis(XAxis);
          const Transform align(Rotation(UnitVec3(axis.direction), along));
          if (axis.kind == 'r')
            parent = MobilizedBody::Pin(parent, F * align, link, M * align);
          else
            parent = MobilizedBody::Slider(parent, F * align, link, M * align);
        }
        F = Transform();
      }
      carrier.push_back(parent.getMobilizedBodyIndex());
    }
    system.realizeTopology();
    state = system.getDefaultState();
    system.realizeModel(state);
  }

  /// False where a joint has axes in another order than a mobilizer of functions knows.
  bool functions(const Item& item, MobilizedBody& parent, const Body& body) {
    Array_<const Function*> f(6);
    Array_<Array_<int>> coordinates(6);
    Array_<Vec3> axes(6);
    int turns = 0, shifts = 0, count = 0;
    for (const Axis& axis : item.axes) {
      if (axis.kind == 'v' || (axis.kind == 't' && turns > 0) || turns > 2 || shifts > 3) return false;
      count = std::max(count, axis.coordinate + 1);
      const int slot = axis.kind == 'r' ? turns++ : 3 + shifts++;
      if (slot > 5) return false;
      axes[slot] = axis.direction;
      if (axis.coordinate >= 0) coordinates[slot] = {axis.coordinate};
    }
    const auto fill = [&](int low, int used) {
      // any directions that make a frame with those that are there
      for (int i = used; i < 3; ++i) {
        if (used == 0)
          axes[low + i] = Vec3(i == 0, i == 1, i == 2);
        else
          axes[low + i] = i == 1 ? Vec3(UnitVec3(axes[low]).perp()) : Vec3(axes[low] % axes[low + 1]).normalize();
      }
    };
    fill(0, turns);
    fill(3, shifts);
    for (int i = 0; i < 6; ++i) {
      if (coordinates[i].empty())
        f[i] = new Function::Constant(0, 0);
      else
        f[i] = new Function::Linear(Vector(Vec2(1.0, 0.0)));
    }
    carrier.push_back(MobilizedBody::FunctionBased(parent, item.X_PF, body, item.X_BM, count, f, coordinates, axes)
                          .getMobilizedBodyIndex());
    return true;
  }

  void pose(const Vector& q, const Vector& u) {
    state.updQ() = q;
    state.updU() = u;
  }

  /// Wrenches of weight and of the outside on the bodies at their origins; after realising positions.
  Vector_<SpatialVec> body_forces(const Input& input, const Posture& p) const {
    Vector_<SpatialVec> out(matter.getNumBodies(), SpatialVec(Vec3(0), Vec3(0)));
    for (std::size_t b = 1; b < carrier.size(); ++b) {
      const Transform& X = matter.getMobilizedBody(carrier[b]).getBodyTransform(state);
      const Vec3 weight = input.items[b].mass.getMass() * input.gravity;
      const Vec3 arm = X.R() * input.items[b].mass.getMassCenter();
      out[carrier[b]][0] = arm % weight + p.external[b][0] - X.p() % p.external[b][1];
      out[carrier[b]][1] = weight + p.external[b][1];
    }
    return out;
  }
};

void answer(const Input& input, const char* file) {
  Engine engine(input, false);
  std::ofstream out(file);
  out << std::setprecision(17);
  const SimbodyMatterSubsystem& matter = engine.matter;
  for (const Posture& p : input.postures) {
    engine.pose(p.q, p.u);
    State& state = engine.state;
    engine.system.realize(state, Stage::Velocity);
    for (std::size_t b = 1; b < engine.carrier.size(); ++b) {
      const Transform& X = matter.getMobilizedBody(engine.carrier[b]).getBodyTransform(state);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) out << X.R()[i][j] << ' ';
      for (int i = 0; i < 3; ++i) out << X.p()[i] << ' ';
      out << '\n';
    }
    const Vector_<SpatialVec> on_bodies = engine.body_forces(input, p);
    Vector tau, none(matter.getNumMobilities(), 0.0);
    matter.calcResidualForceIgnoringConstraints(state, none, on_bodies, p.a, tau);
    Matrix M;
    matter.calcM(state, M);
    engine.applied.setAllMobilityForces(state, tau);
    engine.applied.setAllBodyForces(state, on_bodies);
    engine.system.realize(state, Stage::Acceleration);
    Vector_<SpatialVec> reactions;
    matter.calcMobilizerReactionForces(state, reactions);
    for (int i = 0; i < tau.size(); ++i) out << tau[i] << ' ';
    out << '\n';
    for (int i = 0; i < M.nrow(); ++i)
      for (int j = 0; j < M.ncol(); ++j) out << M(i, j) << ' ';
    out << '\n';
    for (int i = 0; i < tau.size(); ++i) out << state.getUDot()[i] << ' ';
    out << '\n';
    for (std::size_t b = 1; b < engine.carrier.size(); ++b) {
      const MobilizedBody& body = matter.getMobilizedBody(engine.carrier[b]);
      const Vec3 place = body.getBodyTransform(state) * body.getOutboardFrame(state).p();
      const SpatialVec& at_M = reactions[engine.carrier[b]];
      const Vec3 moment = at_M[0] + place % at_M[1];
      for (int i = 0; i < 3; ++i) out << moment[i] << ' ';
      for (int i = 0; i < 3; ++i) out << at_M[1][i] << ' ';
      out << '\n';
    }
  }
}

template <class Call>
double least_time(Call call) {
  using Clock = std::chrono::steady_clock;
  double least = 1e30;
  for (int batch = 0; batch < 10; ++batch) {
    const auto start = Clock::now();
    for (int i = 0; i < 100; ++i) call();
    least = std::min(least, std::chrono::duration<double, std::micro>(Clock::now() - start).count() / 100);
  }
  return least;
}

void time(const Input& input, const char* file) {
  std::ofstream out(file);
  for (const bool whole : {false, true}) {
    Engine engine(input, whole);
    const SimbodyMatterSubsystem& matter = engine.matter;
    State& state = engine.state;
    const int nu = state.getNU();
    const Posture& p = input.postures[0];
    // a posture of this model's own size; the same numbers, as far as they go
    Vector q(state.getNQ()), u(nu), a(nu);
    for (int i = 0; i < q.size(); ++i) q[i] = whole ? 0.1 + 0.01 * i : p.q[i];
    for (int i = 0; i < nu; ++i) u[i] = p.u[i], a[i] = p.a[i];
    engine.pose(q, u);
    engine.system.realize(state, Stage::Dynamics);
    const Vector_<SpatialVec> on_bodies = engine.body_forces(input, p);
    Vector tau, none(nu, 0.0), found;
    Vector_<SpatialVec> A;
    Matrix M;
    const double inverse = least_time([&] {
      engine.pose(q, u);
      engine.system.realize(state, Stage::Velocity);
      matter.calcResidualForceIgnoringConstraints(state, none, on_bodies, a, tau);
    });
    const double forward = least_time([&] {
      engine.pose(q, u);
      engine.system.realize(state, Stage::Dynamics);
      matter.calcAccelerationIgnoringConstraints(state, tau, on_bodies, found, A);
    });
    const double mass = least_time([&] {
      engine.pose(q, u);
      engine.system.realize(state, Stage::Position);
      matter.calcM(state, M);
    });
    out << std::setprecision(6) << inverse << ' ' << forward << ' ' << mass << ' ' << nu << '\n';
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 3) throw std::runtime_error("usage: psoas_simbody IN OUT [time]");
    const Input input = read(arguments[1]);
    count > 3 ? time(input, arguments[2]) : answer(input, arguments[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "psoas_simbody: %s\n", error.what());
    return 1;
  }
}
