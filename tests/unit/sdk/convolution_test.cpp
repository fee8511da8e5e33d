// SPDX-License-Identifier: Apache-2.0
// The weight's gradient as one matrix product, against LibTorch's own.
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/torch.h>
#include <hilum/convolution.hpp>

#include "core/model/autocast.hpp"
#include "tests/unit/sdk/unfused.hpp"

namespace {
using torch::Tensor;

struct Case {
  std::vector<int64_t> image;
  int64_t out, kernel;
  hilum::ConvolutionOptions options;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << at::IntArrayRef(c.image) << " to " << c.out << ", kernel " << c.kernel
             << ", stride " << c.options.stride << ", dilation " << c.options.dilation;
}

struct Found {
  Tensor y, dx, dw;
  std::string name;
};
Found found(const Case& c, const Tensor& from, const Tensor& weight, const Tensor& dy) {
  const Tensor x = from.detach().clone().requires_grad_(true);
  const Tensor w = weight.detach().clone().requires_grad_(true);
  Tensor y;
  {
    const hilum::model::Autocast on(from.scalar_type() == at::kBFloat16);
    y = hilum::convolution(x, w, {}, c.options);
  }
  y.backward(dy.to(y.scalar_type()));
  return {y.detach(), x.grad(), w.grad(), y.grad_fn()->name()};
}

class SmallConvolution : public testing::TestWithParam<Case> {};

TEST_P(SmallConvolution, IsLibTorchs) {
  const Case& c = GetParam();
  torch::manual_seed(4);
  const Tensor x =
      torch::randn(c.image).to(at::kBFloat16).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor w =
      torch::empty({c.out, c.image[1], c.kernel, c.kernel},
                   torch::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  w.copy_(torch::randn(w.sizes()).to(at::kBFloat16));
  Tensor dy;
  {
    const torch::NoGradGuard none;
    dy = torch::randn_like(hilum::convolution(x.to(at::kDouble), w.to(at::kDouble), {}, c.options))
             .to(at::kBFloat16);
  }
  const Found own = found(c, x, w, dy);
  EXPECT_NE(own.name.find("SmallConvolution"), std::string::npos) << own.name;
  EXPECT_EQ(own.dw.scalar_type(), at::kFloat);
  EXPECT_EQ(own.dw.strides(), w.strides()) << "the optimizer walks both in one order";
  const Found reference = found(c, x.to(at::kDouble), w.to(at::kDouble), dy.to(at::kDouble));
  const auto check = [&](const char* name, const Tensor& a, const Tensor& b) {
    const double error = (a.to(at::kDouble) - b).abs().max().item<double>();
    EXPECT_LE(error, 5e-3 * b.abs().max().item<double>()) << name << ", " << c;
  };
  check("y", own.y, reference.y);
  check("dx", own.dx, reference.dx);
  check("dw", own.dw, reference.dw);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SmallConvolution,
                         testing::Values(Case{{2, 16, 8, 8}, 24, 3, {.padding = 1}},
                                         Case{{2, 16, 9, 7}, 24, 3, {.stride = 2, .padding = 1}},
                                         Case{{3, 8, 8, 8}, 5, 3, {.padding = 5, .dilation = 5}},
                                         Case{{3, 8, 8, 8}, 5, 3, {.padding = 15, .dilation = 15}},
                                         Case{{2, 40, 8, 8}, 16, 1, {}},
                                         Case{{2, 40, 8, 8}, 16, 1, {.stride = 2}},
                                         Case{{1, 4, 6, 6}, 3, 5, {.padding = 2}},
                                         Case{{2, 4, 6, 6}, 3, 3, {}}));  // no padding

TEST(SmallConvolution, IsForSmallImagesInBfloat16Alone) {
  const auto name = [](std::vector<int64_t> sizes, at::ScalarType type, Tensor bias) {
    const Tensor x = torch::randn(sizes)
                         .to(type)
                         .contiguous(at::MemoryFormat::ChannelsLast)
                         .requires_grad_(true);
    const Tensor w = torch::randn({4, sizes[1], 3, 3}).requires_grad_(true);
    const hilum::model::Autocast on(true);
    return hilum::convolution(x, w, bias, {.padding = 1}).grad_fn()->name();
  };
  const auto is_own = [&](const std::string& n) { return n.find("Small") != std::string::npos; };
  EXPECT_TRUE(is_own(name({1, 4, 32, 32}, at::kBFloat16, {})));
  EXPECT_FALSE(is_own(name({1, 4, 33, 32}, at::kBFloat16, {}))) << "larger";
  EXPECT_FALSE(is_own(name({1, 4, 32, 32}, at::kFloat, {}))) << "an image that was not cast yet";
  EXPECT_FALSE(is_own(name({1, 4, 32, 32}, at::kBFloat16, torch::randn({4})))) << "a bias";
  const hilum::testing::Unfused off;
  EXPECT_FALSE(is_own(name({1, 4, 32, 32}, at::kBFloat16, {})));
}
}  // namespace
