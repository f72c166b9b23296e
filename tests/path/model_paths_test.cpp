// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws of all paths of the models that are shipped: moment arms are slopes of lengths, tension does no work over a closed
// loop, results depend on the posture alone, what has not moved is not evaluated again, slopes of arms are right.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <thread>

#include "psoas/core/units.hpp"
#include "psoas/model/file.hpp"
#include "psoas/model/model.hpp"
#include "support/allocations.hpp"
#include "support/random_tree.hpp"
#include "support/repeats.hpp"

namespace psoas::test {
namespace {

const Model& full_body() {
  static const Model model = Model::load(PSOAS_SOURCE_DIR "/models/full_body.json");
  return model;
}
const Model& iliopsoas() {
  static const Model model = Model::load(PSOAS_SOURCE_DIR "/models/iliopsoas.json");
  return model;
}
const Model& lai_uhlrich() {
  static const Model model = Model::load(PSOAS_SOURCE_DIR "/models/tools/sources/lai_uhlrich_2022.json");
  return model;
}

double random_coordinate(const Model& model, int c, Random& random) {
  const auto range = model.spec().coordinates.find(model.data().coordinate_names[at(c)])->range;
  return random.uniform(std::max(range[0], -2.1), std::min(range[1], 2.4));
}
std::vector<double> random_posture(const Model& model, Random& random) {
  std::vector<double> q;
  for (int c = 0; c < model.coordinates(); ++c) q.push_back(random_coordinate(model, c, random));
  return q;
}

/// A number made of all bits that paths leave in a workspace.
std::uint64_t bits(const Workspace& work) {
  std::uint64_t hash = 14695981039346656037u;
  const auto take = [&](double x) { hash = (hash ^ std::bit_cast<std::uint64_t>(x)) * 1099511628211u; };
  for (const auto* list : {&work.length, &work.speed, &work.arm, &work.drive})
    for (const double x : *list) take(x);
  for (const Spatial& w : work.wrench)
    for (const double x : w) take(x);
  for (const char flag : work.inside) take(flag);
  return hash;
}

void evaluate_paths(const Model& model, const std::vector<double>& q, Workspace& work) {
  evaluate(model, q, q, work, Depth::velocity);  // any speeds
}

class ModelPaths : public ::testing::TestWithParam<const Model* (*)()> {};
INSTANTIATE_TEST_SUITE_P(models, ModelPaths,
                         ::testing::Values([] { return &full_body(); }, [] { return &iliopsoas(); },
                                           [] { return &lai_uhlrich(); }));

// 10,000 postures; at each, some coordinates are moved, so that all muscles are seen over all coordinates many times.
TEST(MomentArms, AreSlopesOfLengths) {
  const Model& model = full_body();
  constexpr int postures = repeats(10000), moved = 4;
  constexpr double h = 1e-6;
  Random random(1);
  Workspace work(model), near(model);
  std::vector<double> up;
  std::vector<char> flagged;
  int compared = 0, skipped = 0, next = 0;
  double worst = 0.0;
  for (int i = 0; i < postures; ++i) {
    std::vector<double> q = random_posture(model, random);
    evaluate(model, q, q, work, Depth::position);
    for (int k = 0; k < moved; ++k) {
      const int c = next++ % model.coordinates();
      const double at_rest = q[at(c)];
      q[at(c)] = at_rest + h;
      evaluate(model, q, q, near, Depth::position);
      up = near.length;
      flagged = near.inside;
      q[at(c)] = at_rest - h;
      evaluate(model, q, q, near, Depth::position);
      q[at(c)] = at_rest;
      for (int m = 0; m < model.muscles(); ++m) {
        if (work.inside[at(m)] || flagged[at(m)] || near.inside[at(m)]) {
          ++skipped;
          continue;
        }
        ++compared;
        const double slope = (up[at(m)] - near.length[at(m)]) / (2 * h);
        const double error = std::abs(moment_arm(model, work, m, c) + slope);
        worst = std::max(worst, error);
        EXPECT_LT(error, 1e-7) << model.data().muscle_names[at(m)] << " over " << model.data().coordinate_names[at(c)]
                               << ", posture " << i;
      }
    }
  }
  EXPECT_LT(skipped, compared / 50);
  RecordProperty("worst", std::to_string(worst * 1e9) + "e-9");
  RecordProperty("skipped", skipped);
}

/// Integrals over an edge of a loop of every muscle's moment arms times the movement; panels are halved until all agree.
class Loop {
 public:
  explicit Loop(const Model& model) : model_(model), work_(model), flagged_(at(model.muscles()), 0) {}

