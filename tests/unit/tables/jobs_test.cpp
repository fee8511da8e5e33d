// SPDX-License-Identifier: Apache-2.0
// From a table's file to the runs that it needs.
#include "core/tables/jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace hilum::tables {
namespace {
namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Jobs : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hilum_tables_XXXXXX").string();
    root_ = mkdtemp(name.data());
    write("seg.toml", "[experiment]\nseed = 3\n[backbone.seg]\nplugin = \"unet\"\n");
    write("both.toml", "extends = \"seg.toml\"\n[backbone.cls]\nplugin = \"resnet50\"\n");
    write("tuned.toml", "extends = \"both.toml\"\n[train]\ninit = \"experiment:both.toml\"\n");
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name) << text;
  }
  report::TableFile table(const std::string& rows, const std::string& profile = "") const {
    write("t.toml", "[table]\ntitle = \"T\"\n[column.dice]\nmetric = \"mask.dice\"\n" + rows +
                        "[profile.one]\n" + profile);
    return report::read_table(root_ / "t.toml");
  }
  std::vector<Job> jobs(const report::TableFile& file, const Strings& overrides = {}) const {
    return jobs_of(file, file.profiles[0], overrides);
  }
  std::string error(const std::function<void()>& work) const {
    try {
      work();
    } catch (const Error& e) {
      EXPECT_EQ(e.fault, Fault::request);
      return e.what();
    }
    return "nothing was thrown";
  }
  fs::path root_;
};

TEST_F(Jobs, ARowIsARunOfEachSeedAndFold) {
  const auto file =
      table("[row.a]\nexperiment = \"seg.toml\"\nseeds = 2\n", "folds = [0, 2, -1]\n");
  const auto all = jobs(file);
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0].seed, 3) << "the experiment's own is the first";
  EXPECT_EQ(all[5].seed, 4);
  EXPECT_EQ(all[5].fold, -1);
  EXPECT_EQ(all[5].set(), "test");
  EXPECT_THAT(all[4].overrides, ElementsAre("experiment.seed=4", "data.fold=2"));
  EXPECT_EQ(all[4].label, "a, seed 4, fold 2");
}

TEST_F(Jobs, OverridesOfPartsThatARowLacksAreLeftOutThere) {
  const auto file = table(
      "[row.a]\nexperiment = \"seg.toml\"\n[row.b]\nexperiment = \"both.toml\"\n"
      "overrides = [\"backbone.cls.width=32\"]\n",
      "overrides = [\"backbone.cls.width=16\", \"train.epochs=2\"]\n");
  const auto all = jobs(file, {"backbone.cls.depth=3"});
  EXPECT_THAT(all[0].overrides, ElementsAre("train.epochs=2", "experiment.seed=3", "data.fold=0"));
  // Later wins: the row over the profile, the command line over both.
  EXPECT_THAT(all[1].overrides,
              ElementsAre("backbone.cls.width=16", "train.epochs=2", "backbone.cls.width=32",
                          "backbone.cls.depth=3", "experiment.seed=3", "data.fold=0"));
  EXPECT_THAT(error([&] { jobs(file, {"backbone.seq.width=1"}); }),
              HasSubstr("'backbone.seq.width=1' names a part that no row has"));
}

TEST_F(Jobs, WhatRowsStartFromComesFirstAndOnce) {
  const auto file = table(
      "[row.a]\nexperiment = \"tuned.toml\"\n[row.b]\nexperiment = "
      "\"tuned.toml\"\noverrides = [\"train.lr=0.1\"]\n",
      "overrides = [\"backbone.cls.width=16\"]\n"
      "init_overrides = [\"train.epochs=9\"]\n");
  const auto all = jobs(file);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].experiment.filename(), "both.toml");
  EXPECT_EQ(all[0].row, std::nullopt);
  EXPECT_THAT(all[0].overrides, ElementsAre("backbone.cls.width=16", "train.epochs=9"))
      << "the row's do not reach it";
  EXPECT_EQ(all[1].init, 0u);
  EXPECT_EQ(all[2].init, 0u);
}

TEST_F(Jobs, ACircleAndAPartsOwnExperimentAreRefused) {
  write("x.toml", "[train]\ninit = \"experiment:y.toml\"\n");
  write("y.toml", "[train]\ninit = \"experiment:x.toml\"\n");
  const auto circle = table("[row.a]\nexperiment = \"x.toml\"\n");
  EXPECT_THAT(error([&] { jobs(circle); }), HasSubstr("circle"));
  write("z.toml", "[backbone.seg]\nplugin = \"unet\"\ninit = \"experiment:seg.toml\"\n");
  const auto part = table("[row.a]\nexperiment = \"z.toml\"\n");
  EXPECT_THAT(error([&] { jobs(part); }), HasSubstr("z.toml:3:1"));
}

TEST_F(Jobs, ATablesFileSaysAllThatIsWrongWithIt) {
  write("t.toml",
        "[table]\nbaseline = \"c\"\n[column.dice]\nmetric = \"mask.dice\"\naverage = \"slices\"\n"
        "[row.a]\nexperiment = \"no.toml\"\npaper = { dise = 0.5 }\n[row.b]\nfolds = [0]\n"
        "[profile.one]\nsedes = 2\n[rows.x]\n");
  const auto text = error([&] { report::read_table(root_ / "t.toml"); });
  for (const char* part :
       {"'title' is missing", "t.toml:2:", "'slice'", "no.toml", "Did you mean 'dice'?",
        "neither 'experiment' nor 'cases'", "Did you mean 'seeds'?", "Did you mean 'row'?"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST_F(Jobs, AColumnNamesTheRunsMetric) {
  const auto named = [](const std::string& metric, const std::string& average) {
    report::Column column;
    column.metric = metric, column.average = average;
    return column.name();
  };
  EXPECT_EQ(named("mask.dice", "nodule"), "mask.dice");
  EXPECT_EQ(named("mask.dice", "slice"), "mask.slice_dice");
  EXPECT_EQ(named("mask.dice", "nonempty_nodule"), "mask.nonempty_dice");
  EXPECT_EQ(named("mask.dice", "nonempty_patient"), "mask.nonempty_patient_dice");
  EXPECT_EQ(named("attributes.margin.auc", "slice"), "attributes.margin.slice_auc");
  EXPECT_EQ(named("parameters", "nodule"), "parameters");
}

}  // namespace
}  // namespace hilum::tables
