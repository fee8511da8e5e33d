// SPDX-License-Identifier: Apache-2.0
// The fused steps against torch::optim, and what a checkpoint keeps.
#include "core/train/optimizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/weights.hpp"
#include "core/train/checkpoint.hpp"
#include "core/util/files.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::train {
namespace {
using kit::error_of;
using ::testing::HasSubstr;
namespace optim = torch::optim;

const std::string kText = R"(
[data]
roi = [16, 16]
[backbone.a]
plugin = "test_pyramid"
[head.mask]
plugin = "test_mask"
on = "a.S1"
[head.mask.regularizer]
plugin = "test_smooth"
)";

// The regularizer's `strength` learns ten times as fast: two parameter groups.
std::vector<optim::OptimizerParamGroup> groups_of(const model::Model& model) {
  const auto scales = model.lr_scales();
  std::vector<Tensor> plain, fast;
  for (const auto& item : model.named_parameters())
    (scales.count(item.key()) ? fast : plain).push_back(item.value());
  return {optim::OptimizerParamGroup(plain), optim::OptimizerParamGroup(fast)};
}

void set_gradients(const model::Model& model, uint64_t seed) {
  torch::manual_seed(seed);
  for (const auto& p : model.parameters()) p.mutable_grad() = torch::randn_like(p);
}

class Parity : public ::testing::Test {
 protected:
  Parity() { options.lr = 1e-2, options.weight_decay = 0.03, options.betas = {0.8, 0.95}; }

  // 20 steps beside torch's own, on the same gradients and with a rate that moves.
  void compare(
      optim::Optimizer& theirs,
      const std::function<void(double lr, double scale, optim::OptimizerParamGroup&)>& set_lr) {
    Optimizer optimizer(*ours.model, options);
    for (int step = 0; step < 20; ++step) {
      const double lr = options.lr / (1 + step % 3);
      set_gradients(*ours.model, static_cast<uint64_t>(step));
      set_gradients(*torchs.model, static_cast<uint64_t>(step));
      set_lr(lr, 1, theirs.param_groups()[0]);
      set_lr(lr, 10, theirs.param_groups()[1]);
      optimizer.step(lr, optimizer.base_momentum());
      theirs.step();
    }
    const auto expected = model::state(*torchs.model);
    for (const auto& [name, t] : model::state(*ours.model)) {
      if (!t.is_floating_point()) continue;
      EXPECT_TRUE(torch::allclose(t, expected.at(name), 1e-6, 1e-6))
          << name << " differs by " << (t - expected.at(name)).abs().max().item<float>();
    }
  }
  kit::Assembled ours = kit::assemble(kText), torchs = kit::assemble(kText);
  config::TrainOptions options;
};

TEST_F(Parity, Adam) {
  options.optimizer = "adam";
  optim::Adam theirs(groups_of(*torchs.model),
                     optim::AdamOptions(1e-2).betas({0.8, 0.95}).weight_decay(0.03));
  compare(theirs, [](double lr, double scale, auto& group) {
    static_cast<optim::AdamOptions&>(group.options()).lr(lr * scale);
  });
}

TEST_F(Parity, AdamW) {
  options.optimizer = "adamw";
  optim::AdamW theirs(groups_of(*torchs.model),
                      optim::AdamWOptions(1e-2).betas({0.8, 0.95}).weight_decay(0.03));
  compare(theirs, [](double lr, double scale, auto& group) {
    static_cast<optim::AdamWOptions&>(group.options()).lr(lr * scale);
  });
}

TEST_F(Parity, SgdWithAndWithoutMomentum) {
  options.optimizer = "sgd";
  for (const double momentum : {0.9, 0.0}) {
    options.momentum = momentum;
    ours = kit::assemble(kText), torchs = kit::assemble(kText);
    optim::SGD theirs(groups_of(*torchs.model),
                      optim::SGDOptions(1e-2).momentum(momentum).weight_decay(0.03));
    compare(theirs, [](double lr, double scale, auto& group) {
      static_cast<optim::SGDOptions&>(group.options()).lr(lr * scale);
    });
  }
}

