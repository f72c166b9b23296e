// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The working of a motion study, step by step. motion.cpp has the frames, motion_report.cpp what is said about them.
#pragma once

#include "study/answer.hpp"
#include "study/external_loads.hpp"

namespace psoas {

/// What a variant gathers over its frames.
struct VariantRecord {
  VariantRecord(const Model& model, std::span<const Equation> equations);

  double greatest_residual = 0.0;
  int unconverged = 0;
  std::vector<double> reserve_peak, moment_peak;         ///< per equation, magnitudes
  std::vector<std::array<int, 3>> level_rows;            ///< per level: equations of its rotations, or -1
  double mass_center_height = -inf;                      ///< the greatest [m]
  double force_shortfall = 0.0, moment_shortfall = 0.0;  ///< of the root equations [N], [N m]
  double residual_force = 0.0, residual_moment = 0.0;    ///< what nothing supplies, at the root's origin [N], [N m]
  double external_force = 0.0;                           ///< greatest force that the motion needs [N]
  PostureWatch watch;
  std::vector<int> saturated;              ///< per muscle: frames
  int most_saturated = 0;                  ///< muscles fully active at once
  double most_saturated_time = 0.0;        ///< when [s]
  std::vector<double> lowest_compression;  ///< per frame, at the lowest level [N]; empty: no levels
  std::vector<double> activation, length;  ///< per frame and muscle; only where they are integrated afterwards
  std::vector<std::array<std::vector<double>, 3>> tendon_force;  ///< per window, event and muscle [N]
};

class MotionRun {
 public:
  MotionRun(const Study& study, const MotionStudy& question, const RunOptions& options);
  Result run();

 private:
  // motion.cpp
  std::shared_ptr<const Trajectory> find_trajectory() const;
  void make_trajectory(Trajectory& out) const;
  void find_demand();
  void measured_forces();
  void frames();
  std::vector<std::shared_ptr<FrameNumbers>> find_paths() const;
  std::shared_ptr<FrameNumbers> find_rows(std::size_t variant, const InverseSolver& solver) const;
  void net(InverseSolver& solver, std::size_t variant, int frame) const;
  void explain(InverseSolver& solver, int frame, std::span<const double> start) const;
  void solve(InverseSolver& solver, std::size_t variant, int frame);
  void solve_all(std::size_t variant, const std::vector<std::string>& patterns, Block& block);
  std::optional<Bytes> answer_key(std::size_t variant, const std::vector<std::string>& patterns) const;
  bool seated() const;
  InverseOptions inverse_options() const;
  double momentum_difference(const InverseSolver& solver) const;
  double support_distance(const InverseSolver& solver, const Vec3& cop) const;

  // motion_report.cpp
  static std::vector<std::string> default_outputs(const Model& model);
  void note_frame(const InverseSolver& solver, double time, VariantRecord& record) const;
  void find_event(const InverseSolver& solver, std::size_t variant, int frame, VariantRecord& record);
  void reductions(const std::string& name, const std::string& unit, const std::vector<double>& values,
                  Block& block) const;
  void events();
  void ledgers(std::size_t variant, Block& block);
  void credibility(std::size_t variant, Block& block);
  void warnings(std::size_t variant, Block& block) const;
  void summarise(Result& result);
  void summary_lines(const std::vector<SummaryLine>& shifts, Result& result);
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
  StudyMemory::Impl& memory_;
  const std::vector<Variant> variants_;
  const std::shared_ptr<const Trajectory> trajectory_;
  const std::vector<double>&time_, &q_, &u_, &udot_;
  /// Per variant: paths of the frames at which they were evaluated. Null: too many to keep.
  const std::vector<std::shared_ptr<FrameNumbers>> paths_;
  std::shared_ptr<Demand> demand_;
  std::vector<WindowFrames> windows_;
  /// The same of rows, InverseSolver::keep_rows(), the first variant's with contacts.
  std::vector<std::shared_ptr<FrameNumbers>> frame_rows_;
  std::vector<double> contact_force_;            ///< per frame, three a contact
  std::vector<std::vector<double>> multiplier_;  ///< per variant: frames x equations, of the frames solved so far
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
