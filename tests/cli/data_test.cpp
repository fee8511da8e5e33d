// SPDX-License-Identifier: Apache-2.0
// ROI sets on disk: where they are found from, broken ones, leaking ones, folds, 3D.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

class Data : public Program {
 protected:
  /// Twelve phantoms of six patients as NIfTI, equal to those that kTiny makes in memory.
  void write_set(const std::string& name) {
    const auto made = hilum({"data", "phantom", "--out", name, "--count", "12", "--patients", "6",
                             "--size", "8", "32", "32"});
    ASSERT_EQ(made.code, 0) << made.all();
  }
  Outcome run(const Strings& overrides, const Launch& launch = {}) {
    return hilum(Strings{"run", kQuickstart} + kTiny + overrides, launch);
  }
  nlohmann::json newest() { return json({"runs", "list"}).at(0); }
};

TEST_F(Data, APathIsRelativeToTheFileAndOnTheCommandLineToTheWorkingDirectory) {
  write_set("study/set");
  auto text = text_of(kQuickstart);
  text.replace(text.find("\"phantom\""), 9, "\"set\"");
  write(root / "study" / "exp.toml", text);
  fs::create_directories(root / "elsewhere");
  const Launch elsewhere{.cwd = root / "elsewhere"};

  auto by_file = json(Strings{"run", "../study/exp.toml"} + kTiny, elsewhere);
  auto by_line = json(Strings{"run", kQuickstart, "data.source=../study/set"} + kTiny, elsewhere);
  for (auto* run : {&by_file, &by_line})
    for (const auto* clock : {"train.samples_per_s", "train.data_wait"})
      run->at("metrics").erase(clock);
  EXPECT_EQ(by_file.at("status"), "done");
  EXPECT_EQ(by_file.at("metrics"), by_line.at("metrics")) << "the same data, the same run";
}

TEST_F(Data, ASetOnDiskGivesTheFiguresOfTheSamePhantomsInMemory) {
  write_set("set");
  const auto trained = json(Strings{"run", kQuickstart} + kTiny);
  const auto all = json({"eval", "@last", "--data", "set"});
  EXPECT_EQ(all.at("regions"), 12);
  EXPECT_EQ(all.at("metrics").at("data_set.mask.cases"), 12);
  // The four test regions are among the twelve: case by case the same figures.
  const std::string of =
      "select patient, nodule, ifnull(slice, ''), name, round(value, 4) from case_metric ";
  const auto test = sql(of + "where split = 'test' order by 1, 2, 3, 4");
  EXPECT_GT(lines_of(test).size(), 50U);
  EXPECT_EQ(test,
            sql(of + "where split = 'data_set' and (patient, nodule) in (select patient, nodule "
                     "from case_metric where split = 'test') order by 1, 2, 3, 4"));
  const auto again = json({"eval", "@last"});
  EXPECT_EQ(again.at("metrics").at("test.mask.dice"), trained.at("metrics").at("test.mask.dice"));
}

TEST_F(Data, ABrokenSetIsExitCode3WithTheRowAndTheRunIsRecordedAsFailed) {
  write_set("set");
  const auto rows = lines_of(text_of(root / "set" / "index.csv"));
  const auto image = rows[2].substr(rows[2].find("image/"));
  fs::remove(root / "set" / image.substr(0, image.find(',')));
  const auto missing = run({"data.source=set"});
  EXPECT_EQ(missing.code, 3) << missing.all();
  EXPECT_THAT(missing.err, HasSubstr("index.csv:3: column 'image'"));
  EXPECT_EQ(newest().at("status"), "failed");

  write(root / "set" / image.substr(0, image.find(',')), "not an image");
  const auto torn = run({"data.source=set"});
  EXPECT_EQ(torn.code, 3) << torn.all();
  EXPECT_THAT(torn.err, HasSubstr(image.substr(6, image.find(".nii") - 6)));
  EXPECT_EQ(hilum({"data", "check", "set"}).code, 3);
  EXPECT_THAT(hilum({"runs", "show", "@last"}).out, HasSubstr("failed")) << "with its error";
}

