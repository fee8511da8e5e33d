// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace {
using namespace hilum::config;
using namespace hilum::testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Part, AnUnknownPluginIsAProblemAtItsName) {
  EXPECT_THAT(problems_of(sample_with("plugin = \"unet\"", "plugin = \"unett\"")),
              StartsWith("exp.toml:28:1: no backbone named 'unett'. Did you mean 'unet'?"));
}

TEST(Part, APluginThatCannotBeLoadedIsToldWhenTheFileIsRight) {
  const Folder folder;
  const auto text = sample_with("plugin = \"unet\"", "plugin = \"broken\"");
  const auto fault = [&](const std::string& text) {
    try {
      read(Document::load(folder.write("exp.toml", text), {}), fake_lookup);
    } catch (const hilum::Error& error) {
      return error.fault;
    }
    return hilum::Fault::work;
  };
  EXPECT_EQ(fault(text), hilum::Fault::plugin);
  EXPECT_EQ(fault(text + "epocs = 3\n"), hilum::Fault::request);
}

TEST(Part, WithoutAPluginItIsAskedFor) {
  EXPECT_THAT(problems_of(sample_with("plugin = \"std\"", "")),
              StartsWith("exp.toml:46:12: regularizer of head 'mask': 'plugin' is missing."));
}

TEST(Part, AMistypedNeighbourIsNamed) {
  EXPECT_THAT(problems_of(sample_with("[head.mask.regularizer]", "[head.msk.regularizer]")),
              HasSubstr("head 'msk': 'plugin' is missing. Did you mean [head.mask]?"));
}

TEST(Part, NeedsBackbonesAndHeads) {
  EXPECT_THAT(problems_of("[experiment]\nname = 'x'\n"), HasSubstr("there is no backbone"));
  EXPECT_THAT(problems_of("[experiment]\nname = 'x'\n"), HasSubstr("there is no head"));
}

TEST(Part, AHeadReadsSomethingAndAFusionConnects) {
  EXPECT_THAT(problems_of(sample_with("on = \"seg.S9\"", "")),
              HasSubstr("head 'mask': 'on' is missing"));
  EXPECT_THAT(problems_of(sample_with(
                  "connect = [[\"cls.C1\", \"seg.S2\"], [\"cls.C2\", \"seg.S3\"]]", "")),
              HasSubstr("neither 'connect' nor 'between'"));
}

TEST(Part, ReservedAndOddNamesAreRefused) {
  EXPECT_THAT(problems_of(std::string(kSample) + "[backbone.input]\nplugin = 'unet'\n"),
              HasSubstr("backbone 'input': this name is taken"));
  EXPECT_THAT(
      problems_of(std::string(kSample) + "[head.'a b']\nplugin = 'segmentation'\non = 'seg.S9'\n"),
      HasSubstr("head 'a b': a name has letters"));
}

TEST(Part, CoreKeysHaveTypesAndRanges) {
  EXPECT_THAT(problems_of(sample_with("weight = 0.5", "weight = -1")),
              HasSubstr("head 'nodule': option 'weight' is -1, allowed [0, 1000000000]"));
  EXPECT_THAT(problems_of(sample_with("plugin = \"unet\"", "plugin = 3")),
              HasSubstr("backbone 'seg': option 'plugin' is 3, expected string"));
  EXPECT_THAT(problems_of(std::string(kSample) + "[fusion]\nother = 3\n"),
              HasSubstr("fusion 'other': this must be a table"));
}

TEST(Address, UnknownBackbonesAreNamedWithTheNearest) {
  EXPECT_THAT(
      problems_of(sample_with("on = \"seg.S9\"", "on = \"sge.S9\"")),
      StartsWith("exp.toml:44:1: head 'mask': 'on' is 'sge.S9', and there is no 'sge'. Did you "
                 "mean 'seg'?"));
  EXPECT_THAT(problems_of(kSample, {"fusion.combine.connect=[[cl.C1,seg.S2]]"}),
              HasSubstr("there is no 'cl'. Did you mean 'cls'?"));
  EXPECT_THAT(problems_of(kSample, {"train.freeze=[sg.S1]"}), HasSubstr("no backbone 'sg'"));
  EXPECT_THAT(problems_of(kSample, {"+backbone.seg.inputs.image=enc.C2"}),
              HasSubstr("there is no 'enc'"));
}

TEST(Address, IsAStageOrAStrideOrAnotherHeadsOutput) {
  for (const auto* good : {"seg/8", "seg.S9", "nodule.hidden", "[cls.C5, nodule.hidden]"})
    EXPECT_EQ(problems_of(kSample, {std::string("head.mask.on=") + good}), "") << good;
  for (const auto* bad : {"seg", "seg.", ".S9", "seg/x", "seg/0", "seg/"})
    EXPECT_THAT(problems_of(kSample, {std::string("head.mask.on=") + bad}),
                HasSubstr("expected an address"))
        << bad;
  EXPECT_THAT(problems_of(kSample, {"head.mask.on=mask.logits"}), HasSubstr("there is no 'mask'"));
}

TEST(Address, ConnectTakesPairsAndBetweenTakesTwoOrMore) {
  EXPECT_THAT(problems_of(kSample, {"fusion.combine.connect=[[cls.C1]]"}),
              HasSubstr(R"(option 'connect' has ["cls.C1"], expected [giver, receiver])"));
  EXPECT_THAT(problems_of(kSample, {"fusion.combine.connect=[[seg.S1,seg.S1]]"}),
              HasSubstr("all different"));
  EXPECT_EQ(problems_of(kSample, {"~fusion.combine.connect",
                                  "fusion.combine.between=[[cls.C1,seg.S2,seg.S3]]"}),
            "");
}

TEST(Guide, NamesAnotherHead) {
  EXPECT_THAT(
      problems_of(sample_with("guide = \"nodule\"", "guide = \"nodul\"")),
      StartsWith("exp.toml:48:1: regularizer of head 'mask': 'guide' is 'nodul', and there is no "
                 "such head. Did you mean 'nodule'?"));
  EXPECT_THAT(problems_of(sample_with("guide = \"nodule\"", "guide = \"mask\"")),
              HasSubstr("'guide' is the head itself"));
}

}  // namespace
