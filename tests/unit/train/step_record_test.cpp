// SPDX-License-Identifier: Apache-2.0
// What a training writes into steps.csv, and whether a checkpoint holds what it says.
#include "core/train/step_record.hpp"

#include <torch/torch.h>

#include "core/runs/queries.hpp"
#include "core/runs/steps/compare_steps.hpp"
#include "core/runs/steps/review_steps.hpp"
#include "core/train/recorded_weights.hpp"
#include "core/train/tensor_digest.hpp"
#include "tests/unit/train/trained.hpp"

namespace hilum::train {
namespace {
namespace fs = std::filesystem;
using runs::StepPart;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = RecordedWeights::State;

std::string digest(const Weights& tensors) { return TensorDigest(tensors).whole(); }

TEST(Digest, IsOfNamesTypesShapesAndBytes) {
  const auto t = torch::arange(24, torch::kFloat).view({2, 3, 4});
  const auto base = digest({{"a", t}});
  EXPECT_EQ(base.size(), 16U);
  EXPECT_EQ(digest({{"a", t.clone().requires_grad_()}}), base);
  auto bit = t.clone();
  bit.data_ptr<float>()[23] = std::nextafter(23.0F, 24.0F);
  EXPECT_NE(digest({{"a", bit}}), base);
  EXPECT_NE(digest({{"b", t}}), base);
  EXPECT_NE(digest({{"a", t.view({3, 2, 4})}}), base);
  EXPECT_NE(digest({{"a", t.view(torch::kInt)}}), base);
  EXPECT_NE(digest({{"a", t}, {"b", t}}), base);
  EXPECT_NE(digest({{"a", torch::zeros({0, 2})}}), digest({{"a", torch::zeros({0, 3})}}));
}

TEST(Digest, ReadsMemoryThatHasGapsOrAnotherOrder) {
  const auto wide = torch::rand({2, 3, 4, 10});
  const auto part = wide.slice(3, 2, 7);
  EXPECT_EQ(digest({{"a", part}}), digest({{"a", part.contiguous()}}));
  wide.select(3, 8).fill_(7);  // beside the part
  EXPECT_EQ(digest({{"a", part}}), digest({{"a", part.contiguous()}}));
  const auto last = part.contiguous(torch::MemoryFormat::ChannelsLast);
  const auto before = digest({{"a", last}});
  last[0][0][0][0] += 1;
  EXPECT_NE(digest({{"a", last}}), before);
}

TEST(Digest, IsTheSameOfWhatACheckpointGivesBack) {
  const kit::Folder folder;
  Checkpoint saved;
  const auto rows = torch::rand({8, 4, 3, 3});
  saved.model = {{"channels_last", rows.contiguous(torch::MemoryFormat::ChannelsLast)},
                 {"count", torch::tensor(3)},
                 {"one", torch::rand({8, 4, 1, 1}).contiguous(torch::MemoryFormat::ChannelsLast)},
                 {"part", rows.slice(1, 1, 3)},
                 {"rows", rows}};
  saved.save(folder.path() / "last.pt");
  EXPECT_EQ(digest(Checkpoint::load(folder.path() / "last.pt").model), digest(saved.model));
}

TEST(Digest, PartsOfManyBytesTakeTurns) {
  // 10 MiB and a little: three parts, with a border within a tensor.
  Weights many{{"a", torch::zeros({1 << 20})},
               {"b", torch::zeros({1 << 20})},
               {"c", torch::zeros({(1 << 19) + 3})}};
  const TensorDigest digest(many);
  const auto turns = [&] { return Strings{digest.turn(0), digest.turn(1), digest.turn(2)}; };
  const auto before = turns();
  EXPECT_TRUE(before[0].starts_with("1/3:"));
  EXPECT_TRUE(before[2].starts_with("3/3:"));
  EXPECT_EQ(digest.turn(3), before[0]);
  EXPECT_EQ(digest.whole().size(), 16U);
  // Each value is in one part.
  for (const auto& [name, place, part] : {std::tuple("a", 0, 0),
                                          {"a", (1 << 20) - 1, 1},
                                          {"b", 1 << 19, 1},
                                          {"b", (1 << 20) - 1, 2},
                                          {"c", (1 << 19) + 2, 2}}) {
    const auto whole = digest.whole();
    many.at(name)[place] += 1;
    const auto now = turns();
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(now[static_cast<size_t>(i)] == before[static_cast<size_t>(i)], i != part)
          << name << " " << place;
    EXPECT_NE(digest.whole(), whole);
    many.at(name)[place] -= 1;
  }
  EXPECT_EQ(TensorDigest({{"a", torch::ones({4})}}).turn(5),
            TensorDigest({{"a", torch::ones({4})}}).whole());
}

class Recorded : public Trained {
 protected:
  static fs::path file(const RunResult& run) { return run.folder / runs::kStepsFile; }
  static runs::Steps steps(const RunResult& run) { return runs::read_steps(file(run)); }
  static State weights(const RunResult& run, const char* name = "last.pt") {
    return check_weights(run.folder / name, steps(run)).state;
  }
  // The record holds, and the store's losses follow from it.
  void expect_whole(const RunResult& run) const {
    const auto curve = runs::Reader(store_folder()).curves(run.id, {"train.loss"}).at(0);
    EXPECT_THAT(runs::review_steps(steps(run), curve).problems, IsEmpty());
  }
};

TEST_F(Recorded, EachBatchHasItsLine) {
  const auto run = train({});
  const auto lines = steps(run).lines;
  const auto checkpoint = last(run);
  ASSERT_EQ(std::ssize(lines), checkpoint.step);
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].step, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(lines[i].attempt, 1);
    EXPECT_NE(lines[i].weights, "");
    EXPECT_NE(lines[i].weights, lines[(i + 1) % lines.size()].weights);
    EXPECT_NE(lines[i].values, lines[(i + 1) % lines.size()].values);
  }
  EXPECT_EQ(lines.back().epoch, 2);
  EXPECT_EQ(lines.back().weights, digest(checkpoint.model));
  expect_whole(run);
}

