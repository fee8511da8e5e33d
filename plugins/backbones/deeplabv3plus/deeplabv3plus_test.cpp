// SPDX-License-Identifier: Apache-2.0
// deeplabv3plus: aspp and decoder against the same sums written out with torch's functions, what
// output_stride does, and segmentation_models_pytorch's parameter count and names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/weights.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Pair;
using Options = std::map<std::string, Data>;
using Whole = std::vector<int64_t>;

model::Alone deeplab(Options options, const Whole& image = {1, 1, 32, 32}) {
  return kit::alone("backbone/deeplabv3plus", options, {{"x", torch::zeros(image)}});
}
Options tiny(Options more = {}) {
  more.merge(Options{{"width", int64_t{4}},
                     {"layers", Whole{1, 1, 1, 1}},
                     {"channels", int64_t{8}},
                     {"low_channels", int64_t{6}},
                     {"rates", Whole{1, 2, 3}}});
  return more;
}

// The reference: aspp and decoder of a network in eval mode, by its parameters' names.
struct ByHand {
  Tensor at(const std::string& name) const { return weights.at(name); }
  Tensor conv(const std::string& name, const Tensor& x, int64_t rate = 1, int64_t groups = 1) {
    const Tensor w = at(name + ".weight");
    return torch::conv2d(x, w, {}, 1, w.size(2) == 3 ? rate : 0, rate, groups);
  }
  Tensor separable(const std::string& name, const Tensor& x, int64_t rate = 1) {
    return conv(name + ".1", conv(name + ".0", x, rate, x.size(1)));
  }
  Tensor norm_relu(const std::string& name, const Tensor& x) {
    return torch::batch_norm(x, at(name + ".weight"), at(name + ".bias"),
                             at(name + ".running_mean"), at(name + ".running_var"), false, 0.1,
                             1e-5, false)
        .relu();
  }
  Tensor aspp(const Tensor& x) {
    const auto branch = [](const std::string& i) { return "aspp.0.convs." + i; };
    Tensors all{norm_relu(branch("0.1"), conv(branch("0.0"), x))};
    for (int64_t i = 1; i <= 3; ++i) {  // rates 1, 2, 3
      const std::string name = branch(std::to_string(i));
      all.push_back(
          norm_relu(name + ".1", split ? separable(name + ".0", x, i) : conv(name + ".0", x, i)));
    }
    const Tensor mean = x.flatten(2).mean(2).unsqueeze(-1).unsqueeze(-1);
    all.push_back(
        norm_relu(branch("4.2"), conv(branch("4.1"), mean)).expand({-1, -1, x.size(2), x.size(3)}));
    const Tensor y = norm_relu("aspp.0.project.1", conv("aspp.0.project.0", torch::cat(all, 1)));
    return norm_relu("aspp.2", separable("aspp.1", y));
  }
  // Rows first, then columns: matrices whose corners are the corners.
  static Tensor stretch(int64_t from, int64_t to) {
    Tensor m = torch::zeros({to, from});
    for (int64_t i = 0; i < to; ++i) {
      const double p = static_cast<double>(i * (from - 1)) / static_cast<double>(to - 1);
      const auto low = std::min<int64_t>(static_cast<int64_t>(p), from - 2);
      m[i][low] = 1 - (p - static_cast<double>(low));
      m[i][low + 1] = p - static_cast<double>(low);
    }
    return m;
  }
  Tensor decoder(const Tensor& x, const Tensor& low) {
    const Tensor large =
        stretch(x.size(2), low.size(2)).matmul(x).matmul(stretch(x.size(3), low.size(3)).t());
    const Tensor small = norm_relu("decoder.block1.1", conv("decoder.block1.0", low));
    return norm_relu("decoder.block2.1",
                     separable("decoder.block2.0", torch::cat({large, small}, 1)));
  }
  std::map<std::string, Tensor> weights;
  bool split = true;
};

void randomise(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, t] : model::state(module))
    if (name.ends_with("running_var") || (name.ends_with("weight") && t.dim() == 1))
      Tensor(t).uniform_(0.5, 1.5);
    else if (name.ends_with("running_mean") || name.ends_with("bias"))
      Tensor(t).normal_(0, 0.3);
}

TEST(DeepLabV3Plus, AsppAndDecoderAreTheFormulas) {
  const torch::NoGradGuard no_grad;
  for (const bool split : {true, false}) {
    torch::manual_seed(3);
    auto net = deeplab(tiny({{"separable", split}}));
    randomise(net.module());
    net.module().eval();
    auto out = net.forward({{"x", torch::rand({2, 1, 70, 64})}});
    ByHand by_hand{model::state(net.module()), split};
    const auto aspp = by_hand.aspp(out.at("C5"));
    EXPECT_TRUE(torch::allclose(out.at("aspp"), aspp, 1e-4, 1e-5)) << split;
    EXPECT_TRUE(torch::allclose(out.at("decoder"), by_hand.decoder(aspp, out.at("C2")), 1e-4, 1e-5))
        << split;
  }
}

TEST(DeepLabV3Plus, HasTheReferencesNumberOfParameters) {
  auto net = deeplab({});
  int64_t sum = 0;
  for (const auto& p : net.module().parameters()) sum += p.numel();
  EXPECT_EQ(sum, 26'671'313 - 257);  // less the head, a 1x1 convolution to one logit
}

