// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Draws the pictures of docs/paths.md, docs/impingement.md and docs/dynamics.md from the library itself.
//   psoas_figures docs/figures models            writes those of paths and hip
//   psoas_figures --check docs/figures models    fails where a file is not what would be written
//   psoas_figures --rise docs/figures examples/sit_to_stand/forward.json    runs the study and draws what comes of it
#include <fmt/format.h>

#include <Eigen/SVD>
#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "psoas/core/error.hpp"
#include "psoas/core/units.hpp"
#include "psoas/io/file.hpp"
#include "psoas/model/model.hpp"
#include "psoas/path/path.hpp"
#include "psoas/skeleton/hip_shape.hpp"
#include "psoas/study/study.hpp"

namespace psoas {
namespace {

using Vec2 = Eigen::Vector2d;

constexpr const char *blue = "#0072B2", *orange = "#D55E00", *green = "#009E73", *purple = "#CC79A7", *ink = "#222222",
                     *bone = "#e9e2d0", *bone_edge = "#b5a98a", *wall = "#d9e6ee", *wall_edge = "#8fa9b8";

/// A picture of several panels, in pixels; in each panel things are drawn as seen from afar along one direction.
class Picture {
 public:
  Picture(double width, double height) : width_(width), height_(height) {}

  /// What follows is seen with `right` and `up` along the page, `centre` [m] at (x, y) [px], `scale` [px/m].
  void look(const Vec3& right, const Vec3& up, const Vec3& centre, double x, double y, double scale) {
    right_ = right.normalized();
    up_ = up.normalized();
    centre_ = centre;
    place_ = {x, y};
    scale_ = scale;
  }
  Vec2 at(const Vec3& p) const { return place_ + scale_ * Vec2(right_.dot(p - centre_), -up_.dot(p - centre_)); }

  void line(const std::vector<Vec3>& points, const char* colour, double width, const char* dashes = "") {
    body_ += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}/>\n", list(points),
                         colour, width, *dashes ? fmt::format(" stroke-dasharray=\"{}\"", dashes) : "");
  }
  void dot(const Vec3& p, const char* colour, double radius = 3.0) {
    const Vec2 c = at(p);
    body_ += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{}\" fill=\"{}\"/>\n", c.x(), c.y(), radius, colour);
  }
  /// The convex outline of some places.
  void outline(const std::vector<Vec3>& points, const char* fill, const char* edge, double opacity = 1.0) {
    std::vector<Vec2> flat;
    for (const Vec3& p : points) flat.push_back(at(p));
    polygon(hull(flat), fill, edge, opacity);
  }
  void ball(const Vec3& centre, const Mat3& half_axes, const char* fill, const char* edge, double opacity = 1.0) {
    Eigen::Matrix<double, 2, 3> M;
    M.row(0) = right_.transpose() * half_axes;
    M.row(1) = -up_.transpose() * half_axes;
    const Eigen::Matrix2d C = M * M.transpose();
    std::vector<Vec2> rim;
    for (int i = 0; i < 72; ++i) {
      const double a = 2.0 * pi * i / 72.0;
      const Vec2 n(std::cos(a), std::sin(a));
      rim.push_back(at(centre) + scale_ * Vec2(C * n / std::sqrt(n.dot(C * n))));
    }
    polygon(rim, fill, edge, opacity);
  }
  void text(const Vec2& place, const std::string& words, double size = 13.0, const char* anchor = "middle",
            const char* weight = "normal", const char* colour = ink) {
    body_ += fmt::format(
        "<text x=\"{:.2f}\" y=\"{:.2f}\" font-size=\"{}\" text-anchor=\"{}\" font-weight=\"{}\" "
        "fill=\"{}\">{}</text>\n",
        place.x(), place.y(), size, anchor, weight, colour, words);
  }
  void stroke(const Vec2& a, const Vec2& b, const char* colour, double width) {
    body_ += fmt::format(
        "<line x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\" stroke=\"{}\" stroke-width=\"{}\"/>\n", a.x(),
        a.y(), b.x(), b.y(), colour, width);
  }

  std::string svg() const {
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
               "font-family=\"sans-serif\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n"
               "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
               width_, height_) +
           body_ + "</svg>\n";
  }

 private:
  std::string list(const std::vector<Vec3>& points) const {
    std::string out;
    for (const Vec3& p : points) {
      const Vec2 c = at(p);
      out += fmt::format("{}{:.2f},{:.2f}", out.empty() ? "" : " ", c.x(), c.y());
    }
    return out;
  }
  void polygon(const std::vector<Vec2>& points, const char* fill, const char* edge, double opacity) {
    std::string list;
    for (const Vec2& c : points) list += fmt::format("{}{:.2f},{:.2f}", list.empty() ? "" : " ", c.x(), c.y());
    body_ += fmt::format("<polygon points=\"{}\" fill=\"{}\" fill-opacity=\"{}\" stroke=\"{}\" stroke-width=\"1\"/>\n",
                         list, fill, opacity, edge);
  }
  static std::vector<Vec2> hull(std::vector<Vec2> points) {
    const auto turn = [](const Vec2& a, const Vec2& b, const Vec2& c) {
      return (b.x() - a.x()) * (c.y() - a.y()) - (b.y() - a.y()) * (c.x() - a.x());
    };
    std::sort(points.begin(), points.end(),
              [](const Vec2& a, const Vec2& b) { return a.x() < b.x() || (a.x() == b.x() && a.y() < b.y()); });
    std::vector<Vec2> out;
    for (int way = 0; way < 2; ++way) {
      const std::size_t start = out.size();
      for (const Vec2& p : points) {
        while (out.size() >= start + 2 && turn(out[out.size() - 2], out.back(), p) <= 0.0) out.pop_back();
        out.push_back(p);
      }
      out.pop_back();
      std::reverse(points.begin(), points.end());
    }
    return out;
  }

  double width_, height_, scale_ = 1.0;
  Vec3 right_{1, 0, 0}, up_{0, 1, 0}, centre_{0, 0, 0};
  Vec2 place_{0, 0};
  std::string body_;
};

