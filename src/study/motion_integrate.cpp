// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Activation and fibre length of every muscle integrated along the prescribed motion.
#include "study/motion.hpp"

namespace psoas {

void MotionRun::integrate(Result&) {
  if (!question_.integration) return;
}

}  // namespace psoas
