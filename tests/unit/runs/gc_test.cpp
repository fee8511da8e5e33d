// SPDX-License-Identifier: Apache-2.0
#include "core/runs/tidy/gc.hpp"

#include <fstream>

#include "core/util/files.hpp"
#include "core/util/machine.hpp"
#include "fixture.hpp"
#include "hilum/names.hpp"
#include "many_runs.hpp"
#include "processes.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Kind = Garbage::Kind;

class Gc : public StoreTest {
 protected:
  std::string add(const std::string& status, const Strings& files = {},
                  const std::string& parent = "") {
    Store store(folder);
    NewRun run = some_run("r");
    run.host = util::host_name(), run.parent = parent;
    const auto id = store.begin(run);
    store.log(id, std::vector<Metric>{{1, 1, "test", "mask.dice", 0.5}});
    if (status != "running") store.finish(id, status);
    for (const auto& file : files) put(id + "/" + file);
    return id;
  }
  void put(const std::string& file) {
    fs::create_directories((folder / file).parent_path());
    std::ofstream(folder / file) << "0123456789";
  }
  GcReview review(const GcOptions& options = {}) { return review_garbage(Reader(folder), options); }
  // "part ID/best.pt.part1", ...
  Strings found(const GcOptions& options = {}) {
    Strings texts;
    for (const auto& item : review(options).garbage)
      texts.push_back(std::string(to_text(item.kind)) + " " +
                      item.path.lexically_relative(fs::absolute(folder)).string());
    return texts;
  }
  Collected collect(const GcOptions& options = {}) {
    return collect_garbage(folder, review(options).garbage);
  }
  bool there(const std::string& file) { return fs::exists(folder / file); }
  // A process that is over.
  static std::string dead() {
    const pid_t pid = spawn([] { return 0; });
    wait_for(pid);
    return std::to_string(pid);
  }
  const std::string stray = "7ZZZZZZZZZ0000000000000000";  // younger than any run here
};

TEST_F(Gc, WhatNothingNeedsIsFoundAndOnlyThenDeleted) {
  const auto done =
      add("done", {"best.pt", "last.pt", "best.pt.part" + dead(),
                   "predictions/a.part" + dead() + ".nii.gz", "predictions/a.nii.gz"});
  put(".removed-" + stray + "/best.pt"), put(stray + "/config.toml"), put("other/file");
  const auto garbage = review().garbage;
  EXPECT_EQ(garbage.size(), 4u);
  EXPECT_EQ(review().bytes(), 40u);
  EXPECT_TRUE(there(stray + "/config.toml")) << "looking deletes nothing";
  const auto collected = collect();
  EXPECT_EQ(collected.count, 4u);
  EXPECT_GE(collected.freed, 40u);
  EXPECT_THAT(collected.skipped, IsEmpty());
  EXPECT_THAT(found(), IsEmpty());
  for (const auto& kept : {done + "/best.pt", done + "/last.pt", done + "/predictions/a.nii.gz",
                           done + "/config.toml", std::string("other/file")})
    EXPECT_TRUE(there(kept)) << kept;
  for (const auto& entry : fs::directory_iterator(folder))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::StartsWith(".removed")));
}

TEST_F(Gc, WhatSomebodyWritesIsLeft) {
  const auto done =
      add("done", {"best.pt.part" + std::to_string(getpid()), "predictions.part/a.nii.gz"});
  const auto running = add("running", {"last.pt.part" + dead(), "last.pt", "best.pt"});
  EXPECT_THAT(found({.failed = true, .checkpoints = true}), IsEmpty());
  fs::last_write_time(folder / done / "predictions.part",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  fs::last_write_time(folder / done / "predictions.part/a.nii.gz",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_THAT(found(), ElementsAre("part " + done + "/predictions.part"));
}

TEST_F(Gc, FailedRunsThatCannotBeResumed) {
  const auto early = add("failed"), late = add("failed", {"last.pt"}), parent = add("failed");
  const auto child = add("done", {}, parent), stopped = add("interrupted");
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_THAT(found({.failed = true}), ElementsAre("failed " + early));
  EXPECT_EQ(review({.failed = true}).kept.size(), 2u);
  const auto bare = add("failed");
  fs::remove_all(folder / bare);
  EXPECT_THAT(found({.failed = true}), ElementsAre("failed " + early, "failed " + bare));
  EXPECT_EQ(collect_garbage(folder, {review({.failed = true}).garbage[1]}).count, 1u);
  EXPECT_THAT(found({.failed = true, .older_than = 3600}), IsEmpty()) << "they ended just now";
  execute(folder, "update run set ended = '2020-01-01T00:00:00.000Z' where status = 'failed'");
  EXPECT_THAT(found({.failed = true, .older_than = 3600}),
              UnorderedElementsAre("failed " + early, "failed " + late));
  EXPECT_EQ(collect({.failed = true, .older_than = 3600}).count, 2u);
  EXPECT_THAT(Reader(folder).ids({}), ElementsAre(stopped, child, parent));
  EXPECT_FALSE(there(early) || there(late));
  EXPECT_EQ(count(folder, "select count(*) from metric"), 3);
}

TEST_F(Gc, CheckpointsThatOnlyAResumeWouldRead) {
  const auto both = add("done", {"best.pt", "last.pt"}), last = add("done", {"last.pt"});
  const auto named = add("done", {"best.pt", "last.pt"}),
             stopped = add("interrupted", {"best.pt", "last.pt"});
  Store(folder).add_artifact(named, "weights", folder / named / "last.pt");
  EXPECT_THAT(found({.checkpoints = true}), ElementsAre("checkpoint " + both + "/last.pt"));
  EXPECT_THAT(found({.checkpoints = true, .older_than = 3600}), IsEmpty());
  collect({.checkpoints = true});
  EXPECT_FALSE(there(both + "/last.pt"));
  EXPECT_TRUE(there(both + "/best.pt") && there(last + "/last.pt") && there(stopped + "/last.pt"));
}

TEST_F(Gc, WorkOfAStoreThatWasMovedAwayIsKept) {
  const std::string old = "01000000000000000000000000", empty = "01000000000000000000000001";
  put(old + "/best.pt"), put(empty + "/config.toml");
  add("done");
  EXPECT_THAT(found(), ElementsAre("folder " + empty));
  const auto kept = review().kept;
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_THAT(kept[0].why, HasSubstr("moved away"));
}

TEST_F(Gc, MissingArtifactsAreTold) {
  const auto id = add("done");
  Store(folder).add_artifact(id, "weights", folder / id / "best.pt");
  const auto missing = review().missing;
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].path, "best.pt");
  put(id + "/best.pt");
  EXPECT_THAT(review().missing, IsEmpty());
}