  std::vector<double> edge(const std::vector<double>& from, const std::vector<double>& to) {
    from_ = &from, to_ = &to;
    std::vector<double> sum(at(model_.muscles()), 0.0);
    refine(0.0, 1.0, panel(0.0, 1.0), 0, sum);
    return sum;
  }
  const std::vector<char>& flagged() const { return flagged_; }

 private:
  void refine(double a, double b, const std::vector<double>& whole, int depth, std::vector<double>& sum) {
    const double middle = 0.5 * (a + b);
    const std::vector<double> left = panel(a, middle), right = panel(middle, b);
    double worst = 0.0;
    for (std::size_t m = 0; m < whole.size(); ++m)
      if (!flagged_[m]) worst = std::max(worst, std::abs(left[m] + right[m] - whole[m]));
    if (depth > 40 || (depth > 7 && worst < 2e-14)) {  // a short touch must not slip between the points
      for (std::size_t m = 0; m < whole.size(); ++m) sum[m] += left[m] + right[m];
    } else {
      refine(a, middle, left, depth + 1, sum);
      refine(middle, b, right, depth + 1, sum);
    }
  }
  /// Gauss's five points.
  std::vector<double> panel(double a, double b) {
    constexpr double x[3] = {0.0, 0.5384693101056831, 0.9061798459386640};
    constexpr double w[3] = {0.5688888888888889, 0.4786286704993665, 0.2369268850561891};
    std::vector<double> sum(flagged_.size(), 0.0), q(from_->size());
    for (int i = -2; i <= 2; ++i) {
      const int k = std::abs(i);
      const double t = 0.5 * (a + b) + 0.5 * (b - a) * (i < 0 ? -x[k] : x[k]);
      for (std::size_t c = 0; c < q.size(); ++c) q[c] = (*from_)[c] + t * ((*to_)[c] - (*from_)[c]);
      evaluate(model_, q, q, work_, Depth::position);
      for (int m = 0; m < model_.muscles(); ++m) {
        flagged_[at(m)] = flagged_[at(m)] || work_.inside[at(m)];
        for (int c = 0; c < model_.coordinates(); ++c)
          if (const double d = (*to_)[at(c)] - (*from_)[at(c)]; d != 0.0)
            sum[at(m)] += 0.5 * (b - a) * w[k] * moment_arm(model_, work_, m, c) * d;
      }
    }
    return sum;
  }

