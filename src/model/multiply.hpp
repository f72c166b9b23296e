// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "psoas/core/function.hpp"

namespace psoas {

/// Multiplies the values of a function.
inline void multiply(Function& function, double scale) {
  std::visit(
      [&](auto& kind) {
        if constexpr (requires { kind.value; }) kind.value *= scale;
        if constexpr (requires { kind.slope; }) kind.slope *= scale, kind.offset *= scale;
        if constexpr (requires { kind.amplitude; }) kind.amplitude *= scale, kind.offset *= scale;
        if constexpr (requires { kind.coefficients; })
          for (double& c : kind.coefficients) c *= scale;
        if constexpr (requires { kind.y; })
          for (double& y : kind.y) y *= scale;
      },
      function);
}

}  // namespace psoas
