// SPDX-License-Identifier: Apache-2.0
// hilum table: every table of the repository at its smallest budget, and what happens in between.
#include <algorithm>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kExperiments = HILUM_SOURCE_DIR "/experiments/";

class Table : public Program {
 protected:
  // A table of two rows whose runs take a second.
  void SetUp() override {
    write(root / "small.toml",
          "[experiment]\nname = \"small\"\n[data]\nsource = \"phantom\"\nroi = [16, 16]\n"
          "[data.phantom]\ncount = 20\npatients = 20\nsize = [4, 16, 16]\n"
          "[backbone.seg]\nplugin = \"unet\"\nwidth = 4\ndepth = 2\n"
          "[head.mask]\nplugin = \"segmentation\"\non = \"seg.S3\"\n"
          "[train]\nepochs = 1\nbatch = 8\nthreads = 1\n");
    write(root / "wide.toml",
          "extends = \"small.toml\"\n[experiment]\nname = \"wide\"\n[backbone.seg]\nwidth = 8\n");
    write_table("");
  }
  void write_table(const std::string& more) const {
    write(root / "table.toml",
          "[table]\ntitle = \"Widths\"\nbaseline = \"small\"\n"
          "[column.dice]\nlabel = \"Dice\"\nmetric = \"mask.dice\"\n"
          "[row.small]\nlabel = \"narrow\"\nexperiment = \"small.toml\"\n"
          "paper = { dice = 0.753 }\n"
          "[row.wide]\nlabel = \"wide\"\nexperiment = \"wide.toml\"\n"
          "[row.other]\nlabel = \"theirs\"\nnote = \"not a plugin yet\"\n"
          "paper = { dice = 0.8 }\n[profile.one]\nfolds = [0]\n" +
              more);
  }
  // Long enough to be stopped; returns after the first row's first epoch.
  Process start_in_the_middle() const {
    write_table("overrides = [\"train.epochs=40\"]\n");
    auto process = start({"table", "table.toml"});
    const auto deadline = Clock::now() + std::chrono::seconds(60);
    while (Clock::now() < deadline && !process.ended() &&
           text_of(root / "streams" / "1" / "err").find("epoch 2/40") == std::string::npos)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return process;
  }
  size_t count() const {
    return static_cast<size_t>(std::stoul(lines_of(sql("SELECT count(*) FROM run"))[1]));
  }
};

