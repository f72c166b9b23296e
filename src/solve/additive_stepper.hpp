// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// ARK4(3)6L[2]SA, the additive Runge-Kutta method of order 4 of Kennedy & Carpenter (2003, Appl Numer Math 44:139-181),
// as an error stepper of Boost.Odeint, which controls its steps and has its dense output. Included where Odeint is.
//
// The right side f is split about the state y where a step begins into A (x - y), with A its stiff part there, and the
// rest. The former is treated by the method's singly diagonally implicit part, which is linear here and so one solution a
// stage, the rest by its explicit part. The order does not depend on A, the length of stable steps does. Both parts have
// the same weights, so A is in the stages only:
//   (1 - h g A) d_i = h sum_j (a_ij f_j + (s_ij - a_ij) A d_j),   f_i = f(y + d_i),   y_next = y + h sum_i b_i f_i
// A system is called as f, and has linearise(t, y), which takes A there, and relax(h g, d), which solves.
#pragma once

#include <array>
#include <boost/numeric/odeint.hpp>
#include <cstddef>
#include <utility>
#include <vector>

namespace psoas {

class AdditiveStepper {
 public:
  using state_type = std::vector<double>;
  using deriv_type = state_type;
  using value_type = double;
  using time_type = double;
  using algebra_type = boost::numeric::odeint::range_algebra;
  using operations_type = boost::numeric::odeint::default_operations;
  using resizer_type = boost::numeric::odeint::initially_resizer;
  using wrapped_state_type = boost::numeric::odeint::state_wrapper<state_type>;
  using wrapped_deriv_type = wrapped_state_type;
  using order_type = unsigned short;
  using stepper_category = boost::numeric::odeint::explicit_error_stepper_fsal_tag;  // the next step begins with f_7

  order_type order() const { return 4; }
  order_type stepper_order() const { return 4; }
  order_type error_order() const { return 3; }
  algebra_type& algebra() { return algebra_; }

  template <class State>
  void adjust_size(const State& x) {
    resize(x);
  }
  template <class State>
  bool resize(const State& x) {
    const bool changed = stage_.size() != x.size();
    stage_.resize(x.size());
    for (state_type& one : rate_) one.resize(x.size());
    for (state_type& one : stiff_) one.resize(x.size());
    return changed;
  }

  /// One step from y at t with rates `first` there to `next` with rates `last`, and an estimate of its error.
  template <class System>
  void do_step(System system, const state_type& y, const state_type& first, double t, state_type& next,
               state_type& last, double h, state_type& error) {
    typename boost::numeric::odeint::unwrap_reference<System>::type& f = system;
    resize(y);
    const std::size_t n = y.size();
    f.linearise(t, y);
    rate_[0] = first;
    const double step = h * diagonal;
    for (std::size_t i = 1; i < stages; ++i) {
      state_type& d = stiff_[i];
      for (std::size_t k = 0; k < n; ++k) d[k] = (h * explicit_[i][0]) * rate_[0][k];
      for (std::size_t j = 1; j < i; ++j) {
        const double a = h * explicit_[i][j], s = h * (implicit_[i][j] - explicit_[i][j]);
        const double *rate = rate_[j].data(), *stiff = stiff_[j].data();
        for (std::size_t k = 0; k < n; ++k) d[k] += a * rate[k] + s * stiff[k];
      }
      stage_ = d;
      f.relax(step, stage_);
      // A d_i from the equation that it solves, then the stage
      for (std::size_t k = 0; k < n; ++k) {
        d[k] = (stage_[k] - d[k]) / step;
        stage_[k] += y[k];
      }
      f(stage_, rate_[i], t + nodes[i] * h);
    }
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0.0, difference = 0.0;
      for (std::size_t i = 0; i < stages; ++i) {
        sum += weights[i] * rate_[i][k];
        difference += (weights[i] - embedded[i]) * rate_[i][k];
      }
      next[k] = y[k] + h * sum;
      error[k] = h * difference;
    }
    f(next, last, t + h);
  }

  /// Hermite's cubic between two states with their rates.
  void calc_state(double t, state_type& x, const state_type& x0, const state_type& rate0, double t0,
                  const state_type& x1, const state_type& rate1, double t1) const {
    const double h = t1 - t0, s = (t - t0) / h, r = s - 1.0;
    const double value = s * s * (3.0 - 2.0 * s), from = h * s * r * r, to = h * s * s * r;
    x.resize(x0.size());
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = x0[k] + value * (x1[k] - x0[k]) + from * rate0[k] + to * rate1[k];
  }

 private:
  static constexpr std::size_t stages = 6;
  using Row = std::array<double, stages>;
  static constexpr double diagonal = 0.25;
  static constexpr Row nodes{0.0, 1.0 / 2, 83.0 / 250, 31.0 / 50, 17.0 / 20, 1.0};
  static constexpr Row weights{82889.0 / 524892, 0.0, 15625.0 / 83664, 69875.0 / 102672, -2260.0 / 8211, 1.0 / 4};
  static constexpr Row embedded{4586570599.0 / 29645900160, 0.0,
                                178811875.0 / 945068544,    814220225.0 / 1159782912,
                                -3700637.0 / 11593932,      61727.0 / 225920};
  static constexpr std::array<Row, stages> explicit_{
      {{},
       {1.0 / 2},
       {13861.0 / 62500, 6889.0 / 62500},
       {-116923316275.0 / 2393684061468, -2731218467317.0 / 15368042101831, 9408046702089.0 / 11113171139209},
       {-451086348788.0 / 2902428689909, -2682348792572.0 / 7519795681897, 12662868775082.0 / 11960479115383,
        3355817975965.0 / 11060851509271},
       {647845179188.0 / 3216320057751, 73281519250.0 / 8382639484533, 552539513391.0 / 3454668386233,
        3354512671639.0 / 8306763924573, 4040.0 / 17871}}};
  static constexpr std::array<Row, stages> implicit_{
      {{},
       {1.0 / 4, diagonal},
       {8611.0 / 62500, -1743.0 / 31250, diagonal},
       {5012029.0 / 34652500, -654441.0 / 2922500, 174375.0 / 388108, diagonal},
       {15267082809.0 / 155376265600, -71443401.0 / 120774400, 730878875.0 / 902184768, 2285395.0 / 8070912, diagonal},
       {82889.0 / 524892, 0.0, 15625.0 / 83664, 69875.0 / 102672, -2260.0 / 8211, diagonal}}};

  algebra_type algebra_;
  state_type stage_;
  std::array<state_type, stages> rate_, stiff_;  // f_i, A d_i
};

}  // namespace psoas
