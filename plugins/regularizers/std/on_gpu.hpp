// SPDX-License-Identifier: Apache-2.0
// fused() of fused.hpp where tensors are on a GPU: one launch forwards, one back, one for sums.
#pragma once
#include "fused.hpp"

namespace soft_threshold {

/// Whether the kernels are there for the device of u.
bool runs_on_gpu(const Tensor& u);

/// As fused(), of float32, contiguous, on one GPU. shift: [N*K].
Tensor fused_on_gpu(const Tensor& u, const Tensor& shift, const Tensor& kernel,
                    const Tensor& lambda1, const Tensor& epsilon, Iterations iterations,
                    bool graph);

}  // namespace soft_threshold