std::vector<Vec3> circle(const Pose& X, double radius, double z) {
  std::vector<Vec3> out;
  for (int i = 0; i <= 48; ++i) {
    const double a = 2.0 * pi * i / 48.0;
    out.push_back(X * Vec3(radius * std::cos(a), radius * std::sin(a), z));
  }
  return out;
}

void draw(Picture& picture, const Cylinder& shape, const Pose& X, double half) {
  std::vector<Vec3> rim = circle(X, shape.radius, half);
  const std::vector<Vec3> other = circle(X, shape.radius, -half);
  std::vector<Vec3> both = rim;
  both.insert(both.end(), other.begin(), other.end());
  picture.outline(both, wall, wall_edge, 0.75);
  picture.line(rim, wall_edge, 1.0);
}
void draw(Picture& picture, const Sphere& shape, const Pose& X, double) {
  picture.ball(X.p, Mat3::Identity() * shape.radius, wall, wall_edge, 0.75);
}
void draw(Picture& picture, const Ellipsoid& shape, const Pose& X, double) {
  picture.ball(X.p, X.R * shape.radii.asDiagonal(), wall, wall_edge, 0.75);
}

void draw(Picture& picture, const Torus& shape, const Pose& X, double) {
  // parallels and meridians: a ring seen from anywhere
  for (int i = 0; i < 12; ++i) {
    const double a = 2.0 * pi * i / 12.0;
    std::vector<Vec3> parallel, meridian;
    for (int k = 0; k <= 48; ++k) {
      const double b = 2.0 * pi * k / 48.0;
      const auto place = [&](double round, double about) {
        const double rho = shape.radius - shape.tube_radius * std::cos(about);
        return X * Vec3(rho * std::cos(round), rho * std::sin(round), shape.tube_radius * std::sin(about));
      };
      parallel.push_back(place(b, a));
      meridian.push_back(place(a, b));
    }
    picture.line(parallel, wall_edge, 0.6);
    picture.line(meridian, wall_edge, 0.6);
  }
}

std::vector<TracePoint> traced(const Path& path, const std::vector<Pose>& X_GB, const std::vector<double>& q = {}) {
  std::vector<TracePoint> out;
  trace_path(path, X_GB, q, 0.001, out);
  return out;
}

/// Straight parts thin, parts on a surface thick.
void draw(Picture& picture, const std::vector<TracePoint>& trace, const char* colour, double width) {
  std::vector<Vec3> whole, on;
  int wrap = -1;
  for (const TracePoint& p : trace) {
    whole.push_back(p.place);
    if (p.wrap != wrap && on.size() > 1) picture.line(on, colour, 2.2 * width);
    if (p.wrap != wrap) on.clear();
    if (p.wrap >= 0) on.push_back(p.place);
    wrap = p.wrap;
  }
  picture.line(whole, colour, width);
}

// ---- wrapping ----

