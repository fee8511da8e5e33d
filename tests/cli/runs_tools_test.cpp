// SPDX-License-Identifier: Apache-2.0
// hilum runs best | tag | note | gc | export
#include <cmath>

#include "tests/cli/runs_fixture.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Runs, BestCallsNoiseNoise) {
  std::vector<double> some, same, worse;
  for (int i = 0; i < 30; ++i) {
    some.push_back(0.8 + 0.1 * std::sin(i));
    same.push_back(0.8 + 0.1 * std::sin(i) + 0.01 * std::sin(7 * i));
    worse.push_back(0.4 + 0.1 * std::sin(i));
  }
  make({.name = "worse", .dice = 0.4, .val = {0.41, 0.42}, .cases = worse});
  const auto first =
      make({.name = "first", .seed = 4, .dice = 0.8, .val = {0.1, 0.82, 0.3}, .cases = some});
  const auto one = hilum({"runs", "best", "--where", "name = first or name = worse"});
  EXPECT_EQ(one.code, 0) << one.all();
  EXPECT_THAT(lines_of(one.out)[0],
              ::testing::MatchesRegex("rank +id +name +seed +fold +val.mask.dice +epoch +weights"));
  EXPECT_THAT(lines_of(one.out)[1], ::testing::ContainsRegex("^ *1 .* first +4 +0 +0.82 +2"));
  EXPECT_THAT(one.out, HasSubstr("The first is better than the second on the test cases"));

  make({.name = "same", .dice = 0.8, .val = {0.81}, .cases = same});
  const auto noise = hilum({"runs", "best"});
  EXPECT_THAT(noise.out, HasSubstr("The first is no winner over the second."));
  EXPECT_THAT(noise.out, HasSubstr("not distinguishable"));
  EXPECT_THAT(noise.out, Not(HasSubstr("is better")));
  const auto document = json({"runs", "best", "--top", "2"});
  EXPECT_EQ(document.at("metric"), "val.dice");
  EXPECT_EQ(document.at("runs")[0].at("id"), first);
  EXPECT_EQ(document.at("runs")[0].at("epoch"), 2);
  EXPECT_TRUE(document.at("runs")[1].at("epoch").is_null()) << "validated once";
  EXPECT_EQ(document.at("second_against_first").at("verdict"), "noise");
}

TEST_F(Runs, BestByTheTestSaysSo) {
  make({.name = "a", .dice = 0.5});
  EXPECT_THAT(hilum({"runs", "best"}).out,
              HasSubstr("what is chosen by it is chosen on the test split"));
  make({.name = "b", .dice = 0.6});
  const auto two = hilum({"runs", "best", "dice"});
  EXPECT_THAT(two.out, HasSubstr("cannot be said: not both have a test figure mask.dice"));
  EXPECT_THAT(hilum({"runs", "best", "val.auc"}).out, HasSubstr("None of 2 done runs has val.auc"));
  EXPECT_THAT(hilum({"runs", "best", "--where", "name = x"}).out,
              HasSubstr("No run that matches is done"));
  refused({"best", "seed"}, 2, "'seed' is no metric");
}

TEST_F(Runs, TagsAndNotes) {
  const auto id = make({.name = "a", .tags = {"phantom"}});
  EXPECT_EQ(hilum({"runs", "tag", "a", "paper", "best"}).out, "best\npaper\nphantom\n");
  EXPECT_EQ(hilum({"runs", "tag", "a", "best", "--remove"}).out, "paper\nphantom\n");
  EXPECT_EQ(hilum({"runs", "tag", "@last"}).out, "paper\nphantom\n");
  EXPECT_EQ(json({"runs", "list", "--where", "tag = paper"}).size(), 1u);
  refused({"tag", "a", ""}, 2, "tag: value is ''");
  refused({"tag", "a", "two words"}, 2, "without blanks and commas");
  refused({"tag", "a", "phantom", "--remove"}, 2, "--force to remove");
  refused({"tag", "a", "papr", "--remove"}, 2, "Did you mean 'paper'?");
  refused({"tag", "a", "--remove"}, 2, "needs the tags");
  refused({"tag", "nobody", "x"}, 2, "no run 'nobody'");
  EXPECT_EQ(hilum({"runs", "note", "a"}).out, "");
  EXPECT_EQ(hilum({"runs", "note", "a", "looks good"}).out, "looks good\n");
  EXPECT_EQ(hilum({"runs", "note", "a", "or not", "--append"}).out, "looks good\nor not\n");
  EXPECT_THAT(hilum({"runs", "show", "a"}).out, HasSubstr("as the run left them"));
  EXPECT_EQ(hilum({"runs", "note", "a", "--clear"}).out, "");
  EXPECT_EQ(json({"runs", "show", id}).at("note"), "");
  refused({"note", "a", "--append"}, 2, "needs the text");
  refused({"note", "a", ""}, 2, "--clear removes a note");
}

