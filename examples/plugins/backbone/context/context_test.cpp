// SPDX-License-Identifier: Apache-2.0
// What only this part promises. How every plugin has to behave, `hilum plugins check` tries.
#include "context.cpp"

#include <gtest/gtest.h>

namespace {
using hilum::Tensor;

// All stages after each other, in evaluation: batch norm would carry a voxel everywhere.
Tensor run(const hilum::Graph& graph, const Tensor& image) {
  const auto shape = [](const Tensor& t) {
    return hilum::Shape(t.sizes().begin(), t.sizes().end());
  };
  Tensor x = image;
  for (const auto& stage : graph.stages()) {
    const auto block = stage.make({.in = {shape(x)}, .image = shape(image)});
    block.module->eval();
    x = block.forward({x});
  }
  return x;
}

TEST(Context, ThreeStagesSeeSevenVoxelsToEachSide) {
  torch::manual_seed(1);
  hilum::Graph graph;
  Context::build({.width = 16, .depth = 3}, graph);
  const Tensor image = torch::randn({1, 1, 31, 31}).requires_grad_();
  const Tensor y = run(graph, image);
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{1, 16, 31, 31}));
  y.select(3, 15).select(2, 15).sum().backward();
  const Tensor columns = image.grad().abs().sum(2).flatten().ne(0).nonzero();
  EXPECT_EQ(columns.min().item<int64_t>(), 15 - 7);
  EXPECT_EQ(columns.max().item<int64_t>(), 15 + 7);
}
}  // namespace
