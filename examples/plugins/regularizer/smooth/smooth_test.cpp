// SPDX-License-Identifier: Apache-2.0
// What only this part promises. How every plugin has to behave, `hilum plugins check` tries.
#include "smooth.cpp"

#include <gtest/gtest.h>

namespace {
// One step from a single voxel of 9: its mean is 1, and so is that of its eight neighbours.
Tensor step(const Tensor& guide) {
  const hilum::Site site{.in = {{1, 1, 5, 5}}, .image = {1, 1, 5, 5}};
  Tensor z = torch::zeros({1, 1, 5, 5});
  z[0][0][2][2] = 9;
  return Smooth({.iterations = 1, .amount = 0.5}, site).forward(z, guide)[0][0];
}

TEST(Smooth, AStepIsTheOneByHand) {
  const Tensor y = step({});
  EXPECT_NEAR(y[2][2].item<float>(), 5, 1e-5);
  EXPECT_NEAR(y[1][3].item<float>(), 0.5, 1e-5);
  EXPECT_EQ(y[0][0].item<float>(), 0);
}

TEST(Smooth, ASureGuideHalvesIt) {
  const Tensor y = step(torch::ones({1, 1}));
  EXPECT_NEAR(y[2][2].item<float>(), 7, 1e-5);
  EXPECT_NEAR(y[1][3].item<float>(), 0.25, 1e-5);
}
}  // namespace
