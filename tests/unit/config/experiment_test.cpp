// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace {
using hilum::Strings;
using namespace hilum::config;
using namespace hilum::testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Read, FillsTypedSectionsAndParts) {
  const auto e = read_text(kSample);
  EXPECT_EQ(e.experiment.name, "proposed");
  EXPECT_EQ(e.experiment.seed, 7);
  EXPECT_EQ(e.data.val, "0.2");
  EXPECT_EQ(e.data.window, (std::vector<double>{-1000, 400}));
  EXPECT_TRUE(e.data.flip);
  EXPECT_EQ(e.data.shift, 0.1);
  EXPECT_EQ(e.data.count, 40);
  EXPECT_EQ(e.train.freeze, Strings{"seg.S1"});
  ASSERT_EQ(e.backbones.size(), 2u);
  EXPECT_EQ(e.backbones[0].name, "cls");
  EXPECT_EQ(e.backbones[1].plugin, "unet");
  EXPECT_EQ(std::get<int64_t>(e.backbones[1].options.at("width").data), 32);
  ASSERT_EQ(e.fusions.size(), 1u);
  EXPECT_EQ(e.fusions[0].connect,
            (std::vector<Strings>{{"cls.C1", "seg.S2"}, {"cls.C2", "seg.S3"}}));
  ASSERT_EQ(e.heads.size(), 2u);
  EXPECT_EQ(e.heads[0].on, Strings{"cls.C5"});
  EXPECT_EQ(e.heads[0].weight, 0.5);
  ASSERT_TRUE(e.heads[1].regularizer);
  EXPECT_EQ(e.heads[1].regularizer->guide, "nodule");
  EXPECT_EQ(e.heads[1].regularizer->plugin, "std");
  EXPECT_FALSE(e.heads[0].regularizer);
}

TEST(Read, ParametersHoldEveryKnownKeyDefaultsIncluded) {
  const auto e = read_text(kSample);
  EXPECT_EQ(parameter(e, "experiment.seed"), "7");
  EXPECT_EQ(parameter(e, "data.augment.flip"), "true");
  EXPECT_EQ(parameter(e, "data.augment.rotate90"), "false");
  EXPECT_EQ(parameter(e, "data.phantom.seed"), "0");
  EXPECT_EQ(parameter(e, "backbone.seg.plugin"), "\"unet\"");
  EXPECT_EQ(parameter(e, "backbone.seg.in_channels"), "1");
  EXPECT_EQ(parameter(e, "fusion.combine.connect"),
            R"([["cls.C1", "seg.S2"], ["cls.C2", "seg.S3"]])");
  EXPECT_EQ(parameter(e, "head.mask.on"), R"(["seg.S9"])");
  EXPECT_EQ(parameter(e, "head.mask.regularizer.half_size"), "4");
}

TEST(Read, ReportsAllProblemsInOneErrorUnknownKeysFirst) {
  auto text = sample_with("epochs = 12", "epochs = 0");
  text.replace(text.find("depth = 5"), 9, "dephth = 5");
  text.replace(text.find("seed = 7"), 8, "seed = \"x\"");
  EXPECT_EQ(
      problems_of(text),
      "exp.toml:30:1: backbone 'unet': unknown option 'dephth'. Did you mean 'depth'? Known: "
      "depth, "
      "in_channels, init, inputs, plugin, width.\n"
      "exp.toml:3:1: experiment: option 'seed' is 'x', expected integer, allowed [0, 9e+18].\n"
      "exp.toml:52:1: train: option 'epochs' is 0, allowed [1, 1000000].");
}

TEST(Read, UnknownTablesAndTopLevelKeysNameTheNearest) {
  EXPECT_THAT(problems_of(sample_with("[train]", "[tran]")),
              StartsWith("exp.toml:51:2: unknown table 'tran'. Did you mean 'train'?"));
  EXPECT_THAT(problems_of(sample_with("[data.augment]", "[data.augmnt]")),
              StartsWith("exp.toml:15:7: data: unknown table 'augmnt'. Did you mean 'augment'?"));
  EXPECT_THAT(problems_of(sample_with("[head.mask.regularizer]", "[head.mask.reguliarizer]")),
              StartsWith("exp.toml:46:12: head 'mask': unknown table 'reguliarizer'. Did you mean "
                         "'regularizer'?"));
  EXPECT_THAT(problems_of("epochs = 3\n" + std::string(kSample)),
              StartsWith("exp.toml:1:1: unknown key 'epochs'. Did you mean 'train.epochs'?"));
  EXPECT_THAT(problems_of("train = 3\n"), StartsWith("exp.toml:1:1: 'train' is a table"));
}

