// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// The bony shape of a hip by the angles that radiology measures, and how far the rim of the acetabulum is from head and
// neck of the femur. docs/impingement.md defines every angle with a picture.
//   const HipBones hip({}, HipSide::right);   hip.clearance(R_PF).distance
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "psoas/core/kind.hpp"
#include "psoas/core/linear.hpp"

namespace psoas {

/// Head and neck of a femur. The neck is round and its axis passes through the centre of the head (the axis of Nötzli et
/// al. 2002). In each plane through that axis the contour is the head's circle as far as the alpha angle, then a hollow
/// arc that touches both the circle there and the neck, then the neck: the least bone that an alpha angle allows. The
/// alpha angle goes round the neck as
///     alpha(c) = elsewhere + (alpha - elsewhere) 2^(-(1 - cos(c - clock)) / (1 - cos(half_width))).
struct FemoralShape {
  double head_radius = 0.024, neck_radius = 0.0145;
  double alpha_deg = 55.0, alpha_elsewhere_deg = 43.0, alpha_clock_hours = 1.5, alpha_half_width_hours = 1.5;
  double neck_shaft_deg = 127.0, version_deg = 12.0, shaft_deg = 6.0;
  static void each(auto& self, auto&& see) {
    see("head_radius", self.head_radius,
        Info{"m", "of the bony head: mean diameters of 43 to 50 mm (Cho 2015)", 0.005, 0.05});
    see("neck_radius", self.neck_radius,
        Info{"m",
             "of the neck: head_radius less this is the head-neck offset, and that over the head's diameter the offset "
             "ratio, below 0.17 in cam hips",
             0.002, 0.045});
    see("alpha_deg", self.alpha_deg,
        Info{"deg",
             "alpha angle (Notzli 2002) where it is greatest, from the neck's axis to where the contour leaves the "
             "head's circle; 59 +- 9 in adults (Gollwitzer 2018), cam from 60 (van Klij 2020)",
             5, 88});
    see("alpha_elsewhere_deg", self.alpha_elsewhere_deg,
        Info{"deg", "alpha angle far from there; 42 behind, 43 below (Toogood 2009)", 5, 88});
    see("alpha_clock_hours", self.alpha_clock_hours,
        Info{"h", "where it is greatest on the clock face of the neck: 12 above, 3 in front; 1:36 (Gollwitzer 2018)", 0,
             12});
    see("alpha_half_width_hours", self.alpha_half_width_hours,
        Info{"h", "from there to where half of the difference is left", 0.5, 6});
    see("neck_shaft_deg", self.neck_shaft_deg,
        Info{"deg",
             "neck-shaft angle in the plane of the neck's axis and the femur's y axis; 122 (Hartel 2016) to 133 (Jiang "
             "2015)",
             90, 160});
    see("version_deg", self.version_deg,
        Info{
            "deg",
            "anteversion of the femur: neck's axis seen along the femur's y axis, before the z axis; 10 (Toogood 2009) "
            "to 14, interquartile range 7 to 20 (Hartel 2016)",
            -40, 60});
    see("shaft_deg", self.shaft_deg,
        Info{"deg", "from the model's y axis of the femur, hip to knee, to the shaft; distal end nearer the midline", 0,
             15});
  }
  std::string fault() const;
  /// Alpha angle [rad] at an angle on the clock face [rad], 0 above, in front +.
  double alpha(double clock) const;
};

/// An acetabulum: its bony rim is a curve on a sphere about the centre of the head. The axis that points out of the
/// socket has inclination and anteversion as Murray (1993) calls anatomical; the height of the rim over the level of a
/// hemisphere is `height_deg` at the places `clock_hours` (empty: the same all round), a C1 curve without overshoot
/// between them, and is raised or lowered all round until it has the centre-edge angle asked for.
struct AcetabularShape {
  double center_edge_deg = 30.0, inclination_deg = 48.0, version_deg = 21.0;
  double joint_space = 0.0042, labrum_width = 0.0, plane_tilt_deg = 0.0;
  std::vector<double> clock_hours{1.5, 3.0, 4.5, 8.0, 10.5}, height_deg{0.0, -9.0, 0.0, 0.0, -21.0};
  static void each(auto& self, auto&& see) {
    see("center_edge_deg", self.center_edge_deg,
        Info{
            "deg",
            "lateral centre-edge angle (Wiberg 1939) in the frontal plane through the head's centre; 23 to 33 (Tannast "
            "2015), from 40 over-covered, below 20 dysplastic (Ashwell 2016)",
            -20, 90});
    see("inclination_deg", self.inclination_deg,
        Info{"deg", "from the downward vertical to the socket's axis; 48 +- 4 (Kohnlein 2009)", 10, 80});
    see("version_deg", self.version_deg,
        Info{"deg", "anteversion: the axis seen from above, before the transverse axis; 21 +- 5 (Kohnlein 2009)", -40,
             60});
    see("joint_space", self.joint_space,
        Info{"m", "from the bony head to the sphere of the rim: 4.2 +- 0.9 mm (Lequesne 2004)", 0.0, 0.02});
    see("labrum_width", self.labrum_width,
        Info{"m", "by which a labrum makes the rim higher: 5.3 +- 2.6 mm (Tan 2001); 0: bony contact", 0.0, 0.015});
    see("plane_tilt_deg", self.plane_tilt_deg,
        Info{"deg",
             "by which the pelvis was tilted forward, against the model's pelvis at rest, where these angles were "
             "measured",
             -45, 45});
    see("clock_hours", self.clock_hours,
        Info{"h", "places along the rim, ascending: 12 above, 3 in front, none: a circle", 0, 12});
    see("height_deg", self.height_deg,
        Info{"deg",
             "as many heights of the rim over a hemisphere; 9 deg hollow in front and 21 behind and above (Kohnlein "
             "2009; where on the clock is this project's reading)",
             -60, 30});
  }
  std::string fault() const;
};

/// Both bones of a hip.
struct HipShape {
  FemoralShape femur;
  AcetabularShape acetabulum;
  static void each(auto& self, auto&& see) {
    see("femur", self.femur, Info{"", "head and neck of the femur"});
    see("acetabulum", self.acetabulum, Info{"", "rim of the acetabulum"});
  }
};

enum class HipSide { right, left };

/// Where the rim of the acetabulum is nearest to the femur.
struct HipClearance {
  double distance = 0.0;    ///< from rim to bone [m], below 0 as deep as the rim stands in it
  double rim_clock = 0.0;   ///< where on the rim [rad] in [0, 2 pi), 0 above, in front +
  double neck_clock = 0.0;  ///< where round the neck [rad] in [0, 2 pi), 0 above, in front +
  double neck_angle = 0.0;  ///< from the neck's axis, as an alpha angle [rad]
  Vec3 place{0, 0, 0};      ///< on the rim, from the head's centre, in the pelvis [m]
};

/// A hip's bones, ready to be turned against each other about the centre of the head. Frames are those of the model's
/// pelvis and femur: x forward, y up, z to the right.
class HipBones {
 public:
  /// Throws Error(Kind::input) with a field's name where the shape has a fault or a number is none.
  HipBones(const HipShape& shape, HipSide side);

