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
//
// Where all powers are 2 the finish ends in the solution of linear equations that say no more than which variables are at
// their bounds: that has the same bits from any start.
//
// Columns of A that have their entries in the same equations (muscles that cross the same joints) are kept together as
// small dense matrices, so that products with A and A D A^T run over pairs of variables. Sums have a fixed order.
//
// Compiled with -O3, so that g++ makes vector instructions of loops, and -fno-trapping-math, without which it keeps
// every comparison a branch; neither moves a bit.

#include "psoas/solve/redundancy.hpp"

#include "psoas/core/linear.hpp"

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>

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
constexpr double line_tolerance = 0.3;

// An acceptable answer whose residual did not halve in so many steps has met rounding.
constexpr int patience = 10;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

/// Two neighbours at a time.
using Two = Eigen::Array2d;
using In = Eigen::Map<const Two, Eigen::Aligned16>;
using Out = Eigen::Map<Two, Eigen::Aligned16>;

/// The least even number that is not below.
int even(int count) { return count + (count & 1); }

// What a power p is to the solver: slope(x) = |x|^(p - 1) sign(x), its inverse, and stiffness(a) = |a|^(p - 2). The usual
// powers do without pow: the same bytes on every CPU type, and faster.
struct Square {
  static constexpr double p = 2;
  static double slope(double x) { return x; }
  static double inverse(double y) { return y; }
  static double stiffness(double) { return 1; }
};
struct Cube {
  static constexpr double p = 3;
  static double slope(double x) { return std::copysign(x * x, x); }
  static double inverse(double y) { return std::copysign(std::sqrt(std::abs(y)), y); }
  static double stiffness(double a) { return a; }
};
struct ThreeHalves {
  static constexpr double p = 1.5;
  static double slope(double x) { return std::copysign(std::sqrt(std::abs(x)), x); }
  static double inverse(double y) { return std::copysign(y * y, y); }
  static double stiffness(double a) { return 1 / std::sqrt(a); }
};
struct Fifth {
  static constexpr double p = 5;
  static double slope(double x) { return std::copysign((x * x) * (x * x), x); }
  static double inverse(double y) { return std::copysign(std::sqrt(std::sqrt(std::abs(y))), y); }
  static double stiffness(double a) { return a * a * a; }
};
struct AnyPower {
  double p;
  double slope(double x) const { return std::copysign(std::pow(std::abs(x), p - 1), x); }
  double inverse(double y) const { return std::copysign(std::pow(std::abs(y), 1 / (p - 1)), y); }
  double stiffness(double a) const { return std::pow(a, p - 2); }
};

/// Calls `body` with what a power is.
template <class Body>
auto with_law(double p, const Body& body) {
  if (p == 2) return body(Square{});
  if (p == 3) return body(Cube{});
  if (p == 1.5) return body(ThreeHalves{});
  if (p == 5) return body(Fifth{});
  return body(AnyPower{p});
}

double slope(double x, double p) {
  return with_law(p, [x](const auto& law) { return law.slope(x); });
}

/// Whether all of `count` numbers are finite.
bool all_finite(const double* values, std::size_t count) {
  // a finite number times 0 is 0, any other is not a number
  return (Eigen::Map<const Eigen::ArrayXd>(values, static_cast<Eigen::Index>(count)) * 0.0).sum() == 0.0;
}

bool sizes_agree(const RedundancyProblem& problem) {
  if (problem.equations < 0 || problem.variables < 0) return false;
  const std::size_t m = index(problem.equations), n = index(problem.variables);
  return problem.column_start.size() == n + 1 && problem.target.size() == m && problem.reserve_scale.size() == m &&
         problem.weight.size() == n && problem.power.size() == n && problem.low.size() == n &&
         problem.high.size() == n && problem.row.size() == problem.value.size() &&
         (problem.give.empty() || problem.give.size() == m * m) && problem.column_start[0] == 0 &&
         problem.column_start[n] >= 0 && index(problem.column_start[n]) <= problem.row.size();
}

/// Columns, rows and powers, of a problem whose sizes agree.
bool structure_valid(const RedundancyProblem& problem) {
  const std::size_t n = index(problem.variables);
  for (std::size_t i = 0; i < n; ++i)
    if (problem.column_start[i + 1] < problem.column_start[i]) return false;
  for (std::size_t i = 0; i < n; ++i) {
    int last = -1;
    for (int k = problem.column_start[i]; k < problem.column_start[i + 1]; ++k) {
      if (problem.row[index(k)] <= last || problem.row[index(k)] >= problem.equations) return false;
      last = problem.row[index(k)];
    }
    if (!(problem.power[i] >= 1.5 && std::isfinite(problem.power[i]))) return false;
  }
  return true;
}

