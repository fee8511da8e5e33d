// SPDX-License-Identifier: Apache-2.0
// What only this part promises. How every plugin has to behave, `hilum plugins check` tries.
#include "gated.cpp"

#include <gtest/gtest.h>

namespace {
hilum::Site site() { return {.in = {{1, 4, 8, 8}, {1, 6, 4, 4}}, .image = {1, 1, 8, 8}}; }

TEST(Gated, EveryGateStartsWhereTheOptionSays) {
  torch::manual_seed(1);
  Gated part({.start = 0}, site());
  const Tensor a = torch::randn({2, 4, 8, 8}), b = torch::randn({2, 6, 8, 8});
  EXPECT_TRUE(torch::allclose(part.forward({a, b}), a + 0.5 * part.mix(b), 1e-5, 1e-6));
}

TEST(Gated, ThroughAShutGateNothingPasses) {
  torch::manual_seed(1);
  Gated part({.per_channel = false, .start = -10}, site());
  const Tensor a = torch::randn({2, 4, 8, 8}), b = torch::randn({2, 6, 4, 4});
  EXPECT_TRUE(torch::allclose(part.forward({a, b}), a, 0, 1e-3));
}
}  // namespace
