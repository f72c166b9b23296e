// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

#include "psoas/solve/redundancy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/allocations.hpp"
#include "support/repeats.hpp"

namespace psoas {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Numbers that are the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 7919 + 13) {}
  double uniform(double low = 0, double high = 1) {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return low + (high - low) * static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  double logarithmic(double low, double high) { return low * std::exp(uniform() * std::log(high / low)); }
  int integer(int count) { return static_cast<int>(uniform() * count); }

 private:
  std::uint64_t state_;
};

/// A problem from dense columns.
RedundancyProblem dense(const std::vector<std::vector<double>>& columns, const std::vector<double>& target,
                        double reserve_scale = 1) {
  RedundancyProblem problem;
  problem.resize(static_cast<int>(target.size()), static_cast<int>(columns.size()));
  problem.target = target;
  for (double& r0 : problem.reserve_scale) r0 = reserve_scale;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t j = 0; j < target.size(); ++j)
      if (columns[i][j] != 0) {
        problem.row.push_back(static_cast<int>(j));
        problem.value.push_back(columns[i][j]);
      }
    problem.column_start[i + 1] = static_cast<int>(problem.row.size());
  }
  return problem;
}

struct Body {
  int joints = 32, muscles = 288, contacts = 14;  ///< 3 forces a contact, 6 root equations: 38 x 330
  double power = 2, least = 0.01;
  double beyond = 0;  ///< N·m added at random to each equation, which no x need explain
};

/// A problem like a frame of a whole body: muscles of 10 … 6000 N with moment arms of 1e-4 … 0.1 m over 5 … 19 joints,
/// contact forces of hundreds of newtons, nearly free in the normal direction.
RedundancyProblem body(std::uint64_t seed, const Body& kind) {
  Random random(seed);
  const int m = kind.joints + 6, n = kind.muscles + 3 * kind.contacts;
  RedundancyProblem problem;
  problem.resize(m, n);
  std::vector<double> x(at(n));
  for (int i = 0; i < n; ++i) {
    if (i < kind.muscles) {
      const int span = std::min(kind.joints, 5 + random.integer(15));
      const int first = random.integer(kind.joints - span + 1);
      const double force = random.logarithmic(10, 6000);
      for (int k = 0; k < span; ++k) {
        const double sign = random.uniform() < 0.5 ? -1 : 1;
        problem.row.push_back(first + k);
        problem.value.push_back(sign * force * random.logarithmic(1e-4, 0.1));
      }
      problem.power[at(i)] = kind.power;
      problem.low[at(i)] = kind.least;
      problem.weight[at(i)] = random.uniform() < 0.5 ? 1 : random.logarithmic(0.05, 20);
      x[at(i)] = std::max(kind.least, std::pow(random.uniform(), 3));
    } else {
      const int axis = (i - kind.muscles) % 3, span = std::min(6, kind.joints);
      const int first = random.integer(kind.joints - span + 1);
      for (int k = 0; k < span; ++k) {
        problem.row.push_back(first + k);
        problem.value.push_back(random.uniform(-0.9, 0.9));
      }
      for (int k = 0; k < 6; ++k) {
        problem.row.push_back(kind.joints + k);
        const double skew = random.uniform(-1, 1);
        problem.value.push_back(k == axis ? 1 : k < 3 ? 0.05 * skew : skew);
      }
      if (axis == 0) {
        problem.high[at(i)] = random.uniform() < 0.2 ? 0 : 2000;
        problem.weight[at(i)] = 1e-3 / (700.0 * 700.0);
        x[at(i)] = std::min(problem.high[at(i)], random.uniform(0, 400));
      } else {
        problem.low[at(i)] = -infinity;
        problem.high[at(i)] = infinity;
        problem.weight[at(i)] = 1 / (21.0 * 21.0);
        x[at(i)] = random.uniform(-20, 20);
      }
    }
    problem.column_start[at(i) + 1] = static_cast<int>(problem.row.size());
  }
  for (int i = 0; i < n; ++i)
    for (int k = problem.column_start[at(i)]; k < problem.column_start[at(i) + 1]; ++k)
      problem.target[at(problem.row[at(k)])] += problem.value[at(k)] * x[at(i)];
  for (int j = 0; j < m; ++j) {
    problem.reserve_scale[at(j)] = j >= kind.joints ? (j < kind.joints + 3 ? 10 : 1) : (j % 3 != 0 ? 1 : 0.5);
    problem.target[at(j)] += kind.beyond * random.uniform(-1, 1);
  }
  return problem;
}

RedundancySolution solved(const RedundancyProblem& problem, const RedundancyOptions& options = {}) {
  RedundancySolver solver(problem.equations, problem.variables);
  RedundancySolution answer;
  solver.solve(problem, answer, options);
  return answer;
}