/// Which way round a cylinder, seen along its axis.
std::string sides() {
  struct Panel {
    const char* title;
    Side side;
    const char* below;
  };
  const Vec3 up(-0.5, 1, 0), ahead(1, 0.05, 0);
  const std::array<Panel, 5> panels = {
      {{"shortest", Side::shortest, "only where the line would cut"},
       {"clockwise", Side::clockwise, "about +z, towards the reader"},
       {"counter_clockwise", Side::counter_clockwise, "about +z"},
       {"toward [-0.5, 1, 0]", Side::toward(up), "not through the dashed half-plane"},
       {"toward [1, 0.05, 0]", Side::toward(ahead), "not through the dashed half-plane"}}};
  Picture picture(1100, 270);
  for (std::size_t k = 0; k < panels.size(); ++k) {
    const double x = 110.0 + 220.0 * static_cast<double>(k);
    picture.look({1, 0, 0}, {0, 1, 0}, {0, 0, 0}, x, 135, 900);
    const Cylinder shape{0.035};
    draw(picture, shape, Pose{}, 0.0);
    if (const Vec3& d = panels[k].side.direction; !d.isZero()) {
      const Vec3 out = d.normalized();
      picture.line({Vec3(-0.037 * out), Vec3(-0.1 * out)}, ink, 1.2, "5 4");
      picture.line({Vec3(0, 0, 0), Vec3(0.8 * shape.radius * out)}, ink, 1.8);
      picture.dot(0.8 * shape.radius * out, ink);
    }
    const Vec3 from(-0.095, -0.02, 0);
    const std::array<const char*, 4> colours = {blue, orange, green, purple};
    for (std::size_t i = 0; i < colours.size(); ++i) {
      Path path;
      const bool round = k + 1 == panels.size();  // ends all round the cylinder
      const double turn = degrees(-20.0 + 60.0 * static_cast<double>(i));
      const Vec3 to = round ? Vec3(0.095 * std::cos(turn), 0.095 * std::sin(turn), 0)
                            : Vec3(0.095, 0.075 - 0.045 * static_cast<double>(i), 0);
      path.points = {{0, from}, {0, to}};
      path.wraps = {{0, Pose{}, shape, 0, 1, panels[k].side}};
      path.finish();
      draw(picture, traced(path, {Pose{}}), colours[i], 1.8);
      picture.dot(to, colours[i]);
    }
    picture.dot(from, ink);
    picture.text({x, 24}, panels[k].title, 14, "middle", "bold");
    picture.text({x, 256}, panels[k].below, 11);
  }
  return picture.svg();
}

/// The kinds of surface, and two on one span, seen obliquely.
std::string surfaces() {
  Picture picture(1100, 250);
  const Vec3 right = Vec3(1, 0, -0.35).normalized(), up = Vec3(0.12, 1, 0.3);
  const Vec3 level = (up - right * right.dot(up)).normalized();
  const auto panel = [&](int place, const char* title, const std::vector<PathWrap>& wraps, const Vec3& p,
                         const Vec3& q) {
    const double x = 110.0 + 220.0 * place;
    picture.look(right, level, {0, 0, 0}, x, 130, 950);
    Path path;
    path.points = {{0, p}, {0, q}};
    path.wraps = wraps;
    path.finish();
    for (const PathWrap& wrap : wraps)
      std::visit([&](const auto& shape) { draw(picture, shape, wrap.X_BS, 0.05); }, wrap.shape);
    draw(picture, traced(path, {Pose{}}), orange, 1.6);
    picture.dot(p, ink);
    picture.dot(q, ink);
    picture.text({x, 24}, title, 14, "middle", "bold");
  };
  const Vec3 p(-0.08, -0.05, 0.04), q(0.08, -0.05, -0.04);
  panel(0, "cylinder: helix", {{0, Pose{}, Cylinder{0.035}, 0, 1, Side::clockwise}}, p, q);
  panel(1, "sphere: great circle", {{0, Pose{}, Sphere{0.042}, 0, 1, Side::shortest}}, Vec3(-0.08, -0.01, 0.04),
        Vec3(0.08, 0.01, 0.0));
  panel(
      2, "ellipsoid: geodesic",
      {{0, Pose{rotation_xyz({0.3, 0.2, 0.5}), {0, -0.012, 0}}, Ellipsoid{{0.05, 0.026, 0.04}}, 0, 1, Side::shortest}},
      Vec3(-0.085, -0.035, 0.03), Vec3(0.085, 0.01, -0.03));
  panel(3, "torus: through a ring",
        {{0, Pose{rotation_xyz({0.15, 1.1, 0}), {0, -0.01, 0}}, Torus{0.034, 0.009}, 0, 1, Side::shortest}},
        Vec3(-0.085, 0.03, 0.03), Vec3(0.085, 0.045, -0.03));
  panel(4, "two surfaces, one string",
        {{0, Pose{rotation_xyz({0.2, 0.3, 0}), {-0.03, 0.0, 0}}, Cylinder{0.024}, 0, 1, Side::clockwise},
         {0, Pose{rotation_xyz({-0.2, -0.2, 0}), {0.034, -0.02, 0}}, Cylinder{0.022}, 0, 1, Side::counter_clockwise}},
        Vec3(-0.09, -0.04, 0.02), Vec3(0.095, 0.05, -0.02));
  return picture.svg();
}

