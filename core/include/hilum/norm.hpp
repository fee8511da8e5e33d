// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/nn/modules/batchnorm.h>

#include "hilum/error.hpp"

namespace hilum {
namespace nn = torch::nn;
using torch::Tensor;

/// Batch norm that does not ask for the number of dimensions, [N,C,...], and what stands beside it
/// in networks. On a CPU, channels last, each of these is one operation with a gradient written by
/// hand; elsewhere LibTorch's, one after the other. HILUM_FUSED=0 in the environment: LibTorch's.
class HILUM_API NormImpl : public nn::BatchNormImplBase<2, NormImpl> {
 public:
  using nn::BatchNormImplBase<2, NormImpl>::BatchNormImplBase;
  Tensor forward(const Tensor& x) { return apply(x, {}, false); }
  /// max(0, norm(x))
  Tensor relu(const Tensor& x) { return apply(x, {}, true); }
  /// norm(x) + y
  Tensor add(const Tensor& x, const Tensor& y) { return apply(x, y, false); }
  /// max(0, norm(x) + y): the end of a residual block.
  Tensor add_relu(const Tensor& x, const Tensor& y) { return apply(x, y, true); }

 protected:
  void _check_input_dim(const Tensor&) override {}

 private:
  Tensor apply(const Tensor& x, const Tensor& y, bool relu);
};
TORCH_MODULE(Norm);

}  // namespace hilum
