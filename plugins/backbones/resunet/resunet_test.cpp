// SPDX-License-Identifier: Apache-2.0
// resunet against PyTorch: its blocks one by one, the network of Zhang et al. with a loss, and
// where the options put what the QIMS paper changed.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "core/util/files.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
namespace fs = std::filesystem;
using Options = std::map<std::string, Data>;
using Words = std::map<std::string, std::string>;
using State = std::map<std::string, Tensor>;
const fs::path kReference = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "ref";

// A stage of the network by itself, for a feature of this shape. In train mode, as new.
Block stage(const Options& options, const std::string& name, const Shape& in) {
  Values values;
  for (const auto& [key, data] : options) values[key] = {data, "test"};
  Graph graph;
  kit::plugin("backbone/resunet").build(values, graph);
  for (const auto& stage : graph.stages())
    if (stage.name == name) return stage.make({.in = {in}, .image = in});
  throw Error("no stage " + name);
}

// "c1.0.weight" -> "conv1.depthwise.weight": the longest word that theirs begins with.
std::string renamed(const std::string& theirs, const Words& words) {
  size_t best = 0;
  std::string ours;
  for (const auto& [from, to] : words)
    if (theirs.starts_with(from + ".") && from.size() > best) {
      best = from.size();
      ours = to + theirs.substr(best);
    }
  return ours;
}

const Words kUnit{
    {"pre.0", "norm1"}, {"c1", "conv1"}, {"c1.0", "conv1.depthwise"}, {"c1.1", "conv1.pointwise"},
    {"b2", "norm2"},    {"c2", "conv2"}, {"sk.0", "shortcut"},        {"sk.1", "shortcut_norm"}};
const Words kAspp{{"b.0.0", "conv1"},     {"b.0.1", "norm1"}, {"b.1.0", "conv2"},
                  {"b.1.1", "norm2"},     {"b.2.0", "conv3"}, {"b.2.1", "norm3"},
                  {"b.3.0", "conv4"},     {"b.3.1", "norm4"}, {"p.0", "project"},
                  {"p.1", "project_norm"}};

// Every tensor of the file that begins with `prefix`, by our names.
State part(const State& file, const std::string& prefix, const Words& words) {
  State out;
  for (const auto& [name, t] : file)
    if (name.starts_with(prefix)) out[renamed(name.substr(prefix.size()), words)] = t;
  return out;
}

// Relative to the largest value: both sides sum many floats in their own order.
void expect_near(const Tensor& a, const Tensor& b, const std::string& what) {
  ASSERT_EQ(a.numel(), b.numel()) << what;
  const double scale = b.abs().max().item<double>() + 1e-3;
  EXPECT_LT((a.view_as(b) - b).abs().max().item<double>(), 1e-5 * scale) << what;
}

// Outputs, all gradients and buffers of one block in train mode.
void expect_equal(const Block& block, const std::string& file, const Words& words) {
  SCOPED_TRACE(file);
  const auto io = model::read_safetensors(kReference / "blocks" / (file + ".safetensors"));
  auto state = model::state(*block.module);
  {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, t] : part(io, "p_", words)) state.at(name).copy_(t);
  }
  const Tensor x = io.at("in0").clone().set_requires_grad(true);
  const Tensor y = block.forward({x});
  expect_near(y, io.at("y"), "y");
  y.backward(io.at("gy"));
  expect_near(x.grad(), io.at("gin0"), "the input's gradient");
  const auto grads = part(io, "g_", words);
  EXPECT_EQ(grads.size(), block.module->parameters().size());
  for (const auto& [name, t] : grads) expect_near(state.at(name).grad(), t, "gradient of " + name);
  const auto after = part(io, "bufafter_", words);
  EXPECT_EQ(after.size(), block.module->buffers().size());
  for (const auto& [name, t] : after) expect_near(state.at(name), t, name);
}

class Blocks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kReference / "blocks")) GTEST_SKIP() << kReference << " is absent";
  }
};

TEST_F(Blocks, FirstUnit) {
  const Options options{{"width", int64_t{8}}, {"depth", int64_t{2}}};
  expect_equal(stage(options, "S1", {1, 1, 16, 16}), "rb_1_8_first", kUnit);
}