TEST(Optimizer, ChannelsLastParametersStepTheSame) {
  auto plain = kit::assemble(kText), turned = kit::assemble(kText);
  for (auto& p : turned->parameters())
    if (p.dim() == 4) p.set_data(p.contiguous(torch::MemoryFormat::ChannelsLast));
  config::TrainOptions options;
  Optimizer a(*plain.model, options), b(*turned.model, options);
  for (uint64_t step = 0; step < 5; ++step) {
    set_gradients(*plain.model, step);
    for (size_t i = 0; i < plain->parameters().size();
         ++i)  // with strides that are not the parameter's
      turned->parameters()[i].mutable_grad() = plain->parameters()[i].grad().clone();
    a.step(1e-2, 0.9), b.step(1e-2, 0.9);
  }
  for (size_t i = 0; i < plain->parameters().size(); ++i)
    EXPECT_TRUE(torch::allclose(plain->parameters()[i], turned->parameters()[i], 1e-6, 1e-7)) << i;
}

TEST(Optimizer, ItsStateGoesOnBitForBit) {
  for (const auto* kind : {"adam", "adamw", "sgd"}) {
    config::TrainOptions options;
    options.optimizer = kind, options.weight_decay = 0.01;
    auto one = kit::assemble(kText), two = kit::assemble("[experiment]\nseed = 9" + kText);
    Optimizer whole(*one.model, options);
    const auto step = [](kit::Assembled& m, Optimizer& o, uint64_t seed) {
      set_gradients(*m.model, seed);
      o.step(1e-2, o.base_momentum());
    };
    for (uint64_t i = 0; i < 5; ++i) step(one, whole, i);
    Optimizer resumed(*two.model, options);
    model::load_state(*two.model, model::state(*one.model));
    resumed.load_state(whole.state());
    for (uint64_t i = 5; i < 10; ++i) step(one, whole, i), step(two, resumed, i);
    const auto expected = model::state(*one.model);
    for (const auto& [name, t] : model::state(*two.model))
      EXPECT_TRUE(t.equal(expected.at(name))) << kind << " " << name;
  }
}

TEST(Optimizer, AnotherExperimentsStateIsRefused) {
  auto a = kit::assemble(kText);
  Optimizer adam(*a.model, {});
  config::TrainOptions sgd_options;
  sgd_options.optimizer = "sgd";
  const Optimizer sgd(*a.model, sgd_options);
  EXPECT_THAT(error_of([&] { adam.load_state(sgd.state()); }).what(),
              HasSubstr("exp_avg_sq': it was written by another"));
  auto wide = kText;
  wide.insert(wide.find("[head.mask]"), "width = 8\n");
  const auto b = kit::assemble(wide);
  EXPECT_THAT(error_of([&] { adam.load_state(Optimizer(*b.model, {}).state()); }).what(),
              HasSubstr("no optimizer state for 'a."));
}

TEST(Optimizer, ClipsTheNormOfAllGradientsTogether) {
  auto m = kit::assemble(kText);
  Optimizer optimizer(*m.model, {});
  set_gradients(*m.model, 1);
  double squares = 0;
  for (const auto& p : m->parameters()) squares += p.grad().square().sum().item<double>();
  const auto first = m->parameters()[0].grad().clone();
  const auto norm = [&] { return optimizer.norm().item<double>(); };
  EXPECT_NEAR(norm(), std::sqrt(squares), 1e-3);
  optimizer.clip(1e6);
  EXPECT_TRUE(m->parameters()[0].grad().equal(first)) << "not above the limit";
  optimizer.clip(0.5);
  EXPECT_NEAR(norm(), 0.5, 1e-4);
  EXPECT_TRUE(
      torch::allclose(m->parameters()[0].grad(), first * (0.5 / std::sqrt(squares)), 1e-4, 1e-7));
  optimizer.zero_grad();
  optimizer.clip(1);
  EXPECT_EQ(norm(), 0);
}

TEST(Optimizer, FrozenParametersAreNotTouched) {
  auto m = kit::assemble(kText + "[train]\nfreeze = [\"a\"]\n");
  const auto before = kit::tensor(*m.model, "a.S1.conv.weight").clone();
  config::TrainOptions options;
  options.weight_decay = 0.1;
  Optimizer optimizer(*m.model, options);
  EXPECT_EQ(optimizer.state().count("a.S1.conv.weight.exp_avg"), 0u);
  for (const auto& p : m->parameters())
    if (p.requires_grad()) p.mutable_grad() = torch::ones_like(p);
  optimizer.step(0.1, 0.9);
  EXPECT_TRUE(kit::tensor(*m.model, "a.S1.conv.weight").equal(before));
}

