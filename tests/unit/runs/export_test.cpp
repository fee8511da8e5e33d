// SPDX-License-Identifier: Apache-2.0
#include "core/runs/tidy/export.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/util/files.hpp"
#include "fixture.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

using nlohmann::json;
using testing::HasSubstr;

constexpr double kThird = 1.0 / 3.0;

class Export : public StoreTest {
 protected:
  Export() {
    Store store(folder);
    NewRun run = some_run("say \"hi\", you");
    run.tags = {"paper"}, run.note = "two\nlines";
    first = store.begin(run);
    store.log(first, std::vector<Metric>{
                         {10, 1, "val", "mask.dice", kThird},
                         {20, 2, "val", "mask.dice", NAN},
                         {20, 2, "test", "mask.dice", 5e-324},
                         {20, 2, "test", "loss", std::numeric_limits<double>::infinity()}});
    store.log_cases(first, "test",
                    std::vector<CaseMetric>{{"p1", "n1", {}, "mask.dice", 0.1},
                                            {"p1", "n1", 3, "mask.dice", NAN}});
    store.add_artifact(first, "weights", folder / first / "best.pt");
    store.finish(first, "done");
    second = store.begin(some_run("other"));
    store.finish(second, "failed", "out of memory");
  }
  Exported write(ExportFormat format, const Strings& ids) {
    return export_runs(Reader(folder), ids, format, to);
  }
  std::string text(const std::string& file) { return util::read_file(to / file); }
  std::string first, second;
  fs::path to = folder / "exports" / "now";
};

TEST_F(Export, CsvIsAFileATable) {
  const auto done = write(ExportFormat::csv, {second, first});
  EXPECT_EQ(done.runs, 2u);
  EXPECT_EQ(done.files, 7u);
  EXPECT_EQ(text("metrics.csv"),
            "run,step,epoch,split,name,value\n" + first + ",20,2,test,loss,inf\n" + first +
                ",20,2,test,mask.dice,5e-324\n" + first +
                ",10,1,val,mask.dice,0.3333333333333333\n" + first + ",20,2,val,mask.dice,\n");
  EXPECT_EQ(std::stod("0.3333333333333333"), kThird);
  EXPECT_EQ(text("case_metrics.csv"), "run,split,patient,nodule,slice,name,value\n" + first +
                                          ",test,p1,n1,,mask.dice,0.1\n" + first +
                                          ",test,p1,n1,3,mask.dice,\n");
  EXPECT_EQ(text("tags.csv"), "run,tag\n" + first + ",paper\n");
  EXPECT_THAT(text("runs.csv"), testing::StartsWith("run,name,experiment,status,"));
  EXPECT_THAT(text("runs.csv"), HasSubstr(second + ",other,"));
  EXPECT_THAT(text("runs.csv"), HasSubstr(",\"say \"\"hi\"\", you\","));
  EXPECT_THAT(text("params.csv"), HasSubstr(first + ",train.lr,0.001,number,0.001\n"));
  EXPECT_THAT(text("plugins.csv"), HasSubstr(",backbone,unet,1.0,aa11,"));
  EXPECT_THAT(text("artifacts.csv"), HasSubstr(first + ",weights,best.pt,"));
}

TEST_F(Export, JsonIsAFileARun) {
  const auto done = write(ExportFormat::json, {second, first});
  EXPECT_EQ(done.files, 2u);
  const auto run = json::parse(text(first + ".json"));
  EXPECT_EQ(run["id"], first);
  EXPECT_EQ(run["note"], "two\nlines");
  EXPECT_EQ(run["config"], util::read_file(folder / first / "config.toml"));
  EXPECT_EQ(run["metrics"].size(), 4u);
  EXPECT_EQ(run["metrics"][1], json({{"step", 20},
                                     {"epoch", 2},
                                     {"split", "test"},
                                     {"name", "mask.dice"},
                                     {"value", 5e-324}}));
  EXPECT_EQ(run["metrics"][2]["value"].get<double>(), kThird);
  EXPECT_TRUE(run["metrics"][3]["value"].is_null());
  EXPECT_EQ(run["case_metrics"][1]["slice"], 3);
  EXPECT_EQ(run["tags"][0]["tag"], "paper");
  EXPECT_EQ(run["params"][0]["key"], "train.lr");
  EXPECT_EQ(json::parse(text(second + ".json"))["error"], "out of memory");
}

TEST_F(Export, WritesIntoNoFullFolder) {
  fs::create_directories(to);
  write(ExportFormat::csv, {first});  // an empty one is fine
  const auto message = message_of([&] { write(ExportFormat::csv, {first}); });
  EXPECT_THAT(message, HasSubstr("holds 7 files already"));
  EXPECT_THAT(message, HasSubstr("..."));
  std::ofstream(folder / "file") << "x";
  EXPECT_THAT(
      message_of([&] { export_runs(Reader(folder), {first}, ExportFormat::csv, folder / "file"); }),
      HasSubstr("is a file"));
}

TEST_F(Export, WhatFailsLeavesNothing) {
  execute(folder, "drop table case_metric");
  EXPECT_ANY_THROW(write(ExportFormat::csv, {first}));
  EXPECT_FALSE(fs::exists(to));
  EXPECT_TRUE(fs::is_empty(folder / "exports"));
}

TEST_F(Export, AFolderWithASlashBehindIsTheSame) {
  to = folder / "slash" / "";
  EXPECT_EQ(write(ExportFormat::json, {first}).files, 1u);
  EXPECT_TRUE(fs::exists(folder / "slash" / (first + ".json")));
}

}  // namespace
}  // namespace hilum::runs
