// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Laws that every joint kind obeys. A kind is filled from its own list of fields, so a new one needs no line here.

#include "psoas/skeleton/joint.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "psoas/core/words.hpp"
#include "skeleton/mechanics.hpp"
#include "support/kinds.hpp"

namespace psoas::test {
namespace {

/// Gives every field of a kind some value. The k-th axis of each list moves with the same coordinate, so coordinates
/// stay independent as long as a kind's rotations (or its only translations) have one each.
struct Fill {
  Random& random;
  int kind;       // of function
  int names = 0;  // coordinates named so far

  template <class T>
  void operator()(std::string_view, T& field, const Info& info) {
    if constexpr (std::is_same_v<T, std::string>) {
      const std::vector<std::string> words = split_words(info.choices);
      if (words.empty())
        field = "coordinate" + std::to_string(names++);
      else
        field = words[at(kind) % words.size()];
    } else if constexpr (std::is_same_v<T, Vec3>) {
      field = 2.0 * random.direction();  // kinds accept any length
    } else if constexpr (std::is_same_v<T, Function>) {
      field = random_function(random, 0.9, kind);
    } else if constexpr (std::is_same_v<T, std::vector<AxisSpec>>) {
      int k = 0;
      for (const Vec3& direction : random_frame(random)) {
        const Function function = random_function(random, 0.7, (k + kind) % 3);
        field.push_back({3.0 * direction, "coordinate" + std::to_string(k++), function});
      }
    } else if constexpr (std::is_arithmetic_v<T>) {
      field = static_cast<T>(1);
    } else {
      static_assert(std::is_void_v<T>, "say here how a field of this type is filled");
    }
  }
};

template <class K>
K filled(Random& random, int kind) {
  K joint;
  Fill fill{random, kind};
  K::each(joint, fill);
  return joint;
}

/// A chain with one joint of the kind at ground, one in the middle and one at each of two tips; pins between them
/// make motions non-trivial where the kind has none.
template <class K>
Tree tree_with(Random& random, int kind) {
  const auto pin = [&] { return Pin{"turn", random.direction()}.axes(); };
  Tree tree = empty_tree();
  append_body(tree, random_body(random, 0), filled<K>(random, kind).axes());
  append_body(tree, random_body(random, 1), pin());
  append_body(tree, random_body(random, 2), filled<K>(random, kind).axes());
  append_body(tree, random_body(random, 3), pin());
  append_body(tree, random_body(random, 4), filled<K>(random, kind).axes());
  append_body(tree, random_body(random, 2), pin());
  append_body(tree, random_body(random, 6), filled<K>(random, kind).axes());
  return tree;
}

template <class K>
class JointLaws : public ::testing::Test {
 protected:
  /// Runs a check on a few trees with a state each.
  template <class Check>
  void each_tree(Check check) {
    for (int kind = 0; kind < 3; ++kind) {
      SCOPED_TRACE("function kind " + std::to_string(kind));
      Random random(static_cast<std::uint64_t>(kind) + 40);
      const Tree tree = tree_with<K>(random, kind);
      const int n = tree.coordinates();
      check(random, tree, random.vector(n, 0.8), random.vector(n, 3.0), random.vector(n, 10.0));
    }
  }
};
TYPED_TEST_SUITE(JointLaws, Kinds<Joint>::types, Kinds<Joint>::Name);

TYPED_TEST(JointLaws, axes_are_physical) {
  Random random(1);
  const TypeParam joint = filled<TypeParam>(random, 2);
  if constexpr (requires { joint.fault(); }) {
    EXPECT_EQ(joint.fault(), "");
  }
  std::set<std::string> coordinates;
  for (const JointAxis& axis : joint.axes()) {
    EXPECT_GT(axis.spec.axis.norm(), 0.0);
    if (axis.spec.coordinate) coordinates.insert(*axis.spec.coordinate);
  }
  EXPECT_LE(coordinates.size(), 6u);
}

TYPED_TEST(JointLaws, says_what_it_is) {
  EXPECT_FALSE(TypeParam::name.empty());
  EXPECT_FALSE(TypeParam::help.empty());
  TypeParam joint;
  TypeParam::each(joint, [](std::string_view key, auto&, const Info& info) {
    EXPECT_FALSE(key.empty());
    EXPECT_FALSE(info.help.empty()) << key;
  });
}

TYPED_TEST(JointLaws, forward_undoes_inverse_dynamics) {
  this->each_tree([](Random& random, const Tree& tree, const VecX& q, const VecX& u, const VecX& a) {
    const std::vector<Spatial> external = random_wrenches(random, tree);
    TreeWork<double> work = work_at(tree, q, u);
    const VecX tau = inverse(tree, work, a, some_gravity, external);
    EXPECT_LT(difference(forward(tree, work, tau, some_gravity, external), a), 1e-10);
  });
}

TYPED_TEST(JointLaws, mass_matrix_is_positive_and_agrees_with_inverse_dynamics) {
  this->each_tree([](Random&, const Tree& tree, const VecX& q, const VecX& u, const VecX& a) {
    TreeWork<double> work = work_at(tree, q, u);
    const MatX M = mass(tree, work);
    EXPECT_EQ((M - M.transpose()).cwiseAbs().maxCoeff(), 0.0);
    EXPECT_EQ(Eigen::LLT<MatX>(M).info(), Eigen::Success);
    const VecX bias = inverse(tree, work, VecX::Zero(a.size()), some_gravity);
    EXPECT_LT(difference(M * a + bias, inverse(tree, work, a, some_gravity)), 1e-13);
    EXPECT_NEAR(0.5 * u.dot(M * u), motion_energy(tree, work), 1e-12 * motion_energy(tree, work));
  });
}

TYPED_TEST(JointLaws, obeys_lagrange) {
  this->each_tree([](Random&, const Tree& tree, const VecX& q, const VecX& u, const VecX& a) {
    TreeWork<double> work = work_at(tree, q, u);
    EXPECT_LT(difference(inverse(tree, work, a, some_gravity), lagrange(tree, q, u, a, some_gravity)), 1e-12);
  });
}

TYPED_TEST(JointLaws, motion_axes_are_differences_of_points) {
  this->each_tree([](Random& random, const Tree& tree, const VecX& q, const VecX& u, const VecX&) {
    const TreeWork<double> work = work_at(tree, q, u);
    const double h = 1e-5;
    const Vec3 station = random.vec3(0.2);
    for (int c = 0; c < tree.coordinates(); ++c) {
      VecX low = q, high = q;
      low[c] -= h, high[c] += h;
      const TreeWork<double> below = work_at(tree, low, u), above = work_at(tree, high, u);
      const int first = tree.coordinate_body[at(c)], last = tree.bodies[at(first)].subtree_end;
      for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
        Vec3 expected(0, 0, 0);
        if (static_cast<int>(b) >= first && static_cast<int>(b) < last)
          expected = work.motion[at(c)].tail<3>() + work.motion[at(c)].head<3>().cross(work.X_GB[b] * station);
        EXPECT_LT(((above.X_GB[b] * station - below.X_GB[b] * station) / (2 * h) - expected).norm(), 1e-8);
      }
    }
  });
}

TYPED_TEST(JointLaws, velocities_and_accelerations_are_rates) {
  this->each_tree([](Random&, const Tree& tree, const VecX& q, const VecX& u, const VecX& a) {
    TreeWork<double> work = work_at(tree, q, u);
    inverse(tree, work, a, some_gravity);
    const TreeWork<D4> moving = moving_work(tree, q, u, a);
    for (std::size_t b = 1; b < tree.bodies.size(); ++b) {
      const double scale = 1.0 + work.velocity[b].norm() + work.acceleration[b].norm();
      EXPECT_LT((rates(moving.mass_center[b]) - center_velocity(work, b)).norm(), 1e-12 * scale);
      EXPECT_LT((rates(moving.velocity[b]) - work.acceleration[b]).norm(), 1e-12 * scale);
    }
  });
}

TYPED_TEST(JointLaws, conserves_energy) {
  this->each_tree([](Random&, const Tree& tree, VecX q, VecX u, const VecX&) {
    q *= 0.5, u *= 0.3;
    const double before = energy(tree, some_gravity, q, u), kinetic = motion_energy(tree, work_at(tree, q, u));
    integrate(tree, some_gravity, 1e-4, 300, q, u);
    EXPECT_NEAR(energy(tree, some_gravity, q, u), before, 1e-7 * (std::abs(before) + kinetic));
  });
}

TEST(Joint, faults) {
  EXPECT_NE((Pin{"q", {0, 0, 0}}).fault(), "");
  EXPECT_NE((Slide{"q", {0, 0, 0}}).fault(), "");
  EXPECT_NE((AxisSpec{{0, 0, 0}, "q", Linear{}}).fault(), "");
  EXPECT_NE((AxisSpec{{0, 0, 1}, std::nullopt, Linear{}}).fault(), "");
  EXPECT_EQ((AxisSpec{{0, 0, 1}, std::nullopt, Constant{1.0}}).fault(), "");
  Custom custom;
  custom.translations.resize(4);
  EXPECT_NE(custom.fault(), "");
}

}  // namespace
}  // namespace psoas::test
