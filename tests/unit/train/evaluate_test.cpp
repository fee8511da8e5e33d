// SPDX-License-Identifier: Apache-2.0
// evaluate() against figures computed directly, on regions made by hand: the image is what a
// threshold predicts, 0 or 1 HU in the window [0, 1].
#include "core/train/evaluate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum::train {
namespace {
constexpr int64_t kDepth = 3, kHeight = 8, kWidth = 10;
const double kNan = std::numeric_limits<double>::quiet_NaN();

// Three regions of two patients. `shift`: how far the prediction is beside the truth, in voxels.
data::RegionSet regions(int64_t shift) {
  data::RegionSet set;
  set.target_names = {"rating"};
  for (int64_t r = 0; r < 3; ++r) {
    data::Region region;
    region.id = "r" + std::to_string(r), region.patient = r < 2 ? "p0" : "p1";
    region.geometry.size = {kDepth, kHeight, kWidth}, region.geometry.spacing = {2.5, 0.7, 0.6};
    region.image.assign(kDepth * kHeight * kWidth, 0), region.mask.assign(region.image.size(), 0);
    for (int64_t d = 0; d + 1 < kDepth; ++d)  // the last slice is empty
      for (int64_t y = 2; y < 5; ++y)
        for (int64_t x = 2 + r; x < 5 + r; ++x) {
          const auto row = static_cast<size_t>((d * kHeight + y) * kWidth);
          region.mask[row + static_cast<size_t>(x)] = 1;
          region.image[row + static_cast<size_t>(x + shift)] = 1;
        }
    region.targets = {{"rating", r == 1 ? kNan : 1.0 + static_cast<double>(r)}};
    set.regions.push_back(region);
  }
  return set;
}

struct Case {
  kit::Assembled model;
  data::RegionSet set;
  config::DataOptions options;
};

Case make(double level, int64_t shift, int64_t dims, const std::string& more = "") {
  const std::string roi = dims == 2 ? "[8, 10]" : "[3, 8, 10]";
  Case c{
      .model = kit::assemble("[data]\ndims = " + std::to_string(dims) + "\nroi = " + roi +
                             "\nwindow = [0, 1]\nfill = 0\n"
                             "[backbone.a]\nplugin = \"test_plain\"\n"
                             "[head.mask]\nplugin = \"test_threshold\"\non = \"a.S1\"\nlevel = " +
                             std::to_string(level) + "\n" + more),
      .set = regions(shift),
      .options = {}};
  c.options = c.model.experiment.data;
  return c;
}

Evaluation evaluated(Case& c, int64_t batch = 4) {
  const data::Sampler sampler(c.set, {0, 1, 2}, c.options, 0, false);
  return evaluate(*c.model.model, sampler, Compute{}, batch);
}

TEST(Evaluate, APerfectPredictorHasPerfectFigures) {
  auto c = make(0.5, 0, 2);
  const auto e = evaluated(c);
  for (const auto* name : {"dice", "iou", "precision", "sensitivity", "slice_dice", "patient_dice"})
    EXPECT_DOUBLE_EQ(e.metrics.at("mask." + std::string(name)), 1) << name;
  for (const auto* name : {"hd", "hd95", "assd"})
    EXPECT_DOUBLE_EQ(e.metrics.at("mask." + std::string(name)), 0) << name;
  EXPECT_EQ(e.metrics.at("mask.cases"), 3);
  EXPECT_EQ(e.metrics.at("mask.patients"), 2);
  EXPECT_EQ(e.metrics.at("mask.slice_empty_both"), 3);
  EXPECT_EQ(e.cases.size(), 3u * (1 + kDepth) * 8);  // seven scores and `empty`
}

TEST(Evaluate, AnEmptyPredictorMissesEveryNodule) {
  auto c = make(2, 0, 2);
  const auto e = evaluated(c);
  EXPECT_EQ(e.metrics.at("mask.dice"), 0);
  EXPECT_EQ(e.metrics.at("mask.empty_pred"), 3);
  EXPECT_DOUBLE_EQ(e.metrics.at("mask.slice_dice"), 1.0 / 3);  // right on the slices without nodule
  const double diagonal = std::hypot(2.5 * kDepth, 0.7 * kHeight, 0.6 * kWidth);
  EXPECT_NEAR(e.metrics.at("mask.hd"), diagonal, 1e-9);
}

// Every case's figures by metrics::compare on the regions themselves.
void expect_direct(Case& c, const Evaluation& e) {
  std::map<std::string, double> found;
  for (const auto& f : e.cases)
    found[f.nodule + ":" + (f.slice ? std::to_string(*f.slice) : "all") + ":" + f.name] = f.value;
  EXPECT_EQ(found.size(), e.cases.size()) << "a figure twice";
  const auto expect = [&](const std::string& key, const metrics::MaskScores& scores) {
    for (const auto& [name, value] : metrics::named(scores))
      EXPECT_NEAR(found.at(key + ":mask." + name), value, 1e-12) << key << name;
  };
  for (const auto& region : c.set.regions) {
    const std::vector<uint8_t> pred(region.image.begin(), region.image.end());
    const std::vector<double> spacing{2.5, 0.7, 0.6};
    expect(region.id + ":all", metrics::compare({pred, {kDepth, kHeight, kWidth}, spacing},
                                                {region.mask, {kDepth, kHeight, kWidth}, spacing}));
    if (c.options.dims == 3) continue;
    for (int64_t d = 0; d < kDepth; ++d) {
      const auto slice = [&](const std::vector<uint8_t>& mask) {
        return metrics::MaskView{
            std::span(mask).subspan(static_cast<size_t>(d * kHeight * kWidth), kHeight * kWidth),
            {kHeight, kWidth},
            {0.7, 0.6}};
      };
      expect(region.id + ":" + std::to_string(d),
             metrics::compare(slice(pred), slice(region.mask)));
    }
  }
}

TEST(Evaluate, EveryCaseEqualsTheDirectComputation) {
  for (const int64_t dims : {2, 3}) {
    auto c = make(0.5, 1, dims);
    const auto e = evaluated(c, 2);
    EXPECT_NEAR(e.metrics.at("mask.dice"), 2.0 / 3, 1e-12);  // 6 of 9 voxels a slice overlap
    expect_direct(c, e);
    EXPECT_EQ(e.metrics.count("mask.slice_dice"), dims == 2 ? 1u : 0u);
  }
}

TEST(Evaluate, DoesNotDependOnBatchesOrWorkers) {
  auto c = make(0.5, 1, 2);
  const auto one = evaluated(c, 1);
  c.options.workers = 3;
  for (const int64_t batch : {4, 100}) {
    const auto other = evaluated(c, batch);
    for (const auto& [name, value] : one.metrics)
      EXPECT_NEAR(other.metrics.at(name), value, 1e-6) << name;
    ASSERT_EQ(other.cases.size(), one.cases.size());
    for (size_t i = 0; i < one.cases.size(); ++i)
      EXPECT_EQ(other.cases[i].value, one.cases[i].value);
  }
}

TEST(Evaluate, RestoresTheMode) {
  auto c = make(0.5, 0, 2);
  for (const bool training : {true, false}) {
    c.model->train(training);
    evaluated(c);
    EXPECT_EQ(c.model->is_training(), training);
  }
}

TEST(Evaluate, UnknownNumbersAreLeftOut) {
  auto c = make(0.5, 0, 2, "[head.r]\nplugin = \"test_rating\"\non = \"a.S1\"\n");
  {
    const torch::NoGradGuard no_grad;
    for (auto& p : c.model->heads().back().head->parameters()) p.zero_();
  }
  c.model->heads().back().head->see_targets(
      {{"rating", torch::tensor({{1.0f}, {static_cast<float>(kNan)}, {2.0f}})}});
  const auto e = evaluated(c);  // predicts the mean, 1.5, where the truth is 1, unknown and 3
  EXPECT_NEAR(e.metrics.at("r.mae"), (0.5 + 1.5) / 2, 1e-6);
  for (const auto& [name, value] : e.metrics) EXPECT_TRUE(std::isfinite(value)) << name;
  int predicted = 0, truth = 0;
  for (const auto& f : e.cases) predicted += f.name == "r.predicted", truth += f.name == "r.truth";
  EXPECT_EQ(predicted, 3);
  EXPECT_EQ(truth, 2);
}
}  // namespace
}  // namespace hilum::train
