// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/solve/external.hpp"

namespace psoas {

template <class S>
void add_external(std::span<const ExternalLoad> loads, double time, const TreeWork<S>& tree,
                  std::span<SpatialT<S>> out) {
  const auto three = [time](const QuinticSpline* splines) {
    return Vec3T<S>(S(splines[0](time)), S(splines[1](time)), S(splines[2](time)));
  };
  for (const ExternalLoad& load : loads) {
    const PoseT<S>& X = tree.X_GB[static_cast<std::size_t>(load.frame)];
    const Vec3T<S> moment = X.R * three(load.wrench.data()), force = X.R * three(&load.wrench[3]);
    const Vec3T<S> place =
        load.point.empty() ? X.p
                           : Vec3T<S>(tree.X_GB[static_cast<std::size_t>(load.point_frame)] * three(load.point.data()));
    SpatialT<S> wrench = wrench_at<S>(place, force);
    wrench.template head<3>() += moment;
    out[static_cast<std::size_t>(load.body)] += wrench;
  }
}

template void add_external<double>(std::span<const ExternalLoad>, double, const TreeWork<double>&, std::span<Spatial>);
template void add_external<Dual<4>>(std::span<const ExternalLoad>, double, const TreeWork<Dual<4>>&,
                                    std::span<SpatialT<Dual<4>>>);

}  // namespace psoas
