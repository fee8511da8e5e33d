// SPDX-License-Identifier: Apache-2.0
// cross_stitch: the sum by hand, the exact identity, projections, learning rates and logs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Named example(const std::vector<int64_t>& channels) {
  torch::manual_seed(0);
  Named in;
  for (const auto c : channels)
    in[std::string(1, static_cast<char>('a' + in.size()))] = torch::randn({2, c, 3, 4});
  return in;
}

std::vector<std::string> parameters(model::Alone& f) {
  return f.module().named_parameters().keys();
}

Tensor column(std::vector<float> values) { return torch::tensor(values).view({-1, 1, 1}); }

TEST(CrossStitch, IsTheWeightedSumOfEachChannel) {
  const auto in = example({2, 2});
  auto f = kit::alone("fusion/cross_stitch", {}, in);
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"), 0.9 * in.at("a") + 0.1 * in.at("b")));
  {
    const torch::NoGradGuard no_grad;
    const auto p = f.module().named_parameters();
    p["alpha_a"].copy_(torch::tensor({1.F, 2.F})), p["alpha_b"].copy_(torch::tensor({-3.F, 0.5F}));
  }
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"),
                              column({1, 2}) * in.at("a") + column({-3, 0.5}) * in.at("b")));
}

TEST(CrossStitch, TakesAnyNumberOfFeatures) {
  const auto in = example({2, 2, 2, 2});
  auto f = kit::alone("fusion/cross_stitch", {{"self", 0.7}, {"other", 0.2}}, in);
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"),
                              0.7 * in.at("a") + 0.2 * (in.at("b") + in.at("c") + in.at("d")), 1e-5,
                              1e-6));
}

TEST(CrossStitch, OneWeightAChannelOrATensor) {
  const auto in = example({5, 5});
  for (const auto& [granularity, size] :
       std::map<std::string, int64_t>{{"channel", 5}, {"tensor", 1}}) {
    auto f = kit::alone("fusion/cross_stitch", {{"granularity", granularity}}, in);
    for (const auto& p : f.module().parameters()) EXPECT_EQ(p.numel(), size) << granularity;
  }
}

TEST(CrossStitch, IsExactlyTheIdentity) {
  for (const std::string granularity : {"channel", "tensor"})
    for (const auto& channels : {std::vector<int64_t>{4, 4}, {4, 7}}) {
      const auto in = example(channels);
      auto f = kit::alone("fusion/cross_stitch",
                          {{"self", 1.0}, {"other", 0.0}, {"granularity", granularity}}, in);
      EXPECT_TRUE(f.forward(in).at("a").equal(in.at("a")));
    }
}

const std::string kTwo = R"([backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
width = 6
[head.main]
plugin = "test_mask"
on = "a.S3"
[head.other]
plugin = "test_mask"
on = "b.S3"
)";

// Both directions: an instance for each feature, both of what was there before.
TEST(CrossStitch, TwoNetworksAtTheIdentityAreTheirSeparateSelves) {
  const auto fused = kit::assemble(kTwo + R"([fusion.f]
plugin = "cross_stitch"
between = [["a.S1", "b.S1"], ["a.S2", "b.S2"]]
self = 1
other = 0
)");
  const auto apart = kit::assemble(kTwo);
  EXPECT_EQ(kit::tensor(*fused.model, "fusion.f.a.S2.alpha_a").numel(), 8);
  EXPECT_EQ(kit::tensor(*fused.model, "fusion.f.b.S2.alpha_a").numel(), 12);
  const Named batch{{"image", torch::randn({2, 1, 64, 64})}};
  for (const bool training : {true, false}) {
    fused.model->train(training), apart.model->train(training);
    const auto ours = fused.model->forward(batch), theirs = apart.model->forward(batch);
    for (const auto* head : {"main", "other"})
      EXPECT_TRUE(ours.at(head).at("logits").equal(theirs.at(head).at("logits"))) << head;
  }
}

TEST(CrossStitch, ProjectsOnlyOtherChannels) {
  auto in = example({4, 4, 6});
  auto f = kit::alone("fusion/cross_stitch", {}, in);
  EXPECT_THAT(parameters(f), ElementsAre("alpha_a", "alpha_b", "alpha_c", "project_c.weight"));
  const Tensor w = f.module().named_parameters()["project_c.weight"];
  EXPECT_EQ(w.sizes(), (torch::IntArrayRef{4, 6, 1, 1}));
  EXPECT_TRUE(torch::allclose(
      f.forward(in).at("a"),
      0.9 * in.at("a") + 0.1 * in.at("b") + 0.1 * torch::conv2d(in.at("c"), w), 1e-5, 1e-6));
}

TEST(CrossStitch, RefusesOtherChannelsWhereItMayNotProject) {
  const auto error = kit::error_of([] {
    kit::alone("fusion/cross_stitch", {{"project", "never"}}, example({4, 6}));
  });
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("equal channels are needed, and the features have 4 and 6"),
                    HasSubstr("project = \"auto\"")));
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_NO_THROW(kit::alone("fusion/cross_stitch", {{"project", "never"}}, example({4, 4})));
}

TEST(CrossStitch, RefusesOneFeature) {
  const auto error = kit::error_of([] {
    kit::plugin("fusion/cross_stitch").make({}, {.in = {{1, 4, 8, 8}}, .image = {1, 1, 8, 8}});
  });
  EXPECT_THAT(error.what(), HasSubstr("two or more features, and only one is given"));
}

TEST(CrossStitch, ReportsTheWeightsLearningRate) {
  auto f = kit::alone("fusion/cross_stitch", {{"lr_factor", 100.0}}, example({4, 6}));
  EXPECT_THAT(dynamic_cast<Part&>(f.module()).lr_scales(),
              ElementsAre(Pair("alpha_a", 100), Pair("alpha_b", 100)));
}

TEST(CrossStitch, LogsTheMeanWeightsOfAStep) {
  const auto in = example({4, 4});
  auto f = kit::alone("fusion/cross_stitch", {}, in);
  {
    const torch::NoGradGuard no_grad;
    f.module().named_parameters()["alpha_b"].copy_(torch::tensor({0.F, 1.F, 2.F, 3.F}));
  }
  f.forward(in);
  const auto logs = f.take_logs();
  EXPECT_NEAR(logs.at("alpha_a").item<double>(), 0.9, 1e-6);
  EXPECT_NEAR(logs.at("alpha_b").item<double>(), 1.5, 1e-6);
  f.module().eval();
  f.forward(in);
  EXPECT_TRUE(f.take_logs().empty());
}

TEST(CrossStitch, KeepsTheFeaturesPrecision) {
  auto in = example({4, 4});
  auto f = kit::alone("fusion/cross_stitch", {}, in);
  for (auto& [name, x] : in) x = x.to(torch::kBFloat16);
  const Tensor y = f.forward(in).at("a");
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  const Tensor exact = 0.9 * in.at("a").to(torch::kFloat) + 0.1 * in.at("b").to(torch::kFloat);
  EXPECT_TRUE(y.equal(exact.to(torch::kBFloat16)));  // summed in float32, rounded once
}
}  // namespace
}  // namespace hilum
