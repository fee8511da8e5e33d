// SPDX-License-Identifier: Apache-2.0
// Graphs that cannot be: each error names both sides, and where it was written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "sample.hpp"

namespace hilum::model {
namespace {
using kit::assemble;
using kit::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(WiringErrors, AnInputThatTheDataLacks) {
  const Error error = error_of([] { assemble(kPair); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), HasSubstr("the input 'other', which the data does not have"));
}

TEST(WiringErrors, AFusionThatNoHeadReads) {
  const Error error = error_of(
      [] { assemble(kHourglass + fusion("f", "test_add", R"(connect = [["h.E1", "b.S1"]])")); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("exp.toml:"), HasSubstr("fusion 'f': no head reads 'b.S1'")));
}

TEST(WiringErrors, OnlyForAConsumerThatIsNotThere) {
  const auto only = [](const std::string& consumer) {
    return std::string(
        error_of([&] {
          assemble(kHourglass +
                   fusion("f", "test_add",
                          "connect = [[\"b.S1\", \"h.E1\"]]\nonly = [\"" + consumer + "\"]"));
        }).what());
  };
  EXPECT_THAT(only("h.E22"), AllOf(HasSubstr("fusion 'f': 'only'"), HasSubstr("no stage 'E22'"),
                                   HasSubstr("h.E2")));
  EXPECT_THAT(only("head.mas"),
              AllOf(HasSubstr("no 'head.mas'"), HasSubstr("Did you mean 'head.mask'?")));
}

TEST(WiringErrors, ACycleIsPrintedAsALoop) {
  const Error error = error_of([] {
    assemble(kTwo + fusion("f", "test_mix", R"(connect = [["b.S3", "a.S2"], ["a.S3", "b.S2"]])"));
  });
  EXPECT_EQ(error.fault, Fault::request);
  const std::string text = error.what();
  EXPECT_THAT(text, AllOf(HasSubstr("exp.toml:"), HasSubstr("cycle: ")));
  // From an operation round to itself, along what each reads, in the direction of the data.
  for (const auto* step : {"a.S3 -> fusion.f.b.S2", "fusion.f.b.S2 -> b.S3",
                           "b.S3 -> fusion.f.a.S2", "fusion.f.a.S2 -> a.S3"})
    EXPECT_THAT(text, HasSubstr(step));
}

TEST(WiringErrors, UnknownStagesAndBackbonesNameTheNearest) {
  const auto with_head = [](const std::string& on) {
    return error_of(
        [&] { assemble(kTwo + "[head.third]\nplugin = \"test_mask\"\non = \"" + on + "\"\n"); });
  };
  const Error stage = with_head("a.S33");
  EXPECT_EQ(stage.fault, Fault::request);
  EXPECT_THAT(stage.what(),
              AllOf(HasSubstr("exp.toml:1"), HasSubstr("has no stage 'S33'"), HasSubstr("'a.S3'")));
  EXPECT_THAT(with_head("aa.S3").what(),
              AllOf(HasSubstr("exp.toml:"), HasSubstr("'aa'"), HasSubstr("'a'")));
  EXPECT_THAT(error_of([] {
                assemble(kTwo + fusion("f", "test_add", R"(connect = [["a.S9", "b.S1"]])"));
              }).what(),
              AllOf(HasSubstr("fusion 'f'"), HasSubstr("no stage 'S9'")));
}

TEST(WiringErrors, AHeadNamedAsABackbone) {
  EXPECT_THAT(
      error_of([] { assemble(kTwo + "[head.a]\nplugin = \"test_mask\"\non = \"a.S1\"\n"); }).what(),
      AllOf(HasSubstr("head 'a'"), HasSubstr("a backbone has this name too")));
}

TEST(WiringErrors, SizesThatDisagreeNameBothSidesAndShapes) {
  const Error error = error_of(
      [] { assemble(kTwo + fusion("f", "test_concat", R"(connect = [["a.S1", "b.S2"]])")); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("exp.toml:14:"), HasSubstr("fusion 'f'"),
                    HasSubstr("'b.S2' is [1,8,8,8]"), HasSubstr("'a.S1' is [1,4,16,16]")));
}

TEST(WiringErrors, ChannelsThatDisagreeNameBothSidesAndShapes) {
  auto text = kTwo + fusion("f", "test_add", R"(connect = [["a.S1", "b.S1"]])");
  text.insert(text.find("[backbone.b]"), "width = 6\n");
  const Error error = error_of([&] { assemble(text); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("exp.toml:15:"), HasSubstr("fusion 'f'"),
                                  HasSubstr("b.S1 [1,4,16,16]"), HasSubstr("a.S1 [1,6,16,16]"),
                                  HasSubstr("equal channels")));
}

TEST(WiringErrors, AnImageTooSmallNamesTheStage) {
  const Error error = error_of([] {
    assemble(
        "[data]\nroi = [1, 1]\n[backbone.a]\nplugin = \"test_plain\"\n"
        "[head.mask]\nplugin = \"test_mask\"\non = \"a.S2\"\n");
  });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("exp.toml:3:"), HasSubstr("a.S2 reads a.S1 [1,1,1,1]")));
}
}  // namespace
}  // namespace hilum::model