TEST(Read, AMistypedSectionIsNotBuriedUnderWhatFollowsFromIt) {
  const auto message = problems_of(sample_with("[backbone.seg]", "[bakbone.seg]"));
  EXPECT_THAT(message,
              StartsWith("exp.toml:27:2: unknown table 'bakbone'. Did you mean 'backbone'?"));
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(Read, RulesAcrossOptions) {
  EXPECT_THAT(problems_of(sample_with("dims = 2", "dims = 3")), HasSubstr("'roi' must have"));
  EXPECT_THAT(problems_of(sample_with("window = [-1000, 400]", "window = [400, -1000]")),
              HasSubstr("'window' must be"));
  EXPECT_THAT(problems_of(sample_with("dims = 2", "spacing = [1, 1, 1]")),
              HasSubstr("'spacing' must be"));
  EXPECT_THAT(problems_of(sample_with("dims = 2", "spacing = [1, 0]")), HasSubstr("above 0 mm"));
  EXPECT_THAT(problems_of(sample_with("lr = 1e-3", "device = 'gpu'")),
              HasSubstr("'device' must be"));
  EXPECT_EQ(problems_of(sample_with("lr = 1e-3", "device = 'cuda:1'")), "");
}

TEST(Read, ValidationThatIsNonsenseNamesTheKey) {
  EXPECT_THAT(problems_of(sample_with("val = 0.2", "val = 1.5")),
              StartsWith("exp.toml:8:1: data: option 'val' is '1.5', allowed 'none', a fraction"));
}

TEST(Read, AProblemInABaseSaysWhoExtendsIt) {
  const Folder folder;
  folder.write("base.toml", sample_with("lr = 1e-3", "lrr = 1e-3"));
  folder.write("exp.toml", "extends = 'base.toml'\n[train]\nepochs = 2\n");
  try {
    read(Document::load("exp.toml", {}), fake_lookup);
    FAIL() << "a wrong key in the base was accepted";
  } catch (const hilum::Error& error) {
    EXPECT_THAT(error.what(),
                StartsWith("base.toml:55:1: train: unknown option 'lrr'. Did you mean 'lr'?"));
    EXPECT_THAT(error.what(), HasSubstr("(exp.toml extends this file.)"));
  }
}

TEST(Hash, IsEqualForTheSameWorkOnly) {
  const auto hash = [](const Strings& overrides) { return read_text(kSample, overrides).hash(); };
  const auto base = hash({});
  EXPECT_EQ(base.size(), 64u);
  for (const auto* same :
       {"experiment.name=other", "experiment.note=x", "data.workers=8", "train.log_every=5",
        "train.digests=off", "train.clip=0", "train.epochs=12"})
    EXPECT_EQ(hash({same}), base) << same;
  for (const auto* other :
       {"experiment.seed=8", "train.lr=0.01", "train.threads=1", "backbone.seg.width=33",
        "head.mask.regularizer.sigma=2", "data.source=x"})
    EXPECT_NE(hash({other}), base) << other;
}

TEST(RoundTrip, TheResolvedTextLoadsToTheSameExperiment) {
  const Folder folder;
  folder.write("lib/base.toml", sample_with("source = \"phantom\"", "source = \"../set\""));
  folder.write("exp.toml",
               "extends = 'lib/base.toml'\n[experiment]\nname = \"a \\\"b\\\"\"\n"
               "[backbone.seg.inputs]\nimage = \"cls.C2\"\n");
  const auto first = read(
      Document::load("exp.toml", {"fusion.combine.plugin=concat", "train.init=experiment:p.toml"}),
      fake_lookup);
  const auto text = first.document.to_toml();
  EXPECT_THAT(text, Not(HasSubstr("extends")));
  folder.write("elsewhere/config.toml", text);
  const auto second = read(Document::load("elsewhere/config.toml", {}), fake_lookup);
  EXPECT_EQ(second.parameters, first.parameters);
  EXPECT_EQ(second.hash(), first.hash());
  EXPECT_EQ(second.document.to_toml(), text);
  EXPECT_EQ(second.data.source, (folder.path() / "set").string());
  EXPECT_EQ(second.backbones[1].inputs.at("image"), "cls.C2");
  EXPECT_TRUE(second.dropped.empty());
}

}  // namespace
