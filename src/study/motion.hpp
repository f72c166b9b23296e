// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The working of a motion study, step by step. motion.cpp has the frames, motion_report.cpp what is said about them.
#pragma once

#include "psoas/core/spline.hpp"
#include "study/answer.hpp"
#include "study/external_loads.hpp"

namespace psoas {

/// What every frame knows before muscles are asked.
struct FrameInfo {
  double vertical_bw = 0.0;       ///< required vertical force [body weights]
  double ahead_of_heel = 0.0;     ///< centre of pressure in front of the mean heel [m]
  double support_distance = 0.0;  ///< centre of pressure outside the feet [m]
  double friction_demand = 0.0;   ///< horizontal over vertical required force [-]
  double seat = 0.0;              ///< factor on the seat's caps
};

/// Frames of one window and its events, as indices of frames.
struct WindowFrames {
  std::string name;
  int first = 0, last = 0;  ///< [first, last)
  int seat_off = 0, peak = 0;
  bool rises = false;  ///< leaves the seat; else seat_off is the last frame
};

/// What a variant gathers over its frames.
struct VariantRecord {
  explicit VariantRecord(const Model& model) : watch(model) {}

  double greatest_residual = 0.0;
  int unconverged = 0;
  std::vector<double> reserve_peak, moment_peak;         ///< per equation, magnitudes
  double force_shortfall = 0.0, moment_shortfall = 0.0;  ///< of the root equations [N], [N m]
  double residual_force = 0.0, residual_moment = 0.0;    ///< what nothing supplies, at the root's origin [N], [N m]
  double external_force = 0.0;                           ///< greatest force that the motion needs [N]
  PostureWatch watch;
  std::vector<int> saturated;              ///< per muscle: frames
  int most_saturated = 0;                  ///< muscles fully active at once
  double most_saturated_time = 0.0;        ///< when [s]
  std::vector<double> lowest_compression;  ///< per frame, at the lowest level [N]; empty: no levels
  std::vector<double> activation, length;  ///< per frame and muscle; only where they are integrated afterwards
};

class MotionRun {
 public:
  MotionRun(const Study& study, const MotionStudy& question, const RunOptions& options);
  Result run();

 private:
  // motion.cpp
  void trajectory();
  void measured_forces();
  void frames();
  void net(InverseSolver& solver, int frame) const;
  void explain(InverseSolver& solver, int frame) const;
  void solve(InverseSolver& solver, std::size_t variant, int frame);
  bool seated() const;
  InverseOptions inverse_options() const;
  double momentum_difference(const InverseSolver& solver) const;
  double support_distance(const InverseSolver& solver, const Vec3& cop) const;

  // motion_report.cpp
  static std::vector<std::string> default_outputs(const Model& model);
  void note_frame(const InverseSolver& solver, double time, VariantRecord& record) const;
  void reductions(const std::string& name, const std::string& unit, const std::vector<double>& values,
                  Block& block) const;
  void events();
  void ledgers(std::size_t variant, Block& block);
  void credibility(std::size_t variant, Block& block);
  void warnings(std::size_t variant, Block& block) const;
  void summarise(Result& result);
  void summary_lines(Result& result);
  void summary_notes(Result& result);
  static std::string inclination(const Model& model, std::size_t level);
  double mean_at(const std::vector<double>& values, std::size_t event) const;
  bool happens(std::size_t event) const;
  int instant(const WindowFrames& window, std::size_t event) const;

  // motion_integrate.cpp
  void integrate(Result& result);
  static std::vector<std::string> integrated_outputs(const Model& model);

  const Study& study_;
  const MotionStudy& question_;
  const RunOptions& options_;
  std::vector<Variant> variants_;
  std::vector<std::string> held_, unused_;
  std::vector<QuinticSpline> splines_;  ///< per independent coordinate
  double trunk_change_ = 0.0;           ///< greatest change of a trunk coordinate by the level product [rad]
  double floor_ = 0.0;                  ///< height of the floor [m]
  double momentum_error_ = 0.0;         ///< required force against m(a - g) body by body [body weights]
  std::vector<double> time_, q_, u_, udot_;
  std::vector<WindowFrames> windows_;
  std::vector<FrameInfo> frame_;
  std::vector<Spatial> measured_;      ///< per frame and body of the tree; empty: no forces were measured
  std::vector<double> contact_force_;  ///< per frame, three a contact
  std::vector<VariantRecord> records_;
  std::vector<SummaryLine> integrated_;
  /// Per variant, window and event (peak, seat-off, end): tendon and passive forces and unit loads.
  struct EventState {
    std::vector<double> tendon_force, passive, active;
    std::vector<std::vector<Vec3>> unit_load;  ///< per level, per muscle
    std::vector<LevelLoad> loads;
  };
  std::vector<std::vector<std::array<EventState, 3>>> events_;
};

}  // namespace psoas
