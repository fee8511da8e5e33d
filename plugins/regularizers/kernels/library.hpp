// SPDX-License-Identifier: Apache-2.0
// The library of kernels for a GPU that a plugin may have beside it. Each plugin has its own copy
// of this.
#pragma once
#include <torch/types.h>

namespace hilum_kernels {

/// The address of `name` in cuda_<file of this plugin>, which stands in the same folder; null where
/// it does not. Loads it: to be called where there is a tensor on a GPU, and nowhere else.
void* exported(const char* name);

/// LibTorch's current stream on the device of `u`, a cudaStream_t.
void* stream_of(const torch::Tensor& u);

/// Throws what a function of the library returned, unless that is null.
void require(const char* plugin, const char* failure);

/// Bytes on the device of `u`. Throws where the count is negative.
torch::Tensor scratch(const char* plugin, const torch::Tensor& u, int64_t bytes);

/// Whether u is what the kernels take in: some numbers on a GPU, as many as 32 bits can count.
bool fits(const torch::Tensor& u);

}  // namespace hilum_kernels
