// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

#include "support/allocations.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "psoas/core/linear.hpp"
#include "support/repeats.hpp"

// Eigen takes memory with malloc and not with new, so malloc is what is counted.
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

std::size_t heap_allocations() { return allocations; }
bool counts_heap_allocations() { return true; }

TEST(HeapAllocations, the_counter_counts) {
  const std::size_t before = heap_allocations();
  const std::vector<double> some(3);
  const VecX other = VecX::Ones(5);
  EXPECT_EQ(heap_allocations() - before, 2u);
  EXPECT_EQ(static_cast<double>(some.size()) + other.sum(), 8.0);
}

}  // namespace psoas::test
#else
namespace psoas::test {

std::size_t heap_allocations() { return 0; }
bool counts_heap_allocations() { return false; }

}  // namespace psoas::test
#endif
