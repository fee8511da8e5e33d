// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
namespace fs = std::filesystem;
using Options = std::map<std::string, Data>;

std::shared_ptr<Head> head(const Options& options,
                           const Site& at = {{{1, 2, 8, 8}}, {1, 1, 8, 8}}) {
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  return std::dynamic_pointer_cast<Head>(kit::plugin("head/segmentation").make(values, at));
}

// The sum of the loss terms at these logits.
Tensor loss(const Options& options, const Tensor& logits, const Tensor& mask) {
  Tensor sum = torch::zeros({}, logits.options());
  for (const auto& [name, term] : head(options)->loss({{"logits", logits}}, {{"mask", mask}}))
    sum = sum + term;
  return sum;
}

struct Reference {
  std::string name;  // in ../shared/ref/losses.safetensors
  Options options;
};
void PrintTo(const Reference& r, std::ostream* out) { *out << r.name; }

class LossOf : public ::testing::TestWithParam<Reference> {};

TEST_P(LossOf, HasTheReferencesValueAndGradient) {
  const auto file = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "ref" / "losses.safetensors";
  if (!fs::exists(file)) GTEST_SKIP() << file << " is absent";
  const auto given = model::read_safetensors(file);
  const auto& [name, options] = GetParam();
  const Tensor u = given.at("u").clone().set_requires_grad(true);
  const Tensor value = loss(options, u, given.at("t"));
  value.backward();
  const double expected = given.at(name).item<double>();
  EXPECT_NEAR(value.item<double>(), expected, 1e-5 * expected);
  const Tensor& gradient = given.at(name + "_g");
  EXPECT_LT((u.grad() - gradient).norm().item<double>(), 1e-5 * gradient.norm().item<double>());
}

const Data kSample = std::string("sample"), kDice = std::string("dice"),
           kFocal = std::string("focal"), kTversky = std::string("tversky");
INSTANTIATE_TEST_SUITE_P(
    Libraries, LossOf,
    ::testing::Values(
        Reference{"bce_logits", {{"loss", std::string("bce")}}},
        Reference{"dice_own_smooth1", {{"loss", kDice}, {"reduce", kSample}}},
        Reference{"monai_dice", {{"loss", kDice}, {"reduce", kSample}, {"smooth", 1e-5}}},
        Reference{"monai_dice_batch", {{"loss", kDice}, {"smooth", 1e-5}}},
        Reference{"smp_dice", {{"loss", kDice}, {"smooth", 0.0}}},
        // SMP halves the ratio's two sides before it adds the smoothing.
        Reference{"smp_dice_smooth1", {{"loss", kDice}, {"smooth", 2.0}}},
        Reference{"monai_focal", {{"loss", kFocal}}}, Reference{"smp_focal", {{"loss", kFocal}}},
        Reference{"tv_sigmoid_focal", {{"loss", kFocal}, {"alpha", 0.25}}},
        Reference{"monai_tversky", {{"loss", kTversky}, {"reduce", kSample}, {"smooth", 1e-5}}},
        Reference{"smp_tversky", {{"loss", kTversky}, {"smooth", 0.0}}}),
    [](const auto& info) { return info.param.name; });

TEST(Segmentation, WithoutSmoothingAnEmptyMaskHasAFiniteLoss) {
  for (const Data& ratio : {kDice, kTversky})
    for (const std::string reduce : {"batch", "sample"}) {
      const Tensor z = torch::full({2, 1, 4, 4}, -200.0).set_requires_grad(true);  // sigmoid is 0
      const Tensor value = loss({{"loss", ratio}, {"smooth", 0.0}, {"reduce", reduce}}, z,
                                torch::zeros({2, 1, 4, 4}));
      value.backward();
      EXPECT_EQ(value.item<double>(), 1);
      EXPECT_TRUE(z.grad().isfinite().all().item<bool>());
    }
}

TEST(Segmentation, AFocalLossIsFiniteWhereTheNetworkIsSure) {
  const Tensor z = torch::tensor({100.f, -100.f, 100.f, -100.f}).view({1, 1, 2, 2});
  const Tensor y = torch::tensor({1.f, 0.f, 0.f, 1.f}).view({1, 1, 2, 2});
  for (const double gamma : {0.0, 0.5, 2.0}) {
    const Tensor u = z.clone().set_requires_grad(true);
    const Tensor value = loss({{"loss", kFocal}, {"gamma", gamma}}, u, y);
    value.backward();
    EXPECT_NEAR(value.item<double>(), 50, 1e-4) << gamma;  // two of four are wrong by 100
    EXPECT_TRUE(u.grad().isfinite().all().item<bool>()) << gamma;
  }
}

TEST(Segmentation, TverskyWithEqualWeightsIsDice) {
  const Tensor z = torch::randn({2, 1, 4, 4}, torch::kDouble), y = (z > 0.5).to(torch::kDouble);
  const auto value = [&](const Data& name, double smooth) {
    return loss({{"loss", name}, {"smooth", smooth}, {"miss", 0.5}}, z, y).item<double>();
  };
  EXPECT_NEAR(value(kTversky, 0.5), value(kDice, 1), 1e-12);
}

TEST(Segmentation, BringsLogitsOfASmallerFeatureToTheImage) {
  const Site quarter{{{1, 2, 4, 4}}, {1, 1, 16, 13}};
  const Tensor x = torch::randn({2, 2, 4, 4}), image = torch::rand({2, 1, 16, 13});
  const auto logits = [&](const std::string& how, const Tensors& in) {
    torch::manual_seed(1);
    const auto h = head({{"upsample", how}}, quarter);
    EXPECT_EQ(h->reads_image(), how != "none");
    return h->forward(in).at("logits");
  };
  const Tensor small = logits("none", {x});
  EXPECT_EQ(small.sizes(), torch::IntArrayRef({2, 1, 4, 4}));
  EXPECT_TRUE(
      logits("bilinear", {x, image}).equal(torch::upsample_bilinear2d(small, {{16, 13}}, false)));
  EXPECT_TRUE(
      logits("corners", {x, image}).equal(torch::upsample_bilinear2d(small, {{16, 13}}, true)));
  EXPECT_TRUE(logits("bilinear", {x}).equal(small)) << "by itself, without an image";
}

TEST(Segmentation, AtTheImagesSizeReadsNoImage) { EXPECT_FALSE(head({})->reads_image()); }

TEST(Segmentation, ReadsFeaturesOfOneSizeSideBySide) {
  const auto h = head({}, {{{1, 2, 4, 4}, {1, 3, 4, 4}}, {1, 1, 4, 4}});
  const Tensor a = torch::randn({2, 2, 4, 4}), b = torch::randn({2, 3, 4, 4});
  const auto p = h->named_parameters();
  EXPECT_TRUE(h->forward({a, b}).at("logits").equal(
      torch::conv2d(torch::cat({a, b}, 1), p["conv.weight"], p["conv.bias"])));
  const auto error = kit::error_of([] { head({}, {{{1, 2, 4, 4}, {1, 3, 2, 2}}, {1, 1, 4, 4}}); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_NE(std::string(error.what()).find("one spatial size"), std::string::npos) << error.what();
  EXPECT_THROW(head({}, {{{1, 2, 4, 4}, {1, 3}}, {1, 1, 4, 4}}), Error) << "another head's output";
}

}  // namespace
}  // namespace hilum
