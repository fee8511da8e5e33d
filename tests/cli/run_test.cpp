// SPDX-License-Identifier: Apache-2.0
// One run, and all that can be asked about it afterwards.
#include <algorithm>
#include <cstring>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Run : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench = new Bench;
    first = bench->hilum(Strings{"run", kQuickstart, "--json"} + kTiny);
    ASSERT_EQ(first.code, 0) << first.all();
    id = nlohmann::json::parse(first.out).at("id").get<std::string>();
  }
  static void TearDownTestSuite() { delete bench; }
  static Outcome hilum(const Strings& words) { return bench->hilum(words); }
  static nlohmann::json json(const Strings& words) { return bench->json(words); }
  static std::string weights(const std::string& run, const std::string& name) {
    EXPECT_EQ(hilum({"weights", "export", run, "-o", name}).code, 0);
    return text_of(bench->root / name);
  }

  inline static Bench* bench = nullptr;
  inline static Outcome first;
  inline static std::string id;
};

TEST_F(Run, JsonIsOneDocumentOnStdoutAndTheLogIsOnStderr) {
  const auto document = nlohmann::json::parse(first.out);
  EXPECT_EQ(document.size(), 3U);
  EXPECT_EQ(document.at("status"), "done");
  const double dice = document.at("metrics").at("test.mask.dice");
  EXPECT_GE(dice, 0);
  EXPECT_LE(dice, 1);
  EXPECT_THAT(first.err, HasSubstr("epoch 2/2  loss "));
  EXPECT_THAT(first.err, Not(HasSubstr("\r"))) << "no progress bar where there is no terminal";
}

TEST_F(Run, TheFolderHasWhatTheDesignPromises) {
  const auto folder = bench->runs() / id;
  for (const char* file : {"config.toml", "last.pt", "best.pt", "log.txt"})
    EXPECT_TRUE(fs::exists(folder / file)) << file;
  EXPECT_THAT(text_of(folder / "log.txt"), HasSubstr("epoch 1/2  loss "));
  // The resolved file alone repeats the work.
  EXPECT_EQ(hilum({"run", (folder / "config.toml").string(), "--dry-run"}).code, 0);
}

TEST_F(Run, ListedShownAndFoundByIdPrefixNameAndLast) {
  const auto list = json({"runs", "list"});
  ASSERT_GE(list.size(), 1U);
  for (const char* key : {"id", "name", "status", "started", "metrics"})
    EXPECT_TRUE(list.back().contains(key)) << key;
  EXPECT_EQ(list.back().at("id"), id);
  for (const std::string& name : {id, id.substr(0, 24), std::string("quickstart")})
    EXPECT_EQ(json({"runs", "show", name}).at("id"), id) << name;
  EXPECT_EQ(json({"runs", "show", "@last"}).at("id"), list.front().at("id"));
  const auto shown = hilum({"runs", "show", id}).out;
  for (const char* part : {"test", "mask.dice", "train.lr", "backbone", "unet", "best.pt"})
    EXPECT_THAT(shown, HasSubstr(part));
}

