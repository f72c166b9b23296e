// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Computed muscle control: a simulation that follows a recorded motion by muscles alone (Thelen & Anderson 2006).
//   MotionTracker controller(model, options, {}, splines);   const State start = controller.start(0.0);
//   options.sampled = controller.sampled();   simulate(model, start, options, observe);
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "psoas/core/spline.hpp"
#include "psoas/solve/forward.hpp"
#include "psoas/solve/inverse.hpp"

namespace psoas {

/// How a motion is followed.
struct TrackingOptions {
  double interval = 0.01;  ///< between the controller's instants [s]
  double lead = 0.02;  ///< in which muscles are led to their forces [s], at least an interval; at one, excitations ring
  double frequency = 15.0;  ///< omega of the errors' law, e'' + 2 omega e' + omega^2 e = 0 [rad/s]
  double horizon = 0.03;    ///< how far ahead contacts are seen to give way [s]; feet settle on their soles in less
  double stiffness = 0.3;  ///< cost of accelerations that are not as wished: of 1 (rad/s^2)^2 kg m^2, of 1 (m/s^2)^2 kg
  InverseOptions redundancy;  ///< of muscles, reserves and levels
};

/// A reference for independent coordinates over time: splines, held at their ends.
class TrackedMotion {
 public:
  /// One spline for each independent coordinate [rad, m]. Throws Error(input) where there are not as many.
  TrackedMotion(const Model& model, std::vector<QuinticSpline> coordinates);
  Jet2<double> jet(int coordinate, double t) const;
  double first_time() const { return first_; }
  double last_time() const { return last_; }
  /// Adds to a coordinate for all times.
  void shift(int coordinate, double by) { shift_[static_cast<std::size_t>(coordinate)] += by; }

 private:
  std::vector<QuinticSpline> coordinates_;
  std::vector<double> shift_;
  double first_ = 0.0, last_ = 0.0;
};

/// The controller. At each of its instants it
///   - wishes accelerations of every coordinate that moves, the root's too,
///       u'* = u'_ref(t + lead) + 2 omega (u_ref - u) + omega^2 (q_ref - q);
///   - finds between which forces each muscle can be after `lead`, with no and with full excitation (activation
///     dynamics; fibres of compliant tendons by their linearised balance along the path's present speed);
///   - moves the body on to the end of `lead`, where these forces will act;
///   - solves the redundancy problem of InverseSolver for muscle forces in these ranges. The root has no actuator:
///     accelerations give way, at a cost in the metric of inertia, after Gauss:
///       (u' - u'*)^T (M + 0.05 kg m^2 of each rotation) (u' - u'*);
///     contact forces are what planes do there, and give way to accelerations as over `horizon` by one linearly implicit
///     step, so that light feet on stiff soles are seen as settled and a soft seat as it is;
///   - sets the excitations that lead to these forces there, and are thought over again an interval later, and reserves
///     as forces at coordinates.
/// Coordinates that no muscle crosses (arms, in a model of legs and trunk) are moved by forces at them, as motors would.
/// Sources: Thelen & Anderson 2006 (J Biomech 39:1107) for computed muscle control. Allocates when made, never after.
class MotionTracker {
 public:
  /// `simulation` says what is locked and prescribed and which loads act. Throws Error(input) for options out of range.
  MotionTracker(const Model& model, const SimulationOptions& simulation, const TrackingOptions& options,
                TrackedMotion reference);
  ~MotionTracker();
  MotionTracker(MotionTracker&&) noexcept;

  /// The state from which to start at time t: the reference's pose and speeds, moved by what planes must be pressed to
  /// carry the motion; activations that explain it, and fibres in balance under them. The vertical part of the root's
  /// displacement is added to the reference for all times.
  State start(double t);
  /// The greatest step [rad, m] that the pose of the last start() was still to take where its search ended; 1e-5 and
  /// below where it came to its end.
  double unsettled() const;

  /// What a simulation calls; refers to this controller.
  SampledControl sampled();
  /// One instant.
  void act(const ForwardDynamics& now, std::span<double> excitation, std::span<double> force);

  const TrackedMotion& motion() const;
  /// Per independent coordinate: followed by muscles; else locked, prescribed, or moved by a force at it.
  std::span<const char> followed() const;
  std::span<const char> driven() const;  ///< per independent coordinate: moved by a force at it

  // --- the last instant ---
  std::span<const double> reserve() const;  ///< per independent coordinate [N m, N]; 0 where not followed
  /// Acceleration of the root's translation that was wished, feedback of its error included, and could not be given, over
  /// that of weight [-].
  double shortfall() const;
  double residual() const;  ///< of the redundancy problem's solution

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace psoas
