// SPDX-License-Identifier: Apache-2.0
// hilum runs compare and diff: what differs, and no winner inside the noise.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Compare : public Program {
 protected:
  // Three seeds of one network that trains for a moment, and one that does not learn at all.
  void SetUp() override {
    for (const char* seed : {"1", "2", "3"})
      seeds_.push_back(run({std::string("experiment.seed=") + seed}));
    idle_ = run({"experiment.name=idle", "experiment.seed=1", "train.lr=1e-9"});
  }
  std::string run(const Strings& more) {
    return json(Strings{"run", kQuickstart} + kLearns + more).at("id");
  }
  Strings seeds_;
  std::string idle_;
};

TEST_F(Compare, SaysWhatDiffersAndWhatIsNoise) {
  const auto seeds = json({"runs", "compare", seeds_[0], seeds_[1], "--metric", "mask.dice"});
  EXPECT_EQ(seeds.at("options").size(), 1u) << seeds.at("options").dump();
  EXPECT_EQ(seeds.at("options").at("experiment.seed"), nlohmann::json({"1", "2"}));
  EXPECT_TRUE(seeds.at("plugins").empty());
  ASSERT_EQ(seeds.at("verdicts").size(), 1u);
  EXPECT_EQ(seeds.at("verdicts")[0].at("verdict"), "noise") << seeds.at("verdicts").dump();

  const auto worse = json({"runs", "compare", seeds_[0], idle_, "--metric", "mask.dice"});
  EXPECT_EQ(worse.at("options").at("train.lr").size(), 2u);
  EXPECT_EQ(worse.at("verdicts")[0].at("verdict"), "worse") << worse.at("verdicts").dump();
  EXPECT_THAT(worse.at("verdicts")[0].at("text").get<std::string>(),
              HasSubstr("seeds alone make up to"));
  EXPECT_LT(worse.at("metrics")[1].at("difference").get<double>(), 0);

  const auto text = hilum({"runs", "compare", seeds_[0], idle_}).out;
  for (const char* words : {"Options that differ", "train.lr", "mask.dice", "Answer", "is worse"})
    EXPECT_THAT(text, HasSubstr(words));
  const auto diff = hilum({"runs", "diff", seeds_[0], idle_}).out;
  EXPECT_THAT(diff, HasSubstr("train.lr"));
  EXPECT_THAT(diff, Not(HasSubstr("Answer")));
}

TEST_F(Compare, RefusesWhatItCannotCompare) {
  const auto refused = [&](const Strings& words, const std::string& said) {
    const auto outcome = hilum(Strings{"runs", "compare"} + words);
    EXPECT_EQ(outcome.code, 2) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(said));
  };
  refused({idle_}, "two runs or more");
  refused({idle_, idle_}, "named twice");
  refused({idle_, "no-such-run"}, "no-such-run");
  refused({idle_, seeds_[0], "--metric", "mask.dise"}, "Did you mean 'mask.dice'?");
}

}  // namespace
}  // namespace hilum::testing
