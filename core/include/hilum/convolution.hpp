// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/types.h>

#include "hilum/error.hpp"

namespace hilum {
using torch::Tensor;

struct ConvolutionOptions {
  int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
};
/// Of [N,C,H,W] or [N,C,D,H,W]; an undefined bias is none. LibTorch's; but on a CPU in bfloat16,
/// channels last, the gradient to the weight of a small image is one matrix product: LibTorch's
/// takes 2 to 15 times as long there, most with a dilation.
HILUM_API Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             const ConvolutionOptions& options);

}  // namespace hilum
