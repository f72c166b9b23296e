// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Notation. phi_i(x) = w |x|^p is the cost of variable i, s = A^T lambda its price. The dual function
//   D(lambda) = b . lambda - sum_i phi_i*(s_i) - sum_j r0_j^2 lambda_j^2 / 4
// is concave and once differentiable: its gradient is b - A x(lambda) - r(lambda), where x_i(lambda) is the inverse of
// phi_i' at s_i, clamped, and r_j = r0_j^2 lambda_j / 2. Minus its (generalised) Hessian is A D A^T + diag(r0^2 / 2).
// What gives way takes lambda^T S lambda / 4 more from D, S lambda / 2 from the gradient, and adds S / 2 to that.
//
// Two phases. The dual phase cannot diverge, but x(lambda) of a power p > 2 is so steep near 0 that rounding of lambda
// shows in x, and of p < 2 so flat that a step sees nothing. The finish therefore treats x as an unknown of its own
// (Newton on the optimality conditions in x and lambda), and is tried from every point of the dual phase.

#include "psoas/solve/redundancy.hpp"

#include "psoas/core/factor.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace psoas {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Below this part of a variable's range the second derivative of |x|^p is held constant: it tends to 0 for p > 2 and
// to infinity for p < 2. It changes the direction of a step, never the solution.
constexpr double flat = 1e-3;

// The price of a variable is a sum that cannot be known better than to this part of the sum of its magnitudes, since
// lambda is itself rounded. It shows where a nearly free variable (a contact force) meets large reserves.
constexpr double rounding = 4 * std::numeric_limits<double>::epsilon();

// A step along a direction is good enough when the directional derivative fell to this part.
constexpr double line_tolerance = 0.03;

// An acceptable answer whose residual did not halve in so many steps has met rounding.
constexpr int patience = 10;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

/// |x|^(p - 1) sign(x), without pow for the usual powers: the same bytes on every CPU type, and faster.
double slope(double x, double p) {
  if (p == 2) return x;
  const double a = std::abs(x);
  double y;
  if (p == 3)
    y = a * a;
  else if (p == 1.5)
    y = std::sqrt(a);
  else if (p == 5)
    y = (a * a) * (a * a);
  else
    y = std::pow(a, p - 1);
  return std::copysign(y, x);
}

/// The inverse of `slope`.
double inverse_slope(double y, double p) {
  if (p == 2) return y;
  const double a = std::abs(y);
  double x;
  if (p == 3)
    x = std::sqrt(a);
  else if (p == 1.5)
    x = a * a;
  else if (p == 5)
    x = std::sqrt(std::sqrt(a));
  else
    x = std::pow(a, 1 / (p - 1));
  return std::copysign(x, y);
}

/// The inverse of the second derivative of w |x|^p, held constant within `flat` of 0.
double compliance(double x, double p, double w, double range) {
  if (p == 2) return 0.5 / w;
  const double a = std::max(std::abs(x), flat * range);
  double y;
  if (p == 3)
    y = a;
  else if (p == 1.5)
    y = 1 / std::sqrt(a);
  else if (p == 5)
    y = a * a * a;
  else
    y = std::pow(a, p - 2);
  return 1 / (p * (p - 1) * w * y);
}

/// moment += factor S lambda / 2.
void add_given(const RedundancyProblem& problem, const double* multiplier, double factor, double* moment) {
  if (problem.give.empty()) return;
  const std::size_t m = index(problem.equations);
  for (std::size_t c = 0; c < m; ++c) {
    const double* column = problem.give.data() + c * m;
    const double price = 0.5 * factor * multiplier[c];
    for (std::size_t r = 0; r < m; ++r) moment[r] += column[r] * price;
  }
}

