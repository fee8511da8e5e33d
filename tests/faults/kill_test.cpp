// SPDX-License-Identifier: Apache-2.0
// kill -9 anywhere, then `hilum resume`: the bytes of a run that nobody killed.
#include <random>

#include "tests/faults/study.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Kill : public Study {
 protected:
  // Kills the process once `so` holds; false if it ended before.
  static bool kill_when(Process& process, const std::function<bool()>& so) {
    if (!wait_until(process, so)) return false;
    process.kill(SIGKILL);
    return process.wait().code == -SIGKILL;
  }
  static bool kill_after(Process& process, double delay) {
    const auto end = Clock::now() + Seconds(delay);
    return kill_when(process, [&] { return Clock::now() >= end; });
  }
  static bool kill_at_line(Process& process, const std::string& line, double delay = 0) {
    const auto folder = folder_of(process);
    if (!wait_until(process,
                    [&] { return text_of(folder / "log.txt").find(line) != std::string::npos; }))
      return false;
    return kill_after(process, delay);
  }
  // In the middle of writing `file` for the n-th time: its half-written neighbour is there.
  static bool kill_while_writing(Process& process, const std::string& file, int n) {
    const auto folder = folder_of(process);
    bool there = false;
    return kill_when(process, [&] {
      bool now = false;
      std::error_code gone;  // a neighbour may be renamed while we look
      for (fs::directory_iterator i(folder, gone), end; !gone && i != end; i.increment(gone))
        now = now || i->path().filename().string().starts_with(file + ".part");
      if (now && !there) --n;
      there = now;
      return n == 0;
    });
  }
  static void resumed_is_undisturbed() {
    EXPECT_EQ(status(), "crashed");
    const auto resumed = resume();
    EXPECT_EQ(resumed.code, 0) << resumed.all();
    expect_undisturbed(newest());
    for (const auto& entry : fs::directory_iterator(bench->runs() / newest()))
      EXPECT_THAT(entry.path().string(), Not(HasSubstr(".part"))) << "litter";
  }
  // One run, killed once. A run that was recorded as done before the kill came has nothing to
  // resume: again.
  static void expect_same_after(const std::function<bool(Process&)>& killed) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      auto process = start();
      if (killed(process) && status() != "done") return resumed_is_undisturbed();
    }
    FAIL() << "each of four runs was over before it was killed";
  }
};

TEST_F(Kill, BeforeTheFirstCheckpoint) {
  expect_same_after([](auto& p) { return !folder_of(p).empty() && kill_after(p, 0); });
  expect_same_after([](auto& p) { return kill_at_line(p, "to train: "); });
  expect_same_after([](auto& p) { return kill_at_line(p, "epoch 1/5  step "); });
}

TEST_F(Kill, InTheMiddleOfAnEpoch) {
  expect_same_after([](auto& p) { return kill_at_line(p, "epoch 2/5  step "); });
  expect_same_after([](auto& p) { return kill_at_line(p, "epoch 4/5  step ", 0.03); });
}

TEST_F(Kill, RightAfterAnEpoch) {
  expect_same_after([](auto& p) { return kill_at_line(p, "epoch 3/5  loss "); });
}

TEST_F(Kill, WhileACheckpointIsWritten) {
  expect_same_after([](auto& p) { return kill_while_writing(p, "last.pt", 1); });
  expect_same_after([](auto& p) { return kill_while_writing(p, "last.pt", 3); });
  expect_same_after([](auto& p) { return kill_while_writing(p, "best.pt", 1); });
}

TEST_F(Kill, DuringTheTest) {
  expect_same_after([](auto& p) { return kill_at_line(p, "epoch 5/5  loss "); });
  expect_same_after([](auto& p) { return kill_at_line(p, "epoch 5/5  loss ", 0.05); });
}

TEST_F(Kill, AnywhereAtRandom) {
  // Points are lines of the log, not times: a busy machine would move them.
  std::mt19937 random(11);
  for (int i = 0; i < 5; ++i) {
    const auto line = std::uniform_int_distribution<size_t>(2, log_lines - 2)(random);
    const auto delay = std::uniform_real_distribution(0.0, 0.05)(random);
    SCOPED_TRACE("killed after line " + std::to_string(line) + " of " + std::to_string(log_lines));
    expect_same_after([&](auto& p) {
      const auto log = folder_of(p) / "log.txt";
      return wait_until(p, [&] { return lines_of(text_of(log)).size() >= line; }) &&
             kill_after(p, delay);
    });
  }
}

TEST_F(Kill, SeveralTimesInOneRun) {
  auto process = start();
  ASSERT_TRUE(kill_at_line(process, "epoch 2/5  step "));
  const auto run = newest();
  for (const char* line : {"epoch 3/5  step ", "epoch 4/5  loss ", "epoch 5/5  loss "}) {
    auto next = bench->start({"resume", run.substr(0, 26)});
    ASSERT_TRUE(kill_at_line(next, line)) << line;
    EXPECT_EQ(status(), "crashed");
  }
  resumed_is_undisturbed();
  EXPECT_EQ(newest(), run) << "resuming keeps the id";
}

}  // namespace
}  // namespace hilum::testing
