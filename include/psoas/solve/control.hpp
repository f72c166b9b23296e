// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What acts on a simulated model over time: excitations given or fed back, forces at coordinates, prescribed coordinates.
//   Signal burst({0.0, 0.2, 0.5}, {0.0, 1.0, 0.0}, Signal::Shape::steps);
//   options.open_loop.push_back({burst, model.select("group:iliopsoas_r")});
#pragma once

#include <span>
#include <vector>

#include "psoas/core/function.hpp"
#include "psoas/core/spline.hpp"

namespace psoas {

/// A quantity over time made of smooth pieces, held before its first and after its last instant. Evaluating does not
/// allocate.
class Signal {
 public:
  /// Between instants: each value until the next instant; straight lines; the natural quintic spline through all points.
  enum class Shape { steps, linear, spline };

  /// Throws Error(input): no instant, times that do not increase, as many values not, anything not finite; for a spline
  /// fewer than three.
  Signal(std::vector<double> time, std::vector<double> value, Shape shape);

  /// Instants [s] between which it is smooth.
  std::span<const double> corners() const { return corners_; }
  /// The smooth piece that holds `t`, at a corner the one that begins there.
  int piece(double t) const;
  /// Value and rates by the law of a piece, which goes on beyond the piece's ends.
  Jet2<double> jet(double t, int piece) const;
  Jet2<double> jet(double t) const { return jet(t, piece(t)); }
  double first_time() const { return time_.front(); }
  double last_time() const { return time_.back(); }

 private:
  std::vector<double> time_, value_, corners_;
  Shape shape_ = Shape::linear;
  std::vector<QuinticSpline> spline_;  // one, or none
};

/// Excitation of some muscles over time [-]; it replaces their constant one, and is held within [0, 1].
struct OpenLoop {
  Signal excitation;
  std::vector<int> muscles;
};

/// A stretch reflex of one muscle: adds to its excitation, `delay` later,
///   length_gain max(0, l/l0 - length_threshold) + velocity_gain max(0, dl/dt/l0 - velocity_threshold),
/// with l the length of its fibres, which spindles lie along. Before the start fibres were at rest at their first length.
struct StretchReflex {
  int muscle = 0;
  double delay = 0.03;              ///< [s], at least 1e-3
  double length_gain = 0.0;         ///< [-]
  double length_threshold = 1.0;    ///< [-]
  double velocity_gain = 0.0;       ///< [s]
  double velocity_threshold = 0.0;  ///< [1/s]
};

/// A generalised force at an independent coordinate over time [N m, N]: a motor, a helping hand. Its work is control work.
struct CoordinateForce {
  int coordinate = 0;
  Signal force;
};

/// An independent coordinate that follows a signal [rad, m] whatever it takes. The signal must be a spline that covers the
/// simulation, but for 1e-9 s, over which it goes on.
struct PrescribedCoordinate {
  int coordinate = 0;
  Signal value;
};

}  // namespace psoas
