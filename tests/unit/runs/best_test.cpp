// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/best.hpp"

#include <fstream>

#include "core/runs/ask/direction.hpp"
#include "fixture.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BestRuns : public StoreTest {
 protected:
  std::string add(const std::string& name, const std::vector<double>& val, double test,
                  const std::string& status = "done", const std::string& head = "mask") {
    Store store(folder);
    const auto id = store.begin(some_run(name, 3, 1));
    std::vector<Metric> rows;
    for (size_t i = 0; i < val.size(); ++i) {
      const auto epoch = static_cast<int64_t>(i + 1);
      rows.push_back({10 * epoch, epoch, "val", head + ".dice", val[i]});
      rows.push_back({10 * epoch, epoch, "val", head + ".hd95", 10 - val[i]});
    }
    rows.push_back({30, 3, "test", head + ".dice", test});
    store.log(id, rows);
    if (status != "running") store.finish(id, status);
    return id;
  }
  Strings names(const BestOptions& options) {
    Strings names;
    for (const auto& run : best(Reader(folder), options).runs) names.push_back(run.name);
    return names;
  }
};

TEST_F(BestRuns, RankedByTheBestValidation) {
  add("a", {0.5, 0.9, 0.2}, 0.1), add("b", {0.6, 0.7, 0.8}, 0.99), add("c", {0.85}, 0.5);
  add("failed", {0.95}, 0.9, "failed"), add("under way", {0.99}, 0.9, "running");
  const auto found = best(Reader(folder), {});
  EXPECT_EQ(found.metric, "val.dice");
  EXPECT_FALSE(found.test);
  EXPECT_EQ(found.done, 3);
  EXPECT_THAT(names({}), ElementsAre("a", "c", "b")) << "neither the last epoch's nor the test's";
  EXPECT_EQ(found.runs[0].value, 0.9);
  EXPECT_EQ(found.runs[0].epoch, 2);
  EXPECT_EQ(found.runs[0].logged, 3);
  EXPECT_EQ(found.runs[0].metric, "val.mask.dice");
  EXPECT_THAT(names({.metric = "val.hd95"}), ElementsAre("a", "c", "b")) << "lower is better";
  EXPECT_THAT(names({.metric = "dice"}), ElementsAre("b", "c", "a"));
  EXPECT_TRUE(best(Reader(folder), {.metric = "dice"}).test);
  EXPECT_THAT(names({.where = "dice > 0.3"}), ElementsAre("c", "b"));
  EXPECT_THAT(names({.top = 1}), ElementsAre("a"));
  EXPECT_EQ(best(Reader(folder), {.top = 1}).ranked, 3u);
}

TEST_F(BestRuns, WithoutValidationItIsTheTest) {
  add("a", {}, 0.5), add("b", {}, 0.6, "done", "seg"), add("c", {}, 0.6);
  const auto found = best(Reader(folder), {});
  EXPECT_TRUE(found.test);
  EXPECT_THAT(names({}), ElementsAre("c", "b", "a")) << "the newest among equal ones";
  EXPECT_EQ(found.runs[1].metric, "test.seg.dice");
}

TEST_F(BestRuns, KnowsWhereTheWeightsAre) {
  const auto best_one = add("a", {0.9}, 0.5), last = add("b", {0.8}, 0.5),
             none = add("c", {0.7}, 0.5);
  for (const auto& file :
       {folder / best_one / "best.pt", folder / best_one / "last.pt", folder / last / "last.pt"})
    std::ofstream(file) << "weights";
  const auto runs = best(Reader(folder), {}).runs;
  EXPECT_EQ(runs[0].weights, folder / best_one / "best.pt");
  EXPECT_EQ(runs[1].weights, folder / last / "last.pt");
  EXPECT_EQ(runs[2].weights, "");
}

TEST_F(BestRuns, WrongAndMissingNames) {
  EXPECT_THAT(best(Reader(folder / "none"), {}).runs, IsEmpty());
  add("a", {}, 0.5);
  const auto error = [&](const std::string& metric) {
    return message_of([&] { best(Reader(folder), {.metric = metric}); });
  };
  EXPECT_THAT(error("dcie"), HasSubstr("unknown name 'dcie'. Did you mean 'dice'?"));
  EXPECT_THAT(error("seed"), HasSubstr("'seed' is no metric"));
  EXPECT_THAT(best(Reader(folder), {.metric = "val.auc"}).runs, IsEmpty());
  EXPECT_EQ(best(Reader(folder), {.metric = "val.auc"}).done, 1);
}

TEST_F(BestRuns, DirectionsAreThoseOfTheView) {
  const Strings metrics{"loss",
                        "loss.mask",
                        "mask.hd",
                        "mask.hd95",
                        "mask.assd",
                        "grade.mae",
                        "size.mse",
                        "size.rmse",
                        "x.brier",
                        "x.ece",
                        "mask.dice",
                        "x.auc",
                        "mask.sensitivity",
                        "grade.within_one",
                        "size.pearson",
                        "mask.iou",
                        "mask.slice_hd95",
                        "mask.nonempty_slice_assd",
                        "mask.slice_dice",
                        "mask.bce"};
  Store store(folder);
  const auto id = store.begin(some_run("a"));
  std::vector<Metric> rows;
  for (const auto& name : metrics) rows.push_back({1, 1, "val", name, 1});
  store.log(id, rows), store.finish(id, "done");
  size_t lower = 0;
  for (const auto& row : Reader(folder).sql("select metric, better from v_best").rows) {
    EXPECT_EQ(lower_is_better("val." + *row[0].text), *row[1].text == "lower") << *row[0].text;
    lower += *row[1].text == "lower";
  }
  EXPECT_EQ(lower, 13u);
  store.log(id, std::vector<Metric>{{1, 1, "train", "mask.dice", 0.5}});
  store.flush();
  EXPECT_TRUE(lower_is_better("train.mask.dice")) << "a term of the loss";
  EXPECT_EQ(*Reader(folder).sql("select better from v_best where split = 'train'").rows[0][0].text,
            "lower");
}

}  // namespace
}  // namespace hilum::runs
