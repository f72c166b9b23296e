// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Wrote simbody_joints.csv: poses and velocities of the bodies of joints.osim by Simbody, whose mobilizers OpenSim's
// joints are. Not part of the build. With Debian's libsimbody-dev (3.7):
//   g++ -std=c++17 -I/usr/include/simbody simbody_joints.cpp -lSimTKsimbody -lSimTKmath -lSimTKcommon && ./a.out
#include <Simbody.h>

#include <cstdio>
#include <string>
#include <vector>

using namespace SimTK;

int main() {
  MultibodySystem system;
  SimbodyMatterSubsystem matter(system);
  const auto frame = [](const Vec3& p, const Vec3& angles) {
    return Transform(Rotation(BodyRotationSequence, angles[0], XAxis, angles[1], YAxis, angles[2], ZAxis), p);
  };
  const Transform F = frame({0.1, 0.2, -0.05}, {0.3, -0.2, 0.5}), M = frame({-0.02, 0.03, 0.04}, {-0.1, 0.4, 0.2});
  const Body::Rigid body(MassProperties(1.5, {0.01, 0.02, -0.03}, UnitInertia(1, 1, 1)));
  const Body::Massless massless;

  struct Item {
    std::string name;
    std::vector<MobilizedBody> moving;  // the last one carries the body
    MobilizedBody carrier;
  };
  std::vector<Item> items;
  const auto add = [&](const char* name, const MobilizedBody& one) { items.push_back({name, {one}, one}); };
  add("weld", MobilizedBody::Weld(matter.Ground(), F, body, M));
  add("pin", MobilizedBody::Pin(matter.Ground(), F, body, M));
  add("slider", MobilizedBody::Slider(matter.Ground(), F, body, M));
  add("universal", MobilizedBody::Universal(matter.Ground(), F, body, M));
  add("gimbal", MobilizedBody::Gimbal(matter.Ground(), F, body, M));
  add("ball", MobilizedBody::Ball(matter.Ground(), F, body, M));
  add("planar", MobilizedBody::Planar(matter.Ground(), F, body, M));
  add("free", MobilizedBody::Free(matter.Ground(), F, body, M));
  MobilizedBody::Ellipsoid ellipsoid(matter.Ground(), F, body, M);
  ellipsoid.setDefaultRadii({0.08, 0.15, 0.11});
  add("ellipsoid", ellipsoid);

  // Seth et al. (2016) as the classes' documentation describes it: an ellipsoid whose frames are turned by a quarter
  // about z, a pin about the winging axis through its origin, and the scapula's own frame.
  const Rotation quarter(0.5 * Pi, ZAxis);
  MobilizedBody::Ellipsoid surface(matter.Ground(), F * Transform(quarter), massless, Transform(quarter));
  surface.setDefaultRadii({0.14, 0.07, 0.09});
  const Transform axis(Rotation(UnitVec3(-std::sin(0.4), std::cos(0.4), 0), ZAxis), Vec3(0.01, -0.02, 0));
  MobilizedBody::Pin winging(surface, axis, massless, axis);
  MobilizedBody::Weld scapula(winging, Transform(), body, M);
  items.push_back({"scapula", {surface, winging}, scapula});

  const auto polynomial = [](std::initializer_list<double> c) {
    Vector v(int(c.size()));
    int i = 0;
    for (double x : c) v[i++] = x;
    return new Function::Polynomial(v);
  };
  Array_<const Function*> functions;
  functions.push_back(polynomial({1, 0}));
  functions.push_back(polynomial({0.5, 0.1}));
  functions.push_back(polynomial({0.2, -0.3, 0.1, 0.05}));
  functions.push_back(new Function::Sinusoid(0.05, 2.0, 0.3));
  functions.push_back(new Function::Constant(0.02, 0));
  functions.push_back(polynomial({0.4, 0, -0.1}));
  Array_<Array_<int>> coordinates{{0}, {1}, {0}, {1}, {}, {0}};
  Array_<Vec3> axes{{0, 0, 1}, {0.6, 0.8, 0}, {0, 1, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  add("custom", MobilizedBody::FunctionBased(matter.Ground(), F, body, M, 2, functions, coordinates, axes));

  system.realizeTopology();
  State state = system.getDefaultState();
  matter.setUseEulerAngles(state, true);
  system.realizeModel(state);

  const double values[2][6] = {{0.4, -0.3, 0.7, 0.11, -0.05, 0.2}, {-0.9, 0.8, -1.4, -0.3, 0.25, 0.02}};
  const double rates[6] = {0.5, -1.1, 0.8, 0.3, 0.6, -0.4};
  std::printf("joint,pose");
  for (int i = 0; i < 9; ++i) std::printf(",R%d%d", i / 3, i % 3);
  for (const char* word : {"p_x", "p_y", "p_z", "w_x", "w_y", "w_z", "v_x", "v_y", "v_z"}) std::printf(",%s", word);
  std::printf("\n");
  for (int pose = 0; pose < 2; ++pose) {
    Vector qdot(state.getNQ(), 0.0), u(state.getNU(), 0.0);
    for (const Item& item : items) {
      int k = 0;
      for (const MobilizedBody& part : item.moving)
        for (int i = 0; i < part.getNumQ(state); ++i, ++k) {
          if (part.getNumQ(state) > part.getNumU(state) && i >= part.getNumU(state)) break;  // slot of a quaternion
          part.setOneQ(state, i, values[pose][k]);
          qdot[int(part.getFirstQIndex(state)) + i] = rates[k];
        }
    }
    system.realize(state, Stage::Position);
    matter.multiplyByNInv(state, false, qdot, u);
    state.updU() = u;
    system.realize(state, Stage::Velocity);
    for (const Item& item : items) {
      const Transform& X = item.carrier.getBodyTransform(state);
      const SpatialVec& V = item.carrier.getBodyVelocity(state);
      std::printf("%s,%d", item.name.c_str(), pose);
      for (int i = 0; i < 9; ++i) std::printf(",%.17g", X.R()[i / 3][i % 3]);
      for (int i = 0; i < 3; ++i) std::printf(",%.17g", X.p()[i]);
      for (int j = 0; j < 2; ++j)
        for (int i = 0; i < 3; ++i) std::printf(",%.17g", V[j][i]);
      std::printf("\n");
    }
  }
}
