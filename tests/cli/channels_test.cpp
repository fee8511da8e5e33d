// SPDX-License-Identifier: Apache-2.0
// A network on several channels, and what is kept of them.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

using Channels = Program;
const std::string kChannels = R"(+data.channels=["ct", "otsu", "slic", "ct-1"])";

TEST_F(Channels, TrainAUNetWhoseDataWaitIsLogged) {
  const auto run = hilum(Strings{"run", kQuickstart, kChannels} + kTiny);
  ASSERT_EQ(run.code, 0) << run.all();
  EXPECT_THAT(run.all(), HasSubstr("  data-wait "));
  EXPECT_EQ(sql("select count(*) as n from metric where split = 'train' and name = 'data_wait' and "
                "value between 0 and 1"),
            "n\n2\n");
  EXPECT_THAT(hilum({"data", "cache"}).out, HasSubstr("0 images")) << "phantoms leave nothing";
}

TEST_F(Channels, OfARoiSetAreKeptUntilCleared) {
  ASSERT_EQ(hilum({"data", "phantom", "--out", "set", "--count", "12", "--patients", "6", "--size",
                   "4", "32", "32"})
                .code,
            0);
  const Strings work =
      Strings{"run", kQuickstart, kChannels, "data.source=" + (root / "set").string()} + kTiny;
  const auto first = hilum(work);
  ASSERT_EQ(first.code, 0) << first.all();
  EXPECT_THAT(hilum({"data", "cache"}).out, HasSubstr("24 images of channels"));
  ASSERT_EQ(hilum(work).code, 0);
  EXPECT_EQ(sql("select count(distinct value) as n from final_metric where split = 'test' and name "
                "= 'mask.dice'"),
            "n\n1\n")
      << "a kept channel is not the one that was computed";
  EXPECT_THAT(hilum({"data", "cache", "--clear"}).out, HasSubstr("removed 24 images"));
  EXPECT_THAT(hilum({"data", "cache"}).out, HasSubstr("0 images"));
}

TEST_F(Channels, AWrongNameIsSaidBeforeAnyDataIsRead) {
  const auto run = hilum({"run", kQuickstart, R"(+data.channels=["ct", "otzu"])", "--dry-run"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("'otzu', which is no channel. Did you mean 'otsu'?"));
  EXPECT_THAT(run.err, HasSubstr("command line: +data.channels"));
}

}  // namespace
}  // namespace hilum::testing
