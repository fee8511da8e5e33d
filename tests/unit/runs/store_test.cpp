// SPDX-License-Identifier: Apache-2.0
#include "core/runs/store.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>

#include "core/runs/sqlite/migrations.hpp"
#include "core/runs/ulid.hpp"
#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::runs {
namespace {

using testing::HasSubstr;

TEST(Ulid, SortsByTimeAndAfterTheNewest) {
  std::string newest;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = new_ulid(newest);
    EXPECT_EQ(id.size(), 26u);
    EXPECT_TRUE(is_ulid_prefix(id));
    EXPECT_GT(id, newest);
    newest = id;
  }
  const std::string future = "7ZZZZZZZZZ0000000000000ZZZ";  // a clock that was wrong once
  EXPECT_EQ(new_ulid(future), "7ZZZZZZZZZ0000000000001000");
  EXPECT_FALSE(is_ulid_prefix("01U"));
}

TEST_F(StoreTest, BeginRecordsEverythingBeforeTheWorkStarts) {
  Store store(folder);
  NewRun run = some_run("first", 7, 2);
  run.tags = {"lesion-split"}, run.dirty = true;
  const std::string id = store.begin(run);
  EXPECT_EQ(util::read_file(folder / id / "config.toml"), run.config);
  EXPECT_EQ(store.config(id), run.config);
  const Details details = Reader(folder).show(id);
  EXPECT_EQ(details.status, "running");
  EXPECT_EQ(details.seed, 7);
  EXPECT_EQ(details.fold, 2);
  EXPECT_TRUE(details.dirty);
  EXPECT_EQ(details.params.size(), run.params.size());
  EXPECT_EQ(details.params[2].value, "adam") << "a string is stored without TOML's quotes";
  EXPECT_EQ(details.plugins.at(0).sha256, "aa11");
  EXPECT_EQ(details.plugins.at(0).build, "sdk 2, torch 2.11.0");
  EXPECT_EQ(details.plugins.at(1).build, "");
  EXPECT_THAT(details.tags, testing::ElementsAre("lesion-split"));
  EXPECT_TRUE(store.alive(id));
}

TEST_F(StoreTest, FinalMetricsAreThoseOfTheHighestStep) {
  Store store(folder);
  const std::string id = store.begin(some_run("a"));
  store.log(
      id, std::vector<Metric>{{20, 2, "val", "mask.dice", 0.7}, {10, 1, "val", "mask.dice", 0.5}});
  EXPECT_DOUBLE_EQ(store.find(id).metrics.at("val.mask.dice"), 0.7);
  store.log(id, std::vector<Metric>{{20, 2, "val", "mask.dice", 0.8}});  // again: replaced
  store.log(id, std::vector<Metric>{{10, 1, "val", "mask.dice", 0.4}});
  EXPECT_DOUBLE_EQ(store.find(id).metrics.at("val.mask.dice"), 0.8);
  EXPECT_EQ(count(folder, "select count(*) from metric"), 2);
  store.log(id, std::vector<Metric>{{30, 3, "val", "mask.dice", NAN}});
  EXPECT_TRUE(std::isnan(store.find(id).metrics.at("val.mask.dice")));
}

TEST_F(StoreTest, ResumeDropsWhatWillBeMadeAgain) {
  Store store(folder);
  const std::string id = store.begin(some_run("a"));
  for (int64_t step : {10, 20, 30})
    store.log(id, std::vector<Metric>{
                      {step, step / 10, "train", "loss", 1.0 / static_cast<double>(step)}});
  store.log(id, std::vector<Metric>{{30, 3, "test", "mask.dice", 0.9}});
  store.finish(id, "interrupted");
  store.resume(id, 20);
  const auto run = store.find(id);
  EXPECT_EQ(run.status, "running");
  EXPECT_EQ(run.ended, "");
  EXPECT_EQ(run.metrics.size(), 1u);
  EXPECT_DOUBLE_EQ(run.metrics.at("train.loss"), 0.05);
  store.resume(id, -1);
  EXPECT_TRUE(store.find(id).metrics.empty());
}

TEST_F(StoreTest, AFailedRunKeepsItsError) {
  Store store(folder);
  const std::string id = store.begin(some_run("a"));
  store.finish(id, "failed", "the loss is NaN");
  EXPECT_EQ(store.find("a").status, "failed");
  EXPECT_EQ(store.find("a").error, "the loss is NaN");
  EXPECT_NE(store.find("a").ended, "");
  EXPECT_FALSE(store.alive(id));
  EXPECT_THAT(message_of([&] { store.finish(id, "doen"); }, Fault::work),
              HasSubstr("allowed done"));
  EXPECT_THAT(message_of([&] { store.finish("nope", "done"); }, Fault::work),
              HasSubstr("run 'nope'"));
}

