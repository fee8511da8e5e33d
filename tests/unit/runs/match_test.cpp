// SPDX-License-Identifier: Apache-2.0
// What counts as the same work, and what is said where there is none.
#include "core/runs/again/match.hpp"

#include <algorithm>

#include "core/runs/print/print.hpp"
#include "fixture.hpp"

namespace hilum::runs {
namespace {

using testing::HasSubstr;
using Kind = Match::Kind;

class MatchTest : public StoreTest {
 protected:
  MatchTest() : now(some_run("row")) {
    now.params.push_back({"experiment.seed", "0", "integer"});
    now.params.push_back({"data.fold", "0", "integer"});
    now.params.push_back({"data.roi", "[96, 96]", "list"});
    now.params.push_back({"experiment.note", "\"\"", "string"});
    now.tags = {"table:one/row"};
  }
  // A run as `run` says, on data with that fingerprint ("": it died before they were read).
  std::string record(const NewRun& run, const std::string& status,
                     const std::string& fingerprint = "f1", const std::string& error = "") {
    Store store(folder);
    const std::string id = store.begin(run);
    if (!fingerprint.empty())
      store.add_params(id, {{"resolved.fingerprint", fingerprint, "string"}});
    store.log(id, std::vector<Metric>{{1, 1, "test", "mask.dice", 0.8}});
    if (!status.empty()) store.finish(id, status, error);
    return id;
  }
  // The present work: that of `now`.
  Match find(const std::string& fingerprint = "f1", const std::string& program = "") const {
    return find_work(Reader(folder),
                     {now.config_hash, now.plugins, fingerprint, program, now.tags[0]}, now.params);
  }
  NewRun changed(const std::string& key, const std::string& value) const {
    NewRun run = now;
    run.config_hash = "0" + key + value;
    for (auto& param : run.params)
      if (param.key == key) param.value = value;
    return run;
  }
  std::string short_id(const std::string& id) const { return Reader(folder).show(id).short_id; }
  NewRun now;
};

TEST_F(MatchTest, AnEmptyStoreHasRunNothing) {
  EXPECT_EQ(find().kind, Kind::none);
  EXPECT_EQ(find().why, "not run yet");
  EXPECT_FALSE(std::filesystem::exists(folder / "hilum.db")) << "asking makes no store";
  { Store store(folder); }
  EXPECT_EQ(find().why, "not run yet");
}

TEST_F(MatchTest, TheNewestDoneRunOfTheSameWorkIsTaken) {
  record(now, "done");
  NewRun other_name = now;  // neither name, file nor tag make other work
  other_name.name = "b", other_name.experiment = "b.toml", other_name.tags.clear();
  const std::string newest = record(other_name, "done");
  record(now, "interrupted");
  record(now, "failed");
  record(now, "");
  EXPECT_EQ(find().kind, Kind::done);
  EXPECT_EQ(find().run, newest);
  EXPECT_EQ(find().why, "");
}

TEST_F(MatchTest, ARunUnderWayIsNotStartedTwice) {
  record(now, "interrupted");
  const std::string running = record(now, "", "");
  EXPECT_EQ(find().kind, Kind::running);
  EXPECT_EQ(find().run, running);
  EXPECT_THAT(find().why, HasSubstr(short_id(running) + " is under way in process " +
                                    std::to_string(getpid()) + " on host 'node1'"));
  execute(folder, "update run set boot = boot || '1'");  // its process is gone
  EXPECT_EQ(find().kind, Kind::resumable);
  EXPECT_EQ(find().run, running);
}

TEST_F(MatchTest, OnlyTheSameWorkIsGoneOnWith) {
  const std::string id = record(now, "interrupted", "");
  EXPECT_EQ(find().run, id) << "it had not read its data yet";
  EXPECT_EQ(find().kind, Kind::resumable);
  Store(folder).add_params(id, {{"resolved.fingerprint", "f1", "string"}});
  EXPECT_EQ(find().kind, Kind::resumable);
  EXPECT_EQ(find("f2").kind, Kind::none);
  EXPECT_EQ(find("f2").run, "");
  now.plugins[0].sha256 = "cc33";
  EXPECT_EQ(find().kind, Kind::none);
}

TEST_F(MatchTest, AnotherBuildOfTheProgramIsOtherWorkWhereThatIsAskedFor) {
  const std::string old = record(now, "done");  // by a Hilum that did not record itself
  EXPECT_EQ(find("f1", "p1").why, "Hilum itself was rebuilt since run " + short_id(old));
  now.params.push_back({"resolved.program", "p1", "string"});
  const std::string id = record(now, "done");
  EXPECT_EQ(find("f1", "p1").run, id);
  EXPECT_EQ(find("f1", "p2").kind, Kind::none);
  EXPECT_EQ(find("f1", "p2").why, "Hilum itself was rebuilt since run " + short_id(id));
  EXPECT_EQ(find().run, id) << "nobody asked";
}

TEST_F(MatchTest, OtherDataAreOtherWork) {
  const std::string id = record(now, "done");
  EXPECT_EQ(find("f2").kind, Kind::none);
  EXPECT_EQ(find("f2").why, "the data changed since run " + short_id(id));
  const std::string unread = record(now, "done", "");
  execute(folder, "delete from run where id = '" + id + "'");
  EXPECT_EQ(find().kind, Kind::none) << "done, and nobody knows on what";
  EXPECT_EQ(Reader(folder).find(unread), unread);
}

TEST_F(MatchTest, ARebuiltPluginIsNamed) {
  const std::string id = record(now, "done");
  now.plugins[1].sha256 = "cc33";
  EXPECT_EQ(find().kind, Kind::none);
  EXPECT_EQ(find().why, "plugin head/segmentation was rebuilt since run " + short_id(id));
  now.tags[0] = "table:another";  // told against the newest run of the same config
  EXPECT_THAT(find().why, HasSubstr("head/segmentation was rebuilt"));
  now = some_run("row"), now.tags = {"table:one/row"};
  now.plugins.pop_back();
  EXPECT_EQ(find().kind, Kind::none) << "one plugin less";
}

TEST_F(MatchTest, ChangedParametersAreToldAgainstTheNewestRunOfTheTag) {
  record(changed("data.val", "0.3"), "done");
  record(changed("data.roi", "[64, 64]"), "done");
  record(changed("data.roi", "[32, 32]"), "");  // under way: no word about it
  NewRun untagged = changed("data.roi", "[16, 16]");
  untagged.tags.clear();
  record(untagged, "done");
  EXPECT_EQ(find().kind, Kind::none);
  EXPECT_EQ(find().why, "data.roi was [64, 64], now [96, 96]");
}

TEST_F(MatchTest, ThreeDifferencesAreListedAndTheRestCounted) {
  NewRun before = changed("data.roi", "[64, 64]");
  before.params[0].value = "0.1";                                  // train.lr
  before.params[2].value = "\"sgd\"";                              // train.optimizer
  before.params[5 + 3].value = "\"a note\"";                       // cannot change a result
  before.params.push_back({"resolved.threads", "64", "integer"});  // found out, not asked for
  before.params.push_back({"head.mask.old", "true", "boolean"});   // not known any more
  before.params.erase(before.params.begin() + 1);                  // train.epochs: new since
  record(before, "done");
  EXPECT_EQ(find().why,
            "train.lr was 0.1, now 0.001; train.epochs was not set, now 3; train.optimizer was "
            "sgd, now adam; and 2 more");
}

TEST_F(MatchTest, AnotherFoldOrSeedOfATagIsNoEarlierForm) {
  NewRun other = changed("data.fold", "1");
  other.fold = 1;
  record(other, "done");
  EXPECT_EQ(find().why, "not run yet");
}

TEST_F(MatchTest, AFailureIsTold) {
  const std::string id = record(now, "failed", "f1", "the loss is NaN at step 3\nstack");
  EXPECT_EQ(find().kind, Kind::none);
  EXPECT_EQ(find().why, "run " + short_id(id) + " failed: the loss is NaN at step 3");
}

TEST_F(MatchTest, AnEditedRunIsNotTheWork) {
  const std::string older = record(now, "done"), id = record(now, "done");
  execute(folder, "update metric set value = 0.9 where run = '" + id + "'");
  EXPECT_EQ(find().kind, Kind::done);
  EXPECT_EQ(find().run, older);
  execute(folder, "update metric set value = 0.9 where run = '" + older + "'");
  EXPECT_EQ(find().kind, Kind::none);
  EXPECT_EQ(find().why, "run " + short_id(id) + " was edited by hand");
}

TEST_F(MatchTest, NothingIsScanned) {
  record(now, "done");
  for (const std::string query : {
           "select id from run where config_hash = 'c0ffee' order by id desc",
           "select r.id from tag t join run r on r.id = t.run where t.tag = 'a' order by r.id desc",
           "select split, name, step, epoch, value from metric where run = 'a' "
           "order by split, name, step",
           "select value from case_metric where run = 'a' order by split, name, rowid",
       })
    for (const auto& row : Reader(folder).sql("explain query plan " + query).rows)
      EXPECT_THAT(*row.at(3).text, testing::Not(HasSubstr("SCAN"))) << query;
}

}  // namespace
}  // namespace hilum::runs
