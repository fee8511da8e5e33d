// SPDX-License-Identifier: Apache-2.0
// hilum sweep: every point once, however often it is killed.
#include <SQLiteCpp/SQLiteCpp.h>

#include <set>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

class Sweep : public Program {
 protected:
  void SetUp() override {
    write(root / "small.toml",
          "[experiment]\nname = \"small\"\n[data]\nsource = \"phantom\"\nroi = [16, 16]\n"
          "val = 0.2\n[data.phantom]\ncount = 20\npatients = 20\nsize = [4, 16, 16]\n"
          "[backbone.seg]\nplugin = \"unet\"\nwidth = 4\ndepth = 2\n"
          "[head.mask]\nplugin = \"segmentation\"\non = \"seg.S3\"\n"
          "[train]\nepochs = 2\nbatch = 8\nthreads = 1\n");
  }
  size_t count(const std::string& where = "1") const {
    return std::stoul(lines_of(sql("SELECT count(*) FROM run WHERE " + where))[1]);
  }
};

const Strings kGrid = {"sweep", "small.toml", "backbone.seg.width=2,3,4,5", "train.lr=1e-3,1e-2",
                       "train.batch=4,6,8"};

TEST_F(Sweep, OfTwentyFourPointsKilledThreeTimesEndsWithTwentyFour) {
  for (int i = 0; i < 3; ++i) {
    auto process = start(kGrid);
    const size_t wanted = fs::exists(runs() / "hilum.db") ? count("status = 'done'") + 3 : 3;
    const auto deadline = Clock::now() + std::chrono::seconds(120);
    while (Clock::now() < deadline && !process.ended() &&
           (!fs::exists(runs() / "hilum.db") || count("status = 'done'") < wanted))
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ASSERT_FALSE(process.ended()) << "it was over before it was killed";
    process.kill(i == 1 ? SIGINT : SIGKILL);
    (void)process.wait();
  }
  // A training outlives its sweep by what it takes to save.
  const auto deadline = Clock::now() + std::chrono::seconds(30);
  while (count("status = 'running'") > 0 && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto points = nlohmann::json::parse(start(kGrid + Strings{"--json"}).wait(300).out);
  ASSERT_EQ(points.size(), 24u);
  std::set<std::string> runs;
  for (const auto& point : points) {
    EXPECT_EQ(point.at("state"), "done") << point.dump();
    EXPECT_EQ(point.at("metric"), "val.mask.dice");
    EXPECT_TRUE(point.at("value").is_number());
    runs.insert(point.at("run").get<std::string>());
  }
  EXPECT_EQ(runs.size(), 24u);
  EXPECT_EQ(count("status = 'done'"), 24u) << "none twice";
  EXPECT_EQ(count(), 24u) << "those that were stopped went on";
}

TEST_F(Sweep, ListsSeedsFoldsAndFailures) {
  write(root / "points.txt", "# two points\nbackbone.seg.width=2\ntrain.batch=4000 # too large\n");
  const auto failed = hilum({"sweep", "small.toml", "--list", "points.txt"});
  EXPECT_EQ(failed.code, 1) << failed.all();
  EXPECT_THAT(failed.out, HasSubstr("done"));
  EXPECT_THAT(failed.out, HasSubstr("failed"));
  EXPECT_THAT(failed.err, HasSubstr("train.batch"));
  const auto first = hilum({"sweep", "small.toml", "train.batch=4000,8", "--fail-fast"});
  EXPECT_EQ(first.code, 1);
  EXPECT_THAT(first.out, HasSubstr("to do")) << "nothing more was begun";
  const size_t before = count();
  EXPECT_EQ(hilum({"sweep", "small.toml", "backbone.seg.width=2", "--seeds", "2"}).code, 0);
  EXPECT_EQ(count(), before + 1) << "seed 0 was there";
}

TEST_F(Sweep, APointIsKnownByTheBuildThatRanItToo) {
  const Strings point = {"sweep", "small.toml", "backbone.seg.width=2"};
  ASSERT_EQ(hilum(point).code, 0);
  SQLite::Database(runs() / "hilum.db", SQLite::OPEN_READWRITE)
      .exec("UPDATE param SET value = 'another build' WHERE key = 'resolved.program'");
  EXPECT_THAT(hilum(point + Strings{"--status"}).out, HasSubstr("Hilum itself was rebuilt"));
  EXPECT_EQ(hilum(point + Strings{"--any-code"}).code, 0);
  EXPECT_EQ(count(), 1u) << "that is said to count";
  EXPECT_EQ(hilum(point).code, 0);
  EXPECT_EQ(count(), 2u);
}

TEST_F(Sweep, WrongRequestsRunNothing) {
  const auto refused = [&](const Strings& words, const std::string& said) {
    const auto outcome = hilum(Strings{"sweep"} + words);
    EXPECT_EQ(outcome.code, 2) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(said));
  };
  refused({"no.toml"}, "no.toml");
  refused({"small.toml", "train.lr"}, "is no override");
  refused({"small.toml", "train.lr=1e-3,,1e-2"}, "a value is empty");
  refused({"small.toml", "train.lr=1e-3,1e-3"}, "are the same");
  refused({"small.toml", "train.lrr=1e-3"}, "train.lr");
  refused({"small.toml", "data.fold=0,1"}, "--folds");
  refused({"small.toml", "--list", "no.txt"}, "no.txt");
  EXPECT_FALSE(fs::exists(runs())) << "not even a store";
}

}  // namespace
}  // namespace hilum::testing