TEST(Optimizer, NothingToTrainIsAWrongRequest) {
  const auto m = kit::assemble(kText + "[train]\nfreeze = [\"a\", \"head\", \"regularizer\"]\n");
  const Error error = error_of([&] { Optimizer(*m.model, {}); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), HasSubstr("nothing to train"));
}

Checkpoint example() {
  Checkpoint c;
  torch::manual_seed(2);
  c.model = {{"a.weight", torch::randn({3, 4})},
             {"a.steps", torch::tensor(7)},
             {"half", torch::randn({5}).to(torch::kBFloat16)}};
  c.optimizer = {{"a.weight.exp_avg", torch::randn({3, 4})}, {"count", torch::tensor(3.0f)}};
  c.rng = rng_states(torch::kCPU);
  c.numbers = {{"best", 0.1 + 0.2}, {"loss", -1e300}};
  c.epoch = 3, c.batch = 5, c.step = 1234567890123;
  c.run = "01ABC";
  return c;
}

TEST(CheckpointFile, RoundTripIsExact) {
  const kit::Folder folder;
  const auto file = folder.path() / "last.pt";
  const Checkpoint c = example();
  c.save(file);
  const Checkpoint back = Checkpoint::load(file);
  for (const auto& [mine, theirs] :
       {std::pair{&c.model, &back.model}, {&c.optimizer, &back.optimizer}, {&c.rng, &back.rng}}) {
    ASSERT_EQ(mine->size(), theirs->size());
    for (const auto& [name, t] : *mine) EXPECT_TRUE(t.equal(theirs->at(name))) << name;
  }
  EXPECT_EQ(back.numbers, c.numbers);
  EXPECT_EQ(back.epoch, 3);
  EXPECT_EQ(back.batch, 5);
  EXPECT_EQ(back.step, c.step);
  EXPECT_EQ(back.run, "01ABC");
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
    ++files;
  EXPECT_EQ(files, 1u) << "what was written beside is left";
}

TEST(CheckpointFile, AnAverageIsKeptBesideTheModel) {
  const kit::Folder folder;
  const auto file = folder.path() / "last.pt";
  Checkpoint c = example();
  c.average = {{"a.weight", torch::ones({3, 4})}};
  c.save(file);
  const Checkpoint back = Checkpoint::load(file);
  EXPECT_TRUE(back.model.at("a.weight").equal(c.model.at("a.weight")));
  EXPECT_TRUE(back.weights().at("a.weight").equal(torch::ones({3, 4})));
  EXPECT_TRUE(example().weights().at("a.weight").equal(c.model.at("a.weight")));
}

TEST(CheckpointFile, TheGeneratorGoesOn) {
  torch::manual_seed(5);
  torch::rand({3});
  torch::randn({1});  // odd, so that a cached normal value must be kept too
  const auto states = rng_states(torch::kCPU);
  const auto next = torch::randn({17});
  torch::manual_seed(99);
  set_rng_states(states, torch::kCPU);
  EXPECT_TRUE(torch::randn({17}).equal(next));
}

TEST(CheckpointFile, DamageIsAnErrorThatNamesTheFile) {
  const kit::Folder folder;
  const auto file = folder.path() / "last.pt";
  example().save(file);
  const std::string good = util::read_file(file);
  std::vector<std::pair<std::string, std::string>> bad{{"empty", ""}, {"text", "hello"}};
  for (const double part : {0.1, 0.5, 0.9, 0.999})
    bad.emplace_back("cut at " + std::to_string(part),
                     good.substr(0, static_cast<size_t>(part * static_cast<double>(good.size()))));
  for (const auto& [what, bytes] : bad) {
    folder.write("last.pt", bytes);
    EXPECT_THAT(error_of([&] { Checkpoint::load(file); }).what(),
                HasSubstr("last.pt: not a Hilum checkpoint, or damaged"))
        << what;
  }
  std::filesystem::remove(file);
  EXPECT_THAT(error_of([&] { Checkpoint::load(file); }).what(),
              HasSubstr("there is no such checkpoint"));
}
}  // namespace
}  // namespace hilum::train
