// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace {
using hilum::Strings;
using namespace hilum::config;
using namespace hilum::testing;
using ::testing::HasSubstr;

std::vector<Explanation> explain_sample(const std::string& prefix, const Strings& overrides = {}) {
  const Folder folder;
  return explain(Document::load(folder.write("exp.toml", kSample), overrides), fake_lookup, prefix);
}

TEST(Explain, SaysValueTypeLimitsUnitHelpAndWhoSetIt) {
  const auto lines = explain_sample("head.mask.regularizer.half_size");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].key, "head.mask.regularizer.half_size");
  EXPECT_EQ(lines[0].value, "4");
  EXPECT_EQ(lines[0].type, "integer");
  EXPECT_EQ(lines[0].allowed, "[1, 64]");
  EXPECT_EQ(lines[0].unit, "voxels");
  EXPECT_EQ(lines[0].help, "half the kernel");
  EXPECT_EQ(lines[0].set_by, "default");
}

TEST(Explain, SetByIsTheFileOrTheCommandLine) {
  EXPECT_EQ(explain_sample("train.epochs")[0].set_by, "exp.toml:52:1");
  EXPECT_EQ(explain_sample("data.augment.flip")[0].set_by, "exp.toml:16:1");
  EXPECT_EQ(explain_sample("train.epochs", {"train.epochs=3"})[0].set_by,
            "command line: train.epochs=3");
}

TEST(Explain, APrefixGivesItsTableAndNoneGivesAll) {
  const auto augment = explain_sample("data.augment");
  EXPECT_EQ(augment.size(), 4u);
  for (const auto& line : augment) EXPECT_TRUE(line.key.starts_with("data.augment.")) << line.key;
  EXPECT_GT(explain_sample("").size(), 80u);
  for (const auto& line : explain_sample("")) EXPECT_NE(line.help, "") << line.key;
}

TEST(Explain, AnUnknownPrefixNamesTheNearestKey) {
  const auto message = [](const std::string& prefix) -> std::string {
    try {
      explain_sample(prefix);
      return "";
    } catch (const hilum::Error& error) {
      return error.what();
    }
  };
  EXPECT_THAT(message("train.lrr"), HasSubstr("Did you mean 'train.lr'?"));
  EXPECT_THAT(message("tran"), HasSubstr("Did you mean 'train'?"));
  EXPECT_THAT(message("momentum"), HasSubstr("Did you mean 'train.momentum'?"));
}

}  // namespace
