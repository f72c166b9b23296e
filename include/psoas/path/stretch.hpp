// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Smooth lengths of single stretches of paths from the places of their two ends: straight ones, and ones over parallel
// cylinders, whose length in the plane across the cylinders is a fitted function.
//   const Stretches stretches(list, functions);   StretchWork<double> work(stretches);
//   stretches.evaluate<double>(X_GB, work);       work.length[i]; work.near[i], work.far[i]
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "psoas/core/pose.hpp"
#include "psoas/path/fitted.hpp"

namespace psoas {

/// Length of a string seen along parallel cylinders, as a function of where its two ends are in that plane, in polar
/// coordinates about the z axis of one of the cylinders' frames (angles from its x axis to its y axis):
///
///   sum_ij sum_b coefficient[i, j, b] B_i(near angle) B_j(near radius) T_b1(far angle) T_b2(far radius),
///
/// with cubic B-splines on knots that stand close where a string begins to touch, and Chebyshev polynomials of a total
/// degree. Beyond the ranges every one-dimensional function goes on as its parabola there. Two derivatives are continuous
/// everywhere but on the axis and opposite to the middle of a range of angles.
struct PlanarFunction {
  static constexpr std::size_t most_knots = 257;
  static constexpr int most_degree = 12;

  std::vector<double> near_angle, near_radius;  ///< knots over their ranges, ascending, two or more [rad, m]
  std::array<double, 2> far_angle{0.0, 1.0}, far_radius{0.0, 1.0};  ///< ranges; not used where the degree is 0
  int degree = 0;                    ///< total degree in the far end's place, 0 … most_degree; 0: it never moves
  std::vector<double> coefficients;  ///< [m]: near angle slowest, polynomials fastest (order of powers_of())

  /// How many coefficients such a function has, from its knots and degree.
  std::size_t size() const;
};

/// Values and slopes at x of the four cubic B-splines on ascending knots (two or more) that are not zero there. The knots
/// go on beyond their ends as far apart as there; there are as many functions as knots, and two more. Of knots equally far
/// apart they are those of spline_values().
template <class S>
SplineValues<S> spline_values(std::span<const double> knots, const S& x);

/// A part of a path between two points that are fixed in bodies, with nothing between them or cylinders of one direction
/// in one body. On such the string is straight when unrolled, so that its length is hypot(length across, distance along).
struct Stretch {
  struct End {
    int body = 0;                  ///< 0 is ground
    Vec3 location = Vec3::Zero();  ///< in the body frame [m]
  };
  End near, far;
  int function = -1;  ///< place of the length across in the list of functions; -1: a straight line
  int body = 0;       ///< that carries the cylinders
  Pose X_BS;          ///< frame of the function in that body: z along the cylinders
};

template <class S>
struct StretchWork;

/// Lengths and forces of many stretches. What they have in common, such as one tendon of many fascicles, is evaluated once.
/// Immutable; copies share everything, any number of threads may use one.
class Stretches {
 public:
  Stretches() = default;
  /// Throws Error(Kind::model) for a function that there is not, and for sizes, degrees or ranges out of theirs.
  Stretches(std::vector<Stretch> stretches, std::vector<PlanarFunction> functions);

  int size() const;

  /// Lengths, and what unit tension does at both ends, with bodies at X_GB (X_GB[0] is ground's own). Allocates nothing,
  /// throws nothing. Instantiated for double and Dual<4>.
  template <class S>
  void evaluate(std::span<const PoseT<S>> X_GB, StretchWork<S>& work) const;

 private:
  template <class S>
  friend struct StretchWork;
  struct Plan;
  std::shared_ptr<const Plan> plan_;
};

/// Scratch and results of Stretches::evaluate(). Allocates when made, never after.
template <class S>
struct StretchWork {
  StretchWork() = default;
  explicit StretchWork(const Stretches& stretches);

  std::vector<S> length;               ///< per stretch [m]
  std::vector<SpatialT<S>> near, far;  ///< wrench on the body of either end at unit tension; the cylinders' body gets
                                       ///< minus their sum
  std::vector<char> outside;           ///< per stretch: an end is beyond the ranges of the function

  /// Inside: what depends on a near end alone, which several stretches may share.
  struct Head {
    PoseT<S> X_GS;            ///< frame of the function
    Vec3T<S> place, place_S;  ///< in ground and in that frame [m]
    bool beyond = false;      ///< the ranges of the function
  };
  std::vector<Head> heads;
  std::vector<S> rows;  ///< inside: coefficients of the polynomials there, and their slopes
};

}  // namespace psoas
