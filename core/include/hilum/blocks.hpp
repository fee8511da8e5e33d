// SPDX-License-Identifier: Apache-2.0
// Blocks that several networks are made of, for 2D and 3D alike.
#pragma once
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hilum/nn.hpp"

namespace hilum {

/// A spatial convolution for each channel alone, then 1x1 across channels. Kernel, stride and
/// dilation are the first one's, the bias is the second one's.
class SeparableConvImpl : public nn::Module {
 public:
  SeparableConvImpl(int64_t dims, int64_t in, int64_t out, ConvOptions o = {}) {
    const ConvOptions one_by_one{.kernel = 1, .bias = o.bias};
    o.groups = in, o.bias = false;
    depthwise = register_module("depthwise", Conv(dims, in, in, o));
    pointwise = register_module("pointwise", Conv(dims, in, out, one_by_one));
  }
  Tensor forward(const Tensor& x) { return pointwise(depthwise(x)); }
  Conv depthwise{nullptr}, pointwise{nullptr};
};
TORCH_MODULE(SeparableConv);

struct ResidualOptions {
  int64_t stride = 1;      // of the first convolution and of the shortcut
  bool first = false;      // the network's first unit: no batch norm and ReLU before it
  bool separable = false;  // the first convolution is a SeparableConv
  bool bias = false;       // in all convolutions
  int64_t shortcut = 1;    // the kernel of the shortcut's convolution
};

/// Pre-activation residual unit (He et al. 2016), as U-shaped networks use it: twice batch norm,
/// ReLU and 3x3, beside a convolution with batch norm. Not squashed at the end.
class ResidualUnitImpl : public nn::Module {
 public:
  ResidualUnitImpl(int64_t dims, int64_t in, int64_t out, const ResidualOptions& o = {}) {
    if (!o.first) norm1 = register_module("norm1", Norm(in));
    const ConvOptions narrowing{.stride = o.stride, .bias = o.bias};
    if (o.separable)
      separable1 = register_module("conv1", SeparableConv(dims, in, out, narrowing));
    else
      conv1 = register_module("conv1", Conv(dims, in, out, narrowing));
    norm2 = register_module("norm2", Norm(out));
    conv2 = register_module("conv2", Conv(dims, out, out, ConvOptions{.bias = o.bias}));
    shortcut = register_module(
        "shortcut",
        Conv(dims, in, out, ConvOptions{.kernel = o.shortcut, .stride = o.stride, .bias = o.bias}));
    shortcut_norm = register_module("shortcut_norm", Norm(out));
  }
  Tensor forward(const Tensor& x) {
    return shortcut_norm->add(shortcut(x), conv2(norm2->relu(narrowed(x))));
  }
  Norm norm1{nullptr}, norm2{nullptr}, shortcut_norm{nullptr};
  Conv conv1{nullptr}, conv2{nullptr}, shortcut{nullptr};
  SeparableConv separable1{nullptr};

 private:
  Tensor narrowed(const Tensor& x) {
    const Tensor y = norm1.is_empty() ? x : norm1->relu(x);
    return conv1.is_empty() ? separable1(y) : conv1(y);
  }
};
TORCH_MODULE(ResidualUnit);

struct AsppOptions {
  std::vector<int64_t> rates{1, 5, 10, 15};  // one branch each: 3x3 with this dilation, batch norm
  bool relu = true;                          // at the end of each branch
  bool bias = false;                         // in the branches' convolutions
  bool sum = false;          // of the branches before the 1x1, instead of all side by side
  bool project_norm = true;  // batch norm and ReLU after the 1x1; without them it has a bias
};

/// Atrous spatial pyramid pooling: the same feature at several dilations. The branches are conv1,
/// norm1, conv2, norm2, ..., the 1x1 is `project`.
class ASPPImpl : public nn::Module {
 public:
  ASPPImpl(int64_t dims, int64_t in, int64_t out, const AsppOptions& o = {}) : o_(o) {
    if (o.rates.empty()) throw Error("ASPP without rates has no branch; give at least one");
    for (const auto rate : o.rates) {
      const std::string i = std::to_string(convs_.size() + 1);
      convs_.push_back(register_module(
          "conv" + i, Conv(dims, in, out, ConvOptions{.dilation = rate, .bias = o.bias})));
      norms_.push_back(register_module("norm" + i, Norm(out)));
    }
    const int64_t wide = o.sum ? out : out * static_cast<int64_t>(o.rates.size());
    project = register_module(
        "project", Conv(dims, wide, out, ConvOptions{.kernel = 1, .bias = !o.project_norm}));
    if (o.project_norm) project_norm = register_module("project_norm", Norm(out));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = project(joined(x));
    return project_norm.is_empty() ? y : project_norm->relu(y);
  }
  Conv project{nullptr};
  Norm project_norm{nullptr};

 private:
  Tensor branch(size_t i, const Tensor& x) {
    const Tensor y = convs_[i](x);
    return o_.relu ? norms_[i]->relu(y) : norms_[i](y);
  }
  Tensor joined(const Tensor& x) {
    if (o_.sum) {
      Tensor sum = branch(0, x);
      for (size_t i = 1; i < convs_.size(); ++i) sum = sum + branch(i, x);
      return sum;
    }
    std::vector<Tensor> all;
    for (size_t i = 0; i < convs_.size(); ++i) all.push_back(branch(i, x));
    return torch::cat(all, 1);
  }
  AsppOptions o_;
  std::vector<Conv> convs_;
  std::vector<Norm> norms_;
};
TORCH_MODULE(ASPP);

/// Scales each channel by a factor in (0,1) that the channels' means decide. The narrow layer has
/// channels / ratio units, at least one; no biases.
class SqueezeExciteImpl : public nn::Module {
 public:
  SqueezeExciteImpl(int64_t channels, int64_t ratio) {
    const int64_t narrow = std::max<int64_t>(1, channels / ratio);
    squeeze =
        register_module("squeeze", nn::Linear(nn::LinearOptions(channels, narrow).bias(false)));
    excite = register_module("excite", nn::Linear(nn::LinearOptions(narrow, channels).bias(false)));
  }
  Tensor forward(const Tensor& x) {
    const bool flat = x.dim() == 4;
    const Tensor mean = flat ? x.mean({2, 3}) : x.mean({2, 3, 4});  // [N,C]
    const Tensor factor = excite(squeeze(mean).relu_()).sigmoid().unsqueeze(-1).unsqueeze(-1);
    return x * (flat ? factor : factor.unsqueeze(-1));
  }
  nn::Linear squeeze{nullptr}, excite{nullptr};
};
TORCH_MODULE(SqueezeExcite);

/// Brings in[i] to in[0]'s channels: a 1x1 without bias; an empty holder where they are equal. For
/// fusions that add features. Throws Error (request) where they differ and it may not (`allowed`).
inline Conv projection(const Site& at, size_t i, bool allowed) {
  const int64_t to = at.in[0].channels(), from = at.in[i].channels();
  if (from == to) return Conv(nullptr);
  if (!allowed)
    throw Error("equal channels are needed, and the features have " + std::to_string(to) + " and " +
                    std::to_string(from) +
                    ". Set project = \"auto\" for a learned 1x1 between them",
                Fault::request);
  return Conv(at.dims(), from, to, ConvOptions{.kernel = 1, .bias = false});
}

}  // namespace hilum
