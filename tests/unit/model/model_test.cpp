// SPDX-License-Identifier: Apache-2.0
// The assembled model: losses, guides, logs, dimensions, precision, threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <thread>

#include "core/model/autocast.hpp"
#include "sample.hpp"

namespace hilum::model {
namespace {
using kit::assemble;
using kit::tensor;
using ::testing::ElementsAre;

TEST(Model, TotalLossIsTheWeightedSumOfTerms) {
  auto m = assemble(kBase);
  const auto values = batch();
  const auto losses = m->loss(m->forward(values), values);
  ASSERT_EQ(losses.terms.size(), 2u);
  const double expected = 0.5 * losses.terms.at("nodule.bce").item<double>() +
                          2 * losses.terms.at("mask.bce").item<double>();
  EXPECT_NEAR(losses.total.item<double>(), expected, 1e-6);
  EXPECT_TRUE(losses.total.requires_grad());
  EXPECT_FALSE(losses.terms.at("mask.bce").requires_grad());
}

TEST(Model, AGuideIsDetached) {
  auto m = assemble(kGuided);
  const auto values = batch();
  const auto outputs = m->forward(values);
  outputs.at("mask").at("logits").sum().backward();
  EXPECT_TRUE(tensor(*m.model, "regularizer.mask.push").grad().defined());
  EXPECT_FALSE(tensor(*m.model, "head.nodule.out.weight").grad().defined());
  EXPECT_FALSE(tensor(*m.model, "a.S1.conv.weight").grad().defined());
}

TEST(Model, AGuideChangesTheMaskAndComesFirst) {
  // The guided head stands first in the file; it runs after its guide all the same.
  auto m = assemble(R"(
[data]
roi = [16, 16]
[backbone.a]
plugin = "test_pyramid"
[head.mask]
plugin = "test_mask"
on = "a.S1"
[head.mask.regularizer]
plugin = "test_smooth"
guide = "nodule"
[head.nodule]
plugin = "test_nodule"
on = "a.S3"
)");
  const torch::NoGradGuard no_grad;
  m->eval();
  const auto values = batch();
  tensor(*m.model, "regularizer.mask.strength").zero_();
  tensor(*m.model, "regularizer.mask.push").fill_(3);
  tensor(*m.model, "head.nodule.out.bias").fill_(1e4);  // certainly a nodule: no push
  const auto yes = m->forward(values).at("mask").at("logits");
  tensor(*m.model, "head.nodule.out.bias").fill_(-1e4);
  const auto no = m->forward(values).at("mask").at("logits");
  EXPECT_TRUE(torch::allclose(yes - no, torch::full_like(no, 3)));
  tensor(*m.model, "regularizer.mask.push").zero_();
  EXPECT_TRUE(torch::allclose(yes, m->forward(values).at("mask").at("logits")));
}

TEST(Model, ProbabilityIsOfTheRegularizedLogits) {
  auto m = assemble(kGuided);
  const auto out = m->forward(batch()).at("mask");
  EXPECT_TRUE(torch::allclose(out.at("probability"), out.at("logits").sigmoid()));
}

TEST(Model, LogsAndLearningRatesHaveFullNames) {
  auto m = assemble(kGuided);
  m->take_logs();  // of assembly
  EXPECT_TRUE(m->take_logs().empty());
  m->forward(batch());
  const auto logs = m->take_logs();
  EXPECT_FLOAT_EQ(logs.at("regularizer.mask.strength").item<float>(), 0.5f);
  EXPECT_EQ(logs.at("regularizer.mask.energy").sizes(), (std::vector<int64_t>{3}));
  EXPECT_FALSE(logs.at("regularizer.mask.strength").requires_grad());
  EXPECT_EQ(m->lr_scales(), (std::map<std::string, double>{{"regularizer.mask.strength", 10}}));
}

TEST(Model, NumericTargetsLeaveOutWhatTheCoreDerives) {
  const auto m = assemble(kBase +
                          "[head.r]\nplugin = \"test_rating\"\non = \"a.S2\"\n"
                          "[head.r2]\nplugin = \"test_rating\"\non = \"a.S3\"\n");
  EXPECT_THAT(m->numeric_targets(), ElementsAre("rating"));
}

TEST(Model, UnknownNumbersTeachNothing) {
  auto m = assemble(kBase + "[head.r]\nplugin = \"test_rating\"\non = \"a.S2\"\n");
  auto values = batch();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  values["rating"] = torch::tensor({{3.0f}, {nan}});
  m->heads().back().head->see_targets({{"rating", torch::tensor({{1.0f}, {nan}, {5.0f}})}});
  m->eval();
  const auto outputs = m->forward(values);
  const double first = outputs.at("r").at("probability")[0].item<double>();
  const auto losses = m->loss(outputs, values);
  EXPECT_NEAR(losses.terms.at("r.mse").item<double>(), (first - 3) * (first - 3), 1e-5);
  losses.total.backward();
  for (const auto& item : m->named_parameters())
    if (item.value().grad().defined()) {
      EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    }
}

TEST(Model, TheSamePartsServe3D) {
  auto text = kGuided;
  text.replace(text.find("roi = [16, 16]"), 14, "dims = 3\nroi = [8, 16, 12]");
  auto m = assemble(text);
  EXPECT_EQ(tensor(*m.model, "a.S1.conv.weight").dim(), 5);
  const auto outputs = m->forward({{"image", torch::rand({2, 1, 8, 16, 12})}});
  EXPECT_EQ(outputs.at("mask").at("logits").sizes(), (std::vector<int64_t>{2, 1, 8, 16, 12}));
  EXPECT_EQ(outputs.at("nodule").at("probability").sizes(), (std::vector<int64_t>{2, 1}));
}

TEST(Model, AutocastEndsBeforeRegularizersAndPredictions) {
  auto m = assemble(kGuided);
  m->eval();
  const auto values = batch();
  const auto half = m->forward(values, true), full = m->forward(values, false);
  for (const auto* head : {"mask", "nodule"})
    for (const auto* name : {"logits", "probability"}) {
      const auto &h = half.at(head).at(name), &f = full.at(head).at(name);
      EXPECT_EQ(h.scalar_type(), torch::kFloat) << head << " " << name;
      EXPECT_TRUE(torch::allclose(h, f, 0.05, 0.05)) << head << " " << name;
    }
  EXPECT_FALSE(half.at("mask").at("logits").equal(full.at("mask").at("logits")))
      << "no autocast at all";
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU)) << "left on";
  // The regularizer is in float32: undone by hand, what goes in is a bfloat16 number.
  const torch::NoGradGuard no_grad;
  tensor(*m.model, "regularizer.mask.strength").zero_();
  tensor(*m.model, "regularizer.mask.push").zero_();
  const auto in = m->forward(values, true).at("mask").at("logits");
  EXPECT_TRUE(in.equal(in.to(torch::kBFloat16).to(torch::kFloat)));
  tensor(*m.model, "regularizer.mask.strength").fill_(0.3);
  const auto out = m->forward(values, true).at("mask").at("logits");
  EXPECT_FALSE(out.equal(out.to(torch::kBFloat16).to(torch::kFloat)));
}

