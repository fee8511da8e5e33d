// SPDX-License-Identifier: Apache-2.0
// cuda_regularizer_std.so: the kernels of std on a GPU, without LibTorch.
#include <cuda_runtime.h>

#include "cuda_block.hpp"
#include "cuda_call.hpp"
#include "kernel_run.hpp"

namespace soft_threshold {
namespace {
using hilum_kernels::CudaBlock;

// A backward's threads keep sums of their own, so they have twice the registers.
constexpr int kForwardThreads = 1024, kBackwardThreads = 512, kGatherThreads = 256;

template <int H>
__global__ void __launch_bounds__(kForwardThreads) forward_kernel(const ForwardJob job) {
  extern __shared__ float shared[];
  CudaBlock<kForwardThreads> block;
  Forward<H, CudaBlock<kForwardThreads>>(block, job, blockIdx.x, shared).run();
}
template <int H>
__global__ void __launch_bounds__(kBackwardThreads) backward_kernel(const BackwardJob job) {
  extern __shared__ float shared[];
  CudaBlock<kBackwardThreads> block;
  Backward<H, CudaBlock<kBackwardThreads>>(block, job, blockIdx.x, shared).run();
}
template <int H>
__global__ void __launch_bounds__(kGatherThreads) gather_kernel(const GatherJob job) {
  CudaBlock<kGatherThreads> block;
  gather<H>(block, job);
}

struct Launch {
  const KernelCall& call;
  const Plan& plan;
  hilum_kernels::CudaLaunch on;

  Launch(const KernelCall& c, const Plan& p) : call(c), plan(p), on(c.device, c.stream) {}

  void forward(const ForwardJob& job) {
    with_half_size(call.half_size, [&](auto h) {
      on.start(forward_kernel<decltype(h)::value>, blocks(call, plan), kForwardThreads,
               plan.shared_bytes, job);
    });
  }
  void backward(const BackwardJob& job) {
    with_half_size(call.half_size, [&](auto h) {
      on.start(backward_kernel<decltype(h)::value>, blocks(call, plan), kBackwardThreads,
               plan.shared_bytes, job);
    });
  }
  void gather(const GatherJob& job) {
    with_half_size(call.half_size, [&](auto h) {
      on.start(gather_kernel<decltype(h)::value>, 1, kGatherThreads, 0, job);
    });
  }
};

// The same for scratch and for the launches.
Plan plan_for(const KernelCall& c, bool backward) {
  return plan(c, backward ? kBackwardBuffers : kForwardBuffers, hilum_kernels::device(c.device));
}

int64_t scratch(const KernelCall& c, bool backward) {
  const Plan p = plan_for(c, backward);
  if (p.count == 0) return -1;
  return backward ? backward_scratch(c, p) : forward_scratch(c, p);
}

const char* forward(const KernelCall& c, float* states, float* z, void* scratch) {
  const Plan p = plan_for(c, false);
  if (p.count == 0) return hilum_kernels::kNoDevice;
  Launch launch(c, p);
  run_forward(c, p, states, z, scratch, launch);
  return launch.on.failure();
}

const char* backward(const KernelCall& c, const float* states, const float* dz, float* du,
                     float* dshift, float* shared, void* scratch) {
  const Plan p = plan_for(c, true);
  if (p.count == 0) return hilum_kernels::kNoDevice;
  Launch launch(c, p);
  run_backward(c, p, states, dz, du, dshift, shared, scratch, launch);
  return launch.on.failure();
}
}  // namespace
}  // namespace soft_threshold

const soft_threshold::Kernels* hilum_std_kernels() {
  static constexpr soft_threshold::Kernels all{soft_threshold::kKernelsVersion,
                                               hilum_kernels::usable, soft_threshold::scratch,
                                               soft_threshold::forward, soft_threshold::backward};
  return &all;
}