/// The `certificate`; `moment` is scratch for m numbers.
double residual_of(const RedundancyProblem& problem, const double* x, const double* reserve, const double* multiplier,
                   double* moment) {
  double worst = 0;
  const auto see = [&worst](double fault) {
    if (!(fault <= worst)) worst = std::isfinite(fault) ? fault : infinity;
  };
  for (int j = 0; j < problem.equations; ++j) moment[j] = reserve[j] - problem.target[index(j)];
  add_given(problem, multiplier, 1.0, moment);
  for (int i = 0; i < problem.variables; ++i) {
    const double p = problem.power[index(i)], low = problem.low[index(i)], high = problem.high[index(i)], xi = x[i];
    double price = 0, size = 0;
    for (int k = problem.column_start[index(i)]; k < problem.column_start[index(i) + 1]; ++k) {
      const int j = problem.row[index(k)];
      const double term = problem.value[index(k)] * multiplier[j];
      price += term;
      size += std::abs(term);
      moment[j] += problem.value[index(k)] * xi;
    }
    if (xi < low) see((low - xi) / std::max(1.0, std::abs(low)));
    if (xi > high) see((xi - high) / std::max(1.0, std::abs(high)));
    const double pw = p * problem.weight[index(i)];
    double fault = slope(xi, p) - price / pw;
    if (xi <= low) fault = std::min(fault, 0.0);  // only a cost that falls into the interval is a fault
    if (xi >= high) fault = std::max(fault, 0.0);
    if (fault == 0) continue;
    fault = std::max(std::abs(fault) - rounding * size / pw, 0.0);
    see(std::abs(xi) > 1 ? fault / std::abs(slope(xi, p)) : fault);
  }
  for (int j = 0; j < problem.equations; ++j) {
    const double scale = std::max(1.0, std::abs(problem.target[index(j)])), r0 = problem.reserve_scale[index(j)];
    see(std::abs(moment[j]) / scale);
    see(std::abs(reserve[j] - 0.5 * r0 * r0 * multiplier[j]) / scale);
  }
  return worst;
}

}  // namespace

void RedundancyProblem::resize(int m, int n, int entries) {
  equations = m;
  variables = n;
  column_start.assign(index(n) + 1, 0);
  row.assign(index(entries), 0);
  value.assign(index(entries), 0);
  target.assign(index(m), 0);
  reserve_scale.assign(index(m), 1);
  give.clear();
  weight.assign(index(n), 1);
  power.assign(index(n), 2);
  low.assign(index(n), 0);
  high.assign(index(n), 1);
}

bool RedundancyProblem::valid() const {
  if (equations < 0 || variables < 0) return false;
  const std::size_t m = index(equations), n = index(variables);
  if (column_start.size() != n + 1 || target.size() != m || reserve_scale.size() != m || weight.size() != n ||
      power.size() != n || low.size() != n || high.size() != n || row.size() != value.size())
    return false;
  if (column_start[0] != 0 || column_start[n] < 0 || index(column_start[n]) > row.size()) return false;
  for (std::size_t i = 0; i < n; ++i)
    if (column_start[i + 1] < column_start[i]) return false;
  for (std::size_t i = 0; i < n; ++i) {
    int last = -1;
    for (int k = column_start[i]; k < column_start[i + 1]; ++k) {
      if (row[index(k)] <= last || row[index(k)] >= equations || !std::isfinite(value[index(k)])) return false;
      last = row[index(k)];
    }
    if (!(weight[i] > 0 && std::isfinite(weight[i]) && power[i] >= 1.5 && std::isfinite(power[i]))) return false;
    if (!(low[i] <= high[i] && low[i] < infinity && high[i] > -infinity)) return false;
  }
  if (!give.empty() && give.size() != m * m) return false;
  for (const double s : give)
    if (!std::isfinite(s)) return false;
  for (std::size_t j = 0; j < m; ++j)
    if (!(std::isfinite(target[j]) && reserve_scale[j] > 0 && std::isfinite(reserve_scale[j]))) return false;
  return true;
}

double certificate(const RedundancyProblem& problem, const RedundancySolution& solution) {
  if (!problem.valid() || solution.x.size() != index(problem.variables) ||
      solution.reserve.size() != index(problem.equations) || solution.multiplier.size() != index(problem.equations))
    return infinity;
  std::vector<double> moment(index(problem.equations));
  return residual_of(problem, solution.x.data(), solution.reserve.data(), solution.multiplier.data(), moment.data());
}

