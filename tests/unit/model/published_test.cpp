// SPDX-License-Identifier: Apache-2.0
// Names of other people's weights: aliases of stages, key maps, images of another number of
// channels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/published.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::model {
namespace {
using kit::error_of;
using kit::Folder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using Weights = std::map<std::string, torch::Tensor>;
namespace nn = torch::nn;

// cls.C1.{conv1,bn1}, cls.C2.0.conv1: names as a ResNet's stages have them.
struct Net : nn::Module {
  explicit Net(int64_t channels = 1) {
    auto cls = std::make_shared<nn::Module>(), c1 = std::make_shared<nn::Module>(),
         c2 = std::make_shared<nn::Module>(), block = std::make_shared<nn::Module>();
    c1->register_module("conv1", nn::Conv2d(nn::Conv2dOptions(channels, 4, 3).bias(false)));
    c1->register_module("bn1", nn::BatchNorm2d(4));
    block->register_module("conv1", nn::Conv2d(nn::Conv2dOptions(4, 4, 3).bias(false)));
    c2->register_module("0", block);
    cls->register_module("C1", c1), cls->register_module("C2", c2);
    register_module("cls", cls);
  }
};
const Prefixes kAliases{{"cls.C1", ""}, {"cls.C2", "layer1"}};

Weights published(int64_t channels = 1) {
  return {{"conv1.weight", torch::rand({4, channels, 3, 3})},
          {"bn1.weight", torch::rand({4})},
          {"bn1.bias", torch::rand({4})},
          {"bn1.running_mean", torch::rand({4})},
          {"bn1.running_var", torch::rand({4})},
          {"bn1.num_batches_tracked", torch::tensor(7)},
          {"layer1.0.conv1.weight", torch::rand({4, 4, 3, 3})},
          {"fc.weight", torch::rand({2, 4})}};
}

TEST(PublishedName, TheLongestPrefixAtADotWins) {
  const Prefixes map{{"a", "x"}, {"a.b", "y.z"}, {"a.b.c.weight", "exact"}, {"e", ""}};
  EXPECT_EQ(published_name(map, "a.q"), "x.q");
  EXPECT_EQ(published_name(map, "a.b.q"), "y.z.q");
  EXPECT_EQ(published_name(map, "a.b.c.weight"), "exact");
  EXPECT_EQ(published_name(map, "a.bc"), "x.bc") << "not at a dot";
  EXPECT_EQ(published_name(map, "e.conv1"), "conv1");
  EXPECT_EQ(published_name(map, "f.conv1"), std::nullopt);
  EXPECT_EQ(published_name({{"", "model"}}, "f.conv1"), "model.f.conv1");
}

TEST(LoadPublished, PublishedNamesThroughAliases) {
  Net net;
  const auto weights = published();
  const auto report = load_published(net, kAliases, weights, "cls.");
  EXPECT_EQ(report.copied, 7);
  EXPECT_THAT(report.missing, IsEmpty());
  EXPECT_THAT(report.adapted, IsEmpty());
  EXPECT_THAT(report.left_over, ElementsAre("fc.weight"));
  const auto own = state(net);
  EXPECT_TRUE(own.at("cls.C1.conv1.weight").equal(weights.at("conv1.weight")));
  EXPECT_TRUE(own.at("cls.C2.0.conv1.weight").equal(weights.at("layer1.0.conv1.weight")));
  EXPECT_EQ(own.at("cls.C1.bn1.num_batches_tracked").item<int64_t>(), 7);
  EXPECT_TRUE(own.at("cls.C1.conv1.weight").requires_grad());
}

TEST(LoadPublished, OwnNamesInFullOrWithinThePart) {
  Net from, full, part;
  const auto own = state(from);
  Weights within;
  for (const auto& [name, t] : own) within[name.substr(4)] = t;
  auto more = own;
  more["seg.S1.weight"] = torch::ones({1});
  EXPECT_EQ(load_published(part, {}, within, "cls.").copied, 7);
  const auto report = load_published(full, {}, more, "cls.");
  EXPECT_EQ(report.copied, 7);
  EXPECT_THAT(report.left_over, IsEmpty()) << "another part's";
  for (const auto& [name, t] : own) {
    EXPECT_TRUE(state(part).at(name).equal(t)) << name;
    EXPECT_TRUE(state(full).at(name).equal(t)) << name;
  }
}

TEST(LoadPublished, RgbIntoOneChannelIsTheSum) {
  Net net(1);
  const auto weights = published(3);
  const auto report = load_published(net, kAliases, weights, "cls.");
  EXPECT_EQ(report.copied, 7);
  EXPECT_THAT(report.adapted, ElementsAre("cls.C1.conv1.weight: 3 input channels summed into 1"));
  EXPECT_TRUE(state(net).at("cls.C1.conv1.weight").equal(weights.at("conv1.weight").sum(1, true)));
}

TEST(LoadPublished, RgbIntoFiveChannelsIsRepeatedAndScaled) {
  Net net(5);
  const auto weights = published(3);
  const auto report = load_published(net, kAliases, weights, "cls.");
  EXPECT_THAT(report.adapted, ElementsAre("cls.C1.conv1.weight: 3 input channels repeated to 5"));
  const auto own = state(net).at("cls.C1.conv1.weight");
  for (int64_t i = 0; i < 5; ++i)
    EXPECT_TRUE(own.select(1, i).allclose(weights.at("conv1.weight").select(1, i % 3) * 3 / 5));
}

TEST(LoadPublished, AnyOtherShapeIsAMismatchAndLeftAlone) {
  Net net(1);
  const auto before = state(net).at("cls.C1.conv1.weight").clone();
  for (const auto& shape : std::vector<std::vector<int64_t>>{
           {4, 2, 3, 3}, {8, 3, 3, 3}, {4, 3, 5, 5}, {4, 3, 3}, {4, 3, 3, 3, 3}}) {
    auto weights = published();
    weights["conv1.weight"] = torch::rand(shape);
    const auto report = load_published(net, kAliases, weights, "cls.");
    EXPECT_THAT(report.mismatched, ElementsAre(HasSubstr("[4, 1, 3, 3] here, [")));
    EXPECT_THAT(report.adapted, IsEmpty());
    EXPECT_EQ(report.copied, 6);
    EXPECT_TRUE(state(net).at("cls.C1.conv1.weight").equal(before));
  }
}

TEST(LoadPublished, MissingIsNamedButNotTheCountersOfOldFiles) {
  Net net;
  auto weights = published();
  weights.erase("bn1.num_batches_tracked"), weights.erase("layer1.0.conv1.weight");
  auto report = load_published(net, kAliases, weights, "cls.");
  EXPECT_THAT(report.missing, ElementsAre("cls.C2.0.conv1.weight"));
  EXPECT_THAT(report.counters, ElementsAre("cls.C1.bn1.num_batches_tracked"));
  weights.erase("bn1.running_mean");  // nothing of that norm's statistics
  report = load_published(net, kAliases, weights, "cls.");
  EXPECT_THAT(report.missing, SizeIs(3));
}

TEST(LoadPublished, HalfPrecisionBecomesTheModules) {
  Net net;
  auto weights = published(3);
  for (auto& [name, t] : weights)
    if (t.is_floating_point()) t = t.to(at::kHalf);
  EXPECT_EQ(load_published(net, kAliases, weights, "cls.").copied, 7);
  const auto own = state(net).at("cls.C1.conv1.weight");
  EXPECT_EQ(own.scalar_type(), at::kFloat);
  EXPECT_TRUE(own.equal(weights.at("conv1.weight").to(at::kFloat).sum(1, true)));
}

TEST(LoadPublished, AModelKnowsTheAliasesOfItsStages) {
  const std::string text = R"(
[data]
roi = [16, 16]
[backbone.a]
plugin = "test_pyramid"
[head.mask]
plugin = "test_mask"
on = "a.S2"
)";
  auto from = kit::assemble("[experiment]\nseed = 1" + text),
       to = kit::assemble("[experiment]\nseed = 2" + text);
  EXPECT_THAT(from->aliases(), ElementsAre(Pair("a.S1", ""), Pair("a.S2", "layer1")));
  Weights there;
  for (const auto& [name, t] : state(*from.model))
    if (name.starts_with("a.")) there[published_name(from->aliases(), name).value()] = t;
  EXPECT_TRUE(there.contains("conv.weight") && there.contains("layer1.conv.weight"));
  const auto report = load_published(*to.model, to->aliases(), there, "a.");
  EXPECT_EQ(report.copied, std::ssize(there));
  EXPECT_TRUE(kit::tensor(*to.model, "a.S2.conv.weight")
                  .equal(kit::tensor(*from.model, "a.S2.conv.weight")));
}

