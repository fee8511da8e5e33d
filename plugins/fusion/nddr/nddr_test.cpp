// SPDX-License-Identifier: Apache-2.0
// nddr: the 1x1's first values, the layer by hand, its options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Named example(const std::vector<int64_t>& channels, int64_t side = 6) {
  torch::manual_seed(0);
  Named in;
  for (const auto c : channels)
    in[std::string(1, static_cast<char>('a' + in.size()))] = torch::randn({3, c, side, side});
  return in;
}

Tensor weight(model::Alone& f) { return f.module().named_parameters()["weight"]; }

// In train mode, with the norm as new.
Tensor normalized(const Tensor& x) {
  return (x - x.mean({0, 2, 3}, true)) / (x.var({0, 2, 3}, false, true) + 1e-5).sqrt();
}

TEST(Nddr, StartsAsTheNormalizedWeightedSum) {
  const auto in = example({4, 4, 4});
  const Tensor sum = 0.9 * in.at("a") + 0.1 * (in.at("b") + in.at("c"));
  auto f = kit::alone("fusion/nddr", {}, in);
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"), normalized(sum).relu(), 1e-4, 1e-5));
  auto linear = kit::alone("fusion/nddr", {{"activation", "none"}}, in);
  EXPECT_TRUE(torch::allclose(linear.forward(in).at("a"), normalized(sum), 1e-4, 1e-5));
}

TEST(Nddr, IsDiagonalInEachBlock) {
  auto f = kit::alone("fusion/nddr", {{"self", 0.8}, {"other", 0.05}}, example({3, 3}));
  EXPECT_TRUE(
      weight(f).flatten(1).equal(torch::cat({0.8 * torch::eye(3), 0.05 * torch::eye(3)}, 1)));
}

TEST(Nddr, TheLayerIsAConvolutionOfAllFeatures) {
  const auto in = example({3, 5});
  auto f = kit::alone("fusion/nddr", {{"start", "random"}}, in);
  const Tensor w = weight(f);
  EXPECT_EQ(w.sizes(), (torch::IntArrayRef{3, 8, 1, 1}));
  const Tensor sum =
      torch::conv2d(in.at("a"), w.narrow(1, 0, 3)) + torch::conv2d(in.at("b"), w.narrow(1, 3, 5));
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"), normalized(sum).relu(), 1e-4, 1e-5));
  EXPECT_THAT(f.module().named_parameters().keys(),
              ElementsAre("weight", "norm.weight", "norm.bias"));
}

// Channels that do not correspond: no diagonal, and the scale of 0.1 of the feature.
TEST(Nddr, OtherChannelsStartAtTheSameScale) {
  auto f = kit::alone("fusion/nddr", {}, example({64, 400}, 2));
  const Tensor w = weight(f).flatten(1);
  EXPECT_TRUE(w.narrow(1, 0, 64).equal(0.9 * torch::eye(64)));
  const Tensor gains = w.narrow(1, 64, 400).norm(2, 1);  // of each of the 64 sums
  EXPECT_NEAR(gains.mean().item<double>(), 0.1, 0.005);
}

TEST(Nddr, RunningMeansMoveByTheMomentum) {
  const auto in = example({2, 2});
  for (const double momentum : {0.05, 0.5}) {
    auto f = kit::alone("fusion/nddr", {{"momentum", momentum}}, in);
    f.forward(in);
    const Tensor mean = (0.9 * in.at("a") + 0.1 * in.at("b")).mean({0, 2, 3});
    EXPECT_TRUE(torch::allclose(f.module().named_buffers()["norm.running_mean"], momentum * mean,
                                1e-4, 1e-6));
  }
}

TEST(Nddr, ReportsTheLearningRateOfTheConvolution) {
  auto f = kit::alone("fusion/nddr", {{"lr_factor", 100.0}}, example({4, 6}));
  EXPECT_THAT(dynamic_cast<Part&>(f.module()).lr_scales(), ElementsAre(Pair("weight", 100)));
}

TEST(Nddr, RefusesOneFeature) {
  const auto error = kit::error_of([] {
    kit::plugin("fusion/nddr").make({}, {.in = {{1, 4, 8, 8}}, .image = {1, 1, 8, 8}});
  });
  EXPECT_THAT(error.what(), HasSubstr("two or more features, and only one is given"));
}
}  // namespace
}  // namespace hilum
