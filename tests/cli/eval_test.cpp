// SPDX-License-Identifier: Apache-2.0
// hilum eval of several runs and of flips: runs of their own, made once, and nothing that was seen
// in training.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

class Eval : public Program {
 protected:
  // Two networks that differ in their seed, tested on fold 0; a third one on fold 1.
  void SetUp() override {
    a_ = run({"experiment.seed=1", "--tag", "mine"});
    b_ = run({"experiment.seed=2"});
    other_ = run({"--fold", "1"});
  }
  std::string run(const Strings& more) {
    const auto done = json(Strings{"run", kQuickstart} + kLearns + more);
    return done.at("id");
  }
  std::string a_, b_, other_;
};

TEST_F(Eval, OfSeveralRunsAndOfFlipsIsARunOfItsOwn) {
  const auto both = json({"eval", a_, b_});
  EXPECT_NE(both.at("id"), a_);
  EXPECT_EQ(both.at("runs").size(), 2u);
  EXPECT_FALSE(both.at("repeated").get<bool>());
  const double dice = both.at("metrics").at("test.mask.dice");
  EXPECT_GE(dice, 0);
  EXPECT_LE(dice, 1);
  const auto flips = json({"eval", a_, "--flips"});
  EXPECT_TRUE(flips.at("flips").get<bool>());
  EXPECT_EQ(sql("select r.name from run r join tag t on t.run = r.id where t.tag = 'evaluation' "
                "order by 1"),
            "name\nquickstart-ensemble\nquickstart-flips\n");
  EXPECT_EQ(sql("select run from tag where tag = 'mine'"), "run\n" + a_ + "\n");
  EXPECT_NE(flips.at("metrics").at("test.mask.dice"),
            json({"runs", "show", a_}).at("metrics").at("test.mask.dice"))
      << "mirror images change something";
  const auto again = json({"eval", a_, b_});
  EXPECT_EQ(again.at("id"), both.at("id"));
  EXPECT_TRUE(again.at("repeated").get<bool>()) << "found in the store";
}

TEST_F(Eval, RefusesRegionsThatAMemberWasTrainedOn) {
  const auto refused = hilum({"eval", a_, other_});
  EXPECT_EQ(refused.code, 3) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr(other_));
  EXPECT_THAT(hilum({"eval", "no-such-run"}).err, HasSubstr("no-such-run"));
}

}  // namespace
}  // namespace hilum::testing