double cost_of(const RedundancyProblem& problem, const std::vector<double>& x) {
  std::vector<double> reserve = problem.target;
  double cost = 0;
  for (int i = 0; i < problem.variables; ++i) {
    cost += problem.weight[at(i)] * std::pow(std::abs(x[at(i)]), problem.power[at(i)]);
    for (int k = problem.column_start[at(i)]; k < problem.column_start[at(i) + 1]; ++k)
      reserve[at(problem.row[at(k)])] -= problem.value[at(k)] * x[at(i)];
  }
  for (int j = 0; j < problem.equations; ++j)
    cost += reserve[at(j)] * reserve[at(j)] / (problem.reserve_scale[at(j)] * problem.reserve_scale[at(j)]);
  return cost;
}

// ---- closed forms

TEST(Redundancy, TwoMusclesOfOneJointShareByArmOverWeight) {
  // p = 2 without bounds at work: x_i = lambda A_i / (2 w_i), r = r0^2 lambda / 2, one linear equation.
  RedundancyProblem problem = dense({{60}, {30}}, {20}, 0.5);
  problem.weight = {1, 3};
  const RedundancySolution answer = solved(problem);
  const double lambda = 20 / (60.0 * 60.0 / 2 + 30.0 * 30.0 / 6 + 0.125);
  EXPECT_NEAR(answer.x[0], lambda * 60 / 2, 1e-12);
  EXPECT_NEAR(answer.x[1], lambda * 30 / 6, 1e-12);
  EXPECT_NEAR(answer.reserve[0], 0.125 * lambda, 1e-12);
  EXPECT_NEAR(answer.multiplier[0], lambda, 1e-12);
  EXPECT_NEAR(answer.cost, cost_of(problem, answer.x), 1e-12);
  EXPECT_TRUE(answer.converged);
}

TEST(Redundancy, AnyPowerFollowsItsPrice) {
  // Chosen lambda, so that x, r and b are known: p w x^(p-1) = A lambda.
  for (const double p : {1.5, 1.8, 2.0, 3.0, 5.0, 7.5}) {
    const double lambda = 0.02, r0 = 1;
    const std::array<double, 3> arm = {60, 30, 5}, weight = {1, 3, 0.5};
    std::array<double, 3> x{};
    double target = 0.5 * r0 * r0 * lambda;
    for (std::size_t i = 0; i < 3; ++i) {
      x[i] = std::pow(arm[i] * lambda / (p * weight[i]), 1 / (p - 1));
      target += arm[i] * x[i];
    }
    RedundancyProblem problem = dense({{arm[0]}, {arm[1]}, {arm[2]}}, {target}, r0);
    for (std::size_t i = 0; i < 3; ++i) {
      problem.weight[i] = weight[i];
      problem.power[i] = p;
      ASSERT_LT(x[i], 1);
    }
    const RedundancySolution answer = solved(problem);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(answer.x[i], x[i], 1e-9) << "p = " << p;
    EXPECT_NEAR(answer.multiplier[0], lambda, 1e-10) << "p = " << p;
  }
}

TEST(Redundancy, CubesShareByTheRootOfTheArms) {
  RedundancyProblem problem = dense({{80}, {20}}, {30}, 1e-3);
  problem.power = {3, 3};
  const RedundancySolution answer = solved(problem);
  EXPECT_NEAR(answer.x[0] / answer.x[1], 2, 1e-9);
  EXPECT_NEAR(80 * answer.x[0] + 20 * answer.x[1], 30, 1e-5);
}

TEST(Redundancy, SaturatedMuscleLeavesTheRestToTheOther) {
  // The cheap first muscle ends at 1, the second gives what is missing, the antagonist stays at its least activation.
  RedundancyProblem problem = dense({{50}, {40}, {-30}}, {70}, 1e-4);
  problem.weight = {0.1, 1, 1};
  problem.low = {0.01, 0.01, 0.01};
  const RedundancySolution answer = solved(problem);
  EXPECT_DOUBLE_EQ(answer.x[0], 1);
  EXPECT_NEAR(answer.x[1], (70 - 50 + 0.3) / 40, 1e-8);
  EXPECT_DOUBLE_EQ(answer.x[2], 0.01);
}

TEST(Redundancy, WhatMusclesCannotDoIsReserve) {
  const RedundancySolution answer = solved(dense({{10}, {5}}, {400}, 1));
  EXPECT_DOUBLE_EQ(answer.x[0], 1);
  EXPECT_DOUBLE_EQ(answer.x[1], 1);
  EXPECT_NEAR(answer.reserve[0], 385, 1e-7);
  EXPECT_TRUE(answer.converged);
}

TEST(Redundancy, WeightOnTwoContacts) {
  // 700 N, 40 mm nearer to the left support of two that are 200 mm apart: 0.7 and 0.3 of it.
  RedundancyProblem problem = dense({{1, 0.1}, {1, -0.1}}, {700, 700 * 0.04}, 1e-3);
  problem.weight = {1e-9, 1e-9};
  problem.high = {2000, 2000};
  const RedundancySolution answer = solved(problem);
  EXPECT_NEAR(answer.x[0], 490, 1e-6);
  EXPECT_NEAR(answer.x[1], 210, 1e-6);
  EXPECT_LT(std::abs(answer.reserve[0]), 1e-6 * 700);
}