TEST_F(Blocks, UnitThatHalves) {
  const Options options{{"width", int64_t{4}}, {"depth", int64_t{2}}};
  expect_equal(stage(options, "S2", {1, 4, 16, 16}), "rb_4_8_s2", kUnit);
}

TEST_F(Blocks, SeparableUnitThatHalves) {
  const Options options{{"width", int64_t{4}}, {"depth", int64_t{2}}, {"separable", true}};
  expect_equal(stage(options, "S2", {1, 4, 16, 16}), "rb_4_8_s2_ds", kUnit);
}

TEST_F(Blocks, Aspp) {
  const Options options{
      {"width", int64_t{4}}, {"depth", int64_t{2}}, {"aspp", true}, {"aspp_apart", true}};
  expect_equal(stage(options, "aspp", {1, 8, 16, 16}), "aspp_8_8_r1_5_10_15", kAspp);
}

// "e.1.pre.0.weight" -> "seg.S2.norm1.weight": e.0-3 are S1-S4, u.0-2 S5-S7.
std::string our_name(const std::string& theirs) {
  if (theirs.starts_with("out.")) return "head.mask.conv" + theirs.substr(3);
  const int number = std::stoi(theirs.substr(2)) + (theirs[0] == 'e' ? 1 : 5);
  return "seg.S" + std::to_string(number) + "." + renamed(theirs.substr(4), kUnit);
}

class ResUNet : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kReference / "resunet_tiny.json")) GTEST_SKIP() << kReference << " is absent";
    io = model::read_safetensors(kReference / "resunet_tiny.io.safetensors");
    figures = nlohmann::json::parse(util::read_file(kReference / "resunet_tiny.json"));
    State weights;
    for (const auto& [name, t] :
         model::read_safetensors(kReference / "resunet_tiny.weights.safetensors"))
      weights[our_name(name)] = t;
    m = kit::assemble(R"(
[data]
roi = [64, 64]
[backbone.seg]
plugin = "resunet"
width = 8
depth = 4
[head.mask]
plugin = "segmentation"
on = "seg.S7"
reduce = "sample"
)");
    const auto report = model::load_state(*m.model, weights);
    EXPECT_TRUE(report.missing.empty() && report.left_over.empty() && report.mismatched.empty());
    EXPECT_EQ(report.copied, static_cast<int64_t>(weights.size()));
    values = {{"image", io.at("x")}, {"mask", io.at("t")}};
  }
  Tensor logits() { return m->forward(values).at("mask").at("logits"); }

  State io;
  nlohmann::json figures;
  kit::Assembled m;
  Named values;
};

TEST_F(ResUNet, LogitsInEvalMode) {
  const torch::NoGradGuard no_grad;
  m->eval();
  expect_near(logits(), io.at("y_eval"), "logits");
}

TEST_F(ResUNet, LogitsAndRunningMeansInTrainMode) {
  const torch::NoGradGuard no_grad;
  m->train();
  expect_near(logits(), io.at("y_train"), "logits");
  for (const auto& [key, sum] : figures["running_sum_after_1_train_fwd"].items()) {
    const double ours = kit::tensor(*m.model, our_name(key.substr(3))).sum().item<double>();
    EXPECT_NEAR(ours, sum.get<double>(), 1e-5 * (1 + std::abs(sum.get<double>()))) << key;
  }
}

TEST_F(ResUNet, LossAndGradients) {
  m->train();
  const auto losses = m->loss(m->forward(values), values);
  EXPECT_NEAR(losses.total.item<double>(), io.at("loss").item<double>(), 1e-5);
  losses.total.backward();
  size_t compared = 0;
  for (const auto& [name, norm] : figures["grad_norm"].items()) {
    const Tensor grad = kit::tensor(*m.model, our_name(name)).grad();
    EXPECT_NEAR(grad.norm().item<double>(), norm.get<double>(), 1e-4 * norm.get<double>() + 1e-7)
        << name;
    const Tensor& first = io.at("gh_" + name);
    EXPECT_TRUE(torch::allclose(grad.flatten().slice(0, 0, first.numel()), first, 1e-3, 1e-6))
        << name;
    ++compared;
  }
  EXPECT_EQ(compared, m->parameters().size());
}

