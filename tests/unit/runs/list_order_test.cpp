// SPDX-License-Identifier: Apache-2.0
// --sort and --columns.
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/runs/print/print.hpp"
#include "fixture.hpp"

namespace hilum::runs {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

class Sorted : public StoreTest {
 protected:
  Sorted() {
    Store store(folder);
    const auto add = [&](const std::string& name, std::optional<double> dice, int64_t seed) {
      NewRun run = some_run(name, seed);
      if (name == "b") run.tags = {"two", "one"};
      const auto id = store.begin(run);
      if (dice) store.log(id, std::vector<Metric>{{30, 3, "test", "mask.dice", *dice}});
      store.finish(id, "done");
    };
    add("a", 0.5, 1), add("b", 0.12345678901234566, 2), add("c", {}, 1), add("d", 0.5, 2);
    add("e", NAN, 3);
  }
  std::string names(const std::string& sort, int64_t limit = 0) {
    std::string all;
    for (const auto& run : Reader(folder).list({.limit = limit, .sort = sort})) all += run.name;
    return all;
  }
  std::string error(const std::string& sort) {
    return message_of([&] { names(sort); });
  }
};

TEST_F(Sorted, WhatIsMissingComesLastAndTheNewestFirstAmongEqual) {
  EXPECT_EQ(names("-dice"), "dabec");
  EXPECT_EQ(names("dice"), "bdaec");
  EXPECT_EQ(names("-dice", 2), "da");
  EXPECT_EQ(names("seed,-dice"), "acdbe");
  EXPECT_EQ(names("-seed, name"), "ebdac");
  EXPECT_EQ(names("-train.lr"), "edcba");
  EXPECT_EQ(names("-tags"), "bedca");
  EXPECT_EQ(names("-hd95"), "edcba") << "known, though no run has it";
}

TEST_F(Sorted, AWrongNameIsShown) {
  EXPECT_THAT(error("-dcie"),
              HasSubstr("--sort, column 2: unknown name 'dcie'. Did you mean 'dice'?"));
  EXPECT_THAT(error("dice,,seed"), HasSubstr("--sort, column 6: a name is missing"));
  EXPECT_THAT(error("seed,-"), HasSubstr("column 7: expected a name behind the sign"));
  EXPECT_THAT(error("result"), HasSubstr("unknown name 'result'"));
}

TEST_F(Sorted, ColumnsAreThoseThatWereAskedFor) {
  const Reader reader(folder);
  const auto listing = reader.list({.limit = 3, .sort = "-dice"},
                                   "name,dice,train.lr,optimizer,tags,epoch,result,auc");
  const auto list = json::parse(listing_json(listing));
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[2]["id"], reader.find("b"));
  EXPECT_EQ(list[2]["dice"], 0.12345678901234566);
  EXPECT_EQ(list[2]["train.lr"], 0.001);
  EXPECT_EQ(list[2]["optimizer"], "adam");
  EXPECT_EQ(list[2]["tags"], json({"one", "two"}));
  EXPECT_EQ(list[2]["epoch"], 3);
  EXPECT_EQ(list[2]["result"], "test.mask.dice 0.1235");
  EXPECT_TRUE(list[2]["auc"].is_null());
  EXPECT_EQ(list[2].size(), 9u);
  EXPECT_EQ(listing_csv(reader.list({.limit = 3, .sort = "dice"}, "name,dice,tags")),
            "name,dice,tags\nb,0.12345678901234566,one two\nd,0.5,\na,0.5,\n");
  EXPECT_THAT(listing_table(reader.list({}, "name,dice")), HasSubstr("b     0.1235\n"));
  EXPECT_THAT(listing_md(reader.list({}, "name,dice")),
              HasSubstr("| name | dice |\n| --- | --- |\n"));
}

TEST_F(Sorted, AWrongColumnIsShown) {
  const auto error = [&](const std::string& columns) {
    return message_of([&] { Reader(folder).list({}, columns); });
  };
  EXPECT_THAT(error("name,resullt"),
              HasSubstr("--columns, column 6: unknown name 'resullt'. Did you "
                        "mean 'result'?"));
  EXPECT_THAT(error("name, "), HasSubstr("a name is missing"));
}

TEST_F(Sorted, MetricsThatNoRunHasAreKnown) {
  const Reader reader(folder);
  for (const char* name : {"auc", "accuracy", "balanced_accuracy", "specificity", "within_one",
                           "mae", "rmse", "pearson", "hd95", "val.dice", "val.auc"})
    EXPECT_THAT(reader.list({.where = std::string("dice > 9 or ") + name + " > 0"}), IsEmpty())
        << name;
}

TEST(ListInNoStore, StillChecksWhatItCan) {
  const Reader reader("/nonexistent/runs");
  EXPECT_THAT(reader.list({.sort = "-whatever"}), IsEmpty());
  EXPECT_EQ(listing_json(reader.list({}, "id,whatever")), "[]\n");
  EXPECT_THAT(message_of([&] { reader.list({.sort = ","}); }), HasSubstr("--sort, column 1"));
  EXPECT_THAT(message_of([&] { reader.list({}, "a,,b"); }), HasSubstr("--columns, column 3"));
}

}  // namespace
}  // namespace hilum::runs
