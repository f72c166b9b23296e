// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Muscle paths as MuJoCo's spatial tendons: the same points, spheres and cylinders on the same bodies.
//   const MujocoPaths paths(tree, all);   MujocoOracle oracle(tree, gravity, paths.more);   mj_tendon(…)
//   tendon i is path paths.path[i];   paths.left_out says which are not there, and why
// Needs PSOAS_HAVE_MUJOCO. MuJoCo passes a surface on the side of a site. prescribe() puts the site beside the line, on the
// side to which the turn leads that our side means in a pose; turn_about_z() finds that turn by angles alone. A site that
// stays on the direction of a side says nothing where the line passes in front of the axis far off: MuJoCo goes by the
// side of the line on which the site lies.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "psoas/path/path.hpp"
#include "support/mujoco_oracle.hpp"

namespace psoas::test {

/// The turn about z [rad] that a side means for a string from p to q over a cylinder; nothing for Side::shortest.
inline std::optional<double> turn_about_z(const Vec3& p, const Vec3& q, const Side& side) {
  if (side.rule == Side::shortest) return {};
  const double from = std::atan2(side.direction.y(), side.direction.x());
  const auto angle = [&](const Vec3& x) { return std::remainder(std::atan2(x.y(), x.x()) - from, 2.0 * pi); };
  const double turn = angle(q) - angle(p);
  if (side.rule == Side::clockwise && turn > 0.0) return turn - 2.0 * pi;
  if (side.rule == Side::counter_clockwise && turn < 0.0) return turn + 2.0 * pi;
  return turn;
}

class MujocoPaths {
 public:
  MjcfMore more;
  std::vector<int> path;  ///< of each tendon: which of the paths
  struct Missing {
    int path;
    std::string why;
  };
  std::vector<Missing> left_out;

  MujocoPaths(const Tree& tree, const std::vector<Path>& all) {
    more.of_body.resize(tree.bodies.size());
    std::string tendons;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (const std::string why = reason(all[i]); !why.empty()) {
        left_out.push_back({static_cast<int>(i), why});
      } else {
        tendons += tendon(all[i]);
        path.push_back(static_cast<int>(i));
      }
    }
    more.sections = "<tendon>" + tendons + "</tendon>";
  }

  /// Puts the sites of surfaces that have a side where the way round leads that it means in a pose.
  void prescribe(std::span<const Pose> X_GB, mjModel* model) const {
    for (const Turning& turning : turning_) {
      const PathWrap& wrap = *turning.wrap;
      const Pose X_SG = (X_GB[at(wrap.body)] * wrap.X_BS).inverse();
      const Vec3 p = X_SG * (X_GB[at(turning.from->body)] * turning.from->location),
                 q = X_SG * (X_GB[at(turning.to->body)] * turning.to->location);
      const double left =
          *turn_about_z(p, q, wrap.side) < 0.0 ? 1.0 : -1.0;  // clockwise leaves the surface to the right
      const Vec3 along = q - p;
      const Vec3 site = wrap.X_BS * Vec3(reach * left * Vec3(-along.y(), along.x(), 0.0).normalized());
      Eigen::Map<Vec3>(model->site_pos + 3 * mj_name2id(model, mjOBJ_SITE, turning.site.c_str())) = site;
    }
  }

 private:
  static constexpr double reach = 10.0;  // of sites beside surfaces, well outside all [m]
  struct Turning {
    std::string site;
    const PathWrap* wrap;
    const PathPoint *from, *to;
  };

  static std::string reason(const Path& one) {
    for (const PathPoint& point : one.points)
      if (point.coordinate >= 0) return "a conditional point";
    for (std::size_t k = 0; k + 1 < one.points.size(); ++k) {
      int surfaces = 0;
      for (const PathWrap& wrap : one.wraps) surfaces += covers(wrap, static_cast<int>(k));
      if (surfaces > 1) return "several surfaces on one span";
    }
    for (const PathWrap& wrap : one.wraps)
      if (!std::holds_alternative<Cylinder>(wrap.shape) && !std::holds_alternative<Sphere>(wrap.shape))
        return "a surface that is neither sphere nor cylinder";
      else if (std::holds_alternative<Sphere>(wrap.shape) && wrap.side.rule != Side::shortest)
        return "a sphere with a side";
    return "";
  }
  static bool covers(const PathWrap& wrap, int span) { return wrap.first <= span && span < wrap.last; }

  std::string site(int body, const Vec3& place) {
    const std::string name = "s" + std::to_string(sites_++);
    more.of_body[at(body)] += "<site name=\"" + name + "\"" + mjcf_numbers("pos", place) + "/>\n";
    return name;
  }

  std::string geom(const PathWrap& wrap) {
    const std::string name = "g" + std::to_string(geoms_++);
    std::string& out = more.of_body[at(wrap.body)];
    out += "<geom name=\"" + name + "\" contype=\"0\" conaffinity=\"0\"" + mjcf_numbers("pos", wrap.X_BS.p) +
           mjcf_quaternion(wrap.X_BS.R);
    if (const auto* sphere = std::get_if<Sphere>(&wrap.shape))
      out += " type=\"sphere\"" + mjcf_numbers("size", Eigen::Matrix<double, 1, 1>(sphere->radius));
    else
      out += " type=\"cylinder\"" + mjcf_numbers("size", Eigen::Vector2d(std::get<Cylinder>(wrap.shape).radius, 0.1));
    out += "/>\n";
    return name;
  }

  /// The site on the side that a surface is passed on, between two points.
  std::string side(const PathWrap& wrap, const PathPoint& from, const PathPoint& to) {
    if (wrap.side.rule == Side::shortest) return "";
    turning_.push_back({site(wrap.body, wrap.X_BS * Vec3(reach, 0, 0)), &wrap, &from, &to});
    return turning_.back().site;
  }

  std::string tendon(const Path& one) {
    std::vector<std::string> geoms;
    for (const PathWrap& wrap : one.wraps) geoms.push_back(geom(wrap));
    std::string out = "<spatial>";
    for (std::size_t k = 0; k < one.points.size(); ++k) {
      out += "<site site=\"" + site(one.points[k].body, one.points[k].location) + "\"/>";
      for (std::size_t w = 0; w < one.wraps.size(); ++w) {
        if (!covers(one.wraps[w], static_cast<int>(k))) continue;
        const std::string name = side(one.wraps[w], one.points[k], one.points[k + 1]);
        out += "<geom geom=\"" + geoms[w] + "\"" + (name.empty() ? "" : " sidesite=\"" + name + "\"") + "/>";
      }
    }
    return out + "</spatial>\n";
  }

  std::vector<Turning> turning_;
  int sites_ = 0, geoms_ = 0;
};

}  // namespace psoas::test
