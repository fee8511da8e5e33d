// SPDX-License-Identifier: Apache-2.0
// The Block of block.hpp on a GPU. For nvcc alone.
#pragma once
#include "block.hpp"

namespace hilum_kernels {

constexpr int kMostSums = 16;
/// What CudaBlock itself takes of a block's shared memory.
constexpr int kBlockBytes = kMostSums * 32 * static_cast<int>(sizeof(double));

/// Of `Threads` threads, whole warps, one in x alone.
template <int Threads>
struct CudaBlock {
  template <class T, int N>
  struct Own {
    T values[N];
    __device__ __forceinline__ explicit Own(CudaBlock&) {
#pragma unroll
      for (int k = 0; k < N; ++k) values[k] = 0;
    }
    __device__ __forceinline__ T& operator[](int k) { return values[k]; }
  };

  template <class F>
  __device__ __forceinline__ void each(Area area, F f) {
    for (Walk at(area, static_cast<int>(threadIdx.x), Threads); !at.ends(); at.step())
      f(at.row(), at.col());
    __syncthreads();
  }
  template <class F>
  __device__ __forceinline__ void threads(F f) {
    f();
  }

  // Within a warp by halves, then warp after warp.
  template <int N>
  __device__ __forceinline__ void sum(Own<double, N>& own, double* to) {
    static_assert(N <= kMostSums && Threads % 32 == 0 && Threads >= 32);
    __shared__ double of_warps[kMostSums * 32];
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      double some = own[k];
      for (int by = 16; by > 0; by /= 2) some += __shfl_down_sync(0xffffffffU, some, by);
      if (lane == 0) of_warps[k * 32 + warp] = some;
    }
    __syncthreads();
    if (threadIdx.x < N) {
      double all = 0;
      for (int i = 0; i < Threads / 32; ++i) all += of_warps[threadIdx.x * 32 + i];
      to[threadIdx.x] = all;
    }
    __syncthreads();
  }
};

}  // namespace hilum_kernels