  const Model& model_;
  Workspace work_;
  std::vector<char> flagged_;
  const std::vector<double>*from_ = nullptr, *to_ = nullptr;
};

TEST_P(ModelPaths, TensionDoesNoWorkOverAClosedLoop) {
  const Model& model = *GetParam()();
  Random random(2);
  double worst = 0.0;
  int closed = 0;
  constexpr int loops = repeats(2);
  for (int loop = 0; loop < loops; ++loop) {
    Loop integral(model);
    const std::vector<double> start = random_posture(model, random), other = random_posture(model, random);
    std::vector<std::vector<double>> corners(3, start);
    for (std::size_t c = 0; c < start.size(); ++c) {
      (c % 2 ? corners[1] : corners[2])[c] += 0.3 * (other[c] - start[c]);
    }
    std::vector<double> sum(at(model.muscles()), 0.0);
    for (std::size_t k = 0; k < 3; ++k) {
      const std::vector<double> edge = integral.edge(corners[k], corners[(k + 1) % 3]);
      for (std::size_t m = 0; m < sum.size(); ++m) sum[m] += edge[m];
    }
    for (std::size_t m = 0; m < sum.size(); ++m) {
      if (integral.flagged()[m]) continue;
      ++closed;
      worst = std::max(worst, std::abs(sum[m]));
      EXPECT_LT(std::abs(sum[m]), 1e-10) << model.data().muscle_names[m];
    }
  }
  EXPECT_GT(closed, loops * model.muscles() / 2);
  RecordProperty("worst", std::to_string(worst * 1e12) + "e-12");
}

TEST(Purity, ThousandsOfPosturesInAnyOrderOnSeveralThreads) {
  const Model& model = full_body();
  constexpr std::size_t count = repeats(10000);
  Random random(3);
  std::vector<std::vector<double>> postures;
  for (std::size_t i = 0; i < count; ++i) postures.push_back(random_posture(model, random));
  std::vector<std::uint64_t> first(count), second(count);
  Workspace one(model);
  for (std::size_t i = 0; i < count; ++i) {
    evaluate_paths(model, postures[i], one);
    first[i] = bits(one);
  }
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i-- > 1;) std::swap(order[i], order[at(random.integer(static_cast<int>(i) + 1))]);
  constexpr std::size_t threads = 3;
  std::vector<std::thread> team;
  for (std::size_t t = 0; t < threads; ++t)
    team.emplace_back([&, t] {
      Workspace work(model);
      for (std::size_t i = t; i < count; i += threads) {
        evaluate_paths(model, postures[order[i]], work);
        second[order[i]] = bits(work);
      }
    });
  for (std::thread& thread : team) thread.join();
  EXPECT_EQ(first, second);
}

// ---- only what moved ----

TEST_P(ModelPaths, WhatHasNotMovedKeepsItsBits) {
  const Model& model = *GetParam()();
  Random random(4);
  Workspace kept(model);
  std::vector<double> q = random_posture(model, random);
  for (int i = 0; i < 400; ++i) {
    if (i % 50 == 49) q = random_posture(model, random);
    const int c = random.integer(model.coordinates());
    const double before = q[at(c)];
    q[at(c)] = i % 40 == 7   ? std::nan("")
               : i % 40 == 8 ? 0.0
               : i % 40 == 9 ? -0.0
                             : random_coordinate(model, c, random);
    evaluate_paths(model, q, kept);
    Workspace fresh(model);
    evaluate_paths(model, q, fresh);
    ASSERT_EQ(bits(kept), bits(fresh)) << "move " << i << " of " << model.data().coordinate_names[at(c)];
    if (std::isnan(q[at(c)])) q[at(c)] = before;
    if (i % 3 == 0) {  // a pose that somebody else asked for does not count as evaluated
      std::vector<double> elsewhere = random_posture(model, random);
      couple(model, elsewhere, elsewhere, kept);
      positions<double>(model.tree(), kept.q, kept.tree);
    }
  }
}

TEST(OnlyWhatMoved, LeavesTheRestAlone) {
  // the paths of one leg keep what was put there by hand where only the other leg moves
  const Model& model = full_body();
  Workspace work(model);
  const State start = model.default_state();
  std::vector<double> q(start.q().begin(), start.q().end());
  evaluate_paths(model, q, work);
  std::fill(work.length.begin(), work.length.end(), -1.0);
  q[at(model.coordinate("knee_angle_r"))] += 0.1;
  evaluate_paths(model, q, work);
  EXPECT_GT(work.length[at(model.muscle("vasint_r"))], 0.0);
  EXPECT_GT(work.length[at(model.muscle("gasmed_r"))], 0.0);
  EXPECT_EQ(work.length[at(model.muscle("vasint_l"))], -1.0);
  EXPECT_EQ(work.length[at(model.muscle("iliacus_ant_r"))], -1.0);
  int evaluated = 0;
  for (const double length : work.length) evaluated += length > 0.0;
  EXPECT_LT(evaluated, 40);
}

TEST(OnlyWhatMoved, AWorkspaceOfAnotherModelIsMadeAnew) {
  const Model longer = full_body().with(scale("*_r", "max_isometric_force", 2.0));
  ModelSpec spec = full_body().spec();
  spec.muscles.find("iliacus_ant_r")->path[0].location.x() += 0.01;
  const Model moved(spec);
  const State start = full_body().default_state();
  std::vector<double> q(start.q().begin(), start.q().end());
  Workspace work(full_body());
  for (const Model* model : {&full_body(), &moved, &longer, &iliopsoas(), &moved, &full_body()}) {
    const State state = model->default_state();
    evaluate(*model, state, work, Depth::velocity);
    Workspace fresh(*model);
    evaluate(*model, state, fresh, Depth::velocity);
    EXPECT_EQ(bits(work), bits(fresh));
    EXPECT_EQ(work.length.size(), at(model->muscles()));
  }
  // one that was thrown away, and another one that may stand in its place
  for (int i = 0; i < 20; ++i) {
    spec.muscles.find("iliacus_ant_r")->path[0].location.x() += 0.001;
    const Model next(spec);
    evaluate_paths(next, q, work);
    Workspace fresh(next);
    evaluate_paths(next, q, fresh);
    EXPECT_EQ(bits(work), bits(fresh));
  }
}

// ---- slopes of moment arms ----

TEST_P(ModelPaths, SlopesOfMomentArms) {
  const Model& model = *GetParam()();
  Random random(5);
  MomentArmSlopes slopes(model);
  Workspace up(model), down(model);
  constexpr double h = 1e-6;
  double worst = 0.0, asymmetry = 0.0;
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<double> q = random_posture(model, random);
    const std::size_t before = heap_allocations();
    moment_arm_slopes(model, q, slopes);
    EXPECT_EQ(heap_allocations(), before);
    for (int c = 0; c < model.coordinates(); ++c) {
      const double at_rest = q[at(c)];
      q[at(c)] = at_rest + h;
      evaluate(model, q, q, up, Depth::position);
      q[at(c)] = at_rest - h;
      evaluate(model, q, q, down, Depth::position);
      q[at(c)] = at_rest;
      for (int m = 0; m < model.muscles(); ++m) {
        const std::span<const int> own = slopes.coordinates(m);
        for (int over = 0; over < model.coordinates(); ++over) {
          const double difference = (moment_arm(model, up, m, over) - moment_arm(model, down, m, over)) / (2 * h);
          const auto i = std::find(own.begin(), own.end(), over), j = std::find(own.begin(), own.end(), c);
          double slope = 0.0;
          if (i != own.end() && j != own.end()) {
            slope = slopes(m, static_cast<int>(i - own.begin()), static_cast<int>(j - own.begin()));
            const double other = slopes(m, static_cast<int>(j - own.begin()), static_cast<int>(i - own.begin()));
            asymmetry = std::max(asymmetry, std::abs(slope - other));
          }
          const double error = std::abs(slope - difference) / (1.0 + std::abs(slope));
          EXPECT_LT(error, 1e-7) << model.data().muscle_names[at(m)] << " over "
                                 << model.data().coordinate_names[at(over)] << " by "
                                 << model.data().coordinate_names[at(c)];
          worst = std::max(worst, error);
        }
      }
    }
  }
  EXPECT_LT(asymmetry, 1e-10);
  RecordProperty("worst", std::to_string(worst * 1e9) + "e-9");
  RecordProperty("asymmetry", std::to_string(asymmetry * 1e12) + "e-12");
}

