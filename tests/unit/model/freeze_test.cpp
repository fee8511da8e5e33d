// SPDX-License-Identifier: Apache-2.0
// Seeds of parts, and parts that do not learn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "sample.hpp"

namespace hilum::model {
namespace {
using kit::assemble;
using kit::error_of;
using kit::tensor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Seeds, AddingAPartLeavesTheOthersAlone) {
  const auto before = copy_of_state(*assemble(kBase).model);
  const auto after = copy_of_state(*assemble(kGuided + R"(
[backbone.c]
plugin = "test_pyramid"
[fusion.f]
plugin = "test_add"
connect = [["c.S1", "a.S1"]]
)")
                                        .model);
  EXPECT_GT(after.size(), before.size());
  for (const auto& [name, t] : before) EXPECT_TRUE(after.at(name).equal(t)) << name;
}

TEST(Seeds, TheSameSeedGivesTheSameBytes) {
  const auto weights = [](const std::string& seed) {
    return copy_of_state(*assemble("[experiment]\nseed = " + seed + kBase).model);
  };
  const auto a = weights("3"), b = weights("3"), c = weights("4");
  for (const auto& [name, t] : a) EXPECT_TRUE(b.at(name).equal(t)) << name;
  EXPECT_FALSE(c.at("a.S1.conv.weight").equal(a.at("a.S1.conv.weight")));
  EXPECT_FALSE(a.at("b.S1.conv.weight").equal(a.at("a.S1.conv.weight")));
}

std::vector<std::string> frozen(const Model& model) {
  std::vector<std::string> names;
  for (const auto& item : model.named_parameters())
    if (!item.value().requires_grad()) names.push_back(item.key());
  return names;
}

kit::Assembled with_freeze(const std::string& patterns, const std::string& rest = "") {
  return assemble(kBase + "[train]\nfreeze = " + patterns + "\n" + rest);
}

TEST(Freeze, ByStageByInstanceAndByPattern) {
  EXPECT_THAT(frozen(*with_freeze(R"(["a.S1"])").model),
              ElementsAre("a.S1.conv.weight", "a.S1.norm.weight", "a.S1.norm.bias"));
  EXPECT_THAT(frozen(*with_freeze(R"(["head.mask"])").model),
              ElementsAre("head.mask.conv.weight", "head.mask.conv.bias"));
  EXPECT_THAT(frozen(*with_freeze(R"(["a.*.norm.bias"])").model),
              ElementsAre("a.S1.norm.bias", "a.S2.norm.bias", "a.S3.norm.bias"));
  EXPECT_EQ(frozen(*with_freeze(R"(["a"])").model).size(), 9u);
}

TEST(Freeze, APatternThatMatchesNothingIsAnError) {
  const Error stage = error_of([] { with_freeze(R"(["a.S11"])"); });
  EXPECT_EQ(stage.fault, Fault::request);
  EXPECT_THAT(stage.what(), AllOf(HasSubstr("'a.S11' matches no parameter"), HasSubstr("'a.S1'")));
  // Not built, since nobody reads it.
  EXPECT_THAT(error_of([] { with_freeze(R"(["b.S3"])"); }).what(),
              HasSubstr("matches no parameter"));
}

TEST(Freeze, NormsOfFrozenPartsStayInEval) {
  auto m = with_freeze(R"(["a.S1"])");
  m->train();
  const auto before = copy_of_state(*m.model);
  m->forward(batch());
  EXPECT_TRUE(
      tensor(*m.model, "a.S1.norm.running_mean").equal(before.at("a.S1.norm.running_mean")));
  EXPECT_TRUE(tensor(*m.model, "a.S1.norm.num_batches_tracked")
                  .equal(before.at("a.S1.norm.num_batches_tracked")));
  EXPECT_FALSE(
      tensor(*m.model, "a.S2.norm.running_mean").equal(before.at("a.S2.norm.running_mean")));
  m->eval();
  m->train();  // a second time: an evaluation between epochs
  m->forward(batch());
  EXPECT_TRUE(
      tensor(*m.model, "a.S1.norm.running_mean").equal(before.at("a.S1.norm.running_mean")));
}

TEST(Freeze, NormsMayGoOnIfAsked) {
  auto m = with_freeze(R"(["a.S1"])", "freeze_norm = false\n");
  const auto before = tensor(*m.model, "a.S1.norm.running_mean").clone();
  m->train();
  m->forward(batch());
  EXPECT_FALSE(tensor(*m.model, "a.S1.norm.running_mean").equal(before));
}

TEST(Freeze, GradientsStillPassThrough) {
  auto m = with_freeze(R"(["a.S2", "a.S3"])");
  m->forward(batch()).at("nodule").at("logits").sum().backward();
  EXPECT_TRUE(tensor(*m.model, "a.S1.conv.weight").grad().defined());
  EXPECT_FALSE(tensor(*m.model, "a.S2.conv.weight").grad().defined());
}
}  // namespace
}  // namespace hilum::model