// ---- the iliopsoas ----

/// A vertebral body: between the joint centres below and above, as wide and deep as Panjabi et al. 1992 (Spine 17:299).
struct Vertebra {
  const char* body;
  const char* above;  // body whose joint is the upper disc
  double width, depth;
};
constexpr std::array<Vertebra, 5> vertebrae = {{{"L5", "L4", 0.048, 0.034},
                                                {"L4", "L3", 0.048, 0.0345},
                                                {"L3", "L2", 0.046, 0.035},
                                                {"L2", "L1", 0.044, 0.035},
                                                {"L1", "thorax", 0.042, 0.0345}}};

void draw_bones(Picture& picture, const Model& model, const Workspace& work) {
  const auto pose = [&](const char* name) { return work.tree.X_GB[static_cast<std::size_t>(model.body(name))]; };
  std::vector<Vec3> pelvis;
  for (const auto& [name, muscle] : model.spec().muscles)
    for (const PointSpec& point : muscle.path)
      if (point.body == "pelvis" && point.location.y() < 0.08) pelvis.push_back(pose("pelvis") * point.location);
  picture.outline(pelvis, bone, bone_edge, 0.6);
  for (const Vertebra& v : vertebrae) {
    const Pose X = pose(v.body);
    const TreeBody& above = model.tree().bodies[static_cast<std::size_t>(model.body(v.above))];
    const TreeBody& self = model.tree().bodies[static_cast<std::size_t>(model.body(v.body))];
    const Vec3 low = self.X_MB.inverse().p, high = above.X_PF.p, axis = high - low;
    const Vec3 forward = axis.cross(Vec3::UnitZ()).normalized();
    std::vector<Vec3> rims;
    for (const double t : {0.14, 0.86})
      for (int i = 0; i < 32; ++i) {
        const double a = 2.0 * pi * i / 32.0;
        rims.push_back(X * Vec3(low + t * axis + 0.5 * v.depth * std::cos(a) * forward +
                                0.5 * v.width * std::sin(a) * Vec3::UnitZ()));
      }
    picture.outline(rims, bone, bone_edge, 1.0);
  }
  const Pose femur = pose("femur_r");
  const std::vector<Vec3> shaft = {femur.p, femur * Vec3(-0.012, -0.03, 0.045), femur * Vec3(0.0, -0.15, 0.035)};
  picture.line(shaft, bone_edge, 27.0);
  picture.line(shaft, bone, 25.0);
  picture.ball(femur.p, Mat3::Identity() * 0.024, bone, bone_edge);
}

std::string iliopsoas(const std::string& models) {
  const Model model = Model::load(models + "/full_body.json");
  Workspace work(model);
  const std::array<double, 3> angles = {-20.0, 45.0, 110.0};
  Picture picture(900, 890);
  const double scale = 800.0;
  for (std::size_t k = 0; k < angles.size(); ++k) {
    State state = model.default_state();
    model.set(state, "hip_flexion_r", degrees(angles[k]));
    evaluate(model, state, work, Depth::position);
    const double x = 150.0 + 300.0 * static_cast<double>(k);
    const Vec3 centre = work.tree.X_GB[static_cast<std::size_t>(model.body("pelvis"))].p;
    for (const bool front : {true, false}) {
      const double y = front ? 230.0 : 640.0;
      if (front)
        picture.look({0, 0, -1}, {0, 1, 0}, centre + Vec3(0, 0.02, 0.03), x, y, scale);
      else
        picture.look({1, 0, 0}, {0, 1, 0}, centre + Vec3(-0.03, 0.02, 0), x, y, scale);
      draw_bones(picture, model, work);
      for (const char* group : {"group:iliacus_r", "group:psoas_r"})
        for (const int m : model.select(group))
          draw(picture, traced(model.data().paths[static_cast<std::size_t>(m)], work.tree.X_GB, work.q),
               std::string(group) == "group:psoas_r" ? blue : orange, 1.3);
      if (k == 0) picture.text({16, y - 175}, front ? "from the front" : "from the right", 13, "start", "bold");
    }
    picture.text({x, 26}, fmt::format("hip flexion {:.0f}°", angles[k]), 15, "middle", "bold");
  }
  picture.text({16, 880}, "psoas", 13, "start", "bold", blue);
  picture.text({66, 880}, "iliacus", 13, "start", "bold", orange);
  picture.text({130, 880}, "thick: on a surface", 13, "start");
  picture.stroke({700, 876}, {700 + 0.1 * scale, 876}, ink, 2);
  picture.text({700 + 0.12 * scale, 880}, "100 mm", 13, "start");
  return picture.svg();
}

