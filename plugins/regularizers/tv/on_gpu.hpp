// SPDX-License-Identifier: Apache-2.0
// The functions of fused.hpp where tensors are on a GPU: one launch forwards, one back, one for
// sums.
#pragma once
#include "fused.hpp"

namespace total_variation {

/// Whether the kernels are there for the device of u.
bool runs_on_gpu(const Tensor& u);

/// As fused_rof(), of float32, contiguous, on one GPU.
Tensor rof_on_gpu(const Tensor& f, const Tensor& lambda, int64_t iterations, bool isotropic,
                  double step, bool graph);
/// As fused_entropic(), likewise. shift: [N*K].
Tensor entropic_on_gpu(const Tensor& u, const Tensor& shift, const Tensor& lambda,
                       const EntropicOptions& options, bool graph);

}  // namespace total_variation