TEST_F(Run, AWrongNameOrConditionIsSaidWithTheNearest) {
  const auto run = hilum({"runs", "show", "quikstart"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("Did you mean 'quickstart'?"));
  const auto where = hilum({"runs", "list", "--where", "dicee>1"});
  EXPECT_EQ(where.code, 2);
  EXPECT_THAT(where.err, HasSubstr("Did you mean 'dice'?"));
  const auto metric = hilum({"runs", "curve", id, "--metric", "dicee"});
  EXPECT_EQ(metric.code, 2);
  EXPECT_THAT(metric.err, HasSubstr("Did you mean 'dice'?"));
  EXPECT_LT(metric.err.size(), 300U) << "no list of a hundred names";
}

TEST_F(Run, WhereChoosesByMetricParameterAndPart) {
  const auto ids = [](const std::string& where) {
    Strings found;
    for (const auto& run : json({"runs", "list", "--name", "quickstart", "--where", where}))
      found.push_back(run.at("id").get<std::string>());
    return found;
  };
  EXPECT_EQ(ids("dice>=0 and backbone='unet' and train.epochs=2"), Strings{id});
  EXPECT_EQ(ids("dice>1"), Strings{});
  EXPECT_EQ(ids("backbone='resunet'"), Strings{});
  const auto csv = hilum({"runs", "list", "--name", "quickstart", "--csv"}).out;
  EXPECT_THAT(lines_of(csv).at(0), StartsWith("id,name,status"));
  EXPECT_THAT(lines_of(csv).at(1), StartsWith(id + ",quickstart,done"));
}

TEST_F(Run, CurveHasOneValueAnEpoch) {
  const auto csv = lines_of(hilum({"runs", "curve", id, "--metric", "val.mask.dice", "--csv"}).out);
  EXPECT_EQ(csv.size(), 3U);
  EXPECT_THAT(hilum({"runs", "curve", id, "--metric", "dice"}).out, HasSubstr("val.mask.dice"));
  EXPECT_FALSE(json({"runs", "curve", id}).empty());
}

TEST_F(Run, SqlIsReadOnly) {
  EXPECT_EQ(json({"runs", "sql", "select status from run where id = '" + id + "'"}).size(), 1U);
  const auto written = hilum({"runs", "sql", "delete from run"});
  EXPECT_EQ(written.code, 2);
  EXPECT_EQ(json({"runs", "show", id}).at("id"), id);
}

TEST_F(Run, EvalRepeatsTheFiguresOfTheRun) {
  const auto metrics = nlohmann::json::parse(first.out).at("metrics");
  const auto test = json({"eval", id});
  for (const char* name : {"test.mask.dice", "test.mask.hd95", "test.loss"})
    EXPECT_EQ(test.at("metrics").at(name), metrics.at(name)) << name;
  const auto train = json({"eval", id, "--split", "train"});
  EXPECT_EQ(train.at("regions"), 6);
  EXPECT_TRUE(train.at("metrics").contains("train.mask.dice"));
  EXPECT_THAT(hilum({"eval", id}).out, HasSubstr("nodules (3D)"));
  EXPECT_EQ(hilum({"eval", id, "--data", "nowhere"}).code, 2);
}

TEST_F(Run, WeightsAreTheSameBytesEachTimeWithAReadableHeader) {
  const auto bytes = weights(id, "a.safetensors");
  EXPECT_EQ(bytes, weights(id, "b.safetensors"));
  uint64_t size = 0;
  ASSERT_GT(bytes.size(), 8U);
  std::memcpy(&size, bytes.data(), 8);
  const auto header = nlohmann::ordered_json::parse(bytes.substr(8, size));
  EXPECT_EQ(header.at("seg.S1.conv1.weight").at("shape"), nlohmann::json({4, 1, 3, 3}));
  EXPECT_EQ(header.at("seg.S1.conv1.weight").at("dtype"), "F32");
  EXPECT_TRUE(header.contains("seg.S1.norm1.running_mean")) << "buffers too";
  Strings names, sorted;
  size_t end = 0;
  for (const auto& [name, entry] : header.items()) {
    names.push_back(name);
    end = std::max<size_t>(end, entry.at("data_offsets")[1]);
  }
  sorted = names;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(names, sorted);
  EXPECT_EQ(8 + size + end, bytes.size());
}

TEST_F(Run, OneLineChangesAPartAnOptionOrThePrecision) {
  const auto name = [](const std::string& n) {
    return Strings{"experiment.name=" + n, "train.epochs=1"};
  };
  const Strings start = Strings{"run", kQuickstart} + kTiny;
  EXPECT_EQ(json(start + name("wide") + Strings{"backbone.seg.width=6"}).at("status"), "done");
  EXPECT_EQ(json(start + name("resampled") + Strings{"+backbone.seg.up=resample"}).at("status"),
            "done");
  EXPECT_EQ(json(start + name("dice") + Strings{"+head.mask.loss=dice"}).at("status"), "done");
  for (const std::string precision : {"float32", "bfloat16"}) {
    EXPECT_EQ(json(start + name(precision) + Strings{"+train.precision=" + precision}).at("status"),
              "done");
    EXPECT_THAT(bench->sql("select precision from run where name = '" + precision + "'"),
                HasSubstr(precision));
  }
  EXPECT_EQ(bench->sql("select name from run join param on run.id = param.run where key = "
                       "'backbone.seg.up' and param.value = 'resample'"),
            "name\nresampled\n");
}

TEST_F(Run, PlanPrintsTheGraphInThreeForms) {
  const auto text = hilum({"plan", kQuickstart}).out;
  EXPECT_THAT(text, HasSubstr("seg.S6 + seg.S1"));
  EXPECT_THAT(text, HasSubstr("121,033 parameters"));
  const auto plan = json({"plan", kQuickstart});
  EXPECT_THAT(plan.dump(), HasSubstr("seg.S7"));
  EXPECT_THAT(hilum({"plan", kQuickstart, "--dot"}).out, StartsWith("digraph"));
}

TEST_F(Run, ConfigShowsAndExplains) {
  const auto shown = hilum({"config", "show", kQuickstart, "train.lr=0.5"});
  EXPECT_THAT(shown.out, HasSubstr("lr = 0.5"));
  const auto explained = hilum({"config", "explain", kQuickstart, "train.lr"}).out;
  for (const std::string& part :
       {std::string("train.lr = 0.002"), std::string("[0, 100]"), kQuickstart + ":34"})
    EXPECT_THAT(explained, HasSubstr(part));
  EXPECT_THAT(hilum({"config", "explain", kQuickstart, "train.lrr"}).err, HasSubstr("'train.lr'"));
  EXPECT_THAT(hilum({"config", "explain", kQuickstart, "backbone.seg"}).out, HasSubstr("default"));
}

TEST_F(Run, PluginsAreListedDescribedAndChecked) {
  const auto list = json({"plugins", "list"});
  EXPECT_GE(list.size(), 2U);
  EXPECT_THAT(hilum({"plugins", "info", "backbone/unet"}).out, HasSubstr("channels of S1"));
  EXPECT_THAT(hilum({"plugins", "info", "unt"}).err, HasSubstr("Did you mean 'backbone/unet'?"));
  EXPECT_EQ(hilum({"plugins", "check"}).code, 0);
}

TEST_F(Run, AFinishedRunIsNotResumedAndThatIsNoError) {
  const auto resumed = hilum({"resume", id});
  EXPECT_EQ(resumed.code, 0);
  EXPECT_THAT(resumed.out, HasSubstr("is finished; nothing to resume"));
  EXPECT_EQ(json({"resume", id}).at("status"), "done");
}

TEST_F(Run, RemovedRunsAreGoneWithTheirFolders) {
  const auto doomed = json(Strings{"run", kQuickstart, "experiment.name=doomed"} + kTiny +
                           Strings{"train.epochs=1"});
  const std::string gone = doomed.at("id");
  const auto asked = hilum({"runs", "rm", gone});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("--yes"));
  EXPECT_EQ(hilum({"runs", "rm", gone, "--yes"}).code, 0);
  EXPECT_FALSE(fs::exists(bench->runs() / gone));
  EXPECT_EQ(hilum({"runs", "show", gone}).code, 2);
}

}  // namespace
}  // namespace hilum::testing
