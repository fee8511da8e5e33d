// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using Options = std::map<std::string, Data>;

std::shared_ptr<Head> head(const Options& options, const std::vector<Shape>& in = {{1, 3, 4, 4}}) {
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  return std::dynamic_pointer_cast<Head>(
      kit::plugin("head/binary_nodule").make(values, {in, {1, 1, 16, 16}}));
}

TEST(BinaryNodule, IsTorchvisionsEndOfAResnet) {
  const auto h = head({});
  const auto p = h->named_parameters();
  ASSERT_EQ(p.size(), 2u);  // "fc.weight" and "fc.bias", as in published weights
  EXPECT_EQ(p["fc.weight"].sizes(), torch::IntArrayRef({1, 3}));
  const Tensor x = torch::randn({2, 3, 4, 4});
  const Tensor expected =
      torch::linear(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1), p["fc.weight"], p["fc.bias"]);
  const Named out = h->forward({x});
  EXPECT_TRUE(torch::allclose(out.at("logits"), expected, 1e-6, 1e-6));
  EXPECT_TRUE(h->predict(out).at("probability").equal(out.at("logits").sigmoid()));
}

TEST(BinaryNodule, PoolsTheMaximumWhereAskedTo) {
  const auto h = head({{"pool", std::string("max")}});
  const auto p = h->named_parameters();
  const Tensor x = torch::randn({2, 3, 4, 4});
  EXPECT_TRUE(torch::allclose(h->forward({x}).at("logits"),
                              torch::linear(x.amax({2, 3}), p["fc.weight"], p["fc.bias"])));
}

TEST(BinaryNodule, AHiddenLayerAndDropoutStandBeforeTheLast) {
  const auto h = head({{"hidden", int64_t{5}}, {"dropout", 0.5}});
  const auto p = h->named_parameters();
  EXPECT_EQ(p["hidden.weight"].sizes(), torch::IntArrayRef({5, 3}));
  const Tensor x = torch::randn({64, 3, 4, 4});
  const Tensor hidden = torch::linear(x.mean({2, 3}), p["hidden.weight"], p["hidden.bias"]).relu();
  const Tensor expected = torch::linear(hidden, p["fc.weight"], p["fc.bias"]);
  h->eval();
  EXPECT_TRUE(torch::allclose(h->forward({x}).at("logits"), expected, 1e-5, 1e-6));
  h->train();
  EXPECT_FALSE(torch::allclose(h->forward({x}).at("logits"), expected, 1e-2, 1e-2));
}

TEST(BinaryNodule, ReadsFeaturesOfSeveralSizes) {
  const auto h = head({}, {{1, 3, 4, 4}, {1, 2, 8, 8}, {1, 5}});
  const auto p = h->named_parameters();
  const Tensor a = torch::randn({2, 3, 4, 4}), b = torch::randn({2, 2, 8, 8}),
               c = torch::randn({2, 5});
  const Tensor features = torch::cat({a.mean({2, 3}), b.mean({2, 3}), c}, 1);
  EXPECT_TRUE(torch::allclose(h->forward({a, b, c}).at("logits"),
                              torch::linear(features, p["fc.weight"], p["fc.bias"]), 1e-5, 1e-6));
}

// By hand: ln(1 + e^-z) for a nodule, ln(1 + e^z) for none.
TEST(BinaryNodule, LossesByHand) {
  const Tensor z = torch::tensor({{1.0}, {-2.0}, {0.5}, {3.0}}, torch::kDouble);
  const Tensor y = torch::tensor({{1.0}, {0.0}, {0.0}, {0.0}}, torch::kDouble);
  const auto value = [&](const std::string& weight, const Tensor& truth) {
    return head({{"class_weight", weight}})
        ->loss({{"logits", z}}, {{"nodule_present", truth}})
        .at("bce")
        .item<double>();
  };
  const double with = std::log1p(std::exp(-1.0));
  const double without =
      std::log1p(std::exp(-2.0)) + std::log1p(std::exp(0.5)) + std::log1p(std::exp(3.0));
  EXPECT_NEAR(value("none", y), (with + without) / 4, 1e-14);
  EXPECT_NEAR(value("balanced", y), with / 2 + without / 6, 1e-14);
  const double all_without = std::log1p(std::exp(1.0)) + without;
  EXPECT_NEAR(value("balanced", torch::zeros_like(y)), all_without / 8, 1e-14);
}

}  // namespace
}  // namespace hilum