TEST(Redundancy, EmptyProblemsHaveAnswers) {
  const RedundancySolution no_variables = solved(dense({}, {3, -4}, 1));
  EXPECT_TRUE(no_variables.converged);
  EXPECT_NEAR(no_variables.reserve[0], 3, 1e-9);
  EXPECT_NEAR(no_variables.reserve[1], -4, 1e-9);
  RedundancyProblem rest = dense({{}, {}}, {});
  rest.low = {0.01, -1};
  const RedundancySolution no_equations = solved(rest);
  EXPECT_TRUE(no_equations.converged);
  EXPECT_DOUBLE_EQ(no_equations.x[0], 0.01);
  EXPECT_DOUBLE_EQ(no_equations.x[1], 0);
}

TEST(Redundancy, FixedVariablesStay) {
  RedundancyProblem problem = dense({{50}, {40}}, {30}, 1e-4);
  problem.low[0] = problem.high[0] = 0.2;
  const RedundancySolution answer = solved(problem);
  EXPECT_DOUBLE_EQ(answer.x[0], 0.2);
  EXPECT_NEAR(answer.x[1], 0.5, 1e-8);
}

// ---- against independent methods

/// Solves a small dense system by elimination with pivoting; false if singular.
bool eliminate(std::vector<std::vector<double>> a, std::vector<double> b, std::vector<double>& x) {
  const std::size_t n = b.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c; r < n; ++r)
      if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
    if (a[pivot][c] == 0) return false;
    std::swap(a[c], a[pivot]);
    std::swap(b[c], b[pivot]);
    for (std::size_t r = c + 1; r < n; ++r) {
      const double f = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
      b[r] -= f * b[c];
    }
  }
  x.assign(n, 0);
  for (std::size_t c = n; c-- > 0;) {
    x[c] = b[c];
    for (std::size_t k = c + 1; k < n; ++k) x[c] -= a[c][k] * x[k];
    x[c] /= a[c][c];
  }
  return true;
}

TEST(Redundancy, QuadraticProblemsMatchTheEnumerationOfActiveSets) {
  // p = 2 with r eliminated is a quadratic programme in a box: each variable is low, free or high. The feasible pattern
  // of least cost is the solution; all 3^6 are tried.
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const int m = 3, n = 6;
    std::vector<std::vector<double>> columns(at(n), std::vector<double>(at(m)));
    for (auto& column : columns)
      for (double& value : column) value = random.uniform(-40, 40);
    std::vector<double> target(at(m));
    for (double& b : target) b = random.uniform(-60, 60);
    RedundancyProblem problem = dense(columns, target, random.logarithmic(0.3, 3));
    for (double& w : problem.weight) w = random.logarithmic(0.1, 10);
    for (double& low : problem.low) low = 0.01;

    double best = infinity;
    std::vector<double> best_x;
    for (int pattern = 0; pattern < 729; ++pattern) {
      std::vector<double> x(at(n));
      std::vector<int> free;
      for (int i = 0, rest = pattern; i < n; ++i, rest /= 3) {
        if (rest % 3 == 2)
          free.push_back(i);
        else
          x[at(i)] = rest % 3 == 0 ? problem.low[at(i)] : problem.high[at(i)];
      }
      // Gradient zero for the free ones: w_i x_i + sum_j A_ji ((A x)_j - b_j) / r0^2 = 0.
      std::vector<std::vector<double>> a(free.size(), std::vector<double>(free.size()));
      std::vector<double> b(free.size()), y;
      const double stiff = 1 / (problem.reserve_scale[0] * problem.reserve_scale[0]);
      for (std::size_t r = 0; r < free.size(); ++r) {
        a[r][r] = problem.weight[at(free[r])];
        for (int j = 0; j < m; ++j) {
          double left = target[at(j)];
          for (int i = 0; i < n; ++i) left -= columns[at(i)][at(j)] * x[at(i)];  // free ones are still 0
          b[r] += columns[at(free[r])][at(j)] * left * stiff;
          for (std::size_t c = 0; c < free.size(); ++c)
            a[r][c] += columns[at(free[r])][at(j)] * columns[at(free[c])][at(j)] * stiff;
        }
      }
      if (!eliminate(a, b, y)) continue;
      bool inside = true;
      for (std::size_t r = 0; r < free.size(); ++r) {
        x[at(free[r])] = y[r];
        inside = inside && y[r] >= 0.01 && y[r] <= 1;
      }
      if (!inside) continue;
      const double cost = cost_of(problem, x);
      if (cost < best) {
        best = cost;
        best_x = x;
      }
    }
    const RedundancySolution answer = solved(problem);
    ASSERT_TRUE(answer.converged);
    EXPECT_NEAR(answer.cost, best, 1e-9 * best) << "seed " << seed;
    for (int i = 0; i < n; ++i) EXPECT_NEAR(answer.x[at(i)], best_x[at(i)], 1e-9) << "seed " << seed;
  }
}