TEST_F(Table, RunsWhatIsMissingOnceAndSaysWhy) {
  const auto first = hilum({"table", "table.toml"});
  ASSERT_EQ(first.code, 0) << first.all();
  EXPECT_THAT(first.err, HasSubstr("[1/2] narrow, seed 0, fold 0: not run yet"));
  EXPECT_THAT(first.out, HasSubstr("0.753"));
  EXPECT_THAT(first.out, HasSubstr("not a plugin yet"));
  EXPECT_EQ(count(), 2u);
  const auto again = hilum({"table", "table.toml"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, Not(HasSubstr("["))) << "a second call runs nothing";
  EXPECT_EQ(again.out, first.out);
  EXPECT_EQ(count(), 2u);
  const auto page = hilum({"report", "table.toml", "--html", "table.html"});
  EXPECT_EQ(page.code, 0) << page.all();
  EXPECT_THAT(text_of(root / "table.html"), HasSubstr("<h1>Widths</h1>"));
  // One row's file changes: that row alone, and why.
  write(root / "wide.toml",
        "extends = \"small.toml\"\n[experiment]\nname = \"wide\"\n[backbone.seg]\nwidth = 12\n");
  const auto status = hilum({"table", "table.toml", "--status"});
  EXPECT_THAT(status.out, HasSubstr("backbone.seg.width was 8, now 12"));
  EXPECT_EQ(count(), 2u);
  const auto changed = hilum({"table", "table.toml"});
  EXPECT_THAT(changed.err, HasSubstr("[1/1] wide, seed 0, fold 0: backbone.seg.width was 8"));
  EXPECT_EQ(count(), 3u);
}

TEST_F(Table, AFigureEditedByHandIsNoticed) {
  ASSERT_EQ(hilum({"table", "table.toml"}).code, 0);
  const auto id = lines_of(sql("SELECT id FROM run WHERE name = 'wide'"))[1];
  const auto edit =
      Process({"/usr/bin/env", "python3", "-c",
               "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(\"UPDATE metric "
               "SET value "
               "= 0.99 WHERE run = ? AND name = 'mask.dice' AND split = 'test'\", (sys.argv[2],)); "
               "c.commit()",
               (runs() / "hilum.db").string(), id},
              {}, root / "streams" / "edit")
          .wait();
  ASSERT_EQ(edit.code, 0) << edit.err;
  const auto status = hilum({"table", "table.toml", "--status"});
  EXPECT_THAT(status.out, HasSubstr("edited by hand"));
  EXPECT_THAT(hilum({"runs", "show", id}).out, HasSubstr("CHANGED"));
  EXPECT_THAT(hilum({"table", "table.toml"}).err, HasSubstr("edited by hand"));
  EXPECT_EQ(count(), 3u) << "that row is run again";
}

TEST_F(Table, SeedsAndFoldsOfARowAndEveryFormat) {
  write_table("seeds = 2\n[profile.more]\nfolds = [0, 1]\n");
  const auto table = json({"table", "table.toml"});
  EXPECT_EQ(count(), 4u);
  EXPECT_GT(table.size(), 3u) << table.dump(1);
  for (const std::string format : {"md", "csv", "latex", "text"}) {
    const auto out = hilum({"table", "table.toml", "--format", format});
    EXPECT_EQ(out.code, 0) << out.all();
    EXPECT_THAT(out.out, HasSubstr("0.753")) << format;
  }
  EXPECT_EQ(count(), 4u);
}

TEST_F(Table, RulersAndOtherSystemsStandBesideTheRuns) {
  write(root / "theirs.csv",
        "patient,nodule,slice,name,value\nP001,P001_1_isolated,,mask.dice,0.25\n"
        "P001,P001_1_isolated,2,mask.dice,0.5\n");
  write_table(
      "[column.auc]\nmetric = \"malignancy.auc\"\n[row.size]\nlabel = \"size alone\"\n"
      "experiment = \"small.toml\"\nruler = \"malignancy\"\nfolds = [0, 1, 2, 3, 4]\n"
      "[row.theirs]\nlabel = \"theirs\"\ncases = \"theirs.csv\"\n");
  const auto table = hilum({"table", "table.toml"});
  EXPECT_EQ(table.code, 0) << table.all();
  EXPECT_THAT(table.out, HasSubstr("0.250"));
  EXPECT_THAT(table.out, ContainsRegex("size alone +- +[01]\\.[0-9]{3} \\["));
  EXPECT_EQ(count(), 2u) << "neither is a run";
  write(root / "theirs.csv", "patient,nodule,name\np,n,mask.dice\n");
  const auto wrong = hilum({"table", "table.toml"});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_THAT(wrong.err, HasSubstr("theirs.csv"));
}

TEST_F(Table, InterruptedItGoesOnWhereItWas) {
  auto process = start_in_the_middle();
  process.kill(SIGINT);
  const auto stopped = process.wait();
  EXPECT_EQ(stopped.code, 130) << stopped.all();
  EXPECT_THAT(stopped.err, HasSubstr("goes on where it was"));
  const auto rest = hilum({"table", "table.toml"});
  EXPECT_EQ(rest.code, 0) << rest.all();
  EXPECT_THAT(rest.err, HasSubstr("going on with run"));
  EXPECT_EQ(count(), 2u);
}

TEST_F(Table, KilledItLeavesNoTrainingBehind) {
  auto process = start_in_the_middle();
  process.kill(SIGKILL);
  (void)process.wait();
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  const auto status = [&] { return lines_of(sql("SELECT status FROM run")).at(1); };
  while (status() == "running" && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(status(), "interrupted") << "its training saved and ended";
  const auto rest = hilum({"table", "table.toml"});
  EXPECT_EQ(rest.code, 0) << rest.all();
  EXPECT_THAT(rest.err, HasSubstr("going on with run"));
  EXPECT_EQ(count(), 2u);
}

TEST_F(Table, TwoTrainingsAtOnceGiveTheSameTable) {
  const auto two = hilum({"table", "table.toml", "--jobs", "2"});
  ASSERT_EQ(two.code, 0) << two.all();
  EXPECT_EQ(count(), 2u);
  EXPECT_EQ(hilum({"table", "table.toml"}).out, two.out);
}

TEST_F(Table, AFailedRowLeavesTheOthers) {
  write(root / "wide.toml",
        "extends = \"small.toml\"\n[data.phantom]\ncount = 20\n[train]\nbatch = 4000\n");
  const auto outcome = hilum({"table", "table.toml"});
  EXPECT_EQ(outcome.code, 1) << outcome.all();
  EXPECT_THAT(outcome.out, HasSubstr("narrow"));
  EXPECT_THAT(outcome.all(), HasSubstr("train.batch"));
}

TEST_F(Table, WrongRequestsRunNothing) {
  const auto refused = [&](const Strings& words, const std::string& said) {
    const auto outcome = hilum(words);
    EXPECT_EQ(outcome.code, 2) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(said));
  };
  refused({"table", "tabel.toml"}, "tabel.toml");
  refused({"table", "table.toml", "--profile", "won"}, "Known: one");
  refused({"table", "table.toml", "backbone.sge.width=4"}, "names a part that no row has");
  refused({"table", "table.toml", "train.epoch=4"}, "train.epochs");
  write_table("[row.bad]\nexperiment = \"no.toml\"\nlable = \"x\"\n");
  refused({"table", "table.toml"}, "Did you mean 'label'?");
  refused({"table", "table.toml"}, "no.toml");
  write_table("[column.iou]\nmetric = \"mask.iou\"\naverage = \"nodul\"\n");
  refused({"table", "table.toml"}, "Did you mean 'nodule'?");
  EXPECT_FALSE(fs::exists(runs())) << "not even a store";
}

// What the papers' tables need from start to end, on phantoms: transfer learning and sharing of
// runs between tables among it.
TEST_F(Table, EveryTableAtTheSmokeProfile) {
  for (const std::string name :
       {"qims2025/table1", "qims2025/table2", "qims2025/table3", "icpr2020/table2",
        "icpr2020/table3", "comparisons/fusions", "comparisons/regularizers"}) {
    const Strings words = {"table", kExperiments + name + ".toml", "--profile", "smoke"};
    const auto first = start(words + Strings{"--format", "json"}).wait(400);
    ASSERT_EQ(first.code, 0) << name << "\n" << first.all();
    EXPECT_THAT(first.err, Not(HasSubstr("failed"))) << name;
    const size_t runs_before = count();
    const auto again = hilum(words);
    EXPECT_EQ(again.code, 0) << again.all();
    EXPECT_EQ(count(), runs_before) << name;
  }
  EXPECT_THAT(sql("SELECT count(*) FROM run WHERE name = 'qims2025-pretrain'"), HasSubstr("\n1\n"));
  EXPECT_THAT(sql("SELECT count(*) FROM run WHERE name = 'qims2025-proposed'"), HasSubstr("\n2\n"))
      << "tables 1 and 3 share them: fold 0 and the test set";
}

}  // namespace
}  // namespace hilum::testing