TEST(Model, TrainAndEvalReachEveryPart) {
  auto m = assemble(kGuided);
  for (const bool on : {true, false, true}) {
    m->train(on);
    for (const auto& item : m->named_modules())
      EXPECT_EQ(item.value()->is_training(), on) << item.key();
  }
}

TEST(Model, AssemblyLeavesBatchNormsAsNew) {
  const auto m = assemble(kGuided);
  EXPECT_TRUE(m->is_training());
  EXPECT_EQ(tensor(*m.model, "a.S1.norm.num_batches_tracked").item<int64_t>(), 0);
  EXPECT_EQ(tensor(*m.model, "a.S1.norm.running_mean").abs().sum().item<float>(), 0);
}

// One training pass; the gradient of every parameter.
std::map<std::string, Tensor> pass(kit::Assembled& m, const Named& values) {
  m->zero_grad();
  m->loss(m->forward(values), values).total.backward();
  std::map<std::string, Tensor> grads;
  for (const auto& item : m->named_parameters()) grads[item.key()] = item.value().grad();
  return grads;
}

TEST(Model, TwoInTwoThreadsDoAsAlone) {
  auto first = assemble("[experiment]\nseed = 1" + kGuided);
  auto second = assemble("[experiment]\nseed = 2" + kGuided);
  const auto values = batch(4);
  // Batch norms in train mode depend on the batch alone, so that passes can be repeated.
  const auto alone1 = pass(first, values), alone2 = pass(second, values);
  std::map<std::string, Tensor> there1, there2;
  const auto work = [&](kit::Assembled& m, std::map<std::string, Tensor>& out) {
    for (int i = 0; i < 10; ++i) out = pass(m, values);
  };
  std::thread a([&] { work(first, there1); }), b([&] { work(second, there2); });
  a.join(), b.join();
  for (const auto& [name, grad] : alone1) {
    if (!grad.defined()) continue;
    EXPECT_TRUE(torch::allclose(there1.at(name), grad, 1e-4, 1e-6)) << name;
    EXPECT_TRUE(torch::allclose(there2.at(name), alone2.at(name), 1e-4, 1e-6)) << name;
  }
  EXPECT_EQ(first->take_logs().at("regularizer.mask.energy").numel(), 3);
}
}  // namespace
}  // namespace hilum::model
