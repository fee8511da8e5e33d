// SPDX-License-Identifier: Apache-2.0
// cuda_regularizer_tv.so: the kernels of tv on a GPU, without LibTorch.
#include <cuda_runtime.h>

#include "cuda_block.hpp"
#include "cuda_call.hpp"
#include "kernel_run.hpp"

namespace total_variation {
namespace {
using hilum_kernels::CudaBlock;

constexpr int kForwardThreads = 1024, kBackwardThreads = 512, kGatherThreads = 256;

template <class Shape, bool Isotropic>
__global__ void __launch_bounds__(kForwardThreads) forward_kernel(const Job job) {
  extern __shared__ float shared[];
  using Block = CudaBlock<kForwardThreads>;
  Block block;
  typename Kernel<Shape, Isotropic, Block>::Forward(block, job, blockIdx.x, shared).run();
}
template <class Shape, bool Isotropic>
__global__ void __launch_bounds__(kBackwardThreads) backward_kernel(const Job job) {
  extern __shared__ float shared[];
  using Block = CudaBlock<kBackwardThreads>;
  Block block;
  typename Kernel<Shape, Isotropic, Block>::Backward(block, job, blockIdx.x, shared).run();
}
__global__ void __launch_bounds__(kGatherThreads) gather_kernel(const GatherJob job) {
  CudaBlock<kGatherThreads> block;
  gather(block, job);
}

struct Launch {
  const KernelCall& call;
  const Plan& plan;
  hilum_kernels::CudaLaunch on;

  Launch(const KernelCall& c, const Plan& p) : call(c), plan(p), on(c.device, c.stream) {}

  template <class Shape>
  void forward(const Job& job) {
    on.start(call.isotropic ? forward_kernel<Shape, true> : forward_kernel<Shape, false>,
             blocks(call, plan), kForwardThreads, plan.shared_bytes, job);
  }
  template <class Shape>
  void backward(const Job& job) {
    on.start(call.isotropic ? backward_kernel<Shape, true> : backward_kernel<Shape, false>,
             blocks(call, plan), kBackwardThreads, plan.shared_bytes, job);
  }
  void gather(const GatherJob& job) { on.start(gather_kernel, 1, kGatherThreads, 0, job); }
};

// The same for scratch and for the launches.
template <class Shape>
Plan plan_for(const KernelCall& c, bool backward) {
  return plan<Shape>(c, backward, hilum_kernels::device(c.device));
}

template <class Shape>
int64_t scratch_of(const KernelCall& c, bool backward) {
  const Plan p = plan_for<Shape>(c, backward);
  return p.count == 0 ? -1 : scratch<Shape>(c, p, backward);
}

template <class Shape>
const char* forward(const KernelCall& c, float* states, float* z, void* scratch) {
  const Plan p = plan_for<Shape>(c, false);
  if (p.count == 0) return hilum_kernels::kNoDevice;
  Launch launch(c, p);
  run_forward<Shape>(c, p, states, z, scratch, launch);
  return launch.on.failure();
}

template <class Shape>
const char* backward(const KernelCall& c, const float* states, const float* dz, float* du,
                     float* dshift, float* dlambda, void* scratch) {
  const Plan p = plan_for<Shape>(c, true);
  if (p.count == 0) return hilum_kernels::kNoDevice;
  Launch launch(c, p);
  run_backward<Shape>(c, p, states, dz, du, dshift, dlambda, scratch, launch);
  return launch.on.failure();
}

template <class Shape>
constexpr ModelKernels kModel{scratch_of<Shape>, forward<Shape>, backward<Shape>};
}  // namespace
}  // namespace total_variation

const total_variation::Kernels* hilum_tv_kernels() {
  using namespace total_variation;
  static constexpr Kernels all{kKernelsVersion, hilum_kernels::usable, kModel<RofShape>,
                               kModel<EntropicShape>};
  return &all;
}
