// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// How a long calculation tells its caller what it is doing: a function that the caller passes in. Nothing is global.
//   simulate(model, options, [](std::string_view line) { std::cerr << line << '\n'; });
#pragma once

#include <functional>
#include <string_view>

namespace psoas {

/// Receives one line of progress or remark, without a line end; empty: nobody listens.
using Log = std::function<void(std::string_view)>;

/// Gives a line to a log where somebody listens.
inline void say(const Log& log, std::string_view line) {
  if (log) log(line);
}

}  // namespace psoas