TEST(Redundancy, EveryPowerMatchesCoordinateDescent) {
  // One variable at a time to its best value by bisection of the derivative: slow, but nothing shared with the solver.
  for (const double p : {1.5, 2.0, 3.0, 5.0})
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      Random random(seed);
      const int m = 3, n = 7;
      std::vector<std::vector<double>> columns(at(n), std::vector<double>(at(m)));
      for (auto& column : columns)
        for (double& value : column) value = random.uniform(-2, 2);
      std::vector<double> target(at(m));
      for (double& b : target) b = random.uniform(-3, 3);
      RedundancyProblem problem = dense(columns, target, 1.5);
      for (double& power : problem.power) power = p;
      for (double& low : problem.low) low = random.uniform() < 0.3 ? -0.5 : 0.01;

      std::vector<double> x = problem.low, left = target;
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j) left[at(j)] -= columns[at(i)][at(j)] * x[at(i)];
      for (int sweep = 0; sweep < 4000; ++sweep) {
        double change = 0;
        for (int i = 0; i < n; ++i) {
          double low = problem.low[at(i)], high = problem.high[at(i)];
          for (int k = 0; k < 60; ++k) {
            const double y = 0.5 * (low + high);
            double derivative = std::copysign(p * std::pow(std::abs(y), p - 1), y);
            for (int j = 0; j < m; ++j) {
              const double a = columns[at(i)][at(j)];
              derivative -= 2 * a * (left[at(j)] - a * (y - x[at(i)])) / (1.5 * 1.5);
            }
            (derivative < 0 ? low : high) = y;
          }
          const double y = 0.5 * (low + high);
          for (int j = 0; j < m; ++j) left[at(j)] -= columns[at(i)][at(j)] * (y - x[at(i)]);
          change = std::max(change, std::abs(y - x[at(i)]));
          x[at(i)] = y;
        }
        if (change < 1e-13) break;
      }
      const RedundancySolution answer = solved(problem);
      ASSERT_TRUE(answer.converged) << "p " << p << " seed " << seed;
      EXPECT_NEAR(answer.cost, cost_of(problem, x), 1e-9) << "p " << p << " seed " << seed;
      // Near 0 the cost of a high power says little about x.
      for (int i = 0; i < n; ++i)
        EXPECT_NEAR(answer.x[at(i)], x[at(i)], p > 3 ? 1e-4 : 1e-7) << "p " << p << " seed " << seed;
    }
}

TEST(Redundancy, NoPointNearbyIsBetter) {
  for (const double p : {1.5, 2.0, 3.0, 5.0}) {
    const RedundancyProblem problem = body(5, {.joints = 6, .muscles = 30, .contacts = 2, .power = p});
    const RedundancySolution answer = solved(problem);
    ASSERT_TRUE(answer.converged);
    Random random(3);
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<double> x = answer.x;
      const double size = random.logarithmic(1e-6, 0.1);
      for (int i = 0; i < problem.variables; ++i) {
        const double reach = i < 30 ? 1 : 100;
        x[at(i)] = std::clamp(x[at(i)] + size * reach * random.uniform(-1, 1), problem.low[at(i)], problem.high[at(i)]);
      }
      EXPECT_GE(cost_of(problem, x), answer.cost * (1 - 1e-12));
    }
  }
}

// ---- the certificate

TEST(Redundancy, CertificateSeesEachFault) {
  const RedundancyProblem problem = body(1, {.joints = 6, .muscles = 30, .contacts = 2});
  const RedundancySolution good = solved(problem);
  EXPECT_LE(certificate(problem, good), 1e-10);
  EXPECT_EQ(certificate(problem, good), good.residual);

  RedundancySolution bad = good;
  bad.reserve[2] += 1e-3;
  EXPECT_GT(certificate(problem, bad), 1e-6);
  bad = good;
  bad.multiplier[2] *= 1.001;
  EXPECT_GT(certificate(problem, bad), 1e-6);
  for (int i = 0; i < 30; ++i) {
    bad = good;
    bad.x[at(i)] = good.x[at(i)] > 0.5 ? good.x[at(i)] - 1e-3 : good.x[at(i)] + 1e-3;
    EXPECT_GT(certificate(problem, bad), 1e-6) << i;
  }
  bad = good;
  bad.x[0] = 1.5;
  EXPECT_GE(certificate(problem, bad), 0.5);
  bad.x[0] = std::nan("");
  EXPECT_EQ(certificate(problem, bad), infinity);
  bad.x.pop_back();
  EXPECT_EQ(certificate(problem, bad), infinity);
}