/// Hip flexion moment arms over hip flexion, weighted by force, and the range that was measured.
std::string moment_arms(const std::string& models) {
  const Model model = Model::load(models + "/full_body.json");
  Workspace work(model);
  State state = model.default_state();
  const int hip = model.coordinate("hip_flexion_r");
  Picture picture(640, 360);
  const double low = -30.0, high = 120.0, most = 60.0, x0 = 70.0, x1 = 560.0, y0 = 310.0, y1 = 30.0;
  const auto x = [&](double angle) { return x0 + (angle - low) / (high - low) * (x1 - x0); };
  const auto y = [&](double arm) { return y0 + arm / most * (y1 - y0); };
  // the measured range as a box
  picture.look({1, 0, 0}, {0, 1, 0}, {0, 0, 0}, 0, 0, 1);
  const auto place = [&](double angle, double arm) { return Vec3(x(angle), -y(arm), 0); };
  picture.outline({place(0, 20), place(55, 20), place(55, 30), place(0, 30)}, wall, wall_edge, 0.7);
  picture.text({x(27.5), y(20) + 16}, "psoas, Blemker &amp; Delp 2005", 11);
  for (double angle = low; angle <= high; angle += 30.0) {
    picture.stroke({x(angle), y0}, {x(angle), y0 + 5}, ink, 1);
    picture.text({x(angle), y0 + 19}, fmt::format("{:.0f}", angle), 12);
  }
  for (double arm = 0.0; arm <= most; arm += 10.0) {
    picture.stroke({x0 - 5, y(arm)}, {x0, y(arm)}, ink, 1);
    picture.text({x0 - 9, y(arm) + 4}, fmt::format("{:.0f}", arm), 12, "end");
  }
  picture.stroke({x0, y0}, {x1, y0}, ink, 1);
  picture.stroke({x0, y0}, {x0, y1}, ink, 1);
  picture.text({0.5 * (x0 + x1), 350}, "hip flexion [°]", 13);
  picture.text({x0 - 40, 18}, "moment arm [mm]", 13, "start");
  for (const auto& [group, colour] : {std::pair{"iliacus", orange}, std::pair{"psoas", blue}}) {
    std::vector<Vec3> line;
    for (double angle = low; angle <= high + 1e-9; angle += 1.0) {
      model.set(state, "hip_flexion_r", degrees(angle));
      evaluate(model, state, work, Depth::position);
      double moment = 0.0, force = 0.0;
      for (const int m : model.select("group:" + std::string(group) + "_r")) {
        const double most_force = model.data().units[static_cast<std::size_t>(m)].max_isometric_force;
        moment += most_force * moment_arm(model, work, m, hip);
        force += most_force;
      }
      line.push_back(place(angle, 1e3 * moment / force));
    }
    picture.line(line, colour, 2.2);
    picture.text({x1 + 8, -line.back().y() + 4}, group, 13, "start", "bold", colour);
  }
  return picture.svg();
}

/// Points of an arc in a panel's own plane, in right and up, from one angle to another counter-clockwise from right.
std::vector<Vec3> arc(const Vec3& right, const Vec3& up, double radius, double from, double to) {
  std::vector<Vec3> out;
  for (int i = 0; i <= 24; ++i) {
    const double a = from + (to - from) * i / 24.0;
    out.push_back(radius * (std::cos(a) * right + std::sin(a) * up));
  }
  return out;
}