TEST(KeyMap, AFileOfPrefixesAndWhatIsDropped) {
  const Folder folder;
  const auto map = KeyMap::read(folder.write("map.toml", R"(
drop = ["fc.*", "aux"]
[prefix]
"head.mask.conv" = "segmentation_head.0"
seg = ""
)"));
  EXPECT_THAT(map.prefixes,
              ElementsAre(Pair("head.mask.conv", "segmentation_head.0"), Pair("seg", "")));
  EXPECT_TRUE(map.drops("fc.weight") && map.drops("aux"));
  EXPECT_FALSE(map.drops("fcc.weight") || map.drops("aux.weight"));
  EXPECT_THAT(map.over({{"seg", "encoder"}, {"cls", "x"}}, ""),
              ElementsAre(Pair("cls", "x"), Pair("head.mask.conv", "segmentation_head.0"),
                          Pair("seg", "")));
  EXPECT_THAT(KeyMap({{{"C1", "stem"}, {"", "net"}}, {}}).over({{"cls.C1", ""}}, "cls."),
              ElementsAre(Pair("cls", "net"), Pair("cls.C1", "stem")));
}

TEST(KeyMap, MistakesAreSaidWithTheirPlace) {
  const Folder folder;
  const auto said = [&](const std::string& text) {
    return std::string(error_of([&] { KeyMap::read(folder.write("map.toml", text)); }).what());
  };
  EXPECT_THAT(said("prefixes = 1"), HasSubstr("map.toml:1:1: a key map has no 'prefixes'. Did you "
                                              "mean 'prefix'?"));
  EXPECT_THAT(said("drop = \"fc\""), HasSubstr("map.toml:1:1: 'drop' must be a list of names"));
  EXPECT_THAT(said("prefix = \"fc\""), HasSubstr("'prefix' must be a table"));
  EXPECT_THAT(said("[prefix]\nhead.mask = \"x\""), HasSubstr("map.toml:2:1: 'head' must be a text. "
                                                             "Write names with dots in quotes"));
  EXPECT_THAT(error_of([&] { KeyMap::read(folder.path() / "none.toml"); }).what(),
              HasSubstr("none.toml: no such key map"));
}

TEST(Publish, EveryTensorGetsItsPublishedNameOrIsDropped) {
  Net net;
  auto own = state(net);
  own["head.mask.conv.weight"] = torch::ones({1});
  KeyMap map{{{"head.mask.conv", "segmentation_head.0"}}, {"bn1.*"}};
  const auto there = publish(own, map.over(kAliases, ""), map);
  EXPECT_THAT(there, ElementsAre(Pair("conv1.weight", ::testing::_),
                                 Pair("layer1.0.conv1.weight", ::testing::_),
                                 Pair("segmentation_head.0.weight", ::testing::_)));
  EXPECT_THAT(error_of([&] { publish(own, kAliases, {}); }).what(),
              HasSubstr("no published name for head.mask.conv.weight (1 in all). Export one"));
  EXPECT_THAT(publish(own, kAliases, {{}, {"head.*"}}), SizeIs(7));
  EXPECT_THAT(error_of([&] {
                publish(own, {{"cls.C1", ""}, {"cls.C2.0", ""}, {"head", ""}}, {});
              }).what(),
              HasSubstr("two tensors would be called 'conv1.weight', one of them "
                        "'cls.C2.0.conv1.weight'"));
}

}  // namespace
}  // namespace hilum::model
