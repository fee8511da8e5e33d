// SPDX-License-Identifier: Apache-2.0
// linear: the sum by hand at its first values, what `normalize` keeps, projections and logs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Named example(const std::vector<int64_t>& channels) {
  torch::manual_seed(0);
  Named in;
  for (const auto c : channels)
    in[std::string(1, static_cast<char>('a' + in.size()))] = torch::randn({2, c, 3, 4});
  return in;
}

Tensor weight(model::Alone& f) { return f.module().named_parameters()["weight"]; }

TEST(Linear, StartsAsTheMean) {
  const auto two = example({3, 3});
  auto f = kit::alone("fusion/linear", {}, two);
  EXPECT_TRUE(torch::allclose(f.forward(two).at("a"), (two.at("a") + two.at("b")) / 2));
  EXPECT_EQ(weight(f).sizes(), (torch::IntArrayRef{2, 1}));
}

TEST(Linear, TheOthersShareWhatIsLeft) {
  const auto in = example({3, 3, 3});
  for (const std::string normalize : {"none", "softmax"})
    for (const std::string granularity : {"tensor", "channel"}) {
      auto f =
          kit::alone("fusion/linear",
                     {{"self", 0.7}, {"normalize", normalize}, {"granularity", granularity}}, in);
      EXPECT_TRUE(torch::allclose(f.forward(in).at("a"),
                                  0.7 * in.at("a") + 0.15 * (in.at("b") + in.at("c")), 1e-5, 1e-6))
          << normalize << ", " << granularity;
    }
}

TEST(Linear, AWeightForEachChannel) {
  const auto in = example({2, 2});
  auto f = kit::alone("fusion/linear", {{"granularity", "channel"}}, in);
  {
    const torch::NoGradGuard no_grad;
    weight(f).copy_(torch::tensor({{1.F, 2.F}, {-3.F, 0.5F}}));
  }
  const Tensor y = f.forward(in).at("a");
  const auto channel = [&](const std::string& name, int64_t c) { return in.at(name).select(1, c); };
  EXPECT_TRUE(torch::allclose(y.select(1, 0), channel("a", 0) - 3 * channel("b", 0)));
  EXPECT_TRUE(torch::allclose(y.select(1, 1), 2 * channel("a", 1) + 0.5 * channel("b", 1)));
}

TEST(Linear, SoftmaxKeepsTheSumOne) {
  const auto in = example({2, 2, 2});
  auto f = kit::alone("fusion/linear", {{"normalize", "softmax"}}, in);
  {
    const torch::NoGradGuard no_grad;
    weight(f).copy_(torch::tensor({{0.F}, {std::log(2.F)}, {std::log(5.F)}}));
  }
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"),
                              (in.at("a") + 2 * in.at("b") + 5 * in.at("c")) / 8, 1e-5, 1e-6));
  const auto logs = f.take_logs();  // of the weights themselves, not of what encodes them
  EXPECT_NEAR(logs.at("weight_a").item<double>(), 1. / 8, 1e-6);
  EXPECT_NEAR(logs.at("weight_c").item<double>(), 5. / 8, 1e-6);
}

TEST(Linear, AWeightOfNoneIsExact) {
  const auto in = example({3, 3});
  auto f = kit::alone("fusion/linear", {{"self", 1.0}}, in);
  EXPECT_TRUE(f.forward(in).at("a").equal(in.at("a")));
}

TEST(Linear, RefusesASoftmaxThatCannotStart) {
  for (const double self : {0.0, 1.0}) {
    const auto error = kit::error_of([&] {
      kit::alone("fusion/linear", {{"self", self}, {"normalize", "softmax"}}, example({3, 3}));
    });
    EXPECT_THAT(error.what(), HasSubstr("cannot start at a weight of 0 or 1"));
  }
}

TEST(Linear, ProjectsOnlyOtherChannels) {
  const auto in = example({4, 6, 4});
  auto f = kit::alone("fusion/linear", {}, in);
  const auto p = f.module().named_parameters();
  EXPECT_THAT(p.keys(), ElementsAre("weight", "project_b.weight"));
  const Tensor projected = torch::conv2d(in.at("b"), p["project_b.weight"]);
  EXPECT_TRUE(torch::allclose(f.forward(in).at("a"),
                              0.5 * in.at("a") + 0.25 * (projected + in.at("c")), 1e-5, 1e-6));
}

TEST(Linear, RefusesOtherChannelsWhereItMayNotProject) {
  const auto error = kit::error_of([] {
    kit::alone("fusion/linear", {{"project", "never"}}, example({4, 6}));
  });
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("equal channels are needed, and the features have 4 and 6"),
                    HasSubstr("project = \"auto\"")));
  EXPECT_NO_THROW(kit::alone("fusion/linear", {{"project", "never"}}, example({4, 4})));
}

TEST(Linear, RefusesOneFeature) {
  const auto error = kit::error_of([] {
    kit::plugin("fusion/linear").make({}, {.in = {{1, 4, 8, 8}}, .image = {1, 1, 8, 8}});
  });
  EXPECT_THAT(error.what(), HasSubstr("two or more features, and only one is given"));
}
}  // namespace
}  // namespace hilum
