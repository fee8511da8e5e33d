// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace {
using hilum::Strings;
using namespace hilum::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string after(const std::string& override_text, const std::string& key) {
  return parameter(read_text(kSample, {override_text}), key);
}

TEST(Override, ChangesAKeyOfTheFileOrOneThatTheSchemaKnows) {
  EXPECT_EQ(after("train.epochs=3", "train.epochs"), "3");
  EXPECT_EQ(after("train.clip=1", "train.clip"), "1.0");
  EXPECT_EQ(after("data.augment.scale=0.1", "data.augment.scale"), "0.1");
  EXPECT_EQ(after("backbone.seg.width=8", "backbone.seg.width"), "8");
  EXPECT_EQ(after("backbone.cls.depth=4", "backbone.cls.depth"), "4");
  EXPECT_EQ(after("head.mask.weight=2", "head.mask.weight"), "2.0");
  EXPECT_EQ(after("head.mask.regularizer.sigma=3", "head.mask.regularizer.sigma"), "3.0");
}

TEST(Override, MakesAFixedSectionThatTheFileLacks) {
  std::string text = kSample;
  text = text.substr(0, text.find("[train]"));
  EXPECT_EQ(parameter(read_text(text, {"train.lr=1e-4"}), "train.lr"), "1e-4");
}

TEST(Override, ValuesAreTomlOrListsOfWordsOrText) {
  EXPECT_EQ(after("train.lr=1e-4", "train.lr"), "1e-4");
  EXPECT_EQ(after("train.schedule=poly", "train.schedule"), "\"poly\"");
  EXPECT_EQ(after("train.schedule=\"poly\"", "train.schedule"), "\"poly\"");
  EXPECT_EQ(after("data.roi=[32,48]", "data.roi"), "[32, 48]");
  EXPECT_EQ(after("train.freeze=[seg.S1, cls.C*]", "train.freeze"), R"(["seg.S1", "cls.C*"])");
  EXPECT_EQ(after("train.freeze=seg.S2", "train.freeze"), R"(["seg.S2"])");
  EXPECT_EQ(after("train.freeze=[]", "train.freeze"), "[]");
  EXPECT_EQ(after("fusion.combine.connect=[[cls.C1,seg.S2]]", "fusion.combine.connect"),
            R"([["cls.C1", "seg.S2"]])");
  EXPECT_EQ(after("data.val=none", "data.val"), "\"none\"");
  EXPECT_EQ(after("data.val=2", "data.val"), "\"2\"");
  EXPECT_EQ(after("experiment.note=a = b", "experiment.note"), "\"a = b\"");
}

TEST(Override, TextOptionsTakeWhatLooksLikeANumber) {
  EXPECT_EQ(after("experiment.name=007", "experiment.name"), "\"007\"");
  EXPECT_EQ(after("experiment.name=7", "experiment.name"), "\"7\"");
  EXPECT_EQ(after("experiment.note=true", "experiment.note"), "\"true\"");
  EXPECT_EQ(after("experiment.note=2020-01-01", "experiment.note"), "\"2020-01-01\"");
  EXPECT_EQ(after("head.mask.regularizer.label=1.50", "head.mask.regularizer.label"), "\"1.50\"");
}

TEST(Override, PlusAddsAPart) {
  const auto experiment =
      read_text(kSample, {"+head.edge.plugin=segmentation", "head.edge.on=seg.S8",
                          "+backbone.seg.inputs.image=cls.C2"});
  ASSERT_EQ(experiment.heads.size(), 3u);
  EXPECT_EQ(experiment.heads[2].name, "edge");
  EXPECT_EQ(experiment.backbones[1].inputs.at("image"), "cls.C2");
}

TEST(Override, PlusOnWhatIsSetSaysToLeaveItOut) {
  EXPECT_EQ(problems_of(kSample, {"+train.lr=1"}),
            "command line: +train.lr=1: 'train.lr' is set already (exp.toml:55:1). "
            "Leave out the '+' to change it");
}

TEST(Override, TildeDeletesAKeyOrATable) {
  EXPECT_EQ(after("~train.lr", "train.lr"), "0.001");
  EXPECT_FALSE(read_text(kSample, {"~head.mask.regularizer"}).heads[1].regularizer);
  EXPECT_THAT(
      problems_of(kSample, {"~train.lrr"}),
      StartsWith("command line: ~train.lrr: there is no 'train.lrr' to delete. Did you mean "
                 "'train.lr'?"));
  EXPECT_THAT(problems_of(kSample, {"~hed.mask"}), HasSubstr("Did you mean 'head'?"));
}

