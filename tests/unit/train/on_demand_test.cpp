// SPDX-License-Identifier: Apache-2.0
// Trains on ten small phantoms for one epoch, in a store of its own.
#include "core/train/on_demand.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/runs/queries.hpp"
#include "core/train/evaluation_run.hpp"
#include "core/train/trainer.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::train {
namespace {
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kTiny =
    "[data]\nroi = [16, 16]\nphantom.count = 10\nphantom.patients = 10\n"
    "phantom.size = [2, 16, 16]\n"
    "[backbone.b]\nplugin = \"test_pyramid\"\n[head.mask]\nplugin = \"test_mask\"\non = \"b.S1\"\n";

class OnDemand : public ::testing::Test {
 protected:
  OnDemand() {
    kit::use_parts();
    setenv("HILUM_RUNS", (folder.path() / "runs").c_str(), 1);
    log = std::tmpfile();
  }
  ~OnDemand() override {
    std::fclose(log);
    unsetenv("HILUM_RUNS");
  }
  std::filesystem::path file(const std::string& name, const std::string& train) const {
    return folder.write(name, kTiny + "[train]\nepochs = 1\nbatch = 4\nthreads = 1\n" + train);
  }
  config::Document resolved(const std::filesystem::path& experiment) {
    runs::Store store;
    Progress progress(log);
    return resolve_init(config::Document::load(experiment, {}), store, progress);
  }
  RunResult trained(const std::filesystem::path& experiment, const std::string& fold) {
    runs::Store store;
    Progress progress(log);
    return run(prepare(config::Document::load(experiment, {"data.fold=" + fold})), store, progress);
  }
  std::string text() const {
    std::string all(static_cast<size_t>(std::ftell(log)), ' ');
    std::rewind(log);
    all.resize(std::fread(all.data(), 1, all.size(), log));
    return all;
  }
  static std::string init_of(const config::Document& document) {
    return std::get<std::string>(*document.root.find("train")->find("init")->data);
  }

  kit::Folder folder;
  std::FILE* log;
};

TEST_F(OnDemand, TrainsOnceAndIsFoundAgain) {
  file("pretrain.toml", "");
  const auto fine = file("fine.toml", "init = \"experiment:pretrain.toml\"\n");
  const auto first = init_of(resolved(fine));
  EXPECT_THAT(text(), AllOf(HasSubstr("init: experiment pretrain.toml is not done yet: "),
                            HasSubstr("; training it first")));
  ASSERT_TRUE(first.starts_with("run:"));
  EXPECT_EQ(runs::Reader().show(first.substr(4)).status, "done");
  EXPECT_EQ(init_of(resolved(fine)), first);
  EXPECT_EQ(runs::Reader().count(), 1);
  file("pretrain.toml", "lr = 0.002\n");
  EXPECT_NE(init_of(resolved(fine)), first) << "another learning rate is other work";

  auto setup = prepare(resolved(fine));
  EXPECT_THAT(initialise(setup).at(0), HasSubstr("tensors copied"));
  EXPECT_EQ(describe(setup).parent, init_of(resolved(fine)).substr(4));
}

TEST_F(OnDemand, ACircleAndAMissingFileAreWrongRequests) {
  file("a.toml", "init = \"experiment:b.toml\"\n");
  file("b.toml", "init = \"experiment:a.toml\"\n");
  const auto circle = kit::error_of([&] { resolved(folder.path() / "a.toml"); });
  EXPECT_EQ(circle.fault, Fault::request);
  EXPECT_THAT(circle.what(), AllOf(HasSubstr("a.toml -> "), HasSubstr("b.toml -> ")));
  const auto lost = file("lost.toml", "init = \"experiment:nowhere.toml\"\n");
  EXPECT_THAT(kit::error_of([&] { resolved(lost); }).what(), HasSubstr("no such experiment file"));
  EXPECT_EQ(runs::Reader().count(), 0);
}

TEST_F(OnDemand, NoRunIsEvaluatedOnWhatItHasSeen) {
  const auto experiment = file("fold.toml", "");
  const auto run = trained(experiment, "0").id;
  const auto unseen = [&](const std::string& fold) {
    EvaluationRequest request{.members = {}, .flips = true, .split = "test", .regions = {}};
    request.members.push_back(load_member(run, "best", {"data.fold=" + fold}));
    const auto data =
        load_data(request.members[0].setup.experiment, *request.members[0].setup.model);
    request.regions = data.split.test;
    require_unseen(request, data);
  };
  EXPECT_NO_THROW(unseen("0"));
  const auto error = kit::error_of([&] { unseen("1"); });
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_THAT(error.what(), AllOf(HasSubstr(run + " was trained on region '")));
}

}  // namespace
}  // namespace hilum::train