TEST(Redundancy, InvalidProblemsAreRefusedWithoutThrowing) {
  const RedundancyProblem good = dense({{50, 1}, {40, 2}}, {30, 1});
  ASSERT_TRUE(good.valid());
  std::vector<RedundancyProblem> wrong(12, good);
  wrong[0].power[0] = 1.2;
  wrong[1].weight[1] = 0;
  wrong[2].low[0] = 2;
  wrong[3].target[0] = std::nan("");
  wrong[4].reserve_scale[0] = 0;
  wrong[5].row[1] = 0;
  wrong[6].row[1] = 2;
  wrong[7].target.pop_back();
  wrong[8].column_start[1] = 9;
  wrong[9].value[0] = infinity;
  wrong[10].low[0] = wrong[10].high[0] = infinity;
  wrong[11].weight[0] = std::nan("");
  for (std::size_t k = 0; k < wrong.size(); ++k) {
    EXPECT_FALSE(wrong[k].valid()) << k;
    RedundancySolver solver(2, 2);
    RedundancySolution answer;
    solver.solve(wrong[k], answer);
    EXPECT_FALSE(answer.converged) << k;
    EXPECT_EQ(answer.residual, infinity) << k;
  }
  RedundancySolver small(1, 1);
  RedundancySolution answer;
  small.solve(good, answer);
  EXPECT_FALSE(answer.converged);
}

// ---- convergence

struct Spread {
  int median, ninety_five, most;
};

Spread spread(std::vector<int> counts) {
  std::sort(counts.begin(), counts.end());
  return {counts[counts.size() / 2], counts[counts.size() * 95 / 100], counts.back()};
}

void record(const std::string& name, const Spread& s) {
  ::testing::Test::RecordProperty(name, std::to_string(s.median) + " median, " + std::to_string(s.ninety_five) +
                                            " 95th percentile, " + std::to_string(s.most) + " most");
}

TEST(Redundancy, WholeBodyProblemsConverge) {
  // 2000 problems of 38 equations and 330 variables, 500 of each power, half of them with activations down to 0.
  constexpr std::array<double, 4> powers = {1.5, 2, 3, 5};
  RedundancySolver solver(60, 350);
  RedundancySolution answer;
  double worst = 0;
  std::vector<int> all;
  for (const double p : powers) {
    std::vector<int> counts;
    for (std::uint64_t seed = 0; seed < test::repeats(500); ++seed) {
      const RedundancyProblem problem = body(seed, {.power = p, .least = seed % 2 == 0 ? 0.01 : 0});
      solver.solve(problem, answer);
      EXPECT_TRUE(answer.converged) << "p " << p << " seed " << seed << " residual " << answer.residual;
      EXPECT_LE(answer.iterations, 60) << "p " << p << " seed " << seed;
      EXPECT_EQ(answer.residual, certificate(problem, answer));
      worst = std::max(worst, answer.residual);
      counts.push_back(answer.iterations);
      all.push_back(answer.iterations);
    }
    record("steps_p" + std::to_string(static_cast<int>(p * 10)), spread(counts));
  }
  EXPECT_LE(worst, 1e-8);
  EXPECT_LE(spread(all).median, 20);
  record("steps", spread(all));
  RecordProperty("worst_residual", std::to_string(worst * 1e12) + "e-12");
}

TEST(Redundancy, InfeasibleProblemsConvergeWithReserves) {
  // Up to 500 N·m at every joint that nothing can explain: many bounds change on the way.
  RedundancySolver solver(60, 350);
  RedundancySolution answer;
  std::vector<int> counts;
  for (const double p : {1.5, 2.0, 3.0, 5.0})
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const RedundancyProblem problem = body(seed, {.power = p, .beyond = 500});
      solver.solve(problem, answer);
      EXPECT_TRUE(answer.converged) << "p " << p << " seed " << seed << " residual " << answer.residual;
      EXPECT_LE(answer.residual, 1e-8);
      counts.push_back(answer.iterations);
    }
  record("steps", spread(counts));
  EXPECT_LE(spread(counts).most, 150);
}

TEST(Redundancy, OddSizesAndScalesConverge) {
  RedundancySolver solver(66, 400);
  RedundancySolution answer;
  for (const double p : {1.5, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0})
    for (const int joints : {1, 4, 10, 60})
      for (const double scale : {1e-3, 1.0, 1e3}) {
        RedundancyProblem problem = body(11, {.joints = joints, .muscles = 5 + 4 * joints, .power = p});
        for (double& w : problem.weight) w *= scale;
        for (double& r0 : problem.reserve_scale) r0 *= 0.1;
        solver.solve(problem, answer);
        EXPECT_TRUE(answer.converged) << "p " << p << " joints " << joints << " scale " << scale << " residual "
                                      << answer.residual << " in " << answer.iterations;
      }
}

