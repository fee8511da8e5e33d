// SPDX-License-Identifier: Apache-2.0
// Whole trainings of a second on phantoms: accumulated gradients, the averaged weights, what is
// logged and what the test leaves.
#include <torch/torch.h>

#include "core/data/image.hpp"
#include "core/model/weight_file.hpp"
#include "core/model/weights.hpp"
#include "core/runs/queries.hpp"
#include "core/runs/steps/steps.hpp"
#include "core/train/average.hpp"
#include "core/train/mask_folder.hpp"
#include "core/train/optimizer.hpp"
#include "core/train/sums.hpp"
#include "core/util/files.hpp"
#include "tests/unit/train/trained.hpp"

namespace hilum::train {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(Trained, TwoBatchesOfFourAreOneOfEight) {
  const auto eight = last(train({}));
  const auto fours = last(train({"train.batch=4", "+train.accumulate=2"}));
  EXPECT_GT(eight.step, 4);
  EXPECT_EQ(fours.step, eight.step) << "the optimizer's steps are counted";
  EXPECT_LT(difference(fours.model, eight.model), 1e-6);
  const auto alone = last(train({"train.batch=4"}));
  EXPECT_EQ(alone.step, 2 * eight.step);
  EXPECT_GT(difference(alone.model, eight.model), 1e-4);
}

TEST_F(Trained, AGroupThatIsNotFullIsTheMeanOfItsOwnBatches) {
  const auto batches = last(train({})).step / 2;  // an epoch's
  ASSERT_NE(batches % 3, 0);
  EXPECT_EQ(last(train({"+train.accumulate=3"})).step, 2 * (batches / 3 + 1));
  const auto whole = last(train({"train.batch=" + std::to_string(8 * batches)}));
  const auto parts = last(train({"+train.accumulate=1000"}));
  EXPECT_EQ(parts.step, 2);
  EXPECT_LT(difference(parts.model, whole.model), 1e-6);
}

TEST_F(Trained, TheNormIsClippedOnceForTheStep) {
  const auto eight = last(train({"+train.clip=0.01"}));
  const auto fours = last(train({"train.batch=4", "+train.accumulate=2", "+train.clip=0.01"}));
  EXPECT_LT(difference(fours.model, eight.model), 1e-6);
  EXPECT_GT(difference(last(train({})).model, eight.model), 1e-4) << "nothing was clipped";
}

TEST_F(Trained, LossesThatAreReadLateAreTheSame) {
  const Strings more{"train.batch=4", "+train.accumulate=2", "+train.clip=0.1", "data.val=0.3"};
  const auto at_once = train(more), late = train(more, Trained::late);
  EXPECT_EQ(difference(last(late).model, last(at_once).model), 0);
  EXPECT_EQ(last(late).numbers, last(at_once).numbers);
  EXPECT_EQ(util::read_file(late.folder / runs::kStepsFile),
            util::read_file(at_once.folder / runs::kStepsFile));
  for (const auto* name : {"train.loss", "val.loss", "test.loss"})
    EXPECT_EQ(late.metrics.at(name), at_once.metrics.at(name)) << name;
}

TEST_F(Trained, ALossThatIsNoNumberIsRefusedNowOrLater) {
  const auto text = [&](const Strings& overrides, bool later) -> std::string {
    try {
      train(overrides, [&](hilum::train::Setup& setup) {
        setup.compute.late = later;
        setup.model->parameters()[0].data().fill_(NAN);
      });
    } catch (const Error& error) {
      return error.what();
    }
    return "not refused";
  };
  for (const Strings& study : {Strings{}, Strings{"train.batch=2", "+train.accumulate=2"}}) {
    const std::string at_once = text(study, false);
    EXPECT_THAT(at_once, ::testing::HasSubstr("epoch 1, step 1: the loss is"));
    EXPECT_EQ(text(study, true), at_once) << "the step, the terms and the cases";
  }
}

TEST_F(Trained, TheScheduleCountsSteps) {
  const Strings cosine{"+train.schedule=cosine", "+train.warmup=1"};
  auto accumulated = cosine;
  accumulated.insert(accumulated.end(), {"train.batch=4", "+train.accumulate=2"});
  EXPECT_LT(difference(last(train(accumulated)).model, last(train(cosine)).model), 1e-6);
}

TEST_F(Trained, TheMeanOfAnEpochIsOverItsBatches) {
  const auto eight = train({"train.epochs=1", "train.lr=0"});
  const auto fours =
      train({"train.epochs=1", "train.lr=0", "train.batch=4", "+train.accumulate=2"});
  for (const auto* name : {"train.loss", "train.lr"})
    EXPECT_NEAR(fours.metrics.at(name), eight.metrics.at(name), 1e-6) << name;
}

TEST_F(Trained, TheAverageIsValidatedTestedAndHandedOn) {
  // With batch norms, whose statistics are buffers.
  const std::string pyramid = "backbone.a.plugin=test_pyramid";
  const auto run = train({pyramid, "data.val=0.3", "+train.ema=0.9"});
  const auto plain = train({pyramid, "data.val=0.3"});
  const auto kept = last(run), best = Checkpoint::load(run.folder / "best.pt");
  EXPECT_EQ(difference(kept.model, last(plain).model), 0) << "the average changed the training";
  EXPECT_GT(difference(kept.average, kept.model), 1e-4);
  EXPECT_EQ(kept.average.size(), kept.model.size());
  for (const auto& [name, t] : kept.model)
    if (name.find("running_") != std::string::npos) {
      EXPECT_TRUE(t.equal(kept.average.at(name))) << name;
    }
  EXPECT_EQ(difference(kept.weights(), kept.average), 0);
  EXPECT_TRUE(best.average.empty());
  EXPECT_EQ(difference(best.weights(), best.model), 0);
  EXPECT_NE(run.metrics.at("val.loss"), plain.metrics.at("val.loss"));
  EXPECT_NE(run.metrics.at("test.loss"), plain.metrics.at("test.loss"));
  EXPECT_EQ(difference(model::read_weight_file(run.folder / "last.pt"), kept.average), 0);
  // Without a validation the test takes the last average: as a run gives that goes on from it.
  const auto untested = train({"+train.ema=0.9"});
  EXPECT_FALSE(fs::exists(untested.folder / "best.pt"));
  const auto from = train({"+train.init=" + (untested.folder / "last.pt").string(), "train.lr=0"});
  EXPECT_EQ(from.metrics.at("test.loss"), untested.metrics.at("test.loss"));
}

TEST_F(Trained, TheTestLeavesEachRegionsMask) {
  const auto run = train({"head.mask.plugin=test_threshold", "~head.mask.regularizer"});
  const auto folder = run.folder / "predictions" / "test";
  auto setup = prepare(config::Document::load(run.folder / "config.toml", {}));
  const auto data = load_data(setup.experiment, *setup.model);
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++files;
  EXPECT_EQ(files, data.split.test.size());
  ASSERT_GT(files, 0U);
  double nodule = 0;
  for (const auto i : data.split.test) {
    const auto& region = data.set.regions[i];
    const auto mask = data::read_image(folder / (region.id + ".mask.nii.gz"));
    EXPECT_EQ(data::difference(mask.geometry, region.geometry), "");
    for (const float v : mask.voxels) {
      EXPECT_TRUE(v == 0 || v == 1);
      nodule += v;
    }
  }
  EXPECT_GT(nodule, 0);
  EXPECT_FALSE(fs::exists(run.folder / "predictions" / "test.part"));
  EXPECT_THAT(
      runs::Reader(store_folder()).show(run.id).artifacts,
      ::testing::Contains(std::pair<std::string, std::string>("predictions", "predictions/test")));
}

data::Region region_of(const std::string& id) {
  data::Region region;
  region.id = id, region.geometry.size = {1, 2, 2}, region.geometry.spacing = {2.5, 0.7, 0.6};
  return region;
}

TEST(MaskFolder, IsThereOnceItIsWhole) {
  const kit::Folder folder;
  const auto test = folder.path() / "predictions" / "test";
  const auto names = [&] {
    Strings found;
    if (fs::exists(test))
      for (const auto& entry : fs::directory_iterator(test))
        found.push_back(entry.path().filename().string());
    return found;
  };
  {
    MaskFolder masks(test);
    masks.add(region_of("a"), "mask", {0.2F, 0.5F, 0.6F, 1}, 0.5);
    masks.add(region_of("b"), "x.y", {0, 0, 0, 0}, 0.5);
    EXPECT_THAT(names(), ElementsAre()) << "half of it is there";
    EXPECT_TRUE(masks.keep());
  }
  EXPECT_THAT(names(), UnorderedElementsAre("a.mask.nii.gz", "b.x.y.nii.gz"));
  EXPECT_THAT(data::read_image(test / "a.mask.nii.gz").voxels, ElementsAre(0, 0, 1, 1));
  {
    MaskFolder masks(test);
    EXPECT_THAT(names(), ElementsAre()) << "an earlier test's masks beside this one's";
    masks.add(region_of("c"), "mask", {0, 0, 0, 0}, 0.5);
  }
  EXPECT_TRUE(fs::is_empty(test.parent_path())) << "what was not kept is left";
  EXPECT_FALSE(MaskFolder(test).keep()) << "nothing was added";
}

TEST(Average, FollowsTheParameters) {
  auto m = kit::assemble(kStudy);
  const std::string name = "head.mask.conv.weight";
  const Tensor weight = kit::tensor(*m.model, name);
  Average average(*m.model, 0.5);
  const Tensor w0 = weight.detach().clone(), w1 = w0 + 1, w2 = w0 - 3;
  const auto set = [&](const Tensor& to) {
    const torch::NoGradGuard no_grad;
    weight.copy_(to);
  };
  set(w1), average.update(0);  // 1/10 in place of 0.5
  Tensor expected = 0.1 * w0 + 0.9 * w1;
  EXPECT_TRUE(torch::allclose(average.state().at(name), expected, 1e-6, 1e-6));
  set(w2), average.update(1000);
  expected = 0.5 * expected + 0.5 * w2;
  EXPECT_TRUE(torch::allclose(average.state().at(name), expected, 1e-6, 1e-6));
  {
    const Average::InUse in_use(&average);
    EXPECT_TRUE(torch::allclose(kit::tensor(*m.model, name), expected, 1e-6, 1e-6));
  }
  EXPECT_TRUE(kit::tensor(*m.model, name).equal(w2));
  EXPECT_TRUE(torch::allclose(average.state().at(name), expected, 1e-6, 1e-6));
}

TEST(Average, ALentModelStillTrains) {
  auto one = kit::assemble(kStudy), two = kit::assemble(kStudy);
  Optimizer a(*one.model, {}), b(*two.model, {});
  Average average(*one.model, 0.9);
  for (int step = 0; step < 3; ++step) {
    for (auto* m : {&one, &two})
      for (const auto& p : (*m)->parameters()) p.mutable_grad() = torch::ones_like(p);
    a.step(1e-2, 0.9), b.step(1e-2, 0.9);
    average.update(step);
    const Average::InUse in_use(&average);
  }
  const auto expected = model::state(*two.model);
  for (const auto& [name, t] : model::state(*one.model))
    EXPECT_TRUE(t.equal(expected.at(name))) << name;
}

TEST(Average, AnotherExperimentsIsRefused) {
  auto m = kit::assemble(kStudy);
  Average average(*m.model, 0.9);
  auto state = average.state();
  average.load_state(state);
  state.erase("head.mask.conv.weight");
  EXPECT_THAT(kit::error_of([&] { average.load_state(state); }).what(),
              ::testing::HasSubstr("no average of 'head.mask.conv.weight'"));
}

TEST(Sums, HeldOrReadAtOnceAreTheSameNumbers) {
  torch::manual_seed(3);
  Sums read, held(true);
  for (Sums* sums : {&read, &held}) sums->numbers() = {{"train.term", 0.1}, {"best", 0.7}};
  for (int i = 0; i < 100; ++i) {
    const auto term = torch::rand({}) * 1e-3;
    const auto list = torch::randn({3}).to(i % 2 ? torch::kFloat : torch::kBFloat16);
    for (Sums* sums : {&read, &held}) {
      sums->add("train.term", term), sums->add("train.energy", list);
      sums->add("train.loss", 1.0 / (i + 1));
      if (i == 50) sums->fetch();  // a checkpoint in mid-epoch
    }
  }
  read.fetch(), held.fetch();
  EXPECT_THAT(held.numbers(), ::testing::ContainerEq(read.numbers()));
  EXPECT_EQ(read.numbers().size(), 6U);  // best, loss, term, energy.0 to 2
  EXPECT_TRUE(read.numbers().contains("train.energy.2"));
}

}  // namespace
}  // namespace hilum::train
