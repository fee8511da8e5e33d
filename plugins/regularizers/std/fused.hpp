// SPDX-License-Identifier: Apache-2.0
// The unrolled iterations of std.cpp as one operation of autograd, for 2D on a CPU or a GPU.
#pragma once
#include <torch/types.h>

namespace soft_threshold {

using torch::Tensor;

struct Iterations {
  int64_t count;
  bool replicate;
};

/// Whether fused() computes this: [N,K,H,W] of float32, half_size up to 4, on a CPU, or on a GPU
/// whose kernels stand beside the plugin (docs/kernels.md). No trace, where it would be opaque. Off
/// where the environment has HILUM_FUSED=0, to compare.
bool fuses(const Tensor& u, int64_t half_size, const torch::TensorList& others);

/// z, [N,K,H,W]. shift: what is subtracted from u, [N,1,1,1], or undefined; kernel: [half_size+1];
/// lambda1, epsilon: [1]. Gradients to all five, once.
Tensor fused(const Tensor& u, const Tensor& shift, const Tensor& kernel, const Tensor& lambda1,
             const Tensor& epsilon, Iterations iterations);

/// Throws where autograd records a backward, for a gradient of its gradient.
void refuse_second_gradients();

}  // namespace soft_threshold
