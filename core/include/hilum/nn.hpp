// SPDX-License-Identifier: Apache-2.0
// What plugins share, for 2D and 3D alike. Parameter names are torch's.
#pragma once
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>

#include <cmath>
#include <vector>

#include "hilum/plugin.hpp"

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
    const int64_t pad = o_.dilation * (o_.kernel - 1) / 2;
    return weight.dim() == 4
               ? torch::conv2d(x, weight, bias, o_.stride, pad, o_.dilation, o_.groups)
               : torch::conv3d(x, weight, bias, o_.stride, pad, o_.dilation, o_.groups);
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

/// Batch norm that does not ask for the number of dimensions.
class NormImpl : public nn::BatchNormImplBase<2, NormImpl> {
 public:
  using nn::BatchNormImplBase<2, NormImpl>::BatchNormImplBase;

 protected:
  void _check_input_dim(const Tensor&) override {}
};
TORCH_MODULE(Norm);

inline Tensor max_pool(const Tensor& x, int64_t kernel, int64_t stride, int64_t pad = 0) {
  return x.dim() == 4 ? torch::max_pool2d(x, kernel, stride, pad)
                      : torch::max_pool3d(x, kernel, stride, pad);
}
/// Linear interpolation to `size` ([H,W] or [D,H,W]). Voxels are areas; with `corners`, points
/// whose outermost ones stay where they are (torch's align_corners).
inline Tensor resample(const Tensor& x, at::IntArrayRef size, bool corners = false) {
  return x.dim() == 4 ? torch::upsample_bilinear2d(x, size, corners)
                      : torch::upsample_trilinear3d(x, size, corners);
}
namespace detail {
// y's spatial size as the next resampling's "output_size": else a traced model is bound to the size
// that it was traced at.
inline at::IntArrayRef size_like(const Tensor& y) {
  namespace tracer = torch::jit::tracer;
  if (tracer::isTracing())
    for (int64_t i = 2; i < y.dim(); ++i)
      tracer::ArgumentStash::stashIntArrayRefElem("output_size", static_cast<size_t>(y.dim()) - 2,
                                                  static_cast<size_t>(i) - 2,
                                                  tracer::getSizeOf(y, i));
  return y.sizes().slice(2);
}
inline bool same_size(const Tensor& x, const Tensor& y) {
  return !torch::jit::tracer::isTracing() && x.sizes().slice(2) == y.sizes().slice(2);
}
}  // namespace detail

/// x at y's spatial size; x itself where they agree.
inline Tensor resample_like(const Tensor& x, const Tensor& y, bool corners = false) {
  return detail::same_size(x, y) ? x : resample(x, detail::size_like(y), corners);
}
/// x at y's spatial size, each voxel the one that lies under it; x itself where they agree.
inline Tensor repeat_like(const Tensor& x, const Tensor& y) {
  if (detail::same_size(x, y)) return x;
  const auto size = detail::size_like(y);
  return x.dim() == 4 ? torch::upsample_nearest2d(x, size) : torch::upsample_nearest3d(x, size);
}
/// skip beside x, x brought to skip's size: what a U-shaped decoder reads. A function, so that the
/// temporary dies here and not after the block that reads the result.
inline Tensor join(const Tensor& skip, const Tensor& x) {
  return torch::cat({skip, resample_like(x, skip)}, 1);
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