/// The bony hip of docs/impingement.md: contours of head and neck, the rim from the front, the rim from above.
std::string hip_shape() {
  Picture picture(960, 380);
  const double scale = 4200.0, y = 190.0;
  const HipShape shape;
  const HipBones hip(shape, HipSide::right);
  const double head = shape.femur.head_radius, neck = shape.femur.neck_radius;
  const auto words = [&](const Vec3& place, const std::string& text, const char* colour = ink) {
    picture.text(picture.at(place), text, 13, "middle", "normal", colour);
  };
  const Vec3 x = Vec3::UnitX(), up = Vec3::UnitY(), right = Vec3::UnitZ();

  // The contour in a plane through the neck's axis, where the surface is found by its distance.
  picture.look(x, up, {0.012, 0, 0}, 175, y, scale);
  picture.ball({0, 0, 0}, head * Mat3::Identity(), bone, bone_edge);
  for (const auto& [alpha_deg, colour] : {std::pair{43.0, blue}, std::pair{70.0, orange}}) {
    const double alpha = degrees(alpha_deg), s = std::sin(alpha), c = std::cos(alpha);
    const double hollow = (head * s - neck) / (1.0 - s), centre = head + hollow, most = 0.047;
    for (const double side : {1.0, -1.0}) {
      std::vector<Vec3> line;
      for (int i = 0; i <= 60; ++i) {
        const double a = pi - (pi - alpha) * i / 60.0;
        line.emplace_back(head * std::cos(a), side * head * std::sin(a), 0.0);
      }
      for (int i = 0; i <= 60; ++i) {
        const double a = alpha + (0.5 * pi - alpha) * i / 60.0;
        const double along = centre * c - hollow * std::cos(a);
        if (along < most) line.emplace_back(along, side * (centre * s - hollow * std::sin(a)), 0.0);
      }
      if (centre * c < most) line.emplace_back(most, side * neck, 0.0);
      picture.line(line, colour, 2.2);
    }
    picture.line({{0, 0, 0}, 1.12 * head * Vec3(c, s, 0)}, colour, 1.2, "4 3");
    picture.dot(head * Vec3(c, s, 0), colour, 3.5);
    const double radius = alpha_deg < 50.0 ? 0.008 : 0.012;
    picture.line(arc(x, up, radius, 0.0, alpha), colour, 1.2);
    picture.text(picture.at(1.3 * head * Vec3(c, s, 0)), fmt::format("α = {:.0f}°", alpha_deg), 13, "middle", "normal",
                 colour);
  }
  picture.line({{0, 0, 0}, {0.05, 0, 0}}, ink, 1.0, "6 3");
  picture.text({165, 26}, "head and neck, along the neck", 15, "middle", "bold");

  // The rim, and what its angles are measured between.
  const auto rim = [&] {
    std::vector<Vec3> line;
    for (int i = 0; i <= 180; ++i) line.push_back(hip.rim(2.0 * pi * i / 180.0));
    return line;
  }();
  picture.look(-right, up, {0, 0, 0}, 500, y, scale);  // a right hip from the front: its lateral side on the left
  picture.ball({0, 0, 0}, head * Mat3::Identity(), bone, bone_edge);
  picture.line(rim, blue, 2.2);
  const double edge = degrees(shape.acetabulum.center_edge_deg), reach = hip.reach();
  const Vec3 lateral = reach * Vec3(0.0, std::cos(edge), std::sin(edge));
  picture.line({{0, 0, 0}, 1.25 * reach * up}, ink, 1.0, "6 3");
  picture.line({{0, 0, 0}, lateral}, green, 1.4);
  picture.dot(lateral, green, 3.5);
  picture.line(arc(right, up, 0.6 * reach, 0.5 * pi, 0.5 * pi - edge), green, 1.4);
  words(1.05 * lateral + Vec3(0.0, 0.004, 0.006), "centre–edge angle", green);
  picture.line({{0, 0, 0}, -1.25 * reach * up}, ink, 1.0, "6 3");
  const Vec3 axis = hip.socket_axis();
  picture.line({{0, 0, 0}, 1.2 * reach * Vec3(0.0, axis.y(), axis.z()).normalized()}, orange, 1.4);
  picture.line(arc(right, up, 0.55 * reach, -0.5 * pi, std::atan2(axis.y(), axis.z())), orange, 1.4);
  words(1.3 * reach * Vec3(0.0, axis.y(), axis.z()).normalized() + Vec3(0.0, -0.002, 0.002), "inclination", orange);
  picture.text({500, 26}, "rim of a right hip, from the front", 15, "middle", "bold");

  picture.look(-right, -x, {0, 0, 0}, 800, y, scale);  // from above, front below
  picture.ball({0, 0, 0}, head * Mat3::Identity(), bone, bone_edge);
  picture.line(rim, blue, 2.2);
  picture.line({{0, 0, 0}, 1.2 * reach * right}, ink, 1.0, "6 3");
  picture.line({{0, 0, 0}, 1.2 * reach * Vec3(axis.x(), 0.0, axis.z()).normalized()}, orange, 1.4);
  picture.line(arc(right, x, 0.6 * reach, 0.0, std::atan2(axis.x(), axis.z())), orange, 1.4);
  words(1.3 * reach * Vec3(axis.x(), 0.0, axis.z()).normalized() + Vec3(0.005, 0.0, 0.0), "version", orange);
  const Vec3 along = Vec3(hip.neck_axis().x(), 0.0, hip.neck_axis().z()).normalized();
  picture.line({{0, 0, 0}, 1.2 * reach * along}, purple, 1.4);
  words(1.3 * reach * along - Vec3(0.003, 0.0, 0.0), "neck", purple);
  picture.text({800, 26}, "from above", 15, "middle", "bold");
  picture.text({800, 366}, "front", 12);
  picture.stroke({30, 360}, {30 + 0.01 * scale, 360}, ink, 2);
  picture.text({30 + 0.012 * scale, 364}, "10 mm", 12, "start");
  return picture.svg();
}

