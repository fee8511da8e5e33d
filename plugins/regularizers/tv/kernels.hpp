// SPDX-License-Identifier: Apache-2.0
// The C interface of cuda_regularizer_tv.so, which has the kernels of tv for a GPU. All pointers to
// numbers are the device's, float32 and contiguous; nothing waits for the device.
#pragma once
#include <cstdint>

namespace total_variation {

struct KernelCall {
  int device;
  void* stream;  // cudaStream_t
  int64_t planes;
  int rows, cols, iterations;
  bool isotropic;
  float step, epsilon;              // rof has no epsilon
  const float *u, *shift, *lambda;  // [planes,rows,cols] [planes] [1]; rof has no shift: null
};

/// One model. Functions that launch return what went wrong, or null.
struct ModelKernels {
  /// Bytes of scratch that forward or backward needs on the device; negative: it cannot be found.
  int64_t (*scratch)(const KernelCall&, bool backward);
  /// states: [planes,iterations,fields,rows,cols], or null.
  const char* (*forward)(const KernelCall&, float* states, float* z, void* scratch);
  /// dshift: [planes], or null; dlambda: [1].
  const char* (*backward)(const KernelCall&, const float* states, const float* dz, float* du,
                          float* dshift, float* dlambda, void* scratch);
};

struct Kernels {
  int version;
  /// Null where the device can run them.
  const char* (*usable)(int device);
  ModelKernels rof, entropic;  // 2 fields, p; 3 fields, ξ and x
};
constexpr int kKernelsVersion = 1;

}  // namespace total_variation

/// The one symbol that the library exports.
extern "C" __attribute__((visibility("default"))) const total_variation::Kernels*
hilum_tv_kernels();
