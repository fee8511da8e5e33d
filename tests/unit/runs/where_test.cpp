// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/where.hpp"

#include "fixture.hpp"

namespace hilum::runs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Three runs. a: unet, 0.9; b: resunet, 0.7, another head first in the alphabet; c: failed without
// metrics.
class Where : public StoreTest {
 protected:
  Where() {
    Store store(folder);
    const auto a = store.begin(some_run("a", 1, 0));
    store.log(a, std::vector<Metric>{{30, 3, "test", "mask.dice", 0.9},
                                     {30, 3, "test", "mask.precision", 0.95},
                                     {10, 1, "val", "mask.dice", 0.5},
                                     {20, 2, "val", "mask.dice", 0.85},
                                     {30, 3, "train", "lr", 1e-9},
                                     {30, 3, "train", "loss", 0.1}});
    store.add_tag(a, "paper");
    store.add_tag(a, "it's");
    store.finish(a, "done");
    NewRun second = some_run("b", 2, 1);
    second.plugins = {{"backbone", "resunet", "1", "x"},
                      {"backbone", "resnet50", "1", "y"},
                      {"head", "segmentation", "1", "z"}};
    second.params = {{"train.lr", "1e-4", "number"},     {"cls.width", "8", "integer"},
                     {"seg.width", "16", "integer"},     {"head.mask.weight", "1", "number"},
                     {"head.aux.weight", "1", "number"}, {"data.val", "0.2", "string"}};
    const auto b = store.begin(second);
    store.log(b, std::vector<Metric>{{30, 3, "test", "aaa.precision", 0.2},
                                     {30, 3, "test", "aux.dice", 0.3},
                                     {30, 3, "test", "aux.precision", 0.3},
                                     {30, 3, "test", "mask.precision", 0.6},
                                     {30, 3, "test", "mask.dice", 0.7}});
    store.finish(b, "done");
    store.finish(store.begin(some_run("c", 3, 0)), "failed", "out of memory");
  }
  Strings chosen(const std::string& where) {
    Strings names;
    for (const auto& run : Reader(folder).list({.where = where})) names.push_back(run.name);
    return names;
  }
  std::string error(const std::string& where) {
    return message_of([&] { chosen(where); });
  }
};

TEST_F(Where, AnOptionIsNotTheMetricOfItsName) {
  EXPECT_THAT(chosen("train.lr = 0.001"), ElementsAre("c", "a"));
  EXPECT_THAT(chosen("train.lr < 1e-8"), IsEmpty()) << "what the last step had";
}

TEST_F(Where, ABareMetricIsTheFirstMaskHeadOnTest) {
  EXPECT_THAT(chosen("dice > 0.8"), ElementsAre("a"));
  EXPECT_THAT(chosen("dice>0.5"), ElementsAre("b", "a"));
  EXPECT_THAT(chosen("dice = 0.7"), ElementsAre("b")) << "mask stands before aux in the experiment";
  EXPECT_THAT(chosen("precision = 0.6"), ElementsAre("b")) << "aaa is no mask head";
  EXPECT_THAT(chosen("dice < 0.5"), IsEmpty());
  EXPECT_THAT(chosen("hd95 < 100"), IsEmpty()) << "known, though no run has it";
}

TEST_F(Where, FullNamesReachEverySplitAndHead) {
  EXPECT_THAT(chosen("val.mask.dice >= 0.85"), ElementsAre("a")) << "the last value, not the first";
  EXPECT_THAT(chosen("val.mask.dice = 0.5"), IsEmpty());
  EXPECT_THAT(chosen("test.aux.dice < 0.5"), ElementsAre("b"));
  EXPECT_THAT(chosen("aux.dice < 0.5"), ElementsAre("b"));
  EXPECT_THAT(chosen("train.loss <= .1"), ElementsAre("a"));
}

