// SPDX-License-Identifier: Apache-2.0
// What was changed, left out or made otherwise is found in a record; two records are compared in
// the order of cause and effect.
#include "core/runs/steps/review_steps.hpp"

#include <cmath>

#include "core/runs/steps/compare_steps.hpp"
#include "steps_fixture.hpp"

namespace hilum::runs {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The store's metric of these lines' epochs, as the training logs it.
Curve losses_of(const Lines& lines) {
  Curve curve{.name = "train.loss", .steps = {}, .epochs = {}, .values = {}};
  double sum = 0;
  for (const auto& l : lines) {
    sum += l.loss;
    if (l.batch < kBatches) continue;
    curve.steps.push_back(l.step), curve.epochs.push_back(l.epoch);
    curve.values.push_back(sum / static_cast<double>(kBatches)), sum = 0;
  }
  return curve;
}

StepsReview review(const Lines& lines, const Curve& losses = {}) {
  return review_steps(steps_of(lines), losses);
}

TEST(Review, AWholeRecordHolds) {
  const auto r = review(epochs(3), losses_of(epochs(3)));
  EXPECT_THAT(r.problems, IsEmpty());
  EXPECT_EQ(r.steps, 12);
  EXPECT_EQ(r.epochs, 3);
  EXPECT_EQ(r.attempts, 1);
  EXPECT_EQ(r.again, 0);
  EXPECT_THAT(r.resumed, IsEmpty());
  EXPECT_THAT(review(epochs(3), losses_of(epochs(2))).problems, IsEmpty()) << "killed in the third";
}

TEST(Review, StepsThatWereMadeTwiceAreCounted) {
  const auto r = review(resumed(), losses_of(epochs(3)));
  EXPECT_THAT(r.problems, IsEmpty());
  EXPECT_EQ(r.steps, 12);
  EXPECT_EQ(r.again, 2);
  EXPECT_TRUE(r.again_equal);
  EXPECT_THAT(r.resumed, ElementsAre(8));
  // Killed before the first checkpoint, then interrupted at one.
  Lines lines{line(1, 1), line(1, 1, 2), line(1, 2, 2), line(1, 3, 3)};
  EXPECT_THAT(review(lines).problems, IsEmpty());
  EXPECT_THAT(review(lines).resumed, ElementsAre(0, 2));
  EXPECT_EQ(review(lines).again, 1);
}

TEST(Review, AStepThatWasMadeOtherwiseTheSecondTimeIsFound) {
  auto lines = resumed();
  lines[10].weights = digest_of("other");
  auto r = review(lines);
  EXPECT_FALSE(r.again_equal);
  EXPECT_THAT(r.problems,
              ElementsAre(AllOf(HasSubstr("steps.csv:12: step 9 (epoch 3, batch 1) was made again "
                                          "and differs from steps.csv:10"),
                                HasSubstr("the weights after it; cases, images and loss are"))));
  lines[11].loss = 7;
  EXPECT_THAT(review(lines).problems,
              ElementsAre(HasSubstr("step 9"), HasSubstr("In all, 2 batches")));
  lines = resumed();
  lines[10].weights = "";  // of another train.digests: nothing to compare
  EXPECT_TRUE(review(lines).again_equal);
}

TEST(Review, ABatchThatIsMissingIsFound) {
  const auto without = [](Lines lines, size_t i) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
    return lines;
  };
  EXPECT_THAT(review(without(epochs(3), 5)).problems,
              AllOf(testing::Contains(HasSubstr("steps.csv:7: epoch 2, batch 3 does not follow")),
                    testing::Contains(HasSubstr("the batch before it is not"))));
  EXPECT_THAT(review(without(epochs(3), 0)).problems,
              testing::Contains(HasSubstr("steps.csv:2: epoch 1, batch 2 is there, the batch")));
  EXPECT_THAT(review(without(epochs(3), 7)).problems,
              testing::Contains(HasSubstr("epoch 2 has 3 batches, the epochs before 4")));
  EXPECT_THAT(review(without(epochs(3), 11), losses_of(epochs(3))).problems,
              ElementsAre("The store has the end of epoch 3 at step 12; steps.csv ends it at 11."));
  EXPECT_THAT(review(epochs(2), losses_of(epochs(3))).problems,
              ElementsAre(HasSubstr("the end of epoch 3 at step 12; steps.csv ends it at 0")));
}

TEST(Review, AttemptsAndStepsAreCountedWithoutGaps) {
  auto lines = epochs(1);
  lines[3].attempt = 3;
  EXPECT_THAT(review(lines).problems, ElementsAre(HasSubstr("attempt 3 follows attempt 1")));
  lines = epochs(1);
  lines[3].step = 6;
  EXPECT_THAT(review(lines).problems, ElementsAre(HasSubstr("step 6 follows step 3")));
  EXPECT_THAT(review(epochs(1, 2)).problems, ElementsAre(HasSubstr("attempt 2 follows attempt 0")));
}

TEST(Review, TheLossesGiveTheStoresMeanToTheLastBit) {
  auto losses = losses_of(epochs(3));
  losses.values[1] = std::nextafter(losses.values[1], 1.0);
  EXPECT_THAT(review(epochs(3), losses).problems,
              ElementsAre(HasSubstr("The losses of epoch 2 have the mean")));
}

