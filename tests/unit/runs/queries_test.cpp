// SPDX-License-Identifier: Apache-2.0
#include "core/runs/queries.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/runs/print/print.hpp"
#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::runs {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Queries : public StoreTest {
 protected:
  std::string add(const std::string& name, double dice, const std::string& status = "done") {
    Store store(folder);
    const std::string id = store.begin(some_run(name, 4, 1));
    for (int64_t epoch = 1; epoch <= 3; ++epoch)
      store.log(
          id, std::vector<Metric>{
                  {epoch * 10, epoch, "train", "loss", 1.0 / static_cast<double>(epoch)},
                  {epoch * 10, epoch, "val", "mask.dice", dice * static_cast<double>(epoch) / 3}});
    store.log(id, std::vector<Metric>{{30, 3, "test", "mask.dice", dice},
                                      {30, 3, "test", "mask.hd", NAN}});
    store.add_artifact(id, "weights", folder / id / "best.pt");
    if (!status.empty()) store.finish(id, status);
    return id;
  }
};

TEST_F(Queries, ListingMakesNoStore) {
  const auto nowhere = folder / "none";
  EXPECT_THAT(Reader(nowhere).list({}), IsEmpty());
  EXPECT_TRUE(Reader(nowhere).empty());
  EXPECT_EQ(list_json(Reader(nowhere).list({})), "[]\n");
  EXPECT_FALSE(std::filesystem::exists(nowhere));
  EXPECT_THAT(message_of([&] { Reader(nowhere).show("x"); }), HasSubstr(nowhere.string()));
  std::ofstream(folder / "hilum.db").close();  // its creator died at once
  EXPECT_TRUE(Reader(folder).empty());
}

TEST_F(Queries, ListIsNewestFirstAndFiltered) {
  add("unet", 0.8), add("resunet", 0.9), add("unet", 0.7, "failed");
  const Reader reader(folder);
  const auto all = json::parse(list_json(reader.list({})));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_GT(all[0]["id"], all[1]["id"]);
  EXPECT_EQ(all[0]["status"], "failed");
  EXPECT_EQ(all[1]["name"], "resunet");
  EXPECT_EQ(all[1]["metrics"]["test.mask.dice"], 0.9);
  EXPECT_TRUE(all[1]["metrics"]["test.mask.hd"].is_null()) << "NaN";
  for (const char* key : {"id", "name", "status", "started", "metrics", "seed", "fold", "ended",
                          "host", "device", "tags"})
    EXPECT_TRUE(all[0].contains(key)) << key;
  EXPECT_EQ(reader.list({.status = "done"}).size(), 2u);
  EXPECT_EQ(reader.list({.name = "*unet"}).size(), 3u);
  EXPECT_EQ(reader.list({.name = "res*"}).size(), 1u);
  EXPECT_EQ(reader.list({.where = "dice > 0.75", .status = "done", .limit = 1}).size(), 1u);
  EXPECT_THAT(message_of([&] { reader.list({.status = "runing"}); }), HasSubstr("'running'"));
  const std::string table = list_table(reader.list({}));
  EXPECT_THAT(table, HasSubstr("test.mask.dice 0.9"));
  EXPECT_THAT(table, HasSubstr("3/3"));
  EXPECT_THAT(list_csv(reader.list({})),
              HasSubstr(",train.loss,val.mask.dice,test.mask.dice,test.mask.hd\n"));
}

TEST_F(Queries, ShortIdsAreUniquePrefixes) {
  for (int i = 0; i < 20; ++i) add("r", 0.5);
  const Reader reader(folder);
  for (const auto& run : reader.list({})) EXPECT_EQ(reader.find(run.short_id), run.id);
}