TEST(Redundancy, PowersMayDifferBetweenVariables) {
  RedundancyProblem problem = body(4, {});
  constexpr std::array<double, 5> powers = {1.5, 2, 2.7, 3, 5};
  for (std::size_t i = 0; i < 288; ++i) problem.power[i] = powers[i % 5];
  EXPECT_LE(solved(problem).residual, 1e-8);
}

TEST(Redundancy, StopsAtTheLimit) {
  const RedundancySolution answer = solved(body(3, {.power = 5}), {.max_iterations = 2});
  EXPECT_FALSE(answer.converged);
  EXPECT_LE(answer.iterations, 2);
  EXPECT_TRUE(std::isfinite(answer.residual));
  for (const double x : answer.x) EXPECT_TRUE(std::isfinite(x));
}

TEST(Redundancy, WarmStartGivesTheSameAnswerSooner) {
  int cold_steps = 0, warm_steps = 0;
  for (const double p : {1.5, 2.0, 3.0, 5.0})
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      RedundancyProblem problem = body(seed, {.power = p});
      const RedundancySolution before = solved(problem);
      for (double& b : problem.target) b *= 1.01;
      const RedundancySolution cold = solved(problem), warm = solved(problem, {.warm_start = before.multiplier});
      ASSERT_TRUE(warm.converged);
      cold_steps += cold.iterations;
      warm_steps += warm.iterations;
      EXPECT_NEAR(warm.cost, cold.cost, 1e-8 * cold.cost);
      for (std::size_t i = 0; i < 288; ++i) EXPECT_NEAR(warm.x[i], cold.x[i], 1e-6);
    }
  RecordProperty("cold_steps", cold_steps);
  RecordProperty("warm_steps", warm_steps);
  EXPECT_LT(warm_steps, cold_steps);
}

TEST(Redundancy, SquaresHaveOneAnswerToTheLastBit) {
  // From nothing, from the answer itself, and from two other problems' answers; with bounds that hold many variables.
  RedundancySolver solver(38, 330);
  RedundancySolution cold, warm;
  for (const double beyond : {0.0, 20.0, 500.0})
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      RedundancyProblem problem = body(seed, {.power = 2, .least = seed % 2 == 0 ? 0.01 : 0, .beyond = beyond});
      const std::vector<double> other = solved(body(seed + 1, {.power = 2})).multiplier;
      solver.solve(problem, cold);
      EXPECT_LE(cold.residual, 1e-10) << "seed " << seed << " beyond " << beyond;
      const std::vector<double> own = cold.multiplier;
      const std::vector<double> target = problem.target;
      for (double& b : problem.target) b *= 1.01;
      const std::vector<double> near = solved(problem).multiplier;
      problem.target = target;
      const std::array<const std::vector<double>*, 3> starts = {&own, &near, &other};
      for (const std::vector<double>* start : starts) {
        solver.solve(problem, warm, {.warm_start = *start});
        EXPECT_EQ(warm.x, cold.x) << "seed " << seed << " beyond " << beyond;
        EXPECT_EQ(warm.multiplier, cold.multiplier) << "seed " << seed << " beyond " << beyond;
      }
    }
}

TEST(Redundancy, PoorWarmStartsDoNoHarm) {
  const RedundancyProblem problem = body(8, {.power = 3});
  const RedundancySolution cold = solved(problem);
  for (const double value : {1e-300, -3.0, 1e6, 1e200, infinity, std::nan("")}) {
    const std::vector<double> start(38, value);
    const RedundancySolution warm = solved(problem, {.warm_start = start});
    EXPECT_TRUE(warm.converged) << value;
    EXPECT_NEAR(warm.cost, cold.cost, 1e-8 * cold.cost) << value;
  }
  const std::vector<double> of_another_size(5, 1.0);
  EXPECT_TRUE(solved(problem, {.warm_start = of_another_size}).converged);
}

// ---- symmetry, determinism, memory

