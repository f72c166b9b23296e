// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Wrote simbody_forces.csv: what Simbody's LinearBushing and HuntCrossleyForce do to two
// free bodies in random states. Not part of the build. With Debian's libsimbody-dev (3.7):
//   g++ -std=c++17 -I/usr/include/simbody simbody_forces.cpp -lSimTKsimbody -lSimTKmath -lSimTKcommon && ./a.out
// Columns: coordinates of the first and of the second body (three translations, then body-fixed angles about x, y, z),
// their speeds, then for the bushing and for the contact the moment about the second body's origin and the force on it,
// in ground, then the bushing's energy and the power that it takes, and the frictionless contact's energy.
#include <Simbody.h>

#include <cstdio>
#include <random>

using namespace SimTK;

int main() {
  std::FILE* out = std::fopen("simbody_forces.csv", "w");
  for (int k = 0; k < 12; ++k) std::fprintf(out, "q%d,", k);
  for (int k = 0; k < 12; ++k) std::fprintf(out, "u%d,", k);
  for (const char* what : {"bushing", "contact"})
    for (const char* part : {"mx", "my", "mz", "fx", "fy", "fz"}) std::fprintf(out, "%s_%s,", what, part);
  std::fprintf(out, "bushing_energy,bushing_power,contact_energy\n");

  const auto frame = [](const Vec3& p, const Vec3& angles) {
    return Transform(Rotation(BodyRotationSequence, angles[0], XAxis, angles[1], YAxis, angles[2], ZAxis), p);
  };
  std::mt19937 random(1);
  const auto any = [&](double low, double high) { return low + (high - low) * (random() / 4294967296.0); };
  for (int row = 0; row < 40; ++row) {
    std::vector<double> q(12), u(12);
    for (int k = 0; k < 12; ++k) q[k] = any(-0.5, 0.5), u[k] = any(-1.0, 1.0);
    q[7] = any(-0.06, 0.02);  // the sphere is about the height of the plane
    u[7] = any(-0.2, 0.2);
    Vec6 on[2];
    double energy[2], power = 0.0;
    for (int what = 0; what < 2; ++what) {
      MultibodySystem system;
      SimbodyMatterSubsystem matter(system);
      GeneralForceSubsystem forces(system);
      GeneralContactSubsystem contacts(system);
      const Body::Rigid body(MassProperties(1.5, {0.01, 0.02, -0.03}, UnitInertia(1, 1, 1)));
      const Body::Massless massless;
      MobilizedBody::Translation carrier1(matter.Ground(), massless), carrier2(matter.Ground(), massless);
      MobilizedBody::Gimbal first(carrier1, body), second(carrier2, body);
      Force::LinearBushing bushing;
      if (what == 0) {
        bushing = Force::LinearBushing(forces, first, frame({0.1, -0.2, 0.05}, {0.3, -0.2, 0.1}), second,
                                       frame({-0.05, 0.02, 0.1}, {-0.1, 0.4, 0.2}), Vec6(20, 30, 40, 500, 700, 900),
                                       Vec6(1, 2, 3, 10, 20, 30));
      } else {
        const ContactSetIndex set = contacts.createContactSet();
        // the half-space fills x > 0 of its frame
        contacts.addBody(set, matter.Ground(), ContactGeometry::HalfSpace(),
                         Transform(Rotation(-0.5 * Pi, ZAxis), Vec3(0, -0.1, 0)));
        contacts.addBody(set, second, ContactGeometry::Sphere(0.1), Transform(Vec3(0.02, 0.01, -0.03)));
        HuntCrossleyForce contact(forces, contacts, set);
        contact.setBodyParameters(ContactSurfaceIndex(0), 1e5, 1.3, 0, 0, 0);
        contact.setBodyParameters(ContactSurfaceIndex(1), 1e5, 1.3, 0, 0, 0);
      }
      system.realizeTopology();
      State state = system.getDefaultState();
      for (int b = 0; b < 2; ++b) {
        const MobilizedBody &carrier = b == 0 ? MobilizedBody(carrier1) : MobilizedBody(carrier2),
                            &gimbal = b == 0 ? MobilizedBody(first) : MobilizedBody(second);
        for (int k = 0; k < 3; ++k) {
          carrier.setOneQ(state, k, q[6 * b + k]);
          gimbal.setOneQ(state, k, q[6 * b + 3 + k]);
          carrier.setOneU(state, k, u[6 * b + k]);
          gimbal.setOneU(state, k, u[6 * b + 3 + k]);
        }
      }
      system.realize(state, Stage::Acceleration);
      const SpatialVec& wrench = system.getRigidBodyForces(state, Stage::Dynamics)[second.getMobilizedBodyIndex()];
      for (int k = 0; k < 3; ++k) on[what][k] = wrench[0][k], on[what][3 + k] = wrench[1][k];
      energy[what] = system.calcPotentialEnergy(state);
      if (what == 0) power = bushing.getPowerDissipation(state);
    }
    for (const double x : q) std::fprintf(out, "%.17g,", x);
    for (const double x : u) std::fprintf(out, "%.17g,", x);
    for (int what = 0; what < 2; ++what)
      for (int k = 0; k < 6; ++k) std::fprintf(out, "%.17g,", on[what][k]);
    std::fprintf(out, "%.17g,%.17g,%.17g\n", energy[0], power, energy[1]);
  }
  std::fclose(out);
}
