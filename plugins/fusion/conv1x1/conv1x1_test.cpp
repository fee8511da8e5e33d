// SPDX-License-Identifier: Apache-2.0
// conv1x1 against PyTorch: values and every gradient; its options; what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::AllOf;
using ::testing::HasSubstr;
const std::filesystem::path kReference = std::filesystem::path(HILUM_SOURCE_DIR) / ".." / "shared" /
                                         "ref" / "blocks" / "fcb_c4_s8.safetensors";

const std::map<std::string, std::string> kNames{{"a.weight", "transform.weight"},
                                                {"a.bias", "transform.bias"},
                                                {"m.weight", "merge.weight"},
                                                {"m.bias", "merge.bias"},
                                                {"dw.weight", "separable.depthwise.weight"},
                                                {"pw.weight", "separable.pointwise.weight"},
                                                {"pw.bias", "separable.pointwise.bias"}};

Named example(int64_t receiver, int64_t giver) {
  return {{"a", torch::randn({2, receiver, 5, 6})}, {"b", torch::randn({2, giver, 5, 6})}};
}

void expect_close(const Tensor& ours, const Tensor& theirs, const std::string& name) {
  ASSERT_EQ(ours.sizes(), theirs.sizes()) << name;
  const double difference = (ours - theirs).abs().max().item<double>();
  EXPECT_LT(difference, 1e-5 * theirs.abs().max().item<double>()) << name;
}

TEST(Conv1x1, IsTheReferenceInValuesAndAllGradients) {
  if (!std::filesystem::exists(kReference)) GTEST_SKIP() << kReference << " is absent";
  const auto io = model::read_safetensors(kReference);
  const Named in{{"a", io.at("in1").clone().set_requires_grad(true)},   // the receiver
                 {"b", io.at("in0").clone().set_requires_grad(true)}};  // the giver
  auto f = kit::alone("fusion/conv1x1", {}, in);
  std::map<std::string, Tensor> weights;
  for (const auto& [theirs, ours] : kNames) weights[ours] = io.at("p_" + theirs);
  const auto report = model::load_state(f.module(), weights);
  ASSERT_TRUE(report.missing.empty() && report.left_over.empty() && report.mismatched.empty());

  const Tensor y = f.forward(in).at("a");
  expect_close(y, io.at("y"), "y");
  y.backward(io.at("gy"));
  expect_close(in.at("a").grad(), io.at("gin1"), "receiver");
  expect_close(in.at("b").grad(), io.at("gin0"), "giver");
  const auto parameters = f.module().named_parameters();
  EXPECT_EQ(parameters.size(), kNames.size());
  for (const auto& [theirs, ours] : kNames)
    expect_close(parameters[ours].grad(), io.at("g_" + theirs), ours);
}

TEST(Conv1x1, GivesTheReceiversChannelsFromAnyGiver) {
  for (const int64_t giver : {1, 3, 16}) {
    const auto in = example(8, giver);
    auto f = kit::alone("fusion/conv1x1", {}, in);
    EXPECT_EQ(f.forward(in).at("a").sizes(), in.at("a").sizes());
    EXPECT_EQ(f.module().named_parameters()["transform.weight"].sizes(),
              (torch::IntArrayRef{giver, giver, 1, 1}));
  }
}

TEST(Conv1x1, NormAndActivationFollowEachConvolution) {
  const auto in = example(4, 6);
  auto f = kit::alone("fusion/conv1x1", {{"norm", true}, {"activation", "relu"}}, in);
  const auto p = f.module().named_parameters();
  // Three norms of two tensors, and four weights without a bias.
  EXPECT_EQ(p.size(), 10U);
  const auto finished = [](const Tensor& x) {
    return ((x - x.mean({0, 2, 3}, true)) / (x.var({0, 2, 3}, false, true) + 1e-5).sqrt()).relu();
  };
  Tensor x = finished(torch::conv2d(in.at("b"), p["transform.weight"]));
  x = finished(torch::conv2d(torch::cat({x, in.at("a")}, 1), p["merge.weight"]));
  x = torch::conv2d(x, p["separable.depthwise.weight"], {}, 1, 1, 1, 4);
  x = finished(torch::conv2d(x, p["separable.pointwise.weight"]));
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"), x, 1e-4, 1e-5));
}

TEST(Conv1x1, RefusesOneFeatureAndThree) {
  const auto of = [](size_t n) {
    const Site site{.in = std::vector<Shape>(n, {1, 4, 8, 8}), .image = {1, 1, 8, 8}};
    return kit::error_of([&] { kit::plugin("fusion/conv1x1").make({}, site); });
  };
  EXPECT_THAT(of(1).what(), HasSubstr("exactly two features, and 1 are given"));
  EXPECT_THAT(of(3).what(), AllOf(HasSubstr("exactly two features, and 3 are given"),
                                  HasSubstr("connect = [[giver, receiver], ...]")));
  EXPECT_EQ(of(3).fault, Fault::request);
}

TEST(Conv1x1, RefusesBetweenOfThreeWhereItWasWritten) {
  const auto error = kit::error_of([] {
    kit::assemble(R"([backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
[backbone.c]
plugin = "test_pyramid"
[fusion.combine]
plugin = "conv1x1"
between = [["a.S2", "b.S2", "c.S2"]]
[head.main]
plugin = "test_mask"
on = ["a.S3", "b.S3", "c.S3"]
)");
  });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("exp.toml:7:"), HasSubstr("fusion 'combine'"),
                                  HasSubstr("exactly two features, and 3 are given")));
  EXPECT_EQ(error.fault, Fault::request);
}
}  // namespace
}  // namespace hilum
