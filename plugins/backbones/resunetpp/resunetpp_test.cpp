// SPDX-License-Identifier: Apache-2.0
// resunetpp against the authors' blocks written out in torch's functions, its size against theirs,
// and what the options do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/weights.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
namespace F = torch::nn::functional;
using Options = std::map<std::string, Data>;
using State = std::map<std::string, Tensor>;
const char* const kAddress = "backbone/resunetpp";

// The network in eval mode, in 2D and for even sizes, reading parameters by name.
struct ByHand {
  State state;

  Tensor at(const std::string& name) const {
    const auto found = state.find(name);
    return found == state.end() ? Tensor() : found->second;
  }
  Tensor conv(const Tensor& x, const std::string& name, int64_t stride = 1,
              int64_t rate = 1) const {
    const Tensor weight = at(name + ".weight");
    return torch::conv2d(x, weight, at(name + ".bias"), stride, rate * (weight.size(2) / 2), rate);
  }
  Tensor norm(const Tensor& x, const std::string& name) const {
    return torch::batch_norm(x, at(name + ".weight"), at(name + ".bias"),
                             at(name + ".running_mean"), at(name + ".running_var"), false, 0.1,
                             1e-5, false);
  }
  Tensor step(const Tensor& x, const std::string& norm_name, const std::string& conv_name,
              int64_t stride = 1) const {
    return conv(torch::relu(norm(x, norm_name)), conv_name, stride);
  }
  Tensor squeeze(const Tensor& x, const std::string& name) const {
    const Tensor mean = F::adaptive_avg_pool2d(x, F::AdaptiveAvgPool2dFuncOptions(1));
    const auto dense = [&](const Tensor& y, const std::string& layer) {
      return torch::conv2d(y, at(name + layer + ".weight").unsqueeze(-1).unsqueeze(-1));
    };
    return x * torch::sigmoid(dense(torch::relu(dense(mean, ".squeeze")), ".excite"));
  }
  Tensor unit(const Tensor& x, const std::string& s, int64_t stride, bool stem = false) const {
    const Tensor first = stem ? conv(x, s + ".conv1") : step(x, s + ".norm1", s + ".conv1", stride);
    const Tensor beside = norm(conv(x, s + ".shortcut", stride), s + ".shortcut_norm");
    return squeeze(step(first, s + ".norm2", s + ".conv2") + beside, s + ".squeeze");
  }
  Tensor pyramid(const Tensor& x, const std::string& s) const {
    Tensor sum = torch::zeros({});
    for (const auto& [branch, rate] : {std::pair{"1", 1}, {"2", 6}, {"3", 12}, {"4", 18}})
      sum = sum + norm(conv(x, s + ".conv" + branch, 1, rate), s + ".norm" + branch);
    return conv(sum, s + ".project");
  }
  Tensor up(const Tensor& x, const Tensor& skip, const std::string& s) const {
    const std::string a = s + ".attention.";
    const Tensor of_skip = torch::max_pool2d(step(skip, a + "of_skip.norm", a + "of_skip.conv"), 2);
    const Tensor both = of_skip + step(x, a + "of_x.norm", a + "of_x.conv");
    const Tensor attended = step(both, a + "of_both.norm", a + "of_both.conv") * x;
    const Tensor doubled = attended.repeat_interleave(2, 2).repeat_interleave(2, 3);
    return unit(torch::cat({doubled, skip}, 1), s, 1);
  }
  Named forward(const Tensor& x) const {
    Named s;
    s["S1"] = unit(x, "S1", 1, true);
    s["S2"] = unit(s["S1"], "S2", 2);
    s["S3"] = unit(s["S2"], "S3", 2);
    s["S4"] = unit(s["S3"], "S4", 2);
    s["S5"] = pyramid(s["S4"], "S5");
    s["S6"] = up(s["S5"], s["S3"], "S6");
    s["S7"] = up(s["S6"], s["S2"], "S7");
    s["S8"] = up(s["S7"], s["S1"], "S8");
    s["S9"] = pyramid(s["S8"], "S9");
    return s;
  }
};

// Batch norms that do something.
void randomise(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (auto& [name, t] : model::state(module)) {
    if (name.find("norm") == std::string::npos || !t.is_floating_point()) continue;
    if (name.ends_with("weight") || name.ends_with("running_var"))
      t.uniform_(0.5, 1.5);
    else
      t.uniform_(-0.3, 0.3);
  }
}

TEST(ResUNetPlusPlus, EqualsTheBlocksWrittenOut) {
  torch::manual_seed(0);
  const Named x{{"x", torch::randn({2, 1, 48, 40}, torch::kDouble)}};
  auto net = kit::alone(kAddress, {{"width", int64_t{8}}}, {{"x", x.at("x").to(torch::kFloat)}});
  randomise(net.module());
  net.module().to(torch::kDouble);
  net.module().eval();
  const torch::NoGradGuard no_grad;
  const Named ours = net.forward(x),
              expected = ByHand{model::state(net.module())}.forward(x.at("x"));
  EXPECT_EQ(ours.size(), expected.size());
  for (const auto& [name, t] : expected) {
    ASSERT_EQ(ours.at(name).sizes(), t.sizes()) << name;
    EXPECT_LT((ours.at(name) - t).abs().max().item<double>(), 1e-11) << name;
  }
}

