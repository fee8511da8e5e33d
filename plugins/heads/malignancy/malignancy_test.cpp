// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using Options = std::map<std::string, Data>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const Data kSoft = std::string("soft"), kL1 = std::string("l1");

std::shared_ptr<Head> head(const Options& options, const std::vector<Shape>& in = {{1, 3, 4, 4}}) {
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  return std::dynamic_pointer_cast<Head>(
      kit::plugin("head/malignancy").make(values, {in, {1, 1, 16, 16}}));
}

Tensor column(std::vector<double> values) {
  return torch::tensor(values, torch::kDouble).unsqueeze(1);
}
double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
double bce(double z, double y) { return std::log1p(std::exp(z)) - y * z; }

double loss(const Options& options, const Tensor& logits, const Tensor& labels) {
  const Named terms = head(options)->loss({{"logits", logits}}, {{"malignancy", labels}});
  EXPECT_EQ(terms.size(), 1u);
  return terms.begin()->second.item<double>();
}

TEST(Malignancy, LossesByHand) {
  const Tensor z = column({1, -2, 0.5});
  const Tensor hard = column({1, 0, kNaN}), ratings = column({4.5, 2, kNaN});
  EXPECT_NEAR(loss({}, z, hard), (bce(1, 1) + bce(-2, 0)) / 2, 1e-14);
  EXPECT_NEAR(loss({{"loss", kL1}}, z, hard), (1 - sigmoid(1) + sigmoid(-2)) / 2, 1e-14);
  EXPECT_NEAR(loss({{"labels", kSoft}}, z, ratings), (bce(1, 0.875) + bce(-2, 0.25)) / 2, 1e-14);
  EXPECT_NEAR(loss({{"loss", kL1}, {"labels", kSoft}}, z, ratings),
              (0.875 - sigmoid(1) + 0.25 - sigmoid(-2)) / 2, 1e-14);
  EXPECT_EQ(loss({}, z, column({kNaN, kNaN, kNaN})), 0);
}

TEST(Malignancy, UnknownLabelsHaveNoGradient) {
  const Tensor z = column({1, -2}).set_requires_grad(true);
  head({})->loss({{"logits", z}}, {{"malignancy", column({kNaN, 1})}}).at("bce").backward();
  EXPECT_EQ(z.grad()[0].item<double>(), 0);
  EXPECT_NEAR(z.grad()[1].item<double>(), sigmoid(-2) - 1, 1e-14);
}

TEST(Malignancy, ARatingOfThreeIsNeitherInTheTruth) {
  const auto soft = head({{"labels", kSoft}});
  const Tensor y =
      soft->truth(soft->outputs()[0], {{"malignancy", column({2.75, 3, 3.25, kNaN})}}).flatten();
  EXPECT_EQ(y[0].item<double>(), 0);
  EXPECT_TRUE(std::isnan(y[1].item<double>()));
  EXPECT_EQ(y[2].item<double>(), 1);
  EXPECT_TRUE(std::isnan(y[3].item<double>()));
  const auto hard = head({});
  const Tensor labels = column({0, 1});
  EXPECT_TRUE(hard->truth(hard->outputs()[0], {{"malignancy", labels}}).equal(labels));
}

TEST(Malignancy, LabelsOfTheOtherKindAreRefused) {
  const auto text = [](const Options& options, const Tensor& labels) {
    const auto h = head(options);
    h->see_targets({{"malignancy", labels}});
    return std::string(kit::error_of([&] {
                         h->loss({{"logits", torch::zeros_like(labels)}}, {{"malignancy", labels}});
                       }).what());
  };
  EXPECT_NE(text({}, column({kNaN, 3.75})).find("value 3.75, allowed 0 and 1"), std::string::npos);
  EXPECT_NE(text({{"labels", kSoft}}, column({1, 0})).find("data.malignancy = \"raw\""),
            std::string::npos);
  EXPECT_EQ(text({}, column({0, 1, kNaN})), "nothing was thrown");
  EXPECT_EQ(text({{"labels", kSoft}}, column({1, 4.5, kNaN})), "nothing was thrown");
}

TEST(Malignancy, ReadsPooledFeaturesBesideOtherHeadsOutputs) {
  for (const std::string pool : {"avg", "max"}) {
    const auto h = head({{"pool", pool}, {"hidden", int64_t{4}}}, {{1, 6}, {1, 3, 4, 4}});
    const auto p = h->named_parameters();
    const Tensor a = torch::randn({2, 6}), x = torch::randn({2, 3, 4, 4});
    const Tensor features = torch::cat({a, pool == "avg" ? x.mean({2, 3}) : x.amax({2, 3})}, 1);
    const Tensor hidden = torch::linear(features, p["hidden.weight"], p["hidden.bias"]).relu();
    EXPECT_TRUE(torch::allclose(h->forward({a, x}).at("logits"),
                                torch::linear(hidden, p["fc.weight"], p["fc.bias"]), 1e-5, 1e-6));
  }
}

// Through the assembled model: the diagnosis also teaches the layer that the attributes share.
TEST(Malignancy, TeachesTheHeadThatItReads) {
  const auto m = kit::assemble(R"(
[data]
roi = [16, 16]
[backbone.seg]
plugin = "test_pyramid"
[head.nodule]
plugin = "test_nodule"
on = "seg.S1"
[head.diagnosis]
plugin = "malignancy"
on = ["nodule.hidden", "seg.S1"]
)");
  const auto out = m->forward({{"image", torch::rand({2, 1, 16, 16})}});
  out.at("diagnosis").at("logits").sum().backward();
  EXPECT_TRUE(kit::tensor(*m.model, "head.nodule.in.weight").grad().defined());
}

}  // namespace
}  // namespace hilum
