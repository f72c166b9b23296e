// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// How much hip-flexion torque is left when the iliopsoas rests at 95 % of its length? Prints one line for each angle.
//   embed models/full_body.json
#include <cstdio>
#include <psoas/psoas.hpp>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: embed MODEL.json\n");
    return 2;
  }
  try {
    const psoas::Model normal = psoas::Model::load(argv[1]);
    const psoas::Model tight = normal.with(psoas::scale("group:iliopsoas", "optimal_fibre_length", 0.95));

    // A state and a workspace belong to one model; the model itself may be shared by any number of threads.
    psoas::State normal_state = normal.default_state();
    psoas::State tight_state = tight.default_state();
    psoas::Workspace normal_work(normal);
    psoas::Workspace tight_work(tight);

    std::printf("hip flexion   torque capacity [N m]\n");
    std::printf("      [deg]     normal     tight\n");
    for (const double angle_deg : {0.0, 30.0, 60.0, 90.0}) {
      normal.set(normal_state, "hip_flexion_r", psoas::degrees(angle_deg));
      tight.set(tight_state, "hip_flexion_r", psoas::degrees(angle_deg));
      std::printf("%11.0f %10.2f %9.2f\n", angle_deg,
                  psoas::torque_capacity(normal, normal_state, "hip_flexion_r", normal_work),
                  psoas::torque_capacity(tight, tight_state, "hip_flexion_r", tight_work));
    }
  } catch (const psoas::Error& error) {
    std::fprintf(stderr, "embed: %s\n", error.what());
    return 2;
  }
}
