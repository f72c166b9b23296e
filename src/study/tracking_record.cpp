// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/tracking_record.hpp"

#include <algorithm>
#include <cmath>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

double root_mean_square(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double x : values) sum += x * x;
  return values.empty() ? 0.0 : std::sqrt(sum / static_cast<double>(values.size()));
}

double greatest(const std::vector<double>& values) {
  double most = 0.0;
  for (const double x : values) most = std::max(most, std::abs(x));
  return most;
}

}  // namespace

TrackingRecord::TrackingRecord(const Model& model, const MotionTracker& tracker) : model_(model), tracker_(tracker) {
  for (int c = 0; c < model.coordinates(); ++c) {
    if (tracker.followed()[at(c)]) followed_.push_back(c);
    if (tracker.driven()[at(c)]) driven_.push_back(c);
  }
  error_.resize(followed_.size());
  reserve_ = moment_ = error_;
  drive_.resize(driven_.size());
  reserve_squares_.assign(followed_.size(), 0.0);
  greatest_reserve_ = reserve_squares_;
}

SampledControl TrackingRecord::watched(SampledControl control) {
  const auto act = [this, inner = std::move(control.act)](const ForwardDynamics& now, std::span<double> excitation,
                                                          std::span<double> force) {
    inner(now, excitation, force);
    ++instants_;
    for (std::size_t k = 0; k < followed_.size(); ++k) {
      const double reserve = tracker_.reserve()[at(followed_[k])];
      reserve_squares_[k] += reserve * reserve;
      greatest_reserve_[k] = std::max(greatest_reserve_[k], std::abs(reserve));
    }
    greatest_shortfall_ = std::max(greatest_shortfall_, tracker_.shortfall());
    residual_ = std::max(residual_, tracker_.residual());
  };
  return {control.interval, act};
}

void TrackingRecord::see(const State& now, const ForwardDynamics& dynamics, const InverseSolver& loads) {
  for (std::size_t k = 0; k < followed_.size(); ++k) {
    const int c = followed_[k];
    error_[k].push_back(now.q()[at(c)] - tracker_.motion().jet(c, now.time).value);
    reserve_[k].push_back(dynamics.sampled_force()[at(c)]);
    moment_[k].push_back(loads.joint_moment(c));
  }
  for (std::size_t k = 0; k < driven_.size(); ++k) drive_[k].push_back(dynamics.sampled_force()[at(driven_[k])]);
  shortfall_.push_back(tracker_.shortfall());
}

