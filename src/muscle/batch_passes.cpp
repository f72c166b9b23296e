// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Compiled with -O3, so that g++ makes vector instructions of loops, and -fno-trapping-math, without which it keeps
// every comparison a branch; neither moves a bit. No fused multiply-add in any clone, so all clones give the same bits.
#include "muscle/batch_passes.hpp"

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PSOAS_CLONES [[gnu::target_clones("default", "avx2", "arch=x86-64-v4"), gnu::flatten]]
#else
#define PSOAS_CLONES
#endif

namespace psoas::batch {

PSOAS_CLONES void rigid(std::span<const DeGrooteBlock> blocks, const Arguments& in, const Results& out) {
  rigid_pass<DeGrooteLanes>(blocks, in, out);
}
PSOAS_CLONES void rigid(std::span<const MillardBlock> blocks, const Arguments& in, const Results& out) {
  rigid_pass<MillardLanes>(blocks, in, out);
}
PSOAS_CLONES void rigid(std::span<const ThelenBlock> blocks, const Arguments& in, const Results& out) {
  rigid_pass<ThelenLanes>(blocks, in, out);
}
PSOAS_CLONES void rigid_equilibrium(std::span<const DeGrooteBlock> blocks, const Arguments& in, const Results& out) {
  rigid_equilibrium_pass<DeGrooteLanes>(blocks, in, out);
}
PSOAS_CLONES void rigid_equilibrium(std::span<const MillardBlock> blocks, const Arguments& in, const Results& out) {
  rigid_equilibrium_pass<MillardLanes>(blocks, in, out);
}
PSOAS_CLONES void rigid_equilibrium(std::span<const ThelenBlock> blocks, const Arguments& in, const Results& out) {
  rigid_equilibrium_pass<ThelenLanes>(blocks, in, out);
}
PSOAS_CLONES void fibre_velocity(std::span<const DeGrooteBlock> blocks, const Arguments& in, const Results& out) {
  velocity_pass<DeGrooteLanes>(blocks, in, out);
}
PSOAS_CLONES void fibre_velocity(std::span<const MillardBlock> blocks, const Arguments& in, const Results& out) {
  velocity_pass<MillardLanes>(blocks, in, out);
}
PSOAS_CLONES void activation_rate(const ActivationTimes& times, std::span<const double> excitation,
                                  std::span<const double> activation, std::span<double> rate) {
  activation_pass(times.rise.data(), times.fall.data(), times.smooth.data(), excitation.data(), activation.data(),
                  rate.data(), rate.size());
}
PSOAS_CLONES void equilibrium(std::span<const DeGrooteBlock> blocks, const Arguments& in, const Results& out) {
  equilibrium_pass<DeGrooteLanes>(blocks, in, out);
}
PSOAS_CLONES void equilibrium(std::span<const MillardBlock> blocks, const Arguments& in, const Results& out) {
  equilibrium_pass<MillardLanes>(blocks, in, out);
}

}  // namespace psoas::batch
