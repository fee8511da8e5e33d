// SPDX-License-Identifier: Apache-2.0
#include "core/util/fit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/util/text.hpp"

namespace hilum::util {
namespace {

using Rows = std::vector<std::vector<std::string>>;

size_t widest(const std::string& text) {
  size_t most = 0, line = 0;
  for (const char c : text) {
    if (c == '\n')
      most = std::max(most, line), line = 0;
    else
      line += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }
  return most;
}

const Rows kRows{
    {"id", "name", "started", "dice", "tags"},
    {"01KAN3V0", std::string(40, 'n'), "2026-11-22 01:13", "0.812345678901234567", "a"},
    {"01KAN3V1", "short", "", "", std::string(30, 't')}};

TEST(Fit, CutsTheWidestTexts) {
  for (const size_t width : {80u, 75u, 72u}) {
    const std::string text = table(fit(kRows, width, {"id"}));
    EXPECT_LE(widest(text), width);
    EXPECT_GE(widest(text), width - 2) << "no more than is needed";
    for (const char* whole : {"01KAN3V0", "2026-11-22 01:13", "0.812345678901234567", "short"})
      EXPECT_THAT(text, testing::HasSubstr(whole));
    EXPECT_THAT(text, testing::HasSubstr("nnn…"));
  }
}

TEST(Fit, LeavesWhatFits) {
  EXPECT_EQ(fit(kRows, 200), kRows);
  EXPECT_EQ(fit(kRows, 0), kRows) << "no terminal";
  EXPECT_EQ(fit({}, 80), Rows());
  EXPECT_EQ(fit({{}}, 80), Rows{{}});
}

TEST(Fit, TooNarrowIsCutToEightAtMost) {
  const auto rows = fit(kRows, 10, {"id"});
  EXPECT_EQ(rows[1][1], "nnnnnnn…");
  EXPECT_EQ(rows[1][0], "01KAN3V0");
  EXPECT_EQ(rows[2][1], "short");
}

TEST(Fit, NeverCutsWithinACharacter) {
  const auto rows = fit({{"word"}, {"äöüßäöüßäöüß"}, {"x"}}, 8);
  EXPECT_EQ(rows[1][0], "äöüßäöü…");
}

TEST(Fit, MakesOneLineOfSeveral) {
  EXPECT_EQ(fit({{"note"}, {"a\nb\tc"}}, 80)[1][0], "a b c");
  EXPECT_EQ(fit({{"note"}, {"one two three four"}}, 8)[1][0], "one two…");
  EXPECT_EQ(fit({{"note"}, {"one     two"}}, 8)[1][0], "one…") << "no blanks before the ellipsis";
}

TEST(Fit, AHeadingIsCutWithItsColumn) {
  const auto rows = fit({{"a very long heading of texts"}, {"text"}}, 12);
  EXPECT_EQ(rows[0][0], "a very long…");
}

}  // namespace
}  // namespace hilum::util
