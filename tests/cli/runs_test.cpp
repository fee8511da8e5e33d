// SPDX-License-Identifier: Apache-2.0
// hilum runs list: what a person types and sees, on a terminal and in a pipe.
#include "tests/cli/runs_fixture.hpp"

namespace hilum::testing {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(Runs, ListSortsAndHasTheColumnsAskedFor) {
  make({.name = "a", .dice = 0.85, .auc = 0.5}), make({.name = "b", .dice = 0.9, .auc = 0.6});
  make({.name = "c", .dice = 0.1, .auc = 0.95}), make({.name = "d", .dice = 0.7, .auc = 0.7});
  const Strings asked{"runs",      "list",
                      "--where",   "dice > 0.8 or auc > 0.9",
                      "--sort",    "-dice",
                      "--top",     "20",
                      "--columns", "name,dice,auc,train.lr,seed,epoch,tags"};
  const auto list = json(asked);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].at("name"), "b");
  EXPECT_EQ(list[2].at("auc"), 0.95);
  EXPECT_EQ(list[0].at("train.lr"), 0.001);
  EXPECT_EQ(list[0].at("id").get<std::string>().size(), 26u);
  EXPECT_THAT(lines_of(hilum(asked + Strings{"--csv"}).out),
              ElementsAre("name,dice,auc,train.lr,seed,epoch,tags", "b,0.9,0.6,0.001,0,9,",
                          "a,0.85,0.5,0.001,0,9,", "c,0.1,0.95,0.001,0,9,"));
  EXPECT_THAT(lines_of(hilum(asked + Strings{"--md"}).out)[2],
              StartsWith("| b | 0.9 | 0.6 | 0.001 | 0 | 9 |"));
  EXPECT_EQ(lines_of(hilum({"runs", "list", "--sort", "dice", "--limit", "1", "--csv"}).out).size(),
            2u);
  refused({"list", "--sort", "-dcie"}, 2,
          "--sort, column 2: unknown name 'dcie'. Did you mean 'dice'?");
  refused({"list", "--columns", "name,aucc"}, 2, "Did you mean 'auc'?");
  refused({"list", "--md", "--json"}, 2, "excludes");
}

TEST_F(Runs, TablesFitTheTerminalAndPipesAreWhole) {
  const std::string name(60, 'n');
  make({.name = name, .dice = 0.8123456789, .tags = {"paper", std::string(30, 't')}});
  for (const Strings& words : {Strings{"runs", "list"},
                               {"runs", "show", "@last"},
                               {"runs", "sql", "select id, name, config_hash, started from run"},
                               {"runs", "list", "--columns", "id,name,dice,model.note"}}) {
    const auto text = on_terminal(100, words);
    EXPECT_THAT(text, HasSubstr("…")) << text;
    EXPECT_THAT(hilum(words).out, HasSubstr(name)) << "not cut in a pipe";
    if (words[1] != "show") {
      EXPECT_LE(widest(text), 100u) << text;
    }
    EXPECT_GT(widest(hilum(words).out), 100u);
  }
  EXPECT_THAT(on_terminal(60, {"runs", "sql", "select id, name from run"}),
              HasSubstr(hilum({"runs", "sql", "select id from run", "--csv"}).out.substr(3, 26)));
  EXPECT_THAT(on_terminal(400, {"runs", "list"}), Not(HasSubstr("…")));
}

TEST_F(Runs, APipeThatIsClosedEarlyIsNoError) {
  for (int i = 0; i < 3; ++i) make({.name = "r"});
  for (const char* command :
       {"runs list --json", "runs list", "runs sql 'select * from param a, param b, param c'"})
    for (const char* before : {"", "trap '' PIPE; "}) {
      const auto text =
          shell(std::string("( ") + before + "$hilum " + command + " ) 2>&1 | head -1");
      EXPECT_EQ(lines_of(text).size(), 1u) << command << "\n" << text;
      EXPECT_THAT(text, ::testing::AnyOf(StartsWith("["), StartsWith("id"), StartsWith("run")))
          << text;
    }
}

TEST_F(Runs, AnEmptyStoreIsSaid) {
  for (const Strings& words : {Strings{"list", "--sort", "-dice", "--columns", "id,dice"},
                               {"best"},
                               {"gc"},
                               {"export", "--csv", "out"}}) {
    const auto outcome = hilum(Strings{"runs"} + words);
    EXPECT_EQ(outcome.code, 0) << words[0] << outcome.all();
    EXPECT_THAT(outcome.out, HasSubstr("No runs in " + runs().string() + " yet. `hilum run"))
        << words[0];
  }
  for (const Strings& words :
       {Strings{"tag", "@last", "x"}, {"note", "@last"}, {"export", "@last", "--csv", "out"}})
    refused(words, 2, "no runs in " + runs().string());
  EXPECT_FALSE(fs::exists(runs())) << "asking makes no store";
  EXPECT_FALSE(fs::exists(root / "out"));
}

TEST_F(Runs, ListsWhileATrainingWrites) {
  make({.name = "a"});
  const pid_t training = fork();
  if (training == 0) {
    runs::Store store(runs());
    const auto id = store.begin({.name = "training", .experiment = "t.toml"});
    for (int64_t step = 0;; ++step) {
      const std::vector<runs::Metric> row{
          {step, step, "test", "mask.dice", 0.001 * static_cast<double>(step % 1000)}};
      store.log(id, row);
    }
  }
  for (int i = 0; i < 20; ++i) {
    const auto outcome = hilum({"runs", "list", "--where", "dice > 0.0001", "--sort", "-dice"});
    EXPECT_EQ(outcome.code, 0) << outcome.all();
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_EQ(hilum({"runs", "gc", "--failed", "--checkpoints", "--yes"}).code, 0);
  EXPECT_EQ(json({"runs", "list", "--status", "running"}).size(), 1u);
  kill(training, SIGKILL);
  waitpid(training, nullptr, 0);
}

}  // namespace
}  // namespace hilum::testing
