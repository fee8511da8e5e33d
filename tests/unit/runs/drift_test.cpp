// SPDX-License-Identifier: Apache-2.0
// What changed since a run: its plugins by their files, the data, the code, the machine; and
// whether figures are equal.
#include "core/runs/again/drift.hpp"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/runs/again/compare_figures.hpp"
#include "core/runs/print/print.hpp"
#include "core/util/files.hpp"
#include "core/util/sha256.hpp"
#include "fixture.hpp"

namespace hilum::runs {
namespace {

namespace fs = std::filesystem;
using State = PluginNow::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Libraries are told apart by their bytes alone, so any bytes will do.
class DriftTest : public StoreTest {
 protected:
  DriftTest() {
    unsetenv("HILUM_PLUGIN_PATH");
    for (const char* name : {"own", "gone"})
      util::write_file(library(name), std::string("library ") + name);
    run = some_run("a");
    run.params.push_back(
        {"plugins.registries", "[\"" + plugins().string() + "\", \"/nowhere/at/all\"]", "list"});
    run.params.push_back({"resolved.threads", "2", "integer"});
    run.plugins = {{"backbone", "gone", "1.0", util::sha256_file(library("gone"))},
                   {"backbone", "own", "1.1", util::sha256_file(library("own"))}};
    id = Store(folder).begin(run);
    Store(folder).add_params(id, {{"resolved.fingerprint", "f1", "string"}});
  }
  ~DriftTest() override { unsetenv("HILUM_PLUGIN_PATH"); }
  fs::path plugins() const { return folder / "plugins"; }
  fs::path library(const std::string& name) const {
    return plugins() / ("backbone_" + name + ".so");
  }
  Details then() const { return Reader(folder).show(id); }
  std::vector<State> states() const {
    std::vector<State> all;
    for (const auto& now : plugins_now(then())) all.push_back(now.state);
    return all;
  }
  std::vector<std::string> other(const std::string& fingerprint = "f1") const {
    std::vector<std::string> all;
    for (const auto& d : other_drift(then(), run, fingerprint)) all.push_back(d.what);
    return all;
  }
  NewRun run;
  std::string id;
};

TEST_F(DriftTest, PluginsAreFoundWhereTheRunLookedByTheirBytes) {
  EXPECT_THAT(states(), ElementsAre(State::same, State::same));
  std::ofstream(library("own"), std::ios::app) << "!";
  fs::remove(library("gone"));
  EXPECT_THAT(states(), ElementsAre(State::missing, State::changed));
  const auto now = plugins_now(then());
  EXPECT_THAT(now[0].why, HasSubstr("no backbone named 'gone'"));
  EXPECT_THAT(now[0].why, HasSubstr(plugins().string())) << "where it looked";
  EXPECT_EQ(now[1].sha256, util::sha256("library own!"));
  EXPECT_EQ(now[1].library, library("own"));
}

TEST_F(DriftTest, ANameInTwoPlacesIsNeither) {
  fs::create_directory(folder / "more");
  fs::copy_file(library("own"), folder / "more" / "backbone_own.so");
  setenv("HILUM_PLUGIN_PATH", (folder / "more").c_str(), 1);
  EXPECT_THAT(states(), ElementsAre(State::same, State::several));
  EXPECT_THAT(plugins_now(then())[1].why, HasSubstr((folder / "more").string()));
}

TEST_F(DriftTest, RunsShowMarksWhatChanged) {
  const auto quiet = show_text(then(), plugins_now(then()));
  EXPECT_THAT(quiet, HasSubstr("the same"));
  EXPECT_THAT(quiet, Not(HasSubstr("rerun")));
  std::ofstream(library("own"), std::ios::app) << "!";
  fs::remove(library("gone"));
  const auto text = show_text(then(), plugins_now(then()));
  for (const char* part : {"CHANGED", "missing", "backbone/own was rebuilt since",
                           "no backbone named 'gone'", "hilum runs rerun "})
    EXPECT_THAT(text, HasSubstr(part));
  const auto json = nlohmann::json::parse(show_json(then(), plugins_now(then())));
  EXPECT_EQ(json["plugins"][0]["now"], "missing");
  EXPECT_TRUE(json["plugins"][0]["now_sha256"].is_null());
  EXPECT_EQ(json["plugins"][1]["now"], "changed");
  EXPECT_EQ(json["plugins"][1]["now_library"], library("own").string());
}

TEST_F(DriftTest, OnlyPluginsThatAreStillUsedCount) {
  std::ofstream(library("own"), std::ios::app) << "!";
  fs::remove(library("gone"));
  const auto now = plugins_now(then());
  EXPECT_EQ(plugin_drift(then(), now, {"backbone/gone", "backbone/own"}).size(), 2u);
  EXPECT_THAT(plugin_drift(then(), now, {"backbone/unet"}), IsEmpty());
  const auto drift = plugin_drift(then(), now, {"backbone/own"});
  ASSERT_EQ(drift.size(), 1u);
  EXPECT_TRUE(drift[0].decides);
  const auto text = to_text(drift[0]);
  EXPECT_THAT(text, HasSubstr("plugin backbone/own: was library " +
                              util::sha256("library own").substr(0, 12) + " (version 1.1)"));
  EXPECT_THAT(text, HasSubstr(", is library " + util::sha256("library own!").substr(0, 12)));
  EXPECT_THAT(text, HasSubstr("0123abc")) << "the code that made it";
}

TEST_F(DriftTest, DataDecideAndTheMachineDoesNot) {
  EXPECT_THAT(other(), IsEmpty());
  EXPECT_THAT(other("f2"), ElementsAre("data"));
  EXPECT_TRUE(other_drift(then(), run, "f2")[0].decides);
  run.host = "node2", run.torch = "2.12.0", run.git = "9876fed", run.device = "cuda:0";
  run.precision = "bfloat16", run.params.back().value = "8";
  EXPECT_THAT(other(), ElementsAre("code", "LibTorch", "host", "device", "precision", "threads"));
  for (const auto& d : other_drift(then(), run, "f1")) EXPECT_FALSE(d.decides) << d.what;
  EXPECT_THAT(to_text(other_drift(then(), run, "f1")[0]),
              HasSubstr("was 0123abc, is 9876fed. To have it back: git checkout 0123abc."));
}

TEST_F(DriftTest, OtherDataThatWereAskedForAreNoDrift) {
  run.params.push_back({"data.fold", "1", "integer"});  // another side of the same set
  EXPECT_THAT(other("f2"), ElementsAre("data"));
  run.params.push_back({"data.roi", "[96, 96]", "list"});
  EXPECT_THAT(other("f2"), IsEmpty());
  const auto changed = changed_params(then(), run);
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed[1].key, "data.roi");
  EXPECT_FALSE(changed[1].was);
  EXPECT_EQ(changed[1].now, "[96, 96]");
}

TEST_F(DriftTest, UncommittedCodeIsNeverTheSame) {
  run.dirty = true;
  EXPECT_THAT(other(), ElementsAre("code"));
  execute(folder, "update run set dirty = 1");
  EXPECT_THAT(other(), ElementsAre("code")) << "they may be other changes";
  EXPECT_THAT(to_text(other_drift(then(), run, "f1")[0]), HasSubstr("cannot be had back"));
}

TEST_F(DriftTest, FiguresAreComparedBitForBit) {
  Store store(folder);
  const auto other = store.begin(run);
  const auto log = [&](const std::string& to, double dice, double hd, double worst) {
    store.log(to, std::vector<Metric>{{1, 1, "test", "mask.dice", dice},
                                      {1, 1, "test", "mask.hd", hd},
                                      {1, 1, "train", "loss", dice + hd}});
    store.log_cases(to, "test",
                    std::vector<CaseMetric>{{"p1", "n1", {}, "mask.dice", dice},
                                            {"p1", "n1", 2, "mask.dice", worst}});
  };
  const auto compare = [&] { return compare_figures(Reader(folder), id, other, "test"); };
  log(id, 0.5, NAN, 0.25), log(other, 0.5, NAN, 0.25);
  EXPECT_TRUE(compare().equal());
  EXPECT_EQ(compare().metrics.size(), 2u) << "of the split that was asked for";
  EXPECT_EQ(compare().cases, 2u);
  log(other, 0.5, NAN, std::nextafter(0.25, 1.0));
  EXPECT_FALSE(compare().equal());
  EXPECT_EQ(compare().unequal_cases, 1u);
  log(other, std::nextafter(0.5, 1.0), NAN, 0.25);
  EXPECT_FALSE(compare().metrics[0].equal);
  EXPECT_TRUE(compare().metrics[1].equal);
  log(other, 0.5, 3.0, 0.25);
  EXPECT_FALSE(compare().equal());
  store.log_cases(other, "test", std::vector<CaseMetric>{});
  EXPECT_EQ(compare().unequal_cases, 2u);
}

}  // namespace
}  // namespace hilum::runs