TEST_F(Queries, ShowHasItAll) {
  const auto id = add("unet", 0.8);
  const auto details = Reader(folder).show("unet");
  const auto shown = json::parse(show_json(details));
  EXPECT_EQ(shown["params"]["train.lr"], "0.001");
  EXPECT_EQ(shown["artifacts"][0]["path"], "best.pt") << "relative: the folder may move";
  EXPECT_EQ(shown["folder"], (folder / id).string());
  EXPECT_EQ(shown["plugins"][0]["sha256"], "aa11");
  EXPECT_EQ(shown["plugins"][0]["build"], "sdk 2, torch 2.11.0");
  EXPECT_FALSE(shown["plugins"][0].contains("now")) << "nobody looked";
  const std::string text = show_text(details);
  for (const char* part : {"unet", "done", "4, 1", "0123abc", "LibTorch 2.11.0", "aa11", "train.lr",
                           "best.pt", "sdk 2, torch 2.11.0"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST_F(Queries, CurvesByStep) {
  add("unet", 0.9);
  const Reader reader(folder);
  const auto all = reader.curves("unet", {});
  ASSERT_EQ(all.size(), 2u) << "metrics with one value are no curve";
  const auto dice = reader.curves("unet", {"val.mask.dice"});
  EXPECT_THAT(dice.at(0).epochs, ElementsAre(1, 2, 3));
  EXPECT_DOUBLE_EQ(dice.at(0).values.at(2), 0.9);
  EXPECT_EQ(reader.curves("unet", {"dice"}).size(), 2u);
  EXPECT_THAT(message_of([&] { reader.curves("unet", {"dcie"}); }),
              HasSubstr("Did you mean 'dice'?"));
  EXPECT_EQ(curve_csv(reader.curves("unet", {"train.loss"})),
            "step,epoch,train.loss\n10,1,1\n20,2,0.5\n30,3,0.3333333333333333\n");
  EXPECT_THAT(curve_table(all), HasSubstr("train.loss"));
  const auto document = json::parse(curve_json("x", all));
  EXPECT_EQ(document["curves"]["train.loss"]["step"], json({10, 20, 30}));
}

TEST_F(Queries, SqlOnlyReads) {
  add("unet", 0.8);
  const Reader reader(folder);
  EXPECT_EQ(answer_json(reader.sql(
                "select name, value from v_runs where metric = 'mask.dice' and split = 'test'")),
            "[\n {\n  \"name\": \"unet\",\n  \"value\": 0.8\n }\n]\n");
  EXPECT_EQ(answer_csv(reader.sql("select 'a,\"b' as x, null as y;")), "x,y\n\"a,\"\"b\",\n");
  for (const char* write :
       {"delete from run", "update run set name = 'x'", "drop table run", "create table x (y)",
        "create temp table x (y)", "attach '/tmp/hilum_never.db' as x",
        "vacuum into '/tmp/hilum_never.db'", "pragma user_version = 9",
        "pragma journal_mode = delete", "begin", "insert into tag values ('a', 'b')",
        "with x as (select 1) delete from run"})
    EXPECT_THAT(message_of([&] { reader.sql(write); }), HasSubstr("only queries are allowed"))
        << write;
  EXPECT_THROW(reader.sql("update sqlite_master set sql = null"), Error);
  EXPECT_FALSE(std::filesystem::exists("/tmp/hilum_never.db"));
  EXPECT_EQ(reader.count(), 1);
}

TEST_F(Queries, SqlErrorsSayWhatThereIs) {
  add("unet", 0.8);
  const Reader reader(folder);
  const auto table = message_of([&] { reader.sql("select * from v_run"); });
  EXPECT_THAT(table, HasSubstr("no such table: v_run"));
  EXPECT_THAT(table, HasSubstr("Did you mean 'v_runs'?"));
  EXPECT_THAT(table, HasSubstr("case_metric (run, split, patient"));
  EXPECT_THAT(message_of([&] { reader.sql("select dice from v_runs"); }), HasSubstr("v_fold ("));
  EXPECT_THAT(message_of([&] { reader.sql("selec 1"); }), HasSubstr("syntax error"));
  EXPECT_THAT(message_of([&] { reader.sql("select 1; select 2"); }),
              HasSubstr("one query at a time"));
  EXPECT_THAT(message_of([&] { reader.sql("  "); }), HasSubstr("nothing to do"));
}

TEST_F(Queries, RemoveTakesRowsAndFolder) {
  const auto a = add("a", 0.8), b = add("b", 0.9), running = add("c", 0.9, "");
  EXPECT_THAT(message_of([&] { remove(folder, {a, running}); }), HasSubstr("is running"));
  EXPECT_EQ(Reader(folder).count(), 3) << "all or none";
  EXPECT_TRUE(std::filesystem::exists(folder / a / "config.toml"));
  remove(folder, {a});
  EXPECT_FALSE(std::filesystem::exists(folder / a));
  EXPECT_TRUE(std::filesystem::exists(folder / b));
  for (const char* table : {"param", "metric", "final_metric", "plugin", "artifact"})
    EXPECT_EQ(*Reader(folder)
                   .sql("select count(*) from " + std::string(table) + " where run = '" + a + "'")
                   .rows[0][0]
                   .text,
              "0")
        << table;
}

TEST_F(Queries, AnInterruptedRemovalIsFinishedOrUndone) {
  const auto kept = add("kept", 0.8), next = add("next", 0.8);
  // Killed after the folder was renamed, before the rows were gone for good; and after both.
  std::filesystem::rename(folder / kept, folder / (".removed-" + kept));
  std::filesystem::create_directory(folder / ".removed-01GONE");
  remove(folder, {next});
  EXPECT_TRUE(std::filesystem::exists(folder / kept / "config.toml"));
  EXPECT_FALSE(std::filesystem::exists(folder / ".removed-01GONE"));
}

TEST_F(Queries, TenThousandRunsAnswerAtOnce) {
  add("first", 0.8);
  SQLite::Database(folder / "hilum.db", SQLite::OPEN_READWRITE)
      .exec(R"sql(PRAGMA synchronous = OFF; BEGIN;
        CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000) SELECT i FROM n;
        INSERT INTO run SELECT printf('00%024d', i), 'r' || (i % 50), 'e', 'done', '2020-01-01T00:00:00.000Z', NULL,
          '2020-01-01T00:00:00.000Z', i % 5, i % 5, NULL, 'g', 0, 'h', 'cpu', 'float32', 't', 'c', '', NULL, 1, 'x', NULL FROM n;
        INSERT INTO param SELECT printf('00%024d', n.i), 'train.k' || k.i, n.i, 'integer', n.i FROM n, (SELECT i FROM n LIMIT 40) k;
        INSERT INTO plugin SELECT printf('00%024d', i), 'backbone', CASE i % 2 WHEN 0 THEN 'unet' ELSE 'resunet' END, '1', 'h', '' FROM n;
        INSERT INTO metric SELECT printf('00%024d', n.i), s.i, s.i, 'test', 'mask.dice', n.i / 10000.0 FROM n, (SELECT i FROM n LIMIT 3) s;
        INSERT INTO metric SELECT printf('00%024d', n.i), 1, 1, 'val', 'mask.m' || m.i, 0.5 FROM n, (SELECT i FROM n LIMIT 20) m;
        COMMIT;)sql");
  const auto start = std::chrono::steady_clock::now();
  const auto found = Reader(folder).list(
      {.where = "dice > 0.5 and backbone = 'unet' and train.k7 > 6000", .limit = 20});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(found.size(), 20u);
  EXPECT_LT(took.count(), 0.5) << "measured 0.05 s; more means that an index is not used";
}

}  // namespace
}  // namespace hilum::runs
