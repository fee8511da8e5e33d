// SPDX-License-Identifier: Apache-2.0
#include "core/runs/print/plot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace hilum::runs {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

TEST(Plot, ALineFallsFromCornerToCorner) {
  const auto text = lines(plots({{"train.loss", {1, 2, 3}, {1, 2, 3}, {1.0, 0.75, 0.5}}}, 40));
  ASSERT_EQ(text.size(), 13u);  // a blank line, a legend, nine rows, an axis, its labels
  EXPECT_EQ(text[1], "loss   • train 0.5");
  EXPECT_THAT(text[2], testing::StartsWith("       1 ┤•"));
  EXPECT_THAT(text[10], testing::StartsWith("     0.5 ┤  "));
  EXPECT_THAT(text[10], testing::EndsWith("•"));
  EXPECT_THAT(text[12], HasSubstr("1                           3  epoch"));
  size_t points = 0;
  for (const auto& line : text)
    for (size_t at = line.find("•"); at != std::string::npos; at = line.find("•", at + 1)) ++points;
  EXPECT_EQ(points, 29u + 1u) << "one a column, and the legend's";
}

TEST(Plot, SplitsOfAMetricShareAPlotAndGapsStayGaps) {
  const auto text = plots({{"train.loss", {1, 2}, {1, 2}, {1, 0.5}},
                           {"val.loss", {1, 2, 3}, {1, 2, 3}, {0.9, NAN, 0.7}},
                           {"val.mask.dice", {1}, {1}, {NAN}},
                           {"train.mask.dice", {1}, {1}, {0.4}}},
                          200);
  EXPECT_THAT(text, HasSubstr("loss   • train 0.5   + val 0.7"));
  EXPECT_THAT(text, HasSubstr("mask.dice   + val nan\n  no finite value"));
  EXPECT_THAT(text, HasSubstr("train.mask.dice   • train 0.4")) << "a term of the loss";
  size_t points = 0;
  for (const char c : text) points += c == '+';
  EXPECT_EQ(points, 2u + 2u) << "nothing is drawn across what is not there";
}

TEST(Plot, OneValueLiesInTheMiddle) {
  const auto text = lines(plots({{"val.x", {5}, {5}, {0.25}}}, 10));
  EXPECT_THAT(text[6], HasSubstr("┤"));
  EXPECT_THAT(text[6], HasSubstr("+"));
}

}  // namespace
}  // namespace hilum::runs
