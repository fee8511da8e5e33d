// SPDX-License-Identifier: Apache-2.0
// The C interface of cuda_regularizer_std.so, which has the kernels of std for a GPU. All pointers
// to numbers are the device's, float32 and contiguous; nothing waits for the device.
#pragma once
#include <cstdint>

namespace soft_threshold {

struct KernelCall {
  int device;
  void* stream;  // cudaStream_t
  int64_t planes;
  int rows, cols, iterations, half_size;  // half_size: 1 to 4
  bool replicate;
  const float *u, *shift, *weights, *lambda1,
      *epsilon;  // [planes,rows,cols] [planes] [h+1] [1] [1]
};

/// Functions that launch return what went wrong, or null.
struct Kernels {
  int version;
  /// Null where the device can run them.
  const char* (*usable)(int device);
  /// Bytes of scratch that forward or backward needs on the device; negative: it cannot be found.
  int64_t (*scratch)(const KernelCall&, bool backward);
  /// states: x of each iteration, [planes,iterations,rows,cols], or null.
  const char* (*forward)(const KernelCall&, float* states, float* z, void* scratch);
  /// shared: the gradients to weights, λ1 and ε, [h+3], or null where none of them is wanted.
  const char* (*backward)(const KernelCall&, const float* states, const float* dz, float* du,
                          float* dshift, float* shared, void* scratch);
};
constexpr int kKernelsVersion = 1;

}  // namespace soft_threshold

/// The one symbol that the library exports.
extern "C" __attribute__((visibility("default"))) const soft_threshold::Kernels*
hilum_std_kernels();