struct RedundancySolver::Scratch {
  Scratch(int rows, int columns)
      : max_equations(rows),
        max_variables(columns),
        hessian(rows, rows),
        gradient(rows),
        step(rows),
        multiplier(rows),
        trial_multiplier(rows),
        best_multiplier(rows),
        reserve(rows),
        moment(rows),
        given(rows),
        x(columns),
        trial_x(columns),
        best_x(columns),
        price(columns),
        price_step(columns),
        soft(columns),
        fault(columns),
        range(columns),
        price_low(columns),
        price_high(columns) {}

  // Sizes are the greatest; the loops use the leading part.
  int max_equations, max_variables;
  MatX hessian;  // lower triangle, then its Cholesky factor
  VecX gradient, step, multiplier, trial_multiplier, best_multiplier, reserve, moment, given;
  VecX x, trial_x, best_x, price, price_step;
  VecX soft;                          // D, the compliance of each variable; 0 where a bound holds it
  VecX fault;                         // phi' - s, of the finish
  VecX range, price_low, price_high;  // greatest finite |bound|, else 1; phi' at the bounds

  const RedundancyProblem* problem = nullptr;
  int m = 0, n = 0;

  double x_of(int i, double s) const {
    if (s <= price_low[i]) return problem->low[index(i)];
    if (s >= price_high[i]) return problem->high[index(i)];
    const double p = problem->power[index(i)];
    return std::clamp(inverse_slope(s / (p * problem->weight[index(i)]), p), problem->low[index(i)],
                      problem->high[index(i)]);
  }

  double half_r0_squared(int j) const {
    const double r0 = problem->reserve_scale[index(j)];
    return 0.5 * r0 * r0;
  }

  void prepare(const RedundancyProblem& p) {
    problem = &p;
    m = p.equations;
    n = p.variables;
    for (int i = 0; i < n; ++i) {
      const double lo = p.low[index(i)], hi = p.high[index(i)], pw = p.power[index(i)] * p.weight[index(i)];
      price_low[i] = pw * slope(lo, p.power[index(i)]);
      price_high[i] = pw * slope(hi, p.power[index(i)]);
      double r = 0;
      if (std::isfinite(lo)) r = std::abs(lo);
      if (std::isfinite(hi)) r = std::max(r, std::abs(hi));
      range[i] = std::isfinite(lo) && std::isfinite(hi) && r > 0 ? r : std::max(r, 1.0);
    }
  }

  /// out = A^T in
  void prices(const VecX& in, VecX& out) const {
    for (int i = 0; i < n; ++i) {
      double sum = 0;
      for (int k = problem->column_start[index(i)]; k < problem->column_start[index(i) + 1]; ++k)
        sum += problem->value[index(k)] * in[problem->row[index(k)]];
      out[i] = sum;
    }
  }

  /// gradient = b - A y - r(at), and its scaled size.
  double moment_error(const VecX& y, const VecX& at) {
    for (int j = 0; j < m; ++j) gradient[j] = problem->target[index(j)] - half_r0_squared(j) * at[j];
    add_given(*problem, at.data(), -1.0, gradient.data());
    for (int i = 0; i < n; ++i) {
      if (y[i] == 0) continue;
      for (int k = problem->column_start[index(i)]; k < problem->column_start[index(i) + 1]; ++k)
        gradient[problem->row[index(k)]] -= problem->value[index(k)] * y[i];
    }
    double worst = 0;
    for (int j = 0; j < m; ++j) {
      const double e = std::abs(gradient[j]) / std::max(1.0, std::abs(problem->target[index(j)]));
      if (!(e <= worst)) worst = e;
    }
    return worst;
  }

