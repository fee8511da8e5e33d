// SPDX-License-Identifier: Apache-2.0
#include "hilum/names.hpp"

#include <gtest/gtest.h>

namespace {

const hilum::Strings kKeys = {"width", "depth", "lr", "weight_decay"};

TEST(Nearest, FindsOneInsertionDeletionSubstitutionOrSwap) {
  for (const auto* word : {"widths", "widt", "widgh", "iwdth", "Width"})
    EXPECT_EQ(hilum::nearest(word, kKeys), "width") << word;
  EXPECT_EQ(hilum::nearest("l", kKeys), "lr");
}

TEST(Nearest, GivesNothingForAnotherWord) {
  EXPECT_EQ(hilum::nearest("optimizer", kKeys), "");
  EXPECT_EQ(hilum::nearest("width", {}), "");
}

TEST(Nearest, LongWordsMayDifferInMoreLetters) {
  EXPECT_EQ(hilum::nearest("wheight_deacy", kKeys), "weight_decay");
}

TEST(Suggestion, NamesTheNearestAndListsFewerThanTen) {
  EXPECT_EQ(hilum::suggestion("widht", kKeys),
            " Did you mean 'width'? Known: depth, lr, weight_decay, width.");
  const hilum::Strings ten(10, "name");
  EXPECT_EQ(hilum::suggestion("xyz", ten), "");
}

TEST(IsName, TakesLettersDigitsUnderscoreAndDash) {
  for (const auto* good : {"seg", "_x", "S1", "res-net_50"})
    EXPECT_TRUE(hilum::is_name(good)) << good;
  for (const auto* bad : {"", "1s", "-x", "a.b", "a b", "a/b"})
    EXPECT_FALSE(hilum::is_name(bad)) << bad;
}

TEST(Join, PutsTheSeparatorBetween) {
  EXPECT_EQ(hilum::join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(hilum::join({}, ", "), "");
}

}  // namespace