void TrackingRecord::tell(Block& block) const {
  const ModelData& data = model_.data();
  const auto is_root = [&](int c) { return std::find(data.root.begin(), data.root.end(), c) != data.root.end(); };
  // the joint's peak moment: the greatest of its rotations, and at least 20 N m, as for a motion
  std::vector<double> joint_peak(data.tree.bodies.size(), 20.0);
  const auto body_of = [&](int c) { return moved_body(data, c); };
  for (std::size_t k = 0; k < followed_.size(); ++k)
    if (const int c = followed_[k]; data.is_rotation[at(c)] && !is_root(c))
      joint_peak[body_of(c)] = std::max(joint_peak[body_of(c)], greatest(moment_[k]));

  ResultTable& table = block.tables["tracking"];
  table.description = "how coordinates follow the motion, and what muscles left to reserves";
  table.columns = {{"rms_error", "rad or m"},
                   {"greatest_error", "rad or m"},
                   {"rms_reserve", "N m or N"},
                   {"greatest_reserve", "N m or N"},
                   {"greatest_moment", "N m or N"}};
  double angle = 0.0, angle_greatest = 0.0, reserve = 0.0, share = 0.0;
  std::string worst_angle, worst_reserve, worst_share;
  std::vector<double> away(block.axis_values.size(), 0.0);
  for (std::size_t k = 0; k < followed_.size(); ++k) {
    const int c = followed_[k];
    const std::string& name = data.coordinate_names[at(c)];
    const bool rotation = data.is_rotation[at(c)];
    const double rms = root_mean_square(error_[k]), most = greatest(error_[k]);
    block.series["tracking_error/" + name] = {rotation ? "rad" : "m", error_[k]};
    block.scalars["rms tracking_error/" + name] = {rms, rotation ? "rad" : "m"};
    block.scalars["greatest tracking_error/" + name] = {most, rotation ? "rad" : "m"};
    if (is_root(c) && !rotation)
      for (std::size_t i = 0; i < away.size(); ++i) away[i] += error_[k][i] * error_[k][i];
    if (rotation && rms > angle) angle = rms, worst_angle = name;
    if (rotation) angle_greatest = std::max(angle_greatest, most);
    if (is_root(c)) {  // nothing drives it
      table.labels.push_back(name);
      table.rows.push_back({rms, most, 0.0, 0.0, 0.0});
      continue;
    }
    block.series["reserve/" + name] = {rotation ? "N m" : "N", reserve_[k]};
    const double rms_reserve = std::sqrt(reserve_squares_[k] / std::max(instants_, 1)),
                 most_reserve = greatest_reserve_[k];
    block.scalars["rms reserve/" + name] = {rms_reserve, rotation ? "N m" : "N"};
    block.scalars["greatest reserve/" + name] = {most_reserve, rotation ? "N m" : "N"};
    table.labels.push_back(name);
    table.rows.push_back({rms, most, rms_reserve, most_reserve, greatest(moment_[k])});
    if (!rotation) continue;
    if (rms_reserve > reserve) reserve = rms_reserve, worst_reserve = name;
    if (const double one = most_reserve / joint_peak[body_of(c)]; one > share) share = one, worst_share = name;
  }
  for (std::size_t k = 0; k < driven_.size(); ++k) {
    const std::size_t c = at(driven_[k]);
    block.series["driving_force/" + data.coordinate_names[c]] = {data.is_rotation[c] ? "N m" : "N", drive_[k]};
    if (const std::size_t body = body_of(driven_[k]); data.tree.bodies[body].parent == 0)
      block.warnings.push_back(
          "Coordinate " + data.coordinate_names[c] +
          " moves a body on ground and no muscle crosses it: it is moved by a motor (driving_force), "
          "for its joint is not one of six free coordinates.");
  }
  for (double& x : away) x = std::sqrt(x);
  const bool root = std::any_of(followed_.begin(), followed_.end(), [&](int c) { return is_root(c); });
  block.scalars["greatest rms tracking_error of an angle"] = {angle, "rad"};
  block.scalars["greatest tracking_error of an angle"] = {angle_greatest, "rad"};
  block.scalars["greatest rms reserve"] = {reserve, "N m"};
  block.scalars["greatest reserve over the joint's peak moment"] = {share, "1"};
  const auto line = [&](const std::string& name, double value, double limit, const std::string& unit,
                        const std::string& source, const std::string& note) {
    block.credibility.push_back({name, unit, source, note, value, limit, value <= limit});
  };
  const std::string source = "psoas: docs/dynamics.md, following a motion";
  line("tracking: root mean square error of an angle, worst", to_degrees(angle), 2.0, "deg", source, worst_angle);
  if (root) {
    const double position = root_mean_square(away);
    block.scalars["rms tracking_error of the root's position"] = {position, "m"};
    block.scalars["greatest tracking_error of the root's position"] = {greatest(away), "m"};
    line("tracking: root mean square error of the root's position", 1e3 * position, 10.0, "mm", source, "");
    block.series["root_acceleration_missed"] = {"1", shortfall_};
    block.scalars["peak root_acceleration_missed"] = {greatest_shortfall_, "1"};
  }
  line("tracking: root mean square reserve, worst", reserve, 2.0, "N m", source, worst_reserve);
  line("tracking: reserve over the joint's peak moment, worst", share, 0.05, "1", "Hicks et al. 2015", worst_share);
  line("tracking: start, step that the settled pose is still to take", tracker_.unsettled(), 1e-4, "rad or m", source,
       tracker_.unsettled() <= 1e-4 ? "" : "muscles and contacts do not explain the first instant");
  line("tracking: redundancy residual", residual_, 1e-6, "1", "psoas: moment error, bounds and stationarity", "");
}

bool TrackingRecord::is_own(const std::string& series) {
  for (const char* start : {"tracking_error/", "reserve/", "driving_force/", "root_acceleration_missed"})
    if (series.rfind(start, 0) == 0) return true;
  return false;
}

std::vector<SummaryLine> TrackingRecord::summary(const Result& result) {
  std::vector<SummaryLine> lines;
  const Named<Scalar>& first = result.blocks.begin()->second.scalars;
  if (!first.find("greatest rms reserve")) return lines;
  const auto add = [&](const std::string& label, const std::string& scalar, double factor, const std::string& unit,
                       int decimals, const std::string& note) {
    if (!first.find(scalar)) return;
    SummaryLine line{label, unit, note, {}, decimals};
    for (const auto& [variant, block] : result.blocks) {
      const Scalar* found = block.scalars.find(scalar);
      line.values.push_back(found ? factor * found->value : std::nan(""));
    }
    lines.push_back(std::move(line));
  };
  lines.push_back({"following the motion", "", "", {}, 1});
  add("  worst angle, rms error", "greatest rms tracking_error of an angle", to_degrees(1.0), "deg", 2, "");
  add("  greatest error of any angle", "greatest tracking_error of an angle", to_degrees(1.0), "deg", 2, "");
  add("  root's position, rms error", "rms tracking_error of the root's position", 1e3, "mm", 1, "");
  add("  root's position, greatest error", "greatest tracking_error of the root's position", 1e3, "mm", 1, "");
  add("  worst reserve, rms", "greatest rms reserve", 1.0, "N·m", 2, "what muscles leave to a motor at the joint");
  add("  worst reserve over its joint's peak moment", "greatest reserve over the joint's peak moment", 1e2, "%", 1, "");
  add("  acceleration of the root, wished and not given, peak", "peak root_acceleration_missed", 1.0, "g", 3,
      "feedback of its error, for which contacts have no force");
  return lines;
}

}  // namespace psoas
