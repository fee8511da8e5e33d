// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/classification.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Values = std::vector<double>;

double value(const Scores& scores, const std::string& name) {
  const double* found = scores.find(name);
  EXPECT_NE(found, nullptr) << name << " is not defined";
  return found ? *found : -1;
}

TEST(Binary, CountsByHand) {
  // class 1: called, called, missed; class 0: right, wrong
  const auto s = binary(Values{0.9, 0.6, 0.5, 0.1, 0.7}, Values{1, 1, 1, 0, 0});
  EXPECT_DOUBLE_EQ(value(s, "accuracy"), 3.0 / 5);
  EXPECT_DOUBLE_EQ(value(s, "sensitivity"), 2.0 / 3) << "0.5 is not above the threshold";
  EXPECT_DOUBLE_EQ(value(s, "specificity"), 1.0 / 2);
  EXPECT_DOUBLE_EQ(value(s, "balanced_accuracy"), (2.0 / 3 + 1.0 / 2) / 2);
  EXPECT_DOUBLE_EQ(value(s, "auc"), 4.0 / 6);
  EXPECT_EQ(value(s, "cases"), 5);
  EXPECT_EQ(value(s, "positives"), 3);
  EXPECT_THAT(s.undefined, IsEmpty());
}

TEST(Binary, AucEqualsTheShareOfOrderedPairsWithTiesAsHalves) {
  std::mt19937 random(5);
  std::uniform_int_distribution<int> level(0, 6), coin(0, 1);
  for (int repeat = 0; repeat < 50; ++repeat) {
    Values score, truth{0, 1};
    for (int i = 0; i < 40; ++i) truth.push_back(coin(random));
    for (size_t i = 0; i < truth.size(); ++i) score.push_back(level(random) / 6.0);
    double won = 0, pairs = 0;
    for (size_t i = 0; i < truth.size(); ++i)
      for (size_t j = 0; j < truth.size(); ++j)
        if (truth[i] == 1 && truth[j] == 0)
          ++pairs, won += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
    EXPECT_NEAR(auc(score, truth), won / pairs, 1e-12);
  }
}

TEST(Binary, ConstantScoresHaveAucOneHalf) {
  EXPECT_DOUBLE_EQ(auc(Values{0.3, 0.3, 0.3}, Values{0, 1, 0}), 0.5);
}

TEST(Binary, OneClassLeavesOutWhatItDoesNotDefine) {
  const auto s = binary(Values{0.9, 0.2}, Values{1, 1});
  EXPECT_DOUBLE_EQ(value(s, "accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(value(s, "sensitivity"), 0.5);
  for (const char* name : {"auc", "specificity", "balanced_accuracy"}) {
    EXPECT_EQ(s.find(name), nullptr) << name;
    EXPECT_THAT(s.undefined, Contains(std::string(name) + ": no case of class 0"));
  }
  EXPECT_THAT(binary(Values{0.2}, Values{0}).undefined,
              Contains("sensitivity: no case of class 1"));
}

TEST(Binary, UnknownTruthsAreCountedAndNothingElse) {
  const auto s = binary(Values{0.9, 0.2, 0.8}, Values{1, NAN, 0});
  EXPECT_EQ(value(s, "cases"), 2);
  EXPECT_EQ(value(s, "unknown"), 1);
  EXPECT_DOUBLE_EQ(value(s, "accuracy"), 0.5);
}

TEST(Binary, WithoutKnownCasesNothingIsDefined) {
  for (const auto& s : {binary({}, {}), binary(Values{0.5}, Values{NAN})}) {
    EXPECT_EQ(s.undefined.size(), 5U);
    EXPECT_EQ(value(s, "cases"), 0);
    for (const auto& [name, v] : s.values) EXPECT_TRUE(std::isfinite(v)) << name;
  }
}

template <class Call>
void expect_error(const Call& call, Fault fault, const std::string& part) {
  try {
    call();
    FAIL() << "accepted; expected: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(e.fault, fault);
    EXPECT_THAT(e.what(), HasSubstr(part));
  }
}

TEST(Binary, RefusesWhatIsNoNumberOrNoClass) {
  expect_error(
      [] {
        binary(Values{0.5, NAN}, Values{1, 0});
      },
      Fault::work, "prediction 1 of 2 is 'nan'");
  expect_error([] { binary(Values{0.5}, Values{3}); }, Fault::data,
               "a binary truth is 3, allowed 0, 1");
  expect_error(
      [] {
        binary(Values{0.5}, Values{1, 0});
      },
      Fault::work, "1 predictions for 2 truths");
  expect_error([] { regression(Values{1}, Values{INFINITY}); }, Fault::data, "truth 0 is 'inf'");
}

TEST(Ordinal, RoundsLevelsAndDoesNotWrapAround) {
  // 4.5 rounds to 4 (even), 1.6 to 2; level 1 predicted as 5 is four off, not one
  const auto s = ordinal(Values{4, 2, 5, 3}, Values{4.5, 1.6, 1, 2});
  EXPECT_DOUBLE_EQ(value(s, "accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(value(s, "within_one"), 0.75);
  EXPECT_DOUBLE_EQ(value(s, "mae"), 5.0 / 4);
  EXPECT_THAT(ordinal({}, {}).undefined, Contains(StartsWith("within_one: ")));
}

TEST(Regression, CountsByHand) {
  const auto s = regression(Values{1, 2, 4}, Values{2, 2, 2.5});
  EXPECT_DOUBLE_EQ(value(s, "mae"), 2.5 / 3);
  EXPECT_DOUBLE_EQ(value(s, "rmse"), std::sqrt((1 + 2.25) / 3));
  EXPECT_NEAR(value(s, "pearson"), 0.944911182523068, 1e-12);
  EXPECT_DOUBLE_EQ(value(regression(Values{3, 1}, Values{1, 2}), "pearson"), -1);
}

TEST(Regression, PearsonNeedsTwoCasesThatDiffer) {
  EXPECT_THAT(regression(Values{1}, Values{1}).undefined,
              Contains("pearson: fewer than two cases"));
  EXPECT_THAT(regression(Values{0.1, 0.1, 0.1}, Values{1, 2, 3}).undefined,
              Contains("pearson: the predictions are all equal"));
  EXPECT_THAT(regression(Values{1, 2}, Values{0.7, 0.7}).undefined,
              Contains("pearson: the truths are all equal"));
}

}  // namespace
}  // namespace hilum::metrics
