// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdlib>

namespace hilum::testing {

/// LibTorch's operations one after the other, for a scope.
struct Unfused {
  Unfused() { setenv("HILUM_FUSED", "0", 1); }
  ~Unfused() { unsetenv("HILUM_FUSED"); }
  Unfused(const Unfused&) = delete;
  Unfused& operator=(const Unfused&) = delete;
};

}  // namespace hilum::testing