/// All other numbers, of a problem whose structure is valid.
bool numbers_valid(const RedundancyProblem& problem) {
  const std::size_t m = index(problem.equations), n = index(problem.variables);
  for (std::size_t i = 0; i < n; ++i) {
    if (!(problem.weight[i] > 0 && std::isfinite(problem.weight[i]))) return false;
    if (!(problem.low[i] <= problem.high[i] && problem.low[i] < infinity && problem.high[i] > -infinity)) return false;
  }
  for (std::size_t j = 0; j < m; ++j)
    if (!(problem.reserve_scale[j] > 0 && std::isfinite(problem.reserve_scale[j]))) return false;
  return all_finite(problem.value.data(), index(problem.column_start[n])) && all_finite(problem.target.data(), m) &&
         all_finite(problem.give.data(), problem.give.size());
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

/// The `certificate`; `moment` and `price` are scratch for m and n numbers.
double residual_of(const RedundancyProblem& problem, const double* x, const double* reserve, const double* multiplier,
                   double* moment, double* price) {
  double worst = 0;
  const auto see = [&worst](double fault) {
    if (!(fault <= worst)) worst = std::isfinite(fault) ? fault : infinity;
  };
  for (int j = 0; j < problem.equations; ++j) moment[j] = reserve[j] - problem.target[index(j)];
  add_given(problem, multiplier, 1.0, moment);
  for (int i = 0; i < problem.variables; ++i) {
    const double xi = x[i];
    double sum = 0;
    for (int k = problem.column_start[index(i)]; k < problem.column_start[index(i) + 1]; ++k) {
      const int j = problem.row[index(k)];
      const double value = problem.value[index(k)];
      sum += value * multiplier[j];
      moment[j] += value * xi;
    }
    price[i] = sum;
  }
  for (int j = 0; j < problem.equations; ++j) {
    const double scale = std::max(1.0, std::abs(problem.target[index(j)])), r0 = problem.reserve_scale[index(j)];
    see(std::abs(moment[j]) / scale);
    see(std::abs(reserve[j] - 0.5 * r0 * r0 * multiplier[j]) / scale);
  }
  for (int i = 0; i < problem.variables; ++i) {
    const double p = problem.power[index(i)], low = problem.low[index(i)], high = problem.high[index(i)], xi = x[i];
    if (xi < low) see((low - xi) / std::max(1.0, std::abs(low)));
    if (xi > high) see((xi - high) / std::max(1.0, std::abs(high)));
    const double pw = p * problem.weight[index(i)];
    double fault = slope(xi, p) - price[i] / pw;
    if (xi <= low) fault = std::min(fault, 0.0);  // only a cost that falls into the interval is a fault
    if (xi >= high) fault = std::max(fault, 0.0);
    if (std::abs(fault) <= worst) continue;  // what rounding excuses would only lessen it
    double size = 0;
    for (int k = problem.column_start[index(i)]; k < problem.column_start[index(i) + 1]; ++k)
      size += std::abs(problem.value[index(k)] * multiplier[problem.row[index(k)]]);
    fault = std::max(std::abs(fault) - rounding * size / pw, 0.0);
    see(std::abs(xi) > 1 ? fault / std::abs(slope(xi, p)) : fault);
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

bool RedundancyProblem::valid() const { return sizes_agree(*this) && structure_valid(*this) && numbers_valid(*this); }

double certificate(const RedundancyProblem& problem, const RedundancySolution& solution) {
  if (!problem.valid() || solution.x.size() != index(problem.variables) ||
      solution.reserve.size() != index(problem.equations) || solution.multiplier.size() != index(problem.equations))
    return infinity;
  std::vector<double> moment(index(problem.equations)), price(index(problem.variables));
  return residual_of(problem, solution.x.data(), solution.reserve.data(), solution.multiplier.data(), moment.data(),
                     price.data());
}

struct RedundancySolver::Scratch {
  Scratch(int rows, int columns)
      : max_equations(rows),
        max_variables(columns),
        column_start(index(columns) + 1),
        row(index(rows) * index(columns)),
        power(index(columns)),
        place(index(columns)),
        variable(2 * index(columns)),
        groups(index(columns)),
        runs(index(columns)),
        active(index(columns)),
        panel(2 * rows * columns),
        weighed((rows + 1) * (columns + 1)),
        root(columns),
        hessian(even(rows) * even(rows)),
        pivot(rows),
        gradient(rows),
        step(even(rows)),
        multiplier(rows),
        trial_multiplier(rows),
        best_multiplier(rows),
        reserve(rows),
        moment(rows),
        given(rows) {
    groups.clear();
    runs.clear();
    for (VecX* values : {&low, &high, &price_factor, &price_part, &price_low, &price_high, &range, &x, &trial_x,
                         &best_x, &price, &trial_price, &price_step, &change, &soft, &fault, &term})
      values->resize(2 * columns);
  }

  /// Variables of one power whose columns have their entries in the same equations. Their places follow one another,
  /// with one more that stands for nothing where their number is odd.
  struct Group {
    int first, count;     // places
    int padded;           // count, made even
    int rows, first_row;  // its equations: row[first_row] …
    int values;           // panel[values + r padded + j] is the entry of its equation r, variable j
  };
  /// Places of one power.
  struct Run {
    int first, last;
    double power;
  };

  // Sizes are the greatest; the loops use the leading part.
  int max_equations, max_variables;

  // The structure of problems, kept until one of another structure comes.
  int m = -1, n = -1, places = 0;
  std::vector<int> column_start, row;
  std::vector<double> power;
  std::vector<int> place, variable;  // where each variable is, and what each place stands for, or -1
  std::vector<Group> groups;
  std::vector<Run> runs;

  std::vector<int> active;  // of a group: variables that no bound holds
  VecX panel;               // A, group by group
  VecX weighed, root;       // A sqrt(D) of a group's active variables, and sqrt(D)
  VecX hessian;             // even(m) a column; the lower triangle, then its Cholesky factor
  VecX pivot;               // 1 / the diagonal of the factor
  bool factored = false;    // `hessian` holds the factor that belongs to `soft`
  VecX gradient, step, multiplier, trial_multiplier, best_multiplier, reserve, moment, given;

  // By place.
  VecX low, high;
  VecX price_factor, price_part;  // p w and 1 / (p w)
  VecX price_low, price_high;     // phi' at the bounds
  VecX range;                     // greatest finite |bound|, else 1
  VecX x, trial_x, best_x, price, trial_price, price_step, change;
  VecX soft;   // D, the compliance of each variable; 0 where a bound holds it
  VecX fault;  // phi' - s
  VecX term;   // of a sum over variables

  const RedundancyProblem* problem = nullptr;

  double half_r0_squared(int j) const {
    const double r0 = problem->reserve_scale[index(j)];
    return 0.5 * r0 * r0;
  }

  // ---- structure

  bool knows(const RedundancyProblem& p) const {
    return m == p.equations && n == p.variables &&
           std::equal(p.column_start.begin(), p.column_start.end(), column_start.begin()) &&
           std::equal(p.row.begin(), p.row.begin() + p.column_start.back(), row.begin()) &&
           std::equal(p.power.begin(), p.power.end(), power.begin());
  }

  void learn(const RedundancyProblem& p) {
    m = p.equations;
    n = p.variables;
    std::copy(p.column_start.begin(), p.column_start.end(), column_start.begin());
    std::copy(p.row.begin(), p.row.begin() + p.column_start.back(), row.begin());
    std::copy(p.power.begin(), p.power.end(), power.begin());
    const auto rows_of = [this](int i) {
      return std::span(row).subspan(index(column_start[index(i)]),
                                    index(column_start[index(i) + 1] - column_start[index(i)]));
    };
    const auto compare = [&](int i, int k) {
      const auto a = rows_of(i), b = rows_of(k);
      return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
    };
    // the order of variables, until they have places
    const auto order = std::span(place).first(index(n));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int i, int k) {
      if (power[index(i)] != power[index(k)]) return power[index(i)] < power[index(k)];
      const auto rows = compare(i, k);
      return std::is_eq(rows) ? i < k : std::is_lt(rows);
    });
    groups.clear();
    runs.clear();
    places = 0;
    int values = 0;
    for (int first = 0, last = 0; first < n; first = last) {
      const int lead = order[index(first)];
      const double own = power[index(lead)];
      for (; last < n && power[index(order[index(last)])] == own && std::is_eq(compare(order[index(last)], lead));
           ++last)
        variable[index(places + last - first)] = order[index(last)];
      const int count = last - first, rows = static_cast<int>(rows_of(lead).size());
      if (count < even(count)) variable[index(places + count)] = -1;
      groups.push_back({places, count, even(count), rows, column_start[index(lead)], values});
      if (runs.empty() || runs.back().power != own) runs.push_back({places, places, own});
      places += even(count);
      values += even(count) * rows;
      runs.back().last = places;
    }
    for (int at = 0; at < places; ++at)
      if (variable[index(at)] >= 0) place[index(variable[index(at)])] = at;
    panel.head(values).setZero();
  }

  void prepare(const RedundancyProblem& p) {
    problem = &p;
    for (const Group& g : groups)
      for (int j = 0; j < g.count; ++j) {
        const double* column = p.value.data() + column_start[index(variable[index(g.first + j)])];
        for (int r = 0; r < g.rows; ++r) panel[g.values + r * g.padded + j] = column[r];
      }
    for (int at = 0; at < places; ++at) {
      const int i = variable[index(at)];
      const bool none = i < 0;  // a variable fixed at 0
      low[at] = none ? 0 : p.low[index(i)];
      high[at] = none ? 0 : p.high[index(i)];
      price_factor[at] = none ? 1 : p.weight[index(i)];
    }
    each_run([this](const auto& law, int first, int last) {
      for (int i = first; i < last; ++i) {
        price_factor[i] *= law.p;
        price_part[i] = 1 / price_factor[i];
        price_low[i] = price_factor[i] * law.slope(low[i]);
        price_high[i] = price_factor[i] * law.slope(high[i]);
        const double below = std::abs(low[i]), above = std::abs(high[i]), greatest = below > above ? below : above,
                     least = below > above ? above : below;  // the finite one, if any
        const double r = greatest < infinity ? greatest : least < infinity ? std::max(least, 1.0) : 1.0;
        range[i] = r > 0 ? r : 1.0;
      }
    });
  }

  // ---- products with A

  /// out = A^T in, or |A|^T |in|
  template <bool magnitudes = false>
  void prices(const VecX& in, VecX& out) const {
    const auto factor = [](double value) { return magnitudes ? std::abs(value) : value; };
    const auto two = [](const double* values) -> Two {
      if constexpr (magnitudes)
        return In(values).abs();
      else
        return In(values);
    };
    for (const Group& g : groups) {
      const int* at = row.data() + g.first_row;
      const double* v = panel.data() + g.values;
      double* to = out.data() + g.first;
      const int s = g.padded;
      for (int j = 0; j < s; j += 2) Out(to + j).setZero();
      int r = 0;
      for (; r + 4 <= g.rows; r += 4, v += 4 * s) {
        const double a = factor(in[at[r]]), b = factor(in[at[r + 1]]), c = factor(in[at[r + 2]]),
                     d = factor(in[at[r + 3]]);
        for (int j = 0; j < s; j += 2)
          Out(to + j) += (two(v + j) * a + two(v + s + j) * b) + (two(v + 2 * s + j) * c + two(v + 3 * s + j) * d);
      }
      for (; r < g.rows; ++r, v += s) {
        const double a = factor(in[at[r]]);
        for (int j = 0; j < s; j += 2) Out(to + j) += two(v + j) * a;
      }
    }
  }

  /// to += factor A y. `sparse` if most of y is 0.
  template <bool sparse = false>
  void add_moments(const VecX& y, double factor, VecX& to) const {
    for (const Group& g : groups) {
      const int* at = row.data() + g.first_row;
      const double *v = panel.data() + g.values, *of = y.data() + g.first;
      const int s = g.padded;
      if (sparse && std::all_of(of, of + s, [](double yj) { return yj == 0; })) continue;
      int r = 0;
      for (; r + 4 <= g.rows; r += 4, v += 4 * s) {
        Two a = Two::Zero(), b = a, c = a, d = a;
        for (int j = 0; j < s; j += 2) {
          const Two yj = In(of + j);
          a += In(v + j) * yj;
          b += In(v + s + j) * yj;
          c += In(v + 2 * s + j) * yj;
          d += In(v + 3 * s + j) * yj;
        }
        to[at[r]] += factor * a.sum();
        to[at[r + 1]] += factor * b.sum();
        to[at[r + 2]] += factor * c.sum();
        to[at[r + 3]] += factor * d.sum();
      }
      for (; r < g.rows; ++r, v += s) {
        Two a = Two::Zero();
        for (int j = 0; j < s; j += 2) a += In(v + j) * In(of + j);
        to[at[r]] += factor * a.sum();
      }
    }
  }

  /// The lower triangle of A D A^T is added to `hessian`.
  void add_compliance() {
    const int stride = even(m);
    for (const Group& g : groups) {
      int held = 0;
      for (int j = 0; j < g.count; ++j)
        if (soft[g.first + j] != 0) {
          active[index(held)] = j;
          root[held++] = std::sqrt(soft[g.first + j]);
        }
      if (held == 0 || g.rows == 0) continue;
      const int s = even(held), k = g.rows;
      const int* at = row.data() + g.first_row;
      if (held == 1) {
        const double* v = panel.data() + g.values + active[0];
        for (int c = 0; c < k; ++c) {
          const double f = v[c * g.padded] * soft[g.first + active[0]];
          double* to = hessian.data() + at[c] * stride;
          for (int r = c; r < k; ++r) to[at[r]] += v[r * g.padded] * f;
        }
        continue;
      }
      double* w = weighed.data();
      for (int r = 0; r < k; ++r, w += s) {
        const double* v = panel.data() + g.values + r * g.padded;
        for (int j = 0; j < held; ++j) w[j] = v[active[index(j)]] * root[j];
        if (held < s) w[held] = 0;
      }
      if (k & 1) std::fill_n(w, s, 0.0);  // rows in pairs, too
      for (int c = 0; c < k; c += 2) {
        const double *w0 = weighed.data() + c * s, *w1 = w0 + s;
        double* to0 = hessian.data() + at[c] * stride;
        double* to1 = c + 1 < k ? hessian.data() + at[c + 1] * stride : nullptr;
        for (int r = c; r < k; r += 2) {
          const double *v0 = weighed.data() + r * s, *v1 = v0 + s;
          Two s00 = Two::Zero(), s10 = s00, s01 = s00, s11 = s00;
          for (int j = 0; j < s; j += 2) {
            const Two a = In(v0 + j), b = In(v1 + j), p = In(w0 + j), q = In(w1 + j);
            s00 += a * p;
            s10 += b * p;
            s01 += a * q;
            s11 += b * q;
          }
          to0[at[r]] += s00.sum();
          if (to1 && r > c) to1[at[r]] += s01.sum();
          if (r + 1 == k) continue;
          to0[at[r + 1]] += s10.sum();
          to1[at[r + 1]] += s11.sum();
        }
      }
    }
  }

  // ---- the linear system

  /// Factors `hessian` in place, four columns at a time. False if it is not positive definite.
  bool factor() {
    const int stride = even(m);
    for (int j = 0; j < m; j += 4) {
      const int end = std::min(j + 4, m);
      double* column = hessian.data() + j * stride;
      for (int c = j; c < end; ++c) {
        double* own = hessian.data() + c * stride;
        for (const double* left = column; left < own; left += stride) {
          const double f = left[c];
          for (int r = c & ~1; r < stride; r += 2) Out(own + r) -= In(left + r) * f;
        }
        if (!(own[c] > 0)) return false;
        const double diagonal = std::sqrt(own[c]);
        pivot[c] = 1 / diagonal;
        for (int r = c & ~1; r < stride; r += 2) Out(own + r) *= pivot[c];
        own[c] = diagonal;
      }
      if (end == m) break;
      const double *c0 = column, *c1 = c0 + stride, *c2 = c1 + stride, *c3 = c2 + stride;
      for (int k = end; k < m; ++k) {
        const double a = c0[k], b = c1[k], c = c2[k], d = c3[k];
        double* own = hessian.data() + k * stride;
        for (int r = k & ~1; r < stride; r += 2)
          Out(own + r) -= (In(c0 + r) * a + In(c1 + r) * b) + (In(c2 + r) * c + In(c3 + r) * d);
      }
    }
    return true;
  }

  /// Solves for `step` with the factor.
  void substitute() {
    const int stride = even(m);
    if (m < stride) step[m] = 0;
    for (int c = 0; c < m; ++c) {
      const double* own = hessian.data() + c * stride;
      const int even_row = even(c + 1);
      const double y = step[c] * pivot[c];
      step[c] = y;
      if (even_row > c + 1) step[c + 1] -= own[c + 1] * y;
      for (int r = even_row; r < stride; r += 2) Out(step.data() + r) -= In(own + r) * y;
    }
    for (int c = m - 1; c >= 0; --c) {
      const double* own = hessian.data() + c * stride;
      const int even_row = even(c + 1);
      Two sum = Two::Zero();
      for (int r = even_row; r < stride; r += 2) sum += In(own + r) * In(step.data() + r);
      double rest = step[c] - sum.sum();
      if (even_row > c + 1) rest -= own[c + 1] * step[c + 1];
      step[c] = rest * pivot[c];
    }
  }

  /// Solves (A D A^T + diag(r0^2 / 2)) step = right-hand side, which is passed in `step`. Where rounding hides that the
  /// matrix is positive definite the diagonal grows a little. False if nothing finite came out.
  bool newton_step() {
    const int stride = even(m);
    factored = false;
    for (const double ridge : {0.0, 1e-12, 1e-9, 1e-6}) {
      hessian.head(stride * m).setZero();
      if (!problem->give.empty())
        for (int c = 0; c < m; ++c)
          for (int r = c; r < m; ++r) hessian[c * stride + r] = 0.5 * problem->give[index(c * m + r)];
      add_compliance();
      for (int j = 0; j < m; ++j) {
        double& diagonal = hessian[j * stride + j];
        diagonal = (diagonal + half_r0_squared(j)) * (1 + ridge);
      }
      if (!factor()) continue;
      factored = ridge == 0;
      substitute();
      return step.head(m).allFinite();
    }
    return false;
  }

  // ---- loops over variables

  /// Calls `body(law, first, last)` for the places of one power after another.
  template <class Body>
  void each_run(const Body& body) const {
    for (const Run& run : runs) with_law(run.power, [&](const auto& law) { body(law, run.first, run.last); });
  }

  double clamp(int i, double y) const {
    y = y < low[i] ? low[i] : y;
    return y > high[i] ? high[i] : y;
  }

  template <class Law>
  double x_of(const Law& law, int i, double s) const {
    const double y = clamp(i, law.inverse(s * price_part[i])), above = s >= price_high[i] ? high[i] : y;
    return s <= price_low[i] ? low[i] : above;
  }

  /// The inverse of the second derivative of w |x|^p, held constant within `flat` of 0.
  template <class Law>
  double compliance(const Law& law, int i, double y) const {
    const double least = flat * range[i], size = std::abs(y);
    return price_part[i] / ((law.p - 1) * law.stiffness(size < least ? least : size));
  }

  /// gradient = b - A y - r(at), and its scaled size.
  double moment_error(const VecX& y, const VecX& at) {
    for (int j = 0; j < m; ++j) gradient[j] = problem->target[index(j)] - half_r0_squared(j) * at[j];
    add_given(*problem, at.data(), -1.0, gradient.data());
    add_moments(y, -1.0, gradient);
    return scaled(gradient);
  }

  /// The size of errors of equations.
  double scaled(const VecX& error) const {
    double worst = 0;
    for (int j = 0; j < m; ++j) {
      const double e = std::abs(error[j]) / std::max(1.0, std::abs(problem->target[index(j)]));
      if (!(e <= worst)) worst = std::isfinite(e) ? e : infinity;
    }
    return worst;
  }

  /// The certificate at y, which is in its bounds, and at multipliers with their prices, given the `moment_error`. What
  /// rounding excuses is counted only where it decides: below `tolerance` the result may be too large.
  double residual(double error, const VecX& y, const VecX& at, const VecX& prices_at, double tolerance) {
    const auto worst_fault = [&](const auto& excused) {
      each_run([&](const auto& law, int first, int last) {
        for (int i = first; i < last; ++i) {
          const double own = law.slope(y[i]), size = std::abs(own), f = own - prices_at[i] * price_part[i];
          const bool held = (y[i] <= low[i] && f > 0) || (y[i] >= high[i] && f < 0);
          const double left = held ? 0.0 : excused(i, std::abs(f));
          term[i] = left / (size > 1 ? size : 1.0);
        }
      });
      double worst = 0;
      for (int i = 0; i < places; ++i) worst = term[i] > worst ? term[i] : worst;
      return worst;
    };
    const double plain = worst_fault([](int, double f) { return f; });
    if (plain <= std::max(error, tolerance)) return std::max(error, plain);
    prices<true>(at, change);
    const double excused = worst_fault([this](int i, double f) {
      const double left = f - rounding * change[i] * price_part[i];
      return left > 0 ? left : 0.0;
    });
    return std::max(error, excused);
  }

  void keep(const VecX& y, const VecX& at) {
    best_x.head(places) = y.head(places);
    best_multiplier.head(m) = at.head(m);
  }

  /// Compliance of each variable: its mean slope dx/ds over as far as the last step moved its price (`moved` times
  /// price_step) to either side; the slope itself once steps are small, so that Newton's convergence is kept. The mean
  /// sees the bounds and the steep places that the slope at one point misses: it needs a third fewer steps where many
  /// bounds change, and copes with high powers.
  void soften(double moved) {
    each_run([&](const auto& law, int first, int last) {
      for (int i = first; i < last; ++i) {
        const double s = price[i], reach = moved * std::abs(price_step[i]);
        const double mean = (x_of(law, i, s + reach) - x_of(law, i, s - reach)) / (2 * reach);
        const double slope = s <= price_low[i] || s >= price_high[i] ? 0 : compliance(law, i, x[i]);
        soft[i] = reach > 1e-9 * std::abs(s) ? mean : slope;
      }
    });
  }

  /// For a cold start: the mean compliance over the range of each variable. At lambda = 0 most variables sit on a
  /// bound, and the true Hessian would know the reserves only.
  void soften_mean() {
    each_run([&](const auto& law, int first, int last) {
      for (int i = first; i < last; ++i)
        if (low[i] == high[i])
          soft[i] = 0;
        else if (std::isfinite(low[i]) && std::isfinite(high[i]) && price_low[i] < price_high[i])
          soft[i] = (high[i] - low[i]) / (price_high[i] - price_low[i]);
        else
          soft[i] = compliance(law, i, range[i]);
    });
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
      each_run([&](const auto& law, int first, int last) {
        for (int i = first; i < last; ++i)
          term[i] = price_step[i] * (x_of(law, i, price[i] + t * price_step[i]) - x[i]);
      });
      Two sum = Two::Zero();
      for (int i = 0; i < places; i += 2) sum += In(term.data() + i);
      return derivative - t * quadratic - sum.sum();
    };
    const double enough = line_tolerance * derivative;
    double near = 0, at_near = derivative, far = 1, at_far = at(1);
    while (at_far > enough) {
      near = far;
      at_near = at_far;
      far *= 4;
      at_far = at(far);
      if (far > 1e12) return near;
    }
    if (std::abs(at_far) <= enough) return far;
    // Regula falsi (Illinois); every third step a bisection, since the derivative can fall steeply at one end.
    int side = 0;
    double weight_near = at_near, weight_far = at_far;
    for (int k = 1; k <= 60; ++k) {
      double t = k % 3 == 0 ? 0.5 * (near + far) : near + (far - near) * weight_near / (weight_near - weight_far);
      if (!(t > near && t < far)) t = 0.5 * (near + far);
      const double y = at(t);
      if (std::abs(y) <= enough) return t;
      if (y > 0) {
        near = t;
        weight_near = y;
        if (side > 0) weight_far *= 0.5;
        side = 1;
      } else {
        far = t;
        weight_far = y;
        if (side < 0) weight_near *= 0.5;
        side = -1;
      }
    }
    return near > 0 ? near : far;
  }

  // ---- the finish

  /// Whether a bound holds variable i at y, where phi' exceeds the price by f.
  bool held(int i, double y, double f) const {
    return low[i] == high[i] || (y <= low[i] && f >= 0) || (y >= high[i] && f <= 0);
  }

  /// Newton on the optimality conditions in (x, lambda), from trial_x, trial_multiplier and trial_price with the given
  /// residual and `gradient`. Goes on while it gains; keeps what is best.
  void finish(double start, double tolerance, int limit, double& best, int& iterations) {
    double now = start;
    for (int k = 0; k < 12 && iterations < limit; ++k) {
      each_run([&](const auto& law, int first, int last) {
        for (int i = first; i < last; ++i) {
          const double y = trial_x[i], f = price_factor[i] * law.slope(y) - trial_price[i];
          fault[i] = f;
          soft[i] = held(i, y, f) ? 0 : compliance(law, i, y);
          term[i] = soft[i] * f;
        }
      });
      step.head(m) = gradient.head(m);
      add_moments(term, 1.0, step);
      ++iterations;
      if (!newton_step()) return;
      prices(step, change);
      for (int i = 0; i < places; ++i) trial_x[i] = clamp(i, trial_x[i] + soft[i] * (change[i] - fault[i]));
      trial_multiplier.head(m) += step.head(m);
      prices(trial_multiplier, trial_price);
      const double error = moment_error(trial_x, trial_multiplier),
                   next = residual(error, trial_x, trial_multiplier, trial_price, tolerance);
      if (next < best) {
        best = next;
        keep(trial_x, trial_multiplier);
      }
      if (best <= tolerance || !(next <= 0.5 * now)) return;
      now = next;
    }
  }

  /// The same for squares alone. All is linear in b there once it is known which variables their bounds hold, and such a
  /// step leads to the solution for those that seem to be held, whatever the start. Returns true where all that follows
  /// agrees: trial_x and trial_multiplier are then the solution, to the last bit the same from any start.
  bool settle(double start, double tolerance, int limit, double& best, int& iterations) {
    double now = start;
    for (int k = 0; k < 12; ++k) {
      bool same = factored;  // the last step was for the same variables
      for (int i = 0; i < places; ++i) {
        const double y = trial_x[i], next = held(i, y, price_factor[i] * y - trial_price[i]) ? 0 : price_part[i];
        same = same && soft[i] == next;
        soft[i] = next;
        trial_x[i] = next == 0 ? y : 0;
      }
      if (!same && iterations >= limit) return false;
      trial_multiplier.head(m).setZero();
      if (follow(same, iterations) && follow(true, iterations)) return true;  // the second takes off what rounding left
      if (!factored) return false;
      for (int i = 0; i < places; ++i) trial_x[i] = clamp(i, trial_x[i]);
      const double error = moment_error(trial_x, trial_multiplier),
                   next = residual(error, trial_x, trial_multiplier, trial_price, tolerance);
      if (next < best) {
        best = next;
        keep(trial_x, trial_multiplier);
      }
      if (!(next <= 0.5 * now)) return false;
      now = next;
    }
    return false;
  }

  /// A step of `settle`, with the factor of the last if `same`. Whether bounds are kept and hold what they seemed to.
  bool follow(bool same, int& iterations) {
    moment_error(trial_x, trial_multiplier);
    step.head(m) = gradient.head(m);
    if (same) {
      substitute();
    } else {
      ++iterations;
      if (!newton_step() || !factored) return factored = false;
    }
    prices(step, change);
    trial_x.head(places) += soft.head(places).cwiseProduct(change.head(places));
    trial_multiplier.head(m) += step.head(m);
    prices(trial_multiplier, trial_price);
    bool agrees = true;
    for (int i = 0; i < places; ++i) {
      const double y = trial_x[i];
      agrees &= soft[i] != 0 ? low[i] <= y && y <= high[i] : held(i, y, price_factor[i] * y - trial_price[i]);
    }
    return agrees;
  }

  /// x(lambda) at the prices of the multipliers; its moment error, with `gradient`.
  double respond() {
    each_run([this](const auto& law, int first, int last) {
      for (int i = first; i < last; ++i) x[i] = x_of(law, i, price[i]);
    });
    return moment_error(x, multiplier);
  }

  bool squares() const { return runs.size() == 1 && runs.front().power == 2; }

  /// The two phases, the second by `settle` if asked. The answer is best_x and best_multiplier, or, where true is
  /// returned, what `settle` found. Counts linear systems.
  bool run(const RedundancyOptions& options, bool settles, int& iterations) {
    const double tolerance = options.tolerance;
    bool warm = options.warm_start.size() == index(m);
    for (int j = 0; j < m; ++j)  // beyond 1e100 squares overflow, and no problem nearby has such a price
      warm = warm && std::abs(options.warm_start[index(j)]) < 1e100;
    for (int j = 0; j < m; ++j) multiplier[j] = warm ? options.warm_start[index(j)] : 0;
    double best = infinity;
    factored = false;
    double mark = infinity;  // the best residual when it last halved, and how many steps ago
    int since = 0;
    double moved = 0;  // the last step length, 0 before the first
    price_step.head(places).setZero();
    for (int round = 0;; ++round) {
      if (round == 0)
        prices(multiplier, price);
      else
        price.head(places) += moved * price_step.head(places);
      double error = respond();
      if (error <= tolerance) {  // prices that were added up do not decide
        prices(multiplier, price);
        error = respond();
      }
      if (error < best || round == 0) {  // x is what its prices say: nothing else can be wrong
        best = error;
        keep(x, multiplier);
      }
      if (best <= tolerance || iterations >= options.max_iterations) break;
      since = best <= 0.5 * mark ? 0 : since + 1;
      if (since == 0) mark = best;
      if (since >= patience && best <= options.accept) break;

      step.head(m) = gradient.head(m);
      if (round == 0 && !warm)
        soften_mean();
      else
        soften(moved);
      ++iterations;
      if (!newton_step()) break;
      prices(step, price_step);
      double derivative = 0;
      for (int j = 0; j < m; ++j) derivative += gradient[j] * step[j];

      // The same step with x moving along its tangent. Where that is already better, it is worth following. Without
      // bounds it would meet the moments, so that what bounds cut off tells whether to look closer.
      for (int i = 0; i < places; ++i) {
        const double free = x[i] + soft[i] * price_step[i];
        trial_x[i] = clamp(i, free);
        term[i] = free - trial_x[i];
      }
      moment.head(m).setZero();
      add_moments<true>(term, 1.0, moment);
      double tangent = scaled(moment);
      if (tangent < best || tangent <= 0.1 * error) {
        trial_multiplier.head(m) = multiplier.head(m) + step.head(m);
        prices(trial_multiplier, trial_price);
        tangent = moment_error(trial_x, trial_multiplier);
        tangent = residual(tangent, trial_x, trial_multiplier, trial_price, tolerance);
        if (tangent < best) {
          best = tangent;
          keep(trial_x, trial_multiplier);
          if (best <= tolerance) break;
        }
      } else {
        tangent = infinity;
      }

      if (!(derivative > 0)) break;
      moved = search(derivative);
      multiplier.head(m) += moved * step.head(m);

      if (tangent <= 0.1 * error) {
        if (settles) {
          if (settle(tangent, tolerance, options.max_iterations, best, iterations)) return true;
        } else {
          finish(tangent, tolerance, options.max_iterations, best, iterations);
        }
        if (best <= tolerance) break;
      }
    }
    if (!settles) return false;
    trial_x.head(places) = best_x.head(places);
    prices(best_multiplier, trial_price);
    return settle(best, tolerance, options.max_iterations, best, iterations);
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
  Scratch& s = *scratch_;
  if (problem.equations > s.max_equations || problem.variables > s.max_variables || !sizes_agree(problem)) return;
  if (!s.knows(problem)) {
    if (!structure_valid(problem)) return;
    s.learn(problem);
  }
  if (!numbers_valid(problem)) return;
  const int m = problem.equations, n = problem.variables;
  solution.x.resize(index(n));
  solution.reserve.resize(index(m));
  solution.multiplier.resize(index(m));

  s.prepare(problem);
  const auto take = [&](const VecX& x, const VecX& multiplier) {
    for (int i = 0; i < n; ++i) solution.x[index(i)] = x[s.place[index(i)]];
    for (int j = 0; j < m; ++j) {
      solution.multiplier[index(j)] = multiplier[j];
      solution.reserve[index(j)] = s.half_r0_squared(j) * multiplier[j];
    }
    solution.residual = residual_of(problem, solution.x.data(), solution.reserve.data(), solution.multiplier.data(),
                                    s.moment.data(), s.price.data());
    return solution.residual;
  };
  const bool settled = s.run(options, s.squares(), solution.iterations);
  if (!settled) {
    take(s.best_x, s.best_multiplier);
  } else if (!(take(s.trial_x, s.trial_multiplier) <= options.tolerance)) {
    s.run(options, false, solution.iterations);  // too much rounding for two substitutions
    take(s.best_x, s.best_multiplier);
  }
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