TEST_F(Runs, GcShowsFirstAndDeletesWhenTold) {
  const auto id = make({.name = "a"});
  write(runs() / id / "best.pt", std::string(3000, 'x')),
      write(runs() / id / "last.pt", std::string(5000, 'x'));
  write(runs() / "7ZZZZZZZZZ0000000000000000" / "config.toml", "x");
  const auto shown = hilum({"runs", "gc", "--checkpoints"});
  EXPECT_EQ(shown.code, 0) << shown.all();
  EXPECT_THAT(shown.out, ::testing::ContainsRegex("checkpoint +5.0 kB +" + id + "/last.pt"));
  EXPECT_THAT(shown.out, HasSubstr("2 to delete: 5.0 kB"));
  EXPECT_THAT(shown.out, HasSubstr("Nothing was deleted: --yes does it."));
  EXPECT_TRUE(fs::exists(runs() / id / "last.pt"));
  EXPECT_EQ(json({"runs", "gc"}).at("garbage").size(), 1u);
  const auto done = json({"runs", "gc", "--checkpoints", "--yes"});
  EXPECT_EQ(done.at("deleted"), true);
  EXPECT_GE(done.at("freed").get<int64_t>(), 5001);
  EXPECT_FALSE(fs::exists(runs() / id / "last.pt"));
  EXPECT_TRUE(fs::exists(runs() / id / "best.pt"));
  EXPECT_THAT(hilum({"runs", "gc"}).out, HasSubstr("Nothing to delete."));
  refused({"gc", "--failed", "--older-than", "soon"}, 2,
          "allowed a number of hours, days or weeks");
  refused({"gc", "--older-than", "3d"}, 2, "give one of them, too");
}

TEST_F(Runs, ExportWritesFoldersForOthers) {
  const auto a = make({.name = "a", .dice = 1.0 / 3}), b = make({.name = "b"});
  const auto csv = hilum({"runs", "export", "--csv", "tables"});
  EXPECT_EQ(csv.code, 0) << csv.all();
  EXPECT_EQ(csv.out, "2 runs in 7 files: tables\n");
  EXPECT_THAT(text_of(root / "tables" / "metrics.csv"),
              HasSubstr(a + ",9,9,test,mask.dice,0.3333333333333333\n"));
  EXPECT_EQ(hilum({"runs", "export", "a", "--json", "documents"}).out,
            "1 run in 1 file: documents\n");
  EXPECT_EQ(nlohmann::json::parse(text_of(root / "documents" / (a + ".json"))).at("name"), "a");
  EXPECT_EQ(hilum({"runs", "export", "--where", "name = b", "--json", "chosen"}).out,
            "1 run in 1 file: chosen\n");
  EXPECT_TRUE(fs::exists(root / "chosen" / (b + ".json")));
  refused({"export", "a", "--csv", "tables"}, 2, "tables: holds 7 files already");
  refused({"export", "a"}, 2, "give --csv FOLDER");
  refused({"export", "x", "--csv", "other"}, 2, "no run 'x'");
  refused({"export", "a", "--where", "seed = 1", "--csv", "other"}, 2, "not both");
  EXPECT_THAT(hilum({"runs", "export", "--where", "name = x", "--csv", "other"}).out,
              HasSubstr("None of the 2 runs matches"));
  EXPECT_FALSE(fs::exists(root / "other"));
}

}  // namespace
}  // namespace hilum::testing