TEST_F(Recorded, SeveralBatchesMakeAStep) {
  const auto run = train({"train.batch=4", "+train.accumulate=2"});
  const auto lines = steps(run).lines;
  for (size_t i = 0; i < lines.size(); ++i) {
    const int64_t before = i == 0 ? 0 : lines[i - 1].step;
    EXPECT_EQ(lines[i].weights.empty(), lines[i].step == before) << i;
  }
  EXPECT_EQ(lines.back().step, last(run).step);
  EXPECT_GT(std::ssize(lines), lines.back().step);
  expect_whole(run);
  EXPECT_EQ(weights(run), State::recorded);
}

TEST_F(Recorded, TheOptionChangesWhatIsRecordedAndNoResult) {
  const auto all = train({"train.epochs=3"});
  const auto few = train({"train.epochs=3", "+train.digests=epoch"});
  const auto none = train({"train.epochs=3", "+train.digests=off"});
  EXPECT_FALSE(fs::exists(file(none)));
  EXPECT_EQ(difference(last(none).model, last(all).model), 0);
  EXPECT_EQ(none.metrics.at("test.loss"), all.metrics.at("test.loss"));
  const auto lines = steps(few).lines;
  const int64_t batches = std::ssize(lines) / 3;
  for (const auto& line : lines) EXPECT_EQ(line.weights.empty(), line.batch < batches);
  const auto compared = runs::compare_steps(steps(all), steps(few));
  EXPECT_TRUE(compared.equal());
  EXPECT_EQ(compared.weights, 3U);
  EXPECT_EQ(weights(few), State::recorded);
}

TEST_F(Recorded, WhatWasChangedShowsWhereItFirstMatters) {
  const auto first = steps(train({}));
  const auto part = [&](const std::string& change) {
    const auto difference = runs::compare_steps(first, steps(train({change}))).difference;
    EXPECT_TRUE(difference) << change;
    EXPECT_EQ(difference->step, 1) << change;
    return difference->part;
  };
  EXPECT_EQ(part("experiment.seed=1"), StepPart::cases);
  EXPECT_EQ(part("+data.augment.shift=0.1"), StepPart::values);
  EXPECT_EQ(part("+head.mask.weight=2.0"), StepPart::loss);
  EXPECT_EQ(part("train.lr=0.25"), StepPart::weights);
  EXPECT_TRUE(runs::compare_steps(first, steps(train({"data.workers=2"}))).equal());
}

TEST_F(Recorded, WeightsOtherThanThoseOfTheStepAreFound) {
  const auto run = train({"data.val=0.3"});
  EXPECT_EQ(weights(run), State::recorded);
  EXPECT_EQ(weights(run, "best.pt"), State::recorded);
  auto checkpoint = last(run);
  const auto save = [&] {
    checkpoint.save(run.folder / "last.pt");
    return check_weights(run.folder / "last.pt", steps(run));
  };
  EXPECT_EQ(save().state, State::recorded);
  checkpoint.model.begin()->second.view({-1})[0] += 1e-6;
  EXPECT_EQ(save().state, State::wrong);
  EXPECT_THAT(save().text, HasSubstr("last.pt does NOT hold the weights that training left"));
  checkpoint = Checkpoint::load(run.folder / "best.pt");
  checkpoint.step = 1000;
  EXPECT_EQ(save().state, State::wrong);
  EXPECT_THAT(save().text, HasSubstr("is of step 1000, which steps.csv does not have"));
  EXPECT_EQ(weights(run, "none.pt"), State::wrong);
  const auto few = train({"+train.digests=epoch"});
  checkpoint = last(few), checkpoint.step = 1;
  checkpoint.save(few.folder / "last.pt");
  EXPECT_EQ(weights(few), State::unrecorded);
}

}  // namespace
}  // namespace hilum::train
