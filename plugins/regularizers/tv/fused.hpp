// SPDX-License-Identifier: Apache-2.0
// The unrolled iterations of tv.cpp as one operation of autograd, for 2D on a CPU or a GPU.
#pragma once
#include <torch/types.h>

namespace total_variation {

using torch::Tensor;

/// Whether the functions below compute this: [N,K,H,W] of float32 on a CPU, or on a GPU whose
/// kernels stand beside the plugin (docs/kernels.md). No trace, where they would be opaque. Off
/// where the environment has HILUM_FUSED=0, to compare.
bool fuses(const Tensor& u, const torch::TensorList& others);

/// f - λ div p after `iterations` from p = 0; f: [N,K,H,W], lambda: [1]. Gradients to both, once.
Tensor fused_rof(const Tensor& f, const Tensor& lambda, int64_t iterations, bool isotropic,
                 double step);

struct EntropicOptions {
  int64_t iterations;
  bool isotropic;
  double epsilon, step;
};
/// z = (u - shift - div ξ)/ε after `iterations` from ξ = 0; u: [N,K,H,W], shift: [N,1,1,1] or
/// undefined, lambda: [1]. Gradients to the three, once.
Tensor fused_entropic(const Tensor& u, const Tensor& shift, const Tensor& lambda,
                      const EntropicOptions& options);

/// Throws where autograd records a backward, for a gradient of its gradient.
void refuse_second_gradients();

}  // namespace total_variation
