// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/external.hpp"

namespace psoas {

void add_external(std::span<const ExternalLoad> loads, double time, const TreeWork<double>& tree,
                  std::span<Spatial> out) {
  const auto three = [time](const QuinticSpline* splines) {
    return Vec3(splines[0](time), splines[1](time), splines[2](time));
  };
  for (const ExternalLoad& load : loads) {
    const Pose& X = tree.X_GB[static_cast<std::size_t>(load.frame)];
    const Vec3 moment = X.R * three(&load.wrench[0]), force = X.R * three(&load.wrench[3]);
    const Vec3 place =
        !load.point.empty() ? tree.X_GB[static_cast<std::size_t>(load.point_frame)] * three(&load.point[0]) : X.p;
    Spatial wrench = wrench_at<double>(place, force);
    wrench.head<3>() += moment;
    out[static_cast<std::size_t>(load.body)] += wrench;
  }
}

}  // namespace psoas