/// Forward sit-to-stand: the body at some instants, and under it the shear and compression of L5-S1 with seat-off.
std::string rise(const std::string& file) {
  const std::vector<std::string> spine = {"L5", "L4", "L3", "L2", "L1", "thorax"};
  std::vector<std::string> bodies = {"toes_r",  "calcn_r",   "talus_r", "tibia_r",
                                     "femur_r", "humerus_r", "ulna_r",  "hand_r"};
  bodies.insert(bodies.end(), spine.begin(), spine.end());
  Study study = read_study(file);
  study.outputs = {"anterior_shear/L5_S1", "compression/L5_S1", "plane_force_y/seat", "centre_of_pressure_x/ground"};
  for (const std::string& body : bodies)
    for (const char* axis : {"x", "y", "z"}) study.outputs.push_back(fmt::format("body_origin_{}/{}", axis, body));
  const Result result = run(study);
  const Block& block = result.blocks.begin()->second;
  const std::vector<double>& time = block.axis_values;
  const auto series = [&](const std::string& name) -> const std::vector<double>& {
    return block.series.find(name)->values;
  };
  const auto origin = [&](const std::string& body, std::size_t row) {
    return Vec3(series("body_origin_x/" + body)[row], series("body_origin_y/" + body)[row],
                series("body_origin_z/" + body)[row]);
  };
  const std::vector<double>&shear = series("anterior_shear/L5_S1"), &compression = series("compression/L5_S1"),
        &seat = series("plane_force_y/seat"), &pressure = series("centre_of_pressure_x/ground");
  std::size_t off = 0;  // the first instant from which the seat carries nothing
  for (std::size_t i = 0; i < time.size(); ++i)
    if (seat[i] != 0.0) off = i + 1;

  Picture picture(920, 620);
  picture.text({24, 28}, "Sit-to-stand by muscles and contacts alone, forward in time", 16, "start", "bold");
  const double shown = std::min(time.back(), 1.8), scale = 120.0, floor = 300.0;
  std::vector<double> instants = {0.0, 0.25, time[std::min(off, time.size() - 1)], 0.65, 0.85, 1.1, shown};
  std::sort(instants.begin(), instants.end());
  for (std::size_t k = 0; k < instants.size(); ++k) {
    const auto row =
        static_cast<std::size_t>(std::lower_bound(time.begin(), time.end(), instants[k] - 1e-9) - time.begin());
    const double x = 80.0 + 125.0 * static_cast<double>(k);
    picture.look(Vec3::UnitX(), Vec3::UnitY(), Vec3(origin("calcn_r", 0).x(), 0.0, 0.0), x, floor, scale);
    picture.stroke({x - 45.0, floor}, {x + 65.0, floor}, bone_edge, 1.5);
    std::vector<Vec3> leg, trunk, arm;
    for (const char* body : {"toes_r", "calcn_r", "talus_r", "tibia_r", "femur_r"}) leg.push_back(origin(body, row));
    for (const std::string& body : spine) trunk.push_back(origin(body, row));
    for (const char* body : {"humerus_r", "ulna_r", "hand_r"}) arm.push_back(origin(body, row));
    // the sagittal plane: both sides seen as one
    const Vec3 shoulder = arm.front(), along = (shoulder - trunk.back()).normalized();
    trunk.push_back(shoulder);
    leg.push_back(trunk.front());
    picture.line(leg, ink, 4.0);
    picture.line(trunk, blue, 4.0);
    picture.line(arm, bone_edge, 3.0);
    picture.ball(shoulder + 0.2 * along, 0.1 * Mat3::Identity(), bone, bone_edge);
    if (std::isfinite(pressure[row])) picture.dot(Vec3(pressure[row], 0.0, 0.0), orange, 4.0);
    const bool seat_off = off < time.size() && row == off;
    picture.text({x + 10.0, floor + 22.0}, fmt::format("{:.2f} s{}", time[row], seat_off ? ", seat-off" : ""), 12,
                 "middle", seat_off ? "bold" : "normal");
  }
  picture.text({24, floor + 44.0}, "orange: centre of pressure of the feet", 12, "start", "normal", orange);

  const double x0 = 80.0, x1 = 800.0, y0 = 580.0, y1 = 390.0;
  double most = 0.0;
  for (std::size_t i = 0; i < time.size(); ++i) most = std::max({most, compression[i], shear[i]});
  most = 500.0 * std::ceil(most / 500.0);
  const auto x = [&](double t) { return x0 + (x1 - x0) * t / shown; };
  const auto y = [&](double force) { return y0 + (y1 - y0) * force / most; };
  for (double force = 0.0; force <= most; force += most > 3000.0 ? 1000.0 : 500.0) {
    picture.stroke({x0 - 5, y(force)}, {x0, y(force)}, ink, 1);
    picture.text({x0 - 9, y(force) + 4}, fmt::format("{:.0f}", force), 12, "end");
  }
  for (double t = 0.0; t <= shown + 1e-9; t += 0.2) {
    picture.stroke({x(t), y0}, {x(t), y0 + 5}, ink, 1);
    picture.text({x(t), y0 + 19}, fmt::format("{:.1f}", t), 12);
  }
  picture.stroke({x0, y0}, {x1, y0}, ink, 1);
  picture.stroke({x0, y0}, {x0, y1}, ink, 1);
  picture.text({0.5 * (x0 + x1), y0 + 36}, "time [s]", 13);
  picture.text({x0 - 40, y1 - 14}, "load of L5–S1 [N]", 13, "start");
  picture.look(Vec3::UnitX(), Vec3::UnitY(), Vec3::Zero(), 0.0, 0.0, 1.0);
  if (off < time.size()) {
    picture.line({Vec3(x(time[off]), -y0, 0.0), Vec3(x(time[off]), -y1, 0.0)}, bone_edge, 1.5, "5 4");
    picture.text({x(time[off]) + 5.0, y1 + 4}, "seat-off", 12, "start", "normal", bone_edge);
  }
  for (const auto& [name, values, colour] :
       {std::tuple{"compression", &compression, blue}, std::tuple{"anterior shear", &shear, orange}}) {
    std::vector<Vec3> curve;
    for (std::size_t i = 0; i < time.size() && time[i] <= shown + 1e-9; ++i)
      curve.emplace_back(x(time[i]), -y((*values)[i]), 0.0);
    picture.line(curve, colour, 2.2);
    picture.text({x1 + 4, -curve.back().y() + 4}, name, 12, "start", "bold", colour);
  }
  return picture.svg();
}