TEST_F(Gc, WhatChangedSinceTheReviewIsLeft) {
  const auto failed = add("failed"), done = add("done", {"best.pt", "last.pt"});
  const auto kept_by = add("done", {"last.pt", "best.pt"});
  put(stray + "/config.toml");
  const auto garbage = review({.failed = true, .checkpoints = true}).garbage;
  ASSERT_EQ(garbage.size(), 4u);
  {
    Store store(folder);
    store.resume(failed, 0);  // goes on
    execute(folder, "insert into run select '" + stray +
                        "', name, experiment, status, started, ended, "
                        "heartbeat, seed, fold, parent, git, dirty, host, device, precision, "
                        "torch, config_hash, "
                        "note, error, pid, boot, digest from run where id = '" +
                        done + "'");  // begins
    fs::remove(folder / kept_by / "best.pt");
  }
  const auto collected = collect_garbage(folder, garbage);
  EXPECT_EQ(collected.count, 1u) << "the other checkpoint";
  EXPECT_EQ(collected.skipped.size(), 3u);
  EXPECT_TRUE(there(failed + "/config.toml") && there(stray + "/config.toml") &&
              there(kept_by + "/last.pt"));
  EXPECT_EQ(Reader(folder).count(), 4);
}

TEST_F(Gc, RunsThatBeginMeanwhileAreNeverLost) {
  add("done");
  constexpr int kRuns = 150;
  const pid_t child = spawn([&] {
    Store store(folder);
    for (int i = 0; i < kRuns; ++i) {
      const auto id = store.begin(some_run("new"));
      store.finish(id, "done");
    }
    return 0;
  });
  for (int i = 0; i < 100; ++i) collect({.failed = true, .checkpoints = true});
  EXPECT_EQ(wait_for(child), 0);
  collect({.failed = true});
  const auto ids = Reader(folder).ids({.name = "new"});
  EXPECT_EQ(ids.size(), static_cast<size_t>(kRuns));
  for (const auto& id : ids) EXPECT_TRUE(there(id + "/config.toml")) << id;
}

TEST_F(Gc, APackedStoreHasTheSameSeals) {
  ManyRuns(folder).add(2000);
  const auto kept = add("done");
  execute(folder,
          "update run set ended = '2020-01-01T00:00:00.000Z', status = 'failed' where name like "
          "'study%'");
  const auto running = add("running");
  EXPECT_FALSE(collect({.failed = true}).packed) << "a training would have to wait";
  EXPECT_EQ(review().free, 0u);
  Store(folder).finish(running, "done");
  EXPECT_GT(review().free, 1000000u);
  const auto before = fs::file_size(folder / "hilum.db");
  const auto collected = collect();
  EXPECT_TRUE(collected.packed);
  EXPECT_GT(collected.freed, before / 2);
  EXPECT_LT(fs::file_size(folder / "hilum.db"), before / 2);
  EXPECT_EQ(Reader(folder).sealed(kept), Seal::fits);
  EXPECT_EQ(Reader(folder).count(), 2);
}

TEST_F(Gc, AnInterruptedRemovalThatWasNotDecidedIsUndone) {
  const auto id = add("done");
  fs::rename(folder / id, folder / (".removed-" + id));
  EXPECT_THAT(found(), IsEmpty());
  collect();
  EXPECT_TRUE(there(id + "/config.toml"));
}

TEST_F(Gc, NoStoreHasNothing) {
  EXPECT_THAT(review_garbage(Reader(folder / "none"), {}).garbage, IsEmpty());
  EXPECT_FALSE(there("none"));
}

}  // namespace
}  // namespace hilum::runs