TEST_F(Where, ColumnsPluginsTagsAndParameters) {
  EXPECT_THAT(chosen("status = failed"), ElementsAre("c"));
  EXPECT_THAT(chosen("seed >= 2 and fold == 0"), ElementsAre("c"));
  EXPECT_THAT(chosen("precision = float32 and not dirty"), ElementsAre("c", "b", "a"));
  EXPECT_THAT(chosen("started > 2020-01-01 and started < '2999'"), ElementsAre("c", "b", "a"));
  EXPECT_THAT(chosen("backbone = 'resunet'"), ElementsAre("b"));
  EXPECT_THAT(chosen("backbone = resnet50"), ElementsAre("b")) << "any of them";
  EXPECT_THAT(chosen("backbone != resunet"), ElementsAre("c", "a")) << "none of them";
  EXPECT_THAT(chosen("head like seg%"), ElementsAre("c", "b", "a"));
  EXPECT_THAT(chosen("tag = paper"), ElementsAre("a"));
  EXPECT_THAT(chosen("tag = 'it''s'"), ElementsAre("a"));
  EXPECT_THAT(chosen("train.lr = 1e-3"), ElementsAre("c", "a")) << "as numbers";
  EXPECT_THAT(chosen("lr < 0.0005"), ElementsAre("b"));
  EXPECT_THAT(chosen("lr in (0.0001, 7)"), ElementsAre("b"));
  EXPECT_THAT(chosen("optimizer = adam"), ElementsAre("c", "a"));
  EXPECT_THAT(chosen("data.val != 0.2"), ElementsAre("c", "a"));
  EXPECT_THAT(chosen("name in (a, 'c')"), ElementsAre("c", "a"));
  EXPECT_THAT(chosen("name not like 'a%'"), ElementsAre("c", "b"));
}

TEST_F(Where, PrecedenceAndNot) {
  EXPECT_THAT(chosen("name=a or name=b and seed=9"), ElementsAre("a"));
  EXPECT_THAT(chosen("(name=a or name=b) and seed=2"), ElementsAre("b"));
  EXPECT_THAT(chosen("not dice > 0.8"), ElementsAre("c", "b"))
      << "the complement, without a metric too";
  EXPECT_THAT(chosen("NOT (status=failed OR dice<0.8)"), ElementsAre("a"));
}

TEST_F(Where, UserTextNeverBecomesSql) {
  EXPECT_THAT(chosen("name = 'x'' or 1=1 --'"), IsEmpty());
  EXPECT_THAT(chosen("tag = \"'; drop table run; --\""), IsEmpty());
  EXPECT_THAT(chosen("seed > 0"), ElementsAre("c", "b", "a"));
}

TEST_F(Where, UnknownNamesShowWhereAndWhatIsKnown) {
  const std::string text = error("seed = 1 and dcie > 0.8");
  EXPECT_THAT(text, HasSubstr("column 14: unknown name 'dcie'. Did you mean 'dice'?"));
  EXPECT_THAT(text, HasSubstr("\n  seed = 1 and dcie > 0.8\n               ^"));
  EXPECT_THAT(text, HasSubstr("columns (id, name"));
  EXPECT_THAT(error("train.lrr = 1"), HasSubstr("Did you mean 'train.lr'?"));
  EXPECT_THAT(error("width = 8"), HasSubstr("any of cls.width, seg.width"));
  EXPECT_THAT(error("status = faild"), HasSubstr("Did you mean 'failed'?"));
  EXPECT_THAT(error("dice = high"), HasSubstr("'dice' is a number, compared with 'high'"));
  EXPECT_THAT(error("seed = one"), HasSubstr("Give a number"));
}

TEST_F(Where, SyntaxErrorsPointAtTheirPlace) {
  EXPECT_THAT(error("dice >"), HasSubstr("column 7: expected a number or a text"));
  EXPECT_THAT(error("dice 0.8"), HasSubstr("column 6: expected = != <"));
  EXPECT_THAT(error("(dice > 0.8"), HasSubstr("expected ')'"));
  EXPECT_THAT(error("name = 'a"), HasSubstr("quote ' is not closed"));
  EXPECT_THAT(error("dice > 0.8 seed = 1"),
              HasSubstr("column 12: expected 'and', 'or' or the end"));
  EXPECT_THAT(error("dice > 0.8 & seed = 1"), HasSubstr("unexpected '&'"));
  EXPECT_THAT(error("seed in 1"), HasSubstr("expected '(' after 'in'"));
  EXPECT_THAT(error("= 3"), HasSubstr("column 1: expected a name"));
  EXPECT_THAT(error(std::string(5000, '(')), HasSubstr("nested too deeply"));
}

TEST(WhereInNoStore, FindsNothingAndStillChecksTheGrammar) {
  EXPECT_THAT(Reader("/nonexistent/runs").list({.where = "anything > 1"}), IsEmpty());
  EXPECT_THAT(message_of([] { Reader("/nonexistent/runs").list({.where = "anything >"}); }),
              HasSubstr("column 11"));
}

}  // namespace
}  // namespace hilum::runs
