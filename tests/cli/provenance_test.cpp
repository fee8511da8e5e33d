// SPDX-License-Identifier: Apache-2.0
// What a run keeps of its plugins, what is said when they change, and a run made again.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// One run, a second long, with plugins in a library of the test's own.
class Provenance : public Program {
 protected:
  void SetUp() override {
    for (const char* file : {"registry.toml", "backbone_test_pyramid.so"}) {
      fs::create_directories(root / "plugins");
      fs::copy_file(fs::path(HILUM_PARTS_DIR) / file, root / "plugins" / file);
    }
    ASSERT_EQ(hilum({"data", "phantom", "--out", "set", "--count", "12", "--patients", "6",
                     "--size", "4", "16", "16"})
                  .code,
              0);
    write(root / "small.toml",
          "[experiment]\nname = \"small\"\n[plugins]\nregistries = [\"plugins\"]\n"
          "[data]\nsource = \"set\"\nroi = [16, 16]\n"
          "[backbone.b]\nplugin = \"test_pyramid\"\n[head.m]\nplugin = \"test_mask\"\n"
          "on = \"b.S1\"\n[train]\nepochs = 1\nbatch = 8\nthreads = 1\n");
    const auto first = hilum({"run", "small.toml", "--json"});
    ASSERT_EQ(first.code, 0) << first.all();
    id = nlohmann::json::parse(first.out).at("id").get<std::string>();
  }
  fs::path library() const { return root / "plugins" / "backbone_test_pyramid.so"; }
  // Another file that does the same: what stands behind the end of a library is not loaded.
  void rebuild() const { std::ofstream(library(), std::ios::app) << "built again"; }
  size_t count() const {
    return static_cast<size_t>(std::stoul(lines_of(sql("SELECT count(*) FROM run"))[1]));
  }
  void refused(const Strings& words, const std::string& said) const {
    const auto outcome = hilum(words);
    EXPECT_EQ(outcome.code, 2) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(said));
  }
  std::string id;
};

TEST_F(Provenance, ARunKeepsHashVersionAndBuildOfItsPlugins) {
  for (const auto& plugin : json({"runs", "show", id}).at("plugins")) {
    EXPECT_EQ(plugin.at("sha256").get<std::string>().size(), 64U);
    EXPECT_THAT(plugin.at("build").get<std::string>(),
                AllOf(HasSubstr("sdk "), HasSubstr("torch ")));
    EXPECT_EQ(plugin.at("now"), "the same");
    EXPECT_EQ(plugin.at("now_library"), library().string()) << "by the run's own registries";
  }
  EXPECT_THAT(sql("SELECT DISTINCT build FROM plugin"), HasSubstr("torch 2."));
}

TEST_F(Provenance, AnUnchangedRunIsMadeAgainBitForBit) {
  const auto again = hilum({"runs", "rerun", id, "--tag", "second"});
  ASSERT_EQ(again.code, 0) << again.all();
  EXPECT_THAT(again.out, HasSubstr("m.dice"));
  EXPECT_THAT(again.out, HasSubstr("are equal to those of run"));
  EXPECT_THAT(again.out, HasSubstr("The runs are the same in all "));
  EXPECT_THAT(again.all(), Not(HasSubstr("warning")));
  const auto list = json({"runs", "list", "--where", "tag = 'rerun:" + id + "'"});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_THAT(list[0].at("tags").dump(), HasSubstr("second"));
  EXPECT_EQ(sql("SELECT count(DISTINCT config_hash) AS n FROM run"), "n\n1\n") << "the same work";
}

TEST_F(Provenance, WithAnotherSeedTheFiguresDiffer) {
  const auto other = json({"runs", "rerun", id, "experiment.seed=5", "--fold", "1"});
  EXPECT_EQ(other.at("repeats"), id);
  EXPECT_EQ(other.at("equal"), false);
  EXPECT_EQ(other.at("steps_equal"), false);
  EXPECT_THAT(sql("SELECT seed, fold FROM run ORDER BY id DESC LIMIT 1"), HasSubstr("5,1"));
  const auto planned = hilum({"runs", "rerun", id, "train.epochs=2", "--dry-run"});
  EXPECT_THAT(planned.out, HasSubstr("note: train.epochs was 1, is 2"));
  EXPECT_EQ(count(), 2U);
}