// The stages that own a parameter whose name has this in it.
Strings with(const Options& options, const std::string& word) {
  auto alone = kit::alone("backbone/resunet", options, {{"x", torch::zeros({1, 1, 32, 32})}});
  std::set<std::string> stages;
  for (const auto& item : alone.module().named_parameters())
    if (item.key().find(word) != std::string::npos)
      stages.insert(item.key().substr(0, item.key().find('.')));
  return {stages.begin(), stages.end()};
}

TEST(ResUNetOptions, StandWhereThePapersPutThem) {
  const Options small{{"width", int64_t{4}}, {"depth", int64_t{3}}};
  const auto and_also = [&](Options more) {
    more.insert(small.begin(), small.end());
    return more;
  };
  EXPECT_EQ(with(small, "depthwise"), Strings{});
  EXPECT_EQ(with(and_also({{"separable", true}}), "depthwise"), (Strings{"S2", "S3"}));
  EXPECT_EQ(with(small, "project"), Strings{});
  EXPECT_EQ(with(and_also({{"aspp", true}}), "project"), (Strings{"S3", "S5"}));
  EXPECT_EQ(with(and_also({{"aspp", true}, {"aspp_apart", true}}), "project"),
            (Strings{"S5", "aspp"}));
  EXPECT_EQ(with(and_also({{"aspp", true}, {"aspp_rates", std::vector<int64_t>{2, 3}}}), "conv3"),
            Strings{});
  EXPECT_EQ(with(and_also({{"up", "transposed"}}), "up."), (Strings{"S4", "S5"}));
}

TEST(ResUNetOptions, AnAsppApartGivesTheSameNetwork) {
  const Named x{{"x", torch::randn({2, 1, 24, 20})}};
  Options options{{"width", int64_t{4}}, {"depth", int64_t{3}}, {"aspp", true}};
  auto inside = kit::alone("backbone/resunet", options, x);
  options["aspp_apart"] = true;
  auto apart = kit::alone("backbone/resunet", options, x);
  const torch::NoGradGuard no_grad;
  const auto theirs = model::state(inside.module());
  for (auto& [name, t] : model::state(apart.module()))
    t.copy_(theirs.at(name.starts_with("aspp.") ? "S3." + name : name));
  const auto a = inside.forward(x), b = apart.forward(x);
  EXPECT_TRUE(a.at("S3").equal(b.at("aspp")));
  EXPECT_TRUE(a.at("S5").equal(b.at("S5")));
  EXPECT_FALSE(a.at("S3").equal(b.at("S3")));
}

TEST(ResUNetOptions, TheShortcutsKernel) {
  const auto kernel = [](const std::string& shortcut) {
    const auto block =
        stage({{"width", int64_t{4}}, {"shortcut", shortcut}}, "S2", {1, 4, 8, 8, 8});
    return model::state(*block.module).at("shortcut.weight").sizes().vec();
  };
  EXPECT_EQ(kernel("1x1"), (std::vector<int64_t>{8, 4, 1, 1, 1}));
  EXPECT_EQ(kernel("3x3"), (std::vector<int64_t>{8, 4, 3, 3, 3}));
}

TEST(ResUNetOptions, WrongOnesAreExplained) {
  const Named x{{"x", torch::zeros({1, 3, 16, 16})}};
  const auto message = [&](const Options& options) {
    return std::string(kit::error_of([&] { kit::alone("backbone/resunet", options, x); }).what());
  };
  EXPECT_NE(message({{"in_channels", int64_t{1}}}).find("'in_channels' is 1"), std::string::npos);
  EXPECT_NE(message({{"aspp_apart", true}}).find("set aspp = true"), std::string::npos);
  EXPECT_NE(message({{"aspp_rates", std::vector<int64_t>{}}}).find("'aspp_rates' is empty"),
            std::string::npos);
}
}  // namespace
}  // namespace hilum
