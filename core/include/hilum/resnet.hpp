// SPDX-License-Identifier: Apache-2.0
// Residual networks of bottlenecks (He et al. 2016) with torchvision's layout, initial values and
// parameter names, for 2D and 3D alike: a backbone of its own, and the encoder of others.
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "hilum/nn.hpp"

namespace hilum::resnet {

/// A layer of `planes` gives kExpansion * planes channels.
constexpr int64_t kExpansion = 4;

/// Without bias, since batch norm follows. Initial values: normal, of variance 2 / fan-out.
inline Conv conv(int64_t dims, int64_t in, int64_t out, ConvOptions o) {
  o.bias = false;
  Conv made(dims, in, out, o);
  nn::init::kaiming_normal_(made->weight, 0, torch::kFanOut, torch::kReLU);
  return made;
}

/// C1: 7x7 of stride 2, batch norm, ReLU.
struct Stem : nn::Module {
  /// in_channels: what the image must have; 0: anything.
  Stem(const Site& at, int64_t width, int64_t in_channels) {
    const int64_t in = channels(at.in);
    if (in_channels && in_channels != in)
      throw Error("option 'in_channels' is " + std::to_string(in_channels) +
                  ", but the image has " + std::to_string(in) +
                  " channels (data.channels). Set it to " + std::to_string(in) +
                  ", or to 0: as the image has");
    conv1 = register_module("conv1", conv(at.dims(), in, width, {.kernel = 7, .stride = 2}));
    bn1 = register_module("bn1", Norm(width));
  }
  Tensor forward(const Tensor& x) { return bn1->relu(conv1(x)); }
  Conv conv1{nullptr};
  Norm bn1{nullptr};
};

/// 1x1 to `planes`, 3x3, 1x1 to 4 planes, added to the input. The stride is the 3x3's
/// (torchvision's "v1.5"), not the first 1x1's as in the paper. `project`: the input goes through a
/// 1x1 of the same stride, as it must where channels or sizes change.
struct Bottleneck : nn::Module {
  Bottleneck(int64_t dims, int64_t in, int64_t planes, int64_t stride, int64_t dilation,
             bool project) {
    const int64_t out = kExpansion * planes;
    conv1 = register_module("conv1", conv(dims, in, planes, {.kernel = 1}));
    bn1 = register_module("bn1", Norm(planes));
    conv2 = register_module(
        "conv2", conv(dims, planes, planes, {.kernel = 3, .stride = stride, .dilation = dilation}));
    bn2 = register_module("bn2", Norm(planes));
    conv3 = register_module("conv3", conv(dims, planes, out, {.kernel = 1}));
    bn3 = register_module("bn3", Norm(out));
    if (project)
      downsample = register_module(
          "downsample",
          nn::Sequential(conv(dims, in, out, {.kernel = 1, .stride = stride}), Norm(out)));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = conv3(bn2->relu(conv2(bn1->relu(conv1(x)))));
    return bn3->add_relu(y, downsample.is_empty() ? x : downsample->forward(x));
  }
  Conv conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
  Norm bn1{nullptr}, bn2{nullptr}, bn3{nullptr};
  nn::Sequential downsample{nullptr};
};

struct LayerOptions {
  int64_t planes = 64, blocks = 3;
  int64_t stride = 2;    // of the first block
  int64_t dilation = 1;  // of every 3x3, the first block's too
  bool pool = false;     // a 3x3 maximum of stride 2 comes first: C2
};

/// C2 to C5: bottlenecks "0", "1", ... The first one always projects, so that names do not depend
/// on what a fusion adds to its input.
struct Layer : nn::Module {
  Layer(const Site& at, const LayerOptions& o) : pool(o.pool) {
    for (int64_t i = 0, in = channels(at.in); i < o.blocks; ++i, in = kExpansion * o.planes)
      blocks.push_back(register_module(
          std::to_string(i), std::make_shared<Bottleneck>(at.dims(), in, o.planes, i ? 1 : o.stride,
                                                          o.dilation, i == 0)));
  }
  Tensor forward(Tensor x) {
    if (pool) x = max_pool(x, 3, 2, 1);
    for (const auto& block : blocks) x = block->forward(x);
    return x;
  }
  bool pool;
  std::vector<std::shared_ptr<Bottleneck>> blocks;
};

struct Options {
  int64_t width = 64, depth = 5, in_channels = 0;
  std::vector<int64_t> layers{3, 4, 6, 3};  // blocks of C2, C3, C4, C5
  int64_t output_stride = 32;  // later layers get dilation in place of stride: 8, 16 or 32
};

/// Declares C1 to C<depth> on the image; C1 first. `prefix`: where published weights keep the
/// network, "" or "encoder".
inline std::vector<Ref> stages(Graph& g, const Options& o, const std::string& prefix) {
  std::vector<Ref> all{g.stage<Stem>("C1", {g.input()}, o.width, o.in_channels)};
  g.alias(all[0], prefix);
  for (int64_t i = 1; i < o.depth; ++i) {
    const std::string number = std::to_string(i);
    const int64_t dilation = std::max<int64_t>(1, (int64_t{2} << i) / o.output_stride);
    all.push_back(g.stage<Layer>("C" + std::to_string(i + 1), {all.back()},
                                 LayerOptions{.planes = o.width << (i - 1),
                                              .blocks = o.layers.at(static_cast<size_t>(i) - 1),
                                              .stride = i == 1 || dilation > 1 ? 1 : 2,
                                              .dilation = dilation,
                                              .pool = i == 1}));
    g.alias(all.back(), prefix + (prefix.empty() ? "" : ".") + "layer" + number);
  }
  return all;
}

}  // namespace hilum::resnet
