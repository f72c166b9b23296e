// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// How often this thread took memory from the heap. Programs that count are linked with allocations.cpp (tests/CMakeLists.txt).
//   const std::size_t before = heap_allocations();   work();   EXPECT_EQ(heap_allocations(), before);
#pragma once

#include <cstddef>

namespace psoas::test {

/// Calls of malloc by this thread, with new and without; always 0 under a sanitiser, which has a malloc of its own.
std::size_t heap_allocations();

/// Whether heap_allocations() counts.
bool counts_heap_allocations();

}  // namespace psoas::test
