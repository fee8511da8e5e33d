// SPDX-License-Identifier: Apache-2.0
// The same seed gives the same bytes; what must not matter does not, what must does.
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

TEST_F(Same, TheBestEpochOfTheValidationIsKept) {
  // Weights grow by -1.2 a step: validation is best after the first epoch and never again.
  (void)after({"train.optimizer=sgd", "train.lr=22", "+train.weight_decay=0.1", "+train.momentum=0",
               "train.schedule=constant", "+train.monitor=val.loss", "+train.precision=float32",
               "train.epochs=3"});
  const auto run = newest();
  const auto losses = bench->json({"runs", "sql",
                                   "select value from metric where run = '" + run +
                                       "' and split = 'val' and name = 'loss' order by epoch"});
  ASSERT_EQ(losses.size(), 3U);
  EXPECT_LT(losses[0].at("value"), losses[1].at("value"));
  EXPECT_LT(losses[0].at("value"), losses[2].at("value"));
  const auto loss = [&](const std::string& checkpoint) {
    return bench->json({"eval", run, "--split", "val", "--checkpoint", checkpoint})
        .at("metrics")
        .at("val.loss");
  };
  EXPECT_EQ(loss("best"), losses[0].at("value"));
  EXPECT_EQ(loss("last"), losses[2].at("value"));
}

}  // namespace
}  // namespace hilum::testing