TEST(DeepLabV3Plus, HasTheReferencesNames) {
  auto net = deeplab(tiny());
  EXPECT_THAT(net.aliases(), ElementsAre(Pair("C1", "encoder"), Pair("C2", "encoder.layer1"),
                                         Pair("C3", "encoder.layer2"), Pair("C4", "encoder.layer3"),
                                         Pair("C5", "encoder.layer4"), Pair("aspp", "decoder.aspp"),
                                         Pair("decoder", "decoder")));
  Strings names;
  for (const auto& [name, t] : model::state(net.module())) names.push_back(name);
  EXPECT_THAT(
      names,
      IsSupersetOf(
          {"aspp.0.convs.0.0.weight", "aspp.0.convs.1.0.0.weight", "aspp.0.convs.1.0.1.weight",
           "aspp.0.convs.1.1.running_var", "aspp.0.convs.4.1.weight", "aspp.0.convs.4.2.bias",
           "aspp.0.project.0.weight", "aspp.0.project.1.weight", "aspp.1.0.weight",
           "aspp.1.1.weight", "aspp.2.weight", "decoder.block1.0.weight", "decoder.block1.1.weight",
           "decoder.block2.0.0.weight", "decoder.block2.0.1.weight", "decoder.block2.1.weight"}));
}

// The rows of `before` that the middle voxel of `after` reads, by its gradient. Of one bottleneck:
// the 3x3's taps, as far apart as its dilation.
Whole rows_read(const Tensor& after, const Tensor& before) {
  const auto middle = after.size(2) / 2;
  const auto grad = torch::autograd::grad({after.select(2, middle).select(2, middle).sum()},
                                          {before}, {}, true)[0];
  const auto rows = grad.abs().sum({0, 1, 3}).nonzero().flatten();
  return {rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel()};
}

TEST(DeepLabV3Plus, OutputStrideTurnsStrideIntoDilation) {
  const auto x = torch::rand({1, 1, 256, 256});
  auto at16 = deeplab(tiny()), at8 = deeplab(tiny({{"output_stride", int64_t{8}}}));
  at16.module().eval(), at8.module().eval();
  auto out = at16.forward({{"x", x}});
  EXPECT_EQ(out.at("C4").size(2), 16);
  EXPECT_EQ(out.at("C5").size(2), 16);
  EXPECT_THAT(rows_read(out.at("C4"), out.at("C3")), ElementsAre(15, 16, 17));
  EXPECT_THAT(rows_read(out.at("C5"), out.at("C4")), ElementsAre(6, 8, 10));
  out = at8.forward({{"x", x}});
  EXPECT_EQ(out.at("C4").size(2), 32);
  EXPECT_EQ(out.at("aspp").size(2), 32);
  EXPECT_EQ(out.at("decoder").size(2), 64);
  EXPECT_THAT(rows_read(out.at("C4"), out.at("C3")), ElementsAre(14, 16, 18));
  EXPECT_THAT(rows_read(out.at("C5"), out.at("C4")), ElementsAre(12, 16, 20));
}

TEST(DeepLabV3Plus, RatesAreBranches) {
  auto net = deeplab(tiny({{"rates", Whole{6}}}));
  const auto state = model::state(net.module());
  EXPECT_EQ(state.at("aspp.0.project.0.weight").size(1), 3 * 8);  // 1x1, one rate, the mean
  EXPECT_EQ(state.at("aspp.0.convs.2.1.weight").size(2), 1);
}

TEST(DeepLabV3Plus, DropsOutInTrainingOnly) {
  const torch::NoGradGuard no_grad;
  const auto x = torch::rand({2, 1, 32, 32});
  const auto twice_equal = [&](double dropout, bool training) {
    auto net = deeplab(tiny({{"dropout", dropout}}));
    net.module().train(training);
    const Tensor first = net.forward({{"x", x}}).at("aspp");
    return first.equal(net.forward({{"x", x}}).at("aspp"));
  };
  EXPECT_TRUE(twice_equal(0, true));
  EXPECT_FALSE(twice_equal(0.5, true));
  EXPECT_TRUE(twice_equal(0.5, false));
}

TEST(DeepLabV3Plus, ABatchOfOneCannotBeTrained) {
  auto net = deeplab(tiny());
  const Named one{{"x", torch::rand({1, 1, 64, 64})}};
  EXPECT_THAT(kit::error_of([&] { net.forward(one); }).what(), HasSubstr("train.drop_last = true"));
  net.module().eval();
  EXPECT_TRUE(net.forward(one).at("decoder").isfinite().all().item<bool>());
}

TEST(DeepLabV3Plus, SaysWhatIsAllowed) {
  const auto message = [](Options options) {
    return std::string(kit::error_of([&] { deeplab(options); }).what());
  };
  EXPECT_THAT(message({{"output_stride", int64_t{12}}}), HasSubstr("must be 8 or 16"));
  EXPECT_THAT(message({{"rates", Whole{}}}), HasSubstr("at least one dilation"));
  EXPECT_THAT(message({{"layers", Whole{3, 4}}}), HasSubstr("four numbers of blocks"));
}
}  // namespace
}  // namespace hilum