  /// Solves (A D A^T + diag(r0^2 / 2)) step = right-hand side, which is passed in `step`. Where rounding hides that the
  /// matrix is positive definite the diagonal grows a little. False if nothing finite came out.
  bool newton_step() {
    for (const double ridge : {0.0, 1e-12, 1e-9, 1e-6}) {
      for (int c = 0; c < m; ++c)
        for (int r = c; r < m; ++r)
          hessian(r, c) = problem->give.empty() ? 0.0 : 0.5 * problem->give[index(c) * index(m) + index(r)];
      for (int i = 0; i < n; ++i) {
        if (soft[i] == 0) continue;
        const int first = problem->column_start[index(i)], last = problem->column_start[index(i) + 1];
        for (int k = first; k < last; ++k) {
          const double v = soft[i] * problem->value[index(k)];
          const int c = problem->row[index(k)];
          for (int l = k; l < last; ++l) hessian(problem->row[index(l)], c) += v * problem->value[index(l)];
        }
      }
      for (int j = 0; j < m; ++j) hessian(j, j) = (hessian(j, j) + half_r0_squared(j)) * (1 + ridge);
      Eigen::Ref<MatX> in_place = hessian.topLeftCorner(m, m);
      const Eigen::LLT<Eigen::Ref<MatX>> factor(in_place);  // in place: no memory of its own
      if (factor.info() != Eigen::Success) continue;
      auto solution = step.head(m);
      factor.solveInPlace(solution);
      for (int j = 0; j < m; ++j)
        if (!std::isfinite(step[j])) return false;
      return true;
    }
    return false;
  }

  double residual(const VecX& y, const VecX& at) {
    for (int j = 0; j < m; ++j) reserve[j] = half_r0_squared(j) * at[j];
    return residual_of(*problem, y.data(), reserve.data(), at.data(), moment.data());
  }

  void keep(const VecX& y, const VecX& at) {
    for (int i = 0; i < n; ++i) best_x[i] = y[i];
    for (int j = 0; j < m; ++j) best_multiplier[j] = at[j];
  }

  double clamp(int i, double y) const { return std::clamp(y, problem->low[index(i)], problem->high[index(i)]); }

  /// Compliance of each variable: its mean slope dx/ds over as far as the last step moved its price (`moved` times
  /// price_step) to either side; the slope itself once steps are small, so that Newton's convergence is kept. The mean
  /// sees the bounds and the steep places that the slope at one point misses: it needs a third fewer steps where many
  /// bounds change, and copes with high powers.
  void soften(double moved) {
    for (int i = 0; i < n; ++i) {
      const double reach = moved * std::abs(price_step[i]);
      if (reach > 1e-9 * std::abs(price[i]))
        soft[i] = (x_of(i, price[i] + reach) - x_of(i, price[i] - reach)) / (2 * reach);
      else
        soft[i] = price[i] <= price_low[i] || price[i] >= price_high[i]
                      ? 0
                      : compliance(x[i], problem->power[index(i)], problem->weight[index(i)], range[i]);
    }
  }

  /// For a cold start: the mean compliance over the range of each variable. At lambda = 0 most variables sit on a
  /// bound, and the true Hessian would know the reserves only.
  void soften_mean() {
    for (int i = 0; i < n; ++i) {
      const double lo = problem->low[index(i)], hi = problem->high[index(i)], p = problem->power[index(i)];
      if (lo == hi)
        soft[i] = 0;
      else if (std::isfinite(lo) && std::isfinite(hi) && price_low[i] < price_high[i])
        soft[i] = (hi - lo) / (price_high[i] - price_low[i]);
      else
        soft[i] = compliance(range[i], p, problem->weight[index(i)], range[i]);
    }
  }