  /// Signed distance [m] of a point (femur frame, from the head's centre, [m]) from the surface of head and neck: the
  /// neck goes on for ever. Below 0 inside. At most as far from another point's as the points are apart.
  double distance(const Vec3& p_F) const;
  /// The rim at an angle on its clock face [rad]: from the head's centre, in the pelvis [m].
  Vec3 rim(double clock) const;
  /// Least distance of the rim from the femur, whose frame is turned by R_PF against the pelvis. Certified to 0.01 mm:
  /// no place of the rim is nearer by more, as its distances change no faster than its places. Then polished to rounding.
  ///
  /// A rim that is clear means a socket that is clear: in each direction from the head's centre the femur reaches farther
  /// the nearer the direction is to the neck's axis, so that of what the socket covers its edge comes first.
  HipClearance clearance(const Mat3& R_PF) const;

  /// Unit vector out of the socket, in the pelvis; and from the head's centre along the neck, in the femur.
  const Vec3& socket_axis() const { return n_; }
  const Vec3& neck_axis() const { return u_; }
  /// Upper bound of the rim's distance from the head's centre [m]: what a turn by 1 rad may change of distances.
  double reach() const { return rim_radius_; }
  /// Height of the rim from the bottom of the socket [rad]: pi/2 is a hemisphere.
  double coverage(double clock) const;

 private:
  double meridian(double rho, double z, double alpha) const;
  double greatest_alpha(double clock, double beside) const;

  FemoralShape femur_;
  Vec3 u_, u12_, u3_;                             // neck's axis, 12 and 3 o'clock round it
  Vec3 n_, n12_, n3_;                             // socket's axis, 12 and 3 o'clock round it
  double rim_radius_ = 0.0, level_ = 0.0;         // [m]; height of the rim where the profile is 0 [rad]
  double alpha_most_ = 0.0;                       // [rad]
  bool round_ = false;                            // the same alpha angle all round
  double rim_speed_ = 0.0;                        // greatest change of the rim's place with its clock angle [m/rad]
  std::vector<double> knots_, heights_, slopes_;  // of the profile [rad]
  double profile(double clock) const;
};

/// The first of the values from `from` towards `to` at which the bones of a hip touch, or come apart.
struct HipContact {
  double value = 0.0;     ///< nan: they do not
  HipClearance at;        ///< there, or at `to`
  bool touching = false;  ///< they touch at `from`: `value` is where they come apart
};

/// Seeks it. `pose(x)` gives R_PF and turns by at most one radian a unit of x, so nothing is passed that lasts longer than
/// 1e-4 of that unit: the distance to bone says how far a pose may turn before they can touch.
HipContact first_contact(const HipBones& hip, const std::function<Mat3(double)>& pose, double from, double to);

}  // namespace psoas