TEST_F(Provenance, ARebuiltPluginIsMarkedAndRefused) {
  rebuild();
  const auto shown = hilum({"runs", "show", id});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("CHANGED"), HasSubstr("hilum runs rerun ")));
  EXPECT_LT(shown.cpu, 0.5) << "no library is loaded for it";
  EXPECT_EQ(json({"runs", "show", id}).at("plugins").at(0).at("now"), "changed");
  refused({"runs", "rerun", id}, "plugin backbone/test_pyramid: was library ");
  refused({"runs", "rerun", id, "--dry-run"}, "plugin head/test_mask: was library ");
  EXPECT_EQ(count(), 1U);
  const auto anyway = hilum({"runs", "rerun", id, "--anyway"});
  ASSERT_EQ(anyway.code, 0) << anyway.all();
  EXPECT_THAT(anyway.out, HasSubstr("warning: plugin backbone/test_pyramid: was library "));
  EXPECT_THAT(anyway.out, HasSubstr("are equal to those of run"));
  EXPECT_THAT(
      json({"runs", "show", "@last"}).at("note").get<std::string>(),
      AllOf(HasSubstr("repeats run " + id), HasSubstr("plugin head/test_mask was library ")));
  EXPECT_THAT(hilum({"runs", "show", "@last"}).out, Not(HasSubstr("CHANGED")));
}

TEST_F(Provenance, APluginThatIsGoneIsMissing) {
  fs::remove_all(root / "plugins");
  const auto shown = hilum({"runs", "show", id});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("missing"), HasSubstr("no backbone named 'test_pyramid'")));
  refused({"runs", "rerun", id, "--anyway"}, "plugin backbone/test_pyramid: was library ");
  EXPECT_EQ(count(), 1U);
}

TEST_F(Provenance, OtherDataAreRefusedUnlessAskedFor) {
  const auto last = lines_of(text_of(root / "set" / "index.csv")).back();
  for (const char* file : {"index.csv", "folds.csv"}) {
    std::string fewer;
    for (const auto& row : lines_of(text_of(root / "set" / file)))
      if (!row.starts_with(last.substr(0, last.find(',') + 1))) fewer += row + "\n";
    write(root / "set" / file, fewer);
  }
  refused({"runs", "rerun", id}, "data: was fingerprint ");
  EXPECT_EQ(count(), 1U);
  const auto anyway = json({"runs", "rerun", id, "--anyway"});
  EXPECT_EQ(anyway.at("drift").at(0).at("what"), "data");
  EXPECT_THAT(json({"runs", "show", "@last"}).at("note").get<std::string>(),
              HasSubstr("although data was fingerprint "));
  // A phantom in its place is what was asked for.
  EXPECT_EQ(hilum({"runs", "rerun", id, "data.source=phantom", "--dry-run"}).code, 0);
}

TEST_F(Provenance, WhatCannotBeMadeAgainSaysWhy) {
  ASSERT_EQ(hilum({"eval", id, "--flips"}).code, 0);
  refused({"runs", "rerun", "small-flips"}, "is an evaluation of " + id);
  refused({"runs", "rerun", "smal"}, "Did you mean 'small'");
  refused({"runs", "rerun", id, "train.epoch=3"}, "Did you mean 'train.epochs'");
  refused({"runs", "rerun", id, "--tag", "a,b"}, "without commas");
  fs::remove(runs() / id / "config.toml");
  refused({"runs", "rerun", id}, "its configuration is gone");
  EXPECT_EQ(count(), 2U);
}

}  // namespace
}  // namespace hilum::testing
