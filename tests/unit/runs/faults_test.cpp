// SPDX-License-Identifier: Apache-2.0
// Processes that die, write at once or may not write at all.
#include <signal.h>

#include "fixture.hpp"
#include "processes.hpp"

namespace hilum::runs {
namespace {

using testing::HasSubstr;

TEST_F(StoreTest, ARunWhoseProcessWasKilledIsCrashedAndCanBeResumedAtOnce) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = spawn([&] {
    Store store(folder);
    const std::string id = store.begin(some_run("victim"));
    for (int64_t step = 0;; ++step) {
      const std::vector<Metric> batch(1, {step, step, "train", "loss", 1.0});
      store.log(id, batch);
      if (step != 5) continue;
      store.flush();
      if (write(ready[1], "x", 1) != 1) return 1;
    }
    return 0;
  });
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(Reader(folder).show("victim").status, "running");
  {
    Store other(folder);
    EXPECT_TRUE(other.alive(other.find("victim").id));
    EXPECT_THAT(message_of([&] { other.resume(other.find("victim").id, 0); }),
                HasSubstr("is running"));
    EXPECT_THAT(message_of([&] { remove(folder, {other.find("victim").id}); }),
                HasSubstr("is running"));
  }
  kill(child, SIGKILL);
  // Not waited for yet: a zombie counts as gone too, once the kernel has taken it down.
  for (int i = 0; i < 500 && Reader(folder).show("victim").status == "running"; ++i) usleep(10000);
  EXPECT_EQ(Reader(folder).show("victim").status, "crashed");
  EXPECT_EQ(Reader(folder).list({.status = "crashed"}).size(), 1u);
  wait_for(child);
  EXPECT_EQ(*Reader(folder).sql("pragma integrity_check").rows.at(0).at(0).text, "ok");
  EXPECT_EQ(*Reader(folder).sql("select count(*) - max(step) from metric").rows[0][0].text, "1")
      << "every batch that was logged is whole";
  Store store(folder);
  store.resume(store.find("victim").id, 2);
  EXPECT_EQ(store.find("victim").status, "running");
  close(ready[0]), close(ready[1]);
}

TEST_F(StoreTest, ARunElsewhereIsCrashedOnceItIsSilent) {
  Store store(folder);
  const std::string id = store.begin(some_run("far"));
  execute(folder, "update run set boot = 'another/place/1'");
  EXPECT_EQ(store.find(id).status, "running");
  EXPECT_FALSE(store.alive(id)) << "not on this host";
  execute(folder, "update run set heartbeat = '2020-01-01T00:00:00.000Z'");
  EXPECT_EQ(store.find(id).status, "crashed");
}

TEST_F(StoreTest, AReusedPidIsNotTheRun) {
  Store store(folder);
  const std::string id = store.begin(some_run("old"));
  execute(folder, "update run set boot = boot || '1'");  // same pid, another start time
  EXPECT_EQ(store.find(id).status, "crashed");
  store.begin(some_run("new"));  // and from then on in SQL as well
  EXPECT_EQ(count(folder, "select count(*) from run where status = 'crashed'"), 1);
}

TEST_F(StoreTest, KilledAnywhereTheStoreStaysWhole) {
  for (int round = 0; round < 12; ++round) {
    const pid_t child = spawn([&] {
      Store store(folder);
      const std::string id = store.begin(some_run("k"));
      for (int64_t i = 0;; ++i) {
        std::vector<Metric> batch;
        for (int m = 0; m < 20; ++m) batch.push_back({i, i, "train", "m" + std::to_string(m), 1});
        store.log(id, batch);
      }
      return 0;
    });
    usleep(static_cast<useconds_t>(3000 + 2500 * round));
    kill(child, SIGKILL);
    wait_for(child);
    Store store(folder);
    EXPECT_EQ(*Reader(folder).sql("pragma integrity_check").rows.at(0).at(0).text, "ok");
    EXPECT_EQ(count(folder, "select count(*) % 20 from metric"), 0) << "a batch is all or nothing";
    for (const auto& run : Reader(folder).list({}))
      EXPECT_TRUE(std::filesystem::exists(folder / run.id / "config.toml"));
  }
}

TEST_F(StoreTest, AReadOnlyFolderCanBeRead) {
  std::string id;
  {
    Store store(folder);
    id = store.begin(some_run("archived"));
    store.finish(id, "done");
  }
  std::filesystem::permissions(folder, std::filesystem::perms(0555));
  EXPECT_EQ(as_nobody([&] {
              if (access(folder.c_str(), W_OK) == 0) return 4;
              return Reader(folder).show("archived").id == id && Reader(folder).list({}).size() == 1
                         ? 0
                         : 5;
            }),
            0);
}

TEST_F(StoreTest, AStoreThatThisUserMayNotReadIsNotTakenForNone) {
  { Store store(folder); }
  const auto refused = [&] {
    return as_nobody([&] {
      for (const auto& text : {message_of([&] { Reader reader(folder); }, Fault::work),
                               message_of([&] { Store::existing(folder); }, Fault::work)})
        if (text.find("cannot be read: Permission denied") == std::string::npos) return 5;
      return 0;
    });
  };
  std::filesystem::permissions(folder, std::filesystem::perms(0));
  EXPECT_EQ(refused(), 0);
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  std::filesystem::permissions(folder / "hilum.db", std::filesystem::perms(0));
  EXPECT_EQ(refused(), 0);
}

TEST_F(StoreTest, AReadOnlyFolderWithALogIsReadWithItsLog) {
  const pid_t writer = spawn([&] {
    Store store(folder);
    store.begin(some_run("killed"));
    kill(getpid(), SIGKILL);  // the log is not merged into the database
    return 0;
  });
  wait_for(writer);
  ASSERT_TRUE(std::filesystem::exists(folder / "hilum.db-wal"));
  std::filesystem::permissions(folder, std::filesystem::perms(0555));
  EXPECT_EQ(as_nobody([&] { return Reader(folder).count() == 1 ? 0 : 5; }), 0);
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  std::filesystem::remove(folder / "hilum.db-shm");  // an archive that kept the log alone
  std::filesystem::permissions(folder, std::filesystem::perms(0555));
  EXPECT_EQ(as_nobody([&] {
              const auto text = message_of([&] { Reader reader(folder); }, Fault::work);
              return text.find("Copy the folder") != std::string::npos ? 0 : 5;
            }),
            0);
}

}  // namespace
}  // namespace hilum::runs
