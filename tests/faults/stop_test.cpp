// SPDX-License-Identifier: Apache-2.0
// Stopped, running twice, out of disk, damaged: each is said, and nothing that was good is lost.
#include "tests/faults/study.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Stop : public Study {
 protected:
  static void at_line(Process& process, const std::string& line) {
    const auto folder = folder_of(process);
    ASSERT_TRUE(wait_until(process, [&] {
      return text_of(folder / "log.txt").find(line) != std::string::npos;
    })) << process.out();
  }
  // A run that was interrupted within epoch 3.
  static fs::path interrupted(int signal = SIGINT, const Strings& overrides = {}) {
    auto process = start(overrides);
    at_line(process, "epoch 3/5  step ");
    process.kill(signal);
    const auto stopped = process.wait();
    EXPECT_EQ(stopped.code, 130) << stopped.all();
    EXPECT_THAT(stopped.out, HasSubstr("go on with: hilum resume "));
    EXPECT_EQ(status(), "interrupted");
    return bench->runs() / newest();
  }
};

TEST_F(Stop, CtrlCInMidEpochIsResumable) {
  interrupted();
  const auto resumed = resume();
  EXPECT_EQ(resumed.code, 0) << resumed.all();
  EXPECT_THAT(resumed.out, HasSubstr("going on in epoch 3 after "));
  expect_undisturbed(newest());
}

TEST_F(Stop, SigtermToo) {
  interrupted(SIGTERM);
  EXPECT_EQ(resume().code, 0);
  expect_undisturbed(newest());
}

// A checkpoint lies between steps: the batches of one step are finished first.
TEST_F(Stop, AccumulatedGradientsAndTheAverageGoOnBitForBit) {
  for (const auto* batches : {"3", "1000"}) {  // 1000: every interruption is at an epoch's end
    SCOPED_TRACE(std::string("train.accumulate=") + batches);
    const Strings overrides{"train.batch=4", std::string("+train.accumulate=") + batches,
                            "+train.ema=0.9", "train.log_every=1"};
    EXPECT_EQ(start(overrides).wait().code, 0);
    const auto expected = traces(newest());
    EXPECT_FALSE(expected.last == undisturbed.last);
    interrupted(SIGINT, overrides);
    const auto resumed = resume();
    EXPECT_EQ(resumed.code, 0) << resumed.all();
    EXPECT_THAT(resumed.out, HasSubstr("going on in epoch "));
    expect_same(traces(newest()), expected);
  }
}

TEST_F(Stop, ARunningRunIsNeitherResumedNorRemoved) {
  auto process = start();
  at_line(process, "epoch 1/5  step ");
  EXPECT_EQ(status(), "running");
  const auto twice = resume();
  EXPECT_EQ(twice.code, 2) << twice.all();
  EXPECT_THAT(twice.err, HasSubstr("is still running"));
  EXPECT_EQ(bench->hilum({"runs", "rm", "@last", "--yes"}).code, 2);
  EXPECT_EQ(process.wait().code, 0);
  expect_undisturbed(newest());
}

TEST_F(Stop, ADiskThatIsFullLeavesThePreviousCheckpoint) {
  // Checkpoints larger than the run store, which goes on working.
  const auto folder = interrupted(SIGINT, {"backbone.seg.width=32"});
  const auto before = text_of(folder / "last.pt");
  ASSERT_GT(before.size(), 2 * fs::file_size(bench->runs() / "hilum.db"));
  const auto full = resume({.largest_file = before.size() - 4096});
  EXPECT_EQ(full.code, 1) << full.all();
  EXPECT_THAT(full.err, HasSubstr("cannot be written"));
  EXPECT_TRUE(text_of(folder / "last.pt") == before) << "the checkpoint was touched";
  EXPECT_EQ(status(), "failed");
  for (const auto& entry : fs::directory_iterator(folder))
    EXPECT_THAT(entry.path().string(), Not(HasSubstr(".part"))) << "litter";
  EXPECT_EQ(resume().code, 0);
  EXPECT_EQ(status(), "done");
}

TEST_F(Stop, AFolderThatCannotBeWrittenIsNamed) {
  const auto outcome = bench->hilum({"run", kQuickstart}, {.env = {"HILUM_RUNS=/proc/none"}});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("/proc/none: the folder of the run store cannot be made"));
  EXPECT_THAT(outcome.err, HasSubstr("HILUM_RUNS"));
}

TEST_F(Stop, ADamagedCheckpointIsNamed) {
  const auto folder = interrupted();
  const auto good = text_of(folder / "last.pt");
  for (const auto& bad :
       {std::string(), std::string("nonsense"), good.substr(0, good.size() / 2)}) {
    write(folder / "last.pt", bad);
    const auto outcome = resume();
    EXPECT_EQ(outcome.code, 1) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr("last.pt: not a Hilum checkpoint, or damaged"));
    EXPECT_THAT(outcome.err, Not(HasSubstr("frame #")));
  }
  write(folder / "last.pt", good);
  EXPECT_EQ(resume().code, 0);
  expect_undisturbed(newest());
}

TEST_F(Stop, ALossThatIsNotANumberStopsWithTheCasesOfItsBatch) {
  // Weight decay that multiplies every weight by -99 a step.
  auto process = start({"train.optimizer=sgd", "train.lr=100", "+train.weight_decay=1",
                        "train.schedule=constant", "+train.precision=float32"});
  const auto outcome = process.wait();
  EXPECT_EQ(outcome.code, 1) << outcome.all();
  EXPECT_THAT(outcome.err, HasSubstr("the loss is "));
  EXPECT_THAT(outcome.err, HasSubstr("Cases of the batch: P0"));
  EXPECT_EQ(status(), "failed");
  EXPECT_THAT(bench->sql("select error from run order by id desc limit 1"),
              HasSubstr("Cases of the batch: P0"));
}

}  // namespace
}  // namespace hilum::testing