// A hinge between ground and a bar: l = |p - R(q) s|, so l l' = a sin q', and (l l')' = l'^2 + l l''.
TEST(MomentArmSlopes, OfAHingeAreThoseOfATriangle) {
  const Model model(parse_model("hinge", R"({
    "format": "psoas-model/1", "name": "hinge", "sources": ["made up"],
    "bodies": {"bar": {"mass": 1, "mass_center": [0, 0, 0], "inertia": [0.1, 0.1, 0.1, 0, 0, 0]}},
    "coordinates": {"angle": {"range": [-3, 3]}},
    "joints": {"pin": {"parent": "ground", "child": "bar", "motion": {"pin": {"coordinate": "angle"}}}},
    "muscles": {"string": {"path": [{"body": "ground", "location": [0.3, 0, 0]}, {"body": "bar", "location": [0.2, 0, 0]}],
      "max_isometric_force": 1, "optimal_fibre_length": 0.1, "tendon_slack_length": 0.1}}})"));
  MomentArmSlopes slopes(model);
  for (const double q : {0.3, 1.2, -2.0}) {
    moment_arm_slopes(model, std::vector<double>{q}, slopes);
    const double l = std::sqrt(0.3 * 0.3 + 0.2 * 0.2 - 2 * 0.3 * 0.2 * std::cos(q)), l1 = 0.06 * std::sin(q) / l;
    ASSERT_EQ(slopes.coordinates(0).size(), 1u);
    EXPECT_NEAR(slopes(0, 0, 0), -(0.06 * std::cos(q) - l1 * l1) / l, 1e-14);
  }
}

// Two points round a cylinder about a hinge's axis: the arm is the radius, whatever the angle.
TEST(MomentArmSlopes, OfAPulleyAreNone) {
  const Model model(parse_model("pulley", R"({
    "format": "psoas-model/1", "name": "pulley", "sources": ["made up"],
    "bodies": {"bar": {"mass": 1, "mass_center": [0, 0, 0], "inertia": [0.1, 0.1, 0.1, 0, 0, 0]}},
    "coordinates": {"angle": {"range": [-3, 3]}},
    "joints": {"pin": {"parent": "ground", "child": "bar", "motion": {"pin": {"coordinate": "angle"}}}},
    "surfaces": {"pulley": {"body": "ground", "shape": {"cylinder": {"radius": 0.05}}}},
    "muscles": {"string": {"path": [{"body": "ground", "location": [0.3, 0, 0.1]}, {"body": "bar", "location": [-0.2, 0, 0.1]}],
      "wraps": [{"surface": "pulley", "side": "counter_clockwise"}],
      "max_isometric_force": 1, "optimal_fibre_length": 0.1, "tendon_slack_length": 0.1}}})"));
  MomentArmSlopes slopes(model);
  Workspace work(model);
  for (const double q : {0.3, 0.0, -0.4}) {
    evaluate(model, std::vector<double>{q}, std::vector<double>{0.0}, work, Depth::position);
    EXPECT_NEAR(moment_arm(model, work, 0, 0), -0.05, 1e-15);
    moment_arm_slopes(model, std::vector<double>{q}, slopes);
    EXPECT_NEAR(slopes(0, 0, 0), 0.0, 1e-15);
  }
}

}  // namespace
}  // namespace psoas::test
