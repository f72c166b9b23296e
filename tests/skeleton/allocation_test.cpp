// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <cstdlib>

#include "skeleton/mechanics.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PSOAS_SANITISED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PSOAS_SANITISED
#endif

// Eigen takes memory with malloc and not with new, so malloc is what must be counted; a sanitiser has its own.
#if defined(__GLIBC__) && !defined(PSOAS_SANITISED)
namespace {

thread_local std::size_t allocations = 0;

}  // namespace

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}

namespace psoas::test {
namespace {

template <class S>
std::size_t count(const Tree& tree, Random& random) {
  const int n = tree.coordinates();
  const auto numbers = [&](double scale) {
    std::vector<S> out;
    for (int i = 0; i < n; ++i) out.push_back(S(random.uniform(-scale, scale)));
    return out;
  };
  const std::vector<S> q = numbers(0.8), u = numbers(3.0), a = numbers(10.0);
  std::vector<S> tau(at(n)), back(at(n)), M(at(n * n));
  const std::vector<SpatialT<S>> external(tree.bodies.size(), SpatialT<S>::Constant(S(1.0)));
  TreeWork<S> work(tree);
  const std::size_t before = allocations;
  positions<S>(tree, q, work);
  velocities<S>(tree, u, work);
  inverse_dynamics<S>(tree, a, some_gravity, external, work, tau);
  mass_matrix<S>(tree, work, M);
  forward_dynamics<S>(tree, tau, some_gravity, external, work, back);
  return allocations - before;
}

TEST(TreeAllocation, none_after_the_work_is_made) {
  for (int n : {7, 23, 40}) {
    Random random(static_cast<std::uint64_t>(n));
    const Tree tree = random_tree(random, n);
    EXPECT_EQ(count<double>(tree, random), 0u);
    EXPECT_EQ(count<Dual<4>>(tree, random), 0u);
  }
}

TEST(TreeAllocation, the_counter_counts) {
  const std::size_t before = allocations;
  const std::vector<double> some(3);
  const VecX other = VecX::Ones(5);
  EXPECT_EQ(allocations - before, 2u);
  EXPECT_EQ(static_cast<double>(some.size()) + other.sum(), 8.0);
}

}  // namespace
}  // namespace psoas::test
#endif
