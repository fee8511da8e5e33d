// SPDX-License-Identifier: Apache-2.0
// The mean of models against means computed by hand.
#include "core/train/ensemble.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/train/evaluation_run.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::train {
namespace {
using ::testing::HasSubstr;

const std::string kParts =
    "[backbone.b]\nplugin = \"test_pyramid\"\n[head.mask]\nplugin = \"test_mask\"\non = \"b.S1\"\n"
    "[head.nodule]\nplugin = \"test_nodule\"\non = \"b.S3\"\n";

Member member(int seed, const std::string& data = "", const std::string& parts = kParts) {
  const auto a = kit::assemble("[experiment]\nseed = " + std::to_string(seed) +
                               "\n[data]\nroi = [12, 16]\n" + data + parts);
  Member m{.run = "run" + std::to_string(seed), .checkpoint = "last.pt", .setup = {}};
  m.setup.experiment = a.experiment, m.setup.plugins = a.plugins, m.setup.model = a.model;
  m.setup.model->eval();
  return m;
}

Named image() {
  torch::manual_seed(5);
  return {{"image", torch::rand({3, 1, 12, 16})}};
}

double apart(const Tensor& a, const Tensor& b) {
  return (a.to(torch::kDouble) - b.to(torch::kDouble)).abs().max().item<double>();
}

TEST(Ensemble, IsTheMeanOfEachHeadsProbabilities) {
  const auto a = member(1), b = member(2);
  const auto one = a.setup.model->forward(image()), two = b.setup.model->forward(image());
  const auto mean = answer({a, b}, image(), false);
  ASSERT_EQ(mean.size(), 2u);
  for (const auto& [head, outputs] : mean) {
    const auto& p = outputs.at("probability");
    EXPECT_LT(apart(p, (one.at(head).at("probability") + two.at(head).at("probability")) / 2), 1e-6)
        << head;
    EXPECT_GT(apart(p, one.at(head).at("probability")), 1e-3) << head;
  }
}

TEST(Ensemble, FlipsAreTurnedBackForMasksAlone) {
  const auto m = member(1);
  const auto mean = answer(m.setup, image(), true);
  Tensor mask = torch::zeros({3, 1, 12, 16}), nodule = torch::zeros({3, 1});
  for (const std::vector<int64_t>& axes : {std::vector<int64_t>{}, std::vector<int64_t>{2},
                                           std::vector<int64_t>{3}, std::vector<int64_t>{2, 3}}) {
    const torch::NoGradGuard no_grad;
    const auto x = image().at("image");
    const auto out = m.setup.model->forward({{"image", axes.empty() ? x : x.flip(axes)}});
    const auto p = out.at("mask").at("probability");
    mask += (axes.empty() ? p : p.flip(axes)) / 4;
    nodule += out.at("nodule").at("probability").reshape({3, 1}) / 4;
  }
  EXPECT_LT(apart(mean.at("mask").at("probability"), mask), 1e-6);
  EXPECT_LT(apart(mean.at("nodule").at("probability").reshape({3, 1}), nodule), 1e-6);
  EXPECT_GT(apart(mask, m.setup.model->forward(image()).at("mask").at("probability")), 1e-4);
}

TEST(Ensemble, RefusesRunsThatDoNotFit) {
  const auto refused = [](const std::vector<Member>& members, Alike alike) {
    const auto error = kit::error_of([&] { require_alike(members, alike); });
    EXPECT_EQ(error.fault, Fault::request);
    return std::string(error.what());
  };
  const std::string other = "window = [-160, 240]\n";
  EXPECT_NO_THROW(require_alike({member(1), member(2)}, Alike::samples));
  EXPECT_NO_THROW(require_alike({member(1), member(2, other)}, Alike::regions));
  EXPECT_THAT(refused({member(1), member(2, other)}, Alike::samples), HasSubstr("window"));
  EXPECT_THAT(refused({member(1), member(1)}, Alike::regions), HasSubstr("twice"));
  EXPECT_THAT(
      refused({member(1), member(2, "", kParts.substr(0, kParts.rfind("[head")))}, Alike::regions),
      HasSubstr("same heads"));
}

// Three regions; members of a request are only named.
DataSetup three() {
  DataSetup data;
  data.set.name = "three", data.set.fingerprint = "f";
  for (int i = 0; i < 3; ++i) {
    data::Region region;
    region.id = "r" + std::to_string(i), region.pixel_hash = "h" + std::to_string(i);
    data.set.regions.push_back(region);
  }
  return data;
}

TEST(EvaluationRun, IsTheSameForTheSameMembersAndNotForOthers) {
  const auto data = three();
  const auto of = [&](std::vector<Member> members, bool flips) {
    return describe(
        {.members = std::move(members), .flips = flips, .split = "test", .regions = {0, 1}}, data);
  };
  const auto run = of({member(1), member(2)}, false);
  EXPECT_EQ(run.name, "unnamed-ensemble");
  EXPECT_EQ(run.parent, "run1");
  EXPECT_THAT(run.tags, ::testing::Contains("evaluation"));
  EXPECT_EQ(run.config_hash, of({member(2), member(1)}, false).config_hash);
  EXPECT_NE(run.config_hash, of({member(1), member(3)}, false).config_hash);
  EXPECT_NE(run.config_hash, of({member(1), member(2)}, true).config_hash);
  EXPECT_EQ(of({member(1)}, true).name, "unnamed-flips");
  EXPECT_EQ(of({member(1, "fold = -1\n")}, false).name, "unnamed-test");
  EXPECT_NE(of({member(1, "fold = -1\n")}, false).config_hash,
            of({member(1, "fold = 2\n")}, false).config_hash);
}

}  // namespace
}  // namespace hilum::train
