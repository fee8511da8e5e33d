// SPDX-License-Identifier: Apache-2.0
#include "core/predict/sliding.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum::predict {
namespace {

TEST(Sliding, WindowsCoverTheAxisAndEndWithIt) {
  for (const double overlap : {0.0, 0.25, 0.5, 0.9})
    for (int64_t size = 8; size < 60; ++size)
      for (const int64_t margin : {0, 2, 3}) {
        const auto starts = window_starts(size, 8, {.overlap = overlap, .margin = margin});
        EXPECT_EQ(starts.front(), 0);
        EXPECT_EQ(starts.back(), size - 8);
        for (size_t i = 1; i < starts.size(); ++i) {
          EXPECT_GT(starts[i], starts[i - 1]);
          EXPECT_LE(starts[i] - starts[i - 1], std::max<int64_t>(1, 8 - 2 * margin));
        }
      }
  EXPECT_EQ(window_starts(8, 8, {}), std::vector<int64_t>{0});
  EXPECT_EQ(window_starts(16, 8, {}), (std::vector<int64_t>{0, 4, 8}));
  EXPECT_EQ(kit::error_of([] { window_starts(8, 8, {.margin = 4}); }).fault, Fault::request);
  EXPECT_EQ(kit::error_of([] { window_starts(8, 8, {.overlap = 1}); }).fault, Fault::request);
}

// Two convolutions of 3: what lies 3 or more voxels inside a window does not see its edge.
template <class Conv, class Options>
double worst(const std::vector<int64_t>& size, const std::vector<int64_t>& window, int64_t margin) {
  torch::manual_seed(1);
  Conv first(Options(2, 4, 3).padding(1)), second(Options(4, 1, 3).padding(1));
  const Forward net = [&](const torch::Tensor& x) {
    return second(torch::relu(first(x))).sigmoid();
  };
  const torch::NoGradGuard no_grad;
  auto shape = size;
  shape.insert(shape.begin(), {2, 2});
  const auto images = torch::randn(shape);
  const auto p = slide(images, window, {.overlap = 0.5, .margin = margin}, 3, net);
  EXPECT_EQ(p.size(1), 1);
  return (p - net(images)).abs().max().item<double>();
}

TEST(Sliding, EqualsTheWholeImageWhereWindowsDoNotSeeTheirEdges) {
  using torch::nn::Conv2d, torch::nn::Conv2dOptions, torch::nn::Conv3d, torch::nn::Conv3dOptions;
  const auto flat = &worst<Conv2d, Conv2dOptions>;
  const auto deep = &worst<Conv3d, Conv3dOptions>;
  EXPECT_LT(flat({37, 50}, {16, 12}, 2), 1e-5);
  EXPECT_LT(deep({9, 20, 23}, {8, 10, 12}, 2), 1e-5);
  EXPECT_GT(flat({37, 50}, {16, 12}, 0), 1e-5) << "the margin is what makes them equal";
  EXPECT_LT(flat({37, 50}, {16, 12}, 0), 1e-2) << "Gaussian weights make edges count little";
}
}  // namespace
}  // namespace hilum::predict
