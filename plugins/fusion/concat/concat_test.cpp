// SPDX-License-Identifier: Apache-2.0
// concat: the order of the channels, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Concat, JoinsInTheOrderOfTheFeatures) {
  const Named in{{"a", torch::full({2, 3, 4, 5}, 1.)},
                 {"b", torch::full({2, 2, 4, 5}, 2.)},
                 {"c", torch::full({2, 1, 4, 5}, 3.)}};
  auto f = kit::alone("fusion/concat", {}, in);
  const Tensor y = f.forward(in).at("a");
  EXPECT_EQ(y.sizes(), (torch::IntArrayRef{2, 6, 4, 5}));
  EXPECT_TRUE(y[1].mean({1, 2}).equal(torch::tensor({1.F, 1.F, 1.F, 2.F, 2.F, 3.F})));
  EXPECT_TRUE(f.module().parameters().empty());
}

// The receiver first, and the stage that reads it is built for both.
TEST(Concat, WhatFollowsGrows) {
  const auto m = kit::assemble(R"([backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
width = 3
[fusion.f]
plugin = "concat"
connect = [["b.S2", "a.S2"]]
[head.main]
plugin = "test_mask"
on = "a.S3"
)");
  EXPECT_EQ(kit::tensor(*m.model, "a.S3.conv.weight").size(1), 2 * 4 + 2 * 3);
}

TEST(Concat, RefusesOtherSizesAndOneFeature) {
  const auto sizes = kit::error_of([] {
    kit::alone("fusion/concat", {},
               {{"a", torch::zeros({1, 2, 8, 8})}, {"b", torch::zeros({1, 2, 4, 4})}});
  });
  EXPECT_THAT(sizes.what(), AllOf(HasSubstr("[1,2,8,8]"), HasSubstr("[1,2,4,4]"),
                                  HasSubstr("needs the same spatial size")));
  const auto one = kit::error_of([] {
    kit::plugin("fusion/concat").make({}, {.in = {{1, 4, 8, 8}}, .image = {1, 1, 8, 8}});
  });
  EXPECT_THAT(one.what(), HasSubstr("two or more features, and only one is given"));
}
}  // namespace
}  // namespace hilum
