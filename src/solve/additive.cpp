// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "solve/steppers.hpp"

namespace psoas {
namespace {

// Kennedy & Carpenter 2003, "Additive Runge-Kutta schemes for convection-diffusion-reaction equations", appendix C:
// ARK4(3)6L[2]SA. Both parts have the same weights and nodes; the implicit one is L-stable.
constexpr std::size_t stages = 6;
constexpr double gamma = 1.0 / 4.0;
constexpr double explicit_part[stages][stages] = {
    {},
    {1.0 / 2.0},
    {13861.0 / 62500.0, 6889.0 / 62500.0},
    {-116923316275.0 / 2393684061468.0, -2731218467317.0 / 15368042101831.0, 9408046702089.0 / 11113171139209.0},
    {-451086348788.0 / 2902428689909.0, -2682348792572.0 / 7519795681897.0, 12662868775082.0 / 11960479115383.0,
     3355817975965.0 / 11060851509271.0},
    {647845179188.0 / 3216320057751.0, 73281519250.0 / 8382639484533.0, 552539513391.0 / 3454668386233.0,
     3354512671639.0 / 8306763924573.0, 4040.0 / 17871.0}};
constexpr double implicit_part[stages][stages] = {
    {},
    {gamma, gamma},
    {8611.0 / 62500.0, -1743.0 / 31250.0, gamma},
    {5012029.0 / 34652500.0, -654441.0 / 2922500.0, 174375.0 / 388108.0, gamma},
    {15267082809.0 / 155376265600.0, -71443401.0 / 120774400.0, 730878875.0 / 902184768.0, 2285395.0 / 8070912.0,
     gamma},
    {82889.0 / 524892.0, 0.0, 15625.0 / 83664.0, 69875.0 / 102672.0, -2260.0 / 8211.0, gamma}};
constexpr double node[stages] = {0.0, 1.0 / 2.0, 83.0 / 250.0, 31.0 / 50.0, 17.0 / 20.0, 1.0};
constexpr const double (&weight)[stages] = implicit_part[stages - 1];
constexpr double weight_of_third_order[stages] = {4586570599.0 / 29645900160.0, 0.0,
                                                  178811875.0 / 945068544.0,    814220225.0 / 1159782912.0,
                                                  -3700637.0 / 11593932.0,      61727.0 / 225920.0};

}  // namespace

AdditiveStepper::AdditiveStepper(ForwardDynamics& system, const Vector& unit, double tolerance, double longest)
    : system_(system),
      control_(unit, tolerance, worst_),
      linear_(system),
      longest_(longest),
      x_(unit.size()),
      rate_(stages, x_),
      implicit_(stages, x_) {
  before_ = next_ = error_ = right_ = now_rate_ = before_rate_ = x_;
}

void AdditiveStepper::start(const Vector& x, double t, double step) {
  x_ = before_ = x;
  t_ = before_t_ = t;
  dt_ = std::min(step, longest_);
  system_.rates(t_, x_, now_rate_);
  linear_.take();
}

void AdditiveStepper::attempt(double h) {
  const std::size_t size = x_.size();
  linear_.factorise(gamma * h);
  rate_[0] = now_rate_;
  // f(x + z) = A z + the rest, with A z = 0 at first
  for (std::size_t i = 1; i < stages; ++i) {
    std::fill(right_.begin(), right_.end(), 0.0);
    for (std::size_t j = 0; j < i; ++j) {
      const double e = h * explicit_part[i][j], l = h * (implicit_part[i][j] - explicit_part[i][j]);
      const double *f = rate_[j].data(), *a = implicit_[j].data();
      for (std::size_t k = 0; k < size; ++k) right_[k] += e * f[k] + l * a[k];
    }
    next_ = right_;
    linear_.solve(next_);
    for (std::size_t k = 0; k < size; ++k) {
      implicit_[i][k] = (next_[k] - right_[k]) / (gamma * h);
      next_[k] += x_[k];
    }
    system_.rates(t_ + node[i] * h, next_, rate_[i]);
  }
  std::fill(right_.begin(), right_.end(), 0.0);
  std::fill(error_.begin(), error_.end(), 0.0);
  for (std::size_t i = 0; i < stages; ++i) {
    const double b = h * weight[i], d = h * (weight[i] - weight_of_third_order[i]);
    const double* f = rate_[i].data();
    for (std::size_t k = 0; k < size; ++k) {
      right_[k] += b * f[k];
      error_[k] += d * f[k];
    }
  }
  for (std::size_t k = 0; k < size; ++k) next_[k] = x_[k] + right_[k];
  linear_.factorise(memory);
  linear_.solve(error_);
}

void AdditiveStepper::step() {
  for (bool again = false;; again = true) {
    if (!(dt_ > 1e-14))
      throw Error(Kind::numeric, "t = " + shortest_text(t_) + " s",
                  "expected an integration step above 1e-14 s, found none within the tolerance");
    const double h = dt_;
    attempt(h);
    const double excess = control_.over(x_, now_rate_, error_, h);
    // the error of a step goes with the fourth power of its length, that of a second with the third
    const double factor = std::clamp(0.9 / std::cbrt(excess), 0.2, 4.0);
    if (excess <= 1.0) {
      before_.swap(x_);
      x_.swap(next_);
      before_rate_.swap(now_rate_);
      before_t_ = t_;
      t_ += h;
      system_.rates(t_, x_, now_rate_);
      linear_.take();
      dt_ = std::min(h * (again ? std::min(factor, 1.0) : factor), longest_);
      return;
    }
    dt_ = h * factor;
  }
}

void AdditiveStepper::state_at(double t, Vector& x) const {
  x = x_;
  const double h = t_ - before_t_;
  if (!(h > 0.0)) return;
  const double s = (t - before_t_) / h, r = 1.0 - s;
  const double a = (1.0 + 2.0 * s) * r * r, b = s * s * (3.0 - 2.0 * s), c = h * s * r * r, d = -h * s * s * r;
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = a * before_[k] + b * x_[k] + c * before_rate_[k] + d * now_rate_[k];
}

}  // namespace psoas