TEST(Override, UnknownKeysNameTheNearest) {
  EXPECT_THAT(
      problems_of(kSample, {"train.lrr=1"}),
      StartsWith("command line: train.lrr=1: unknown key 'train.lrr'. Did you mean 'train.lr'?"));
  EXPECT_THAT(problems_of(kSample, {"data.augment.flp=true"}),
              HasSubstr("Did you mean 'data.augment.flip'?"));
  EXPECT_THAT(problems_of(kSample, {"data.augmnt.flip=true"}),
              HasSubstr("Did you mean 'data.augment'?"));
  EXPECT_THAT(problems_of(kSample, {"tran.lr=1"}), HasSubstr("Did you mean 'train'?"));
  EXPECT_THAT(problems_of(kSample, {"lr=1"}), HasSubstr("Did you mean 'train.lr'?"));
}

TEST(Override, AMissingTableNamesTheNearestAndTheFormThatAddsIt) {
  const auto message = problems_of(kSample, {"head.msk.weight=2"});
  EXPECT_THAT(message,
              StartsWith("command line: head.msk.weight=2: there is no table 'head.msk'. Did "
                         "you mean 'head.mask'?"));
  EXPECT_THAT(message, HasSubstr("To add it: +head.msk.weight=2"));
}

TEST(Override, UnknownOptionsOfAPluginAreReportedWithTheRest) {
  EXPECT_THAT(
      problems_of(kSample, {"backbone.seg.widht=8"}),
      StartsWith("command line: backbone.seg.widht=8: backbone 'unet': unknown option 'widht'. "
                 "Did you mean"));
  EXPECT_THAT(
      problems_of(kSample, {"train.epochs=none"}),
      StartsWith("command line: train.epochs=none: train: option 'epochs' is 'none', expected "
                 "integer"));
}

TEST(Override, WhatIsNoOverrideSaysSo) {
  for (const auto* text : {"train.lr", "~train.lr=1", "+train.lr"})
    EXPECT_THAT(problems_of(kSample, {text}), HasSubstr("this is not an override")) << text;
  for (const auto* text : {"=1", "train..lr=1", ".lr=1", "train.=1"})
    EXPECT_THAT(problems_of(kSample, {text}), HasSubstr("is not a key")) << text;
  EXPECT_THAT(problems_of(kSample, {"extends=x"}), HasSubstr("cannot be changed here"));
  EXPECT_THAT(problems_of(kSample, {"train=1"}), HasSubstr("'train' is a table"));
  EXPECT_THAT(problems_of(kSample, {"train.lr.x=1"}), HasSubstr("'train.lr' is a value"));
}

TEST(Swap, OneLineChangesAPluginAndDropsWhatItDoesNotKnow) {
  const auto experiment = read_text(kSample, {"fusion.combine.plugin=concat"});
  EXPECT_EQ(experiment.fusions[0].plugin, "concat");
  EXPECT_EQ(experiment.fusions[0].connect.size(), 2u);
  EXPECT_THAT(experiment.fusions[0].options, IsEmpty());
  EXPECT_THAT(experiment.dropped,
              ElementsAre("fusion.combine: option 'ratio' (exp.toml:35:1) was for 'conv1x1' and is "
                          "unknown to 'concat'; it is left out"));
  EXPECT_THAT(experiment.document.to_toml(), Not(HasSubstr("ratio =")));
}

TEST(Swap, OptionsThatTheNewPluginKnowsStay) {
  const auto experiment = read_text(kSample, {"backbone.seg.plugin=resnet50"});
  EXPECT_EQ(parameter(experiment, "backbone.seg.width"), "32");
  EXPECT_THAT(experiment.dropped, IsEmpty());
}

TEST(Swap, AnOptionOfTheSameLayerAsTheNewPluginIsNotDropped) {
  EXPECT_THAT(problems_of(kSample, {"fusion.combine.plugin=concat", "fusion.combine.ratio=0.1"}),
              HasSubstr("unknown option 'ratio'"));
}

TEST(Swap, ALaterFileSwapsToo) {
  const Folder folder;
  folder.write("base.toml", kSample);
  folder.write("exp.toml", "extends = 'base.toml'\n[fusion.combine]\nplugin = 'concat'\n");
  using namespace hilum::config;
  EXPECT_EQ(read(Document::load("exp.toml", {}), fake_lookup).dropped.size(), 1u);
  folder.write("exp.toml",
               "extends = 'base.toml'\n[fusion.combine]\nplugin = 'concat'\nratio = 1\n");
  EXPECT_THROW(read(Document::load("exp.toml", {}), fake_lookup), hilum::Error);
}

}  // namespace
