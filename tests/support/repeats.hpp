// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// How often a test does what is the same each time but for its numbers.
#pragma once

namespace psoas::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PSOAS_SANITISED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PSOAS_SANITISED
#endif
#endif

#ifdef PSOAS_SANITISED
inline constexpr bool sanitised = true;
#else
inline constexpr bool sanitised = false;
#endif

/// A tenth under a sanitiser, under which each takes ten times as long: it looks for wrong code, not for wrong numbers.
constexpr int repeats(int often) { return sanitised ? (often + 9) / 10 : often; }

}  // namespace psoas::test
