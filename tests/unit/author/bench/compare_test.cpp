// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/compare.hpp"

#include "core/author/bench/print.hpp"
#include "fixture.hpp"

namespace hilum::bench {
namespace {
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

runs::Recording with(std::vector<double> samples) {
  auto r = some_recording();
  r.timings = {timing("32x32/forward", std::move(samples))};
  return r;
}

Verdict verdict(const runs::Recording& then, const runs::Recording& now, Judging how = {}) {
  return compare(then, now, how).changes.at(0).verdict;
}

TEST(Compare, ARecordingIsTheSameAsItself) {
  const auto comparison = compare(some_recording(), some_recording(), {});
  ASSERT_EQ(comparison.changes.size(), 2u);
  for (const auto& c : comparison.changes) {
    EXPECT_EQ(c.verdict, Verdict::same);
    EXPECT_EQ(c.ratio, 1);
    EXPECT_LE(c.interval.low, 1);
    EXPECT_GE(c.interval.high, 1);
  }
  EXPECT_THAT(comparison.notes, IsEmpty());
  EXPECT_FALSE(comparison.slower());
}

TEST(Compare, ThreeTimesTheTimeIsSlowerAndTheOtherWayFaster) {
  const auto then = some_recording(), now = some_recording("gated", 3);
  const auto up = compare(then, now, {}), down = compare(now, then, {});
  EXPECT_TRUE(up.slower());
  EXPECT_FALSE(down.slower());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(up.changes[i].verdict, Verdict::slower);
    EXPECT_EQ(down.changes[i].verdict, Verdict::faster);
    EXPECT_NEAR(up.changes[i].ratio, 3, 1e-9);
    EXPECT_NEAR(up.changes[i].ratio * down.changes[i].ratio, 1, 1e-9);
    EXPECT_GT(up.changes[i].interval.low, 2.9);
    EXPECT_LT(up.changes[i].interval.high, 3.1);
  }
}

// 3 % beyond doubt: the interval excludes 1, and it is within the band all the same.
TEST(Compare, ASureButSmallChangeIsNoise) {
  const auto then = with(steady()), now = with(steady(1.03));
  const auto c = compare(then, now, {}).changes.at(0);
  EXPECT_GT(c.interval.low, 1);
  EXPECT_EQ(c.verdict, Verdict::same);
  EXPECT_EQ(verdict(then, now, {.noise = 0.02}), Verdict::slower);
  EXPECT_EQ(verdict(now, then, {.noise = 0.02}), Verdict::faster);
  EXPECT_EQ(verdict(now, then, {}), Verdict::same);
}

// A third more by the medians, from samples that go from 1 to 3 in both.
TEST(Compare, AnUnsureLargeChangeIsNoise) {
  const auto then = with({1, 2.8, 1.2, 3, 1.4, 1.5, 2.9, 1.1, 1.3});
  const auto now = with({1.9, 1, 3, 1.1, 2.5, 2, 1.2, 2.9, 1.8});
  const auto c = compare(then, now, {}).changes.at(0);
  EXPECT_GT(c.ratio, 1.2);
  EXPECT_LT(c.interval.low, 1);
  EXPECT_EQ(c.verdict, Verdict::same);
}

TEST(Compare, TheSameSamplesGiveTheSameInterval) {
  const auto then = with(steady()), now = with(steady(1.2));
  const auto a = compare(then, now, {}).changes.at(0), b = compare(then, now, {}).changes.at(0);
  EXPECT_EQ(a.interval.low, b.interval.low);
  EXPECT_EQ(a.interval.high, b.interval.high);
  EXPECT_LT(a.interval.low, a.interval.high);
}

TEST(Compare, AnotherMachineGetsNotesAndNoVerdict) {
  const auto then = some_recording();
  auto now = some_recording("gated", 3);
  now.host = "node2", now.device = "cuda: Some GPU", now.threads = 4, now.torch = "2.12.0";
  const auto comparison = compare(then, now, {});
  EXPECT_THAT(
      comparison.notes,
      ElementsAre("the host was node1, is node2", "the device was cpu: Some CPU, is cuda: Some GPU",
                  "threads was 2, is 4", "LibTorch was 2.11.0, is 2.12.0"));
  EXPECT_EQ(comparison.changes[0].verdict, Verdict::none);
  EXPECT_FALSE(comparison.slower());
  EXPECT_TRUE(compare(then, now, {.anyway = true}).slower());
}

TEST(Compare, OtherOptionsAreNotedCaseByCase) {
  const auto then = some_recording();
  auto now = some_recording("gated", 3);
  now.timings[0].options =
      R"({"inputs":{"a":[10,64,32,32],"b":[10,64,32,32]},"options":{"width":8}})";
  now.timings[1].options =  // the same in another order
      R"({"options":{},"inputs":{"b":[10,64,32,32],"a":[10,64,32,32]}})";
  const auto comparison = compare(then, now, {});
  EXPECT_EQ(comparison.changes[0].verdict, Verdict::none);
  EXPECT_EQ(comparison.changes[1].verdict, Verdict::slower);
  EXPECT_THAT(comparison.notes, ElementsAre(HasSubstr("32x32/forward was {")));
  EXPECT_EQ(compare(then, now, {.anyway = true}).changes[0].verdict, Verdict::slower);
}

TEST(Compare, TwoSamplesDecideNothing) {
  const auto comparison = compare(with({1, 1}), with({3, 3}), {.anyway = true});
  EXPECT_EQ(comparison.changes[0].verdict, Verdict::none);
  EXPECT_THAT(comparison.notes, ElementsAre(HasSubstr("has 2 samples")));
}

TEST(Compare, CasesThatOnlyOneHas) {
  auto then = some_recording(), now = some_recording();
  then.timings.push_back(timing("old/forward", steady()));
  now.timings.push_back(timing("new/forward", steady()));
  const auto comparison = compare(then, now, {});
  EXPECT_EQ(comparison.changes.size(), 2u);
  EXPECT_THAT(comparison.notes, ElementsAre("only then: 'old'", "only now: 'new'"));
  now.timings = {now.timings.back()};
  const auto what = message_of([&] { compare(then, now, {}); });
  EXPECT_THAT(what, HasSubstr("then it was '32x32', 'old', now it is 'new'"));
}

TEST(Print, SaysMillisecondsQuartilesAndSamplesASecond) {
  const auto text = print(some_recording());
  for (const char* words :
       {"fusion/gated 1.0, library aaaaaaaaaaaa\n", "cpu: Some CPU, 2 threads, LibTorch 2.11.0, 12",
        "\n32x32       1.002  [1.001, 1.003]  ", "3.007"})
    EXPECT_THAT(text, HasSubstr(words));
  EXPECT_THAT(text, HasSubstr("9978"));  // 10 samples in 1.0022 ms
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4) << text;
}

TEST(Print, SaysTheVerdictOfEachCase) {
  const auto then = some_recording();
  const auto text = print(compare(then, some_recording("gated", 3), {}), then, "@last");
  for (const char* words : {"compared with @last: fusion/gated 1.0, library aaaaaaaaaaaa",
                            "32x32/forward", "3.000", "slower"})
    EXPECT_THAT(text, HasSubstr(words));
  EXPECT_THAT(print(compare(then, then, {}), then, "x"), HasSubstr("the same within noise"));
}

}  // namespace
}  // namespace hilum::bench
