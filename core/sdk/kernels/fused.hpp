// SPDX-License-Identifier: Apache-2.0
// What operations written by hand have in common.
#pragma once
#include <torch/types.h>

#include <string>

#include "hilum/error.hpp"
#include "hilum/simd.hpp"

namespace hilum {
using torch::Tensor;

inline at::MemoryFormat channels_last(const Tensor& x) {
  return x.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
}
/// An image of a CPU that lies in memory as rows of channels, float32 or bfloat16.
inline bool is_rows(const Tensor& x) {
  return x.device().is_cpu() && (x.dim() == 4 || x.dim() == 5) && x.numel() > 0 &&
         (x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat) &&
         x.is_contiguous(channels_last(x));
}

/// In a backward by hand: nothing wrong instead of a gradient of the gradient.
inline void refuse_second_gradients(const char* what) {
  if (at::GradMode::is_enabled())
    throw Error(std::string(what) +
                ": a gradient of its gradient was asked for, which its kernel does not give. Set "
                "HILUM_FUSED=0 in the environment");
}

/// Calls work with a null pointer to what a value of x is for a kernel: float, or the uint16_t that
/// holds a bfloat16.
template <class F>
void of_type(const Tensor& x, F work) {
  if (x.scalar_type() == at::kBFloat16)
    work(static_cast<uint16_t*>(nullptr));
  else
    work(static_cast<float*>(nullptr));
}
/// Null for an undefined tensor.
template <class T>
T* data(const Tensor& x) {
  return x.defined() ? static_cast<T*>(x.data_ptr()) : nullptr;
}

}  // namespace hilum