int perform(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "--rise") {
    write_file_atomically(words[1] + "/sit_to_stand.svg", rise(words[2]));
    return 0;
  }
  const bool check = words.size() == 3 && words[0] == "--check";
  if (!check && words.size() != 2) {
    std::cerr << "usage: psoas_figures [--check] FOLDER MODELS | --rise FOLDER STUDY\n";
    return 2;
  }
  const std::string folder = words[words.size() - 2], models = words.back();
  const std::map<std::string, std::string> figures = {{"sides.svg", sides()},
                                                      {"surfaces.svg", surfaces()},
                                                      {"iliopsoas.svg", iliopsoas(models)},
                                                      {"moment_arms.svg", moment_arms(models)},
                                                      {"hip_shape.svg", hip_shape()}};
  int code = 0;
  for (const auto& [name, text] : figures) {
    const std::string file = folder + "/" + name;
    if (!check) {
      write_file_atomically(file, text);
    } else if (read_file(file) != text) {
      std::cerr << file << ": expected what psoas_figures draws; run psoas_figures " << folder << " " << models << "\n";
      code = 1;
    }
  }
  return code;
}

}  // namespace
}  // namespace psoas

int main(int count, char** words) {
  try {
    return psoas::perform({words + 1, words + count});
  } catch (const psoas::Error& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
