// SPDX-License-Identifier: Apache-2.0
// A cluster node's worst day: many trainings log into one store, some are killed, somebody looks
// on.
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "fixture.hpp"
#include "processes.hpp"

namespace hilum::runs {
namespace {

constexpr int kTrainings = 32, kVictims = 11, kCalls = 50, kRows = 20;

// What the processes tell each other beside the store.
struct Shared {
  std::array<std::atomic<int>, kTrainings> kept{};  // calls that flush() said are in the store
  std::atomic<bool> over{false};
};

class Crowd : public StoreTest {
 protected:
  Crowd()
      : shared(new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared) {}
  ~Crowd() override { munmap(shared, sizeof(Shared)); }

  static bool is_victim(int training) { return training % 3 == 0; }
  static std::string name(int training) { return "t" + std::to_string(training); }

  // Epoch after epoch as the trainer does it: figures, a sign of life, and then a checkpoint claims
  // that they are there. A victim goes on until it is killed.
  int train(int training) const {
    Store store(folder);
    const std::string id = store.begin(some_run(name(training)));
    for (int call = 0; call < kCalls || is_victim(training); ++call) {
      std::vector<Metric> rows;
      for (int i = 0; i < kRows; ++i)
        rows.push_back({call, call, i % 2 ? "val" : "train", "m" + std::to_string(i), 0.5 * call});
      store.log(id, rows);
      store.heartbeat(id);
      store.flush();
      shared->kept[static_cast<size_t>(training)] = call + 1;
    }
    store.finish(id, "done");
    return 0;
  }
  // Each look is one moment of the store: a run that is done has all its rows.
  int look_on() const {
    int looks = 0;
    for (; !shared->over; ++looks) {
      const Reader reader(folder);
      for (const auto& run : reader.list({}))
        if (run.status == "done" && run.metrics.size() != kRows) return 2;
      if (!reader.empty() &&
          *reader.sql("select count(*) - " + std::to_string(kCalls * kRows) +
                      " * (select count(*) from run where status = 'done') from metric "
                      "where run in (select id from run where status = 'done')")
                  .rows[0][0]
                  .text != "0")
        return 3;
    }
    return looks > 10 ? 0 : 4;
  }
  void kill_at_random(const std::vector<pid_t>& pids) const {
    std::mt19937 random(7);
    std::vector<int> moments;  // ms; the first ones while the store is being made
    for (int i = 0; i < kVictims; ++i)
      moments.push_back(std::uniform_int_distribution(0, 100 * i)(random));
    std::ranges::sort(moments);
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kVictims; ++i) {
      std::this_thread::sleep_until(start + std::chrono::milliseconds(moments[size_t(i)]));
      kill(pids[size_t(3 * i)], SIGKILL);
    }
  }
  int64_t one(const std::string& sql) const { return count(folder, sql); }

  // A killed run's rows: whole calls from the first on, at least those that flush() promised.
  void expect_whole_calls(const Summary& run) const {
    const auto training = static_cast<size_t>(std::stoi(run.name.substr(1)));
    const std::string of = " from metric where run = '" + run.id + "'";
    const auto rows = one("select count(*)" + of);
    EXPECT_EQ(rows % kRows, 0);
    EXPECT_EQ(rows, kRows * one("select coalesce(max(step), -1) + 1" + of)) << "a call is missing";
    EXPECT_GE(rows, kRows * shared->kept[training]);
  }

  Shared* shared;
};

TEST_F(Crowd, LosesNothing) {
  const pid_t reader = spawn([&] { return look_on(); });
  std::vector<pid_t> pids;
  for (int i = 0; i < kTrainings; ++i) pids.push_back(spawn([&, i] { return train(i); }));
  kill_at_random(pids);
  for (int i = 0; i < kTrainings; ++i)
    EXPECT_EQ(wait_for(pids[size_t(i)]), is_victim(i) ? 128 + SIGKILL : 0) << name(i);
  shared->over = true;
  EXPECT_EQ(wait_for(reader), 0);

  EXPECT_EQ(*Reader(folder).sql("pragma integrity_check").rows.at(0).at(0).text, "ok");
  EXPECT_EQ(Reader(folder).sql("pragma foreign_key_check").rows.size(), 0u);
  int done = 0;
  for (const auto& run : Reader(folder).list({})) {
    SCOPED_TRACE(run.name);
    const bool victim = is_victim(std::stoi(run.name.substr(1)));
    EXPECT_EQ(run.status, victim ? "crashed" : "done");
    if (victim) {
      expect_whole_calls(run);
    } else {
      ++done;
      EXPECT_EQ(one("select count(*) from metric where run = '" + run.id + "'"), kCalls * kRows);
      EXPECT_EQ(Reader(folder).sealed(run.id), Seal::fits);
    }
  }
  EXPECT_EQ(done, kTrainings - kVictims);
  EXPECT_GT(one("select count(*) from run where status = 'running'"), 0) << "not said yet";
  Store(folder).begin(some_run("next"));
  EXPECT_EQ(one("select count(*) from run where status = 'running'"), 1) << "the next one alone";
}

}  // namespace
}  // namespace hilum::runs
