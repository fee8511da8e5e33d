// SPDX-License-Identifier: Apache-2.0
// What plugins share, for 2D and 3D alike. Parameter names are torch's.
#pragma once
#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>

#include <cmath>
#include <vector>

#include "hilum/convolution.hpp"
#include "hilum/norm.hpp"
#include "hilum/plugin.hpp"
#include "hilum/resample.hpp"

namespace hilum {
namespace nn = torch::nn;

struct ConvOptions {
  int64_t kernel = 3, stride = 1, dilation = 1, groups = 1;
  bool bias = true;
};

/// 'Same' convolution for odd kernels, [N,C,H,W] or [N,C,D,H,W]. Initialised as torch's own.
class ConvImpl : public nn::Module {
 public:
  ConvImpl(int64_t dims, int64_t in, int64_t out, ConvOptions o = {}) : o_(o) {
    std::vector<int64_t> sizes(static_cast<size_t>(dims) + 2, o.kernel);
    sizes[0] = out, sizes[1] = in / o.groups;
    weight = register_parameter("weight", torch::empty(sizes));
    nn::init::kaiming_uniform_(weight, std::sqrt(5.0));
    bias = register_parameter("bias", o.bias ? torch::empty({out}) : Tensor(), o.bias);
    const double bound = 1 / std::sqrt(static_cast<double>(weight[0].numel()));
    if (o.bias) nn::init::uniform_(bias, -bound, bound);
  }
  Tensor forward(const Tensor& x) {
    return convolution(x, weight, bias,
                       {.stride = o_.stride,
                        .padding = o_.dilation * (o_.kernel - 1) / 2,
                        .dilation = o_.dilation,
                        .groups = o_.groups});
  }
  Tensor weight, bias;

 private:
  ConvOptions o_;
};
TORCH_MODULE(Conv);

/// Transposed convolution with kernel = stride: each voxel becomes stride^dims voxels.
class UpConvImpl : public nn::Module {
 public:
  UpConvImpl(int64_t dims, int64_t in, int64_t out, int64_t stride = 2) : stride_(stride) {
    std::vector<int64_t> sizes(static_cast<size_t>(dims) + 2, stride);
    sizes[0] = in, sizes[1] = out;
    weight = register_parameter("weight", torch::empty(sizes));
    nn::init::kaiming_uniform_(weight, std::sqrt(5.0));
    const double bound = 1 / std::sqrt(static_cast<double>(weight[0].numel()));
    bias = register_parameter("bias", torch::empty({out}));
    nn::init::uniform_(bias, -bound, bound);
  }
  Tensor forward(const Tensor& x) {
    return weight.dim() == 4 ? torch::conv_transpose2d(x, weight, bias, stride_)
                             : torch::conv_transpose3d(x, weight, bias, stride_);
  }
  Tensor weight, bias;

 private:
  int64_t stride_;
};
TORCH_MODULE(UpConv);

inline Tensor max_pool(const Tensor& x, int64_t kernel, int64_t stride, int64_t pad = 0) {
  return x.dim() == 4 ? torch::max_pool2d(x, kernel, stride, pad)
                      : torch::max_pool3d(x, kernel, stride, pad);
}
/// Each [N,C,...] by its mean (or maximum) over space, what is [N,F] already as it is, side by
/// side.
inline Tensor pooled(const std::vector<Tensor>& in, bool maximum = false) {
  std::vector<Tensor> all;
  for (const auto& x : in)
    all.push_back(x.dim() == 2 ? x : maximum ? x.flatten(2).amax(2) : x.flatten(2).mean(2));
  return all.size() == 1 ? all[0] : torch::cat(all, 1);
}
/// The channels of all inputs together.
inline int64_t channels(const std::vector<Shape>& in) {
  int64_t sum = 0;
  for (const auto& shape : in) sum += shape.channels();
  return sum;
}

}  // namespace hilum