// All regions of one patient under names of their own, so that they fall on both sides of a split.
TEST_F(Data, LeakageIsRefusedUnlessTheSplitSaysSoAndThenTheRunIsMarked) {
  write_set("set");
  std::string folds = "id,fold\n";
  const auto rows = lines_of(text_of(root / "set" / "index.csv"));
  for (size_t i = 1; i < rows.size(); ++i)
    folds += rows[i].substr(0, rows[i].find(',')) + "," + std::to_string(i <= 6 ? 0 : 1) + "\n";
  write(root / "set" / "folds.csv", folds);  // P001_1 in fold 0, P001_2 in fold 1, ...
  const auto leak = run({"data.source=set", "data.val=none"});
  EXPECT_EQ(leak.code, 3) << leak.all();
  EXPECT_THAT(leak.err, HasSubstr("P001"));
  EXPECT_THAT(leak.err, HasSubstr("lesion"));

  const auto allowed = run({"data.source=set", "data.val=none", "+data.split=lesion"});
  EXPECT_EQ(allowed.code, 0) << allowed.all();
  EXPECT_THAT(allowed.out, HasSubstr("warning: "));
  EXPECT_THAT(hilum({"runs", "list"}).out, HasSubstr("lesion-split"));
}

TEST_F(Data, AFoldAloneOrAllOfThem) {
  const auto two = json(Strings{"run", kQuickstart, "--fold", "2", "train.epochs=1"} + kTiny);
  EXPECT_EQ(sql("select fold from run"), "fold\n2\n") << two;
  const auto all =
      json(Strings{"run", kQuickstart, "--folds", "all"} + kTiny + Strings{"train.epochs=1"});
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(
      sql("select fold from v_fold where split = 'test' and metric = 'mask.dice' order by fold"),
      "fold\n0\n1\n2\n3\n4\n");
}

TEST_F(Data, WholeRegionsIn3D) {
  const auto trained = json(
      {"run", kQuickstart, "data.dims=3", "data.roi=[16,32,32]", "data.sampler=all",
       "backbone.seg.width=2", "backbone.seg.depth=2", "head.mask.on=seg.S3", "train.epochs=1",
       "train.batch=4", "+data.phantom.count=20", "+data.phantom.patients=10", "+train.threads=1"});
  EXPECT_EQ(trained.at("status"), "done");
  EXPECT_TRUE(trained.at("metrics").contains("test.mask.hd95"));
  EXPECT_EQ(hilum({"plan", kQuickstart, "data.dims=3", "data.roi=[16,32,32]"}).code, 0);
}

TEST_F(Data, MetricsOfTwoMasks) {
  write_set("set");
  const auto rows = lines_of(text_of(root / "set" / "index.csv"));
  const auto mask = [&](size_t row) {
    const auto begin = rows[row].find("mask/");
    return "set/" + rows[row].substr(begin, rows[row].find(',', begin) - begin);
  };
  const auto same = json({"metrics", mask(1), mask(1)});
  EXPECT_EQ(same.at("dice"), 1);
  EXPECT_EQ(same.at("hd"), 0);
  EXPECT_EQ(same.at("empty"), "none");
  const auto other = json({"metrics", mask(1), mask(2)});
  EXPECT_LT(other.at("dice"), 1);
  EXPECT_GT(other.at("hd95"), 0);
  EXPECT_THAT(hilum({"metrics", mask(1), mask(2)}).out, HasSubstr("mm"));
}

TEST_F(Data, ASetIsDescribedAndNeverOverwritten) {
  write_set("set");
  const auto described = json({"data", "check", "set"});
  EXPECT_EQ(described.at("regions"), 12);
  EXPECT_EQ(described.at("folds").size(), 5U);
  const auto again = hilum({"data", "phantom", "--out", "set"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("holds a ROI set already"));
}

}  // namespace
}  // namespace hilum::testing