TEST(Redundancy, MirrorSymmetricProblemsHaveSymmetricAnswers) {
  // Each muscle and contact of the right has a twin on the left: the same arms, on the joints of its side (rows 0 … 7
  // right, 8 … 15 left), and on the trunk (16 … 20 symmetric coordinates, 21 … 24 antisymmetric, whose target is 0).
  for (const double p : {1.5, 2.0, 3.0, 5.0})
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      Random random(seed);
      const int pairs = 60, contacts = 6, m = 25;
      std::vector<std::vector<double>> columns;
      for (int k = 0; k < pairs; ++k) {
        std::vector<double> right(at(m)), left(at(m));
        const bool contact = k < contacts;
        const double force = contact ? 10 : random.logarithmic(10, 6000);
        for (int j = 0; j < m; ++j) {
          if ((j >= 8 && j < 16) || (!contact && random.uniform() < 0.5)) continue;
          const double arm = force * random.logarithmic(1e-4, 0.1) * (random.uniform() < 0.5 ? -1 : 1);
          right[at(j)] = arm;
          left[at(j < 8 ? j + 8 : j)] = j < 21 ? arm : -arm;
        }
        columns.push_back(right);
        columns.push_back(left);
      }
      std::vector<double> target(at(m));
      for (int j = 0; j < 21; ++j) target[at(j)] = j >= 8 && j < 16 ? target[at(j - 8)] : random.uniform(-40, 40);
      RedundancyProblem problem = dense(columns, target, 1);
      for (int i = 0; i < 2 * pairs; ++i) {
        problem.power[at(i)] = i < 2 * contacts ? 2 : p;
        if (i >= 2 * contacts) continue;
        problem.weight[at(i)] = 1e-6;
        problem.high[at(i)] = 2000;
      }
      const RedundancySolution answer = solved(problem);
      ASSERT_TRUE(answer.converged);
      for (int k = 0; k < pairs; ++k) {
        const double size = std::max(1.0, std::abs(answer.x[at(2 * k)]));
        EXPECT_NEAR(answer.x[at(2 * k)], answer.x[at(2 * k + 1)], 1e-9 * size) << "p " << p << " seed " << seed;
      }
      for (int j = 0; j < 8; ++j) EXPECT_NEAR(answer.reserve[at(j)], answer.reserve[at(j + 8)], 1e-9);
      for (int j = 21; j < m; ++j) EXPECT_NEAR(answer.reserve[at(j)], 0, 1e-9);
    }
}

TEST(Redundancy, EqualProblemsGiveEqualBytes) {
  const RedundancyProblem first = body(1, {.power = 3}), other = body(2, {.joints = 10, .muscles = 40, .power = 1.5});
  RedundancySolver used(38, 330);
  RedundancySolution a, b, c;
  used.solve(first, a);
  used.solve(other, b);
  used.solve(first, b);  // after another problem, in used memory
  RedundancySolver larger(60, 350);
  larger.solve(first, c);
  EXPECT_EQ(a.x, b.x);
  EXPECT_EQ(a.multiplier, b.multiplier);
  EXPECT_EQ(a.reserve, b.reserve);
  EXPECT_EQ(a.x, c.x);
  EXPECT_EQ(a.iterations, b.iterations);
}

/// Columns that share their rows, as muscles over the same joints do: one to seven of a kind in mixed order, with one or
/// two powers, a few of them free or fixed, some without an entry.
RedundancyProblem of_kinds(std::uint64_t seed) {
  Random random(seed);
  const int m = 9;
  struct Kind {
    std::vector<int> rows;
    double power;
  };
  std::vector<Kind> kinds;
  for (int k = 0; k < 8; ++k) {
    Kind kind{{}, k % 2 == 0 ? 2.0 : 3.0};
    for (int j = 0; j < m; ++j)
      if (k > 0 && random.uniform() < 0.15 * k) kind.rows.push_back(j);
    for (int count = random.integer(7); count >= 0; --count) kinds.push_back(kind);
  }
  for (std::size_t i = kinds.size(); i-- > 1;) std::swap(kinds[i], kinds[at(random.integer(static_cast<int>(i) + 1))]);
  RedundancyProblem problem;
  problem.resize(m, static_cast<int>(kinds.size()));
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    for (const int row : kinds[i].rows) {
      problem.row.push_back(row);
      problem.value.push_back(random.uniform(-40, 40));
    }
    problem.column_start[i + 1] = static_cast<int>(problem.row.size());
    problem.power[i] = kinds[i].power;
    problem.weight[i] = random.logarithmic(0.1, 10);
    const double bounds = random.uniform();
    problem.low[i] = bounds < 0.1 ? -infinity : bounds < 0.2 ? 0.3 : 0.01;
    problem.high[i] = bounds < 0.1 ? infinity : bounds < 0.2 ? 0.3 : 1;
  }
  for (double& b : problem.target) b = random.uniform(-60, 60);
  return problem;
}

TEST(Redundancy, ColumnsOfSharedRowsAreSolvedTogether) {
  // certificate() goes column by column through the problem itself, and its minimum is one point.
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const RedundancyProblem problem = of_kinds(seed);
    const RedundancySolution answer = solved(problem);
    EXPECT_LE(certificate(problem, answer), 1e-10) << "seed " << seed;
    EXPECT_NEAR(answer.cost, cost_of(problem, answer.x), 1e-9 * answer.cost) << "seed " << seed;

    // the same variables in the opposite order
    RedundancyProblem turned = problem;
    turned.row.clear();
    turned.value.clear();
    const std::size_t n = at(problem.variables);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t from = n - 1 - i;
      for (int k = problem.column_start[from]; k < problem.column_start[from + 1]; ++k) {
        turned.row.push_back(problem.row[at(k)]);
        turned.value.push_back(problem.value[at(k)]);
      }
      turned.column_start[i + 1] = static_cast<int>(turned.row.size());
      turned.weight[i] = problem.weight[from];
      turned.power[i] = problem.power[from];
      turned.low[i] = problem.low[from];
      turned.high[i] = problem.high[from];
    }
    const RedundancySolution other = solved(turned);
    for (std::size_t i = 0; i < n; ++i)
      EXPECT_NEAR(other.x[i], answer.x[n - 1 - i], 1e-8) << "seed " << seed << " variable " << i;
  }
}

