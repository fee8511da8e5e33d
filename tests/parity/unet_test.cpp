// SPDX-License-Identifier: Apache-2.0
// unet and segmentation against PyTorch: the same weights and batch give the same logits, loss,
// gradients, running means and step of Adam.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "core/train/optimizer.hpp"
#include "core/util/files.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
namespace fs = std::filesystem;
const fs::path kReference = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "ref";

std::string unet(const std::string& head_options) {
  return R"(
[data]
roi = [64, 64]
[backbone.seg]
plugin = "unet"
width = 8
[head.mask]
plugin = "segmentation"
on = "seg.S9"
)" + head_options;
}

// "d.1.0.weight" -> "seg.S2.conv1.weight": d.0-4 are S1-S5, u.0-3 S6-S9, up.0-3 their `up`; in
// each, 0, 1, 3, 4 are conv1, norm1, conv2, norm2.
std::string our_name(const std::string& theirs) {
  std::vector<std::string> words;
  std::istringstream in(theirs);
  for (std::string word; std::getline(in, word, '.');) words.push_back(word);
  if (words[0] == "out") return "head.mask.conv." + words[1];
  const auto stage = [&](int first) {
    return "seg.S" + std::to_string(first + std::stoi(words[1])) + ".";
  };
  if (words[0] == "up") return stage(6) + "up." + words[2];
  static const std::map<std::string, std::string> layers{
      {"0", "conv1."}, {"1", "norm1."}, {"3", "conv2."}, {"4", "norm2."}};
  return stage(words[0] == "d" ? 1 : 6) + layers.at(words[2]) + words[3];
}

class UNetParity : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kReference / "unet_tiny.json")) GTEST_SKIP() << kReference << " is absent";
    io = model::read_safetensors(kReference / "unet_tiny.io.safetensors");
    figures = nlohmann::json::parse(util::read_file(kReference / "unet_tiny.json"));
    std::map<std::string, Tensor> weights;
    for (const auto& [name, t] :
         model::read_safetensors(kReference / "unet_tiny.weights.safetensors"))
      weights[our_name(name)] = t;
    m = kit::assemble(unet("reduce = \"sample\"\n"));
    const auto report = model::load_state(*m.model, weights);
    EXPECT_TRUE(report.missing.empty() && report.left_over.empty() && report.mismatched.empty());
    EXPECT_EQ(report.copied, static_cast<int64_t>(weights.size()));
    values = {{"image", io.at("x")}, {"mask", io.at("t")}};
  }
  Tensor logits() { return m->forward(values).at("mask").at("logits"); }
  static double difference(const Tensor& a, const Tensor& b) {
    return (a - b).abs().max().item<double>();
  }

  std::map<std::string, Tensor> io;
  nlohmann::json figures;
  kit::Assembled m;
  Named values;
};

TEST_F(UNetParity, LogitsInEvalMode) {
  const torch::NoGradGuard no_grad;
  m->eval();
  EXPECT_LT(difference(logits(), io.at("y_eval")), 1e-4);
}

TEST_F(UNetParity, LogitsAndRunningMeansInTrainMode) {
  const torch::NoGradGuard no_grad;
  m->train();
  EXPECT_LT(difference(logits(), io.at("y_train")), 1e-4);
  for (const auto& [key, sum] : figures["running_sum_after_1_train_fwd"].items()) {
    const double ours = kit::tensor(*m.model, our_name(key.substr(3))).sum().item<double>();
    EXPECT_NEAR(ours, sum.get<double>(), 1e-4 * (1 + std::abs(sum.get<double>()))) << key;
  }
}

TEST_F(UNetParity, LossAndGradients) {
  m->train();
  const auto losses = m->loss(m->forward(values), values);
  EXPECT_NEAR(losses.total.item<double>(), io.at("loss").item<double>(), 1e-5);
  losses.total.backward();
  size_t compared = 0;
  for (const auto& [name, norm] : figures["grad_norm"].items()) {
    const Tensor grad = kit::tensor(*m.model, our_name(name)).grad();
    EXPECT_NEAR(grad.norm().item<double>(), norm.get<double>(), 1e-3 * norm.get<double>() + 1e-7)
        << name;
    const Tensor& first = io.at("gh_" + name);
    EXPECT_TRUE(torch::allclose(grad.flatten().slice(0, 0, first.numel()), first, 1e-2, 1e-6))
        << name;
    ++compared;
  }
  EXPECT_EQ(compared, m->parameters().size());
}

TEST_F(UNetParity, AStepOfAdam) {
  m->train();
  config::TrainOptions options;
  train::Optimizer optimizer(*m.model, options);
  m->loss(m->forward(values), values).total.backward();
  optimizer.step(1e-3, 0.9);
  for (const auto& [name, sum] : figures["param_sum_after_adam_1e3"].items()) {
    // Adam's first step is the gradient's sign: where that is noise, an element may go the other
    // way.
    const Tensor p = kit::tensor(*m.model, our_name(name));
    EXPECT_NEAR(p.sum().item<double>(), sum.get<double>(),
                1e-4 + 2e-3 * (1 + static_cast<double>(p.numel()) / 1000))
        << name;
  }
  EXPECT_NEAR(m->loss(m->forward(values), values).total.item<double>(),
              io.at("loss_after_adam_lr1e3").item<double>(), 1e-4);
}

// The head's losses against others' on one case; the third of its samples has an empty mask.
class LossParity : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kReference / "losses.safetensors")) GTEST_SKIP() << kReference << " is absent";
    io = model::read_safetensors(kReference / "losses.safetensors");
  }
  // The value, and its gradient to the logits, beside the reference called `name`.
  void expect_equal(const std::string& options, const std::string& name) {
    SCOPED_TRACE(name);
    auto m = kit::assemble(unet(options));
    const auto u = io.at("u").clone().set_requires_grad(true);
    const auto losses = m->loss({{"mask", {{"logits", u}}}}, {{"mask", io.at("t")}});
    EXPECT_NEAR(losses.total.item<double>(), io.at(name).item<double>(), 1e-5);
    losses.total.backward();
    EXPECT_TRUE(torch::allclose(u.grad(), io.at(name + "_g"), 1e-3, 1e-7))
        << (u.grad() - io.at(name + "_g")).abs().max();
  }
  std::map<std::string, Tensor> io;
};

TEST_F(LossParity, BinaryCrossEntropy) { expect_equal("loss = \"bce\"\n", "bce_logits"); }

TEST_F(LossParity, DiceOfEachSample) {
  expect_equal("loss = \"dice\"\nreduce = \"sample\"\nsmooth = 1\n", "dice_own_smooth1");
  expect_equal("loss = \"dice\"\nreduce = \"sample\"\nsmooth = 1e-5\n", "monai_dice");
}

TEST_F(LossParity, DiceOfTheBatch) {
  // SMP's is a Tversky ratio, (I + s) / (I + (FP + FN) / 2 + s): its 1 is our 2.
  expect_equal("loss = \"dice\"\nreduce = \"batch\"\nsmooth = 2\n", "smp_dice_smooth1");
  expect_equal("loss = \"dice\"\nreduce = \"batch\"\nsmooth = 1e-5\n", "monai_dice_batch");
  expect_equal("loss = \"dice\"\nreduce = \"batch\"\nsmooth = 0\n", "smp_dice");
}

TEST_F(LossParity, BothTogether) {
  expect_equal("loss = \"bce_dice\"\nreduce = \"sample\"\nsmooth = 1e-5\n", "monai_dicece");
}
}  // namespace
}  // namespace hilum