  /// The length along `step` at which the dual is greatest, given its derivative at 0.
  double search(double derivative) {
    double quadratic = 0;
    for (int j = 0; j < m; ++j) quadratic += half_r0_squared(j) * step[j] * step[j];
    if (!problem->give.empty()) {
      given.setZero();
      add_given(*problem, step.data(), 1.0, given.data());
      for (int j = 0; j < m; ++j) quadratic += step[j] * given[j];
    }
    // Written with differences of x: close to the solution the derivative is a small difference of large sums.
    const auto at = [&](double t) {
      double sum = derivative - t * quadratic;
      for (int i = 0; i < n; ++i)
        if (price_step[i] != 0) sum -= price_step[i] * (x_of(i, price[i] + t * price_step[i]) - x[i]);
      return sum;
    };
    const double enough = line_tolerance * derivative;
    double low = 0, at_low = derivative, high = 1, at_high = at(1);
    while (at_high > enough) {
      low = high;
      at_low = at_high;
      high *= 4;
      at_high = at(high);
      if (high > 1e12) return low;
    }
    if (std::abs(at_high) <= enough) return high;
    // Regula falsi (Illinois); every third step a bisection, since the derivative can fall steeply at one end.
    int side = 0;
    double weight_low = at_low, weight_high = at_high;
    for (int k = 1; k <= 60; ++k) {
      double t = k % 3 == 0 ? 0.5 * (low + high) : low + (high - low) * weight_low / (weight_low - weight_high);
      if (!(t > low && t < high)) t = 0.5 * (low + high);
      const double y = at(t);
      if (std::abs(y) <= enough) return t;
      if (y > 0) {
        low = t;
        weight_low = y;
        if (side > 0) weight_high *= 0.5;
        side = 1;
      } else {
        high = t;
        weight_high = y;
        if (side < 0) weight_low *= 0.5;
        side = -1;
      }
    }
    return low > 0 ? low : high;
  }

  /// Newton on the optimality conditions in (x, lambda), from trial_x and trial_multiplier with the given residual.
  /// Goes on while it gains; keeps what is best.
  void finish(double start, double tolerance, int limit, double& best, int& iterations) {
    double now = start;
    for (int k = 0; k < 12 && iterations < limit; ++k) {
      prices(trial_multiplier, fault);
      moment_error(trial_x, trial_multiplier);
      for (int j = 0; j < m; ++j) step[j] = gradient[j];
      for (int i = 0; i < n; ++i) {
        const double p = problem->power[index(i)], w = problem->weight[index(i)], y = trial_x[i];
        const double lo = problem->low[index(i)], hi = problem->high[index(i)];
        fault[i] = p * w * slope(y, p) - fault[i];
        soft[i] =
            lo == hi || (y <= lo && fault[i] >= 0) || (y >= hi && fault[i] <= 0) ? 0 : compliance(y, p, w, range[i]);
        if (soft[i] == 0 || fault[i] == 0) continue;
        for (int l = problem->column_start[index(i)]; l < problem->column_start[index(i) + 1]; ++l)
          step[problem->row[index(l)]] += problem->value[index(l)] * soft[i] * fault[i];
      }
      ++iterations;
      if (!newton_step()) return;
      for (int i = 0; i < n; ++i) {
        if (soft[i] == 0) continue;
        double change = -fault[i];
        for (int l = problem->column_start[index(i)]; l < problem->column_start[index(i) + 1]; ++l)
          change += problem->value[index(l)] * step[problem->row[index(l)]];
        trial_x[i] = clamp(i, trial_x[i] + soft[i] * change);
      }
      for (int j = 0; j < m; ++j) trial_multiplier[j] += step[j];
      const double next = residual(trial_x, trial_multiplier);
      if (next < best) {
        best = next;
        keep(trial_x, trial_multiplier);
      }
      if (best <= tolerance || !(next <= 0.5 * now)) return;
      now = next;
    }
  }

