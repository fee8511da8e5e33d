// SPDX-License-Identifier: Apache-2.0
// upsample_concat: resampling by hand, with and without the 1x1, traced, in a model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::HasSubstr;

Named rows(std::vector<float> b) {
  const auto width = static_cast<int64_t>(b.size());
  return {{"a", torch::zeros({1, 1, 1, 4})}, {"b", torch::tensor(b).view({1, 1, 1, width})}};
}

// The second channel of what it gives without the 1x1.
Tensor resampled(const std::string& mode, const Named& in) {
  auto f = kit::alone("fusion/upsample_concat", {{"mode", mode}, {"reduce", false}}, in);
  const Tensor y = f.forward(in).at("a");
  EXPECT_EQ(y.sizes(), (torch::IntArrayRef{1, 2, 1, 4}));
  EXPECT_TRUE(y.select(1, 0).equal(in.at("a").select(1, 0)));
  return y.select(1, 1).flatten();
}

TEST(UpsampleConcat, InterpolatesOrReplicates) {
  EXPECT_TRUE(
      torch::allclose(resampled("linear", rows({0, 4})), torch::tensor({0.F, 1.F, 3.F, 4.F})));
  EXPECT_TRUE(resampled("nearest", rows({0, 4})).equal(torch::tensor({0.F, 0.F, 4.F, 4.F})));
}

TEST(UpsampleConcat, ALargerGiverBecomesSmaller) {
  const auto in = rows({0, 2, 4, 8, 1, 1, 3, 7});
  EXPECT_TRUE(torch::allclose(resampled("linear", in), torch::tensor({1.F, 6.F, 1.F, 5.F})));
  EXPECT_TRUE(resampled("nearest", in).equal(torch::tensor({0.F, 4.F, 1.F, 3.F})));
}

TEST(UpsampleConcat, EqualSizesAreUntouched) {
  const auto in = rows({0.1F, 0.2F, 0.7F, 0.4F});
  for (const auto* mode : {"linear", "nearest"})
    EXPECT_TRUE(resampled(mode, in).equal(in.at("b").flatten())) << mode;
}

TEST(UpsampleConcat, ReduceGivesTheReceiversChannels) {
  const Named in{{"a", torch::randn({2, 3, 8, 6})},
                 {"b", torch::randn({2, 5, 4, 3})},
                 {"c", torch::randn({2, 2, 8, 6})}};
  auto f = kit::alone("fusion/upsample_concat", {{"mode", "nearest"}}, in);
  const auto p = f.module().named_parameters();
  EXPECT_EQ(p["conv.weight"].sizes(), (torch::IntArrayRef{3, 10, 1, 1}));
  const Tensor b = in.at("b").repeat_interleave(2, 2).repeat_interleave(2, 3);
  EXPECT_TRUE(torch::allclose(
      f.forward(in).at("a"),
      torch::conv2d(torch::cat({in.at("a"), b, in.at("c")}, 1), p["conv.weight"], p["conv.bias"]),
      1e-5, 1e-5));
  auto grows = kit::alone("fusion/upsample_concat", {{"reduce", false}}, in);
  EXPECT_EQ(grows.forward(in).at("a").size(1), 10);
  EXPECT_TRUE(grows.module().parameters().empty());
}

TEST(UpsampleConcat, NearestIn3D) {
  const Named in{{"a", torch::randn({1, 1, 2, 4, 2})}, {"b", torch::randn({1, 1, 1, 2, 1})}};
  auto f = kit::alone("fusion/upsample_concat", {{"mode", "nearest"}, {"reduce", false}}, in);
  const Tensor b =
      in.at("b").repeat_interleave(2, 2).repeat_interleave(2, 3).repeat_interleave(2, 4);
  EXPECT_TRUE(f.forward(in).at("a").equal(torch::cat({in.at("a"), b}, 1)));
}

TEST(UpsampleConcat, ATraceOfEitherModeRunsAtAnotherSize) {
  for (const auto* mode : {"linear", "nearest"}) {
    const Tensor a = torch::randn({1, 2, 6, 6}), b = torch::randn({1, 2, 3, 3});
    auto f = kit::alone("fusion/upsample_concat", {{"mode", mode}, {"reduce", false}},
                        {{"a", a}, {"b", b}});
    const auto traced =
        torch::jit::tracer::trace(
            {a, b},
            [&](torch::jit::Stack in) {
              return torch::jit::Stack{
                  f.forward({{"a", in[0].toTensor()}, {"b", in[1].toTensor()}}).at("a")};
            },
            [](const Tensor&) { return std::string(); })
            .first;
    torch::jit::GraphFunction function("traced", traced->graph, nullptr);
    const Named larger{{"a", torch::randn({1, 2, 10, 7})}, {"b", torch::randn({1, 2, 4, 5})}};
    torch::jit::Stack stack{larger.at("a"), larger.at("b")};
    function.run(stack);
    EXPECT_TRUE(torch::allclose(stack.at(0).toTensor(), f.forward(larger).at("a"))) << mode;
  }
}

// Where every other fusion refuses: the giver at 1/4, the receiver at 1/2.
TEST(UpsampleConcat, ConnectsStagesOfDifferentSizes) {
  const std::string text = R"([backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
[fusion.f]
connect = [["b.S3", "a.S2"]]
[head.main]
plugin = "test_mask"
on = "a.S3"
)";
  const auto with = [&](const std::string& fusion) {
    auto toml = text;
    return toml.insert(toml.find("connect"), "plugin = \"" + fusion + "\"\n");
  };
  EXPECT_NO_THROW(kit::assemble(with("upsample_concat")));
  for (const auto* fusion : {"concat", "conv1x1", "cross_stitch", "linear", "nddr"})
    EXPECT_THAT(kit::error_of([&] { kit::assemble(with(fusion)); }).what(),
                HasSubstr("needs the same spatial size"))
        << fusion;
}

TEST(UpsampleConcat, RefusesOneFeature) {
  const auto error = kit::error_of([] {
    kit::plugin("fusion/upsample_concat").make({}, {.in = {{1, 4, 8, 8}}, .image = {1, 1, 8, 8}});
  });
  EXPECT_THAT(error.what(), HasSubstr("two or more features, and only one is given"));
}
}  // namespace
}  // namespace hilum
