// SPDX-License-Identifier: Apache-2.0
// Who reads what: backbones side by side, versions of a feature and heads on heads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "sample.hpp"

namespace hilum::model {
namespace {
using kit::assemble;
using kit::error_of;
using kit::op;
using kit::reads;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

size_t position(const Model& model, const std::string& name) {
  return static_cast<size_t>(&op(model, name) - model.ops().data());
}

TEST(Wiring, BackbonesSideBySideDoNotTouchEachOther) {
  const auto both = assemble(kTwo);
  auto alone = assemble(kData + R"(
[backbone.a]
plugin = "test_pyramid"
[head.mask]
plugin = "test_mask"
on = "a.S3"
)");
  const Named inputs{{"image", torch::rand({2, 1, 16, 16})}};
  const auto outputs = both->forward(inputs);
  EXPECT_EQ(outputs.size(), 2u);
  EXPECT_TRUE(
      outputs.at("mask").at("logits").equal(alone->forward(inputs).at("mask").at("logits")));
  EXPECT_FALSE(outputs.at("mask").at("logits").equal(outputs.at("other").at("logits")));
}

TEST(Wiring, OperationsStandAfterWhatTheyRead) {
  // b gives to a and a gives to b: neither backbone can run as a whole before the other.
  const auto m =
      assemble(kTwo + fusion("f", "test_add", R"(connect = [["b.S1", "a.S1"], ["a.S2", "b.S2"]])"));
  for (size_t i = 0; i < m->ops().size(); ++i)
    for (const auto& read : m->ops()[i].op.reads) EXPECT_LT(static_cast<size_t>(read.op), i);
  EXPECT_LT(position(*m.model, "b.S1"), position(*m.model, "fusion.f.a.S1"));
  EXPECT_LT(position(*m.model, "fusion.f.b.S2"), position(*m.model, "b.S3"));
}

TEST(Wiring, AFeatureIsLetGoByItsLastReaderOnly) {
  const auto m = assemble(kHourglass);
  std::map<int, int> last_reads;
  std::map<int, size_t> last_reader;
  for (size_t i = 0; i < m->ops().size(); ++i)
    for (const auto& read : m->ops()[i].op.reads) {
      if (m->ops()[static_cast<size_t>(read.op)].op.kind == Op::Kind::input) {
        EXPECT_FALSE(read.last);  // it is the caller's
        continue;
      }
      last_reader[read.op] = i;
      if (read.last) ++last_reads[read.op];
      EXPECT_EQ(last_reads[read.op], read.last ? 1 : 0) << "read again after it was let go";
    }
  for (const auto& [source, reader] : last_reader) EXPECT_EQ(last_reads[source], 1);
}

TEST(Wiring, AFusionSeesWhatEarlierEntriesLeft) {
  const auto m =
      assemble(kTwo + fusion("f", "test_add", R"(connect = [["b.S2", "a.S2"]])") +
               fusion("g", "test_add", R"(connect = [["b.S1", "a.S1"], ["b.S2", "a.S2"]])") +
               fusion("h", "test_add", R"(connect = [["a.S2", "b.S2"]])"));
  EXPECT_THAT(reads(*m.model, "fusion.f.a.S2"), ElementsAre("a.S2", "b.S2"));
  EXPECT_THAT(reads(*m.model, "fusion.g.a.S2"), ElementsAre("fusion.f.a.S2", "b.S2"));
  EXPECT_THAT(reads(*m.model, "fusion.h.b.S2"), ElementsAre("b.S2", "fusion.g.a.S2"));
  EXPECT_THAT(reads(*m.model, "a.S3"), ElementsAre("fusion.g.a.S2"));
  EXPECT_THAT(reads(*m.model, "b.S3"), ElementsAre("fusion.h.b.S2"));
}

TEST(Wiring, ASecondConnectionToAFeatureReadsTheFirst) {
  const auto m =
      assemble(kTwo + fusion("f", "test_mix", R"(connect = [["b.S2", "a.S2"], ["b.S1", "a.S2"]])"));
  EXPECT_THAT(reads(*m.model, "fusion.f.a.S2_2"), ElementsAre("fusion.f.a.S2", "b.S1"));
  EXPECT_THAT(reads(*m.model, "a.S3"), ElementsAre("fusion.f.a.S2_2"));
}

TEST(Wiring, BetweenReadsWhatWasThereBefore) {
  const auto m = assemble(kTwo + fusion("f", "test_add", R"(between = [["a.S2", "b.S2"]])"));
  EXPECT_THAT(reads(*m.model, "fusion.f.a.S2"), ElementsAre("a.S2", "b.S2"));
  EXPECT_THAT(reads(*m.model, "fusion.f.b.S2"), ElementsAre("b.S2", "a.S2"));
  EXPECT_THAT(reads(*m.model, "a.S3"), ElementsAre("fusion.f.a.S2"));
  EXPECT_THAT(reads(*m.model, "b.S3"), ElementsAre("fusion.f.b.S2"));
}

TEST(Wiring, EveryConsumerSeesTheLastVersion) {
  const auto m = assemble(kHourglass + R"(
[head.early]
plugin = "test_mask"
on = "h.E1"
)" + fusion("f", "test_add", R"(connect = [["b.S1", "h.E1"]])"));
  EXPECT_THAT(reads(*m.model, "h.E2"), ElementsAre("fusion.f.h.E1"));
  EXPECT_THAT(reads(*m.model, "h.D1"), ElementsAre("fusion.f.h.E1", "h.D2"));  // the skip
  EXPECT_THAT(reads(*m.model, "head.early"), ElementsAre("fusion.f.h.E1"));
}

TEST(Wiring, OnlyTheNamedConsumersSeeAFusion) {
  const auto m = assemble(kHourglass + R"(
[head.early]
plugin = "test_mask"
on = "h.E1"
)" + fusion("f", "test_add", R"(connect = [["b.S1", "h.E1"]]
only = ["h.E2", "head.early"])"));
  EXPECT_THAT(reads(*m.model, "h.E2"), ElementsAre("fusion.f.h.E1"));
  EXPECT_THAT(reads(*m.model, "head.early"), ElementsAre("fusion.f.h.E1"));
  EXPECT_THAT(reads(*m.model, "h.D1"), ElementsAre("h.E1", "h.D2"));  // the raw skip
}

TEST(Wiring, AConcatenationWidensTheNextStageAndTheSkip) {
  const auto plain = assemble(kHourglass);
  const auto wide =
      assemble(kHourglass + fusion("f", "test_concat", R"(connect = [["b.S1", "h.E1"]])"));
  EXPECT_EQ(op(*wide.model, "fusion.f.h.E1").shape, (Shape{1, 8, 16, 16}));
  EXPECT_EQ(kit::tensor(*plain.model, "h.E2.conv.weight").size(1), 4);
  EXPECT_EQ(kit::tensor(*wide.model, "h.E2.conv.weight").size(1), 8);
  EXPECT_EQ(kit::tensor(*plain.model, "h.D1.conv.weight").size(1), 4 + 8);
  EXPECT_EQ(kit::tensor(*wide.model, "h.D1.conv.weight").size(1), 8 + 8);
  EXPECT_EQ(wide->forward({{"image", torch::rand({3, 1, 16, 16})}}).at("mask").at("logits").sizes(),
            (std::vector<int64_t>{3, 1, 16, 16}));
}

const std::string kChain = kTwo + R"(
[head.nodule]
plugin = "test_nodule"
on = ["a.S1", "b.S3"]
[head.second]
plugin = "test_reader"
on = ["nodule.hidden", "a.S2"]
)";

TEST(Wiring, AHeadReadsFeaturesAndOtherHeads) {
  const auto m = assemble(kChain);
  EXPECT_THAT(reads(*m.model, "head.nodule"), ElementsAre("a.S1", "b.S3"));
  EXPECT_THAT(reads(*m.model, "head.second"), ElementsAre("head.nodule", "a.S2"));
  EXPECT_EQ(kit::tensor(*m.model, "head.nodule.in.weight").size(1), 4 + 16);
  EXPECT_EQ(kit::tensor(*m.model, "head.second.in.weight").size(1), 3 + 8);
  const auto outputs = m->forward({{"image", torch::rand({2, 1, 16, 16})}});
  outputs.at("second").at("logits").sum().backward();
  EXPECT_TRUE(kit::tensor(*m.model, "head.nodule.in.weight").grad().defined());
}

TEST(Wiring, AnUnknownOutputOfAHeadNamesTheNearest) {
  auto text = kChain;
  text.replace(text.find("nodule.hidden"), 13, "nodule.hiden ");
  text.erase(text.find("hiden ") + 5, 1);
  EXPECT_THAT(error_of([&] { assemble(text); }).what(),
              AllOf(HasSubstr("no output 'hiden'"), HasSubstr("Did you mean 'hidden'?")));
}

TEST(Wiring, StagesThatNobodyReadsAreNotBuilt) {
  const auto m = assemble(kData + R"(
[backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
[head.mask]
plugin = "test_mask"
on = "a.S2"
)");
  EXPECT_THAT(m->unread(), ElementsAre("a.S3", "b.S1", "b.S2", "b.S3"));
  for (const auto& item : m->named_parameters())
    EXPECT_FALSE(item.key().starts_with("b.")) << item.key();
}

TEST(Wiring, InputsComeFromAnotherBackbone) {
  const auto m = assemble(kData + R"(
[backbone.a]
plugin = "test_pyramid"
[backbone.b]
plugin = "test_pyramid"
inputs = { image = "a.S2" }
[head.mask]
plugin = "test_mask"
on = "b.S2"
)");
  EXPECT_THAT(reads(*m.model, "b.S1"), ElementsAre("a.S2"));
  EXPECT_EQ(op(*m.model, "b.S2").shape, (Shape{1, 8, 4, 4}));
}

TEST(Wiring, ABackboneReadsTwoImagesOfTheSample) {
  auto m = assemble(kPair, {{"image", {1, 1, 16, 16}}, {"other", {1, 2, 16, 16}}});
  EXPECT_EQ(kit::tensor(*m.model, "p.S1.conv.weight").size(1), 3);
  const Named one{{"image", torch::rand({1, 1, 16, 16})}};
  EXPECT_THAT(error_of([&] { m->forward(one); }).what(), HasSubstr("reads the input 'other'"));
  const std::string mapped =
      kPair +
      "[backbone.q]\nplugin = \"test_pyramid\"\ninputs = { image = \"input.other\" }\n"
      "[head.m2]\nplugin = \"test_mask\"\non = \"q.S1\"\n";
  auto both = assemble(mapped, {{"image", {1, 1, 16, 16}}, {"other", {1, 2, 16, 16}}});
  EXPECT_THAT(reads(*both.model, "q.S1"), ElementsAre("input.other"));
}

TEST(Wiring, AHeadReadsTheImageItself) {
  const auto m = assemble(kData + R"(
[backbone.a]
plugin = "test_pyramid"
[head.mask]
plugin = "test_reader"
on = ["a.S3", "input.image"]
)");
  EXPECT_THAT(reads(*m.model, "head.mask"), ElementsAre("a.S3", "input.image"));
}

TEST(Wiring, AStrideIsTheLastStageBeforeSizesGrow) {
  for (const auto& [address, stage] :
       {std::pair{"h/1", "h.E1"}, {"h/2", "h.E2"}, {"h/4", "h.E3"}}) {
    auto text = kHourglass;
    text.replace(text.find("h.D1"), 4, address);
    EXPECT_THAT(reads(*assemble(text).model, "head.mask"), ElementsAre(stage));
  }
  auto text = kHourglass;
  text.replace(text.find("h.D1"), 4, "h/8");
  EXPECT_THAT(error_of([&] { assemble(text); }).what(),
              AllOf(HasSubstr("exp.toml:"), HasSubstr("no stage at 1/8"), HasSubstr("E2/2 E3/4")));
}
}  // namespace
}  // namespace hilum::model
