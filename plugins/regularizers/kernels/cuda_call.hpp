// SPDX-License-Identifier: Apache-2.0
// Devices and launches for the kernels' libraries. For nvcc alone.
#pragma once
#include <utility>

#include "cuda_block.hpp"
#include "tiling.hpp"

namespace hilum_kernels {

/// Null where the device has what the libraries are compiled for: sm_80 and later.
inline const char* usable(int device) {
  int major = 0;
  const auto result = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  if (result != cudaSuccess) return cudaGetErrorString(result);
  return major >= 8 ? nullptr : "the device is older than compute capability 8.0";
}

constexpr const char* kNoDevice = "the device does not say what it has";

/// Without shared memory where the device cannot be asked.
inline Device device(int number) {
  int processors = 0, bytes = 0;
  if (cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, number) != cudaSuccess ||
      cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, number) !=
          cudaSuccess)
    return {1, 0};
  return {processors, bytes - kBlockBytes};
}

/// Launches on one stream; after a failure it does nothing more.
class CudaLaunch {
 public:
  // LibTorch has made this device the current one; its runtime is another copy than ours.
  CudaLaunch(int device, void* stream)
      : stream_(static_cast<cudaStream_t>(stream)), result_(cudaSetDevice(device)) {}

  template <class Job>
  void start(void (*kernel)(Job), int64_t blocks, int threads, int64_t shared_bytes,
             const Job& job) {
    if (result_ != cudaSuccess) return;
    result_ = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(shared_bytes));
    if (result_ != cudaSuccess) return;
    kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads),
             static_cast<size_t>(shared_bytes), stream_>>>(job);
    result_ = cudaGetLastError();
  }
  /// What went wrong, or null.
  const char* failure() const {
    if (result_ == cudaSuccess) return nullptr;
    cudaGetLastError();  // the runtime keeps it, and a later launch would be taken for failed
    return cudaGetErrorString(result_);
  }

 private:
  cudaStream_t stream_;
  cudaError_t result_;
};

}  // namespace hilum_kernels
