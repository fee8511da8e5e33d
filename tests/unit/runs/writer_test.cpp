// SPDX-License-Identifier: Apache-2.0
// Store::log writes on another thread: who trains does not wait, nothing is lost, and what goes
// wrong is said.
#include <chrono>
#include <thread>

#include "fixture.hpp"

namespace hilum::runs {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

std::vector<Metric> rows(int64_t step, int count = 2) {
  std::vector<Metric> all;
  for (int i = 0; i < count; ++i) all.push_back({step, step, "train", "m" + std::to_string(i), 1});
  return all;
}

class WriterTest : public StoreTest {
 protected:
  int64_t logged() const { return count(folder, "select count(*) from metric"); }
};

TEST_F(WriterTest, WhatIsLoggedIsThereAfterFlushAndSoonWithoutIt) {
  Store store(folder);
  const auto id = store.begin(some_run("a"));
  store.flush();  // of nothing
  store.log(id, rows(1));
  store.flush();
  EXPECT_EQ(logged(), 2);
  store.log(id, rows(2));
  for (int i = 0; i < 500 && logged() != 4; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(logged(), 4);
}

TEST_F(WriterTest, LoggingDoesNotWaitForTheStore) {
  Store store(folder);
  const auto id = store.begin(some_run("a"));
  SQLite::Database other(folder / "hilum.db", SQLite::OPEN_READWRITE);
  SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);
  for (int64_t step = 0; step < 100; ++step) store.log(id, rows(step));
  EXPECT_EQ(logged(), 0) << "somebody else writes, and yet we are here";
  held.commit();
  store.flush();
  EXPECT_EQ(logged(), 200);
}

TEST_F(WriterTest, EveryOtherCallFindsTheRows) {
  Store store(folder);
  const auto id = store.begin(some_run("a"));
  store.log(id, rows(1));
  EXPECT_EQ(store.find(id).metrics.size(), 2u);
  store.log(id, rows(5));
  store.resume(id, 1);
  EXPECT_EQ(logged(), 2) << "step 5 was dropped, not written afterwards";
  store.log(id, rows(6));
  store.finish(id, "done");
  EXPECT_EQ(Reader(folder).sealed(id), Seal::fits);
  EXPECT_EQ(logged(), 4);
}

TEST_F(WriterTest, TheLastRowsAreWrittenWhenTheStoreCloses) {
  {
    Store store(folder);
    store.log(store.begin(some_run("a")), rows(1));
  }
  EXPECT_EQ(logged(), 2);
}

TEST_F(WriterTest, ThreadsLogIntoOneStore) {
  constexpr int kThreads = 4, kCalls = 500;
  Store store(folder);
  const auto id = store.begin(some_run("a"));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < kCalls; ++i) {
        store.log(id, rows(kCalls * t + i));
        if (i % 100 == 0) store.flush();
      }
    });
  for (auto& thread : threads) thread.join();
  store.finish(id, "done");
  EXPECT_EQ(logged(), kThreads * kCalls * 2);
}

TEST_F(WriterTest, WhatWentWrongIsThrownOnceByTheNextCall) {
  Store store(folder);
  const auto id = store.begin(some_run("a")), gone = store.begin(some_run("b"));
  execute(folder, "delete from run where name = 'b'");
  store.log(gone, rows(1));
  EXPECT_THAT(message_of([&] { store.flush(); }, Fault::work), HasSubstr("Was it removed?"));
  store.log(gone, rows(1));
  EXPECT_THAT(message_of([&] { store.finish(id, "done"); }, Fault::work), HasSubstr("'" + gone));
  store.log(gone, rows(1));
  store.finish(id, "failed", "the loss is NaN");  // the first reason is what is recorded
  EXPECT_EQ(store.find(id).error, "the loss is NaN");
  store.log(id, rows(1));
  store.flush();
  EXPECT_EQ(logged(), 2) << "and it goes on";
}

TEST_F(WriterTest, RowsPileUpOnlySoFar) {
  Store store(folder);
  const auto id = store.begin(some_run("a"));
  SQLite::Database other(folder / "hilum.db", SQLite::OPEN_READWRITE);
  auto held = std::make_unique<SQLite::Transaction>(other, SQLite::TransactionBehavior::IMMEDIATE);
  std::thread freed([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    held.reset();
  });
  const auto start = steady_clock::now();
  for (int64_t step = 0; step < 130; ++step) store.log(id, rows(step, 1000));
  EXPECT_GT(steady_clock::now() - start, std::chrono::milliseconds(200)) << "it waited for room";
  freed.join();
  store.flush();
  EXPECT_EQ(logged(), 130'000);
}

}  // namespace
}  // namespace hilum::runs