// Two batches make a step, as with train.accumulate = 2.
TEST(Review, AStepOfSeveralBatchesIsCountedOnce) {
  auto lines = resumed();
  for (auto& l : lines) {
    l.step = ((l.epoch - 1) * kBatches + l.batch) / 2;
    if (l.batch % 2) l.weights = "";
  }
  EXPECT_EQ(review(lines).again, 1) << "two batches of one step";
  lines.erase(lines.begin() + 9);  // killed in the middle of a step
  const auto r = review(lines);
  EXPECT_THAT(r.problems, IsEmpty());
  EXPECT_EQ(r.steps, 6);
  EXPECT_EQ(r.again, 1);
  EXPECT_THAT(r.resumed, ElementsAre(4));
  const auto steps = steps_of(lines);
  EXPECT_EQ(to_text(compare_steps(steps, steps)),
            "The runs are the same in all 6 steps: the same cases, images, losses and weights, bit "
            "for bit.");
  auto other = lines;
  other[1].loss = 2;
  EXPECT_THAT(to_text(compare_steps(steps, steps_of(other))),
              HasSubstr("first in step 1 (epoch 1, batch 2)"));
  other = lines;
  other[2].loss = 2;
  EXPECT_THAT(to_text(compare_steps(steps, steps_of(other))),
              HasSubstr("first in step 2 (epoch 1, batch 3)"));
}

std::string compared(const Lines& a, const Lines& b) {
  return to_text(compare_steps(steps_of(a), steps_of(b)));
}

TEST(Compare, EqualRunsAreEqualHoweverOftenTheyWereResumed) {
  EXPECT_EQ(compared(epochs(3), resumed()),
            "The runs are the same in all 12 steps: the same cases, images, losses and weights, "
            "bit for bit.");
  EXPECT_TRUE(compare_steps(steps_of(epochs(3)), steps_of(resumed())).equal());
}

TEST(Compare, WhatWasMadeLastCounts) {
  auto lines = resumed();
  lines[8].loss = 7;  // of the attempt that was killed
  EXPECT_TRUE(compare_steps(steps_of(epochs(3)), steps_of(lines)).equal());
  lines[10].loss = 7;
  EXPECT_FALSE(compare_steps(steps_of(epochs(3)), steps_of(lines)).equal());
}

TEST(Compare, TheFirstDifferenceIsToldByKind) {
  const auto changed = [](auto change) {
    auto lines = epochs(3);
    change(lines[5]);
    lines[6].cases = digest_of("later");
    return compared(epochs(3), lines);
  };
  const std::string place = "They differ first in step 6 (epoch 2, batch 2): ";
  EXPECT_EQ(changed([](auto& l) { l.cases = l.values = l.weights, l.loss = 3; }),
            place + "the cases, or their order.");
  EXPECT_EQ(changed([](auto& l) { l.values = l.weights, l.loss = 3; }),
            place + "the images or targets; the cases are the same.");
  EXPECT_EQ(changed([](auto& l) { l.loss = 0.53125, l.weights = l.cases; }),
            place + "the loss: 0.125 against 0.53125; cases and images are the same.");
  EXPECT_EQ(changed([](auto& l) { l.weights = l.cases; }),
            place + "the weights after it; cases, images and loss are the same.");
  EXPECT_EQ(changed([](auto& l) { l.step = 5; }),
            place + "the steps done after this batch: 6 against 5.");
  auto longer = epochs(1);
  longer.push_back(line(1, 5));
  EXPECT_THAT(compared(epochs(2), longer),
              HasSubstr("step 5 (epoch 2, batch 1): the length of an epoch: there it is epoch 1, "
                        "batch 5."));
}

TEST(Compare, WeightsAreComparedWhereBothHaveThem) {
  auto lines = epochs(3);
  for (auto& l : lines)
    if (l.batch < kBatches) l.weights = "";
  EXPECT_EQ(
      compared(epochs(3), lines),
      "The runs are the same in all 12 steps: the same cases, images and losses, and the same "
      "weights after the 3 of them where both recorded them, bit for bit.");
  for (auto& l : lines) l.weights = "";
  EXPECT_THAT(compared(epochs(3), lines), HasSubstr("(no weights that both recorded)"));
  for (auto& l : lines) l.weights = "1/3:" + digest_of("a part");
  EXPECT_THAT(compared(epochs(3), lines), HasSubstr("(no weights that both recorded)"));
  auto other = lines;
  other[4].weights = "1/3:" + digest_of("another part");
  EXPECT_THAT(compared(lines, other), HasSubstr("step 5 (epoch 2, batch 1): the weights after it"));
}

TEST(Compare, ARunThatIsLongerDiffers) {
  EXPECT_EQ(compared(epochs(3), epochs(2)),
            "The runs are the same in 8 steps: the same cases, images, losses and weights, bit for "
            "bit. The second run ends there, the other goes on to step 12.");
  EXPECT_FALSE(compare_steps(steps_of(epochs(3)), steps_of(epochs(2))).equal());
}

}  // namespace
}  // namespace hilum::runs
