// SPDX-License-Identifier: Apache-2.0
// What only this part promises. How every plugin has to behave, `hilum plugins check` tries.
#include "presence.cpp"

#include <gtest/gtest.h>

namespace {
using hilum::Tensor;

Presence part() { return {{}, {.in = {{1, 3, 4, 4}}, .image = {1, 1, 4, 4}}}; }

TEST(Presence, WhatNobodyKnowsCostsNothing) {
  const Named outputs{{"logits", torch::tensor({{0.F}, {50.F}})}};
  const Named batch{{"nodule_present", torch::tensor({{1.F}, {NAN}})}};
  EXPECT_NEAR(part().loss(outputs, batch).at("cross_entropy").item<float>(), std::log(2), 1e-6);
  const Named unknown{{"nodule_present", torch::full({2, 1}, NAN)}};
  EXPECT_EQ(part().loss(outputs, unknown).at("cross_entropy").item<float>(), 0);
}

TEST(Presence, IsOneNumberASampleThatDoesNotKnowTheSize) {
  auto head = part();
  const Tensor x = torch::randn({2, 3, 1, 1}), larger = x.expand({2, 3, 6, 5});
  const Tensor y = head.forward({x}).at("logits");
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{2, 1}));
  EXPECT_TRUE(torch::allclose(head.forward({larger}).at("logits"), y, 1e-5, 1e-6));
}
}  // namespace