  /// The two phases; the answer is best_x, best_multiplier. Returns the number of linear systems.
  int run(const RedundancyOptions& options) {
    bool warm = options.warm_start.size() == index(m);
    for (int j = 0; j < m; ++j)  // beyond 1e100 squares overflow, and no problem nearby has such a price
      warm = warm && std::abs(options.warm_start[index(j)]) < 1e100;
    for (int j = 0; j < m; ++j) multiplier[j] = warm ? options.warm_start[index(j)] : 0;
    double best = infinity;
    int iterations = 0;
    double mark = infinity;  // the best residual when it last halved, and how many steps ago
    int since = 0;
    double moved = 0;  // the last step length, 0 before the first
    for (int i = 0; i < n; ++i) price_step[i] = 0;
    for (int round = 0;; ++round) {
      prices(multiplier, price);
      for (int i = 0; i < n; ++i) x[i] = x_of(i, price[i]);
      const double error = moment_error(x, multiplier);
      if (error < best || round == 0) {
        const double now = residual(x, multiplier);
        if (now < best || round == 0) {
          best = now;
          keep(x, multiplier);
        }
      }
      if (best <= options.tolerance || iterations >= options.max_iterations) break;
      since = best <= 0.5 * mark ? 0 : since + 1;
      if (since == 0) mark = best;
      if (since >= patience && best <= options.accept) break;

      for (int j = 0; j < m; ++j) step[j] = gradient[j];
      if (round == 0 && !warm)
        soften_mean();
      else
        soften(moved);
      ++iterations;
      if (!newton_step()) break;
      prices(step, price_step);

      // The same step with x moving along its tangent. Where that is already better, it is worth following.
      for (int i = 0; i < n; ++i) trial_x[i] = clamp(i, x[i] + soft[i] * price_step[i]);
      for (int j = 0; j < m; ++j) trial_multiplier[j] = multiplier[j] + step[j];
      const double tangent = residual(trial_x, trial_multiplier);
      if (tangent < best) {
        best = tangent;
        keep(trial_x, trial_multiplier);
        if (best <= options.tolerance) break;
      }

      double derivative = 0;
      for (int j = 0; j < m; ++j) derivative += gradient[j] * step[j];
      if (!(derivative > 0)) break;
      moved = search(derivative);
      for (int j = 0; j < m; ++j) multiplier[j] += moved * step[j];

      if (tangent <= 0.1 * error) {
        finish(tangent, options.tolerance, options.max_iterations, best, iterations);
        if (best <= options.tolerance) break;
      }
    }
    return iterations;
  }
};

RedundancySolver::RedundancySolver(int max_equations, int max_variables)
    : scratch_(std::make_unique<Scratch>(std::max(max_equations, 0), std::max(max_variables, 0))) {}
RedundancySolver::~RedundancySolver() = default;
RedundancySolver::RedundancySolver(RedundancySolver&&) noexcept = default;
RedundancySolver& RedundancySolver::operator=(RedundancySolver&&) noexcept = default;

void RedundancySolver::solve(const RedundancyProblem& problem, RedundancySolution& solution,
                             const RedundancyOptions& options) {
  solution.converged = false;
  solution.iterations = 0;
  solution.cost = 0;
  solution.residual = infinity;
  if (!problem.valid() || problem.equations > scratch_->max_equations || problem.variables > scratch_->max_variables)
    return;
  const int m = problem.equations, n = problem.variables;
  solution.x.resize(index(n));
  solution.reserve.resize(index(m));
  solution.multiplier.resize(index(m));

  Scratch& s = *scratch_;
  s.prepare(problem);
  solution.iterations = s.run(options);

  for (int i = 0; i < n; ++i) solution.x[index(i)] = s.best_x[i];
  for (int j = 0; j < m; ++j) {
    solution.multiplier[index(j)] = s.best_multiplier[j];
    solution.reserve[index(j)] = s.half_r0_squared(j) * s.best_multiplier[j];
  }
  solution.residual =
      residual_of(problem, solution.x.data(), solution.reserve.data(), solution.multiplier.data(), s.moment.data());
  solution.converged = solution.residual <= options.accept;
  for (int i = 0; i < n; ++i)
    solution.cost += problem.weight[index(i)] * std::abs(solution.x[index(i)]) *
                     std::abs(slope(solution.x[index(i)], problem.power[index(i)]));
  for (int j = 0; j < m; ++j) {
    const double ratio = solution.reserve[index(j)] / problem.reserve_scale[index(j)];
    solution.cost += ratio * ratio;
  }
  if (!problem.give.empty()) {
    s.given.setZero();
    add_given(problem, solution.multiplier.data(), 1.0, s.given.data());
    for (int j = 0; j < m; ++j) solution.cost += 0.5 * solution.multiplier[index(j)] * s.given[j];
  }
}

}  // namespace psoas