std::vector<int64_t> shape(const Named& out, const std::string& stage) {
  return out.at(stage).sizes().vec();
}
using Sizes = std::vector<int64_t>;

TEST(ResUNetPlusPlus, HasTheAuthorsSizesAndParameters) {
  const Named x{{"x", torch::randn({1, 3, 64, 64})}};
  auto net = kit::alone(kAddress, {}, x);
  net.module().eval();
  const torch::NoGradGuard no_grad;
  const auto out = net.forward(x);
  EXPECT_EQ(shape(out, "S1"), (Sizes{1, 16, 64, 64}));
  EXPECT_EQ(shape(out, "S4"), (Sizes{1, 128, 8, 8}));
  EXPECT_EQ(shape(out, "S5"), (Sizes{1, 256, 8, 8}));
  EXPECT_EQ(shape(out, "S6"), (Sizes{1, 128, 16, 16}));
  EXPECT_EQ(shape(out, "S8"), (Sizes{1, 32, 64, 64}));
  EXPECT_EQ(shape(out, "S9"), (Sizes{1, 16, 64, 64}));
  int64_t parameters = 0;
  for (const auto& p : net.module().parameters()) parameters += p.numel();
  EXPECT_EQ(parameters + 17, 4062993);  // 17: the head's 1x1 with its bias
}

TEST(ResUNetPlusPlus, OddSizesComeBack) {
  const Named x{{"x", torch::randn({1, 1, 37, 22, 17})}};
  auto net = kit::alone(kAddress, {{"width", int64_t{4}}}, x);
  net.module().eval();
  const torch::NoGradGuard no_grad;
  const auto out = net.forward(x);
  EXPECT_EQ(shape(out, "S5"), (Sizes{1, 64, 5, 3, 3}));
  EXPECT_EQ(shape(out, "S6"), (Sizes{1, 32, 10, 6, 5}));
  EXPECT_EQ(shape(out, "S9"), (Sizes{1, 4, 37, 22, 17}));
}

// With a factor of zero the decoder's unit sees the skip alone.
TEST(ResUNetPlusPlus, AttentionMultiplies) {
  const Named x{{"x", torch::randn({1, 1, 32, 32})}};
  const auto s6_with = [&](const std::string& attention, double bias) {
    torch::manual_seed(0);
    auto net = kit::alone(kAddress, {{"width", int64_t{4}}, {"attention", attention}}, x);
    net.module().eval();
    const torch::NoGradGuard no_grad;
    auto state = model::state(net.module());
    for (auto& [name, t] : state)  // the same in all three networks
      if (name.ends_with("weight") && name.find("norm") == std::string::npos)
        t.copy_(torch::linspace(-0.3, 0.4, t.numel()).view_as(t));
      else if (name.ends_with("bias"))
        t.zero_();
    if (attention != "none") {
      state.at("S6.attention.of_both.conv.weight").zero_();
      state.at("S6.attention.of_both.conv.bias").fill_(bias);
    }
    return net.forward(x).at("S6");
  };
  const Tensor none = s6_with("none", 0);
  EXPECT_TRUE(torch::allclose(s6_with("plain", 1), none, 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(s6_with("plain", 0), none, 1e-2, 1e-3));
  EXPECT_TRUE(torch::allclose(s6_with("sigmoid", 0), s6_with("plain", 0.5), 1e-4, 1e-5));
}

TEST(ResUNetPlusPlus, TheSqueezeRatioAndTheRates) {
  const Named x{{"x", torch::zeros({1, 1, 32, 32})}};
  const auto state = [&](Options more) {
    more["width"] = int64_t{16};
    auto net = kit::alone(kAddress, more, x);
    return model::state(net.module());
  };
  EXPECT_EQ(state({}).at("S3.squeeze.squeeze.weight").sizes().vec(), (Sizes{8, 64}));
  EXPECT_EQ(state({{"squeeze", int64_t{16}}}).at("S3.squeeze.squeeze.weight").sizes().vec(),
            (Sizes{4, 64}));
  EXPECT_EQ(state({{"squeeze", int64_t{64}}}).at("S1.squeeze.squeeze.weight").sizes().vec(),
            (Sizes{1, 16}));
  const auto two = state({{"aspp_rates", std::vector<int64_t>{1, 2}}});
  EXPECT_TRUE(two.count("S5.conv2.weight"));
  EXPECT_FALSE(two.count("S5.conv3.weight"));
}

TEST(ResUNetPlusPlus, WrongOptionsAreExplained) {
  const Named x{{"x", torch::zeros({1, 3, 32, 32})}};
  const auto message = [&](const Options& options) {
    return std::string(kit::error_of([&] { kit::alone(kAddress, options, x); }).what());
  };
  EXPECT_THAT(message({{"in_channels", int64_t{1}}}), ::testing::HasSubstr("'in_channels' is 1"));
  EXPECT_THAT(message({{"aspp_rates", std::vector<int64_t>{}}}),
              ::testing::HasSubstr("'aspp_rates' is empty"));
}
}  // namespace
}  // namespace hilum