TEST(Redundancy, ProblemsOfOneSizeMayDifferInStructure) {
  // Equal sizes and numbers of entries, other rows or other powers: what was worked out for the last one must not serve.
  const RedundancyProblem first = of_kinds(1);
  RedundancyProblem rows = first, powers = first;
  for (int i = 0; i < first.variables; ++i)
    for (int k = first.column_start[at(i)]; k < first.column_start[at(i) + 1]; ++k)
      rows.row[at(k)] =
          first.equations - 1 - first.row[at(first.column_start[at(i)] + first.column_start[at(i) + 1] - 1 - k)];
  for (double& p : powers.power) p = p == 2 ? 3 : 2;
  RedundancySolver solver(first.equations, first.variables);
  const std::array<const RedundancyProblem*, 4> order = {&first, &rows, &powers, &first};
  for (const RedundancyProblem* problem : order) {
    RedundancySolution answer;
    solver.solve(*problem, answer);
    EXPECT_LE(certificate(*problem, answer), 1e-10);
    EXPECT_EQ(answer.x, solved(*problem).x);
  }
  rows.row[0] = first.equations;  // a structure that is not valid, after one that is
  RedundancySolution answer;
  solver.solve(rows, answer);
  EXPECT_FALSE(answer.converged);
}

TEST(Redundancy, SolveAllocatesNothing) {
  std::vector<RedundancyProblem> problems;
  for (const double p : {1.5, 2.0, 3.0, 5.0}) {
    problems.push_back(body(1, {.power = p}));
    problems.push_back(body(2, {.power = p, .beyond = 500}));
    problems.push_back(body(3, {.joints = 10, .muscles = 40, .power = p}));
    problems.push_back(of_kinds(4));
  }
  RedundancySolver solver(38, 330);
  RedundancySolution answer;
  solver.solve(problems[0], answer);
  const std::size_t before = test::heap_allocations();
  for (const RedundancyProblem& problem : problems) solver.solve(problem, answer);
  EXPECT_EQ(test::heap_allocations(), before);
}

// Free variables whose cost is their square, as columns and multiplied out: one problem.
TEST(Redundancy, WhatGivesWayIsAsColumnsOfItsOwn) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const RedundancyProblem bounded = body(seed, {.power = seed % 2 ? 2.0 : 3.0, .beyond = 20});
    const int m = bounded.equations, n = bounded.variables, k = 9;
    RedundancyProblem columns = bounded, given = bounded;
    std::vector<double> G(at(k * m));
    Random random(seed);
    for (double& x : G) x = random.uniform(-3, 3);
    for (int i = 0; i < k; ++i) {
      for (int j = 0; j < m; ++j) {
        columns.row.push_back(j);
        columns.value.push_back(G[at(i * m + j)]);
      }
      columns.column_start.push_back(static_cast<int>(columns.row.size()));
      columns.weight.push_back(1);
      columns.power.push_back(2);
      columns.low.push_back(-infinity);
      columns.high.push_back(infinity);
    }
    columns.variables += k;
    given.give.assign(at(m * m), 0.0);
    for (int i = 0; i < k; ++i)
      for (int r = 0; r < m; ++r)
        for (int c = 0; c < m; ++c) given.give[at(c * m + r)] += G[at(i * m + r)] * G[at(i * m + c)];
    RedundancySolver solver(m, n + k);
    RedundancySolution one, other;
    solver.solve(columns, one);
    solver.solve(given, other);
    ASSERT_TRUE(one.converged && other.converged) << one.residual << " " << other.residual;
    EXPECT_LT(certificate(given, other), 1e-8);
    EXPECT_NEAR(other.cost, one.cost, 1e-9 * one.cost);
    for (int i = 0; i < n; ++i) EXPECT_NEAR(other.x[at(i)], one.x[at(i)], 1e-7 * std::max(1.0, std::abs(one.x[at(i)])));
    for (int i = 0; i < k; ++i) {
      double y = 0.0;
      for (int j = 0; j < m; ++j) y += 0.5 * G[at(i * m + j)] * other.multiplier[at(j)];
      EXPECT_NEAR(y, one.x[at(n + i)], 1e-7 * std::max(1.0, std::abs(y)));
    }
    given.give.pop_back();
    solver.solve(given, other);
    EXPECT_FALSE(other.converged) << "a matrix of another size";
  }
}

}  // namespace
}  // namespace psoas