TEST_F(StoreTest, PluginsThatChangedAreNamedAndUpdated) {
  Store store(folder);
  const std::string id = store.begin(some_run("a"));
  std::vector<PluginUse> now = some_run("a").plugins;
  EXPECT_TRUE(store.plugins_changed(id, now).empty());
  now[0].sha256 = "cc33";
  EXPECT_THAT(store.plugins_changed(id, now), testing::ElementsAre("backbone/unet"));
  EXPECT_TRUE(store.plugins_changed(id, now).empty());
}

TEST_F(StoreTest, CasesOfASplitAreReplaced) {
  Store store(folder);
  const std::string id = store.begin(some_run("a"));
  store.log_cases(id, "test",
                  std::vector<CaseMetric>{{"p1", "n1", {}, "mask.dice", 0.5},
                                          {"p1", "n1", 3, "mask.dice", 0.4}});
  store.log_cases(id, "val", std::vector<CaseMetric>{{"p2", "n2", {}, "mask.dice", 0.5}});
  store.log_cases(id, "test", std::vector<CaseMetric>{{"p1", "n1", {}, "mask.dice", 0.6}});
  EXPECT_EQ(count(folder, "select count(*) from case_metric"), 2);
  EXPECT_EQ(count(folder, "select count(*) from case_metric where slice is null"), 2);
}

TEST_F(StoreTest, FindsByIdPrefixNameAndLast) {
  Store store(folder);
  EXPECT_THAT(message_of([&] { store.find("@last"); }), HasSubstr(folder.string()));
  const std::string a = store.begin(some_run("alpha")), b = store.begin(some_run("beta"));
  const std::string c = store.begin(some_run("alpha"));
  EXPECT_EQ(store.find(a).id, a);
  EXPECT_EQ(store.find("alpha").id, c);
  EXPECT_EQ(store.find("@last").id, c);
  std::string low = Reader(folder).list({}).at(1).short_id;
  for (char& letter : low) letter = static_cast<char>(tolower(letter));
  EXPECT_EQ(store.find(low).id, b);
  const std::string unknown = message_of([&] { store.find("alhpa"); });
  EXPECT_THAT(unknown, HasSubstr("Did you mean 'alpha'?"));
  EXPECT_THAT(unknown, HasSubstr("among the 3"));
  const std::string ambiguous = message_of([&] { store.find(a.substr(0, 3)); });
  for (const auto& id : {a, b, c}) EXPECT_THAT(ambiguous, HasSubstr(id));
}

TEST_F(StoreTest, ExistingOpensAStoreAndMakesNone) {
  const auto none = folder / "none";
  EXPECT_THAT(message_of([&] { Store::existing(none); }), HasSubstr("the store is empty"));
  EXPECT_FALSE(std::filesystem::exists(none));
  const auto id = Store(folder).begin(some_run("a"));
  EXPECT_EQ(Store::existing(folder).find("a").id, id);
}

TEST_F(StoreTest, ANewerStoreIsRefusedAndAnOlderOneIsMigrated) {
  { Store store(folder); }
  const int known = static_cast<int>(migrations().size());
  execute(folder, "pragma user_version = " + std::to_string(known + 1));
  EXPECT_THAT(message_of([&] { Store store(folder); }, Fault::work), HasSubstr("newer Hilum"));
  EXPECT_THAT(message_of([&] { Reader reader(folder); }, Fault::work), HasSubstr("newer Hilum"));

  SQLite::Database database(folder / "other.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  const char* const steps[] = {"CREATE TABLE a (x); INSERT INTO a VALUES (1)",
                               "ALTER TABLE a ADD COLUMN y DEFAULT 5", "CREATE BROKEN"};
  migrate(database, std::span(steps, 1), "other.db");
  migrate(database, std::span(steps, 2), "other.db");
  EXPECT_EQ(database.execAndGet("SELECT x + y FROM a").getInt(), 6) << "data survive";
  EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), 2);
  EXPECT_THROW(migrate(database, steps, "other.db"), SQLite::Exception);
  EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), 2)
      << "a failed step changes nothing";
}

TEST_F(StoreTest, WhatIsNoDatabaseIsNamed) {
  util::write_file(folder / "hilum.db", std::string(4096, 'x'));
  EXPECT_THAT(message_of([&] { Store store(folder); }, Fault::work),
              HasSubstr((folder / "hilum.db").string()));
  EXPECT_THAT(message_of([&] { Reader reader(folder); }, Fault::work), HasSubstr("not a database"));
  util::write_file(folder / "file", "x");
  EXPECT_THAT(message_of([&] { Store store(folder / "file" / "runs"); }, Fault::work),
              HasSubstr("HILUM_RUNS"));
}

}  // namespace
}  // namespace hilum::runs
