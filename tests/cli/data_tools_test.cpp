// SPDX-License-Identifier: Apache-2.0
// hilum data split, check and show, as a person uses them.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class DataTools : public Program {
 protected:
  /// Thirty phantoms of ten patients.
  void write_set(const std::string& name) {
    const auto made = hilum({"data", "phantom", "--out", name, "--count", "30", "--patients", "10",
                             "--size", "4", "24", "24"});
    ASSERT_EQ(made.code, 0) << made.all();
  }
  std::string folds(const std::string& file) { return text_of(root / file); }
};

TEST_F(DataTools, FoldsArePinnedPrintedAndNeverReplacedUnasked) {
  write_set("set");
  const auto refused = hilum({"data", "split", "make", "set"});
  EXPECT_EQ(refused.code, 2) << refused.all();
  EXPECT_THAT(refused.err, AllOf(HasSubstr("folds.csv: exists"), HasSubstr("--force")));

  const auto made = hilum({"data", "split", "make", "set", "--stratify", "malignancy",
                           "--malignancy", "benign3", "--seed", "3", "--force"});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, AllOf(HasSubstr("malignancy 0"), HasSubstr("malignancy 1"),
                              HasSubstr("set/folds.csv: seed 3, by patient")));
  EXPECT_THAT(made.out, Not(HasSubstr("warning")));
  const auto first = folds("set/folds.csv");
  EXPECT_THAT(first, StartsWith("id,fold\n"));
  EXPECT_EQ(lines_of(first).size(), 31U);
  EXPECT_EQ(hilum({"data", "split", "check", "set"}).code, 0);
  EXPECT_EQ(hilum({"data", "check", "set"}).code, 0);

  Strings again = {"data",       "split",      "make",         "set",
                   "--stratify", "malignancy", "--malignancy", "benign3"};
  EXPECT_EQ(hilum(again + Strings{"--seed", "3", "-o", "same.csv"}).code, 0);
  EXPECT_EQ(folds("same.csv"), first);
  EXPECT_EQ(hilum(again + Strings{"--seed", "4", "-o", "other.csv"}).code, 0);
  EXPECT_NE(folds("other.csv"), first);
  const auto wrong = hilum({"data", "split", "make", "set", "--stratify", "malignance", "--force"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("Did you mean 'malignancy'?"));
  EXPECT_EQ(folds("set/folds.csv"), first);
}

TEST_F(DataTools, ASplitByLesionSaysSoAndDoesNotPassTheCheck) {
  write_set("set");
  const auto made = hilum({"data", "split", "make", "set", "--by", "lesion"});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out,
              AllOf(HasSubstr("folds-lesion.csv"), HasSubstr("warning: a split by lesion"),
                    HasSubstr("patients stand in several folds")));
  const auto check = hilum({"data", "split", "check", "set", "--folds", "set/folds-lesion.csv"});
  EXPECT_EQ(check.code, 3) << check.all();
  EXPECT_THAT(check.out, HasSubstr("patient P001: 'P001_1"));
  EXPECT_THAT(check.out, HasSubstr("' in fold "));
  EXPECT_EQ(hilum({"data", "split", "check", "set", "--folds", "none.csv"}).code, 2);
}

TEST_F(DataTools, CheckWarnsAndStaysAtZero) {
  write_set("set");
  auto index = text_of(root / "set" / "index.csv");
  const auto row = index.find("\nP002_1");
  const auto end = index.find('\n', row + 1);
  const auto cell = index.rfind(',', end) + 1;  // malignancy
  index.replace(cell, end - cell, "9");
  write(root / "set" / "index.csv", index);
  const auto text = hilum({"data", "check", "set"});
  EXPECT_EQ(text.code, 0) << text.all();
  EXPECT_THAT(text.out, HasSubstr("warning: 1 of 30 regions: malignancy outside [1, 5]: 'P002_1"));
  const auto found = json({"data", "check", "set"}).at("warnings");
  const auto at = std::find_if(found.begin(), found.end(),
                               [](const auto& w) { return w.at("check") == "target"; });
  ASSERT_NE(at, found.end()) << found;
  EXPECT_EQ(at->at("count"), 1);
}

TEST_F(DataTools, ShowDrawsWhatIsAskedFor) {
  const auto shown = hilum({"data", "show", "phantom", "--count", "6", "--window", "-1000,400",
                            "--channels", "ct,otsu", "-o", "sheet.png"});
  ASSERT_EQ(shown.code, 0) << shown.all();
  EXPECT_THAT(text_of(root / "sheet.png"), StartsWith("\x89PNG"));
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("6 of 60 regions"), HasSubstr("otsu"), HasSubstr("HU -1000 to 400")));
  write_set("set");
  const auto id = lines_of(text_of(root / "set" / "index.csv"))[4];
  const auto one = hilum({"data", "show", "set", "--slices", "all", "-o", "one.png", "--ids",
                          id.substr(0, id.find(','))});
  ASSERT_EQ(one.code, 0) << one.all();
  EXPECT_THAT(one.out, HasSubstr("1 of 30 regions"));
  EXPECT_GT(lines_of(one.out).size(), 4U) << "four slices";

  const auto stranger = hilum({"data", "show", "set", "--ids", "nobody", "-o", "x.png"});
  EXPECT_EQ(stranger.code, 2);
  EXPECT_THAT(stranger.err, HasSubstr("no region of 'set' has this id"));
  EXPECT_EQ(hilum({"data", "show", "set", "-o", "x.jpg"}).code, 2);
  EXPECT_EQ(hilum({"data", "show", "set", "--window", "400,-1000", "-o", "x.png"}).code, 2);
  EXPECT_EQ(hilum({"data", "show", "set", "--channels", "ots", "-o", "x.png"}).code, 2);
  EXPECT_FALSE(fs::exists(root / "x.png"));
}

}  // namespace
}  // namespace hilum::testing
