// SPDX-License-Identifier: Apache-2.0
// resnet50 and the blocks that it shares: a bottleneck against PyTorch's, torchvision's parameter
// count, names, shapes and initial values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "hilum/resnet.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const fs::path kReference = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "ref" / "blocks";

int64_t count(const torch::nn::Module& module) {
  int64_t sum = 0;
  for (const auto& p : module.parameters()) sum += p.numel();
  return sum;
}

model::Alone resnet(const std::map<std::string, Data>& options, std::vector<int64_t> image) {
  return kit::alone("backbone/resnet50", options, {{"x", torch::zeros(image)}});
}

class BottleneckParity : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = kReference / "bottleneck_16_4_s2.safetensors";
    if (!fs::exists(file)) GTEST_SKIP() << file << " is absent";
    ref = model::read_safetensors(file);
    std::map<std::string, Tensor> weights = model::state(block);
    for (auto& [name, t] : weights)  // the file has no running means; ours are as new
      if (const auto p = ref.find("p_" + name); p != ref.end()) t = p->second;
    EXPECT_EQ(model::load_state(block, weights).copied, static_cast<int64_t>(weights.size()));
    x = ref.at("in0").clone().set_requires_grad(true);
    y = block.forward(x);
  }
  void expect_near(const Tensor& ours, const std::string& name) {
    const Tensor& theirs = ref.at(name);
    ASSERT_EQ(ours.sizes(), theirs.sizes()) << name;
    EXPECT_LT((ours - theirs).norm().item<double>(), 1e-5 * theirs.norm().item<double>()) << name;
  }
  std::map<std::string, Tensor> ref;
  resnet::Bottleneck block{2, 16, 4, 2, 1, true};
  Tensor x, y;
};

TEST_F(BottleneckParity, OutputAndRunningMeans) {
  expect_near(y, "y");
  size_t compared = 0;
  for (const auto& item : block.named_buffers())
    if (item.value().is_floating_point())
      expect_near(item.value(), "bufafter_" + item.key()), ++compared;
  EXPECT_EQ(compared, 8U);
}

TEST_F(BottleneckParity, Gradients) {
  y.backward(ref.at("gy"));
  expect_near(x.grad(), "gin0");
  for (const auto& item : block.named_parameters())
    expect_near(item.value().grad(), "g_" + item.key());
}

// Which inputs a 3x3 reads: the gradient of one output voxel, of its residual path alone.
TEST(Bottleneck, DilationSpreadsTheTapsAndKeepsTheSize) {
  resnet::Bottleneck block(2, 4, 1, 1, 3, false);
  block.eval();
  torch::nn::init::constant_(block.conv1->weight, 1);
  torch::nn::init::constant_(block.conv2->weight, 1);
  torch::nn::init::constant_(block.conv3->weight, 1);
  const auto x = torch::ones({1, 4, 11, 11}).set_requires_grad(true);
  const auto y = block.forward(x);
  ASSERT_EQ(y.sizes(), x.sizes());
  y[0][0][5][5].backward();
  auto expected = torch::zeros({11, 11}, torch::kBool);
  for (const int64_t row : {2, 5, 8})
    for (const int64_t column : {2, 5, 8}) expected[row][column] = true;
  EXPECT_TRUE(x.grad()[0][1].ne(0).equal(expected)) << x.grad()[0][1];
}

TEST(ResNet50, HasTorchvisionsNumberOfParameters) {
  auto rgb = resnet({{"in_channels", int64_t{3}}}, {1, 3, 32, 32});
  EXPECT_EQ(count(rgb.module()), 23'508'032);  // without fc
  auto ct = resnet({}, {1, 1, 32, 32});
  EXPECT_EQ(count(ct.module()), 23'508'032 - 2 * 64 * 49);
}

TEST(ResNet50, HasTorchvisionsNames) {
  auto net =
      resnet({{"width", int64_t{4}}, {"layers", std::vector<int64_t>{2, 1, 1, 1}}}, {1, 1, 32, 32});
  EXPECT_THAT(net.aliases(), ElementsAre(Pair("C1", ""), Pair("C2", "layer1"), Pair("C3", "layer2"),
                                         Pair("C4", "layer3"), Pair("C5", "layer4")));
  const auto state = model::state(net.module());
  Strings c1, c2;
  for (const auto& [name, t] : state) {
    if (name.starts_with("C1.")) c1.push_back(name.substr(3));
    if (name.starts_with("C2.") && name.ends_with("weight")) c2.push_back(name.substr(3));
  }
  EXPECT_THAT(c1, ElementsAre("bn1.bias", "bn1.num_batches_tracked", "bn1.running_mean",
                              "bn1.running_var", "bn1.weight", "conv1.weight"));
  EXPECT_THAT(c2,
              ElementsAre("0.bn1.weight", "0.bn2.weight", "0.bn3.weight", "0.conv1.weight",
                          "0.conv2.weight", "0.conv3.weight", "0.downsample.0.weight",
                          "0.downsample.1.weight", "1.bn1.weight", "1.bn2.weight", "1.bn3.weight",
                          "1.conv1.weight", "1.conv2.weight", "1.conv3.weight"));
}

TEST(ResNet50, StagesHalveTheSizeAndDoubleTheChannels) {
  const torch::NoGradGuard no_grad;
  auto net = resnet({{"width", int64_t{4}}, {"depth", int64_t{4}}}, {1, 1, 50, 64});
  net.module().eval();
  auto out = net.forward({{"x", torch::rand({2, 1, 50, 64})}});
  ASSERT_EQ(out.size(), 4U);
  EXPECT_THAT(out.at("C1").sizes().vec(), ElementsAre(2, 4, 25, 32));
  EXPECT_THAT(out.at("C2").sizes().vec(), ElementsAre(2, 16, 13, 16));
  EXPECT_THAT(out.at("C3").sizes().vec(), ElementsAre(2, 32, 7, 8));
  EXPECT_THAT(out.at("C4").sizes().vec(), ElementsAre(2, 64, 4, 4));
}

TEST(ResNet50, InitialValuesAreNormalByFanOut) {
  torch::manual_seed(1);
  auto net = resnet({}, {1, 1, 32, 32});
  const auto state = model::state(net.module());
  const auto expect_deviation = [&](const std::string& name, double fan_out) {
    const double expected = std::sqrt(2 / fan_out), found = state.at(name).std().item<double>();
    EXPECT_NEAR(found / expected, 1, 0.03) << name;
  };
  expect_deviation("C1.conv1.weight", 64 * 49);
  expect_deviation("C3.0.conv2.weight", 128 * 9);
  expect_deviation("C5.0.conv3.weight", 2048);
}

TEST(ResNet50, SaysWhatIsWrong) {
  EXPECT_THAT(kit::error_of([] {
                resnet({{"in_channels", int64_t{3}}}, {1, 1, 32, 32});
              }).what(),
              HasSubstr("'in_channels' is 3, but the image has 1 channels"));
  EXPECT_THAT(kit::error_of([] {
                resnet({{"layers", std::vector<int64_t>{3, 4, 6}}}, {1, 1, 32, 32});
              }).what(),
              HasSubstr("'layers' needs four numbers of blocks"));
}
}  // namespace
}  // namespace hilum
