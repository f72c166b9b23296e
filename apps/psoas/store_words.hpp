// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// What the verbs say about the file of a sweep.
#pragma once

#include <string>

#include "program.hpp"
#include "psoas/sweep/store.hpp"

namespace psoas::app {

/// "10,000 ok · 3 failed · 5 missing"; statuses that no case has are left out.
std::string counts_text(const StoreStatus& status);
/// "3.4 MB"
std::string bytes_text(std::uint64_t bytes);
/// The sweep's title, or the file's name where it has none.
std::string title_of(const Store& store);
/// Title, cases by status, shard, time and size, columns.
json store_json(const Store& store);
/// The name of what is made from a file: as given, or beside it with another ending ("results/a_analysis.json"). Throws
/// Error(input) where it would take the file's place.
std::string made_from(const std::string& file, const std::string& given, const std::string& ending);

}  // namespace psoas::app
