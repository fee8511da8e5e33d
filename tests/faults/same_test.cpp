// SPDX-License-Identifier: Apache-2.0
// The same seed gives the same bytes; what must not matter does not, what must does.
#include <algorithm>

#include "tests/faults/study.hpp"

namespace hilum::testing {
namespace {

class Same : public Study {
 protected:
  static Traces after(const Strings& overrides) {
    const auto run = start(overrides).wait();
    EXPECT_EQ(run.code, 0) << run.all();
    return traces(newest());
  }
};

TEST_F(Same, TheSameSeedTwice) {
  (void)after({});
  expect_undisturbed(newest());
}

TEST_F(Same, LoaderThreadsDoNotMatter) {
  (void)after({"data.workers=0"});
  expect_undisturbed(newest());
}

TEST_F(Same, ManyThreadsRepeatThemselves) {
  // Small, and threads that sleep while they wait: those that spin crawl on a busy machine.
  const auto trained = [] {
    const auto run = bench->hilum(Strings{"run", kQuickstart} + kTiny + Strings{"train.threads=2"},
                                  {.env = {"OMP_WAIT_POLICY=passive"}});
    EXPECT_EQ(run.code, 0) << run.all();
    return traces(newest());
  };
  const auto one = trained(), two = trained();
  EXPECT_TRUE(one.best == two.best);
  EXPECT_TRUE(one.last == two.last);
  EXPECT_EQ(one.metrics, two.metrics);
}

TEST_F(Same, AnotherSeedGivesOtherWeights) {
  const auto other = after({"experiment.seed=8"});
  EXPECT_FALSE(other.last == undisturbed.last);
}

// best.pt has the figures of one epoch of the validation, last.pt those of the last.
class Best : public Same {
 protected:
  static std::vector<double> dice_by_epoch(const std::string& run) {
    std::vector<double> dice;
    for (const auto& row :
         bench->json({"runs", "sql",
                      "select value from metric where run = '" + run +
                          "' and split = 'val' and name = 'mask.dice' order by epoch"}))
      dice.push_back(row.at("value"));
    return dice;
  }
  static double dice_of(const std::string& run, const std::string& checkpoint) {
    return bench->json({"eval", run, "--split", "val", "--checkpoint", checkpoint})
        .at("metrics")
        .at("val.mask.dice");
  }
};

TEST_F(Best, IsTheEpochWithTheHighestDice) {
  const auto run = newest();
  const auto dice = dice_by_epoch(run);
  ASSERT_EQ(dice.size(), 5U);
  EXPECT_EQ(dice_of(run, "best"), *std::max_element(dice.begin(), dice.end()));
  EXPECT_EQ(dice_of(run, "last"), dice.back());
}

TEST_F(Best, IsTheFirstWhereNoneImprovesEnough) {
  (void)after({"+train.min_delta=1"});  // a Dice cannot
  const auto run = newest();
  const auto dice = dice_by_epoch(run);
  ASSERT_NE(dice.front(), dice.back());
  EXPECT_EQ(dice_of(run, "best"), dice.front());
  EXPECT_EQ(dice_of(run, "last"), dice.back());
}

}  // namespace
}  // namespace hilum::testing
