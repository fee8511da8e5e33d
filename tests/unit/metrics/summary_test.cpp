// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

CaseScores a_case(const std::string& patient, const std::string& nodule, double dice, double hd,
                  Empty empty = Empty::none, std::optional<int64_t> slice = {}) {
  CaseScores c{patient, nodule, slice, {}};
  c.scores.dice = dice, c.scores.hd = hd, c.scores.empty = empty;
  return c;
}

double value(const Scores& scores, const std::string& name) {
  const double* found = scores.find(name);
  EXPECT_NE(found, nullptr) << name << " is not defined";
  return found ? *found : -1;
}

// Patient A has three nodules, of which one is missed; B has one.
std::vector<CaseScores> nodules() {
  return {a_case("A", "1", 0.9, 2), a_case("A", "2", 0.7, 4),
          a_case("A", "3", 0.0, 50, Empty::pred), a_case("B", "1", 0.6, 8)};
}

TEST(Summary, MeansOverNodulesAndPatients) {
  const auto s = summarize(nodules());
  EXPECT_DOUBLE_EQ(value(s, "dice"), 2.2 / 4);
  EXPECT_DOUBLE_EQ(value(s, "patient_dice"), (1.6 / 3 + 0.6) / 2);
  EXPECT_DOUBLE_EQ(value(s, "median_dice"), 0.65);
  EXPECT_NEAR(value(s, "sd_dice"), 0.38729833462074170, 1e-15);
  EXPECT_DOUBLE_EQ(value(s, "hd"), 16);
  EXPECT_EQ(value(s, "cases"), 4);
  EXPECT_EQ(value(s, "patients"), 2);
}

TEST(Summary, AMissedNoduleCountsAndTheMeanWithoutStandsBeside) {
  const auto s = summarize(nodules());
  EXPECT_DOUBLE_EQ(value(s, "nonempty_dice"), 2.2 / 3);
  EXPECT_DOUBLE_EQ(value(s, "nonempty_patient_dice"), (0.8 + 0.6) / 2);
  EXPECT_DOUBLE_EQ(value(s, "nonempty_hd"), 14.0 / 3);
  EXPECT_EQ(value(s, "empty_pred"), 1);
  EXPECT_EQ(value(s, "empty_truth"), 0);
  EXPECT_EQ(value(s, "empty_both"), 0);
}

TEST(Summary, SlicesAreApartFromNodules) {
  auto cases = nodules();
  cases.push_back(a_case("A", "1", 0.8, 1, Empty::none, 4));
  cases.push_back(a_case("A", "1", 1.0, 0, Empty::both, 0));
  cases.push_back(a_case("A", "1", 0.0, 9, Empty::truth, 5));
  const auto s = summarize(cases);
  EXPECT_DOUBLE_EQ(value(s, "dice"), 2.2 / 4) << "slices got into the nodules' mean";
  EXPECT_DOUBLE_EQ(value(s, "slice_dice"), 1.8 / 3);
  EXPECT_DOUBLE_EQ(value(s, "nonempty_slice_dice"), 0.8);
  EXPECT_EQ(value(s, "slices"), 3);
  EXPECT_EQ(value(s, "slice_empty_both"), 1);
  EXPECT_EQ(value(s, "slice_empty_truth"), 1);
  EXPECT_EQ(value(s, "empty_both"), 0);
  EXPECT_EQ(value(s, "cases"), 4);
}

TEST(Summary, AllSevenMetricsHaveEveryKindOfFigure) {
  auto cases = nodules();
  cases.push_back(a_case("A", "1", 0.8, 1, Empty::none, 4));
  const auto s = summarize(cases);
  for (const auto& [metric, unused] : named({}))
    for (const char* prefix : {"", "median_", "sd_", "patient_", "nonempty_", "nonempty_patient_",
                               "slice_", "nonempty_slice_"})
      EXPECT_NE(s.find(prefix + std::string(metric)), nullptr) << prefix << metric;
}

TEST(Summary, WhatIsNotDefinedIsLeftOutAndNamed) {
  const auto one = summarize(std::vector{a_case("A", "1", 0, 50, Empty::pred)});
  EXPECT_EQ(value(one, "dice"), 0);
  EXPECT_EQ(one.find("sd_dice"), nullptr);
  EXPECT_EQ(one.find("nonempty_dice"), nullptr);
  EXPECT_EQ(one.find("slice_dice"), nullptr);
  EXPECT_THAT(one.undefined, Contains("nonempty_dice: a mask of every nodule is empty"));

  const auto none = summarize({});
  EXPECT_EQ(value(none, "cases"), 0);
  EXPECT_THAT(none.undefined, Contains("dice: no nodule was compared"));
  for (const auto& [name, v] : none.values) EXPECT_TRUE(std::isfinite(v)) << name;
}

TEST(Summary, ANaNIsAnErrorThatNamesTheCase) {
  const auto cases =
      std::vector{a_case("A", "1", 0.5, 1), a_case("B", "7", NAN, 1, Empty::none, 3)};
  try {
    summarize(cases);
    FAIL() << "a NaN got into a mean";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("dice of patient 'B', nodule '7', slice 3 is 'nan'"));
  }
}

}  // namespace
}  // namespace hilum::metrics
